//! A value that follows the state, and of which its readers hear when it is another.

use leptos::prelude::*;

/// As a memo, but quieter. Each change of what a memo reads wakes all who read the memo, only to ask it whether it is
/// another; of a tree's nodes with their attributes these are thousands, for each entry that comes. Here only `look` is asked.
pub fn settled<T: PartialEq + Send + Sync + 'static>(
    look: impl Fn() -> T + Send + Sync + 'static,
) -> ReadSignal<T> {
    let (known, set) = signal(untrack(&look));
    Effect::new(move |_| {
        let new = look();
        set.maybe_update(|known| {
            let differs = *known != new;
            if differs {
                *known = new;
            }
            differs
        });
    });
    known
}
