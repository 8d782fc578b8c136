//! Trees of a shape that nobody plans, and that limits do not keep away from who reads a log.

#![expect(clippy::unwrap_used, reason = "a test's own tree is as the test makes it")]

use conductor::State;
use conductor::status::{Kind as Stands, status};
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::id::TaskId;
use shared::plan::{Access, PlannedTask};
use shared::unit::Millis;

use crate::log::{append, person};

/// Were a group to ask a part more than once, and that its parts, the last would be asked 2^60 times.
#[test]
fn a_deep_tree_asks_each_task_once() {
    let id = |level: u32| TaskId::new(&format!("t{level}")).unwrap();
    let mut state = State::default();
    let mut say = |kind| append(&mut state, Millis(0), person(), "p", kind);
    say(Kind::GoalStated {
        task: id(0),
        text: "Do it".to_owned(),
        harness: HarnessId::Demo,
        access: Access::Edit,
    });
    let deeper = |level| PlannedTask::new(id(level), id(level - 1), "Deeper", "Go deeper");
    say(Kind::PlanGiven { goal: id(0), reply: String::new(), tasks: (1..60).map(deeper).collect() });
    say(Kind::PlanApproved { goal: id(0), version: 1 });
    assert_eq!(state.subtree(&id(0)).len(), 60);
    assert_eq!(status(&state, state.task(&id(1)).unwrap()).kind, Stands::Active);
    assert_eq!(status(&state, state.task(&id(0)).unwrap()).kind, Stands::Active);
}
