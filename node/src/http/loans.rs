//! Loans of stock rights over HTTP.
//!
//! Invariant: a loan is more than nothing. Proved by `a_loan_names_item_quantity_and_holder`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use crdt_model::journal::loan::LoanOrigin;
use crdt_model::quantity::Quantity;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::check::{At, Errors, Sign};
use super::error::{Problem, ProblemBody};
use super::extract::{Parameters, Posted, read};
use super::page::PageBody;
use crate::app::App;
use crate::app::model::{LoanFilter, LoanRequest, LoanView, PageRequest};

/// Hexadecimal digits of an author's short name.
const SHORT_NAME_DIGITS: usize = 10;

/// Rights that the keeper lent; quantities are decimal texts.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoanBody {
    /// 32 hexadecimal digits.
    id: String,
    /// The site.
    site: String,
    /// The item.
    sku: String,
    /// The node that may promise it.
    holder: String,
    /// `by_hand` or `refill`.
    origin: String,
    /// Rights lent.
    quantity: String,
    /// Given back.
    returned: String,
    /// Promised by the holder and not yet gone.
    secured: String,
    /// Gone with goods.
    spent: String,
    /// What the holder may still promise.
    balance: String,
}

/// Rights to lend.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLoanBody {
    /// The item.
    sku: String,
    /// Decimal text, more than 0.
    #[schema(example = "5")]
    quantity: String,
    /// Another node of this site: its short name or the letter in its order numbers.
    holder: String,
}

/// Rights to give back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnBody {
    /// Decimal text, more than 0; all that is left where it is left out.
    quantity: Option<String>,
}

/// Filter and page of the list of loans.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LoanParameters {
    /// Only this item.
    sku: Option<String>,
    /// `true` for used-up loans as well.
    closed: Option<String>,
    /// Items of the page, 1 to 500; 50 where it is left out.
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<LoanView> for LoanBody {
    fn from(loan: LoanView) -> Self {
        let origin = match loan.origin {
            LoanOrigin::ByHand => "by_hand",
            LoanOrigin::Refill => "refill",
        };
        Self {
            id: loan.id.to_string(),
            site: loan.site.to_string(),
            sku: loan.sku.to_string(),
            holder: loan.holder.to_string()[..SHORT_NAME_DIGITS].to_owned(),
            origin: origin.to_owned(),
            quantity: loan.quantity.to_string(),
            returned: loan.returned.to_string(),
            secured: loan.secured.to_string(),
            spent: loan.spent.to_string(),
            balance: loan.balance.to_string(),
        }
    }
}

impl NewLoanBody {
    fn check(self) -> Result<LoanRequest, Problem> {
        let mut errors = Errors::default();
        let loan = LoanRequest {
            sku: errors.name(At::Field("sku"), &self.sku),
            quantity: errors.quantity(At::Field("quantity"), &self.quantity, Sign::Positive),
            holder: errors.name(At::Field("holder"), &self.holder),
        };
        errors.finish(loan)
    }
}

impl ReturnBody {
    fn check(self) -> Result<Option<Quantity>, Problem> {
        let mut errors = Errors::default();
        let quantity = self.quantity.map(|raw| errors.quantity(At::Field("quantity"), &raw, Sign::Positive));
        errors.finish(quantity)
    }
}

impl LoanParameters {
    fn check(self) -> Result<(LoanFilter, PageRequest), Problem> {
        let mut errors = Errors::default();
        let filter = LoanFilter {
            sku: errors.optional_name(At::Field("sku"), self.sku),
            closed: errors.switch(At::Field("closed"), self.closed.as_deref()),
        };
        let page = errors.page(self.limit.as_deref(), self.cursor);
        errors.finish((filter, page))
    }
}

/// Lists the loans of the sites that are held.
#[utoipa::path(get, path = "/api/v1/stock/loans", tag = "stock", params(LoanParameters), responses(
    (status = 200, description = "Done.", body = PageBody<LoanBody>),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_loans(
    State(app): State<App>,
    Parameters(parameters): Parameters<LoanParameters>,
) -> Result<Json<PageBody<LoanBody>>, Problem> {
    let (filter, page) = parameters.check()?;
    let page = read(move || app.loans(filter, page)).await?;
    Ok(Json(PageBody::of(page, LoanBody::from)))
}

/// Lends rights to another node of this site.
#[utoipa::path(post, path = "/api/v1/stock/loans", tag = "stock", request_body = NewLoanBody,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, description = "Created.", body = LoanBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn lend_stock(
    State(app): State<App>,
    posted: Posted<NewLoanBody>,
) -> Result<(StatusCode, Json<LoanBody>), Problem> {
    let loan = posted.body.check()?;
    let loan = app.lend_stock(posted.request, loan).await?;
    Ok((StatusCode::CREATED, Json(loan.into())))
}

/// Gives rights of a loan back to the keeper.
#[utoipa::path(post, path = "/api/v1/stock/loans/{id}/return", tag = "stock", request_body = ReturnBody,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 200, description = "Done.", body = LoanBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn return_loan(
    State(app): State<App>,
    Path(id): Path<String>,
    posted: Posted<ReturnBody>,
) -> Result<Json<LoanBody>, Problem> {
    let quantity = posted.body.check()?;
    let loan = app.return_loan(posted.request, &id, quantity).await?;
    Ok(Json(loan.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loan_names_item_quantity_and_holder() {
        let loan = |sku: &str, quantity: &str, holder: &str| {
            NewLoanBody { sku: sku.into(), quantity: quantity.into(), holder: holder.into() }.check().is_ok()
        };
        assert!(loan("A", "0.001", "B"));
        assert!(!loan("A", "0", "B") && !loan("", "1", "B") && !loan("A", "1", " "));
        let returned = |quantity: Option<&str>| ReturnBody { quantity: quantity.map(str::to_owned) }.check().is_ok();
        assert!(returned(None) && returned(Some("1")) && !returned(Some("-1")));
    }
}
