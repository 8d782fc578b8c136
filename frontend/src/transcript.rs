//! What a conversation consists of: items from the log, and for each turn the blocks that its run's output
//! says. Live text has a signal of its own beside the list, set at most once per frame.

use leptos::prelude::*;
use shared::agent::{AgentEvent, HarnessId, ToolOutcome};
use shared::entry::{Entry, Kind, Outcome, Purpose};
use shared::harness::Decoder;
use shared::id::{MessageId, RunId, TaskId};
use shared::unit::Millis;
use shared::wire::OutputFrame;

/// Blocks that are kept of one turn, and bytes of one block of plain output; older ones stay in the store.
const BLOCKS: usize = 2_000;
const OUTPUT: usize = 200_000;

/// One thing of a task's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub at: Millis,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Goal(String),
    Said { message: MessageId, text: String },
    Withdrawn(MessageId),
    Turn { run: RunId, purpose: Purpose },
    Proposed { version: u32, reply: String, tasks: usize },
    Refused(Vec<String>),
    Approved,
    Settled(Outcome),
    Stopped,
    Retried,
    Accepted,
    Closed,
}

/// What an entry adds to which conversation.
pub fn items_of(entry: &Entry) -> Option<(TaskId, Item)> {
    let (task, what) = match entry.body.known()? {
        Kind::GoalStated { task, text, .. } => (task, What::Goal(text.clone())),
        Kind::MessageSent { task, message, text } => {
            (task, What::Said { message: message.clone(), text: text.clone() })
        }
        Kind::MessageWithdrawn { task, message } => (task, What::Withdrawn(message.clone())),
        Kind::RunRequested { task, run, purpose, .. } => {
            (task, What::Turn { run: run.clone(), purpose: *purpose })
        }
        Kind::PlanProposed { goal, version, reply, tasks, .. } => {
            (goal, What::Proposed { version: *version, reply: reply.clone(), tasks: tasks.len() })
        }
        Kind::PlanRefused { goal, problems, .. } => (goal, What::Refused(problems.clone())),
        Kind::PlanApproved { goal, .. } => (goal, What::Approved),
        Kind::TaskSettled { task, outcome, .. } => (task, What::Settled(outcome.clone())),
        Kind::TaskStopped { task } => (task, What::Stopped),
        Kind::TaskRetried { task } => (task, What::Retried),
        Kind::TaskAccepted { task } => (task, What::Accepted),
        Kind::GoalClosed { goal } => (goal, What::Closed),
        _ => return None,
    };
    Some((task.clone(), Item { at: entry.at, what }))
}

/// A run's output as blocks. Copies share them.
#[derive(Clone)]
pub struct Turn {
    pub blocks: ArcRwSignal<Vec<Block>>,
    reading: StoredReading,
}

type StoredReading = std::rc::Rc<std::cell::RefCell<Reading>>;

struct Reading {
    decoder: Decoder,
    next: u64,
    blocks: Vec<Block>,
    /// Text of each block, ahead of its signal.
    texts: Vec<String>,
    changed: std::collections::BTreeSet<usize>,
    grown: bool,
    finished: bool,
}

/// A part of a turn. Its text and state change in place.
#[derive(Clone)]
pub struct Block {
    pub id: usize,
    pub kind: BlockKind,
    pub text: ArcRwSignal<String>,
    pub state: ArcRwSignal<BlockState>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockKind {
    Text { message: String },
    Thinking { message: String },
    Tool { call: String, tool: String, title: String, input: String },
    Notice,
    Output,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockState {
    Growing,
    Done,
    Failed,
}

impl Turn {
    pub fn new(harness: HarnessId) -> Self {
        let reading = Reading {
            decoder: Decoder::new(harness),
            next: 0,
            blocks: Vec::new(),
            texts: Vec::new(),
            changed: std::collections::BTreeSet::new(),
            grown: false,
            finished: false,
        };
        Self {
            blocks: ArcRwSignal::new(Vec::new()),
            reading: std::rc::Rc::new(std::cell::RefCell::new(reading)),
        }
    }

    /// Takes the lines that it has not seen.
    pub fn read(&mut self, frame: &OutputFrame<'_>) {
        let mut reading = self.reading.borrow_mut();
        for (line, bytes) in frame.lines() {
            if line == reading.next {
                reading.next += 1;
                let events = reading.decoder.push(frame.stream, bytes);
                events.into_iter().for_each(|event| reading.take(event));
            }
        }
    }

    /// Closes what is open when the run is over and all its lines are here.
    pub fn finish(&mut self, run: &conductor::state::Run) {
        use conductor::state::Phase;
        let mut reading = self.reading.borrow_mut();
        let (end, lines) = match &run.phase {
            Phase::Requested | Phase::Running { .. } => return,
            Phase::Ended { end, lines, .. } | Phase::Read { end, lines, .. } => (end, *lines),
        };
        if reading.finished || reading.next < lines {
            return;
        }
        reading.finished = true;
        let (events, _) = reading.decoder.finish(end);
        events.into_iter().for_each(|event| reading.take(event));
        let open: Vec<usize> = reading
            .blocks
            .iter()
            .filter(|block| block.state.get_untracked() == BlockState::Growing)
            .map(|block| block.id)
            .collect();
        for id in open {
            if let Some(block) = reading.blocks.iter().find(|block| block.id == id) {
                block.state.set(BlockState::Done);
            }
        }
    }

    /// Sets the signals of what changed since the last frame.
    pub fn publish(&self) {
        let (changes, grown) = {
            let mut reading = self.reading.borrow_mut();
            let changed = std::mem::take(&mut reading.changed);
            let changes: Vec<(ArcRwSignal<String>, String)> = changed
                .into_iter()
                .filter_map(|place| {
                    Some((reading.blocks.get(place)?.text.clone(), reading.texts.get(place)?.clone()))
                })
                .collect();
            (changes, std::mem::take(&mut reading.grown).then(|| reading.blocks.clone()))
        };
        for (signal, text) in changes {
            signal.set(text);
        }
        if let Some(blocks) = grown {
            self.blocks.set(blocks);
        }
    }
}

impl Reading {
    fn take(&mut self, event: AgentEvent) {
        match event {
            AgentEvent::TextDelta { message, text } => self.grow(BlockKind::Text { message }, &text),
            AgentEvent::ThinkingDelta { message, text } => self.grow(BlockKind::Thinking { message }, &text),
            AgentEvent::Message { message, text } => self.whole(BlockKind::Text { message }, text),
            AgentEvent::Thinking { message, text } => self.whole(BlockKind::Thinking { message }, text),
            // The answer in its schema's shape; what it says stands below the turn in words.
            AgentEvent::ToolCall { tool, .. } if tool == "StructuredOutput" => {}
            AgentEvent::ToolCall { call, tool, title, input } => {
                let input = serde_json::to_string_pretty(&input).unwrap_or_default();
                self.add(BlockKind::Tool { call, tool, title, input }, String::new(), BlockState::Growing);
            }
            AgentEvent::ToolResult { call, outcome, text } => self.answered(&call, outcome, text),
            AgentEvent::PermissionDenied { tool, why } => self.note(format!("{tool} was not allowed: {why}")),
            AgentEvent::Retrying { attempt, message, .. } => self.note(format!("Try {attempt}: {message}")),
            AgentEvent::RateLimit { window, .. } => {
                self.note(format!(
                    "The provider's limit{} is near or reached",
                    window.map_or_else(String::new, |window| format!(" ({window})"))
                ));
            }
            AgentEvent::Notice { text } => self.note(text),
            AgentEvent::Line { text } => self.output(&BlockKind::Output, &text),
            AgentEvent::Unknown { raw } => self.output(&BlockKind::Unknown, &raw),
            AgentEvent::Session { .. } | AgentEvent::Usage { .. } | AgentEvent::TurnEnded { .. } => {}
        }
    }

    fn add(&mut self, kind: BlockKind, text: String, state: BlockState) {
        if self.blocks.len() >= BLOCKS {
            return;
        }
        let id = self.blocks.len();
        self.blocks.push(Block {
            id,
            kind,
            text: ArcRwSignal::new(text.clone()),
            state: ArcRwSignal::new(state),
        });
        self.texts.push(text);
        self.grown = true;
    }

    fn note(&mut self, text: String) {
        self.add(BlockKind::Notice, text, BlockState::Done);
    }

    fn place(&self, kind: &BlockKind) -> Option<usize> {
        self.blocks.iter().rposition(|block| block.kind == *kind)
    }

    fn grow(&mut self, kind: BlockKind, text: &str) {
        match self.place(&kind) {
            Some(place) => {
                self.texts[place].push_str(text);
                self.changed.insert(place);
            }
            None => self.add(kind, text.to_owned(), BlockState::Growing),
        }
    }

    fn whole(&mut self, kind: BlockKind, text: String) {
        match self.place(&kind) {
            Some(place) => {
                self.blocks[place].state.set(BlockState::Done);
                self.texts[place] = text;
                self.changed.insert(place);
            }
            None => self.add(kind, text, BlockState::Done),
        }
    }

    fn answered(&mut self, call: &str, outcome: ToolOutcome, text: String) {
        let called =
            |block: &Block| matches!(&block.kind, BlockKind::Tool { call: known, .. } if known == call);
        if let Some(place) = self.blocks.iter().rposition(called) {
            self.blocks[place].state.set(match outcome {
                ToolOutcome::Succeeded => BlockState::Done,
                ToolOutcome::Failed => BlockState::Failed,
            });
            self.texts[place] = text;
            self.changed.insert(place);
        }
    }

    /// Plain lines gather in one block, whose beginning is left out when it grows too long.
    fn output(&mut self, kind: &BlockKind, line: &str) {
        let last = self.blocks.len().checked_sub(1).filter(|&last| self.blocks[last].kind == *kind);
        let Some(place) = last else {
            self.add(kind.clone(), format!("{line}\n"), BlockState::Done);
            return;
        };
        let text = &mut self.texts[place];
        text.push_str(line);
        text.push('\n');
        if text.len() > 2 * OUTPUT {
            let cut = text.ceil_char_boundary(text.len() - OUTPUT);
            text.replace_range(..cut, "… earlier lines are left out here\n");
        }
        self.changed.insert(place);
    }
}
