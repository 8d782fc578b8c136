//! What agents ask to be allowed, and rules about it, in words.

use shared::permission::{Ask, Deed, Scope, What};

use crate::State;

/// "run cargo test", "change src/a.rs": what an agent asks to be allowed.
pub fn deed(ask: &Ask) -> String {
    let about = ask.about().lines().next().unwrap_or_default();
    match &ask.deed {
        Deed::Command { .. } => format!("run {about}"),
        Deed::Edit { .. } => format!("change {about}"),
        Deed::Read { .. } => format!("look at {about}"),
        Deed::Use { .. } => format!("use {}: {about}", ask.tool),
    }
}

/// "commands that begin with cargo test", "changes below src".
pub fn rule(what: &What) -> String {
    match what {
        What::Commands { words } => format!("commands that begin with {}", words.join(" ")),
        What::Edits { under } => format!("changes of {under} and what is below it"),
        What::Reads { under } => format!("looks at {under} and what is below it"),
        What::Tool { name } => format!("whatever {name} does"),
    }
}

/// Where a rule holds: "always", "in shop", "for 2 Build it".
pub fn scope(state: &State, scope: &Scope) -> String {
    match scope {
        Scope::Always => "always".to_owned(),
        Scope::Project { project } => {
            let name = state.projects.get(project).map(|project| project.name.as_str());
            format!("in {}", name.unwrap_or("a project that is gone"))
        }
        Scope::Task { task } => {
            let name = state.task(task).map(crate::plan::name);
            format!("for {}", name.unwrap_or_else(|| "a task that is gone".to_owned()))
        }
    }
}
