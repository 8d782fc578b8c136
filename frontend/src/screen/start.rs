//! Where a goal begins: a folder, an agent, and what is to be reached. Below it, the goals that there are.

use conductor::State;
use conductor::state::Task;
use conductor::status::{Kind, status};
use gloo_storage::{LocalStorage as Local, Storage};
use leptos::prelude::*;
use shared::agent::{FoundAgent, HarnessId};
use shared::harness::tried;
use shared::id::TaskId;
use shared::plan::Terms;

use super::agents::PersonaChoice;
use super::apart::{Apart, ApartChoice, BEGUN, Who};
use super::caps::FirstCaps;
use super::evidence::PresetChoice;
use super::prompts::TemplateChoice;
use super::terms::{AccessChoice, Draft};
use crate::component::dialog::{self, Dialog};
use crate::component::flow::{For, Show};
use crate::component::folders::Folders;
use crate::component::icon::{Icon, StatusMark};
use crate::desk::{Desk, Planner};
use crate::place::{Here, Part};
use crate::words;

const FOLDER: &str = "orchestrator.folder";
const DRAFT: &str = "orchestrator.goal";
const TERMS: &str = "orchestrator.terms";
const APART: &str = "orchestrator.apart";
const HARNESS: &str = "orchestrator.harness";

#[component]
pub fn Start() -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    let folder = RwSignal::new(Local::get::<String>(FOLDER).unwrap_or_default());
    let text = RwSignal::new(Local::get::<String>(DRAFT).unwrap_or_default());
    let agents = Memo::new(move |_| desk.read(|state| state.agents.clone()));
    let chosen = RwSignal::new(Local::get::<Option<HarnessId>>(HARNESS).unwrap_or_default());
    Effect::new(move |_| drop(Local::set(HARNESS, chosen.get())));
    let harness = Memo::new(move |_| {
        let usable = |agent: &&FoundAgent| agent.problem.is_none();
        agents.with(|agents| {
            let mut usable = agents.iter().filter(usable).map(|agent| agent.harness);
            chosen
                .get()
                .filter(|chosen| usable.clone().any(|known| known == *chosen))
                .or_else(|| usable.next())
        })
    });
    let draft = Draft::of(Local::get::<Terms>(TERMS).unwrap_or_default());
    let Draft { access, preset, caps, template, persona, unfit, .. } = draft;
    let apart = Apart::new(Local::get::<bool>(APART).unwrap_or_default());
    // How far agents may go must not be another after a reload than the one that was chosen.
    Effect::new(move |_| drop(Local::set(TERMS, draft.terms())));
    Effect::new(move |_| drop(Local::set(APART, apart.is_chosen())));
    // Both may bring the folder and the agent; what is chosen after them holds.
    let advise = move |(path, harness): (Option<String>, Option<HarnessId>)| {
        path.into_iter().for_each(|path| folder.set(path));
        harness.into_iter().for_each(|harness| chosen.set(Some(harness)));
    };
    Effect::new(move |_| {
        let Some(id) = template.get() else { return };
        let known = desk.peek(|state| state.templates.get(&id).map(|shelf| shelf.template.clone()));
        known.into_iter().for_each(|known| advise((known.folder, known.harness)));
    });
    Effect::new(move |_| {
        let Some(id) = persona.get() else { return };
        let known = desk.peek(|state| state.personas.get(&id).map(|known| known.persona.clone()));
        known.into_iter().for_each(|known| advise((known.folder, known.harness)));
    });
    let choosing = RwSignal::new(false);
    Effect::new(move |_| drop(Local::set(DRAFT, text.get())));
    Effect::new(move |_| drop(Local::set(FOLDER, folder.get())));
    let missing = move || match () {
        () if folder.read().is_empty() => Some("Choose a folder first.".to_owned()),
        () if harness.get().is_none() => Some("No agent is there yet; is the bridge connected?".to_owned()),
        () if text.read().trim().is_empty() => Some("Say what you want to reach.".to_owned()),
        () => unfit.get(),
    };
    let begin = move |planner: Planner| {
        let (None, Some(harness)) = (untrack(missing), harness.get_untracked()) else { return };
        let (words, terms) = (text.get_untracked(), untrack(|| draft.terms()));
        apart.begin(desk, folder.get_untracked(), words.clone(), move |folder, who| {
            match desk.state_goal(folder, words, harness, terms, planner) {
                Ok(goal) => {
                    [DRAFT, TERMS, APART, HARNESS].into_iter().for_each(Local::delete);
                    match who {
                        Who::Waits => here.go(Some(goal), None),
                        Who::Left => desk.say(BEGUN.to_owned(), false),
                    }
                }
                Err(why) => desk.say(format!("Not started: {why}."), false),
            }
        });
    };
    // On the button of the other planner it is that one's.
    let pressed = move |event: web_sys::KeyboardEvent, planner: Planner| {
        if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) && !dialog::is_open() {
            event.stop_propagation();
            begin(planner);
        }
    };
    view! {
        <div class="start" on:keydown=move |event| pressed(event, Planner::Agent)><div>
            <h1>"What do you want to reach?"</h1>
            <label class="field">
                <span>"Goal"</span>
                <textarea class="input" rows="6" autofocus placeholder="Say what you want built or found out. You get a plan to change and approve before anything runs."
                    prop:value=move || text.get()
                    on:input=move |event| text.set(event_target_value(&event))
                ></textarea>
            </label>
            <div class="field">
                <span>"Folder that the agents work in"</span>
                <div class="row">
                    <input class="input" aria-label="Folder" placeholder="/path/of/a/project" prop:value=move || folder.get() on:input=move |event| folder.set(event_target_value(&event))/>
                    <button class="button" on:click=move |_| choosing.set(true)><Icon name="folder"/>"Choose"</button>
                </div>
                <ApartChoice apart=apart/>
            </div>
            <div class="pair">
                <Agents agents=agents harness=harness chosen=chosen/>
                <AccessChoice access=access/>
            </div>
            <div class="pair"><PersonaChoice chosen=persona/><TemplateChoice chosen=template/></div>
            <div class="pair"><PresetChoice preset=preset/><FirstCaps caps=caps unfit=unfit/></div>
            <div class="row begins" data-wraps>
                <button class="button" data-kind="solid" disabled=move || missing().is_some() || apart.doing().is_some() on:click=move |_| begin(Planner::Agent)>
                    "Make a plan"<kbd class="key">"Ctrl Enter"</kbd>
                </button>
                <button class="button" title="No planner: you add the tasks to the tree" disabled=move || missing().is_some() || apart.doing().is_some() on:keydown=move |event| pressed(event, Planner::Person) on:click=move |_| begin(Planner::Person)>"Plan it myself"</button>
                <button class="button" data-kind="plain" title="Tasks that you keep, to run them again" on:click=move |_| here.open_part(Part::Lists)>"Lists"</button>
                <span class="hint" aria-live="polite">{move || apart.doing().map(str::to_owned).or_else(missing)}</span>
            </div>
            <Known/>
        </div></div>
        <Dialog open=choosing title="Choose a folder">
            <Folders start=folder.get_untracked() chosen=move |path| { folder.set(path); choosing.set(false); }/>
        </Dialog>
    }
}

#[component]
fn Agents(
    agents: Memo<Vec<FoundAgent>>,
    harness: Memo<Option<HarnessId>>,
    chosen: RwSignal<Option<HarnessId>>,
) -> impl IntoView {
    view! {
        <fieldset>
            <legend class="label">"Agent"</legend>
            <For each=move || agents.get() key=|agent| format!("{agent:?}") children=move |agent| {
                let id = agent.harness;
                let about = match (&agent.problem, id) {
                    (Some(problem), _) => problem.clone(),
                    (None, HarnessId::Demo) => "A demo: no model, no network, no key. It plans by plain rules and writes small notes.".to_owned(),
                    (None, _) => agent.program.clone(),
                };
                let about = format!("{about} {}", words::given(&agent));
                let broken = agent.problem.is_some();
                // Where it cannot be used, that says more.
                let known = tried(id, agent.version.as_deref()).filter(|_| !broken).map(words::tried);
                let (tested, next_step) = known.unzip();
                view! {
                    <label class="choice">
                        <input type="radio" name="agent" disabled=broken prop:checked=move || harness.get() == Some(id) on:change=move |_| chosen.set(Some(id))/>
                        <span>
                            {agent.name.clone()}" "<span class="quiet">{agent.version.clone()}{tested.map(|tested| format!(" ({tested})"))}</span><br/>
                            <span class="hint" data-state=broken.then_some("error")>{about}{next_step.filter(|step| !step.is_empty()).map(|step| view! { <br/>{step} })}</span>
                        </span>
                    </label>
                }
            }/>
            <Show when=move || agents.read().iter().all(|agent| agent.harness == HarnessId::Demo)>
                <p class="hint">"No agent CLI was found. Install Claude Code or Codex, log in, and start the bridge again; the demo shows how it goes."</p>
            </Show>
        </fieldset>
    }
}

/// A goal in the list.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    id: TaskId,
    title: String,
    project: String,
    kind: Kind,
}

impl Row {
    fn of(state: &State, task: &Task, kind: Kind) -> Self {
        Self {
            id: task.id.clone(),
            title: task.title.clone(),
            project: state
                .projects
                .get(&task.project)
                .map(|project| project.name.clone())
                .unwrap_or_default(),
            kind,
        }
    }
}

/// Newest first.
fn goals(state: &State) -> impl Iterator<Item = &Task> {
    state.goals.iter().rev().filter_map(|goal| state.task(goal))
}

fn is_archived(goal: &Task) -> bool {
    goal.goal.as_ref().is_some_and(|goal| goal.archived.is_some())
}

/// All goals; what is archived stands folded behind them, and can be looked at and brought back.
#[component]
fn Known() -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    let live = Memo::new(move |_| {
        desk.overlook(|state, survey| {
            let row = |goal: &Task| Some(Row::of(state, goal, survey.row(&goal.id)?.status.kind));
            goals(state).filter(|goal| !is_archived(goal)).filter_map(row).collect::<Vec<_>>()
        })
    });
    // The whole tree of each is asked, so that is not done with each revision.
    let away = Memo::new(move |_| {
        desk.read(|state| {
            goals(state).filter(|goal| is_archived(goal)).map(|goal| goal.id.clone()).collect::<Vec<_>>()
        })
    });
    let archived = Memo::new(move |_| {
        let row = |state: &State, id: &TaskId| {
            state.task(id).map(|goal| Row::of(state, goal, status(state, goal).kind))
        };
        away.with(|away| desk.peek(|state| away.iter().filter_map(|id| row(state, id)).collect::<Vec<_>>()))
    });
    let list = move |rows: Memo<Vec<Row>>| {
        view! {
            <For each=move || rows.get() key=|row| format!("{row:?}") children=move |Row { id, title, project, kind }| view! {
                <button on:click=move |_| here.go(Some(id.clone()), None)>
                    <span class="glyph" data-status=kind.token()><Icon name=kind.token()/></span>
                    <span class="clip">{title}" "<span class="quiet">{project}</span></span>
                    <StatusMark kind=kind/>
                </button>
            }/>
        }
    };
    view! {
        <Show when=move || !live.read().is_empty()>
            <section class="known"><h2 class="label">"Goals"</h2>{list(live)}</section>
        </Show>
        <Show when=move || !archived.read().is_empty()>
            <details class="known">
                <summary class="label">{move || format!("Archived, {}", archived.read().len())}</summary>
                {list(archived)}
            </details>
        </Show>
    }
}
