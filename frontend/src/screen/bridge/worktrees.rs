//! The worktrees that goals work in: what each is for, what it holds, and what may become of it.

use conductor::words::amount;
use conductor::worktree::Kept;
use leptos::prelude::*;
use shared::api::{ChosenWorktree, Holds, Stands, WorktreeView};
use shared::id::TaskId;
use shared::unit::Bytes;

use super::{Answer, pending};
use crate::component::flow::{For, Show};
use crate::desk::Desk;
use crate::link::enter::call;
use crate::place::Here;
use crate::words::moment;

#[component]
pub fn Worktrees() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let found: Answer<Vec<WorktreeView>> = RwSignal::new(None);
    let look = move || {
        leptos::task::spawn_local(async move {
            let answer = call("GET", "/api/worktrees", None).await;
            let answer =
                answer.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
            found.try_set(Some(answer));
        });
    };
    // Once now, and again whenever the log tells of one.
    let told = Memo::new(move |_| {
        desk.read(|state| {
            let changed = |kept: &Kept| kept.removed.as_ref().map_or(kept.since, |removed| removed.at);
            (state.worktrees.len(), state.worktrees.values().map(changed).max())
        })
    });
    Effect::new(move |_| {
        told.track();
        look();
    });
    let all = Memo::new(move |_| match &*found.read() {
        Some(Ok(found)) => found.clone(),
        _ => Vec::new(),
    });
    let sum = move || {
        let all = all.read();
        let there = all.iter().filter_map(|view| match &view.stands {
            Stands::There { holds, .. } => Some(holds.bytes.0),
            _ => None,
        });
        format!("{} on the disk, {}", there.clone().count(), amount(Bytes(there.sum())))
    };
    view! {
        {pending(found)}
        <Show when=move || found.with(|found| matches!(found, Some(Ok(all)) if all.is_empty()))>
            <p class="quiet">"There are none. A goal that is to work in a worktree of its own gets one: choose that below the folder where you state it."</p>
        </Show>
        <Show when=move || !all.read().is_empty()>
            <p class="meta">{sum}</p>
            <ul class="listed">
                <For each=move || all.get() key=|view| format!("{} {}", view.path, stands(view)) children=move |view| view! { <Row view=view look=Callback::new(move |()| look())/> }/>
            </ul>
        </Show>
    }
}

/// What is asked of the bridge about one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Remove,
    BringBack,
    Adopt,
}

impl Wish {
    fn of(stands: &Stands) -> Option<Self> {
        match stands {
            Stands::There { known: true, .. } | Stands::Gone => Some(Self::Remove),
            Stands::There { known: false, .. } => Some(Self::Adopt),
            Stands::Removed { .. } => Some(Self::BringBack),
            Stands::Unreadable { .. } => None,
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Remove => "/api/worktrees/remove",
            Self::BringBack => "/api/worktrees/bring-back",
            Self::Adopt => "/api/worktrees/adopt",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Remove => "Remove",
            Self::BringBack => "Bring back",
            Self::Adopt => "Keep",
        }
    }
}

/// One of them; it takes two clicks to remove it.
#[component]
fn Row(view: WorktreeView, look: Callback<()>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let (sure, busy) = (RwSignal::new(false), RwSignal::new(false));
    let wish = Wish::of(&view.stands);
    let ignored = match &view.stands {
        Stands::There { holds, .. } => holds.ignored,
        _ => 0,
    };
    let name = view.branch.clone().unwrap_or_else(|| view.path.clone());
    let path = StoredValue::new(view.path.clone());
    let carry_out = move |wish: Wish| {
        busy.set(true);
        leptos::task::spawn_local(async move {
            // Whoever clicked twice has read what goes; of what came since nothing does.
            let chosen = ChosenWorktree { path: path.get_value(), with_ignored: ignored > 0 };
            let sent = serde_json::to_string(&chosen).unwrap_or_default();
            if let Err(why) = call("POST", wish.path(), Some(&sent)).await {
                desk.say(why, false);
            }
            busy.try_set(false);
            look.run(());
        });
    };
    let warning = match ignored {
        0 => "What is not committed is kept in a commit, and it can be brought back.".to_owned(),
        1 => "What is not committed is kept in a commit. One file that git ignores goes for good.".to_owned(),
        many => {
            format!("What is not committed is kept in a commit. {many} files that git ignores go for good.")
        }
    };
    let button = wish.map(|wish| {
        let label = format!("{} {name}", wish.name());
        let asks = move || wish == Wish::Remove && sure.get();
        view! {
            <button class="button push" data-size="sm" data-kind=move || asks().then_some("danger") disabled=move || busy.get()
                aria-label=move || if asks() { format!("Really {}", label.to_lowercase()) } else { label.clone() }
                on:blur=move |_| sure.set(false)
                on:click=move |_| if wish == Wish::Remove && !sure.get() { sure.set(true) } else { carry_out(wish) }
            >
                {move || if asks() { "Really remove" } else { wish.name() }}
            </button>
        }
    });
    view! {
        <li>
            <span class="told">
                <span class="mono">{name.clone()}</span>" "<Goals goals=view.goals.clone()/><br/>
                <span class="meta">{stands(&view)}</span><br/>
                <span class="meta mono">{view.path.clone()}</span>
                <Show when=move || sure.get()><br/><span class="hint" role="status">{warning.clone()}</span></Show>
            </span>
            {button}
        </li>
    }
}

/// What it is for: its goals, each a way to it.
#[component]
fn Goals(goals: Vec<TaskId>) -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    let named = desk.peek(|state| {
        let name = |id: &TaskId| Some((id.clone(), conductor::plan::name(state.task(id)?)));
        goals.iter().filter_map(name).collect::<Vec<_>>()
    });
    named
        .into_iter()
        .map(|(id, name)| {
            view! { <button class="owner" on:click=move |_| here.go(Some(id.clone()), None)>{name}</button>" " }
        })
        .collect_view()
}

fn stands(view: &WorktreeView) -> String {
    let since = view.since.map(|since| format!("since {}", moment(since)));
    let base = view.base.as_ref().map(|base| format!("from {}", base.get(..8).unwrap_or(base)));
    let parts: Vec<Option<String>> = match &view.stands {
        Stands::There { known, holds } => {
            let Holds { bytes, changes, ahead, ignored, ignored_bytes } = holds;
            vec![
                (!known).then(|| "found, and in nobody's keeping".to_owned()),
                since,
                base,
                Some(amount(*bytes)),
                Some(match changes {
                    0 => "all committed".to_owned(),
                    changes => format!("{changes} not committed"),
                }),
                ahead.filter(|ahead| *ahead > 0).map(|ahead| format!("{ahead} commits of its own")),
                (*ignored > 0).then(|| format!("{ignored} files ({}) ignored", amount(*ignored_bytes))),
            ]
        }
        Stands::Gone => vec![Some("gone: somebody else took it away".to_owned()), since, base],
        Stands::Removed { at, snapshot } => vec![
            Some(format!("removed {}", moment(*at))),
            Some(match snapshot {
                Some(commit) => format!("what was not committed is in {}", commit.get(..8).unwrap_or(commit)),
                None => "all of it was committed".to_owned(),
            }),
        ],
        Stands::Unreadable { why } => vec![Some(format!("cannot be looked at: {why}"))],
    };
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
