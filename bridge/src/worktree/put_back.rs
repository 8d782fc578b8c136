//! Files of a commit, written into a worktree's folder where they are missing. What is there stays as it is, so that it
//! may be done again after an interruption, and nobody's newer file is written over.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::git::{Failed, to_path};
use super::linked::{Linked, Mark};
use super::scratch::Scratch;
use super::snapshot::{Entry, entries, index};

/// Where a file is until it is whole: half of one would pass for the person's after an interruption.
const PART: &str = ".orchestrator-part";

/// Writes what is missing: a file that is the same in both of the mark's commits as a checkout writes it, any other byte
/// for byte. Then the index, where there is none yet.
///
/// # Errors
/// The commits are not there, or a file cannot be written; some may then be written already.
pub(super) fn put_back(linked: &Linked, mark: &Mark) -> Result<(), Failed> {
    let scratch = Scratch::new(linked)?;
    let part = linked.tree.join(PART);
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Failed::disk(&part, error)),
        _ => {}
    }
    let git = linked.git();
    let (wanted, committed) = (entries(&git, &mark.holds)?, entries(&git, &mark.head)?);
    let staged = index(&git)?;
    let missing = |name: &Vec<u8>| {
        let left_out = staged.get(name).is_some_and(|staged| staged.sparse);
        !left_out && fs::symlink_metadata(linked.tree.join(to_path(name))).is_err()
    };
    let missing = wanted.into_iter().filter(|(name, _)| missing(name));
    let (plain, own): (Vec<_>, Vec<_>) =
        missing.partition(|(name, entry)| committed.get(name) == Some(entry));
    if !plain.is_empty() {
        let names: Vec<u8> = plain.into_iter().flat_map(|(name, _)| [name, vec![0]].concat()).collect();
        let mut into = OsString::from("--prefix=");
        into.push(&linked.tree);
        into.push("/");
        let args = ["checkout-index", "-q", "-z", "--stdin"].map(OsStr::new).into_iter().chain([&*into]);
        scratch.checkout(linked, &mark.head)?.fed(args, scratch.holding("names", &names)?)?;
    }
    write(linked, &scratch, &own)?;
    if !linked.record.join("index").exists() {
        stage(linked, mark)?;
    }
    Ok(())
}

/// What was staged, which a snapshot has as its second parent.
fn stage(linked: &Linked, mark: &Mark) -> Result<(), Failed> {
    let git = linked.git();
    let staged = format!("{}^2", mark.holds);
    let staged = match mark.holds == mark.head {
        true => None,
        false => git.ask(["rev-parse", "--verify", "--quiet", &staged])?,
    };
    git.run(["read-tree", staged.as_deref().unwrap_or("HEAD")])?;
    // It ends with 1 where files differ from what is staged, which is as it should be.
    git.ask(["update-index", "-q", "--refresh"])?;
    Ok(())
}

/// The objects' own bytes.
fn write(linked: &Linked, scratch: &Scratch, own: &[(Vec<u8>, Entry)]) -> Result<(), Failed> {
    let (modules, files): (Vec<_>, Vec<_>) = own.iter().partition(|(_, entry)| entry.mode == "160000");
    for (name, _) in modules {
        let path = linked.tree.join(to_path(name));
        fs::create_dir_all(&path).map_err(|error| Failed::disk(&path, error))?;
    }
    if files.is_empty() {
        return Ok(());
    }
    let wanted: String = files.iter().map(|(_, entry)| format!("{}\n", entry.object)).collect();
    let wanted = scratch.holding("objects-wanted", wanted.as_bytes())?;
    let mut child = linked.git().start(["cat-file", "--batch"], wanted)?;
    let stdout = child.stdout.take().ok_or_else(|| Failed::Said("nothing".to_owned()))?;
    let mut stdout = BufReader::new(stdout);
    let part = linked.tree.join(PART);
    let written = files.into_iter().try_for_each(|(name, entry)| {
        let path = linked.tree.join(to_path(name));
        one(&mut stdout, &part, &path, &entry.mode).map_err(|error| Failed::disk(&path, error))
    });
    // It has nothing more to write, or nobody who reads it.
    drop(stdout);
    let ended = child.wait().map_err(Failed::NotThere);
    written.and(ended.map(drop))
}

/// One object as `cat-file` frames it: `<object> blob <bytes>`, the bytes, and the end of a line.
fn one(from: &mut impl BufRead, part: &Path, path: &Path, mode: &str) -> io::Result<()> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let bytes = line.trim().split(" blob ").nth(1).and_then(|bytes| bytes.parse::<u64>().ok());
    let bytes = bytes.ok_or_else(|| io::Error::other(format!("git says {:?}", line.trim())))?;
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    let mut object = from.by_ref().take(bytes);
    if mode == "120000" {
        let mut leads = Vec::new();
        object.read_to_end(&mut leads)?;
        link(&leads, path)?;
    } else {
        let mut file = File::create(part)?;
        if io::copy(&mut object, &mut file)? != bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // Elsewhere the index alone knows which may be run.
        #[cfg(unix)]
        if mode == "100755" {
            executable(&file)?;
        }
        file.sync_all()?;
        drop(file);
        fs::rename(part, path)?;
    }
    from.read_exact(&mut [0])
}

#[cfg(unix)]
fn link(leads: &[u8], path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to_path(leads), path)
}

/// As git does it where links need a right that few have.
#[cfg(not(unix))]
fn link(leads: &[u8], path: &Path) -> io::Result<()> {
    fs::write(path, leads)
}

#[cfg(unix)]
fn executable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut rights = file.metadata()?.permissions();
    // Whoever may read it may run it.
    rights.set_mode(rights.mode() | (rights.mode() & 0o444) >> 2);
    file.set_permissions(rights)
}
