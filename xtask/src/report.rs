//! Collects how each step ended, so that one failure does not hide the next.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::say;

/// The steps that ended so far; shared by the threads that run them.
#[derive(Default)]
pub struct Report {
    rows: Mutex<Vec<Row>>,
}

struct Row {
    name: String,
    took: Duration,
    failure: Option<String>,
}

impl Report {
    /// Does one step; gives its value, or nothing if it failed, which the report then remembers.
    pub fn step<T>(&self, name: &str, work: impl FnOnce() -> Result<T>) -> Option<T> {
        let since = Instant::now();
        let done = work();
        let failure = done.as_ref().err().map(|error| format!("{error:#}"));
        if let Err(error) = &done {
            say::error(error);
        }
        let row = Row { name: name.to_owned(), took: since.elapsed(), failure };
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
        done.ok()
    }

    /// Prints the table and, as its last line, `N passed, N failed`.
    ///
    /// # Errors
    /// A step failed; the error names each.
    pub fn finish(self) -> Result<()> {
        let rows = self.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        say::result("");
        for row in &rows {
            let outcome = if row.failure.is_some() { "FAILED" } else { "ok" };
            say::result(&format!("{:width$}  {:>12}  {outcome}", row.name, say::spell(row.took)));
        }
        let failed: Vec<&Row> = rows.iter().filter(|row| row.failure.is_some()).collect();
        for row in &failed {
            let failure = row.failure.as_deref().unwrap_or_default();
            say::result(&format!("\n{} failed: {}", row.name, failure.lines().next().unwrap_or_default()));
        }
        say::result(&format!("\n{} passed, {} failed", rows.len() - failed.len(), failed.len()));
        if failed.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = failed.iter().map(|row| row.name.as_str()).collect();
        bail!("failed: {}. Next: read the first failure's output above", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_named_at_the_end_and_stops_nothing() {
        let report = Report::default();
        assert_eq!(report.step("one", || -> Result<()> { bail!("broken") }), None);
        assert_eq!(report.step("two", || Ok(7)), Some(7));
        let error = report.finish().map_err(|error| error.to_string());
        assert_eq!(error, Err("failed: one. Next: read the first failure's output above".to_owned()));
    }
}
