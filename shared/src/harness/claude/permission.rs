//! What Claude asks its host to allow, and the host's answer, over its standard input and output.

use serde_json::{Value, json};

use super::{Json, tools};
use crate::agent::AgentEvent;
use crate::harness::loose::{child, short, text};
use crate::permission::{Ask, Deed, LONGEST, Permit};

/// The longest id that can be answered, in bytes; Claude's are UUIDs.
const ID: usize = 200;
const ABOUT: usize = 2_000;

/// What changes nothing about what a command does.
const PLAIN: [&str; 4] = ["command", "description", "timeout", "run_in_background"];

/// A question of the harness to its host; whether it is one that is understood or needs no answer.
pub(super) fn asked(json: &Json, events: &mut Vec<AgentEvent>) -> bool {
    let Some(request) = child(json, "request").filter(|request| text(request, "subtype") == "can_use_tool")
    else {
        return true;
    };
    let id = text(json, "request_id");
    if id.is_empty() || id.len() > ID {
        return false;
    }
    let tool = short(text(request, "tool_name"), ID);
    let deed = deed(&tool, request.get("input").unwrap_or(&Value::Null));
    let call = short(text(request, "tool_use_id"), ID);
    events.push(AgentEvent::PermissionAsked { ask: Ask { request: id.to_owned(), call, tool, deed } });
    true
}

fn deed(tool: &str, input: &Value) -> Deed {
    let about =
        || Deed::Use { about: tools::title(input).unwrap_or_else(|| short(&input.to_string(), ABOUT)) };
    let Some(fields) = input.as_object() else { return about() };
    let path = || {
        let named = ["file_path", "notebook_path", "path"].map(|key| text(fields, key)).into_iter();
        named.filter(|path| !path.is_empty() && path.len() <= LONGEST).map(str::to_owned).next()
    };
    match tool {
        "Bash" if fields.keys().all(|key| PLAIN.contains(&key.as_str())) => match text(fields, "command") {
            line if line.len() <= LONGEST => Deed::Command { line: line.to_owned() },
            line => Deed::Use { about: short(line, ABOUT) },
        },
        // Something is said of the command that rules do not know, such as that it leaves the sandbox.
        "Bash" => Deed::Use { about: short(&input.to_string(), ABOUT) },
        "Edit" | "MultiEdit" | "Write" | "NotebookEdit" => {
            path().map_or_else(about, |path| Deed::Edit { path })
        }
        "Read" | "Glob" | "Grep" | "LS" => path().map_or_else(about, |path| Deed::Read { path }),
        _ => about(),
    }
}

/// The line that answers it. `word` is told to the agent where it is denied.
pub(in crate::harness) fn answer(request: &str, permit: Permit, word: &str) -> String {
    let response = match permit {
        Permit::Allow => json!({"behavior": "allow"}),
        Permit::Deny => json!({"behavior": "deny", "message": word}),
    };
    let response = json!({"subtype": "success", "request_id": request, "response": response});
    format!("{}\n", json!({"type": "control_response", "response": response}))
}
