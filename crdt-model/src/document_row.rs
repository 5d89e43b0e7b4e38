//! The folded row of any document: what views hold and digests cover.
//!
//! Invariant: a row is a pure function of its document and of the claims of its scope; encode and decode are inverse.
//! Proved by `merge_laws` (`rows_read_back_as_they_were_written`).

use crate::codec::{DecodeError, Reader, Writer};
use crate::control::state::ControlRecord;
use crate::customer::state::CustomerState;
use crate::document::Content;
use crate::event::DocumentKind;
use crate::fulfilment::fold::fold_fulfilment;
use crate::fulfilment::state::FulfilmentState;
use crate::journal::state::JournalState;
use crate::order::fold::fold_order;
use crate::order::state::OrderState;
use crate::product::state::ProductState;

const VERSION: u8 = 4;

/// A folded document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentRow {
    /// A record of `control`.
    Control(ControlRecord),
    /// A product.
    Product(ProductState),
    /// A customer.
    Customer(CustomerState),
    /// An order.
    Order(Box<OrderState>),
    /// A journal.
    Journal(JournalState),
    /// A fulfilment.
    Fulfilment(Box<FulfilmentState>),
}

/// The kind of document that the content is; `None` while it holds no event.
pub fn document_kind(content: &Content) -> Option<DocumentKind> {
    content.events.values().next().map(|event| event.kind().document())
}

/// Folds a document; `None` where it shows nothing yet.
pub fn fold_document(content: &Content) -> Option<DocumentRow> {
    match document_kind(content)? {
        DocumentKind::Control => Some(DocumentRow::Control(ControlRecord::fold(content))),
        DocumentKind::Product => ProductState::fold(content).map(DocumentRow::Product),
        DocumentKind::Customer => CustomerState::fold(content).map(DocumentRow::Customer),
        DocumentKind::Order => fold_order(content).map(Box::new).map(DocumentRow::Order),
        DocumentKind::Journal => Some(DocumentRow::Journal(JournalState::fold(content))),
        DocumentKind::Fulfilment => fold_fulfilment(content).map(Box::new).map(DocumentRow::Fulfilment),
    }
}

impl DocumentRow {
    /// What the document is.
    pub fn kind(&self) -> DocumentKind {
        match self {
            Self::Control(_) => DocumentKind::Control,
            Self::Product(_) => DocumentKind::Product,
            Self::Customer(_) => DocumentKind::Customer,
            Self::Order(_) => DocumentKind::Order,
            Self::Journal(_) => DocumentKind::Journal,
            Self::Fulfilment(_) => DocumentKind::Fulfilment,
        }
    }

    /// Writes the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(256);
        writer.byte(VERSION).byte(self.kind() as u8);
        match self {
            Self::Control(record) => record.encode(&mut writer),
            Self::Product(product) => product.encode(&mut writer),
            Self::Customer(customer) => customer.encode(&mut writer),
            Self::Order(order) => order.encode(&mut writer),
            Self::Journal(journal) => journal.encode(&mut writer),
            Self::Fulfilment(fulfilment) => fulfilment.encode(&mut writer),
        }
        writer.finish()
    }

    /// Reads a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version("document row", VERSION)?;
        let row = match reader.byte("row kind")? {
            1 => Self::Control(ControlRecord::decode(&mut reader)?),
            2 => Self::Product(ProductState::decode(&mut reader)?),
            3 => Self::Customer(CustomerState::decode(&mut reader)?),
            4 => Self::Order(Box::new(OrderState::decode(&mut reader)?)),
            5 => Self::Journal(JournalState::decode(&mut reader)?),
            6 => Self::Fulfilment(Box::new(FulfilmentState::decode(&mut reader)?)),
            0 | 7..=u8::MAX => return Err(DecodeError::OutOfRange { field: "row kind" }),
        };
        reader.end()?;
        Ok(row)
    }
}
