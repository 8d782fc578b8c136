//! A run's standard input. Written beside the reading of its output: a process that does not read must not
//! keep what it says from being heard.

use shared::run::Stdin;
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;

/// Feeds the process until there is no more or it closed its input, which is no error.
pub(super) fn feed(stdin: Option<ChildStdin>, kind: &Stdin, mut texts: mpsc::Receiver<String>) {
    let Some(mut stdin) = stdin else { return };
    let first = match kind {
        Stdin::Null => return,
        Stdin::Text { text } => {
            texts.close();
            Some(text.clone())
        }
        Stdin::Pipe => None,
    };
    tokio::spawn(async move {
        if let Some(text) = first
            && stdin.write_all(text.as_bytes()).await.is_err()
        {
            return;
        }
        while let Some(text) = texts.recv().await {
            if stdin.write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
    });
}
