//! Making every folded row anew from the commits, through Automerge.
//!
//! Documents are read a page at a time. One that cannot be read is parked, and the rest goes on.
//!
//! The rows of `control` can be made anew by themselves, before there is a replica: without them a node does not know who it
//! is, so nothing else could mend them.
//!
//! Invariants: the rows after a rebuild equal the rows before it. Proved by `views_equal_a_rebuild_from_commits` in
//! `replica/tests.rs`. A node starts whatever version the rows of `control` have. Proved by
//! `rows_of_control_of_another_version_are_made_anew_at_the_start`.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crdt_model::codec::Reader;
use crdt_model::document_row::{DocumentRow, fold_document};
use crdt_model::id::DocumentId;
use crdt_model::rows::{RowKey, ViewTable};
use crdt_model::scope::Scope;
use crdt_model::scope_state::replace_document;

use super::batch::{Batch, table_of};
use super::documents::load_document;
use super::judge::Fault;
use super::{Outcome, Replica, ReplicaError, Stop};
use crate::store::{Table, WriteTx};

/// The tables that a rebuild makes anew.
const VIEWS: [ViewTable; 18] = [
    ViewTable::Rows,
    ViewTable::OrdersByTime,
    ViewTable::OrdersByStatus,
    ViewTable::OrdersByCustomer,
    ViewTable::OrdersByExternal,
    ViewTable::OrdersByRequest,
    ViewTable::OrdersByNumber,
    ViewTable::ItemsBySku,
    ViewTable::SalesByItem,
    ViewTable::SalesByCountry,
    ViewTable::SalesByCustomer,
    ViewTable::SalesByDay,
    ViewTable::Counters,
    ViewTable::FulfilmentsByStatus,
    ViewTable::StockOverLanes,
    ViewTable::CasesAcross,
    ViewTable::MovementsByItem,
    ViewTable::ItemsByBarcode,
];

/// Makes the rows of `control` anew from its commits; the documents that were folded.
pub fn rebuild_control(tx: &mut WriteTx<'_>) -> Result<u64, ReplicaError> {
    let mut batch = Batch::new(tx);
    let prefix = RowKey::of(&Scope::Control);
    for table in VIEWS.map(table_of) {
        for (key, _) in batch.list(table, prefix.as_bytes())? {
            batch.remove(table, key);
        }
    }
    let documents = batch.list(Table::Documents, prefix.as_bytes())?;
    for (key, _) in &documents {
        let mut reader = Reader::new(key);
        let scope = reader.blob("scope", 64).and_then(Scope::from_bytes)?;
        let id = DocumentId::decode("document", &mut reader)?;
        let row = read_again(&batch, &scope, id)?;
        replace_document(&mut batch, &scope, id, row)?;
    }
    batch.flush()?;
    Ok(documents.len() as u64)
}

/// Folds a document from its commits.
fn read_again(batch: &Batch<'_, '_>, scope: &Scope, id: DocumentId) -> Result<Option<DocumentRow>, ReplicaError> {
    let document = load_document(batch, scope, id)?;
    let content = document.content().map_err(|error| ReplicaError::Document { id, error })?;
    Ok(fold_document(&content))
}

impl Replica {
    pub(super) fn rebuild(&mut self, batch: &mut Batch<'_, '_>) -> Result<Outcome, Stop> {
        for view in VIEWS {
            batch.clear(table_of(view))?;
        }
        self.documents.clear();
        let mut scopes = BTreeSet::new();
        let mut documents = 0;
        let mut last: Option<Vec<u8>> = None;
        loop {
            let page = batch.page(Table::Documents, last.as_deref())?;
            let Some((key, _)) = page.last() else { break };
            last = Some(key.clone());
            for (key, _) in &page {
                let mut reader = Reader::new(key);
                let scope = reader.blob("scope", 64).and_then(Scope::from_bytes).map_err(ReplicaError::from)?;
                let id = DocumentId::decode("document", &mut reader).map_err(ReplicaError::from)?;
                self.fold_again(batch, &scope, id)?;
                scopes.insert(scope);
                documents += 1;
            }
        }
        self.read_control_again(batch)?;
        self.retry_parked(batch)?;
        let commits = batch.count(Table::CommitOrder)?;
        Ok(Outcome::Rebuilt { documents, scopes: scopes.len() as u64, commits })
    }

    /// Folds a document from its commits; one that cannot be read is parked and the others go on.
    fn fold_again(&mut self, batch: &mut Batch<'_, '_>, scope: &Scope, id: DocumentId) -> Result<(), ReplicaError> {
        let tried = catch_unwind(AssertUnwindSafe(|| read_again(batch, scope, id)));
        let detail = match tried {
            Ok(Ok(row)) => return Ok(replace_document(batch, scope, id, row)?),
            Ok(Err(ReplicaError::Store(error))) => return Err(error.into()),
            Ok(Err(other)) => other.to_string(),
            Err(_) => "a panic".to_owned(),
        };
        self.park(batch, scope, id, &Fault { code: "document", detail }, Vec::new())
    }
}
