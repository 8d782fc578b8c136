//! Terminals of tasks: the person opens one, works there with the task's agent or its command, and says what came of it.
//! Nobody reads meaning from what stands on it; of the task's own command the exit code alone counts. It takes the task's
//! one turn, and no agent's place.

use shared::agent::HarnessId;
use shared::entry::{Draft, Kind, Outcome, Purpose};
use shared::evidence::Check;
use shared::harness::{self, Start, Turn};
use shared::plan::{Access, Work};
use shared::run::{RunEnd, RunLimits};
use shared::unit::Millis;

use crate::decide::{draft, next_run, session_for};
use crate::order::is_free;
use crate::state::{Halt, Phase, Run, Standing, State, Task};
use crate::{persona, prompt, proof};

/// From the wish that it ends to its end by force: a shell does not hear the polite signal.
const GRACE: Millis = Millis::from_secs(3);
/// Exit codes of a command that was hung up on, interrupted by Ctrl-C or asked to end.
const CUT_SHORT: [i32; 3] = [129, 130, 143];

/// Why a task gets no terminal now, for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    #[error("a goal has no terminal; open one of a task of its plan")]
    Goal,
    #[error("it is done by its parts; open a terminal of one of them")]
    Group,
    #[error("its plan waits for a yes; approve that first")]
    Proposed,
    #[error("it is no longer in the plan")]
    Removed,
    #[error("its terminal is open")]
    Open,
    #[error("its agent is at work; wait until its turn is over, or stop it")]
    Busy,
}

/// Whether the person can open a terminal of the task now.
///
/// # Errors
/// It cannot have one, or not as it stands.
pub fn may_open(state: &State, task: &Task) -> Result<(), Unopened> {
    match &task.standing {
        _ if opened(state, task).is_some() => Err(Unopened::Open),
        _ if task.is_goal() => Err(Unopened::Goal),
        Standing::Removed { .. } => Err(Unopened::Removed),
        Standing::Proposed => Err(Unopened::Proposed),
        _ if task.is_planned() || !state.is_agreed(task) => Err(Unopened::Proposed),
        _ if task.is_group() => Err(Unopened::Group),
        _ if task.current.is_some() => Err(Unopened::Busy),
        _ => Ok(()),
    }
}

/// The run of the task's open terminal, from its order on.
pub fn opened<'a>(state: &'a State, task: &Task) -> Option<&'a Run> {
    state.current(task).filter(|run| run.purpose == Purpose::Terminal)
}

/// The last terminal that the task had, open or not.
pub fn last<'a>(state: &'a State, task: &'a Task) -> Option<&'a Run> {
    let mut runs = task.runs.iter().rev().filter_map(|run| state.run(run));
    runs.find(|run| run.purpose == Purpose::Terminal)
}

/// The orders for the terminal that the person wants.
pub(crate) fn request(state: &State, task: &Task) -> Vec<Draft> {
    let Some(window) = task.terminal.filter(|_| may_open(state, task).is_ok() && !state.is_full()) else {
        return Vec::new();
    };
    let run = next_run(task);
    let harness = state.harness_of(task);
    let (prompt, cuts) = match &task.work {
        Work::Command { command, .. } => (command.clone(), Vec::new()),
        Work::Agent => prompt::prompt(state, task, Purpose::Terminal),
    };
    let session = match state.session_with(task, harness) {
        Some(session) => Start::Resume { session: session.clone() },
        None => Start::New { session: session_for(&run) },
    };
    let model = state.model_of(task, harness, task.size).map(str::to_owned);
    let access = state.goal_of(task).map_or(Access::Edit, |goal| goal.access);
    let (size, ordered) = (task.size, model.clone());
    let effort = state.effort_of(task, harness, size);
    let turn = Turn {
        prompt,
        session,
        size,
        model,
        effort,
        access,
        schema: None,
        budget: None,
        turns: None,
        listens: false,
    };
    // A person who thinks is no fault, and the person ends it: no time, no silence.
    let limits = RunLimits { grace: GRACE, ..RunLimits::default() };
    let spec = harness::terminal(harness, &turn, window).into_spec(persona::folder(state, task), limits);
    let id = task.id.clone();
    let trimmed = (!cuts.is_empty()).then(|| Kind::RunTrimmed { run: run.clone(), task: id.clone(), cuts });
    let order = Kind::RunRequested {
        run,
        task: id,
        purpose: Purpose::Terminal,
        harness,
        carries: Vec::new(),
        holds: None,
        model: ordered,
        spec,
    };
    [order].into_iter().chain(trimmed).map(|kind| draft(task, kind)).collect()
}

/// Whether the end of this terminal decides its task: the task's own command ended by itself, at a time at which it might
/// have begun. Who closed or interrupted it has not said that it failed.
pub(crate) fn decides(state: &State, task: &Task, run: &Run, end: &RunEnd) -> bool {
    let by_itself = task.stop.is_none()
        && run.signalled.is_none()
        && matches!(end, RunEnd::Exited { code } if !CUT_SHORT.contains(code));
    let open = match task.standing {
        Standing::Open
        | Standing::Asked { .. }
        | Standing::Yielded
        | Standing::Claimed
        | Standing::Limited { .. }
        | Standing::Failed { .. } => true,
        Standing::Proposed | Standing::Removed { .. } | Standing::Completed | Standing::Cancelled => false,
    };
    let own = is_commands(run) && matches!(task.work, Work::Command { .. });
    own && by_itself
        && open
        && !task.is_by_hand()
        && !task.is_group()
        && state.is_agreed(task)
        && is_free(state, task)
}

fn is_commands(run: &Run) -> bool {
    run.purpose == Purpose::Terminal && run.harness == HarnessId::Command
}

/// In this terminal the task's command was done.
pub(crate) fn did_the_work(run: &Run) -> bool {
    let well = matches!(run.phase, Phase::Read { end: RunEnd::Exited { code: 0 }, .. });
    is_commands(run) && well && run.signalled.is_none()
}

/// What a command comes to that ended well in a terminal. Whether its words tell of an error, only the person saw.
pub(crate) fn done(state: &State, task: &Task) -> Outcome {
    let (outputs, not_done) = (task.outputs.clone(), Vec::new());
    let summary = "Done in a terminal: its command ended with exit code 0.".to_owned();
    if proof::checks(state, task).any(|check| *check == Check::NoErrorInOutput) {
        let summary = format!(
            "{summary} Nobody reads a terminal for {}: that is yours to say.",
            Check::NoErrorInOutput
        );
        return Outcome::Yielded { summary, outputs, not_done };
    }
    Outcome::Completed { summary, outputs, not_done }
}

impl Task {
    /// Its terminal is to end, and nothing else of it. One that has ended by itself is over already.
    pub(crate) fn close_terminal(&mut self, run: &Run) {
        if self.current.as_ref() == Some(&run.id) && run.purpose == Purpose::Terminal && run.is_active() {
            self.stop.get_or_insert(Halt::Closed);
        }
    }

    /// Its terminal has ended. What was to begin by itself waits for the person's word now, who was at it.
    pub(crate) fn leave_terminal(&mut self, run: &Run, at: Millis) {
        let began = matches!(run.phase, Phase::Read { started: Some(_), .. });
        if began && self.standing == Standing::Open && !self.is_by_hand() {
            self.stand(Standing::Yielded, at);
        }
    }
}
