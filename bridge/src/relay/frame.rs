//! From pieces of output to the binary frames of the wire.

use std::sync::Arc;

use shared::id::RunId;
use shared::unit::Millis;
use shared::wire::OutputFrame;

use crate::store::Piece;

/// Bytes of output in one frame, but for a single longer piece.
pub(super) const LARGEST: usize = 64 * 1024;

/// Cuts pieces into frames: one stream each, and a piece without its newline only at the end.
pub(super) fn cut(pieces: &[Arc<Piece>]) -> impl Iterator<Item = &[Arc<Piece>]> {
    let mut size = 0;
    pieces.chunk_by(move |before, piece| {
        size += before.bytes.len();
        let fits = before.stream == piece.stream
            && before.bytes.ends_with(b"\n")
            && size + piece.bytes.len() <= LARGEST;
        if !fits {
            size = 0;
        }
        fits
    })
}

/// The frame of at least one piece, the first of which is line `first` of its run.
pub(super) fn encode(run: &RunId, first: u64, pieces: &[Arc<Piece>]) -> Vec<u8> {
    let stream = pieces.first().map_or(shared::run::Stream::Stdout, |piece| piece.stream);
    let at = pieces.first().map_or(Millis(0), |piece| piece.at);
    let frame = OutputFrame { run: run.as_str(), stream, first_line: first, at, bytes: &[] };
    let mut bytes = frame.header();
    bytes.reserve_exact(pieces.iter().map(|piece| piece.bytes.len()).sum());
    pieces.iter().for_each(|piece| bytes.extend_from_slice(&piece.bytes));
    bytes
}
