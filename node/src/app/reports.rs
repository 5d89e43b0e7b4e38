//! The sales report over the scopes that this node holds.
//!
//! Invariant: a range of days costs a scan of that range, never a recomputation. Measured by the bench
//! `scale`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crdt_model::codec::Reader;
use crdt_model::id::DocumentId;
use crdt_model::rows::{RowKey, day_in_key};
use crdt_model::sales::SalesSums;
use crdt_model::scope::Scope;
use crdt_model::text::Text;
use crdt_model::time::BusinessDate;

use super::error::AppError;
use super::model::{MoneySum, QuantitySum, SalesBy, SalesFigures, SalesReport, SalesReportRequest, SalesRow};
use super::read::{self, damaged};
use super::{App, storage};
use crate::report::coverage::Completeness;
use crate::report::sales::{DEFINITIONS, Order, Row, rows};
use crate::store::{Direction, KeyRange, ReadTables, Snapshot, Table};

/// What a row stands for, before it is put into words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Word(String),
    Document(DocumentId),
    Nothing,
}

type Sums = BTreeMap<Key, SalesSums>;

impl App {
    /// Runs the sales report.
    pub fn sales_report(&self, request: SalesReportRequest) -> Result<SalesReport, AppError> {
        let snapshot = self.snapshot()?;
        let scopes = read::site_scopes(&snapshot)?;
        let (mut sums, mut totals) = (Sums::new(), SalesSums::default());
        for scope in &scopes {
            add_totals(&snapshot, scope, &request, &mut totals)?;
            add_rows(&snapshot, scope, &request, &mut sums)?;
        }
        let mut names = Names { snapshot: &snapshot, app: self, failure: None };
        let order = match request.by {
            SalesBy::Month | SalesBy::Day => Order::ByKey,
            SalesBy::Country | SalesBy::Item | SalesBy::Customer | SalesBy::Site => Order::ByGross,
        };
        let top = request.top.map(|top| top as usize);
        let ordered = rows(sums, order, top, |key| names.text(request.by, key));
        let rows = ordered.into_iter().map(|row| names.row(request.by, row)).collect();
        if let Some(failure) = names.failure {
            return Err(failure);
        }
        let (coverage, completeness) = self.coverage(&read::control(&snapshot)?)?;
        Ok(SalesReport {
            by: request.by,
            currency: self.facts().currency,
            from: request.from,
            to: request.to,
            rows,
            totals: figures(&totals),
            definitions: DEFINITIONS.to_vec(),
            complete: completeness == Completeness::Complete,
            coverage,
        })
    }
}

/// Visits the sums of a table from the first to the last wanted day: day, rest of the key, sums.
fn scan_days(
    snapshot: &Snapshot,
    table: Table,
    scope: &Scope,
    request: &SalesReportRequest,
    mut each: impl FnMut(BusinessDate, &[u8], SalesSums),
) -> Result<(), AppError> {
    let prefix = RowKey::of(scope);
    let length = prefix.as_bytes().len();
    let mut range = KeyRange::prefix(prefix.as_bytes());
    if let Some(from) = request.from {
        let whole = prefix.clone().day(from);
        let end = range_end(&prefix);
        range = KeyRange::between(whole.as_bytes(), &end);
    }
    let mut failure = None;
    let visit = |key: &[u8], value: &[u8]| {
        let Some(day) = day_in_key(key, length) else { return ControlFlow::Continue(()) };
        if request.to.is_some_and(|to| day > to) {
            return ControlFlow::Break(());
        }
        match SalesSums::decode(value) {
            Ok(sums) => {
                each(day, &key[length + 4..], sums);
                ControlFlow::Continue(())
            }
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    snapshot.scan(table, &range, Direction::Forward, visit).map_err(storage)?;
    failure.map_or(Ok(()), |error| Err(damaged(error)))
}

fn range_end(prefix: &RowKey) -> Vec<u8> {
    prefix.clone().fixed(&[0xff; 32]).into_bytes()
}

fn add_totals(
    snapshot: &Snapshot,
    scope: &Scope,
    request: &SalesReportRequest,
    totals: &mut SalesSums,
) -> Result<(), AppError> {
    scan_days(snapshot, Table::SalesByDay, scope, request, |_, _, sums| totals.add(&sums))
}

fn add_rows(snapshot: &Snapshot, scope: &Scope, request: &SalesReportRequest, rows: &mut Sums) -> Result<(), AppError> {
    let (table, site) = match request.by {
        SalesBy::Month | SalesBy::Day | SalesBy::Site => (Table::SalesByDay, scope.to_string()),
        SalesBy::Country => (Table::SalesByCountry, String::new()),
        SalesBy::Item => (Table::SalesByItem, String::new()),
        SalesBy::Customer => (Table::SalesByCustomer, String::new()),
    };
    let aliases = match request.by {
        SalesBy::Item => read::aliases(snapshot, scope)?,
        SalesBy::Month | SalesBy::Day | SalesBy::Site | SalesBy::Country | SalesBy::Customer => {
            read::Aliases::default()
        }
    };
    scan_days(snapshot, table, scope, request, |day, rest, sums| {
        let key = match request.by {
            SalesBy::Month => Key::Word(day.month()),
            SalesBy::Day => Key::Word(day.to_string()),
            SalesBy::Site => Key::Word(site.trim_start_matches("site/").to_owned()),
            SalesBy::Country => word_key(rest),
            SalesBy::Item => match document_key(rest) {
                Key::Document(item) => Key::Document(aliases.follow(item)),
                key @ (Key::Word(_) | Key::Nothing) => key,
            },
            SalesBy::Customer => document_key(rest),
        };
        rows.entry(key).or_default().add(&sums);
    })
}

/// A region behind its length; empty for none.
fn word_key(rest: &[u8]) -> Key {
    match rest.get(2..).map(String::from_utf8_lossy) {
        Some(word) if !word.is_empty() => Key::Word(word.into_owned()),
        Some(_) | None => Key::Nothing,
    }
}

fn document_key(rest: &[u8]) -> Key {
    match Reader::new(rest).array("document id").map(DocumentId) {
        Ok(id) if id != DocumentId::ZERO => Key::Document(id),
        Ok(_) | Err(_) => Key::Nothing,
    }
}

/// Puts keys into words; the first failure is kept.
struct Names<'a> {
    snapshot: &'a Snapshot,
    app: &'a App,
    failure: Option<AppError>,
}

impl Names<'_> {
    fn text(&mut self, by: SalesBy, key: &Key) -> Option<String> {
        match key {
            Key::Word(word) => Some(word.clone()),
            Key::Nothing => None,
            Key::Document(id) => Some(match by {
                SalesBy::Item => self.sku(id),
                SalesBy::Month | SalesBy::Day | SalesBy::Country | SalesBy::Customer | SalesBy::Site => {
                    self.customer_number(id)
                }
            }),
        }
    }

    fn row(&mut self, by: SalesBy, row: Row<Key>) -> SalesRow {
        let name = match &row.key {
            Key::Document(id) => self.name(by, id),
            Key::Word(_) | Key::Nothing => None,
        };
        SalesRow { rank: row.rank, key: row.text, name, figures: figures(&row.sums) }
    }

    fn sku(&mut self, id: &DocumentId) -> String {
        let product = read::product(self.snapshot, id);
        self.kept(product).flatten().map_or_else(|| id.to_string(), |(_, product)| product.sku.to_string())
    }

    fn customer_number(&mut self, id: &DocumentId) -> String {
        let customer = read::customer(self.snapshot, id);
        let external = self.kept(customer).flatten().and_then(|customer| customer.external);
        external.map_or_else(|| id.to_string(), |external| external.number.to_string())
    }

    fn name(&mut self, by: SalesBy, id: &DocumentId) -> Option<Text> {
        if by == SalesBy::Item {
            let product = read::product(self.snapshot, id);
            return self.kept(product).flatten().map(|(_, product)| product.name().clone());
        }
        let customer = read::customer(self.snapshot, id);
        let customer = self.kept(customer).flatten()?;
        let opened = read::open_customer(self.snapshot, self.app.facts().org, *id, &customer);
        let ([name, ..], _) = self.kept(opened)?;
        name.and_then(|name| Text::new(&name).ok())
    }

    fn kept<T>(&mut self, result: Result<T, AppError>) -> Option<T> {
        result.map_err(|error| self.failure = Some(error)).ok()
    }
}

fn figures(sums: &SalesSums) -> SalesFigures {
    let count = |count: i128| u64::try_from(count).unwrap_or(0);
    SalesFigures {
        gross_sales: MoneySum(sums.gross),
        net_sales: MoneySum(sums.net),
        units: QuantitySum(sums.units),
        invoices: count(sums.invoices),
        lines: count(sums.lines),
    }
}
