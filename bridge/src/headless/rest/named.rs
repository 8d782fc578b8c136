//! What a path names: a task, a goal, an agent.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::Refused;

/// The one name in a path.
pub(super) struct Named(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let named = Path::from_request_parts(parts, state).await.map(|Path(name)| Self(name));
        let next = "Percent-code it as UTF-8; GET /api/goals has the names of tasks.";
        named.map_err(|rejection| Refused::new(rejection.status(), rejection.body_text(), next))
    }
}
