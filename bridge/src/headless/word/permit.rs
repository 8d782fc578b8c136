//! A person's answer to what an agent asks to be allowed.

use conductor::permission::{Asked, Reply, TooLate, reply, suggested};
use conductor::plan::name;
use conductor::state::{Run, State, Task};
use conductor::words;
use shared::entry::Kind;
use shared::id::RuleId;
use shared::permission::{Permit, Rule, WORD};

use super::Unsaid;
use crate::headless::rules::Reach;
use crate::headless::statement::drawn;

/// The answer to a request of the task's runs, and the rule that is saved with it.
pub(super) fn answer(
    state: &State,
    task: &Task,
    permit: Permit,
    request: Option<String>,
    word: String,
    rule: Option<Reach>,
) -> Result<Vec<Kind>, Unsaid> {
    let of_task = task.runs.iter().rev().filter_map(|run| state.run(run));
    let mut asked = of_task.flat_map(|run| run.asks.iter().map(move |asked| (run, asked)));
    let found = match &request {
        Some(request) => asked.find(|(_, asked)| asked.ask.request == *request),
        None => state.current(task).and_then(|run| Some((run, run.asks_now()?))),
    };
    if let (None, Some((run, _))) = (&request, &found) {
        only(run)?;
    }
    let none = || match request {
        Some(_) => TooLate::Unknown.to_string(),
        None => format!("{} asks nothing now. `orchestrator rules` lists what waits", name(task)),
    };
    let (run, asked) = found.ok_or_else(|| Unsaid(none()))?;
    if word.len() > WORD {
        return Err(Unsaid(format!("a word to an agent has {WORD} bytes at most; shorten it")));
    }
    let said =
        reply(state, &run.id, &asked.ask.request, permit, word).map_err(|late| Unsaid(late.to_string()))?;
    let saved = |reach: Reach| -> Result<Kind, Unsaid> {
        let what = suggested(state, run, &asked.ask);
        let none = || Unsaid(format!("{}: `orchestrator rules save`", words::ONCE));
        let rule =
            Rule { rule: drawn(RuleId::new), permit, what: what.ok_or_else(none)?, scope: reach.scope(task) };
        Ok(Kind::RuleSaved { rule })
    };
    let rule = rule.map(saved).transpose()?;
    Ok([said].into_iter().chain(rule).collect())
}

/// Nobody answers a request that came while they read another.
fn only(run: &Run) -> Result<(), Unsaid> {
    let waiting: Vec<&Asked> = run.asks.iter().filter(|asked| asked.reply == Reply::None).collect();
    if waiting.len() < 2 {
        return Ok(());
    }
    let named = waiting.iter().map(|asked| format!("\n  {}  {}", asked.ask.request, words::deed(&asked.ask)));
    let all: String = named.collect();
    Err(Unsaid(format!(
        "{} requests wait; say which one is meant (--request ID, or \"request\"):{all}",
        waiting.len()
    )))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use conductor::{apply, decide};
    use shared::agent::{AgentEvent, HarnessId};
    use shared::entry::{Actor, Body, Entry};
    use shared::id::{ClientId, ProjectId, TaskId};
    use shared::permission::{Ask, Deed, Scope};
    use shared::plan::{Access, PlannedTask, Size};
    use shared::unit::Millis;

    use super::*;

    fn say(state: &mut State, kind: Kind) {
        let (seq, project) = (state.seq.next(), Some(ProjectId::new("p").unwrap()));
        let actor = Actor::Person { client: ClientId::new("c").unwrap() };
        apply(state, &Entry { seq, at: Millis(1), actor, project, body: Body::Known(Box::new(kind)) });
    }

    /// A task whose agent asks for these lines, as q0, q1, …
    fn asking(lines: &[&str]) -> (State, TaskId) {
        let mut state = State::default();
        let (goal, id, harness) =
            (TaskId::new("goal").unwrap(), TaskId::new("a").unwrap(), HarnessId::Claude);
        say(&mut state, Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
        let (text, access) = ("Do it".to_owned(), Access::Ask);
        say(&mut state, Kind::GoalStated { task: goal.clone(), text, harness, access });
        let part = |name: &str| PlannedTask {
            size: Some(Size::Light),
            ..PlannedTask::new(TaskId::new(name).unwrap(), goal.clone(), name, "Do it")
        };
        let (reply, tasks) = ("So".to_owned(), ["a", "b", "c"].map(part).to_vec());
        say(&mut state, Kind::PlanGiven { goal: goal.clone(), reply, tasks });
        say(&mut state, Kind::PlanApproved { goal: goal.clone(), version: 1 });
        loop {
            let drafts = decide(&state, Millis(1));
            if drafts.is_empty() {
                break;
            }
            drafts.iter().for_each(|draft| say(&mut state, draft.body.known().unwrap().clone()));
        }
        let run = id.run(1);
        say(&mut state, Kind::RunStarted { run: run.clone(), pid: 1, started: 1 });
        for (n, line) in lines.iter().enumerate() {
            let (deed, tool) = (Deed::Command { line: (*line).to_owned() }, "Bash".to_owned());
            let event = AgentEvent::PermissionAsked {
                ask: Ask { request: format!("q{n}"), call: String::new(), tool, deed },
            };
            say(&mut state, Kind::AgentSpoke { run: run.clone(), line: 1, event });
        }
        (state, id)
    }

    /// What is answered, and the rule; or why not.
    fn answered(
        lines: &[&str],
        request: Option<&str>,
        rule: bool,
    ) -> Result<(String, Option<String>), String> {
        let (state, task) = asking(lines);
        let (request, rule) = (request.map(str::to_owned), rule.then_some(Reach::Always));
        let task = state.task(&task).unwrap();
        let kinds = answer(&state, task, Permit::Allow, request, String::new(), rule)
            .map_err(|unsaid| unsaid.to_string())?;
        match &kinds[..] {
            [Kind::PermissionAnswered { request, .. }] => Ok((request.clone(), None)),
            [Kind::PermissionAnswered { request, .. }, Kind::RuleSaved { rule }] => {
                assert_eq!(rule.scope, Scope::Always);
                Ok((request.clone(), Some(rule.what.to_string())))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn of_several_requests_the_one_that_is_named_is_answered() {
        assert_eq!(answered(&["make"], None, false), Ok(("q0".to_owned(), None)));
        let both = ["make", "rm x\nrm y"];
        assert_eq!(
            answered(&both, None, false).unwrap_err(),
            "2 requests wait; say which one is meant (--request ID, or \"request\"):\n  q0  run make\n  q1  run rm x and 1 more line"
        );
        assert_eq!(answered(&both, Some("q1"), false), Ok(("q1".to_owned(), None)));
        assert_eq!(answered(&both, Some("q2"), false).unwrap_err(), "there is no such request");
        assert!(answered(&[], None, false).unwrap_err().contains("asks nothing now"));
    }

    #[test]
    fn nothing_is_answered_where_the_rule_cannot_be_saved() {
        let saved = Some("commands cargo test".to_owned());
        assert_eq!(answered(&["cargo test -v"], None, true), Ok(("q0".to_owned(), saved)));
        for line in ["for x in a; do rm x; done", "A=1", "sh -c \"$X\""] {
            assert!(answered(&[line], None, true).unwrap_err().contains("Answer it once"), "{line}");
        }
    }
}
