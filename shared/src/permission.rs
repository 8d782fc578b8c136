//! Permissions: what an agent asks to be allowed, the person's rules, and what a set of rules says to a request. Pure,
//! so that the conductor, the page and the terminal say the same of a request that waits and of one of last week.
//! Deny stands above allow. What is not understood with certainty is for the person, but for a rule that allows the whole
//! tool; and beside that too where it may be what another rule denies.

use std::fmt;

use serde::Serialize;
use shared_derive::FromJson;

use crate::id::{ProjectId, RuleId, TaskId};

mod command;
mod nature;
mod seen;
pub mod shell;

pub use command::written;
pub use nature::Nature;
pub use seen::seen;
use shell::{Segment, Word, is_assignment, segments};

/// The longest command line that rules are asked about, in bytes; a longer one is always the person's.
pub const LONGEST: usize = 16 * 1024;
/// The longest word of a person along with an answer, in bytes.
pub const WORD: usize = 8 * 1024;
/// Bytes of a rule's words or path.
const REACH: usize = 1024;

/// What an agent asks to be allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Ask {
    /// By which it is answered.
    pub request: String,
    /// The call that waits for it.
    pub call: String,
    /// As the harness names it, such as "Bash".
    pub tool: String,
    pub deed: Deed,
}

/// What it would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Deed {
    /// At most [`LONGEST`] bytes.
    Command { line: String },
    /// Changes a file; from the run's folder, or absolute.
    Edit { path: String },
    /// Looks at a file or folder, likewise.
    Read { path: String },
    /// Anything else, in a few words.
    Use { about: String },
}

impl Ask {
    /// What it is about, for people: what they would not see stands there as `\u{202e}`.
    pub fn about(&self) -> String {
        seen(match &self.deed {
            Deed::Command { line } => line,
            Deed::Edit { path } | Deed::Read { path } => path,
            Deed::Use { about } => about,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Permit {
    Allow,
    Deny,
}

/// A rule as a person saves it; it decides from then on, also what waits already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Rule {
    pub rule: RuleId,
    pub permit: Permit,
    pub what: What,
    pub scope: Scope,
}

/// Which requests a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum What {
    /// Commands that begin with these words. A line is allowed where each of its commands is.
    Commands { words: Vec<String> },
    /// Changes of this file, or of what is below this folder; from the run's folder, or absolute.
    Edits { under: String },
    /// Looks at it, likewise.
    Reads { under: String },
    /// Whatever this tool does.
    Tool { name: String },
}

/// Where a rule holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Scope {
    /// For the task and all below it.
    Task {
        task: TaskId,
    },
    Project {
        project: ProjectId,
    },
    Always,
}

/// What a request was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Answer {
    pub request: String,
    pub permit: Permit,
    /// The rule that decided; nothing where the person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<RuleId>,
}

impl What {
    /// The commands that begin as `text` does, which is read as a shell would.
    ///
    /// # Errors
    /// It is not one plain command; says so.
    pub fn commands(text: &str) -> Result<Self, String> {
        let plain = |segment: &Segment| (!segment.writes).then(|| segment.plain()).flatten();
        let words = match segments(text).as_deref() {
            Some([segment]) => plain(segment),
            _ => None,
        };
        let words = words.ok_or("a rule is about one plain command, such as: cargo test")?;
        Ok(Self::Commands { words })
    }

    /// What is wrong with it, in words; nothing for one that can be saved.
    pub fn problem(&self) -> Option<&'static str> {
        self.unusable().or_else(|| match self {
            Self::Commands { words } if words.iter().all(|word| is_assignment(word)) => {
                Some("a rule about commands needs the program, not only what is set before it")
            }
            Self::Edits { under } | Self::Reads { under } if under.starts_with('~') => {
                Some("a path begins at / or in the project's folder; write the home folder out")
            }
            _ => None,
        })
    }

    /// What keeps it from being used at all. What else is wrong with it may have been saved once, and may deny.
    pub fn unusable(&self) -> Option<&'static str> {
        let (long, empty) = match self {
            Self::Commands { words } => {
                (words.iter().map(String::len).sum(), words.first().is_none_or(String::is_empty))
            }
            Self::Edits { under } | Self::Reads { under } => (under.len(), under.trim().is_empty()),
            Self::Tool { name } => (name.len(), name.trim().is_empty()),
        };
        match (empty, long > REACH) {
            (true, _) => Some("a rule needs to say what it is about"),
            (_, true) => Some("a rule is about at most 1024 bytes"),
            (false, false) => None,
        }
    }

    /// The narrowest rule that would be about this request of a run in `folder` (absolute), and about more than it alone.
    /// Nothing where each would say much more than was asked: nobody should save that in passing.
    pub fn suggested(ask: &Ask, folder: &str) -> Option<Self> {
        let reach = |path: &str| {
            let folder_of = above(path);
            // Outside it, what lies beside a file has nothing to do with it.
            (if lies(folder_of, folder, folder) { folder_of } else { path }).to_owned()
        };
        let what = match &ask.deed {
            Deed::Command { line } => {
                let words = segments(line)?.first()?.narrowest()?;
                Self::Commands { words }
            }
            Deed::Edit { path } => Self::Edits { under: reach(path) },
            Deed::Read { path } => Self::Reads { under: reach(path) },
            Deed::Use { .. } if matches!(Nature::of(&ask.tool), Nature::Commands | Nature::Edits) => {
                return None;
            }
            Deed::Use { .. } => Self::Tool { name: ask.tool.clone() },
        };
        what.problem().is_none().then_some(what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commands { words } => write!(f, "commands {}", written(words)),
            Self::Edits { under } => write!(f, "edits {under}"),
            Self::Reads { under } => write!(f, "reads {under}"),
            Self::Tool { name } => write!(f, "tool {name}"),
        }
    }
}

/// The folder of a file.
fn above(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
        None => ".",
    }
}

/// How sure it is that a rule is about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    No,
    Perhaps,
    Yes,
}

/// The rule that decides a request of a run in `folder` (absolute), of the rules that hold there; its `permit` is the
/// answer. Nothing where the person has to be asked.
pub fn ruling<'a>(rules: impl IntoIterator<Item = &'a Rule>, ask: &Ask, folder: &str) -> Option<&'a Rule> {
    let (allows, denies): (Vec<&Rule>, Vec<&Rule>) =
        rules.into_iter().partition(|rule| rule.permit == Permit::Allow);
    let found = match &ask.deed {
        Deed::Command { line } if line.len() <= LONGEST => segments(line),
        _ => None,
    };
    let mut doubt = false;
    for rule in denies {
        match denied(&rule.what, ask, folder, found.as_deref()) {
            Fit::Yes => return Some(rule),
            Fit::Perhaps => doubt = true,
            Fit::No => {}
        }
    }
    if doubt {
        return None;
    }
    let whole = allows.iter().find(|rule| matches!(&rule.what, What::Tool { name } if *name == ask.tool));
    whole.copied().or_else(|| match &ask.deed {
        Deed::Command { .. } => {
            let by = |segment: &Segment| {
                allows.iter().find(|rule| matches!(&rule.what, What::Commands { words } if !segment.writes && segment.begins(words)))
            };
            // Every one of them, and there is one.
            let by: Option<Vec<&&Rule>> = found?.iter().map(by).collect();
            by?.first().map(|rule| **rule)
        }
        Deed::Edit { path } => allows.iter().copied().find(
            |rule| matches!(&rule.what, What::Edits { under } if lies(path, under, folder) && !is_guarded(path, under)),
        ),
        Deed::Read { path } => allows
            .iter()
            .copied()
            .find(|rule| matches!(&rule.what, What::Reads { under } if lies(path, under, folder))),
        Deed::Use { .. } => None,
    })
}

fn denied(what: &What, ask: &Ask, folder: &str, found: Option<&[Segment]>) -> Fit {
    match (what, &ask.deed) {
        (What::Tool { name }, _) => {
            if *name == ask.tool {
                Fit::Yes
            } else {
                Fit::No
            }
        }
        (What::Commands { words }, Deed::Command { .. }) => match found {
            Some(found) => found.iter().map(|segment| segment.is_denied(words)).max().unwrap_or(Fit::No),
            None => Fit::Perhaps,
        },
        (What::Edits { under }, Deed::Edit { path }) | (What::Reads { under }, Deed::Read { path }) => {
            // Some systems do not tell large letters from small ones.
            let small = |text: &str| text.to_ascii_lowercase();
            let (path, under, folder) = (small(path), small(under), small(folder));
            // Who looks at a folder may look at all below it.
            let reaches = matches!(what, What::Reads { .. }) && lies(&under, &path, &folder);
            match (resolved(&path, &folder), resolved(&under, &folder)) {
                (Some(_), Some(_)) if lies(&path, &under, &folder) => Fit::Yes,
                (Some(_), Some(_)) if !reaches => Fit::No,
                _ => Fit::Perhaps,
            }
        }
        // A line that writes may change any file. What it reads is not looked at.
        (What::Edits { .. }, Deed::Command { .. }) => match found {
            Some(found) if !found.iter().any(|segment| segment.writes) => Fit::No,
            _ => Fit::Perhaps,
        },
        // What could not be told of such a call may be just this.
        (what, Deed::Use { .. }) => match (Nature::of(&ask.tool), what) {
            (Nature::Commands, _)
            | (Nature::Edits, What::Edits { .. })
            | (Nature::Reads, What::Reads { .. }) => Fit::Perhaps,
            _ => Fit::No,
        },
        _ => Fit::No,
    }
}

impl Segment {
    /// It begins with exactly these words.
    fn begins(&self, words: &[String]) -> bool {
        let mut own = self.words.iter();
        !words.is_empty() && words.iter().all(|word| own.next().is_some_and(|own| own.is(word)))
    }

    /// It is this command where it begins with the words, whatever is set before it and wherever its program lies. It may
    /// be where they stand in it in this order, as in `sudo rm` or `sh -c 'rm x'`, or where nobody knows what stands there.
    fn is_denied(&self, words: &[String]) -> Fit {
        let Some((program, rest)) = words.split_first() else { return Fit::No };
        let mut own = self.words.iter().skip_while(|word| word.is_assignment());
        let is_program = own.next().is_some_and(|word| word.is(program) || word.is_program(program));
        if self.begins(words)
            || is_program && rest.iter().all(|word| own.next().is_some_and(|own| own.is(word)))
        {
            return Fit::Yes;
        }
        let mut tokens = self.words.iter().flat_map(Word::tokens);
        let named = words.iter().all(|word| tokens.any(|token| token == last(word)));
        if named || self.runs_any() || self.may_become(words) { Fit::Perhaps } else { Fit::No }
    }

    /// Something that is known only when it runs stands where these words would: as the program, or behind some of them,
    /// with nothing between but options.
    fn may_become(&self, words: &[String]) -> bool {
        let (mut near, mut option) = (true, false);
        for word in self.words.iter().skip_while(|word| word.is_assignment()) {
            let Word::Plain(text) = word else {
                if near {
                    return true;
                }
                continue;
            };
            let is_option = text.starts_with('-');
            near = words.iter().any(|word| last(word) == last(text)) || (near && (is_option || option));
            option = is_option;
        }
        false
    }
}

/// A program without its folder.
fn last(program: &str) -> &str {
    program.rsplit_once('/').map_or(program, |(_, name)| name)
}

/// The names of a path from the root on, `.` and `..` resolved by the words alone: links are not looked at. Nothing where
/// that cannot be said.
fn resolved<'a>(path: &'a str, folder: &'a str) -> Option<Vec<&'a str>> {
    let odd = |text: &str| text.contains(|c: char| c == '\\' || c.is_control());
    if odd(path) || odd(folder) || !folder.starts_with('/') || path.is_empty() || path.starts_with('~') {
        return None;
    }
    let before = if path.starts_with('/') { "" } else { folder };
    let mut names = Vec::new();
    for name in before.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    Some(names)
}

/// `path` is `under`, or below it.
fn lies(path: &str, under: &str, folder: &str) -> bool {
    match (resolved(path, folder), resolved(under, folder)) {
        (Some(path), Some(under)) => path.starts_with(&under),
        _ => false,
    }
}

/// What is changed there decides what runs later; a rule has to name it.
fn is_guarded(path: &str, under: &str) -> bool {
    [".git", ".claude", ".codex"].into_iter().any(|guarded| {
        let names = |path: &str| path.split('/').any(|name| name.eq_ignore_ascii_case(guarded));
        names(path) && !names(under)
    })
}
