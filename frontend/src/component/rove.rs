//! The focus among the items of a list, which the arrow keys move.

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, NodeList};

/// Puts the focus so many items on (or back, where it is negative) among those that the selector names, around the end; on
/// the first where none of them has it.
pub fn rove(selector: &str, step: i32) {
    let Ok(items) = document().query_selector_all(selector) else { return };
    let count = i32::try_from(items.length()).unwrap_or(0);
    let now = document().active_element();
    let at = (0..count).find(|at| item(&items, *at).is_some_and(|item| now.as_ref() == Some(item.as_ref())));
    let next = at.map_or(0, |at| (at + step).rem_euclid(count));
    if let Some(item) = item(&items, next) {
        let _ = item.focus();
    }
}

fn item(items: &NodeList, at: i32) -> Option<HtmlElement> {
    items.item(u32::try_from(at).ok()?)?.dyn_into().ok()
}
