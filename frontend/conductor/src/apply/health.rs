//! The part of the fold that feels a run's pulse: when it last spoke, and when it last did something else.

use shared::agent::AgentEvent;
use shared::id::RunId;
use shared::unit::Millis;

use crate::state::State;

impl State {
    /// Before what it said is folded in: a call is something else when it is not what the task is doing already.
    pub(super) fn feel(&mut self, id: &RunId, event: &AgentEvent, at: Millis) {
        let doing = self.run(id).and_then(|run| self.task(&run.task)).map(|task| task.doing.as_str());
        let moves = match event {
            AgentEvent::ToolCall { tool, title, .. } => doing != Some(format!("{tool} {title}").as_str()),
            AgentEvent::Message { .. } | AgentEvent::Session { .. } => true,
            _ => false,
        };
        self.with_run(id, |run| {
            run.vitals.silent = None;
            if moves {
                run.vitals.moved = at;
            }
        });
    }
}
