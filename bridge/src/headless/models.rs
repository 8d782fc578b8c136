//! `orchestrator models`: which model does a task of which size, how hard it thinks, and what it costs.

use std::process::ExitCode;

use clap::Args;
use shared::agent::HarnessId;
use shared::entry::{Draft, Kind};
use shared::models::{ModelChoice, NoModel, NoPrice, Price, Tiers};
use shared::plan::Size;

use super::client::Client;
use super::place::Place;
use super::{DataArgs, Harness};
use crate::cli::say;

#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// Whose models are changed
    #[arg(long, value_enum, default_value_t = Harness::Claude)]
    harness: Harness,
    /// For light tasks; behind it how hard it thinks (low, medium, high, xhigh), after a comma who steps in while it has reached its limit, such as "opus high, sonnet". `none` leaves it to the agent
    #[arg(long, value_name = "MODEL")]
    light: Option<String>,
    /// For tasks of standard size, likewise
    #[arg(long, value_name = "MODEL")]
    standard: Option<String>,
    /// For heavy tasks, likewise
    #[arg(long, value_name = "MODEL")]
    heavy: Option<String>,
    /// What a model costs in dollars for a million tokens in and out, where its agent does not tell; * for any model. May be given again
    #[arg(long, value_name = "MODEL=IN/OUT|none")]
    price: Vec<String>,
    #[command(flatten)]
    data: DataArgs,
}

const SIZES: [Size; 3] = [Size::Light, Size::Standard, Size::Heavy];
const OWN: &str = "its own choice";

/// Sets what was given, and prints the table that holds then.
pub(super) async fn set(args: &ModelsArgs) -> anyhow::Result<ExitCode> {
    let wish = Wish::read(args)?;
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    let known = client.state().models.clone();
    let mut models = known.clone();
    match args.harness {
        Harness::Claude => wish.carry_out(&mut models.claude),
        Harness::Codex => wish.carry_out(&mut models.codex),
        Harness::Demo => {}
    }
    if models != known {
        client.intend(vec![Draft::new(None, Kind::ModelsSet { models: models.clone() })]).await?;
    }
    for (harness, tiers) in [(HarnessId::Claude, &models.claude), (HarnessId::Codex, &models.codex)] {
        let [light, standard, heavy] = SIZES.map(|size| match tiers.choice(size) {
            ModelChoice { model: None, effort, instead } => {
                let model = Some(OWN.to_owned());
                ModelChoice { model, effort, instead }
            }
            choice => choice,
        });
        say(&format!("{harness}: light {light}, standard {standard}, heavy {heavy}"));
        for (name, Price { input, output }) in &tiers.prices {
            say(&format!("  {name}: ${input} for a million tokens in, ${output} out"));
        }
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

/// What a person wrote: choices for sizes, and prices of models.
struct Wish {
    choices: Vec<(Size, ModelChoice)>,
    prices: Vec<(String, Option<Price>)>,
}

impl Wish {
    fn read(args: &ModelsArgs) -> anyhow::Result<Self> {
        let texts = SIZES.into_iter().zip([&args.light, &args.standard, &args.heavy]);
        let texts = texts.filter_map(|(size, text)| Some((size, text.as_ref()?)));
        let choices =
            texts.map(|(size, text)| Ok((size, ModelChoice::read(if text == "none" { "" } else { text })?)));
        let prices = args.price.iter().map(|text| Price::read(text));
        Ok(Self {
            choices: choices.collect::<Result<_, NoModel>>()?,
            prices: prices.collect::<Result<_, NoPrice>>()?,
        })
    }

    fn carry_out(self, tiers: &mut Tiers) {
        self.choices.into_iter().for_each(|(size, choice)| tiers.choose(size, choice));
        for (name, price) in self.prices {
            match price {
                Some(price) => drop(tiers.prices.insert(name, price)),
                None => drop(tiers.prices.remove(&name)),
            }
        }
    }
}
