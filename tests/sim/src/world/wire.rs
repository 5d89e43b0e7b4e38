//! Connections: dialling, delivery of bytes, what sessions ask for, and the end of a connection.
//!
//! Invariant: a session's effects are done in their order; nothing is told durable before it is. Proved by the check
//! `peer_has`.

use crdt_model::commit::{SignedCommit, UnverifiedCommit};
use node::replica::{Arrival, Command};
use node::store::Snapshot;
use node::sync::{Effect, Grants, Head, Incoming, Pause, Reason, Session, SessionConfig};

use super::{Event, World};
use crate::bugs::Bug;
use crate::check::{Check, Violation};
use crate::machine::{Answer, Job, Tag};

/// Bytes that may be on their way one way: what a session may have unacknowledged, and its other frames.
const ON_THEIR_WAY_MAX: usize = 8 * 1024 * 1024;
/// Milliseconds after which a connection that hears nothing is given up.
const SILENCE_MS: u64 = 30_000;

impl World {
    /// Dials again some time later.
    pub(super) fn dial_later(&mut self, link: usize) {
        let now = self.now;
        let held = &mut self.links[link];
        if held.is_dialling {
            return;
        }
        held.is_dialling = true;
        let wait = held.backoff() + self.network.below(2_000);
        let held = &mut self.links[link];
        held.attempts += 1;
        let away = held.ends.map(|end| self.nodes[end].away_until);
        let at = (now + wait).max(held.blocked_until().min(now + 600_000)).max(away[0].max(away[1]).min(now + 600_000));
        self.enter(at, Event::Dial(link));
    }

    pub(super) fn dial(&mut self, link: usize) -> Result<(), Violation> {
        let held = &mut self.links[link];
        held.is_dialling = false;
        if held.sessions.is_some() {
            return Ok(());
        }
        let ends = held.ends;
        let ready = |at: usize| self.nodes[at].is_up() && self.nodes[at].away_until <= self.now;
        if !self.links[link].is_free(self.now) || !ready(ends[0]) || !ready(ends[1]) {
            self.dial_later(link);
            return Ok(());
        }
        let session = |here: usize, there: usize| {
            Session::new(SessionConfig {
                org: self.nodes[here].org(),
                author: self.nodes[here].author(),
                peer: self.nodes[there].device(),
                addresses: Vec::new(),
                pause: Pause::Running,
            })
        };
        let sessions = [session(ends[0], ends[1]), session(ends[1], ends[0])];
        let held = &mut self.links[link];
        held.cut();
        held.sessions = Some(sessions);
        self.counts.connections += 1;
        for side in [0, 1] {
            self.step(link, side, |session, log, grants| session.start(log, grants))?;
        }
        Ok(())
    }

    /// Ends a connection and dials again later.
    pub(super) fn hang_up(&mut self, link: usize) {
        self.links[link].cut();
        self.dial_later(link);
    }

    /// One step of a session over a fresh snapshot; then its effects.
    fn step<F>(&mut self, link: usize, side: usize, run: F) -> Result<(), Violation>
    where
        F: FnOnce(&mut Session, &Snapshot, &Grants) -> Vec<Effect>,
    {
        let ends = self.links[link].ends;
        let (here, there) = (ends[side], ends[1 - side]);
        let Some(snapshot) = self.nodes[here].snapshot() else {
            self.hang_up(link);
            return Ok(());
        };
        let grants = self.nodes[here].grants(&self.nodes[there]);
        let Some(sessions) = &mut self.links[link].sessions else { return Ok(()) };
        let effects = run(&mut sessions[side], &snapshot, &grants);
        let connection = self.links[link].connection;
        for effect in effects {
            if self.links[link].connection != connection {
                return Ok(());
            }
            self.effect(link, side, effect)?;
        }
        Ok(())
    }

    fn effect(&mut self, link: usize, side: usize, effect: Effect) -> Result<(), Violation> {
        match effect {
            Effect::Send(frame) => self.send(link, 1 - side, frame),
            Effect::Greeted { .. } => {
                self.links[link].attempts = self.links[link].attempts.saturating_sub(1);
                Ok(())
            }
            Effect::Announced { .. } => Ok(()),
            Effect::Ingest(incoming) => self.ingest(link, side, incoming),
            Effect::PeerHas { scope, heads } => {
                for Head { author, seq, .. } in heads {
                    if !self.links[link].is_tainted {
                        let peer = self.links[link].ends[1 - side];
                        let key = (scope.clone(), author);
                        self.spared(peer, |world| world.check_peer_has(peer, key, seq))?;
                    }
                }
                Ok(())
            }
            Effect::Fork { scope, author, seq, .. } => {
                if self.links[link].is_tainted {
                    self.mark("a flipped bit looked like a fork");
                    return Ok(());
                }
                if let Some(node) = self.nodes.iter().position(|node| node.is_meeting && node.author() == author) {
                    self.told_of_older_copy(node);
                    return Ok(());
                }
                Err(Violation::of(Check::Sequence, format!("two commits {seq} of {author} in {scope}")))
            }
            Effect::Close(closing) => {
                self.note(&format!("close {closing:?}"));
                self.mark("connection closed by a session");
                if !self.links[link].is_tainted && closing.reason != Reason::Storage {
                    self.mark("connection closed without a flipped bit");
                }
                self.hang_up(link);
                Ok(())
            }
        }
    }

    fn send(&mut self, link: usize, to: usize, frame: Vec<u8>) -> Result<(), Violation> {
        self.trace.update(&frame);
        let wire = &mut self.links[link].wires[to];
        wire.chunks.push_back(frame);
        if wire.bytes() > ON_THEIR_WAY_MAX {
            return Err(Violation::of(Check::Bounded, format!("{} bytes on their way", wire.bytes())));
        }
        self.schedule(link, to);
        Ok(())
    }

    fn schedule(&mut self, link: usize, side: usize) {
        let now = self.now;
        let wire = &self.links[link].wires[side];
        if wire.is_scheduled || wire.chunks.is_empty() {
            return;
        }
        let most = if wire.slow_until > now { 20_000 } else { 120 };
        let delay = 1 + self.network.below(most);
        let connection = self.links[link].connection;
        self.links[link].wires[side].is_scheduled = true;
        self.enter(now + delay, Event::Deliver { link, side, connection });
    }

    pub(super) fn deliver(&mut self, link: usize, side: usize, connection: u64) -> Result<(), Violation> {
        let held = &mut self.links[link];
        if held.connection != connection {
            return Ok(());
        }
        let reader = held.ends[side];
        let wire = &mut held.wires[side];
        wire.is_scheduled = false;
        let until = wire.blocked_until.max(self.nodes[reader].away_until);
        if until > self.now {
            wire.is_scheduled = true;
            let at = until.min(self.now + SILENCE_MS);
            self.enter(at, Event::Deliver { link, side, connection });
            self.enter(self.now + SILENCE_MS, Event::GiveUp { link, connection });
            return Ok(());
        }
        let is_slow = wire.slow_until > self.now;
        let Some(mut bytes) = wire.chunks.pop_front() else { return Ok(()) };
        if is_slow && bytes.len() > 64 {
            let rest = bytes.split_off(bytes.len() / 2);
            wire.chunks.push_front(rest);
            self.mark("frame read in pieces");
        }
        if std::mem::take(&mut self.links[link].flips_next) {
            let at = self.network.below(bytes.len() as u64 * 8) as usize;
            bytes[at / 8] ^= 1 << (at % 8);
            self.links[link].is_tainted = true;
            self.mark("bit flipped");
            // Whatever the bit did to this connection, the next one starts clean.
            self.enter(self.now + SILENCE_MS, Event::Drop { link, connection });
        }
        let cuts = std::mem::take(&mut self.links[link].cuts_next);
        if cuts {
            bytes.truncate(bytes.len().div_ceil(2));
        }
        self.step(link, side, move |session, log, grants| session.receive(&bytes, log, grants))?;
        if cuts {
            self.mark("connection cut within a frame");
            self.hang_up(link);
        }
        self.schedule(link, side);
        Ok(())
    }

    /// The store of a node has something new: its sessions look.
    pub(super) fn news(&mut self, node: usize) -> Result<(), Violation> {
        for link in 0..self.links.len() {
            if let Some(side) = self.links[link].ends.iter().position(|end| *end == node) {
                self.step(link, side, |session, log, grants| session.news(log, grants))?;
            }
        }
        Ok(())
    }

    fn ingest(&mut self, link: usize, side: usize, incoming: Incoming) -> Result<(), Violation> {
        let Incoming { frame, commits, keys, .. } = incoming;
        let here = self.links[link].ends[side];
        let commits = self.tampered(here, commits);
        let verified = match self.bug {
            Some(Bug::SkipSignature) => {
                commits.iter().map(|commit| SignedCommit::decode_trusted(commit.bytes())).collect::<Result<Vec<_>, _>>()
            }
            _other => commits.into_iter().map(UnverifiedCommit::verify).collect(),
        };
        let connection = self.links[link].connection;
        match verified {
            Err(error) => {
                self.mark("false signature refused");
                let detail = error.to_string();
                self.step(link, side, move |session, _, _| session.close(Reason::BadCommit, &detail))
            }
            Ok(_) if self.bug == Some(Bug::DropFrame) && self.counts.batches > 400 => {
                self.frame_stored(link, side, frame)
            }
            Ok(commits) => {
                let input = self.nodes[here].input(self.now, Command::Receive(Arrival { commits, keys }));
                let tag = Tag::Frame { link, side, connection, frame };
                self.nodes[here].queue.push(Job { tag, input });
                self.gather(here);
                Ok(())
            }
        }
    }

    /// Flips a bit of a signature where somebody in the middle does.
    fn tampered(&mut self, node: usize, mut commits: Vec<UnverifiedCommit>) -> Vec<UnverifiedCommit> {
        if let Some(first) = commits.first_mut()
            && std::mem::take(&mut self.nodes[node].forged_next)
        {
            let mut bytes = first.bytes().to_vec();
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
            if let Ok(forged) = UnverifiedCommit::decode(&bytes) {
                *first = forged;
                self.mark("signature forged");
            }
        }
        commits
    }

    fn frame_stored(&mut self, link: usize, side: usize, frame: u64) -> Result<(), Violation> {
        self.step(link, side, move |session, log, grants| session.durable(frame, log, grants))
    }

    /// What the store said of a frame.
    pub(super) fn frame_done(
        &mut self,
        link: usize,
        side: usize,
        connection: u64,
        frame: u64,
        answer: &Answer,
    ) -> Result<(), Violation> {
        if self.links[link].connection != connection {
            self.mark("frame stored after its connection ended");
            return Ok(());
        }
        match answer {
            Answer::Done(_) => self.frame_stored(link, side, frame),
            Answer::Refused(_) | Answer::Failed(_) => {
                self.mark("frame refused by a failing disk");
                self.links[link].attempts = 6;
                self.step(link, side, |session, _, _| session.close(Reason::Storage, ""))
            }
        }
    }
}
