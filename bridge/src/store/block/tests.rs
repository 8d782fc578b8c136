#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

fn packed(pieces: Vec<Piece>) -> Vec<u8> {
    let mut packer = Packer::default();
    pieces.into_iter().for_each(|piece| packer.push(piece));
    packer.pack().unwrap()
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let piece = (any::<bool>(), any::<u64>(), any::<Vec<u8>>()).prop_map(|(err, at, bytes)| {
        let stream = if err { Stream::Stderr } else { Stream::Stdout };
        Piece { stream, at: Millis(at), bytes }
    });
    prop::collection::vec(piece, 0..200)
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(pieces in pieces()) {
        let block = Unpacked::new(&packed(pieces.clone())).unwrap();
        prop_assert!(block.pieces().eq(pieces));
    }

    #[test]
    fn a_damaged_block_is_known_as_one(pieces in pieces(), place in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut block = packed(pieces.clone());
        let place = place.index(block.len());
        block[place] ^= 1_u8 << bit;
        // Some bits of the frame's header mean nothing; no bit makes other lines of these.
        if let Ok(block) = Unpacked::new(&block) {
            prop_assert!(block.pieces().eq(pieces), "bit {bit} of byte {place}");
        }
    }

    #[test]
    fn no_bytes_panic_or_take_much(version in 0_u8..3, length in any::<u32>(), bytes in any::<Vec<u8>>()) {
        let mut block = vec![version];
        block.extend(length.to_le_bytes());
        block.extend(&bytes);
        prop_assert!(Unpacked::new(&block).is_err());
        let plain = bytes;
        if let Some(table) = table(&plain) {
            prop_assert!(table.iter().all(|place| place.start <= place.end && place.end <= plain.len()));
        }
    }
}

#[test]
fn a_block_of_nothing_but_empty_lines_is_full_too() {
    let mut packer = Packer::default();
    while !packer.is_full() {
        packer.push(Piece { stream: Stream::Stdout, at: Millis(0), bytes: Vec::new() });
    }
    assert_eq!(packer.pieces.len(), PIECES);
    assert_eq!(Unpacked::new(&packer.pack().unwrap()).unwrap().pieces().count(), PIECES);
}

#[test]
fn what_is_too_large_to_be_unpacked_is_not_packed() {
    let mut packer = Packer::default();
    let bytes = vec![b'x'; usize::try_from(LARGEST).unwrap()];
    packer.push(Piece { stream: Stream::Stdout, at: Millis(0), bytes });
    assert!(matches!(packer.pack(), Err(BadBlock::Large(_))));
    // A few bytes that say they become gigabytes.
    let mut bomb = packed(Vec::new());
    bomb[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(Unpacked::new(&bomb), Err(BadBlock::Large(_))));
}

/// Every recording of real agents, each agent's as one long run: a turn's lines resemble each other, and those of other turns.
#[test]
fn what_real_agents_say_takes_less_than_a_fifth_of_its_room() {
    for agent in ["claude", "codex"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(agent);
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        // What they said, not what they were told.
        let said = |file: &Path| {
            file.to_str().is_some_and(|name| name.ends_with(".ndjson") && !name.ends_with(".stdin.ndjson"))
        };
        files.retain(|file| said(file));
        files.sort();
        let (mut packer, mut plain, mut stored) = (Packer::default(), 0, 0);
        for file in files {
            for line in std::fs::read(file).unwrap().split_inclusive(|&byte| byte == b'\n') {
                plain += line.len();
                packer.push(Piece { stream: Stream::Stdout, at: Millis(plain as u64), bytes: line.to_vec() });
                if packer.is_full() {
                    stored += std::mem::take(&mut packer).pack().unwrap().len();
                }
            }
        }
        stored += packer.pack().unwrap().len();
        assert!(plain > 100_000 && stored * 5 < plain, "{agent}: {stored} of {plain} bytes");
    }
}
