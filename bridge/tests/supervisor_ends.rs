//! How runs are ended, and that nothing of them is left and nothing else is touched.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::os::unix::process::CommandExt;

use bridge::supervisor::Parting;

use bench::{Bench, grace, lives, new_run, requested};
use shared::entry::Kind;
use shared::id::RunId;
use shared::run::{Pipes, RunEnd, RunLimits, RunSpec, Signal};
use shared::unit::{Bytes, Millis};

#[expect(dead_code, reason = "other test files use the rest")]
#[path = "supervisor/bench.rs"]
mod bench;

/// A process of somebody else, which must live.
struct Stranger(std::process::Child);

impl Stranger {
    fn new() -> Self {
        Self(std::process::Command::new("sleep").arg("1000").process_group(0).spawn().unwrap())
    }

    fn assert_untouched(mut self) {
        assert!(self.0.try_wait().unwrap().is_none(), "a stranger was signalled");
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The pids that a run wrote, each on a line `pid N`.
fn pids(said: &str) -> Vec<String> {
    said.lines().filter_map(|line| line.strip_prefix("pid ")).map(str::to_owned).collect()
}

async fn pids_of(bench: &Bench, run: &RunId) -> Vec<String> {
    pids(&String::from_utf8(bench.bytes(run).await).unwrap())
}

#[tokio::test]
async fn a_stop_is_polite_first() {
    let bench = Bench::new("").await;
    for (name, polite, code) in [("TERM", Signal::Terminate, 5), ("INT", Signal::Interrupt, 6)] {
        let mut spec =
            bench.sh(format!("trap 'exit {code}' {name}; echo ready; while :; do sleep 0.05; done"));
        spec.limits = RunLimits { polite, ..RunLimits::default() };
        let run = bench.start(spec).await;
        bench.said(&run, "ready").await;
        bench.signal(&run, Signal::Terminate).await;
        assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code });
    }
}

/// As under `nohup`, or as a job in a script's background.
#[tokio::test]
async fn what_the_bridge_ignores_its_runs_do_not() {
    const NAME: &str = "what_the_bridge_ignores_its_runs_do_not";
    const INNER: &str = "ORCHESTRATOR_TEST_IGNORES";
    if std::env::var_os(INNER).is_none() {
        let again = std::process::Command::new("sh")
            .args(["-c", "trap '' INT QUIT HUP; exec \"$0\" --exact \"$1\""])
            .arg(std::env::current_exe().unwrap())
            .arg(NAME)
            .env(INNER, "")
            .output()
            .unwrap();
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
        return;
    }
    let bench = Bench::new("").await;
    let run = bench.start(bench.sh("grep SigIgn: /proc/self/status".to_owned())).await;
    bench.ended(&run).await;
    let said = String::from_utf8(bench.bytes(&run).await).unwrap();
    let mask = u64::from_str_radix(said.trim().strip_prefix("SigIgn:\t").unwrap(), 16).unwrap();
    let asked_by = [1, 2, 3, 15].map(|signal| mask >> (signal - 1) & 1);
    assert_eq!(asked_by, [0; 4], "HUP, INT, QUIT, TERM of {said}");
}

#[tokio::test]
async fn who_does_not_listen_is_killed() {
    let bench = Bench::new("").await;
    let mut spec = bench.sh("trap '' TERM INT; echo pid $$; echo ready; while :; do sleep 1; done");
    spec.limits = grace(100);
    let run = bench.start(spec).await;
    bench.said(&run, "ready").await;
    bench.signal(&run, Signal::Terminate).await;
    assert_eq!(bench.ended(&run).await.end, RunEnd::Signalled { signal: 9 });
    assert!(pids_of(&bench, &run).await.iter().all(|pid| !lives(pid)));
}

/// One that was stopped hears no signal until it is let go on; the end does not wait for that.
#[tokio::test]
async fn who_was_stopped_is_killed_with_all_that_it_started() {
    let bench = Bench::new("").await;
    let mut spec = bench.sh("setsid sh -c 'echo pid $$; : > begun; kill -STOP $$' & while [ ! -e begun ]; do sleep 0.01; done; echo pid $$; echo ready; kill -STOP $$");
    spec.limits = grace(100);
    let run = bench.start(spec).await;
    bench.said(&run, "ready").await;
    let pids = pids_of(&bench, &run).await;
    assert_eq!(pids.len(), 2);
    bench.signal(&run, Signal::Terminate).await;
    assert_eq!(bench.ended(&run).await.end, RunEnd::Signalled { signal: 9 });
    assert!(pids.iter().all(|pid| !lives(pid)), "{pids:?}");
}

#[tokio::test]
async fn the_wall_limit_ends_a_run() {
    let bench = Bench::new("").await;
    let mut spec = bench.sh("trap '' TERM; while :; do sleep 1; done");
    spec.limits = RunLimits { wall: Some(Millis(100)), ..grace(50) };
    assert_eq!(bench.run(spec).await.1.end, RunEnd::TimedOut);
    // And limits beyond all clocks are none.
    let mut spec = bench.sh("true");
    let most = Millis(u64::MAX);
    spec.limits = RunLimits { wall: Some(most), silence: Some(most), ..grace(u64::MAX) };
    assert_eq!(bench.run(spec).await.1.end, RunEnd::Exited { code: 0 });
}

#[tokio::test]
async fn who_prints_for_ever_is_ended_and_what_it_printed_is_kept() {
    const LIMIT: u64 = 3_000_000;
    let bench = Bench::new("[disk]\noutput_mb = 3").await;
    let neighbour = bench.start(bench.sh("echo ready; until [ -e go ]; do sleep 0.01; done; echo on")).await;
    bench.said(&neighbour, "ready").await;
    let limited = |script: &str, output| {
        let mut spec = bench.sh(script);
        spec.limits.output = output;
        spec
    };
    // In lines that are quickly stored.
    let endless = "trap '' TERM INT HUP; x=$(printf %01000d 0); setsid yes $x & yes $x";
    for (script, output, limit) in [
        (endless, None, LIMIT),
        ("yes $(printf %01000d 0) >&2", Some(Bytes(u64::MAX)), LIMIT),
        ("yes", Some(Bytes(10_000)), 10_000),
        // It ends by itself before anybody could look.
        ("head -c 10001 /dev/zero", Some(Bytes(10_000)), 10_000),
    ] {
        let (run, ended) = bench.run(limited(script, output)).await;
        assert_eq!(ended.end, RunEnd::TooMuchOutput { limit: Bytes(limit) }, "{script}");
        assert_eq!(bench.bytes(&run).await.len() as u64, limit, "{script}");
    }
    let ended = bench.run(limited("head -c 10000 /dev/zero", Some(Bytes(10_000)))).await.1;
    assert_eq!(ended.end, RunEnd::Exited { code: 0 }, "as much as it may");
    std::fs::write(bench.project.join("go"), "").unwrap();
    assert_eq!(bench.ended(&neighbour).await.end, RunEnd::Exited { code: 0 });
    assert_eq!(bench.bytes(&neighbour).await, b"ready\non\n");
}

#[tokio::test]
async fn who_holds_the_pipe_is_ended() {
    let bench = Bench::new("").await;
    let (run, ended) = bench.run(bench.sh("sleep 1000 & echo pid $!; exit 4")).await;
    assert_eq!((ended.end, ended.pipes, ended.lines), (RunEnd::Exited { code: 4 }, Pipes::Leaky, 1));
    assert!(pids_of(&bench, &run).await.iter().all(|pid| !lives(pid)));
}

/// A process that leaves its parent, its session and its pipes, after it has told its number.
fn escapes(name: &str) -> String {
    let inner = format!(
        "echo pid $$ >&3; echo {name} is out >&3; exec 3>&-; trap : TERM INT; while :; do sleep 1; done"
    );
    let middle = format!("INNER='{inner}' setsid sh -c 'eval \"$INNER\"' </dev/null >/dev/null 2>&1 &");
    format!("MIDDLE=\"$(cat <<'END'\n{middle}\nEND\n)\" setsid sh -c 'eval \"$MIDDLE\"' 3>&1\n")
}

#[tokio::test]
async fn who_leaves_its_session_and_its_parent_is_ended() {
    let stranger = Stranger::new();
    let bench = Bench::new("").await;
    let two = escapes("one") + &escapes("two");
    let mut spec = bench.sh(format!("{two}while :; do sleep 1; done"));
    spec.limits = grace(200);
    let run = bench.start(spec).await;
    bench.said(&run, "one is out").await;
    bench.said(&run, "two is out").await;
    let said = String::from_utf8(bench.bytes(&run).await).unwrap();
    let escaped = pids(&said);
    assert!(escaped.len() == 2 && escaped.iter().all(|pid| lives(pid)), "they are there: {said}");
    bench.signal(&run, Signal::Kill).await;
    assert_eq!(bench.ended(&run).await.end, RunEnd::Signalled { signal: 9 });
    assert!(escaped.iter().all(|pid| !lives(pid)), "and gone: {escaped:?}");
    stranger.assert_untouched();
}

#[tokio::test]
async fn a_run_that_ends_by_itself_leaves_nothing_either() {
    let stranger = Stranger::new();
    let bench = Bench::new("").await;
    for escape in [daemon(""), daemon("env -i ")] {
        let (run, ended) = bench.run(bench.sh(escape)).await;
        assert_eq!((ended.end, ended.pipes), (RunEnd::Exited { code: 0 }, Pipes::Closed));
        let escaped = pids_of(&bench, &run).await;
        assert!(escaped.len() == 1 && !lives(&escaped[0]), "{escaped:?}");
        // Nor a zombie: orphans come to the shim, which waits for them.
        let reaped = async {
            while std::fs::exists(format!("/proc/{}", escaped[0])).unwrap() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), reaped).await.unwrap();
    }
    stranger.assert_untouched();
}

/// Starts a process in a session of its own, whose parents are gone, with the environment that `by` gives it, and says its pid.
fn daemon(by: &str) -> String {
    let inner = format!("{by}setsid sh -c \"echo \\$\\$ > pid.new; mv pid.new pid; exec sleep 1000\"");
    format!(
        "rm -f pid; setsid sh -c '{inner} </dev/null >/dev/null 2>&1 &'; until [ -s pid ]; do sleep 0.01; done; echo pid $(cat pid)"
    )
}

#[tokio::test]
async fn a_daemon_that_threw_its_environment_away_is_listed_and_ends_with_its_run() {
    let bench = Bench::new("").await;
    let run = bench.start(bench.sh(daemon("env -i ") + "; while :; do sleep 1; done")).await;
    bench.said(&run, "pid ").await;
    let escaped = pids_of(&bench, &run).await;
    assert!(escaped.len() == 1 && lives(&escaped[0]), "{escaped:?}");
    bench.signal(&run, Signal::Kill).await;
    assert_eq!(bench.ended(&run).await.end, RunEnd::Signalled { signal: 9 });
    assert!(!lives(&escaped[0]));
}

#[tokio::test]
async fn a_bounded_fork_bomb_leaves_nothing() {
    let bench = Bench::new("").await;
    let spec = bench.sh(
        "i=0; while [ $i -lt 100 ]; do setsid sleep 1000 & echo pid $!; i=$((i+1)); done; echo ready; wait",
    );
    let run = bench.start(spec).await;
    let said = bench.said(&run, "ready").await;
    assert_eq!(pids(&said).len(), 100);
    bench.signal(&run, Signal::Kill).await;
    bench.ended(&run).await;
    assert!(pids(&said).iter().all(|pid| !lives(pid)));
}

#[tokio::test]
async fn a_kill_reaches_a_run_that_is_just_starting() {
    let bench = Bench::new("").await;
    for _ in 0..20 {
        let run = bench.start(bench.sh("exec sleep 1000")).await;
        bench.signal(&run, Signal::Kill).await;
        assert_eq!(bench.ended(&run).await.end, RunEnd::Signalled { signal: 9 });
    }
}

#[tokio::test]
async fn a_shut_down_ends_all_and_records_it() {
    let bench = Bench::new("").await;
    let mut runs = Vec::new();
    for _ in 0..5 {
        let run = bench.start(bench.sh("echo ready; exec sleep 1000")).await;
        bench.said(&run, "ready").await;
        runs.push(run);
    }
    bench.supervisor.shut_down(Parting::End).await;
    let ends = bench
        .kinds()
        .await
        .into_iter()
        .filter(|kind| matches!(kind, Kind::RunEnded { end: RunEnd::Signalled { signal: 15 }, .. }));
    assert_eq!(ends.count(), runs.len(), "recorded when it returns");
}

#[tokio::test]
async fn an_order_that_nobody_began_with_is_carried_out_once() {
    let bench = Bench::new("").await;
    let run = new_run();
    let spec: RunSpec = bench.sh("echo once >> count");
    let stored = bench.commit(vec![requested(&run, spec)]).await;
    bench.supervisor.reconcile().await.unwrap();
    bench.supervisor.carry_out(&stored[0].entry);
    assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 0 });
    assert_eq!(std::fs::read_to_string(bench.project.join("count")).unwrap(), "once\n");
}

#[tokio::test]
async fn a_claim_of_a_process_number_that_a_stranger_has_now_harms_nobody() {
    let stranger = Stranger::new();
    let bench = Bench::new("").await;
    let run = new_run();
    bench
        .commit(vec![
            requested(&run, bench.sh("true")),
            // The number is the stranger's, the start time is not.
            Kind::RunStarted { run: run.clone(), pid: stranger.0.id(), started: 1 },
        ])
        .await;
    let own = bench.dir.path().join("runs").join(run.as_str());
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("claim"), "").unwrap();
    std::fs::write(own.join("pid"), "half a no").unwrap();
    bench.supervisor.reconcile().await.unwrap();
    assert!(matches!(bench.ended(&run).await.end, RunEnd::Lost { .. }));
    stranger.assert_untouched();
}
