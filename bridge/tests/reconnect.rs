//! A socket that breaks a hundred times in mid-stream, at any byte, in both directions: what was said is
//! heard once, and what was written arrives byte for byte. The seed of a failing run repeats its cuts.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::{Context as _, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use shared::entry::{Draft, Entry, Kind};
use shared::id::{AppendId, ClientId, ProjectId, RunId, TaskId};
use shared::run::{Program, RunSpec, Signal, Stdin};
use shared::unit::{Epoch, Seq};
use shared::wire::{ClientMessage, OutputFrame, PROTOCOL, ServerMessage, Want};
use tests::random::Random;
use tests::world::{World, ordered};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");
const CUTS: usize = 1_000;
const CHUNKS: usize = 100;

/// A socket that breaks when so many bytes have passed either way.
struct Fragile {
    socket: TcpStream,
    reads: usize,
    writes: usize,
}

fn cut() -> Poll<io::Result<usize>> {
    Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut")))
}

impl AsyncRead for Fragile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.reads == 0 {
            return cut().map_ok(drop);
        }
        let mut part = into.take(self.reads);
        let read = Pin::new(&mut self.socket).poll_read(context, &mut part);
        let count = part.filled().len();
        self.reads -= count;
        into.advance(count);
        read
    }
}

impl AsyncWrite for Fragile {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.writes == 0 {
            return cut();
        }
        let most = bytes.len().min(self.writes);
        let written = Pin::new(&mut self.socket).poll_write(context, &bytes[..most]);
        if let Poll::Ready(Ok(count)) = &written {
            self.writes -= count;
        }
        written
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// What a client keeps over its connections: what it has, and what it has said and not heard acknowledged.
struct Client {
    host: String,
    cookie: String,
    log: Vec<Entry>,
    output: Vec<u8>,
    lines: u64,
    /// Orders by their place, with the id that stays the same however often they are sent.
    outbox: BTreeMap<usize, (AppendId, Vec<Draft>)>,
    epoch: Option<Epoch>,
}

type Socket = WebSocketStream<Fragile>;

impl Client {
    async fn connect(&self, reads: usize, writes: usize) -> anyhow::Result<Socket> {
        let mut request = format!("ws://{}/ws", self.host).into_client_request()?;
        request.headers_mut().insert("Origin", format!("http://{}", self.host).parse()?);
        request.headers_mut().insert("Cookie", self.cookie.parse()?);
        let socket = TcpStream::connect(&self.host).await?;
        Ok(client_async(request, Fragile { socket, reads, writes }).await?.0)
    }

    /// One connection, until it breaks or all is there.
    async fn live(&mut self, reads: usize, writes: usize, all: &[u8]) -> anyhow::Result<()> {
        self.epoch = None;
        let mut socket = self.connect(reads, writes).await?;
        let (client, since) = (ClientId::new("page")?, Seq(self.log.len() as u64));
        send(&mut socket, &ClientMessage::Hello { protocol: PROTOCOL, client, since, lively: false }).await?;
        send(&mut socket, &ClientMessage::Follow { run: RunId::new("run")?, from: self.lines }).await?;
        send(&mut socket, &ClientMessage::WantBaton { want: Want::Take }).await?;
        while self.output.len() < all.len() || !self.outbox.is_empty() {
            match socket.next().await.context("closed")?? {
                Message::Text(text) => self.take(&mut socket, serde_json::from_str(&text)?).await?,
                Message::Binary(bytes) => {
                    let frame = OutputFrame::decode(&bytes)?;
                    assert_eq!(frame.first_line, self.lines, "no line is left out or sent twice");
                    self.lines += frame.lines().count() as u64;
                    self.output.extend_from_slice(frame.bytes);
                    assert!(all.starts_with(&self.output), "byte for byte");
                }
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                Message::Close(_) => bail!("closed"),
            }
        }
        Ok(())
    }

    async fn take(&mut self, socket: &mut Socket, message: ServerMessage) -> anyhow::Result<()> {
        match message {
            ServerMessage::Entries { entries } => {
                for entry in entries {
                    assert_eq!(entry.seq.0, self.log.len() as u64 + 1, "no entry is left out or sent twice");
                    self.log.push(entry);
                }
            }
            ServerMessage::BatonYours { epoch } => {
                self.epoch = Some(epoch);
                self.say_next(socket).await?;
            }
            ServerMessage::Acked { id, .. } => {
                self.outbox.retain(|_, (known, _)| *known != id);
                self.say_next(socket).await?;
            }
            ServerMessage::Refused { refusal, .. } => bail!("refused: {refusal:?}"),
            ServerMessage::Welcome { .. }
            | ServerMessage::Incompatible { .. }
            | ServerMessage::BatonGone { .. }
            | ServerMessage::Behind { .. }
            | ServerMessage::Pong { .. }
            | ServerMessage::Asking { .. }
            | ServerMessage::Unreadable { .. } => {}
        }
        Ok(())
    }

    async fn say_next(&mut self, socket: &mut Socket) -> anyhow::Result<()> {
        let Some((_, (id, drafts))) = self.outbox.first_key_value() else { return Ok(()) };
        let decision =
            drafts.iter().all(|draft| !matches!(draft.body.known(), Some(Kind::ProjectOpened { .. })));
        let epoch = if decision { self.epoch } else { None };
        send(socket, &ClientMessage::Append { id: id.clone(), epoch, seen: None, drafts: drafts.clone() })
            .await
    }
}

async fn send(socket: &mut Socket, message: &ClientMessage) -> anyhow::Result<()> {
    Ok(socket.send(Message::text(serde_json::to_string(message)?)).await?)
}

fn cat(folder: &str) -> anyhow::Result<Kind> {
    let cat = Program::Shell { command: "exec cat".to_owned() };
    let spec = RunSpec { stdin: Stdin::Pipe, ..RunSpec::new(cat, folder) };
    Ok(ordered(RunId::new("run")?, TaskId::new("task")?, spec))
}

/// What the client sends to a process that repeats it: chunks of lines of every length.
fn chunk(random: &mut Random, n: usize) -> String {
    let mut text = String::new();
    while text.len() < 20_000 {
        let length = random.below(600);
        text.push_str(&format!("{n} {}\n", "ü".repeat(length / 2)));
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_cut_a_thousand_times_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let mut random = Random::seeded();
    let mut cuts = 0;
    while cuts < CUTS {
        cuts += until_all_is_there(&mut random).await?;
    }
    println!("{cuts} cuts");
    Ok(())
}

/// A bridge and a client whose sockets break until both have all. Gives how often they did.
async fn until_all_is_there(random: &mut Random) -> anyhow::Result<usize> {
    let world = World::start(BIN).await?;
    let (folder, run) = (world.project.display().to_string(), RunId::new("run")?);
    let project = Some(ProjectId::new("project")?);
    let opened = Kind::ProjectOpened { folder: folder.clone(), name: "project".to_owned() };
    let mut orders = vec![opened, cat(&folder)?];
    let texts: Vec<String> = (0..CHUNKS).map(|n| chunk(random, n)).collect();
    orders.extend(texts.iter().map(|text| Kind::InputSent {
        run: run.clone(),
        text: text.clone(),
        message: None,
        answers: None,
    }));
    let mut outbox = BTreeMap::new();
    for (n, order) in orders.into_iter().enumerate() {
        outbox.insert(n, (AppendId::new(&format!("a{n}"))?, vec![Draft::new(project.clone(), order)]));
    }
    let all = texts.concat().into_bytes();
    let (host, cookie) = (world.host()?.to_owned(), world.enter().await?);
    let mut client =
        Client { host, cookie, log: Vec::new(), output: Vec::new(), lines: 0, outbox, epoch: None };
    let mut cuts = 0;
    loop {
        // More at times, so that it goes on however the cuts fall; never enough for the whole.
        let (reads, writes) = (random.below(80_000) + 1, random.below(80_000) + 1);
        match client.live(reads, writes, &all).await {
            Ok(()) => break,
            Err(error) => ensure!(!error.to_string().contains("refused"), "an order was refused"),
        }
        cuts += 1;
    }
    client.live(usize::MAX, usize::MAX, &all).await?;
    assert_eq!(client.output, all);
    let inputs =
        client.log.iter().filter(|entry| matches!(entry.body.known(), Some(Kind::InputSent { .. }))).count();
    assert_eq!(inputs, CHUNKS, "each was made once");

    let stop = Draft::new(project, Kind::SignalSent { run, signal: Signal::Kill, budget: None });
    client.outbox.insert(0, (AppendId::new("stop")?, vec![stop]));
    client.live(usize::MAX, usize::MAX, &all).await?;
    Ok(cuts)
}
