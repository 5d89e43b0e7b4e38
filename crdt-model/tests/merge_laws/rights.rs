//! The promises of a keeper: whatever others do meanwhile, rights are promised once.
//!
//! Unlike the blind deeds of `plan`, these are commands: each is decided by `order::decide` on what its node has seen.

use crdt_model::case::CaseKind;
use crdt_model::document_row::DocumentRow;
use crdt_model::event::Event;
use crdt_model::id::{DocumentId, EventId};
use crdt_model::order::event::{Handover, LineQuantity, Placed, RightsBooking};
use crdt_model::order::promise::Means;
use crdt_model::order::state::{LineState, OrderState};
use crdt_model::order::{decide, promise};
use crdt_model::scope_state::{read_document, read_stock};
use crdt_model::stock::StockSums;
use proptest::prelude::*;

use crate::deeds::*;
use crate::plan::cases;
use crate::scope_rows::{open_cases, stock_of};
use crate::world::{Change, Dice, World, site};

const KEEPER: usize = 0;

/// What somebody does; numbers name orders in the order in which they were placed.
#[derive(Debug, Clone, Copy)]
enum Move {
    Count { replica: usize, units: i64 },
    BookFacts,
    Order { replica: usize, units: i64 },
    WalkIn { replica: usize, units: i64 },
    Ship { replica: usize, order: usize },
    Cancel { replica: usize, order: usize, units: i64 },
    Sync { from: usize, to: usize },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let (replica, order, count) = (0..3usize, 0..4usize, 1..6i64);
    let one = prop_oneof![
        2 => (replica.clone(), prop_oneof![Just(-2i64), 1..9i64]).prop_map(|(replica, units)| Move::Count { replica, units }),
        2 => Just(Move::BookFacts),
        3 => (replica.clone(), count.clone()).prop_map(|(replica, units)| Move::Order { replica, units }),
        1 => (replica.clone(), count.clone()).prop_map(|(replica, units)| Move::WalkIn { replica, units }),
        3 => (replica.clone(), order.clone()).prop_map(|(replica, order)| Move::Ship { replica, order }),
        2 => (replica.clone(), order, count).prop_map(|(replica, order, units)| Move::Cancel { replica, order, units }),
        3 => (replica.clone(), replica).prop_map(|(from, to)| Move::Sync { from, to }),
    ];
    prop::collection::vec(one, 3..14)
}

/// The world of one shop: its replicas, how far the rows of each are up to date, and its orders.
struct Shop {
    world: World,
    dice: Dice,
    orders: Vec<DocumentId>,
}

impl Shop {
    fn new(seed: u64) -> Self {
        Self { world: World::new(3), dice: Dice(seed), orders: Vec::new() }
    }

    /// The rows of a replica after everything that it holds.
    fn settle(&mut self, replica: usize) {
        let at: Vec<_> = self.world.replicas[replica].contents().into_keys().collect();
        for (scope, document) in at {
            self.world.replicas[replica].settle(&scope, document);
        }
    }

    fn stock(&self, replica: usize) -> StockSums {
        stock_of(&self.world.replicas[replica].rows, "A")
    }

    fn order(&self, replica: usize, order: usize) -> Option<(DocumentId, OrderState)> {
        let id = *self.orders.get(order)?;
        match read_document(&self.world.replicas[replica].rows, &site(), &id).unwrap()? {
            DocumentRow::Order(state) => Some((id, *state)),
            other => panic!("not an order: {other:?}"),
        }
    }

    fn write(&mut self, replica: usize, document: DocumentId, event: Event) {
        self.world.write(replica, &site(), document, |keys| vec![(keys.next(), event)]);
        self.world.replicas[replica].settle(&site(), document);
    }

    fn act(&mut self, step: Move) {
        match step {
            Move::Count { replica, units } => self.count(replica, units),
            Move::BookFacts => self.book_facts(),
            Move::Order { replica, units } => self.place(replica, units, Handover::Later),
            Move::WalkIn { replica, units } => self.place(replica, units, Handover::AtOnce),
            Move::Ship { replica, order } => self.ship(replica, order),
            Move::Cancel { replica, order, units } => self.cancel(replica, order, units),
            Move::Sync { from, to } => {
                self.world.sync(from, to, &mut self.dice);
                self.settle(to);
            }
        }
    }

    fn count(&mut self, replica: usize, count: i64) {
        let event = if count > 0 { Event::Receipt(fact("A", count)) } else { Event::Adjustment(fact("A", count)) };
        self.write(replica, DocumentId([0x40 + replica as u8; 16]), event);
    }

    /// The keeper books every fact of a journal, and every uncovered shipment of others, that it holds and has not
    /// booked yet.
    fn book_facts(&mut self) {
        let held = self.world.replicas[KEEPER].held_of(&self.world.log);
        let booked: Vec<EventId> = events(&held)
            .filter_map(|(_, event)| match event {
                Event::Mint(booking) | Event::Burn(booking) => Some(booking.fact),
                _other => None,
            })
            .collect();
        let bookings: Vec<Event> = events(&held)
            .filter(|(id, _)| !booked.contains(id))
            .filter_map(|(id, event)| match event {
                Event::Receipt(fact) => Some(Event::Mint(booking(id, "A", fact.quantity.thousandths() / UNIT))),
                Event::Adjustment(fact) => Some(Event::Burn(booking(id, "A", -fact.quantity.thousandths() / UNIT))),
                Event::Shipped(shipped) if shipped.booking == RightsBooking::Later => self.burn_of(id),
                _other => None,
            })
            .collect();
        for event in bookings {
            self.write(KEEPER, DocumentId([0x4f; 16]), event);
        }
    }

    /// What the keeper burns for a shipment of another: what left without a promise.
    fn burn_of(&self, shipped: EventId) -> Option<Event> {
        let at = self.orders.iter().position(|order| *order == shipped.document)?;
        let line = self.order(KEEPER, at)?.1.lines[0].clone();
        let uncovered = (line.shipped - line.spent() - line.burned()) as i64 / UNIT;
        (uncovered > 0).then(|| Event::Burn(booking(shipped, "A", uncovered)))
    }

    fn place(&mut self, replica: usize, count: i64, handover: Handover) {
        let id = DocumentId([0x80 + self.orders.len() as u8; 16]);
        self.orders.push(id);
        let line = line_of(count);
        let before = self.stock(replica);
        let rows = &self.world.replicas[replica].rows;
        let free = |item: &DocumentId, _: i128| match replica {
            KEEPER => Means { own: read_stock(rows, &site(), item).unwrap().free_rights(1), ..Means::default() },
            _others_have_none => Means::default(),
        };
        let event = match handover {
            Handover::Later => promise::promise(&[line], time(), 1, free).remove(0),
            Handover::AtOnce => Event::Shipped(decide::hand_over(time(), 1, books(replica))),
        };
        let header = Placed { handover, ..header() };
        self.world.write(replica, &site(), id, |keys| {
            let mut events = placing(keys, &header, Event::Placed, &[("A", count, "2.50")]);
            events.push((keys.next(), event));
            events
        });
        self.world.replicas[replica].settle(&site(), id);
        if handover == Handover::Later {
            let after = self.stock(replica).free_rights(1);
            assert!(after >= before.free_rights(1).min(0), "a promise took {after} of {}", before.free_rights(1));
        }
    }

    fn ship(&mut self, replica: usize, order: usize) {
        let Some((id, state)) = self.order(replica, order) else { return };
        if let Ok(shipped) = decide::ship(&state, None, time(), 1, books(replica)) {
            self.write(replica, id, Event::Shipped(shipped));
        }
    }

    fn cancel(&mut self, replica: usize, order: usize, count: i64) {
        let Some((id, state)) = self.order(replica, order) else { return };
        let wish = [LineQuantity { line: 1, quantity: units(count) }];
        if let Ok(cancelled) = decide::cancel(&state, Some(&wish), time(), None) {
            self.write(replica, id, Event::Cancelled(cancelled));
        }
    }

    /// The bank of a replica, counted from its orders and journals in a second way.
    fn check(&self, replica: usize) {
        let (sums, rows) = (self.stock(replica), &self.world.replicas[replica].rows);
        assert_eq!(sums.secured + sums.free_rights(1) + sums.spent, sums.minted() - sums.burned());
        let held = self.world.replicas[replica].held_of(&self.world.log);
        let lost: i128 = (events(&held))
            .map(|(_, event)| match event {
                Event::Adjustment(fact) => i128::from(-fact.quantity.thousandths()),
                _other => 0,
            })
            .sum();
        let cases = open_cases(rows, &site());
        let mut uncovered = lost;
        for (id, order) in (0..self.orders.len()).filter_map(|at| self.order(replica, at)) {
            let line = &order.lines[0];
            let overtaken = (line.cancel_asked - line.cancelled()).clamp(0, line.shipped);
            uncovered += line.shipped - line.spent() + overtaken;
            let shows = |kind| cases.iter().any(|case| case.kind == kind && case.subject == id);
            assert_eq!(shows(CaseKind::ShippedAfterCancel), overtaken > 0);
            assert_eq!(shows(CaseKind::OverShipped), line.shipped > i128::from(line.quantity.thousandths()));
        }
        assert!(sums.secured <= sums.on_hand + uncovered, "{sums:?}, uncovered {uncovered}");
        let open = cases.iter().any(|case| case.kind == CaseKind::PromisesUncovered);
        assert_eq!(open, sums.secured > sums.on_hand.max(0), "{sums:?}");
    }
}

fn events(changes: &[Change]) -> impl Iterator<Item = (EventId, Event)> + '_ {
    changes
        .iter()
        .flat_map(|change| change.events.iter().map(|(key, event)| (change.document.event(*key), event.clone())))
}

fn books(replica: usize) -> RightsBooking {
    if replica == KEEPER { RightsBooking::Here } else { RightsBooking::Later }
}

fn line_of(count: i64) -> LineState {
    LineState::new(text("A"), None, units(count), "2.50".parse().unwrap())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn secured_promises_never_pass_the_rights(seed: u64, moves in moves()) {
        let mut shop = Shop::new(seed);
        for step in moves {
            shop.act(step);
            (0..3).for_each(|replica| shop.check(replica));
        }
        shop.world.meet(&mut shop.dice);
        for replica in 0..3 {
            shop.settle(replica);
            shop.check(replica);
            prop_assert_eq!(&shop.world.replicas[replica].rows, &shop.world.replicas[KEEPER].rows);
        }
    }
}
