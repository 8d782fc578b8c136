//! One round of lines through a carrier, and what it shows of it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::figure::quantile;

/// Bytes of an emitted line with its newline.
pub const LINE: &str = "250";

/// So many processes, each with so many lines at such a rate; rate 0 is flat out.
#[derive(Clone, Copy)]
pub struct Load {
    pub processes: u64,
    pub rate: u64,
    pub lines: u64,
}

impl Load {
    /// The emitter's words after the program's name: the same for every carrier.
    pub fn words(self) -> Vec<String> {
        let (lines, rate) = (self.lines.to_string(), self.rate.to_string());
        ["demo", "emit", "--stamp", "--lines", &lines, "--rate", &rate, "--bytes", LINE]
            .map(str::to_owned)
            .to_vec()
    }

    pub fn name(self) -> String {
        match (self.processes, self.rate) {
            (1, 0) => "flat out".to_owned(),
            (1, rate) => format!("1 process × {rate} lines/s"),
            (processes, rate) => format!("{processes} processes × {rate} lines/s"),
        }
    }

    pub fn all(self) -> usize {
        usize::try_from(self.processes * self.lines).unwrap_or(usize::MAX)
    }
}

/// When each line left its process and how long it was on its way, by process; microseconds.
#[derive(Default)]
pub struct Arrivals {
    by_process: BTreeMap<String, Vec<(u64, u64)>>,
    pub count: usize,
}

impl Arrivals {
    /// A line as the emitter stamps it; anything else is not one of the round's.
    pub fn line(&mut self, process: &str, line: &[u8]) {
        let text = std::str::from_utf8(line).ok();
        let stamp =
            text.and_then(|text| text.split("\"at\":").nth(1)).and_then(|rest| rest.split([',', '}']).next());
        let Some(at) = stamp.and_then(|at| at.parse::<u64>().ok()) else { return };
        self.count += 1;
        let lines = match self.by_process.get_mut(process) {
            Some(lines) => lines,
            None => self.by_process.entry(process.to_owned()).or_default(),
        };
        lines.push((at, micros().saturating_sub(at)));
    }

    /// When each line left that left when every process had begun, and milliseconds on the way: starting many processes
    /// on a small machine is work of another kind, the same for every carrier.
    fn settled(&self) -> impl Iterator<Item = (u64, f64)> + '_ {
        let begun =
            self.by_process.values().filter_map(|lines| lines.first()).map(|(at, _)| *at).max().unwrap_or(0);
        let lines = self.by_process.values().flatten();
        lines.filter(move |(at, _)| *at >= begun).map(|(at, way)| (*at, millis(*way)))
    }

    /// When the first process wrote its last line.
    fn ends(&self) -> u64 {
        self.by_process.values().filter_map(|lines| lines.last()).map(|(at, _)| *at).min().unwrap_or(0)
    }
}

/// The rounds of one carrier under one load.
#[derive(Default)]
pub struct Rounds {
    ways: Vec<f64>,
    /// Those of lines that left while every process wrote.
    among_all: Vec<f64>,
    lines: usize,
    took: Duration,
    /// Of the carrier's own process, milliseconds.
    cpu: f64,
}

impl Rounds {
    pub fn add(&mut self, arrivals: &Arrivals, took: Duration, cpu: f64) {
        let ends = arrivals.ends();
        self.ways.extend(arrivals.settled().map(|(_, way)| way));
        self.among_all.extend(arrivals.settled().filter(|(at, _)| *at < ends).map(|(_, way)| way));
        self.ways.sort_unstable_by(f64::total_cmp);
        self.among_all.sort_unstable_by(f64::total_cmp);
        self.lines += arrivals.count;
        self.took += took;
        self.cpu += cpu;
    }

    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    pub fn way(&self, share: f64) -> f64 {
        quantile(&self.ways, share)
    }

    /// As [`Rounds::way`], without those lines in whose time other processes of the round ended.
    pub fn way_among_all(&self, share: f64) -> f64 {
        quantile(&self.among_all, share)
    }

    pub fn lines_per_second(&self) -> f64 {
        crate::figure::per_second(self.lines, self.took)
    }

    /// Microseconds of the carrier's CPU for each line.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub fn cpu_per_line(&self) -> f64 {
        self.cpu * 1_000.0 / self.lines.max(1) as f64
    }
}

/// CPU that a process used so far, user and system, without its children; milliseconds. Linux counts in
/// hundredths of a second (`man 5 proc_pid_stat`, fields 14 and 15).
pub fn cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 10.0
}

#[expect(clippy::cast_precision_loss, reason = "spans far below 2^53")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
