//! Choosing a folder on the bridge's machine.

use leptos::prelude::*;
use shared::api::{Folder, NewFolder};

use super::icon::Icon;
use crate::component::flow::Show;
use crate::link::enter::{problem, request, text};

/// A browser of folders; `chosen` gets the absolute path.
#[component]
pub fn Folders(start: String, #[prop(into)] chosen: Callback<String>) -> impl IntoView {
    let (folder, error) = (RwSignal::new(None::<Folder>), RwSignal::new(None::<String>));
    let name = RwSignal::new(String::new());
    let show = move |answer: Result<Folder, String>| match answer {
        Ok(found) => {
            error.set(None);
            folder.set(Some(found));
        }
        Err(why) => error.set(Some(why)),
    };
    let go = move |path: String| {
        leptos::task::spawn_local(async move {
            let found = look(&path).await;
            let lost = found.is_err() && folder.with_untracked(Option::is_none);
            let why = found.as_ref().err().cloned();
            show(found);
            // Where one begins may be gone, or no path: then one begins at home, and sees why.
            if lost && !path.is_empty() {
                show(look("").await);
                error.set(why);
            }
        });
    };
    let make = move || {
        let Some(path) = folder.with_untracked(|folder| folder.as_ref().map(|folder| folder.path.clone()))
        else {
            return;
        };
        let path = format!("{}/{}", path.trim_end_matches('/'), name.get_untracked().trim());
        leptos::task::spawn_local(async move {
            let body = serde_json::to_string(&NewFolder { path }).unwrap_or_default();
            show(read(request("POST", "/api/folders", Some(&body)).await).await);
            name.set(String::new());
        });
    };
    go(start);
    let up = move || folder.with(|folder| folder.as_ref().and_then(|folder| folder.parent.clone()));
    view! {
        <div class="body">
            <div class="row">
                <button class="button" data-size="sm" disabled=move || up().is_none() on:click=move |_| up().into_iter().for_each(go)>"Up"</button>
                <span class="mono clip">{move || folder.with(|folder| folder.as_ref().map(|folder| folder.path.clone()))}</span>
            </div>
            <Show when=move || error.read().is_some()>
                <p class="hint" data-state="error" role="alert">{move || error.get()}</p>
            </Show>
            <div class="listed">
                {move || folder.with(|folder| folder.as_ref().map(|folder| {
                    if folder.entries.is_empty() {
                        return view! { <p class="meta">"No folders in here."</p> }.into_any();
                    }
                    folder.entries.iter().cloned().map(|entry| view! {
                        <button on:click=move |_| go(entry.path.clone())>
                            <Icon name="folder"/>
                            <span class="clip">{entry.name.clone()}</span>
                            {entry.git.then(|| view! { <span class="tag push">"git"</span> })}
                        </button>
                    }).collect_view().into_any()
                }))}
            </div>
            <div class="row">
                <input class="input" aria-label="Name of a new folder" placeholder="New folder" prop:value=move || name.get() on:input=move |event| name.set(event_target_value(&event))/>
                <button class="button" disabled=move || name.read().trim().is_empty() on:click=move |_| make()>"Make"</button>
            </div>
        </div>
        <footer>
            <Show when=move || folder.with(|folder| folder.as_ref().is_some_and(|folder| !folder.writable))>
                <span class="hint" data-state="error">"You may not write here; agents could only read."</span>
            </Show>
            <button class="button" data-kind="solid" disabled=move || folder.read().is_none() on:click=move |_| {
                if let Some(path) = folder.with_untracked(|folder| folder.as_ref().map(|folder| folder.path.clone())) {
                    chosen.run(path);
                }
            }>"Use this folder"</button>
        </footer>
    }
}

async fn look(path: &str) -> Result<Folder, String> {
    let path = js_sys::encode_uri_component(path).as_string().unwrap_or_default();
    read(request("GET", &format!("/api/folders?path={path}"), None).await).await
}

async fn read(answer: Option<web_sys::Response>) -> Result<Folder, String> {
    let answer = answer.ok_or("The bridge does not answer.")?;
    if answer.ok() {
        return serde_json::from_str(&text(&answer).await).map_err(|error| error.to_string());
    }
    Err(problem(&answer).await)
}
