//! A person's word to one task, as the entry that it becomes. Said in a terminal or through the REST API.

use conductor::plan::edit::check_edit;
use conductor::plan::name;
use conductor::planning::may_plan;
use conductor::state::{Standing, State, Task};
use conductor::{hearing, words};
use shared::entry::{Draft, Kind};
use shared::evidence::{Check, Evidence};
use shared::id::{MessageId, TaskId};
use shared::plan::{Mode, PlanEdit, Schedule};
use shared::retry::{Policy, Retry};
use shared::unit::Millis;

use super::caps::CapsWish;
use super::statement::drawn;
use super::{agents, waiting};

mod over;

#[derive(Debug, Clone)]
pub(super) enum Word {
    Answer {
        text: String,
        /// To the turn that runs, instead of the next one.
        now: bool,
    },
    Approve,
    /// A planner is to split it, or to plan what is below it again.
    Split,
    /// What is below it stays as it was.
    Reject,
    /// A copy of it and all below it, behind it.
    Clone,
    Retry,
    /// It is done as it is.
    Done,
    /// The goal is summed up without what is not done.
    Close,
    /// The goal is hidden from the lists.
    Archive,
    Mode(Mode),
    /// Takes back what waits for the next turn: by its place, counted from 1, or by its id.
    Withdraw(String),
    /// Not to wait for what it waits for by itself.
    Resume,
    Cancel,
    /// What it says nothing of stays.
    Caps(CapsWish),
    /// Which agent of the person's own does it and all below it; `nobody` for whoever does what it is a part of.
    As(String),
    /// All that is wanted from now on.
    Evidence(Evidence),
    /// What is given changes, the rest stays.
    Schedule {
        priority: Option<i32>,
        start: Option<Millis>,
        repeat: Option<Millis>,
    },
    /// What becomes of it when it fails; nothing for what holds for all.
    OnFailure {
        policy: Option<Policy>,
        attempts: Option<u32>,
    },
}

/// Why it cannot be said now.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unsaid(pub String);

impl Word {
    /// The intents, in the task's project.
    ///
    /// # Errors
    /// It means nothing to the task as it is.
    pub(super) fn to(self, state: &State, task: &Task) -> Result<Vec<Draft>, Unsaid> {
        let now = matches!(self, Self::Answer { now: true, .. });
        if let Some(why) = words::deaf(hearing(state, task)).filter(|_| now) {
            return Err(Unsaid(format!("{why} Say it without --now (\"now\": false)")));
        }
        let kind = self.kind(state, task)?;
        let urged = match &kind {
            Kind::MessageSent { task, message, .. } if now => {
                Some(Kind::MessageUrged { task: task.clone(), message: message.clone() })
            }
            _ => None,
        };
        let project = || Some(task.project.clone());
        Ok([kind].into_iter().chain(urged).map(|kind| Draft::new(project(), kind)).collect())
    }

    fn kind(self, state: &State, task: &Task) -> Result<Kind, Unsaid> {
        let (id, unsaid) = (task.id.clone(), |why: String| Err(Unsaid(why)));
        Ok(match (self, &task.goal) {
            (Self::Answer { text, .. }, _) if text.trim().is_empty() => {
                return unsaid("there is nothing to say in no words".to_owned());
            }
            (Self::Answer { text, .. }, _) => {
                Kind::MessageSent { task: id, message: drawn(MessageId::new), text }
            }
            (Self::Approve, _) => match task.planning.as_ref().filter(|planning| planning.is_proposed()) {
                Some(planning) => Kind::PlanApproved { goal: id, version: planning.version },
                None => return unsaid(format!("{} has no plan that waits for a yes", name(task))),
            },
            (Self::Split, _) => match may_plan(state, task) {
                Ok(()) => Kind::PlanWanted { task: id },
                Err(problem) => return unsaid(problem.to_string()),
            },
            (Self::Reject, Some(_)) => {
                return unsaid(format!("{} is a goal; write to it what to change, or cancel it", name(task)));
            }
            (Self::Reject, None) if task.current.is_some() && task.is_planned() => {
                return unsaid(format!("the planner of {} is at it; cancel that first", name(task)));
            }
            (Self::Reject, None) => match task.planning.as_ref().filter(|_| task.is_planned()) {
                Some(planning) => Kind::PlanRejected { task: id, version: planning.version },
                None => return unsaid(format!("{} has no plan that waits for a word", name(task))),
            },
            (Self::Clone, _) => {
                let edit = PlanEdit::Clone { task: id, copy: drawn(TaskId::new) };
                if let Err(problem) = check_edit(state, &task.root, &edit) {
                    return unsaid(problem.to_string());
                }
                Kind::PlanEdited { goal: task.root.clone(), edit }
            }
            (Self::Retry, _) => over::retry(state, task)?,
            (Self::Done, _) => over::done(state, task)?,
            (Self::Close, _) => over::close(task)?,
            (Self::Archive, _) => over::archive(state, task)?,
            (Self::Mode(mode), _) => {
                Kind::PlanEdited { goal: task.root.clone(), edit: PlanEdit::SetMode { task: id, mode } }
            }
            (Self::Withdraw(which), _) => {
                let message = waiting::message(task, &which)?.id.clone();
                Kind::MessageWithdrawn { task: id, message }
            }
            (Self::Resume, _) if !matches!(task.standing, Standing::Limited { .. } | Standing::Open) => {
                return unsaid(format!("{} has no turn that waits", name(task)));
            }
            (Self::Resume, _) => Kind::TaskResumed { task: id },
            (Self::Cancel, _) if task.is_over() && task.again().is_none() => {
                return unsaid(format!("{} is over already", name(task)));
            }
            (Self::Cancel, _) => Kind::TaskStopped { task: id },
            (Self::Caps(wish), _) => {
                let caps = wish.of(task.caps);
                Kind::PlanEdited { goal: task.root.clone(), edit: PlanEdit::SetCaps { task: id, caps } }
            }
            (Self::As(name), _) => {
                let persona = match name.as_str() {
                    "nobody" => None,
                    _ => Some(agents::find(state, &name).map_err(|none| Unsaid(none.to_string()))?),
                };
                let persona = persona.map(|persona| persona.persona.clone());
                let edit = PlanEdit::SetPersona { task: id, persona };
                Kind::PlanEdited { goal: task.root.clone(), edit }
            }
            (Self::OnFailure { attempts: Some(attempts), .. }, _) if !(1..=20).contains(&attempts) => {
                return unsaid(format!("{attempts} tries are not possible; it goes from 1 to 20"));
            }
            (Self::OnFailure { policy, attempts }, _) => {
                let usual = Retry::default();
                let attempts = attempts.unwrap_or(task.retry.unwrap_or(usual).attempts);
                let retry = policy.map(|policy| Retry { policy, attempts });
                let edit = PlanEdit::SetRetry { task: id, retry };
                Kind::PlanEdited { goal: task.root.clone(), edit }
            }
            (Self::Evidence(_), Some(_)) => {
                return unsaid(format!("{} is a goal; what is wanted is said for its tasks", name(task)));
            }
            (Self::Evidence(evidence), None)
                if evidence.checks.contains(&Check::DiffNotEmpty)
                    && task.proof.base.is_none()
                    && !task.runs.is_empty() =>
            {
                return unsaid(format!(
                    "{} has begun, and nobody knows how its folder was before; diff_not_empty has to be wanted earlier",
                    name(task)
                ));
            }
            (Self::Evidence(evidence), None) => {
                let edit = PlanEdit::SetEvidence { task: id, evidence };
                Kind::PlanEdited { goal: task.root.clone(), edit }
            }
            (Self::Schedule { priority: Some(priority), .. }, _) if !(-10..=10).contains(&priority) => {
                return unsaid(format!("{priority} is no priority; it goes from -10 to 10"));
            }
            (Self::Schedule { priority, start, repeat }, _) => {
                let known = task.schedule;
                let schedule = Schedule {
                    priority: priority.unwrap_or(known.priority),
                    start: start.or(known.start),
                    // No time at all is never again.
                    repeat: repeat.or(known.repeat).filter(|span| *span > Millis(0)),
                };
                let edit = PlanEdit::SetSchedule { task: id, schedule };
                Kind::PlanEdited { goal: task.root.clone(), edit }
            }
        })
    }
}
