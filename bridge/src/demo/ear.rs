//! What the demo agent hears: its prompt as the first line of its input, and what it is told while it works, as lines
//! of Claude's stream format.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use anyhow::{Context, bail};
use serde_json::Value;

use super::MAX_PROMPT;

/// Messages that it has not come to yet. When there are more its input waits, and so does who writes there.
const WAITING: usize = 16;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub text: String,
    /// By which it says that it has read it.
    pub id: Option<String>,
}

#[derive(Debug)]
pub struct Ear {
    said: Receiver<Said>,
}

impl Ear {
    /// Waits for the prompt, and listens from then on.
    ///
    /// # Errors
    /// There is no prompt, or nobody to listen.
    pub fn open(input: impl Read + Send + 'static) -> anyhow::Result<(String, Self)> {
        let mut input = BufReader::new(input);
        let Some(prompt) = next(&mut input).context("cannot read the prompt")? else {
            bail!("there is no prompt: the input ends before its first line");
        };
        let (tell, said) = sync_channel(WAITING);
        thread::Builder::new().spawn(move || {
            // What cannot be read is the end of it.
            while let Ok(Some(said)) = next(&mut input) {
                if tell.send(said).is_err() {
                    return;
                }
            }
        })?;
        Ok((prompt.text, Self { said }))
    }

    /// What was said by now.
    pub fn heard(&self) -> Vec<Said> {
        self.said.try_iter().collect()
    }

    /// Waits for the next message; nothing when there are no more to come.
    pub fn wait(&self) -> Option<Said> {
        self.said.recv().ok()
    }
}

fn next(input: &mut impl BufRead) -> anyhow::Result<Option<Said>> {
    let mut line = Vec::new();
    if input.take(MAX_PROMPT).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let line: Value = serde_json::from_slice(&line).context("a line of the input is no JSON")?;
    let text = line["message"]["content"][0]["text"].as_str().context("a line of the input has no text")?;
    Ok(Some(Said { text: text.to_owned(), id: line["uuid"].as_str().map(str::to_owned) }))
}
