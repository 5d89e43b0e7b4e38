//! Reading folded rows from a snapshot, typed.
//!
//! Invariant: rows only, never documents. Proved by the application's tests.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crdt_model::codec::{DecodeError, Reader};
use crdt_model::control::state::{Control, ControlRecord};
use crdt_model::customer::SEALED_FIELDS;
use crdt_model::customer::state::CustomerState;
use crdt_model::document_row::DocumentRow;
use crdt_model::id::{DocumentId, OrgId};
use crdt_model::product::state::ProductState;
use crdt_model::rows::{Counter, RowKey, RowKind, row_key};
use crdt_model::scope::Scope;
use crdt_model::scope_state::sku_key;
use crdt_model::seal::{SealKey, SealedField, SealedPlace, SealedValue};

use super::error::AppError;
use super::model::DetailsState;
use super::storage;
use crate::store::{Direction, KeyRange, ReadTables, Snapshot, Table};

pub(super) fn damaged(error: DecodeError) -> AppError {
    AppError::rows_unreadable(&error)
}

/// Every row of a table below a prefix, mapped; rows for which `each` gives `None` are left out.
pub(super) fn collect<T>(
    snapshot: &Snapshot,
    table: Table,
    prefix: &[u8],
    mut each: impl FnMut(&[u8], &[u8]) -> Result<Option<T>, DecodeError>,
) -> Result<Vec<T>, AppError> {
    let mut found = Ok(Vec::new());
    let visit = |key: &[u8], value: &[u8]| match (&mut found, each(key, value)) {
        (Ok(rows), Ok(row)) => {
            rows.extend(row);
            ControlFlow::Continue(())
        }
        (slot, Err(error)) => {
            *slot = Err(error);
            ControlFlow::Break(())
        }
        (Err(_), Ok(_)) => ControlFlow::Break(()),
    };
    snapshot.scan(table, &KeyRange::prefix(prefix), Direction::Forward, visit).map_err(storage)?;
    found.map_err(damaged)
}

/// The row of a document.
pub(super) fn document(snapshot: &Snapshot, scope: &Scope, id: &DocumentId) -> Result<Option<DocumentRow>, AppError> {
    let key = row_key(scope, RowKind::Document, &id.0);
    let row = snapshot.with(Table::Rows, key.as_bytes(), DocumentRow::decode).map_err(storage)?;
    row.transpose().map_err(damaged)
}

/// Every document row of a scope, in order of ids.
pub(super) fn documents(snapshot: &Snapshot, scope: &Scope) -> Result<Vec<(DocumentId, DocumentRow)>, AppError> {
    let prefix = row_key(scope, RowKind::Document, &[]);
    let length = prefix.as_bytes().len();
    collect(snapshot, Table::Rows, prefix.as_bytes(), |key, value| {
        let id = DocumentId(Reader::new(&key[length..]).array("document id")?);
        Ok(Some((id, DocumentRow::decode(value)?)))
    })
}

/// The next document rows of a scope after an id, in order of ids; a scope of customers holds nothing else.
pub(super) fn documents_after(
    snapshot: &Snapshot,
    scope: &Scope,
    after: Option<&DocumentId>,
    limit: usize,
) -> Result<Vec<(DocumentId, DocumentRow)>, AppError> {
    let prefix = row_key(scope, RowKind::Document, &[]);
    let length = prefix.as_bytes().len();
    let mut range = KeyRange::prefix(prefix.as_bytes());
    if let Some(after) = after {
        range = range.after(prefix.document(after).as_bytes());
    }
    let mut found = Vec::new();
    let mut failure = None;
    let visit = |key: &[u8], value: &[u8]| {
        let row = Reader::new(&key[length..]).array("document id").map(DocumentId);
        match row.and_then(|id| Ok((id, DocumentRow::decode(value)?))) {
            Ok(row) => found.push(row),
            Err(error) => failure = Some(error),
        }
        match found.len() < limit && failure.is_none() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    };
    snapshot.scan(Table::Rows, &range, Direction::Forward, visit).map_err(storage)?;
    failure.map_or(Ok(found), |error| Err(damaged(error)))
}

/// A page's rows of items by (SKU, scope), as far as each scope needs to give.
pub(super) struct SkuPage<'a> {
    /// What it reads.
    pub snapshot: &'a Snapshot,
    /// Product documents or stock rows.
    pub kind: RowKind,
    /// The last (SKU, scope) of the page before, as [`sku_cursor`] writes it.
    pub cursor: Option<&'a str>,
    /// Rows of one scope.
    pub limit: usize,
}

/// Where an item of a scope stands in lists by SKU.
pub(super) fn sku_cursor(sku: &str, scope: &Scope) -> String {
    format!("{sku}\u{0}{scope}")
}

impl SkuPage<'_> {
    /// The next items of a scope for which `each` gives a row.
    pub fn of_scope<T>(
        &self,
        scope: &Scope,
        mut each: impl FnMut(&str) -> Result<Option<T>, AppError>,
    ) -> Result<Vec<T>, AppError> {
        let start = sku_key(scope, self.kind, "");
        let length = start.as_bytes().len();
        let mut range = KeyRange::prefix(start.as_bytes());
        if let Some((sku, _)) = self.cursor.and_then(|cursor| cursor.split_once('\u{0}')) {
            range = range.from(sku_key(scope, self.kind, sku).as_bytes());
        }
        let (mut found, mut failure) = (Vec::new(), None);
        let visit = |key: &[u8], _: &[u8]| {
            let sku = String::from_utf8_lossy(&key[length..]);
            if self.cursor.is_some_and(|cursor| sku_cursor(&sku, scope).as_str() <= cursor) {
                return ControlFlow::Continue(());
            }
            match each(&sku) {
                Ok(row) => found.extend(row),
                Err(error) => failure = Some(error),
            }
            match found.len() < self.limit && failure.is_none() {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        };
        self.snapshot.scan(Table::ItemsBySku, &range, Direction::Forward, visit).map_err(storage)?;
        failure.map_or(Ok(found), Err)
    }
}

/// The folded control scope.
pub(super) fn control(snapshot: &Snapshot) -> Result<Control, AppError> {
    let rows = documents(snapshot, &Scope::Control)?;
    let records: Vec<(DocumentId, ControlRecord)> = rows
        .into_iter()
        .filter_map(|(id, row)| match row {
            DocumentRow::Control(record) => Some((id, record)),
            DocumentRow::Product(_)
            | DocumentRow::Customer(_)
            | DocumentRow::Order(_)
            | DocumentRow::Journal(_)
            | DocumentRow::Fulfilment(_) => None,
        })
        .collect();
    Ok(Control::fold(records.iter().map(|(id, record)| (*id, record))))
}

/// Every scope with a commit, in order of their bytes.
pub(super) fn scopes(snapshot: &Snapshot) -> Result<Vec<Scope>, AppError> {
    let mut scopes = collect(snapshot, Table::Frontier, &[], |key, _| {
        Scope::from_bytes(Reader::new(key).blob("scope", 64)?).map(Some)
    })?;
    scopes.dedup();
    Ok(scopes)
}

/// The scopes of sites that are held.
pub(super) fn site_scopes(snapshot: &Snapshot) -> Result<Vec<Scope>, AppError> {
    Ok(scopes(snapshot)?.into_iter().filter(|scope| matches!(scope, Scope::Site(_))).collect())
}

/// The product of an item: from the catalogue, else provisional from a site.
pub(super) fn product(snapshot: &Snapshot, item: &DocumentId) -> Result<Option<(Scope, ProductState)>, AppError> {
    if let Some(DocumentRow::Product(product)) = document(snapshot, &Scope::Catalogue, item)? {
        return Ok(Some((Scope::Catalogue, product)));
    }
    for scope in site_scopes(snapshot)? {
        if let Some(DocumentRow::Product(product)) = document(snapshot, &scope, item)? {
            return Ok(Some((scope, product)));
        }
    }
    Ok(None)
}

/// Items of a site that are other names of catalogue items.
#[derive(Debug, Default)]
pub(super) struct Aliases(BTreeMap<DocumentId, DocumentId>);

impl Aliases {
    /// The item under which another one is reported: the end of its names. In a circle everybody keeps its own.
    pub fn follow(&self, item: DocumentId) -> DocumentId {
        let mut last = item;
        for _ in 0..self.0.len() {
            match self.0.get(&last) {
                Some(next) if *next == item => return item,
                Some(next) => last = *next,
                None => break,
            }
        }
        last
    }
}

/// The aliases of a scope.
pub(super) fn aliases(snapshot: &Snapshot, scope: &Scope) -> Result<Aliases, AppError> {
    let prefix = row_key(scope, RowKind::Alias, &[]);
    let length = prefix.as_bytes().len();
    let rows = collect(snapshot, Table::Rows, prefix.as_bytes(), |key, target| {
        let item = DocumentId(Reader::new(&key[length..]).array("item")?);
        Ok(Some((item, DocumentId::of_sku(&String::from_utf8_lossy(target)))))
    })?;
    Ok(Aliases(rows.into_iter().collect()))
}

/// The customer of an id, from any territory that is held.
pub(super) fn customer(snapshot: &Snapshot, id: &DocumentId) -> Result<Option<CustomerState>, AppError> {
    for scope in scopes(snapshot)?.into_iter().filter(|scope| matches!(scope, Scope::Customers(_))) {
        if let Some(DocumentRow::Customer(customer)) = document(snapshot, &scope, id)? {
            return Ok(Some(customer));
        }
    }
    Ok(None)
}

/// The open texts of a customer, in the order of [`SEALED_FIELDS`].
pub(super) fn open_customer(
    snapshot: &Snapshot,
    org: OrgId,
    id: DocumentId,
    customer: &CustomerState,
) -> Result<([Option<String>; 4], DetailsState), AppError> {
    let mut texts = [None, None, None, None];
    let mut state = DetailsState::Open;
    for (at, field) in SEALED_FIELDS.into_iter().enumerate() {
        let Some(sealed) = customer.sealed[at].first() else { continue };
        match open_sealed(snapshot, id, SealedPlace { org, document: id, field: SealedField::Field(field) }, sealed)? {
            Some(text) => texts[at] = Some(text),
            None => state = DetailsState::Pending,
        }
    }
    Ok((texts, state))
}

/// Opens a sealed value with the subject's key; `None` where the key is not held.
pub(super) fn open_sealed(
    snapshot: &Snapshot,
    subject: DocumentId,
    place: SealedPlace<'_>,
    sealed: &SealedValue,
) -> Result<Option<String>, AppError> {
    let key = [&subject.0[..], &sealed.key_id().0].concat();
    let bytes = snapshot.get(Table::Keys, &key).map_err(storage)?;
    let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok()).map(SealKey::new);
    Ok(key.and_then(|key| sealed.open(&key, place).ok()))
}

/// A counter of a scope.
pub(super) fn counter(snapshot: &Snapshot, scope: &Scope, counter: Counter) -> Result<u64, AppError> {
    let key = RowKey::of(scope).byte(counter as u8);
    let value = snapshot.with(Table::Counters, key.as_bytes(), |bytes| Reader::new(bytes).wide("counter"));
    let count = value.map_err(storage)?.transpose().map_err(damaged)?.unwrap_or(0);
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Commits of a scope that are held.
pub(super) fn commits(snapshot: &Snapshot, scope: &Scope) -> Result<u64, AppError> {
    let prefix = RowKey::of(scope);
    let mut last = 0;
    let visit = |key: &[u8], _: &[u8]| {
        last = key[prefix.as_bytes().len()..].try_into().map_or(0, u64::from_be_bytes);
        ControlFlow::Break(())
    };
    snapshot
        .scan(Table::CommitOrder, &KeyRange::prefix(prefix.as_bytes()), Direction::Backward, visit)
        .map_err(storage)?;
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_followed_to_its_end_and_a_circle_changes_nothing() {
        let item = |number: u8| DocumentId([number; 16]);
        let aliases = Aliases([(1, 2), (2, 3), (7, 8), (8, 7)].map(|(from, to)| (item(from), item(to))).into());
        for (from, to) in [(1, 3), (2, 3), (3, 3), (7, 7), (8, 8), (9, 9)] {
            assert_eq!(aliases.follow(item(from)), item(to), "{from}");
        }
    }
}
