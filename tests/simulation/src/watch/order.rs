//! Orders: what may be started, when, with which words.

use anyhow::{Context, Result, ensure};
use conductor::State;
use conductor::state::{Standing, Task};
use shared::entry::{Kind, Purpose, Room};
use shared::harness;
use shared::id::{RunId, TaskId};
use shared::run::{Arg, Program, RunSpec};

use super::Watch;
use super::feed::check_inputs;
use super::hand::check_agent;
use super::planned::is_open;
use super::told::check_words;
use crate::process;

impl Watch {
    /// A run may be ordered.
    pub(super) fn order(&mut self, state: &State, kind: &Kind) -> Result<()> {
        let Kind::RunRequested { run, task: id, purpose, harness, carries, spec, holds, .. } = kind else {
            return Ok(());
        };
        let task = state.task(id).context("a task that never was")?;
        ensure!(!state.runs.contains_key(run), "ordered twice");
        ensure!(self.open.insert(id.clone(), run.clone()).is_none(), "two turns at once");
        let full = [state.disk.room, state.memory.room].contains(&Room::None);
        ensure!(!full || self.seen < self.measured, "the disk or the memory is full");
        if *purpose == Purpose::Terminal {
            return self.check_terminal(state, task, kind);
        }
        let turns = state.runs.values().filter(|run| run.purpose != Purpose::Terminal);
        let active = turns.filter(|run| !self.ended.contains(&run.id)).count();
        let parallel = usize::try_from(state.limits.parallel)?;
        ensure!(active < parallel, "{active} run already, of {parallel} at most");
        self.begin_round(state, task, kind);
        // Another agent knows nothing of the session.
        if purpose.is_conversation() && self.sessions.get(id).is_some_and(|(whose, _)| whose != harness) {
            self.sessions.remove(id);
        }
        self.check_place(state, task, kind)?;
        self.check_caps(state, task, kind)?;
        check_agent(task, *purpose)?;
        self.check_reviewer(state, task, kind)?;
        self.check_stage_caps(state, task, kind)?;
        self.check_stage(state, task, *purpose, carries.is_empty())?;
        let spoken_to = self.unsaid.values().any(|(to, _)| to == id);
        // The words go along with what comes after the look.
        let before = matches!(purpose, Purpose::Base | Purpose::Classify);
        let silent = carries.is_empty() && !(before && spoken_to);
        self.check_standing(state, task, *purpose, silent)?;
        self.check_waits(state, task, kind)?;
        self.check_money(state, task, kind)?;
        self.held.insert(run.clone(), holds.unwrap_or_default());
        if !matches!(purpose, Purpose::Diagnose | Purpose::Classify) {
            self.check_session(task, *purpose, spec)?;
        }
        self.check_asked(state, task, *purpose)?;
        self.check_access(task, *purpose, spec)?;
        let prompt = match &spec.program {
            Program::Shell { command } => command.clone(),
            _ => harness::prompt(spec),
        };
        let prompt = prompt.as_str();
        if !matches!(spec.program, Program::Shell { .. }) {
            self.check_said(id, *purpose, prompt)?;
        }
        self.requeues.tell(id, carries);
        for message in carries {
            let (to, text) =
                self.unsaid.remove(message).context("carries what nobody said, or said twice")?;
            ensure!(to == *id, "carries another task's message");
            ensure!(self.carried.insert(message.clone()), "carried twice");
            let told = matches!(spec.program, Program::Shell { .. }) || prompt.contains(&text);
            ensure!(told, "the message is carried and not told");
            self.words.tell(id, message, &text, None);
        }
        if !matches!(spec.program, Program::Shell { .. }) {
            self.check_size(state, run, prompt)?;
            self.check_guidelines(state, task, *purpose, prompt)?;
            self.check_persona(state, task, *purpose, spec, prompt)?;
            self.check_memory(task, *purpose, prompt)?;
            self.check_change(task, *purpose, prompt)?;
            let begins = state.session_with(task, *harness).is_none();
            check_words(state, task, *purpose, begins, prompt)?;
            check_inputs(task, *purpose, prompt)?;
            self.check_diagnosis(task, *purpose, carries.is_empty(), prompt)?;
        }
        Ok(())
    }

    /// Who is to run stands where it may: nothing proposed, nothing stopped, nothing before its time.
    pub(super) fn check_standing(
        &self,
        state: &State,
        task: &Task,
        purpose: Purpose,
        silent: bool,
    ) -> Result<()> {
        let approved = state.task(&task.root).is_some_and(|goal| !is_open(goal) || self.is_again(goal));
        ensure!(task.is_goal() || approved, "runs before the plan is approved");
        ensure!(
            (purpose == Purpose::Plan) == is_open(task) || purpose == Purpose::Diagnose,
            "plans, or does not, and its plan is open: {}",
            is_open(task)
        );
        // Also what failed or was stopped there: by the plan it may be another task.
        let round = silent && task.standing == Standing::Completed;
        let begins =
            round || matches!(task.standing, Standing::Open | Standing::Failed { .. } | Standing::Cancelled);
        let above = state.ancestors(task).find(|above| is_open(above));
        ensure!(!begins || above.is_none(), "begins below {above:?}, which is planned");
        ensure!(!silent || !self.stopped.contains(&task.id), "starts after it was stopped");
        match &task.standing {
            Standing::Proposed | Standing::Removed { .. } => anyhow::bail!("is not part of the work"),
            Standing::Completed | Standing::Failed { .. } | Standing::Cancelled | Standing::Yielded => {
                let spoken_to = !silent || self.comes_round(state, task);
                ensure!(spoken_to, "starts although it is over, and nobody spoke to it")
            }
            Standing::Asked { .. } => ensure!(!silent, "goes on without an answer"),
            // A look at what went wrong has the time of the wait.
            Standing::Limited { .. } if purpose == Purpose::Diagnose => {}
            Standing::Limited { until, .. } => ensure!(*until <= self.latest, "starts before {until:?}"),
            // Its stages were looked at before.
            Standing::Open | Standing::Claimed => {}
        }
        if matches!(purpose, Purpose::Work | Purpose::Base | Purpose::Classify)
            && !self.sessions.contains_key(&task.id)
        {
            for holder in std::iter::once(task).chain(state.ancestors(task)) {
                for dep in holder.after.iter().filter_map(|id| state.task(id)) {
                    // Who is talked to again after it completed still has its result to give.
                    let ready = matches!(dep.standing, Standing::Completed | Standing::Removed { .. })
                        || dep.result.is_some();
                    ensure!(ready, "begins before {}", dep.id);
                }
            }
        }
        if purpose == Purpose::Summary && state.goal_of(task).is_some_and(|goal| goal.closing.is_none()) {
            Self::check_rounds(state, task)?;
            for part in task.children.iter().filter_map(|id| state.task(id)) {
                let over = matches!(part.standing, Standing::Completed | Standing::Cancelled);
                ensure!(over && !self.open.contains_key(&part.id), "sums up before {} is over", part.id);
            }
        }
        Ok(())
    }

    /// A turn goes on with its task's own session, and no other turn uses that (P4, P24).
    fn check_session(&mut self, task: &Task, purpose: Purpose, spec: &RunSpec) -> Result<()> {
        let Some((session, new)) = process::session(spec) else { return Ok(()) };
        let strange = self.reviewers.contains(session);
        ensure!(!strange, "goes on with a reviewer's session");
        if purpose == Purpose::Review {
            let known = self.sessions.values().any(|(_, known)| known.as_str() == session);
            ensure!(new && !known, "the reviewer was in the room");
            self.reviewers.insert(session.to_owned());
            return Ok(());
        }
        let known = self.sessions.get(&task.id).map(|(_, session)| session.as_str());
        if new {
            ensure!(known.is_none(), "begins a new session beside {known:?}");
        } else {
            ensure!(known == Some(session), "goes on with {session}, and its own is {known:?}");
        }
        let taken =
            self.sessions.iter().find(|(other, (_, taken))| **other != task.id && taken.as_str() == session);
        ensure!(taken.is_none(), "shares a session with {taken:?}");
        Ok(())
    }

    /// Who plans or sums up changes nothing.
    fn check_access(&self, task: &Task, purpose: Purpose, spec: &RunSpec) -> Result<()> {
        let texts = || {
            spec.args.iter().filter_map(|arg| match arg {
                Arg::Text { text } => Some(text.as_str()),
                Arg::RunFile { .. } => None,
            })
        };
        let demo = texts().any(|text| text == "demo");
        let reads_only = texts().any(|text| text == "read-only");
        ensure!(
            !demo || reads_only != matches!(purpose, Purpose::Work | Purpose::Repair),
            "{} may do too much or too little",
            task.id
        );
        Ok(())
    }

    /// Who begins under a template is told one of its wordings, and whenever it begins again the same; nobody else is.
    fn check_guidelines(&mut self, state: &State, task: &Task, purpose: Purpose, prompt: &str) -> Result<()> {
        let told: Vec<&str> =
            ["WORDING-a", "WORDING-b"].into_iter().filter(|words| prompt.contains(words)).collect();
        let guides = match purpose {
            Purpose::Plan | Purpose::Work => true,
            Purpose::Repair => !task.is_group(),
            _ => false,
        };
        let begins = guides && !self.sessions.contains_key(&task.id);
        let mut chain = std::iter::once(task).chain(state.ancestors(task));
        let guided = begins && chain.any(|holder| holder.template.is_some());
        ensure!(told.len() == usize::from(guided), "{} is told {told:?}", task.id);
        if let [words] = told[..] {
            let known = self.wordings.entry(task.id.clone()).or_insert_with(|| words.to_owned());
            ensure!(known == words, "{} began with {known} and is told {words}", task.id);
        }
        Ok(())
    }

    /// A run is asked to end because a person stopped its task, or a budget is used up; and once.
    pub(super) fn signal(&mut self, state: &State, id: &RunId, budget: Option<&TaskId>) -> Result<()> {
        let run = state.run(id).context("a run that never was")?;
        let task = state.task(&run.task).context("a task that never was")?;
        match budget {
            Some(budget) => {
                self.check_overdrawn(state, run, budget)?;
                self.overdrawn.insert(id.clone());
            }
            None => ensure!(task.stop.is_some(), "ended, and nobody asked for it"),
        }
        ensure!(self.signalled.insert(id.clone()), "asked to end twice");
        Ok(())
    }
}
