//! What one folded document adds to its scope. Pure; no other document is looked at.
//!
//! Invariant: a function of the row alone. Proved by `any_order_of_updates_gives_the_same_rows` in `merge_laws`.

use std::collections::BTreeMap;

use super::ledger::{add_fulfilment_moves, add_journal_moves, add_order_moves};
use super::skus::{barcode_key, sku_key};
use crate::case::{CaseId, CaseKind, CaseRow};
use crate::document_row::DocumentRow;
use crate::fulfilment::decide::needs_keeper;
use crate::fulfilment::state::{FulfilmentLineState, FulfilmentState};
use crate::id::{DocumentId, EventId, EventKey, LoanId};
use crate::journal::entrusted::Entrusted;
use crate::journal::event::{Booking, StockFact};
use crate::journal::loan::Loan;
use crate::journal::state::{JournalEntry, JournalState};
use crate::order::event::Entry;
use crate::order::line::{Source, Use};
use crate::order::state::{OrderState, Purpose, full};
use crate::product::state::ProductState;
use crate::rows::{RowKey, RowKind, ViewTable, row_key};
use crate::scope::{Scope, SiteCode};
use crate::stock::loan::{Given, LoanRow};
use crate::stock::{FactBooking, Moved, Rights, StockSums};
use crate::text::Text;

/// Stock of items at sites.
pub(super) type OverLanes = BTreeMap<(SiteCode, DocumentId), (Text, StockSums)>;

/// Rows that stand while the document's row does, by table and key.
pub(super) type Index = BTreeMap<(ViewTable, Vec<u8>), Vec<u8>>;

/// Everything that a document adds.
#[derive(Debug, Default)]
pub(super) struct Contribution {
    pub stock: BTreeMap<DocumentId, (Text, StockSums)>,
    pub index: Index,
    pub cases: BTreeMap<CaseId, CaseRow>,
    pub facts: Vec<FactPart>,
    /// What an order's shipments left uncovered, by item.
    pub uncovered: BTreeMap<DocumentId, (Text, i128)>,
    pub loans: BTreeMap<(LoanId, DocumentId), LoanRow>,
    /// What a fulfilment does to the stock of sites.
    pub over_lanes: OverLanes,
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
            DocumentRow::Fulfilment(fulfilment) => contribution.add_fulfilment(scope, id, fulfilment),
            DocumentRow::Journal(journal) => contribution.add_journal(scope, id, journal),
            DocumentRow::Product(product) => {
                contribution.add_alias(scope, id, product);
                let key = sku_key(scope, RowKind::Document, product.sku.as_str()).into_bytes();
                contribution.index.insert((ViewTable::ItemsBySku, key), Vec::new());
                for code in &product.barcodes {
                    let key = barcode_key(scope, code.as_str()).document(&id).into_bytes();
                    contribution.index.insert((ViewTable::ItemsByBarcode, key), Vec::new());
                }
            }
            DocumentRow::Control(_) | DocumentRow::Customer(_) => {}
        }
        contribution
    }

    fn add_order(&mut self, scope: &Scope, id: DocumentId, order: &OrderState) {
        if order.header.entry == Entry::New && order.purpose == Purpose::Sale {
            self.add_order_stock(order);
            add_order_moves(&mut self.index, scope, id, order);
        }
        for case in order_cases(id, order) {
            self.cases.insert(case.id(), case);
        }
    }

    fn add_fulfilment(&mut self, scope: &Scope, id: DocumentId, fulfilment: &FulfilmentState) {
        let header = &fulfilment.header;
        let key = |status: u8| {
            let key = RowKey::of(scope).text(header.shipper.as_str()).byte(status);
            (ViewTable::FulfilmentsByStatus, key.time(header.time.at).document(&id).into_bytes())
        };
        self.index.insert(key(fulfilment.status() as u8), Vec::new());
        let number = header.order_number.as_str();
        if !number.is_empty() {
            let key = RowKey::of(scope).text(number).document(&id).into_bytes();
            self.index.insert((ViewTable::OrdersByNumber, key), Vec::new());
        }
        if needs_keeper(fulfilment) {
            self.index.insert(key(0), Vec::new());
        }
        for FulfilmentLineState { ladder, shipped_from, .. } in &fulfilment.lines {
            let (secured, unsecured, spent) = (ladder.secured(), ladder.unsecured(), ladder.spent());
            let promised = StockSums { secured, unsecured, spent, ..StockSums::default() };
            self.add_over_lanes(&header.shipper, &ladder.sku, &promised);
            for (site, shipped) in shipped_from {
                self.add_over_lanes(site, &ladder.sku, &StockSums { on_hand: -shipped, ..StockSums::default() });
            }
        }
        add_fulfilment_moves(&mut self.index, scope, id, fulfilment);
        for case in fulfilment_cases(id, fulfilment) {
            self.cases.insert(case.id(), case);
        }
    }

    fn add_over_lanes(&mut self, site: &SiteCode, sku: &Text, sums: &StockSums) {
        let at = (site.clone(), DocumentId::of_sku(sku.as_str()));
        self.over_lanes.entry(at).or_insert_with(|| (sku.clone(), StockSums::default())).1.add(sums);
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

    fn add_journal(&mut self, scope: &Scope, id: DocumentId, journal: &JournalState) {
        add_journal_moves(&mut self.index, scope, id, journal);
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
                JournalEntry::Debited(Entrusted { epoch, sku, quantity, .. }) => {
                    let lent = i128::from(quantity.thousandths());
                    self.add_rights(&sku, epoch, &Rights { lent, ..Rights::default() });
                }
                JournalEntry::Credited(Entrusted { epoch, sku, quantity, .. }) => {
                    let returned = i128::from(quantity.thousandths());
                    self.add_rights(&sku, epoch, &Rights { returned, ..Rights::default() });
                }
            }
        }
    }

    fn add_rights(&mut self, sku: &Text, epoch: u32, rights: &Rights) {
        let mut sums = StockSums::default();
        sums.add_rights(epoch, rights);
        self.add_stock(sku, sums);
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
    if let Some(survivor) = order.duplicate_of {
        cases.push(case(CaseKind::DuplicateExternalOrder, EventKey::ZERO, Some(survivor), order.due()));
    }
    if order.sent.is_empty() {
        cases.extend(sum_cases(id, order));
    }
    cases
}

/// Cases of an order that need all of its goods: of one that other sites ship they take more than one scope.
pub(super) fn sum_cases(id: DocumentId, order: &OrderState) -> Vec<CaseRow> {
    let case =
        |kind, amount| CaseRow { kind, subject: id, key: EventKey::ZERO, label: label_of(order), other: None, amount };
    let over: i128 = order.lines.iter().map(|line| (line.shipped - full(line.quantity)).max(0)).sum();
    let cancelled = order.lines.iter().any(|line| line.cancelled() > 0);
    let credit = if cancelled { order.paid - order.due() } else { 0 };
    let amounts = [(CaseKind::OverShipped, over), (CaseKind::CreditDue, credit)];
    amounts.into_iter().filter(|(_, amount)| *amount > 0).map(|(kind, amount)| case(kind, amount)).collect()
}

fn fulfilment_cases(id: DocumentId, fulfilment: &FulfilmentState) -> Vec<CaseRow> {
    let label = &fulfilment.header.order_number;
    let other = Some(fulfilment.header.order);
    let case = |kind, amount| CaseRow { kind, subject: id, key: EventKey::ZERO, label: label.clone(), other, amount };
    let ladders = || fulfilment.lines.iter().map(|line| &line.ladder);
    let over: i128 = ladders().map(|line| (line.shipped - line.ordered()).max(0)).sum();
    let shipped = ladders().map(|line| line.shipped).sum();
    let overtaken = fulfilment.cancel_overtaken().then(|| case(CaseKind::ShippedAfterCancel, shipped));
    overtaken.into_iter().chain((over > 0).then(|| case(CaseKind::OverShipped, over))).collect()
}
