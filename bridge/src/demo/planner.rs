//! Plans a goal by plain rules: what is listed becomes tasks; what names parts of a program becomes a task for
//! each part between a design and a check; what is small is answered. It knows nothing beyond the words.

use std::collections::{BTreeMap, BTreeSet};

use shared::plan::{Mode, PlannerAnswer, ProposedCaps, ProposedTask, Verdict};
use shared::retry::RetryWish;
use shared::sizing::SizeWish;

use super::directive::{self, Directives};
use super::words::{capitalised, has_word, lower_first, one_line, slug, starts_with_verb, title_of};

const MOST: usize = 12;
const FEWEST: usize = 3;

/// Parts of a program: the words that name one, its key, its title, and how hard it is.
const PARTS: [(&[&str], &str, &str, SizeWish); 10] = [
    (
        &["database", "schema", "storage", "sql", "store"],
        "database",
        "Lay out the database",
        SizeWish::Standard,
    ),
    (
        &["api", "backend", "server", "endpoint", "endpoints", "service"],
        "api",
        "Build the API",
        SizeWish::Heavy,
    ),
    (&["auth", "login", "accounts", "authentication"], "auth", "Add the sign-in", SizeWish::Heavy),
    (
        &["ui", "frontend", "page", "website", "interface", "screen", "app"],
        "ui",
        "Build the user interface",
        SizeWish::Heavy,
    ),
    (&["cli", "command-line", "terminal"], "cli", "Write the command line", SizeWish::Standard),
    (&["script", "tool", "library", "parser", "game"], "core", "Write the core", SizeWish::Standard),
    (&["tests", "test", "testing"], "tests", "Write the tests", SizeWish::Standard),
    (
        &["docs", "documentation", "readme", "manual", "guide"],
        "docs",
        "Write the documentation",
        SizeWish::Light,
    ),
    (
        &["deploy", "deployment", "docker", "release", "ci"],
        "deploy",
        "Prepare the deployment",
        SizeWish::Standard,
    ),
    (&["refactor", "migrate", "port", "rewrite"], "change", "Make the change", SizeWish::Heavy),
];

/// The plan or the answer for this goal.
pub fn plan(goal: &str) -> PlannerAnswer {
    let directives = Directives::of(goal);
    let words = directive::stripped(goal);
    let small = directives.has("answer") || (is_small(&words) && !directives.has("plan"));
    let counted = directives.number("tasks");
    if counted.map_or(small, |count| count == 0) {
        return PlannerAnswer { decision: Verdict::Answer, reply: answer(&words), tasks: Vec::new() };
    }
    parts(goal)
}

/// The parts of a goal or a task, however small it is.
pub fn parts(objective: &str) -> PlannerAnswer {
    let directives = Directives::of(objective);
    let mut tasks = match directives.number("tasks") {
        Some(n) => numbered(usize::try_from(n).unwrap_or(MOST), directives.value("shape") == Some("chain")),
        None => split(&directive::stripped(objective)),
    };
    for (place, task) in tasks.iter_mut().enumerate() {
        task.objective.push_str(&directive::for_task(objective, place + 1));
    }
    let reply = describe(&tasks);
    PlannerAnswer { decision: Verdict::Plan, reply, tasks }
}

/// A task with what the words alone tell: mode, size, the file it will leave, a command where it is one.
pub fn task(title: &str, objective: &str) -> ProposedTask {
    let lower = objective.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| has_word(&lower, word));
    let mode = if any(&["myself", "by hand"]) {
        Mode::Manual
    } else if any(&["with me", "together with", "i want a say", "interview me", "let me"]) {
        Mode::Interactive
    } else if any(&["choose", "decide", "pick", "which", "either", "prefer", "ask me"]) {
        Mode::Hybrid
    } else {
        Mode::Autonomous
    };
    let size = if any(&["design", "architecture", "refactor", "migrate", "complex", "security"]) {
        SizeWish::Heavy
    } else if any(&["rename", "typo", "readme", "list", "note", "docs"]) {
        SizeWish::Light
    } else {
        SizeWish::Standard
    };
    let command = command_of(objective);
    let outputs = if command.is_empty() { vec![format!("demo/{}.md", slug(title))] } else { Vec::new() };
    ProposedTask {
        key: slug(title),
        title: title_of(title),
        objective: objective.to_owned(),
        mode,
        size,
        after: Vec::new(),
        parent: String::new(),
        inputs: Vec::new(),
        outputs,
        command,
        retry: RetryWish::Usual,
        checks: Vec::new(),
        agent: String::new(),
        reviewer: String::new(),
        caps: ProposedCaps::default(),
    }
}

/// "Run `…`" is a command and needs no agent.
fn command_of(objective: &str) -> String {
    let rest = objective.trim().strip_prefix("Run `").or_else(|| objective.trim().strip_prefix("run `"));
    let command = rest.and_then(|rest| rest.trim_end_matches('.').strip_suffix('`'));
    command.filter(|command| !command.contains('`')).unwrap_or_default().to_owned()
}

fn split(goal: &str) -> Vec<ProposedTask> {
    let (listed, in_order) = listed(goal);
    let (steps, in_order) = if listed.len() >= 2 { (listed, in_order) } else { (steps(goal), true) };
    let mut tasks = if steps.len() >= 2 {
        let mut tasks: Vec<ProposedTask> = steps.iter().map(|step| task(step, step)).collect();
        distinguish(&mut tasks);
        if in_order {
            chain(&mut tasks);
        }
        tasks
    } else {
        by_parts(goal)
    };
    let say = has_word(&goal.to_lowercase(), "i want a say") || has_word(&goal.to_lowercase(), "with me");
    if say
        && !tasks.iter().any(|task| task.mode == Mode::Interactive)
        && let Some(first) = tasks.first_mut()
    {
        first.mode = Mode::Interactive;
    }
    fit(&mut tasks, goal);
    tasks
}

/// Bulleted or numbered lines, and whether their order counts (numbers).
fn listed(goal: &str) -> (Vec<String>, bool) {
    let mut numbered = false;
    let bullet = |line: &str| {
        let line = line.trim();
        let item = ["- ", "* ", "• "].iter().find_map(|mark| line.strip_prefix(mark));
        let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let counted = (digits > 0)
            .then(|| line[digits..].strip_prefix(". ").or_else(|| line[digits..].strip_prefix(") ")))
            .flatten();
        (item.or(counted).map(|item| item.trim().to_owned()), counted.is_some())
    };
    let items = goal.lines().map(bullet).filter_map(|(item, counted)| {
        numbered |= counted && item.is_some();
        item.filter(|item| !item.is_empty())
    });
    (items.collect(), numbered)
}

/// Sentences and "then" clauses that begin with a verb.
fn steps(goal: &str) -> Vec<String> {
    let mut text = goal.replace('\n', ". ");
    for joint in [
        ", and then ",
        " and then ",
        ", then ",
        "; ",
        ". Then ",
        " and afterwards ",
        " and finally ",
        ", finally ",
    ] {
        text = text.replace(joint, ". ");
    }
    let pieces = text.split(". ").map(|piece| piece.trim().trim_end_matches('.').trim());
    pieces.filter(|piece| starts_with_verb(piece)).map(capitalised).collect()
}

/// Named parts of a program between a design and a check; or the steps of any work.
fn by_parts(goal: &str) -> Vec<ProposedTask> {
    let lower = goal.to_lowercase();
    let named: Vec<_> =
        PARTS.iter().filter(|(words, ..)| words.iter().any(|word| has_word(&lower, word))).collect();
    let mut tasks = Vec::new();
    let of_goal = format!("For the goal “{}”: ", one_line(goal));
    let choice =
        ["choose", "decide", "pick", "which", "prefer", "either"].iter().any(|word| has_word(&lower, word));
    if named.is_empty() {
        let steps = [
            (
                "gather",
                "Gather what is known",
                "collect what the folder and the goal already say",
                SizeWish::Light,
            ),
            ("draft", "Make a first version", "make a first whole version", SizeWish::Standard),
            (
                "check",
                "Check and finish it",
                "compare the first version with the goal and finish it",
                SizeWish::Standard,
            ),
        ];
        for (key, title, what, size) in steps {
            tasks.push(of_key(
                key,
                title,
                &format!("{of_goal}{what}. Done when a note says what came of it."),
                size,
            ));
        }
        chain(&mut tasks);
    } else {
        tasks.push(of_key("design", "Set out the design", &format!("{of_goal}write down the parts, what each does, and how they meet. Done when the others can begin from it."), SizeWish::Heavy));
        for (_, key, title, size) in named {
            let mut part = of_key(
                key,
                title,
                &format!(
                    "{of_goal}{}. Done when it fits the design and a note says how it is used.",
                    lower_first(title)
                ),
                *size,
            );
            part.after = if matches!(*key, "tests" | "docs" | "deploy") {
                Vec::new()
            } else {
                vec!["design".to_owned()]
            };
            tasks.push(part);
        }
        let made: Vec<String> =
            tasks.iter().filter(|task| !task.after.is_empty()).map(|task| task.key.clone()).collect();
        let made = if made.is_empty() { vec!["design".to_owned()] } else { made };
        for task in tasks.iter_mut().skip(1).filter(|task| task.after.is_empty()) {
            task.after.clone_from(&made);
        }
        let all = tasks.iter().skip(1).map(|task| task.key.clone()).collect();
        let mut check = of_key(
            "check",
            "Try the whole thing",
            &format!("{of_goal}go through everything that was made and say what works and what does not."),
            SizeWish::Standard,
        );
        check.after = all;
        tasks.push(check);
    }
    if choice && let Some(first) = tasks.first_mut() {
        first.mode = Mode::Hybrid;
    }
    tasks
}

fn of_key(key: &str, title: &str, objective: &str, size: SizeWish) -> ProposedTask {
    ProposedTask {
        key: key.to_owned(),
        mode: Mode::Autonomous,
        size,
        outputs: vec![format!("demo/{}.md", slug(title))],
        command: String::new(),
        ..task(title, objective)
    }
}

/// Brings a plan to 3 to 12 tasks: adds a look before and a check after, or joins what is too much.
pub fn fit(tasks: &mut Vec<ProposedTask>, goal: &str) {
    if tasks.len() > MOST {
        let rest = tasks.split_off(MOST - 1);
        let each: Vec<String> = rest.iter().map(|task| format!("- {}", task.objective)).collect();
        let mut last =
            task("Do the rest of the list", &format!("Do what is left of the list:\n{}", each.join("\n")));
        let kept = |key: &String| tasks.iter().any(|task| task.key == *key);
        last.after = rest.iter().flat_map(|task| task.after.clone()).filter(kept).collect();
        last.after.sort();
        last.after.dedup();
        tasks.push(last);
    }
    if tasks.len() < FEWEST {
        let mut check = task(
            "Check the result",
            &format!("For the goal “{}”: say what was done, what works and what does not.", one_line(goal)),
        );
        check.after = tasks.iter().map(|task| task.key.clone()).collect();
        tasks.push(check);
    }
    if tasks.len() < FEWEST {
        let look = task(
            "Look at what is there",
            &format!(
                "For the goal “{}”: look at the folder and note what the work can begin from.",
                one_line(goal)
            ),
        );
        for task in tasks.iter_mut().filter(|task| task.after.is_empty()) {
            task.after.push(look.key.clone());
        }
        tasks.insert(0, look);
    }
    distinguish(tasks);
}

/// Gives each task a key of its own; the first of several keeps it.
fn distinguish(tasks: &mut [ProposedTask]) {
    let mut taken = BTreeSet::new();
    let mut next: BTreeMap<String, u32> = BTreeMap::new();
    for task in tasks {
        while !taken.insert(task.key.clone()) {
            let stem =
                task.key.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-').to_owned();
            let n = next.entry(stem.clone()).or_insert(1);
            *n += 1;
            task.key = format!("{stem}-{n}");
        }
    }
}

fn chain(tasks: &mut [ProposedTask]) {
    for place in 1..tasks.len() {
        tasks[place].after = vec![tasks[place - 1].key.clone()];
    }
}

/// So many plain tasks, side by side or one after the other.
pub fn numbered(count: usize, chained: bool) -> Vec<ProposedTask> {
    let mut tasks: Vec<ProposedTask> =
        (1..=count).map(|n| task(&format!("Do part {n}"), &format!("Do part {n} of {count}."))).collect();
    if chained {
        chain(&mut tasks);
    }
    tasks
}

/// A question, a greeting, or a few words without work in them.
fn is_small(goal: &str) -> bool {
    let lower = goal.to_lowercase();
    let first = lower.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    let asks = goal.trim_end().ends_with('?')
        || ["what", "who", "when", "where", "why", "how", "is", "are", "does", "hello", "hi", "thanks"]
            .contains(&first);
    let work = starts_with_verb(goal) && goal.split_whitespace().count() >= 3;
    let one_line = listed(goal).0.len() < 2;
    one_line && (asks || (!work && by_words(&lower) == 0 && goal.split_whitespace().count() < 6))
}

fn by_words(lower: &str) -> usize {
    PARTS.iter().filter(|(words, ..)| words.iter().any(|word| has_word(lower, word))).count()
}

fn answer(goal: &str) -> String {
    format!(
        "I am the **demo agent**: I have no model, so I cannot know the answer to “{}”.\n\n\
        What I can show is how work is split. Try a goal such as:\n\n\
        - *Build a todo app with an API, a page, tests and docs*\n\
        - *Write a travel guide: - choose the cities - write a page for each - draw a map*\n",
        one_line(goal)
    )
}

/// The plan in words.
pub fn describe(tasks: &[ProposedTask]) -> String {
    let mut text = format!(
        "This splits into **{} tasks** (planned by the demo agent's rules, without a model):\n\n",
        tasks.len()
    );
    for (place, task) in tasks.iter().enumerate() {
        let after = if task.after.is_empty() {
            String::new()
        } else {
            format!(" — after {}", task.after.join(", "))
        };
        let mode = match task.mode {
            Mode::Autonomous => "",
            Mode::Hybrid => " *(may ask you)*",
            Mode::Interactive => " *(with you)*",
            Mode::Manual => " *(by you)*",
        };
        text.push_str(&format!("{}. **{}**{mode}{after}\n", place + 1, task.title));
    }
    text.push_str("\nChange what you like, then approve it.");
    text
}
