//! Fulfilments over HTTP: what one site ships for another.
//!
//! Invariant: quantities are decimal texts, and every wrong field is named. Proved by `a_filter_names_sites_and_states` and
//! `an_example_of_every_route_is_pinned` in `tests/http_api.rs`.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::cases::CaseBody;
use super::check::{At, Errors};
use super::error::{Problem, ProblemBody};
use super::extract::{Parameters, Posted, read};
use super::orders::{CancelBody, LineQuantityBody, OrderContactBody, check_lines};
use super::page::PageBody;
use crate::app::App;
use crate::app::model::{
    FulfilmentFilter, FulfilmentLineView, FulfilmentShipRequest, FulfilmentStatus, FulfilmentView, PageRequest,
};

/// Lines of an order that another site ships.
#[derive(Debug, Serialize, ToSchema)]
pub struct FulfilmentBody {
    /// 32 hexadecimal digits.
    id: String,
    /// The lane in which it lies.
    scope: String,
    /// The order's id.
    order: String,
    /// The order's human number.
    order_number: String,
    /// The site that took the order.
    taker: String,
    /// The site that ships.
    shipper: String,
    /// RFC 3339 with the site's offset.
    sent_at: String,
    /// `planned`, `allocated`, `partly_shipped`, `shipped`, `cancelled` or `cancelled_after_dispatch`.
    status: &'static str,
    /// `all`, `part`, `none` or `not_needed`.
    secured: &'static str,
    /// How it shall travel.
    service: Option<String>,
    /// Who gets it.
    contact: Option<OrderContactBody>,
    /// Free text.
    note: Option<String>,
    /// Waybills and other papers of what left.
    references: Vec<String>,
    /// How many lines.
    line_count: u32,
    /// Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<FulfilmentLineBody>>,
    /// Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<Vec<CaseBody>>,
}

/// A line of a fulfilment; quantities are decimal texts.
#[derive(Debug, Serialize, ToSchema)]
pub struct FulfilmentLineBody {
    /// The number of the order's line.
    line: u32,
    /// The item.
    sku: String,
    /// The item's name.
    name: Option<String>,
    /// Sent to the shipper.
    quantity: String,
    /// Called off.
    cancelled: String,
    /// Covered by the shipper's rights.
    secured: String,
    /// Left the shipper.
    shipped: String,
    /// Still to leave.
    open: String,
}

/// What leaves.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfilmentShipBody {
    /// All that is left where it is left out.
    lines: Option<Vec<LineQuantityBody>>,
    /// A waybill or other paper.
    reference: Option<String>,
}

/// Filter and page of the list of fulfilments.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FulfilmentParameters {
    /// Shipped by this site.
    site: Option<String>,
    /// `planned`, `allocated`, `partly_shipped`, `shipped`, `cancelled` or `cancelled_after_dispatch`.
    status: Option<String>,
    /// Items of the page, 1 to 500; 50 where it is left out.
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<FulfilmentView> for FulfilmentBody {
    fn from(view: FulfilmentView) -> Self {
        Self {
            id: view.id.to_string(),
            scope: view.scope.to_string(),
            order: view.order.to_string(),
            order_number: view.order_number,
            taker: view.taker.to_string(),
            shipper: view.shipper.to_string(),
            sent_at: view.sent_at.rfc3339(),
            status: view.status.word(),
            secured: view.secured.word(),
            service: view.service.map(|service| service.to_string()),
            contact: view.contact.map(OrderContactBody::from),
            note: view.note.map(|note| note.to_string()),
            references: view.references.iter().map(ToString::to_string).collect(),
            line_count: view.line_count,
            lines: view.lines.map(|lines| lines.into_iter().map(FulfilmentLineBody::from).collect()),
            cases: view.cases.map(|cases| cases.into_iter().map(CaseBody::from).collect()),
        }
    }
}

impl From<FulfilmentLineView> for FulfilmentLineBody {
    fn from(line: FulfilmentLineView) -> Self {
        Self {
            line: line.line,
            sku: line.sku.to_string(),
            name: line.name.map(|name| name.to_string()),
            quantity: line.quantity.to_string(),
            cancelled: line.cancelled.to_string(),
            secured: line.secured.to_string(),
            shipped: line.shipped.to_string(),
            open: line.open.to_string(),
        }
    }
}

impl FulfilmentShipBody {
    fn check(self) -> Result<FulfilmentShipRequest, Problem> {
        let mut errors = Errors::default();
        let lines = self.lines.map(|lines| check_lines(&mut errors, &lines));
        let reference = errors.optional_name(At::Field("reference"), self.reference);
        errors.finish(FulfilmentShipRequest { lines, reference })
    }
}

impl FulfilmentParameters {
    fn check(self) -> Result<(FulfilmentFilter, PageRequest), Problem> {
        let mut errors = Errors::default();
        let words = FulfilmentStatus::WORDS;
        let status = self.status.as_deref();
        let filter = FulfilmentFilter {
            site: self.site.and_then(|site| errors.site(At::Field("site"), &site)),
            status: status.and_then(|word| errors.word(At::Field("status"), word, FulfilmentStatus::from_word, words)),
        };
        let page = errors.page(self.limit.as_deref(), self.cursor);
        errors.finish((filter, page))
    }
}

/// Lists what sites ship for each other, oldest first, without the lines.
#[utoipa::path(get, path = "/api/v1/fulfilments", tag = "fulfilments", params(FulfilmentParameters), responses(
    (status = 200, description = "Done.", body = PageBody<FulfilmentBody>),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_fulfilments(
    State(app): State<App>,
    Parameters(parameters): Parameters<FulfilmentParameters>,
) -> Result<Json<PageBody<FulfilmentBody>>, Problem> {
    let (filter, page) = parameters.check()?;
    let page = read(move || app.fulfilments(filter, page)).await?;
    Ok(Json(PageBody::of(page, FulfilmentBody::from)))
}

/// Shows a fulfilment by id, or by the number of its order.
#[utoipa::path(get, path = "/api/v1/fulfilments/{id}", tag = "fulfilments",
    params(("id" = String, Path, description = "Id, or number of the order")), responses(
    (status = 200, description = "Done.", body = FulfilmentBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn show_fulfilment(State(app): State<App>, Path(id): Path<String>) -> Result<Json<FulfilmentBody>, Problem> {
    let fulfilment = read(move || app.fulfilment(&id)).await?;
    Ok(Json(fulfilment.into()))
}

/// Ships lines of a fulfilment from this site, or all that is left.
#[utoipa::path(post, path = "/api/v1/fulfilments/{id}/ship", tag = "fulfilments", request_body = FulfilmentShipBody,
    params(("id" = String, Path, description = "Id, or number of the order"), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 200, description = "Done.", body = FulfilmentBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn ship_fulfilment(
    State(app): State<App>,
    Path(id): Path<String>,
    posted: Posted<FulfilmentShipBody>,
) -> Result<Json<FulfilmentBody>, Problem> {
    let ship = posted.body.check()?;
    let fulfilment = app.ship_fulfilment(posted.request, &id, ship).await?;
    Ok(Json(fulfilment.into()))
}

/// Gives lines of a fulfilment back to the site that took the order, or all that has not left.
#[utoipa::path(post, path = "/api/v1/fulfilments/{id}/cancel", tag = "fulfilments", request_body = CancelBody,
    params(("id" = String, Path, description = "Id, or number of the order"), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 200, description = "Done.", body = FulfilmentBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn cancel_fulfilment(
    State(app): State<App>,
    Path(id): Path<String>,
    posted: Posted<CancelBody>,
) -> Result<Json<FulfilmentBody>, Problem> {
    let cancel = posted.body.check()?;
    let fulfilment = app.cancel_fulfilment(posted.request, &id, cancel).await?;
    Ok(Json(fulfilment.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_sites_and_states() {
        let check = |site: Option<&str>, status: Option<&str>| {
            let (site, status) = (site.map(str::to_owned), status.map(str::to_owned));
            FulfilmentParameters { site, status, ..FulfilmentParameters::default() }.check().is_ok()
        };
        assert!(check(None, None) && check(Some("WH01"), Some("allocated")));
        assert!(!check(Some("wh01"), None) && !check(None, Some("lost")));
    }

    #[test]
    fn a_shipment_names_lines_and_a_paper() {
        let check =
            |body: &str| serde_json::from_str::<FulfilmentShipBody>(body).is_ok_and(|body| body.check().is_ok());
        assert!(check("{}") && check(r#"{"lines":[{"line":1,"quantity":"2"}],"reference":"SF-1"}"#));
        assert!(!check(r#"{"lines":[]}"#) && !check(r#"{"reference":" "}"#) && !check(r#"{"line":1}"#));
    }
}
