//! Starting and ending: what the binary prints, what it says when it cannot start, what it leaves in the log.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::Context;
use bridge::store::{Page, Store};
use conductor::state::{Standing, State};
use shared::agent::HarnessId;
use shared::unit::Seq;
use tempfile::TempDir;
use tests::world::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

fn serve(home: &TempDir, listen: &str) -> Command {
    let mut command = Command::new(BIN);
    command.args(["serve", "--listen", listen, "--no-open", "--data-dir"]).arg(home.path().join("data"));
    command.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path().join("config"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What it says and how it ends when it does not start.
fn refused(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output()?;
    let said = String::from_utf8(output.stderr)?;
    assert!(!output.status.success(), "{said}");
    assert!(output.stdout.is_empty(), "nothing is promised");
    Ok(said)
}

fn first_line(child: &mut Child) -> anyhow::Result<String> {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().context("no output")?).read_line(&mut line)?;
    Ok(line)
}

fn terminate(mut child: Child) -> anyhow::Result<(ExitStatus, String)> {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).context("no pid")?;
    rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
    let mut said = String::new();
    child.stderr.take().context("no output")?.read_to_string(&mut said)?;
    Ok((child.wait()?, said))
}

/// So a next step that is suggested can be taken as it stands.
#[test]
fn the_environment_names_the_data_folder_where_the_command_line_does_not() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let run = |args: &[&str], named: &str| {
        let mut command = Command::new(BIN);
        command.args(args).env("HOME", home.path()).env("ORCHESTRATOR_DATA_DIR", home.path().join(named));
        command.env_remove("XDG_DATA_HOME").env("XDG_CONFIG_HOME", home.path().join("config"));
        command.output()
    };
    let given = home.path().join("given");
    for (args, there) in
        [(&["tasks"][..], "named"), (&["tasks", "--data-dir", given.to_str().context("UTF-8")?], "given")]
    {
        let output = run(args, "named")?;
        assert!(output.status.success(), "{output:?}");
        assert!(home.path().join(there).join("log.db").is_file(), "{there}");
    }
    assert!(!run(&["export"], "nowhere")?.status.success());
    assert!(!home.path().join(".local").exists(), "nothing is in the user's own");
    Ok(())
}

#[test]
fn it_prints_one_line_and_ends_politely() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let mut child = serve(&home, "127.0.0.1:0").spawn()?;
    let line = first_line(&mut child)?;
    let (place, secret) = line.trim_end().split_once("/#k=").expect("a secret in the fragment");
    let port: u16 = place.strip_prefix("listening on http://127.0.0.1:").expect("the address").parse()?;
    assert!(port > 0);
    assert_eq!(secret.len(), 43, "32 bytes in base64url");
    let (status, said) = terminate(child)?;
    assert!(status.success(), "{status}");
    assert_eq!(said, "");
    Ok(())
}

#[test]
fn a_second_bridge_is_told_which_one_is_there() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let mut first = serve(&home, "127.0.0.1:0").spawn()?;
    let line = first_line(&mut first)?;
    let said = refused(&mut serve(&home, "127.0.0.1:0"))?;
    assert!(said.contains(&format!("pid {}", first.id())) && said.contains("--data-dir"), "{said}");
    let address =
        line.trim_start_matches("listening on http://").split('/').next().expect("an address").to_owned();
    let elsewhere = tempfile::tempdir()?;
    let said = refused(&mut serve(&elsewhere, &address))?;
    assert!(said.contains("is taken. Another orchestrator may run there"), "{said}");
    terminate(first)?;
    // The lock went with its holder.
    let mut third = serve(&home, "127.0.0.1:0").spawn()?;
    assert!(first_line(&mut third)?.starts_with("listening on "));
    terminate(third)?;
    Ok(())
}

#[test]
fn what_cannot_be_used_is_named_with_a_way_on() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("data");
    let said = refused(&mut serve(&home, "192.0.2.1:0"))?;
    assert!(said.contains("192.0.2.1:0") && said.contains("Choose another address"), "{said}");
    std::fs::create_dir(&data)?;
    std::fs::write(data.join("log.db"), "this is no database, and long enough to be looked at ".repeat(40))?;
    let said = refused(&mut serve(&home, "127.0.0.1:0"))?;
    assert!(said.contains("log.db is damaged") && said.contains("left as it is"), "{said}");
    std::fs::remove_file(data.join("log.db"))?;
    std::fs::write(home.path().join("config.toml"), "programs = 7\n")?;
    let said = refused(serve(&home, "127.0.0.1:0").arg("--config").arg(home.path().join("config.toml")))?;
    assert!(said.contains("line 1"), "{said}");
    std::fs::remove_dir_all(&data)?;
    std::fs::write(&data, "a file where the folder should be")?;
    let said = refused(&mut serve(&home, "127.0.0.1:0"))?;
    assert!(said.contains("data folder"), "{said}");
    Ok(())
}

/// As after a bridge that was killed in the middle of starting a process, which has its port for a moment more.
#[tokio::test]
async fn a_port_that_a_killed_bridge_left_is_waited_for() -> anyhow::Result<()> {
    let mut world = World::start(BIN).await?;
    let address = world.host()?.to_owned();
    world.kill_bridge().await?;
    let held = std::net::TcpListener::bind(&address)?;
    let mut next = Command::new(BIN);
    next.args(["serve", "--listen", &address, "--no-open", "--data-dir"]).arg(world.home.path().join("data"));
    let mut next =
        next.env("HOME", world.home.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // It cannot have the port, and has not given up either.
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(next.try_wait()?.is_none());
    drop(held);
    assert!(first_line(&mut next)?.starts_with(&format!("listening on http://{address}")));
    terminate(next)?;
    Ok(())
}

#[tokio::test]
async fn a_damaged_database_is_restored_from_the_newest_backup() -> anyhow::Result<()> {
    let mut world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let goal = world.goal(&mut client, "Answer. [[demo answer]]", HarnessId::Demo).await?;
    let answered = |state: &State| state.task(&goal).is_some_and(|task| task.standing == Standing::Completed);
    client.until("an answer", answered).await?;
    let command = |world: &World, name: &str| -> anyhow::Result<(bool, String)> {
        let mut command = Command::new(BIN);
        command.arg(name).arg("--data-dir").arg(world.home.path().join("data"));
        let output = command.env("HOME", world.home.path()).stdin(Stdio::null()).output()?;
        Ok((output.status.success(), String::from_utf8([output.stdout, output.stderr].concat())?))
    };
    let (restored, said) = command(&world, "restore")?;
    assert!(!restored && said.contains("in use by another orchestrator"), "{said}");
    world.kill_bridge().await?;
    world.start_bridge().await?;
    let log = client.log.context("a history")?;
    assert_eq!(
        world.watcher("restarted").await?.log.as_ref(),
        Some(&log),
        "a restart begins no other history"
    );
    world.kill_bridge().await?;
    let data = world.home.path().join("data");
    let copied = Store::open(&data)?.back_up(&data).await?.context("a backup")?;
    // Only the backups are left of it: what is open of the rest may still be written to.
    let former = world.home.path().join("former");
    std::fs::rename(&data, &former)?;
    std::fs::create_dir(&data)?;
    std::fs::rename(former.join("backups"), data.join("backups"))?;
    std::fs::write(data.join("log.db"), "this is no database, and long enough to be looked at ".repeat(40))?;
    let (started, said) = command(&world, "serve")?;
    let newest = copied.file.display().to_string();
    assert!(!started && said.contains("orchestrator restore") && said.contains(&newest), "{said}");
    // Ordered after the copy was made.
    std::fs::create_dir_all(data.join("runs/later"))?;
    std::fs::write(data.join("runs/later/out"), "unread")?;
    let (restored, said) = command(&world, "restore")?;
    assert!(restored && said.contains(&newest) && said.contains("log.db.damaged"), "{said}");
    let strays = data.join("strays");
    assert!(said.contains("ended then (later)") && said.contains(&strays.display().to_string()), "{said}");
    world.start_bridge().await?;
    assert!(!data.join("runs/later").exists());
    assert_eq!(std::fs::read_to_string(strays.join("later/out"))?, "unread");
    let mut client = world.client("page-again").await?;
    assert!(client.log.as_ref().is_some_and(|restored| *restored != log), "a page that was open must notice");
    client.until("the answer is there", answered).await
}

/// A log that was lost looks as a first start does, which ends every run that it does not know.
#[tokio::test]
async fn a_bridge_without_its_log_touches_no_run_and_says_the_way_back() -> anyhow::Result<()> {
    let mut world = World::start(BIN).await?;
    world.end_bridge().await?;
    let data = world.home.path().join("data");
    Store::open(&data)?.back_up(&data).await?.context("a backup")?;
    let former = world.home.path().join("former");
    std::fs::rename(&data, &former)?;
    std::fs::create_dir_all(data.join("runs/lost"))?;
    std::fs::write(data.join("runs/lost/out"), "unread")?;
    std::fs::rename(former.join("backups"), data.join("backups"))?;
    let said = refused(&mut serve(&world.home, "127.0.0.1:0"))?;
    assert!(said.contains("log.db is missing") && said.contains("1 backup (the newest"), "{said}");
    assert!(said.contains("runs 1 run.") && said.contains("`orchestrator restore`"), "{said}");
    assert_eq!(std::fs::read_to_string(data.join("runs/lost/out"))?, "unread");
    assert!(!data.join("log.db").exists());
    Ok(())
}

#[tokio::test]
async fn each_start_is_in_the_log_and_the_agents_when_they_change() -> anyhow::Result<()> {
    let mut world = World::start(BIN).await?;
    for start in 0..3 {
        let mut client = world.watcher("page").await?;
        client.until("the agents", |state| !state.agents.is_empty()).await?;
        world.kill_bridge().await?;
        if start < 2 {
            world.start_bridge().await?;
        }
    }
    let store = Store::open(&world.home.path().join("data"))?;
    assert_eq!(store.all_of_kind("bridge_started").await?.len(), 3);
    assert_eq!(store.all_of_kind("agents_found").await?.len(), 1);
    let all = Page { entries: usize::MAX, bytes: usize::MAX };
    let log = store.entries_after(Seq(0), all).await?;
    assert!(log.iter().map(|stored| stored.entry.seq.0).eq(1..=4));
    Ok(())
}

#[tokio::test]
async fn no_secret_is_in_what_it_logs() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let mut child = serve(&home, "127.0.0.1:0").env("ORCHESTRATOR_LOG", "trace").spawn()?;
    let line = first_line(&mut child)?;
    let url = line.trim_end().strip_prefix("listening on http://").expect("a URL");
    let (host, secret) = url.split_once("/#k=").expect("a secret");
    let mut session = String::new();
    for (secret, status) in [(secret, "204"), ("wrong", "403")] {
        let body = format!(r#"{{"secret":"{secret}"}}"#);
        let length = body.len();
        let mut socket = tokio::net::TcpStream::connect(host).await?;
        let head = format!(
            "POST /api/enter HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: close\r\n"
        );
        let request =
            format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
        socket.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        if let Some(cookie) = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")) {
            session = cookie.split(['=', ';']).nth(1).expect("a value").to_owned();
        }
    }
    let (_, said) = terminate(child)?;
    assert_eq!(session.len(), 43);
    assert!(said.contains("TRACE"), "it did log: {said}");
    assert!(!said.contains(secret) && !said.contains(&session), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_page_under_development_is_served_from_its_folder_and_told_to_reload() -> anyhow::Result<()> {
    let mut world = World::prepare(BIN)?;
    let page = world.home.path().join("page");
    std::fs::create_dir(&page)?;
    std::fs::write(page.join("index.html"), "first")?;
    std::fs::write(world.home.path().join("private.txt"), "private")?;
    world.argument("--page-dir");
    world.argument(&page.display().to_string());
    world.start_bridge().await?;
    let (host, cookie) = (world.host()?.to_owned(), world.enter().await?);
    let get = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        )
    };
    for place in ["/", "/work/goal-1", "/index.html"] {
        assert!(world.http(&get(place)).await?.ends_with("first"), "{place}");
    }
    for path in ["/../private.txt", "/%2e%2e/private.txt", "//etc/hosts.txt", "/none.js"] {
        let answer = world.http(&get(path)).await?;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    let mut events = tokio::net::TcpStream::connect(&host).await?;
    events.write_all(get("/dev/reload").as_bytes()).await?;
    let mut heard = Vec::new();
    let mut wrote = false;
    while !String::from_utf8_lossy(&heard).contains("event: reload") {
        assert!(events.read_buf(&mut heard).await? > 0, "{}", String::from_utf8_lossy(&heard));
        // The head of the answer is there, so it knows the page as it was.
        if !wrote {
            wrote = true;
            std::fs::write(page.join("index.html"), "second")?;
        }
    }
    assert!(world.http(&get("/")).await?.ends_with("second"));
    Ok(())
}
