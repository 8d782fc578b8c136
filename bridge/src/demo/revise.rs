//! Changes a plan by what the person says: remove, add, rename, another mode. What it does not understand it
//! says so, and keeps the plan.

use shared::plan::{Mode, PlannerAnswer, ProposedTask, Verdict};

use super::directive;
use super::planner;
use super::words::{capitalised, has_word, one_line};

/// The plan as it should be after these words.
pub fn revise(plan: &PlannerAnswer, words: &str) -> PlannerAnswer {
    let said = directive::stripped(words);
    let mut tasks = plan.tasks.clone();
    let mut done = Vec::new();
    for sentence in sentences(&said) {
        done.extend(change(&mut tasks, &sentence));
    }
    if done.is_empty() {
        let reply = if said.ends_with('?') {
            format!(
                "I am the demo agent and follow plain words only. The plan stands as it is.\n\n{}",
                planner::describe(&tasks)
            )
        } else {
            format!(
                "I did not understand “{}”. I follow words such as *remove the docs*, *add a changelog*, \
                *rename tests to checks*, *do the design with me*. The plan stays as it was.",
                one_line(&said)
            )
        };
        return PlannerAnswer { decision: Verdict::Plan, reply, tasks };
    }
    planner::fit(&mut tasks, &said);
    let reply = format!("{}\n\n{}", done.join("\n"), planner::describe(&tasks));
    PlannerAnswer { decision: Verdict::Plan, reply, tasks }
}

/// The words in pieces that each say one thing: by line, full stop, and "and" before another order.
fn sentences(words: &str) -> Vec<String> {
    const ORDERS: [&str; 8] = ["add ", "remove ", "drop ", "delete ", "rename ", "make ", "do ", "skip "];
    let mut sentences = Vec::new();
    for line in words.split(['\n', ';', '.', '!']) {
        let mut sentence = String::new();
        for part in line.split(" and ") {
            let order = ORDERS.iter().any(|order| part.to_lowercase().starts_with(order));
            if order && !sentence.is_empty() {
                sentences.push(std::mem::take(&mut sentence));
            }
            if !sentence.is_empty() {
                sentence.push_str(" and ");
            }
            sentence.push_str(part);
        }
        sentences.push(sentence);
    }
    let each = sentences.iter().map(|sentence| sentence.trim().trim_end_matches(',').to_owned());
    each.filter(|sentence| !sentence.is_empty()).collect()
}

/// One sentence; says what it changed.
fn change(tasks: &mut Vec<ProposedTask>, sentence: &str) -> Option<String> {
    let lower = sentence.to_lowercase();
    if let Some((from, to)) = after(sentence, &["rename "]).and_then(|rest| rest.split_once(" to ")) {
        let found = find(tasks, from)?;
        let title = capitalised(to.trim_matches(['"', '“', '”', '\'', ' ']));
        let line = format!("- Renamed “{}” to “{title}”.", tasks[found].title);
        tasks[found].title = title;
        return Some(line);
    }
    if let Some(rest) =
        after(sentence, &["remove ", "drop ", "delete ", "without ", "skip ", "no need for ", "leave out "])
    {
        let found = find(tasks, rest)?;
        return Some(remove(tasks, found));
    }
    let mode = [
        ("myself", Mode::Manual),
        ("with me", Mode::Interactive),
        ("interactive", Mode::Interactive),
        ("a say in", Mode::Interactive),
        ("hybrid", Mode::Hybrid),
        ("ask me", Mode::Hybrid),
        ("autonomous", Mode::Autonomous),
        ("alone", Mode::Autonomous),
    ];
    if let Some((_, mode)) = mode.into_iter().find(|(words, _)| has_word(&lower, words)) {
        let found = find(tasks, sentence)?;
        tasks[found].mode = mode;
        let how = match mode {
            Mode::Autonomous => "runs alone",
            Mode::Hybrid => "may ask you",
            Mode::Interactive => "is done with you",
            Mode::Manual => "is done by you",
        };
        return Some(format!("- “{}” {how} now.", tasks[found].title));
    }
    let what = after(sentence, &["add a task to ", "add a task for ", "add ", "also ", "include "])?;
    let what = ["an ", "a ", "the "].iter().find_map(|article| what.strip_prefix(article)).unwrap_or(what);
    let mut new = planner::task(what, &capitalised(what));
    let mut n = 2;
    let stem = new.key.clone();
    while tasks.iter().any(|task| task.key == new.key) {
        new.key = format!("{stem}-{n}");
        n += 1;
    }
    let line = format!("- Added “{}”.", new.title);
    // Before a last task that checks everything, which then waits for it too.
    let last = tasks.iter().position(|task| task.key == "check" || task.key.starts_with("check-the"));
    let key = new.key.clone();
    match last {
        Some(last) => {
            tasks.insert(last, new);
            tasks[last + 1].after.push(key);
        }
        None => tasks.push(new),
    }
    Some(line)
}

/// Removes the task; what came after it comes after what it came after, and its parts go up.
fn remove(tasks: &mut Vec<ProposedTask>, found: usize) -> String {
    let gone = tasks.remove(found);
    for task in tasks.iter_mut() {
        if task.after.contains(&gone.key) {
            task.after.retain(|key| *key != gone.key);
            for key in &gone.after {
                if !task.after.contains(key) {
                    task.after.push(key.clone());
                }
            }
        }
        if task.parent == gone.key {
            task.parent.clone_from(&gone.parent);
        }
    }
    format!("- Removed “{}”.", gone.title)
}

/// What follows the first of these openings, wherever it stands in the sentence.
fn after<'a>(sentence: &'a str, openings: &[&str]) -> Option<&'a str> {
    let lower = sentence.to_ascii_lowercase();
    openings.iter().find_map(|opening| {
        let at = lower.find(opening)?;
        let word = at == 0 || lower[..at].ends_with(' ');
        word.then(|| sentence[at + opening.len()..].trim())
    })
}

/// The task that shares most words with these; keys count double.
fn find(tasks: &[ProposedTask], words: &str) -> Option<usize> {
    const IDLE: [&str; 14] = [
        "the", "and", "task", "tasks", "a", "an", "of", "me", "with", "make", "do", "write", "please",
        "build",
    ];
    let lower = words.to_lowercase();
    let telling: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() > 1 && !IDLE.contains(word))
        .collect();
    let score = |task: &ProposedTask| {
        let title = task.title.to_lowercase();
        let stem = |word: &str| word.trim_end_matches('s').to_owned();
        let shared =
            telling.iter().filter(|word| has_word(&title, word) || has_word(&title, &stem(word))).count();
        shared + 2 * telling.iter().filter(|word| task.key == **word || task.key == stem(word)).count()
    };
    let best = tasks.iter().enumerate().map(|(place, task)| (score(task), usize::MAX - place)).max()?;
    (best.0 > 0).then(|| usize::MAX - best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revised(words: &str) -> Vec<ProposedTask> {
        let plan = planner::plan("Build a todo app with an API, a page, tests and docs");
        revise(&plan, words).tasks
    }

    fn titles(tasks: &[ProposedTask]) -> Vec<&str> {
        tasks.iter().map(|task| task.title.as_str()).collect()
    }

    #[test]
    fn a_plan_follows_the_persons_words() {
        let tasks =
            revised("Please remove the docs and add a changelog. Rename tests to “Write property tests”");
        let titles = titles(&tasks);
        assert!(!titles.iter().any(|title| title.contains("documentation")), "{titles:?}");
        assert!(
            titles.contains(&"Prepare changelog") && titles.contains(&"Write property tests"),
            "{titles:?}"
        );
        let known = |key: &String| tasks.iter().any(|task| task.key == *key);
        assert!(tasks.iter().all(|task| task.after.iter().all(known)), "{tasks:?}");
        assert_eq!(
            tasks.iter().find(|task| task.key == "design").map(|task| task.mode),
            Some(Mode::Autonomous)
        );
        let tasks = revised("do the design with me");
        assert_eq!(
            tasks.iter().find(|task| task.key == "design").map(|task| task.mode),
            Some(Mode::Interactive)
        );
    }

    #[test]
    fn what_is_not_understood_changes_nothing() {
        let plan = planner::plan("Build a todo app with an API, a page, tests and docs");
        for words in ["blue", "remove the elephants", "why so many?"] {
            assert_eq!(revise(&plan, words).tasks, plan.tasks, "{words}");
        }
    }
}
