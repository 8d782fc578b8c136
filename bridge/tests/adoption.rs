//! Agents outlive the bridge: the next one finds them, goes on where the last one stopped, and loses nothing.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, SystemTime};

use bench::{Bench, crashed, lives, new_run, next, requested};
use bridge::store::Store;
use bridge::supervisor::Parting;
use shared::entry::{Draft, Kind};
use shared::id::{AppendId, ProjectId, RunId, TaskId};
use shared::run::{Pipes, RunEnd, RunLimits, RunSpec, Stdin, Window};
use shared::unit::{Bytes, Millis};
use shared::wire::ClientMessage;
use tests::random::Random;
use tests::world::{World, ordered, own};

#[path = "supervisor/bench.rs"]
mod bench;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

#[test]
fn a_run_goes_on_without_a_bridge_and_the_next_one_has_every_byte() {
    let script = "echo once >> count; echo ready; n=0
        while [ ! -e enough ]; do n=$((n+1)); echo line $n; echo error $n >&2; echo line $n >> same; done
        printf 'no newline'; exit 7";
    let (dir, run) = crashed(|bench| bench.sh(script));
    // It writes while nobody is there.
    let same = dir.path().join("project/same");
    let size = || std::fs::metadata(&same).map_or(0, |meta| meta.len());
    let before = size();
    while size() < before + 10_000 {
        std::thread::yield_now();
    }
    next(dir, async |bench| {
        std::fs::write(bench.project.join("enough"), "").unwrap();
        let ended = bench.ended(&run).await;
        assert_eq!((ended.end, ended.pipes), (RunEnd::Exited { code: 7 }, Pipes::Closed));
        assert!(bench.used(&run).await.is_some_and(|used| used.memory > Bytes(0)), "also of an adopted one");
        let pieces = bench.store.output_from(&run, 0, usize::MAX).await.unwrap();
        assert_eq!(pieces.len() as u64, ended.lines);
        let out = pieces.iter().filter(|piece| piece.stream == shared::run::Stream::Stdout);
        let out: Vec<u8> = out.flat_map(|piece| piece.bytes.clone()).collect();
        let wrote = std::fs::read_to_string(bench.project.join("same")).unwrap();
        assert!(String::from_utf8(out).unwrap() == format!("ready\n{wrote}no newline"), "lost or doubled");
        assert_eq!(std::fs::read_to_string(bench.project.join("count")).unwrap(), "once\n");
        let starts = bench.kinds().await.into_iter().filter(|kind| matches!(kind, Kind::RunStarted { .. }));
        assert_eq!(starts.count(), 1);
        // A second look finds nothing more to do.
        bench.supervisor.reconcile().await.unwrap();
    });
}

#[test]
fn what_was_printed_without_end_while_no_bridge_was_there_is_ended_and_cut() {
    let (dir, run) = crashed(|bench| {
        let mut spec = bench.sh("echo ready; until [ -e go ]; do sleep 0.01; done; exec yes");
        spec.limits.output = Some(Bytes(100_000));
        spec
    });
    std::fs::write(dir.path().join("project/go"), "").unwrap();
    let out = dir.path().join("runs").join(run.as_str()).join("out");
    while std::fs::metadata(&out).unwrap().len() < 10_000_000 {
        std::thread::yield_now();
    }
    next(dir, async |bench| {
        assert_eq!(bench.ended(&run).await.end, RunEnd::TooMuchOutput { limit: Bytes(100_000) });
        assert_eq!(bench.bytes(&run).await.len(), 100_000);
    });
}

/// The next bridge has other secrets in its own environment than the one that gave the run its.
#[test]
fn what_an_earlier_bridge_gave_to_a_run_is_hidden_by_the_next_one() {
    let script = "echo ready; until [ -e go ]; do sleep 0.01; done; echo adopted
        until [ -e on ]; do sleep 0.01; done; echo said $OLD_API_KEY by $ALL_PROXY";
    let (dir, run) = crashed(|bench| {
        let mut spec = bench.sh(script);
        let given = [("OLD_API_KEY", "sk-old-0123456789"), ("ALL_PROXY", "http://dev:hunter2hunter2@proxy/")];
        spec.env.extend(given.map(|(name, value)| (name.to_owned(), value.to_owned())));
        spec
    });
    next(dir, async |bench| {
        std::fs::write(bench.project.join("go"), "").unwrap();
        bench.said(&run, "adopted").await;
        std::fs::write(bench.project.join("on"), "").unwrap();
        bench.ended(&run).await;
        let said = String::from_utf8(bench.bytes(&run).await).unwrap();
        let stars = |count| "*".repeat(count);
        assert_eq!(said, format!("ready\nadopted\nsaid {} by http://{}proxy/\n", stars(17), stars(19)));
    });
}

/// The claim is written over as a newer version would have written it, while the program lives.
#[test]
fn a_run_that_a_newer_version_began_keeps_this_one_from_starting_and_is_not_touched() {
    let (dir, run) = crashed(|bench| {
        bench.sh("echo $$ > leader; trap 'exit 4' TERM; echo ready; while :; do sleep 0.02; done")
    });
    let leader = std::fs::read_to_string(dir.path().join("project/leader")).unwrap();
    let runs = dir.path().join("runs");
    let claim = runs.join(run.as_str()).join("claim");
    assert_eq!(std::fs::read_to_string(&claim).unwrap(), "1\n");
    std::fs::write(&claim, "2\n").unwrap();
    let store = Store::open(dir.path()).unwrap();
    let own = std::path::PathBuf::from(BIN);
    let refused =
        bridge::supervisor::Supervisor::new(store, std::sync::Arc::default(), &runs, own).unwrap_err();
    let why = refused.to_string();
    assert!(why.contains(run.as_str()) && why.contains("newer version") && why.contains("format 2"), "{why}");
    assert!(lives(&leader) && claim.exists());
    // One of before the format was told, and one that a power cut left without it, are of this one.
    std::fs::write(&claim, "").unwrap();
    next(dir, async |bench| {
        bench.signal(&run, shared::run::Signal::Terminate).await;
        assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 4 });
    });
}

/// The bridge ends between the two goes; the next one knows what the terminal was given before.
#[test]
fn a_secret_that_comes_to_a_terminal_in_two_goes_is_hidden_by_two_bridges() {
    let script = "echo ready; printf 'key: sk-old-01'; until [ -e go ]; do sleep 0.01; done; echo 23456789";
    let (dir, run) = crashed(|bench| {
        let mut spec = bench.sh(script);
        spec.env.insert("OLD_API_KEY".to_owned(), "sk-old-0123456789".to_owned());
        RunSpec { stdin: Stdin::Pty { window: Window { rows: 24, cols: 80 } }, ..spec }
    });
    next(dir, async |bench| {
        bench.said(&run, "key: ").await;
        std::fs::write(bench.project.join("go"), "").unwrap();
        assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 0 });
        let said = String::from_utf8(bench.bytes(&run).await).unwrap();
        assert_eq!(said, format!("ready\r\nkey: {}\r\n", "*".repeat(17)));
    });
}

/// As after the way back to a backup that is older than the order.
#[test]
fn a_run_that_the_log_does_not_know_is_ended_and_what_it_wrote_is_set_aside() {
    let script = "echo $$ > leader; trap '' TERM; echo ready $OLD_API_KEY; while :; do sleep 1; done";
    let (dir, run) = crashed(|bench| {
        let mut spec = bench.sh(script);
        spec.env.insert("OLD_API_KEY".to_owned(), "sk-old-0123456789".to_owned());
        spec
    });
    let folder = dir.path().join("runs").join(run.as_str());
    let leader = std::fs::read_to_string(dir.path().join("project/leader")).unwrap();
    assert!(folder.exists() && lives(&leader));
    for file in ["log.db", "log.db-wal", "log.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join(file));
    }
    // One of the same name was set aside before; one has said nothing.
    let strays = dir.path().join("strays");
    let silent = dir.path().join("runs/silent");
    std::fs::create_dir_all(strays.join(run.as_str())).unwrap();
    std::fs::create_dir(&silent).unwrap();
    std::fs::write(silent.join("out"), "").unwrap();
    next(dir, async |_| {
        while folder.exists() || silent.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(!lives(&leader));
        let kept = strays.join(format!("{run}-2/out"));
        assert_eq!(std::fs::read_to_string(kept).unwrap(), "ready *****************\n");
        assert_eq!(std::fs::read_dir(&strays).unwrap().count(), 2);
    });
}

/// As when the folder could not be taken away at its end: what is in it is in the log.
#[tokio::test]
async fn the_folder_of_a_run_that_is_over_is_set_aside_for_what_the_log_does_not_have_alone() {
    let bench = Bench::new("").await;
    let ((stored, _), (more, _)) =
        (bench.run(bench.sh("echo hi")).await, bench.run(bench.sh("echo hi")).await);
    let folder = |run: &RunId| bench.dir.path().join("runs").join(run.as_str());
    for (run, out) in [(&stored, "hi\n"), (&more, "hi\nunread\n")] {
        while folder(run).exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        std::fs::create_dir(folder(run)).unwrap();
        std::fs::write(folder(run).join("out"), out).unwrap();
    }
    bench.supervisor.reconcile().await.unwrap();
    assert!(!folder(&stored).exists() && !folder(&more).exists());
    let strays = bench.dir.path().join("strays");
    assert_eq!(std::fs::read_dir(&strays).unwrap().count(), 1);
    assert_eq!(std::fs::read_to_string(strays.join(more.as_str()).join("out")).unwrap(), "hi\nunread\n");
}

#[test]
fn what_ended_while_no_bridge_was_there_is_recorded_as_it_was() {
    let (dir, run) =
        crashed(|bench| bench.sh("echo ready; until [ -e go ]; do sleep 0.01; done; echo last; exit 3"));
    std::fs::write(dir.path().join("project/go"), "").unwrap();
    let exit = dir.path().join("runs").join(run.as_str()).join("exit");
    while !exit.exists() {
        std::thread::yield_now();
    }
    next(dir, async |bench| {
        let ended = bench.ended(&run).await;
        assert_eq!((ended.end, ended.lines), (RunEnd::Exited { code: 3 }, 2));
        assert_eq!(bench.bytes(&run).await, b"ready\nlast\n");
    });
}

/// Numbers of processes of before mean nothing then, and files mean what they did.
#[test]
fn what_ended_before_the_machine_was_started_again_is_recorded_as_it_was() {
    let (dir, run) =
        crashed(|bench| bench.sh("echo ready; until [ -e go ]; do sleep 0.01; done; echo last; exit 3"));
    ended_before_a_restart(&dir, &run);
    next(dir, async |bench| {
        let ended = bench.ended(&run).await;
        assert_eq!((ended.end, ended.lines), (RunEnd::Exited { code: 3 }, 2));
        assert_eq!(bench.bytes(&run).await, b"ready\nlast\n");
        assert!(bench.used(&run).await.is_some());
    });
}

#[test]
fn what_ended_before_the_machine_was_started_again_and_cannot_be_read_whole_is_no_success() {
    let script = "echo ready; until [ -e go ]; do sleep 0.01; done; head -c 200000 /dev/zero; exit 0";
    let cut = |bench: &Bench| {
        let mut spec = bench.sh(script);
        spec.limits.output = Some(Bytes(100_000));
        spec
    };
    let (dir, run) = crashed(cut);
    ended_before_a_restart(&dir, &run);
    next(dir, async |bench| {
        assert_eq!(bench.ended(&run).await.end, RunEnd::TooMuchOutput { limit: Bytes(100_000) });
        assert_eq!(bench.bytes(&run).await.len(), 100_000);
    });

    let (dir, run) = crashed(cut);
    ended_before_a_restart(&dir, &run);
    std::fs::remove_file(dir.path().join("runs").join(run.as_str()).join("out")).unwrap();
    next(dir, async |bench| {
        let end = bench.ended(&run).await.end;
        assert!(matches!(&end, RunEnd::Lost { why } if why.contains("cannot be read")), "{end:?}");
    });
}

/// Has a run come to its end that waits for the file `go`, and the machine started anew after that.
fn ended_before_a_restart(dir: &tempfile::TempDir, run: &RunId) {
    std::fs::write(dir.path().join("project/go"), "").unwrap();
    let folder = dir.path().join("runs").join(run.as_str());
    while !folder.join("clear").exists() {
        std::thread::yield_now();
    }
    for note in ["shim", "pid"] {
        let words = std::fs::read_to_string(folder.join(note)).unwrap();
        let process = words.rsplit_once(' ').unwrap().0;
        std::fs::write(folder.join(note), format!("{process} another-start\n")).unwrap();
    }
}

#[test]
fn an_adopted_run_is_stopped_written_to_and_timed_as_any() {
    let (dir, run) =
        crashed(|bench| bench.sh("trap 'exit 4' TERM; echo ready; while :; do sleep 0.02; done"));
    next(dir, async |bench| {
        bench.signal(&run, shared::run::Signal::Terminate).await;
        assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 4 });
    });
    let piped =
        |bench: &Bench| RunSpec { stdin: Stdin::Pipe, ..bench.sh("echo ready; read word; echo got $word") };
    let (dir, run) = crashed(piped);
    next(dir, async |bench| {
        bench
            .append(Kind::InputSent {
                run: run.clone(),
                text: "a word\n".to_owned(),
                message: None,
                answers: None,
            })
            .await;
        assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 0 });
        assert_eq!(bench.bytes(&run).await, b"ready\ngot a word\n");
    });
    let limited = |bench: &Bench| {
        let limits = RunLimits { wall: Some(Millis(1_500)), ..bench::grace(50) };
        RunSpec { limits, ..bench.sh("echo ready; exec sleep 1000") }
    };
    let (dir, run) = crashed(limited);
    next(dir, async |bench| assert_eq!(bench.ended(&run).await.end, RunEnd::TimedOut));
}

/// To the next bridge, a clock that was set looks as if the run had begun at another time.
#[test]
fn a_clock_that_is_set_ends_no_run_early_or_late() {
    let day = Duration::from_secs(24 * 3600);
    for (wall, began) in [(3_600_000, SystemTime::now() - day), (1_500, SystemTime::now() + day)] {
        let limited = |bench: &Bench| {
            let limits = RunLimits { wall: Some(Millis(wall)), ..bench::grace(50) };
            RunSpec { limits, ..bench.sh("echo ready; until [ -e go ]; do sleep 0.01; done") }
        };
        let (dir, run) = crashed(limited);
        for file in std::fs::read_dir(dir.path().join("runs").join(run.as_str())).unwrap().flatten() {
            if file.file_type().unwrap().is_file() {
                let file = std::fs::File::options().append(true).open(file.path()).unwrap();
                file.set_modified(began).unwrap();
            }
        }
        next(dir, async |bench| {
            if wall > 1_500 {
                // The bridge watches, and would have ended it before it took another order.
                let (_, other) = bench.run(bench.sh("true")).await;
                assert_eq!(other.end, RunEnd::Exited { code: 0 });
                std::fs::write(bench.project.join("go"), "").unwrap();
                assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 0 });
            } else {
                assert_eq!(bench.ended(&run).await.end, RunEnd::TimedOut);
            }
        });
    }
}

#[tokio::test]
async fn a_bridge_that_ends_leaves_its_runs_to_the_next() {
    let bench = Bench::new("").await;
    let run = bench.start(bench.sh("echo ready; until [ -e go ]; do sleep 0.01; done; echo done")).await;
    bench.said(&run, "ready").await;
    assert_eq!(bench.supervisor.shut_down(Parting::Leave).await, 1);
    let Bench { dir, store, supervisor, .. } = bench;
    drop((store, supervisor));
    let bench = Bench::open(dir, "");
    bench.supervisor.reconcile().await.unwrap();
    std::fs::write(bench.project.join("go"), "").unwrap();
    assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 0 });
    assert_eq!(bench.bytes(&run).await, b"ready\ndone\n");
}

#[tokio::test]
async fn a_run_whose_shim_was_killed_is_ended_and_called_lost() {
    let bench = Bench::new("").await;
    let run = bench.start(bench.sh("echo $$; echo ready; exec sleep 1000")).await;
    let said = bench.said(&run, "ready").await;
    let note =
        std::fs::read_to_string(bench.dir.path().join("runs").join(run.as_str()).join("shim")).unwrap();
    let shim = note.split_whitespace().next().unwrap();
    assert!(std::process::Command::new("kill").args(["-9", shim]).status().unwrap().success());
    // It goes on, watched by its number, until it is told to end.
    bench.signal(&run, shared::run::Signal::Terminate).await;
    assert!(matches!(bench.ended(&run).await.end, RunEnd::Lost { why } if why.contains("shim")));
    assert!(!lives(said.lines().next().unwrap()));
}

#[test]
fn a_run_whose_shim_and_bridge_are_gone_is_ended_and_called_lost() {
    let (dir, run) = crashed(|bench| {
        bench.sh("echo once >> count; echo $$; echo ready; trap '' TERM; while :; do sleep 1; done")
    });
    let folder = dir.path().join("runs").join(run.as_str());
    let pid = |note: &str| {
        let text = std::fs::read_to_string(folder.join(note)).unwrap();
        text.split_whitespace().next().unwrap().to_owned()
    };
    let (shim, leader) = (pid("shim"), pid("pid"));
    assert!(std::process::Command::new("kill").args(["-9", &shim]).status().unwrap().success());
    while lives(&shim) {
        std::thread::yield_now();
    }
    next(dir, async |bench| {
        let ended = bench.ended(&run).await;
        assert!(matches!(&ended.end, RunEnd::Lost { why } if why.contains("were ended")), "{ended:?}");
        assert_eq!(ended.lines, 2);
        assert!(!lives(&leader));
        let count = std::fs::read_to_string(bench.project.join("count")).unwrap();
        assert_eq!(count, "once\n", "it was not started again");
    });
}

/// Its process has them, as if from a bridge with another environment, until this bridge ends it.
#[test]
fn what_a_run_that_is_given_up_has_in_its_environment_is_hidden_in_what_it_wrote() {
    let script = "export OLD_API_KEY=sk-old-0123456789
        exec sh -c 'echo ready; until [ -e go ]; do sleep 0.01; done; echo said $OLD_API_KEY; while :; do sleep 1; done'";
    let (dir, run) = crashed(|bench| bench.sh(script));
    let folder = dir.path().join("runs").join(run.as_str());
    std::fs::write(dir.path().join("project/go"), "").unwrap();
    while !std::fs::read_to_string(folder.join("out")).unwrap().contains("said") {
        std::thread::yield_now();
    }
    let shim = std::fs::read_to_string(folder.join("shim")).unwrap();
    let shim = shim.split_whitespace().next().unwrap();
    assert!(std::process::Command::new("kill").args(["-9", shim]).status().unwrap().success());
    while lives(shim) {
        std::thread::yield_now();
    }
    next(dir, async |bench| {
        assert!(matches!(bench.ended(&run).await.end, RunEnd::Lost { .. }));
        assert_eq!(bench.bytes(&run).await, b"ready\nsaid *****************\n");
    });
}

#[tokio::test]
async fn a_claim_that_no_shim_came_to_is_carried_out_once() {
    let bench = Bench::new("").await;
    let run = new_run();
    bench.commit(vec![requested(&run, bench.sh("echo once >> count"))]).await;
    let own = bench.dir.path().join("runs").join(run.as_str());
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("claim"), "").unwrap();
    bench.supervisor.reconcile().await.unwrap();
    assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 0 });
    assert_eq!(std::fs::read_to_string(bench.project.join("count")).unwrap(), "once\n");
}

/// What `demo emit` writes without stamps.
fn emitted(lines: u64) -> Vec<u8> {
    (0..lines).flat_map(|n| format!("{{\"type\":\"emit\",\"n\":{n}}}\n").into_bytes()).collect()
}

const AGENTS: u64 = 20;
const LINES: u64 = 1_500;
const KILLS: u32 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_is_killed_again_and_again_loses_and_doubles_no_byte() -> anyhow::Result<()> {
    let mut random = Random::seeded();
    while_agents_stream(async |world| {
        for _ in 0..KILLS {
            // While they start, write, or end.
            tokio::time::sleep(Duration::from_micros(random.below(340_000) as u64)).await;
            world.kill_bridge().await?;
            world.start_bridge().await?;
        }
        Ok(())
    })
    .await
}

/// An upgrade: the file of the old version is gone when the new one starts, and neither stops an agent although
/// both would when they are ended by a person.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_bridge_takes_over_while_agents_stream() -> anyhow::Result<()> {
    while_agents_stream(async |world| {
        let mut current = std::path::PathBuf::from(BIN);
        for version in 0..10 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let newer = world.home.path().join(format!("orchestrator-{version}"));
            // By a program of its own: what the other tests here start in that moment would inherit the file while it is
            // open for writing, and as long as one of them has not got so far as its exec, nobody can run it ("Text file busy").
            let copied = tokio::process::Command::new("cp").arg(BIN).arg(&newer).status().await?;
            anyhow::ensure!(copied.success(), "cp ended with {copied}");
            if version > 0 {
                std::fs::remove_file(&current)?;
            }
            world.replace_bridge(&newer).await?;
            current = newer;
        }
        Ok(())
    })
    .await
}

/// Runs many agents, does something to their bridge meanwhile, and compares what is stored with what they wrote.
async fn while_agents_stream(
    disturb: impl AsyncFnOnce(&mut World) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let project = ProjectId::new("project")?;
    let folder = world.project.to_string_lossy().into_owned();
    client.until("the baton", |state| state.baton.is_some()).await?;
    client.intend(Kind::ProjectOpened { folder: folder.clone(), name: "project".to_owned() }).await?;
    client.until("the project", |state| state.projects.contains_key(&project)).await?;
    let epoch = client.state().baton.as_ref().map(|baton| baton.epoch);
    let spec = own(["demo", "emit", "--rate", "100", "--lines", &LINES.to_string()], folder);
    let runs: Vec<RunId> = (0..AGENTS).map(|_| new_run()).collect();
    let order = |run: &RunId| {
        let kind = ordered(run.clone(), TaskId::new("t").unwrap(), spec.clone());
        Draft::new(Some(project.clone()), kind)
    };
    let drafts = runs.iter().map(order).collect();
    client.send(&ClientMessage::Append { id: AppendId::new("order")?, epoch, seen: None, drafts }).await?;
    let before = client.state().seq.0;
    client.until("the orders", |state| state.seq.0 >= before + AGENTS).await?;
    drop(client);
    disturb(&mut world).await?;
    // A run's folder goes when its end is in the log.
    let data = world.home.path().join("data");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(120);
    while std::fs::read_dir(data.join("runs"))?.next().is_some() {
        anyhow::ensure!(tokio::time::Instant::now() < deadline, "some runs have no end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.kill_bridge().await?;
    let (store, expected) = (Store::open(&data)?, emitted(LINES));
    for run in &runs {
        let pieces = store.output_from(run, 0, usize::MAX).await?;
        let bytes: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.bytes).collect();
        assert!(bytes == expected, "{run}: {} bytes of {}", bytes.len(), expected.len());
    }
    let ends = store.all_of_kind("run_ended").await?;
    let good = ends.iter().filter(|stored| {
        matches!(
            stored.entry.body.known(),
            Some(Kind::RunEnded { end: RunEnd::Exited { code: 0 }, lines: LINES, .. })
        )
    });
    assert_eq!((ends.len() as u64, good.count() as u64), (AGENTS, AGENTS), "each end once, as it was");
    Ok(())
}
