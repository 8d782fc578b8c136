//! The world of a test: a real bridge in a folder of its own, and clients that fold its log and decide,
//! as a page does. Verbs that wait, wait for the log; the only time-out is the one that fails the test.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use conductor::State;
use conductor::apply::answers;
use conductor::driver::{Driver, Effect};
use futures_util::{SinkExt, StreamExt};
use shared::agent::HarnessId;
use shared::entry::{Draft, Entry, Kind, Purpose};
use shared::id::{AppendId, ClientId, LogId, MessageId, ProjectId, RunId, TaskId};
use shared::plan::Access;
use shared::run::{Arg, Program, RunSpec};
use shared::unit::{Millis, Seq};
use shared::wire::{ClientMessage, OutputFrame, PROTOCOL, ServerMessage, Want};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, http::HeaderValue};
use tokio_tungstenite::{WebSocketStream, client_async};

/// Longest wait for anything; a healthy test never comes near it.
const PATIENCE: Duration = Duration::from_secs(150);

/// A bridge, its data folder and a project folder.
pub struct World {
    bin: PathBuf,
    pub home: tempfile::TempDir,
    pub project: PathBuf,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    /// Whether the bridge goes on by itself. Most tests decide themselves, or want nobody to.
    pub standby: bool,
    pub listen: String,
    dial: Option<Dial>,
    bridge: Option<Running>,
}

/// A connection to the bridge, with TLS or without.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Makes connections for a world, such as with TLS or from another address.
pub type Dial =
    Box<dyn Fn(SocketAddr) -> Pin<Box<dyn Future<Output = std::io::Result<Box<dyn Wire>>> + Send>>>;

struct Running {
    child: Child,
    /// `http` or `https`.
    scheme: String,
    host: String,
    secret: String,
}

/// Called with each frame of run output.
pub type OnFrame = Box<dyn FnMut(&OutputFrame<'_>)>;

/// One connected client with its driver.
pub struct Client {
    pub driver: Driver,
    socket: WebSocketStream<Box<dyn Wire>>,
    pub name: String,
    /// The history that the bridge told of.
    pub log: Option<LogId>,
    appended: u64,
    /// Appends that were refused, with why.
    pub refused: Vec<String>,
    pub frames: u64,
    /// Sees every frame of output as it comes.
    pub on_frame: Option<OnFrame>,
}

impl World {
    /// Starts `bin serve` on a free port, with an empty data folder and an empty project.
    pub async fn start(bin: impl AsRef<Path>) -> anyhow::Result<Self> {
        let mut world = Self::prepare(bin)?;
        world.start_bridge().await?;
        Ok(world)
    }

    /// The same with a standby, which decides while no client does.
    pub async fn attended(bin: impl AsRef<Path>) -> anyhow::Result<Self> {
        let mut world = Self::prepare(bin)?;
        world.standby = true;
        world.start_bridge().await?;
        Ok(world)
    }

    /// A world whose bridge is started later.
    pub fn prepare(bin: impl AsRef<Path>) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let project = home.path().join("project");
        std::fs::create_dir(&project)?;
        Ok(Self {
            bin: bin.as_ref().to_owned(),
            home,
            project,
            environment: Vec::new(),
            arguments: Vec::new(),
            standby: false,
            listen: "127.0.0.1:0".to_owned(),
            dial: None,
            bridge: None,
        })
    }

    /// A variable of the bridge's environment.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// A command in the project's folder, for this bridge's data; its code, and what it said to stdout and then to stderr.
    pub fn terminal(&self, args: &[&str]) -> anyhow::Result<(Option<i32>, String)> {
        let mut command = std::process::Command::new(&self.bin);
        command.args(args).arg("--data-dir").arg(self.home.path().join("data"));
        command.env("HOME", self.home.path()).current_dir(&self.project).stdin(Stdio::null());
        let std::process::Output { status, stdout, stderr } = command.output()?;
        Ok((status.code(), String::from_utf8([stdout, stderr].concat())?))
    }

    /// What such a command says, which ends with `code` and has `words` in what it says.
    pub fn says(&self, args: &[&str], code: i32, words: &str) -> anyhow::Result<String> {
        let (ended, said) = self.terminal(args)?;
        ensure!(ended == Some(code) && said.contains(words), "{args:?} ended with {ended:?}: {said}");
        Ok(said)
    }

    /// A further argument of `serve`.
    pub fn argument(&mut self, argument: &str) {
        self.arguments.push(argument.to_owned());
    }

    /// Has the bridge speak TLS, and every connection made by `dial`, which trusts its certificate.
    pub fn speak_tls(&mut self, dial: Dial) {
        self.argument("--tls");
        self.dial_by(dial);
    }

    /// Has every connection from now on made by `dial`.
    pub fn dial_by(&mut self, dial: Dial) {
        self.dial = Some(dial);
    }

    /// Starts another program in the binary's place, which then becomes it.
    pub fn run_with(&mut self, bin: &Path) {
        self.bin = bin.to_owned();
    }

    pub async fn start_bridge(&mut self) -> anyhow::Result<()> {
        let mut child = Command::new(&self.bin)
            .args(["serve", "--stop-agents", "--listen", &self.listen, "--no-open", "--data-dir"])
            .arg(self.home.path().join("data"))
            .args((!self.standby).then_some("--no-standby"))
            .args(&self.arguments)
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path().join("config"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", self.bin.display()))?;
        let stdout = child.stdout.take().context("the bridge's output")?;
        let mut line = String::new();
        tokio::time::timeout(PATIENCE, BufReader::new(stdout).read_line(&mut line)).await??;
        let url = line.trim().strip_prefix("listening on ").with_context(|| format!("no URL in {line:?}"))?;
        let (origin, secret) = url.split_once("/#k=").context("no secret in the URL")?;
        let (scheme, host) = origin.split_once("://").context("no scheme in the URL")?;
        let [scheme, host, secret] = [scheme, host, secret].map(str::to_owned);
        self.bridge = Some(Running { child, scheme, host, secret });
        Ok(())
    }

    /// Starts another version of the bridge in the place of the running one, which hands over to it.
    pub async fn replace_bridge(&mut self, bin: &Path) -> anyhow::Result<()> {
        let former = self.bridge.take();
        self.bin = bin.to_owned();
        self.arguments.push("--take-over".to_owned());
        self.start_bridge().await?;
        self.arguments.pop();
        if let Some(mut former) = former {
            let ended = former.child.wait().await?;
            ensure!(ended.success(), "the former bridge ended with {ended}");
        }
        Ok(())
    }

    /// `127.0.0.1:PORT` of the running bridge.
    pub fn host(&self) -> anyhow::Result<&str> {
        Ok(&self.bridge.as_ref().context("the bridge does not run")?.host)
    }

    /// Of the bridge's own page.
    pub fn origin(&self) -> anyhow::Result<String> {
        let bridge = self.bridge.as_ref().context("the bridge does not run")?;
        Ok(format!("{}://{}", bridge.scheme, bridge.host))
    }

    async fn connect(&self) -> anyhow::Result<Box<dyn Wire>> {
        Ok(match &self.dial {
            Some(dial) => dial(self.host()?.parse()?).await?,
            None => Box::new(TcpStream::connect(self.host()?).await?),
        })
    }

    pub fn secret(&self) -> anyhow::Result<&str> {
        Ok(&self.bridge.as_ref().context("the bridge does not run")?.secret)
    }

    /// The bridge's process id.
    pub fn pid(&self) -> anyhow::Result<u32> {
        self.bridge.as_ref().and_then(|bridge| bridge.child.id()).context("the bridge does not run")
    }

    /// SIGKILL, as a crash would.
    pub async fn kill_bridge(&mut self) -> anyhow::Result<()> {
        let mut bridge = self.bridge.take().context("the bridge does not run")?;
        bridge.child.kill().await?;
        Ok(())
    }

    /// SIGTERM, and waits for the end.
    pub async fn end_bridge(&mut self) -> anyhow::Result<()> {
        let mut bridge = self.bridge.take().context("the bridge does not run")?;
        let pid = bridge.child.id().context("the bridge has ended")?;
        ensure!(Command::new("kill").arg(pid.to_string()).status().await?.success(), "no such process");
        bridge.child.wait().await?;
        Ok(())
    }

    /// The cookie that the secret is exchanged for.
    pub async fn enter(&self) -> anyhow::Result<String> {
        let (host, origin) = (self.host()?, self.origin()?);
        let body = format!(r#"{{"secret":"{}"}}"#, self.secret()?);
        let head = format!(
            "POST /api/enter HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let answer = self.http(&format!("{head}{body}")).await?;
        let cookie =
            answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).context("no cookie")?;
        Ok(cookie.split(';').next().unwrap_or_default().to_owned())
    }

    /// Sends a request byte for byte and gives the whole answer.
    pub async fn http(&self, request: &str) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&self.answer(request).await?).into_owned())
    }

    /// The status and the body of what a page that has entered gets from a path.
    pub async fn get(&self, path: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        let (host, origin, cookie) = (self.host()?, self.origin()?, self.enter().await?);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        );
        let answer = self.answer(&request).await?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("no end of the head")?;
        let head = std::str::from_utf8(&answer[..end])?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok((status, answer[end + 4..].to_vec()))
    }

    async fn answer(&self, request: &str) -> anyhow::Result<Vec<u8>> {
        let mut socket = self.connect().await?;
        socket.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        match tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await? {
            // A refused upgrade is hung up on without the farewell of TLS.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {}
            ended => drop(ended?),
        }
        Ok(answer)
    }

    /// A client that has the whole log and holds the baton where it is free.
    pub async fn client(&self, name: &str) -> anyhow::Result<Client> {
        let mut client = self.watcher(name).await?;
        client.send(&ClientMessage::WantBaton { want: Want::Take }).await?;
        Ok(client)
    }

    /// A client that does not ask for the baton.
    pub async fn watcher(&self, name: &str) -> anyhow::Result<Client> {
        self.visitor(name, &self.enter().await?).await
    }

    /// A client that has the whole log by this cookie, and does not ask for the baton.
    pub async fn visitor(&self, name: &str, cookie: &str) -> anyhow::Result<Client> {
        let host = self.host()?;
        let mut request = format!("ws://{host}/ws").into_client_request()?;
        request.headers_mut().insert("Origin", HeaderValue::from_str(&self.origin()?)?);
        request.headers_mut().insert("Cookie", HeaderValue::from_str(cookie)?);
        let (socket, _) = client_async(request, self.connect().await?).await?;
        let id = ClientId::new(name)?;
        let driver = Driver::new(id.clone());
        let mut client = Client {
            driver,
            socket,
            name: name.to_owned(),
            log: None,
            appended: 0,
            refused: Vec::new(),
            frames: 0,
            on_frame: None,
        };
        client
            .send(&ClientMessage::Hello { protocol: PROTOCOL, client: id, since: Seq(0), lively: false })
            .await?;
        let head = loop {
            if let Some(ServerMessage::Welcome { head, log, .. }) = client.step().await? {
                client.log = log;
                break head;
            }
        };
        client.until("the log", |state| state.seq >= head).await?;
        Ok(client)
    }

    /// Opens the project folder and states a goal for an agent there.
    pub async fn goal(&self, client: &mut Client, text: &str, harness: HarnessId) -> anyhow::Result<TaskId> {
        let project = ProjectId::new("project")?;
        let folder = self.project.to_string_lossy().into_owned();
        // Runs are found by their ids, which are unique as long as goals are: also between worlds side by side.
        let folder_name = self.home.path().file_name().unwrap_or_default().to_string_lossy();
        let own: String = folder_name.chars().filter(char::is_ascii_alphanumeric).collect();
        let task = TaskId::new(&format!("goal-{own}-{}", client.driver.state().goals.len() + 1))?;
        let opened = Kind::ProjectOpened { folder, name: "project".to_owned() };
        let stated =
            Kind::GoalStated { task: task.clone(), text: text.to_owned(), harness, access: Access::Full };
        let drafts = [opened, stated].map(|kind| Draft::new(Some(project.clone()), kind));
        client.append(drafts.to_vec()).await?;
        client.until("the goal", |state| state.task(&task).is_some()).await?;
        Ok(task)
    }
}

/// Agents outlive their bridge, but not their test.
impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut bridge) = self.bridge.take()
            && let Some(pid) = bridge.child.id()
        {
            let asked = std::process::Command::new("kill").arg(pid.to_string()).status();
            // A destructor cannot await. The bridge ends its agents within this, or they are ended below.
            let deadline = std::time::Instant::now() + Duration::from_secs(10);
            while asked.as_ref().is_ok_and(std::process::ExitStatus::success)
                && matches!(bridge.child.try_wait(), Ok(None))
                && std::time::Instant::now() < deadline
            {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let runs = std::fs::read_dir(self.home.path().join("data/runs"));
        for run in runs.into_iter().flatten().flatten() {
            for note in ["pid", "shim"] {
                let text = std::fs::read_to_string(run.path().join(note)).unwrap_or_default();
                if let Some(pid) = text.split_whitespace().next() {
                    let _ = std::process::Command::new("kill").args(["-9", pid]).status();
                }
            }
        }
    }
}

impl Client {
    pub fn state(&self) -> &State {
        self.driver.state()
    }

    /// A person's intent about a task.
    pub async fn intend(&mut self, kind: Kind) -> anyhow::Result<()> {
        self.append(vec![Draft::new(Some(ProjectId::new("project")?), kind)]).await
    }

    /// Writes to a task's conversation; where the task asks, as far as this client knows, it is an answer.
    pub async fn say(&mut self, task: &TaskId, text: &str) -> anyhow::Result<()> {
        let message = MessageId::new(&format!("{}-m{}", self.name, self.appended))?;
        let answers = self.state().task(task).and_then(|task| answers(self.state(), task));
        let (task, text) = (task.clone(), text.to_owned());
        self.intend(Kind::MessageSent { task, message, text, answers }).await
    }

    /// Writes to the turn that runs.
    pub async fn say_now(&mut self, task: &TaskId, text: &str) -> anyhow::Result<()> {
        let message = MessageId::new(&format!("{}-m{}", self.name, self.appended))?;
        let (task, text) = (task.clone(), text.to_owned());
        let said = Kind::MessageSent { task: task.clone(), message: message.clone(), text, answers: None };
        let kinds = [said, Kind::MessageUrged { task, message }];
        let project = ProjectId::new("project")?;
        self.append(kinds.map(|kind| Draft::new(Some(project.clone()), kind)).into()).await
    }

    pub async fn append(&mut self, drafts: Vec<Draft>) -> anyhow::Result<()> {
        self.appended += 1;
        let id = AppendId::new(&format!("{}-a{}", self.name, self.appended))?;
        self.send(&ClientMessage::Append { id, epoch: None, seen: None, drafts }).await
    }

    pub async fn send(&mut self, message: &ClientMessage) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(serde_json::to_string(message)?)).await?)
    }

    /// Goes on, deciding where it may, until the state is as wished.
    pub async fn until(&mut self, what: &str, wished: impl Fn(&State) -> bool) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !wished(self.driver.state()) {
            match tokio::time::timeout_at(deadline, self.step()).await {
                Ok(stepped) => drop(stepped?),
                Err(_) => {
                    bail!("waited for {what} for {PATIENCE:?}; the state is {}", sketch(self.driver.state()))
                }
            }
        }
        Ok(())
    }

    /// Goes on until one more append was refused.
    pub async fn until_refused(&mut self) -> anyhow::Result<()> {
        let before = self.refused.len();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.refused.len() == before {
            tokio::time::timeout_at(deadline, self.step()).await.context("nothing was refused")??;
        }
        Ok(())
    }

    /// Takes one message from the bridge, or lets a deadline of the driver pass.
    pub async fn step(&mut self) -> anyhow::Result<Option<ServerMessage>> {
        let alarm = self.driver.deadline().map(|at| Duration::from_millis(at.since(now()).0));
        let received = tokio::select! {
            received = self.socket.next() => received.context("the bridge closed the connection")??,
            () = async { match alarm { Some(span) => tokio::time::sleep(span).await, None => std::future::pending().await } } => {
                let effects = self.driver.tick(now());
                self.carry_out(effects).await?;
                return Ok(None);
            }
        };
        match received {
            Message::Text(text) => {
                let message: ServerMessage = serde_json::from_str(&text)?;
                if let ServerMessage::Refused { refusal, .. } = &message {
                    self.refused.push(format!("{refusal:?}"));
                }
                let effects = self.driver.receive(&message, now());
                self.carry_out(effects).await?;
                Ok(Some(message))
            }
            Message::Binary(bytes) => {
                self.frames += 1;
                let frame = OutputFrame::decode(&bytes)?;
                if let Some(on_frame) = &mut self.on_frame {
                    on_frame(&frame);
                }
                let effects = self.driver.output(&frame, now());
                self.carry_out(effects).await?;
                Ok(None)
            }
            Message::Close(_) => bail!("the bridge closed the connection"),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
        }
    }

    async fn carry_out(&mut self, effects: Vec<Effect>) -> anyhow::Result<()> {
        for effect in effects {
            self.send(&effect.into()).await?;
        }
        Ok(())
    }

    /// Fails when an append was refused.
    pub fn all_taken(&self) -> anyhow::Result<()> {
        ensure!(self.refused.is_empty(), "refused: {:?}", self.refused);
        Ok(())
    }
}

/// The tree in words, for a failed test.
pub fn sketch(state: &State) -> String {
    let mut text = format!("seq {}\n", state.seq);
    for goal in &state.goals {
        for task in state.subtree(goal) {
            let status = conductor::status::status(state, task);
            text.push_str(&format!(
                "{:>6} {:40} {:?} {:?}\n",
                task.number_text(),
                task.title,
                status.kind,
                status.reason
            ));
        }
    }
    text
}

/// A run of the binary itself with these words, such as `demo emit`.
pub fn own(words: impl IntoIterator<Item = impl Into<String>>, cwd: String) -> RunSpec {
    let args = words.into_iter().map(|word| Arg::text(word)).collect();
    RunSpec { args, ..RunSpec::new(Program::Own, cwd) }
}

/// The order for a run that no agent is in.
pub fn ordered(run: RunId, task: TaskId, spec: RunSpec) -> Kind {
    let (purpose, harness, carries) = (Purpose::Work, HarnessId::Command, Vec::new());
    Kind::RunRequested { run, task, purpose, harness, carries, holds: None, model: None, spec }
}

/// What agents were told first, by the orders in an exported log.
pub fn prompts(log: &str) -> Vec<String> {
    let entry = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).ok()?;
        serde_json::from_str::<Entry>(&row.get("entry")?.to_string()).ok()
    };
    let entries = log.lines().filter_map(entry);
    let told = |entry: Entry| match entry.body.known()? {
        Kind::RunRequested { spec, .. } => Some(shared::harness::prompt(spec)),
        _ => None,
    };
    entries.filter_map(told).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "fits for 500 million years")]
pub fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Millis(since.as_millis() as u64)
}
