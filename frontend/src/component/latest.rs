//! A value that several fields change and that is sent whole: what one of them sent counts for the next, also while
//! its edit is still on the way.

use leptos::prelude::*;

/// What the log says of a value, or what was sent last and is not there yet.
pub struct Latest<T: Send + Sync + 'static> {
    known: Memo<T>,
    sent: RwSignal<Option<T>>,
}

impl<T: Send + Sync> Clone for Latest<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync> Copy for Latest<T> {}

impl<T: Clone + PartialEq + Send + Sync> Latest<T> {
    pub fn of(known: Memo<T>) -> Self {
        let sent = RwSignal::new(None);
        Effect::new(move |_| {
            let known = known.get();
            if sent.with_untracked(|sent| sent.as_ref() == Some(&known)) {
                sent.set(None);
            }
        });
        Self { known, sent }
    }

    /// As it is, with what is still on the way; not tracked.
    pub fn now(self) -> T {
        self.sent.get_untracked().unwrap_or_else(|| self.known.get_untracked())
    }

    /// Changes it and gives what is to be sent.
    pub fn change(self, change: impl FnOnce(T) -> T) -> T {
        let value = change(self.now());
        self.sent.set(Some(value.clone()));
        value
    }
}
