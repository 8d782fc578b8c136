//! The log's entries: everything that ever happens. Entries are facts, intents and orders; a status is
//! never one of them. A kind that this version does not know is kept as its raw text and ignored.

mod authority;
mod outcome;
mod purpose;

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use shared_derive::FromJson;

use crate::agent::{AgentEvent, FoundAgent, HarnessId, TurnReport};
use crate::context::Cut;
use crate::evidence::{Check, CommitOutcome};
use crate::id::{ClientId, ListId, MessageId, PersonaId, ProjectId, RuleId, RunId, TaskId, TemplateId};
use crate::limits::Limits;
use crate::list::TaskList;
use crate::models::Models;
use crate::permission::{Answer, Permit, Rule};
use crate::persona::Persona;
use crate::plan::{Access, PlanEdit, PlannedTask, Size};
use crate::run::{Pipes, Resources, RunEnd, RunSpec, Signal, Window};
use crate::template::{Guided, Template};
use crate::unit::{Bytes, Epoch, MicroUsd, Millis, Seq};
use crate::worktree::Worktree;

pub use self::authority::Authority;
pub use self::outcome::Outcome;
pub use self::purpose::Purpose;

/// One entry of the log. `seq` and `at` are given by the bridge when it commits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub seq: Seq,
    pub at: Millis,
    pub actor: Actor,
    /// Nothing for what concerns the whole bridge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    pub body: Body,
}

/// An entry before its commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    pub body: Body,
}

impl Draft {
    pub fn new(project: Option<ProjectId>, kind: Kind) -> Self {
        Self { project, body: Body::Known(Box::new(kind)) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Actor {
    Person {
        client: ClientId,
    },
    /// The holder of the baton.
    Conductor {
        epoch: Epoch,
    },
    Bridge,
}

/// A known kind, or the raw JSON of one that is not.
#[derive(Debug, Clone)]
pub enum Body {
    Known(Box<Kind>),
    Unknown(Box<RawValue>),
}

impl Body {
    pub fn known(&self) -> Option<&Kind> {
        match self {
            Self::Known(kind) => Some(kind),
            Self::Unknown(_) => None,
        }
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(a), Self::Known(b)) => a == b,
            (Self::Unknown(a), Self::Unknown(b)) => a.get() == b.get(),
            (Self::Known(_), Self::Unknown(_)) | (Self::Unknown(_), Self::Known(_)) => false,
        }
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(kind) => kind.serialize(serializer),
            Self::Unknown(raw) => raw.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match serde_json::from_str(raw.get()) {
            Ok(kind) => Ok(Self::Known(Box::new(kind))),
            // A newer version's kind, or a known kind with a shape that this version does not read.
            Err(_) => Ok(Self::Unknown(raw)),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, FromJson)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    // A person's intents.
    ProjectOpened {
        /// Absolute path on the bridge's machine.
        folder: String,
        name: String,
    },
    /// What each task of the project is told when it begins, in Markdown; the log keeps what it was before.
    MemorySet {
        text: String,
    },
    GoalStated {
        task: TaskId,
        text: String,
        harness: HarnessId,
        #[serde(default)]
        access: Access,
    },
    MessageSent {
        task: TaskId,
        message: MessageId,
        text: String,
        /// The run whose question this answers; of several answers from different clients the first one counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answers: Option<RunId>,
    },
    /// A message that waits is told to the turn that runs, where its agent can be told anything while it works.
    MessageUrged {
        task: TaskId,
        message: MessageId,
    },
    /// Takes back a message that no turn has carried yet.
    MessageWithdrawn {
        task: TaskId,
        message: MessageId,
    },
    /// What a run asks to be allowed is answered; the first answer counts.
    PermissionAnswered {
        run: RunId,
        request: String,
        permit: Permit,
        /// To the agent, where it is denied; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        word: String,
    },
    /// A rule about what agents may do; the same id again changes it.
    RuleSaved {
        rule: Rule,
    },
    RuleRemoved {
        rule: RuleId,
    },
    PlanEdited {
        goal: TaskId,
        edit: PlanEdit,
    },
    /// A plan of the person's own, in the place of a planner's.
    PlanGiven {
        goal: TaskId,
        reply: String,
        tasks: Vec<PlannedTask>,
    },
    /// A planner is to split the task, or to plan what is below it again.
    PlanWanted {
        task: TaskId,
    },
    /// Of a goal, or of a task below it that is split or planned again.
    PlanApproved {
        goal: TaskId,
        version: u32,
    },
    /// What is below the task stays as it was before it was planned.
    PlanRejected {
        task: TaskId,
        version: u32,
    },
    /// Stops the task and all below it.
    TaskStopped {
        task: TaskId,
    },
    /// A fresh attempt in a new session.
    TaskRetried {
        task: TaskId,
    },
    /// The run that is under way is ended, and its task goes back to the queue with a new session and what the person
    /// wrote for that turn. Means nothing where nothing runs.
    TaskRequeued {
        task: TaskId,
    },
    /// The task's agent, or its command, gets a terminal of its own, for the person to work in. Means nothing where
    /// something of the task runs.
    TerminalOpened {
        task: TaskId,
        window: Window,
    },
    /// Typed into a run's terminal: text and the escape sequences of keys. An order, too: nobody has to decide it.
    TerminalTyped {
        run: RunId,
        text: String,
    },
    /// Another size for a run's terminal, likewise.
    TerminalResized {
        run: RunId,
        window: Window,
    },
    /// The program on the terminal is to end; its task stays as it is.
    TerminalClosed {
        run: RunId,
    },
    /// Takes the turn that was cut short up again now, instead of at its time.
    TaskResumed {
        task: TaskId,
    },
    /// The person says that a task is done.
    TaskAccepted {
        task: TaskId,
        /// What came of it, where the person says more; its result until then stays where these are empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        words: String,
    },
    /// The person says that a task which is theirs to do cannot be done.
    TaskGivenUp {
        task: TaskId,
        why: String,
    },
    /// Give up what is left of a goal and summarise.
    GoalClosed {
        goal: TaskId,
    },
    /// Hides a goal from the lists; nothing is deleted.
    GoalArchived {
        goal: TaskId,
    },
    /// Puts an archived goal back in the lists.
    GoalRestored {
        goal: TaskId,
    },
    LimitsSet {
        limits: Limits,
    },
    ModelsSet {
        models: Models,
    },

    /// A template of the library; the same id again is its next version.
    TemplateSaved {
        template: Template,
    },
    /// It is offered no more.
    TemplateRetired {
        template: TemplateId,
    },
    /// An agent of the person's own; the same id again changes it.
    PersonaSaved {
        persona: Persona,
    },
    /// It is offered no more.
    PersonaRetired {
        persona: PersonaId,
    },
    /// Tasks that are kept to be run again and again; the same id again changes them.
    ListSaved {
        list: TaskList,
    },
    /// It is offered no more.
    ListRetired {
        list: ListId,
    },

    // The conductor's decisions and orders.
    RunRequested {
        run: RunId,
        task: TaskId,
        purpose: Purpose,
        harness: HarnessId,
        /// What the person wrote that this turn carries.
        #[serde(default)]
        carries: Vec<MessageId>,
        /// Money of its task's budget, and of those above, that is held for it until it is read.
        #[serde(default)]
        holds: Option<MicroUsd>,
        /// As it is named to the harness; nothing for the harness's own choice.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        spec: RunSpec,
    },
    /// A run that was ordered works by these guidelines; they stand in its words.
    RunGuided {
        run: RunId,
        by: Guided,
    },
    /// The words of a run that was ordered were more than a turn may have; this was cut.
    RunTrimmed {
        run: RunId,
        task: TaskId,
        cuts: Vec<Cut>,
    },
    /// A run that was ordered begins a session as this agent; what it is like stands in its words.
    RunCast {
        run: RunId,
        persona: PersonaId,
    },
    /// Another one than was chosen reviews by this run, and why.
    ReviewerReplaced {
        run: RunId,
        task: TaskId,
        why: String,
    },
    /// What the words, the agent and the folder of a run that was ordered come to. What one run came to may stand for
    /// another with the same key.
    RunKeyed {
        run: RunId,
        key: String,
    },
    InputSent {
        run: RunId,
        text: String,
        /// What the person wrote that this is; it goes to the next turn where the run ends before it was read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
        /// What it asked to be allowed, and this answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answers: Option<Answer>,
    },
    /// It is told nothing more; a program without a terminal comes to the end of its input.
    InputClosed {
        run: RunId,
    },
    SignalSent {
        run: RunId,
        signal: Signal,
        /// Whose budget is used up by what the run is thought to have cost, or another cap, where that is why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        budget: Option<TaskId>,
    },
    /// For a goal, or for a task below it: by a planner, or by its own worker.
    PlanProposed {
        goal: TaskId,
        run: RunId,
        version: u32,
        /// The planner's words about it.
        reply: String,
        tasks: Vec<PlannedTask>,
    },
    /// The plan is carried out as it was proposed, because the goal's preset says so.
    PlanAdopted {
        goal: TaskId,
        version: u32,
    },
    /// The planner's answer was no plan; its problems went back to it, or to the person.
    PlanRefused {
        goal: TaskId,
        run: RunId,
        problems: Vec<String>,
    },
    /// How hard a task is that nobody gave a size: by a rule, or by what a model said that was asked.
    TaskSized {
        task: TaskId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
        size: Size,
        why: String,
    },
    TaskSettled {
        task: TaskId,
        #[serde(default)]
        run: Option<RunId>,
        outcome: Outcome,
    },
    /// An agent says that its task is done. What its evidence wants comes next.
    WorkClaimed {
        task: TaskId,
        run: RunId,
        summary: String,
        #[serde(default)]
        outputs: Vec<String>,
        #[serde(default)]
        not_done: Vec<String>,
    },
    /// What the task's folder came to before its work began.
    BaseTaken {
        task: TaskId,
        run: RunId,
        print: String,
    },
    /// What the task's folder came to after its work; empty where it could not be looked at.
    AfterTaken {
        task: TaskId,
        run: RunId,
        print: String,
    },
    /// The task is done without a run of its own: `from` did the same in a folder that is as it was, and changed nothing.
    ResultReused {
        task: TaskId,
        from: RunId,
        summary: String,
        #[serde(default)]
        outputs: Vec<String>,
        #[serde(default)]
        not_done: Vec<String>,
    },
    /// A check of a task's work was made by `run`, which is the work itself where its words say enough.
    TaskChecked {
        task: TaskId,
        run: RunId,
        check: Check,
        /// Nothing where it holds.
        #[serde(default)]
        problem: Option<String>,
    },
    /// Another agent's word about a task's work.
    TaskReviewed {
        task: TaskId,
        run: RunId,
        summary: String,
        /// None where it passes.
        #[serde(default)]
        findings: Vec<String>,
    },
    /// What a task made was committed, or is not, after all else was shown.
    TaskCommitted {
        task: TaskId,
        run: RunId,
        outcome: CommitOutcome,
    },
    /// Something of a run's output that others than the open conversation need. `line` is where it stands.
    AgentSpoke {
        run: RunId,
        line: u64,
        event: AgentEvent,
    },
    /// A run's output was read to its end.
    TurnRead {
        run: RunId,
        /// Shared by all that fold it: an agent's answer may be long.
        report: Arc<TurnReport>,
    },

    // The bridge's facts.
    BridgeStarted {
        version: String,
        pid: u32,
    },
    AgentsFound {
        agents: Vec<FoundAgent>,
    },
    BatonGranted {
        client: ClientId,
        epoch: Epoch,
    },
    RunStarted {
        run: RunId,
        pid: u32,
        /// The process's start time as the system counts it (Linux: clock ticks since boot); with the pid it names the process.
        started: u64,
    },
    RunEnded {
        run: RunId,
        end: RunEnd,
        /// Lines of output stored in all; the reader is done when it has read as many.
        lines: u64,
        #[serde(default)]
        pipes: Pipes,
        /// Nothing where nobody saw its end, and on Windows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        used: Option<Resources>,
    },
    /// No output for as long as the run's limits say.
    RunSilent {
        run: RunId,
        since: Millis,
    },
    /// It was silent and writes again.
    RunHeard {
        run: RunId,
    },
    /// The setting for retention took a run's output away. What the log tells of the run stays.
    OutputRemoved {
        run: RunId,
        /// Lines that were there.
        lines: u64,
    },
    /// The room on the data folder's disk became another.
    DiskMeasured {
        room: Room,
        /// That a run can still use.
        free: Bytes,
    },
    /// The memory of the bridge's machine became another.
    MemoryMeasured {
        room: Room,
        /// That a new program could have.
        free: Bytes,
    },
    /// The processes of a run came to hold more memory than the bridge's configuration has for normal, or less again.
    RunWeighed {
        run: RunId,
        memory: Bytes,
        heavy: bool,
    },
    /// A worktree is in the bridge's keeping: it was made, found and taken in, or brought back.
    WorktreeMade {
        worktree: Worktree,
        /// What it was asked for, in the words of who asked; empty where it was found.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        purpose: String,
        /// The device that asked; nothing for the person at the bridge's own machine.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<String>,
    },
    /// It was taken away at a person's word, after all in it that was not committed was.
    WorktreeRemoved {
        /// Its top.
        path: String,
        /// The commit that holds what was not committed; nothing where all was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        snapshot: Option<String>,
        /// What was checked out; nothing where that was a commit and no branch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        /// The commit that was checked out.
        head: String,
        /// The device that asked; nothing for the person at the bridge's own machine.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<String>,
    },
}

/// How much room a disk or the memory has left, by the bounds of the bridge's configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Room {
    #[default]
    Plenty,
    /// The person should make some.
    Little,
    /// Nothing new is started.
    None,
}
