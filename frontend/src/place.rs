//! Where the person is: the goal and the task that are open. The address bar says it, so that reload, back
//! and a bookmark work.

use leptos::prelude::*;
use shared::id::TaskId;

/// The open goal and task; a goal's own conversation is that of its root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    pub goal: Option<TaskId>,
    pub task: Option<TaskId>,
}

impl Place {
    /// Reads `#/GOAL/TASK`.
    pub fn parse(hash: &str) -> Self {
        let mut parts = hash.trim_start_matches(['#', '/']).split('/').map(|part| TaskId::new(part).ok());
        let goal = parts.next().flatten();
        let task = parts.next().flatten().or_else(|| goal.clone());
        Self { goal, task }
    }

    pub fn hash(&self) -> String {
        match (&self.goal, &self.task) {
            (None, _) => "#/".to_owned(),
            (Some(goal), Some(task)) if task != goal => format!("#/{goal}/{task}"),
            (Some(goal), _) => format!("#/{goal}"),
        }
    }
}

/// The page's place as a signal that follows the address bar.
#[derive(Clone, Copy)]
pub struct Here(RwSignal<Place>);

impl Here {
    pub fn open() -> Self {
        let read = || Place::parse(&window().location().hash().unwrap_or_default());
        let here = Self(RwSignal::new(read()));
        let moved = window_event_listener(leptos::ev::hashchange, move |_| here.0.set(read()));
        // For the life of the page.
        std::mem::forget(moved);
        here
    }

    /// The place at this moment, for what is not drawn.
    pub fn now(self) -> Place {
        self.0.get_untracked()
    }

    pub fn goal(self) -> Option<TaskId> {
        self.0.with(|place| place.goal.clone())
    }

    pub fn task(self) -> Option<TaskId> {
        self.0.with(|place| place.task.clone())
    }

    pub fn go(self, goal: Option<TaskId>, task: Option<TaskId>) {
        let place = Place { task: task.or_else(|| goal.clone()), goal };
        if self.0.with_untracked(|here| *here != place) {
            // A page in a frame without a location could not go anywhere; it stays.
            let _ = window().location().set_hash(&place.hash());
            self.0.set(place);
        }
    }

    /// Another task of the same goal.
    pub fn select(self, task: &TaskId) {
        let goal = self.0.with_untracked(|place| place.goal.clone());
        self.go(goal, Some(task.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_place_survives_the_address_bar() {
        for hash in ["#/", "#/goal", "#/goal/goal~3"] {
            assert_eq!(Place::parse(hash).hash(), hash);
        }
        assert_eq!(Place::parse("#k=secret/x").goal, None);
    }
}
