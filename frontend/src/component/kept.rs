//! What is being written, kept in the browser until it is sent or given up.

use gloo_storage::{LocalStorage as Local, Storage};
use leptos::prelude::*;

/// A text as it was left under this key, and kept there as it is written; an empty one is not.
pub fn kept(key: String) -> RwSignal<String> {
    let text = RwSignal::new(Local::get::<String>(&key).unwrap_or_default());
    Effect::new(move |_| {
        let text = text.get();
        if text.is_empty() { Local::delete(&key) } else { drop(Local::set(&key, text)) }
    });
    text
}
