//! The pump of one connection, over any socket-like pair of sink and stream. It keeps no queue: it knows
//! what the client has, sends what is newer, and is woken by commits. While a send waits for a slow client,
//! newer lines gather in the store and go out together.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::ws::Message;
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use shared::entry::Kind;
use shared::id::{ClientId, RunId};
use shared::unit::Seq;
use shared::wire::{ClientMessage, OutputFrame, PROTOCOL, ServerMessage, Want};
use tokio::sync::Notify;

use super::baton::View;
use super::{Connection, Relay};
use crate::clock;
use crate::store::{Piece, StoreError, Stored, Tail};

/// Entries in one message, and bytes of output in one read.
const PAGE: usize = 256;
const FRAME: usize = 64 * 1024;

/// Why a pump ended.
#[derive(Debug, thiserror::Error)]
pub enum Closed {
    #[error("the client closed the connection")]
    ByClient,
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("the client did not say hello first")]
    NoHello,
    #[error("the client speaks protocol {0}")]
    Incompatible(u32),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Serves one client until its socket closes.
pub async fn pump<S, E>(socket: S, relay: Relay) -> Result<(), Closed>
where
    S: Stream<Item = Result<Message, E>> + Sink<Message, Error = E> + Unpin,
    E: std::fmt::Display,
{
    let id = relay.connect();
    let (mut sink, mut stream) = socket.split();
    let hello = hello(&mut sink, &mut stream, &relay).await?;
    let mut session = Session {
        wake: relay.store.hub().subscribe(),
        relay,
        id,
        client: hello.0,
        sent: hello.1,
        follows: BTreeMap::new(),
        told: None,
    };
    let ended = session.serve(&mut sink, &mut stream).await;
    session.relay.baton.release(id).await;
    ended
}

async fn hello<E: std::fmt::Display>(
    sink: &mut (impl Sink<Message, Error = E> + Unpin),
    stream: &mut (impl Stream<Item = Result<Message, E>> + Unpin),
    relay: &Relay,
) -> Result<(ClientId, Seq), Closed> {
    let text = match stream.next().await {
        Some(Ok(Message::Text(text))) => text,
        Some(Err(error)) => return Err(Closed::Broken(error.to_string())),
        Some(Ok(_)) | None => return Err(Closed::NoHello),
    };
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let Ok(ClientMessage::Hello { protocol, client, since }) = serde_json::from_str(&text) else {
        say(sink, &ServerMessage::Incompatible { protocol: PROTOCOL, version }).await?;
        return Err(Closed::NoHello);
    };
    if protocol != PROTOCOL {
        say(sink, &ServerMessage::Incompatible { protocol: PROTOCOL, version }).await?;
        return Err(Closed::Incompatible(protocol));
    }
    let head = relay.store.hub().head();
    say(sink, &ServerMessage::Welcome { protocol: PROTOCOL, version, head, now: clock::now() }).await?;
    // A client that knows more than the log holds saw another database; it starts anew.
    Ok((client, if since > head { Seq(0) } else { since }))
}

async fn say<E: std::fmt::Display>(
    sink: &mut (impl Sink<Message, Error = E> + Unpin),
    message: &ServerMessage,
) -> Result<(), Closed> {
    let text = serde_json::to_string(message).map_err(|error| Closed::Broken(error.to_string()))?;
    sink.send(Message::Text(text.into())).await.map_err(|error| Closed::Broken(error.to_string()))
}

struct Session {
    relay: Relay,
    id: Connection,
    client: ClientId,
    wake: Arc<Notify>,
    /// The last entry that the client has.
    sent: Seq,
    follows: BTreeMap<RunId, Follow>,
    /// What the client was last told of the baton.
    told: Option<View>,
}

struct Follow {
    next: u64,
    /// The store has nothing newer; asked again when the run has a window in memory, or when it ended.
    exhausted: bool,
}

impl Session {
    async fn serve<E: std::fmt::Display>(
        &mut self,
        sink: &mut (impl Sink<Message, Error = E> + Unpin),
        stream: &mut (impl Stream<Item = Result<Message, E>> + Unpin),
    ) -> Result<(), Closed> {
        loop {
            let more = self.send_newer(sink).await?;
            let received = if more {
                match stream.next().now_or_never() {
                    Some(received) => received,
                    None => continue,
                }
            } else {
                tokio::select! {
                    received = stream.next() => received,
                    () = self.wake.notified() => continue,
                }
            };
            match received {
                Some(Ok(Message::Text(text))) => self.take(sink, &text).await?,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_))) => {
                    let why = "binary messages are the bridge's alone".to_owned();
                    say(sink, &ServerMessage::Unreadable { why }).await?;
                }
                Some(Ok(Message::Close(_))) | None => return Err(Closed::ByClient),
                Some(Err(error)) => return Err(Closed::Broken(error.to_string())),
            }
        }
    }

    async fn take<E: std::fmt::Display>(
        &mut self,
        sink: &mut (impl Sink<Message, Error = E> + Unpin),
        text: &str,
    ) -> Result<(), Closed> {
        let message = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => return say(sink, &ServerMessage::Unreadable { why: error.to_string() }).await,
        };
        match message {
            ClientMessage::Hello { .. } => {
                say(sink, &ServerMessage::Unreadable { why: "hello was said already".to_owned() }).await?;
            }
            ClientMessage::Append { id, epoch, drafts } => {
                let answer = match self.relay.append(self.id, &self.client, id.clone(), epoch, drafts).await {
                    Ok(seq) => ServerMessage::Acked { id, seq },
                    Err(refusal) => ServerMessage::Refused { id, refusal },
                };
                say(sink, &answer).await?;
            }
            ClientMessage::Follow { run, from } => {
                self.follows.insert(run, Follow { next: from, exhausted: false });
            }
            ClientMessage::Unfollow { run } => {
                self.follows.remove(&run);
            }
            ClientMessage::WantBaton { want: Want::Take } => {
                self.relay.baton.want(self.id, &self.client).await
            }
            ClientMessage::WantBaton { want: Want::Release } => self.relay.baton.release(self.id).await,
            ClientMessage::Ping { at } => say(sink, &ServerMessage::Pong { at }).await?,
        }
        Ok(())
    }

    /// Sends a portion of what the client does not have; says whether there is more.
    async fn send_newer<E: std::fmt::Display>(
        &mut self,
        sink: &mut (impl Sink<Message, Error = E> + Unpin),
    ) -> Result<bool, Closed> {
        let mut more = self.send_entries(sink).await?;
        let runs: Vec<RunId> =
            self.follows.iter().filter(|(_, follow)| !follow.exhausted).map(|(run, _)| run.clone()).collect();
        for run in runs {
            more |= self.send_output(sink, &run).await?;
        }
        let view = self.relay.baton.view(self.id).await;
        if self.told.as_ref() != Some(&view) {
            let message = match &view {
                View::Yours(epoch) => ServerMessage::BatonYours { epoch: *epoch },
                View::Gone { holder, epoch } => {
                    ServerMessage::BatonGone { holder: holder.clone(), epoch: *epoch }
                }
            };
            say(sink, &message).await?;
            self.told = Some(view);
        }
        sink.flush().await.map_err(|error| Closed::Broken(error.to_string()))?;
        Ok(more)
    }

    async fn send_entries<E: std::fmt::Display>(
        &mut self,
        sink: &mut (impl Sink<Message, Error = E> + Unpin),
    ) -> Result<bool, Closed> {
        let store = &self.relay.store;
        let entries = match store.hub().entries_after(self.sent, PAGE) {
            Some(entries) => entries,
            None => store.entries_after(self.sent, PAGE).await?,
        };
        let Some(last) = entries.last() else { return Ok(false) };
        self.sent = last.entry.seq;
        for stored in &entries {
            match stored.entry.body.known() {
                // Its last lines may have left memory with it.
                Some(Kind::RunEnded { run, .. } | Kind::RunStarted { run, .. }) => {
                    if let Some(follow) = self.follows.get_mut(run) {
                        follow.exhausted = false;
                    }
                }
                _ => {}
            }
        }
        let text = entries_message(&entries);
        sink.feed(Message::Text(text.into())).await.map_err(|error| Closed::Broken(error.to_string()))?;
        Ok(entries.len() == PAGE)
    }

    async fn send_output<E: std::fmt::Display>(
        &mut self,
        sink: &mut (impl Sink<Message, Error = E> + Unpin),
        run: &RunId,
    ) -> Result<bool, Closed> {
        let Some(follow) = self.follows.get_mut(run) else { return Ok(false) };
        let store = &self.relay.store;
        let pieces = match store.hub().tail(run, follow.next) {
            Tail::UpToDate => return Ok(false),
            Tail::Lines(pieces) => pieces,
            Tail::InStore => {
                let pieces = store.output_from(run, follow.next, FRAME).await?;
                pieces.into_iter().map(Arc::new).collect()
            }
        };
        // Without a window and without lines there is nothing until the run starts or ends, which the log says.
        if pieces.is_empty() {
            follow.exhausted = matches!(store.hub().tail(run, follow.next), Tail::InStore);
            return Ok(false);
        }
        for frame in frames(&pieces) {
            let first = &frame[0];
            let mut bytes = OutputFrame {
                run: run.as_str(),
                stream: first.stream,
                first_line: follow.next,
                at: first.at,
                bytes: &[],
            }
            .header();
            frame.iter().for_each(|piece| bytes.extend_from_slice(&piece.bytes));
            follow.next += u64::try_from(frame.len()).unwrap_or(0);
            sink.feed(Message::Binary(bytes.into()))
                .await
                .map_err(|error| Closed::Broken(error.to_string()))?;
        }
        Ok(true)
    }
}

/// Cuts pieces into frames: one stream each, at most [`FRAME`] bytes but for a single longer piece, and a
/// piece without its newline only at the end.
fn frames(pieces: &[Arc<Piece>]) -> Vec<&[Arc<Piece>]> {
    let mut frames = Vec::new();
    let mut start = 0;
    let mut size = 0;
    for (place, piece) in pieces.iter().enumerate() {
        let fits = place == start
            || (pieces[place - 1].stream == piece.stream
                && pieces[place - 1].bytes.ends_with(b"\n")
                && size + piece.bytes.len() <= FRAME);
        if !fits {
            frames.push(&pieces[start..place]);
            start = place;
            size = 0;
        }
        size += piece.bytes.len();
    }
    if start < pieces.len() {
        frames.push(&pieces[start..]);
    }
    frames
}

/// [`ServerMessage::Entries`] from entries that are encoded already.
fn entries_message(entries: &[Arc<Stored>]) -> String {
    let size = entries.iter().map(|stored| stored.json.len() + 1).sum::<usize>();
    let mut text = String::with_capacity(size + 32);
    text.push_str(r#"{"entries":{"entries":["#);
    for (place, stored) in entries.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&stored.json);
    }
    text.push_str("]}}");
    text
}

#[cfg(test)]
mod tests;
