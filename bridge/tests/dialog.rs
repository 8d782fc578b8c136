//! Runs whose agent names its session itself: the turn waits for the name, whoever lives and whatever was said meanwhile,
//! and who is refused a session is told nothing.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use bench::{Bench, crashed, next};
use shared::entry::Kind;
use shared::id::RunId;
use shared::run::{Insert, RunEnd, RunSpec, Stdin};

#[expect(dead_code, reason = "other test files use the rest")]
#[path = "supervisor/bench.rs"]
mod bench;

/// It hears the opening, says what it is not asked, waits for the file `go`, and names its session in two pieces.
const NAMES: &str =
    "read opening; echo \"heard $opening\"; echo '{\"id\":1,\"result\":{\"thread\":{\"id\":\"not-this\"}}}'
    while [ ! -e go ]; do sleep 0.01; done
    printf '{\"id\":\"session\",\"result\":{\"thread\":{\"id\":\"s'; sleep 0.05; printf -- '-7\"}}}\\n'
    while read word; do echo \"then $word\"; done; echo over";

fn dialog(spec: RunSpec) -> RunSpec {
    let (text, turn) = ("hello\n".to_owned(), "in @SESSION@ about @SESSION@\n".to_owned());
    RunSpec { stdin: Stdin::Dialog { text, turn }, ..spec }
}

async fn told(bench: &Bench, run: &RunId, text: &str) {
    let text = text.to_owned();
    bench.append(Kind::InputSent { run: run.clone(), text, message: None, answers: None }).await;
}

const SAID: &str = "heard hello\n{\"id\":1,\"result\":{\"thread\":{\"id\":\"not-this\"}}}\n\
    {\"id\":\"session\",\"result\":{\"thread\":{\"id\":\"s-7\"}}}\nthen in s-7 about @SESSION@\nthen a word\nover\n";

#[tokio::test]
async fn a_turn_waits_for_its_sessions_name_and_what_was_said_meanwhile_comes_after_it() {
    let bench = Bench::new("").await;
    let run = bench.start(dialog(bench.sh(NAMES))).await;
    bench.said(&run, "not-this").await;
    told(&bench, &run, "a word\n").await;
    bench.append(Kind::InputClosed { run: run.clone() }).await;
    std::fs::write(bench.project.join("go"), "").unwrap();
    assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 0 });
    assert_eq!(String::from_utf8(bench.bytes(&run).await).unwrap(), SAID);
}

#[test]
fn no_bridge_is_needed_between_the_name_and_the_turn() {
    let project = OnceCell::new();
    let (dir, run) = crashed(|bench| {
        project.set(bench.project.clone()).unwrap();
        dialog(
            bench.sh(format!("echo ready; {}", NAMES.replace("read word; do", "read word; do touch told;"))),
        )
    });
    let project = project.get().unwrap();
    std::fs::write(project.join("go"), "").unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    // Another process makes it, and there is no bridge that could say so.
    while !project.join("told").exists() {
        assert!(Instant::now() < deadline, "the turn never came");
        std::thread::sleep(Duration::from_millis(5));
    }
    next(dir, async |bench| {
        told(bench, &run, "a word\n").await;
        bench.append(Kind::InputClosed { run: run.clone() }).await;
        assert_eq!(bench.ended(&run).await.end, RunEnd::Exited { code: 0 });
        let said = String::from_utf8(bench.bytes(&run).await).unwrap();
        assert_eq!(said, format!("ready\n{SAID}"), "each once");
    });
}

#[tokio::test]
async fn who_is_refused_a_session_comes_to_the_end_of_its_input() {
    let bench = Bench::new("").await;
    for answer in
        ["{\"id\":\"session\",\"error\":{}}", "{\"id\":\"session\",\"result\":{\"sessionId\":\"../x\"}}"]
    {
        let script = format!("read opening; echo '{answer}'; cat; echo over");
        let (run, ended) = bench.run(dialog(bench.sh(script))).await;
        assert_eq!(ended.end, RunEnd::Exited { code: 0 });
        assert_eq!(String::from_utf8(bench.bytes(&run).await).unwrap(), format!("{answer}\nover\n"));
    }
}

#[tokio::test]
async fn a_file_stands_in_the_turn_and_not_in_the_opening() {
    let bench = Bench::new("").await;
    std::fs::write(bench.project.join("Soul.md"), "says \"I\"\n").unwrap();
    std::fs::write(bench.project.join("go"), "").unwrap();
    let spec = dialog(bench.sh(NAMES));
    let inserts = vec![Insert { mark: "about".to_owned(), path: "Soul.md".to_owned() }];
    let run = bench.start(RunSpec { inserts, ..spec }).await;
    // As it stands within a text of JSON.
    assert!(bench.said(&run, "then in").await.contains("then in s-7 says "));
    bench.append(Kind::InputClosed { run: run.clone() }).await;
    bench.ended(&run).await;
}
