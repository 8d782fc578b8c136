//! Words as the demo agent reads and writes them: titles, keys, single lines, verbs.

/// The longest title, in characters.
const TITLE: usize = 60;

/// Verbs that a task may begin with.
const VERBS: &[&str] = &[
    "add",
    "analyse",
    "analyze",
    "ask",
    "build",
    "change",
    "check",
    "choose",
    "clean",
    "collect",
    "compare",
    "count",
    "create",
    "decide",
    "deploy",
    "describe",
    "design",
    "develop",
    "do",
    "document",
    "draft",
    "draw",
    "explain",
    "explore",
    "find",
    "fix",
    "gather",
    "implement",
    "improve",
    "install",
    "interview",
    "investigate",
    "lay",
    "list",
    "look",
    "make",
    "measure",
    "migrate",
    "organise",
    "organize",
    "pick",
    "plan",
    "port",
    "prepare",
    "propose",
    "prove",
    "publish",
    "read",
    "refactor",
    "release",
    "remove",
    "rename",
    "replace",
    "report",
    "research",
    "review",
    "rewrite",
    "run",
    "send",
    "set",
    "settle",
    "show",
    "sketch",
    "sort",
    "split",
    "summarise",
    "summarize",
    "talk",
    "test",
    "translate",
    "try",
    "tune",
    "update",
    "use",
    "verify",
    "write",
];

/// Whether the text begins with a verb of [`VERBS`].
pub fn starts_with_verb(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    VERBS.contains(&first.trim_matches(|c: char| !c.is_alphanumeric()))
}

/// Whether the words stand in the text as words; both in lower case.
pub fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        let after = text[at + word.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric());
        before && after
    })
}

/// A title from these words: one line that begins with a verb, at most 60 characters.
pub fn title_of(words: &str) -> String {
    let words = one_line(words);
    let words = if starts_with_verb(&words) { words } else { format!("Prepare {}", lower_first(&words)) };
    let words = words.trim_end_matches(['.', ',', ':', ';']);
    let short = if words.chars().count() > TITLE {
        let cut: String = words.chars().take(TITLE - 1).collect();
        format!("{}…", cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole))
    } else {
        words.to_owned()
    };
    capitalised(&short)
}

/// Plain lower-case words joined by hyphens, at most 24 characters; never empty.
pub fn slug(words: &str) -> String {
    let mut slug = String::new();
    for c in words.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 24 {
            break;
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "task".to_owned() } else { slug.to_owned() }
}

/// The words on one line, at most 160 characters.
pub fn one_line(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 160 {
        format!("{}…", line.chars().take(159).collect::<String>())
    } else {
        line
    }
}

/// The words with a capital first letter.
pub fn capitalised(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The words with a small first letter, unless they begin with an abbreviation.
pub fn lower_first(words: &str) -> String {
    let mut chars = words.chars();
    let shouted = words.chars().nth(1).is_some_and(char::is_uppercase);
    match chars.next() {
        Some(first) if !shouted => first.to_lowercase().chain(chars).collect(),
        _ => words.to_owned(),
    }
}
