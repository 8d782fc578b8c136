//! The bridge as a value: a listener, options and a future that ends it. A test starts it on port 0, the
//! binary passes ctrl-c.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response, Sse, sse};
use axum::routing::{get, post};
use axum::{Extension, Json, middleware};
use futures_util::StreamExt;
use shared::api::{Clients, Health};
use shared::entry::{Actor, Draft, Kind};
use shared::unit::Epoch;
use shared::wire::{MAX_MESSAGE, PROTOCOL};
use tokio::net::TcpListener;

use crate::access::{self, Access, Reached, Who, routes};
use crate::config::Config;
use crate::door::{Bounds, Door};
use crate::headless::rest;
use crate::inspect::{self, Inspection};
use crate::lock::Lock;
use crate::page::Source;
use crate::relay::{Attendance, Relay, drawing, follow_log, history, pump, screen};
use crate::search::{self, Search, SearchError};
use crate::standby::Standby;
use crate::store::{Store, StoreError, copies, nothing_lost};
use crate::supervisor::{Parting, Supervisor};
use crate::tls::{Certificate, Identity};
use crate::worktree::Custody;
use crate::{agents, disk, folders, page, pressure, retention};

/// What the bridge needs beside its listener.
pub struct ServeOptions {
    pub data_dir: PathBuf,
    pub page: Source,
    pub config: Config,
    /// Speaks TLS with it; without it only this machine may be served.
    pub certificate: Option<Certificate>,
    /// Host names by which the bridge is reached, beside addresses.
    pub names: Vec<String>,
    /// Whether a conductor of the bridge's own decides while no page does.
    pub standby: bool,
    /// Called when everything answers, with what gives the URLs that let a person in.
    pub ready: Box<dyn FnOnce(&Access) + Send>,
}

/// Why the bridge did not start or stopped; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Lock(#[from] crate::lock::LockError),
    #[error(transparent)]
    Open(#[from] crate::store::OpenError),
    #[error(transparent)]
    Access(#[from] access::AccessError),
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(
        "runs cannot be supervised: {0}. See to the data folder, or raise fs.inotify.max_user_instances."
    )]
    Supervise(#[source] std::io::Error),
    #[error("the listener failed: {0}")]
    Listen(#[from] std::io::Error),
}

#[derive(Clone)]
struct App {
    relay: Relay,
    search: Search,
    access: Arc<Access>,
    page: Arc<Source>,
    inspection: Inspection,
}

/// Runs the bridge until `shutdown` says what becomes of the runs; then parts from all of them so and returns how
/// many go on.
pub async fn serve(
    listener: TcpListener,
    options: ServeOptions,
    shutdown: impl Future<Output = Parting>,
) -> Result<usize, ServeError> {
    let mut lock = Lock::take(&options.data_dir)?;
    nothing_lost(&options.data_dir)?;
    let store = Store::open(&options.data_dir)?;
    let search = Search::start(&options.data_dir, store.clone())?;
    let address = listener.local_addr()?;
    let identity = options.certificate.map(|certificate| Identity::open(&certificate, &options.data_dir));
    let identity = identity.transpose()?;
    let fingerprint = identity.as_ref().map(|identity| identity.fingerprint);
    let reached = Reached { listen: address, fingerprint, names: options.names };
    let access = Arc::new(Access::open(&options.data_dir, reached)?);
    let config = Arc::new(options.config);
    let runs_dir = options.data_dir.join("runs");
    let program = own_program()?;
    let supervisor = Supervisor::new(store.clone(), Arc::clone(&config), &runs_dir, program.clone());
    let supervisor = supervisor.map_err(ServeError::Supervise)?;
    let custody = Custody::new(&options.data_dir);
    put_back(&store, custody.clone()).await?;
    begin(&store, &supervisor).await?;
    let page = Arc::new(options.page);
    let epoch = last_epoch(&store).await?;
    let relay = Relay::new(store.clone(), epoch, access.asking(), Arc::clone(&page));
    let acting = supervisor.clone();
    let head = store.hub().head();
    let orders = tokio::spawn(follow_log(store.clone(), head, move |entry| acting.carry_out(entry)));
    lock.tell(Reached::here(address), fingerprint)?;
    let standby = options.standby.then(|| Standby { program, data_dir: options.data_dir.clone() });
    let standby = tokio::spawn(keep_standby(standby, store.clone(), relay.attendance()));
    let inspection = Inspection::new(options.data_dir.clone(), Arc::clone(&config));
    let app = App { relay, search, access: Arc::clone(&access), page, inspection };
    let app = router(app, store.clone(), custody, config.folders.clone());
    (options.ready)(&access);
    let disk = tokio::spawn(disk::watch(store.clone(), options.data_dir.clone(), config.disk));
    let memory = tokio::spawn(pressure::watch(store.clone(), runs_dir, config.memory));
    let backups = tokio::spawn(back_up(store.clone(), options.data_dir));
    let days = config.retention.output_days;
    let retention = (days > 0).then(|| tokio::spawn(retention::keep(store.clone(), days)));
    let agents = tokio::spawn(look_for_agents(store, Arc::clone(&config)));
    let door = Door::new(listener, identity.map(|identity| identity.config));
    let parting = tokio::select! {
        never = door.serve(app, Bounds::default()) => match never {},
        parting = shutdown => parting,
    };
    // An order that comes now stays in the log, and the next bridge carries it out.
    for task in [orders, agents, standby, backups, disk, memory].into_iter().chain(retention) {
        task.abort();
        let _ = task.await;
    }
    Ok(supervisor.shut_down(parting).await)
}

/// The path of this program. On Linux not by its name, which leads nowhere, or to another version, once the
/// binary was replaced.
fn own_program() -> std::io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok(PathBuf::from("/proc/self/exe")) } else { std::env::current_exe() }
}

/// Puts worktrees back in their places whose removal was interrupted: it left all of them, aside.
async fn put_back(store: &Store, custody: Custody) -> Result<(), ServeError> {
    let path = |kind: &Kind| match kind {
        Kind::WorktreeMade { worktree, .. } => Some(PathBuf::from(&worktree.path)),
        _ => None,
    };
    let made = store.all_of_kind("worktree_made").await?;
    let known: Vec<PathBuf> = made.iter().filter_map(|stored| path(stored.entry.body.known()?)).collect();
    let recovered = tokio::task::spawn_blocking(move || custody.recover(&known)).await;
    if let Err(error) = recovered.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
        tracing::error!(%error, "worktrees could not be put back in their places; they are listed");
    }
    Ok(())
}

async fn keep_standby(standby: Option<Standby>, store: Store, attendance: Attendance) {
    if let Some(standby) = standby {
        standby.keep(store, attendance).await;
    }
}

/// Says in the log that the bridge is there, and sees after what the last one left behind.
async fn begin(store: &Store, supervisor: &Supervisor) -> Result<(), ServeError> {
    let started =
        Kind::BridgeStarted { version: env!("CARGO_PKG_VERSION").to_owned(), pid: std::process::id() };
    store.append(Actor::Bridge, vec![Draft::new(None, started)]).await?;
    supervisor.reconcile().await?;
    Ok(())
}

/// Says in the log which agents the machine has, where that has changed. Beside everything else: a CLI that
/// is slow to tell its version keeps nobody waiting.
async fn look_for_agents(store: Store, config: Arc<Config>) {
    let found = Kind::AgentsFound { agents: agents::find(&config).await };
    let recorded = async {
        let known = store.last_of_kind("agents_found").await?;
        if known.as_ref().and_then(|stored| stored.entry.body.known()) != Some(&found) {
            store.append(Actor::Bridge, vec![Draft::new(None, found)]).await?;
        }
        Ok::<_, StoreError>(())
    };
    if let Err(error) = recorded.await {
        tracing::error!(%error, "the agents that were found could not be recorded");
    }
}

/// How old the newest backup gets at most while there is anything new.
const BACKUP: Duration = Duration::from_secs(30 * 60);

/// Keeps the backups fresh. The first of a folder, and one that could not be made, waits as long as any other.
async fn back_up(store: Store, data_dir: PathBuf) {
    loop {
        let newest = copies(&data_dir).pop();
        let made = newest.and_then(|copied| copied.file.metadata().ok()?.modified().ok()?.elapsed().ok());
        tokio::time::sleep(BACKUP.saturating_sub(made.unwrap_or_default())).await;
        match store.back_up(&data_dir).await {
            Ok(Some(copied)) => tracing::info!(file = %copied.file.display(), "backed up"),
            // Nothing new, or no room: looked at again after as long.
            Ok(None) => tokio::time::sleep(BACKUP).await,
            Err(error) => {
                tracing::error!(%error, "the database could not be backed up");
                tokio::time::sleep(BACKUP).await;
            }
        }
    }
}

async fn last_epoch(store: &Store) -> Result<Epoch, StoreError> {
    let granted = store.last_of_kind("baton_granted").await?;
    let granted = granted.as_ref().and_then(|stored| stored.entry.body.known());
    Ok(if let Some(Kind::BatonGranted { epoch, .. }) = granted { *epoch } else { Epoch(0) })
}

fn router(app: App, store: Store, custody: Custody, allowed: Vec<PathBuf>) -> Router {
    let (page, access) = (Arc::clone(&app.page), Arc::clone(&app.access));
    let inspections = Router::new()
        .route("/api/processes", get(inspect::processes))
        .route("/api/self-test", post(inspect::self_test))
        .with_state(app.inspection.clone());
    let dev = matches!(*page, Source::Folder(_));
    let mut routes = Router::new()
        .route("/ws", get(socket))
        .route("/api/runs/{run}/output", get(history::page).with_state(app.relay.clone()))
        .route("/api/search", get(search::answer).with_state(app.search.clone()))
        .route("/api/runs/{run}/screen", get(screen::show).with_state(app.relay.clone()))
        .route("/api/runs/{run}/terminal", get(drawing::follow).with_state(app.relay.clone()))
        .route("/api/clients", get(clients))
        .route("/api/folders", get(folders::list).post(folders::make))
        .route("/api/health", get(health))
        .merge(rest::routes(store, app.relay.clone(), custody, allowed));
    if dev {
        routes = routes.route("/dev/reload", get(reload));
    }
    routes
        .with_state(app)
        .merge(inspections)
        .merge(ways_in(Arc::clone(&access)))
        .fallback(get(page::serve).with_state(page))
        .layer(DefaultBodyLimit::max(64 * 1024))
        .layer(middleware::from_fn_with_state(access, access::guard))
}

fn ways_in(access: Arc<Access>) -> Router {
    Router::new()
        .route("/api/enter", post(routes::enter))
        .route("/api/pair", post(routes::pair))
        .route("/api/pair/outcome", post(routes::outcome))
        .route("/api/pair/answer", post(routes::answer))
        .route("/api/devices", get(routes::list))
        .route("/api/devices/revoke", post(routes::revoke))
        .with_state(access)
}

async fn clients(State(app): State<App>) -> Json<Clients> {
    Json(Clients { pages: app.relay.pages() })
}

async fn health() -> Json<Health> {
    Json(Health { version: env!("CARGO_PKG_VERSION").to_owned(), protocol: PROTOCOL })
}

/// What is read of a message that is too large, so that its sender can be told; beyond it the socket is closed.
const READ_MAX: usize = 2 * MAX_MESSAGE;

async fn socket(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    upgrade: WebSocketUpgrade,
) -> Response {
    // The buffer is cleared at each look for a message, of which there is one for each line that goes out.
    let upgrade = upgrade.read_buffer_size(4 * 1024);
    upgrade.max_message_size(READ_MAX).max_frame_size(READ_MAX).write_buffer_size(0).on_upgrade(
        async move |socket| {
            // A device that is revoked is parted from as if it had gone.
            let socket = socket.take_until(Box::pin(still_trusted(app.access, who)));
            if let Err(closed) = pump(socket, app.relay).await {
                tracing::debug!(%closed, "a client is gone");
            }
        },
    )
}

/// Ends when the client is let in no longer, which of the owner's never is so.
async fn still_trusted(access: Arc<Access>, who: Who) {
    let Who::Device(id) = who else { return std::future::pending().await };
    let (seeing, seen) = (Arc::clone(&access), id.clone());
    // Kept for people who look at the list; nothing waits for it.
    tokio::task::spawn_blocking(move || seeing.devices.saw(&seen));
    access.devices.revoked(id).await;
}

/// Tells a page under development that it was built anew. Looks at the file four times a second, which only
/// the developer's own machine does.
async fn reload(State(app): State<App>) -> Response {
    let Source::Folder(folder) = (*app.page).clone() else {
        return axum::http::StatusCode::NOT_FOUND.into_response();
    };
    let changed = move || std::fs::metadata(folder.join("index.html")).and_then(|file| file.modified()).ok();
    let built = changed();
    let events = futures_util::stream::unfold((built, changed), |(built, changed)| async move {
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let now = changed();
            if now.is_some() && now != built {
                let event = sse::Event::default().event("reload").data("built");
                return Some((Ok::<_, std::convert::Infallible>(event), (now, changed)));
            }
        }
    });
    Sse::new(events).keep_alive(sse::KeepAlive::default()).into_response()
}
