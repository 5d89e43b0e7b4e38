//! The body of `Drawn`: a promise that holds rights of named loans.
//!
//! What no loan covers stands beside it in a `Reserved` without rights.
//!
//! Invariant: one encoding. Proved by `every_event_has_one_encoding` and `a_draw_names_a_line_and_a_loan_once`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::id::LoanId;
use crate::order::event::{ORDER_LINES_MAX, decode_line_number, decode_positive};
use crate::quantity::Quantity;
use crate::time::EventTime;

/// Draws of one event: what it says of more would not fit one value of a document.
pub const DRAWS_MAX: usize = 500;

/// What one line holds of one loan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// The line's number.
    pub line: u16,
    /// The loan.
    pub loan: LoanId,
    /// More than zero.
    pub quantity: Quantity,
}

/// Stock promised to lines out of loans that its author holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// When.
    pub time: EventTime,
    /// The draws, sorted by line and loan, each pair once.
    pub draws: Vec<Draw>,
}

impl Drawn {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.time.encode(writer);
        writer.list(&self.draws, |w, draw| {
            w.number(u64::from(draw.line)).fixed(&draw.loan.0);
            draw.quantity.encode(w);
        });
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let time = EventTime::decode("drawn", reader)?;
        let draws = reader.list("draws", ORDER_LINES_MAX, |r| {
            let line = decode_line_number(r)?;
            Ok(Draw { line, loan: LoanId::decode("loan", r)?, quantity: decode_positive(r)? })
        })?;
        let sorted = !draws.is_empty() && draws.is_sorted_by(|a, b| (a.line, a.loan) < (b.line, b.loan));
        sorted.then_some(Self { time, draws }).ok_or(DecodeError::NotCanonical { field: "draws" })
    }
}
