//! Which model does a task of which size and how hard it thinks, for each kind of agent that has a choice; and what
//! models cost, where the person says so.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use shared_derive::FromJson;

use crate::agent::{HarnessId, Tokens};
use crate::plan::Size;
use crate::unit::MicroUsd;

/// The table of models; a person may change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Models {
    pub claude: Tiers,
    pub codex: Tiers,
}

/// What a million tokens of a model cost, as the person says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
pub struct Price {
    pub input: MicroUsd,
    pub output: MicroUsd,
}

/// A text that is no model's price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no price of a model. Give its name and dollars for a million tokens in and out, such as gpt-5=1.25/10; * for any model, none for no price."
)]
pub struct NoPrice(pub String);

impl Price {
    /// "gpt-5=1.25/10", or "gpt-5=none" for a model that is to have none.
    ///
    /// # Errors
    /// It is nothing of the kind.
    pub fn read(text: &str) -> Result<(String, Option<Self>), NoPrice> {
        let wrong = || NoPrice(text.to_owned());
        let (name, sums) = text.split_once('=').ok_or_else(wrong)?;
        if name != ANY && !is_model(name) {
            return Err(wrong());
        }
        let sum = |text: &str| text.parse().ok().and_then(MicroUsd::from_usd).ok_or_else(wrong);
        let price = match sums.split_once('/') {
            None if sums == "none" => None,
            None => return Err(wrong()),
            Some((input, output)) => Some(Self { input: sum(input)?, output: sum(output)? }),
        };
        Ok((name.to_owned(), price))
    }

    /// Several, with spaces or commas between them; no words are no prices.
    ///
    /// # Errors
    /// One of them is nothing of the kind.
    pub fn read_all(text: &str) -> Result<BTreeMap<String, Self>, NoPrice> {
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        let read = words.map(Self::read).collect::<Result<Vec<_>, NoPrice>>()?;
        Ok(read.into_iter().filter_map(|(name, price)| Some((name, price?))).collect())
    }

    /// Prices as [`Price::read_all`] reads them.
    pub fn write_all(prices: &BTreeMap<String, Self>) -> String {
        let price = |(name, Self { input, output }): (&String, &Self)| format!("{name}={input}/{output}");
        prices.iter().map(price).collect::<Vec<_>>().join(", ")
    }

    /// What a cache gave costs a tenth of what is read anew, and what it took a quarter more, as with every provider here.
    pub fn of(self, tokens: Tokens) -> MicroUsd {
        let (input, output) = (u128::from(self.input.0), u128::from(self.output.0));
        let parts = [
            u128::from(tokens.input) * input,
            u128::from(tokens.output) * output,
            u128::from(tokens.cache_read) * input / 10,
            (u128::from(tokens.cache_write) * input).saturating_mul(5) / 4,
        ];
        let sum = parts.into_iter().fold(0, u128::saturating_add) / 1_000_000;
        MicroUsd(u64::try_from(sum).unwrap_or(u64::MAX))
    }
}

/// How hard a model thinks before it answers: the steps that every CLI here has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    Low,
    Medium,
    High,
    Xhigh,
}

impl Effort {
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Xhigh];

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.token() == word)
    }

    /// As the CLIs take it.
    pub const fn token(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token())
    }
}

/// A model's name for each size, as its CLI takes it; nothing for the CLI's own choice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Tiers {
    pub light: Option<String>,
    pub standard: Option<String>,
    pub heavy: Option<String>,
    /// While the one above has reached its limit.
    pub instead: Instead,
    #[serde(skip_serializing_if = "Efforts::is_none")]
    pub effort: Efforts,
    /// By the model's name, or [`ANY`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<String, Price>,
}

/// In the place of a model's name: whichever has no price of its own.
pub const ANY: &str = "*";

/// The effort for each size; nothing for the one that the agent takes by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Efforts {
    pub light: Option<Effort>,
    pub standard: Option<Effort>,
    pub heavy: Option<Effort>,
}

impl Efforts {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The models that step in for each size, the best first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Instead {
    pub light: Vec<String>,
    pub standard: Vec<String>,
    pub heavy: Vec<String>,
}

impl Default for Models {
    fn default() -> Self {
        let name = |name: &str| Some(name.to_owned());
        let claude =
            Tiers { light: name("haiku"), standard: name("sonnet"), heavy: name("opus"), ..Tiers::default() };
        Self { claude, codex: Tiers::default() }
    }
}

impl Models {
    /// The model for work of this size; nothing where the agent chooses itself.
    pub fn of(&self, harness: HarnessId, size: Size) -> Option<&str> {
        self.tiers(harness)?.get(size)
    }

    /// Nothing for an agent that has no choice.
    pub fn tiers(&self, harness: HarnessId) -> Option<&Tiers> {
        match harness {
            HarnessId::Claude => Some(&self.claude),
            HarnessId::Codex => Some(&self.codex),
            HarnessId::Demo | HarnessId::Command => None,
        }
    }

    /// The effort for work of this size; nothing where nobody chose one.
    pub fn effort(&self, harness: HarnessId, size: Size) -> Option<Effort> {
        self.tiers(harness)?.effort(size)
    }

    /// The price of a model by either of its names; nothing where nobody said.
    pub fn price(&self, harness: HarnessId, names: [Option<&str>; 2]) -> Option<Price> {
        let prices = &self.tiers(harness)?.prices;
        names.into_iter().flatten().chain([ANY]).find_map(|name| prices.get(name)).copied()
    }
}

impl Tiers {
    pub fn get(&self, size: Size) -> Option<&str> {
        match size {
            Size::Light => self.light.as_deref(),
            Size::Standard => self.standard.as_deref(),
            Size::Heavy => self.heavy.as_deref(),
        }
    }

    pub fn effort(&self, size: Size) -> Option<Effort> {
        match size {
            Size::Light => self.effort.light,
            Size::Standard => self.effort.standard,
            Size::Heavy => self.effort.heavy,
        }
    }

    /// All that holds for this size.
    pub fn choice(&self, size: Size) -> ModelChoice {
        let model = self.get(size).map(str::to_owned);
        ModelChoice { model, effort: self.effort(size), instead: self.instead(size).to_vec() }
    }

    pub fn choose(&mut self, size: Size, choice: ModelChoice) {
        let Self { light, standard, heavy, instead, effort, .. } = self;
        let (model, others, hard) = match size {
            Size::Light => (light, &mut instead.light, &mut effort.light),
            Size::Standard => (standard, &mut instead.standard, &mut effort.standard),
            Size::Heavy => (heavy, &mut instead.heavy, &mut effort.heavy),
        };
        (*model, *others, *hard) = (choice.model, choice.instead, choice.effort);
    }

    /// Who steps in for the model of this size, the best first.
    pub fn instead(&self, size: Size) -> &[String] {
        match size {
            Size::Light => &self.instead.light,
            Size::Standard => &self.instead.standard,
            Size::Heavy => &self.instead.heavy,
        }
    }
}

/// What a size or a task works with, as a person writes it: "opus · high, sonnet".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelChoice {
    /// Nothing for the one that is usual there.
    pub model: Option<String>,
    pub effort: Option<Effort>,
    /// Who step in while the model has reached its limit, the best first.
    pub instead: Vec<String>,
}

/// A word that is neither a model's name nor an effort in its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no model's name. Give it as the agent's CLI takes it; behind it may stand low, medium, high or xhigh."
)]
pub struct NoModel(pub String);

impl ModelChoice {
    /// Nobody steps in.
    pub fn of(model: Option<String>, effort: Option<Effort>) -> Self {
        Self { model, effort, instead: Vec::new() }
    }

    /// Reads what [`fmt::Display`] writes, with or without the dot; either part may be missing.
    ///
    /// # Errors
    /// One of the names could not be a model's.
    pub fn read(text: &str) -> Result<Self, NoModel> {
        let mut names = text.split(',').map(str::trim);
        let first = names.next().unwrap_or_default();
        let mut words: Vec<&str> = first.split([' ', '·']).filter(|word| !word.is_empty()).collect();
        let effort = words.last().and_then(|word| Effort::read(word));
        words.truncate(words.len() - usize::from(effort.is_some()));
        let named =
            |name: &str| if is_model(name) { Ok(name.to_owned()) } else { Err(NoModel(name.to_owned())) };
        let model = (!words.is_empty()).then(|| named(&words.join(" "))).transpose()?;
        let instead = names.filter(|name| !name.is_empty()).map(named).collect::<Result<_, _>>()?;
        Ok(Self { model, effort, instead })
    }
}

impl fmt::Display for ModelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = [self.model.as_deref(), self.effort.map(Effort::token)];
        let first = first.into_iter().flatten().collect::<Vec<_>>().join(" · ");
        let names = [first].into_iter().chain(self.instead.iter().cloned());
        f.write_str(&names.collect::<Vec<_>>().join(", "))
    }
}

/// Whether a text can be a model's name: it goes to a command line, where it must not be taken for an option.
pub fn is_model(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/@[]".contains(&byte);
    (1..=100).contains(&name.len()) && name.as_bytes()[0].is_ascii_alphanumeric() && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_as_it_is_written() {
        for text in ["", "opus", "opus · high", "low", "opus · xhigh, sonnet, haiku", "low, sonnet"] {
            assert_eq!(ModelChoice::read(text).expect(text).to_string(), text);
        }
        let typed = ModelChoice::read(" opus high ,sonnet").expect("typed without the dot");
        assert_eq!(typed.to_string(), "opus · high, sonnet");
        for text in ["opus hard", "high opus", "--effort", "opus, sonnet high"] {
            assert!(ModelChoice::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prices_are_read_as_they_are_written() {
        for text in ["", "*=0.075/0.3", "*=1/2, gpt-5=1.25/10"] {
            assert_eq!(Price::read_all(text).map(|prices| Price::write_all(&prices)), Ok(text.to_owned()));
        }
        let typed = Price::read_all(" opus=15/75  *=1/2,haiku=none").expect("prices");
        assert_eq!(Price::write_all(&typed), "*=1/2, opus=15/75");
        assert_eq!(Price::read_all("opus=15/75 haiku"), Err(NoPrice("haiku".to_owned())));
    }

    #[test]
    fn a_price_is_read_or_refused() {
        let price = Price { input: MicroUsd(1_250_000), output: MicroUsd(10_000_000) };
        assert_eq!(Price::read("gpt-5=1.25/10"), Ok(("gpt-5".to_owned(), Some(price))));
        assert_eq!(Price::read("*=none"), Ok(("*".to_owned(), None)));
        for text in ["", "gpt-5", "gpt-5=1", "=1/2", "a b=1/2", "gpt-5=-1/2", "gpt-5=1/x", "gpt-5=nan/1"] {
            assert!(Price::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_price_counts_each_kind_of_token() {
        let price = Price { input: MicroUsd(3_000_000), output: MicroUsd(15_000_000) };
        let tokens = Tokens { input: 1_000, output: 200, cache_read: 100_000, cache_write: 4_000 };
        assert_eq!(price.of(tokens), MicroUsd(3_000 + 3_000 + 30_000 + 15_000));
        let all = u64::MAX;
        let most = Tokens { input: all, output: all, cache_read: all, cache_write: all };
        assert_eq!(Price { input: MicroUsd(all), output: MicroUsd(all) }.of(most), MicroUsd(all));
    }

    #[test]
    fn a_name_is_no_option_and_no_sentence() {
        for name in ["opus", "claude-opus-4-5[1m]", "gpt-5.1-codex", "us.anthropic/x:0", "a@b"] {
            assert!(is_model(name), "{name}");
        }
        for name in ["", "--dangerous", "-m", "two words", "ä", "a\nb", &"x".repeat(101)] {
            assert!(!is_model(name), "{name:?}");
        }
    }
}
