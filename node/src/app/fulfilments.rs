//! Fulfilments: what one site ships for another, as both of them and head office see it.
//!
//! Invariants: a list is by time, newest last, and costs rows in proportion to what it shows and skips; a fulfilment is
//! found by its id or by the number of its order. Proved by `a_sent_order_is_listed_at_both_sites`.

use crdt_model::codec::Reader;
use crdt_model::document_row::DocumentRow;
use crdt_model::event::EventKind;
use crdt_model::fulfilment::state::{self, FulfilmentState};
use crdt_model::id::DocumentId;
use crdt_model::rows::RowKey;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::scope_state::lane_of;

use super::error::AppError;
use super::model::{
    CancelRequest, FulfilmentFilter, FulfilmentLineView, FulfilmentShipRequest, FulfilmentStatus, FulfilmentView, Page,
    PageRequest, QuantitySum, Request,
};
use super::orders::{Whole, details_of, line_quantities, secured};
use super::read::{self, collect};
use super::{App, cases, page};
use crate::replica::{Command, Outcome};
use crate::store::{Snapshot, Table};

impl App {
    /// Fulfilments of every lane that is held, oldest first.
    pub fn fulfilments(
        &self,
        filter: FulfilmentFilter,
        request: PageRequest,
    ) -> Result<Page<FulfilmentView>, AppError> {
        let snapshot = self.snapshot()?;
        let mut found: Vec<(String, Scope, DocumentId)> = Vec::new();
        for lane in lanes(&snapshot)? {
            for shipper in ends_of(&lane).filter(|end| filter.site.as_ref().is_none_or(|site| site == *end)) {
                for status in statuses_of(&filter) {
                    found.extend(of_status(&snapshot, &lane, shipper, status)?);
                }
            }
        }
        let page = page::cut(found, &request, |(position, ..)| position.clone());
        let mut items = Vec::with_capacity(page.items.len());
        for (_, lane, id) in page.items {
            let fulfilment = read_fulfilment(&snapshot, &lane, id)?;
            items.extend(fulfilment.map(|state| self.fulfilment_row(&snapshot, &lane, id, &state)).transpose()?);
        }
        Ok(Page { items, next_cursor: page.next_cursor })
    }

    /// The fulfilment of an id (32 digits), or the one of an order number.
    pub fn fulfilment(&self, id: &str) -> Result<FulfilmentView, AppError> {
        let snapshot = self.snapshot()?;
        let (lane, id) = find(&snapshot, id)?;
        self.fulfilment_at(&snapshot, &lane, id)
    }

    /// Goods of a fulfilment leave this site.
    pub async fn ship_fulfilment(
        &self,
        request: Request,
        id: &str,
        ship: FulfilmentShipRequest,
    ) -> Result<FulfilmentView, AppError> {
        let (scope, id) = find(&self.snapshot()?, id)?;
        let lines = ship.lines.map(line_quantities).transpose()?;
        let command = Command::ShipFulfilment { scope, id, lines, reference: ship.reference };
        self.fulfilment_of(self.write(&request, command).await?)
    }

    /// Lines of a fulfilment go back to the site that took the order.
    pub async fn cancel_fulfilment(
        &self,
        request: Request,
        id: &str,
        cancel: CancelRequest,
    ) -> Result<FulfilmentView, AppError> {
        let (scope, id) = find(&self.snapshot()?, id)?;
        let lines = cancel.lines.map(line_quantities).transpose()?;
        let command = Command::CancelFulfilment { scope, id, lines, reason: cancel.reason };
        self.fulfilment_of(self.write(&request, command).await?)
    }

    /// Whether a fulfilment that this site ships waits for its keeper.
    pub fn fulfilments_due(&self) -> Result<bool, AppError> {
        let (snapshot, site) = (self.snapshot()?, &self.facts().site);
        for lane in lanes(&snapshot)? {
            let due = RowKey::of(&lane).text(site.as_str()).byte(0);
            if !collect(&snapshot, Table::FulfilmentsByStatus, due.as_bytes(), |_, _| Ok(Some(())))?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What other sites ship of an order; what has not arrived here is left out.
    pub(super) fn fulfilments_of_order(
        &self,
        snapshot: &Snapshot,
        scope: &Scope,
        whole: &Whole,
    ) -> Result<Vec<FulfilmentView>, AppError> {
        let mut views = Vec::with_capacity(whole.held.len());
        for ((_, sent), held) in whole.order.sent.iter().zip(&whole.held) {
            if let (Some(lane), Some(fulfilment)) = (lane_of(scope, sent), held) {
                views.push(self.fulfilment_view(snapshot, &lane, sent.fulfilment, fulfilment)?);
            }
        }
        Ok(views)
    }

    fn fulfilment_of(&self, outcome: Outcome) -> Result<FulfilmentView, AppError> {
        match outcome {
            Outcome::Fulfilment { scope, id } => self.fulfilment_at(&self.snapshot()?, &scope, id),
            _other => Err(AppError::Storage("the fulfilment was answered with another outcome".to_owned())),
        }
    }

    fn fulfilment_at(&self, snapshot: &Snapshot, lane: &Scope, id: DocumentId) -> Result<FulfilmentView, AppError> {
        let fulfilment = read_fulfilment(snapshot, lane, id)?;
        let fulfilment = fulfilment.ok_or_else(|| AppError::NotFound { what: "fulfilment", id: id.to_string() })?;
        self.fulfilment_view(snapshot, lane, id, &fulfilment)
    }

    /// With lines and cases.
    fn fulfilment_view(
        &self,
        snapshot: &Snapshot,
        lane: &Scope,
        id: DocumentId,
        fulfilment: &FulfilmentState,
    ) -> Result<FulfilmentView, AppError> {
        let mut view = self.fulfilment_row(snapshot, lane, id, fulfilment)?;
        let mut lines = Vec::with_capacity(fulfilment.lines.len());
        for line in &fulfilment.lines {
            lines.push(line_view(snapshot, line)?);
        }
        view.cases = Some(cases::subject_cases(snapshot, lane, id, &self.facts().currency)?);
        view.lines = Some(lines);
        Ok(view)
    }

    fn fulfilment_row(
        &self,
        snapshot: &Snapshot,
        lane: &Scope,
        id: DocumentId,
        fulfilment: &FulfilmentState,
    ) -> Result<FulfilmentView, AppError> {
        let header = &fulfilment.header;
        let plain = match &fulfilment.contact {
            Some((_, contact)) => self.open_contact(snapshot, (id, EventKind::FulfilmentContact), contact)?,
            None => None,
        };
        let (contact, note) = plain.as_deref().map_or((None, None), details_of);
        Ok(FulfilmentView {
            id,
            scope: lane.clone(),
            order: header.order,
            order_number: header.order_number.to_string(),
            taker: header.taker.clone(),
            shipper: header.shipper.clone(),
            sent_at: header.time,
            status: status(fulfilment.status()),
            secured: secured(fulfilment.secured()),
            service: header.service.clone(),
            contact,
            note,
            references: fulfilment.references.iter().map(|(_, reference)| reference.clone()).collect(),
            line_count: fulfilment.lines.len() as u32,
            lines: None,
            cases: None,
        })
    }
}

fn line_view(snapshot: &Snapshot, line: &state::FulfilmentLineState) -> Result<FulfilmentLineView, AppError> {
    let ladder = &line.ladder;
    let product = match &ladder.name {
        Some(_) => None,
        None => read::product(snapshot, &DocumentId::of_sku(ladder.sku.as_str()))?,
    };
    Ok(FulfilmentLineView {
        line: u32::from(line.number),
        sku: ladder.sku.clone(),
        name: ladder.name.clone().or_else(|| product.map(|(_, product)| product.name().clone())),
        quantity: ladder.quantity,
        cancelled: QuantitySum(ladder.cancelled()),
        secured: QuantitySum(ladder.secured()),
        shipped: QuantitySum(ladder.shipped),
        open: QuantitySum(ladder.open()),
    })
}

fn status(status: state::FulfilmentStatus) -> FulfilmentStatus {
    match status {
        state::FulfilmentStatus::Planned => FulfilmentStatus::Planned,
        state::FulfilmentStatus::Allocated => FulfilmentStatus::Allocated,
        state::FulfilmentStatus::PartlyShipped => FulfilmentStatus::PartlyShipped,
        state::FulfilmentStatus::Shipped => FulfilmentStatus::Shipped,
        state::FulfilmentStatus::Cancelled => FulfilmentStatus::Cancelled,
        state::FulfilmentStatus::CancelledAfterDispatch => FulfilmentStatus::CancelledAfterDispatch,
    }
}

fn lanes(snapshot: &Snapshot) -> Result<Vec<Scope>, AppError> {
    Ok(read::scopes(snapshot)?.into_iter().filter(|scope| matches!(scope, Scope::Lane(..))).collect())
}

fn ends_of(lane: &Scope) -> impl Iterator<Item = &SiteCode> {
    let ends = match lane {
        Scope::Lane(low, high) => [Some(low), Some(high)],
        Scope::Control | Scope::Catalogue | Scope::Customers(_) | Scope::Site(_) => [None, None],
    };
    ends.into_iter().flatten()
}

/// The folded statuses that a filter lets through.
fn statuses_of(filter: &FulfilmentFilter) -> impl Iterator<Item = state::FulfilmentStatus> {
    let wanted = filter.status;
    state::FulfilmentStatus::ALL
        .into_iter()
        .map(|(folded, _)| folded)
        .filter(move |folded| wanted.is_none_or(|wanted| wanted == status(*folded)))
}

/// Fulfilments of a lane, shipper and status, with their places in a list by time.
fn of_status(
    snapshot: &Snapshot,
    lane: &Scope,
    shipper: &SiteCode,
    status: state::FulfilmentStatus,
) -> Result<Vec<(String, Scope, DocumentId)>, AppError> {
    let prefix = RowKey::of(lane).text(shipper.as_str()).byte(status as u8);
    let length = prefix.as_bytes().len();
    collect(snapshot, Table::FulfilmentsByStatus, prefix.as_bytes(), |key, _| {
        let position: String = key[length..].iter().map(|byte| format!("{byte:02x}")).collect();
        let id = DocumentId(Reader::new(&key[key.len() - 16..]).array("document id")?);
        Ok(Some((position, lane.clone(), id)))
    })
}

fn read_fulfilment(snapshot: &Snapshot, lane: &Scope, id: DocumentId) -> Result<Option<FulfilmentState>, AppError> {
    Ok(match read::document(snapshot, lane, &id)? {
        Some(DocumentRow::Fulfilment(fulfilment)) => Some(*fulfilment),
        Some(_) | None => None,
    })
}

/// By id, else by the number of the order, which must have one fulfilment.
fn find(snapshot: &Snapshot, id: &str) -> Result<(Scope, DocumentId), AppError> {
    let lanes = lanes(snapshot)?;
    if let Ok(document) = id.parse::<DocumentId>() {
        for lane in &lanes {
            if read_fulfilment(snapshot, lane, document)?.is_some() {
                return Ok((lane.clone(), document));
            }
        }
    }
    let mut found = Vec::new();
    for lane in lanes {
        let prefix = RowKey::of(&lane).text(id);
        let length = prefix.as_bytes().len();
        found.extend(collect(snapshot, Table::OrdersByNumber, prefix.as_bytes(), |key, _| {
            Ok(Some((lane.clone(), DocumentId(Reader::new(&key[length..]).array("document id")?))))
        })?);
    }
    match found.len() {
        0 => Err(AppError::NotFound { what: "fulfilment", id: id.to_owned() }),
        1 => Ok(found.swap_remove(0)),
        many => Err(AppError::Conflict {
            code: "several",
            detail: format!("order {id} has {many} fulfilments"),
            remedy: "Give the id of one of them; `fulfilment list` tells it.".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_a_fulfilment_has_its_word() {
        for (folded, word) in state::FulfilmentStatus::ALL {
            assert_eq!(status(folded).word(), word);
        }
    }
}
