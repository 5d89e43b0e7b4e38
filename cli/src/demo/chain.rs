//! A chain of made-up people and goods to look around in: head office, a store with two tills, a warehouse.
//!
//! Names, goods and regions are data files; who buys what is arithmetic over them, the same in every run.
//!
//! Invariant: what head office shows in the end is what the arithmetic says. Proved by
//! `the_demo_ends_well_and_serves_until_its_time_is_over` of `tests`.

use std::path::Path;

use serde_json::json;

use super::nodes::{Place, Site, look_until, text};
use super::story::{Say, digests_of, import_file};
use super::{Checks, words as w};
use crate::error::CliError;

const GOODS: &str = include_str!("../../data/chain_products.csv");
const PEOPLE: &str = include_str!("../../data/chain_people.csv");
const ZONE: &str = "Asia/Shanghai";
/// Members of the chain.
const MEMBERS: usize = 60;
/// Orders of the first till, and of the second.
const ORDERS: [usize; 2] = [40, 14];
/// Every so manieth item is on the shelf of the store; all of them are in the warehouse.
const ON_THE_SHELF: usize = 2;
/// How the goods' file is meant.
const COLUMNS: &str = "sku:sku,name:name,unit:unit,barcode:barcode,price:price";

/// The nodes of the chain.
pub struct Chain {
    office: Site,
    tills: [Site; 2],
    depot: Site,
}

/// An item: its code and price in minor units.
struct Item {
    sku: String,
    price: i64,
}

/// What the tills took.
#[derive(Default)]
struct Taken {
    orders: usize,
    gross: i64,
}

impl Chain {
    /// Makes and serves the nodes.
    pub fn start(folder: &Path) -> Result<Self, CliError> {
        let folder = folder.join("chain");
        std::fs::create_dir_all(&folder).map_err(|cause| CliError::File { path: folder.clone(), cause })?;
        let office = Site::found("chain/HQ", folder.join("HQ"), "CNY", ZONE)?;
        let enrol = |label, name: &str, code, kind| Site::enrol(&office, label, folder.join(name), (code, kind, ZONE));
        let tills =
            [enrol("chain/SH01-A", "SH01-A", "SH01", "store")?, enrol("chain/SH01-B", "SH01-B", "SH01", "store")?];
        let depot = enrol("chain/WH01", "WH01", "WH01", "warehouse")?;
        Ok(Self { office, tills, depot })
    }

    /// Where each node is.
    pub fn places(&self) -> Vec<Place> {
        [&self.office, &self.tills[0], &self.tills[1], &self.depot].map(Site::place).to_vec()
    }

    /// Ends all of them.
    pub fn stop(&mut self) -> Result<(), CliError> {
        let [first, second] = &mut self.tills;
        [&mut self.depot, second, first, &mut self.office].into_iter().try_for_each(Site::stop)
    }

    /// Goods, members, stock and some weeks' orders; head office must show what was taken.
    pub fn fill(&self, checks: &mut Checks, say: &mut Say<'_>) -> Result<(), CliError> {
        say(w::CHAIN.get(checks.lang()));
        let items = self.goods_and_members()?;
        self.exchange()?;
        self.stock(&items)?;
        self.exchange()?;
        let mut taken = Taken::default();
        for (till, count) in ORDERS.iter().enumerate() {
            for order in 0..*count {
                self.order(till, order, &items, &mut taken)?;
            }
        }
        self.exchange()?;
        let report = || super::story::sales(&self.office, false);
        let all = look_until(report, |report| report["complete"] == true)?;
        let orders = self.office.get(&["status"])?["orders"].to_string();
        say(&checks.same(w::CHAIN_ORDERS, &taken.orders.to_string(), &orders));
        let gross = format!("{}.{:02}", taken.gross / 100, taken.gross % 100);
        say(&checks.same(w::CHAIN_GROSS, &gross, &text(&all["totals"]["gross_sales"])));
        let digests = || digests_of(&self.office, [&self.tills[0], &self.tills[1], &self.depot]);
        let agree = |seen: &String| seen.split_once('/').is_some_and(|(equal, all)| equal == all && all != "0");
        let seen = look_until(digests, agree)?;
        let all = seen.rsplit('/').next().unwrap_or_default();
        say(&checks.same(w::CHAIN_DIGESTS, &format!("{all}/{all}"), &seen));
        Ok(())
    }

    fn exchange(&self) -> Result<(), CliError> {
        let [first, second] = &self.tills;
        [first, second, &self.depot, &self.office].into_iter().try_for_each(Site::exchange)
    }

    fn goods_and_members(&self) -> Result<Vec<Item>, CliError> {
        let parameters = [("kind", "products"), ("map", COLUMNS)];
        import_file(&self.office, "chain_products.csv", GOODS.as_bytes(), &parameters)?;
        let people: Vec<Vec<&str>> = PEOPLE.lines().skip(1).map(|line| line.split(',').collect()).collect();
        let word = |row: usize, column: usize| people[row % people.len()].get(column).copied().unwrap_or_default();
        for member in 0..MEMBERS {
            let name = format!("{}{}", word(member * 7, 0), word(member * 11 + member / 20, 1));
            // 199 is no prefix of a network: nobody's phone rings.
            let phone = format!("199{:08}", 10_000_019 * (member + 1) % 100_000_000);
            let address = word(member * 3, 2);
            self.office.post(&["customers"], json!({"name": name, "phone": phone, "address": address}))?;
        }
        let item = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            let price = cells.last().and_then(|price| price.replace('.', "").parse().ok()).unwrap_or_default();
            Item { sku: cells[0].to_owned(), price }
        };
        Ok(GOODS.lines().skip(1).map(item).collect())
    }

    fn stock(&self, items: &[Item]) -> Result<(), CliError> {
        let receive = |site: &Site, sku: &str, quantity: usize| {
            let came = json!({"sku": sku, "quantity": quantity.to_string(), "reference": format!("DN-{sku}")});
            site.post(&["stock", "receipts"], came)
        };
        for (at, item) in items.iter().enumerate() {
            receive(&self.depot, &item.sku, 100 + at * 13 % 70)?;
            if at % ON_THE_SHELF == 0 {
                receive(&self.tills[0], &item.sku, 6 + at * 5 % 30)?;
                let loan = json!({"sku": item.sku, "quantity": "3", "holder": "B"});
                self.tills[0].post(&["stock", "loans"], loan)?;
            }
        }
        Ok(())
    }

    /// One order of a till: paid at once, to be sent, promised, or called off.
    fn order(&self, till: usize, order: usize, items: &[Item], taken: &mut Taken) -> Result<(), CliError> {
        let site = &self.tills[till];
        let mut lines = Vec::new();
        let mut total = 0;
        for line in 0..1 + (order + till) % 3 {
            let item = &items[(order * 7 + line * 12 + till * 5) * ON_THE_SHELF % items.len()];
            let quantity = 1 + (order + line) % 2;
            total += item.price * quantity as i64;
            let price = format!("{}.{:02}", item.price / 100, item.price % 100);
            lines.push(json!({"sku": item.sku, "quantity": quantity.to_string(), "price": price}));
        }
        let kind = order % 8;
        let walk_in = kind < 5;
        let paid = format!("{}.{:02}", total / 100, total % 100);
        let tender = ["wechat", "alipay", "cash", "card"][order % 4];
        let mut body = json!({"walk_in": walk_in, "lines": lines});
        if walk_in {
            body["payments"] = json!([{"tender": tender, "amount": paid}]);
        } else {
            let member = PEOPLE.lines().skip(1).nth(order % 20).unwrap_or_default();
            let cells: Vec<&str> = member.split(',').collect();
            body["contact"] =
                json!({"name": format!("{}{}", cells[0], cells[1]), "phone": "19900000000", "address": cells[2]});
        }
        let number = text(&site.post(&["orders"], body)?["number"]);
        taken.orders += 1;
        match kind {
            6 => drop(site.post(&["orders", &number, "confirm"], json!({}))?),
            7 => drop(site.post(&["orders", &number, "cancel"], json!({"reason": "changed"}))?),
            _taken_as_it_is => {}
        }
        // Sales are counted when they are taken; what is called off later is no credit order.
        taken.gross += total;
        Ok(())
    }
}
