//! A change without what its commit makes known: head, order and keys of its puts.
//!
//! Only changes whose puts replace nothing are taken apart; the writer builds each again and compares, and sends it as
//! it is where a byte differs.
//!
//! Invariant: as for all of `run`.

use std::collections::HashMap;

use crdt_model::change::{CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, CHANGE_OPS_MAX, OpAction, Scalar, ScannedChange};
use crdt_model::codec::{DecodeError, Reader, Writer};
use crdt_model::commit::{COMMIT_BYTES_MAX, Commit, DocumentChange};
use crdt_model::document::{ChangeHead, FieldValue, Put, plain_change};
use crdt_model::event::EventKind;
use crdt_model::id::{DocumentId, EventKey, KeyId, actor_of};

use super::value::Tokens;
use super::{Context, DocumentTrack};

/// The chunk follows as it is.
const FORM_RAW: u64 = 1;
/// The head is what the next change of this document has.
const FORM_EXPECTED: u64 = 1 << 1;
/// The puts are in the order of their keys.
const FORM_SORTED: u64 = 1 << 2;
const FORMS_ALL: u64 = FORM_RAW | FORM_EXPECTED | FORM_SORTED;

/// The key is written out.
const PUT_OWN_KEY: u64 = 1;
const PUT_TEXT: u64 = 1 << 1;
/// The value stands among the noise.
const PUT_NOISE: u64 = 1 << 2;
const PUT_FLAG_BITS: u32 = 3;

/// Where a change stands: its commit, the keys of the body, and the index of its first event.
pub(super) struct Place<'a> {
    pub commit: &'a Commit,
    pub key_ids: &'a [KeyId],
    pub first_index: u16,
}

impl Place<'_> {
    fn derived(&self, count: usize) -> Vec<EventKey> {
        let Commit { author, session, scope, seq, .. } = self.commit;
        let index = |n: usize| self.first_index.wrapping_add(n as u16);
        (0..count).map(|n| EventKey::derive(author, session, scope, *seq, index(n))).collect()
    }
}

/// The head that the next change of a document has, as far as the body tells.
fn expected_head(context: &Context, document: &DocumentId, actor: [u8; 16]) -> ChangeHead {
    match context.document(document).and_then(|(_, track)| track.last) {
        Some((hash, last_actor, seq, start_op)) => {
            let seq = if last_actor == actor { seq.saturating_add(1) } else { 1 };
            ChangeHead { actor, deps: vec![hash], seq, start_op }
        }
        None => ChangeHead { actor, deps: Vec::new(), seq: 1, start_op: 1 },
    }
}

/// A change taken apart.
struct Parts<'a> {
    head: ChangeHead,
    puts: Vec<(Option<EventKey>, &'a str, Scalar<'a>)>,
    hash: [u8; 32],
}

/// Takes a change apart if building it again gives its bytes.
fn take_apart<'a>(commit: &Commit, chunk: &[u8], scanned: &ScannedChange<'a>) -> Option<Parts<'a>> {
    let actor = actor_of(&commit.author, &commit.session);
    let plain = |action: &OpAction<'a>| match action {
        OpAction::Put(Scalar::Str(text)) => Some(FieldValue::Text((*text).to_owned())),
        OpAction::Put(Scalar::Bytes(bytes)) => Some(FieldValue::Bytes(bytes.to_vec())),
        OpAction::Put(Scalar::Null | Scalar::Bool(_) | Scalar::Int(_) | Scalar::Uint(_)) | OpAction::Delete => None,
    };
    let values: Option<Vec<FieldValue>> = scanned.puts.iter().map(|op| plain(&op.action)).collect();
    let keys = scanned.puts.iter().map(|op| op.key.to_owned());
    let puts: Vec<Put> = keys.zip(values?).map(|(key, value)| Put { key, value }).collect();
    let head = ChangeHead { actor, deps: scanned.deps.clone(), seq: scanned.seq, start_op: scanned.start_op };
    let (hash, rebuilt) = plain_change(&head, &puts);
    if rebuilt != chunk {
        return None;
    }
    let puts = scanned.puts.iter().filter_map(|op| match op.action {
        OpAction::Put(value) => Some((EventKey::from_map_key(op.key), op.key, value)),
        OpAction::Delete => None,
    });
    Some(Parts { head, puts: puts.collect(), hash })
}

/// Writes a change; gives the number of its events.
pub(super) fn write_change(
    context: &mut Context,
    place: &Place<'_>,
    change: &DocumentChange,
    scanned: Option<&ScannedChange<'_>>,
    (text, noise): (&mut Writer, &mut Writer),
) -> u16 {
    let events =
        scanned.map_or(0, |scanned| scanned.puts.iter().filter(|op| EventKey::from_map_key(op.key).is_some()).count());
    let id = change.document;
    let Some(parts) = scanned.and_then(|scanned| take_apart(place.commit, &change.chunk, scanned)) else {
        text.number(FORM_RAW).number(events as u64).blob(&change.chunk);
        context.note_document(id, DocumentTrack { last: None });
        return events as u16;
    };
    let expected = expected_head(context, &id, parts.head.actor) == parts.head;
    let sorted = parts.puts.is_sorted_by(|one, next| one.1 < next.1);
    let form = if expected { FORM_EXPECTED } else { 0 } | if sorted { FORM_SORTED } else { 0 };
    text.number(form).number(events as u64);
    if !expected {
        text.number(parts.head.deps.len() as u64).number(parts.head.seq).number(parts.head.start_op);
        parts.head.deps.iter().for_each(|dep| {
            noise.fixed(dep);
        });
    }
    write_puts(place, change, &parts, (events, sorted), (text, noise));
    context.note_document(id, track_after(&parts.head, parts.hash, parts.puts.len()));
    events as u16
}

fn track_after(head: &ChangeHead, hash: [u8; 32], puts: usize) -> DocumentTrack {
    DocumentTrack { last: Some((hash, head.actor, head.seq, head.start_op.saturating_add(puts as u64))) }
}

fn write_puts(
    place: &Place<'_>,
    change: &DocumentChange,
    parts: &Parts<'_>,
    (events, sorted): (usize, bool),
    (text, noise): (&mut Writer, &mut Writer),
) {
    let derived = place.derived(events);
    let index: HashMap<EventKey, usize> = derived.iter().enumerate().map(|(at, key)| (*key, at)).collect();
    let place_of = |key: &Option<EventKey>| key.and_then(|key| index.get(&key).copied()).unwrap_or(usize::MAX);
    let tokens = Tokens::new(place.commit, &change.document, place.key_ids, &derived);
    let mut puts: Vec<&(Option<EventKey>, &str, Scalar<'_>)> = parts.puts.iter().collect();
    if sorted {
        puts.sort_by_key(|put| place_of(&put.0));
    }
    text.number(puts.len() as u64);
    let mut next = 0;
    for (key, map_key, value) in puts {
        let follows = place_of(key) == next;
        let (bytes, kind) = match value {
            Scalar::Str(value) => (value.as_bytes(), PUT_TEXT),
            Scalar::Bytes(value) => (*value, if is_noise(*key, value) { PUT_NOISE } else { 0 }),
            Scalar::Null | Scalar::Bool(_) | Scalar::Int(_) | Scalar::Uint(_) => (&[][..], 0),
        };
        let flags = kind | if follows { 0 } else { PUT_OWN_KEY };
        text.number((bytes.len() as u64) << PUT_FLAG_BITS | flags);
        if follows {
            next += 1;
        } else {
            text.blob(map_key.as_bytes());
        }
        let plain = tokens.write(text, bytes);
        if kind == PUT_NOISE {
            noise.fixed(&plain)
        } else {
            text.fixed(&plain)
        };
    }
}

/// Sealed values do not compress.
fn is_noise(key: Option<EventKey>, value: &[u8]) -> bool {
    key.is_none() || is_contact(value)
}

/// Whether a value is an event that seals who gets goods.
pub(super) fn is_contact(value: &[u8]) -> bool {
    let kinds = [EventKind::Contact, EventKind::FulfilmentContact];
    kinds.into_iter().any(|kind| value.starts_with(&(kind as u16).to_be_bytes()))
}

/// Reads a change; gives its chunk and the number of its events.
pub(super) fn read_change<'r>(
    context: &mut Context,
    place: &Place<'_>,
    document: DocumentId,
    (text, noise): (&mut Reader<'r>, &mut Reader<'r>),
) -> Result<(Vec<u8>, u16), DecodeError> {
    let form = text.number_up_to("form", FORMS_ALL)?;
    let events = text.number_up_to("events", CHANGE_OPS_MAX)?;
    if form & FORM_RAW != 0 {
        context.note_document(document, DocumentTrack { last: None });
        return Ok((text.blob("change", CHANGE_BYTES_MAX)?.to_vec(), events as u16));
    }
    let actor = actor_of(&place.commit.author, &place.commit.session);
    let head = if form & FORM_EXPECTED != 0 {
        expected_head(context, &document, actor)
    } else {
        let deps = text.number_up_to("deps", CHANGE_DEPS_MAX as u64)?;
        let (seq, start_op) = (text.number("change number")?, text.number("first operation")?);
        let deps = (0..deps).map(|_| noise.array("deps")).collect::<Result<_, _>>()?;
        ChangeHead { actor, deps, seq, start_op }
    };
    let mut puts = read_puts(place, document, events as usize, (text, noise))?;
    if form & FORM_SORTED != 0 {
        puts.sort_by(|one, next| one.key.cmp(&next.key));
    }
    let (hash, chunk) = plain_change(&head, &puts);
    context.note_document(document, track_after(&head, hash, puts.len()));
    Ok((chunk, events as u16))
}

fn read_puts<'r>(
    place: &Place<'_>,
    document: DocumentId,
    events: usize,
    (text, noise): (&mut Reader<'r>, &mut Reader<'r>),
) -> Result<Vec<Put>, DecodeError> {
    // A put takes two bytes or more: what is left bounds the work.
    let count = text.number_up_to("puts", (text.remaining() as u64 / 2).min(CHANGE_OPS_MAX))? as usize;
    if events > count {
        return Err(DecodeError::OutOfRange { field: "events" });
    }
    let derived = place.derived(events);
    let tokens = Tokens::new(place.commit, &document, place.key_ids, &derived);
    let (mut puts, mut next, mut bytes) = (Vec::with_capacity(count), derived.iter(), 0);
    for _ in 0..count {
        let head = text.number_up_to("put", (COMMIT_BYTES_MAX as u64) << PUT_FLAG_BITS)?;
        let (length, flags) = ((head >> PUT_FLAG_BITS) as usize, head & ((1 << PUT_FLAG_BITS) - 1));
        bytes += length;
        if bytes > CHANGE_BYTES_MAX {
            return Err(DecodeError::OutOfRange { field: "values" });
        }
        let key = if flags & PUT_OWN_KEY == 0 {
            next.next().ok_or(DecodeError::OutOfRange { field: "events" })?.map_key()
        } else {
            read_text("key", text.blob("key", crdt_model::change::KEY_BYTES_MAX)?)?
        };
        let value = tokens.read(text, length, |text, plain| {
            if flags & PUT_NOISE == 0 { text.fixed("value", plain) } else { noise.fixed("value", plain) }
        })?;
        let value = if flags & PUT_TEXT == 0 {
            FieldValue::Bytes(value)
        } else {
            FieldValue::Text(read_text("value", &value)?)
        };
        puts.push(Put { key, value });
    }
    if puts.is_empty() { Err(DecodeError::OutOfRange { field: "puts" }) } else { Ok(puts) }
}

fn read_text(field: &'static str, bytes: &[u8]) -> Result<String, DecodeError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| DecodeError::OutOfRange { field })
}
