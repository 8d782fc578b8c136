//! Where the person is: the goal and the task that are open. The address bar says it, so that reload, back
//! and a bookmark work.

use leptos::prelude::*;
use shared::id::TaskId;

/// What the page shows of the bridge itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Devices,
    Processes,
    Worktrees,
    SelfTest,
    /// The library of prompts, on a screen of its own.
    Prompts,
    /// The agents of the person's own, beside it.
    Agents,
    /// The tasks that are kept to be run again.
    Lists,
    /// The rules about what agents may do.
    Rules,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::Devices,
        Self::Processes,
        Self::Worktrees,
        Self::SelfTest,
        Self::Prompts,
        Self::Agents,
        Self::Lists,
        Self::Rules,
    ];
    /// Those that have a tab.
    pub const TABS: [Self; 4] = [Self::Devices, Self::Processes, Self::Worktrees, Self::SelfTest];
    /// Those of the library.
    pub const LIBRARY: [Self; 4] = [Self::Prompts, Self::Agents, Self::Lists, Self::Rules];
    const UNDER: &str = "#/bridge/";

    fn token(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::Processes => "processes",
            Self::Worktrees => "worktrees",
            Self::SelfTest => "self-test",
            Self::Prompts => "prompts",
            Self::Agents => "agents",
            Self::Lists => "lists",
            Self::Rules => "rules",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Devices => "Devices",
            Self::Processes => "Processes",
            Self::Worktrees => "Worktrees",
            Self::SelfTest => "Self-test",
            Self::Prompts => "Prompts",
            Self::Agents => "Agents",
            Self::Lists => "Lists",
            Self::Rules => "Rules",
        }
    }
}

/// The open goal and task; a goal's own conversation is that of its root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    pub goal: Option<TaskId>,
    pub task: Option<TaskId>,
    /// The bridge itself, in the place of a goal.
    pub part: Option<Part>,
}

impl Place {
    /// Reads `#/GOAL/TASK` or `#/bridge/PART`.
    pub fn parse(hash: &str) -> Self {
        let token = hash.strip_prefix(Part::UNDER);
        if let Some(part) = Part::ALL.into_iter().find(|part| Some(part.token()) == token) {
            return Self { part: Some(part), ..Self::default() };
        }
        let mut parts = hash.trim_start_matches(['#', '/']).split('/').map(|part| TaskId::new(part).ok());
        let goal = parts.next().flatten();
        let task = parts.next().flatten().or_else(|| goal.clone());
        Self { goal, task, part: None }
    }

    pub fn hash(&self) -> String {
        if let Some(part) = self.part {
            return format!("{}{}", Part::UNDER, part.token());
        }
        match (&self.goal, &self.task) {
            (None, _) => "#/".to_owned(),
            (Some(goal), Some(task)) if task != goal => format!("#/{goal}/{task}"),
            (Some(goal), _) => format!("#/{goal}"),
        }
    }
}

/// The page's place as a signal that follows the address bar.
#[derive(Clone, Copy)]
pub struct Here {
    now: RwSignal<Place>,
    /// Where the person was last that is no part of the bridge.
    before: StoredValue<Place>,
}

impl Here {
    pub fn open() -> Self {
        let read = || Place::parse(&window().location().hash().unwrap_or_default());
        let here = Self { now: RwSignal::new(read()), before: StoredValue::new(Place::default()) };
        let moved = window_event_listener(leptos::ev::hashchange, move |_| here.come(read()));
        // For the life of the page.
        std::mem::forget(moved);
        here
    }

    fn come(self, place: Place) {
        let left = self.now.get_untracked();
        if place.part.is_some() && left.part.is_none() {
            self.before.set_value(left);
        }
        self.now.set(place);
    }

    /// From a part of the bridge to where the person came from.
    pub fn back(self) {
        self.move_to(self.before.get_value());
    }

    /// The place at this moment, for what is not drawn.
    pub fn now(self) -> Place {
        self.now.get_untracked()
    }

    pub fn goal(self) -> Option<TaskId> {
        self.now.with(|place| place.goal.clone())
    }

    pub fn task(self) -> Option<TaskId> {
        self.now.with(|place| place.task.clone())
    }

    pub fn part(self) -> Option<Part> {
        self.now.with(|place| place.part)
    }

    /// A part of the bridge itself.
    pub fn open_part(self, part: Part) {
        self.move_to(Place { part: Some(part), ..Place::default() });
    }

    pub fn go(self, goal: Option<TaskId>, task: Option<TaskId>) {
        self.move_to(Place { task: task.or_else(|| goal.clone()), goal, part: None });
    }

    fn move_to(self, place: Place) {
        if self.now.with_untracked(|here| *here != place) {
            // A page in a frame without a location could not go anywhere; it stays.
            let _ = window().location().set_hash(&place.hash());
            self.come(place);
        }
    }

    /// Another task of the same goal.
    pub fn select(self, task: &TaskId) {
        let goal = self.now.with_untracked(|place| place.goal.clone());
        self.go(goal, Some(task.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_place_survives_the_address_bar() {
        for hash in
            ["#/", "#/goal", "#/goal/goal~3", "#/bridge/devices", "#/bridge/self-test", "#/bridge/prompts"]
        {
            assert_eq!(Place::parse(hash).hash(), hash);
        }
        assert_eq!(Place::parse("#k=secret/x").goal, None);
    }
}
