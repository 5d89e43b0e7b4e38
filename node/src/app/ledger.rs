//! The ledger of an item: its movements at every shelf that this node knows of, newest first.
//!
//! The index by item is scanned backwards in each site and lane that is held; the cursor is the place of the last movement
//! shown. The balance counts back from the stock on hand, so it is the one of this moment's book.
//!
//! Invariants: a page reads movements of its item alone, never orders; the balance is told only where the site's own scope
//! is held and at most [`BALANCE_ROWS_MAX`] newer movements stand before the page. Proved by
//! `pages_of_a_ledger_hold_every_movement_once_with_its_balance`, `a_balance_is_told_up_to_the_limit_of_rows` and
//! `a_ledger_names_the_node_of_each_movement`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crdt_model::codec::{DecodeError, Reader};
use crdt_model::id::{AuthorId, DocumentId, EventKey};
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::stock::movement::{Account, Movement, MovementPlace, movements_key};

use super::error::AppError;
use super::model::{LedgerEntry, LedgerSubject, Page, PageRequest, QuantitySum};
use super::read::{self, damaged};
use super::stock::{site_of, stock_row};
use super::{App, page, storage};
use crate::replica::event_authors;
use crate::store::{Direction, KeyRange, ReadTables, Snapshot, Table};

/// Movements newer than a page that are counted back for its balances.
pub const BALANCE_ROWS_MAX: usize = 100_000;

/// A movement and where it was found.
struct Found {
    place: MovementPlace,
    scope: Scope,
    site: SiteCode,
    movement: Movement,
}

/// The movements of one item in a snapshot.
struct Ledger<'a> {
    snapshot: &'a Snapshot,
    sku: &'a str,
    item: DocumentId,
    scopes: Vec<Scope>,
    balance_rows_max: usize,
}

impl App {
    /// Movements of an item at this node's scopes, newest first.
    pub fn stock_ledger(&self, sku: &str, request: PageRequest) -> Result<Page<LedgerEntry>, AppError> {
        self.stock_ledger_within(sku, &request, BALANCE_ROWS_MAX)
    }

    /// As [`Self::stock_ledger`], with another bound of the rows that are counted back.
    pub(super) fn stock_ledger_within(
        &self,
        sku: &str,
        request: &PageRequest,
        balance_rows_max: usize,
    ) -> Result<Page<LedgerEntry>, AppError> {
        let snapshot = self.snapshot()?;
        let before = request.cursor.as_deref().map(place_of).transpose()?;
        let holds_stock = |scope: &Scope| matches!(scope, Scope::Site(_) | Scope::Lane(..));
        let scopes = read::scopes(&snapshot)?.into_iter().filter(holds_stock).collect();
        let item = DocumentId::of_sku(sku);
        let ledger = Ledger { snapshot: &snapshot, sku, item, scopes, balance_rows_max };
        let found = ledger.newest(before.as_ref(), request.limit.items() + 1)?;
        if found.is_empty() && read::product(&snapshot, &item)?.is_none() {
            return Err(AppError::NotFound { what: "product", id: sku.to_owned() });
        }
        let page = page::first(found, request, |found| page::cursor_of(found.place.as_bytes()));
        Ok(Page { items: ledger.entries(page.items, before.as_ref())?, next_cursor: page.next_cursor })
    }
}

impl Ledger<'_> {
    /// The newest movements before a place, over all scopes.
    fn newest(&self, before: Option<&MovementPlace>, limit: usize) -> Result<Vec<Found>, AppError> {
        let mut found = Vec::new();
        for scope in &self.scopes {
            let key = movements_key(scope, &self.item);
            let mut range = KeyRange::prefix(key.as_bytes());
            if let Some(before) = before {
                range = range.before(key.fixed(before.as_bytes()).as_bytes());
            }
            let mut rows = 0;
            self.scan(scope, &range, |row| {
                found.push(row);
                rows += 1;
                if rows < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
        }
        found.sort_by_key(|found| std::cmp::Reverse(found.place));
        Ok(found)
    }

    fn scan(
        &self,
        scope: &Scope,
        range: &KeyRange,
        mut each: impl FnMut(Found) -> ControlFlow<()>,
    ) -> Result<(), AppError> {
        let length = movements_key(scope, &self.item).as_bytes().len();
        let mut failure = None;
        let visit = |key: &[u8], value: &[u8]| match found_in(scope, &key[length..], value) {
            Ok(row) => each(row),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        };
        self.snapshot.scan(Table::MovementsByItem, range, Direction::Backward, visit).map_err(storage)?;
        failure.map_or(Ok(()), |error| Err(damaged(error)))
    }

    /// Rows with their balances and authors.
    fn entries(&self, rows: Vec<Found>, before: Option<&MovementPlace>) -> Result<Vec<LedgerEntry>, AppError> {
        let mut balances = self.balances(before)?;
        let mut authors: BTreeMap<(Scope, DocumentId), BTreeMap<EventKey, AuthorId>> = BTreeMap::new();
        let mut entries = Vec::with_capacity(rows.len());
        for Found { place, scope, site, movement } in rows {
            let document = place.document();
            let at = (scope, document);
            if !authors.contains_key(&at) {
                authors.insert(at.clone(), self.authors(&at.0, &document)?);
            }
            let node = authors.get(&at).and_then(|authors| authors.get(&place.event())).copied();
            let balance = balances.get_mut(&site);
            let on_hand = balance.as_deref().copied().map(QuantitySum);
            if let Some(balance) = balance.filter(|_| movement.kind.account() == Account::OnHand) {
                *balance -= movement.quantity;
            }
            entries.push(entry(&at.0, document, (site, node), on_hand, movement));
        }
        Ok(entries)
    }

    fn authors(&self, scope: &Scope, document: &DocumentId) -> Result<BTreeMap<EventKey, AuthorId>, AppError> {
        event_authors(self.snapshot, scope, document).map_err(|error| AppError::Storage(error.to_string()))
    }

    /// The stock on hand of each held site as it was right after the first movement of the page; of none where too many
    /// movements came since.
    fn balances(&self, before: Option<&MovementPlace>) -> Result<BTreeMap<SiteCode, i128>, AppError> {
        let mut balances = BTreeMap::new();
        for scope in &self.scopes {
            if let Some(site) = site_of(scope) {
                let row = stock_row(self.snapshot, scope, self.sku)?;
                balances.insert(site, row.map_or(0, |row| row.sums.on_hand));
            }
        }
        let Some(before) = before else { return Ok(balances) };
        let mut left = self.balance_rows_max;
        for scope in &self.scopes {
            let key = movements_key(scope, &self.item);
            let newer = KeyRange::prefix(key.as_bytes()).from(key.fixed(before.as_bytes()).as_bytes());
            let mut over = false;
            self.scan(scope, &newer, |row| {
                let Some(rest) = left.checked_sub(1) else {
                    over = true;
                    return ControlFlow::Break(());
                };
                left = rest;
                if let Some(balance) = balances.get_mut(&row.site)
                    && row.movement.kind.account() == Account::OnHand
                {
                    *balance -= row.movement.quantity;
                }
                ControlFlow::Continue(())
            })?;
            if over {
                return Ok(BTreeMap::new());
            }
        }
        Ok(balances)
    }
}

fn found_in(scope: &Scope, place: &[u8], value: &[u8]) -> Result<Found, DecodeError> {
    let place = MovementPlace::from_bytes(Reader::new(place).array("movement place")?);
    let movement = Movement::decode(value)?;
    let site = movement.site.clone().or_else(|| site_of(scope));
    let site = site.ok_or(DecodeError::OutOfRange { field: "movement site" })?;
    Ok(Found { place, scope: scope.clone(), site, movement })
}

fn entry(
    scope: &Scope,
    document: DocumentId,
    (site, node): (SiteCode, Option<AuthorId>),
    on_hand: Option<QuantitySum>,
    movement: Movement,
) -> LedgerEntry {
    let Movement { kind, time, quantity, reference, reason, site: _ } = movement;
    LedgerEntry {
        kind,
        subject: LedgerSubject::of(kind, scope, document),
        quantity: QuantitySum(quantity),
        on_hand,
        site,
        node,
        reference,
        reason,
        time,
    }
}

fn place_of(cursor: &str) -> Result<MovementPlace, AppError> {
    page::bytes_of(cursor).map(MovementPlace::from_bytes)
}
