//! What runs are told while they live: through a pipe or on a terminal, each order once, whatever is killed when.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use bench::{Bench, crashed, cut_off, lives, new_run, next, requested};
use bridge::store::Store;
use conductor::State;
use shared::api::Screen;
use shared::entry::{Draft, Kind};
use shared::id::{AppendId, ProjectId, RunId};
use shared::run::{Pipes, Program, RunEnd, RunSpec, Stdin, Window};
use shared::unit::Epoch;
use shared::wire::ClientMessage;
use tests::world::{Client, World, own};

#[expect(dead_code, reason = "other test files use the rest")]
#[path = "supervisor/bench.rs"]
mod bench;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");
const WINDOW: Window = Window { rows: 24, cols: 80 };

fn on_terminal(spec: RunSpec) -> RunSpec {
    RunSpec { stdin: Stdin::Pty { window: WINDOW }, ..spec }
}

async fn types(bench: &Bench, run: &RunId, text: &str) {
    bench
        .append(Kind::InputSent { run: run.clone(), text: text.to_owned(), message: None, answers: None })
        .await;
}

#[tokio::test]
async fn a_program_has_a_terminal_of_its_own() {
    let bench = Bench::new("").await;
    let script = "tty >/dev/null && echo a terminal; stty size; echo $TERM; echo to stderr >&2
        trap 'stty size; exit 5' WINCH; printf 'ready$ '; while :; do read line; echo got $line; done";
    let run = bench.start(on_terminal(bench.sh(script))).await;
    // The prompt has no newline, and is there all the same.
    let said = bench.said(&run, "ready$ ").await;
    assert_eq!(said, "a terminal\r\n24 80\r\nxterm-256color\r\nto stderr\r\nready$ ");
    types(&bench, &run, "a word\r").await;
    assert!(bench.said(&run, "got a word").await.contains("a word\r\ngot a word\r\n"), "echoed and taken");
    let window = Window { rows: 50, cols: 132 };
    bench.append(Kind::TerminalResized { run: run.clone(), window }).await;
    let ended = bench.ended(&run).await;
    assert_eq!((ended.end, ended.pipes), (RunEnd::Exited { code: 5 }, Pipes::Closed));
    let said = String::from_utf8(bench.bytes(&run).await).unwrap();
    assert!(said.ends_with("50 132\r\n"), "{said:?}");
}

#[tokio::test]
async fn a_program_that_asks_its_terminal_is_answered_once_though_nobody_looks() {
    let bench = Bench::new("").await;
    let script = "stty raw -echo; printf 'ab\\033[6n'; head -c 6 | od -An -c; stty sane; echo over";
    let (run, ended) = bench.run(on_terminal(bench.sh(script))).await;
    let said = String::from_utf8(bench.bytes(&run).await).unwrap();
    assert_eq!(ended.end, RunEnd::Exited { code: 0 }, "{said:?}");
    assert!(said.contains("033   [   1   ;   3   R") && said.ends_with("over\r\n"), "{said:?}");
}

#[tokio::test]
async fn a_key_interrupts_and_the_end_of_a_terminal_leaves_nothing() {
    let bench = Bench::new("").await;
    let script = "trap 'exit 6' INT; sleep 1000 & echo pid $!; echo ready; while :; do sleep 0.05; done";
    let run = bench.start(on_terminal(bench.sh(script))).await;
    let said = bench.said(&run, "ready").await;
    types(&bench, &run, "\u{3}").await;
    assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 6 });
    let pid = said.lines().find_map(|line| line.trim().strip_prefix("pid ")).unwrap();
    assert!(!lives(pid));
}

#[tokio::test]
async fn what_a_terminal_cannot_start_is_told_as_ever() {
    let bench = Bench::new("programs = [\"no-such-program\"]").await;
    let missing = bench.spec(Program::Named { name: "no-such-program".to_owned() });
    let ended = bench.run(on_terminal(missing)).await.1;
    assert_eq!(ended.end, RunEnd::NotFound { program: "no-such-program".to_owned() });
}

#[tokio::test]
async fn the_last_words_on_a_terminal_are_kept() {
    let bench = Bench::new("").await;
    for _ in 0..20 {
        let (run, ended) = bench.run(on_terminal(bench.sh("seq 5000; printf 'the end'"))).await;
        assert_eq!((ended.end, ended.lines > 5_000), (RunEnd::Exited { code: 0 }, true));
        let said = String::from_utf8(bench.bytes(&run).await).unwrap();
        let expected: String = (1..=5_000).map(|n| format!("{n}\r\n")).collect();
        assert!(said == expected + "the end", "{} bytes", said.len());
    }
}

#[test]
fn a_terminal_outlives_the_bridge_and_loses_nothing() {
    let script = "stty -echo; echo ready; n=0; while [ ! -e enough ]; do n=$((n+1)); echo line $n; done
        echo wrote $n; read word; echo got $word; stty size";
    let (dir, run) = crashed(|bench| on_terminal(bench.sh(script)));
    next(dir, async |bench| {
        // Ordered by the former bridge, which was killed before it wrote: here, by nobody.
        let window = Window { rows: 30, cols: 90 };
        bench.commit(vec![Kind::TerminalResized { run: run.clone(), window }]).await;
        std::fs::write(bench.project.join("enough"), "").unwrap();
        types(bench, &run, "a word\n").await;
        assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 0 });
        let said = String::from_utf8(bench.bytes(&run).await).unwrap();
        let count: usize =
            said.lines().find_map(|line| line.strip_prefix("wrote ")).unwrap().parse().unwrap();
        let lines: String = (1..=count).map(|n| format!("line {n}\r\n")).collect();
        let expected = format!("ready\r\n{lines}wrote {count}\r\ngot a word\r\n30 90\r\n");
        assert!(said == expected, "lost or doubled");
    });
}

#[test]
fn what_was_ordered_before_a_crash_is_told_by_the_next_bridge() {
    let piped = |bench: &Bench, script| RunSpec { stdin: Stdin::Pipe, ..bench.sh(script) };
    let told = |run: &RunId, text: &str| Kind::InputSent {
        run: run.clone(),
        text: text.to_owned(),
        message: None,
        answers: None,
    };
    let (dir, run) = crashed(|bench| piped(bench, "echo ready; exec cat"));
    let other = new_run();
    let (dir, ()) = cut_off(async || {
        let bench = Bench::open(dir, "");
        bench.supervisor.reconcile().await.unwrap();
        types(&bench, &run, "one\n").await;
        bench.said(&run, "one\n").await;
        // Committed, and the bridge is gone; also for a run that was not even started.
        let order = requested(&other, piped(&bench, "read a; read b; echo $a $b"));
        bench.commit(vec![told(&run, "two\n"), order, told(&other, "so\n"), told(&other, "be it\n")]).await;
        (bench, ())
    });
    // And in the middle of writing.
    let inbox = dir.path().join("runs").join(run.as_str()).join("inbox");
    let mut inbox = std::fs::File::options().append(true).open(inbox).unwrap();
    inbox.write_all(b"5 text 4\ntw").unwrap();
    next(dir, async |bench| {
        types(bench, &run, "three\n").await;
        assert_eq!(bench.said(&run, "three\n").await, "ready\none\ntwo\nthree\n");
        assert_eq!(bench.ended(&other).await.end, RunEnd::Exited { code: 0 });
        assert_eq!(bench.bytes(&other).await, b"so be it\n");
        bench.signal(&run, shared::run::Signal::Kill).await;
        bench.ended(&run).await;
    });
}

/// A client that decides, in an opened project.
async fn holder(world: &World, name: &str) -> anyhow::Result<(Client, Option<Epoch>)> {
    let mut client = world.client(name).await?;
    let holds = |state: &State| state.baton.as_ref().is_some_and(|baton| baton.holder.as_str() == name);
    client.until("the baton", holds).await?;
    let project = ProjectId::new("project")?;
    if !client.state().projects.contains_key(&project) {
        let folder = world.project.to_string_lossy().into_owned();
        client.intend(Kind::ProjectOpened { folder, name: "project".to_owned() }).await?;
        client.until("the project", |state| state.projects.contains_key(&project)).await?;
    }
    let epoch = client.state().baton.as_ref().map(|baton| baton.epoch);
    Ok((client, epoch))
}

/// Sends orders one by one; what was sent before is not appended twice.
async fn send(client: &mut Client, epoch: Option<Epoch>, orders: &[Kind]) -> anyhow::Result<()> {
    for (n, order) in orders.iter().enumerate() {
        let id = AppendId::new(&format!("order-{n}"))?;
        let drafts = vec![Draft::new(Some(ProjectId::new("project")?), order.clone())];
        client.send(&ClientMessage::Append { id, epoch, seen: None, drafts }).await?;
    }
    Ok(())
}

/// Goes on until no run is left: a run's folder goes when its end is in the log.
async fn ends(world: &World, client: &mut Client) -> anyhow::Result<()> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while std::fs::read_dir(world.home.path().join("data/runs"))?.next().is_some() {
        anyhow::ensure!(tokio::time::Instant::now() < deadline, "a run has no end");
        tokio::time::timeout(Duration::from_millis(20), client.until("", |_| false)).await.ok();
    }
    Ok(())
}

/// The order of a shell script.
fn script(world: &World, run: &RunId, stdin: Stdin, script: &str) -> Kind {
    let program = Program::Shell { command: script.to_owned() };
    let cwd = world.project.to_string_lossy().into_owned();
    requested(run, RunSpec { program, stdin, args: vec![], ..own([""], cwd) })
}

/// What is answered to a GET.
async fn get(world: &World, path: &str) -> anyhow::Result<(String, String)> {
    let (host, cookie) = (world.host()?, world.enter().await?);
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\n");
    let answer = world.http(&format!("{head}Connection: close\r\n\r\n")).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Ok((head.lines().next().unwrap().to_owned(), body.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_opened_again_after_a_restart_and_after_its_end() -> anyhow::Result<()> {
    let mut world = World::start(BIN).await?;
    let (run, plain) = (new_run(), new_run());
    let (mut client, epoch) = holder(&world, "page").await?;
    let on_it = "printf '\\033[31mred\\033[0m\\n'; printf 'ready$ '; read word; echo $word > heard";
    let orders = [
        script(&world, &run, Stdin::Pty { window: WINDOW }, on_it),
        Kind::TerminalResized { run: run.clone(), window: Window { rows: 10, cols: 40 } },
        script(&world, &plain, Stdin::Null, "true"),
    ];
    send(&mut client, epoch, &orders).await?;
    let screen = async |world: &World, query: &str| -> anyhow::Result<Screen> {
        let (_, body) = get(world, &format!("/api/runs/{run}/screen{query}")).await?;
        serde_json::from_str(&body).with_context(|| body)
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    // Its screen tells of the order first, then of what is written.
    let shown = loop {
        let shown = screen(&world, "").await;
        match shown {
            Ok(shown) if shown.contents.contains("ready$") && shown.window.rows == 10 => break shown,
            other => anyhow::ensure!(tokio::time::Instant::now() < deadline, "{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!((shown.window, shown.row, shown.col), (Window { rows: 10, cols: 40 }, 1, 7));
    assert!(shown.whole && shown.contents.contains("\x1b[31mred"), "{shown:?}");

    world.kill_bridge().await?;
    world.start_bridge().await?;
    assert_eq!(screen(&world, "").await?, shown);
    let (mut client, epoch) = holder(&world, "other").await?;
    let typed =
        Kind::InputSent { run: run.clone(), text: "a word\n".to_owned(), message: None, answers: None };
    send(&mut client, epoch, &[orders.as_slice(), &[typed]].concat()).await?;
    ends(&world, &mut client).await?;
    assert_eq!(std::fs::read_to_string(world.project.join("heard"))?, "a word\n");
    assert!(screen(&world, "").await?.contents.contains("a word"), "echoed, and still there");
    let before = screen(&world, &format!("?before={}", shown.line)).await?;
    assert!(before.contents.contains("ready$") && !before.contents.contains("a word"), "{before:?}");

    for (path, status, said) in [
        (format!("/api/runs/{plain}/screen"), "404", "has no terminal"),
        ("/api/runs/unknown/screen".to_owned(), "404", "has no terminal"),
        (format!("/api/runs/{run}/screen?before=last"), "400", "before"),
        ("/api/runs/a%20b/screen".to_owned(), "400", "id"),
    ] {
        let (head, body) = get(&world, &path).await?;
        assert!(head.contains(status) && body.contains(said), "{path}: {head} {body}");
    }
    Ok(())
}

const WORDS: u32 = 400;
const KILLS: u32 = 25;

/// The bridge dies between the commit of an order and its way to the program, or in the middle of either.
#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_is_killed_again_and_again_tells_each_word_once() -> anyhow::Result<()> {
    let mut world = World::start(BIN).await?;
    let run = new_run();
    let echo = "while read word; do echo $word; [ $word = last ] && exit; done";
    let words: Vec<String> = (0..WORDS).map(|n| format!("{n}\n")).chain(["last\n".to_owned()]).collect();
    let told = words.iter().map(|word| Kind::InputSent {
        run: run.clone(),
        text: word.clone(),
        message: None,
        answers: None,
    });
    let orders: Vec<Kind> = [script(&world, &run, Stdin::Pipe, echo)].into_iter().chain(told).collect();
    for kill in 0..KILLS {
        let (mut client, epoch) = holder(&world, &format!("page-{kill}")).await?;
        let sent = orders.len() * (kill as usize + 1) / (KILLS as usize + 1);
        send(&mut client, epoch, &orders[..sent]).await?;
        // At a moment that nothing is in step with.
        tokio::time::sleep(Duration::from_millis(u64::from(kill * kill % 13))).await;
        world.kill_bridge().await?;
        world.start_bridge().await?;
    }
    let (mut client, epoch) = holder(&world, "page").await?;
    send(&mut client, epoch, &orders).await?;
    ends(&world, &mut client).await?;
    world.kill_bridge().await?;
    let store = Store::open(&world.home.path().join("data"))?;
    let said = store.output_from(&run, 0, usize::MAX).await?;
    let said = String::from_utf8(said.into_iter().flat_map(|piece| piece.bytes).collect())?;
    assert!(said == words.concat(), "lost, doubled or in another order: {said}");
    Ok(())
}
