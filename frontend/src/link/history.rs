//! Pages of a run's output, by HTTP beside the socket.

use js_sys::{ArrayBuffer, Uint8Array};
use shared::id::RunId;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

use super::enter::{problem, request};

/// One page, as [`shared::wire::OutputFrame::all`] reads it, or why there is none.
pub async fn page(run: &RunId, query: &str) -> Result<Vec<u8>, String> {
    let run = js_sys::encode_uri_component(run.as_str()).as_string().unwrap_or_default();
    let answer = request("GET", &format!("/api/runs/{run}/output?{query}"), None).await;
    let answer = answer.ok_or("The bridge does not answer.")?;
    if !answer.ok() {
        return Err(problem(&answer).await);
    }
    let broken = "The connection broke.";
    let body = JsFuture::from(answer.array_buffer().map_err(|_| broken)?).await.map_err(|_| broken)?;
    Ok(Uint8Array::new(&body.unchecked_into::<ArrayBuffer>()).to_vec())
}
