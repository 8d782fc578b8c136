//! `codex app-server` (seen: 0.169.0): JSON-RPC by lines, without `"jsonrpc"`. Deltas, tokens after each request and limits come
//! while a turn goes on, and what it asks to be allowed waits for an answer. One process has one thread of its own; those of its
//! subagents speak on the same lines.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::super::fault;
use super::super::loose::{self, child, number, text};
use super::{ASKED, Json, Reader, TURN, permission, reset};
use crate::agent::{
    AgentError, AgentEvent, ErrorClass, HarnessId, LimitStanding, Progress, Tokens, UsageScope,
};
use crate::id::SessionId;
use crate::unit::Millis;

/// Threads whose tokens are kept apart; what further ones use is not counted.
const THREADS: usize = 256;
/// Turns that are remembered to be over, so that reading one again counts nothing twice.
const TURNS: usize = 64;
/// Of a hundred parts of a limit so many are near it.
const NEAR: u64 = 90;
/// Items that tell of Codex itself, or again what others told.
const WITHIN: [&str; 7] = [
    "contextCompaction",
    "enteredReviewMode",
    "exitedReviewMode",
    "functionCallOutput",
    "hookPrompt",
    "sleep",
    "subAgentActivity",
];
/// What messages that nothing is read from are about.
const ABOUT: [&str; 17] = [
    "account",
    "app",
    "autoApprovalReview",
    "externalAgentConfig",
    "hook",
    "item",
    "mcpServer",
    "model",
    "modelProvider",
    "process",
    "project",
    "remoteControl",
    "skills",
    "thread",
    "turn",
    "windows",
    "windowsSandbox",
];

/// What a process has told of its turns so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Dialog {
    /// As it was named; a session once a turn has begun in it.
    thread: Option<SessionId>,
    model: Option<String>,
    version: Option<String>,
    /// The turn that was asked for, and whether it goes on. What begins beside it is nobody's: it only costs.
    asked: Option<String>,
    turn: Option<String>,
    /// Where it works, by its own word.
    folder: String,
    /// The tokens of each thread in this process. Bounded by [`THREADS`].
    threads: BTreeMap<String, Thread>,
    /// What turns that are over told of them.
    reported: Tokens,
    /// Turns that are over; bounded by [`TURNS`].
    over: VecDeque<String>,
    /// Requests to the model that have begun.
    pub requests: u32,
    /// How the account's limits were last told to stand.
    limit: Option<(LimitStanding, Option<Millis>)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Thread {
    /// What it had used before this process; nothing as long as it has not told.
    before: Option<Tokens>,
    total: Tokens,
    /// A request of it is not over.
    requesting: bool,
}

impl Dialog {
    pub fn progress(&self) -> Progress {
        let each = self.used();
        Progress { requests: self.requests, tokens: each.input.saturating_add(each.output), each }
    }

    fn used(&self) -> Tokens {
        self.threads.values().fold(Tokens::default(), |sum, Thread { before, total, .. }| {
            sum.with(total.with(before.unwrap_or_default(), u64::saturating_sub), u64::saturating_add)
        })
    }

    fn thread(&mut self, name: &str) -> Option<&mut Thread> {
        let room = self.threads.contains_key(name) || self.threads.len() < THREADS;
        room.then(|| self.threads.entry(name.to_owned()).or_default())
    }

    /// Something of an answer to this thread has come.
    fn requests_more(&mut self, thread: &str) {
        let begins =
            self.thread(thread).is_some_and(|thread| !std::mem::replace(&mut thread.requesting, true));
        self.requests = self.requests.saturating_add(u32::from(begins));
    }

    /// A request of this thread is over. At first a session that goes on tells what it used in an earlier turn.
    fn used_more(&mut self, thread: &str, earlier: bool, usage: &Json) {
        let (Some(total), Some(last)) = (child(usage, "total"), child(usage, "last")) else { return };
        let (total, last) = (tokens(total), tokens(last));
        let Some(told) = self.thread(thread) else { return };
        let news = !earlier && told.total != total;
        let last = if earlier { Tokens::default() } else { last };
        told.before.get_or_insert(total.with(last, u64::saturating_sub));
        told.total = told.total.with(total, u64::max);
        if news {
            self.requests_more(thread);
            self.thread(thread).into_iter().for_each(|thread| thread.requesting = false);
        }
    }
}

/// Codex counts what its cache gave as input too.
fn tokens(of: &Json) -> Tokens {
    let of = |key| number(of, key).unwrap_or(0);
    let cached = of("cachedInputTokens");
    Tokens {
        input: of("inputTokens").saturating_sub(cached),
        output: of("outputTokens"),
        cache_read: cached,
        cache_write: of("cacheWriteInputTokens"),
    }
}

impl Reader {
    /// Whether the line is a message that is understood, or needs no understanding.
    pub(super) fn message(&mut self, json: &Json, events: &mut Vec<AgentEvent>) -> bool {
        let none = Json::new();
        let params = child(json, "params").unwrap_or(&none);
        match (text(json, "method"), json.get("id")) {
            ("", Some(id)) => self.answered(id, json, events),
            ("", None) => false,
            (method, Some(id)) => {
                let changes = self.changes.get(text(params, "itemId")).map(Vec::as_slice).unwrap_or_default();
                let about =
                    permission::About { folder: &self.dialog.folder, changes, calling: &self.calling };
                let ask = permission::asked(id, method, params, about);
                let known = ask.is_some();
                events.extend(ask.map(|ask| AgentEvent::PermissionAsked { ask }));
                known
            }
            (method, None) => self.told(method, params, events),
        }
    }

    /// The answer to a request of ours.
    fn answered(&mut self, id: &Value, json: &Json, events: &mut Vec<AgentEvent>) -> bool {
        let begins = id == ASKED || id == TURN;
        if let Some(error) = child(json, "error") {
            // A word that came too late goes to the next turn by itself.
            if begins && self.end.is_none() {
                let error = self.error_of(error);
                self.turn_ended(Some(error), events);
            }
            return true;
        }
        let Some(result) = child(json, "result") else { return false };
        if id == TURN {
            self.dialog.asked = child(result, "turn").map(|turn| text(turn, "id").to_owned());
        }
        if id == ASKED
            && let Some(thread) = child(result, "thread")
            && let Some(session) = loose::session(text(thread, "id"))
        {
            let named = |from: &Json, key| Some(text(from, key).to_owned()).filter(|text| !text.is_empty());
            text(result, "cwd").clone_into(&mut self.dialog.folder);
            (self.dialog.model, self.dialog.version) = (named(result, "model"), named(thread, "cliVersion"));
            self.dialog.thread = Some(session);
        }
        true
    }

    fn told(&mut self, method: &str, params: &Json, events: &mut Vec<AgentEvent>) -> bool {
        let thread = text(params, "threadId");
        let own = thread.is_empty() || self.dialog.thread.as_ref().is_none_or(|own| own.as_str() == thread);
        let item = || text(params, "itemId").to_owned();
        let delta = || text(params, "delta").to_owned();
        match method {
            "turn/started" | "turn/completed" if own && !self.is_asked(params) => {
                // Once a turn is over that nobody asked for, what it cost is told all the same.
                if method == "turn/completed" {
                    self.usage_told(params, events);
                }
            }
            "turn/started" if own => {
                let turn = child(params, "turn").map_or("", |turn| text(turn, "id")).to_owned();
                (self.end, self.said) = (None, false);
                self.last_text.clear();
                self.dialog.turn = Some(turn.clone());
                // Only now has it read its prompt, and is there something to go on with.
                self.session = self.dialog.thread.clone().or_else(|| loose::session(thread));
                if let Some(session) = self.session.clone() {
                    let (model, version) = (self.dialog.model.clone(), self.dialog.version.clone());
                    events.push(AgentEvent::Session { session, model, version });
                }
                events.push(AgentEvent::TurnBegan { turn });
            }
            "turn/completed" if own => {
                self.usage_told(params, events);
                if let Some(turn) = child(params, "turn") {
                    self.turn_completed(turn, events);
                }
            }
            "item/started" | "item/completed" => {
                let done = method == "item/completed";
                if !done && child(params, "item").is_some_and(|item| text(item, "type") != "userMessage") {
                    self.dialog.requests_more(thread);
                }
                return child(params, "item").is_some_and(|item| self.item_told(item, own, done, events));
            }
            "item/agentMessage/delta" if own => {
                self.dialog.requests_more(thread);
                events.push(AgentEvent::TextDelta { message: item(), text: delta() });
            }
            "item/reasoning/textDelta" | "item/reasoning/summaryTextDelta" if own => {
                self.dialog.requests_more(thread);
                events.push(AgentEvent::ThinkingDelta { message: item(), text: delta() });
            }
            "item/fileChange/patchUpdated" => self.remember(&item(), files(params), false),
            "thread/tokenUsage/updated" => {
                let turn = self.dialog.turn.as_deref().or(self.dialog.asked.as_deref());
                let earlier =
                    own && turn.is_none_or(|turn| turn != text(params, "turnId")) && self.end.is_none();
                if let Some(usage) = child(params, "tokenUsage") {
                    self.dialog.used_more(thread, earlier, usage);
                }
            }
            "account/rateLimits/updated" => self.limits_told(params, events),
            "error" if own => self.error_told(params, events),
            "turn/plan/updated" if own => events.push(AgentEvent::Notice { text: plan(params) }),
            "serverRequest/resolved" => {
                let request = params.get("requestId").map_or_else(String::new, permission::request);
                events.push(AgentEvent::PermissionWithdrawn { request });
            }
            "mcpServer/startupStatus/updated" if text(params, "status") == "failed" => {
                let name = text(params, "name");
                let text = format!("The tool {name} did not start, and so the agent does without it.");
                events.push(AgentEvent::Notice { text });
            }
            "model/rerouted" => {
                let text = format!(
                    "{} answers in the place of {}.",
                    text(params, "toModel"),
                    text(params, "fromModel")
                );
                events.push(AgentEvent::Notice { text });
            }
            "warning" | "guardianWarning" => {
                events.push(AgentEvent::Notice { text: text(params, "message").to_owned() });
            }
            // About the machine, at every start; it may explain a failure.
            "configWarning" | "deprecationNotice" => {
                let summary = Some(text(params, "summary")).filter(|summary| !super::is_chatter(summary));
                summary.into_iter().for_each(|summary| self.stderr.say(summary));
            }
            // All else is for those who draw more of it than we do.
            _ => return method.split_once('/').is_some_and(|(about, _)| ABOUT.contains(&about)),
        }
        true
    }

    fn item_told(&mut self, item: &Json, own: bool, done: bool, events: &mut Vec<AgentEvent>) -> bool {
        if text(item, "type") == "userMessage" {
            let message = text(item, "clientId");
            if own && !done && !message.is_empty() {
                events.push(AgentEvent::Told { message: message.to_owned() });
            }
            return true;
        }
        if text(item, "type") == "mcpToolCall" {
            self.calling = if done { String::new() } else { text(item, "id").to_owned() };
        }
        if text(item, "type") == "fileChange" {
            self.remember(text(item, "id"), files(item), done);
        }
        if let Some(kind) = Some(text(item, "type")).filter(|kind| WITHIN.contains(kind)) {
            if kind == "contextCompaction" && done {
                let text = "The conversation was compacted to fit the model.".to_owned();
                events.push(AgentEvent::Notice { text });
            }
            return true;
        }
        let item = as_exec(item);
        if own || text(&item, "type") != "agent_message" {
            return self.item(&item, done, events);
        }
        if done {
            let text = format!("A subagent says: {}", text(&item, "text"));
            events.push(AgentEvent::Notice { text });
        }
        true
    }

    /// The files of a change, for as long as somebody may be asked about it.
    fn remember(&mut self, item: &str, paths: Vec<String>, done: bool) {
        if done {
            self.changes.remove(item);
        } else if self.changes.len() < super::CALLS_KEPT {
            self.changes.insert(item.to_owned(), paths);
        }
    }

    /// It is the turn that was asked for, as far as that was told.
    fn is_asked(&self, params: &Json) -> bool {
        let turn = child(params, "turn").map_or("", |turn| text(turn, "id"));
        self.dialog.asked.as_deref().is_none_or(|asked| asked == turn)
    }

    /// What was used since the last turn was over, once for each.
    fn usage_told(&mut self, params: &Json, events: &mut Vec<AgentEvent>) {
        let id = child(params, "turn").map_or("", |turn| text(turn, "id")).to_owned();
        if self.dialog.over.contains(&id) {
            return;
        }
        if self.dialog.over.len() >= TURNS {
            self.dialog.over.pop_front();
        }
        self.dialog.over.push_back(id);
        let used = self.dialog.used();
        let tokens = used.with(self.dialog.reported, u64::saturating_sub);
        self.dialog.reported = used;
        events.push(AgentEvent::Usage { tokens, scope: UsageScope::Turn, cost: None });
    }

    fn turn_completed(&mut self, turn: &Json, events: &mut Vec<AgentEvent>) {
        self.dialog.turn = None;
        self.turns = self.dialog.requests;
        let error = match text(turn, "status") {
            "failed" => {
                let error = child(turn, "error").map(|error| self.error_of(error));
                let unsaid = || AgentError {
                    class: ErrorClass::Unknown,
                    message: format!("{} says that its turn failed, and not why.", HarnessId::Codex),
                    until: None,
                };
                Some(error.or_else(|| self.reported.clone()).unwrap_or_else(unsaid))
            }
            "interrupted" => Some(AgentError {
                class: ErrorClass::Interrupted,
                message: format!("{} was interrupted before it was done.", HarnessId::Codex),
                until: None,
            }),
            _ => (!self.said).then(super::nothing_said),
        };
        if let Some(AgentError { class: ErrorClass::RateLimit, until, .. }) = &error {
            let (until, standing) = (*until, LimitStanding::Reached);
            events.push(AgentEvent::RateLimit { standing, until, window: None });
        }
        self.turn_ended(error, events);
    }

    /// What it tries again by itself; another error is told by the end of its turn.
    fn error_told(&mut self, params: &Json, events: &mut Vec<AgentEvent>) {
        let Some(told) = child(params, "error") else { return };
        let error = self.error_of(told);
        if params.get("willRetry") == Some(&Value::Bool(true)) {
            let counted = text(told, "message").rsplit(' ').next().and_then(|word| word.split_once('/'));
            let (attempt, of) = counted.map_or((None, None), |(n, of)| (n.parse().ok(), of.parse().ok()));
            let details = text(told, "additionalDetails");
            let message = if details.is_empty() { &error.message } else { details };
            events.push(AgentEvent::Retrying {
                attempt: attempt.unwrap_or(1),
                of,
                delay: None,
                class: error.class,
                message: message.to_owned(),
            });
        }
        self.reported = Some(error);
    }

    fn limits_told(&mut self, params: &Json, events: &mut Vec<AgentEvent>) {
        let Some(limits) = child(params, "rateLimits") else { return };
        let windows = ["primary", "secondary"].into_iter().filter_map(|name| child(limits, name));
        let used = |window: &&Json| number(window, "usedPercent").unwrap_or(0);
        let Some(window) = windows.max_by_key(used).filter(|window| used(window) >= NEAR) else { return };
        let standing = if used(&window) >= 100 { LimitStanding::Reached } else { LimitStanding::Near };
        let until = number(window, "resetsAt").map(Millis::from_secs);
        if self.dialog.limit.replace((standing, until)) != Some((standing, until))
            && standing == LimitStanding::Near
        {
            let window = number(window, "windowDurationMins").map(|minutes| match minutes {
                0..120 => format!("{minutes} minutes"),
                120..2_880 => format!("{} hours", minutes / 60),
                _ => format!("{} days", minutes / 1_440),
            });
            events.push(AgentEvent::RateLimit { standing, until, window });
        }
    }

    /// An error by its words, or by what is said beside them.
    fn error_of(&self, error: &Json) -> AgentError {
        let (message, details) = (text(error, "message"), text(error, "additionalDetails"));
        let mut told = super::error_of(if details.is_empty() { message } else { details });
        if !details.is_empty() {
            message.clone_into(&mut told.message);
        }
        if told.class == ErrorClass::Unknown
            && let Some(class) = error.get("codexErrorInfo").and_then(class_of)
        {
            told.class = class;
        }
        if told.class == ErrorClass::RateLimit {
            // The limits name the second, the words the minute of some zone.
            let limit = self.dialog.limit.filter(|(standing, _)| *standing == LimitStanding::Reached);
            told.until = limit.and_then(|(_, until)| until).or_else(|| reset::told_by(message));
        }
        told
    }
}

/// `codexErrorInfo`: a name, or one with the status of the service's answer.
fn class_of(info: &Value) -> Option<ErrorClass> {
    if let Some(name) = info.as_str() {
        return match name {
            "contextWindowExceeded" => Some(ErrorClass::ContextOverflow),
            "usageLimitExceeded" => Some(ErrorClass::RateLimit),
            "serverOverloaded" | "internalServerError" => Some(ErrorClass::Overload),
            "unauthorized" => Some(ErrorClass::Auth),
            _ => None,
        };
    }
    let answer = info.as_object()?.values().next()?.as_object()?;
    let status = number(answer, "httpStatusCode");
    status.map_or(Some(ErrorClass::Network), fault::told_by_status)
}

/// The files of a change; where one is moved to is changed as well.
fn files(change: &Json) -> Vec<String> {
    let each = change.get("changes").and_then(Value::as_array).into_iter().flatten();
    let paths = each.filter_map(Value::as_object).flat_map(|file| {
        let moved = child(file, "kind").map_or("", |kind| text(kind, "move_path"));
        [text(file, "path"), moved].into_iter().filter(|path| !path.is_empty())
    });
    paths.map(str::to_owned).collect()
}

/// The plan that its agent keeps, as a list.
fn plan(params: &Json) -> String {
    let steps = params.get("plan").and_then(Value::as_array).into_iter().flatten();
    let steps = steps.filter_map(Value::as_object).map(|step| {
        let done = text(step, "status") == "completed";
        format!("- [{}] {}", if done { 'x' } else { ' ' }, text(step, "step"))
    });
    steps.collect::<Vec<_>>().join("\n")
}

/// The items are those of `exec`, in other letters.
fn as_exec(item: &Json) -> Json {
    let mut written: Json = item.iter().map(|(key, value)| (snake(key), value.clone())).collect();
    let kind = snake(text(item, "type"));
    if kind == "reasoning" {
        let parts = |key| item.get(key).and_then(Value::as_array).into_iter().flatten();
        let parts: Vec<&str> = parts("summary").chain(parts("content")).filter_map(Value::as_str).collect();
        written.insert("text".to_owned(), parts.join("\n\n").into());
    }
    for change in written.get_mut("changes").and_then(Value::as_array_mut).into_iter().flatten() {
        let named = change.pointer("/kind/type").cloned();
        if let (Some(named), Some(change)) = (named, change.as_object_mut()) {
            change.insert("kind".to_owned(), named);
        }
    }
    written.insert("type".to_owned(), kind.into());
    written
}

fn snake(camel: &str) -> String {
    let mut snake = String::with_capacity(camel.len() + 4);
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
