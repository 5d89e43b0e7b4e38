//! The folded order: header, quantity ladder per line, money, and the status derived from them.
//!
//! Every figure is a sum or maximum over the order's events, so it does not depend on their order of arrival. Nothing
//! that merges badly is dropped: it shows as a case.
//!
//! Invariants: `secured + spent <= promised with rights`, a cancel takes effect only for what has not left, encode and
//! decode are inverse. Proved by `merge_laws` (`an_order_folds_alike_in_every_delivery_order`) and the tests of `fold`.

use crate::change::DOCUMENT_OPS_MAX;
use crate::codec::{DecodeError, Reader, Writer};
use crate::id::{DocumentId, EventKey};
use crate::money::UnitPrice;
use crate::order::event::{Contact, Entry, Handover, ORDER_LINES_MAX, Placed};
pub use crate::order::line::LineState;
use crate::order::moves::LineMoves;
use crate::order::sent::Sent;
use crate::quantity::{QUANTITY_THOUSANDTHS_MAX, Quantity};
use crate::text::Text;

/// What an order document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// Goods for money.
    Sale = 1,
    /// Money back for goods: lines are negative.
    Credit = 2,
    /// A historical correction without stock effect.
    Adjustment = 3,
}

/// The commercial state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum OrderStatus {
    /// Taken, not confirmed.
    Submitted = 1,
    /// Confirmed.
    Confirmed = 2,
    /// Nothing left and nothing will leave.
    Cancelled = 3,
    /// A cancel met goods that had left.
    CancelledAfterDispatch = 4,
    /// Every line left and arrived, or was cancelled.
    Completed = 5,
}

impl OrderStatus {
    /// Every status with its name in commands and JSON.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Submitted, "submitted"),
        (Self::Confirmed, "confirmed"),
        (Self::Cancelled, "cancelled"),
        (Self::CancelledAfterDispatch, "cancelled_after_dispatch"),
        (Self::Completed, "completed"),
    ];
}

/// The physical state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fulfilment {
    /// Nothing left.
    Unfulfilled,
    /// A part left.
    PartlyShipped,
    /// All that is wanted left.
    Shipped,
    /// All that is wanted is in the customer's hands.
    Delivered,
}

/// The money state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
    /// Nothing came in.
    Unpaid,
    /// Less than due came in.
    PartlyPaid,
    /// What is due came in.
    Paid,
    /// More than due came in.
    Overpaid,
    /// Money came in for what was cancelled.
    CreditDue,
    /// History: payments are not known.
    NotRecorded,
}

/// How much of the open quantity is covered by rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secured {
    /// All of it.
    All,
    /// Some of it.
    Part,
    /// None of it.
    None,
    /// Nothing is open.
    NotNeeded,
}

impl Secured {
    /// Of an open quantity and what of it rights cover.
    pub fn of(open: i128, secured: i128) -> Self {
        match (open, secured) {
            (0, _) => Self::NotNeeded,
            (_, 0) => Self::None,
            (open, secured) if secured >= open => Self::All,
            (_, _) => Self::Part,
        }
    }
}

/// A folded order as views hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderState {
    /// What it is.
    pub purpose: Purpose,
    /// The `placed` that counts: the lowest complete one.
    pub placed: EventKey,
    /// Its header.
    pub header: Placed,
    /// Its lines, in order of their numbers from 1.
    pub lines: Vec<LineState>,
    /// Whether somebody confirmed this `placed`.
    pub confirmed: Confirmation,
    /// Sum of payments, in minor units.
    pub paid: i128,
    /// Sealed contact with the lowest event key.
    pub contact: Option<(EventKey, Contact)>,
    /// Further complete `placed` events with other content.
    pub rivals: Vec<EventKey>,
    /// What other sites ship, one entry a fulfilment, by event key.
    pub sent: Vec<(EventKey, Sent)>,
    /// What its events did to the lines one by one; of the past and of what moves no stock there is none.
    pub moves: Vec<LineMoves>,
    /// The order that counts in this one's stead; set by the scope.
    pub duplicate_of: Option<DocumentId>,
}

/// Whether an order is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Confirmation {
    /// Not, or for another version.
    Open = 0,
    /// As it stands.
    Given = 1,
}

impl OrderState {
    /// Whether a cancel met goods that had left.
    pub fn cancel_overtaken(&self) -> bool {
        self.lines.iter().any(|line| line.cancel_asked > line.cancelled() && line.shipped > 0)
    }

    /// The commercial state.
    pub fn status(&self) -> OrderStatus {
        let every = |test: fn(&LineState) -> bool| self.lines.iter().all(test);
        if self.cancel_overtaken() {
            OrderStatus::CancelledAfterDispatch
        } else if self.header.entry == Entry::History || self.purpose != Purpose::Sale {
            OrderStatus::Completed
        } else if every(|line| line.cancelled() == line.ordered()) {
            OrderStatus::Cancelled
        } else if every(|line| line.outstanding() == 0 && line.handed_over >= line.shipped) {
            OrderStatus::Completed
        } else if self.confirmed == Confirmation::Given {
            OrderStatus::Confirmed
        } else {
            OrderStatus::Submitted
        }
    }

    /// The physical state.
    pub fn fulfilment(&self) -> Fulfilment {
        if self.header.entry == Entry::History {
            return Fulfilment::Delivered;
        }
        let shipped: i128 = self.lines.iter().map(|line| line.shipped).sum();
        let open: i128 = self.lines.iter().map(LineState::outstanding).sum();
        let handed_over: i128 = self.lines.iter().map(|line| line.handed_over).sum();
        match (shipped, open) {
            (0, _) => Fulfilment::Unfulfilled,
            (_, 0) if handed_over >= shipped => Fulfilment::Delivered,
            (_, 0) => Fulfilment::Shipped,
            (_, _) => Fulfilment::PartlyShipped,
        }
    }

    /// Sum of what is wanted, in minor units.
    pub fn due(&self) -> i128 {
        self.lines.iter().map(|line| line.due(&self.header.currency)).sum()
    }

    /// The money state.
    pub fn payment(&self) -> PaymentStatus {
        let due = self.due();
        let cancelled = self.lines.iter().any(|line| line.cancelled() > 0);
        if self.header.entry == Entry::History {
            PaymentStatus::NotRecorded
        } else if self.paid > due {
            if cancelled { PaymentStatus::CreditDue } else { PaymentStatus::Overpaid }
        } else if self.paid == due {
            PaymentStatus::Paid
        } else if self.paid == 0 {
            PaymentStatus::Unpaid
        } else {
            PaymentStatus::PartlyPaid
        }
    }

    /// How much of the open quantity is covered by rights.
    pub fn secured(&self) -> Secured {
        let open: i128 = self.lines.iter().map(LineState::outstanding).sum();
        let secured: i128 = self.lines.iter().map(|line| line.secured().min(line.open())).sum();
        Secured::of(open, secured)
    }

    /// A hash of what an import says of an order: equal imports give equal hashes on every node.
    pub fn content_hash(&self) -> [u8; 32] {
        let lines = self.lines.iter().map(|line| (&line.sku, line.quantity, line.price));
        content_hash(self.purpose, &self.header, lines)
    }

    /// The row as views and digests hold it.
    pub fn encode(&self, writer: &mut Writer) {
        writer.byte(self.purpose as u8).fixed(&self.placed.0);
        self.header.encode(writer);
        writer.list(&self.lines, |w, line| line.encode(w));
        writer.byte(self.confirmed as u8).wide(self.paid);
        writer.option(self.contact.as_ref(), |w, (key, contact)| {
            w.fixed(&key.0);
            contact.encode(w);
        });
        writer.list(&self.rivals, |w, key| {
            w.fixed(&key.0);
        });
        writer.list(&self.sent, |w, (key, sent)| {
            w.fixed(&key.0);
            sent.encode(w);
        });
        writer.list(&self.moves, |w, moves| moves.encode(w));
        writer.option(self.duplicate_of.as_ref(), |w, id| id.encode(w));
    }

    /// Reads a row.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let purpose = match reader.byte("purpose")? {
            1 => Purpose::Sale,
            2 => Purpose::Credit,
            3 => Purpose::Adjustment,
            0 | 4..=u8::MAX => return Err(DecodeError::OutOfRange { field: "purpose" }),
        };
        let mut order = Self {
            purpose,
            placed: EventKey::decode("placed", reader)?,
            header: Placed::decode(reader)?,
            lines: reader.list("lines", ORDER_LINES_MAX, LineState::decode)?,
            confirmed: if reader.flag("confirmed")? { Confirmation::Given } else { Confirmation::Open },
            paid: reader.wide("paid")?,
            contact: reader.option("contact", |r| Ok((EventKey::decode("contact", r)?, Contact::decode(r)?)))?,
            rivals: reader.list("rivals", DOCUMENT_OPS_MAX as usize, |r| EventKey::decode("rivals", r))?,
            sent: reader
                .list("sent", DOCUMENT_OPS_MAX as usize, |r| Ok((EventKey::decode("sent", r)?, Sent::decode(r)?)))?,
            moves: LineMoves::decode_all(reader)?,
            duplicate_of: reader.option("duplicate of", |r| DocumentId::decode("duplicate of", r))?,
        };
        order.count_sent();
        Ok(order)
    }

    /// Brings the lines up to date with what was sent to other sites.
    pub(crate) fn count_sent(&mut self) {
        let lines = &mut self.lines;
        lines.iter_mut().for_each(|line| line.sent = 0);
        for entry in self.sent.iter().flat_map(|(_, sent)| &sent.lines) {
            if let Some(line) = lines.get_mut(usize::from(entry.line) - 1) {
                line.sent += full(entry.quantity);
            }
        }
    }
}

/// Hash of purpose, origin, literal time, region, customer and the lines as a multiset.
pub fn content_hash<'a>(
    purpose: Purpose,
    header: &Placed,
    lines: impl Iterator<Item = (&'a Text, Quantity, UnitPrice)>,
) -> [u8; 32] {
    let mut encoded: Vec<Vec<u8>> = lines
        .map(|(sku, quantity, price)| {
            let mut writer = Writer::new();
            writer.text(sku);
            quantity.encode(&mut writer);
            price.encode(&mut writer);
            writer.finish()
        })
        .collect();
    encoded.sort_unstable();
    let mut writer = Writer::new();
    writer.byte(purpose as u8).byte(header.entry as u8).byte(header.handover as u8);
    header.currency.encode(&mut writer);
    writer.option(header.external.as_ref(), |w, external| {
        w.text(&external.channel).text(&external.number).text(&external.time_text);
    });
    writer.option(header.region.as_ref(), |w, region| {
        w.text(region);
    });
    writer.option(header.customer.as_ref(), |w, customer| customer.encode(w));
    writer.list(&encoded, |w, line| {
        w.blob(line);
    });
    *blake3::hash(&writer.finish()).as_bytes()
}

/// Whether a walk-in hands the goods over at once.
pub fn takes_goods_at_once(header: &Placed) -> bool {
    header.handover == Handover::AtOnce
}

/// The full quantity of a line as a wide number of thousandths, at most the bound.
pub fn full(quantity: Quantity) -> i128 {
    i128::from(quantity.thousandths().clamp(0, QUANTITY_THOUSANDTHS_MAX))
}
