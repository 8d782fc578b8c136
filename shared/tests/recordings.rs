//! Every recording of a real CLI, decoded: one snapshot each, the same however the bytes are cut, and a table
//! of what each one must come to. The recordings are in `tests/fixtures`, a folder for each harness.

#![expect(clippy::unwrap_used, reason = "a fixture that is missing or broken must fail the test")]
#![expect(clippy::disallowed_methods, reason = "recordings are files; only the tests of this crate read any")]

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;
use shared::agent::{AgentEvent, HarnessId, Tokens, TurnReport, UsageScope};
use shared::harness::Decoder;
use shared::run::{RunEnd, Stream};

/// One recorded process: what it wrote and how it ended.
struct Recording {
    scenario: String,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    end: RunEnd,
}

fn folder(harness: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(harness)
}

fn recordings(harness: &str) -> Vec<Recording> {
    let files = std::fs::read_dir(folder(harness)).unwrap().map(|entry| entry.unwrap().file_name());
    let names = files.map(|name| name.into_string().unwrap());
    let mut scenarios: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".meta.json").map(str::to_owned)).collect();
    scenarios.sort();
    scenarios.iter().map(|scenario| recording(harness, scenario)).collect()
}

fn recording(harness: &str, scenario: &str) -> Recording {
    let file = |kind: &str| folder(harness).join(format!("{scenario}.{kind}"));
    let meta: Value = serde_json::from_slice(&std::fs::read(file("meta.json")).unwrap()).unwrap();
    let end = if meta["killed_by_recorder_timeout"] == true {
        RunEnd::TimedOut
    } else if let Some(code) = meta["exit_code"].as_i64() {
        RunEnd::Exited { code: i32::try_from(code).unwrap() }
    } else {
        let signal = match meta["signal"].as_str().unwrap() {
            "SIGINT" => 2,
            "SIGKILL" => 9,
            "SIGTERM" => 15,
            other => panic!("{scenario}: which number has {other}?"),
        };
        RunEnd::Signalled { signal }
    };
    let stderr = file("stderr.txt");
    Recording {
        scenario: scenario.to_owned(),
        stdout: std::fs::read(file("ndjson")).unwrap(),
        stderr: if stderr.exists() { std::fs::read(stderr).unwrap() } else { Vec::new() },
        end,
    }
}

/// Decodes the recording with its bytes in pieces of `size`.
fn decode(harness: HarnessId, recording: &Recording, size: usize) -> (Vec<AgentEvent>, TurnReport) {
    let mut decoder = Decoder::new(harness);
    let mut events = Vec::new();
    for (stream, bytes) in [(Stream::Stderr, &recording.stderr), (Stream::Stdout, &recording.stdout)] {
        for piece in bytes.chunks(size) {
            events.extend(decoder.push(stream, piece));
        }
    }
    let (last, report) = decoder.finish(&recording.end);
    events.extend(last);
    (events, report)
}

fn whole(harness: HarnessId, recording: &Recording) -> (Vec<AgentEvent>, TurnReport) {
    decode(harness, recording, usize::MAX)
}

const HARNESSES: [(&str, HarnessId); 2] = [("claude", HarnessId::Claude), ("codex", HarnessId::Codex)];

#[test]
fn every_recording_reads_as_its_snapshot_says() {
    for (name, harness) in HARNESSES {
        for recording in recordings(name) {
            let (events, report) = whole(harness, &recording);
            let mut text = String::new();
            for event in &events {
                writeln!(text, "{}", serde_json::to_string(event).unwrap()).unwrap();
            }
            writeln!(text, "{}", serde_json::to_string_pretty(&report).unwrap()).unwrap();
            insta::with_settings!({ snapshot_path => format!("snapshots/{name}"), prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(recording.scenario.as_str(), text);
            });
        }
    }
}

#[test]
fn cut_anywhere_a_recording_reads_the_same() {
    for (name, harness) in HARNESSES {
        for recording in recordings(name) {
            let expected = whole(harness, &recording);
            for size in [1, 2, 3, 7, 61, 4096] {
                let read = decode(harness, &recording, size);
                assert_eq!(read, expected, "{name} {} in pieces of {size}", recording.scenario);
            }
        }
    }
}

#[test]
fn a_single_cut_at_every_byte_changes_nothing() {
    for (harness, name, scenario) in
        [(HarnessId::Claude, "claude", "overloaded_sse"), (HarnessId::Codex, "codex", "command")]
    {
        let recording = recording(name, scenario);
        let expected = whole(harness, &recording);
        for at in 0..recording.stdout.len() {
            let (head, tail) = recording.stdout.split_at(at);
            let mut decoder = Decoder::new(harness);
            let mut events = decoder.push(Stream::Stderr, &recording.stderr);
            events.extend(decoder.push(Stream::Stdout, head));
            events.extend(decoder.push(Stream::Stdout, tail));
            let (last, report) = decoder.finish(&recording.end);
            events.extend(last);
            assert_eq!((events, report), expected, "cut at {at}");
        }
    }
}

/// Tokens as the conductor counts them: turns add up, a session's total replaces the former one.
fn used(events: &[AgentEvent]) -> Tokens {
    let usage = events.iter().filter_map(|event| match event {
        AgentEvent::Usage { tokens, scope, .. } => Some((tokens, scope)),
        _ => None,
    });
    usage.fold(Tokens::default(), |sum, (tokens, scope)| match scope {
        UsageScope::Turn => sum.with(*tokens, u64::saturating_add),
        UsageScope::Session => *tokens,
    })
}

#[test]
fn a_recording_that_is_read_twice_costs_no_more() {
    for (name, harness) in HARNESSES {
        for mut recording in recordings(name) {
            let (events, once) = whole(harness, &recording);
            recording.stdout = recording.stdout.repeat(2);
            let (again, twice) = whole(harness, &recording);
            assert_eq!(once.cost, twice.cost, "{name} {}", recording.scenario);
            assert_eq!(used(&events), used(&again), "{name} {}", recording.scenario);
        }
    }
}

#[test]
fn a_run_costs_what_its_stream_says_and_a_resumed_one_only_its_own_part() {
    for recording in recordings("claude") {
        let (events, report) = whole(HarnessId::Claude, &recording);
        let told: u64 = events
            .iter()
            .filter_map(|event| if let AgentEvent::Usage { cost, .. } = event { *cost } else { None })
            .map(|cost| cost.0)
            .sum();
        assert_eq!(report.cost.map_or(0, |cost| cost.0), told, "{}", recording.scenario);
    }
}

#[test]
fn bytes_that_are_not_utf8_and_garbage_between_lines_lose_no_result() {
    for (name, harness) in HARNESSES {
        let recording = recording(name, "hello");
        let (_, expected) = whole(harness, &recording);
        let lines = recording.stdout.split_inclusive(|byte| *byte == b'\n');
        let stdout = lines.flat_map(|line| [b"\xff\xfe garbage {\r\n".as_slice(), line].concat()).collect();
        let (events, report) = whole(harness, &Recording { stdout, ..recording });
        let unknown = events.iter().filter(|event| matches!(event, AgentEvent::Unknown { .. })).count();
        assert_eq!(u32::try_from(unknown).unwrap(), report.unknown_lines);
        assert!(unknown >= 3);
        assert_eq!(TurnReport { unknown_lines: 0, ..report }, expected, "{name}");
    }
}

/// What is called verified has been: its own recordings say which version they are of, or what stands beside them.
#[test]
fn the_versions_that_are_called_verified_are_those_of_the_recordings() {
    let about = std::fs::read_to_string(folder("README.md")).unwrap();
    for (harness, name) in [(HarnessId::Claude, "Claude Code"), (HarnessId::Codex, "Codex")] {
        for version in shared::harness::recorded(harness) {
            assert!(about.contains(&format!("{name} {version}")), "{name} {version}");
        }
    }
    let told = recordings("claude").into_iter().flat_map(|recording| {
        let lines = String::from_utf8_lossy(&recording.stdout).into_owned();
        let values = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        values
            .filter_map(|value| value["claude_code_version"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    });
    let told: std::collections::BTreeSet<String> = told.collect();
    assert_eq!(Vec::from_iter(told), shared::harness::recorded(HarnessId::Claude));
}
