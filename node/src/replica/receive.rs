//! Commits of other authors: judged, taken into the documents, folded and stored, each with one of four outcomes.
//!
//! *Refused*: it ends the arrival and nothing of it is stored. *Waits*: kept in memory until what it follows arrives. *Set
//! aside*: stored and counted, with its reason, but in no document. *Parked*: stored, and a document of it is read-only
//! until a later program understands it. `judge` finds its place and its author's rights, `taking` tries its changes.
//!
//! Invariants: whatever the order of arrival the rows are the same; one bad commit blocks no other. Proved by
//! `replicas_converge_whatever_the_order_of_delivery` and `each_bad_commit_has_its_outcome_and_code`.

use crdt_model::commit::SignedCommit;
use crdt_model::control::history::Clock;
use crdt_model::id::CommitHash;
use crdt_model::scope::Scope;
use crdt_model::scope_state::replace_document;
use crdt_model::seal::KeyRecord;
use crdt_model::time::Timestamp;

use super::batch::Batch;
use super::command::Outcome;
use super::judge::{Fault, Place, permitted};
use super::parked::Behind;
use super::stored::{CommitState, write_set_aside};
use super::taking::{Demand, Taken};
use super::{Replica, ReplicaError, Stop};
use crate::store::Table;

/// What a peer sent: commits whose signatures the caller has verified, in causal order where the peer is honest, and
/// the keys that they use.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The commits.
    pub commits: Vec<SignedCommit>,
    /// The keys of sealed values in them.
    pub keys: Vec<KeyRecord>,
}

/// What became of an arrival; told after it is durable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Commits stored, whatever their state.
    pub stored: u64,
    /// Commits that were held already.
    pub duplicates: u64,
    /// Commits that wait in memory for others.
    pub waiting: u64,
    /// Of the stored ones, those set aside.
    pub set_aside: u64,
    /// Of the stored ones, those with a parked document.
    pub parked: u64,
    /// The commit that ended the arrival, if one did; what came before it stays.
    pub refused: Option<Refusal>,
    /// Scopes that got a commit.
    pub touched: Vec<Scope>,
}

/// Why a commit is refused: nothing of it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The commit.
    pub hash: CommitHash,
    /// Stable reason code.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

impl Replica {
    pub(super) fn receive(
        &mut self,
        batch: &mut Batch<'_, '_>,
        now: Timestamp,
        arrival: &Arrival,
    ) -> Result<Outcome, Stop> {
        let mut received = Received::default();
        for record in &arrival.keys {
            self.keep_key(batch, record)?;
        }
        for signed in &arrival.commits {
            received.refused = self.take_in(batch, now, signed, &mut received)?;
            if received.refused.is_some() {
                break;
            }
        }
        received.waiting = arrival.commits.iter().filter(|signed| self.waiting.holds(&signed.hash())).count() as u64;
        Ok(Outcome::Received(received))
    }

    /// A key certifies itself: its id is its hash. All keys of a subject are kept.
    fn keep_key(&mut self, batch: &mut Batch<'_, '_>, record: &KeyRecord) -> Result<(), ReplicaError> {
        let row = [&record.subject.0[..], &record.key.id().0].concat();
        if batch.read(Table::Keys, &row)?.is_none() {
            batch.write(Table::Keys, row, record.key.as_bytes().to_vec());
            self.written += 1;
        }
        Ok(())
    }

    /// Takes in a commit and whatever waited for it.
    fn take_in(
        &mut self,
        batch: &mut Batch<'_, '_>,
        now: Timestamp,
        signed: &SignedCommit,
        received: &mut Received,
    ) -> Result<Option<Refusal>, ReplicaError> {
        let mut arrived = match self.take_one(batch, now, signed, received)? {
            Step::Stored => vec![signed.hash()],
            Step::Nothing => Vec::new(),
            Step::Refused(fault) => {
                return Ok(Some(Refusal { hash: signed.hash(), code: fault.code, detail: fault.detail }));
            }
        };
        while let Some(hash) = arrived.pop() {
            for waiter in self.waiting.take(&hash) {
                match self.take_one(batch, now, &waiter, received)? {
                    Step::Stored => arrived.push(waiter.hash()),
                    // One that is refused only now may have come from another peer: it is forgotten.
                    Step::Nothing | Step::Refused(_) => {}
                }
            }
        }
        Ok(None)
    }

    fn take_one(
        &mut self,
        batch: &mut Batch<'_, '_>,
        now: Timestamp,
        signed: &SignedCommit,
        received: &mut Received,
    ) -> Result<Step, ReplicaError> {
        let state = match self.place(batch, signed)? {
            Place::Refused(fault) => return Ok(Step::Refused(fault)),
            Place::Held => {
                received.duplicates += 1;
                return Ok(Step::Nothing);
            }
            Place::Waits(needs) => {
                self.waiting.keep(signed.clone(), needs);
                return Ok(Step::Nothing);
            }
            Place::Fork => {
                self.keep_fork(batch, signed);
                CommitState::SetAside
            }
            Place::Next => self.accept(batch, now, signed)?,
        };
        received.stored += 1;
        received.set_aside += u64::from(state == CommitState::SetAside);
        received.parked += u64::from(state == CommitState::Parked);
        if !received.touched.contains(&signed.commit().scope) {
            received.touched.push(signed.commit().scope.clone());
        }
        Ok(Step::Stored)
    }

    /// Keeps a second commit of one number by its hash alone: it is in no log and moves no head.
    fn keep_fork(&mut self, batch: &mut Batch<'_, '_>, signed: &SignedCommit) {
        let hash = signed.hash().0.to_vec();
        batch.write(Table::Commits, hash.clone(), signed.bytes().to_vec());
        batch.write(Table::CommitStates, hash, vec![CommitState::SetAside as u8]);
        write_set_aside(batch, signed, "fork", "its author wrote another commit with this number");
        self.written += 1;
    }

    /// Stores the next commit of an author: applied, set aside, or with a parked document.
    fn accept(
        &mut self,
        batch: &mut Batch<'_, '_>,
        now: Timestamp,
        signed: &SignedCommit,
    ) -> Result<CommitState, ReplicaError> {
        let commit = signed.commit();
        let view = self.memory().view(signed);
        let clock = self.memory().logs.entry(commit.scope.clone()).or_default().clock(batch, commit)?;
        let judged = match self.covers_past(batch, commit, &view)? {
            true => permitted(signed, &view, self.identity.org),
            false => Err(Fault {
                code: "control_behind",
                detail: "it cites less of `control` than the commits that it follows".to_owned(),
            }),
        };
        let demand = Demand::of(signed, &clock);
        let judged = match judged {
            Ok(changes) => self.check_draws(batch, &demand, &changes)?.map(|()| changes),
            Err(fault) => Err(fault),
        };
        let taken = match judged {
            Ok(changes) => self.take(batch, &demand, &changes)?,
            Err(fault) => Err(fault),
        };
        let state = match taken {
            Ok(taken) => self.store_taken(batch, signed, &clock, taken)?,
            Err(fault) => {
                write_set_aside(batch, signed, fault.code, &fault.detail);
                self.store(batch, signed, CommitState::SetAside, &[])?;
                CommitState::SetAside
            }
        };
        let memory = self.memory();
        memory.hlc = memory.hlc.observe(commit.hlc, now);
        if let Some(log) = memory.logs.get_mut(&commit.scope) {
            log.keep_clock(batch, commit, clock);
            log.cited.insert(commit.author, (signed.hash(), view));
        }
        Ok(state)
    }

    fn store_taken(
        &mut self,
        batch: &mut Batch<'_, '_>,
        signed: &SignedCommit,
        clock: &Clock,
        taken: Taken,
    ) -> Result<CommitState, ReplicaError> {
        let scope = &signed.commit().scope;
        let state = if taken.behind.is_empty() { CommitState::Applied } else { CommitState::Parked };
        self.store(batch, signed, state, &taken.applied)?;
        for (id, mut scratch) in taken.documents {
            if let Some(fault) = &scratch.parked {
                let document = |at: &&usize| signed.commit().changes.get(**at).is_some_and(|c| c.document == id);
                let behind: Vec<Behind> =
                    taken.behind.iter().filter(document).map(|at| Behind::of(signed, *at, clock)).collect();
                self.park(batch, scope, id, fault, behind)?;
            }
            if let Some(row) = scratch.row.take() {
                self.memory().names.remove(&id);
                self.keep_scratch(scope, id, scratch);
                replace_document(batch, scope, id, row)?;
            }
        }
        if *scope == Scope::Control {
            self.read_control_again(batch)?;
        }
        Ok(state)
    }
}

/// What became of one commit.
enum Step {
    Stored,
    Nothing,
    Refused(Fault),
}
