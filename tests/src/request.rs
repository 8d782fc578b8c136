//! Requests byte by byte, for who tries what a browser would not send.

use serde_json::Value;

use crate::world::World;

/// A request with everything that ours has; the cases below change one thing each.
pub struct Request {
    line: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Request {
    /// `line` is method and path.
    pub fn new(world: &World, line: &str, cookie: &str) -> anyhow::Result<Self> {
        let host = world.host()?;
        let headers = vec![
            ("Host", host.to_owned()),
            ("Origin", world.origin()?),
            ("Cookie", cookie.to_owned()),
            ("Content-Type", "application/json".to_owned()),
        ];
        Ok(Self { line: line.to_owned(), headers, body: String::new() })
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn without(mut self, name: &'static str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    pub fn body(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self
    }

    /// The answer's status and the whole of it.
    pub async fn send(self, world: &World) -> anyhow::Result<(u16, String)> {
        let mut text =
            format!("{} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", self.line, self.body.len());
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let answer = world.http(&format!("{text}\r\n{}", self.body)).await?;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Ok((status, answer))
    }
}

/// The REST API's answer to a program that sends this JSON, or nothing for null: its status and its JSON, null where it has none.
pub async fn call(world: &World, line: &str, sent: &Value) -> anyhow::Result<(u16, Value)> {
    let request = Request::new(world, line, "")?.without("Origin").without("Cookie");
    let request = request.with("Authorization", &format!("Bearer {}", world.secret()?));
    let request = if sent.is_null() { request } else { request.body(&sent.to_string()) };
    let (status, answer) = request.send(world).await?;
    Ok((status, serde_json::from_str(body(&answer)).unwrap_or_default()))
}

/// What stands behind the head of an answer.
pub fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
