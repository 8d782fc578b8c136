//! Where a goal begins: whether it works in a worktree of its own, and having the bridge make that.

use leptos::prelude::*;
use shared::api::{MadeWorktree, NewWorktree};

use crate::desk::Desk;
use crate::link::enter::call;

/// The choice, and whether its worktree is being made.
#[derive(Clone, Copy)]
pub struct Apart {
    chosen: RwSignal<bool>,
    making: RwSignal<bool>,
}

impl Apart {
    pub fn new() -> Self {
        Self { chosen: RwSignal::new(false), making: RwSignal::new(false) }
    }

    pub fn is_making(self) -> bool {
        self.making.get()
    }

    /// Begins what is to be done in `folder`: there, or in a worktree that is made for it first. Nothing while another is
    /// being made, or for whoever has gone elsewhere meanwhile, who finds it among the bridge's worktrees.
    pub fn begin(self, desk: Desk, folder: String, purpose: String, begin: impl FnOnce(&str) + 'static) {
        if self.making.get_untracked() {
            return;
        }
        if !self.chosen.get_untracked() {
            return begin(&folder);
        }
        self.making.set(true);
        leptos::task::spawn_local(async move {
            let made = worktree(folder, purpose).await;
            if self.making.try_set(false).is_some() {
                return;
            }
            match made {
                Ok(made) => {
                    made.left().into_iter().for_each(|left| desk.say(left, false));
                    begin(&made.worktree.folder);
                }
                Err(why) => desk.say(format!("Not started: {why}"), false),
            }
        });
    }
}

async fn worktree(folder: String, purpose: String) -> Result<MadeWorktree, String> {
    let sent = serde_json::to_string(&NewWorktree { folder, purpose }).map_err(|error| error.to_string())?;
    let made = call("POST", "/api/worktrees", Some(&sent)).await?;
    serde_json::from_str(&made).map_err(|error| error.to_string())
}

#[component]
pub fn ApartChoice(apart: Apart) -> impl IntoView {
    let Apart { chosen, .. } = apart;
    view! {
        <label class="choice">
            <input type="checkbox" prop:checked=move || chosen.get() on:change=move |event| chosen.set(event_target_checked(&event))/>
            <span>"In a worktree of its own"<br/><span class="hint">"A copy of what is committed, on a new branch: your own checkout stays as it is, and other goals do not meet it."</span></span>
        </label>
    }
}
