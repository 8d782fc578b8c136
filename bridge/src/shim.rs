//! `orchestrator shim`: stands between the bridge and one run's program, so that the program outlives the
//! bridge. It starts the program with its output on files of the run's folder, takes its orphans in, hands on
//! what stands in the run's inbox, and leaves word of how it ended. It decides nothing and reads no meaning.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, getpid, set_child_subreaper, wait};
use shared::run::{RunEnd, Window};

use crate::supervisor::{MARK, Process, RunFolder, Told, Word, own_session, stat};
use terminal::Terminal;

mod terminal;

/// Hidden: the bridge starts it.
#[derive(Debug, clap::Args)]
pub struct ShimArgs {
    /// Give the program a terminal of this size.
    #[arg(long, value_name = "ROWSxCOLS", value_parser = window)]
    terminal: Option<Window>,
    /// The run's folder, claimed by the bridge.
    folder: PathBuf,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Sees one run through; ends when nothing of it is left below.
///
/// # Errors
/// The folder cannot be read or written.
pub fn run(args: &ShimArgs) -> anyhow::Result<ExitCode> {
    let folder = RunFolder::new(args.folder.clone());
    // Held until this process is gone.
    let Some(_claim) = folder.lock_claim()? else { return Ok(ExitCode::FAILURE) };
    set_child_subreaper(Pid::from_raw(1))?;
    folder.kept_by(process(getpid().as_raw_nonzero().get()))?;
    folder.begin()?;
    let Started { leader, terminal, mut inner } = match start(&folder, args.terminal, &args.command) {
        Ok(started) => started,
        Err(error) => {
            folder.failed(&error)?;
            return Ok(ExitCode::FAILURE);
        }
    };
    // Nobody waited for it yet, so its number is its own.
    folder.started(process(leader))?;
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get() == leader => {
                drop(inner.take());
                // Its last words stand before its end.
                spooled(terminal.as_ref());
                folder.ended(&end_of(status))?;
            }
            // An orphan of the run, or a signal that came in between.
            Ok(_) | Err(Errno::INTR) => {}
            // No child is left, and so nothing below: whatever loses its parent comes to a subreaper.
            Err(_) => {
                spooled(terminal.as_ref());
                folder.cleared()?;
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}

struct Started {
    leader: i32,
    terminal: Option<Terminal>,
    /// The terminal's inner end, open for as long as the program lives.
    inner: Option<OwnedFd>,
}

fn spooled(terminal: Option<&Terminal>) {
    if let Some(terminal) = terminal {
        terminal.empty();
    }
}

fn start(folder: &RunFolder, window: Option<Window>, command: &[OsString]) -> io::Result<Started> {
    let [program, args @ ..] = command else { return Err(Errno::INVAL.into()) };
    let (out, err) = folder.output()?;
    // For writing too: it then never ends, whichever bridge comes and goes.
    let bell = || File::options().read(true).write(true).open(folder.bell());
    let told = folder.told()?.map(|told| bell().map(|bell| (told, bell))).transpose()?;
    let mut command = Command::new(program);
    command.args(args).env(MARK, folder.path());
    own_session(&mut command, None);
    let (mut input, mut terminal, mut inner) = (None, None, None);
    if let Some(window) = window {
        let (opened, end) = Terminal::open(window, out)?;
        terminal::attach(&mut command, &end)?;
        input = Some(opened.input()?);
        (terminal, inner) = (Some(opened), Some(end));
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
        command.stdin(stdin).stdout(out).stderr(err);
    }
    // Waited for by number, with all others.
    let child = command.spawn()?;
    // Threads only from here on, as fork copies none. They end with this process.
    if let (Some((told, bell)), Some(input)) = (told, input) {
        let terminal = terminal.clone();
        thread::Builder::new().spawn(move || tell(told, &bell, &input, terminal.as_ref()))?;
    }
    if let Some(terminal) = terminal.clone() {
        thread::Builder::new().spawn(move || terminal.spool())?;
    }
    let leader = i32::try_from(child.id()).map_err(|_| Errno::OVERFLOW)?;
    Ok(Started { leader, terminal, inner })
}

/// Hands on what the program is told, as long as it takes it.
fn tell(mut told: Told, bell: &File, input: &OwnedFd, terminal: Option<&Terminal>) -> io::Result<()> {
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
                // A program without a terminal has no size.
                Word::Size(window) => terminal.map_or(Ok(()), |terminal| terminal.resize(window))?,
            }
        }
        let mut bell = bell;
        // The inbox is looked at after this, however often it rang.
        let _rings = bell.read(&mut chunk)?;
    }
}

fn window(text: &str) -> Result<Window, String> {
    let size = text
        .split_once('x')
        .and_then(|(rows, cols)| Some(Window { rows: rows.parse().ok()?, cols: cols.parse().ok()? }));
    size.ok_or_else(|| format!("{text:?} is no size; give ROWSxCOLS"))
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
