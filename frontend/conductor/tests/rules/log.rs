//! What the conductor's tests have in common: a log that goes on.

#![expect(clippy::unwrap_used, reason = "tests")]

use conductor::{State, apply, decide};
use shared::entry::{Actor, Body, Entry, Kind};
use shared::id::{ClientId, ProjectId, TaskId};
use shared::unit::{Epoch, Millis};

pub fn id(text: &str) -> TaskId {
    TaskId::new(text).unwrap()
}

pub fn person() -> Actor {
    Actor::Person { client: ClientId::new("c").unwrap() }
}

/// Folds the log's next entry in.
pub fn append(state: &mut State, at: Millis, actor: Actor, project: &str, kind: Kind) {
    let (seq, project) = (state.seq.next(), Some(ProjectId::new(project).unwrap()));
    apply(state, &Entry { seq, at, actor, project, body: Body::Known(Box::new(kind)) });
}

/// Decides and folds that in until nothing is left to decide; all of it, in order.
pub fn carry_out(state: &mut State, at: Millis) -> Vec<Kind> {
    let mut decided = Vec::new();
    loop {
        let drafts = decide(state, at);
        if drafts.is_empty() {
            return decided;
        }
        for draft in drafts {
            let kind = draft.body.known().unwrap().clone();
            let project = draft.project.unwrap();
            append(state, at, Actor::Conductor { epoch: Epoch(1) }, project.as_str(), kind.clone());
            decided.push(kind);
        }
    }
}
