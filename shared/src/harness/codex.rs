//! Codex, `exec --json` (seen: 0.169.0). Messages come whole; only `turn.failed` is a failure, "Reconnecting…"
//! is not, and stderr always has text. `usage` is the thread's running total; there is never a cost.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::fault::{self, Tail};
use super::lines::Line;
use super::loose::{self, child, number, text};
use super::tools::with_a_person;
use super::{CommandLine, Start, Turn, first_words};
use crate::agent::{
    AgentError, AgentEvent, ErrorClass, HarnessId, LimitStanding, Tokens, ToolOutcome, TurnEnd, TurnReport,
    UsageScope,
};
use crate::id::SessionId;
use crate::models::Effort;
use crate::plan::{Access, Size};
use crate::run::{Arg, Program, RunEnd, RunFile, Signal, Stdin, Stream, Tools};

mod reset;

type Json = Map<String, Value>;

const SCHEMA: &str = "schema.json";

/// What Codex writes to stderr at every start.
const CHATTER: [&str; 2] = ["WARNING: proceeding, even though", "Reading additional input from stdin"];

/// Calls that are remembered to have begun; past that a result may come without its call.
const CALLS_KEPT: usize = 4096;

/// SIGTERM is the polite signal: Codex dies by it, while after SIGINT it exits with 1 as after any failure.
/// `exec resume` keeps neither sandbox nor folder and has no `-s`, so the sandbox is set by `-c` in both.
pub(super) fn command_line(turn: &Turn) -> CommandLine {
    let mut args = vec![Arg::text("exec")];
    if let Start::Resume { .. } = turn.session {
        args.push(Arg::text("resume"));
    }
    args.extend(["--json", "--skip-git-repo-check"].map(Arg::text));
    args.extend(settings(turn));
    let mut files = Vec::new();
    if let Some(schema) = &turn.schema {
        args.extend([Arg::text("--output-schema"), Arg::RunFile { name: SCHEMA.to_owned() }]);
        files.push(RunFile { name: SCHEMA.to_owned(), text: schema.clone() });
    }
    if let Start::Resume { session } = &turn.session {
        args.push(Arg::text(session.as_str()));
    }
    args.push(Arg::text("-"));
    CommandLine {
        program: Program::Named { name: "codex".to_owned() },
        args,
        env: BTreeMap::new(),
        stdin: Stdin::Text { text: turn.prompt.clone() },
        files,
        // They work outside of its sandbox.
        tools: match turn.access {
            Access::ReadOnly | Access::Ask => Tools::None,
            Access::Edit | Access::Full => Tools::Free,
        },
        polite: Signal::Terminate,
    }
}

/// With the person there it can ask them about whatever its sandbox does not let it do, which is narrow where it has to ask. It
/// works by itself: a server of Codex that the person has running would do its work in a process that is not the run's.
pub(super) fn terminal(turn: &Turn) -> CommandLine {
    let mut args = Vec::new();
    if let Start::Resume { session } = &turn.session {
        args.extend([Arg::text("resume"), Arg::text(session.as_str())]);
    }
    args.push(Arg::text("--no-daemon"));
    if turn.access == Access::Ask {
        args.extend(settings(&Turn { access: Access::ReadOnly, ..turn.clone() }));
        args.extend(["-c", "approval_policy=\"on-request\""].map(Arg::text));
    } else {
        args.extend(settings(turn));
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

/// What holds for each way to call it.
fn settings(turn: &Turn) -> Vec<Arg> {
    let sandbox = match turn.access {
        Access::ReadOnly => "read-only",
        // It cannot ask in a turn of its own; its sandbox decides.
        Access::Edit | Access::Ask => "workspace-write",
        Access::Full => "danger-full-access",
    };
    let effort = turn.effort.unwrap_or(match turn.size {
        Size::Light => Effort::Low,
        Size::Standard => Effort::Medium,
        Size::Heavy => Effort::High,
    });
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
    end: Option<TurnEnd>,
    turns: u32,
    unknown: u32,
    stderr: Tail,
}

impl Reader {
    pub fn line(&mut self, stream: Stream, line: Line<'_>, events: &mut Vec<AgentEvent>) {
        if stream == Stream::Stderr {
            if !CHATTER.iter().any(|words| line.bytes.starts_with(words.as_bytes())) {
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

    /// Whether the line is of a known kind.
    fn read(&mut self, json: &Json, events: &mut Vec<AgentEvent>) -> bool {
        match text(json, "type") {
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
        let error = (!self.said).then(|| AgentError {
            class: ErrorClass::NothingSaid,
            message: format!("{} ended its turn and had said nothing.", HarnessId::Codex),
            until: None,
        });
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
            "reasoning" => {
                if !said.is_empty() {
                    events.push(AgentEvent::Thinking { message: id, text: said });
                }
            }
            "error" => events.push(AgentEvent::Notice { text: text(item, "message").to_owned() }),
            "todo_list" => events.push(AgentEvent::Notice { text: todo_list(item) }),
            "command_execution" | "file_change" | "mcp_tool_call" | "web_search" => {
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
            TurnEnd { final_text, error: Some(error), turns: self.turns, ..TurnEnd::default() }
        });
        TurnReport {
            final_text: turn.final_text,
            structured: turn.structured,
            error: turn.error,
            session: self.session.clone(),
            cost: None,
            turns: self.turns,
            unknown_lines: self.unknown,
        }
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
            ("shell".to_owned(), titled(without_shell(command)), input)
        }
        "file_change" => {
            let changes = item.get("changes").cloned().unwrap_or_default();
            let each =
                changes.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(Value::as_object);
            let named: Vec<String> =
                each.map(|c| format!("{} {}", text(c, "kind"), text(c, "path"))).collect();
            ("edit".to_owned(), titled(&named.join(", ")), serde_json::json!({ "changes": changes }))
        }
        "mcp_tool_call" => {
            let tool = format!("{}.{}", text(item, "server"), text(item, "tool"));
            (tool.clone(), tool, item.get("arguments").cloned().unwrap_or_default())
        }
        kind => (
            kind.to_owned(),
            titled(text(item, "query")),
            serde_json::json!({ "query": text(item, "query") }),
        ),
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
