//! What the conductor's tests have in common: a log that goes on.

#![expect(clippy::unwrap_used, reason = "tests")]

use conductor::{State, apply};
use shared::entry::{Actor, Body, Entry, Kind};
use shared::id::{ClientId, ProjectId};
use shared::unit::Millis;

pub fn person() -> Actor {
    Actor::Person { client: ClientId::new("c").unwrap() }
}

/// Folds the log's next entry in.
pub fn append(state: &mut State, at: Millis, actor: Actor, project: &str, kind: Kind) {
    let (seq, project) = (state.seq.next(), Some(ProjectId::new(project).unwrap()));
    apply(state, &Entry { seq, at, actor, project, body: Body::Known(Box::new(kind)) });
}
