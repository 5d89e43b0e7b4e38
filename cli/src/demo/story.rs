//! What happens in the demo, and what every figure must be.
//!
//! The invoices are the real ones of December 2010 (`docs/data.md`); their figures were computed without Tradepost.

use std::time::Instant;

use serde_json::{Value, json};

use super::nodes::{Play, Site, look_until, text};
use super::{Checks, words as w};
use crate::api::{Body, Request};
use crate::error::CliError;
use crate::text::Text;

/// The invoices of December 2010.
const SLICE: &[u8] = include_bytes!("../../../tests/data/online_retail_2010_12.csv.gz");
const SLICE_NAME: &str = "online_retail_2010_12.csv.gz";
const MUG: &str = "MUG";
const PRICE: &str = "6.50";
/// Walk-in sales while the store is cut off, each of so many mugs.
const SOLD_OFFLINE: [&str; 3] = ["1", "2", "1"];
/// The order that is cancelled and shipped at once.
const CROSSED: &str = "2";

/// Figures that head office must show in the end.
#[derive(Debug)]
pub struct Expected {
    /// Gross sales, invoices and units of December 2010.
    pub december: [&'static str; 3],
    /// The same with what the store sold offline: 6 mugs at 6.50 in 4 orders.
    pub all: [&'static str; 3],
}

/// What the data says.
pub const REALITY: Expected =
    Expected { december: ["823746.14", "1559", "359239"], all: ["823785.14", "1563", "359245"] };

/// Where a line of the story goes.
pub type Say<'a> = dyn FnMut(&str) + 'a;

impl Play {
    /// Tells the story and checks each figure.
    pub fn tell(&self, checks: &mut Checks, expected: &Expected, say: &mut Say<'_>) -> Result<(), CliError> {
        say(w::START.get(checks.lang()));
        self.open_the_shop()?;
        say(w::CUT.get(checks.lang()));
        let order = self.trade_alone(checks, say)?;
        self.catch_up(checks, expected, say)?;
        say(w::CROSS.get(checks.lang()));
        self.cancel_meets_ship(&order, checks, say)
    }

    fn open_the_shop(&self) -> Result<(), CliError> {
        let zone = "Europe/London";
        self.office.post(&["channels"], json!({"name": "online-retail", "home": "SH01", "zone": zone}))?;
        self.office.post(&["products"], json!({"sku": MUG, "name": "Blue mug"}))?;
        self.shop.exchange()?;
        self.depot.exchange()?;
        self.shop.post(&["stock", "receipts"], json!({"sku": MUG, "quantity": "10"}))?;
        self.shop.exchange()
    }

    /// The store, cut off: the import, walk-in sales and an order to be shipped, whose number is returned.
    fn trade_alone(&self, checks: &mut Checks, say: &mut Say<'_>) -> Result<String, CliError> {
        self.shop.post(&["sync", "pause"], json!({}))?;
        let begun = Instant::now();
        let import = self.import()?;
        let seconds = format!("{:.1}", begun.elapsed().as_secs_f64());
        let (created, rows) = (text(&import["created"]), text(&import["rows"]));
        say(&w::IMPORTED.with(checks.lang(), &[&created, &rows, &seconds]));
        let line = |quantity: &str| json!([{"sku": MUG, "quantity": quantity, "price": PRICE}]);
        for quantity in SOLD_OFFLINE {
            self.shop.post(&["orders"], json!({"walk_in": true, "lines": line(quantity)}))?;
        }
        let order = self.shop.post(&["orders"], json!({"walk_in": false, "lines": line(CROSSED)}))?;
        let number = text(&order["number"]);
        self.shop.post(&["orders", &number, "confirm"], json!({}))?;
        let report = sales(&self.office, false)?;
        let behind = coverage_of(&report, "SH01");
        say(&checks.same(w::BEHIND, "behind", &behind));
        let absent = self.office.get(&["status"])?["orders"].to_string();
        say(&checks.same(w::ABSENT, "0", &absent));
        Ok(number)
    }

    fn import(&self) -> Result<Value, CliError> {
        import_file(&self.shop, SLICE_NAME, SLICE, &[("kind", "orders"), ("preset", "online-retail")])
    }

    fn catch_up(&self, checks: &mut Checks, expected: &Expected, say: &mut Say<'_>) -> Result<(), CliError> {
        let begun = Instant::now();
        self.shop.post(&["sync", "resume"], json!({}))?;
        self.shop.exchange()?;
        let seconds = format!("{:.1}", begun.elapsed().as_secs_f64());
        say(&w::HEALED.with(checks.lang(), &[&seconds]));
        let all = look_until(|| sales(&self.office, false), |report| report["complete"] == true)?;
        say(&checks.same(w::COMPLETE, "true", &all["complete"].to_string()));
        let december = sales(&self.office, true)?;
        compare(checks, say, [w::GROSS, w::INVOICES, w::UNITS], expected.december, &december);
        compare(checks, say, [w::ALL_GROSS, w::ALL_INVOICES, w::ALL_UNITS], expected.all, &all);
        Ok(())
    }

    fn cancel_meets_ship(&self, order: &str, checks: &mut Checks, say: &mut Say<'_>) -> Result<(), CliError> {
        self.shop.post(&["sync", "pause"], json!({}))?;
        let stock = self.shop.get(&["stock", MUG])?;
        let number = |field: &str| text(&stock[field]).parse::<i64>().unwrap_or(i64::MIN);
        let covered = number("secured") > 0 && number("secured") <= number("minted") - number("burned");
        say(&checks.same(w::COVERED, "true", &covered.to_string()));
        self.office.post(&["orders", order, "cancel"], json!({"reason": "changed"}))?;
        self.shop.post(&["orders", order, "ship"], json!({}))?;
        self.shop.post(&["sync", "resume"], json!({}))?;
        self.shop.exchange()?;
        self.office.exchange()?;
        say(w::EQUAL.get(checks.lang()));
        let both = |ask: &dyn Fn(&Site) -> Result<String, CliError>| -> Result<String, CliError> {
            Ok(format!("{}, {}", ask(&self.office)?, ask(&self.shop)?))
        };
        let crossed = "cancelled_after_dispatch";
        let status = |site: &Site| Ok(text(&site.get(&["orders", order])?["status"]));
        let wanted = format!("{crossed}, {crossed}");
        let statuses = look_until(|| both(&status), |seen| *seen == wanted)?;
        say(&checks.same(w::STATUS, &wanted, &statuses));
        let cases = look_until(|| both(&|site| recalls(site, order)), |seen| seen == "1, 1")?;
        say(&checks.same(w::CASES, "1, 1", &cases));
        let on_hand = text(&self.shop.get(&["stock", MUG])?["on_hand"]);
        say(&checks.same(w::STOCK, "4", &on_hand));
        let agree = |seen: &String| seen.split_once('/').is_some_and(|(equal, all)| equal == all && all != "0");
        let digests = look_until(|| self.equal_digests(), agree)?;
        let all = digests.rsplit('/').next().filter(|all| *all != "0").unwrap_or("1");
        say(&checks.same(w::DIGESTS, &format!("{all}/{all}"), &digests));
        Ok(())
    }

    /// How many scopes of store and warehouse are the same at head office, of how many.
    fn equal_digests(&self) -> Result<String, CliError> {
        digests_of(&self.office, [&self.shop, &self.depot])
    }
}

/// How many scopes of some sites are the same at head office, of how many.
pub fn digests_of<'s>(office: &Site, sites: impl IntoIterator<Item = &'s Site>) -> Result<String, CliError> {
    let office = scopes(office)?;
    let (mut equal, mut all) = (0, 0);
    for site in sites {
        for (scope, digest) in scopes(site)? {
            all += 1;
            equal += usize::from(office.contains(&(scope, digest)));
        }
    }
    Ok(format!("{equal}/{all}"))
}

/// Imports a file at a site and waits for its end.
pub fn import_file(site: &Site, name: &str, file: &[u8], parameters: &[(&str, &str)]) -> Result<Value, CliError> {
    let folder = tempfile::tempdir().map_err(|cause| CliError::File { path: std::env::temp_dir(), cause })?;
    let path = folder.path().join(name);
    std::fs::write(&path, file).map_err(|cause| CliError::File { path: path.clone(), cause })?;
    let mut request = Request::post(&["imports"], None, Body::File(path)).query("file_name", name);
    for (name, value) in parameters {
        request = request.query(name, value);
    }
    let id = text(&site.ask(&request)?["id"]);
    loop {
        let look = || site.get(&["imports", &id]);
        let import = look_until(look, |import| import["state"] == "done" || import["state"] == "failed")?;
        match import["state"].as_str() {
            Some("done") => return Ok(import),
            Some("failed") => {
                return Err(CliError::Problem { status: 500, problem: import["error"].clone() });
            }
            _it_goes_on => {}
        }
    }
}

/// The sales report of a site, by site.
pub fn sales(site: &Site, december: bool) -> Result<Value, CliError> {
    let request = Request::get(&["reports", "sales"]).query("by", "site");
    let (from, to) = if december { (Some("2010-12-01"), Some("2010-12-31")) } else { (None, None) };
    site.ask(&request.maybe("from", from).maybe("to", to))
}

fn compare(checks: &mut Checks, say: &mut Say<'_>, names: [Text; 3], expected: [&str; 3], report: &Value) {
    for ((name, field), wanted) in names.into_iter().zip(["gross_sales", "invoices", "units"]).zip(expected) {
        say(&checks.same(name, wanted, &text(&report["totals"][field])));
    }
}

fn coverage_of(report: &Value, site: &str) -> String {
    let rows = report["coverage"].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().find(|row| row["site"] == site).map(|row| text(&row["state"])).unwrap_or_default()
}

/// Cases that ask to recall the parcel of an order.
fn recalls(site: &Site, order: &str) -> Result<String, CliError> {
    let cases = site.get(&["cases"])?;
    let rows = cases["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ours = |row: &&Value| row["kind"] == "shipped_after_cancel" && row["subject_label"] == order;
    Ok(rows.iter().filter(ours).count().to_string())
}

fn scopes(site: &Site) -> Result<Vec<(String, String)>, CliError> {
    let status = site.get(&["status"])?;
    let rows = status["scopes"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(rows.iter().map(|row| (text(&row["scope"]), text(&row["digest"]))).collect())
}
