//! What shows that a task is done: checks that a machine makes, and the review of an agent that was not in the
//! room. Nobody's word is taken for it, also not the worker's.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use shared_derive::FromJson;

use crate::harness::CommandLine;
use crate::id::RunId;
use crate::run::{Arg, Program, RunSpec, Signal, Stdin, Tools};

/// Something that has to hold after the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Check {
    /// The files that the task declares, and those that its agent says it made, are there and hold something.
    OutputsExist,
    /// The folder is not as it was before the work began; what git ignores does not count.
    DiffNotEmpty,
    /// The last words tell of no error.
    NoErrorInOutput,
    /// This shell command ends with 0.
    CustomCommand { command: String },
}

/// The checks without an argument, by their names.
const PLAIN: [(&str, Check); 3] = [
    ("outputs_exist", Check::OutputsExist),
    ("diff_not_empty", Check::DiffNotEmpty),
    ("no_error_in_output", Check::NoErrorInOutput),
];
const CUSTOM: &str = "custom_command:";

/// What is no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no check; there are outputs_exist, diff_not_empty, no_error_in_output and custom_command:COMMAND"
)]
pub struct NoCheck(String);

/// As planners and people write them: `diff_not_empty`, `custom_command:npm test`.
impl FromStr for Check {
    type Err = NoCheck;

    fn from_str(text: &str) -> Result<Self, NoCheck> {
        let text = text.trim();
        if let Some(command) = text.strip_prefix(CUSTOM).map(str::trim).filter(|command| !command.is_empty())
        {
            return Ok(Self::CustomCommand { command: command.to_owned() });
        }
        let known = PLAIN.into_iter().find(|(name, _)| *name == text);
        known.map(|(_, check)| check).ok_or_else(|| NoCheck(text.to_owned()))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutputsExist => f.write_str("outputs_exist"),
            Self::DiffNotEmpty => f.write_str("diff_not_empty"),
            Self::NoErrorInOutput => f.write_str("no_error_in_output"),
            Self::CustomCommand { command } => write!(f, "{CUSTOM}{command}"),
        }
    }
}

impl Check {
    /// The order for it, beside the folder as it came to `before` the work and the paths that should be `there`;
    /// nothing for one that needs no look.
    pub fn command_line(&self, before: &str, there: &[String]) -> Option<CommandLine> {
        Some(match self {
            Self::OutputsExist => {
                let words = ["look", "there", "--"].into_iter().chain(there.iter().map(String::as_str));
                plain(Program::Own, words)
            }
            Self::DiffNotEmpty => plain(Program::Own, ["look", "changed", before]),
            Self::CustomCommand { command } => plain(Program::Shell { command: command.clone() }, []),
            Self::NoErrorInOutput => return None,
        })
    }

    /// The check that an order makes.
    pub fn made_by(spec: &RunSpec) -> Option<Self> {
        match (&spec.program, spec.args.as_slice()) {
            (Program::Shell { command }, _) => Some(Self::CustomCommand { command: command.clone() }),
            (Program::Own, [Arg::Text { text: look }, Arg::Text { text: what }, ..]) if look == "look" => {
                match what.as_str() {
                    "there" => Some(Self::OutputsExist),
                    "changed" => Some(Self::DiffNotEmpty),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// The order that writes as one line what the contents of the folder come to. It and the looks of the checks are our own
/// binary's: it ends with 0 where all is well, and with 1 and the reason on stdout where not.
pub fn print() -> CommandLine {
    plain(Program::Own, ["look", "print"])
}

/// How the last line of a commit that was made begins; the commit's hash follows.
pub const COMMITTED: &str = "committed ";

/// The order that commits these paths and nothing else, as the work of `run`.
pub fn commit(run: &RunId, message: String, paths: &[String]) -> CommandLine {
    let words = ["look", "commit", "--run", run.as_str(), "--"];
    let order = plain(Program::Own, words.into_iter().chain(paths.iter().map(String::as_str)));
    CommandLine { stdin: Stdin::Text { text: message }, ..order }
}

/// What came of committing a task's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum CommitOutcome {
    Made {
        /// Its hash.
        commit: String,
        /// What was not committed with it, and why.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left: Vec<String>,
    },
    /// There was nothing to commit, or nowhere to.
    Nothing { why: String },
    /// A hook, or git, does not let it be.
    Failed { problem: String },
}

fn plain<'a>(program: Program, words: impl IntoIterator<Item = &'a str>) -> CommandLine {
    CommandLine {
        program,
        args: words.into_iter().map(Arg::text).collect(),
        env: BTreeMap::new(),
        stdin: Stdin::Null,
        files: Vec::new(),
        tools: Tools::None,
        polite: Signal::Terminate,
    }
}

/// What is wanted before a task counts as done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Evidence {
    /// Made one after the other after each work, until one fails.
    pub checks: Vec<Check>,
    /// Whether another agent reviews the work; nothing for what the goal's preset says.
    pub review: Option<bool>,
    /// Whether what it made is committed when all else is shown; nothing for what the goal's preset says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<bool>,
}

impl Evidence {
    /// The same, and those checks that are not among its own.
    #[must_use]
    pub fn and(mut self, checks: Vec<Check>) -> Self {
        for check in checks {
            if !self.checks.contains(&check) {
                self.checks.push(check);
            }
        }
        self
    }
}

/// How a goal is gone about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// What an agent reports is taken, once its checks hold.
    #[default]
    Quick,
    /// Another agent reviews each task.
    Reviewed,
    /// Reviewed, gone over up to ten times, committed, and nobody is asked to approve a plan.
    Autonomous,
}

impl Preset {
    pub const ALL: [Self; 3] = [Self::Quick, Self::Reviewed, Self::Autonomous];

    pub fn reviews(self) -> bool {
        self != Self::Quick
    }

    /// Times that one task's work is mended before the person is asked, where `usual` is what the limits say.
    pub fn repairs(self, usual: u32) -> u32 {
        if self == Self::Autonomous { 9 } else { usual }
    }

    /// What a task made is committed.
    pub fn commits(self) -> bool {
        self == Self::Autonomous
    }

    /// Plans are carried out as they are proposed.
    pub fn approves(self) -> bool {
        self == Self::Autonomous
    }
}

/// A reviewer's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub struct ReviewAnswer {
    /// "pass" when the objective is reached, "findings" when something has to be mended first.
    pub verdict: ReviewVerdict,
    /// What you looked at and what you think of it, in a few sentences.
    pub summary: String,
    /// What has to be mended, one finding each with its place; empty for "pass".
    #[serde(default)]
    pub findings: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReviewVerdict {
    Pass,
    Findings,
}

/// The JSON schema of [`ReviewAnswer`] as one line.
pub const REVIEW_ANSWER: &str = include_str!("plan/review_answer.schema.json").trim_ascii_end();

/// Whether an output reads as a path and not as a fact: "src/cart.rs", not "the tests pass".
pub fn is_path(output: &str) -> bool {
    let output = output.trim();
    !output.is_empty()
        && !output.contains(char::is_whitespace)
        && !output.contains("://")
        && !output.contains(['*', '?', '<', '{'])
        && (output.contains('/') || output.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunLimits;

    #[test]
    fn a_check_reads_as_it_is_written() {
        for text in
            ["outputs_exist", "diff_not_empty", "no_error_in_output", "custom_command:npm test -- --ci"]
        {
            let check: Check = text.parse().expect("a check");
            assert_eq!(check.to_string(), text);
        }
        for text in ["", "tests_pass", "custom_command:", "custom_command"] {
            assert!(text.parse::<Check>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_order_says_which_check_it_makes() {
        let command = "npm test".to_owned();
        for check in [Check::OutputsExist, Check::DiffNotEmpty, Check::CustomCommand { command }] {
            let order = check.command_line("a1", &["b.md".to_owned()]).expect("an order");
            assert_eq!(Check::made_by(&order.into_spec("/p", RunLimits::default())), Some(check));
        }
        assert_eq!(Check::made_by(&print().into_spec("/p", RunLimits::default())), None);
    }

    #[test]
    fn paths_are_told_from_facts() {
        for path in ["src/cart.rs", "README.md", ".github/", "a.out"] {
            assert!(is_path(path), "{path}");
        }
        for fact in ["", "the tests pass", "https://example.org/a.png", "schema", "src/*.rs"] {
            assert!(!is_path(fact), "{fact}");
        }
    }
}
