//! A run's output as a conversation: the window that is read, and what is known of its two ends. Live text has a
//! signal of its own beside the list, set at most once per frame.

use std::cell::RefCell;
use std::rc::Rc;

use conductor::state::{Phase, Run};
use leptos::prelude::*;
use shared::agent::HarnessId;
use shared::wire::OutputFrame;

use super::reading::{Ahead, Block, Reading};

/// Which page of a run's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Portion {
    /// Its newest lines, and what comes from now on.
    End,
    /// What lies before the window, or behind it.
    Earlier,
    Later,
    /// A window of its own around this line.
    Around(u64),
}

/// How far the window reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Lines before the window.
    pub before: u64,
    /// There are lines behind it that do not come by themselves.
    pub detached: bool,
    /// A page is on its way.
    pub loading: bool,
    /// Why the last page did not come.
    pub problem: Option<String>,
    /// The block that was looked for.
    pub sought: Option<i64>,
}

/// Copies share it.
#[derive(Clone)]
pub struct Turn {
    pub blocks: ArcRwSignal<Vec<Block>>,
    pub reach: ArcRwSignal<Reach>,
    harness: HarnessId,
    reading: Rc<RefCell<Reading>>,
}

/// Lines behind the one that is looked for that are shown with it.
const BEHIND: u64 = 50;

impl Turn {
    pub fn new(harness: HarnessId) -> Self {
        Self {
            blocks: ArcRwSignal::new(Vec::new()),
            reach: ArcRwSignal::new(Reach::default()),
            harness,
            reading: Rc::new(RefCell::new(Reading::at(harness, 0))),
        }
    }

    /// The query of the page that `portion` asks for.
    pub fn query(&self, portion: Portion) -> String {
        let reading = self.reading.borrow();
        match portion {
            Portion::End => String::new(),
            Portion::Earlier => format!("before={}", reading.first()),
            Portion::Later => format!("from={}", reading.next()),
            Portion::Around(line) => format!("before={}", line + BEHIND),
        }
    }

    /// Takes the lines that come by themselves and follow on its window.
    pub fn read(&self, frame: &OutputFrame<'_>) {
        let mut reading = self.reading.borrow_mut();
        if reading.ahead == Ahead::Live {
            reading.read(frame);
        }
    }

    /// Takes a page; gives the line from which the turn wants what comes by itself.
    pub fn take(&self, portion: Portion, page: &[u8]) -> Option<u64> {
        let mut reading = self.reading.borrow_mut();
        let first = OutputFrame::all(page).next().map(|frame| frame.first_line);
        if let Portion::End | Portion::Around(_) = portion {
            *reading = Reading::at(self.harness, first.unwrap_or(0));
        }
        if let Portion::Around(line) = portion {
            reading.alone = Some(line);
        }
        match portion {
            Portion::Earlier => reading.read_before(page),
            Portion::End | Portion::Later | Portion::Around(_) => {
                OutputFrame::all(page).for_each(|frame| reading.read(&frame));
            }
        }
        let at_the_end = portion == Portion::End || (portion == Portion::Later && first.is_none());
        if at_the_end {
            reading.ahead = Ahead::Live;
        } else if reading.ahead == Ahead::Unknown {
            reading.ahead = Ahead::More;
        }
        at_the_end.then(|| reading.next())
    }

    /// Closes what is open when the run is over and its last line is here.
    pub fn finish(&self, run: &Run) {
        match &run.phase {
            Phase::Requested | Phase::Running { .. } => {}
            Phase::Ended { end, lines, .. } | Phase::Read { end, lines, .. } => {
                self.reading.borrow_mut().finish(end, *lines);
            }
        }
    }

    /// Whether it has all lines of a run that is over.
    pub fn has_all_behind(&self, run: &Run) -> bool {
        match &run.phase {
            Phase::Requested | Phase::Running { .. } => false,
            Phase::Ended { lines, .. } | Phase::Read { lines, .. } => self.reading.borrow().next() >= *lines,
        }
    }

    /// Changes what is known of the ends, where `change` makes a difference.
    pub fn note(&self, change: impl FnOnce(&mut Reach)) {
        let mut reach = self.reach.get_untracked();
        change(&mut reach);
        if reach != self.reach.get_untracked() {
            self.reach.set(reach);
        }
    }

    /// Marks the block that speaks in a line.
    pub fn seek(&self, line: u64) {
        let sought = self.reading.borrow().block_of(line);
        self.note(|reach| reach.sought = sought);
    }

    /// Sets the signals of what changed since the last frame.
    pub fn publish(&self) {
        let (news, before, ahead) = {
            let mut reading = self.reading.borrow_mut();
            (reading.news(), reading.first(), reading.ahead)
        };
        for (signal, text) in news.texts {
            signal.set(text);
        }
        if let Some(blocks) = news.blocks {
            self.blocks.set(blocks);
        }
        self.note(|reach| (reach.before, reach.detached) = (before, ahead == Ahead::More));
    }
}
