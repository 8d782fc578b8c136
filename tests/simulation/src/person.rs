//! The person of a world: full of whims at first, at the worst moments and often by an old picture; at last
//! patient and helpful, so that every goal can come to its end.

use conductor::State;
use conductor::budget::Cap;
use conductor::planning::Plan;
use conductor::state::{Standing, Task};
use conductor::status::{Kind as StatusKind, Reason, status};
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::evidence::{Check, Evidence, Preset};
use shared::id::{MessageId, TaskId};
use shared::limits::{Caps, Limits, StageCaps};
use shared::plan::{Mode, PlanEdit, PlannedTask, Size};
use shared::retry::{Policy, Retry};
use shared::unit::{MicroUsd, Millis};

use crate::cast::Cast;
use crate::chance::Chance;
use crate::editor::Editor;
use crate::hands::Hands;
use crate::judges::Judges;
use crate::permits::Permits;
use crate::rounds::Rounds;
use crate::saver::Saver;
use crate::sitting::Sitting;
use crate::steward::Steward;

#[derive(Debug)]
pub struct Person {
    /// Acts left that help nobody.
    pub whims: usize,
    /// Has tasks split, and says yes and no to how.
    pub splits: bool,
    /// Says what tasks need and make.
    pub trades: bool,
    /// So often they have done again what is done.
    pub repeats: usize,
    messages: u32,
    added: u32,
    retries: usize,
    /// What they do with agents of their own, if they have any.
    pub cast: Option<Cast>,
    /// What they do themselves, if they do anything.
    pub hands: Option<Hands>,
    /// Whom they have review, if they care.
    pub judges: Option<Judges>,
    /// What they say to agents that ask, where agents do.
    pub permits: Option<Permits>,
    /// What they say of when, in which order and how far, if they say anything.
    pub steward: Option<Steward>,
    /// What they do at terminals, if they open any.
    pub sitting: Option<Sitting>,
    pub saver: Option<Saver>,
    /// How they change what may come back, if they do.
    pub editor: Option<Editor>,
    /// What they have done again and again, if they do.
    pub rounds: Option<Rounds>,
}

impl Person {
    pub fn new(whims: usize, cast: Option<Cast>, hands: Option<Hands>, permits: Option<Permits>) -> Self {
        Self {
            whims,
            splits: false,
            trades: false,
            repeats: 0,
            messages: 0,
            added: 0,
            retries: 0,
            cast,
            hands,
            judges: None,
            permits,
            steward: None,
            sitting: None,
            saver: None,
            editor: None,
            rounds: None,
        }
    }

    /// Something that comes to mind, looking at `seen`, which may be old.
    pub fn whim(&mut self, seen: &State, chance: &mut Chance) -> Option<Kind> {
        if let Some(kind) = self.cast.as_mut().and_then(|cast| cast.whim(seen)) {
            return Some(kind);
        }
        if let Some(kind) = self.permits.as_mut().and_then(|permits| permits.whim(seen)) {
            return Some(kind);
        }
        if let Some(kind) = self.judges.as_mut().and_then(|judges| judges.whim(seen)) {
            return Some(kind);
        }
        if let Some(kind) = self.hands.as_mut().and_then(|hands| hands.whim(seen)) {
            return Some(kind);
        }
        if let Some(kind) = self.sitting.as_mut().and_then(|sitting| sitting.whim(seen)) {
            return Some(kind);
        }
        if let Some(kind) = self.rounds.as_mut().and_then(|rounds| rounds.whim(seen)) {
            return Some(kind);
        }
        let goal = chance.pick(&seen.goals)?.clone();
        let tasks: Vec<&Task> = seen.subtree(&goal);
        let task = *chance.pick(&tasks)?;
        let id = task.id.clone();
        if self.splits
            && chance.one_in(3)
            && let Some(kind) = plans(seen, &tasks, chance)
        {
            return Some(kind);
        }
        let root = seen.task(&goal)?.planning.as_ref()?;
        Some(match (&root.plan, chance.below(23)) {
            (Plan::Proposed { .. }, 0..11) => Kind::PlanApproved { goal, version: root.version },
            (_, 0..3) => Kind::TaskStopped { task: id },
            (_, 3..7) => Kind::TaskRetried { task: id },
            (_, 7) => Kind::TaskAccepted { task: id, words: String::new() },
            (_, 8) => Kind::TaskResumed { task: id },
            (_, 18) if chance.one_in(4) => Kind::GoalClosed { goal },
            (_, 9) if self.trades && chance.one_in(2) => {
                self.messages += 1;
                Kind::MemorySet { text: format!("MEMORY {} of it", self.messages) }
            }
            (_, 9) => {
                let parallel = u32::try_from(1 + chance.below(5)).unwrap_or(1);
                Kind::LimitsSet { limits: Limits { parallel, ..seen.limits.clone() } }
            }
            (_, 10) => {
                let queued =
                    tasks.iter().find_map(|task| Some((task.id.clone(), task.queue.first()?.id.clone())));
                let (task, message) = queued?;
                if chance.one_in(2) {
                    return Some(Kind::MessageUrged { task, message });
                }
                Kind::MessageWithdrawn { task, message }
            }
            (_, 11..18) => {
                let other = chance.pick(&tasks)?.id.clone();
                let edit = self.edit(id, other, &goal, chance);
                Kind::PlanEdited { goal, edit }
            }
            _ => self.message(id),
        })
    }

    /// Words to a turn that runs, as far as `seen` knows.
    pub fn steer(&mut self, seen: &State, chance: &mut Chance) -> Option<Kind> {
        let runs = seen.unread.iter().filter_map(|run| seen.run(run)).filter(|run| run.is_active());
        let tasks: Vec<&TaskId> = runs.map(|run| &run.task).collect();
        chance.pick(&tasks).map(|task| self.message((*task).clone()))
    }

    fn edit(&mut self, task: TaskId, other: TaskId, goal: &TaskId, chance: &mut Chance) -> PlanEdit {
        let index = u32::try_from(chance.below(3)).unwrap_or(0);
        match chance.below(17) {
            11 => {
                let policy = [Policy::None, Policy::Same, Policy::Analyze][chance.below(3)];
                PlanEdit::SetRetry { task, retry: Some(Retry { policy, attempts: 2 }) }
            }
            12 | 13 => {
                let budget = Some(MicroUsd(1_000 + chance.draw() % 100_000));
                PlanEdit::SetCaps { task, caps: Caps { budget, ..Caps::default() } }
            }
            15 => PlanEdit::SetPreset {
                task: goal.clone(),
                preset: *chance.pick(&Preset::ALL).unwrap_or(&Preset::Quick),
            },
            16 => {
                let review = [None, Some(true), Some(false)][chance.below(3)];
                let checks =
                    if chance.one_in(2) { vec![Check::DiffNotEmpty] } else { vec![Check::OutputsExist] };
                let commit = [None, Some(true), Some(false)][chance.below(3)];
                PlanEdit::SetEvidence { task, evidence: Evidence { checks, review, commit } }
            }
            0 => PlanEdit::AddDependency { task, on: other },
            1 => PlanEdit::DropDependency { task, on: other },
            2 => PlanEdit::Remove { task },
            3 => PlanEdit::Restore { task },
            4 | 5 => PlanEdit::Move { task, parent: other, index },
            6 if self.splits => PlanEdit::SetObjective { task, objective: "Another objective".to_owned() },
            6 => PlanEdit::SetMode { task, mode: Mode::Hybrid },
            7 => PlanEdit::SetSize { task, size: Some(Size::Heavy) },
            8 => PlanEdit::SetHarness { task, harness: Some(HarnessId::Claude) },
            9 if self.trades => {
                let names = vec![format!("w{}.md", chance.below(4))];
                match chance.below(2) {
                    0 => PlanEdit::SetInputs { task, inputs: names },
                    _ => PlanEdit::SetOutputs { task, outputs: names },
                }
            }
            9 => PlanEdit::Rename { task, title: "Another name".to_owned() },
            _ => {
                self.added += 1;
                let id = TaskId::new(&format!("{goal}~p{}", self.added)).unwrap_or_else(|_| goal.clone());
                let planned = PlannedTask {
                    size: Some(Size::Light),
                    after: vec![other],
                    ..PlannedTask::new(id, task, "Added", "Added by the person")
                };
                PlanEdit::Add { planned, index }
            }
        }
    }

    /// What helps most, looking at the truth; nothing when every goal is over.
    pub fn help(&mut self, state: &State) -> Option<Kind> {
        let open = |goal: &&Task| !goal.is_over();
        let root = state.goals.iter().filter_map(|goal| state.task(goal)).find(open)?;
        let goal = root.planning.as_ref()?;
        if let Some(kind) = self.repeat(state, root) {
            return Some(kind);
        }
        if let Some(kind) = state.subtree(&root.id).into_iter().find_map(|task| let_go_on(state, task)) {
            return Some(kind);
        }
        if let Some(kind) = self.hands.as_mut().and_then(|hands| hands.builds(root)) {
            return Some(kind);
        }
        let asks = matches!(root.standing, Standing::Asked { .. } | Standing::Yielded);
        if asks && matches!(goal.plan, Plan::Approved { .. }) {
            return Some(self.message(root.id.clone()));
        }
        Some(match &goal.plan {
            // Its planner's next ones may be no better, and there is a plan to go back to.
            Plan::Refused { .. } if root.is_planned_again() => {
                Kind::PlanRejected { task: root.id.clone(), version: goal.version }
            }
            Plan::Proposed { .. } | Plan::Wanted
                if root.is_planned_again() && goal.version.is_multiple_of(3) =>
            {
                Kind::PlanRejected { task: root.id.clone(), version: goal.version }
            }
            Plan::Proposed { .. } => Kind::PlanApproved { goal: root.id.clone(), version: goal.version },
            Plan::Wanted | Plan::Refused { .. } | Plan::Answered | Plan::Unsplit { .. } | Plan::Rejected => {
                self.message(root.id.clone())
            }
            Plan::Approved { .. } => {
                let parts = state.subtree(&root.id);
                let act = parts.into_iter().skip(1).find_map(|task| self.help_with(state, task));
                act.unwrap_or_else(|| Kind::GoalClosed { goal: root.id.clone() })
            }
        })
    }

    fn repeat(&mut self, state: &State, root: &Task) -> Option<Kind> {
        self.repeats = self.repeats.checked_sub(1)?;
        let done = |task: &&Task| task.standing == Standing::Completed && task.children.is_empty();
        let task = state.subtree(&root.id).into_iter().skip(self.repeats).find(done)?;
        Some(Kind::PlanEdited { goal: root.id.clone(), edit: clone_of(task, state)? })
    }

    fn help_with(&mut self, state: &State, task: &Task) -> Option<Kind> {
        let id = task.id.clone();
        let now = status(state, task);
        if task.is_planned() && !task.is_over() && task.current.is_none() {
            let planning = task.planning.as_ref()?;
            let version = planning.version;
            return Some(match planning.is_proposed() && !version.is_multiple_of(3) {
                true => Kind::PlanApproved { goal: id, version },
                false => Kind::PlanRejected { task: id, version },
            });
        }
        match (&task.standing, now.kind, now.reason) {
            (Standing::Asked { .. }, ..) if !task.is_spoken_to() => Some(self.message(id)),
            (Standing::Yielded, ..) => {
                let theirs = self.hands.as_mut().filter(|_| self.retries < 12);
                let said = theirs.and_then(|hands| hands.help_with(task));
                said.or(Some(Kind::TaskAccepted { task: id, words: String::new() }))
            }
            (_, StatusKind::Waiting, Reason::Begin) => Some(self.message(id)),
            (Standing::Failed { .. }, ..) if self.retries < 12 => {
                self.retries += 1;
                Some(Kind::TaskRetried { task: id })
            }
            _ => None,
        }
    }

    pub fn message(&mut self, task: TaskId) -> Kind {
        self.messages += 1;
        let text = format!("message {} for you", self.messages);
        let message = MessageId::new(&format!("m{}", self.messages));
        Kind::MessageSent {
            task,
            message: message.unwrap_or_else(|_| unreachable!("an id")),
            text,
            answers: None,
        }
    }
}

/// The same task once more.
fn clone_of(task: &Task, seen: &State) -> Option<PlanEdit> {
    let copy = TaskId::new(&format!("{}~k{}", task.root, seen.seq)).ok()?;
    Some(PlanEdit::Clone { task: task.id.clone(), copy })
}

/// A wish for a plan of one of these, or a word about one.
fn plans(seen: &State, tasks: &[&Task], chance: &mut Chance) -> Option<Kind> {
    let open: Vec<&&Task> = tasks.iter().filter(|task| task.is_planned_again()).collect();
    if chance.one_in(2)
        && let Some(owner) = chance.pick(&open)
    {
        let (task, version) = (owner.id.clone(), owner.planning.as_ref()?.version);
        return Some(match chance.below(3) {
            0 => Kind::PlanRejected { task, version },
            1 => Kind::PlanApproved { goal: task, version },
            _ => Kind::TaskStopped { task },
        });
    }
    if chance.one_in(4) {
        let task = chance.pick(tasks)?;
        return Some(Kind::PlanEdited { goal: task.root.clone(), edit: clone_of(task, seen)? });
    }
    let may = |task: &&&Task| conductor::planning::may_plan(seen, task).is_ok();
    if let Some(goal) = tasks.first().filter(|_| chance.one_in(4)).filter(may) {
        return Some(Kind::PlanWanted { task: goal.id.clone() });
    }
    let able: Vec<&&Task> = tasks.iter().filter(may).collect();
    chance.pick(&able).map(|task| Kind::PlanWanted { task: task.id.clone() })
}

/// What pauses at a bound is let go on.
fn let_go_on(state: &State, task: &Task) -> Option<Kind> {
    match status(state, task).reason {
        Reason::Unattended(_) => Some(Kind::TaskResumed { task: task.id.clone() }),
        Reason::Used { stage: stage @ Some(_), .. } => {
            let caps = task.caps.with(stage, StageCaps::default());
            let edit = PlanEdit::SetCaps { task: task.id.clone(), caps };
            Some(Kind::PlanEdited { goal: task.root.clone(), edit })
        }
        Reason::Used { cap, above, stage: None } => {
            let holder = above.as_ref().and_then(|above| state.task(above)).unwrap_or(task);
            // No bound at all, or more than the last: who does not tell what it costs is counted with all that was left of one.
            let budget = match holder.caps.budget {
                None => Some(MicroUsd(1_000_000_000)),
                Some(MicroUsd(budget)) if budget >= 1_000_000_000 => Some(MicroUsd(budget + 1_000_000_000)),
                Some(_) => None,
            };
            let caps = match cap {
                Cap::Budget(_) => Caps { budget, ..holder.caps },
                Cap::Turns(cap) => Caps { turns: Some(cap.saturating_add(1_000_000)), ..holder.caps },
                Cap::Time(cap) => Caps { time: Some(cap + Millis::from_secs(1_000_000)), ..holder.caps },
                Cap::Tokens(cap) => Caps { tokens: Some(cap.saturating_add(1_000_000)), ..holder.caps },
            };
            let edit = PlanEdit::SetCaps { task: holder.id.clone(), caps };
            Some(Kind::PlanEdited { goal: task.root.clone(), edit })
        }
        _ => None,
    }
}
