//! The Responses API, as far as Codex uses it: a streamed answer of one output item.

use serde_json::{Value, json};

use super::Step;

/// The newest words of the person and how often the model answered them already.
pub(super) fn prompt(body: &Value) -> (String, usize) {
    let mut done = 0;
    for item in body["input"].as_array().into_iter().flatten().rev() {
        match (item["type"].as_str(), item["role"].as_str()) {
            (Some("function_call" | "custom_tool_call"), _) | (_, Some("assistant")) => done += 1,
            (_, Some("user")) => {
                let texts =
                    item["content"].as_array().into_iter().flatten().filter_map(|part| part["text"].as_str());
                // What the CLI itself tells of its surroundings is wrapped in tags.
                let text: String = texts.filter(|text| !text.trim_start().starts_with('<')).collect();
                if !text.is_empty() {
                    return (text, done);
                }
            }
            _ => {}
        }
    }
    (String::new(), done)
}

pub(super) fn answer(body: &Value, step: Step, turn: usize) -> Vec<Value> {
    let id = format!("resp_stub_{turn}_{}", body["input"].as_array().map_or(0, Vec::len));
    let text = |text: String| json!({"type": "message", "id": format!("msg_{id}"), "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]});
    let item = match step {
        Step::Text(words) => text(words),
        Step::Structured(value) => text(value.to_string()),
        Step::Tool(name, arguments) => {
            // `mcp__SERVER/NAME` for what a tool server offers.
            let (server, name) =
                name.split_once('/').map_or((None, &*name), |(server, name)| (Some(server), name));
            let mut call = json!({"type": "function_call", "id": format!("fc_{id}"), "call_id": format!("call_{id}"), "name": name, "arguments": arguments.to_string(), "status": "completed"});
            if let Some(server) = server {
                call["namespace"] = json!(server);
            }
            call
        }
    };
    let usage = json!({"input_tokens": 100, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 10, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 110});
    let response = |status: &str, output: Value, usage: Value| json!({"id": id, "object": "response", "created_at": 0, "status": status, "model": body["model"], "output": output, "usage": usage});
    vec![
        json!({"type": "response.created", "response": response("in_progress", json!([]), Value::Null)}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": response("completed", json!([item]), usage)}),
    ]
}
