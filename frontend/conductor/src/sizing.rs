//! How hard a task is that nobody gave a size. A rule looks at its words; where that is not sure and the sizes have models
//! of their own, a light model is asked, once. A size that a person or a planner chose is never touched.

use shared::entry::Purpose;
use shared::limits::Limits;
use shared::plan::{Size, Work};
use shared::sizing::Sizing;

use crate::state::{SizedBy, State, Task};

/// First words of what is mechanical, and of what has to be thought through.
const LIGHT: [&str; 14] = [
    "rename",
    "format",
    "bump",
    "list",
    "count",
    "copy",
    "move",
    "delete",
    "remove",
    "sort",
    "spell",
    "translate",
    "print",
    "read",
];
const HEAVY: [&str; 14] = [
    "design",
    "architect",
    "migrate",
    "refactor",
    "rewrite",
    "redesign",
    "port",
    "debug",
    "investigate",
    "prove",
    "secure",
    "optimise",
    "optimize",
    "restructure",
];
/// Words for all of something.
const BROAD: [&str; 6] = ["all", "every", "everywhere", "entire", "whole", "across"];
/// Words in title and objective: with so few a task is small, with so many it is large, and with so many twice that.
const FEW: usize = 15;
const MANY: usize = 150;
const VERY_MANY: usize = 400;
/// Expected outputs, and tasks whose results it builds on, from which on it is larger.
const OUTPUTS: usize = 3;
const AFTER: usize = 3;
/// Longest reason that is kept of a model's answer, in characters.
const WHY: usize = 120;

/// What the rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    pub size: Size,
    pub why: String,
    /// Its signs speak for this size and for no other.
    pub sure: bool,
}

/// The rule: each sign counts, and two are enough to leave the standard. A first word counts two, because it says what is
/// to be done; length, outputs, dependencies and breadth count one each, because they say how much of it there is.
pub fn guess(task: &Task) -> Guess {
    let mut signs: Vec<(i32, String)> = Vec::new();
    let text = format!("{} {}", task.title, task.objective).to_lowercase();
    let words: Vec<&str> = text.split(|letter: char| !letter.is_alphanumeric()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let objective = task.objective.to_lowercase();
    let first = |text: &str| text.split_whitespace().next().unwrap_or_default().to_owned();
    for verb in [words.first().copied().unwrap_or_default().to_owned(), first(&objective)] {
        let weight = match verb.as_str() {
            verb if LIGHT.contains(&verb) => -2,
            verb if HEAVY.contains(&verb) => 2,
            _ => continue,
        };
        signs.push((weight, format!("it begins with “{verb}”")));
        break;
    }
    match words.len() {
        count if count > VERY_MANY => signs.push((2, format!("it takes {count} words to say"))),
        count if count > MANY => signs.push((1, format!("it takes {count} words to say"))),
        count if count <= FEW && signs.iter().all(|(weight, _)| *weight < 0) => {
            signs.push((-1, format!("it is said in {count} words")));
        }
        _ => {}
    }
    let outputs = task.outputs.len();
    if outputs >= OUTPUTS {
        signs.push((if outputs >= 2 * OUTPUTS { 2 } else { 1 }, format!("it has {outputs} outputs")));
    }
    if task.after.len() >= AFTER {
        signs.push((1, format!("it builds on {} others", task.after.len())));
    }
    if let Some(broad) = words.iter().find(|word| BROAD.contains(word)) {
        signs.push((1, format!("it is about “{broad}”")));
    }
    judged(&signs)
}

fn judged(signs: &[(i32, String)]) -> Guess {
    let sum: i32 = signs.iter().map(|(weight, _)| weight).sum();
    let both = signs.iter().any(|(weight, _)| *weight > 0) && signs.iter().any(|(weight, _)| *weight < 0);
    let (size, sure) = match sum {
        ..=-2 => (Size::Light, !both),
        // One sign alone says little, and one of two first words less than both together.
        -1 | 2 => (Size::Standard, false),
        3.. => (Size::Heavy, !both),
        _ => (Size::Standard, !both),
    };
    let told = signs.iter().filter(|(weight, _)| size == Size::Standard || (*weight > 0) == (sum > 0));
    let why: Vec<&str> = told.map(|(_, why)| why.as_str()).collect();
    let why = if why.is_empty() { "nothing speaks for another".to_owned() } else { why.join(" and ") };
    Guess { size, why, sure }
}

/// Nobody said how hard it is, and it is to be found out before it begins.
pub(crate) fn is_open(limits: &Limits, task: &Task) -> bool {
    let works = task.work == Work::Agent && !task.is_goal() && !task.is_group();
    task.sized == SizedBy::Nobody && limits.sizing != Sizing::Off && works
}

/// A model is to be asked: the rule is not sure, none was asked yet, and it makes a difference.
pub(crate) fn asks(state: &State, task: &Task) -> bool {
    let mut runs = task.runs.iter().filter_map(|run| state.run(run));
    let asked = runs.any(|run| run.purpose == Purpose::Classify);
    let may = state.limits.sizing == Sizing::Ask && is_open(&state.limits, task) && !asked;
    may && differs(state, task) && !guess(task).sure
}

/// The sizes have models of their own, and nobody chose one for the task.
fn differs(state: &State, task: &Task) -> bool {
    let harness = state.harness_of(task);
    let of = |size| state.model_of(task, harness, size);
    let light = state.models.of(harness, Size::Light).is_some();
    light && (of(Size::Light) != of(Size::Standard) || of(Size::Heavy) != of(Size::Standard))
}

/// What is kept of a model's reason.
pub(crate) fn reason(why: &str) -> String {
    why.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(WHY).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_signs_leave_the_standard_and_one_alone_is_unsure() {
        let sign = |weight: i32| (weight, "so".to_owned());
        for (weights, size, sure) in [
            (&[][..], Size::Standard, true),
            (&[1], Size::Standard, true),
            (&[-1], Size::Standard, false),
            (&[2], Size::Standard, false),
            (&[-2], Size::Light, true),
            (&[-2, -1], Size::Light, true),
            (&[2, 1], Size::Heavy, true),
            (&[1, 1, 1], Size::Heavy, true),
            (&[-2, 2], Size::Standard, false),
            (&[-2, 2, 1, 1, 1], Size::Heavy, false),
        ] {
            let signs: Vec<(i32, String)> = weights.iter().copied().map(sign).collect();
            let found = judged(&signs);
            assert_eq!((found.size, found.sure), (size, sure), "{weights:?}");
        }
    }
}
