#![expect(clippy::unwrap_used, reason = "tests")]

use shared::entry::Actor;
use shared::id::RunId;
use tempfile::TempDir;

use super::*;
use crate::clock;
use crate::store::tests::{piece, requests};
use crate::store::{Store, Tail, schema};

fn run() -> RunId {
    RunId::new("r1").unwrap()
}

fn pieces(texts: &[&str]) -> Vec<Arc<Piece>> {
    texts.iter().map(|text| Arc::new(piece(*text))).collect()
}

/// A store that does not wait for the locks of others, with a run.
async fn world() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log.db");
    let connection = schema::open(&file).unwrap();
    connection.busy_timeout(Duration::ZERO).unwrap();
    let store = Store::start(connection, crate::store::Pool::new(file), clock::now).unwrap();
    store.append(Actor::Bridge, vec![requests("r1")]).await.unwrap();
    (dir, store)
}

async fn stored(store: &Store) -> Vec<String> {
    let pieces = store.output_from(&run(), 0, usize::MAX).await.unwrap();
    pieces.into_iter().map(|piece| String::from_utf8(piece.bytes).unwrap()).collect()
}

#[tokio::test]
async fn what_follows_from_a_told_line_is_stored_behind_it() {
    let (_dir, store) = world().await;
    let first = store.tell_output(&run(), 0, &pieces(&["one\n"])).unwrap();
    assert!(matches!(store.hub().tail(&run(), 0), Tail::Lines(lines) if lines.len() == 1));
    assert!(store.tell_output(&run(), 1, &pieces(&["two\n"])).unwrap().is_none(), "it joins the first");
    store.append(Actor::Bridge, vec![requests("r2")]).await.unwrap();
    assert_eq!(stored(&store).await, ["one\n", "two\n"]);
    assert_eq!(first.unwrap().committed().await.unwrap(), 2);
}

#[tokio::test]
async fn told_lines_are_stored_by_themselves_and_sooner_where_somebody_waits() {
    let (_dir, store) = world().await;
    let mut first = store.tell_output(&run(), 0, &pieces(&["one\n"])).unwrap().unwrap();
    assert_eq!(first.committed().await.unwrap(), 1);
    let mut second = store.tell_output(&run(), 1, &pieces(&["two\n"])).unwrap().unwrap();
    store.hurry();
    assert_eq!(second.committed().await.unwrap(), 2);
    assert_eq!(stored(&store).await, ["one\n", "two\n"]);
}

#[test]
fn told_lines_come_in_slices_and_the_rest_with_the_group() {
    let (sender, mut receiver) = queue().unwrap();
    let half = "x".repeat(SLICE / 2);
    let mut answer = sender.gather(&run(), 0, &pieces(&[&half])).unwrap().unwrap();
    assert!(matches!(receiver.next(), Some(Work::Slice(few)) if few.is_empty()));
    assert!(sender.gather(&run(), 1, &pieces(&[&half])).unwrap().is_none());
    assert!(matches!(&receiver.next(), Some(Work::Slice(slices))
        if matches!(&slices[..], [(_, 0, lines)] if lines.len() == 2)));
    assert!(sender.gather(&run(), 2, &pieces(&["rest"])).unwrap().is_none());
    sender.hurry();
    let Some(Work::Group(mut jobs)) = receiver.next() else { panic!("no group") };
    let Some(Job::Output { lines, told: true, .. }) = jobs.pop() else { panic!("no lines") };
    assert_eq!((lines.first, lines.pieces.len(), jobs.len()), (2, 1, 0));
    assert!(answer.try_recv().is_err(), "nobody answers before the commit");
    drop(sender);
    assert!(receiver.next().is_none());
}

#[test]
fn what_one_run_writes_quickly_is_committed_before_it_has_gathered() {
    let (sender, mut receiver) = queue().unwrap();
    let quarter = "x".repeat(WRITTEN / 4);
    for line in 0..4 {
        sender.gather(&run(), line, &pieces(&[&quarter])).unwrap();
        assert!(matches!(receiver.next(), Some(Work::Slice(_))));
    }
    assert!(matches!(receiver.next(), Some(Work::Group(jobs)) if jobs.len() == 1));
    let (other, half) = (RunId::new("r2").unwrap(), "x".repeat(WRITTEN / 2));
    for line in 0..2 {
        sender.gather(&run(), line, &pieces(&[&half])).unwrap();
        assert!(matches!(receiver.next(), Some(Work::Slice(_))));
        sender.gather(&other, line, &pieces(&["x\n"])).unwrap();
    }
    drop(sender);
    assert!(receiver.until.is_some_and(|until| until > Instant::now()), "two runs have room for more");
    assert!(matches!(receiver.next(), Some(Work::Group(jobs)) if jobs.len() == 2));
    let (sender, mut receiver) = queue().unwrap();
    sender.gather(&run(), 0, &pieces(&["x".repeat(WRITTEN * 2).as_str()])).unwrap();
    assert!(matches!(receiver.next(), Some(Work::Slice(_))));
    assert!(!receiver.enough, "a run that outpaces the writer is committed when it asks for it");
}

/// There is nowhere else to read them.
#[tokio::test]
async fn the_window_keeps_told_lines_until_they_are_stored() {
    let (dir, store) = world().await;
    let other = rusqlite::Connection::open(dir.path().join("log.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let long = "x".repeat(40_000) + "\n";
    let lines = pieces(&[long.as_str(); 5]);
    let mut told = store.tell_output(&run(), 0, &lines).unwrap().unwrap();
    assert!(told.committed().await.is_err());
    assert!(matches!(store.hub().tail(&run(), 0), Tail::Lines(lines) if lines.len() == 5));
    other.execute_batch("ROLLBACK").unwrap();
    store.tell_output(&run(), 0, &lines).unwrap().unwrap().committed().await.unwrap();
    assert_eq!(store.hub().tail(&run(), 3), Tail::InStore);
    assert!(matches!(store.hub().tail(&run(), 4), Tail::Lines(lines) if lines.len() == 1));
}

#[tokio::test]
async fn lines_are_stored_once_and_none_before_those_that_it_refused() {
    let (dir, store) = world().await;
    let other = rusqlite::Connection::open(dir.path().join("log.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut told = store.tell_output(&run(), 0, &pieces(&["one\n", "two\n"])).unwrap().unwrap();
    assert!(told.committed().await.is_err());
    other.execute_batch("ROLLBACK").unwrap();
    let early = store.put_output(&run(), 2, &pieces(&["three\n"])).await.unwrap().committed().await;
    assert!(matches!(early, Err(StoreError::TooEarly(_))), "{early:?}");
    // Handed over again, it is not told twice.
    let mut again = store.tell_output(&run(), 0, &pieces(&["one\n", "two\n"])).unwrap().unwrap();
    assert_eq!(again.committed().await.unwrap(), 2);
    assert!(matches!(store.hub().tail(&run(), 0), Tail::Lines(lines) if lines.len() == 2));
    // Of what came through although it seemed to fail, the rest is stored.
    let mut over = store.put_output(&run(), 1, &pieces(&["two\n", "three\n"])).await.unwrap();
    assert_eq!(over.committed().await.unwrap(), 3);
    assert_eq!(stored(&store).await, ["one\n", "two\n", "three\n"]);
}
