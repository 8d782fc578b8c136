#![expect(clippy::unwrap_used, reason = "tests")]

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures_util::sink::unfold;
use shared::entry::{Actor, Authority, Draft, Entry};
use shared::id::{MessageId, TaskId};
use shared::unit::Epoch;
use shared::wire::{OutputFrame, Want};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::store::tests::{ends, piece, requests};
use crate::store::{Piece, Store};

mod hanging;

/// A socket made of channels; the one towards the client is bounded, as a socket's buffer is.
struct Wire {
    incoming: mpsc::UnboundedReceiver<Message>,
    outgoing: Pin<Box<dyn Sink<Message, Error = Infallible> + Send>>,
}

impl Stream for Wire {
    type Item = Result<Message, Infallible>;
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_recv(context).map(|message| message.map(Ok))
    }
}

impl Sink<Message> for Wire {
    type Error = Infallible;
    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.outgoing.as_mut().poll_ready(context)
    }
    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Infallible> {
        self.outgoing.as_mut().start_send(message)
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.outgoing.as_mut().poll_flush(context)
    }
    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.outgoing.as_mut().poll_close(context)
    }
}

/// A client at the other end; dropping it closes the connection.
struct Client {
    to: mpsc::UnboundedSender<Message>,
    from: mpsc::Receiver<Message>,
    pump: JoinHandle<Result<(), Closed>>,
    entries: Vec<Entry>,
    output: Vec<u8>,
    lines: u64,
    said: Vec<ServerMessage>,
}

struct World {
    dir: tempfile::TempDir,
    store: Store,
    relay: Relay,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let relay = Relay::new(store.clone(), Epoch(0), watch::channel(Vec::new()).1, Arc::default());
        Self { dir, store, relay }
    }

    /// A connection that has said nothing yet.
    fn socket(&self, room: usize) -> Client {
        let (to, incoming) = mpsc::unbounded_channel();
        let (sender, from) = mpsc::channel(room);
        // A client that is gone takes what is sent to it, as a socket does until it notices.
        let outgoing = Box::pin(unfold(sender, async |sender: mpsc::Sender<Message>, message| {
            let _ = sender.send(message).await;
            Ok(sender)
        }));
        let pump = tokio::spawn(pump(Wire { incoming, outgoing }, self.relay.clone()));
        Client { to, from, pump, entries: Vec::new(), output: Vec::new(), lines: 0, said: Vec::new() }
    }

    fn client(&self, name: &str) -> Client {
        let client = self.socket(64);
        client.say(&hello(name, 0));
        client
    }

    async fn requested(&self, id: &str) {
        self.store.append(Actor::Bridge, vec![requests(id)]).await.unwrap();
    }

    async fn writes(&self, id: &str, pieces: Vec<Piece>) {
        self.store.append_output(&run(id), pieces).await.unwrap();
    }
}

impl Client {
    fn say(&self, message: &ClientMessage) {
        self.to.send(Message::Text(serde_json::to_string(message).unwrap().into())).unwrap();
    }

    fn append(&self, id: &str, epoch: Option<Epoch>, drafts: Vec<Draft>) {
        self.say(&ClientMessage::Append { id: append_id(id), epoch, seen: None, drafts });
    }

    fn follow(&self, id: &str, from: u64) {
        self.say(&ClientMessage::Follow { run: run(id), from });
    }

    fn want(&self, want: Want) {
        self.say(&ClientMessage::WantBaton { want });
    }

    /// Takes the next message and keeps what it says.
    async fn step(&mut self) -> Option<()> {
        match self.from.recv().await? {
            Message::Text(text) => {
                let said = serde_json::from_str(&text).unwrap();
                if let ServerMessage::Entries { entries } = said {
                    self.entries.extend(entries);
                } else {
                    self.said.push(said);
                }
            }
            Message::Binary(bytes) => {
                let frame = OutputFrame::decode(&bytes).unwrap();
                assert_eq!(frame.first_line, self.lines, "no line is left out or sent twice");
                self.lines += frame.lines().count() as u64;
                self.output.extend_from_slice(frame.bytes);
            }
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => {}
        }
        Some(())
    }

    async fn until(&mut self, wished: impl Fn(&Self) -> bool) {
        while !wished(self) {
            let step = tokio::time::timeout(std::time::Duration::from_secs(30), self.step()).await;
            step.expect("it comes").expect("the connection stays");
        }
    }

    /// The answer to an append.
    async fn answer(&mut self, id: &str) -> Result<Seq, Refusal> {
        let id = append_id(id);
        loop {
            for said in &self.said {
                if let ServerMessage::Acked { id: named, seq } = said
                    && *named == id
                {
                    return Ok(*seq);
                }
                if let ServerMessage::Refused { id: named, refusal } = said
                    && *named == id
                {
                    return Err(refusal.clone());
                }
            }
            let said = self.said.len();
            self.until(|client| client.said.len() > said).await;
        }
    }

    async fn baton(&mut self) -> Epoch {
        let yours = |client: &Self| match client.said.last() {
            Some(ServerMessage::BatonYours { epoch }) => Some(*epoch),
            _ => None,
        };
        self.until(|client| yours(client).is_some()).await;
        yours(self).unwrap()
    }
}

fn hello(name: &str, since: u64) -> ClientMessage {
    ClientMessage::Hello {
        protocol: PROTOCOL,
        client: ClientId::new(name).unwrap(),
        since: Seq(since),
        lively: false,
    }
}

fn run(id: &str) -> RunId {
    RunId::new(id).unwrap()
}

fn append_id(id: &str) -> AppendId {
    AppendId::new(id).unwrap()
}

fn says(text: &str) -> Draft {
    let (task, message) = (TaskId::new("t").unwrap(), MessageId::new("m").unwrap());
    Draft::new(None, Kind::MessageSent { task, message, text: text.to_owned(), answers: None })
}

fn input(id: &str) -> Draft {
    Draft::new(None, Kind::InputSent { run: run(id), text: "x".to_owned(), message: None, answers: None })
}

#[tokio::test]
async fn a_client_of_another_protocol_is_told_and_parted_from() {
    let world = World::new();
    let mut client = world.socket(8);
    client.say(&ClientMessage::Hello {
        protocol: 99,
        client: ClientId::new("a").unwrap(),
        since: Seq(0),
        lively: false,
    });
    client.until(|client| matches!(client.said[..], [ServerMessage::Incompatible { .. }])).await;
    assert!(matches!(client.pump.await.unwrap(), Err(Closed::Incompatible(99))));
    let stranger = world.socket(8);
    stranger.append("a1", None, vec![says("no hello")]);
    assert!(matches!(stranger.pump.await.unwrap(), Err(Closed::NoHello)));
    assert_eq!(world.store.hub().head(), Seq(0));
}

#[tokio::test]
async fn a_run_streams_from_its_first_line_while_it_runs() {
    let world = World::new();
    let mut client = world.client("page");
    client.follow("r1", 0);
    world.requested("r1").await;
    client.until(|client| client.entries.len() == 1).await;
    // The pump has looked for lines and found none; the pong says so.
    client.say(&ClientMessage::Ping { at: clock::now() });
    client.until(|client| matches!(client.said.last(), Some(ServerMessage::Pong { .. }))).await;
    world.writes("r1", vec![piece("one\n"), piece("two\n")]).await;
    client.until(|client| client.lines == 2).await;
    world.writes("r1", vec![piece("three")]).await;
    world.store.append(Actor::Bridge, vec![ends("r1", 3)]).await.unwrap();
    client.until(|client| client.lines == 3 && client.entries.len() == 2).await;
    assert_eq!(client.output, b"one\ntwo\nthree");
}

#[tokio::test]
async fn a_stalled_client_costs_nobody_and_misses_nothing() {
    let world = World::new();
    world.requested("r1").await;
    let mut stalled = world.socket(1);
    stalled.say(&hello("stalled", 0));
    stalled.follow("r1", 0);
    let mut brisk = world.client("brisk");
    brisk.follow("r1", 0);
    let mut wrote = Vec::new();
    for n in 0..100 {
        let pieces: Vec<Piece> = (0..40).map(|k| piece(format!("{n} {k} {}\n", "x".repeat(100)))).collect();
        wrote.extend(pieces.iter().flat_map(|piece| piece.bytes.clone()));
        world.writes("r1", pieces).await;
        world
            .store
            .append(Actor::Bridge, (0..10).map(|k| says(&format!("{n} {k}"))).collect())
            .await
            .unwrap();
    }
    for client in [&mut brisk, &mut stalled] {
        client.until(|client| client.lines == 4_000 && client.entries.len() == 1_001).await;
        assert_eq!(client.output, wrote);
        assert!(client.entries.iter().map(|entry| entry.seq.0).eq(1..=1_001));
    }
    let told = stalled.said.iter().filter(|said| matches!(said, ServerMessage::Behind { .. })).count();
    assert!((1..34).contains(&told), "told {told} times that it is behind");
}

#[tokio::test]
async fn each_kind_is_taken_only_from_whom_it_may_come() {
    let world = World::new();
    let mut client = world.client("page");
    client.want(Want::Take);
    let epoch = client.baton().await;
    let fact =
        || Draft::new(None, Kind::BatonGranted { client: ClientId::new("page").unwrap(), epoch: Epoch(9) });
    assert_eq!(fact().body.known().unwrap().authority(), Authority::Bridge);
    let unknown: Draft = serde_json::from_str(r#"{"body":{"kind":"from_the_future"}}"#).unwrap();
    let cases = [
        (None, fact(), "only the bridge"),
        (Some(epoch), fact(), "only the bridge"),
        (None, input("r1"), "needs the baton"),
        (Some(epoch), says("hi"), "no epoch"),
        (None, unknown.clone(), "does not know"),
        (Some(epoch), unknown, "does not know"),
    ];
    for (n, (epoch, draft, why)) in cases.into_iter().enumerate() {
        let id = format!("a{n}");
        // One draft that may not be refuses the whole of it.
        client.append(&id, epoch, vec![draft]);
        let refusal = client.answer(&id).await.unwrap_err();
        assert!(format!("{refusal:?}").contains(why), "case {n}: {refusal:?}");
    }
    client.append("mixed", None, vec![says("hi"), fact()]);
    client.answer("mixed").await.unwrap_err();
    client.append("none", None, vec![]);
    client.answer("none").await.unwrap_err();
    assert_eq!(world.store.hub().head(), Seq(1), "the grant alone");
}

#[tokio::test]
async fn the_baton_moves_when_its_holder_is_gone_and_old_decisions_are_stale() {
    let world = World::new();
    let (mut first, mut second) = (world.client("first"), world.client("second"));
    first.want(Want::Take);
    assert_eq!(first.baton().await, Epoch(1));
    let holder = Some(ClientId::new("first").unwrap());
    second.want(Want::Take);
    second
        .until(|client| {
            client.said.contains(&ServerMessage::BatonGone { holder: holder.clone(), epoch: Epoch(1) })
        })
        .await;
    second.append("theft", Some(Epoch(1)), vec![input("r1")]);
    assert_eq!(second.answer("theft").await, Err(Refusal::Stale { epoch: Epoch(1) }));
    second.append("intent", None, vec![says("people need no baton")]);
    assert_eq!(second.answer("intent").await, Ok(Seq(2)));
    first.append("order", Some(Epoch(1)), vec![input("r1")]);
    assert_eq!(first.answer("order").await, Ok(Seq(3)));
    drop(first);
    assert_eq!(second.baton().await, Epoch(2));
    assert_eq!(second.entries.last().unwrap().seq, Seq(4), "the grant is known before it is told");
    second.append("old", Some(Epoch(1)), vec![input("r1")]);
    assert_eq!(second.answer("old").await, Err(Refusal::Stale { epoch: Epoch(2) }));
    second.append("new", Some(Epoch(2)), vec![input("r1")]);
    assert_eq!(second.answer("new").await, Ok(Seq(5)));
    let mut third = world.client("third");
    third.until(|client| client.entries.len() == 5).await;
    second.want(Want::Release);
    third
        .until(|client| {
            client.said.last() == Some(&ServerMessage::BatonGone { holder: None, epoch: Epoch(2) })
        })
        .await;
    third.want(Want::Take);
    assert_eq!(third.baton().await, Epoch(3));
}

#[tokio::test]
async fn a_decision_waits_for_what_a_person_said() {
    let world = World::new();
    let mut client = world.client("page");
    client.want(Want::Take);
    assert_eq!(client.baton().await, Epoch(1));
    let decide = |id: &str, seen| {
        let (id, epoch, drafts) = (append_id(id), Some(Epoch(1)), vec![input("r1")]);
        ClientMessage::Append { id, epoch, seen: Some(Seq(seen)), drafts }
    };
    client.append("intent", None, vec![says("stop")]);
    assert_eq!(client.answer("intent").await, Ok(Seq(2)));
    client.say(&decide("unaware", 1));
    assert_eq!(client.answer("unaware").await, Err(Refusal::Overtaken { by: Seq(2) }));
    client.say(&decide("aware", 2));
    assert_eq!(client.answer("aware").await, Ok(Seq(3)));
    // What another decision or the bridge says overtakes nothing.
    client.say(&decide("behind", 2));
    assert_eq!(client.answer("behind").await, Ok(Seq(4)));
}

#[tokio::test]
async fn who_wishes_for_the_baton_more_has_it() {
    let world = World::new();
    let mut hidden = world.client("hidden");
    hidden.want(Want::Spare);
    assert_eq!(hidden.baton().await, Epoch(1));
    let mut standby = world.client("standby");
    standby.want(Want::Stand);
    assert_eq!(standby.baton().await, Epoch(2));
    let (mut page, other) = (world.client("page"), world.client("other"));
    page.want(Want::Take);
    assert_eq!(page.baton().await, Epoch(3));
    standby.append("late", Some(Epoch(2)), vec![input("r1")]);
    assert_eq!(standby.answer("late").await, Err(Refusal::Stale { epoch: Epoch(3) }));
    // As much is not more.
    other.want(Want::Take);
    page.append("order", Some(Epoch(3)), vec![input("r1")]);
    assert_eq!(page.answer("order").await, Ok(Seq(4)));
    drop(other);
    page.want(Want::Spare);
    assert_eq!(standby.baton().await, Epoch(4));
    hidden.until(|client| matches!(client.said.last(), Some(ServerMessage::BatonGone { .. }))).await;
    drop(standby);
    assert_eq!(hidden.baton().await, Epoch(5), "it has waited since it lost it");
}

impl World {
    /// A client that says something every while while it holds the baton; it says so.
    fn lively(&self, name: &str) -> Client {
        let client = self.socket(64);
        let name = ClientId::new(name).unwrap();
        client.say(&ClientMessage::Hello { protocol: PROTOCOL, client: name, since: Seq(0), lively: true });
        client
    }
}

#[tokio::test]
async fn what_is_sent_twice_is_made_once_and_answered_twice() {
    let world = World::new();
    let mut client = world.client("page");
    for _ in 0..3 {
        client.append("a1", None, vec![says("once")]);
    }
    let acked = |client: &Client| {
        client.said.iter().filter(|said| matches!(said, ServerMessage::Acked { .. })).count()
    };
    client.until(|client| acked(client) == 3).await;
    assert_eq!(client.entries.len(), 1);
}

#[tokio::test]
async fn large_goals_pass_and_what_is_too_large_is_refused_by_its_id() {
    let world = World::new();
    let mut client = world.client("page");
    client.append("goal", None, vec![says(&"\u{1}".repeat(1024 * 1024))]);
    assert_eq!(client.answer("goal").await, Ok(Seq(1)));
    client.append("huge", None, vec![says(&"x".repeat(MAX_MESSAGE))]);
    let refusal = client.answer("huge").await.unwrap_err();
    assert!(matches!(&refusal, Refusal::Invalid { why } if why.contains("at most 8388608")), "{refusal:?}");
    client.to.send(Message::Text(r#"{"append":{"id":"odd","drafts":7}}"#.into())).unwrap();
    assert!(matches!(client.answer("odd").await, Err(Refusal::Invalid { .. })));
    for noise in [Message::Text("{".into()), Message::Binary(vec![1, 2].into())] {
        let said = client.said.len();
        client.to.send(noise).unwrap();
        client.until(|client| client.said.len() > said).await;
        assert!(matches!(client.said.last(), Some(ServerMessage::Unreadable { .. })));
    }
    client.append("after", None, vec![says("the connection stays")]);
    assert_eq!(client.answer("after").await, Ok(Seq(2)));
}

#[tokio::test]
async fn damaged_output_is_told_and_the_connection_stays() {
    let world = World::new();
    world.requested("r1").await;
    world.store.append(Actor::Bridge, vec![ends("r1", 1)]).await.unwrap();
    let file = rusqlite::Connection::open(world.dir.path().join("log.db")).unwrap();
    let sql = "INSERT INTO block (run, first, lines, out, err, bytes) VALUES (1, 0, 1, 2, 0, x'0102')";
    assert_eq!(file.execute(sql, []).unwrap(), 1);
    let mut client = world.client("page");
    client.follow("r1", 0);
    let told = |client: &Client| matches!(client.said.last(), Some(ServerMessage::Unreadable { why }) if why.contains("lines of run r1 from 0 on"));
    client.until(told).await;
    client.append("after", None, vec![says("the connection stays")]);
    assert_eq!(client.answer("after").await, Ok(Seq(3)));
}

#[tokio::test]
async fn a_client_resumes_where_it_was() {
    let world = World::new();
    world.store.append(Actor::Bridge, (0..10).map(|n| says(&n.to_string())).collect()).await.unwrap();
    let mut client = world.socket(64);
    client.say(&hello("page", 7));
    client.until(|client| client.entries.len() == 3).await;
    assert_eq!(client.entries[0].seq, Seq(8));
    let known = |said: &ServerMessage| matches!(said, ServerMessage::Welcome { log: Some(log), .. } if log == world.store.log());
    assert!(client.said.first().is_some_and(known), "it is told which history this is");
    // One that knows more than there is saw another history.
    let mut stranger = world.socket(64);
    stranger.say(&hello("page", 99));
    stranger.until(|client| client.entries.len() == 10).await;
}

/// Each order reaches who carries it out, in order, though its sender hangs up at once.
#[tokio::test]
async fn orders_are_carried_out_though_their_sender_is_gone() {
    let world = World::new();
    let (seen, mut orders) = mpsc::unbounded_channel();
    let follow = crate::relay::follow_log(world.store.clone(), Seq(0), move |entry| {
        if let Some(Kind::InputSent { run, .. }) = entry.body.known() {
            seen.send(run.clone()).unwrap();
        }
    });
    let follow = tokio::spawn(follow);
    for n in 0..20 {
        let mut client = world.client("page");
        client.want(Want::Take);
        let epoch = client.baton().await;
        client.append(&format!("a{n}"), Some(epoch), vec![input(&format!("r{n}")), input(&format!("s{n}"))]);
        drop(client);
    }
    for n in 0..20 {
        assert_eq!(orders.recv().await.unwrap(), run(&format!("r{n}")));
        assert_eq!(orders.recv().await.unwrap(), run(&format!("s{n}")));
    }
    follow.abort();
}

#[tokio::test]
async fn a_client_that_is_silently_gone_is_parted_from_and_its_baton_goes_on() {
    let world = World::new();
    let mut gone = world.client("gone");
    gone.want(Want::Take);
    gone.baton().await;
    let mut there = world.client("there");
    there.want(Want::Take);
    let answers = there.to.clone();
    // From here on time passes as fast as nobody has anything to do.
    tokio::time::pause();
    let began = Instant::now();
    // One says that it is there, the other is never heard of again.
    let granted = async {
        loop {
            match there.from.recv().await.unwrap() {
                Message::Ping(bytes) => answers.send(Message::Pong(bytes)).unwrap(),
                Message::Text(text) if text.contains("baton_yours") => break,
                _ => {}
            }
        }
    };
    granted.await;
    assert!(matches!(gone.pump.await.unwrap(), Err(Closed::Silent)));
    assert!(began.elapsed() <= GONE, "{:?}", began.elapsed());
    assert!(!there.pump.is_finished());
    let mut asked = 0;
    while let Some(message) = gone.from.recv().await {
        asked += u32::from(matches!(message, Message::Ping(_)));
    }
    assert!((1..=4).contains(&asked), "asked {asked} times before it was given up");
}

/// It is sent what does not fit its socket, at any moment after it was last heard; nothing of that is the store's, whose threads
/// know no paused clock.
#[tokio::test]
async fn a_client_that_is_gone_and_is_sent_something_is_parted_from_as_soon() {
    for silent in 0..12 {
        let (asks, asking) = watch::channel(Vec::new());
        let mut world = World::new();
        world.relay = Relay::new(world.store.clone(), Epoch(0), asking, Arc::default());
        let mut gone = world.socket(1);
        gone.say(&hello("gone", 0));
        gone.until(|client| !client.said.is_empty()).await;
        tokio::time::pause();
        // Its last word comes right behind a beat, from when on all are missed.
        while !matches!(gone.from.recv().await.unwrap(), Message::Ping(_)) {}
        gone.to.send(Message::Pong(Vec::new().into())).unwrap();
        let last = Instant::now();
        for second in 0..30 {
            if second >= silent {
                let asks_now = |n: u32| Asking { id: n.to_string(), ..asks_to_pair() };
                asks.send_replace((0..second).map(asks_now).collect());
            }
            tokio::select! {
                _ = &mut gone.pump => break,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
        assert!(last.elapsed() <= GONE, "{:?} with silence for {silent} s", last.elapsed());
        tokio::time::resume();
    }
}

fn asks_to_pair() -> Asking {
    let words = || "a device".to_owned();
    Asking { id: words(), name: words(), address: words(), code: words() }
}
