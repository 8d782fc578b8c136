//! The words of a worker's wrapper: what stands in them for a run, and how its program's own words reach the other side.
//! Values of variables never stand among them, only names. Which wrapper a run gets is the supervisor's to find.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use shared::id::RunId;
use tokio::process::Command;
use tokio::time::timeout;

use crate::agents::{Lookup, look_up};
use crate::system::{self, Group};

/// The whole command line of the program, as one word that a shell can read.
pub(crate) const COMMAND: &str = "{command}";
/// A word with it stands once for each variable that the program needs.
const ENV: &str = "{env}";
const DIR: &str = "{dir}";
const FILES: &str = "{files}";
const RUN: &str = "{run}";

/// Variables that say where things are on this machine, or what it is: they mean nothing on another.
const STAYS: [&str; 14] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "CODEX_HOME",
    "CLAUDE_CONFIG_DIR",
    "ORCHESTRATOR_DEMO_HOME",
];

/// How long a `stop` may take.
const STOP: Duration = Duration::from_secs(30);

/// What stands in a wrapper's words.
#[derive(Debug)]
pub(crate) struct Filling<'a> {
    /// Where the program works.
    pub dir: &'a str,
    /// The folder of files that its command line names.
    pub files: &'a str,
    /// A name that no other run has ([`name`]).
    pub run: &'a str,
    /// Names of variables ([`travelling`]).
    pub env: &'a BTreeSet<String>,
    /// The program and its arguments; empty where none is to be started.
    pub command: &'a [String],
}

/// What is wrong with the marks in a word of the configuration.
pub(crate) fn mistake(word: &str) -> Option<String> {
    if word.contains(COMMAND) && word.contains(ENV) {
        return Some(format!(
            "{word:?} has {ENV} in a shell's words; give it a word of its own, before them"
        ));
    }
    let unknown = word.split('{').skip(1).find_map(|rest| {
        let (mark, _) = rest.split_once('}')?;
        let mark = format!("{{{mark}}}");
        let is_one = mark[1..mark.len() - 1].bytes().all(|byte| byte.is_ascii_lowercase()) && mark.len() > 2;
        (is_one && ![COMMAND, ENV, DIR, FILES, RUN].contains(&&*mark)).then_some(mark)
    })?;
    Some(format!("{unknown} stands for nothing; there are {DIR}, {FILES}, {RUN}, {ENV} and {COMMAND}"))
}

/// The words as they are started: filled in, and with the program's own behind them where no mark stands for these.
pub(crate) fn filled(words: &[String], filling: &Filling<'_>) -> Vec<String> {
    let mut filled = Vec::new();
    for word in words {
        if word.contains(ENV) {
            filled.extend(filling.env.iter().map(|name| fill(word, filling, name)));
        } else {
            filled.push(fill(word, filling, ""));
        }
    }
    if !words.iter().any(|word| word.contains(COMMAND)) {
        filled.extend(filling.command.iter().cloned());
    }
    filled
}

/// In one pass, so that a mark within what is filled in stays what it is.
fn fill(word: &str, filling: &Filling<'_>, variable: &str) -> String {
    // A word with the command in it is a shell's.
    let is_shells = word.contains(COMMAND);
    let plain = |text: &str| if is_shells { quoted(text) } else { text.to_owned() };
    let mut filled = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let stands = [
            (COMMAND, filling.command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")),
            (ENV, variable.to_owned()),
            (DIR, plain(filling.dir)),
            (FILES, plain(filling.files)),
            (RUN, plain(filling.run)),
        ];
        let (mark, text) =
            stands.into_iter().find(|(mark, _)| rest.starts_with(mark)).unwrap_or(("{", "{".to_owned()));
        filled.push_str(&text);
        rest = &rest[mark.len()..];
    }
    filled + rest
}

/// As a word of a POSIX shell.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./=:,@%+-".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The names among these variables that mean something on another machine.
pub(crate) fn travelling(environment: impl IntoIterator<Item = impl AsRef<OsStr>>) -> BTreeSet<String> {
    let stays = |name: &str| {
        let here = STAYS.into_iter().chain(system::ENVIRONMENT);
        name.starts_with("XDG_") || here.into_iter().any(|stays| system::same_variable(name, stays))
    };
    let names = environment.into_iter().filter_map(|name| name.as_ref().to_str().map(str::to_owned));
    names.filter(|name| !stays(name)).collect()
}

/// A run's name as containers and units take it.
pub(crate) fn name(run: &RunId) -> String {
    run.as_str().replace('~', ".")
}

/// The folder as a wrapper's words take it.
///
/// # Errors
/// It has what a wrapper may read as its own (`-v DIR:DIR`, `src=DIR,…`); the message says what to do.
pub(crate) fn dir(folder: &Path) -> Result<&str, String> {
    let own = |text: &str| {
        text.chars().enumerate().any(|(at, letter)| match letter {
            // The second place is a drive's.
            ':' => at != 1,
            ',' => true,
            letter => letter.is_control(),
        })
    };
    match folder.to_str() {
        Some(text) if !own(text) => Ok(text),
        _ => Err(format!(
            "a worker's wrapper could misread the folder {}; give it a name without : and ,",
            folder.display()
        )),
    }
}

/// Ends what a wrapper may have left behind. That there is nothing is no failure, so no more is known of it than a word in
/// the bridge's own log.
pub(crate) async fn stop(words: &[String], filling: &Filling<'_>, environment: Vec<(OsString, OsString)>) {
    let words = filled(words, filling);
    let Some((program, args)) = words.split_first() else { return };
    let Lookup::Found(path) = look_up(program) else {
        tracing::warn!(program, "what ends a worker's runs is not there");
        return;
    };
    let mut command = Command::new(path);
    command.args(args).env_clear().envs(environment).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Group::lead(&mut command);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            tracing::warn!(%error, program, "what ends a worker's runs did not start");
            return;
        }
    };
    let group = Group::of(&child);
    match timeout(STOP, child.wait()).await {
        Ok(status) => tracing::debug!(?status, program, run = filling.run, "a worker's run was ended there"),
        Err(_) => {
            group.kill();
            tracing::warn!(program, run = filling.run, "what ends a worker's runs took too long");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn wrapped(wrapper: &[&str], command: &[&str]) -> Vec<String> {
        let env = BTreeSet::from(["API_KEY".to_owned(), "LANG".to_owned()]);
        let command = words(command);
        let filling = Filling {
            dir: "/work/it's",
            files: "/data/{run}",
            run: "goal.1.r1",
            env: &env,
            command: &command,
        };
        filled(&words(wrapper), &filling)
    }

    #[test]
    fn the_programs_words_stand_behind_the_wrappers() {
        assert_eq!(
            wrapped(
                &[
                    "podman",
                    "run",
                    "--env={env}",
                    "-v",
                    "{dir}:{dir}",
                    "--name",
                    "{run}",
                    "-v{files}",
                    "IMAGE"
                ],
                &["claude", "-p", "a {dir} b"]
            ),
            words(&[
                "podman",
                "run",
                "--env=API_KEY",
                "--env=LANG",
                "-v",
                "/work/it's:/work/it's",
                "--name",
                "goal.1.r1",
                "-v/data/{run}",
                "IMAGE",
                "claude",
                "-p",
                "a {dir} b"
            ])
        );
    }

    #[test]
    fn a_shell_gets_words_that_it_reads_as_they_are() {
        let line = wrapped(
            &["ssh", "box", "cd {dir} && exec {command}"],
            &["claude", "", "$(reboot)", "it's; a\nb", "{run}"],
        );
        assert_eq!(
            line[2],
            r"cd '/work/it'\''s' && exec claude '' '$(reboot)' 'it'\''s; a
b' '{run}'"
        );
    }

    #[test]
    fn what_stands_for_nothing_is_told() {
        for word in ["{evn}", "a{directory}b", "{command} {env}"] {
            assert!(mistake(word).is_some(), "{word}");
        }
        for word in ["{env}", "{dir}:{dir}", "{{.ID}}", "{}", "${HOME}", "{", "{Dir}"] {
            assert_eq!(mistake(word), None, "{word}");
        }
    }

    #[test]
    fn what_this_machine_is_stays_here() {
        let names = ["PATH", "HOME", "XDG_RUNTIME_DIR", "ANTHROPIC_API_KEY", "LC_ALL", "CODEX_HOME"]
            .map(OsString::from);
        assert_eq!(travelling(&names), ["ANTHROPIC_API_KEY", "LC_ALL"].map(str::to_owned).into());
    }

    #[test]
    fn a_folder_that_could_be_misread_is_refused() {
        assert_eq!(dir(Path::new("/work/shop 2")), Ok("/work/shop 2"));
        for folder in ["/work/a:/etc", "/work/a,readonly=false", "/work/a\nb"] {
            assert!(dir(Path::new(folder)).is_err(), "{folder}");
        }
    }
}
