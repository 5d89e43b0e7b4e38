//! Links: the open streams to other nodes, who keeps them open, and what is known of them.
//!
//! `plan` says who dials, `tend` dials, redials and accepts, `drive` runs one connection's sync session, `state` holds how
//! each link is now, `rows` what is remembered over restarts. The protocol itself is `sync`'s, sockets are `transport`'s.
//!
//! Invariants: a paused node has no stream in either direction; each task ends with [`Links::stop`]. Proved by
//! `a_pause_cuts_both_directions_and_survives_a_restart` and `two_members_meet_again_after_a_cut`.

pub mod backoff;
pub mod directory;
mod drive;
pub mod plan;
pub mod reason;
pub mod rows;
pub mod state;
mod tend;
mod verify;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crdt_model::id::DeviceId;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::App;
use crate::app::error::AppError;
use crate::clock;
use crate::transport::{Door, Protocol, Transport};
use directory::{Directory, Exchange};
use reason::Reason;
use state::{CONNECTIONS_MAX, LinkState, States};
use verify::Verifiers;

/// What all tasks of the links share.
pub struct Shared {
    states: States,
    directory: RwLock<Arc<Directory>>,
    wakes: watch::Sender<u64>,
    looks: watch::Sender<u64>,
    questions: watch::Sender<Questions>,
    verifiers: Verifiers,
    binding: tokio::sync::Mutex<()>,
    patience: Patience,
}

/// What those who wait for an exchange ask of every peer: whether all that it holds was sent.
#[derive(Debug, Clone, Copy, Default)]
struct Questions {
    /// The last one.
    number: u64,
    /// How many wait for an answer; without them a new stream asks nothing.
    waiting: u32,
}

/// A question to every peer, asked for as long as this lives.
pub struct Question {
    shared: Arc<Shared>,
    /// A link whose state says `told` with this number, or a later one, has answered.
    pub number: u64,
}

impl Drop for Question {
    fn drop(&mut self) {
        self.shared.questions.send_modify(|questions| questions.waiting -= 1);
    }
}

/// How long a peer may be silent, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Until it says who it is.
    hello_ms: u64,
    /// While it owes something.
    silence_ms: u64,
}

const PATIENCE: Patience = Patience { hello_ms: 10_000, silence_ms: 30_000 };

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    /// Begins with what the store says now; it is the door of the transport that is bound next.
    pub fn new(app: &App) -> Result<Arc<Self>, AppError> {
        let directory = RwLock::new(Arc::new(app.directory()?));
        Ok(Arc::new(Self {
            states: States::default(),
            directory,
            wakes: watch::channel(0).0,
            looks: watch::channel(0).0,
            questions: watch::Sender::default(),
            verifiers: Verifiers::default(),
            binding: tokio::sync::Mutex::default(),
            patience: PATIENCE,
        }))
    }

    fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the directory again; what may no longer be open is closed.
    async fn refresh(&self, app: &App) -> Result<(), AppError> {
        let reader = app.clone();
        let read = tokio::task::spawn_blocking(move || reader.directory()).await;
        let directory = Arc::new(read.map_err(|error| AppError::Storage(error.to_string()))??);
        *self.directory.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&directory);
        self.looks.send_modify(|count| *count = count.wrapping_add(1));
        if directory.exchange == Exchange::Paused {
            self.states.close(Reason::PausedHere, |_| true);
        } else {
            self.states.resumed();
        }
        self.states.close(Reason::NotAdmitted, |device| directory.member(device).is_none());
        Ok(())
    }

    fn wake(&self) {
        self.wakes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Door for Shared {
    fn admit(&self, device: DeviceId, protocol: Protocol) -> Result<(), &'static str> {
        self.directory().admit(&device, protocol, clock::now())?;
        let others = || self.states.all().iter().filter(|(known, state)| **known != device && state.is_open()).count();
        if protocol == Protocol::Sync && others() >= CONNECTIONS_MAX { Err("busy") } else { Ok(()) }
    }
}

/// The running links of a node.
pub struct Links {
    shared: Arc<Shared>,
    transport: Box<dyn Endpoint>,
    tasks: Mutex<JoinSet<()>>,
}

/// A transport whose type is forgotten.
trait Endpoint: Send + Sync {
    fn addresses(&self) -> Vec<SocketAddr>;
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

impl<T: Transport> Endpoint for Arc<T> {
    fn addresses(&self) -> Vec<SocketAddr> {
        T::addresses(self)
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(T::close(self))
    }
}

impl Links {
    /// Begins to dial and to accept.
    pub fn start<T: Transport>(app: &App, shared: Arc<Shared>, transport: Arc<T>) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(tend::dial_all(app.clone(), Arc::clone(&shared), Arc::clone(&transport)));
        tasks.spawn(tend::accept_all(app.clone(), Arc::clone(&shared), Arc::clone(&transport)));
        tasks.spawn(tend::keep_rights(app.clone(), Arc::clone(&shared)));
        Self { shared, transport: Box::new(transport), tasks: Mutex::new(tasks) }
    }

    /// Every link now, by device.
    pub fn states(&self) -> BTreeMap<DeviceId, LinkState> {
        self.shared.states.all()
    }

    /// Asks every peer, now and as soon as its stream is open, whether all that it holds was sent.
    pub fn ask(&self) -> Question {
        let mut number = 0;
        self.shared.questions.send_modify(|questions| {
            questions.number += 1;
            questions.waiting += 1;
            number = questions.number;
        });
        Question { shared: Arc::clone(&self.shared), number }
    }

    /// Ticks at every change of a link.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.states.changes()
    }

    /// Where others reach this node.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.transport.addresses()
    }

    /// Reads members, addresses and the pause again, closes what may no longer be open and dials without waiting.
    pub async fn refresh(&self, app: &App) -> Result<(), AppError> {
        self.shared.refresh(app).await?;
        self.shared.wake();
        Ok(())
    }

    /// Closes every stream and ends every task.
    pub async fn stop(&self) {
        self.shared.states.close(Reason::Unreachable, |_| true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
        self.transport.close().await;
    }
}

#[cfg(test)]
mod tests {
    mod alias;
    mod enrolment;
    mod fulfilments;
    mod hostile;
    mod pair;
    mod timeline;
    mod world;
}
