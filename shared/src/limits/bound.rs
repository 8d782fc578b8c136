//! Every bound among the limits that is a number, once: its name, what it means, its unit and its range. Terminal and REST API
//! take them from here, and what is appended is held to them.

use super::Limits;
use crate::unit::{MicroUsd, Millis};

/// One of them.
#[derive(Debug)]
pub struct Bound {
    pub group: Group,
    /// As commands and the REST API name it.
    pub name: &'static str,
    pub words: &'static str,
    pub unit: Unit,
    /// In the unit that the limits have it in.
    pub least: u64,
    pub most: u64,
    field: Field,
}

/// What bounds have to do with each other. They are listed in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Agents,
    Task,
    Failure,
    Away,
    Plans,
    Programs,
    Warnings,
}

impl Group {
    pub fn words(self) -> &'static str {
        match self {
            Self::Agents => "Agents at the same time",
            Self::Task => "Each task, unless it says otherwise",
            Self::Failure => "When something fails",
            Self::Away => "While you do nothing",
            Self::Plans => "Plans",
            Self::Programs => "Programs",
            Self::Warnings => "What is worth a look",
        }
    }

    pub fn bounds(self) -> impl Iterator<Item = &'static Bound> {
        BOUNDS.iter().filter(move |bound| bound.group == self)
    }
}

/// What a bound counts, and in what the limits have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    /// Millionths of a US dollar.
    Money,
    /// Milliseconds.
    Time,
    /// Bytes, which people write in KB.
    Text,
}

#[derive(Debug)]
enum Field {
    Fixed(fn(&Limits) -> u64, fn(&mut Limits, u64)),
    /// It may be lifted: there is no bound then.
    Free(fn(&Limits) -> Option<u64>, fn(&mut Limits, Option<u64>)),
}

/// A value that a bound cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unbounded {
    #[error("{name} cannot be lifted; it goes from {range}")]
    Fixed { name: &'static str, range: String },
    #[error("{name} goes from {range}")]
    Range { name: &'static str, range: String },
    #[error("plan-min is more than plan-max, so no plan would do; lower the one or raise the other")]
    NoPlan,
    #[error("{text:?} is no {kind}")]
    Unread { text: String, kind: &'static str },
}

impl Bound {
    pub fn get(&self, limits: &Limits) -> Option<u64> {
        match self.field {
            Field::Fixed(get, _) => Some(get(limits)),
            Field::Free(get, _) => get(limits),
        }
    }

    /// Sets it, or lifts it with nothing.
    ///
    /// # Errors
    /// It is out of its range, or cannot be lifted.
    pub fn set(&self, limits: &mut Limits, value: Option<u64>) -> Result<(), Unbounded> {
        if value.is_some_and(|value| value < self.least || value > self.most) {
            return Err(Unbounded::Range { name: self.name, range: self.range() });
        }
        match (&self.field, value) {
            (Field::Fixed(_, set), Some(value)) => set(limits, value),
            (Field::Fixed(..), None) => {
                return Err(Unbounded::Fixed { name: self.name, range: self.range() });
            }
            (Field::Free(_, set), value) => set(limits, value),
        }
        Ok(())
    }

    /// What a person wrote for it; nothing for `none`, which lifts it.
    ///
    /// # Errors
    /// It is nothing of the kind that this bound is, or out of its range, or lifts what cannot be lifted.
    pub fn read(&self, text: &str) -> Result<Option<u64>, Unbounded> {
        let value = if text == "none" { None } else { Some(self.unit.read(text)?) };
        self.set(&mut Limits::default(), value).map(|()| value)
    }

    pub fn lifts(&self) -> bool {
        matches!(self.field, Field::Free(..))
    }

    /// "1 to 20", "$0.01 to $100000, or none".
    pub fn range(&self) -> String {
        let free = if self.lifts() { ", or none" } else { "" };
        format!("{} to {}{free}", self.unit.text(self.least), self.unit.text(self.most))
    }
}

impl Unit {
    /// "8", "$0.50", "90s", "48": as a person writes it.
    pub fn text(self, value: u64) -> String {
        match self {
            Self::Count => value.to_string(),
            Self::Money => format!("${}", MicroUsd(value)),
            Self::Time if !value.is_multiple_of(SECOND) => format!("{value}ms"),
            Self::Time if value == 0 || !value.is_multiple_of(MINUTE) => format!("{}s", value / SECOND),
            Self::Time if !value.is_multiple_of(HOUR) => format!("{}m", value / MINUTE),
            Self::Time => format!("{}h", value / HOUR),
            Self::Text => (value / 1_024).to_string(),
        }
    }

    /// The other way round; a sum also without its sign. What is too much for 64 bits is the most that they hold.
    ///
    /// # Errors
    /// It is nothing of the kind.
    pub fn read(self, text: &str) -> Result<u64, Unbounded> {
        let wrong = |kind| Unbounded::Unread { text: text.to_owned(), kind };
        let number = |text: &str, one: u64| text.parse::<u64>().ok().map(|count| count.saturating_mul(one));
        match self {
            Self::Count => number(text, 1).ok_or(wrong("whole number")),
            Self::Text => number(text, 1_024).ok_or(wrong("whole number")),
            Self::Money => {
                let sum = text.trim_start_matches('$').parse().ok().and_then(MicroUsd::from_usd);
                sum.map(|sum| sum.0).ok_or(wrong("sum in US dollars, such as 2.50"))
            }
            Self::Time => {
                let units = [("ms", 1), ("s", SECOND), ("m", MINUTE), ("h", HOUR)];
                let spans = units.into_iter().find_map(|(unit, one)| number(text.strip_suffix(unit)?, one));
                spans.ok_or(wrong("span of time, such as 90s, 15m or 2h"))
            }
        }
    }
}

impl Limits {
    /// Whether work goes on by these.
    ///
    /// # Errors
    /// The first that is out of its range.
    pub fn check(&self) -> Result<(), Unbounded> {
        let mut copy = self.clone();
        BOUNDS.iter().try_for_each(|bound| bound.set(&mut copy, bound.get(self)))?;
        if self.plan_min > self.plan_max { Err(Unbounded::NoPlan) } else { Ok(()) }
    }
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const CENT: u64 = 10_000;
/// $100,000.
const FORTUNE: u64 = 10_000_000 * CENT;

const fn fixed(
    group: Group,
    name: &'static str,
    words: &'static str,
    (unit, least, most): (Unit, u64, u64),
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64),
) -> Bound {
    Bound { group, name, words, unit, least, most, field: Field::Fixed(get, set) }
}

const fn free(
    group: Group,
    name: &'static str,
    words: &'static str,
    (unit, least, most): (Unit, u64, u64),
    get: fn(&Limits) -> Option<u64>,
    set: fn(&mut Limits, Option<u64>),
) -> Bound {
    Bound { group, name, words, unit, least, most, field: Field::Free(get, set) }
}

const fn count(least: u64, most: u64) -> (Unit, u64, u64) {
    (Unit::Count, least, most)
}

const fn time(least: u64, most: u64) -> (Unit, u64, u64) {
    (Unit::Time, least, most)
}

const MONEY: (Unit, u64, u64) = (Unit::Money, CENT, FORTUNE);

/// What was checked to be in a range of smaller numbers.
fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// In the order in which they are listed.
pub static BOUNDS: [Bound; 28] = [
    fixed(
        Group::Agents,
        "parallel",
        "agents at the same time",
        count(1, 1_000),
        |l| l.parallel.into(),
        |l, n| l.parallel = small(n),
    ),
    free(
        Group::Agents,
        "claude",
        "Claude Code agents among them",
        count(1, 1_000),
        |l| l.each.claude.map(u64::from),
        |l, n| l.each.claude = n.map(small),
    ),
    free(
        Group::Agents,
        "codex",
        "Codex agents among them",
        count(1, 1_000),
        |l| l.each.codex.map(u64::from),
        |l, n| l.each.codex = n.map(small),
    ),
    free(
        Group::Agents,
        "demo",
        "demo agents among them",
        count(1, 1_000),
        |l| l.each.demo.map(u64::from),
        |l, n| l.each.demo = n.map(small),
    ),
    free(
        Group::Agents,
        "commands",
        "plain commands among them",
        count(1, 1_000),
        |l| l.each.command.map(u64::from),
        |l, n| l.each.command = n.map(small),
    ),
    free(
        Group::Agents,
        "per-folder",
        "agents in one folder",
        count(1, 1_000),
        |l| l.per_folder.map(u64::from),
        |l, n| l.per_folder = n.map(small),
    ),
    free(
        Group::Task,
        "task-budget",
        "what a task may spend that has no budget of its own",
        MONEY,
        |l| l.caps.budget.map(|sum| sum.0),
        |l, n| l.caps.budget = n.map(MicroUsd),
    ),
    free(
        Group::Task,
        "task-requests",
        "model requests of a task that says nothing else",
        count(1, 1_000_000),
        |l| l.caps.turns.map(u64::from),
        |l, n| l.caps.turns = n.map(small),
    ),
    free(
        Group::Task,
        "task-time",
        "how long the turns of such a task take together",
        time(SECOND, 365 * DAY),
        |l| l.caps.time.map(|span| span.0),
        |l, n| l.caps.time = n.map(Millis),
    ),
    free(
        Group::Task,
        "task-tokens",
        "tokens in and out of such a task, without those that a cache gave",
        count(1, 1_000_000_000_000),
        |l| l.caps.tokens,
        |l, n| l.caps.tokens = n,
    ),
    fixed(
        Group::Task,
        "words",
        "largest words of a turn, in KB; what is more is cut, and that is said",
        (Unit::Text, 8 * 1_024, 1_024 * 1_024),
        |l| l.context_bytes as u64,
        |l, n| l.context_bytes = usize::try_from(n).unwrap_or(usize::MAX),
    ),
    fixed(
        Group::Failure,
        "attempts",
        "tries of a task in all",
        count(1, 20),
        |l| l.retry.attempts.into(),
        |l, n| l.retry.attempts = small(n),
    ),
    fixed(
        Group::Failure,
        "resumptions",
        "times in a row that a turn that was cut short goes on unasked",
        count(0, 100),
        |l| l.resumptions.into(),
        |l, n| l.resumptions = small(n),
    ),
    fixed(
        Group::Failure,
        "recoveries",
        "times that a task is helped on unasked within the window of recoveries",
        count(1, 100),
        |l| l.recovery.times.into(),
        |l, n| l.recovery.times = small(n),
    ),
    fixed(
        Group::Failure,
        "recovery-window",
        "within which recoveries of a task are counted",
        (Unit::Time, MINUTE, DAY),
        |l| l.recovery.window.0,
        |l, n| l.recovery.window = Millis(n),
    ),
    fixed(
        Group::Failure,
        "failures",
        "failures in a row after which an agent is left alone",
        count(1, 1_000),
        |l| l.breaker.failures.into(),
        |l, n| l.breaker.failures = small(n),
    ),
    fixed(
        Group::Failure,
        "left-alone",
        "how long it is left alone",
        time(SECOND, DAY),
        |l| l.breaker.wait.0,
        |l, n| l.breaker.wait = Millis(n),
    ),
    free(
        Group::Away,
        "unattended",
        "what may be spent since you last did anything",
        MONEY,
        |l| l.unattended.map(|sum| sum.0),
        |l, n| l.unattended = n.map(MicroUsd),
    ),
    fixed(
        Group::Plans,
        "plan-min",
        "tasks that a plan has at least",
        count(1, 100),
        |l| l.plan_min.into(),
        |l, n| l.plan_min = small(n),
    ),
    fixed(
        Group::Plans,
        "plan-max",
        "tasks that a plan has at most",
        count(1, 100),
        |l| l.plan_max.into(),
        |l, n| l.plan_max = small(n),
    ),
    fixed(
        Group::Plans,
        "depth",
        "levels of tasks below a goal",
        count(1, 100),
        |l| l.depth.into(),
        |l, n| l.depth = small(n),
    ),
    fixed(
        Group::Plans,
        "tasks",
        "tasks of a goal that agents may propose in all",
        count(1, 100_000),
        |l| l.tasks.into(),
        |l, n| l.tasks = small(n),
    ),
    fixed(
        Group::Plans,
        "repairs",
        "times that a plan that cannot be used goes back to its planner",
        count(0, 20),
        |l| l.repairs.into(),
        |l, n| l.repairs = small(n),
    ),
    fixed(
        Group::Programs,
        "command",
        "longest run of a plain command",
        time(SECOND, DAY),
        |l| l.command.0,
        |l, n| l.command = Millis(n),
    ),
    fixed(
        Group::Programs,
        "grace",
        "what a program gets to end by itself when it is stopped",
        time(0, HOUR),
        |l| l.grace.0,
        |l, n| l.grace = Millis(n),
    ),
    fixed(
        Group::Warnings,
        "stalled",
        "after what you are warned of an agent that writes nothing",
        time(1, DAY),
        |l| l.health.stalled.0,
        |l, n| l.health.stalled = Millis(n),
    ),
    fixed(
        Group::Warnings,
        "slow",
        "after what you are warned of one that is at one and the same thing",
        time(1, DAY),
        |l| l.health.slow.0,
        |l, n| l.health.slow = Millis(n),
    ),
    fixed(
        Group::Warnings,
        "long",
        "after what you are warned of a turn that goes on",
        time(1, 30 * DAY),
        |l| l.health.long.0,
        |l, n| l.health.long = Millis(n),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_set_and_read_alone_within_its_range() {
        assert_eq!(Limits::default().check(), Ok(()));
        for bound in &BOUNDS {
            for value in [bound.least, bound.most] {
                let mut limits = Limits::default();
                assert_eq!(bound.set(&mut limits, Some(value)), Ok(()), "{}", bound.name);
                assert_eq!(bound.get(&limits), Some(value), "{}", bound.name);
                let others = BOUNDS.iter().filter(|other| other.name != bound.name);
                others.for_each(|other| {
                    assert_eq!(other.get(&limits), other.get(&Limits::default()), "{}", other.name);
                });
            }
            let mut limits = Limits::default();
            let above = bound.set(&mut limits, Some(bound.most + 1));
            assert!(matches!(above, Err(Unbounded::Range { .. })), "{}", bound.name);
            assert_eq!(bound.set(&mut limits, None).is_ok(), bound.lifts(), "{}", bound.name);
            assert_eq!(
                limits == Limits::default(),
                !bound.lifts() || bound.get(&Limits::default()).is_none()
            );
        }
    }

    #[test]
    fn what_a_bound_is_written_as_is_read_again() {
        for bound in &BOUNDS {
            for value in [Some(bound.least), Some(bound.most), bound.get(&Limits::default())] {
                let text = value.map_or("none".to_owned(), |value| bound.unit.text(value));
                assert_eq!(bound.read(&text), Ok(value), "{}", bound.name);
            }
        }
        assert_eq!(Unit::Money.read("2.5"), Ok(2_500_000));
        for (unit, text, problem) in [
            (Unit::Count, "-1", "\"-1\" is no whole number"),
            (Unit::Money, "$x", "\"$x\" is no sum in US dollars, such as 2.50"),
            (Unit::Time, "90", "\"90\" is no span of time, such as 90s, 15m or 2h"),
        ] {
            assert_eq!(unit.read(text).map_err(|error| error.to_string()), Err(problem.to_owned()));
        }
    }

    #[test]
    fn bounds_of_a_group_stand_together() {
        let mut groups: Vec<Group> = BOUNDS.iter().map(|bound| bound.group).collect();
        groups.dedup();
        assert_eq!(groups.len(), 7, "{groups:?}");
    }

    #[test]
    fn what_nothing_goes_on_by_is_named() {
        let limits = Limits { parallel: 0, ..Limits::default() };
        let problem = limits.check().expect_err("nothing would begin").to_string();
        assert_eq!(problem, "parallel goes from 1 to 1000");
        let limits = Limits { plan_min: 13, ..Limits::default() };
        assert_eq!(limits.check(), Err(Unbounded::NoPlan));
    }
}
