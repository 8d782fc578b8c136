//! Waiting for a program that was started, but not for ever: who holds a lock meanwhile would hold it as long.

use std::io::{self, Read};
use std::process::{Child, ChildStdout, Command, Output};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often it is looked whether a program ended that has nothing more to say.
const STEP: Duration = Duration::from_millis(1);

/// In a group of its own, so that what it starts is killed with it.
fn spawn(command: &mut Command) -> io::Result<Child> {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command.spawn()
}

fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended just now.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// What it writes and how it ends; none where it was killed because it did not end in time.
pub(super) fn output(mut command: Command, limit: Duration) -> io::Result<Option<Output>> {
    let began = Instant::now();
    let mut child = spawn(&mut command)?;
    let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let left = || limit.saturating_sub(began.elapsed());
    let said = stdout.recv_timeout(left()).and_then(|out| Ok((out, stderr.recv_timeout(left())?)));
    let Ok((stdout, stderr)) = said else {
        kill(&mut child);
        return Ok(None);
    };
    let (stdout, stderr) = (stdout?, stderr?);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(Output { status, stdout, stderr }));
        } else if left().is_zero() {
            kill(&mut child);
            return Ok(None);
        }
        thread::sleep(STEP);
    }
}

/// Reads all of it beside everything else. Nobody waits for it where a program that was not killed holds the other end.
fn reader(from: Option<impl Read + Send + 'static>) -> Receiver<io::Result<Vec<u8>>> {
    let (into, read) = channel();
    thread::spawn(move || {
        let mut said = Vec::new();
        let all = from.map_or(Ok(0), |mut from| from.read_to_end(&mut said));
        // Nobody may listen any more.
        let _ = into.send(all.map(|_| said));
    });
    read
}

/// A program that is read while it writes. It is killed when its time is up, and its reader then finds an end.
#[derive(Debug)]
pub(super) struct Running {
    child: Arc<Mutex<Child>>,
    pub(super) stdout: Option<ChildStdout>,
    /// Gone, it tells the one who watches that nothing is to be killed.
    _ended: Sender<()>,
}

impl Running {
    pub(super) fn start(mut command: Command, limit: Duration) -> io::Result<Self> {
        let mut child = spawn(&mut command)?;
        let stdout = child.stdout.take();
        let (child, (_ended, over)) = (Arc::new(Mutex::new(child)), channel());
        let watched = Arc::clone(&child);
        thread::spawn(move || {
            if over.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                kill(&mut locked(&watched));
            }
        });
        Ok(Self { child, stdout, _ended })
    }

    /// Until it ended, by itself or killed.
    pub(super) fn wait(self) -> io::Result<()> {
        while locked(&self.child).try_wait()?.is_none() {
            thread::sleep(STEP);
        }
        Ok(())
    }
}

fn locked(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}
