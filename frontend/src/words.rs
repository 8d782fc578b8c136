//! Facts in words, with the clock of the person's place.

use conductor::State;
use conductor::health::Warning;
use conductor::state::Task;
use conductor::status::{Reason, Status};
pub use conductor::words::{
    again_words, amount, cap, change, change_kind, changes, class_words, committed, cost, cuts, dollars,
    given, many, mode, mode_about, mode_token, money, next_step, policy, preset, remedy, size, sizes, span,
    spent, tried,
};
use shared::unit::Millis;

/// Local time of day, "14:09".
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact in a double")]
pub fn time(at: Millis) -> String {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at.0 as f64));
    format!("{:02}:{:02}", date.get_hours(), date.get_minutes())
}

/// Local day, "2026-11-21".
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact in a double")]
pub fn day(at: Millis) -> String {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at.0 as f64));
    format!("{}-{:02}-{:02}", date.get_full_year(), date.get_month() + 1, date.get_date())
}

/// When the local day began that this moment is in.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact in a double")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
pub fn midnight(at: Millis) -> Millis {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at.0 as f64));
    Millis(date.set_hours(0) as u64 - u64::from(date.get_minutes()) * 60_000 - at.0 % 60_000)
}

/// The day and local time of day, "2026-11-21 14:09".
pub fn moment(at: Millis) -> String {
    format!("{} {}", day(at), time(at))
}

/// "v1", or what was there before the first version.
pub fn before_version(version: u32) -> String {
    if version > 1 { format!("v{}", version - 1) } else { "what was there".to_owned() }
}

/// As [`conductor::words::warning`], with the time of day.
pub fn warning(warning: Warning) -> String {
    match warning {
        Warning::Stalled { since } => format!("no output since {}", time(since)),
        Warning::Slow { since } => format!("at the same thing since {}", time(since)),
        Warning::Long { since } => format!("runs since {}", time(since)),
        Warning::Near(_) | Warning::Heavy { .. } => conductor::words::warning(warning, Millis(0)),
    }
}

/// As [`conductor::words::says`], with the time of day of what is due.
pub fn says(state: &State, task: &Task, status: &Status, now: Millis) -> String {
    match &status.reason {
        Reason::ResumesAt { until, .. } if *until > now => {
            let when = format!("in {} ({})", span(until.since(now)), time(*until));
            conductor::words::resumes(status, &when)
        }
        Reason::StartsAt(at) if *at > now => format!("starts {}", time(*at)),
        Reason::RepeatsAt(at) if *at > now => format!("done; again {}", time(*at)),
        _ => conductor::words::says(state, task, status, now),
    }
}
