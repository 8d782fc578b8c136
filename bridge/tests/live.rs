//! The live tree of `orchestrator run`, seen as a terminal shows it.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

struct Seen {
    /// Each picture, as text.
    pictures: Vec<String>,
    raw: Vec<u8>,
}

/// Runs a goal of the demo agent in a terminal of that size until it ends.
fn run(goal: &str, size: (u16, u16), colours: bool) -> anyhow::Result<Seen> {
    run_in(&tempfile::tempdir()?, goal, size, colours)
}

fn run_in(
    home: &tempfile::TempDir,
    goal: &str,
    (rows, columns): (u16, u16),
    colours: bool,
) -> anyhow::Result<Seen> {
    let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&outer)?;
    unlockpt(&outer)?;
    let inner: OwnedFd =
        open(&*ptsname(&outer, Vec::new())?, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    tcsetwinsize(&outer, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?;
    // In a session of its own, or it would ask the terminal that these tests run in for its size.
    let mut command = Command::new("setsid");
    command.args(["-w", BIN, "run", goal, "--harness", "demo", "--approve", "--data-dir"]);
    command.arg(home.path().join("data")).current_dir(home.path());
    command.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path().join("config"));
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
    if !colours {
        command.env("NO_COLOR", "1");
    }
    let mut child = command.stdin(Stdio::null()).stdout(inner.try_clone()?).stderr(inner).spawn()?;
    // Its copies of the inner end go with it: with none open there is nothing more to read.
    drop(command);
    let (mut outer, mut screen) = (File::from(outer), vt100::Parser::new(rows, columns, 0));
    let mut seen = Seen { pictures: Vec::new(), raw: Vec::new() };
    let mut chunk = [0; 4096];
    // On Linux the end is an error: no inner end is open.
    while let Ok(count @ 1..) = outer.read(&mut chunk) {
        seen.raw.extend_from_slice(&chunk[..count]);
        // Between the marks of one picture the screen is not for eyes.
        screen.process(&chunk[..count]);
        if seen.raw.ends_with(b"\x1b[?2026l") || count < chunk.len() {
            seen.pictures.push(screen.screen().contents());
        }
    }
    anyhow::ensure!(child.wait()?.success(), "{}", seen.pictures.last().map_or("", String::as_str));
    Ok(seen)
}

#[test]
fn a_goal_is_one_tree_that_changes_in_its_place() -> anyhow::Result<()> {
    let seen = run("Build a small thing. [[demo tasks=3]] [[tasks: slow=20]]", (30, 60), true)?;
    let tree = |picture: &&String| picture.contains("● 1/1 ") && picture.contains("● 1/3 ");
    anyhow::ensure!(seen.pictures.iter().any(|picture| tree(&picture)), "{:#?}", seen.pictures);
    for picture in &seen.pictures {
        assert!(picture.matches(" 1/2 ").count() <= 1, "drawn twice:\n{picture}");
    }
    let last = seen.pictures.last().map_or("", String::as_str);
    let end = last.trim_end();
    assert!(
        end.contains("✓ 1/3 ") && end.lines().last().is_some_and(|line| line.starts_with("Completed")),
        "{last}"
    );
    // The tree stays where it was, and what came of it stands below.
    assert!(last.find("✓ 1/3 ") < last.rfind("Output: "), "{last}");
    assert!(seen.raw.windows(2).any(|pair| pair == b"\x1b["));
    Ok(())
}

#[test]
fn a_tree_that_is_too_large_says_what_it_leaves_out_and_colours_are_left_out_on_wish() -> anyhow::Result<()> {
    let goal = "Build a large thing. [[demo tasks=12 shape=chain]] [[tasks: slow=2]]";
    let seen = run(goal, (8, 32), false)?;
    let working = |picture: &&String| picture.contains('●') && picture.contains(" more");
    anyhow::ensure!(seen.pictures.iter().any(|picture| working(&picture)), "{:#?}", seen.pictures);
    let is_cut = |picture: &String| picture.lines().any(|line| line.ends_with('…'));
    assert!(seen.pictures.iter().any(is_cut), "no line was cut");
    let coloured = seen.raw.windows(4).any(|part| part == b"\x1b[38");
    assert!(!coloured, "NO_COLOR is set");
    Ok(())
}

#[test]
fn what_waits_says_for_how_long() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let limits = Command::new(BIN)
        .args(["limits", "--parallel", "1", "--data-dir"])
        .arg(home.path().join("data"))
        .env("HOME", home.path())
        .stdout(Stdio::null())
        .status()?;
    anyhow::ensure!(limits.success());
    let seen = run_in(&home, "Build it. [[demo tasks=3 shape=chain]] [[tasks: slow=20]]", (30, 100), false)?;
    anyhow::ensure!(!seen.raw.is_empty());
    let line = |number: &str, words: &str| {
        let mut lines = seen.pictures.iter().flat_map(|picture| picture.lines());
        lines.any(|line| line.contains(number) && line.contains(words))
    };
    assert!(line(" 1/3 ", "after 2"), "{:#?}", seen.pictures.last());
    assert!(!line(" 1/3 ", "after 2 · waits"), "who it waits for says it");
    let seen = run_in(&home, "Build it. [[demo tasks=3]] [[tasks: slow=20]]", (30, 100), false)?;
    let waits = |line: &str| line.contains(" 2/3 ") && line.contains("1 of 1 agents run · waits ");
    let all = seen.pictures.iter().flat_map(|picture| picture.lines());
    assert!(all.into_iter().any(waits), "{:#?}", seen.pictures.last());
    Ok(())
}
