//! Pages of orders, newest first, over every site scope that is held.
//!
//! The narrowest index is scanned backwards in each scope; the cursor is (order time, id) of the last order shown.
//!
//! Invariant: a page costs rows in proportion to what it shows and skips. Proved by
//! `pages_hold_every_item_once`; measured by the bench `scale`.

use std::ops::ControlFlow;

use crdt_model::codec::Reader;
use crdt_model::id::DocumentId;
use crdt_model::order::state::{OrderState, OrderStatus};
use crdt_model::rows::RowKey;
use crdt_model::scope::Scope;

use super::super::error::AppError;
use super::super::model::{self, OrderFilter, OrderView, Page, PageRequest};
use super::super::{App, page, read, storage};
use super::{Whole, read_whole};
use crate::store::{Direction, KeyRange, ReadTables, Snapshot, Table};

/// Bytes of (order time, document) at the end of an index key.
const POSITION_BYTES: usize = 24;

/// Where an order stands in time: its time bytes and its id.
type Position = [u8; POSITION_BYTES];

struct Found {
    position: Position,
    scope: Scope,
    id: DocumentId,
    whole: Whole,
}

impl App {
    /// Orders that a filter lets through, newest first.
    pub fn orders(&self, filter: OrderFilter, request: PageRequest) -> Result<Page<OrderView>, AppError> {
        let snapshot = self.snapshot()?;
        let before = request.cursor.as_deref().map(position_of).transpose()?;
        let mut found = Vec::new();
        for scope in read::site_scopes(&snapshot)? {
            found.extend(scope_orders(&snapshot, &scope, &filter, before.as_ref(), request.limit.items() + 1)?);
        }
        found.sort_by_key(|found| std::cmp::Reverse(found.position));
        let page = page::first(found, &request, |found| cursor_of(&found.position));
        let views = page.items.iter().map(|found| self.list_view(&snapshot, &found.scope, found.id, &found.whole));
        Ok(Page { items: views.collect::<Result<_, _>>()?, next_cursor: page.next_cursor })
    }
}

fn cursor_of(position: &Position) -> String {
    position.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn position_of(cursor: &str) -> Result<Position, AppError> {
    let wrong = || AppError::field("/cursor", "not a cursor of this list", "Give `next_cursor` of the page before.");
    let digits = cursor.as_bytes();
    if digits.len() != 2 * POSITION_BYTES || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(wrong());
    }
    let mut position = [0; POSITION_BYTES];
    for (at, byte) in position.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&cursor[2 * at..2 * at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(position)
}

fn scope_orders(
    snapshot: &Snapshot,
    scope: &Scope,
    filter: &OrderFilter,
    before: Option<&Position>,
    limit: usize,
) -> Result<Vec<Found>, AppError> {
    let (table, prefix) = index_of(scope, filter);
    let mut range = KeyRange::prefix(prefix.as_bytes());
    if let Some(before) = before.filter(|_| table != Table::OrdersByExternal) {
        range = range.before(prefix.clone().fixed(before).as_bytes());
    }
    let (mut found, mut failure) = (Vec::new(), None);
    let visit = |key: &[u8], _: &[u8]| match consider(snapshot, scope, filter, key) {
        Ok(order) => {
            found.extend(order.filter(|order| before.is_none_or(|before| order.position < *before)));
            if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        }
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    };
    snapshot.scan(table, &range, Direction::Backward, visit).map_err(storage)?;
    failure.map_or(Ok(found), Err)
}

/// The narrowest index for a filter.
fn index_of(scope: &Scope, filter: &OrderFilter) -> (Table, RowKey) {
    let key = RowKey::of(scope);
    match (&filter.channel, &filter.external, &filter.customer, filter.status) {
        (Some(channel), Some(number), _, _) => {
            (Table::OrdersByExternal, key.text(channel.as_str()).text(number.as_str()))
        }
        (_, _, Some(customer), _) => (Table::OrdersByCustomer, key.document(customer)),
        (_, _, None, Some(status)) => (Table::OrdersByStatus, key.byte(folded(status) as u8)),
        (_, _, None, None) => (Table::OrdersByTime, key),
    }
}

fn folded(status: model::OrderState) -> OrderStatus {
    match status {
        model::OrderState::Submitted => OrderStatus::Submitted,
        model::OrderState::Confirmed => OrderStatus::Confirmed,
        model::OrderState::Cancelled => OrderStatus::Cancelled,
        model::OrderState::CancelledAfterDispatch => OrderStatus::CancelledAfterDispatch,
        model::OrderState::Completed => OrderStatus::Completed,
    }
}

fn consider(snapshot: &Snapshot, scope: &Scope, filter: &OrderFilter, key: &[u8]) -> Result<Option<Found>, AppError> {
    let tail = key.len().saturating_sub(16);
    let Ok(id) = Reader::new(&key[tail..]).array("document id").map(DocumentId) else { return Ok(None) };
    let Some(whole) = read_whole(snapshot, scope, id)? else { return Ok(None) };
    let order = &whole.order;
    if !lets_through(filter, order) {
        return Ok(None);
    }
    let time = RowKey::of(scope).time(order.header.time.at).document(&id).into_bytes();
    let position = time[time.len() - POSITION_BYTES..].try_into();
    let position = position.expect("invariant: a time and an id have 24 bytes");
    Ok(Some(Found { position, scope: scope.clone(), id, whole }))
}

fn lets_through(filter: &OrderFilter, order: &OrderState) -> bool {
    let header = &order.header;
    let day = header.time.business_date;
    let external = header.external.as_ref();
    filter.status.is_none_or(|status| order.status() == folded(status))
        && filter.customer.is_none_or(|customer| header.customer == Some(customer))
        && filter.channel.as_ref().is_none_or(|channel| external.is_some_and(|e| e.channel == *channel))
        && filter.external.as_ref().is_none_or(|number| external.is_some_and(|e| e.number == *number))
        && filter.from.is_none_or(|from| day >= from)
        && filter.to.is_none_or(|to| day <= to)
}
