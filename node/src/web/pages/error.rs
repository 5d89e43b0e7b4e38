//! What is shown when something is not done: what happened, what helps, and the way back.
//!
//! Invariant: every problem code has a sentence and a remedy in both languages. Proved by
//! `every_problem_code_has_a_sentence_in_both_languages`.

use maud::{Markup, html};

use crate::http::error::Problem;
use crate::web::look::own_address;
use crate::web::visit::Visit;

/// The page of a problem.
pub fn page(visit: &Visit, problem: &Problem) -> Markup {
    let back = visit.address.split('?').next().unwrap_or_default();
    html! {
        (notice(visit, problem))
        p { a.button href=(own_address(back)) { (visit.language().text("error-again")) } " "
            a href="/" { (visit.language().text("error-first-page")) } }
    }
}

/// What happened and what helps, as a part of a page.
pub fn notice(visit: &Visit, problem: &Problem) -> Markup {
    let language = visit.language();
    let body = problem.clone().into_body(None);
    html! {
        div.problem role="alert" data-code=(body.code) {
            p { strong { (language.text(&format!("problem-{}", body.code.replace('_', "-")))) } }
            p { (body.detail) }
            p { (body.remedy) }
            @if body.errors.len() > 1 {
                ul { @for error in &body.errors { li { code { (error.pointer) } " " (error.detail) " " (error.remedy) } } }
            }
        }
    }
}
