//! How lines would be promised at this moment: what is here, what other sites are known to have, and what is missing.
//!
//! A read: it promises nothing and holds nothing back. The calculation is `stock::outlook` of the model. Rights that
//! another till of this site holds or keeps are this site's to promise there, and neither now nor likely here.
//!
//! Invariant: `now` is what an order taken at this moment would secure. Proved by
//! `a_promise_says_what_an_order_would_secure`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crdt_model::control::state::Control;
use crdt_model::id::DocumentId;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::stock::StockRow;
use crdt_model::stock::outlook::Supply;
use crdt_model::text::Text;
use crdt_model::time::EventTime;

use super::error::AppError;
use super::model::{PromiseLine, PromiseView, QuantitySum};
use super::stock::{site_of, stock_row};
use super::{App, read};
use crate::store::Snapshot;

/// What is known of one item.
struct Known {
    name: Text,
    /// Free rights at this site.
    here: i128,
    elsewhere: i128,
    as_of: Option<EventTime>,
    /// What lines have not taken yet.
    supply: Supply,
}

/// When what is known of each other site was true.
type AsOf = BTreeMap<SiteCode, Option<EventTime>>;

impl App {
    /// How each line would be promised; lines of one item share what there is, in their order.
    pub fn promise(&self, lines: Vec<PromiseLine>) -> Result<Vec<PromiseView>, AppError> {
        let snapshot = self.snapshot()?;
        let control = read::control(&snapshot)?;
        let (coverage, _) = self.coverage(&control)?;
        let as_of: AsOf = coverage.into_iter().map(|row| (row.site, row.as_of)).collect();
        let scopes = read::site_scopes(&snapshot)?;
        let mut items: BTreeMap<DocumentId, Known> = BTreeMap::new();
        let mut views = Vec::with_capacity(lines.len());
        for (at, line) in lines.into_iter().enumerate() {
            let item = DocumentId::of_sku(line.sku.as_str());
            let known = match items.entry(item) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let found = self.known(&snapshot, &control, (&scopes, &as_of), &line.sku)?;
                    place.insert(found.ok_or_else(|| unknown(at, &line.sku))?)
                }
            };
            views.push(view(line, known));
        }
        Ok(views)
    }

    fn known(
        &self,
        snapshot: &Snapshot,
        control: &Control,
        (scopes, as_of): (&[Scope], &AsOf),
        sku: &Text,
    ) -> Result<Option<Known>, AppError> {
        let Some((_, product)) = read::product(snapshot, &DocumentId::of_sku(sku.as_str()))? else { return Ok(None) };
        let own = &self.facts().site;
        let name = product.name().clone();
        let mut known = Known { name, here: 0, elsewhere: 0, as_of: None, supply: Supply::default() };
        for scope in scopes {
            let Some((site, row)) = site_of(scope).zip(stock_row(snapshot, scope, sku.as_str())?) else { continue };
            match site == *own {
                true => {
                    known.here = row.sums.free_rights(control.epoch(&site)).max(0);
                    known.supply.now = self.promise_now(snapshot, control, (scope, &site), &row)?;
                }
                false => known.add_site(&row, as_of.get(&site).copied().flatten()),
            }
        }
        known.supply.elsewhere = known.elsewhere;
        Ok(Some(known))
    }
}

impl Known {
    /// Adds what another site shows; the oldest moment counts for all of them.
    fn add_site(&mut self, row: &StockRow, as_of: Option<EventTime>) {
        self.elsewhere += row.sums.available().max(0);
        self.as_of = match (self.as_of, as_of) {
            (Some(one), Some(other)) => Some(if other.at < one.at { other } else { one }),
            (one, other) => one.or(other),
        };
    }
}

fn view(line: PromiseLine, known: &mut Known) -> PromiseView {
    let outlook = known.supply.take(i128::from(line.quantity.thousandths()));
    PromiseView {
        sku: line.sku,
        name: known.name.clone(),
        quantity: line.quantity,
        here: QuantitySum(known.here),
        elsewhere: QuantitySum(known.elsewhere),
        elsewhere_as_of: known.as_of,
        now: QuantitySum(outlook.now),
        likely: QuantitySum(outlook.likely),
        backorder: QuantitySum(outlook.backorder),
    }
}

fn unknown(line: usize, sku: &Text) -> AppError {
    let remedy = "Create the product first or correct the SKU; letter case counts.";
    AppError::field(format!("/lines/{line}/sku"), format!("no product `{sku}`"), remedy)
}
