//! What the API says of itself as a whole; what each call says stands beside it.

use utoipa::openapi::schema::Type;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{self, ContentBuilder, ObjectBuilder, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Orchestrator",
        description = "Goals, their tasks, and the log of everything that happens. Send `Authorization: Bearer TOKEN` with what `orchestrator token` prints, and no `Origin`. A task is named by its id or as `orchestrator tasks` names it: `3` is the third goal, `3/2.1` (in a path `3%2F2.1`) a task of it."
    ),
    modifiers(&Bearer),
    security(("token" = []))
)]
pub(super) struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        openapi.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// Says of every call how it is refused: what each can be refused for is told in the refusal.
pub(super) fn with_refusals(mut description: openapi::OpenApi) -> openapi::OpenApi {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let problem = ObjectBuilder::new().property("error", text()).property("next_step", text());
    let problem = problem.required("error").required("next_step").build();
    description.components.get_or_insert_default().schemas.insert("Problem".to_owned(), problem.into());
    for (class, words) in [("4XX", "Not carried out, and why"), ("5XX", "Not carried out now; try again")] {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new().description(words).content("application/json", content).build();
        for item in description.paths.paths.values_mut() {
            let calls = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
            for call in calls.into_iter().flatten() {
                call.responses.responses.insert(class.to_owned(), response.clone().into());
            }
        }
    }
    description
}
