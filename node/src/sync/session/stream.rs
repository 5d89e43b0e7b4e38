//! Sending what is missing and acknowledging what came: DATA, HAVE, ACK.
//!
//! A frame costs the receiver the bytes of its commits or of its body, whichever is more, and something for itself. Both
//! ends count the same, so the sender stops where the receiver would close.
//!
//! Invariants: see `session`.

use std::collections::BTreeMap;

use crdt_model::commit::SignedCommit;
use crdt_model::id::AuthorId;
use crdt_model::scope::Scope;

use super::lane::{raise, raise_all};
use super::reason::{Reason, Stop};
use super::{Effect, IN_FLIGHT_BYTES_MAX, Incoming, KEYS_SENT_MAX, Session, Stage, View};
use crate::sync::frame::FrameKind;
use crate::sync::log::{Have, Head, Log, Totals};
use crate::sync::message::{Ack, decode_have};
use crate::sync::run::{Data, Encoder, Prepared, decode};

/// Bytes of commits in one DATA frame, as stored; a single larger one goes alone.
const DATA_BYTES_MAX: usize = 512 * 1024;
/// Keys in one DATA frame.
const DATA_KEYS_MAX: usize = 4 * 1024;
/// What a frame costs at most.
const DATA_COST_MAX: usize = 1024 * 1024;
/// What a frame costs beside its bytes: bounds the number of frames that wait.
const FRAME_COST: usize = 1024;

/// A DATA frame that was sent.
#[derive(Debug)]
pub(super) struct OnItsWay {
    pub totals: Totals,
    cost: usize,
}

/// A DATA frame that came and is not durable yet.
#[derive(Debug)]
pub(super) struct CameIn {
    number: u64,
    scope: Scope,
    authors: Vec<AuthorId>,
    pub totals: Totals,
    cost: usize,
}

fn cost_of(body: &[u8], commits_bytes: usize) -> usize {
    FRAME_COST + body.len().max(commits_bytes)
}

impl Session {
    /// Everything that may follow from a step: scopes to name, commits to send.
    pub(super) fn go_on<L: Log>(&mut self, view: &View<'_, L>) -> Result<(), Stop> {
        if self.stage != Stage::Open {
            return Ok(());
        }
        self.name_scopes(view)?;
        let mut scopes: Vec<Scope> = self.lanes.keys().cloned().collect();
        scopes.sort_by_key(|scope| view.grants.rank(scope));
        for scope in scopes {
            while self.send_some(&scope, view)? {}
        }
        self.send_ask()?;
        self.send_told(view)
    }

    /// Sends one DATA frame of a scope, if there is something and it may be sent.
    fn send_some<L: Log>(&mut self, scope: &Scope, view: &View<'_, L>) -> Result<bool, Stop> {
        let waiting: usize = self.on_its_way.iter().map(|frame| frame.cost).sum();
        let Some(lane) = self.lanes.get_mut(scope).filter(|lane| lane.is_dirty) else { return Ok(false) };
        let Some(have) = lane.have.as_mut().filter(|_| waiting + DATA_COST_MAX <= IN_FLIGHT_BYTES_MAX) else {
            return Ok(false);
        };
        let before = have.clone();
        let forked = &lane.forked;
        let commits = view.log.next_commits(scope, have, &|author| forked.contains(author), DATA_BYTES_MAX)?;
        if commits.is_empty() {
            lane.is_dirty = false;
            lane.left_out = Totals::default();
            return Ok(false);
        }
        let commits = commits.iter().map(|bytes| SignedCommit::decode_trusted(bytes)).collect::<Result<Vec<_>, _>>();
        let commits = commits.map_err(crate::sync::log::LogError::from)?;
        let (body, sent) = self.encode_data(scope, &commits, view)?;
        let bytes: usize = commits[..sent].iter().map(|commit| commit.bytes().len()).sum();
        let totals = Totals { commits: sent as u64, bytes: bytes as u64 };
        if let Some(lane) = self.lanes.get_mut(scope) {
            lane.have = Some(have_after(before, &commits[..sent]));
            lane.left_out = lane.left_out.minus(totals);
        }
        self.frames_sent += 1;
        self.on_its_way.push_back(OnItsWay { totals, cost: cost_of(&body, bytes) });
        self.send(FrameKind::Data, &body)?;
        Ok(true)
    }

    /// Writes a body of as many of the commits as fit with their keys; gives how many.
    fn encode_data<L: Log>(
        &mut self,
        scope: &Scope,
        commits: &[SignedCommit],
        view: &View<'_, L>,
    ) -> Result<(Vec<u8>, usize), Stop> {
        let mut encoder = Encoder::new(self.config.org, scope);
        let mut sent = 0;
        for commit in commits {
            let prepared = Prepared::new(commit);
            for subject in prepared.subjects() {
                for record in view.log.keys(subject)? {
                    if self.keys_sent.len() >= KEYS_SENT_MAX {
                        self.keys_sent.clear();
                    }
                    if self.keys_sent.insert((subject, record.key.id())) {
                        encoder.push_key(record);
                    }
                }
            }
            encoder.push(&prepared);
            sent += 1;
            if encoder.key_count() > DATA_KEYS_MAX / 2 {
                break;
            }
        }
        Ok((encoder.finish(), sent))
    }

    pub(super) fn on_data<L: Log>(&mut self, body: &[u8], view: &View<'_, L>) -> Result<(), Stop> {
        let data = decode(self.config.org, body)?;
        let cost = cost_of(body, data.bytes);
        let waiting: usize = self.came_in.iter().map(|frame| frame.cost).sum();
        if waiting > 0 && waiting + cost > IN_FLIGHT_BYTES_MAX {
            return Err(Stop::new(Reason::Flood, format!("{} bytes are not stored yet", waiting + cost)));
        }
        if data.commits.is_empty() || !self.lanes.contains_key(&data.scope) && view.grants.shares(&data.scope) {
            return Err(Stop::new(Reason::BadFrame, format!("data of {} was not asked for", data.scope)));
        }
        let lane = self.lane(&data.scope, view)?;
        let mut authors: BTreeMap<AuthorId, ()> = BTreeMap::new();
        for commit in data.commits.iter().map(|commit| commit.commit()) {
            if lane.received.get(&commit.author).is_some_and(|seq| *seq >= commit.seq) {
                let detail = format!("commit {} of {} came twice", commit.seq, commit.author);
                return Err(Stop::new(Reason::BadFrame, detail));
            }
            lane.note_received(commit.author, commit.seq);
            authors.insert(commit.author, ());
        }
        lane.is_complete = false;
        let totals = Totals { commits: data.commits.len() as u64, bytes: data.bytes as u64 };
        lane.left_in = lane.left_in.minus(totals);
        self.frames_received += 1;
        let number = self.frames_received;
        let authors = authors.into_keys().collect();
        self.came_in.push_back(CameIn { number, scope: data.scope.clone(), authors, totals, cost });
        let Data { scope, commits, keys, bytes: _ } = data;
        self.effects.push(Effect::Ingest(Incoming { frame: number, scope, commits, keys }));
        Ok(())
    }

    pub(super) fn on_have<L: Log>(&mut self, body: &[u8], view: &View<'_, L>) -> Result<(), Stop> {
        let (scope, totals) = decode_have(body)?;
        let lane = self.lane(&scope, view)?;
        lane.left_in = if lane.is_complete { Totals::default() } else { totals };
        self.effects.push(Effect::Announced { scope, totals });
        Ok(())
    }

    /// Tells the peer what is durable now.
    pub(super) fn acknowledge<L: Log>(&mut self, frame: u64, view: &View<'_, L>) -> Result<(), Stop> {
        let mut touched: BTreeMap<Scope, Vec<AuthorId>> = BTreeMap::new();
        let mut frames = 0;
        while let Some(first) = self.came_in.pop_front_if(|first| first.number <= frame) {
            touched.entry(first.scope).or_default().extend(first.authors);
            frames = first.number;
        }
        if frames == 0 {
            return Ok(());
        }
        let mut heads = Vec::new();
        for (scope, authors) in touched {
            let held = view.log.frontier(&scope)?;
            if let Some(lane) = self.lanes.get_mut(&scope) {
                lane.weigh(&held);
            }
            let of_frames: Vec<Head> = held.into_iter().filter(|head| authors.contains(&head.author)).collect();
            heads.push((scope, of_frames));
        }
        self.send(FrameKind::Ack, &Ack { frames, heads }.encode())
    }

    pub(super) fn on_ack<L: Log>(&mut self, body: &[u8], view: &View<'_, L>) -> Result<(), Stop> {
        let ack = Ack::decode(body)?;
        let done = self.frames_sent - self.on_its_way.len() as u64;
        if ack.frames <= done || ack.frames > self.frames_sent {
            let detail = format!("frame {} acknowledged, {done} of {} were", ack.frames, self.frames_sent);
            return Err(Stop::new(Reason::BadFrame, detail));
        }
        self.on_its_way.drain(..(ack.frames - done) as usize);
        for (scope, heads) in ack.heads {
            // A scope that was taken from the peer meanwhile is of no more interest.
            if !self.lanes.contains_key(&scope) {
                continue;
            }
            let mut durable = Vec::new();
            for head in heads {
                if !self.check_fork(&scope, head, view)? {
                    raise(&mut self.lane(&scope, view)?.durable_there, head.author, head.seq);
                    durable.push(head);
                }
            }
            self.effects.push(Effect::PeerHas { scope, heads: durable });
        }
        Ok(())
    }

    /// Looks again at every scope: there may be more to send, or less to wait for.
    pub(super) fn take_news<L: Log>(&mut self, view: &View<'_, L>) -> Result<(), Stop> {
        if self.stage != Stage::Open {
            return Ok(());
        }
        let scopes: Vec<Scope> = self.lanes.keys().filter(|scope| view.grants.shares(scope)).cloned().collect();
        for scope in scopes {
            self.count_what_is_left(&scope, view)?;
            let held = view.log.frontier(&scope)?;
            let lane = self.lane(&scope, view)?;
            lane.is_dirty = true;
            if !lane.is_complete {
                lane.weigh(&held);
            }
        }
        Ok(())
    }

    /// Adds what came to the log since the last count.
    pub(super) fn count_what_is_left<L: Log>(&mut self, scope: &Scope, view: &View<'_, L>) -> Result<(), Stop> {
        let lane = self.lane(scope, view)?;
        let Some(have) = &lane.have else { return Ok(()) };
        raise_all(&mut lane.counted, have);
        let more = view.log.totals(scope, &lane.counted)?;
        lane.left_out = lane.left_out.plus(more);
        view.log.frontier(scope)?.iter().for_each(|head| raise(&mut lane.counted, head.author, head.seq));
        Ok(())
    }
}

/// What the peer has after these commits of one scope.
fn have_after(mut have: Have, commits: &[SignedCommit]) -> Have {
    commits.iter().for_each(|commit| raise(&mut have, commit.commit().author, commit.commit().seq));
    have
}
