//! What the page does with it, in Chromium: `tests/browser/bench/figures.js` against the real bridge.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};
use serde_json::Value;
use shared::id::TaskId;
use tests::world::World;
use tokio::process::Command;

use crate::figure::{Aim, Figure};
use crate::{forest, plan};

/// Tasks of the tree that is scrolled, zoomed and worked through.
const TASKS: u32 = 1_000;
/// The time of one frame at 60 Hz, milliseconds.
const FRAME: f64 = 1_000.0 / 60.0;

/// One of `tests/browser/bench`, about a goal of the world; `CHROMIUM` in the environment is the browser.
///
/// # Errors
/// The bridge does not run.
pub fn script(name: &str, world: &World, goal: &TaskId) -> anyhow::Result<Command> {
    let mut node = Command::new("node");
    node.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/browser/bench/").to_owned() + name)
        .env("BRIDGE", format!("http://{}/", world.host()?))
        .env("SECRET", world.secret()?)
        .env("GOAL", goal.to_string())
        .stdin(Stdio::null());
    Ok(node)
}

/// Measures the page of `binary`; `None` where no browser was prepared (`cargo xtask bench` does it).
pub async fn figures(binary: &Path, entries: usize) -> anyhow::Result<Vec<Figure>> {
    if std::env::var_os("CHROMIUM").is_none() {
        return Ok(Vec::new());
    }
    let world = World::start(binary).await?;
    let mut client = world.client("maker").await?;
    let goal =
        plan::tree(&world, &mut client, TASKS, "true", |n| if n % 7 == 6 { Some(n - 1) } else { None })
            .await?;
    drop(client);
    let node = script("figures.js", &world, &goal)?
        .env("PROJECT", &world.project)
        .env("ENTRIES", entries.to_string())
        .output()
        .await
        .context("node does not start")?;
    let said = String::from_utf8_lossy(&node.stderr);
    ensure!(node.status.success(), "the browser's part failed ({}): {said}", node.status);
    let found: Value = serde_json::from_slice(&node.stdout).context("the browser's part gave no JSON")?;
    let number = |name: &str| found[name].as_f64().with_context(|| format!("no {name} in {found}"));
    let mut figures = vec![
        Figure::new("entries read, in Chromium", number("read")?, "entries/s"),
        Figure::new("entries folded, in Chromium", number("folded")?, "entries/s").aim(Aim::AtLeast(3e5)),
        Figure::new("a token's message to its place in the page: p50", number("token p50")?, "ms"),
        Figure::new("a token's message to its place in the page: p99", number("token p99")?, "ms"),
        Figure::new(
            "tokens on screen in the first frame after their message",
            number("tokens in a frame")?,
            "%",
        )
        .aim(Aim::AtLeast(99.0)),
    ];

    let times = |name: &str| {
        let times = found[name].as_array().with_context(|| format!("no {name} in {found}"))?;
        times.iter().map(|time| time.as_f64().context("a time is no number")).collect::<anyhow::Result<_>>()
    };
    let grown = usize::try_from(found["forest"].as_u64().context("no forest")?)?;
    let whole = [times("forest surveyed")?, times("forest decided")?];
    figures.extend(forest::told("in Chromium", grown, whole, times("forest entries")?));
    for (what, measured) in forest::SHOWN {
        for share in ["p50", "p99"] {
            let name = format!("{grown} tasks on the page, {what}: {share}");
            let figure = Figure::new(name, number(&format!("forest {measured} {share}"))?, "ms");
            figures.push(figure.aim(Aim::AtMost(forest::FRAME)));
        }
    }
    for what in ["scrolling", "zooming", "working"] {
        let name = format!("{TASKS} tasks, {what}: ");
        let p50 = Figure::new(format!("{name}frame p50"), number(&format!("{what} p50"))?, "ms");
        figures.push(p50.aim(Aim::AtMost(FRAME + 0.5)));
        figures.push(Figure::new(format!("{name}frame p99"), number(&format!("{what} p99"))?, "ms"));
    }
    Ok(figures)
}
