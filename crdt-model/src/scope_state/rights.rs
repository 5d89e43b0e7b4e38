//! Settles rights that several documents of a scope say together: facts and their bookings, what orders left uncovered
//! and the burns for it, loans and what was drawn on them.
//!
//! A burn cites a journal's fact or an order. Which of both is not known while neither is held, so it stands in both rows;
//! it takes rights where the fact or the uncovered goods are.
//!
//! Invariant: after every call the rows equal those of a rebuild from the same document rows. Proved by
//! `any_order_of_updates_gives_the_same_rows` and `loans_settle_alike_in_every_order` in `merge_laws`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::contribution::{FactPart, FactPartKind};
use super::settle::{ScopeError, Settled, StockChange, exchange_cases};
use crate::case::{CaseId, CaseKind, CaseRow};
use crate::codec::{DecodeError, Reader, Writer};
use crate::id::{AuthorId, DocumentId, EventId, EventKey, LoanId};
use crate::order::event::decode_epoch;
use crate::rows::{RowKey, RowKind, Rows, ViewTable, row_key};
use crate::scope::Scope;
use crate::stock::loan::{LoanRow, loan_key, open_loans_key};
use crate::stock::uncovered::{OrderBurn, UncoveredRow};
use crate::stock::{FactBooking, FactRow, Rights, StockSums};
use crate::text::Text;

type Cases = BTreeMap<CaseId, CaseRow>;

/// Brings the rows of touched facts up to date; rights that follow are added to `stock`.
pub(super) fn exchange_facts<R: Rows>(
    rows: &mut R,
    scope: &Scope,
    before: &[FactPart],
    after: &[FactPart],
    stock: &mut StockChange,
) -> Settled<(), R> {
    for part in before.iter().filter(|part| !after.contains(part)) {
        change_fact(rows, scope, part, Change::Leaves, stock)?;
    }
    for part in after.iter().filter(|part| !before.contains(part)) {
        change_fact(rows, scope, part, Change::Comes, stock)?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Comes,
    Leaves,
}

fn change_fact<R: Rows>(
    rows: &mut R,
    scope: &Scope,
    part: &FactPart,
    change: Change,
    stock: &mut StockChange,
) -> Settled<(), R> {
    let at = FactAt { scope, fact: part.fact, item: part.item, sku: &part.sku };
    let old = at.read(rows)?;
    let burns = at.uncovered(rows)?;
    let mut new = old.clone();
    match &part.part {
        FactPartKind::Moved(moved) => new.moved = (change == Change::Comes).then_some(*moved),
        FactPartKind::Booked(booking) => exchange_one(&mut new.bookings, *booking, change),
    }
    let before = at.cases(rows, &old, &burns)?;
    at.write(rows, &new)?;
    add_booked(stock, part, &old, -1);
    add_booked(stock, part, &new, 1);
    let mut burns_after = burns.clone();
    if let FactPartKind::Booked(booking) = &part.part
        && booking.rights < 0
        && booking.journal != part.fact.document
    {
        let burn = OrderBurn { booking: *booking, cites: part.fact.key };
        exchange_one(&mut burns_after.burns, burn, change);
        at.write_uncovered(rows, &burns, &burns_after, stock)?;
    }
    let after = at.cases(rows, &new, &burns_after)?;
    exchange_cases(rows, scope, &before, &after)
}

fn exchange_one<T: Ord>(list: &mut Vec<T>, entry: T, change: Change) {
    match (change, list.binary_search(&entry)) {
        (Change::Comes, Err(at)) => list.insert(at, entry),
        (Change::Leaves, Ok(at)) => {
            list.remove(at);
        }
        (Change::Comes, Ok(_)) | (Change::Leaves, Err(_)) => {}
    }
}

fn add_booked(stock: &mut StockChange, part: &FactPart, row: &FactRow, sign: i128) {
    if let Some(booking) = row.counting() {
        let rights = i128::from(booking.rights);
        let booked = Rights { minted: sign * rights.max(0), burned: sign * (-rights).max(0), ..Rights::default() };
        sums_of(stock, part.item, &part.sku).add_rights(booking.epoch, &booked);
    }
}

fn sums_of<'a>(stock: &'a mut StockChange, item: DocumentId, sku: &Text) -> &'a mut StockSums {
    &mut stock.entry(item).or_insert_with(|| (sku.clone(), StockSums::default())).1
}

/// A fact's place: an event and an item.
struct FactAt<'a> {
    scope: &'a Scope,
    fact: EventId,
    item: DocumentId,
    sku: &'a Text,
}

impl FactAt<'_> {
    fn key(&self, kind: RowKind, key: &EventKey) -> RowKey {
        row_key(self.scope, kind, &self.fact.document.0).fixed(&key.0).document(&self.item)
    }

    fn uncovered_key(&self) -> RowKey {
        row_key(self.scope, RowKind::Uncovered, &self.fact.document.0).document(&self.item)
    }

    fn read<R: Rows>(&self, rows: &R) -> Settled<FactRow, R> {
        read_row(rows, &self.key(RowKind::Fact, &self.fact.key), FactRow::decode)
    }

    fn uncovered<R: Rows>(&self, rows: &R) -> Settled<UncoveredRow, R> {
        read_row(rows, &self.uncovered_key(), UncoveredRow::decode)
    }

    fn write<R: Rows>(&self, rows: &mut R, row: &FactRow) -> Settled<(), R> {
        let key = self.key(RowKind::Fact, &self.fact.key);
        write_row(rows, &key, (!row.is_empty()).then(|| row.encode()))?;
        let unbooked = row.unbooked().map(|moved| Unbooked {
            fact: self.fact,
            sku: self.sku.clone(),
            epoch: moved.epoch,
            rights: i128::from(moved.quantity),
        });
        write_row(rows, &self.key(RowKind::Unbooked, &self.fact.key), unbooked.map(|unbooked| unbooked.encode()))
    }

    fn write_uncovered<R: Rows>(
        &self,
        rows: &mut R,
        before: &UncoveredRow,
        after: &UncoveredRow,
        stock: &mut StockChange,
    ) -> Settled<(), R> {
        write_row(rows, &self.uncovered_key(), (!after.is_empty()).then(|| after.encode()))?;
        let unbooked = Unbooked {
            fact: EventId { document: self.fact.document, key: EventKey::ZERO },
            sku: self.sku.clone(),
            epoch: 0,
            rights: -after.unbooked(),
        };
        let held = (unbooked.rights < 0).then(|| unbooked.encode());
        write_row(rows, &self.key(RowKind::Unbooked, &EventKey::ZERO), held)?;
        for (row, sign) in [(before, -1), (after, 1)] {
            for (epoch, burned) in row.burned() {
                let burned = Rights { burned: sign * burned, ..Rights::default() };
                sums_of(stock, self.item, self.sku).add_rights(epoch, &burned);
            }
        }
        Ok(())
    }

    /// Bookings that do not count, of the fact itself and of all burns that cite its document.
    fn cases<R: Rows>(&self, rows: &R, fact: &FactRow, burns: &UncoveredRow) -> Settled<Cases, R> {
        let settled_here = |booking: &&FactBooking| fact.moved.is_some() || booking.rights > 0;
        let own_journal = |booking: &FactBooking| booking.journal == self.fact.document;
        let ignored = fact.ignored().filter(|booking| settled_here(booking) || own_journal(booking));
        let mut cases: Cases = ignored.map(|booking| self.ignored(booking, i128::from(booking.rights))).collect();
        cases.extend(self.burn_cases(rows, burns)?);
        Ok(cases)
    }

    /// Burns of an order that take less than they say; those of a journal's fact are settled with the fact.
    fn burn_cases<R: Rows>(&self, rows: &R, burns: &UncoveredRow) -> Settled<Cases, R> {
        let mut cases = Cases::new();
        for (burn, taken) in burns.taken() {
            let left = i128::from(burn.booking.rights) + taken;
            let cited = FactAt { fact: EventId { key: burn.cites, ..self.fact }, ..*self };
            if left < 0 && cited.read(rows)?.moved.is_none() {
                cases.extend([self.ignored(&burn.booking, left)]);
            }
        }
        Ok(cases)
    }

    fn ignored(&self, booking: &FactBooking, amount: i128) -> (CaseId, CaseRow) {
        let case = CaseRow {
            kind: CaseKind::BookingIgnored,
            subject: booking.journal,
            key: booking.key,
            label: self.sku.clone(),
            other: None,
            amount,
        };
        (case.id(), case)
    }
}

type Uncovered = BTreeMap<DocumentId, (Text, i128)>;

/// Brings up to date what an order left uncovered, and the burns for it.
pub(super) fn exchange_uncovered<R: Rows>(
    rows: &mut R,
    scope: &Scope,
    order: DocumentId,
    (before, after): (&Uncovered, &Uncovered),
    stock: &mut StockChange,
) -> Settled<(), R> {
    let touched: BTreeSet<&DocumentId> = before.keys().chain(after.keys()).collect();
    for item in touched.into_iter().filter(|item| before.get(item) != after.get(item)) {
        let Some((sku, _)) = after.get(item).or(before.get(item)) else { continue };
        let at = FactAt { scope, fact: EventId { document: order, key: EventKey::ZERO }, item: *item, sku };
        let old = at.uncovered(rows)?;
        let new = UncoveredRow { uncovered: after.get(item).map_or(0, |(_, left)| *left), ..old.clone() };
        let cases = at.burn_cases(rows, &old)?;
        at.write_uncovered(rows, &old, &new, stock)?;
        let cases_after = at.burn_cases(rows, &new)?;
        exchange_cases(rows, scope, &cases, &cases_after)?;
    }
    Ok(())
}

type Loans = BTreeMap<(LoanId, DocumentId), LoanRow>;

/// Brings loans up to date; what the keeper lent and got back is added to `stock`.
pub(super) fn exchange_loans<R: Rows>(
    rows: &mut R,
    scope: &Scope,
    before: &Loans,
    after: &Loans,
    stock: &mut StockChange,
) -> Settled<(), R> {
    let touched: BTreeSet<&(LoanId, DocumentId)> = before.keys().chain(after.keys()).collect();
    for at in touched.into_iter().filter(|at| before.get(at) != after.get(at)) {
        let (loan, item) = at;
        let old: LoanRow = read_row(rows, &loan_key(scope, loan, item), LoanRow::decode)?;
        let mut new = old.clone();
        if let Some(part) = before.get(at) {
            change_loan(&mut new, part, Change::Leaves);
        }
        if let Some(part) = after.get(at) {
            change_loan(&mut new, part, Change::Comes);
        }
        write_loan(rows, scope, (*loan, *item), (&old, &new))?;
        for (row, sign) in [(&old, -1), (&new, 1)] {
            if let Some(given) = row.counting() {
                let (lent, returned) = (sign * row.quantity(), sign * row.returned_to_keeper());
                let rights = Rights { lent, returned, ..Rights::default() };
                sums_of(stock, *item, &row.sku).add_rights(given.epoch, &rights);
            }
        }
    }
    Ok(())
}

fn change_loan(row: &mut LoanRow, part: &LoanRow, change: Change) {
    let sign = if change == Change::Comes { 1 } else { -1 };
    row.sku = part.sku.clone();
    row.returned += sign * part.returned;
    row.secured += sign * part.secured;
    row.spent += sign * part.spent;
    for given in &part.given {
        exchange_one(&mut row.given, given.clone(), change);
    }
}

fn write_loan<R: Rows>(
    rows: &mut R,
    scope: &Scope,
    (loan, item): (LoanId, DocumentId),
    (old, new): (&LoanRow, &LoanRow),
) -> Settled<(), R> {
    write_row(rows, &loan_key(scope, &loan, &item), (!new.is_empty()).then(|| new.encode()))?;
    let open = |row: &LoanRow| row.counting().map(|given| open_loans_key(scope, &item, &given.holder).fixed(&loan.0));
    if let Some(key) = open(old) {
        write_row(rows, &key, None)?;
    }
    if let Some(key) = open(new).filter(|_| new.balance() > 0) {
        let mut writer = Writer::new();
        writer.wide(new.balance());
        write_row(rows, &key, Some(writer.finish()))?;
    }
    let cases = (loan_cases(loan, item, old), loan_cases(loan, item, new));
    exchange_cases(rows, scope, &cases.0, &cases.1)
}

fn loan_cases(loan: LoanId, item: DocumentId, row: &LoanRow) -> Cases {
    let overdrawn = (row.balance() < 0).then(|| CaseRow {
        kind: CaseKind::LoanOverdrawn,
        subject: item,
        key: loan.tail(),
        label: row.sku.clone(),
        other: None,
        amount: -row.balance(),
    });
    let ignored = row.given.iter().skip(1).map(|given| CaseRow {
        kind: CaseKind::BookingIgnored,
        subject: given.journal,
        key: given.key,
        label: row.sku.clone(),
        other: None,
        amount: i128::from(given.quantity),
    });
    ignored.chain(overdrawn).map(|case| (case.id(), case)).collect()
}

/// A fact, or what an order left uncovered, that no keeper has booked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbooked {
    /// The fact; the key is zero for an order.
    pub fact: EventId,
    /// The item's SKU.
    pub sku: Text,
    /// The epoch whose keeper books a journal's fact; zero for an order.
    pub epoch: u32,
    /// Rights to make, or below zero to take, in thousandths.
    pub rights: i128,
}

impl Unbooked {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.fact.encode(&mut writer);
        writer.text(&self.sku).number(u64::from(self.epoch)).wide(self.rights);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let fact = EventId::decode("fact", &mut reader)?;
        let (sku, epoch) = (reader.text("sku")?, decode_epoch(&mut reader)?);
        let rights = reader.wide("rights")?;
        reader.end()?;
        Ok(Self { fact, sku, epoch, rights })
    }
}

/// Up to `limit` facts and orders of a scope that no keeper has booked yet.
pub fn unbooked<R: Rows>(rows: &R, scope: &Scope, limit: usize) -> Settled<Vec<Unbooked>, R> {
    let mut found = Vec::new();
    let prefix = row_key(scope, RowKind::Unbooked, &[]);
    rows.scan(ViewTable::Rows, prefix.as_bytes(), &mut |_, value| {
        found.push(Unbooked::decode(value));
        if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .map_err(ScopeError::Rows)?;
    Ok(found.into_iter().collect::<Result<_, _>>()?)
}

/// Reads a loan of an item; `None` where nothing names it.
pub fn read_loan<R: Rows>(rows: &R, scope: &Scope, loan: &LoanId, item: &DocumentId) -> Settled<Option<LoanRow>, R> {
    let bytes = rows.get(ViewTable::Rows, loan_key(scope, loan, item).as_bytes()).map_err(ScopeError::Rows)?;
    Ok(bytes.map(|bytes| LoanRow::decode(&bytes)).transpose()?)
}

/// Loans of an item on which `holder` may draw, with their balances, oldest first.
pub fn open_loans<R: Rows>(
    rows: &R,
    scope: &Scope,
    item: &DocumentId,
    holder: &AuthorId,
) -> Settled<Vec<(LoanId, i128)>, R> {
    let prefix = open_loans_key(scope, item, holder);
    let mut found = Vec::new();
    rows.scan(ViewTable::Rows, prefix.as_bytes(), &mut |key, value| {
        found.push((key[prefix.as_bytes().len()..].to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })
    .map_err(ScopeError::Rows)?;
    let open = found.into_iter().map(|(loan, balance)| {
        let loan = LoanId::decode("loan", &mut Reader::new(&loan))?;
        Ok((loan, Reader::new(&balance).wide("balance")?))
    });
    Ok(open.collect::<Result<_, DecodeError>>()?)
}

/// A loan as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoanEntry {
    /// Its name.
    pub loan: LoanId,
    /// The item.
    pub item: DocumentId,
    /// What was lent, given back and drawn.
    pub row: LoanRow,
}

/// Loans of a scope in the order of their names, also those without a balance; of one name where it is given.
pub fn loans<R: Rows>(rows: &R, scope: &Scope, name: Option<&LoanId>) -> Settled<Vec<LoanEntry>, R> {
    let prefix = row_key(scope, RowKind::Loan, name.map_or(&[][..], |name| &name.0));
    let start = row_key(scope, RowKind::Loan, &[]).into_bytes().len();
    let mut found = Vec::new();
    rows.scan(ViewTable::Rows, prefix.as_bytes(), &mut |key, value| {
        found.push(loan_entry(&key[start..], value));
        ControlFlow::Continue(())
    })
    .map_err(ScopeError::Rows)?;
    Ok(found.into_iter().collect::<Result<_, DecodeError>>()?)
}

/// A loan from the tail of its row's key and the row.
pub fn loan_entry(tail: &[u8], value: &[u8]) -> Result<LoanEntry, DecodeError> {
    let mut reader = Reader::new(tail);
    let loan = LoanId::decode("loan", &mut reader)?;
    Ok(LoanEntry { loan, item: DocumentId::decode("item", &mut reader)?, row: LoanRow::decode(value)? })
}

fn read_row<R: Rows, T: Default>(rows: &R, key: &RowKey, decode: fn(&[u8]) -> Result<T, DecodeError>) -> Settled<T, R> {
    let bytes = rows.get(ViewTable::Rows, key.as_bytes()).map_err(ScopeError::Rows)?;
    Ok(bytes.map(|bytes| decode(&bytes)).transpose()?.unwrap_or_default())
}

fn write_row<R: Rows>(rows: &mut R, key: &RowKey, row: Option<Vec<u8>>) -> Settled<(), R> {
    match row {
        Some(row) => rows.put(ViewTable::Rows, key.as_bytes(), &row),
        None => rows.delete(ViewTable::Rows, key.as_bytes()),
    }
    .map_err(ScopeError::Rows)
}
