//! A window of a run's output, decoded into blocks. It begins and ends anywhere: what it holds is bounded, what
//! lies before and behind it is in the store.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use leptos::prelude::*;
use shared::agent::{AgentEvent, HarnessId, ToolOutcome};
use shared::harness::Decoder;
use shared::run::RunEnd;
use shared::wire::OutputFrame;

/// Blocks that are held of one turn, and bytes of their texts; the others stay in the store.
const BLOCKS: usize = 2_000;
const TEXT: usize = 4 * 1024 * 1024;
/// Bytes of one block of plain output; the next line begins another.
const OUTPUT: usize = 64 * 1024;

/// A part of a turn. Its text and state change in place.
#[derive(Clone)]
pub struct Block {
    pub id: i64,
    /// Where it begins in the run's output.
    pub line: u64,
    pub kind: BlockKind,
    pub text: ArcRwSignal<String>,
    pub state: ArcRwSignal<BlockState>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockKind {
    Text {
        message: String,
    },
    Thinking {
        message: String,
    },
    Tool {
        call: String,
        tool: String,
        title: String,
        input: String,
    },
    Notice,
    /// What it asks to be allowed; the state knows the answer.
    Asked {
        request: String,
    },
    Output,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockState {
    Growing,
    Done,
    Failed,
}

struct Held {
    block: Block,
    /// Its text, ahead of its signal.
    text: String,
    /// The last line that changed it.
    through: u64,
}

/// What changed since it was asked last: texts, and all blocks when some came or left.
pub(super) struct News {
    pub texts: Vec<(ArcRwSignal<String>, String)>,
    pub blocks: Option<Vec<Block>>,
}

/// What lies behind the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ahead {
    /// Its first page has not come.
    Unknown,
    /// What comes by itself follows on it.
    Live,
    /// Lines that come when they are asked for.
    More,
}

pub(super) struct Reading {
    pub ahead: Ahead,
    harness: HarnessId,
    decoder: Decoder,
    /// The first line that it holds, and the one behind the last.
    first: u64,
    next: u64,
    held: VecDeque<Held>,
    /// Of the first block; ids rise from there on.
    lowest: i64,
    /// Results of calls that lie before the window.
    unclaimed: BTreeMap<String, (ToolOutcome, String)>,
    /// A line of plain output that stands in a block of its own, because it was looked for.
    pub alone: Option<u64>,
    changed: BTreeSet<i64>,
    regrouped: bool,
    finished: bool,
}

impl Reading {
    /// Empty, to be filled from `line` on.
    pub(super) fn at(harness: HarnessId, line: u64) -> Self {
        Self {
            ahead: Ahead::Unknown,
            harness,
            decoder: Decoder::new(harness),
            first: line,
            next: line,
            held: VecDeque::new(),
            lowest: 0,
            unclaimed: BTreeMap::new(),
            alone: None,
            changed: BTreeSet::new(),
            regrouped: true,
            finished: false,
        }
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Takes the lines that follow on what it holds.
    pub(super) fn read(&mut self, frame: &OutputFrame<'_>) {
        for (line, bytes) in frame.lines() {
            if line == self.next {
                self.next += 1;
                for event in self.decoder.push(frame.stream, bytes) {
                    self.take(event, line);
                }
            }
        }
        self.leave_the_oldest();
    }

    /// Where there is too much, a quarter leaves at once, so that not every line that comes pushes one out.
    fn leave_the_oldest(&mut self) {
        let bytes = |held: &Held| held.text.len();
        let mut text: usize = self.held.iter().map(bytes).sum();
        if self.held.len() <= BLOCKS && text <= TEXT {
            return;
        }
        while self.held.len() > BLOCKS / 4 * 3 || text > TEXT / 4 * 3 {
            let Some(gone) = self.held.pop_front() else { break };
            text -= bytes(&gone);
            self.lowest += 1;
        }
        self.first = self.held.front().map_or(self.next, |held| held.block.line);
        self.regrouped = true;
    }

    /// Takes what lies right before its window. Where there is too much then, the end leaves.
    pub(super) fn read_before(&mut self, frames: &[u8]) {
        let Some(first) = OutputFrame::all(frames).next().map(|frame| frame.first_line) else { return };
        let mut earlier = Self::at(self.harness, first);
        OutputFrame::all(frames).for_each(|frame| earlier.read(&frame));
        if earlier.next != self.first {
            return;
        }
        for held in
            earlier.held.iter_mut().filter(|held| held.block.state.get_untracked() == BlockState::Growing)
        {
            if let BlockKind::Tool { call, .. } = &held.block.kind
                && let Some((outcome, text)) = self.unclaimed.remove(call)
            {
                held.block.state.set(outcome.into());
                held.text = text;
                earlier.changed.insert(held.block.id);
            }
        }
        for (shown, text) in earlier.news().texts {
            shown.set(text);
        }
        // Of a message that goes on in this window, the whole text is there.
        let goes_on = |held: &Held| {
            let text = matches!(held.block.kind, BlockKind::Text { .. } | BlockKind::Thinking { .. });
            text && self.held.iter().any(|known| known.block.kind == held.block.kind)
        };
        earlier.held.retain(|held| !goes_on(held));
        for (outcome, text) in std::mem::take(&mut earlier.unclaimed) {
            self.unclaim(outcome, text);
        }
        self.first = earlier.first;
        for mut held in earlier.held.into_iter().rev() {
            self.lowest -= 1;
            held.block.id = self.lowest;
            self.held.push_front(held);
        }
        self.leave_the_newest();
        self.regrouped = true;
    }

    fn leave_the_newest(&mut self) {
        let mut text = 0;
        let fits = self.held.iter().take(BLOCKS).take_while(|held| {
            text += held.text.len();
            text <= TEXT
        });
        let fits = fits.count();
        if let Some(gone) = self.held.get(fits) {
            self.next = gone.block.line;
            self.held.truncate(fits);
            (self.decoder, self.finished, self.ahead) = (Decoder::new(self.harness), false, Ahead::More);
        }
    }

    /// Closes what is open, once, when the run is over and its last line is here.
    pub(super) fn finish(&mut self, end: &RunEnd, lines: u64) {
        if self.finished || self.next < lines {
            return;
        }
        (self.finished, self.ahead) = (true, Ahead::Live);
        let (events, _) = self.decoder.finish(end);
        for event in events {
            self.take(event, lines);
        }
        for held in &self.held {
            if held.block.state.get_untracked() == BlockState::Growing {
                held.block.state.set(BlockState::Done);
            }
        }
    }

    /// The block that a line speaks in, or else the one that stands there.
    pub(super) fn block_of(&self, line: u64) -> Option<i64> {
        let speaks = |held: &&Held| held.block.line == line || held.through == line;
        let before = || self.held.iter().rev().find(|held| held.block.line <= line);
        self.held.iter().find(speaks).or_else(before).map(|held| held.block.id)
    }

    pub(super) fn news(&mut self) -> News {
        let changed = std::mem::take(&mut self.changed);
        let texts = changed.into_iter().filter_map(|id| {
            let held = self.held.get(usize::try_from(id - self.lowest).ok()?)?;
            Some((held.block.text.clone(), held.text.clone()))
        });
        let texts = texts.collect();
        let regrouped = std::mem::take(&mut self.regrouped);
        News { texts, blocks: regrouped.then(|| self.held.iter().map(|held| held.block.clone()).collect()) }
    }

    fn take(&mut self, event: AgentEvent, line: u64) {
        match event {
            AgentEvent::TextDelta { message, text } => self.grow(BlockKind::Text { message }, &text, line),
            AgentEvent::ThinkingDelta { message, text } => {
                self.grow(BlockKind::Thinking { message }, &text, line);
            }
            AgentEvent::Message { message, text } => self.whole(BlockKind::Text { message }, text, line),
            AgentEvent::Thinking { message, text } => self.whole(BlockKind::Thinking { message }, text, line),
            // The answer in its schema's shape; what it says stands below the turn in words.
            AgentEvent::ToolCall { tool, .. } if tool == "StructuredOutput" => {}
            AgentEvent::ToolCall { call, tool, title, input } => {
                let input = serde_json::to_string_pretty(&input).unwrap_or_default();
                let kind = BlockKind::Tool { call, tool, title, input };
                self.add(kind, String::new(), BlockState::Growing, line);
            }
            AgentEvent::ToolResult { call, outcome, text } => self.answered(call, outcome, text, line),
            AgentEvent::PermissionAsked { ask } => {
                let text = format!("Asks whether it may {}.", conductor::words::deed(&ask));
                self.add(BlockKind::Asked { request: ask.request }, text, BlockState::Done, line);
            }
            AgentEvent::PermissionDenied { tool, why } => {
                self.note(format!("{tool} was not allowed: {why}"), line);
            }
            AgentEvent::Retrying { attempt, message, .. } => {
                self.note(format!("Try {attempt}: {message}"), line);
            }
            AgentEvent::RateLimit { window, .. } => {
                let window = window.map_or_else(String::new, |window| format!(" ({window})"));
                self.note(format!("The provider's limit{window} is near or reached"), line);
            }
            AgentEvent::Notice { text } => self.note(text, line),
            AgentEvent::Line { text } => self.output(&BlockKind::Output, &text, line),
            AgentEvent::Unknown { raw } => self.output(&BlockKind::Unknown, &raw, line),
            AgentEvent::Session { .. }
            | AgentEvent::Usage { .. }
            | AgentEvent::Progress { .. }
            | AgentEvent::Told { .. }
            | AgentEvent::PermissionWithdrawn { .. }
            | AgentEvent::TurnBegan { .. }
            | AgentEvent::TurnEnded { .. } => {}
        }
    }

    fn add(&mut self, kind: BlockKind, text: String, state: BlockState, line: u64) {
        let id = self.lowest + i64::try_from(self.held.len()).unwrap_or(i64::MAX);
        let (shown, state) = (ArcRwSignal::new(text.clone()), ArcRwSignal::new(state));
        let block = Block { id, line, kind, text: shown, state };
        self.held.push_back(Held { block, text, through: line });
        self.regrouped = true;
    }

    fn note(&mut self, text: String, line: u64) {
        self.add(BlockKind::Notice, text, BlockState::Done, line);
    }

    /// The newest block that fits, which is about to change by a line.
    fn changing(&mut self, line: u64, fits: impl Fn(&BlockKind) -> bool) -> Option<&mut Held> {
        let held = self.held.iter_mut().rev().find(|held| fits(&held.block.kind))?;
        held.through = line;
        self.changed.insert(held.block.id);
        Some(held)
    }

    fn grow(&mut self, kind: BlockKind, text: &str, line: u64) {
        match self.changing(line, |known| *known == kind) {
            Some(held) => held.text.push_str(text),
            None => self.add(kind, text.to_owned(), BlockState::Growing, line),
        }
    }

    fn whole(&mut self, kind: BlockKind, text: String, line: u64) {
        match self.changing(line, |known| *known == kind) {
            Some(held) => {
                held.block.state.set(BlockState::Done);
                held.text = text;
            }
            None => self.add(kind, text, BlockState::Done, line),
        }
    }

    fn answered(&mut self, call: String, outcome: ToolOutcome, text: String, line: u64) {
        let called = |kind: &BlockKind| matches!(kind, BlockKind::Tool { call: known, .. } if *known == call);
        match self.changing(line, called) {
            Some(held) => {
                held.block.state.set(outcome.into());
                held.text = text;
            }
            None => self.unclaim(call, (outcome, text)),
        }
    }

    /// Keeps a result until its call is read; as many as there may be blocks.
    fn unclaim(&mut self, call: String, result: (ToolOutcome, String)) {
        if self.unclaimed.len() < BLOCKS {
            self.unclaimed.insert(call, result);
        }
    }

    /// Plain lines gather in one block; a new one begins when it grows too long.
    fn output(&mut self, kind: &BlockKind, text: &str, line: u64) {
        let alone = self.alone;
        let goes_on = |held: &Held| {
            let alone = alone.is_some_and(|alone| alone == line || alone == held.block.line);
            held.block.kind == *kind && held.text.len() < OUTPUT && !alone
        };
        match self.held.back_mut() {
            Some(held) if goes_on(held) => {
                held.text.push_str(text);
                held.text.push('\n');
                held.through = line;
                self.changed.insert(held.block.id);
            }
            _ => self.add(kind.clone(), format!("{text}\n"), BlockState::Done, line),
        }
    }
}

impl From<ToolOutcome> for BlockState {
    fn from(outcome: ToolOutcome) -> Self {
        match outcome {
            ToolOutcome::Succeeded => Self::Done,
            ToolOutcome::Failed => Self::Failed,
        }
    }
}
