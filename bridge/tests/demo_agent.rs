//! The demo agent as a real process, called as the conductor calls it and read by Claude's decoder.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use shared::agent::{AgentEvent, ErrorClass, HarnessId, TurnReport};
use shared::harness::{Decoder, Start, Turn, command_line};
use shared::id::SessionId;
use shared::plan::{
    Access, PLANNER_ANSWER, PlannerAnswer, ReportOutcome, Size, TASK_REPORT, TaskReport, Verdict,
};
use shared::run::{Arg, RunEnd, Stdin, Stream};

/// A folder to work in and the demo agent's memory, both gone afterwards.
struct Place {
    work: tempfile::TempDir,
    home: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { work: tempfile::tempdir().unwrap(), home: tempfile::tempdir().unwrap() }
    }

    fn plans(&self, start: Start, prompt: &str) -> (Vec<AgentEvent>, TurnReport) {
        self.plays(start, prompt, Some(PLANNER_ANSWER.to_owned()), Access::ReadOnly)
    }

    fn works(&self, start: Start, prompt: &str) -> (Vec<AgentEvent>, TurnReport) {
        self.plays(start, prompt, Some(TASK_REPORT.to_owned()), Access::Edit)
    }

    fn plays(
        &self,
        session: Start,
        prompt: &str,
        schema: Option<String>,
        access: Access,
    ) -> (Vec<AgentEvent>, TurnReport) {
        let turn = Turn {
            prompt: prompt.to_owned(),
            session,
            size: Size::Light,
            model: None,
            effort: None,
            access,
            schema,
            budget: None,
            turns: None,
            listens: false,
        };
        let call = command_line(HarnessId::Demo, &turn);
        let files = tempfile::tempdir().unwrap();
        for file in &call.files {
            std::fs::write(files.path().join(&file.name), &file.text).unwrap();
        }
        let args = call.args.iter().map(|arg| match arg {
            Arg::Text { text } => text.into(),
            Arg::RunFile { name } => files.path().join(name).into_os_string(),
        });
        let mut child = Command::new(env!("CARGO_BIN_EXE_orchestrator"))
            .args(args)
            .env("ORCHESTRATOR_DEMO_HOME", self.home.path())
            .current_dir(self.work.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let Stdin::Text { text } = &call.stdin else { panic!("the prompt goes by stdin") };
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let mut decoder = Decoder::new(HarnessId::Demo);
        let mut events = decoder.push(Stream::Stderr, &output.stderr);
        events.extend(decoder.push(Stream::Stdout, &output.stdout));
        let (last, report) = decoder.finish(&RunEnd::Exited { code: output.status.code().unwrap() });
        events.extend(last);
        (events, report)
    }

    fn note(&self, name: &str) -> std::path::PathBuf {
        self.work.path().join("demo").join(name)
    }
}

fn new(id: &str) -> Start {
    Start::New { session: SessionId::new(id).unwrap() }
}

fn resume(id: &str) -> Start {
    Start::Resume { session: SessionId::new(id).unwrap() }
}

fn goal(words: &str) -> String {
    format!("# Plan this goal\n\n## Goal\n\n{words}\n\n## How to answer\n\nAs you like.\n")
}

fn task(objective: &str, mode: &str) -> String {
    format!(
        "# Your task: Write the docs\n\n## Objective\n\n{objective} [[demo slow=0]]\n\n## Mode\n\n{mode}: as it says.\n"
    )
}

fn planned(report: &TurnReport) -> PlannerAnswer {
    serde_json::from_value(report.structured.clone().unwrap()).unwrap()
}

fn reported(report: &TurnReport) -> TaskReport {
    serde_json::from_value(report.structured.clone().unwrap()).unwrap()
}

#[test]
fn a_goal_is_planned_streaming_and_changed_in_the_same_session() {
    let place = Place::new();
    let (events, report) =
        place.plans(new("s"), &goal("Build a todo app with an API, a page, tests and docs [[demo slow=0]]"));
    assert_eq!((report.error.as_ref(), report.unknown_lines), (None, 0));
    assert!(report.cost.is_some_and(|cost| cost.0 > 0));
    let first = planned(&report);
    assert_eq!(first.decision, Verdict::Plan);
    let deltas = events.iter().filter(|event| matches!(event, AgentEvent::TextDelta { .. })).count();
    assert!(deltas > 10, "{deltas} deltas");
    let (_, report) = place.plans(resume("s"), "# The person says\n\nPlease remove the docs\n");
    let second = planned(&report);
    assert_eq!(second.tasks.len(), first.tasks.len() - 1);
    assert!(second.tasks.iter().all(|task| task.key != "docs"));
    assert_eq!(std::fs::read_dir(place.work.path()).unwrap().count(), 0, "planning writes nothing");
}

#[test]
fn a_small_goal_is_answered() {
    let (_, report) = Place::new().plans(new("s"), &goal("What is 2 + 2?"));
    assert_eq!(planned(&report).decision, Verdict::Answer);
}

#[test]
fn a_task_leaves_a_real_file_and_a_hybrid_one_asks_before() {
    let place = Place::new();
    let (_, report) = place.works(new("a"), &task("Write them.", "Autonomous"));
    let done = reported(&report);
    assert_eq!(
        (done.outcome, done.outputs.as_slice()),
        (ReportOutcome::Done, &["demo/write-the-docs.md".to_owned()][..])
    );
    assert!(std::fs::read_to_string(place.note("write-the-docs.md")).unwrap().contains("Write them."));

    let (_, report) = place.works(new("h"), &task("Write them.", "Hybrid"));
    let asked = reported(&report);
    assert_eq!(asked.outcome, ReportOutcome::Question);
    assert!(!asked.question.is_empty() && asked.options.len() > 1);
    let (_, report) = place.works(resume("h"), "# The person says\n\nIn rhyme\n");
    assert_eq!(reported(&report).outcome, ReportOutcome::Done);
    assert!(std::fs::read_to_string(place.note("write-the-docs.md")).unwrap().contains("In rhyme"));
}

#[test]
fn it_ends_as_its_directives_say() {
    let place = Place::new();
    let class = |id: &str, words: &str| {
        let (_, report) = place.works(new(id), &task(&format!("Do it. [[demo {words}]]"), "Autonomous"));
        (report.error.map(|error| error.class), report.unknown_lines)
    };
    assert_eq!(class("silent", "silent"), (Some(ErrorClass::NothingSaid), 0));
    assert_eq!(class("crash", "crash"), (Some(ErrorClass::CliCrash), 0));
    assert_eq!(class("garbage", "garbage"), (None, 5));
    assert_eq!(class("bytes", "invalid-utf8"), (None, 1));
    assert_eq!(class("long", "long-line=20M"), (None, 1));
    assert_eq!(class("lines", "lines=5000"), (None, 0));
    assert_eq!(class("steps", "steps=3 slow=0"), (None, 0));
}

#[test]
fn it_fails_once_and_only_once() {
    let place = Place::new();
    let outcome = |id: &str| {
        reported(&place.works(new(id), &task("Do it. [[demo fail-once]]", "Autonomous")).1).outcome
    };
    assert_eq!([outcome("a"), outcome("b")], [ReportOutcome::Failed, ReportOutcome::Done]);
}

#[test]
fn a_limit_says_when_it_ends_and_is_over_on_the_next_turn() {
    let place = Place::new();
    let (events, report) = place.works(new("l"), &task("Do it. [[demo limit=5]]", "Autonomous"));
    let error = report.error.unwrap();
    assert_eq!(error.class, ErrorClass::RateLimit);
    assert!(error.until.is_some());
    assert!(events.iter().any(|event| matches!(event, AgentEvent::RateLimit { .. })));
    let (_, report) = place.works(resume("l"), "# Go on\n\nYou were interrupted.\n");
    assert_eq!((report.error.as_ref(), reported(&report).outcome), (None, ReportOutcome::Done));
}

#[test]
fn bad_plans_are_bad_and_mended_only_when_it_says_once() {
    let place = Place::new();
    let mend = "# Mend the plan\n\n## What was wrong with your last answer\n\n- a cycle\n";
    for (id, words, mended) in [("c", "plan=cycle", false), ("o", "plan=cycle-once", true)] {
        let (_, report) =
            place.plans(new(id), &goal(&format!("Build an api with tests [[demo slow=0 {words}]]")));
        assert!(planned(&report).tasks.iter().all(|task| !task.after.is_empty()), "a cycle has no beginning");
        let (_, report) = place.plans(resume(id), mend);
        assert_eq!(planned(&report).tasks.iter().any(|task| task.after.is_empty()), mended, "{words}");
    }
    let (_, report) = place.plans(new("n"), &goal("Build an api [[demo slow=0 plan=not-json]]"));
    assert_eq!((report.structured, report.error), (None, None));
}

#[test]
fn an_unknown_session_is_lost_as_claudes_would_be() {
    let place = Place::new();
    let (_, report) = place.works(resume("nobody"), "# Go on\n");
    assert_eq!(report.error.map(|error| error.class), Some(ErrorClass::SessionLost));
    place.works(new("taken"), &task("Do it.", "Autonomous"));
    let (_, report) = place.works(new("taken"), &task("Do it.", "Autonomous"));
    assert!(report.error.is_some_and(|error| error.message.contains("already in use")));
}

#[test]
fn a_summary_and_a_talk_need_no_more_than_the_prompt() {
    let place = Place::new();
    let prompt = "# Sum up: All of it\n\n## Goal\n\nAll\n\n## Results of the parts\n\n### One\n\nDone.\n\nFiles: demo/one.md\n\n### Two\n\nFailed: why\n";
    let summary = reported(&place.works(new("sum"), prompt).1);
    assert_eq!(
        (summary.outcome, summary.outputs.as_slice(), summary.not_done.len()),
        (ReportOutcome::Done, &["demo/one.md".to_owned()][..], 1)
    );
    let (_, report) = place.plays(
        new("talk"),
        "# About this goal\n\n## The person says\n\nhow far?\n\n## Where the work is\n\n- One: active\n",
        None,
        Access::ReadOnly,
    );
    assert!(report.final_text.contains("- One: active"), "{}", report.final_text);
}

#[test]
fn a_folder_that_cannot_be_written_is_a_failure_with_its_cause() {
    let place = Place::new();
    std::fs::write(place.work.path().join("demo"), "in the way").unwrap();
    let failed = reported(&place.works(new("w"), &task("Do it.", "Autonomous")).1);
    assert_eq!(failed.outcome, ReportOutcome::Failed);
    assert!(failed.summary.contains("not a folder"), "{}", failed.summary);
    assert!(Path::new(&place.work.path().join("demo")).is_file());
}
