//! Files whose text an order puts into what a program reads. What is read goes to an agent and so to its provider: only
//! what lies where agents may work, or where the configuration says.

use std::borrow::Cow;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use shared::run::{Insert, RunEnd, RunSpec, Stdin};

use super::Inner;
use super::prepare::{failed, refused};

/// What the order gives to stdin, with the text of its files in the place of their marks. Blocks; `cwd` is the run's folder.
pub(super) fn stdin<'a>(inner: &Inner, spec: &'a RunSpec, cwd: &Path) -> Result<Cow<'a, Stdin>, RunEnd> {
    let mut filled = Cow::Borrowed(&spec.stdin);
    for Insert { mark, path } in &spec.inserts {
        let (text, within): (&str, fn(&str) -> String) = match &*filled {
            Stdin::Text { text } => (text, str::to_owned),
            Stdin::Open { text } | Stdin::Dialog { turn: text, .. } => (text, in_json),
            Stdin::Null | Stdin::Pipe | Stdin::Pty { .. } => {
                return Err(refused(&format!("the order puts {path} into a text that it does not have")));
            }
        };
        let mark = within(mark);
        if mark.is_empty() || !text.contains(&mark) {
            return Err(refused(&format!("the order does not say where {path} is to stand")));
        }
        let text = text.replacen(&mark, &within(read(inner, &cwd.join(path))?.trim()), 1);
        filled = Cow::Owned(match &*filled {
            Stdin::Open { .. } => Stdin::Open { text },
            Stdin::Dialog { text: opening, .. } => Stdin::Dialog { text: opening.clone(), turn: text },
            _ => Stdin::Text { text },
        });
    }
    Ok(filled)
}

/// As it stands within a string of JSON.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The file's text, where it may be read.
fn read(inner: &Inner, path: &Path) -> Result<String, RunEnd> {
    let named = path.display();
    let unreadable = |error: &std::io::Error| {
        let next = match error.kind() {
            ErrorKind::NotFound => "Put it there, or change the agent's character.",
            _ => "See to its rights, or change the agent's character.",
        };
        failed(&format!("{named}, which tells the agent what it is like, cannot be read: {error}. {next}"))
    };
    // Without its links, so that no link leads to where nothing may be read.
    let real = dunce::canonicalize(path).map_err(|error| unreadable(&error))?;
    if !inner.may_read(&real) {
        return Err(refused(&format!(
            "{named} lies in no opened project; move it into one, or add its folder to `characters` in the configuration"
        )));
    }
    // What is no file might never end.
    if !real.is_file() {
        return Err(failed(&format!("{named} is not a file. Name one for the agent's character.")));
    }
    let largest = Insert::LARGEST.0;
    let mut bytes = Vec::new();
    let file = File::open(&real).map_err(|error| unreadable(&error))?;
    file.take(largest + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > largest) {
        return Err(failed(&format!(
            "{named} has more than {largest} bytes, too many for an agent's character. Shorten it."
        )));
    }
    String::from_utf8(bytes).map_err(|_| failed(&format!("{named} is no text in UTF-8. Save it as one.")))
}
