//! The system's part on Unix.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{Access, access, statvfs};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};

use super::{Behind, Wish};
use crate::supervisor::{Process, own_session};

/// What a path from the root is like, for who wrote another.
pub(crate) const ABSOLUTE: &str = "with /, without ~ or variables";
/// Variables that every program needs here, beside those of `config.rs`.
pub(crate) const ENVIRONMENT: [&str; 0] = [];

/// Whether two variables are the same one.
pub(crate) fn same_variable(one: &str, other: &str) -> bool {
    one == other
}

/// Makes a folder and those above it, for this user alone.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Files that are made so are this user's alone.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Makes a file this user's alone.
pub(crate) fn make_private(file: &Path) -> io::Result<()> {
    std::fs::set_permissions(file, Permissions::from_mode(0o600))
}

/// Reads what stands in a file from `at` on, as much as fits.
pub(crate) fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    file.read_at(into, at)
}

/// Writes all of it into a file from `at` on.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    file.write_all_at(bytes, at)
}

/// Whether a path leads to this file and not to one that came in its place.
pub(crate) fn leads_to(path: &Path, file: &File) -> bool {
    path.metadata().is_ok_and(|there| file.metadata().is_ok_and(|here| here.ino() == there.ino()))
}

/// Has the disk keep which files a folder has.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Errs when this user may not work in a folder.
pub(crate) fn may_enter(folder: &Path) -> io::Result<()> {
    Ok(access(folder, Access::READ_OK | Access::EXEC_OK)?)
}

pub(crate) fn may_write(folder: &Path) -> bool {
    access(folder, Access::WRITE_OK).is_ok()
}

pub(crate) fn may_execute(file: &Path) -> bool {
    access(file, Access::EXEC_OK).is_ok()
}

/// The files that a program of this name may be.
pub(crate) fn programs(named: PathBuf) -> Vec<PathBuf> {
    vec![named]
}

/// Bytes that are free to this user; nothing when the system does not say.
pub(crate) fn free(folder: &Path) -> Option<u64> {
    let disk = statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Bytes that a new program could have, of the machine's and of what bounds this process; nothing where the system does not say.
pub(crate) fn free_memory() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let machine = field(&info, "MemAvailable:")?.saturating_mul(1024);
    Some(own_bound().map_or(machine, |left| left.min(machine)))
}

/// What the bound of our own control group leaves, if it has one (cgroup v2: memory.max, memory.current; what
/// `inactive_file` counts is given back when somebody needs it).
fn own_bound() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let folder = Path::new("/sys/fs/cgroup").join(group);
    let number = |file: &str| std::fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok();
    let (max, current) = (number("memory.max")?, number("memory.current")?);
    let given_back = std::fs::read_to_string(folder.join("memory.stat")).ok();
    let given_back = given_back.and_then(|stat| field(&stat, "inactive_file")).unwrap_or(0);
    Some(max.saturating_sub(current.saturating_sub(given_back)))
}

/// The number behind a name that begins a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Lets the calling thread go behind others. Where it is refused, or would be of the whole process as on other
/// systems than Linux, the work is only done sooner.
#[cfg(target_os = "linux")]
pub(crate) fn give_way(behind: Behind) {
    use rustix::process::{getpriority_process, setpriority_process};

    let nice = match behind {
        Behind::Wakers => 0,
        Behind::Answers => 10,
        Behind::All => 19,
    };
    // The whole bridge may have been started behind others, and nobody goes back.
    let nice = getpriority_process(None).map_or(nice, |own| own.max(nice));
    // Some sandboxes refuse the one call and not the other.
    let lowered = batch(nice).or_else(|_| setpriority_process(None, nice));
    if let Err(error) = lowered {
        tracing::debug!(%error, "a thread keeps everything else's priority");
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn give_way(_: Behind) {}

/// Has the calling thread wait for a processor until others leave one, instead of taking that of whoever wakes it, and
/// lets whoever is woken take its own. Its share is that of its niceness, other than with `SCHED_IDLE`: a thread that holds
/// a lock is not held up for long (`man 2 sched_setattr`, `man 7 sched`).
#[cfg(target_os = "linux")]
fn batch(nice: i32) -> io::Result<()> {
    /// The longest slice that Linux gives, in nanoseconds. Since 6.12 a thread that is woken and has a shorter one, as all
    /// have that ask for nothing, need not wait for the end of it; before, it says nothing.
    const SLICE: u64 = 100_000_000;
    let attributes = libc::sched_attr {
        size: u32::try_from(size_of::<libc::sched_attr>()).unwrap_or(0),
        sched_policy: libc::SCHED_BATCH.cast_unsigned(),
        sched_flags: 0,
        sched_nice: nice,
        sched_priority: 0,
        sched_runtime: SLICE,
        sched_deadline: 0,
        sched_period: 0,
    };
    #[expect(unsafe_code, reason = "there is no safe call for it")]
    // SAFETY: 0 is the calling thread; the attributes have the size that they tell, and are only read.
    let set = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Lets a command start apart from this terminal, so that it goes on when this process is interrupted.
pub(crate) fn detach(command: &mut Command) {
    own_session(command);
}

/// What shows the URL that it is given as its argument; nothing where there is no screen.
pub(crate) fn browser() -> Option<Command> {
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    (display || cfg!(target_os = "macos")).then(|| {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    })
}

/// Asks a bridge to end.
///
/// # Errors
/// It is gone, or another user's.
pub(crate) fn ask(bridge: Process, wish: Wish) -> io::Result<()> {
    let signal = match wish {
        Wish::End => Signal::TERM,
        Wish::HandOver => Signal::USR1,
    };
    let pid = Pid::from_raw(bridge.pid).ok_or(io::ErrorKind::NotFound)?;
    Ok(kill_process(pid, signal)?)
}

/// The wishes of the system, of the person and of another bridge that this process ends.
pub(crate) struct Wishes {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hand_over: tokio::signal::unix::Signal,
}

impl Wishes {
    /// From here on a signal is a wish and does not end the process, also before the bridge has started.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hand_over: signal(SignalKind::user_defined1())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::End,
            _ = self.interrupt.recv() => Wish::End,
            _ = self.hand_over.recv() => Wish::HandOver,
        }
    }
}

/// The moments in which the person's terminal gets another size.
pub(crate) struct Resizes(tokio::signal::unix::Signal);

impl Resizes {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::window_change())?))
    }

    pub(crate) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// A program with what it starts, which can be ended together.
pub(crate) struct Group(Option<Pid>);

impl Group {
    /// Lets a command lead a group.
    pub(crate) fn lead(command: &mut tokio::process::Command) {
        command.process_group(0);
    }

    pub(crate) fn of(leader: &tokio::process::Child) -> Self {
        Self(leader.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)))
    }

    /// Ends all of it. To be called before the leader was waited for: its number is still its own.
    pub(crate) fn kill(&self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Fields 19 and 41 of `man 5 proc_pid_stat`.
    #[test]
    fn a_thread_that_gives_way_takes_no_processor_from_others() {
        let own = rustix::process::getpriority_process(None).unwrap();
        for (behind, nice) in [(Behind::Wakers, 0), (Behind::Answers, 10), (Behind::All, 19)] {
            let stat = std::thread::spawn(move || {
                give_way(behind);
                std::fs::read_to_string("/proc/thread-self/stat").unwrap()
            });
            let stat = stat.join().unwrap();
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            assert_eq!(
                (fields[16], fields[38]),
                (own.max(nice).to_string().as_str(), "3"),
                "{behind:?} is batch work"
            );
        }
    }
}
