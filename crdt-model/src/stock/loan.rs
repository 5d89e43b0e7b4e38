//! A loan as a scope knows it: what was lent, given back, promised and spent.
//!
//! `balance = quantity - returned - secured - spent`. Every figure is a sum, and each lies in the loan's own scope; what
//! passes the balance stands as it is and is a case.
//!
//! Invariants: of several `Loan` events of one name the lowest event id counts; the keeper gets back at most what it lent.
//! Proved by the tests here and by `loans_never_promise_more_than_was_minted` in `merge_laws`.

use crate::codec::{DecodeError, Reader, Writer};
use crate::id::{AuthorId, DocumentId, EventKey, LoanId};
use crate::journal::loan::LoanOrigin;
use crate::order::event::decode_epoch;
use crate::rows::{RowKey, RowKind, row_key};
use crate::scope::Scope;
use crate::stock::fact::BOOKINGS_MAX;
use crate::text::Text;

/// A loan as the keeper made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Given {
    /// The keeper's journal.
    pub journal: DocumentId,
    /// Its event there.
    pub key: EventKey,
    /// The keeper's epoch.
    pub epoch: u32,
    /// Who may draw on it.
    pub holder: AuthorId,
    /// Rights lent, in thousandths.
    pub quantity: i64,
    /// Why.
    pub origin: LoanOrigin,
}

/// One loan of one item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoanRow {
    /// The item's SKU.
    pub sku: Text,
    /// The events that made it, lowest event id first: the first counts, further ones are cases.
    pub given: Vec<Given>,
    /// Given back.
    pub returned: i128,
    /// Held by promises.
    pub secured: i128,
    /// Gone with goods.
    pub spent: i128,
}

impl LoanRow {
    /// The loan that counts.
    pub fn counting(&self) -> Option<&Given> {
        self.given.first()
    }

    /// Rights lent.
    pub fn quantity(&self) -> i128 {
        self.counting().map_or(0, |given| i128::from(given.quantity))
    }

    /// Given back to the keeper: at most what it lent.
    pub fn returned_to_keeper(&self) -> i128 {
        self.returned.min(self.quantity())
    }

    /// What the holder may still promise or give back; negative is overdrawn.
    pub fn balance(&self) -> i128 {
        self.quantity() - self.returned - self.secured - self.spent
    }

    /// Whether nothing is left to keep.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && (self.returned, self.secured, self.spent) == (0, 0, 0)
    }

    /// Writes the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.text(&self.sku).list(&self.given, |w, given| {
            w.fixed(&given.journal.0).fixed(&given.key.0).number(u64::from(given.epoch)).fixed(&given.holder.0);
            w.signed(given.quantity).byte(given.origin as u8);
        });
        writer.wide(self.returned).wide(self.secured).wide(self.spent);
        writer.finish()
    }

    /// Reads a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let sku = reader.text("sku")?;
        let given = reader.list("loans", BOOKINGS_MAX, |r| {
            Ok(Given {
                journal: DocumentId::decode("journal", r)?,
                key: EventKey::decode("loan", r)?,
                epoch: decode_epoch(r)?,
                holder: AuthorId::decode("holder", r)?,
                quantity: r.signed("quantity")?,
                origin: if r.flag("origin")? { LoanOrigin::Refill } else { LoanOrigin::ByHand },
            })
        })?;
        let row = Self {
            sku,
            given,
            returned: reader.wide("returned")?,
            secured: reader.wide("secured")?,
            spent: reader.wide("spent")?,
        };
        reader.end()?;
        Ok(row)
    }
}

/// Key of a loan's row.
pub fn loan_key(scope: &Scope, loan: &LoanId, item: &DocumentId) -> RowKey {
    row_key(scope, RowKind::Loan, &loan.0).document(item)
}

/// Start of the keys of a holder's open loans of an item; the loan's id follows.
pub fn open_loans_key(scope: &Scope, item: &DocumentId, holder: &AuthorId) -> RowKey {
    row_key(scope, RowKind::OpenLoan, &item.0).fixed(&holder.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn given(key: u8, quantity: i64) -> Given {
        let (journal, holder) = (DocumentId([1; 16]), AuthorId([2; 32]));
        Given { journal, key: EventKey([key; 8]), epoch: 1, holder, quantity, origin: LoanOrigin::ByHand }
    }

    fn row(given: Vec<Given>, returned: i128, secured: i128, spent: i128) -> LoanRow {
        LoanRow { sku: Text::new("A").unwrap(), given, returned, secured, spent }
    }

    #[test]
    fn a_balance_is_what_is_neither_given_back_nor_promised_nor_spent() {
        let row = row(vec![given(1, 10)], 1, 2, 3);
        assert_eq!((row.balance(), row.returned_to_keeper()), (4, 1));
        assert_eq!(LoanRow::decode(&row.encode()).unwrap(), row);
    }

    #[test]
    fn the_keeper_gets_back_at_most_what_it_lent() {
        let row = row(vec![given(1, 10)], 12, 0, 0);
        assert_eq!((row.balance(), row.returned_to_keeper()), (-2, 10));
    }

    #[test]
    fn a_draw_on_an_unknown_loan_is_overdrawn() {
        assert_eq!(row(Vec::new(), 0, 2, 0).balance(), -2);
    }

    #[test]
    fn of_two_loans_of_one_name_the_lowest_event_counts() {
        assert_eq!(row(vec![given(1, 10), given(2, 4)], 0, 0, 0).quantity(), 10);
    }
}
