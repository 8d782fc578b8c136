//! A person's word to one task, as the entry that it becomes. Said in a terminal or through the REST API.

use conductor::plan::edit::check_edit;
use conductor::plan::name;
use conductor::state::{Standing, State, Task};
use conductor::terminal::opened;
use conductor::{hearing, words};
use shared::context::Charter;
use shared::entry::{Draft, Kind};
use shared::evidence::{Check, Evidence};
use shared::id::TaskId;
use shared::permission::Permit;
use shared::plan::{Mode, PlanEdit, Schedule};
use shared::retry::{Policy, Retry};
use shared::run::Window;
use shared::unit::Millis;

use super::caps::CapsWish;
use super::edit::Changes;
use super::evidence::Wanted;
use super::hand::NewTask;
use super::rules::Reach;
use super::shape::{self, Order, Place};
use super::statement::drawn;
use super::task::{Unknown, find, find_removed};
use super::{agents, waiting};

mod over;
mod permit;
mod plans;
mod said;
mod terminal;

pub(super) use said::Said;

#[derive(Debug, Clone)]
pub(super) enum Word {
    Answer(Said),
    /// To what its agent asks to be allowed: this request, or the only one that waits.
    Permit {
        permit: Permit,
        request: Option<String>,
        /// To the agent.
        word: String,
        /// Where the narrowest rule about it holds from now on, if one is saved.
        rule: Option<Reach>,
    },
    Approve,
    /// A new task behind its last part.
    Add(NewTask),
    /// Taken out of the plan, with all below it.
    Remove,
    /// Put back into the plan, or into the lists of goals.
    Restore,
    Move(Place),
    After(Order),
    Mode(Mode),
    /// What came of it; may be empty.
    Done(String),
    /// Why it cannot be done, by the person whose task it is.
    GiveUp(String),
    /// A terminal of this size is opened for it.
    Open(Window),
    /// Its terminal is ended.
    CloseTerminal,
    /// Typed into its terminal.
    Type(String),
    /// A planner is to split it, or to plan what is below it again; with what should be different, which may be empty.
    Split(String),
    /// What is below it stays as it was.
    Reject,
    /// A copy of it and all below it, behind it.
    Clone,
    Retry,
    /// To end its turn for a fresh attempt.
    Requeue,
    /// The goal is summed up without what is not done.
    Close,
    /// The goal is hidden from the lists.
    Archive,
    /// Takes back what waits for the next turn: by its place, counted from 1, or by its id.
    Withdraw(String),
    /// Not to wait for what it waits for by itself.
    Resume,
    Cancel,
    /// What it says nothing of stays.
    Caps(CapsWish),
    /// Which agent of the person's own does it and all below it; `nobody` for whoever does what it is a part of.
    As(String),
    /// What is given changes, the rest stays.
    Edit(Changes),
    /// What all tasks of a goal are told when they begin.
    Charter(Charter),
    /// What is given changes, the rest stays.
    Evidence(Wanted),
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
    /// The task that it is said to by this name. Only what was removed can be brought back.
    ///
    /// # Errors
    /// Nothing has the name.
    pub(super) fn whom<'a>(&self, state: &'a State, text: &str) -> Result<&'a Task, Unknown> {
        match self {
            Self::Restore => find(state, text).or_else(|unknown| find_removed(state, text).ok_or(unknown)),
            _ => find(state, text),
        }
    }

    /// The intents, in the task's project.
    ///
    /// # Errors
    /// It means nothing to the task as it is.
    pub(super) fn to(self, state: &State, task: &Task) -> Result<Vec<Draft>, Unsaid> {
        let now = matches!(self, Self::Answer(Said { now: true, .. }));
        if let Some(why) = words::deaf(hearing(state, task)).filter(|_| now) {
            return Err(Unsaid(format!("{why} Say it without --now (\"now\": false)")));
        }
        let kinds = self.kinds(state, task)?;
        Ok(kinds.into_iter().map(|kind| Draft::new(Some(task.project.clone()), kind)).collect())
    }

    fn kinds(self, state: &State, task: &Task) -> Result<Vec<Kind>, Unsaid> {
        let (id, unsaid) = (task.id.clone(), |why: String| Err(Unsaid(why)));
        let kind = match (self, &task.goal) {
            (Self::Permit { permit, request, word, rule }, _) => {
                return permit::answer(state, task, permit, request, word, rule);
            }
            (Self::Edit(changes), _) => {
                let edited = |edit| Kind::PlanEdited { goal: task.root.clone(), edit };
                return Ok(changes.edits(state, task).map_err(Unsaid)?.into_iter().map(edited).collect());
            }
            (Self::Add(new), _) => return new.kinds(state, task),
            (Self::After(order), _) => return order.edits(state, task),
            (Self::Answer(said), _) => return said.kinds(state, task),
            (Self::Split(words), _) => return plans::split(state, task, words),
            (Self::Approve, _) => plans::approve(task)?,
            (Self::Reject, _) => plans::reject(task)?,
            (Self::Remove, _) => shape::remove(state, task)?,
            (Self::Restore, _) => shape::restore(state, task)?,
            (Self::Move(place), _) => place.put(state, task)?,
            (Self::Mode(mode), _) => checked(state, task, PlanEdit::SetMode { task: id, mode })?,
            (Self::Done(words), _) => over::done(state, task, &words)?,
            (Self::Close, _) => over::close(task)?,
            (Self::Archive, _) => over::archive(state, task)?,
            (Self::Withdraw(which), _) => {
                let message = waiting::message(task, &which)?.id.clone();
                Kind::MessageWithdrawn { task: id, message }
            }
            (Self::GiveUp(_), _)
                if !task.is_by_hand() || !matches!(task.standing, Standing::Open | Standing::Yielded) =>
            {
                return unsaid(format!(
                    "{} is not yours to do now; cancel stops an agent's task",
                    name(task)
                ));
            }
            (Self::GiveUp(why), _) if why.trim().is_empty() => {
                return unsaid("say in a few words why it cannot be done".to_owned());
            }
            (Self::GiveUp(why), _) => Kind::TaskGivenUp { task: id, why: why.trim().to_owned() },
            (Self::Clone, _) => checked(state, task, PlanEdit::Clone { task: id, copy: drawn(TaskId::new) })?,
            (Self::Retry, _) => over::retry(state, task)?,
            (Self::Open(window), _) => terminal::open(state, task, window)?,
            (Self::CloseTerminal, _) => terminal::close(state, task)?,
            (Self::Type(text), _) => terminal::typed(state, task, text)?,
            (Self::Requeue, _) if opened(state, task).is_some() => {
                return unsaid(format!("{} has no turn under way, only a terminal; close that", name(task)));
            }
            (Self::Requeue, _) if task.current.is_none() => {
                return unsaid(format!("{} is not at work; retry begins it anew", name(task)));
            }
            (Self::Requeue, _) => Kind::TaskRequeued { task: id },
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
            (Self::Charter(_), None) => {
                return unsaid(format!("{} is no goal; rules are a goal's, for all its tasks", name(task)));
            }
            (Self::Charter(charter), Some(_)) => {
                checked(state, task, PlanEdit::SetCharter { task: id, charter })?
            }
            (Self::Evidence(_), Some(_)) => {
                return unsaid(format!("{} is a goal; what is wanted is said for its tasks", name(task)));
            }
            (Self::Evidence(wanted), None) => {
                let evidence = wanted.of(&task.evidence);
                let evidence =
                    evidence.ok_or_else(|| Unsaid("nothing is to be changed; say what".to_owned()))?;
                shown(task, evidence)?
            }
            (Self::Schedule { priority: Some(priority), .. }, _) if !(-10..=10).contains(&priority) => {
                return unsaid(format!("{priority} is no priority; it goes from -10 to 10"));
            }
            (Self::Schedule { priority, start, repeat }, _) => {
                let known = task.schedule;
                let schedule = Schedule {
                    priority: priority.unwrap_or(known.priority),
                    // No time at all is no wait, and never again.
                    start: start.or(known.start).filter(|at| *at > Millis(0)),
                    repeat: repeat.or(known.repeat).filter(|span| *span > Millis(0)),
                };
                let edit = PlanEdit::SetSchedule { task: id, schedule };
                Kind::PlanEdited { goal: task.root.clone(), edit }
            }
        };
        Ok(vec![kind])
    }
}

/// The task that comes of it, where a new one does.
pub(super) fn made(said: &[Draft]) -> Option<&TaskId> {
    said.iter().find_map(|draft| match draft.body.known()? {
        Kind::PlanEdited { edit: PlanEdit::Add { planned, .. }, .. } => Some(&planned.task),
        Kind::PlanEdited { edit: PlanEdit::Clone { copy, .. }, .. } => Some(copy),
        _ => None,
    })
}

/// Whether what was said was taken as it was meant, to be asked when it is in the log.
///
/// # Errors
/// It answers a question that somebody else has answered in that moment.
pub(super) fn is_heard(state: &State, said: &[Draft]) -> Result<(), Unsaid> {
    let late = said.iter().any(|draft| match draft.body.known() {
        Some(Kind::MessageSent { task, message, .. }) => {
            state.task(task).is_some_and(|task| task.late.contains(message))
        }
        _ => false,
    });
    let why =
        "somebody else answered before, and this was not told to the agent; say it again if it is to know";
    if late { Err(Unsaid(why.to_owned())) } else { Ok(()) }
}

/// The edit, where it can be made.
fn checked(state: &State, task: &Task, edit: PlanEdit) -> Result<Kind, Unsaid> {
    check_edit(state, &task.root, &edit).map_err(|problem| Unsaid(problem.to_string()))?;
    Ok(Kind::PlanEdited { goal: task.root.clone(), edit })
}

/// Wants this evidence of the task from now on. A comparison wants a look from before the first work.
fn shown(task: &Task, evidence: Evidence) -> Result<Kind, Unsaid> {
    let compares = evidence.checks.contains(&Check::DiffNotEmpty);
    if compares && task.proof.base.is_none() && !task.runs.is_empty() {
        return Err(Unsaid(format!(
            "{} has begun, and nobody knows how its folder was before; diff_not_empty has to be wanted earlier",
            name(task)
        )));
    }
    let edit = PlanEdit::SetEvidence { task: task.id.clone(), evidence };
    Ok(Kind::PlanEdited { goal: task.root.clone(), edit })
}
