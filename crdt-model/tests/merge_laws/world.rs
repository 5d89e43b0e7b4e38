//! Replicas that write real changes, and the ways in which changes reach other replicas.
//!
//! A change travels as a raw chunk; whoever gets it before what it follows keeps it waiting. Every change, own or
//! foreign, passes the scanner and the check of its place before Automerge sees it.
//!
//! Invariant: a replica applies a change only after everything that it follows. Proved by `every_delivery_converges`.

use std::collections::{BTreeMap, BTreeSet};

use crdt_model::change::{Expected, scan};
use crdt_model::document::{Content, Document, FieldValue, Put};
use crdt_model::document_row::fold_document;
use crdt_model::event::Event;
use crdt_model::id::{AuthorId, DocumentId, EventId, EventKey, SessionId, actor_of};
use crdt_model::rows::MemoryRows;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::scope_state::replace_document;

/// A small seeded generator (splitmix64).
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

pub type Hash = [u8; 32];

/// A change as it travels, with what its writer put into it.
#[derive(Debug, Clone)]
pub struct Change {
    pub scope: Scope,
    pub document: DocumentId,
    pub actor: [u8; 16],
    pub hash: Hash,
    /// What the writer held of the document.
    pub deps: Vec<Hash>,
    pub chunk: Vec<u8>,
    pub events: Vec<(EventKey, Event)>,
    pub fields: Vec<(&'static str, FieldValue)>,
}

/// A document as a replica holds it.
#[derive(Debug, Clone)]
struct Held {
    document: Document,
    /// Last operation number of each change.
    last_ops: BTreeMap<Hash, u64>,
    /// How many changes of each actor, and the last of them.
    sequences: BTreeMap<[u8; 16], (u64, Hash)>,
}

impl Held {
    fn empty() -> Self {
        Self { document: Document::load([]).unwrap(), last_ops: BTreeMap::new(), sequences: BTreeMap::new() }
    }

    /// What the next change of an actor follows: the heads, and its own last change even where others followed that.
    fn deps_of_next(&self, actor: &[u8; 16]) -> Vec<Hash> {
        let own = self.sequences.get(actor).map(|(_, last)| *last);
        let deps: BTreeSet<Hash> = self.document.heads().into_iter().chain(own).collect();
        deps.into_iter().collect()
    }

    /// Scans a change, checks that it fits its place and counts it.
    fn check(&mut self, change: &Change) {
        let scanned = scan(&change.chunk).expect("a sound change passes the scanner");
        let (sequence, _) = self.sequences.get(&change.actor).copied().unwrap_or_default();
        let last_op = change.deps.iter().map(|dep| self.last_ops[dep]).max().unwrap_or(0);
        let expected = Expected { actor: &change.actor, seq: sequence + 1, start_op: last_op + 1, deps: &change.deps };
        scanned.check(&expected).expect("a sound change fits its place");
        self.sequences.insert(change.actor, (sequence + 1, change.hash));
        self.last_ops.insert(change.hash, last_op + scanned.op_count);
    }
}

/// The keys of one commit, in the order of its events.
pub struct Keys<'a> {
    author: AuthorId,
    session: SessionId,
    scope: &'a Scope,
    seq: u64,
    next: u16,
}

impl Keys<'_> {
    pub fn next(&mut self) -> EventKey {
        self.next += 1;
        EventKey::derive(&self.author, &self.session, self.scope, self.seq, self.next - 1)
    }
}

/// One node: its documents, the rows that it keeps up to date, and the changes that wait for others.
#[derive(Debug, Clone)]
pub struct Replica {
    pub author: AuthorId,
    session: SessionId,
    commits: BTreeMap<Scope, u64>,
    documents: BTreeMap<(Scope, DocumentId), Held>,
    applied: BTreeSet<Hash>,
    waiting: Vec<Change>,
    pub rows: MemoryRows,
}

impl Replica {
    pub fn new(number: u8) -> Self {
        Self {
            author: AuthorId([number + 1; 32]),
            session: SessionId([number ^ 0xa5; 8]),
            commits: BTreeMap::new(),
            documents: BTreeMap::new(),
            applied: BTreeSet::new(),
            waiting: Vec::new(),
            rows: MemoryRows::default(),
        }
    }

    /// Writes one change of one document.
    pub fn write(
        &mut self,
        scope: &Scope,
        document: DocumentId,
        fields: Vec<(&'static str, FieldValue)>,
        events: impl FnOnce(&mut Keys<'_>) -> Vec<(EventKey, Event)>,
    ) -> Change {
        let seq = self.commits.get(scope).copied().unwrap_or(0) + 1;
        let events = events(&mut Keys { author: self.author, session: self.session, scope, seq, next: 0 });
        self.commits.insert(scope.clone(), seq);
        let actor = actor_of(&self.author, &self.session);
        let puts: Vec<Put> = (events.iter().map(|(key, event)| Put::event(*key, event)))
            .chain(fields.iter().map(|(name, value)| Put::field(name, value.clone())))
            .collect();
        let held = self.documents.entry((scope.clone(), document)).or_insert_with(Held::empty);
        let deps = held.deps_of_next(&actor);
        let chunk = match deps.is_empty() {
            true => {
                let (document, chunk) = Document::create(actor, puts).unwrap();
                held.document = document;
                chunk
            }
            false => held.document.append(actor, puts).unwrap(),
        };
        let hash = scan(&chunk).expect("an own change passes the scanner").hash;
        let change = Change { scope: scope.clone(), document, actor, hash, deps, chunk, events, fields };
        held.check(&change);
        assert!(self.applied.insert(hash), "each write is a change of its own");
        change
    }

    /// Takes a change in: applies it, lets it wait, or meets it a second time.
    pub fn receive(&mut self, change: &Change) {
        let at = (change.scope.clone(), change.document);
        if self.applied.contains(&change.hash) {
            self.documents.get_mut(&at).unwrap().document.apply(&change.chunk).unwrap();
            return;
        }
        self.waiting.push(change.clone());
        while let Some(ready) = self.waiting.iter().position(|c| c.deps.iter().all(|dep| self.applied.contains(dep))) {
            let change = self.waiting.swap_remove(ready);
            if self.applied.insert(change.hash) {
                self.apply(&change);
            }
        }
    }

    fn apply(&mut self, change: &Change) {
        let held = self.documents.entry((change.scope.clone(), change.document)).or_insert_with(Held::empty);
        held.check(change);
        held.document.apply(&change.chunk).unwrap();
    }

    /// Takes changes in, in this order.
    pub fn receive_all(&mut self, changes: &[Change]) {
        changes.iter().for_each(|change| self.receive(change));
    }

    /// The changes of `log` that it has applied, in the order of the log.
    pub fn held_of(&self, log: &[Change]) -> Vec<Change> {
        log.iter().filter(|change| self.applied.contains(&change.hash)).cloned().collect()
    }

    pub fn waits_for_nothing(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn holds(&self, scope: &Scope, document: DocumentId) -> bool {
        self.documents.contains_key(&(scope.clone(), document))
    }

    pub fn content(&self, scope: &Scope, document: DocumentId) -> Content {
        let held = self.documents.get(&(scope.clone(), document));
        held.map(|held| held.document.content().unwrap()).unwrap_or_default()
    }

    pub fn contents(&self) -> BTreeMap<(Scope, DocumentId), Content> {
        self.documents.iter().map(|(at, held)| (at.clone(), held.document.content().unwrap())).collect()
    }

    /// What Automerge calls the state of each document.
    pub fn heads(&self) -> BTreeMap<(Scope, DocumentId), Vec<Hash>> {
        self.documents.iter().map(|(at, held)| (at.clone(), held.document.heads())).collect()
    }

    /// Brings the row of one document up to date.
    pub fn settle(&mut self, scope: &Scope, document: DocumentId) {
        let row = fold_document(&self.content(scope, document));
        replace_document(&mut self.rows, scope, document, row).unwrap();
    }

    /// The rows of everything it holds, from nothing.
    pub fn rebuilt(&self) -> MemoryRows {
        let mut rows = MemoryRows::default();
        for ((scope, document), content) in self.contents() {
            replace_document(&mut rows, &scope, document, fold_document(&content)).unwrap();
        }
        rows
    }
}

/// Replicas and every change that any of them wrote.
#[derive(Debug, Clone)]
pub struct World {
    pub replicas: Vec<Replica>,
    pub log: Vec<Change>,
}

impl World {
    pub fn new(replicas: u8) -> Self {
        Self { replicas: (0..replicas).map(Replica::new).collect(), log: Vec::new() }
    }

    /// One replica writes a change that no other has seen yet; returns the ids of its events.
    pub fn write(
        &mut self,
        replica: usize,
        scope: &Scope,
        document: DocumentId,
        events: impl FnOnce(&mut Keys<'_>) -> Vec<(EventKey, Event)>,
    ) -> Vec<EventId> {
        self.write_with_fields(replica, scope, document, Vec::new(), events)
    }

    pub fn write_with_fields(
        &mut self,
        replica: usize,
        scope: &Scope,
        document: DocumentId,
        fields: Vec<(&'static str, FieldValue)>,
        events: impl FnOnce(&mut Keys<'_>) -> Vec<(EventKey, Event)>,
    ) -> Vec<EventId> {
        let change = self.replicas[replica].write(scope, document, fields, events);
        let ids = change.events.iter().map(|(key, _)| document.event(*key)).collect();
        self.log.push(change);
        ids
    }

    /// `to` gets what `from` has.
    pub fn sync(&mut self, from: usize, to: usize, dice: &mut Dice) {
        let mut changes = self.replicas[from].held_of(&self.log);
        dice.shuffle(&mut changes);
        self.replicas[to].receive_all(&changes);
    }

    /// Everybody gets everything, each in an order of its own.
    pub fn meet(&mut self, dice: &mut Dice) {
        for replica in &mut self.replicas {
            replica.receive_all(&arrival(&self.log, dice));
        }
    }

    /// A replica that saw nothing gets everything in a drawn order.
    pub fn newcomer(&self, dice: &mut Dice) -> Replica {
        let mut replica = Replica::new(200);
        replica.receive_all(&arrival(&self.log, dice));
        replica
    }
}

/// All changes in a drawn order, some of them twice.
pub fn arrival(log: &[Change], dice: &mut Dice) -> Vec<Change> {
    let mut changes = log.to_vec();
    for change in log {
        if dice.below(3) == 0 {
            changes.push(change.clone());
        }
    }
    dice.shuffle(&mut changes);
    changes
}

/// The lane in which WH01 ships for SH01.
pub fn lane() -> Scope {
    "lane/SH01~WH01".parse().unwrap()
}

pub fn site() -> Scope {
    Scope::Site(SiteCode::new("SH01").unwrap())
}
