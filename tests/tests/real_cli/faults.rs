//! What befalls real CLIs: a limit with a time, an overload, no login, a budget, a death in mid-turn. Each is told
//! with its reason, its waker and its next step, and the work goes on from there.

use anyhow::{Context, bail};
use conductor::budget::Cap;
use conductor::state::{Phase, Standing, State, Task};
use conductor::status::{Reason, Waker};
use conductor::words;
use serde_json::json;
use shared::agent::{AgentError, ErrorClass, HarnessId};
use shared::entry::Kind;
use shared::id::TaskId;
use shared::limits::Caps;
use shared::models::{ANY, Models, Price, Tiers};
use shared::plan::{PlanEdit, PlannedTask, Size};
use shared::unit::{MicroUsd, Millis};
use tests::stub::{Fault, Rule, Step, Stub};
use tests::world::{Client, World, now, sketch};

use super::{Status, claude_at, codex_at, is, report, status, variable, world_of};

/// A bridge with one real agent, whose provider is the stub, and a person's client.
struct Ward {
    world: World,
    stub: Stub,
    client: Client,
    harness: HarnessId,
}

impl Ward {
    /// Before it reports it makes these calls.
    async fn of(harness: HarnessId, environment: &[(&str, &str)], calls: Vec<Step>) -> anyhow::Result<Self> {
        let answer = json!({"decision": "answer", "reply": "THE ANSWER", "tasks": []});
        let rule = |when: &str, steps: Vec<Step>| Rule { when: when.to_owned(), steps };
        let rules = vec![
            rule("# Plan this goal", vec![Step::Structured(answer.clone())]),
            rule("# Your task", calls.into_iter().chain([report("RESULT")]).collect()),
            rule("go on with your task", vec![report("RESULT")]),
            rule("SAY IT AGAIN", vec![report("AGAIN")]),
            rule("", vec![Step::Structured(answer)]),
        ];
        let stub = Stub::start(rules).await?;
        let mut world = match harness {
            HarnessId::Codex => world_of("codex", &variable("CODEX_BIN")?)?,
            _ => world_of("claude", &variable("CLAUDE_BIN")?)?,
        };
        match harness {
            HarnessId::Codex => codex_at(&mut world, &stub)?,
            _ => claude_at(&mut world, &stub),
        }
        environment.iter().for_each(|(name, value)| world.set(name, value));
        world.start_bridge().await?;
        let mut client = world.client("page").await?;
        let found = |state: &State| state.agents.iter().any(|agent| agent.harness == harness);
        client.until("the agents", found).await?;
        Ok(Self { world, stub, client, harness })
    }

    async fn claude(login: (&str, &str)) -> anyhow::Result<Self> {
        let shell = Step::Tool("Bash".to_owned(), json!({"command": "echo hi", "description": "say hi"}));
        Self::of(HarnessId::Claude, &[login, ("CLAUDE_CODE_MAX_RETRIES", "0")], vec![shell]).await
    }

    async fn codex() -> anyhow::Result<Self> {
        Self::codex_that(&["echo hi"]).await
    }

    /// With these commands before each report.
    async fn codex_that(lines: &[&str]) -> anyhow::Result<Self> {
        let shell =
            |line| Step::Tool("exec_command".to_owned(), json!({"cmd": line, "yield_time_ms": 30_000}));
        Self::of(HarnessId::Codex, &[("TZ", "UTC")], lines.iter().map(shell).collect()).await
    }

    async fn goal(&mut self) -> anyhow::Result<TaskId> {
        self.world.goal(&mut self.client, "Say the answer", self.harness).await
    }

    fn task(&self, id: &TaskId) -> anyhow::Result<&Task> {
        self.client.state().task(id).context("the task")
    }

    /// The status of a task, and how a person reads it.
    fn shown(&self, id: &TaskId) -> anyhow::Result<(conductor::status::Status, String)> {
        let status = status(self.client.state(), self.task(id)?);
        let text = words::reason(self.client.state(), &status, now());
        Ok((status, text))
    }

    /// What the task's first run reported.
    fn error(&self, id: &TaskId) -> anyhow::Result<&AgentError> {
        let run =
            self.task(id)?.runs.first().and_then(|run| self.client.state().run(run)).context("a run")?;
        match &run.phase {
            Phase::Read { report, .. } => report.error.as_ref().context("an error"),
            other => bail!("{other:?}"),
        }
    }

    /// Until it waits for a time, in a status of this kind.
    async fn until_paused(&mut self, id: &TaskId, kind: Status) -> anyhow::Result<(Millis, ErrorClass)> {
        let paused = |state: &State| {
            state.task(id).is_some_and(|task| matches!(task.standing, Standing::Limited { .. }))
        };
        self.client.until("a pause", paused).await?;
        assert_eq!(self.shown(id)?.0.kind, kind);
        match self.task(id)?.standing {
            Standing::Limited { until, class, .. } => Ok((until, class.context("a class")?)),
            ref other => bail!("{other:?}"),
        }
    }

    async fn until_limited(&mut self, id: &TaskId) -> anyhow::Result<(Millis, ErrorClass)> {
        self.until_paused(id, Status::Limited).await
    }

    /// One approved task with these caps, below a goal.
    async fn capped(&mut self, caps: Caps) -> anyhow::Result<TaskId> {
        let goal = self.goal().await?;
        self.client.until("the answer", |state| is(state, &goal, Status::Completed)).await?;
        let task = TaskId::new(&format!("{goal}~1"))?;
        let planned = PlannedTask {
            key: "only".to_owned(),
            size: Some(Size::Light),
            ..PlannedTask::new(task.clone(), goal.clone(), "Do it", "Say hi")
        };
        let reply = "Mine".to_owned();
        self.client.intend(Kind::PlanGiven { goal: goal.clone(), reply, tasks: vec![planned] }).await?;
        self.cap(&task, caps).await?;
        self.client.intend(Kind::PlanApproved { goal, version: 1 }).await?;
        Ok(task)
    }

    async fn cap(&mut self, task: &TaskId, caps: Caps) -> anyhow::Result<()> {
        let goal = self.client.state().goals[0].clone();
        let edit = PlanEdit::SetCaps { task: task.clone(), caps };
        self.client.intend(Kind::PlanEdited { goal, edit }).await
    }

    async fn until_asked(&mut self, id: &TaskId) -> anyhow::Result<()> {
        let asks = |state: &State| {
            state.task(id).is_some_and(|task| matches!(status(state, task).reason, Reason::Used { .. }))
        };
        self.client.until("the question", asks).await
    }

    async fn until_answered(&mut self, id: &TaskId) -> anyhow::Result<()> {
        self.client.until("the answer", |state| is(state, id, Status::Completed)).await?;
        self.client.all_taken()
    }
}

fn refusal(code: u16, kind: &str, message: &str) -> Fault {
    Fault::Status { code, headers: Vec::new(), error: json!({"type": kind, "message": message}) }
}

#[tokio::test]
async fn a_limit_of_claude_is_waited_for_until_the_time_that_it_told() -> anyhow::Result<()> {
    let mut ward = Ward::claude(("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-dummy")).await?;
    let reset = now().0 / 1_000 + 20;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let headers = vec![
        header("retry-after", "3600"),
        header("x-should-retry", "false"),
        header("anthropic-ratelimit-unified-status", "rejected"),
        header("anthropic-ratelimit-unified-reset", &reset.to_string()),
        header("anthropic-ratelimit-unified-representative-claim", "five_hour"),
        header("anthropic-ratelimit-unified-5h-status", "rejected"),
        header("anthropic-ratelimit-unified-5h-utilization", "1.0"),
        header("anthropic-ratelimit-unified-5h-reset", &reset.to_string()),
        header("anthropic-ratelimit-unified-overage-status", "rejected"),
        header("anthropic-ratelimit-unified-overage-disabled-reason", "out_of_credits"),
    ];
    let error =
        json!({"type": "rate_limit_error", "message": "Number of requests has exceeded your rate limit"});
    ward.stub.fail(Fault::Status { code: 429, headers, error });
    let goal = ward.goal().await?;
    let (until, class) = ward.until_limited(&goal).await?;
    // Those that wait for one limit come back within five seconds of its end.
    assert!((reset * 1_000..=reset * 1_000 + 5_000).contains(&until.0), "{until:?} for {reset}");
    let (status, text) = ward.shown(&goal)?;
    assert_eq!((class, status.waker()), (ErrorClass::RateLimit, Waker::Clock(until)));
    assert!(is_told(&text, "rate limit reached") || now() >= until, "{text}");
    ward.stub.fail(None);
    ward.until_answered(&goal).await?;
    assert!(now() >= until, "it was not asked again before");
    assert_eq!(ward.task(&goal)?.runs.len(), 2);
    Ok(())
}

#[tokio::test]
async fn an_overload_of_claude_is_tried_again_at_a_persons_word() -> anyhow::Result<()> {
    let mut ward = Ward::claude(("ANTHROPIC_API_KEY", "dummy")).await?;
    ward.stub.fail(refusal(529, "overloaded_error", "Overloaded"));
    let goal = ward.goal().await?;
    let (until, class) = ward.until_limited(&goal).await?;
    let (status, text) = ward.shown(&goal)?;
    assert_eq!((class, status.waker()), (ErrorClass::Overload, Waker::Clock(until)));
    assert!(is_told(&text, "provider overloaded") || now() >= until, "{text}");
    ward.stub.fail(None);
    ward.client.intend(Kind::TaskResumed { task: goal.clone() }).await?;
    ward.until_answered(&goal).await
}

/// The wait is over by the clock alone.
#[tokio::test]
async fn an_overload_of_claude_passes_by_itself() -> anyhow::Result<()> {
    let ward = Ward::claude(("ANTHROPIC_API_KEY", "dummy")).await?;
    passes(ward, refusal(529, "overloaded_error", "Overloaded")).await
}

#[tokio::test]
async fn an_overload_of_codex_passes_by_itself() -> anyhow::Result<()> {
    let fault = refusal(503, "server_is_overloaded", "Our servers are overloaded");
    passes(Ward::codex().await?, fault).await
}

async fn passes(mut ward: Ward, fault: Fault) -> anyhow::Result<()> {
    ward.stub.fail(fault);
    let goal = ward.goal().await?;
    let (until, class) = ward.until_limited(&goal).await?;
    assert_eq!(class, ErrorClass::Overload, "{:?}", ward.error(&goal)?);
    ward.stub.fail(None);
    ward.until_answered(&goal).await?;
    assert!(now() >= until, "it was not asked again before");
    assert_eq!(ward.task(&goal)?.runs.len(), 2);
    Ok(())
}

/// When it goes on, and what it waits for.
fn is_told(text: &str, why: &str) -> bool {
    text.starts_with("resumes in ") && text.ends_with(why)
}

/// A login that is missing is said with what to do; after that the same task goes on.
async fn logs_in(mut ward: Ward, fault: Fault) -> anyhow::Result<()> {
    ward.stub.fail(fault);
    let goal = ward.goal().await?;
    ward.client.until("the failure", |state| is(state, &goal, Status::Failed)).await?;
    let (status, text) = ward.shown(&goal)?;
    let Reason::Failure { class, .. } = status.reason else { bail!("{status:?}") };
    assert_eq!((class, text.as_str()), (ErrorClass::Auth, "not logged in"), "{:?}", ward.error(&goal)?);
    assert!(words::next_step(class).contains("Log the agent in"));
    ward.stub.fail(None);
    ward.client.intend(Kind::TaskRetried { task: goal.clone() }).await?;
    ward.until_answered(&goal).await
}

#[tokio::test]
async fn claude_without_a_login_says_so_and_works_after_it() -> anyhow::Result<()> {
    let fault = refusal(401, "authentication_error", "invalid x-api-key");
    logs_in(Ward::claude(("ANTHROPIC_API_KEY", "dummy")).await?, fault).await
}

#[tokio::test]
async fn codex_without_a_login_says_so_and_works_after_it() -> anyhow::Result<()> {
    let fault = refusal(401, "invalid_request_error", "Incorrect API key provided");
    logs_in(Ward::codex().await?, fault).await
}

#[tokio::test]
async fn a_usage_limit_of_codex_is_waited_for_and_can_be_tried_before() -> anyhow::Result<()> {
    let mut ward = Ward::codex().await?;
    let error = json!({
        "type": "usage_limit_reached", "message": "The usage limit has been reached", "plan_type": "plus", "resets_at": 1_999_999_999,
    });
    ward.stub.fail(Fault::Status { code: 429, headers: Vec::new(), error });
    let goal = ward.goal().await?;
    let (until, class) = ward.until_limited(&goal).await?;
    // Codex tells the minute.
    assert!((1_999_999_980_000..1_999_999_990_000).contains(&until.0), "{until:?}");
    let (status, text) = ward.shown(&goal)?;
    assert_eq!((class, status.waker()), (ErrorClass::RateLimit, Waker::Clock(until)));
    assert!(is_told(&text, "rate limit reached") && text.contains('h'), "{text}");
    ward.stub.fail(None);
    ward.client.intend(Kind::TaskResumed { task: goal.clone() }).await?;
    ward.until_answered(&goal).await
}

/// A process that dies in mid-turn is told as that, and its session goes on by itself.
async fn dies(mut ward: Ward) -> anyhow::Result<()> {
    ward.stub.fail(Fault::Hang);
    let goal = ward.goal().await?;
    let begun = |state: &State| {
        let task = state.task(&goal);
        let run = task.and_then(|task| task.runs.first()).and_then(|run| state.run(run));
        run.is_some_and(|run| run.session.is_some())
    };
    ward.client.until("its session", begun).await?;
    let run = ward.task(&goal)?.runs[0].clone();
    let pid = ward.world.home.path().join("data/runs").join(run.as_str()).join("pid");
    let pid = std::fs::read_to_string(pid)?;
    let pid = pid.split_whitespace().next().context("a pid")?;
    assert!(std::process::Command::new("kill").args(["-9", pid]).status()?.success());
    let (_, class) = ward.until_paused(&goal, Status::Pending).await?;
    // Not before: what a launcher started may live on for a moment, and would end its turn well.
    ward.stub.fail(None);
    assert_eq!((class, ward.error(&goal)?.class), (ErrorClass::CliCrash, ErrorClass::CliCrash));
    let (_, text) = ward.shown(&goal)?;
    assert!(is_told(&text, "crashed") || text == "next in line", "{text}");
    // Nobody says a word. Where its session was not written down yet, one more turn begins it anew.
    ward.until_answered(&goal).await
}

#[tokio::test]
async fn claude_dies_in_mid_turn_and_is_taken_up() -> anyhow::Result<()> {
    dies(Ward::claude(("ANTHROPIC_API_KEY", "dummy")).await?).await
}

#[tokio::test]
async fn codex_dies_in_mid_turn_and_is_taken_up() -> anyhow::Result<()> {
    dies(Ward::codex().await?).await
}

#[tokio::test]
async fn claude_pauses_at_its_budget_and_goes_on_in_its_session_when_it_is_raised() -> anyhow::Result<()> {
    let mut ward = Ward::claude(("ANTHROPIC_API_KEY", "dummy")).await?;
    let tiny = MicroUsd(10);
    let task = ward.capped(Caps { budget: Some(tiny), ..Caps::default() }).await?;
    ward.until_asked(&task).await?;
    let (shown, text) = ward.shown(&task)?;
    let used = Reason::Used { cap: Cap::Budget(tiny), stage: None, above: None };
    assert_eq!((shown.kind, shown.waker(), &shown.reason), (Status::Waiting, Waker::Person, &used));
    assert_eq!(text, "budget of <$0.01 used up");
    assert_eq!(ward.error(&task)?.class, ErrorClass::Capped, "{}", sketch(ward.client.state()));
    let session = ward.task(&task)?.session.clone();
    ward.cap(&task, Caps { budget: Some(MicroUsd(5_000_000)), ..Caps::default() }).await?;
    ward.until_answered(&task).await?;
    assert_eq!(ward.task(&task)?.session, session, "the same session goes on");
    Ok(())
}

/// Codex tells no money, but its tokens after each request: when it makes another it is ended in the midst of its turn.
#[tokio::test]
async fn codex_pauses_at_its_tokens_and_goes_on_in_its_session_when_they_are_raised() -> anyhow::Result<()> {
    let mut ward = Ward::codex_that(&["echo hi", "sleep 600"]).await?;
    let task = ward.capped(Caps { tokens: Some(50), ..Caps::default() }).await?;
    ward.until_asked(&task).await?;
    let (shown, text) = ward.shown(&task)?;
    assert_eq!((shown.kind, shown.waker()), (Status::Waiting, Waker::Person));
    assert_eq!(text, "50 tokens used up");
    let run = ward.client.state().run(&task.run(1)).context("its turn")?;
    assert_eq!((run.used().input, run.used().output), (100, 10), "of the one request that was over");
    let session = ward.task(&task)?.session.clone();
    assert!(session.is_some());
    ward.cap(&task, Caps { tokens: Some(100_000), ..Caps::default() }).await?;
    ward.until_answered(&task).await?;
    assert_eq!(ward.task(&task)?.session, session, "the same session goes on");
    Ok(())
}

/// With a price for its tokens a budget does the same.
#[tokio::test]
async fn codex_pauses_at_its_budget_in_the_midst_of_a_turn_where_its_tokens_have_a_price()
-> anyhow::Result<()> {
    let mut ward = Ward::codex_that(&["sleep 600"]).await?;
    let dollars = |n: u64| Some(MicroUsd(n * 1_000_000));
    let price = Price { input: MicroUsd(10_000_000), output: MicroUsd(0) };
    let codex = Tiers { prices: [(ANY.to_owned(), price)].into(), ..Models::default().codex };
    ward.client.intend(Kind::ModelsSet { models: Models { codex, ..Models::default() } }).await?;
    let task = ward.capped(Caps { budget: Some(MicroUsd(500)), ..Caps::default() }).await?;
    ward.until_asked(&task).await?;
    let spend = ward.task(&task)?.spend;
    assert_eq!(spend.estimated, MicroUsd(1_000), "100 tokens at ten dollars a million: {spend:?}");
    ward.cap(&task, Caps { budget: dollars(5), ..Caps::default() }).await?;
    ward.until_answered(&task).await
}

/// A goal's money is held for each turn of Codex, and counts as spent where nothing tells what the turn cost.
#[tokio::test]
async fn a_budget_stops_codex_though_it_tells_no_money() -> anyhow::Result<()> {
    let mut ward = Ward::codex().await?;
    let budget = Caps { budget: Some(MicroUsd(500_000)), ..Caps::default() };
    let task = ward.capped(budget).await?;
    ward.until_answered(&task).await?;
    ward.client.say(&task, "SAY IT AGAIN").await?;
    ward.until_asked(&task).await?;
    let (shown, text) = ward.shown(&task)?;
    assert_eq!((shown.waker(), text.as_str()), (Waker::Person, "budget of $0.50 used up"));
    let runs = ward.task(&task)?.runs.len();
    ward.cap(&task, Caps { budget: Some(MicroUsd(5_000_000)), ..Caps::default() }).await?;
    let again = |state: &State| state.task(&task).is_some_and(|task| task.runs.len() > runs);
    ward.client.until("the turn", again).await?;
    ward.until_answered(&task).await
}
