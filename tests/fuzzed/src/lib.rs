//! What must hold of any bytes, a function for each place where they come in. `fuzz/` looks for bytes for which
//! it does not hold; what it found worth keeping is its corpus, which `tests/corpus.rs` runs through them again.

#![expect(clippy::unwrap_used, reason = "what does not hold panics")]

use std::sync::Arc;

use bridge::config::Config;
use bridge::relay::screen::Past;
use bridge::store::{Piece, export, import};
use bridge::supervisor::lines::{Cut, LONGEST, Splitter};
use bridge::supervisor::secrets::Secrets;
use shared::agent::HarnessId;
use shared::entry::Entry;
use shared::harness::Decoder;
use shared::permission::shell::{Word, segments};
use shared::run::{RunEnd, Stream, Window};
use shared::unit::Millis;
use shared::wire::{ClientMessage, OutputFrame, ServerMessage};

/// Bytes of a secret that is made up.
const SECRET: usize = 9;

/// A target takes any bytes, and panics when something does not hold.
pub type Target = fn(&[u8]);

/// All targets by the names of their corpora.
pub const TARGETS: [(&str, Target); 8] = [
    ("wire", wire),
    ("lines", lines),
    ("decoders", decoders),
    ("config", config),
    ("import", imported),
    ("fold", fold),
    ("screen", screen),
    ("shell", shell),
];

/// What is read is written so that it reads as the same.
pub fn wire(bytes: &[u8]) {
    if let Ok(message) = serde_json::from_slice::<ClientMessage>(bytes) {
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(serde_json::from_str::<ClientMessage>(&text).unwrap(), message);
    }
    if let Ok(message) = serde_json::from_slice::<ServerMessage>(bytes) {
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(serde_json::from_str::<ServerMessage>(&text).unwrap(), message);
    }
    if let Ok(frame) = OutputFrame::decode(bytes) {
        assert_eq!(frame.encode(), bytes);
        let lines: usize = frame.lines().map(|(_, line)| line.len()).sum();
        assert_eq!(lines, frame.bytes.len());
    }
    assert!(OutputFrame::all(bytes).map(|frame| frame.bytes.len()).sum::<usize>() <= bytes.len());
}

/// No byte is lost, wherever a program's output is cut, no piece is longer than it may be, and no secret stands in them.
pub fn lines(bytes: &[u8]) {
    let Some((&step, text)) = bytes.split_first() else { return };
    // What the text begins with, as if that were one.
    let secret = text.get(..SECRET).filter(|text| !text.contains(&b'\n') && !text.contains(&b'*'));
    for cut in [Cut::AtNewlines, Cut::Anywhere] {
        let secrets = Secrets::of(secret.into_iter().map(<[u8]>::to_vec));
        let mut splitter = Splitter::new(Stream::Stdout, cut, Arc::new(secrets), b"");
        let mut pieces: Vec<Piece> = Vec::new();
        text.chunks(usize::from(step) + 1).for_each(|chunk| pieces.extend(splitter.push(chunk)));
        pieces.extend(splitter.let_go());
        let given: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.clone()).collect();
        assert_eq!(given.len(), text.len());
        assert!(given.iter().zip(text).all(|(given, was)| given == was || *given == b'*'));
        if let Some(secret) = secret {
            assert!(!given.windows(SECRET).any(|window| window == secret));
        } else {
            assert_eq!(given, text);
        }
        for (n, piece) in pieces.iter().enumerate() {
            let newlines = piece.bytes.iter().filter(|&&byte| byte == b'\n').count();
            assert!(!piece.bytes.is_empty() && piece.bytes.len() <= LONGEST);
            assert!(newlines == usize::from(piece.bytes.ends_with(b"\n")), "no newline within");
            assert!(cut == Cut::Anywhere || newlines == 1 || n + 1 == pieces.len());
        }
    }
}

/// An agent's output is understood alike, wherever it is cut.
pub fn decoders(bytes: &[u8]) {
    let [harness, step, text @ ..] = bytes else { return };
    const HARNESSES: [HarnessId; 4] =
        [HarnessId::Claude, HarnessId::Codex, HarnessId::Demo, HarnessId::Command];
    let harness = HARNESSES[usize::from(*harness) % HARNESSES.len()];
    let stream = if step % 2 == 0 { Stream::Stdout } else { Stream::Stderr };
    let read = |size: usize| {
        let mut decoder = Decoder::new(harness);
        let mut events: Vec<_> = text.chunks(size).flat_map(|chunk| decoder.push(stream, chunk)).collect();
        let (last, report) = decoder.finish(&RunEnd::Exited { code: 1 });
        events.extend(last);
        // By their words: an event may hold a number that is none.
        format!("{events:?} {report:?}")
    };
    assert_eq!(read(text.len().max(1)), read(usize::from(*step) + 1));
}

/// A configuration is taken or refused with words.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match toml::from_str::<Config>(text) {
        Ok(config) => {
            assert!(config.allows("claude") && config.passes("PATH") && !config.passes(""));
            assert!(config.folders.iter().all(|folder| folder.is_absolute()));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// What is taken in comes out, and that is taken in again as the same.
pub fn imported(bytes: &[u8]) {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    if let Err(error) = import(first.path(), &mut &*bytes, true) {
        assert!(!error.to_string().is_empty());
        return;
    }
    let (mut out, mut again) = (Vec::new(), Vec::new());
    let counts = export(first.path(), &mut out).unwrap();
    assert_eq!(import(second.path(), &mut &*out, true).unwrap(), counts);
    export(second.path(), &mut again).unwrap();
    assert!(out == again, "{}\n{}", String::from_utf8_lossy(&out), String::from_utf8_lossy(&again));
}

/// Any entries can be folded, in any order, and then be decided upon.
pub fn fold(bytes: &[u8]) {
    let mut state = conductor::State::default();
    for line in bytes.split(|&byte| byte == b'\n') {
        if let Ok(entry) = serde_json::from_slice::<Entry>(line) {
            conductor::apply(&mut state, &entry);
        }
    }
    let _ = conductor::decide(&state, Millis(u64::MAX));
    let _ = conductor::next_deadline(&state, Millis(0));
}

/// Whatever a program writes on a terminal of whatever sizes can be drawn.
pub fn screen(bytes: &[u8]) {
    let [rows, cols, step, text @ ..] = bytes else { return };
    let window = |rows: u8, cols: u8| Window { rows: u16::from(rows), cols: u16::from(cols) }.bounded();
    let chunks = || text.chunks(usize::from(*step) + 1).enumerate();
    let pieces = chunks().map(|(n, chunk)| Piece {
        stream: Stream::Stdout,
        at: Millis(n as u64),
        bytes: chunk.to_owned(),
    });
    // A new size before every fourth piece, of what stands there.
    let sizes = chunks()
        .step_by(4)
        .skip(1)
        .map(|(n, chunk)| (Millis(n as u64), window(chunk[0] % 64, chunk[chunk.len() - 1])));
    let past = Past {
        window: window(*rows, *cols),
        sizes: sizes.collect(),
        first: 0,
        pieces: pieces.collect(),
        until_now: true,
    };
    let screen = past.draw();
    assert!(screen.row < screen.window.rows && screen.col <= screen.window.cols);
    assert!(screen.contents.len() <= 1024 * 1024);
}

/// A line that is understood is so beside another one too: nothing of it hides what stands behind or before it.
pub fn shell(bytes: &[u8]) {
    let line = String::from_utf8_lossy(bytes);
    let Some(found) = segments(&line) else { return };
    let removes = segments("rm x").unwrap();
    assert_eq!(removes[0].words, ["rm", "x"].map(|word| Word::Plain(word.to_owned())));
    assert_eq!(segments(&format!("{line}\nrm x")).unwrap(), [found.clone(), removes.clone()].concat());
    assert_eq!(segments(&format!("rm x\n{line}")).unwrap(), [removes.clone(), found.clone()].concat());
    // In brackets it is the same, unless a bracket of its own ends them, which is not understood.
    if let Some(inner) = segments(&format!("({line}\n)")) {
        assert_eq!(inner, found);
    }
}
