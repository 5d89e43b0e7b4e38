//! The inbox as a page.
//!
//! Invariant: an empty inbox says that all is well. Proved by the page tests.

use maud::{Markup, html};

use super::table;
use crate::app::cases::HeldBack;
use crate::app::model::CaseView;
use crate::web::format;
use crate::web::query::path;
use crate::web::texts::Language;
use crate::web::visit::Visit;

/// The page.
pub fn page(visit: &Visit, cases: &[CaseView], held: &HeldBack, next: Option<&String>) -> Markup {
    let language = visit.language();
    html! {
        @if cases.is_empty() && held.is_nothing() { (table::empty(language, "inbox")) } @else {
            div #list data-live {
                @if !cases.is_empty() {
                    table.rows data-rows {
                        caption { (language.text("inbox-cases")) }
                        (table::head(language, &["inbox-what", "inbox-about", "inbox-facts", "col-site"], &[]))
                        tbody { @for case in cases { (case_row(language, case)) } }
                    }
                    (table::next(language, next))
                }
                @if !held.is_nothing() {
                    h2 { (language.text("inbox-held")) }
                    ul {
                        @for (code, count) in &held.set_aside {
                            li { (language.with("inbox-set-aside", &[("count", &format::count(*count)), ("code", code)])) }
                        }
                        @if held.parked > 0 { li { (language.with("inbox-parked", &[("count", &format::count(held.parked))])) } }
                    }
                }
            }
        }
    }
}

fn case_row(language: Language, case: &CaseView) -> Markup {
    let title = if language == Language::Zh { &case.title_zh } else { &case.title };
    let about = if case.kind.contains("stock") { "stock" } else { "orders" };
    let address = path(&[about, &case.subject_label]);
    html! {
        tr data-href=(address) {
            td { (title) }
            td { a href=(address) { (case.subject_label) } }
            td { (case.detail) }
            td { (case.scope) }
        }
    }
}
