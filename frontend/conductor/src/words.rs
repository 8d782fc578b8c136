//! Facts in words: money, spans of time, reasons. Short and plain, figures with units.

use shared::agent::{ErrorClass, FoundAgent};
use shared::context::Cut;
use shared::entry::Room;
use shared::evidence::Preset;
use shared::harness::Tried;
use shared::id::TaskId;
use shared::limits::Stage;
use shared::plan::{Access, Mode, Size};
use shared::retry::{Again, Policy};
use shared::sizing::Sizing;
use shared::unit::{Bytes, MicroUsd, Millis};

use crate::State;
use crate::budget::{self, Cap};
use crate::decide::{self, Bound, Hearing};
use crate::health::Warning;
use crate::plan::diff::{Change, Field, What};
use crate::plan::name;
use crate::sizing::{self, Guess};
use crate::state::{Phase, Run, SizedBy, Spend, Task};
use crate::status::{Kind, Reason, Status};

mod permission;

pub use permission::{ONCE, beginning, deed, reply, rule, scope};

/// "$0.42", "≈ $0.42" where a part is estimated, "$0.42 + unknown", "unknown"; nothing where nothing was spent.
pub fn money(spend: Spend) -> String {
    let sum = spend.known + spend.estimated;
    let figure = if spend.estimated > MicroUsd(0) { about(sum) } else { dollars(sum) };
    match (sum.0, spend.unknown_runs) {
        (0, 0) => String::new(),
        (_, 0) => figure,
        (0, _) => "cost unknown".to_owned(),
        _ => format!("{figure} + unknown"),
    }
}

/// "≈ $0.42": what nobody told, but tokens tell.
pub fn about(sum: MicroUsd) -> String {
    format!("≈ {}", dollars(sum))
}

/// What a run cost, or is thought to have cost so far: "$0.42", "≈ $0.42 so far", "cost unknown".
pub fn cost(run: &Run) -> String {
    match (&run.phase, run.estimate) {
        (Phase::Read { .. }, _) => money(run.spend()),
        (_, Some(estimate)) => format!("{} so far", about(estimate)),
        (_, None) => String::new(),
    }
}

/// What a task and all below it has cost, with what runs are thought to have cost so far, and of how much where a person
/// said so or where it comes near: "$0.42 of $5.00".
pub fn spent(state: &State, task: &Task) -> String {
    let running = Spend { estimated: task.account.running, ..Spend::default() };
    let spent = money(task.account.spend.with(running));
    let envelope = budget::envelope(state, task);
    match envelope.filter(|envelope| task.caps.budget.is_some() || envelope.is_near()) {
        Some(envelope) if spent.is_empty() => format!("$0 of {}", dollars(envelope.budget)),
        Some(envelope) => format!("{spent} of {}", dollars(envelope.budget)),
        None => spent,
    }
}

/// "$0.42", or "<$0.01" for what is less.
pub fn dollars(sum: MicroUsd) -> String {
    let cents = sum.0.saturating_add(5_000) / 10_000;
    if (1..10_000).contains(&sum.0) {
        "<$0.01".to_owned()
    } else {
        format!("${}.{:02}", cents / 100, cents % 100)
    }
}

/// "budget of $1.00", "budget of 4.2 ($5.00)", "3 requests for reviews": a cap, and whose it is or of which stage where it is
/// not the task's own in whole.
pub fn cap(cap: Cap, stage: Option<Stage>, above: Option<&Task>) -> String {
    let whole = whole_cap(cap, above);
    match stage {
        None => whole,
        Some(Stage::Review) => whole + " for reviews",
        Some(Stage::Repair) => whole + " for repairs",
    }
}

fn whole_cap(cap: Cap, above: Option<&Task>) -> String {
    match (cap, above) {
        (Cap::Budget(sum), None) => format!("budget of {}", dollars(sum)),
        (Cap::Budget(sum), Some(above)) if above.is_goal() => {
            format!("the goal's budget of {}", dollars(sum))
        }
        (Cap::Budget(sum), Some(above)) => format!("budget of {} ({})", above.number_text(), dollars(sum)),
        (Cap::Turns(turns), _) => format!("{turns} requests"),
        (Cap::Time(time), _) => span(time),
        (Cap::Tokens(tokens), _) => format!("{tokens} tokens"),
    }
}

/// "950", "12 k", "4.81 M": tokens, or whatever there are many of.
pub fn many(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{} k", count / 1_000),
        _ => format!("{}.{:02} M", count / 1_000_000, count % 1_000_000 / 10_000),
    }
}

/// "400 bytes", "12 KB": an amount of text.
pub fn amount(bytes: Bytes) -> String {
    const MIB: u64 = 1_024 * 1_024;
    match bytes.0 {
        bytes @ 0..1_024 => format!("{bytes} bytes"),
        bytes @ 1_024..MIB => format!("{} KB", (bytes + 512) / 1_024),
        bytes @ MIB..0x4000_0000 => format!("{}.{} MB", bytes / MIB, bytes % MIB * 10 / MIB),
        bytes => format!("{}.{} GB", bytes / 0x4000_0000, bytes % 0x4000_0000 * 10 / 0x4000_0000),
    }
}

/// "Cut to fit: 12 KB of 50 KB of results, 400 bytes of 2 KB of the memory."
pub fn cuts(cuts: &[Cut]) -> String {
    let cut = |cut: &Cut| format!("{} of {} of {}", amount(cut.bytes), amount(cut.of), cut.section.name());
    let list: Vec<String> = cuts.iter().map(cut).collect();
    format!("Cut to fit: {}.", list.join(", "))
}

/// "8s", "8m 41s", "2h 05m".
pub fn span(millis: Millis) -> String {
    let secs = millis.0 / 1_000;
    match secs {
        0..60 => format!("{secs}s"),
        60..3_600 => format!("{}m {:02}s", secs / 60, secs % 60),
        _ => format!("{}h {:02}m", secs / 3_600, secs % 3_600 / 60),
    }
}

/// "2, 4.1".
pub fn numbers(state: &State, tasks: &[TaskId]) -> String {
    let named = tasks.iter().filter_map(|id| state.task(id)).map(Task::number_text);
    named.collect::<Vec<_>>().join(", ")
}

/// A node's second line, and a task's state in a sentence.
pub fn reason(state: &State, status: &Status, now: Millis) -> String {
    match &status.reason {
        Reason::Proposed => "starts at once".to_owned(),
        Reason::Removed => "removed".to_owned(),
        Reason::After(tasks) => format!("after {}", numbers(state, tasks)),
        Reason::Planned(task) => match numbers(state, std::slice::from_ref(task)).as_str() {
            "" => "waits for the new plan".to_owned(),
            number => format!("waits for the plan of {number}"),
        },
        Reason::WithParent(task) => format!("starts with {}", numbers(state, std::slice::from_ref(task))),
        Reason::ResumesAt { until, .. } if *until > now => {
            resumes(status, &format!("in {}", span(until.since(now))))
        }
        Reason::Outage { harness, until, .. } if *until > now => {
            format!("tried again in {}, {harness} keeps failing", span(until.since(now)))
        }
        Reason::Outage { harness, .. } => format!("waits for {harness} to answer"),
        Reason::Unattended(cap) => format!("{} spent since you were last here", dollars(*cap)),
        Reason::Terminal => "you have a terminal open".to_owned(),
        Reason::Diagnosing => "looks at why it failed".to_owned(),
        Reason::Sizing => "looks how hard it is".to_owned(),
        Reason::Slot | Reason::ResumesAt { .. } if state.disk.room == Room::None => {
            "waits for room on the disk".to_owned()
        }
        Reason::Slot | Reason::ResumesAt { .. } if state.memory.room == Room::None => {
            "waits for free memory".to_owned()
        }
        Reason::Slot | Reason::ResumesAt { .. } => NEXT.to_owned(),
        Reason::StartsAt(at) if *at > now => format!("starts in {}", span(at.since(now))),
        Reason::StartsAt(_) => NEXT.to_owned(),
        Reason::RepeatsAt(at) if *at <= now => NEXT.to_owned(),
        Reason::RepeatsAt(at) => format!("done; again in {}", span(at.since(now))),
        Reason::Held => "waits for free budget".to_owned(),
        Reason::Used { cap: used, stage, above } => {
            format!("{} used up", cap(*used, *stage, above.as_ref().and_then(|above| state.task(above))))
        }
        Reason::Starting => "starting".to_owned(),
        Reason::Running(doing) if doing.is_empty() => "working".to_owned(),
        Reason::Running(doing) => doing.clone(),
        Reason::Planning => "planning".to_owned(),
        Reason::Summing => "summing up".to_owned(),
        Reason::Looking => "looks at the folder".to_owned(),
        Reason::Checking(check) => format!("checking {check}"),
        Reason::Reviewing => "another agent reviews it".to_owned(),
        Reason::Committing => "committing".to_owned(),
        Reason::Repairing { n, of } => format!("repairing {n} of {of}"),
        Reason::Stopping => "stopping".to_owned(),
        // How far it is stands beside it.
        Reason::Parts { .. } if status.kind == Kind::Waiting => "parts of it need you".to_owned(),
        Reason::Parts { done, all } => format!("{done} of {all} done"),
        Reason::Asks(question) => format!("asks: {question}"),
        Reason::Permission(ask) => format!("asks whether it may {}", deed(ask)),
        Reason::YourTurn => "your turn".to_owned(),
        Reason::Begin => "begins with you".to_owned(),
        Reason::Yours => "yours to do".to_owned(),
        Reason::Approve { version } => format!("plan v{version} waits for you"),
        Reason::PlanProblem(_) => "the plan needs you".to_owned(),
        Reason::NoTasks => "your plan has no tasks yet".to_owned(),
        Reason::Stuck(tasks) => format!("held up by {}", numbers(state, tasks)),
        Reason::Done => "done".to_owned(),
        Reason::Failure { class, .. } => class_words(*class).to_owned(),
        Reason::Stopped => "stopped by you".to_owned(),
    }
}

/// As [`reason`], and of a task that is next in line, which bound it waits at: "next in line, 8 of 8 agents run".
pub fn says(state: &State, task: &Task, status: &Status, now: Millis) -> String {
    let reason = reason(state, status, now);
    // The disk and the memory have words of their own.
    match Some(task).filter(|_| reason == NEXT).and_then(|task| decide::bound(state, task)) {
        Some(bound) => format!("{reason}, {}", self::bound(bound)),
        None => reason,
    }
}

const NEXT: &str = "next in line";

/// "2 of 2 codex agents run", or that none may.
pub fn bound(bound: Bound) -> String {
    let (limit, whose) = match bound {
        Bound::Agents(limit) => (limit, "agents".to_owned()),
        Bound::OfKind(harness, limit) => (limit, format!("{harness} agents")),
        Bound::InFolder(limit) => (limit, "agents in this folder".to_owned()),
    };
    if limit == 0 { format!("limits let no {whose} run") } else { format!("{limit} of {limit} {whose} run") }
}

/// "resumes in 30s, provider overloaded": when a turn is taken up again, and why not now.
pub fn resumes(status: &Status, when: &str) -> String {
    let Reason::ResumesAt { class, again, quiet, .. } = &status.reason else { return String::new() };
    let why = class.map_or_else(String::new, |class| format!(", {}", class_words(class)));
    let quiet = if quiet.is_some() { ", after quiet hours" } else { "" };
    format!("{} {when}{quiet}{why}", again_words(*again))
}

/// "resumes", "tried again": what happens to a turn that did not come to its end.
pub fn again_words(again: Again) -> &'static str {
    match again {
        Again::GoOn => "resumes",
        Again::Anew | Again::Diagnosed => "tried again",
        Again::Instead { .. } => "goes on with another agent",
    }
}

/// What becomes of a task that failed.
pub fn policy(policy: Policy) -> &'static str {
    match policy {
        Policy::None => "ask me",
        Policy::Same => "try again",
        Policy::Analyze => "find out why, then try again",
    }
}

/// "no output for 12m 03s", "82% of 40 requests used".
pub fn warning(warning: Warning, now: Millis) -> String {
    match warning {
        Warning::Stalled { since } => format!("no output for {}", span(now.since(since))),
        Warning::Slow { since } => format!("at the same thing for {}", span(now.since(since))),
        Warning::Long { since } => format!("runs for {}", span(now.since(since))),
        Warning::Near(near) => {
            let about = if near.estimated { "about " } else { "" };
            format!("{about}{}% of {} used", near.percent, cap(near.cap, near.stage, None))
        }
        Warning::Heavy { memory } => format!("holds {} MB of memory", memory.0 / 1_000_000),
    }
}

/// A commit that was made, by the beginning of its hash.
pub fn committed(commit: &str, left: &[String]) -> String {
    let commit = commit.get(..10).unwrap_or(commit);
    let left = if left.is_empty() { String::new() } else { format!(" Not in it: {}.", left.join("; ")) };
    format!("Committed as {commit}.{left}")
}

/// Why what is written to a task now is not read by what runs; nothing where it is, or nothing runs.
pub fn deaf(hearing: Hearing) -> Option<String> {
    match hearing {
        Hearing::Now | Hearing::Idle => None,
        Hearing::Never(harness) => {
            Some(format!("{harness} reads nothing while it works; it reads this when its turn is over."))
        }
        Hearing::NotThis => {
            Some("What runs now can be told nothing; this is for the turn after it.".to_owned())
        }
    }
}

/// What to do about it; it goes on by itself meanwhile.
pub fn remedy(warning: Warning) -> &'static str {
    match warning {
        Warning::Stalled { .. } => {
            "Look at its last call: where that waits for something that never comes, stop the task and retry it."
        }
        Warning::Slow { .. } => {
            "Look at what it does: where it goes in circles, write to it or stop it and retry with a smaller objective."
        }
        Warning::Long { .. } => "Look whether it gets on; give it a limit of minutes, or split the task.",
        Warning::Near(_) => "It pauses at the limit and asks; raise it before that in its details.",
        Warning::Heavy { .. } => "Look at its processes under Bridge; stop it before the machine runs out.",
    }
}

/// What the configuration has for an agent: who starts it, and its tools; empty where there is neither.
pub fn given(agent: &FoundAgent) -> String {
    let worker = agent.worker.iter().map(|name| format!("Started by {name}."));
    let tools = (!agent.tools.is_empty()).then(|| format!("Tools: {}.", agent.tools.join(", ")));
    worker.chain(tools).collect::<Vec<_>>().join(" ")
}

/// What failed, in a few words.
pub fn class_words(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::RateLimit => "rate limit reached",
        ErrorClass::Overload => "provider overloaded",
        ErrorClass::Billing => "billing problem",
        ErrorClass::Auth => "not logged in",
        ErrorClass::Launch => "did not start",
        ErrorClass::McpDisconnect => "lost its tools",
        ErrorClass::Timeout => "took too long",
        ErrorClass::OutOfMemory => "out of memory",
        ErrorClass::DiskFull => "disk full",
        ErrorClass::ContextOverflow => "context full",
        ErrorClass::CliCrash => "crashed",
        ErrorClass::NothingSaid => "ended without a word",
        ErrorClass::SessionLost => "session lost",
        ErrorClass::Capped => "hit a cap",
        ErrorClass::Interrupted => "interrupted",
        ErrorClass::TaskFailure => "cannot be done",
        ErrorClass::CheckFailed => "a check does not hold",
        ErrorClass::Rejected => "did not pass review",
        ErrorClass::Lost => "lost with the bridge",
        ErrorClass::Network => "no network",
        ErrorClass::ModelNotFound => "no such model",
        ErrorClass::Unknown => "failed",
    }
}

/// What to do about it.
pub fn next_step(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Auth => "Log the agent in on this machine (run it once in a terminal), then retry.",
        ErrorClass::Launch => {
            "Install it or set its path in the configuration, or choose another agent for this task; then retry."
        }
        ErrorClass::Billing => "Check the account with the provider, then retry.",
        ErrorClass::RateLimit | ErrorClass::Overload => "Retry later, or choose another agent for this task.",
        ErrorClass::Network => "Check the connection, then retry.",
        ErrorClass::ContextOverflow => "Retry with a smaller objective, or split the task.",
        ErrorClass::TaskFailure => "Change the objective or write to the agent, then retry.",
        ErrorClass::ModelNotFound => "Update the agent, or choose another model for this task.",
        ErrorClass::McpDisconnect => {
            "See that its tools start, those of the configuration and its own; then retry."
        }
        ErrorClass::Timeout => "Give it more time in its details, or split the task; then retry.",
        ErrorClass::OutOfMemory => {
            "Close other programs, or let fewer agents run at the same time; then retry."
        }
        ErrorClass::DiskFull => "Make room on the disk that the project is on, then retry.",
        ErrorClass::Capped => "Raise the bound that its message names, then retry.",
        ErrorClass::Interrupted => "Write to it to go on where it was, or retry.",
        ErrorClass::CliCrash
        | ErrorClass::NothingSaid
        | ErrorClass::SessionLost
        | ErrorClass::Lost
        | ErrorClass::Unknown => "Look at what it said, then retry, or write to it to go on.",
        ErrorClass::CheckFailed | ErrorClass::Rejected => {
            "Write to the agent what to mend, change what is wanted and retry, or call it done as it is."
        }
    }
}

/// How far a harness's version is known, and what to do about it; that is empty where all is well.
pub fn tried(tried: Tried) -> (String, &'static str) {
    match tried {
        Tried::Verified => ("verified".to_owned(), ""),
        Tried::NewerThan(known) => (
            format!("untested, newer than {known}"),
            "It may go on working: what is not understood of it is shown as it came. Where something is shown wrong, report it, or go back to that version.",
        ),
        Tried::OlderThan(known) => (format!("too old, {known} was tested"), "Update it."),
        Tried::Unknown(known) => (
            format!("version unknown, {known} was tested"),
            "Run it with --version in a terminal, and see that it says one.",
        ),
    }
}

pub fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Autonomous => "auto",
        Mode::Hybrid => "hybrid",
        Mode::Interactive => "with you",
        Mode::Manual => "by you",
    }
}

/// What a mode means.
pub fn mode_about(mode: Mode) -> &'static str {
    match mode {
        Mode::Autonomous => "An agent does it alone.",
        Mode::Hybrid => "An agent does it alone, and may ask you.",
        Mode::Interactive => "An agent does it together with you.",
        Mode::Manual => "You do it, without an agent.",
    }
}

pub fn mode_token(mode: Mode) -> &'static str {
    match mode {
        Mode::Autonomous => "autonomous",
        Mode::Hybrid => "hybrid",
        Mode::Interactive => "interactive",
        Mode::Manual => "manual",
    }
}

/// What agents may do, as a few words behind others.
pub fn access(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "only reading",
        Access::Ask => "asking first",
        Access::Edit => "editing",
        Access::Full => "editing and running commands",
    }
}

/// A preset's name, and what it means.
pub fn preset(preset: Preset) -> (&'static str, &'static str) {
    match preset {
        Preset::Quick => ("Quick", "What an agent reports is taken, once its checks hold."),
        Preset::Reviewed => {
            ("Reviewed", "Another agent reviews each task; what it finds is mended, twice at most.")
        }
        Preset::Autonomous => (
            "Autonomous",
            "Reviewed, mended up to nine times and committed, never pushed. Plans are carried out without asking you, within the budget.",
        ),
    }
}

/// Whose result a task was given in the place of a turn of its own, and why; nothing for one that was done.
pub fn reused(state: &State, task: &Task) -> Option<String> {
    let source = state.run(task.reused.as_ref()?).and_then(|run| state.task(&run.task));
    let whose = source.map_or_else(|| "a task that is gone".to_owned(), name);
    Some(format!(
        "Taken from {whose}: the same words and agent, and a folder that is unchanged since. It cost nothing; a retry does it anew."
    ))
}

/// What a task whose size nobody chose is, and why: "auto → light, because …"; nothing for one that was chosen.
pub fn sizing(state: &State, task: &Task) -> Option<String> {
    let found = match &task.sized {
        SizedBy::Chosen => return None,
        SizedBy::Found { why } => (task.size, why.clone(), ""),
        SizedBy::Nobody if state.limits.sizing == Sizing::Off => {
            return Some("auto → standard, because sizes are not found out".to_owned());
        }
        SizedBy::Nobody => {
            let Guess { size, why, sure } = sizing::guess(task);
            let asks = !sure && sizing::asks(state, task);
            (size, why, if asks { "; a light model is asked before it begins" } else { "" })
        }
    };
    let (found, why, more) = found;
    Some(format!("auto → {}, because {why}{more}", size(found)))
}

/// Who says how hard a task is that nobody gave a size.
pub fn sizes(sizing: Sizing) -> &'static str {
    match sizing {
        Sizing::Off => "always standard",
        Sizing::Rule => "found out by a rule",
        Sizing::Ask => "found out by a rule, or by a light model where that is not sure",
    }
}

pub fn size(size: Size) -> &'static str {
    match size {
        Size::Light => "light",
        Size::Standard => "standard",
        Size::Heavy => "heavy",
    }
}

/// A change of a plan in one word, which is also its token.
pub fn change_kind(what: &What) -> &'static str {
    match what {
        What::Added => "added",
        What::Removed => "removed",
        What::Moved => "moved",
        What::Changed(_) => "changed",
    }
}

/// "2 added, 1 removed", or that nothing changed.
pub fn changes(changes: &[Change]) -> String {
    let count = |kind: &'static str| {
        let count = changes.iter().filter(|change| change_kind(&change.what) == kind).count();
        (count > 0).then(|| format!("{count} {kind}"))
    };
    let parts: Vec<String> = ["added", "changed", "moved", "removed"].into_iter().filter_map(count).collect();
    if parts.is_empty() { "nothing changed".to_owned() } else { parts.join(", ") }
}

/// "mode auto → hybrid, now after 2".
pub fn change(state: &State, what: &What) -> String {
    let fields = match what {
        What::Added | What::Removed => return String::new(),
        What::Moved => &[Field::Moved][..],
        What::Changed(fields) => fields,
    };
    let field = |field: &Field| match field {
        Field::Title { before } => format!("was “{before}”"),
        Field::Objective => "objective".to_owned(),
        Field::Mode { before, after } => format!("{} → {}", mode(*before), mode(*after)),
        Field::Size { before, after } => format!("{} → {}", size(*before), size(*after)),
        Field::After { dropped, added } => match (numbers(state, dropped), numbers(state, added)) {
            (dropped, added) if dropped.is_empty() => format!("now after {added}"),
            (dropped, added) if added.is_empty() => format!("no longer after {dropped}"),
            (dropped, added) => format!("after {added} instead of {dropped}"),
        },
        Field::Inputs => "what it needs".to_owned(),
        Field::Outputs => "what is expected".to_owned(),
        Field::Work => "how it is done".to_owned(),
        Field::Retry => "what happens when it fails".to_owned(),
        Field::Evidence => "what shows that it is done".to_owned(),
        Field::Agent => "who does it".to_owned(),
        Field::Reviewer => "who reviews it".to_owned(),
        Field::Caps => "how far it goes by itself".to_owned(),
        Field::Moved => "another place".to_owned(),
    };
    fields.iter().map(field).collect::<Vec<_>>().join(", ")
}
