//! Stock: every item at every site that is held, one item, and what comes in or is found to differ.
//!
//! Invariant: the figures here and elsewhere never mix. Proved by `stock_comes_in_from_the_page`
//! and `the_ledger_of_an_item_names_each_movement_with_its_balance`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use crdt_model::text::Text;
use maud::Markup;

use super::form::Form;
use super::layout::{Title, page};
use super::pages::stock::{Item, StockList};
use super::query::PageQuery;
use super::visit::Visit;
use super::{Web, pages};
use crate::app::App;
use crate::app::error::AppError;
use crate::app::model::{PageRequest, StockEntryRequest, StockFilter};
use crate::http::check::{At, Errors, Sign};
use crate::http::error::Problem;
use crate::http::extract::read;

/// The list; with a SKU in the box, that item.
pub async fn list(State(app): State<App>, visit: Visit, query: PageQuery) -> Result<Markup, Problem> {
    let sku = query.get("q").map(Text::new).transpose();
    let sku = sku.map_err(|_| AppError::field("/q", "it is too long", "Shorten it."))?;
    let request = query.page()?;
    let found = read(move || app.stock(StockFilter { sku }, request)).await?;
    let next = query.next("/stock", found.next_cursor.as_deref());
    let list = StockList { rows: found.items, own: visit.place.site.clone(), query, next };
    Ok(page(&visit, Title::Key("nav-stock"), &pages::stock::list(&visit, &list)))
}

/// One item: here, at the other sites, the forms, and its ledger.
pub async fn show(
    State(app): State<App>,
    visit: Visit,
    Path(sku): Path<String>,
    query: PageQuery,
) -> Result<Markup, Problem> {
    let request = query.page()?;
    let mut item = read(move || item(&app, &sku, request)).await?;
    let address = super::query::path(&["stock", item.here.sku.as_str()]);
    item.next = query.next(&address, item.next.as_deref());
    Ok(page(&visit, Title::Name(item.here.sku.as_str()), &pages::stock::item(&visit, &item)))
}

fn item(app: &App, sku: &str, request: PageRequest) -> Result<Item, AppError> {
    let here = app.stock_item(sku)?;
    let filter = StockFilter { sku: Some(here.sku.clone()) };
    let mut elsewhere = app.stock(filter, PageRequest::default())?.items;
    elsewhere.retain(|row| row.site != here.site);
    let ledger = app.stock_ledger(sku, request)?;
    Ok(Item { product: app.product(sku)?, here, elsewhere, ledger: ledger.items, next: ledger.next_cursor })
}

/// Books a receipt or a correction.
pub async fn act(
    State(web): State<Web>,
    Path((sku, verb)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Problem> {
    let mut errors = Errors::default();
    let sign = if verb == "receive" { Sign::Positive } else { Sign::NotZero };
    let text = |name: &str| form.get(name).map(str::to_owned);
    let entry = StockEntryRequest {
        sku: errors.name(At::Field("sku"), &sku),
        quantity: errors.quantity(At::Field("quantity"), form.get("quantity").unwrap_or_default(), sign),
        reference: errors.optional_name(At::Field("reference"), text("reference")),
        reason: errors.optional_text(At::Field("reason"), text("reason")),
    };
    if verb == "adjust" && entry.reason.is_none() {
        errors.add(At::Field("reason"), "it is missing", "Say why the book is corrected.");
    }
    let entry = errors.finish(entry)?;
    match verb.as_str() {
        "receive" => drop(web.app.receive_stock(form.request(), entry).await?),
        "adjust" => drop(web.app.adjust_stock(form.request(), entry).await?),
        _other => return Err(AppError::NotFound { what: "action", id: verb }.into()),
    }
    let back = super::query::path(&["stock", &sku]);
    Ok(Redirect::to(&format!("{back}?done=stock-{verb}")).into_response())
}
