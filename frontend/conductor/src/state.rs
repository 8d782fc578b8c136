//! The state of the work, as the log tells it. Facts only: a status is derived in `status`.
//! The tree is stored flat. Tasks and runs are shared pointers in tables that share them too, so that a copy of the state is cheap.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shared::agent::{ErrorClass, FoundAgent, HarnessId};
use shared::context::Charter;
use shared::entry::Room;
use shared::evidence::{Evidence, Preset};
use shared::id::{
    ClientId, ListId, MessageId, PersonaId, ProjectId, RuleId, RunId, SessionId, TaskId, TemplateId,
};
use shared::limits::{Caps, Limits};
use shared::models::{Effort, Models, is_model};
use shared::permission::Rule;
use shared::plan::{Access, Mode, Schedule, Size, Work};
use shared::retry::{Again, Retry};
use shared::reviewer::Reviewer;
use shared::run::Window;
use shared::unit::{Epoch, MicroUsd, Millis, Seq};

use crate::apply::{Answer, Changed, Said};
use crate::estimate::Tariffs;
use crate::library::{Shelf, template_of};
use crate::list;
use crate::outage::Outages;
pub use crate::outage::{Disk, Memory};
use crate::persona::{self, Known};
use crate::planning::Planning;
use crate::proof::Proof;
use crate::worktree::Kept;

mod agenda;
mod run;
mod table;

use agenda::Agenda;
pub use run::{Paid, Phase, Run, Verdict, Vitals};
pub use table::Table;

/// Everything that the log up to `seq` says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    pub seq: Seq,
    pub projects: BTreeMap<ProjectId, Project>,
    /// In the order in which they were stated.
    pub goals: Vec<TaskId>,
    pub tasks: Table<TaskId, Arc<Task>>,
    pub runs: Table<RunId, Arc<Run>>,
    pub(crate) agenda: Agenda,
    /// Runs that were requested and not yet read to their end.
    pub unread: Vec<RunId>,
    pub agents: Vec<FoundAgent>,
    pub limits: Limits,
    /// When the caps of all tasks were last set to less.
    pub capped: Millis,
    /// When the quiet hours were last set.
    pub quieted: Millis,
    pub models: Models,
    /// What the tokens of each model cost, by what its turns told.
    pub tariffs: Tariffs,
    /// The library of prompts.
    pub templates: BTreeMap<TemplateId, Shelf>,
    /// The agents of the person's own.
    pub personas: BTreeMap<PersonaId, Known>,
    /// Tasks that the person keeps, to run them again and again.
    pub lists: BTreeMap<ListId, list::Known>,
    /// About what agents may do.
    pub rules: BTreeMap<RuleId, Rule>,
    /// Folders that the bridge keeps or kept beside checkouts, by their tops.
    pub worktrees: BTreeMap<String, Kept>,
    pub baton: Option<Baton>,
    pub disk: Disk,
    pub memory: Memory,
    pub outages: Outages,
    /// Entries of kinds that this version does not know. Nothing is decided by such a log: they may forbid it.
    pub unknown: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub folder: String,
    pub name: String,
    pub opened: Millis,
    /// What each of its tasks is told when it begins.
    pub memory: String,
    /// The entry that last made it another one.
    pub remembered: Seq,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baton {
    pub holder: ClientId,
    pub epoch: Epoch,
}

/// A node of the tree: a goal, a task, or a task that is a group of others.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub id: TaskId,
    pub project: ProjectId,
    /// The goal at the top of its tree; itself for a goal.
    pub root: TaskId,
    /// Nothing for a goal.
    pub parent: Option<TaskId>,
    /// In plan order; removed ones are not among them.
    pub children: Vec<TaskId>,
    /// Its place when it was made, such as 4.2; never reused, kept when it moves. Empty for a goal.
    pub number: Vec<u32>,
    /// The last number given to a child.
    pub numbered: u32,
    /// By which the planner refers to it.
    pub key: String,
    pub title: String,
    pub objective: String,
    pub mode: Mode,
    /// Standard where nobody said.
    pub size: Size,
    pub sized: SizedBy,
    pub after: Vec<TaskId>,
    /// Files or facts that it needs.
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub work: Work,
    /// Overrides the goal's.
    pub harness: Option<HarnessId>,
    /// As the person chose it, whatever its size.
    pub model: Option<String>,
    /// Likewise.
    pub effort: Option<Effort>,
    /// As the person chose it, for itself and what is below it.
    pub template: Option<TemplateId>,
    /// Who does it and what is below it, as the person or the plan says.
    pub persona: Option<PersonaId>,
    /// Who reviews it and what is below it, as the person or the plan says.
    pub reviewer: Option<Reviewer>,
    /// As the person set them.
    pub caps: Caps,
    pub schedule: Schedule,
    /// As the person or the plan set it.
    pub retry: Option<Retry>,
    pub evidence: Evidence,
    pub goal: Option<Goal>,
    /// How it comes to its parts; nothing for a task that nobody thought of splitting.
    pub planning: Option<Planning>,
    pub made: Millis,

    pub changed: Changed,
    pub standing: Standing,
    /// When `standing` became what it is.
    pub since: Millis,
    /// What becomes of it when the run has ended that the person asked to end.
    pub stop: Option<Halt>,
    /// Counts from 1; a retry begins the next with a new session.
    pub attempt: u32,
    /// Its last, of whatever agent; [`State::session_with`] says whether one can go on with it.
    pub session: Option<SessionId>,
    /// All its runs, oldest first.
    pub runs: Vec<RunId>,
    /// The run that is under way or not yet judged; one turn at a time.
    pub current: Option<RunId>,
    /// What the person wrote and no turn has carried yet.
    pub queue: Vec<Message>,
    /// What the person wrote that its turns were told, in that order: the latest of it, as `apply::said` keeps it.
    pub said: Vec<Said>,
    /// The run that asked the last question of it.
    pub asked: Option<RunId>,
    /// The last question of it that was answered.
    pub answer: Option<Answer>,
    /// Answers that came when somebody else's was there: its agent is not told them.
    pub late: BTreeSet<MessageId>,
    /// Times in a row that it was taken up again without asking.
    pub resumptions: u32,
    /// Times in a row that it failed and was begun anew without asking.
    pub retries: u32,
    /// When it was helped on without asking since the person last had a say, whatever failed; the latest few.
    pub helped: Vec<Millis>,
    /// Why the attempt before this one failed.
    pub failure: String,
    /// What a look at that brought, empty where it brought nothing; nothing before it.
    pub diagnosis: Option<String>,
    /// Who does it in the place of the agent that failed it again and again.
    pub alternate: Option<HarnessId>,
    /// The person said that it goes on now, whatever makes others wait.
    pub urged: bool,
    /// The size of the terminal that the person wants opened.
    pub terminal: Option<Window>,
    pub result: Option<TaskResult>,
    /// The run whose result it was given, in the place of a turn of its own.
    pub reused: Option<RunId>,
    pub proof: Proof,
    pub spend: Spend,
    pub account: Account,
    /// What it is doing, in a few words: its last tool call.
    pub doing: String,
}

/// Why a run that is under way was asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// Its task is stopped.
    Stopped,
    /// Its task goes back to the queue.
    Requeued,
    /// It is a terminal, or thinks of a plan that nobody wants any more; its task stays as it is.
    Closed,
}

/// Who said how hard a task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SizedBy {
    /// A person or a planner.
    Chosen,
    Nobody,
    /// The rule, or a model that was asked, and why.
    Found {
        why: String,
    },
}

/// What only the top of a tree has.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    pub harness: HarnessId,
    pub access: Access,
    pub preset: Preset,
    /// What each of its tasks is told when it begins.
    pub charter: Charter,
    pub closing: Option<Millis>,
    pub archived: Option<Millis>,
}

/// Where a task stands by what happened last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Part of a plan that nobody approved yet.
    Proposed,
    /// Taken out of the plan; `index` is where it stood.
    Removed {
        index: u32,
    },
    /// To be done: a turn is under way, or starts when it can.
    Open,
    Asked {
        question: String,
        options: Vec<String>,
    },
    /// The person has the word.
    Yielded,
    Limited {
        until: Millis,
        /// What cut its turn short, where the log says it.
        class: Option<ErrorClass>,
        again: Again,
    },
    /// Its agent says that it is done; that is being shown.
    Claimed,
    Completed,
    Failed {
        class: ErrorClass,
        why: String,
    },
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: MessageId,
    pub text: String,
    pub at: Millis,
    /// Its task was stopped since: it goes along with the next turn, and starts none.
    pub held: bool,
    /// The person would have the turn that runs read it.
    pub urged: bool,
}

/// A message that a run was told while it worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub message: Message,
    /// Its agent says that it has. What it has not when its run is over goes to the next turn.
    pub read: bool,
}

/// What a run can still be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ear {
    /// Nothing beyond its prompt.
    #[default]
    Deaf,
    Open,
    /// Its turn is over, and its program waits for more or for the end of its input.
    Waits,
    Closed,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskResult {
    pub summary: String,
    pub outputs: Vec<String>,
    pub not_done: Vec<String>,
}

/// Money spent; what a harness did not report is counted, never guessed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spend {
    pub known: MicroUsd,
    /// What tokens tell of runs that did not report it.
    pub estimated: MicroUsd,
    /// Runs whose cost nobody knows, or not the whole of it.
    pub unknown_runs: u32,
    /// What was held for those beyond what is estimated; a budget takes it for spent, so that it holds for every harness.
    pub presumed: MicroUsd,
}

impl Spend {
    pub fn add(&mut self, other: Self) {
        self.known += other.known;
        self.estimated += other.estimated;
        self.unknown_runs += other.unknown_runs;
        self.presumed += other.presumed;
    }

    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.add(other);
        self
    }

    /// What a budget counts.
    pub fn counted(self) -> MicroUsd {
        self.known + self.estimated + self.presumed
    }
}

/// The money of a task and of all that is or was below it, kept up to date with each run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    pub spend: Spend,
    /// For runs that are not read to their end.
    pub held: MicroUsd,
    /// What those are thought to have cost so far.
    pub running: MicroUsd,
    /// The part of that by which each has passed what it holds.
    pub beyond: MicroUsd,
}

impl State {
    pub fn task(&self, id: &TaskId) -> Option<&Task> {
        self.tasks.get(id).map(AsRef::as_ref)
    }

    pub fn run(&self, id: &RunId) -> Option<&Run> {
        self.runs.get(id).map(AsRef::as_ref)
    }

    /// The goal's part of the task at the top of `task`'s tree.
    pub fn goal_of(&self, task: &Task) -> Option<&Goal> {
        self.task(&task.root)?.goal.as_ref()
    }

    /// The task's session, where it is this harness's: no other knows it.
    pub fn session_with<'a>(&self, task: &'a Task, harness: HarnessId) -> Option<&'a SessionId> {
        let whose = self.speaker(task);
        task.session.as_ref().filter(|_| whose.is_none_or(|whose| whose == harness))
    }

    /// Whose the task's session is.
    pub fn speaker(&self, task: &Task) -> Option<HarnessId> {
        let session = task.session.as_ref()?;
        let mut runs = task.runs.iter().rev().filter_map(|run| self.run(run));
        runs.find(|run| run.session.as_ref() == Some(session)).map(|run| run.harness)
    }

    /// The harness that a task's turns use.
    pub fn harness_of(&self, task: &Task) -> HarnessId {
        if let Work::Command { .. } = task.work {
            return HarnessId::Command;
        }
        // Its own choice, or that of who does it; a goal was stated with its agent, whoever does it.
        let own = |task: &Task| {
            task.harness.or_else(|| persona::own(self, task).filter(|_| !task.is_goal())?.harness)
        };
        // What is above a task chooses for it where it does not itself.
        let above = || self.ancestors(task).find_map(own);
        let goal = || self.goal_of(task).map(|goal| goal.harness);
        task.alternate.or_else(|| own(task)).or_else(above).or_else(goal).unwrap_or(HarnessId::Demo)
    }

    /// The model that the person chose for a task's turns with this harness.
    pub fn chosen_model<'a>(&self, task: &'a Task, harness: HarnessId) -> Option<&'a str> {
        // A choice is made for the task's own agent; planning and summing up may be another's.
        let own = task.alternate.is_none() && harness == self.harness_of(task);
        task.model.as_deref().filter(|name| own && is_model(name))
    }

    /// How hard the model of a task's turns with this harness thinks: the person's choice, or the usual for this size;
    /// nothing for the harness's own.
    pub fn effort_of(&self, task: &Task, harness: HarnessId, size: Size) -> Option<Effort> {
        let own = task.alternate.is_none() && harness == self.harness_of(task);
        task.effort.filter(|_| own).or_else(|| self.models.effort(harness, size))
    }

    /// The model of a task's turns with this harness: the person's choice, that of who does it, or the usual one.
    pub fn model_of<'a>(&'a self, task: &'a Task, harness: HarnessId, size: Size) -> Option<&'a str> {
        let persona = persona::of(self, task);
        let persona = persona.filter(|persona| persona.harness.is_none_or(|own| own == harness));
        let theirs = persona.and_then(|persona| persona.model.as_deref()).filter(|name| is_model(name));
        self.chosen_model(task, harness).or(theirs).or_else(|| self.usual_model(task, harness, size))
    }

    /// The model of a task's turns that nobody chose one for: its template's, or the one for this size; nothing for the
    /// harness's own.
    pub fn usual_model<'a>(&'a self, task: &'a Task, harness: HarnessId, size: Size) -> Option<&'a str> {
        let shelf =
            template_of(self, task).filter(|shelf| shelf.template.harness.is_none_or(|own| own == harness));
        let advised = shelf.and_then(|shelf| shelf.template.model.as_deref());
        advised.or_else(|| self.models.of(harness, size)).filter(|name| is_model(name))
    }

    /// The task and all below it, parents first, in plan order.
    pub fn subtree(&self, id: &TaskId) -> Vec<&Task> {
        let mut found = Vec::new();
        self.gather(id, &mut found);
        found
    }

    /// Puts the subtree behind what was found before. Without recursion: a plan from outside may be deep.
    pub(crate) fn gather<'a>(&'a self, id: &TaskId, found: &mut Vec<&'a Task>) {
        found.extend(self.walk(id));
    }

    /// A task and all below it, in the order of the tree, as far as somebody asks.
    pub fn walk<'a>(&'a self, id: &TaskId) -> impl Iterator<Item = &'a Task> + use<'a> {
        let mut stack: Vec<&Task> = self.task(id).into_iter().collect();
        std::iter::from_fn(move || {
            let task = stack.pop()?;
            stack.extend(task.children.iter().rev().filter_map(|id| self.task(id)));
            Some(task)
        })
    }

    /// Its ancestors, the parent first.
    pub fn ancestors<'a>(&'a self, task: &Task) -> impl Iterator<Item = &'a Task> + Clone + use<'a> {
        let parent = |task: &Task| task.parent.as_ref().and_then(|id| self.task(id));
        std::iter::successors(parent(task), move |task| parent(task))
    }

    /// Runs that have a process or are about to.
    pub fn active_runs(&self) -> usize {
        self.unread.iter().filter_map(|run| self.run(run)).filter(|run| run.is_active()).count()
    }

    /// There is no room for anything new: what is started would fail, and take others with it.
    pub fn is_full(&self) -> bool {
        self.disk.room == Room::None || self.memory.room == Room::None
    }

    /// The run that a task is in the middle of.
    pub fn current(&self, task: &Task) -> Option<&Run> {
        task.current.as_ref().and_then(|run| self.run(run))
    }
}

impl Task {
    /// As it was chosen, if it was.
    pub fn chosen_size(&self) -> Option<Size> {
        (self.sized == SizedBy::Chosen).then_some(self.size)
    }

    /// "4.2"; empty for a goal.
    pub fn number_text(&self) -> String {
        let mut text = String::new();
        for part in &self.number {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(&part.to_string());
        }
        text
    }

    /// Whether the person said something that wants a turn. To a task of their own they say notes, for whoever does it.
    pub fn is_spoken_to(&self) -> bool {
        !self.is_by_hand() && self.queue.iter().any(|message| !message.held)
    }

    /// The person does it, without an agent. What has parts is done by them, and summed up by an agent.
    pub fn is_by_hand(&self) -> bool {
        self.mode == Mode::Manual && !self.is_group() && !self.is_goal() && !self.is_planned()
    }

    pub fn is_goal(&self) -> bool {
        self.goal.is_some()
    }

    pub fn is_group(&self) -> bool {
        !self.children.is_empty()
    }

    /// When it is done anew, if it is.
    pub fn again(&self) -> Option<Millis> {
        let repeat = self.schedule.repeat.filter(|_| self.standing == Standing::Completed)?;
        (!self.is_goal() && !self.is_group()).then(|| self.since + repeat)
    }

    /// Nothing more happens to it by itself, unless it is done anew.
    pub fn is_over(&self) -> bool {
        match self.standing {
            Standing::Completed
            | Standing::Failed { .. }
            | Standing::Cancelled
            | Standing::Removed { .. } => true,
            Standing::Proposed
            | Standing::Open
            | Standing::Asked { .. }
            | Standing::Yielded
            | Standing::Limited { .. }
            | Standing::Claimed => false,
        }
    }
}
