//! Stock: rows of each item and site, receipts and adjustments.
//!
//! Invariants: figures are those of one snapshot, proved by the acceptance script; a page reads the rows that it shows,
//! proved by `pages_of_products_and_stock_end_where_they_should`.

use crdt_model::id::DocumentId;
use crdt_model::rows::{RowKind, row_key};
use crdt_model::scope::{Scope, SiteCode};
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
        let items = page.items.iter().map(|(scope, row)| self.stock_view(&snapshot, scope, row));
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
        self.stock_view(&snapshot, &scope, &row)
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
            Err(AppError::Invalid { mut errors }) => {
                for error in &mut errors {
                    error.pointer = error.pointer.replace("/lines/0/sku", "/sku");
                }
                Err(AppError::Invalid { errors })
            }
            Err(other) => Err(other),
        }
    }

    fn stock_view(&self, snapshot: &Snapshot, scope: &Scope, row: &StockRow) -> Result<StockView, AppError> {
        let product = read::product(snapshot, &DocumentId::of_sku(row.sku.as_str()))?;
        let sums = &row.sums;
        Ok(StockView {
            site: site_of(scope).unwrap_or_else(|| self.facts().site.clone()),
            name: product.map_or_else(|| row.sku.clone(), |(_, product)| product.name().clone()),
            sku: row.sku.clone(),
            on_hand: QuantitySum(sums.on_hand),
            unavailable: QuantitySum(0),
            reserved: QuantitySum(sums.reserved()),
            secured: QuantitySum(sums.secured),
            allotted: QuantitySum(0),
            available: QuantitySum(sums.available()),
            free_rights: QuantitySum(sums.free_rights()),
            minted: QuantitySum(sums.minted),
            burned: QuantitySum(sums.burned),
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

fn stock_row(snapshot: &Snapshot, scope: &Scope, sku: &str) -> Result<Option<StockRow>, AppError> {
    let key = row_key(scope, RowKind::Stock, &DocumentId::of_sku(sku).0);
    let row = snapshot.with(Table::Rows, key.as_bytes(), StockRow::decode).map_err(storage)?;
    row.transpose().map_err(damaged)
}
