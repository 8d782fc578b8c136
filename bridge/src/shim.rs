//! `orchestrator shim`: stands between the bridge and one run's program, so that the program outlives the
//! bridge. It starts the program with its output on files of the run's folder, takes its orphans in, hands on
//! what stands in the run's inbox, and leaves word of how it ended. It decides nothing, and reads no meaning but the name
//! of a session that the order waits for.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use anyhow::Context;
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, getpid, set_child_subreaper, wait};
use shared::run::{RunEnd, Window};

use crate::memory;
use crate::supervisor::{self, MARK, Process, RunFolder, Told, Word, own_session, stand_alone, stat};
use piped::Piped;
use terminal::Terminal;

mod answers;
mod piped;
mod session;
mod terminal;

/// What the bridge starts it with: `[--files=NUMBER] [--terminal=ROWSxCOLS] [--pipes] FOLDER -- PROGRAM ARGUMENTS`.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    /// How many files the program may have open; as many as the bridge, if nothing is said.
    files: Option<u64>,
    /// Give the program a terminal of this size.
    terminal: Option<Window>,
    /// Give the program pipes for its output.
    pipes: bool,
    /// The run's folder, claimed by the bridge.
    folder: PathBuf,
    /// The program and its arguments.
    command: Vec<OsString>,
}

impl Order {
    /// Read by hand: one shim stands beside each agent, and clap takes more memory than all else that it does.
    fn of(words: impl IntoIterator<Item = OsString>) -> anyhow::Result<Self> {
        let mut words = words.into_iter().peekable();
        let mut option = |name: &str| {
            let word = words.next_if(|word| word.to_str().is_some_and(|word| word.starts_with(name)))?;
            Some(word.to_str()?.strip_prefix(name)?.to_owned())
        };
        let files = option("--files=").map(|files| files.parse()).transpose()?;
        let terminal = option("--terminal=").map(|size| window(&size)).transpose()?;
        let pipes = option("--pipes").is_some();
        let folder = words.next().map(PathBuf::from);
        let (dashes, command) = (words.next(), words.collect::<Vec<_>>());
        match folder {
            Some(folder) if dashes.is_some_and(|word| word == "--") && !command.is_empty() => {
                Ok(Self { files, terminal, pipes, folder, command })
            }
            _ => anyhow::bail!(
                "a shim is started by the bridge; run `orchestrator --help` for what people start"
            ),
        }
    }
}

/// Sees one run through; ends when nothing of it is left below.
///
/// # Errors
/// The words are not the bridge's, or the folder cannot be read or written.
pub fn run(words: impl IntoIterator<Item = OsString>) -> anyhow::Result<ExitCode> {
    let Order { files, terminal, pipes, folder, command } = Order::of(words)?;
    stand_alone(files)?;
    let folder = RunFolder::new(folder);
    // Held until this process is gone.
    let Some(_claim) = folder.lock_claim()? else { return Ok(ExitCode::FAILURE) };
    set_child_subreaper(Pid::from_raw(1))?;
    folder.kept_by(process(getpid().as_raw_nonzero().get()))?;
    folder.begin()?;
    let Started { leader, spools, mut inner } = match start(&folder, terminal, pipes, &command) {
        Ok(started) => started,
        Err(error) => {
            folder.failed(&error)?;
            return Ok(ExitCode::FAILURE);
        }
    };
    // Nobody waited for it yet, so its number is its own.
    patiently(|| folder.started(process(leader)))?;
    memory::let_go_of_code();
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get() == leader => {
                drop(inner.take());
                // Its last words stand before its end.
                spools.empty();
                let end = end_of(status);
                let used = supervisor::used_by_children();
                patiently(|| folder.ended(&end, used))?;
            }
            // An orphan of the run, or a signal that came in between.
            Ok(_) | Err(Errno::INTR) => {}
            // No child is left, and so nothing below: whatever loses its parent comes to a subreaper.
            Err(_) => {
                spools.empty();
                patiently(|| folder.cleared())?;
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}

struct Started {
    leader: i32,
    spools: Spools,
    /// The terminal's inner end, open for as long as the program lives.
    inner: Option<OwnedFd>,
}

/// What stands between the program and the files of its output, if anything does.
#[derive(Default)]
struct Spools {
    terminal: Option<Terminal>,
    pipes: Vec<Piped>,
}

impl Spools {
    /// What was written until now is in the files after this.
    fn empty(&self) {
        if let Some(terminal) = &self.terminal {
            terminal.empty();
        }
        self.pipes.iter().for_each(Piped::empty);
    }

    /// Lets them spool beside everything else, on threads that end with this process.
    fn begin(&self) -> io::Result<()> {
        let thread = || thread::Builder::new();
        if let Some(terminal) = self.terminal.clone() {
            thread().spawn(move || terminal.spool())?;
        }
        for pipe in self.pipes.clone() {
            thread().spawn(move || pipe.spool())?;
        }
        Ok(())
    }
}

/// Leaves word, also where the disk is full for a while: without it nobody would know how the program ended, and it would count
/// as lost.
fn patiently(mut word: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match word() {
            Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                thread::sleep(terminal::AGAIN);
            }
            said => return said,
        }
    }
}

fn start(
    folder: &RunFolder,
    window: Option<Window>,
    pipes: bool,
    command: &[OsString],
) -> io::Result<Started> {
    let [program, args @ ..] = command else { return Err(Errno::INVAL.into()) };
    let (out, err) = folder.output()?;
    // For writing too: it then never ends, whichever bridge comes and goes.
    let bell = || File::options().read(true).write(true).open(folder.bell());
    let told = folder.told()?.map(|told| bell().map(|bell| (told, bell))).transpose()?;
    let mut command = Command::new(program);
    command.args(args).env(MARK, folder.path());
    own_session(&mut command);
    let (mut input, mut spools, mut inner) = (None, Spools::default(), None);
    if let Some(window) = window {
        let (opened, end) = Terminal::open(window, out)?;
        terminal::attach(&mut command, &end)?;
        input = Some(opened.input()?);
        (spools.terminal, inner) = (Some(opened), Some(end));
    } else {
        let stdin = match (folder.text()?, &told) {
            (Some(text), _) => text.into(),
            (None, Some(_)) => {
                let (read, write) = io::pipe()?;
                input = Some(write.into());
                read.into()
            }
            (None, None) => Stdio::null(),
        };
        command.stdin(stdin);
        if pipes {
            let ((out, to_out), (err, to_err)) = (Piped::open(out)?, Piped::open(err)?);
            command.stdout(to_out).stderr(to_err);
            spools.pipes.extend([out, err]);
        } else {
            command.stdout(out).stderr(err);
        }
    }
    // Waited for by number, with all others.
    let child = command.spawn()?;
    // With its inner ends of pipes, of which the program's are to be the last.
    drop(command);
    // Threads only from here on, as fork copies none. They end with this process.
    if let (Some((told, bell)), Some(input)) = (told, input) {
        let (terminal, folder) = (spools.terminal.clone(), folder.clone());
        thread::Builder::new().spawn(move || tell(told, &bell, &input, terminal.as_ref(), &folder))?;
    }
    spools.begin()?;
    let leader = i32::try_from(child.id()).map_err(|_| Errno::OVERFLOW)?;
    Ok(Started { leader, spools, inner })
}

/// Hands on what the program is told, as long as it takes it and there is more to come.
fn tell(
    mut told: Told,
    bell: &File,
    input: &OwnedFd,
    terminal: Option<&Terminal>,
    folder: &RunFolder,
) -> io::Result<()> {
    let mut chunk = [0; 4 * 1024];
    loop {
        while let Some(word) = told.next()? {
            match word {
                Word::Text { mut at, length } => {
                    let end = at + length;
                    while at < end {
                        let most =
                            usize::try_from(end - at).map_or(chunk.len(), |left| left.min(chunk.len()));
                        let count = told.read(at, &mut chunk[..most])?;
                        terminal::write_to(input, &chunk[..count])?;
                        at += count as u64;
                    }
                }
                Word::Turn { at, length } => {
                    match supervisor::turn(&told, at, length, &session::named(folder)?)? {
                        Some(turn) => terminal::write_to(input, turn.as_bytes())?,
                        // Its input ends, and with it the program.
                        None => return Ok(()),
                    }
                }
                // A program without a terminal has no size.
                Word::Size(window) => terminal.map_or(Ok(()), |terminal| terminal.resize(window))?,
                Word::End if terminal.is_none() => return Ok(()),
                // A terminal ends with its program.
                Word::End => {}
            }
        }
        let mut bell = bell;
        // The inbox is looked at after this, however often it rang.
        let _rings = bell.read(&mut chunk)?;
    }
}

fn window(text: &str) -> anyhow::Result<Window> {
    let size = text
        .split_once('x')
        .and_then(|(rows, cols)| Some(Window { rows: rows.parse().ok()?, cols: cols.parse().ok()? }));
    size.with_context(|| format!("{text:?} is no size; give ROWSxCOLS"))
}

fn process(pid: i32) -> Process {
    // A time that no process has would keep its number from being taken for a later one's.
    Process { pid, started: stat(pid).map_or(u64::MAX, |stat| stat.started) }
}

fn end_of(status: WaitStatus) -> RunEnd {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => RunEnd::Exited { code },
        (None, Some(signal)) => RunEnd::Signalled { signal },
        (None, None) => RunEnd::Lost { why: "the system did not say how it ended".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn order(line: &str) -> anyhow::Result<Order> {
        Order::of(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn word_is_left_as_soon_as_the_disk_has_room_for_it() {
        let mut tries = 0;
        let said = patiently(|| {
            tries += 1;
            if tries < 3 { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
        });
        assert!(said.is_ok() && tries == 3);
        // What no room helps against is told at once.
        assert!(patiently(|| Err(ErrorKind::NotFound.into())).is_err());
    }

    #[test]
    fn what_the_bridge_says_is_understood_and_nothing_else() {
        let command = ["sh", "-c", "--", "--terminal=1x1"].map(OsString::from).to_vec();
        let plain = Order {
            files: None,
            terminal: None,
            pipes: false,
            folder: "/run".into(),
            command: command.clone(),
        };
        assert_eq!(order("/run -- sh -c -- --terminal=1x1").unwrap(), plain);
        let window = Some(Window { rows: 24, cols: 80 });
        let sized = Order { files: None, terminal: window, pipes: true, folder: "/run".into(), command };
        assert_eq!(order("--terminal=24x80 --pipes /run -- sh -c -- --terminal=1x1").unwrap(), sized);
        let bounded = Order { files: Some(1_024), ..sized };
        assert_eq!(
            order("--files=1024 --terminal=24x80 --pipes /run -- sh -c -- --terminal=1x1").unwrap(),
            bounded
        );
        for line in [
            "",
            "/run",
            "/run --",
            "/run sh",
            "-- sh",
            "--terminal=24 /run -- sh",
            "--terminal=24x80 -- sh",
            "--files=x /run -- sh",
        ] {
            assert!(order(line).is_err(), "{line}");
        }
    }
}
