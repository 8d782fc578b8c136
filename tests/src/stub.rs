//! A model server of our own on loopback: real agent CLIs talk to it as to their provider. Rules say what
//! the model answers to which prompt; tool results advance a rule's steps; every request is kept.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

mod anthropic;
mod openai;

/// One answer of the model.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Text(String),
    /// A call of this tool.
    Tool(String, Value),
    /// The answer in the schema's shape, as the CLI asks for it.
    Structured(Value),
}

/// What the model answers when the newest prompt holds `when`. The first rule that fits is taken.
#[derive(Debug, Clone, Deserialize)]
pub struct Rule {
    pub when: String,
    pub steps: Vec<Step>,
}

/// What goes wrong instead of an answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The provider refuses; `error` is the `error` of its body.
    Status { code: u16, headers: Vec<(String, String)>, error: Value },
    /// No answer ever comes.
    Hang,
}

/// A running server; it ends with the runtime.
#[derive(Debug, Clone)]
pub struct Stub {
    pub address: SocketAddr,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    rules: Vec<Rule>,
    prompts: Mutex<Vec<String>>,
    /// Each request, whole.
    bodies: Mutex<Vec<String>>,
    fault: Mutex<Option<Fault>>,
}

impl Stub {
    /// Serves both providers' APIs on a free port.
    pub async fn start(rules: Vec<Rule>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner {
            rules,
            prompts: Mutex::default(),
            bodies: Mutex::default(),
            fault: Mutex::default(),
        });
        let app = Router::new()
            .route("/v1/messages", post(messages))
            .route("/v1/messages/count_tokens", post(|| async { axum::Json(json!({"input_tokens": 25})) }))
            .route("/v1/responses", post(responses))
            .layer(axum::extract::DefaultBodyLimit::max(64 * 1024 * 1024))
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, inner })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on every request goes wrong so, or none does any more.
    pub fn fail(&self, fault: impl Into<Option<Fault>>) {
        *self.inner.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault.into();
    }

    /// How many requests had all these words anywhere.
    pub fn requests_with(&self, words: &[&str]) -> usize {
        let bodies = self.inner.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        bodies.iter().filter(|body| words.iter().all(|words| body.contains(words))).count()
    }

    /// The newest prompt of every request, oldest first.
    pub fn prompts(&self) -> Vec<String> {
        self.inner.prompts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Inner {
    /// The step for a prompt that was answered `done` times already.
    fn step(&self, prompt: &str, done: usize) -> Step {
        self.prompts.lock().unwrap_or_else(PoisonError::into_inner).push(prompt.to_owned());
        let rule = self.rules.iter().find(|rule| prompt.contains(&rule.when));
        let step = rule.and_then(|rule| rule.steps.get(done).or(rule.steps.last()));
        step.cloned().unwrap_or_else(|| Step::Text("There is no rule for this.".to_owned()))
    }
}

/// What comes in the place of an answer, where something goes wrong.
async fn wrong(stub: &Inner) -> Option<Response> {
    let fault = stub.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
    let Fault::Status { code, headers, error } = fault else { return std::future::pending().await };
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = (status, axum::Json(json!({"type": "error", "error": error}))).into_response();
    for (name, value) in headers {
        let header = name.parse::<HeaderName>().ok().zip(value.parse::<HeaderValue>().ok());
        answer.headers_mut().extend(header);
    }
    Some(answer)
}

async fn messages(State(stub): State<Arc<Inner>>, axum::Json(body): axum::Json<Value>) -> Response {
    if let Some(wrong) = wrong(&stub).await {
        return wrong;
    }
    stub.bodies.lock().unwrap_or_else(PoisonError::into_inner).push(body.to_string());
    let (prompt, done) = anthropic::prompt(&body);
    sse(anthropic::answer(&body, stub.step(&prompt, done), done))
}

async fn responses(State(stub): State<Arc<Inner>>, axum::Json(body): axum::Json<Value>) -> Response {
    if let Some(wrong) = wrong(&stub).await {
        return wrong;
    }
    stub.bodies.lock().unwrap_or_else(PoisonError::into_inner).push(body.to_string());
    let (prompt, done) = openai::prompt(&body);
    sse(openai::answer(&body, stub.step(&prompt, done), done))
}

fn sse(events: Vec<Value>) -> Response {
    let mut text = String::new();
    for event in events {
        let name = event["type"].as_str().unwrap_or_default();
        text.push_str(&format!("event: {name}\ndata: {event}\n\n"));
    }
    (StatusCode::OK, [(CONTENT_TYPE, "text/event-stream")], text).into_response()
}
