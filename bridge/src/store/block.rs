//! A block: consecutive pieces of one run's output, compressed together. Small enough that any line is a
//! fraction of a millisecond away, large enough that lines which resemble each other are stored once.
//!
//! Layout: version `1`, length of what is compressed (u32, little-endian), then a zstd frame with a checksum. In it stand
//! the number of pieces, for each piece its length × 2 + stream (1 for stderr) and its time minus the former's
//! (zigzag), all as LEB128, then the bytes of all pieces.

use std::io;

use shared::run::Stream;
use shared::unit::Millis;

use super::Piece;

const VERSION: u8 = 1;
const HEADER: usize = 5;
/// Of zstd. Higher ones take several times as long for a few percent.
const LEVEL: i32 = 9;
/// A block is full with so many bytes of pieces, each with [`PIECE`] bytes more, so that empty ones fill it too.
const FULL: usize = 256 * 1024;
const PIECE: usize = 8;
const PIECES: usize = FULL / PIECE;
/// What a block is unpacked to at most, in bytes: a full one and the longest line that an import takes.
const LARGEST: u32 = 72 * 1024 * 1024;

/// Why a block cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadBlock {
    #[error("it is of version {0}, and this orchestrator reads {VERSION}")]
    Version(u8),
    #[error("it would unpack to {0} bytes, and no more than {LARGEST} can be")]
    Large(usize),
    #[error("{0}")]
    Zstd(#[from] io::Error),
    #[error("its table of lines does not fit what it holds")]
    Table,
}

/// Gathers the pieces of one block.
#[derive(Debug, Default)]
pub(super) struct Packer {
    pub pieces: Vec<Piece>,
    size: usize,
}

impl Packer {
    pub(super) fn push(&mut self, piece: Piece) {
        self.size += piece.bytes.len() + PIECE;
        self.pieces.push(piece);
    }

    pub(super) fn is_full(&self) -> bool {
        self.size >= FULL
    }

    /// The block of what was gathered.
    ///
    /// # Errors
    /// It is too large, or does not come out of the block as it went in.
    pub(super) fn pack(&self) -> Result<Vec<u8>, BadBlock> {
        let mut plain = Vec::with_capacity(self.size);
        put(&mut plain, wide(self.pieces.len()));
        let mut before = 0_u64;
        for piece in &self.pieces {
            put(&mut plain, wide(piece.bytes.len()) << 1 | u64::from(piece.stream == Stream::Stderr));
            put(&mut plain, zigzag(piece.at.0.wrapping_sub(before).cast_signed()));
            before = piece.at.0;
        }
        for piece in &self.pieces {
            plain.extend_from_slice(&piece.bytes);
        }
        let length = u32::try_from(plain.len()).ok().filter(|length| *length <= LARGEST);
        let length = length.ok_or(BadBlock::Large(plain.len()))?;
        let mut zstd = zstd::bulk::Compressor::new(LEVEL)?;
        zstd.include_checksum(true)?;
        let mut block = vec![VERSION];
        block.extend_from_slice(&length.to_le_bytes());
        block.extend(zstd.compress(&plain)?);
        // The rows are deleted for it.
        if Unpacked::new(&block)?.pieces().ne(self.pieces.iter().cloned()) {
            return Err(BadBlock::Table);
        }
        Ok(block)
    }
}

/// A block that was read.
#[derive(Debug)]
pub(super) struct Unpacked {
    plain: Vec<u8>,
    table: Vec<Place>,
}

/// Where in the plain bytes a piece stands.
#[derive(Debug)]
struct Place {
    start: usize,
    end: usize,
    stream: Stream,
    at: Millis,
}

impl Unpacked {
    /// Takes any bytes, and never more memory than [`LARGEST`] with a table of [`PIECES`].
    ///
    /// # Errors
    /// They are no block, or a damaged one.
    pub(super) fn new(block: &[u8]) -> Result<Self, BadBlock> {
        let (&[version, length @ ..], frame) = block.split_first_chunk::<HEADER>().ok_or(BadBlock::Table)?;
        if version != VERSION {
            return Err(BadBlock::Version(version));
        }
        let length = u32::from_le_bytes(length);
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        if length > LARGEST {
            return Err(BadBlock::Large(size));
        }
        let plain = zstd::bulk::decompress(frame, size)?;
        if plain.len() != size {
            return Err(BadBlock::Table);
        }
        let table = table(&plain).ok_or(BadBlock::Table)?;
        Ok(Self { plain, table })
    }

    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece> + use<'_> {
        self.table.iter().map(|place| Piece {
            stream: place.stream,
            at: place.at,
            bytes: self.plain[place.start..place.end].to_vec(),
        })
    }
}

/// Reads the table; nothing when it is none, or says another length than the bytes behind it have.
fn table(plain: &[u8]) -> Option<Vec<Place>> {
    let mut rest = plain;
    let count = usize::try_from(take(&mut rest)?).ok().filter(|count| *count <= PIECES)?;
    let mut table = Vec::with_capacity(count);
    let (mut end, mut at) = (0_usize, 0_u64);
    for _ in 0..count {
        let head = take(&mut rest)?;
        at = at.wrapping_add(unzigzag(take(&mut rest)?).cast_unsigned());
        let start = end;
        end = end.checked_add(usize::try_from(head >> 1).ok()?)?;
        let stream = if head & 1 == 0 { Stream::Stdout } else { Stream::Stderr };
        table.push(Place { start, end, stream, at: Millis(at) });
    }
    let behind = plain.len() - rest.len();
    for place in &mut table {
        place.start += behind;
        place.end = place.end.checked_add(behind)?;
    }
    (end == rest.len()).then_some(table)
}

fn put(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    into.push(value.to_le_bytes()[0]);
}

fn take(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
