//! Workers: who starts a run's program in the bridge's place, on another machine or in a container, as a wrapper around
//! its command line. Only this file names wrappers; no order does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, Error};
use shared::agent::HarnessId;

use super::{below, command, folders};
use crate::wrapper::{COMMAND, mistake};

/// All of them, by name.
pub type Workers = BTreeMap<String, Worker>;

/// A wrapper, and what it is for. How its words are filled in is `wrapper.rs`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Whose programs it starts; `command` are shell commands, checks among them.
    #[serde(deserialize_with = "some")]
    pub agents: Vec<HarnessId>,
    /// In these folders and below; empty for all.
    #[serde(default, deserialize_with = "folders")]
    pub folders: Vec<PathBuf>,
    /// What comes before the program's own words; the first is the wrapper's program.
    #[serde(deserialize_with = "wrapper")]
    pub wrap: Vec<String>,
    /// The same for a run with a terminal; without it there is none here.
    #[serde(default, deserialize_with = "maybe_wrapper")]
    pub terminal: Option<Vec<String>>,
    /// Run when a run is over, however it ended, to end what the wrapper left behind.
    #[serde(default, deserialize_with = "maybe_stop")]
    pub stop: Option<Vec<String>>,
}

impl Worker {
    fn takes(&self, harness: HarnessId, folder: &Path) -> bool {
        self.agents.contains(&harness) && (self.folders.is_empty() || below(&self.folders, folder))
    }
}

/// More than one would take a run, so that nobody knows which is meant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "the workers {0} and {1} of the configuration would both take it; give them different `folders` or `agents`"
)]
pub struct Contested(String, String);

/// Who takes a run of `harness` in this folder, which is given without links; nothing for the bridge itself.
///
/// # Errors
/// More than one would.
pub fn taker<'a>(
    workers: &'a Workers,
    harness: HarnessId,
    folder: &Path,
) -> Result<Option<&'a Worker>, Contested> {
    let mut takers = workers.iter().filter(|(_, worker)| worker.takes(harness, folder));
    match (takers.next(), takers.next()) {
        (Some((first, _)), Some((second, _))) => Err(Contested(first.clone(), second.clone())),
        (taker, _) => Ok(taker.map(|(_, worker)| worker)),
    }
}

/// A worker by its name.
#[derive(Debug, Clone, Copy)]
pub struct First<'a> {
    pub name: &'a str,
    pub worker: &'a Worker,
    /// In all folders.
    pub everywhere: bool,
}

/// Who takes all runs of `harness`, or else the first who takes any.
pub fn first(workers: &Workers, harness: HarnessId) -> Option<First<'_>> {
    let takers = || workers.iter().filter(|(_, worker)| worker.agents.contains(&harness));
    let (name, worker) =
        takers().find(|(_, worker)| worker.folders.is_empty()).or_else(|| takers().next())?;
    Some(First { name, worker, everywhere: worker.folders.is_empty() })
}

fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<HarnessId>, D::Error> {
    let agents = Vec::<HarnessId>::deserialize(deserializer)?;
    if agents.is_empty() {
        return Err(D::Error::custom(
            "a worker without `agents` has nothing to do; name some, such as [\"claude\"]",
        ));
    }
    Ok(agents)
}

/// Words whose marks are all known, of a program that can be.
fn marked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let words = command(deserializer)?;
    match words.iter().find_map(|word| mistake(word)) {
        None => Ok(words),
        Some(mistake) => Err(D::Error::custom(mistake)),
    }
}

fn wrapper<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let words = marked(deserializer)?;
    let program = Path::new(&words[0]).file_name().unwrap_or_default();
    if program == "ssh" && !words.iter().any(|word| word.contains(COMMAND)) {
        return Err(D::Error::custom(
            "ssh gives its words to a shell, which would read them anew; put {command} where the program's words are to stand, quoted",
        ));
    }
    Ok(words)
}

fn maybe_wrapper<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    wrapper(deserializer).map(Some)
}

fn maybe_stop<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let words = marked(deserializer)?;
    if words.iter().any(|word| word.contains(COMMAND)) {
        return Err(D::Error::custom(
            "there is no program to start any more, so {command} stands for nothing in `stop`",
        ));
    }
    Ok(Some(words))
}
