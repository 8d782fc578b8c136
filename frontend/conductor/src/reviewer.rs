//! Who reviews a task's work: who was chosen for it, for what it is a part of or for all, where that one is there and was
//! not in the room; otherwise the worker's kind of agent with another model.

use shared::agent::HarnessId;
use shared::entry::Purpose;
use shared::id::PersonaId;
use shared::models::is_model;
use shared::persona::Persona;
use shared::reviewer::Reviewer;

use crate::persona;
use crate::state::{Run, State, Task};

/// Who was chosen, as a turn needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen<'a> {
    pub harness: HarnessId,
    /// Nothing for the one of the size that reviews.
    pub model: Option<&'a str>,
    pub persona: Option<&'a Persona>,
}

/// The choice that holds for a task: its own, that of the nearest above, or that for all tasks.
pub fn wished<'a>(state: &'a State, task: &'a Task) -> &'a Reviewer {
    let above = || state.ancestors(task).find_map(|above| above.reviewer.as_ref());
    task.reviewer.as_ref().or_else(above).unwrap_or(&state.limits.reviewer)
}

/// Who was chosen to review the task's work; nothing where nobody was.
///
/// # Errors
/// Why that one does not, for the person.
pub fn chosen<'a>(state: &'a State, task: &'a Task) -> Option<Result<Chosen<'a>, String>> {
    let own = worker(state, task);
    let plain = |harness, model| Chosen { harness, model, persona: None };
    let chosen = match wished(state, task) {
        Reviewer::Auto => return None,
        Reviewer::Other => match own.other() {
            Some(harness) => plain(harness, None),
            None => return Some(Err(format!("There is no other kind of agent for what {own} did."))),
        },
        Reviewer::Agent { harness, model } => plain(*harness, model.as_deref()),
        Reviewer::Model { model } => plain(own, Some(model)),
        Reviewer::Persona { persona } => {
            let Some(persona) = state.personas.get(persona).map(|known| &known.persona) else {
                return Some(Err("The agent that was chosen to review is not there any more.".to_owned()));
            };
            let (harness, model) = (persona.harness.unwrap_or(own), persona.model.as_deref());
            Chosen { harness, model, persona: Some(persona) }
        }
    };
    let chosen = Chosen { model: chosen.model.filter(|name| is_model(name)), ..chosen };
    Some(absent(state, task, &chosen).map_or(Ok(chosen), Err))
}

/// Who of the person's own agents reviews the task's work.
pub(crate) fn persona<'a>(state: &'a State, task: &'a Task) -> Option<&'a Persona> {
    chosen(state, task)?.ok()?.persona
}

/// Why a choice of the person's words cannot be made, and the choice where it can; `usual` leaves it to what holds above.
///
/// # Errors
/// It names nobody who is there.
pub fn named(state: &State, words: &str) -> Result<Option<Reviewer>, String> {
    if matches!(words.trim(), "" | "usual") {
        return Ok(None);
    }
    let own = || {
        let persona = persona::named(state, words)?.persona.clone();
        Some(Reviewer::Persona { persona })
    };
    let unknown = || {
        let agents: Vec<&str> = persona::offered(state).iter().map(|persona| persona.name.as_str()).collect();
        let agents =
            if agents.is_empty() { String::new() } else { format!(", or one of {}", agents.join(", ")) };
        format!(
            "{words:?} is no reviewer; say usual, auto, other, claude, codex, codex:MODEL or model:MODEL{agents}"
        )
    };
    Reviewer::named(words).or_else(own).map(Some).ok_or_else(unknown)
}

/// The choice in words: as [`named`] reads it.
pub fn words(state: &State, reviewer: &Reviewer) -> String {
    match reviewer {
        Reviewer::Persona { persona } => name(state, persona),
        reviewer => reviewer.to_string(),
    }
}

fn name(state: &State, id: &PersonaId) -> String {
    state.personas.get(id).map_or_else(|| id.to_string(), |known| known.persona.name.trim().to_owned())
}

/// What does the task's work: who did it last, or who is to.
fn worker(state: &State, task: &Task) -> HarnessId {
    workers(state, task).next_back().map_or_else(|| state.harness_of(task), |run| run.harness)
}

/// The runs of whoever was in the room.
fn workers<'a>(state: &'a State, task: &'a Task) -> impl DoubleEndedIterator<Item = &'a Run> {
    let runs = task.runs.iter().filter_map(|run| state.run(run));
    runs.filter(|run| matches!(run.purpose, Purpose::Work | Purpose::Repair | Purpose::Summary))
}

/// Why this one cannot review the task's work, or should not.
fn absent(state: &State, task: &Task, chosen: &Chosen<'_>) -> Option<String> {
    let Chosen { harness, model, persona } = chosen;
    let there =
        |harness| state.agents.iter().any(|agent| agent.harness == harness && agent.problem.is_none());
    if *harness == HarnessId::Command || *harness != worker(state, task) && !there(*harness) {
        return Some(format!("{harness} was chosen to review, and is not there."));
    }
    let mut before = workers(state, task);
    if let Some(persona) = persona {
        let present = before.any(|run| run.persona.as_ref() == Some(&persona.persona));
        return present.then(|| format!("{} was chosen to review, and did the work.", persona.name.trim()));
    }
    let model = (*model)?;
    let worked = |run: &Run| {
        let names = [run.ordered.as_deref(), run.model.as_deref()];
        run.harness == *harness && names.contains(&Some(model))
    };
    before.any(worked).then(|| format!("{model} was chosen to review, and did the work."))
}
