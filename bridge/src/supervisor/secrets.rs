//! Secrets that runs are given do not stand in what is stored of them: an agent that prints its environment
//! writes stars into the log. What is hidden keeps its length, as the stored bytes say how far a file was read.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::store::Piece;

/// Parts of the names of variables that hold a secret.
const TELLING: [&str; 5] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"];
/// A shorter value is no secret, and would hide words that only look like it.
const SHORTEST: usize = 8;

/// The secrets that this bridge gives to runs.
#[derive(Debug)]
pub(super) struct Secrets {
    /// Nothing when there are none.
    finder: Option<AhoCorasick>,
}

impl Secrets {
    /// Those among a run's variables, told by their names.
    pub(super) fn among(environment: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let secrets = |(name, value): (OsString, OsString)| {
            let name = name.to_str()?.to_ascii_uppercase();
            let tells = TELLING.iter().any(|word| name.contains(word));
            let value = value.as_bytes().trim_ascii();
            // A path leads to a secret and is none. Output is stored by lines, and agents write JSON.
            let lines = value.split(|&byte| byte == b'\n').map(<[u8]>::to_owned);
            let quoted = std::str::from_utf8(value).ok().and_then(|text| serde_json::to_string(text).ok());
            let quoted = quoted.map(|text| text.as_bytes()[1..text.len() - 1].to_owned());
            let forms = lines.chain(quoted).filter(|form| form.len() >= SHORTEST);
            (tells && !value.starts_with(b"/")).then(|| forms.collect::<Vec<_>>())
        };
        let mut values: Vec<Vec<u8>> = environment.filter_map(secrets).flatten().collect();
        values.sort_unstable();
        values.dedup();
        if values.is_empty() {
            return Self { finder: None };
        }
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&values);
        if let Err(error) = &finder {
            tracing::error!(%error, "secrets cannot be hidden in what agents write");
        }
        Self { finder: finder.ok() }
    }

    /// Puts stars where a secret stands. One that is cut by the border of a piece, which only lines over a
    /// mebibyte and terminals have, is not found.
    pub(super) fn hide(&self, pieces: &mut [Piece]) {
        let Some(finder) = &self.finder else { return };
        for Piece { bytes, .. } in pieces {
            let mut from = 0;
            while let Some(found) = finder.find(&bytes[from..]) {
                bytes[from + found.start()..from + found.end()].fill(b'*');
                from += found.end();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::run::Stream;
    use shared::unit::Millis;

    fn hidden(text: &str) -> String {
        let environment = [
            ("ANTHROPIC_API_KEY", "sk-ant-0123456789"),
            ("github_token", "sk-ant-0123456789-longer"),
            ("SIGNING_KEY", "first line of it\nsecond \"line\""),
            ("SHORT_KEY", "short"),
            ("KEY_FILE_KEY", "/home/dev/.key"),
            ("PATH", "/usr/bin:/bin"),
        ];
        let environment = environment.map(|(name, value)| (name.into(), value.into()));
        let bytes = text.as_bytes().to_owned();
        let mut pieces = [Piece { stream: Stream::Stdout, at: Millis(0), bytes }];
        Secrets::among(environment.into_iter()).hide(&mut pieces);
        String::from_utf8_lossy(&pieces[0].bytes).into_owned()
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
}
