//! Worktrees from a terminal and over HTTP: a goal works in one beside the person's checkout, and nothing in it that was not
//! committed is lost when it is taken away.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tests::request::call;
use tests::world::World;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

fn git(folder: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = std::process::Command::new("git").args(args).current_dir(folder).output()?;
    ensure!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// A repository with one commit and one change that is not committed.
async fn shop() -> anyhow::Result<World> {
    let world = World::attended(BIN).await?;
    git(&world.project, &["init", "-q", "-b", "main"])?;
    git(&world.project, &["config", "user.name", "a"])?;
    git(&world.project, &["config", "user.email", "a@b"])?;
    std::fs::write(world.project.join("shop.md"), "A shop.\n")?;
    git(&world.project, &["add", "."])?;
    git(&world.project, &["commit", "-qm", "A shop"])?;
    std::fs::write(world.project.join("mine.txt"), "not yet\n")?;
    Ok(world)
}

/// The one that there is.
async fn only(world: &World) -> anyhow::Result<Value> {
    let (status, all) = call(world, "GET /api/worktrees", &Value::Null).await?;
    ensure!(status == 200 && all.as_array().is_some_and(|all| all.len() == 1), "{status} {all:#}");
    Ok(all[0].clone())
}

#[tokio::test]
async fn a_goal_works_beside_the_checkout_and_what_it_left_is_kept() -> anyhow::Result<()> {
    let world = shop().await?;
    let run =
        ["run", "Add a cart:\n- Make a\n- Make b\n- Make c", "--harness", "demo", "--approve", "--worktree"];
    let told = world.says(&run, 0, "Completed")?;
    ensure!(told.contains("on branch orchestrator/add-a-cart") && told.contains("One change in"), "{told}");
    assert_eq!(git(&world.project, &["status", "--porcelain"])?, "?? mine.txt", "the checkout is untouched");
    let view = only(&world).await?;
    let path = PathBuf::from(view["path"].as_str().context("no path")?);
    assert!(path.starts_with(world.home.path().join("data/worktrees")), "{view:#}");
    assert!(path.join("demo/make-a.md").exists() && !path.join("mine.txt").exists());
    assert_eq!(view["base"], git(&world.project, &["rev-parse", "main"])?.as_str());
    assert!(view["purpose"].as_str().is_some_and(|purpose| purpose.starts_with("Add a cart:\n")));
    assert_eq!(view["stands"]["is"], "there");
    assert_eq!(view["stands"]["known"], true);
    assert!(view["stands"]["holds"]["changes"].as_u64().is_some_and(|changes| changes > 0), "{view:#}");
    let (_, goal) = call(&world, "GET /api/goals/1", &Value::Null).await?;
    assert_eq!(goal["branch"], "orchestrator/add-a-cart");
    assert_eq!(view["goals"][0], goal["tasks"][0]["id"]);

    // A part of it is staged, and another is new; both are there again after it was away.
    git(&path, &["add", "demo/make-a.md"])?;
    std::fs::write(path.join("new.md"), "new\n")?;
    let listed =
        world.says(&["worktrees", "remove", "orchestrator/add-a-cart"], 0, "what was not committed")?;
    ensure!(!path.exists(), "{listed}");
    let removed = only(&world).await?;
    let snapshot = removed["stands"]["snapshot"].as_str().context("no snapshot")?;
    assert_eq!(git(&world.project, &["show", &format!("{snapshot}:new.md")])?, "new");
    world.says(&["worktrees", "bring-back", "orchestrator/add-a-cart"], 0, "not committed")?;
    assert_eq!(std::fs::read_to_string(path.join("new.md"))?, "new\n");
    assert!(path.join("demo/make-a.md").exists());
    assert_eq!(git(&path, &["rev-parse", "--abbrev-ref", "HEAD"])?, "orchestrator/add-a-cart");
    Ok(())
}

#[tokio::test]
async fn one_that_is_needed_or_holds_what_git_ignores_is_not_taken_away_unasked() -> anyhow::Result<()> {
    let world = shop().await?;
    let folder = world.project.to_string_lossy().into_owned();
    let new =
        json!({"goal": "Add a cart", "folder": folder, "harness": "demo", "by_hand": true, "worktree": true});
    let (status, made) = call(&world, "POST /api/goals", &new).await?;
    ensure!(status == 201, "{status} {made:#}");
    let path = only(&world).await?["path"].as_str().context("no path")?.to_owned();
    assert_eq!((&made["worktree"]["worktree"]["path"], &made["worktree"]["left"]), (&json!(path), &json!(1)));
    let remove = |with_ignored: bool| json!({"path": path, "with_ignored": with_ignored});
    let (status, why) = call(&world, "POST /api/worktrees/remove", &remove(true)).await?;
    assert_eq!((status, &why["error"]), (409, &json!("Add a cart (1) still needs it")), "{why:#}");
    let (status, _) = call(&world, "POST /api/tasks/1/cancel", &json!({})).await?;
    assert_eq!(status, 200);
    std::fs::write(Path::new(&path).join(".gitignore"), "*.log\n")?;
    std::fs::write(Path::new(&path).join("build.log"), "built\n")?;
    let (status, why) = call(&world, "POST /api/worktrees/remove", &remove(false)).await?;
    ensure!(
        status == 409 && why["error"].as_str().is_some_and(|why| why.ends_with("bytes: build.log")),
        "{why:#}"
    );
    assert!(Path::new(&path).join("build.log").exists());
    let (status, view) = call(&world, "POST /api/worktrees/remove", &remove(true)).await?;
    assert_eq!((status, &view["stands"]["is"]), (200, &json!("removed")), "{view:#}");
    let (status, why) = call(&world, "POST /api/worktrees/remove", &json!({"path": "/nowhere"})).await?;
    assert_eq!(status, 404, "{why:#}");

    // What cannot be made leaves no goal behind.
    let outside = json!({"folder": world.home.path().to_string_lossy(), "goal": "No", "harness": "demo", "worktree": true});
    let (status, why) = call(&world, "POST /api/goals", &outside).await?;
    ensure!(status == 409 && why["next_step"].as_str().is_some_and(|next| !next.is_empty()), "{why:#}");
    let (_, goals) = call(&world, "GET /api/goals", &Value::Null).await?;
    assert_eq!(goals.as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn one_that_nobody_remembers_is_found_and_taken_into_keeping() -> anyhow::Result<()> {
    let mut world = shop().await?;
    world.says(
        &["run", "Add a cart:\n- Make a\n- Make b\n- Make c", "--harness", "demo", "--approve", "--worktree"],
        0,
        "Completed",
    )?;
    let own = only(&world).await?["path"].as_str().context("no path")?.to_owned();
    // As a bridge leaves it that died before it could say what it made; and a removal that was cut off.
    let stray = Path::new(&own).with_file_name("stray");
    git(&world.project, &["worktree", "add", "-q", "-b", "orchestrator/stray", &stray.to_string_lossy()])?;
    let half = PathBuf::from(format!("{own}.removing"));
    std::fs::rename(&own, &half)?;
    world.kill_bridge().await?;
    world.start_bridge().await?;
    assert!(Path::new(&own).exists() && !half.exists(), "it is in its place again");
    let listed = world.says(&["worktrees"], 0, "found; `orchestrator worktrees adopt`")?;
    ensure!(listed.contains("orchestrator/stray"), "{listed}");
    world.says(&["worktrees", "adopt", "orchestrator/stray"], 0, "orchestrator/stray")?;
    let listed = world.says(&["worktrees"], 0, "orchestrator/stray")?;
    ensure!(!listed.contains("found;"), "{listed}");
    // Somebody else takes one away, and the list says so and changes nothing.
    std::fs::remove_dir_all(&stray)?;
    world.says(&["worktrees"], 0, "gone: somebody else took it away")?;
    world.says(&["worktrees", "remove", "stray"], 0, "removed")?;
    git(&world.project, &["branch", "-D", "orchestrator/stray"])?;
    world.says(&["worktrees", "remove", "orchestrator/none"], 1, "there is no worktree")?;
    Ok(())
}

#[tokio::test]
async fn memory_is_that_of_the_folder_whichever_worktree_it_is_said_in() -> anyhow::Result<()> {
    let world = shop().await?;
    let run = |goal: &str| {
        let goal = format!("{goal}:\n- Make a\n- Make b\n- Make c");
        world.says(&["run", &goal, "--harness", "demo", "--approve", "--worktree"], 0, "Completed").map(drop)
    };
    run("Add a cart")?;
    let path = only(&world).await?["path"].as_str().context("no path")?.to_owned();
    std::fs::write(world.project.join("memory.md"), "Use pnpm.\n")?;
    world.says(&["memory", "--dir", &path, "--set", "memory.md"], 0, "Use pnpm.")?;
    world.says(&["memory"], 0, "Use pnpm.")?;
    // In one that is made from that one, and has no goal yet.
    let (status, made) =
        call(&world, "POST /api/worktrees", &json!({"folder": path, "purpose": "Add a till"})).await?;
    ensure!(status == 201, "{made:#}");
    let inner = made["worktree"]["folder"].as_str().context("no folder")?;
    world.says(&["memory", "--dir", inner], 0, "Use pnpm.")?;
    Ok(())
}

#[tokio::test]
async fn none_is_made_of_a_folder_that_the_configuration_does_not_allow() -> anyhow::Result<()> {
    let mut world = World::prepare(BIN)?;
    let config = world.home.path().join("config.toml");
    let allowed = world.home.path().join("allowed");
    std::fs::create_dir(&allowed)?;
    std::fs::write(&config, format!("folders = [{:?}]\n", allowed.to_string_lossy()))?;
    world.argument("--config");
    world.argument(&config.to_string_lossy());
    world.start_bridge().await?;
    for folder in [&world.project, &allowed] {
        git(folder, &["init", "-q"])?;
        let commit =
            ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "One"];
        git(folder, &commit)?;
    }
    let make = |folder: &str| json!({"folder": folder, "purpose": "Add a cart"});
    let (status, why) = call(&world, "POST /api/worktrees", &make(&world.project.to_string_lossy())).await?;
    ensure!(status == 409 && why["error"].as_str().is_some_and(|why| why.contains("allows")), "{why:#}");
    let (status, why) = call(&world, "POST /api/worktrees", &make(".")).await?;
    ensure!(status == 409 && why["error"].as_str().is_some_and(|why| why.contains("absolute")), "{why:#}");
    assert_eq!(git(&world.project, &["branch", "--list", "orchestrator/*"])?, "");
    let (status, made) = call(&world, "POST /api/worktrees", &make(&allowed.to_string_lossy())).await?;
    ensure!(status == 201, "{made:#}");
    Ok(())
}
