//! The part of the fold that keeps what a run is told while it works: a message waits with its task, is on its way
//! to the run, or was read, and is never in two of these places.

use std::sync::Arc;

use shared::id::{MessageId, RunId, TaskId};

use crate::state::{Ear, Message, Run, Standing, State, Told};

impl State {
    pub(super) fn urge_message(&mut self, task: &TaskId, id: &MessageId) {
        self.with(task, |task| {
            task.queue
                .iter_mut()
                .filter(|message| message.id == *id)
                .for_each(|message| message.urged = true);
        });
    }

    /// From its task's queue to the run. What is not there was taken back, or told before.
    pub(super) fn tell(&mut self, id: &RunId, message: &MessageId) {
        let Some(run) = self.run(id).filter(|run| run.ear == Ear::Open) else { return };
        let mut taken = None;
        self.with(&run.task.clone(), |task| {
            let place = task.queue.iter().position(|queued| queued.id == *message);
            taken = place.map(|place| task.queue.remove(place));
        });
        self.with_run(id, |run| run.told.extend(taken.map(|message| Told { message, read: false })));
    }

    pub(super) fn has_read(&mut self, id: &RunId, message: &str) {
        let mut news = false;
        self.with_run(id, |run| {
            for told in run.told.iter_mut().filter(|told| told.message.id.as_str() == message) {
                news |= !std::mem::replace(&mut told.read, true);
            }
        });
        let Some(run) = self.run(id).filter(|_| news) else { return };
        let told = run.told.iter().find(|told| told.message.id.as_str() == message);
        let (owner, session) = (run.task.clone(), run.session.clone());
        let told = told.map(|told| told.message.clone());
        self.with(&owner, |task| {
            // The person had a say.
            task.proof.repairs = 0;
            task.remember(told, session.as_ref());
        });
    }

    /// What a run that is over was told and has not read is for the next turn, before what was written since.
    pub(super) fn take_back(&mut self, id: &RunId) {
        let Some(run) = self.runs.get_mut(id).filter(|run| run.told.iter().any(|told| !told.read)) else {
            return;
        };
        let run = Arc::make_mut(run);
        let (read, unread): (Vec<Told>, Vec<Told>) = run.told.drain(..).partition(|told| told.read);
        run.told = read;
        let owner = run.task.clone();
        self.with(&owner, |task| {
            let held = task.stop.is_some() || task.standing == Standing::Cancelled;
            let back = unread.into_iter().map(|told| Message { held, urged: false, ..told.message });
            task.queue.splice(0..0, back);
        });
    }
}

impl Run {
    /// Its turn is over, and with it what it hears.
    pub(super) fn listened(&mut self) {
        self.turn = None;
        if self.ear == Ear::Open {
            self.ear = Ear::Waits;
        }
    }
}
