//! An order of one site whose goods another site ships: what each did apart, and what all holders say when they meet.

use std::ops::ControlFlow;

use crdt_model::case::{CaseKind, CaseRow};
use crdt_model::document_row::DocumentRow;
use crdt_model::event::{DocumentKind, Event};
use crdt_model::fulfilment::decide::{self, Cover};
use crdt_model::fulfilment::fold::fold_fulfilment;
use crdt_model::fulfilment::state::{FulfilmentState, FulfilmentStatus};
use crdt_model::fulfilment::whole::whole_order;
use crdt_model::id::DocumentId;
use crdt_model::order::event::{Handover, LineSelection, RightsBooking};
use crdt_model::order::state::{OrderState, OrderStatus};
use crdt_model::rows::{MemoryRows, RowKey, Rows, ViewTable};
use crdt_model::sales::SalesSums;
use crdt_model::scope::Scope;
use crdt_model::scope_state::{fulfilments_of, read_document, read_over_lanes, read_stock};
use crdt_model::stock::StockSums;
use proptest::prelude::*;

use crate::deeds::*;
use crate::plan::{FULFILMENTS, ORDERS, cases, plans};
use crate::scope_rows::{bank_of, digest, open_kinds, rows_of_arrivals};
use crate::world::{Dice, World, lane, site};

const ORDER: DocumentId = ORDERS[0];
const SENT: DocumentId = FULFILMENTS[0];
const TAKER: usize = 0;
const SHIPPER: usize = 1;

fn depot() -> Scope {
    Scope::Site(code("WH01"))
}

/// SH01 has taken an order of ten at 2.50, paid in full, and sent six of them to WH01; everybody knows.
fn sent() -> World {
    let mut world = World::new(3);
    world.write(TAKER, &site(), ORDER, |keys| {
        let mut events = placing(keys, &header(), Event::Placed, &[("A", 10, "2.50")]);
        events.extend([(keys.next(), pay(2_500)), (keys.next(), send(SENT, &[(1, 6)]))]);
        events
    });
    world.write(TAKER, &lane(), SENT, |keys| posting(keys, ORDER, &[(1, "A", 6)]));
    world.meet(&mut Dice(1));
    world
}

fn write(world: &mut World, replica: usize, scope: &Scope, document: DocumentId, event: Event) {
    world.write(replica, scope, document, |keys| vec![(keys.next(), event)]);
}

fn order_in(rows: &MemoryRows) -> OrderState {
    match read_document(rows, &site(), &ORDER).unwrap() {
        Some(DocumentRow::Order(order)) => {
            whole_order(&order, &fulfilments_of(rows, (&site(), &ORDER), &order).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

fn fulfilment_in(rows: &MemoryRows) -> FulfilmentState {
    match read_document(rows, &lane(), &SENT).unwrap() {
        Some(DocumentRow::Fulfilment(fulfilment)) => *fulfilment,
        other => panic!("{other:?}"),
    }
}

fn stock_at(rows: &MemoryRows, scope: &Scope) -> StockSums {
    let item = DocumentId::of_sku("A");
    let mut sums = read_stock(rows, scope, &item).unwrap();
    sums.add(&read_over_lanes(rows, scope, &item).unwrap());
    sums
}

/// Cases of a scope that only several scopes together show.
pub fn across(rows: &MemoryRows, scope: &Scope) -> Vec<CaseKind> {
    let mut found = Vec::new();
    rows.scan(ViewTable::CasesAcross, RowKey::of(scope).as_bytes(), &mut |_, bytes| {
        found.push(CaseRow::decode(bytes).unwrap().kind);
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

fn net(rows: &MemoryRows) -> i128 {
    let key = RowKey::of(&site()).day(time().business_date).into_bytes();
    rows.get(ViewTable::SalesByDay, &key).unwrap().map_or(0, |bytes| SalesSums::decode(&bytes).unwrap().net)
}

/// The same rows whatever came first; one of them.
fn met(world: &mut World) -> MemoryRows {
    world.meet(&mut Dice(2));
    let everything = world.newcomer(&mut Dice(3)).rebuilt();
    for seed in 0..12 {
        for rows in rows_of_arrivals(&world.log, &mut Dice(seed)) {
            assert_eq!(digest(&rows), digest(&everything), "seed {seed}");
            assert_eq!(rows, everything, "seed {seed}");
        }
    }
    everything
}

#[test]
fn c01_a_cancel_at_the_taker_meets_a_shipment_at_the_shipper() {
    let mut world = sent();
    write(&mut world, TAKER, &site(), ORDER, cancel(LineSelection::All));
    write(&mut world, TAKER, &lane(), SENT, cancel_sent(&[(1, 6)]));
    write(&mut world, SHIPPER, &lane(), SENT, ship_sent("WH01", &[(1, 6)]));
    let rows = met(&mut world);
    assert_eq!(fulfilment_in(&rows).status(), FulfilmentStatus::CancelledAfterDispatch);
    assert_eq!(open_kinds(&rows, &lane()), [CaseKind::ShippedAfterCancel], "every holder of the lane has the case");
    let order = order_in(&rows);
    assert_eq!(order.status(), OrderStatus::CancelledAfterDispatch);
    assert_eq!((order.lines[0].shipped, order.lines[0].cancelled()), (6_000, 4_000));
    assert_eq!(net(&rows), 1_500, "what left is sold, what had not left is cancelled");
    assert_eq!((open_kinds(&rows, &site()), across(&rows, &site())), (vec![], vec![CaseKind::CreditDue]));
    assert_eq!(stock_at(&rows, &site()).on_hand, 0, "the taker's stock is not touched");
    assert_eq!(stock_at(&rows, &depot()).on_hand, -6_000);
}

#[test]
fn c01_a_cancel_of_what_is_sent_takes_effect_for_what_has_not_left() {
    let mut world = sent();
    write(&mut world, SHIPPER, &lane(), SENT, ship_sent("WH01", &[(1, 2)]));
    world.meet(&mut Dice(4));
    write(&mut world, TAKER, &site(), ORDER, cancel(some(&[(1, 8)])));
    write(&mut world, TAKER, &lane(), SENT, cancel_sent(&[(1, 4)]));
    let rows = met(&mut world);
    let (order, fulfilment) = (order_in(&rows), fulfilment_in(&rows));
    assert_eq!((order.status(), fulfilment.status()), (OrderStatus::Submitted, FulfilmentStatus::Shipped));
    assert_eq!((order.lines[0].cancelled(), order.lines[0].outstanding(), net(&rows)), (8_000, 0, 500));
    assert_eq!(open_kinds(&rows, &lane()), []);
}

#[test]
fn c09_both_sites_ship_the_same_units() {
    let mut world = sent();
    write(&mut world, SHIPPER, &lane(), SENT, ship_sent("WH01", &[(1, 6)]));
    let all = ship(LineSelection::All, Handover::Later, RightsBooking::Later);
    write(&mut world, 2, &site(), ORDER, all);
    let rows = met(&mut world);
    assert_eq!(order_in(&rows).lines[0].shipped, 16_000);
    assert_eq!(across(&rows, &site()), [CaseKind::OverShipped]);
    assert_eq!((stock_at(&rows, &site()).on_hand, stock_at(&rows, &depot()).on_hand), (-10_000, -6_000));
}

#[test]
fn a_shipper_without_goods_on_the_book_is_a_case_there() {
    let mut world = sent();
    write(&mut world, SHIPPER, &lane(), SENT, ship_sent("WH01", &[(1, 6)]));
    let rows = met(&mut world);
    assert_eq!((open_kinds(&rows, &depot()), across(&rows, &depot())), (vec![], vec![CaseKind::NegativeStock]));
    world.write(SHIPPER, &depot(), DocumentId([0x60; 16]), |keys| vec![(keys.next(), Event::Receipt(fact("A", 7)))]);
    let rows = met(&mut world);
    assert_eq!((stock_at(&rows, &depot()).on_hand, across(&rows, &depot())), (1_000, vec![]));
}

#[test]
fn a_fulfilment_ships_for_the_order_that_it_names_alone() {
    let mut world = sent();
    let other = ORDERS[2];
    world.write(TAKER, &site(), other, |keys| {
        let mut events = placing(keys, &header(), Event::Placed, &[("A", 9, "2.50")]);
        events.push((keys.next(), send(SENT, &[(1, 6)])));
        events
    });
    write(&mut world, SHIPPER, &lane(), SENT, ship_sent("WH01", &[(1, 6)]));
    let rows = met(&mut world);
    assert_eq!(order_in(&rows).lines[0].shipped, 6_000);
    let Some(DocumentRow::Order(order)) = read_document(&rows, &site(), &other).unwrap() else { panic!("no order") };
    assert_eq!(fulfilments_of(&rows, (&site(), &other), &order).unwrap(), [None], "goods are counted for one order");
}

#[test]
fn what_is_sent_frees_the_promise_of_the_taker() {
    let mut world = World::new(2);
    world.write(TAKER, &site(), ORDER, |keys| {
        let mut events = placing(keys, &header(), Event::Placed, &[("A", 10, "2.50")]);
        events.push((keys.next(), Event::Reserved(promise(&[(1, 8, 2)]))));
        events
    });
    let rows = met(&mut world);
    assert_eq!(stock_at(&rows, &site()).secured, 8_000);
    write(&mut world, TAKER, &site(), ORDER, send(SENT, &[(1, 6)]));
    let sums = stock_at(&met(&mut world), &site());
    assert_eq!((sums.secured, sums.unsecured), (4_000, 0), "what the other site ships needs no rights here");
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_fulfilment_folds_alike_in_every_delivery_order(plan in plans(&[DocumentKind::Fulfilment], 3..10)) {
        let (mut world, mut dice) = plan.run();
        world.meet(&mut dice);
        for id in FULFILMENTS {
            let folds: Vec<_> = world.replicas.iter().map(|r| fold_fulfilment(&r.content(&lane(), id))).collect();
            prop_assert!(folds.iter().all(|fold| *fold == folds[0]), "{folds:?}");
            for line in folds.into_iter().flatten().flat_map(|fulfilment| fulfilment.lines) {
                let ladder = &line.ladder;
                prop_assert!(ladder.secured() + ladder.spent() <= ladder.promised_with_rights());
                prop_assert!(ladder.cancelled() <= (ladder.ordered() - ladder.shipped).max(0));
                prop_assert_eq!(line.shipped_from.iter().map(|(_, shipped)| shipped).sum::<i128>(), ladder.shipped);
            }
        }
    }

    #[test]
    fn a_sent_line_is_whole_in_every_order_of_arrival(
        plan in plans(&[DocumentKind::Order, DocumentKind::Fulfilment], 4..14)
    ) {
        let (world, mut dice) = plan.run();
        let arrivals = rows_of_arrivals(&world.log, &mut dice);
        let everything = world.newcomer(&mut dice).rebuilt();
        for rows in &arrivals {
            prop_assert_eq!(rows, &everything);
        }
    }

    #[test]
    fn rights_over_a_lane_never_pass_what_was_minted((seed, moves) in (any::<u64>(), moves())) {
        let mut lanes = Lanes::new(seed);
        for step in moves {
            lanes.act(step);
            lanes.check_keeper();
        }
        lanes.world.meet(&mut Dice(seed));
        (0..3).for_each(|node| lanes.settle(node));
        lanes.act(Move::Duty);
        lanes.check_at_rest();
    }
}

/// What correct nodes do; numbers name fulfilments in the order in which they were made.
#[derive(Debug, Clone, Copy)]
enum Move {
    Receive { units: i64 },
    Send { units: i64 },
    Cancel { which: usize, units: i64 },
    Duty,
    Ship { node: usize, which: usize, units: i64 },
    Sync { from: usize, to: usize },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let (node, which, count) = (0..3usize, 0..4usize, 1..7i64);
    let one = prop_oneof![
        2 => (1..12i64).prop_map(|units| Move::Receive { units }),
        3 => count.clone().prop_map(|units| Move::Send { units }),
        2 => (which.clone(), count.clone()).prop_map(|(which, units)| Move::Cancel { which, units }),
        3 => Just(Move::Duty),
        3 => (1..3usize, which, count).prop_map(|(node, which, units)| Move::Ship { node, which, units }),
        4 => (node.clone(), node).prop_map(|(from, to)| Move::Sync { from, to }),
    ];
    prop::collection::vec(one, 4..24)
}

/// The taker, the shipper's keeper and a second till of the shipper.
struct Lanes {
    world: World,
    dice: Dice,
    sent: Vec<DocumentId>,
    minted: i64,
}

const JOURNAL: DocumentId = DocumentId([0x60; 16]);

impl Lanes {
    fn new(seed: u64) -> Self {
        Self { world: World::new(3), dice: Dice(seed), sent: Vec::new(), minted: 0 }
    }

    fn rows(&self, node: usize) -> &MemoryRows {
        &self.world.replicas[node].rows
    }

    fn write(&mut self, node: usize, scope: &Scope, document: DocumentId, events: Vec<Event>) {
        self.world.write(node, scope, document, |keys| events.into_iter().map(|event| (keys.next(), event)).collect());
        self.world.replicas[node].settle(scope, document);
    }

    fn settle(&mut self, node: usize) {
        let documents: Vec<_> = self.world.replicas[node].contents().into_keys().collect();
        for (scope, document) in documents {
            self.world.replicas[node].settle(&scope, document);
        }
    }

    fn fulfilment(&self, node: usize, which: usize) -> Option<(DocumentId, FulfilmentState)> {
        let id = *self.sent.get(which)?;
        match read_document(self.rows(node), &lane(), &id).unwrap() {
            Some(DocumentRow::Fulfilment(fulfilment)) => Some((id, *fulfilment)),
            Some(_) | None => None,
        }
    }

    fn act(&mut self, step: Move) {
        match step {
            Move::Receive { units } => self.receive(units),
            Move::Send { units } => self.send(units),
            Move::Cancel { which, units } => {
                let Some((id, known)) = self.fulfilment(TAKER, which) else { return };
                let wish = quantities(&[(1, units)]);
                if let Ok(cancelled) = decide::cancel(&known, Some(&wish), time(), None) {
                    self.write(TAKER, &lane(), id, vec![Event::FulfilmentCancelled(cancelled)]);
                }
            }
            Move::Duty => (0..self.sent.len()).for_each(|which| self.duty(which)),
            Move::Ship { node, which, units } => {
                let Some((id, known)) = self.fulfilment(node, which) else { return };
                let wish = quantities(&[(1, units)]);
                if let Ok(shipped) = decide::ship(&known, Some(&wish), time(), (code("WH01"), 1), None) {
                    self.write(node, &lane(), id, vec![Event::FulfilmentShipped(shipped)]);
                    if node == SHIPPER {
                        self.duty(which);
                    }
                }
            }
            Move::Sync { from, to } => {
                self.world.sync(from, to, &mut self.dice);
                self.settle(to);
            }
        }
    }

    fn receive(&mut self, count: i64) {
        self.minted += count;
        self.world.write(SHIPPER, &depot(), JOURNAL, |keys| {
            let key = keys.next();
            let rights = Event::Mint(booking(JOURNAL.event(key), "A", count));
            vec![(key, Event::Receipt(fact("A", count))), (keys.next(), rights)]
        });
        self.world.replicas[SHIPPER].settle(&depot(), JOURNAL);
    }

    fn send(&mut self, count: i64) {
        if self.sent.len() == 4 {
            return;
        }
        let id = DocumentId([0x70 + self.sent.len() as u8; 16]);
        self.sent.push(id);
        self.world.write(TAKER, &lane(), id, |keys| posting(keys, ORDER, &[(1, "A", count)]));
        self.world.replicas[TAKER].settle(&lane(), id);
    }

    /// The keeper's duty for one fulfilment: both halves at once.
    fn duty(&mut self, which: usize) {
        let Some((id, known)) = self.fulfilment(SHIPPER, which) else { return };
        let free = read_stock(self.rows(SHIPPER), &depot(), &DocumentId::of_sku("A")).unwrap().free_rights(1);
        let Cover { reserve, release } = decide::cover(&known, 1, |_| free);
        let (mut promises, mut rights) = (Vec::new(), Vec::new());
        let half = |wrap: fn(_) -> Event, lines: &Vec<_>, book: fn(_) -> Event| {
            let promise = promise_at("WH01", &[]);
            let whole = wrap(crdt_model::fulfilment::event::FulfilmentPromise { lines: lines.clone(), ..promise });
            let items = decide::by_item(&known, lines);
            let booked = items.into_iter().map(|(_, quantity)| {
                book(crdt_model::journal::entrusted::Entrusted { quantity, ..entrusted(id, "A", 1) })
            });
            (whole, booked.collect::<Vec<Event>>())
        };
        for (lines, wrap, book) in [
            (reserve, Event::FulfilmentReserved as fn(_) -> Event, Event::Debited as fn(_) -> Event),
            (release, Event::FulfilmentReleased, Event::Credited),
        ] {
            if !lines.is_empty() {
                let (promise, mut booked) = half(wrap, &lines, book);
                promises.push(promise);
                rights.append(&mut booked);
            }
        }
        if !promises.is_empty() {
            self.write(SHIPPER, &lane(), id, promises);
            self.write(SHIPPER, &depot(), JOURNAL, rights);
        }
    }

    /// At the keeper every right is promised, gone, free or on its way back; none twice.
    fn check_keeper(&self) {
        let sums = stock_at(self.rows(SHIPPER), &depot());
        assert_eq!(bank_of(&sums), sums.minted() - sums.burned());
        assert!(sums.allotted() >= 0, "more is promised in the lane than was debited: {sums:?}");
        let promised: i128 = (0..self.sent.len())
            .filter_map(|which| self.fulfilment(SHIPPER, which))
            .flat_map(|(_, fulfilment)| fulfilment.lines)
            .map(|line| line.ladder.secured())
            .sum();
        assert_eq!(promised, sums.secured);
    }

    /// Once everybody has met and the keeper has done its duty, its rights are what is there and not promised.
    fn check_at_rest(&self) {
        let sums = stock_at(self.rows(SHIPPER), &depot());
        assert_eq!(sums.allotted(), 0, "nothing lies idle in the lane: {sums:?}");
        assert_eq!(sums.free_rights(1), sums.on_hand - sums.secured, "{sums:?}");
        assert_eq!(sums.minted(), i128::from(self.minted) * i128::from(UNIT));
        assert!(sums.secured <= sums.on_hand.max(0) || sums.on_hand < sums.secured && sums.free_rights(1) < 0);
    }
}

#[test]
fn rights_without_a_half_in_the_lane_stay_with_nobody() {
    let mut lanes = Lanes::new(1);
    lanes.act(Move::Receive { units: 10 });
    lanes.write(SHIPPER, &depot(), JOURNAL, vec![Event::Debited(entrusted(SENT, "A", 4))]);
    let sums = stock_at(lanes.rows(SHIPPER), &depot());
    assert_eq!((sums.free_rights(1), sums.allotted(), sums.secured), (6_000, 4_000, 0));
    lanes.write(SHIPPER, &depot(), JOURNAL, vec![Event::Credited(entrusted(SENT, "A", 4))]);
    assert_eq!(stock_at(lanes.rows(SHIPPER), &depot()).free_rights(1), 10_000);
}
