//! The n-th fault loop: a short story on one node, told again and again while call 1, 2, 3 ... of its disk fails.
//!
//! Each call fails once, and in a second round from then on for ever. After the story the power is cut, the disk is
//! mended and the node starts: what it acknowledged must be there, nothing may be there twice, nothing may panic.
//!
//! Invariant: the loop ends only when no call of the story failed any more. Proved by `calls()` of the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crdt_model::document_row::DocumentRow;
use crdt_model::id::request_of;
use crdt_model::rows::RowKind;
use crdt_model::scope::Scope;
use node::replica::{Command, RequestKey, StockKind, request_outcome};

use crate::disk::Fault;
use crate::machine::{Answer, Job, Tag, rows_in};
use crate::node::SimNode;
use crate::random::{Purpose, Stream};
use crate::world::begin::{self, code};
use crate::world::goods;
use crdt_model::order::event::Handover;

/// The stories: how many inputs share a batch, and what happens.
pub const SCENARIOS: [(&str, usize); 12] = [
    ("orders, one a batch", 1),
    ("orders, four a batch", 4),
    ("stock and orders", 2),
    ("orders and their cancels", 1),
    ("orders and shipments", 1),
    ("sales over the counter", 3),
    ("an import, twice", 1),
    ("a rebuild between orders", 1),
    ("a restart between orders", 1),
    ("a repeated request", 1),
    ("many small receipts", 8),
    ("everything in one batch", 16),
];

/// What a loop did.
#[derive(Debug, Clone, Default)]
pub struct Loop {
    /// Faults that were tried.
    pub faults: u64,
    /// What went wrong.
    pub failures: Vec<String>,
}

/// Runs a scenario for all n.
pub fn all_calls(scenario: usize) -> Loop {
    let mut found = Loop::default();
    for lasting in [false, true] {
        for call in 1.. {
            let fault = if lasting { Fault::From(call) } else { Fault::Once(call) };
            let told = catch_unwind(AssertUnwindSafe(|| story(scenario, fault)));
            match told {
                Ok(Ok(Told::Untouched)) => break,
                Ok(Ok(Told::Hit)) => found.faults += 1,
                Ok(Err(why)) => found.failures.push(format!("scenario {scenario}, {fault:?}: {why}")),
                Err(_) => found.failures.push(format!("scenario {scenario}, {fault:?}: panic")),
            }
        }
    }
    found
}

/// Whether a fault was reached.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Hit,
    Untouched,
}

fn story(scenario: usize, fault: Fault) -> Result<Told, String> {
    let (mut node, scope) = shop()?;
    let mut chance = Stream::new(7, Purpose::Sessions);
    node.disk.set_fault(fault);
    let mut acknowledged = Vec::new();
    let commands = commands(scenario, &scope);
    let starts_again = scenario == 8;
    for (at, batch) in commands.chunks(SCENARIOS[scenario].1).enumerate() {
        if !node.is_up() && node.start(0, &mut chance).is_err() {
            continue;
        }
        let jobs = batch.iter().map(|(key, command)| job(&node, *key, command.clone())).collect();
        for (tag, answer) in node.process(jobs) {
            if let (Tag::Call(key), Answer::Done(_)) = (tag, answer) {
                acknowledged.push(key);
            }
        }
        if starts_again && at % 2 == 1 {
            node.stop();
        }
    }
    let (_, failed) = node.disk.calls();
    node.stop();
    let found = node.disk.after_power_cut(&mut Stream::new(scenario as u64, Purpose::Disk), 512);
    node.replace_disk(found);
    node.start(0, &mut chance).map_err(|why| format!("it does not start after it was mended: {why}"))?;
    check(&node, &scope, &acknowledged, &commands)?;
    Ok(if failed > 0 { Told::Hit } else { Told::Untouched })
}

fn job(node: &SimNode, key: usize, command: Command) -> Job {
    let mut input = node.input(1_000, command);
    if key > 0 {
        input.request = Some(request(key));
    }
    Job { tag: Tag::Call(key), input }
}

fn request(key: usize) -> RequestKey {
    RequestKey { id: request_of(b"loop", &format!("{key}")), body_hash: [0; 32] }
}

/// Everything that was acknowledged is there, once.
fn check(node: &SimNode, scope: &Scope, keys: &[usize], commands: &[(usize, Command)]) -> Result<(), String> {
    let snapshot = node.snapshot().ok_or("it does not run")?;
    for key in keys.iter().filter(|key| **key > 0) {
        match request_outcome(&snapshot, &request(*key)) {
            Ok(Some(Ok(_))) => {}
            other => return Err(format!("request {key} was acknowledged and is {other:?}")),
        }
    }
    let rows = rows_in(&snapshot, scope, RowKind::Document).map_err(|error| error.to_string())?;
    let is_taken = |value: &[u8]| matches!(DocumentRow::decode(value), Ok(DocumentRow::Order(order)) if order.header.external.is_none());
    let orders = rows.iter().filter(|(_, value)| is_taken(value)).count();
    let mut asked: Vec<usize> =
        commands.iter().filter(|(_, command)| matches!(command, Command::PlaceOrder(_))).map(|(key, _)| *key).collect();
    asked.dedup();
    let told = asked.iter().filter(|key| keys.contains(key)).count();
    if orders < told || orders > asked.len() {
        return Err(format!("{told} orders acknowledged, {} asked for, {orders} there", asked.len()));
    }
    Ok(())
}

/// A shop with an item, on a disk without faults.
fn shop() -> Result<(SimNode, Scope), String> {
    let (org, bytes) = begin::genesis()?;
    let mut node = SimNode::new(0, code("HQ"), org, None);
    node.replace_disk(bytes);
    node.start(0, &mut Stream::new(1, Purpose::Sessions))?;
    let product = job(&node, 0, begin::product(0));
    node.process(vec![product]);
    let channel = job(&node, 0, begin::channel("HQ"));
    node.process(vec![channel]);
    Ok((node, Scope::Site(code("HQ"))))
}

/// The commands of a story with their request keys.
fn commands(scenario: usize, scope: &Scope) -> Vec<(usize, Command)> {
    let order = |key: usize| (key, goods::draft(Handover::Later, key as u64, 1));
    let receipt = |key: usize| (key, goods::stock(StockKind::Receipt, 5));
    let import = |key: usize| (key, goods::file("web", 0));
    match scenario {
        0 | 1 | 8 => (1..=8).map(order).collect(),
        2 => (1..=8).map(|key| if key % 2 == 0 { order(key) } else { receipt(key) }).collect(),
        3 => pairs(scope, |scope, id| Command::CancelOrder { scope, id, lines: None, reason: None }),
        4 => pairs(scope, |scope, id| Command::ShipOrder { scope, id, lines: None }),
        5 => (1..=9).map(|key| (key, goods::draft(Handover::AtOnce, key as u64, 1))).collect(),
        6 => vec![import(0), order(1), import(0), order(2)],
        7 => vec![order(1), order(2), (0, Command::Rebuild), order(3)],
        9 => (1..=4).flat_map(|key| [order(key), order(key), order(key)]).collect(),
        10 => (1..=16).map(receipt).collect(),
        _all => (1..=16).map(|key| if key % 3 == 0 { receipt(key) } else { order(key) }).collect(),
    }
}

/// Orders, each followed by what is done to an order that is not there yet: refused, and nothing is written of it.
fn pairs(scope: &Scope, then: impl Fn(Scope, crdt_model::id::DocumentId) -> Command) -> Vec<(usize, Command)> {
    let unknown = crdt_model::id::DocumentId([9; 16]);
    (1..=6)
        .map(|key| {
            if key % 2 == 1 {
                (key, goods::draft(Handover::Later, key as u64, 1))
            } else {
                (key, then(scope.clone(), unknown))
            }
        })
        .collect()
}
