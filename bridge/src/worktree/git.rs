//! How git is called for worktrees: by its name in PATH, with nothing inherited that would lead it elsewhere, without
//! hooks or filters of the repository's (an agent may have written them), without a fetch from anywhere or a question to
//! anyone, for a limited time, and with bytes for paths.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::limit::{self, Running};
use super::{NextStep, filters};

/// Bytes of what git says that go on to a person.
const WORDS: usize = 2_000;
/// No folder, so there are no hooks in it.
const NO_HOOKS: &str = "core.hooksPath=/dev/null";
/// A snapshot that a power cut takes away is none.
const SYNCED: &str = "core.fsync=committed,reference";
/// How long one git may take: whoever waits for it may hold the lock.
const LIMIT: Duration = Duration::from_secs(10 * 60);
const WHO: &str = "Orchestrator";
const MAIL: &str = "orchestrator@localhost";

/// Git could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error("git cannot be started: {0}")]
    NotThere(#[source] io::Error),
    #[error("the folder {} is not there any more", .0.display())]
    NoFolder(PathBuf),
    #[error("git was not done after {} and was stopped", minutes(.0))]
    Endless(Duration),
    #[error("git says: {0}")]
    Said(String),
    #[error("{path} cannot be read or written: {source}", path = path.display())]
    Disk { path: PathBuf, source: io::Error },
}

impl NextStep for Failed {
    fn next_step(&self) -> &'static str {
        match self {
            Self::NotThere(_) => "Install git, and see that it is in the PATH of the bridge.",
            Self::NoFolder(_) => {
                "Bring that folder back to where it was, or run `git worktree list` in the repository where it is now."
            }
            Self::Endless(_) => {
                "See whether a filter of your git configuration waits for something, or the disk is slow, and try again."
            }
            Self::Said(said) if said.contains("'refs/heads/orchestrator' exists; cannot create") => {
                "Rename the branch called `orchestrator` (`git branch -m orchestrator NAME`): with it there, git makes none whose name begins with `orchestrator/`."
            }
            Self::Said(_) => {
                "Run `git status` and `git fsck` in the repository, mend what they name and try again."
            }
            Self::Disk { .. } => "See to the permissions and the room on that disk, and try again.",
        }
    }
}

impl Failed {
    pub(super) fn disk(path: &Path, source: io::Error) -> Self {
        Self::Disk { path: path.to_owned(), source }
    }

    /// Whether git said this.
    pub(super) fn says(&self, words: &str) -> bool {
        matches!(self, Self::Said(said) if said.contains(words))
    }
}

fn minutes(limit: &Duration) -> String {
    match limit.as_secs() / 60 {
        0 => format!("{} ms", limit.as_millis()),
        1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

/// What a test has its own of.
#[cfg(test)]
pub(super) mod trial {
    use std::cell::RefCell;
    use std::path::PathBuf;
    use std::time::Duration;

    thread_local! {
        /// The person's settings for git.
        pub(crate) static GLOBAL: RefCell<PathBuf> = RefCell::new(PathBuf::from("/dev/null"));
        pub(crate) static LIMIT: RefCell<Duration> = const { RefCell::new(super::LIMIT) };
    }
}

fn limit() -> Duration {
    #[cfg(test)]
    return trial::LIMIT.with_borrow(|limit| *limit);
    #[cfg(not(test))]
    LIMIT
}

/// Git at one place; every call is a process.
#[derive(Debug, Clone)]
pub(super) struct Git {
    folder: PathBuf,
    variables: Vec<(&'static str, OsString)>,
}

impl Git {
    /// As it finds its repository from this folder.
    pub(super) fn from(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), variables: Vec::new() }
    }

    /// With a repository's folder and a working tree that are given: git then looks for neither, and does not note in
    /// its record where the working tree is just now.
    pub(super) fn with(record: &Path, tree: &Path) -> Self {
        Self::from(tree).set("GIT_DIR", record).set("GIT_WORK_TREE", tree)
    }

    pub(super) fn set(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name, value.as_ref().to_owned()));
        self
    }

    /// A call that runs no program which the repository names.
    fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<Command, Failed> {
        let args: Vec<OsString> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        let filters = match args.first() {
            Some(verb) if filters::may_convert(verb) => self.filters()?,
            _ => Vec::new(),
        };
        let mut git = self.plain();
        git.env("GIT_CONFIG_COUNT", filters.len().to_string());
        for (number, (key, value)) in filters.into_iter().enumerate() {
            git.env(format!("GIT_CONFIG_KEY_{number}"), key);
            git.env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        git.args(args);
        Ok(git)
    }

    /// What goes in place of the filters that the repository or the worktree names.
    fn filters(&self) -> Result<Vec<(OsString, OsString)>, Failed> {
        let mut listed = self.plain();
        listed.args(filters::LISTED);
        let listed = self.output(listed)?;
        // It ends with 1 where there is none.
        if listed.status.success() || listed.status.code() == Some(1) {
            Ok(filters::instead(&listed.stdout))
        } else {
            Err(Failed::Said(words(&listed)))
        }
    }

    fn plain(&self) -> Command {
        let mut git = Command::new("git");
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"GIT_") {
                git.env_remove(name);
            }
        }
        git.arg("--literal-pathspecs");
        for setting in ["core.fsmonitor=false", NO_HOOKS, SYNCED] {
            git.args(["-c", setting]);
        }
        for setting in
            ["commit.gpgsign=false", "submodule.recurse=false", "gc.auto=0", "maintenance.auto=false"]
        {
            git.args(["-c", setting]);
        }
        // What a partial clone lacks is not fetched: that would run what the repository names for it.
        git.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "");
        git.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
        git.env("GIT_AUTHOR_NAME", WHO).env("GIT_AUTHOR_EMAIL", MAIL);
        git.env("GIT_COMMITTER_NAME", WHO).env("GIT_COMMITTER_EMAIL", MAIL);
        #[cfg(test)]
        {
            // What the one who tests has set plays no part.
            git.env("GIT_CONFIG_GLOBAL", trial::GLOBAL.with_borrow(Clone::clone));
            git.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", "/nonexistent").env_remove("XDG_CONFIG_HOME");
        }
        git.envs(self.variables.iter().map(|(name, value)| (name, value)));
        git.current_dir(&self.folder);
        git.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        git
    }

    fn output(&self, command: Command) -> Result<Output, Failed> {
        let output = limit::output(command, limit()).map_err(|error| self.not_started(error))?;
        output.ok_or_else(|| Failed::Endless(limit()))
    }

    /// A folder that is gone looks like a program that is not there.
    fn not_started(&self, error: io::Error) -> Failed {
        if self.folder.is_dir() { Failed::NotThere(error) } else { Failed::NoFolder(self.folder.clone()) }
    }

    /// What it writes on stdout.
    pub(super) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<Vec<u8>, Failed> {
        Self::well(self.output(self.command(args)?)?)
    }

    /// The same, with a file for its stdin: however much goes either way, nobody waits for the other.
    pub(super) fn fed<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: File,
    ) -> Result<Vec<u8>, Failed> {
        let mut command = self.command(args)?;
        command.stdin(input);
        Self::well(self.output(command)?)
    }

    /// The same, with a file for what it writes.
    pub(super) fn piped<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: File,
        into: File,
    ) -> Result<(), Failed> {
        let mut command = self.command(args)?;
        command.stdin(input).stdout(into);
        Self::well(self.output(command)?).map(drop)
    }

    /// The same, while it writes: whoever starts it reads its stdout and waits for it.
    pub(super) fn start<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: File,
    ) -> Result<Running, Failed> {
        let mut command = self.command(args)?;
        command.stdin(input).stderr(Stdio::null());
        Running::start(command, limit()).map_err(|error| self.not_started(error))
    }

    /// What it writes; nothing where it says by its code that there is none.
    pub(super) fn ask<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Option<String>, Failed> {
        let output = self.output(self.command(args)?)?;
        Ok(output.status.success().then(|| text(&output.stdout)))
    }

    /// One word or line that it writes.
    pub(super) fn word<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<String, Failed> {
        Ok(text(&self.run(args)?))
    }

    /// A path that it writes; a relative one counts from the folder it is asked in.
    pub(super) fn path<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<PathBuf, Failed> {
        let said = self.run(args)?;
        let said = said.strip_suffix(b"\n").unwrap_or(&said);
        Ok(self.folder.join(to_path(said)))
    }

    fn well(output: Output) -> Result<Vec<u8>, Failed> {
        if output.status.success() { Ok(output.stdout) } else { Err(Failed::Said(words(&output))) }
    }
}

pub(super) fn text(said: &[u8]) -> String {
    String::from_utf8_lossy(said).trim().to_owned()
}

/// The end of what git said.
fn words(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    let from = said.ceil_char_boundary(said.len().saturating_sub(WORDS));
    if said.is_empty() {
        format!("nothing, and ends with {}", output.status)
    } else {
        said[from..].to_owned()
    }
}

/// What `-z` separates.
pub(super) fn pieces(said: &[u8]) -> impl Iterator<Item = &[u8]> {
    said.split(|byte| *byte == 0).filter(|piece| !piece.is_empty())
}

/// A path as git writes it, which on Unix is any bytes.
#[cfg(unix)]
pub(super) fn to_path(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(OsStr::from_bytes(name))
}

#[cfg(not(unix))]
pub(super) fn to_path(name: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(name).into_owned())
}

/// A relative path as git names it.
pub(super) fn to_name(path: &Path) -> Vec<u8> {
    let name = path.as_os_str().as_encoded_bytes();
    if cfg!(windows) {
        name.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect()
    } else {
        name.to_vec()
    }
}

/// A path in the quotes that git takes where it reads a path a line.
pub(super) fn quoted(path: &Path) -> Vec<u8> {
    let mut line = vec![b'"'];
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'"' | b'\\' => line.extend([b'\\', *byte]),
            0x20..=0x7e => line.push(*byte),
            _ => line.extend(format!("\\{byte:03o}").bytes()),
        }
    }
    line.extend(b"\"\n");
    line
}
