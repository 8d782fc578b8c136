//! A goal, its log, and all that is ordered for it.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::plan::edit::check_edit;
use conductor::state::State;
use serde_json::json;
use shared::agent::{AgentEvent, HarnessId, TurnReport};
use shared::entry::{Kind, Purpose};
use shared::id::{MessageId, PersonaId, RunId, SessionId};
use shared::limits::Limits;
use shared::plan::{Access, PlanEdit, PlannedTask};
use shared::run::{Pipes, RunEnd, RunSpec};
use shared::unit::Millis;

use crate::log::{append, carry_out, id, person};

/// An order, as far as it is looked at here.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub run: RunId,
    pub purpose: Purpose,
    pub harness: HarnessId,
    pub model: Option<String>,
    pub spec: RunSpec,
    pub cast: Option<PersonaId>,
}

impl Order {
    pub fn words(&self) -> String {
        shared::harness::prompt(&self.spec)
    }
}

pub struct World {
    pub state: State,
    pub now: Millis,
}

impl World {
    /// A goal for Claude.
    pub fn new() -> Self {
        let mut world = Self { state: State::default(), now: Millis(1_000) };
        world.say(Kind::LimitsSet { limits: Limits { parallel: 20, ..Limits::default() } });
        world.say(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
        let (text, harness, access) = ("Do it".to_owned(), HarnessId::Claude, Access::Edit);
        world.say(Kind::GoalStated { task: id("g"), text, harness, access });
        world
    }

    /// Gives the goal this plan.
    pub fn propose(&mut self, tasks: Vec<PlannedTask>) {
        self.say(Kind::PlanGiven { goal: id("g"), reply: String::new(), tasks });
    }

    pub fn approve(&mut self, version: u32) {
        self.say(Kind::PlanApproved { goal: id("g"), version });
    }

    pub fn say(&mut self, kind: Kind) {
        append(&mut self.state, self.now, person(), "p", kind);
    }

    pub fn edit(&mut self, edit: PlanEdit) {
        assert_eq!(check_edit(&self.state, &id("g"), &edit), Ok(()));
        self.say(Kind::PlanEdited { goal: id("g"), edit });
    }

    /// Carries out all decisions; the runs that they order.
    pub fn step(&mut self) -> Vec<Order> {
        let mut ordered: Vec<Order> = Vec::new();
        for kind in carry_out(&mut self.state, self.now) {
            match kind {
                Kind::RunRequested { run, purpose, harness, model, spec, .. } => {
                    ordered.push(Order { run, purpose, harness, model, spec, cast: None });
                }
                Kind::RunCast { run, persona } => {
                    let order = ordered.iter_mut().find(|order| order.run == run).unwrap();
                    order.cast = Some(persona);
                }
                _ => {}
            }
        }
        ordered
    }

    /// The order for this task among those of the next step.
    pub fn order(&mut self, task: &str) -> Order {
        let orders = self.step();
        let of = |order: &&Order| self.state.run(&order.run).unwrap().task == id(task);
        orders.iter().find(of).unwrap_or_else(|| panic!("nothing for {task} among {orders:?}")).clone()
    }

    pub fn begins(&mut self, run: &RunId) {
        self.say(Kind::RunStarted { run: run.clone(), pid: 1, started: 1 });
        let session = SessionId::new(&format!("s-{run}")).unwrap();
        let event = AgentEvent::Session { session, model: None, version: None };
        self.say(Kind::AgentSpoke { run: run.clone(), line: 0, event });
    }

    pub fn ends(&mut self, run: &RunId, report: TurnReport) {
        let end = RunEnd::Exited { code: 0 };
        self.say(Kind::RunEnded { run: run.clone(), end, lines: 1, pipes: Pipes::Closed, used: None });
        self.say(Kind::TurnRead { run: run.clone(), report: report.into() });
    }

    pub fn done(&mut self, run: &RunId) {
        self.begins(run);
        let answer = json!({"outcome": "done", "summary": "It is done."});
        self.ends(run, TurnReport { structured: Some(answer), ..TurnReport::default() });
    }

    pub fn write(&mut self, task: &str) {
        let message = MessageId::new(&format!("m{}", self.state.seq.0)).unwrap();
        self.say(Kind::MessageSent { task: id(task), message, text: "And this?".to_owned(), answers: None });
    }
}
