//! The part of the fold that keeps what runs ask to be allowed and what they were answered. The first answer counts.

use shared::id::RunId;
use shared::permission::{Answer, Ask, Permit, Rule, WORD};
use shared::unit::Millis;

use crate::permission::{Asked, Reply};
use crate::state::State;

/// Settled requests of one run that are kept for rules to be tried on; the oldest are forgotten. Those that wait are never
/// forgotten: an agent waits for each of them, so that it cannot ask without end.
const KEPT: usize = 500;

impl State {
    pub(super) fn asked(&mut self, run: &RunId, ask: &Ask, at: Millis) {
        self.with_run(run, |run| {
            if run.asks.iter().any(|asked| asked.ask.request == ask.request) {
                return;
            }
            run.asks.push(Asked { ask: ask.clone(), at, reply: Reply::None });
            let settled = |asked: &Asked| matches!(asked.reply, Reply::Sent { .. } | Reply::Withdrawn);
            if run.asks.iter().filter(|asked| settled(asked)).count() > KEPT
                && let Some(oldest) = run.asks.iter().position(settled)
            {
                run.asks.remove(oldest);
            }
        });
    }

    fn with_asked(&mut self, run: &RunId, request: &str, change: impl FnOnce(&mut Asked)) {
        self.with_run(run, |run| {
            if let Some(asked) = run.asks.iter_mut().find(|asked| asked.ask.request == request) {
                change(asked);
            }
        });
    }

    pub(super) fn withdraw_ask(&mut self, run: &RunId, request: &str) {
        self.with_asked(run, request, |asked| {
            if matches!(asked.reply, Reply::None | Reply::Said { .. }) {
                asked.reply = Reply::Withdrawn;
            }
        });
    }

    pub(super) fn say_permit(&mut self, id: &RunId, request: &str, permit: Permit, word: &str) {
        if word.len() > WORD || !self.run(id).is_some_and(|run| run.hears_answers()) {
            return;
        }
        self.with_asked(id, request, |asked| {
            if asked.reply == Reply::None {
                asked.reply = Reply::Said { permit, word: word.to_owned() };
            }
        });
    }

    pub(super) fn answer_ask(&mut self, id: &RunId, answer: &Answer, at: Millis) {
        let Answer { request, permit, by } = answer;
        self.with_asked(id, request, |asked| {
            let word = match &mut asked.reply {
                Reply::Said { word, .. } => std::mem::take(word),
                Reply::None | Reply::Sent { .. } | Reply::Withdrawn => String::new(),
            };
            asked.reply = Reply::Sent { permit: *permit, by: by.clone(), word, at };
        });
        // It was silent because it waited.
        self.with_run(id, |run| run.vitals.moved = at);
    }

    pub(super) fn rule(&mut self, rule: &Rule) {
        // Such a denial of an old log still keeps others from deciding.
        let denies = rule.permit == Permit::Deny && rule.what.unusable().is_none();
        if denies || rule.what.problem().is_none() {
            self.rules.insert(rule.rule.clone(), rule.clone());
        }
    }
}
