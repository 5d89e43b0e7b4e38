//! Customers over HTTP.
//!
//! Invariant: details that cannot be read are null and `details` says why. Proved by
//! `an_erased_customer_has_no_details`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check::{At, Errors};
use super::error::{Problem, ProblemBody};
use super::extract::{Parameters, Posted, read};
use super::page::{PageBody, PageParameters};
use crate::app::App;
use crate::app::model::{CustomerView, NewCustomer};

/// A customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerBody {
    /// 32 hexadecimal digits.
    id: String,
    /// The number in the channel.
    external_number: Option<String>,
    /// The channel of that number.
    channel: Option<String>,
    /// The name.
    name: Option<String>,
    /// The phone number.
    phone: Option<String>,
    /// The e-mail address.
    email: Option<String>,
    /// The postal address.
    address: Option<String>,
    /// `open`, `pending` or `erased`.
    details: &'static str,
}

/// A customer to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCustomerBody {
    /// The name.
    name: String,
    /// The phone number.
    phone: Option<String>,
    /// The e-mail address.
    email: Option<String>,
    /// The postal address.
    address: Option<String>,
}

impl From<CustomerView> for CustomerBody {
    fn from(customer: CustomerView) -> Self {
        Self {
            id: customer.id.to_string(),
            external_number: customer.external_number.map(|number| number.to_string()),
            channel: customer.channel.map(|channel| channel.to_string()),
            name: customer.name.map(|name| name.to_string()),
            phone: customer.phone.map(|phone| phone.to_string()),
            email: customer.email.map(|email| email.to_string()),
            address: customer.address.map(|address| address.to_string()),
            details: customer.details.word(),
        }
    }
}

impl NewCustomerBody {
    fn check(self) -> Result<NewCustomer, Problem> {
        let mut errors = Errors::default();
        let customer = NewCustomer {
            name: errors.name(At::Field("name"), &self.name),
            phone: errors.optional_text(At::Field("phone"), self.phone),
            email: errors.optional_text(At::Field("email"), self.email),
            address: errors.optional_text(At::Field("address"), self.address),
        };
        errors.finish(customer)
    }
}

/// Lists the customers.
#[utoipa::path(get, path = "/api/v1/customers", tag = "customers", params(PageParameters), responses(
    (status = 200, description = "Done.", body = PageBody<CustomerBody>),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_customers(
    State(app): State<App>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<Json<PageBody<CustomerBody>>, Problem> {
    let mut errors = Errors::default();
    let page = errors.page(parameters.limit.as_deref(), parameters.cursor);
    let page = errors.finish(page)?;
    let page = read(move || app.customers(page)).await?;
    Ok(Json(PageBody::of(page, CustomerBody::from)))
}

/// Creates a customer.
#[utoipa::path(post, path = "/api/v1/customers", tag = "customers", request_body = NewCustomerBody,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, description = "Created.", body = CustomerBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn create_customer(
    State(app): State<App>,
    posted: Posted<NewCustomerBody>,
) -> Result<(StatusCode, Json<CustomerBody>), Problem> {
    let customer = posted.body.check()?;
    let customer = app.create_customer(posted.request, customer).await?;
    Ok((StatusCode::CREATED, Json(customer.into())))
}

/// Shows a customer.
#[utoipa::path(get, path = "/api/v1/customers/{id}", tag = "customers", params(("id" = String, Path)), responses(
    (status = 200, description = "Done.", body = CustomerBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn show_customer(State(app): State<App>, Path(id): Path<String>) -> Result<Json<CustomerBody>, Problem> {
    let customer = read(move || app.customer(&id)).await?;
    Ok(Json(customer.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crdt_model::id::DocumentId;
    use crdt_model::text::Text;
    use serde_json::json;

    use super::*;
    use crate::app::model::DetailsState;

    #[test]
    fn an_erased_customer_has_no_details() {
        let customer = CustomerView {
            id: DocumentId([9; 16]),
            external_number: Text::new("17850").ok(),
            channel: Text::new("web").ok(),
            name: None,
            phone: None,
            email: None,
            address: None,
            details: DetailsState::Erased,
        };
        assert_eq!(
            serde_json::to_value(CustomerBody::from(customer)).unwrap(),
            json!({"id": "09".repeat(16), "external_number": "17850", "channel": "web", "name": null, "phone": null,
                "email": null, "address": null, "details": "erased"})
        );
    }

    #[test]
    fn a_customer_needs_a_name() {
        let body = NewCustomerBody { name: String::new(), phone: Some("1".into()), email: None, address: None };
        assert_eq!(body.check().unwrap_err().into_body(None).errors[0].pointer, "/name");
    }
}
