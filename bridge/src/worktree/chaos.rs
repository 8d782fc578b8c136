//! A person's git, and programs that write, beside removals and restorations: what was written and said to be is in the
//! folder or in a commit in the end.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::tests::{Place, git, hand, write};
use super::{IgnoredFiles, Made, Removed};

/// Removals that are tried.
const ROUNDS: u32 = 6;
/// Longest pause between two of one's doings, in milliseconds.
const PAUSE: u64 = 60;

/// Numbers that look random, the same for the same seed (xorshift).
struct Dice(u64);

impl Dice {
    fn new(seed: u64, whose: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (whose + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9))
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn pause(&mut self, most: u64) {
        thread::sleep(Duration::from_millis(self.below(most)));
    }
}

type Written = BTreeMap<PathBuf, Vec<u8>>;

/// Writes by path, over its own files at times; git never heard of these. What it was told to be written, by path.
fn writes(folder: &Path, over: &AtomicBool, mut dice: Dice) -> Written {
    let mut written = Written::new();
    for number in 0_u32.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let file = if dice.below(4) == 0 { u64::from(number) / 2 } else { u64::from(number) };
        let path = folder.join("written").join(file.to_string());
        let contents = format!("written {number} {file}\n").into_bytes();
        if fs::write(&path, &contents).is_ok() {
            written.insert(path, contents);
        }
        dice.pause(8);
    }
    written
}

/// Moves whole files in, each under a name of its own; a person commits and stashes these.
fn moves(folder: &Path, from: &Path, over: &AtomicBool, mut dice: Dice) -> Written {
    let mut written = Written::new();
    for number in 0_u32.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let (whole, path) = (from.join("whole"), folder.join("moved").join(number.to_string()));
        let contents = format!("moved {number}\n").into_bytes();
        fs::write(&whole, &contents).unwrap();
        if fs::rename(&whole, &path).is_ok() {
            written.insert(path, contents);
        }
        dice.pause(20);
    }
    written
}

/// One git command after the other, as a person may give them; none of these discards a file by itself.
fn by_hand(top: &Path, made: &Made, over: &AtomicBool, mut dice: Dice) {
    let branch = made.branch.as_deref().unwrap();
    for number in 0_u32.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("hand-{number}");
        let here: &[&[&str]] = match dice.below(9) {
            0 | 1 => &[&["add", "moved"], &["commit", "--quiet", "-m", "by hand"]],
            2 => &[&["add", "moved"], &["stash", "push", "--quiet", "--", "moved"]],
            3 => &[&["checkout", "--quiet", "-b", &name]],
            4 => &[&["branch", &name], &["checkout", "--quiet", branch]],
            5 => {
                &[&["checkout", "--quiet", "--detach"], &["add", "moved"], &["commit", "--quiet", "-m", "x"]]
            }
            6 => &[&["reset", "--quiet", "HEAD~1"], &["branch", &name]],
            7 => &[&["add", "moved"]],
            _ => &[&["gc", "--quiet", "--prune=now"]],
        };
        // One fails where there is no folder just now, or nothing to commit. A detached commit gets a branch before it is
        // left: it is the person who would discard it otherwise.
        let _ = here.iter().all(|args| hand(&made.path, args).is_ok_and(|said| said.status.success()));
        dice.pause(PAUSE);
        match dice.below(4) {
            0 => drop(hand(top, &["worktree", "prune", "--expire=now"])),
            1 => drop(hand(top, &["gc", "--quiet", "--prune=now"])),
            2 => {
                write(&top.join("main"), &name);
                let end: &[&str] =
                    if number % 2 == 0 { &["stash", "--quiet"] } else { &["commit", "-qm", "main"] };
                let _ = hand(top, &["add", "main"]).and_then(|_| hand(top, end));
            }
            _ => {}
        }
    }
}

/// Removes it and restores it; in the end it may be there or not. How often it was removed.
fn comes_and_goes(place: &Place, made: &Made, mut dice: Dice) -> u32 {
    let mut times = 0;
    let mut removed: Option<Removed> = None;
    for _ in 0..ROUNDS {
        dice.pause(PAUSE * 3);
        if let Some(was) = removed.take() {
            let restored = place.custody.restore(&made.path, &place.top, &was);
            assert_eq!(restored.is_ok(), made.path.exists(), "{restored:?}");
            removed = restored.is_err().then_some(was);
        }
        if removed.is_none() {
            dice.pause(PAUSE * 3);
            match place.custody.remove(&made.path, IgnoredFiles::Keep) {
                Ok(was) => {
                    removed = Some(was);
                    times += 1;
                }
                Err(why) => assert!(made.path.join("written/.keep").exists(), "{why}"),
            }
            assert!(!super::aside(&made.path).exists());
        }
    }
    times
}

/// The ids of all objects that a reference or a stash leads to.
fn kept(top: &Path) -> BTreeSet<String> {
    let stashes = git(top, &["stash", "list", "--format=%H"]);
    let args = ["rev-list", "--objects", "--all"].into_iter().chain(stashes.lines());
    let listed = git(top, &args.collect::<Vec<_>>());
    listed.lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
}

/// The ids that what was written has in git, in the order of its paths.
fn objects(at: &Path, written: &Written) -> Vec<String> {
    if written.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = (0..written.len()).map(|number| format!("lost/{number}")).collect();
    names.iter().zip(written.values()).for_each(|(name, held)| write(&at.join(name), held));
    let args = ["hash-object", "--no-filters"].into_iter().chain(names.iter().map(String::as_str));
    git(at, &args.collect::<Vec<_>>()).lines().map(str::to_owned).collect()
}

fn nothing_is_lost(seed: u64) {
    let place = Place::new();
    for folder in ["written", "moved"] {
        write(&place.top.join(folder).join(".keep"), "");
    }
    git(&place.top, &["add", "--all"]);
    git(&place.top, &["commit", "--quiet", "-m", "folders"]);
    let made = place.make("chaos");
    let (over, at) = (AtomicBool::new(false), place.folder.path());
    let (written, times) = thread::scope(|scope| {
        let writers = [
            scope.spawn(|| writes(&made.path, &over, Dice::new(seed, 0))),
            scope.spawn(|| moves(&made.path, at, &over, Dice::new(seed, 1))),
        ];
        scope.spawn(|| by_hand(&place.top, &made, &over, Dice::new(seed, 2)));
        let removals = scope.spawn(|| comes_and_goes(&place, &made, Dice::new(seed, 3))).join();
        over.store(true, Ordering::Relaxed);
        let written = writers.into_iter().flat_map(|writer| writer.join().unwrap());
        (written.collect::<Written>(), removals.unwrap())
    });
    let (all, kept) = (written.len(), kept(&place.top));
    let gone: Written =
        written.into_iter().filter(|(path, held)| fs::read(path).ok().as_ref() != Some(held)).collect();
    let objects = objects(at, &gone);
    let lost = gone.iter().zip(objects).filter(|(_, object)| !kept.contains(object));
    let lost: Vec<_> = lost.map(|((path, held), _)| (path, String::from_utf8_lossy(held))).collect();
    assert!(lost.is_empty(), "seed {seed}: {} of {all} are lost: {lost:?}", lost.len());
    assert!(times > 0 && all > 50, "seed {seed}: {times} removals, {all} files");
    assert_eq!(git(&place.top, &["fsck", "--connectivity-only", "--no-dangling"]), "", "seed {seed}");
}

#[test]
fn nothing_is_lost_whatever_happens_beside_it() {
    // Another seed, by hand.
    let seed = std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
    nothing_is_lost(seed.unwrap_or(1));
}
