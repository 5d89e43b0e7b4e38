//! Making every folded row anew from the commits, through Automerge.
//!
//! Invariant: the rows after a rebuild equal the rows before it. Proved by `views_equal_a_rebuild_from_commits` in
//! `replica/tests.rs`.

use std::collections::BTreeSet;

use crdt_model::codec::Reader;
use crdt_model::document_row::fold_document;
use crdt_model::id::DocumentId;
use crdt_model::rows::ViewTable;
use crdt_model::scope::Scope;
use crdt_model::scope_state::replace_document;

use super::batch::{Batch, table_of};
use super::documents::load_document;
use super::log::read_control;
use super::{Outcome, Replica, ReplicaError, Stop};
use crate::store::Table;

/// The tables that a rebuild makes anew.
const VIEWS: [ViewTable; 13] = [
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
];

impl Replica {
    pub(super) fn rebuild(&mut self, batch: &mut Batch<'_, '_>) -> Result<Outcome, Stop> {
        for view in VIEWS {
            batch.clear(table_of(view))?;
        }
        let mut scopes = BTreeSet::new();
        let documents = batch.list(Table::Documents, &[])?;
        for (key, _) in &documents {
            let mut reader = Reader::new(key);
            let scope =
                Scope::from_bytes(reader.blob("scope", 64).map_err(ReplicaError::from)?).map_err(ReplicaError::from)?;
            let id = DocumentId::decode("document", &mut reader).map_err(ReplicaError::from)?;
            let document = load_document(batch, &scope, id)?;
            let content = document.content().map_err(|error| ReplicaError::Document { id, error })?;
            replace_document(batch, &scope, id, fold_document(&content)).map_err(ReplicaError::from)?;
            scopes.insert(scope);
        }
        self.memory().control = read_control(batch)?;
        let commits = batch.list(Table::CommitOrder, &[])?.len() as u64;
        Ok(Outcome::Rebuilt { documents: documents.len() as u64, scopes: scopes.len() as u64, commits })
    }
}
