//! Codex (seen: 0.169.0). Turns are those of its server (`server`). What `exec --json` wrote, by which they were once called, is
//! read as well: messages come whole there; only `turn.failed` is a failure, "Reconnecting…" is not, and stderr always has
//! text; `usage` is the thread's running total. There is never a cost.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::fault::{self, Tail};
use super::lines::Line;
use super::loose::{self, child, number, text};
use super::tools::with_a_person;
use super::{CommandLine, Ongoing, SESSION, Start, Turn, first_words, naming};
use crate::agent::{
    AgentError, AgentEvent, ErrorClass, HarnessId, LimitStanding, Progress, Tokens, ToolOutcome, TurnEnd,
    TurnReport, UsageScope,
};
use crate::id::{MessageId, SessionId};
use crate::models::Effort;
use crate::plan::{Access, Size};
use crate::run::{Arg, Program, RunEnd, Signal, Stdin, Stream, Tools};

mod permission;
mod reset;
mod server;

pub(super) use permission::answer;

type Json = Map<String, Value>;

/// What Codex says at every start, to stderr or in its stream.
const CHATTER: [&str; 3] = [
    "WARNING: proceeding, even though",
    "Reading additional input from stdin",
    "Codex could not find bubblewrap on PATH",
];

/// Calls that are remembered to have begun; past that a result may come without its call.
const CALLS_KEPT: usize = 4096;

/// The ids of our requests, beside those that are named by a message.
const ASKED: &str = naming::ASKED;
const TURN: &str = "turn";
const WORD: &str = "word";

/// What nobody here reads and would grow with the work: the whole difference to the files, after each request.
const UNREAD: [&str; 3] =
    ["turn/diff/updated", "item/commandExecution/outputDelta", "item/fileChange/outputDelta"];

/// By its server, which ends when its input does. SIGINT is the polite signal: it dies by that, while after SIGTERM it ends as
/// if all were well.
pub(super) fn command_line(turn: &Turn) -> CommandLine {
    let (sandbox, approval) = match turn.access {
        Access::ReadOnly => ("readOnly", "never"),
        // It asks for each command and each change. What is allowed runs as it was asked: in a sandbox it would fail, or
        // seem to succeed, and be run once more outside where that is noticed.
        Access::Ask => ("dangerFullAccess", "untrusted"),
        Access::Edit => ("workspaceWrite", "never"),
        Access::Full => ("dangerFullAccess", "never"),
    };
    let mut thread = json!({
        // A thread that begins with more has Codex write into the person's own settings that they trust the folder. Each
        // turn says what it may.
        "sandbox": "read-only",
        "approvalPolicy": approval,
        // Nobody else answers, whatever the person's settings say.
        "approvalsReviewer": "user",
        // Where it is started; a thread that goes on would stay where it was.
        "cwd": ".",
        // An agent that sets itself a goal begins turn after turn by itself.
        "config": {"features": {"goals": false}},
    });
    if let Some(model) = &turn.model {
        thread["model"] = json!(model);
    }
    let method = match &turn.session {
        Start::New { .. } => "thread/start",
        Start::Resume { session } => {
            thread["threadId"] = json!(session);
            // Else the answer has all that was ever said.
            thread["excludeTurns"] = json!(true);
            "thread/resume"
        }
    };
    let client =
        json!({"name": "orchestrator", "title": "Orchestrator", "version": env!("CARGO_PKG_VERSION")});
    let hello = json!({"clientInfo": client, "capabilities": {"optOutNotificationMethods": UNREAD}});
    let opening = [
        json!({"id": "hello", "method": "initialize", "params": hello}),
        json!({"method": "initialized"}),
        json!({"id": ASKED, "method": method, "params": thread}),
    ];
    let text = opening.iter().map(|line| format!("{line}\n")).collect();
    let policy = json!({"type": sandbox});
    let mut begins = json!({
        "approvalPolicy": approval,
        "effort": effort(turn),
        "input": input(&turn.prompt),
        "sandboxPolicy": policy,
    });
    if let Some(schema) = turn.schema.as_ref().and_then(|schema| serde_json::from_str::<Value>(schema).ok()) {
        begins["outputSchema"] = schema;
    }
    CommandLine {
        program: Program::Named { name: "codex".to_owned() },
        args: vec![Arg::text("app-server")],
        env: BTreeMap::new(),
        stdin: Stdin::Dialog { text, turn: in_thread(TURN, "turn/start", SESSION, &begins) },
        files: Vec::new(),
        // They work outside of its sandbox.
        tools: match turn.access {
            Access::ReadOnly => Tools::None,
            Access::Ask => Tools::Asked,
            Access::Edit | Access::Full => Tools::Free,
        },
        polite: Signal::Interrupt,
    }
}

fn input(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

/// A request about a thread, which stands before all else: its place is the first of its kind.
fn in_thread(id: &str, method: &str, thread: &str, params: &Value) -> String {
    let (id, thread, params) = (json!(id), json!(thread), params.to_string());
    let rest = params.strip_prefix('{').unwrap_or(&params);
    format!("{{\"id\":{id},\"method\":\"{method}\",\"params\":{{\"threadId\":{thread},{rest}}}\n")
}

/// What is read within the turn that goes on, at its agent's next step. Nothing while none does.
fn steer(turn: Ongoing<'_>, id: &str, message: Option<&MessageId>, text: &str) -> Option<String> {
    let mut params = json!({"expectedTurnId": turn.turn?, "input": input(text)});
    if let Some(message) = message {
        params["clientUserMessageId"] = json!(message);
    }
    Some(in_thread(id, "turn/steer", turn.session?.as_str(), &params))
}

/// What the person says; by the message's id Codex says when it was read.
pub(super) fn tell(turn: Ongoing<'_>, message: &MessageId, text: &str) -> Option<String> {
    // No message is called as one of our own requests is.
    steer(turn, &format!("say:{message}"), Some(message), text)
}

/// The words that such a turn begins with.
pub(super) fn words_of(turn: &str) -> Option<String> {
    let turn: Value = serde_json::from_str(turn).ok()?;
    turn.pointer("/params/input/0/text")?.as_str().map(str::to_owned)
}

/// With the person there it can ask them about whatever its sandbox does not let it do, which is narrow where it has to ask. It
/// works by itself: a server of Codex that the person has running would do its work in a process that is not the run's.
pub(super) fn terminal(turn: &Turn) -> CommandLine {
    let mut args = Vec::new();
    if let Start::Resume { session } = &turn.session {
        args.extend([Arg::text("resume"), Arg::text(session.as_str())]);
    }
    args.push(Arg::text("--no-daemon"));
    args.extend(settings(turn));
    if turn.access == Access::Ask {
        args.extend(["-c", "approval_policy=\"on-request\""].map(Arg::text));
    }
    args.extend(first_words(turn));
    CommandLine {
        program: Program::Named { name: "codex".to_owned() },
        args,
        env: BTreeMap::new(),
        stdin: Stdin::Null,
        files: Vec::new(),
        tools: with_a_person(turn.access),
        polite: Signal::Terminate,
    }
}

fn effort(turn: &Turn) -> Effort {
    turn.effort.unwrap_or(match turn.size {
        Size::Light => Effort::Low,
        Size::Standard => Effort::Medium,
        Size::Heavy => Effort::High,
    })
}

/// What holds for a terminal.
fn settings(turn: &Turn) -> Vec<Arg> {
    let sandbox = match turn.access {
        Access::ReadOnly | Access::Ask => "read-only",
        Access::Edit => "workspace-write",
        Access::Full => "danger-full-access",
    };
    let effort = effort(turn);
    let settings = [format!("sandbox_mode=\"{sandbox}\""), format!("model_reasoning_effort=\"{effort}\"")];
    let settings = settings.into_iter().flat_map(|setting| [Arg::text("-c"), Arg::text(setting)]);
    let model = turn.model.iter().flat_map(|model| [Arg::text("-m"), Arg::text(model)]);
    settings.chain(model).collect()
}

/// Where the reading of one process's output stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Reader {
    session: Option<SessionId>,
    last_text: String,
    said: bool,
    /// The last error line; a failure if the process ends without another word.
    reported: Option<AgentError>,
    /// Items whose call was told. Bounded by [`CALLS_KEPT`].
    calls: BTreeSet<String>,
    /// The files of changes that are under way, by their items. Bounded by [`CALLS_KEPT`].
    changes: BTreeMap<String, Vec<String>>,
    /// The call of a tool of the person's that goes on.
    calling: String,
    dialog: server::Dialog,
    end: Option<TurnEnd>,
    turns: u32,
    unknown: u32,
    stderr: Tail,
}

impl Reader {
    pub fn line(&mut self, stream: Stream, line: Line<'_>, events: &mut Vec<AgentEvent>) {
        if stream == Stream::Stderr {
            if !is_chatter(&line.raw()) {
                self.stderr.keep(line);
            }
            return;
        }
        if line.is_blank() {
            return;
        }
        let known = loose::object(line).is_some_and(|json| self.read(&json, events));
        if !known {
            self.unknown = self.unknown.saturating_add(1);
            self.said = true;
            events.push(AgentEvent::Unknown { raw: line.raw() });
        }
    }

    pub fn progress(&self) -> Progress {
        self.dialog.progress()
    }

    /// Whether the line is of a known kind.
    fn read(&mut self, json: &Json, events: &mut Vec<AgentEvent>) -> bool {
        match text(json, "type") {
            "" => return self.message(json, events),
            "thread.started" => {
                if let Some(session) = loose::session(text(json, "thread_id")) {
                    self.session = Some(session.clone());
                    events.push(AgentEvent::Session { session, model: None, version: None });
                }
            }
            "turn.started" => self.end = None,
            "turn.completed" => self.completed(json, events),
            "turn.failed" => self.failed(json, events),
            "error" => self.error_line(text(json, "message"), events),
            kind @ ("item.started" | "item.updated" | "item.completed") => {
                let done = kind == "item.completed";
                return child(json, "item").is_some_and(|item| self.item(item, done, events));
            }
            _ => return false,
        }
        true
    }

    fn completed(&mut self, json: &Json, events: &mut Vec<AgentEvent>) {
        self.turns = self.turns.saturating_add(1);
        if let Some(usage) = child(json, "usage") {
            let of = |key| number(usage, key).unwrap_or(0);
            let cached = of("cached_input_tokens");
            let tokens = Tokens {
                input: of("input_tokens").saturating_sub(cached),
                output: of("output_tokens"),
                cache_read: cached,
                cache_write: of("cache_write_input_tokens"),
            };
            events.push(AgentEvent::Usage { tokens, scope: UsageScope::Session, cost: None });
        }
        let error = (!self.said).then(nothing_said);
        self.turn_ended(error, events);
    }

    fn failed(&mut self, json: &Json, events: &mut Vec<AgentEvent>) {
        let said = child(json, "error").map_or("", |error| text(error, "message"));
        let error = error_of(said);
        if error.class == ErrorClass::RateLimit {
            let until = error.until;
            events.push(AgentEvent::RateLimit { standing: LimitStanding::Reached, until, window: None });
        }
        self.turn_ended(Some(error), events);
    }

    fn turn_ended(&mut self, error: Option<AgentError>, events: &mut Vec<AgentEvent>) {
        let final_text = self.last_text.clone();
        // With a schema the last message is the answer's JSON; without one it hardly ever is an object.
        let structured = serde_json::from_str::<Json>(&final_text).ok().map(Value::Object);
        let end = TurnEnd { final_text, structured, error, turns: self.turns };
        self.reported = None;
        events.push(AgentEvent::TurnEnded { end: end.clone() });
        self.end = Some(end);
    }

    /// "Reconnecting... 1/2 (why)" is a retry; another error is told by the `turn.failed` that follows it.
    fn error_line(&mut self, message: &str, events: &mut Vec<AgentEvent>) {
        let error = error_of(message);
        if let Some(rest) = message.strip_prefix("Reconnecting...") {
            let rest = rest.trim_start();
            let counted = rest.split_whitespace().next().and_then(|word| word.split_once('/'));
            let (attempt, of) = counted.map_or((None, None), |(n, of)| (n.parse().ok(), of.parse().ok()));
            events.push(AgentEvent::Retrying {
                attempt: attempt.unwrap_or(1),
                of,
                delay: None,
                class: error.class,
                message: rest.to_owned(),
            });
        }
        self.reported = Some(error);
    }

    fn item(&mut self, item: &Json, done: bool, events: &mut Vec<AgentEvent>) -> bool {
        let id = text(item, "id").to_owned();
        let said = text(item, "text").to_owned();
        match text(item, "type") {
            "agent_message" => {
                if !said.is_empty() {
                    self.said = true;
                    self.last_text.clone_from(&said);
                    events.push(AgentEvent::Message { message: id, text: said });
                }
            }
            "reasoning" | "plan" => {
                if !said.is_empty() {
                    events.push(AgentEvent::Thinking { message: id, text: said });
                }
            }
            "error" => events.push(AgentEvent::Notice { text: text(item, "message").to_owned() }),
            "todo_list" => events.push(AgentEvent::Notice { text: todo_list(item) }),
            "command_execution"
            | "file_change"
            | "mcp_tool_call"
            | "web_search"
            | "collab_agent_tool_call"
            | "dynamic_tool_call"
            | "image_generation"
            | "image_view" => {
                self.said = true;
                self.call(id, item, done, events);
            }
            _ => return false,
        }
        true
    }

    fn call(&mut self, id: String, item: &Json, done: bool, events: &mut Vec<AgentEvent>) {
        if self.calls.len() >= CALLS_KEPT {
            self.calls.clear();
        }
        if self.calls.insert(id.clone()) {
            let (tool, title, input) = call_of(item);
            events.push(AgentEvent::ToolCall { call: id.clone(), tool, title, input });
        }
        if done {
            self.calls.remove(&id);
            let failed = matches!(text(item, "status"), "failed" | "declined");
            let outcome = if failed { ToolOutcome::Failed } else { ToolOutcome::Succeeded };
            events.push(AgentEvent::ToolResult { call: id, outcome, text: result_of(item) });
        }
    }

    /// How the run came out: what its last turn said, or why it said nothing.
    pub fn report(&mut self, end: &RunEnd) -> TurnReport {
        let turn = self.end.clone().unwrap_or_else(|| {
            let error = fault::without_result(fault::Ended {
                harness: HarnessId::Codex,
                end,
                said: self.said,
                stderr: &self.stderr,
                reported: self.reported.clone(),
            });
            let final_text = self.last_text.clone();
            let turns = self.turns.max(self.dialog.requests);
            TurnEnd { final_text, error: Some(error), turns, ..TurnEnd::default() }
        });
        TurnReport {
            final_text: turn.final_text,
            structured: turn.structured,
            error: turn.error,
            session: self.session.clone(),
            cost: None,
            turns: turn.turns,
            unknown_lines: self.unknown,
        }
    }
}

fn is_chatter(words: &str) -> bool {
    CHATTER.iter().any(|chatter| words.contains(chatter))
}

fn nothing_said() -> AgentError {
    AgentError {
        class: ErrorClass::NothingSaid,
        message: format!("{} ended its turn and had said nothing.", HarnessId::Codex),
        until: None,
    }
}

/// The failure that these words tell. Some are the raw body of the service's answer.
fn error_of(words: &str) -> AgentError {
    let body = serde_json::from_str::<Json>(words).ok();
    let inner =
        body.as_ref().and_then(|body| child(body, "error")).map_or("", |error| text(error, "message"));
    let message = if inner.is_empty() { words } else { inner };
    let class = fault::told_by(words).unwrap_or(ErrorClass::Unknown);
    let until = if class == ErrorClass::RateLimit { reset::told_by(words) } else { None };
    AgentError { class, message: message.to_owned(), until }
}

/// Tool, title and input of an item that is a call.
fn call_of(item: &Json) -> (String, String, Value) {
    let titled = |title: &str| loose::first_line(title, 80);
    match text(item, "type") {
        "command_execution" => {
            let command = text(item, "command");
            let input = serde_json::json!({ "command": command });
            (
                permission::SHELL.to_owned(),
                titled(&permission::script(command).unwrap_or_else(|| without_shell(command).to_owned())),
                input,
            )
        }
        "file_change" => {
            let changes = item.get("changes").cloned().unwrap_or_default();
            let each =
                changes.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(Value::as_object);
            let named: Vec<String> =
                each.map(|c| format!("{} {}", text(c, "kind"), text(c, "path"))).collect();
            (
                permission::EDIT.to_owned(),
                titled(&named.join(", ")),
                serde_json::json!({ "changes": changes }),
            )
        }
        "mcp_tool_call" => {
            // As rules of permission name it.
            let tool = format!("mcp__{}__{}", text(item, "server"), text(item, "tool"));
            (tool.clone(), text(item, "tool").to_owned(), item.get("arguments").cloned().unwrap_or_default())
        }
        kind => {
            let about = ["query", "tool", "path", "prompt", "revised_prompt"].into_iter();
            let (key, about) = about
                .map(|key| (key, text(item, key)))
                .find(|(_, about)| !about.is_empty())
                .unwrap_or_default();
            (kind.to_owned(), titled(about), json!({ key: about }))
        }
    }
}

/// `/bin/bash -lc 'COMMAND'` is how Codex runs every command; the command is what tells.
fn without_shell(command: &str) -> &str {
    let inner = command.split_once(" -lc ").map_or(command, |(_, inner)| inner);
    inner.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\'')).unwrap_or(inner)
}

fn result_of(item: &Json) -> String {
    if let Some(error) = child(item, "error") {
        return text(error, "message").to_owned();
    }
    if let Some(parts) =
        child(item, "result").and_then(|result| result.get("content")).and_then(Value::as_array)
    {
        let parts: Vec<&str> =
            parts.iter().filter_map(Value::as_object).map(|part| text(part, "text")).collect();
        return parts.join("\n");
    }
    let output = text(item, "aggregated_output");
    match item.get("exit_code").and_then(Value::as_i64) {
        Some(code) if code != 0 => format!("{output}exit code {code}"),
        _ => output.to_owned(),
    }
}

fn todo_list(item: &Json) -> String {
    let entries = item.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let entry = |entry: &Json| {
        let done = entry.get("completed").and_then(Value::as_bool).unwrap_or(false);
        format!("- [{}] {}", if done { 'x' } else { ' ' }, text(entry, "text"))
    };
    entries.iter().filter_map(Value::as_object).map(entry).collect::<Vec<_>>().join("\n")
}
