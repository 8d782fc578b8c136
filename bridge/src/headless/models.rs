//! `orchestrator models`: which model does a task of which size.

use std::process::ExitCode;

use anyhow::ensure;
use shared::agent::HarnessId;
use shared::entry::{Draft, Kind};
use shared::models::{Tiers, is_model};

use super::client::Client;
use super::place::Place;
use super::{Harness, ModelsArgs};
use crate::cli::say;

/// Sets what was given, and prints the table that holds then.
pub(super) async fn set(args: &ModelsArgs) -> anyhow::Result<ExitCode> {
    for name in [&args.light, &args.standard, &args.heavy].into_iter().flatten() {
        ensure!(
            name.is_empty() || is_model(name),
            "{name:?} is no model's name. Give it as the agent's CLI takes it."
        );
    }
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    let known = client.state().models.clone();
    let mut models = known.clone();
    match args.harness {
        Harness::Claude => change(&mut models.claude, args),
        Harness::Codex => change(&mut models.codex, args),
        Harness::Demo => {}
    }
    if models != known {
        client.intend(vec![Draft::new(None, Kind::ModelsSet { models: models.clone() })]).await?;
    }
    for (harness, tiers) in [(HarnessId::Claude, &models.claude), (HarnessId::Codex, &models.codex)] {
        let name = |tier: &Option<String>| tier.clone().unwrap_or_else(|| "its own choice".to_owned());
        let [light, standard, heavy] = [&tiers.light, &tiers.standard, &tiers.heavy].map(name);
        say(&format!("{harness}: light {light}, standard {standard}, heavy {heavy}"));
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

/// An empty name gives the choice back to the agent.
fn change(tiers: &mut Tiers, args: &ModelsArgs) {
    let given = [
        (&mut tiers.light, &args.light),
        (&mut tiers.standard, &args.standard),
        (&mut tiers.heavy, &args.heavy),
    ];
    for (tier, name) in given {
        if let Some(name) = name {
            *tier = Some(name.clone()).filter(|name| !name.is_empty());
        }
    }
}
