//! The door: takes connections in, with TLS or without, and says between which two addresses each is. A
//! slow or silent greeting keeps nobody else waiting.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

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

impl Connected<IncomingStream<'_, Door>> for Ends {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        *stream.remote_addr()
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
}

impl Listener for Door {
    type Io = Box<dyn Wire>;
    type Addr = Ends;

    async fn accept(&mut self) -> (Self::Io, Ends) {
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

    fn local_addr(&self) -> std::io::Result<Ends> {
        let ours = self.listener.local_addr()?;
        Ok(Ends { theirs: ours, ours })
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
