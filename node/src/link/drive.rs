//! One connection: bytes in and out of a sync session, commits to the store, what it says to the link's state.
//!
//! The session decides what is said; here are the stream, the snapshots, the verification of signatures, the store and
//! the clock.
//!
//! Invariants: a frame is acknowledged after its commits are durable; frames are stored in their order; a silent or
//! flooding peer costs bounded time and memory. Proved by `a_peer_that_says_nothing_is_closed`,
//! `what_one_writes_the_other_holds` and `a_forged_commit_closes_the_link`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crdt_model::id::{AuthorId, DeviceId};
use crdt_model::scope::Scope;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{interval, timeout};

use super::directory::{Directory, Exchange};
use super::reason::Reason;
use super::rows::{Acked, PeerRow, heard, told};
use super::state::{Announced, Lease, LinkState, Waiting};
use super::verify::Verifiers;
use super::{Questions, Shared};
use crate::app::App;
use crate::app::error::AppError;
use crate::app::peers::peer_put;
use crate::clock;
use crate::replica::{Arrival, Received};
use crate::store::Snapshot;
use crate::sync::{Closing, Effect, Grants, Head, Incoming, Log, Pause, Session, SessionConfig, SessionStatus};
use crate::sync::{Reason as Why, Side};
use crate::transport::{Connection, Path};

/// How long a peer may leave what is sent unread, in milliseconds.
const UNREAD_MS_MAX: u64 = 30_000;
/// How often silence is measured, in milliseconds.
const LOOK_MS: u64 = 500;
/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;
/// Frames that wait to be written; a session has less than this on its way.
const WRITES_MAX: usize = 64;
/// Frames of commits between the stream and the store, beyond the one that each stage works on.
const INGEST_MAX: usize = 1;
/// The shortest time between two notes of the last exchange on disk, in milliseconds.
const NOTE_MS_MIN: u64 = 10_000;

/// How a connection went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The two greeted each other.
    AfterExchange,
    /// They did not come so far.
    AtOnce,
}

/// Runs a connection to its end.
pub(super) async fn run(app: &App, shared: &Arc<Shared>, connection: Connection) -> Ended {
    let Connection { peer, send, mut receive, path, .. } = connection;
    let directory = shared.directory();
    let refusal = match (directory.member(&peer), directory.exchange) {
        (None, _) => Some(Reason::NotAdmitted),
        (Some(_), Exchange::Paused) => Some(Reason::PausedHere),
        (Some(_), Exchange::Running) => None,
    };
    let lease = if refusal.is_none() { shared.states.begin(peer, Arc::clone(&path)) } else { None };
    let Some(lease) = lease else {
        path.close(refusal.map_or("busy", Reason::code));
        return Ended::AtOnce;
    };
    let mut drive = Drive::new(app, shared, &directory, lease, peer, send);
    let reason = drive.run(&mut receive, &*path).await;
    path.close(reason.code());
    shared.states.end(lease, reason);
    let ended = if drive.status.is_greeted { Ended::AfterExchange } else { Ended::AtOnce };
    if ended == Ended::AfterExchange {
        drive.note().await;
    }
    ended
}

/// Everything of one connection.
struct Drive<'a> {
    app: &'a App,
    shared: &'a Arc<Shared>,
    lease: Lease,
    peer: DeviceId,
    session: Option<Session>,
    status: SessionStatus,
    row: PeerRow,
    acked: Acked,
    grants: Grants,
    writes: mpsc::Sender<Vec<u8>>,
    arrivals: mpsc::Sender<Incoming>,
    stored: mpsc::Receiver<(u64, Result<Received, Failed>)>,
    in_store: usize,
    heard: Instant,
    noted: Instant,
    _tasks: JoinSet<()>,
    writer: JoinHandle<()>,
}

/// Why an arrival is not in the store.
enum Failed {
    Signature(String),
    Store(AppError),
}

/// What wakes a drive.
enum Event {
    Read(std::io::Result<usize>),
    Stored(u64, Result<Received, Failed>),
    News,
    Asked,
    Looked,
    Closed(Option<String>),
}

/// Where a drive goes on.
type Step = Result<(), Reason>;

impl<'a> Drive<'a> {
    fn new(
        app: &'a App,
        shared: &'a Arc<Shared>,
        directory: &Directory,
        lease: Lease,
        peer: DeviceId,
        send: Box<dyn AsyncWrite + Send + Unpin>,
    ) -> Self {
        let mut tasks = JoinSet::new();
        let (writes, to_write) = mpsc::channel(WRITES_MAX);
        let writer = tokio::spawn(write_all(send, to_write));
        let (arrivals, arrived) = mpsc::channel(INGEST_MAX);
        let (verified, to_store) = mpsc::channel(INGEST_MAX);
        let (done, stored) = mpsc::channel(4);
        tasks.spawn(verify_all(shared.verifiers.clone(), arrived, verified));
        tasks.spawn(store_all(app.clone(), to_store, done));
        let row = directory.peers.get(&peer).cloned().unwrap_or_default();
        let config = SessionConfig {
            org: app.facts().org,
            author: app.facts().author,
            peer,
            addresses: app.link_addresses().iter().map(told).collect(),
            pause: Pause::Running,
        };
        let now = clock::monotonic();
        Self {
            app,
            shared,
            lease,
            peer,
            session: Some(Session::new(config)),
            status: SessionStatus::default(),
            acked: row.acked.clone(),
            row,
            grants: grants(directory, &peer),
            writes,
            arrivals,
            stored,
            in_store: 0,
            heard: now,
            noted: now,
            _tasks: tasks,
            writer,
        }
    }

    async fn run(&mut self, receive: &mut (impl AsyncRead + Unpin), path: &dyn Path) -> Reason {
        match self.exchange(receive, path).await {
            Ok(()) => Reason::Unreachable,
            Err(reason) => {
                self.flush().await;
                reason
            }
        }
    }

    async fn exchange(&mut self, receive: &mut (impl AsyncRead + Unpin), path: &dyn Path) -> Step {
        self.step(|session, log, grants| session.start(log, grants)).await?;
        let (mut news, mut changes) = (self.app.news(), self.shared.looks.subscribe());
        let mut questions = self.shared.questions.subscribe();
        questions.mark_changed();
        let mut looks = interval(Duration::from_millis(LOOK_MS));
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let reading = self.in_store <= 2 * (INGEST_MAX + 1);
            let event = tokio::select! {
                read = receive.read(&mut buffer), if reading => Event::Read(read),
                Some((frame, result)) = self.stored.recv() => Event::Stored(frame, result),
                () = either_changed(&mut news, &mut changes) => Event::News,
                Ok(()) = questions.changed() => Event::Asked,
                _ = looks.tick() => Event::Looked,
                reason = path.closed() => Event::Closed(reason),
            };
            match event {
                Event::Read(Ok(0) | Err(_)) => return Err(self.end_of_stream(path).await),
                Event::Read(Ok(bytes)) => {
                    self.heard = clock::monotonic();
                    let bytes = buffer[..bytes].to_vec();
                    self.step(move |session, log, grants| session.receive(&bytes, log, grants)).await?;
                }
                Event::Stored(frame, result) => self.on_stored(frame, result).await?,
                Event::News => {
                    self.grants = grants(&self.shared.directory(), &self.peer);
                    self.step(|session, log, grants| session.news(log, grants)).await?;
                }
                Event::Asked => {
                    let asked = *questions.borrow_and_update();
                    self.ask(asked).await?;
                }
                Event::Looked => self.look().await?,
                Event::Closed(reason) => return Err(closed_reason(reason)),
            }
            self.tell();
            self.note_sometimes().await;
        }
    }

    /// A stream that ended: the connection says why, if it is about to.
    async fn end_of_stream(&self, path: &dyn Path) -> Reason {
        let closed = timeout(Duration::from_millis(LOOK_MS), path.closed()).await;
        closed_reason(closed.unwrap_or_default())
    }

    /// One step of the session over a fresh snapshot, beside the async threads; then its effects.
    async fn step<F>(&mut self, run: F) -> Step
    where
        F: FnOnce(&mut Session, &Snapshot, &Grants) -> Vec<Effect> + Send + 'static,
    {
        let Some(mut session) = self.session.take() else { return Err(Reason::Unreachable) };
        let (app, grants, status) = (self.app.clone(), self.grants.clone(), self.status.clone());
        let known = std::mem::take(&mut self.acked);
        let stepping = tokio::task::spawn_blocking(move || {
            let snapshot = app.snapshot()?;
            let effects = run(&mut session, &snapshot, &grants);
            let mut acked = known;
            if session.status() != status {
                note_acked(&session, &snapshot, &grants, &mut acked);
            }
            Ok::<_, AppError>((session, effects, acked))
        });
        let stepped = stepping.await.map_err(|_| Reason::Unreachable)?;
        let (session, effects, acked) = stepped.map_err(|error| reason_of_app(&error))?;
        self.status = session.status();
        (self.session, self.acked) = (Some(session), acked);
        for effect in effects {
            self.apply(effect).await?;
        }
        Ok(())
    }

    async fn apply(&mut self, effect: Effect) -> Step {
        match effect {
            Effect::Send(frame) => {
                let sent = timeout(Duration::from_millis(UNREAD_MS_MAX), self.writes.send(frame)).await;
                sent.ok().and_then(Result::ok).ok_or(Reason::Unreachable)
            }
            Effect::Greeted { addresses, .. } => {
                self.keep_addresses(addresses.iter().map(heard).collect()).await;
                Ok(())
            }
            Effect::Ingest(incoming) => {
                self.in_store += 1;
                self.arrivals.send(incoming).await.map_err(|_| Reason::Unreachable)
            }
            Effect::PeerHas { scope, heads } => {
                raise(&mut self.acked, &scope, &heads);
                Ok(())
            }
            // Its totals are in the session's status.
            Effect::Announced { .. } => Ok(()),
            Effect::Fork { .. } => {
                self.shared.states.update(self.lease, |state| state.forks += 1);
                Ok(())
            }
            Effect::Close(closing) => Err(reason_of_closing(&closing)),
        }
    }

    async fn on_stored(&mut self, frame: u64, result: Result<Received, Failed>) -> Step {
        self.in_store -= 1;
        let (why, detail, reason) = match result {
            Ok(Received { refused: None, .. }) => {
                return self.step(move |session, log, grants| session.durable(frame, log, grants)).await;
            }
            Ok(Received { refused: Some(refusal), .. }) => (Why::BadCommit, refusal.detail, Reason::BadCommit),
            Err(Failed::Signature(detail)) => (Why::BadCommit, detail, Reason::BadCommit),
            Err(Failed::Store(error)) => (Why::Storage, String::new(), reason_of_app(&error)),
        };
        // The close comes back as an effect; what is told here is more exact.
        let _told = self.step(move |session, _, _| session.close(why, &detail)).await;
        Err(reason)
    }

    /// Asks the peer what somebody here waits for.
    async fn ask(&mut self, asked: Questions) -> Step {
        if asked.waiting == 0 || asked.number <= self.status.told {
            return Ok(());
        }
        self.step(move |session, log, grants| session.ask(asked.number, log, grants)).await
    }

    /// Closes what has been silent for too long.
    async fn look(&mut self) -> Step {
        let silent = self.heard.elapsed().as_millis() as u64;
        let waiting = self.in_store == 0 && self.session.as_ref().is_some_and(Session::is_waiting);
        let patience = self.shared.patience;
        let limit = if self.status.is_greeted { patience.silence_ms } else { patience.hello_ms };
        if waiting && silent >= limit {
            return self.step(|session, _, _| session.close(Why::Silent, "silent")).await;
        }
        Ok(())
    }

    async fn keep_addresses(&mut self, addresses: Vec<SocketAddr>) {
        if self.row.addresses != addresses || self.row.last_exchange.is_none() {
            self.row = PeerRow { addresses, ..self.current_row() };
            self.note().await;
        }
    }

    /// The row as it is now on disk, where an operator may have set an address meanwhile.
    fn current_row(&self) -> PeerRow {
        self.shared.directory().peers.get(&self.peer).cloned().unwrap_or_default()
    }

    /// Tells the link's state.
    fn tell(&self) {
        let status = &self.status;
        self.shared.states.update(self.lease, |state: &mut LinkState| {
            state.reason = if status.is_greeted { Reason::Connected } else { Reason::Connecting };
            state.waiting_out = Waiting { commits: status.waiting_out.commits, bytes: status.waiting_out.bytes };
            state.waiting_in = Waiting { commits: status.waiting_in.commits, bytes: status.waiting_in.bytes };
            state.announced = if status.is_complete { Announced::Held } else { Announced::Missing };
            state.acked.clone_from(&self.acked);
            state.told = status.told;
            state.bytes_sent = status.bytes_sent;
            state.bytes_received = status.bytes_received;
            if status.is_greeted {
                state.last_exchange = Some(clock::now());
            }
        });
    }

    async fn note_sometimes(&mut self) {
        let settled = self.status.is_complete && self.status.waiting_out.commits == 0;
        if settled && self.row.acked != self.acked && self.noted.elapsed().as_millis() as u64 >= NOTE_MS_MIN {
            self.note().await;
        }
    }

    /// Keeps on disk where the peer is, what it has and when it was met.
    async fn note(&mut self) {
        self.noted = clock::monotonic();
        let set = self.current_row().set;
        let row = PeerRow { set, last_exchange: Some(clock::now()), acked: self.acked.clone(), ..self.row.clone() };
        // A note that is not kept is written again by the next exchange.
        if self.app.keep_rows(vec![peer_put(self.peer, &row)]).await.is_ok() {
            self.row = row;
        }
    }

    /// Lets the last frames go out before the connection is closed.
    async fn flush(&mut self) {
        self.writes = mpsc::channel(1).0;
        drop(timeout(Duration::from_millis(LOOK_MS), &mut self.writer).await);
    }
}

impl Drop for Drive<'_> {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

async fn either_changed(news: &mut watch::Receiver<u64>, changes: &mut watch::Receiver<u64>) {
    tokio::select! {
        told = news.changed() => if told.is_err() { std::future::pending::<()>().await },
        told = changes.changed() => if told.is_err() { std::future::pending::<()>().await },
    }
}

async fn write_all(mut send: Box<dyn AsyncWrite + Send + Unpin>, mut frames: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        let writing = async {
            send.write_all(&frame).await?;
            send.flush().await
        };
        if !matches!(timeout(Duration::from_millis(UNREAD_MS_MAX), writing).await, Ok(Ok(()))) {
            return;
        }
    }
    // A stream that cannot be ended is broken already.
    drop(send.shutdown().await);
}

/// Verifies arrivals in their order.
async fn verify_all(
    verifiers: Verifiers,
    mut arrived: mpsc::Receiver<Incoming>,
    verified: mpsc::Sender<(u64, Result<Arrival, Failed>)>,
) {
    while let Some(Incoming { frame, commits, keys, .. }) = arrived.recv().await {
        let result = verifiers.verify(commits).await;
        let result =
            result.map(|commits| Arrival { commits, keys }).map_err(|error| Failed::Signature(error.to_string()));
        if verified.send((frame, result)).await.is_err() {
            return;
        }
    }
}

/// Stores arrivals in their order.
async fn store_all(
    app: App,
    mut verified: mpsc::Receiver<(u64, Result<Arrival, Failed>)>,
    done: mpsc::Sender<(u64, Result<Received, Failed>)>,
) {
    while let Some((frame, arrival)) = verified.recv().await {
        let result = match arrival {
            Ok(arrival) => app.receive(arrival).await.map_err(Failed::Store),
            Err(failed) => Err(failed),
        };
        if done.send((frame, result)).await.is_err() {
            return;
        }
    }
}

/// What this node and a peer share now.
fn grants(directory: &Directory, peer: &DeviceId) -> Grants {
    match (directory.own_member(), directory.member(peer)) {
        (Some(own), Some(there)) => {
            Grants::Sites { control: Arc::clone(&directory.control), here: own.site.clone(), there: there.site.clone() }
        }
        (Some(_), None) | (None, _) => Grants::ControlOnly,
    }
}

/// Notes which of the commits held here the peer has on disk.
fn note_acked(session: &Session, snapshot: &Snapshot, grants: &Grants, acked: &mut Acked) {
    // A scope that cannot be read now is noted at the next step.
    for scope in snapshot.scopes().unwrap_or_default().iter().filter(|scope| grants.shares(scope)) {
        let mut held = snapshot.frontier(scope).unwrap_or_default();
        held.retain(|head| session.peer_has(scope, std::slice::from_ref(head)));
        raise(acked, scope, &held);
    }
}

fn raise(acked: &mut Acked, scope: &Scope, heads: &[Head]) {
    if heads.is_empty() {
        return;
    }
    let known: &mut BTreeMap<AuthorId, u64> = acked.entry(scope.clone()).or_default();
    for head in heads {
        let seq = known.entry(head.author).or_default();
        *seq = (*seq).max(head.seq);
    }
}

fn closed_reason(by_peer: Option<String>) -> Reason {
    by_peer.map_or(Reason::Unreachable, |code| Reason::of_peer(&code))
}

fn reason_of_app(error: &AppError) -> Reason {
    if matches!(error, AppError::DiskFull { .. }) { Reason::DiskFull } else { Reason::Unreachable }
}

fn reason_of_closing(closing: &Closing) -> Reason {
    match (closing.reason, closing.by) {
        (Why::WrongOrg, _) => Reason::WrongOrg,
        (Why::Protocol, _) => Reason::Protocol,
        (Why::BadFrame | Why::NotGranted | Why::Flood, _) => Reason::BadFrame,
        (Why::BadCommit, _) => Reason::BadCommit,
        (Why::NotAdmitted, _) => Reason::NotAdmitted,
        (Why::Silent, _) => Reason::Unreachable,
        (Why::Paused, Side::Here) => Reason::PausedHere,
        (Why::Paused, Side::There) => Reason::PausedThere,
        (Why::Storage | Why::Other, _) => Reason::Refused,
    }
}
