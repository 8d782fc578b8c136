//! The part of the fold for a run that was read to its end: what it cost, what stays of its session, and what becomes of
//! its task where its turn decides nothing.

use std::sync::Arc;

use shared::agent::{ErrorClass, TurnReport};
use shared::entry::Purpose;
use shared::id::RunId;
use shared::unit::Millis;

use crate::state::{Halt, Phase, Run, Standing, State, Task};
use crate::terminal;

impl State {
    /// Nothing more comes of the run, which has ended before, than what its agent reported.
    pub(super) fn read(&mut self, id: &RunId, report: &Arc<TurnReport>) {
        let Some(run) = self.runs.get_mut(id) else { return };
        let Phase::Ended { started, at, end, lines } = run.phase.clone() else { return };
        self.outages.read(run, &end, report.error.as_ref(), at);
        self.outages.mark(self.limits.breaker, at);
        Arc::make_mut(run).phase = Phase::Read { started, at, end, lines, report: Arc::clone(report) };
        let run = Arc::clone(run);
        self.unread.retain(|unread| unread != id);
        self.settle_account(&run);
        report.cost.iter().for_each(|cost| self.learn_tariff(&run, *cost));
        self.take_back(id);
        let decides = self.ends_its_task(&run);
        let mut requeued = false;
        self.with(&run.task, |task| {
            task.doing.clear();
            task.take_up(run.purpose, report);
            if task.current.as_ref() == Some(id) && task.is_moot(run.purpose, decides) {
                requeued = task.let_go(at);
            }
        });
        match run.purpose {
            Purpose::Terminal if !decides => self.with(&run.task, |task| task.leave_terminal(&run, at)),
            Purpose::Diagnose if requeued => self.begin_in_line(&run.task, at),
            // Talk changes nothing of what is done.
            _ if requeued => self.with(&run.task, Task::unsay),
            _ => {}
        }
    }

    /// What the run's terminal ended with is judged, as of any command.
    fn ends_its_task(&self, run: &Run) -> bool {
        let Phase::Read { end, .. } = &run.phase else { return false };
        let decides = |task| terminal::decides(self, task, run, end);
        self.task(&run.task).filter(|task| task.current.as_ref() == Some(&run.id)).is_some_and(decides)
    }
}

impl Task {
    /// What a turn of it leaves for the next: its session, or what was found out about a failure.
    fn take_up(&mut self, purpose: Purpose, report: &TurnReport) {
        match report.error.as_ref().map(|error| error.class) {
            failed if purpose == Purpose::Diagnose => {
                let found = report.final_text.trim();
                self.diagnosis = Some(if failed.is_none() { found.to_owned() } else { String::new() });
            }
            _ if !purpose.is_conversation() => {}
            Some(ErrorClass::SessionLost) => self.session = None,
            _ => self.session = report.session.clone().or(self.session.take()),
        }
    }

    /// Talk, a terminal that a person sat at and a look at a failure decide nothing, so there is nothing to judge; nor does a
    /// planner who was still thinking about a plan that the person has approved.
    fn is_moot(&self, purpose: Purpose, decides: bool) -> bool {
        match purpose {
            Purpose::Talk | Purpose::Diagnose => true,
            Purpose::Terminal => !decides,
            Purpose::Plan => self.planning.as_ref().is_some_and(|planning| planning.plan.admits()),
            _ => false,
        }
    }

    /// Its turn is over and decided nothing; gives whether it was ended so that it begins anew.
    fn let_go(&mut self, at: Millis) -> bool {
        self.current = None;
        let halt = self.stop.take();
        if halt == Some(Halt::Requeued) {
            return true;
        }
        let stopped = halt == Some(Halt::Stopped) && !self.is_over();
        self.came_to_something();
        if stopped {
            self.stand(Standing::Cancelled, at);
        }
        false
    }
}
