//! The lists of the person's own: which there are, what can be saved as one, and how a goal's tasks become one.

use shared::agent::HarnessId;
use shared::evidence::Preset;
use shared::id::{ProjectId, TaskId};
use shared::limits::Caps;
use shared::list::TaskList;
use shared::models::ModelChoice;
use shared::plan::{Access, Choice, Mode, Own, PlannerAnswer, ProposedCaps, ProposedTask, Terms, Verdict};
use shared::retry::RetryWish;
use shared::sizing::SizeWish;

use crate::budget::Cap;
use crate::plan::given::{given, stated};
use crate::plan::worded::worded;
use crate::state::{State, Task};
use crate::{reviewer, words};

/// A list as it was saved last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub list: TaskList,
    /// It is offered no more.
    pub retired: bool,
}

/// Those that are offered, by name.
pub fn offered(state: &State) -> Vec<&TaskList> {
    let live = state.lists.values().filter(|known| !known.retired);
    let mut offered: Vec<&TaskList> = live.map(|known| &known.list).collect();
    offered.sort_by(|one, other| one.name.cmp(&other.name));
    offered
}

/// Why none can be run by a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoList {
    #[error("there is no list {0:?}")]
    Unknown(String),
    #[error("the list {0} is retired; save it again to have it back")]
    Retired(String),
}

/// The one of this name, in small letters or large, or of this id.
///
/// # Errors
/// There is none, or it is offered no more.
pub fn named<'a>(state: &'a State, name: &str) -> Result<&'a TaskList, NoList> {
    let called = |known: &&Known| is_called(&known.list, name) || known.list.list.as_str() == name.trim();
    let mut found: Vec<&Known> = state.lists.values().filter(called).collect();
    found.sort_by_key(|known| known.retired);
    match found.first() {
        Some(Known { list, retired: false }) => Ok(list),
        Some(Known { list, retired: true }) => Err(NoList::Retired(list.name.clone())),
        None => Err(NoList::Unknown(name.trim().to_owned())),
    }
}

fn is_called(list: &TaskList, name: &str) -> bool {
    list.name.trim().eq_ignore_ascii_case(name.trim())
}

/// What a list comes to as a plan.
pub fn plan(list: &TaskList) -> PlannerAnswer {
    PlannerAnswer { decision: Verdict::Plan, reply: String::new(), tasks: list.tasks.clone() }
}

/// Why it cannot be saved, in words; nothing where it can. Two of one name could not be told apart by who names one.
pub fn problem(state: &State, list: &TaskList) -> Option<String> {
    let taken = || {
        let other = |other: &&TaskList| other.list != list.list && is_called(other, &list.name);
        let name = list.name.trim();
        let problem =
            || format!("there is a list called {name} already; change that one, or choose another name");
        offered(state).into_iter().any(|it| other(&it)).then(problem)
    };
    list.problem().or_else(taken).or_else(|| unplanned(state, list))
}

/// What is wrong with its tasks as the plan of a goal.
fn unplanned(state: &State, list: &TaskList) -> Option<String> {
    // A goal that never will be.
    let (project, task) = (ProjectId::new("list").ok()?, TaskId::new(list.list.as_str()).ok()?);
    let stated = stated(&task, list.words().to_owned(), HarnessId::Demo, list.terms.clone());
    let problems = given(state, (&project, &task), &stated, &plan(list), &list.own()).err()?;
    Some(problems.join("; "))
}

/// The tasks below a goal or task as a list has them: their words, order, needs, files, checks, tries and agents, and what the
/// person said of each. What came of them is none of it, nor is a time before which one was not to begin.
pub fn tasks(state: &State, top: &Task) -> (Vec<ProposedTask>, Own) {
    let below: Vec<&Task> = state.subtree(&top.id).into_iter().skip(1).collect();
    // The numbers that the person sees; what is elsewhere in the tree is no part of it.
    let key = |id: &TaskId| below.iter().find(|task| task.id == *id).map(|task| task.number_text());
    // A list keeps the caps whole, and beside its tasks.
    let proposed = |task: &&Task| ProposedTask {
        caps: ProposedCaps::default(),
        ..worded(state, task, task.number_text(), key)
    };
    let capped = below.iter().filter(|task| task.caps != Caps::default());
    let caps = capped.map(|task| (task.number_text(), task.caps)).collect();
    let chosen = below.iter().map(|task| (task.number_text(), choice(task)));
    let choices = chosen.filter(|(_, choice)| *choice != Choice::default()).collect();
    (below.iter().map(proposed).collect(), Own { caps, choices })
}

/// How the goal of this task is gone about; the agents and guidelines are those that the task has.
pub fn terms(state: &State, top: &Task) -> Terms {
    let goal = state.goal_of(top);
    let nearest = || std::iter::once(top).chain(state.ancestors(top));
    Terms {
        access: goal.map(|goal| goal.access).filter(|access| *access != Access::default()),
        preset: goal.map(|goal| goal.preset).filter(|preset| *preset != Preset::default()),
        template: nearest().find_map(|task| task.template.clone()),
        persona: nearest().find_map(|task| task.persona.clone()),
        reviewer: nearest().find_map(|task| task.reviewer.clone()),
        model: top.model.clone(),
        effort: top.effort,
        caps: top.caps,
        charter: goal.map(|goal| goal.charter.clone()).unwrap_or_default(),
    }
}

/// Such terms in words, a few each.
pub fn said(state: &State, terms: &Terms) -> Vec<String> {
    let Terms { access, preset, template, persona, reviewer, model, effort, caps, charter } = terms;
    let persona = persona.as_ref().and_then(|id| state.personas.get(id));
    let template = template.as_ref().and_then(|id| state.templates.get(id));
    let thinker = ModelChoice::of(model.clone(), *effort).to_string();
    let caps = [
        caps.budget.map(Cap::Budget),
        caps.turns.map(Cap::Turns),
        caps.time.map(Cap::Time),
        caps.tokens.map(Cap::Tokens),
    ];
    let facts = match charter.facts.len() {
        0 => None,
        1 => Some("1 fact".to_owned()),
        many => Some(format!("{many} facts")),
    };
    let said = [
        persona.map(|known| format!("as {}", known.persona.name.trim())),
        Some(thinker).filter(|thinker| !thinker.is_empty()),
        template.map(|shelf| format!("by {}", shelf.template.name.trim())),
        access.map(|access| words::access(access).to_owned()),
        preset.map(|preset| words::preset(preset).0.to_lowercase()),
        reviewer.as_ref().map(|who| format!("reviewer {}", reviewer::words(state, who))),
        (!charter.rules.trim().is_empty()).then(|| "rules of its own".to_owned()),
        facts,
    ];
    let caps = caps.into_iter().flatten().map(|cap| words::cap(cap, None, None));
    said.into_iter().flatten().chain(caps).collect()
}

/// Who does the task, how and when, as it was chosen for it alone.
pub fn choice(task: &Task) -> Choice {
    Choice {
        harness: task.harness,
        model: task.model.clone(),
        effort: task.effort,
        template: task.template.clone(),
        priority: task.schedule.priority,
        repeat: task.schedule.repeat,
        review: task.evidence.review,
        commit: task.evidence.commit,
    }
}

/// A list's tasks as they are written: one a line, side by side.
pub fn from_lines(text: &str) -> Vec<ProposedTask> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let task = |(place, line): (usize, &str)| ProposedTask {
        key: (place + 1).to_string(),
        title: line.to_owned(),
        objective: line.to_owned(),
        mode: Mode::Autonomous,
        size: SizeWish::Auto,
        after: Vec::new(),
        parent: String::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        command: String::new(),
        retry: RetryWish::Usual,
        checks: Vec::new(),
        agent: String::new(),
        reviewer: String::new(),
        caps: ProposedCaps::default(),
    };
    lines.enumerate().map(task).collect()
}

/// The lines that such tasks were written as; nothing where lines do not say all of them.
pub fn lines(list: &TaskList) -> Option<String> {
    let titles: Vec<&str> = list.tasks.iter().map(|task| task.title.as_str()).collect();
    let text = titles.join("\n");
    (list.own() == Own::default() && from_lines(&text) == list.tasks).then_some(text)
}
