//! Stock: rows of each item and site, receipts and adjustments.
//!
//! Invariants: figures are those of one snapshot, proved by the acceptance script; a page reads the rows that it shows,
//! proved by `pages_of_products_and_stock_end_where_they_should`.

use crdt_model::codec::Reader;
use crdt_model::control::state::Control;
use crdt_model::id::DocumentId;
use crdt_model::rows::{RowKey, RowKind, row_key};
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::stock::loan::open_loans_key;
use crdt_model::stock::{StockRow, StockSums};
use crdt_model::text::Text;

use super::error::AppError;
use super::model::{Page, PageRequest, QuantitySum, Request, StockEntryRequest, StockFilter, StockView};
use super::read::{self, SkuPage, damaged, sku_cursor};
use super::{App, page, storage};
use crate::replica::{Command, StockKind};
use crate::store::{ReadTables, Snapshot, Table};

impl App {
    /// Stock of every item at every site that is held, by SKU and site.
    pub fn stock(&self, filter: StockFilter, request: PageRequest) -> Result<Page<StockView>, AppError> {
        let snapshot = self.snapshot()?;
        let (cursor, limit) = (request.cursor.as_deref(), request.limit.items() + 1);
        let rows = SkuPage { snapshot: &snapshot, kind: RowKind::Stock, cursor, limit };
        let mut found = Vec::new();
        for scope in read::site_scopes(&snapshot)? {
            match &filter.sku {
                Some(sku) => found.extend(stock_row(&snapshot, &scope, sku.as_str())?.map(|row| (scope, row))),
                None => {
                    found.extend(rows.of_scope(&scope, |sku| {
                        Ok(stock_row(&snapshot, &scope, sku)?.map(|row| (scope.clone(), row)))
                    })?)
                }
            }
        }
        let page = page::cut(found, &request, |(scope, row)| sku_cursor(row.sku.as_str(), scope));
        let control = read::control(&snapshot)?;
        let items = page.items.iter().map(|(scope, row)| self.stock_view(&snapshot, &control, (scope, row)));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next_cursor: page.next_cursor })
    }

    /// Stock of one item at this site.
    pub fn stock_item(&self, sku: &str) -> Result<StockView, AppError> {
        let unknown = || AppError::NotFound { what: "product", id: sku.to_owned() };
        let text = Text::new(sku).map_err(|_| unknown())?;
        let snapshot = self.snapshot()?;
        let scope = Scope::Site(self.facts().site.clone());
        let row = match stock_row(&snapshot, &scope, sku)? {
            Some(row) => row,
            None => {
                read::product(&snapshot, &DocumentId::of_sku(sku))?.ok_or_else(unknown)?;
                StockRow { sku: text, sums: StockSums::default() }
            }
        };
        self.stock_view(&snapshot, &read::control(&snapshot)?, (&scope, &row))
    }

    /// Goods came in.
    pub async fn receive_stock(&self, request: Request, entry: StockEntryRequest) -> Result<StockView, AppError> {
        self.record_stock(request, StockKind::Receipt, entry).await
    }

    /// Stock was found to differ.
    pub async fn adjust_stock(&self, request: Request, entry: StockEntryRequest) -> Result<StockView, AppError> {
        self.record_stock(request, StockKind::Adjustment, entry).await
    }

    async fn record_stock(
        &self,
        request: Request,
        kind: StockKind,
        entry: StockEntryRequest,
    ) -> Result<StockView, AppError> {
        let sku = entry.sku.clone();
        let StockEntryRequest { sku: item, quantity, reference, reason } = entry;
        let written = self.write(&request, Command::RecordStock { kind, sku: item, quantity, reference, reason }).await;
        match written {
            Ok(_) => self.stock_item(sku.as_str()),
            Err(error) => Err(error.at_sku()),
        }
    }

    /// What this node may promise with rights: the free rights of its site if it keeps them, and its loans.
    pub(super) fn promise_now(
        &self,
        snapshot: &Snapshot,
        control: &Control,
        (scope, site): (&Scope, &SiteCode),
        row: &StockRow,
    ) -> Result<i128, AppError> {
        let (author, epoch) = (self.facts().author, control.epoch(site));
        let keeper = control.keeper(site, epoch) == Some(author);
        let own = if keeper { row.sums.free_rights(epoch).max(0) } else { 0 };
        let prefix = open_loans_key(scope, &DocumentId::of_sku(row.sku.as_str()), &author);
        let balance = |_: &[u8], value: &[u8]| Reader::new(value).wide("balance").map(Some);
        let loans = read::collect(snapshot, Table::Rows, prefix.as_bytes(), balance)?;
        Ok(own + loans.into_iter().sum::<i128>())
    }

    fn stock_view(
        &self,
        snapshot: &Snapshot,
        control: &Control,
        (scope, row): (&Scope, &StockRow),
    ) -> Result<StockView, AppError> {
        let product = read::product(snapshot, &DocumentId::of_sku(row.sku.as_str()))?;
        let sums = &row.sums;
        let site = site_of(scope).unwrap_or_else(|| self.facts().site.clone());
        let epoch = control.epoch(&site);
        Ok(StockView {
            promise_now: QuantitySum(self.promise_now(snapshot, control, (scope, &site), row)?),
            site,
            name: product.map_or_else(|| row.sku.clone(), |(_, product)| product.name().clone()),
            sku: row.sku.clone(),
            on_hand: QuantitySum(sums.on_hand),
            unavailable: QuantitySum(0),
            reserved: QuantitySum(sums.reserved()),
            secured: QuantitySum(sums.secured),
            allotted: QuantitySum(sums.allotted()),
            available: QuantitySum(sums.available()),
            free_rights: QuantitySum(sums.free_rights(epoch)),
            minted: QuantitySum(sums.minted()),
            burned: QuantitySum(sums.burned()),
            spent: QuantitySum(sums.spent),
            as_of: self.now(),
        })
    }
}

/// The site of a site's scope.
pub(super) fn site_of(scope: &Scope) -> Option<SiteCode> {
    match scope {
        Scope::Site(code) => Some(code.clone()),
        Scope::Control | Scope::Catalogue | Scope::Customers(_) | Scope::Lane(..) => None,
    }
}

/// An item at a site with what its goods did in lanes.
pub(super) fn stock_row(snapshot: &Snapshot, scope: &Scope, sku: &str) -> Result<Option<StockRow>, AppError> {
    let item = DocumentId::of_sku(sku);
    let key = row_key(scope, RowKind::Stock, &item.0);
    let row = snapshot.with(Table::Rows, key.as_bytes(), StockRow::decode).map_err(storage)?;
    let row = row.transpose().map_err(damaged)?;
    with_lanes(snapshot, scope, &item, row)
}

/// Adds what the goods of a site did in lanes to its row.
pub(super) fn with_lanes(
    snapshot: &Snapshot,
    scope: &Scope,
    item: &DocumentId,
    row: Option<StockRow>,
) -> Result<Option<StockRow>, AppError> {
    let key = RowKey::of(scope).document(item);
    let over = snapshot.with(Table::StockOverLanes, key.as_bytes(), StockRow::decode).map_err(storage)?;
    Ok(match (row, over.transpose().map_err(damaged)?) {
        (Some(mut row), Some(over)) => {
            row.sums.add(&over.sums);
            Some(row)
        }
        (row, over) => row.or(over),
    })
}
