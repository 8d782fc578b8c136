//! Secrets that runs are given do not stand in what is stored of them: an agent that prints its environment
//! writes stars into the log. What is hidden keeps its length, as the stored bytes say how far a file was read.

use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use shared::run::RunSpec;

use super::folder::RunFolder;
use super::os::{environment_of, is_there};

/// Parts of the names of variables that hold a secret.
const TELLING: [&str; 5] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"];
/// A shorter value is no secret, and would hide words that only look like it.
pub(super) const SHORTEST: usize = 8;
/// A beginning of a secret that is as long may become one; shorter ones stand at the end of half of all that is written.
pub(super) const TELLS: usize = 4;

/// One form of a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Form {
    bytes: Vec<u8>,
    /// Bytes at its beginning that are no secret, as a user's name before the password.
    open: usize,
}

impl Form {
    /// All of it is secret.
    fn closed(bytes: Vec<u8>) -> Self {
        Self { bytes, open: 0 }
    }
}

impl AsRef<[u8]> for Form {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Secrets that runs are given.
#[derive(Debug, Default)]
pub struct Secrets {
    forms: Vec<Form>,
    /// Nothing when there are none.
    finder: Option<AhoCorasick>,
}

impl Secrets {
    /// Those among a run's variables, told by their names.
    pub(super) fn among(environment: impl Iterator<Item = (OsString, OsString)>) -> Self {
        Self::of_forms(environment.flat_map(|(name, value)| {
            let password = password(value.as_encoded_bytes());
            named(&name, &value).unwrap_or_default().into_iter().map(Form::closed).chain(password)
        }))
    }

    /// Exactly these, none of them empty.
    pub fn of(values: impl Iterator<Item = Vec<u8>>) -> Self {
        Self::of_forms(values.map(Form::closed))
    }

    fn of_forms(forms: impl Iterator<Item = Form>) -> Self {
        let mut forms: Vec<Form> = forms.filter(|form| !form.bytes.is_empty()).collect();
        // Of one that is there twice the one of which less is open is kept.
        forms.sort_unstable();
        forms.dedup_by(|next, first| next.bytes == first.bytes);
        if forms.is_empty() {
            return Self::default();
        }
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&forms);
        if let Err(error) = &finder {
            tracing::error!(%error, "secrets cannot be hidden in what agents write");
        }
        Self { forms, finder: finder.ok() }
    }

    /// How many bytes before or behind one byte can belong to the same secret.
    pub(super) fn reach(&self) -> usize {
        self.forms.iter().map(|form| form.bytes.len()).max().map_or(0, |longest| longest - 1)
    }

    /// Puts stars where a secret stands, also where it begins in what stands `before` the bytes or ends in what
    /// stands `behind` them.
    pub(super) fn hide(&self, before: &[u8], bytes: &mut [u8], behind: &[u8]) {
        let Some(finder) = &self.finder else { return };
        if before.is_empty() && behind.is_empty() {
            let found = each(finder, bytes);
            return found.into_iter().for_each(|found| bytes[found].fill(b'*'));
        }
        let around = [before, bytes, behind].concat();
        let place = |at: usize, most: usize| at.saturating_sub(before.len()).min(most);
        for found in each(finder, &around) {
            let (start, end) = (place(found.start, bytes.len()), place(found.end, bytes.len()));
            bytes[start..end].fill(b'*');
        }
    }

    /// How many bytes at the end of a text may be the beginning of a secret that goes on in what comes next; 0 where
    /// they are too few to tell.
    pub(super) fn begun_in(&self, text: &[u8]) -> usize {
        let begun = |Form { bytes, open }: &Form| {
            let most = text.len().min(bytes.len() - 1);
            (open + TELLS..=most).rev().find(|&length| text.ends_with(&bytes[..length]))
        };
        self.forms.iter().filter_map(begun).max().unwrap_or(0)
    }
}

/// `ours`, those that a run's order gave it, and those that its process has in its environment, as an earlier bridge may
/// have given others. Of these nothing is known any more when the process is gone, nor of what it set itself.
pub(super) fn given(run: &RunFolder, order: Option<&RunSpec>, ours: &Arc<Secrets>) -> Arc<Secrets> {
    let process = run.shim().filter(|shim| is_there(*shim)).or_else(|| run.leader());
    let ordered = order.into_iter().flat_map(|order| &order.env);
    let ordered = ordered.map(|(name, value)| (name.into(), value.into()));
    let Secrets { forms, .. } = Secrets::among(ordered.chain(process.into_iter().flat_map(environment_of)));
    if forms.iter().all(|form| ours.forms.contains(form)) {
        return Arc::clone(ours);
    }
    Arc::new(Secrets::of_forms(forms.into_iter().chain(ours.forms.iter().cloned())))
}

/// Where secrets stand, also those that overlap.
fn each(finder: &AhoCorasick, text: &[u8]) -> Vec<Range<usize>> {
    let (mut all, mut from) = (Vec::new(), 0);
    while let Some(found) = finder.find(&text[from..]) {
        all.push(from + found.start()..from + found.end());
        from += found.start() + 1;
    }
    all
}

/// The forms of a value whose variable's name tells that it is a secret.
fn named(name: &OsStr, value: &OsStr) -> Option<Vec<Vec<u8>>> {
    let name = name.to_str()?.to_ascii_uppercase();
    let value = value.as_encoded_bytes().trim_ascii();
    // A path leads to a secret and is none.
    let is_path = || std::str::from_utf8(value).is_ok_and(|text| Path::new(text).is_absolute());
    if !TELLING.iter().any(|word| name.contains(word)) || value.starts_with(b"/") || is_path() {
        return None;
    }
    // Output is stored by lines, and agents write JSON.
    let lines = value.split(|&byte| byte == b'\n').map(<[u8]>::to_owned);
    let quoted = std::str::from_utf8(value).ok().and_then(|text| serde_json::to_string(text).ok());
    let quoted = quoted.map(|text| text.as_bytes()[1..text.len() - 1].to_owned());
    Some(lines.chain(quoted).filter(|form| form.len() >= SHORTEST).collect())
}

/// The forms of the password in a URL such as a proxy's, `http://user:password@host`: with its user, alone
/// where it is long enough not to be a word, and as a header of HTTP has both.
fn password(value: &[u8]) -> Vec<Form> {
    let found = std::str::from_utf8(value).ok().and_then(|text| {
        let place = text.split_once("://")?.1;
        let (user, _) = place.split(['/', '?', '#']).next()?.rsplit_once('@')?;
        Some((user, user.split_once(':')?))
    });
    let Some((both, (user, password))) = found else { return Vec::new() };
    if password.is_empty() {
        return Vec::new();
    }
    let alone = (password.len() >= SHORTEST && password != user).then(|| password.to_owned());
    let closed = alone.into_iter().chain([STANDARD.encode(both)]);
    let with_user = Form { bytes: format!("{both}@").into_bytes(), open: user.len() + 1 };
    closed.map(|form| Form::closed(form.into_bytes())).chain([with_user]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> String {
        let environment = [
            ("ANTHROPIC_API_KEY", "sk-ant-0123456789"),
            ("github_token", "sk-ant-0123456789-longer"),
            ("SIGNING_KEY", "first line of it\nsecond \"line\""),
            ("SHORT_KEY", "short"),
            ("KEY_FILE_KEY", "/home/dev/.key"),
            ("PATH", "/usr/bin:/bin"),
            ("HTTPS_PROXY", "http://dev:hunter2hunter2@proxy.lan:8080/"),
            ("DATABASE", "postgres://postgres:postgres@localhost/db"),
            ("no_proxy", "ssh://git@host"),
        ];
        let environment = environment.map(|(name, value)| (name.into(), value.into()));
        let mut bytes = text.as_bytes().to_owned();
        Secrets::among(environment.into_iter()).hide(b"", &mut bytes, b"");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn a_secret_becomes_stars_of_its_length_wherever_it_stands() {
        assert_eq!(hidden("sk-ant-0123456789\n"), "*****************\n");
        assert_eq!(
            hidden("a sk-ant-0123456789, sk-ant-0123456789-longer."),
            "a *****************, ************************."
        );
        assert_eq!(hidden("first line of it\n"), "****************\n");
        assert_eq!(
            hidden(r#"{"k":"first line of it\nsecond \"line\""}"#),
            format!("{{\"k\":\"{}\"}}", "*".repeat(33))
        );
        assert_eq!(
            hidden("short /usr/bin:/bin /home/dev/.key sk-ant-012345678"),
            "short /usr/bin:/bin /home/dev/.key sk-ant-012345678"
        );
    }

    #[test]
    fn a_password_in_a_url_is_hidden_with_its_user_and_alone() {
        assert_eq!(
            hidden("http://dev:hunter2hunter2@proxy.lan:8080/"),
            "http://*******************proxy.lan:8080/"
        );
        assert_eq!(hidden("--pass hunter2hunter2"), "--pass **************");
        let header = STANDARD.encode("dev:hunter2hunter2");
        assert_eq!(hidden(&format!("Basic {header}")), format!("Basic {}", "*".repeat(header.len())));
        // A password that is as good as a word is hidden with its user only.
        assert_eq!(
            hidden("postgres://postgres:postgres@localhost"),
            "postgres://******************localhost"
        );
        assert_eq!(hidden("ssh://git@host"), "ssh://git@host");
    }

    #[test]
    fn a_users_name_is_no_beginning_of_a_secret() {
        let url = ("DATABASE".into(), "postgres://postgres:postgres@localhost/db".into());
        let secrets = Secrets::among([url].into_iter());
        assert_eq!(secrets.begun_in(b"psql -U postgres"), 0);
        assert_eq!(secrets.begun_in(b"postgres:pos"), 0);
        assert_eq!(secrets.begun_in(b"postgres:post"), 13);
    }
}
