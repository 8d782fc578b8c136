//! Folders of runs that no open run of the log owns: of a run that was ordered after the backup that is in place now,
//! or whose folder could not be taken away at its end. What lives in them is ended, for nobody would see it; what was
//! written and is stored nowhere is set aside, for a person to look at. Nothing reads it again.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shared::id::RunId;
use shared::run::{Signal, Stream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::folder::{ERR, OUT};
use super::lines::{Cut, Splitter};
use super::output::CHUNK;
use super::secrets::{Secrets, given};
use super::{Inner, PARTING, RunFolder, end, os, take_away};
use crate::store::{OpenRun, Piece, Store};
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
                // Its shim may still have last words on their way; one that finds no room for them is not waited for.
                if let Some(shim) = folder.shim() {
                    let _ = timeout(PARTING, end::over(shim)).await;
                }
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

/// Puts stars in place of secrets into a file of output, as they would stand in the store. They are as long, so the file
/// stays the same one, whoever still writes to it, and no room is needed.
fn hide(folder: &Path, name: &str, secrets: &Arc<Secrets>) -> io::Result<()> {
    let mut file = match File::options().read(true).write(true).open(folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut from = BufReader::with_capacity(CHUNK, File::open(folder.join(name))?);
    // What the pieces are made of, for as long as they are not given.
    let (mut written, mut at) = (VecDeque::<u8>::new(), 0);
    // Which of the streams it is makes no difference here.
    let mut splitter = Splitter::new(Stream::Stdout, Cut::AtNewlines, Arc::clone(secrets), b"");
    loop {
        let chunk = from.fill_buf()?;
        let (pieces, count) =
            (if chunk.is_empty() { splitter.let_go() } else { splitter.push(chunk) }, chunk.len());
        written.extend(chunk);
        from.consume(count);
        for Piece { bytes, .. } in pieces {
            if !written.drain(..bytes.len()).eq(bytes.iter().copied()) {
                file.seek(SeekFrom::Start(at))?;
                file.write_all(&bytes)?;
            }
            at += bytes.len() as u64;
        }
        if count == 0 {
            return file.sync_data();
        }
    }
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
