//! What each telling recording must come to: error class, cost of the run in millionths of a dollar, when it may
//! go on, and the final text. And what no input may do: panic, or lose the result that follows it.

#![expect(clippy::unwrap_used, reason = "a fixture that is missing or broken must fail the test")]
#![expect(clippy::disallowed_methods, reason = "fixtures are files; the crate itself reads none")]

use std::path::PathBuf;

use proptest::prelude::*;
use shared::agent::ErrorClass::{
    Auth, Billing, Capped, CliCrash, ContextOverflow, Interrupted, McpDisconnect, ModelNotFound, Network,
    Overload, RateLimit, SessionLost, Timeout, Unknown,
};
use shared::agent::{AgentEvent, ErrorClass, HarnessId, TurnReport};
use shared::harness::{Decoder, MAX_LINE, RAW_KEPT};
use shared::run::{RunEnd, Stream};
use shared::unit::Bytes;
use shared::unit::{MicroUsd, Millis};

fn fixture(harness: HarnessId, file: &str) -> Vec<u8> {
    let folder = if harness == HarnessId::Codex { "codex" } else { "claude" };
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(folder).join(file);
    std::fs::read(&path).unwrap_or_default()
}

fn decode(harness: HarnessId, scenario: &str, end: &RunEnd) -> (Vec<AgentEvent>, TurnReport) {
    let mut decoder = Decoder::new(harness);
    let mut events = decoder.push(Stream::Stderr, &fixture(harness, &format!("{scenario}.stderr.txt")));
    events.extend(decoder.push(Stream::Stdout, &fixture(harness, &format!("{scenario}.ndjson"))));
    let (last, report) = decoder.finish(end);
    events.extend(last);
    (events, report)
}

/// Scenario, exit code, class, cost in millionths, final text.
type Row = (&'static str, i32, Option<ErrorClass>, Option<u64>, &'static str);

fn check(harness: HarnessId, rows: &[Row]) {
    for (scenario, code, class, cost, text) in rows {
        let (_, report) = decode(harness, scenario, &RunEnd::Exited { code: *code });
        assert_eq!(report.error.as_ref().map(|error| error.class), *class, "{scenario}: {:?}", report.error);
        assert_eq!(report.cost, cost.map(MicroUsd), "{scenario}");
        assert!(report.final_text.starts_with(text), "{scenario}: {}", report.final_text);
        assert_eq!(report.unknown_lines, 0, "{scenario}");
        if let Some(error) = report.error {
            assert!(!error.message.trim().is_empty(), "{scenario}");
        }
    }
}

#[test]
fn claude_recordings_come_to_what_they_should() {
    check(
        HarnessId::Claude,
        &[
            ("hello", 0, None, Some(280), "Hello from the stub model."),
            ("hello_partial", 0, None, Some(260), "The answer is forty two."),
            // Running totals over the session: 180, 320, 520. A run costs the difference.
            ("resume_1_first", 0, None, Some(180), "My name is Stub."),
            ("resume_2_resumed", 0, None, Some(140), "Second turn."),
            ("resume_3_forked", 0, None, Some(200), "Third turn in a fork."),
            ("budget_resume_2", 0, None, Some(1_120), "again"),
            // Several results in one process.
            ("multi_turn_stdin", 0, None, Some(175), "Second answer."),
            ("options_agents", 0, None, Some(1_400), "done"),
            ("interrupted_control", 0, None, Some(520), "I am still here."),
            ("options_json_schema", 0, None, Some(500), "{\"name\":\"x\"}"),
            // `subtype` is "success" in all of these.
            ("error_400", 1, Some(Unknown), Some(0), ""),
            ("error_400_credit", 1, Some(Billing), Some(0), ""),
            ("error_403_billing", 1, Some(Auth), Some(0), ""),
            ("error_404_model", 1, Some(ModelNotFound), Some(0), ""),
            ("error_500", 1, Some(Overload), Some(0), ""),
            ("error_connrefused", 1, Some(Network), Some(0), ""),
            ("error_nokey", 1, Some(Auth), Some(0), ""),
            ("error_prompt_too_long", 1, Some(ContextOverflow), Some(0), ""),
            ("api_hang_timeout", 1, Some(Timeout), Some(0), ""),
            ("overloaded_529_forever", 1, Some(Overload), Some(0), ""),
            ("rate_limited_429_forever", 1, Some(RateLimit), Some(0), ""),
            ("rate_limited_long_retry_after", 1, Some(RateLimit), Some(0), ""),
            ("oauth_limit_rejected", 1, Some(RateLimit), Some(0), ""),
            ("oauth_limit_warning", 0, None, Some(60), "fine"),
            ("rate_limited_429", 0, None, Some(120), "Finally."),
            ("max_turns", 1, Some(Capped), Some(1_000), ""),
            ("budget_cap", 1, Some(Capped), Some(880_000), ""),
            // Exit code 0, and yet not done.
            ("signal_sigint_text", 0, Some(Interrupted), Some(380), "word0 word1"),
            ("signal_sigterm_tool", 143, Some(Interrupted), None, ""),
            ("resume_7_unknown", 1, Some(SessionLost), Some(0), ""),
            ("resume_6_same_session_id", 1, Some(CliCrash), None, ""),
            ("bad_flag", 1, Some(CliCrash), None, ""),
            ("permission_denied_default", 0, None, Some(1_160), "I was denied."),
            ("mcp_down", 0, None, Some(260), "Hello"),
        ],
    );
}

#[test]
fn codex_recordings_come_to_what_they_should() {
    check(
        HarnessId::Codex,
        &[
            ("hello", 0, None, None, "Hello from the stub model."),
            ("command", 0, None, None, "Done."),
            ("resume_2_resumed", 0, None, None, "Second turn."),
            ("output_schema", 0, None, None, "{\"name\":\"x\"}"),
            ("rate_limited_429", 0, None, None, "Finally."),
            ("rate_limited_429_forever", 1, Some(RateLimit), None, ""),
            ("usage_limit", 1, Some(RateLimit), None, ""),
            ("quota", 1, Some(Billing), None, ""),
            ("error_400", 1, Some(Unknown), None, ""),
            ("error_401", 1, Some(Auth), None, ""),
            ("error_500", 1, Some(Overload), None, ""),
            ("no_key", 1, Some(Auth), None, ""),
            ("context_exceeded", 1, Some(ContextOverflow), None, ""),
            ("mcp_down", 0, None, None, "Hello"),
            ("mcp_down_required", 1, Some(McpDisconnect), None, ""),
            ("resume_5_unknown", 1, Some(SessionLost), None, ""),
            ("resume_after_sigkill_at_thread_started", 1, Some(SessionLost), None, ""),
            ("not_git_repo", 1, Some(CliCrash), None, ""),
            ("bad_flag", 2, Some(CliCrash), None, ""),
            ("signal_sigint_tool", 1, Some(CliCrash), None, ""),
            ("server_hello", 0, None, None, "one two three four"),
            ("server_resume", 0, None, None, "{\"summary\":\"second\"}"),
            ("server_steer", 0, None, None, "steered"),
            ("server_permission", 0, None, None, "I leave it"),
            // What it says in turns that nobody asked for is not its result.
            ("server_goal", 0, None, None, "{\"summary\":\"finished\"}"),
            ("server_unknown_thread", 0, Some(SessionLost), None, ""),
            ("server_429", 0, Some(RateLimit), None, ""),
            ("server_usage_limit", 0, Some(RateLimit), None, ""),
            ("server_401", 0, Some(Auth), None, ""),
            ("server_500", 0, Some(Overload), None, ""),
            ("server_context", 0, Some(ContextOverflow), None, ""),
            ("server_quota", 0, Some(Billing), None, ""),
            ("server_no_key", 0, Some(Auth), None, ""),
            ("server_interrupted", 130, Some(Interrupted), None, "Let me look."),
            ("server_closed", 0, Some(CliCrash), None, ""),
        ],
    );
}

#[test]
fn a_limit_says_when_it_ends_where_the_harness_knows() {
    let until =
        |harness, scenario| decode(harness, scenario, &RunEnd::Exited { code: 1 }).1.error.unwrap().until;
    assert_eq!(until(HarnessId::Claude, "oauth_limit_rejected"), Some(Millis(1_999_999_999_000)));
    assert_eq!(until(HarnessId::Claude, "rate_limited_429_forever"), None);
    assert_eq!(until(HarnessId::Codex, "usage_limit"), Some(Millis(1_999_999_980_000)));
    assert_eq!(until(HarnessId::Codex, "rate_limited_429_forever"), None);
}

#[test]
fn every_end_without_a_result_has_its_class() {
    let class = |end: RunEnd| Decoder::new(HarnessId::Claude).finish(&end).1.error.unwrap().class;
    for (end, expected) in [
        (RunEnd::NotFound { program: "claude".to_owned() }, ErrorClass::Launch),
        (RunEnd::Refused { why: "no".to_owned() }, ErrorClass::Launch),
        (RunEnd::CouldNotStart { why: "no".to_owned() }, ErrorClass::Launch),
        (RunEnd::Exited { code: 0 }, ErrorClass::NothingSaid),
        (RunEnd::Exited { code: 7 }, ErrorClass::CliCrash),
        (RunEnd::Signalled { signal: 15 }, ErrorClass::Interrupted),
        (RunEnd::Signalled { signal: 9 }, ErrorClass::CliCrash),
        (RunEnd::TimedOut, ErrorClass::Timeout),
        (RunEnd::TooMuchOutput { limit: Bytes(2_000_000_000) }, ErrorClass::Capped),
        (RunEnd::Lost { why: "no".to_owned() }, ErrorClass::Lost),
    ] {
        assert_eq!(class(end.clone()), expected, "{end:?}");
    }
}

#[test]
fn a_result_stands_however_the_process_ended_but_not_for_a_turn_begun_after_it() {
    let killed = RunEnd::Signalled { signal: 9 };
    assert_eq!(decode(HarnessId::Claude, "hello", &killed).1.error, None);
    let mut decoder = Decoder::new(HarnessId::Claude);
    decoder.push(Stream::Stdout, &fixture(HarnessId::Claude, "hello.ndjson"));
    let init = br#"{"type":"system","subtype":"init","session_id":"s","model":"m"}"#;
    decoder.push(Stream::Stdout, init);
    let (_, report) = decoder.finish(&killed);
    assert_eq!(report.error.unwrap().class, CliCrash);
    assert_eq!(report.cost, Some(MicroUsd(280)), "what was spent before stays spent");
}

#[test]
fn an_older_version_without_differences_costs_its_last_total() {
    let mut decoder = Decoder::new(HarnessId::Claude);
    for (id, total) in [("a", 0.5), ("b", 0.75), ("b", 0.75)] {
        let line = format!(
            "{{\"type\":\"result\",\"result\":\"x\",\"uuid\":\"{id}\",\"total_cost_usd\":{total}}}\n"
        );
        decoder.push(Stream::Stdout, line.as_bytes());
    }
    let (_, report) = decoder.finish(&RunEnd::Exited { code: 0 });
    assert_eq!(report.cost, Some(MicroUsd(750_000)));
}

#[test]
fn text_that_claude_drops_and_writes_again_is_emptied() {
    let mut decoder = Decoder::new(HarnessId::Claude);
    let delta = |message: &str| {
        format!(
            r#"{{"type":"stream_event","event":{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"x"}}}},"api_message_id":"{message}"}}"#
        )
    };
    let stream = format!(
        "{}\n{}\n{}\n",
        delta("a"),
        r#"{"type":"system","subtype":"api_retry","error":"unknown"}"#,
        delta("b")
    );
    let events = decoder.push(Stream::Stdout, stream.as_bytes());
    let emptied = AgentEvent::Message { message: "a:0".to_owned(), text: String::new() };
    assert_eq!(events[1], emptied);
    assert!(matches!(&events[3], AgentEvent::TextDelta { message, .. } if message == "b:0"));
}

#[test]
fn several_text_blocks_of_one_message_each_replace_their_own_deltas() {
    let start = |index: u32, kind: &str| {
        format!(
            r#"{{"type":"stream_event","event":{{"type":"content_block_start","index":{index},"content_block":{{"type":"{kind}"}}}},"api_message_id":"m"}}"#
        )
    };
    let delta = |index: u32| {
        format!(
            r#"{{"type":"stream_event","event":{{"type":"content_block_delta","index":{index},"delta":{{"type":"text_delta","text":"x"}}}},"api_message_id":"m"}}"#
        )
    };
    let whole = |kind: &str| {
        format!(
            r#"{{"type":"assistant","message":{{"id":"m","model":"x","content":[{{"type":"{kind}","{kind}":"y","id":"t","name":"Bash","input":{{}}}}]}}}}"#
        )
    };
    let begun = r#"{"type":"stream_event","event":{"type":"message_start","message":{"id":"m"}}}"#.to_owned();
    let lines = [
        begun,
        start(0, "text"),
        delta(0),
        whole("text"),
        start(1, "tool_use"),
        whole("tool_use"),
        start(2, "text"),
        delta(2),
        whole("text"),
    ];
    let events = Decoder::new(HarnessId::Claude).push(Stream::Stdout, (lines.join("\n") + "\n").as_bytes());
    let keys: Vec<&str> = events
        .iter()
        .filter_map(|event| {
            if let AgentEvent::TextDelta { message, .. } | AgentEvent::Message { message, .. } = event {
                return Some(message.as_str());
            }
            None
        })
        .collect();
    assert_eq!(keys, ["m:0", "m:0", "m:2", "m:2"]);
}

#[test]
fn a_line_beyond_every_bound_is_cut_and_the_result_after_it_is_read() {
    for harness in [HarnessId::Claude, HarnessId::Codex] {
        let mut decoder = Decoder::new(harness);
        let mut events = Vec::new();
        let mut left = MAX_LINE + 1;
        let piece = vec![b'x'; 1 << 20];
        while left > 0 {
            let taken = left.min(piece.len());
            events.extend(decoder.push(Stream::Stdout, &piece[..taken]));
            left -= taken;
        }
        events.extend(decoder.push(Stream::Stdout, b"\n"));
        assert!(matches!(&events[..], [AgentEvent::Unknown { raw }] if raw.len() == RAW_KEPT));
        decoder.push(Stream::Stdout, &fixture(harness, "hello.ndjson"));
        let (_, report) = decoder.finish(&RunEnd::Exited { code: 0 });
        assert_eq!((report.error, report.unknown_lines), (None, 1));
    }
}

#[test]
fn a_command_is_its_lines_and_its_exit_code() {
    let mut decoder = Decoder::new(HarnessId::Command);
    let events = decoder.push(Stream::Stdout, b"one\n\n  two\nlast");
    assert_eq!(events[2], AgentEvent::Line { text: "  two".to_owned() });
    decoder.push(Stream::Stderr, b"oh no\n");
    let (last, report) = decoder.finish(&RunEnd::Exited { code: 2 });
    assert_eq!(last, [AgentEvent::Line { text: "last".to_owned() }]);
    let error = report.error.unwrap();
    assert_eq!(error.class, ErrorClass::TaskFailure);
    assert!(error.message.contains("exit code 2") && error.message.contains("oh no"), "{}", error.message);
    assert_eq!(report.final_text, "one\n  two\nlast");
    let (_, silent) = Decoder::new(HarnessId::Command).finish(&RunEnd::Exited { code: 0 });
    assert_eq!(silent.error, None, "a command may succeed without a word");
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000), cut in 0usize..2000) {
        for harness in [HarnessId::Claude, HarnessId::Codex, HarnessId::Demo, HarnessId::Command] {
            let mut decoder = Decoder::new(harness);
            let at = cut.min(bytes.len());
            decoder.push(Stream::Stdout, &bytes[..at]);
            decoder.push(Stream::Stderr, &bytes);
            decoder.push(Stream::Stdout, &bytes[at..]);
            decoder.finish(&RunEnd::Exited { code: 0 });
        }
    }

    #[test]
    fn a_recording_with_changed_bytes_still_reads_to_its_end(
        scenario in prop::sample::select(vec!["hello_partial", "options_agents", "oauth_limit_rejected", "control_requests"]),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let mut bytes = fixture(HarnessId::Claude, &format!("{scenario}.ndjson"));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // A line of its own: the last change may have broken the last newline.
        bytes.extend_from_slice(b"\n{\"type\":\"result\",\"is_error\":false,\"result\":\"the end\",\"num_turns\":1}\n");
        let mut decoder = Decoder::new(HarnessId::Claude);
        let events = decoder.push(Stream::Stdout, &bytes);
        let (_, report) = decoder.finish(&RunEnd::Exited { code: 0 });
        prop_assert!(!events.is_empty());
        prop_assert_eq!(report.error, None);
        prop_assert_eq!(report.final_text, "the end");
    }
}
