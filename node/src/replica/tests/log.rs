//! Tests of the own log: what is durable is one unbroken chain, whatever was dropped before.
#![allow(clippy::unwrap_used)]

use crdt_model::scope::Scope;

use super::super::*;
use super::random::Commands;
use super::world::*;
use crate::store::Table;

/// Transactions of one history.
const BATCHES: usize = 40;

#[test]
fn the_own_log_is_contiguous_after_dropped_batches() {
    for seed in 1..=3 {
        let mut commands = Commands::new(seed);
        let mut shop = Shop::with(&["lamp", "chair", "85123A", "椅子"]);
        shop.done(channel("web", "SH01"));
        let mut dropped = 0;
        for _ in 0..BATCHES {
            let inputs: Vec<Input> = commands.batch().into_iter().map(|command| shop.input(command)).collect();
            match commands.below(10) {
                0..=2 => {
                    shop.handle_dropped(&inputs);
                    dropped += 1;
                }
                3 => shop.restart(),
                _ => {
                    let answers = shop.handle(&inputs);
                    commands.learn(&answers);
                }
            }
        }
        assert!(dropped >= 3 && shop.commits(&scope()).len() >= BATCHES / 2, "seed {seed} shows something");
        check_own_log(&shop);
    }
}

#[test]
fn a_dropped_batch_leaves_no_trace_in_store_or_numbers() {
    let mut shop = Shop::with(&["lamp"]);
    let before: Vec<_> = Table::ALL.iter().map(|table| shop.dump(*table)).collect();
    let inputs = [shop.input(stock(StockKind::Receipt, "lamp", 5)), shop.input(place("lamp", "2"))];
    shop.handle_dropped(&inputs);
    let after: Vec<_> = Table::ALL.iter().map(|table| shop.dump(*table)).collect();
    assert_eq!(after, before);
    let id = shop.order(place("lamp", "2"));
    assert_eq!(shop.state(id).header.label, Some(text("SH01-A-000001")), "the number was not used up");
    assert_eq!(shop.stock("lamp").secured, 0, "the dropped receipt gave no rights");
    check_own_log(&shop);
}

#[test]
fn numbers_go_on_after_a_restart() {
    let mut shop = Shop::with(&["lamp"]);
    for number in 1..=4 {
        let id = shop.order(place("lamp", "1"));
        assert_eq!(shop.state(id).header.label, Some(text(&format!("SH01-A-{number:06}"))));
        shop.restart();
    }
    check_own_log(&shop);
}

#[test]
fn every_commit_outside_control_cites_the_newest_control_commit() {
    let mut shop = Shop::with(&["lamp"]);
    shop.done(channel("web", "SH01"));
    shop.order(place("lamp", "1"));
    let control = shop.commits(&Scope::Control);
    assert_eq!(control.len(), 2);
    assert!(control.iter().all(|commit| commit.commit().control_heads.is_empty()));
    let own = shop.commits(&scope());
    assert_eq!(own[0].commit().control_heads, [control[0].hash()], "the product came before the channel");
    assert_eq!(own.last().unwrap().commit().control_heads, [control[1].hash()]);
}
