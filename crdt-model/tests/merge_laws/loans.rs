//! Loans between the tills of a site: what each may promise apart, and what the scope says when they meet.

use std::collections::BTreeMap;

use crdt_model::case::CaseKind;
use crdt_model::document_row::DocumentRow;
use crdt_model::event::{DocumentKind, Event};
use crdt_model::id::{DocumentId, EventId, LoanId};
use crdt_model::journal::event::Booking;
use crdt_model::journal::loan::{Loan, LoanOrigin, LoanReturned};
use crdt_model::order::decide;
use crdt_model::order::event::{Handover, LineSelection, RightsBooking};
use crdt_model::order::line::LineState;
use crdt_model::order::promise::{Means, promise};
use crdt_model::order::state::OrderState;
use crdt_model::rows::MemoryRows;
use crdt_model::scope_state::{open_loans, read_document, read_loan, unbooked};
use proptest::prelude::*;

use crate::deeds::*;
use crate::plan::{cases, plans};
use crate::scope_rows::{open_cases, open_kinds, rows_of_arrivals, stock_of};
use crate::world::{Change, Dice, World, site};

const KEEPER: usize = 0;

/// What a correct node of the site does; numbers name orders and loans in the order in which they were made.
#[derive(Debug, Clone, Copy)]
enum Move {
    Receive { units: i64 },
    Lend { till: usize, units: i64 },
    Return { loan: usize },
    Order { till: usize, units: i64 },
    Ship { order: usize, units: i64 },
    Cancel { order: usize, units: i64 },
    Sync { from: usize, to: usize },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let (till, which, count) = (0..3usize, 0..5usize, 1..7i64);
    let one = prop_oneof![
        2 => (1..12i64).prop_map(|units| Move::Receive { units }),
        3 => (1..3usize, count.clone()).prop_map(|(till, units)| Move::Lend { till, units }),
        1 => which.clone().prop_map(|loan| Move::Return { loan }),
        4 => (till.clone(), count.clone()).prop_map(|(till, units)| Move::Order { till, units }),
        2 => (which.clone(), count.clone()).prop_map(|(order, units)| Move::Ship { order, units }),
        2 => (which, count).prop_map(|(order, units)| Move::Cancel { order, units }),
        3 => (till.clone(), till).prop_map(|(from, to)| Move::Sync { from, to }),
    ];
    prop::collection::vec(one, 4..24)
}

/// Three tills of one shop; the first is the keeper. Each ships and cancels the orders that it took.
struct Tills {
    world: World,
    dice: Dice,
    orders: Vec<(usize, DocumentId)>,
    loans: Vec<(usize, LoanId)>,
}

impl Tills {
    fn new(seed: u64) -> Self {
        Self { world: World::new(3), dice: Dice(seed), orders: Vec::new(), loans: Vec::new() }
    }

    fn rows(&self, till: usize) -> &MemoryRows {
        &self.world.replicas[till].rows
    }

    fn write(&mut self, till: usize, document: DocumentId, events: Vec<Event>) -> Vec<EventId> {
        let written = self
            .world
            .write(till, &site(), document, |keys| events.into_iter().map(|event| (keys.next(), event)).collect());
        self.world.replicas[till].settle(&site(), document);
        written
    }

    fn journal(till: usize) -> DocumentId {
        DocumentId([0x40 + till as u8; 16])
    }

    fn act(&mut self, step: Move) {
        match step {
            Move::Receive { units } => {
                let fact = self.write(KEEPER, Self::journal(KEEPER), vec![Event::Receipt(fact("A", units))]);
                self.write(KEEPER, Self::journal(KEEPER), vec![Event::Mint(booking(fact[0], "A", units))]);
            }
            Move::Lend { till, units } => {
                self.lend(till, units);
                self.act(Move::Sync { from: KEEPER, to: till });
            }
            Move::Return { loan } => self.give_back(loan),
            Move::Order { till, units } => self.order(till, units),
            Move::Ship { order, units } => self.work(order, units, |state, wish| {
                decide::ship(state, Some(wish), time(), 1, RightsBooking::Later).ok().map(Event::Shipped)
            }),
            Move::Cancel { order, units } => self.work(order, units, |state, wish| {
                decide::cancel(state, Some(wish), time(), None).ok().map(Event::Cancelled)
            }),
            Move::Sync { from, to } => {
                self.world.sync(from, to, &mut self.dice);
                self.settle(to);
            }
        }
    }

    fn settle(&mut self, till: usize) {
        let documents: Vec<_> = self.world.replicas[till].contents().into_keys().collect();
        for (scope, document) in documents {
            self.world.replicas[till].settle(&scope, document);
        }
    }

    fn lend(&mut self, till: usize, count: i64) {
        if stock_of(self.rows(KEEPER), "A").free_rights(1) < i128::from(count * UNIT) {
            return;
        }
        let (name, holder) = (LoanId([self.loans.len() as u8 + 1; 16]), self.world.replicas[till].author);
        self.loans.push((till, name));
        let origin = LoanOrigin::ByHand;
        let loan = Loan { time: time(), epoch: 1, loan: name, holder, sku: text("A"), quantity: units(count), origin };
        self.write(KEEPER, Self::journal(KEEPER), vec![Event::Loan(loan)]);
    }

    fn give_back(&mut self, loan: usize) {
        let Some((till, name)) = self.loans.get(loan).copied() else { return };
        let row = read_loan(self.rows(till), &site(), &name, &DocumentId::of_sku("A")).unwrap().unwrap_or_default();
        if row.balance() > 0 {
            let quantity = units(row.balance() as i64 / UNIT);
            let returned = LoanReturned { time: time(), loan: name, sku: text("A"), quantity };
            self.write(till, Self::journal(till), vec![Event::LoanReturned(returned)]);
        }
    }

    /// What a till may promise of the one item.
    fn means(&self, till: usize) -> Means {
        let (item, author) = (DocumentId::of_sku("A"), self.world.replicas[till].author);
        let loans = open_loans(self.rows(till), &site(), &item, &author).unwrap();
        let own = if till == KEEPER { stock_of(self.rows(till), "A").free_rights(1) } else { 0 };
        Means { own, loans }
    }

    fn order(&mut self, till: usize, count: i64) {
        let id = DocumentId([0x80 + self.orders.len() as u8; 16]);
        self.orders.push((till, id));
        let line = LineState::new(text("A"), None, units(count), "2.50".parse().unwrap());
        let means = self.means(till);
        let promises = promise(&[line], time(), 1, |_, _| means.clone());
        self.world.write(till, &site(), id, |keys| {
            let mut events = placing(keys, &header(), Event::Placed, &[("A", count, "2.50")]);
            events.extend(promises.into_iter().map(|event| (keys.next(), event)));
            events
        });
        self.world.replicas[till].settle(&site(), id);
        let left = means.total() - i128::from(count * UNIT).min(means.total());
        assert_eq!(self.means(till).total(), left, "a promise takes what its author holds");
    }

    fn work(
        &mut self,
        order: usize,
        count: i64,
        decide: impl Fn(&OrderState, &[crdt_model::order::event::LineQuantity]) -> Option<Event>,
    ) {
        let Some((till, id)) = self.orders.get(order).copied() else { return };
        let Some(DocumentRow::Order(state)) = read_document(self.rows(till), &site(), &id).unwrap() else { return };
        let open = (state.lines[0].open() as i64 / UNIT).min(count);
        let wish = [crdt_model::order::event::LineQuantity { line: 1, quantity: units(open) }];
        if let Some(event) = decide(&state, &wish) {
            self.write(till, id, vec![event]);
        }
    }

    /// Whoever holds everything sees no unit promised twice.
    fn check(&mut self) {
        let everybody = self.world.newcomer(&mut self.dice).rebuilt();
        let sums = stock_of(&everybody, "A");
        assert!(sums.secured + sums.spent <= sums.minted(), "{sums:?}");
        assert!(sums.free_rights(1) >= 0 && sums.allotted() >= 0, "{sums:?}");
        assert!(!open_kinds(&everybody, &site()).contains(&CaseKind::LoanOverdrawn));
        for (_, name) in &self.loans {
            let row = read_loan(&everybody, &site(), name, &DocumentId::of_sku("A")).unwrap().unwrap();
            assert!(row.returned + row.secured + row.spent <= row.quantity(), "{row:?}");
        }
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn loans_never_promise_more_than_was_minted(seed: u64, moves in moves()) {
        let mut tills = Tills::new(seed);
        for step in moves {
            tills.act(step);
            tills.check();
        }
        tills.world.meet(&mut tills.dice);
        for till in 0..3 {
            tills.settle(till);
            prop_assert_eq!(tills.rows(till), tills.rows(KEEPER));
        }
    }

    #[test]
    fn loans_settle_alike_in_every_order(plan in plans(&[DocumentKind::Order, DocumentKind::Journal], 4..14)) {
        let (world, mut dice) = plan.run();
        let lent = counted_loans(&world.log);
        for rows in rows_of_arrivals(&world.log, &mut dice) {
            for ((name, sku), (quantity, returned)) in &lent {
                let item = DocumentId::of_sku(sku);
                let row = read_loan(&rows, &site(), name, &item).unwrap().unwrap();
                prop_assert_eq!((row.quantity(), row.returned), (*quantity, *returned));
                let overdrawn = open_cases(&rows, &site()).iter()
                    .any(|case| case.kind == CaseKind::LoanOverdrawn && case.subject == item && case.key == name.tail());
                prop_assert_eq!(overdrawn, row.balance() < 0);
            }
        }
    }
}

type Lent = BTreeMap<(LoanId, String), (i128, i128)>;

/// Quantity and returns of each loan and item, counted from the events alone.
fn counted_loans(log: &[Change]) -> Lent {
    let mut given: BTreeMap<(LoanId, String), BTreeMap<EventId, i128>> = BTreeMap::new();
    let mut lent = Lent::new();
    for change in log {
        for (key, event) in &change.events {
            match event {
                Event::Loan(loan) => {
                    let at = (loan.loan, loan.sku.as_str().to_owned());
                    lent.entry(at.clone()).or_default();
                    let quantity = i128::from(loan.quantity.thousandths());
                    given.entry(at).or_default().insert(change.document.event(*key), quantity);
                }
                Event::LoanReturned(returned) => {
                    let at = (returned.loan, returned.sku.as_str().to_owned());
                    lent.entry(at).or_default().1 += i128::from(returned.quantity.thousandths());
                }
                _other => {}
            }
        }
    }
    for (at, loans) in given {
        lent.entry(at).or_default().0 = loans.into_values().next().unwrap_or_default();
    }
    lent
}

/// Ten of which five are lent; the keeper and the till promise six each, apart.
#[test]
fn two_tills_promise_five_each_of_ten_with_rights() {
    for seed in 0..20 {
        let mut tills = Tills::new(seed);
        for step in [
            Move::Receive { units: 10 },
            Move::Lend { till: 1, units: 5 },
            Move::Sync { from: 0, to: 1 },
            Move::Order { till: 0, units: 6 },
            Move::Order { till: 1, units: 6 },
        ] {
            tills.act(step);
        }
        tills.world.meet(&mut tills.dice);
        for till in 0..3 {
            tills.settle(till);
            for (_, id) in tills.orders.clone() {
                let Some(DocumentRow::Order(order)) = read_document(tills.rows(till), &site(), &id).unwrap() else {
                    panic!("no order {id}");
                };
                let line = &order.lines[0];
                assert_eq!((line.secured(), line.unsecured()), (5_000, 1_000), "seed {seed}");
            }
            assert_eq!(tills.rows(till), tills.rows(KEEPER));
        }
        let sums = stock_of(tills.rows(KEEPER), "A");
        assert_eq!((sums.secured, sums.free_rights(1), sums.allotted()), (10_000, 0, 0));
    }
}

#[test]
fn what_left_out_of_a_loan_is_not_promised_again() {
    let mut tills = Tills::new(2);
    for step in [
        Move::Receive { units: 10 },
        Move::Lend { till: 1, units: 5 },
        Move::Order { till: 1, units: 4 },
        Move::Ship { order: 0, units: 3 },
        Move::Order { till: 1, units: 4 },
    ] {
        tills.act(step);
        tills.check();
    }
    let sums = stock_of(tills.rows(1), "A");
    assert_eq!((sums.secured, sums.unsecured, sums.spent, sums.allotted()), (2_000, 3_000, 3_000, 0));
}

#[test]
fn a_promise_past_its_loan_stands_and_is_a_case() {
    let mut tills = Tills::new(1);
    tills.act(Move::Receive { units: 10 });
    tills.act(Move::Lend { till: 1, units: 3 });
    tills.world.write(1, &site(), DocumentId([0x80; 16]), |keys| {
        let mut events = placing(keys, &header(), Event::Placed, &[("A", 5, "2.50")]);
        events.push((keys.next(), draw(&[(1, 1, 5)])));
        events
    });
    tills.world.meet(&mut tills.dice);
    tills.settle(2);
    assert_eq!(stock_of(tills.rows(2), "A").secured, 5_000);
    let cases = open_cases(tills.rows(2), &site());
    assert_eq!(
        cases.iter().map(|case| (case.kind, case.amount)).collect::<Vec<_>>(),
        [(CaseKind::LoanOverdrawn, 2_000)]
    );
}

/// One order of five that leaves at a till whose promise covers two of them.
fn uncovered_order(booking: RightsBooking) -> (World, EventId) {
    let mut world = World::new(2);
    let order = DocumentId([0x80; 16]);
    let written = world.write(0, &site(), order, |keys| {
        let mut events = placing(keys, &header(), Event::Placed, &[("A", 5, "2.50")]);
        events.push((keys.next(), Event::Reserved(crate::deeds::promise(&[(1, 2, 3)]))));
        events.push((keys.next(), ship(LineSelection::All, Handover::Later, booking)));
        events
    });
    (world, *written.last().unwrap())
}

fn burn(world: &mut World, cited: EventId, epoch: u32, count: i64) {
    let burn = Event::Burn(Booking { epoch, ..booking(cited, "A", count) });
    world.write(1, &site(), DocumentId([0x41; 16]), |keys| vec![(keys.next(), burn)]);
}

#[test]
fn a_burn_of_a_shipment_that_books_itself_takes_nothing() {
    let (mut world, shipped) = uncovered_order(RightsBooking::Here);
    burn(&mut world, shipped, 1, 3);
    for rows in rows_of_arrivals(&world.log, &mut Dice(3)) {
        let sums = stock_of(&rows, "A");
        assert_eq!((sums.burned(), sums.spent), (3_000, 2_000), "burned once, where it left");
        assert!(open_kinds(&rows, &site()).contains(&CaseKind::BookingIgnored));
    }
}

#[test]
fn burns_of_a_shipment_take_what_left_uncovered_and_no_more() {
    let (mut world, shipped) = uncovered_order(RightsBooking::Later);
    let left = |world: &World| {
        let rows = rows_of_arrivals(&world.log, &mut Dice(5)).remove(0);
        let left: i128 = unbooked(&rows, &site(), 9).unwrap().iter().map(|unbooked| unbooked.rights).sum();
        (stock_of(&rows, "A").burned(), left, open_kinds(&rows, &site()).contains(&CaseKind::BookingIgnored))
    };
    assert_eq!(left(&world), (0, -3_000, false));
    burn(&mut world, shipped, 1, 2);
    assert_eq!(left(&world), (2_000, -1_000, false));
    burn(&mut world, shipped, 1, 1);
    assert_eq!(left(&world), (3_000, 0, false));
    burn(&mut world, shipped, 1, 4);
    assert_eq!(left(&world), (3_000, 0, true));
}

#[test]
fn a_fact_of_a_closed_epoch_makes_no_rights_of_the_new_one() {
    let mut world = World::new(2);
    let journal = DocumentId([0x40; 16]);
    let fact = world.write(0, &site(), journal, |keys| vec![(keys.next(), Event::Receipt(fact("A", 5)))])[0];
    let mint = |epoch| Event::Mint(Booking { epoch, ..booking(fact, "A", 5) });
    world.write(1, &site(), DocumentId([0x41; 16]), |keys| vec![(keys.next(), mint(2))]);
    let sums = |world: &World| stock_of(&rows_of_arrivals(&world.log, &mut Dice(7)).remove(0), "A");
    assert_eq!(sums(&world).minted(), 0);
    world.write(1, &site(), DocumentId([0x41; 16]), |keys| vec![(keys.next(), mint(1))]);
    assert_eq!((sums(&world).free_rights(1), sums(&world).free_rights(2)), (5_000, 0));
}
