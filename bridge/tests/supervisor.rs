//! Runs as real processes: how they start, what they write, and how they end.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use bench::{Bench, Ended};
use bridge::config::Config;
use bridge::store::Tail;
use bridge::supervisor::Parting;
use shared::entry::Kind;
use shared::run::{Arg, Insert, Pipes, Program, RunEnd, RunFile, RunLimits, RunSpec, Stdin, Stream};
use shared::unit::Millis;

#[expect(dead_code, reason = "the other test file uses the rest")]
#[path = "supervisor/bench.rs"]
mod bench;

fn exited(code: i32, lines: u64) -> Ended {
    Ended { end: RunEnd::Exited { code }, lines, pipes: Pipes::Closed }
}

fn named(name: &str) -> Program {
    Program::Named { name: name.to_owned() }
}

fn text(text: impl Into<String>) -> Stdin {
    Stdin::Text { text: text.into() }
}

#[tokio::test]
async fn a_run_tells_how_it_ended() {
    let bench = Bench::new("").await;
    let (run, ended) = bench.run(bench.sh("echo out; echo err >&2; exit 7")).await;
    assert_eq!(ended, exited(7, 2));
    let said = String::from_utf8(bench.bytes(&run).await).unwrap();
    assert_eq!(said.lines().collect::<BTreeSet<_>>(), BTreeSet::from(["err", "out"]));

    assert_eq!(bench.run(bench.sh(":")).await.1, exited(0, 0));
    let killed = bench.run(bench.sh("kill -9 $$")).await.1;
    assert_eq!(killed.end, RunEnd::Signalled { signal: 9 });

    bench.supervisor.shut_down(Parting::End).await;
    let folders = std::fs::read_dir(bench.dir.path().join("runs")).unwrap();
    assert_eq!(folders.count(), 0, "a run's folder has no use after its end");
}

#[tokio::test]
async fn what_is_not_allowed_is_refused() {
    let bench = Bench::new("commands = false").await;
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), bench.project.join("link")).unwrap();
    let elsewhere = |cwd: String| bridge_spec(&bench, named("git"), cwd);
    let link = bench.project.join("link").to_str().unwrap().to_owned();
    for spec in [
        bench.sh("true"),
        bench.spec(named("perl")),
        bench.spec(named("/bin/sh")),
        elsewhere("relative".to_owned()),
        elsewhere("/".to_owned()),
        elsewhere(link),
        elsewhere(format!("{}/..", bench.project.display())),
    ] {
        let what = format!("{spec:?}");
        let ended = bench.run(spec).await.1;
        assert!(matches!(ended.end, RunEnd::Refused { .. }), "{what}: {ended:?}");
    }
}

fn bridge_spec(bench: &Bench, program: Program, cwd: String) -> shared::run::RunSpec {
    shared::run::RunSpec { cwd, ..bench.spec(program) }
}

fn insert(path: impl Into<String>) -> Insert {
    Insert { mark: "[here]".to_owned(), path: path.into() }
}

#[tokio::test]
async fn a_file_stands_in_the_words_where_the_order_says() {
    let allowed = tempfile::tempdir().unwrap();
    let bench = Bench::new(&format!("characters = [{:?}]", allowed.path())).await;
    std::fs::write(bench.project.join("Soul.md"), "\nKind [here].\n").unwrap();
    let far = allowed.path().join("Soul.md");
    std::fs::write(&far, "Strict.").unwrap();
    let stdin = text("You are Ann. [here] [here]");
    for (path, said) in [
        ("Soul.md", "You are Ann. Kind [here]. [here]"),
        (far.to_str().unwrap(), "You are Ann. Strict. [here]"),
    ] {
        let spec = RunSpec { inserts: vec![insert(path)], stdin: stdin.clone(), ..bench.sh("cat") };
        let (run, ended) = bench.run(spec).await;
        assert_eq!(ended.end, RunEnd::Exited { code: 0 });
        assert_eq!(String::from_utf8(bench.bytes(&run).await).unwrap(), said);
    }
}

#[tokio::test]
async fn no_other_file_is_read_into_the_words() {
    let bench = Bench::new("").await;
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("key");
    std::fs::write(&secret, "secret").unwrap();
    symlink(&secret, bench.project.join("link.md")).unwrap();
    std::fs::write(bench.project.join("large.md"), vec![b'x'; 64 * 1024 + 1]).unwrap();
    std::fs::write(bench.project.join("bytes.md"), [0xff]).unwrap();
    let end = async |path: &str, stdin: &str| {
        let spec = RunSpec { inserts: vec![insert(path)], stdin: text(stdin), ..bench.sh("cat") };
        bench.run(spec).await.1.end
    };
    for (path, stdin) in [
        (secret.to_str().unwrap(), "[here]"),
        ("link.md", "[here]"),
        ("../key", "[here]"),
        ("large.md", "no mark"),
    ] {
        let end = end(path, stdin).await;
        let missing =
            matches!(&end, RunEnd::CouldNotStart { why } if path == "../key" && why.contains("Put it there"));
        assert!(missing || matches!(end, RunEnd::Refused { .. }), "{path}: {end:?}");
    }
    for (path, next) in
        [("none.md", "Put it there"), ("large.md", "Shorten it"), ("bytes.md", "UTF-8"), (".", "Name one")]
    {
        let end = end(path, "[here]").await;
        assert!(matches!(&end, RunEnd::CouldNotStart { why } if why.contains(next)), "{path}: {end:?}");
    }
}

#[tokio::test]
async fn a_configured_root_narrows_the_projects() {
    let bench = Bench::new("folders = [\"/usr\"]").await;
    assert!(matches!(bench.run(bench.sh("true")).await.1.end, RunEnd::Refused { .. }));
}

#[tokio::test]
async fn what_cannot_start_says_why_and_what_to_do() {
    let tools = tempfile::tempdir().unwrap();
    let tool = |name: &str, script: &str, mode: u32| {
        let path = tools.path().join(name);
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let plain = tool("plain", "#!/bin/sh\n", 0o644);
    let strange = tool("strange", "#!/no/such/interpreter\n", 0o755);
    let bench = Bench::new(&format!("programs = [\"no-such-program\", {plain:?}, {strange:?}]")).await;

    let missing = bench.run(bench.spec(named("no-such-program"))).await.1.end;
    assert_eq!(missing, RunEnd::NotFound { program: "no-such-program".to_owned() });

    let mut long = bench.sh("true");
    long.args = vec![Arg::text("x".repeat(300_000))];
    let gone = bridge_spec(&bench, named("git"), bench.project.join("gone").to_str().unwrap().to_owned());
    std::fs::write(bench.project.join("file"), "").unwrap();
    let file = bridge_spec(&bench, named("git"), bench.project.join("file").to_str().unwrap().to_owned());
    for (spec, said) in [
        (bench.spec(named(&plain)), "chmod"),
        (bench.spec(named(&strange)), "first line"),
        (long, "too long"),
        (gone, "Bring it back"),
        (file, "not a folder"),
    ] {
        let RunEnd::CouldNotStart { why } = bench.run(spec).await.1.end else { panic!("{said}") };
        assert!(why.contains(said), "{why}");
    }
}

#[tokio::test]
async fn input_is_written_beside_the_reading() {
    let bench = Bench::new("").await;
    let megabytes = "x".repeat(3_000_000);
    let mut counts = bench.sh("head -c 1000000 /dev/zero; wc -c");
    counts.stdin = text(megabytes.clone());
    let (run, ended) = bench.run(counts).await;
    assert_eq!(ended.end, RunEnd::Exited { code: 0 });
    assert!(bench.bytes(&run).await.ends_with(b"3000000\n"));

    let mut never_reads = bench.sh("exit 3");
    never_reads.stdin = text(megabytes);
    assert_eq!(bench.run(never_reads).await.1, exited(3, 0));

    let mut talks = bench.sh("read a; echo got $a; read b; echo got $b");
    talks.stdin = Stdin::Pipe;
    let run = bench.start(talks).await;
    for word in ["one", "two"] {
        bench
            .append(Kind::InputSent {
                run: run.clone(),
                text: format!("{word}\n"),
                message: None,
                answers: None,
            })
            .await;
        bench.said(&run, &format!("got {word}")).await;
    }
    assert_eq!(bench.ended(&run).await, exited(0, 2));
}

#[tokio::test]
async fn every_byte_is_kept() {
    let bench = Bench::new("").await;
    let (run, ended) = bench.run(bench.sh(r"printf 'a\377\n\n\376end'")).await;
    assert_eq!(ended, exited(0, 3));
    assert_eq!(bench.bytes(&run).await, b"a\xff\n\n\xfeend");

    let (run, ended) = bench.run(bench.sh("head -c 52428800 /dev/zero | tr '\\0' x; echo")).await;
    assert_eq!(ended.end, RunEnd::Exited { code: 0 });
    let pieces = bench.store.output_from(&run, 0, usize::MAX).await.unwrap();
    assert_eq!(pieces.len() as u64, ended.lines);
    assert_eq!(pieces.iter().map(|piece| piece.bytes.len()).sum::<usize>(), 52_428_801);
    assert!(pieces.iter().all(|piece| piece.bytes.len() <= 1024 * 1024));
}

#[tokio::test]
async fn what_a_command_writes_by_the_name_of_its_output_is_added() {
    let bench = Bench::new("").await;
    let script = "for n in 1 2 3; do echo out $n; echo err $n >&2; done; sleep 0.2; echo more > /dev/stdout; \
        echo worse > /dev/stderr; echo told | tee /dev/stderr; echo end; exit 3";
    let (run, ended) = bench.run(bench.sh(script)).await;
    assert_eq!(ended, exited(3, 11));
    let said = String::from_utf8(bench.bytes(&run).await).unwrap();
    for word in ["out 1", "out 2", "out 3", "err 1", "err 2", "err 3", "more", "worse", "end"] {
        assert_eq!(said.lines().filter(|line| *line == word).count(), 1, "{word}: {said}");
    }
    assert_eq!(said.lines().filter(|line| *line == "told").count(), 2, "{said}");
}

/// Told and untold lines are under way when the store refuses; followers do not wait for it.
#[tokio::test]
async fn what_a_store_refuses_is_told_and_stored_once_when_it_can_be() {
    let bench = Bench::new("").await;
    let script = "echo ready; until [ -e go ]; do sleep 0.01; done; for n in 1 2 3 4 5; do
        echo out $n; sleep 0.05; echo err $n >&2; sleep 0.05; echo more $n; done; echo end";
    let run = bench.start(bench.sh(script)).await;
    bench.said(&run, "ready").await;
    let follower = bench.store.hub().follower();
    follower.follow(&run);
    let other = rusqlite::Connection::open(bench.dir.path().join("log.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::fs::write(bench.project.join("go"), "").unwrap();
    while !matches!(bench.store.hub().tail(&run, 1), Tail::Lines(_)) {
        follower.woken().await;
    }
    assert_eq!(bench.bytes(&run).await, b"ready\n", "told before it is stored");
    // The writer waits for a lock of another process for five seconds.
    tokio::time::sleep(Duration::from_secs(6)).await;
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(bench.ended(&run).await, exited(0, 17));
    let pieces = bench.store.output_from(&run, 0, usize::MAX).await.unwrap();
    let of = |stream| -> String {
        let bytes =
            pieces.iter().filter(|piece| piece.stream == stream).flat_map(|piece| piece.bytes.clone());
        String::from_utf8(bytes.collect()).unwrap()
    };
    let out: String = (1..=5).map(|n| format!("out {n}\nmore {n}\n")).collect();
    let err: String = (1..=5).map(|n| format!("err {n}\n")).collect();
    assert_eq!((of(Stream::Stdout), of(Stream::Stderr)), (format!("ready\n{out}end\n"), err));
}

#[tokio::test]
async fn a_million_lines_come_in_order() {
    let bench = Bench::new("").await;
    let (run, ended) = bench.run(bench.sh("seq 1000000")).await;
    assert_eq!(ended, exited(0, 1_000_000));
    let last = bench.store.output_from(&run, 999_999, 1).await.unwrap();
    assert_eq!(last[0].bytes, b"1000000\n");
    let middle = bench.store.output_from(&run, 499_999, 1).await.unwrap();
    assert_eq!(middle[0].bytes, b"500000\n");
}

/// The bridge of another process, as the variable must be there when it starts.
#[tokio::test]
async fn a_secret_that_a_run_prints_is_not_stored() -> anyhow::Result<()> {
    let mut world = tests::world::World::prepare(env!("CARGO_BIN_EXE_orchestrator"))?;
    world.set("ANTHROPIC_API_KEY", "sk-ant-0123456789abcdef");
    let folder = world.home.path().join("bin");
    std::fs::create_dir(&folder)?;
    let claude = folder.join("claude");
    let script = "#!/bin/sh\ntest \"$1\" = --version && echo 2.1.329 && exit\nenv; env >&2; printf '%s' \"$ANTHROPIC_API_KEY\"\n";
    std::fs::write(&claude, script)?;
    std::fs::set_permissions(&claude, std::fs::Permissions::from_mode(0o755))?;
    world.set("PATH", &format!("{}:/usr/bin:/bin", folder.display()));
    world.start_bridge().await?;
    let mut client = world.client("page").await?;
    let goal = world.goal(&mut client, "Print it.", shared::agent::HarnessId::Claude).await?;
    client.until("its end", |state| state.task(&goal).is_some_and(|task| task.is_over())).await?;
    let run = client.state().task(&goal).map(|task| task.runs[0].clone()).unwrap();
    world.kill_bridge().await?;
    let store = bridge::store::Store::open(&world.home.path().join("data"))?;
    let pieces = store.output_from(&run, 0, usize::MAX).await?;
    let said: String = pieces.iter().map(|piece| String::from_utf8_lossy(&piece.bytes)).collect();
    assert_eq!(said.matches("ANTHROPIC_API_KEY=***********************\n").count(), 2, "{said}");
    assert!(!said.contains("sk-ant-") && said.contains("PATH=/"), "{said}");
    let log = store
        .entries_after(shared::unit::Seq(0), bridge::store::Page { entries: usize::MAX, bytes: usize::MAX })
        .await?;
    assert!(log.iter().all(|stored| !stored.json.contains("sk-ant-")));
    Ok(())
}

/// Also what its program started and waited for; the most memory is that of the shell, which holds a long text.
#[tokio::test]
async fn what_a_run_used_of_the_machine_is_recorded_with_its_end() {
    let bench = Bench::new("").await;
    let script =
        "text=$(head -c 30000000 /dev/zero | tr '\\0' x); n=0; while [ $n -lt 300000 ]; do n=$((n+1)); done";
    let (run, ended) = bench.run(bench.sh(script)).await;
    assert_eq!(ended, exited(0, 0));
    let used = bench.used(&run).await.expect("the system counts");
    assert!(used.cpu >= Millis(10), "{used:?}");
    assert!((30_000_000..1_000_000_000).contains(&used.memory.0), "{used:?}");
    let (idle, _) = bench.run(bench.sh("true")).await;
    let little = bench.used(&idle).await.expect("the system counts");
    assert!(little.cpu < used.cpu && little.memory < used.memory, "{little:?} of {used:?}");
    // Nothing was started, so nothing was used.
    let (refused, _) = bench.run(bench.spec(named("not-there"))).await;
    assert_eq!(bench.used(&refused).await, None);
}

/// A mebibyte of one line is a piece of its own.
#[tokio::test]
async fn a_secret_at_the_border_of_a_long_lines_pieces_is_not_stored() {
    let bench = Bench::new("").await;
    let mut spec = bench.sh("head -c 1048570 /dev/zero | tr '\\0' x; echo \"$SOME_API_KEY and more\"");
    spec.env.insert("SOME_API_KEY".to_owned(), "sk-0123456789".to_owned());
    let (run, ended) = bench.run(spec).await;
    assert_eq!(ended, exited(0, 2));
    let pieces = bench.store.output_from(&run, 0, usize::MAX).await.unwrap();
    assert_eq!(pieces[0].bytes.len(), 1024 * 1024);
    assert!(pieces[0].bytes.ends_with(b"xx******"));
    assert_eq!(pieces[1].bytes, b"******* and more\n");
}

/// Its process is gone before anybody can look at what it was given.
#[tokio::test]
async fn a_secret_of_an_order_is_hidden_however_soon_the_run_is_over() {
    let bench = Bench::new("").await;
    for _ in 0..20 {
        let mut spec = bench.sh("echo $SOME_API_KEY");
        spec.env.insert("SOME_API_KEY".to_owned(), "sk-0123456789".to_owned());
        let (run, ended) = bench.run(spec).await;
        assert_eq!(ended, exited(0, 1));
        assert_eq!(bench.bytes(&run).await, b"*************\n");
    }
}

#[tokio::test]
async fn the_environment_is_built_from_nothing() {
    let bench = Bench::new("programs = [\"env\"]").await;
    let mut spec = bench.spec(named("env"));
    spec.env.insert("FROM_THE_ORDER".to_owned(), "1".to_owned());
    let (run, _) = bench.run(spec).await;
    let said = String::from_utf8(bench.bytes(&run).await).unwrap();
    let names: BTreeSet<&str> = said.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let config = Config::default();
    for name in &names {
        let ours = ["ORCHESTRATOR_RUN", "FROM_THE_ORDER"].contains(name);
        assert!(ours || config.passes(name), "{name} leaked");
    }
    assert!(names.contains("ORCHESTRATOR_RUN") && names.contains("FROM_THE_ORDER") && names.contains("PATH"));
    assert!(std::env::vars().any(|(name, _)| !config.passes(&name)), "there is something to leak");
}

#[tokio::test]
async fn files_of_an_order_are_written_and_named() {
    let bench = Bench::new("programs = [\"cat\"]").await;
    let mut spec = bench.spec(named("cat"));
    spec.files = vec![RunFile { name: "schema.json".to_owned(), text: "{\"a\": 1}\n".to_owned() }];
    spec.args = vec![Arg::RunFile { name: "schema.json".to_owned() }];
    let (run, ended) = bench.run(spec.clone()).await;
    assert_eq!(ended, exited(0, 1));
    assert_eq!(bench.bytes(&run).await, b"{\"a\": 1}\n");

    for name in ["../claim", "/etc/passwd"] {
        spec.files[0].name = name.to_owned();
        spec.args = vec![Arg::RunFile { name: name.to_owned() }];
        assert!(matches!(bench.run(spec.clone()).await.1.end, RunEnd::Refused { .. }), "{name}");
    }
    spec.files.clear();
    assert!(matches!(bench.run(spec).await.1.end, RunEnd::Refused { .. }), "a file that is not there");
}

#[tokio::test]
async fn silence_is_told_once_each_time() {
    let bench = Bench::new("").await;
    let mut spec = bench.sh("read a; echo heard; read b");
    spec.stdin = Stdin::Pipe;
    spec.limits = RunLimits { silence: Some(Millis(50)), ..RunLimits::default() };
    let run = bench.start(spec).await;
    let silences =
        |kinds: &[Kind]| kinds.iter().filter(|kind| matches!(kind, Kind::RunSilent { .. })).count();
    for count in 1..=2 {
        bench.until("silence", |kinds| (silences(kinds) == count).then_some(())).await;
        bench
            .append(Kind::InputSent {
                run: run.clone(),
                text: "go\n".to_owned(),
                message: None,
                answers: None,
            })
            .await;
    }
    assert_eq!(bench.ended(&run).await, exited(0, 1));
    let kinds = bench.kinds().await;
    assert_eq!(silences(&kinds), 2);
    let first = kinds.iter().position(|kind| matches!(kind, Kind::RunSilent { .. })).unwrap();
    assert_eq!(
        kinds[first + 1..].iter().find(|kind| !matches!(kind, Kind::InputSent { .. })),
        Some(&Kind::RunHeard { run })
    );
}

/// One stands beside each agent for as long as that runs. Here it is what it holds for itself: how much of its program's file
/// the system maps beside that depends on how the file lies in memory. All of it together is measured of a release build,
/// by the benchmark (1.3 MiB).
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_shim_takes_little_memory() {
    const MOST: u64 = 3 * 1024;
    let bench = Bench::new("").await;
    let run = bench.start(bench.sh("echo ready; exec sleep 1000")).await;
    bench.said(&run, "ready").await;
    let note = bench.dir.path().join("runs").join(run.as_str()).join("shim");
    let shim = std::fs::read_to_string(note).unwrap().split_whitespace().next().unwrap().to_owned();
    let resident = || -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{shim}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    // It may be on its way to where it waits.
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while resident() > MOST {
        assert!(std::time::Instant::now() < deadline, "{} KiB", resident());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bench.signal(&run, shared::run::Signal::Kill).await;
    bench.ended(&run).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_at_once() {
    let bench = Bench::new("").await;
    let mut runs = Vec::new();
    for n in 0..200 {
        let mut spec = bench.sh("echo ready; read go; echo $go");
        spec.stdin = Stdin::Pipe;
        runs.push((bench.start(spec).await, n));
    }
    for (run, _) in &runs {
        bench.said(run, "ready\n").await;
    }
    for (run, n) in &runs {
        bench
            .append(Kind::InputSent {
                run: run.clone(),
                text: format!("{n}\n"),
                message: None,
                answers: None,
            })
            .await;
    }
    for (run, n) in &runs {
        assert_eq!(bench.ended(run).await, exited(0, 2));
        assert_eq!(bench.bytes(run).await, format!("ready\n{n}\n").as_bytes());
    }
}
