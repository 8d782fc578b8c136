//! Whether one wording does better than another: said only where the numbers carry it.

use shared::id::TemplateId;

use super::{Record, records};
use crate::state::State;

/// Attempts of each variant below which nothing is said.
pub const ENOUGH: u32 = 20;

/// The 97.5 % point of the normal distribution: intervals hold the truth in 95 of 100 cases.
const Z: f64 = 1.959_964;

/// The Wilson score interval of a share, 95 %: between which shares of success the truth lies. Nothing for no attempts.
pub fn wilson(completed: u32, attempts: u32) -> Option<(f64, f64)> {
    let n = f64::from((attempts > 0).then_some(attempts)?);
    let share = f64::from(completed) / n;
    let spread = Z * Z / n;
    let middle = share + spread / 2.0;
    let half = Z * (share * (1.0 - share) / n + spread / (4.0 * n)).sqrt();
    Some(((middle - half) / (1.0 + spread), (middle + half) / (1.0 + spread)))
}

/// A variant that does better than the one that holds, and what that rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub template: TemplateId,
    /// The variant to put first.
    pub variant: String,
    /// The one that holds.
    pub over: String,
    /// In words, with the numbers.
    pub why: String,
}

/// The best other variant of a template whose interval lies wholly above that of the first, with at least
/// [`ENOUGH`] attempts each. Attempts with this version count; models are not told apart:
/// chance gives each variant the same ones.
pub fn suggestion(state: &State, template: &TemplateId) -> Option<Suggestion> {
    let shelf = state.templates.get(template).filter(|shelf| !shelf.retired)?;
    let mut sums: Vec<(&str, Record)> =
        shelf.template.variants.iter().map(|variant| (variant.name.as_str(), Record::default())).collect();
    for ((guided, _), record) in records(state) {
        let same = guided.template == *template && guided.version == shelf.version;
        let sum = sums.iter_mut().find(|(name, _)| same && *name == guided.variant);
        sum.into_iter().for_each(|(_, sum)| sum.join(&record));
    }
    let (first, others) = sums.split_first()?;
    let bounds =
        |record: &Record| wilson(record.completed, record.attempts).filter(|_| record.attempts >= ENOUGH);
    let (low, high) = bounds(&first.1)?;
    let better = others.iter().filter_map(|(name, record)| Some((name, record, bounds(record)?)));
    let best = better.filter(|(_, _, (least, _))| *least > high).max_by(|a, b| a.2.0.total_cmp(&b.2.0))?;
    let (name, record, (least, most)) = best;
    let told = |name: &str, record: &Record, (low, high): (f64, f64)| {
        format!(
            "{name}: {} of {} completed, {} to {} %",
            record.completed,
            record.attempts,
            percent(low),
            percent(high)
        )
    };
    let why = format!(
        "{}; {}. The 95 % intervals (Wilson) do not overlap.",
        told(name, record, (least, most)),
        told(first.0, &first.1, (low, high))
    );
    Some(Suggestion {
        template: template.clone(),
        variant: (*name).to_owned(),
        over: first.0.to_owned(),
        why,
    })
}

/// A share in whole percent.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is from 0 to 1")]
pub fn percent(share: f64) -> u32 {
    (share * 100.0).round() as u32
}
