//! The pages: server-rendered HTML for the browser on this machine.
//!
//! A handler reads the request, calls the application once or twice and hands view models to a page; `pages/*` make HTML
//! and read nothing. `layout` is the frame of every page, `visit` what a request says of its reader, `form` a form that
//! was sent, `texts` the sentences. The script only adds: lists, entry and printing work without it.
//!
//! Invariants: a page needs a session, a form the token of our pages; what people or peers typed is only ever text.
//! Proved by `every_page_asks_who_has_no_session_to_sign_in`, `a_form_without_the_page_s_token_changes_nothing` and
//! `a_hostile_name_is_shown_as_text`.

mod assets;
mod catalogue;
mod draft;
mod form;
mod format;
mod imports;
mod inbox;
mod layout;
mod look;
mod network;
mod new_order;
mod orders;
mod pages;
mod query;
mod reports;
mod search;
pub mod session;
mod sheet;
mod sign_in;
mod stock;
pub mod texts;
mod visit;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRef, Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use crdt_model::control::event::SiteKind;

use crate::app::App;
use crate::http::error::Problem;
use crate::http::router::{Heavy, ImportsFolder};
use crate::run::Purpose;
use session::Sessions;
pub use sign_in::ask_to_sign_in;
use visit::Visit;

/// What the pages work with.
#[derive(Clone)]
pub struct Web {
    /// The application.
    pub app: App,
    /// Who may see the pages.
    pub sessions: Arc<Sessions>,
    /// Keeps the expensive requests few.
    pub heavy: Heavy,
    /// Where uploaded files go.
    pub imports_folder: ImportsFolder,
    /// What the node is served for.
    pub purpose: Purpose,
}

impl FromRef<Web> for App {
    fn from_ref(web: &Web) -> Self {
        web.app.clone()
    }
}

/// Marks an answer whose body is a page already, although it is no success.
#[derive(Debug, Clone, Copy)]
pub struct ErrorPage;

/// Where the first page is.
async fn first_page(visit: Visit) -> Redirect {
    let is_office = visit.place.kind == SiteKind::HeadOffice;
    Redirect::to(if is_office { "/overview" } else { "/orders/new" })
}

/// All addresses of pages.
pub fn routes(web: Web) -> Router {
    let pages = Router::new()
        .route("/", get(first_page))
        .route("/orders", get(orders::list))
        .route("/orders.csv", get(orders::list_as_csv))
        .route("/orders.json", get(orders::list_as_json))
        .route("/orders/new", get(new_order::show).post(new_order::step))
        .route("/orders/{id}", get(orders::show))
        .route("/orders/{id}/receipt", get(orders::receipt))
        .route("/orders/{id}/{verb}", post(orders::act))
        .route("/overview", get(reports::overview))
        .route("/stock", get(stock::list))
        .route("/stock/{sku}", get(stock::show))
        .route("/stock/{sku}/{verb}", post(stock::act))
        .route("/products", get(catalogue::products).post(catalogue::add_product))
        .route("/customers", get(catalogue::customers).post(catalogue::add_customer))
        .route("/customers/{id}", get(catalogue::customer))
        .route("/inbox", get(inbox::show))
        .route("/reports/sales", get(reports::sales))
        .route("/reports/sales.csv", get(reports::sales_as_csv))
        .route("/imports", get(imports::list).post(imports::upload).layer(DefaultBodyLimit::disable()))
        .route("/imports/{id}", get(imports::show))
        .route("/imports/{id}/cancel", post(imports::cancel))
        .route("/imports/{id}/rejected.csv", get(imports::rejected))
        .route("/search", get(search::show))
        .route("/network", get(network::show))
        .route("/network/invite", post(network::invite))
        .route("/network/{verb}", post(network::act))
        .route("/look", post(look::choose))
        .route("/sign-out", post(sign_in::sign_out))
        .layer(from_fn_with_state(web.clone(), explain));
    let open = Router::new()
        .route("/sign-in", get(sign_in::explain))
        .route("/sign-in/{code}", get(sign_in::sign_in))
        .route("/assets/{name}", get(assets::asset))
        .route("/favicon.ico", get(assets::icon));
    pages.merge(open).with_state(web)
}

/// Turns what is no success into a page that says what to do.
async fn explain(State(web): State<Web>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let wants_page = wants_page(&parts.headers);
    let visit = Visit::of(&mut parts, &web).await;
    let response = next.run(Request::from_parts(parts, body)).await;
    let problem = response.extensions().get::<Problem>().cloned();
    match (problem, visit) {
        (Some(problem), Ok(visit)) if wants_page => {
            let page = layout::page(&visit, layout::Title::Key("error-title"), &pages::error::page(&visit, &problem));
            (
                problem.status(),
                [(axum::http::header::VARY, "Accept-Language")],
                Extension(ErrorPage),
                Extension(problem),
                page,
            )
                .into_response()
        }
        (Some(_) | None, _) => response,
    }
}

/// Whether who asks shows HTML to a person.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(axum::http::header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*"))
}

#[cfg(test)]
mod tests {
    mod gate;
    mod pages;
}
