//! Imports as pages: the form, the jobs, one job with its progress and its figures.
//!
//! Invariant: rows that were set aside are offered as a sheet. Proved by `a_file_is_imported_from_the_page`.

use maud::{Markup, html};

use super::words;
use crate::app::model::{ImportMode, ImportView};
use crate::http::error::Problem;
use crate::web::form::REQUEST_FIELD;
use crate::web::format;
use crate::web::layout::hidden;
use crate::web::visit::Visit;

/// The form and the jobs.
pub fn page(visit: &Visit, jobs: &[ImportView]) -> Markup {
    let language = visit.language();
    html! {
        (form(visit))
        h2 { (language.text("imports-jobs")) }
        @if jobs.is_empty() { p.muted #jobs data-live { (language.text("imports-none")) } } @else {
            table.rows #jobs data-live data-rows {
                (super::table::head(language, &["imports-job", "col-state"], &["imports-rows", "imports-created", "imports-unchanged", "imports-rejected"]))
                tbody { @for job in jobs {
                    tr data-href={ "/imports/" (job.id) } {
                        td { a href={ "/imports/" (job.id) } { (job.id) } @if job.mode == ImportMode::DryRun { " " (language.text("imports-dry")) } }
                        td { (words::badge(language, "import", job.state.word())) }
                        @for figure in [job.rows_done, job.created, job.unchanged, job.rejected] { td.number { (format::count(figure)) } }
                    }
                } }
            }
        }
    }
}

fn form(visit: &Visit) -> Markup {
    let language = visit.language();
    let option = |value: &str, key: &str| html! { option value=(value) { (language.text(key)) } };
    html! {
        form.actions method="post" action="/imports" enctype="multipart/form-data" {
            (hidden(visit))
            input type="hidden" name=(REQUEST_FIELD) value=(visit.request);
            label { (language.text("imports-kind"))
                select name="kind" { (option("orders", "imports-kind-orders")) (option("products", "imports-kind-products")) } }
            label { (language.text("imports-preset"))
                select name="preset" { (option("", "imports-preset-none")) option value="online-retail" { "online-retail" } } }
            label { (language.text("filter-channel")) input name="channel"; }
            label { (language.text("imports-as"))
                select name="as" { (option("", "imports-as-preset")) (option("history", "imports-as-history")) } }
            label { (language.text("imports-map")) input name="map" placeholder="sku:Code,name:Title,price:Price"; }
            label { (language.text("imports-mode"))
                select name="dry_run" { (option("", "imports-write")) (option("true", "imports-dry-run")) } }
            label { (language.text("imports-file")) input type="file" name="file" required accept=".csv,.gz,.txt"; }
            button.primary { (language.text("imports-start")) }
        }
    }
}

/// One job.
pub fn job(visit: &Visit, job: &ImportView) -> Markup {
    let language = visit.language();
    let figures = [
        ("imports-created", job.created),
        ("imports-updated", job.updated),
        ("imports-unchanged", job.unchanged),
        ("imports-rejected", job.rejected),
        ("imports-products", job.products_created),
        ("imports-customers", job.customers_created),
    ];
    html! {
        div #job data-live {
            p { (words::badge(language, "import", job.state.word())) " " (job.id) }
            @if job.state.is_running() {
                progress max=[job.rows_total] value=[job.rows_total.map(|_| job.rows_done)] {}
                p { (language.with("imports-progress", &[("done", &format::count(job.rows_done)),
                    ("total", &job.rows_total.map_or_else(|| "?".to_owned(), format::count))])) }
                form.actions method="post" action={ "/imports/" (job.id) "/cancel" } {
                    (hidden(visit))
                    button { (language.text("imports-cancel")) }
                    span.muted { (language.text("imports-cancel-next")) }
                }
                meta http-equiv="refresh" content="2";
            }
            @if let Some(error) = &job.error { (super::error::notice(visit, &Problem::from(error.clone()))) }
            div.cards { @for (key, figure) in figures { div.card { (language.text(key)) strong { (format::count(figure)) } } } }
            @if job.rejects_file.is_some() {
                p { a.button href={ "/imports/" (job.id) "/rejected.csv" } download { (language.text("imports-rejected-sheet")) } }
                p.muted { (language.text("imports-rejected-next")) }
            }
        }
        p { a href="/imports" { (language.text("nav-import")) } }
    }
}
