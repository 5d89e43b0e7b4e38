//! The search box: a page of hits, which is also what the script shows below the box while somebody types.
//!
//! Invariant: each hit leads to its page. Proved by `what_is_typed_is_found_by_each_of_its_texts`.

use axum::extract::State;
use maud::Markup;

use super::layout::{Title, page};
use super::pages;
use super::query::PageQuery;
use super::visit::Visit;
use crate::app::App;
use crate::http::error::Problem;
use crate::http::extract::read;

/// Hits of each kind.
const HITS: usize = 8;

/// The hits of a question.
pub async fn show(State(app): State<App>, visit: Visit, query: PageQuery) -> Result<Markup, Problem> {
    let question = query.get("q").unwrap_or_default().to_owned();
    let hits = read(move || app.search(&question, HITS)).await?;
    Ok(page(&visit, Title::Key("search"), &pages::search::page(&visit, &hits, &query)))
}
