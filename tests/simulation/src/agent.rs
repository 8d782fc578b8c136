//! What the processes of a world write and how they end, decided when they are ordered. They do well, fail,
//! lie, ask, hang, crash and hit limits; what really happened is kept beside it as the `Truth`.

use std::fmt::Display;

use serde_json::{Value, json};
use shared::agent::{ErrorClass, HarnessId};
use shared::entry::Purpose;
use shared::id::RunId;
use shared::plan::Size;
use shared::run::RunEnd;
use shared::unit::{MicroUsd, Millis};

use crate::chance::Chance;

/// What a process did, as nobody but the world knows it.
#[derive(Debug, Clone, PartialEq)]
pub enum Truth {
    /// A plan that may be taken.
    Plan,
    /// A plan, or what should be one, that must not be taken.
    BadPlan,
    /// A worker would have its task split, into parts that may be.
    Split,
    /// It would, and how it would cannot be.
    BadSplit,
    /// Words that answer, or are the result.
    Words(String),
    Done(String),
    /// It says that it did well, and nothing shows it.
    Nothing,
    Question(String),
    /// It ends its turn and leaves the word to the person.
    Pause(String),
    CannotBeDone,
    /// A check that holds, a look that was taken, a reviewer who lets it pass.
    Holds,
    /// A check that does not, a reviewer who does not, also one whose words contradict that.
    FoundWanting,
    /// It did not get so far as a result.
    Broken(ErrorClass, Option<Millis>),
}

/// One line and how many facts of it belong in the log.
#[derive(Debug, Clone)]
pub struct Said {
    pub text: String,
    pub facts: u32,
    /// The request that it is, if it is one: what it waits for is looked at again and again.
    pub asks: Option<String>,
}

impl Said {
    /// A line that asks nothing; `text` without its newline.
    pub fn new(text: impl Display, facts: u32) -> Self {
        Self { text: format!("{text}\n"), facts, asks: None }
    }
}

/// A process's life.
#[derive(Debug, Clone)]
pub struct Script {
    pub lines: Vec<Said>,
    pub end: RunEnd,
    /// It never ends by itself.
    pub hangs: bool,
    pub truth: Truth,
    /// Nothing where it does not say what it cost.
    pub cost: Option<MicroUsd>,
}

/// How the agents of a world are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ways {
    /// Bytes that each result is longer than it has to be.
    pub wordy: usize,
    /// Plans say what each task needs and makes.
    pub trades: bool,
    /// Workers would have their tasks split now and then.
    pub splits: bool,
    /// Planners leave sizes to be found out.
    pub auto: bool,
    /// Planners leave tasks to the person.
    pub hands: bool,
    /// Caps end agents.
    pub capped: bool,
    /// What the folder comes to, where the work changes that now and then.
    pub folder: Option<u32>,
    /// Turns tell what they have used while they go on.
    pub counts: bool,
}

/// What is known of a process when it is ordered.
pub struct Order<'a> {
    pub run: &'a RunId,
    pub purpose: Purpose,
    pub session: &'a str,
    pub harness: HarnessId,
    pub now: Millis,
    /// How many of a hundred come to grief.
    pub trouble: usize,
    /// What it may spend.
    pub holds: Option<MicroUsd>,
    pub ways: Ways,
}

impl Script {
    pub fn draw(order: &Order<'_>, chance: &mut Chance) -> Self {
        match (order.purpose, order.harness) {
            (Purpose::Base | Purpose::Check | Purpose::After, _) => return Self::look(order, chance),
            (Purpose::Commit, _) => return Self::commit(order, chance),
            (Purpose::Terminal, HarnessId::Command) => return Self::seat(order, chance),
            (Purpose::Terminal, _) => return Self::terminal(order.run),
            (_, HarnessId::Command) => return Self::command(order, chance),
            (_, HarnessId::Codex) => return Self::codex(order, chance),
            (_, HarnessId::Claude | HarnessId::Demo) => {}
        }
        let session = order.session;
        let mut lines = vec![said(
            json!({"type": "system", "subtype": "init", "session_id": session, "model": "m", "claude_code_version": "1"}),
            1,
        )];
        if chance.percent(15) {
            lines.push(Said::new("not JSON at all", 0));
        }
        if chance.percent(40) {
            let call = json!({"type": "tool_use", "id": "t", "name": "Edit", "input": {"file_path": "a.rs"}});
            let words = json!({"type": "text", "text": "Let me see."});
            // Two facts of one line: both are in the log, or none is.
            lines.push(said(assistant(session, &[words, call]), 2));
        }
        if order.ways.counts {
            lines.extend(requests(order));
        }
        let cost = MicroUsd(chance.draw() % 256 * 100 + 100);
        let cost = Some(order.holds.map_or(cost, |holds| cost.min(holds))).filter(|_| !chance.percent(10));
        let truth = fate(order, chance);
        let answer = answer(order, &truth, chance);
        let hangs = order.trouble > 0 && chance.percent(order.trouble / 10);
        match truth {
            Truth::Broken(ErrorClass::CliCrash, _) => {
                Self { lines, end: RunEnd::Exited { code: 1 }, hangs, truth, cost: None }
            }
            // What a harness reports when it made no request: the line of the result alone.
            Truth::Nothing if answer.is_null() => {
                lines.truncate(1);
                lines.push(result(session, cost, json!({"result": ""})));
                Self { lines, end: RunEnd::Exited { code: 0 }, hangs, truth, cost }
            }
            Truth::Broken(class, until) => {
                failure(session, class, until, cost, &mut lines);
                Self { lines, end: RunEnd::Exited { code: 1 }, hangs, truth, cost }
            }
            _ => {
                let text = match &truth {
                    Truth::Words(words) => words.clone(),
                    Truth::Done(_) if chance.one_in(20) => format!("It is done.\n{ERROR}"),
                    _ => "So it is.".to_owned(),
                };
                lines.push(said(assistant(session, &[json!({"type": "text", "text": text})]), 1));
                let end = json!({"result": text, "structured_output": answer});
                lines.push(result(session, cost, end));
                Self { lines, end: RunEnd::Exited { code: 0 }, hangs, truth, cost }
            }
        }
    }

    /// The same life in the words of another harness, which never tells what it costs.
    fn codex(order: &Order<'_>, chance: &mut Chance) -> Self {
        let (thread, turn) = (format!("codex-{}", order.run), json!({"id": "t1", "status": "completed"}));
        let told = |method: &str, key: &str, value: Value| json!({"method": method, "params": {"threadId": thread, "turnId": "t1", key: value}});
        let named = json!({"thread": {"id": thread, "cliVersion": "1"}, "model": "m", "cwd": "/p"});
        let mut lines = vec![
            said(json!({"id": "session", "result": named}), 0),
            said(told("turn/started", "turn", turn.clone()), 2),
        ];
        let drawn = fate(order, chance);
        let answer = answer(order, &drawn, chance);
        let text = match &drawn {
            Truth::Words(words) if order.purpose != Purpose::Plan => words.clone(),
            _ if answer.is_null() => String::new(),
            _ => answer.to_string(),
        };
        // Of what breaks it, it knows but the one way.
        let truth =
            if let Truth::Broken(..) = drawn { Truth::Broken(ErrorClass::CliCrash, None) } else { drawn };
        let crashes = matches!(truth, Truth::Broken(..));
        if !crashes && !text.is_empty() {
            let item = json!({"type": "agentMessage", "id": "i1", "text": text});
            lines.push(said(told("item/completed", "item", item), 1));
        }
        if !crashes {
            let used = json!({"inputTokens": TOKENS.0, "outputTokens": TOKENS.1});
            let usage = json!({"total": used, "last": used});
            lines.push(said(told("thread/tokenUsage/updated", "tokenUsage", usage), 0));
            lines.push(said(told("turn/completed", "turn", turn), 1));
        }
        let hangs = order.trouble > 0 && chance.percent(order.trouble / 10);
        Self { lines, end: RunEnd::Exited { code: i32::from(crashes) }, hangs, truth, cost: None }
    }

    /// A look at the folder: what the work really came to, nobody knows before.
    fn look(order: &Order<'_>, chance: &mut Chance) -> Self {
        let wanting = order.purpose == Purpose::Check && chance.percent(15 + order.trouble / 2);
        let seen = format!("files:{}", order.ways.folder.unwrap_or(0));
        let words = if wanting { "it is not so" } else { seen.as_str() };
        let lines = vec![Said::new(words, 0)];
        let truth = if wanting { Truth::FoundWanting } else { Truth::Holds };
        let hangs = order.trouble > 0 && chance.percent(5);
        Self { lines, end: RunEnd::Exited { code: i32::from(wanting) }, hangs, truth, cost: None }
    }

    /// A hook may have something against it, and there may be nothing to commit.
    fn commit(order: &Order<'_>, chance: &mut Chance) -> Self {
        let wanting = chance.percent(15 + order.trouble / 2);
        let words = match (wanting, chance.one_in(4)) {
            (true, _) => "the hook says no".to_owned(),
            (false, true) => "There is nothing to commit.".to_owned(),
            (false, false) => format!("a.o is ignored by git\ncommitted {}", order.run),
        };
        let lines = words.lines().map(|line| Said::new(line, 0)).collect();
        let truth = if wanting { Truth::FoundWanting } else { Truth::Holds };
        let hangs = order.trouble > 0 && chance.percent(5);
        Self { lines, end: RunEnd::Exited { code: i32::from(wanting) }, hangs, truth, cost: None }
    }

    /// What nobody reads; it ends when the person closes it.
    fn terminal(run: &RunId) -> Self {
        let text = format!("\u{1b}[2J{{\"type\":\"result\",\"result\":\"screen of {run}\"}}\n");
        let lines = vec![Said { text, facts: 0, asks: None }];
        Self { lines, end: RunEnd::Exited { code: 1 }, hangs: true, truth: Truth::Nothing, cost: None }
    }

    /// The task's own command in a terminal: of what it writes nothing is read, how it ends counts.
    fn seat(order: &Order<'_>, chance: &mut Chance) -> Self {
        let fails = chance.percent(10 + order.trouble);
        let broken = Truth::Broken(ErrorClass::TaskFailure, None);
        let truth = if fails { broken } else { Truth::Words("exit code 0".to_owned()) };
        let hangs = chance.one_in(2);
        Self { end: RunEnd::Exited { code: i32::from(fails) }, hangs, truth, ..Self::terminal(order.run) }
    }

    fn command(order: &Order<'_>, chance: &mut Chance) -> Self {
        let words = format!("output of {}", order.run);
        let lines = vec![Said::new(&words, 0)];
        let fails = chance.percent(order.trouble);
        let truth = if fails { Truth::Broken(ErrorClass::TaskFailure, None) } else { Truth::Words(words) };
        let hangs = order.trouble > 0 && chance.percent(5);
        Self { lines, end: RunEnd::Exited { code: i32::from(fails) }, hangs, truth, cost: None }
    }
}

fn fate(order: &Order<'_>, chance: &mut Chance) -> Truth {
    let run = order.run;
    if chance.percent(order.trouble) {
        let later = order.now + Millis(chance.draw() % 3_600_000);
        // Whole seconds, as the providers tell it.
        let later = Millis(later.0 / 1_000 * 1_000);
        let broken = |class| Truth::Broken(class, None);
        return match chance.below(14) {
            0 | 1 => Truth::Broken(ErrorClass::RateLimit, Some(later)),
            2 => broken(ErrorClass::RateLimit),
            3 => broken(ErrorClass::Overload),
            4 => broken(ErrorClass::Network),
            5 => broken(ErrorClass::Billing),
            6 if chance.one_in(2) => broken(ErrorClass::Auth),
            6 => broken(ErrorClass::Network),
            7 => broken(ErrorClass::SessionLost),
            8 => broken(ErrorClass::ContextOverflow),
            9 | 10 => broken(ErrorClass::CliCrash),
            11 if order.purpose == Purpose::Review => Truth::FoundWanting,
            11 if !matches!(order.purpose, Purpose::Plan | Purpose::Diagnose | Purpose::Classify) => {
                Truth::CannotBeDone
            }
            12 if order.purpose == Purpose::Plan => Truth::BadPlan,
            _ => Truth::Nothing,
        };
    }
    match order.purpose {
        Purpose::Plan if chance.percent(95) => Truth::Plan,
        Purpose::Classify => Truth::Holds,
        Purpose::Plan | Purpose::Talk | Purpose::Diagnose => Truth::Words(format!("words of {run}")),
        Purpose::Review if chance.percent(15) => Truth::FoundWanting,
        Purpose::Base | Purpose::Check | Purpose::Review | Purpose::Commit | Purpose::After => Truth::Holds,
        Purpose::Terminal => Truth::Nothing,
        Purpose::Work if order.ways.splits && chance.one_in(6) => {
            if chance.percent(75) {
                Truth::Split
            } else {
                Truth::BadSplit
            }
        }
        Purpose::Work | Purpose::Repair | Purpose::Summary if order.trouble > 0 && chance.percent(8) => {
            if chance.percent(80) {
                Truth::Question(format!("question of {run}"))
            } else {
                Truth::Pause(format!("pause of {run}"))
            }
        }
        Purpose::Work | Purpose::Repair | Purpose::Summary if chance.percent(8) => {
            Truth::Words(format!("words of {run}"))
        }
        Purpose::Work | Purpose::Repair | Purpose::Summary => {
            Truth::Done(format!("result of {run}{}", padding(order.ways.wordy)))
        }
    }
}

/// Words that say nothing, in a paragraph of their own.
fn padding(bytes: usize) -> String {
    if bytes == 0 { String::new() } else { format!("\n\n{}", "w".repeat(bytes)) }
}

/// The structured answer that goes with it; null for none.
fn answer(order: &Order<'_>, truth: &Truth, chance: &mut Chance) -> Value {
    let report = |outcome: &str, summary: &str, question: &str| json!({"outcome": outcome, "summary": summary, "question": question, "options": [], "outputs": [], "not_done": []});
    match truth {
        Truth::Plan => plan(order.ways, chance),
        Truth::BadPlan => bad_plan(order.ways.trades, chance),
        Truth::Words(words) if order.purpose == Purpose::Plan => {
            json!({"decision": "answer", "reply": words, "tasks": []})
        }
        Truth::Split | Truth::BadSplit => {
            let trades = order.ways.trades;
            let plan =
                if *truth == Truth::Split { plan(order.ways, chance) } else { bad_plan(trades, chance) };
            let mut report = report("split", "too much", "");
            report["tasks"] = plan["tasks"].clone();
            if let (Value::Null, Value::Object(report)) = (&plan["tasks"], &mut report) {
                report.remove("tasks");
            }
            report
        }
        Truth::Holds if order.purpose == Purpose::Classify => json!({"size": "heavy", "why": "so"}),
        Truth::Holds => json!({"verdict": "pass", "summary": "Seen.", "findings": []}),
        Truth::FoundWanting => match chance.below(3) {
            0 => json!({"verdict": "pass", "summary": "Fine.", "findings": ["but for this"]}),
            1 => json!({"verdict": "findings", "summary": "", "findings": []}),
            _ => json!({"verdict": "findings", "summary": "No.", "findings": ["this", "and that"]}),
        },
        Truth::Nothing if !matches!(order.purpose, Purpose::Plan | Purpose::Review) && chance.percent(50) => {
            report("done", " ", "")
        }
        Truth::Done(summary) => report("done", summary, ""),
        Truth::Question(question) => report("question", "", question),
        Truth::Pause(summary) => report("question", summary, ""),
        Truth::CannotBeDone => report("failed", "it cannot be done", ""),
        Truth::Words(_) | Truth::Nothing | Truth::Broken(..) => Value::Null,
    }
}

/// What a model says that is asked for a size, if it says anything.
pub const JUDGED: Size = Size::Heavy;

/// In and out, of each turn that comes to a result.
pub const TOKENS: (u64, u64) = (6, 4);

/// What some results that are called done say in their last words.
pub const ERROR: &str = "error: not all of it";

fn task(key: &str, after: &[String], parent: &str, mode: &str, command: &str) -> Value {
    json!({"key": key, "title": format!("Task {key}"), "objective": format!("Objective {key}"), "after": after,
        "parent": parent, "mode": mode, "size": "light", "outputs": [], "command": command})
}

/// Three to twelve tasks, mostly few, with dependencies backwards and some groups.
fn plan(ways: Ways, chance: &mut Chance) -> Value {
    let count = 3 + chance.below(4) + if chance.one_in(6) { chance.below(6) } else { 0 };
    let mut groups = Vec::new();
    let mut tasks = Vec::new();
    for n in 0..count {
        let key = format!("k{n}");
        let after: Vec<String> = (0..n).filter(|_| chance.one_in(4)).map(|n| format!("k{n}")).collect();
        // A part waits for nothing, so that it never waits for its whole.
        let parent = if n > 1 && chance.one_in(4) { format!("k{}", chance.below(2)) } else { String::new() };
        let after = if parent.is_empty() { after } else { Vec::new() };
        let mode = ["autonomous", "autonomous", "autonomous", "hybrid", "interactive"][chance.below(5)];
        let mode = if ways.hands && n % 3 == 1 { "manual" } else { mode };
        let command = if parent.is_empty() && n > 1 && chance.one_in(10) { "make" } else { "" };
        groups.push(parent.clone());
        let mut task = task(&key, &after, &parent, mode, command);
        if ways.auto && n % 3 > 0 {
            task["size"] = json!("auto");
        }
        if chance.one_in(6) {
            let all = ["outputs_exist", "diff_not_empty", "no_error_in_output", "custom_command:make test"];
            let first = chance.below(all.len());
            task["checks"] = json!(all[first..all.len().min(first + 1 + chance.below(3))]);
        }
        if ways.trades {
            // Each makes something of its own; what it needs is made before it, by itself, or by nobody.
            let needs = [0, n / 2, n].map(|other| format!("w{other}.md"));
            let first = chance.below(needs.len() + 1);
            let parts = !groups[n].is_empty();
            task["inputs"] = json!(needs[..if parts { 0 } else { first }]);
            task["outputs"] = json!([format!("w{n}.md")]);
        }
        tasks.push(task);
    }
    json!({"decision": "plan", "reply": "So", "tasks": tasks})
}

fn bad_plan(trades: bool, chance: &mut Chance) -> Value {
    let plain = |key: &str| task(key, &[], "", "autonomous", "");
    let after = |key: &str, on: &str| task(key, &[on.to_owned()], "", "autonomous", "");
    let tasks = match chance.below(7) {
        0 => vec![after("a", "c"), after("b", "a"), after("c", "b")],
        1 => vec![plain("a"), plain("b"), after("c", "nobody")],
        2 => vec![plain("a"), plain("b"), plain("a")],
        3 => vec![plain("a"), plain("b")],
        4 => vec![plain("a"), plain("b"), task("c", &["a".to_owned()], "a", "autonomous", "")],
        5 => vec![plain("a"), plain("b"), task("c", &[], "c", "autonomous", "")],
        6 if trades => {
            let mut tasks = ["a", "b", "c"].map(plain);
            for (task, other) in [(0, 1), (1, 2), (2, 0)] {
                tasks[task]["inputs"] = json!([format!("w{other}.md")]);
                tasks[task]["outputs"] = json!([format!("w{task}.md")]);
            }
            tasks.to_vec()
        }
        _ => return json!({"decision": "perhaps"}),
    };
    json!({"decision": "plan", "reply": "So", "tasks": tasks})
}

fn said(value: Value, facts: u32) -> Said {
    // A value's own text goes through the formatter piece by piece, which takes twice as long.
    Said::new(serde_json::to_string(&value).unwrap_or_default(), facts)
}

fn assistant(session: &str, blocks: &[Value]) -> Value {
    json!({"type": "assistant", "session_id": session, "message": {"id": "m1", "model": "m", "content": blocks}})
}

/// What each of some requests used, told when it was over. As many as the run's id makes them, so that no other chance is
/// another for them.
fn requests(order: &Order<'_>) -> impl Iterator<Item = Said> {
    let usage = json!({"input_tokens": TOKENS.0, "output_tokens": TOKENS.1});
    let event = json!({"type": "message_delta", "usage": usage});
    let line = json!({"type": "stream_event", "session_id": order.session, "event": event});
    let many = order.run.as_str().bytes().map(usize::from).sum::<usize>() % 30;
    std::iter::repeat_n(said(line, 0), many)
}

/// A result's line: what it costs is a fact.
pub fn result(session: &str, cost: Option<MicroUsd>, end: Value) -> Said {
    let usage = json!({"input_tokens": TOKENS.0, "output_tokens": TOKENS.1});
    let mut line = json!({"type": "result", "subtype": "success", "is_error": false, "session_id": session, "num_turns": 1, "usage": usage});
    if let (Some(line), Some(end)) = (line.as_object_mut(), end.as_object()) {
        line.extend(end.clone());
        if let Some(cost) = cost {
            line.insert("total_cost_usd".to_owned(), json!(cost.as_usd()));
        }
    }
    said(line, 1)
}

/// The lines of a turn that failed, as the harness writes them.
fn failure(
    session: &str,
    class: ErrorClass,
    until: Option<Millis>,
    cost: Option<MicroUsd>,
    lines: &mut Vec<Said>,
) {
    if let Some(until) = until {
        let info = json!({"status": "rejected", "resetsAt": until.0 / 1_000});
        lines.push(said(
            json!({"type": "rate_limit_event", "session_id": session, "rate_limit_info": info}),
            1,
        ));
    }
    let code = match class {
        ErrorClass::RateLimit => "rate_limit",
        ErrorClass::Overload => "overloaded",
        ErrorClass::Billing => "billing_error",
        ErrorClass::Auth => "authentication_failed",
        _ => "",
    };
    if !code.is_empty() {
        let content = [json!({"type": "text", "text": "it failed"})];
        let message = json!({"id": "m2", "model": "<synthetic>", "content": content});
        let line = json!({"type": "assistant", "session_id": session, "error": code, "message": message});
        lines.push(said(line, 0));
    }
    let end = match class {
        ErrorClass::SessionLost => {
            json!({"is_error": true, "errors": ["No conversation found with session ID"]})
        }
        ErrorClass::ContextOverflow => json!({"is_error": true, "terminal_reason": "prompt_too_long"}),
        ErrorClass::Network => json!({"is_error": true, "api_error": "connection_failed"}),
        _ => json!({"is_error": true, "result": "it failed"}),
    };
    lines.push(result(session, cost, end));
}
