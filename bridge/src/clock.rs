//! The one place where the bridge reads the wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

use shared::unit::Millis;

/// Milliseconds since the Unix epoch; zero for a clock that stands before it.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
