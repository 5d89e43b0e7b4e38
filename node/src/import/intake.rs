//! The way from a file to sorted rows: encoding, header, columns, the form of each row, the spool.
//!
//! Not the meaning of cells beyond the key by which rows are sorted.
//!
//! Invariants: every row but blank ones is spooled or a reject; a file whose encoding shows late is read again from
//! its start with nothing kept of the first reading. Proved by `rows_that_have_no_form_are_rejects` and
//! `a_file_that_turns_out_to_be_gbk_late_is_read_again`.

use crdt_model::text::Text;

use super::cells::Cells;
use super::columns::{Columns, Field, FileKind, Mapping};
use super::delimiter::TextForm;
use super::parse::{required_text, trim_key, undecodable};
use super::record::{QuoteFault, Record, RecordReader};
use super::rejects::{Fault, RejectsFile, bare, is_rejects_header};
use super::source::{EncodingChoice, SourceError, TextSource, UNDECODABLE};
use super::spool::{Merge, Spool};
use super::{CELL_BYTES_MAX, COLUMNS_MAX, ImportError, ImportFiles, Limits};

/// A file that was read once, its rows sorted by key.
pub(super) struct Intake {
    pub columns: Columns,
    pub encoding: &'static str,
    pub rows: u64,
    pub merge: Merge,
    pub rejects: RejectsFile,
}

/// What to read and how.
pub(super) struct Request<'a> {
    pub files: &'a ImportFiles,
    pub kind: FileKind,
    pub mapping: &'a Mapping,
    pub limits: &'a Limits,
}

impl Request<'_> {
    pub(super) fn take_in(&self, form: TextForm) -> Result<Intake, ImportError> {
        match self.read_once(form) {
            Err(ImportError::Source(SourceError::OtherEncoding { found })) => {
                self.read_once(TextForm { encoding: EncodingChoice::Fixed(found), ..form })
            }
            result => result,
        }
    }

    fn read_once(&self, form: TextForm) -> Result<Intake, ImportError> {
        let source = TextSource::open(&self.files.input, form.encoding, self.limits.bytes)?;
        let mut reader = RecordReader::new(source, form.delimiter);
        let mut cells = Cells::default();
        let mut header = read_header(&mut reader, &mut cells)?;
        let origin = Origin::of(&header);
        header.iter_mut().for_each(|name| *name = origin.text(name.as_bytes()));
        let columns = self.mapping.resolve(self.kind, &header)?;
        let mut rejects = RejectsFile::create(&self.files.rejects, &header).map_err(ImportError::Rejects)?;
        let mut spool = Spool::new_in(&self.files.temporary, self.limits.run_bytes)?;
        let form = Form { header: &header, key: key_field(self.kind), place: key_place(&columns, self.kind) };
        let mut rows = 0;
        while let Some(record) = reader.read(&mut cells)? {
            if cells.iter().all(<[u8]>::is_empty) {
                continue;
            }
            origin.mend(&mut cells);
            rows += 1;
            if rows > self.limits.rows {
                return Err(ImportError::TooManyRows { limit: self.limits.rows });
            }
            match form.check(record, &cells) {
                Ok(key) => spool.push(key.as_str().as_bytes(), reader.row(), &cells)?,
                Err(fault) => {
                    rejects.write(&fault.at(reader.row(), cells.pack())).map_err(ImportError::Rejects)?;
                }
            }
        }
        Ok(Intake { columns, encoding: reader.encoding(), rows, merge: spool.merge()?, rejects })
    }
}

fn key_field(kind: FileKind) -> Field {
    match kind {
        FileKind::Orders => Field::ExternalNumber,
        FileKind::Products => Field::Sku,
    }
}

fn key_place(columns: &Columns, kind: FileKind) -> usize {
    columns.place(key_field(kind)).expect("invariant: a mapping that resolves has the required fields")
}

/// Who wrote the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Somebody else.
    Others,
    /// We, as a rejects file: its cells are protected against spreadsheets.
    Rejects,
}

impl Origin {
    fn of(header: &[String]) -> Self {
        if is_rejects_header(header) { Self::Rejects } else { Self::Others }
    }

    fn text(self, cell: &[u8]) -> String {
        let cell = if self == Self::Rejects { bare(cell) } else { cell };
        String::from_utf8_lossy(cell).into_owned()
    }

    fn mend(self, cells: &mut Cells) {
        if self == Self::Rejects {
            cells.replace_each(bare);
        }
    }
}

/// The first row that is not blank.
fn read_header(reader: &mut RecordReader, cells: &mut Cells) -> Result<Vec<String>, ImportError> {
    loop {
        match reader.read(cells)? {
            Some(Record::Row) if cells.iter().all(|cell| cell.trim_ascii().is_empty()) => {}
            Some(Record::Row) => break,
            Some(Record::Malformed(fault)) => return Err(ImportError::HeaderMalformed { reason: quote_reason(fault) }),
            None => return Err(ImportError::Empty),
        }
    }
    if cells.count() > COLUMNS_MAX {
        return Err(ImportError::TooManyColumns { columns: cells.count() });
    }
    let long = cells.iter().any(|cell| cell.len() > CELL_BYTES_MAX);
    if long || cells.bytes().contains(&UNDECODABLE) {
        return Err(ImportError::HeaderMalformed { reason: "A column's name is too long or not text." });
    }
    Ok(cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect())
}

/// What a row must look like.
struct Form<'a> {
    header: &'a [String],
    key: Field,
    place: usize,
}

impl Form<'_> {
    fn check(&self, record: Record, cells: &Cells) -> Result<Text, Fault> {
        match record {
            Record::Row => {}
            Record::Malformed(fault) => return Err(Fault::of_row(quote_reason(fault))),
        }
        let (count, expected) = (cells.count(), self.header.len());
        if count != expected {
            let reason =
                format!("The row has {count} cells and the header {expected}. Check its delimiters and quotes.");
            return Err(Fault::of_row(reason));
        }
        if let Some((name, _)) = self.header.iter().zip(cells.iter()).find(|(_, cell)| cell.len() > CELL_BYTES_MAX) {
            let name = super::rejects::excerpt(name);
            return Err(Fault::of_row(format!(
                "The cell of column `{name}` has more than {CELL_BYTES_MAX} bytes. Shorten it."
            )));
        }
        if cells.bytes().contains(&UNDECODABLE) {
            return Err(undecodable());
        }
        let key = std::str::from_utf8(cells.get(self.place).unwrap_or_default()).map_err(|_| undecodable())?;
        required_text(self.key, trim_key(key))
    }
}

fn quote_reason(fault: QuoteFault) -> &'static str {
    match fault {
        QuoteFault::Unclosed => "A quoted cell has no closing quote. Close it, or double the quotes inside it.",
        QuoteFault::TextAfterQuote => "Text follows a closing quote. Double the quotes inside the cell.",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use encoding_rs::GB18030;

    use super::super::rejects::Reject;
    use super::super::source::WINDOW_BYTES;
    use super::*;

    const LIMITS: Limits = Limits { bytes: 1 << 30, rows: 5, run_bytes: 1 << 20 };

    struct World {
        _folder: tempfile::TempDir,
        files: ImportFiles,
    }

    fn world(content: impl AsRef<[u8]>) -> World {
        let folder = tempfile::tempdir().unwrap();
        let files = ImportFiles {
            input: folder.path().join("in.csv"),
            rejects: folder.path().join("rejects.csv"),
            temporary: folder.path().to_owned(),
        };
        fs::write(&files.input, content).unwrap();
        World { _folder: folder, files }
    }

    fn take_in(world: &World, limits: &Limits) -> Result<Intake, ImportError> {
        let mapping = Mapping::from_list("sku:Sku,name:Name").unwrap();
        let request = Request { files: &world.files, kind: FileKind::Products, mapping: &mapping, limits };
        request.take_in(TextForm::DETECT)
    }

    fn keys(mut intake: Intake) -> Vec<(String, u64)> {
        let mut keys = Vec::new();
        while let Some(row) = intake.merge.next_row().unwrap() {
            keys.push((String::from_utf8(row.key).unwrap(), row.row));
        }
        keys
    }

    fn error(content: impl AsRef<[u8]>) -> ImportError {
        take_in(&world(content), &LIMITS).err().unwrap()
    }

    #[test]
    fn blank_rows_are_skipped_and_still_numbered() {
        let world = world(" Sku ,Name\n\nb,1\n,\na,2\n\n");
        let intake = take_in(&world, &LIMITS).unwrap();
        assert_eq!(intake.rows, 2);
        assert_eq!(keys(intake), [("a".to_owned(), 5), ("b".to_owned(), 3)]);
    }

    #[test]
    fn a_file_of_a_header_alone_has_no_rows() {
        for content in ["Sku,Name", "Sku,Name\n", "\n\nSku;Name\r\n\r\n", "\u{FEFF}Sku\tName\n"] {
            let world = world(content);
            let intake = take_in(&world, &LIMITS).unwrap();
            assert_eq!((intake.rows, intake.rejects.count()), (0, 0), "{content:?}");
            assert_eq!(intake.rejects.finish().unwrap(), None);
        }
    }

    #[test]
    fn files_of_semicolons_and_tabs_are_read_as_those_of_commas() {
        for content in ["Sku;Name\na;1,5\n", "Sku\tName\na\t1;5\n", "\"Sku\";\"Name\"\n\"a\";\"x;y\"\n"] {
            let world = world(content);
            assert_eq!(keys(take_in(&world, &LIMITS).unwrap()), [("a".to_owned(), 2)], "{content:?}");
        }
    }

    #[test]
    fn protected_cells_of_a_rejects_file_are_bared_and_those_of_others_are_not() {
        let rejects = world("\u{FEFF}row,field,reason,'=Sku,Name\n7,sku,bad,'=A1,'-x\n");
        let mapping = Mapping::from_list("sku:=Sku,name:Name").unwrap();
        let request = |world| Request { files: world, kind: FileKind::Products, mapping: &mapping, limits: &LIMITS };
        let mut merge = request(&rejects.files).take_in(TextForm::DETECT).unwrap().merge;
        let row = merge.next_row().unwrap().unwrap();
        assert_eq!(row.cells.iter().skip(3).collect::<Vec<_>>(), [b"=A1", b"-x".as_slice()]);
        let others = world("Sku,Name\n'=A1,x\n");
        assert_eq!(keys(take_in(&others, &LIMITS).unwrap()), [("'=A1".to_owned(), 2)]);
    }

    #[test]
    fn rows_that_have_no_form_are_rejects() {
        let content = b"Sku,Name\na\n\"b\"x,1\n ,no sku\nd,\"open\ne,fine\n";
        let world = world(content);
        let intake = take_in(&world, &LIMITS).unwrap();
        assert_eq!((intake.rows, intake.rejects.count()), (5, 4));
        let path = intake.rejects.finish().unwrap().unwrap();
        let text = fs::read_to_string(path).unwrap();
        for (row, reason) in [(2, "1 cells"), (3, "Text follows"), (4, "`sku` is empty"), (5, "no closing quote")] {
            assert!(text.lines().any(|line| line.starts_with(&format!("{row},")) && line.contains(reason)), "{text}");
        }
        assert_eq!(keys(take_in(&world, &LIMITS).unwrap()), [("e".to_owned(), 6)]);
    }

    #[test]
    fn a_cell_of_the_limit_is_taken_and_one_byte_more_is_a_reject() {
        let content = |bytes: usize| format!("Sku,Name\na,{}\n", "x".repeat(bytes));
        assert_eq!(take_in(&world(content(CELL_BYTES_MAX)), &LIMITS).unwrap().rejects.count(), 0);
        assert_eq!(take_in(&world(content(CELL_BYTES_MAX + 1)), &LIMITS).unwrap().rejects.count(), 1);
    }

    #[test]
    fn undecodable_rows_are_rejects_and_the_others_are_not() {
        let world =
            world([b"Sku,Name\n".as_slice(), "茶,茶壶茶壶茶壶茶壶\n".as_bytes(), b"b,\xE8\x8C\nc,ok\n"].concat());
        let intake = take_in(&world, &LIMITS).unwrap();
        assert_eq!((intake.encoding, intake.rejects.count()), ("UTF-8", 1));
        assert_eq!(keys(intake), [("c".to_owned(), 4), ("茶".to_owned(), 2)]);
    }

    #[test]
    fn a_file_that_turns_out_to_be_gbk_late_is_read_again() {
        let mut content = b"Sku,Name\nbad row\n".to_vec();
        content.extend_from_slice(&b"a,plain\n".repeat(WINDOW_BYTES / 8));
        content.extend_from_slice(&GB18030.encode("茶壶,红色陶瓷茶壶和手工编织地毯\n").0);
        let world = world(content);
        let intake = take_in(&world, &Limits::STANDARD).unwrap();
        assert_eq!((intake.encoding, intake.rejects.count()), ("gb18030", 1));
        assert_eq!(intake.rows, 2 + WINDOW_BYTES as u64 / 8);
        assert_eq!(keys(intake).last().unwrap().0, "茶壶");
    }

    #[test]
    fn equal_keys_in_other_normal_forms_are_one_key() {
        let world = world("Sku,Name\nCaf\u{e9},1\nCafe\u{301},2\n");
        let keys = keys(take_in(&world, &LIMITS).unwrap());
        assert_eq!(keys[0].0, keys[1].0);
    }

    #[test]
    fn rows_are_taken_to_the_limit_and_not_past_it() {
        let content = |rows: usize| format!("Sku,Name\n{}", "a,1\n".repeat(rows));
        assert_eq!(take_in(&world(content(5)), &LIMITS).unwrap().rows, 5);
        assert!(matches!(error(content(6)), ImportError::TooManyRows { limit: 5 }));
    }

    #[test]
    fn columns_are_taken_to_the_limit_and_not_past_it() {
        let content = |columns: usize| format!("Sku,Name{}\n", ",x".repeat(columns - 2));
        assert!(take_in(&world(content(COLUMNS_MAX)), &LIMITS).is_ok());
        let past = error(content(COLUMNS_MAX + 1));
        assert!(matches!(past, ImportError::TooManyColumns { columns } if columns == COLUMNS_MAX + 1));
    }

    #[test]
    fn a_file_without_a_header_is_refused() {
        for blank in ["", "\u{FEFF}", "\n\n", " , \r\n\r\n"] {
            assert!(matches!(error(blank), ImportError::Empty), "{blank:?}");
        }
        assert!(matches!(error("\"Sku\"x,Name\n"), ImportError::HeaderMalformed { .. }));
        assert!(matches!(
            error(format!("Sku,{}\n", "n".repeat(CELL_BYTES_MAX + 1))),
            ImportError::HeaderMalformed { .. }
        ));
        assert!(matches!(error("Code,Name\n"), ImportError::Columns(_)));
    }

    #[test]
    fn folders_that_are_not_there_are_named_errors() {
        let mut world = world("Sku,Name\n");
        world.files.temporary = "/nonexistent".into();
        assert!(matches!(take_in(&world, &LIMITS).err().unwrap(), ImportError::Spool(_)));
        world.files.rejects = "/nonexistent/rejects.csv".into();
        assert!(matches!(take_in(&world, &LIMITS).err().unwrap(), ImportError::Rejects(_)));
        world.files.input = "/nonexistent/in.csv".into();
        assert!(matches!(take_in(&world, &LIMITS).err().unwrap(), ImportError::Source(_)));
    }

    #[test]
    fn a_reject_of_form_keeps_the_cells_as_read() {
        let mut cells = Cells::default();
        cells.push(b"a");
        let header = ["Sku".to_owned(), "Name".to_owned()];
        let form = Form { header: &header, key: Field::Sku, place: 0 };
        let reject: Reject = form.check(Record::Row, &cells).unwrap_err().at(9, cells.pack());
        assert_eq!((reject.row, reject.field, reject.cells.iter().count()), (9, None, 1));
    }
}
