//! What Claude asks its host to allow, and the host's answer, over its standard input and output.

use serde_json::{Value, json};

use super::Json;
use crate::agent::AgentEvent;
use crate::harness::loose::{child, short, text, whole};
use crate::permission::{Ask, Deed, LONGEST, Nature, Permit};

/// The longest id that can be answered, in bytes; Claude's are UUIDs.
const ID: usize = 200;
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
    let about = || Deed::Use { about: whole(input) };
    let Some(fields) = input.as_object() else { return about() };
    let path = || {
        let named = ["file_path", "notebook_path", "path"].map(|key| text(fields, key)).into_iter();
        named.filter(|path| !path.is_empty() && path.len() <= LONGEST).map(str::to_owned).next()
    };
    match Nature::of(tool) {
        // Something may be said of the command that rules do not know, such as that it leaves the sandbox.
        Nature::Commands if fields.keys().all(|key| PLAIN.contains(&key.as_str())) => {
            match text(fields, "command") {
                line if line.len() <= LONGEST => Deed::Command { line: line.to_owned() },
                _ => about(),
            }
        }
        Nature::Edits => path().map_or_else(about, |path| Deed::Edit { path }),
        Nature::Reads if tool != "Glob" || stays(text(fields, "pattern")) => {
            path().map_or_else(about, |path| Deed::Read { path })
        }
        Nature::Commands | Nature::Reads | Nature::Other => about(),
    }
}

/// What a pattern finds lies below where it begins, however its braces are read.
fn stays(pattern: &str) -> bool {
    let leaves = ["..", "\\", "{.", ",.", ".,", ".}", "{,", ",,", ",}", "{}", "{/", ",/", "{~", ",~"];
    !pattern.starts_with(['/', '~']) && !leaves.into_iter().any(|part| pattern.contains(part))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::loose::ABOUT;

    fn used(tool: &str, input: Value) -> Option<String> {
        match deed(tool, &input) {
            Deed::Use { about } => Some(about),
            _ => None,
        }
    }

    #[test]
    fn a_call_that_rules_do_not_know_is_shown_whole() {
        let about = used("Task", json!({"prompt": "Do\nit", "model": "opus", "n": 2})).unwrap_or_default();
        let mut lines: Vec<&str> = about.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["model: opus", "n: 2", "prompt: \"Do\\nit\""]);
        let long = used("Bash", json!({"command": "x".repeat(LONGEST + 1)})).unwrap_or_default();
        let cut = "command: ".len() + LONGEST + 1 - ABOUT;
        assert!(long.ends_with(&format!("x\n… and {cut} more characters that are not shown")), "{long}");
        assert!(used("Bash", json!({"command": "ls", "dangerouslyDisableSandbox": true})).is_some());
    }

    #[test]
    fn a_pattern_that_may_leave_its_folder_is_no_look_below_it() {
        for pattern in ["../*", "/etc/*", "~/x", "a/.{.,x}/*", ".{,x}./*", "{/etc,..}/*", "{/etc,/usr}/*"] {
            assert!(used("Glob", json!({"path": "src", "pattern": pattern})).is_some(), "{pattern}");
        }
        for pattern in ["**/*.rs", "*.{ts,tsx}", "a.{test,spec}.ts"] {
            assert_eq!(used("Glob", json!({"path": "src", "pattern": pattern})), None, "{pattern}");
        }
    }
}
