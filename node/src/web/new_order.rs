//! Taking an order: scan, customer, payment, done; each step with the whole draft, so a restart of the node loses nothing.
//!
//! Invariant: one form is one order, however often it is sent. Proved by `an_order_is_taken_at_the_till`.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use crdt_model::control::event::SiteKind;
use crdt_model::quantity::Quantity;
use crdt_model::text::Text;

use super::draft::{Draft, DraftLine, Scan};
use super::form::Form;
use super::layout::{Title, page};
use super::pages::new_order::{Message, Till};
use super::visit::Visit;
use super::{Web, pages};
use crate::app::App;
use crate::app::error::AppError;
use crate::app::lookup::Found;
use crate::app::model::{PromiseLine, PromiseView};
use crate::http::error::Problem;
use crate::http::extract::read;

/// An empty draft; a store hands goods over at once.
pub async fn show(visit: Visit) -> Response {
    let walk_in = visit.place.kind == SiteKind::Store;
    let till = Till { draft: Draft { walk_in, ..Draft::default() }, ..Till::default() };
    page(&visit, Title::Key("nav-new-order"), &pages::new_order::page(&visit, &till)).into_response()
}

/// One step: what the pressed button says.
pub async fn step(State(web): State<Web>, visit: Visit, form: Form) -> Result<Response, Problem> {
    let draft = Draft::of(&form);
    let wanted = form.get("do").unwrap_or("add").to_owned();
    if wanted == "take" {
        return take(&web, &visit, draft, &form).await;
    }
    let (scan, query) = (form.get("scan").map(str::to_owned), form.get("customer_query").map(str::to_owned));
    let app = web.app.clone();
    let till = read(move || advance(&app, draft, &wanted, scan.as_deref(), query.as_deref())).await?;
    Ok(page(&visit, Title::Key("nav-new-order"), &pages::new_order::page(&visit, &till)).into_response())
}

async fn take(web: &Web, visit: &Visit, draft: Draft, form: &Form) -> Result<Response, Problem> {
    let taken = match draft.check() {
        Ok(order) => web.app.create_order(form.request(), order).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match taken {
        Ok(order) => Ok(Redirect::to(&format!("/orders/{}/receipt?done=order-taken", order.number)).into_response()),
        Err(problem) => {
            // What was typed stays in the form.
            let app = web.app.clone();
            let mut till = read(move || filled(&app, draft)).await?;
            let status = problem.status();
            till.message = Some(Message::Problem(problem));
            let body = pages::new_order::page(visit, &till);
            let shown = page(visit, Title::Key("nav-new-order"), &body);
            Ok((status, axum::Extension(super::ErrorPage), shown).into_response())
        }
    }
}

/// The draft after a step.
fn advance(
    app: &App,
    mut draft: Draft,
    wanted: &str,
    scan: Option<&str>,
    query: Option<&str>,
) -> Result<Till, AppError> {
    let (mut message, mut offered, mut customers) = (None, Vec::new(), Vec::new());
    match wanted.split_once(':') {
        Some(("remove", line)) => draft.remove(line.parse().unwrap_or(usize::MAX)),
        Some(("customer", id)) => draft.customer = Some(id.to_owned()).filter(|id| !id.is_empty()),
        Some(("item", sku)) => {
            let scan = Scan { quantity: "1".to_owned(), code: sku.to_owned() };
            offered = add(app, &mut draft, &scan, &mut message)?;
        }
        Some(_) | None if wanted == "find" => {
            customers = app.find_customers(query.unwrap_or_default())?;
            message = customers.is_empty().then_some(Message::NoCustomer);
        }
        Some(_) | None => {
            if let Some(scan) = scan.and_then(Scan::read) {
                offered = add(app, &mut draft, &scan, &mut message)?;
            }
        }
    }
    Ok(Till { offered, customers, message, ..filled(app, draft)? })
}

/// Adds what was scanned; gives the items that it may mean where it is not one.
fn add(
    app: &App,
    draft: &mut Draft,
    scan: &Scan,
    message: &mut Option<Message>,
) -> Result<Vec<crate::app::model::ProductView>, AppError> {
    match app.find_product(&scan.code)? {
        Found::One(product) => {
            let price = product.price.map(|price| price.to_string());
            draft.add(&product, &scan.quantity, price);
            *message = Some(Message::Added(product.name.to_string()));
            Ok(Vec::new())
        }
        Found::Several(products) => Ok(products),
        Found::Nothing => {
            *message = Some(Message::Unknown(scan.code.clone()));
            Ok(Vec::new())
        }
    }
}

/// A draft with what is known of its lines and its customer.
fn filled(app: &App, draft: Draft) -> Result<Till, AppError> {
    let promises = promises(app, &draft.lines)?;
    let customer = match draft.customer.as_deref().map(|id| app.customer(id)) {
        Some(Ok(customer)) => Some(customer),
        Some(Err(AppError::NotFound { .. })) | None => None,
        Some(Err(error)) => return Err(error),
    };
    Ok(Till { draft, promises, customer, ..Till::default() })
}

/// How each line could be promised; lines of one item share what there is. None for what is no item of ours.
fn promises(app: &App, lines: &[DraftLine]) -> Result<Vec<Option<PromiseView>>, AppError> {
    let asked = |line: &DraftLine| -> Option<PromiseLine> {
        app.product(&line.sku).ok()?;
        let quantity = i64::try_from(Draft::wanted(line).0).ok()?;
        Some(PromiseLine { sku: Text::new(&line.sku).ok()?, quantity: Quantity::from_thousandths(quantity).ok()? })
    };
    let asked: Vec<Option<PromiseLine>> = lines.iter().map(asked).collect();
    let mut told = app.promise(asked.iter().flatten().cloned().collect())?.into_iter();
    Ok(asked.into_iter().map(|line| line.and_then(|_| told.next())).collect())
}
