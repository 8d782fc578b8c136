//! What Codex asks its client to allow, and the client's answer.

use serde_json::{Value, json};

use super::{Json, WORD, steer};
use crate::harness::Ongoing;
use crate::harness::loose::{child, short, text, whole};
use crate::permission::shell::{Word, segments};
use crate::permission::{Ask, Deed, LONGEST, Permit};

/// As the conversation names them too.
pub(super) const SHELL: &str = "shell";
pub(super) const EDIT: &str = "edit";

/// The longest id that can be answered, and the longest name, in bytes.
const ID: usize = 200;

/// What says no more of a command than which it is and where it runs.
const PLAIN: [&str; 13] = [
    "approvalId",
    "availableDecisions",
    "command",
    "commandActions",
    "cwd",
    "environmentId",
    "itemId",
    "kind",
    "proposedExecpolicyAmendment",
    "reason",
    "startedAtMs",
    "threadId",
    "turnId",
];
/// What is not for people.
const WITHIN: [&str; 8] = [
    "approvalId",
    "availableDecisions",
    "commandActions",
    "environmentId",
    "itemId",
    "startedAtMs",
    "threadId",
    "turnId",
];

/// The request by which it is answered: the id as JSON, for a number is another one than its digits.
pub(super) fn request(id: &Value) -> String {
    id.to_string()
}

/// What was told before that a question is about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    /// Where the agent works.
    pub folder: &'a str,
    /// The files of the item that is named.
    pub changes: &'a [String],
    /// The call of a tool, which is not named.
    pub calling: &'a str,
}

/// A question of Codex. Nothing for one that is not known.
pub(super) fn asked(id: &Value, method: &str, params: &Json, about: About<'_>) -> Option<Ask> {
    let item = text(params, "itemId");
    let (call, tool, deed) = match method {
        "item/commandExecution/requestApproval" => (item, SHELL.to_owned(), command(params, about.folder)),
        "item/fileChange/requestApproval" => (item, EDIT.to_owned(), change(params, about.changes)),
        "mcpServer/elicitation/request" => {
            let (tool, deed) = use_of(params);
            (about.calling, tool, deed)
        }
        _ => return None,
    };
    let request = request(id);
    (request.len() <= ID).then(|| Ask { request, call: short(call, ID), tool: short(&tool, ID), deed })
}

fn command(params: &Json, folder: &str) -> Deed {
    let said = |key: &str| params.get(key).is_some_and(|value| !value.is_null());
    let plain = params.keys().all(|key| PLAIN.contains(&key.as_str()) || !said(key));
    let here = !folder.is_empty() && text(params, "cwd") == folder;
    let kind = matches!(text(params, "kind"), "" | "command");
    match script(text(params, "command")) {
        Some(line) if plain && here && kind && line.len() <= LONGEST => Deed::Command { line },
        _ => whole_of(params),
    }
}

/// The line that its shell is given: Codex runs `/bin/bash -lc 'LINE'` and writes the words as a shell would read them.
/// Nothing where that is not certain.
pub(super) fn script(command: &str) -> Option<String> {
    let segments = segments(command)?;
    let [segment] = &segments[..] else { return None };
    let [Word::Plain(shell), Word::Plain(option), Word::Plain(line)] = &segment.words[..] else {
        return None;
    };
    let name = shell.rsplit_once('/').map_or(shell.as_str(), |(_, name)| name);
    let known = matches!(name, "bash" | "zsh" | "sh") && matches!(option.as_str(), "-lc" | "-c");
    (known && !segment.writes).then(|| line.clone())
}

fn change(params: &Json, changes: &[String]) -> Deed {
    match changes {
        [path] if params.get("grantRoot").is_none_or(Value::is_null) && path.len() <= LONGEST => {
            Deed::Edit { path: path.clone() }
        }
        _ => {
            let files = if changes.is_empty() { json!("not told") } else { json!(changes.join(", ")) };
            let beside =
                params.iter().filter(|(key, value)| !WITHIN.contains(&key.as_str()) && !value.is_null());
            let mut all: Json = beside.map(|(key, value)| (key.clone(), value.clone())).collect();
            all.insert("files".to_owned(), files);
            Deed::Use { about: whole(&Value::Object(all)) }
        }
    }
}

/// A tool of the person's own, or its question.
fn use_of(params: &Json) -> (String, Deed) {
    let (server, meta) = (text(params, "serverName"), child(params, "_meta"));
    let called = meta.filter(|meta| text(meta, "codex_approval_kind") == "mcp_tool_call");
    match called {
        Some(meta) => {
            let given = meta.get("tool_params").unwrap_or(&Value::Null);
            (format!("mcp__{server}__{}", text(meta, "tool_name")), Deed::Use { about: whole(given) })
        }
        None => (format!("mcp__{server}"), whole_of(params)),
    }
}

fn whole_of(params: &Json) -> Deed {
    let told = params.iter().filter(|(key, value)| !WITHIN.contains(&key.as_str()) && !value.is_null());
    let told: Json = told.map(|(key, value)| (key.clone(), value.clone())).collect();
    Deed::Use { about: whole(&Value::Object(told)) }
}

/// The lines that answer it. Codex tells its agent only that it may not; `word` goes before that, so that it reads why.
pub(in crate::harness) fn answer(ask: &Ask, turn: Ongoing<'_>, permit: Permit, word: &str) -> Option<String> {
    let id: Value = serde_json::from_str(&ask.request).ok()?;
    let decides = ask.tool == SHELL || ask.tool == EDIT;
    let result = match (permit, decides) {
        (Permit::Allow, true) => json!({"decision": "accept"}),
        (Permit::Deny, true) => json!({"decision": "decline"}),
        (Permit::Allow, false) => json!({"action": "accept", "content": {}}),
        (Permit::Deny, false) => json!({"action": "decline"}),
    };
    let why = if permit == Permit::Deny { steer(turn, WORD, None, word) } else { None };
    Some(format!("{}{}\n", why.unwrap_or_default(), json!({"id": id, "result": result})))
}
