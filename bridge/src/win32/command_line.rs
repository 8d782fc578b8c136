//! Command lines. A program of Windows gets one text and takes it apart itself: most do as Microsoft's C library
//! (learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments), `cmd.exe` by rules of its own.

use super::{Unfit, Wide};

const QUOTE: u16 = b'"' as u16;
const BACKSLASH: u16 = b'\\' as u16;
const PERCENT: u16 = b'%' as u16;
const SPACE: u16 = b' ' as u16;
const TAB: u16 = b'\t' as u16;

/// The line, with the zero behind it, that a program takes apart into exactly these.
pub(crate) fn ordinary(program: &[u16], args: &[Wide]) -> Result<Wide, Unfit> {
    let mut line = Wide::new();
    // A name holds no quote, and what stands in front is taken by simpler rules than the rest.
    between_quotes(&mut line, program);
    for arg in args {
        line.push(SPACE);
        let is_plain = !arg.is_empty() && !arg.iter().any(|unit| [SPACE, TAB, QUOTE].contains(unit));
        if is_plain { line.extend(arg) } else { quoted(&mut line, arg, BACKSLASH) }
    }
    closed(line)
}

/// The line by which `shell`, which is `cmd.exe`, runs a batch file with exactly these arguments, none of which
/// it may take for anything else: a variable, a command, the end of a quotation.
pub(crate) fn batch(shell: &[u16], file: &[u16], args: &[Wide]) -> Result<Wide, Unfit> {
    let mut inner = Wide::new();
    between_quotes(&mut inner, file);
    for arg in args {
        inner.push(SPACE);
        // Always between quotes, where only these two mean anything to it; a quote is doubled, and not behind a
        // backslash, which it does not know.
        let mut quotation = Wide::new();
        quoted(&mut quotation, arg, QUOTE);
        for unit in quotation {
            match unit {
                // A percent sign, and a part of a variable that is always there which is always empty.
                PERCENT => inner.extend("%%cd:~,%".encode_utf16()),
                unit => inner.push(unit),
            }
        }
    }
    through(shell, "/e:on /v:off /d /s /c", &inner)
}

/// The line by which `shell`, which is `cmd.exe`, carries out a command that is written for it.
pub(crate) fn command(shell: &[u16], command: &[u16]) -> Result<Wide, Unfit> {
    through(shell, "/d /s /c", command)
}

/// With `/s`, the shell takes the first and the last quote away and nothing else.
fn through(shell: &[u16], switches: &str, inner: &[u16]) -> Result<Wide, Unfit> {
    if inner.iter().any(|&unit| unit == u16::from(b'\n') || unit == u16::from(b'\r')) {
        return Err(Unfit::LineBreak);
    }
    let mut line = Wide::new();
    between_quotes(&mut line, shell);
    line.push(SPACE);
    line.extend(switches.encode_utf16());
    line.push(SPACE);
    between_quotes(&mut line, inner);
    closed(line)
}

fn between_quotes(line: &mut Wide, text: &[u16]) {
    line.push(QUOTE);
    line.extend(text);
    line.push(QUOTE);
}

/// An argument between quotes, each of its own behind an `escape`.
fn quoted(line: &mut Wide, arg: &[u16], escape: u16) {
    line.push(QUOTE);
    // Backslashes mean themselves, except in front of a quote, where each is written twice.
    let mut backslashes = 0;
    for &unit in arg {
        if unit == QUOTE {
            line.extend(std::iter::repeat_n(BACKSLASH, backslashes));
            line.push(escape);
        }
        backslashes = if unit == BACKSLASH { backslashes + 1 } else { 0 };
        line.push(unit);
    }
    line.extend(std::iter::repeat_n(BACKSLASH, backslashes));
    line.push(QUOTE);
}

fn closed(mut line: Wide) -> Result<Wide, Unfit> {
    if line.contains(&0) {
        return Err(Unfit::Zero);
    }
    line.push(0);
    Ok(line)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn wide(text: &str) -> Wide {
        text.encode_utf16().collect()
    }

    fn text(line: &[u16]) -> String {
        String::from_utf16(line.strip_suffix(&[0]).unwrap()).unwrap()
    }

    fn line(args: &[&str]) -> String {
        let args: Vec<Wide> = args.iter().map(|arg| wide(arg)).collect();
        text(&ordinary(&wide(r"C:\Program Files\agent.exe"), &args).unwrap())
    }

    fn batch_line(args: &[&str]) -> String {
        let args: Vec<Wide> = args.iter().map(|arg| wide(arg)).collect();
        text(&batch(&wide("cmd.exe"), &wide(r"C:\npm\codex.cmd"), &args).unwrap())
    }

    #[test]
    fn an_argument_is_quoted_where_it_has_to_be() {
        let program = r#""C:\Program Files\agent.exe""#;
        for (arg, written) in [
            ("-p", "-p"),
            ("", r#""""#),
            ("two words", r#""two words""#),
            ("a\tb", "\"a\tb\""),
            (r"C:\a\b", r"C:\a\b"),
            (r"C:\a b\", r#""C:\a b\\""#),
            (r#"say "yes""#, r#""say \"yes\"""#),
            (r#"\""#, r#""\\\"""#),
            ("a&b|c>d%PATH%", "a&b|c>d%PATH%"),
            ("two\nlines", "two\nlines"),
        ] {
            assert_eq!(line(&[arg]), format!("{program} {written}"), "{arg:?}");
        }
    }

    #[test]
    fn a_batch_file_gets_nothing_that_the_shell_could_mistake() {
        let begin = r#""cmd.exe" /e:on /v:off /d /s /c ""C:\npm\codex.cmd""#;
        for (arg, written) in [
            ("exec", r#""exec""#),
            ("", r#""""#),
            ("a & del b", r#""a & del b""#),
            (r#"" & calc & ""#, r#"""" & calc & """"#),
            (r#"model="x""#, r#""model=""x""""#),
            (r#"end\"#, r#""end\\""#),
            (r#"\""#, r#""\\""""#),
            ("%PATH%", r#""%%cd:~,%PATH%%cd:~,%""#),
        ] {
            assert_eq!(batch_line(&[arg]), format!("{begin} {written}\""), "{arg:?}");
        }
        for broken in ["one\ntwo", "one\rtwo"] {
            assert_eq!(batch(&[], &[], &[wide(broken)]), Err(Unfit::LineBreak));
        }
    }

    #[test]
    fn a_command_is_given_to_the_shell_as_it_is() {
        let given = command(&wide(r"C:\Windows\System32\cmd.exe"), &wide(r#"cd "a b" && dir"#)).unwrap();
        assert_eq!(text(&given), r#""C:\Windows\System32\cmd.exe" /d /s /c "cd "a b" && dir""#);
        assert_eq!(command(&[], &wide("dir\ndel x")), Err(Unfit::LineBreak), "the second would be dropped");
    }

    #[test]
    fn what_would_be_cut_is_refused() {
        assert_eq!(ordinary(&[], &[vec![65, 0, 66]]), Err(Unfit::Zero));
        assert_eq!(batch(&[], &[], &[vec![0]]), Err(Unfit::Zero));
    }

    /// Takes a line apart by the rules of Microsoft's C library, written from their description.
    fn taken_apart(line: &str) -> Vec<String> {
        let mut chars = line.chars().peekable();
        let mut args = Vec::new();
        // The program's name: up to the closing quote, whatever is inside.
        chars.next();
        args.push(chars.by_ref().take_while(|&c| c != '"').collect());
        loop {
            while chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
            if chars.peek().is_none() {
                return args;
            }
            let (mut arg, mut inside) = (String::new(), false);
            while let Some(&c) = chars.peek() {
                if !inside && matches!(c, ' ' | '\t') {
                    break;
                }
                let mut backslashes = 0;
                while chars.next_if_eq(&'\\').is_some() {
                    backslashes += 1;
                }
                if chars.peek() == Some(&'"') {
                    arg.extend(std::iter::repeat_n('\\', backslashes / 2));
                    chars.next();
                    if backslashes % 2 == 1 || inside && chars.next_if_eq(&'"').is_some() {
                        arg.push('"');
                    } else {
                        inside = !inside;
                    }
                } else if backslashes > 0 {
                    arg.extend(std::iter::repeat_n('\\', backslashes));
                } else {
                    arg.push(c);
                    chars.next();
                }
            }
            args.push(arg);
        }
    }

    proptest! {
        #[test]
        fn any_arguments_come_out_as_they_went_in(args in proptest::collection::vec(r#"[a\\" \t&%é\n]{0,8}"#, 0..5)) {
            let given: Vec<Wide> = args.iter().map(|arg| wide(arg)).collect();
            let line = text(&ordinary(&wide(r"C:\a b\agent.exe"), &given).unwrap());
            let mut expected = vec![r"C:\a b\agent.exe".to_owned()];
            expected.extend(args);
            prop_assert_eq!(taken_apart(&line), expected);
        }

        #[test]
        fn a_batch_file_hands_any_arguments_on_as_they_went_in(
            args in proptest::collection::vec(r#"[a\\" &|<>^%!é]{0,8}"#, 0..5)
        ) {
            let given: Vec<Wide> = args.iter().map(|arg| wide(arg)).collect();
            let line = text(&batch(&wide("cmd.exe"), &wide(r"C:\a b\agent.cmd"), &given).unwrap());
            // The shell takes the outer quotes away, and the empty parts of a variable.
            let inner = line.strip_prefix(r#""cmd.exe" /e:on /v:off /d /s /c ""#).unwrap().strip_suffix('"').unwrap();
            let seen = inner.replace("%cd:~,%", "");
            let mut inside = false;
            for c in seen.chars() {
                inside ^= c == '"';
                prop_assert!(inside || matches!(c, '"' | ' '), "{c:?} stands open in {seen}");
            }
            let mut expected = vec![r"C:\a b\agent.cmd".to_owned()];
            expected.extend(args);
            prop_assert_eq!(taken_apart(&seen), expected);
        }
    }
}
