//! `orchestrator look commit`: commits what a task did in the folder that it is started in, on the branch that is checked
//! out there: these paths and nothing else, also where the person has other things staged. It runs hooks as git does and
//! never pushes. What came of it stands on stdout, its last line says which commit it is.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::{Scratch, Seen, said};
use anyhow::{Context, bail};
use shared::evidence::COMMITTED;

/// Bytes of what a hook says that go on to who mends it.
const WORDS: usize = 2_000;
/// Commits of others that may come between in a row.
const TRIES: usize = 3;
/// How many commits back it is looked whether this was committed before, and nobody heard of it.
const BACK: &str = "-100";
/// What git leaves where it is in the middle of something that is to end in a commit of its own.
const UNDER_WAY: [(&str, &str); 5] = [
    ("MERGE_HEAD", "a merge"),
    ("CHERRY_PICK_HEAD", "a cherry-pick"),
    ("REVERT_HEAD", "a revert"),
    ("rebase-merge", "a rebase"),
    ("rebase-apply", "a rebase"),
];

#[derive(Debug, clap::Args)]
pub struct CommitArgs {
    /// The run whose work it is; its commit says so, and is made once
    #[arg(long)]
    run: String,
    /// Relative to the folder, or absolute in it
    paths: Vec<String>,
}

/// Commits; the message comes by stdin.
///
/// # Errors
/// Git cannot be asked, or says what nobody expected.
pub(super) fn commit(folder: &Path, args: &CommitArgs) -> anyhow::Result<Seen> {
    let mut message = String::new();
    io::stdin().lock().read_to_string(&mut message).context("the message cannot be read")?;
    let work = Work { folder: folder.to_owned(), run: &args.run, message: &message, paths: &args.paths };
    Ok(match work.commit()? {
        Came::Made { commit, left } => Ok(left.into_iter().chain([format!("{COMMITTED}{commit}")]).collect()),
        Came::Nothing { why } => Ok(vec![why]),
        Came::Failed { problem } => Err(vec![problem]),
    })
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// `left`: what was not committed with it, and why.
    Made {
        commit: String,
        left: Vec<String>,
    },
    Nothing {
        why: String,
    },
    /// A hook, or git, does not let it be.
    Failed {
        problem: String,
    },
}

struct Work<'a> {
    folder: PathBuf,
    run: &'a str,
    message: &'a str,
    paths: &'a [String],
}

/// What is to be committed, and what of it is not, and why.
#[derive(Default)]
struct Chosen {
    paths: Vec<PathBuf>,
    left: Vec<String>,
}

impl Work<'_> {
    fn commit(&self) -> anyhow::Result<Came> {
        if let Some(why) = self.cannot()? {
            return Ok(Came::Nothing { why });
        }
        // Of runs side by side in one repository one commits at a time.
        let lock = File::options().create(true).append(true).open(self.place("orchestrator.lock")?)?;
        lock.lock()?;
        let Chosen { paths, left } = self.chosen()?;
        if !paths.is_empty() {
            for _ in 0..TRIES {
                match self.try_once(&paths)? {
                    Tried::Made(commit) => return Ok(Came::Made { commit, left }),
                    Tried::Failed(problem) => return Ok(Came::Failed { problem }),
                    Tried::Nothing => break,
                    Tried::Overtaken => {}
                }
            }
        }
        if let Some(commit) = self.made_before()? {
            return Ok(Came::Made { commit, left });
        }
        let nothing = match (self.paths, left.is_empty()) {
            ([], _) => "neither its plan nor its agent names a file".to_owned(),
            (_, true) => "its files are as they were committed before".to_owned(),
            (_, false) => left.join("; "),
        };
        Ok(Came::Nothing { why: format!("There is nothing to commit: {nothing}.") })
    }

    /// Why no commit can be made here, whatever was done.
    fn cannot(&self) -> anyhow::Result<Option<String>> {
        let inside = self.git().args(["rev-parse", "--is-inside-work-tree"]).output();
        let Ok(inside) = inside else {
            return Ok(Some("Git is not there, so nothing is committed.".to_owned()));
        };
        if !inside.status.success() || inside.stdout.trim_ascii() != b"true" {
            return Ok(Some("The folder is in no git repository, so nothing is committed.".to_owned()));
        }
        if !self.git().args(["symbolic-ref", "--quiet", "HEAD"]).output()?.status.success() {
            return Ok(Some("No branch is checked out, so nothing is committed. Check one out.".to_owned()));
        }
        for (file, what) in UNDER_WAY {
            if self.place(file)?.exists() {
                return Ok(Some(format!(
                    "Git is in the middle of {what}, so nothing is committed. End that."
                )));
            }
        }
        for who in ["GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"] {
            if !self.git().args(["var", who]).output()?.status.success() {
                let why =
                    "Git does not know who commits, so nothing is committed. Set user.name and user.email.";
                return Ok(Some(why.to_owned()));
            }
        }
        Ok(None)
    }

    fn chosen(&self) -> anyhow::Result<Chosen> {
        let mut chosen = Chosen::default();
        for path in self.paths {
            let inner = Path::new(path).strip_prefix(&self.folder).unwrap_or(Path::new(path));
            let outside = |part: Component<'_>| !matches!(part, Component::Normal(_) | Component::CurDir);
            let out = inner.components().any(outside);
            let inner: PathBuf =
                inner.components().filter(|part| matches!(part, Component::Normal(_))).collect();
            let left = match out {
                true => Some("lies outside of the folder"),
                false if inner.as_os_str().is_empty() => Some("is the folder itself and no file of it"),
                false => self.unfit(&inner)?,
            };
            match left {
                Some(why) => chosen.left.push(format!("{path} {why}")),
                None => chosen.paths.push(inner),
            }
        }
        Ok(chosen)
    }

    /// Why this path is not to be committed.
    fn unfit(&self, path: &Path) -> anyhow::Result<Option<&'static str>> {
        let known = said(self.git().args(["ls-files", "--stage", "--"]).arg(path))?;
        let known = String::from_utf8_lossy(&known.stdout).into_owned();
        if known.lines().any(|line| line.starts_with("160000 "))
            || self.folder.join(path).join(".git").exists()
        {
            return Ok(Some("is a repository of its own"));
        }
        let above = path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
        if above.into_iter().any(|above| self.folder.join(above).join(".git").exists()) {
            return Ok(Some("lies in a repository of its own"));
        }
        if !known.is_empty() {
            return Ok(None);
        }
        if fs::symlink_metadata(self.folder.join(path)).is_err() {
            return Ok(Some("is not there"));
        }
        // It takes names and no patterns, so it knows no word for taking them literally.
        let mut ignored = Command::new("git");
        let ignored = ignored.args(["check-ignore", "--quiet", "--"]).arg(path).current_dir(&self.folder);
        let ignored = ignored.stdin(Stdio::null()).output()?;
        Ok(ignored.status.success().then_some("is ignored by git"))
    }

    /// One commit on top of what is there now, by an index of its own.
    fn try_once(&self, paths: &[PathBuf]) -> anyhow::Result<Tried> {
        let index = Scratch::new().context("no room for an index")?;
        let git = || {
            let mut git = self.git();
            git.env("GIT_INDEX_FILE", index.0.join("index"));
            git
        };
        let before = self.head()?;
        said(git().arg("read-tree").arg(before.as_deref().unwrap_or("--empty")))?;
        said(git().args(["add", "--all", "--"]).args(paths))?;
        let differs = match &before {
            Some(head) => !git().args(["diff", "--cached", "--quiet", head]).status()?.success(),
            None => !said(git().args(["ls-files", "--cached"]))?.stdout.is_empty(),
        };
        if !differs {
            return Ok(Tried::Nothing);
        }
        let message = format!("{}\nOrchestrator-Run: {}\n", self.message.trim_end(), self.run);
        let made = fed(git().args(["commit", "--quiet", "--file=-"]), &message)?;
        if !made.status.success() {
            // Git saw itself that another was there first.
            return Ok(if self.head()? == before { Tried::Failed(words(&made)) } else { Tried::Overtaken });
        }
        let commit = self.head()?.context("the commit is not there")?;
        let parent = self.git().args(["rev-parse", "--verify", "--quiet", "HEAD^"]).output()?;
        let parent = text(&parent);
        if parent != before.unwrap_or_default() {
            // What another committed in between is not in it: it is taken back, and made anew on top of that.
            said(self.git().args(["update-ref", "-m", "orchestrator: overtaken", "HEAD", &parent, &commit]))?;
            return Ok(Tried::Overtaken);
        }
        // As after any commit of paths, what is staged of them is what was committed; the rest stays staged.
        said(self.git().args(["reset", "--quiet", "HEAD", "--"]).args(paths))?;
        Ok(Tried::Made(commit))
    }

    /// A commit of this run's that was made before, by one who was not heard to the end.
    fn made_before(&self) -> anyhow::Result<Option<String>> {
        if self.head()?.is_none() {
            return Ok(None);
        }
        let mark = format!("--grep=^Orchestrator-Run: {}$", self.run.replace('.', "\\."));
        let found = said(self.git().args(["log", BACK, "--max-count=1", "--format=%H", &mark]))?;
        Ok(Some(text(&found)).filter(|commit| !commit.is_empty()))
    }

    fn head(&self) -> anyhow::Result<Option<String>> {
        let head = self.git().args(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).output()?;
        Ok(Some(text(&head)).filter(|_| head.status.success()))
    }

    fn place(&self, what: &str) -> anyhow::Result<PathBuf> {
        let place = said(self.git().args(["rev-parse", "--git-path", what]))?;
        Ok(self.folder.join(text(&place)))
    }

    fn git(&self) -> Command {
        let mut git = Command::new("git");
        // A name with a star in it is that name.
        git.args(["--literal-pathspecs", "-c", "core.fsmonitor=false"]).current_dir(&self.folder);
        git.stdin(Stdio::null());
        git
    }
}

enum Tried {
    Made(String),
    /// Git or a hook does not let it be, in their words.
    Failed(String),
    Nothing,
    Overtaken,
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn fed(command: &mut Command, input: &str) -> anyhow::Result<Output> {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().context("git cannot be started")?;
    let Some(mut stdin) = child.stdin.take() else { bail!("git takes no input") };
    stdin.write_all(input.as_bytes())?;
    drop(stdin);
    Ok(child.wait_with_output()?)
}

/// The end of what git and its hooks said.
fn words(output: &Output) -> String {
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned());
    let said = said.join("\n");
    let said = said.trim();
    let from = said.ceil_char_boundary(said.len().saturating_sub(WORDS));
    if said.is_empty() { "Git does not say why.".to_owned() } else { said[from..].to_owned() }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
