#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{
    Custody, Glance, Held, Ignored, IgnoredFiles, Look, Made, NotAdopted, NotMade, NotRemoved, NotRestored,
    Removed, aside, slug,
};

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
        self.custody.make(&self.top, name).unwrap()
    }

    fn remove(&self, made: &Made) -> Removed {
        self.custody.remove(&made.path, IgnoredFiles::Keep).unwrap()
    }

    fn restore(&self, made: &Made, removed: &Removed) -> Made {
        self.custody.restore(&made.path, &self.top, removed).unwrap()
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

/// Removes and restores it, and says what the removal kept.
fn there_and_back(place: &Place, made: &Made) -> Removed {
    let (before, status) = (contents(&made.path), status(&made.path));
    let removed = place.remove(made);
    assert!(!made.path.exists() && !aside(&made.path).exists());
    assert!(!git(&place.top, &["worktree", "list", "--porcelain"]).contains("data/worktrees"));
    git(&place.top, &["gc", "--quiet", "--prune=now"]);
    let back = place.restore(made, &removed);
    assert_eq!((&back.path, &back.branch, &back.of), (&made.path, &removed.branch, &place.top));
    assert_eq!(contents(&made.path), before);
    assert_eq!(self::status(&made.path), status);
    assert!(git(&place.top, &["worktree", "list", "--porcelain"]).contains("locked orchestrator: "));
    removed
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
    let made = place.custody.make(&place.top.join("src"), "Mend the Tests: now, ünd später!").unwrap();
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
    let again = place.custody.make(&made.path, "Mend the tests, now: nd sp ter").unwrap();
    assert_eq!(again.path, made.path.with_file_name("mend-the-tests-now-nd-sp-ter-2"));
    assert_eq!((again.of, again.left), (made.path, 0));
}

#[test]
fn a_folder_with_nothing_committed_is_there_in_the_worktree() {
    let place = Place::new();
    place.write("new/deep/file", "untracked\n");
    let made = place.custody.make(&place.top.join("new/deep"), "x").unwrap();
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
    let missing = place.custody.make(&root.join("missing"), "x");
    assert!(matches!(missing, Err(NotMade::Folder { .. })), "{missing:?}");
    let plain = place.custody.make(&none, "x");
    assert!(matches!(plain, Err(NotMade::NoRepository(_))), "{plain:?}");
    git(&none, &["init", "--quiet", "--bare", "bare"]);
    git(&none, &["init", "--quiet", "empty"]);
    let bare = place.custody.make(&none.join("bare"), "x");
    assert!(matches!(bare, Err(NotMade::Bare(_))), "{bare:?}");
    let empty = place.custody.make(&none.join("empty"), "x");
    assert!(matches!(empty, Err(NotMade::NoCommit(_))), "{empty:?}");
    assert!(place.custody.make(&place.top.join(".git"), "x").is_err());
    assert!(!root.join("data").exists());
    // A branch of that name is where a folder of branches would have to be.
    git(&place.top, &["branch", "orchestrator"]);
    let before = place.references();
    let in_the_way = place.custody.make(&place.top, "x").unwrap_err();
    assert!(matches!(in_the_way, NotMade::Git(_)) && !in_the_way.next_step().is_empty(), "{in_the_way}");
    git(&place.top, &["branch", "-D", "orchestrator"]);
    // A checkout that fails midway.
    place.write(".gitattributes", "README filter=broken\n");
    place.commit("attributes");
    git(&place.top, &["config", "filter.broken.smudge", "false"]);
    git(&place.top, &["config", "filter.broken.required", "true"]);
    assert!(place.custody.make(&place.top, "x").is_err());
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
    assert_eq!((look.changes, look.ignored), (2, Ignored { files: 1, bytes: 10 }));
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
fn what_is_committed_on_its_branch_needs_no_snapshot() {
    let place = Place::new();
    let made = place.make("done");
    write(&made.path.join("README"), "other\n");
    git(&made.path, &["commit", "--quiet", "--all", "-m", "mine"]);
    fs::create_dir(made.path.join("empty")).unwrap();
    let branch = git(&place.top, &["rev-parse", "orchestrator/done"]);
    let removed = there_and_back(&place, &made);
    assert_eq!((removed.snapshot, removed.branch, removed.head), (None, made.branch, branch));
    assert!(!place.references().contains("snapshots"));
}

#[test]
fn a_removal_keeps_every_byte() {
    let place = Place::new();
    for name in ["deleted", "run", "plain", "link", "staged", "becomes/folder"] {
        place.write(name, &format!("{name}\n"));
    }
    place.commit("more");
    let made = place.make("all of it");
    let at = |name: &str| made.path.join(name);
    write(&at("README"), "changed\n");
    fs::remove_file(at("deleted")).unwrap();
    fs::set_permissions(at("run"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(at("link")).unwrap();
    symlink("somewhere/that is\nnot", at("link")).unwrap();
    symlink("src", at("link to a folder")).unwrap();
    fs::remove_dir_all(at("becomes")).unwrap();
    write(&at("becomes"), "a file");
    fs::remove_file(at("plain")).unwrap();
    write(&at("plain/now/a folder"), "deep");
    for name in
        [&b"with space"[..], b"line\nbreak", b"\"quoted\" \\ \ttab", b"not utf-8 \xff\xfe", b"--option", b"*"]
    {
        write(&made.path.join("names").join(OsStr::from_bytes(name)), name);
    }
    write(&at("empty file"), "");
    // Only the index has this.
    write(&at("staged"), "only staged\n");
    git(&made.path, &["add", "staged"]);
    fs::write(at("staged"), "after it\n").unwrap();
    write(&at("added"), "added\n");
    git(&made.path, &["add", "added"]);
    let removed = there_and_back(&place, &made);
    let snapshot = removed.snapshot.unwrap();
    assert_eq!(git(&place.top, &["show", &format!("{snapshot}^2:staged")]), "only staged");
    assert_eq!(git(&place.top, &["show", &format!("{snapshot}:names/*")]), "*");
    assert_eq!(git(&place.top, &["rev-parse", &format!("{snapshot}^")]), made.base);
    assert_eq!(git(&made.path, &["show", ":staged"]), "only staged");
    assert!(place.references().contains("refs/orchestrator/snapshots/all-of-it-"));
    assert_eq!(git(&place.top, &["rev-parse", "orchestrator/all-of-it"]), made.base);
    assert_eq!(git(&place.top, &["fsck", "--strict", "--no-dangling"]), "");
    let packs = place.top.join(".git/objects/pack");
    assert!(
        fs::read_dir(packs).unwrap().all(|file| file.unwrap().path().extension() != Some(OsStr::new("keep")))
    );
}

#[test]
fn converted_files_are_kept_as_they_are_on_disk() {
    let place = Place::new();
    place.write(".gitattributes", "*.txt text\n*.up filter=up\n*.utf16 working-tree-encoding=UTF-16\n");
    git(&place.top, &["config", "filter.up.clean", "tr a-z A-Z"]);
    git(&place.top, &["config", "filter.up.smudge", "tr A-Z a-z"]);
    git(&place.top, &["config", "core.autocrlf", "true"]);
    for name in ["a.txt", "b.txt", "c.up", "d.up"] {
        place.write(name, "line one\nline two\n");
    }
    place.commit("converted");
    let made = place.make("crlf");
    assert_eq!(fs::read(made.path.join("a.txt")).unwrap(), b"line one\r\nline two\r\n");
    assert_eq!(there_and_back(&place, &made).snapshot, None);
    // Git takes this for the same as what is committed.
    fs::write(made.path.join("d.up"), "Line One\nLINE two\n").unwrap();
    fs::write(made.path.join("a.txt"), "mixed\r\nends\nof\rlines").unwrap();
    fs::write(made.path.join("new.txt"), "one\r\ntwo\n").unwrap();
    fs::write(made.path.join("new.up"), "MiXed").unwrap();
    fs::write(made.path.join("not.utf16"), b"\xff\xfeodd").unwrap();
    let before = contents(&made.path);
    let removed = place.remove(&made);
    let snapshot = removed.snapshot.clone().unwrap();
    let kept =
        |name: &str| hand(&place.top, &["cat-file", "blob", &format!("{snapshot}:{name}")]).unwrap().stdout;
    assert_eq!(kept("d.up"), b"Line One\nLINE two\n");
    assert_eq!(kept("a.txt"), b"mixed\r\nends\nof\rlines");
    place.restore(&made, &removed);
    assert_eq!(contents(&made.path), before);
}

#[test]
fn a_commit_on_no_branch_is_kept() {
    let place = Place::new();
    let made = place.make("detached");
    git(&made.path, &["checkout", "--quiet", "--detach"]);
    write(&made.path.join("README"), "other\n");
    git(&made.path, &["commit", "--quiet", "--all", "-m", "mine"]);
    let head = git(&made.path, &["rev-parse", "HEAD"]);
    let removed = there_and_back(&place, &made);
    assert_eq!((&removed.branch, &removed.head), (&None, &head));
    assert!(removed.snapshot.is_some());
    assert_eq!(git(&made.path, &["rev-parse", "HEAD"]), head);
}

#[test]
fn conflicts_in_the_index_do_not_stop_it() {
    let place = Place::new();
    let made = place.make("stash");
    write(&made.path.join("README"), "stashed\n");
    git(&made.path, &["stash"]);
    write(&made.path.join("README"), "committed\n");
    git(&made.path, &["commit", "--quiet", "--all", "-m", "mine"]);
    assert!(!hand(&made.path, &["stash", "pop"]).unwrap().status.success());
    let before = contents(&made.path);
    let removed = place.remove(&made);
    place.restore(&made, &removed);
    assert_eq!(contents(&made.path), before);
}

/// It is refused for this reason, and then all is as before.
fn refused(place: &Place, made: &Made, files: IgnoredFiles, fits: impl Fn(&NotRemoved) -> bool) {
    let all = || {
        let names =
            [contents(&made.path), contents(&place.top)].map(|files| files.into_keys().collect::<Vec<_>>());
        (names, place.references(), git(&place.top, &["worktree", "list", "--porcelain"]), status(&made.path))
    };
    let before = all();
    let refused = place.custody.remove(&made.path, files).unwrap_err();
    assert!(fits(&refused) && !refused.next_step().is_empty(), "{refused}");
    assert_eq!(all(), before);
    assert!(!aside(&made.path).exists());
}

#[test]
fn a_removal_is_refused_while_git_is_in_the_middle_of_something() {
    let place = Place::new();
    let made = place.make("middle");
    write(&made.path.join("README"), "mine\n");
    git(&made.path, &["commit", "--quiet", "--all", "-m", "mine"]);
    place.write("README", "theirs\n");
    place.commit("theirs");
    place.write("README", "last\n");
    place.commit("last");
    for (start, end, named) in [
        (&["merge", "main"][..], &["merge", "--abort"][..], "a merge"),
        (&["rebase", "main"], &["rebase", "--abort"], "a rebase"),
        (&["cherry-pick", "main"], &["cherry-pick", "--abort"], "a cherry-pick"),
        (&["revert", "main~1"], &["revert", "--abort"], "a revert"),
        (&["bisect", "start"], &["bisect", "reset"], "a bisect"),
    ] {
        let _ = hand(&made.path, start).unwrap();
        refused(
            &place,
            &made,
            IgnoredFiles::Drop,
            |why| matches!(why, NotRemoved::UnderWay { what, .. } if *what == named),
        );
        git(&made.path, end);
    }
    place.remove(&made);
}

#[test]
fn a_removal_is_refused_where_it_would_take_what_no_snapshot_keeps() {
    let place = Place::new();
    place.write(".gitignore", "target/\n*.log\n");
    place.commit("ignore");
    let made = place.make("holds");
    write(&made.path.join("target/out"), "12345");
    write(&made.path.join("a.log"), "678");
    refused(
        &place,
        &made,
        IgnoredFiles::Keep,
        |why| matches!(why, NotRemoved::Ignored { ignored, .. } if *ignored == Ignored { files: 2, bytes: 8 }),
    );
    for inner in ["sub", "target/inner"] {
        git(&made.path, &["init", "--quiet", inner]);
        refused(
            &place,
            &made,
            IgnoredFiles::Drop,
            |why| matches!(why, NotRemoved::Repositories { which, .. } if *which == [Path::new(inner).join(".git")]),
        );
        fs::remove_dir_all(made.path.join(inner)).unwrap();
    }
    git(&made.path, &["checkout", "--quiet", "--orphan", "nothing"]);
    refused(&place, &made, IgnoredFiles::Drop, |why| matches!(why, NotRemoved::NoCommit(_)));
    git(&made.path, &["checkout", "--quiet", "orchestrator/holds"]);
    let removed = place.custody.remove(&made.path, IgnoredFiles::Drop).unwrap();
    assert_eq!(removed.snapshot, None);
    assert!(!made.path.exists());
}

#[test]
fn a_worktree_of_somebody_elses_is_not_removed() {
    let place = Place::new();
    let path = dunce::canonicalize(place.folder.path()).unwrap().join("theirs");
    git(&place.top, &["worktree", "add", "--quiet", "-b", "theirs", path.to_str().unwrap()]);
    let main = place.custody.remove(&place.top, IgnoredFiles::Drop).unwrap_err();
    assert!(matches!(main, NotRemoved::NotLinked { .. }), "{main}");
    let theirs = place.custody.remove(&path, IgnoredFiles::Drop).unwrap_err();
    assert!(matches!(theirs, NotRemoved::NotOurs(_)), "{theirs}");
    let missing = place.custody.remove(&path.join("missing"), IgnoredFiles::Drop).unwrap_err();
    assert!(matches!(missing, NotRemoved::Gone(_)), "{missing}");
    assert!(path.join("README").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_removal_is_refused_while_a_file_of_it_is_open_for_writing() {
    let place = Place::new();
    let made = place.make("open");
    let mut file = File::create(made.path.join("open file")).unwrap();
    refused(&place, &made, IgnoredFiles::Keep, |why| matches!(why, NotRemoved::InUse { .. }));
    file.write_all(b"still here").unwrap();
    drop(file);
    let snapshot = place.remove(&made).snapshot.unwrap();
    assert_eq!(git(&place.top, &["show", &format!("{snapshot}:open file")]), "still here");
}

#[test]
fn an_interrupted_removal_is_undone_when_the_bridge_starts() {
    let place = Place::new();
    place.custody.recover(&[]).unwrap();
    let (early, late, taken) = (place.make("early"), place.make("late"), place.make("taken"));
    for made in [&early, &late, &taken] {
        write(&made.path.join("README"), "changed\n");
        write(&made.path.join("new"), "new\n");
    }
    let before = contents(&late.path);
    let outside = dunce::canonicalize(place.folder.path()).unwrap().join("outside");
    git(&place.top, &["worktree", "add", "--quiet", "-b", "outside", outside.to_str().unwrap()]);
    fs::rename(&outside, aside(&outside)).unwrap();
    fs::rename(&early.path, aside(&early.path)).unwrap();
    fs::rename(&taken.path, aside(&taken.path)).unwrap();
    write(&taken.path.join("other"), "other\n");
    // This one was being deleted, and a file is half written again.
    let linked = super::Linked::at(&late.path).unwrap();
    let away = linked.moved(&aside(&late.path));
    fs::rename(&late.path, &away.tree).unwrap();
    let scratch = super::scratch::Scratch::new(&away).unwrap();
    let reading = super::snapshot::Reading::new(&away, &scratch);
    let held = reading.held().unwrap().unwrap();
    let kept = reading.keep(&held, &late.path).unwrap().unwrap();
    away.set_mark(&super::linked::Mark { holds: kept.commit, head: held.head }).unwrap();
    for name in ["README", "new", "src/main.rs"] {
        fs::remove_file(away.tree.join(name)).unwrap();
    }
    fs::write(away.tree.join(".orchestrator-part"), "ha").unwrap();
    place.custody.recover(std::slice::from_ref(&outside)).unwrap();
    assert!(early.path.join("new").exists() && outside.join("README").exists());
    assert_eq!(contents(&early.path), before);
    assert_eq!(contents(&late.path), before);
    assert_eq!(status(&late.path), " M README\n?? new");
    assert!(aside(&taken.path).join("new").exists() && taken.path.join("other").exists());
    let list = place.custody.list(&[]);
    assert!(told(&list, &aside(&taken.path)).unwrap_err().contains("interrupted"));
    assert!(told(&list, &early.path).is_ok());
    fs::remove_dir_all(&taken.path).unwrap();
    place.custody.recover(&[]).unwrap();
    assert_eq!(told(&place.custody.list(&[]), &taken.path).unwrap().changes, 2);
}

#[test]
fn a_restored_branch_is_the_one_it_was_or_made_anew() {
    let place = Place::new();
    let made = place.make("again");
    write(&made.path.join("new"), "new\n");
    let removed = place.remove(&made);
    git(&place.top, &["branch", "-D", "orchestrator/again"]);
    place.restore(&made, &removed);
    assert_eq!(git(&made.path, &["rev-parse", "orchestrator/again"]), made.base);
    assert_eq!(status(&made.path), "?? new");
    let taken = place.custody.restore(&made.path, &place.top, &removed).unwrap_err();
    assert!(matches!(taken, NotRestored::Taken(_)), "{taken}");
    let removed = place.remove(&made);
    // Checked out elsewhere: nothing is left of the attempt.
    git(&place.top, &["checkout", "--quiet", "orchestrator/again"]);
    let busy = place.custody.restore(&made.path, &place.top, &removed).unwrap_err();
    assert!(matches!(busy, NotRestored::Git(_)), "{busy}");
    assert_eq!(place.custody.list(&[]), []);
    git(&place.top, &["checkout", "--quiet", "main"]);
    let gone = Removed { snapshot: Some("0123456789".repeat(4)), ..removed.clone() };
    let gone = place.custody.restore(&made.path, &place.top, &gone).unwrap_err();
    assert!(matches!(gone, NotRestored::NoCommit(_)), "{gone}");
    let no_repository = place.custody.restore(&made.path, &place.top.join("none"), &removed).unwrap_err();
    assert!(!no_repository.next_step().is_empty(), "{no_repository}");
    place.restore(&made, &removed);
    assert_eq!(fs::read_to_string(made.path.join("new")).unwrap(), "new\n");
}

#[test]
fn a_worktree_is_taken_over_and_then_removed_like_any_other() {
    let place = Place::new();
    let root = dunce::canonicalize(place.folder.path()).unwrap();
    let path = root.join("by hand");
    git(&place.top, &["worktree", "add", "--quiet", "-b", "by-hand", path.to_str().unwrap()]);
    write(&path.join("README"), "mine\n");
    git(&path, &["commit", "--quiet", "--all", "-m", "mine"]);
    write(&path.join("new"), "new\n");
    let before = contents(&path);
    let base = git(&place.top, &["rev-parse", "HEAD"]);
    let adopted = place.custody.adopt(&path).unwrap();
    assert_eq!(
        adopted,
        Made {
            path: path.clone(),
            folder: path.clone(),
            of: place.top.clone(),
            branch: Some("by-hand".to_owned()),
            base,
            left: 0
        }
    );
    assert_eq!(place.custody.adopt(&path).unwrap(), adopted);
    assert_eq!(told(&place.custody.list(std::slice::from_ref(&path)), &path).unwrap().ahead, Some(1));
    let removed = place.remove(&adopted);
    place.restore(&adopted, &removed);
    assert_eq!(contents(&path), before);
    let main = place.custody.adopt(&place.top).unwrap_err();
    assert!(matches!(main, NotAdopted::NotLinked { .. }), "{main}");
    let locked = root.join("locked");
    git(
        &place.top,
        &["worktree", "add", "--quiet", "--lock", "--reason", "on a stick", locked.to_str().unwrap()],
    );
    let locked = place.custody.adopt(&locked).unwrap_err();
    assert!(matches!(&locked, NotAdopted::Locked { reason, .. } if reason == "on a stick"), "{locked}");
    assert!(!locked.next_step().is_empty());
    assert!(place.custody.adopt(&root.join("missing")).is_err());
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
