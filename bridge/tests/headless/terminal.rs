//! A terminal of a person: commands in a home and a project of its own.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

pub struct Terminal {
    pub home: tempfile::TempDir,
}

impl Terminal {
    pub fn new() -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        std::fs::create_dir(home.path().join("project"))?;
        Ok(Self { home })
    }

    pub fn data(&self) -> std::path::PathBuf {
        self.home.path().join("data")
    }

    pub fn run(&self, args: &[&str]) -> anyhow::Result<(Option<i32>, String)> {
        self.run_in(&[], args)
    }

    pub fn run_in(&self, set: &[(&str, &str)], args: &[&str]) -> anyhow::Result<(Option<i32>, String)> {
        let mut command = Command::new(BIN);
        command.envs(set.iter().copied());
        command.args(args);
        if args.first() != Some(&"schema") {
            command.arg("--data-dir").arg(self.data());
        }
        command.env("HOME", self.home.path()).env("XDG_CONFIG_HOME", self.home.path().join("config"));
        let Output { status, stdout, stderr } =
            command.current_dir(self.home.path().join("project")).stdin(Stdio::null()).output()?;
        Ok((status.code(), format!("{}{}", String::from_utf8(stdout)?, String::from_utf8(stderr)?)))
    }
}

impl Terminal {
    /// Asks for the tasks until they are as wished.
    pub fn reaches(&self, wished: &dyn Fn(&[Value]) -> bool) -> anyhow::Result<()> {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let (_, said) = self.run(&["tasks", "--json"])?;
            let tasks = said.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
            if wished(&tasks) {
                return Ok(());
            }
            anyhow::ensure!(std::time::Instant::now() < deadline, "{said}");
        }
    }
}

/// The bridge that a command started and left.
impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(holder) = bridge::lock::holder(&self.data()) {
            let _ = Command::new("kill").arg(holder.pid.to_string()).status();
        }
    }
}
