//! Rules about what agents may do: what holds of any shell line and any set of rules.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use proptest::sample::select;
use shared::id::RuleId;
use shared::permission::shell::{Word, segments};
use shared::permission::{Ask, Deed, Permit, Rule, Scope, What, ruling, written};

const FOLDER: &str = "/home/dev/shop";

fn rule(permit: Permit, what: What) -> Rule {
    Rule { rule: RuleId::new("r").unwrap(), permit, what, scope: Scope::Always }
}

fn commands(permit: Permit, text: &str) -> Rule {
    rule(permit, What::commands(text).unwrap())
}

fn ask(tool: &str, deed: Deed) -> Ask {
    Ask { request: "q".to_owned(), call: String::new(), tool: tool.to_owned(), deed }
}

fn bash(line: &str) -> Ask {
    ask("Bash", Deed::Command { line: line.to_owned() })
}

fn says(rules: &[Rule], ask: &Ask) -> Option<Permit> {
    ruling(rules, ask, FOLDER).map(|rule| rule.permit)
}

/// `cargo test`, `git` and `echo` are allowed; `git push` and `rm` are denied.
fn usual() -> Vec<Rule> {
    let allowed = ["cargo test", "git", "echo", "sudo", "A=1 make"].map(|text| commands(Permit::Allow, text));
    let denied = ["git push", "rm"].map(|text| commands(Permit::Deny, text));
    allowed.into_iter().chain(denied).collect()
}

#[test]
fn a_line_is_allowed_where_each_of_its_commands_is() {
    let table: &[(&str, Option<Permit>)] = &[
        ("cargo test --all", Some(Permit::Allow)),
        ("cargo test && git status | echo", Some(Permit::Allow)),
        ("git commit -m \"$(echo 'rm is gone')\"", None),
        ("git commit -m \"$(echo fine)\"", Some(Permit::Allow)),
        ("A=1 make -j", Some(Permit::Allow)),
        ("cargo", None),
        ("cargo build", None),
        ("cargotest", None),
        ("PATH=/tmp cargo test", None),
        ("./git status", None),
        ("cargo test > log", None),
        ("cargo test && ls", None),
        ("cargo test $(ls)", None),
        ("cargo test `ls`", None),
        ("$X test", None),
        ("", None),
        // Deny stands above allow, whatever is written around it.
        ("git push", Some(Permit::Deny)),
        ("cargo test; g'i't \"push\" -f", Some(Permit::Deny)),
        ("X=1 git push", Some(Permit::Deny)),
        ("/usr/bin/git push", Some(Permit::Deny)),
        ("echo $(rm x)", Some(Permit::Deny)),
        ("(echo; (rm x))", Some(Permit::Deny)),
        // And where it may be behind something, the person is asked.
        ("git -C . push", None),
        ("git $X", None),
        ("git {push,-f}", None),
        ("sudo rm x", None),
        ("sudo sh -c 'cd x; rm y'", None),
        ("echo form.txt", Some(Permit::Allow)),
        ("if true; then git status; fi", None),
    ];
    for (line, expected) in table {
        assert_eq!(says(&usual(), &bash(line)), *expected, "{line}");
    }
}

#[test]
fn a_rule_for_the_whole_tool_takes_what_nobody_understands_but_not_past_a_denial() {
    let whole = rule(Permit::Allow, What::Tool { name: "Bash".to_owned() });
    let unclear = bash("for f in *; do cat $f; done");
    assert_eq!(says(std::slice::from_ref(&whole), &unclear), Some(Permit::Allow));
    assert_eq!(says(&[whole.clone(), commands(Permit::Deny, "rm")], &unclear), None);
    assert_eq!(says(&[rule(Permit::Deny, whole.what)], &unclear), Some(Permit::Deny));
}

#[test]
fn files_are_what_their_paths_resolve_to() {
    let edits = |under: &str, permit| rule(permit, What::Edits { under: under.to_owned() });
    let rules = [edits("src", Permit::Allow), edits("/tmp/", Permit::Allow), edits("src/keys", Permit::Deny)];
    let table: &[(&str, Option<Permit>)] = &[
        ("src/a.rs", Some(Permit::Allow)),
        ("/home/dev/shop/src/a.rs", Some(Permit::Allow)),
        ("/tmp/x/../y", Some(Permit::Allow)),
        ("src/../Cargo.toml", None),
        ("/tmp/../etc/passwd", None),
        ("srcs/a.rs", None),
        ("src/.git/hooks/x", None),
        ("~/src/a.rs", None),
        ("src\\a.rs", None),
        ("src/keys/a", Some(Permit::Deny)),
        ("src/x/../KEYS/a", Some(Permit::Deny)),
    ];
    for (path, expected) in table {
        let ask = ask("Write", Deed::Edit { path: (*path).to_owned() });
        assert_eq!(says(&rules, &ask), *expected, "{path}");
    }
    let read = ask("Read", Deed::Read { path: "src/a.rs".to_owned() });
    assert_eq!(says(&rules, &read), None, "a rule about edits says nothing of looking");
    assert_eq!(
        says(&[edits("src", Permit::Deny), commands(Permit::Allow, "echo")], &bash("echo x > src/a")),
        None
    );
}

#[test]
fn a_denial_stands_also_where_a_call_was_not_understood() {
    let whole = |tool: &str| rule(Permit::Allow, What::Tool { name: tool.to_owned() });
    let unclear = |tool: &str| ask(tool, Deed::Use { about: "command: git push".to_owned() });
    let reads = || rule(Permit::Deny, What::Reads { under: "keys".to_owned() });
    let edits = || rule(Permit::Deny, What::Edits { under: "keys".to_owned() });
    let push = || commands(Permit::Deny, "git push");
    assert_eq!(says(&[whole("Bash"), push()], &unclear("Bash")), None);
    assert_eq!(says(&[whole("Write"), edits()], &unclear("Write")), None);
    assert_eq!(says(&[whole("Glob"), reads()], &unclear("Glob")), None);
    assert_eq!(says(&[whole("WebFetch"), push(), reads()], &unclear("WebFetch")), Some(Permit::Allow));
    assert_eq!(says(&[whole("Bash")], &unclear("Bash")), Some(Permit::Allow));
}

#[test]
fn who_looks_at_a_folder_may_look_at_what_is_denied_below_it() {
    let reads = |under: &str, permit| rule(permit, What::Reads { under: under.to_owned() });
    let rules = [reads(".", Permit::Allow), reads("src/keys", Permit::Deny)];
    let table =
        [("src", None), (".", None), ("src/KEYS/a", Some(Permit::Deny)), ("docs", Some(Permit::Allow))];
    for (path, expected) in table {
        assert_eq!(says(&rules, &ask("Grep", Deed::Read { path: path.to_owned() })), expected, "{path}");
    }
}

#[test]
fn a_text_that_is_run_may_be_any_denied_command() {
    let allowed = ["bash", "eval", "source", "xargs", "sudo", "timeout", "ls", "."]
        .map(|text| commands(Permit::Allow, text));
    let rules: Vec<Rule> = allowed.into_iter().chain([commands(Permit::Deny, "rm")]).collect();
    for line in [
        "bash -c 'r\"\"m x'",
        "eval 'r\"\"m x'",
        "source x",
        ". x",
        "xargs ls",
        "sudo bash -xc 'a'",
        "timeout 5 eval x",
    ] {
        assert_eq!(says(&rules, &bash(line)), None, "{line}");
    }
    for line in ["bash x.sh", "ls .", "sudo ls .", "timeout 5 ls"] {
        assert_eq!(says(&rules, &bash(line)), Some(Permit::Allow), "{line}");
    }
}

#[test]
fn what_is_suggested_says_little_more_than_the_request() {
    let edit = |path: &str| ask("Write", Deed::Edit { path: path.to_owned() });
    let read = |path: &str| ask("Read", Deed::Read { path: path.to_owned() });
    let table = [
        (bash("cargo test --all | tail"), Some("commands cargo test")),
        (bash("RUST_LOG=debug ./app --fast"), Some("commands RUST_LOG=debug ./app --fast")),
        (bash("RUST_LOG=debug cargo run x"), Some("commands RUST_LOG=debug cargo run")),
        (bash("RUST_LOG=debug"), None),
        (bash("rm -rf target"), Some("commands rm -rf target")),
        (bash("sh -c 'ls'"), Some("commands sh -c ls")),
        (bash("sh -c \"it's -l; b\""), Some("commands sh -c 'it'\\''s -l; b'")),
        (bash("/bin/bash x.sh a"), Some("commands /bin/bash x.sh a")),
        (bash("env A=1 x"), Some("commands env A=1 x")),
        (bash("python3.12 x.py"), Some("commands python3.12 x.py")),
        (bash("find . -exec rm x"), Some("commands find . -exec rm x")),
        (bash("git -C x status"), Some("commands git -C x status")),
        (bash("git -C $X status"), None),
        (bash("sh -c \"$X\""), None),
        (bash("$X status"), None),
        (bash("for x in a; do b; done"), None),
        (edit("src/a.rs"), Some("edits src")),
        (edit("/home/dev/shop/src/a.rs"), Some("edits /home/dev/shop/src")),
        (edit("/home/dev/notes.txt"), Some("edits /home/dev/notes.txt")),
        (edit("~/notes.txt"), None),
        (read("/passwd"), Some("reads /passwd")),
        (read(FOLDER), Some("reads /home/dev/shop")),
        (ask("WebFetch", Deed::Use { about: "http://x/".to_owned() }), Some("tool WebFetch")),
        (ask("Bash", Deed::Use { about: "command: ls".to_owned() }), None),
    ];
    for (ask, expected) in table {
        let what = What::suggested(&ask, FOLDER);
        assert_eq!(what.as_ref().map(ToString::to_string).as_deref(), expected, "{ask:?}");
        // It is about what was asked, and can be saved.
        let Some(what) = what else { continue };
        assert_eq!(what.problem(), None);
        if let What::Commands { words } = &what {
            assert_eq!(What::commands(&written(words)).as_ref(), Ok(&what), "as a person reads it");
        }
        assert_eq!(says(&[rule(Permit::Deny, what)], &ask), Some(Permit::Deny), "{ask:?}");
    }
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    assert!(What::Commands { words: words("A=1 B=2") }.problem().is_some());
    assert!(What::Reads { under: "~/.ssh".to_owned() }.problem().is_some());
    assert!(
        What::commands("a; b").is_err() && What::commands("a > b").is_err() && What::commands("$X").is_err()
    );
}

/// Pieces of lines that mean something to a shell, and some that do not.
fn line() -> impl Strategy<Value = String> {
    let pieces = [
        "git",
        "git push",
        "status",
        "rm x",
        "echo",
        "cargo test",
        " ",
        " ",
        " ",
        ";",
        "&&",
        "||",
        "|",
        "&",
        "\n",
        "(",
        ")",
        "$(",
        "`",
        "'",
        "\"",
        "\\",
        "$X",
        "${X}",
        "*",
        "> f",
        "2>&1",
        "< f",
        "<<E\n",
        "E\n",
        "A=1 ",
        "#",
        "if ",
        "{",
        "}",
        "é",
    ];
    prop::collection::vec(select(pieces.to_vec()), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Whatever is put behind a line, no more is allowed than was.
    #[test]
    fn another_command_never_widens_what_is_allowed(line in line(), more in line()) {
        let alone = says(&usual(), &bash(&line));
        for joint in [";", "&&", "||", "|", "\n", "&"] {
            let both = says(&usual(), &bash(&format!("{line} {joint} {more}")));
            if alone != Some(Permit::Allow) && segments(&line).is_some_and(|found| !found.is_empty()) {
                prop_assert_ne!(both, Some(Permit::Allow), "{} {} {}", line, joint, more);
            }
            if alone == Some(Permit::Deny) && segments(&format!("{line} {joint} {more}")).is_some() {
                prop_assert_eq!(both, Some(Permit::Deny));
            }
        }
    }

    /// What stands in another command is asked about like any other.
    #[test]
    fn no_substitution_slips_through(line in line()) {
        for whole in [format!("echo $({line}\n)"), format!("echo \"$({line}\n)\""), format!("echo `{line}\n`"), format!("echo <({line})"), format!("({line}\n)")] {
            // A backquote of its own ends the one before it.
            let ends = whole.starts_with("echo `") && line.contains('`');
            if !ends && says(&usual(), &bash(&whole)) == Some(Permit::Allow) {
                let inner = segments(&line);
                let nothing = inner.as_ref().is_none_or(Vec::is_empty);
                // A bracket or quote of the line's own may end it earlier: then the rest stands outside, and was asked about too.
                prop_assert!(nothing || says(&usual(), &bash(&line)) == Some(Permit::Allow), "{}", whole);
            }
        }
    }

    /// In quotes, nothing is a command: the word is what was quoted.
    #[test]
    fn what_is_quoted_is_one_word(text in "[ -Z\\\\-~]{0,40}") {
        let quoted = format!("echo '{}'", text.replace('\'', "'\\''"));
        let found = segments(&quoted).unwrap();
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(&found[0].words[..], &[Word::Plain("echo".to_owned()), Word::Plain(text)]);
    }

    /// Another denial never allows, and another allowance never denies.
    #[test]
    fn rules_only_add_what_they_say(line in line()) {
        let (ask, rules) = (bash(&line), usual());
        let (all, denials): (Option<Permit>, Vec<Rule>) =
            (says(&rules, &ask), rules.iter().filter(|rule| rule.permit == Permit::Deny).cloned().collect());
        prop_assert_ne!(says(&denials, &ask), Some(Permit::Allow));
        prop_assert_eq!(all == Some(Permit::Deny), says(&denials, &ask) == Some(Permit::Deny));
    }

    /// No text panics, nor takes long.
    #[test]
    fn any_text_is_split_or_not_understood(text in "\\PC{0,200}") {
        let _ = segments(&text);
    }
}
