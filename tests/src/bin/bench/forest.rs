//! What a tree of ten thousand tasks costs the conductor, natively; `page` has the same from Chromium.

use std::time::Instant;

use fold::Forest;

use crate::figure::{Aim, Figure, quantile};

/// The time of one frame at 60 Hz, milliseconds.
const FRAME: f64 = 16.0;
/// Times that the whole tree is asked.
const WHOLE: usize = 9;
/// Tasks that are done one after the other; each is two dozen entries.
const STEPS: usize = 100;

/// The figures of `whole` and `entries`, each in milliseconds, as measured in `place`.
pub fn told(place: &str, tasks: usize, whole: [Vec<f64>; 2], mut entries: Vec<f64>) -> Vec<Figure> {
    let name = format!("{tasks} tasks, {place}: ");
    let least = |times: Vec<f64>| times.into_iter().fold(f64::MAX, f64::min);
    let [survey, decide] = whole.map(least);
    entries.sort_unstable_by(f64::total_cmp);
    let entry = |share| Figure::new(format!("{name}one entry: {share}"), 0.0, "ms").aim(Aim::AtMost(FRAME));
    vec![
        Figure::new(format!("{name}how all of them stand"), survey, "ms"),
        Figure::new(format!("{name}what there is to decide"), decide, "ms"),
        Figure { value: quantile(&entries, 0.5), ..entry("p50") },
        Figure { value: quantile(&entries, 0.99), ..entry("p99") },
    ]
}

/// Measures it here.
pub fn figures() -> anyhow::Result<Vec<Figure>> {
    let mut forest = Forest::grow()?;
    let timed = |work: &dyn Fn() -> usize| {
        let began = Instant::now();
        std::hint::black_box(work());
        began.elapsed().as_secs_f64() * 1e3
    };
    let survey = (0..WHOLE).map(|_| timed(&|| forest.survey())).collect();
    let decide = (0..WHOLE).map(|_| timed(&|| forest.decide())).collect();
    let mut entries = Vec::new();
    for _ in 0..STEPS {
        let began = Instant::now();
        let count = forest.step()?;
        entries.push(began.elapsed().as_secs_f64() * 1e3 / count.max(1) as f64);
    }
    Ok(told("native", forest.len(), [survey, decide], entries))
}
