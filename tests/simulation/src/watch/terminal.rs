//! Terminals: each is opened because the person wanted it, once, on a task that may have one; nothing is read from it, and
//! nothing begins by itself where the person was at it. Only the end of the task's own command decides, and only where
//! nobody closed it.

use anyhow::{Context, Result, bail, ensure};
use conductor::State;
use conductor::order::waits_for;
use conductor::state::{Standing, Task};
use shared::agent::ErrorClass;
use shared::entry::{Kind, Outcome, Purpose};
use shared::evidence::Check;
use shared::plan::{Mode, Work};
use shared::run::{Arg, RunEnd, Stdin};

use super::Watch;
use super::planned::is_open;
use crate::agent::Truth;
use crate::process::{self, Process, Stage};

impl Watch {
    /// A terminal may be ordered.
    pub(super) fn check_terminal(&mut self, state: &State, task: &Task, kind: &Kind) -> Result<()> {
        let Kind::RunRequested { run, carries, spec, holds, .. } = kind else { return Ok(()) };
        ensure!(self.wanted.remove(&task.id), "a terminal that nobody wanted, or a second one");
        ensure!(matches!(spec.stdin, Stdin::Pty { .. }), "a terminal without a terminal");
        ensure!(carries.is_empty() && holds.is_none(), "a terminal carries words or money");
        let planned = is_open(task) || state.ancestors(task).any(is_open);
        ensure!(!planned && !task.is_goal() && task.children.is_empty(), "a terminal where there is no work");
        let there = !matches!(task.standing, Standing::Proposed | Standing::Removed { .. });
        ensure!(there, "a terminal of what is not part of the work");
        if let Some(Arg::Text { text }) = spec.args.last() {
            self.check_size(state, run, text)?;
        }
        if let Some((session, false)) = process::session(spec) {
            let own = self.sessions.get(&task.id).map(|(_, own)| own.as_str());
            ensure!(own == Some(session), "a terminal goes on with {session}, and its own is {own:?}");
        }
        Ok(())
    }

    /// The person's wishes about terminals.
    pub(super) fn terminal_wish(&mut self, state: &State, kind: &Kind) {
        match kind {
            Kind::TerminalOpened { task, .. } => {
                self.wanted.remove(task);
                let free = state.task(task).is_some_and(|task| task.current.is_none());
                if free {
                    self.wanted.insert(task.clone());
                }
            }
            Kind::TerminalClosed { run } => {
                self.closed.extend((!self.ended.contains(run)).then(|| run.clone()));
            }
            Kind::TaskStopped { task } | Kind::GoalClosed { goal: task } => {
                for task in state.subtree(task) {
                    self.wanted.remove(&task.id);
                }
            }
            _ => {}
        }
    }

    /// The task's own command ended in its terminal by itself, when the task might have begun: that is judged.
    pub(super) fn decides(&self, state: &State, process: &Process) -> bool {
        let Some(task) = state.task(&process.task) else { return false };
        let own = process.is_command() && matches!(task.work, Work::Command { .. });
        let by_itself = matches!(process.stage, Stage::Over { end: RunEnd::Exited { .. } });
        let closed = self.closed.contains(&process.run) || task.stop.is_some();
        let over = matches!(
            task.standing,
            Standing::Proposed | Standing::Removed { .. } | Standing::Completed | Standing::Cancelled
        );
        let due = !is_open(task) && !state.ancestors(task).any(is_open) && waits_for(state, task).is_empty();
        let single = task.children.is_empty() && task.mode != Mode::Manual;
        process.purpose == Purpose::Terminal && own && by_itself && !closed && !over && due && single
    }

    /// What the end of a command's terminal comes to.
    pub(super) fn check_exit(
        &self,
        state: &State,
        task: &Task,
        process: &Process,
        outcome: &Outcome,
    ) -> Result<()> {
        ensure!(self.deciding.contains(&process.run), "{} decides nothing", process.run);
        let unread = self.checks(state, task).any(|check| *check == Check::NoErrorInOutput);
        match (process.truth(), outcome) {
            (Truth::Words(told), Outcome::Completed { summary, .. }) => {
                ensure!(!unread && summary.contains(&told), "done, and nobody read its words");
            }
            (Truth::Words(_), Outcome::Yielded { .. }) => ensure!(unread, "asked about nothing"),
            (Truth::Broken(ErrorClass::TaskFailure, _), Outcome::Failed { class, why }) => {
                ensure!(*class == ErrorClass::TaskFailure && why.contains("exit code"), "{why}");
            }
            (truth, outcome) => bail!("{} did {truth:?} and comes to {outcome:?}", process.run),
        }
        Ok(())
    }

    /// The run was read; where it was a terminal that decides nothing, its task stands as it did, or with the person.
    pub(super) fn leave_terminal(&mut self, state: &State, process: &Process) {
        let decides = self.decides(state, process);
        if decides {
            self.deciding.insert(process.run.clone());
        }
        let run = state.run(&process.run).filter(|run| run.purpose == Purpose::Terminal && !decides);
        let task = run.and_then(|run| state.task(&run.task));
        self.left = task.map(|task| (task.id.clone(), task.standing.clone()));
    }

    /// After that entry.
    pub(super) fn check_left(&mut self, state: &State) -> Result<()> {
        let Some((task, before)) = self.left.take() else { return Ok(()) };
        let task = state.task(&task).context("a task that never was")?;
        let fits = matches!((&before, &task.standing), (Standing::Open, Standing::Yielded))
            || task.standing == before
            || task.standing == Standing::Cancelled;
        ensure!(fits, "a terminal made {before:?} to {:?}", task.standing);
        ensure!(task.current.is_none(), "its terminal is over and {} does not know", task.id);
        Ok(())
    }
}
