//! A log of ordinary work, and the folding of any log: read from JSON and applied, as a page does when it opens. The same
//! code runs natively and in a browser, for its rate and to compare what comes of it.

mod forest;

pub use forest::Forest;

use std::fmt::Write;

use conductor::{State, apply, decide};
use shared::agent::{AgentEvent, HarnessId, ToolOutcome, TurnReport};
use shared::entry::{Actor, Body, Entry, Kind, Outcome, Purpose};
use shared::id::{ClientId, ProjectId, RunId, TaskId};
use shared::plan::{Access, PlannedTask};
use shared::run::{Pipes, Program, RunEnd, RunSpec, Stdin};
use shared::unit::{Epoch, Millis, Seq};

/// Tasks of a goal.
const TASKS: u32 = 10;
/// Calls of tools in a task's turn; each is two entries.
const CALLS: u32 = 6;

/// At least `count` entries, each one line of JSON: goals of ten tasks that were planned, approved, worked on
/// with calls of tools, and completed.
pub fn log(count: usize) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for goal in 0.. {
        for kind in goal_of(&TaskId::new(&format!("goal-{goal}"))?) {
            lines.push(serde_json::to_string(&entry(lines.len() as u64 + 1, kind)?)?);
        }
        if lines.len() >= count {
            break;
        }
    }
    Ok(lines)
}

/// The entries of such lines.
pub fn read(lines: &[String]) -> serde_json::Result<Vec<Entry>> {
    lines.iter().map(|line| serde_json::from_str(line)).collect()
}

/// Applies all of them.
pub fn fold(entries: &[Entry]) -> State {
    let mut state = State::default();
    for entry in entries {
        apply(&mut state, entry);
    }
    state
}

/// A digest of the state after each entry of a log (lines of JSON) and of what is decided then, so that a native fold and
/// one in a browser can be compared: where two differ, the first entry that they differ at is known.
///
/// # Errors
/// A line is no entry.
pub fn digests(log: &str) -> serde_json::Result<Vec<String>> {
    let mut state = State::default();
    let lines = log.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let entry: Entry = serde_json::from_str(line)?;
            apply(&mut state, &entry);
            let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
            // Every field stands there, in an order that is always the same.
            let told = write!(hash, "{state:?} {:?}", decide(&state, entry.at));
            debug_assert!(told.is_ok(), "a sum takes everything");
            Ok(format!("{:016x}", hash.0))
        })
        .collect()
}

/// FNV-1a of what is written.
struct Fnv(u64);

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 = text
            .bytes()
            .fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Ok(())
    }
}

/// Goals of ten tasks each, at least `count` tasks in all, whose agents are all at work.
pub fn running(count: u32) -> anyhow::Result<State> {
    let mut state = State::default();
    for goal in 0..count.div_ceil(TASKS) {
        let goal = TaskId::new(&format!("goal-{goal}"))?;
        let planner = goal.run(1);
        let ends = |kind: &Kind| match kind {
            Kind::RunEnded { run, .. } | Kind::TurnRead { run, .. } => *run != planner,
            Kind::TaskSettled { .. } => true,
            _ => false,
        };
        for kind in goal_of(&goal).into_iter().filter(|kind| !ends(kind)) {
            let entry = entry(state.seq.0 + 1, kind)?;
            apply(&mut state, &entry);
        }
    }
    Ok(state)
}

fn entry(seq: u64, kind: Kind) -> anyhow::Result<Entry> {
    let actor = match kind.authority() {
        shared::entry::Authority::Person => Actor::Person { client: ClientId::new("page")? },
        shared::entry::Authority::Conductor => Actor::Conductor { epoch: Epoch(1) },
        shared::entry::Authority::Bridge => Actor::Bridge,
    };
    let project = Some(ProjectId::new("project")?);
    Ok(Entry { seq: Seq(seq), at: Millis(seq), actor, project, body: Body::Known(Box::new(kind)) })
}

fn goal_of(goal: &TaskId) -> Vec<Kind> {
    let text = "Add a shopping cart with its schema, its API and its tests".to_owned();
    let (harness, run) = (HarnessId::Demo, goal.run(1));
    let tasks = (1..=TASKS).map(|n| planned(goal, n)).collect();
    let mut kinds = vec![Kind::GoalStated { task: goal.clone(), text, harness, access: Access::Edit }];
    kinds.extend(turn(goal, &run, Purpose::Plan));
    let reply = "Ten tasks, most of them side by side.".to_owned();
    kinds.push(Kind::PlanProposed { goal: goal.clone(), run, version: 1, reply, tasks });
    kinds.push(Kind::PlanApproved { goal: goal.clone(), version: 1 });
    for n in 1..=TASKS {
        let task = goal.derived(n);
        let run = task.run(1);
        kinds.extend(turn(&task, &run, Purpose::Work));
        let summary = "The table and its migration are there, with a test for each rule.".to_owned();
        let (outputs, not_done) = (vec!["src/cart.rs".to_owned()], Vec::new());
        let outcome = Outcome::Completed { summary, outputs, not_done };
        kinds.push(Kind::TaskSettled { task, run: Some(run), outcome });
    }
    kinds
}

fn planned(goal: &TaskId, n: u32) -> PlannedTask {
    PlannedTask {
        key: format!("part-{n}"),
        after: if n.is_multiple_of(3) { vec![goal.derived(n - 1)] } else { Vec::new() },
        outputs: vec![format!("src/part{n}.rs")],
        ..PlannedTask::new(
            goal.derived(n),
            goal.clone(),
            format!("Write part {n}"),
            "Write this part and its tests, so that all of them pass.",
        )
    }
}

fn turn(task: &TaskId, run: &RunId, purpose: Purpose) -> Vec<Kind> {
    let prompt = "The task, its parent's summary and the results it builds on.".repeat(8);
    let spec =
        RunSpec { stdin: Stdin::Text { text: prompt }, ..RunSpec::new(Program::Own, "/home/dev/shop") };
    let (task, harness) = (task.clone(), HarnessId::Demo);
    let mut kinds = vec![
        Kind::RunRequested {
            run: run.clone(),
            task,
            purpose,
            harness,
            carries: Vec::new(),
            holds: None,
            model: None,
            spec,
        },
        Kind::RunStarted { run: run.clone(), pid: 4_000, started: 1_000 },
    ];
    for call in 0..CALLS {
        let (name, line) = (format!("call-{call}"), u64::from(call) * 2);
        let said = AgentEvent::ToolCall {
            call: name.clone(),
            tool: "Read".to_owned(),
            title: "src/cart.rs".to_owned(),
            input: serde_json::json!({"file_path": "src/cart.rs"}),
        };
        let result = AgentEvent::ToolResult {
            call: name,
            outcome: ToolOutcome::Succeeded,
            text: "A page of the file as it stands.".to_owned(),
        };
        kinds.push(Kind::AgentSpoke { run: run.clone(), line, event: said });
        kinds.push(Kind::AgentSpoke { run: run.clone(), line: line + 1, event: result });
    }
    kinds.push(Kind::RunEnded {
        run: run.clone(),
        end: RunEnd::Exited { code: 0 },
        lines: 40,
        pipes: Pipes::Closed,
        used: None,
    });
    kinds.push(Kind::TurnRead { run: run.clone(), report: TurnReport::default().into() });
    kinds
}

/// What the browser's side of the benchmark and of the journeys calls.
#[cfg(target_family = "wasm")]
mod page {
    use shared::entry::Entry;
    use wasm_bindgen::JsError;
    use wasm_bindgen::prelude::wasm_bindgen;

    /// As [`super::digests`].
    #[wasm_bindgen]
    pub fn digests(log: &str) -> Result<Vec<String>, JsError> {
        super::digests(log).map_err(|error| JsError::new(&error.to_string()))
    }

    /// The tree of ten thousand tasks.
    #[wasm_bindgen]
    pub struct Tree(crate::Forest);

    #[wasm_bindgen]
    impl Tree {
        #[wasm_bindgen(constructor)]
        pub fn new() -> Result<Tree, JsError> {
            crate::Forest::grow().map(Tree).map_err(|error| JsError::new(&error.to_string()))
        }

        pub fn len(&self) -> usize {
            self.0.len()
        }

        pub fn survey(&self) -> usize {
            self.0.survey()
        }

        pub fn decide(&self) -> usize {
            self.0.decide()
        }

        /// The log from this place on, as a JSON array of entries.
        pub fn log(&self, from: usize) -> Result<String, JsError> {
            let entries = self.0.log().get(from..).unwrap_or_default();
            serde_json::to_string(entries).map_err(|error| JsError::new(&error.to_string()))
        }

        /// Gives the number of entries that were taken in.
        pub fn step(&mut self) -> Result<usize, JsError> {
            self.0.step().map_err(|error| JsError::new(&error.to_string()))
        }
    }

    #[wasm_bindgen]
    pub struct Log {
        lines: Vec<String>,
        entries: Vec<Entry>,
    }

    #[wasm_bindgen]
    impl Log {
        /// A log of at least `count` entries.
        #[wasm_bindgen(constructor)]
        pub fn new(count: usize) -> Result<Log, JsError> {
            let lines = super::log(count).map_err(|error| JsError::new(&error.to_string()))?;
            Ok(Log { lines, entries: Vec::new() })
        }

        /// Reads all of it; gives the number of entries.
        pub fn read(&mut self) -> Result<usize, JsError> {
            self.entries = super::read(&self.lines).map_err(|error| JsError::new(&error.to_string()))?;
            Ok(self.entries.len())
        }

        /// Folds what was read; gives the number of entries.
        pub fn fold(&self) -> f64 {
            let state = super::fold(&self.entries);
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
            let folded = state.seq.0 as f64;
            folded
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_work_that_was_done() {
        let lines = log(1_000).expect("a log");
        let state = fold(&read(&lines).expect("entries"));
        assert_eq!(state.seq.0, lines.len() as u64);
        let task = state.task(&TaskId::new("goal-0~3").expect("an id")).expect("a task");
        assert_eq!(conductor::status::status(&state, task).kind, conductor::status::Kind::Completed);
    }

    #[test]
    fn a_digest_tells_states_and_decisions_apart() {
        let lines = log(60).expect("a log");
        let whole = digests(&lines.join("\n")).expect("digests");
        assert_eq!(whole.len(), lines.len());
        assert_eq!(whole, digests(&lines.join("\n")).expect("digests"));
        let other = lines.join("\n").replacen("Write part 3", "Write part 4", 1);
        let other = digests(&other).expect("digests");
        let differs = whole.iter().zip(&other).position(|(one, other)| one != other);
        let proposed = lines.iter().position(|line| line.contains("plan_proposed"));
        assert_eq!(differs, proposed);
        assert_ne!(whole.last(), other.last());
    }

    #[test]
    fn so_many_agents_are_at_work() {
        let state = running(25).expect("a state");
        let active = state.runs.values().filter(|run| run.is_active()).count();
        assert_eq!(active, 30, "in whole goals");
    }
}
