//! What is understood of a shell line, beside what shells make of it: they run no program that was not found in it. Where a
//! shell is not there, it is left out, and that is said.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use shared::permission::shell::{Segment, Word, segments};

const PROGRAMS: [&str; 5] = ["one", "two", "three", "four", "five"];

/// Programs that do nothing but tell their words.
fn stubs(folder: &Path) {
    for program in PROGRAMS {
        let path = folder.join("bin").join(program);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "#!/bin/sh\nprintf '%s\\0' \"${0##*/} $*\" >> \"$TOLD\"\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// What the shell ran for the line, each with its words.
fn ran(shell: &str, line: &str, folder: &Path) -> Vec<String> {
    // Each line has its own, for what it leaves running may tell of itself later.
    let own = tempfile::tempdir_in(folder).unwrap();
    let (told, work) = (own.path().join("told"), own.path().join("work"));
    fs::write(&told, "").unwrap();
    fs::create_dir(&work).unwrap();
    let mut shell = Command::new(shell);
    shell.args(["-c", &format!("{line}\nwait")]).current_dir(&work).env_clear();
    shell.env("PATH", folder.join("bin")).env("TOLD", &told);
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    fs::read_to_string(&told).unwrap().split_terminator('\0').map(|run| run.trim_end().to_owned()).collect()
}

/// It may be this command: its words are just these, or the known ones stand there in their order.
fn may_be(segment: &Segment, run: &str) -> bool {
    let is_set = |word: &&Word| matches!(word, Word::Plain(text) if text.contains('='));
    let own: Vec<&Word> = segment.words.iter().skip_while(is_set).collect();
    let is_open = own.contains(&&Word::Open);
    let known = own.iter().filter_map(|word| match word {
        Word::Plain(text) => Some(text.split_whitespace()),
        Word::Open => None,
    });
    let (known, mut given) = (known.flatten(), run.split_whitespace());
    if is_open { known.into_iter().all(|part| given.any(|own| own == part)) } else { known.eq(given) }
}

fn line() -> impl Strategy<Value = String> {
    let programs = select(PROGRAMS.to_vec());
    let joints = [
        " ", " ", " ", " ", ";", "&&", "||", "|", "&", "\n", "\n", "(", ")", "$(", "`", "'", "\"", "\\",
        "$X", "${X}", "$=", "$+X", "> f", "2>&1", "12>f", " &> f ", "< f", "<<E\n", "<<'E'", "<<-E\n",
        "\nE\n", "\nE\n", "A=1 ", "#", "{", "}", "*", "x",
    ];
    let piece = prop_oneof![programs, select(joints.to_vec())];
    prop::collection::vec(piece, 1..14).prop_map(|pieces| pieces.concat())
}

/// Lines that were once taken for something else.
const KNOWN: [&str; 4] = [
    "one <<'two' | (\ntwo\ntwo)\nthree x | four\ntwo",
    "one &> f two",
    "one 12>f",
    "one <<'E' $(\nE\n)\ntwo\nE",
];

fn check(shell: &str, line: &str, folder: &Path) -> Result<(), TestCaseError> {
    let Some(found) = segments(line) else { return Ok(()) };
    for run in ran(shell, line, folder) {
        let is_found = found.iter().any(|segment| may_be(segment, &run));
        prop_assert!(is_found, "{shell} runs {run:?} of {line:?}, found {found:?}");
    }
    Ok(())
}

#[test]
fn no_shell_runs_what_was_not_found_in_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stubs(folder);
    for shell in ["/bin/bash", "/bin/dash"] {
        if !Path::new(shell).exists() {
            eprintln!("{shell} is not there: left out");
            continue;
        }
        assert_eq!(ran(shell, "one a; two", folder), ["one a", "two"]);
        KNOWN.into_iter().for_each(|line| check(shell, line, folder).unwrap());
        let config = Config { cases: 1_500, failure_persistence: None, ..Config::default() };
        TestRunner::new(config).run(&line(), |line| check(shell, &line, folder)).unwrap();
    }
}
