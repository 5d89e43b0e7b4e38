//! Rows of one order number to one order, and the rows that break a rule to rejects.
//!
//! Not a document: identity, time zone and signing are the writer's. Rows are taken one at a time, so that a number
//! with millions of rows costs no more memory than an order of the largest size.
//!
//! Invariants: every row is a line or a reject, never both, never neither; lines stand in file order; a row that is set
//! aside says nothing about the order's time, customer, region or currency unless it was set aside at the end. Proved
//! by `every_row_is_a_line_or_a_reject`, `line_2001_is_a_reject` and `rows_of_a_later_currency_are_rejects`.

use chrono::NaiveDateTime;
use crdt_model::money::{Currency, UnitPrice};
use crdt_model::quantity::Quantity;
use crdt_model::text::Text;

use super::cells::PackedCells;
use super::columns::{Columns, Field};
use super::parse::FieldCells;
use super::preset::{NumberKind, OrderPlan};
use super::rejects::{Fault, Reject, excerpt};
use super::spool::SpooledRow;

/// Lines that an order can have.
pub const LINES_MAX: usize = 2_000;
/// Bytes of cells that the rows of an order can have together: its document may have 4 MiB.
pub const ORDER_BYTES_MAX: usize = 5 << 19;

/// What an imported order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Goods sold: quantities are positive.
    Sale,
    /// Goods taken back: quantities are negative.
    Credit,
    /// Goods written off without a customer: quantities are negative.
    Adjustment,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedLine {
    /// Its row in the file as a spreadsheet counts; the header is row 1.
    pub row: u64,
    /// The item, exactly as written but for ASCII blanks around it.
    pub sku: Text,
    /// The item's name.
    pub name: Option<Text>,
    /// Units; never zero, the sign is the purpose's.
    pub quantity: Quantity,
    /// Price of one unit; never negative.
    pub price: UnitPrice,
    /// The row as it was read.
    pub cells: PackedCells,
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedOrder {
    /// Its number in the channel.
    pub external: Text,
    /// What it is.
    pub purpose: Purpose,
    /// The earliest line's order time as it is written in the file.
    pub time_text: Text,
    /// The same as a local time; the zone is the channel's.
    pub time: NaiveDateTime,
    /// The customer's number.
    pub customer: Option<Text>,
    /// Country or region.
    pub region: Option<Text>,
    /// The file's currency, or the plan's where it names none.
    pub currency: Currency,
    /// At least one and at most [`LINES_MAX`], in file order.
    pub lines: Vec<MappedLine>,
}

impl MappedOrder {
    /// Whether a line has a quantity and a price above zero.
    pub fn has_sales(&self) -> bool {
        self.lines.iter().any(|line| line.quantity.is_positive() && line.price.is_positive())
    }

    /// All its rows as rejects, for an order that the writer cannot take.
    pub fn to_rejects(&self, field: Option<Field>, reason: &str) -> Vec<Reject> {
        let reject =
            |line: &MappedLine| Reject { row: line.row, field, reason: reason.to_owned(), cells: line.cells.clone() };
        self.lines.iter().map(reject).collect()
    }
}

/// What the rows of an order must agree on; an empty cell agrees with anything.
#[derive(Debug, Clone, Default)]
struct Shared {
    customer: Option<Text>,
    region: Option<Text>,
    currency: Option<Currency>,
}

struct Draft {
    line: MappedLine,
    time: NaiveDateTime,
}

/// Puts one order together.
pub(super) struct OrderBuilder<'a> {
    plan: &'a OrderPlan,
    columns: &'a Columns,
    external: Text,
    kind: NumberKind,
    shared: Shared,
    drafts: Vec<Draft>,
    bytes: usize,
}

impl<'a> OrderBuilder<'a> {
    pub(super) fn new(plan: &'a OrderPlan, columns: &'a Columns, external: Text) -> Self {
        let kind = plan.number_kind(external.as_str());
        Self { plan, columns, external, kind, shared: Shared::default(), drafts: Vec::new(), bytes: 0 }
    }

    /// Adds the next row in file order.
    pub(super) fn add(&mut self, row: SpooledRow) -> Result<(), Reject> {
        let size = row.cells.size();
        match self.check_room(size).and_then(|()| self.read(&row)) {
            Ok((draft, shared)) => {
                self.bytes += size;
                self.shared = shared;
                self.drafts.push(Draft { line: MappedLine { cells: row.cells, ..draft.line }, ..draft });
                Ok(())
            }
            Err(fault) => Err(fault.at(row.row, row.cells)),
        }
    }

    /// Ends the order; `None` where no row is left of it.
    pub(super) fn finish(mut self) -> (Option<MappedOrder>, Vec<Reject>) {
        let currency = self.shared.currency.unwrap_or(self.plan.currency());
        let mut rejects = self.set_aside_negative_rows_of_a_sale();
        rejects.extend(self.set_aside_totals_past_the_bound(&currency));
        (self.order(currency), rejects)
    }

    fn check_room(&self, size: usize) -> Result<(), Fault> {
        if self.drafts.len() == LINES_MAX {
            let reason = format!("The order has more than {LINES_MAX} lines. Split it under two numbers.");
            return Err(Fault::of(Field::ExternalNumber, reason));
        }
        if self.bytes + size > ORDER_BYTES_MAX {
            let reason =
                format!("The order's rows have more than {ORDER_BYTES_MAX} bytes. Shorten their cells or split it.");
            return Err(Fault::of(Field::ExternalNumber, reason));
        }
        Ok(())
    }

    fn read(&self, row: &SpooledRow) -> Result<(Draft, Shared), Fault> {
        if self.kind == NumberKind::Bookkeeping {
            let reason = "Numbers that begin with A are entries of bookkeeping, not orders. Enter it in the accounts.";
            return Err(Fault::of(Field::ExternalNumber, reason));
        }
        let cells = FieldCells::new(self.columns, &row.cells)?;
        let line = MappedLine {
            row: row.row,
            sku: cells.text(Field::Sku)?,
            name: cells.text_or_none(Field::Name)?,
            quantity: self.signed_quantity(&cells)?,
            price: cells.price()?,
            cells: PackedCells::default(),
        };
        Ok((Draft { line, time: self.time(&cells)? }, self.shared.with(&cells)?))
    }

    fn signed_quantity(&self, cells: &FieldCells<'_>) -> Result<Quantity, Fault> {
        let quantity = cells.quantity()?;
        let reason = match (self.kind, quantity.is_positive()) {
            (NumberKind::Sale, false) => "is negative in a sale. Give the units sold, or import returns on their own.",
            (NumberKind::Credit, true) => "is positive in a credit. Give it with a minus, or under an ordinary number.",
            (NumberKind::Sale, true)
            | (NumberKind::Credit, false)
            | (NumberKind::SaleOrAdjustment | NumberKind::Bookkeeping, _) => return Ok(quantity),
        };
        Err(Fault::of(Field::Quantity, format!("The quantity {quantity} {reason}")))
    }

    fn time(&self, cells: &FieldCells<'_>) -> Result<NaiveDateTime, Fault> {
        let cell = cells.get(Field::OrderTime);
        self.plan.dates().parse(cell).ok_or_else(|| {
            let example = self.plan.dates().example();
            let reason = match cell {
                "" => format!("The cell of `order_time` is empty. Write it as {example}."),
                _ => format!("`{}` is not a date from 1900 on. Write it as {example}.", excerpt(cell)),
            };
            Fault::of(Field::OrderTime, reason)
        })
    }

    /// One number cannot be a sale and an adjustment at once.
    fn set_aside_negative_rows_of_a_sale(&mut self) -> Vec<Reject> {
        if !self.drafts.iter().any(|draft| draft.line.quantity.is_positive()) {
            return Vec::new();
        }
        let reason = "The row takes goods off an invoice that also sells some. Give it a number of its own.";
        let negative = self.drafts.extract_if(.., |draft| !draft.line.quantity.is_positive());
        negative.map(|draft| Fault::of(Field::Quantity, reason).at(draft.line.row, draft.line.cells)).collect()
    }

    fn set_aside_totals_past_the_bound(&mut self, currency: &Currency) -> Vec<Reject> {
        let reason = "Price times quantity is larger than an amount can be. Correct them, or split the row.";
        let past = |draft: &mut Draft| draft.line.price.total(draft.line.quantity, currency).is_err();
        let past = self.drafts.extract_if(.., past);
        past.map(|draft| Fault::of(Field::Price, reason).at(draft.line.row, draft.line.cells)).collect()
    }

    fn order(self, currency: Currency) -> Option<MappedOrder> {
        let earliest = self.drafts.iter().min_by_key(|draft| draft.time)?;
        let time = earliest.time;
        let time_text = FieldCells::new(self.columns, &earliest.line.cells)
            .and_then(|cells| cells.text(Field::OrderTime))
            .expect("invariant: this cell was read as a date before");
        let purpose = match (self.kind, earliest.line.quantity.is_positive()) {
            (NumberKind::Credit, _) => Purpose::Credit,
            (NumberKind::Sale | NumberKind::Bookkeeping, _) | (NumberKind::SaleOrAdjustment, true) => Purpose::Sale,
            (NumberKind::SaleOrAdjustment, false) => Purpose::Adjustment,
        };
        Some(MappedOrder {
            external: self.external,
            purpose,
            time_text,
            time,
            customer: self.shared.customer,
            region: self.shared.region,
            currency,
            lines: self.drafts.into_iter().map(|draft| draft.line).collect(),
        })
    }
}

impl Shared {
    /// These values and what a further row adds to them.
    fn with(&self, cells: &FieldCells<'_>) -> Result<Self, Fault> {
        Ok(Self {
            customer: agreed(Field::Customer, &self.customer, cells.text_or_none(Field::Customer)?)?,
            region: agreed(Field::Region, &self.region, cells.text_or_none(Field::Region)?)?,
            currency: agreed(Field::Currency, &self.currency, cells.currency()?)?,
        })
    }
}

fn agreed<T: Clone + PartialEq>(field: Field, known: &Option<T>, read: Option<T>) -> Result<Option<T>, Fault> {
    match (known, read) {
        (Some(known), Some(read)) if *known != read => {
            let name = field.name();
            let reason =
                format!("An earlier row of this order has another {name}. Give the rows one {name}, or two numbers.");
            Err(Fault::of(field, reason))
        }
        (Some(known), _) => Ok(Some(known.clone())),
        (None, read) => Ok(read),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::super::cells::Cells;
    use super::super::columns::{FileKind, Mapping};
    use super::super::preset::{DateFormat, ImportMode, Preset};
    use super::*;

    const COLUMNS: [&str; 9] =
        ["external_number", "order_time", "sku", "name", "quantity", "price", "customer", "region", "currency"];

    fn mapping() -> Mapping {
        Mapping::from_list(&COLUMNS.map(|name| format!("{name}:{name}")).join(",")).unwrap()
    }

    fn map(preset: Option<Preset>, number: &str, rows: &[String]) -> (Option<MappedOrder>, Vec<Reject>) {
        let gbp = Currency::new("GBP", 2).unwrap();
        let plan = OrderPlan::new(preset, Some(ImportMode::History), mapping(), gbp, DateFormat::YearFirst).unwrap();
        let columns = plan.mapping().resolve(FileKind::Orders, &COLUMNS.map(str::to_owned)).unwrap();
        let mut builder = OrderBuilder::new(&plan, &columns, Text::new(number).unwrap());
        let mut rejects = Vec::new();
        for (row, text) in (2u64..).zip(rows) {
            let mut cells = Cells::default();
            cells.push(number.as_bytes());
            text.split('|').for_each(|cell| cells.push(cell.as_bytes()));
            let row = SpooledRow { key: number.as_bytes().to_vec(), row, cells: cells.pack() };
            rejects.extend(builder.add(row).err());
        }
        let (order, late) = builder.finish();
        rejects.extend(late);
        (order, rejects)
    }

    fn plain(rows: &[&str]) -> (Option<MappedOrder>, Vec<Reject>) {
        map(None, "77", &rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>())
    }

    fn online_retail(number: &str, quantities: &[&str]) -> (Option<MappedOrder>, Vec<Reject>) {
        let rows: Vec<_> = quantities.iter().map(|q| format!("2010-12-01|A||{q}|1||UK|")).collect();
        map(Some(Preset::OnlineRetail), number, &rows)
    }

    fn rows(lines: &[MappedLine]) -> Vec<u64> {
        lines.iter().map(|line| line.row).collect()
    }

    #[test]
    fn an_order_takes_its_earliest_time_as_it_is_written() {
        let (order, rejects) = plain(&["2010/12/1 9:00|B|b|1|1|||", "2010-12-01 08:59|A|a|2|2.5|||"]);
        let order = order.unwrap();
        assert_eq!(
            (order.time_text.as_str(), order.time.to_string().as_str()),
            ("2010-12-01 08:59", "2010-12-01 08:59:00")
        );
        assert_eq!((rows(&order.lines), order.purpose, order.currency.code()), (vec![2, 3], Purpose::Sale, "GBP"));
        assert!(rejects.is_empty());
    }

    #[test]
    fn rows_of_a_later_currency_are_rejects() {
        let (order, rejects) = plain(&[
            "2010-12-01|A||1|1|||",
            "2010-12-01|A||1|1|||EUR",
            "2010-12-01|A||1|1|||USD",
            "2010-12-01|A||1|1|||EUR",
            "2010-12-01|A||1|1|||USD",
        ]);
        let order = order.unwrap();
        assert_eq!((order.currency.code(), rows(&order.lines)), ("EUR", vec![2, 3, 5]));
        assert!(rejects.iter().all(|reject| reject.field == Some(Field::Currency)));
        assert_eq!(rejects.iter().map(|reject| reject.row).collect::<Vec<_>>(), [4, 6]);
    }

    #[test]
    fn rows_of_another_customer_or_region_are_rejects() {
        let (order, rejects) = plain(&[
            "2010-12-01|A||1|1|||",
            "2010-12-01|A||1|1|c1|UK|",
            "2010-12-01|A||1|1|c2|UK|",
            "2010-12-01|A||1|1|c1|FR|",
        ]);
        let order = order.unwrap();
        assert_eq!((order.customer.unwrap().as_str(), order.region.unwrap().as_str()), ("c1", "UK"));
        let fields: Vec<_> = rejects.iter().map(|reject| (reject.row, reject.field.unwrap())).collect();
        assert_eq!(fields, [(4, Field::Customer), (5, Field::Region)]);
    }

    #[test]
    fn a_row_that_is_set_aside_says_nothing_about_the_order() {
        let (order, rejects) = plain(&["2009-01-01|A||x|1|c9|FR|EUR", "2010-12-01|A||1|1|c1|UK|"]);
        let order = order.unwrap();
        assert_eq!((order.time_text.as_str(), order.currency.code()), ("2010-12-01", "GBP"));
        assert_eq!((order.customer.unwrap().as_str(), rejects.len()), ("c1", 1));
    }

    #[test]
    fn line_2001_is_a_reject() {
        let row = "2010-12-01|A||1|1|||".to_owned();
        let (order, rejects) = map(None, "77", &vec![row.clone(); LINES_MAX]);
        assert_eq!((order.unwrap().lines.len(), rejects.len()), (LINES_MAX, 0));
        let (order, rejects) = map(None, "77", &vec![row; LINES_MAX + 1]);
        assert_eq!((order.unwrap().lines.len(), rejects.len()), (LINES_MAX, 1));
        assert_eq!((rejects[0].row, rejects[0].field), (2002, Some(Field::ExternalNumber)));
        assert!(rejects[0].reason.contains("2000 lines"));
    }

    #[test]
    fn an_order_of_more_bytes_than_the_limit_is_cut_there() {
        let gbp = Currency::new("GBP", 2).unwrap();
        let plan = OrderPlan::new(None, Some(ImportMode::History), mapping(), gbp, DateFormat::YearFirst).unwrap();
        let columns = plan.mapping().resolve(FileKind::Orders, &COLUMNS.map(str::to_owned)).unwrap();
        let mut builder = OrderBuilder::new(&plan, &columns, Text::new("1").unwrap());
        builder.bytes = ORDER_BYTES_MAX - 10;
        assert!(builder.check_room(10).is_ok());
        assert!(builder.check_room(11).is_err());
    }

    #[test]
    fn bad_dates_and_negative_quantities_are_rejects_with_a_remedy() {
        let (order, rejects) = plain(&["1/12/2010|A||1|1|||", "|A||1|1|||", "2010-12-01|A||-1|1|||"]);
        assert_eq!(order, None);
        assert!(rejects[0].reason.contains("2010-12-31 08:26"));
        assert!(rejects[1].reason.contains("empty"));
        assert!(rejects[2].reason.contains("negative in a sale"));
    }

    #[test]
    fn a_line_total_past_the_bound_is_a_reject() {
        let (order, rejects) = plain(&["2010-12-01|A||1000000000|10000|||", "2010-12-01|A||1000000000|10000.01|||"]);
        assert_eq!((rows(&order.unwrap().lines), rejects[0].row), (vec![2], 3));
        assert_eq!(rejects[0].field, Some(Field::Price));
    }

    #[test]
    fn invoices_with_c_are_credits_and_have_negative_quantities() {
        let (order, rejects) = online_retail("C1", &["-1", "2"]);
        let order = order.unwrap();
        assert_eq!((order.purpose, rows(&order.lines), rejects[0].row), (Purpose::Credit, vec![2], 3));
        assert!(!order.has_sales());
    }

    #[test]
    fn invoices_with_a_are_rejects() {
        let (order, rejects) = online_retail("A1", &["1", "1"]);
        assert_eq!((order, rejects.len()), (None, 2));
    }

    #[test]
    fn an_ordinary_invoice_of_negative_rows_is_an_adjustment() {
        let (order, rejects) = online_retail("1", &["-1", "-2"]);
        assert_eq!((order.unwrap().purpose, rejects.len()), (Purpose::Adjustment, 0));
    }

    #[test]
    fn negative_rows_of_an_invoice_that_sells_are_rejects() {
        let (order, rejects) = online_retail("1", &["-1", "2", "-3"]);
        let order = order.unwrap();
        assert_eq!((order.purpose, rows(&order.lines)), (Purpose::Sale, vec![3]));
        assert_eq!(rejects.iter().map(|reject| reject.row).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn an_order_can_be_set_aside_as_a_whole() {
        let (order, _) = plain(&["2010-12-01|A||1|1|||", "2010-12-01|B||1|0|||"]);
        let rejects = order.unwrap().to_rejects(Some(Field::ExternalNumber), "Known with other content.");
        assert_eq!(rejects.len(), 2);
        assert_eq!(rejects[1].cells.iter().nth(2).unwrap(), b"B");
    }

    proptest! {
        #[test]
        fn every_row_is_a_line_or_a_reject(
            number in "[AC]?1",
            rows in prop::collection::vec("(2010-12-0[0-3]|x)\\|A?\\|n?\\|-?[0-2x]\\|[0-1-]\\|c?\\|\\|(EUR|USD|e)?", 0..30)
        ) {
            for preset in [None, Some(Preset::OnlineRetail)] {
                let (order, rejects) = map(preset, &number, &rows);
                let lines = order.as_ref().map_or(Vec::new(), |order| super::tests::rows(&order.lines));
                prop_assert!(lines.is_sorted());
                prop_assert!(order.is_none() || !lines.is_empty());
                let mut all: Vec<u64> = lines.into_iter().chain(rejects.iter().map(|reject| reject.row)).collect();
                all.sort_unstable();
                prop_assert_eq!(all, (2..2 + rows.len() as u64).collect::<Vec<_>>());
            }
        }
    }
}
