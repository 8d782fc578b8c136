//! Who gets in, tried as an attacker would: from another page, by another name, without a cookie, by guessing.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use shared::api::{Folder, Problem};
use tests::request::{Request, body};
use tests::world::{Wire, World};
use tokio::net::TcpSocket;

#[path = "access/encrypted.rs"]
mod encrypted;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

/// A world without TLS, and one with.
async fn worlds() -> anyhow::Result<[World; 2]> {
    let plain = World::start(BIN).await?;
    let mut encrypted = encrypted::prepare()?;
    encrypted.start_bridge().await?;
    Ok([plain, encrypted])
}

fn encrypted(world: &World) -> anyhow::Result<bool> {
    Ok(world.origin()?.starts_with("https:"))
}

const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

#[tokio::test]
async fn ours_gets_in_and_nothing_else_does() -> anyhow::Result<()> {
    for world in worlds().await? {
        requests(&world).await?;
    }
    Ok(())
}

async fn requests(world: &World) -> anyhow::Result<()> {
    let cookie = world.enter().await?;
    let ask = |line: &str| Request::new(world, line, &cookie);
    let enter = |secret: &str| format!(r#"{{"secret":"{secret}"}}"#);
    let made = world.home.path().join("made");
    let make = format!(r#"{{"path":"{}"}}"#, made.display());
    let name = cookie.split('=').next().unwrap_or_default();
    let (scheme, other) = if encrypted(world)? { ("https", "http") } else { ("http", "https") };
    let (evil, neighbour) = (format!("{scheme}://evil.example"), format!("{scheme}://127.0.0.1:1"));
    let port = world.host()?.rsplit(':').next().unwrap_or_default().to_owned();

    let cases = [
        (200, "ours", ask("GET /api/folders")?),
        (200, "by the other name", ask("GET /api/folders")?.with("Host", &format!("localhost:{port}"))),
        (
            200,
            "a browser's own GET",
            ask("GET /api/folders")?.without("Origin").with("Sec-Fetch-Site", "same-origin"),
        ),
        (401, "no cookie", ask("GET /api/folders")?.without("Cookie")),
        (401, "a wrong cookie", ask("GET /api/folders")?.with("Cookie", &format!("{name}=guess"))),
        (403, "no origin", ask("GET /api/folders")?.without("Origin")),
        (
            403,
            "another page's GET",
            ask("GET /api/folders")?.without("Origin").with("Sec-Fetch-Site", "cross-site"),
        ),
        (403, "a foreign origin", ask("POST /api/folders")?.with("Origin", &evil).body(&make)),
        (403, "a page of another port", ask("POST /api/folders")?.with("Origin", &neighbour).body(&make)),
        (
            403,
            "our name by the other scheme",
            ask("POST /api/folders")?.with("Origin", &format!("{other}://{}", world.host()?)).body(&make),
        ),
        (403, "a sandboxed page", ask("POST /api/folders")?.with("Origin", "null").body(&make)),
        (403, "a POST without origin", ask("POST /api/folders")?.without("Origin").body(&make)),
        (
            415,
            "a form",
            ask("POST /api/folders")?.with("Content-Type", "application/x-www-form-urlencoded").body(&make),
        ),
        (415, "JSON as text", ask("POST /api/folders")?.with("Content-Type", "text/plain").body(&make)),
        (415, "nearly JSON", ask("POST /api/folders")?.with("Content-Type", "application/jsonx").body(&make)),
        (415, "no type", ask("POST /api/folders")?.without("Content-Type").body(&make)),
        (421, "DNS rebinding", ask("GET /api/folders")?.with("Host", &format!("evil.example:{port}"))),
        (421, "rebinding the page", ask("GET /")?.with("Host", "evil.example")),
        (421, "no host", ask("GET /")?.without("Host")),
        (
            403,
            "enter from elsewhere",
            ask("POST /api/enter")?.with("Origin", &evil).body(&enter(world.secret()?)),
        ),
        (403, "a wrong secret", ask("POST /api/enter")?.without("Cookie").body(&enter("guess"))),
        (403, "no secret", ask("POST /api/enter")?.without("Cookie").body(&enter(""))),
        (422, "not what is asked", ask("POST /api/enter")?.without("Cookie").body("{}")),
        (400, "no JSON", ask("POST /api/enter")?.without("Cookie").body("{")),
        (401, "a list of devices for nobody", ask("GET /api/devices")?.without("Cookie")),
        (
            401,
            "a yes by nobody",
            ask("POST /api/pair/answer")?.without("Cookie").body(r#"{"id":"","allow":true}"#),
        ),
        (
            401,
            "a revocation by nobody",
            ask("POST /api/devices/revoke")?.without("Cookie").body(r#"{"id":""}"#),
        ),
        (
            403,
            "a yes from elsewhere",
            ask("POST /api/pair/answer")?.with("Origin", &evil).body(r#"{"id":"","allow":true}"#),
        ),
        (
            415,
            "a yes by a form",
            ask("POST /api/pair/answer")?
                .with("Content-Type", "text/plain")
                .body(r#"{"id":"","allow":true}"#),
        ),
        (403, "asking from elsewhere", ask("POST /api/pair")?.without("Cookie").with("Origin", &evil)),
        (403, "asking without origin", ask("POST /api/pair")?.without("Cookie").without("Origin")),
        (415, "asking by a form", ask("POST /api/pair")?.without("Cookie").without("Content-Type")),
        (
            421,
            "asking under another name",
            ask("POST /api/pair")?.without("Cookie").with("Host", "evil.example"),
        ),
        (405, "asking by a link", ask("GET /api/pair")?),
        (401, "processes for nobody", ask("GET /api/processes")?.without("Cookie")),
        (403, "processes for another page", ask("GET /api/processes")?.with("Origin", &evil)),
        (401, "a self-test by nobody", ask("POST /api/self-test")?.without("Cookie")),
        (403, "a self-test by another page", ask("POST /api/self-test")?.with("Origin", &evil)),
        (401, "who is connected, for nobody", ask("GET /api/clients")?.without("Cookie")),
        (401, "output for nobody", ask("GET /api/runs/run/output")?.without("Cookie")),
        (404, "out of the page's folder", ask("GET /../../etc/passwd.txt")?),
        (404, "the same, encoded", ask("GET /%2e%2e/%2e%2e/etc/passwd.txt")?),
    ];
    for (expected, name, request) in cases {
        let (status, answer) = request.send(world).await?;
        assert_eq!(status, expected, "{name}: {answer}");
        if expected >= 400 && !matches!(expected, 404 | 405) {
            let problem: Problem = serde_json::from_str(body(&answer))?;
            assert!(!problem.error.is_empty() && !problem.next_step.is_empty(), "{name}");
        }
    }
    assert!(!made.exists(), "nothing of that had an effect");
    // A cookie of another data folder is taken out of the browser, so that its page does not look like a guesser.
    let (_, answer) = ask("GET /api/folders")?.with("Cookie", &format!("{name}=old")).send(world).await?;
    assert!(
        answer.contains(&format!("set-cookie: {name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")),
        "{answer}"
    );
    // Encoded paths are no way around the guard: they are places within the page.
    for line in ["GET /%61pi/folders", "GET //api/folders", "GET /API/folders", "GET /x/../api/folders"] {
        let (_, answer) = ask(line)?.without("Cookie").send(world).await?;
        assert!(serde_json::from_str::<Folder>(body(&answer)).is_err(), "{line}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_socket_needs_our_cookie_our_page_and_our_name() -> anyhow::Result<()> {
    for world in worlds().await? {
        sockets(&world).await?;
    }
    Ok(())
}

async fn sockets(world: &World) -> anyhow::Result<()> {
    let cookie = world.enter().await?;
    let evil = world.origin()?.replace("127.0.0.1", "evil.example");
    let ask = || -> anyhow::Result<Request> {
        let request = Request::new(world, "GET /ws", &cookie)?;
        Ok(UPGRADE.into_iter().fold(request, |request, (name, value)| request.with(name, value)))
    };
    let cases = [
        (403, "hijacked by another page", ask()?.with("Origin", &evil)),
        (403, "no origin", ask()?.without("Origin")),
        (403, "no origin, said to be ours", ask()?.without("Origin").with("Sec-Fetch-Site", "same-origin")),
        (401, "no cookie", ask()?.without("Cookie")),
        (421, "rebound", ask()?.with("Host", "evil.example")),
    ];
    for (expected, name, request) in cases {
        let (status, answer) = request.send(world).await?;
        assert_eq!(status, expected, "{name}: {answer}");
    }
    // The secret where it does not belong.
    let request = Request::new(world, &format!("GET /ws?k={}", world.secret()?), &cookie)?.without("Cookie");
    let request = UPGRADE.into_iter().fold(request, |request, (name, value)| request.with(name, value));
    assert_eq!(request.send(world).await?.0, 401);
    Ok(())
}

#[tokio::test]
async fn guesses_are_limited_and_lock_out_nobody_who_is_in() -> anyhow::Result<()> {
    let mut world = World::start(BIN).await?;
    let cookie = world.enter().await?;
    let enter = |world: &World, secret: &str| {
        let request = Request::new(world, "POST /api/enter", "").map(|request| request.without("Cookie"));
        request.map(|request| request.body(&format!(r#"{{"secret":"{secret}"}}"#)))
    };
    // A page without a cookie may ask as often as it likes: it guesses nothing.
    for _ in 0..30 {
        let (status, _) =
            Request::new(&world, "GET /api/folders", "")?.without("Cookie").send(&world).await?;
        assert_eq!(status, 401);
    }
    let mut answers = Vec::new();
    for _ in 0..25 {
        answers.push(enter(&world, "guess")?.send(&world).await?.0);
    }
    assert_eq!(answers[..20], [403; 20]);
    assert_eq!(answers[20..], [429; 5]);
    assert_eq!(enter(&world, world.secret()?)?.send(&world).await?.0, 429);
    assert_eq!(Request::new(&world, "GET /api/folders", &cookie)?.send(&world).await?.0, 200);
    // Who comes from elsewhere is not locked out with them. Other systems have one address of their own alone.
    if cfg!(target_os = "linux") {
        world.dial_by(Box::new(|address| {
            Box::pin(async move {
                let socket = TcpSocket::new_v4()?;
                socket.bind(SocketAddr::from(([127, 0, 0, 2], 0)))?;
                Ok(Box::new(socket.connect(address).await?) as Box<dyn Wire>)
            })
        }));
        assert_eq!(enter(&world, world.secret()?)?.send(&world).await?.0, 204);
    }
    Ok(())
}

#[tokio::test]
async fn the_cookie_outlives_the_bridge_and_is_not_the_secret() -> anyhow::Result<()> {
    for mut world in worlds().await? {
        let secret = world.secret()?.to_owned();
        let request = Request::new(&world, "POST /api/enter", "")?.without("Cookie");
        let (status, answer) = request.body(&format!(r#"{{"secret":"{secret}"}}"#)).send(&world).await?;
        assert_eq!(status, 204);
        let cookie = answer.lines().find(|line| line.starts_with("set-cookie: ")).unwrap_or_default();
        for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let encrypted = encrypted(&world)?;
        assert_eq!(
            (cookie.contains("; Secure"), cookie.contains("__Host-")),
            (encrypted, encrypted),
            "{cookie}"
        );
        assert!(!answer.contains(&secret));
        let value = cookie.split(['=', ';']).nth(1).unwrap_or_default().to_owned();
        world.kill_bridge().await?;
        world.start_bridge().await?;
        assert_eq!(world.secret()?, secret, "a bookmark stays good");
        // Port 0 gave another port, and so another name of the cookie.
        let port = world.host()?.rsplit(':').next().unwrap_or_default();
        let prefix = if encrypted { "__Host-" } else { "" };
        let request =
            Request::new(&world, "GET /api/folders", &format!("{prefix}orchestrator-{port}={value}"))?;
        assert_eq!(request.send(&world).await?.0, 200);
    }
    Ok(())
}

#[tokio::test]
async fn everything_is_answered_with_the_strict_headers() -> anyhow::Result<()> {
    for world in worlds().await? {
        headers(&world).await?;
    }
    Ok(())
}

async fn headers(world: &World) -> anyhow::Result<()> {
    for line in
        ["GET /", "GET /some/place", "GET /api/health", "GET /api/folders", "POST /api/enter", "GET /none.js"]
    {
        let (_, answer) = Request::new(world, line, "")?.send(world).await?;
        let head = answer.split_once("\r\n\r\n").map_or("", |(head, _)| head);
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; ",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(head.contains(header), "{line}: {header} in {head}");
        }
        assert!(!head.contains("access-control-"), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_kept_is_the_owners_alone() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let data = world.home.path().join("data");
    let mode = |name: &str| std::fs::metadata(data.join(name)).map(|file| file.permissions().mode() & 0o777);
    assert_eq!(mode(".")?, 0o700);
    for name in ["secret", "log.db", "log.db-wal"] {
        assert_eq!(mode(name)?, 0o600, "{name}");
    }
    // The log is read by agents and exported; the secret is in none of what the bridge stores.
    let secret = world.secret()?.as_bytes();
    for name in ["log.db", "log.db-wal", "bridge.lock"] {
        let bytes = std::fs::read(data.join(name))?;
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn folders_are_listed_and_made_with_clear_errors() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let cookie = world.enter().await?;
    let home = world.home.path().canonicalize()?;
    std::fs::create_dir_all(home.join("project/.git"))?;
    let get = |path: &str| Request::new(&world, &format!("GET /api/folders?path={path}"), &cookie);
    let (_, answer) = get(&home.display().to_string())?.send(&world).await?;
    let folder: Folder = serde_json::from_str(body(&answer))?;
    assert_eq!(folder.path, home.display().to_string());
    assert!(folder.writable && !folder.git);
    assert!(folder.entries.iter().any(|entry| entry.name == "project" && entry.git));
    let new = format!(r#"{{"path":"{}/new"}}"#, home.display());
    let post =
        |new: &str| Request::new(&world, "POST /api/folders", &cookie).map(|request| request.body(new));
    assert_eq!(post(&new)?.send(&world).await?.0, 200);
    assert!(home.join("new").is_dir());
    for (expected, request) in [
        (400, post(&new)?),
        (404, get("/no/such/folder")?),
        (400, get("relative")?),
        (400, post(r#"{"path":"relative"}"#)?),
    ] {
        let (status, answer) = request.send(&world).await?;
        assert_eq!(status, expected, "{answer}");
        assert!(serde_json::from_str::<Problem>(body(&answer)).is_ok(), "{answer}");
    }
    Ok(())
}
