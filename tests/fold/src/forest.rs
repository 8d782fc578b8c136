//! A tree of ten thousand tasks, five levels deep, in which one after another is worked on: what one change costs that is
//! folded, decided upon and shown.

use conductor::inbox::inbox;
use conductor::survey::Survey;
use conductor::{State, apply, decide};
use shared::agent::HarnessId;
use shared::entry::{Entry, Kind, Outcome, Purpose};
use shared::id::TaskId;
use shared::plan::{Access, PlannedTask, Size};
use shared::unit::{Millis, Seq};

use super::{entry, planned, turn};

/// Tasks below each task, level by level: 1 + 10 + 100 + 1,000 + 9,000.
const WIDTHS: [u32; 4] = [10, 10, 10, 9];

/// The tree and how its tasks stand.
#[derive(Debug)]
pub struct Forest {
    state: State,
    survey: Survey,
    /// Those without parts that nobody has begun, the next one last.
    left: Vec<TaskId>,
    /// All that was folded, for who wants to see it with a page.
    log: Vec<Entry>,
}

impl Forest {
    /// All approved and nothing begun.
    ///
    /// # Errors
    /// Never: the ids are plain.
    pub fn grow() -> anyhow::Result<Self> {
        let goal = TaskId::new("goal")?;
        let mut tasks: Vec<PlannedTask> = Vec::new();
        let mut level = vec![goal.clone()];
        for width in WIDTHS {
            let parts = level.iter().flat_map(|parent| (1..=width).map(move |n| (parent, n)));
            let parts: Vec<PlannedTask> = parts
                .map(|(parent, n)| PlannedTask {
                    parent: parent.clone(),
                    size: Some(Size::Standard),
                    ..planned(parent, n)
                })
                .collect();
            level = parts.iter().map(|part| part.task.clone()).collect();
            tasks.extend(parts);
        }
        let mut forest =
            Self { state: State::default(), survey: Survey::default(), left: level, log: Vec::new() };
        let text = "Rewrite all of it".to_owned();
        let (harness, run) = (HarnessId::Demo, goal.run(1));
        forest.fold([Kind::GoalStated { task: goal.clone(), text, harness, access: Access::Edit }])?;
        forest.fold(turn(&goal, &run, Purpose::Plan))?;
        let reply = "Part by part.".to_owned();
        forest.fold([
            Kind::PlanProposed { goal: goal.clone(), run, version: 1, reply, tasks },
            Kind::PlanApproved { goal, version: 1 },
        ])?;
        forest.survey.renew(&forest.state);
        Ok(forest)
    }

    /// All entries up to now, the oldest first.
    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// Tasks of the tree.
    pub fn len(&self) -> usize {
        self.state.tasks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.state.tasks.is_empty()
    }

    /// Asks every task how it stands; gives how many wait for the person.
    pub fn survey(&self) -> usize {
        inbox(&self.state, &Survey::live(&self.state)).len()
    }

    /// What there is to decide; gives how much.
    pub fn decide(&self) -> usize {
        decide(&self.state, Millis(self.state.seq.0)).len()
    }

    /// The whole life of one task, from its order to its end; each entry is folded and taken in by the survey, as for a frame of
    /// its own. Gives how many those were; none when all is done.
    ///
    /// # Errors
    /// Never: the ids are plain.
    pub fn step(&mut self) -> anyhow::Result<usize> {
        let Some(task) = self.left.pop() else { return Ok(0) };
        let run = task.run(1);
        let mut kinds = turn(&task, &run, Purpose::Work);
        let (summary, outputs, not_done) = ("It is written.".to_owned(), Vec::new(), Vec::new());
        let outcome = Outcome::Completed { summary, outputs, not_done };
        kinds.push(Kind::TaskSettled { task, run: Some(run), outcome });
        let count = kinds.len();
        for kind in kinds {
            self.fold([kind])?;
            self.survey.renew(&self.state);
            std::hint::black_box(inbox(&self.state, &self.survey).len());
        }
        Ok(count)
    }

    fn fold(&mut self, kinds: impl IntoIterator<Item = Kind>) -> anyhow::Result<()> {
        for kind in kinds {
            let Seq(seq) = self.state.seq.next();
            let entry = entry(seq, kind)?;
            apply(&mut self.state, &entry);
            self.log.push(entry);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_goes_on_as_if_each_task_had_been_asked() {
        let mut forest = Forest::grow().expect("a tree");
        assert_eq!(forest.len(), 10_111);
        let goal = TaskId::new("goal").expect("an id");
        for n in 1..=20 {
            forest.step().expect("a step");
            let row = forest.survey.row(&goal).expect("a row");
            assert_eq!((row.done, row.all), (n, 9_000));
        }
        assert_eq!(forest.log().len() as u64, forest.state.seq.0);
        let afresh = Survey::live(&forest.state);
        for task in forest.state.tasks.keys() {
            assert_eq!(forest.survey.row(task), afresh.row(task), "{task}");
        }
    }
}
