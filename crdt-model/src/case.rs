//! Cases: clashes and exceptions that a person should see, derived from folded rows.
//!
//! A case is never written; it is there while its reason is. Its id is the hash of kind, subject and key, so every node
//! names it alike.
//!
//! Invariant: equal rows give equal cases. Proved by `merge_laws` (`cases_are_the_same_in_every_delivery_order`).

use crate::codec::{DecodeError, Reader, Writer};
use crate::id::{DocumentId, EventKey};
use crate::text::Text;

/// What clashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum CaseKind {
    /// A cancel met goods that had left (C01).
    ShippedAfterCancel = 1,
    /// More left than was ordered (C09).
    OverShipped = 2,
    /// Money came in for what was cancelled (C05).
    CreditDue = 3,
    /// Two different orders stand in one document.
    DuplicatePlaced = 4,
    /// Two orders of one channel and number, or of one request (C38).
    DuplicateExternalOrder = 5,
    /// Stock on hand is below zero (C12).
    NegativeStock = 6,
    /// Promises with rights exceed the stock on hand (C10, C11).
    PromisesUncovered = 7,
    /// A booking of rights does not count.
    BookingIgnored = 8,
    /// More was promised out of a loan than was lent.
    LoanOverdrawn = 9,
}

impl CaseKind {
    /// Every kind with its name in commands and JSON.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::ShippedAfterCancel, "shipped_after_cancel"),
        (Self::OverShipped, "over_shipped"),
        (Self::CreditDue, "credit_due"),
        (Self::DuplicatePlaced, "duplicate_placed"),
        (Self::DuplicateExternalOrder, "duplicate_external_order"),
        (Self::NegativeStock, "negative_stock"),
        (Self::PromisesUncovered, "promises_uncovered"),
        (Self::BookingIgnored, "booking_ignored"),
        (Self::LoanOverdrawn, "loan_overdrawn"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// An open case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseRow {
    /// What clashed.
    pub kind: CaseKind,
    /// The document or item that it is about.
    pub subject: DocumentId,
    /// The event in the subject, or zero.
    pub key: EventKey,
    /// A label that people know: SKU, order number or external number.
    pub label: Text,
    /// The other document of a duplicate.
    pub other: Option<DocumentId>,
    /// How much: thousandths of units or minor units of money.
    pub amount: i128,
}

/// Version of the row.
const VERSION: u8 = 1;

/// The id of a case: 16 bytes.
pub type CaseId = [u8; 16];

/// The id of the case of a kind, subject and key.
pub fn case_id(kind: CaseKind, subject: &DocumentId, key: &EventKey) -> CaseId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"tradepost/case/1").update(&[kind as u8]).update(&subject.0).update(&key.0);
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    id
}

impl CaseRow {
    /// Hash of kind, subject and key; never the evidence.
    pub fn id(&self) -> CaseId {
        case_id(self.kind, &self.subject, &self.key)
    }

    /// Writes the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.byte(VERSION).byte(self.kind as u8).fixed(&self.subject.0).fixed(&self.key.0).text(&self.label);
        writer.option(self.other.as_ref(), |w, other| other.encode(w)).wide(self.amount);
        writer.finish()
    }

    /// Reads a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version("case row", VERSION)?;
        let number = reader.byte("case kind")?;
        let kind = CaseKind::ALL.into_iter().find(|(kind, _)| *kind as u8 == number);
        let row = Self {
            kind: kind.map(|(kind, _)| kind).ok_or(DecodeError::OutOfRange { field: "case kind" })?,
            subject: DocumentId::decode("subject", &mut reader)?,
            key: EventKey::decode("key", &mut reader)?,
            label: reader.text("label")?,
            other: reader.option("other", |r| DocumentId::decode("other", r))?,
            amount: reader.wide("amount")?,
        };
        reader.end()?;
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn case(kind: CaseKind) -> CaseRow {
        let (subject, key) = (DocumentId([1; 16]), EventKey([2; 8]));
        CaseRow { kind, subject, key, label: Text::new("SH01-A-000123").unwrap(), other: None, amount: -5 }
    }

    #[test]
    fn a_case_is_named_by_kind_subject_and_key_never_by_its_evidence() {
        let one = case(CaseKind::OverShipped);
        let later = CaseRow { amount: 9, other: Some(DocumentId([7; 16])), label: Text::default(), ..one.clone() };
        assert_eq!(one.id(), later.id());
        assert_ne!(one.id(), CaseRow { key: EventKey::ZERO, ..one.clone() }.id());
        assert_ne!(one.id(), CaseRow { subject: DocumentId([9; 16]), ..one.clone() }.id());
    }

    #[test]
    fn every_kind_of_case_has_its_own_id_number_and_name() {
        let mut ids: Vec<CaseId> = CaseKind::ALL.map(|(kind, _)| case(kind).id()).to_vec();
        let mut names: Vec<&str> = CaseKind::ALL.map(|(kind, _)| kind.name()).to_vec();
        ids.sort_unstable();
        ids.dedup();
        names.sort_unstable();
        names.dedup();
        assert_eq!((ids.len(), names.len()), (CaseKind::ALL.len(), CaseKind::ALL.len()));
    }

    #[test]
    fn a_case_reads_back_as_it_was_written() {
        for (kind, _) in CaseKind::ALL {
            let row = CaseRow { other: Some(DocumentId([3; 16])), ..case(kind) };
            assert_eq!(CaseRow::decode(&row.encode()).unwrap(), row);
        }
        let mut unknown = case(CaseKind::LoanOverdrawn).encode();
        unknown[1] += 1;
        assert_eq!(CaseRow::decode(&unknown), Err(DecodeError::OutOfRange { field: "case kind" }));
        unknown[0] += 1;
        let later = DecodeError::OtherVersion { field: "case row", found: 2, known: 1 };
        assert_eq!(CaseRow::decode(&unknown), Err(later));
    }
}
