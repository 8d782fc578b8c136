//! Tools of the person's own for one run: which the configuration gives an agent in this folder, as its command line and
//! its environment take them.

use std::ffi::OsString;
use std::path::Path;

use shared::agent::HarnessId;
use shared::harness::{ToolServer, with_tools};
use shared::run::{RunEnd, RunSpec, Tools};

use super::prepare::failed;
use crate::agents::{Lookup, look_up};
use crate::config::Config;
use crate::config::tools::Tool;

/// What a run's tools add to it.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// Before all other arguments.
    pub args: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
}

/// The tools of a run whose agent is `harness`. Their programs are looked for here, unless a worker starts its agent. `home` is
/// the folder that the configuration is asked about, without links.
///
/// # Errors
/// A tool's program is not there: an agent that silently lacks what it was given would do other work.
pub(super) fn given(
    config: &Config,
    harness: HarnessId,
    spec: &RunSpec,
    home: &Path,
    is_elsewhere: bool,
) -> Result<Given, RunEnd> {
    if spec.tools == Tools::None {
        return Ok(Given::default());
    }
    let theirs = || config.tools.iter().filter(|(_, tool)| tool.is_for(harness, home));
    let server = |name: &str, tool: &Tool| {
        let program = if is_elsewhere { tool.program().to_owned() } else { here(name, tool)? };
        let args = tool.command.iter().skip(1).cloned().collect();
        Ok(ToolServer { name: name.to_owned(), program, args, env: tool.env.clone() })
    };
    let servers: Vec<ToolServer> =
        theirs().map(|(name, tool)| server(name.as_str(), tool)).collect::<Result<_, RunEnd>>()?;
    let args = with_tools(harness, spec.tools, &servers).into_iter().map(OsString::from).collect();
    Ok(Given { args, env: theirs().flat_map(|(_, tool)| variables(tool)).collect() })
}

fn here(name: &str, tool: &Tool) -> Result<String, RunEnd> {
    let problem = match look_up(tool.program()) {
        Lookup::Found(path) => return Ok(path.to_string_lossy().into_owned()),
        Lookup::NotExecutable(path) => format!("{} may not be executed (chmod +x)", path.display()),
        Lookup::Missing => format!("its program {} is not there", tool.program()),
    };
    Err(failed(&format!(
        "the tool {name} cannot be used: {problem}. See to that, or take the tool out of the configuration."
    )))
}

/// What a tool needs of the bridge's environment, as far as it is there.
fn variables(tool: &Tool) -> impl Iterator<Item = (OsString, OsString)> {
    tool.env.iter().filter_map(|name| Some((name.into(), std::env::var_os(name)?)))
}

/// What any tool needs, for who must know what is secret.
pub(super) fn all_variables(config: &Config) -> impl Iterator<Item = (OsString, OsString)> {
    config.tools.values().flat_map(variables)
}
