//! The page: embedded in the binary, or served from a folder while it is being worked on.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../frontend/dist"]
struct Embedded;

/// Where the page comes from.
#[derive(Debug, Clone, Default)]
pub enum Source {
    #[default]
    Embedded,
    Folder(PathBuf),
}

const UNBUILT: &str = "<!doctype html><meta charset=utf-8><title>Orchestrator</title>\
<p>This binary was built without its page. Run <code>cargo xtask run</code>, or give <code>--page-dir</code>.";

impl Source {
    /// Which build of the page it is: the name of its program, which has its hash in it. Nothing where there is none. A
    /// folder is looked at each time.
    pub(crate) async fn build(&self) -> Option<String> {
        let bytes = match self {
            Self::Embedded => Embedded::get("index.html")?.data,
            Self::Folder(folder) => tokio::fs::read(folder.join("index.html")).await.ok()?.into(),
        };
        build_of(std::str::from_utf8(&bytes).ok()?).map(str::to_owned)
    }
}

/// The attribute by which `boot.js` knows what to start.
fn build_of(index: &str) -> Option<&str> {
    let (_, named) = index.split_once("data-wasm=\"")?;
    named.split_once('"').map(|(name, _)| name)
}

/// Any path that is no other route: a file of the page, or the page itself.
pub(crate) async fn serve(State(source): State<Arc<Source>>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    match &*source {
        Source::Embedded => embedded(path, request.headers()),
        Source::Folder(folder) => from_folder(folder, path).await,
    }
}

/// A path with an extension is a file; others are places within the page.
fn is_place(path: &str) -> bool {
    path.is_empty() || !path.rsplit('/').next().unwrap_or_default().contains('.')
}

fn embedded(path: &str, headers: &HeaderMap) -> Response {
    let path = if is_place(path) { "index.html" } else { path };
    let accepts = |coding: &str| {
        let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        accepted.split(',').any(|one| one.trim().split(';').next() == Some(coding))
    };
    let packed = Embedded::get(&format!("{path}.br")).filter(|_| accepts("br"));
    let (file, coding) = match (packed, Embedded::get(path)) {
        (Some(file), _) => (file, Some("br")),
        (None, Some(file)) => (file, None),
        (None, None) if path == "index.html" => return html(UNBUILT.to_owned()),
        (None, None) => return StatusCode::NOT_FOUND.into_response(),
    };
    let etag = tag(&file);
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, etag), (VARY, "accept-encoding".to_owned())])
            .into_response();
    }
    let mut response = Body::from(file.data).into_response();
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let answer = response.headers_mut();
    let set = |answer: &mut HeaderMap, name, value: &str| {
        if let Ok(value) = value.parse() {
            answer.insert(name, value);
        }
    };
    set(answer, CONTENT_TYPE, kind.as_ref());
    set(answer, ETAG, &etag);
    set(answer, VARY, "accept-encoding");
    set(answer, CACHE_CONTROL, if is_hashed(path) { "max-age=31536000, immutable" } else { "no-cache" });
    if let Some(coding) = coding {
        set(answer, CONTENT_ENCODING, coding);
    }
    response
}

/// A file that carries the hash of its content in its name never changes; others are asked for each time.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split(['-', '_', '.'])
        .any(|part| part.len() >= 12 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn tag(file: &EmbeddedFile) -> String {
    let mut tag = String::from("\"");
    for byte in &file.metadata.sha256_hash()[..12] {
        tag.push_str(&format!("{byte:02x}"));
    }
    tag.push('"');
    tag
}

fn html(text: String) -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}

async fn from_folder(folder: &Path, path: &str) -> Response {
    let path = if is_place(path) { "index.html" } else { path };
    // Nothing above the folder is reached.
    if Path::new(path).components().any(|part| !matches!(part, Component::Normal(_))) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match tokio::fs::read(folder.join(path)).await {
        Ok(bytes) => {
            let kind = mime_guess::from_path(path).first_or_octet_stream();
            ([(CONTENT_TYPE, kind.as_ref().to_owned()), (CACHE_CONTROL, "no-store".to_owned())], bytes)
                .into_response()
        }
        Err(_) if path == "index.html" => html(UNBUILT.to_owned()),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::{build_of, is_hashed, is_place};

    #[test]
    fn a_build_is_the_name_of_its_program() {
        let index = r#"<script src="/boot.js" data-js="/page-1.js" data-wasm="/page-1_bg.wasm"></script>"#;
        assert_eq!(build_of(index), Some("/page-1_bg.wasm"));
        assert_eq!(build_of("<p>no page"), None);
    }

    #[test]
    fn places_are_told_from_files_and_hashed_files_from_others() {
        for place in ["", "work/goal-1", "a.b/c"] {
            assert!(is_place(place), "{place}");
        }
        for file in ["boot.js", "a/style.css"] {
            assert!(!is_place(file), "{file}");
        }
        for hashed in
            ["page-0123456789abcde.js", "page-0123456789abcdef_bg.wasm", "a/style-0123456789abcdef.css"]
        {
            assert!(is_hashed(hashed), "{hashed}");
        }
        for plain in ["index.html", "boot.js", "icon-512.png", "0123456789abcdef/boot.js"] {
            assert!(!is_hashed(plain), "{plain}");
        }
    }
}
