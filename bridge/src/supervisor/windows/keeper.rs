//! The bridge's own hand in a run: what the shim is on Unix. It starts the program, takes what it writes from its
//! pipes to the files of the run's folder, hands on what stands in its inbox, and leaves word of how it ended.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle, sleep};

use shared::harness::Naming;
use shared::run::{Resources, RunEnd, Window};
use shared::unit::{Bytes, Millis};

use super::{Bell, Prepared, is_there, line, named};
use crate::supervisor::folder::RunFolder;
use crate::supervisor::{AGAIN, Lookout, MARK, Process, Told, Word, turn};
use crate::win32::{self, Event, Job, PseudoConsole, Start, Streams, environment, wide};

/// What a thread that waits and copies needs.
pub(super) const STACK: usize = 128 * 1024;
/// As much as a pipe holds, several times over.
const CHUNK: usize = 16 * 1024;
/// In a run's folder: nothing that could still write is left, and all that was written is in its files.
pub(super) const DRAINED: &str = "drained";
/// In a run's folder: it has a terminal.
const TERMINAL: &str = "terminal";
/// In a run's folder: its terminal is to be sent Ctrl+C.
const INTERRUPT: &str = "interrupt";
const CTRL_C: u8 = 3;

/// What we end a run with: no program's own, by the bit for codes that are not the system's.
pub(super) const KILLED: u32 = 0xE000_0009;
/// What a program ends with that was asked by the console and knows no answer (`STATUS_CONTROL_C_EXIT`).
const INTERRUPTED: u32 = 0xC000_013A;

/// A program that is kept.
struct Kept {
    folder: RunFolder,
    bell: Arc<Bell>,
    job: Job,
    process: win32::Process,
    terminal: Arc<Terminal>,
    /// What takes its output to its files.
    spools: Vec<JoinHandle<()>>,
    inbox: Option<Arc<Event>>,
}

/// What a program is told through, beside its input.
#[derive(Default)]
struct Terminal {
    /// Nothing where it has no terminal, or none any more.
    console: Mutex<Option<PseudoConsole>>,
    /// Who tells the program waits for what it says.
    waits: AtomicBool,
    over: AtomicBool,
}

/// Starts a program in a job that ends with this process, and sees it through.
///
/// # Errors
/// It does not start, or this process has no room to keep it; then nothing of it is left.
pub(super) fn start(prepared: Prepared, bell: &Arc<Bell>) -> io::Result<()> {
    let Prepared { folder, program, args, mut env, cwd, window, .. } = prepared;
    env.push((MARK.into(), folder.path().into()));
    let environment = environment::block(env.iter().map(|(name, value)| (wide(name), wide(value))))?;
    let (program, mut line) = line(&program, &args)?;
    let job = Job::make(Some(&named(&folder, "run")))?;
    let told = folder.told()?;
    let inbox = told.as_ref().map(|_| Event::make(&named(&folder, "inbox")).map(Arc::new)).transpose()?;
    let ends = Ends::open(&folder, window, told.is_some())?;
    let terminal = Arc::new(Terminal::default());
    folder.begin()?;
    let mut start = |streams| {
        let (line, environment) = (&mut line[..], &environment[..]);
        Start { program: &program, line, environment, folder: &cwd, job: &job, streams }.start()
    };
    let process = match ends.inner {
        Inner::Streams(input, output, errors) => {
            start(Streams::Own { input: input.into(), output: output.into(), errors: errors.into() })?
        }
        Inner::Console(console) => {
            let process = start(Streams::Console(&console))?;
            *terminal.console() = Some(console);
            process
        }
    };
    let pid = i32::try_from(process.pid).map_err(io::Error::other)?;
    folder.started(Process { pid, started: process.times()?.started })?;
    let mut spools = Vec::new();
    for (from, to) in ends.output {
        let (bell, terminal, inbox) = (Arc::clone(bell), Arc::clone(&terminal), inbox.clone());
        spools.push(thread().spawn(move || spool(from, to, &bell, &terminal, inbox.as_deref()))?);
    }
    if let (Some(told), Some(input), Some(inbox)) = (told, ends.input, inbox.clone()) {
        let (folder, terminal) = (folder.clone(), Arc::clone(&terminal));
        thread().spawn(move || tell(told, input, &inbox, &terminal, &folder))?;
    }
    let kept = Kept { folder, bell: Arc::clone(bell), job, process, terminal, spools, inbox };
    thread().spawn(move || kept.see_through())?;
    Ok(())
}

fn thread() -> Builder {
    Builder::new().stack_size(STACK)
}

/// The ends of what leads to a program and away from it.
struct Ends {
    inner: Inner,
    input: Option<PipeWriter>,
    output: Vec<(PipeReader, File)>,
}

/// Those that the program gets.
enum Inner {
    Streams(File, PipeWriter, PipeWriter),
    Console(PseudoConsole),
}

impl Ends {
    fn open(folder: &RunFolder, window: Option<Window>, listens: bool) -> io::Result<Self> {
        let (out, err) = folder.output()?;
        let (from, output) = io::pipe()?;
        if let Some(window) = window {
            let (typed, input) = io::pipe()?;
            let console = PseudoConsole::make(size(window), typed, output)?;
            File::create(folder.path().join(TERMINAL))?;
            let output = vec![(from, out)];
            return Ok(Self { inner: Inner::Console(console), input: Some(input), output });
        }
        let (from_errors, errors) = io::pipe()?;
        let (stdin, input) = match folder.text()? {
            Some(text) => (text, None),
            None if listens => {
                let (stdin, input) = io::pipe()?;
                (File::from(std::os::windows::io::OwnedHandle::from(stdin)), Some(input))
            }
            None => (File::open("NUL")?, None),
        };
        let output_files = vec![(from, out), (from_errors, err)];
        Ok(Self { inner: Inner::Streams(stdin, output, errors), input, output: output_files })
    }
}

fn size(Window { rows, cols }: Window) -> (i16, i16) {
    let bounded = |count| i16::try_from(count).unwrap_or(i16::MAX);
    (bounded(rows), bounded(cols))
}

impl Terminal {
    fn console(&self) -> std::sync::MutexGuard<'_, Option<PseudoConsole>> {
        self.console.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Waits for the end, and leaves word of it.
    fn see_through(self) {
        let Self { folder, bell, job, process, terminal, spools, inbox } = self;
        process.wait();
        let end = match process.exit_code() {
            Ok(code) => end_of(code),
            Err(error) => RunEnd::Lost { why: format!("the system did not say how it ended: {error}") },
        };
        let used =
            used(&job, &process).inspect_err(|error| tracing::info!(%error, "what a run used is not known"));
        let used = used.ok().flatten();
        // A disk that is full now may have room later.
        while let Err(error) = folder.ended(&end, used) {
            if error.kind() == io::ErrorKind::NotFound {
                return;
            }
            sleep(AGAIN);
        }
        bell.word.notify_one();
        terminal.over.store(true, Ordering::Release);
        let _ = inbox.map(|inbox| inbox.ring());
        // Its output ends with it.
        let console = terminal.console().take();
        drop(console);
        for spool in spools {
            let _ = spool.join();
        }
        let _ = File::create(folder.path().join(DRAINED));
        // Each in turn, until none is left.
        while let Some(&pid) = job.processes().unwrap_or_default().first() {
            if let Ok(left) = win32::Process::open(pid) {
                left.wait();
            }
        }
        // The folder may be gone by now.
        let _ = folder.cleared();
        bell.word.notify_one();
    }
}

/// Takes what a program writes to its file. What does not find room waits, and so does the program.
fn spool(mut from: PipeReader, mut to: File, bell: &Bell, terminal: &Terminal, inbox: Option<&Event>) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let mut left = match from.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => &chunk[..count],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        while !left.is_empty() {
            match to.write(left) {
                Ok(count) => left = &left[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => sleep(AGAIN),
            }
            bell.output.notify_one();
            if terminal.waits.load(Ordering::SeqCst) {
                let _ = inbox.map(Event::ring);
            }
        }
    }
}

/// Hands on what the program is told, as long as it takes it.
fn tell(
    mut told: Told,
    mut input: PipeWriter,
    inbox: &Event,
    terminal: &Terminal,
    folder: &RunFolder,
) -> io::Result<()> {
    let mut chunk = [0; 4 * 1024];
    while !terminal.over.load(Ordering::Acquire) {
        while let Some(word) = told.next()? {
            match word {
                Word::Text { mut at, length } => {
                    let end = at + length;
                    while at < end {
                        let most =
                            usize::try_from(end - at).map_or(chunk.len(), |left| left.min(chunk.len()));
                        let count = told.read(at, &mut chunk[..most])?;
                        input.write_all(&chunk[..count])?;
                        at += count as u64;
                    }
                }
                Word::Turn { at, length } => {
                    let Some(naming) = naming(inbox, terminal, folder)? else { return Ok(()) };
                    match turn(&told, at, length, &naming)? {
                        Some(turn) => input.write_all(turn.as_bytes())?,
                        // Its input ends, and with it the program.
                        None => return Ok(()),
                    }
                }
                // A program without a terminal has no size.
                Word::Size(window) => {
                    if let Some(console) = &*terminal.console() {
                        console.resize(size(window))?;
                    }
                }
                Word::End if terminal.console().is_none() => return Ok(()),
                // A terminal ends with its program.
                Word::End => {}
            }
        }
        if std::fs::remove_file(folder.path().join(INTERRUPT)).is_ok() && terminal.console().is_some() {
            input.write_all(&[CTRL_C])?;
        }
        inbox.wait()?;
    }
    Ok(())
}

/// Waits until an agent has named its session in its output; nothing where it is over before.
fn naming(inbox: &Event, terminal: &Terminal, folder: &RunFolder) -> io::Result<Option<Naming>> {
    // Before the first look, so that nothing is missed between.
    terminal.waits.store(true, Ordering::SeqCst);
    let mut lookout = Lookout::new(folder)?;
    while !terminal.over.load(Ordering::Acquire) {
        if let Some(naming) = lookout.look()? {
            terminal.waits.store(false, Ordering::SeqCst);
            return Ok(Some(naming));
        }
        inbox.wait()?;
    }
    Ok(None)
}

/// Asks a run to end: by its terminal, where it has one, or by the console that it shares with the bridge.
///
/// # Errors
/// It cannot be asked.
pub(super) fn interrupt(folder: &RunFolder, leader: Option<Process>) -> io::Result<()> {
    if folder.path().join(TERMINAL).exists() {
        File::create(folder.path().join(INTERRUPT))?;
        super::ring(folder);
        return Ok(());
    }
    // The number of one that is gone might mean the bridge's own group.
    let group = leader.filter(|leader| is_there(*leader)).and_then(|leader| u32::try_from(leader.pid).ok());
    win32::interrupt(group.ok_or(io::ErrorKind::NotFound)?)
}

/// What a run has used when its program has ended: all its processes of the processors, the program of the memory.
/// Nothing where the system has not counted it.
fn used(job: &Job, process: &win32::Process) -> io::Result<Option<Resources>> {
    let cpu = job.cpu()?.max(process.times()?.cpu);
    let memory = Bytes(process.peak_memory()?);
    let used = Resources { cpu: Millis(u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX)), memory };
    Ok(Some(used).filter(|used| used.memory > Bytes(0)))
}

fn end_of(code: u32) -> RunEnd {
    match code {
        KILLED => RunEnd::Signalled { signal: 9 },
        INTERRUPTED => RunEnd::Signalled { signal: 2 },
        code => RunEnd::Exited { code: code.cast_signed() },
    }
}
