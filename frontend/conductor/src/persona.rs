//! Who works: the agents of the person's own. A task is done by its own or by that of the nearest task above. What one is
//! like is told where a session begins and never again; who reviews the work is somebody else.

use shared::entry::Purpose;
use shared::persona::{Character, Persona};
use shared::plan::Work;
use shared::reviewer::Reviewer;
use shared::run::Insert;

use crate::reviewer;
use crate::state::{Phase, Run, State, Task};

/// An agent as it was saved last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub persona: Persona,
    /// It is offered no more; tasks that have it keep it.
    pub retired: bool,
}

/// The one that a task was given itself.
pub fn own<'a>(state: &'a State, task: &Task) -> Option<&'a Persona> {
    state.personas.get(task.persona.as_ref()?).map(|known| &known.persona)
}

/// Who does a task: its own, or that of the nearest task above that has one.
pub fn of<'a>(state: &'a State, task: &Task) -> Option<&'a Persona> {
    own(state, task).or_else(|| state.ancestors(task).find_map(|above| own(state, above)))
}

/// Those that are offered, by name.
pub fn offered(state: &State) -> Vec<&Persona> {
    let live = state.personas.values().filter(|known| !known.retired);
    let mut offered: Vec<&Persona> = live.map(|known| &known.persona).collect();
    offered.sort_by(|one, other| one.name.cmp(&other.name));
    offered
}

/// The one of this name, in small letters or large, that is offered; else one that is retired, which tasks still have.
pub fn named<'a>(state: &'a State, name: &str) -> Option<&'a Persona> {
    let name = name.trim();
    let called = |known: &&Known| known.persona.name.trim().eq_ignore_ascii_case(name);
    let mut found = state.personas.values().filter(called).filter(|_| !name.is_empty());
    let first = found.next()?;
    let live = std::iter::once(first).chain(found).find(|known| !known.retired);
    Some(&live.unwrap_or(first).persona)
}

/// Why it cannot be saved, in words; nothing where it can. Two of one name could not be told apart by who names one.
pub fn problem(state: &State, persona: &Persona) -> Option<String> {
    let taken = offered(state).into_iter().any(|other| {
        other.persona != persona.persona && other.name.trim().eq_ignore_ascii_case(persona.name.trim())
    });
    let taken = taken.then(|| {
        format!(
            "there is an agent called {} already; change that one, or choose another name",
            persona.name.trim()
        )
    });
    persona.problem().or_else(|| reserved(persona.name.trim())).or(taken)
}

/// A name by which nobody could name it: where an agent or a reviewer is named, the word means something else.
fn reserved(name: &str) -> Option<String> {
    let word = name.to_ascii_lowercase();
    let means_nobody = ["nobody", "none"].contains(&word.as_str());
    (means_nobody || Reviewer::named(&word).is_some())
        .then(|| format!("{name} means something else where an agent is named; choose another name"))
}

/// "Ann, reviews what others wrote"
pub fn title(persona: &Persona) -> String {
    match persona.role.trim() {
        "" => persona.name.trim().to_owned(),
        role => format!("{}, {role}", persona.name.trim()),
    }
}

/// Who begins a session with the task's next turn for this purpose.
pub fn begins<'a>(state: &'a State, task: &'a Task, purpose: Purpose) -> Option<&'a Persona> {
    if purpose == Purpose::Review {
        return reviewer::persona(state, task);
    }
    let command = matches!((&task.work, purpose), (Work::Command { .. }, Purpose::Work));
    let begins = purpose.is_conversation() && task.session.is_none() && !command;
    of(state, task).filter(|_| begins)
}

/// What it is like, where its words stand in it and not in a file.
pub(crate) fn character(persona: &Persona) -> &str {
    match &persona.character {
        Character::Words { text } => text.trim(),
        Character::File { .. } => "",
    }
}

/// What the bridge puts into those words, where they stand in a file.
pub(crate) fn insert(persona: &Persona) -> Option<Insert> {
    match &persona.character {
        Character::Words { .. } => None,
        Character::File { path } => {
            let path = path.trim().to_owned();
            Some(Insert { mark: format!("[the text of {path}]"), path })
        }
    }
}

/// Where a task works, absolute: where it began, else the folder of who it or a group above it was given to, or its
/// project's. A goal was stated for its project's, whoever does it.
pub fn folder(state: &State, task: &Task) -> String {
    let project = || state.projects.get(&task.project).map(|project| project.folder.clone());
    // What was looked at, and what its session knows, is there.
    let begun = task.runs.iter().filter_map(|run| state.run(run)).find(|run| has_begun(run));
    let folder = match begun {
        Some(run) => run.folder.clone(),
        None => {
            let mut given = std::iter::once(task).chain(state.ancestors(task)).filter(|task| !task.is_goal());
            given.find_map(|holder| own(state, holder)).and_then(|persona| persona.folder.clone())
        }
    };
    folder.or_else(project).unwrap_or_default()
}

/// Its program was started.
fn has_begun(run: &Run) -> bool {
    match &run.phase {
        Phase::Requested => false,
        Phase::Running { .. } => true,
        Phase::Ended { started, .. } | Phase::Read { started, .. } => started.is_some(),
    }
}
