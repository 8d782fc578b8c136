//! What lies in a repository or a worktree may be an agent's: none of it is run, and it leads nowhere else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::git::{Failed, trial};
use super::super::make::NotMade;
use super::super::remove::NotRemoved;
use super::super::{Custody, IgnoredFiles, NextStep, aside};
use super::{Place, contents, git, hand, told, write};

/// A program that leaves a mark, and the mark.
fn program(place: &Place) -> (String, PathBuf) {
    let (path, ran) = (place.folder.path().join("program"), place.folder.path().join("ran"));
    write(&path, format!("#!/bin/sh\necho \"$0 $*\" >>'{}'\ncat\n", ran.display()));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    (path.to_str().unwrap().to_owned(), ran)
}

#[test]
fn filters_that_a_repository_or_a_worktree_names_are_not_run() {
    let place = Place::new();
    let (program, ran) = program(&place);
    place.write(".gitattributes", "*.a filter=one\n*.b filter=two=2.x\n*.c filter=three\n*.d filter=last\n");
    for name in ["x.a", "x.b", "x.c", "x.d", "y.a"] {
        place.write(name, "committed\n");
    }
    place.commit("files");
    git(&place.top, &["config", "filter.one.clean", &program]);
    git(&place.top, &["config", "filter.one.smudge", &program]);
    git(&place.top, &["config", "filter.one.required", "true"]);
    git(&place.top, &["config", "filter.two=2.x.clean", &program]);
    git(&place.top, &["config", "filter.two=2.x.smudge", &program]);
    git(&place.top, &["config", "filter.three.process", &program]);
    git(&place.top, &["config", "extensions.worktreeConfig", "true"]);
    let made = place.make("filtered");
    git(&made.path, &["config", "--worktree", "filter.last.clean", &program]);
    git(&made.path, &["config", "--worktree", "filter.last.smudge", &program]);
    for name in ["x.a", "x.b", "x.c", "x.d"] {
        // As long as before, so that git has to read it.
        write(&made.path.join(name), "COMMITTED\n");
    }
    let before = contents(&made.path);
    assert_eq!(told(&place.custody.list(&[]), &made.path).unwrap().changes, 4);
    let removed = place.remove(&made);
    place.restore(&made, &removed);
    assert_eq!(contents(&made.path), before);
    assert_eq!(fs::read_to_string(&ran).unwrap_or_default(), "");
    // They would have run.
    let _ = hand(&made.path, &["-c", "filter.one.required=false", "status"]).unwrap();
    assert!(ran.exists());
}

#[test]
fn a_repository_in_a_worktree_runs_nothing() {
    let place = Place::new();
    let (program, ran) = program(&place);
    let made = place.make("module");
    let inner = made.path.join("inner");
    write(&inner.join("file"), "one\n");
    git(&inner, &["init", "--quiet"]);
    write(&inner.join(".gitattributes"), "* filter=inner\n");
    git(&inner, &["add", "--all"]);
    git(&inner, &["commit", "--quiet", "-m", "inner"]);
    git(&made.path, &["add", "inner"]);
    write(&inner.join("file"), "two\n");
    git(&inner, &["config", "filter.inner.clean", &program]);
    git(&inner, &["config", "core.fsmonitor", &program]);
    assert_eq!(told(&place.custody.list(&[]), &made.path).unwrap().changes, 1);
    let refused = place.custody.remove(&made.path, IgnoredFiles::Drop).unwrap_err();
    assert!(matches!(refused, NotRemoved::Repositories { .. }), "{refused}");
    assert_eq!(fs::read_to_string(&ran).unwrap_or_default(), "");
}

#[test]
fn what_a_partial_clone_lacks_is_not_fetched() {
    let place = Place::new();
    let (program, ran) = program(&place);
    let made = place.make("partial");
    write(&made.path.join("README"), "changed\n");
    let blob = git(&place.top, &["rev-parse", "HEAD:README"]);
    for setting in [
        ["core.repositoryFormatVersion", "1"],
        ["extensions.partialClone", "origin"],
        ["remote.origin.promisor", "true"],
        ["remote.origin.url", place.top.to_str().unwrap()],
        ["remote.origin.uploadpack", &program],
    ] {
        git(&place.top, &["config", setting[0], setting[1]]);
    }
    fs::remove_file(place.top.join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    let _ = place.custody.list(&[]);
    let _ = place.custody.remove(&made.path, IgnoredFiles::Keep);
    assert_eq!(fs::read_to_string(&ran).unwrap_or_default(), "");
}

/// Has the worktree at `path` lead to a repository whose settings run the program.
fn lead_away(place: &Place, path: &Path, program: &str) -> PathBuf {
    let theirs = dunce::canonicalize(place.folder.path()).unwrap().join("theirs");
    git(&place.top, &["clone", "--quiet", "--no-local", ".", theirs.to_str().unwrap()]);
    git(&theirs, &["worktree", "add", "--quiet", "--detach", "../decoy"]);
    git(&theirs, &["worktree", "lock", "--reason", "orchestrator: taken over", "../decoy"]);
    git(&theirs, &["config", "filter.one.clean", program]);
    let record = theirs.join(".git/worktrees/decoy");
    fs::write(record.join("gitdir"), format!("{}\n", path.join(".git").display())).unwrap();
    fs::write(path.join(".git"), format!("gitdir: {}\n", record.display())).unwrap();
    write(&path.join(".gitattributes"), "* filter=one\n");
    theirs
}

#[test]
fn a_worktree_that_leads_to_another_repository_is_left_alone() {
    let place = Place::new();
    let (program, ran) = program(&place);
    let made = place.make("away");
    Custody::is_of(&made.path, &place.top).unwrap();
    let theirs = lead_away(&place, &made.path, &program);
    let why = told(&place.custody.list(&[]), &made.path).unwrap_err();
    assert!(why.contains("theirs, which it was not made from"), "{why}");
    assert_eq!(Custody::look(&made.path).unwrap_err(), why);
    let refused = place.custody.remove(&made.path, IgnoredFiles::Drop).unwrap_err();
    assert!(matches!(refused, NotRemoved::NotLinked { .. }), "{refused}");
    assert!(place.custody.adopt(&made.path).is_err());
    assert!(Custody::is_of(&made.path, &place.top).is_err());
    // Nor does it when it was left aside.
    fs::rename(&made.path, aside(&made.path)).unwrap();
    place.custody.recover(&[]).unwrap();
    assert!(made.path.join("README").exists());
    assert!(!ran.exists());
    assert!(theirs.join(".git/worktrees/decoy/gitdir").exists());
}

#[test]
fn one_that_was_taken_over_is_told_from_one_of_another_repository() {
    let place = Place::new();
    let (program, _) = program(&place);
    let path = dunce::canonicalize(place.folder.path()).unwrap().join("by hand");
    git(&place.top, &["worktree", "add", "--quiet", "-b", "by-hand", path.to_str().unwrap()]);
    let adopted = place.custody.adopt(&path).unwrap();
    Custody::is_of(&path, &adopted.of).unwrap();
    // A checkout of the same repository is as good.
    let other = place.make("other");
    Custody::is_of(&path, &other.path).unwrap();
    let theirs = lead_away(&place, &path, &program);
    let away = Custody::is_of(&path, &adopted.of).unwrap_err();
    assert!(away.to_string().contains("theirs") && !away.next_step().is_empty(), "{away}");
    Custody::is_of(&path, &theirs).unwrap();
    assert!(Custody::is_of(&path, &theirs.join("none")).is_err());
}

#[test]
fn git_is_not_waited_for_for_ever() {
    let place = Place::new();
    place.write(".gitattributes", "README filter=slow\n");
    place.commit("attributes");
    place.set("filter.slow.smudge", "sleep 1000");
    trial::LIMIT.set(Duration::from_millis(400));
    let began = Instant::now();
    let endless = place.custody.make(&place.top, "slow", &[]).unwrap_err();
    assert!(matches!(endless, NotMade::Git(Failed::Endless(_))), "{endless}");
    assert!(began.elapsed() < Duration::from_secs(60) && !endless.next_step().is_empty());
}
