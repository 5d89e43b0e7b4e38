//! Orders: the list, the list as a file, one order and what is done to it.
//!
//! Invariant: the same address gives HTML, `.csv` and `.json` of the same orders. Proved by
//! `the_list_is_the_same_in_every_form`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use crdt_model::id::DocumentId;
use crdt_model::text::Text;
use maud::Markup;

use super::form::Form;
use super::layout::{Title, page};
use super::pages::orders::Orders;
use super::query::PageQuery;
use super::sheet::{Cell, csv, download};
use super::visit::Visit;
use super::{Web, pages};
use crate::app::App;
use crate::app::error::AppError;
use crate::app::model::{CancelRequest, EntryKind, OrderView, Page, ShipRequest};
use crate::app::timeline::Seen;
use crate::http::error::Problem;
use crate::http::extract::read;
use crate::http::orders::{OrderBody, OrderParameters};
use crate::http::page::PageBody;

/// Filters that stand as chips above the list.
const CHIPS: [&str; 4] = ["from", "to", "channel", "external"];
/// Rows of the list as a file, unless the address says another number.
const SHEET_ROWS: &str = "500";

/// The list.
pub async fn list(State(app): State<App>, visit: Visit, query: PageQuery) -> Result<Markup, Problem> {
    let (filter, request) = query.typed::<OrderParameters>()?.check()?;
    let status = filter.status;
    let (found, unseen) = read(move || {
        let found = app.orders(filter, request)?;
        let unseen = unseen(&app, &found.items)?;
        Ok((found, unseen))
    })
    .await?;
    let query = query.without("cursor");
    let next = query.next("/orders", found.next_cursor.as_deref());
    let orders = Orders { page: found, unseen, status, filters: query.chosen(&CHIPS), query, next };
    Ok(page(&visit, Title::Key("nav-orders"), &pages::orders::page(&visit, &orders)))
}

/// Orders that this site takes part in and head office has not seen; history was never meant for its eyes first.
fn unseen(app: &App, orders: &[OrderView]) -> Result<BTreeSet<DocumentId>, AppError> {
    let running: Vec<_> = orders.iter().filter(|order| order.entry == EntryKind::New).collect();
    let seen = app.seen_by_office(&running.iter().map(|order| (order.scope.clone(), order.id)).collect::<Vec<_>>())?;
    Ok(running.iter().zip(seen).filter(|(_, seen)| *seen == Seen::No).map(|(order, _)| order.id).collect())
}

/// The same as a sheet.
pub async fn list_as_csv(State(app): State<App>, query: PageQuery) -> Result<Response, Problem> {
    let found = listed(app, &query).await?;
    let header = [
        "number",
        "ordered_at",
        "site",
        "channel",
        "external_number",
        "customer",
        "status",
        "total",
        "paid",
        "currency",
    ];
    Ok(download("orders.csv", csv(&header, found.items.iter().map(cells))?))
}

/// The same as the API gives it.
pub async fn list_as_json(State(app): State<App>, query: PageQuery) -> Result<Json<PageBody<OrderBody>>, Problem> {
    Ok(Json(PageBody::of(listed(app, &query).await?, OrderBody::from)))
}

async fn listed(app: App, query: &PageQuery) -> Result<Page<OrderView>, Problem> {
    let query = if query.get("limit").is_some() { query.clone() } else { query.plus("limit", SHEET_ROWS) };
    let (filter, request) = query.typed::<OrderParameters>()?.check()?;
    read(move || app.orders(filter, request)).await
}

fn cells(order: &OrderView) -> Vec<Cell> {
    let own = |text: String| Cell::Own(text);
    let customer = order.customer.as_ref().and_then(|customer| customer.name.as_ref());
    vec![
        own(order.number.clone()),
        own(order.ordered_at.rfc3339()),
        own(order.site.to_string()),
        Cell::maybe(order.channel.as_ref()),
        Cell::maybe(order.external_number.as_ref()),
        Cell::maybe(customer),
        own(order.status.word().to_owned()),
        own(order.currency.format(order.total.0)),
        own(order.currency.format(order.paid.0)),
        own(order.currency.code().to_owned()),
    ]
}

/// One order.
pub async fn show(State(app): State<App>, visit: Visit, Path(id): Path<String>) -> Result<Markup, Problem> {
    let (order, steps) = read(move || Ok((app.order(&id)?, app.order_timeline(&id)?))).await?;
    Ok(page(&visit, Title::Name(&order.number), &pages::order::page(&visit, &order, &steps)))
}

/// The receipt of an order.
pub async fn receipt(State(app): State<App>, visit: Visit, Path(id): Path<String>) -> Result<Markup, Problem> {
    let order = read(move || app.order(&id)).await?;
    Ok(page(&visit, Title::Name(&order.number), &pages::receipt::page(&visit, &order)))
}

/// Confirms, ships or cancels an order.
pub async fn act(
    State(web): State<Web>,
    Path((id, verb)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Problem> {
    let request = form.request();
    let order = match verb.as_str() {
        "confirm" => web.app.confirm_order(request, &id).await?,
        "ship" => web.app.ship_order(request, &id, ShipRequest::default()).await?,
        "cancel" => {
            let reason = form.get("reason").map(Text::new).transpose();
            let too_long = |_| AppError::field("/reason", "the reason is too long", "Shorten it.");
            web.app.cancel_order(request, &id, CancelRequest { lines: None, reason: reason.map_err(too_long)? }).await?
        }
        _other => return Err(AppError::NotFound { what: "action", id: verb }.into()),
    };
    Ok(Redirect::to(&format!("/orders/{}?done=order-{verb}", order.number)).into_response())
}
