//! Reads an order file: one mapped order after the other, by external number, and the rejects file beside them.
//!
//! Not a writer of documents. Nothing of the store is seen here; the writer hands back what it cannot take.
//!
//! Invariants: every external number comes at most once; memory does not grow with the file. Proved by
//! `rows_of_an_order_need_not_stand_together` and `every_row_of_a_file_is_counted_once`.

use std::path::PathBuf;

use crdt_model::text::Text;

use super::columns::{Field, FileKind};
use super::delimiter::TextForm;
use super::intake::{Intake, Request};
use super::map::{MappedOrder, OrderBuilder};
use super::preset::OrderPlan;
use super::rejects::{Reject, RejectsFile};
use super::spool::{SpoolError, SpooledRow};
use super::summary::Summary;
use super::{ImportError, ImportFiles, Limits};

/// A file that was spooled and is handed out order by order.
pub struct OrderReader {
    plan: OrderPlan,
    intake: Intake,
    summary: Summary,
}

/// What is left after the last order.
#[derive(Debug)]
pub struct ImportEnd {
    /// The counts.
    pub summary: Summary,
    /// The rejects file; `None` where every row was taken.
    pub rejects_file: Option<PathBuf>,
}

impl OrderReader {
    /// Reads the whole file into the spool; the count of rows and the encoding are known after it.
    pub fn open(files: &ImportFiles, plan: OrderPlan, form: TextForm, limits: &Limits) -> Result<Self, ImportError> {
        let request = Request { files, kind: FileKind::Orders, mapping: plan.mapping(), limits };
        let intake = request.take_in(form)?;
        let summary = Summary { rows: intake.rows, rejects: intake.rejects.count(), ..Summary::default() };
        Ok(Self { plan, intake, summary })
    }

    /// The name of the file's encoding.
    pub fn encoding(&self) -> &'static str {
        self.intake.encoding
    }

    /// The counts so far; rows are complete from the start.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The next order in the order of external numbers' bytes; `None` after the last.
    pub fn next_order(&mut self) -> Result<Option<MappedOrder>, ImportError> {
        while let Some(first) = self.intake.merge.next_row()? {
            if let Some(order) = self.gather(first)? {
                self.summary.add(&order);
                return Ok(Some(order));
            }
        }
        Ok(None)
    }

    /// Sets an order aside that [`OrderReader::next_order`] gave: it counts as rejects from now on.
    pub fn reject_order(&mut self, order: &MappedOrder, field: Option<Field>, reason: &str) -> Result<(), ImportError> {
        let Self { intake, summary, .. } = self;
        summary.take_back(order);
        let rejects = order.to_rejects(field, reason);
        rejects.iter().try_for_each(|reject| set_aside(reject, &mut intake.rejects, summary))
    }

    /// Puts the rejects file in its place.
    pub fn finish(self) -> Result<ImportEnd, ImportError> {
        let rejects_file = self.intake.rejects.finish().map_err(ImportError::Rejects)?;
        Ok(ImportEnd { summary: self.summary, rejects_file })
    }

    fn gather(&mut self, first: SpooledRow) -> Result<Option<MappedOrder>, ImportError> {
        let Self { plan, intake: Intake { columns, merge, rejects, .. }, summary } = self;
        let key = first.key.clone();
        let external = Text::from_bytes("external number", &key).map_err(|_| SpoolError::Damaged { at: 0 })?;
        let mut builder = OrderBuilder::new(plan, columns, external);
        let mut next = Some(first);
        while let Some(row) = next {
            if let Err(reject) = builder.add(row) {
                set_aside(&reject, rejects, summary)?;
            }
            next = if merge.next_key() == Some(&key) { merge.next_row()? } else { None };
        }
        let (order, late) = builder.finish();
        late.iter().try_for_each(|reject| set_aside(reject, rejects, summary))?;
        Ok(order)
    }
}

fn set_aside(reject: &Reject, rejects: &mut RejectsFile, summary: &mut Summary) -> Result<(), ImportError> {
    summary.rejects += 1;
    rejects.write(reject).map_err(ImportError::Rejects)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;
    use std::io::Write;
    use std::path::Path;
    use std::time::Instant;

    use crdt_model::money::Currency;
    use proptest::prelude::*;

    use super::super::columns::Mapping;
    use super::super::map::Purpose;
    use super::super::preset::{DateFormat, ImportMode, Preset};
    use super::super::summary::Tally;
    use super::*;

    const MAP: &str = "external_number:No,order_time:Time,sku:Sku,quantity:Qty,price:Price";

    fn plan(preset: Option<Preset>) -> OrderPlan {
        let mapping = if preset.is_some() { Mapping::default() } else { Mapping::from_list(MAP).unwrap() };
        let mode = preset.is_none().then_some(ImportMode::History);
        OrderPlan::new(preset, mode, mapping, Currency::new("GBP", 2).unwrap(), DateFormat::YearFirst).unwrap()
    }

    fn files(folder: &Path, input: &Path) -> ImportFiles {
        ImportFiles { input: input.to_owned(), rejects: folder.join("rejects.csv"), temporary: folder.to_owned() }
    }

    fn read(preset: Option<Preset>, content: &str, limits: &Limits) -> (Vec<MappedOrder>, Summary, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.csv");
        fs::write(&input, content).unwrap();
        let files = files(folder.path(), &input);
        let mut reader = OrderReader::open(&files, plan(preset), TextForm::DETECT, limits).unwrap();
        let orders = std::iter::from_fn(|| reader.next_order().unwrap()).collect();
        let end = reader.finish().unwrap();
        (orders, end.summary, end.rejects_file.map(|path| fs::read_to_string(path).unwrap()))
    }

    #[test]
    fn rows_of_an_order_need_not_stand_together() {
        let content = "No,Time,Sku,Qty,Price\n2,2010-12-01,A,1,1\n1,2010-12-01,B,1,1\n2,2010-12-01,C,1,1\n";
        for run_bytes in [1, Limits::STANDARD.run_bytes] {
            let (orders, summary, rejects) = read(None, content, &Limits { run_bytes, ..Limits::STANDARD });
            let shape: Vec<_> = orders.iter().map(|order| (order.external.as_str(), order.lines.len())).collect();
            assert_eq!(shape, [("1", 1), ("2", 2)]);
            assert_eq!((orders[1].lines[1].row, summary.rows, rejects), (4, 3, None));
        }
    }

    #[test]
    fn an_order_handed_back_is_in_the_rejects_file_and_not_in_the_counts() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.csv");
        fs::write(&input, "No,Time,Sku,Qty,Price\n1,2010-12-01,A,1,1\n").unwrap();
        let files = files(folder.path(), &input);
        let mut reader = OrderReader::open(&files, plan(None), TextForm::DETECT, &Limits::STANDARD).unwrap();
        let order = reader.next_order().unwrap().unwrap();
        reader.reject_order(&order, Some(Field::ExternalNumber), "Known with other content.").unwrap();
        assert_eq!(*reader.summary(), Summary { rows: 1, rejects: 1, ..Summary::default() });
        assert_eq!(reader.encoding(), "UTF-8");
        let text = fs::read_to_string(reader.finish().unwrap().rejects_file.unwrap()).unwrap();
        assert!(text.ends_with("2,external_number,Known with other content.,1,2010-12-01,A,1,1\n"), "{text}");
    }

    #[test]
    fn rejects_that_were_put_right_can_be_imported() {
        let (_, _, rejects) = read(None, "No,Time,Sku,Qty,Price\n1,2010-12-01,A,-x,1\n", &Limits::STANDARD);
        let (orders, summary, rejects) = read(None, &rejects.unwrap().replace(",'-x,", ",5,"), &Limits::STANDARD);
        assert_eq!((orders[0].lines[0].quantity.to_string().as_str(), summary.rejects, rejects), ("5", 0, None));
    }

    #[test]
    fn an_order_of_2000_lines_with_long_chinese_names_is_whole() {
        let mut content =
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n".to_owned();
        for line in 0..2001 {
            content += &format!("1,{line:05},{},1,2024/1/5 8:30,9.9,,中国\n", "茶".repeat(200));
        }
        let (orders, summary, rejects) = read(Some(Preset::OnlineRetail), &content, &Limits::STANDARD);
        assert_eq!(orders[0].lines.len(), 2000);
        assert_eq!(orders[0].lines[7].sku.as_str(), "00007");
        assert_eq!(summary.rejects, 1);
        assert!(rejects.unwrap().lines().nth(1).unwrap().starts_with("2002,external_number,"));
    }

    proptest! {
        #[test]
        fn every_row_of_a_file_is_counted_once(
            rows in prop::collection::vec("[CA]?[1-3]?,(2010-12-01|x),[A\"]?,-?[0-2],[0-1](,x)?", 0..40),
            run_bytes in 1usize..2000,
        ) {
            let content = format!("InvoiceNo,InvoiceDate,StockCode,Quantity,UnitPrice\n{}\n", rows.join("\n"));
            let folder = tempfile::tempdir().unwrap();
            let input = folder.path().join("in.csv");
            fs::write(&input, content).unwrap();
            let mapping = Mapping::from_list(
                "external_number:InvoiceNo,order_time:InvoiceDate,sku:StockCode,quantity:Quantity,price:UnitPrice",
            ).unwrap();
            let gbp = Currency::new("GBP", 2).unwrap();
            let plan = OrderPlan::new(None, Some(ImportMode::History), mapping, gbp, DateFormat::YearFirst).unwrap();
            let limits = Limits { run_bytes, ..Limits::STANDARD };
            let mut reader =
                OrderReader::open(&files(folder.path(), &input), plan, TextForm::DETECT, &limits).unwrap();
            let orders: Vec<_> = std::iter::from_fn(|| reader.next_order().unwrap()).collect();
            prop_assert!(orders.is_sorted_by(|a, b| a.external < b.external));
            let end = reader.finish().unwrap();
            let lines: u64 = orders.iter().map(|order| order.lines.len() as u64).sum();
            prop_assert_eq!(end.summary.rows, lines + end.summary.rejects);
            let quoted = rows.iter().any(|row| row.contains('"'));
            prop_assert!(end.summary.rows == rows.len() as u64 || quoted, "a quoted cell may join lines, nothing else");
            prop_assert_eq!(end.rejects_file.is_some(), end.summary.rejects > 0);
        }
    }

    #[test]
    fn the_online_retail_file_has_its_known_counts() {
        let data = std::env::var_os("TRADEPOST_REAL_DATA").map(PathBuf::from).filter(|path| path.is_file());
        let mut note = std::io::stderr();
        let Some(input) = data else {
            writeln!(note, "skipped: file absent").unwrap();
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let begin = Instant::now();
        let files = files(folder.path(), &input);
        let plan = plan(Some(Preset::OnlineRetail));
        let mut reader = OrderReader::open(&files, plan, TextForm::DETECT, &Limits::STANDARD).unwrap();
        let spooled = begin.elapsed();
        let adjustments = std::iter::from_fn(|| reader.next_order().unwrap())
            .filter(|order| order.purpose == Purpose::Adjustment)
            .filter(|order| order.lines.len() == 1)
            .count();
        writeln!(note, "spooled after {spooled:?}, mapped after {:?}", begin.elapsed()).unwrap();
        assert_eq!(reader.encoding(), "UTF-8");
        let end = reader.finish().unwrap();
        assert_eq!(adjustments, 1_336);
        let expected = Summary {
            rows: 541_909,
            orders: Tally { documents: 20_725, lines: 531_282 },
            orders_with_sales: 19_959,
            orders_zero_price_only: 766,
            credit_orders: Tally { documents: 3_836, lines: 9_288 },
            adjustments: Tally { documents: 1_336, lines: 1_336 },
            rejects: 3,
        };
        assert_eq!(end.summary, expected);
        let rejects = fs::read_to_string(end.rejects_file.unwrap()).unwrap();
        assert!(rejects.contains("\n299984,external_number,"), "{rejects}");
    }
}
