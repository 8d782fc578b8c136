//! What agents are allowed: nothing that neither a rule nor a person allows, and each request is answered once at most
//! (P10, P11).

use anyhow::{Context, Result, ensure};
use conductor::State;
use shared::entry::Kind;
use shared::id::{RuleId, RunId};
use shared::permission::{Answer, Ask, Permit, Rule, Scope, What};
use std::collections::{BTreeMap, BTreeSet};

use super::{Processes, Watch};
use crate::permits::LINES;

/// The books about it, from the log alone.
#[derive(Debug, Default)]
pub(super) struct Permits {
    rules: BTreeMap<RuleId, Rule>,
    /// What is asked and not answered.
    open: BTreeMap<(RunId, String), Ask>,
    answered: BTreeSet<(RunId, String)>,
    /// The person's first word to what was open then.
    said: BTreeMap<(RunId, String), Permit>,
}

impl Watch {
    pub(super) fn asked(&mut self, run: &RunId, ask: &Ask) -> Result<()> {
        let before = self.permits.open.insert((run.clone(), ask.request.clone()), ask.clone());
        ensure!(before.is_none(), "asked twice");
        Ok(())
    }

    pub(super) fn withdraws(&mut self, run: &RunId, request: &str) {
        let key = (run.clone(), request.to_owned());
        self.permits.open.remove(&key);
        self.permits.said.remove(&key);
    }

    /// A person's word about it, as far as it counts.
    pub(super) fn permit_wish(&mut self, kind: &Kind) {
        match kind {
            Kind::RuleSaved { rule } => drop(self.permits.rules.insert(rule.rule.clone(), rule.clone())),
            Kind::RuleRemoved { rule } => drop(self.permits.rules.remove(rule)),
            Kind::PermissionAnswered { run, request, permit, .. } => {
                let key = (run.clone(), request.clone());
                if self.permits.open.contains_key(&key) && !self.ended.contains(run) {
                    self.permits.said.entry(key).or_insert(*permit);
                }
            }
            _ => {}
        }
    }

    pub(super) fn answer(
        &mut self,
        state: &State,
        run: &RunId,
        text: &str,
        answer: &Answer,
        processes: &Processes,
    ) -> Result<()> {
        let Answer { request, permit, by } = answer;
        let key = (run.clone(), request.clone());
        ensure!(!self.permits.answered.contains(&key), "answered twice");
        let ask = self.permits.open.remove(&key).context("answers what nobody asks")?;
        // Its time may have run out since that was decided.
        ensure!(!self.ended.contains(run) || self.seen < self.freed, "answered when it was over");
        let task = &processes.get(run).context("a run that never was")?.task;
        ensure!(!self.stopped.contains(task) || by.is_none(), "answered after it was stopped");
        let line: serde_json::Value = serde_json::from_str(text)?;
        ensure!(line["response"]["request_id"] == request.as_str(), "answers another request");
        let behaviour = if *permit == Permit::Allow { "allow" } else { "deny" };
        ensure!(line["response"]["response"]["behavior"] == behaviour, "says one thing and sends another");
        let said = self.permits.said.remove(&key);
        match (said, by) {
            (Some(said), None) => ensure!(said == *permit, "the person said otherwise"),
            (None, None) => anyhow::bail!("nobody has said that"),
            (Some(_), Some(_)) => anyhow::bail!("a rule goes before the person's word"),
            (None, Some(rule)) => self.check_rule(state, run, &ask, *permit, rule)?,
        }
        self.permits.answered.insert(key);
        Ok(())
    }

    /// Not by what the conductor knows of shells: what is in the line is known beforehand.
    fn check_rule(&self, state: &State, run: &RunId, ask: &Ask, permit: Permit, by: &RuleId) -> Result<()> {
        let by = self.permits.rules.get(by).context("a rule that is not there")?;
        ensure!(by.permit == permit, "the rule says otherwise");
        let task = state.run(run).and_then(|run| state.task(&run.task)).context("a task that never was")?;
        let holds = |rule: &&Rule| match &rule.scope {
            Scope::Always => true,
            Scope::Project { project } => *project == task.project,
            Scope::Task { task: id } => task.id == *id || state.ancestors(task).any(|above| above.id == *id),
        };
        ensure!(holds(&by), "the rule holds elsewhere");
        let about = |rule: &Rule, command: &str| match &rule.what {
            What::Commands { words } => {
                let mut own = command.split(' ');
                words.iter().all(|word| own.next() == Some(word))
            }
            _ => false,
        };
        let (_, commands) = LINES.iter().find(|(line, _)| *line == ask.about()).context("another line")?;
        ensure!(!commands.is_empty(), "decided by rule what nobody can be sure of");
        let rules = |permit: Permit| {
            self.permits.rules.values().filter(holds).filter(move |rule| rule.permit == permit)
        };
        // Whatever is set before a command, it is denied as it is.
        let bare = |command: &'static str| command.strip_prefix("A=1 ").unwrap_or(command);
        let denied =
            commands.iter().any(|command| rules(Permit::Deny).any(|rule| about(rule, bare(command))));
        let allowed = commands.iter().all(|command| rules(Permit::Allow).any(|rule| about(rule, command)));
        match permit {
            Permit::Allow => ensure!(allowed && !denied, "allowed, and no rule allows all of it"),
            Permit::Deny => ensure!(denied, "denied, and no rule denies any of it"),
        }
        Ok(())
    }
}
