//! A task in detail: what it is to reach and how, changeable while it has not begun.

use conductor::plan::edit::check_edit;
use conductor::state::Task;
use leptos::prelude::*;
use shared::agent::HarnessId;
use shared::id::TaskId;
use shared::models::ModelChoice;
use shared::plan::{Mode, PlanEdit, Size, Work};

use super::agents::PersonaField;
use super::caps::CapFields;
use super::charter::CharterField;
use super::evidence::{EvidenceFields, PresetField};
use super::lists::KeepField;
use super::memory::MemoryField;
use super::prompts::TemplateField;
use super::retry::RetryFields;
use super::reviewer::ReviewerField;
use super::schedule::ScheduleFields;
use super::worktree::WorktreeField;
use crate::component::flow::Show;
use crate::component::icon::Icon;
use crate::markdown::view::markdown;
use crate::tree::place::AfterDialog;
use crate::tree::view::Tree;
use crate::words;

#[derive(Debug, Clone, PartialEq)]
struct Card {
    objective: String,
    mode: Mode,
    /// Nothing where it is found out.
    size: Option<Size>,
    /// What it was found to be, and why.
    sizing: Option<String>,
    inputs: String,
    /// What of them other tasks make.
    made_before: Vec<String>,
    outputs: String,
    after: Vec<(TaskId, String)>,
    harness: Option<HarnessId>,
    agents: Vec<HarnessId>,
    model: String,
    /// The one for its size.
    usual: String,
    command: Option<String>,
    goal: bool,
    fixed: bool,
    removed: bool,
    over: bool,
    result: String,
    /// Whose it is, where it is not its own.
    reused: Option<String>,
    not_done: Vec<String>,
    made: Vec<String>,
}

fn card(state: &conductor::State, id: &TaskId) -> Option<Card> {
    let task = state.task(id)?;
    let name = |id: &TaskId| state.task(id).map(|task| (task.id.clone(), conductor::plan::name(task)));
    let edit = PlanEdit::SetObjective { task: id.clone(), objective: String::new() };
    let changeable = check_edit(state, &task.root, &edit).is_ok();
    let result = task.result.clone().unwrap_or_default();
    let own = ModelChoice::of(task.model.clone(), task.effort);
    let unchosen = Task { model: None, effort: None, ..task.clone() };
    let harness = state.harness_of(task);
    let model = state.model_of(&unchosen, harness, task.size).unwrap_or("the agent's own choice");
    let usual = ModelChoice::of(Some(model.to_owned()), state.effort_of(&unchosen, harness, task.size));
    Some(Card {
        objective: task.objective.clone(),
        mode: task.mode,
        size: task.chosen_size(),
        sizing: conductor::words::sizing(state, task),
        inputs: task.inputs.join("\n"),
        made_before: made_before(state, task),
        outputs: task.outputs.join("\n"),
        after: task.after.iter().filter_map(name).collect(),
        harness: task.harness,
        model: own.to_string(),
        usual: usual.to_string(),
        agents: state
            .agents
            .iter()
            .filter(|agent| agent.problem.is_none())
            .map(|agent| agent.harness)
            .collect(),
        command: match &task.work {
            Work::Agent => None,
            Work::Command { command, .. } => Some(command.clone()),
        },
        goal: task.is_goal(),
        fixed: !changeable,
        removed: matches!(task.standing, conductor::state::Standing::Removed { .. }),
        over: task.is_over(),
        result: result.summary,
        reused: conductor::words::reused(state, task),
        not_done: result.not_done,
        made: result.outputs,
    })
}

/// "schema.sql from 1 Set up the schema"
fn made_before(state: &conductor::State, task: &Task) -> Vec<String> {
    let sources = conductor::plan::feed::sources(state, task).into_iter();
    let each = sources.flat_map(|(input, makers)| makers.into_iter().map(move |maker| (input, maker)));
    each.map(|(input, maker)| format!("{input} from {}", conductor::plan::name(maker))).collect()
}

/// The lines of a text that say something.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[component]
pub fn Details(tree: Tree, id: TaskId) -> impl IntoView {
    let own = StoredValue::new(id);
    let card = Memo::new(move |_| tree.desk.read(|state| card(state, &own.get_value())));
    view! {
        <div class="scroll">
            {move || card.get().map(|card| if card.goal {
                view! { <div class="details"><div class="field"><span>"Goal"</span><div class="prose">{markdown(&card.objective)}</div></div><WorktreeField tree=tree own=own/><PresetField tree=tree own=own/><ReviewerField tree=tree own=own/><CharterField tree=tree own=own/><MemoryField tree=tree own=own/><PersonaField tree=tree own=own/><TemplateField tree=tree own=own/><CapFields tree=tree own_id=own/><KeepField tree=tree own=own/><Result card=card.clone()/></div> }.into_any()
            } else {
                let agent = card.mode != Mode::Manual;
                view! { <div class="details">
                    <Editor tree=tree own=own card=card.clone()/>
                    {agent.then(|| view! { <EvidenceFields tree=tree own=own/><ReviewerField tree=tree own=own/> })}
                    <ScheduleFields tree=tree own=own/>
                    {agent.then(|| view! { <RetryFields tree=tree own=own/><PersonaField tree=tree own=own/><TemplateField tree=tree own=own/><CapFields tree=tree own_id=own/> })}
                    <Result card=card/>
                </div> }.into_any()
            })}
        </div>
    }
}

#[component]
fn Editor(tree: Tree, own: StoredValue<TaskId>, card: Card) -> impl IntoView {
    let edit = move |edit: PlanEdit| tree.desk.edit(&tree.goal.get_value(), edit);
    let task = move || own.get_value();
    let modes = [Mode::Autonomous, Mode::Hybrid, Mode::Interactive, Mode::Manual];
    view! {
        <Show when=move || card.fixed>
            <p class="hint">{if card.removed {
                "This task was removed from the plan. Bring it back to change it."
            } else if card.over {
                "This task is over: what it was to reach stays as it was. Write to it, retry it, or add another one for what is missing."
            } else {
                "This task has begun; stop it to change what it is to reach, or to do it yourself. How much of you its agent needs can be changed at any time."
            }}</p>
        </Show>
        <label class="field">
            <span>"Objective"</span>
            <textarea class="input" rows="6" disabled=card.fixed prop:value=card.objective.clone()
                on:change=move |event| edit(PlanEdit::SetObjective { task: task(), objective: event_target_value(&event) })></textarea>
        </label>
        {card.command.clone().map(|command| view! { <div class="field"><span>"Command, instead of an agent"</span><code>{command}</code></div> })}
        <div class="field">
            <span>"Mode"</span>
            <span class="seg" role="radiogroup" aria-label="Mode">
                {modes.map(|mode| view! {
                    <button role="radio" title=words::mode_about(mode) aria-checked=(mode == card.mode).to_string() on:click=move |_| edit(PlanEdit::SetMode { task: task(), mode })>{words::mode(mode)}</button>
                }).collect_view()}
            </span>
            <span class="hint">{words::mode_about(card.mode)}</span>
        </div>
        {(card.mode != Mode::Manual).then(|| view! { <Doer tree=tree own=own card=card.clone()/> })}
        <After tree=tree own=own card=card.clone()/>
        <label class="field">
            <span>"Needs, one a line"</span>
            <textarea class="input" rows="2" disabled=card.fixed placeholder="src/schema.sql" prop:value=card.inputs.clone() on:change=move |event| {
                edit(PlanEdit::SetInputs { task: task(), inputs: lines(&event_target_value(&event)) });
            }></textarea>
            {(!card.made_before.is_empty()).then(|| view! { <span class="hint">{card.made_before.join("; ")}</span> })}
        </label>
        <label class="field">
            <span>"Expected when it is done, one a line"</span>
            <textarea class="input" rows="3" disabled=card.fixed prop:value=card.outputs.clone() on:change=move |event| {
                edit(PlanEdit::SetOutputs { task: task(), outputs: lines(&event_target_value(&event)) });
            }></textarea>
        </label>
    }
}

/// Which agent and which model does it, where the person does not.
#[component]
fn Doer(tree: Tree, own: StoredValue<TaskId>, card: Card) -> impl IntoView {
    let edit = move |edit: PlanEdit| tree.desk.edit(&tree.goal.get_value(), edit);
    let task = move || own.get_value();
    let sizes = [None, Some(Size::Light), Some(Size::Standard), Some(Size::Heavy)];
    let chosen = card.harness.map(|harness| format!("{harness:?}")).unwrap_or_default();
    let agents = card.agents.clone();
    view! {
        <div class="field">
            <span>"Size, which chooses the model"</span>
            <span class="seg" role="radiogroup" aria-label="Size">
                {sizes.map(|size| view! {
                    <button role="radio" disabled=card.fixed aria-checked=(size == card.size).to_string() on:click=move |_| edit(PlanEdit::SetSize { task: task(), size })>{size.map_or("auto", words::size)}</button>
                }).collect_view()}
            </span>
            {card.sizing.clone().filter(|_| card.command.is_none()).map(|sizing| view! { <p class="hint">{sizing}</p> })}
        </div>
        <label class="field">
            <span>"Agent"</span>
            <select class="input" disabled=card.fixed || card.command.is_some() prop:value=chosen.clone() on:change=move |event| {
                let value = event_target_value(&event);
                let harness = agents.iter().copied().find(|harness| format!("{harness:?}") == value);
                edit(PlanEdit::SetHarness { task: task(), harness });
            }>
                <option value="" selected=chosen.is_empty()>"As the goal"</option>
                {card.agents.iter().map(|harness| view! { <option value=format!("{harness:?}") selected=card.harness == Some(*harness)>{harness.to_string()}</option> }).collect_view()}
            </select>
        </label>
        <label class="field">
            <span>"Model, and how hard it thinks, instead of those for its size"</span>
            <input class="input" placeholder=card.usual.clone() prop:value=card.model.clone() on:change=move |event| {
                match ModelChoice::read(&event_target_value(&event)) {
                    Ok(ModelChoice { model, effort, .. }) => edit(PlanEdit::SetModel { task: task(), model, effort }),
                    Err(odd) => tree.desk.say(odd.to_string(), false),
                }
            }/>
        </label>
    }
}

/// What it waits for: chips to drop, and a list to add from. A cycle is refused by name.
#[component]
fn After(tree: Tree, own: StoredValue<TaskId>, card: Card) -> impl IntoView {
    let adding = RwSignal::new(false);
    let edit = move |edit: PlanEdit| tree.desk.edit(&tree.goal.get_value(), edit);
    view! {
        <div class="field">
            <span>"Comes after"</span>
            <div class="chips">
                {card.after.into_iter().map(|(on, name)| view! {
                    <span class="chip">{name.clone()}
                        <button aria-label=format!("Do not wait for {name}") on:click=move |_| edit(PlanEdit::DropDependency { task: own.get_value(), on: on.clone() })><Icon name="close"/></button>
                    </span>
                }).collect_view()}
            </div>
            <div>
                <button class="button" data-size="sm" disabled=card.fixed on:click=move |_| adding.set(true)><Icon name="plus"/>"Add a task to wait for"</button>
            </div>
            <AfterDialog tree=tree own=own open=adding/>
        </div>
    }
}

#[component]
fn Result(card: Card) -> impl IntoView {
    let list = |name: &'static str, lines: Vec<String>| {
        (!lines.is_empty()).then(|| view! {
            <div class="field"><span>{name}</span><ul class="prose">{lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul></div>
        })
    };
    view! {
        {(!card.result.is_empty()).then(|| view! { <div class="field"><span>"Result"</span><div class="prose">{markdown(&card.result)}</div>{card.reused.map(|reused| view! { <p class="hint">{reused}</p> })}</div> })}
        {list("Made or changed", card.made)}
        {list("Not done", card.not_done)}
    }
}
