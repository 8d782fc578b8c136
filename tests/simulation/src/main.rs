//! `cargo xtask simulate`: worlds by the thousand, on all cores, until one fails or the time is over.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use simulation::{Tally, failed, live, log};

/// Worlds are made of small things that come and go: a quarter of the time went to the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask simulate", about = "Lives worlds from seeds and checks what must always hold")]
struct Cli {
    /// Worlds at most.
    #[arg(long, default_value_t = 10_000)]
    runs: u64,
    /// The first seed; each world takes the next.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// As many worlds as fit in this time, instead of `--runs`.
    #[arg(long)]
    seconds: Option<u64>,
    /// Live the worlds that failed once first.
    #[arg(long)]
    failed: bool,
    /// Print the log of the world of `--seed` and do nothing else.
    #[arg(long)]
    log: bool,
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let mut out = std::io::stdout().lock();
    if cli.log {
        for line in log(cli.seed)? {
            writeln!(out, "{line}")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    // What a world panics with is told once, with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    let known: Vec<u64> = if cli.failed { failed().collect() } else { Vec::new() };
    let began = Instant::now();
    let total = Total::default();
    let fault = known.iter().find_map(|seed| total.live(*seed)).or_else(|| fresh(&cli, &total, began));
    let seconds = began.elapsed().as_secs_f64();
    let plans = total.plans.load(Ordering::Relaxed);
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let pace = plans as f64 / seconds;
    writeln!(
        out,
        "{plans} plans in {} worlds, {} runs, {} entries, {seconds:.1} s: {pace:.0} plans/s",
        total.worlds.load(Ordering::Relaxed),
        total.runs.load(Ordering::Relaxed),
        total.entries.load(Ordering::Relaxed),
    )?;
    let Some(fault) = fault else { return Ok(ExitCode::SUCCESS) };
    writeln!(
        out,
        "\n{fault:#}\n\nNext: cargo xtask simulate --log --seed SEED prints its log; add the seed to tests/simulation/seeds.txt."
    )?;
    Ok(ExitCode::FAILURE)
}

/// Worlds that nobody has lived before, on all cores; the first fault, if there is one.
fn fresh(cli: &Cli, total: &Total, began: Instant) -> Option<anyhow::Error> {
    let over = cli.seconds.map(|seconds| began + Duration::from_secs(seconds));
    let next = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let fault = Mutex::new(None);
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let done = over.map_or(n >= cli.runs, |over| Instant::now() >= over);
            if done {
                return;
            }
            if let Some(error) = total.live(cli.seed.wrapping_add(n)) {
                stop.store(true, Ordering::Relaxed);
                if let Ok(mut fault) = fault.lock() {
                    fault.get_or_insert(error);
                }
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    fault.into_inner().ok().flatten()
}

/// What all worlds came to.
#[derive(Debug, Default)]
struct Total {
    worlds: AtomicU64,
    plans: AtomicU64,
    runs: AtomicU64,
    entries: AtomicU64,
}

impl Total {
    /// Lives one; its fault, if it has one.
    fn live(&self, seed: u64) -> Option<anyhow::Error> {
        self.worlds.fetch_add(1, Ordering::Relaxed);
        match live(seed) {
            Ok(Tally { plans, entries, runs }) => {
                self.plans.fetch_add(plans, Ordering::Relaxed);
                self.entries.fetch_add(entries, Ordering::Relaxed);
                self.runs.fetch_add(runs, Ordering::Relaxed);
                None
            }
            Err(error) => Some(error),
        }
    }
}
