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
        say::result(&table(&rows));
        let failed: Vec<&Row> = rows.iter().filter(|row| row.failure.is_some()).collect();
        if failed.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = failed.iter().map(|row| row.name.as_str()).collect();
        bail!("failed: {}. Next: read the first failure's output above", names.join(", "))
    }
}

/// One line per step, then each failure, then the sum, alone on the last line.
fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let mut text = String::from("\n");
    for row in rows {
        let outcome = if row.failure.is_some() { "FAILED" } else { "ok" };
        text.push_str(&format!("{:width$}  {:>12}  {outcome}\n", row.name, say::spell(row.took)));
    }
    let failures = rows.iter().filter_map(|row| row.failure.as_deref().map(|failure| (&row.name, failure)));
    for (name, failure) in failures.clone() {
        text.push_str(&format!("\n{name} failed: {}\n", failure.lines().next().unwrap_or_default()));
    }
    let failed = failures.count();
    text.push_str(&format!("\n{} passed, {failed} failed", rows.len() - failed));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, failure: Option<&str>) -> Row {
        Row { name: name.to_owned(), took: Duration::from_secs(12), failure: failure.map(str::to_owned) }
    }

    #[test]
    fn a_failure_stops_nothing() {
        let report = Report::default();
        assert_eq!(report.step("one", || -> Result<()> { bail!("broken") }), None);
        assert_eq!(report.step("two", || Ok(7)), Some(7));
        let rows = report.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        let failures: Vec<Option<String>> = rows.into_iter().map(|row| row.failure).collect();
        assert_eq!(failures, [Some("broken".to_owned()), None]);
    }

    #[test]
    fn the_sum_stands_alone_on_the_last_line() {
        let text = table(&[row("one", Some("broken\nbadly")), row("two", None)]);
        assert_eq!(text.lines().last(), Some("1 passed, 1 failed"));
        assert!(text.contains("one failed: broken\n"), "{text}");
    }
}
