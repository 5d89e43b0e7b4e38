//! A document: one Automerge document with one flat root map. The only file of the model that calls Automerge.
//!
//! A document is created with the batch call, appended to with puts, and read as [`Content`]: events under event keys
//! and editable fields with every concurrent value. A document that nobody appends to at once needs no Automerge to be
//! created: `first` writes the same bytes. Foreign changes are scanned (`change`) before they come here.
//!
//! Invariants: nothing but `put` of texts and byte strings on the root is written; actor and time are arguments, so the
//! same puts give the same bytes. Proved by `the_same_puts_give_the_same_change`, `a_first_change_equals_automerges` and
//! `concurrent_values_of_a_field_are_all_kept`.

mod first;
pub mod held;

pub use first::{ChangeHead, plain_change};

use std::collections::{BTreeMap, HashMap};

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, ChangeHash, ROOT, ReadDoc, ScalarValue, Value, hydrate};
use thiserror::Error;

use crate::change::scan;
use crate::event::{Event, EventError};
use crate::id::EventKey;

/// A value of an editable field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldValue {
    /// Plain text.
    Text(String),
    /// A sealed value.
    Bytes(Vec<u8>),
}

/// One key to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Event map key or field name.
    pub key: String,
    /// The value.
    pub value: FieldValue,
}

impl Put {
    /// Writes an event under its key.
    pub fn event(key: EventKey, event: &Event) -> Self {
        Self { key: key.map_key(), value: FieldValue::Bytes(event.encode()) }
    }

    /// Writes a field.
    pub fn field(name: &str, value: FieldValue) -> Self {
        Self { key: name.to_owned(), value }
    }

    /// Bytes that it takes in a change, about.
    pub fn weight(&self) -> usize {
        let value = match &self.value {
            FieldValue::Text(text) => text.len(),
            FieldValue::Bytes(bytes) => bytes.len(),
        };
        self.key.len() + value + 8
    }
}

/// What a document holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// Events by key.
    pub events: BTreeMap<EventKey, Event>,
    /// Fields with every concurrent value; the first is the one that is shown.
    pub fields: BTreeMap<String, Vec<FieldValue>>,
}

/// Why a document cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// Automerge refused the bytes or left changes without their dependencies.
    #[error("automerge: {0}")]
    Automerge(String),
    /// The value of an event key is not an event.
    #[error("{key}: {error}")]
    Event {
        /// The map key.
        key: String,
        /// Why.
        error: EventError,
    },
    /// Every put repeats what the document already holds: there is no change to send.
    #[error("the document already holds these values")]
    NothingNew,
    /// A key holds something that no change may write.
    #[error("key {key} holds a value of a foreign kind")]
    ForeignValue {
        /// The map key.
        key: String,
    },
}

/// An open document.
#[derive(Debug, Clone)]
pub struct Document {
    inner: Automerge,
}

/// A change that this node wrote, as the raw chunk that a commit carries.
pub type Chunk = Vec<u8>;

impl Document {
    /// The first change of a document, as [`Document::create`] would write it; a key put twice has its last value.
    pub fn first_chunk(actor: [u8; 16], mut puts: Vec<Put>) -> Result<Chunk, DocumentError> {
        if puts.is_empty() {
            return Err(DocumentError::NothingNew);
        }
        puts.reverse();
        puts.sort_by(|one, other| one.key.cmp(&other.key));
        puts.dedup_by(|next, kept| next.key == kept.key);
        Ok(first::first_change(&actor, &puts))
    }

    /// Creates a document from its first puts.
    pub fn create(actor: [u8; 16], puts: Vec<Put>) -> Result<(Self, Chunk), DocumentError> {
        let mut document = Self { inner: Automerge::new().with_actor(ActorId::from(actor)) };
        let map: HashMap<String, hydrate::Value> =
            puts.into_iter().map(|put| (put.key, hydrate::Value::Scalar(scalar(put.value)))).collect();
        let mut transaction = document.inner.transaction();
        transaction.init_root_from_hydrate(&map.into()).map_err(automerge_error)?;
        transaction.commit_with(CommitOptions::default().with_time(0));
        let chunk = document.last_chunk()?;
        Ok((document, chunk))
    }

    /// Opens a document from its changes, in any order that has each after its dependencies.
    pub fn load<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, DocumentError> {
        let mut document = Self { inner: Automerge::new() };
        let chunks: Vec<&[u8]> = chunks.into_iter().collect();
        document.inner.load_incremental(&chunks.concat()).map_err(automerge_error)?;
        // A damaged change is left out without a word: only the count tells.
        match document.inner.get_changes_meta(&[]).len() {
            count if count == chunks.len() => Ok(document),
            count => Err(DocumentError::Automerge(format!("{count} of {} changes could be read", chunks.len()))),
        }
    }

    /// Writes further puts; [`DocumentError::NothingNew`] where all of them repeat what is held.
    pub fn append(&mut self, actor: [u8; 16], puts: Vec<Put>) -> Result<Chunk, DocumentError> {
        self.inner.set_actor(ActorId::from(actor));
        let mut transaction = self.inner.transaction();
        for put in puts {
            transaction.put(ROOT, put.key, scalar(put.value)).map_err(automerge_error)?;
        }
        let (written, _) = transaction.commit_with(CommitOptions::default().with_time(0));
        written.ok_or(DocumentError::NothingNew)?;
        self.last_chunk()
    }

    /// Applies a scanned change whose dependencies are held.
    pub fn apply(&mut self, chunk: &[u8]) -> Result<(), DocumentError> {
        let hash = scan(chunk).map_err(automerge_error)?.hash;
        self.inner.load_incremental(chunk).map_err(automerge_error)?;
        // A change that waits for another, or that Automerge left out without a word, is not there.
        match self.inner.get_change_by_hash(&ChangeHash(hash)) {
            Some(_) => Ok(()),
            None => Err(DocumentError::Automerge("the change could not be applied".to_owned())),
        }
    }

    /// The hashes of the changes that no other change follows, sorted.
    pub fn heads(&self) -> Vec<[u8; 32]> {
        let mut heads: Vec<[u8; 32]> = self.inner.get_heads().iter().map(|head| head.0).collect();
        heads.sort_unstable();
        heads
    }

    /// Reads every event and field.
    pub fn content(&self) -> Result<Content, DocumentError> {
        let mut content = Content::default();
        for item in self.inner.map_range(ROOT, ..) {
            let key = item.key.into_owned();
            match EventKey::from_map_key(&key) {
                Some(event_key) => {
                    content.events.insert(event_key, self.event(&key)?);
                }
                None => {
                    let values = self.values(&key)?;
                    content.fields.insert(key, values);
                }
            }
        }
        Ok(content)
    }

    fn event(&self, key: &str) -> Result<Event, DocumentError> {
        match self.values(key)?.as_slice() {
            [FieldValue::Bytes(bytes)] => {
                Event::decode(bytes).map_err(|error| DocumentError::Event { key: key.to_owned(), error })
            }
            _ => Err(DocumentError::ForeignValue { key: key.to_owned() }),
        }
    }

    fn values(&self, key: &str) -> Result<Vec<FieldValue>, DocumentError> {
        let all = self.inner.get_all(ROOT, key).map_err(automerge_error)?;
        let values = all.into_iter().rev().map(|(value, _)| match value {
            Value::Scalar(scalar) => match scalar.as_ref() {
                ScalarValue::Str(text) => Ok(FieldValue::Text(text.to_string())),
                ScalarValue::Bytes(bytes) => Ok(FieldValue::Bytes(bytes.clone())),
                _ => Err(DocumentError::ForeignValue { key: key.to_owned() }),
            },
            Value::Object(_) => Err(DocumentError::ForeignValue { key: key.to_owned() }),
        });
        values.collect()
    }

    fn last_chunk(&self) -> Result<Chunk, DocumentError> {
        let change = self.inner.get_last_local_change();
        change.map(|change| change.raw_bytes().to_vec()).ok_or(DocumentError::NothingNew)
    }
}

fn scalar(value: FieldValue) -> ScalarValue {
    match value {
        FieldValue::Text(text) => ScalarValue::Str(text.into()),
        FieldValue::Bytes(bytes) => ScalarValue::Bytes(bytes),
    }
}

fn automerge_error(error: impl std::fmt::Display) -> DocumentError {
    DocumentError::Automerge(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Vec<Put> {
        vec![Put::field("name", FieldValue::Text(text.into())), Put::field("unit", FieldValue::Text("piece".into()))]
    }

    #[test]
    fn the_same_puts_give_the_same_change() {
        let (_, one) = Document::create([1; 16], name("lamp")).unwrap();
        let (_, two) = Document::create([1; 16], name("lamp")).unwrap();
        assert_eq!(one, two);
        assert_eq!(one[8], 1, "a raw change chunk");
    }

    fn puts() -> impl Strategy<Value = Vec<Put>> {
        let value = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..3).prop_map(FieldValue::Bytes),
            prop::collection::vec(any::<u8>(), 100..200).prop_map(FieldValue::Bytes),
            "[a-zé灯]{0,3}".prop_map(FieldValue::Text),
        ];
        let put = ("[.a-dA-D]{1,3}", value).prop_map(|(key, value)| Put { key, value });
        prop::collection::vec(put, 1..80)
    }

    proptest! {
        #[test]
        fn a_first_change_equals_automerges(actor: [u8; 16], puts in puts()) {
            let (_, chunk) = Document::create(actor, puts.clone()).unwrap();
            prop_assert_eq!(Document::first_chunk(actor, puts).unwrap(), chunk);
        }
    }

    #[test]
    fn a_first_change_of_two_thousand_puts_equals_automerges() {
        for count in [1, 63, 64, 65, 127, 128, 129, 2_000] {
            let put = |n: usize| Put { key: format!("k{n:05}"), value: FieldValue::Bytes(vec![1; n % 3]) };
            let puts: Vec<Put> = (0..count).map(put).collect();
            let (_, chunk) = Document::create([9; 16], puts.clone()).unwrap();
            assert_eq!(Document::first_chunk([9; 16], puts).unwrap(), chunk, "{count} puts");
        }
    }

    #[test]
    fn a_first_change_without_a_put_is_refused() {
        assert_eq!(Document::first_chunk([1; 16], Vec::new()), Err(DocumentError::NothingNew));
        assert_eq!(Document::create([1; 16], Vec::new()).unwrap_err(), DocumentError::NothingNew);
    }

    #[test]
    fn concurrent_values_of_a_field_are_all_kept() {
        let (document, first) = Document::create([1; 16], name("lamp")).unwrap();
        let one = document.clone().append([2; 16], vec![Put::field("name", FieldValue::Text("light".into()))]).unwrap();
        let two =
            document.clone().append([3; 16], vec![Put::field("name", FieldValue::Text("lantern".into()))]).unwrap();
        let a = Document::load([&first[..], &one, &two]).unwrap().content().unwrap();
        let b = Document::load([&first[..], &two, &one]).unwrap().content().unwrap();
        assert_eq!(a, b);
        assert_eq!(a.fields["name"].len(), 2);
    }

    #[test]
    fn a_put_of_what_is_held_is_not_a_change() {
        let (mut document, first) = Document::create([1; 16], name("lamp")).unwrap();
        assert_eq!(document.append([1; 16], name("lamp")), Err(DocumentError::NothingNew));
        assert_eq!(document.content().unwrap(), Document::load([&first[..]]).unwrap().content().unwrap());
        let second = document.append([1; 16], name("light")).unwrap();
        assert_ne!(second, first);
    }

    #[test]
    fn a_document_without_its_first_change_is_not_opened() {
        let (document, _) = Document::create([1; 16], name("lamp")).unwrap();
        let second = document.clone().append([2; 16], name("light")).unwrap();
        assert!(Document::load([&second[..]]).is_err());
    }
}
