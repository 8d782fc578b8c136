//! `orchestrator prompts`: the library of prompts with the record of each wording, as people, scripts and the
//! REST API read it, and as a person changes it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use conductor::State;
use conductor::library::{self, Key, Record, Shelf, percent, wilson};
use conductor::words;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::agent::HarnessId;
use shared::entry::{Draft, Kind};
use shared::id::TemplateId;
use shared::template::{Template, Variant};
use shared::unit::MicroUsd;
use utoipa::ToSchema;

use super::agents::NotSaved;
use super::client::Client;
use super::place::Place;
use super::statement::drawn;
use super::{DataArgs, Harness, folder};
use crate::cli::say;

#[derive(Debug, Args)]
pub struct PromptsArgs {
    #[command(subcommand)]
    wish: Option<Wish>,
    /// One JSON object instead of words
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Subcommand)]
enum Wish {
    /// Save a template, as a new one or as the next version of the one that has the name
    Save {
        name: String,
        /// A wording of its guidelines: a name for it and a file in Markdown. Given again, each task works by one of them
        #[arg(long = "variant", value_name = "NAME=FILE", required = true)]
        variants: Vec<String>,
        /// Whose model is named, and the agent of goals that are stated with it
        #[arg(long, value_enum)]
        harness: Option<Harness>,
        /// Of its tasks, where none was chosen
        #[arg(long)]
        model: Option<String>,
        /// The folder of goals that are stated with it
        #[arg(long, value_name = "DIR", value_parser = folder)]
        dir: Option<PathBuf>,
    },
    /// Let the variant hold that does better, where the numbers carry it
    Promote { name: String },
    /// Offer a template no more; tasks that have it keep it
    Retire { name: String },
}

/// The library with its records.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LibraryView {
    templates: Vec<TemplateView>,
    /// The most frequent first, with and without a template.
    failures: Vec<FailureView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct TemplateView {
    id: String,
    name: String,
    version: u32,
    retired: bool,
    model: Option<String>,
    folder: Option<String>,
    variants: Vec<VariantView>,
    /// Of this version and of older ones.
    records: Vec<RecordView>,
    suggestion: Option<SuggestionView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct VariantView {
    name: String,
    guidelines: String,
}

/// How attempts by one wording with one model came out.
#[derive(Debug, Serialize, ToSchema)]
struct RecordView {
    version: u32,
    variant: String,
    model: Option<String>,
    /// That were completed or failed.
    attempts: u32,
    completed: u32,
    /// Between which percentages the share of success lies, by 95 % (Wilson).
    between: Option<[u32; 2]>,
    /// Of those attempts whose cost is known.
    mean_usd: Option<f64>,
    mean_turns: Option<f64>,
    mean_seconds: Option<u64>,
    /// Counts by class.
    failures: BTreeMap<String, u32>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SuggestionView {
    variant: String,
    over: String,
    why: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct FailureView {
    class: String,
    /// Its name; nothing for attempts without a template.
    template: Option<String>,
    failed: u32,
    of: u32,
}

/// A template to be saved, as the next version of the one that has the name if there is one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTemplate {
    name: String,
    /// With several, each task works by one of them.
    variants: Vec<Wording>,
    /// `claude`, `codex` or `demo`: whose model is named, and the agent of goals that are stated with it.
    #[schema(value_type = Option<String>)]
    harness: Option<HarnessId>,
    /// Of its tasks, where none was chosen.
    model: Option<String>,
    /// Absolute; of goals that are stated with it.
    folder: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wording {
    name: String,
    /// Markdown.
    guidelines: String,
}

impl NewTemplate {
    pub(super) fn template(self, state: &State) -> Result<Template, NotSaved> {
        let known = find(state, &self.name).ok().map(|shelf| shelf.template.template.clone());
        let variant = |it: Wording| Variant { name: it.name.trim().to_owned(), guidelines: it.guidelines };
        let template = Template {
            template: known.unwrap_or_else(|| drawn(TemplateId::new)),
            name: self.name,
            variants: self.variants.into_iter().map(variant).collect(),
            harness: self.harness,
            model: self.model,
            folder: self.folder,
        };
        template.problem().map_or(Ok(template), |problem| Err(NotSaved(problem)))
    }
}

/// Why no wording is promoted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unpromoted {
    #[error(transparent)]
    None(#[from] NoTemplate),
    #[error(
        "no other variant does better by the numbers, of which there must be {} for each. Save the template with the wording that you want.",
        library::ENOUGH
    )]
    Few,
}

/// The template with the wording alone that does better.
pub(super) fn promoted(state: &State, name: &str) -> Result<Template, Unpromoted> {
    let shelf = find(state, name)?;
    let found = library::suggestion(state, &shelf.template.template).ok_or(Unpromoted::Few)?;
    Ok(library::promoted(shelf, &found.variant))
}

/// There is no such template.
#[derive(Debug, thiserror::Error)]
#[error("there is no template {0:?}. `orchestrator prompts` lists them.")]
pub(super) struct NoTemplate(String);

/// The template of this name or id that is not retired.
pub(super) fn find<'a>(state: &'a State, name: &str) -> Result<&'a Shelf, NoTemplate> {
    let called = |shelf: &&Shelf| {
        !shelf.retired
            && (shelf.template.template.as_str() == name || shelf.template.name.eq_ignore_ascii_case(name))
    };
    state.templates.values().find(called).ok_or_else(|| NoTemplate(name.to_owned()))
}

fn token(class: shared::agent::ErrorClass) -> String {
    serde_json::to_value(class).ok().and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}

impl LibraryView {
    pub(super) fn of(state: &State) -> Self {
        let records = library::records(state);
        let name = |id: &TemplateId| state.templates.get(id).map(|shelf| shelf.template.name.clone());
        let failures = library::patterns(state).into_iter().map(|pattern| FailureView {
            class: token(pattern.class),
            template: pattern.template.as_ref().and_then(name),
            failed: pattern.failed,
            of: pattern.of,
        });
        let templates = state.templates.values().map(|shelf| TemplateView::of(state, shelf, &records));
        Self { templates: templates.collect(), failures: failures.collect() }
    }
}

impl TemplateView {
    fn of(state: &State, shelf: &Shelf, records: &BTreeMap<Key, Record>) -> Self {
        let Template { template, name, variants, model, folder, .. } = shelf.template.clone();
        let own = records.iter().filter(|((guided, _), _)| guided.template == template);
        let suggestion = library::suggestion(state, &template).map(|it| SuggestionView {
            variant: it.variant,
            over: it.over,
            why: it.why,
        });
        Self {
            id: template.to_string(),
            name,
            version: shelf.version,
            retired: shelf.retired,
            model,
            folder,
            variants: variants
                .into_iter()
                .map(|Variant { name, guidelines }| VariantView { name, guidelines })
                .collect(),
            records: own.map(|(key, record)| RecordView::of(key, record)).collect(),
            suggestion,
        }
    }
}

impl RecordView {
    #[expect(clippy::cast_precision_loss, reason = "a mean of few requests")]
    fn of((guided, model): &Key, record: &Record) -> Self {
        let between = wilson(record.completed, record.attempts);
        Self {
            version: guided.version,
            variant: guided.variant.clone(),
            model: model.clone(),
            attempts: record.attempts,
            completed: record.completed,
            between: between.map(|(low, high)| [percent(low), percent(high)]),
            mean_usd: record.mean_cost().map(MicroUsd::as_usd),
            mean_turns: record.mean_turns_tenths().map(|tenths| tenths as f64 / 10.0),
            mean_seconds: record.mean_time().map(|time| time.0 / 1_000),
            failures: record.failures.iter().map(|(class, count)| (token(*class), *count)).collect(),
        }
    }
}

/// Prints the library, or changes it.
pub(super) async fn see_to(args: &PromptsArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    let kind = args.wish.as_ref().map(|wish| change(client.state(), wish)).transpose()?;
    if let Some(kind) = kind {
        client.intend(vec![Draft::new(None, kind)]).await?;
    }
    let view = LibraryView::of(client.state());
    if args.json {
        say(&json!(view).to_string())
    } else {
        tell(&view)
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

fn change(state: &State, wish: &Wish) -> anyhow::Result<Kind> {
    Ok(match wish {
        Wish::Save { name, variants, harness, model, dir } => {
            let new = NewTemplate {
                name: name.clone(),
                variants: variants.iter().map(|text| variant(text)).collect::<Result<_, _>>()?,
                harness: harness.map(Into::into),
                model: model.clone(),
                folder: dir.as_ref().map(|dir| dir.to_string_lossy().into_owned()),
            };
            Kind::TemplateSaved { template: new.template(state)? }
        }
        Wish::Promote { name } => Kind::TemplateSaved { template: promoted(state, name)? },
        Wish::Retire { name } => {
            Kind::TemplateRetired { template: find(state, name)?.template.template.clone() }
        }
    })
}

/// "short=brief.md" as the variant `short` with what the file says.
fn variant(text: &str) -> anyhow::Result<Wording> {
    let (name, file) = text.split_once('=').with_context(|| {
        format!("{text:?} is no variant. Give a name and a file, such as --variant short=brief.md")
    })?;
    let guidelines = std::fs::read_to_string(file)
        .with_context(|| format!("{file} cannot be read. Give a file in Markdown."))?;
    ensure!(!name.trim().is_empty(), "a variant needs a name, such as short in --variant short={file}");
    Ok(Wording { name: name.to_owned(), guidelines })
}

fn tell(view: &LibraryView) {
    let live: Vec<&TemplateView> = view.templates.iter().filter(|template| !template.retired).collect();
    if live.is_empty() {
        say("No templates yet. Next: orchestrator prompts save NAME --variant NAME=FILE");
    }
    for template in live {
        let model = template.model.as_ref().map(|model| format!(", {model}")).unwrap_or_default();
        let variants: Vec<&str> = template.variants.iter().map(|variant| variant.name.as_str()).collect();
        say(&format!("{} v{}{model}: {}", template.name, template.version, variants.join(", ")));
        for record in &template.records {
            say(&format!("  {}", line(record)));
        }
        if let Some(found) = &template.suggestion {
            say(&format!(
                "  {} does better than {}. {}\n  Next: orchestrator prompts promote {:?}",
                found.variant, found.over, found.why, template.name
            ));
        }
    }
    for failure in &view.failures {
        let template = failure.template.as_deref().unwrap_or("without a template");
        say(&format!(
            "Failed: {} in {} of {} attempts, {template}",
            failure.class, failure.failed, failure.of
        ));
    }
}

fn line(record: &RecordView) -> String {
    let model = record.model.as_deref().unwrap_or("unknown model");
    let between = record.between.map(|[low, high]| format!(" ({low} to {high} %)")).unwrap_or_default();
    let cost = record.mean_usd.and_then(MicroUsd::from_usd).map_or("unknown".to_owned(), words::dollars);
    format!(
        "v{} {}, {model}: {} of {} completed{between}; mean {cost}, {:.1} requests, {}s",
        record.version,
        record.variant,
        record.completed,
        record.attempts,
        record.mean_turns.unwrap_or_default(),
        record.mean_seconds.unwrap_or_default()
    )
}
