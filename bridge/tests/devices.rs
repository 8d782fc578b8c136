//! Other devices: TLS, pairing with a person's yes, and being sent away again.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use shared::api::{Asking, Devices, Pairing};
use shared::wire::ServerMessage;
use tests::request::{Request, body};
use tests::world::{Client, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[path = "access/encrypted.rs"]
mod encrypted;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1";

async fn world() -> anyhow::Result<World> {
    let mut world = encrypted::prepare()?;
    world.start_bridge().await?;
    Ok(world)
}

/// What a device without a cookie says.
fn stranger(world: &World, line: &str, sent: &str) -> anyhow::Result<Request> {
    Ok(Request::new(world, line, "")?.without("Cookie").with("User-Agent", PHONE).body(sent))
}

async fn ask(world: &World) -> anyhow::Result<Pairing> {
    let (status, answer) = stranger(world, "POST /api/pair", "")?.send(world).await?;
    anyhow::ensure!(status == 200, "{answer}");
    Ok(serde_json::from_str(body(&answer))?)
}

async fn outcome(world: &World, ticket: &str) -> anyhow::Result<(u16, String)> {
    let sent = serde_json::json!({ "ticket": ticket }).to_string();
    stranger(world, "POST /api/pair/outcome", &sent)?.send(world).await
}

/// What a person says who is trusted.
async fn tell(world: &World, cookie: &str, line: &str, sent: serde_json::Value) -> anyhow::Result<u16> {
    Ok(Request::new(world, line, cookie)?.body(&sent.to_string()).send(world).await?.0)
}

async fn list(world: &World, cookie: &str) -> anyhow::Result<Devices> {
    let (_, answer) = Request::new(world, "GET /api/devices", cookie)?.send(world).await?;
    Ok(serde_json::from_str(body(&answer))?)
}

/// Waits until the page is told of exactly these many that ask.
async fn shown(page: &mut Client, count: usize) -> anyhow::Result<Vec<Asking>> {
    loop {
        match page.step().await? {
            Some(ServerMessage::Asking { devices }) if devices.len() == count => return Ok(devices),
            _ => {}
        }
    }
}

fn cookie_of(answer: &str) -> anyhow::Result<&str> {
    let line = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).context("no cookie")?;
    line.split(';').next().context("an empty cookie")
}

/// From the request to the cookie, with the owner's yes.
async fn pair(world: &World, page: &mut Client, owner: &str) -> anyhow::Result<String> {
    let asked = ask(world).await?;
    let shown = shown(page, 1).await?;
    assert_eq!(shown[0].code, asked.code, "both sides show the same");
    assert_eq!(shown[0].name, "Safari on iPhone");
    let yes = serde_json::json!({ "id": shown[0].id, "allow": true });
    assert_eq!(tell(world, owner, "POST /api/pair/answer", yes.clone()).await?, 204);
    assert_eq!(tell(world, owner, "POST /api/pair/answer", yes).await?, 410, "said once");
    let (status, answer) = outcome(world, &asked.ticket).await?;
    assert_eq!(status, 204, "{answer}");
    for part in ["__Host-", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
        assert!(answer.contains(part), "{answer}");
    }
    assert_eq!(outcome(world, &asked.ticket).await?.0, 410, "and given once");
    Ok(cookie_of(&answer)?.to_owned())
}

#[tokio::test]
async fn a_paired_device_has_a_secret_of_its_own_until_it_is_revoked() -> anyhow::Result<()> {
    let mut world = world().await?;
    let owner = world.enter().await?;
    let mut page = world.watcher("page").await?;
    let phone = pair(&world, &mut page, &owner).await?;
    let other = pair(&world, &mut page, &owner).await?;
    assert!(phone != owner && phone != other);
    let mut there = world.visitor("phone", &phone).await?;
    let known = list(&world, &phone).await?.devices;
    assert_eq!(known.iter().map(|device| device.here).collect::<Vec<_>>(), [true, false]);
    assert!(list(&world, &owner).await?.devices.iter().all(|device| !device.here));

    let file = world.home.path().join("data/devices.json");
    assert_eq!(file.metadata()?.permissions().mode() & 0o777, 0o600);
    let value = phone.split_once('=').context("a value")?.1;
    assert!(!std::fs::read_to_string(&file)?.contains(value), "only its hash is kept");

    let first = serde_json::json!({ "id": known[0].id });
    assert_eq!(tell(&world, &other, "POST /api/devices/revoke", first.clone()).await?, 204);
    let closed = async { while there.step().await.is_ok() {} };
    // A socket that stayed would be pinged after five seconds, and so on for ever.
    tokio::time::timeout(std::time::Duration::from_secs(4), closed).await.context("the socket stayed")?;
    let (status, answer) = Request::new(&world, "GET /api/folders", &phone)?.send(&world).await?;
    assert!(status == 401 && answer.contains("Max-Age=0"), "{answer}");
    assert_eq!(tell(&world, &owner, "POST /api/devices/revoke", first).await?, 404);
    drop(page);

    // The other one is still in, also after a restart.
    world.kill_bridge().await?;
    world.start_bridge().await?;
    let port = world.host()?.rsplit(':').next().unwrap_or_default();
    let moved = format!("__Host-orchestrator-{port}={}", other.split_once('=').context("a value")?.1);
    assert_eq!(list(&world, &moved).await?.devices.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_no_lets_nobody_in_and_requests_are_few() -> anyhow::Result<()> {
    let world = world().await?;
    let owner = world.enter().await?;
    let mut page = world.watcher("page").await?;
    let replaced = ask(&world).await?;
    let asked = ask(&world).await?;
    assert_eq!(outcome(&world, &replaced.ticket).await?.0, 410, "one address asks once at a time");
    let id = loop {
        let shown = shown(&mut page, 1).await?;
        if shown[0].code == asked.code {
            break shown[0].id.clone();
        }
    };
    let waiting = outcome(&world, &asked.ticket);
    let no = tell(&world, &owner, "POST /api/pair/answer", serde_json::json!({ "id": id, "allow": false }));
    let ((status, answer), told) = tokio::try_join!(waiting, no)?;
    assert!(status == 403 && told == 204 && !answer.contains("set-cookie"), "{answer}");
    assert_eq!(outcome(&world, "guess").await?.0, 410);
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(stranger(&world, "POST /api/pair", "")?.send(&world).await?.0);
    }
    assert_eq!((statuses[..8] == [200; 8], &statuses[8..]), (true, &[429; 4][..]));
    assert!(list(&world, &owner).await?.devices.is_empty());
    Ok(())
}

#[tokio::test]
async fn nobody_pairs_with_a_bridge_that_only_its_own_machine_reaches() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let (status, answer) = stranger(&world, "POST /api/pair", "")?.send(&world).await?;
    assert!(status == 404 && answer.contains("Open the URL"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn only_the_right_certificate_is_trusted_and_plain_http_is_told_so() -> anyhow::Result<()> {
    let world = world().await?;
    let data = world.home.path().join("data");
    let holder = bridge::lock::holder(&data).context("a bridge")?;
    let other = ["5A"; 32].join(":").parse().ok();
    assert!(other.is_some() && other != holder.fingerprint);
    assert!(bridge::tls::connect(holder.address, other).await.is_err(), "another certificate");
    let mut plain = bridge::tls::connect(holder.address, None).await?;
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    let mut said = String::new();
    plain.read_to_string(&mut said).await?;
    assert!(said.contains("https://"), "{said}");
    for name in ["tls-key.pem", "tls-cert.pem"] {
        assert_eq!(data.join(name).metadata()?.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let fingerprint = list(&world, &world.enter().await?).await?.fingerprint;
    assert_eq!(fingerprint, holder.fingerprint.map(|fingerprint| fingerprint.to_string()));
    Ok(())
}

/// The standby, the commands and the attacks of the doctor take the same way as everybody.
#[tokio::test(flavor = "multi_thread")]
async fn everything_of_ours_speaks_tls_and_keeps_the_attacks_out() -> anyhow::Result<()> {
    let mut world = encrypted::prepare()?;
    world.listen = "0.0.0.0:0".to_owned();
    world.standby = true;
    world.start_bridge().await?;
    let mut page = world.watcher("page").await?;
    let holds = |state: &conductor::State| {
        state.baton.as_ref().is_some_and(|baton| baton.holder.as_str().starts_with("standby-"))
    };
    page.until("the standby", holds).await?;
    let (code, said) = world.terminal(&["tasks"])?;
    assert!(code == Some(0) && said.contains("No goals yet"), "{said}");
    let (_, said) = world.terminal(&["doctor"])?;
    assert!(said.contains("refused: a socket from another site's page"), "{said}");
    assert!(!said.contains("let in") && !said.contains("no answer"), "{said}");
    let asked = ask(&world).await?;
    let (code, said) = world.terminal(&["devices"])?;
    assert!(code == Some(0) && said.contains(&asked.code) && said.contains("SHA-256"), "{said}");
    let (code, said) = world.terminal(&["devices", "allow", "AAA-AAA"])?;
    assert!(code == Some(1) && said.contains("there is no"), "{said}");
    let (code, said) = world.terminal(&["devices", "allow", &asked.code])?;
    assert!(code == Some(0) && said.contains("Safari on iPhone is let in"), "{said}");
    assert_eq!(outcome(&world, &asked.ticket).await?.0, 204);
    let (code, said) = world.terminal(&["devices", "revoke", "safari on iphone"])?;
    assert!(code == Some(0) && said.contains("no longer"), "{said}");
    let (_, said) = world.terminal(&["url"])?;
    assert!(said.starts_with("https://127.0.0.1:"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_shown_and_a_wrong_one_is_told() -> anyhow::Result<()> {
    let (given, spoilt) = (world().await?, world().await?);
    let file = |world: &World, name: &str| world.home.path().join("data").join(name).display().to_string();
    let start = |chain: &str, key: &str| -> anyhow::Result<World> {
        let mut world = encrypted::prepare()?;
        for argument in ["--tls-cert", chain, "--tls-key", key] {
            world.argument(argument);
        }
        Ok(world)
    };
    let mut right = start(&file(&given, "tls-cert.pem"), &file(&given, "tls-key.pem"))?;
    right.start_bridge().await?;
    let shown = |world: &World| bridge::lock::holder(&world.home.path().join("data"));
    assert_eq!(
        shown(&right).and_then(|holder| holder.fingerprint),
        shown(&given).and_then(|holder| holder.fingerprint)
    );
    assert!(!Path::new(&file(&right, "tls-cert.pem")).exists(), "none is made beside it");
    for (key, words) in
        [(file(&spoilt, "tls-key.pem"), "belongs to it"), ("/none.pem".to_owned(), "/none.pem")]
    {
        let chain = file(&given, "tls-cert.pem");
        let (code, said) = start(&chain, &key)?.terminal(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--no-open",
            "--tls-cert",
            &chain,
            "--tls-key",
            &key,
        ])?;
        assert!(code == Some(1) && said.contains(words), "{said}");
    }
    let (code, said) = given.terminal(&["serve", "--tls-cert", "only.pem"])?;
    assert!(code == Some(2) && said.contains("--tls-key"), "{said}");
    Ok(())
}
