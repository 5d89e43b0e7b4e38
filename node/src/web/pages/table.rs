//! What lists share: the box that searches, the empty state, the link to the next page, figures with their age.
//!
//! Invariant: an empty list says what to do next. Proved by the page tests.

use maud::{Markup, html};

use crate::app::model::{CoverageRow, CoverageState};
use crate::web::format;
use crate::web::query::PageQuery;
use crate::web::texts::Language;
use crate::web::visit::Visit;

/// A list that holds nothing: what it would hold and what to do.
pub fn empty(language: Language, key: &'static str) -> Markup {
    html! {
        div.empty #list data-live {
            p { (language.text(&format!("{key}-empty"))) }
            p { (language.text(&format!("{key}-empty-next"))) }
        }
    }
}

/// A box that narrows a list to what holds its text.
pub fn narrow(language: Language, path: &str, query: &PageQuery) -> Markup {
    html! {
        form.filters method="get" action=(path) role="search" {
            label { (language.text("search")) input name="q" type="search" value=[query.get("q")] data-search; }
            button { (language.text("filter-apply")) }
        }
    }
}

/// The link to the next page, where there is one.
pub fn next(language: Language, address: Option<&String>) -> Markup {
    html! { @if let Some(address) = address { p { a.button rel="next" href=(address) { (language.text("next-page")) } } } }
}

/// Headings of a table: keys of texts, figures aligned to the right.
pub fn head(language: Language, texts: &[&str], figures: &[&str]) -> Markup {
    html! {
        thead { tr {
            @for key in texts { th scope="col" { (language.text(key)) } }
            @for key in figures { th.number scope="col" { (language.text(key)) } }
        } }
    }
}

/// Which sites a figure covers, and up to when.
pub fn coverage(visit: &Visit, rows: &[CoverageRow], is_complete: bool) -> Markup {
    let language = visit.language();
    html! {
        div.coverage #coverage data-live role="note" {
            strong { (language.text(if is_complete { "coverage-complete" } else { "coverage-incomplete" })) }
            ul {
                @for row in rows {
                    li {
                        (row.site) " " span.badge data-word=(row.state.word()) { (language.text(&format!("coverage-{}", row.state.word()))) }
                        @if let Some(at) = row.as_of.as_ref().filter(|_| row.state != CoverageState::Live) {
                            " " span.as-of { (language.with("as-of", &[("time", &format::clock_time(language, at, &visit.now))])) }
                        }
                        @if let Some(reason) = &row.reason {
                            " · " (language.text(&super::words::key("reason", reason)))
                        }
                    }
                }
            }
        }
    }
}
