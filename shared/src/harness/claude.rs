//! Claude Code, `-p` with stream-json output (seen: 2.1.197 to 2.1.329). What ended a turn is told by `is_error`
//! and `terminal_reason`, never by `subtype`; a process may give several results, and the last one decides.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::fault::{self, Tail};
use super::lines::Line;
use super::loose::{self, child, count, number, text};
use super::tools::with_a_person;
use super::{CommandLine, MAX_ARG, Start, Turn, first_words};
use crate::agent::{
    AgentError, AgentEvent, ErrorClass, HarnessId, LimitStanding, Progress, Tokens, TurnEnd, TurnReport,
};
use crate::id::{MessageId, SessionId};
use crate::plan::Access;
use crate::run::{Arg, Program, RunEnd, Signal, Stdin, Stream, Tools};
use crate::unit::{MicroUsd, Millis};

mod blocks;
mod permission;
mod result;
mod tools;

use blocks::Blocks;
pub(super) use permission::answer;

type Json = Map<String, Value>;

/// Tools by which sessions see each other or plan their own future; a task must do neither.
const NEVER: &str = "ListAgents,SendMessage,CronCreate,ScheduleWakeup";
const EDITING: &str = "Edit,Write,NotebookEdit";
/// Tools that wait for a person in ways that are not those of a report.
const QUESTIONS: &str = "AskUserQuestion,EnterPlanMode,ExitPlanMode";

/// How many results are remembered so that reading one again counts nothing twice.
const RESULTS_KEPT: usize = 64;

/// SIGINT is the polite signal: Claude then still says what the turn cost (after SIGTERM it does not).
pub(super) fn command_line(turn: &Turn) -> CommandLine {
    let mut args: Vec<Arg> = [
        "-p",
        "--output-format",
        "stream-json",
        "--verbose",
        "--include-partial-messages",
        "--strict-mcp-config",
    ]
    .map(Arg::text)
    .into();
    let mut flag = |name: &str, value: &str| args.extend([Arg::text(name), Arg::text(value)]);
    match &turn.session {
        Start::New { session } => flag("--session-id", session.as_str()),
        Start::Resume { session } => flag("--resume", session.as_str()),
    }
    if let Some(model) = &turn.model {
        flag("--model", model);
    }
    if let Some(effort) = turn.effort {
        flag("--effort", effort.token());
    }
    match turn.access {
        Access::ReadOnly => flag("--disallowedTools", &format!("{NEVER},{EDITING}")),
        Access::Ask => {
            flag("--permission-mode", "default");
            flag("--disallowedTools", &format!("{NEVER},{QUESTIONS}"));
            // Who hears nothing gets no answer, and is denied at once.
            if turn.listens {
                flag("--permission-prompt-tool", "stdio");
            }
        }
        Access::Edit => {
            flag("--permission-mode", "acceptEdits");
            flag("--disallowedTools", NEVER);
        }
        Access::Full => {
            flag("--permission-mode", "acceptEdits");
            flag("--allowedTools", "Bash,WebFetch,WebSearch");
            flag("--disallowedTools", NEVER);
        }
    }
    if let Some(budget) = turn.budget {
        flag("--max-budget-usd", &budget.to_string());
    }
    if let Some(turns) = turn.turns {
        flag("--max-turns", &turns.to_string());
    }
    let mut prompt = turn.prompt.clone();
    match &turn.schema {
        Some(schema) if schema.len() <= MAX_ARG => flag("--json-schema", schema),
        Some(schema) => {
            prompt.push_str(&format!("\n\nAnswer with JSON alone, by this JSON schema:\n\n{schema}\n"))
        }
        None => {}
    }
    let stdin = if turn.listens {
        args.extend(["--input-format", "stream-json", "--replay-user-messages"].map(Arg::text));
        Stdin::Open { text: user_line(&prompt, None) }
    } else {
        Stdin::Text { text: prompt }
    };
    let tools = match turn.access {
        Access::Ask if turn.listens => Tools::Asked,
        Access::ReadOnly | Access::Ask => Tools::None,
        Access::Edit | Access::Full => Tools::Free,
    };
    called(args, stdin, tools, Signal::Interrupt)
}

/// With the person there it asks them itself. SIGINT would only stop what it does there.
pub(super) fn terminal(turn: &Turn) -> CommandLine {
    let mut args = Vec::new();
    let mut flag = |name: &str, value: &str| args.extend([Arg::text(name), Arg::text(value)]);
    match &turn.session {
        Start::New { session } => flag("--session-id", session.as_str()),
        Start::Resume { session } => flag("--resume", session.as_str()),
    }
    if let Some(model) = &turn.model {
        flag("--model", model);
    }
    if let Some(effort) = turn.effort {
        flag("--effort", effort.token());
    }
    flag(
        "--permission-mode",
        match turn.access {
            Access::ReadOnly => "plan",
            Access::Ask => "default",
            Access::Edit | Access::Full => "acceptEdits",
        },
    );
    if turn.access == Access::Full {
        flag("--allowedTools", "Bash,WebFetch,WebSearch");
    }
    args.extend(first_words(turn));
    called(args, Stdin::Null, with_a_person(turn.access), Signal::Terminate)
}

fn called(args: Vec<Arg>, stdin: Stdin, tools: Tools, polite: Signal) -> CommandLine {
    let env = [
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        "DISABLE_AUTOUPDATER",
        "DISABLE_TELEMETRY",
        "DISABLE_ERROR_REPORTING",
    ];
    CommandLine {
        program: Program::Named { name: "claude".to_owned() },
        args,
        env: env.into_iter().map(|name| (name.to_owned(), "1".to_owned())).collect(),
        stdin,
        files: Vec::new(),
        tools,
        polite,
    }
}

/// What the person says as a line of stream-json input. By its id Claude says when it has read it.
pub(super) fn user_line(text: &str, id: Option<&MessageId>) -> String {
    let message = json!({"role": "user", "content": [{"type": "text", "text": text}]});
    let mut line = json!({"type": "user", "message": message, "parent_tool_use_id": null, "session_id": ""});
    if let Some(id) = id {
        line["uuid"] = json!(id);
    }
    format!("{line}\n")
}

/// The words of such a line.
pub(super) fn words_of(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    line["message"]["content"][0]["text"].as_str().map(str::to_owned)
}

/// Where the reading of one process's output stands.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    harness: HarnessId,
    session: Option<SessionId>,
    blocks: Blocks,
    /// The last text of the main conversation.
    last_text: String,
    /// It said or did something.
    said: bool,
    /// A turn has begun after the last result, or there is none yet.
    open: bool,
    /// The error code of a message that Claude itself put in the model's place.
    fault: Option<(String, AgentError)>,
    /// When a limit that was reached ends.
    limited_until: Option<Millis>,
    end: Option<TurnEnd>,
    cost: Option<MicroUsd>,
    total: Option<f64>,
    /// Ids of results that were read; bounded by [`RESULTS_KEPT`], the oldest is forgotten.
    results: VecDeque<String>,
    unknown: u32,
    /// The first of the person's words that it said it has read, which is its prompt.
    prompted: bool,
    /// Of all results.
    turns: u32,
    /// Of the requests that are over.
    tokens: Tokens,
    stderr: Tail,
}

impl Reader {
    pub fn new(harness: HarnessId) -> Self {
        Self {
            harness,
            session: None,
            blocks: Blocks::default(),
            last_text: String::new(),
            said: false,
            open: true,
            fault: None,
            limited_until: None,
            end: None,
            cost: None,
            total: None,
            results: VecDeque::new(),
            unknown: 0,
            prompted: false,
            turns: 0,
            tokens: Tokens::default(),
            stderr: Tail::default(),
        }
    }

    pub const fn progress(&self) -> Progress {
        let tokens = self.tokens.input.saturating_add(self.tokens.output);
        Progress { requests: self.blocks.begun(), tokens, each: self.tokens }
    }

    pub const fn total_cost_usd(&self) -> Option<f64> {
        self.total
    }

    pub fn line(&mut self, stream: Stream, line: Line<'_>, events: &mut Vec<AgentEvent>) {
        if stream == Stream::Stderr {
            self.stderr.keep(line);
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
        if let Some(session) = loose::session(text(json, "session_id")) {
            self.session = Some(session);
        }
        match text(json, "type") {
            "system" => return self.system(json, events),
            "stream_event" => self.stream_event(json, events),
            "assistant" => self.assistant(json, events),
            "user" if json.get("isReplay") == Some(&Value::Bool(true)) => {
                if std::mem::replace(&mut self.prompted, true) {
                    events.push(AgentEvent::Told { message: text(json, "uuid").to_owned() });
                }
            }
            "user" => tools::results(json, events),
            "rate_limit_event" => self.rate_limit(json, events),
            "result" => self.result(json, events),
            "control_request" => return permission::asked(json, events),
            "control_cancel_request" => {
                events.push(AgentEvent::PermissionWithdrawn { request: text(json, "request_id").to_owned() });
            }
            "control_response" | "command_lifecycle" | "keep_alive" | "tool_progress" => {}
            _ => return false,
        }
        true
    }

    fn system(&mut self, json: &Json, events: &mut Vec<AgentEvent>) -> bool {
        let notice = |text: &str| (!text.is_empty()).then(|| AgentEvent::Notice { text: text.to_owned() });
        match text(json, "subtype") {
            "init" => {
                self.open = true;
                if let Some(session) = self.session.clone() {
                    let model = json.get("model").and_then(Value::as_str).map(str::to_owned);
                    let version = json.get("claude_code_version").and_then(Value::as_str).map(str::to_owned);
                    events.push(AgentEvent::Session { session, model, version });
                }
                let failed =
                    |name| format!("The tool {name} did not start, and so the agent does without it.");
                events.extend(failed_tools(json).flat_map(|name| notice(&failed(name))));
            }
            "api_retry" => {
                self.blocks.withdraw(events);
                events.push(self.retrying(json));
            }
            "permission_denied" => events.push(AgentEvent::PermissionDenied {
                tool: text(json, "tool_name").to_owned(),
                why: text(json, "message").to_owned(),
            }),
            "model_fallback" | "informational" => events.extend(notice(text(json, "content"))),
            "task_started" => {
                events.extend(notice(&format!("In the background: {}", text(json, "description"))));
            }
            "task_notification" => events.extend(notice(text(json, "summary"))),
            "compact_boundary" => events.extend(notice("The conversation was compacted to fit the model.")),
            "hook_response" if text(json, "outcome") != "success" => {
                events.extend(notice(&format!(
                    "The hook {} failed: {}",
                    text(json, "hook_name"),
                    text(json, "stderr")
                )));
            }
            "status"
            | "thinking_tokens"
            | "task_progress"
            | "task_updated"
            | "background_tasks_changed"
            | "hook_started"
            | "hook_response"
            | "ui_invalidate" => {}
            _ => return false,
        }
        true
    }

    fn retrying(&self, json: &Json) -> AgentEvent {
        let status = number(json, "error_status");
        let code = text(json, "error");
        let class = result::told_by_code(code).or_else(|| status.and_then(fault::told_by_status));
        AgentEvent::Retrying {
            attempt: count(json, "attempt").unwrap_or(1),
            of: count(json, "max_retries"),
            delay: number(json, "retry_delay_ms").map(Millis),
            class: class.unwrap_or(ErrorClass::Unknown),
            message: status.map_or_else(|| code.to_owned(), |status| format!("{code} ({status})")),
        }
    }

    fn stream_event(&mut self, json: &Json, events: &mut Vec<AgentEvent>) {
        // A subagent's text comes whole, if at all.
        if let Some(event) = child(json, "event").filter(|_| !is_subagent(json)) {
            self.open = true;
            if let Some(usage) = child(event, "usage").filter(|_| text(event, "type") == "message_delta") {
                self.tokens = self.tokens.with(result::tokens(usage), u64::saturating_add);
            }
            self.said |= self.blocks.streamed(event, text(json, "api_message_id"), events);
        }
    }

    fn assistant(&mut self, json: &Json, events: &mut Vec<AgentEvent>) {
        let Some(message) = child(json, "message") else { return };
        let blocks = message.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let sub = is_subagent(json);
        if text(message, "model") == "<synthetic>" {
            return self.synthetic(json, blocks, events);
        }
        let id = text(message, "id");
        if !sub {
            self.open = true;
            self.blocks.begins(id, events);
        }
        for block in blocks.iter().filter_map(Value::as_object) {
            self.said = true;
            match text(block, "type") {
                "text" if sub => {
                    events.push(AgentEvent::Notice {
                        text: format!("A subagent says: {}", text(block, "text")),
                    });
                }
                "thinking" if sub => {}
                "text" => {
                    self.last_text = text(block, "text").to_owned();
                    let message = self.blocks.whole(blocks::Kind::Text);
                    events.push(AgentEvent::Message { message, text: self.last_text.clone() });
                }
                "thinking" => {
                    let message = self.blocks.whole(blocks::Kind::Thinking);
                    events.push(AgentEvent::Thinking { message, text: text(block, "thinking").to_owned() });
                }
                kind => {
                    if !sub {
                        self.blocks.whole(blocks::Kind::Other);
                    }
                    if matches!(kind, "tool_use" | "server_tool_use" | "mcp_tool_use") {
                        events.push(tools::call(block, sub));
                    }
                }
            }
        }
    }

    /// A message that Claude wrote in the model's place: mostly an error, which its result will repeat.
    fn synthetic(&mut self, json: &Json, blocks: &[Value], events: &mut Vec<AgentEvent>) {
        let words = blocks.iter().filter_map(Value::as_object).map(|block| text(block, "text"));
        let message = words.collect::<Vec<_>>().join("\n");
        let code = text(json, "error");
        if code.is_empty() {
            events.push(AgentEvent::Notice { text: message });
        } else {
            let class = result::class(json, code, &message);
            self.fault = Some((code.to_owned(), AgentError { class, message, until: self.limited_until }));
        }
    }

    fn rate_limit(&mut self, json: &Json, events: &mut Vec<AgentEvent>) {
        let Some(limit) = child(json, "rate_limit_info") else { return };
        let until = number(limit, "resetsAt").map(Millis::from_secs);
        let standing = match text(limit, "status") {
            "rejected" => LimitStanding::Reached,
            "allowed_warning" => LimitStanding::Near,
            _ => return,
        };
        if standing == LimitStanding::Reached {
            self.limited_until = until;
        }
        let window = limit.get("rateLimitType").and_then(Value::as_str).map(str::to_owned);
        events.push(AgentEvent::RateLimit { standing, until, window });
    }

    /// How the run came out; what the last result says stands, unless another turn had begun after it.
    pub fn report(&mut self, end: &RunEnd) -> TurnReport {
        let last = self.end.clone().filter(|_| !self.open);
        let turn = last.unwrap_or_else(|| {
            let former = self.end.clone().unwrap_or_default();
            let reported = self.fault.clone().map(|(_, error)| error);
            let error = fault::without_result(fault::Ended {
                harness: self.harness,
                end,
                said: self.said,
                stderr: &self.stderr,
                reported,
            });
            TurnEnd {
                final_text: self.last_text.clone(),
                error: Some(error),
                turns: self.blocks.begun(),
                ..former
            }
        });
        TurnReport {
            final_text: turn.final_text,
            structured: turn.structured,
            error: turn.error,
            session: self.session.clone(),
            cost: self.cost,
            turns: turn.turns.max(self.turns),
            unknown_lines: self.unknown,
        }
    }
}

/// The names of tool servers that Claude could not start.
fn failed_tools(json: &Json) -> impl Iterator<Item = &str> {
    let servers = json.get("mcp_servers").and_then(Value::as_array).into_iter().flatten();
    let failed = servers.filter_map(Value::as_object).filter(|server| text(server, "status") == "failed");
    failed.map(|server| text(server, "name"))
}

fn is_subagent(json: &Json) -> bool {
    !text(json, "parent_tool_use_id").is_empty()
}
