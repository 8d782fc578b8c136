//! A page whose script hangs while its browser keeps the socket open: somebody else decides.

use std::time::{Duration, Instant};

use anyhow::Context;
use conductor::state::Standing;
use futures_util::{SinkExt, StreamExt};
use shared::agent::HarnessId;
use shared::id::ClientId;
use shared::unit::Seq;
use shared::wire::{ClientMessage, PROTOCOL, QUIET, ServerMessage, Want};
use tests::world::World;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

#[tokio::test]
async fn a_page_that_hangs_is_taken_over_from() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let mut request = format!("ws://{}/ws", world.host()?).into_client_request()?;
    request.headers_mut().insert("Origin", world.origin()?.parse()?);
    request.headers_mut().insert("Cookie", world.enter().await?.parse()?);
    let (mut page, _) = tokio_tungstenite::connect_async(request).await?;
    let client = ClientId::new("page")?;
    let hello = ClientMessage::Hello { protocol: PROTOCOL, client, since: Seq(0), lively: true };
    for message in [hello, ClientMessage::WantBaton { want: Want::Take }] {
        page.send(Message::text(serde_json::to_string(&message)?)).await?;
    }
    let decides = |text: &str| {
        matches!(serde_json::from_str::<ServerMessage>(text), Ok(ServerMessage::BatonYours { .. }))
    };
    let lost = |text: &str| {
        matches!(serde_json::from_str::<ServerMessage>(text), Ok(ServerMessage::BatonGone { .. }))
    };
    loop {
        let message = page.next().await.context("the page lost its connection")??;
        if matches!(message, Message::Text(text) if decides(&text)) {
            break;
        }
    }
    // Its browser reads on and answers pings; its script does nothing any more. Gives when it is told that another decides.
    let (silent, (tell, told)) = (Instant::now(), oneshot::channel());
    let hangs = tokio::spawn(async move {
        let mut tell = Some(tell);
        while let Some(Ok(message)) = page.next().await {
            if matches!(&message, Message::Text(text) if lost(text)) {
                let _ = tell.take().map(|tell| tell.send(silent.elapsed()));
            }
        }
    });
    let mut watcher = world.watcher("watcher").await?;
    let goal = world.goal(&mut watcher, "Answer. [[demo answer]]", HarnessId::Demo).await?;
    let answered =
        |state: &conductor::State| state.task(&goal).is_some_and(|task| task.standing == Standing::Completed);
    let done = tokio::time::timeout(Duration::from_secs(60), watcher.until("an answer", answered));
    done.await.context("nobody took over")??;
    assert!(!hangs.is_finished(), "the page keeps its connection");
    let after = told.await?;
    assert!(after >= Duration::from_millis(QUIET.0), "{after:?}");
    // A figure and no bound: it says something of a quiet machine only.
    eprintln!("taken over {after:?} after the page's last word");
    hangs.abort();
    Ok(())
}
