//! The door: takes connections in, with TLS or without, says between which two addresses each is, and serves what
//! comes by them. Who is slow or silent, in the greeting or with a request, keeps nobody else waiting: both have a
//! time, and there is a bound on connections.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
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

use crate::tls::Wire;

/// Connections that are still in their TLS handshake. When there are as many, further ones wait in the
/// system's queue until one is done or out of time.
const GREETED: usize = 256;
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
    /// What the head of a request may take, from the end of the one before: so an idle connection is closed as well.
    pub head: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connections: 1_024, head: Duration::from_secs(10) }
    }
}

pub(crate) struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    greetings: JoinSet<Option<(Box<dyn Wire>, Ends)>>,
}

impl Door {
    pub(crate) fn new(listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> Self {
        Self { listener, tls: tls.map(TlsAcceptor::from), greetings: JoinSet::new() }
    }

    /// Takes connections in and serves each by a task of its own, without end. Handlers are told its [`Ends`].
    pub(crate) async fn serve(mut self, app: Router, bounds: Bounds) -> Infallible {
        let places = Arc::new(Semaphore::new(bounds.connections));
        loop {
            let place = Arc::clone(&places).acquire_owned().await;
            let (wire, ends) = self.accept().await;
            let app = app.clone();
            tokio::spawn(async move {
                converse(wire, ends, app, bounds.head).await;
                drop(place);
            });
        }
    }

    async fn accept(&mut self) -> (Box<dyn Wire>, Ends) {
        loop {
            tokio::select! {
                Some(greeted) = self.greetings.join_next() => {
                    if let Ok(Some(connection)) = greeted {
                        return connection;
                    }
                }
                (socket, theirs) = Listener::accept(&mut self.listener), if self.greetings.len() < GREETED => {
                    let Ok(ours) = socket.local_addr() else { continue };
                    // A line should not wait in the socket for a second one.
                    let _ = socket.set_nodelay(true);
                    let ends = Ends { theirs, ours };
                    let Some(acceptor) = self.tls.clone() else { return (Box::new(socket), ends) };
                    self.greetings.spawn(async move {
                        let greeted = timeout(GREETING, greet(socket, acceptor)).await;
                        Some((greeted.ok()??, ends))
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

async fn greet(mut socket: TcpStream, acceptor: TlsAcceptor) -> Option<Box<dyn Wire>> {
    let mut first = [0];
    socket.peek(&mut first).await.ok()?;
    if first[0] != HANDSHAKE {
        // Read first: a connection that is closed with unread bytes takes what was written with it.
        let _ = socket.read(&mut [0; 4_096]).await;
        let _ = socket.write_all(PLAIN).await;
        return None;
    }
    match acceptor.accept(socket).await {
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

    use super::*;

    async fn open(bounds: Bounds) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = |ConnectInfo(ends): ConnectInfo<Ends>| async move { ends.theirs.to_string() };
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            "at last"
        };
        let app = Router::new().route("/", get(told)).route("/slow", get(slow));
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
        let address = open(Bounds { connections: 4, head: Duration::from_millis(200) }).await;
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
    async fn an_answer_may_take_longer_than_a_head() {
        let address = open(Bounds { connections: 1, head: Duration::from_millis(200) }).await;
        let (_, answer) = ask(address, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answer.ends_with("at last"), "{answer}");
    }
}
