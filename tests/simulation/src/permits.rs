//! What agents ask to be allowed, what a person says to that and by which rules. Its chances are its own, so that a world
//! without it is as it was.

use conductor::State;
use conductor::permission::waiting;
use conductor::state::Run;
use serde_json::json;
use shared::entry::Kind;
use shared::id::{ProjectId, RuleId, RunId};
use shared::permission::{Permit, Rule, Scope, What};
use shared::run::{Arg, RunSpec};

use crate::agent::Said;
use crate::chance::Chance;
use crate::ear::is_result;

/// What agents would run, and the commands that are in it; none where nobody can be sure.
pub const LINES: [(&str, &[&str]); 7] = [
    ("make test", &["make test"]),
    ("make test && rm x", &["make test", "rm x"]),
    ("echo \"$(rm x)\"", &["rm x", "echo"]),
    ("git push", &["git push"]),
    ("git status | echo", &["git status", "echo"]),
    ("A=1 make", &["A=1 make"]),
    ("for x in a; do rm x; done", &[]),
];

const RULES: [&str; 6] = ["make", "make test", "rm", "echo", "git", "git push"];

/// What a process asks, and how far it got with that.
#[derive(Debug, Clone, Default)]
pub struct Questions {
    /// By request: what it was answered.
    pub answers: Vec<(String, Permit)>,
}

impl Questions {
    /// Of a process that is ordered to ask: before its result it does so a few times, and may not wait for an answer.
    pub fn of(run: &RunId, spec: &RunSpec, lines: &mut Vec<Said>) -> Self {
        let asks = |arg: &Arg| matches!(arg, Arg::Text { text } if text == "stdio" || text == "ask");
        let before = lines.iter().position(|line| is_result(&line.text));
        if let Some(place) = before.filter(|_| spec.args.iter().any(asks)) {
            let mut chance = Chance::named(run.as_str(), 7);
            for n in (0..chance.below(4)).rev() {
                let (id, line) = (format!("{run}-q{n}"), LINES[chance.below(LINES.len())].0);
                if chance.one_in(6) {
                    let cancel = json!({"type": "control_cancel_request", "request_id": id});
                    lines.insert(place, Said::new(cancel, 1));
                }
                let request =
                    json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": line}});
                let line = json!({"type": "control_request", "request_id": id, "request": request});
                lines.insert(place, Said { asks: Some(id), ..Said::new(line, 1) });
            }
        }
        Self::default()
    }

    pub fn answer(&mut self, request: &str, permit: Permit) {
        self.answers.push((request.to_owned(), permit));
    }

    /// The request that it waits for with the line before `written`.
    pub fn waits<'a>(&self, lines: &'a [Said], written: usize) -> Option<&'a str> {
        let asked = lines[..written].last()?.asks.as_deref()?;
        let goes_on = lines.get(written).is_some_and(|line| line.text.contains("control_cancel_request"));
        (!goes_on && !self.answers.iter().any(|(answered, _)| answered == asked)).then_some(asked)
    }

    /// The most lines that it may have written after those: it stops behind a request.
    pub fn bound(&self, lines: &[Said], written: usize, most: usize) -> usize {
        let stop = |count: &usize| self.waits(lines, *count).is_some();
        (written + 1..=most).find(stop).unwrap_or(most)
    }
}

/// The person of a world whose agents ask.
#[derive(Debug)]
pub struct Permits {
    chance: Chance,
    /// Answers nothing, ever.
    silent: bool,
}

impl Permits {
    /// In one of four worlds.
    pub fn of(seed: u64) -> Option<Self> {
        let mut chance = Chance::new(seed ^ 0x00a5_c0de);
        let asks = chance.one_in(4);
        let silent = chance.one_in(4);
        asks.then_some(Self { chance, silent })
    }

    /// Something that comes to mind, looking at `seen`, which may be old: an answer to what waits, or did, or a rule.
    pub fn whim(&mut self, seen: &State) -> Option<Kind> {
        if !self.chance.one_in(2) {
            return None;
        }
        if self.chance.one_in(3) {
            return Some(self.rule(seen));
        }
        let asked =
            |run: &Run| run.asks.iter().map(|asked| (run.id.clone(), asked.ask.request.clone())).collect();
        let asked: Vec<(RunId, String)> =
            seen.runs.values().flat_map(|run| -> Vec<_> { asked(run) }).collect();
        let (run, request) = self.chance.pick(&asked).filter(|_| !self.silent)?.clone();
        Some(self.answer(run, request))
    }

    /// What helps an agent that waits.
    pub fn help(&mut self, state: &State) -> Option<Kind> {
        if self.silent {
            return None;
        }
        let (run, asked) = waiting(state).next()?;
        let (run, request) = (run.id.clone(), asked.ask.request.clone());
        Some(self.answer(run, request))
    }

    fn answer(&mut self, run: RunId, request: String) -> Kind {
        let permit = self.permit();
        Kind::PermissionAnswered { run, request, permit, word: "a word".to_owned() }
    }

    fn permit(&mut self) -> Permit {
        if self.chance.one_in(2) { Permit::Allow } else { Permit::Deny }
    }

    fn rule(&mut self, seen: &State) -> Kind {
        let rule =
            RuleId::new(&format!("rule{}", self.chance.below(6))).unwrap_or_else(|_| unreachable!("an id"));
        if self.chance.one_in(4) {
            return Kind::RuleRemoved { rule };
        }
        let tasks: Vec<_> = seen.tasks.keys().collect();
        let project = ProjectId::new(if self.chance.one_in(2) { "p" } else { "q" });
        let scope = match (self.chance.below(3), self.chance.pick(&tasks), project) {
            (0, Some(task), _) => Scope::Task { task: (*task).clone() },
            (1, _, Ok(project)) => Scope::Project { project },
            _ => Scope::Always,
        };
        let words = RULES[self.chance.below(RULES.len())].split(' ').map(str::to_owned).collect();
        let permit = self.permit();
        Kind::RuleSaved { rule: Rule { rule, permit, what: What::Commands { words }, scope } }
    }
}
