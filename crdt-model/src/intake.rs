//! Reading a foreign commit's changes: everything that can be judged from its own bytes, before Automerge sees them.
//!
//! Not here: whether the author may write it (`control::capability`), and whether a change fits the document that is held
//! (`document::held`).
//!
//! Invariants: an event key derives from the commit that puts it and replaces nothing; a change holds events of one kind
//! of document, which fits its scope; a line cites a header of its own author. Proved by
//! `each_unfit_commit_is_told_by_its_rule`.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::change::{OpAction, Scalar, ScanError, ScannedChange, ScannedOp, scan};
use crate::codec::DecodeError;
use crate::commit::{Commit, DocumentChange};
use crate::control::capability::{Place, field_rule, rules};
use crate::customer;
use crate::document::{Content, FieldValue};
use crate::event::{DocumentKind, Event, EventError};
use crate::id::{DocumentId, EventKey};
use crate::order::event::ORDER_LINES_MAX;
use crate::product;

/// Commits in which the header of an order in parts may come after a part.
const PARTS_MAX: u64 = 64;

/// A change that has been read.
#[derive(Debug, Clone)]
pub struct ReadChange<'a> {
    /// Its document.
    pub document: DocumentId,
    /// Its chunk.
    pub chunk: &'a [u8],
    /// What the scanner saw.
    pub scanned: ScannedChange<'a>,
    /// The events that it puts, by key.
    pub events: Vec<(EventKey, Event)>,
    /// Whether it puts fields.
    pub edits_fields: bool,
    /// The first event of a later program; with one the rest of the change is not judged.
    pub newer: Option<Newer>,
}

/// An event of a later program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newer {
    /// Kind number.
    pub kind: u16,
    /// Version number.
    pub version: u8,
}

/// Why a commit is set aside whatever is held.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unfit {
    /// A change breaks a rule of the format.
    #[error("document {document}: {error}")]
    Change {
        /// The document.
        document: DocumentId,
        /// Which rule.
        error: ScanError,
    },
    /// A key is neither an event key nor a field of the document.
    #[error("document {document}: key {key} is not writable like this")]
    Key {
        /// The document.
        document: DocumentId,
        /// The key.
        key: String,
    },
    /// An event key does not derive from this commit, or comes twice.
    #[error("document {document}: {key} is not a key of this commit")]
    EventKey {
        /// The document.
        document: DocumentId,
        /// The key.
        key: EventKey,
    },
    /// A value under an event key is no event.
    #[error("document {document}: {key}: {error}")]
    Event {
        /// The document.
        document: DocumentId,
        /// The key.
        key: EventKey,
        /// Why.
        error: DecodeError,
    },
    /// Events of two kinds of documents, or of one that the scope never holds.
    #[error("document {document} does not fit its scope")]
    Kind {
        /// The document.
        document: DocumentId,
    },
    /// The document id does not derive from the SKU.
    #[error("document {document} is not the product's")]
    ProductId {
        /// The document.
        document: DocumentId,
    },
    /// A line cites a header that is not its author's.
    #[error("document {document}: a line cites header {header} of another author")]
    Line {
        /// The document.
        document: DocumentId,
        /// The header.
        header: EventKey,
    },
}

impl Unfit {
    /// Its stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Change { .. } => "change_form",
            Self::Key { .. } => "key_not_writable",
            Self::EventKey { .. } => "event_key",
            Self::Event { .. } => "event_form",
            Self::Kind { .. } => "document_kind",
            Self::ProductId { .. } => "product_id",
            Self::Line { .. } => "foreign_line",
        }
    }
}

/// Reads every change of a commit.
///
/// # Errors
/// The first rule that it breaks.
pub fn read_changes(commit: &Commit) -> Result<Vec<ReadChange<'_>>, Unfit> {
    let mut changes = commit.changes.iter().map(read_change).collect::<Result<Vec<_>, _>>()?;
    let keys = check_keys(commit, &changes)?;
    for change in &mut changes {
        read_events(commit, change)?;
        check_lines(commit, change, &keys)?;
    }
    Ok(changes)
}

fn read_change(change: &DocumentChange) -> Result<ReadChange<'_>, Unfit> {
    let (document, chunk) = (change.document, change.chunk.as_slice());
    let scanned = scan(chunk).map_err(|error| Unfit::Change { document, error })?;
    Ok(ReadChange { document, chunk, scanned, events: Vec::new(), edits_fields: false, newer: None })
}

/// Checks that the event keys are those that derive from the commit, each once.
fn check_keys(commit: &Commit, changes: &[ReadChange<'_>]) -> Result<BTreeSet<EventKey>, Unfit> {
    let found = || {
        let in_change = |change: &ReadChange<'_>| {
            let document = change.document;
            let keys: Vec<EventKey> =
                change.scanned.puts.iter().filter_map(|put| EventKey::from_map_key(put.key)).collect();
            keys.into_iter().map(move |key| (document, key))
        };
        changes.iter().flat_map(in_change)
    };
    let count = found().count().min(usize::from(u16::MAX) + 1);
    let derive =
        |index: usize| EventKey::derive(&commit.author, &commit.session, &commit.scope, commit.seq, index as u16);
    let keys: BTreeSet<EventKey> = (0..count).map(derive).collect();
    let mut left = keys.clone();
    match found().find(|(_, key)| !left.remove(key)) {
        Some((document, key)) => Err(Unfit::EventKey { document, key }),
        None => Ok(keys),
    }
}

fn read_events(commit: &Commit, change: &mut ReadChange<'_>) -> Result<(), Unfit> {
    let document = change.document;
    let foreign = |put: &ScannedOp<'_>| Unfit::Key { document, key: put.key.to_owned() };
    for put in &change.scanned.puts {
        match (EventKey::from_map_key(put.key), put.action) {
            (Some(key), OpAction::Put(Scalar::Bytes(bytes))) if put.pred_count == 0 => match Event::decode(bytes) {
                Ok(event) => change.events.push((key, event)),
                Err(EventError::Newer { kind, version }) => {
                    change.newer.get_or_insert(Newer { kind, version });
                }
                Err(EventError::Decode(error)) => return Err(Unfit::Event { document, key, error }),
            },
            (None, OpAction::Put(value)) if may_hold(commit, put.key, value) => change.edits_fields = true,
            (Some(_) | None, OpAction::Put(_) | OpAction::Delete) => return Err(foreign(put)),
        }
    }
    if change.newer.is_none() {
        check_kind(commit, change)?;
    }
    Ok(())
}

/// Whether a field of this name may have this value in documents of the scope.
fn may_hold(commit: &Commit, name: &str, value: Scalar<'_>) -> bool {
    match field_rule(&commit.scope).map(|(kind, _)| kind) {
        Some(DocumentKind::Product) => {
            let names = [product::FIELD_NAME, product::FIELD_UNIT, product::FIELD_BARCODE, product::FIELD_PRICE];
            names.contains(&name) && matches!(value, Scalar::Str(_))
        }
        Some(DocumentKind::Customer) => customer::SEALED_FIELDS.contains(&name) && matches!(value, Scalar::Bytes(_)),
        Some(DocumentKind::Control | DocumentKind::Order | DocumentKind::Journal | DocumentKind::Fulfilment) | None => {
            false
        }
    }
}

fn check_kind(commit: &Commit, change: &ReadChange<'_>) -> Result<(), Unfit> {
    let document = change.document;
    let place = Place::of(&commit.scope);
    let fields = change.edits_fields.then(|| field_rule(&commit.scope)).flatten().map(|(kind, _)| kind);
    let mut kinds = change.events.iter().map(|(_, event)| event.kind().document()).chain(fields);
    let first = kinds.next();
    let fits = |event: &Event| {
        commit.is_genesis() && matches!(event, Event::Genesis(_))
            || rules(event.kind()).iter().any(|(at, _)| *at == place)
    };
    if kinds.any(|kind| Some(kind) != first) || !change.events.iter().all(|(_, event)| fits(event)) {
        return Err(Unfit::Kind { document });
    }
    let products = change.events.iter().filter_map(|(_, event)| match event {
        Event::ProductPosted(posted) => Some(DocumentId::of_sku(posted.sku.as_str())),
        _other => None,
    });
    match products.into_iter().all(|id| id == document) {
        true => Ok(()),
        false => Err(Unfit::ProductId { document }),
    }
}

/// Lines cite a header of their own author: in this commit, or in a later part of the same order. A fulfilment has no parts.
fn check_lines(commit: &Commit, change: &ReadChange<'_>, keys: &BTreeSet<EventKey>) -> Result<(), Unfit> {
    let headers: BTreeSet<EventKey> = change
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Line(line) => Some(line.placed),
            _other => None,
        })
        .collect();
    let document = change.document;
    for header in headers.into_iter().filter(|header| !keys.contains(header)) {
        if headers_of_parts(commit).all(|key| key != header) {
            return Err(Unfit::Line { document, header });
        }
    }
    let foreign = change.events.iter().find_map(|(_, event)| match event {
        Event::FulfilmentLine(line) => Some(line.posted).filter(|posted| !keys.contains(posted)),
        _other => None,
    });
    foreign.map_or(Ok(()), |header| Err(Unfit::Line { document, header }))
}

/// The keys that the header of an order in parts may have, seen from an earlier part; none for a lone commit.
fn headers_of_parts(commit: &Commit) -> impl Iterator<Item = EventKey> {
    let parts = if commit.transaction == crate::id::TransactionId::ZERO { 0 } else { PARTS_MAX };
    (1..=parts).flat_map(move |later| {
        let index = move |index| {
            EventKey::derive(&commit.author, &commit.session, &commit.scope, commit.seq.saturating_add(later), index)
        };
        (0..=ORDER_LINES_MAX as u16).map(index)
    })
}

/// Whose keys a commit may use: its documents, and the subjects of the contacts in it.
pub fn subjects(commit: &Commit) -> BTreeSet<DocumentId> {
    let mut subjects: BTreeSet<DocumentId> = commit.changes.iter().map(|change| change.document).collect();
    for scanned in commit.changes.iter().filter_map(|change| scan(&change.chunk).ok()) {
        for put in scanned.puts {
            if let OpAction::Put(Scalar::Bytes(bytes)) = put.action
                && let Ok(Event::Contact(contact) | Event::FulfilmentContact(contact)) = Event::decode(bytes)
            {
                subjects.insert(contact.subject);
            }
        }
    }
    subjects
}

/// What a document holds after its first change alone.
pub fn first_content(change: &ReadChange<'_>) -> Content {
    let field = |put: &ScannedOp<'_>| {
        let value = match put.action {
            OpAction::Put(Scalar::Str(text)) => FieldValue::Text(text.to_owned()),
            OpAction::Put(Scalar::Bytes(bytes)) => FieldValue::Bytes(bytes.to_vec()),
            OpAction::Put(Scalar::Null | Scalar::Bool(_) | Scalar::Int(_) | Scalar::Uint(_)) | OpAction::Delete => {
                return None;
            }
        };
        Some((put.key.to_owned(), vec![value]))
    };
    let fields = change.scanned.puts.iter().filter(|put| EventKey::from_map_key(put.key).is_none());
    Content { events: change.events.iter().cloned().collect(), fields: fields.filter_map(field).collect() }
}

#[cfg(test)]
mod tests {
    mod unfit;
}
