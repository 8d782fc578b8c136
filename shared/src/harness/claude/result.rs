//! The `result` line: how a turn ended, what it cost, and what kind of failure it was.

use serde_json::Value;

use super::{Json, RESULTS_KEPT, Reader};
use crate::agent::{AgentError, AgentEvent, ErrorClass, Tokens, TurnEnd, UsageScope};
use crate::harness::fault;
use crate::harness::loose::{child, count, number, text};
use crate::unit::MicroUsd;

impl Reader {
    /// A result that was read before (reading resumes after a cut) changes nothing.
    pub(super) fn result(&mut self, json: &Json, events: &mut Vec<AgentEvent>) {
        let id = text(json, "uuid");
        if !id.is_empty() {
            if self.results.iter().any(|known| known == id) {
                self.open = false;
                return;
            }
            if self.results.len() == RESULTS_KEPT {
                self.results.pop_front();
            }
            self.results.push_back(id.to_owned());
        }
        let cost = self.spent(json);
        let tokens = child(json, "usage").map(tokens).unwrap_or_default();
        events.push(AgentEvent::Usage { tokens, scope: UsageScope::Turn, cost });
        let end = self.turn_end(json);
        self.turns = self.turns.saturating_add(end.turns);
        self.open = false;
        self.fault = None;
        events.push(AgentEvent::TurnEnded { end: end.clone() });
        self.end = Some(end);
    }

    /// What was spent since the last result. `total_cost_usd` is a running total over the process and, in newer
    /// versions, over the session before it too; those say the difference themselves. Older ones start at 0 in
    /// each process, so the difference of totals is it. Never a sum of totals.
    fn spent(&mut self, json: &Json) -> Option<MicroUsd> {
        let total = json.get("total_cost_usd").and_then(Value::as_f64);
        let former = self.total.unwrap_or(0.0);
        let spent = match child(json, "model_usage_since_last_result") {
            Some(models) => Some(models.values().filter_map(|model| model.get("costUSD")?.as_f64()).sum()),
            None => total.map(|total| (total - former).max(0.0)),
        };
        self.total = total.or(self.total);
        let spent = spent.and_then(MicroUsd::from_usd);
        if let Some(spent) = spent {
            self.cost = Some(self.cost.unwrap_or_default() + spent);
        }
        spent
    }

    fn turn_end(&mut self, json: &Json) -> TurnEnd {
        let said = json.get("result").and_then(Value::as_str);
        let final_text = said.unwrap_or(&self.last_text).to_owned();
        let failed = json.get("is_error").and_then(Value::as_bool).unwrap_or(false);
        let structured = json.get("structured_output").filter(|answer| !answer.is_null()).cloned();
        // A later turn of the same process, about a background task, does not take the answer back.
        let former = || self.end.as_ref().filter(|_| !failed).and_then(|end| end.structured.clone());
        let structured = structured.or_else(former);
        let error = if failed {
            Some(self.failure(json, said.unwrap_or_default()))
        } else if final_text.trim().is_empty() && structured.is_none() && !self.said {
            let message = format!("{} ended its turn and had said nothing.", self.harness);
            Some(AgentError { class: ErrorClass::NothingSaid, message, until: None })
        } else {
            None
        };
        TurnEnd {
            final_text,
            structured,
            error,
            turns: count(json, "num_turns").unwrap_or(self.blocks.begun()),
        }
    }

    fn failure(&self, json: &Json, said: &str) -> AgentError {
        let reasons = json.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let reasons: Vec<&str> = reasons.iter().filter_map(Value::as_str).collect();
        let words = if said.is_empty() { reasons.join("\n") } else { said.to_owned() };
        let code = self.fault.as_ref().map_or("", |(code, _)| code);
        let class = class(json, code, &words);
        let message = if class == ErrorClass::Interrupted {
            "Interrupted before the turn was over.".to_owned()
        } else if words.is_empty() {
            format!("{} reports an error and does not say which.", self.harness)
        } else {
            words
        };
        let until = if class == ErrorClass::RateLimit { self.limited_until } else { None };
        AgentError { class, message, until }
    }
}

/// The class of a failed result or of an error message: by its reason, its code, its words, its status.
pub(super) fn class(json: &Json, code: &str, words: &str) -> ErrorClass {
    match (text(json, "subtype"), text(json, "terminal_reason")) {
        (_, "aborted_streaming" | "aborted_tools") => return ErrorClass::Interrupted,
        ("error_max_turns" | "error_max_budget_usd", _) | (_, "max_turns" | "budget_exhausted") => {
            return ErrorClass::Capped;
        }
        (_, "prompt_too_long") => return ErrorClass::ContextOverflow,
        _ => {}
    }
    match text(json, "api_error") {
        "connection_failed" => return ErrorClass::Network,
        "usage_limit_reached" => return ErrorClass::RateLimit,
        _ => {}
    }
    // "server_error" covers a time-out too, which only the words tell.
    let by_words = fault::told_by(words);
    match told_by_code(code) {
        Some(ErrorClass::Overload) => by_words.unwrap_or(ErrorClass::Overload),
        Some(class) => class,
        None => by_words
            .or_else(|| number(json, "api_error_status").and_then(fault::told_by_status))
            .unwrap_or(ErrorClass::Unknown),
    }
}

/// The class of Claude's own error code, as messages and retries carry it.
pub(super) fn told_by_code(code: &str) -> Option<ErrorClass> {
    match code {
        "rate_limit" => Some(ErrorClass::RateLimit),
        "overloaded" | "server_error" => Some(ErrorClass::Overload),
        "billing_error" => Some(ErrorClass::Billing),
        "authentication_failed" => Some(ErrorClass::Auth),
        "model_not_found" => Some(ErrorClass::ModelNotFound),
        _ => None,
    }
}

pub(super) fn tokens(usage: &Json) -> Tokens {
    let of = |key| number(usage, key).unwrap_or(0);
    Tokens {
        input: of("input_tokens"),
        output: of("output_tokens"),
        cache_read: of("cache_read_input_tokens"),
        cache_write: of("cache_creation_input_tokens"),
    }
}
