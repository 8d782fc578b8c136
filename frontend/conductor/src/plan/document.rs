//! A plan as a document: its tree as a list of check boxes in Markdown, and what came of each task.

use std::fmt::Write;

use shared::plan::Mode;

use super::name;
use crate::state::{Standing, State, Task};
use crate::status::{Kind, status};
use crate::words;

/// A task and all below it in Markdown (CommonMark, with the check boxes of task lists). What is completed is checked, what was stopped is struck
/// through; files are links as their tasks named them, so relative to the project's folder.
pub fn document(state: &State, top: &Task) -> String {
    let tasks = state.subtree(&top.id);
    let mut text = format!("# {}\n\n{}\n\n", plain(&name(top)), top.objective.trim());
    for task in tasks.iter().skip(1) {
        let depth = state.ancestors(task).take_while(|above| above.id != top.id).count();
        item(state, task, depth, &mut text);
    }
    let results: Vec<&&Task> = tasks.iter().filter(|task| has_result(task)).collect();
    if !results.is_empty() {
        text.push_str("\n## Results\n");
    }
    for task in results {
        result(task, &mut text);
    }
    text
}

fn item(state: &State, task: &Task, depth: usize, text: &mut String) {
    let status = status(state, task);
    let done = if status.kind == Kind::Completed { 'x' } else { ' ' };
    let (named, gone) = (plain(&name(task)), status.kind == Kind::Cancelled);
    let _ = write!(text, "{}- [{done}] ", "  ".repeat(depth));
    let _ = if gone { write!(text, "~~{named}~~") } else { write!(text, "{named}") };
    let mode = (task.mode != Mode::Autonomous).then(|| words::mode(task.mode).to_owned());
    let after = Some(words::numbers(state, &task.after)).filter(|after| !after.is_empty());
    let stands = (done == ' ').then(|| status.kind.word().to_lowercase());
    let failed = match &task.standing {
        Standing::Failed { why, .. } => why.lines().next().map(plain),
        _ => None,
    };
    let about = [mode, after.map(|after| format!("after {after}")), stands, failed];
    for part in about.into_iter().flatten() {
        let _ = write!(text, " · {part}");
    }
    let files: Vec<String> =
        task.result.iter().flat_map(|result| &result.outputs).map(|path| link(path)).collect();
    if !files.is_empty() {
        let _ = write!(text, ": {}", files.join(", "));
    }
    text.push('\n');
}

fn has_result(task: &Task) -> bool {
    task.result
        .as_ref()
        .is_some_and(|result| !result.summary.trim().is_empty() || !result.not_done.is_empty())
}

fn result(task: &Task, text: &mut String) {
    let Some(result) = &task.result else { return };
    let _ = write!(text, "\n### {}\n\n{}\n", plain(&name(task)), result.summary.trim());
    if !result.not_done.is_empty() {
        text.push_str("\nNot done:\n\n");
    }
    for line in &result.not_done {
        let _ = writeln!(text, "- [ ] {}", plain(line));
    }
}

/// One line, of which nothing is Markdown.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.trim().chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '~' | '|' => plain.extend(['\\', letter]),
            letter if letter.is_control() => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    plain
}

fn link(path: &str) -> String {
    let target: String =
        path.trim().chars().filter(|letter| !matches!(letter, '<' | '>' | '\n' | '\r' | '\\')).collect();
    format!("[{}](<{target}>)", plain(path))
}
