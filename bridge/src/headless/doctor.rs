//! `orchestrator doctor`: looks at the set-up, then attacks the bridge as another web page, another site's name
//! or a stranger on this machine would; or tries everything once (`first_try`). A line for each, with what to do where it is
//! not well.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use axum::http::header::{COOKIE, ORIGIN};
use clap::Args;
use conductor::words;
use shared::agent::FoundAgent;
use shared::api::{Finding, Verdict};
use shared::harness::tried;

use super::place::Place;
use super::{DataArgs, Harness};
use crate::agents::{self, Lookup, look_up};
use crate::cli::say;
use crate::config::tools::Tool;
use crate::config::{Config, ConfigError};
use crate::store::{Look, copies};
use crate::supervisor::{set_aside, strays};
use crate::{clock, store, system};

#[cfg(unix)]
use unix as here;
#[cfg(windows)]
use windows as here;

mod first_try;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

/// Free bytes below which a person is warned, and below which agents will fail.
const LITTLE: u64 = 500 * 1024 * 1024;
const TOO_LITTLE: u64 = 100 * 1024 * 1024;

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Try everything once instead, in a place of its own that is gone afterwards: a goal, a failure, a stop, a bridge that is killed
    #[arg(long = "try")]
    first_try: bool,
    /// With --try: ask this agent one short question instead; a real one uses tokens or money for it
    #[arg(long, value_enum, requires = "first_try")]
    harness: Option<Harness>,
    /// One JSON object per line instead of words
    #[arg(long)]
    json: bool,
    /// Configuration in TOML, as given to `serve`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

fn well(what: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Well, what: what.into(), remedy: String::new() }
}

fn warning(what: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Warning, what: what.into(), remedy: remedy.into() }
}

fn bad(what: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Bad, what: what.into(), remedy: remedy.into() }
}

/// Prints what is found; the exit status is 1 when something is bad.
pub(super) async fn look(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    if args.first_try {
        return first_try::run(args).await;
    }
    let data_dir = args.data.dir()?;
    let mut findings = examine(&data_dir, Config::load(args.config.as_deref())).await;
    findings.extend(besiege(&data_dir).await?);
    findings.iter().for_each(|finding| tell(finding, args.json));
    let bad = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Prints a finding, as an object of JSON or in words.
fn tell(finding: &Finding, json: bool) {
    if json {
        return say(&serde_json::to_string(finding).unwrap_or_default());
    }
    let word = match finding.verdict {
        Verdict::Well => "ok",
        Verdict::Warning => "warning",
        Verdict::Bad => "BAD",
    };
    let remedy =
        if finding.remedy.is_empty() { String::new() } else { format!("\n         {}", finding.remedy) };
    say(&format!("{word:<7}  {}{remedy}", finding.what));
}

/// What a running bridge finds of itself.
///
/// # Errors
/// The secrets of its data folder cannot be read.
pub(crate) async fn of_itself(data_dir: &Path, config: &Config) -> anyhow::Result<Vec<Finding>> {
    let mut findings = examine(data_dir, Ok(config.clone())).await;
    let place = Place::find(data_dir)?.context("the bridge does not say where it is")?;
    findings.extend(attacks(&place, data_dir).await);
    Ok(findings)
}

/// Attacks the bridge of a data folder. One that is only looked at must not begin with what is open: where
/// none runs, one without any work is attacked instead.
async fn besiege(data_dir: &Path) -> anyhow::Result<Vec<Finding>> {
    if let Some(place) = Place::find(data_dir)? {
        return Ok(attacks(&place, data_dir).await);
    }
    let elsewhere = data_dir.join("doctor");
    let place = Place::find_or_start(&elsewhere, false).await?;
    let findings = attacks(&place, &elsewhere).await;
    place.leave().await?;
    std::fs::remove_dir_all(&elsewhere)?;
    Ok(findings)
}

/// Looks at the set-up.
async fn examine(data_dir: &Path, config: Result<Config, ConfigError>) -> Vec<Finding> {
    let own = data_dir.to_owned();
    // The whole database is read.
    let looked = tokio::task::spawn_blocking(move || {
        let mut findings = Vec::new();
        if own.exists() {
            findings.extend(folder(&own));
            findings.extend(database(&own));
            findings.extend(outcasts(&own));
        } else {
            findings.push(well(format!("{} is not there yet; the first start makes it", own.display())));
        }
        findings.push(disk(&own));
        findings.extend(here::examine());
        findings
    });
    let mut findings = looked
        .await
        .unwrap_or_else(|error| vec![bad(format!("the look broke off: {error}"), "Report this.")]);
    findings.extend(tools(config).await);
    findings
}

fn folder(data_dir: &Path) -> Vec<Finding> {
    let secret = data_dir.join("secret");
    [data_dir, &secret]
        .into_iter()
        .filter(|path| path.exists())
        .map(|path| match here::open_to_others(path) {
            None => well(format!("{} is yours alone", path.display())),
            Some(remedy) => bad(format!("others on this machine may read {}", path.display()), remedy),
        })
        .collect()
}

fn database(data_dir: &Path) -> Vec<Finding> {
    let file = data_dir.join("log.db");
    let name = file.display();
    let mut findings = Vec::new();
    if !file.exists() {
        return vec![well("there is no log yet")];
    }
    match store::look(&file) {
        Ok(Look { detail: None, at, bytes }) => {
            findings.push(well(format!("{name} is sound ({} MiB)", bytes / 1024 / 1024)));
            let ahead = at.since(clock::now());
            findings.push(if ahead.0 > 60_000 {
                let by = ahead.0 / 1_000;
                warning(
                    format!("the clock is {by} s behind the newest entry of the log"),
                    "Set the clock. Until then new entries all carry the time of the newest.",
                )
            } else {
                well("the clock agrees with the log")
            });
        }
        Ok(Look { detail: Some(detail), .. }) => findings
            .push(bad(format!("{name} is damaged: {detail}"), "Stop the bridge, then: orchestrator restore")),
        Err(error) => findings.push(bad(
            format!("{name} cannot be read: {error}"),
            "Check that it is there and yours to read.",
        )),
    }
    findings.push(match copies(data_dir).pop() {
        Some(copied) => {
            well(format!("the newest backup is {} (entry {})", copied.file.display(), copied.seq))
        }
        None => warning("there is no backup yet", "One is made when the bridge has run for 30 minutes."),
    });
    findings
}

/// What runs wrote that the log does not know.
fn outcasts(data_dir: &Path) -> Option<Finding> {
    let (runs, bytes) = set_aside(data_dir);
    let folder = strays(data_dir);
    (runs > 0).then(|| {
        warning(
            format!(
                "{} holds what {runs} runs wrote that the log does not know ({} KiB)",
                folder.display(),
                bytes.div_ceil(1024)
            ),
            "Nothing reads it again: take from it what you need, then remove it.",
        )
    })
}

fn disk(data_dir: &Path) -> Finding {
    let remedy = format!("Make room on the disk of {}.", data_dir.display());
    let folder = data_dir.ancestors().find(|folder| folder.exists());
    match folder.and_then(system::free) {
        Some(free) => {
            let what = format!("{} MB are free for the log and the output of agents", free / 1_000_000);
            match free {
                0..TOO_LITTLE => bad(what, remedy),
                TOO_LITTLE..LITTLE => warning(what, remedy),
                _ => well(what),
            }
        }
        None => bad("the disk cannot be asked for its room", remedy),
    }
}

async fn tools(config: Result<Config, ConfigError>) -> Vec<Finding> {
    let mut findings = Vec::new();
    match config {
        Ok(config) => {
            findings.push(well("the configuration can be read"));
            for agent in agents::find(&config).await {
                findings.push(installed(&agent));
            }
            findings.extend(config.tools.iter().map(|(name, tool)| served(name.as_str(), tool)));
            findings.extend(config.workers.iter().map(|(name, worker)| wrapper(name, &worker.wrap)));
        }
        Err(error) => findings.push(bad(error.to_string(), "Correct that line, or take it out.")),
    }
    findings.push(match look_up("git") {
        Lookup::Found(path) => well(format!("git is {}", path.display())),
        Lookup::NotExecutable(_) | Lookup::Missing => warning("git was not found", "Install git."),
    });
    findings
}

/// What is known of an agent CLI and of its version.
fn installed(agent: &FoundAgent) -> Finding {
    let given = words::given(agent);
    let given = if given.is_empty() { given } else { format!(" ({})", given.trim_end_matches('.')) };
    let version = agent.version.as_deref().unwrap_or_default();
    let what = format!("{} {version}", agent.name).trim().to_owned() + &given;
    if let Some(problem) = &agent.problem {
        let remedy = "Try it in a terminal, or give its path in the configuration.";
        return warning(format!("{what}: {problem}"), remedy);
    }
    match tried(agent.harness, agent.version.as_deref()).map(words::tried) {
        None => well(what),
        Some((known, "")) => well(format!("{what} is {known}")),
        Some((known, next_step)) => warning(format!("{what}: {known}"), next_step),
    }
}

/// Whether a tool of the person's own can be started, and has what it needs.
fn served(name: &str, tool: &Tool) -> Finding {
    let unset = tool.env.iter().find(|name| std::env::var_os(name).is_none());
    let what = match (look_up(tool.program()), unset) {
        (Lookup::Found(path), None) => return well(format!("the tool {name} is {}", path.display())),
        (Lookup::Found(_), Some(unset)) => {
            return warning(
                format!("the tool {name} needs {unset}, which is not set"),
                "Set it where you start the bridge.",
            );
        }
        (Lookup::NotExecutable(path), _) => {
            format!("the tool {name}: {} may not be executed", path.display())
        }
        (Lookup::Missing, _) => format!("the tool {name}: {} is not there", tool.program()),
    };
    let remedy = "Agents that get it do not start until then. See to its program, or take it out of the configuration.";
    bad(what, remedy)
}

/// Whether a worker's wrapper can be started; whether it leads anywhere is told by its agents' versions.
fn wrapper(name: &str, words: &[String]) -> Finding {
    match look_up(words.first().map_or("", String::as_str)) {
        Lookup::Found(path) => well(format!("the worker {name} is called by {}", path.display())),
        Lookup::NotExecutable(_) | Lookup::Missing => bad(
            format!("the worker {name} cannot be called: {} is not there", words.join(" ")),
            "Install it, or correct `wrap` in the configuration.",
        ),
    }
}

/// What must not get in. Each is tried with everything right but one thing.
async fn attacks(place: &Place, data_dir: &Path) -> Vec<Finding> {
    let [origin, cookie] = [ORIGIN, COOKIE].map(|name| {
        let found = place.access().credentials().into_iter().find(|(header, _)| *header == name);
        found.map(|(_, value)| value).unwrap_or_default()
    });
    let host = place.address().to_string();
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let enter = |origin: &str, kind: &str| {
        let body = format!("{{\"secret\":\"{}\"}}", place.access().secret());
        let head = format!("POST /api/enter HTTP/1.1\r\nHost: {host}\r\n{origin}Content-Type: {kind}\r\n");
        format!("{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    };
    let get = |path: &str, host: &str, origin: &str, rest: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{origin}{rest}\r\n")
    };
    let (ours, own) = (format!("Origin: {origin}\r\n"), format!("Cookie: {cookie}\r\n"));
    // The same scheme, so that the name alone can be what is refused.
    let evil = &format!("Origin: {}://evil.example\r\n", origin.split(':').next().unwrap_or_default());
    let close = "Connection: close\r\n";
    let tries = [
        ("a socket from another site's page", get("/ws", &host, evil, &format!("{own}{upgrade}"))),
        ("a socket without an origin", get("/ws", &host, "", &format!("{own}{upgrade}"))),
        ("a socket without the cookie", get("/ws", &host, &ours, upgrade)),
        (
            "a request under another name (DNS rebinding)",
            get("/api/folders", "evil.example", &ours, &format!("{own}{close}")),
        ),
        ("a request of another site's page", get("/api/folders", &host, evil, &format!("{own}{close}"))),
        ("the secret from another site's page", enter(evil, "application/json")),
        ("the secret without an origin", enter("", "application/json")),
        ("the secret in a form (text/plain)", enter(&ours, "text/plain")),
        ("a form of another site", enter(evil, "application/x-www-form-urlencoded")),
        ("the list of devices without the cookie", get("/api/devices", &host, &ours, close)),
    ];
    let mut findings = Vec::new();
    for (what, request) in tries {
        findings.push(match place.ask(&request).await {
            Ok(answer) if is_refusal(&answer) => well(format!("refused: {what}")),
            Ok(answer) => bad(
                format!("let in: {what} ({})", answer.lines().next().unwrap_or_default()),
                "Stop the bridge and report this.",
            ),
            Err(error) => bad(format!("no answer to {what}: {error:#}"), "Start the bridge anew."),
        });
    }
    // With everything right, so that only the path can be what is refused.
    for path in ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "//etc/passwd", "/page/../../log.db"] {
        let request = get(path, &host, &ours, &format!("{own}{close}"));
        let leaks = place.ask(&request).await.is_ok_and(|answer| {
            answer.contains(place.access().secret())
                || answer.contains("root:")
                || answer.contains("SQLite format")
        });
        findings.push(if leaks {
            bad(format!("{path} leads out of the page's files"), "Stop the bridge and report this.")
        } else {
            well(format!("{path} leads nowhere"))
        });
    }
    findings.extend(leaks(place, data_dir));
    findings
}

/// Whether the secret stands where others could read it.
fn leaks(place: &Place, data_dir: &Path) -> Vec<Finding> {
    let secret = place.access().secret().as_bytes();
    let holds = |path: &Path| {
        std::fs::read(path).is_ok_and(|bytes| bytes.windows(secret.len()).any(|window| window == secret))
    };
    let mut places: Vec<(&str, PathBuf)> = vec![("the bridge's log", data_dir.join("bridge.log"))];
    places.extend(here::shown_of(place.pid()).map(|path| ("the bridge's process", path)));
    places
        .into_iter()
        .map(|(name, path)| {
            if holds(&path) {
                let remedy = "Stop the bridge, delete the file `secret` in the data folder, and report this.";
                bad(format!("the secret stands in {name} ({})", path.display()), remedy)
            } else {
                well(format!("the secret is not in {name} ({})", path.display()))
            }
        })
        .collect()
}

/// Whether an answer refuses: a client error, and no cookie.
fn is_refusal(answer: &str) -> bool {
    let refused = answer.split(' ').nth(1).is_some_and(|status| status.starts_with('4'));
    refused && !answer.to_ascii_lowercase().contains("set-cookie")
}
