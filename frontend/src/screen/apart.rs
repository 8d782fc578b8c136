//! Where a goal begins: whether it works in a worktree of its own, and having the bridge make that.

use leptos::prelude::*;
use shared::api::{MadeWorktree, NewWorktree};

use crate::desk::Desk;
use crate::link::enter::{call, problem, request};

/// The choice, and whether its worktree is being made.
#[derive(Clone, Copy)]
pub struct Apart {
    chosen: RwSignal<bool>,
    making: RwSignal<bool>,
    /// Why nothing can begin in the folder.
    trouble: RwSignal<Option<String>>,
}

impl Apart {
    pub fn new() -> Self {
        Self { chosen: RwSignal::new(false), making: RwSignal::new(false), trouble: RwSignal::new(None) }
    }

    pub fn is_making(self) -> bool {
        self.making.get()
    }

    /// Begins what is to be done in `folder`: there, or in a worktree that is made for it first. Where neither can be it is
    /// said why, and what was written stays. Nothing while another is being made, or for whoever has gone elsewhere
    /// meanwhile, who finds it among the bridge's worktrees.
    pub fn begin(self, desk: Desk, folder: String, purpose: String, begin: impl FnOnce(&str) + 'static) {
        if self.making.get_untracked() {
            return;
        }
        self.making.set(true);
        self.trouble.set(None);
        let apart = self.chosen.get_untracked();
        leptos::task::spawn_local(async move {
            let place =
                if apart { worktree(folder, purpose).await.map(Place::Made) } else { there(folder).await };
            if self.making.try_set(false).is_some() {
                return;
            }
            match place {
                Ok(Place::Made(made)) => {
                    made.left().into_iter().for_each(|left| desk.say(left, false));
                    begin(&made.worktree.folder);
                }
                Ok(Place::There(folder)) => begin(&folder),
                Err(why) => self.trouble.set(Some(format!("Not started: {why}"))),
            }
        });
    }
}

enum Place {
    There(String),
    Made(MadeWorktree),
}

/// The folder, as the bridge finds it. One that does not answer finds it when it is there again.
async fn there(folder: String) -> Result<Place, String> {
    let path = js_sys::encode_uri_component(&folder).as_string().unwrap_or_default();
    match request("GET", &format!("/api/folders?path={path}"), None).await {
        Some(answer) if !answer.ok() => Err(problem(&answer).await),
        Some(_) | None => Ok(Place::There(folder)),
    }
}

async fn worktree(folder: String, purpose: String) -> Result<MadeWorktree, String> {
    let sent = serde_json::to_string(&NewWorktree { folder, purpose }).map_err(|error| error.to_string())?;
    let made = call("POST", "/api/worktrees", Some(&sent)).await?;
    serde_json::from_str(&made).map_err(|error| error.to_string())
}

#[component]
pub fn ApartChoice(apart: Apart) -> impl IntoView {
    let Apart { chosen, trouble, .. } = apart;
    view! {
        {move || trouble.get().map(|why| view! { <span class="hint" data-state="error" role="alert">{why}</span> })}
        <label class="choice">
            <input type="checkbox" prop:checked=move || chosen.get() on:change=move |event| chosen.set(event_target_checked(&event))/>
            <span>"In a worktree of its own"<br/><span class="hint">"A copy of what is committed, on a new branch: your own checkout stays as it is, and other goals do not meet it."</span></span>
        </label>
    }
}
