#![expect(clippy::unwrap_used, reason = "tests")]

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use shared::agent::HarnessId;
use shared::entry::{Kind, Purpose};
use shared::id::{ClientId, MessageId, TaskId};
use shared::run::{Pipes, Program, RunEnd, RunSpec};
use tempfile::TempDir;

use super::writer::Writer;
use super::*;

const PAGE: Page = Page { entries: 100, bytes: 1024 * 1024 };

fn world() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn person() -> Actor {
    Actor::Person { client: ClientId::new("page").unwrap() }
}

fn says(text: &str) -> Draft {
    let (task, message) = (TaskId::new("t").unwrap(), MessageId::new("m").unwrap());
    Draft::new(None, Kind::MessageSent { task, message, text: text.to_owned(), answers: None })
}

fn run(id: &str) -> RunId {
    RunId::new(id).unwrap()
}

pub(crate) fn requests(id: &str) -> Draft {
    let spec = RunSpec::new(Program::Shell { command: "true".to_owned() }, "/");
    let task = TaskId::new("t").unwrap();
    let (purpose, harness, carries) = (Purpose::Work, HarnessId::Command, Vec::new());
    Draft::new(
        None,
        Kind::RunRequested { run: run(id), task, purpose, harness, carries, holds: None, model: None, spec },
    )
}

pub(crate) fn ends(id: &str, lines: u64) -> Draft {
    let end = RunEnd::Exited { code: 0 };
    Draft::new(None, Kind::RunEnded { run: run(id), end, lines, pipes: Pipes::Closed, used: None })
}

pub(crate) fn piece(bytes: impl Into<Vec<u8>>) -> Piece {
    Piece { stream: Stream::Stdout, at: Millis(7), bytes: bytes.into() }
}

async fn whole_log(store: &Store) -> Vec<Arc<Stored>> {
    let mut log: Vec<Arc<Stored>> = Vec::new();
    loop {
        let since = log.last().map_or(Seq(0), |stored| stored.entry.seq);
        let page = store.entries_after(since, PAGE).await.unwrap();
        if page.is_empty() {
            return log;
        }
        log.extend(page);
    }
}

fn assert_gapless(log: &[Arc<Stored>]) {
    let numbers: Vec<u64> = log.iter().map(|stored| stored.entry.seq.0).collect();
    assert_eq!(numbers, (1..=log.len() as u64).collect::<Vec<_>>());
    assert!(log.windows(2).all(|pair| pair[0].entry.at <= pair[1].entry.at), "time goes forward");
}

async fn all<T: Send + 'static>(
    work: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = work.map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_get_one_number_each_without_a_gap() {
    let (dir, store) = world();
    let appends = (0..200).map(|n| {
        let store = store.clone();
        async move {
            store.append(person(), vec![says(&format!("{n} a")), says(&format!("{n} b"))]).await.unwrap()
        }
    });
    for made in all(appends).await {
        assert_eq!(made[1].entry.seq, made[0].entry.seq.next(), "a batch stays together");
    }
    let log = whole_log(&store).await;
    assert_eq!(log.len(), 400);
    assert_gapless(&log);
    drop(store);
    assert_eq!(whole_log(&Store::open(dir.path()).unwrap()).await, log, "the file holds what was relayed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_append_again_is_acknowledged_and_made_once() {
    let (dir, store) = world();
    let id = AppendId::new("a1").unwrap();
    let again = |store: &Store| {
        let (store, id) = (store.clone(), id.clone());
        async move {
            let pending =
                store.append_once(person(), id, None, vec![says("once"), says("only")]).await.unwrap();
            pending.committed().await.unwrap().1
        }
    };
    assert_eq!(all((0..20).map(|_| again(&store))).await, vec![Seq(2); 20]);
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(again(&store).await, Seq(2));
    assert_eq!(whole_log(&store).await.len(), 2);
}

#[tokio::test]
async fn a_batch_is_made_whole_or_not_at_all() {
    let (_dir, store) = world();
    store.append(person(), vec![requests("r1")]).await.unwrap();
    let error = store.append(person(), vec![says("lost"), requests("r1"), says("lost")]).await.unwrap_err();
    assert!(matches!(error, StoreError::RunExists(_)), "{error}");
    store.append(person(), vec![says("kept")]).await.unwrap();
    let log = whole_log(&store).await;
    assert_eq!(log.len(), 2);
    assert_gapless(&log);
}

#[tokio::test]
async fn output_comes_back_byte_for_byte_and_goes_on_after_a_restart() {
    let (dir, store) = world();
    assert!(matches!(store.append_output(&run("r1"), vec![piece("x")]).await, Err(StoreError::NoSuchRun(_))));
    store.append(Actor::Bridge, vec![requests("r1"), requests("r2")]).await.unwrap();
    let mut sent = vec![piece("one\n"), piece(&b"\xff\x00\n"[..]), piece("\n")];
    sent[1].stream = Stream::Stderr;
    assert_eq!(store.append_output(&run("r1"), sent.clone()).await.unwrap(), 3);
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.append_output(&run("r1"), vec![piece("end")]).await.unwrap(), 4);
    sent.push(piece("end"));
    assert_eq!(store.output_from(&run("r1"), 0, usize::MAX).await.unwrap(), sent);
    assert_eq!(
        store.output_from(&run("r1"), 2, 1).await.unwrap(),
        [piece("\n")],
        "a page has one line at least"
    );
    assert!(store.output_from(&run("r2"), 0, 1).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_starting_bridge_finds_the_runs_that_have_not_ended() {
    let (_dir, store) = world();
    let started = Kind::RunStarted { run: run("r2"), pid: 42, started: 99 };
    let drafts =
        vec![requests("r1"), requests("r2"), requests("r3"), Draft::new(None, started), ends("r1", 0)];
    store.append(Actor::Bridge, drafts).await.unwrap();
    let open = store.open_runs().await.unwrap();
    let found: Vec<_> =
        open.iter().map(|open| (open.run.as_str(), open.process, open.request.entry.seq.0)).collect();
    assert_eq!(found, [("r2", Some((42, 99)), 2), ("r3", None, 3)]);
}

/// Follows with a window that is overrun again and again, and looks that what it is told is in the file.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_misses_nothing_and_sees_only_what_is_committed() {
    let (dir, store) = world();
    let last = Seq(6_000);
    let follower = tokio::spawn({
        let (store, file) = (store.clone(), dir.path().join("log.db"));
        async move {
            let wake = store.hub().subscribe();
            let own = Connection::open(file).unwrap();
            let mut log: Vec<Arc<Stored>> = Vec::new();
            while log.last().map(|stored| stored.entry.seq) != Some(last) {
                let since = log.last().map_or(Seq(0), |stored| stored.entry.seq);
                let page = store.entries_after(since, PAGE).await.unwrap();
                match page.last() {
                    Some(newest) => assert!(read::head(&own).unwrap().0 >= newest.entry.seq),
                    None => wake.notified().await,
                }
                log.extend(page);
            }
            log
        }
    });
    for batch in 0..60 {
        store.append(person(), (0..100).map(|n| says(&format!("{batch} {n}"))).collect()).await.unwrap();
    }
    assert_gapless(&follower.await.unwrap());
}

#[tokio::test]
async fn the_windows_are_bounded_and_close_with_the_run() {
    let (_dir, store) = world();
    store.append(Actor::Bridge, vec![requests("r1")]).await.unwrap();
    assert_eq!(store.hub().tail(&run("r1"), 0), Tail::Quiet);
    let follower = store.hub().follower();
    follower.follow(&run("r1"));
    follower.follow(&run("r2"));
    assert_eq!(follower.fresh(), [run("r1"), run("r2")], "what is there already is looked at");
    for _ in 0..3 {
        store.append_output(&run("r1"), vec![piece(vec![b'x'; 30_000])]).await.unwrap();
    }
    assert_eq!(store.hub().tail(&run("r1"), 0), Tail::InStore, "the first line left the window");
    assert!(matches!(store.hub().tail(&run("r1"), 1), Tail::Lines(lines) if lines.len() == 2));
    assert_eq!(store.hub().tail(&run("r1"), 3), Tail::UpToDate);
    assert_eq!((follower.fresh(), follower.fresh()), (vec![run("r1")], vec![]));
    store.append(Actor::Bridge, vec![ends("r1", 3)]).await.unwrap();
    assert_eq!(store.hub().tail(&run("r1"), 3), Tail::Quiet);
}

/// A writer that never pauses does not let the write-ahead log grow without end.
#[tokio::test]
async fn the_write_ahead_log_stays_bounded() {
    let (dir, store) = world();
    store.append(Actor::Bridge, vec![requests("r1")]).await.unwrap();
    for _ in 0..200 {
        let pieces = (0..16).map(|_| piece(vec![b'x'; 64 * 1024])).collect();
        store.append_output(&run("r1"), pieces).await.unwrap();
    }
    let size = std::fs::metadata(dir.path().join("log.db-wal")).unwrap().len();
    assert!(size < 100 * 1024 * 1024, "{size} bytes after 200 MiB of output");
    assert_eq!(store.output_from(&run("r1"), 3_199, usize::MAX).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_database_of_schema_1_is_migrated_and_keeps_all() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("log.db"), include_bytes!("../../tests/fixtures/schema-1.db")).unwrap();
    let store = Store::open(dir.path()).unwrap();
    let log = whole_log(&store).await;
    assert_eq!(log.len(), 6);
    assert_gapless(&log);
    assert!(log[1].json.contains("Grüße"));
    assert!(
        log[5].json.contains(r#"{"kind":"from_the_future","n":[1,2]}"#),
        "unknown kinds are kept as they are"
    );
    assert_eq!(store.open_runs().await.unwrap()[0].process, Some((42, 99)));
    assert_eq!(store.append_output(&run("r1"), vec![piece("more\n")]).await.unwrap(), 3);
    assert_eq!(store.output_from(&run("r1"), 1, 1).await.unwrap()[0].bytes, b"\xff\xfe");
    let pending =
        store.append_once(person(), AppendId::new("a1").unwrap(), None, vec![says("again")]).await.unwrap();
    assert_eq!(pending.committed().await.unwrap().1, Seq(2));
    let grant = store.last_of_kind("baton_granted").await.unwrap().unwrap();
    assert_eq!(grant.entry.seq, Seq(3));
}

#[test]
fn a_newer_database_is_left_alone_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log.db");
    // Not a store's: its writer would close the file behind our back.
    drop(schema::open(&file).unwrap());
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(&file).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_database_is_recognised_and_left_as_it_is() {
    let (dir, store) = world();
    for _ in 0..20 {
        store
            .append(person(), (0..50).map(|n| says(&format!("{n} {}", "x".repeat(300)))).collect())
            .await
            .unwrap();
    }
    drop(store);
    let file = dir.path().join("log.db");
    // Brings everything from the WAL into the file.
    Connection::open(&file).unwrap().pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
    let sound = std::fs::read(&file).unwrap();
    let holes = [0..100, sound.len() / 2..sound.len() / 2 + 8_192, 0..sound.len()];
    for hole in holes {
        let mut broken = sound.clone();
        broken[hole.clone()].fill(0xa5);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("log.db");
        std::fs::write(&file, &broken).unwrap();
        let error = Store::open(dir.path()).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{hole:?}: {error}");
        assert!(error.to_string().contains("left as it is"));
        assert_eq!(std::fs::read(&file).unwrap(), broken);
    }
}

/// Copies are made while the writer goes on; each is whole, and the newest few are kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_whole_while_the_store_is_written() {
    let (dir, store) = world();
    store.append(Actor::Bridge, vec![requests("r1")]).await.unwrap();
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            for n in 0.. {
                store.append(person(), vec![says(&"x".repeat(4_000)), says("after")]).await.unwrap();
                store.append_output(&run("r1"), vec![piece(format!("line {n}\n"))]).await.unwrap();
            }
        }
    });
    let (wake, mut last) = (store.hub().subscribe(), Seq(0));
    for _ in 0..7 {
        // Of nothing new there is no copy.
        while store.hub().head() <= last {
            wake.notified().await;
        }
        let copied = store.back_up(dir.path()).await.unwrap().unwrap();
        last = copied.seq;
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::copy(&copied.file, elsewhere.path().join("log.db")).unwrap();
        let log = whole_log(&Store::open(elsewhere.path()).unwrap()).await;
        assert_gapless(&log);
        assert_eq!(log.last().unwrap().entry.seq, copied.seq);
    }
    writing.abort();
    let _ = writing.await;
    // Behind whatever still waited for the writer.
    store.append(person(), vec![says("the last")]).await.unwrap();
    assert_eq!(copies(dir.path()).len(), 5);
    store.back_up(dir.path()).await.unwrap();
    assert_eq!(store.back_up(dir.path()).await.unwrap(), None, "nothing is new");
    #[cfg(unix)]
    {
        let newest = copies(dir.path()).pop().unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&newest.file.metadata().unwrap()) & 0o777, 0o600);
    }
}

/// A client that knows what a copy does not may have entries with the same numbers.
#[tokio::test]
async fn a_log_is_the_same_until_a_copy_is_put_back_or_it_is_read_in_elsewhere() {
    let (dir, store) = world();
    store.append(person(), vec![says("kept")]).await.unwrap();
    store.back_up(dir.path()).await.unwrap();
    let first = store.log().clone();
    drop(store);
    let again = Store::open(dir.path()).unwrap();
    assert_eq!(*again.log(), first);
    drop(again);
    // Another folder, as the writer of this one may still be at its last words.
    let other = tempfile::tempdir().unwrap();
    std::fs::rename(dir.path().join("backups"), other.path().join("backups")).unwrap();
    std::fs::write(other.path().join("log.db"), "lost").unwrap();
    restore(other.path()).unwrap();
    let restored = Store::open(other.path()).unwrap();
    assert_ne!(*restored.log(), first);
    assert_eq!(whole_log(&restored).await.len(), 1);
    let mut text = Vec::new();
    export(other.path(), &mut text).unwrap();
    let third = tempfile::tempdir().unwrap();
    import(third.path(), &mut &text[..], true).unwrap();
    let imported = Store::open(third.path()).unwrap();
    assert!(![&first, restored.log()].contains(&imported.log()));
}

#[tokio::test]
async fn a_damaged_backup_is_passed_over_and_nothing_is_thrown_away() {
    let (dir, store) = world();
    assert!(matches!(restore(dir.path()), Err(BackupError::None(_))));
    store.append(person(), vec![says("kept")]).await.unwrap();
    store.back_up(dir.path()).await.unwrap();
    store.append(person(), vec![says("lost")]).await.unwrap();
    let newest = store.back_up(dir.path()).await.unwrap().unwrap();
    // Another folder, as the writer of this one may still be at its last words.
    let other = tempfile::tempdir().unwrap();
    std::fs::rename(dir.path().join("backups"), other.path().join("backups")).unwrap();
    let dir = other;
    std::fs::write(dir.path().join("backups").join(newest.file.file_name().unwrap()), "no database").unwrap();
    std::fs::write(dir.path().join("log.db"), "no database either, and long enough".repeat(10)).unwrap();
    let told = Store::open(dir.path()).unwrap_err().to_string();
    assert!(told.contains("orchestrator restore"), "{told}");
    let (copied, former) = restore(dir.path()).unwrap();
    assert_eq!(copied.seq, Seq(1));
    assert!(std::fs::read_to_string(former).unwrap().starts_with("no database either"));
    assert_eq!(whole_log(&Store::open(dir.path()).unwrap()).await.len(), 1);
}

/// A disk with room for a few pages more: what is too large is refused and nothing of its group is half
/// there, what fits is taken afterwards.
/// A writer without its thread, whose file has room for so many pages more.
fn writer(dir: &Path, room: i64) -> (Writer, Arc<Hub>) {
    let file = dir.join("log.db");
    let connection = schema::open(&file).unwrap();
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    connection.query_row(&format!("PRAGMA max_page_count = {}", pages + room), [], |_| Ok(())).unwrap();
    let hub = Arc::new(Hub::new(Seq(0)));
    let checkpoints = Checkpoints::start(&connection, &file).unwrap();
    let (jobs, _queue) = tokio::sync::mpsc::channel(1);
    let compactor = Compactor::start(jobs.downgrade(), file).unwrap();
    let start = (Seq(0), Millis(0));
    (Writer::new(connection, checkpoints, compactor, Arc::clone(&hub), clock::now, start), hub)
}

#[tokio::test]
async fn lines_that_are_written_ahead_are_stored_with_the_next_group_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _hub) = writer(dir.path(), 20);
    let append = |body| {
        let (reply, answer) = oneshot::channel();
        (Job::Append { actor: Actor::Bridge, id: None, seen: None, drafts: vec![body], reply }, answer)
    };
    let rest = |first| {
        let (reply, answer) = oneshot::channel();
        let lines = Lines { first, pieces: Vec::new(), reply };
        (Job::Output { run: run("r1"), lines, told: true }, answer)
    };
    let slice = |first, text: &str| vec![(run("r1"), first, vec![Arc::new(piece(text))])];
    let (request, _answer) = append(requests("r1"));
    writer.commit(vec![request]);
    writer.write_ahead(slice(0, "one\n"));
    let (lines, stored) = rest(1);
    writer.commit(vec![lines]);
    assert_eq!(stored.await.unwrap().unwrap(), 1);
    // What fills the disk takes what stood before it along, and who waits for either is told.
    writer.write_ahead(slice(1, "two\n"));
    writer.write_ahead(slice(2, &"x".repeat(1_000_000)));
    writer.write_ahead(slice(3, "four\n"));
    let ((lines, stored), (entry, appended)) = (rest(4), append(says("refused")));
    writer.commit(vec![lines, entry]);
    assert!(stored.await.unwrap().unwrap_err().to_string().contains("full"));
    assert!(appended.await.unwrap().unwrap_err().to_string().contains("full"));
    // Handed over again they have their numbers, and what is synced is stored behind them.
    writer.write_ahead(slice(1, "two\n"));
    let ((lines, stored), (entry, appended)) = (rest(2), append(says("taken")));
    writer.commit(vec![lines, entry]);
    assert_eq!(stored.await.unwrap().unwrap(), 2);
    assert_eq!(appended.await.unwrap().unwrap().1, Seq(2));
    drop(writer);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(whole_log(&store).await.len(), 2);
    let lines = store.output_from(&run("r1"), 0, usize::MAX).await.unwrap();
    assert_eq!(lines.iter().map(|piece| &piece.bytes[..]).collect::<Vec<_>>(), [b"one\n", b"two\n"]);
}

/// No test can cut the power behind the page cache, so a sync that is missing shows here alone.
#[test]
fn what_acknowledges_an_entry_is_synced() {
    const FULL: i64 = 2;
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _hub) = writer(dir.path(), 1_000);
    let append = |body| {
        let (reply, _) = oneshot::channel();
        Job::Append { actor: Actor::Bridge, id: None, seen: None, drafts: vec![body], reply }
    };
    let lines = |first| {
        let (reply, _) = oneshot::channel();
        let lines = Lines { first, pieces: vec![Arc::new(piece("line\n"))], reply };
        Job::Output { run: run("r1"), lines, told: false }
    };
    assert_eq!(writer.synchronous().unwrap(), FULL, "as it is opened");
    writer.commit(vec![append(requests("r1"))]);
    assert_eq!(writer.synchronous().unwrap(), FULL);
    writer.commit(vec![lines(0)]);
    assert_ne!(writer.synchronous().unwrap(), FULL, "lines alone need not wait for the disk");
    writer.commit(vec![lines(1), append(says("between lines")), lines(2)]);
    assert_eq!(writer.synchronous().unwrap(), FULL);
    writer.write_ahead(vec![(run("r1"), 3, vec![Arc::new(piece("ahead\n"))])]);
    writer.commit(vec![append(says("behind lines that were written ahead"))]);
    assert_eq!(writer.synchronous().unwrap(), FULL);
}

/// Such as on a page that is damaged.
#[tokio::test]
async fn lines_that_cannot_be_stored_refuse_their_group_once_and_then_only_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, hub) = writer(dir.path(), 1_000);
    let append = |body| {
        let (reply, answer) = oneshot::channel();
        (Job::Append { actor: person(), id: None, seen: None, drafts: vec![body], reply }, answer)
    };
    let output = |id: &str, first, texts: &[&str]| {
        let (reply, answer) = oneshot::channel();
        let pieces = texts.iter().map(|text| Arc::new(piece(*text))).collect();
        (Job::Output { run: run(id), lines: Lines { first, pieces, reply }, told: false }, answer)
    };
    let jobs: Vec<_> = ["r1", "r2"].into_iter().map(|id| append(requests(id)).0).collect();
    writer.commit(jobs);
    let other = Connection::open(dir.path().join("log.db")).unwrap();
    let refuse =
        "CREATE TRIGGER refuse BEFORE INSERT ON output WHEN new.bytes = CAST('bad' || char(10) AS BLOB)
                  BEGIN SELECT RAISE(FAIL, 'damaged'); END";
    other.execute_batch(refuse).unwrap();
    for (try_, others) in [(1, false), (2, true), (3, true)] {
        let ((bad, refused), (good, stored)) =
            (output("r1", 0, &["one\n", "bad\n"]), output("r2", 0, &["two\n"]));
        let (said, taken) = append(says("something"));
        writer.commit(vec![good, bad, said]);
        assert!(refused.await.unwrap().unwrap_err().to_string().contains("damaged"), "try {try_}");
        assert_eq!(
            (stored.await.unwrap().is_ok(), taken.await.unwrap().is_ok()),
            (others, others),
            "try {try_}"
        );
    }
    assert_eq!(hub.head(), Seq(4), "nothing of what was refused is there");
    other.execute_batch("DROP TRIGGER refuse").unwrap();
    let (lines, stored) = output("r1", 0, &["one\n", "bad\n"]);
    writer.commit(vec![lines]);
    assert_eq!(stored.await.unwrap().unwrap(), 2);
    drop(writer);
    let store = Store::open(dir.path()).unwrap();
    for (id, lines) in [("r1", &[&b"one\n"[..], b"bad\n"][..]), ("r2", &[b"two\n"])] {
        let stored = store.output_from(&run(id), 0, usize::MAX).await.unwrap();
        assert_eq!(stored.iter().map(|piece| &piece.bytes[..]).collect::<Vec<_>>(), lines);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_the_store_lives_on() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, hub) = writer(dir.path(), 20);
    let job = |text: &str| {
        let (reply, answer) = oneshot::channel();
        (Job::Append { actor: person(), id: None, seen: None, drafts: vec![says(text)], reply }, answer)
    };
    let huge = "x".repeat(1_000_000);
    let (jobs, answers): (Vec<_>, Vec<_>) = [job("before"), job(&huge), job("after")].into_iter().unzip();
    writer.commit(jobs);
    for answer in answers {
        let error = answer.await.unwrap().unwrap_err();
        assert!(error.to_string().contains("full"), "{error}");
    }
    assert_eq!(hub.head(), Seq(0));
    let (jobs, answers): (Vec<_>, Vec<_>) = [job("small"), job("another")].into_iter().unzip();
    writer.commit(jobs);
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    drop(writer);
    let log = whole_log(&Store::open(dir.path()).unwrap()).await;
    assert_eq!(log.len(), 2, "nothing of the refused group is there");
    assert_gapless(&log);
    assert_eq!(hub.head(), Seq(2));
}

/// The lock of another process makes BEGIN fail: nothing may be committed outside the transaction then.
#[tokio::test]
async fn a_group_that_cannot_begin_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log.db");
    let connection = schema::open(&file).unwrap();
    connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    let store = Store::start(connection, Pool::new(file.clone()), clock::now).unwrap();
    store.append(Actor::Bridge, vec![requests("r1")]).await.unwrap();
    let other = Connection::open(file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.append(person(), vec![says("refused")]).await.unwrap_err();
    assert!(error.to_string().contains("locked"), "{error}");
    assert!(store.append_output(&run("r1"), vec![piece("refused\n")]).await.is_err());
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.append(person(), vec![says("taken")]).await.unwrap()[0].entry.seq, Seq(2));
    assert_eq!(store.append_output(&run("r1"), vec![piece("taken\n")]).await.unwrap(), 1);
    assert_gapless(&whole_log(&store).await);
}

#[tokio::test]
async fn output_is_read_backwards_in_pages_that_begin_with_a_line() {
    let (_dir, store) = world();
    store.append(Actor::Bridge, vec![requests("r1")]).await.unwrap();
    let sent: Vec<Piece> = ["one\n", "two ", "and ", "a half\n", "three\n", "end"].map(piece).into();
    store.append_output(&run("r1"), sent.clone()).await.unwrap();
    let page = async |before, bytes| store.output_before(&run("r1"), before, bytes).await.unwrap();
    assert_eq!(page(u64::MAX, usize::MAX).await, (0, sent.clone()));
    assert_eq!(page(u64::MAX, 1).await, (5, sent[5..].to_vec()), "a page has one line at least");
    assert_eq!(page(4, 1).await, (1, sent[1..4].to_vec()), "a line in pieces is not torn");
    assert_eq!(page(1, 100).await, (0, sent[..1].to_vec()));
    assert_eq!(page(0, 100).await, (0, Vec::new()));
}

#[tokio::test]
async fn the_time_of_the_log_never_goes_back_however_the_clock_jumps() {
    static CLOCK: AtomicU64 = AtomicU64::new(0);
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let file = dir.path().join("log.db");
        let connection = schema::open(&file).unwrap();
        Store::start(connection, Pool::new(file), || Millis(CLOCK.load(Ordering::Relaxed))).unwrap()
    };
    let mut store = open();
    let mut times = Vec::new();
    for (n, clock) in [5_000, 6_000, 1_000, 86_400_000, 0, 7_000, 86_400_001].into_iter().enumerate() {
        CLOCK.store(clock, Ordering::Relaxed);
        times.push(store.append(person(), vec![says("a")]).await.unwrap()[0].entry.at.0);
        // As little as by a restart.
        if n % 2 == 1 {
            drop(store);
            store = open();
        }
    }
    assert_eq!(times, [5_000, 6_000, 6_000, 86_400_000, 86_400_000, 86_400_000, 86_400_001]);
}
