//! `orchestrator look`: what the folder that it is started in holds, for the checks of a task's work. It reads and
//! changes nothing but by `commit`, needs no bridge, ends with 0 where all is well and with 1 and the reason on stdout
//! where not.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use crate::cli::say;

mod commit;

/// Bytes of a file that are read at once.
const PIECE: usize = 64 * 1024;

#[derive(Debug, clap::Args)]
pub struct LookArgs {
    #[command(subcommand)]
    look: Look,
}

#[derive(Debug, clap::Subcommand)]
enum Look {
    /// Write what the folder's contents come to
    Print,
    /// Whether they came to something else before
    Changed { before: String },
    /// Whether each of these is there and holds something
    There { paths: Vec<String> },
    /// Commit these and nothing else; the message comes by stdin
    Commit(commit::CommitArgs),
}

/// How a folder's contents are read; its name begins the print, so that like is compared with like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As git would commit them: what it ignores does not count.
    Git,
    /// Every file but those of `.git`.
    Files,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Git => "git:",
            Self::Files => "files:",
        }
    }

    fn print(self, folder: &Path) -> anyhow::Result<String> {
        let print = match self {
            Self::Git => as_git_sees(folder)?,
            Self::Files => {
                let mut print = Sha256::new();
                walk(folder, folder, &mut print)?;
                print
            }
        };
        let print = print.finalize();
        Ok(print.iter().fold(self.name().to_owned(), |text, byte| format!("{text}{byte:02x}")))
    }
}

/// Carries a look out; the code says what came of it.
///
/// # Errors
/// The folder cannot be read.
pub fn run(args: &LookArgs) -> anyhow::Result<ExitCode> {
    let folder = std::env::current_dir().context("the folder cannot be entered")?;
    let seen = match &args.look {
        Look::Print => print(&folder).map(|print| Ok(vec![print])),
        Look::Changed { before } => changed(&folder, before),
        Look::There { paths } => Ok(there(&folder, paths)),
        Look::Commit(args) => commit::commit(&folder, args),
    };
    // On stdout in any case: whoever asked reads one stream.
    let (words, code) = match seen {
        Ok(Ok(words)) => (words, ExitCode::SUCCESS),
        Ok(Err(problems)) => (problems, ExitCode::FAILURE),
        Err(error) => (vec![format!("The folder cannot be read: {error:#}.")], ExitCode::FAILURE),
    };
    words.iter().for_each(|line| say(line));
    Ok(code)
}

type Seen = Result<Vec<String>, Vec<String>>;

fn print(folder: &Path) -> anyhow::Result<String> {
    // No git, no repository, or one that git cannot take in: its files are still there.
    Way::Git.print(folder).or_else(|_| Way::Files.print(folder))
}

fn changed(folder: &Path, before: &str) -> anyhow::Result<Seen> {
    let way = if before.starts_with(Way::Git.name()) { Way::Git } else { Way::Files };
    let now = way.print(folder)?;
    let same = "Nothing in the folder is different from before the work began.";
    Ok(if now == before { Err(vec![same.to_owned()]) } else { Ok(Vec::new()) })
}

fn there(folder: &Path, paths: &[String]) -> Seen {
    let problems: Vec<String> = paths.iter().filter_map(|path| missing(folder, path)).collect();
    if problems.is_empty() { Ok(Vec::new()) } else { Err(problems) }
}

/// What is wrong with one path; nothing where it is there.
fn missing(folder: &Path, path: &str) -> Option<String> {
    let inner = Path::new(path).strip_prefix(folder).unwrap_or(Path::new(path));
    if inner.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Some(format!("{path} lies outside of the folder."));
    }
    let whole = folder.join(inner);
    let holds = match fs::metadata(&whole) {
        Ok(file) if file.is_dir() => fs::read_dir(&whole).map(|mut entries| entries.next().is_some()),
        Ok(file) => Ok(file.len() > 0),
        Err(error) => Err(error),
    };
    match holds {
        Ok(true) => None,
        Ok(false) => Some(format!("{path} is empty.")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(format!("{path} is not there.")),
        Err(error) => Some(format!("{path} cannot be read: {error}.")),
    }
}

/// A place for git's index and objects of its own, so that the repository's are only read.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("orchestrator-look-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&path)?;
        fs::create_dir(path.join("objects"))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is in the system's folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Every file below `folder` that git would commit, with what it holds.
fn as_git_sees(folder: &Path) -> anyhow::Result<Sha256> {
    let scratch = Scratch::new().context("no room for a copy of git's index")?;
    let (index, objects) = (scratch.0.join("index"), scratch.0.join("objects"));
    let place = |what: &str| -> anyhow::Result<PathBuf> {
        let output = said(Command::new("git").args(["rev-parse", "--git-path", what]).current_dir(folder))?;
        Ok(folder.join(String::from_utf8(output.stdout)?.trim_end()))
    };
    let known = place("index")?;
    if known.exists() {
        // With it git need not read again what did not change.
        fs::copy(&known, &index)?;
    }
    let stored = place("objects")?;
    let git = || {
        let mut git = Command::new("git");
        git.args(["-c", "core.fsmonitor=false"]).current_dir(folder);
        git.env("GIT_INDEX_FILE", &index).env("GIT_OBJECT_DIRECTORY", &objects);
        git.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &stored);
        git
    };
    said(git().args(["add", "--all", "--", "."]))?;
    let listed = said(git().args(["ls-files", "--stage", "-z", "--", "."]))?;
    Ok(Sha256::new_with_prefix(listed.stdout))
}

fn said(command: &mut Command) -> anyhow::Result<Output> {
    let output = command.output().context("git cannot be started")?;
    if !output.status.success() {
        bail!("git says: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output)
}

fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let (mut file, mut hash, mut piece) = (File::open(path)?, Sha256::new(), vec![0; PIECE]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hash.finalize().to_vec()),
            count => hash.update(&piece[..count]),
        }
    }
}

/// Adds every file below `folder`, by name and contents; a link counts as where it leads.
fn walk(root: &Path, folder: &Path, print: &mut Sha256) -> anyhow::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            if entry.file_name() != ".git" {
                walk(root, &path, print)?;
            }
            continue;
        }
        let name = path.strip_prefix(root).unwrap_or(&path).as_os_str().as_encoded_bytes();
        print.update(name.len().to_le_bytes());
        print.update(name);
        if kind.is_symlink() {
            print.update(fs::read_link(&path)?.as_os_str().as_encoded_bytes());
        } else if kind.is_file() {
            print.update(contents(&path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
