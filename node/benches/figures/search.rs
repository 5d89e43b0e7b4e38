//! Typeahead over 200,000 records: the scan alone, without a store.
//!
//! Invariant: the same records and questions in every run.

use std::hint::black_box;
use std::time::Instant;

use crdt_model::id::DocumentId;
use node::search::{Kind, Record, Records};

use super::{Outcome, figure};

const RECORDS: u64 = 200_000;
/// Each question is asked so often.
const ROUNDS: usize = 40;
const QUESTIONS: [&str; 6] = ["lj", "longjing", "龙井", "4567", "199999", "no such thing"];
const NAMES: [&str; 5] = ["明前龙井茶叶", "青瓷茶杯", "王小明", "Blue mug", "紫砂壶"];

/// Prints the figures.
pub fn run() -> Outcome<()> {
    let start = Instant::now();
    let mut records = Records::default();
    for n in 0..RECORDS {
        let name = format!("{} {n}", NAMES[n as usize % NAMES.len()]);
        let (sku, phone) = (format!("S{n:06}"), format!("138{:08}", n * 7_919 % 100_000_000));
        let kind = Kind::ALL[n as usize % Kind::ALL.len()];
        let mut id = [0; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        records.put(DocumentId(id), Record::new(kind, &sku, &[&name], &[&sku, &phone]));
    }
    figure::print("search_build_200000", start.elapsed().as_secs_f64(), "s", "-");
    let mut took = Vec::new();
    for question in QUESTIONS.iter().cycle().take(ROUNDS * QUESTIONS.len()) {
        let start = Instant::now();
        black_box(records.find(black_box(question), 10));
        took.push(start.elapsed());
    }
    took.sort_unstable();
    figure::print("search_200000_p50", figure::millis(took[took.len() / 2]), "ms", "-");
    figure::print("search_200000_p95", figure::millis(took[took.len() * 95 / 100]), "ms", "<= 20");
    Ok(())
}
