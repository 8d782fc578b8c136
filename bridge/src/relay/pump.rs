//! The pump of one connection, over any socket-like pair of sink and stream. It keeps no queue: it knows
//! what the client has, sends what is newer, and is woken by commits. While a send waits for a slow client,
//! newer lines gather in the store and go out together.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, close_code};
use futures_util::stream::FuturesOrdered;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use shared::api::Asking;
use shared::entry::Kind;
use shared::id::{AppendId, ClientId, RunId};
use shared::unit::Seq;
use shared::wire::{ClientMessage, MAX_MESSAGE, PROTOCOL, Refusal, ServerMessage};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::baton::{Seen, View};
use super::{Connection, Relay, alive, frame, refusal};
use crate::clock;
use crate::store::{Follower, Page, StoreError, Stored, Tail};

/// One message of entries.
const PAGE: Page = Page { entries: 256, bytes: 256 * 1024 };
/// Runs that one client may follow.
const FOLLOWED: usize = 4_096;
/// Appends of one client, and their bytes, that wait for their commit. When either is reached, nothing more
/// is read from this client until one is answered; its socket then slows it.
const UNANSWERED: usize = 64;
const UNANSWERED_BYTES: usize = MAX_MESSAGE;

/// Between the questions whether the client is still there.
const BEAT: Duration = Duration::from_secs(3);
/// A client of which nothing is heard from one beat to the third after it, not even that it is there, is gone: its socket may be open
/// at this end for minutes more. Whatever it held goes to others. Counted in beats, as what the bridge could not listen to (while its
/// disk was slow) is not the client's silence.
const MISSED: u32 = 4;
/// Who is gone is parted from within so long, also where it was sent something meanwhile that it does not take.
const GONE: Duration = Duration::from_secs(15);

/// Why a pump ended.
#[derive(Debug, thiserror::Error)]
pub enum Closed {
    #[error("the client closed the connection")]
    ByClient,
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("nothing was heard of the client for over {} s", 2 * BEAT.as_secs())]
    Silent,
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
    let (heard, life) = watch::channel(Instant::now());
    let mut session = Session {
        _page: is_page(&hello.0).then(|| relay.pages.subscribe()),
        news: relay.store.hub().follower(),
        baton: relay.baton.seen(),
        asking: relay.asking.clone(),
        asked: Vec::new(),
        relay,
        id,
        client: hello.0,
        sent: hello.1,
        follows: BTreeMap::new(),
        told: None,
        answers: FuturesOrdered::new(),
        unanswered_bytes: 0,
        heard,
    };
    let baton = Arc::clone(&session.relay.baton);
    // Beside the session, which waits where its client takes nothing.
    let ended = tokio::select! {
        ended = session.serve(&mut sink, &mut stream) => ended,
        never = alive::watch(&baton, id, life), if hello.2 => match never {},
    };
    baton.release(id).await;
    ended
}

/// Commands and the standby say in their name what they are.
fn is_page(client: &ClientId) -> bool {
    !["terminal-", "standby-"].iter().any(|kind| client.as_str().starts_with(kind))
}

async fn hello<E: std::fmt::Display>(
    sink: &mut (impl Sink<Message, Error = E> + Unpin),
    stream: &mut (impl Stream<Item = Result<Message, E>> + Unpin),
    relay: &Relay,
) -> Result<(ClientId, Seq, bool), Closed> {
    let text = match stream.next().await {
        Some(Ok(Message::Text(text))) => text,
        Some(Err(error)) => return Err(Closed::Broken(error.to_string())),
        Some(Ok(_)) | None => return Err(Closed::NoHello),
    };
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let Ok(ClientMessage::Hello { protocol, client, since, lively }) = serde_json::from_str(&text) else {
        say(sink, &ServerMessage::Incompatible { protocol: PROTOCOL, version }).await?;
        return Err(Closed::NoHello);
    };
    if protocol != PROTOCOL {
        say(sink, &ServerMessage::Incompatible { protocol: PROTOCOL, version }).await?;
        return Err(Closed::Incompatible(protocol));
    }
    let head = relay.store.hub().head();
    let log = Some(relay.store.log().clone());
    let page = relay.page.build().await;
    let now = clock::now();
    say(sink, &ServerMessage::Welcome { protocol: PROTOCOL, version, head, now, log, page }).await?;
    // A client that knows more than the log holds saw another history; it starts anew.
    Ok((client, if since > head { Seq(0) } else { since }, lively))
}

async fn say<E: std::fmt::Display>(
    sink: &mut (impl Sink<Message, Error = E> + Unpin),
    message: &ServerMessage,
) -> Result<(), Closed> {
    let text = serde_json::to_string(message).map_err(broken)?;
    within(patience(0), send(sink, Message::Text(text.into()))).await
}

async fn send<E: std::fmt::Display>(
    sink: &mut (impl Sink<Message, Error = E> + Unpin),
    message: Message,
) -> Result<(), Closed> {
    sink.send(message).await.map_err(broken)
}

/// How long a client may take nothing of which so many beats heard nothing before, while the next was to come.
fn patience(missed: u32) -> Duration {
    GONE.saturating_sub(BEAT * (missed + 1))
}

/// What is sent, unless the client takes nothing for so long.
async fn within<T>(patience: Duration, sent: impl Future<Output = Result<T, Closed>>) -> Result<T, Closed> {
    timeout(patience, sent).await.unwrap_or(Err(Closed::Silent))
}

type Answer = Pin<Box<dyn Future<Output = (ServerMessage, usize)> + Send>>;

struct Session {
    relay: Relay,
    id: Connection,
    client: ClientId,
    /// Held while a page is connected.
    _page: Option<watch::Receiver<()>>,
    news: Arc<Follower>,
    baton: watch::Receiver<Seen>,
    asking: watch::Receiver<Vec<Asking>>,
    /// The devices of which the client was last told that they ask.
    asked: Vec<Asking>,
    /// The last entry that the client has.
    sent: Seq,
    follows: BTreeMap<RunId, Follow>,
    /// What the client was last told of the baton.
    told: Option<View>,
    /// Answers to appends in the order of their commits, each with the bytes of its message.
    answers: FuturesOrdered<Answer>,
    unanswered_bytes: usize,
    /// When the client's script last said something.
    heard: watch::Sender<Instant>,
}

struct Follow {
    next: u64,
    /// It was told that it is, and has not come up since.
    behind: bool,
}

impl Session {
    async fn serve<E: std::fmt::Display>(
        &mut self,
        sink: &mut (impl Sink<Message, Error = E> + Unpin),
        stream: &mut (impl Stream<Item = Result<Message, E>> + Unpin),
    ) -> Result<(), Closed> {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut missed = 0;
        loop {
            let more = within(patience(missed), self.send_newer(sink)).await?;
            let reads = self.answers.len() < UNANSWERED && self.unanswered_bytes < UNANSWERED_BYTES;
            let received = tokio::select! {
                // What the client said already counts before that it seems to be silent.
                biased;
                Some((answer, bytes)) = self.answers.next() => {
                    self.unanswered_bytes -= bytes;
                    // What an append made comes before its acknowledgement.
                    let acknowledged = async {
                        self.send_entries(sink).await?;
                        say(sink, &answer).await
                    };
                    within(patience(missed), acknowledged).await?;
                    continue;
                }
                received = stream.next(), if reads => received,
                _ = beat.tick() => {
                    // What is not read cannot be heard.
                    missed += u32::from(reads);
                    if missed == MISSED {
                        return Err(Closed::Silent);
                    }
                    self.relay.baton.offer().await;
                    within(patience(missed), send(sink, Message::Ping(Vec::new().into()))).await?;
                    continue;
                }
                () = self.news.woken(), if !more => continue,
                _ = self.baton.changed(), if !more => continue,
                Ok(()) = self.asking.changed(), if !more => continue,
                () = std::future::ready(()), if more => continue,
            };
            missed = 0;
            match received {
                Some(Ok(Message::Text(text))) => {
                    self.heard.send_replace(Instant::now());
                    self.take(sink, &text).await?;
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_))) => {
                    let why = "binary messages are the bridge's alone".to_owned();
                    say(sink, &ServerMessage::Unreadable { why }).await?;
                }
                Some(Ok(Message::Close(_))) | None => return Err(Closed::ByClient),
                Some(Err(error)) => return Err(part(sink, error).await),
            }
        }
    }

    async fn take<E: std::fmt::Display>(
        &mut self,
        sink: &mut (impl Sink<Message, Error = E> + Unpin),
        text: &str,
    ) -> Result<(), Closed> {
        if text.len() > MAX_MESSAGE {
            let why = format!("a message of {} bytes; at most {MAX_MESSAGE} are taken", text.len());
            return say(sink, &unreadable(text, why)).await;
        }
        let message = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => return say(sink, &unreadable(text, error.to_string())).await,
        };
        match message {
            ClientMessage::Hello { .. } => {
                say(sink, &ServerMessage::Unreadable { why: "hello was said already".to_owned() }).await?;
            }
            ClientMessage::Append { id, epoch, seen, drafts } => {
                let place = epoch.map(|epoch| (epoch, seen));
                let pending = self.relay.append(self.id, &self.client, id.clone(), place, drafts).await;
                let bytes = text.len();
                self.unanswered_bytes += bytes;
                self.answers.push_back(Box::pin(async move {
                    let seq = match pending {
                        Ok(pending) => pending.committed().await.map(|(_, seq)| seq).map_err(refusal),
                        Err(refusal) => Err(refusal),
                    };
                    let answer = match seq {
                        Ok(seq) => ServerMessage::Acked { id, seq },
                        Err(refusal) => ServerMessage::Refused { id, refusal },
                    };
                    (answer, bytes)
                }));
            }
            ClientMessage::Follow { run, .. }
                if self.follows.len() >= FOLLOWED && !self.follows.contains_key(&run) =>
            {
                let why = format!("{FOLLOWED} runs are followed already; run {run} is not");
                say(sink, &ServerMessage::Unreadable { why }).await?;
            }
            ClientMessage::Follow { run, from } => {
                self.news.follow(&run);
                self.follows.insert(run, Follow { next: from, behind: false });
            }
            ClientMessage::Unfollow { run } => self.unfollow(&run),
            ClientMessage::WantBaton { want } => self.relay.baton.want(self.id, &self.client, want).await,
            ClientMessage::Ping { at } => say(sink, &ServerMessage::Pong { at }).await?,
        }
        Ok(())
    }

    /// Sends a portion of what the client does not have; says whether there may be more.
    async fn send_newer<E: std::fmt::Display>(
        &mut self,
        sink: &mut (impl Sink<Message, Error = E> + Unpin),
    ) -> Result<bool, Closed> {
        let mut more = self.send_entries(sink).await?;
        for run in self.news.fresh() {
            more |= self.send_output(sink, &run).await?;
        }
        self.tell_baton(sink).await?;
        self.tell_asking(sink).await?;
        sink.flush().await.map_err(broken)?;
        Ok(more)
    }

    async fn tell_asking<E: std::fmt::Display>(
        &mut self,
        sink: &mut (impl Sink<Message, Error = E> + Unpin),
    ) -> Result<(), Closed> {
        {
            let asking = self.asking.borrow_and_update();
            if self.asked == *asking {
                return Ok(());
            }
            self.asked.clone_from(&asking);
        }
        let devices = self.asked.clone();
        say(sink, &ServerMessage::Asking { devices }).await
    }

    async fn tell_baton<E: std::fmt::Display>(
        &mut self,
        sink: &mut (impl Sink<Message, Error = E> + Unpin),
    ) -> Result<(), Closed> {
        let view = self.baton.borrow_and_update().by(self.id);
        if self.told.as_ref() == Some(&view) {
            return Ok(());
        }
        let message = match &view {
            // Whoever decides has folded what was decided before; the grant's entry wakes this again.
            View::Yours { granted, .. } if *granted > self.sent => return Ok(()),
            View::Yours { epoch, .. } => ServerMessage::BatonYours { epoch: *epoch },
            View::Gone { holder, epoch } => {
                ServerMessage::BatonGone { holder: holder.clone(), epoch: *epoch }
            }
        };
        self.told = Some(view);
        say(sink, &message).await
    }

    async fn send_entries<E: std::fmt::Display>(
        &mut self,
        sink: &mut (impl Sink<Message, Error = E> + Unpin),
    ) -> Result<bool, Closed> {
        let entries = self.relay.store.entries_after(self.sent, PAGE).await?;
        let Some(last) = entries.last() else { return Ok(false) };
        self.sent = last.entry.seq;
        for stored in &entries {
            // Its last lines may have left memory with it.
            if let Some(Kind::RunEnded { run, .. }) = stored.entry.body.known() {
                self.news.look(run);
            }
        }
        sink.feed(Message::Text(entries_message(&entries).into())).await.map_err(broken)?;
        Ok(true)
    }

    async fn send_output<E: std::fmt::Display>(
        &mut self,
        sink: &mut (impl Sink<Message, Error = E> + Unpin),
        run: &RunId,
    ) -> Result<bool, Closed> {
        let Some(follow) = self.follows.get_mut(run) else { return Ok(false) };
        let store = &self.relay.store;
        let tail = store.hub().tail(run, follow.next);
        let behind = matches!(tail, Tail::InStore);
        let fell = behind && !follow.behind;
        follow.behind = behind;
        if fell {
            say(sink, &ServerMessage::Behind { run: run.clone(), from: follow.next }).await?;
        }
        let (pieces, more) = match tail {
            Tail::UpToDate => return Ok(false),
            Tail::Lines(pieces) => (pieces, false),
            Tail::InStore | Tail::Quiet => {
                match store.output_from(run, follow.next, frame::LARGEST).await {
                    Ok(pieces) => {
                        let more = !pieces.is_empty();
                        (pieces.into_iter().map(Arc::new).collect(), more)
                    }
                    // It would be the same with each new connection; what else the client follows goes on.
                    Err(error @ StoreError::Damaged(_)) => {
                        self.unfollow(run);
                        tracing::error!(%error, "output is not sent");
                        say(sink, &ServerMessage::Unreadable { why: error.to_string() }).await?;
                        return Ok(false);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        if more {
            self.news.look(run);
        }
        for frame in frame::cut(&pieces) {
            let bytes = frame::encode(run, follow.next, frame);
            follow.next += u64::try_from(frame.len()).unwrap_or(0);
            sink.feed(Message::Binary(bytes.into())).await.map_err(broken)?;
        }
        Ok(more)
    }

    fn unfollow(&mut self, run: &RunId) {
        self.follows.remove(run);
        self.news.unfollow(run);
    }
}

fn broken(error: impl std::fmt::Display) -> Closed {
    Closed::Broken(error.to_string())
}

/// Says why the socket cannot be read on, as far as the client still listens, and closes it.
async fn part<E: std::fmt::Display>(sink: &mut (impl Sink<Message, Error = E> + Unpin), error: E) -> Closed {
    let why = error.to_string();
    let told = say(sink, &ServerMessage::Unreadable { why: why.clone() }).await;
    if told.is_ok() {
        let close = CloseFrame { code: close_code::SIZE, reason: "unreadable".into() };
        let _ = within(patience(0), send(sink, Message::Close(Some(close)))).await;
    }
    Closed::Broken(why)
}

/// The answer to what cannot be read. An append is refused by its id where that can still be read, so that
/// its sender does not send it again and again.
fn unreadable(text: &str, why: String) -> ServerMessage {
    #[derive(serde::Deserialize)]
    struct Named {
        append: Id,
    }
    #[derive(serde::Deserialize)]
    struct Id {
        id: AppendId,
    }
    match serde_json::from_str::<Named>(text) {
        Ok(named) => ServerMessage::Refused { id: named.append.id, refusal: Refusal::Invalid { why } },
        Err(_) => ServerMessage::Unreadable { why },
    }
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
