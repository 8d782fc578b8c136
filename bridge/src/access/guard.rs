//! The guard before every route: whose name a request has, from whose page it comes, who sends it; and the
//! headers that keep a browser strict about every answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::timeout;

use super::{Access, Shown, Who, problem};

/// What is answered without a cookie: these are the ways to one.
const WAYS_IN: [&str; 3] = ["/api/enter", "/api/pair", "/api/pair/outcome"];

/// What the body of a request may take of somebody who is not let in, and how many bytes it may have.
const PATIENCE: Duration = Duration::from_secs(10);
const BODY: usize = 64 * 1024;

/// Stands before every route, and tells those behind it who asks: [`Who`].
pub(crate) async fn guard(State(access): State<Arc<Access>>, mut request: Request, next: Next) -> Response {
    let mut response = match entry(&access, &request) {
        Err(refused) => *refused,
        Ok(Some(who)) => {
            request.extensions_mut().insert(who);
            next.run(request).await
        }
        Ok(None) => match whole(request).await {
            Ok(request) => next.run(request).await,
            Err(refused) => *refused,
        },
    };
    harden(response.headers_mut());
    response
}

/// The request with all of its body, which somebody who is not let in yet must send at once: half of one would hold
/// its connection.
async fn whole(request: Request) -> Result<Request, Box<Response>> {
    let (parts, body) = request.into_parts();
    let (status, error) = match timeout(PATIENCE, to_bytes(body, BODY)).await {
        Ok(Ok(bytes)) => return Ok(Request::from_parts(parts, Body::from(bytes))),
        Ok(Err(_)) => (StatusCode::PAYLOAD_TOO_LARGE, "the request is too large, or broke off"),
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the request took too long"),
    };
    Err(Box::new(problem(status, error, "Reload the page.")))
}

/// Who asks, of what only some may have; nobody, of what is everybody's.
fn entry(access: &Access, request: &Request) -> Result<Option<Who>, Box<Response>> {
    let refused = |status, error, next_step| Err(Box::new(problem(status, error, next_step)));
    let (headers, path) = (request.headers(), request.uri().path());
    let ends = request.extensions().get().map(|ConnectInfo(ends)| *ends);
    if !access.host_is_ours(headers, ends) {
        return refused(
            StatusCode::MISDIRECTED_REQUEST,
            "this host is not ours",
            "Use the URL that the bridge printed.",
        );
    }
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let upgrade = path == "/ws";
    let ours = if reading && !upgrade {
        access.page_is_ours(headers, ends)
    } else {
        access.origin_is_ours(headers, ends)
    };
    let public = reading
        && !upgrade
        && (path == "/api/health" || !(path.starts_with("/api/") || path.starts_with("/dev/")));
    if public {
        return Ok(None);
    }
    let token = if path.starts_with("/api/") { access.token(headers) } else { Shown::Missing };
    if !ours && matches!(token, Shown::Missing) {
        return refused(
            StatusCode::FORBIDDEN,
            "this request does not come from our page",
            "Use the URL that the bridge printed.",
        );
    }
    if !reading && !is_json(headers) {
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "only JSON is taken", "Send application/json.");
    }
    // A guess counts; a page that has no cookie yet guesses nothing, and who is signed in is not locked out.
    let wrong = match if ours { access.cookie(headers) } else { token } {
        Shown::Right(who) => return Ok(Some(who)),
        Shown::Wrong => true,
        Shown::Missing => false,
    };
    let from = ends.map(|ends| ends.theirs.ip());
    if wrong {
        access.failures.count(from);
    }
    if access.failures.is_full(from) {
        return refused(StatusCode::TOO_MANY_REQUESTS, "too many wrong attempts", "Wait a minute.");
    }
    if WAYS_IN.contains(&path) {
        return Ok(None);
    }
    let mut answer = problem(
        StatusCode::UNAUTHORIZED,
        "not signed in",
        "Open the URL that the bridge printed when it started; a tool sends `Authorization: Bearer TOKEN` with the token that `orchestrator token` prints.",
    );
    // One of another data folder or revoked, most likely: a page that sends it again and again looks like a guesser.
    if wrong
        && ours
        && let Ok(forget) = access.set_cookie("", 0).parse()
    {
        answer.headers_mut().insert(SET_COOKIE, forget);
    }
    Err(Box::new(answer))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn harden(headers: &mut HeaderMap) {
    const RULES: [(HeaderName, &str); 6] = [
        (
            HeaderName::from_static("content-security-policy"),
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; \
             base-uri 'none'; form-action 'none'",
        ),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
    ];
    for (name, value) in RULES {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use futures_util::{StreamExt, stream};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn half_a_body_of_a_stranger_is_not_waited_for() {
        let half = stream::iter([Ok::<_, std::io::Error>("{\"sec")]).chain(stream::pending());
        let refused = whole(Request::new(Body::from_stream(half))).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::REQUEST_TIMEOUT);
        let large = whole(Request::new(Body::from(vec![b' '; BODY + 1]))).await.unwrap_err();
        assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let sent = whole(Request::new(Body::from("{}"))).await.unwrap();
        assert_eq!(to_bytes(sent.into_body(), BODY).await.unwrap(), "{}");
    }
}
