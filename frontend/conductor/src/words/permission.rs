//! What agents ask to be allowed, and rules about it, in words.

use shared::permission::{Ask, Deed, Permit, Scope, What, seen, written};

use crate::State;
use crate::permission::{Asked, Reply};
use crate::state::Run;

/// Why a request can only be answered once.
pub const ONCE: &str =
    "A rule about this would say much more than was asked. Answer it once, or write a rule of your own";

/// "run cargo test", "change src/a.rs": what an agent asks to be allowed.
pub fn deed(ask: &Ask) -> String {
    let about = beginning(&ask.about());
    match &ask.deed {
        Deed::Command { .. } => format!("run {about}"),
        Deed::Edit { .. } => format!("change {about}"),
        Deed::Read { .. } => format!("look at {about}"),
        Deed::Use { .. } => format!("use {}: {about}", seen(&ask.tool)),
    }
}

/// The first line that says something, and how many more lines there are.
pub fn beginning(about: &str) -> String {
    let mut lines = about.lines().skip_while(|line| line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    match lines.count() {
        0 => first.to_owned(),
        1 => format!("{first} and 1 more line"),
        more => format!("{first} and {more} more lines"),
    }
}

/// "You allowed it, once.": who answered a request, and how.
pub fn reply(state: &State, run: &Run, asked: &Asked) -> String {
    let done = |permit| if permit == Permit::Allow { "allowed" } else { "denied" };
    match &asked.reply {
        Reply::None if run.is_active() => "It waits for you.".to_owned(),
        Reply::None => "Its run ended before anybody answered.".to_owned(),
        Reply::Withdrawn => "It did not wait for an answer.".to_owned(),
        Reply::Said { permit, word } | Reply::Sent { permit, by: None, word, .. } => {
            let word = word.trim();
            let word = if word.is_empty() { String::new() } else { format!(" “{word}”") };
            format!("You {} it, once.{word}", done(*permit))
        }
        Reply::Sent { permit, by: Some(by), .. } => {
            let rule = state.rules.get(by).map(|known| (rule(&known.what), scope(state, &known.scope)));
            let rule = rule.map(|(what, scope)| format!("your rule about {what}, {scope}"));
            let rule = rule.unwrap_or_else(|| "a rule of yours that is gone".to_owned());
            format!("It was {} by {rule}.", done(*permit))
        }
    }
}

/// "commands that begin with cargo test", "changes below src".
pub fn rule(what: &What) -> String {
    match what {
        What::Commands { words } => format!("commands that begin with {}", seen(&written(words))),
        What::Edits { under } => format!("changes of {} and what is below it", seen(under)),
        What::Reads { under } => format!("looks at {} and what is below it", seen(under)),
        What::Tool { name } => format!("whatever {} does", seen(name)),
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
