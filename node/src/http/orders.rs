//! Orders over HTTP: thin handlers.
//!
//! The wire structs and their checks are in `orders/input.rs` and `orders/output.rs`.
//!
//! Invariant: a handler reads, calls the application once and answers. Proved by `an_order_is_created_and_read_again`
//! in `router.rs`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::error::{Problem, ProblemBody};
use super::extract::{ORDER_BODY_BYTES_MAX, Parameters, Posted, read};
use super::page::PageBody;
use crate::app::App;

mod input;
mod output;

pub use input::OrderParameters;
pub use input::{CancelBody, LineQuantityBody, check_lines};
use input::{ConfirmBody, NewOrderBody, SendBody, ShipBody};
pub use output::{OrderBody, OrderContactBody};

/// Lists orders, newest first, without their lines.
#[utoipa::path(get, path = "/api/v1/orders", tag = "orders", params(OrderParameters), responses(
    (status = 200, description = "Done.", body = PageBody<OrderBody>),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_orders(
    State(app): State<App>,
    Parameters(parameters): Parameters<OrderParameters>,
) -> Result<Json<PageBody<OrderBody>>, Problem> {
    let (filter, page) = parameters.check()?;
    let page = read(move || app.orders(filter, page)).await?;
    Ok(Json(PageBody::of(page, OrderBody::from)))
}

/// Takes an order.
#[utoipa::path(post, path = "/api/v1/orders", tag = "orders", request_body = NewOrderBody,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, description = "Created.", body = OrderBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn create_order(
    State(app): State<App>,
    posted: Posted<NewOrderBody, ORDER_BODY_BYTES_MAX>,
) -> Result<(StatusCode, Json<OrderBody>), Problem> {
    let order = posted.body.check()?;
    let order = app.create_order(posted.request, order).await?;
    Ok((StatusCode::CREATED, Json(order.into())))
}

/// Shows an order by id or number.
#[utoipa::path(get, path = "/api/v1/orders/{id}", tag = "orders",
    params(("id" = String, Path, description = "Id or number")), responses(
    (status = 200, description = "Done.", body = OrderBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn show_order(State(app): State<App>, Path(id): Path<String>) -> Result<Json<OrderBody>, Problem> {
    let order = read(move || app.order(&id)).await?;
    Ok(Json(order.into()))
}

/// Confirms an order: promises its goods.
#[utoipa::path(post, path = "/api/v1/orders/{id}/confirm", tag = "orders", request_body = ConfirmBody,
    params(("id" = String, Path, description = "Id or number"), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 200, description = "Done.", body = OrderBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn confirm_order(
    State(app): State<App>,
    Path(id): Path<String>,
    posted: Posted<ConfirmBody>,
) -> Result<Json<OrderBody>, Problem> {
    let order = app.confirm_order(posted.request, &id).await?;
    Ok(Json(order.into()))
}

/// Ships lines of an order, or all that is left.
#[utoipa::path(post, path = "/api/v1/orders/{id}/ship", tag = "orders", request_body = ShipBody,
    params(("id" = String, Path, description = "Id or number"), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 200, description = "Done.", body = OrderBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn ship_order(
    State(app): State<App>,
    Path(id): Path<String>,
    posted: Posted<ShipBody>,
) -> Result<Json<OrderBody>, Problem> {
    let ship = posted.body.check()?;
    let order = app.ship_order(posted.request, &id, ship).await?;
    Ok(Json(order.into()))
}

/// Lets another site ship lines of an order, or all that is still to leave from here.
#[utoipa::path(post, path = "/api/v1/orders/{id}/send", tag = "orders", request_body = SendBody,
    params(("id" = String, Path, description = "Id or number"), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 200, description = "Done.", body = OrderBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn send_order(
    State(app): State<App>,
    Path(id): Path<String>,
    posted: Posted<SendBody>,
) -> Result<Json<OrderBody>, Problem> {
    let send = posted.body.check()?;
    let order = app.send_order(posted.request, &id, send).await?;
    Ok(Json(order.into()))
}

/// Cancels lines of an order, or all that is not shipped, at other sites too.
#[utoipa::path(post, path = "/api/v1/orders/{id}/cancel", tag = "orders", request_body = CancelBody,
    params(("id" = String, Path, description = "Id or number"), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 200, description = "Done.", body = OrderBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn cancel_order(
    State(app): State<App>,
    Path(id): Path<String>,
    posted: Posted<CancelBody>,
) -> Result<Json<OrderBody>, Problem> {
    let cancel = posted.body.check()?;
    let order = app.cancel_order(posted.request, &id, cancel).await?;
    Ok(Json(order.into()))
}
