//! Runs whose program a worker of the configuration starts, and tools that the configuration gives to agents.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bench::{Bench, grace, lives};
use shared::entry::Kind;
use shared::run::{Arg, Program, RunEnd, RunSpec, Signal, Stdin, Tools, Window};
use tempfile::TempDir;

#[expect(dead_code, reason = "other test files use the rest")]
#[path = "supervisor/bench.rs"]
mod bench;

/// A folder of programs for one test.
struct Programs(TempDir);

impl Programs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn add(&self, name: &str, script: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap_or_default()
    }
}

/// Notes its own words up to `--` beside it, and starts what follows as if that were another machine: with a home of its
/// own, and of the variables with those that it was named.
const WRAPPER: &str = r#"
    here=${0%/*}
    while [ "$1" != -- ]; do
        echo "$1" >> "$here/words"
        case $1 in STUB_*) eval "kept=\"\$kept $1=\$$1\"";; esac
        shift
    done
    shift
    exec env -i PATH="$PATH" HOME=/far $kept "$@""#;

fn worker(wrap: &str, rest: &str) -> String {
    format!("[workers.box]\nagents = [\"command\"]\nwrap = {wrap}\n{rest}\n")
}

fn named(name: &str) -> Program {
    Program::Named { name: name.to_owned() }
}

async fn said(bench: &Bench, spec: RunSpec) -> (String, RunEnd) {
    let (run, ended) = bench.run(spec).await;
    (String::from_utf8(bench.bytes(&run).await).unwrap(), ended.end)
}

#[tokio::test]
async fn a_workers_program_is_a_run_like_any_other() {
    let programs = Programs::new();
    let wrapper = programs.add("wrapper", WRAPPER);
    let config = worker(&format!("[{wrapper:?}, \"{{run}}\", \"{{env}}\", \"in={{dir}}\", \"--\"]"), "");
    let bench = Bench::new(&config).await;

    let mut spec = bench.sh("read word; echo $word $STUB_WORD at $HOME; pwd; echo oops >&2; exit 7");
    spec.stdin = Stdin::Text { text: "hello\n".to_owned() };
    spec.env.insert("STUB_WORD".to_owned(), "sealed".to_owned());
    let run = bench.start(spec).await;
    let ended = bench.ended(&run).await;
    assert_eq!((ended.end, ended.lines), (RunEnd::Exited { code: 7 }, 3));
    let said = String::from_utf8(bench.bytes(&run).await).unwrap();
    let folder = dunce::canonicalize(&bench.project).unwrap();
    for line in ["hello sealed at /far", &folder.to_string_lossy(), "oops"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let words = programs.read("words");
    assert!(
        words.starts_with(&format!("{run}\n"))
            && ["ORCHESTRATOR_RUN", "STUB_WORD"].iter().all(|name| words.contains(&format!("\n{name}\n"))),
        "{words}"
    );
    assert!(words.ends_with(&format!("in={}\n", folder.display())), "{words}");
    assert!(!words.contains("sealed") && !words.contains("\nHOME\n"), "names alone: {words}");

    let mut talks = bench.sh("read a; echo got $a; kill -9 $$");
    talks.stdin = Stdin::Pipe;
    let run = bench.start(talks).await;
    let text = "one\n".to_owned();
    bench.append(Kind::InputSent { run: run.clone(), text, message: None, answers: None }).await;
    bench.said(&run, "got one").await;
    assert_eq!(bench.ended(&run).await.end, RunEnd::Signalled { signal: 9 });
}

#[tokio::test]
async fn a_shell_on_the_way_reads_no_word_anew() {
    let config = worker("[\"/bin/sh\", \"-c\", \"cd {dir} && exec {command}\"]", "");
    let bench = Bench::new(&format!("programs = [\"printf\"]\n{config}")).await;
    let args = ["<%s>\n", "two words", "$(echo bad)", "it's", "", "a;b\nc"];
    let spec = RunSpec { args: args.map(Arg::text).into(), ..bench.spec(named("printf")) };
    let (said, end) = said(&bench, spec).await;
    assert_eq!(end, RunEnd::Exited { code: 0 });
    assert_eq!(said, "<two words>\n<$(echo bad)>\n<it's>\n<>\n<a;b\nc>\n");
}

#[tokio::test]
async fn stopping_ends_the_wrapper_and_then_the_rest() {
    let programs = Programs::new();
    let wrapper = programs.add("wrapper", r#""$@" & wait"#);
    let stop = programs.add("stop", r#"echo "$@" >> "${0%/*}/stopped""#);
    let config = worker(&format!("[{wrapper:?}]"), &format!("stop = [{stop:?}, \"rm\", \"{{run}}\"]"));
    let bench = Bench::new(&config).await;

    let run = bench.start(RunSpec { limits: grace(100), ..bench.sh("echo pid $$; exec sleep 1000") }).await;
    let said = bench.said(&run, "\n").await;
    bench.signal(&run, Signal::Terminate).await;
    assert!(matches!(bench.ended(&run).await.end, RunEnd::Signalled { .. } | RunEnd::Exited { .. }));
    assert!(!lives(said.trim_start_matches("pid ")), "{said}");
    assert_eq!(programs.read("stopped"), format!("rm {run}\n"));

    let next = bench.run(bench.sh(":")).await.0;
    assert_eq!(
        programs.read("stopped"),
        format!("rm {run}\nrm {next}\n"),
        "also after one that ended by itself"
    );
}

#[tokio::test]
async fn a_terminal_needs_a_wrapper_of_its_own() {
    let terminal = |bench: &Bench| RunSpec {
        stdin: Stdin::Pty { window: Window { rows: 24, cols: 80 } },
        ..bench.sh("tty >/dev/null && echo a terminal")
    };
    let bench = Bench::new(&worker("[\"env\"]", "")).await;
    let refused = bench.run(terminal(&bench)).await.1.end;
    assert!(matches!(&refused, RunEnd::Refused { why } if why.contains("`terminal`")), "{refused:?}");
    let bench = Bench::new(&worker("[\"false\"]", "terminal = [\"env\"]")).await;
    let (said, end) = said(&bench, terminal(&bench)).await;
    assert_eq!((&*said, end), ("a terminal\r\n", RunEnd::Exited { code: 0 }));
}

#[tokio::test]
async fn who_starts_a_run_is_certain() {
    let dir = tempfile::tempdir().unwrap();
    let one = |name: &str, folders: &[&Path]| {
        format!(
            "[workers.{name}]\nagents = [\"command\"]\nwrap = [\"env\", \"WHO={name}\"]\nfolders = {folders:?}\n"
        )
    };
    let who = async |config: &str| {
        let bench = Bench::new(config).await;
        said(&bench, bench.sh("echo $WHO")).await
    };
    let (said, _) = who(&(one("far", &[dir.path()]) + &one("near", &[]))).await;
    assert_eq!(said, "near\n", "one of another folder does not count");
    let (_, end) = who(&(one("a", &[]) + &one("b", &[]))).await;
    assert!(matches!(&end, RunEnd::Refused { why } if why.contains("a and b")), "{end:?}");
    let (_, end) = who("[workers.gone]\nagents = [\"command\"]\nwrap = [\"no-such-wrapper\"]\n").await;
    assert_eq!(end, RunEnd::NotFound { program: "no-such-wrapper".to_owned() });
    // What our own binary looks at is here.
    let bench = Bench::new("[workers.gone]\nagents = [\"demo\", \"command\"]\nwrap = [\"false\"]\n").await;
    let own = |words: [&str; 2]| RunSpec { args: words.map(Arg::text).into(), ..bench.spec(Program::Own) };
    assert_eq!(bench.run(own(["look", "print"])).await.1.end, RunEnd::Exited { code: 0 });
    assert_eq!(bench.run(own(["demo", "emit"])).await.1.end, RunEnd::Exited { code: 1 });
}

/// An agent's CLI that says how it was called.
const AGENT: &str = r#"for word in "$@"; do echo "<$word>"; done; echo "folder $CARGO_MANIFEST_DIR""#;

#[tokio::test]
async fn an_agent_gets_the_tools_of_its_folder_and_no_others() {
    let programs = Programs::new();
    let (claude, tool) = (programs.add("claude", AGENT), programs.add("tracker", ""));
    let elsewhere = tempfile::tempdir().unwrap();
    let config = |place: &str| {
        format!(
            "[agents.claude]\nprogram = {claude:?}\n\
            [tools.tracker]\ncommand = [{tool:?}, \"--fast\"]\nenv = [\"CARGO_MANIFEST_DIR\", \"NOT_SET\"]\n{place}\n\
            [tools.other]\ncommand = [\"false\"]\nprojects = [{:?}]\n\
            [tools.for-codex]\ncommand = [\"false\"]\nagents = [\"codex\"]\neverywhere = true\n",
            elsewhere.path()
        )
    };
    let bench = Bench::new(&config("everywhere = true")).await;
    let agent = |tools: Tools| RunSpec { tools, args: vec![Arg::text("-p")], ..bench.spec(named("claude")) };
    let servers = format!(
        "<--mcp-config>\n<{{\"mcpServers\":{{\"tracker\":{{\"args\":[\"--fast\"],\"command\":{tool:?},\"type\":\"stdio\"}}}}}}>\n"
    );
    let folder = concat!("folder ", env!("CARGO_MANIFEST_DIR"), "\n");
    assert_eq!(said(&bench, agent(Tools::None)).await.0, "<-p>\nfolder \n");
    assert_eq!(said(&bench, agent(Tools::Asked)).await.0, format!("{servers}<-p>\n{folder}"));
    let free = format!("{servers}<--allowedTools>\n<mcp__tracker>\n<-p>\n{folder}");
    assert_eq!(said(&bench, agent(Tools::Free)).await.0, free);
    // A command is no agent, whatever its order says.
    let shell = RunSpec { tools: Tools::Free, ..bench.sh("echo folder $CARGO_MANIFEST_DIR") };
    assert_eq!(said(&bench, shell).await.0, "folder\n");

    let bench = Bench::new(&config(&format!("projects = [{:?}]", elsewhere.path()))).await;
    assert_eq!(said(&bench, agent_in(&bench)).await.0, "<-p>\nfolder \n");
}

fn agent_in(bench: &Bench) -> RunSpec {
    RunSpec { tools: Tools::Free, args: vec![Arg::text("-p")], ..bench.spec(named("claude")) }
}

#[tokio::test]
async fn an_agent_does_not_start_without_a_tool_that_it_should_have() {
    let programs = Programs::new();
    let claude = programs.add("claude", AGENT);
    let config = format!(
        "[agents.claude]\nprogram = {claude:?}\n[tools.tracker]\ncommand = [\"no-such-tool\"]\neverywhere = true\n"
    );
    let bench = Bench::new(&config).await;
    let end = bench.run(agent_in(&bench)).await.1.end;
    let RunEnd::CouldNotStart { why } = end else { panic!("{end:?}") };
    assert!(why.contains("the tool tracker") && why.contains("no-such-tool is not there"), "{why}");
    // Where its worker is, nobody here can look.
    let there = format!("{config}[workers.box]\nagents = [\"claude\"]\nwrap = [\"env\"]\n");
    let bench = Bench::new(&there).await;
    assert!(said(&bench, agent_in(&bench)).await.0.contains("\"command\":\"no-such-tool\""));
}
