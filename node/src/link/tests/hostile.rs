//! Peers that say nothing, or what is not true: closed with a reason, in bounded time.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use crdt_model::id::{AuthorId, CommitHash, DocumentId};
use crdt_model::scope::Scope;
use crdt_model::seal::KeyRecord;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::world::{LONG, Node, Place};
use crate::link::reason::Reason;
use crate::link::{Links, Shared};
use crate::store::Snapshot;
use crate::sync::{Effect, Grants, Have, Head, Log, LogError, Pause, Session, SessionConfig, Totals};
use crate::transport::memory::{MemoryTransport, Network};
use crate::transport::{Connection, Door, Protocol, Remote, Transport};

/// A till's key in hostile hands: it dials, and says what a test tells it to.
fn hostile(network: &Network, store: &Node) -> MemoryTransport {
    network.join(store.device(), Arc::new(Open))
}

#[derive(Debug)]
struct Open;

impl Door for Open {
    fn admit(&self, _: crdt_model::id::DeviceId, _: Protocol) -> Result<(), &'static str> {
        Ok(())
    }
}

async fn dial(transport: &MemoryTransport, to: &Node) -> Connection {
    let remote = Remote { device: to.device(), addresses: Vec::new() };
    transport.dial(&remote, Protocol::Sync).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_says_nothing_is_closed() {
    let (place, network) = (Place::with_store().await, Network::default());
    let (head_office, store) = (place.open("HQ"), place.open("S1"));
    let mut shared = Shared::new(&head_office.app).unwrap();
    Arc::get_mut(&mut shared).unwrap().patience.hello_ms = 100;
    let transport = network.join(head_office.device(), Arc::clone(&shared) as Arc<_>);
    head_office.app.set_links(Links::start(&head_office.app, shared, Arc::new(transport)));
    let silent = dial(&hostile(&network, &store), &head_office).await;
    let told = timeout(LONG, silent.path.closed()).await.unwrap();
    assert_eq!(told.as_deref(), Some("unreachable"));
    head_office.stop().await;
    store.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_is_too_long_closes_the_link() {
    let (place, network) = (Place::with_store().await, Network::default());
    let (head_office, store) = (place.serve_in(&network, "HQ"), place.open("S1"));
    let mut flood = dial(&hostile(&network, &store), &head_office).await;
    flood.send.write_all(&[0xff; 64]).await.unwrap();
    let told = timeout(LONG, flood.path.closed()).await.unwrap();
    assert_eq!(told.as_deref(), Some("bad_frame"));
    head_office.until(&store, Reason::BadFrame).await;
    head_office.stop().await;
    store.stop().await;
}

/// A log whose commits carry false signatures.
struct Forged(Snapshot);

impl Log for Forged {
    fn scopes(&self) -> Result<Vec<Scope>, LogError> {
        self.0.scopes()
    }
    fn frontier(&self, scope: &Scope) -> Result<Vec<Head>, LogError> {
        self.0.frontier(scope)
    }
    fn hash_at(&self, scope: &Scope, author: &AuthorId, seq: u64) -> Result<Option<CommitHash>, LogError> {
        self.0.hash_at(scope, author, seq)
    }
    fn totals(&self, scope: &Scope, have: &Have) -> Result<Totals, LogError> {
        self.0.totals(scope, have)
    }
    fn next_commits(
        &self,
        scope: &Scope,
        have: &mut Have,
        without: &dyn Fn(&AuthorId) -> bool,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, LogError> {
        let mut commits = self.0.next_commits(scope, have, without, bytes_max)?;
        commits.iter_mut().filter_map(|commit| commit.last_mut()).for_each(|byte| *byte ^= 1);
        Ok(commits)
    }
    fn keys(&self, subject: DocumentId) -> Result<Vec<KeyRecord>, LogError> {
        self.0.keys(subject)
    }
}

/// Runs a session over a forged log until the other side closes.
async fn forge(store: &Node, head_office: &Node, mut connection: Connection) -> Option<String> {
    let directory = store.app.directory().unwrap();
    let site = |node: &Node| directory.member(&node.device()).unwrap().site.clone();
    let grants = Grants::Sites { control: Arc::clone(&directory.control), here: site(store), there: site(head_office) };
    let log = Forged(store.app.snapshot().unwrap());
    let facts = store.app.facts();
    let mut session = Session::new(SessionConfig {
        org: facts.org,
        author: facts.author,
        peer: head_office.device(),
        addresses: Vec::new(),
        pause: Pause::Running,
    });
    let mut effects = session.start(&log, &grants);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        for effect in effects.drain(..) {
            if let Effect::Send(frame) = effect {
                // A link that is closed meanwhile is what this waits for.
                drop(connection.send.write_all(&frame).await);
            }
        }
        tokio::select! {
            closed = connection.path.closed() => return closed,
            read = connection.receive.read(&mut buffer) => match read {
                Ok(bytes) if bytes > 0 => effects = session.receive(&buffer[..bytes], &log, &grants),
                Ok(_) | Err(_) => return connection.path.closed().await,
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_commit_closes_the_link() {
    let (place, network) = (Place::with_store().await, Network::default());
    let (head_office, store) = (place.serve_in(&network, "HQ"), place.open("S1"));
    let sku = crdt_model::text::Text::new("A1").unwrap();
    let product =
        crate::replica::ProductDraft { sku: sku.clone(), name: sku, unit: None, barcodes: Vec::new(), price: None };
    let command = crate::replica::Command::PostProduct(product);
    store.app.write(&crate::app::model::Request::default(), command).await.unwrap();
    let before = head_office.app.snapshot().unwrap().scopes().unwrap();
    let connection = dial(&hostile(&network, &store), &head_office).await;
    let told = timeout(LONG, forge(&store, &head_office, connection)).await.unwrap();
    assert_eq!(told.as_deref(), Some("bad_commit"));
    head_office.until(&store, Reason::BadCommit).await;
    assert_eq!(head_office.app.snapshot().unwrap().scopes().unwrap(), before, "nothing of it is stored");
    head_office.stop().await;
    store.stop().await;
}
