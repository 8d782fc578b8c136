//! The conductor in a world of its own: seeded agents that plan, work, ask, fail, lie and vanish, a person
//! who answers, retries, stops and edits. After each step the invariants hold, and every goal comes to rest.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::state::{Phase, Plan, Standing};
use conductor::status::{Kind as StatusKind, Waker, status};
use conductor::{State, apply, decide, next_deadline};
use serde_json::{Value, json};
use shared::agent::{AgentError, ErrorClass, HarnessId, TurnReport};
use shared::entry::{Actor, Body, Draft, Entry, Kind, Purpose};
use shared::id::{ClientId, MessageId, ProjectId, RunId, SessionId, TaskId};
use shared::plan::{Access, Mode, PlanEdit};
use shared::run::{Pipes, RunEnd};
use shared::unit::{Epoch, MicroUsd, Millis};

/// SplitMix64: small, seeded, the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

struct World {
    state: State,
    chance: Chance,
    now: Millis,
    log: Vec<String>,
    messages: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            state: State::default(),
            chance: Chance(seed),
            now: Millis(1_000),
            log: Vec::new(),
            messages: 0,
        };
        world.state.limits.parallel = u32::try_from(1 + world.chance.below(6)).unwrap();
        world.say(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
        let goal = Kind::GoalStated {
            task: goal(),
            text: "Do it".to_owned(),
            harness: HarnessId::Demo,
            access: Access::Edit,
        };
        world.say(goal);
        world
    }

    fn commit(&mut self, actor: Actor, draft: Draft) {
        let entry = Entry {
            seq: self.state.seq.next(),
            at: self.now,
            actor,
            project: draft.project,
            body: draft.body,
        };
        self.log.push(serde_json::to_string(&entry).unwrap());
        if let Some(Kind::RunRequested { task, purpose, .. }) = entry.body.known() {
            self.may_start(task, *purpose);
        }
        apply(&mut self.state, &entry);
        // What is repeated changes nothing.
        let before = self.state.clone();
        apply(&mut self.state, &entry);
        assert_eq!(before, self.state);
    }

    fn say(&mut self, kind: Kind) {
        let actor = Actor::Person { client: ClientId::new("c").unwrap() };
        self.commit(actor, Draft::new(Some(ProjectId::new("p").unwrap()), kind));
    }

    fn state_fact(&mut self, kind: Kind) {
        self.commit(Actor::Bridge, Draft { project: None, body: Body::Known(Box::new(kind)) });
    }

    /// Nothing starts before what it depends on is completed, and one turn at a time.
    fn may_start(&self, task: &TaskId, purpose: Purpose) {
        let task = self.state.task(task).unwrap();
        assert!(task.current.is_none(), "two turns of {} at once", task.title);
        if purpose == Purpose::Work && task.runs.is_empty() {
            for dep in &task.after {
                let dep = self.state.task(dep).unwrap();
                // One that is talked to again after it completed still has its result to give.
                let gone = matches!(dep.standing, Standing::Removed { .. });
                let ready = gone || dep.standing == Standing::Completed || dep.result.is_some();
                assert!(ready, "{} began before {}", task.title, dep.title);
            }
        }
    }

    /// Decides until nothing is left to decide.
    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 200, "decisions never end");
            let drafts = decide(&self.state, self.now);
            assert_eq!(drafts, decide(&self.state, self.now), "the same state decides the same");
            if drafts.is_empty() {
                break;
            }
            for draft in drafts {
                self.commit(Actor::Conductor { epoch: Epoch(1) }, draft);
            }
        }
        let active = conductor::rollup::active_runs(&self.state);
        assert!(active <= self.state.limits.parallel as usize, "{active} agents at once");
        for task in self.state.subtree(&goal()) {
            let status = status(&self.state, task);
            match status.waker() {
                Waker::Run => assert!(
                    self.state.subtree(&task.id).iter().any(|task| task.current.is_some()
                        || matches!(task.standing, Standing::Limited { .. } | Standing::Open)),
                    "{} waits for a run that is not there: {status:?}",
                    task.title
                ),
                Waker::Clock(at) => {
                    assert!(next_deadline(&self.state, Millis(0)).is_some_and(|(first, _)| first <= at))
                }
                Waker::Tasks(tasks) => assert!(!tasks.is_empty()),
                Waker::Person | Waker::Room | Waker::Nothing => {}
            }
        }
    }

    /// Something happens in the world; false when only a person could go on and has no wish left.
    fn step(&mut self) -> bool {
        let runs: Vec<RunId> = self
            .state
            .unread
            .iter()
            .filter(|run| self.state.run(run).is_some_and(|run| !run.is_read()))
            .cloned()
            .collect();
        if !runs.is_empty() && !self.chance.one_in(6) {
            let run = runs[self.chance.below(runs.len())].clone();
            self.progress(&run);
            return true;
        }
        if let Some((at, _)) = next_deadline(&self.state, Millis(0))
            && (runs.is_empty() || self.chance.one_in(3))
        {
            self.now = self.now.max(at);
            return true;
        }
        self.person() || !runs.is_empty()
    }

    fn progress(&mut self, id: &RunId) {
        self.now = self.now + Millis(self.chance.next() % 500);
        let run = self.state.run(id).unwrap().clone();
        match run.phase {
            Phase::Requested if self.chance.one_in(20) => {
                let end = RunEnd::NotFound { program: "demo".to_owned() };
                self.state_fact(Kind::RunEnded { run: id.clone(), end, lines: 0, pipes: Pipes::Closed });
            }
            Phase::Requested => self.state_fact(Kind::RunStarted { run: id.clone(), pid: 1, started: 1 }),
            Phase::Running { .. } => {
                let lost = self.chance.one_in(12);
                let end =
                    if lost { RunEnd::Lost { why: "killed".to_owned() } } else { RunEnd::Exited { code: 0 } };
                self.state_fact(Kind::RunEnded { run: id.clone(), end, lines: 0, pipes: Pipes::Closed });
            }
            Phase::Ended { ref end, .. } => {
                let report = self.report(&run, end);
                let kind = Kind::TurnRead { run: id.clone(), report };
                self.commit(Actor::Conductor { epoch: Epoch(1) }, Draft::new(None, kind));
            }
            Phase::Read { .. } => {}
        }
    }

    fn report(&mut self, run: &conductor::state::Run, end: &RunEnd) -> TurnReport {
        let error = |class| Some(AgentError { class, message: "it failed".to_owned(), until: None });
        let session = Some(SessionId::new(&format!("s-{}", run.id)).unwrap());
        let mut report = TurnReport { session, cost: Some(MicroUsd(10)), ..TurnReport::default() };
        match end {
            RunEnd::Lost { .. } => report.error = error(ErrorClass::Lost),
            RunEnd::NotFound { .. } => report.error = error(ErrorClass::Launch),
            _ => match self.chance.below(14) {
                0 => report.error = error(ErrorClass::CliCrash),
                1 => {
                    report.error = error(ErrorClass::RateLimit);
                    report.error.as_mut().unwrap().until = Some(self.now + Millis::from_secs(60));
                }
                2 => report.error = error(ErrorClass::SessionLost),
                3 => {}
                4 => report.final_text = "no JSON at all".to_owned(),
                _ => {
                    report.structured =
                        Some(if run.purpose == Purpose::Plan { self.plan() } else { self.answer() })
                }
            },
        }
        report
    }

    fn plan(&mut self) -> Value {
        let count = 3 + self.chance.below(10);
        let tasks: Vec<Value> = (0..count)
            .map(|n| {
                let after: Vec<String> = (0..n).filter(|_| self.chance.one_in(4)).map(|dep| format!("k{dep}")).collect();
                // Now and then a plan that cannot be.
                let after = if self.chance.one_in(60) { vec![format!("k{n}")] } else { after };
                let parent = if n > 2 && self.chance.one_in(4) { format!("k{}", self.chance.below(2)) } else { String::new() };
                let mode = ["autonomous", "hybrid", "interactive"][self.chance.below(3)];
                json!({"key": format!("k{n}"), "title": format!("Task {n}"), "objective": "Do", "after": after, "parent": parent, "mode": mode})
            })
            .collect();
        json!({"decision": "plan", "reply": "So", "tasks": tasks})
    }

    fn answer(&mut self) -> Value {
        let outcome = ["done", "done", "done", "question", "failed"][self.chance.below(5)];
        json!({"outcome": outcome, "summary": "What was done", "question": if outcome == "question" { "Which?" } else { "" }})
    }

    fn person(&mut self) -> bool {
        let tasks: Vec<TaskId> = self.state.subtree(&goal()).iter().map(|task| task.id.clone()).collect();
        let task = tasks[self.chance.below(tasks.len())].clone();
        let root = self.state.task(&goal()).unwrap();
        let (plan, version, over) = {
            let part = root.goal.as_ref().unwrap();
            (part.plan.clone(), part.version, root.is_over())
        };
        if over {
            return false;
        }
        match (plan, self.chance.below(12)) {
            (Plan::Proposed { .. }, 0..8) => self.say(Kind::PlanApproved { goal: goal(), version }),
            (Plan::Refused { .. }, _) => self.message(&goal()),
            (_, 0) => self.say(Kind::TaskStopped { task }),
            (_, 1..4) => self.say(Kind::TaskRetried { task }),
            (_, 4) => self.say(Kind::TaskAccepted { task }),
            (_, 5) => {
                let on = tasks[self.chance.below(tasks.len())].clone();
                self.say(Kind::PlanEdited { goal: goal(), edit: PlanEdit::AddDependency { task, on } });
            }
            (_, 6) => self.say(Kind::PlanEdited { goal: goal(), edit: PlanEdit::Remove { task } }),
            (_, 7) => {
                let parent = tasks[self.chance.below(tasks.len())].clone();
                self.say(Kind::PlanEdited { goal: goal(), edit: PlanEdit::Move { task, parent, index: 0 } });
            }
            (_, 8) => self.say(Kind::PlanEdited {
                goal: goal(),
                edit: PlanEdit::SetMode { task, mode: Mode::Autonomous },
            }),
            _ => self.message(&task),
        }
        true
    }

    fn message(&mut self, task: &TaskId) {
        self.messages += 1;
        let message = MessageId::new(&format!("m{}", self.messages)).unwrap();
        self.say(Kind::MessageSent { task: task.clone(), message, text: "Go on".to_owned() });
    }
}

fn goal() -> TaskId {
    TaskId::new("goal").unwrap()
}

/// Runs one world; gives its log and whether its goal came to an end within 3,000 steps.
fn run(seed: u64) -> (Vec<String>, State) {
    let mut world = World::new(seed);
    for _ in 0..3_000 {
        world.settle();
        if !world.step() {
            break;
        }
    }
    world.settle();
    (world.log, world.state)
}

#[test]
fn many_worlds_keep_the_invariants_and_come_to_rest() {
    let mut ended = 0;
    for seed in 0..400 {
        let (_, state) = run(seed);
        let root = state.task(&goal()).unwrap();
        let kind = status(&state, root).kind;
        // Whoever stopped short of the end waits for a person, and says so.
        ended += usize::from(root.is_over());
        assert!(root.is_over() || kind != StatusKind::Pending, "seed {seed}: {kind:?}");
    }
    assert!(ended > 380, "only {ended} of 400 goals ended");
}

#[test]
fn the_same_seed_gives_the_same_log() {
    assert_eq!(run(7).0, run(7).0);
}

#[test]
fn folding_the_log_again_gives_the_same_state() {
    for seed in 0..40 {
        let (log, live) = run(seed);
        let mut again = State { limits: live.limits.clone(), ..State::default() };
        for line in &log {
            apply(&mut again, &serde_json::from_str(line).unwrap());
        }
        assert_eq!(again, live, "seed {seed}");
    }
}
