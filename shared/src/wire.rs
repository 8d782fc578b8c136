//! The wire between a client and the bridge: one WebSocket, JSON text for control, binary frames for run
//! output. The log has sequence numbers, a run has line numbers; reconnecting resumes from both.

use serde::{Deserialize, Serialize};
use shared_derive::FromJson;

use crate::api::Asking;
use crate::entry::{Draft, Entry};
use crate::id::{AppendId, ClientId, LogId, RunId};
use crate::run::Stream;
use crate::unit::{Epoch, Millis, Seq};

/// Raised when an older page or bridge could misunderstand the other.
pub const PROTOCOL: u32 = 1;

/// Largest text message that a client may send, in bytes. A goal of 1 MB fits even when every byte is escaped.
pub const MAX_MESSAGE: usize = 8 * 1024 * 1024;

/// How often a lively client says something while it holds the baton.
pub const PULSE: Millis = Millis(500);
/// One that says nothing for so long loses the baton to whoever else wishes for it.
pub const QUIET: Millis = Millis(1_500);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
// Tagged from outside: a kept unknown entry is raw JSON, which an inside tag would have to take apart.
#[serde(rename_all = "snake_case")]
pub enum ClientMessage {
    /// First on every connection. Entries after `since` follow.
    Hello {
        protocol: u32,
        client: ClientId,
        since: Seq,
        /// Its script says something every [`PULSE`] while it holds the baton, so that one that hangs is found out. Older clients do not.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        lively: bool,
    },
    /// Commit these together or not at all. The same `id` again is acknowledged again and appended once.
    /// With an epoch they are decisions, without one a person's intents.
    Append {
        id: AppendId,
        epoch: Option<Epoch>,
        /// The newest entry that a decision knows of: it is refused when a person said something after that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Seq>,
        drafts: Vec<Draft>,
    },
    /// Send this run's output from line `from` on.
    Follow {
        run: RunId,
        from: u64,
    },
    Unfollow {
        run: RunId,
    },
    /// Wish for the baton, or give it up.
    WantBaton {
        want: Want,
    },
    Ping {
        at: Millis,
    },
}

/// How much a client wishes to hold the baton; the most wishing first. Who wishes more takes it from who
/// wishes less, so that it is where the person is, and never with a page that the browser slows down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// A person looks at this client, or started it for this.
    Take,
    /// The standby, which is there for the time when nobody looks.
    Stand,
    /// A hidden page: rather this one than nobody.
    Spare,
    /// Not any more.
    Release,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerMessage {
    /// Answers `Hello`. `head` is the newest entry; the client has caught up when it has it.
    Welcome {
        protocol: u32,
        version: String,
        head: Seq,
        now: Millis,
        /// A client that knows another history's entries, or entries beyond `head`, starts anew. Older bridges do not say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        log: Option<LogId>,
        /// The build of the page that the bridge serves. A page of another build leaves deciding to others until it is loaded
        /// again. Older bridges, and those without a page, do not say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<String>,
    },
    /// The versions do not fit; the page should reload, a headless client be upgraded. Closes the socket.
    Incompatible {
        protocol: u32,
        version: String,
    },
    Entries {
        entries: Vec<Entry>,
    },
    /// The append is committed; its last entry is `seq`.
    Acked {
        id: AppendId,
        seq: Seq,
    },
    Refused {
        id: AppendId,
        refusal: Refusal,
    },
    /// This client holds the baton from now on.
    BatonYours {
        epoch: Epoch,
    },
    /// Another client holds it, or nobody does.
    BatonGone {
        holder: Option<ClientId>,
        epoch: Epoch,
    },
    /// The client is behind this run's output, by more than the bridge holds in memory: it gets the lines from `from` on
    /// from the store, as fast as it takes them, and misses none.
    Behind {
        run: RunId,
        from: u64,
    },
    Pong {
        at: Millis,
    },
    /// The devices that ask to be let in, whenever that changes. Older clients pass over it.
    Asking {
        devices: Vec<Asking>,
    },
    /// A message, or a run's output, that could not be read; the connection stays.
    Unreadable {
        why: String,
    },
}

/// Why an append was not committed. Nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Refusal {
    /// Decided under an older epoch.
    Stale { epoch: Epoch },
    /// Decided without knowing what a person said in entry `by`.
    Overtaken { by: Seq },
    /// This kind is not the client's to append.
    NotYours { why: String },
    /// Malformed, too large or unknown.
    Invalid { why: String },
    /// The store could not write; what was sent should be kept and sent again.
    Store { why: String },
}

/// A binary frame: whole lines of one stream of one run, byte for byte as the agent wrote them.
///
/// Layout, big-endian: version `1`, stream (0 stdout, 1 stderr), length of the run id (u16), the id, first
/// line (u64), time of the first line in ms (u64), then the bytes. A line ends with `\n`; a frame's last
/// one may lack it: the piece of a line that is too long, or the end of the output. Each counts as a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputFrame<'a> {
    pub run: &'a str,
    pub stream: Stream,
    pub first_line: u64,
    pub at: Millis,
    pub bytes: &'a [u8],
}

const FRAME_VERSION: u8 = 1;
const FIXED: usize = 4 + 16;

/// Why a binary frame could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    #[error("frame of {0} bytes is shorter than its header")]
    Short(usize),
    #[error("frame has version {0}, this side reads {FRAME_VERSION}")]
    Version(u8),
    #[error("frame has unknown stream {0}")]
    Stream(u8),
    #[error("frame's run id is not text")]
    RunId,
}

impl<'a> OutputFrame<'a> {
    /// The frame's header; the bytes go behind it.
    pub fn header(&self) -> Vec<u8> {
        let id = self.run.as_bytes();
        let mut header = Vec::with_capacity(FIXED + id.len() + self.bytes.len());
        header.push(FRAME_VERSION);
        header.push(match self.stream {
            Stream::Stdout => 0,
            Stream::Stderr => 1,
        });
        let len = u16::try_from(id.len()).unwrap_or(u16::MAX);
        header.extend_from_slice(&len.to_be_bytes());
        header.extend_from_slice(&id[..usize::from(len)]);
        header.extend_from_slice(&self.first_line.to_be_bytes());
        header.extend_from_slice(&self.at.0.to_be_bytes());
        header
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut frame = self.header();
        frame.extend_from_slice(self.bytes);
        frame
    }

    /// Reads a frame without copying its bytes.
    pub fn decode(frame: &'a [u8]) -> Result<Self, BadFrame> {
        let short = || BadFrame::Short(frame.len());
        let (&[version, stream, len_high, len_low], rest) = frame.split_first_chunk().ok_or_else(short)?;
        if version != FRAME_VERSION {
            return Err(BadFrame::Version(version));
        }
        let stream = match stream {
            0 => Stream::Stdout,
            1 => Stream::Stderr,
            other => return Err(BadFrame::Stream(other)),
        };
        let len = usize::from(u16::from_be_bytes([len_high, len_low]));
        let (id, rest) = rest.split_at_checked(len).ok_or_else(short)?;
        let (first_line, rest) = rest.split_first_chunk().ok_or_else(short)?;
        let (at, bytes) = rest.split_first_chunk().ok_or_else(short)?;
        Ok(Self {
            run: std::str::from_utf8(id).map_err(|_| BadFrame::RunId)?,
            stream,
            first_line: u64::from_be_bytes(*first_line),
            at: Millis(u64::from_be_bytes(*at)),
            bytes,
        })
    }

    /// The frames of an answer of `GET /api/runs/RUN/output`, each behind its length (u32, big-endian). It ends
    /// at the first one that cannot be read.
    pub fn all(mut body: &'a [u8]) -> impl Iterator<Item = Self> + use<'a> {
        std::iter::from_fn(move || {
            let (length, rest) = body.split_first_chunk()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (frame, rest) = rest.split_at_checked(length)?;
            body = rest;
            Self::decode(frame).ok()
        })
    }

    /// The frame's lines with their numbers, each with its newline where it has one.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        let lines = self.bytes.split_inclusive(|&byte| byte == b'\n');
        let first = self.first_line;
        lines.enumerate().map(move |(n, line)| (first.saturating_add(n as u64), line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_frame_survives_the_wire(id in "[a-z0-9~]{1,64}", first in any::<u64>(), at in any::<u64>(), bytes in any::<Vec<u8>>()) {
            let frame = OutputFrame { run: &id, stream: Stream::Stderr, first_line: first, at: Millis(at), bytes: &bytes };
            let encoded = frame.encode();
            prop_assert_eq!(OutputFrame::decode(&encoded), Ok(frame));
        }

        #[test]
        fn no_bytes_panic_the_decoder(bytes in any::<Vec<u8>>()) {
            let _ = OutputFrame::decode(&bytes);
        }
    }

    #[test]
    fn an_unknown_kind_passes_through_unchanged() {
        let text = r#"{"append":{"id":"a1","epoch":null,"drafts":[{"body":{"kind":"from_the_future","n":[1, 2]}}]}}"#;
        let message: ClientMessage = serde_json::from_str(text).expect("readable");
        assert_eq!(serde_json::to_string(&message).expect("text"), text);
    }

    #[test]
    fn lines_are_numbered_and_a_piece_counts() {
        let frame =
            OutputFrame { run: "r", stream: Stream::Stdout, first_line: 7, at: Millis(0), bytes: b"a\n\nbc" };
        let lines: Vec<_> = frame.lines().collect();
        assert_eq!(lines, [(7, &b"a\n"[..]), (8, &b"\n"[..]), (9, &b"bc"[..])]);
    }
}
