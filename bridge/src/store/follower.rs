//! One who follows the log and some runs: woken when there is something new for it, and told which of its runs have
//! it. So what it costs does not grow with the runs that are silent, or that others follow.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::id::RunId;
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub struct Follower {
    wake: Notify,
    // Held for a look-up, never over an await.
    runs: Mutex<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    /// Those that it follows, and whether they stand in `fresh`.
    followed: HashMap<RunId, bool>,
    /// No more than are followed.
    fresh: Vec<RunId>,
}

impl Follower {
    /// Waits until there is anything new; at once when there was since the last time.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Follows a run from now on, which is to be looked at first.
    pub fn follow(&self, run: &RunId) {
        self.runs().followed.entry(run.clone()).or_insert(false);
        self.look(run);
    }

    pub fn unfollow(&self, run: &RunId) {
        let mut runs = self.runs();
        runs.followed.remove(run);
        runs.fresh.retain(|fresh| fresh != run);
    }

    /// The runs that are to be looked at, in the order in which they came to be.
    pub fn fresh(&self) -> Vec<RunId> {
        let mut runs = self.runs();
        let fresh = std::mem::take(&mut runs.fresh);
        for run in &fresh {
            if let Some(stands) = runs.followed.get_mut(run) {
                *stands = false;
            }
        }
        fresh
    }

    /// There may be something new of a run, if it follows that.
    pub fn look(&self, run: &RunId) {
        let mut runs = self.runs();
        let Some(stands) = runs.followed.get_mut(run) else { return };
        if !std::mem::replace(stands, true) {
            runs.fresh.push(run.clone());
        }
        drop(runs);
        self.wake.notify_one();
    }

    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
