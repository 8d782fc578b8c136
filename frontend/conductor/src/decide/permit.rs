//! What agents ask to be allowed is answered at once where a rule decides, and with the person's word where there is one.
//! Everything else waits, however long.

use shared::entry::{Draft, Kind};
use shared::harness;
use shared::permission::{Answer, Permit};

use super::draft;
use crate::permission::{Asked, Reply, decides};
use crate::state::{Run, State};

/// What an agent is told that the person denies without a word.
const NO: &str =
    "The person does not allow this. Go on without it, or say in your report what you need it for.";

/// The answers that can be given now, each once.
pub(super) fn answers(state: &State) -> Vec<Draft> {
    let runs = state.unread.iter().filter_map(|run| state.run(run)).filter(|run| run.hears_answers());
    runs.flat_map(|run| run.asks.iter().filter_map(|asked| answer(state, run, asked))).collect()
}

fn answer(state: &State, run: &Run, asked: &Asked) -> Option<Draft> {
    let task = state.task(&run.task).filter(|task| task.stop.is_none())?;
    let (permit, word, by) = match &asked.reply {
        Reply::Said { permit, word } if word.trim().is_empty() => (*permit, NO.to_owned(), None),
        Reply::Said { permit, word } => (*permit, word.trim().to_owned(), None),
        Reply::None => {
            let rule = decides(state, state.rules.values(), run, &asked.ask)?;
            (
                rule.permit,
                format!("A rule of the person's does not allow this ({}).", rule.what),
                Some(&rule.rule),
            )
        }
        Reply::Sent { .. } | Reply::Withdrawn => return None,
    };
    let word = if permit == Permit::Deny { &word } else { "" };
    let text = harness::answer(run.harness, run.ongoing(), &asked.ask, permit, word)?;
    let answers = Some(Answer { request: asked.ask.request.clone(), permit, by: by.cloned() });
    Some(draft(task, Kind::InputSent { run: run.id.clone(), text, message: None, answers }))
}
