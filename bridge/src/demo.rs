//! `orchestrator demo`: the built-in demo agent, a real process that speaks Claude's stream format. It plans by
//! plain rules, writes real files, needs no key and no network, and can be told to misbehave. It is what the
//! tests, the benchmarks and a newcomer's first minute run on; the conductor calls it as any other agent.

use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use serde_json::{Value, json};
use shared::evidence::{ReviewAnswer, ReviewVerdict};
use shared::id::SessionId;
use shared::plan::{PlannerAnswer, ProposedTask, ReportOutcome, TaskReport, Verdict};

mod brief;
mod directive;
mod ear;
mod emit;
mod planner;
mod revise;
mod session;
mod stage;
mod terminal;
mod words;
mod worker;

use brief::{Brief, Kind};
use directive::Directives;
use ear::Ear;
use session::Session;
use stage::{Cap, Curtain, Stage};

/// The longest prompt that is read, in bytes; more is left unread.
const MAX_PROMPT: u64 = 64 * 1024 * 1024;

/// Answer, plan or work on the prompt on stdin, without a model
#[derive(Debug, clap::Args)]
#[command(after_help = directive::HELP, args_conflicts_with_subcommands = true)]
pub struct DemoArgs {
    #[command(subcommand)]
    command: Option<DemoCommand>,
    /// Begin a session of this id
    #[arg(long, value_name = "ID", conflicts_with = "resume")]
    session_id: Option<String>,
    /// Go on with this session
    #[arg(long, value_name = "ID")]
    resume: Option<String>,
    /// The JSON schema of the answer: a file, or the JSON itself
    #[arg(long, value_name = "FILE|JSON")]
    schema: Option<String>,
    /// How hard the task is; it changes what the demo claims to cost
    #[arg(long, default_value = "standard", value_parser = ["light", "standard", "heavy"])]
    size: String,
    /// What it may do in the folder
    #[arg(long, default_value = "edit", value_parser = ["read-only", "ask", "edit", "full"])]
    access: String,
    /// Read the prompt and what is said while it works as lines of JSON, until the input ends
    #[arg(long)]
    listen: bool,
    /// Stop when the turn has cost more
    #[arg(long, value_name = "USD")]
    max_budget_usd: Option<f64>,
    /// Stop when the turn has taken more messages
    #[arg(long, value_name = "N")]
    max_turns: Option<u32>,
}

#[derive(Debug, clap::Subcommand)]
enum DemoCommand {
    Emit(emit::EmitArgs),
    Terminal(terminal::TerminalArgs),
}

/// What a schema says it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Plan,
    Report,
    Review,
    Text,
}

/// One turn: reads the prompt, plays it on stdout, and remembers it. A reader that goes away is no error.
pub fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        Some(DemoCommand::Emit(args)) => return emit::run(args),
        Some(DemoCommand::Terminal(args)) => return terminal::run(args, io::stdin().lock(), io::stdout()),
        None => {}
    }
    let home = session::home();
    // Read first, so that who writes the prompt never meets a closed pipe.
    let (prompt, ear) = if args.listen {
        let (prompt, ear) = Ear::open(io::stdin())?;
        (prompt, Some(ear))
    } else {
        let mut prompt = Vec::new();
        io::stdin().lock().take(MAX_PROMPT).read_to_end(&mut prompt).context("cannot read the prompt")?;
        (String::from_utf8_lossy(&prompt).into_owned(), None)
    };
    if let Some(id) = args.resume.as_deref().filter(|_| forgets(&prompt)) {
        Session::forget(&home, &SessionId::new(id)?).context("cannot forget the session")?;
    }
    let session = match open(&args, &home)? {
        Ok(session) => session,
        Err(code) => return Ok(code),
    };
    let wanted = wanted(args.schema.as_deref())?;
    let played = Turn::new(&args, &home, session, wanted, Brief::of(&prompt)).and_then(|mut turn| {
        turn.stage.listens(ear.filter(|_| !turn.directives.has("deaf")));
        let code = turn.play()?;
        turn.stage.goes_on(turn.session.cost)?;
        Ok(code)
    });
    match played {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error).context("the demo agent's turn broke off"),
        Ok(code) => Ok(code),
    }
}

/// The person's words for this turn are that the session is lost.
fn forgets(prompt: &str) -> bool {
    Brief::of(prompt).says().is_some_and(|says| Directives::of(says).has("forget"))
}

/// The session to play in, or the exit code after what Claude would have said about it.
#[expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "the words by which callers know a lost session"
)]
fn open(args: &DemoArgs, home: &Path) -> anyhow::Result<Result<Session, ExitCode>> {
    if let Some(id) = &args.resume {
        let id = SessionId::new(id)?;
        if let Some(session) = Session::load(home, &id) {
            return Ok(Ok(session));
        }
        let why = format!("No conversation found with session ID: {id}");
        let line = json!({"type": "result", "subtype": "error_during_execution", "is_error": true, "num_turns": 0,
            "session_id": id, "total_cost_usd": 0, "errors": [why]});
        println!("{line}");
        eprintln!("{why}");
        return Ok(Err(ExitCode::FAILURE));
    }
    let id = match &args.session_id {
        Some(id) => SessionId::new(id)?,
        None => SessionId::new(&uuid::Uuid::now_v7().to_string())?,
    };
    if Session::load(home, &id).is_some() {
        eprintln!("Error: Session ID {id} is already in use.");
        return Ok(Err(ExitCode::FAILURE));
    }
    Ok(Ok(Session { id: id.to_string(), ..Session::default() }))
}

fn wanted(schema: Option<&str>) -> anyhow::Result<Wanted> {
    let Some(schema) = schema else { return Ok(Wanted::Text) };
    let text = if schema.trim_start().starts_with('{') {
        schema.to_owned()
    } else {
        std::fs::read_to_string(schema).with_context(|| format!("cannot read the schema {schema}"))?
    };
    let schema: Value = serde_json::from_str(&text).context("the schema is not JSON")?;
    match schema["title"].as_str() {
        Some("PlannerAnswer") => Ok(Wanted::Plan),
        Some("TaskReport") => Ok(Wanted::Report),
        Some("ReviewAnswer") => Ok(Wanted::Review),
        title => anyhow::bail!(
            "the demo agent answers by PlannerAnswer, TaskReport and ReviewAnswer, not by {title:?}"
        ),
    }
}

/// One turn on stage.
struct Turn<'a> {
    stage: Stage<io::BufWriter<io::StdoutLock<'static>>>,
    home: &'a Path,
    session: Session,
    wanted: Wanted,
    brief: Brief<'a>,
    directives: Directives,
    cost: f64,
    max_cost: Option<f64>,
    max_turns: Option<u32>,
    writes: bool,
}

impl<'a> Turn<'a> {
    fn new(
        args: &DemoArgs,
        home: &'a Path,
        mut session: Session,
        wanted: Wanted,
        brief: Brief<'a>,
    ) -> io::Result<Self> {
        if session.turns == 0 {
            let objective = brief.section("## Objective");
            objective.unwrap_or_else(|| brief.goal()).clone_into(&mut session.began_with);
            brief.title.clone_into(&mut session.title);
            brief.section("## Mode").unwrap_or_default().clone_into(&mut session.mode);
            let expected = brief.section("## Expected when it is done").unwrap_or_default();
            expected.clone_into(&mut session.expected);
        }
        session.turns += 1;
        // As Claude does, it knows the session from the first moment.
        session.save(home)?;
        let first = Directives::of(&session.began_with);
        let directives = match brief.kind {
            Kind::Task => {
                let guided = brief.section("## Guidelines").map(Directives::of).unwrap_or_default();
                first.clone().and(guided)
            }
            Kind::Goal | Kind::Split | Kind::Repair | Kind::Review => first.clone(),
            Kind::Says | Kind::Again => brief.says().map(Directives::of).unwrap_or_default(),
            Kind::Mend | Kind::GoOn | Kind::Summary | Kind::Talk => Directives::default(),
        };
        let pace = if directives.has("slow") { directives.pace() } else { first.pace() };
        let cost = match (directives.number("cost"), args.size.as_str()) {
            (Some(cents), _) => f64::from(u32::try_from(cents).unwrap_or(u32::MAX)) / 100.0,
            (None, "light") => 0.0001,
            (None, "heavy") => 0.0009,
            (None, _) => 0.0003,
        };
        let model = format!("demo-{}", args.size);
        let mut stage =
            Stage::new(io::BufWriter::new(io::stdout().lock()), &session.id, session.turns, model, pace);
        if args.access == "ask" {
            stage.asks();
        }
        let (max_cost, max_turns, writes) = (args.max_budget_usd, args.max_turns, args.access != "read-only");
        Ok(Self { stage, home, session, wanted, brief, directives, cost, max_cost, max_turns, writes })
    }

    fn play(&mut self) -> io::Result<ExitCode> {
        if self.directives.has("silent") {
            return Ok(ExitCode::SUCCESS);
        }
        let cwd = std::env::current_dir().unwrap_or_default();
        self.stage.opens(&cwd.to_string_lossy())?;
        if let Some(code) = self.misbehave()? {
            return Ok(code);
        }
        match (self.wanted, self.brief.kind) {
            (Wanted::Plan, _) => self.plans(),
            (Wanted::Report, Kind::Summary) => {
                let report = worker::sum_up(&self.brief);
                self.stage.says(&report.summary)?;
                self.reports(&report)
            }
            (Wanted::Report, _) => self.works(),
            (Wanted::Review, _) => self.reviews(),
            (Wanted::Text, _) => self.talks(),
        }
    }

    /// What an agent at work writes all day: a sentence, and calls with their results.
    fn step(&mut self, step: u64) -> io::Result<()> {
        self.stage.says(&format!("Step {step}: I look at **three files** and go on with the next one."))?;
        ["schema.sql", "cart.rs", "cart_test.rs"].into_iter().try_for_each(|file| {
            self.stage.calls("Read", &json!({"file_path": file}), "There is nothing in it yet.", false)
        })
    }

    /// What the directives want besides the turn itself; an exit code when it ends the turn.
    fn misbehave(&mut self) -> io::Result<Option<ExitCode>> {
        if let Some(lines) = self.directives.number("lines") {
            self.stage.says_lines(lines)?;
        }
        for step in 1..=self.directives.number("steps").unwrap_or(0) {
            self.step(step)?;
        }
        if self.directives.has("garbage") {
            self.stage.raw(
                b"this is no JSON\n{\"type\":\n[1, 2\n\n\x00\x01\x02\n{\"type\":\"from_the_future\"}\n",
            )?;
        }
        if self.directives.has("invalid-utf8") {
            self.stage.raw(b"\xff\xfe\xc3\x28 not UTF-8 \xf0\x28\x8c\xbc\n")?;
        }
        if self.directives.has("long-line") {
            self.long_line(self.directives.number("long-line").unwrap_or(50_000_000))?;
        }
        if self.directives.has("hang") {
            self.stage.thinks("I was told to hang.")?;
            loop {
                std::thread::park();
            }
        }
        if self.directives.has("crash") || self.once("crash-once")? {
            self.stage.says("I begin, and in the middle of")?;
            return Ok(Some(ExitCode::from(3)));
        }
        if let Some(seconds) = self.directives.number("limit").filter(|_| !self.session.limited) {
            self.session.limited = true;
            self.session.save(self.home)?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis());
            // Whole seconds, as the format has them, and never before the time that was asked for.
            let until = u64::try_from(now.div_ceil(1000)).unwrap_or(0).saturating_add(seconds);
            self.stage.limited(until, self.session.cost)?;
            return Ok(Some(ExitCode::FAILURE));
        }
        Ok(None)
    }

    fn long_line(&mut self, bytes: u64) -> io::Result<()> {
        static PIECE: [u8; 64 * 1024] = [b'x'; 64 * 1024];
        let mut left = bytes;
        while left > 0 {
            let piece = usize::try_from(left).unwrap_or(PIECE.len()).min(PIECE.len());
            self.stage.raw(&PIECE[..piece])?;
            left -= piece as u64;
        }
        self.stage.raw(b"\n")
    }

    /// Whether this word is there and it is its first time here.
    fn once(&self, word: &str) -> io::Result<bool> {
        let what = format!("{word}\n{}\n{}", self.session.title, self.session.began_with);
        Ok(self.directives.has(word) && session::first_time(self.home, &what)?)
    }

    fn plans(&mut self) -> io::Result<ExitCode> {
        self.stage.thinks("I look for lists, steps and the parts of a program in the words of the goal.")?;
        self.stage.calls("Glob", &json!({"pattern": "*"}), &worker::listing(), false)?;
        let of_goal = Directives::of(&self.session.began_with);
        let asked = of_goal.value("plan").unwrap_or_default().to_owned();
        let (bad, once) = asked.strip_suffix("-once").map_or((asked.as_str(), false), |bad| (bad, true));
        let spoil = !bad.is_empty()
            && match self.brief.kind {
                Kind::Goal | Kind::Split => true,
                Kind::Mend => !once,
                Kind::Says
                | Kind::Again
                | Kind::GoOn
                | Kind::Task
                | Kind::Repair
                | Kind::Review
                | Kind::Summary
                | Kind::Talk => false,
            };
        if spoil && bad == "not-json" {
            let text = "Here is my plan: { first this, then that";
            self.stage.says(text)?;
            return self.ends(text, None);
        }
        let answer = if spoil { bad_plan(bad) } else { self.plan() };
        self.stage.says(&answer.reply)?;
        let value = serde_json::to_value(&answer)?;
        self.session.plan = (!spoil).then_some(answer);
        self.ends("", Some(&value))
    }

    fn plan(&self) -> PlannerAnswer {
        let former =
            self.current_plan().or_else(|| self.session.plan.clone()).filter(|plan| !plan.tasks.is_empty());
        match (self.brief.kind, self.brief.says(), former) {
            (Kind::Says | Kind::Again, Some(says), Some(plan)) => revise::revise(&plan, says),
            // The first words were answered, or never became a plan.
            (Kind::Says, Some(says), None) if directive::stripped(says).split_whitespace().count() > 3 => {
                planner::plan(says)
            }
            (Kind::GoOn | Kind::Again, _, Some(plan)) => plan,
            (Kind::Split, says, former) => {
                let plan = former.unwrap_or_else(|| planner::parts(&self.session.began_with));
                says.map_or_else(|| plan.clone(), |says| revise::revise(&plan, says))
            }
            (Kind::Goal, Some(says), _) => revise::revise(&planner::plan(&self.session.began_with), says),
            _ => planner::plan(&self.session.began_with),
        }
    }

    /// The plan that the prompt carries: a JSON list of tasks in a code block.
    fn current_plan(&self) -> Option<PlannerAnswer> {
        let section = self.brief.section("## Current plan")?;
        let (_, json) = section.split_once("```json\n")?;
        let tasks: Vec<ProposedTask> = serde_json::from_str(json.split_once("\n```")?.0).ok()?;
        Some(PlannerAnswer { decision: Verdict::Plan, reply: String::new(), tasks })
    }

    fn works(&mut self) -> io::Result<ExitCode> {
        if self.directives.has("fail") || self.once("fail-once")? {
            let summary = "I was told to fail, so I did. Retry the task, or change its objective.".to_owned();
            self.stage.says(&summary)?;
            return self.reports(&worker::report(ReportOutcome::Failed, summary));
        }
        if self.directives.has("lie") || self.once("lie-once")? {
            let summary = "All of it is done, in `demo/lie.md` (the demo agent was told to lie).".to_owned();
            self.stage.says(&summary)?;
            let outputs = vec!["demo/lie.md".to_owned()];
            return self.reports(&TaskReport { outputs, ..worker::report(ReportOutcome::Done, summary) });
        }
        let commands: Vec<String> = self.directives.values("may").map(|may| may.replace('_', " ")).collect();
        commands.iter().try_for_each(|command| self.stage.runs(command))?;
        let may_split = self.brief.section("## Where it is too much for one agent").is_some();
        if let Some(count) = self.directives.number("split").filter(|_| may_split) {
            let summary = "The demo agent was told to split this task.".to_owned();
            self.stage.says(&summary)?;
            let count = usize::try_from(count.min(1_000)).unwrap_or_default();
            let tasks = planner::numbered(count, false);
            return self.reports(&TaskReport { tasks, ..worker::report(ReportOutcome::Split, summary) });
        }
        let mode = self.session.mode.to_lowercase();
        let first = self.brief.kind == Kind::Task;
        let asks = first && !self.session.asked && (mode.starts_with("hybrid") || self.directives.has("ask"));
        self.session.asked |= asks;
        let objective = directive::stripped(&self.session.began_with);
        let title = if self.session.title.is_empty() {
            words::one_line(&objective)
        } else {
            self.session.title.clone()
        };
        let says = self.brief.says().map(directive::stripped);
        let report = worker::work(
            &mut self.stage,
            &worker::Job {
                title: &title,
                objective: &objective,
                expected: &self.session.expected,
                says: says.as_deref(),
                with_person: mode.starts_with("interactive"),
                asks,
                writes: self.writes,
                earlier: self.brief.section("## Results of earlier tasks").unwrap_or_default(),
            },
        )?;
        self.reports(&report)
    }

    fn reviews(&mut self) -> io::Result<ExitCode> {
        self.stage.calls("Glob", &json!({"pattern": "*"}), &worker::listing(), false)?;
        let rejects = self.directives.has("reject") || self.once("reject-once")?;
        let (verdict, findings) = if rejects {
            (ReviewVerdict::Findings, vec!["The demo reviewer was told to find something.".to_owned()])
        } else {
            (ReviewVerdict::Pass, Vec::new())
        };
        let summary = "I looked at the folder's names; without a model there is no more to see.".to_owned();
        self.stage.says(&summary)?;
        let answer = serde_json::to_value(ReviewAnswer { verdict, summary: summary.clone(), findings })?;
        self.ends(&summary, Some(&answer))
    }

    fn talks(&mut self) -> io::Result<ExitCode> {
        let words = self.brief.says().unwrap_or_else(|| self.brief.goal());
        let standing = self.brief.section("## Where the work is").unwrap_or_default();
        let list: Vec<&str> = standing.lines().filter(|line| line.starts_with("- ")).collect();
        let mut text = format!(
            "You say: “{}”. I am the demo agent and have no model to answer with.",
            words::one_line(&directive::stripped(words))
        );
        if !list.is_empty() {
            text.push_str(&format!(" This is where the work is:\n\n{}", list.join("\n")));
        }
        self.stage.says(&text)?;
        self.ends(&text, None)
    }

    fn reports(&mut self, report: &TaskReport) -> io::Result<ExitCode> {
        let value = serde_json::to_value(report)?;
        self.ends(&report.summary, Some(&value))
    }

    /// Remembers the turn, then says how it ended: who reads the result may resume at once.
    fn ends(&mut self, text: &str, structured: Option<&Value>) -> io::Result<ExitCode> {
        // As Claude, it is stopped after the answer that passes a bound, and pays for that.
        let cap = match (self.max_cost, self.max_turns) {
            (Some(max), _) if self.cost > max => Some(Cap::Budget),
            (_, Some(max)) if self.stage.messages() > max => Some(Cap::Turns),
            _ => None,
        };
        self.session.cost += self.cost;
        self.session.save(self.home)?;
        if let Some(cap) = cap {
            self.stage.capped(cap, self.cost, self.session.cost)?;
            return Ok(ExitCode::FAILURE);
        }
        self.stage.ends(&Curtain { text, structured, cost: self.cost, total: self.session.cost })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A plan with a fault of this kind.
fn bad_plan(kind: &str) -> PlannerAnswer {
    let count = if kind == "5000" { 5000 } else { 3 };
    let mut tasks: Vec<ProposedTask> =
        (1..=count).map(|n| planner::task(&format!("Do part {n}"), &format!("Do part {n}."))).collect();
    match kind {
        "empty" => tasks.clear(),
        "unknown-dep" => tasks[0].after = vec!["nowhere".to_owned()],
        "5000" => {}
        _ => {
            for place in 0..tasks.len() {
                tasks[place].after = vec![tasks[(place + 1) % count].key.clone()];
            }
        }
    }
    PlannerAnswer {
        decision: Verdict::Plan,
        reply: format!("A plan with a fault, as the directive says: {kind}."),
        tasks,
    }
}

#[cfg(test)]
mod tests;
