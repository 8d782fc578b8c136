//! The text of an entry and of a line of output, and the hits that are shown of them.

use shared::agent::{AgentEvent, HarnessId};
use shared::api::{Hit, HitPlace};
use shared::entry::{Kind, Outcome};
use shared::harness::Decoder;
use shared::id::TaskId;
use shared::run::Stream;
use shared::unit::Seq;

use super::SearchError;
use super::index::Place;
use super::query::Words;
use crate::store::{Page, Piece, Store, StoreError};

/// Bytes of a text that count.
const TEXT: usize = 64 * 1024;

/// What an entry says in words. What agents say stands in their output.
pub(super) fn by(kind: &Kind) -> Option<String> {
    spoken(kind).map(|(_, text)| text)
}

fn spoken(kind: &Kind) -> Option<(&TaskId, String)> {
    let (task, text) = match kind {
        Kind::GoalStated { task, text, .. } | Kind::MessageSent { task, text, .. } => (task, text.clone()),
        Kind::PlanProposed { goal, reply, tasks, .. } => {
            let tasks = tasks.iter().map(|task| format!("\n{}. {}", task.title, task.objective));
            (goal, std::iter::once(reply.clone()).chain(tasks).collect())
        }
        Kind::PlanRefused { goal, problems, .. } => (goal, problems.join("\n")),
        Kind::TaskAccepted { task, words: text } | Kind::TaskGivenUp { task, why: text }
            if !text.is_empty() =>
        {
            (task, text.clone())
        }
        Kind::TaskSettled { task, outcome, .. } => (task, outcome_text(outcome)?),
        _ => return None,
    };
    Some((task, cut(text)))
}

fn outcome_text(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Completed { summary, outputs, not_done } => {
            let parts = std::iter::once(summary).chain(outputs).chain(not_done);
            Some(parts.map(String::as_str).collect::<Vec<_>>().join("\n"))
        }
        Outcome::Failed { why, .. } => Some(why.clone()),
        Outcome::Asked { question, options } => {
            let parts = std::iter::once(question).chain(options);
            Some(parts.map(String::as_str).collect::<Vec<_>>().join("\n"))
        }
        Outcome::Yielded { summary, .. } => Some(summary.clone()),
        _ => None,
    }
}

/// What a stored line says in words: each is read alone, so that it can be read again alone for a hit.
pub(super) fn in_line(harness: HarnessId, piece: &Piece) -> String {
    if piece.stream == Stream::Stderr {
        return cut(String::from_utf8_lossy(&piece.bytes).trim_end().to_owned());
    }
    let mut decoder = Decoder::new(harness);
    let mut events = decoder.push(piece.stream, &piece.bytes);
    if !piece.bytes.ends_with(b"\n") {
        events.extend(decoder.push(piece.stream, b"\n"));
    }
    let texts: Vec<String> = events.into_iter().filter_map(words_of).collect();
    cut(texts.join("\n"))
}

fn words_of(event: AgentEvent) -> Option<String> {
    match event {
        AgentEvent::Message { text, .. }
        | AgentEvent::Thinking { text, .. }
        | AgentEvent::ToolResult { text, .. }
        | AgentEvent::Notice { text }
        | AgentEvent::Line { text }
        | AgentEvent::Unknown { raw: text } => Some(text),
        // An answer in its schema's shape: what it says is in the log, in words.
        AgentEvent::ToolCall { tool, .. } if tool == "StructuredOutput" => None,
        AgentEvent::ToolCall { tool, title, input, .. } => Some(format!("{tool} {title}\n{input}")),
        AgentEvent::PermissionAsked { ask } => Some(format!("{} {}", ask.tool, ask.about())),
        AgentEvent::PermissionDenied { tool, why } => Some(format!("{tool}\n{why}")),
        AgentEvent::Retrying { message, .. } => Some(message),
        // The whole message follows on its deltas.
        AgentEvent::TextDelta { .. }
        | AgentEvent::ThinkingDelta { .. }
        | AgentEvent::Session { .. }
        | AgentEvent::PermissionWithdrawn { .. }
        | AgentEvent::Usage { .. }
        | AgentEvent::Progress { .. }
        | AgentEvent::RateLimit { .. }
        // What the person wrote is found in the log.
        | AgentEvent::Told { .. }
        | AgentEvent::TurnBegan { .. }
        | AgentEvent::TurnEnded { .. } => None,
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT));
    text
}

/// A place as a hit; nothing when what stood there is no longer kept.
pub(super) async fn hit(store: &Store, place: &Place, words: &Words) -> Result<Option<Hit>, SearchError> {
    match place {
        Place::Entry(seq) => {
            let page = Page { entries: 1, bytes: 1 };
            let stored = store.entries_after(Seq(seq.0.saturating_sub(1)), page).await?.pop();
            Ok(stored.and_then(|stored| {
                let (task, text) = spoken(stored.entry.body.known()?)?;
                let place = HitPlace::Entry { task: task.clone(), seq: *seq };
                let by_person = matches!(stored.entry.actor, shared::entry::Actor::Person { .. });
                Some(Hit { at: stored.entry.at, place, by_person, bits: words.excerpt(&text) })
            }))
        }
        Place::Line { run, harness, line, .. } => {
            let piece = match store.output_from(run, *line, 1).await {
                Err(StoreError::Damaged(_)) => None,
                read => read?.into_iter().next(),
            };
            Ok(piece.map(|piece| Hit {
                at: piece.at,
                place: HitPlace::Line { run: run.clone(), line: *line },
                by_person: false,
                bits: words.excerpt(&in_line(*harness, &piece)),
            }))
        }
    }
}
