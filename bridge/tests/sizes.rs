//! Messages of every size over a real socket: a large goal passes, what is too large is answered or cut off,
//! and nobody else notices.

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use shared::entry::{Draft, Kind};
use shared::id::{AppendId, ClientId, MessageId, TaskId};
use shared::unit::Seq;
use shared::wire::{ClientMessage, MAX_MESSAGE, PROTOCOL, Refusal, ServerMessage};
use tests::world::World;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(world: &World) -> anyhow::Result<Socket> {
    let host = world.host()?;
    let mut request = format!("ws://{host}/ws").into_client_request()?;
    request.headers_mut().insert("Origin", format!("http://{host}").parse()?);
    request.headers_mut().insert("Cookie", world.enter().await?.parse()?);
    let (mut socket, _) = connect_async(request).await?;
    let hello = ClientMessage::Hello {
        protocol: PROTOCOL,
        client: ClientId::new("page")?,
        since: Seq(0),
        lively: false,
    };
    socket.send(Message::text(serde_json::to_string(&hello)?)).await?;
    Ok(socket)
}

fn append(id: &str, text: String) -> anyhow::Result<Message> {
    let kind =
        Kind::MessageSent { task: TaskId::new("t")?, message: MessageId::new("m")?, text, answers: None };
    let append = ClientMessage::Append {
        id: AppendId::new(id)?,
        epoch: None,
        seen: None,
        drafts: vec![Draft::new(None, kind)],
    };
    Ok(Message::text(serde_json::to_string(&append)?))
}

/// The answer to the newest append.
async fn answer(socket: &mut Socket) -> anyhow::Result<Result<Seq, Refusal>> {
    loop {
        let message = socket.next().await.context("the connection is closed")??;
        let text = match message {
            Message::Text(text) => text,
            Message::Ping(_) | Message::Pong(_) => continue,
            other => bail!("{other:?}"),
        };
        match serde_json::from_str(&text)? {
            ServerMessage::Acked { seq, .. } => return Ok(Ok(seq)),
            ServerMessage::Refused { refusal, .. } => return Ok(Err(refusal)),
            ServerMessage::Unreadable { why } => bail!("unreadable: {why}"),
            ServerMessage::Welcome { .. }
            | ServerMessage::Entries { .. }
            | ServerMessage::BatonGone { .. }
            | ServerMessage::BatonYours { .. }
            | ServerMessage::Incompatible { .. }
            | ServerMessage::Behind { .. }
            | ServerMessage::Pong { .. }
            | ServerMessage::Asking { .. } => {}
        }
    }
}

#[tokio::test]
async fn large_goals_pass_and_too_large_ones_are_told() -> anyhow::Result<()> {
    let world = World::start(env!("CARGO_BIN_EXE_orchestrator")).await?;
    let (mut socket, mut other) = (connect(&world).await?, connect(&world).await?);
    // Each byte of this is six in JSON.
    socket.send(append("goal", "\u{1}".repeat(1024 * 1024))?).await?;
    let first = answer(&mut socket).await?;
    assert!(first.is_ok(), "{first:?}");
    socket.send(append("large", "x".repeat(MAX_MESSAGE))?).await?;
    let Err(Refusal::Invalid { why }) = answer(&mut socket).await? else { bail!("a refusal") };
    assert!(why.contains("at most 8388608 are taken"), "{why}");
    socket.send(append("small", "the connection stays".to_owned())?).await?;
    assert!(answer(&mut socket).await?.is_ok());
    // What is not even read ends the connection, perhaps while it is still being sent.
    let sent = socket.send(append("huge", "x".repeat(3 * MAX_MESSAGE))?).await;
    assert!(sent.is_err() || answer(&mut socket).await.is_err());
    other.send(append("other", "nobody else notices".to_owned())?).await?;
    assert!(answer(&mut other).await?.is_ok());
    Ok(())
}
