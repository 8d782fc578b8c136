//! Word that something in a run's folder has changed, so that nothing has to look again and again.

use tokio::sync::Notify;

/// Rung by changes in one folder. Each has one listener, who looks before it listens.
#[derive(Debug, Default)]
pub(super) struct Bell {
    /// The output grew.
    pub output: Notify,
    /// Another of the files is there.
    pub word: Notify,
}
