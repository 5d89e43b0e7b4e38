//! `report run`: a report's rows, totals, and which sites' data is in.
//! It computes nothing; every figure is the node's.
//! Invariant: an incomplete report says so and names the sites; proved by
//! `incomplete_report_names_the_sites`.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::api::Request;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, Style, filled_table, grouped, number, plain, rows_at, time, word};
use crate::text;

const ROWS: &[Column] = &[
    number(text::RANK, "/rank"),
    plain(text::KEY, "/key"),
    plain(text::NAME, "/name"),
    grouped(text::GROSS, "/gross_sales"),
    grouped(text::NET, "/net_sales"),
    grouped(text::UNITS, "/units"),
    grouped(text::INVOICES, "/invoices"),
    grouped(text::LINES, "/lines"),
];

const COVERAGE: &[Column] = &[
    plain(text::SITE, "/site"),
    word(text::STATE, "/state"),
    time(text::AS_OF, "/as_of"),
    word(text::REASON, "/reason"),
];

/// The reports there are.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Name {
    /// Sales, gross and net
    Sales,
}

/// What the rows of a sales report are.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum By {
    /// Calendar months
    Month,
    /// Days
    Day,
    /// Countries or regions
    Country,
    /// Articles
    Item,
    /// Customers
    Customer,
    /// Sites
    Site,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            By::Month => "month",
            By::Day => "day",
            By::Country => "country",
            By::Item => "item",
            By::Customer => "customer",
            By::Site => "site",
        }
    }
}

/// Options of `report run`.
#[derive(Args, Debug)]
pub struct ReportRunArgs {
    /// Which report
    #[arg(value_enum)]
    pub name: Name,
    /// What each row is
    #[arg(long, value_enum, default_value = "month")]
    pub by: By,
    /// First day
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<String>,
    /// Last day
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub to: Option<String>,
    /// Only the first N rows
    #[arg(long, value_name = "N")]
    pub top: Option<u32>,
}

/// Runs the command.
pub fn run(args: &ReportRunArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let Name::Sales = args.name;
    let top = args.top.map(|top| top.to_string());
    let request = Request::get(&["reports", "sales"])
        .query("by", args.by.name())
        .maybe("from", args.from.as_deref())
        .maybe("to", args.to.as_deref())
        .maybe("top", top.as_deref());
    let answer = context.ask(&request)?;
    Ok(context.show(&answer, view))
}

fn view(report: &Value, style: Style) -> String {
    let mut totals = report["totals"].clone();
    if totals.is_object() {
        totals["key"] = json!(text::TOTAL.get(style.lang));
    }
    let rows: Vec<&Value> = rows_at(report, "/rows").iter().chain([&totals]).collect();
    let complete = match report["complete"].as_bool() {
        Some(true) => text::COMPLETE,
        Some(false) | None => text::INCOMPLETE,
    };
    [
        filled_table(ROWS, &rows, style),
        complete.get(style.lang).to_owned(),
        filled_table(COVERAGE, &rows_at(report, "/coverage").iter().collect::<Vec<_>>(), style),
    ]
    .join("\n\n")
}

#[cfg(test)]
mod tests {
    use crate::exit::Exit;
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::{Value, json};

    fn report(complete: bool) -> Value {
        json!({"report": "sales", "rows": [{"rank": null, "key": "2010-12", "gross_sales": "823746.14",
            "net_sales": "9.99", "units": "312280", "invoices": 1559, "lines": 41480}],
            "totals": {"gross_sales": "823746.14", "net_sales": "9.99"},
            "coverage": [{"site": "HQ", "state": "live", "as_of": "2010-12-10T09:00:00+00:00", "reason": null},
                {"site": "SH01", "state": "behind", "as_of": "2010-12-09T18:30:00+00:00", "reason": "catching_up"},
                {"site": "WH01", "state": "never", "as_of": null, "reason": "no_contact"}],
            "complete": complete})
    }

    #[test]
    fn incomplete_report_names_the_sites() {
        let node = FakeNode::start(|_| answer(200, &report(false)));
        let ran = Terminal::at(&node).run(&["report", "run", "sales", "--top", "5", "--by", "item"]);
        assert_eq!(ran.exit, Exit::Ok);
        for part in ["2010-12", "823,746.14", "total", "not complete", "2010-12-09 18:30:00 +00:00", "catching up"] {
            assert!(ran.out.contains(part), "{part} in\n{}", ran.out);
        }
        assert_eq!(node.seen()[1].target, "/api/v1/reports/sales?by=item&top=5");
    }

    #[test]
    fn every_site_has_a_line_in_both_languages() {
        let node = FakeNode::start(|_| answer(200, &report(false)));
        for (lang, lines) in [
            ("en", ["HQ    live", "SH01  behind", "WH01  never", "no contact"]),
            ("zh", ["HQ    最新", "SH01  落后", "WH01  从未", "从未联系"]),
        ] {
            let ran = Terminal::at(&node).run(&["report", "run", "sales", "--lang", lang]);
            for line in lines {
                assert!(ran.out.contains(line), "{line} in\n{}", ran.out);
            }
        }
        let ran = Terminal::at(&node).run(&["report", "run", "sales", "--json"]);
        let value: Value = serde_json::from_str(&ran.out).unwrap_or_default();
        assert_eq!((&value["complete"], &value["coverage"][1]["reason"]), (&json!(false), &json!("catching_up")));
    }

    #[test]
    fn complete_report_says_so() {
        let node = FakeNode::start(|_| answer(200, &report(true)));
        let ran = Terminal::at(&node).run(&["report", "run", "sales", "--lang", "zh"]);
        assert!(ran.out.contains("完整：所有站点"), "{}", ran.out);
        assert_eq!(node.seen()[1].target, "/api/v1/reports/sales?by=month");
    }
}
