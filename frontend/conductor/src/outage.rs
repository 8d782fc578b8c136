//! What the log tells of the agents themselves, whatever the task: failures in a row, models that reached their limit,
//! what was spent since a person last did anything, and how much room the machine has. Facts; what follows from them is decided in `decide/waits`.

use std::collections::BTreeMap;

use shared::agent::{AgentError, ErrorClass, HarnessId};
use shared::entry::{Purpose, Room};
use shared::limits::Breaker;
use shared::run::RunEnd;
use shared::unit::{Bytes, MicroUsd, Millis};

use crate::state::{Run, Spend};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outages {
    rows: BTreeMap<HarnessId, Row>,
    /// By the name that the harness was given; nothing for its own choice.
    reached: BTreeMap<(HarnessId, Option<String>), Reached>,
    /// Since a person's last word. Where a harness tells no cost, what was held for its run.
    pub unattended: MicroUsd,
}

/// Failures of one kind of agent in a row, with no answer between them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Row {
    pub failures: u32,
    pub last: Millis,
    /// Since when it is left alone, if it is.
    opened: Option<Millis>,
}

impl Row {
    /// Since when it is left alone; zero where it is not.
    pub fn opened(&self) -> Millis {
        self.opened.unwrap_or_default()
    }

    /// So many failures that it is left alone.
    pub fn is_open(&self, breaker: Breaker) -> bool {
        self.failures >= breaker.failures.max(1)
    }
}

/// A model's limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    pub at: Millis,
    /// As far as the provider says it.
    pub until: Option<Millis>,
}

/// The disk of the bridge's data folder, as measured last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disk {
    pub room: Room,
    pub free: Bytes,
}

/// The memory of the bridge's machine, as measured last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    pub room: Room,
    pub free: Bytes,
}

impl Outages {
    pub fn row(&self, harness: HarnessId) -> Row {
        self.rows.get(&harness).copied().unwrap_or_default()
    }

    pub fn reached(&self, harness: HarnessId, model: Option<&str>) -> Option<Reached> {
        self.reached.get(&(harness, model.map(str::to_owned))).copied()
    }

    /// A run that ended at `at` was read.
    pub(crate) fn read(&mut self, run: &Run, end: &RunEnd, error: Option<&AgentError>, at: Millis) {
        // How a person leaves a terminal says nothing.
        if run.harness == HarnessId::Command || run.purpose == Purpose::Terminal {
            return;
        }
        let model = (run.harness, run.ordered.clone());
        match error.map(|error| error.class) {
            // Its process was ended from outside or with the bridge, or by the task's own limit of time: that says nothing.
            Some(ErrorClass::Interrupted | ErrorClass::Lost | ErrorClass::SessionLost) => return,
            Some(ErrorClass::Timeout) if *end == RunEnd::TimedOut => return,
            Some(class) if class.is_outage() => {
                let row = self.rows.entry(run.harness).or_default();
                (row.failures, row.last) = (row.failures.saturating_add(1), row.last.max(at));
                return;
            }
            Some(ErrorClass::RateLimit) => {
                let until = error.and_then(|error| error.until);
                self.reached.insert(model, Reached { at, until });
            }
            // A turn that came to its end was not at a limit, also where it said nothing.
            None | Some(ErrorClass::NothingSaid) => drop(self.reached.remove(&model)),
            Some(_) => {}
        }
        // It answered, whatever the answer was.
        self.rows.remove(&run.harness);
    }

    /// Remembers who is left alone from now on by this setting.
    pub(crate) fn mark(&mut self, breaker: Breaker, at: Millis) {
        for row in self.rows.values_mut() {
            row.opened = row.is_open(breaker).then(|| row.opened.unwrap_or(at));
        }
    }

    pub(crate) fn spent(&mut self, spend: Spend) {
        self.unattended += spend.counted();
    }
}
