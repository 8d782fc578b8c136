//! How each harness is called, as one snapshot: a change of any flag shows in review.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use shared::agent::HarnessId;
use shared::harness::{CommandLine, Start, ToolServer, Turn, command_line, terminal, with_tools};
use shared::id::SessionId;
use shared::models::{Effort, Models};
use shared::plan::{Access, Size};
use shared::run::{Arg, RunLimits, Signal, Stdin, Tools, Window};
use shared::unit::{MicroUsd, Millis};

fn turn(session: Start, size: Size, access: Access, schema: Option<&str>) -> Turn {
    let schema = schema.map(str::to_owned);
    let model = Models::default().of(HarnessId::Claude, size).map(str::to_owned);
    Turn {
        prompt: "echo hi".to_owned(),
        session,
        size,
        model,
        effort: None,
        access,
        schema,
        budget: None,
        turns: None,
        listens: false,
    }
}

fn write(text: &mut String, call: &CommandLine) {
    let args = call.args.iter().map(|arg| match arg {
        Arg::Text { text } => format!("{text:?}"),
        Arg::RunFile { name } => format!("<{name}>"),
    });
    writeln!(text, "{:?} {}", call.program, args.collect::<Vec<_>>().join(" ")).unwrap();
    let files: Vec<&str> = call.files.iter().map(|file| file.name.as_str()).collect();
    let env: Vec<&str> = call.env.keys().map(String::as_str).collect();
    let CommandLine { stdin, polite, tools, .. } = call;
    writeln!(text, "  stdin {stdin:?}, polite {polite:?}, files {files:?}, env {env:?}, tools {tools:?}")
        .unwrap();
}

#[test]
fn terminals() {
    let session = SessionId::new("6cd31fba-95f4-4dea-81d0-98a8fb31fe80").unwrap();
    let window = Window { rows: 24, cols: 80 };
    let new = Turn {
        prompt: "-v: say hi".to_owned(),
        ..turn(Start::New { session: session.clone() }, Size::Light, Access::Ask, None)
    };
    let turns = [
        Turn { access: Access::ReadOnly, ..new.clone() },
        Turn { effort: Some(Effort::Low), ..new },
        turn(Start::Resume { session }, Size::Heavy, Access::Full, None),
    ];
    let mut text = String::new();
    for harness in [HarnessId::Claude, HarnessId::Codex, HarnessId::Demo, HarnessId::Command] {
        for turn in &turns {
            write(&mut text, &terminal(harness, turn, window));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn command_lines() {
    let session = SessionId::new("6cd31fba-95f4-4dea-81d0-98a8fb31fe80").unwrap();
    let turns = [
        turn(
            Start::New { session: session.clone() },
            Size::Light,
            Access::ReadOnly,
            Some("{\"type\":\"object\"}"),
        ),
        turn(Start::Resume { session: session.clone() }, Size::Standard, Access::Edit, None),
        Turn {
            effort: Some(Effort::Xhigh),
            budget: Some(MicroUsd(1_250_000)),
            turns: Some(40),
            listens: true,
            ..turn(Start::Resume { session }, Size::Heavy, Access::Full, Some("{}"))
        },
    ];
    let mut text = String::new();
    for harness in [HarnessId::Claude, HarnessId::Codex, HarnessId::Demo, HarnessId::Command] {
        for turn in &turns {
            write(&mut text, &command_line(harness, turn));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn tools() {
    let server = |name: &str, args: &[&str], env: &[&str]| ToolServer {
        name: name.to_owned(),
        program: format!("/opt/{name}"),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: env.iter().map(|name| (*name).to_owned()).collect(),
    };
    let servers =
        [server("tracker", &["--say", "\"a\\b\"\n"], &["TRACKER_TOKEN"]), server("my-db", &[], &[])];
    let mut text = String::new();
    for harness in [HarnessId::Claude, HarnessId::Codex, HarnessId::Demo, HarnessId::Command] {
        for may in [Tools::None, Tools::Asked, Tools::Free] {
            writeln!(text, "{harness}, {may:?}: {:?}", with_tools(harness, may, &servers)).unwrap();
        }
        assert!(with_tools(harness, Tools::Free, &[]).is_empty());
    }
    insta::assert_snapshot!(text);
}

#[test]
fn only_a_run_that_listens_asks() {
    let session = Start::New { session: SessionId::new("0b5f3a52").unwrap() };
    let asks = |listens: bool| {
        let turn = Turn { listens, ..turn(session.clone(), Size::Light, Access::Ask, None) };
        let args = command_line(HarnessId::Claude, &turn).args;
        let words: Vec<&str> =
            args.iter().map(|arg| if let Arg::Text { text } = arg { text } else { "" }).collect();
        assert!(words.windows(2).any(|pair| pair == ["--permission-mode", "default"]), "{words:?}");
        words.windows(2).any(|pair| pair == ["--permission-prompt-tool", "stdio"])
    };
    assert!(asks(true) && !asks(false));
}

#[test]
fn a_prompt_goes_by_stdin_and_no_argument_is_longer_than_the_system_takes() {
    let session = SessionId::new("6cd31fba-95f4-4dea-81d0-98a8fb31fe80").unwrap();
    let schema = format!(r#"{{"title":"{}"}}"#, "x".repeat(200 * 1024));
    let prompt = "p".repeat(1024 * 1024);
    for harness in [HarnessId::Claude, HarnessId::Codex, HarnessId::Demo] {
        let turn = Turn {
            prompt: prompt.clone(),
            ..turn(Start::New { session: session.clone() }, Size::Heavy, Access::Full, Some(&schema))
        };
        let call = command_line(harness, &turn);
        for arg in &call.args {
            assert!(
                matches!(arg, Arg::RunFile { .. })
                    || matches!(arg, Arg::Text { text } if text.len() < 128 * 1024)
            );
        }
        let (Stdin::Text { text } | Stdin::Dialog { turn: text, .. }) = &call.stdin else {
            panic!("{harness}: the prompt goes by stdin")
        };
        assert!(text.contains(&prompt));
        let somewhere = text.contains(&schema) || call.files.iter().any(|file| file.text == schema);
        assert!(somewhere, "{harness}: the schema reaches the agent");
    }
}

#[test]
fn an_order_keeps_its_limits_and_takes_the_harness_own_signal() {
    let session = SessionId::new("s").unwrap();
    let turn = turn(Start::New { session }, Size::Light, Access::Edit, None);
    let limits = RunLimits { wall: Some(Millis(5)), ..RunLimits::default() };
    let spec = command_line(HarnessId::Claude, &turn).into_spec("/project", limits);
    assert_eq!(
        (spec.limits.polite, spec.limits.wall, spec.cwd.as_str()),
        (Signal::Interrupt, Some(Millis(5)), "/project")
    );
}
