//! The inbox: everything that waits for a person, the oldest first. It follows from the statuses, and nothing is kept for
//! it: who answers, raises a budget or retries takes it away. What each says is in words for every client.

use shared::id::TaskId;
use shared::unit::Millis;

use crate::State;
use crate::state::{Standing, Task};
use crate::status::{Kind, Reason, Status};
use crate::survey::{Survey, asks};
use crate::words;

/// A task that waits for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub goal: TaskId,
    pub task: TaskId,
    pub status: Status,
    pub ask: Ask,
}

/// What a person is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Answer,
    /// Its agent may not go on before it is allowed something, or not.
    Permit,
    /// The turn of a task that is done together is over.
    Write,
    /// A task that is done together can begin.
    Begin,
    /// A task that the person does without an agent.
    Do,
    Approve,
    /// A plan of the person's own that has no tasks.
    Add,
    /// Its planner does not come to a plan that holds.
    Mend,
    /// A cap is used up.
    Raise,
    /// Nothing is spent any more while nobody does anything.
    GoOn,
    /// It failed, and does not try again by itself.
    Help,
    /// What it waits for was stopped.
    Unblock,
    /// Something below it waits for the person.
    Look,
}

impl Ask {
    /// Nothing where a task waits for something else, or for nothing.
    fn of(status: &Status) -> Option<Self> {
        let ask = match &status.reason {
            Reason::Asks(_) => Self::Answer,
            Reason::Permission(_) => Self::Permit,
            Reason::YourTurn => Self::Write,
            Reason::Begin => Self::Begin,
            Reason::Yours => Self::Do,
            Reason::Approve { .. } => Self::Approve,
            Reason::NoTasks => Self::Add,
            Reason::PlanProblem(_) => Self::Mend,
            Reason::Used { .. } => Self::Raise,
            Reason::Unattended(_) => Self::GoOn,
            Reason::Failure { .. } => Self::Help,
            Reason::Stuck(_) => Self::Unblock,
            Reason::Parts { .. } => Self::Look,
            Reason::Proposed
            | Reason::Removed
            | Reason::After(_)
            | Reason::Planned(_)
            | Reason::WithParent(_)
            | Reason::Slot
            | Reason::StartsAt(_)
            | Reason::RepeatsAt(_)
            | Reason::Held
            | Reason::Outage { .. }
            | Reason::Starting
            | Reason::Running(_)
            | Reason::Planning
            | Reason::Summing
            | Reason::Terminal
            | Reason::Diagnosing
            | Reason::Sizing
            | Reason::Looking
            | Reason::Checking(_)
            | Reason::Reviewing
            | Reason::Committing
            | Reason::Repairing { .. }
            | Reason::Stopping
            | Reason::ResumesAt { .. }
            | Reason::Done
            | Reason::Stopped => return None,
        };
        // For some of these reasons others wait, too, for the one who asks.
        matches!(status.kind, Kind::Waiting | Kind::Failed).then_some(ask)
    }

    /// As programs read it.
    pub fn token(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Permit => "permit",
            Self::Write => "write",
            Self::Begin => "begin",
            Self::Do => "do",
            Self::Approve => "approve",
            Self::Add => "add",
            Self::Mend => "mend",
            Self::Raise => "raise",
            Self::GoOn => "go_on",
            Self::Help => "help",
            Self::Unblock => "unblock",
            Self::Look => "look",
        }
    }

    /// What the person does about it, as a button says it.
    pub fn action(self) -> &'static str {
        match self {
            Self::Answer => "Answer",
            Self::Permit => "Allow or deny",
            Self::Write => "Write to it",
            Self::Begin => "Begin",
            Self::Do => "Do it",
            Self::Approve => "See the plan",
            Self::Add => "Add a task",
            Self::Mend => "Say what to change",
            Self::Raise => "Raise it",
            Self::GoOn => "Go on",
            Self::Help => "Retry",
            Self::Unblock => "Retry what it waits for",
            Self::Look => "See its parts",
        }
    }

    /// What happens as long as nobody does anything.
    pub fn ignored(self) -> &'static str {
        match self {
            Self::Answer => "it stays waiting. Nothing is assumed, and its session is kept",
            Self::Permit => {
                "its turn stays where it is, as long as its time allows. Nothing is allowed by silence"
            }
            Self::Write | Self::Begin => "it stays yours. Nobody else begins or ends it",
            Self::Do => "it stays yours, and what comes after it waits",
            Self::Approve => "nothing of the plan begins",
            Self::Add => "nothing begins",
            Self::Mend => "it stays without a plan",
            Self::Raise => "it stays paused where it is, and spends nothing",
            Self::GoOn => "no agent begins a turn. What runs comes to its end",
            Self::Help => "it stays failed, and what comes after it waits",
            Self::Unblock => "it stays held up",
            Self::Look => "its parts stay waiting",
        }
    }
}

impl Request {
    /// Why it waits: what is asked, what failed, or its status in words.
    pub fn why(&self, state: &State, now: Millis) -> String {
        match &self.status.reason {
            Reason::Asks(question) => question.clone(),
            Reason::Failure { class, why } if why.is_empty() => words::class_words(*class).to_owned(),
            Reason::Failure { class, why } => format!("{}: {why}", words::class_words(*class)),
            Reason::PlanProblem(problems) => problems.join("; "),
            _ => words::reason(state, &self.status, now),
        }
    }

    /// Answers that its agent proposes to what it asks.
    pub fn options<'a>(&self, state: &'a State) -> &'a [String] {
        let task = state.task(&self.task).filter(|_| self.ask == Ask::Answer);
        match task.map(|task| &task.standing) {
            Some(Standing::Asked { options, .. }) => options,
            _ => &[],
        }
    }

    /// What helps, where that is more than its action says.
    pub fn remedy(&self) -> Option<&'static str> {
        match &self.status.reason {
            Reason::Failure { class, .. } => Some(words::next_step(*class)),
            _ => None,
        }
    }
}

/// All that wait for the person among those that were surveyed: the oldest first, of the same moment in the order of
/// their goals and trees. Where a group waits only because a part does, or for what failed, these have the word.
pub fn inbox(state: &State, survey: &Survey) -> Vec<Request> {
    let mut found = Vec::new();
    // Nothing is louder than these two: a branch that is quieter has none of them.
    let asks = |id: &&TaskId| survey.row(id).is_some_and(|row| row.worst <= Kind::Failed);
    let mut stack: Vec<&TaskId> = state.goals.iter().rev().filter(asks).collect();
    while let Some(task) = stack.pop().and_then(|id| state.task(id)) {
        found.extend(request(state, survey, task));
        stack.extend(task.children.iter().rev().filter(asks));
    }
    let failed: Vec<TaskId> =
        found.iter().filter(|it| it.ask == Ask::Help).map(|it| it.task.clone()).collect();
    found.retain(|request| match &request.status.reason {
        Reason::Stuck(by) => by.is_empty() || by.iter().any(|id| !failed.contains(id)),
        _ => true,
    });
    found.sort_by_key(|request| request.status.since);
    found
}

fn request(state: &State, survey: &Survey, task: &Task) -> Option<Request> {
    let status = &survey.row(&task.id)?.status;
    let ask = Ask::of(status)?;
    let waits = |id: &TaskId| survey.row(id).is_some_and(|row| row.status.kind == Kind::Waiting);
    let speaks = match ask {
        Ask::Help => needs_help(state, task),
        // What its parts wait for is another thing.
        Ask::Permit | Ask::Raise | Ask::GoOn => true,
        _ => asks(task) || !task.children.iter().any(waits),
    };
    let request = || Request { goal: task.root.clone(), task: task.id.clone(), status: status.clone(), ask };
    speaks.then(request)
}

/// It failed, and the work that it is a part of still wants it; nobody has said anything to it since.
fn needs_help(state: &State, task: &Task) -> bool {
    let closing = state.goal_of(task).is_some_and(|goal| goal.closing.is_some());
    let wanted = !state.ancestors(task).any(|above| above.is_over());
    (task.is_goal() || !closing) && wanted && !task.is_spoken_to()
}
