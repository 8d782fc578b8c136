//! One connection to the bridge: it folds the log, decides where it holds the baton, and says what its person
//! intends. A lost connection ends the command; what was decided stands in the log.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use axum::http::HeaderValue;
use conductor::State;
use conductor::driver::{Driver, Effect};
use futures_util::{SinkExt, StreamExt};
use shared::entry::Draft;
use shared::id::{AppendId, ClientId, RunId};
use shared::unit::Seq;
use shared::wire::{ClientMessage, OutputFrame, PROTOCOL, PULSE, Refusal, ServerMessage, Want};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::place::Place;
use crate::clock;
use crate::tls::Wire;

pub(super) struct Client {
    driver: Driver,
    socket: WebSocketStream<Box<dyn Wire>>,
    /// When it last said something; nothing while it does not hold the baton.
    spoke: Option<Instant>,
    listens: Option<Listening>,
}

/// To what a run writes.
struct Listening {
    run: RunId,
    /// The line that comes next.
    next: u64,
    /// What came and was not taken yet. Bounded by who takes it after each step: a frame at most.
    heard: Vec<u8>,
}

impl Client {
    /// Connects, and has the log as it stood then.
    pub(super) async fn connect(place: &Place, kind: &str) -> anyhow::Result<Self> {
        let mut request = format!("ws://{}/ws", place.address()).into_client_request()?;
        for (name, value) in place.access().credentials() {
            request.headers_mut().insert(name, HeaderValue::from_str(&value)?);
        }
        let (socket, _) = client_async(request, place.connect().await?)
            .await
            .with_context(|| format!("the bridge at {} does not let us in", place.address()))?;
        let client = ClientId::new(&format!("{kind}-{}", uuid::Uuid::now_v7()))?;
        let driver = Driver::new(client.clone());
        let mut new = Self { driver, socket, spoke: None, listens: None };
        new.send(&ClientMessage::Hello { protocol: PROTOCOL, client, since: Seq(0), lively: true }).await?;
        let mut head = None;
        while head.is_none_or(|head| new.state().seq < head) {
            match new.step().await? {
                Some(ServerMessage::Welcome { head: newest, .. }) => head = Some(newest),
                Some(ServerMessage::Incompatible { version, .. }) => bail!(
                    "the bridge is of version {version}, this command of {}. Restart the bridge.",
                    env!("CARGO_PKG_VERSION")
                ),
                _ => {}
            }
        }
        Ok(new)
    }

    pub(super) fn driver(&self) -> &Driver {
        &self.driver
    }

    pub(super) fn state(&self) -> &State {
        self.driver.state()
    }

    /// Wishes to decide.
    ///
    /// # Errors
    /// Where the log has entries that this version does not know, or the bridge has gone.
    pub(super) async fn want_baton(&mut self, want: Want) -> anyhow::Result<()> {
        match self.state().unknown {
            0 => {}
            unknown => bail!(
                "the log has {unknown} entries of kinds that this version ({}) does not know: a newer one wrote them. They may forbid what would be done next, so nothing is decided by this one. Start the newer version again.",
                env!("CARGO_PKG_VERSION")
            ),
        }
        self.send(&ClientMessage::WantBaton { want }).await
    }

    /// Appends what a person intends and waits for its commit.
    pub(super) async fn intend(&mut self, drafts: Vec<Draft>) -> anyhow::Result<()> {
        let own = AppendId::new(&uuid::Uuid::now_v7().to_string())?;
        self.send(&ClientMessage::Append { id: own.clone(), epoch: None, seen: None, drafts }).await?;
        let mut acknowledged = None;
        while acknowledged.is_none_or(|seq| self.state().seq < seq) {
            match self.step().await? {
                Some(ServerMessage::Acked { id, seq }) if id == own => acknowledged = Some(seq),
                Some(ServerMessage::Refused { id, refusal }) if id == own => match refusal {
                    Refusal::Overtaken { by } => bail!("refused: a person said entry {by} before"),
                    Refusal::Stale { epoch } => bail!("refused: decided under epoch {}", epoch.0),
                    Refusal::NotYours { why } | Refusal::Invalid { why } | Refusal::Store { why } => {
                        bail!("{why}")
                    }
                },
                _ => {}
            }
        }
        Ok(())
    }

    /// From now on [`Self::heard`] has what the run writes, from this line on. Not for a client that wants the baton.
    pub(super) async fn listen(&mut self, run: &RunId, from: u64) -> anyhow::Result<()> {
        self.listens = Some(Listening { run: run.clone(), next: from, heard: Vec::new() });
        self.send(&ClientMessage::Follow { run: run.clone(), from }).await
    }

    /// What the run wrote since this was asked last, and the line that comes next.
    pub(super) fn heard(&mut self) -> (Vec<u8>, u64) {
        let listens = self.listens.as_mut();
        listens.map_or_else(Default::default, |it| (std::mem::take(&mut it.heard), it.next))
    }

    /// Takes one message, or lets a moment pass that a decision waits for.
    pub(super) async fn step(&mut self) -> anyhow::Result<Option<ServerMessage>> {
        self.step_within(None).await
    }

    /// The same, waiting no longer than `most`.
    pub(super) async fn step_within(
        &mut self,
        most: Option<Duration>,
    ) -> anyhow::Result<Option<ServerMessage>> {
        let due = self.driver.deadline().map(|at| Duration::from_millis(at.since(clock::now()).0));
        let pulse = self.show_life().await?;
        let due = due.into_iter().chain(most).chain(pulse).min();
        let passed = async {
            match due {
                Some(span) => tokio::time::sleep(span).await,
                None => std::future::pending().await,
            }
        };
        let received = tokio::select! {
            received = self.socket.next() => received.context("the bridge has gone")??,
            () = passed => {
                let effects = self.driver.tick(clock::now());
                self.carry_out(effects).await?;
                return Ok(None);
            }
        };
        let (message, effects) = match received {
            Message::Text(text) => {
                let message = serde_json::from_str(&text).context("the bridge speaks another language")?;
                match message {
                    ServerMessage::BatonYours { .. } => self.spoke = Some(Instant::now()),
                    ServerMessage::BatonGone { .. } => self.spoke = None,
                    _ => {}
                }
                let effects = self.driver.receive(&message, clock::now());
                (Some(message), effects)
            }
            Message::Binary(bytes) => {
                let frame = OutputFrame::decode(&bytes)?;
                self.listens.iter_mut().for_each(|listens| listens.hear(&frame));
                (None, self.driver.output(&frame, clock::now()))
            }
            Message::Close(_) => bail!("the bridge has gone"),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => (None, Vec::new()),
        };
        self.carry_out(effects).await?;
        Ok(message)
    }

    /// Says that it is there, where it holds the baton and was silent for a while; gives when it has to again.
    async fn show_life(&mut self) -> anyhow::Result<Option<Duration>> {
        let pulse = Duration::from_millis(PULSE.0);
        let Some(spoke) = self.spoke else { return Ok(None) };
        if spoke.elapsed() >= pulse {
            self.send(&ClientMessage::Ping { at: clock::now() }).await?;
            self.spoke = Some(Instant::now());
        }
        Ok(self.spoke.map(|spoke| pulse.saturating_sub(spoke.elapsed())))
    }

    async fn carry_out(&mut self, effects: Vec<Effect>) -> anyhow::Result<()> {
        for effect in effects {
            self.send(&effect.into()).await?;
        }
        Ok(())
    }

    async fn send(&mut self, message: &ClientMessage) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(serde_json::to_string(message)?)).await?)
    }
}

impl Listening {
    /// A line that came before, from before its commit, comes no second time.
    fn hear(&mut self, frame: &OutputFrame<'_>) {
        for (line, bytes) in frame.lines().filter(|_| frame.run == self.run.as_str()) {
            if line == self.next {
                self.heard.extend_from_slice(bytes);
                self.next += 1;
            }
        }
    }
}
