//! Tests of the views: whatever happened, they are what the commits say.
#![allow(clippy::unwrap_used)]

use super::super::*;
use super::random::Commands;
use super::world::*;
use crate::store::Table;

/// Every table that a rebuild makes anew.
const VIEWS: [Table; 12] = [
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
];

/// Compares every table before and after a rebuild, byte by byte.
fn check_views(shop: &mut Shop, seed: u64) {
    let before: Vec<_> = Table::ALL.iter().map(|table| shop.dump(*table)).collect();
    let rebuilt = shop.done(Command::Rebuild);
    for (table, before) in Table::ALL.iter().zip(before) {
        assert_eq!(shop.dump(*table), before, "seed {seed}: {}", table.name());
    }
    let (documents, commits) = (shop.count(Table::Documents), shop.count(Table::CommitOrder));
    match rebuilt {
        Outcome::Rebuilt { documents: folded, commits: read, .. } => assert_eq!((folded, read), (documents, commits)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn views_equal_a_rebuild_from_commits() {
    for seed in 100..103 {
        let mut commands = Commands::new(seed);
        let mut shop = Shop::with(&["lamp", "chair", "85123A", "椅子"]);
        shop.done(channel("web", "SH01"));
        for at in 1..=30 {
            let batch = commands.batch();
            let mut inputs: Vec<Input> = batch.into_iter().map(|command| shop.input(command)).collect();
            for (input, number) in inputs.iter_mut().zip(0..) {
                let id = crdt_model::id::RequestId([at; 16]);
                input.request = (number == 0).then_some(RequestKey { id, body_hash: [1; 32] });
            }
            match commands.below(8) {
                0 => shop.handle_dropped(&inputs),
                1 => shop.restart(),
                _ => {
                    let answers = shop.handle(&inputs);
                    commands.learn(&answers);
                }
            }
            if at % 15 == 0 {
                check_views(&mut shop, seed);
            }
        }
        let empty: Vec<_> = VIEWS.iter().filter(|table| shop.count(**table) == 0).collect();
        assert!(empty.is_empty(), "seed {seed} filled no row of {empty:?}");
    }
}

#[test]
fn a_rebuild_mends_damaged_views() {
    let mut shop = Shop::with(&["lamp"]);
    shop.receive("lamp", 3);
    let id = shop.order(place("lamp", "2"));
    let before: Vec<_> = VIEWS.iter().map(|table| shop.dump(*table)).collect();
    let key = crdt_model::rows::RowKey::of(&scope()).into_bytes();
    let damaged = shop.store.write(|tx| {
        for table in VIEWS.into_iter().filter(|table| *table != Table::Rows) {
            for (key, _) in list(tx, table, &key) {
                tx.delete(table, &key)?;
            }
            tx.put(table, &[&key[..], b"wrong"].concat(), b"wrong")?;
        }
        Ok::<_, crate::store::StoreError>(())
    });
    damaged.unwrap();
    shop.done(Command::Rebuild);
    assert_eq!(VIEWS.iter().map(|table| shop.dump(*table)).collect::<Vec<_>>(), before);
    shop.done(ship(id, None));
    assert_eq!(shop.stock("lamp").on_hand, 1_000);
}
