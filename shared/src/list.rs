//! Lists: tasks that a person keeps under a name, to have them done again and again. What is another each time stands in
//! them as a blank, such as `{{branch}}`, and is filled in when they are run.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use shared_derive::FromJson;

use crate::agent::HarnessId;
use crate::id::ListId;
use crate::limits::Caps;
use crate::plan::{Choice, Own, ProposedTask, Terms};
use crate::template::wrong_choice;

/// Longest name, in bytes.
const NAME: usize = 80;

/// A list as a person saves it; saving the same id again changes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct TaskList {
    pub list: ListId,
    pub name: String,
    /// What its tasks come to together: the words of the goal that it becomes. Empty for its name.
    #[serde(default)]
    pub goal: String,
    /// Who does it, where no other agent is chosen as it is run.
    #[serde(default)]
    pub harness: Option<HarnessId>,
    /// Absolute; where it is done, where no other folder is chosen as it is run.
    #[serde(default)]
    pub folder: Option<String>,
    /// How that goal is gone about, where nothing else is chosen as it is run.
    #[serde(default, skip_serializing_if = "Terms::is_usual")]
    pub terms: Terms,
    /// One or more, by keys as in a plan; those that come after nothing run side by side.
    pub tasks: Vec<ProposedTask>,
    /// How far some of them go by themselves, by their keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub caps: BTreeMap<String, Caps>,
    /// Who does some of them, how and when, by their keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub choices: BTreeMap<String, Choice>,
}

/// What blanks are filled with, by their names.
pub type Fillings = BTreeMap<String, String>;

impl TaskList {
    /// What the goal is called that it becomes.
    pub fn words(&self) -> &str {
        let goal = self.goal.trim();
        if goal.is_empty() { self.name.trim() } else { goal }
    }

    /// What is wrong with it by itself, in words; nothing where that is nothing. Its tasks are checked as a plan is.
    pub fn problem(&self) -> Option<String> {
        if self.name.trim().is_empty() {
            Some("a list needs a name".to_owned())
        } else if self.name.len() > NAME || self.name.chars().any(char::is_control) {
            Some(format!("a list's name is one line of at most {NAME} bytes"))
        } else if self.tasks.is_empty() {
            Some("a list needs at least one task".to_owned())
        } else if let Some(key) = self.strange() {
            Some(format!("something is said of {key:?}, which is none of its tasks"))
        } else {
            wrong_choice(None, self.folder.as_ref())
        }
    }

    /// A key of which something is said, and that none of its tasks has.
    fn strange(&self) -> Option<&String> {
        let mut keys = self.caps.keys().chain(self.choices.keys());
        keys.find(|key| self.tasks.iter().all(|task| task.key != **key))
    }

    /// What it says of its tasks beside what a planner would.
    pub fn own(&self) -> Own {
        Own { caps: self.caps.clone(), choices: self.choices.clone() }
    }

    /// How its goal is gone about with this agent CLI, where another was chosen as it is run: a model is of its own CLI.
    pub fn terms_with(&self, harness: Option<HarnessId>) -> Terms {
        self.fit(self.terms.clone(), harness)
    }

    /// The same of terms that were chosen in the place of its own.
    pub fn fit(&self, terms: Terms, harness: Option<HarnessId>) -> Terms {
        match harness {
            Some(other) if self.harness != Some(other) => Terms { model: None, effort: None, ..terms },
            _ => terms,
        }
    }

    /// The names of its blanks.
    pub fn blanks(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let _ = self.clone().each_text(&mut |text| {
            found.extend(pieces(text).filter_map(|piece| piece.blank().map(str::to_owned)));
        });
        found
    }

    /// The list with its blanks filled in; what is filled in is taken as it stands.
    ///
    /// # Errors
    /// The names of blanks that no word is given for, and of words that no blank is there for.
    pub fn filled(&self, words: &Fillings) -> Result<Self, Unfilled> {
        let blanks = self.blanks();
        let missing: Vec<String> = blanks.iter().filter(|name| !words.contains_key(*name)).cloned().collect();
        let strange: Vec<String> = words.keys().filter(|name| !blanks.contains(*name)).cloned().collect();
        if !missing.is_empty() || !strange.is_empty() {
            return Err(Unfilled { list: self.name.clone(), missing, strange });
        }
        let word = |piece: Piece<'_>| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Blank(name) => words.get(name).cloned().unwrap_or_default(),
        };
        Ok(self.clone().each_text(&mut |text| *text = pieces(text).map(word).collect()))
    }

    /// Does something with every text that may have blanks.
    fn each_text(mut self, act: &mut dyn FnMut(&mut String)) -> Self {
        act(&mut self.goal);
        for task in &mut self.tasks {
            let own = [&mut task.title, &mut task.objective, &mut task.command];
            let lists = task.inputs.iter_mut().chain(&mut task.outputs).chain(&mut task.checks);
            own.into_iter().chain(lists).for_each(&mut *act);
        }
        self
    }
}

/// Why a list cannot be run with these words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{list} {}", self.problem())]
pub struct Unfilled {
    list: String,
    missing: Vec<String>,
    strange: Vec<String>,
}

impl Unfilled {
    fn problem(&self) -> String {
        if self.missing.is_empty() {
            format!("has no blank {}", self.strange.join(", "))
        } else {
            format!("needs words for {}", self.missing.join(", "))
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// By its name.
    Blank(&'a str),
}

impl<'a> Piece<'a> {
    fn blank(self) -> Option<&'a str> {
        match self {
            Self::Blank(name) => Some(name),
            Self::Text(_) => None,
        }
    }
}

/// The text and the blanks in it, in their order; together all of the text.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, behind)) = blank_at_start(rest) {
            rest = behind;
            return Some(Piece::Blank(name));
        }
        let next =
            rest.char_indices().skip(1).map(|(at, _)| at).find(|at| blank_at_start(&rest[*at..]).is_some());
        let (text, behind) = rest.split_at(next.unwrap_or(rest.len()));
        rest = behind;
        Some(Piece::Text(text))
    })
}

/// A blank's name and what stands behind it. What templates of other programs look like, such as `{{ .Name }}`, is none.
fn blank_at_start(text: &str) -> Option<(&str, &str)> {
    let (name, behind) = text.strip_prefix("{{")?.split_once("}}")?;
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
    (!name.is_empty() && name.chars().all(plain)).then_some((name, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(objective: &str) -> TaskList {
        let tasks = format!(r#"[{{"key":"a","title":"Look at {{{{branch}}}}","objective":{objective:?}}}]"#);
        TaskList {
            list: ListId::new("l").expect("an id"),
            name: "Reviews".to_owned(),
            goal: String::new(),
            harness: None,
            folder: None,
            terms: Terms::default(),
            tasks: serde_json::from_str(&tasks).expect("tasks"),
            caps: BTreeMap::new(),
            choices: BTreeMap::new(),
        }
    }

    fn words(words: &[(&str, &str)]) -> Fillings {
        words.iter().map(|(name, word)| ((*name).to_owned(), (*word).to_owned())).collect()
    }

    #[test]
    fn blanks_are_filled_wherever_they_stand() {
        let kept = list("Say {{what}} of {{branch}}, not of {{ .Name }}, {{}} or {{a b}}; {{branch");
        assert_eq!(kept.blanks().into_iter().collect::<Vec<_>>(), ["branch", "what"]);
        let filled = kept.filled(&words(&[("branch", "{{what}}"), ("what", "ä")])).expect("all are given");
        assert_eq!(filled.tasks[0].title, "Look at {{what}}", "what is filled in is taken as it stands");
        assert_eq!(
            filled.tasks[0].objective,
            "Say ä of {{what}}, not of {{ .Name }}, {{}} or {{a b}}; {{branch"
        );
    }

    #[test]
    fn blanks_without_a_word_and_words_without_a_blank_are_named() {
        let kept = list("Say {{what}}");
        for (given, told) in [
            (words(&[]), "Reviews needs words for branch, what"),
            (words(&[("branch", "x")]), "Reviews needs words for what"),
            (words(&[("branch", "x"), ("what", "y"), ("who", "z")]), "Reviews has no blank who"),
        ] {
            assert_eq!(kept.filled(&given).expect_err("not to be run").to_string(), told);
        }
    }

    #[test]
    fn a_list_has_a_name_and_tasks() {
        let good = list("Do");
        assert_eq!(good.problem(), None);
        let caps = BTreeMap::from([("b".to_owned(), Caps::default())]);
        let choices = BTreeMap::from([("b".to_owned(), Choice::default())]);
        for (bad, told) in [
            (TaskList { name: " ".to_owned(), ..good.clone() }, "a list needs a name"),
            (TaskList { name: "a\nb".to_owned(), ..good.clone() }, "one line"),
            (TaskList { tasks: Vec::new(), ..good.clone() }, "at least one task"),
            (TaskList { folder: Some("here".to_owned()), ..good.clone() }, "absolute"),
            (TaskList { caps, ..good.clone() }, "none of its tasks"),
            (TaskList { choices, ..good }, "none of its tasks"),
        ] {
            assert!(bad.problem().is_some_and(|problem| problem.contains(told)), "{told}");
        }
    }
}
