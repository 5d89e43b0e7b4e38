//! Order commands: place, confirm, ship, cancel.
//!
//! A new order is one document in the site's scope. Lines that do not fit one change come in parts, each in its own
//! commit of the same transaction id; the header closes them. The keeper promises stock in the same change.
//!
//! Invariants: a promise spends only rights that are free at that moment, in the transaction that reads them; a walk-in
//! sale is never refused for stock. Proved by `replica/tests.rs`.

use crdt_model::document::{Document, Put};
use crdt_model::document_row::{DocumentRow, fold_document};
use crdt_model::event::{Event, EventKind};
use crdt_model::id::{DocumentId, EventKey, RequestId, TransactionId};
use crdt_model::order::decide::{self, check_lines};
use crdt_model::order::event::{Contact, Entry, Handover, Line, LineQuantity, Paid, Parts, Placed, RightsBooking};
use crdt_model::order::fold::parts_hash;
use crdt_model::order::state::{LineState, OrderState};
use crdt_model::rows::{RowKind, Rows, ViewTable, row_key};
use crdt_model::scope::Scope;
use crdt_model::scope_state::{read_document, read_stock};
use crdt_model::seal::{KeyRecord, SealKey, SealedField, SealedPlace, SealedValue};
use crdt_model::text::Text;

use super::batch::Batch;
use super::command::{CommandError, Input, LineDraft, OrderDraft, Outcome};
use super::documents::content_of;
use super::log::Draft;
use super::{Keeping, KeyedEvent, Replica, ReplicaError, Stop};
use crate::store::Table;

/// Bytes of an order that is one change; a change may have 128 KiB.
const WHOLE_BYTES_MAX: usize = 112 * 1024;
/// Bytes of line events in one part; the last part carries the header and what follows it.
const PART_BYTES_MAX: usize = 48 * 1024;
/// Bytes of what follows the header: promises, payments, contact.
const AFTER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of contact details: sealed they must fit one value of a document.
const CONTACT_BYTES_MAX: usize = 12 * 1024;
/// Bytes of all lines of an order: a document may have 4 MiB.
const ORDER_BYTES_MAX: usize = 3 * 1024 * 1024;
/// What an event takes in a change beside its text, in bytes, about.
const LINE_BYTES_BASE: usize = 64;

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
        if after_weight(&after) > AFTER_BYTES_MAX {
            return Err(CommandError::OrderTooLarge.into());
        }
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
        let weight: usize = order.lines.iter().map(weight).sum();
        if weight > ORDER_BYTES_MAX {
            return Err(CommandError::OrderTooLarge.into());
        }
        let own = self.control().genesis.as_ref().map(|genesis| genesis.currency);
        if own.is_some_and(|own| own != order.currency) {
            let own = own.map(|own| own.code().to_owned()).unwrap_or_default();
            return Err(CommandError::OtherCurrency { given: order.currency.code().to_owned(), own }.into());
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
            if batch.get(ViewTable::Rows, key.as_bytes())?.is_some() {
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

    /// The newest key of a subject, or a new one, durable with the commit that first uses it.
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
        let (epoch, keeping) = self.keeping();
        if handover == Handover::AtOnce {
            return Ok(vec![Event::Shipped(decide::hand_over(input.now, epoch, booking(keeping)))]);
        }
        let scope = self.site_scope();
        let mut failure = None;
        let reservations =
            decide::promise(lines, input.now, epoch, |item| match (keeping, read_stock(batch, &scope, item)) {
                (Keeping::Mine, Ok(sums)) => sums.free_rights(),
                (Keeping::Others, Ok(_)) => 0,
                (_, Err(error)) => {
                    failure = Some(error);
                    0
                }
            });
        match failure {
            Some(error) => Err(error.into()),
            None => Ok(reservations.into_iter().map(Event::Reserved).collect()),
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
        let lines: usize = writing.lines.iter().map(weight).sum();
        let weight = lines + after_weight(&writing.after);
        let events = writing.lines.len() + 1 + writing.after.len();
        let whole = weight <= WHOLE_BYTES_MAX;
        if !whole || !draft.fits(weight, events) {
            self.roll(batch, draft, input.now.at)?;
        }
        let scope = draft.scope.clone();
        let row = match whole {
            true => self.write_whole_order(draft, writing)?,
            false => {
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

    /// One commit a part; the last one carries the header with the hash of all lines.
    fn write_order_in_parts(
        &mut self,
        batch: &mut Batch<'_, '_>,
        draft: &mut Draft,
        writing: OrderWriting,
        input: &Input,
    ) -> Result<super::NewRow, ReplicaError> {
        let id = writing.id;
        let parts = split_lines(&writing.lines);
        let last = parts.len() - 1;
        let last_lines = parts[last].len() as u32;
        let transaction = TransactionId(self.random.bytes());
        assert!(draft.is_empty(), "invariant: write_order rolls the draft before an order in parts");
        *draft = self.draft(draft.scope.clone(), draft_request(input), transaction);
        let placed = self.key_at(&draft.scope, draft.seq() + last as u64, last_lines);
        let mut document: Option<Document> = None;
        let mut events: Vec<KeyedEvent> = Vec::new();
        let mut number = 1u16;
        for (at, part) in parts.into_iter().enumerate() {
            let mut written = Vec::new();
            for line in part {
                written.push((self.next_key(draft), line_event(placed, number, line.clone())));
                number += 1;
            }
            events.extend(written.iter().cloned());
            if at == last {
                let closing = closing_events(&writing, &events);
                let closing = self.with_keys(draft, closing);
                events.extend(closing.iter().cloned());
                written.extend(closing);
            }
            let puts = written.iter().map(|(key, event)| Put::event(*key, event)).collect();
            let chunk = match &mut document {
                None => Document::create(self.actor, puts).map(|(created, chunk)| {
                    document = Some(created);
                    chunk
                }),
                Some(open) => open.append(self.actor, puts),
            };
            draft.push(id, chunk.map_err(|error| ReplicaError::Document { id, error })?)?;
            if at < last {
                self.roll(batch, draft, input.now.at)?;
            }
        }
        Ok((id, fold_document(&content_of(events))))
    }

    pub(super) fn confirm_order(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        scope: &Scope,
        id: DocumentId,
    ) -> Result<Outcome, Stop> {
        let order = read_order(batch, scope, id)?;
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
        let order = read_order(batch, scope, id)?;
        let (epoch, keeping) = self.keeping();
        let shipped = decide::ship(&order, lines, input.now, epoch, booking(keeping)).map_err(CommandError::Rule)?;
        self.append_to_order(batch, input, scope, id, vec![Event::Shipped(shipped)])
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
        let order = read_order(batch, scope, id)?;
        let cancelled = decide::cancel(&order, lines, input.now, reason).map_err(CommandError::Rule)?;
        self.append_to_order(batch, input, scope, id, vec![Event::Cancelled(cancelled)])
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
            let mut draft = self.draft(scope.clone(), draft_request(input), TransactionId::ZERO);
            let events = self.with_keys(&mut draft, events);
            let row = self.append_events(batch, &mut draft, id, events)?;
            self.commit(batch, draft, input.now.at)?;
            self.fold_in(batch, scope, vec![row])?;
        }
        Ok(Outcome::Order { scope: scope.clone(), id })
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

fn closing_events(writing: &OrderWriting, lines: &[KeyedEvent]) -> Vec<Event> {
    let mut sorted: Vec<&KeyedEvent> = lines.iter().collect();
    sorted.sort_by_key(|(key, _)| *key);
    let hash = parts_hash(sorted.into_iter().map(|(key, event)| (key, event.encode())));
    let mut header = writing.header.clone();
    header.line_count = lines.len() as u16;
    header.parts = Some(Parts { hash });
    [(writing.close)(header)].into_iter().chain(writing.after.iter().cloned()).collect()
}

fn line_event(placed: EventKey, number: u16, line: LineDraft) -> Event {
    let LineDraft { sku, name, quantity, price } = line;
    Event::Line(Line { placed, number, sku, name, quantity, price })
}

fn weight(line: &LineDraft) -> usize {
    LINE_BYTES_BASE + line.sku.as_str().len() + line.name.as_ref().map_or(0, |name| name.as_str().len())
}

/// Bytes of events that follow the header, about.
fn after_weight(events: &[Event]) -> usize {
    events.iter().map(|event| LINE_BYTES_BASE + event.encode().len()).sum()
}

/// Consecutive lines, each part at most [`PART_BYTES_MAX`].
fn split_lines(lines: &[LineDraft]) -> Vec<Vec<LineDraft>> {
    let mut parts: Vec<Vec<LineDraft>> = vec![Vec::new()];
    let mut bytes = 0;
    for line in lines {
        if bytes + weight(line) > PART_BYTES_MAX {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += weight(line);
        parts.last_mut().expect("invariant: there is always a part").push(line.clone());
    }
    parts
}

fn line_state(line: &LineDraft) -> LineState {
    LineState {
        sku: line.sku.clone(),
        name: line.name.clone(),
        quantity: line.quantity,
        price: line.price,
        cancel_asked: 0,
        promised: 0,
        promised_unsecured: 0,
        shipped: 0,
        handed_over: 0,
        shipped_booked: 0,
    }
}

fn read_order(batch: &Batch<'_, '_>, scope: &Scope, id: DocumentId) -> Result<Box<OrderState>, Stop> {
    match read_document(batch, scope, &id).map_err(ReplicaError::from)? {
        Some(DocumentRow::Order(order)) => Ok(order),
        Some(
            DocumentRow::Control(_) | DocumentRow::Product(_) | DocumentRow::Customer(_) | DocumentRow::Journal(_),
        )
        | None => Err(CommandError::UnknownOrder { id }.into()),
    }
}
