//! The application: what a person asks for, in one call each.
//!
//! Writes go to the replica through the one writer thread and are answered after the fsync; reads take a snapshot and
//! touch folded rows only. HTTP, command line and import call the same functions.
//!
//! Invariants: an answer leaves after its transaction is durable; a read never opens a document. Proved by
//! the kills of `tests/acceptance/01.sh` and by the acceptance script.

pub mod cases;
pub mod catalogue;
pub mod coverage;
mod digest;
pub mod error;
pub mod fulfilments;
pub mod imports;
pub mod ledger;
pub mod loans;
pub mod lookup;
mod machine;
pub mod model;
pub mod orders;
mod page;
pub mod peers;
pub mod place;
pub mod promise;
mod read;
pub mod reports;
pub mod search;
pub mod sessions;
pub mod status;
pub mod stock;
pub mod sync;
mod tenders;
pub mod timeline;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use chrono_tz::Tz;
use crdt_model::control::state::Control;
use crdt_model::id::{AuthorId, OrgId, request_of};
use crdt_model::money::Currency;
use crdt_model::rows::RowKey;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::time::EventTime;
use tokio::sync::{oneshot, watch};

use crate::clock;
use crate::link::Links;
use crate::replica::{Arrival, Command, Input, Outcome, Received, Replica, RequestKey, rebuild_control};
use crate::store::{NoRoom, ReadTables, Snapshot, Store, StoreError, SubmitError, Table, Writer};
use error::AppError;
use imports::Imports;
use machine::{Answer, Job, ReplicaMachine};
use model::Request;

/// What the application knows of its node.
#[derive(Debug, Clone)]
pub struct NodeFacts {
    /// The data folder.
    pub data: PathBuf,
    /// The organisation.
    pub org: OrgId,
    /// This node's author.
    pub author: AuthorId,
    /// This node's site.
    pub site: SiteCode,
    /// The site's zone.
    pub zone: Tz,
    /// The organisation's currency.
    pub currency: Currency,
}

/// The application of one node; cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<Store>,
    writer: Writer<ReplicaMachine>,
    facts: NodeFacts,
    imports: Imports,
    news: watch::Receiver<u64>,
    url: OnceLock<String>,
    links: OnceLock<Links>,
    search: search::SearchLines,
}

impl App {
    /// Starts the writer over an open store.
    pub fn start(store: Arc<Store>, replica: Replica, facts: NodeFacts) -> std::io::Result<Self> {
        let (ticks, news) = watch::channel(0);
        let writer = Writer::spawn(Arc::clone(&store), ReplicaMachine::new(replica, ticks))?;
        let (imports, url, links) = (Imports::default(), OnceLock::new(), OnceLock::new());
        Ok(Self {
            inner: Arc::new(Inner { store, writer, facts, imports, news, url, links, search: Default::default() }),
        })
    }

    /// What it knows of its node.
    pub fn facts(&self) -> &NodeFacts {
        &self.inner.facts
    }

    /// Tells the address at which it answers.
    pub fn set_url(&self, url: String) {
        self.inner.url.get_or_init(|| url);
    }

    /// Where it answers; none in process.
    pub fn url(&self) -> Option<&str> {
        self.inner.url.get().map(String::as_str)
    }

    /// Drains the writer and ends it; later writes are refused as stopping.
    pub fn stop(&self) {
        drop(self.inner.writer.stop());
    }

    /// Now, as this site sees it.
    pub(crate) fn now(&self) -> EventTime {
        clock::moment(clock::now(), self.inner.facts.zone)
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot, AppError> {
        self.inner.store.read().map_err(storage)
    }

    /// Hands a command to the replica and waits until its outcome is durable.
    pub(crate) async fn write(&self, request: &Request, command: Command) -> Result<Outcome, AppError> {
        let (reply, answer) = oneshot::channel();
        let job = Job { input: self.input(request, command), reply };
        match self.inner.writer.try_submit(job) {
            Ok(()) => {}
            Err(SubmitError::Full(_)) => return Err(AppError::Busy),
            Err(SubmitError::Stopped(_)) => return Err(AppError::Stopping),
        }
        let key = request.idempotency_key.as_ref().map_or("", |key| key.as_str());
        answered(answer.await).map_err(|failure| failure.into_app_error(key))
    }

    /// Takes in commits of other authors; answered once they are durable. Waits for room in the queue.
    ///
    /// # Errors
    /// If the store cannot be written or the node goes down. A refused commit is no error.
    pub async fn receive(&self, arrival: Arrival) -> Result<Received, AppError> {
        let app = self.clone();
        let submitted = tokio::task::spawn_blocking(move || app.write_blocking(Command::Receive(arrival))).await;
        let answer = submitted.map_err(|error| AppError::Storage(error.to_string()))??;
        match answered(answer.await).map_err(|failure| failure.into_app_error(""))? {
            Outcome::Received(received) => Ok(received),
            _other => Err(AppError::Storage("an arrival was answered with another outcome".to_owned())),
        }
    }

    /// Ticks after each durable transaction that stored a commit or a key.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.inner.news.clone()
    }

    /// As [`Self::write`], from a thread of its own; waits for room in the queue.
    pub(crate) fn write_blocking(&self, command: Command) -> Result<oneshot::Receiver<Answer>, AppError> {
        self.submit(Input { now: self.now(), request: None, command })
    }

    /// As [`Self::write_blocking`], for a request that may be repeated.
    pub(crate) fn write_repeatable(
        &self,
        request: &Request,
        command: Command,
    ) -> Result<oneshot::Receiver<Answer>, AppError> {
        self.submit(self.input(request, command))
    }

    fn submit(&self, input: Input) -> Result<oneshot::Receiver<Answer>, AppError> {
        let (reply, answer) = oneshot::channel();
        let job = Job { input, reply };
        match self.inner.writer.submit(job) {
            Ok(()) => Ok(answer),
            Err(SubmitError::Full(_)) => Err(AppError::Busy),
            Err(SubmitError::Stopped(_)) => Err(AppError::Stopping),
        }
    }

    fn input(&self, request: &Request, command: Command) -> Input {
        let request = request.idempotency_key.as_ref().map(|key| RequestKey {
            id: request_of(&self.inner.facts.author.0, key.as_str()),
            body_hash: request.body_hash,
        });
        Input { now: self.now(), request, command }
    }
}

/// An answer, or that the writer ended without one.
pub(crate) fn answered(answer: Result<Answer, oneshot::error::RecvError>) -> Answer {
    answer.unwrap_or(Err(machine::Failure::Stopping))
}

/// A failed read or write of the store as the caller sees it.
pub(crate) fn storage(error: StoreError) -> AppError {
    match &error {
        StoreError::DiskFull(_) => AppError::DiskFull(error.no_room().unwrap_or(NoRoom::unknown())),
        other => AppError::Storage(other.to_string()),
    }
}

/// What a store says of its organisation.
pub(crate) struct Organisation {
    /// The hash of its genesis commit.
    pub id: OrgId,
    /// Its currency.
    pub currency: Currency,
    /// Members, sites, keepers and channels.
    pub control: Control,
}

/// Reads the organisation of a store, whose rows are made anew from the commits where they cannot be read; `None` where
/// there is no genesis.
pub(crate) fn organisation(store: &Store) -> Result<Option<Organisation>, AppError> {
    match read_organisation(store) {
        Err(error) if error.is_rebuild_needed() => {
            let made = store.write(rebuild_control);
            made.map_err(|error| AppError::Storage(format!("making the rows of control anew: {error}")))?;
            read_organisation(store)
        }
        read => read,
    }
}

fn read_organisation(store: &Store) -> Result<Option<Organisation>, AppError> {
    let snapshot = store.read().map_err(storage)?;
    let control = read::control(&snapshot)?;
    let first = RowKey::of(&Scope::Control).fixed(&1u64.to_be_bytes());
    let id = snapshot.get(Table::CommitOrder, first.as_bytes()).map_err(storage)?;
    let id = id.and_then(|hash| <[u8; 32]>::try_from(hash.as_slice()).ok()).map(OrgId);
    let genesis = control.genesis.clone();
    Ok(id.zip(genesis).map(|(id, genesis)| Organisation { id, currency: genesis.currency, control }))
}

#[cfg(test)]
mod tests {
    mod coverage;
    mod digests;
    mod failures;
    mod imports;
    mod lists;
    mod news;
    mod orders;
    mod privacy;
    mod products;
    mod shelf;
    mod world;
}
