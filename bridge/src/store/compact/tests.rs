#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use proptest::prelude::*;
use shared::id::RunId;
use shared::unit::Millis;
use tempfile::TempDir;

use super::*;
use crate::store::tests::{ends, piece, requests};
use crate::store::{Actor, Piece, Sizes, Store, export, import};

/// A store with a run that has written these and ended, and the file.
async fn ended(pieces: &[Piece]) -> (TempDir, Store, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.append(Actor::Bridge, vec![requests("r1")]).await.unwrap();
    for batch in pieces.chunks(500) {
        store.append_output(&run(), batch.to_vec()).await.unwrap();
    }
    store.append(Actor::Bridge, vec![ends("r1", pieces.len() as u64)]).await.unwrap();
    let file = dir.path().join("log.db");
    (dir, store, file)
}

fn run() -> RunId {
    RunId::new("r1").unwrap()
}

/// Beside the store's own thread, which may have done a part.
async fn compacted(store: &Store, file: &Path) {
    let (jobs, file) = (store.jobs.downgrade(), file.to_owned());
    tokio::task::spawn_blocking(move || pass(&jobs, &file)).await.unwrap().unwrap();
}

fn one<T: rusqlite::types::FromSql>(file: &Path, sql: &str) -> T {
    Connection::open(file).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Every recording of a real agent, with other digits each time: ids, times and counts are what differs most.
fn recording(times: u64) -> Vec<Piece> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let mut files: Vec<_> = ["claude", "codex"]
        .into_iter()
        .flat_map(|agent| std::fs::read_dir(fixtures.join(agent)).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "ndjson"))
        .collect();
    files.sort();
    let (mut seed, mut at) = (1_u64, 1_700_000_000_000);
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> 33
    };
    let mut pieces = Vec::new();
    for _ in 0..times {
        for file in &files {
            for line in std::fs::read(file).unwrap().split_inclusive(|byte| *byte == b'\n') {
                let other = |byte: &u8| match byte {
                    b'0'..=b'9' => b"0123456789"[(random() % 10) as usize],
                    other => *other,
                };
                let bytes = line.iter().map(other).collect();
                at += random() % 300;
                pieces.push(Piece { at: Millis(at), ..piece(Vec::new()) });
                pieces.last_mut().unwrap().bytes = bytes;
            }
        }
    }
    pieces
}

#[tokio::test]
async fn a_recording_takes_a_fifth_at_most_and_reads_the_same() {
    let pieces = recording(3);
    let size: usize = pieces.iter().map(|piece| piece.bytes.len()).sum();
    let (_dir, store, file) = ended(&pieces).await;
    compacted(&store, &file).await;
    assert_eq!(one::<i64>(&file, "SELECT count(*) FROM output"), 0);
    let kept: i64 = one(&file, "SELECT sum(length(bytes)) FROM block");
    assert!(kept * 5 <= i64::try_from(size).unwrap(), "{size} bytes became {kept}");
    assert!(store.output_from(&run(), 0, usize::MAX).await.unwrap() == pieces, "not the same");
    let sizes = Sizes { lines: pieces.len() as u64, out: size as u64, err: 0 };
    assert_eq!(store.output_sizes(&run()).await.unwrap(), sizes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    /// From any line, in portions of any size, before and after, and behind what comes later still.
    #[test]
    fn compacted_output_reads_as_before(
        lines in prop::collection::vec((any::<bool>(), 0..u64::MAX / 4, 0..90_000_u64, any::<u64>()), 1..20),
        from in 0_usize..20,
        portion in 1_usize..300_000,
    ) {
        let pieces: Vec<Piece> = lines.into_iter().map(|(err, at, size, seed)| {
            let bytes = (0..size).map(|n| (n % 1_000).wrapping_mul(seed).to_le_bytes()[2]).collect();
            let stream = if err { Stream::Stderr } else { Stream::Stdout };
            Piece { stream, at: Millis(at), bytes }
        }).collect();
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let (dir, store, file) = ended(&pieces).await;
            let before = store.output_sizes(&run()).await.unwrap();
            compacted(&store, &file).await;
            assert_eq!(store.output_sizes(&run()).await.unwrap(), before);
            let late = piece("late\n");
            assert_eq!(store.append_output(&run(), vec![late.clone()]).await.unwrap(), pieces.len() as u64 + 1);
            let all: Vec<Piece> = pieces.iter().cloned().chain([late]).collect();
            let mut read = Vec::new();
            loop {
                let next = from.min(all.len()) + read.len();
                let some = store.output_from(&run(), next as u64, portion).await.unwrap();
                if some.is_empty() {
                    break;
                }
                let size: usize = some.iter().map(|piece| piece.bytes.len()).sum();
                assert!(size - some.last().unwrap().bytes.len() < portion, "more than was asked for");
                read.extend(some);
            }
            assert!(read == all[from.min(all.len())..], "not the same");
            let (mut before, mut read) = (u64::MAX, Vec::new());
            while before > 0 {
                let (first, mut some) = store.output_before(&run(), before, portion).await.unwrap();
                some.append(&mut read);
                (before, read) = (first, some);
            }
            assert!(read == all, "not the same backwards");
            drop(store);
            let store = Store::open(dir.path()).unwrap();
            assert!(store.output_from(&run(), 0, usize::MAX).await.unwrap() == all, "not the same after a restart");
        });
    }
}

#[tokio::test]
async fn what_runs_is_left_alone() {
    let (dir, store, file) = ended(&[piece("over\n")]).await;
    store.append(Actor::Bridge, vec![requests("r2")]).await.unwrap();
    store.append_output(&RunId::new("r2").unwrap(), vec![piece("live\n")]).await.unwrap();
    compacted(&store, &file).await;
    assert_eq!(one::<i64>(&file, "SELECT count(*) FROM output JOIN run ON run = no WHERE id = 'r2'"), 1);
    assert_eq!(one::<i64>(&file, "SELECT count(*) FROM block JOIN run ON run = no WHERE id = 'r2'"), 0);
    drop(dir);
}

/// Readers that page through a run while it is compacted find neither a gap nor a line twice.
#[tokio::test(flavor = "multi_thread")]
async fn readers_see_no_moment_in_between() {
    let pieces: Vec<Piece> = (0..20_000).map(|n| piece(format!("{n} {}\n", "x".repeat(100)))).collect();
    let (_dir, store, file) = ended(&pieces).await;
    let reading = tokio::spawn({
        let (store, pieces) = (store.clone(), pieces.clone());
        async move {
            for round in 0..60 {
                let mut read = Vec::new();
                while read.len() < pieces.len() {
                    let some = store.output_from(&run(), read.len() as u64, 300_000).await.unwrap();
                    assert!(!some.is_empty(), "a gap at {} in round {round}", read.len());
                    read.extend(some);
                }
                assert!(read == pieces, "not the same in round {round}");
            }
        }
    });
    compacted(&store, &file).await;
    reading.await.unwrap();
    assert_eq!(one::<i64>(&file, "SELECT count(*) FROM output"), 0);
}

#[tokio::test]
async fn a_damaged_block_is_told_with_its_lines_and_harms_no_other() {
    let pieces: Vec<Piece> = (0..5_000).map(|n| piece(format!("{n} {}\n", "x".repeat(100)))).collect();
    let (_dir, store, file) = ended(&pieces).await;
    compacted(&store, &file).await;
    let second: i64 = one(&file, "SELECT min(first) FROM block WHERE first > 0");
    let other = Connection::open(&file).unwrap();
    let sql = "UPDATE block SET bytes = substr(bytes, 1, length(bytes) / 2) WHERE first = ?1";
    assert_eq!(other.execute(sql, [second]).unwrap(), 1);
    let error = store.output_from(&run(), 0, usize::MAX).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)));
    let error = error.to_string();
    assert!(error.contains(&format!("lines of run r1 from {second} on are damaged")), "{error}");
    assert_eq!(store.output_from(&run(), 7, 1).await.unwrap(), pieces[7..8]);
    assert_eq!(store.output_from(&run(), 4_999, 1).await.unwrap(), pieces[4_999..]);
}

/// What was free is given back, but for what the next run will want.
#[tokio::test]
async fn the_file_shrinks() {
    let pieces: Vec<Piece> = (0..600).map(|n| piece(format!("{n} {}\n", "x".repeat(60_000)))).collect();
    let (_dir, store, file) = ended(&pieces).await;
    compacted(&store, &file).await;
    let pages: i64 = one(&file, "SELECT page_count FROM pragma_page_count");
    assert!(pages <= KEPT.cast_signed() + 500, "{pages} pages after 36 MB");
    assert_eq!(one::<String>(&file, "SELECT * FROM pragma_integrity_check"), "ok");
    assert!(store.output_from(&run(), 0, usize::MAX).await.unwrap() == pieces, "not the same");
}

#[tokio::test]
async fn compacted_output_is_exported_as_any_and_imported() {
    let (dir, store, file) = ended(&recording(1)).await;
    let mut before = Vec::new();
    export(dir.path(), &mut before).unwrap();
    compacted(&store, &file).await;
    let mut after = Vec::new();
    export(dir.path(), &mut after).unwrap();
    assert!(before == after, "not the same text");
    let other = tempfile::tempdir().unwrap();
    import(other.path(), &mut &after[..], true).unwrap();
    let imported = Store::open(other.path()).unwrap();
    let read = imported.output_from(&run(), 0, usize::MAX).await.unwrap();
    assert!(read == store.output_from(&run(), 0, usize::MAX).await.unwrap(), "not the same");
}
