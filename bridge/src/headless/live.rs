//! A goal's tree in a terminal, redrawn in place while it changes. What is said beside it scrolls above.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use conductor::state::{State, Task};
use conductor::status::{Kind, Reason, Status, status};
use conductor::words;
use crossterm::cursor::{MoveToColumn, MoveUp};
use crossterm::queue;
use crossterm::style::{Color, Stylize};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, size};
use shared::id::TaskId;
use shared::unit::Millis;
use unicode_width::UnicodeWidthChar;

use super::task::reference;
use crate::cli::tame;
use crate::clock;

/// Shortest time between two pictures: quicker than that nobody reads.
const FRAME: Duration = Duration::from_millis(50);
/// Spans of time on it are counted in seconds.
const TICK: Duration = Duration::from_secs(1);

/// A region at the end of the terminal's text.
#[derive(Debug)]
pub(super) struct Live {
    /// Columns of each line that stands there.
    shown: Vec<usize>,
    at: Option<Instant>,
}

impl Live {
    /// Nothing where stdout is no terminal, or one that only ever writes on.
    pub(super) fn open() -> Option<Self> {
        let moves = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        (moves && io::stdout().is_terminal()).then_some(Self { shown: Vec::new(), at: None })
    }

    /// How long the picture may stay as it is when nothing happens.
    pub(super) fn rest(&self) -> Duration {
        let shown_for = self.at.map_or(FRAME, |at| at.elapsed());
        if shown_for < FRAME { FRAME - shown_for } else { TICK }
    }

    /// Draws the tree, unless that was done a moment ago.
    pub(super) fn draw(&mut self, state: &State, goal: &TaskId) {
        if self.at.is_none_or(|at| at.elapsed() >= FRAME) {
            self.draw_now(state, goal);
        }
    }

    // A terminal that cannot be written to stops nothing, as with everything that is said.
    fn draw_now(&mut self, state: &State, goal: &TaskId) {
        let (columns, rows) = size().unwrap_or((80, 24));
        // One row is the cursor's.
        let lines = tree(state, goal, clock::now(), usize::from(rows.saturating_sub(1)).max(2));
        let lines: Vec<Line> = lines.into_iter().map(|line| line.cut(usize::from(columns))).collect();
        let _ = self.replace(&lines, usize::from(columns));
        self.at = Some(Instant::now());
    }

    /// Takes the tree away, so that something is said in its place; it is drawn anew below that.
    pub(super) fn erase(&mut self) {
        let _ = self.replace(&[], size().map_or(80, |(columns, _)| usize::from(columns)));
        self.at = None;
    }

    /// Leaves the tree behind as it stands now; what is said from here on comes after it.
    pub(super) fn leave(&mut self, state: &State, goal: &TaskId) {
        self.draw_now(state, goal);
        self.shown.clear();
    }

    fn replace(&mut self, lines: &[Line], columns: usize) -> io::Result<()> {
        let mut out = io::stdout().lock();
        queue!(out, BeginSynchronizedUpdate, MoveToColumn(0))?;
        // A terminal that has become narrower has broken the lines.
        let rows: usize = self.shown.iter().map(|width| width.div_ceil(columns.max(1)).max(1)).sum();
        if let Ok(up @ 1..) = u16::try_from(rows) {
            queue!(out, MoveUp(up), Clear(ClearType::FromCursorDown))?;
        }
        for line in lines {
            writeln!(out, "{}{}{}", line.indent, line.mark.with(line.colour), line.text)?;
        }
        queue!(out, EndSynchronizedUpdate)?;
        self.shown = lines.iter().map(Line::width).collect();
        out.flush()
    }
}

/// A line of the tree: of its mark alone the colour tells something.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    indent: String,
    mark: char,
    colour: Color,
    text: String,
}

impl Line {
    fn of(state: &State, task: &Task, now: Millis) -> Self {
        let status = status(state, task);
        let (mark, colour) = mark(status.kind);
        let parts = [task.title.as_str(), &*standing(state, task, &status, now), &*words::spent(state, task)];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let text = tame(&format!(" {} {}", reference(state, task), parts.join(" · "))).replace('\n', " ");
        Self { indent: "  ".repeat(task.number.len()), mark, colour, text }
    }

    /// At most so many columns wide, with a sign where something is missing.
    fn cut(mut self, columns: usize) -> Self {
        let room = columns.saturating_sub(self.indent.len() + 1);
        if columns_of(&self.text) > room {
            let mut used = 0;
            let fits = |letter: &char| {
                used += letter.width().unwrap_or(0);
                used < room
            };
            self.text = self.text.chars().take_while(fits).chain(['…']).collect();
        }
        self
    }

    fn width(&self) -> usize {
        self.indent.len() + 1 + columns_of(&self.text)
    }
}

fn columns_of(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

fn mark(kind: Kind) -> (char, Color) {
    match kind {
        Kind::Waiting => ('?', Color::Yellow),
        Kind::Failed => ('✗', Color::Red),
        Kind::Limited => ('◷', Color::Magenta),
        Kind::Active => ('●', Color::Blue),
        Kind::Review => ('◐', Color::Cyan),
        Kind::Pending => ('○', Color::Reset),
        Kind::Completed => ('✓', Color::Green),
        Kind::Cancelled => ('–', Color::DarkGrey),
    }
}

/// What it does or waits for, and for how long; of what waits for other tasks, those say it.
fn standing(state: &State, task: &Task, status: &Status, now: Millis) -> String {
    let why = words::says(state, task, status, now);
    let span = || words::span(now.since(status.since_at(now)));
    match (status.kind, &status.reason) {
        (Kind::Active | Kind::Waiting | Kind::Review, _) => format!("{why} · {}", span()),
        (_, Reason::Proposed | Reason::After(_) | Reason::Planned(_) | Reason::WithParent(_)) => why,
        (Kind::Limited | Kind::Pending, _) => format!("{why} · waits {}", span()),
        (Kind::Failed | Kind::Completed | Kind::Cancelled, _) => why,
    }
}

/// The goal's tree in at most so many lines. Where that is too few, what is done goes first, then what has not
/// begun; a last line says what is missing.
fn tree(state: &State, goal: &TaskId, now: Millis, rows: usize) -> Vec<Line> {
    let tasks = state.subtree(goal);
    let fits = tasks.len() <= rows;
    let shown = if fits { tasks.len() } else { rows.saturating_sub(1) };
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    // Stable: of the same urgency, the first in the tree. A parent is as urgent as the worst of its parts.
    order.sort_by_key(|place| if *place == 0 { 0 } else { urgency(status(state, tasks[*place]).kind) });
    let kept: BTreeSet<usize> = order.iter().copied().take(shown).collect();
    let mut lines: Vec<Line> = tasks
        .iter()
        .enumerate()
        .filter(|(place, _)| kept.contains(place))
        .map(|(_, task)| Line::of(state, task, now))
        .collect();
    if !fits {
        let text = format!(" {} more", tasks.len() - shown);
        lines.push(Line { indent: "  ".to_owned(), mark: '…', colour: Color::Reset, text });
    }
    lines
}

fn urgency(kind: Kind) -> u8 {
    match kind {
        Kind::Waiting | Kind::Failed => 1,
        Kind::Active | Kind::Limited | Kind::Review => 2,
        Kind::Pending => 3,
        Kind::Completed | Kind::Cancelled => 4,
    }
}
