//! The laws of a scope: rows are a function of what is held, whatever came when.
//!
//! Not here: what a case or a figure means (`pairs`, and the tests of `sales` and `case`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use crdt_model::case::{CaseKind, CaseRow};
use crdt_model::document::Content;
use crdt_model::document_row::{DocumentRow, fold_document};
use crdt_model::event::{DocumentKind, Event};
use crdt_model::id::{DocumentId, EventId, EventKey};
use crdt_model::order::event::Placed;
use crdt_model::rows::{Counter, MemoryRows, RowKind, Rows, ViewTable, row_key};
use crdt_model::scope::Scope;
use crdt_model::scope_state::{read_counter, read_document, read_over_lanes, read_stock, replace_document};
use crdt_model::stock::movement::{Account, Movement};
use crdt_model::stock::{FactBooking, FactRow, Moved, Rights, StockSums};
use proptest::prelude::*;

use crate::deeds::*;
use crate::fulfilments::across;
use crate::plan::{EVERY_KIND, ORDERS, cases, plans};
use crate::world::{Change, Dice, World, site};

/// Open cases of a scope.
pub fn open_cases(rows: &MemoryRows, scope: &Scope) -> Vec<CaseRow> {
    let prefix = row_key(scope, RowKind::Case, &[]);
    let mut found = Vec::new();
    rows.scan(ViewTable::Rows, prefix.as_bytes(), &mut |_, bytes| {
        found.push(CaseRow::decode(bytes).unwrap());
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

pub fn open_kinds(rows: &MemoryRows, scope: &Scope) -> Vec<CaseKind> {
    let mut kinds: Vec<CaseKind> = open_cases(rows, scope).iter().map(|case| case.kind).collect();
    kinds.sort_unstable();
    kinds
}

pub fn stock_of(rows: &MemoryRows, sku: &str) -> StockSums {
    read_stock(rows, &site(), &DocumentId::of_sku(sku)).unwrap()
}

/// Where the rights are: promised, gone with goods, still the holders', free in any epoch.
pub fn bank_of(sums: &StockSums) -> i128 {
    let free: i128 = sums.rights.values().map(Rights::free).sum();
    sums.secured + sums.spent + sums.allotted() + free
}

/// What a node publishes of its state: a hash over the sorted rows that digests cover.
pub fn digest(rows: &MemoryRows) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for ((_, key), value) in rows.rows.iter().filter(|((table, _), _)| *table == ViewTable::Rows) {
        for part in [key, value] {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
    }
    *hasher.finalize().as_bytes()
}

type Contents = BTreeMap<(Scope, DocumentId), Content>;

/// Rows after the changes came one by one, the row of a document brought up to date after each or only after some.
fn rows_after(changes: &[Change], dice: &mut Dice) -> MemoryRows {
    let (mut contents, mut rows, mut stale) = (Contents::new(), MemoryRows::default(), BTreeSet::new());
    for change in changes {
        let at = (change.scope.clone(), change.document);
        contents.entry(at.clone()).or_default().events.extend(change.events.iter().cloned());
        stale.insert(at);
        if dice.below(3) > 0 {
            settle(&mut rows, &contents, std::mem::take(&mut stale), dice);
        }
    }
    settle(&mut rows, &contents, stale, dice);
    rows
}

fn settle(rows: &mut MemoryRows, contents: &Contents, stale: BTreeSet<(Scope, DocumentId)>, dice: &mut Dice) {
    let mut stale: Vec<_> = stale.into_iter().collect();
    dice.shuffle(&mut stale);
    for (scope, document) in stale {
        let row = fold_document(&contents[&(scope.clone(), document)]);
        replace_document(rows, &scope, document, row).unwrap();
    }
}

const SITE_KINDS: [DocumentKind; 3] = [DocumentKind::Order, DocumentKind::Journal, DocumentKind::Fulfilment];

/// Rows of the same log, kept up to date over several arrivals.
pub fn rows_of_arrivals(log: &[Change], dice: &mut Dice) -> Vec<MemoryRows> {
    let arrivals = (0..2).map(|_| {
        let mut changes = log.to_vec();
        dice.shuffle(&mut changes);
        rows_after(&changes, dice)
    });
    arrivals.collect()
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn any_order_of_updates_gives_the_same_rows(plan in plans(&SITE_KINDS, 3..11)) {
        let (world, mut dice) = plan.run();
        let arrivals = rows_of_arrivals(&world.log, &mut dice);
        let everything = rows_after(&world.log, &mut Dice(0));
        for rows in &arrivals {
            prop_assert_eq!(rows, &everything);
            prop_assert_eq!(digest(rows), digest(&everything));
        }
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn stock_is_the_same_in_every_delivery_order(plan in plans(&SITE_KINDS, 3..11)) {
        let (world, mut dice) = plan.run();
        let arrivals = rows_of_arrivals(&world.log, &mut dice);
        for sku in ["A", "B"] {
            let counted = counted_stock(&world.log, sku);
            for rows in &arrivals {
                let sums = stock_of(rows, sku);
                prop_assert_eq!((sums.on_hand, sums.minted()), counted, "on hand and minted of {}", sku);
                prop_assert_eq!(bank_of(&sums), sums.minted() - sums.burned());
                prop_assert!(sums.secured >= 0 && sums.unsecured >= 0 && sums.spent >= 0 && sums.burned() >= 0);
            }
        }
    }

    #[test]
    fn movements_of_goods_add_up_to_the_stock_on_hand(plan in plans(&SITE_KINDS, 3..11)) {
        let (world, mut dice) = plan.run();
        for rows in &rows_of_arrivals(&world.log, &mut dice) {
            let moved = goods_moved(rows);
            let sites: BTreeSet<Scope> = moved.keys().map(|(site, _)| site.clone()).chain([site()]).collect();
            for (at, sku) in sites.into_iter().flat_map(|at| ["A", "B"].map(|sku| (at.clone(), sku))) {
                let item = DocumentId::of_sku(sku);
                let booked = read_stock(rows, &at, &item).unwrap().on_hand;
                let over = read_over_lanes(rows, &at, &item).unwrap().on_hand;
                let listed = moved.get(&(at.clone(), item)).copied().unwrap_or(0);
                prop_assert_eq!(listed, booked + over, "{} at {}", sku, at);
            }
        }
    }

    #[test]
    fn cases_are_the_same_in_every_delivery_order(plan in plans(&SITE_KINDS, 3..11)) {
        let (world, mut dice) = plan.run();
        let arrivals = rows_of_arrivals(&world.log, &mut dice);
        let cases = open_cases(&arrivals[0], &site());
        for rows in &arrivals {
            prop_assert_eq!(&open_cases(rows, &site()), &cases);
            let counted = read_counter(rows, &site(), Counter::Cases).unwrap();
            prop_assert_eq!(counted, (cases.len() + across(rows, &site()).len()) as i128);
        }
        for sku in ["A", "B"] {
            let sums = stock_of(&arrivals[0], sku);
            let subject = DocumentId::of_sku(sku);
            let open = |kind| cases.iter().any(|case| case.kind == kind && case.subject == subject);
            prop_assert_eq!(open(CaseKind::NegativeStock), sums.on_hand < 0);
            prop_assert_eq!(open(CaseKind::PromisesUncovered), sums.promises_uncovered());
        }
    }

    #[test]
    fn a_replica_keeps_the_rows_that_it_would_rebuild(plan in plans(&EVERY_KIND, 2..7)) {
        let (world, mut dice) = plan.run();
        let mut newcomer = crate::world::Replica::new(100);
        let mut changes = world.log.clone();
        dice.shuffle(&mut changes);
        for change in &changes {
            newcomer.receive(change);
            newcomer.settle(&change.scope, change.document);
        }
        for change in &changes {
            newcomer.settle(&change.scope, change.document);
        }
        prop_assert_eq!(&newcomer.rows, &newcomer.rebuilt());
    }
}

/// What the ledgers of all items list of goods, by site and item.
fn goods_moved(rows: &MemoryRows) -> BTreeMap<(Scope, DocumentId), i128> {
    let mut moved = BTreeMap::new();
    for ((_, key), value) in rows.rows.iter().filter(|((table, _), _)| *table == ViewTable::MovementsByItem) {
        let (scope, rest) = key[1..].split_at(usize::from(key[0]));
        let movement = Movement::decode(value).unwrap();
        let scope = movement.site.map_or_else(|| Scope::from_bytes(scope).unwrap(), Scope::Site);
        let item = DocumentId(rest[..16].try_into().unwrap());
        if movement.kind.account() == Account::OnHand {
            *moved.entry((scope, item)).or_default() += movement.quantity;
        }
    }
    moved
}

/// On hand and minted rights of an item, counted from the events alone, in a second way.
fn counted_stock(log: &[Change], sku: &str) -> (i128, i128) {
    let mut moved: BTreeMap<EventId, i128> = BTreeMap::new();
    let mut bookings: BTreeMap<EventId, BTreeMap<EventId, i128>> = BTreeMap::new();
    let mut contents = Contents::new();
    for change in log {
        let at = (change.scope.clone(), change.document);
        contents.entry(at).or_default().events.extend(change.events.iter().cloned());
        for (key, event) in &change.events {
            let id = change.document.event(*key);
            match event {
                Event::Opening(fact) | Event::Receipt(fact) | Event::Adjustment(fact) if fact.sku.as_str() == sku => {
                    moved.insert(id, i128::from(fact.quantity.thousandths()));
                }
                Event::Mint(b) if b.sku.as_str() == sku => {
                    bookings.entry(b.fact).or_default().insert(id, i128::from(b.quantity.thousandths()));
                }
                Event::Burn(b) if b.sku.as_str() == sku => {
                    bookings.entry(b.fact).or_default().insert(id, -i128::from(b.quantity.thousandths()));
                }
                _elsewhere => {}
            }
        }
    }
    let shipped: i128 = contents.values().map(|content| shipped_of(content, sku)).sum();
    let minted = bookings.iter().filter_map(|(fact, bookings)| {
        let fitting = bookings.values().find(|rights| moved.get(fact) == Some(*rights));
        fitting.copied().filter(|rights| *rights > 0)
    });
    (moved.values().sum::<i128>() - shipped, minted.sum())
}

/// What left of an item with one order.
fn shipped_of(content: &Content, sku: &str) -> i128 {
    match fold_document(content) {
        Some(DocumentRow::Order(order)) if order.header.entry == crdt_model::order::event::Entry::New => {
            order.lines.iter().filter(|line| line.sku.as_str() == sku).map(|line| line.shipped).sum()
        }
        Some(_) | None => 0,
    }
}

fn place(world: &mut World, replica: usize, order: DocumentId, number: &str) {
    let header = Placed { external: external(number), ..header() };
    world.write(replica, &site(), order, |keys| placing(keys, &header, Event::Placed, &[("A", 1, "2.50")]));
}

#[test]
fn of_two_orders_with_one_number_the_lowest_id_counts() {
    let [low, middle, high] = ORDERS;
    for seed in 0..20 {
        let (mut world, mut dice) = (World::new(3), Dice(seed));
        place(&mut world, 0, high, "77");
        place(&mut world, 1, middle, "77");
        place(&mut world, 2, low, "77");
        for rows in rows_of_arrivals(&world.log, &mut dice) {
            let counts_for = |id: DocumentId| match read_document(&rows, &site(), &id).unwrap().unwrap() {
                DocumentRow::Order(order) => order.duplicate_of,
                other => panic!("not an order: {other:?}"),
            };
            assert_eq!([low, middle, high].map(counts_for), [None, Some(low), Some(low)], "seed {seed}");
            let cases = open_cases(&rows, &site());
            assert_eq!(cases.len(), 2);
            assert!(cases.iter().all(|c| c.kind == CaseKind::DuplicateExternalOrder && c.other == Some(low)));
        }
    }
}

#[test]
fn an_order_counts_again_when_the_one_before_it_goes() {
    let [low, _, high] = ORDERS;
    let mut world = World::new(2);
    place(&mut world, 0, low, "77");
    place(&mut world, 1, high, "77");
    let mut rows = rows_after(&world.log, &mut Dice(4));
    replace_document(&mut rows, &site(), low, None).unwrap();
    let alone = rows_after(&world.log[1..], &mut Dice(5));
    assert_eq!(rows, alone);
    assert_eq!(open_kinds(&rows, &site()), []);
}

#[test]
fn a_fact_booked_a_thousand_times_over_is_read_back() {
    let booking = |at: u32| FactBooking { journal: ORDERS[0], key: numbered(at), epoch: 1, rights: 4_000 };
    let row = FactRow { moved: Some(Moved { quantity: 4_000, epoch: 1 }), bookings: (0..5_000).map(booking).collect() };
    assert_eq!(FactRow::decode(&row.encode()).unwrap(), row);
    assert_eq!((row.counting().map(|b| b.rights), row.ignored().count()), (Some(4_000), 4_999));
}

#[test]
fn a_row_holds_every_event_that_a_document_may_hold() {
    let event = Event::Mint(booking(DocumentId::ZERO.event(EventKey::ZERO), "A", 1));
    let events = (0..=u32::from(u16::MAX)).map(|at| (numbered(at), event.clone())).collect();
    let row = fold_document(&Content { events, ..Content::default() }).unwrap();
    assert_eq!(DocumentRow::decode(&row.encode()).unwrap(), row);
}

fn numbered(at: u32) -> EventKey {
    EventKey(u64::from(at).to_be_bytes())
}
