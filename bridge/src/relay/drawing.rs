//! A run's terminal as the page draws it: a stream of what changes and of what is scrolled away, as rows of plain text with a look. Nothing of what a
//! program writes goes there but letters: no sequence, no title, no link. The picture is kept for as long as somebody looks.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use futures_util::stream;
use shared::api::{DrawnRow, Redrawn, Span};
use shared::entry::Kind;
use shared::id::RunId;
use shared::run::Window;
use shared::unit::Seq;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use super::Relay;
use super::screen::{PAGE, drawn, read};
use super::scrolled::{KEPT, Scrolled};
use crate::access::problem;
use crate::store::{Follower, Piece, Store, StoreError, Tail};

/// Between two events: quicker than that nobody sees.
const FRAME: Duration = Duration::from_millis(33);
/// Bytes that are taken from the store at once.
const CHUNK: usize = 256 * 1024;

/// `GET /api/runs/RUN/terminal`: server-sent events, each a [`Redrawn`].
pub(crate) async fn follow(State(relay): State<Relay>, run: Result<Path<String>, PathRejection>) -> Response {
    let named = run.ok().and_then(|Path(run)| RunId::new(&run).ok());
    let Some(run) = named else {
        return problem(StatusCode::BAD_REQUEST, "that is no run", "Ask for one that the log names.");
    };
    let Ok(place) = Arc::clone(&relay.watchers).try_acquire_owned() else {
        let next = "Close another terminal, or come later.";
        return problem(StatusCode::SERVICE_UNAVAILABLE, "too many look at terminals", next);
    };
    match Drawing::begin(relay.store, run.clone(), place).await {
        Ok(Some(drawing)) => {
            Sse::new(stream::unfold(drawing, Drawing::next)).keep_alive(KeepAlive::default()).into_response()
        }
        Ok(None) => {
            let why = format!("run {run} has no terminal");
            problem(StatusCode::NOT_FOUND, &why, "Read its output instead.")
        }
        Err(error) => {
            let why = format!("the terminal of run {run} cannot be read: {error}");
            problem(StatusCode::INTERNAL_SERVER_ERROR, &why, "`orchestrator doctor` looks at the database.")
        }
    }
}

struct Drawing {
    store: Store,
    run: RunId,
    follower: Arc<Follower>,
    terminal: vt100::Parser,
    /// The line that comes next.
    next: u64,
    /// Sizes that were ordered up to here are drawn.
    sized: Seq,
    /// As it was told last; no rows before the first time.
    told: Option<Redrawn>,
    rows: Vec<Vec<Span>>,
    scrolled: Scrolled,
    /// Given back when the connection ends.
    _place: OwnedSemaphorePermit,
}

impl Drawing {
    /// Nothing for a run that has no terminal.
    async fn begin(
        store: Store,
        run: RunId,
        place: OwnedSemaphorePermit,
    ) -> Result<Option<Self>, StoreError> {
        let follower = store.hub().follower();
        follower.follow(&run);
        // What is ordered from here on is drawn, whether the past has it or not.
        let sized = store.hub().head();
        let Some(past) = read(&store, &run, None).await? else { return Ok(None) };
        let next = past.next();
        let drawn = tokio::task::spawn_blocking(move || past.terminal(KEPT).0).await;
        let terminal = drawn.map_err(|error| StoreError::Read(error.to_string()))?;
        let (told, rows, scrolled) = (None, Vec::new(), Scrolled::default());
        Ok(Some(Self { store, run, follower, terminal, next, sized, told, rows, scrolled, _place: place }))
    }

    /// The next event; none when the store cannot be read, so that the page connects anew.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(redrawn) = self.redrawn() {
                let event = Event::default().json_data(&redrawn).ok()?;
                return Some((Ok(event), self));
            }
            self.follower.woken().await;
            // More may come at once, and is drawn with it.
            sleep(FRAME).await;
            self.take().await.ok()?;
        }
    }

    /// Draws what is new.
    async fn take(&mut self) -> Result<(), StoreError> {
        Scrolled::mark(&mut self.terminal);
        let orders = self.store.orders_to(&self.run, self.sized, PAGE).await?;
        for order in orders {
            self.sized = order.entry.seq;
            if let Some(Kind::TerminalResized { window, .. }) = order.entry.body.known() {
                let Window { rows, cols } = window.bounded();
                self.terminal.screen_mut().set_size(rows, cols);
            }
        }
        loop {
            match self.store.hub().tail(&self.run, self.next) {
                Tail::UpToDate => return Ok(()),
                Tail::Lines(pieces) => pieces.iter().for_each(|piece| self.draw(piece)),
                Tail::InStore | Tail::Quiet => {
                    let pieces = self.store.output_from(&self.run, self.next, CHUNK).await?;
                    if pieces.is_empty() {
                        return Ok(());
                    }
                    pieces.iter().for_each(|piece| self.draw(piece));
                }
            }
        }
    }

    fn draw(&mut self, piece: &Piece) {
        drawn(&mut self.terminal, &piece.bytes, KEPT);
        self.next += 1;
    }

    /// What is to be told, if anything changed.
    fn redrawn(&mut self) -> Option<Redrawn> {
        let above = self.scrolled.take(&mut self.terminal, |screen, row| spans(screen, row, screen.size().1));
        let screen = self.terminal.screen();
        let ((rows, cols), (row, col)) = (screen.size(), screen.cursor_position());
        let all: Vec<Vec<Span>> = (0..rows).map(|row| spans(screen, row, cols)).collect();
        let changed = (0..).zip(&all).filter(|(row, spans)| self.rows.get(usize::from(*row)) != Some(spans));
        let changed = changed.map(|(row, spans)| DrawnRow { row, spans: spans.clone() }).collect();
        let redrawn = Redrawn {
            window: Window { rows, cols },
            row,
            col,
            hidden: screen.hide_cursor(),
            application: screen.application_cursor(),
            bracketed: screen.bracketed_paste(),
            anew: false,
            above: Vec::new(),
            rows: Vec::new(),
        };
        if self.rows == all && self.told.as_ref() == Some(&redrawn) && above.is_empty() {
            return None;
        }
        self.rows = all;
        let anew = self.told.replace(redrawn.clone()).is_none();
        Some(Redrawn { anew, above, rows: changed, ..redrawn })
    }
}

/// The row as it looks, without the empty cells at its end.
fn spans(screen: &vt100::Screen, row: u16, cols: u16) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for cell in (0..cols).filter_map(|col| screen.cell(row, col)).filter(|cell| !cell.is_wide_continuation())
    {
        let (text, look) = (if cell.has_contents() { cell.contents() } else { " " }, look(cell));
        match spans.last_mut() {
            Some(last) if last.look == look => last.text.push_str(text),
            _ => spans.push(Span { text: text.to_owned(), look }),
        }
    }
    if let Some(last) = spans.last_mut().filter(|last| last.look.is_empty()) {
        last.text.truncate(last.text.trim_end_matches(' ').len());
    }
    spans.pop_if(|last| last.text.is_empty());
    spans
}

fn look(cell: &vt100::Cell) -> String {
    let fg = hue(cell.fgcolor()).map(|hue| format!("f{hue}"));
    let bg = hue(cell.bgcolor()).map(|hue| format!("b{hue}"));
    let marks =
        [(cell.bold(), "bold"), (cell.dim(), "dim"), (cell.underline(), "line"), (cell.inverse(), "turned")];
    let marks = marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark.to_owned());
    fg.into_iter().chain(bg).chain(marks).collect::<Vec<_>>().join(" ")
}

/// One of the eight hues that each theme of the page shows so that it can be read; nothing for the usual one.
fn hue(color: vt100::Color) -> Option<u8> {
    match color {
        vt100::Color::Default => None,
        vt100::Color::Idx(index @ 0..16) => Some(index % 8),
        vt100::Color::Idx(index @ 16..232) => {
            // A cube of six steps for each of red, green, blue.
            let at = index - 16;
            Some(nearest([at / 36, at / 6 % 6, at % 6].map(|step| step * 51)))
        }
        vt100::Color::Idx(grey) => Some(nearest([(grey - 232) * 10 + 8; 3])),
        vt100::Color::Rgb(red, green, blue) => Some(nearest([red, green, blue])),
    }
}

/// Grey where the parts are near each other, else the bits of those that are strong beside the strongest.
fn nearest(parts: [u8; 3]) -> u8 {
    let [one, two, three] = parts;
    let (most, least) = (one.max(two).max(three), one.min(two).min(three));
    if most - least < 40 {
        return if most > 127 { 7 } else { 0 };
    }
    let strong = |part: u8| part - least > (most - least) / 2;
    (0..).zip(parts).map(|(bit, part)| u8::from(strong(part)) << bit).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(bytes: &[u8]) -> Vec<(String, String)> {
        let mut terminal = vt100::Parser::new(3, 20, 0);
        drawn(&mut terminal, bytes, 0);
        spans(terminal.screen(), 0, 20).into_iter().map(|span| (span.text, span.look)).collect()
    }

    fn owned(spans: &[(&str, &str)]) -> Vec<(String, String)> {
        spans.iter().map(|(text, look)| ((*text).to_owned(), (*look).to_owned())).collect()
    }

    #[test]
    fn a_row_is_spans_that_look_the_same_and_nothing_behind_them() {
        let bytes = b"a \x1b[1;31mred\x1b[0m b\x1b[7m \x1b[0m";
        assert_eq!(row(bytes), owned(&[("a ", ""), ("red", "f1 bold"), (" b", ""), (" ", "turned")]));
        assert_eq!(row("\u{754c}x".as_bytes()), owned(&[("\u{754c}x", "")]));
        assert_eq!(row(b""), []);
    }

    #[test]
    fn each_colour_comes_to_a_hue_of_the_theme() {
        assert_eq!(
            row(b"\x1b[94mx\x1b[38;5;196my\x1b[38;2;10;200;20mz"),
            owned(&[("x", "f4"), ("y", "f1"), ("z", "f2")])
        );
        assert_eq!(row(b"\x1b[48;5;240mx\x1b[48;5;250my"), owned(&[("x", "b0"), ("y", "b7")]));
    }

    #[test]
    fn what_a_program_writes_to_the_terminal_itself_stays_there() {
        let hostile = b"\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07\x1b]8;;http://evil\x07<b>x</b>\x1b]8;;\x07\x1b[6n\x1bP+q\x1b\\";
        assert_eq!(row(hostile), owned(&[("<b>x</b>", "")]));
    }
}
