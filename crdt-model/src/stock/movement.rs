//! Movements of an item: what the ledger of a shelf lists, one row for each event and item.
//!
//! An index beside the sums, kept with them and made anew from the same rows; it stands outside the digest. Goods, promises
//! and loans are three accounts: a promise moves no goods.
//!
//! Invariants: movements of goods of an item at a site add up to its stock on hand; rows read back as they were written.
//! Proved by `movements_of_goods_add_up_to_the_stock_on_hand` in `merge_laws` and by the tests here.

use crate::codec::{DecodeError, Reader, Writer};
use crate::id::{DocumentId, EventKey};
use crate::rows::RowKey;
use crate::scope::{Scope, SiteCode};
use crate::text::Text;
use crate::time::EventTime;

const VERSION: u8 = 1;

/// What a movement changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// Goods on the shelf.
    OnHand,
    /// What is promised to orders.
    Promised,
    /// Rights lent to other tills.
    Lent,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MovementKind {
    /// Stock at the beginning.
    Opening = 1,
    /// Goods came in.
    Receipt = 2,
    /// Stock was found to differ.
    Adjustment = 3,
    /// Goods of an order were taken away at once.
    Sale = 4,
    /// Goods of an order left.
    Shipment = 5,
    /// Goods were promised to an order.
    Reservation = 6,
    /// A promise was given back.
    Release = 7,
    /// Somebody wants ordered goods no more.
    Cancellation = 8,
    /// The keeper lent rights.
    Loan = 9,
    /// The holder gave rights back.
    LoanReturn = 10,
}

impl MovementKind {
    /// Every kind with its name in commands and JSON.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Opening, "opening"),
        (Self::Receipt, "receipt"),
        (Self::Adjustment, "adjustment"),
        (Self::Sale, "sale"),
        (Self::Shipment, "shipment"),
        (Self::Reservation, "reservation"),
        (Self::Release, "release"),
        (Self::Cancellation, "cancellation"),
        (Self::Loan, "loan"),
        (Self::LoanReturn, "loan_return"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// What it changes.
    pub fn account(self) -> Account {
        match self {
            Self::Opening | Self::Receipt | Self::Adjustment | Self::Sale | Self::Shipment => Account::OnHand,
            Self::Reservation | Self::Release | Self::Cancellation => Account::Promised,
            Self::Loan | Self::LoanReturn => Account::Lent,
        }
    }

    /// Of goods, promises or loans that become fewer: minus one.
    pub fn sign(self) -> i128 {
        match self {
            Self::Opening | Self::Receipt | Self::Adjustment | Self::Reservation | Self::Loan => 1,
            Self::Sale | Self::Shipment | Self::Release | Self::Cancellation | Self::LoanReturn => -1,
        }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let number = reader.byte("movement kind")?;
        let kind = Self::ALL.into_iter().map(|(kind, _)| kind).find(|kind| *kind as u8 == number);
        kind.ok_or(DecodeError::OutOfRange { field: "movement kind" })
    }
}

/// A movement of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// What happened.
    pub kind: MovementKind,
    /// When, as the author's clock and zone had it.
    pub time: EventTime,
    /// Signed change of its account, in thousandths.
    pub quantity: i128,
    /// The site whose shelf it is; `None` in a site's own scope.
    pub site: Option<SiteCode>,
    /// The order's number, or a paper.
    pub reference: Option<Text>,
    /// Why, in words.
    pub reason: Option<Text>,
}

impl Movement {
    /// Writes the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(48);
        writer.byte(VERSION).byte(self.kind as u8);
        self.time.encode(&mut writer);
        writer.wide(self.quantity).option(self.site.as_ref(), |w, site| {
            site.encode(w);
        });
        for text in [&self.reference, &self.reason] {
            writer.option(text.as_ref(), |w, text| {
                w.text(text);
            });
        }
        writer.finish()
    }

    /// Reads a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version("movement row", VERSION)?;
        let movement = Self {
            kind: MovementKind::decode(&mut reader)?,
            time: EventTime::decode("movement", &mut reader)?,
            quantity: reader.wide("movement")?,
            site: reader.option("movement site", |r| SiteCode::decode("movement site", r))?,
            reference: reader.option("reference", |r| r.text("reference"))?,
            reason: reader.option("reason", |r| r.text("reason"))?,
        };
        reader.end()?;
        Ok(movement)
    }
}

/// Where a movement stands in the ledger of its item: later movements sort after earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MovementPlace([u8; 32]);

impl MovementPlace {
    /// Of an event.
    pub fn new(time: &EventTime, document: &DocumentId, key: &EventKey) -> Self {
        let mut place = [0; 32];
        place[..8].copy_from_slice(&((time.at.0 as u64) ^ (1 << 63)).to_be_bytes());
        place[8..24].copy_from_slice(&document.0);
        place[24..].copy_from_slice(&key.0);
        Self(place)
    }

    /// The end of a key of the index, and what a cursor holds.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads the end of a key.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The document that holds the event.
    pub fn document(&self) -> DocumentId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[8..24]);
        DocumentId(id)
    }

    /// The event.
    pub fn event(&self) -> EventKey {
        let mut key = [0; 8];
        key.copy_from_slice(&self.0[24..]);
        EventKey(key)
    }
}

/// The movements of an item in a scope.
pub fn movements_key(scope: &Scope, item: &DocumentId) -> RowKey {
    RowKey::of(scope).document(item)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::time::{BusinessDate, Timestamp};

    fn at(ms: i64) -> EventTime {
        EventTime { at: Timestamp(ms), offset_minutes: 480, business_date: BusinessDate::from_days(20_000).unwrap() }
    }

    #[test]
    fn a_movement_reads_back_as_it_was_written() {
        for (kind, _) in MovementKind::ALL {
            let text = |text: &str| Some(Text::new(text).unwrap());
            let full = Movement {
                kind,
                time: at(-5),
                quantity: -12_345,
                site: Some(SiteCode::new("WH01").unwrap()),
                reference: text("SH01-A-000007"),
                reason: text("破损"),
            };
            let bare = Movement { site: None, reference: None, reason: None, ..full.clone() };
            for movement in [full, bare] {
                assert_eq!(Movement::decode(&movement.encode()).unwrap(), movement);
            }
        }
        let other = [VERSION + 1, 1];
        assert!(matches!(Movement::decode(&other), Err(DecodeError::OtherVersion { field: "movement row", .. })));
    }

    #[test]
    fn places_sort_as_time_passes_and_name_their_event() {
        let (document, key) = (DocumentId([7; 16]), EventKey([9; 8]));
        let place = |ms| MovementPlace::new(&at(ms), &document, &key);
        assert!(place(-1) < place(0) && place(0) < place(1));
        assert_eq!((place(3).document(), place(3).event()), (document, key));
        assert_eq!(MovementPlace::from_bytes(*place(3).as_bytes()), place(3));
    }

    #[test]
    fn a_promise_and_a_loan_move_no_goods() {
        let goods = MovementKind::ALL.iter().filter(|(kind, _)| kind.account() == Account::OnHand);
        let names: Vec<&str> = goods.map(|(_, name)| *name).collect();
        assert_eq!(names, ["opening", "receipt", "adjustment", "sale", "shipment"]);
        assert_eq!(MovementKind::LoanReturn.name(), "loan_return");
    }
}
