//! Folders of runs that no open run of the log owns: of a run that was ordered after the backup that is in place now,
//! or whose folder could not be taken away at its end. What lives in them is ended, for nobody would see it; what was
//! written and is stored nowhere is set aside, for a person to look at. Nothing reads it again.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shared::id::RunId;
use shared::run::{Signal, Stream};
use tokio::task::JoinSet;

use super::folder::{ERR, OUT};
use super::lines::{Cut, Splitter};
use super::output::CHUNK;
use super::secrets::{Secrets, given};
use super::{Inner, PARTING, RunFolder, end, os, take_away};
use crate::store::{OpenRun, Store};
use crate::system;

/// What became of such a folder.
#[derive(Debug)]
enum Became {
    Removed,
    SetAside(PathBuf),
}

/// Where the output of runs that the log does not know is kept.
pub(crate) fn strays(data_dir: &Path) -> PathBuf {
    data_dir.join("strays")
}

/// How many runs were set aside in a data folder, and how many bytes they wrote.
pub(crate) fn set_aside(data_dir: &Path) -> (usize, u64) {
    let folders: Vec<_> = std::fs::read_dir(strays(data_dir)).into_iter().flatten().flatten().collect();
    let bytes = folders.iter().map(|folder| size(&folder.path(), OUT) + size(&folder.path(), ERR)).sum();
    (folders.len(), bytes)
}

fn size(folder: &Path, name: &str) -> u64 {
    folder.join(name).metadata().map_or(0, |file| file.len())
}

impl Inner {
    /// Ends what lives in such folders, and takes them away or sets them aside.
    pub(super) async fn clear_strays(&self, open: &[OpenRun]) {
        let mut cleared = JoinSet::new();
        for folder in std::fs::read_dir(&self.runs_dir).into_iter().flatten().flatten() {
            if open.iter().any(|open| folder.file_name() == open.run.as_str()) {
                continue;
            }
            let folder = RunFolder::new(folder.path());
            let (store, strays) = (self.store.clone(), self.runs_dir.with_file_name("strays"));
            // Of those that its processes were given nothing is known once they are gone.
            let secrets = given(&folder, None, &self.secrets);
            cleared.spawn(async move {
                let tree = os::Tree::new(folder.path(), folder.leader());
                let left = end::end(tree, Some(Signal::Terminate), end::after(PARTING)).await;
                let name = folder.path().display();
                match clear(&store, folder.path(), &strays, secrets).await {
                    Ok(Became::Removed) => {
                        tracing::warn!(folder = %name, left, "a run that is not in the log was cleared away");
                    }
                    Ok(Became::SetAside(aside)) => {
                        tracing::warn!(folder = %name, left, output = %aside.display(), "a run that is not in the log was ended; what it wrote is kept");
                    }
                    Err(error) => {
                        tracing::error!(folder = %name, left, %error, "the folder of a run that is not in the log stays; the next start tries again");
                    }
                }
            });
        }
        while cleared.join_next().await.is_some() {}
    }
}

async fn clear(store: &Store, folder: &Path, strays: &Path, secrets: Arc<Secrets>) -> io::Result<Became> {
    if !holds_more(store, folder).await {
        return take_away(folder).await.map(|()| Became::Removed);
    }
    let hidden = folder.to_owned();
    // It may be long.
    tokio::task::spawn_blocking(move || {
        hide(&hidden, OUT, &secrets)?;
        hide(&hidden, ERR, &secrets)
    })
    .await??;
    set_by(folder, strays).map(Became::SetAside)
}

/// Puts stars in place of secrets into a file of output, as they would stand in the store. Nothing is lost of it if that
/// breaks off.
fn hide(folder: &Path, name: &str, secrets: &Arc<Secrets>) -> io::Result<()> {
    let (there, new) = (folder.join(name), folder.join(format!(".{name}")));
    let mut from = match File::open(&there) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let to = system::private(File::options().write(true).create(true).truncate(true)).open(&new)?;
    let (mut to, mut chunk) = (BufWriter::new(to), vec![0; CHUNK]);
    // Which of the streams it is makes no difference here.
    let mut splitter = Splitter::new(Stream::Stdout, Cut::AtNewlines, Arc::clone(secrets), b"");
    loop {
        let count = from.read(&mut chunk)?;
        let pieces = if count == 0 { splitter.let_go() } else { splitter.push(&chunk[..count]) };
        for piece in pieces {
            to.write_all(&piece.bytes)?;
        }
        if count == 0 {
            break;
        }
    }
    to.into_inner()?.sync_all()?;
    std::fs::rename(new, there)
}

/// Whether a folder has output that the store does not have. When nobody can tell, it has.
async fn holds_more(store: &Store, folder: &Path) -> bool {
    let (out, err) = (size(folder, OUT), size(folder, ERR));
    if out == 0 && err == 0 {
        return false;
    }
    let run = folder.file_name().and_then(|name| RunId::new(name.to_str()?).ok());
    let Some(run) = run else { return true };
    store.output_sizes(&run).await.map_or(true, |stored| out > stored.out || err > stored.err)
}

/// Moves a folder there; a name that is taken gets a number.
fn set_by(folder: &Path, strays: &Path) -> io::Result<PathBuf> {
    system::make_private_folder(strays)?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut aside = strays.join(&name);
    let mut number = 1;
    while aside.exists() {
        number += 1;
        aside = strays.join(format!("{name}-{number}"));
    }
    std::fs::rename(folder, &aside)?;
    Ok(aside)
}
