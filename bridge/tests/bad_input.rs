//! What agents, plans, folders, clients and disks can do wrong, end to end: each is named where it befell,
//! with a way on, and nothing else notices.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use conductor::state::{Standing, State, Task};
use conductor::status::{Kind as Status, Reason, status};
use futures_util::{SinkExt, StreamExt};
use shared::agent::{ErrorClass, HarnessId};
use shared::entry::{Draft, Kind, Room};
use shared::id::{ClientId, ProjectId, TaskId};
use shared::limits::Limits;
use shared::unit::Seq;
use shared::wire::{ClientMessage, PROTOCOL, ServerMessage};
use tests::world::{Client, World, sketch};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

fn proposed(state: &State, goal: &TaskId) -> bool {
    state.task(goal).is_some_and(conductor::plan::awaits_approval)
}

fn settled(task: &Task) -> bool {
    matches!(task.standing, Standing::Completed | Standing::Failed { .. })
}

fn failure(state: &State, task: &TaskId) -> anyhow::Result<(ErrorClass, String)> {
    match &state.task(task).context("no such task")?.standing {
        Standing::Failed { class, why } => Ok((*class, why.clone())),
        other => bail!("{other:?}"),
    }
}

/// What crashes is taken up again by and by otherwise.
async fn at_once(client: &mut Client) -> anyhow::Result<()> {
    let limits = Limits { resumptions: 0, ..Limits::default() };
    client.intend(Kind::LimitsSet { limits }).await?;
    Ok(())
}

/// Goals that need a plan go on alone; their failure is what is waited for.
async fn failed(client: &mut Client, goal: &TaskId) -> anyhow::Result<(ErrorClass, String)> {
    client.until("its end", |state| state.task(goal).is_some_and(settled)).await?;
    failure(client.state(), goal)
}

#[tokio::test]
async fn what_an_agent_does_wrong_is_told_of_its_task_and_the_others_go_on() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    at_once(&mut client).await?;
    let wrong = ["crash", "silent", "garbage", "invalid-utf8", "long-line=50M", "lines=1000"];
    let directives: Vec<String> =
        wrong.iter().zip(1..).map(|(word, no)| format!("[[task {no}: {word}]]")).collect();
    let text = format!("Try every misdeed. [[demo tasks={}]] {}", wrong.len(), directives.join(" "));
    let goal = world.goal(&mut client, &text, HarnessId::Demo).await?;
    client.until("a plan", |state| proposed(state, &goal)).await?;
    let tasks = client.state().task(&goal).context("the goal")?.children.clone();
    assert_eq!(tasks.len(), wrong.len());
    client.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    let all = |state: &State| tasks.iter().all(|id| state.task(id).is_some_and(settled));
    client.until("the end of each", all).await?;
    client.all_taken()?;

    let state = client.state();
    let (class, why) = failure(state, &tasks[0])?;
    assert!(class == ErrorClass::CliCrash && why.contains("exit code 3"), "{class:?} {why}");
    let (class, why) = failure(state, &tasks[1])?;
    assert!(class == ErrorClass::NothingSaid && why.contains("in a terminal"), "{class:?} {why}");
    for task in &tasks[2..] {
        let standing = &state.task(task).context("kept")?.standing;
        assert!(matches!(standing, Standing::Completed), "{}", sketch(state));
    }
    Ok(())
}

#[tokio::test]
async fn a_plan_that_cannot_be_is_put_to_the_person_with_its_problems() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let bad = [
        ("not-json", "JSON"),
        ("cycle", "each other"),
        ("empty", "no task"),
        ("5000", "5000"),
        ("unknown-dep", "not in the plan"),
    ];
    for (kind, words) in bad {
        let text = format!("Plan it badly. [[demo plan={kind}]]");
        let goal = world.goal(&mut client, &text, HarnessId::Demo).await?;
        let problems = |state: &State| match status(state, state.task(&goal)?) {
            conductor::status::Status { kind: Status::Waiting, reason: Reason::PlanProblem(all), .. } => {
                Some(all.join("; "))
            }
            _ => None,
        };
        client.until("its problems", |state| problems(state).is_some()).await?;
        let told = problems(client.state()).unwrap_or_default();
        assert!(told.contains(words), "{kind}: {told}");
    }
    let goal = world.goal(&mut client, "Mend it. [[demo plan=cycle-once]]", HarnessId::Demo).await?;
    client.until("a mended plan", |state| proposed(state, &goal)).await
}

/// A `claude` that is a script, in a folder of its own before all others on PATH.
fn pretend(world: &mut World, script: &str) -> anyhow::Result<()> {
    let folder = world.home.path().join("bin");
    std::fs::create_dir(&folder)?;
    let file = folder.join("claude");
    std::fs::write(
        &file,
        format!("#!/bin/sh\ntest \"$1\" = --version && echo '2.1.329' && exit\n{script}\n"),
    )?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
    world.set("PATH", &format!("{}:/usr/bin:/bin", folder.display()));
    Ok(())
}

#[tokio::test]
async fn a_cli_that_does_not_work_says_why_with_a_next_step() -> anyhow::Result<()> {
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/claude/error_nokey.ndjson");
    let cases = [
        (format!("read -r prompt; cat {recorded}; exit 1"), ErrorClass::Auth, "/login"),
        ("echo 'cannot find module cli.js' >&2; exit 127".to_owned(), ErrorClass::Launch, "cli.js"),
        ("head -c 3000000 /dev/urandom; exit 0".to_owned(), ErrorClass::Unknown, "result"),
        ("kill -SEGV $$".to_owned(), ErrorClass::CliCrash, "signal 11"),
    ];
    for (script, class, words) in cases {
        let mut world = World::prepare(BIN)?;
        pretend(&mut world, &script)?;
        world.start_bridge().await?;
        let mut client = world.client("page").await?;
        at_once(&mut client).await?;
        let goal = world.goal(&mut client, "Anything.", HarnessId::Claude).await?;
        let (told, why) = failed(&mut client, &goal).await?;
        assert!(why.contains(words), "{script}: {told:?} {why}");
        assert!(told == class || class == ErrorClass::Unknown, "{script}: {told:?} {why}");
        // Codex is not there at all.
        let goal = world.goal(&mut client, "Anything.", HarnessId::Codex).await?;
        let (told, why) = failed(&mut client, &goal).await?;
        assert!(told == ErrorClass::Launch && why.contains("Install Codex"), "{told:?} {why}");
    }
    Ok(())
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named_before_and_after() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let missing = world.home.path().join("missing");
    let folder = missing.display().to_string();
    let opened = Kind::ProjectOpened { folder: folder.clone(), name: "missing".to_owned() };
    client.append(vec![Draft::new(Some(ProjectId::new("other")?), opened)]).await?;
    // Gone after it was chosen, and no git repository either: the first is a failure, the second is none.
    let goal = world.goal(&mut client, "Answer. [[demo answer]]", HarnessId::Demo).await?;
    client.until("an answer", |state| state.task(&goal).is_some_and(settled)).await?;
    assert!(client.refused.concat().contains(&folder), "{:?}", client.refused);
    std::fs::remove_dir_all(&world.project)?;
    client.say(&goal, "And now?").await?;
    let told = |state: &State| failure(state, &goal).ok();
    client.until("the failure", |state| told(state).is_some()).await?;
    let (class, why) = told(client.state()).unwrap_or((ErrorClass::Unknown, String::new()));
    assert!(class == ErrorClass::Launch && why.contains("project"), "{class:?} {why}");
    Ok(())
}

#[tokio::test]
async fn a_client_of_another_version_is_told_and_parted_from() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let host = world.host()?;
    let mut request = format!("ws://{host}/ws").into_client_request()?;
    request.headers_mut().insert("Origin", format!("http://{host}").parse()?);
    request.headers_mut().insert("Cookie", world.enter().await?.parse()?);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
    let hello = ClientMessage::Hello {
        protocol: PROTOCOL + 1,
        client: ClientId::new("old")?,
        since: Seq(0),
        lively: false,
    };
    socket.send(Message::text(serde_json::to_string(&hello)?)).await?;
    let Message::Text(text) = socket.next().await.context("no answer")?? else { bail!("words") };
    let ServerMessage::Incompatible { protocol, .. } = serde_json::from_str(&text)? else { bail!("{text}") };
    assert_eq!(protocol, PROTOCOL);
    assert!(!matches!(socket.next().await, Some(Ok(Message::Text(_)))), "and nothing more");
    Ok(())
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_as_it_is() -> anyhow::Result<()> {
    let mut world = World::start(BIN).await?;
    world.kill_bridge().await?;
    let file = world.home.path().join("data/log.db");
    let database = rusqlite::Connection::open(&file)?;
    database.pragma_update(None, "user_version", 1_000)?;
    drop(database);
    let mut serve = Command::new(BIN);
    serve.args(["serve", "--listen", "127.0.0.1:0", "--no-open", "--data-dir"]);
    let output = serve.arg(world.home.path().join("data")).env("HOME", world.home.path()).output()?;
    let said = String::from_utf8(output.stderr)?;
    assert!(!output.status.success() && said.contains("newer orchestrator"), "{said}");
    let database = rusqlite::Connection::open(&file)?;
    let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    assert_eq!(version, 1_000);
    Ok(())
}

/// A bridge whose data folder is a disk of 12 MB, seen by nobody else: it goes with the bridge. With a client, a goal
/// that is answered, and the folder as the bridge sees it; nothing where no disk can be had.
async fn on_a_small_disk(bounds: &str) -> anyhow::Result<Option<(World, Client, TaskId, String)>> {
    if !may_mount() {
        return Ok(None);
    }
    let mut world = World::prepare(BIN)?;
    let data = world.home.path().join("data").display().to_string();
    std::fs::create_dir(&data)?;
    let script = world.home.path().join("on-a-small-disk");
    let config = world.home.path().join("config/orchestrator");
    std::fs::create_dir_all(&config)?;
    std::fs::write(config.join("config.toml"), format!("[disk]\n{bounds}\n"))?;
    let mount = format!("mount -t tmpfs -o size=12m small {data}");
    std::fs::write(
        &script,
        format!("#!/bin/sh\nexec unshare -rm sh -c '{mount} && exec {BIN} \"$@\"' sh \"$@\"\n"),
    )?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
    world.run_with(&script);
    world.start_bridge().await?;
    let mut client = world.client("page").await?;
    let goal = world.goal(&mut client, "Answer. [[demo answer]]", HarnessId::Demo).await?;
    client.until("an answer", |state| state.task(&goal).is_some_and(settled)).await?;
    let data = format!("/proc/{}/root{data}", world.pid()?);
    Ok(Some((world, client, goal, data)))
}

/// Whether a disk of one's own can be had here. Without it the store's own tests have a full disk of another kind.
fn may_mount() -> bool {
    let probe = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "probe", "/mnt"]).output();
    probe.is_ok_and(|probe| probe.status.success())
}

fn is_full(path: &Path) -> anyhow::Result<bool> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail * disk.f_frsize < 64 * 1024)
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_stored_stays() -> anyhow::Result<()> {
    let Some((world, mut client, goal, data)) = on_a_small_disk("pause_mb = 0").await? else {
        eprintln!("skipped: nobody may mount a disk of their own here");
        return Ok(());
    };
    let ballast = Path::new(&data).join("ballast");
    let filled = Command::new("sh")
        .args(["-c", "head -c 20000000 /dev/zero > \"$0\" 2>/dev/null", &ballast.display().to_string()])
        .status()?;
    assert!(!filled.success() && is_full(Path::new(&data))?, "nothing of this test is true otherwise");
    let before = client.state().seq;
    for _ in 0..8 {
        client.say(&goal, &"x".repeat(500_000)).await?;
    }
    client.until_refused().await?;
    assert!(client.refused.concat().contains("full"), "{:?}", client.refused);
    // Whoever asks still gets all that was stored, and what fits is taken again.
    let watcher = world.watcher("other").await?;
    assert!(watcher.state().seq >= before);
    std::fs::remove_file(&ballast)?;
    client.say(&goal, "There is room again. [[demo answer]]").await?;
    let heard = |state: &State| {
        state.task(&goal).is_some_and(|task| settled(task) && task.queue.is_empty() && task.runs.len() > 1)
    };
    client.until("an answer again", heard).await
}

#[tokio::test]
async fn nothing_new_starts_on_a_disk_that_is_almost_full() -> anyhow::Result<()> {
    let Some((world, mut client, _, data)) = on_a_small_disk("warn_mb = 7\npause_mb = 3").await? else {
        eprintln!("skipped: nobody may mount a disk of their own here");
        return Ok(());
    };
    let ballast = Path::new(&data).join("ballast");
    for (left, room) in [(5_000_000, Room::Little), (1_000_000, Room::None)] {
        let free = || -> anyhow::Result<u64> {
            let disk = rustix::fs::statvfs(Path::new(&data))?;
            Ok(disk.f_bavail * disk.f_frsize)
        };
        let mut file = std::fs::File::options().append(true).create(true).open(&ballast)?;
        while free()? > left {
            std::io::Write::write_all(&mut file, &[0; 64 * 1024])?;
        }
        client.until("the measure", |state| state.disk.room == room).await?;
    }
    let goal = world.goal(&mut client, "Answer again. [[demo answer]]", HarnessId::Demo).await?;
    let task = client.state().task(&goal).context("the goal")?.clone();
    let told = conductor::words::reason(client.state(), &status(client.state(), &task), tests::world::now());
    assert_eq!(told, "waits for room on the disk", "{}", sketch(client.state()));
    // A run that was ordered for it would stand in the log before these words.
    for count in 1..=2 {
        client.say(&goal, "Soon, please.").await?;
        client
            .until("the words", |state| state.task(&goal).is_some_and(|task| task.queue.len() == count))
            .await?;
    }
    assert!(
        client.state().task(&goal).is_some_and(|task| task.runs.is_empty()),
        "{}",
        sketch(client.state())
    );
    std::fs::remove_file(&ballast)?;
    client.until("room", |state| state.disk.room == Room::Plenty).await?;
    client.until("an answer", |state| state.task(&goal).is_some_and(settled)).await?;
    client.all_taken()
}
