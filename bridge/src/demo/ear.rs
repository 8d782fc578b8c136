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

/// What comes in.
#[derive(Debug)]
enum Heard {
    Said(Said),
    /// To a request of its own; what it is told where that is denied.
    Answer {
        request: String,
        denied: Option<String>,
    },
}

#[derive(Debug)]
pub struct Ear {
    heard: Receiver<Heard>,
    /// What was said while it waited for an answer; a person writes no more than they can.
    kept: Vec<Said>,
}

impl Ear {
    /// Waits for the prompt, and listens from then on.
    ///
    /// # Errors
    /// There is no prompt, or nobody to listen.
    pub fn open(input: impl Read + Send + 'static) -> anyhow::Result<(String, Self)> {
        let mut input = BufReader::new(input);
        let Some(Heard::Said(prompt)) = next(&mut input).context("cannot read the prompt")? else {
            bail!("there is no prompt: the input does not begin with one");
        };
        let (tell, heard) = sync_channel(WAITING);
        thread::Builder::new().spawn(move || {
            // What cannot be read is the end of it.
            while let Ok(Some(heard)) = next(&mut input) {
                if tell.send(heard).is_err() {
                    return;
                }
            }
        })?;
        Ok((prompt.text, Self { heard, kept: Vec::new() }))
    }

    /// What was said by now.
    pub fn heard(&mut self) -> Vec<Said> {
        let said = self.heard.try_iter().filter_map(|heard| match heard {
            Heard::Said(said) => Some(said),
            Heard::Answer { .. } => None,
        });
        self.kept.drain(..).chain(said).collect()
    }

    /// Waits for the answer to a request: why not, or nothing where it may.
    pub fn denial(&mut self, request: &str) -> Option<String> {
        loop {
            match self.heard.recv() {
                Ok(Heard::Answer { request: own, denied }) if own == request => return denied,
                Ok(Heard::Answer { .. }) => {}
                Ok(Heard::Said(said)) => self.kept.push(said),
                Err(_) => return Some("The input ended before anybody answered.".to_owned()),
            }
        }
    }

    /// Waits for the next message; nothing when there are no more to come.
    pub fn wait(&mut self) -> Option<Said> {
        if !self.kept.is_empty() {
            return Some(self.kept.remove(0));
        }
        self.heard.iter().find_map(|heard| match heard {
            Heard::Said(said) => Some(said),
            Heard::Answer { .. } => None,
        })
    }
}

fn next(input: &mut impl BufRead) -> anyhow::Result<Option<Heard>> {
    let mut line = Vec::new();
    if input.take(MAX_PROMPT).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let line: Value = serde_json::from_slice(&line).context("a line of the input is no JSON")?;
    let answer = &line["response"];
    if let Some(request) = answer["request_id"].as_str() {
        let allowed = answer["response"]["behavior"] == "allow";
        let why = answer["response"]["message"].as_str().unwrap_or_default();
        return Ok(Some(Heard::Answer {
            request: request.to_owned(),
            denied: (!allowed).then(|| why.to_owned()),
        }));
    }
    let text = line["message"]["content"][0]["text"].as_str().context("a line of the input has no text")?;
    Ok(Some(Heard::Said(Said { text: text.to_owned(), id: line["uuid"].as_str().map(str::to_owned) })))
}
