//! One simulated node: its disk, its store, its replica behind the writer, its clock, and what waits to be done.
//!
//! Invariant: everything that a crash would take is in `Running`; what survives is the disk and the key. Proved by
//! every power cut of the gate.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crdt_model::control::state::Control;
use crdt_model::document_row::DocumentRow;
use crdt_model::id::{AuthorId, DeviceId, OrgId, SessionId};
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::time::{BusinessDate, EventTime, Timestamp};
use ed25519_dalek::SigningKey;
use node::replica::{Command, Identity, Input, Outcome, Replica};
use node::store::{DirectWriter, ReadTables, Snapshot, Store, StoreConfig, Table};
use node::sync::{Grants, Head, Log};

use crate::bugs::Bug;
use crate::disk::{Disk, Syncs};
use crate::machine::{Answer, Answers, Job, SimMachine, Tag, list};
use crate::random::Stream;

/// The start of simulated time: 2026-06-01 00:00 UTC.
pub const START_MS: i64 = 1_780_272_000_000;
/// Page cache of a node's store in bytes; small, so that reads reach the disk.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// How far each author's log is, by scope.
pub type Frontier = BTreeMap<(Scope, AuthorId), Head>;

/// What a process has in memory.
struct Running {
    store: Arc<Store>,
    writer: DirectWriter<SimMachine>,
    answers: Answers,
}

/// One node.
pub struct SimNode {
    /// Signs its commits.
    pub key: SigningKey,
    /// Its site.
    pub site: SiteCode,
    /// Its disk; another one after a power cut.
    pub disk: Disk,
    /// What waits for the writer.
    pub queue: Vec<Job>,
    /// The control state as of its last durable batch.
    pub control: Arc<Control>,
    /// Until when it stands still or is without power.
    pub away_until: u64,
    /// How wrong its clock is, in milliseconds.
    pub clock_off: i64,
    /// The time at which its clock stands.
    pub frozen: Option<i64>,
    /// It runs on an older copy and meets the others before it takes anything.
    pub is_meeting: bool,
    /// Its next batch dies between two answers.
    pub dies_between: bool,
    /// A bit of the next commit's signature that arrives is flipped.
    pub forged_next: bool,
    /// The bytes of its file some time ago.
    pub older: Vec<u8>,
    /// The bytes of its file before an older one was put in its place.
    pub right: Vec<u8>,
    running: Option<Running>,
    number: u8,
    starts: u64,
    org: OrgId,
    bug: Option<Bug>,
    before_last: Vec<u8>,
}

impl SimNode {
    /// A node with an empty disk that is switched off.
    pub fn new(number: u8, site: SiteCode, org: OrgId, bug: Option<Bug>) -> Self {
        Self {
            key: SigningKey::from_bytes(&[number + 1; 32]),
            site,
            disk: Disk::new(syncs_of(bug)),
            queue: Vec::new(),
            control: Arc::new(Control::default()),
            away_until: 0,
            clock_off: 0,
            frozen: None,
            is_meeting: false,
            dies_between: false,
            forged_next: false,
            older: Vec::new(),
            right: Vec::new(),
            running: None,
            number,
            starts: 0,
            org,
            bug,
            before_last: Vec::new(),
        }
    }

    /// Its author.
    pub fn author(&self) -> AuthorId {
        AuthorId(self.key.verifying_key().to_bytes())
    }

    /// Its device.
    pub fn device(&self) -> DeviceId {
        DeviceId([self.number + 1; 32])
    }

    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.org
    }

    /// Whether a process runs.
    pub fn is_up(&self) -> bool {
        self.running.is_some()
    }

    /// What its clock and calendar show.
    pub fn clock(&self, now: u64) -> EventTime {
        let shown = self.frozen.unwrap_or(START_MS + now as i64 + self.clock_off);
        let day = BusinessDate::from_days((shown / 86_400_000) as i32).unwrap_or_else(|_| first_day());
        EventTime { at: Timestamp(shown), offset_minutes: 480, business_date: day }
    }

    /// An input of a command now.
    pub fn input(&self, now: u64, command: Command) -> Input {
        Input { now: self.clock(now), request: None, command }
    }

    /// Starts the process on what the disk holds.
    ///
    /// # Errors
    /// If the store does not open or its rows cannot be read.
    pub fn start(&mut self, now: u64, chance: &mut Stream) -> Result<(), String> {
        if self.bug == Some(Bug::ReuseSequence) && self.starts > 0 && !self.before_last.is_empty() {
            self.disk = Disk::holding(std::mem::take(&mut self.before_last), Syncs::Honest);
        }
        let disk = self.disk.clone();
        let config = StoreConfig { cache_bytes: CACHE_BYTES, ..StoreConfig::default() };
        let store = Store::open(move || Ok(Box::new(disk.clone())), config).map_err(|error| error.to_string())?;
        let store = Arc::new(store);
        self.starts += 1;
        if self.bug == Some(Bug::ForgetRequests) {
            forget_requests(&store)?;
        }
        let mut session = [0; 8];
        session[..4].copy_from_slice(&(self.starts as u32).to_be_bytes());
        session[4..].copy_from_slice(&(chance.draw() as u32).to_be_bytes());
        let identity =
            Identity { key: self.key.clone(), session: SessionId(session), org: self.org, site: self.site.clone() };
        let answers: Answers = Arc::new(Mutex::new(Vec::new()));
        let machine = SimMachine::new(Replica::new(identity, chance.bytes()), Arc::clone(&answers), self.bug);
        let writer = DirectWriter::new(Arc::clone(&store), machine);
        self.running = Some(Running { store, writer, answers });
        self.read_control();
        let wake = Job { tag: Tag::Duty, input: self.input(now, Command::Remember(Vec::new())) };
        match self.process(vec![wake]).first() {
            Some((_, Answer::Done(_))) | None => Ok(()),
            Some((_, other)) => {
                self.stop();
                Err(format!("{other:?}"))
            }
        }
    }

    /// Ends the process: everything in memory is gone.
    pub fn stop(&mut self) {
        self.running = None;
        self.queue.clear();
    }

    /// Replaces the disk by one that holds these bytes.
    pub fn replace_disk(&mut self, bytes: Vec<u8>) {
        self.disk = Disk::holding(bytes, syncs_of(self.bug));
    }

    /// Handles a batch; the answers are of what is durable.
    pub fn process(&mut self, jobs: Vec<Job>) -> Vec<(Tag, Answer)> {
        if self.bug == Some(Bug::ReuseSequence) {
            self.before_last = self.disk.copy();
        }
        if self.bug == Some(Bug::SendBeforeDurable) {
            let is_called = jobs.iter().any(|job| matches!(job.tag, Tag::Call(_)));
            self.disk.set_syncs(if is_called { Syncs::Honest } else { Syncs::Late });
        }
        let Some(running) = &mut self.running else { return Vec::new() };
        running.writer.process(jobs);
        let answers = std::mem::take(&mut *running.answers.lock().unwrap_or_else(PoisonError::into_inner));
        let touched = answers.iter().any(|(_, answer)| match answer {
            Answer::Done(Outcome::Received(received)) => received.touched.contains(&Scope::Control),
            Answer::Done(Outcome::Admitted { .. } | Outcome::Channel { .. }) => true,
            _other => false,
        });
        if touched {
            self.read_control();
        }
        answers
    }

    /// What is committed now; `None` while it is down or its disk fails.
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.running.as_ref().and_then(|running| running.store.read().ok())
    }

    /// How far it holds each log.
    pub fn frontier(&self) -> Frontier {
        let Some(snapshot) = self.snapshot() else { return Frontier::new() };
        frontier_of(&snapshot)
    }

    /// What a session between this node and `peer` may exchange.
    pub fn grants(&self, peer: &Self) -> Grants {
        let known = |node: &Self| self.control.members.contains_key(&node.author());
        if !known(self) || !known(peer) {
            return Grants::ControlOnly;
        }
        let head_office = SiteCode::new("HQ").unwrap_or_else(|_| self.site.clone());
        let (here, there) = match self.bug {
            Some(Bug::ShareEverything) => (head_office.clone(), head_office),
            _other => (self.site.clone(), peer.site.clone()),
        };
        Grants::Sites { control: Arc::clone(&self.control), here, there }
    }

    fn read_control(&mut self) {
        let Some(snapshot) = self.snapshot() else { return };
        if let Some(control) = read_control(&snapshot) {
            self.control = Arc::new(control);
        }
    }
}

fn syncs_of(bug: Option<Bug>) -> Syncs {
    match bug {
        Some(Bug::SkipFsync) => Syncs::Lying,
        Some(Bug::AnswerBeforeFsync) => Syncs::Late,
        _other => Syncs::Honest,
    }
}

fn first_day() -> BusinessDate {
    BusinessDate::from_days(0).expect("invariant: 1970-01-01 is a day")
}

fn forget_requests(store: &Store) -> Result<(), String> {
    let rows = store.read().and_then(|snapshot| list(&snapshot, Table::Requests)).map_err(|error| error.to_string())?;
    let forget = |tx: &mut node::store::WriteTx<'_>| {
        rows.iter().try_for_each(|(key, _)| tx.delete(Table::Requests, key).map(drop))
    };
    store.write(forget).map_err(|error| error.to_string())
}

/// How far a store holds each log.
pub fn frontier_of(snapshot: &Snapshot) -> Frontier {
    let scopes = snapshot.scopes().unwrap_or_default();
    let of_scope = |scope: Scope| {
        let heads = snapshot.frontier(&scope).unwrap_or_default();
        heads.into_iter().map(move |head| ((scope.clone(), head.author), head))
    };
    scopes.into_iter().flat_map(of_scope).collect()
}

/// The control state of a store.
pub fn read_control(snapshot: &impl ReadTables) -> Option<Control> {
    let prefix = crdt_model::rows::row_key(&Scope::Control, crdt_model::rows::RowKind::Document, &[]);
    let length = prefix.as_bytes().len();
    let mut records = Vec::new();
    let visit = |key: &[u8], value: &[u8]| {
        if let (Ok(id), Ok(DocumentRow::Control(record))) = (key[length..].try_into(), DocumentRow::decode(value)) {
            records.push((crdt_model::id::DocumentId(id), record));
        }
        std::ops::ControlFlow::Continue(())
    };
    let range = node::store::KeyRange::prefix(prefix.as_bytes());
    snapshot.scan(Table::Rows, &range, node::store::Direction::Forward, visit).ok()?;
    Some(Control::fold(records.iter().map(|(id, record)| (*id, record))))
}
