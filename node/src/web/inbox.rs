//! What waits for a person: open cases, commits set aside and documents parked.
//!
//! Invariant: each case leads to what it is about. Proved by `a_case_leads_to_its_order`.

use axum::extract::State;
use maud::Markup;

use super::layout::{Title, page};
use super::pages;
use super::query::PageQuery;
use super::visit::Visit;
use crate::app::App;
use crate::http::error::Problem;
use crate::http::extract::read;

/// The inbox.
pub async fn show(State(app): State<App>, visit: Visit, query: PageQuery) -> Result<Markup, Problem> {
    let request = query.page()?;
    let (cases, held) = read(move || Ok((app.cases(request)?, app.held_back()?))).await?;
    let next = query.next("/inbox", cases.next_cursor.as_deref());
    let body = pages::inbox::page(&visit, &cases.items, &held, next.as_ref());
    Ok(page(&visit, Title::Key("nav-inbox"), &body))
}
