//! What a person keeps in the library: agents, templates, lists.

use serde_json::json;
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::evidence::Preset;
use shared::id::{ListId, PersonaId, TemplateId};
use shared::limits::Caps;
use shared::list::TaskList;
use shared::models::Effort;
use shared::persona::{Character, Persona};
use shared::plan::{Access, Choice, Terms};
use shared::reviewer::Reviewer;
use shared::template::{Template, Variant};
use shared::unit::Millis;

pub fn persona() -> PersonaId {
    PersonaId::new("ann").unwrap()
}

fn ann(character: Character) -> Persona {
    Persona {
        persona: persona(),
        name: "Ann".to_owned(),
        role: "reviews what others wrote".to_owned(),
        character,
        harness: Some(HarnessId::Codex),
        model: Some("gpt-5.1-codex".to_owned()),
        folder: Some("/home/dev/shop/web".to_owned()),
    }
}

fn list() -> TaskList {
    let task = json!({"key": "review", "title": "Review {{branch}}", "objective": "Say what is wrong"});
    TaskList {
        list: ListId::new("l1").unwrap(),
        name: "Reviews".to_owned(),
        goal: "Review {{branch}}".to_owned(),
        harness: Some(HarnessId::Claude),
        folder: Some("/home/dev/shop".to_owned()),
        terms: Terms {
            access: Some(Access::Full),
            preset: Some(Preset::Reviewed),
            template: Some(template()),
            persona: Some(persona()),
            reviewer: Some(Reviewer::Other),
            model: Some("opus".to_owned()),
            effort: Some(Effort::High),
            caps: Caps { turns: Some(60), ..Caps::default() },
        },
        tasks: vec![serde_json::from_value(task).unwrap()],
        caps: [("review".to_owned(), Caps { turns: Some(40), ..Caps::default() })].into(),
        choices: [("review".to_owned(), choice())].into(),
    }
}

fn choice() -> Choice {
    Choice {
        harness: Some(HarnessId::Codex),
        model: Some("gpt-5.1-codex".to_owned()),
        effort: Some(Effort::High),
        template: Some(template()),
        priority: 3,
        repeat: Some(Millis::from_secs(3_600)),
        review: Some(true),
        commit: Some(false),
    }
}

pub fn template() -> TemplateId {
    TemplateId::new("t1").unwrap()
}

/// All of it, saved and offered no more.
pub fn kept() -> Vec<Kind> {
    vec![
        Kind::TemplateSaved {
            template: Template {
                template: template(),
                name: "Review".to_owned(),
                variants: vec![Variant { name: "a".to_owned(), guidelines: "Be brief.".to_owned() }],
                harness: Some(HarnessId::Claude),
                model: Some("sonnet".to_owned()),
                folder: Some("/home/dev/shop".to_owned()),
            },
        },
        Kind::TemplateRetired { template: template() },
        Kind::PersonaSaved { persona: ann(Character::Words { text: "Kind and strict.".to_owned() }) },
        Kind::PersonaSaved { persona: ann(Character::File { path: "Soul.md".to_owned() }) },
        Kind::PersonaRetired { persona: persona() },
        Kind::ListSaved { list: list() },
        Kind::ListRetired { list: list().list },
    ]
}
