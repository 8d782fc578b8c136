//! Colour for code: comments, strings, numbers and the keywords that most languages share. Lexical only and
//! small; a grammar for each language would be larger than the rest of the page.

/// A piece of code and its class: `k` keyword, `s` string, `f` number or name of a type, `c` comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub class: &'static str,
    pub text: String,
}

const KEYWORDS: &str = " as async await break case catch class const continue def default do elif else enum export extends \
 false finally fn for from func function if impl import in interface is lambda let loop match mod move mut new nil none None null \
 package pass private pub public raise return self Self static struct super switch this throw trait true True False try type \
 typeof use using var void where while with yield select insert update delete create table and or not then fi done echo ";

struct Syntax {
    line: &'static [&'static str],
    block: Option<(&'static str, &'static str)>,
    quotes: &'static str,
}

fn syntax(language: &str) -> Option<Syntax> {
    let c = Some(("/*", "*/"));
    Some(match language.to_ascii_lowercase().as_str() {
        "rust" | "rs" => Syntax { line: &["//"], block: c, quotes: "\"" },
        "js" | "javascript" | "ts" | "typescript" | "tsx" | "jsx" | "go" | "java" | "c" | "cpp" | "c++"
        | "cs" | "kotlin" | "swift" | "scala" | "php" | "dart" => {
            Syntax { line: &["//"], block: c, quotes: "\"'`" }
        }
        "css" | "scss" => Syntax { line: &[], block: c, quotes: "\"'" },
        "python" | "py" | "ruby" | "rb" | "sh" | "bash" | "shell" | "zsh" | "toml" | "yaml" | "yml" | "r"
        | "perl" | "make" | "dockerfile" => Syntax { line: &["#"], block: None, quotes: "\"'" },
        "sql" | "lua" | "haskell" => Syntax { line: &["--"], block: c, quotes: "'\"" },
        "json" => Syntax { line: &[], block: None, quotes: "\"" },
        "html" | "xml" | "svg" => Syntax { line: &[], block: Some(("<!--", "-->")), quotes: "\"'" },
        _ => return None,
    })
}

/// Cuts code into pieces; a language that is not known gives one.
pub fn highlight(language: &str, code: &str) -> Vec<Piece> {
    let Some(syntax) = syntax(language) else { return vec![Piece { class: "", text: code.to_owned() }] };
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = code;
    while !rest.is_empty() {
        let (class, len) = next(&syntax, rest);
        let (text, after) = rest.split_at(len);
        match pieces.last_mut() {
            Some(last) if last.class == class => last.text.push_str(text),
            _ => pieces.push(Piece { class, text: text.to_owned() }),
        }
        rest = after;
    }
    pieces
}

/// The class and length of what `rest` begins with; the length is never zero.
fn next(syntax: &Syntax, rest: &str) -> (&'static str, usize) {
    let to_line_end = || rest.find('\n').unwrap_or(rest.len());
    if syntax.line.iter().any(|mark| rest.starts_with(mark)) {
        return ("c", to_line_end());
    }
    if let Some((open, close)) = syntax.block
        && let Some(body) = rest.strip_prefix(open)
    {
        return ("c", body.find(close).map_or(rest.len(), |end| open.len() + end + close.len()));
    }
    let Some(first) = rest.chars().next() else { return ("", rest.len()) };
    if syntax.quotes.contains(first) {
        return ("s", string(rest, first));
    }
    if first.is_ascii_digit() {
        return ("f", word(rest, |c| c.is_ascii_alphanumeric() || c == '.' || c == '_'));
    }
    if first.is_alphabetic() || first == '_' {
        let len = word(rest, |c| c.is_alphanumeric() || c == '_');
        let text = &rest[..len];
        let keyword = KEYWORDS.split(' ').any(|keyword| keyword == text);
        let class = if keyword {
            "k"
        } else if first.is_uppercase() {
            "f"
        } else {
            ""
        };
        return (class, len);
    }
    ("", first.len_utf8())
}

fn word(rest: &str, within: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !within(c)).unwrap_or(rest.len()).max(1)
}

/// A string ends at its quote or, where one forgot it, at the line.
fn string(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' if quote != '`' => return at,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::highlight;

    #[test]
    fn no_byte_is_lost() {
        let code = "fn main() { // ünicode \"x\n  let s = \"a\\\"b\"; /* open\n 0x1f_u8 é";
        for language in ["rust", "python", "sql", "html", "what"] {
            for end in (0..=code.len()).filter(|&end| code.is_char_boundary(end)) {
                let whole: String =
                    highlight(language, &code[..end]).into_iter().map(|piece| piece.text).collect();
                assert_eq!(whole, code[..end]);
            }
        }
    }
}
