//! Making every folded row anew from the commits, through Automerge.
//!
//! Documents are read a page at a time. One that cannot be read is parked, and the rest goes on.
//!
//! Invariant: the rows after a rebuild equal the rows before it. Proved by `views_equal_a_rebuild_from_commits` in
//! `replica/tests.rs`.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crdt_model::codec::Reader;
use crdt_model::document_row::fold_document;
use crdt_model::id::DocumentId;
use crdt_model::rows::ViewTable;
use crdt_model::scope::Scope;
use crdt_model::scope_state::replace_document;

use super::batch::{Batch, table_of};
use super::documents::load_document;
use super::judge::Fault;
use super::{Outcome, Replica, ReplicaError, Stop};
use crate::store::Table;

/// The tables that a rebuild makes anew.
const VIEWS: [ViewTable; 16] = [
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
];

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
        let tried = catch_unwind(AssertUnwindSafe(|| {
            let document = load_document(batch, scope, id)?;
            let content = document.content().map_err(|error| ReplicaError::Document { id, error })?;
            Ok(fold_document(&content))
        }));
        let detail = match tried {
            Ok(Ok(row)) => return Ok(replace_document(batch, scope, id, row)?),
            Ok(Err(ReplicaError::Store(error))) => return Err(error.into()),
            Ok(Err(other)) => other.to_string(),
            Err(_) => "a panic".to_owned(),
        };
        self.park(batch, scope, id, &Fault { code: "document", detail }, Vec::new())
    }
}
