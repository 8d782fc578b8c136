//! Where in the trees there may be something to decide. Of ten thousand tasks that is mostly a handful: how many of them are
//! below each task is kept up to date with every change, so that whoever decides goes past whole branches.

use std::collections::BTreeSet;
use std::sync::Arc;

use shared::id::TaskId;

use super::{SizedBy, Standing, State, Table, Task};

/// What is below each task that has anything below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Agenda {
    below: Table<TaskId, Marks>,
    /// Tasks that are among nobody's children: what is below them counts for nobody above.
    loose: BTreeSet<TaskId>,
}

/// Tasks of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Marks {
    /// Something may be decided about them besides the turn that they wait for.
    stirring: u32,
    /// Something is on its way or wished for there.
    restless: u32,
    /// They go before or after others.
    ranked: u32,
}

impl Marks {
    fn of(task: &Task) -> Self {
        Self {
            stirring: u32::from(is_stirring(task)),
            restless: u32::from(!is_at_rest(task)),
            ranked: u32::from(task.schedule.priority != 0),
        }
    }

    /// Both together.
    fn with(self, other: Self) -> Self {
        Self {
            stirring: self.stirring + other.stirring,
            restless: self.restless + other.restless,
            ranked: self.ranked + other.ranked,
        }
    }

    /// What is left without those.
    fn without(self, other: Self) -> Self {
        Self {
            stirring: self.stirring.saturating_sub(other.stirring),
            restless: self.restless.saturating_sub(other.restless),
            ranked: self.ranked.saturating_sub(other.ranked),
        }
    }
}

/// Whatever room there is for more turns: a run of it is under way, or it may be judged, shown, given a size, handed to the
/// person or closed with its parts. Time may also be all that it waits for.
fn is_stirring(task: &Task) -> bool {
    let stands = match task.standing {
        Standing::Claimed | Standing::Limited { .. } | Standing::Cancelled => true,
        Standing::Open => task.is_by_hand() || task.sized == SizedBy::Nobody,
        _ => false,
    };
    let timed = task.schedule.start.is_some() || task.schedule.repeat.is_some();
    let proposed = task.planning.as_ref().is_some_and(|planning| planning.is_proposed());
    let acts = task.current.is_some() || task.terminal.is_some() || task.stop.is_some();
    stands || timed || proposed || acts || task.is_spoken_to()
}

fn is_at_rest(task: &Task) -> bool {
    let over = task.is_over() && task.again().is_none();
    over && task.current.is_none() && task.terminal.is_none() && !task.is_spoken_to()
}

impl State {
    /// Tasks about which something may be decided besides a turn to begin, and what they are parts of, in the order of
    /// their trees.
    pub(crate) fn stirring(&self) -> impl Iterator<Item = &Task> {
        let passes = |task: &Task, below: Marks| below.stirring > 0 || is_stirring(task);
        self.on_agenda(passes, |below| below.stirring > 0)
    }

    /// Tasks that may begin a turn or wait for one, in the order of their trees.
    pub(crate) fn line(&self) -> impl Iterator<Item = &Task> {
        self.on_agenda(|_, _| true, |below| below.restless > 0)
    }

    /// Whether something below the task is on its way or wished for.
    pub(crate) fn is_restless_below(&self, id: &TaskId) -> bool {
        self.below(id).restless > 0
    }

    /// Some of those go before others.
    pub(crate) fn is_ranked(&self) -> bool {
        self.unsettled().any(|goal| Marks::of(goal).with(self.below(&goal.id)).ranked > 0)
    }

    /// Tasks of goals that are not over for which `passes`, without looking into branches that are not worth it.
    fn on_agenda(
        &self,
        passes: impl Fn(&Task, Marks) -> bool,
        enters: impl Fn(Marks) -> bool,
    ) -> impl Iterator<Item = &Task> {
        let mut goals = self.unsettled();
        let mut stack: Vec<&Task> = Vec::new();
        std::iter::from_fn(move || {
            loop {
                let task = stack.pop().or_else(|| goals.next())?;
                let below = self.below(&task.id);
                if enters(below) {
                    stack.extend(task.children.iter().rev().filter_map(|id| self.task(id)));
                }
                if passes(task, below) {
                    return Some(task);
                }
            }
        })
    }

    /// Goals in whose trees something is on its way or wished for.
    fn unsettled(&self) -> impl Iterator<Item = &Task> {
        let goals = self.goals.iter().filter_map(|goal| self.task(goal));
        goals.filter(|goal| !is_at_rest(goal) || self.below(&goal.id).restless > 0)
    }

    /// A task whose branch is not counted as it is; nothing as long as all is well.
    pub fn miscounted(&self) -> Option<&TaskId> {
        let parts =
            |task: &Task| -> Vec<&Task> { task.children.iter().filter_map(|id| self.task(id)).collect() };
        let counted = |task: &Task| {
            let own = parts(task).into_iter().map(|part| Marks::of(part).with(self.below(&part.id)));
            let loose = parts(task).into_iter().any(|part| self.agenda.loose.contains(&part.id));
            !loose && own.fold(Marks::default(), Marks::with) == self.below(&task.id)
        };
        self.tasks.values().find(|task| !counted(task)).map(|task| &task.id)
    }

    fn below(&self, id: &TaskId) -> Marks {
        self.agenda.below.get(id).copied().unwrap_or_default()
    }

    /// The task is there from now on, and nobody's part until it is linked.
    pub(crate) fn enter(&mut self, task: Task) {
        if task.parent.is_some() {
            self.agenda.loose.insert(task.id.clone());
        }
        self.tasks.insert(task.id.clone(), task.into());
    }

    /// Whoever the task is a part of has it below them no more.
    pub(crate) fn loosen(&mut self, id: &TaskId) {
        if let Some(task) = self.task(id).filter(|_| !self.agenda.loose.contains(id)) {
            let (marks, parent) = (Marks::of(task).with(self.below(id)), task.parent.clone());
            self.shift(parent, marks, Marks::default());
            self.agenda.loose.insert(id.clone());
        }
    }

    /// Its parent has it below from now on.
    pub(crate) fn fasten(&mut self, id: &TaskId) {
        if self.agenda.loose.remove(id)
            && let Some(task) = self.task(id)
        {
            let (marks, parent) = (Marks::of(task).with(self.below(id)), task.parent.clone());
            self.shift(parent, Marks::default(), marks);
        }
    }

    /// Changes a task, and what is said of it to those above it.
    pub(crate) fn with(&mut self, id: &TaskId, change: impl FnOnce(&mut Task)) {
        let Some(task) = self.tasks.get_mut(id).map(Arc::make_mut) else { return };
        let before = Marks::of(task);
        change(task);
        let after = Marks::of(task);
        if before != after && !self.agenda.loose.contains(id) {
            let parent = task.parent.clone();
            self.shift(parent, before, after);
        }
    }

    /// What those above have below them is other by this, as far as they are above each other.
    fn shift(&mut self, parent: Option<TaskId>, before: Marks, after: Marks) {
        let mut next = parent;
        while let Some(id) = next {
            let below = self.below(&id).without(before).with(after);
            next = self
                .task(&id)
                .filter(|_| !self.agenda.loose.contains(&id))
                .and_then(|task| task.parent.clone());
            if below == Marks::default() {
                self.agenda.below.remove(&id);
            } else {
                self.agenda.below.insert(id, below);
            }
        }
    }
}
