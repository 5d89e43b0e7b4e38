//! Rows that were set aside, and the CSV file in which a person gets them back.
//!
//! Not a log: the file holds `row, field, reason` and then the columns of the imported file, so that it can be put
//! right and imported. It begins with a byte order mark, without which Excel in Chinese shows UTF-8 as garbage.
//!
//! Invariants: the file appears whole or not at all, and not without rejects; no text cell begins like a formula, and
//! no number is altered. Proved by `the_file_appears_whole_and_only_with_rejects`,
//! `an_earlier_file_goes_when_there_are_no_rejects`, `formulas_are_made_text_and_numbers_stay_numbers` and
//! `what_was_protected_is_read_back_as_it_was`.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::cells::PackedCells;
use super::columns::Field;

/// Characters of a cell or a header that a sentence quotes at most.
const EXCERPT_CHARS_MAX: usize = 40;

/// The columns that a rejects file has before those of the imported file.
const OWN_COLUMNS: [&str; 3] = ["row", "field", "reason"];

/// A row that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Its number in the file as a spreadsheet counts; the header is row 1.
    pub row: u64,
    /// The field at fault; `None` where it is the row's form.
    pub field: Option<Field>,
    /// What is wrong and what to do, in one or two sentences.
    pub reason: String,
    /// The row's cells as they were read.
    pub cells: PackedCells,
}

/// A broken rule, before it is known of which row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    field: Option<Field>,
    reason: String,
}

impl Fault {
    pub(super) fn of_row(reason: impl Into<String>) -> Self {
        Self { field: None, reason: reason.into() }
    }

    pub(super) fn of(field: Field, reason: impl Into<String>) -> Self {
        Self { field: Some(field), reason: reason.into() }
    }

    pub(super) fn at(self, row: u64, cells: PackedCells) -> Reject {
        Reject { row, field: self.field, reason: self.reason, cells }
    }
}

/// The rejects file while it is written.
pub struct RejectsFile {
    writer: csv::Writer<NamedTempFile>,
    target: PathBuf,
    count: u64,
}

impl RejectsFile {
    /// Begins a temporary file beside `target`; `header` has the names of the imported file's columns.
    pub fn create(target: &Path, header: &[String]) -> io::Result<Self> {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".rejects-").tempfile_in(folder)?;
        file.write_all("\u{FEFF}".as_bytes())?;
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
        for name in OWN_COLUMNS.into_iter().chain(header.iter().map(String::as_str)) {
            writer.write_field(inert(name).as_bytes())?;
        }
        writer.write_record(None::<&[u8]>)?;
        Ok(Self { writer, target: target.to_owned(), count: 0 })
    }

    /// Adds a row.
    pub fn write(&mut self, reject: &Reject) -> io::Result<()> {
        self.writer.write_field(reject.row.to_string())?;
        self.writer.write_field(reject.field.map_or("", Field::name))?;
        self.writer.write_field(inert(&reject.reason).as_bytes())?;
        for cell in reject.cells.iter() {
            self.writer.write_field(inert(&String::from_utf8_lossy(cell)).as_bytes())?;
        }
        self.writer.write_record(None::<&[u8]>)?;
        self.count += 1;
        Ok(())
    }

    /// How many rows it holds.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Puts the file in its place and gives its path; without rejects none is left there, not even an earlier one.
    pub fn finish(self) -> io::Result<Option<PathBuf>> {
        if self.count == 0 {
            return match fs::remove_file(&self.target) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(None),
            };
        }
        let file = self.writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(&self.target).map_err(|error| error.error)?;
        Ok(Some(self.target))
    }
}

/// A text as a sentence quotes it: short and on one line.
pub(super) fn excerpt(text: &str) -> String {
    let mut chars = text.trim().chars().map(|char| if char.is_control() { ' ' } else { char });
    let mut short: String = chars.by_ref().take(EXCERPT_CHARS_MAX).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

/// The text, with `'` before what a spreadsheet would take for a formula.
fn inert(text: &str) -> Cow<'_, str> {
    if is_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The cell without the `'` that [`inert`] put before it.
pub(super) fn bare(cell: &[u8]) -> &[u8] {
    let protected = |rest: &&[u8]| std::str::from_utf8(rest).is_ok_and(is_formula);
    cell.strip_prefix(b"'").filter(protected).unwrap_or(cell)
}

/// Says whether a file with this header is a rejects file.
pub(super) fn is_rejects_header(header: &[String]) -> bool {
    header.len() > OWN_COLUMNS.len() && header.iter().zip(OWN_COLUMNS).all(|(name, own)| name == own)
}

/// A formula, or one that stands behind `'` already: so that one `'` more or less is told apart.
fn is_formula(text: &str) -> bool {
    let text = text.trim_start_matches('\'');
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) && !is_number(text)
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::cells::Cells;
    use super::*;

    fn reject(cells: &[&[u8]]) -> Reject {
        let mut row = Cells::default();
        cells.iter().for_each(|cell| row.push(cell));
        Fault::of(Field::Price, "Bad price, mend \"it\".").at(7, row.pack())
    }

    fn written(header: &[&str], rejects: &[Reject]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("rejects.csv");
        let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
        let mut file = RejectsFile::create(&target, &header).unwrap();
        rejects.iter().for_each(|reject| file.write(reject).unwrap());
        assert_eq!(file.count(), rejects.len() as u64);
        assert!(!target.exists());
        assert_eq!(file.finish().unwrap().as_deref(), Some(target.as_path()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::read_to_string(target).unwrap()
    }

    #[test]
    fn the_file_appears_whole_and_only_with_rejects() {
        let text = written(&["No", "Name"], &[reject(&[b"1", "茶,壶".as_bytes()])]);
        assert_eq!(text, "\u{FEFF}row,field,reason,No,Name\n7,price,\"Bad price, mend \"\"it\"\".\",1,\"茶,壶\"\n");
    }

    #[test]
    fn an_earlier_file_goes_when_there_are_no_rejects() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("rejects.csv");
        for _ in 0..2 {
            let file = RejectsFile::create(&target, &[]).unwrap();
            assert_eq!(file.finish().unwrap(), None);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
            fs::write(&target, "earlier").unwrap();
        }
    }

    #[test]
    fn formulas_are_made_text_and_numbers_stay_numbers() {
        for text in ["=1+1", "+x", "-x", "@x", "\tx", "\rx", "\0x", "-1-1", "-", "+", "-1.", "--1"] {
            assert_eq!(inert(text), format!("'{text}"));
        }
        for text in ["-1", "+1.5", "-0.001", "12", "x=1", "", "2010-12-01"] {
            assert_eq!(inert(text), text);
        }
        let text = written(&["=No"], &[reject(&[b"=cmd()", b"-5"])]);
        assert!(text.contains(",'=No\n") && text.ends_with(",'=cmd(),-5\n"), "{text}");
    }

    #[test]
    fn what_was_protected_is_read_back_as_it_was() {
        for text in ["=1+1", "'=1+1", "''@x", "'", "''", "'x", "-5", "'-5", "-x", "'-x", "x", "", "\t", "茶"] {
            assert_eq!(bare(inert(text).as_bytes()), text.as_bytes(), "{text:?}");
        }
        assert_eq!(bare(b"'=\xFF"), b"'=\xFF", "what is no text stays");
        let header = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(is_rejects_header(&header(&["row", "field", "reason", "No"])));
        assert!(!is_rejects_header(&header(&["row", "field", "reason"])));
        assert!(!is_rejects_header(&header(&["No", "row", "field", "reason"])));
    }

    #[test]
    fn a_row_of_another_length_and_an_undecodable_cell_are_kept() {
        assert!(written(&["A"], &[reject(&[b"1", b"x\xFFy", b""])]).ends_with(",1,x\u{FFFD}y,\n"));
    }

    #[test]
    fn an_excerpt_is_short_and_on_one_line() {
        let just = "茶".repeat(EXCERPT_CHARS_MAX);
        assert_eq!(excerpt(&just), just);
        assert_eq!(excerpt(&format!("{just}壶")), format!("{just}…"));
        assert_eq!(excerpt(" a\nb "), "a b");
    }
}
