//! One session: what two nodes say on one stream, from HELLO to CLOSE.
//!
//! Bytes, news and what became durable come in with a snapshot and the grants of that moment; effects go out. `compare`
//! finds what differs, `stream` sends and acknowledges, `lane` is one scope, `reason` why it ends.
//!
//! Invariants: nothing is read or sent of a scope that is not shared (`a_peer_that_asks_for_a_foreign_scope_is_closed`);
//! at most [`IN_FLIGHT_BYTES_MAX`] wait for an acknowledgement (`a_peer_that_floods_is_closed`); a commit travels once
//! (`each_commit_travels_once_in_a_session`); a session cut anywhere is resumed by the next one
//! (`a_pair_cut_at_any_frame_ends_equal`).

mod ask;
mod compare;
mod lane;
mod reason;
mod stream;

pub use reason::{Closing, Reason, Side};

use std::collections::{BTreeMap, HashSet, VecDeque};

use crdt_model::commit::UnverifiedCommit;
use crdt_model::id::{AuthorId, CommitHash, DeviceId, DocumentId, KeyId, OrgId};
use crdt_model::scope::Scope;
use crdt_model::seal::KeyRecord;

use super::frame::{Frame, FrameKind, Splitter, write_frame};
use super::grants::Grants;
use super::log::{Head, Log, Totals};
use super::message::{ADDRESSES_MAX, Hello, Pause, PeerAddress, SCOPES_MAX};
use ask::{Asking, FEATURE_ASK};
use lane::Lane;
use reason::Stop;
use stream::{CameIn, OnItsWay};

/// The oldest and newest protocol that this program speaks.
pub const PROTOCOLS: (u16, u16) = (1, 1);
/// Bytes of DATA that may wait for an acknowledgement, each way.
pub const IN_FLIGHT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Keys remembered as sent; past it the memory starts anew.
const KEYS_SENT_MAX: usize = 65_536;

/// What a session is told at its start.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// The organisation.
    pub org: OrgId,
    /// Who signs this node's commits.
    pub author: AuthorId,
    /// The peer's device, as the transport authenticated it.
    pub peer: DeviceId,
    /// Where this node can be reached; the first [`ADDRESSES_MAX`] are told.
    pub addresses: Vec<PeerAddress>,
    /// Whether this node exchanges commits at all.
    pub pause: Pause,
}

/// What is to be done for a session, in order.
#[derive(Debug)]
pub enum Effect {
    /// Write these bytes to the stream.
    Send(Vec<u8>),
    /// The peer said who it is and where it can be reached.
    Greeted {
        /// Who signs its commits.
        author: AuthorId,
        /// Its addresses now.
        addresses: Vec<PeerAddress>,
    },
    /// Verify the signatures, store, then call [`Session::durable`] with the frame's number.
    Ingest(Incoming),
    /// These commits, and all before them, are on the peer's disk.
    PeerHas {
        /// The scope.
        scope: Scope,
        /// Heads, by author.
        heads: Vec<Head>,
    },
    /// So much of a scope will come.
    Announced {
        /// The scope.
        scope: Scope,
        /// How much.
        totals: Totals,
    },
    /// Two commits under one number: the author's log of this scope is not exchanged in this session.
    Fork {
        /// The scope.
        scope: Scope,
        /// Whose log; this node's own author where a backup was restored here.
        author: AuthorId,
        /// The number.
        seq: u64,
        /// The commit held here; `None` where this log is shorter than the peer remembers.
        ours: Option<CommitHash>,
        /// The commit held there.
        theirs: CommitHash,
    },
    /// Close the stream after what was sent; nothing follows.
    Close(Closing),
}

/// Commits of one DATA frame.
#[derive(Debug)]
pub struct Incoming {
    /// Its number, from 1; frames are stored in this order.
    pub frame: u64,
    /// The scope of all commits.
    pub scope: Scope,
    /// The commits in causal order; signatures are not verified.
    pub commits: Vec<UnverifiedCommit>,
    /// Keys that they use.
    pub keys: Vec<KeyRecord>,
}

/// Where a session stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionStatus {
    /// HELLO and FRONT of the peer were read.
    pub is_greeted: bool,
    /// Everything that the peer announced is held here, durably.
    pub is_complete: bool,
    /// Not acknowledged by the peer yet.
    pub waiting_out: Totals,
    /// Announced by the peer and not durable here yet.
    pub waiting_in: Totals,
    /// The last question of [`Session::ask`] that was answered.
    pub told: u64,
    /// Bytes written to the stream.
    pub bytes_sent: u64,
    /// Bytes read from it.
    pub bytes_received: u64,
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Waits for HELLO.
    Greeting,
    /// Waits for FRONT.
    Fronting,
    /// Exchanges.
    Open,
    /// Ended.
    Closed,
}

/// One end of a session.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    stage: Stage,
    splitter: Splitter,
    effects: Vec<Effect>,
    lanes: BTreeMap<Scope, Lane>,
    front: [[u8; 32]; 2],
    /// Our first SCOPES is sent, or not needed.
    is_listed: bool,
    /// The peer's first SCOPES is read, or not needed.
    is_listed_there: bool,
    on_its_way: VecDeque<OnItsWay>,
    came_in: VecDeque<CameIn>,
    frames_sent: u64,
    frames_received: u64,
    keys_sent: HashSet<(DocumentId, KeyId)>,
    asking: Asking,
    bytes_sent: u64,
    bytes_received: u64,
}

/// What a step reads: a snapshot and the grants of that moment.
struct View<'a, L: Log> {
    log: &'a L,
    grants: &'a Grants,
}

impl Session {
    /// Prepares a session on a stream that is open.
    pub fn new(mut config: SessionConfig) -> Self {
        config.addresses.truncate(ADDRESSES_MAX);
        Self {
            config,
            stage: Stage::Greeting,
            splitter: Splitter::default(),
            effects: Vec::new(),
            lanes: BTreeMap::new(),
            front: [[0; 32]; 2],
            is_listed: false,
            is_listed_there: false,
            on_its_way: VecDeque::new(),
            came_in: VecDeque::new(),
            frames_sent: 0,
            frames_received: 0,
            keys_sent: HashSet::new(),
            asking: Asking::default(),
            bytes_sent: 0,
            bytes_received: 0,
        }
    }

    /// Says HELLO and FRONT; both ends do so at once. Call once, first.
    pub fn start(&mut self, log: &impl Log, grants: &Grants) -> Vec<Effect> {
        let hello = Hello {
            protocols: PROTOCOLS,
            features: FEATURE_ASK,
            org: self.config.org,
            author: self.config.author,
            pause: self.config.pause,
            addresses: self.config.addresses.clone(),
        };
        let pause = self.config.pause;
        self.step(|session| {
            session.send(FrameKind::Hello, &hello.encode())?;
            match pause {
                Pause::Paused => Err(Stop::new(Reason::Paused, "paused here")),
                Pause::Running => session.send_front(&View { log, grants }),
            }
        })
    }

    /// Takes bytes of the stream, cut anywhere.
    pub fn receive(&mut self, bytes: &[u8], log: &impl Log, grants: &Grants) -> Vec<Effect> {
        self.bytes_received += bytes.len() as u64;
        self.splitter.push(bytes);
        self.step(|session| {
            let view = View { log, grants };
            while session.stage != Stage::Closed
                && let Some(frame) = session.splitter.next_frame()?
            {
                session.frame(frame, &view)?;
            }
            session.go_on(&view)
        })
    }

    /// The store has new commits, or the grants changed.
    pub fn news(&mut self, log: &impl Log, grants: &Grants) -> Vec<Effect> {
        self.step(|session| {
            let view = View { log, grants };
            session.take_news(&view)?;
            session.go_on(&view)
        })
    }

    /// The frame of an [`Effect::Ingest`], and all before it, is dealt with durably; the snapshot shows it.
    pub fn durable(&mut self, frame: u64, log: &impl Log, grants: &Grants) -> Vec<Effect> {
        self.step(|session| {
            let view = View { log, grants };
            session.acknowledge(frame, &view)?;
            session.go_on(&view)
        })
    }

    /// Ends the session: paused by an operator, a commit refused, the store failed.
    pub fn close(&mut self, reason: Reason, detail: &str) -> Vec<Effect> {
        self.step(|_| Err(Stop::new(reason, detail)))
    }

    /// Whether the peer owes something; a link that hears nothing for its idle time while this holds closes with
    /// [`Reason::Silent`].
    pub fn is_waiting(&self) -> bool {
        let unheard = self.lanes.values().any(|lane| lane.is_told && !lane.is_heard && lane.have.is_none());
        let open = self.stage == Stage::Open;
        !open || self.splitter.is_within_frame() || unheard || self.is_owed()
    }

    fn is_owed(&self) -> bool {
        !self.on_its_way.is_empty() || !self.is_complete() || self.asking.is_open()
    }

    /// Where it stands.
    pub fn status(&self) -> SessionStatus {
        let sum = |part: fn(&Lane) -> Totals| self.lanes.values().map(part).fold(Totals::default(), Totals::plus);
        let on_its_way = self.on_its_way.iter().map(|frame| frame.totals).fold(Totals::default(), Totals::plus);
        let came_in = self.came_in.iter().map(|frame| frame.totals).fold(Totals::default(), Totals::plus);
        SessionStatus {
            is_greeted: matches!(self.stage, Stage::Open),
            is_complete: self.is_complete(),
            waiting_out: sum(|lane| lane.left_out).plus(on_its_way),
            waiting_in: sum(|lane| lane.left_in).plus(came_in),
            told: self.asking.told,
            bytes_sent: self.bytes_sent,
            bytes_received: self.bytes_received,
        }
    }

    /// Whether the peer has all of `heads` of a scope on disk, as far as it said in this session.
    pub fn peer_has(&self, scope: &Scope, heads: &[Head]) -> bool {
        self.lanes.get(scope).is_some_and(|lane| lane.is_durable_there(heads))
    }

    fn is_complete(&self) -> bool {
        let all = self.lanes.values().all(|lane| lane.is_complete);
        self.stage == Stage::Open && self.is_listed && self.is_listed_there && self.came_in.is_empty() && all
    }

    /// Runs one step; an error of it closes the session.
    fn step(&mut self, run: impl FnOnce(&mut Self) -> Result<(), Stop>) -> Vec<Effect> {
        if self.stage == Stage::Closed {
            return Vec::new();
        }
        if let Err(stop) = run(self) {
            // A peer that cannot be told is closed all the same.
            drop(self.send(FrameKind::Close, stop.reason.code().as_bytes()));
            self.end(Closing { reason: stop.reason, by: Side::Here, detail: stop.detail });
        }
        std::mem::take(&mut self.effects)
    }

    fn end(&mut self, closing: Closing) {
        self.stage = Stage::Closed;
        self.effects.push(Effect::Close(closing));
        self.lanes.clear();
        self.splitter = Splitter::default();
    }

    fn send(&mut self, kind: FrameKind, body: &[u8]) -> Result<(), Stop> {
        let frame = write_frame(kind, body)?;
        self.bytes_sent += frame.len() as u64;
        self.effects.push(Effect::Send(frame));
        Ok(())
    }

    fn frame<L: Log>(&mut self, frame: Frame, view: &View<'_, L>) -> Result<(), Stop> {
        match (frame.kind, self.stage) {
            (FrameKind::Close, _) => self.on_close(&frame.body),
            (FrameKind::Hello, Stage::Greeting) => self.on_hello(&frame.body, view),
            (FrameKind::Front, Stage::Fronting) => self.on_front(&frame.body, view),
            (FrameKind::Scopes, Stage::Open) => self.on_scopes(&frame.body, view),
            (FrameKind::Heads, Stage::Open) => self.on_heads(&frame.body, view),
            (FrameKind::Fork, Stage::Open) => self.on_fork(&frame.body, view),
            (FrameKind::Have, Stage::Open) => self.on_have(&frame.body, view),
            (FrameKind::Data, Stage::Open) => self.on_data(&frame.body, view),
            (FrameKind::Ack, Stage::Open) => self.on_ack(&frame.body, view),
            (FrameKind::Ask, Stage::Open) => self.on_ask(&frame.body, view),
            (FrameKind::Told, Stage::Open) => self.on_told(&frame.body),
            (kind, stage) => Err(Stop::new(Reason::BadFrame, format!("{kind:?} in stage {stage:?}"))),
        }
    }

    fn on_close(&mut self, body: &[u8]) -> Result<(), Stop> {
        let reason = super::message::decode_reason(body).map_or(Reason::Other, |code| Reason::of_code(&code));
        self.end(Closing { reason, by: Side::There, detail: String::new() });
        Ok(())
    }

    /// The lane of a shared scope; a new one where there is none.
    fn lane<L: Log>(&mut self, scope: &Scope, view: &View<'_, L>) -> Result<&mut Lane, Stop> {
        if !view.grants.shares(scope) {
            return Err(Stop::new(Reason::NotGranted, format!("scope {scope} is not shared")));
        }
        if self.lanes.len() >= SCOPES_MAX && !self.lanes.contains_key(scope) {
            return Err(Stop::new(Reason::Flood, format!("more than {SCOPES_MAX} scopes")));
        }
        Ok(self.lanes.entry(scope.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    mod example;
    mod fake;
    mod hostile;
    mod pair;
    mod twin;
}
