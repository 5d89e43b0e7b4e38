//! Opening a node: as a server for pages and programs, or in this process for one command.
//!
//! Both run the same routes over the same application. A folder is held by one process at a time.
//!
//! Invariants: `node.json` is there only while the node answers; a stop drains the writer. Proved by
//! `tests/acceptance/01.sh` and `a_second_process_is_told_where_the_node_answers`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crdt_model::id::{AuthorId, SessionId};

use crate::app::{App, NodeFacts, organisation};
use crate::entropy;
use crate::error::NodeError;
use crate::folder::{Folder, RunningNote};
use crate::http::{HttpConfig, LocalCaller, TokenHash, router};
use crate::init::{version, zone_of};
use crate::link::rows::LOCAL_JOINING;
use crate::listen;
use crate::replica::{Identity, Replica};
use crate::store::{ReadTables, Store, StoreConfig, StoreError, Table};
use crate::web::session::Sessions;

/// Threads that answer requests; the writer and imports have their own.
const WORKERS: usize = 2;

/// How a node is served.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Its folder.
    pub data: PathBuf,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where other nodes reach it, kept from now on; the kept address where none is given.
    pub sync_listen: Option<SocketAddr>,
    /// What it is served for.
    pub purpose: Purpose,
}

/// What a node is served for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// Work.
    #[default]
    Work,
    /// To be looked at: each page has a button that cuts the node off.
    Demo,
}

/// What is told once a node answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ready {
    /// Where it answers.
    pub url: String,
    /// The address that opens its pages, once and for an hour.
    pub sign_in: String,
}

/// Serves the node until Ctrl-C or a termination signal; tells `ready` once it answers.
pub fn serve(options: &ServeOptions, ready: impl FnOnce(&Ready)) -> Result<(), NodeError> {
    serve_until(options, ready, asked_to_end)
}

/// Serves the node until the future that `ending` makes on its runtime is ready.
pub(crate) fn serve_until<F>(
    options: &ServeOptions,
    ready: impl FnOnce(&Ready),
    ending: impl FnOnce() -> Result<F, NodeError>,
) -> Result<(), NodeError>
where
    F: Future<Output = ()> + Send + 'static,
{
    if !options.listen.ip().is_loopback() {
        return Err(NodeError::BadRequest {
            field: "listen",
            detail: format!("{} is not a loopback address", options.listen.ip()),
            remedy: "Listen on 127.0.0.1 or [::1]; other addresses need users and TLS.",
        });
    }
    let folder = Folder::new(&options.data);
    let app = open_app(&folder)?;
    let served = runtime()?.block_on(async { serve_app(&folder, &app, options, ready, ending()?).await });
    folder.remove_note();
    app.stop();
    served
}

/// Ready at Ctrl-C or a termination signal.
pub(crate) fn asked_to_end() -> Result<impl Future<Output = ()> + Send + 'static, NodeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(NodeError::io("waiting for signals"))?;
    Ok(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    })
}

async fn serve_app(
    folder: &Folder,
    app: &App,
    options: &ServeOptions,
    ready: impl FnOnce(&Ready),
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), NodeError> {
    let sync_address = listen::settle(app, options.sync_listen).await?;
    let listening = || format!("listening on {}", options.listen);
    let listener = TcpListener::bind(options.listen).await.map_err(NodeError::io(listening()))?;
    listen::start_links(app, &folder.key("device.key")?, sync_address).await?;
    let served = serve_pages(folder, app, listener, options.purpose, ready, end).await;
    app.stop_links().await;
    served
}

async fn serve_pages(
    folder: &Folder,
    app: &App,
    listener: TcpListener,
    purpose: Purpose,
    ready: impl FnOnce(&Ready),
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), NodeError> {
    let listening = || "listening for callers".to_owned();
    let address = listener.local_addr().map_err(NodeError::io(listening()))?;
    let token = entropy::bytes::<32>().map_err(NodeError::io("asking for random bytes"))?;
    let token = blake3::Hash::from(token).to_hex().to_string();
    let url = format!("http://{address}");
    app.set_url(url.clone());
    let sessions = Arc::new(open_sessions(app)?);
    let code = sessions.new_link().map_err(|error| NodeError::Write(error.to_string()))?;
    let config = HttpConfig { purpose, ..http_config(folder, &token, address.port(), sessions) };
    let routes = router(app.clone(), config);
    // The lines of the search are made beside the first requests; what fails now is tried again by the first question.
    drop(app.search("", 1));
    let facts = app.facts();
    folder.write_note(&RunningNote {
        pid: std::process::id(),
        url: url.clone(),
        token,
        sync_addrs: app.link_addresses().iter().map(SocketAddr::to_string).collect(),
        site: facts.site.to_string(),
        node: facts.author.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })?;
    ready(&Ready { sign_in: format!("{url}/sign-in/{code}"), url });
    crate::http::serve(listener, routes, end).await.map_err(NodeError::io(listening()))
}

fn open_sessions(app: &App) -> Result<Sessions, NodeError> {
    Sessions::open(app).map_err(|error| NodeError::Write(error.to_string()))
}

fn http_config(folder: &Folder, token: &str, port: u16, sessions: Arc<Sessions>) -> HttpConfig {
    HttpConfig {
        port,
        token: TokenHash::of(token),
        imports_folder: folder.imports(),
        log,
        sessions,
        purpose: Purpose::Work,
    }
}

/// Faults of the machine go to standard error; data never does.
fn log(line: &str) {
    use std::io::Write;
    // A closed standard error must not end the node.
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

pub(crate) fn runtime() -> Result<Runtime, NodeError> {
    Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build().map_err(NodeError::io("starting threads"))
}

/// Opens the folder's store and starts the application over it.
pub(crate) fn open_app(folder: &Folder) -> Result<App, NodeError> {
    let data = folder.root().to_owned();
    if !folder.database().exists() {
        return Err(NodeError::NotInitialised { data });
    }
    let store = open_store(folder)?;
    folder.sweep();
    let key = folder.key("author.key")?;
    let author = AuthorId(key.verifying_key().to_bytes());
    let own = organisation(&store).map_err(|error| NodeError::Write(error.to_string()))?;
    let joining = is_joining(&store)?;
    let absent = |otherwise: NodeError| if joining { NodeError::NotAdmitted { data: data.clone() } } else { otherwise };
    let own = own.ok_or_else(|| absent(NodeError::NotInitialised { data: data.clone() }))?;
    let member = own.control.members.get(&author);
    let member = member.ok_or_else(|| absent(NodeError::ForeignKey { data: data.clone() }))?;
    let site = own.control.sites.get(&member.site).ok_or(NodeError::ForeignKey { data: data.clone() })?;
    let facts = NodeFacts {
        data,
        org: own.id,
        author,
        site: site.code.clone(),
        zone: zone_of(site.zone.as_str())?,
        currency: own.currency,
    };
    let random = entropy::bytes::<8>().and_then(|session| Ok((session, entropy::bytes::<32>()?)));
    let (session, seed) = random.map_err(NodeError::io("asking for random bytes"))?;
    let identity = Identity { key, session: SessionId(session), org: own.id, site: facts.site.clone() };
    let replica = Replica::new(identity, seed);
    App::start(Arc::new(store), replica, facts).map_err(NodeError::io("starting the writer"))
}

/// Whether the folder's node began to join and is not admitted yet.
pub(crate) fn is_joining(store: &Store) -> Result<bool, NodeError> {
    Ok(store.read()?.get(Table::Local, LOCAL_JOINING)?.is_some())
}

/// Opens the folder's database, which no other process may hold.
pub(crate) fn open_store(folder: &Folder) -> Result<Store, NodeError> {
    let config = StoreConfig { written_by: version(), ..StoreConfig::default() };
    Store::open_file(&folder.database(), config).map_err(|error| match error {
        StoreError::Locked => {
            let (page, pid) = folder.note().map(|note| (note.url, note.pid)).unzip();
            NodeError::Locked { data: folder.root().to_owned(), page, pid }
        }
        other => NodeError::Store(other),
    })
}

/// A node opened in this process for a command.
pub struct LocalNode {
    runtime: Runtime,
    app: App,
    caller: LocalCaller,
}

/// A request to a node in this process.
#[derive(Debug, Clone)]
pub struct LocalRequest {
    /// HTTP method.
    pub method: &'static str,
    /// Path and query.
    pub path_and_query: String,
    /// Type of the body.
    pub content_type: Option<String>,
    /// What makes it repeatable.
    pub idempotency_key: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Its answer.
#[derive(Debug, Clone)]
pub struct LocalResponse {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl LocalNode {
    /// The application, for tests that ask past the routes.
    #[cfg(test)]
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Opens a folder that no other process holds.
    pub fn open(data: &Path) -> Result<Self, NodeError> {
        let folder = Folder::new(data);
        let app = open_app(&folder)?;
        let sessions = Arc::new(open_sessions(&app)?);
        let caller = LocalCaller::new(router(app.clone(), http_config(&folder, "", 0, sessions)));
        Ok(Self { runtime: runtime()?, app, caller })
    }

    /// Answers a request as the served node would.
    pub fn call(&self, request: LocalRequest) -> LocalResponse {
        let LocalRequest { method, path_and_query, content_type, idempotency_key, body } = request;
        let call = self.caller.call(method, &path_and_query, content_type.as_deref(), idempotency_key.as_deref(), body);
        let (status, body) = self.runtime.block_on(call);
        LocalResponse { status, body }
    }
}

impl Drop for LocalNode {
    fn drop(&mut self) {
        self.app.stop();
    }
}

#[cfg(test)]
mod tests {
    mod lock;
    mod rows;
}
