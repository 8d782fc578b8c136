//! Runs as Windows has them: in jobs, with pipes, on pseudo consoles, and gone with their bridge. On other systems
//! nothing is here. To run them from there: `cargo test -p bridge --target x86_64-pc-windows-gnu --test windows` with
//! `CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine` (Wine 8 also wants a `bcryptprimitives.dll` with `ProcessPrng`). Wine 8
//! connects nobody to a pseudo console and counts no memory of what has ended, so there the tests of the terminal and of
//! what a run used fail.

#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "tests")]

use bench::{Bench, Ended, grace, new_run, requested};
use bridge::store::{Page, Store};
use bridge::supervisor::{Parting, run_processes};
use shared::entry::{Draft, Kind};
use shared::id::{AppendId, ProjectId};
use shared::run::{Arg, Pipes, Program, RunEnd, RunLimits, RunSpec, Signal, Stdin, Window};
use shared::unit::{Millis, Seq};
use shared::wire::ClientMessage;
use tests::world::{World, own};

#[expect(dead_code, reason = "other test files use the rest")]
#[path = "supervisor/bench.rs"]
mod bench;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

fn exited(code: i32, lines: u64) -> Ended {
    Ended { end: RunEnd::Exited { code }, lines, pipes: Pipes::Closed }
}

/// Writes a line every tenth of a second, for a long time.
fn endless(bench: &Bench) -> RunSpec {
    let args = ["demo", "emit", "--rate", "10", "--lines", "100000"].map(Arg::text);
    RunSpec { args: args.into(), ..bench.spec(Program::Named { name: BIN.to_owned() }) }
}

/// Asks for a word and says it.
const ASKS: &str = "echo ready& set /p word=& call echo got %^word%";

/// A batch file that starts what writes for a long time; `how` may say not to wait for it.
fn with_another(bench: &Bench, how: &str) -> RunSpec {
    // With a drive, which a path of Wine's may lack: a slash in front would be taken for a switch.
    let whole = std::fs::canonicalize(BIN).unwrap();
    let bin = whole.to_str().unwrap().trim_start_matches(r"\\?\");
    let script = format!("@{how} \"{bin}\" demo emit --rate 10 --lines 100000\r\n");
    std::fs::write(bench.project.join("another.cmd"), script).unwrap();
    RunSpec { limits: grace(500), ..bench.sh("another.cmd") }
}

fn config() -> String {
    format!("programs = [{BIN:?}]")
}

#[tokio::test]
async fn a_run_tells_how_it_ended() {
    let bench = Bench::new("").await;
    let (run, ended) = bench.run(bench.sh("echo out& echo err>&2& exit 7")).await;
    assert_eq!(ended, exited(7, 2));
    let said = String::from_utf8(bench.bytes(&run).await).unwrap();
    assert!(said.contains("out") && said.contains("err"), "{said:?}");
    bench.supervisor.shut_down(Parting::End).await;
    let folders = std::fs::read_dir(bench.dir.path().join("runs")).unwrap();
    assert_eq!(folders.count(), 0, "a run's folder has no use after its end");
}

#[tokio::test]
async fn what_a_run_used_of_the_machine_is_recorded_with_its_end() {
    let bench = Bench::new("").await;
    let (run, ended) = bench.run(bench.sh("for /L %i in (1,1,300000) do @rem")).await;
    assert_eq!(ended, exited(0, 0));
    let used = bench.used(&run).await.expect("the system counts");
    assert!(used.cpu >= Millis(10), "{used:?}");
    assert!((100_000..1_000_000_000).contains(&used.memory.0), "{used:?}");
    let (idle, _) = bench.run(bench.sh("rem")).await;
    let little = bench.used(&idle).await.expect("the system counts");
    assert!(little.cpu < used.cpu, "{little:?} of {used:?}");
}

#[tokio::test]
async fn what_cannot_start_says_why_and_what_to_do() {
    let bench = Bench::new("programs = [\"no-such-program\"]").await;
    let missing = bench.run(bench.spec(Program::Named { name: "no-such-program".to_owned() })).await.1.end;
    assert_eq!(missing, RunEnd::NotFound { program: "no-such-program".to_owned() });
    let RunEnd::CouldNotStart { why } = bench.run(bench.sh("echo one\necho two")).await.1.end else {
        panic!("half of a command was carried out")
    };
    assert!(why.contains("line break"), "{why}");
}

#[tokio::test]
async fn a_batch_file_gets_its_arguments_and_what_is_inside_them_does_nothing() {
    let tools = tempfile::tempdir().unwrap();
    let tool = tools.path().join("tool.cmd");
    std::fs::write(&tool, "@echo off\r\necho [%1] [%2]\r\n").unwrap();
    let tool = tool.to_str().unwrap().to_owned();
    let bench = Bench::new(&format!("programs = [{tool:?}]")).await;
    let args = ["two words & echo broken>broken", "plain"].map(Arg::text).into();
    let (run, ended) = bench.run(RunSpec { args, ..bench.spec(Program::Named { name: tool }) }).await;
    assert_eq!(ended, exited(0, 1));
    let said = String::from_utf8(bench.bytes(&run).await).unwrap();
    assert_eq!(said.trim(), r#"["two words & echo broken>broken"] ["plain"]"#);
    assert!(!bench.project.join("broken").exists());
}

#[tokio::test]
async fn a_program_reads_what_it_is_given_and_what_it_is_told() {
    let bench = Bench::new("").await;
    let text = Stdin::Text { text: "sesame\r\n".to_owned() };
    let (run, ended) = bench.run(RunSpec { stdin: text, ..bench.sh(ASKS) }).await;
    assert_eq!(ended.end, RunEnd::Exited { code: 0 });
    bench.said(&run, "got sesame").await;
    let run = bench.start(RunSpec { stdin: Stdin::Pipe, ..bench.sh(ASKS) }).await;
    bench.said(&run, "ready").await;
    bench
        .append(Kind::InputSent {
            run: run.clone(),
            text: "sesame\r\n".to_owned(),
            message: None,
            answers: None,
        })
        .await;
    assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 0 });
    bench.said(&run, "got sesame").await;
}

#[tokio::test]
async fn an_input_that_is_open_has_its_beginning_and_comes_to_its_end_by_order() {
    let bench = Bench::new("").await;
    let script = "@echo off\r\n:next\r\nset word=\r\nset /p word=\r\nif not defined word goto over\r\necho got %word%\r\ngoto next\r\n:over\r\necho over\r\n";
    std::fs::write(bench.project.join("listens.cmd"), script).unwrap();
    let stdin = Stdin::Open { text: "one\r\n".to_owned() };
    let run = bench.start(RunSpec { stdin, ..bench.sh("listens.cmd") }).await;
    bench.said(&run, "got one").await;
    bench
        .append(Kind::InputSent {
            run: run.clone(),
            text: "two\r\n".to_owned(),
            message: None,
            answers: None,
        })
        .await;
    bench.said(&run, "got two").await;
    bench.append(Kind::InputClosed { run: run.clone() }).await;
    assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 0 });
    bench.said(&run, "over").await;
}

#[tokio::test]
async fn a_stop_ends_all_that_a_run_started() {
    let bench = Bench::new("").await;
    let run = bench.start(with_another(&bench, "")).await;
    bench.said(&run, "\n").await;
    let processes = || {
        let runs = run_processes(&bench.dir.path().join("runs"));
        runs.iter().map(|run| run.program.len()).sum::<usize>()
    };
    assert!(processes() >= 2, "the shell and what it runs, and perhaps what holds their console");
    bench.signal(&run, Signal::Terminate).await;
    let end = bench.ended(&run).await.end;
    assert!(matches!(end, RunEnd::Signalled { .. }), "{end:?}");
    assert_eq!(processes(), 0);
}

#[tokio::test]
async fn the_wall_limit_ends_a_run() {
    let bench = Bench::new(&config()).await;
    let limits = RunLimits { wall: Some(Millis(300)), ..grace(50) };
    assert_eq!(bench.run(RunSpec { limits, ..endless(&bench) }).await.1.end, RunEnd::TimedOut);
}

#[tokio::test]
async fn what_outlives_its_first_process_is_ended_too() {
    let bench = Bench::new("").await;
    let (_, ended) = bench.run(with_another(&bench, "start /b \"\"")).await;
    assert_eq!((ended.end, ended.pipes), (RunEnd::Exited { code: 0 }, Pipes::Leaky));
    assert_eq!(run_processes(&bench.dir.path().join("runs")), []);
}

#[tokio::test]
async fn a_program_has_a_terminal_of_its_own() {
    let bench = Bench::new("").await;
    let stdin = Stdin::Pty { window: Window { rows: 24, cols: 80 } };
    let run = bench.start(RunSpec { stdin, ..bench.sh(ASKS) }).await;
    bench.said(&run, "ready").await;
    bench
        .append(Kind::InputSent {
            run: run.clone(),
            text: "sesame\r".to_owned(),
            message: None,
            answers: None,
        })
        .await;
    bench.said(&run, "got sesame").await;
    let ended = bench.ended(&run).await;
    assert_eq!((ended.end, ended.pipes), (RunEnd::Exited { code: 0 }, Pipes::Closed));
}

/// Agents end with a bridge that is killed, and the next one finds what they wrote.
#[tokio::test]
async fn a_run_is_lost_with_its_bridge_and_its_words_are_kept() -> anyhow::Result<()> {
    let mut world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let (project, run) = (ProjectId::new("project")?, new_run());
    let folder = world.project.to_string_lossy().into_owned();
    client.until("the baton", |state| state.baton.is_some()).await?;
    client.intend(Kind::ProjectOpened { folder: folder.clone(), name: "project".to_owned() }).await?;
    client.until("the project", |state| state.projects.contains_key(&project)).await?;
    let epoch = client.state().baton.as_ref().map(|baton| baton.epoch);
    let spec = own(["demo", "emit", "--rate", "10", "--lines", "100000"], folder);
    let drafts = vec![Draft::new(Some(project), requested(&run, spec))];
    client.send(&ClientMessage::Append { id: AppendId::new("order")?, epoch, seen: None, drafts }).await?;
    let runs = world.home.path().join("data").join("runs");
    let written = runs.join(run.as_str()).join("out");
    while written.metadata().map_or(0, |file| file.len()) == 0 {
        tokio::task::yield_now().await;
    }
    drop(client);
    world.kill_bridge().await?;
    world.start_bridge().await?;
    assert_eq!(run_processes(&runs), []);
    let (status, said) = world.get(&format!("/api/runs/{run}/output")).await?;
    assert_eq!(status, 200);
    assert!(!said.is_empty(), "what it wrote is kept");
    world.kill_bridge().await?;
    let store = Store::open(&world.home.path().join("data"))?;
    let entries = store.entries_after(Seq(0), Page { entries: 1_000, bytes: 1 << 24 }).await?;
    let lost = entries.iter().find_map(|stored| match stored.entry.body.known() {
        Some(Kind::RunEnded { end: RunEnd::Lost { why }, lines, .. }) => Some((why, *lines)),
        _ => None,
    });
    let (why, lines) = lost.expect("a run that is lost");
    assert!(why.contains("agents end with it") && lines > 0, "{why}: {lines} lines");
    Ok(())
}
