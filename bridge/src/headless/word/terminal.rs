//! Words about a task's terminal: opened, typed into, closed.

use conductor::plan::name;
use conductor::state::{Run, State, Task};
use conductor::terminal::{may_open, opened};
use shared::entry::Kind;
use shared::run::Window;

use super::Unsaid;

pub(super) fn open(state: &State, task: &Task, window: Window) -> Result<Kind, Unsaid> {
    may_open(state, task).map_err(|why| Unsaid(format!("{} gets no terminal: {why}", name(task))))?;
    Ok(Kind::TerminalOpened { task: task.id.clone(), window: window.bounded() })
}

pub(super) fn close(state: &State, task: &Task) -> Result<Kind, Unsaid> {
    Ok(Kind::TerminalClosed { run: there(state, task)?.id.clone() })
}

pub(super) fn typed(state: &State, task: &Task, text: String) -> Result<Kind, Unsaid> {
    Ok(Kind::TerminalTyped { run: there(state, task)?.id.clone(), text })
}

fn there<'a>(state: &'a State, task: &Task) -> Result<&'a Run, Unsaid> {
    opened(state, task).ok_or_else(|| {
        Unsaid(format!("{} has no terminal open. Next: orchestrator terminal TASK opens one", name(task)))
    })
}
