//! The world of the replica's tests: one organisation in a store on a file of its own, a clock that steps by itself,
//! and a check of the whole own log.
//!
//! Invariant: what it reads of the log is judged by the scanner and the signature, never by the replica itself.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crdt_model::case::CaseRow;
use crdt_model::change::{Expected, scan};
use crdt_model::commit::SignedCommit;
use crdt_model::control::event::{Channel, Genesis, Keeper, Member, Site, SiteKind};
use crdt_model::document_row::DocumentRow;
use crdt_model::event::Event;
use crdt_model::id::{
    AuthorId, CommitHash, DeviceId, DocumentId, EventKey, OrgId, RequestId, SessionId, TransactionId, actor_of,
};
use crdt_model::money::Currency;
use crdt_model::order::event::{Handover, LineQuantity};
use crdt_model::order::state::OrderState;
use crdt_model::rows::{RowKey, RowKind, row_key};
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::stock::{StockRow, StockSums};
use crdt_model::text::Text;
use crdt_model::time::{BusinessDate, EventTime, Timestamp};
use ed25519_dalek::SigningKey;
use tempfile::TempDir;

use super::super::documents::load_document;
use super::super::*;
use crate::store::{Direction, KeyRange, ReadTables, Store, StoreConfig, Table, WriteError, WriteTx};

/// 2010-12-01T08:00Z.
const START_MS: i64 = 1_291_190_400_000;

/// What a test makes of one input.
pub type Answer = Result<Outcome, CommandError>;

/// One node's replica over its own file.
pub struct Shop {
    _folder: TempDir,
    pub store: Store,
    pub replica: Replica,
    pub org: OrgId,
    seconds: i64,
    sessions: u8,
}

pub fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub fn site() -> SiteCode {
    SiteCode::new("SH01").unwrap()
}

pub fn scope() -> Scope {
    Scope::Site(site())
}

pub fn gbp() -> Currency {
    Currency::new("GBP", 2).unwrap()
}

/// The key of the node that began the organisation: the keeper of its site.
pub fn keeper() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub fn moment(seconds: i64) -> EventTime {
    let day = BusinessDate::from_days(((START_MS / 1_000 + seconds) / 86_400) as i32).unwrap();
    EventTime { at: Timestamp(START_MS + seconds * 1_000), offset_minutes: 0, business_date: day }
}

pub fn genesis(kind: SiteKind) -> Genesis {
    let site = Site { code: site(), kind, zone: text("Europe/London"), territory: SiteCode::new("MAIN").unwrap() };
    let author = AuthorId(keeper().verifying_key().to_bytes());
    let member = Member { author, device: DeviceId([9; 32]), site: site.code.clone(), device_letter: text("A") };
    Genesis {
        name: text("Demo"),
        currency: gbp(),
        root_keys: vec![[1; 32]],
        recovery_verifier: Genesis::verifier_of(&[2; 16]),
        site,
        member,
        keeper: author,
        registrar: author,
    }
}

impl Shop {
    /// A new store of the kind that writes products into its own scope.
    pub fn new() -> Self {
        Self::of_kind(SiteKind::Store)
    }

    pub fn of_kind(kind: SiteKind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let random = [3; 10];
        let draft = GenesisDraft {
            genesis: genesis(kind),
            key: keeper(),
            session: SessionId([0; 8]),
            now: Timestamp(START_MS),
            random,
        };
        let org = store.write(|tx| write_genesis(tx, draft)).unwrap();
        let replica = replica_of(keeper(), 1, org);
        Self { _folder: folder, store, replica, org, seconds: 0, sessions: 1 }
    }

    /// Another node of the same organisation and site with a file of its own, which has all that `first` has.
    pub fn joined(first: &mut Self, key: SigningKey, letter: &str) -> Self {
        let author = AuthorId(key.verifying_key().to_bytes());
        let member = Member { author, device: DeviceId(author.0), site: site(), device_letter: text(letter) };
        first.write_control(Event::Member(member));
        let folder = tempfile::tempdir().unwrap();
        let (store, org) = (open(&folder), first.org);
        let replica = replica_of(key, letter.as_bytes()[0], org);
        let mut joined = Self { _folder: folder, store, replica, org, seconds: 0, sessions: 1 };
        joined.receive_from(first);
        joined
    }

    /// Takes every commit that another node has, in its order of arrival.
    pub fn receive_from(&mut self, other: &Self) {
        let theirs: Vec<SignedCommit> = [Scope::Control, Scope::Catalogue, scope()]
            .iter()
            .flat_map(|scope| other.commits(scope))
            .filter(|commit| self.store.read().unwrap().get(Table::Commits, &commit.hash().0).unwrap().is_none())
            .collect();
        let arrival = Arrival { commits: theirs, keys: Vec::new() };
        match self.done(Command::Receive(arrival)) {
            Outcome::Received(received) => assert!(received.refused.is_none(), "{received:?}"),
            other => panic!("{other:?}"),
        }
    }

    /// A store that has these products.
    pub fn with(skus: &[&str]) -> Self {
        let mut shop = Self::new();
        for sku in skus {
            shop.done(Command::PostProduct(product(sku)));
        }
        shop
    }

    /// Ends the process and starts it again: file, session and memory are new.
    pub fn restart(&mut self) {
        self.sessions += 1;
        self.replica = replica_of(keeper(), self.sessions, self.org);
        self.store.reopen().unwrap();
    }

    pub fn input(&mut self, command: Command) -> Input {
        self.seconds += 1;
        Input { now: moment(self.seconds), request: None, command }
    }

    /// Handles inputs in one transaction.
    pub fn handle(&mut self, inputs: &[Input]) -> Vec<Answer> {
        let inputs: Vec<&Input> = inputs.iter().collect();
        self.store.write(|tx| self.replica.handle(tx, &inputs)).unwrap()
    }

    /// Handles inputs in a transaction that is dropped at its end, as the writer drops it.
    pub fn handle_dropped(&mut self, inputs: &[Input]) {
        let inputs: Vec<&Input> = inputs.iter().collect();
        let dropped = self.store.write(|tx| {
            self.replica.handle(tx, &inputs).unwrap();
            Err::<(), _>("dropped")
        });
        assert!(matches!(dropped, Err(WriteError::Aborted("dropped"))));
        self.replica.forget();
    }

    pub fn run(&mut self, command: Command) -> Answer {
        let input = self.input(command);
        self.handle(&[input]).pop().unwrap()
    }

    pub fn done(&mut self, command: Command) -> Outcome {
        self.run(command).unwrap()
    }

    /// Runs a command that names an order; gives its id.
    pub fn order(&mut self, command: Command) -> DocumentId {
        match self.done(command) {
            Outcome::Order { id, .. } => id,
            other => panic!("{other:?}"),
        }
    }

    pub fn receive(&mut self, sku: &str, units: i64) {
        self.done(stock(StockKind::Receipt, sku, units));
    }

    pub fn state(&self, id: DocumentId) -> OrderState {
        let key = row_key(&scope(), RowKind::Document, &id.0);
        let row = self.store.read().unwrap().get(Table::Rows, key.as_bytes()).unwrap().unwrap();
        match DocumentRow::decode(&row).unwrap() {
            DocumentRow::Order(order) => *order,
            other => panic!("{other:?}"),
        }
    }

    pub fn stock(&self, sku: &str) -> StockSums {
        let key = row_key(&scope(), RowKind::Stock, &DocumentId::of_sku(sku).0);
        let row = self.store.read().unwrap().get(Table::Rows, key.as_bytes()).unwrap();
        row.map(|row| StockRow::decode(&row).unwrap().sums).unwrap_or_default()
    }

    pub fn cases(&self) -> Vec<CaseRow> {
        let prefix = row_key(&scope(), RowKind::Case, &[]);
        let rows = list(&self.store.read().unwrap(), Table::Rows, prefix.as_bytes());
        rows.iter().map(|(_, row)| CaseRow::decode(row).unwrap()).collect()
    }

    pub fn dump(&self, table: Table) -> BTreeMap<Vec<u8>, Vec<u8>> {
        list(&self.store.read().unwrap(), table, &[]).into_iter().collect()
    }

    pub fn count(&self, table: Table) -> u64 {
        self.store.read().unwrap().count(table).unwrap()
    }

    /// The commits of a scope in the order of their arrival.
    pub fn commits(&self, scope: &Scope) -> Vec<SignedCommit> {
        let snapshot = self.store.read().unwrap();
        let order = list(&snapshot, Table::CommitOrder, RowKey::of(scope).as_bytes());
        let commit = |hash: &[u8]| SignedCommit::verify(&snapshot.get(Table::Commits, hash).unwrap().unwrap()).unwrap();
        order.iter().map(|(_, hash)| commit(hash)).collect()
    }

    /// The events of a document, read through its commits and Automerge.
    pub fn events(&self, id: DocumentId) -> Vec<Event> {
        let read = self.store.write(|tx: &mut WriteTx<'_>| {
            let content = load_document(&Batch::new(tx), &scope(), id).unwrap().content().unwrap();
            Ok::<_, ReplicaError>(content.events.into_values().collect())
        });
        read.unwrap()
    }

    /// Opens another site by hand: there is no command for it yet.
    pub fn open_site(&mut self, code: &str) {
        let other = Site { code: SiteCode::new(code).unwrap(), ..genesis(SiteKind::Store).site };
        self.write_control(Event::Site(other));
    }

    /// Takes this node's office by hand: two keepers of one epoch name nobody.
    pub fn lose_keeper(&mut self) {
        self.write_control(Event::Keeper(Keeper { site: site(), epoch: 1, author: AuthorId([8; 32]) }));
    }

    fn write_control(&mut self, event: Event) {
        let (replica, at) = (&mut self.replica, Timestamp(START_MS));
        let written = self.store.write(|tx| {
            let mut batch = Batch::new(tx);
            if replica.memory.is_none() {
                replica.load(&batch)?;
            }
            let id = DocumentId(replica.random.bytes());
            let mut draft = replica.draft(Scope::Control, RequestId::ZERO, TransactionId::ZERO);
            let events = replica.with_keys(&mut draft, vec![event]);
            let row = replica.create_document(&mut draft, id, events, Vec::new())?;
            replica.commit(&mut batch, draft, at)?;
            replica.fold_in(&mut batch, &Scope::Control, vec![row])?;
            batch.flush()?;
            Ok::<_, ReplicaError>(())
        });
        written.unwrap();
    }
}

pub fn open(folder: &TempDir) -> Store {
    Store::open_file(&folder.path().join("tradepost.redb"), StoreConfig::default()).unwrap()
}

fn replica_of(key: SigningKey, session: u8, org: OrgId) -> Replica {
    Replica::new(Identity { key, session: SessionId([session; 8]), org, site: site() }, [session; 32])
}

pub fn list(store: &impl ReadTables, table: Table, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    let visit = |key: &[u8], value: &[u8]| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    store.scan(table, &KeyRange::prefix(prefix), Direction::Forward, visit).unwrap();
    rows
}

/// A product with a name of its own.
pub fn product(sku: &str) -> ProductDraft {
    ProductDraft { sku: text(sku), name: text(&format!("the {sku}")), unit: None, barcodes: Vec::new(), price: None }
}

pub fn line(sku: &str, quantity: &str) -> LineDraft {
    LineDraft { sku: text(sku), name: None, quantity: quantity.parse().unwrap(), price: "2.55".parse().unwrap() }
}

pub fn order(handover: Handover, lines: Vec<LineDraft>) -> OrderDraft {
    OrderDraft {
        external: None,
        customer: None,
        contact: None,
        handover,
        currency: gbp(),
        region: None,
        lines,
        payments: Vec::new(),
    }
}

/// An order to be sent of one line.
pub fn place(sku: &str, quantity: &str) -> Command {
    Command::PlaceOrder(order(Handover::Later, vec![line(sku, quantity)]))
}

/// A sale of one line over the counter.
pub fn walk_in(sku: &str, quantity: &str) -> Command {
    Command::PlaceOrder(order(Handover::AtOnce, vec![line(sku, quantity)]))
}

pub fn confirm(id: DocumentId) -> Command {
    Command::ConfirmOrder { scope: scope(), id }
}

pub fn ship(id: DocumentId, lines: Option<Vec<LineQuantity>>) -> Command {
    Command::ShipOrder { scope: scope(), id, lines }
}

pub fn cancel(id: DocumentId, lines: Option<Vec<LineQuantity>>) -> Command {
    Command::CancelOrder { scope: scope(), id, lines, reason: None }
}

pub fn of_line(line: u16, quantity: &str) -> Vec<LineQuantity> {
    vec![LineQuantity { line, quantity: quantity.parse().unwrap() }]
}

pub fn stock(kind: StockKind, sku: &str, units: i64) -> Command {
    let quantity = units.to_string().parse().unwrap();
    Command::RecordStock { kind, sku: text(sku), quantity, reference: None, reason: None }
}

pub fn channel(name: &str, home: &str) -> Command {
    let home = SiteCode::new(home).unwrap();
    Command::AddChannel(Channel { name: text(name), home, zone: text("Europe/London") })
}

/// What the changes of a document must go on from.
#[derive(Default)]
struct DocumentEnd {
    seqs: BTreeMap<[u8; 16], u64>,
    last_op: u64,
    heads: Vec<[u8; 32]>,
}

/// Reads the whole own log of a store: each scope has the numbers 1 to n, each commit is signed and names the one before
/// it, each change is what its place demands, and each event key comes from the commit that carries it.
pub fn check_own_log(shop: &Shop) {
    check_log(&shop.store.read().unwrap());
}

/// As [`check_own_log`], of any open store.
pub fn check_log(snapshot: &impl ReadTables) {
    let mut ends: BTreeMap<(Scope, DocumentId), DocumentEnd> = BTreeMap::new();
    let mut lasts: BTreeMap<(AuthorId, Scope), (u64, CommitHash)> = BTreeMap::new();
    let log = list(snapshot, Table::AuthorLog, &[]);
    for (key, entry) in &log {
        let (hash, place) = entry.split_at(32);
        let bytes = snapshot.get(Table::Commits, hash).unwrap().unwrap();
        assert_eq!(place[8..], (bytes.len() as u32).to_be_bytes(), "the log tells the length of its commit");
        let signed = SignedCommit::verify(&bytes).unwrap();
        let commit = signed.commit();
        assert_eq!(signed.hash().0.as_slice(), hash);
        let scope = RowKey::of(&commit.scope);
        let order = scope.clone().fixed(&place[..8]);
        assert_eq!(snapshot.get(Table::CommitOrder, order.as_bytes()).unwrap().unwrap(), hash, "and its arrival");
        let expected = [&commit.author.0[..], scope.as_bytes(), &commit.seq.to_be_bytes()].concat();
        assert_eq!(*key, expected, "the log names author, scope and number of its commit");
        let last = lasts.entry((commit.author, commit.scope.clone())).or_insert((0, CommitHash::ZERO));
        assert_eq!((commit.seq, commit.prev), (last.0 + 1, last.1), "{} {}", commit.scope, commit.seq);
        *last = (commit.seq, signed.hash());
        assert_eq!(snapshot.get(Table::CommitStates, hash).unwrap().unwrap(), [CommitState::Applied as u8]);
        check_changes(&signed, &mut ends);
    }
    assert_eq!(snapshot.count(Table::Commits).unwrap(), log.len() as u64, "no commit beside the log");
    assert_eq!(snapshot.count(Table::CommitOrder).unwrap(), log.len() as u64);
    for ((author, scope), (seq, hash)) in lasts {
        let frontier = snapshot.get(Table::Frontier, RowKey::of(&scope).fixed(&author.0).as_bytes()).unwrap().unwrap();
        assert_eq!(frontier, [&seq.to_be_bytes()[..], &hash.0].concat());
    }
}

fn check_changes(signed: &SignedCommit, ends: &mut BTreeMap<(Scope, DocumentId), DocumentEnd>) {
    let commit = signed.commit();
    let actor = actor_of(&commit.author, &commit.session);
    let mut keys = Vec::new();
    for change in &commit.changes {
        let scanned = scan(&change.chunk).unwrap_or_else(|error| panic!("{}: {error}", change.document));
        let end = ends.entry((commit.scope.clone(), change.document)).or_default();
        let seq = end.seqs.get(&actor).copied().unwrap_or(0) + 1;
        let expected = Expected { actor: &actor, seq, start_op: end.last_op + 1, deps: &end.heads };
        scanned.check(&expected).unwrap();
        end.seqs.insert(actor, seq);
        end.last_op += scanned.op_count;
        end.heads = vec![scanned.hash];
        keys.extend(scanned.puts.iter().filter_map(|put| EventKey::from_map_key(put.key)));
    }
    let derive = |index| EventKey::derive(&commit.author, &commit.session, &commit.scope, commit.seq, index);
    let mut expected: Vec<EventKey> = (0..keys.len() as u16).map(derive).collect();
    keys.sort_unstable();
    expected.sort_unstable();
    assert_eq!(keys, expected, "{} {}: the keys of its events", commit.scope, commit.seq);
}
