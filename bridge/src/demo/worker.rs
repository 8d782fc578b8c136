//! Does a task as far as one can without a model: says what it does, leaves a note in the folder, asks where a
//! person must choose, and reports. It never writes over a file that it has not made.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;
use shared::plan::{ReportOutcome, TaskReport};

use super::brief::Brief;
use super::stage::Stage;
use super::words::{one_line, slug};

/// Where the notes go, below the folder that the agent works in.
const FOLDER: &str = "demo";
/// The first line of every file of its making.
const MARK: &str = "<!-- Made by the demo agent of Orchestrator. -->";
const NAMES: u32 = 100;

/// One turn of a task.
pub struct Job<'a> {
    pub title: &'a str,
    pub objective: &'a str,
    /// What is expected of it, a list.
    pub expected: &'a str,
    /// What the person has written for this turn.
    pub says: Option<&'a str>,
    pub with_person: bool,
    /// Ask before anything is done.
    pub asks: bool,
    pub writes: bool,
    /// The results of earlier tasks that the prompt carried.
    pub earlier: &'a str,
}

pub fn work<W: Write>(stage: &mut Stage<W>, job: &Job<'_>) -> io::Result<TaskReport> {
    stage.thinks(&format!(
        "The task is “{}”. I have no model, so I show the steps and leave a note.",
        job.title
    ))?;
    if job.asks {
        return asks(stage, job);
    }
    stage.says(&opening(job))?;
    let listing = listing();
    stage.calls("Glob", &json!({"pattern": "*"}), &listing, false)?;
    if !job.writes {
        let summary = "The demo agent may only read here, so it has looked and written nothing.".to_owned();
        stage.says(&summary)?;
        let not_done = vec!["Writing: this run was given read access only.".to_owned()];
        return Ok(TaskReport { not_done, ..report(ReportOutcome::Done, summary) });
    }
    let text = note(job);
    let wished = format!("{FOLDER}/{}.md", stem(job));
    if let Some(why) = stage.may_not("Write", &json!({"file_path": wished, "content": text}))? {
        stage.calls("Write", &json!({"file_path": wished}), &why, true)?;
        let summary =
            "I was not allowed to write my note, so there is none (demo agent, no model).".to_owned();
        stage.says(&summary)?;
        let not_done = vec![format!("`{wished}`: {why}")];
        return Ok(TaskReport { not_done, ..report(ReportOutcome::Done, summary) });
    }
    match write_note(Path::new("."), &stem(job), job.title, &text) {
        Ok(path) => {
            stage.calls(
                "Write",
                &json!({"file_path": path, "content": text}),
                &format!("File created successfully at: {path}"),
                false,
            )?;
            stage.says(&closing(job, &path))?;
            let words = if job.with_person {
                "Noted what we said."
            } else {
                "Left a note where a real agent's work would be."
            };
            let summary = format!("{words} It is in `{path}` (demo agent, no model).");
            Ok(TaskReport { outputs: vec![path], ..report(ReportOutcome::Done, summary) })
        }
        Err(error) => {
            let path = format!("{FOLDER}/{}.md", stem(job));
            stage.calls(
                "Write",
                &json!({"file_path": path, "content": text}),
                &format!("cannot write {path}: {error}"),
                true,
            )?;
            let summary = format!("`{path}` cannot be written: {error}. Is the folder writable?");
            stage.says(&summary)?;
            Ok(report(ReportOutcome::Failed, summary))
        }
    }
}

/// A report of this outcome without anything else.
pub fn report(outcome: ReportOutcome, summary: String) -> TaskReport {
    TaskReport {
        outcome,
        summary,
        question: String::new(),
        options: Vec::new(),
        outputs: Vec::new(),
        not_done: Vec::new(),
        tasks: Vec::new(),
    }
}

fn asks<W: Write>(stage: &mut Stage<W>, job: &Job<'_>) -> io::Result<TaskReport> {
    let question = format!("“{}”: how shall I go about it?", job.title);
    stage.says(&format!("Before I begin, one thing is yours to decide.\n\n**{question}**"))?;
    let options = ["Keep it simple", "Do it thoroughly", "Surprise me"].map(str::to_owned).into();
    let summary = "Waits for an answer; nothing is done yet.".to_owned();
    Ok(TaskReport { question, options, ..report(ReportOutcome::Question, summary) })
}

fn opening(job: &Job<'_>) -> String {
    let said =
        job.says.map(|says| format!("You say: “{}”. I go by that.\n\n", one_line(says))).unwrap_or_default();
    let earlier = if job.earlier.is_empty() { "" } else { "- build on the results of the earlier tasks\n" };
    format!(
        "{said}I work on **{}**. I will\n\n- look at what is in the folder\n{earlier}- write down what was asked in a note\n- report",
        job.title
    )
}

fn closing(job: &Job<'_>, path: &str) -> String {
    let ask = if job.with_person {
        "\n\nWhat shall be different? Write to me, or say that it is done."
    } else {
        ""
    };
    format!(
        "The note is there:\n\n```sh\ncat {path}\n```\n\nA real agent would have done the task; this one shows how it would look.{ask}"
    )
}

fn note(job: &Job<'_>) -> String {
    let mut text = format!("{MARK}\n# {}\n\n## What was asked\n\n{}\n", job.title, job.objective);
    if let Some(says) = job.says {
        text.push_str(&format!("\n## What the person said\n\n{}\n", says.trim()));
    }
    if !job.earlier.is_empty() {
        let names = job.earlier.lines().filter_map(|line| line.strip_prefix("### "));
        let list: String = names.map(|name| format!("- {name}\n")).collect();
        text.push_str(&format!("\n## What came before\n\n{list}"));
    }
    text.push_str("\nThe demo agent has no model: this note stands where a real agent's work would be.\n");
    text
}

/// The name of its note: the first that is expected where the notes go, else one of its title's.
fn stem(job: &Job<'_>) -> String {
    let notes = job.expected.lines().filter_map(|line| {
        let path = line.trim().strip_prefix("- ")?.strip_prefix(FOLDER)?.strip_prefix('/')?;
        path.strip_suffix(".md")
    });
    let expected = notes.map(str::to_owned).find(|name| *name == slug(name));
    expected.unwrap_or_else(|| slug(job.title))
}

/// Writes the note under this name or the next that is free, below `root`, and gives its path relative to it.
fn write_note(root: &Path, stem: &str, title: &str, text: &str) -> io::Result<String> {
    let folder = root.join(FOLDER);
    match fs::symlink_metadata(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::create_dir(&folder) {
            // Another task has just made it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        },
        Err(error) => return Err(error),
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Err(io::Error::other("`demo` is there and is not a folder")),
    }
    for n in 1..=NAMES {
        let name = if n == 1 { format!("{stem}.md") } else { format!("{stem}-{n}.md") };
        let path = folder.join(&name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => file.write_all(text.as_bytes())?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !is_own(&path, title) {
                    continue;
                }
                fs::write(&path, text)?;
            }
            Err(error) => return Err(error),
        }
        return Ok(format!("{FOLDER}/{name}"));
    }
    Err(io::Error::other(format!("{NAMES} files of that name are there and not the demo agent's")))
}

/// Whether it is a plain file that the demo agent made for this very task.
fn is_own(path: &Path, title: &str) -> bool {
    let plain = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
    plain && fs::read_to_string(path).is_ok_and(|text| text.starts_with(&format!("{MARK}\n# {title}\n")))
}

/// The first names in the folder.
pub fn listing() -> String {
    let Ok(entries) = fs::read_dir(".") else { return "The folder cannot be read.".to_owned() };
    let mut names: Vec<String> = entries
        .take(1000)
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let more = names.len().saturating_sub(20);
    names.truncate(20);
    match (names.is_empty(), more) {
        (true, _) => "The folder is empty.".to_owned(),
        (_, 0) => names.join("\n"),
        _ => format!("{}\n… and {more} more", names.join("\n")),
    }
}

/// Sums up what the parts of a goal or group came to.
pub fn sum_up(brief: &Brief<'_>) -> TaskReport {
    let parts = brief.parts();
    let (mut lines, mut outputs, mut not_done) = (Vec::new(), Vec::new(), Vec::new());
    for (name, words) in &parts {
        let first = words.lines().find(|line| !line.trim().is_empty()).unwrap_or("It left no words.");
        lines.push(format!("- **{name}**: {}", one_line(first)));
        for line in words.lines() {
            if let Some(files) = line.strip_prefix("Files: ") {
                outputs.extend(files.split(", ").map(str::to_owned));
            } else if let Some(left) = line.strip_prefix("Not done: ") {
                not_done.push(format!("{name}: {left}"));
            }
        }
        if first.starts_with("Failed") || first.starts_with("Stopped") {
            not_done.push(format!("{name}: {}", one_line(first)));
        }
    }
    let count = parts.len();
    let mut summary = format!(
        "## {}\n\n{count} {} over.\n\n{}\n",
        brief.title,
        if count == 1 { "part is" } else { "parts are" },
        lines.join("\n")
    );
    if !outputs.is_empty() {
        let list: Vec<String> = outputs.iter().map(|path| format!("- `{path}`")).collect();
        summary.push_str(&format!("\nFiles:\n\n{}\n", list.join("\n")));
    }
    if !not_done.is_empty() {
        let list: Vec<String> = not_done.iter().map(|left| format!("- {left}")).collect();
        summary.push_str(&format!("\nNot done:\n\n{}\n", list.join("\n")));
    }
    TaskReport { outputs, not_done, ..report(ReportOutcome::Done, summary) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]
    use super::*;

    #[test]
    fn a_file_that_it_has_not_made_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let own = format!("{MARK}\n# Write it\n\nfirst\n");
        assert_eq!(write_note(dir.path(), "write-it", "Write it", &own).unwrap(), "demo/write-it.md");
        assert_eq!(write_note(dir.path(), "write-it", "Write it", &own).unwrap(), "demo/write-it.md");
        fs::write(dir.path().join("demo/write-it.md"), "precious").unwrap();
        assert_eq!(write_note(dir.path(), "write-it", "Write it", &own).unwrap(), "demo/write-it-2.md");
        assert_eq!(fs::read_to_string(dir.path().join("demo/write-it.md")).unwrap(), "precious");
        let other = format!("{MARK}\n# Write it!\n\n");
        assert_eq!(write_note(dir.path(), "write-it", "Write it!", &other).unwrap(), "demo/write-it-3.md");
    }

    #[cfg(unix)]
    #[test]
    fn it_does_not_follow_a_link_out_of_the_folder() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("demo")).unwrap();
        write_note(dir.path(), "write-it", "Write it", "x").unwrap_err();
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_summary_names_what_was_done_and_what_was_not() {
        let prompt = "# Sum up: All\n\n## Results of the parts\n\n### One\n\nDone well.\n\nFiles: demo/a.md, demo/b.md\n\n### Two\n\nFailed: no luck\n";
        let report = sum_up(&Brief::of(prompt));
        assert_eq!(report.outputs, ["demo/a.md", "demo/b.md"]);
        assert_eq!(report.not_done, ["Two: Failed: no luck"]);
        assert!(report.summary.contains("2 parts are over."), "{}", report.summary);
    }
}
