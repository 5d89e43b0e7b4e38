//! Order commands: place, confirm, ship, cancel.
//!
//! A new order is one document in the site's scope, written in one change, or in `parts` where it is larger. The keeper
//! promises stock in the same change where it fits, else in the same transaction.
//!
//! Invariants: a promise spends only rights that are free at that moment, in the transaction that reads them; a walk-in
//! sale is never refused for stock. Proved by `replica/tests.rs`.

use crdt_model::change::BYTES_VALUE_MAX;
use crdt_model::control::capability::may;
use crdt_model::document_row::DocumentRow;
use crdt_model::event::{Event, EventKind};
use crdt_model::fulfilment::state::FulfilmentState;
use crdt_model::fulfilment::whole::whole_order;
use crdt_model::id::{DocumentId, EventKey, RequestId, TransactionId};
use crdt_model::order::decide::{self, check_lines};
use crdt_model::order::event::{Contact, Entry, Handover, Line, LineQuantity, Paid, Placed, RightsBooking};
use crdt_model::order::state::{LineState, OrderState};
use crdt_model::rows::{RowKind, Rows, ViewTable, row_key};
use crdt_model::scope::Scope;
use crdt_model::scope_state::{fulfilments_of, read_document};
use crdt_model::seal::{KeyRecord, SealKey, SealedField, SealedPlace, SealedValue};
use crdt_model::text::Text;

use super::batch::Batch;
use super::command::{CommandError, Input, LineDraft, OrderDraft, Outcome};
use super::log::Draft;
use super::parts::{Size, size_of};
use super::{Keeping, Replica, ReplicaError, Stop};
use crate::store::Table;

/// Bytes of all lines of an order: a document may have 4 MiB.
const ORDER_BYTES_MAX: usize = 3 * 1024 * 1024;
/// What an event takes in a change beside its text, in bytes, at most.
pub(super) const LINE_BYTES_BASE: usize = 64;
/// Bytes of contact details: sealed and with their subject they are one event's value.
pub(super) const CONTACT_BYTES_MAX: usize = BYTES_VALUE_MAX - 128;

/// A document to be written as one order.
pub(super) struct OrderWriting {
    pub id: DocumentId,
    /// Line count and parts are filled in here.
    pub header: Placed,
    /// Builds the closing event of the header.
    pub close: fn(Placed) -> Event,
    pub lines: Vec<LineDraft>,
    /// Events that follow the header in its change.
    pub after: Vec<Event>,
}

impl Replica {
    pub(super) fn place_order(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        order: &OrderDraft,
    ) -> Result<Outcome, Stop> {
        let scope = self.site_scope();
        self.check_order(batch, order)?;
        let id = DocumentId::random(input.now.at, self.random.bytes());
        let lines: Vec<LineState> = order.lines.iter().map(line_state).collect();
        check_lines(&lines, &order.currency).map_err(CommandError::Rule)?;
        let mut after = self.stock_events(batch, input, order.handover, &lines)?;
        after.extend(order.payments.iter().map(|payment| {
            Event::Paid(Paid {
                time: input.now,
                tender: payment.tender,
                amount: payment.amount,
                reference: payment.reference.clone(),
            })
        }));
        after.extend(self.contact_event(batch, id, order)?);
        let label = Text::new(&self.next_order_label(batch)).ok();
        let request = input.request.as_ref().map(|request| request.id);
        let header = Placed {
            time: input.now,
            external: order.external.clone(),
            label,
            entry: Entry::New,
            handover: order.handover,
            currency: order.currency,
            customer: order.customer,
            region: order.region.clone(),
            request,
            line_count: 0,
            parts: None,
        };
        let writing = OrderWriting { id, header, close: Event::Placed, lines: order.lines.clone(), after };
        let mut draft = self.draft(scope.clone(), request.unwrap_or(RequestId::ZERO), TransactionId::ZERO);
        self.write_order(batch, &mut draft, writing, input)?;
        self.commit(batch, draft, input.now.at)?;
        Ok(Outcome::Order { scope, id })
    }

    fn check_order(&mut self, batch: &Batch<'_, '_>, order: &OrderDraft) -> Result<(), Stop> {
        if order.lines.iter().map(weight).sum::<usize>() > ORDER_BYTES_MAX {
            return Err(CommandError::OrderTooLarge.into());
        }
        let own = self.control().genesis.as_ref().map(|genesis| genesis.currency);
        if own.is_some_and(|own| own != order.currency) {
            let own = own.map(|own| own.code().to_owned()).unwrap_or_default();
            return Err(CommandError::OtherCurrency { given: order.currency.code().to_owned(), own }.into());
        }
        if let Some(line) = order.lines.iter().position(|line| weight(line) > BYTES_VALUE_MAX) {
            return Err(CommandError::TextTooLong { line: Some(line), field: "name" }.into());
        }
        for (at, line) in order.lines.iter().enumerate() {
            if !self.product_exists(batch, DocumentId::of_sku(line.sku.as_str()))? {
                return Err(CommandError::UnknownSku { line: at, sku: line.sku.clone() }.into());
            }
        }
        if let Some(id) = order.customer
            && read_document(batch, &self.customers_scope(), &id).map_err(ReplicaError::from)?.is_none()
        {
            return Err(CommandError::UnknownCustomer { id }.into());
        }
        if let Some(external) = &order.external {
            self.check_home(&external.channel)?;
            let prefix = crdt_model::rows::RowKey::of(&self.site_scope())
                .text(external.channel.as_str())
                .text(external.number.as_str());
            if !batch.list(Table::OrdersByExternal, prefix.as_bytes())?.is_empty() {
                return Err(CommandError::Exists { what: "order", name: external.number.clone() }.into());
            }
        }
        Ok(())
    }

    /// Orders of a channel are taken at its home alone.
    pub(super) fn check_home(&self, name: &Text) -> Result<(), CommandError> {
        let channel = self.control().channels.get(name.as_str());
        let channel = channel.ok_or_else(|| CommandError::UnknownChannel { name: name.clone() })?;
        if channel.home == self.identity.site {
            Ok(())
        } else {
            Err(CommandError::OtherHome { name: name.clone(), home: channel.home.clone() })
        }
    }

    /// Whether a product is known in the catalogue or, provisionally, at this site.
    pub(super) fn product_exists(&mut self, batch: &Batch<'_, '_>, item: DocumentId) -> Result<bool, ReplicaError> {
        if self.memory().known.contains(&item) {
            return Ok(true);
        }
        for scope in [Scope::Catalogue, self.site_scope()] {
            let key = row_key(&scope, RowKind::Document, &item.0);
            if self.is_parked(&scope, item) || batch.get(ViewTable::Rows, key.as_bytes())?.is_some() {
                self.remember_known(item);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Remembers that an item or customer exists.
    pub(super) fn remember_known(&mut self, id: DocumentId) {
        let known = &mut self.memory().known;
        if known.len() >= super::KNOWN_MAX {
            known.clear();
        }
        known.insert(id);
    }

    fn contact_event(
        &mut self,
        batch: &mut Batch<'_, '_>,
        id: DocumentId,
        order: &OrderDraft,
    ) -> Result<Vec<Event>, Stop> {
        let Some(plain) = &order.contact else { return Ok(Vec::new()) };
        if plain.len() > CONTACT_BYTES_MAX {
            return Err(CommandError::ContactTooLong.into());
        }
        let subject = order.customer.unwrap_or(id);
        let key = self.key_of(batch, subject)?;
        let place = SealedPlace { org: self.identity.org, document: id, field: SealedField::Event(EventKind::Contact) };
        let sealed = SealedValue::seal(&key, place, plain).map_err(|_| CommandError::ContactTooLong)?;
        Ok(vec![Event::Contact(Contact { subject, sealed })])
    }

    /// The key of a subject with the lowest id, or a new one, durable with the commit that first uses it. All keys of a
    /// subject are kept and none is newer than another, so nodes that hold the same ones seal under the same one.
    pub(super) fn key_of(&mut self, batch: &mut Batch<'_, '_>, subject: DocumentId) -> Result<SealKey, ReplicaError> {
        if let Some((_, bytes)) = batch.list(Table::Keys, &subject.0)?.into_iter().next()
            && let Ok(bytes) = <[u8; 32]>::try_from(bytes.as_slice())
        {
            return Ok(SealKey::new(bytes));
        }
        let record = KeyRecord { subject, key: SealKey::new(self.random.bytes()) };
        let row = [&record.subject.0[..], &record.key.id().0].concat();
        batch.write(Table::Keys, row, record.key.as_bytes().to_vec());
        Ok(record.key)
    }

    /// The goods leave at once, or are promised as far as rights reach.
    fn stock_events(
        &mut self,
        batch: &Batch<'_, '_>,
        input: &Input,
        handover: Handover,
        lines: &[LineState],
    ) -> Result<Vec<Event>, ReplicaError> {
        match handover {
            Handover::Later => self.promises(batch, input, lines),
            Handover::AtOnce => {
                let (epoch, keeping) = self.keeping();
                let mut events = self.draws(batch, input, lines)?;
                events.push(Event::Shipped(decide::hand_over(input.now, epoch, booking(keeping))));
                Ok(events)
            }
        }
    }

    /// Writes an order into a draft; rolls over where it does not fit.
    pub(super) fn write_order(
        &mut self,
        batch: &mut Batch<'_, '_>,
        draft: &mut Draft,
        writing: OrderWriting,
        input: &Input,
    ) -> Result<(), ReplicaError> {
        let size = size_of(&writing);
        let events = writing.lines.len() + 1 + writing.after.len();
        if !matches!(size, Size::Whole { bytes } if draft.fits(bytes, events)) {
            self.roll(batch, draft, input.now.at)?;
        }
        let scope = draft.scope.clone();
        let row = match size {
            Size::Whole { .. } => self.write_whole_order(draft, writing)?,
            Size::InParts => {
                let row = self.write_order_in_parts(batch, draft, writing, input)?;
                self.roll(batch, draft, input.now.at)?;
                row
            }
        };
        self.fold_in(batch, &scope, vec![row])
    }

    fn write_whole_order(&mut self, draft: &mut Draft, writing: OrderWriting) -> Result<super::NewRow, ReplicaError> {
        let placed = self.key_at(&draft.scope, draft.seq(), Self::next_index(draft) + writing.lines.len() as u32);
        let mut header = writing.header;
        header.line_count = writing.lines.len() as u16;
        let lines = (1u16..).zip(writing.lines).map(|(number, line)| line_event(placed, number, line));
        let events = lines.chain([(writing.close)(header)]).chain(writing.after).collect();
        let events = self.with_keys(draft, events);
        self.create_document(draft, writing.id, events, Vec::new())
    }

    pub(super) fn confirm_order(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        scope: &Scope,
        id: DocumentId,
    ) -> Result<Outcome, Stop> {
        let order = read_whole(batch, scope, id)?.order;
        let confirmed = decide::confirm(&order, input.now).map_err(CommandError::Rule)?;
        let events = confirmed.map(Event::Confirmed).into_iter().collect();
        self.append_to_order(batch, input, scope, id, events)
    }

    pub(super) fn ship_order(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        scope: &Scope,
        id: DocumentId,
        lines: Option<&[LineQuantity]>,
    ) -> Result<Outcome, Stop> {
        let Whole { local, order, .. } = read_whole(batch, scope, id)?;
        let (epoch, keeping) = self.keeping();
        let shipped = decide::ship(&order, lines, input.now, epoch, booking(keeping)).map_err(CommandError::Rule)?;
        let mut events = self.draws(batch, input, &decide::without_rights(&local, &shipped))?;
        events.push(Event::Shipped(shipped));
        self.append_to_order(batch, input, scope, id, events)
    }

    pub(super) fn cancel_order(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        scope: &Scope,
        id: DocumentId,
        lines: Option<&[LineQuantity]>,
        reason: Option<Text>,
    ) -> Result<Outcome, Stop> {
        let whole = read_whole(batch, scope, id)?;
        let cancelled = decide::cancel(&whole.order, lines, input.now, reason.clone()).map_err(CommandError::Rule)?;
        let mirrored = self.mirrored_cancels(scope, &whole, &cancelled, (input.now, reason))?;
        let event = Event::Cancelled(cancelled);
        if event.encode().len() > BYTES_VALUE_MAX {
            return Err(CommandError::TextTooLong { line: None, field: "reason" }.into());
        }
        let transaction = if mirrored.is_empty() { TransactionId::ZERO } else { TransactionId(self.random.bytes()) };
        self.check_writable(scope, id, std::slice::from_ref(&event))?;
        for (lane, fulfilment, event) in mirrored {
            self.append_in(batch, input, (&lane, fulfilment, transaction), vec![event])?;
        }
        self.append_in(batch, input, (scope, id, transaction), vec![event])?;
        Ok(Outcome::Order { scope: scope.clone(), id })
    }

    /// This node may write these events, and the document takes them.
    pub(super) fn check_writable(&self, scope: &Scope, id: DocumentId, events: &[Event]) -> Result<(), CommandError> {
        if self.is_parked(scope, id) {
            return Err(CommandError::Parked { id });
        }
        let author = self.identity.author_id();
        let denied = events.iter().find_map(|event| may(self.control(), &author, scope, event).err());
        denied.map_or(Ok(()), |denied| Err(CommandError::NotAllowed { code: denied.code() }))
    }

    fn append_to_order(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        scope: &Scope,
        id: DocumentId,
        events: Vec<Event>,
    ) -> Result<Outcome, Stop> {
        if !events.is_empty() {
            self.check_writable(scope, id, &events)?;
            self.append_in(batch, input, (scope, id, TransactionId::ZERO), events)?;
        }
        Ok(Outcome::Order { scope: scope.clone(), id })
    }

    /// Appends events to a document in a commit of their own.
    pub(super) fn append_in(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        (scope, id, transaction): (&Scope, DocumentId, TransactionId),
        events: Vec<Event>,
    ) -> Result<(), ReplicaError> {
        let mut draft = self.draft(scope.clone(), draft_request(input), transaction);
        let events = self.with_keys(&mut draft, events);
        let row = self.append_events(batch, &mut draft, id, events)?;
        self.commit(batch, draft, input.now.at)?;
        self.fold_in(batch, scope, vec![row])
    }
}

/// The request of an input, zero for none.
pub(super) fn draft_request(input: &Input) -> RequestId {
    input.request.as_ref().map_or(RequestId::ZERO, |request| request.id)
}

fn booking(keeping: Keeping) -> RightsBooking {
    match keeping {
        Keeping::Mine => RightsBooking::Here,
        Keeping::Others => RightsBooking::Later,
    }
}

pub(super) fn line_event(placed: EventKey, number: u16, line: LineDraft) -> Event {
    let LineDraft { sku, name, quantity, price } = line;
    Event::Line(Line { placed, number, sku, name, quantity, price })
}

/// Bytes that a line takes in a change, at most.
pub(super) fn weight(line: &LineDraft) -> usize {
    LINE_BYTES_BASE + line.sku.as_str().len() + line.name.as_ref().map_or(0, |name| name.as_str().len())
}

fn line_state(line: &LineDraft) -> LineState {
    LineState::new(line.sku.clone(), line.name.clone(), line.quantity, line.price)
}

/// An order with what other sites ship of it.
pub(super) struct Whole {
    /// As its own scope says.
    pub local: Box<OrderState>,
    /// Its fulfilments, one entry for each of `local.sent`; none where it has not arrived.
    pub held: Vec<Option<FulfilmentState>>,
    /// As it stands everywhere.
    pub order: OrderState,
}

/// Reads an order with its fulfilments.
pub(super) fn read_whole(batch: &Batch<'_, '_>, scope: &Scope, id: DocumentId) -> Result<Whole, Stop> {
    match read_document(batch, scope, &id).map_err(ReplicaError::from)? {
        Some(DocumentRow::Order(local)) => {
            let held = fulfilments_of(batch, (scope, &id), &local).map_err(ReplicaError::from)?;
            let order = whole_order(&local, &held);
            Ok(Whole { local, held, order })
        }
        Some(_) | None => Err(CommandError::UnknownOrder { id }.into()),
    }
}
