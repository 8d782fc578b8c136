//! `orchestrator devices`: the devices that were let in and those that ask, for who has a terminal and no
//! trusted page at hand.

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde_json::json;
use shared::api::{Answer, Asking, Chosen, Device, Devices};

use super::DataArgs;
use super::place::Place;
use crate::cli::say;

#[derive(Debug, Args)]
pub struct DevicesArgs {
    /// What is to become of one
    #[arg(value_enum, requires = "which")]
    wish: Option<DeviceWish>,
    /// The code of one that asks; the name or id of one that is let in
    which: Option<String>,
    /// One JSON object per line instead of words
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DeviceWish {
    Allow,
    Refuse,
    Revoke,
}

/// Lists them, or carries out what the person wishes for one.
pub(super) async fn see_to(args: &DevicesArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find(&args.data.dir()?)?.context("no bridge runs. Next: orchestrator")?;
    let known: Devices = serde_json::from_str(&place.call("GET", "/api/devices", "").await?)?;
    match (args.wish, args.which.as_deref().unwrap_or_default()) {
        (None, _) => list(&known, args.json),
        (Some(DeviceWish::Revoke), which) => {
            let device = find(&known.devices, which, |device| [&device.id, &device.name])?;
            let sent = serde_json::to_string(&Chosen { id: device.id.clone() })?;
            place.call("POST", "/api/devices/revoke", &sent).await?;
            say(&format!("{} is let in no longer.", device.name));
        }
        (Some(wish), which) => {
            let asking: &Asking = find(&known.asking, which, |asking| [&asking.code, &asking.id])?;
            let allow = wish == DeviceWish::Allow;
            let sent = serde_json::to_string(&Answer { id: asking.id.clone(), allow })?;
            place.call("POST", "/api/pair/answer", &sent).await?;
            say(&format!("{} {}.", asking.name, if allow { "is let in" } else { "is refused" }));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The one that is named so, by whatever of `names` tells it from the others.
fn find<'a, T>(all: &'a [T], which: &str, names: impl Fn(&T) -> [&String; 2]) -> anyhow::Result<&'a T> {
    let mut found = all.iter().filter(|one| names(one).iter().any(|name| name.eq_ignore_ascii_case(which)));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => bail!("there is no {which:?}. `orchestrator devices` lists them."),
        (Some(_), Some(_)) => {
            bail!("more than one is called {which:?}; give its id: orchestrator devices --json")
        }
    }
}

fn list(known: &Devices, as_json: bool) {
    for Device { id, name, address, since, seen, .. } in &known.devices {
        let line = if as_json {
            json!({ "device": id, "name": name, "address": address, "since": since.0, "seen": seen.0 })
                .to_string()
        } else {
            format!("{name}  from {address}")
        };
        say(&line);
    }
    for Asking { id, name, address, code } in &known.asking {
        let line = if as_json {
            json!({ "asks": id, "name": name, "address": address, "code": code }).to_string()
        } else {
            format!(
                "asks: {name}  from {address}  code {code}\nNext: compare the code, then orchestrator devices allow {code}"
            )
        };
        say(&line);
    }
    if as_json {
        return;
    }
    if known.devices.is_empty() && known.asking.is_empty() {
        say("No other device is let in.");
    }
    match &known.fingerprint {
        Some(fingerprint) => say(&format!("SHA-256 of the certificate: {fingerprint}")),
        None => say(
            "The bridge is reached from this machine only. For others: orchestrator serve --listen 0.0.0.0:4747",
        ),
    }
}
