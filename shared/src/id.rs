//! Ids: short text that is safe as a file name, in a URL and in a log line.
//! They are drawn at the edge (UUIDs) or derived by the conductor, never inside the core.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Serialize, Serializer};
use shared_derive::FromJson;

/// The longest id in bytes; a file name may have 255.
pub const MAX_ID_LEN: usize = 128;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("id {0:?} is not 1 to {MAX_ID_LEN} of A-Z a-z 0-9 . _ ~ - (and not a leading dot)")]
pub struct BadId(String);

/// A text that is compared all the time: trees and runs are found by it. Most are told apart by their first eight bytes,
/// which are compared as one number and without a look at the text.
#[derive(Clone)]
struct Text {
    /// The first bytes, the first one highest; zeros behind a shorter text, which no id has in it.
    head: u64,
    whole: Arc<str>,
}

impl Text {
    const HEAD: usize = size_of::<u64>();

    /// Of ASCII.
    fn new(text: &str) -> Self {
        let mut head = [0; Self::HEAD];
        head.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
        Self { head: u64::from_be_bytes(head), whole: text.into() }
    }

    /// The head says all.
    #[inline]
    fn is_short(&self) -> bool {
        self.whole.len() <= Self::HEAD
    }
}

impl Ord for Text {
    /// As the texts themselves.
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        let heads = self.head.cmp(&other.head);
        if heads.is_ne() || (self.is_short() && other.is_short()) {
            heads
        } else {
            self.whole.cmp(&other.whole)
        }
    }
}

impl PartialOrd for Text {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Text {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.whole.hash(state);
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.whole)
    }
}

fn checked(text: &str) -> Result<Text, BadId> {
    let fits = (1..=MAX_ID_LEN).contains(&text.len()) && !text.starts_with('.');
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'-'));
    if fits && plain { Ok(Text::new(text)) } else { Err(BadId(text.chars().take(MAX_ID_LEN).collect())) }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, FromJson)]
        #[serde(try_from = "String")]
        pub struct $name(Text);

        impl $name {
            /// Takes 1 to [`MAX_ID_LEN`] plain characters; errs on anything else.
            pub fn new(text: &str) -> Result<Self, BadId> {
                checked(text).map(Self)
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0.whole
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                Self::new(&text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

ids! {
    /// A folder that work happens in.
    ProjectId;
    /// A node of the tree: a goal or one of its tasks.
    TaskId;
    /// One process.
    RunId;
    /// A message that a person wrote.
    MessageId;
    /// One connected page or headless client.
    ClientId;
    /// One append, so that sending it again changes nothing.
    AppendId;
    /// A history of the log; a copy that was put back begins another.
    LogId;
    /// A template of the library of prompts.
    TemplateId;
    /// An agent of the person's own.
    PersonaId;
    /// A list of tasks that is run again and again.
    ListId;
    /// A rule about what agents may do.
    RuleId;
    /// A session as its harness names it.
    SessionId;
}

impl TaskId {
    /// The id of the `n`th task that the conductor makes below this goal.
    pub fn derived(&self, n: u32) -> Self {
        Self(self.suffixed(&format!("~{n}")))
    }

    /// The id of the `n`th part of this task, which is a copy.
    pub fn copied(&self, n: usize) -> Self {
        Self(self.suffixed(&format!("~c{n}")))
    }

    /// The id of this task's `n`th run.
    pub fn run(&self, n: u32) -> RunId {
        RunId(self.suffixed(&format!("~r{n}")))
    }

    /// Keeps a derived id within [`MAX_ID_LEN`] by cutting the stem, whose start alone is telling.
    fn suffixed(&self, suffix: &str) -> Text {
        let stem = self.as_str();
        let stem = &stem[..stem.len().min(MAX_ID_LEN - suffix.len())];
        Text::new(&format!("{stem}{suffix}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_safe_as_a_file_name() {
        for bad in ["", "..", ".hidden", "a/b", "a b", "ä", &"x".repeat(MAX_ID_LEN + 1)] {
            assert!(RunId::new(bad).is_err(), "{bad:?}");
        }
        assert!(RunId::new("0192f0c1-aa~3~r12").is_ok());
    }

    #[test]
    fn ids_are_in_the_order_of_their_texts() {
        let texts =
            ["a", "ab", "a~", "abcdefg", "abcdefgh", "abcdefgh-", "abcdefgh1", "abcdefgh1z", "abcdefgi", "B"];
        for one in texts {
            for other in texts {
                let (a, b) = (RunId::new(one).expect("an id"), RunId::new(other).expect("an id"));
                assert_eq!(a.cmp(&b), one.cmp(other), "{one} and {other}");
                assert_eq!(a == b, one == other, "{one} and {other}");
            }
        }
    }

    #[test]
    fn a_derived_id_of_the_longest_id_still_parses() {
        let long = TaskId::new(&"x".repeat(MAX_ID_LEN)).expect("longest id");
        let run = long.derived(7).run(12);
        assert!(RunId::new(run.as_str()).is_ok());
    }
}
