//! The folded fulfilment: header, ladder per line, and the status derived from them.
//!
//! A line has the ladder of an order's line, without a price: cancels take the largest wish, promises and shipments add
//! up, a cancel takes effect only for what has not left.
//!
//! Invariants: every figure is a sum or maximum over events, so no order of arrival shows; encode and decode are inverse.
//! Proved by `merge_laws` (`a_fulfilment_folds_alike_in_every_delivery_order`) and the tests of `fold`.

use crate::change::DOCUMENT_OPS_MAX;
use crate::codec::{DecodeError, Reader, Writer};
use crate::fulfilment::event::FulfilmentPosted;
use crate::id::{DocumentId, EventKey};
use crate::order::event::{Contact, ORDER_LINES_MAX, decode_line_number};
use crate::order::line::LineState;
use crate::order::moves::LineMoves;
use crate::order::state::Secured;
use crate::scope::{Scope, SiteCode};
use crate::text::Text;

/// How far a fulfilment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FulfilmentStatus {
    /// The shipper knows of it; not all of it is covered by rights.
    Planned = 1,
    /// All that is to leave is covered by rights.
    Allocated = 2,
    /// A part left.
    PartlyShipped = 3,
    /// All that is wanted left.
    Shipped = 4,
    /// Nothing left and nothing will leave.
    Cancelled = 5,
    /// A cancel met goods that had left.
    CancelledAfterDispatch = 6,
}

impl FulfilmentStatus {
    /// Every status with its name in commands and JSON.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Planned, "planned"),
        (Self::Allocated, "allocated"),
        (Self::PartlyShipped, "partly_shipped"),
        (Self::Shipped, "shipped"),
        (Self::Cancelled, "cancelled"),
        (Self::CancelledAfterDispatch, "cancelled_after_dispatch"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(status, _)| *status == self).map_or("", |(_, name)| name)
    }
}

/// One line with its ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FulfilmentLineState {
    /// The number of the order's line.
    pub number: u16,
    /// Its ladder; the price is zero.
    pub ladder: LineState,
    /// What left, by site: the shipper's alone unless somebody else shipped.
    pub shipped_from: Vec<(SiteCode, i128)>,
}

/// A folded fulfilment as views hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FulfilmentState {
    /// The header that counts: the lowest complete one.
    pub posted: EventKey,
    /// The header.
    pub header: FulfilmentPosted,
    /// Its lines, by rising number.
    pub lines: Vec<FulfilmentLineState>,
    /// Sealed contact with the lowest event key.
    pub contact: Option<(EventKey, Contact)>,
    /// Papers of what left, by event key.
    pub references: Vec<(EventKey, Text)>,
    /// What its events did to the lines one by one, and at which site.
    pub moves: Vec<(SiteCode, LineMoves)>,
}

impl FulfilmentState {
    /// Whether it ships for this order: a link from any other order is to something that never arrives.
    pub fn is_of(&self, scope: &Scope, order: &DocumentId) -> bool {
        let named = matches!(scope, Scope::Site(taker) if *taker == self.header.taker);
        named && self.header.order == *order
    }

    /// The line of a number.
    pub fn line(&self, number: u16) -> Option<&FulfilmentLineState> {
        self.lines.binary_search_by_key(&number, |line| line.number).ok().map(|at| &self.lines[at])
    }

    pub(super) fn line_mut(&mut self, number: u16) -> Option<&mut FulfilmentLineState> {
        self.lines.binary_search_by_key(&number, |line| line.number).ok().map(|at| &mut self.lines[at])
    }

    fn sum(&self, of: fn(&LineState) -> i128) -> i128 {
        self.lines.iter().map(|line| of(&line.ladder)).sum()
    }

    /// Whether a cancel met goods that had left.
    pub fn cancel_overtaken(&self) -> bool {
        let overtaken = |line: &LineState| line.cancel_asked > line.cancelled() && line.shipped > 0;
        self.lines.iter().any(|line| overtaken(&line.ladder))
    }

    /// How far it is.
    pub fn status(&self) -> FulfilmentStatus {
        if self.cancel_overtaken() {
            return FulfilmentStatus::CancelledAfterDispatch;
        }
        match (self.sum(|line| line.shipped), self.sum(LineState::open)) {
            (0, 0) => FulfilmentStatus::Cancelled,
            (_, 0) => FulfilmentStatus::Shipped,
            (0, _) if self.secured() == Secured::All => FulfilmentStatus::Allocated,
            (0, _) => FulfilmentStatus::Planned,
            (_, _) => FulfilmentStatus::PartlyShipped,
        }
    }

    /// How much of what is to leave is covered by rights.
    pub fn secured(&self) -> Secured {
        Secured::of(self.sum(LineState::open), self.sum(LineState::secured))
    }

    /// The row as views and digests hold it.
    pub fn encode(&self, writer: &mut Writer) {
        writer.fixed(&self.posted.0);
        self.header.encode(writer);
        writer.list(&self.lines, |w, line| {
            w.number(u64::from(line.number));
            line.ladder.encode(w);
            w.list(&line.shipped_from, |w, (site, shipped)| {
                site.encode(w);
                w.wide(*shipped);
            });
        });
        writer.option(self.contact.as_ref(), |w, (key, contact)| {
            w.fixed(&key.0);
            contact.encode(w);
        });
        writer.list(&self.references, |w, (key, reference)| {
            w.fixed(&key.0).text(reference);
        });
        writer.list(&self.moves, |w, (site, moves)| {
            site.encode(w);
            moves.encode(w);
        });
    }

    /// Reads a row.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let events = DOCUMENT_OPS_MAX as usize;
        Ok(Self {
            posted: EventKey::decode("posted", reader)?,
            header: FulfilmentPosted::decode(reader)?,
            lines: reader.list("lines", ORDER_LINES_MAX, |r| {
                Ok(FulfilmentLineState {
                    number: decode_line_number(r)?,
                    ladder: LineState::decode(r)?,
                    shipped_from: r.list("shipped from", events, |r| {
                        Ok((SiteCode::decode("shipped from", r)?, r.wide("shipped")?))
                    })?,
                })
            })?,
            contact: reader.option("contact", |r| Ok((EventKey::decode("contact", r)?, Contact::decode(r)?)))?,
            references: reader
                .list("references", events, |r| Ok((EventKey::decode("reference", r)?, r.text("reference")?)))?,
            moves: reader.list("moves", events, |r| Ok((SiteCode::decode("moves", r)?, LineMoves::decode(r)?)))?,
        })
    }
}
