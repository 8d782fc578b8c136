//! Removing, recovering, restoring and taking over.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::super::remove::NotRemoved;
use super::super::restore::{NotAdopted, NotRestored};
use super::super::{IgnoredFiles, Made, NextStep, Removed, aside, linked, scratch, snapshot};
use super::{Place, contents, git, hand, status, told, write};

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
    // As `git lfs install --local` does beside the person's own settings.
    place.set("filter.up.clean", "tr a-z A-Z");
    place.set("filter.up.smudge", "tr A-Z a-z");
    git(&place.top, &["config", "core.autocrlf", "true"]);
    for name in ["a.txt", "b.txt", "c.up", "d.up"] {
        place.write(name, "line one\nline two\n");
    }
    place.commit("converted");
    let made = place.make("crlf");
    assert_eq!(fs::read(made.path.join("c.up")).unwrap(), b"line one\r\nline two\r\n");
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
    refused(&place, &made, IgnoredFiles::Keep, |why| {
        matches!(why, NotRemoved::Ignored { ignored, .. } if (ignored.files, ignored.bytes) == (2, 8))
            && why.to_string().ends_with(": a.log, target")
    });
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
    let whole = linked::Linked::at(&late.path).unwrap();
    let away = whole.moved(&aside(&late.path));
    fs::rename(&late.path, &away.tree).unwrap();
    let scratch = scratch::Scratch::new(&away).unwrap();
    let reading = snapshot::Reading::new(&away, &scratch);
    let held = reading.held().unwrap().unwrap();
    let kept = reading.keep(&held, &late.path).unwrap().unwrap();
    away.set_mark(&linked::Mark { holds: kept.commit, head: held.head }).unwrap();
    for name in ["README", "new", "src/main.rs"] {
        fs::remove_file(away.tree.join(name)).unwrap();
    }
    fs::write(away.tree.join(".orchestrator-part"), "ha").unwrap();
    // Whoever is killed removes nothing.
    std::mem::forget(scratch);
    let left = |made: &Made| {
        let entries = fs::read_dir(linked::Linked::aside(&made.path).unwrap().record).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("scratch"))
            .count()
    };
    place.custody.recover(std::slice::from_ref(&outside)).unwrap();
    assert_eq!(left(&late), 0);
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
    // On a branch that went on its files would undo what came since.
    git(&place.top, &["checkout", "--quiet", "orchestrator/again"]);
    git(&place.top, &["commit", "--quiet", "--allow-empty", "-m", "later"]);
    git(&place.top, &["checkout", "--quiet", "main"]);
    let moved = place.custody.restore(&made.path, &place.top, &removed).unwrap_err();
    assert!(moved.to_string().contains(removed.snapshot.as_deref().unwrap()), "{moved}");
    assert!(!made.path.exists());
    git(&place.top, &["branch", "--force", "orchestrator/again", &removed.head]);
    place.restore(&made, &removed);
    assert_eq!(fs::read_to_string(made.path.join("new")).unwrap(), "new\n");
}

#[test]
fn what_somebody_else_took_away_is_let_go_and_what_was_kept_is_found() {
    let place = Place::new();
    let made = place.make("gone");
    let branch = made.branch.clone().unwrap();
    let forget = || place.custody.forget(&made.path, &place.top, &branch, &made.base);
    assert!(matches!(forget(), Err(NotRemoved::Taken(_))), "it is there");
    write(&made.path.join("new"), "new\n");
    // A removal that nobody heard the end of.
    let removed = place.remove(&made);
    assert_eq!(forget().unwrap(), Removed { bytes: 0, ..removed.clone() });
    place.restore(&made, &removed);
    assert_eq!(fs::read_to_string(made.path.join("new")).unwrap(), "new\n");
    // Its branch can be deleted then, and a commit on none is kept.
    git(&made.path, &["checkout", "--quiet", "--detach"]);
    git(&made.path, &["commit", "--quiet", "--allow-empty", "-m", "loose"]);
    let loose = git(&made.path, &["rev-parse", "HEAD"]);
    fs::remove_dir_all(&made.path).unwrap();
    let gone = forget().unwrap();
    assert_eq!((gone.snapshot, gone.branch), (Some(loose.clone()), None));
    git(&place.top, &["branch", "-D", &branch]);
    git(&place.top, &["gc", "--quiet", "--prune=now"]);
    git(&place.top, &["cat-file", "-e", &loose]);
}

#[test]
fn a_place_that_is_remembered_is_not_given_again() {
    let place = Place::new();
    let made = place.make("again");
    let removed = place.remove(&made);
    git(&place.top, &["branch", "-D", "orchestrator/again"]);
    let other = place.custody.make(&place.top, "again", std::slice::from_ref(&made.path)).unwrap();
    assert_ne!(other.path, made.path);
    place.restore(&made, &removed);
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
fn what_is_left_out_on_purpose_is_not_taken_for_deleted() {
    let place = Place::new();
    let head = git(&place.top, &["rev-parse", "HEAD"]);
    git(&place.top, &["update-index", "--add", "--cacheinfo", &format!("160000,{head},module")]);
    git(&place.top, &["commit", "--quiet", "-m", "a module that is not checked out"]);
    fs::create_dir(place.top.join("module")).unwrap();
    let made = place.make("sparse");
    assert!(made.path.join("module").is_dir());
    git(&made.path, &["sparse-checkout", "set", "--no-cone", "README"]);
    assert!(!made.path.join("src").exists());
    let removed = place.remove(&made);
    assert_eq!(removed.snapshot, None);
    place.restore(&made, &removed);
    assert_eq!(status(&made.path), "");
}
