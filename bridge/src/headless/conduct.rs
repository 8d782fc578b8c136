//! `orchestrator conduct`: the conductor of the bridge's own, for the time when no page decides.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use shared::wire::{ServerMessage, Want};

use super::client::Client;
use super::place::Place;
use crate::cli::say;

/// What is printed before the number of the entry after which nothing is to be decided.
pub(crate) const IDLE: &str = "idle";

/// Decides until nothing is left to decide or another client takes over.
pub(super) async fn conduct(data_dir: &Path) -> anyhow::Result<ExitCode> {
    let place = Place::find(data_dir)?.context("no bridge uses this data folder")?;
    let mut client = Client::connect(&place, "standby").await?;
    client.want_baton(Want::Stand).await?;
    let mut held = false;
    loop {
        match client.step().await? {
            Some(ServerMessage::BatonYours { .. }) => held = true,
            // Before it was given, this only tells who has it.
            Some(ServerMessage::BatonGone { .. }) if held => return Ok(ExitCode::SUCCESS),
            _ => {}
        }
        if client.driver().is_idle() {
            say(&format!("{IDLE} {}", client.state().seq));
            return Ok(ExitCode::SUCCESS);
        }
    }
}
