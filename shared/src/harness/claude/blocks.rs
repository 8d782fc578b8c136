//! The content blocks of the message that Claude is writing. Each block has its own key, `MESSAGE:INDEX`, so that
//! the whole block that comes later replaces exactly what its deltas built. Whole blocks come one to a line,
//! in order, and do not say their index.

use super::{Json, text};
use crate::agent::AgentEvent;
use crate::harness::loose::{child, number};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Thinking,
    Other,
}

#[derive(Debug, Clone)]
struct Block {
    index: u64,
    kind: Kind,
    /// Its whole text has come.
    whole: bool,
}

/// Blocks of one message that are remembered; a stream that has more loses their place, not their text.
const MOST: usize = 1024;

#[derive(Debug, Clone, Default)]
pub(super) struct Blocks {
    /// The message's id as the model service gave it.
    message: String,
    blocks: Vec<Block>,
    /// Messages that have begun.
    begun: u32,
}

impl Blocks {
    /// How many messages have begun: as many requests were made.
    pub const fn begun(&self) -> u32 {
        self.begun
    }

    /// Turns to the message of this id. What deltas of the former message have built and no whole block has
    /// replaced was dropped by Claude, so it is emptied.
    pub fn begins(&mut self, message: &str, events: &mut Vec<AgentEvent>) {
        if self.message == message {
            return;
        }
        self.withdraw(events);
        message.clone_into(&mut self.message);
        self.begun = self.begun.saturating_add(1);
    }

    /// Empties what was streamed and never came whole: Claude tries the request again from its start.
    pub fn withdraw(&mut self, events: &mut Vec<AgentEvent>) {
        for block in std::mem::take(&mut self.blocks).iter().filter(|block| !block.whole) {
            let message = format!("{}:{}", self.message, block.index);
            match block.kind {
                Kind::Text => events.push(AgentEvent::Message { message, text: String::new() }),
                Kind::Thinking => events.push(AgentEvent::Thinking { message, text: String::new() }),
                Kind::Other => {}
            }
        }
        self.message.clear();
    }

    /// Reads one event of the model service's stream; says whether it carried text.
    pub fn streamed(&mut self, event: &Json, message: &str, events: &mut Vec<AgentEvent>) -> bool {
        let index = number(event, "index").unwrap_or(0);
        match text(event, "type") {
            "message_start" => {
                let id = child(event, "message").map_or(message, |started| text(started, "id"));
                self.begins(id, events);
            }
            "content_block_start" => {
                let kind =
                    child(event, "content_block").map_or(Kind::Other, |block| match text(block, "type") {
                        "text" => Kind::Text,
                        "thinking" => Kind::Thinking,
                        _ => Kind::Other,
                    });
                self.saw(index, kind);
            }
            "content_block_delta" => {
                let Some(delta) = child(event, "delta") else { return false };
                let (kind, piece) = match text(delta, "type") {
                    "text_delta" => (Kind::Text, text(delta, "text").to_owned()),
                    "thinking_delta" => (Kind::Thinking, text(delta, "thinking").to_owned()),
                    _ => return false,
                };
                if !message.is_empty() {
                    self.begins(message, events);
                }
                self.saw(index, kind);
                let message = format!("{}:{index}", self.message);
                events.push(if kind == Kind::Text {
                    AgentEvent::TextDelta { message, text: piece }
                } else {
                    AgentEvent::ThinkingDelta { message, text: piece }
                });
                return true;
            }
            _ => {}
        }
        false
    }

    fn saw(&mut self, index: u64, kind: Kind) {
        let known = self.blocks.iter().any(|block| block.index == index);
        if !known && self.blocks.len() < MOST {
            self.blocks.push(Block { index, kind, whole: false });
        }
    }

    /// The key of a block that has come whole: the first one of its kind that was streamed and not yet
    /// replaced, or else a new one.
    pub fn whole(&mut self, kind: Kind) -> String {
        let index = match self.blocks.iter_mut().find(|block| block.kind == kind && !block.whole) {
            Some(block) => {
                block.whole = true;
                block.index
            }
            None => {
                let index = self.blocks.iter().map(|block| block.index + 1).max().unwrap_or(0);
                if self.blocks.len() < MOST {
                    self.blocks.push(Block { index, kind, whole: true });
                }
                index
            }
        };
        format!("{}:{index}", self.message)
    }
}
