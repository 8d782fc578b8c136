//! Entering: the secret in the address bar's fragment is exchanged for a cookie and taken out of sight.

use std::cell::RefCell;

use leptos::prelude::window;
use shared::api::{Enter, Problem};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestInit, Response};

use super::machine::{Access, Standing};

thread_local! {
    /// The secret of the address bar, until the bridge has answered: it is nowhere else any more.
    static SECRET: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Exchanges the secret if there is one, else asks whether the browser is known.
pub(super) async fn enter() -> Access {
    if let Some(secret) = take_out() {
        SECRET.set(Some(secret));
    }
    check().await
}

/// A link with a secret was followed in the open page. Who is not let in begins anew with it; who is keeps what they have open,
/// and the secret only leaves the address bar.
pub fn followed(standing: &Standing) {
    match standing {
        Standing::Denied if secret().is_some() => drop(window().location().reload()),
        standing if standing.is_connected() => drop(take_out()),
        // The next try may need it.
        _ => {
            if let Some(secret) = take_out() {
                SECRET.set(Some(secret));
            }
        }
    }
}

fn secret() -> Option<String> {
    let hash = window().location().hash().unwrap_or_default();
    hash.strip_prefix("#k=").map(str::to_owned)
}

/// Out of the address bar and the history at once, whether it is right or not.
fn take_out() -> Option<String> {
    let secret = secret()?;
    if let Ok(history) = window().history() {
        let path = window().location().pathname().unwrap_or_default();
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&path));
    }
    Some(secret)
}

/// Asks whether the cookie is known; first gets one for a secret that was not heard yet.
pub(super) async fn check() -> Access {
    if let Some(secret) = SECRET.take() {
        let body = serde_json::to_string(&Enter { secret: secret.clone() }).unwrap_or_default();
        match request("POST", "/api/enter", Some(&body)).await {
            Some(answer) if answer.ok() => return Access::Granted,
            // An old link; the cookie may still be good.
            Some(_) => {}
            None => {
                SECRET.set(Some(secret));
                return Access::Unknown;
            }
        }
    }
    match request("GET", "/api/folders?path=/", None).await.map(|answer| answer.status()) {
        Some(401 | 403) => Access::Denied,
        // Too many wrong guesses by somebody; the next try tells.
        Some(429) | None => Access::Unknown,
        Some(_) => Access::Granted,
    }
}

/// One call to the bridge; nothing when it does not answer.
pub async fn request(method: &str, path: &str, body: Option<&str>) -> Option<Response> {
    fetch(&RequestInit::new(), method, path, body).await
}

/// One look at what the bridge has; nothing when it does not answer within so many ms.
pub async fn request_within(patience: u32, path: &str) -> Option<Response> {
    let init = RequestInit::new();
    init.set_signal(Some(&AbortSignal::timeout_with_u32(patience)));
    fetch(&init, "GET", path, None).await
}

async fn fetch(init: &RequestInit, method: &str, path: &str, body: Option<&str>) -> Option<Response> {
    init.set_method(method);
    if let Some(body) = body {
        let headers = Headers::new().ok()?;
        headers.set("content-type", "application/json").ok()?;
        init.set_headers(&headers);
        init.set_body(&JsValue::from_str(body));
    }
    let answer = JsFuture::from(window().fetch_with_str_and_init(path, init)).await.ok()?;
    answer.dyn_into().ok()
}

/// One call to the bridge; gives what it answers, or in words what is wrong.
pub async fn call(method: &str, path: &str, body: Option<&str>) -> Result<String, String> {
    let answer = request(method, path, body).await.ok_or("The bridge does not answer.")?;
    if answer.ok() { Ok(text(&answer).await) } else { Err(problem(&answer).await) }
}

/// What an answer holds as text; empty where it cannot be read.
pub async fn text(answer: &Response) -> String {
    match answer.text() {
        Ok(text) => JsFuture::from(text).await.ok().and_then(|text| text.as_string()).unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// What is wrong, in the words of an answer that is not well.
pub async fn problem(answer: &Response) -> String {
    match serde_json::from_str::<Problem>(&text(answer).await) {
        Ok(problem) => format!("{}. {}", problem.error, problem.next_step),
        Err(_) => format!("The bridge answered {}.", answer.status()),
    }
}
