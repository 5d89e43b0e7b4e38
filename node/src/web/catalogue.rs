//! Products and customers: lists that narrow, and the forms that add one.
//!
//! Invariant: what was typed comes back as text. Proved by `a_product_and_a_customer_are_added_from_their_pages`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use crdt_model::text::Text;
use maud::Markup;

use super::form::Form;
use super::layout::{Title, page};
use super::query::PageQuery;
use super::visit::Visit;
use super::{Web, pages};
use crate::app::App;
use crate::app::error::AppError;
use crate::app::model::{NewCustomer, NewProduct, OrderFilter, PageRequest, ProductFilter};
use crate::http::check::{At, Errors};
use crate::http::error::Problem;
use crate::http::extract::read;

/// The products.
pub async fn products(State(app): State<App>, visit: Visit, query: PageQuery) -> Result<Markup, Problem> {
    let wanted = query.get("q").map(Text::new).transpose();
    let wanted = wanted.map_err(|_| AppError::field("/q", "it is too long", "Shorten it."))?;
    let request = query.page()?;
    let found = read(move || app.products(ProductFilter { query: wanted }, request)).await?;
    let next = query.next("/products", found.next_cursor.as_deref());
    let body = pages::catalogue::products(&visit, &found.items, &query, next.as_ref());
    Ok(page(&visit, Title::Key("nav-products"), &body))
}

/// Adds a product.
pub async fn add_product(State(web): State<Web>, form: Form) -> Result<Response, Problem> {
    let mut errors = Errors::default();
    let text = |name: &str| form.get(name).map(str::to_owned);
    let product = NewProduct {
        sku: errors.name(At::Field("sku"), form.get("sku").unwrap_or_default()),
        name: errors.name(At::Field("name"), form.get("name").unwrap_or_default()),
        unit: errors.optional_name(At::Field("unit"), text("unit")),
        barcodes: text("barcode").and_then(|code| errors.barcode(At::Field("barcode"), &code)).into_iter().collect(),
        price: text("price").map(|price| errors.price(At::Field("price"), &price)),
    };
    let product = web.app.create_product(form.request(), errors.finish(product)?).await?;
    let back = super::query::path(&["stock", product.sku.as_str()]);
    Ok(Redirect::to(&format!("{back}?done=product-added")).into_response())
}

/// The customers.
pub async fn customers(State(app): State<App>, visit: Visit, query: PageQuery) -> Result<Markup, Problem> {
    let request = query.page()?;
    let found = read(move || app.customers(request)).await?;
    let next = query.next("/customers", found.next_cursor.as_deref());
    let body = pages::catalogue::customers(&visit, &found.items, next.as_ref());
    Ok(page(&visit, Title::Key("nav-customers"), &body))
}

/// One customer with the last orders.
pub async fn customer(State(app): State<App>, visit: Visit, Path(id): Path<String>) -> Result<Markup, Problem> {
    let (customer, orders) = read(move || {
        let customer = app.customer(&id)?;
        let filter = OrderFilter { customer: Some(customer.id), ..OrderFilter::default() };
        Ok((customer, app.orders(filter, PageRequest::default())?))
    })
    .await?;
    let name = customer.name.as_ref().map_or_else(|| customer.id.to_string(), ToString::to_string);
    let body = pages::catalogue::customer(&visit, &customer, &orders.items);
    Ok(page(&visit, Title::Name(&name), &body))
}

/// Adds a customer.
pub async fn add_customer(State(web): State<Web>, form: Form) -> Result<Response, Problem> {
    let mut errors = Errors::default();
    let mut text = |name: &'static str| errors.optional_text(At::Field(name), form.get(name).map(str::to_owned));
    let (phone, email, address) = (text("phone"), text("email"), text("address"));
    let name = errors.name(At::Field("name"), form.get("name").unwrap_or_default());
    let customer = errors.finish(NewCustomer { name, phone, email, address })?;
    let customer = web.app.create_customer(form.request(), customer).await?;
    Ok(Redirect::to(&format!("/customers/{}?done=customer-added", customer.id)).into_response())
}
