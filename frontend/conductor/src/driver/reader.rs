//! Reading one run: its output through the harness's decoder, and of what the agent says the part that the
//! log keeps. Deltas, results and thinking stay in the output, where the open conversation reads them.

use shared::agent::{AgentEvent, HarnessId, Progress, TurnEnd, TurnReport};
use shared::entry::{Draft, Kind, Purpose};
use shared::harness::Decoder;
use shared::id::RunId;
use shared::run::RunEnd;
use shared::unit::Seq;
use shared::wire::OutputFrame;

use crate::budget;
use crate::estimate::Pace;
use crate::state::{Ear, Run, State};

/// Bytes of one message that the log keeps; the whole text is in the output.
const MESSAGE: usize = 64 * 1024;
const TITLE: usize = 200;

#[derive(Debug)]
pub(super) struct Reader {
    run: RunId,
    decoder: Decoder,
    /// The next line that it has not seen.
    next: u64,
    /// It waits for more when its turn is over, so that its log has to tell of that.
    listens: bool,
    /// Its task has a cap on what its progress tells, so that its log has to tell each request.
    counts: bool,
    /// How often its log has to tell what its tokens come to, where they tell what it costs.
    pace: Option<Pace>,
    /// The state by which it is known what its log has to tell.
    attuned: Option<Seq>,
    /// As it was told last.
    progress: Progress,
    /// The end of a turn has come, and with it what that used.
    over: bool,
    /// Lines up to here are in the log already, from an earlier holder of the baton.
    known: Option<u64>,
    following: Following,
    /// Nobody reads meaning from what stands on a terminal: only its end counts.
    pub blind: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Following {
    Live,
    Paused,
    /// Its report is on the way to the log.
    Finished,
}

impl Reader {
    pub(super) fn new(run: &Run) -> Self {
        let blind = run.purpose == Purpose::Terminal;
        Self {
            run: run.id.clone(),
            // How a terminal's program ended is told as of any command.
            decoder: Decoder::new(if blind { HarnessId::Command } else { run.harness }),
            next: 0,
            listens: run.ear != Ear::Deaf,
            counts: false,
            pace: None,
            attuned: None,
            progress: run.progress,
            over: false,
            known: run.read_through,
            following: Following::Live,
            blind,
        }
    }

    pub(super) fn next_line(&self) -> u64 {
        self.next
    }

    /// What its log has to tell of its progress by this state.
    pub(super) fn attune(&mut self, state: &State, run: &Run) {
        if self.attuned.replace(state.seq) == Some(state.seq) {
            return;
        }
        let Some(task) = state.task(&run.task) else { return };
        let caps = budget::caps(state, task);
        self.counts = caps.turns.is_some() || caps.tokens.is_some();
        self.pace = Pace::of(state, task, run);
    }

    /// Takes the lines that it has not seen; says what of them the log should keep.
    pub(super) fn read(&mut self, frame: &OutputFrame<'_>) -> Vec<Kind> {
        let mut facts = Vec::new();
        for (line, bytes) in frame.lines() {
            if line != self.next {
                // Seen before a pause; a gap cannot be, the relay resumes from the line that it was asked for.
                continue;
            }
            self.next += 1;
            let events = self.decoder.push(frame.stream, bytes);
            self.over |= events.iter().any(|event| matches!(event, AgentEvent::TurnEnded { .. }));
            if self.known.is_none_or(|known| line > known) {
                let kept = events.into_iter().filter_map(|event| self.kept(event));
                facts.extend(kept.map(|event| Kind::AgentSpoke { run: self.run.clone(), line, event }));
                facts.extend(self.goes_on().map(|event| Kind::AgentSpoke {
                    run: self.run.clone(),
                    line,
                    event,
                }));
            }
        }
        facts
    }

    fn goes_on(&mut self) -> Option<AgentEvent> {
        let progress = self.decoder.progress();
        let more = self.counts && progress.requests > self.progress.requests;
        let costs = self.pace.is_some_and(|pace| pace.is_news(self.progress.each, progress.each));
        (more || costs).then(|| {
            self.progress = progress;
            AgentEvent::Progress { progress }
        })
    }

    fn kept(&self, event: AgentEvent) -> Option<AgentEvent> {
        match event {
            // How it ended is in the report.
            AgentEvent::TurnEnded { .. } => {
                self.listens.then(|| AgentEvent::TurnEnded { end: TurnEnd::default() })
            }
            event => kept(event),
        }
    }

    /// The last facts of a run that ended after `lines` lines; nothing while lines are missing, and once only.
    pub(super) fn finish(&mut self, end: &RunEnd, lines: u64) -> Option<Vec<Kind>> {
        if (self.next < lines && !self.blind) || self.following == Following::Finished {
            return None;
        }
        self.following = Following::Finished;
        let (events, report) = self.decoder.finish(end);
        let mut facts: Vec<Kind> = Vec::new();
        if self.known.is_none_or(|known| known < lines) {
            let kept = events.into_iter().filter_map(kept);
            facts.extend(kept.map(|event| Kind::AgentSpoke { run: self.run.clone(), line: lines, event }));
            // What was cut short told nothing of what it used but on the way.
            let progress = self.decoder.progress();
            let untold = !self.over && progress.each != self.progress.each;
            let event = AgentEvent::Progress { progress };
            facts.extend(untold.then(|| Kind::AgentSpoke { run: self.run.clone(), line: lines, event }));
        }
        let report = TurnReport { final_text: cut(report.final_text, MESSAGE), ..report };
        facts.push(Kind::TurnRead { run: self.run.clone(), report: report.into() });
        Some(facts)
    }

    pub(super) fn pause(&mut self) -> bool {
        let was_live = self.following == Following::Live;
        if was_live {
            self.following = Following::Paused;
        }
        was_live
    }

    pub(super) fn unpause(&mut self) -> bool {
        let was_paused = self.following == Following::Paused;
        if was_paused {
            self.following = Following::Live;
        }
        was_paused
    }
}

/// Whether two facts come from the same line of the same run.
pub(super) fn same_line(a: &Draft, b: &Draft) -> bool {
    match (a.body.known(), b.body.known()) {
        (Some(Kind::AgentSpoke { run, line, .. }), Some(Kind::AgentSpoke { run: other, line: next, .. })) => {
            run == other && line == next
        }
        _ => false,
    }
}

fn kept(event: AgentEvent) -> Option<AgentEvent> {
    match event {
        AgentEvent::Message { message, text } => {
            Some(AgentEvent::Message { message, text: cut(text, MESSAGE) })
        }
        AgentEvent::ToolCall { call, tool, title, .. } => Some(AgentEvent::ToolCall {
            call,
            tool,
            title: cut(title, TITLE),
            input: serde_json::Value::Null,
        }),
        AgentEvent::Session { .. }
        | AgentEvent::TurnBegan { .. }
        | AgentEvent::PermissionAsked { .. }
        | AgentEvent::PermissionWithdrawn { .. }
        | AgentEvent::PermissionDenied { .. }
        | AgentEvent::Retrying { .. }
        | AgentEvent::RateLimit { .. }
        | AgentEvent::Told { .. }
        | AgentEvent::Usage { .. } => Some(event),
        AgentEvent::TextDelta { .. }
        | AgentEvent::ThinkingDelta { .. }
        | AgentEvent::Thinking { .. }
        | AgentEvent::ToolResult { .. }
        | AgentEvent::TurnEnded { .. }
        | AgentEvent::Progress { .. }
        | AgentEvent::Notice { .. }
        | AgentEvent::Line { .. }
        | AgentEvent::Unknown { .. } => None,
    }
}

fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
    }
    text
}
