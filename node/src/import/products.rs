//! Reads a product file: one mapped product after the other, by SKU.
//!
//! Not a writer of documents.
//!
//! Invariants: every SKU comes at most once, its first row counts; codes keep their leading zeros. Proved by
//! `a_sku_that_comes_again_otherwise_is_a_reject` and `leading_zeros_of_codes_are_kept`.

use std::path::PathBuf;

use crdt_model::money::UnitPrice;
use crdt_model::product::barcode::Barcode;
use crdt_model::text::Text;

use super::cells::PackedCells;
use super::columns::{Columns, Field, FileKind, Mapping};
use super::delimiter::TextForm;
use super::intake::{Intake, Request};
use super::parse::FieldCells;
use super::rejects::{Fault, Reject};
use super::spool::SpooledRow;
use super::{ImportError, ImportFiles, Limits};

/// One product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedProduct {
    /// Its row in the file as a spreadsheet counts; the header is row 1.
    pub row: u64,
    /// The SKU, exactly as written but for ASCII blanks around it.
    pub sku: Text,
    /// The name.
    pub name: Text,
    /// The base unit.
    pub unit: Option<Text>,
    /// The bar codes.
    pub barcodes: Vec<Barcode>,
    /// The list price.
    pub price: Option<UnitPrice>,
    /// The row as it was read.
    pub cells: PackedCells,
}

/// What a product file held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProductSummary {
    /// Rows but for the header and empty ones; known from the start.
    pub rows: u64,
    /// Products handed out.
    pub products: u64,
    /// Rows that only repeat one before.
    pub repeated: u64,
    /// Rows that were set aside.
    pub rejects: u64,
}

/// A file that was spooled and is handed out product by product.
pub struct ProductReader {
    intake: Intake,
    summary: ProductSummary,
}

impl MappedProduct {
    fn read(columns: &Columns, row: SpooledRow) -> Result<Self, Reject> {
        let product = Self::fields(columns, row.row, &row.cells);
        match product {
            Ok(product) => Ok(Self { cells: row.cells, ..product }),
            Err(fault) => Err(fault.at(row.row, row.cells)),
        }
    }

    /// All but the cells.
    fn fields(columns: &Columns, row: u64, cells: &PackedCells) -> Result<Self, Fault> {
        let cells = FieldCells::new(columns, cells)?;
        Ok(Self {
            row,
            sku: cells.text(Field::Sku)?,
            name: cells.text(Field::Name)?,
            unit: cells.text_or_none(Field::Unit)?,
            barcodes: cells.barcodes()?,
            price: cells.price_or_none()?,
            cells: PackedCells::default(),
        })
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let said = |product: &Self| (product.unit.clone(), product.barcodes.clone(), product.price);
        self.name == other.name && said(self) == said(other)
    }
}

impl ProductReader {
    /// Reads the whole file into the spool; the count of rows and the encoding are known after it.
    pub fn open(files: &ImportFiles, mapping: &Mapping, form: TextForm, limits: &Limits) -> Result<Self, ImportError> {
        let intake = Request { files, kind: FileKind::Products, mapping, limits }.take_in(form)?;
        let summary = ProductSummary { rows: intake.rows, rejects: intake.rejects.count(), ..Default::default() };
        Ok(Self { intake, summary })
    }

    /// The name of the file's encoding.
    pub fn encoding(&self) -> &'static str {
        self.intake.encoding
    }

    /// The counts so far.
    pub fn summary(&self) -> &ProductSummary {
        &self.summary
    }

    /// The next product in the order of SKUs' bytes; `None` after the last.
    pub fn next_product(&mut self) -> Result<Option<MappedProduct>, ImportError> {
        while let Some(first) = self.intake.merge.next_row()? {
            let key = first.key.clone();
            let mut product = self.take(first)?;
            while self.intake.merge.next_key() == Some(&key) {
                let Some(row) = self.intake.merge.next_row()? else { break };
                self.take_again(&mut product, row)?;
            }
            if product.is_some() {
                self.summary.products += 1;
                return Ok(product);
            }
        }
        Ok(None)
    }

    /// Sets a product aside that [`ProductReader::next_product`] gave.
    pub fn reject_product(
        &mut self,
        product: MappedProduct,
        field: Option<Field>,
        reason: &str,
    ) -> Result<(), ImportError> {
        self.summary.products -= 1;
        self.reject(&Reject { row: product.row, field, reason: reason.to_owned(), cells: product.cells })
    }

    /// Puts the rejects file in its place; `None` where there are no rejects.
    pub fn finish(self) -> Result<(ProductSummary, Option<PathBuf>), ImportError> {
        let rejects_file = self.intake.rejects.finish().map_err(ImportError::Rejects)?;
        Ok((self.summary, rejects_file))
    }

    fn take(&mut self, row: SpooledRow) -> Result<Option<MappedProduct>, ImportError> {
        match MappedProduct::read(&self.intake.columns, row) {
            Ok(product) => Ok(Some(product)),
            Err(reject) => self.reject(&reject).map(|()| None),
        }
    }

    /// A further row of a SKU: the first good one counts.
    fn take_again(&mut self, product: &mut Option<MappedProduct>, row: SpooledRow) -> Result<(), ImportError> {
        let Some(again) = self.take(row)? else { return Ok(()) };
        match product {
            None => *product = Some(again),
            Some(first) if first.says_the_same(&again) => self.summary.repeated += 1,
            Some(first) => {
                let reason = format!("Row {} has this SKU with other content. Keep one of them.", first.row);
                self.reject(&Fault::of(Field::Sku, reason).at(again.row, again.cells))?;
            }
        }
        Ok(())
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), ImportError> {
        self.summary.rejects += 1;
        self.intake.rejects.write(reject).map_err(ImportError::Rejects)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    struct World {
        folder: tempfile::TempDir,
    }

    impl World {
        fn open(&self, rows: &str) -> ProductReader {
            let input = self.folder.path().join("in.csv");
            fs::write(&input, format!("Code,Name,Unit,EAN\n{rows}")).unwrap();
            let rejects = self.folder.path().join("rejects.csv");
            let files = ImportFiles { input, rejects, temporary: self.folder.path().to_owned() };
            let mapping = Mapping::from_list("sku:Code,name:Name,unit:Unit,barcode:EAN").unwrap();
            ProductReader::open(&files, &mapping, TextForm::DETECT, &Limits::STANDARD).unwrap()
        }
    }

    fn world() -> World {
        World { folder: tempfile::tempdir().unwrap() }
    }

    fn products(reader: &mut ProductReader) -> Vec<MappedProduct> {
        std::iter::from_fn(|| reader.next_product().unwrap()).collect()
    }

    #[test]
    fn leading_zeros_of_codes_are_kept() {
        let world = world();
        let mut reader = world.open("007, Teapot ,pc,0012345678905\n7,Cup,,\n");
        let products = products(&mut reader);
        assert_eq!((products[0].sku.as_str(), products[0].name.as_str()), ("007", "Teapot"));
        assert_eq!(products[0].barcodes[0].to_string(), "0012345678905");
        assert_eq!((products[1].sku.as_str(), &products[1].unit), ("7", &None));
        assert_eq!(reader.encoding(), "UTF-8");
        assert_eq!(reader.finish().unwrap(), (ProductSummary { rows: 2, products: 2, ..Default::default() }, None));
    }

    #[test]
    fn bar_codes_are_parted_and_checked_and_the_price_may_be_empty() {
        let world = world();
        let input = world.folder.path().join("in.csv");
        let rows = "a,Tea,4006381333931; 96385074;96385074,2.50\nb,Cup,4006381333932,1\nc,Pot,,\nd,Pan,,-1\n";
        fs::write(&input, format!("sku,name,barcode,price\n{rows}")).unwrap();
        let rejects = world.folder.path().join("rejects.csv");
        let files = ImportFiles { input, rejects, temporary: world.folder.path().to_owned() };
        let mut reader = ProductReader::open(&files, &Mapping::default(), TextForm::DETECT, &Limits::STANDARD).unwrap();
        let found = products(&mut reader);
        let codes: Vec<String> = found[0].barcodes.iter().map(ToString::to_string).collect();
        assert_eq!((codes, found[0].price), (vec!["4006381333931".into(), "96385074".into()], "2.5".parse().ok()));
        assert_eq!((found[1].sku.as_str(), &found[1].barcodes[..], found[1].price), ("c", &[][..], None));
        let text = fs::read_to_string(reader.finish().unwrap().1.unwrap()).unwrap();
        assert!(text.contains("the check digit is 2, it must be 1") && text.contains("is negative"), "{text}");
    }

    #[test]
    fn a_sku_that_comes_again_otherwise_is_a_reject() {
        let world = world();
        let mut reader = world.open("a,,,\na,Tea,,\nb,Cup,,\na,Tea,,\na,Pot,,\nA,Pan,,\n");
        let rows: Vec<_> = products(&mut reader).iter().map(|product| (product.sku.to_string(), product.row)).collect();
        assert_eq!(rows, [("A".to_owned(), 7), ("a".to_owned(), 3), ("b".to_owned(), 4)]);
        assert_eq!(*reader.summary(), ProductSummary { rows: 6, products: 3, repeated: 1, rejects: 2 });
        let text = fs::read_to_string(reader.finish().unwrap().1.unwrap()).unwrap();
        assert!(text.contains("6,sku,Row 3 has this SKU") && text.contains("2,name,"), "{text}");
    }

    #[test]
    fn a_product_handed_back_is_a_reject() {
        let world = world();
        let mut reader = world.open("a,Tea,,\n");
        let product = reader.next_product().unwrap().unwrap();
        reader.reject_product(product, Some(Field::Unit), "The unit differs.").unwrap();
        let (summary, file) = reader.finish().unwrap();
        assert_eq!(summary, ProductSummary { rows: 1, rejects: 1, ..Default::default() });
        assert!(fs::read_to_string(file.unwrap()).unwrap().ends_with("2,unit,The unit differs.,a,Tea,,\n"));
    }
}
