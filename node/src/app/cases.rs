//! Open cases in words of both languages.
//!
//! Invariant: every kind has a sentence in English and Chinese. Proved by `every_case_kind_has_both_languages`.

use std::collections::BTreeMap;

use crdt_model::case::{CaseKind, CaseRow, case_id};
use crdt_model::id::{DocumentId, EventKey};
use crdt_model::money::Currency;
use crdt_model::order::state::OrderState;
use crdt_model::quantity::format_thousandths;
use crdt_model::rows::{Counter, RowKey, RowKind, ViewTable, row_key};
use crdt_model::scope::Scope;
use crdt_model::scope_state::case_key;

use super::error::AppError;
use super::model::{CaseView, Page, PageRequest};
use super::read::{self, collect};
use super::{App, page, storage};
use crate::replica::decode_reason;
use crate::store::{ReadTables, Snapshot, Table};

impl App {
    /// Open cases of every scope that is held, in order of scope, kind, label and id.
    pub fn cases(&self, request: PageRequest) -> Result<Page<CaseView>, AppError> {
        let snapshot = self.snapshot()?;
        let mut cases = Vec::new();
        for scope in read::scopes(&snapshot)? {
            cases.extend(scope_cases(&snapshot, &scope, &self.facts().currency)?);
        }
        Ok(page::cut(cases, &request, |case| {
            format!("{}/{}/{}/{}", case.scope, case.kind, case.subject_label, case.id)
        }))
    }
}

/// What is kept and does not count until somebody looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldBack {
    /// Commits set aside, by the code of their reason.
    pub set_aside: BTreeMap<String, u64>,
    /// Documents that a later program wrote.
    pub parked: u64,
}

impl HeldBack {
    /// Whether there is none of it.
    pub fn is_nothing(&self) -> bool {
        self.set_aside.is_empty() && self.parked == 0
    }
}

impl App {
    /// How many cases are open.
    pub fn cases_open(&self) -> Result<u64, AppError> {
        let snapshot = self.snapshot()?;
        let mut open = 0;
        for scope in read::scopes(&snapshot)? {
            open += read::counter(&snapshot, &scope, Counter::Cases)?;
        }
        Ok(open)
    }

    /// What is held back.
    pub fn held_back(&self) -> Result<HeldBack, AppError> {
        let snapshot = self.snapshot()?;
        let mut set_aside = BTreeMap::new();
        let reasons = collect(&snapshot, Table::SetAside, &[], |_, row| decode_reason(row).map(Some))?;
        for (code, _) in reasons {
            *set_aside.entry(code).or_insert(0) += 1;
        }
        Ok(HeldBack { set_aside, parked: snapshot.count(Table::Parked).map_err(storage)? })
    }
}

/// Open cases of one scope.
pub(super) fn scope_cases(snapshot: &Snapshot, scope: &Scope, books: &Currency) -> Result<Vec<CaseView>, AppError> {
    let mut found = Vec::new();
    let own = row_key(scope, RowKind::Case, &[]);
    for (table, prefix) in [(Table::Rows, own), (Table::CasesAcross, RowKey::of(scope))] {
        found.extend(collect(snapshot, table, prefix.as_bytes(), |_, value| {
            CaseRow::decode(value).map(|case| Some(view(scope, &case, books)))
        })?);
    }
    Ok(found)
}

/// Open cases of one document, looked up by their ids.
pub(super) fn subject_cases(
    snapshot: &Snapshot,
    scope: &Scope,
    id: DocumentId,
    books: &Currency,
) -> Result<Vec<CaseView>, AppError> {
    cases_at(snapshot, (scope, id), &[EventKey::ZERO], books)
}

/// Open cases of one order, looked up by their ids.
pub(super) fn order_cases(
    snapshot: &Snapshot,
    scope: &Scope,
    id: DocumentId,
    order: &OrderState,
) -> Result<Vec<CaseView>, AppError> {
    let keys: Vec<EventKey> = order.rivals.iter().copied().chain([EventKey::ZERO]).collect();
    cases_at(snapshot, (scope, id), &keys, &order.header.currency)
}

fn cases_at(
    snapshot: &Snapshot,
    (scope, id): (&Scope, DocumentId),
    keys: &[EventKey],
    currency: &Currency,
) -> Result<Vec<CaseView>, AppError> {
    let mut found = Vec::new();
    for (kind, _) in CaseKind::ALL {
        for case in keys.iter().map(|key| case_id(kind, &id, key)) {
            for (table, view_table) in [(Table::Rows, ViewTable::Rows), (Table::CasesAcross, ViewTable::CasesAcross)] {
                let key = case_key(scope, view_table, &case);
                let row = snapshot.with(table, key.as_bytes(), CaseRow::decode).map_err(storage)?;
                found.extend(row.transpose().map_err(read::damaged)?.map(|case| view(scope, &case, currency)));
            }
        }
    }
    Ok(found)
}

fn view(scope: &Scope, case: &CaseRow, currency: &Currency) -> CaseView {
    let (title, title_zh) = titles(case.kind);
    CaseView {
        id: case.id().iter().map(|byte| format!("{byte:02x}")).collect(),
        kind: case.kind.name().to_owned(),
        scope: scope.clone(),
        subject: case.subject,
        subject_label: case.label.to_string(),
        key: case.key.to_string(),
        title: title.to_owned(),
        title_zh: title_zh.to_owned(),
        detail: detail(case, currency),
    }
}

fn titles(kind: CaseKind) -> (&'static str, &'static str) {
    match kind {
        CaseKind::ShippedAfterCancel => {
            ("Cancelled after dispatch: recall the parcel or open a return", "发货后取消：请追回包裹或办理退货")
        }
        CaseKind::OverShipped => {
            ("More was shipped than ordered: recall, bill or give it", "发货多于订购：请追回、补收或赠送")
        }
        CaseKind::CreditDue => (
            "Money was paid for what is cancelled: refund it or keep it as credit",
            "已取消的商品已付款：请退款或转为余额",
        ),
        CaseKind::DuplicatePlaced => ("Two different orders stand under one number", "同一单号下有两张不同的订单"),
        CaseKind::DuplicateExternalOrder => {
            ("The order was taken twice; the other one counts", "订单重复录入，以另一张为准")
        }
        CaseKind::NegativeStock => ("Stock on hand is below zero: count this shelf", "库存为负：请盘点该货位"),
        CaseKind::PromisesUncovered => (
            "More is promised than is on hand: find another source or tell the customers",
            "已承诺数量超过现有库存：请调货或通知顾客",
        ),
        CaseKind::BookingIgnored => (
            "A booking of stock rights does not count: its fact is missing or booked already",
            "库存权记账无效：所依据的事实缺失或已记账",
        ),
        CaseKind::LoanOverdrawn => (
            "More was promised out of a loan than was lent: find goods or tell the customers",
            "借用额度已超支：请调货或通知顾客",
        ),
    }
}

fn detail(case: &CaseRow, currency: &Currency) -> String {
    let units = || format_thousandths(case.amount);
    match case.kind {
        CaseKind::ShippedAfterCancel => format!("{}: {} shipped", case.label, units()),
        CaseKind::OverShipped => format!("{}: {} more than ordered", case.label, units()),
        CaseKind::CreditDue => {
            let amount = currency.format(case.amount);
            format!("{}: {amount} {} paid too much", case.label, currency.code())
        }
        CaseKind::DuplicatePlaced => format!("{}: event {}", case.label, case.key),
        CaseKind::DuplicateExternalOrder => {
            format!("{}: {} counts", case.label, case.other.map(|id| id.to_string()).unwrap_or_default())
        }
        CaseKind::NegativeStock => format!("{}: {} on hand", case.label, units()),
        CaseKind::PromisesUncovered => format!("{}: {} promised and missing", case.label, units()),
        CaseKind::BookingIgnored => format!("{}: {} booked", case.label, units()),
        CaseKind::LoanOverdrawn => format!("{}: {} more than was lent", case.label, units()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_kind_has_both_languages() {
        for (kind, _) in CaseKind::ALL {
            let (english, chinese) = titles(kind);
            assert!(english.is_ascii() && !english.is_empty());
            assert!(!chinese.is_ascii());
        }
    }
}
