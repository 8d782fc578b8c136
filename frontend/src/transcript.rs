//! What a conversation consists of: items from the log, and for each turn the blocks that its run's output
//! says (`turn`).

use shared::context::Cut;
use shared::entry::{Entry, Kind, Outcome, Purpose};
use shared::evidence::{Check, CommitOutcome};
use shared::id::{MessageId, RunId, TaskId};
use shared::unit::{Millis, Seq};

mod reading;
mod turn;

pub use reading::{Block, BlockKind, BlockState};
pub use turn::{Portion, Reach, Turn};

/// One thing of a task's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub seq: Seq,
    pub at: Millis,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Goal(String),
    Said {
        message: MessageId,
        text: String,
    },
    Withdrawn(MessageId),
    Turn {
        run: RunId,
        purpose: Purpose,
    },
    Proposed {
        version: u32,
        reply: String,
        tasks: usize,
    },
    Refused(Vec<String>),
    /// A plan of the person's own with so many tasks.
    Given(usize),
    /// A planner is to split it, or to plan it again.
    Wanted,
    Approved,
    Rejected,
    /// By the goal's preset.
    Adopted,
    /// Another one than was chosen reviews, and why.
    Replaced(String),
    /// What of a turn's words did not fit.
    Trimmed(Vec<Cut>),
    /// Its agent says that it is done.
    Claimed,
    /// It was done by what another did: the words of that.
    Reused(String),
    Checked {
        check: Check,
        problem: Option<String>,
    },
    Reviewed {
        summary: String,
        findings: Vec<String>,
    },
    Committed(CommitOutcome),
    Settled(Outcome),
    Stopped,
    Retried,
    Requeued,
    /// With what came of it, if the person said that.
    Accepted(String),
    /// The turn of a task that the person does has come.
    Handed,
    GivenUp(String),
    Closed,
}

/// What an entry adds to which conversation.
pub fn items_of(entry: &Entry) -> Option<(TaskId, Item)> {
    let (task, what) = what_of(entry.body.known()?)?;
    Some((task.clone(), Item { seq: entry.seq, at: entry.at, what }))
}

/// The same of one that has no number and no time yet.
pub fn what_of(kind: &Kind) -> Option<(&TaskId, What)> {
    Some(match kind {
        Kind::GoalStated { task, text, .. } => (task, What::Goal(text.clone())),
        Kind::MessageSent { task, message, text, .. } => {
            (task, What::Said { message: message.clone(), text: text.clone() })
        }
        Kind::MessageWithdrawn { task, message } => (task, What::Withdrawn(message.clone())),
        Kind::RunRequested { task, run, purpose, .. } => {
            (task, What::Turn { run: run.clone(), purpose: *purpose })
        }
        Kind::ReviewerReplaced { task, why, .. } => (task, What::Replaced(why.clone())),
        Kind::RunTrimmed { task, cuts, .. } => (task, What::Trimmed(cuts.clone())),
        Kind::PlanProposed { goal, version, reply, tasks, .. } => {
            (goal, What::Proposed { version: *version, reply: reply.clone(), tasks: tasks.len() })
        }
        Kind::PlanRefused { goal, problems, .. } => (goal, What::Refused(problems.clone())),
        Kind::PlanGiven { goal, tasks, .. } => (goal, What::Given(tasks.len())),
        Kind::PlanWanted { task } => (task, What::Wanted),
        Kind::PlanRejected { task, .. } => (task, What::Rejected),
        Kind::PlanApproved { goal, .. } => (goal, What::Approved),
        Kind::PlanAdopted { goal, .. } => (goal, What::Adopted),
        Kind::WorkClaimed { task, .. } => (task, What::Claimed),
        Kind::ResultReused { task, summary, .. } => (task, What::Reused(summary.clone())),
        Kind::TaskChecked { task, check, problem, .. } => {
            (task, What::Checked { check: check.clone(), problem: problem.clone() })
        }
        Kind::TaskReviewed { task, summary, findings, .. } => {
            (task, What::Reviewed { summary: summary.clone(), findings: findings.clone() })
        }
        Kind::TaskCommitted { task, outcome, .. } => (task, What::Committed(outcome.clone())),
        Kind::TaskSettled { task, run: None, outcome: Outcome::Yielded { .. } } => (task, What::Handed),
        Kind::TaskSettled { task, outcome, .. } => (task, What::Settled(outcome.clone())),
        Kind::TaskStopped { task } => (task, What::Stopped),
        Kind::TaskRetried { task } => (task, What::Retried),
        Kind::TaskRequeued { task } => (task, What::Requeued),
        Kind::TaskAccepted { task, words } => (task, What::Accepted(words.clone())),
        Kind::TaskGivenUp { task, why } => (task, What::GivenUp(why.clone())),
        Kind::GoalClosed { goal } => (goal, What::Closed),
        _ => return None,
    })
}
