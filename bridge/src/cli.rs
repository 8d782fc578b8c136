//! The command line of `orchestrator`.

use std::io::{BufWriter, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use tokio::net::TcpListener;

use crate::access::{Access, Reached};
use crate::config::Config;
use crate::lock::{self, Holder, Lock};
use crate::page::Source;
use crate::serve::{ServeOptions, serve};
#[cfg(unix)]
use crate::shim;
use crate::supervisor::{END_WITH_BRIDGE, Parting, over, running};
use crate::system::{self, Wish, Wishes};
use crate::tls::Certificate;
use crate::{decode, demo, headless, look, memory, store, supervisor};

/// What a bridge gets to part from its agents and end when another one takes over.
const HAND_OVER: Duration = Duration::from_secs(30);

/// A chat that creates chats: plans a goal as a tree of tasks and runs coding agents through it.
#[derive(Debug, Parser)]
#[command(name = "orchestrator", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bridge and its page (the default).
    Serve(ServeArgs),
    /// Put the newest backup in the place of a damaged database.
    Restore(DataArgs),
    /// Write the log and all output to stdout, one JSON object per line. A bridge may run meanwhile.
    Export(DataArgs),
    /// Read an exported log from stdin into a data folder that has none.
    Import(ImportArgs),
    /// Print what a recorded agent stream says, one event per line.
    Decode(decode::DecodeArgs),
    /// The built-in demo agent: no model, no network.
    Demo(demo::DemoArgs),
    #[command(flatten)]
    Headless(headless::Command),
    #[command(hide = true)]
    Look(look::LookArgs),
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Address and port; port 0 takes a free one. Other addresses than loopback are served by TLS.
    #[arg(long, default_value = "127.0.0.1:4747", value_name = "ADDR")]
    listen: SocketAddr,
    /// Serve a loopback address by TLS too.
    #[arg(long)]
    tls: bool,
    /// Certificate chain in PEM. Without it the bridge makes a certificate of its own and shows its fingerprint.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A host name by which other devices reach the bridge, such as `studio.local`. May be given again.
    #[arg(long = "name", value_name = "HOST")]
    names: Vec<String>,
    /// Folder of the log, the output of all runs and the access secret; ORCHESTRATOR_DATA_DIR is it otherwise. One bridge
    /// at a time uses it.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Configuration in TOML; see docs/config.md.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Serve the page from this folder instead of the one in the binary, and tell it to reload when it changes.
    #[arg(long, value_name = "DIR")]
    page_dir: Option<PathBuf>,
    /// Go on in the place of the bridge that uses the data folder, such as an older version; agents are not touched (on
    /// Windows they end, and their sessions are taken up again).
    #[arg(long)]
    take_over: bool,
    /// End all agents when the bridge is ended. Without it they go on, and the next start takes them over (not on Windows).
    #[arg(long)]
    stop_agents: bool,
    /// Decide nothing while no page is open. Without it the bridge goes on by itself.
    #[arg(long)]
    no_standby: bool,
    /// Do not open a browser.
    #[arg(long)]
    no_open: bool,
}

impl ServeArgs {
    /// What TLS needs, where it is wanted or needed.
    fn certificate(&self) -> Option<Certificate> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(chain), Some(key)) => Some(Certificate::Files { chain: chain.clone(), key: key.clone() }),
            _ if self.tls || !self.listen.ip().is_loopback() => {
                let address = (!self.listen.ip().is_unspecified()).then(|| self.listen.ip().to_string());
                Some(Certificate::Own { names: self.names.iter().cloned().chain(address).collect() })
            }
            _ => None,
        }
    }
}

#[derive(Debug, Args)]
struct DataArgs {
    /// Folder of the log, as given to `serve`; ORCHESTRATOR_DATA_DIR is it otherwise.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ImportArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Go on with goals that were under way. Without it they are stopped, so that a file starts nothing.
    #[arg(long)]
    go_on: bool,
}

/// The variable that names the data folder, so that what is suggested to be typed next is right for another one too.
const DATA_DIR: &str = "ORCHESTRATOR_DATA_DIR";
/// What a shell tells of a program that was ended because nobody read what it wrote (128 and the number of SIGPIPE).
const CLOSED: u8 = 141;

/// Runs what the command line asks for.
pub fn run() -> anyhow::Result<ExitCode> {
    #[cfg(unix)]
    {
        let mut words = std::env::args_os().skip(1);
        if words.next().is_some_and(|word| word == "shim") {
            return shim::run(words);
        }
    }
    let cli = Cli::from_arg_matches(&with_numbers(Cli::command()).get_matches())
        .unwrap_or_else(|wrong| wrong.exit());
    match cli.command {
        None => bridge(cli.serve),
        Some(Command::Serve(args)) => bridge(args),
        Some(Command::Restore(args)) => restore(args),
        Some(Command::Export(args)) => export(args),
        Some(Command::Import(args)) => import(args),
        Some(Command::Decode(args)) => decode::run(args),
        Some(Command::Demo(args)) => demo::run(args),
        Some(Command::Headless(command)) => headless::run(command),
        Some(Command::Look(args)) => look::run(&args),
    }
}

/// Takes numbers below zero for values, so that what takes them can say which it takes.
fn with_numbers(command: clap::Command) -> clap::Command {
    let taken = |arg: clap::Arg| {
        let takes = arg.get_action().takes_values();
        if takes { arg.allow_negative_numbers(true) } else { arg }
    };
    command.mut_args(taken).mut_subcommands(with_numbers)
}

fn bridge(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let level =
        tracing_subscriber::EnvFilter::try_from_env("ORCHESTRATOR_LOG").unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt()
        .with_env_filter(level)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let certificate = args.certificate();
    let config = Config::load(args.config.as_deref())?;
    let data_dir = args.data_dir.map_or_else(default_data_dir, Ok)?;
    let page = args.page_dir.map_or(Source::Embedded, Source::Folder);
    let open = !args.no_open;
    memory::share();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if args.take_over {
            take_over(&data_dir).await?;
        }
        let listener = listen(args.listen, &data_dir).await?;
        let wishes = Wishes::listen().context("cannot listen for signals")?;
        let ready = Box::new(move |access: &Access| announce(access, open));
        let parting = if args.stop_agents { Parting::End } else { Parting::Leave };
        let options = ServeOptions {
            data_dir,
            page,
            config,
            certificate,
            names: args.names,
            standby: !args.no_standby,
            ready,
        };
        let left = serve(listener, options, shutdown(wishes, parting)).await?;
        if left > 0 {
            tell_who_is_left(left);
        }
        anyhow::Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn restore(args: DataArgs) -> anyhow::Result<ExitCode> {
    let data_dir = args.data_dir.map_or_else(default_data_dir, Ok)?;
    // No bridge may write meanwhile.
    let _lock = Lock::take(&data_dir)?;
    let (copied, former) = store::restore(&data_dir)?;
    let aside = if former.exists() {
        format!(" The former database is now {}.", former.display())
    } else {
        String::new()
    };
    say(&format!(
        "{} is in place again, up to entry {}.{aside} {}",
        copied.file.display(),
        copied.seq,
        of_runs(&data_dir)?
    ));
    Ok(ExitCode::SUCCESS)
}

/// What the next start makes of the runs whose folders are there.
fn of_runs(data_dir: &Path) -> anyhow::Result<String> {
    let open = store::without_end(data_dir)?;
    let there = std::fs::read_dir(data_dir.join("runs")).into_iter().flatten().flatten();
    let there = there.map(|folder| folder.file_name().to_string_lossy().into_owned());
    let (known, mut unknown): (Vec<String>, Vec<String>) = there.partition(|run| open.contains(run));
    unknown.sort();
    let mut said = format!(
        "{} runs whose folders are here are known to it: when the bridge starts they go on, and what they wrote since is taken from there.",
        known.len()
    );
    if !unknown.is_empty() {
        said += &format!(
            " {} are not and are ended then ({}); what they wrote and is not in the log lies in {} afterwards.",
            unknown.len(),
            unknown.join(", "),
            supervisor::strays(data_dir).display()
        );
    }
    Ok(said)
}

fn export(args: DataArgs) -> anyhow::Result<ExitCode> {
    let data_dir = args.data_dir.map_or_else(default_data_dir, Ok)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    match store::export(&data_dir, &mut out) {
        Ok(_) => Ok(ExitCode::SUCCESS),
        // Who reads it wanted no more, which is no error to be told; it is not whole all the same.
        Err(error) if error.is_closed() => {
            // What is still in the buffer has nowhere to go.
            let _ = out.into_parts();
            Ok(ExitCode::from(CLOSED))
        }
        Err(error) => Err(error).with_context(|| format!("cannot export {}", data_dir.display())),
    }
}

fn import(args: ImportArgs) -> anyhow::Result<ExitCode> {
    let data_dir = args.data.data_dir.map_or_else(default_data_dir, Ok)?;
    // No bridge may write meanwhile.
    let _lock = Lock::take(&data_dir)?;
    let counts = store::import(&data_dir, &mut std::io::stdin().lock(), args.go_on)?;
    say(&format!(
        "{} entries and {} lines of output are in {} now.",
        counts.entries,
        counts.lines,
        data_dir.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Where the log is when the command line does not say.
///
/// # Errors
/// Neither the environment nor the user's home says it.
pub(crate) fn default_data_dir() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os(DATA_DIR).filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    let folders = directories::ProjectDirs::from("", "", "orchestrator");
    Ok(folders.context("there is no home folder; give --data-dir")?.data_dir().to_owned())
}

/// A line on stdout, for scripts and people. A reader that is gone stops nothing. Much of it is what agents
/// wrote: of that, nothing may steer the terminal.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{}", tame(line));
}

/// The text without what would steer a terminal.
pub(crate) fn tame(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

fn announce(access: &Access, open: bool) {
    say(&format!("listening on {}", access.url()));
    if let Some(fingerprint) = access.fingerprint() {
        say(&format!(
            "Other devices: open https:// with this machine's name or address and the same port, and compare the certificate's SHA-256 fingerprint\n{fingerprint}"
        ));
    }
    END_WITH_BRIDGE.iter().for_each(|known| say(known));
    let browser = system::browser().filter(|_| open && std::env::var_os("CI").is_none());
    if let Some(mut browser) = browser {
        // The URL stands on the terminal as well; a machine without a browser loses nothing.
        let opened = access.ticket_url().map_err(anyhow::Error::from).and_then(|url| {
            browser.arg(url);
            Ok(tokio::process::Command::from(browser).spawn()?)
        });
        if let Err(error) = opened {
            tracing::debug!(%error, "no browser was opened");
        }
    }
}

fn tell_who_is_left(left: usize) {
    if let Some(known) = END_WITH_BRIDGE {
        return say(known);
    }
    let agents = if left == 1 { "1 agent goes" } else { &format!("{left} agents go") };
    say(&format!(
        "{agents} on without the bridge; start it again to see them. To end them with it: --stop-agents."
    ));
}

/// Listens there. The port of a bridge that was killed while it started a process stays taken until that process
/// has become the program; as with the lock, nothing tells of that moment.
async fn listen(address: SocketAddr, data_dir: &Path) -> anyhow::Result<TcpListener> {
    let deadline = Instant::now() + lock::HANDED_ON;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error)
                if error.kind() == std::io::ErrorKind::AddrInUse
                    && Instant::now() < deadline
                    && lock::left_behind(data_dir) == Some(Reached::here(address)) =>
            {
                tokio::time::sleep(lock::PAUSE).await;
            }
            Err(error) => return Err(cannot_listen(address, &error)),
        }
    }
}

/// Asks the bridge that uses the data folder to end, and waits until it has.
async fn take_over(data_dir: &Path) -> anyhow::Result<()> {
    let Some(Holder { pid, .. }) = lock::holder(data_dir) else { return Ok(()) };
    let Some(holder) = running(pid) else { return Ok(()) };
    system::ask(holder, Wish::HandOver)
        .with_context(|| format!("the bridge (pid {pid}) cannot be asked to hand over"))?;
    tokio::time::timeout(HAND_OVER, over(holder))
        .await
        .with_context(|| format!("the bridge (pid {pid}) was asked to hand over and does not end. Stop it."))
}

fn cannot_listen(listen: SocketAddr, error: &std::io::Error) -> anyhow::Error {
    if error.kind() == std::io::ErrorKind::AddrInUse {
        return anyhow::anyhow!(
            "port {} is taken. Another orchestrator may run there: open its page, stop it, or choose another port with --listen {}:0.",
            listen.port(),
            listen.ip()
        );
    }
    anyhow::anyhow!("cannot listen on {listen}: {error}. Choose another address with --listen.")
}

/// Waits for the first wish to end, which is carried out politely, as the second is at once. Who hands over leaves
/// the agents to the next bridge, whatever `parting` is for the other wishes.
async fn shutdown(mut wishes: Wishes, parting: Parting) -> Parting {
    let wish = wishes.next().await;
    tokio::spawn(async move {
        wishes.next().await;
        std::process::exit(130);
    });
    if wish == Wish::HandOver { Parting::Leave } else { parting }
}
