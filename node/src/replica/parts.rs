//! An order that does not fit one change: its lines and what follows its header in several changes of one document.
//!
//! Each part is a commit of its own, all of one transaction. The part with the last lines carries the header, which
//! closes the lines with their hash; facts that no longer fit beside it come after it.
//!
//! Invariant: no part passes the limits of a change. Proved by
//! `an_order_with_everything_at_its_longest_obeys_every_limit` and
//! `lines_at_the_limit_of_a_part_are_one_commit_and_past_it_two`.

use crdt_model::document::{Document, Put};
use crdt_model::document_row::fold_document;
use crdt_model::event::Event;
use crdt_model::id::{DocumentId, TransactionId};
use crdt_model::order::event::{Parts, Placed};
use crdt_model::order::fold::parts_hash;

use super::batch::Batch;
use super::command::Input;
use super::documents::content_of;
use super::log::Draft;
use super::orders::{LINE_BYTES_BASE, OrderWriting, draft_request, line_event, weight};
use super::{KeyedEvent, NewRow, Replica, ReplicaError};

/// Bytes of line events in one change; a change may have 128 KiB.
const LINES_BYTES_MAX: usize = 96 * 1024;
/// Bytes of lines and of what follows the header in one change; the rest is the header's.
const PART_BYTES_MAX: usize = 120 * 1024;

/// Whether an order is one change, or comes in parts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// One change of about so many bytes.
    Whole { bytes: usize },
    /// Several.
    InParts,
}

/// How large an order is.
pub(super) fn size_of(writing: &OrderWriting) -> Size {
    let lines: usize = writing.lines.iter().map(weight).sum();
    let bytes = lines + writing.after.iter().map(event_weight).sum::<usize>();
    if lines <= LINES_BYTES_MAX && bytes <= PART_BYTES_MAX { Size::Whole { bytes } } else { Size::InParts }
}

impl Replica {
    /// Writes an order in parts; the draft goes on behind the last one.
    pub(super) fn write_order_in_parts(
        &mut self,
        batch: &mut Batch<'_, '_>,
        draft: &mut Draft,
        writing: OrderWriting,
        input: &Input,
    ) -> Result<NewRow, ReplicaError> {
        let OrderWriting { id, header, close, lines, after } = writing;
        let transaction = TransactionId(self.random.bytes());
        *draft = self.draft(draft.scope.clone(), draft_request(input), transaction);
        let parts = split(lines, weight, LINES_BYTES_MAX, 0);
        let last = parts.len() - 1;
        let placed = self.key_at(&draft.scope, draft.seq() + last as u64, parts[last].len() as u32);
        let last_bytes = parts[last].iter().map(weight).sum();
        let mut after = split(after, event_weight, PART_BYTES_MAX, last_bytes).into_iter();
        let mut order = Written { id, document: None, events: Vec::new() };
        let mut numbers = 1u16..;
        for (at, part) in parts.into_iter().enumerate() {
            if at > 0 {
                self.roll(batch, draft, input.now.at)?;
            }
            let lines = part.into_iter().zip(&mut numbers).map(|(line, number)| line_event(placed, number, line));
            let mut events = self.with_keys(draft, lines.collect());
            if at == last {
                let header = close(closed(header.clone(), order.events.iter().chain(&events), last));
                let beside = [header].into_iter().chain(after.next().unwrap_or_default());
                events.extend(self.with_keys(draft, beside.collect()));
            }
            order.write(self.actor, draft, events)?;
        }
        for part in after {
            self.roll(batch, draft, input.now.at)?;
            let events = self.with_keys(draft, part);
            order.write(self.actor, draft, events)?;
        }
        Ok((id, fold_document(&content_of(order.events))))
    }
}

/// The parts of an order that are written.
struct Written {
    id: DocumentId,
    document: Option<Document>,
    events: Vec<KeyedEvent>,
}

impl Written {
    fn write(&mut self, actor: [u8; 16], draft: &mut Draft, events: Vec<KeyedEvent>) -> Result<(), ReplicaError> {
        let puts = events.iter().map(|(key, event)| Put::event(*key, event)).collect();
        let chunk = match &mut self.document {
            None => Document::create(actor, puts).map(|(created, chunk)| {
                self.document = Some(created);
                chunk
            }),
            Some(open) => open.append(actor, puts),
        };
        draft.push(self.id, chunk.map_err(|error| ReplicaError::Document { id: self.id, error })?);
        self.events.extend(events);
        Ok(())
    }
}

/// The header that counts these lines, with their hash where they came in more than one change.
fn closed<'a>(mut header: Placed, lines: impl Iterator<Item = &'a KeyedEvent>, last: usize) -> Placed {
    let mut sorted: Vec<&KeyedEvent> = lines.collect();
    sorted.sort_by_key(|(key, _)| *key);
    header.line_count = sorted.len() as u16;
    let hash = || parts_hash(sorted.into_iter().map(|(key, event)| (key, event.encode())));
    header.parts = (last > 0).then(|| Parts { hash: hash() });
    header
}

fn event_weight(event: &Event) -> usize {
    LINE_BYTES_BASE + event.encode().len()
}

/// Consecutive values in groups of at most `bytes_max`; the first group has `taken` bytes less and may be empty.
fn split<T>(values: Vec<T>, weight: impl Fn(&T) -> usize, bytes_max: usize, taken: usize) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    let (mut group, mut bytes) = (Vec::new(), taken);
    for value in values {
        let more = weight(&value);
        if bytes + more > bytes_max {
            groups.push(std::mem::take(&mut group));
            bytes = 0;
        }
        bytes += more;
        group.push(value);
    }
    groups.push(group);
    groups
}
