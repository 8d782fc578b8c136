//! The hours in which nothing that was cut short goes on by itself.

use leptos::prelude::*;
use shared::limits::Limits;
use shared::quiet::Quiet;

use super::Book;
use crate::component::flow::Show;

/// From and to by the clock of this device, which the setting keeps as minutes from UTC.
#[component]
pub(super) fn QuietFields(book: Book) -> impl IntoView {
    let quiet = Memo::new(move |_| book.known.with(|limits| limits.quiet));
    #[expect(clippy::cast_possible_truncation, reason = "minutes within a day")]
    let here = -js_sys::Date::new_0().get_timezone_offset() as i32;
    let set = move |from: Option<u16>, to: Option<u16>| {
        book.change(|limits| {
            let known = limits.quiet.unwrap_or(Quiet { from: 22 * 60, to: 7 * 60, offset: here });
            let quiet = Quiet { from: from.unwrap_or(known.from), to: to.unwrap_or(known.to), offset: here };
            Limits { quiet: Some(quiet), ..limits }
        });
    };
    let field = move |name: &'static str, of: fn(&Quiet) -> u16, set: Callback<Option<u16>>| {
        let text = Memo::new(move |_| quiet.get().map(|quiet| time(of(&quiet))).unwrap_or_default());
        view! {
            <label class="field"><span>{name}</span>
                <input class="input" type="time" prop:value=move || text.get()
                    on:change:target=move |event| set.run(minutes(&event.target().value()))/>
            </label>
        }
    };
    let elsewhere = move || quiet.get().is_some_and(|quiet| quiet.offset != here);
    let clear = move || book.change(|limits| Limits { quiet: None, ..limits });
    view! {
        {field("Quiet from", |quiet| quiet.from, Callback::new(move |at: Option<u16>| if at.is_some() { set(at, None) } else { clear() }))}
        {field("Quiet until", |quiet| quiet.to, Callback::new(move |at: Option<u16>| if at.is_some() { set(None, at) } else { clear() }))}
        <Show when=move || quiet.get().is_some()>
            <button class="button" data-size="sm" on:click=move |_| clear()>"No quiet hours"</button>
        </Show>
        <Show when=elsewhere>
            <p class="hint">"These hours count by another clock than this device's. "
                <button class="button" data-size="sm" on:click=move |_| set(None, None)>"Use this one"</button>
            </p>
        </Show>
    }
}

/// "22:00".
fn time(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn minutes(time: &str) -> Option<u16> {
    let (hours, minutes) = time.split_once(':')?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.get(..2)?.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}
