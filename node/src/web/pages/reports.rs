//! Sales as pages: totals, chart, table, coverage; and the overview of head office.
//!
//! Invariant: every figure over several sites stands beside what it covers. Proved by
//! `the_report_is_drawn_from_its_table`.

use maud::{Markup, html};

use super::{drawings, table};
use crate::app::model::{SalesBy, SalesReport, SalesRow};
use crate::web::format;
use crate::web::query::PageQuery;
use crate::web::reports::Overview;
use crate::web::visit::Visit;

/// Bars of a chart.
const BARS_MAX: usize = 24;

/// The sales report.
pub fn sales(visit: &Visit, report: &SalesReport, query: &PageQuery) -> Markup {
    let language = visit.language();
    html! {
        div.tabs role="navigation" aria-label=(language.text("report-by")) {
            @for by in SalesBy::ALL {
                a href=(query.plus("by", by.word()).at("/reports/sales")) aria-current=[(*by == report.by).then_some("true")] {
                    (language.text(&format!("by-{}", by.word())))
                }
            }
        }
        form.filters method="get" action="/reports/sales" {
            input type="hidden" name="by" value=(report.by.word());
            label { (language.text("filter-from")) input type="date" name="from" value=[query.get("from")]; }
            label { (language.text("filter-to")) input type="date" name="to" value=[query.get("to")]; }
            button { (language.text("filter-apply")) }
        }
        (table::coverage(visit, &report.coverage, report.complete))
        div #figures data-live {
            (cards(visit, report))
            @if report.rows.is_empty() {
                div.empty { p { (language.text("report-empty")) } p { (language.text("report-empty-next")) } }
            } @else {
                (chart(visit, report))
                (rows(visit, report))
            }
        }
        p.exports { a href=(query.at("/reports/sales.csv")) download { "CSV" } }
        (definitions(visit, report))
    }
}

fn cards(visit: &Visit, report: &SalesReport) -> Markup {
    let (language, totals) = (visit.language(), &report.totals);
    html! {
        div.cards {
            div.card { (language.text("sales-gross")) strong { (format::money(&report.currency, totals.gross_sales)) } }
            div.card { (language.text("sales-net")) strong { (format::money(&report.currency, totals.net_sales)) } }
            div.card { (language.text("sales-units")) strong { (format::quantity(totals.units)) } }
            div.card { (language.text("sales-invoices")) strong { (format::count(totals.invoices)) } }
        }
    }
}

/// What people call a row.
fn label(row: &SalesRow) -> String {
    row.name.as_ref().map_or_else(|| row.key.clone(), ToString::to_string)
}

fn chart(visit: &Visit, report: &SalesReport) -> Markup {
    let rows = &report.rows[..report.rows.len().min(BARS_MAX)];
    let digits = 10_f32.powi(report.currency.minor_digits() as i32);
    let bars = rows.iter().map(|row| (label(row), row.figures.gross_sales.0 as f32 / digits)).collect::<Vec<_>>();
    let title = visit.language().text("sales-gross");
    html! { figure { (drawings::bars(&title, &bars)) figcaption.muted { (title) " · " (report.currency.code()) } } }
}

fn rows(visit: &Visit, report: &SalesReport) -> Markup {
    let language = visit.language();
    let key = format!("by-{}", report.by.word());
    html! {
        table {
            caption.hidden { (language.text("nav-reports")) }
            (table::head(language, &[&key], &["sales-gross", "sales-net", "sales-units", "sales-invoices", "sales-lines"]))
            tbody { @for row in &report.rows {
                tr {
                    td { @if let Some(rank) = row.rank { span.muted { (rank) ". " } } (row.key)
                        @if let Some(name) = &row.name { " " (name) } }
                    td.number { (format::money(&report.currency, row.figures.gross_sales)) }
                    td.number { (format::money(&report.currency, row.figures.net_sales)) }
                    td.number { (format::quantity(row.figures.units)) }
                    td.number { (format::count(row.figures.invoices)) }
                    td.number { (format::count(row.figures.lines)) }
                }
            } }
        }
    }
}

fn definitions(visit: &Visit, report: &SalesReport) -> Markup {
    let language = visit.language();
    html! {
        details {
            summary { (language.text("report-definitions")) }
            dl.facts {
                @for (name, _) in &report.definitions {
                    dt { code { (name) } }
                    dd { (language.text(&super::words::key("define", name))) }
                }
            }
        }
    }
}

/// The overview of head office.
pub fn overview(visit: &Visit, overview: &Overview) -> Markup {
    let language = visit.language();
    html! {
        (table::coverage(visit, &overview.all.coverage, overview.all.complete))
        div #overview data-live {
            div.cards {
                div.card { (language.text("overview-all")) strong { (format::money(&overview.all.currency, overview.all.totals.gross_sales)) } }
                div.card { (language.text("overview-month")) strong { (format::money(&overview.month.currency, overview.month.totals.gross_sales)) } }
                div.card { (language.text("sales-invoices")) strong { (format::count(overview.all.totals.invoices)) } }
                div.card { a href="/inbox" { (language.text("nav-inbox")) } strong { (format::count(overview.cases)) } }
            }
            table.rows {
                caption { (language.text("overview-sites")) }
                (table::head(language, &["col-site", "col-state"], &["overview-all", "overview-month", "sales-invoices", "overview-waiting"]))
                tbody { @for site in &overview.all.coverage { (site_row(visit, overview, site)) } }
            }
        }
    }
}

fn site_row(visit: &Visit, overview: &Overview, site: &crate::app::model::CoverageRow) -> Markup {
    let language = visit.language();
    let of = |report: &SalesReport| {
        let row = report.rows.iter().find(|row| row.key == site.site.as_str());
        row.map(|row| row.figures).unwrap_or_default()
    };
    let (all, month) = (of(&overview.all), of(&overview.month));
    let state = site.state.word();
    html! {
        tr {
            td { strong { (site.site) } }
            td { span.badge data-word=(state) { (language.text(&format!("coverage-{state}"))) }
                @if let Some(at) = &site.as_of {
                    " " span.as-of { (language.with("as-of", &[("time", &format::clock_time(language, at, &visit.now))])) }
                } }
            td.number { (format::money(&overview.all.currency, all.gross_sales)) }
            td.number { (format::money(&overview.month.currency, month.gross_sales)) }
            td.number { (format::count(all.invoices)) }
            td.number { (format::count(overview.waiting(&site.site))) }
        }
    }
}
