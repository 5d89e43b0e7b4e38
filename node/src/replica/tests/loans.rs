//! Tests of loans between the tills of a site, and of the keeper's duties.
#![allow(clippy::unwrap_used)]

use crdt_model::case::{CaseKind, CaseRow};
use crdt_model::commit::{Commit, SignedCommit};
use crdt_model::control::event::SiteKind;
use crdt_model::document::{FieldValue, Put};
use crdt_model::event::Event;
use crdt_model::id::{AuthorId, LoanId};
use crdt_model::journal::loan::LoanReturned;
use crdt_model::order::draw::{Draw, Drawn};
use crdt_model::order::event::{Entry, Handover, Line, Placed};
use crdt_model::scope_state::open_loans;
use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::super::batch::Batch;
use super::super::*;
use super::network::*;
use super::world::*;
use crate::store::Table;
use crate::store::sim_disk::Rng;

/// The keeper and another till of SH01, each with a store of its own.
struct Tills {
    keeper: Shop,
    till: Shop,
}

fn till_key() -> SigningKey {
    SigningKey::from_bytes(&[11; 32])
}

fn till() -> AuthorId {
    AuthorId(till_key().verifying_key().to_bytes())
}

fn lend(sku: &str, units: i64, holder: AuthorId) -> Command {
    Command::LendStock { sku: text(sku), quantity: units.to_string().parse().unwrap(), holder }
}

fn loan_of(outcome: Outcome) -> LoanId {
    match outcome {
        Outcome::Loan { loan, .. } => loan,
        other => panic!("{other:?}"),
    }
}

impl Tills {
    fn with(units: i64) -> Self {
        let mut keeper = Shop::with(&["lamp"]);
        keeper.receive("lamp", units);
        let till = Shop::joined(&mut keeper, till_key(), "B");
        Self { keeper, till }
    }

    fn lend(&mut self, units: i64) -> LoanId {
        loan_of(self.keeper.done(lend("lamp", units, till())))
    }

    /// Both get what the other has.
    fn meet(&mut self) {
        self.till.receive_from(&self.keeper);
        self.keeper.receive_from(&self.till);
        self.till.receive_from(&self.keeper);
        assert_eq!(self.keeper.dump(Table::Rows), self.till.dump(Table::Rows), "the same rows");
    }

    fn balance(&self) -> i128 {
        let snapshot = self.till.store.write(|tx| {
            let item = DocumentId::of_sku("lamp");
            let loans = open_loans(&Batch::new(tx), &scope(), &item, &till())?;
            Ok::<_, ReplicaError>(loans.iter().map(|(_, balance)| balance / 1_000).sum())
        });
        snapshot.unwrap()
    }

    fn refill(&mut self) -> (u64, u64) {
        match self.keeper.done(Command::Refill) {
            Outcome::Refilled(counts) => (counts.booked, counts.loans),
            other => panic!("{other:?}"),
        }
    }
}

fn promised(shop: &Shop, id: DocumentId) -> (i128, i128) {
    let line = shop.state(id).lines[0].clone();
    (line.secured() / 1_000, line.unsecured() / 1_000)
}

#[test]
fn two_tills_promise_what_they_hold_and_no_more() {
    let mut tills = Tills::with(10);
    tills.lend(5);
    tills.meet();
    let here = tills.keeper.order(place("lamp", "6"));
    let there = tills.till.order(place("lamp", "6"));
    assert_eq!((promised(&tills.keeper, here), promised(&tills.till, there)), ((5, 1), (5, 1)));
    tills.meet();
    assert_eq!((promised(&tills.till, here), promised(&tills.keeper, there)), ((5, 1), (5, 1)));
    let sums = tills.keeper.stock("lamp");
    assert_eq!((sums.secured, sums.unsecured, sums.free_rights(1), sums.allotted()), (10_000, 2_000, 0, 0));
    assert_eq!(tills.keeper.cases(), []);
    check_own_log(&tills.keeper);
}

#[test]
fn a_till_without_a_loan_promises_without_rights() {
    let mut tills = Tills::with(10);
    let id = tills.till.order(place("lamp", "4"));
    assert_eq!(promised(&tills.till, id), (0, 4));
    tills.till.order(walk_in("lamp", "1"));
}

#[test]
fn only_the_keeper_lends_and_at_most_its_free_rights() {
    let mut tills = Tills::with(10);
    let keeper = AuthorId(keeper().verifying_key().to_bytes());
    let not_keeper = LoanError::NotKeeper { site: site() };
    assert_eq!(tills.till.run(lend("lamp", 1, keeper)), Err(not_keeper.into()));
    for holder in [keeper, AuthorId([9; 32])] {
        let not_of_site = LoanError::NotOfSite { holder, site: site() };
        assert_eq!(tills.keeper.run(lend("lamp", 1, holder)), Err(not_of_site.into()));
    }
    assert!(matches!(
        tills.keeper.run(lend("lamp", 11, till())),
        Err(CommandError::Loan(LoanError::NotEnoughRights { .. }))
    ));
    assert!(matches!(tills.keeper.run(lend("lamp", 0, till())), Err(CommandError::Rule(_))));
    assert!(matches!(tills.keeper.run(lend("cup", 1, till())), Err(CommandError::UnknownSku { .. })));
    tills.lend(10);
    assert_eq!(tills.keeper.stock("lamp").free_rights(1), 0);
}

#[test]
fn only_the_holder_gives_back_and_at_most_the_balance() {
    let mut tills = Tills::with(10);
    let loan = tills.lend(5);
    tills.meet();
    tills.till.order(place("lamp", "2"));
    let give = |units: Option<&str>| Command::ReturnLoan { loan, quantity: units.map(|units| units.parse().unwrap()) };
    let held = LoanError::NotHolder { loan, holder: till() };
    assert_eq!(tills.keeper.run(give(None)), Err(held.into()));
    let balance = "3".parse().unwrap();
    let too_much = LoanError::MoreThanBalance { loan, balance };
    assert_eq!(tills.till.run(give(Some("3.001"))), Err(too_much.into()));
    tills.till.done(give(Some("1")));
    tills.till.done(give(None));
    assert!(tills.till.run(give(None)).is_err(), "nothing is left");
    let unknown = LoanId([1; 16]);
    let none = Command::ReturnLoan { loan: unknown, quantity: None };
    assert_eq!(tills.till.run(none), Err(LoanError::UnknownLoan { loan: unknown }.into()));
    tills.meet();
    assert_eq!(tills.keeper.stock("lamp").free_rights(1), 8_000);
}

#[test]
fn a_sale_over_the_counter_draws_on_the_loan_and_the_rest_is_booked_by_the_keeper() {
    let mut tills = Tills::with(10);
    tills.lend(5);
    tills.meet();
    tills.till.order(walk_in("lamp", "7"));
    assert_eq!(tills.balance(), 0, "what is sold cannot be promised");
    tills.meet();
    assert_eq!(tills.keeper.stock("lamp").free_rights(1), 5_000, "not booked yet");
    assert_eq!(tills.refill(), (1, 1), "booked, and lent again what is left");
    let sums = tills.keeper.stock("lamp");
    assert_eq!(sums.allotted(), 3_000);
    assert_eq!((sums.on_hand, sums.spent, sums.burned(), sums.free_rights(1)), (3_000, 5_000, 2_000, 0));
}

#[test]
fn the_keeper_books_each_fact_of_another_till_once() {
    let mut tills = Tills::with(10);
    tills.till.receive("lamp", 4);
    tills.till.done(stock(StockKind::Adjustment, "lamp", -1));
    let id = tills.till.order(place("lamp", "3"));
    tills.till.done(ship(id, None));
    tills.meet();
    assert_eq!(tills.refill(), (3, 0));
    assert_eq!(tills.refill(), (0, 0));
    let sums = tills.keeper.stock("lamp");
    assert_eq!((sums.on_hand, sums.minted(), sums.burned()), (10_000, 14_000, 4_000));
    assert_eq!(sums.free_rights(1), 10_000);
    tills.meet();
    assert_eq!(tills.till.done(Command::Refill), Outcome::Refilled(RefillCounts::default()));
    assert_eq!(tills.keeper.cases(), []);
    check_own_log(&tills.till);
}

#[test]
fn a_till_that_runs_low_is_lent_to_again() {
    let mut tills = Tills::with(20);
    tills.lend(10);
    tills.meet();
    tills.till.order(place("lamp", "5"));
    tills.meet();
    assert_eq!(tills.refill(), (0, 0), "half is left");
    tills.till.order(place("lamp", "1"));
    tills.meet();
    assert_eq!(tills.refill(), (0, 1));
    assert_eq!(tills.refill(), (0, 0));
    tills.meet();
    assert_eq!((tills.balance(), tills.keeper.stock("lamp").free_rights(1)), (10, 4_000));
}

#[test]
fn more_bookings_than_a_journal_holds_go_into_several() {
    let mut tills = Tills::with(1);
    for _ in 0..130 {
        tills.till.receive("lamp", 1);
    }
    tills.meet();
    assert_eq!(tills.refill(), (130, 0));
    assert_eq!(tills.keeper.stock("lamp").free_rights(1), 131_000);
    check_own_log(&tills.keeper);
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Receive(i64),
    Lend(i64),
    Order { at_till: usize, units: i64 },
    Ship { order: usize },
    Cancel { order: usize },
    Refill,
    Meet,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let one = prop_oneof![
        1 => (1..9i64).prop_map(Deed::Receive),
        1 => (1..7i64).prop_map(Deed::Lend),
        3 => (0..2usize, 1..7i64).prop_map(|(at_till, units)| Deed::Order { at_till, units }),
        1 => (0..5usize).prop_map(|order| Deed::Ship { order }),
        1 => (0..5usize).prop_map(|order| Deed::Cancel { order }),
        1 => Just(Deed::Refill),
        1 => Just(Deed::Meet),
    ];
    prop::collection::vec(one, 3..14)
}

impl Tills {
    fn act(&mut self, orders: &mut Vec<(usize, DocumentId)>, deed: Deed) {
        match deed {
            Deed::Receive(units) => self.keeper.receive("lamp", units),
            Deed::Lend(units) => drop(self.keeper.run(lend("lamp", units, till()))),
            Deed::Order { at_till, units } => {
                let id = self.node(at_till).order(place("lamp", &units.to_string()));
                orders.push((at_till, id));
            }
            Deed::Ship { order } => {
                if let Some((at_till, id)) = orders.get(order).copied() {
                    drop(self.node(at_till).run(ship(id, Some(of_line(1, "1")))));
                }
            }
            Deed::Cancel { order } => {
                if let Some((at_till, id)) = orders.get(order).copied() {
                    drop(self.node(at_till).run(cancel(id, Some(of_line(1, "1")))));
                }
            }
            Deed::Refill => drop(self.refill()),
            Deed::Meet => self.meet(),
        }
    }

    fn node(&mut self, at_till: usize) -> &mut Shop {
        if at_till == 0 { &mut self.keeper } else { &mut self.till }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn secured_promises_never_pass_the_rights_at_any_till(deeds in deeds()) {
        let (mut tills, mut orders) = (Tills::with(6), Vec::new());
        for deed in deeds {
            tills.act(&mut orders, deed);
        }
        tills.meet();
        let sums = tills.keeper.stock("lamp");
        prop_assert!(sums.secured + sums.spent <= sums.minted(), "{:?}", sums);
        prop_assert!(sums.allotted() >= 0, "{:?}", sums);
        prop_assert!(tills.keeper.cases().iter().all(|case| case.kind != CaseKind::LoanOverdrawn));
    }
}

/// The whole of it between real nodes: what is promised apart is the same everywhere when all have met.
#[test]
fn promises_of_two_tills_are_the_same_at_head_office() {
    use super::network::{HQ, KEEPER, Network, TILL, author_of, key_of};
    let mut network = Network::new(&["lamp"]);
    network.done(KEEPER, stock(StockKind::Receipt, "lamp", 10));
    network.settle();
    network.done(KEEPER, lend("lamp", 5, author_of(&key_of(TILL))));
    network.deliver(KEEPER, TILL);
    let orders = [KEEPER, TILL].map(|node| network.order(node, place("lamp", "6")));
    network.settle();
    network.check_equal();
    for node in [HQ, KEEPER, TILL] {
        assert_eq!(network.nodes[node].set_aside(), Vec::<String>::new());
        for id in orders {
            let read = network.nodes[node].store.write(|tx| {
                Ok::<_, ReplicaError>(crdt_model::scope_state::read_document(&Batch::new(tx), &scope(), &id)?)
            });
            let Some(DocumentRow::Order(order)) = read.unwrap() else { panic!("no order") };
            assert_eq!((order.lines[0].secured(), order.lines[0].unsecured()), (5_000, 1_000), "node {node}");
        }
    }
}

/// The network with a third till of SH01, whose keys a test has.
fn with_a_third_till() -> (Network, usize) {
    const THIRD: usize = 9;
    let mut network = Network::new(&["lamp"]);
    network.done(HQ, Command::Admit(admission(THIRD, "SH01", SiteKind::Store)));
    network.settle();
    network.done(KEEPER, stock(StockKind::Receipt, "lamp", 10));
    network.settle();
    (network, THIRD)
}

/// The last commit that a node wrote in SH01.
fn last_of(network: &Network, node: usize) -> SignedCommit {
    let own = author_of(&key_of(node));
    let mut commits = network.nodes[node].commits().into_iter();
    commits.rfind(|held| held.commit().author == own && held.commit().scope == scope()).unwrap()
}

fn lent_to(network: &mut Network, holder: usize) -> (LoanId, SignedCommit) {
    let loan = loan_of(network.done(KEEPER, lend("lamp", 3, author_of(&key_of(holder)))));
    (loan, last_of(network, KEEPER))
}

/// An order of one lamp that draws on a loan.
fn drawing(forge: &Forge<'_>, loan: LoanId) -> SignedCommit {
    let (time, quantity) = (moment(9), "1".parse().unwrap());
    let placed = forge.event_key(0);
    let line = Line { placed, number: 1, sku: text("lamp"), name: None, quantity, price: "1".parse().unwrap() };
    let header = Placed {
        time,
        external: None,
        label: None,
        entry: Entry::New,
        handover: Handover::Later,
        currency: gbp(),
        customer: None,
        region: None,
        request: None,
        line_count: 1,
        parts: None,
    };
    let drawn = Drawn { time, draws: vec![Draw { line: 1, loan, quantity }] };
    let events = [Event::Placed(header), Event::Line(line), Event::Drawn(drawn)];
    let puts = (0u16..).zip(&events).map(|(index, event)| Put::event(forge.event_key(index), event)).collect();
    forge.sign(forge.creating(DocumentId([0x44; 16]), puts))
}

fn returning(forge: &Forge<'_>, journal: u8, loan: LoanId) -> Commit {
    let returned = LoanReturned { time: moment(9), loan, sku: text("lamp"), quantity: "1".parse().unwrap() };
    forge.creating(DocumentId([journal; 16]), vec![Put::event(forge.event_key(0), &Event::LoanReturned(returned))])
}

#[test]
fn a_draw_on_the_loan_of_another_is_set_aside_in_every_order_of_delivery() {
    let (mut network, third) = with_a_third_till();
    let before = network.nodes[HQ].commits();
    let before: Vec<_> = before.into_iter().filter(|held| held.commit().scope == scope()).collect();
    let forge = |network: &Network, make: &dyn Fn(&Forge<'_>) -> SignedCommit| {
        make(&Forge { key: key_of(third), ..Forge::new(network, TILL, scope()) })
    };

    let (loan, lent) = lent_to(&mut network, TILL);
    network.deliver(KEEPER, HQ);
    network.deliver(KEEPER, TILL);
    network.order(TILL, place("lamp", "2"));
    let honest = last_of(&network, TILL);
    let stolen = forge(&network, &|forge| drawing(forge, loan));
    network.receive(HQ, vec![stolen.clone()]);
    let (own_loan, own_lent) = lent_to(&mut network, third);
    network.deliver(KEEPER, HQ);
    let unseen = forge(&network, &|forge| forge.sign(Commit { deps: Vec::new(), ..returning(forge, 0x61, own_loan) }));
    network.receive(HQ, vec![unseen.clone()]);
    let seen = forge(&network, &|forge| forge.sign(returning(forge, 0x62, own_loan)));

    let commits = [&lent, &honest, &stolen, &own_lent, &unseen, &seen];
    let mut first = None;
    for seed in 0..30 {
        let mut rng = Rng::new(seed);
        let mut shuffled: Vec<SignedCommit> = commits.map(Clone::clone).to_vec();
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, (rng.next() % (at as u64 + 1)) as usize);
        }
        let reader = network.reader();
        network.receive(reader, before.clone());
        for commit in shuffled {
            assert_eq!(network.receive(reader, vec![commit]).refused, None, "seed {seed}");
        }
        let node = &network.nodes[reader];
        assert_eq!(node.set_aside(), ["not_holder", "not_holder"], "seed {seed}");
        let states = commits.map(|commit| node.state(commit) == CommitState::SetAside as u8);
        assert_eq!(states, [false, false, true, false, true, false], "seed {seed}");
        let first = *first.get_or_insert(reader);
        network.check_alike(first, reader, &scope(), &format!("seed {seed}"));
    }
    network.settle();
    network.check_alike(HQ, first.unwrap(), &scope(), "head office");
}

#[test]
fn a_draw_is_not_judged_while_its_loan_may_be_in_a_parked_document() {
    let (mut network, third) = with_a_third_till();
    let forge = Forge { key: key_of(third), ..Forge::new(&network, TILL, scope()) };
    let newer = Put { key: forge.event_key(0).map_key(), value: FieldValue::Bytes(vec![0x05, 0xff, 1, 7]) };
    let parked = forge.sign(forge.creating(DocumentId([0x66; 16]), vec![newer]));
    assert_eq!(network.receive(HQ, vec![parked]).parked, 1);
    let forge = Forge { key: key_of(third), ..Forge::new(&network, TILL, scope()) };
    let unknown = forge.sign(returning(&forge, 0x67, LoanId([5; 16])));
    assert_eq!(network.receive(HQ, vec![unknown]).set_aside, 0);
    let cases = crdt_model::rows::row_key(&scope(), crdt_model::rows::RowKind::Case, &[]);
    let cases = list(&network.nodes[HQ].store.read().unwrap(), Table::Rows, cases.as_bytes());
    let kinds: Vec<CaseKind> = cases.iter().map(|(_, row)| CaseRow::decode(row).unwrap().kind).collect();
    assert_eq!(kinds, [CaseKind::LoanOverdrawn], "what it takes too much is a case");
}
