//! The bodies of a loan's events: the keeper lends rights, the holder gives them back.
//!
//! Both lie in the scope where the loan is spent. The keeper's debit and the loan are one event where that is the site's
//! own scope. Promises name the loans that they draw on (`order::draw`).
//!
//! Invariant: one encoding each. Proved by `every_event_has_one_encoding`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::id::{AuthorId, LoanId};
use crate::order::event::decode_epoch;
use crate::quantity::Quantity;
use crate::text::Text;
use crate::time::EventTime;

/// Why a loan was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LoanOrigin {
    /// A person decided it: its quantity is the target of later refills.
    ByHand = 0,
    /// The holder ran low.
    Refill = 1,
}

/// Rights of the keeper that only the holder may promise from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loan {
    /// When.
    pub time: EventTime,
    /// The keeper's epoch whose rights are lent.
    pub epoch: u32,
    /// Its name.
    pub loan: LoanId,
    /// Who may draw on it.
    pub holder: AuthorId,
    /// The item's SKU.
    pub sku: Text,
    /// Rights lent, more than zero.
    pub quantity: Quantity,
    /// Why.
    pub origin: LoanOrigin,
}

impl Loan {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        writer.number(u64::from(self.epoch)).fixed(&self.loan.0);
        self.holder.encode(writer);
        writer.text(&self.sku);
        self.quantity.encode(writer);
        writer.byte(self.origin as u8);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            time: EventTime::decode("loan", reader)?,
            epoch: decode_epoch(reader)?,
            loan: LoanId::decode("loan", reader)?,
            holder: AuthorId::decode("holder", reader)?,
            sku: reader.text("sku")?,
            quantity: decode_positive(reader)?,
            origin: if reader.flag("origin")? { LoanOrigin::Refill } else { LoanOrigin::ByHand },
        })
    }
}

/// The holder gives rights of a loan back to the keeper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoanReturned {
    /// When.
    pub time: EventTime,
    /// The loan.
    pub loan: LoanId,
    /// The item's SKU.
    pub sku: Text,
    /// Rights given back, more than zero.
    pub quantity: Quantity,
}

impl LoanReturned {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        writer.fixed(&self.loan.0).text(&self.sku);
        self.quantity.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            time: EventTime::decode("returned", reader)?,
            loan: LoanId::decode("loan", reader)?,
            sku: reader.text("sku")?,
            quantity: decode_positive(reader)?,
        })
    }
}

fn decode_positive(reader: &mut Reader<'_>) -> Result<Quantity, DecodeError> {
    let quantity = Quantity::decode("quantity", reader)?;
    if quantity.is_positive() { Ok(quantity) } else { Err(DecodeError::OutOfRange { field: "quantity" }) }
}
