//! What must never be, checked at each entry before and after it is folded. It keeps its own books from
//! the log and from what the processes really did, and asks the conductor for nothing but facts.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use conductor::State;
use conductor::planning::Planning;
use conductor::state::{Standing, Task};
use shared::agent::{AgentEvent, HarnessId, Progress};
use shared::context::Charter;
use shared::entry::{Actor, Authority, Entry, Kind, Outcome};
use shared::id::{MessageId, RunId, SessionId, TaskId};
use shared::plan::{PlanEdit, PlannedTask, Size};
use shared::unit::{Epoch, MicroUsd, Millis, Seq};

use crate::process::Process;

mod answered;
mod bounds;
mod caps;
mod feed;
mod hand;
mod money;
mod order;
mod outage;
mod permit;
mod persona;
mod planned;
mod proof;
mod requeue;
mod result;
mod reuse;
mod reviewer;
mod rounds;
mod said;
mod sizing;
mod steer;
mod terminal;
mod told;

pub use persona::LIKE;
pub(crate) use reviewer::{reviewing, worker};

type Processes = BTreeMap<RunId, Process>;
/// A model by the name that it was ordered by.
type Model = (HarnessId, Option<String>);

#[derive(Debug, Default)]
pub struct Watch {
    last: Seq,
    at: Millis,
    /// The latest that any clock of this world has shown.
    pub latest: Millis,
    epoch: Epoch,
    /// The newest entry that whoever decides now knows of.
    pub seen: Seq,
    /// When the disk was measured last.
    measured: Seq,
    /// When a run ended last.
    freed: Seq,
    /// What each task has used.
    used: BTreeMap<TaskId, caps::Used>,
    /// What each run said last that it has come to.
    told: BTreeMap<RunId, Progress>,
    /// What the task was a part of that a person puts somewhere.
    place: Option<TaskId>,
    /// The one run of each task that is ordered and not judged (P24).
    open: BTreeMap<TaskId, RunId>,
    ended: BTreeSet<RunId>,
    read: BTreeSet<RunId>,
    judged: BTreeSet<RunId>,
    signalled: BTreeSet<RunId>,
    /// Facts by run and line.
    heard: BTreeMap<RunId, BTreeMap<u64, u32>>,
    /// What persons wrote and no turn has carried.
    unsaid: BTreeMap<MessageId, (TaskId, String)>,
    carried: BTreeSet<MessageId>,
    /// What a person would have the turn that runs read.
    urged: BTreeSet<MessageId>,
    /// What a run was told and has not read, with its task and words.
    telling: BTreeMap<MessageId, (RunId, TaskId, String)>,
    /// The session that a task's next turn goes on with (P4).
    sessions: BTreeMap<TaskId, (HarnessId, SessionId)>,
    /// The guidelines that each task began with; it never gets others.
    wordings: BTreeMap<TaskId, String>,
    /// The rules of each goal.
    charters: BTreeMap<TaskId, Charter>,
    /// The project's memory, and how often it became another.
    memory: String,
    memories: u32,
    /// Which of them was the last when each run was ordered, and when each task's session last heard anything.
    ordered: BTreeMap<RunId, u32>,
    remembers: BTreeMap<TaskId, u32>,
    /// Runs whose words say that something was cut, until the log says it too.
    trimmed: BTreeMap<RunId, String>,
    /// Runs that review in the place of who was chosen, until the log says why.
    replaced: BTreeSet<RunId>,
    /// What a person stopped and has not asked for since (P15).
    stopped: BTreeSet<TaskId>,
    /// Times in a row that a task was put off without anybody asked.
    put_off: BTreeMap<TaskId, u32>,
    /// Times in a row that it was begun anew without anybody asked.
    tried: BTreeMap<TaskId, u32>,
    /// For when it was put off or begun anew since the person had a say or it came through.
    helped: BTreeMap<TaskId, Vec<Millis>>,
    /// Who does its work in the place of another since it was asked for last.
    instead: BTreeSet<TaskId>,
    /// What a look at a failure brought, for the attempt that follows.
    found: BTreeMap<TaskId, String>,
    /// Failures of an agent in a row, and when the last of its runs failed.
    rows: BTreeMap<HarnessId, (u32, Millis)>,
    /// Until when a model has reached its limit, as far as that was told.
    reached: BTreeMap<Model, Option<Millis>>,
    /// What each run was given from the budgets.
    held: BTreeMap<RunId, MicroUsd>,
    /// What runs are thought to have cost.
    money: money::Books,
    /// Runs that were ended because a budget was used up.
    overdrawn: BTreeSet<RunId>,
    /// Spent since a person said anything.
    unattended: MicroUsd,
    versions: BTreeMap<TaskId, u32>,
    /// Sessions of reviewers; nobody goes on with one.
    reviewers: BTreeSet<String>,
    /// What was shown of each task since its last work.
    shown: BTreeMap<TaskId, proof::Shown>,
    /// Tasks whose folder was looked at before they began.
    bases: BTreeSet<TaskId>,
    /// Answers in a row that were no plan.
    refused: BTreeMap<TaskId, u32>,
    /// What was below a task before it was planned.
    formers: BTreeMap<TaskId, planned::Former>,
    /// What the person put below a goal since it was last to be planned again.
    added: BTreeMap<TaskId, BTreeSet<TaskId>>,
    /// Tasks that the person would not have split.
    whole: BTreeSet<TaskId>,
    before: planned::Before,
    /// The size that was chosen for each task, if one was.
    sizes: BTreeMap<TaskId, Option<Size>>,
    /// Tasks whose size a model was asked for.
    asked: BTreeSet<TaskId>,
    /// Where each task works that has begun.
    folders: BTreeMap<TaskId, String>,
    requeues: requeue::Requeues,
    words: said::Words,
    questions: answered::Questions,
    permits: permit::Permits,
    /// Repairs in a row without a word of the person.
    repairs: BTreeMap<TaskId, u32>,
    reuse: reuse::Known,
    rounds: rounds::Rounds,
    /// Tasks whose terminal the person wants and has not got.
    wanted: BTreeSet<TaskId>,
    /// Terminals that the person ended.
    closed: BTreeSet<RunId>,
    /// Those whose end decides their task.
    deciding: BTreeSet<RunId>,
    /// The task whose terminal was read by the last entry, and how it stood.
    left: Option<(TaskId, Standing)>,
}

impl Watch {
    /// Before `entry` is folded into `state`.
    ///
    /// # Errors
    /// It must not be.
    pub fn before(&mut self, state: &State, entry: &Entry, processes: &Processes) -> Result<()> {
        let Some(kind) = entry.body.known() else { return Ok(()) };
        self.check(state, entry, kind, processes)
            .with_context(|| format!("entry {}: {}", entry.seq, shown(kind)))
    }

    fn check(&mut self, state: &State, entry: &Entry, kind: &Kind, processes: &Processes) -> Result<()> {
        ensure!(entry.seq == self.last.next(), "the log has a gap");
        ensure!(entry.at >= self.at, "the log's time goes back");
        (self.last, self.at) = (entry.seq, entry.at);
        if kind.authority() == Authority::Person {
            self.unattended = MicroUsd(0);
        }
        if let Actor::Conductor { epoch } = entry.actor {
            ensure!(epoch == self.epoch, "decided under an old epoch");
        }
        self.plans(state, kind);
        self.note_answer(state, kind);
        self.terminal_wish(state, kind);
        if let Kind::PlanEdited { edit, .. } = kind {
            self.note_place(state, edit);
        }
        if !self.is_for_its_agent(state, &entry.actor, kind) {
            return Ok(());
        }
        match kind {
            Kind::BatonGranted { epoch, .. } => {
                ensure!(*epoch > self.epoch, "an epoch that does not rise");
                self.epoch = *epoch;
            }
            Kind::RunRequested { run, .. } => {
                self.order(state, kind)?;
                self.ordered.insert(run.clone(), self.memories);
                self.reuse.order(kind);
            }
            Kind::ReviewerReplaced { run, task, why } => self.replace(state, run, task, why)?,
            Kind::RunTrimmed { run, task, cuts } => self.trim(state, run, task, cuts)?,
            Kind::RunStarted { run, .. } => self.settle_down(state, run)?,
            Kind::RunEnded { run, .. } => {
                ensure!(self.ended.insert(run.clone()), "ended twice");
                self.freed = entry.seq;
                self.reuse.end(processes.get(run));
            }
            Kind::AfterTaken { task, run, print } => self.take_after(task, run, print, processes)?,
            Kind::ResultReused { task, from, summary, .. } => {
                self.reused(state, task, from, summary, processes)?;
            }
            Kind::SignalSent { run, budget, .. } => self.signal(state, run, budget.as_ref())?,
            Kind::InputSent { run, text, answers: Some(answer), .. } => {
                self.answer(state, run, text, answer, processes)?;
            }
            Kind::InputSent { run, text, message, .. } => self.tell(state, run, text, message.as_ref())?,
            Kind::PermissionAnswered { .. } | Kind::RuleSaved { .. } | Kind::RuleRemoved { .. } => {
                self.permit_wish(kind);
            }
            Kind::InputClosed { run } => self.close(run, processes)?,
            Kind::MessageUrged { message, .. } => drop(self.urged.insert(message.clone())),
            Kind::AgentSpoke { run, event: AgentEvent::Told { message }, line } => {
                self.hear(state, run, *line, &AgentEvent::Told { message: message.clone() })?;
                self.has_read(run, message, processes)?;
            }
            Kind::AgentSpoke { run, line, event } => {
                self.hear(state, run, *line, event)?;
                match event {
                    AgentEvent::PermissionAsked { ask } => self.asked(run, ask)?,
                    AgentEvent::PermissionWithdrawn { request } => self.withdraws(run, request),
                    _ => {}
                }
            }
            Kind::TurnRead { run, report } => {
                let process = processes.get(run).context("a run that never was")?;
                self.turn(state, run, report, process)?;
                self.leave_terminal(state, process);
                self.take_back(run, process)?;
            }
            Kind::TaskSized { task, run, size, .. } => {
                self.sized(state, task, run.as_ref(), *size, processes)?;
            }
            Kind::TaskSettled { task, run, outcome } => {
                if let Outcome::Completed { .. } = outcome {
                    self.note_done(state, task);
                }
                self.settle(state, task, run.as_ref(), outcome, processes)?;
            }
            Kind::PlanProposed { goal, run, version, tasks, .. } => {
                self.propose(state, goal, run, *version, processes)?;
                self.check_width(state, goal, tasks)?;
                self.requeues.close(goal);
                self.choose(tasks);
                if let Some(owner) = state.task(goal).filter(|task| task.is_goal()) {
                    // What has begun stays, also where the plan says nothing of it.
                    if !self.is_again(owner) {
                        result::check_order(goal, tasks)?;
                    }
                    feed::check_feeds(tasks)?;
                }
            }
            Kind::WorkClaimed { task, run, summary, .. } => {
                self.claim(state, task, run, summary, processes)?
            }
            Kind::BaseTaken { task, run, .. } => self.take_base(task, run, processes)?,
            Kind::TaskChecked { task, run, check, problem } => {
                self.check_made(state, task, run, check, problem.as_deref(), processes)?;
            }
            Kind::TaskReviewed { task, run, findings, .. } => {
                self.reviewed(task, run, findings, processes)?;
            }
            Kind::TaskCommitted { task, run, outcome } => self.committed(task, run, outcome, processes)?,
            Kind::PlanAdopted { goal, version } => {
                let owner = state.task(goal).context("a task that never was")?;
                let adopts = state.goal_of(owner).is_some_and(|goal| goal.preset.approves());
                let latest = owner.planning.as_ref().is_some_and(|planning| planning.version == *version);
                ensure!(adopts && latest, "nobody said that this plan is carried out unasked");
                self.wish(state, kind);
            }
            Kind::PlanRefused { goal, run, .. } => self.refuse(state, goal, run, processes)?,
            Kind::DiskMeasured { .. } | Kind::MemoryMeasured { .. } => self.measured = entry.seq,
            _ => self.wish(state, kind),
        }
        Ok(())
    }

    /// A person's intents, as far as later entries must respect them.
    fn wish(&mut self, state: &State, kind: &Kind) {
        match kind {
            Kind::MemorySet { text } => {
                self.memories += u32::from(self.memory != *text);
                self.memory.clone_from(text);
            }
            Kind::MessageSent { task, message, text, .. } => {
                self.unsaid.insert(message.clone(), (task.clone(), text.clone()));
                self.requeues.say(task, message, text);
                self.afresh(task);
                self.refused.remove(task);
                self.stopped.remove(task);
            }
            Kind::TaskAccepted { task, .. } => self.note_done(state, task),
            Kind::TaskResumed { task } => {
                let asleep =
                    |task: &Task| task.current.is_none() && matches!(task.standing, Standing::Limited { .. });
                if state.task(task).is_some_and(asleep) {
                    self.afresh(task);
                }
            }
            Kind::MessageWithdrawn { message, .. } => {
                self.unsaid.remove(message);
            }
            // The person's own plan is the first.
            Kind::PlanGiven { goal, tasks, .. } => {
                self.versions.entry(goal.clone()).or_insert(1);
                self.choose(tasks);
            }
            Kind::TaskStopped { task } | Kind::GoalClosed { goal: task } => {
                let closes = matches!(kind, Kind::GoalClosed { .. });
                let first = |task: &Task| planned::is_open(task) && !self.is_again(task);
                let sums_up = closes && !state.task(task).is_some_and(first);
                if sums_up {
                    // A sum is what they ask for now, also of what they stopped before.
                    self.stopped.remove(task);
                }
                // What is done is stopped where it would be done anew.
                let over = |below: &Task| below.is_over() && !rounds::is_round(below);
                let live = |below: &&Task| !(over(below) || sums_up && below.id == *task);
                let below = state.subtree(task).into_iter().filter(live).map(|task| task.id.clone());
                self.stopped.extend(below);
                // Nor does what an open plan took out, should a no bring it back.
                if !closes {
                    self.stopped.extend(self.away(state, task));
                }
                let halted = |below: &&Task| !(sums_up && below.id == *task);
                state.subtree(task).into_iter().filter(halted).for_each(|task| self.requeues.stop(&task.id));
            }
            Kind::TaskRequeued { task } => self.requeue(state, task),
            Kind::TaskRetried { task } => {
                self.reopened(state, task);
                for below in state.subtree(task) {
                    self.stopped.remove(&below.id);
                    if below.current.is_none() && is_again(below, task) {
                        self.afresh(&below.id);
                        self.instead.remove(&below.id);
                        self.found.remove(&below.id);
                        self.repairs.remove(&below.id);
                        self.refused.remove(&below.id);
                        self.sessions.remove(&below.id);
                    }
                }
            }
            Kind::PlanApproved { goal, version } | Kind::PlanAdopted { goal, version } => {
                let root = state.task(goal).and_then(|task| task.planning.as_ref());
                let on_the_table =
                    |planning: &Planning| planning.version == *version && planning.is_proposed();
                if !root.is_some_and(on_the_table) {
                    return;
                }
                // What is approved is asked for, whatever was stopped before.
                for below in state.subtree(goal) {
                    self.stopped.remove(&below.id);
                }
                self.dismiss(goal);
            }
            Kind::PlanEdited { edit: PlanEdit::SetHarness { task, .. }, .. } => {
                self.instead.remove(task);
            }
            Kind::PlanEdited { edit: PlanEdit::SetCaps { task, .. }, .. } => {
                self.put_off.remove(task);
                self.helped.remove(task);
            }
            Kind::PlanEdited { goal, edit: PlanEdit::SetCharter { task, charter } } if goal == task => {
                self.charters.insert(goal.clone(), charter.clone());
            }
            // What went with its parent stays away as long as that does.
            Kind::PlanEdited { edit: PlanEdit::Restore { task }, .. } if !is_below_removed(state, task) => {
                for below in state.subtree(task) {
                    self.stopped.remove(&below.id);
                }
                self.reopened(state, task);
            }
            Kind::PlanEdited { edit: PlanEdit::Clone { task, .. }, .. } => {
                self.reopened(state, task);
            }
            Kind::PlanEdited { edit: PlanEdit::Add { planned: PlannedTask { parent, .. }, .. }, .. }
            | Kind::PlanEdited { edit: PlanEdit::Move { parent, .. }, .. } => {
                self.stopped.remove(parent);
                self.reopened(state, parent);
            }
            _ => {}
        }
    }

    /// What is above a task that is wished for again is not over.
    fn reopened(&mut self, state: &State, task: &TaskId) {
        for above in state.task(task).into_iter().flat_map(|task| state.ancestors(task)) {
            self.stopped.remove(&above.id);
        }
    }

    /// One fact of one line: each is in the log once, whoever read it (P1, P17).
    fn hear(&mut self, state: &State, run: &RunId, line: u64, event: &AgentEvent) -> Result<()> {
        ensure!(!self.read.contains(run), "said after its end");
        // How far it is follows from several lines, and is told where a cap is to be seen coming.
        if let AgentEvent::Progress { progress } = event {
            self.told.insert(run.clone(), *progress);
            return Ok(());
        }
        let lines = self.heard.entry(run.clone()).or_default();
        ensure!(lines.keys().all(|known| *known <= line), "heard out of order");
        *lines.entry(line).or_default() += 1;
        if let (AgentEvent::Session { session, .. }, Some(run)) = (event, state.run(run))
            && run.purpose.is_conversation()
        {
            self.sessions.insert(run.task.clone(), (run.harness, session.clone()));
            self.words.hear(&run.task, session);
            let known = self.ordered.get(&run.id).copied().unwrap_or_default();
            self.remembers.insert(run.task.clone(), known);
        }
        Ok(())
    }

    /// After `entry` was folded into `state`.
    ///
    /// # Errors
    /// The state is not what it must be.
    pub fn after(&mut self, state: &State, entry: &Entry) -> Result<()> {
        ensure!(state.seq == entry.seq, "an entry was not folded");
        match entry.body.known() {
            Some(Kind::AgentSpoke { run, event, .. }) => self.reckon(state, run, event)?,
            Some(Kind::TurnRead { run, report }) => self.learn(state, run, report),
            Some(Kind::PlanEdited { edit, .. }) => {
                self.rechoose(state, edit);
                self.check_depth(state, edit)?;
            }
            Some(Kind::PlanRejected { task, .. }) => self.unchoose(state, task),
            Some(Kind::RunRequested { task, .. } | Kind::TaskSized { task, .. }) => {
                self.check_sizes(state, task)?;
            }
            _ => {}
        }
        if let Some(Kind::TaskSettled { task, outcome: Outcome::Completed { summary, .. }, .. }) =
            entry.body.known()
        {
            let task = state.task(task).context("a task that never was")?;
            let kept = task.result.as_ref().map(|result| result.summary.as_str());
            ensure!(kept == Some(summary), "the result of {} is not what was reported", task.id);
        }
        if let Some(kind) = entry.body.known() {
            hand::check_words(state, kind)?;
            self.check_requeued(state, kind)?;
            self.check_answered(state, kind)?;
            self.check_left(state)?;
            self.check_opened(state, kind)?;
            self.planned(state, kind)?;
        }
        if let Some(
            Kind::PlanEdited { goal, .. }
            | Kind::PlanProposed { goal, .. }
            | Kind::PlanRejected { task: goal, .. },
        ) = entry.body.known()
        {
            result::check_tree(state, state.task(goal).map_or(goal, |task| &task.root))?;
        }
        Ok(())
    }

    /// At the very end.
    ///
    /// # Errors
    /// A run was left unjudged, or something that was said is missing.
    pub fn check_end(&self, state: &State, processes: &Processes) -> Result<()> {
        ensure!(self.open.is_empty(), "{:?} were never judged", self.open);
        ensure!(self.trimmed.is_empty(), "{:?} were cut, and the log does not say so", self.trimmed);
        self.check_replaced()?;
        for run in processes.keys() {
            ensure!(self.read.contains(run), "{run} was never read to its end");
        }
        ensure!(self.telling.is_empty(), "{:?} were told to runs that are over", self.telling);
        for (message, (task, _)) in &self.unsaid {
            let gone = state.task(task).is_none_or(|task| matches!(task.standing, Standing::Removed { .. }));
            // Who waits for others, or was not begun, keeps what is said to it.
            let kept =
                state.task(task).is_some_and(|task| task.queue.iter().any(|queued| queued.id == *message));
            ensure!(gone || kept, "{message} to {task} is lost");
        }
        Ok(())
    }
}

/// Whether a retry of `asked` begins `task` again.
fn is_again(task: &Task, asked: &TaskId) -> bool {
    match task.standing {
        Standing::Proposed | Standing::Removed { .. } => false,
        Standing::Failed { .. } | Standing::Cancelled => true,
        _ => task.id == *asked,
    }
}

/// What it is a part of was taken out.
fn is_below_removed(state: &State, task: &TaskId) -> bool {
    let parent = state.task(task).and_then(|task| state.task(task.parent.as_ref()?));
    parent.is_some_and(|parent| matches!(parent.standing, Standing::Removed { .. }))
}

/// The start of an entry, for a person who looks for the fault.
fn shown(kind: &Kind) -> String {
    let text = format!("{kind:?}");
    let end = text.floor_char_boundary(300);
    text[..end].to_owned()
}

impl Watch {
    /// The run that a judgement is about is the task's open one, was read, and is judged once.
    fn judge(&mut self, task: &TaskId, run: &RunId) -> Result<()> {
        ensure!(self.read.contains(run), "judged before it was read");
        ensure!(self.judged.insert(run.clone()), "judged twice");
        ensure!(self.open.remove(task).as_ref() == Some(run), "judged for another task's run");
        Ok(())
    }
}
