//! The formats of log and wire, one example of each kind. A change of format shows here, in review.

#![expect(clippy::unwrap_used, reason = "a failing conversion is the test's result")]

use serde_json::json;
use shared::agent::{AgentError, AgentEvent, ErrorClass, FoundAgent, HarnessId, TurnReport};
use shared::api::Asking;
use shared::context::{Cut, Section};
use shared::entry::{Actor, Body, Draft, Entry, Kind, Outcome, Purpose, Room};
use shared::evidence::{Check, CommitOutcome, Evidence};
use shared::harness::{Start, Turn, command_line};
use shared::id::{AppendId, ClientId, LogId, MessageId, ProjectId, RuleId, RunId, SessionId, TaskId};
use shared::limits::{Caps, Limits};
use shared::permission::{Answer, Ask, Deed, Permit, Rule, Scope, What};
use shared::plan::{Access, Mode, Own, PlanEdit, PlannedTask, Size, Work};
use shared::quiet::Quiet;
use shared::retry::Again;
use shared::run::{Insert, Pipes, Resources, RunEnd, RunLimits, RunSpec, Stdin, Tools, Window};
use shared::template::Guided;
use shared::unit::{Bytes, Epoch, MicroUsd, Millis, Seq};
use shared::wire::{ClientMessage, PROTOCOL, Refusal, ServerMessage, Want};
use shared::worktree::Worktree;

#[path = "golden/cost.rs"]
mod cost;
#[path = "golden/edits.rs"]
mod edits;
#[path = "golden/library.rs"]
mod library;

use library::{persona, template};

fn task(id: &str) -> TaskId {
    TaskId::new(id).unwrap()
}

fn run() -> RunId {
    RunId::new("goal~1~r1").unwrap()
}

fn worktree() -> Worktree {
    Worktree {
        path: "/data/worktrees/shop/cart".to_owned(),
        folder: "/data/worktrees/shop/cart/web".to_owned(),
        from: "/home/dev/shop/web".to_owned(),
        of: "/home/dev/shop".to_owned(),
        branch: "orchestrator/cart".to_owned(),
        base: "0a1b2c3d".to_owned(),
    }
}

fn rule() -> RuleId {
    RuleId::new("rule1").unwrap()
}

fn saved(what: What, scope: Scope) -> Kind {
    Kind::RuleSaved { rule: Rule { rule: rule(), permit: Permit::Allow, what, scope } }
}

fn asked(tool: &str, deed: Deed) -> Kind {
    let (request, call, tool) = ("q1".to_owned(), "t1".to_owned(), tool.to_owned());
    let event = AgentEvent::PermissionAsked { ask: Ask { request, call, tool, deed } };
    Kind::AgentSpoke { run: run(), line: 2, event }
}

fn planned() -> PlannedTask {
    PlannedTask {
        task: task("goal~1"),
        key: "schema".to_owned(),
        parent: task("goal"),
        title: "Set up the schema".to_owned(),
        objective: "Tables for carts".to_owned(),
        mode: Mode::Hybrid,
        size: Some(Size::Light),
        after: vec![task("goal~2")],
        inputs: vec![],
        outputs: vec!["schema.sql".to_owned()],
        work: Work::Command { command: "true".to_owned(), timeout: Millis::from_secs(60) },
        retry: None,
        evidence: Evidence { checks: vec![Check::OutputsExist], ..Evidence::default() },
        persona: None,
        reviewer: None,
        caps: Caps::default(),
    }
}

fn checks() -> Vec<Check> {
    let command = "npm test".to_owned();
    vec![Check::OutputsExist, Check::DiffNotEmpty, Check::NoErrorInOutput, Check::CustomCommand { command }]
}

fn intents() -> impl Iterator<Item = Kind> {
    let all = [stated(), edits::of_tasks(), steered(), library::kept(), permitted(), edits::of_doers()];
    all.into_iter().flatten().chain(cost::chosen())
}

/// What a person begins with and says.
fn stated() -> Vec<Kind> {
    let (goal, message) = (task("goal"), MessageId::new("m1").unwrap());
    let said = |answers| {
        let (message, text) = (message.clone(), "And tests".to_owned());
        Kind::MessageSent { task: task("goal"), message, text, answers }
    };
    vec![
        Kind::ProjectOpened { folder: "/home/dev/shop".to_owned(), name: "shop".to_owned() },
        Kind::MemorySet { text: "Run the tests with `make`.".to_owned() },
        Kind::GoalStated {
            task: goal.clone(),
            text: "Add a cart".to_owned(),
            harness: HarnessId::Claude,
            access: Access::Edit,
        },
        said(None),
        said(Some(RunId::new("goal~r1").unwrap())),
        Kind::MessageUrged { task: goal.clone(), message: message.clone() },
        Kind::MessageWithdrawn { task: goal, message: message.clone() },
    ]
}

/// How they have the work go on.
fn steered() -> Vec<Kind> {
    let goal = task("goal");
    let window = Window { rows: 24, cols: 80 };
    vec![
        Kind::PlanGiven { goal: goal.clone(), reply: "Mine".to_owned(), tasks: vec![planned()] },
        Kind::PlanWanted { task: task("goal~1") },
        Kind::PlanApproved { goal: goal.clone(), version: 2 },
        Kind::PlanRejected { task: task("goal~1"), version: 2 },
        Kind::TaskStopped { task: goal.clone() },
        Kind::TaskRetried { task: goal.clone() },
        Kind::TaskRequeued { task: goal.clone() },
        Kind::TerminalOpened { task: task("goal~1"), window },
        Kind::TerminalTyped { run: run(), text: "ls\r\u{1b}[A".to_owned() },
        Kind::TerminalResized { run: run(), window },
        Kind::TerminalClosed { run: run() },
        Kind::TaskResumed { task: goal.clone() },
        Kind::TaskAccepted { task: goal.clone(), words: String::new() },
        Kind::TaskAccepted { task: goal.clone(), words: "The form is signed.".to_owned() },
        Kind::TaskGivenUp { task: goal.clone(), why: "The office is closed until March.".to_owned() },
        Kind::GoalClosed { goal: goal.clone() },
        Kind::GoalArchived { goal: goal.clone() },
        Kind::GoalRestored { goal },
        Kind::LimitsSet { limits: Limits::default() },
        Kind::LimitsSet {
            limits: Limits {
                quiet: Some(Quiet { from: 22 * 60, to: 7 * 60, offset: -300 }),
                ..Limits::default()
            },
        },
    ]
}

/// What they let agents do.
fn permitted() -> Vec<Kind> {
    vec![
        Kind::PermissionAnswered {
            run: run(),
            request: "q1".to_owned(),
            permit: Permit::Allow,
            word: String::new(),
        },
        Kind::PermissionAnswered {
            run: run(),
            request: "q1".to_owned(),
            permit: Permit::Deny,
            word: "Use make.".to_owned(),
        },
        saved(What::Commands { words: vec!["cargo".to_owned(), "test".to_owned()] }, Scope::Always),
        saved(What::Edits { under: "src".to_owned() }, Scope::Task { task: task("goal~1") }),
        saved(
            What::Reads { under: "/etc".to_owned() },
            Scope::Project { project: ProjectId::new("shop").unwrap() },
        ),
        saved(What::Tool { name: "WebFetch".to_owned() }, Scope::Always),
        Kind::RuleRemoved { rule: rule() },
    ]
}

fn edited(edit: PlanEdit) -> Kind {
    Kind::PlanEdited { goal: task("goal"), edit }
}

fn own_spec() -> RunSpec {
    let turn = Turn {
        prompt: "ls".to_owned(),
        session: Start::New { session: SessionId::new("s").unwrap() },
        size: Size::Standard,
        model: None,
        effort: None,
        access: Access::Edit,
        schema: None,
        budget: None,
        turns: None,
        listens: false,
    };
    command_line(HarnessId::Command, &turn).into_spec("/home/dev/shop", RunLimits::default())
}

fn decisions() -> Vec<Kind> {
    let spec = own_spec();
    let open = RunSpec { stdin: Stdin::Open { text: "{}\n".to_owned() }, ..spec.clone() };
    let window = Window { rows: 24, cols: 80 };
    let insert = Insert { mark: "[the text of Soul.md]".to_owned(), path: "Soul.md".to_owned() };
    let error =
        AgentError { class: ErrorClass::RateLimit, message: "429".to_owned(), until: Some(Millis(2)) };
    vec![
        Kind::RunRequested {
            run: run(),
            task: task("goal~1"),
            purpose: Purpose::Work,
            harness: HarnessId::Command,
            carries: vec![],
            holds: Some(MicroUsd(250_000)),
            model: None,
            spec: spec.clone(),
        },
        Kind::RunGuided {
            run: run(),
            by: Guided { template: template(), version: 2, variant: "a".to_owned() },
        },
        Kind::InputSent { run: run(), text: "y\n".to_owned(), message: None, answers: None },
        Kind::InputSent {
            run: run(),
            text: "{}\n".to_owned(),
            message: MessageId::new("m1").ok(),
            answers: None,
        },
        Kind::InputSent {
            run: run(),
            text: "{}\n".to_owned(),
            message: None,
            answers: Some(Answer { request: "q1".to_owned(), permit: Permit::Allow, by: Some(rule()) }),
        },
        Kind::InputClosed { run: run() },
        Kind::RunTrimmed {
            run: run(),
            task: task("goal~1"),
            cuts: vec![Cut { section: Section::Results, bytes: Bytes(1_200), of: Bytes(50_000) }],
        },
        Kind::RunCast { run: run(), persona: persona() },
        Kind::ReviewerReplaced {
            run: run(),
            task: task("goal~1"),
            why: "Codex was chosen to review, and is not there.".to_owned(),
        },
        Kind::RunKeyed { run: run(), key: "5f".to_owned() },
        Kind::AfterTaken { task: task("goal~1"), run: run(), print: "git:5f".to_owned() },
        Kind::ResultReused {
            task: task("goal~2"),
            from: run(),
            summary: "Done".to_owned(),
            outputs: vec!["a.rs".to_owned()],
            not_done: vec![],
        },
        Kind::TaskSized {
            task: task("goal~1"),
            run: Some(run()),
            size: Size::Light,
            why: "mechanical".to_owned(),
        },
        Kind::RunRequested {
            run: run(),
            task: task("goal~1"),
            purpose: Purpose::Work,
            harness: HarnessId::Command,
            carries: vec![],
            holds: None,
            model: Some("opus".to_owned()),
            spec: RunSpec { stdin: Stdin::Pty { window }, ..spec },
        },
        Kind::RunRequested {
            run: run(),
            task: task("goal~1"),
            purpose: Purpose::Work,
            harness: HarnessId::Claude,
            carries: vec![],
            holds: None,
            model: None,
            spec: open,
        },
        Kind::AgentSpoke { run: run(), line: 2, event: AgentEvent::Told { message: "m1".to_owned() } },
        asked("Bash", Deed::Command { line: "cargo test && git push".to_owned() }),
        asked("Write", Deed::Edit { path: "src/a.rs".to_owned() }),
        asked("Read", Deed::Read { path: "/etc/hosts".to_owned() }),
        asked("WebFetch", Deed::Use { about: "http://localhost/".to_owned() }),
        Kind::AgentSpoke {
            run: run(),
            line: 2,
            event: AgentEvent::PermissionWithdrawn { request: "q1".to_owned() },
        },
        Kind::RunRequested {
            run: run(),
            task: task("goal~1"),
            purpose: Purpose::Work,
            harness: HarnessId::Command,
            carries: vec![],
            holds: None,
            model: None,
            spec: RunSpec { inserts: vec![insert], tools: Tools::Asked, ..own_spec() },
        },
        Kind::PlanProposed {
            goal: task("goal"),
            run: run(),
            version: 1,
            reply: "So".to_owned(),
            tasks: vec![planned()],
        },
        Kind::PlanAdopted { goal: task("goal"), version: 1 },
        Kind::WorkClaimed {
            task: task("goal~1"),
            run: run(),
            summary: "Done".to_owned(),
            outputs: vec!["a.rs".to_owned()],
            not_done: vec![],
        },
        Kind::BaseTaken { task: task("goal~1"), run: run(), print: "git:5f".to_owned() },
        Kind::TaskChecked {
            task: task("goal~1"),
            run: run(),
            check: Check::OutputsExist,
            problem: Some("a.rs is not there.".to_owned()),
        },
        Kind::TaskCommitted {
            task: task("goal~1"),
            run: run(),
            outcome: CommitOutcome::Made {
                commit: "0a1b2c3d".to_owned(),
                left: vec!["a.o is ignored by git".to_owned()],
            },
        },
        Kind::TaskCommitted {
            task: task("goal~1"),
            run: run(),
            outcome: CommitOutcome::Nothing { why: "Nothing.".to_owned() },
        },
        Kind::TaskCommitted {
            task: task("goal~1"),
            run: run(),
            outcome: CommitOutcome::Failed { problem: "No.".to_owned() },
        },
        Kind::TaskReviewed { task: task("goal~1"), run: run(), summary: "Fine".to_owned(), findings: vec![] },
        Kind::PlanRefused { goal: task("goal"), run: run(), problems: vec!["a cycle".to_owned()] },
        Kind::TaskSettled {
            task: task("goal~1"),
            run: Some(run()),
            outcome: Outcome::Limited {
                until: Millis(9),
                class: Some(ErrorClass::Overload),
                again: Again::GoOn,
                why: String::new(),
            },
        },
        Kind::TaskSettled {
            task: task("goal~1"),
            run: Some(run()),
            outcome: Outcome::Limited {
                until: Millis(9),
                class: Some(ErrorClass::TaskFailure),
                again: Again::Diagnosed,
                why: "no tests".to_owned(),
            },
        },
        Kind::TaskSettled {
            task: task("goal~1"),
            run: Some(run()),
            outcome: Outcome::Limited {
                until: Millis(9),
                class: Some(ErrorClass::CliCrash),
                again: Again::Instead { harness: HarnessId::Codex },
                why: "crashed".to_owned(),
            },
        },
        Kind::TaskSettled {
            task: task("goal~1"),
            run: None,
            outcome: Outcome::Completed { summary: "Done".to_owned(), outputs: vec![], not_done: vec![] },
        },
        Kind::AgentSpoke {
            run: run(),
            line: 3,
            event: AgentEvent::ToolCall {
                call: "t1".to_owned(),
                tool: "Read".to_owned(),
                title: "a.rs".to_owned(),
                input: json!({}),
            },
        },
        Kind::TurnRead {
            run: run(),
            report: TurnReport { cost: Some(MicroUsd(180)), error: Some(error), ..TurnReport::default() }
                .into(),
        },
    ]
}

fn facts() -> Vec<Kind> {
    let agent = FoundAgent {
        version: Some("0.169.0".to_owned()),
        ..FoundAgent::new(HarnessId::Codex, "/usr/bin/codex")
    };
    let elsewhere = FoundAgent {
        tools: vec!["tracker".to_owned()],
        worker: Some("box".to_owned()),
        ..FoundAgent::new(HarnessId::Claude, "claude")
    };
    vec![
        Kind::BridgeStarted { version: "0.1.0".to_owned(), pid: 7 },
        Kind::AgentsFound { agents: vec![agent, elsewhere] },
        Kind::BatonGranted { client: ClientId::new("c").unwrap(), epoch: Epoch(3) },
        Kind::RunStarted { run: run(), pid: 8, started: 9 },
        Kind::RunEnded {
            run: run(),
            end: RunEnd::Exited { code: 0 },
            lines: 12,
            pipes: Pipes::Leaky,
            used: Some(Resources { cpu: Millis(1_500), memory: Bytes(30_000_000) }),
        },
        Kind::RunEnded {
            run: run(),
            end: RunEnd::TooMuchOutput { limit: Bytes(2_000_000_000) },
            lines: 12,
            pipes: Pipes::Closed,
            used: None,
        },
        Kind::RunSilent { run: run(), since: Millis(5) },
        Kind::RunHeard { run: run() },
        Kind::OutputRemoved { run: run(), lines: 12 },
        Kind::DiskMeasured { room: Room::Little, free: Bytes(499_000_000) },
        Kind::MemoryMeasured { room: Room::None, free: Bytes(99_000_000) },
        Kind::RunWeighed { run: run(), memory: Bytes(2_100_000_000), heavy: true },
        Kind::WorktreeMade {
            worktree: worktree(),
            purpose: "Add a cart".to_owned(),
            device: Some("d1".to_owned()),
        },
        Kind::WorktreeMade { worktree: worktree(), purpose: String::new(), device: None },
        Kind::WorktreeRemoved {
            path: "/data/worktrees/shop/cart".to_owned(),
            snapshot: Some("0a1b".to_owned()),
            branch: Some("orchestrator/cart".to_owned()),
            head: "0a1b2c3d".to_owned(),
            device: Some("d1".to_owned()),
        },
        Kind::WorktreeRemoved {
            path: "/data/worktrees/shop/cart".to_owned(),
            snapshot: None,
            branch: None,
            head: "0a1b2c3d".to_owned(),
            device: None,
        },
    ]
}

fn entry(kind: Kind) -> Entry {
    Entry {
        seq: Seq(1),
        at: Millis(1_795_000_000_000),
        actor: Actor::Bridge,
        project: Some(ProjectId::new("p").unwrap()),
        body: Body::Known(Box::new(kind)),
    }
}

#[test]
fn the_log_reads_as_it_was_written() {
    let kinds = intents().chain(decisions()).chain(facts()).chain(cost::told(&run()));
    let lines: Vec<String> = kinds
        .map(|kind| {
            let entry = entry(kind);
            let line = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), entry);
            line
        })
        .collect();
    insta::assert_snapshot!("log", lines.join("\n"));
}

#[test]
fn what_older_logs_do_not_say_has_its_default() {
    let spec = serde_json::to_value(own_spec()).unwrap();
    let order = json!({"kind": "run_requested", "run": "r", "task": "t", "purpose": "work", "harness": "demo", "spec": spec});
    let limits = json!({"kind": "limits_set", "limits": {"parallel": 3}});
    let read = |body| serde_json::from_value::<Body>(body).unwrap();
    let Some(Kind::RunRequested { holds: None, .. }) = read(order).known().cloned() else {
        panic!("an order of before budgets")
    };
    let Some(Kind::LimitsSet { limits }) = read(limits).known().cloned() else { panic!("limits") };
    assert_eq!(limits, Limits { parallel: 3, ..Limits::default() });
    let tasks = json!([{"key": "a", "title": "A", "objective": "Do"}]);
    let list = json!({"kind": "list_saved", "list": {"list": "l", "name": "L", "tasks": tasks}});
    let Some(Kind::ListSaved { list }) = read(list).known().cloned() else {
        panic!("a list of before choices")
    };
    assert_eq!(list.own(), Own::default());
}

#[test]
fn a_kind_from_the_future_is_kept() {
    let line = r#"{"seq":1,"at":2,"actor":{"is":"bridge"},"body":{"kind":"moon_landed","crew":[1]}}"#;
    let entry: Entry = serde_json::from_str(line).unwrap();
    assert_eq!(entry.body.known(), None);
    assert_eq!(serde_json::to_string(&entry).unwrap(), line);
}

#[test]
fn a_wait_of_an_older_log_still_reads() {
    let outcome: Outcome = serde_json::from_str(r#"{"is":"limited","until":9}"#).unwrap();
    let (again, why) = (Again::GoOn, String::new());
    assert_eq!(outcome, Outcome::Limited { until: Millis(9), class: None, again, why });
}

#[test]
fn the_wire_reads_as_it_was_written() {
    let (client, id) = (ClientId::new("c").unwrap(), AppendId::new("a1").unwrap());
    let drafts = vec![Draft::new(None, Kind::GoalClosed { goal: task("goal") })];
    let said = [
        ClientMessage::Hello { protocol: PROTOCOL, client: client.clone(), since: Seq(0), lively: false },
        ClientMessage::Append { id: id.clone(), epoch: Some(Epoch(1)), seen: Some(Seq(7)), drafts },
        ClientMessage::Follow { run: run(), from: 4 },
        ClientMessage::Unfollow { run: run() },
        ClientMessage::WantBaton { want: Want::Take },
        ClientMessage::Ping { at: Millis(1) },
    ];
    let answers = [
        ServerMessage::Welcome {
            protocol: PROTOCOL,
            version: "0.1.0".to_owned(),
            head: Seq(2),
            now: Millis(3),
            log: None,
            page: None,
        },
        ServerMessage::Welcome {
            protocol: PROTOCOL,
            version: "0.1.0".to_owned(),
            head: Seq(2),
            now: Millis(3),
            log: LogId::new("5f3a").ok(),
            page: Some("/page-1_bg.wasm".to_owned()),
        },
        ServerMessage::Incompatible { protocol: PROTOCOL, version: "0.1.0".to_owned() },
        ServerMessage::Entries { entries: vec![entry(Kind::RunSilent { run: run(), since: Millis(5) })] },
        ServerMessage::Acked { id: id.clone(), seq: Seq(9) },
        ServerMessage::Refused { id: id.clone(), refusal: Refusal::Stale { epoch: Epoch(2) } },
        ServerMessage::Refused { id, refusal: Refusal::Overtaken { by: Seq(8) } },
        ServerMessage::BatonYours { epoch: Epoch(1) },
        ServerMessage::BatonGone { holder: Some(client), epoch: Epoch(2) },
        ServerMessage::Behind { run: run(), from: 3 },
        ServerMessage::Pong { at: Millis(1) },
        ServerMessage::Asking {
            devices: vec![Asking {
                id: "d1".to_owned(),
                name: "Safari on iPhone".to_owned(),
                address: "10.0.0.7".to_owned(),
                code: "K7Q-M2F".to_owned(),
            }],
        },
        ServerMessage::Unreadable { why: "no JSON".to_owned() },
    ];
    let mut lines = Vec::new();
    for message in &said {
        lines.push(serde_json::to_string(message).unwrap());
        assert_eq!(&serde_json::from_str::<ClientMessage>(lines.last().unwrap()).unwrap(), message);
    }
    for message in &answers {
        lines.push(serde_json::to_string(message).unwrap());
        assert_eq!(&serde_json::from_str::<ServerMessage>(lines.last().unwrap()).unwrap(), message);
    }
    insta::assert_snapshot!("wire", lines.join("\n"));
}
