//! Products over HTTP.
//!
//! Invariant: a SKU is the exact text, case kept. Proved by `a_sku_keeps_its_case`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::check::{At, Errors};
use super::error::{Problem, ProblemBody};
use super::extract::{Parameters, Posted, read};
use super::page::PageBody;
use crate::app::App;
use crate::app::model::{NewProduct, PageRequest, ProductFilter, ProductView};

/// A product.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductBody {
    /// 32 hexadecimal digits.
    id: String,
    /// The SKU.
    sku: String,
    /// The name.
    name: String,
    /// The base unit.
    unit: Option<String>,
    /// The barcode.
    barcode: Option<String>,
    /// The list price of one base unit, decimal text in the organisation's currency.
    price: Option<String>,
    /// Whether head office has not adopted it yet.
    provisional: bool,
    /// Where it lives.
    scope: String,
    /// The SKU of the catalogue of which it is another name.
    alias_of: Option<String>,
}

/// A product to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProductBody {
    /// The exact SKU text.
    sku: String,
    /// The name.
    name: String,
    /// The base unit.
    unit: Option<String>,
    /// The barcode as text.
    barcode: Option<String>,
    /// The list price of one base unit in the organisation's currency: decimal text, 0 or more, at most 6 digits after the point.
    #[schema(example = "2.55")]
    price: Option<String>,
}

/// Filter and page of the product list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProductParameters {
    /// Part of SKU, name or barcode.
    q: Option<String>,
    /// Items of the page, 1 to 500; 50 where it is left out.
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<ProductView> for ProductBody {
    fn from(product: ProductView) -> Self {
        Self {
            id: product.id.to_string(),
            sku: product.sku.to_string(),
            name: product.name.to_string(),
            unit: product.unit.map(|unit| unit.to_string()),
            barcode: product.barcode.map(|barcode| barcode.to_string()),
            price: product.price.map(|price| price.to_string()),
            provisional: product.provisional,
            scope: product.scope.to_string(),
            alias_of: product.alias_of.map(|sku| sku.to_string()),
        }
    }
}

impl NewProductBody {
    fn check(self) -> Result<NewProduct, Problem> {
        let mut errors = Errors::default();
        let product = NewProduct {
            sku: errors.name(At::Field("sku"), &self.sku),
            name: errors.name(At::Field("name"), &self.name),
            unit: errors.optional_name(At::Field("unit"), self.unit),
            barcode: errors.optional_name(At::Field("barcode"), self.barcode),
            price: self.price.map(|price| errors.price(At::Field("price"), &price)),
        };
        errors.finish(product)
    }
}

impl ProductParameters {
    fn check(self) -> Result<(ProductFilter, PageRequest), Problem> {
        let mut errors = Errors::default();
        let filter = ProductFilter { query: errors.optional_text(At::Field("q"), self.q) };
        let page = errors.page(self.limit.as_deref(), self.cursor);
        errors.finish((filter, page))
    }
}

/// Lists the products.
#[utoipa::path(get, path = "/api/v1/products", tag = "products", params(ProductParameters), responses(
    (status = 200, description = "Done.", body = PageBody<ProductBody>),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_products(
    State(app): State<App>,
    Parameters(parameters): Parameters<ProductParameters>,
) -> Result<Json<PageBody<ProductBody>>, Problem> {
    let (filter, page) = parameters.check()?;
    let page = read(move || app.products(filter, page)).await?;
    Ok(Json(PageBody::of(page, ProductBody::from)))
}

/// Creates a product.
#[utoipa::path(post, path = "/api/v1/products", tag = "products", request_body = NewProductBody,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, description = "Created.", body = ProductBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn create_product(
    State(app): State<App>,
    posted: Posted<NewProductBody>,
) -> Result<(StatusCode, Json<ProductBody>), Problem> {
    let product = posted.body.check()?;
    let product = app.create_product(posted.request, product).await?;
    Ok((StatusCode::CREATED, Json(product.into())))
}

/// Shows a product.
#[utoipa::path(get, path = "/api/v1/products/{sku}", tag = "products", params(("sku" = String, Path)), responses(
    (status = 200, description = "Done.", body = ProductBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn show_product(State(app): State<App>, Path(sku): Path<String>) -> Result<Json<ProductBody>, Problem> {
    let product = read(move || app.product(&sku)).await?;
    Ok(Json(product.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn product(sku: &str, name: &str) -> Result<NewProduct, Problem> {
        let (barcode, price) = (Some("00012".into()), Some("2.50".into()));
        NewProductBody { sku: sku.into(), name: name.into(), unit: None, barcode, price }.check()
    }

    #[test]
    fn a_sku_keeps_its_case() {
        let made = product("85123a", "HOLDER").unwrap();
        assert_eq!((made.sku.as_str(), made.barcode.unwrap().as_str()), ("85123a", "00012"));
        assert_eq!(made.price.unwrap().to_string(), "2.5");
    }

    #[test]
    fn a_product_needs_sku_and_name() {
        let errors = product("", " ").unwrap_err().into_body(None).errors;
        assert_eq!(errors.iter().map(|error| error.pointer.as_str()).collect::<Vec<_>>(), ["/sku", "/name"]);
    }
}
