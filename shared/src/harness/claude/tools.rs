//! Tool calls, their results, and what Claude itself puts into the conversation.

use serde_json::Value;

use super::{Json, is_subagent};
use crate::agent::{AgentEvent, ToolOutcome};
use crate::harness::loose::{self, child, text};

/// `sub`: made by a subagent.
pub(super) fn call(block: &Json, sub: bool) -> AgentEvent {
    let tool = text(block, "name").to_owned();
    let input = block.get("input").cloned().unwrap_or_default();
    let about = title(&input).unwrap_or_else(|| tool.clone());
    let title = if sub { format!("subagent: {about}") } else { about };
    AgentEvent::ToolCall { call: text(block, "id").to_owned(), tool, title, input }
}

/// What a call is about, in a few words: the first field that tells it.
pub(super) fn title(input: &Value) -> Option<String> {
    const TELLING: [&str; 9] =
        ["command", "file_path", "notebook_path", "path", "pattern", "url", "query", "description", "prompt"];
    let input = input.as_object()?;
    let told = TELLING.iter().map(|key| text(input, key)).find(|told| !told.is_empty())?;
    Some(loose::first_line(told, 80))
}

/// Results of tools, and texts that Claude itself puts into the conversation.
pub(super) fn results(json: &Json, events: &mut Vec<AgentEvent>) {
    let content = child(json, "message").and_then(|message| message.get("content"));
    if let Some(Value::String(text)) = content {
        events.push(AgentEvent::Notice { text: text.clone() });
    }
    let blocks = content.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for block in blocks.iter().filter_map(Value::as_object) {
        match text(block, "type") {
            "tool_result" => {
                let failed = block.get("is_error").and_then(Value::as_bool).unwrap_or(false);
                events.push(AgentEvent::ToolResult {
                    call: text(block, "tool_use_id").to_owned(),
                    outcome: if failed { ToolOutcome::Failed } else { ToolOutcome::Succeeded },
                    text: shown(block.get("content")),
                });
            }
            "text" if !is_subagent(json) => {
                events.push(AgentEvent::Notice { text: text(block, "text").to_owned() })
            }
            _ => {}
        }
    }
}

/// A tool result's content as text: a text, or parts of which some may be pictures.
fn shown(content: Option<&Value>) -> String {
    match content {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let part = |part: &Value| match part.as_object() {
                Some(part) if text(part, "type") == "text" => text(part, "text").to_owned(),
                Some(part) => format!("[{}]", text(part, "type")),
                None => part.to_string(),
            };
            parts.iter().map(part).collect::<Vec<_>>().join("\n")
        }
        Some(other) => other.to_string(),
    }
}
