#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::git::trial;
use super::look::Glance;
use super::make::NotMade;
use super::{Custody, Held, IgnoredFiles, Look, Made, NextStep, Removed, slug};

mod mistrust;
mod removal;

/// A repository with one commit, and a data folder beside it.
pub(super) struct Place {
    pub(super) folder: tempfile::TempDir,
    pub(super) top: PathBuf,
    pub(super) custody: Custody,
}

/// Git as a person runs it by hand.
pub(super) fn hand(folder: &Path, args: &[&str]) -> io::Result<Output> {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=Person", "-c", "user.email=person@example.org"]);
    git.env("HOME", "/nonexistent").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git.env("GIT_EDITOR", "true");
    git.args(args).current_dir(folder).output()
}

pub(super) fn git(folder: &Path, args: &[&str]) -> String {
    let output = hand(folder, args).unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = dunce::canonicalize(folder.path()).unwrap();
        let top = root.join("My project");
        fs::create_dir(&top).unwrap();
        git(&top, &["init", "--quiet", "--initial-branch=main"]);
        let place = Self { top, custody: Custody::new(&root.join("data")), folder };
        place.write("README", "first\n");
        place.write("src/main.rs", "fn main() {}\n");
        place.commit("first");
        place
    }

    fn write(&self, path: &str, contents: &str) {
        write(&self.top.join(path), contents);
    }

    fn commit(&self, message: &str) {
        git(&self.top, &["add", "--all"]);
        git(&self.top, &["commit", "--quiet", "-m", message]);
    }

    pub(super) fn make(&self, name: &str) -> Made {
        self.custody.make(&self.top, name, &[]).unwrap()
    }

    fn remove(&self, made: &Made) -> Removed {
        self.custody.remove(&made.path, IgnoredFiles::Keep).unwrap()
    }

    fn restore(&self, made: &Made, removed: &Removed) -> Made {
        self.custody.restore(&made.path, &self.top, removed).unwrap()
    }

    /// One of the person's own settings, which no repository has.
    fn set(&self, key: &str, value: &str) {
        let settings = self.folder.path().join("gitconfig");
        git(&self.top, &["config", "--file", settings.to_str().unwrap(), key, value]);
        trial::GLOBAL.set(settings);
    }

    fn references(&self) -> String {
        git(&self.top, &["for-each-ref"])
    }
}

pub(super) fn write(path: &Path, contents: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

/// Every file below a folder but git's own: whether it may be run, and its bytes or where it leads.
fn contents(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            let (path, file) = (entry.path(), entry.metadata().unwrap());
            if path == folder.join(".git") {
            } else if file.is_dir() {
                folders.push(path);
            } else {
                let held = match file.is_symlink() {
                    true => (0, fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()),
                    false => (1 + (file.permissions().mode() & 0o100), fs::read(&path).unwrap()),
                };
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), held);
            }
        }
    }
    found
}

fn status(folder: &Path) -> String {
    git(folder, &["status", "--porcelain", "--no-renames", "--untracked-files=all"])
}

#[test]
fn a_worktree_is_made_on_a_branch_of_its_own() {
    let place = Place::new();
    place.write("README", "changed\n");
    place.write("new file", "untracked\n");
    let before = contents(&place.top);
    let made = place.custody.make(&place.top.join("src"), "Mend the Tests: now, ünd später!", &[]).unwrap();
    assert_eq!(made.branch.as_deref(), Some("orchestrator/mend-the-tests-now-nd-sp-ter"));
    assert_eq!((made.of.as_path(), made.left), (place.top.as_path(), 2));
    assert_eq!(made.base, git(&place.top, &["rev-parse", "HEAD"]));
    assert_eq!(made.folder, made.path.join("src"));
    let group = made.path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    assert!(group.starts_with("My-project-") && group.len() == "My-project-".len() + 8, "{group}");
    assert!(made.path.ends_with("mend-the-tests-now-nd-sp-ter"));
    assert_eq!(fs::read_to_string(made.path.join("README")).unwrap(), "first\n");
    assert_eq!(
        (contents(&place.top), git(&place.top, &["branch", "--show-current"])),
        (before, "main".to_owned())
    );
    // A hand-run clean-up leaves it.
    git(&place.top, &["worktree", "prune", "--expire=now"]);
    let by_hand = hand(&place.top, &["worktree", "remove", "--force", made.path.to_str().unwrap()]).unwrap();
    assert!(!by_hand.status.success());
    assert!(String::from_utf8_lossy(&by_hand.stderr).contains("made for Mend the Tests"), "{by_hand:?}");
    // The same name once more, and from a worktree: of the same repository.
    let again = place.custody.make(&made.path, "Mend the tests, now: nd sp ter", &[]).unwrap();
    assert_eq!(again.path, made.path.with_file_name("mend-the-tests-now-nd-sp-ter-2"));
    assert_eq!((again.of, again.left), (made.path, 0));
}

#[test]
fn a_folder_with_nothing_committed_is_there_in_the_worktree() {
    let place = Place::new();
    place.write("new/deep/file", "untracked\n");
    let made = place.custody.make(&place.top.join("new/deep"), "x", &[]).unwrap();
    assert!(made.folder.is_dir() && made.folder.ends_with("x/new/deep"));
}

#[test]
fn a_name_is_made_from_whatever_is_written() {
    assert_eq!(slug("  Fix: the -- thing\n"), "fix-the-thing");
    assert_eq!(slug("…"), "goal");
    assert_eq!(slug(""), "goal");
    assert_eq!(slug("NUL"), "goal-nul");
    assert_eq!(slug("../../etc"), "etc");
    assert_eq!(slug(&"long word ".repeat(20)), "long-word-long-word-long-word-long-word");
    assert!(slug(&"x".repeat(99)).len() == 40);
}

#[test]
fn where_no_worktree_can_be_made_nothing_is_left() {
    let place = Place::new();
    let root = place.folder.path();
    let none = root.join("none");
    fs::create_dir(&none).unwrap();
    let missing = place.custody.make(&root.join("missing"), "x", &[]);
    assert!(matches!(missing, Err(NotMade::Folder { .. })), "{missing:?}");
    let plain = place.custody.make(&none, "x", &[]);
    assert!(matches!(plain, Err(NotMade::NoRepository(_))), "{plain:?}");
    git(&none, &["init", "--quiet", "--bare", "bare"]);
    git(&none, &["init", "--quiet", "empty"]);
    let bare = place.custody.make(&none.join("bare"), "x", &[]);
    assert!(matches!(bare, Err(NotMade::Bare(_))), "{bare:?}");
    let empty = place.custody.make(&none.join("empty"), "x", &[]);
    assert!(matches!(empty, Err(NotMade::NoCommit(_))), "{empty:?}");
    assert!(place.custody.make(&place.top.join(".git"), "x", &[]).is_err());
    assert!(!root.join("data").exists());
    // A branch of that name is where a folder of branches would have to be.
    git(&place.top, &["branch", "orchestrator"]);
    let before = place.references();
    let in_the_way = place.custody.make(&place.top, "x", &[]).unwrap_err();
    assert!(matches!(in_the_way, NotMade::Git(_)) && !in_the_way.next_step().is_empty(), "{in_the_way}");
    git(&place.top, &["branch", "-D", "orchestrator"]);
    // A checkout that fails midway.
    place.write(".gitattributes", "README filter=broken\n");
    place.commit("attributes");
    place.set("filter.broken.smudge", "false");
    place.set("filter.broken.required", "true");
    assert!(place.custody.make(&place.top, "x", &[]).is_err());
    assert_eq!(place.references().lines().count(), before.lines().count() - 1);
    assert_eq!(place.custody.list(&[]), []);
    assert_eq!(git(&place.top, &["worktree", "list"]).lines().count(), 1);
}

#[test]
fn of_many_at_once_each_gets_its_own() {
    let place = Place::new();
    let made: Vec<Made> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..4).map(|_| scope.spawn(|| place.make("same"))).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    let mut names: Vec<_> = made.iter().map(|made| made.path.file_name().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["same", "same-2", "same-3", "same-4"]);
}

/// What the list says of one.
fn told(list: &[Held], path: &Path) -> Result<Look, String> {
    list.iter()
        .find(|held| held.path == path)
        .unwrap_or_else(|| panic!("{} is not listed", path.display()))
        .state
        .clone()
}

#[test]
fn the_list_tells_what_each_holds_and_what_is_wrong_with_each() {
    let place = Place::new();
    place.write(".gitignore", "target/\n");
    place.commit("ignore");
    let made = ["plain", "worked", "broken", "lost", "gone", "detached"].map(|name| place.make(name));
    let [plain, worked, broken, lost, gone, detached] = &made;
    write(&worked.path.join("README"), "other\n");
    git(&worked.path, &["commit", "--quiet", "--all", "-m", "mine"]);
    write(&worked.path.join("target/deep/out"), "1234567890");
    write(&worked.path.join("a\nb"), "12");
    write(&worked.path.join("sub/c"), "345");
    fs::write(broken.path.join(".git"), "gitdir: /nonexistent\n").unwrap();
    git(&place.top, &["worktree", "unlock", lost.path.to_str().unwrap()]);
    fs::remove_dir_all(git(&lost.path, &["rev-parse", "--absolute-git-dir"])).unwrap();
    fs::remove_dir_all(&gone.path).unwrap();
    git(&detached.path, &["checkout", "--quiet", "--detach"]);
    let orphan = plain.path.with_file_name("orphan");
    write(&orphan.join("file"), "somebody's");
    let copy = plain.path.with_file_name("copy");
    let copied = Command::new("cp").arg("-r").arg(&plain.path).arg(&copy).status().unwrap();
    assert!(copied.success());
    let before = (contents(place.folder.path()), place.references());
    let list = place.custody.list(&[gone.path.clone(), plain.path.clone(), place.top.clone()]);
    assert_eq!(list, place.custody.list(&[gone.path.clone(), plain.path.clone(), place.top.clone()]));
    assert_eq!((contents(place.folder.path()), place.references()), before);
    assert_eq!(list.len(), 9);
    let bytes = |folder: &Path| contents(folder).values().map(|file| file.1.len() as u64).sum::<u64>();
    let look = told(&list, &worked.path).unwrap();
    assert_eq!((look.of.as_path(), &look.branch, look.ahead), (place.top.as_path(), &worked.branch, Some(1)));
    assert_eq!((look.changes, (look.ignored.files, look.ignored.bytes)), (2, (1, 10)));
    assert_eq!((look.bytes, look.head), (bytes(&worked.path), git(&worked.path, &["rev-parse", "HEAD"])));
    let Glance { changes, branch, .. } = Custody::glance(&worked.path).unwrap();
    assert_eq!((changes, branch), (2, worked.branch.clone()));
    let look = told(&list, &plain.path).unwrap();
    assert_eq!((look.changes, look.ignored.files, look.ahead), (0, 0, Some(0)));
    let look = told(&list, &detached.path).unwrap();
    assert_eq!((look.branch, look.ahead), (None, None));
    for (path, why) in [
        (&broken.path, "record"),
        (&lost.path, "record"),
        (&gone.path, "gone"),
        (&orphan, "does not know"),
        (&copy, "another place"),
        (&place.top, "own checkout"),
    ] {
        let problem = told(&list, path).unwrap_err();
        assert!(problem.contains(why), "{}: {problem}", path.display());
    }
}

#[test]
fn hooks_that_lie_in_the_repository_are_not_run() {
    let place = Place::new();
    let ran = place.folder.path().join("ran");
    for hook in ["post-checkout", "reference-transaction", "post-index-change", "fsmonitor-watchman"] {
        let path = place.top.join(".git/hooks").join(hook);
        write(&path, format!("#!/bin/sh\necho {hook} >>'{}'\n", ran.display()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    git(&place.top, &["config", "core.fsmonitor", ".git/hooks/fsmonitor-watchman"]);
    let made = place.make("hooked");
    write(&made.path.join("new"), "new\n");
    Custody::look(&made.path).unwrap();
    let removed = place.remove(&made);
    place.restore(&made, &removed);
    assert_eq!(fs::read_to_string(&ran).unwrap_or_default(), "");
}
