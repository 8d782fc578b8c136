//! `orchestrator models`: which model does a task of which size.

use std::process::ExitCode;

use anyhow::ensure;
use shared::agent::HarnessId;
use shared::entry::{Draft, Kind};
use shared::models::{Tiers, is_model};
use shared::plan::Size;

use super::client::Client;
use super::place::Place;
use super::{Harness, ModelsArgs};
use crate::cli::say;

/// Sets what was given, and prints the table that holds then.
pub(super) async fn set(args: &ModelsArgs) -> anyhow::Result<ExitCode> {
    for name in [&args.light, &args.standard, &args.heavy].into_iter().flatten() {
        ensure!(
            is_none(name) || name.split(',').all(is_model),
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
        let name = |size| {
            let first = tiers.get(size).unwrap_or("its own choice");
            std::iter::once(first).chain(tiers.instead(size).iter().map(String::as_str)).collect::<Vec<_>>()
        };
        let [light, standard, heavy] =
            [Size::Light, Size::Standard, Size::Heavy].map(|size| name(size).join(", "));
        say(&format!("{harness}: light {light}, standard {standard}, heavy {heavy}"));
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

/// Nobody's name.
fn is_none(name: &str) -> bool {
    name.is_empty() || name == "none"
}

/// An empty name gives the choice back to the agent; those after a comma step in.
fn change(tiers: &mut Tiers, args: &ModelsArgs) {
    let given = [
        (&mut tiers.light, &mut tiers.instead.light, &args.light),
        (&mut tiers.standard, &mut tiers.instead.standard, &args.standard),
        (&mut tiers.heavy, &mut tiers.instead.heavy, &args.heavy),
    ];
    for (tier, instead, names) in given {
        if let Some(names) = names {
            let mut names = names.split(',').filter(|name| !is_none(name)).map(str::to_owned);
            *tier = names.next();
            *instead = names.collect();
        }
    }
}
