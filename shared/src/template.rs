//! Templates: guidelines that stand before what an agent is told, worded in variants that are tried side by side.

use serde::Serialize;
use shared_derive::FromJson;

use crate::agent::HarnessId;
use crate::id::TemplateId;
use crate::models::is_model;

/// A template as a person saves it; each saving is its next version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Template {
    pub template: TemplateId,
    pub name: String,
    /// One or more. The first is what holds; others are tried beside it, each task with one of them.
    pub variants: Vec<Variant>,
    /// Whose model it names, and the agent of goals that are stated with it.
    #[serde(default)]
    pub harness: Option<HarnessId>,
    /// Of its tasks, where no person chose one.
    #[serde(default)]
    pub model: Option<String>,
    /// Absolute; of goals that are stated with it.
    #[serde(default)]
    pub folder: Option<String>,
}

/// One wording of the guidelines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Variant {
    /// Unique in its template.
    pub name: String,
    /// Markdown.
    pub guidelines: String,
}

/// By which guidelines a run works.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, FromJson)]
pub struct Guided {
    pub template: TemplateId,
    pub version: u32,
    /// The variant's name.
    pub variant: String,
}

/// As a Unix or a Windows names a folder from its root: the bridge's machine may be either.
fn is_absolute(folder: &str) -> bool {
    folder.starts_with(['/', '\\']) || folder.get(1..3).is_some_and(|drive| drive == ":\\" || drive == ":/")
}

/// What is wrong with a model and a folder that hold where a person chose no other.
pub(crate) fn wrong_choice(model: Option<&String>, folder: Option<&String>) -> Option<String> {
    if let Some(model) = model.filter(|model| !is_model(model)) {
        return Some(format!("{model:?} is no model's name"));
    }
    let strays = folder.is_some_and(|folder| !is_absolute(folder));
    strays.then(|| "the folder has to be an absolute path".to_owned())
}

impl Template {
    /// What is wrong with it, in words; nothing for one that can be used.
    pub fn problem(&self) -> Option<String> {
        let names: Vec<&str> = self.variants.iter().map(|variant| variant.name.trim()).collect();
        let twice = |name: &&&str| names.iter().filter(|other| other == name).count() > 1;
        if self.name.trim().is_empty() {
            Some("a template needs a name".to_owned())
        } else if names.is_empty() {
            Some("a template needs guidelines".to_owned())
        } else if names.iter().any(|name| name.is_empty()) {
            Some("a variant needs a name".to_owned())
        } else if let Some(name) = names.iter().find(twice) {
            Some(format!("two variants have the name {name:?}"))
        } else if self.variants.iter().any(|variant| variant.guidelines.trim().is_empty()) {
            Some("a variant needs guidelines".to_owned())
        } else {
            wrong_choice(self.model.as_ref(), self.folder.as_ref())
        }
    }
}
