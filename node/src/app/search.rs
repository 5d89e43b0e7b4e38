//! Search over products, customers and orders: the lines in memory, and how they follow the store.
//!
//! The lines are made at the first question, beside it; from then each question first takes in what was written since. While
//! they are made, or much is new, exact SKUs and order numbers are answered by the store's own indexes.
//!
//! Invariants: what is durable is found by the next question; a customer whose details cannot be read is never shown.
//! Proved by `what_was_just_written_is_found` and `search_follows_an_import`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crdt_model::commit::SignedCommit;
use crdt_model::document_row::DocumentRow;
use crdt_model::id::DocumentId;
use crdt_model::rows::RowKey;
use crdt_model::scope::Scope;
use crdt_model::scope_state::label_of;

use super::error::AppError;
use super::model::{CustomerView, OrderView, ProductView};
use super::{App, read, storage};
use crate::search::{Kind, QUESTION_BYTES_MAX, Record, Records};
use crate::store::{Direction, KeyRange, ReadTables, Snapshot, Table};

/// Commits that a question takes in itself; more are taken in beside it.
const COMMITS_AT_ONCE: u64 = 256;

/// Document rows that are read together while the lines are made.
const ROWS_AT_ONCE: usize = 512;

/// A hit, as the store has it at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hit {
    /// A product.
    Product(Box<ProductView>),
    /// A customer.
    Customer(Box<CustomerView>),
    /// An order.
    Order(Box<OrderView>),
}

/// What a search gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    /// The nearest of each kind.
    pub hits: Vec<Hit>,
    /// Whether lines are still being made: there may be more.
    pub is_building: bool,
}

/// The lines of a node.
#[derive(Default)]
pub(super) struct SearchLines {
    state: Mutex<State>,
}

#[derive(Default)]
enum State {
    /// Nobody asked yet.
    #[default]
    Unmade,
    /// A thread makes them.
    Building,
    /// They stand.
    Ready(Lines),
}

struct Lines {
    records: Records,
    /// How far each scope was read, by arrival.
    read_to: BTreeMap<Scope, u64>,
    commits: u64,
}

impl App {
    /// The nearest products, customers and orders, at most `limit` of each.
    pub fn search(&self, question: &str, limit: usize) -> Result<Hits, AppError> {
        if question.len() > QUESTION_BYTES_MAX {
            let detail = format!("it has {} bytes, the limit is {QUESTION_BYTES_MAX}", question.len());
            return Err(AppError::field("/q", detail, "Shorten it."));
        }
        let targets = self.targets(question, limit)?;
        let is_building = targets.is_none();
        let targets = targets.unwrap_or_else(|| {
            let exact = |kind| (kind, question.trim().to_owned());
            vec![exact(Kind::Product), exact(Kind::Order)]
        });
        let mut hits = Vec::new();
        for (kind, target) in targets {
            hits.extend(self.hit(kind, &target)?);
        }
        Ok(Hits { hits, is_building })
    }

    fn hit(&self, kind: Kind, target: &str) -> Result<Option<Hit>, AppError> {
        let hit = match kind {
            Kind::Product => self.product(target).map(|product| Hit::Product(Box::new(product))),
            Kind::Customer => self.customer(target).map(|customer| Hit::Customer(Box::new(customer))),
            Kind::Order => self.order(target).map(|order| Hit::Order(Box::new(order))),
        };
        match hit {
            Ok(Hit::Customer(customer)) if customer.name.is_none() => Ok(None),
            Ok(hit) => Ok(Some(hit)),
            Err(AppError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the lines say; `None` while they are made or too far behind.
    fn targets(&self, question: &str, limit: usize) -> Result<Option<Vec<(Kind, String)>>, AppError> {
        let snapshot = self.snapshot()?;
        let held = snapshot.count(Table::CommitOrder).map_err(storage)?;
        let mut state = self.inner.search.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State::Ready(lines) = &mut *state else {
            if matches!(*state, State::Unmade) {
                *state = State::Building;
                self.make_lines();
            }
            return Ok(None);
        };
        if held.saturating_sub(lines.commits) > COMMITS_AT_ONCE {
            *state = State::Building;
            self.make_lines();
            return Ok(None);
        }
        if held != lines.commits {
            lines.take_in(self, &snapshot)?;
        }
        let found = lines.records.find(question, limit);
        Ok(Some(found.into_iter().map(|record| (record.kind, record.target.clone())).collect()))
    }

    /// Makes the lines on a thread of its own; a store that cannot be read leaves them unmade, and the next question tries
    /// again.
    fn make_lines(&self) {
        let app = self.clone();
        let make = move || {
            let made = app.snapshot().and_then(|snapshot| Lines::of(&app, &snapshot));
            *app.inner.search.state.lock().unwrap_or_else(PoisonError::into_inner) =
                made.map_or(State::Unmade, State::Ready);
        };
        let spawned = std::thread::Builder::new().name("search".to_owned()).spawn(make);
        // Without a thread exact codes are still found.
        drop(spawned);
    }
}

impl Lines {
    fn of(app: &App, snapshot: &Snapshot) -> Result<Self, AppError> {
        let mut lines = Self { records: Records::default(), read_to: BTreeMap::new(), commits: 0 };
        for scope in read::scopes(snapshot)?.into_iter().filter(is_searched) {
            lines.read_to.insert(scope.clone(), last_arrival(snapshot, &scope)?);
            lines.put_all(app, snapshot, &scope)?;
        }
        lines.commits = snapshot.count(Table::CommitOrder).map_err(storage)?;
        Ok(lines)
    }

    /// Reads a scope part by part, so that its rows are never in memory together.
    fn put_all(&mut self, app: &App, snapshot: &Snapshot, scope: &Scope) -> Result<(), AppError> {
        let mut after = None;
        loop {
            let part = read::documents_after(snapshot, scope, after.as_ref(), ROWS_AT_ONCE)?;
            let Some((last, _)) = part.last() else { return Ok(()) };
            after = Some(*last);
            for (id, row) in &part {
                self.put(app, snapshot, *id, row)?;
            }
        }
    }

    /// Reads again what commits touched that came since.
    fn take_in(&mut self, app: &App, snapshot: &Snapshot) -> Result<(), AppError> {
        for scope in read::scopes(snapshot)?.into_iter().filter(is_searched) {
            let from = self.read_to.get(&scope).copied().unwrap_or_default();
            let (touched, last) = touched_since(snapshot, &scope, from)?;
            for id in touched {
                if let Some(row) = read::document(snapshot, &scope, &id)? {
                    self.put(app, snapshot, id, &row)?;
                }
            }
            self.read_to.insert(scope, last);
        }
        self.commits = snapshot.count(Table::CommitOrder).map_err(storage)?;
        Ok(())
    }

    fn put(&mut self, app: &App, snapshot: &Snapshot, id: DocumentId, row: &DocumentRow) -> Result<(), AppError> {
        if let Some(record) = record(app, snapshot, id, row)? {
            self.records.put(id, record);
        }
        Ok(())
    }
}

/// The line of a document; journals and control have none.
fn record(app: &App, snapshot: &Snapshot, id: DocumentId, row: &DocumentRow) -> Result<Option<Record>, AppError> {
    Ok(match row {
        DocumentRow::Product(product) => {
            let codes: Vec<&str> =
                [&product.sku].into_iter().chain(&product.barcodes).map(|text| text.as_str()).collect();
            let names: Vec<&str> = product.names.iter().map(|name| name.as_str()).collect();
            Some(Record::new(Kind::Product, product.sku.as_str(), &names, &codes))
        }
        DocumentRow::Customer(customer) => {
            let ([name, phone, ..], _) = read::open_customer(snapshot, app.facts().org, id, customer)?;
            let phone: String = phone.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
            let number = customer.external.as_ref().map(|external| external.number.to_string()).unwrap_or_default();
            let target = id.to_string();
            Some(Record::new(Kind::Customer, &target, &[&name.unwrap_or_default()], &[&phone, &number]))
        }
        DocumentRow::Order(order) => {
            let number = label_of(order).to_string();
            let external = order.header.external.as_ref().map(|external| external.number.to_string());
            let target = id.to_string();
            Some(Record::new(Kind::Order, &target, &[], &[&number, &external.unwrap_or_default()]))
        }
        _not_searched => None,
    })
}

fn is_searched(scope: &Scope) -> bool {
    matches!(scope, Scope::Catalogue | Scope::Customers(_) | Scope::Site(_))
}

fn arrival_of(key: &[u8]) -> u64 {
    key.last_chunk().map_or(0, |arrival| u64::from_be_bytes(*arrival))
}

fn last_arrival(snapshot: &Snapshot, scope: &Scope) -> Result<u64, AppError> {
    let mut last = 0;
    let visit = |key: &[u8], _: &[u8]| {
        last = arrival_of(key);
        std::ops::ControlFlow::Break(())
    };
    let range = KeyRange::prefix(RowKey::of(scope).as_bytes());
    snapshot.scan(Table::CommitOrder, &range, Direction::Backward, visit).map_err(storage)?;
    Ok(last)
}

/// The documents of all commits of a scope behind an arrival, and the last arrival.
fn touched_since(snapshot: &Snapshot, scope: &Scope, from: u64) -> Result<(BTreeSet<DocumentId>, u64), AppError> {
    let (mut hashes, mut last) = (Vec::new(), from);
    let prefix = RowKey::of(scope);
    let range = KeyRange::prefix(prefix.as_bytes()).after(prefix.clone().fixed(&from.to_be_bytes()).as_bytes());
    let visit = |key: &[u8], hash: &[u8]| {
        last = arrival_of(key);
        hashes.push(hash.to_vec());
        std::ops::ControlFlow::Continue(())
    };
    snapshot.scan(Table::CommitOrder, &range, Direction::Forward, visit).map_err(storage)?;
    let mut touched = BTreeSet::new();
    for hash in hashes {
        let bytes = snapshot.get(Table::Commits, &hash).map_err(storage)?.unwrap_or_default();
        let signed = SignedCommit::decode_trusted(&bytes).map_err(|error| AppError::Storage(error.to_string()))?;
        touched.extend(signed.commit().changes.iter().map(|change| change.document));
    }
    Ok((touched, last))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::http::tests::world::World;

    /// The lines stand once a question is answered from them.
    fn until_ready(app: &App) {
        while app.search("nothing", 1).unwrap().is_building {
            std::thread::yield_now();
        }
    }

    fn labels(app: &App, question: &str) -> Vec<String> {
        let label = |hit| match hit {
            Hit::Product(product) => product.sku.to_string(),
            Hit::Customer(customer) => customer.name.unwrap().to_string(),
            Hit::Order(order) => order.number,
        };
        app.search(question, 10).unwrap().hits.into_iter().map(label).collect()
    }

    #[tokio::test]
    async fn what_was_just_written_is_found() {
        let world = World::with_product().await;
        let app = world.app();
        assert!(app.search("85123A", 5).unwrap().is_building, "nobody asked before");
        assert_eq!(labels(app, "85123A"), ["85123A"], "an exact code is found at once");
        until_ready(app);
        world.post("/api/v1/products", r#"{"sku": "TEA", "name": "明前龙井", "barcode": "6901234567892"}"#).await;
        world.post("/api/v1/customers", r#"{"name": "王小明", "phone": "138 0000 4567"}"#).await;
        let order = r#"{"walk_in": true, "lines": [{"sku": "TEA", "quantity": "1", "price": "2"}]}"#;
        world.post("/api/v1/orders", order).await;
        for (question, label) in [
            ("tea", "TEA"),
            ("mqlj", "TEA"),
            ("7892", "TEA"),
            ("4567", "王小明"),
            ("wangxiao", "王小明"),
            ("000001", "HQ-A-000001"),
            ("holder", "85123A"),
        ] {
            assert!(labels(app, question).contains(&label.to_owned()), "{question}");
        }
    }

    #[tokio::test]
    async fn search_follows_an_import() {
        let world = World::new();
        let app = world.app();
        until_ready(app);
        for n in 0..COMMITS_AT_ONCE + 2 {
            let body = format!(r#"{{"sku": "P{n:04}", "name": "item {n}"}}"#);
            world.post("/api/v1/products", body).await;
        }
        assert!(app.search("P0007", 5).unwrap().is_building, "too much is new to be read beside a question");
        until_ready(app);
        assert_eq!(labels(app, "item 257"), ["P0257"]);
    }
}
