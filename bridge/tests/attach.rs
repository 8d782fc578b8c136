//! A task's terminal, attached to from a person's own: typed into, left, found again after its bridge was killed.

#![expect(clippy::unwrap_used, reason = "a test's own lock is as the test left it")]

#[path = "headless/terminal.rs"]
mod terminal;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::ensure;
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use terminal::{BIN, Terminal};

/// What was shown: what stands there, and every byte.
#[derive(Default)]
struct Shown {
    screen: Option<vt100::Parser>,
    raw: Vec<u8>,
    closed: bool,
}

/// A person's terminal in which a command runs.
struct Seat {
    child: Child,
    outer: File,
    shown: Arc<(Mutex<Shown>, Condvar)>,
    reads: JoinHandle<()>,
}

impl Seat {
    fn take(home: &Terminal, (rows, cols): (u16, u16), args: &[&str]) -> anyhow::Result<Self> {
        let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&outer)?;
        unlockpt(&outer)?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let inner: OwnedFd = open(&*ptsname(&outer, Vec::new())?, flags, Mode::empty())?;
        tcsetwinsize(&outer, Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 })?;
        // The terminal is its session's, so that it hears of another size.
        let mut command = Command::new("setsid");
        command.args(["-c", "-w", BIN]).args(args).arg("--data-dir").arg(home.data());
        command.env("HOME", home.home.path()).env("XDG_CONFIG_HOME", home.home.path().join("config"));
        command.env("TERM", "xterm-256color").current_dir(home.home.path().join("project"));
        let child = command.stdin(inner.try_clone()?).stdout(inner.try_clone()?).stderr(inner).spawn()?;
        drop(command);
        let shown: Arc<(Mutex<Shown>, Condvar)> = Arc::default();
        shown.0.lock().unwrap().screen = Some(vt100::Parser::new(rows, cols, 0));
        let (outer, there) = (File::from(outer), Arc::clone(&shown));
        let mut from = outer.try_clone()?;
        let reads = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            loop {
                // On Linux the end is an error: no inner end is open.
                let count = from.read(&mut chunk).unwrap_or(0);
                let mut shown = there.0.lock().unwrap();
                shown.raw.extend_from_slice(&chunk[..count]);
                shown.screen.iter_mut().for_each(|screen| screen.process(&chunk[..count]));
                shown.closed = count == 0;
                there.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Ok(Self { child, outer, shown, reads })
    }

    /// Waits until that stands there; gives all that does.
    fn shows(&self, wished: &str) -> anyhow::Result<String> {
        let (shown, news) = &*self.shown;
        let stands =
            |shown: &Shown| shown.screen.as_ref().map_or_else(String::new, |it| it.screen().contents());
        let lacks = |shown: &mut Shown| !stands(shown).contains(wished) && !shown.closed;
        let (shown, _) =
            news.wait_timeout_while(shown.lock().unwrap(), Duration::from_secs(60), lacks).unwrap();
        let text = stands(&shown);
        ensure!(text.contains(wished), "no {wished:?} in\n{text}");
        Ok(text)
    }

    fn types(&mut self, keys: &str) -> anyhow::Result<()> {
        Ok(self.outer.write_all(keys.as_bytes())?)
    }

    fn resize(&self, rows: u16, cols: u16) -> anyhow::Result<()> {
        if let Some(screen) = &mut self.shown.0.lock().unwrap().screen {
            screen.screen_mut().set_size(rows, cols);
        }
        Ok(tcsetwinsize(&self.outer, Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 })?)
    }

    /// Waits for the command's end; with what stands there then, and every byte.
    fn ends(mut self) -> anyhow::Result<(ExitStatus, String, String)> {
        let status = self.child.wait()?;
        self.reads.join().unwrap();
        let shown = self.shown.0.lock().unwrap();
        let text = shown.screen.as_ref().map_or_else(String::new, |it| it.screen().contents());
        Ok((status, text, String::from_utf8_lossy(&shown.raw).into_owned()))
    }
}

/// Ends the terminal that a test leaves open, and waits for its end: agents outlive the bridge.
fn close(home: &Terminal) -> anyhow::Result<()> {
    let (code, said) = home.run(&["terminal", "1/1", "--close"])?;
    ensure!(code == Some(0), "{said}");
    home.reaches(&|tasks| tasks.iter().any(|task| task["task"] == "1/1" && task["status"] == "waiting"))
}

/// A goal with one interactive task, which nobody has begun.
fn planned() -> anyhow::Result<Terminal> {
    let home = Terminal::new()?;
    for args in [
        &["plan", "Try things", "--harness", "demo", "--myself"][..],
        &["add", "1", "Look around", "--mode", "interactive"],
        &["approve", "1"],
    ] {
        let (code, said) = home.run(args)?;
        ensure!(code == Some(0), "{args:?}: {said}");
    }
    Ok(home)
}

#[test]
fn a_terminal_is_typed_into_and_left_and_goes_on() -> anyhow::Result<()> {
    let home = planned()?;
    let mut seat = Seat::take(&home, (12, 60), &["terminal", "1/1"])?;
    let there = seat.shows("demo> ")?;
    assert!(there.starts_with("Your task: Look around\n"), "{there}");
    assert!(there.contains("1/1 Look around  ·  Ctrl-] leaves it, and it goes on"), "{there}");
    seat.types("h\u{e4}llo\r")?;
    seat.shows("You said: h\u{e4}llo")?;
    seat.resize(20, 100)?;
    // The line of ours stands in the new last row, and the program has the rest.
    seat.types("wide\r")?;
    let there = seat.shows("You said: wide")?;
    assert!(there.lines().count() == 20 && there.trim_end().ends_with("goes on"), "{there}");
    seat.types("\u{1d}never typed")?;
    let (status, left, raw) = seat.ends()?;
    assert!(status.success() && left.contains("Left; it goes on. Next: orchestrator attach 1/1"), "{left}");
    assert!(!raw.contains("never typed"));
    let (_, shown) = home.run(&["terminal", "1/1", "--show"])?;
    assert!(shown.contains("You said: wide") && shown.trim_end().ends_with("demo>"), "{shown}");
    let lines: String = (1..=40).map(|number| format!("line {number}.\r")).collect();
    let mut seat = Seat::take(&home, (12, 60), &["attach", "1/1"])?;
    seat.shows("goes on")?;
    seat.types(&lines)?;
    seat.shows("You said: line 40.")?;
    let (_, shown) = home.run(&["terminal", "1/1", "--show"])?;
    assert!(!shown.contains("Your task"), "only what stands there: {shown}");
    let (_, shown) = home.run(&["terminal", "1/1", "--show", "--all"])?;
    assert!(shown.starts_with("Your task: Look around\n") && shown.contains("You said: line 2."), "{shown}");
    seat.types("\u{1d}")?;
    seat.ends()?;
    close(&home)
}

#[test]
fn two_look_at_one_terminal_and_each_may_type() -> anyhow::Result<()> {
    let home = planned()?;
    let mut one = Seat::take(&home, (12, 60), &["terminal", "1/1"])?;
    one.shows("demo> ")?;
    let mut two = Seat::take(&home, (16, 70), &["attach", "1/1"])?;
    two.shows("demo> ")?;
    one.types("from one\r")?;
    two.shows("You said: from one")?;
    two.types("from two\r")?;
    one.shows("You said: from two")?;
    let (code, said) = home.run(&["terminal", "1/1", "--type", "from a script"])?;
    assert_eq!(code, Some(0), "{said}");
    one.shows("You said: from a script")?;
    two.types("exit\r")?;
    for seat in [one, two] {
        let (status, left, _) = seat.ends()?;
        assert!(status.success() && left.contains("The terminal has ended."), "{left}");
    }
    // Done is for the person to say.
    home.reaches(&|tasks| tasks.iter().any(|task| task["task"] == "1/1" && task["status"] == "waiting"))?;
    let (code, said) = home.run(&["done", "1/1", "Looked around."])?;
    assert_eq!(code, Some(0), "{said}");
    Ok(())
}

#[test]
fn a_bridge_that_is_killed_takes_no_terminal_along() -> anyhow::Result<()> {
    let home = planned()?;
    let mut seat = Seat::take(&home, (12, 60), &["terminal", "1/1"])?;
    seat.shows("demo> ")?;
    seat.types("before\r")?;
    seat.shows("You said: before")?;
    let holder = bridge::lock::holder(&home.data()).expect("a bridge");
    kill_process(Pid::from_raw(holder.pid).expect("a pid"), Signal::KILL)?;
    let (status, said, raw) = seat.ends()?;
    assert!(!status.success(), "{said}");
    assert!(said.contains("the terminal goes on. Next: orchestrator attach 1/1"), "{said}");
    assert!(raw.contains("\u{1b}[?1049l"), "the person's own screen is back");
    let mut seat = Seat::take(&home, (12, 60), &["attach", "1/1"])?;
    let there = seat.shows("You said: before")?;
    assert!(there.starts_with("Your task: Look around\n"), "all of it: {there}");
    seat.types("after\r")?;
    seat.shows("You said: after")?;
    let (code, said) = home.run(&["terminal", "1/1", "--close"])?;
    assert_eq!(code, Some(0), "{said}");
    let (status, left, _) = seat.ends()?;
    assert!(status.success() && left.contains("The terminal was closed."), "{left}");
    Ok(())
}

#[test]
fn what_cannot_be_is_said_with_a_next_step() -> anyhow::Result<()> {
    let home = planned()?;
    for (args, why) in [
        (&["attach", "1/1"][..], "this is no terminal, so there is nothing to attach"),
        (&["terminal", "1/1"], "this is no terminal"),
        (&["terminal", "1", "--detached"], "a goal has no terminal; open one of a task"),
        (&["terminal", "1/1", "--type", "x"], "has no terminal open. Next: orchestrator terminal"),
        (&["terminal", "1/1", "--show"], "never had a terminal. Next: orchestrator terminal 1/1"),
    ] {
        let (code, said) = home.run(args)?;
        assert!(code != Some(0) && said.contains(why), "{args:?}: {said}");
    }
    let (code, said) = home.run(&["terminal", "1/1", "--detached"])?;
    assert!(code == Some(0) && said.contains("Next: orchestrator attach 1/1"), "{said}");
    let (_, said) = home.run(&["done", "1/1"])?;
    assert!(said.contains("has a terminal open; close that first"), "{said}");
    close(&home)
}
