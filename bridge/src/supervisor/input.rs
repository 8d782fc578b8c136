//! What is written into a run while it lives, through the pipe in its folder. Written beside the reading of
//! its output: a process that does not read must not keep what it says from being heard.

use std::path::Path;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

/// Feeds the process until there are no more texts. A process that is gone reads none, which is no error.
pub(super) fn feed(fifo: &Path, mut texts: mpsc::Receiver<String>) {
    let Ok(mut stdin) = pipe::OpenOptions::new().open_sender(fifo) else { return };
    tokio::spawn(async move {
        while let Some(text) = texts.recv().await {
            if stdin.write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
    });
}
