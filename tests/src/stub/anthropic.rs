//! The Messages API, as far as Claude Code uses it: a streamed answer of one content block.

use serde_json::{Value, json};

use super::Step;

/// The newest words of the person and how often the model answered them already.
pub(super) fn prompt(body: &Value) -> (String, usize) {
    let mut done = 0;
    for message in body["messages"].as_array().into_iter().flatten().rev() {
        match message["role"].as_str() {
            Some("assistant") => done += 1,
            Some("user") => {
                if let Some(text) = words(&message["content"]) {
                    return (text, done);
                }
            }
            // Newer clients put reminders of the system among the messages.
            _ => {}
        }
    }
    (String::new(), done)
}

fn words(content: &Value) -> Option<String> {
    if let Some(text) = content.as_str() {
        return Some(text.to_owned());
    }
    let blocks = content.as_array()?;
    // A resumed session puts the last tool's result and the new words into one message.
    let mut texts = blocks.iter().filter_map(|block| block["text"].as_str());
    texts.rfind(|text| !text.trim_start().starts_with("<system-reminder>")).map(str::to_owned)
}

pub(super) fn answer(body: &Value, step: Step, turn: usize) -> Vec<Value> {
    let id = format!("msg_stub_{turn}_{:x}", body["messages"].as_array().map_or(0, Vec::len));
    let usage = json!({"input_tokens": 25, "output_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0});
    let message = json!({
        "id": id, "type": "message", "role": "assistant", "model": body["model"], "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    let (block, delta, stop) = match step {
        Step::Text(text) => {
            (json!({"type": "text", "text": ""}), json!({"type": "text_delta", "text": text}), "end_turn")
        }
        Step::Tool(name, input) => tool(&id, &name, &input),
        Step::Structured(input) => tool(&id, "StructuredOutput", &input),
    };
    vec![
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null}, "usage": usage}),
        json!({"type": "message_stop"}),
    ]
}

fn tool(id: &str, name: &str, input: &Value) -> (Value, Value, &'static str) {
    let call = json!({"type": "tool_use", "id": format!("toolu_{id}"), "name": name, "input": {}});
    (call, json!({"type": "input_json_delta", "partial_json": input.to_string()}), "tool_use")
}
