//! A word into a task's conversation: an answer to what it asks, or a wish.

use clap::Args;
use conductor::apply::answers;
use conductor::plan::name;
use conductor::state::{Message, State, Task};
use conductor::words;
use serde::Deserialize;
use shared::entry::Kind;
use shared::id::{MessageId, RunId};
use utoipa::ToSchema;

use super::super::statement::drawn;
use super::Unsaid;
use crate::clock;

/// Characters of what somebody else said that are shown.
const SHOWN: usize = 80;

#[derive(Debug, Clone, Args, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// What to say
    pub text: String,
    /// Let the turn that runs read it at its next step, instead of the next turn
    #[arg(long)]
    #[serde(default)]
    pub now: bool,
    /// The question that it answers, as the inbox tells it: it is not told where that was answered meanwhile
    #[arg(long, value_name = "ID", conflicts_with = "also")]
    pub question: Option<String>,
    /// Beside an answer that was given a moment ago and is not told yet
    #[arg(long)]
    #[serde(default)]
    pub also: bool,
}

impl Said {
    /// The intents.
    ///
    /// # Errors
    /// It says nothing, or answers what is answered.
    pub(super) fn kinds(self, state: &State, task: &Task) -> Result<Vec<Kind>, Unsaid> {
        if self.text.trim().is_empty() {
            return Err(Unsaid("there is nothing to say in no words".to_owned()));
        }
        let answers = self.answers(state, task)?;
        let Self { text, now, .. } = self;
        let (id, message) = (task.id.clone(), drawn(MessageId::new));
        let urged = now.then(|| Kind::MessageUrged { task: id.clone(), message: message.clone() });
        let sent = Kind::MessageSent { task: id, message, text, answers };
        Ok([sent].into_iter().chain(urged).collect())
    }

    /// The run whose question it answers, if it does.
    fn answers(&self, state: &State, task: &Task) -> Result<Option<RunId>, Unsaid> {
        let open = answers(state, task);
        match &self.question {
            Some(question) if open.as_ref().is_some_and(|open| open.as_str() == question) => Ok(open),
            Some(question) if task.runs.iter().any(|run| run.as_str() == question) => Err(Unsaid(format!(
                "{} does not wait for an answer to {question} any more; the inbox tells what it asks now",
                name(task)
            ))),
            Some(question) => Err(Unsaid(format!("{question} is no question of {}", name(task)))),
            None => match answered(task).filter(|_| open.is_none() && !self.also) {
                Some(before) => Err(Unsaid(format!(
                    "it was answered {} ago, and its agent is told that next: \u{201c}{}\u{201d}. Say it with --also (\"also\": true) to tell both",
                    words::span(clock::now().since(before.at)),
                    start_of(&before.text)
                ))),
                None => Ok(open),
            },
        }
    }
}

/// The answer to the task's question that no turn has carried yet.
fn answered(task: &Task) -> Option<&Message> {
    let answer = task.answer.as_ref()?;
    task.queue.iter().find(|message| message.id == answer.message)
}

/// Its first line, as much of it as is shown.
fn start_of(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let shown: String = line.chars().take(SHOWN).collect();
    if shown.len() < text.trim_end().len() { format!("{shown} …") } else { shown }
}
