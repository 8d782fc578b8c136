//! Terminals: each is opened because the person wanted it, once, on a task that may have one; nothing is read from it, and
//! nothing begins by itself where the person was at it.

use anyhow::{Context, Result, ensure};
use conductor::State;
use conductor::state::{Standing, Task};
use shared::entry::{Kind, Purpose};
use shared::id::RunId;
use shared::run::{Arg, Stdin};

use super::Watch;
use super::planned::is_open;
use crate::process;

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
            Kind::TaskStopped { task } | Kind::GoalClosed { goal: task } => {
                for task in state.subtree(task) {
                    self.wanted.remove(&task.id);
                }
            }
            _ => {}
        }
    }

    /// The run was read; where it was a terminal, its task stands as it did, or with the person.
    pub(super) fn leave_terminal(&mut self, state: &State, run: &RunId) {
        let run = state.run(run).filter(|run| run.purpose == Purpose::Terminal);
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
