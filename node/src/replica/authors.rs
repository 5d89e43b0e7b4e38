//! Who wrote the events of a document: read from the commits that hold them, for views that name the node.
//!
//! Not in any row: rows do not know authors. A document is not opened for it.
//!
//! Invariant: an event is its commit's author's. Proved by `a_ledger_names_the_node_of_each_movement`.

use std::collections::BTreeMap;

use crdt_model::change::scan;
use crdt_model::codec::DecodeError;
use crdt_model::commit::SignedCommit;
use crdt_model::id::{AuthorId, DocumentId, EventKey};
use crdt_model::rows::RowKey;
use crdt_model::scope::Scope;

use super::ReplicaError;
use super::documents::references;
use crate::store::{ReadTables, Table};

/// The author of each event of a document.
///
/// # Errors
/// If the store or a stored commit cannot be read.
pub fn event_authors(
    tables: &impl ReadTables,
    scope: &Scope,
    document: &DocumentId,
) -> Result<BTreeMap<EventKey, AuthorId>, ReplicaError> {
    let row = tables.get(Table::Documents, RowKey::of(scope).document(document).as_bytes())?.unwrap_or_default();
    let mut authors = BTreeMap::new();
    for (hash, position) in references(&row)? {
        let bytes = tables.get(Table::Commits, &hash.0)?.unwrap_or_default();
        let signed = SignedCommit::decode_trusted(&bytes)?;
        let broken = DecodeError::OutOfRange { field: "commit reference" };
        let change = signed.commit().changes.get(position).ok_or(broken.clone())?;
        let scanned = scan(&change.chunk).map_err(|_| broken)?;
        let keys = scanned.puts.iter().filter_map(|put| EventKey::from_map_key(put.key));
        authors.extend(keys.map(|key| (key, signed.commit().author)));
    }
    Ok(authors)
}
