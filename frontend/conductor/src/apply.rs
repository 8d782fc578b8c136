//! The fold: one entry changes the state. It cannot fail and holds no policy; an entry that no longer fits
//! (a message to a task that is gone, an edit that another edit made impossible) changes nothing.

use std::sync::Arc;

use shared::agent::{AgentEvent, HarnessId};
use shared::context::{Charter, MEMORY};
use shared::entry::{Authority, Entry, Kind, Outcome, Purpose};
use shared::evidence::Check;
use shared::id::{ProjectId, RunId, TaskId};
use shared::plan::{Mode, PlannedTask, Size};
use shared::run::{Resources, RunEnd, Stdin};
use shared::unit::{MicroUsd, Millis};

use crate::planning::Planning;
use crate::proof::Proof;
use crate::state::{
    Baton, Disk, Ear, Goal, Halt, Memory, Message, Paid, Phase, Project, Run, Standing, State, Task,
    TaskResult, Verdict, Vitals,
};
use crate::terminal;
use crate::worktree::{Kept, Removed};

mod account;
mod altered;
mod answered;
mod copied;
mod health;
mod library;
mod permitted;
mod planned;
mod proven;
mod read;
mod replanned;
mod requeued;
mod said;
mod standing;
mod told;

pub use altered::Changed;
pub use answered::{Answer, answers};
pub use said::{KEPT, Said};

/// Folds the next entry in. Entries come in order; one that was folded before is ignored.
pub fn apply(state: &mut State, entry: &Entry) {
    if entry.seq <= state.seq {
        return;
    }
    state.seq = entry.seq;
    match entry.body.known() {
        Some(kind) => state.fold(entry, kind),
        None => state.unknown += 1,
    }
}

impl State {
    fn fold(&mut self, entry: &Entry, kind: &Kind) {
        let at = entry.at;
        if kind.authority() == Authority::Person {
            self.outages.unattended = MicroUsd(0);
        }
        match kind {
            Kind::ProjectOpened { folder, name } => {
                if let Some(id) = &entry.project {
                    let known = self.projects.remove(id).map(|known| (known.memory, known.remembered));
                    let ((memory, remembered), folder, name) =
                        (known.unwrap_or_default(), folder.clone(), name.clone());
                    let project = Project { folder, name, opened: at, memory, remembered };
                    self.projects.insert(id.clone(), project);
                }
            }
            Kind::MemorySet { text } if text.len() <= MEMORY => {
                // What is said in a worktree holds for the project that it stands in for.
                let home = entry.project.as_ref().and_then(|id| Some(self.home(id)?.0.clone()));
                let project = home.and_then(|id| self.projects.get_mut(&id));
                if let Some(project) = project.filter(|project| project.memory != *text) {
                    (project.memory, project.remembered) = (text.clone(), entry.seq);
                }
            }
            Kind::GoalStated { task, text, harness, access } => {
                if let (Some(project), None) = (&entry.project, self.task(task)) {
                    let goal = Goal::new(*harness, *access);
                    self.goals.push(task.clone());
                    self.enter(Task::goal(task, project, text, goal, at));
                }
            }
            Kind::MessageSent { task, message, text, answers } => {
                let (id, text) = (message.clone(), text.clone());
                let message = Message { id, text, at, held: false, urged: false };
                self.write(task, message, answers.as_ref(), &entry.actor);
            }
            Kind::MessageUrged { task, message } => self.urge_message(task, message),
            Kind::MessageWithdrawn { task, message } => self.with(task, |task| task.withdraw(message)),
            Kind::PermissionAnswered { run, request, permit, word } => {
                self.say_permit(run, request, *permit, word)
            }
            Kind::RuleSaved { rule } => self.rule(rule),
            Kind::RuleRemoved { rule } => {
                self.rules.remove(rule);
            }
            Kind::PlanEdited { goal, edit } => self.edit(goal, edit, at),
            Kind::PlanGiven { goal, reply, tasks } => self.give(goal, reply, tasks, at),
            Kind::PlanWanted { task } => self.want_plan(task, at),
            Kind::PlanRejected { task, version } => {
                if self
                    .task(task)
                    .and_then(|task| task.planning.as_ref())
                    .is_some_and(|it| it.version == *version)
                {
                    self.reject(task, at);
                }
            }
            Kind::PlanApproved { goal, version } | Kind::PlanAdopted { goal, version } => {
                self.approve(goal, *version, at)
            }
            Kind::TaskStopped { task } => self.stop(task, at),
            Kind::TaskRetried { task } => self.retry(task, at),
            Kind::TaskRequeued { task } => self.requeue(task),
            Kind::TerminalOpened { task, window } => {
                let wanted = self.task(task).is_some_and(|task| terminal::may_open(self, task).is_ok());
                self.with(task, |task| task.terminal = wanted.then(|| window.bounded()));
            }
            Kind::TerminalResized { run, window } => self.with_run(run, |run| {
                run.window.iter_mut().for_each(|known| *known = window.bounded());
            }),
            Kind::TerminalClosed { run } => {
                if let Some(run) = self.runs.get(run).cloned() {
                    self.with(&run.task, |task| task.close_terminal(&run));
                }
            }
            Kind::TaskResumed { task } => self.with(task, |task| task.urge(at)),
            Kind::TaskAccepted { task, words } => {
                // What was thought of for it is not needed any more.
                if self.task(task).is_some_and(|task| task.current.is_none()) {
                    self.reject(task, at);
                }
                self.with(task, |task| task.accept(words, at));
            }
            Kind::TaskGivenUp { task, why } => self.with(task, |task| task.give_up(why, at)),
            Kind::GoalClosed { goal } => self.close(goal, at),
            Kind::GoalArchived { goal } => self.with_goal(goal, |goal| goal.archived = Some(at)),
            Kind::GoalRestored { goal } => self.with_goal(goal, |goal| goal.archived = None),
            Kind::LimitsSet { limits } => {
                if limits.caps.is_less(self.limits.caps) {
                    self.capped = at;
                }
                if limits.quiet != self.limits.quiet {
                    self.quieted = at;
                }
                self.limits = limits.clone();
                self.outages.mark(limits.breaker, at);
            }
            Kind::ModelsSet { models } => self.models = models.clone(),
            Kind::TemplateSaved { template } => self.shelve(template),
            Kind::TemplateRetired { template } => {
                self.templates.get_mut(template).into_iter().for_each(|shelf| shelf.retired = true)
            }
            Kind::PersonaSaved { persona } => self.cast(persona),
            Kind::PersonaRetired { persona } => {
                self.personas.get_mut(persona).into_iter().for_each(|known| known.retired = true)
            }
            Kind::ListSaved { list } => self.keep_list(list),
            Kind::ListRetired { list } => {
                self.lists.get_mut(list).into_iter().for_each(|known| known.retired = true)
            }
            Kind::RunCast { run, persona } => self.with_run(run, |run| run.persona = Some(persona.clone())),
            Kind::ReviewerReplaced { run, why, .. } => {
                self.with_run(run, |run| run.replaced = Some(why.clone()))
            }
            Kind::RunGuided { run, by } => self.with_run(run, |run| run.guided = Some(by.clone())),
            Kind::RunTrimmed { run, cuts, .. } => self.with_run(run, |run| run.cuts.clone_from(cuts)),
            Kind::RunRequested { run, task, purpose, harness, carries, holds, model, spec } => {
                let run = Run::requested(run, task, *purpose, *harness, at);
                let check = Check::made_by(spec).filter(|_| *purpose == Purpose::Check);
                let (carries, ordered) = (carries.clone(), model.clone());
                let listens = matches!(spec.stdin, Stdin::Open { .. } | Stdin::Dialog { .. });
                let ear = if listens { Ear::Open } else { Ear::Deaf };
                let home = self.task(task).and_then(|task| self.projects.get(&task.project));
                let elsewhere = home.is_some_and(|home| home.folder != spec.cwd);
                let folder = elsewhere.then(|| spec.cwd.clone());
                let window = match spec.stdin {
                    Stdin::Pty { window } => Some(window.bounded()),
                    Stdin::Null
                    | Stdin::Text { .. }
                    | Stdin::Pipe
                    | Stdin::Open { .. }
                    | Stdin::Dialog { .. } => None,
                };
                let seq = entry.seq;
                self.request(Run { seq, carries, ordered, holds: *holds, check, folder, ear, window, ..run });
            }
            Kind::RunKeyed { run, key } => self.with_run(run, |run| run.key = Some(key.clone())),
            Kind::InputSent { run, message, answers, .. } => {
                message.iter().for_each(|message| self.tell(run, message));
                answers.iter().for_each(|answer| self.answer_ask(run, answer, at));
            }
            Kind::InputClosed { run } => self.with_run(run, |run| run.ear = Ear::Closed),
            Kind::SignalSent { run, budget, .. } => self.with_run(run, |run| {
                run.signalled.get_or_insert(at);
                run.overdrew.clone_from(budget);
            }),
            Kind::PlanProposed { goal, reply, tasks, version, .. } => {
                self.propose(goal, *version, reply, tasks, at)
            }
            Kind::PlanRefused { goal, run, problems } => self.refuse_plan(goal, run, problems),
            Kind::WorkClaimed { task, summary, outputs, not_done, .. } => {
                let (summary, outputs, not_done) = (summary.clone(), outputs.clone(), not_done.clone());
                self.claim(task, TaskResult { summary, outputs, not_done }, at);
            }
            Kind::BaseTaken { task, print, .. } => self.take_base(task, print),
            Kind::AfterTaken { task, run, print } => self.take_after(task, run, print, at),
            Kind::ResultReused { task, from, summary, outputs, not_done } => {
                let (summary, outputs, not_done) = (summary.clone(), outputs.clone(), not_done.clone());
                self.reuse(task, from, TaskResult { summary, outputs, not_done }, at);
            }
            Kind::TaskChecked { task, run, check, problem } => {
                self.check(task, run, check, problem.as_ref(), at)
            }
            Kind::TaskReviewed { task, run, summary, findings } => {
                self.review(task, run, summary, findings, at)
            }
            Kind::TaskSized { task, run, size, why } => {
                self.with(task, |task| task.find(*size, why, run.as_ref()))
            }
            Kind::TaskCommitted { task, run, outcome } => self.committed(task, run, outcome, at),
            Kind::TaskSettled { task, outcome, run } => {
                let requeued = self.task(task).is_some_and(|task| task.stop == Some(Halt::Requeued));
                if requeued {
                    self.begin_in_line(task, at);
                } else {
                    self.with(task, |task| {
                        task.settle(outcome, at);
                        if matches!(outcome, Outcome::Asked { .. }) {
                            task.asked.clone_from(run);
                        }
                    });
                }
                run.iter().for_each(|run| self.with_run(run, |run| run.verdict = verdict(outcome)));
            }
            Kind::AgentSpoke { run, line, event } => {
                self.feel(run, event, at);
                self.hear(run, *line, event, at);
            }
            Kind::TurnRead { run, report } => self.read(run, report),
            Kind::AgentsFound { agents } => self.agents.clone_from(agents),
            Kind::BatonGranted { client, epoch } => {
                self.baton = Some(Baton { holder: client.clone(), epoch: *epoch });
            }
            Kind::RunStarted { run, .. } => self.with_run(run, |run| {
                if run.phase == Phase::Requested {
                    run.phase = Phase::Running { started: at };
                    run.vitals.moved = at;
                }
            }),
            Kind::RunEnded { run, end, lines, used, .. } => {
                self.with_run(run, |run| run.end(end, *lines, *used, at));
            }
            Kind::OutputRemoved { run, .. } => self.with_run(run, |run| run.removed = Some(at)),
            Kind::DiskMeasured { room, free } => self.disk = Disk { room: *room, free: *free },
            Kind::MemoryMeasured { room, free } => self.memory = Memory { room: *room, free: *free },
            Kind::RunSilent { run, since } => self.with_run(run, |run| run.vitals.silent = Some(*since)),
            Kind::RunHeard { run } => self.with_run(run, |run| run.vitals.silent = None),
            Kind::RunWeighed { run, memory, heavy } => {
                self.with_run(run, |run| run.vitals.heavy = heavy.then_some(*memory))
            }
            Kind::WorktreeMade { worktree, purpose, device } => {
                let (worktree, purpose, device) = (worktree.clone(), purpose.clone(), device.clone());
                self.keep_worktree(Kept { worktree, purpose, device, since: at, removed: None });
            }
            Kind::WorktreeRemoved { path, snapshot, branch, head, .. } => {
                let (snapshot, branch, head) = (snapshot.clone(), branch.clone(), head.clone());
                self.lose_worktree(path, Removed { at, snapshot, branch, head });
            }
            Kind::MemorySet { .. } | Kind::BridgeStarted { .. } | Kind::TerminalTyped { .. } => {}
        }
    }

    fn with_goal(&mut self, id: &TaskId, change: impl FnOnce(&mut Goal)) {
        self.with(id, |task| {
            if let Some(goal) = &mut task.goal {
                change(goal);
            }
        });
    }

    fn with_planning(&mut self, id: &TaskId, change: impl FnOnce(&mut Planning)) {
        self.with(id, |task| {
            if let Some(planning) = &mut task.planning {
                change(planning);
            }
        });
    }

    fn with_run(&mut self, id: &RunId, change: impl FnOnce(&mut Run)) {
        if let Some(run) = self.runs.get_mut(id) {
            change(Arc::make_mut(run));
        }
    }

    fn request(&mut self, mut run: Run) {
        if self.runs.contains_key(&run.id) {
            return;
        }
        // What goes on with a session goes on by its guidelines, and as who began it.
        let last = self.task(&run.task).and_then(|task| self.run(task.runs.last()?));
        let mut persona = self.speaks_as(&run);
        let mut guided = last.and_then(|run| run.guided.clone());
        let knows = |task: &Arc<Task>| self.session_with(task, run.harness).is_some();
        let strange = run.purpose.is_conversation() && !self.tasks.get(&run.task).is_some_and(knows);
        self.with(&run.task.clone(), |task| {
            // Done before and nothing was written: it is done anew.
            let begins = matches!(run.purpose, Purpose::Work | Purpose::Base);
            if begins && task.again().is_some() && run.carries.is_empty() {
                task.attempt += 1;
                task.session = None;
                task.said.clear();
                task.proof = Proof::default();
                task.start_over();
                (task.failure, task.diagnosis) = (String::new(), None);
                task.planning.iter_mut().for_each(|planning| planning.refusals = 0);
            }
            task.session.take_if(|_| strange);
            run.attempt = task.attempt;
            run.guided = guided.take_if(|_| task.session.is_some());
            run.persona = persona.take_if(|_| task.session.is_some());
            task.runs.push(run.id.clone());
            task.current = Some(run.id.clone());
            task.hand_on(&run);
            task.doing.clear();
            task.urged = false;
            task.terminal = None;
            task.reused = None;
            task.prove(run.purpose, !run.carries.is_empty(), run.requested);
            match run.purpose {
                Purpose::Diagnose | Purpose::Classify | Purpose::Terminal => {}
                Purpose::Talk => match task.standing {
                    // The question is answered, and its parts go on.
                    Standing::Asked { .. } | Standing::Yielded => task.stand(Standing::Open, run.requested),
                    _ => {}
                },
                // What is over begins again with the words that it then carries, if they are not taken back.
                Purpose::Base if task.again().is_none() && !task.is_on_its_way() => {}
                Purpose::Plan | Purpose::Work | Purpose::Summary | Purpose::Base | Purpose::Repair => {
                    task.stand(Standing::Open, run.requested);
                }
                Purpose::Check | Purpose::Review | Purpose::Commit | Purpose::After => {}
            }
        });
        self.hold(&run);
        self.unread.push(run.id.clone());
        self.runs.insert(run.id.clone(), Arc::new(run));
    }

    fn hear(&mut self, id: &RunId, line: u64, event: &AgentEvent, at: Millis) {
        let Some(run) = self.runs.get_mut(id) else { return };
        let run = Arc::make_mut(run);
        run.read_through = run.read_through.max(Some(line));
        match event {
            AgentEvent::Session { session, model, version } => {
                run.model.clone_from(model);
                run.session = Some(session.clone());
                run.version.clone_from(version);
                // A look at the work is no part of the task's conversation.
                if run.purpose.is_conversation() {
                    let (task, session) = (run.task.clone(), session.clone());
                    self.with(&task, |task| task.hear(session));
                }
            }
            AgentEvent::ToolCall { tool, title, .. } => {
                let (task, doing) = (run.task.clone(), format!("{tool} {title}"));
                self.with(&task, |task| task.doing = doing);
            }
            AgentEvent::Retrying { message, .. } => {
                let (task, doing) = (run.task.clone(), format!("Trying again: {message}"));
                self.with(&task, |task| task.doing = doing);
            }
            AgentEvent::Usage { tokens, scope, cost } => {
                self.use_tokens(id, *tokens, *scope);
                cost.iter().for_each(|cost| self.with_run(id, |run| run.pay(*cost)));
                self.reckon(id);
            }
            AgentEvent::Progress { progress } => {
                run.progress = *progress;
                self.reckon(id);
            }
            AgentEvent::Told { message } => self.has_read(id, message),
            AgentEvent::PermissionAsked { ask } => self.asked(id, ask, at),
            AgentEvent::PermissionWithdrawn { request } => self.withdraw_ask(id, request),
            AgentEvent::TurnBegan { turn } => run.turn = Some(turn.clone()),
            AgentEvent::TurnEnded { .. } => run.listened(),
            AgentEvent::TextDelta { .. }
            | AgentEvent::ThinkingDelta { .. }
            | AgentEvent::Message { .. }
            | AgentEvent::Thinking { .. }
            | AgentEvent::ToolResult { .. }
            | AgentEvent::PermissionDenied { .. }
            | AgentEvent::RateLimit { .. }
            | AgentEvent::Notice { .. }
            | AgentEvent::Line { .. }
            | AgentEvent::Unknown { .. } => {}
        }
    }

    /// Stops the task and all below it.
    fn stop(&mut self, id: &TaskId, at: Millis) {
        let ids: Vec<TaskId> = self.subtree(id).into_iter().map(|task| task.id.clone()).collect();
        for id in ids {
            self.with(&id, |task| task.halt(at));
            self.halt_away(&id, at);
        }
    }

    /// A fresh attempt of the task, and of what failed or was stopped below it.
    fn retry(&mut self, id: &TaskId, at: Millis) {
        let below = self.subtree(id).into_iter().map(|task| (task.id.clone(), self.is_agreed(task)));
        for (below, agreed) in below.collect::<Vec<_>>() {
            self.with(&below, |task| {
                let again =
                    below == *id || matches!(task.standing, Standing::Failed { .. } | Standing::Cancelled);
                if again
                    && task.current.is_none()
                    && !matches!(task.standing, Standing::Proposed | Standing::Removed { .. })
                {
                    task.begin_again_where(agreed, at);
                }
            });
        }
        self.with_goal(id, Goal::go_on);
        self.reopen(id, at);
    }

    /// What a task is a part of is not over, or put away, while the task is to be done, once or once more.
    fn reopen(&mut self, id: &TaskId, at: Millis) {
        let to_do = |task: &&Task| !task.is_over() || task.again().is_some();
        let Some(task) = self.task(id).filter(to_do) else { return };
        if self.task(&task.root).is_some_and(Task::is_planned) {
            return;
        }
        let above: Vec<TaskId> = self.ancestors(task).map(|task| task.id.clone()).collect();
        for id in above {
            self.with_goal(&id, Goal::go_on);
            let current = self.task(&id).and_then(|task| self.current(task)).map(|run| run.purpose);
            // Talk, and a planner whom nobody waits for any more, come to nothing by themselves.
            let idle = matches!(current, None | Some(Purpose::Talk | Purpose::Plan));
            self.with(&id, |task| {
                // What its agent said of it was said before this.
                let asked = task.mode == Mode::Manual && task.standing == Standing::Yielded;
                let over = task.is_over() && idle;
                if over && task.stop == Some(Halt::Stopped) {
                    // Its turn ends, and it does not.
                    task.stop = Some(Halt::Closed);
                }
                if over || asked && current.is_none() || task.standing == Standing::Claimed {
                    task.stand(Standing::Open, at);
                }
            });
        }
    }

    fn close(&mut self, goal: &TaskId, at: Millis) {
        // What else could be done is not asked any more.
        self.reject(goal, at);
        if !self.task(goal).is_some_and(|task| task.is_goal() && !task.is_planned()) {
            // There is nothing to sum up.
            return self.stop(goal, at);
        }
        let below: Vec<TaskId> = self.subtree(goal).into_iter().skip(1).map(|task| task.id.clone()).collect();
        for id in below {
            self.with(&id, |task| task.halt(at));
        }
        self.with_goal(goal, |goal| goal.closing = Some(at));
    }
}

impl Goal {
    fn new(harness: HarnessId, access: shared::plan::Access) -> Self {
        let (preset, charter) = (shared::evidence::Preset::default(), Charter::default());
        Self { harness, access, preset, charter, closing: None, archived: None }
    }

    /// It is neither closed nor put away while something in it is to be done: whoever is asked there is to see that.
    fn go_on(&mut self) {
        (self.closing, self.archived) = (None, None);
    }
}

impl Task {
    /// As a task of a plan, but that nothing is above it and nobody has to approve it.
    fn goal(id: &TaskId, project: &ProjectId, text: &str, goal: Goal, at: Millis) -> Self {
        let planned = PlannedTask {
            size: Some(Size::Heavy),
            ..PlannedTask::new(id.clone(), id.clone(), title_of(text), text.to_owned())
        };
        let task = Self::planned(&planned, id, project, Vec::new(), at);
        let planning = Some(Planning::default());
        Self { parent: None, goal: Some(goal), planning, standing: Standing::Open, ..task }
    }
}

impl Run {
    fn requested(id: &RunId, task: &TaskId, purpose: Purpose, harness: HarnessId, at: Millis) -> Self {
        Self {
            id: id.clone(),
            task: task.clone(),
            purpose,
            harness,
            attempt: 0,
            carries: Vec::new(),
            ear: Ear::Deaf,
            turn: None,
            told: Vec::new(),
            asks: Vec::new(),
            holds: None,
            ordered: None,
            check: None,
            requested: at,
            seq: shared::unit::Seq::default(),
            phase: Phase::Requested,
            signalled: None,
            read_through: None,
            removed: None,
            used: None,
            tokens: shared::agent::Tokens::default(),
            progress: shared::agent::Progress::default(),
            paid: Paid::default(),
            estimate: None,
            overdrew: None,
            session: None,
            model: None,
            version: None,
            vitals: Vitals { moved: at, ..Vitals::default() },
            guided: None,
            cuts: Vec::new(),
            key: None,
            persona: None,
            replaced: None,
            folder: None,
            window: None,
            verdict: None,
        }
    }

    fn end(&mut self, end: &RunEnd, lines: u64, used: Option<Resources>, at: Millis) {
        let started = match self.phase {
            Phase::Requested => None,
            Phase::Running { started } => Some(started),
            Phase::Ended { .. } | Phase::Read { .. } => return,
        };
        self.phase = Phase::Ended { started, at, end: end.clone(), lines };
        self.used = used;
    }
}

fn verdict(outcome: &Outcome) -> Option<Verdict> {
    match outcome {
        Outcome::Completed { .. } => Some(Verdict::Completed),
        Outcome::Failed { class, .. } => Some(Verdict::Failed(*class)),
        Outcome::Asked { .. } | Outcome::Yielded { .. } | Outcome::Limited { .. } | Outcome::Cancelled => {
            None
        }
    }
}

/// A goal's first line, at most 80 characters of it.
fn title_of(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("Goal");
    // "Do the following:" is a title without its colon.
    let line = line.trim_start_matches(['#', '-', '*', ' ']).trim_end_matches([':', ' ']);
    match line.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
