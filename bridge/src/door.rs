//! The door: takes connections in, with TLS or without, says between which two addresses each is, and serves what
//! comes by them. Who is slow or silent, in the greeting or with a request, keeps nobody else waiting: both have a
//! time, and there is a bound on connections.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::ConnectInfo;
use axum::serve::Listener;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use self::patience::Patient;
use crate::access::place;
use crate::tls::Wire;

mod patience;

/// Connections that are still in their TLS handshake. When there are as many, further ones wait in the
/// system's queue until one is done or out of time.
const GREETED: usize = 256;
/// Bytes that wait to be sent by the system, at most.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 * 1024;
/// What a handshake may take.
const GREETING: Duration = Duration::from_secs(10);
/// The first byte of a TLS connection.
const HANDSHAKE: u8 = 22;
/// What a browser shows that was sent here without `https://`.
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThis bridge is reached by https:// only. Put that before its address.\n";

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub theirs: SocketAddr,
    /// The address by which they reached us.
    pub ours: SocketAddr,
}

/// What connections may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// How many are served at once. When there are as many, further ones wait in the system's queue until one is
    /// over. A WebSocket, which only those have who are let in, is counted no more.
    pub connections: usize,
    /// How many of those may come from one address, so that nobody at another one is kept out. What is beyond is closed at
    /// once, before a greeting.
    pub of_one: usize,
    /// The same for programs of this machine, which all come from one address.
    pub of_ours: usize,
    /// What the head of a request may take, from the end of the one before: so an idle connection is closed as well.
    pub head: Duration,
    /// How long nothing of an answer may be taken, on a WebSocket either.
    pub untaken: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        // A browser opens six to a host, and a household may have a dozen of them behind one address.
        let (head, untaken) = (Duration::from_secs(10), Duration::from_secs(30));
        Self { connections: 1_024, of_one: 128, of_ours: 1_024, head, untaken }
    }
}

/// How many connections each address has.
#[derive(Debug, Default)]
struct Shares(Mutex<HashMap<IpAddr, usize>>);

/// A connection's part of that, until it is over.
#[derive(Debug)]
struct Share {
    shares: Arc<Shares>,
    of: IpAddr,
}

impl Shares {
    /// Nothing when the address has as many as it may.
    fn take(self: &Arc<Self>, address: IpAddr, bounds: Bounds) -> Option<Share> {
        let most = if address.to_canonical().is_loopback() { bounds.of_ours } else { bounds.of_one };
        let of = place(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(of).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Share { shares: Arc::clone(self), of })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut counts = self.shares.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = counts.entry(self.of) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// A connection that was taken in.
struct Taken {
    wire: Box<dyn Wire>,
    ends: Ends,
    share: Share,
}

pub(crate) struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shares: Arc<Shares>,
    greetings: JoinSet<Option<Taken>>,
}

impl Door {
    pub(crate) fn new(listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> Self {
        let (tls, shares) = (tls.map(TlsAcceptor::from), Arc::default());
        Self { listener, tls, shares, greetings: JoinSet::new() }
    }

    /// Takes connections in and serves each by a task of its own, without end. Handlers are told its [`Ends`].
    pub(crate) async fn serve(mut self, app: Router, bounds: Bounds) -> Infallible {
        let places = Arc::new(Semaphore::new(bounds.connections));
        loop {
            let place = Arc::clone(&places).acquire_owned().await;
            let Taken { wire, ends, share } = self.accept(bounds).await;
            let app = app.clone();
            tokio::spawn(async move {
                converse(wire, ends, app, bounds.head).await;
                drop((place, share));
            });
        }
    }

    async fn accept(&mut self, bounds: Bounds) -> Taken {
        loop {
            tokio::select! {
                Some(greeted) = self.greetings.join_next() => {
                    if let Ok(Some(connection)) = greeted {
                        return connection;
                    }
                }
                (socket, theirs) = Listener::accept(&mut self.listener), if self.greetings.len() < GREETED => {
                    let Ok(ours) = socket.local_addr() else { continue };
                    let Some(share) = self.shares.take(theirs.ip(), bounds) else { continue };
                    // A line should not wait in the socket for a second one.
                    let _ = socket.set_nodelay(true);
                    keep_short(&socket);
                    let ends = Ends { theirs, ours };
                    let Some(acceptor) = self.tls.clone() else {
                        return Taken { wire: Box::new(Patient::new(socket, bounds.untaken)), ends, share };
                    };
                    self.greetings.spawn(async move {
                        let greeted = timeout(GREETING, greet(socket, acceptor, bounds.untaken)).await;
                        Some(Taken { wire: greeted.ok()??, ends, share })
                    });
                }
            }
        }
    }
}

/// Serves a connection until it is over, or is handed to a WebSocket.
async fn converse(wire: Box<dyn Wire>, ends: Ends, app: Router, head: Duration) {
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(ends));
        app.clone().oneshot(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head);
    let served = http.serve_connection(TokioIo::new(wire), answer).with_upgrades().await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Has little wait in the system for a reader, so that what is taken is seen while it is taken. Linux says that there is
/// room again when a third of its buffer is free, which grows to megabytes: a slow reader needs minutes for that.
#[cfg(target_os = "linux")]
fn keep_short(socket: &TcpStream) {
    let _ = socket2::SockRef::from(socket).set_tcp_notsent_lowat(UNSENT);
}

#[cfg(not(target_os = "linux"))]
fn keep_short(_: &TcpStream) {}

async fn greet(mut socket: TcpStream, acceptor: TlsAcceptor, untaken: Duration) -> Option<Box<dyn Wire>> {
    let mut first = [0];
    socket.peek(&mut first).await.ok()?;
    if first[0] != HANDSHAKE {
        // Read first: a connection that is closed with unread bytes takes what was written with it.
        let _ = socket.read(&mut [0; 4_096]).await;
        let _ = socket.write_all(PLAIN).await;
        return None;
    }
    match acceptor.accept(Patient::new(socket, untaken)).await {
        Ok(stream) => Some(Box::new(stream)),
        Err(error) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use axum::routing::get;
    use tokio::time::Instant;

    use super::*;

    /// More than the buffers of a connection take.
    const LARGE: usize = 64 * 1024 * 1024;

    async fn open(bounds: Bounds) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = |ConnectInfo(ends): ConnectInfo<Ends>| async move { ends.theirs.to_string() };
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            "at last"
        };
        let large = || async { vec![b'x'; LARGE] };
        let app = Router::new().route("/", get(told)).route("/slow", get(slow)).route("/large", get(large));
        tokio::spawn(Door::new(listener, None).serve(app, bounds));
        address
    }

    /// The whole of what comes until the other end closes.
    async fn ask(address: SocketAddr, words: &str) -> (SocketAddr, String) {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(words.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(20), socket.read_to_end(&mut answer)).await.unwrap();
        (socket.local_addr().unwrap(), String::from_utf8_lossy(&answer).into_owned())
    }

    #[tokio::test]
    async fn half_a_request_keeps_no_whole_one_out() {
        let head = Duration::from_millis(200);
        let address = open(Bounds { connections: 4, head, ..Bounds::default() }).await;
        let mut half = Vec::new();
        for words in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n", "PRI * HTTP/2.0\r\n"].repeat(8) {
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.write_all(words.as_bytes()).await.unwrap();
            half.push(socket);
        }
        let (from, answer) = ask(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(&from.to_string()), "{answer}");
    }

    #[tokio::test]
    async fn one_address_has_no_more_than_its_share() {
        let address = open(Bounds { of_ours: 2, ..Bounds::default() }).await;
        let held = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let (_, answer) = ask(address, request).await;
        assert_eq!(answer, "", "closed without a word");
        drop(held);
        // The door hears of their ends in its own time.
        while ask(address, request).await.1.is_empty() {}

        let (shares, bounds) = (Arc::<Shares>::default(), Bounds { of_one: 1, ..Bounds::default() });
        let [one, mapped, other]: [IpAddr; 3] =
            ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"].map(|address| address.parse().unwrap());
        let first = shares.take(one, bounds).unwrap();
        assert!([one, mapped].into_iter().all(|one| shares.take(one, bounds).is_none()));
        assert!(shares.take(other, bounds).is_some());
        drop(first);
        assert!(shares.0.lock().unwrap().is_empty() && shares.take(one, bounds).is_some());
    }

    #[tokio::test]
    async fn an_answer_may_take_longer_than_a_head() {
        let head = Duration::from_millis(200);
        let address = open(Bounds { connections: 1, head, ..Bounds::default() }).await;
        let (_, answer) = ask(address, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answer.ends_with("at last"), "{answer}");
    }

    #[tokio::test]
    async fn who_asks_and_does_not_read_loses_the_place_and_who_reads_slowly_does_not() {
        let untaken = Duration::from_secs(2);
        let address = open(Bounds { connections: 1, untaken, ..Bounds::default() }).await;
        let request = b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(request).await.unwrap();
        let (_, answer) = ask(address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(request).await.unwrap();
        // Longer in all than nothing may be taken; in that time it takes less than what the system may hold for it.
        let (began, mut taken) = (Instant::now(), 0);
        let mut part = vec![0; 16 * 1024];
        while began.elapsed() < 3 * untaken {
            taken += slow.read(&mut part).await.unwrap();
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        assert!(taken < LARGE / 8, "{taken}");
        // All of it is still to be had.
        let mut rest = Vec::new();
        taken += slow.read_to_end(&mut rest).await.unwrap();
        assert!(taken > LARGE, "{taken}");
    }
}
