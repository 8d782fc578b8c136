//! The calls by which browsers get in and out: the secret, pairing, and the list of devices.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::rejection::JsonRejection;
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use shared::api::{Answer, Chosen, Devices, Enter, Ticket};

use super::pairing::Outcome;
use super::{Access, AccessError, Pairing, Shown, Who, body, problem};
use crate::door::Ends;

type Shared = State<Arc<Access>>;

/// A year, in seconds.
const YEAR: u32 = 31_536_000;

/// `POST /api/enter`.
pub(crate) async fn enter(
    State(access): Shared,
    ConnectInfo(ends): ConnectInfo<Ends>,
    headers: HeaderMap,
    sent: Result<Json<Enter>, JsonRejection>,
) -> Response {
    let sent = match body(sent) {
        Ok(sent) => sent,
        Err(problem) => return *problem,
    };
    let opened = access.opens(&sent.secret);
    match access.cookie(&headers) {
        Shown::Right(Who::Device(_)) => return StatusCode::NO_CONTENT.into_response(),
        // A tab whose used ticket is still in its URL is in already.
        Shown::Right(Who::Owner) => {}
        Shown::Wrong | Shown::Missing if opened => {}
        Shown::Wrong | Shown::Missing => {
            access.failures.count(Some(ends.theirs.ip()));
            return problem(
                StatusCode::FORBIDDEN,
                "this is not the secret",
                "Open the URL that the bridge printed when it started.",
            );
        }
    }
    let from = ends.theirs.ip().to_canonical();
    if from.is_loopback() {
        return let_in(&access, &access.session);
    }
    // What is not this machine can be revoked alone.
    let (admitting, name) = (Arc::clone(&access), name_of(&headers));
    match blocking(move || admitting.devices.admit(name, from)).await {
        Ok(secret) => let_in(&access, &secret),
        Err(refused) => *refused,
    }
}

fn let_in(access: &Access, value: &str) -> Response {
    ([(SET_COOKIE, access.set_cookie(value, YEAR))], StatusCode::NO_CONTENT).into_response()
}

/// `POST /api/pair`: a device that is not known asks to be let in.
pub(crate) async fn pair(
    State(access): Shared,
    ConnectInfo(ends): ConnectInfo<Ends>,
    headers: HeaderMap,
) -> Response {
    let pairing = match pairing(&access) {
        Ok(pairing) => pairing,
        Err(refused) => return *refused,
    };
    match pairing.ask(name_of(&headers), ends.theirs.ip().to_canonical()) {
        Ok(Some(asked)) => Json(asked).into_response(),
        Ok(None) => problem(
            StatusCode::TOO_MANY_REQUESTS,
            "too many devices ask to pair",
            "Wait two minutes, then ask again.",
        ),
        Err(error) => failed(&error),
    }
}

/// `POST /api/pair/outcome`: answered when a person has decided, with the cookie if it was a yes.
pub(crate) async fn outcome(
    State(access): Shared,
    ConnectInfo(ends): ConnectInfo<Ends>,
    sent: Result<Json<Ticket>, JsonRejection>,
) -> Response {
    let ticket = match body(sent) {
        Ok(sent) => sent.ticket,
        Err(problem) => return *problem,
    };
    let pairing = match pairing(&access) {
        Ok(pairing) => pairing,
        Err(refused) => return *refused,
    };
    match pairing.outcome(&ticket).await {
        Outcome::Allowed(secret) => let_in(&access, &secret),
        Outcome::Refused => problem(StatusCode::FORBIDDEN, "the request was refused", "Ask the owner."),
        Outcome::Gone => {
            access.failures.count(Some(ends.theirs.ip()));
            problem(StatusCode::GONE, "nobody answered in time", "Ask again.")
        }
    }
}

/// `POST /api/pair/answer`: a trusted device's yes or no.
pub(crate) async fn answer(State(access): Shared, sent: Result<Json<Answer>, JsonRejection>) -> Response {
    let answer = match body(sent) {
        Ok(sent) => sent,
        Err(problem) => return *problem,
    };
    let answered = blocking(move || {
        let Some(pairing) = &access.pairing else { return Ok(false) };
        if !answer.allow {
            return pairing.refuse(&answer.id);
        }
        pairing.allow(&answer.id, |name, from| access.devices.admit(name, from))
    });
    match answered.await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => {
            problem(StatusCode::GONE, "this request does not stand any more", "Let the device ask again.")
        }
        Err(refused) => *refused,
    }
}

/// `GET /api/devices`.
pub(crate) async fn list(State(access): Shared, Extension(who): Extension<Who>) -> Json<Devices> {
    let asking = access.pairing.as_ref().map(|pairing| pairing.open().borrow().clone());
    Json(Devices {
        devices: access.devices.list(who.device()),
        asking: asking.unwrap_or_default(),
        fingerprint: access.reached.fingerprint.map(|fingerprint| fingerprint.to_string()),
    })
}

/// `POST /api/devices/revoke`: the device's cookie is worth nothing from here on, and its sockets close.
pub(crate) async fn revoke(State(access): Shared, sent: Result<Json<Chosen>, JsonRejection>) -> Response {
    let id = match body(sent) {
        Ok(sent) => sent.id,
        Err(problem) => return *problem,
    };
    match blocking(move || access.devices.revoke(&id)).await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => problem(StatusCode::NOT_FOUND, "there is no such device", "Look at the list again."),
        Err(refused) => *refused,
    }
}

fn pairing(access: &Access) -> Result<&Pairing, Box<Response>> {
    access.pairing.as_ref().ok_or_else(|| {
        Box::new(problem(
            StatusCode::NOT_FOUND,
            "devices pair only with a bridge that speaks TLS",
            "Open the URL that the bridge printed when it started.",
        ))
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AccessError> + Send + 'static,
) -> Result<T, Box<Response>> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| Box::new(failed(&error))),
        Err(error) => {
            Err(Box::new(problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string(), "Try again.")))
        }
    }
}

fn failed(error: &AccessError) -> Response {
    let next_step = match error {
        AccessError::TooMany(_) => "Then ask again.",
        _ => "See to the data folder, then try again.",
    };
    problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string(), next_step)
}

/// What a browser says of itself, in two words that a person knows. It is a claim: the code is what counts.
fn name_of(headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let first = |known: &[(&'static str, &'static str)]| {
        known.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name)
    };
    // Chrome calls itself Safari too, and the others call themselves Chrome.
    let browser = first(&[
        ("Firefox", "Firefox"),
        ("FxiOS", "Firefox"),
        ("Edg", "Edge"),
        ("OPR", "Opera"),
        ("Chrom", "Chrome"),
        ("CriOS", "Chrome"),
        ("Safari", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "Mac"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (browser, system) => browser.or(system).unwrap_or("unknown program").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use axum::http::HeaderValue;

    use super::*;
    use crate::access::Reached;

    /// What the secret is exchanged for by a client at `from`.
    async fn entered(access: &Arc<Access>, from: &str, headers: HeaderMap) -> Option<String> {
        let ends = Ends { theirs: from.parse().unwrap(), ours: "10.0.0.2:4747".parse().unwrap() };
        let sent = Ok(Json(Enter { secret: access.secret.clone() }));
        let answer = enter(State(Arc::clone(access)), ConnectInfo(ends), headers, sent).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        let cookie = answer.headers().get(SET_COOKIE)?.to_str().unwrap();
        Some(cookie.split(';').next().unwrap().to_owned())
    }

    #[tokio::test]
    async fn who_comes_by_the_secret_from_elsewhere_is_a_device_that_can_be_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let reached =
            Reached { listen: "0.0.0.0:4747".parse().unwrap(), fingerprint: None, names: Vec::new() };
        let access = Arc::new(Access::open(dir.path(), reached).unwrap());
        let here = entered(&access, "127.0.0.1:9", HeaderMap::new()).await.unwrap();
        assert!(here.ends_with(&access.session) && access.devices.list(None).is_empty());
        let there = entered(&access, "[::ffff:10.0.0.7]:9", HeaderMap::new()).await.unwrap();
        assert!(!there.contains(&access.session));
        let device = access.devices.list(None).remove(0);
        assert_eq!(device.address, "10.0.0.7");
        // Once more with the cookie is not another device.
        let cookie = HeaderMap::from_iter([(axum::http::header::COOKIE, there.parse().unwrap())]);
        assert!(entered(&access, "10.0.0.7:9", cookie.clone()).await.is_none());
        assert_eq!(access.devices.list(None).len(), 1);
        assert!(access.devices.revoke(&device.id).unwrap());
        assert!(matches!(access.cookie(&cookie), Shown::Wrong));
    }

    #[test]
    fn a_device_is_named_by_what_people_call_it() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Windows",
            ),
            ("curl/8 <script>", "unknown program"),
        ] {
            let headers = HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_static(agent))]);
            assert_eq!(name_of(&headers), name);
        }
    }
}
