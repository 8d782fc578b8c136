//! A tool of a person's own, as agents are given it: an MCP server on stdin and stdout with the one tool `note`, which
//! writes its words to the file that is the first argument and answers with them and what `TRACKER_TOKEN` is.

use std::fs::File;
use std::io::{BufRead, Write};

use anyhow::Context;
use serde_json::{Value, json};

fn main() -> anyhow::Result<()> {
    let notes = std::env::args().nth(1).context("usage: tool-server FILE")?;
    let mut notes = File::options().create(true).append(true).open(notes)?;
    let mut stdout = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        // A notification wants no answer.
        let Some(id) = request.get("id") else { continue };
        let answer = match answered(&request, &mut notes)? {
            Some(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            None => {
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no such method"}})
            }
        };
        writeln!(stdout, "{answer}")?;
        stdout.flush()?;
    }
    Ok(())
}

/// The result of a request; nothing for one that is not understood.
fn answered(request: &Value, notes: &mut File) -> anyhow::Result<Option<Value>> {
    Ok(match request["method"].as_str() {
        Some("initialize") => Some(json!({
            "protocolVersion": request["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "tool-server", "version": "1"},
        })),
        Some("tools/list") => {
            let schema =
                json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]});
            let note = json!({"name": "note", "description": "Keeps a note.", "inputSchema": schema});
            Some(json!({ "tools": [note] }))
        }
        Some("tools/call") => {
            let text = request["params"]["arguments"]["text"].as_str().unwrap_or_default();
            writeln!(notes, "{text}")?;
            let token = std::env::var("TRACKER_TOKEN").unwrap_or_default();
            Some(json!({"content": [{"type": "text", "text": format!("noted {text} with {token}")}]}))
        }
        _ => None,
    })
}
