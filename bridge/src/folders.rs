//! Folders of the bridge's machine, for choosing a project.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::api::{Folder, NewFolder, SubFolder};

use crate::access::{body, problem};
use crate::system;

/// Sub-folders in one answer.
const LISTED: usize = 1_000;

#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    path: Option<String>,
}

/// `GET /api/folders?path=P`.
pub(crate) async fn list(Query(wanted): Query<Wanted>) -> Response {
    let path = wanted.path.filter(|path| !path.is_empty()).map_or_else(home, PathBuf::from);
    blocking(move || {
        if !path.is_absolute() {
            return Err(not_absolute(&path));
        }
        look_into(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Error::new(ErrorKind::NotFound, format!("{} is not there", path.display()))
            }
            ErrorKind::NotADirectory => {
                Error::new(ErrorKind::NotADirectory, format!("{} is not a folder", path.display()))
            }
            _ => named(&path, &error),
        })
    })
    .await
}

fn not_absolute(path: &Path) -> Error {
    let why = format!("{} is not a whole path, which begins at the root", path.display());
    Error::new(ErrorKind::InvalidInput, why)
}

/// The same, with the folder's name.
fn named(path: &Path, error: &Error) -> Error {
    Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// `POST /api/folders`.
pub(crate) async fn make(sent: Result<Json<NewFolder>, JsonRejection>) -> Response {
    let new = match body(sent) {
        Ok(new) => new,
        Err(problem) => return *problem,
    };
    blocking(move || {
        let path = PathBuf::from(&new.path);
        if !path.is_absolute() {
            return Err(not_absolute(&path));
        }
        std::fs::create_dir(&path).map_err(|error| named(&path, &error))?;
        look_into(&path).map_err(|error| named(&path, &error))
    })
    .await
}

async fn blocking(work: impl FnOnce() -> std::io::Result<Folder> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(folder)) => Json(folder).into_response(),
        Ok(Err(error)) => {
            let status = if error.kind() == ErrorKind::NotFound {
                StatusCode::NOT_FOUND
            } else if error.kind() == ErrorKind::PermissionDenied {
                StatusCode::FORBIDDEN
            } else {
                StatusCode::BAD_REQUEST
            };
            let next = match error.kind() {
                ErrorKind::NotFound => "Choose another folder, or make it first.",
                ErrorKind::AlreadyExists => "Choose it, or make one of another name.",
                ErrorKind::PermissionDenied => "Choose another folder, or change its permissions.",
                _ => "Choose another folder.",
            };
            problem(status, &error.to_string(), next)
        }
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string(), "Try again."),
    }
}

fn home() -> PathBuf {
    directories::UserDirs::new().map_or_else(|| PathBuf::from("/"), |dirs| dirs.home_dir().to_owned())
}

fn look_into(path: &Path) -> std::io::Result<Folder> {
    let path = dunce::canonicalize(path)?;
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(&path)? {
        // One that vanishes or cannot be looked at is left out; the others are still there to choose.
        let Ok(entry) = entry else { continue };
        let (name, child) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        if !name.starts_with('.') && child.is_dir() {
            let git = child.join(".git").exists();
            entries.push(SubFolder { name, path: child.to_string_lossy().into_owned(), git });
        }
        if entries.len() == LISTED {
            break;
        }
    }
    entries.sort_by_key(|entry| entry.name.to_lowercase());
    Ok(Folder {
        parent: path.parent().map(|parent| parent.to_string_lossy().into_owned()),
        writable: system::may_write(&path),
        git: path.join(".git").exists(),
        path: path.to_string_lossy().into_owned(),
        entries,
    })
}
