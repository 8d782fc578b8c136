//! What a worktree holds and no branch does, as a commit of the repository: like `git stash create` with the untracked
//! files, but the files as they are on disk, unconverted, and without a touch to the worktree's own index.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::git::{Failed, Git, pieces, quoted, text, to_name, to_path};
use super::linked::Linked;
use super::scratch::Scratch;
use super::slug;
use super::walk::{Found, Kind, Walk};

/// Where the repository keeps snapshots.
pub(super) const KEPT: &str = "refs/orchestrator/snapshots";
/// Snapshots of one worktree in one second.
const SAME_SECOND: u32 = 100;
/// An entry of a tree: the mode as git writes it, and the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) mode: String,
    pub(super) object: String,
}

/// What a commit's tree holds, by git's names.
pub(super) fn entries(git: &Git, commit: &str) -> Result<BTreeMap<Vec<u8>, Entry>, Failed> {
    let listed = git.run(["ls-tree", "-r", "-z", "--full-tree", commit])?;
    let entry = |line: &[u8]| {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let about = text(&line[..tab]);
        let mut about = about.split(' ');
        let (mode, _, object) = (about.next()?, about.next()?, about.next()?);
        Some((line[tab + 1..].to_vec(), Entry { mode: mode.to_owned(), object: object.to_owned() }))
    };
    Ok(pieces(&listed).filter_map(entry).collect())
}

/// What the index says of a path.
pub(super) struct Staged {
    pub(super) entry: Entry,
    /// It is left out of the working tree on purpose (a sparse checkout).
    pub(super) sparse: bool,
}

/// What the index holds, by git's names.
pub(super) fn index(git: &Git) -> Result<BTreeMap<Vec<u8>, Staged>, Failed> {
    let listed = git.run(["ls-files", "-z", "-t", "--stage"])?;
    let staged = |line: &[u8]| {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let about = text(&line[..tab]);
        let mut about = about.split(' ');
        let (tag, mode, object) = (about.next()?, about.next()?, about.next()?);
        let entry = Entry { mode: mode.to_owned(), object: object.to_owned() };
        Some((line[tab + 1..].to_vec(), Staged { entry, sparse: tag == "S" }))
    };
    Ok(pieces(&listed).filter_map(staged).collect())
}

/// Files that git is told to ignore; a folder among them is a repository of its own.
pub(super) fn ignored(git: &Git) -> Result<BTreeSet<PathBuf>, Failed> {
    let listed = git.run(["ls-files", "-z", "--others", "--ignored", "--exclude-standard"])?;
    Ok(pieces(&listed).map(|name| to_path(name.strip_suffix(b"/").unwrap_or(name))).collect())
}

/// The branch that is checked out; none where HEAD is detached.
pub(super) fn branch(git: &Git) -> Result<Option<String>, Failed> {
    let name = git.ask(["symbolic-ref", "--quiet", "HEAD"])?;
    Ok(name.map(|name| name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned()))
}

/// The commit that is checked out; none where the branch has none yet.
pub(super) fn head(git: &Git) -> Result<Option<String>, Failed> {
    git.ask(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
}

/// All that a worktree holds at one time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) head: String,
    pub(super) branch: Option<String>,
    /// The tree of all files that git does not ignore.
    tree: String,
    /// The tree of what is staged, where that is not what is checked out.
    staged: Option<String>,
    /// Those files, each as it was just before it was read.
    pub(super) files: Vec<Found>,
    pub(super) ignored: BTreeSet<PathBuf>,
    pub(super) repositories: Vec<PathBuf>,
    /// Of all files.
    pub(super) bytes: u64,
}

/// One reading of a worktree.
pub(super) struct Reading<'a> {
    linked: &'a Linked,
    scratch: &'a Scratch,
}

impl<'a> Reading<'a> {
    pub(super) fn new(linked: &'a Linked, scratch: &'a Scratch) -> Self {
        Self { linked, scratch }
    }

    fn git(&self) -> Git {
        self.linked.git().set("GIT_OBJECT_DIRECTORY", self.scratch.place("objects"))
    }

    /// Reads it all; the objects go into the scratch. Nothing where the branch has no commit yet.
    pub(super) fn held(&self) -> Result<Option<Held>, Failed> {
        let walk = Walk::of(&self.linked.tree, usize::MAX)?;
        let git = self.linked.git();
        let Some(head) = head(&git)? else { return Ok(None) };
        let (branch, ignored, bytes) = (branch(&git)?, ignored(&git)?, walk.bytes());
        let files = walk.files.into_iter().filter(|file| !ignored.contains(&file.path));
        let files: Vec<Found> = files.filter(|file| file.kind != Kind::Other).collect();
        let (tree, staged) = (self.tree(&head, &files)?, self.staged(&head)?);
        let repositories = walk.repositories;
        Ok(Some(Held { head, branch, tree, staged, files, ignored, repositories, bytes }))
    }

    fn tree(&self, head: &str, files: &[Found]) -> Result<String, Failed> {
        let committed = entries(&self.linked.git(), head)?;
        let index = index(&self.linked.git())?;
        let objects = self.objects(files)?;
        let mut tree: BTreeMap<Vec<u8>, Entry> = BTreeMap::new();
        let mut differing = Vec::new();
        for (file, object) in files.iter().zip(objects) {
            let name = to_name(&file.path);
            let known = index.get(&name).map(|known| known.entry.mode.as_str());
            let entry = Entry { mode: mode(file.kind, known).to_owned(), object };
            let was = committed.get(&name);
            if was.is_some_and(|was| was.mode == entry.mode && was.object != entry.object) {
                differing.push(file.path.clone());
            }
            tree.insert(name, entry);
        }
        // What a checkout of the commit would write again, byte for byte, is committed, whatever converts it on the way.
        for path in self.as_checked_out(head, &differing, &tree)? {
            if let Some(was) = committed.get(&path) {
                tree.insert(path, was.clone());
            }
        }
        for (name, known) in index {
            let place = self.linked.tree.join(to_path(&name));
            let gone = fs::symlink_metadata(&place).is_err();
            let module = known.entry.mode == "160000"
                && fs::read_dir(&place).is_ok_and(|mut in_it| in_it.next().is_none());
            if (known.sparse && gone) || module {
                tree.entry(name).or_insert(known.entry);
            }
        }
        self.write(&tree)
    }

    /// The raw bytes of each file, and where each link leads, as objects.
    fn objects(&self, files: &[Found]) -> Result<Vec<String>, Failed> {
        let links = self.scratch.place("links");
        let mut lines = Vec::new();
        for (number, file) in files.iter().enumerate() {
            let path = self.linked.tree.join(&file.path);
            if file.kind == Kind::Link {
                let copied = fs::create_dir_all(&links).and_then(|()| {
                    let leads = fs::read_link(&path)?;
                    fs::write(links.join(number.to_string()), to_name(&leads))
                });
                copied.map_err(|error| Failed::disk(&path, error))?;
                lines.extend(quoted(&links.join(number.to_string())));
            } else {
                lines.extend(quoted(&path));
            }
        }
        self.hashed(lines, files.len())
    }

    /// The object of each file that a line names.
    fn hashed(&self, lines: Vec<u8>, count: usize) -> Result<Vec<String>, Failed> {
        let lines = self.scratch.holding("lines", &lines)?;
        let said = self.git().fed(["hash-object", "-w", "--no-filters", "--stdin-paths"], lines)?;
        let objects: Vec<String> = text(&said).lines().map(str::to_owned).collect();
        // By number they belong to their files: one too few would shift them all.
        if objects.len() == count {
            Ok(objects)
        } else {
            Err(Failed::Said("an object is missing".to_owned()))
        }
    }

    /// Those of the paths that a checkout of the commit would write as they are.
    fn as_checked_out(
        &self,
        head: &str,
        paths: &[PathBuf],
        tree: &BTreeMap<Vec<u8>, Entry>,
    ) -> Result<Vec<Vec<u8>>, Failed> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<u8> = paths.iter().flat_map(|path| [to_name(path), vec![0]].concat()).collect();
        let out = self.scratch.place("checked-out");
        let mut into = OsString::from("--prefix=");
        into.push(&out);
        into.push("/");
        let git = self.scratch.checkout(self.linked, head)?;
        // A filter that fails leaves its file out, and that is then kept as it is.
        let args =
            ["checkout-index", "-q", "-z", "--stdin"].map(OsStr::new).into_iter().chain([into.as_os_str()]);
        if git.fed(args, self.scratch.holding("names", &names)?).is_err() {
            return Ok(Vec::new());
        }
        let written = |path: &PathBuf| {
            let file = fs::symlink_metadata(out.join(path)).ok()?;
            file.is_file().then(|| (to_name(path), quoted(&out.join(path))))
        };
        let (names, lines): (Vec<_>, Vec<_>) = paths.iter().filter_map(written).unzip();
        let objects = self.hashed(lines.concat(), names.len())?;
        let same = names.into_iter().zip(objects);
        let same = same.filter(|(name, object)| tree.get(name).is_some_and(|entry| entry.object == *object));
        Ok(same.map(|(name, _)| name).collect())
    }

    /// A tree with these entries.
    fn write(&self, tree: &BTreeMap<Vec<u8>, Entry>) -> Result<String, Failed> {
        let mut lines = Vec::new();
        for (name, entry) in tree {
            lines.extend(format!("{} {}\t", entry.mode, entry.object).bytes());
            lines.extend(name);
            lines.push(0);
        }
        let git = self.git().set("GIT_INDEX_FILE", self.scratch.place("all"));
        git.fed(["update-index", "-z", "--index-info"], self.scratch.holding("entries", &lines)?)?;
        // What a sparse checkout leaves out need not be here either.
        git.word(["write-tree", "--missing-ok"])
    }

    /// The tree of what is staged; none where that is what is checked out, or where paths are in conflict.
    fn staged(&self, head: &str) -> Result<Option<String>, Failed> {
        let git = self.linked.git();
        let copy = self.scratch.place("staged");
        match fs::copy(self.linked.record.join("index"), &copy) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failed::disk(&copy, error)),
        }
        if !git.run(["ls-files", "-z", "--unmerged"])?.is_empty() {
            return Ok(None);
        }
        let committed = git.word(["rev-parse", &format!("{head}^{{tree}}")])?;
        let tree = self.git().set("GIT_INDEX_FILE", &copy).word(["write-tree"])?;
        Ok(Some(tree).filter(|tree| *tree != committed))
    }

    /// Keeps what `held` says in the repository, where anything of it is on no branch; the reference that now leads to it.
    pub(super) fn keep(&self, held: &Held, path: &Path) -> Result<Option<Kept>, Failed> {
        let git = self.linked.git();
        let committed = git.word(["rev-parse", &format!("{}^{{tree}}", held.head)])?;
        let lost = held.branch.is_none() && {
            let on = format!("--contains={}", held.head);
            git.word(["for-each-ref", "--count=1", &on, "refs/heads"])?.is_empty()
        };
        if held.tree == committed && held.staged.is_none() && !lost {
            return Ok(None);
        }
        let inner = self.git();
        let mut args = vec!["commit-tree".to_owned(), held.tree.clone(), "-p".to_owned(), held.head.clone()];
        if let Some(staged) = &held.staged {
            let staged = inner.word([
                "commit-tree",
                staged,
                "-p",
                &held.head,
                "-m",
                "orchestrator: what was staged",
            ])?;
            args.extend(["-p".to_owned(), staged]);
        }
        args.extend(["-m".to_owned(), kept_of(path)]);
        let commit = inner.word(args)?;
        let pack = self.store(&commit)?;
        let name = self.name(&commit, path)?;
        let kept = Kept { commit, name };
        // Only now, that a reference leads to it, may a `git gc` of another's treat it as any other.
        let removed = fs::remove_file(&pack);
        let whole = git.run(["rev-list", "--objects", "--quiet", &kept.commit, "--not", "--branches"]);
        if let Err(problem) = whole.map(drop).and(removed.map_err(|error| Failed::disk(&pack, error))) {
            kept.forget(&git)?;
            return Err(problem);
        }
        Ok(Some(kept))
    }

    /// Puts into the repository what of the commit is on no branch: as one pack that is marked as kept from its first
    /// moment, so that a `git gc --prune=now` beside it, which deletes what nothing leads to, leaves it. Returns the mark.
    fn store(&self, commit: &str) -> Result<PathBuf, Failed> {
        let git = self.linked.git();
        let branches = git.word(["for-each-ref", "--format=^%(objectname)", "refs/heads"])?;
        let wanted = self.scratch.holding("wanted", format!("{commit}\n{branches}\n").as_bytes())?;
        let pack = self.scratch.place("pack");
        let into = File::create(&pack).map_err(|error| Failed::disk(&pack, error))?;
        self.git().piped(["pack-objects", "--revs", "--stdout", "-q"], wanted, into)?;
        let pack = File::open(&pack).map_err(|error| Failed::disk(&pack, error))?;
        let said = text(&git.fed(["index-pack", "--stdin", "--keep=orchestrator"], pack)?);
        let name = said.split_whitespace().last().unwrap_or_default();
        Ok(self.linked.common.join("objects").join("pack").join(format!("pack-{name}.keep")))
    }

    /// A reference that leads to the commit, under a name that is free.
    fn name(&self, commit: &str, path: &Path) -> Result<String, Failed> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let of = slug(&path.file_name().unwrap_or_default().to_string_lossy());
        let git = self.linked.git();
        let mut taken = None;
        for number in 1..=SAME_SECOND {
            let more = if number == 1 { String::new() } else { format!("-{number}") };
            let name = format!("{KEPT}/{of}-{now}{more}");
            // An empty old value: it must not be there yet.
            match git.run(["update-ref", "-m", "orchestrator: snapshot", &name, commit, ""]) {
                Ok(_) => return Ok(name),
                Err(problem) => taken = Some(problem),
            }
        }
        Err(taken.unwrap_or_else(|| Failed::Said("no name is free".to_owned())))
    }
}

/// The message of a snapshot's commit.
pub(super) fn kept_of(path: &Path) -> String {
    format!("orchestrator: what was not committed in {}", path.display())
}

/// A snapshot in the repository.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) commit: String,
    name: String,
}

impl Kept {
    /// Lets go of it, because what it holds is in its place again.
    pub(super) fn forget(&self, git: &Git) -> Result<(), Failed> {
        git.run(["update-ref", "-d", &self.name, &self.commit]).map(drop)
    }
}

/// What git calls a file of this kind; where the disk knows no executable files, the index does.
fn mode(kind: Kind, known: Option<&str>) -> &'static str {
    match kind {
        Kind::Link => "120000",
        Kind::File { executable: true } => "100755",
        Kind::File { .. } if cfg!(not(unix)) && known == Some("100755") => "100755",
        Kind::File { .. } | Kind::Other => "100644",
    }
}
