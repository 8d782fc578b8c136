//! Who gets in. A start-up secret in the printed URL's fragment is exchanged once for a cookie, other devices
//! get cookies of their own when a person says yes; every request must name a host that is ours, and come
//! from our own page. A missing `Origin` is not trust.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::header::{AUTHORIZATION, COOKIE, HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use shared::api::{Asking, Problem};
use shared::unit::Millis;
use tokio::sync::watch;

use crate::clock;
use crate::door::Ends;
use crate::tls::Fingerprint;

mod devices;
mod guard;
mod pairing;
pub(crate) mod routes;
mod secret;
mod tally;

use devices::Devices;
pub(crate) use guard::guard;
use pairing::Pairing;
pub(crate) use secret::keep_private;
use secret::{random, same};
use tally::Tallies;
pub(crate) use tally::place;

/// Wrong secrets or cookies per minute from one address, before all from there who are not signed in are turned away for
/// the rest of it.
const FAILURES: u32 = 20;
/// How long a started browser may take to show the page.
const TICKET: Millis = Millis::from_secs(120);
/// Whom a cookie belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// A browser of this machine that came by the printed URL, or a command of the bridge's own user.
    Owner,
    /// A device, by its id.
    Device(String),
}

impl Who {
    pub(crate) fn device(&self) -> Option<&str> {
        match self {
            Self::Owner => None,
            Self::Device(id) => Some(id),
        }
    }
}

/// What of a request is to show that it may come in: its cookie, or its token.
enum Shown {
    Right(Who),
    Wrong,
    Missing,
}

/// By which addresses and names a bridge is reached.
#[derive(Debug, Clone)]
pub struct Reached {
    pub listen: SocketAddr,
    /// Of its certificate; none where it speaks no TLS.
    pub fingerprint: Option<Fingerprint>,
    /// Host names beside the addresses, without a port.
    pub names: Vec<String>,
}

impl Reached {
    /// How clients of this machine reach it.
    pub(crate) fn here(listen: SocketAddr) -> SocketAddr {
        let ip = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from(std::net::Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        SocketAddr::new(ip, listen.port())
    }

    fn tls(&self) -> bool {
        self.fingerprint.is_some()
    }

    /// What an origin of ours begins with.
    fn scheme(&self) -> &'static str {
        if self.tls() { "https://" } else { "http://" }
    }

    /// A host and our port as a URL has them.
    fn spelt(&self, host: &str) -> impl Iterator<Item = String> + use<> {
        let port = self.listen.port();
        // Browsers leave out the port that a URL of this scheme has anyway.
        let bare = (port == if self.tls() { 443 } else { 80 }).then(|| host.to_owned());
        [format!("{host}:{port}")].into_iter().chain(bare)
    }

    fn spelt_address(&self, ip: IpAddr) -> impl Iterator<Item = String> + use<> {
        self.spelt(&match ip.to_canonical() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        })
    }
}

/// The secrets of one data folder and the names of one listener.
pub struct Access {
    secret: String,
    /// What the owner's cookie holds. Kept with the secret, so that a page survives the bridge's restart.
    session: String,
    reached: Reached,
    hosts: Vec<String>,
    /// What the browser that we open is let in with, once and until then. A command line can be read by
    /// every user of the machine, so the secret itself is not put there.
    ticket: Mutex<Option<(String, Millis)>>,
    failures: Tallies,
    pub(crate) devices: Devices,
    /// Nothing without TLS: only this machine reaches such a bridge, and its terminal has the URL.
    pub(crate) pairing: Option<Pairing>,
}

/// Why the secrets could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("cannot keep who gets in in {}: {}", .0.display(), .1)]
    Io(PathBuf, #[source] std::io::Error),
    #[error("{} cannot be read: {}. Correct it, or delete it: then all devices pair anew.", .0.display(), .1)]
    Devices(PathBuf, String),
    #[error("{0} devices are let in already. Revoke one that is not used any more.")]
    TooMany(usize),
    #[error("the system gives no random numbers: {0}")]
    Random(String),
}

impl std::fmt::Debug for Access {
    // The secrets stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access")
            .field("reached", &self.reached)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Reads the secrets and devices of a data folder; draws the secrets where there are none.
    pub fn open(folder: &Path, reached: Reached) -> Result<Self, AccessError> {
        let (secret, session) = secret::open(folder)?;
        let ours = ["127.0.0.1", "localhost", "[::1]"].into_iter();
        let ours = ours.chain(reached.names.iter().map(String::as_str)).flat_map(|name| reached.spelt(name));
        let hosts = ours.chain(reached.spelt_address(reached.listen.ip())).collect();
        Ok(Self {
            secret,
            session,
            hosts,
            ticket: Mutex::default(),
            failures: Tallies::of(FAILURES),
            devices: Devices::open(folder)?,
            pairing: reached.tls().then(Pairing::new),
            reached,
        })
    }

    /// The devices that wait for a person's word; never any without pairing.
    pub(crate) fn asking(&self) -> watch::Receiver<Vec<Asking>> {
        self.pairing.as_ref().map_or_else(|| watch::channel(Vec::new()).1, Pairing::open)
    }

    /// The URL that lets a person in.
    pub fn url(&self) -> String {
        self.with_key(&self.secret)
    }

    fn with_key(&self, key: &str) -> String {
        format!("{}/#k={key}", self.origin())
    }

    /// What a client on this machine has as its origin.
    pub(crate) fn origin(&self) -> String {
        format!("{}{}", self.reached.scheme(), Reached::here(self.reached.listen))
    }

    /// Of the certificate that other devices see.
    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        self.reached.fingerprint
    }

    /// For who checks that it stands nowhere else.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// What a client of the bridge's own user sends to be let in: `Origin` and `Cookie`.
    pub fn credentials(&self) -> [(HeaderName, String); 2] {
        let cookie = format!("{}={}", self.cookie_name(), self.session);
        [(ORIGIN, self.origin()), (COOKIE, cookie)]
    }

    /// A URL that lets one browser in, once, within [`TICKET`]; the former one is void.
    pub fn ticket_url(&self) -> Result<String, AccessError> {
        let ticket = random()?;
        let url = self.with_key(&ticket);
        *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = Some((ticket, clock::now() + TICKET));
        Ok(url)
    }

    /// Whether this is the secret, or the ticket, which is used up by it.
    fn opens(&self, given: &str) -> bool {
        let mut ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        let used = ticket.take_if(|(ticket, until)| same(given, ticket) || clock::now() > *until);
        same(given, &self.secret)
            || used.is_some_and(|(ticket, until)| same(given, &ticket) && clock::now() <= until)
    }

    fn cookie_name(&self) -> String {
        // Cookies do not tell ports apart; two bridges on one host should not sign each other out. The
        // prefix has browsers hold to what `set_cookie` says of it.
        format!(
            "{}orchestrator-{}",
            if self.reached.tls() { "__Host-" } else { "" },
            self.reached.listen.port()
        )
    }

    fn set_cookie(&self, value: &str, seconds: u32) -> String {
        let secure = if self.reached.tls() { "; Secure" } else { "" };
        let name = self.cookie_name();
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")
    }

    /// Whether a host is one of our names, or the very address that this connection came to. Of the latter
    /// a bridge that listens everywhere knows nothing beforehand; a name that was rebound is no address.
    fn is_ours(&self, host: &str, ends: Option<Ends>) -> bool {
        self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host))
            || ends.is_some_and(|ends| self.reached.spelt_address(ends.ours.ip()).any(|ours| ours == host))
    }

    fn host_is_ours(&self, headers: &HeaderMap, ends: Option<Ends>) -> bool {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        host.is_some_and(|host| self.is_ours(host, ends))
    }

    fn origin_is_ours(&self, headers: &HeaderMap, ends: Option<Ends>) -> bool {
        let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        origin
            .and_then(|origin| origin.strip_prefix(self.reached.scheme()))
            .is_some_and(|host| self.is_ours(host, ends))
    }

    /// A browser sends no `Origin` with a plain GET, but says whose page asks.
    fn page_is_ours(&self, headers: &HeaderMap, ends: Option<Ends>) -> bool {
        let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
        self.origin_is_ours(headers, ends) || (!headers.contains_key(ORIGIN) && site == Some("same-origin"))
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
        ours.find_map(|(_, value)| self.whose(value)).map_or(Shown::Wrong, Shown::Right)
    }

    /// The token of a tool without a browser, in its `Authorization` header. A browser sends that header for
    /// another page only after asking us, which we never grant, and always says whose page asks.
    fn token(&self, headers: &HeaderMap) -> Shown {
        let from_a_page = headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site");
        let given = headers.get(AUTHORIZATION).filter(|_| !from_a_page);
        let given =
            given.and_then(|given| given.to_str().ok()).and_then(|given| given.strip_prefix("Bearer "));
        match given {
            Some(given) if same(given, &self.secret) => Shown::Right(Who::Owner),
            Some(_) => Shown::Wrong,
            None => Shown::Missing,
        }
    }

    fn whose(&self, value: &str) -> Option<Who> {
        if same(value, &self.session) {
            return Some(Who::Owner);
        }
        self.devices.of_secret(value).map(Who::Device)
    }
}

/// A refusal in words.
pub(crate) fn problem(status: StatusCode, error: &str, next_step: &str) -> Response {
    (status, Json(Problem { error: error.to_owned(), next_step: next_step.to_owned() })).into_response()
}

/// The body of a call, or the answer that says what is wrong with it.
pub(crate) fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Box<Response>> {
    let told = |error: JsonRejection| problem(error.status(), &error.body_text(), "Reload the page.");
    body.map(|Json(body)| body).map_err(|error| Box::new(told(error)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use axum::http::HeaderValue;

    use super::*;

    fn reached(listen: &str, tls: bool) -> Reached {
        let fingerprint = tls.then(|| ["0A"; 32].join(":").parse().unwrap());
        Reached { listen: listen.parse().unwrap(), fingerprint, names: vec!["studio.lan".to_owned()] }
    }

    fn open(folder: &Path) -> Access {
        Access::open(folder, reached("127.0.0.1:4747", false)).unwrap()
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
    #[cfg(unix)]
    fn the_secrets_are_kept_closed_to_others_and_drawn_anew_when_spoilt() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        let first = open(dir.path());
        let file = dir.path().join("secret");
        let mode = || std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let again = open(dir.path());
        assert_eq!((mode(), again.url(), &again.session), (0o600, first.url(), &first.session));
        std::fs::write(&file, "short\n").unwrap();
        let anew = open(dir.path());
        assert_ne!(anew.url(), first.url());
        assert_ne!(anew.secret, anew.session);
        assert!(!format!("{anew:?}").contains(&anew.secret), "not in a log either");
    }

    #[test]
    fn the_address_of_the_connection_is_ours_and_no_name_that_leads_there() {
        let dir = tempfile::tempdir().unwrap();
        let everywhere = Access::open(dir.path(), reached("[::]:443", true)).unwrap();
        let end = |address: &str| address.parse().unwrap();
        let at = |ours: &str| Some(Ends { theirs: end("10.0.0.7:9999"), ours: end(ours) });
        for (host, ours) in [
            ("10.0.0.2:443", "10.0.0.2:443"),
            ("10.0.0.2", "[::ffff:10.0.0.2]:443"),
            ("[fd00::2]", "[fd00::2]:443"),
            ("studio.lan", "10.0.0.2:443"),
            ("studio.lan:443", "10.0.0.2:443"),
        ] {
            assert!(everywhere.is_ours(host, at(ours)), "{host}");
        }
        for host in ["10.0.0.3", "10.0.0.2:80", "rebound.example", "10.0.0.2.evil.example", "0.0.0.0", ""] {
            assert!(!everywhere.is_ours(host, at("10.0.0.2:443")), "{host}");
        }
        assert_eq!(everywhere.origin(), "https://[::1]:443");
    }

    #[test]
    fn names_are_ours_with_our_port_alone() {
        let dir = tempfile::tempdir().unwrap();
        let at = |listen: &str| Access::open(dir.path(), reached(listen, false)).unwrap();
        let named = |access: &Access, host: &'static str| {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            access.host_is_ours(&headers, None)
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
