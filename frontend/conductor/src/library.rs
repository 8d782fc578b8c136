//! The library of prompts: which guidelines a task works by, and how well each wording of them did.

use std::collections::BTreeMap;

use shared::agent::ErrorClass;
use shared::entry::Purpose;
use shared::id::TemplateId;
use shared::plan::Work;
use shared::template::{Guided, Template, Variant};
use shared::unit::{MicroUsd, Millis};

use crate::decide::{BASE, hash};
use crate::state::{Phase, Run, State, Task, Verdict};

mod trial;

pub use trial::{ENOUGH, Suggestion, percent, suggestion, wilson};

/// A template as it was saved last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    pub template: Template,
    /// Counts from 1; what older ones said is in the log.
    pub version: u32,
    /// It is offered no more; tasks that have it keep it.
    pub retired: bool,
}

/// The template that holds for a task: its own, or that of the nearest task above that has one.
pub fn template_of<'a>(state: &'a State, task: &'a Task) -> Option<&'a Shelf> {
    let mut chain = std::iter::once(task).chain(state.ancestors(task));
    chain.find_map(|holder| holder.template.as_ref()).and_then(|id| state.templates.get(id))
}

/// The template with this variant alone: the trial is over.
pub fn promoted(shelf: &Shelf, variant: &str) -> Template {
    let mut template = shelf.template.clone();
    template.variants.retain(|other| other.name == variant);
    template
}

/// The variant that falls to a task: always the same one for the same task and variants.
pub fn variant_of<'a>(shelf: &'a Shelf, task: &Task) -> Option<&'a Variant> {
    let variants = &shelf.template.variants;
    let chance = mixed(hash(task.id.as_str(), hash(shelf.template.template.as_str(), BASE)));
    let count = u64::try_from(variants.len()).ok().filter(|count| *count > 0)?;
    variants.get(usize::try_from(chance % count).ok()?)
}

/// Lets every bit of a hash depend on every other (MurmurHash3's last step): ids that differ in their last letter alone
/// would else fall to variants by turns, or nearly all to one.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// By which guidelines a new session of the task works, and what they say. Commands and words about work have none.
pub fn guidelines<'a>(state: &'a State, task: &'a Task, purpose: Purpose) -> Option<(Guided, &'a str)> {
    let guided = match purpose {
        Purpose::Plan => true,
        Purpose::Work => task.work == Work::Agent,
        // Where its session is lost, it is told all of its task anew.
        Purpose::Repair => !task.is_group(),
        Purpose::Summary
        | Purpose::Talk
        | Purpose::Diagnose
        | Purpose::Terminal
        | Purpose::Classify
        | Purpose::Base
        | Purpose::Check
        | Purpose::Commit
        | Purpose::After
        | Purpose::Review => false,
    };
    let shelf = template_of(state, task).filter(|_| guided && task.session.is_none())?;
    let variant = variant_of(shelf, task)?;
    let (template, version) = (shelf.template.template.clone(), shelf.version);
    Some((Guided { template, version, variant: variant.name.clone() }, &variant.guidelines))
}

/// How attempts came out: an attempt is all turns of a task from its beginning or its retry to a verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// That were completed or failed; what a person stopped says nothing.
    pub attempts: u32,
    pub completed: u32,
    /// Of those whose cost is known.
    pub cost: MicroUsd,
    pub costed: u32,
    pub turns: u64,
    pub time: Millis,
    pub failures: BTreeMap<ErrorClass, u32>,
}

impl Record {
    fn add(&mut self, attempt: &Attempt) {
        self.attempts += 1;
        match attempt.verdict {
            Verdict::Completed => self.completed += 1,
            Verdict::Failed(class) => *self.failures.entry(class).or_default() += 1,
        }
        if let Some(cost) = attempt.cost {
            self.cost += cost;
            self.costed += 1;
        }
        self.turns += attempt.turns;
        self.time = self.time + attempt.time;
    }

    pub fn join(&mut self, other: &Self) {
        self.attempts += other.attempts;
        self.completed += other.completed;
        self.cost += other.cost;
        self.costed += other.costed;
        self.turns += other.turns;
        self.time = self.time + other.time;
        for (class, count) in &other.failures {
            *self.failures.entry(*class).or_default() += count;
        }
    }

    /// Of an attempt; nothing where no cost is known.
    pub fn mean_cost(&self) -> Option<MicroUsd> {
        self.cost.0.checked_div(u64::from(self.costed)).map(MicroUsd)
    }

    /// Of an attempt, in tenths of a model request.
    pub fn mean_turns_tenths(&self) -> Option<u64> {
        (self.turns * 10).checked_div(u64::from(self.attempts))
    }

    /// Of an attempt; the time that its processes took.
    pub fn mean_time(&self) -> Option<Millis> {
        self.time.0.checked_div(u64::from(self.attempts)).map(Millis)
    }
}

/// What is told apart: wording and model, as it was told by the agent or chosen.
pub type Key = (Guided, Option<String>);

/// The records of all wordings that were ever used, by template, version, variant and model.
pub fn records(state: &State) -> BTreeMap<Key, Record> {
    let mut records: BTreeMap<Key, Record> = BTreeMap::new();
    for attempt in attempts(state) {
        if let Some(guided) = attempt.guided.clone() {
            records.entry((guided, attempt.model.clone())).or_default().add(&attempt);
        }
    }
    records
}

/// A kind of failure and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pub class: ErrorClass,
    /// Nothing for attempts without a template.
    pub template: Option<TemplateId>,
    pub failed: u32,
    /// Attempts of the same template in all.
    pub of: u32,
}

/// Which failures there were, with which template; the most frequent first.
pub fn patterns(state: &State) -> Vec<Pattern> {
    let mut all: BTreeMap<Option<TemplateId>, Record> = BTreeMap::new();
    for attempt in attempts(state) {
        let template = attempt.guided.as_ref().map(|guided| guided.template.clone());
        all.entry(template).or_default().add(&attempt);
    }
    let mut found: Vec<Pattern> = all
        .into_iter()
        .flat_map(|(template, Record { attempts: of, failures, .. })| {
            failures.into_iter().map(move |(class, failed)| Pattern {
                class,
                template: template.clone(),
                failed,
                of,
            })
        })
        .collect();
    found.sort_by_key(|pattern| std::cmp::Reverse(pattern.failed));
    found
}

struct Attempt {
    guided: Option<Guided>,
    model: Option<String>,
    verdict: Verdict,
    cost: Option<MicroUsd>,
    turns: u64,
    time: Millis,
}

/// All attempts of agents that came to a verdict.
fn attempts(state: &State) -> impl Iterator<Item = Attempt> {
    state.tasks.values().flat_map(|task| {
        let runs = task.runs.iter().filter_map(|run| state.run(run));
        let work = runs.filter(|run| run.harness != shared::agent::HarnessId::Command);
        let mut by_attempt: BTreeMap<u32, Vec<&Run>> = BTreeMap::new();
        for run in work.filter(|run| !matches!(run.purpose, Purpose::Summary | Purpose::Talk)) {
            by_attempt.entry(run.attempt).or_default().push(run);
        }
        by_attempt.into_values().filter_map(|runs| attempt(&runs))
    })
}

fn attempt(runs: &[&Run]) -> Option<Attempt> {
    let (mut cost, mut turns, mut time) = (Some(MicroUsd(0)), 0, Millis(0));
    for run in runs {
        let Phase::Read { started, at, report, .. } = &run.phase else { return None };
        cost = cost.zip(report.cost).map(|(sum, cost)| sum + cost);
        turns += u64::from(report.turns);
        time = time + at.since(started.unwrap_or(*at));
    }
    // Who looks at the work may have the last word, and works by no guidelines.
    let works = |run: &&&Run| matches!(run.purpose, Purpose::Work | Purpose::Plan | Purpose::Repair);
    let by = runs.iter().rev().find(works)?;
    let verdict = runs.iter().rev().find_map(|run| run.verdict)?;
    let (guided, model) = (by.guided.clone(), by.model.clone());
    Some(Attempt { guided, model, verdict, cost, turns, time })
}
