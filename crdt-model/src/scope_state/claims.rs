//! Claims that only one order of a scope may win: (channel, external number) and the request that placed it.
//!
//! Invariant: of all orders with one claim the lowest document id counts, whatever came first. Proved by
//! `of_two_orders_with_one_number_the_lowest_id_counts` in `merge_laws`.

use std::ops::ControlFlow;

use crate::document_row::DocumentRow;
use crate::id::DocumentId;
use crate::order::state::OrderState;
use crate::rows::{RowKey, Rows, ViewTable};
use crate::scope::Scope;

/// A claim as the prefix of its index rows.
pub(super) type Claim = (ViewTable, Vec<u8>);

/// The claims of an order.
pub(super) fn claims_of(scope: &Scope, order: &OrderState) -> Vec<Claim> {
    let external = order.header.external.as_ref().map(|external| {
        let key = RowKey::of(scope).text(external.channel.as_str()).text(external.number.as_str());
        (ViewTable::OrdersByExternal, key.into_bytes())
    });
    let request = order
        .header
        .request
        .as_ref()
        .map(|request| (ViewTable::OrdersByRequest, RowKey::of(scope).fixed(request.as_bytes()).into_bytes()));
    external.into_iter().chain(request).collect()
}

/// The claims of a row; only orders claim.
pub(super) fn claims_of_row(scope: &Scope, row: Option<&DocumentRow>) -> Vec<Claim> {
    match row {
        Some(DocumentRow::Order(order)) => claims_of(scope, order),
        Some(
            DocumentRow::Control(_)
            | DocumentRow::Product(_)
            | DocumentRow::Customer(_)
            | DocumentRow::Journal(_)
            | DocumentRow::Fulfilment(_),
        )
        | None => Vec::new(),
    }
}

/// Every document that makes a claim, lowest id first.
pub(super) fn claimants<R: Rows>(rows: &R, claim: &Claim) -> Result<Vec<DocumentId>, R::Error> {
    let mut found = Vec::new();
    rows.scan(claim.0, &claim.1, &mut |key, _| {
        if let Ok(id) = <[u8; 16]>::try_from(&key[claim.1.len()..]) {
            found.push(DocumentId(id));
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The order that counts in the stead of `id`: the lowest rival below it in any claim.
pub(super) fn survivor<R: Rows>(rows: &R, claims: &[Claim], id: DocumentId) -> Result<Option<DocumentId>, R::Error> {
    let mut lowest = id;
    for claim in claims {
        lowest = claimants(rows, claim)?.into_iter().chain([lowest]).min().unwrap_or(lowest);
    }
    Ok((lowest < id).then_some(lowest))
}
