//! The real agent CLIs that the tests drive, at the versions whose behaviour the adapters were written for.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::npm;

const CLAUDE: &str = "2.1.329";
const CODEX: &str = "0.169.0";

/// The native programs; the packages' own start scripts only cost time.
pub struct Agents {
    /// Claude Code.
    pub claude: PathBuf,
    /// Codex.
    pub codex: PathBuf,
}

/// Finds or installs both.
///
/// # Errors
/// They cannot be installed, or do not exist for this kind of machine.
pub fn ready() -> Result<Agents> {
    let (claude, codex) = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => ("linux-x64", "codex-linux-x64/vendor/x86_64-unknown-linux-musl"),
        ("linux", "aarch64") => ("linux-arm64", "codex-linux-arm64/vendor/aarch64-unknown-linux-musl"),
        ("macos", "x86_64") => ("darwin-x64", "codex-darwin-x64/vendor/x86_64-apple-darwin"),
        ("macos", "aarch64") => ("darwin-arm64", "codex-darwin-arm64/vendor/aarch64-apple-darwin"),
        (os, arch) => bail!("the agent CLIs' place on {os} {arch} is not known here"),
    };
    let claude = format!("node_modules/@anthropic-ai/claude-code-{claude}/claude");
    let codex = format!("node_modules/@openai/{codex}/bin/codex");
    Ok(Agents {
        claude: npm::tool("claude-code", &["@anthropic-ai/claude-code"], CLAUDE, &claude)?,
        codex: npm::tool("codex", &["@openai/codex"], CODEX, &codex)?,
    })
}
