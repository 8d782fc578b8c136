//! `cargo xtask mutants`: would the simulation notice? Each patch under `tests/mutations/` is a fault that
//! somebody could make. It is applied to a copy of the sources, which is built and simulated, and must fail.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fmt, fs};

use anyhow::{Context, Result, bail, ensure};

use crate::{fingerprint, place, program, say};

/// In which a fault must be found.
const SECONDS: &str = "60";
/// What decides whether one is.
const SOURCES: [&str; 4] = ["shared", "frontend/conductor", "tests/simulation", "tests/mutations"];

/// Tries the patches whose name contains `only`, or all. What was noticed of these very sources before is not tried again, so
/// that a run which was broken off goes on.
///
/// # Errors
/// A patch does not apply or build, the sources fail without one, or a fault is not noticed.
pub fn mutants(only: Option<&str>) -> Result<()> {
    let scratch = place::target().join("mutants");
    let sources = scratch.join("sources");
    let mut patches = patches(&place::root().join("tests/mutations"))?;
    patches.retain(|patch| only.is_none_or(|only| name(patch).contains(only)));
    ensure!(!patches.is_empty(), "no patch has that name");
    copy(&place::root(), &sources)?;
    let mut book = Book::open(scratch.join("noticed.txt"), &sources)?;
    let left: Vec<&PathBuf> = patches.iter().filter(|patch| !book.has(&name(patch))).collect();
    if !left.is_empty() {
        build(&sources, &scratch)?;
        let fault = simulate(&scratch, "5")?.map(|noticed| noticed.fault);
        ensure!(fault.is_none(), "the sources themselves fail: {}", fault.unwrap_or_default());
    }
    let mut unnoticed = Vec::new();
    for patch in left {
        let whole = Whole::of(&sources, patch)?;
        apply(&sources, patch)?;
        let found = build(&sources, &scratch).and_then(|()| simulate(&scratch, SECONDS));
        whole.put_back()?;
        let name = name(patch);
        match found.with_context(|| name.clone())? {
            Some(noticed) => {
                say::line(&format!("{name}: {noticed}"));
                book.write(&name, &noticed)?;
            }
            None => {
                say::line(&format!("{name}: NOT NOTICED"));
                unnoticed.push(name);
            }
        }
    }
    if unnoticed.is_empty() {
        let names: Vec<String> = patches.iter().map(|patch| name(patch)).collect();
        say::line(&book.summary(&names));
        return Ok(());
    }
    bail!("not noticed within {SECONDS} s: {}. Next: teach tests/simulation to see it", unnoticed.join(", "))
}

/// A fault that was found.
struct Noticed {
    after: Duration,
    /// Lived until then.
    plans: u64,
    seed: String,
    fault: String,
}

impl fmt::Display for Noticed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { after, plans, seed, fault } = self;
        write!(f, "noticed after {:.1} s, {plans} plans, by {seed}: {fault}", after.as_secs_f64())
    }
}

/// What was noticed, a line for each fault: its name, milliseconds and plans. It is of one state of the sources, which its first
/// line names, and begins anew with another.
struct Book {
    path: PathBuf,
    lines: Vec<(String, u64, u64)>,
}

impl Book {
    fn open(path: PathBuf, sources: &Path) -> Result<Self> {
        let state = fingerprint::of(sources, &SOURCES)?;
        let text = fs::read_to_string(&path).unwrap_or_default();
        let mut lines = text.lines();
        if lines.next() == Some(&state) {
            return Ok(Self { path, lines: lines.filter_map(read).collect() });
        }
        fs::write(&path, state + "\n").with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, lines: Vec::new() })
    }

    fn has(&self, name: &str) -> bool {
        self.lines.iter().any(|(known, ..)| known == name)
    }

    fn write(&mut self, name: &str, noticed: &Noticed) -> Result<()> {
        let millis = u64::try_from(noticed.after.as_millis())?;
        let mut file = fs::OpenOptions::new().append(true).open(&self.path)?;
        writeln!(file, "{name} {millis} {}", noticed.plans)?;
        self.lines.push((name.to_owned(), millis, noticed.plans));
        Ok(())
    }

    /// How soon these were noticed.
    fn summary(&self, names: &[String]) -> String {
        let mut lines: Vec<_> = self.lines.iter().filter(|(name, ..)| names.contains(name)).collect();
        lines.sort_by_key(|(_, millis, _)| *millis);
        let at = |place: usize| lines.get(place).map_or((0, 0), |(_, millis, plans)| (*millis, *plans));
        let [half, most, last] =
            [lines.len() / 2, lines.len() * 9 / 10, lines.len().saturating_sub(1)].map(at);
        let slowest = lines.last().map(|(name, ..)| name.as_str()).unwrap_or_default();
        let told = |(millis, plans): (u64, u64)| {
            format!("{}.{} s ({plans} plans)", millis / 1_000, millis % 1_000 / 100)
        };
        format!(
            "all {} faults were noticed: half of them within {}, nine of ten within {}, the last, {slowest}, after {}",
            lines.len(),
            told(half),
            told(most),
            told(last)
        )
    }
}

fn read(line: &str) -> Option<(String, u64, u64)> {
    let [name, millis, plans] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
    Some((name.to_owned(), millis.parse().ok()?, plans.parse().ok()?))
}

fn patches(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut patches: Vec<PathBuf> = listed.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    patches.retain(|path| path.extension().is_some_and(|ending| ending == "patch"));
    patches.sort();
    Ok(patches)
}

fn name(patch: &Path) -> String {
    patch.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Copies what git knows or would take; a file that is the same stays, so that little is built again.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(from);
    for file in program::quiet(git)?.split('\0').filter(|file| !file.is_empty()) {
        // A file that was removed and not yet committed is not to be had.
        let Ok(bytes) = fs::read(from.join(file)) else { continue };
        let target = to.join(file);
        if fs::read(&target).is_ok_and(|known| known == bytes) {
            continue;
        }
        let folder = target.parent().context("a file is in a folder")?;
        fs::create_dir_all(folder)?;
        fs::write(&target, bytes).with_context(|| format!("cannot write {}", target.display()))?;
    }
    Ok(())
}

/// The files that a patch changes, as they were. A patch without context cannot be taken back by itself: what it took out
/// would be put where its line numbers say, and those need not be right.
struct Whole(Vec<(PathBuf, Vec<u8>)>);

impl Whole {
    fn of(sources: &Path, patch: &Path) -> Result<Self> {
        let text = fs::read_to_string(patch).with_context(|| format!("cannot read {}", patch.display()))?;
        let files = text.lines().filter_map(|line| line.strip_prefix("+++ b/")).map(|file| {
            let path = sources.join(file);
            let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok((path, bytes))
        });
        files.collect::<Result<_>>().map(Self)
    }

    fn put_back(&self) -> Result<()> {
        self.0.iter().try_for_each(|(path, bytes)| {
            fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
        })
    }
}

/// Each patch applies to the sources as they are, so that none is passed over when they are tried.
///
/// # Errors
/// One does not; names all such.
pub fn all_apply() -> Result<()> {
    let stale: Vec<String> = patches(&place::root().join("tests/mutations"))?
        .into_iter()
        .filter(|patch| {
            let mut git = Command::new("git");
            git.args(["apply", "--check", "--unidiff-zero", "--recount"])
                .arg(patch)
                .current_dir(place::root());
            program::quiet(git).is_err()
        })
        .map(|patch| name(&patch))
        .collect();
    ensure!(stale.is_empty(), "these do not apply any more; mend them: {}", stale.join(", "));
    Ok(())
}

fn apply(sources: &Path, patch: &Path) -> Result<()> {
    let mut git = Command::new("git");
    // The scratch copy lies in a repository of its own name only: paths are taken as they stand.
    git.args(["apply", "--unidiff-zero", "--recount"]).arg(patch).current_dir(sources);
    git.env("GIT_CEILING_DIRECTORIES", sources.parent().unwrap_or(sources));
    program::quiet(git).map(drop).with_context(|| format!("{} does not apply; mend it", name(patch)))
}

fn build(sources: &Path, scratch: &Path) -> Result<()> {
    let mut command = program::cargo(&["build", "--quiet", "--profile", "simulation", "-p", "simulation"]);
    command.current_dir(sources).env("CARGO_TARGET_DIR", scratch);
    // Each fault is built for itself: what is quick to build again counts for more than what is quick.
    let quick = [("INCREMENTAL", "true"), ("LTO", "false"), ("CODEGEN_UNITS", "16")];
    command.envs(quick.map(|(name, value)| (format!("CARGO_PROFILE_SIMULATION_{name}"), value)));
    program::quiet(command).map(drop)
}

/// What failed, or nothing.
fn simulate(scratch: &Path, seconds: &str) -> Result<Option<Noticed>> {
    let mut command = Command::new(scratch.join("simulation/simulation"));
    command.args(["--seconds", seconds, "--failed"]).env("RUST_LIB_BACKTRACE", "0").stdin(Stdio::null());
    let began = Instant::now();
    let output = command.output().context("cannot start the simulation")?;
    let after = began.elapsed();
    if output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let plans = text.split(' ').next().and_then(|plans| plans.parse().ok()).unwrap_or(0);
    let told = text.lines().find(|line| line.starts_with("seed ")).unwrap_or("it ended without a word");
    let seed = told.split(": ").next().unwrap_or_default().to_owned();
    let fault = told.rsplit(": ").next().unwrap_or(told).to_owned();
    Ok(Some(Noticed { after, plans, seed, fault }))
}
