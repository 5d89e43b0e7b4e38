//! What one folded document adds to its scope. Pure; no other document is looked at.
//!
//! Invariant: a function of the row alone. Proved by `any_order_of_updates_gives_the_same_rows` in `merge_laws`.

use std::collections::BTreeMap;

use super::skus::sku_key;
use crate::case::{CaseId, CaseKind, CaseRow};
use crate::document_row::DocumentRow;
use crate::id::{DocumentId, EventId, EventKey, LoanId};
use crate::journal::event::{Booking, StockFact};
use crate::journal::loan::Loan;
use crate::journal::state::{JournalEntry, JournalState};
use crate::order::event::Entry;
use crate::order::line::{Source, Use};
use crate::order::state::{OrderState, Purpose};
use crate::product::state::ProductState;
use crate::rows::{RowKey, RowKind, ViewTable, row_key};
use crate::sales::SalesSums;
use crate::scope::Scope;
use crate::stock::loan::{Given, LoanRow};
use crate::stock::{FactBooking, Moved, Rights, StockSums};
use crate::text::Text;

/// What a document adds to rows of sums.
pub(super) type SalesParts = BTreeMap<(ViewTable, Vec<u8>), SalesSums>;

/// Everything that a document adds.
#[derive(Debug, Default)]
pub(super) struct Contribution {
    pub stock: BTreeMap<DocumentId, (Text, StockSums)>,
    pub sales: SalesParts,
    pub index: BTreeMap<(ViewTable, Vec<u8>), Vec<u8>>,
    pub cases: BTreeMap<CaseId, CaseRow>,
    pub facts: Vec<FactPart>,
    /// What an order's shipments left uncovered, by item.
    pub uncovered: BTreeMap<DocumentId, (Text, i128)>,
    pub loans: BTreeMap<(LoanId, DocumentId), LoanRow>,
}

/// A part of a fact's row that a journal adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FactPart {
    pub fact: EventId,
    pub item: DocumentId,
    pub sku: Text,
    pub part: FactPartKind,
}

/// The fact itself or a booking of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FactPartKind {
    Moved(Moved),
    Booked(FactBooking),
}

impl Contribution {
    pub fn of(scope: &Scope, id: DocumentId, row: &DocumentRow) -> Self {
        let mut contribution = Self::default();
        match row {
            DocumentRow::Order(order) => contribution.add_order(scope, id, order),
            DocumentRow::Journal(journal) => contribution.add_journal(id, journal),
            DocumentRow::Product(product) => {
                contribution.add_alias(scope, id, product);
                let key = sku_key(scope, RowKind::Document, product.sku.as_str()).into_bytes();
                contribution.index.insert((ViewTable::ItemsBySku, key), Vec::new());
            }
            DocumentRow::Control(_) | DocumentRow::Customer(_) => {}
        }
        contribution
    }

    fn add_order(&mut self, scope: &Scope, id: DocumentId, order: &OrderState) {
        self.index_order(scope, id, order);
        if order.header.entry == Entry::New && order.purpose == Purpose::Sale {
            self.add_order_stock(order);
        }
        if order.duplicate_of.is_none() {
            self.add_order_sales(scope, order);
        }
        for case in order_cases(id, order) {
            self.cases.insert(case.id(), case);
        }
    }

    fn index_order(&mut self, scope: &Scope, id: DocumentId, order: &OrderState) {
        let at = order.header.time.at;
        let mut index = |table, key: RowKey| self.index.insert((table, key.document(&id).into_bytes()), Vec::new());
        index(ViewTable::OrdersByTime, RowKey::of(scope).time(at));
        index(ViewTable::OrdersByStatus, RowKey::of(scope).byte(order.status() as u8).time(at));
        if let Some(customer) = &order.header.customer {
            index(ViewTable::OrdersByCustomer, RowKey::of(scope).document(customer).time(at));
        }
        let label = label_of(order);
        if !label.as_str().is_empty() {
            index(ViewTable::OrdersByNumber, RowKey::of(scope).text(label.as_str()));
        }
    }

    fn add_alias(&mut self, scope: &Scope, id: DocumentId, product: &ProductState) {
        if let Some(target) = product.alias_of() {
            let key = row_key(scope, RowKind::Alias, &id.0).into_bytes();
            self.index.insert((ViewTable::Rows, key), target.as_str().as_bytes().to_vec());
        }
    }

    fn add_order_stock(&mut self, order: &OrderState) {
        for line in &order.lines {
            let mut sums = StockSums {
                on_hand: -line.shipped,
                secured: line.secured(),
                unsecured: line.unsecured(),
                spent: line.spent(),
                rights: BTreeMap::new(),
            };
            for (epoch, burned) in line.burns() {
                sums.add_rights(epoch, &Rights { burned, ..Rights::default() });
            }
            for Use { source, secured, spent } in line.uses() {
                match source {
                    Source::Keeper(epoch) => sums.add_rights(epoch, &Rights { secured, spent, ..Rights::default() }),
                    Source::Loan(loan) => {
                        let row = self.loan(loan, &line.sku);
                        (row.secured, row.spent) = (row.secured + secured, row.spent + spent);
                    }
                }
            }
            self.add_stock(&line.sku, sums);
            if line.uncovered() > 0 {
                let item = DocumentId::of_sku(line.sku.as_str());
                self.uncovered.entry(item).or_insert_with(|| (line.sku.clone(), 0)).1 += line.uncovered();
            }
        }
    }

    fn loan(&mut self, loan: LoanId, sku: &Text) -> &mut LoanRow {
        let item = DocumentId::of_sku(sku.as_str());
        self.loans.entry((loan, item)).or_insert_with(|| LoanRow { sku: sku.clone(), ..LoanRow::default() })
    }

    fn add_stock(&mut self, sku: &Text, sums: StockSums) {
        let item = DocumentId::of_sku(sku.as_str());
        self.stock.entry(item).or_insert_with(|| (sku.clone(), StockSums::default())).1.add(&sums);
    }

    fn add_order_sales(&mut self, scope: &Scope, order: &OrderState) {
        let day = order.header.time.business_date;
        let mut whole = SalesSums::default();
        for line in &order.lines {
            let sums = SalesSums::of_line(order, line);
            let item = DocumentId::of_sku(line.sku.as_str());
            self.add_sales(ViewTable::SalesByItem, RowKey::of(scope).day(day).document(&item), &sums);
            whole.add_line_of_same_order(&sums);
        }
        let region = order.header.region.as_ref().map_or("", Text::as_str);
        let customer = order.header.customer.unwrap_or(DocumentId::ZERO);
        self.add_sales(ViewTable::SalesByDay, RowKey::of(scope).day(day), &whole);
        self.add_sales(ViewTable::SalesByCountry, RowKey::of(scope).day(day).text(region), &whole);
        self.add_sales(ViewTable::SalesByCustomer, RowKey::of(scope).day(day).document(&customer), &whole);
    }

    fn add_sales(&mut self, table: ViewTable, key: RowKey, sums: &SalesSums) {
        if !sums.is_zero() {
            self.sales.entry((table, key.into_bytes())).or_default().add_line_of_same_order(sums);
        }
    }

    fn add_journal(&mut self, id: DocumentId, journal: &JournalState) {
        for (key, entry) in journal.entries() {
            match entry {
                JournalEntry::Fact(fact) => self.add_fact(id.event(key), &fact),
                JournalEntry::Mint(booking) => self.add_booking(id, key, &booking, booking.quantity.thousandths()),
                JournalEntry::Burn(booking) => self.add_booking(id, key, &booking, -booking.quantity.thousandths()),
                JournalEntry::Loan(loan) => {
                    let Loan { epoch, holder, origin, .. } = loan;
                    let quantity = loan.quantity.thousandths();
                    let given = Given { journal: id, key, epoch, holder, quantity, origin };
                    self.loan(loan.loan, &loan.sku).given.push(given);
                }
                JournalEntry::Returned(returned) => {
                    let row = self.loan(returned.loan, &returned.sku);
                    row.returned += i128::from(returned.quantity.thousandths());
                }
            }
        }
    }

    fn add_fact(&mut self, fact: EventId, body: &StockFact) {
        let (quantity, epoch) = (body.quantity.thousandths(), body.epoch);
        self.add_stock(&body.sku, StockSums { on_hand: i128::from(quantity), ..StockSums::default() });
        self.add_part(fact, &body.sku, FactPartKind::Moved(Moved { quantity, epoch }));
    }

    fn add_booking(&mut self, journal: DocumentId, key: EventKey, booking: &Booking, rights: i64) {
        let booked = FactBooking { journal, key, epoch: booking.epoch, rights };
        self.add_part(booking.fact, &booking.sku, FactPartKind::Booked(booked));
    }

    fn add_part(&mut self, fact: EventId, sku: &Text, part: FactPartKind) {
        let item = DocumentId::of_sku(sku.as_str());
        self.facts.push(FactPart { fact, item, sku: sku.clone(), part });
    }
}

/// What people call an order.
pub fn label_of(order: &OrderState) -> Text {
    let external = order.header.external.as_ref().map(|external| &external.number);
    order.header.label.as_ref().or(external).cloned().unwrap_or_default()
}

fn order_cases(id: DocumentId, order: &OrderState) -> Vec<CaseRow> {
    let case = |kind, key, other, amount| CaseRow { kind, subject: id, key, label: label_of(order), other, amount };
    let mut cases: Vec<CaseRow> =
        order.rivals.iter().map(|rival| case(CaseKind::DuplicatePlaced, *rival, None, 0)).collect();
    if order.cancel_overtaken() {
        let shipped = order.lines.iter().map(|line| line.shipped).sum();
        cases.push(case(CaseKind::ShippedAfterCancel, EventKey::ZERO, None, shipped));
    }
    let over: i128 = order.lines.iter().map(|line| (line.shipped - ordered(line.quantity)).max(0)).sum();
    if over > 0 {
        cases.push(case(CaseKind::OverShipped, EventKey::ZERO, None, over));
    }
    let credit = order.paid - order.due();
    if credit > 0 && order.lines.iter().any(|line| line.cancelled() > 0) {
        cases.push(case(CaseKind::CreditDue, EventKey::ZERO, None, credit));
    }
    if let Some(survivor) = order.duplicate_of {
        cases.push(case(CaseKind::DuplicateExternalOrder, EventKey::ZERO, Some(survivor), order.due()));
    }
    cases
}

fn ordered(quantity: crate::quantity::Quantity) -> i128 {
    crate::order::state::full(quantity)
}
