//! Stock over HTTP: rows, receipts and adjustments.
//!
//! Invariants: a receipt adds, an adjustment changes and says why. Proved by
//! `a_receipt_is_positive_and_an_adjustment_has_a_reason`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::check::{At, Errors, Sign};
use super::error::{Problem, ProblemBody};
use super::extract::{Parameters, Posted, read};
use super::page::PageBody;
use crate::app::App;
use crate::app::model::{PageRequest, StockEntryRequest, StockFilter, StockView};

/// One item at one site; quantities are decimal texts.
#[derive(Debug, Serialize, ToSchema)]
pub struct StockBody {
    /// The site.
    site: String,
    /// The item.
    sku: String,
    /// The item's name.
    name: String,
    /// In the building by the book.
    on_hand: String,
    /// On hand and not sellable.
    unavailable: String,
    /// Promised to orders.
    reserved: String,
    /// Of the reserved: covered by rights.
    secured: String,
    /// Rights lent to other nodes.
    allotted: String,
    /// What may still be promised.
    available: String,
    /// Rights that nothing uses.
    free_rights: String,
    /// What this node may promise with rights: free rights that it keeps, and its loans.
    promise_now: String,
    /// Rights made.
    minted: String,
    /// Rights destroyed.
    burned: String,
    /// Rights used up.
    spent: String,
    /// RFC 3339.
    as_of: String,
}

/// Goods that came in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptBody {
    /// The item.
    sku: String,
    /// Decimal text, more than 0.
    #[schema(example = "10")]
    quantity: String,
    /// The delivery note's number.
    reference: Option<String>,
    /// Why.
    reason: Option<String>,
}

/// A correction of the book.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentBody {
    /// The item.
    sku: String,
    /// Decimal text with its sign, not 0.
    #[schema(example = "-3")]
    quantity: String,
    /// Why.
    reason: String,
}

/// Filter and page of the stock list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StockParameters {
    /// Only this item.
    sku: Option<String>,
    /// Items of the page, 1 to 500; 50 where it is left out.
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<StockView> for StockBody {
    fn from(stock: StockView) -> Self {
        Self {
            site: stock.site.to_string(),
            sku: stock.sku.to_string(),
            name: stock.name.to_string(),
            on_hand: stock.on_hand.to_string(),
            unavailable: stock.unavailable.to_string(),
            reserved: stock.reserved.to_string(),
            secured: stock.secured.to_string(),
            allotted: stock.allotted.to_string(),
            available: stock.available.to_string(),
            free_rights: stock.free_rights.to_string(),
            promise_now: stock.promise_now.to_string(),
            minted: stock.minted.to_string(),
            burned: stock.burned.to_string(),
            spent: stock.spent.to_string(),
            as_of: stock.as_of.rfc3339(),
        }
    }
}

impl ReceiptBody {
    fn check(self) -> Result<StockEntryRequest, Problem> {
        let mut errors = Errors::default();
        let entry = StockEntryRequest {
            sku: errors.name(At::Field("sku"), &self.sku),
            quantity: errors.quantity(At::Field("quantity"), &self.quantity, Sign::Positive),
            reference: errors.optional_name(At::Field("reference"), self.reference),
            reason: errors.optional_text(At::Field("reason"), self.reason),
        };
        errors.finish(entry)
    }
}

impl AdjustmentBody {
    fn check(self) -> Result<StockEntryRequest, Problem> {
        let mut errors = Errors::default();
        let entry = StockEntryRequest {
            sku: errors.name(At::Field("sku"), &self.sku),
            quantity: errors.quantity(At::Field("quantity"), &self.quantity, Sign::NotZero),
            reference: None,
            reason: Some(errors.name(At::Field("reason"), &self.reason)),
        };
        errors.finish(entry)
    }
}

impl StockParameters {
    fn check(self) -> Result<(StockFilter, PageRequest), Problem> {
        let mut errors = Errors::default();
        let filter = StockFilter { sku: errors.optional_name(At::Field("sku"), self.sku) };
        let page = errors.page(self.limit.as_deref(), self.cursor);
        errors.finish((filter, page))
    }
}

/// Lists the stock of this node's site.
#[utoipa::path(get, path = "/api/v1/stock", tag = "stock", params(StockParameters), responses(
    (status = 200, description = "Done.", body = PageBody<StockBody>),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_stock(
    State(app): State<App>,
    Parameters(parameters): Parameters<StockParameters>,
) -> Result<Json<PageBody<StockBody>>, Problem> {
    let (filter, page) = parameters.check()?;
    let page = read(move || app.stock(filter, page)).await?;
    Ok(Json(PageBody::of(page, StockBody::from)))
}

/// Shows the stock of one item.
#[utoipa::path(get, path = "/api/v1/stock/{sku}", tag = "stock", params(("sku" = String, Path)), responses(
    (status = 200, description = "Done.", body = StockBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn show_stock(State(app): State<App>, Path(sku): Path<String>) -> Result<Json<StockBody>, Problem> {
    let stock = read(move || app.stock_item(&sku)).await?;
    Ok(Json(stock.into()))
}

/// Receives goods.
#[utoipa::path(post, path = "/api/v1/stock/receipts", tag = "stock", request_body = ReceiptBody,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, description = "Created.", body = StockBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn receive_stock(
    State(app): State<App>,
    posted: Posted<ReceiptBody>,
) -> Result<(StatusCode, Json<StockBody>), Problem> {
    let entry = posted.body.check()?;
    let stock = app.receive_stock(posted.request, entry).await?;
    Ok((StatusCode::CREATED, Json(stock.into())))
}

/// Corrects the book.
#[utoipa::path(post, path = "/api/v1/stock/adjustments", tag = "stock", request_body = AdjustmentBody,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, description = "Created.", body = StockBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn adjust_stock(
    State(app): State<App>,
    posted: Posted<AdjustmentBody>,
) -> Result<(StatusCode, Json<StockBody>), Problem> {
    let entry = posted.body.check()?;
    let stock = app.adjust_stock(posted.request, entry).await?;
    Ok((StatusCode::CREATED, Json(stock.into())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::http::tests::world::sample_stock;

    #[test]
    fn a_receipt_is_positive_and_an_adjustment_has_a_reason() {
        let receipt = |quantity: &str| {
            ReceiptBody { sku: "85123A".into(), quantity: quantity.into(), reference: None, reason: None }.check()
        };
        let adjustment = |quantity: &str, reason: &str| {
            AdjustmentBody { sku: "85123A".into(), quantity: quantity.into(), reason: reason.into() }.check()
        };
        assert!(receipt("10").is_ok() && receipt("-10").is_err() && receipt("0").is_err());
        assert!(adjustment("-3", "broken").is_ok() && adjustment("3", "found").is_ok());
        assert!(adjustment("0", "broken").is_err() && adjustment("-3", "").is_err());
    }

    #[test]
    fn a_stock_row_is_written_as_the_contract_says() {
        assert_eq!(
            serde_json::to_value(StockBody::from(sample_stock())).unwrap(),
            json!({"site": "HQ", "sku": "85123A", "name": "HOLDER", "on_hand": "10", "unavailable": "0", "reserved": "4",
                "secured": "3", "allotted": "0", "available": "6", "free_rights": "7", "promise_now": "5", "minted": "10", "burned": "0",
                "spent": "-0.5", "as_of": "2010-12-01T08:26:00+00:00"})
        );
    }
}
