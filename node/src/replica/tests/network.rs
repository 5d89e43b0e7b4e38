//! Several nodes of one organisation in one process: head office, the keeper and a second till of a store, a warehouse.
//!
//! Invariant: nodes know of each other only what is delivered.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use crdt_model::commit::{Commit, Dependency, DocumentChange, SignedCommit};
use crdt_model::control::event::{Site, SiteKind};
use crdt_model::control::grants::shares;
use crdt_model::document::{Document, Put};
use crdt_model::id::{AuthorId, CommitHash, DeviceId, OrgId, RequestId, SessionId, TransactionId, UserId};
use crdt_model::rows::RowKey;
use crdt_model::time::Hlc;
use ed25519_dalek::SigningKey;
use tempfile::TempDir;

use super::super::*;
use super::world::*;
use crate::store::{ReadTables, Store, Table};

pub const HQ: usize = 0;
pub const KEEPER: usize = 1;
pub const TILL: usize = 2;
pub const WAREHOUSE: usize = 3;

/// Tables that equal holders of a scope fill alike.
const SHARED: [Table; 17] = [
    Table::Rows,
    Table::OrdersByRequest,
    Table::OrdersByTime,
    Table::OrdersByStatus,
    Table::OrdersByCustomer,
    Table::OrdersByExternal,
    Table::OrdersByNumber,
    Table::SalesByItem,
    Table::SalesByCountry,
    Table::SalesByCustomer,
    Table::SalesByDay,
    Table::Counters,
    Table::Frontier,
    Table::SetAside,
    Table::FulfilmentsByStatus,
    Table::StockOverLanes,
    Table::CasesAcross,
];

/// One node.
pub struct Node {
    _folder: TempDir,
    pub store: Store,
    pub replica: Replica,
    pub key: SigningKey,
    pub site: SiteCode,
    session: u8,
}

/// The nodes and their one clock.
pub struct Network {
    pub nodes: Vec<Node>,
    pub org: OrgId,
    seconds: i64,
}

pub fn code(code: &str) -> SiteCode {
    SiteCode::new(code).unwrap()
}

pub fn key_of(node: usize) -> SigningKey {
    if node == HQ { keeper() } else { SigningKey::from_bytes(&[20 + node as u8; 32]) }
}

pub fn author_of(key: &SigningKey) -> AuthorId {
    AuthorId(key.verifying_key().to_bytes())
}

impl Network {
    /// The four nodes, admitted and with these products of head office known to all.
    pub fn new(skus: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let mut genesis = genesis(SiteKind::HeadOffice);
        genesis.site.code = code("HQ");
        genesis.member.site = code("HQ");
        let now = moment(0).at;
        let draft = GenesisDraft { genesis, key: keeper(), session: SessionId([0; 8]), now, random: [3; 10] };
        let org = store.write(|tx| write_genesis(tx, draft)).unwrap();
        let mut network = Self { nodes: vec![Node::of(folder, store, HQ, "HQ", org)], org, seconds: 0 };
        for (node, site, kind) in [
            (KEEPER, "SH01", SiteKind::Store),
            (TILL, "SH01", SiteKind::Store),
            (WAREHOUSE, "WH01", SiteKind::Warehouse),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let store = open(&folder);
            network.nodes.push(Node::of(folder, store, node, site, org));
            network.done(HQ, Command::Admit(admission(node, site, kind)));
        }
        network.done(HQ, channel("web", "SH01"));
        for sku in skus {
            network.done(HQ, Command::PostProduct(product(sku)));
        }
        network.settle();
        network
    }

    /// A node without a site that holds what head office holds of `control` and the catalogue, and nothing else.
    pub fn reader(&mut self) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let at = self.nodes.len();
        self.nodes.push(Node::of(folder, store, at, "SH01", self.org));
        let known = [Scope::Control, Scope::Catalogue];
        let commits = self.nodes[HQ].commits().into_iter().filter(|held| known.contains(&held.commit().scope));
        let commits = commits.collect();
        assert_eq!(self.receive(at, commits).refused, None);
        at
    }

    pub fn run(&mut self, node: usize, command: Command) -> Answer {
        self.seconds += 1;
        let input = Input { now: moment(self.seconds), request: None, command };
        self.nodes[node].handle(&input)
    }

    pub fn done(&mut self, node: usize, command: Command) -> Outcome {
        self.run(node, command).unwrap()
    }

    pub fn order(&mut self, node: usize, command: Command) -> DocumentId {
        match self.done(node, command) {
            Outcome::Order { id, .. } => id,
            other => panic!("{other:?}"),
        }
    }

    pub fn receive(&mut self, node: usize, commits: Vec<SignedCommit>) -> Received {
        match self.done(node, Command::Receive(Arrival { commits, keys: Vec::new() })) {
            Outcome::Received(received) => received,
            other => panic!("{other:?}"),
        }
    }

    /// What `from` holds and `to` lacks of the scopes that both hold, in the order of arrival there.
    pub fn missing(&self, from: usize, to: usize) -> Vec<SignedCommit> {
        let shared = |scope: &Scope| self.share(from, to, scope);
        let commits = self.nodes[from].commits().into_iter().filter(|commit| shared(&commit.commit().scope));
        commits.filter(|commit| !self.nodes[to].holds(commit)).collect()
    }

    pub fn share(&self, one: usize, other: usize, scope: &Scope) -> bool {
        let control = self.nodes[HQ].control();
        shares(&control, &self.nodes[one].site, &self.nodes[other].site, scope)
    }

    pub fn deliver(&mut self, from: usize, to: usize) -> Received {
        let commits = self.missing(from, to);
        self.receive(to, commits)
    }

    /// Delivers everything to everybody.
    pub fn settle(&mut self) {
        loop {
            let mut moved = 0;
            for from in 0..self.nodes.len() {
                for to in (0..self.nodes.len()).filter(|to| *to != from) {
                    let received = self.deliver(from, to);
                    assert_eq!(received.refused, None, "{from} to {to}");
                    moved += received.stored;
                }
            }
            if moved == 0 {
                return;
            }
        }
    }

    /// Whether two nodes fill every table of a scope alike.
    pub fn check_alike(&self, one: usize, other: usize, scope: &Scope, told: &str) {
        for table in SHARED {
            let rows = |node: usize| self.nodes[node].rows(table, scope);
            assert_eq!(rows(one), rows(other), "{told}: {one} {other} {scope} {}", table.name());
        }
    }

    /// Every pair shows the same rows of every scope that both hold.
    pub fn check_equal(&self) {
        let sites = ["control", "catalogue", "customers/MAIN", "site/HQ", "site/SH01", "site/WH01"];
        let lanes = ["lane/HQ~SH01", "lane/HQ~WH01", "lane/SH01~WH01"];
        for scope in sites.into_iter().chain(lanes).map(|scope| scope.parse::<Scope>().unwrap()) {
            for one in 0..self.nodes.len() {
                for other in (one + 1)..self.nodes.len() {
                    if self.share(one, other, &scope) {
                        self.check_alike(one, other, &scope, "settled");
                    }
                }
            }
        }
    }
}

pub fn admission(node: usize, site: &str, kind: SiteKind) -> Admission {
    let zone = text("Europe/London");
    let site = Site { code: code(site), kind, zone, territory: code("MAIN") };
    Admission { author: author_of(&key_of(node)), device: DeviceId([node as u8; 32]), site }
}

impl Node {
    fn of(folder: TempDir, store: Store, node: usize, site: &str, org: OrgId) -> Self {
        let (key, site) = (key_of(node), code(site));
        let identity = Identity { key: key.clone(), session: SessionId([1; 8]), org, site: site.clone() };
        let replica = Replica::new(identity, [node as u8 + 1; 32]);
        Self { _folder: folder, store, replica, key, site, session: 1 }
    }

    pub fn restart(&mut self, org: OrgId) {
        self.session += 1;
        let session = SessionId([self.session; 8]);
        let identity = Identity { key: self.key.clone(), session, org, site: self.site.clone() };
        self.replica = Replica::new(identity, [self.session + 100; 32]);
        self.store.reopen().unwrap();
        self.handle(&Input { now: moment(0), request: None, command: Command::Remember(Vec::new()) }).unwrap();
    }

    pub fn handle(&mut self, input: &Input) -> Answer {
        self.store.write(|tx| self.replica.handle(tx, &[input])).unwrap().pop().unwrap()
    }

    pub fn control(&self) -> Control {
        self.replica.control().clone()
    }

    /// Every commit, scope by scope in the order of arrival.
    pub fn commits(&self) -> Vec<SignedCommit> {
        let snapshot = self.store.read().unwrap();
        let order = list(&snapshot, Table::CommitOrder, &[]);
        let commit = |hash: &[u8]| SignedCommit::verify(&snapshot.get(Table::Commits, hash).unwrap().unwrap()).unwrap();
        order.iter().map(|(_, hash)| commit(hash)).collect()
    }

    pub fn holds(&self, commit: &SignedCommit) -> bool {
        self.store.read().unwrap().get(Table::CommitStates, &commit.hash().0).unwrap().is_some()
    }

    pub fn state(&self, commit: &SignedCommit) -> u8 {
        self.store.read().unwrap().get(Table::CommitStates, &commit.hash().0).unwrap().unwrap()[0]
    }

    /// Reason codes of what is set aside.
    pub fn set_aside(&self) -> Vec<String> {
        self.reasons(Table::SetAside)
    }

    /// Reason codes of what is parked.
    pub fn parked(&self) -> Vec<String> {
        self.reasons(Table::Parked)
    }

    fn reasons(&self, table: Table) -> Vec<String> {
        let rows = list(&self.store.read().unwrap(), table, &[]);
        let code = |row: &[u8]| String::from_utf8(row[1..=usize::from(row[0])].to_vec()).unwrap();
        rows.iter().map(|(_, row)| code(row)).collect()
    }

    pub fn rows(&self, table: Table, scope: &Scope) -> BTreeMap<Vec<u8>, Vec<u8>> {
        list(&self.store.read().unwrap(), table, RowKey::of(scope).as_bytes()).into_iter().collect()
    }

    pub fn count(&self, table: Table) -> u64 {
        self.store.read().unwrap().count(table).unwrap()
    }
}

/// A commit that a test writes by hand behind the head of its author at head office.
#[derive(Clone)]
pub struct Forge<'n> {
    pub network: &'n Network,
    pub key: SigningKey,
    pub scope: Scope,
    pub session: SessionId,
}

impl<'n> Forge<'n> {
    pub fn new(network: &'n Network, node: usize, scope: Scope) -> Self {
        Self { network, key: network.nodes[node].key.clone(), scope, session: SessionId([77; 8]) }
    }

    pub fn head(&self) -> (u64, CommitHash) {
        let author = author_of(&self.key);
        let commits = self.network.nodes[HQ].commits().into_iter();
        let own = commits.filter(|held| held.commit().author == author && held.commit().scope == self.scope);
        own.max_by_key(|held| held.commit().seq).map_or((0, CommitHash::ZERO), |last| (last.commit().seq, last.hash()))
    }

    pub fn event_key(&self, index: u16) -> EventKey {
        EventKey::derive(&author_of(&self.key), &self.session, &self.scope, self.head().0 + 1, index)
    }

    /// What head office holds of others in the scope.
    pub fn deps(&self) -> Vec<Dependency> {
        let mut heads: BTreeMap<AuthorId, Dependency> = BTreeMap::new();
        for held in self.network.nodes[HQ].commits() {
            let commit = held.commit();
            if commit.scope == self.scope && commit.author != author_of(&self.key) {
                heads.insert(commit.author, Dependency { author: commit.author, seq: commit.seq, hash: held.hash() });
            }
        }
        heads.into_values().collect()
    }

    pub fn control_heads(&self) -> Vec<CommitHash> {
        let control = self.network.nodes[HQ].commits().into_iter().filter(|held| held.commit().scope == Scope::Control);
        vec![control.max_by_key(|held| held.commit().seq).unwrap().hash()]
    }

    pub fn commit(&self, document: DocumentId, chunk: Vec<u8>) -> Commit {
        let (seq, prev) = self.head();
        Commit {
            org: self.network.org,
            author: author_of(&self.key),
            session: self.session,
            scope: self.scope.clone(),
            seq: seq + 1,
            prev,
            deps: self.deps(),
            control_heads: self.control_heads(),
            hlc: Hlc::default(),
            user: UserId::ZERO,
            request: RequestId::ZERO,
            transaction: TransactionId::ZERO,
            kind_flags: 0,
            changes: vec![DocumentChange { document, chunk }],
        }
    }

    /// A commit with a new document of these puts.
    pub fn creating(&self, document: DocumentId, puts: Vec<Put>) -> Commit {
        let actor = actor_of(&author_of(&self.key), &self.session);
        self.commit(document, Document::first_chunk(actor, puts).unwrap())
    }

    /// A commit that appends to a document of which head office holds these chunks.
    pub fn appending(&self, document: DocumentId, puts: Vec<Put>) -> Commit {
        let actor = actor_of(&author_of(&self.key), &self.session);
        let held = self.network.nodes[HQ].commits();
        let changes = held.iter().flat_map(|commit| &commit.commit().changes);
        let chunks: Vec<&[u8]> =
            changes.filter(|change| change.document == document).map(|change| change.chunk.as_slice()).collect();
        let mut open = Document::load(chunks).unwrap();
        self.commit(document, open.append(actor, puts).unwrap())
    }

    pub fn sign(&self, commit: Commit) -> SignedCommit {
        SignedCommit::sign(commit, &self.key).unwrap()
    }
}
