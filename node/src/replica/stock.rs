//! Stock facts: receipts and adjustments, each with the keeper's booking in the same change.
//!
//! Facts go into the journal of this session; after [`JOURNAL_EVENTS_MAX`] events a new journal begins.
//!
//! Invariant: a keeper's own fact and its booking are one change, so neither is ever seen alone. Proved by
//! `a_receipt_makes_rights_in_the_same_change` in `replica/tests.rs`.

use crdt_model::change::BYTES_VALUE_MAX;
use crdt_model::event::Event;
use crdt_model::id::{DocumentId, TransactionId};
use crdt_model::journal::JOURNAL_EVENTS_MAX;
use crdt_model::journal::event::{Booking, StockFact};
use crdt_model::quantity::Quantity;
use crdt_model::text::Text;

use super::batch::Batch;
use super::command::{CommandError, Input, Outcome, StockKind};
use super::log::Draft;
use super::orders::draft_request;
use super::{Keeping, KeyedEvent, OpenJournal, Replica, ReplicaError, Stop};

impl Replica {
    pub(super) fn record_stock(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        kind: StockKind,
        sku: &Text,
        quantity: Quantity,
        (reference, reason): (Option<Text>, Option<Text>),
    ) -> Result<Outcome, Stop> {
        let item = DocumentId::of_sku(sku.as_str());
        if !self.product_exists(batch, item)? {
            return Err(CommandError::UnknownSku { line: 0, sku: sku.clone() }.into());
        }
        let (epoch, keeping) = self.keeping();
        let scope = self.site_scope();
        let mut draft = self.draft(scope.clone(), draft_request(input), TransactionId::ZERO);
        let fact = StockFact { time: input.now, epoch, sku: sku.clone(), quantity, reference, reason };
        let fact_key = self.next_key(&mut draft);
        let fact_event = match kind {
            StockKind::Receipt => Event::Receipt(fact),
            StockKind::Adjustment => Event::Adjustment(fact),
        };
        if fact_event.encode().len() > BYTES_VALUE_MAX {
            return Err(CommandError::TextTooLong { line: None, field: "reason" }.into());
        }
        let (journal, is_new) = self.journal(input);
        let mut events = vec![(fact_key, fact_event)];
        if keeping == Keeping::Mine && quantity != Quantity::ZERO {
            let magnitude = Quantity::from_thousandths(quantity.thousandths().abs());
            let quantity_booked = magnitude.expect("invariant: the bound of a quantity is symmetric");
            let booking = Booking { epoch, fact: journal.event(fact_key), sku: sku.clone(), quantity: quantity_booked };
            let booked = if quantity.is_positive() { Event::Mint(booking) } else { Event::Burn(booking) };
            events.push((self.next_key(&mut draft), booked));
        }
        self.write_journal(batch, input, draft, (journal, is_new), events)?;
        Ok(Outcome::Stock { item })
    }

    /// Writes events into a journal that has room for them, and commits the draft.
    pub(super) fn write_journal(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        mut draft: Draft,
        (journal, is_new): (DocumentId, Journal),
        events: Vec<KeyedEvent>,
    ) -> Result<(), ReplicaError> {
        let (scope, written) = (draft.scope.clone(), events.len());
        let row = match is_new {
            Journal::New => self.create_document(&mut draft, journal, events, Vec::new())?,
            Journal::Open => self.append_events(batch, &mut draft, journal, events)?,
        };
        if let Some(open) = &mut self.memory().journal {
            open.events += written;
        }
        self.commit(batch, draft, input.now.at)?;
        self.fold_in(batch, &scope, vec![row])
    }

    /// Events that the journal of [`Self::journal`] still takes.
    pub(super) fn journal_room(&mut self) -> usize {
        self.memory().journal.as_ref().map_or(0, |open| JOURNAL_EVENTS_MAX.saturating_sub(open.events))
    }

    /// The journal that takes the next two events.
    pub(super) fn journal(&mut self, input: &Input) -> (DocumentId, Journal) {
        if let Some(open) = &self.memory().journal
            && open.events + 2 <= JOURNAL_EVENTS_MAX
        {
            return (open.id, Journal::Open);
        }
        let id = DocumentId::random(input.now.at, self.random.bytes());
        self.memory().journal = Some(OpenJournal { id, events: 0 });
        (id, Journal::New)
    }
}

/// Whether a journal exists already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Journal {
    /// It begins with these events.
    New,
    /// It has events.
    Open,
}
