//! What a prompt asks for: the conductor's prompts are Markdown with known headings; any other text is a goal.

/// What kind of turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A goal, or anything that is none of the others.
    Goal,
    /// A task below a goal is to be split, or what is below it planned again.
    Split,
    /// The person wants another plan of the goal.
    Again,
    /// The last plan was refused.
    Mend,
    /// The person has written.
    Says,
    /// An interrupted turn is taken up again.
    GoOn,
    Task,
    /// What was found wrong with the work goes back to it.
    Repair,
    /// Another agent's work is to be reviewed.
    Review,
    Summary,
    Talk,
}

#[derive(Debug, Clone)]
pub struct Brief<'a> {
    pub kind: Kind,
    /// What stands behind the colon of the first heading.
    pub title: &'a str,
    text: &'a str,
}

/// The headings that end a section. Others, and these within a goal's own words, belong to the section.
const SECTIONS: [&str; 27] = [
    "## Guidelines",
    "## Where it is too much for one agent",
    "## How it failed",
    "## The attempt before this one failed",
    "## What was found",
    "## What the worker says",
    "## What was checked by machine",
    "## How to review",
    "## Cut to fit",
    "## Inputs",
    "## Memory",
    "## Goal",
    "## How to answer",
    "## Objective",
    "## Mode",
    "## How to work",
    "## Context",
    "## Expected when it is done",
    "## Results of earlier tasks",
    "## Results of the parts",
    "## Results so far",
    "## What the person said before",
    "## The person says",
    "## Current plan",
    "## What was wrong with your last answer",
    "## Where the work is",
    "# The person says",
];

impl<'a> Brief<'a> {
    pub fn of(prompt: &'a str) -> Self {
        let text = prompt.trim();
        let first = text.lines().next().unwrap_or_default().trim();
        let titled = |start: &str| first.strip_prefix(start).map(str::trim);
        let (kind, title) = if let Some(title) = titled("# Your task:") {
            (Kind::Task, title)
        } else if let Some(title) = titled("# Review:") {
            (Kind::Review, title)
        } else if let Some(title) = titled("# Sum up:") {
            (Kind::Summary, title)
        } else if let Some(title) = titled("# Split this task:").or_else(|| titled("# Plan this again:")) {
            (Kind::Split, title)
        } else {
            let kind = match first {
                "# Plan this goal again" => Kind::Again,
                "# Mend the plan" => Kind::Mend,
                "# The person says" => Kind::Says,
                "# Go on" => Kind::GoOn,
                "# Mend your work" => Kind::Repair,
                "# About this goal" => Kind::Talk,
                _ => Kind::Goal,
            };
            (kind, "")
        };
        Self { kind, title, text }
    }

    /// The words under this heading; nothing when it is not there.
    pub fn section(&self, heading: &str) -> Option<&'a str> {
        let mut at = 0;
        let mut begun = None;
        for line in self.text.split_inclusive('\n') {
            let trimmed = line.trim_end();
            match begun {
                None if trimmed == heading => begun = Some(at + line.len()),
                Some(from) if SECTIONS.contains(&trimmed) => return Some(self.text[from..at].trim()),
                _ => {}
            }
            at += line.len();
        }
        begun.map(|from| self.text[from..].trim())
    }

    /// The goal, or the whole text where nothing is marked as one.
    pub fn goal(&self) -> &'a str {
        self.section("## Goal").unwrap_or(self.text)
    }

    /// What the person wrote for this turn.
    pub fn says(&self) -> Option<&'a str> {
        self.section("# The person says").or_else(|| self.section("## The person says"))
    }

    /// The parts of a results section: a name, and what is said of it.
    pub fn parts(&self) -> Vec<(&'a str, &'a str)> {
        let results = self.section("## Results of the parts").unwrap_or_default();
        let parts = results.split("\n### ").map(|part| part.strip_prefix("### ").unwrap_or(part));
        parts
            .filter_map(|part| part.split_once('\n'))
            .map(|(name, words)| (name.trim(), words.trim()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_falls_into_its_sections() {
        let prompt = "# Your task: Write it\n\n## Objective\n\nWrite\n## Not a section\nall.\n\n## Mode\n\nHybrid: ask.\n";
        let brief = Brief::of(prompt);
        assert_eq!((brief.kind, brief.title), (Kind::Task, "Write it"));
        assert_eq!(brief.section("## Objective"), Some("Write\n## Not a section\nall."));
        assert_eq!(brief.section("## Mode"), Some("Hybrid: ask."));
        assert_eq!(brief.section("## Context"), None);
        assert_eq!(Brief::of("what is this?").goal(), "what is this?");
    }

    #[test]
    fn the_parts_of_a_summary_are_told_apart() {
        let brief = Brief::of(
            "# Sum up: All\n\n## Results of the parts\n\n### One\n\nDone.\n\nFiles: a\n\n### Two\n\nFailed: why\n",
        );
        assert_eq!(brief.parts(), [("One", "Done.\n\nFiles: a"), ("Two", "Failed: why")]);
    }
}
