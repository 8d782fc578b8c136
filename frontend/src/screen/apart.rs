//! Where a goal begins: whether it works in a worktree of its own, and having the bridge make that.

use leptos::prelude::*;
use shared::api::{MadeWorktree, NewWorktree};

use crate::desk::Desk;
use crate::link::enter::{call, problem, request_within};

/// How long the bridge is asked for the folder, in ms; one that does not answer finds it when it is there again.
const PATIENCE: u32 = 2_000;

/// What is said to whoever has gone elsewhere while it began.
pub const BEGUN: &str = "What you asked for has begun; it is among your goals.";

/// The choice, and what is being done about it.
#[derive(Clone, Copy)]
pub struct Apart {
    chosen: RwSignal<bool>,
    doing: RwSignal<Option<&'static str>>,
    /// Why nothing can begin in the folder.
    trouble: RwSignal<Option<String>>,
}

/// Whether the person still has the form before them in which they began something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Waits,
    Left,
}

impl Apart {
    pub fn new(chosen: bool) -> Self {
        Self { chosen: RwSignal::new(chosen), doing: RwSignal::new(None), trouble: RwSignal::new(None) }
    }

    /// Whether it shall be in a worktree of its own; tracked.
    pub fn is_chosen(self) -> bool {
        self.chosen.get()
    }

    /// What is being done, in words; tracked.
    pub fn doing(self) -> Option<&'static str> {
        self.doing.get()
    }

    /// Begins what is to be done in `folder`: there, or in a worktree that is made for it first; also for whoever has gone
    /// elsewhere meanwhile. Where neither can be it is said why, and what was written stays. Nothing while another is
    /// beginning.
    pub fn begin(self, desk: Desk, folder: String, purpose: String, begin: impl FnOnce(&str, Who) + 'static) {
        if self.doing.with_untracked(Option::is_some) {
            return;
        }
        let apart = self.chosen.get_untracked();
        self.doing.set(Some(if apart { "Making a worktree…" } else { "Looking at the folder…" }));
        self.trouble.set(None);
        leptos::task::spawn_local(async move {
            let place =
                if apart { worktree(folder, purpose).await.map(Place::Made) } else { there(folder).await };
            let who = if self.doing.try_set(None).is_some() { Who::Left } else { Who::Waits };
            match place {
                Ok(Place::Made(made)) => {
                    made.left().into_iter().for_each(|left| desk.say(left, false));
                    begin(&made.worktree.folder, who);
                }
                Ok(Place::There(folder)) => begin(&folder, who),
                Err(why) => {
                    let why = format!("Not started: {why}");
                    if self.trouble.try_set(Some(why.clone())).is_some() {
                        desk.say(why, false);
                    }
                }
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
    match request_within(PATIENCE, &format!("/api/folders?path={path}")).await {
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
