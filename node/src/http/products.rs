//! Products over HTTP.
//!
//! Invariant: a SKU is the exact text, case kept. Proved by `a_sku_keeps_its_case`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use crdt_model::product::barcode::Barcode;
use crdt_model::product::state::BARCODES_MAX;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::check::{At, Errors};
use super::error::{Problem, ProblemBody};
use super::extract::{Parameters, Posted, read};
use super::page::PageBody;
use crate::app::App;
use crate::app::model::{NewProduct, PageRequest, ProductChanges, ProductFilter, ProductView};

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
    /// The first of its bar codes.
    barcode: Option<String>,
    /// All of its bar codes, leading zeros kept.
    barcodes: Vec<String>,
    /// The list price of one base unit as decimal text, in the organisation's currency.
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
    /// A bar code as text: GTIN-8, -12, -13 or -14.
    barcode: Option<String>,
    /// Further bar codes.
    #[serde(default)]
    barcodes: Vec<String>,
    /// The list price of one base unit as decimal text, in the organisation's currency.
    #[schema(example = "2.55")]
    price: Option<String>,
}

/// What to add to a product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductChangesBody {
    /// Bar codes that it carries as well.
    #[serde(default)]
    barcodes: Vec<String>,
    /// The list price from now on; left out it stays.
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
            barcode: product.barcodes.first().map(ToString::to_string),
            barcodes: product.barcodes.iter().map(ToString::to_string).collect(),
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
        let first = self.barcode.as_deref().and_then(|code| errors.barcode(At::Field("barcode"), code));
        let barcodes = first.into_iter().chain(check_barcodes(&mut errors, &self.barcodes)).collect();
        let product = NewProduct {
            sku: errors.name(At::Field("sku"), &self.sku),
            name: errors.name(At::Field("name"), &self.name),
            unit: errors.optional_name(At::Field("unit"), self.unit),
            barcodes,
            price: self.price.map(|price| errors.price(At::Field("price"), &price)),
        };
        errors.finish(product)
    }
}

impl ProductChangesBody {
    fn check(self) -> Result<ProductChanges, Problem> {
        let mut errors = Errors::default();
        if self.barcodes.is_empty() && self.price.is_none() {
            errors.add(At::Field("barcodes"), "there is nothing to change", "Give `barcodes` or `price`.");
        }
        let barcodes = check_barcodes(&mut errors, &self.barcodes);
        let price = self.price.map(|price| errors.price(At::Field("price"), &price));
        errors.finish(ProductChanges { barcodes, price })
    }
}

fn check_barcodes(errors: &mut Errors, raw: &[String]) -> Vec<Barcode> {
    if raw.len() > BARCODES_MAX {
        let remedy = format!("Give at most {BARCODES_MAX}.");
        errors.add(At::Field("barcodes"), format!("there are {} bar codes", raw.len()), remedy);
    }
    let codes = raw.iter().take(BARCODES_MAX);
    codes.filter_map(|code| errors.barcode(At::Field("barcodes"), code)).collect()
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

/// Shows the product of a code: its SKU, or a bar code with or without leading zeros.
#[utoipa::path(get, path = "/api/v1/products/by-code/{code}", tag = "products", params(("code" = String, Path)), responses(
    (status = 200, description = "Done.", body = ProductBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn find_product(State(app): State<App>, Path(code): Path<String>) -> Result<Json<ProductBody>, Problem> {
    let product = read(move || app.product_by_code(&code)).await?;
    Ok(Json(product.into()))
}

/// Adds bar codes to a product, or sets its list price.
#[utoipa::path(post, path = "/api/v1/products/{sku}/edit", tag = "products", request_body = ProductChangesBody,
    params(("sku" = String, Path), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 200, description = "Done.", body = ProductBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn edit_product(
    State(app): State<App>,
    Path(sku): Path<String>,
    posted: Posted<ProductChangesBody>,
) -> Result<Json<ProductBody>, Problem> {
    let changes = posted.body.check()?;
    let product = app.edit_product(posted.request, &sku, changes).await?;
    Ok(Json(product.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn product(sku: &str, name: &str) -> Result<NewProduct, Problem> {
        let barcode = Some("0012345678905".into());
        let (barcodes, price) = (vec!["96385074".into()], Some("2.50".into()));
        NewProductBody { sku: sku.into(), name: name.into(), unit: None, barcode, barcodes, price }.check()
    }

    #[test]
    fn a_sku_keeps_its_case() {
        let made = product("85123a", "HOLDER").unwrap();
        let codes: Vec<String> = made.barcodes.iter().map(ToString::to_string).collect();
        assert_eq!((made.sku.as_str(), made.price), ("85123a", "2.5".parse().ok()));
        assert_eq!(codes, ["0012345678905", "96385074"], "leading zeros are kept");
    }

    #[test]
    fn a_change_has_something_in_it_and_each_code_a_check_digit() {
        let change = |codes: &[&str], price: Option<&str>| {
            let barcodes = codes.iter().map(ToString::to_string).collect();
            ProductChangesBody { barcodes, price: price.map(str::to_owned) }.check()
        };
        assert!(change(&["96385074"], None).is_ok() && change(&[], Some("0")).is_ok());
        for (codes, price) in [(&[][..], None), (&["96385075"], None), (&["9638507"], None), (&[], Some("-1"))] {
            assert!(change(codes, price).is_err(), "{codes:?} {price:?}");
        }
        assert!(change(&["96385074"; BARCODES_MAX], None).is_ok());
        assert!(change(&["96385074"; BARCODES_MAX + 1], None).is_err());
    }

    #[test]
    fn a_product_needs_sku_and_name() {
        let errors = product("", " ").unwrap_err().into_body(None).errors;
        assert_eq!(errors.iter().map(|error| error.pointer.as_str()).collect::<Vec<_>>(), ["/sku", "/name"]);
    }
}
