//! What stands on a run's terminal, so that it can be opened again: at any line, by any client, after a restart
//! and when the run is long over. It is worked out from the stored output, of which nothing is kept for it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::api::Screen;
use shared::entry::Kind;
use shared::id::RunId;
use shared::run::{Stdin, Window};
use shared::unit::{Millis, Seq};

use super::{Relay, scrolled};
use crate::access::problem;
use crate::store::{Page, Piece, Store, StoreError};

/// Bytes of output that are read back: many screens of it, and what draws a screen anew follows a clearing.
const READ_BACK: usize = 1024 * 1024;
/// Bytes of escape sequences in an answer.
const LARGEST: usize = 1024 * 1024;
/// Rows of what was scrolled away that are told as text, of those in what is read back.
const HISTORY: usize = 10_000;
/// Orders that are looked through at once.
pub(super) const PAGE: Page = Page { entries: 1_024, bytes: 1024 * 1024 };

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    /// The screen before this line was written.
    before: Option<u64>,
}

/// `GET /api/runs/RUN/screen?before=N`; without it, the screen as it is now. The answer is a [`Screen`].
pub(crate) async fn show(
    State(relay): State<Relay>,
    run: Result<Path<String>, PathRejection>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let bad = |why: String| problem(StatusCode::BAD_REQUEST, &why, "Ask for before=N, a line's number.");
    let run = match run.map_err(|error| error.body_text()).map(|Path(run)| RunId::new(&run)) {
        Ok(Ok(run)) => run,
        Ok(Err(error)) => return bad(error.to_string()),
        Err(why) => return bad(why),
    };
    let before = match wanted {
        Ok(Query(wanted)) => wanted.before,
        Err(error) => return bad(error.body_text()),
    };
    let shown = match read(&relay.store, &run, before).await {
        // Drawing takes its time, and what a program writes may be anything.
        Ok(Some(past)) => {
            tokio::task::spawn_blocking(move || past.draw()).await.map_err(|error| error.to_string())
        }
        Ok(None) => {
            let why = format!("run {run} has no terminal");
            return problem(StatusCode::NOT_FOUND, &why, "Read its output instead.");
        }
        Err(error) => Err(error.to_string()),
    };
    match shown {
        Ok(screen) => Json(screen).into_response(),
        Err(why) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!("the screen of run {run} cannot be drawn: {why}"),
            "Read its output instead; `orchestrator doctor` looks at the database.",
        ),
    }
}

/// What happened on a terminal.
pub struct Past {
    /// As it was ordered; bounded, as are the later sizes.
    pub window: Window,
    /// Its later sizes, and when they were ordered.
    pub sizes: Vec<(Millis, Window)>,
    /// The number of the first of the pieces.
    pub first: u64,
    pub pieces: Vec<Piece>,
    /// Whether the pieces are all until now, so that all sizes hold.
    pub until_now: bool,
}

/// Nothing for a run that has no terminal, or was never ordered.
pub(crate) async fn read(
    store: &Store,
    run: &RunId,
    before: Option<u64>,
) -> Result<Option<Past>, StoreError> {
    let order = store.order_of(run).await?;
    let window = match order.as_ref().and_then(|order| order.entry.body.known()) {
        Some(Kind::RunRequested { spec, .. }) => match spec.stdin {
            Stdin::Pty { window } => window.bounded(),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    let (first, pieces) = store.output_before(run, before.unwrap_or(u64::MAX), READ_BACK).await?;
    let (mut sizes, mut since) = (Vec::new(), Seq(0));
    loop {
        let told = store.orders_to(run, since, PAGE).await?;
        let Some(last) = told.last() else { break };
        since = last.entry.seq;
        sizes.extend(told.iter().filter_map(|told| match told.entry.body.known() {
            Some(Kind::TerminalResized { window, .. }) => Some((told.entry.at, window.bounded())),
            _ => None,
        }));
    }
    let first = if pieces.is_empty() { 0 } else { first };
    Ok(Some(Past { window, sizes, first, pieces, until_now: before.is_none() }))
}

impl Past {
    /// What stands there in the end. Blocks. The moment of a new size is that of its order: what the program wrote at the old size until it heard
    /// of it is drawn at the new one, as a program that hears of it draws everything anew.
    pub fn draw(self) -> Screen {
        let line = self.next();
        let (terminal, whole) = self.terminal(0);
        let screen = terminal.screen();
        let ((rows, cols), (row, col)) = (screen.size(), screen.cursor_position());
        let window = Window { rows, cols };
        Screen { window, row, col, line, whole, contents: contents(screen) }
    }

    /// The line after the last.
    pub(super) fn next(&self) -> u64 {
        self.first + self.pieces.len() as u64
    }

    /// As text, line by line, without colours; with `all`, what was scrolled away stands before it, as far as it is read back.
    /// Blocks.
    pub(crate) fn text(self, all: bool) -> (Window, String) {
        let (mut terminal, _) = self.terminal(if all { HISTORY } else { 0 });
        let (rows, cols) = terminal.screen().size();
        let mut text = terminal.screen().contents();
        if all {
            // Behind a program that has the whole screen stands what was there before.
            if terminal.screen().alternate_screen() {
                drawn(&mut terminal, b"\x1b[?1049l", HISTORY);
                text = format!("{}\n{text}", terminal.screen().contents());
            }
            let screen = terminal.screen_mut();
            let count = scrolled::all(screen);
            let mut lines = scrolled::rows(screen, count, row_text);
            lines.push(text);
            text = lines.join("\n");
        }
        (Window { rows, cols }, text)
    }

    /// A terminal on which that stands, with at most `kept` rows of what was scrolled away, and whether all could be drawn.
    /// Blocks.
    pub(super) fn terminal(self, kept: usize) -> (vt100::Parser, bool) {
        let Self { window: Window { rows, cols }, sizes, first, pieces, until_now } = self;
        let mut terminal = vt100::Parser::new(rows, cols, kept);
        let mut sizes = sizes.into_iter().peekable();
        let mut whole = first == 0;
        for piece in pieces {
            while let Some((_, Window { rows, cols })) = sizes.next_if(|(at, _)| *at <= piece.at) {
                terminal.screen_mut().set_size(rows, cols);
            }
            whole &= drawn(&mut terminal, &piece.bytes, kept);
        }
        if until_now && let Some((_, Window { rows, cols })) = sizes.last() {
            terminal.screen_mut().set_size(rows, cols);
        }
        (terminal, whole)
    }
}

/// Draws it, and says whether it could. The library fails on some odd sequences, such as a wide character that
/// another size cuts in two; then the terminal is empty, as a reset would leave it. `kept`: the rows that it was made to keep.
pub(crate) fn drawn(terminal: &mut vt100::Parser, bytes: &[u8], kept: usize) -> bool {
    let (rows, cols) = terminal.screen().size();
    let held = catch_unwind(AssertUnwindSafe(|| terminal.process(bytes))).is_ok();
    if !held {
        *terminal = vt100::Parser::new(rows, cols, kept);
    }
    held
}

/// A row of the view, without what is empty at its end.
pub(super) fn row_text(screen: &vt100::Screen, row: u16) -> String {
    screen.rows(0, screen.size().1).nth(usize::from(row)).unwrap_or_default()
}

/// With colours and modes where they fit, the mere text where they do not, and what fits of that.
fn contents(screen: &vt100::Screen) -> String {
    let alternate: &[u8] = if screen.alternate_screen() { b"\x1b[?1049h" } else { b"" };
    let formatted = String::from_utf8([alternate, &screen.state_formatted()].concat());
    if let Some(formatted) = formatted.ok().filter(|text| text.len() <= LARGEST) {
        return formatted;
    }
    let mut text = screen.contents().replace('\n', "\r\n");
    text.truncate(text.floor_char_boundary(LARGEST));
    text
}

#[cfg(test)]
mod tests {
    use shared::run::Stream;

    use super::*;

    const WINDOW: Window = Window { rows: 3, cols: 10 };

    fn past(pieces: &[(u64, &str)], sizes: &[(u64, Window)]) -> Past {
        let piece = |(at, text): &(u64, &str)| Piece {
            stream: Stream::Stdout,
            at: Millis(*at),
            bytes: text.as_bytes().to_owned(),
        };
        let sizes = sizes.iter().map(|(at, window)| (Millis(*at), *window)).collect();
        let pieces = pieces.iter().map(piece).collect();
        Past { window: WINDOW, sizes, first: 0, pieces, until_now: true }
    }

    /// What a terminal shows that is given an answer.
    fn shown(screen: &Screen) -> Vec<String> {
        let Window { rows, cols } = screen.window;
        let mut terminal = vt100::Parser::new(rows, cols, 0);
        terminal.process(screen.contents.as_bytes());
        assert_eq!(terminal.screen().cursor_position(), (screen.row, screen.col));
        terminal.screen().rows(0, cols).collect()
    }

    #[test]
    fn an_answer_makes_an_empty_terminal_show_the_same() {
        let screen = past(&[(1, "one\r\n"), (1, "two\r\n"), (2, "\x1b[31mthree\r\n"), (3, "$ ")], &[]).draw();
        assert_eq!(shown(&screen), ["two", "three", "$ "]);
        assert_eq!((screen.line, screen.whole, screen.row, screen.col), (4, true, 2, 2));
        assert!(screen.contents.contains("\x1b[31m"));
        let full = past(&[(1, "before"), (2, "\x1b[?1049h\x1b[2J\x1b[1;1Hediting")], &[]).draw();
        assert!(full.contents.starts_with("\x1b[?1049h"), "what leaves the program's screen finds it");
        assert_eq!(shown(&full)[0], "editing");
    }

    #[test]
    fn a_size_holds_from_its_order_on() {
        let wide = Window { rows: 3, cols: 20 };
        let long = "0123456789abcdef\r\n";
        let screen = past(&[(1, long), (5, long)], &[(3, wide)]).draw();
        assert_eq!(shown(&screen), ["abcdef", "0123456789abcdef", ""]);
        assert_eq!(
            past(&[(1, "x")], &[(3, wide)]).draw().window,
            wide,
            "also when nothing was written since"
        );
        let earlier = Past { until_now: false, ..past(&[(1, "x")], &[(3, wide)]) };
        assert_eq!(earlier.draw().window, WINDOW);
    }

    #[test]
    fn what_was_scrolled_away_stands_before_what_is_there() {
        let lines: String = (1..=9).map(|number| format!("\r\nline {number}")).collect();
        let text = |all: bool, more: &str| past(&[(1, "begin"), (2, &lines), (3, more)], &[]).text(all).1;
        assert_eq!(text(false, ""), "line 7\nline 8\nline 9");
        let whole = text(true, "");
        assert!(whole.starts_with("begin\nline 1\nline 2\n") && whole.ends_with("line 8\nline 9"), "{whole}");
        assert_eq!(whole.lines().count(), 10);
        let full = text(true, "\x1b[?1049h\x1b[Hediting");
        assert!(full.starts_with("begin\n") && full.ends_with("line 9\nediting"), "{full}");
    }

    #[test]
    fn an_answer_is_bounded() {
        let window = Window { rows: 500, cols: 1_000 };
        let colours: String =
            (0..500_000).map(|n| format!("\x1b[38;2;{};{};7mx", n % 256, n / 256 % 256)).collect();
        let screen = Past { window, ..past(&[(1, &colours)], &[]) }.draw();
        assert!(screen.contents.len() <= LARGEST, "{}", screen.contents.len());
        assert!(screen.contents.starts_with("xxx"));
    }
}
