//! Speaks Claude's stream format with partial messages: every text comes in deltas and then whole.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::directive::stripped;
use super::ear::{Ear, Said};
use super::words::one_line;

/// How many words go into one delta.
const WORDS: usize = 3;

pub struct Stage<W> {
    out: W,
    session: String,
    /// Names this turn's messages and calls apart from those of other turns.
    turn: u32,
    model: String,
    pace: Duration,
    began: Instant,
    messages: u32,
    calls: u32,
    words: u64,
    /// Of those, what its messages have told.
    told: u64,
    ear: Option<Ear>,
    /// It asks before it does anything.
    asks: bool,
    requests: u32,
    cwd: String,
    results: u32,
}

/// Which of the caller's bounds a turn has passed.
#[derive(Debug, Clone, Copy)]
pub enum Cap {
    Budget,
    Turns,
}

/// What a turn comes to.
pub struct Curtain<'a> {
    pub text: &'a str,
    pub structured: Option<&'a Value>,
    pub cost: f64,
    /// The session's running total with this turn.
    pub total: f64,
}

impl<W: Write> Stage<W> {
    pub fn new(out: W, session: &str, turn: u32, model: String, pace: Duration) -> Self {
        let session = session.to_owned();
        Self {
            out,
            session,
            turn,
            model,
            pace,
            began: Instant::now(),
            messages: 0,
            calls: 0,
            words: 0,
            told: 0,
            ear: None,
            asks: false,
            requests: 0,
            cwd: String::new(),
            results: 0,
        }
    }

    /// From now on it reads what it is told between its calls.
    pub fn listens(&mut self, ear: Option<Ear>) {
        self.ear = ear;
    }

    /// From now on it asks before it changes or runs anything.
    pub fn asks(&mut self) {
        self.asks = true;
    }

    /// As Claude, it asks its host and waits; why it may not, or nothing where it may.
    pub fn may_not(&mut self, tool: &str, input: &Value) -> io::Result<Option<String>> {
        if !self.asks {
            return Ok(None);
        }
        if self.ear.is_none() {
            return Ok(Some("Nobody can be asked.".to_owned()));
        }
        self.requests += 1;
        let request = format!("{}-{}-ask{}", self.session, self.turn, self.requests);
        let call = format!("toolu_demo_{}_{}", self.turn, self.calls + 1);
        let asked =
            json!({"subtype": "can_use_tool", "tool_name": tool, "input": input, "tool_use_id": call});
        self.line(&json!({"type": "control_request", "request_id": request, "request": asked}))?;
        Ok(self.ear.as_mut().and_then(|ear| ear.denial(&request)))
    }

    /// Shows a command as if it ran it, after it has asked.
    pub fn runs(&mut self, command: &str) -> io::Result<()> {
        let input = json!({"command": command});
        let denied = self.may_not("Bash", &input)?;
        let shown = denied.as_deref().unwrap_or("It may; but the demo agent runs nothing.");
        self.calls("Bash", &input, shown, denied.is_some())
    }

    fn hears(&mut self) -> io::Result<()> {
        let heard = self.ear.as_mut().map(Ear::heard).unwrap_or_default();
        heard.iter().try_for_each(|said| self.reads(said))
    }

    /// As Claude, it repeats what it reads when it reads it.
    fn reads(&mut self, said: &Said) -> io::Result<()> {
        self.repeats(&said.text, said.id.as_deref())?;
        self.says(&format!("You say: “{}”. I go by that from here on.", one_line(&stripped(&said.text))))
    }

    fn repeats(&mut self, text: &str, id: Option<&str>) -> io::Result<()> {
        let content = json!([{"type": "text", "text": text}]);
        self.line(&json!({"type": "user", "message": {"role": "user", "content": content}, "isReplay": true,
            "uuid": id, "parent_tool_use_id": null, "session_id": self.session}))
    }

    /// After its result: each message that came too late for that has a turn of its own, until there are no more to come.
    pub fn goes_on(&mut self, total: f64) -> io::Result<()> {
        // One that broke off ends at once.
        let Some(mut ear) = self.ear.take().filter(|_| self.results > 0) else { return Ok(()) };
        while let Some(said) = ear.wait() {
            self.opens(&self.cwd.clone())?;
            self.reads(&said)?;
            self.ends(&Curtain { text: "I have read that too.", structured: None, cost: 0.0, total })?;
        }
        Ok(())
    }

    pub fn line(&mut self, line: &Value) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }

    /// Bytes that are no line of the format.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    pub fn opens(&mut self, cwd: &str) -> io::Result<()> {
        cwd.clone_into(&mut self.cwd);
        let tools = ["Read", "Write", "Glob"];
        let line = json!({"type": "system", "subtype": "init", "cwd": cwd, "session_id": self.session, "tools": tools,
            "model": self.model, "permissionMode": "default", "apiKeySource": "none",
            "claude_code_version": concat!("demo ", env!("CARGO_PKG_VERSION"))});
        self.line(&line)?;
        // The prompt comes first, and its words are known.
        if self.ear.is_some() { self.repeats("", None) } else { Ok(()) }
    }

    pub fn thinks(&mut self, text: &str) -> io::Result<()> {
        let message = self.next_message()?;
        self.block(&message, 0, "thinking", text)?;
        self.message_over(&message)
    }

    pub fn says(&mut self, text: &str) -> io::Result<()> {
        let message = self.next_message()?;
        self.block(&message, 0, "text", text)?;
        self.message_over(&message)
    }

    /// Says it in this many deltas, each its own line, as fast as the pipe takes them.
    pub fn says_lines(&mut self, lines: u64) -> io::Result<()> {
        let message = self.next_message()?;
        self.event(&message, &json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}))?;
        for n in 1..=lines {
            let event = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": format!("line {n}\n")}});
            let line = self.wrapped(&message, &event);
            serde_json::to_writer(&mut self.out, &line)?;
            self.out.write_all(b"\n")?;
        }
        self.whole(&message, &json!({"type": "text", "text": format!("{lines} lines were printed.")}))?;
        self.event(&message, &json!({"type": "content_block_stop", "index": 0}))?;
        self.message_over(&message)
    }

    /// A call and its result, and then what was said meanwhile.
    pub fn calls(&mut self, tool: &str, input: &Value, result: &str, failed: bool) -> io::Result<()> {
        self.call(tool, input, result, failed)?;
        self.hears()
    }

    fn call(&mut self, tool: &str, input: &Value, result: &str, failed: bool) -> io::Result<()> {
        let message = self.next_message()?;
        self.calls += 1;
        let call = format!("toolu_demo_{}_{}", self.turn, self.calls);
        let block = json!({"type": "tool_use", "id": call, "name": tool, "input": input});
        let start = json!({"type": "tool_use", "id": call, "name": tool, "input": {}});
        self.event(&message, &json!({"type": "content_block_start", "index": 0, "content_block": start}))?;
        self.whole(&message, &block)?;
        self.event(&message, &json!({"type": "content_block_stop", "index": 0}))?;
        self.message_over(&message)?;
        std::thread::sleep(self.pace);
        let content =
            json!([{"type": "tool_result", "tool_use_id": call, "content": result, "is_error": failed}]);
        let line = json!({"type": "user", "message": {"role": "user", "content": content},
            "parent_tool_use_id": null, "session_id": self.session});
        self.line(&line)
    }

    /// The turn's result, and the structured answer where one was asked for.
    pub fn ends(&mut self, curtain: &Curtain<'_>) -> io::Result<()> {
        let mut text = curtain.text.to_owned();
        if let Some(answer) = curtain.structured {
            self.call("StructuredOutput", answer, "Structured output provided successfully", false)?;
            text = answer.to_string();
        }
        let mut line = self.result("success", false, curtain.cost, curtain.total);
        line["terminal_reason"] = json!("completed");
        line["result"] = json!(text);
        if let Some(answer) = curtain.structured {
            line["structured_output"] = answer.clone();
        }
        self.line(&line)
    }

    /// A limit that ends at `until` (seconds since the epoch), as Claude reports one.
    pub fn limited(&mut self, until: u64, total: f64) -> io::Result<()> {
        let info = json!({"status": "rejected", "resetsAt": until, "rateLimitType": "demo", "isUsingOverage": false});
        let line = json!({"type": "rate_limit_event", "rate_limit_info": info, "session_id": self.session});
        self.line(&line)?;
        let text = "You've hit the demo agent's limit, as its directive says.";
        let mut line = self.result("success", true, 0.0, total);
        line["terminal_reason"] = json!("api_error");
        line["api_error_status"] = json!(429);
        line["api_error"] = json!("usage_limit_reached");
        line["result"] = json!(text);
        self.line(&line)
    }

    /// Messages so far, which stand for requests.
    pub fn messages(&self) -> u32 {
        self.messages
    }

    /// A bound of the caller's was passed, as Claude reports it.
    pub fn capped(&mut self, cap: Cap, cost: f64, total: f64) -> io::Result<()> {
        let (subtype, reason, error) = match cap {
            Cap::Budget => ("error_max_budget_usd", "budget_exhausted", "Reached maximum budget"),
            Cap::Turns => ("error_max_turns", "max_turns", "Reached maximum number of turns"),
        };
        let mut line = self.result(subtype, true, cost, total);
        line["terminal_reason"] = json!(reason);
        line["errors"] = json!([error]);
        self.line(&line)
    }

    fn result(&mut self, subtype: &str, is_error: bool, cost: f64, total: f64) -> Value {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let usage = json!({"input_tokens": self.words, "output_tokens": self.words, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0});
        let spent = json!({self.model.as_str(): {"inputTokens": self.words, "outputTokens": self.words, "costUSD": cost}});
        self.results += 1;
        json!({"type": "result", "subtype": subtype, "is_error": is_error, "session_id": self.session, "demo": true,
            "num_turns": self.messages, "duration_ms": millis, "total_cost_usd": total, "usage": usage,
            "model_usage_since_last_result": spent, "permission_denials": [],
            "uuid": format!("{}-{}-{}", self.session, self.turn, self.results)})
    }

    fn next_message(&mut self) -> io::Result<String> {
        self.messages += 1;
        let message = format!("msg_demo_{}_{}", self.turn, self.messages);
        let started = json!({"id": message, "type": "message", "role": "assistant", "model": self.model, "content": []});
        self.event(&message, &json!({"type": "message_start", "message": started}))?;
        Ok(message)
    }

    fn message_over(&mut self, message: &str) -> io::Result<()> {
        let words = self.words - std::mem::replace(&mut self.told, self.words);
        let usage = json!({"input_tokens": words, "output_tokens": words});
        self.event(message, &json!({"type": "message_delta", "delta": {}, "usage": usage}))?;
        self.event(message, &json!({"type": "message_stop"}))
    }

    fn block(&mut self, message: &str, index: u32, kind: &str, text: &str) -> io::Result<()> {
        let empty = json!({"type": kind, kind: ""});
        self.event(message, &json!({"type": "content_block_start", "index": index, "content_block": empty}))?;
        for piece in pieces(text) {
            std::thread::sleep(self.pace);
            self.words += WORDS as u64;
            let delta = json!({"type": format!("{kind}_delta"), kind: piece});
            self.event(message, &json!({"type": "content_block_delta", "index": index, "delta": delta}))?;
        }
        self.whole(message, &json!({"type": kind, kind: text}))?;
        self.event(message, &json!({"type": "content_block_stop", "index": index}))
    }

    fn whole(&mut self, message: &str, block: &Value) -> io::Result<()> {
        let inner = json!({"id": message, "type": "message", "role": "assistant", "model": self.model, "content": [block]});
        let line = json!({"type": "assistant", "message": inner, "parent_tool_use_id": null, "session_id": self.session});
        self.line(&line)
    }

    fn event(&mut self, message: &str, event: &Value) -> io::Result<()> {
        let line = self.wrapped(message, event);
        self.line(&line)
    }

    fn wrapped(&self, message: &str, event: &Value) -> Value {
        json!({"type": "stream_event", "event": event, "session_id": self.session, "parent_tool_use_id": null, "api_message_id": message})
    }
}

/// The text in pieces of a few words; together they are the text.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut from, mut words) = (0, 0);
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            words += 1;
            if words == WORDS {
                let end = at + c.len_utf8();
                pieces.push(&text[from..end]);
                (from, words) = (end, 0);
            }
        }
    }
    if from < text.len() {
        pieces.push(&text[from..]);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_text_again() {
        for text in ["", "one", "one two three four\n\nfive — sechs süß", "   "] {
            assert_eq!(pieces(text).concat(), text);
        }
    }
}
