//! Edits of a plan. Each is in the state when it comes back from the bridge; a hand that is quicker, or a bridge that is
//! far away, has the next one built on those that are still on their way.

use std::collections::VecDeque;

use conductor::State;
use conductor::apply::apply;
use conductor::plan::edit::{EditProblem, check_edit, inverse};
use leptos::prelude::*;
use shared::entry::{Actor, Body, Entry, Kind};
use shared::id::{AppendId, ClientId, TaskId};
use shared::plan::PlanEdit;

use super::{Desk, draw};
use crate::link::now;

/// An edit of a goal's plan, and the append that carries it.
pub(super) type OnItsWay = (AppendId, TaskId, PlanEdit);

/// Edits on their way that the next one is built on; of more, the oldest are no longer counted in.
const MOST: usize = 64;

impl Desk {
    /// Makes an edit that can be taken back, or says why it cannot be made.
    pub fn edit(self, goal: &TaskId, edit: PlanEdit) {
        self.edit_all(goal, vec![edit]);
    }

    /// Makes edits that are taken back as one, or says why they cannot be made. None of them bears on another.
    pub fn edit_all(self, goal: &TaskId, edits: Vec<PlanEdit>) {
        if let Err(problem) = edits.iter().try_for_each(|edit| self.check(goal, edit)) {
            self.say(format!("Not possible: {problem}."), false);
            return;
        }
        // An "Undo" that still stands there would be another's.
        self.toast.set(None);
        if let [PlanEdit::Remove { task }] = edits.as_slice() {
            let name = self.foresee(|state| state.task(task).map(conductor::plan::name)).unwrap_or_default();
            self.say(format!("Removed {name}."), true);
        }
        let back: Vec<_> =
            self.foresee(|state| edits.iter().filter_map(|edit| inverse(state, edit)).collect());
        self.make(goal, edits);
        if !back.is_empty() {
            self.can_undo(goal, back);
        }
    }

    /// Why an edit cannot be made, with those that are on their way.
    ///
    /// # Errors
    /// What is in its way.
    pub fn check(self, goal: &TaskId, edit: &PlanEdit) -> Result<(), EditProblem> {
        self.foresee(|state| check_edit(state, goal, edit))
    }

    /// Reads the state as it will be when the edits that were made here have come back.
    pub fn foresee<T>(self, look: impl FnOnce(&State) -> T) -> T {
        let ahead = self.ahead();
        self.peek(|state| look(ahead.as_ref().unwrap_or(state)))
    }

    /// That state, where it is another than the state as it is. Apart, so that it is not compiled for each who looks.
    fn ahead(self) -> Option<State> {
        self.inner.with_value(|inner| {
            let mut ahead = (!inner.edits.is_empty()).then(|| inner.driver.state().clone())?;
            for (_, goal, edit) in &inner.edits {
                let entry = Entry {
                    seq: ahead.seq.next(),
                    at: now(),
                    actor: Actor::Person { client: inner.client.clone() },
                    project: ahead.task(goal).map(|task| task.project.clone()),
                    body: Body::Known(Box::new(Kind::PlanEdited { goal: goal.clone(), edit: edit.clone() })),
                };
                apply(&mut ahead, &entry);
            }
            Some(ahead)
        })
    }

    /// Makes them in one append.
    pub(super) fn make(self, goal: &TaskId, edits: Vec<PlanEdit>) {
        let Ok(id) = AppendId::new(&draw()) else { return };
        let project = self.peek(|state| state.task(goal).map(|task| task.project.clone()));
        self.inner.update_value(|inner| {
            inner.edits.extend(edits.iter().map(|edit| (id.clone(), goal.clone(), edit.clone())));
            let over = inner.edits.len().saturating_sub(MOST);
            inner.edits.drain(..over);
        });
        let kinds = edits.into_iter().map(|edit| Kind::PlanEdited { goal: goal.clone(), edit }).collect();
        self.intend_as(id, project, kinds);
    }

    /// What it carried was refused.
    pub(super) fn failed(self, append: &AppendId) {
        self.inner.update_value(|inner| inner.edits.retain(|(id, ..)| id != append));
    }
}

/// What comes of the log may be an edit that was on its way. The answer to its append says no more, and comes before or
/// after it.
pub(super) fn landed(edits: &mut VecDeque<OnItsWay>, client: &ClientId, entry: &Entry) {
    if matches!(&entry.actor, Actor::Person { client: by } if by == client)
        && let Some(Kind::PlanEdited { goal, edit }) = entry.body.known()
        && let Some(place) = edits.iter().position(|(_, of, made)| of == goal && made == edit)
    {
        edits.remove(place);
    }
}
