//! The ground of a first try: a folder of the system's temporary ones with all that it uses, and what is left there in the end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use shared::api::Finding;

use super::super::{bad, well};
use super::REMEDY;
use crate::agents::{Lookup, look_up};
use crate::headless::place::Place;
use crate::store;
use crate::supervisor::run_processes;
use crate::system;

/// Variables by which programs find the folders that are theirs; each gets one of this ground.
const FOLDERS: [(&str, &str); 10] = [
    ("HOME", "home"),
    ("USERPROFILE", "home"),
    ("XDG_CONFIG_HOME", "home"),
    ("XDG_DATA_HOME", "home"),
    ("XDG_CACHE_HOME", "home"),
    // The demo agent remembers its sessions there.
    ("XDG_STATE_HOME", "state"),
    ("ORCHESTRATOR_DEMO_HOME", "state"),
    ("TMPDIR", "temp"),
    ("TEMP", "temp"),
    ("TMP", "temp"),
];
/// Characters of what the bridge said last.
const LAST: usize = 300;

#[derive(Debug)]
pub(super) struct Ground {
    root: PathBuf,
    config: Option<PathBuf>,
    /// Whether agents get folders of this ground for their own, too; a real one needs its account.
    closed: bool,
}

impl Ground {
    /// A folder that only this user may read, with an empty project under version control.
    ///
    /// # Errors
    /// The system's folder for temporary files cannot be written to.
    pub(super) fn lay(config: Option<&Path>, closed: bool) -> anyhow::Result<Self> {
        let temporary =
            dunce::canonicalize(std::env::temp_dir()).context("there is no folder for temporary files")?;
        let root = temporary.join(format!("orchestrator-try-{}", uuid::Uuid::now_v7()));
        let made = || format!("{} cannot be made; a first try needs room there", root.display());
        system::make_private_folder(&root).with_context(made)?;
        let mut ground = Self { root, config: config.map(Path::to_owned), closed };
        for folder in ["project", "home", "state", "temp"] {
            fs::create_dir(ground.root.join(folder)).with_context(made_in(&ground.root))?;
        }
        if closed {
            ground.config = Some(ground.without_agents()?);
        }
        if let Lookup::Found(git) = look_up("git") {
            let mut git = Command::new(git);
            git.args(["init", "--quiet"]).current_dir(ground.root.join("project")).stdin(Stdio::null());
            git.stdout(Stdio::null()).stderr(Stdio::null()).envs(ground.variables());
            git.status().context("git does not start")?;
        }
        Ok(ground)
    }

    /// A configuration by which no agent of this machine is asked for anything, not even its version.
    fn without_agents(&self) -> anyhow::Result<PathBuf> {
        let nobody = self.root.join("nobody");
        let agents = ["claude", "codex"].map(|agent| format!("[agents.{agent}]\nprogram = {nobody:?}\n"));
        let file = self.root.join("config.toml");
        fs::write(&file, agents.concat()).with_context(made_in(&self.root))?;
        Ok(file)
    }

    fn variables(&self) -> impl Iterator<Item = (&'static str, PathBuf)> {
        FOLDERS.into_iter().filter(|_| self.closed).map(|(name, folder)| (name, self.root.join(folder)))
    }

    fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The project's folder.
    ///
    /// # Errors
    /// Its name is not text.
    pub(super) fn project(&self) -> anyhow::Result<String> {
        self.root.join("project").to_str().map(str::to_owned).context("the folder's name is not text")
    }

    /// Starts the bridge. Whoever ends it ends its agents with it, and only its clients decide.
    pub(super) async fn bridge(&self) -> anyhow::Result<Place> {
        Place::start(&self.data(), |command| {
            command.args(["--no-standby", "--stop-agents"]).envs(self.variables());
            if let Some(config) = &self.config {
                command.arg("--config").arg(config);
            }
        })
        .await
    }

    pub(super) fn has_bridge(&self) -> bool {
        Place::find(&self.data()).is_ok_and(|place| place.is_some())
    }

    /// The programs of all runs, by their ids in the system.
    pub(super) fn processes(&self) -> Vec<i32> {
        let runs = run_processes(&self.data().join("runs"));
        runs.iter().flat_map(|run| &run.program).map(|process| process.pid).collect()
    }

    /// The end of what the bridge said, in one line; empty where it said nothing.
    pub(super) fn last_words(&self) -> String {
        let said = fs::read_to_string(self.data().join("bridge.log")).unwrap_or_default();
        let said = said.trim().replace('\n', " / ");
        said[said.floor_char_boundary(said.len().saturating_sub(LAST))..].to_owned()
    }

    /// Looks at what is left after the bridge has ended so, and takes all of it away. `whole`: an agent that minds its folders
    /// was there, and nobody else.
    pub(super) fn clear(&self, ended: anyhow::Result<()>, whole: bool) -> Vec<Finding> {
        let mut findings = vec![match ended {
            Ok(()) => well("the bridge ended when it was asked to"),
            Err(error) => bad(format!("{error:#}"), REMEDY),
        }];
        let left = self.processes();
        findings
            .push(verdict(left.is_empty(), "no process is left", || format!("processes are left: {left:?}")));
        let runs = entries(&self.data().join("runs"));
        findings.push(verdict(runs.is_empty(), "no run is claimed", || {
            format!("folders of runs are left: {runs:?}")
        }));
        findings.push(match store::look(&self.data().join("log.db")) {
            Ok(look) => verdict(look.detail.is_none(), "the log is sound", || {
                format!("the log is damaged: {:?}", look.detail)
            }),
            Err(error) => bad(format!("the log cannot be read: {error}"), REMEDY),
        });
        if whole {
            let strange = self.strangers();
            findings.push(verdict(strange.is_empty(), "nothing was written but to the project", || {
                format!("there is more than was to be written: {strange:?}")
            }));
        }
        let removed = fs::remove_dir_all(&self.root);
        findings.push(match removed {
            Ok(()) => well(format!("{} is gone again", self.root.display())),
            Err(error) => {
                bad(format!("{} stays behind: {error}", self.root.display()), "Remove that folder.")
            }
        });
        findings
    }

    /// What stands where the demo agent writes nothing: it keeps to the folder `demo` of the project.
    fn strangers(&self) -> Vec<String> {
        let home = entries(&self.root.join("home")).into_iter().chain(entries(&self.root.join("temp")));
        let project = entries(&self.root.join("project"));
        home.chain(project.into_iter().filter(|name| name != ".git" && name != "demo")).collect()
    }
}

/// Who breaks off leaves no folder behind either.
impl Drop for Ground {
    fn drop(&mut self) {
        // What was cleared already is not there.
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn verdict(holds: bool, what: &str, problem: impl FnOnce() -> String) -> Finding {
    if holds { well(what) } else { bad(problem(), REMEDY) }
}

fn made_in(root: &Path) -> impl Fn() -> String + use<'_> {
    move || format!("{} cannot be written to", root.display())
}

/// The names in a folder; none where it is not there.
fn entries(folder: &Path) -> Vec<String> {
    let listed = fs::read_dir(folder).into_iter().flatten().flatten();
    listed.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
