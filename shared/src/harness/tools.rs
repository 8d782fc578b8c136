//! Tools of the person's own: MCP servers that the bridge's configuration names, in the words in which each agent CLI
//! takes them for one run. Nothing is written into an agent's own configuration.

use serde_json::{Map, Value, json};

use crate::agent::HarnessId;
use crate::plan::Access;
use crate::run::Tools;

/// A program that serves tools by MCP on its standard input and output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolServer {
    /// Small letters, digits, `_` and `-`: agents call its tools `mcp__NAME__…`.
    pub name: String,
    /// A path, or a name that its agent looks for on PATH.
    pub program: String,
    pub args: Vec<String>,
    /// Names of the variables that it needs of its agent's environment. Values stand on no command line.
    pub env: Vec<String>,
}

/// The arguments that give an agent of `harness` these tools. They stand before all others of its command line. None for
/// a harness that takes no tools.
pub fn with_tools(harness: HarnessId, may: Tools, servers: &[ToolServer]) -> Vec<String> {
    if may == Tools::None || servers.is_empty() {
        return Vec::new();
    }
    match harness {
        HarnessId::Claude => claude(may, servers),
        HarnessId::Codex => servers.iter().flat_map(|server| ["-c".to_owned(), codex(may, server)]).collect(),
        HarnessId::Demo | HarnessId::Command => Vec::new(),
    }
}

/// In a terminal the person is there to be asked.
pub(super) fn with_a_person(access: Access) -> Tools {
    match access {
        Access::ReadOnly => Tools::None,
        Access::Ask | Access::Edit => Tools::Asked,
        Access::Full => Tools::Free,
    }
}

/// A server of Claude Code gets its whole environment. An option that stands here twice, `--allowedTools`, is added up.
fn claude(may: Tools, servers: &[ToolServer]) -> Vec<String> {
    let called = |server: &ToolServer| {
        (server.name.clone(), json!({"type": "stdio", "command": server.program, "args": server.args}))
    };
    let named: Map<String, Value> = servers.iter().map(called).collect();
    let mut words = vec!["--mcp-config".to_owned(), json!({ "mcpServers": named }).to_string()];
    if may == Tools::Free {
        let names: Vec<String> = servers.iter().map(|server| format!("mcp__{}", server.name)).collect();
        words.extend(["--allowedTools".to_owned(), names.join(",")]);
    }
    words
}

/// A line of Codex's configuration. Strings and lists of JSON are such of TOML too.
fn codex(may: Tools, server: &ToolServer) -> String {
    let ToolServer { name, program, args, env } = server;
    let (program, args, env) = (json!(program), json!(args), json!(env));
    let free = if may == Tools::Free { ",default_tools_approval_mode=\"approve\"" } else { "" };
    format!("mcp_servers.{name}={{command={program},args={args},env_vars={env}{free}}}")
}
