//! Where a text that is still being written can be cut: what lies before is finished and is rendered once.

/// The length of the part of `text` whose top-level blocks nothing to come can change. It ends at a blank
/// line outside of a fence, before a line that begins a new block at the margin.
pub fn finished(text: &str) -> usize {
    let mut fence: Option<&str> = None;
    let mut cut = 0;
    let mut blank = false;
    let mut at = 0;
    // The last line may still grow, so it begins nothing yet.
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    for line in text[..whole].split_inclusive('\n') {
        let bare = line.trim_end();
        if fence.is_none() && blank && begins_block(bare) {
            cut = at;
        }
        let indent = bare.len() - bare.trim_start().len();
        if indent < 4 {
            let start = bare.trim_start();
            match fence {
                None => fence = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark)),
                Some(mark)
                    if start.starts_with(mark)
                        && start.trim_matches(mark.chars().next().unwrap_or('`')).is_empty() =>
                {
                    fence = None
                }
                Some(_) => {}
            }
        }
        blank = bare.is_empty();
        at += line.len();
    }
    cut
}

/// A line at the margin that cannot go on with a list, a quote or a table before it.
fn begins_block(line: &str) -> bool {
    let Some(first) = line.chars().next() else { return false };
    let continues = first.is_whitespace()
        || first.is_ascii_digit()
        || matches!(first, '-' | '*' | '+' | '>' | '|' | '[' | '<');
    !continues
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::finished;

    /// Rendering the finished part and the rest apart gives what rendering the whole gives.
    fn check(text: &str) {
        for end in (0..=text.len()).filter(|&end| text.is_char_boundary(end)) {
            let cut = finished(&text[..end]);
            assert!(cut <= end);
            let mut apart = parse(&text[..cut]);
            apart.extend(parse(&text[cut..]));
            assert_eq!(apart, parse(text), "cut at {cut} of {end} in {text:?}");
        }
    }

    #[test]
    fn cuts_change_nothing() {
        check(
            "One\n\nTwo *with* stress\n\n- a\n\n- b\n  more\n\nThree\n\n```rust\nfn a() {}\n\nfn b() {}\n```\n\nFour\n",
        );
        check(
            "# Head\n\n1. one\n\n2. two\n\nafter\n\n> quote\n\n> more\n\nend\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nlast",
        );
        check("~~~\n```\n\ntext\n~~~\n\nAfter\n\n    indented\n\n    more\n\nEnd\n");
    }

    #[test]
    fn finished_text_is_not_kept_open() {
        let text = "One\n\nTwo\n\nThree";
        assert_eq!(finished(text), "One\n\n".len());
    }
}
