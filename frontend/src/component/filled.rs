//! A form that is filled once with what is known, and sent whole: what somebody else changed meanwhile is not written over
//! unseen.

use leptos::prelude::*;

use crate::desk::Desk;

const CHANGED: &str = "It was changed meanwhile, in another place. Save again to have yours instead, or close this and open it again to see theirs.";

/// What a form was filled with.
pub struct Filled<T: Send + Sync + 'static>(StoredValue<Option<T>>);

impl<T: Send + Sync> Clone for Filled<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync> Copy for Filled<T> {}

impl<T: PartialEq + Send + Sync> Filled<T> {
    pub fn new() -> Self {
        Self(StoredValue::new(None))
    }

    /// The form is filled with this.
    pub fn with(self, value: T) {
        self.0.set_value(Some(value));
    }

    /// Whether it may be sent, as things are now. Where they are others than it was filled with, that is said; the next time it
    /// may.
    pub fn may_go(self, desk: Desk, now: T) -> bool {
        let same = self.0.with_value(|filled| filled.as_ref() == Some(&now));
        if !same {
            self.with(now);
            desk.say(CHANGED.to_owned(), false);
        }
        same
    }
}
