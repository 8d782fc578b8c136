//! Who gets in. A start-up secret in the printed URL's fragment is exchanged once for a cookie; every
//! request must name a host that is ours, and come from our own page. A missing `Origin` is not trust.

use std::fs::{File, Permissions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue, ORIGIN, SET_COOKIE,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shared::api::{Enter, Problem};
use shared::unit::Millis;
use subtle::ConstantTimeEq;

use crate::clock;

/// Wrong secrets or cookies per minute before all who are not signed in are turned away for the rest of it.
const FAILURES: u32 = 20;
/// How long a started browser may take to show the page.
const TICKET: Millis = Millis::from_secs(120);

/// What of a request is to show that it may come in: its cookie, or its token.
enum Shown {
    Right,
    Wrong,
    Missing,
}

/// The secrets of one data folder and the names of one listener.
pub struct Access {
    secret: String,
    /// What the cookie holds. Kept with the secret, so that a page survives the bridge's restart.
    session: String,
    listen: SocketAddr,
    hosts: Vec<String>,
    /// What the browser that we open is let in with, once and until then. A command line can be read by
    /// every user of the machine, so the secret itself is not put there.
    ticket: Mutex<Option<(String, Millis)>>,
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
        f.debug_struct("Access")
            .field("listen", &self.listen)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Reads the secrets of a data folder, or draws them.
    pub fn open(folder: &Path, listen: SocketAddr) -> Result<Self, AccessError> {
        let path = folder.join("secret");
        let (secret, session) = match std::fs::read_to_string(&path) {
            Ok(text) => match text.lines().collect::<Vec<_>>()[..] {
                [secret, session] if secret.len() == 43 && session.len() == 43 => {
                    std::fs::set_permissions(&path, Permissions::from_mode(0o600))
                        .map_err(|error| AccessError::Io(path.clone(), error))?;
                    (secret.to_owned(), session.to_owned())
                }
                _ => draw(&path)?,
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => draw(&path)?,
            Err(error) => return Err(AccessError::Io(path, error)),
        };
        let port = listen.port();
        let names = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}"));
        let mut hosts = vec![listen.to_string()];
        hosts.extend(names);
        // Browsers leave out the port that a URL of this scheme has anyway.
        if port == 80 {
            hosts.extend(["127.0.0.1", "localhost", "[::1]"].map(str::to_owned));
        }
        Ok(Self { secret, session, listen, hosts, ticket: Mutex::default(), failures: Mutex::default() })
    }

    /// The URL that lets a person in.
    pub fn url(&self) -> String {
        format!("http://{}/#k={}", self.listen, self.secret)
    }

    /// For who checks that it stands nowhere else.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// What a client of the bridge's own user sends to be let in: `Origin` and `Cookie`.
    pub fn credentials(&self) -> [(HeaderName, String); 2] {
        let cookie = format!("{}={}", self.cookie_name(), self.session);
        [(ORIGIN, format!("http://{}", self.listen)), (COOKIE, cookie)]
    }

    /// A URL that lets one browser in, once, within [`TICKET`]; the former one is void.
    pub fn ticket_url(&self) -> Result<String, AccessError> {
        let ticket = random()?;
        let url = format!("http://{}/#k={ticket}", self.listen);
        *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = Some((ticket, clock::now() + TICKET));
        Ok(url)
    }

    /// Whether this is the secret, or the ticket, which is used up by it.
    fn opens(&self, given: &str) -> bool {
        let same = |known: &str| bool::from(given.as_bytes().ct_eq(known.as_bytes()));
        let mut ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        let used = ticket.take_if(|(ticket, until)| same(ticket) || clock::now() > *until);
        same(&self.secret) || used.is_some_and(|(ticket, until)| same(&ticket) && clock::now() <= until)
    }

    fn cookie_name(&self) -> String {
        // Cookies do not tell ports apart; two bridges on one host should not sign each other out.
        format!("orchestrator-{}", self.listen.port())
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

    fn cookie(&self, headers: &HeaderMap) -> Shown {
        let name = self.cookie_name();
        let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
        let mut ours = cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .filter(|(key, _)| *key == name)
            .peekable();
        if ours.peek().is_none() {
            return Shown::Missing;
        }
        let right = ours.any(|(_, value)| bool::from(value.as_bytes().ct_eq(self.session.as_bytes())));
        if right { Shown::Right } else { Shown::Wrong }
    }

    /// The token of a tool without a browser, in its `Authorization` header. A browser sends that header for
    /// another page only after asking us, which we never grant, and always says whose page asks.
    fn token(&self, headers: &HeaderMap) -> Shown {
        let from_a_page = headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site");
        let given = headers.get(AUTHORIZATION).filter(|_| !from_a_page);
        let given =
            given.and_then(|given| given.to_str().ok()).and_then(|given| given.strip_prefix("Bearer "));
        match given {
            Some(given) if bool::from(given.as_bytes().ct_eq(self.secret.as_bytes())) => Shown::Right,
            Some(_) => Shown::Wrong,
            None => Shown::Missing,
        }
    }

    fn fail(&self) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        if now.since(failures.0) > Millis::from_secs(60) {
            *failures = (now, 0);
        }
        failures.1 = failures.1.saturating_add(1);
    }

    fn is_closed(&self) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.1 >= FAILURES && clock::now().since(failures.0) <= Millis::from_secs(60)
    }
}

fn draw(path: &Path) -> Result<(String, String), AccessError> {
    let (secret, session) = (random()?, random()?);
    let failed = |error| AccessError::Io(path.to_owned(), error);
    // A new file that was never anybody else's to open, and is whole when it has its name.
    let draft = path.with_extension("new");
    let _ = std::fs::remove_file(&draft);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
    writeln!(file, "{secret}\n{session}").and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&draft, path).map_err(failed)?;
    Ok((secret, session))
}

/// 32 random bytes as text.
fn random() -> Result<String, AccessError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| AccessError::Random(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
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
    let token = if path.starts_with("/api/") { access.token(headers) } else { Shown::Missing };
    if !ours && matches!(token, Shown::Missing) {
        return Some(problem(
            StatusCode::FORBIDDEN,
            "this request does not come from our page",
            "Use the URL that the bridge printed.",
        ));
    }
    if !reading && !is_json(headers) {
        return Some(problem(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "only JSON is taken",
            "Send application/json.",
        ));
    }
    // A guess counts; a page that has no cookie yet guesses nothing, and who is signed in is not locked out.
    let cookie = access.cookie(headers);
    match if ours { &cookie } else { &token } {
        Shown::Right => return None,
        Shown::Wrong => access.fail(),
        Shown::Missing => {}
    }
    if access.is_closed() {
        return Some(problem(StatusCode::TOO_MANY_REQUESTS, "too many wrong attempts", "Wait a minute."));
    }
    (path != "/api/enter").then(|| {
        let mut answer = problem(
            StatusCode::UNAUTHORIZED,
            "not signed in",
            "Open the URL that the bridge printed when it started; a tool sends `Authorization: Bearer TOKEN` with the token that `orchestrator token` prints.",
        );
        // One of another data folder, most likely: a page that sends it again and again looks like a guesser.
        let forget = format!("{}=; Path=/; Max-Age=0", access.cookie_name()).parse();
        if let (Shown::Wrong, Ok(forget)) = (cookie, forget) {
            answer.headers_mut().insert(SET_COOKIE, forget);
        }
        answer
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// The body of a call, or the answer that says what is wrong with it.
pub(crate) fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Box<Response>> {
    let told = |error: JsonRejection| problem(error.status(), &error.body_text(), "Reload the page.");
    body.map(|Json(body)| body).map_err(|error| Box::new(told(error)))
}

/// `POST /api/enter`.
pub(crate) async fn enter(
    State(access): State<std::sync::Arc<Access>>,
    headers: HeaderMap,
    sent: Result<Json<Enter>, JsonRejection>,
) -> Response {
    let sent = match body(sent) {
        Ok(sent) => sent,
        Err(problem) => return *problem,
    };
    // A tab whose used ticket is still in its URL is in already.
    if !access.opens(&sent.secret) && !matches!(access.cookie(&headers), Shown::Right) {
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn open(folder: &Path) -> Access {
        Access::open(folder, "127.0.0.1:4747".parse().unwrap()).unwrap()
    }

    fn key(url: &str) -> &str {
        url.strip_prefix("http://127.0.0.1:4747/#k=").unwrap()
    }

    #[test]
    fn a_ticket_lets_in_once_and_the_newest_alone() {
        let dir = tempfile::tempdir().unwrap();
        let access = open(dir.path());
        let (first, second) = (access.ticket_url().unwrap(), access.ticket_url().unwrap());
        assert!(!access.opens(key(&first)));
        assert!(!access.opens("guess"));
        assert!(access.opens(key(&second)), "a guess does not use it up");
        assert!(!access.opens(key(&second)));
        assert!(
            access.opens(key(&access.url())) && access.opens(key(&access.url())),
            "the secret stays good"
        );
    }

    #[test]
    fn a_ticket_that_nobody_used_in_time_is_void() {
        let dir = tempfile::tempdir().unwrap();
        let access = open(dir.path());
        let url = access.ticket_url().unwrap();
        access.ticket.lock().unwrap().as_mut().unwrap().1 = Millis(1);
        assert!(!access.opens(key(&url)));
        assert!(access.opens(key(&access.url())));
    }

    #[test]
    fn the_secrets_are_kept_closed_to_others_and_drawn_anew_when_spoilt() {
        let dir = tempfile::tempdir().unwrap();
        let first = open(dir.path());
        let file = dir.path().join("secret");
        let mode = || std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let again = open(dir.path());
        assert_eq!((mode(), again.url(), &again.session), (0o600, first.url(), &first.session));
        std::fs::write(&file, "short\n").unwrap();
        let anew = open(dir.path());
        assert_ne!(anew.url(), first.url());
        assert_ne!(anew.secret, anew.session);
        assert!(!format!("{anew:?}").contains(&anew.secret), "not in a log either");
    }

    #[test]
    fn names_are_ours_with_our_port_alone() {
        let dir = tempfile::tempdir().unwrap();
        let at = |listen: &str| Access::open(dir.path(), listen.parse().unwrap()).unwrap();
        let named = |access: &Access, host: &'static str| {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            access.host_is_ours(&headers)
        };
        let usual = at("127.0.0.1:4747");
        for host in ["127.0.0.1:4747", "localhost:4747", "LOCALHOST:4747", "[::1]:4747"] {
            assert!(named(&usual, host), "{host}");
        }
        for host in ["127.0.0.1", "127.0.0.1:4748", "localhost.evil.example:4747", "evil.example", ""] {
            assert!(!named(&usual, host), "{host}");
        }
        assert!(named(&at("127.0.0.1:80"), "localhost"));
        let six = at("[::1]:4747");
        assert!(six.url().starts_with("http://[::1]:4747/#k="));
        assert!(named(&at("127.0.0.7:4747"), "127.0.0.7:4747"));
    }
}
