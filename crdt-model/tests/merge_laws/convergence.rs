//! The laws of single documents: merging commutes, associates, is idempotent and loses nothing; folds agree.

use std::collections::{BTreeMap, BTreeSet};

use crdt_model::control::event::SiteKind;
use crdt_model::control::state::Control;
use crdt_model::customer::FIELD_PHONE;
use crdt_model::customer::state::CustomerState;
use crdt_model::document::{Content, FieldValue};
use crdt_model::document_row::{DocumentRow, fold_document};
use crdt_model::event::{DocumentKind, Event};
use crdt_model::id::{DocumentId, EventKey, OrgId};
use crdt_model::order::fold::fold_order;
use crdt_model::product::barcode::Barcode;
use crdt_model::product::event::{BarcodeAdded, ProductAdopted, ProductPosted};
use crdt_model::product::state::{BARCODES_MAX, FIELD_VALUES_MAX, ProductState};
use crdt_model::product::{FIELD_BARCODE, FIELD_NAME, FIELD_PRICE};
use crdt_model::rows::ViewTable;
use crdt_model::scope::Scope;
use crdt_model::scope_state::barcode_key;
use crdt_model::seal::{SealKey, SealedField, SealedPlace};
use proptest::prelude::*;

use crate::deeds::{code, keeper, open_site, sealed_field, text, time};
use crate::plan::{CUSTOMER, EVERY_KIND, ORDERS, cases, customers, plans};
use crate::world::{Change, Dice, Hash, Replica, World, arrival, site};

/// Equal documents, as Automerge and as everybody who reads them sees them.
fn assert_same(one: &Replica, other: &Replica) {
    assert_eq!(one.heads(), other.heads());
    assert_eq!(one.contents(), other.contents());
}

fn replica_with(changes: &[Change], dice: &mut Dice) -> Replica {
    let mut replica = Replica::new(100);
    replica.receive_all(&arrival(changes, dice));
    replica
}

/// Every event stands in the document that it was put into, unaltered, and nothing else does; of each field every
/// value stands that no later writer of the field had seen.
pub fn assert_nothing_lost(replica: &Replica, log: &[Change]) {
    let mut events: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    let mut fields: BTreeMap<_, Vec<(&'static str, FieldValue, Hash)>> = BTreeMap::new();
    for change in log {
        let at = (change.scope.clone(), change.document);
        events.entry(at.clone()).or_default().extend(change.events.iter().cloned());
        fields.entry(at).or_default().extend(change.fields.iter().map(|(n, v)| (*n, v.clone(), change.hash)));
    }
    let past = pasts(log);
    for (at, content) in replica.contents() {
        assert_eq!(content.events, events.remove(&at).unwrap());
        let written = fields.remove(&at).unwrap();
        let seen = |(name, _, hash): &&(&str, FieldValue, Hash)| {
            !written.iter().any(|(other, _, later)| other == name && past[later].contains(hash))
        };
        let standing: BTreeSet<_> = written.iter().filter(seen).map(|(n, v, _)| ((*n).to_owned(), v.clone())).collect();
        let held = content.fields.iter().flat_map(|(n, values)| values.iter().map(|v| (n.clone(), v.clone())));
        assert_eq!(held.collect::<BTreeSet<_>>(), standing);
    }
    assert!(events.is_empty(), "a document is missing");
}

/// What each change follows, directly or not.
fn pasts(log: &[Change]) -> BTreeMap<Hash, BTreeSet<Hash>> {
    let mut pasts: BTreeMap<Hash, BTreeSet<Hash>> = BTreeMap::new();
    for change in log {
        let mut past: BTreeSet<Hash> = change.deps.iter().copied().collect();
        past.extend(change.deps.iter().flat_map(|dep| pasts[dep].iter().copied()));
        pasts.insert(change.hash, past);
    }
    pasts
}

proptest! {
    #![proptest_config(cases(700))]

    #[test]
    fn merging_commutes(plan in plans(&EVERY_KIND, 2..7)) {
        let (world, mut dice) = plan.run();
        let [a, b] = [0, 1].map(|at: usize| world.replicas[at].held_of(&world.log));
        let mut ab = replica_with(&a, &mut dice);
        ab.receive_all(&arrival(&b, &mut dice));
        let mut ba = replica_with(&b, &mut dice);
        ba.receive_all(&arrival(&a, &mut dice));
        assert_same(&ab, &ba);
    }

    #[test]
    fn merging_associates(plan in plans(&EVERY_KIND, 2..7)) {
        let (world, mut dice) = plan.run();
        let [a, b, c] = [0, 1, 2].map(|at: usize| world.replicas[at].held_of(&world.log));
        let mut left = replica_with(&[&a[..], &b].concat(), &mut dice);
        left.receive_all(&arrival(&c, &mut dice));
        let mut right = replica_with(&a, &mut dice);
        right.receive_all(&arrival(&[&b[..], &c].concat(), &mut dice));
        assert_same(&left, &right);
    }

    #[test]
    fn merging_loses_nothing(plan in plans(&EVERY_KIND, 2..7)) {
        let (world, mut dice) = plan.run();
        let newcomer = world.newcomer(&mut dice);
        prop_assert!(newcomer.waits_for_nothing());
        assert_nothing_lost(&newcomer, &world.log);
    }
}

proptest! {
    #![proptest_config(cases(1_800))]

    #[test]
    fn merging_twice_changes_nothing(plan in plans(&EVERY_KIND, 2..7)) {
        let (mut world, mut dice) = plan.run();
        let before = world.replicas[0].clone();
        let own = before.held_of(&world.log);
        world.replicas[0].receive_all(&arrival(&own, &mut dice));
        assert_same(&world.replicas[0], &before);
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_delivery_converges(plan in plans(&EVERY_KIND, 3..10)) {
        let (mut world, mut dice) = plan.run();
        world.meet(&mut dice);
        for replica in &world.replicas {
            prop_assert!(replica.waits_for_nothing());
            assert_same(replica, &world.replicas[0]);
        }
        assert_nothing_lost(&world.replicas[0], &world.log);
    }

    #[test]
    fn an_order_folds_alike_in_every_delivery_order(plan in plans(&[DocumentKind::Order], 3..10)) {
        let (mut world, mut dice) = plan.run();
        world.meet(&mut dice);
        for order in ORDERS {
            let folds: Vec<_> = world.replicas.iter().map(|r| fold_order(&r.content(&site(), order))).collect();
            prop_assert!(folds.iter().all(|fold| *fold == folds[0]), "{folds:?}");
            for line in folds.into_iter().flatten().flat_map(|order| order.lines) {
                prop_assert!(line.secured() + line.spent() <= line.promised_with_rights());
                prop_assert!(line.reserved() <= line.open(), "reserved for what is still to leave: {line:?}");
                prop_assert!(line.cancelled() <= (line.quantity.thousandths().max(0) as i128 - line.shipped).max(0));
            }
        }
    }

    #[test]
    fn rows_read_back_as_they_were_written(plan in plans(&EVERY_KIND, 2..8)) {
        let (world, mut dice) = plan.run();
        for content in world.newcomer(&mut dice).contents().values() {
            let Some(row) = fold_document(content) else { continue };
            let bytes = row.encode();
            prop_assert_eq!(DocumentRow::decode(&bytes).unwrap().encode(), bytes.clone());
            prop_assert_eq!(DocumentRow::decode(&bytes).unwrap(), row);
            prop_assert!(DocumentRow::decode(&bytes[..bytes.len() - 1]).is_err());
            prop_assert!(DocumentRow::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
    }
}

fn control_of(replica: &Replica, dice: &mut Dice) -> Control {
    let contents = replica.contents();
    let mut records: Vec<_> = (contents.iter())
        .filter_map(|((_, id), content)| match fold_document(content)? {
            DocumentRow::Control(record) => Some((*id, record)),
            _other => None,
        })
        .collect();
    dice.shuffle(&mut records);
    Control::fold(records.iter().map(|(id, record)| (*id, record)))
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn control_folds_alike_in_every_delivery_order(plan in plans(&[DocumentKind::Control], 2..10)) {
        let (mut world, mut dice) = plan.run();
        world.meet(&mut dice);
        let folds: Vec<Control> = world.replicas.iter().map(|replica| control_of(replica, &mut dice)).collect();
        prop_assert!(folds.iter().all(|fold| *fold == folds[0]));
    }
}

#[test]
fn of_two_sites_of_one_code_the_lowest_event_id_stands() {
    let [low, high] = [DocumentId([1; 16]), DocumentId([2; 16])];
    let mut world = World::new(2);
    world.write(0, &Scope::Control, high, |keys| vec![(keys.next(), open_site("SH09", SiteKind::Store))]);
    world.write(1, &Scope::Control, low, |keys| {
        vec![(keys.next(), open_site("SH09", SiteKind::Warehouse)), (keys.next(), keeper("SH09", 1, 9))]
    });
    let mut dice = Dice(1);
    world.meet(&mut dice);
    for replica in &world.replicas {
        let control = control_of(replica, &mut dice);
        assert_eq!(control.sites[&code("SH09")].kind, SiteKind::Warehouse);
        assert_eq!(control.epoch(&code("SH09")), 1);
    }
}

#[test]
fn of_two_adoptions_the_lowest_key_stands() {
    let (id, mut dice) = (DocumentId::of_sku("a"), Dice(4));
    let mut world = World::new(3);
    world.write(0, &site(), id, |keys| vec![(keys.next(), Event::ProductPosted(ProductPosted { sku: text("a") }))]);
    world.meet(&mut dice);
    let mut adoptions: Vec<(EventKey, &str)> = Vec::new();
    for (replica, sku) in [(1, "A"), (2, "B")] {
        let adopted = Event::ProductAdopted(ProductAdopted { time: time(), sku: text(sku) });
        let written = world.write(replica, &site(), id, |keys| vec![(keys.next(), adopted)]);
        adoptions.push((written[0].key, sku));
    }
    world.meet(&mut dice);
    let lowest = adoptions.into_iter().min().unwrap().1;
    for replica in &world.replicas {
        let product = ProductState::fold(&replica.content(&site(), id)).unwrap();
        assert_eq!(product.alias_of(), Some(&text(lowest)));
    }
}

#[test]
fn concurrent_names_of_a_product_are_all_kept() {
    let id = DocumentId::of_sku("A");
    let mut world = World::new(3);
    let named = |world: &mut World, replica: usize, name: &str| {
        let fields = vec![(FIELD_NAME, FieldValue::Text(name.to_owned()))];
        world.write_with_fields(replica, &Scope::Catalogue, id, fields, |keys| {
            vec![(keys.next(), Event::ProductPosted(ProductPosted { sku: text("A") }))]
        });
    };
    for (replica, name) in ["lamp", "light", "lantern"].into_iter().enumerate() {
        named(&mut world, replica, name);
    }
    let mut dice = Dice(2);
    world.meet(&mut dice);
    let products: Vec<ProductState> =
        world.replicas.iter().map(|r| ProductState::fold(&r.content(&Scope::Catalogue, id)).unwrap()).collect();
    assert!(products.iter().all(|product| *product == products[0]));
    let mut names: Vec<&str> = products[0].names.iter().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["lamp", "lantern", "light"]);
    named(&mut world, 1, "lamp 2");
    world.meet(&mut dice);
    let product = ProductState::fold(&world.replicas[0].content(&Scope::Catalogue, id)).unwrap();
    assert_eq!(product.names, [text("lamp 2")], "who has seen all of them settles them");
}

#[test]
fn bar_codes_of_a_product_add_up() {
    let (id, mut dice) = (DocumentId::of_sku("A"), Dice(5));
    let mut world = World::new(3);
    world.write(0, &site(), id, |keys| vec![(keys.next(), Event::ProductPosted(ProductPosted { sku: text("A") }))]);
    world.meet(&mut dice);
    for (replica, code) in ["4006381333931", "0012345678905", "4006381333931"].into_iter().enumerate() {
        let added = Event::BarcodeAdded(BarcodeAdded { barcode: Barcode::new(code).unwrap() });
        let fields = match replica {
            0 => vec![(FIELD_BARCODE, FieldValue::Text("OLD-77".to_owned()))],
            _ => Vec::new(),
        };
        world.write_with_fields(replica, &site(), id, fields, |keys| vec![(keys.next(), added)]);
    }
    world.meet(&mut dice);
    for replica in &world.replicas {
        let product = ProductState::fold(&replica.content(&site(), id)).unwrap();
        assert_eq!(product.barcodes, ["OLD-77", "0012345678905", "4006381333931"].map(text), "each once, all kept");
        let rows = replica.rebuilt().rows;
        let found = |code: &str| {
            let key = barcode_key(&site(), code).document(&id).into_bytes();
            rows.contains_key(&(ViewTable::ItemsByBarcode, key))
        };
        assert!(found("012345678905") && found("4006381333931") && found("OLD-77") && !found("96385074"));
    }
}

#[test]
fn concurrent_prices_of_a_product_are_all_kept() {
    let (id, mut dice) = (DocumentId::of_sku("A"), Dice(6));
    let mut world = World::new(2);
    world.write(0, &site(), id, |keys| vec![(keys.next(), Event::ProductPosted(ProductPosted { sku: text("A") }))]);
    world.meet(&mut dice);
    let price = |world: &mut World, replica: usize, price: &str| {
        let fields = vec![(FIELD_PRICE, FieldValue::Text(price.to_owned()))];
        world.write_with_fields(replica, &site(), id, fields, |_| Vec::new());
    };
    price(&mut world, 0, "2.5");
    price(&mut world, 1, "3");
    world.meet(&mut dice);
    let shown = |world: &World, replica: usize| {
        let prices = ProductState::fold(&world.replicas[replica].content(&site(), id)).unwrap().prices;
        prices.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let mut both = shown(&world, 0);
    assert_eq!(both, shown(&world, 1), "every node shows the same one");
    both.sort_unstable();
    assert_eq!(both, ["2.5", "3"]);
    price(&mut world, 1, "2.9");
    world.meet(&mut dice);
    assert_eq!(shown(&world, 0), ["2.9"], "who has seen all of them settles them");
    price(&mut world, 0, "-1");
    assert_eq!(shown(&world, 0), Vec::<String>::new(), "what is no price shows nothing");
}

#[test]
fn a_product_row_shows_two_hundred_and_fifty_six_bar_codes() {
    let coded = |count: u32| {
        let posted = (EventKey::ZERO, Event::ProductPosted(ProductPosted { sku: text("A") }));
        let code = |at: u32| {
            let codes = (0..10).map(|check| format!("{at:07}{check}"));
            codes.filter_map(|code| Barcode::new(&code).ok()).next().unwrap()
        };
        let added = |at: u32| {
            (EventKey(u64::from(at + 1).to_be_bytes()), Event::BarcodeAdded(BarcodeAdded { barcode: code(at) }))
        };
        let content = Content { events: (0..count).map(added).chain([posted]).collect(), ..Content::default() };
        let row = fold_document(&content).unwrap();
        assert_eq!(DocumentRow::decode(&row.encode()).unwrap(), row);
        ProductState::fold(&content).unwrap().barcodes.len()
    };
    assert_eq!([BARCODES_MAX as u32, BARCODES_MAX as u32 + 1].map(coded), [256, 256]);
}

#[test]
fn a_product_row_keeps_sixty_four_concurrent_names() {
    let named = |count: usize| {
        let events = [(EventKey::ZERO, Event::ProductPosted(ProductPosted { sku: text("A") }))].into();
        let names = (0..count).map(|at| FieldValue::Text(format!("name {at}"))).collect();
        let content = Content { events, fields: [(FIELD_NAME.to_owned(), names)].into() };
        let row = fold_document(&content).unwrap();
        assert_eq!(DocumentRow::decode(&row.encode()).unwrap(), row);
        ProductState::fold(&content).unwrap().names.len()
    };
    assert_eq!([FIELD_VALUES_MAX, FIELD_VALUES_MAX + 1].map(named), [64, 64]);
}

#[test]
fn a_customer_folds_alike_without_its_key() {
    let mut world = World::new(3);
    for (replica, phone) in ["13800138000", "13900139000"].into_iter().enumerate() {
        let fields = vec![(FIELD_PHONE, sealed_field(CUSTOMER, FIELD_PHONE, phone))];
        let posted = crdt_model::customer::event::CustomerPosted { external: None };
        world.write_with_fields(replica, &customers(), CUSTOMER, fields, |keys| {
            vec![(keys.next(), Event::CustomerPosted(posted))]
        });
    }
    world.meet(&mut Dice(3));
    let folds: Vec<CustomerState> =
        world.replicas.iter().map(|r| CustomerState::fold(&r.content(&customers(), CUSTOMER)).unwrap()).collect();
    assert!(folds.iter().all(|fold| *fold == folds[0]), "replica 2 never had a key");
    let place = SealedPlace { org: OrgId([3; 32]), document: CUSTOMER, field: SealedField::Field(FIELD_PHONE) };
    let mut phones: Vec<_> =
        folds[2].sealed[1].iter().map(|sealed| sealed.open(&SealKey::new([5; 32]), place).unwrap()).collect();
    phones.sort();
    assert_eq!(phones, ["13800138000", "13900139000"]);
}
