//! What the person does with tasks' terminals.

use shared::entry::Kind;
use shared::id::{RunId, TaskId};
use shared::run::Window;

use super::Desk;
use leptos::prelude::GetUntracked;

impl Desk {
    pub fn open_terminal(self, task: &TaskId, window: Window) {
        self.about(task, Kind::TerminalOpened { task: task.clone(), window });
    }

    pub fn close_terminal(self, task: &TaskId, run: &RunId) {
        self.about(task, Kind::TerminalClosed { run: run.clone() });
    }

    /// Types there with this size. What is typed while the bridge is away would come at another moment, so it is not kept.
    pub fn type_there(self, task: &TaskId, run: &RunId, text: String, window: Option<Window>) {
        if self.standing.get_untracked().is_connected() {
            window.into_iter().for_each(|window| self.resize_terminal(task, run, window));
            self.about(task, Kind::TerminalTyped { run: run.clone(), text });
        }
    }

    /// Gives it this size, where that is another.
    pub fn resize_terminal(self, task: &TaskId, run: &RunId, window: Window) {
        let known = self.peek(|state| state.run(run).and_then(|run| run.window));
        if known.is_some_and(|known| known != window) {
            self.about(task, Kind::TerminalResized { run: run.clone(), window });
        }
    }
}
