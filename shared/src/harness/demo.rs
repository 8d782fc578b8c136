//! The built-in demo agent: a subcommand of our own binary that speaks Claude's stream format.

use std::collections::BTreeMap;

use super::claude::user_line;
use super::{CommandLine, MAX_ARG, Start, Turn};
use crate::plan::{Access, Size};
use crate::run::{Arg, Program, RunFile, Signal, Stdin, Tools};

const SCHEMA: &str = "schema.json";

pub(super) fn command_line(turn: &Turn) -> CommandLine {
    let mut args = vec![Arg::text("demo")];
    let mut flag = |name: &str, value: Arg| args.extend([Arg::text(name), value]);
    match &turn.session {
        Start::New { session } => flag("--session-id", Arg::text(session.as_str())),
        Start::Resume { session } => flag("--resume", Arg::text(session.as_str())),
    }
    let size = match turn.size {
        Size::Light => "light",
        Size::Standard => "standard",
        Size::Heavy => "heavy",
    };
    flag("--size", Arg::text(size));
    let access = match turn.access {
        Access::ReadOnly => "read-only",
        Access::Ask => "ask",
        Access::Edit => "edit",
        Access::Full => "full",
    };
    flag("--access", Arg::text(access));
    if let Some(budget) = turn.budget {
        flag("--max-budget-usd", Arg::text(budget.to_string()));
    }
    if let Some(turns) = turn.turns {
        flag("--max-turns", Arg::text(turns.to_string()));
    }
    let mut files = Vec::new();
    if let Some(schema) = &turn.schema {
        flag("--schema", Arg::RunFile { name: SCHEMA.to_owned() });
        files.push(RunFile { name: SCHEMA.to_owned(), text: schema.clone() });
    }
    let stdin = if turn.listens {
        args.push(Arg::text("--listen"));
        Stdin::Open { text: user_line(&turn.prompt, None) }
    } else {
        Stdin::Text { text: turn.prompt.clone() }
    };
    let (env, tools) = (BTreeMap::new(), Tools::None);
    CommandLine { program: Program::Own, args, env, stdin, files, tools, polite: Signal::Terminate }
}

/// It has no session there.
pub(super) fn terminal(turn: &Turn) -> CommandLine {
    let end = turn.prompt.floor_char_boundary(MAX_ARG);
    let words = [Arg::text("--"), Arg::text(&turn.prompt[..end])];
    let args = ["demo", "terminal"].map(Arg::text).into_iter().chain(words).collect();
    let (env, stdin, files, tools) = (BTreeMap::new(), Stdin::Null, Vec::new(), Tools::None);
    CommandLine { program: Program::Own, args, env, stdin, files, tools, polite: Signal::Terminate }
}
