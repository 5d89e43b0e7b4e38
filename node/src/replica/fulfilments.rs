//! Fulfilments: lines of an order that another site ships, in the lane of both.
//!
//! Sending writes two commits of one transaction: the fulfilment in the lane and the link in the order. A cancel of the
//! order is written into the lane as well. The shipper's keeper covers fulfilments with rights that it debits in its own
//! scope, in the transaction that promises them in the lane; goods leave by one event, in the lane.
//!
//! Invariants: goods of a lane never touch the taker's stock; a keeper never promises a right twice, here or there; nothing
//! of the taker's scope reaches the shipper. Proved by `a_sent_order_is_shipped_by_the_other_site`,
//! `a_cancel_and_a_shipment_that_cross_are_one_case_at_all_three` and
//! `rights_over_lanes_are_never_promised_twice`.

use thiserror::Error;

use crdt_model::change::BYTES_VALUE_MAX;
use crdt_model::document_row::DocumentRow;
use crdt_model::event::{Event, EventKind};
use crdt_model::fulfilment::FULFILMENT_BYTES_MAX;
use crdt_model::fulfilment::decide::{self, Cover, cover, share_cancel};
use crdt_model::fulfilment::event::{FulfilmentLine, FulfilmentPosted, FulfilmentPromise};
use crdt_model::fulfilment::fold::fold_fulfilment;
use crdt_model::fulfilment::state::FulfilmentState;
use crdt_model::id::{DocumentId, TransactionId};
use crdt_model::journal::entrusted::Entrusted;
use crdt_model::order::decide as order_decide;
use crdt_model::order::event::{Cancelled, Contact, LineQuantity, LineSelection, ReservedLine};
use crdt_model::order::sent::Sent;
use crdt_model::order::state::OrderState;
use crdt_model::quantity::Quantity;
use crdt_model::rows::RowKey;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::scope_state::{label_of, lane_of, read_document, read_stock};
use crdt_model::seal::{SealedField, SealedPlace, SealedValue};
use crdt_model::text::Text;
use crdt_model::time::EventTime;

use super::batch::Batch;
use super::command::{CommandError, Input, Outcome};
use super::documents::content_of;
use super::log::Draft;
use super::orders::{CONTACT_BYTES_MAX, LINE_BYTES_BASE, Whole, draft_request, read_whole};
use super::{Keeping, KeyedEvent, Replica, ReplicaError, Stop};
use crate::store::Table;

/// Lines of one fulfilment: what one event says of more would not fit its value.
const LINES_MAX: usize = 1_000;
/// Fulfilments that one duty of the keeper covers; the next one goes on.
const COVERED_AT_ONCE_MAX: usize = 1_000;

/// Lines of an order that another site shall ship.
#[derive(Debug, Clone)]
pub struct Sending {
    /// The order's scope.
    pub scope: Scope,
    /// The order.
    pub id: DocumentId,
    /// The site that shall ship.
    pub from: SiteCode,
    /// Quantities; `None` for all that is still to leave from here.
    pub lines: Option<Vec<LineQuantity>>,
    /// How it shall travel.
    pub service: Option<Text>,
    /// Who gets it, as one JSON text, to be sealed for the shipper.
    pub delivery: Option<String>,
}

/// Why nothing was sent or shipped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FulfilmentError {
    /// The order's own site ships it anyway.
    #[error("{site} took the order: it ships without being sent it")]
    OwnSite {
        /// The site.
        site: SiteCode,
    },
    /// No such fulfilment here.
    #[error("no fulfilment {id}")]
    Unknown {
        /// Its document.
        id: DocumentId,
    },
    /// Its goods lie elsewhere.
    #[error("fulfilment {id} is shipped by {shipper}")]
    OtherShipper {
        /// Its document.
        id: DocumentId,
        /// Who ships it.
        shipper: SiteCode,
    },
    /// The other half of the order's link has not arrived here.
    #[error("fulfilment {id} in {lane} has not arrived here yet")]
    HalfMissing {
        /// Its document.
        id: DocumentId,
        /// Where it lies.
        lane: Scope,
    },
}

impl Replica {
    pub(super) fn send_order(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        sending: &Sending,
    ) -> Result<Outcome, Stop> {
        let Sending { scope, id, from, .. } = sending;
        let Scope::Site(taker) = scope else { return Err(CommandError::UnknownOrder { id: *id }.into()) };
        if taker == from {
            return Err(CommandError::from(FulfilmentError::OwnSite { site: taker.clone() }).into());
        }
        if !self.control().sites.contains_key(from) {
            return Err(CommandError::UnknownSite { code: from.clone() }.into());
        }
        let lane =
            Scope::lane(taker.clone(), from.clone()).map_err(|_| CommandError::UnknownSite { code: from.clone() })?;
        let Whole { local, order, .. } = read_whole(batch, scope, *id)?;
        let lines = order_decide::send(&order, sending.lines.as_deref()).map_err(CommandError::Rule)?;
        self.check_sending(&lane, sending, &local, &lines)?;
        let transaction = TransactionId(self.random.bytes());
        for part in parts(&local, lines) {
            self.send_part(batch, input, (&lane, transaction), (sending, &local), part)?;
        }
        Ok(Outcome::Order { scope: scope.clone(), id: *id })
    }

    /// Everything that may stand against sending, before anything is written.
    fn check_sending(
        &self,
        lane: &Scope,
        sending: &Sending,
        order: &OrderState,
        lines: &[LineQuantity],
    ) -> Result<(), CommandError> {
        if sending.delivery.as_ref().is_some_and(|plain| plain.len() > CONTACT_BYTES_MAX) {
            return Err(CommandError::ContactTooLong);
        }
        let time = order.header.time;
        let posted = Event::FulfilmentPosted(header_of(sending, order, (time, 1), 1));
        if posted.encode().len() > BYTES_VALUE_MAX {
            return Err(CommandError::TextTooLong { line: None, field: "service" });
        }
        let sent = Sent {
            time,
            shipper: sending.from.clone(),
            fulfilment: DocumentId::ZERO,
            half: 1,
            lines: lines.iter().take(1).copied().collect(),
        };
        self.check_writable(lane, DocumentId::ZERO, &[posted])?;
        self.check_writable(&sending.scope, sending.id, &[Event::Sent(sent)])
    }

    /// Writes one fulfilment and its link: two commits of one transaction, each naming the number of the other.
    fn send_part(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        (lane, transaction): (&Scope, TransactionId),
        (sending, order): (&Sending, &OrderState),
        lines: Vec<LineQuantity>,
    ) -> Result<(), Stop> {
        let fulfilment = DocumentId::random(input.now.at, self.random.bytes());
        let contact = self.delivery_event(batch, sending, order, fulfilment)?;
        let mut there = self.draft(lane.clone(), draft_request(input), transaction);
        let mut here = self.draft(sending.scope.clone(), draft_request(input), transaction);
        let halves = (there.seq(), here.seq());
        let header = header_of(sending, order, (input.now, halves.1), lines.len() as u16);
        let events = self.fulfilment_events(&mut there, order, header, &lines, contact);
        let row = self.create_document(&mut there, fulfilment, events, Vec::new())?;
        self.commit(batch, there, input.now.at)?;
        self.fold_in(batch, lane, vec![row])?;
        let sent = Sent { time: input.now, shipper: sending.from.clone(), fulfilment, half: halves.0, lines };
        let events = self.with_keys(&mut here, vec![Event::Sent(sent)]);
        let row = self.append_events(batch, &mut here, sending.id, events)?;
        self.commit(batch, here, input.now.at)?;
        Ok(self.fold_in(batch, &sending.scope, vec![row])?)
    }

    fn fulfilment_events(
        &mut self,
        draft: &mut Draft,
        order: &OrderState,
        header: FulfilmentPosted,
        lines: &[LineQuantity],
        contact: Option<Event>,
    ) -> Vec<KeyedEvent> {
        let posted = self.key_at(&draft.scope, draft.seq(), Self::next_index(draft) + lines.len() as u32);
        let line = |LineQuantity { line: number, quantity }: &LineQuantity| {
            let state = &order.lines[usize::from(*number) - 1];
            let (sku, name) = (state.sku.clone(), state.name.clone());
            Event::FulfilmentLine(FulfilmentLine { posted, number: *number, sku, name, quantity: *quantity })
        };
        let events = lines.iter().map(line).chain([Event::FulfilmentPosted(header)]).chain(contact).collect();
        self.with_keys(draft, events)
    }

    /// Who gets the goods, sealed for the fulfilment under the key of the order's own contact.
    fn delivery_event(
        &mut self,
        batch: &mut Batch<'_, '_>,
        sending: &Sending,
        order: &OrderState,
        fulfilment: DocumentId,
    ) -> Result<Option<Event>, Stop> {
        let Some(plain) = &sending.delivery else { return Ok(None) };
        let subject = order.header.customer.unwrap_or(sending.id);
        let key = self.key_of(batch, subject)?;
        let field = SealedField::Event(EventKind::FulfilmentContact);
        let place = SealedPlace { org: self.identity.org, document: fulfilment, field };
        let sealed = SealedValue::seal(&key, place, plain).map_err(|_| CommandError::ContactTooLong)?;
        Ok(Some(Event::FulfilmentContact(Contact { subject, sealed })))
    }

    /// What a cancel of an order writes into its lanes.
    pub(super) fn mirrored_cancels(
        &self,
        scope: &Scope,
        whole: &Whole,
        cancelled: &Cancelled,
        (time, reason): (EventTime, Option<Text>),
    ) -> Result<Vec<(Scope, DocumentId, Event)>, CommandError> {
        let line_of = |number: u16| &whole.order.lines[usize::from(number) - 1];
        let more = |entry: &LineQuantity| {
            let before = line_of(entry.line).cancelled();
            let more = i128::from(entry.quantity.thousandths()) - before;
            Quantity::from_thousandths(more as i64).map(|quantity| LineQuantity { line: entry.line, quantity })
        };
        let LineSelection::Some(lines) = &cancelled.lines else { return Ok(Vec::new()) };
        let wanted: Vec<LineQuantity> = lines.iter().filter_map(|entry| more(entry).ok()).collect();
        let mut sent = Vec::with_capacity(whole.held.len());
        for ((_, link), held) in whole.local.sent.iter().zip(&whole.held) {
            let Some(lane) = lane_of(scope, link) else { continue };
            let id = link.fulfilment;
            let held = held.as_ref().ok_or_else(|| FulfilmentError::HalfMissing { id, lane: lane.clone() })?;
            sent.push((lane, id, held));
        }
        let fulfilments: Vec<&FulfilmentState> = sent.iter().map(|(_, _, held)| *held).collect();
        let shares = share_cancel(&wanted, |number| line_of(number).open(), &fulfilments);
        let mut mirrored = Vec::new();
        for ((lane, id, held), share) in sent.into_iter().zip(shares).filter(|(_, share)| !share.is_empty()) {
            let event = Event::FulfilmentCancelled(decide::cancel(held, Some(&share), time, reason.clone())?);
            self.check_writable(&lane, id, std::slice::from_ref(&event))?;
            mirrored.push((lane, id, event));
        }
        Ok(mirrored)
    }

    pub(super) fn cancel_fulfilment(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        (scope, id): (&Scope, DocumentId),
        lines: Option<&[LineQuantity]>,
        reason: Option<Text>,
    ) -> Result<Outcome, Stop> {
        let fulfilment = read_fulfilment(batch, scope, id)?;
        let cancelled = decide::cancel(&fulfilment, lines, input.now, reason).map_err(CommandError::Rule)?;
        let event = Event::FulfilmentCancelled(cancelled);
        if event.encode().len() > BYTES_VALUE_MAX {
            return Err(CommandError::TextTooLong { line: None, field: "reason" }.into());
        }
        self.check_writable(scope, id, std::slice::from_ref(&event))?;
        self.work_on(batch, input, (scope, id), &fulfilment, vec![event])?;
        Ok(Outcome::Fulfilment { scope: scope.clone(), id })
    }

    pub(super) fn ship_fulfilment(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        (scope, id): (&Scope, DocumentId),
        lines: Option<&[LineQuantity]>,
        reference: Option<Text>,
    ) -> Result<Outcome, Stop> {
        let fulfilment = read_fulfilment(batch, scope, id)?;
        let site = self.identity.site.clone();
        if fulfilment.header.shipper != site {
            let shipper = fulfilment.header.shipper;
            return Err(CommandError::from(FulfilmentError::OtherShipper { id, shipper }).into());
        }
        let (epoch, _) = self.keeping();
        let shipped =
            decide::ship(&fulfilment, lines, input.now, (site, epoch), reference).map_err(CommandError::Rule)?;
        let event = Event::FulfilmentShipped(shipped);
        if event.encode().len() > BYTES_VALUE_MAX {
            return Err(CommandError::TextTooLong { line: None, field: "reference" }.into());
        }
        self.check_writable(scope, id, std::slice::from_ref(&event))?;
        self.work_on(batch, input, (scope, id), &fulfilment, vec![event])?;
        Ok(Outcome::Fulfilment { scope: scope.clone(), id })
    }

    /// Covers fulfilments that this site ships, as far as its keeper's rights reach; counts those whose promises changed.
    pub(super) fn cover_fulfilments(&mut self, batch: &mut Batch<'_, '_>, input: &Input) -> Result<u64, ReplicaError> {
        let site = self.identity.site.clone();
        let lanes: Vec<Scope> = self.memory().logs.keys().filter(|scope| is_lane_of(scope, &site)).cloned().collect();
        let (mut covered, mut left) = (0, COVERED_AT_ONCE_MAX);
        for lane in lanes {
            let due = RowKey::of(&lane).text(site.as_str()).byte(0);
            for (key, _) in batch.list(Table::FulfilmentsByStatus, due.as_bytes())?.into_iter().take(left) {
                let id = crdt_model::codec::Reader::new(&key[key.len() - 16..]).array("document id").map(DocumentId)?;
                let Some(DocumentRow::Fulfilment(fulfilment)) = read_document(batch, &lane, &id)? else { continue };
                if !self.is_parked(&lane, id) && self.work_on(batch, input, (&lane, id), &fulfilment, Vec::new())? {
                    (covered, left) = (covered + 1, left - 1);
                }
            }
        }
        Ok(covered)
    }

    /// Writes events into a fulfilment and, where this author keeps the shipper's rights, what they ask of the keeper: the
    /// promise in the same change, the debit in the same transaction. Says whether anything was written.
    fn work_on(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        (scope, id): (&Scope, DocumentId),
        before: &FulfilmentState,
        events: Vec<Event>,
    ) -> Result<bool, ReplicaError> {
        let transaction = TransactionId(self.random.bytes());
        let mut draft = self.draft(scope.clone(), draft_request(input), transaction);
        let mut keyed = self.with_keys(&mut draft, events);
        let after = match keyed.is_empty() {
            true => Some(before.clone()),
            false => {
                let mut content = self.content_of_document(batch, scope, id)?;
                content.events.extend(content_of(keyed.clone()).events);
                fold_fulfilment(&content)
            }
        };
        let (promises, rights) = match &after {
            Some(after) => self.keeper_events(batch, input, (scope, id), after)?,
            None => (Vec::new(), Vec::new()),
        };
        keyed.extend(self.with_keys(&mut draft, promises));
        if keyed.is_empty() {
            return Ok(false);
        }
        let row = self.append_events(batch, &mut draft, id, keyed)?;
        self.commit(batch, draft, input.now.at)?;
        self.fold_in(batch, scope, vec![row])?;
        self.write_to_journals(batch, input, transaction, rights)?;
        Ok(true)
    }

    /// What the keeper of the shipper's rights writes: promises in the lane, debits and credits at home.
    fn keeper_events(
        &self,
        batch: &Batch<'_, '_>,
        input: &Input,
        (scope, subject): (&Scope, DocumentId),
        fulfilment: &FulfilmentState,
    ) -> Result<(Vec<Event>, Vec<Event>), ReplicaError> {
        let site = self.identity.site.clone();
        let (epoch, keeping) = self.keeping();
        if keeping == Keeping::Others || fulfilment.header.shipper != site {
            return Ok((Vec::new(), Vec::new()));
        }
        let mut failure = None;
        let Cover { reserve, release } = cover(fulfilment, epoch, |item| {
            read_stock(batch, &Scope::Site(site.clone()), item).map_or_else(
                |error| {
                    failure = Some(error);
                    0
                },
                |sums| sums.free_rights(epoch),
            )
        });
        if let Some(error) = failure {
            return Err(error.into());
        }
        let promise = |lines: &[ReservedLine]| FulfilmentPromise {
            time: input.now,
            site: site.clone(),
            epoch,
            lines: lines.to_vec(),
        };
        let moved = |lines: &[ReservedLine], wrap: fn(Entrusted) -> Event| -> Vec<Event> {
            let items = decide::by_item(fulfilment, lines).into_iter();
            let entrusted = |(sku, quantity)| {
                wrap(Entrusted { time: input.now, epoch, scope: scope.clone(), subject, sku, quantity })
            };
            items.map(entrusted).collect()
        };
        let (mut promises, mut rights) = (Vec::new(), Vec::new());
        for (lines, kind, wrap) in [
            (reserve, Event::FulfilmentReserved as fn(FulfilmentPromise) -> Event, Event::Debited as fn(_) -> _),
            (release, Event::FulfilmentReleased, Event::Credited),
        ] {
            if !lines.is_empty() {
                promises.push(kind(promise(&lines)));
                rights.append(&mut moved(&lines, wrap));
            }
        }
        Ok((promises, rights))
    }
}

fn is_lane_of(scope: &Scope, site: &SiteCode) -> bool {
    match scope {
        Scope::Lane(low, high) => low == site || high == site,
        Scope::Control | Scope::Catalogue | Scope::Customers(_) | Scope::Site(_) => false,
    }
}

fn header_of(
    sending: &Sending,
    order: &OrderState,
    (time, half): (EventTime, u64),
    line_count: u16,
) -> FulfilmentPosted {
    let taker = match &sending.scope {
        Scope::Site(taker) => taker.clone(),
        Scope::Control | Scope::Catalogue | Scope::Customers(_) | Scope::Lane(..) => sending.from.clone(),
    };
    FulfilmentPosted {
        time,
        taker,
        order: sending.id,
        half,
        shipper: sending.from.clone(),
        order_number: label_of(order),
        service: sending.service.clone(),
        line_count,
    }
}

/// Lines in groups that fit one fulfilment each.
fn parts(order: &OrderState, lines: Vec<LineQuantity>) -> Vec<Vec<LineQuantity>> {
    let mut parts: Vec<Vec<LineQuantity>> = Vec::new();
    let mut bytes = 0;
    for entry in lines {
        let line = &order.lines[usize::from(entry.line) - 1];
        let weight =
            LINE_BYTES_BASE + line.sku.as_str().len() + line.name.as_ref().map_or(0, |name| name.as_str().len());
        bytes += weight;
        match parts.last_mut() {
            Some(part) if bytes <= FULFILMENT_BYTES_MAX && part.len() < LINES_MAX => part.push(entry),
            Some(_) | None => {
                bytes = weight;
                parts.push(vec![entry]);
            }
        }
    }
    parts
}

fn read_fulfilment(batch: &Batch<'_, '_>, scope: &Scope, id: DocumentId) -> Result<FulfilmentState, Stop> {
    match read_document(batch, scope, &id).map_err(ReplicaError::from)? {
        Some(DocumentRow::Fulfilment(fulfilment)) => Ok(*fulfilment),
        Some(_) | None => Err(CommandError::from(FulfilmentError::Unknown { id }).into()),
    }
}
