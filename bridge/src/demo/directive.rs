//! What tests and benchmarks write into a goal to make the demo agent misbehave: `[[demo fail slow=50]]` for the
//! turn that reads it, `[[task 2: fail]]` for the second task of the plan, `[[tasks: slow=5]]` for every task.

use std::time::Duration;

/// How `orchestrator demo --help` explains them.
pub const HELP: &str = "\
Directives, written into a goal, an objective, guidelines or a message:
  [[demo WORD …]]       for the turn that reads it
  [[task N: WORD …]]    in a goal: for the N-th task of its plan
  [[tasks: WORD …]]     in a goal: for every task of its plan
Words:
  slow=MS        pause before each piece of text (default 8)
  fail           report that the task cannot be done
  fail-once      the same, the first time only
  cost=CENTS     claim to have cost so much
  limit=SECONDS  hit a rate limit that ends in so many seconds; once per session
  hang           begin and never end
  crash          exit with code 3 in mid-turn, without a result; crash-once: the first time only
  garbage        print lines that are no JSON between the others
  silent         exit with 0 having said nothing
  lines=N        print N lines of text deltas
  steps=N        say a sentence and look at three files, N times
  long-line=N    print one line of N bytes (K and M are understood)
  invalid-utf8   print bytes that are not UTF-8
  deaf           hear nothing of what is said while it works
  lie            report that all is done and do nothing of it, in a repair too; lie-once: the first time only
  reject         reviewer: let nothing pass; reject-once: the first time only
  forget         in a message: lose the session that it is said to, before it is read
  may=COMMAND    where its access is ask, ask whether it may run it (_ for a space); may be given again
  split=N        ask that the task is split into N parts
  ask            ask the person a question first
  answer         planner: answer directly
  tasks=N        planner: a plan of N tasks; with shape=chain one after the other
  plan=KIND      planner: cycle, not-json, empty, 5000 or unknown-dep; with -once (cycle-once) mended when asked";

/// The longest directive, in bytes; a longer one is plain text.
const LONGEST: usize = 1000;

/// The words that hold for one turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directives {
    words: Vec<(String, String)>,
}

impl Directives {
    /// All `[[demo …]]` in the text.
    pub fn of(text: &str) -> Self {
        let inner = marks(text)
            .filter_map(|(_, inner)| inner.strip_prefix("demo ").or_else(|| inner.strip_prefix("demo:")));
        let words = inner.flat_map(str::split_whitespace).map(|word| {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            (name.to_owned(), value.to_owned())
        });
        Self { words: words.collect() }
    }

    /// These, and `more`.
    pub fn and(mut self, more: Self) -> Self {
        self.words.extend(more.words);
        self
    }

    pub fn has(&self, name: &str) -> bool {
        self.words.iter().any(|(word, _)| word == name)
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.words.iter().rev().find(|(word, _)| word == name).map(|(_, value)| value.as_str())
    }

    /// All of this name, in their order.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.words.iter().filter(move |(word, _)| word == name).map(|(_, value)| value.as_str())
    }

    /// A number, with `K` and `M` for thousands and millions.
    pub fn number(&self, name: &str) -> Option<u64> {
        let value = self.value(name)?.replace('_', "");
        let (digits, factor) = match value.chars().last()? {
            'K' | 'k' => (&value[..value.len() - 1], 1_000),
            'M' | 'm' => (&value[..value.len() - 1], 1_000_000),
            _ => (value.as_str(), 1),
        };
        digits.parse::<u64>().ok()?.checked_mul(factor)
    }

    pub fn pace(&self) -> Duration {
        Duration::from_millis(self.number("slow").unwrap_or(8))
    }
}

/// The text without any directive.
pub fn stripped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut from = 0;
    for (at, inner) in marks(text).filter(|(_, inner)| is_directive(inner)) {
        if at >= from {
            plain.push_str(&text[from..at]);
            from = at + inner.len() + 4;
        }
    }
    plain.push_str(&text[from..]);
    plain.trim().to_owned()
}

/// What the goal says for its `n`-th task (from 1), as a directive for that task's objective; or nothing.
pub fn for_task(goal: &str, n: usize) -> String {
    let own = format!("task {n}:");
    let words: Vec<&str> = marks(goal)
        .filter_map(|(_, inner)| inner.strip_prefix(own.as_str()).or_else(|| inner.strip_prefix("tasks:")))
        .map(str::trim)
        .collect();
    if words.is_empty() { String::new() } else { format!(" [[demo {}]]", words.join(" ")) }
}

fn is_directive(inner: &str) -> bool {
    let number = || inner.strip_prefix("task ").and_then(|rest| rest.split_once(':'));
    inner.starts_with("demo ")
        || inner.starts_with("demo:")
        || inner.starts_with("tasks:")
        || number().is_some_and(|(n, _)| n.parse::<u32>().is_ok())
}

/// Every `[[…]]` with the byte where it begins.
fn marks(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("[[").filter_map(|(at, _)| {
        let end = text.floor_char_boundary(at.saturating_add(2 + LONGEST).min(text.len()));
        let inner = &text[at + 2..end];
        inner.find("]]").map(|end| (at, &inner[..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_read_and_taken_out() {
        let goal = "Build it [[demo slow=50 lines=2M]] with care [[task 2: fail-once limit=3]][[tasks: slow=1]] [[else]]";
        let here = Directives::of(goal);
        assert_eq!(
            (here.pace(), here.number("lines"), here.has("fail")),
            (Duration::from_millis(50), Some(2_000_000), false)
        );
        assert_eq!(stripped(goal), "Build it  with care  [[else]]");
        assert_eq!(for_task(goal, 1), " [[demo slow=1]]");
        let second = Directives::of(&for_task(goal, 2));
        assert!(second.has("fail-once") && second.number("limit") == Some(3));
        assert_eq!(for_task("Build it", 1), "");
    }
}
