//! Who gets in. A start-up secret in the printed URL's fragment is exchanged once for a cookie; every
//! request must name a host that is ours, and come from our own page. A missing `Origin` is not trust.

use std::fs::{File, Permissions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shared::api::{Enter, Problem};
use shared::unit::Millis;
use subtle::ConstantTimeEq;

use crate::clock;

/// Wrong secrets or cookies per minute before all of them are turned away for the rest of it.
const FAILURES: u32 = 20;

/// The secrets of one data folder and the names of one listener.
pub struct Access {
    secret: String,
    /// What the cookie holds. Kept with the secret, so that a page survives the bridge's restart.
    session: String,
    port: u16,
    hosts: Vec<String>,
    failures: Mutex<(Millis, u32)>,
}

/// Why the secrets could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("cannot keep the access secret in {}: {}", .0.display(), .1)]
    Io(PathBuf, #[source] std::io::Error),
    #[error("the system gives no random numbers: {0}")]
    Random(String),
}

impl std::fmt::Debug for Access {
    // The secrets stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("port", &self.port).field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

impl Access {
    /// Reads the secrets of a data folder, or draws them.
    pub fn open(folder: &Path, listen: SocketAddr) -> Result<Self, AccessError> {
        let path = folder.join("secret");
        let (secret, session) = match std::fs::read_to_string(&path) {
            Ok(text) => match text.lines().collect::<Vec<_>>()[..] {
                [secret, session] if secret.len() == 43 && session.len() == 43 => {
                    (secret.to_owned(), session.to_owned())
                }
                _ => draw(&path)?,
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => draw(&path)?,
            Err(error) => return Err(AccessError::Io(path, error)),
        };
        let port = listen.port();
        let hosts = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}")).to_vec();
        Ok(Self { secret, session, port, hosts, failures: Mutex::default() })
    }

    /// The URL that lets a person in.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/#k={}", self.port, self.secret)
    }

    fn cookie_name(&self) -> String {
        // Cookies do not tell ports apart; two bridges on one host should not sign each other out.
        format!("orchestrator-{}", self.port)
    }

    fn host_is_ours(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        host.is_some_and(|host| self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host)))
    }

    fn origin_is_ours(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        origin
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(|host| self.hosts.iter().any(|ours| ours == host))
    }

    /// A browser sends no `Origin` with a plain GET, but says whose page asks.
    fn page_is_ours(&self, headers: &HeaderMap) -> bool {
        let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
        self.origin_is_ours(headers) || (!headers.contains_key(ORIGIN) && site == Some("same-origin"))
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let name = self.cookie_name();
        let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
        cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .any(|(key, value)| key == name && bool::from(value.as_bytes().ct_eq(self.session.as_bytes())))
    }

    /// Counts a failure; says whether there were too many.
    fn fail(&self) -> bool {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        if now.since(failures.0) > Millis::from_secs(60) {
            *failures = (now, 0);
        }
        failures.1 += 1;
        failures.1 > FAILURES
    }

    fn is_closed(&self) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.1 > FAILURES && clock::now().since(failures.0) <= Millis::from_secs(60)
    }
}

fn draw(path: &Path) -> Result<(String, String), AccessError> {
    let one = || {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| AccessError::Random(error.to_string()))?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    };
    let (secret, session) = (one()?, one()?);
    let failed = |error| AccessError::Io(path.to_owned(), error);
    let mut file = File::create(path).map_err(failed)?;
    file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
    writeln!(file, "{secret}\n{session}").map_err(failed)?;
    Ok((secret, session))
}

/// A refusal in words.
pub(crate) fn problem(status: StatusCode, error: &str, next_step: &str) -> Response {
    (status, Json(Problem { error: error.to_owned(), next_step: next_step.to_owned() })).into_response()
}

/// Stands before every route.
pub(crate) async fn guard(
    State(access): State<std::sync::Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    let refused = refusal(&access, &request);
    let mut response = match refused {
        Some(refused) => refused,
        None => next.run(request).await,
    };
    harden(response.headers_mut());
    response
}

fn refusal(access: &Access, request: &Request) -> Option<Response> {
    let (headers, path) = (request.headers(), request.uri().path());
    if !access.host_is_ours(headers) {
        return Some(problem(
            StatusCode::MISDIRECTED_REQUEST,
            "this host is not ours",
            "Use the URL that the bridge printed.",
        ));
    }
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let upgrade = path == "/ws";
    let ours =
        if reading && !upgrade { access.page_is_ours(headers) } else { access.origin_is_ours(headers) };
    let public = reading
        && !upgrade
        && (path == "/api/health" || !(path.starts_with("/api/") || path.starts_with("/dev/")));
    if public {
        return None;
    }
    if !ours {
        return Some(problem(
            StatusCode::FORBIDDEN,
            "this request does not come from our page",
            "Use the URL that the bridge printed.",
        ));
    }
    let json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !reading && !json {
        return Some(problem(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "only JSON is taken",
            "Send application/json.",
        ));
    }
    if access.is_closed() {
        return Some(problem(StatusCode::TOO_MANY_REQUESTS, "too many wrong attempts", "Wait a minute."));
    }
    if path != "/api/enter" && !access.has_cookie(headers) {
        access.fail();
        return Some(problem(
            StatusCode::UNAUTHORIZED,
            "not signed in",
            "Open the URL that the bridge printed when it started.",
        ));
    }
    None
}

/// `POST /api/enter`.
pub(crate) async fn enter(State(access): State<std::sync::Arc<Access>>, Json(body): Json<Enter>) -> Response {
    if !bool::from(body.secret.as_bytes().ct_eq(access.secret.as_bytes())) {
        access.fail();
        return problem(
            StatusCode::FORBIDDEN,
            "this is not the secret",
            "Open the URL that the bridge printed when it started.",
        );
    }
    let cookie = format!(
        "{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000",
        access.cookie_name(),
        access.session
    );
    ([(SET_COOKIE, cookie)], StatusCode::NO_CONTENT).into_response()
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
