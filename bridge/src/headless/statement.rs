//! A goal as it is stated from outside the page: its folder, its agent, its bounds, and perhaps a plan of the
//! person's own, which is checked before anything is said.

use std::collections::BTreeMap;

use conductor::State;
use conductor::plan::given::{advised, given, stated};
use serde_json::{Map, Value};
use shared::agent::{FoundAgent, HarnessId};
use shared::entry::{Draft, Kind};
use shared::id::{ProjectId, TaskId};
use shared::plan::{Choice, Own, PLANNER_ANSWER, PlannerAnswer, Terms};

use super::caps::{self, TaskCaps};
use super::own::{self, TaskOwn};

/// A plan of one's own to begin with: it is taken as it is.
pub(super) const EXAMPLE: &str = include_str!("../../../docs/plan.example.json");

/// What is to be stated.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub text: String,
    /// Absolute.
    pub folder: String,
    /// Without one, that of its agent or template, or the first agent CLI of the machine that works.
    pub harness: Option<HarnessId>,
    pub terms: Terms,
    pub planner: Planner,
}

/// Who makes the plan.
#[derive(Debug, Clone)]
pub(super) enum Planner {
    Agent,
    /// It is here, with what is said of its tasks beside it; taken as it is and approved with the goal.
    Given(PlannerAnswer, Own),
    /// The same, as a person wrote it.
    Written(Written),
    /// The person, task by task from now on.
    Person,
}

/// A plan of the person's own that was read.
#[derive(Debug, Clone)]
pub(super) struct Written {
    answer: PlannerAnswer,
    caps: TaskCaps,
    own: TaskOwn,
}

impl Written {
    /// The plan, with what it says of its tasks as this state knows it.
    ///
    /// # Errors
    /// It names what is not there; every problem names its task.
    pub(super) fn known(self, state: &State) -> Result<(PlannerAnswer, Own), BadPlan> {
        let (mut choices, mut problems) = (BTreeMap::<String, Choice>::new(), Vec::new());
        for (key, own) in self.own {
            match own.choice(state) {
                Ok(choice) => drop(choices.insert(key, choice)),
                Err(problem) => problems.push(format!("task {key:?}: {problem}")),
            }
        }
        if !problems.is_empty() {
            return Err(BadPlan(problems));
        }
        Ok((self.answer, Own { caps: self.caps, choices }))
    }
}

/// Why a goal cannot be stated.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unstated {
    #[error(transparent)]
    Plan(#[from] BadPlan),
    #[error(transparent)]
    Agent(#[from] NoAgent),
}

/// No agent CLI works; what is wrong with those that were found.
#[derive(Debug, thiserror::Error)]
#[error("no agent CLI that works was found on this machine{}", .0.iter().map(|problem| format!("\n  {problem}")).collect::<String>())]
pub(super) struct NoAgent(Vec<String>);

impl NoAgent {
    pub(super) const NEXT: &str = "Install Claude Code or Codex, log in, and start the bridge again. The built-in demo needs neither: choose it as the harness (--harness demo).";
}

/// What is wrong with a plan, one problem each.
#[derive(Debug, thiserror::Error)]
#[error("the plan cannot be used:\n  {}", .0.join("\n  "))]
pub(super) struct BadPlan(pub Vec<String>);

impl Statement {
    /// The intents that state it, to be committed together: a goal that has its plan never asks a planner.
    ///
    /// # Errors
    /// The plan is no plan, with everything that is wrong with it; no agent was chosen and none works.
    pub(super) fn drafts(self, state: &State) -> Result<(TaskId, Vec<Draft>), Unstated> {
        let harness = self.harness.or_else(|| advised(state, &self.terms));
        let harness = harness.map_or_else(|| first_agent(&state.agents), Ok)?;
        let goal = drawn(TaskId::new);
        let (project, opened) = project(state, &self.folder);
        let stated = stated(&goal, self.text, harness, self.terms);
        let said: Vec<Kind> = opened.into_iter().chain(stated).collect();
        let planned = |answer: PlannerAnswer, own: Own| {
            given(state, (&project, &goal), &said, &answer, &own).map_err(BadPlan)
        };
        let planned = match self.planner {
            Planner::Agent => Vec::new(),
            Planner::Given(answer, own) => planned(answer, own)?,
            Planner::Written(plan) => plan.known(state).and_then(|(answer, own)| planned(answer, own))?,
            Planner::Person => {
                vec![Kind::PlanGiven { goal: goal.clone(), reply: String::new(), tasks: Vec::new() }]
            }
        };
        let drafts = said.into_iter().chain(planned).map(|kind| Draft::new(Some(project.clone()), kind));
        let drafts = drafts.collect();
        Ok((goal, drafts))
    }
}

/// The project of a folder, with the entry that opens it where it is none yet.
pub(super) fn project(state: &State, folder: &str) -> (ProjectId, Option<Kind>) {
    match state.project_in(folder) {
        Some(id) => (id.clone(), None),
        None => (drawn(ProjectId::new), Some(state.opening(folder))),
    }
}

/// The first that works. The demo does nothing that was asked for, so nobody gets it unasked.
fn first_agent(found: &[FoundAgent]) -> Result<HarnessId, NoAgent> {
    let real = || found.iter().filter(|agent| agent.harness != HarnessId::Demo);
    let works = real().find(|agent| agent.problem.is_none());
    let problem = |agent: &FoundAgent| {
        agent.problem.as_ref().map(|problem| format!("{} ({}) {problem}", agent.name, agent.program))
    };
    works.map(|agent| agent.harness).ok_or_else(|| NoAgent(real().filter_map(problem).collect()))
}

/// An id of our own drawing.
pub(super) fn drawn<T, E>(make: fn(&str) -> Result<T, E>) -> T {
    make(&uuid::Uuid::now_v7().to_string()).unwrap_or_else(|_| unreachable!("a UUID is an id"))
}

/// Reads a plan of the person's own: what a planner answers, and what more a person may say of its tasks.
///
/// # Errors
/// It is not of the schema; every problem names its place.
pub(super) fn read(mut json: Value) -> Result<Written, BadPlan> {
    let caps = caps::take(&mut json).map_err(BadPlan)?;
    let own = own::take(&mut json).map_err(BadPlan)?;
    Ok(Written { answer: plan(json)?, caps, own })
}

/// The schema of a plan of the person's own: a planner's, with what more a person may say of its tasks.
pub(super) fn schema() -> Value {
    let mut schema: Value = serde_json::from_str(PLANNER_ANSWER).unwrap_or_default();
    let task = &mut schema["properties"]["tasks"]["items"];
    caps::describe(task);
    own::describe(task);
    schema
}

/// Reads a plan as planners answer it. Who writes one by hand is told of names that mean nothing, which are
/// passed over where a model made them up.
///
/// # Errors
/// It is not of the schema; every problem names its place.
fn plan(json: Value) -> Result<PlannerAnswer, BadPlan> {
    let schema = schema();
    let mut problems = strangers("", &json, &schema);
    let tasks = json["tasks"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (place, task) in tasks.iter().enumerate() {
        problems.extend(strangers(
            &format!("tasks: {place}: "),
            task,
            &schema["properties"]["tasks"]["items"],
        ));
    }
    match serde_json::from_value(json) {
        Ok(answer) if problems.is_empty() => return Ok(answer),
        Ok(_) => {}
        Err(error) => problems.push(error.to_string()),
    }
    Err(BadPlan(problems))
}

/// Names of an object that its schema does not know.
fn strangers(place: &str, object: &Value, schema: &Value) -> Vec<String> {
    let nothing = Map::new();
    let known = schema["properties"].as_object().unwrap_or(&nothing);
    let names = object.as_object().into_iter().flat_map(Map::keys).filter(|name| !known.contains_key(*name));
    let expected = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    names.map(|name| format!("{place}unknown name {name:?}, expected one of {expected}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(harness: HarnessId, problem: Option<&str>) -> FoundAgent {
        FoundAgent { problem: problem.map(str::to_owned), ..FoundAgent::new(harness, "/bin/agent") }
    }

    #[test]
    fn the_first_agent_that_works_is_taken_and_never_the_demo() {
        let broken = found(HarnessId::Claude, Some("is not there"));
        let demo = found(HarnessId::Demo, None);
        let working = [broken.clone(), found(HarnessId::Codex, None), demo.clone()];
        assert_eq!(first_agent(&working).expect("one works"), HarnessId::Codex);
        let none = first_agent(&[broken, demo]).expect_err("none works").to_string();
        assert!(none.contains("(/bin/agent) is not there"), "{none}");
    }
}
