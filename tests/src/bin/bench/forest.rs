//! What a tree of ten thousand tasks costs the conductor, natively; `page` has the same from Chromium.

use std::time::Instant;

use conductor::driver::{Driver, Effect};
use fold::Forest;
use shared::entry::{Actor, Draft, Entry, Kind};
use shared::id::ClientId;
use shared::unit::{Epoch, Millis, Seq};
use shared::wire::ServerMessage;

use crate::figure::{Aim, Figure, quantile};

/// The time of one frame at 60 Hz, milliseconds.
pub const FRAME: f64 = 16.0;
/// What the page does with that tree, and what `tests/browser/bench/forest.js` calls it. Its work is script and drawing; an entry
/// is shown when the frame is drawn that was due next.
pub const SHOWN: [(&str, &str); 11] = [
    ("one entry, work", "following, unfolded, work"),
    ("one entry to what is shown", "following, unfolded, shown"),
    ("one entry with a task's details open, work", "following, task and details open, work"),
    ("one entry, folded, work", "following, folded, work"),
    ("one entry where it decides, work", "deciding, unfolded, work"),
    ("one entry, folded, where it decides, work", "deciding, folded, work"),
    ("a branch of a thousand unfolded", "unfold"),
    ("a branch of a thousand folded", "fold"),
    ("another task chosen", "select"),
    ("scrolled half a screen", "scroll"),
    ("a letter typed", "type"),
];

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
    let mut figures = told("native", forest.len(), [survey, decide], entries);
    let mut times = Deciding::time()?;
    times.sort_unstable_by(f64::total_cmp);
    figures.extend([(0.5, "p50"), (0.99, "p99")].map(|(share, told)| {
        let name = format!("{} tasks, native: one entry where it decides: {told}", forest.len());
        Figure::new(name, quantile(&times, share), "ms").aim(Aim::AtMost(FRAME))
    }));
    Ok(figures)
}

/// A client that holds the baton, and a log that takes what it decides.
struct Deciding {
    driver: Driver,
    seq: Seq,
    /// Milliseconds that it took in what came together.
    times: Vec<f64>,
}

impl Deciding {
    /// The lives of some tasks, entry by entry, with room for more of them.
    fn time() -> anyhow::Result<Vec<f64>> {
        let mut forest = Forest::grow()?;
        let grown = forest.log().len();
        for _ in 0..STEPS {
            forest.step()?;
        }
        let (grown, lived) = forest.log().split_at(grown);
        let client = ClientId::new("bench")?;
        let mut log = Self { driver: Driver::new(client.clone()), seq: Seq(0), times: Vec::new() };
        let epoch = Epoch(1);
        log.tell(grown.to_vec());
        log.hear(&ServerMessage::BatonYours { epoch });
        let Draft { project, body } = Draft::new(None, Kind::BatonGranted { client, epoch });
        log.tell(vec![Entry { seq: log.seq, at: Millis(0), actor: Actor::Bridge, project, body }]);
        log.times.clear();
        lived.iter().for_each(|entry| log.tell(vec![entry.clone()]));
        Ok(log.times)
    }

    /// The next entries of the log.
    fn tell(&mut self, mut entries: Vec<Entry>) {
        for entry in &mut entries {
            self.seq = self.seq.next();
            (entry.seq, entry.at) = (self.seq, Millis(self.seq.0));
        }
        self.hear(&ServerMessage::Entries { entries });
    }

    fn hear(&mut self, message: &ServerMessage) {
        let began = Instant::now();
        let effects = self.driver.receive(message, Millis(self.seq.0));
        std::hint::black_box(self.driver.deadline());
        self.times.push(began.elapsed().as_secs_f64() * 1e3);
        for effect in effects {
            if let Effect::Append { id, epoch, drafts, .. } = effect {
                let actor = Actor::Conductor { epoch };
                let entry = |Draft { project, body }| Entry {
                    seq: self.seq,
                    at: Millis(0),
                    actor: actor.clone(),
                    project,
                    body,
                };
                self.tell(drafts.into_iter().map(entry).collect());
                self.hear(&ServerMessage::Acked { id, seq: self.seq });
            }
        }
    }
}
