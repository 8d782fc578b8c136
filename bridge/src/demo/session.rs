//! The demo agent's memory: one small JSON file per session, so that resuming knows what was before.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use shared::id::SessionId;
use shared::plan::PlannerAnswer;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    pub id: String,
    pub turns: u32,
    /// The goal or the objective that the session began with, as it was written.
    pub began_with: String,
    pub title: String,
    /// What its task is expected to leave, as its prompt said.
    pub expected: String,
    /// The mode in which a task is done, as its prompt said.
    pub mode: String,
    pub asked: bool,
    pub limited: bool,
    pub plan: Option<PlannerAnswer>,
    /// What all its turns have cost, in US dollars of the demo's making.
    pub cost: f64,
}

/// Where sessions are kept: `$ORCHESTRATOR_DEMO_HOME`, or a folder of the user's state, or of the system's
/// temporary files.
pub fn home() -> PathBuf {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    named("ORCHESTRATOR_DEMO_HOME")
        .or_else(|| named("XDG_STATE_HOME").map(|state| state.join("orchestrator/demo")))
        .or_else(|| named("HOME").map(|home| home.join(".local/state/orchestrator/demo")))
        .unwrap_or_else(|| std::env::temp_dir().join("orchestrator-demo"))
}

impl Session {
    /// The session of this id; nothing when there is none, or none that can be read.
    pub fn load(home: &Path, id: &SessionId) -> Option<Self> {
        let text = fs::read(home.join(format!("{id}.json"))).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// It is as if it had never been.
    pub fn forget(home: &Path, id: &SessionId) -> io::Result<()> {
        fs::remove_file(home.join(format!("{id}.json")))
    }

    /// Stores it, whole or not at all.
    pub fn save(&self, home: &Path) -> io::Result<()> {
        fs::create_dir_all(home)?;
        let part = home.join(format!("{}.part-{}", self.id, std::process::id()));
        fs::write(&part, serde_json::to_vec(self)?)?;
        fs::rename(&part, home.join(format!("{}.json", self.id)))
    }
}

/// Whether this is the first of two times that `what` happens here; every second time it is not. It outlives
/// sessions, because a task that is tried again begins a new one.
pub fn first_time(home: &Path, what: &str) -> io::Result<bool> {
    let mut hasher = DefaultHasher::new();
    (what, std::env::current_dir().ok()).hash(&mut hasher);
    let mark = home.join(format!("once-{:016x}", hasher.finish()));
    match fs::remove_file(&mark) {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(home)?;
            fs::write(&mark, what)?;
            Ok(true)
        }
        Err(error) => Err(error),
    }
}
