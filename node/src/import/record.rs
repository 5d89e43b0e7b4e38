//! CSV records of a text stream, with bounded memory, strict quoting and a way on after a malformed row.
//!
//! Not a checker of what the cells mean. Own code and not the `csv` crate's reader, because that one takes bad quoting
//! silently (an unclosed quote swallows the rest of the file into one cell) and puts no bound on a record.
//!
//! Rules: cells are parted by a delimiter (see `delimiter`), rows by line feeds (a carriage return before one is dropped); a cell that begins
//! with `"` ends at the next single `"`, and only a delimiter or the row's end may follow; a `"` elsewhere is a character.
//! After a malformed row reading goes on at the next line. A row's number is that of a spreadsheet: the first is 1.
//!
//! Invariants: no row is skipped or altered without being reported as malformed; a row never holds more memory than
//! [`ROW_BYTES_MAX`] and a window. Proved by `after_an_unclosed_quote_reading_goes_on_at_the_next_line`,
//! `cells_survive_writing_and_reading` and `a_row_of_the_limit_is_read_and_one_byte_more_is_not`.

use thiserror::Error;

use super::cells::Cells;
use super::delimiter::{Delimiter, DelimiterChoice, header_line};
use super::source::{SourceError, TextSource};
use super::{CELL_BYTES_MAX, COLUMNS_MAX};

/// The longest row in bytes: every column filled to the limit, with quotes and commas.
pub const ROW_BYTES_MAX: usize = COLUMNS_MAX * (CELL_BYTES_MAX + 3);

/// Why the next record cannot be had.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The text cannot be had.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A row without an end.
    #[error("row {row} is longer than {ROW_BYTES_MAX} bytes")]
    RowTooLong {
        /// Its number; the file's first row is 1.
        row: u64,
    },
}

/// What is wrong with a row's quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteFault {
    /// A quoted cell does not end.
    Unclosed,
    /// Text stands between a closing quote and the next delimiter.
    TextAfterQuote,
}

/// What the cells handed back are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// A row.
    Row,
    /// A line that is no row; it stands whole in one cell.
    Malformed(QuoteFault),
}

/// Reads records one by one.
pub struct RecordReader {
    source: TextSource,
    delimiter: Option<Delimiter>,
    text: Vec<u8>,
    start: usize,
    text_ended: bool,
    row: u64,
}

enum Scan {
    Complete(usize),
    NeedsMore,
    Malformed(QuoteFault),
}

enum CellEnd {
    Delimiter(usize),
    Row(usize),
    NeedsMore,
    Malformed(QuoteFault),
}

impl RecordReader {
    /// Begins at the text's start.
    pub fn new(source: TextSource, choice: DelimiterChoice) -> Self {
        let delimiter = match choice {
            DelimiterChoice::Detect => None,
            DelimiterChoice::Fixed(delimiter) => Some(delimiter),
        };
        Self { source, delimiter, text: Vec::new(), start: 0, text_ended: false, row: 0 }
    }

    /// The number of the row read last; the file's first row is 1.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The name of the encoding in use.
    pub fn encoding(&self) -> &'static str {
        self.source.encoding().name()
    }

    /// Reads the next row into `cells`; `None` at the end.
    pub fn read(&mut self, cells: &mut Cells) -> Result<Option<Record>, RecordError> {
        let delimiter = self.delimiter()?.byte();
        loop {
            let rest = &self.text[self.start..];
            if rest.is_empty() && self.text_ended {
                return Ok(None);
            }
            let scan = match rest.len() > ROW_BYTES_MAX {
                true => bounded(rest, delimiter, cells),
                false => scan(rest, self.text_ended, delimiter, cells),
            };
            match scan {
                Scan::Complete(length) => {
                    self.row += 1;
                    self.start += length;
                    return Ok(Some(Record::Row));
                }
                Scan::Malformed(fault) => return self.take_line(fault, cells).map(Some),
                Scan::NeedsMore => self.fill()?,
            }
        }
    }

    /// What parts the cells; the header decides where nobody said it.
    fn delimiter(&mut self) -> Result<Delimiter, SourceError> {
        while self.delimiter.is_none() {
            let header = match header_line(&self.text) {
                Some((start, end)) => Some(&self.text[start..end]),
                None => (self.text_ended || self.text.len() > ROW_BYTES_MAX).then_some(&self.text[..]),
            };
            self.delimiter = header.map(Delimiter::of_header);
            if self.delimiter.is_none() {
                self.fill()?;
            }
        }
        Ok(self.delimiter.unwrap_or(Delimiter::Comma))
    }

    /// Doubles the text at hand, so that a long row is scanned a bounded number of times over.
    fn fill(&mut self) -> Result<(), SourceError> {
        self.text.drain(..self.start);
        self.start = 0;
        let wanted = 2 * self.text.len();
        while !self.text_ended {
            self.text_ended = self.source.fill(&mut self.text)? == 0;
            if self.text.len() >= wanted {
                break;
            }
        }
        Ok(())
    }

    fn take_line(&mut self, fault: QuoteFault, cells: &mut Cells) -> Result<Record, RecordError> {
        self.row += 1;
        let rest = &self.text[self.start..];
        let line = match rest.iter().take(ROW_BYTES_MAX).position(|byte| *byte == b'\n') {
            Some(length) => length,
            None if self.text_ended && rest.len() <= ROW_BYTES_MAX => rest.len(),
            None => return Err(RecordError::RowTooLong { row: self.row }),
        };
        cells.clear();
        cells.push(without_return(&rest[..line]));
        self.start = (self.start + line + 1).min(self.text.len());
        Ok(Record::Malformed(fault))
    }
}

/// Scans within the longest row; what does not end there never does.
fn bounded(rest: &[u8], delimiter: u8, cells: &mut Cells) -> Scan {
    match scan(&rest[..ROW_BYTES_MAX], false, delimiter, cells) {
        Scan::NeedsMore => Scan::Malformed(QuoteFault::Unclosed),
        ended => ended,
    }
}

fn scan(text: &[u8], text_ended: bool, delimiter: u8, cells: &mut Cells) -> Scan {
    cells.clear();
    let mut at = 0;
    loop {
        let end = match text.get(at) {
            Some(b'"') => quoted(text, at + 1, text_ended, delimiter, cells),
            Some(_) | None => plain(text, at, text_ended, delimiter, cells),
        };
        match end {
            CellEnd::Delimiter(next) => at = next,
            CellEnd::Row(length) => return Scan::Complete(length),
            CellEnd::NeedsMore => return Scan::NeedsMore,
            CellEnd::Malformed(fault) => return Scan::Malformed(fault),
        }
    }
}

fn plain(text: &[u8], from: usize, text_ended: bool, delimiter: u8, cells: &mut Cells) -> CellEnd {
    let rest = &text[from..];
    let (length, end) = match rest.iter().position(|byte| *byte == delimiter || *byte == b'\n') {
        Some(length) if rest[length] == delimiter => (length, CellEnd::Delimiter(from + length + 1)),
        Some(length) => (length, CellEnd::Row(from + length + 1)),
        None if text_ended => (rest.len(), CellEnd::Row(text.len())),
        None => return CellEnd::NeedsMore,
    };
    let cell = &rest[..length];
    cells.push(if matches!(end, CellEnd::Row(_)) { without_return(cell) } else { cell });
    end
}

fn quoted(text: &[u8], from: usize, text_ended: bool, delimiter: u8, cells: &mut Cells) -> CellEnd {
    let mut at = from;
    while let Some(length) = text[at..].iter().position(|byte| *byte == b'"') {
        cells.extend(&text[at..at + length]);
        at += length + 1;
        if text.get(at) != Some(&b'"') {
            return after_quote(text, at, text_ended, delimiter, cells);
        }
        cells.extend(b"\"");
        at += 1;
    }
    if text_ended { CellEnd::Malformed(QuoteFault::Unclosed) } else { CellEnd::NeedsMore }
}

fn after_quote(text: &[u8], at: usize, text_ended: bool, delimiter: u8, cells: &mut Cells) -> CellEnd {
    cells.end_cell();
    match &text[at..] {
        [byte, ..] if *byte == delimiter => CellEnd::Delimiter(at + 1),
        [b'\n', ..] => CellEnd::Row(at + 1),
        [b'\r', b'\n', ..] => CellEnd::Row(at + 2),
        [] | [b'\r'] if text_ended => CellEnd::Row(text.len()),
        [] | [b'\r'] => CellEnd::NeedsMore,
        [..] => CellEnd::Malformed(QuoteFault::TextAfterQuote),
    }
}

fn without_return(cell: &[u8]) -> &[u8] {
    cell.strip_suffix(b"\r").unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::super::source::EncodingChoice;
    use super::*;

    fn reader(text: impl Into<Vec<u8>>) -> RecordReader {
        let source = TextSource::new(Cursor::new(text.into()), EncodingChoice::Detect, 1 << 30).unwrap();
        RecordReader::new(source, DelimiterChoice::Detect)
    }

    fn rows(text: impl Into<Vec<u8>>) -> Vec<(u64, Record, Vec<String>)> {
        let (mut reader, mut cells, mut rows) = (reader(text), Cells::default(), Vec::new());
        while let Some(record) = reader.read(&mut cells).unwrap() {
            let texts = cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
            rows.push((reader.row(), record, texts));
        }
        rows
    }

    fn cells_of(text: &str) -> Vec<Vec<String>> {
        rows(text).into_iter().map(|(_, record, cells)| (record == Record::Row).then_some(cells).unwrap()).collect()
    }

    #[test]
    fn quotes_commas_and_line_ends_are_read_as_written() {
        assert_eq!(cells_of("a,b\r\n\"x,\"\"y\"\"\nz\",\n"), [["a", "b"], ["x,\"y\"\nz", ""]]);
        assert_eq!(cells_of("5\" pipe,2"), [["5\" pipe", "2"]]);
        assert_eq!(cells_of("\"a\",\"\""), [["a", ""]]);
        assert_eq!(cells_of("\"a\"\r"), [["a"]]);
        assert!(cells_of("").is_empty());
        assert_eq!(cells_of("\n"), [[""]]);
    }

    #[test]
    fn cells_are_parted_by_what_parts_the_header() {
        assert_eq!(cells_of("a;b\n1,5;\"x;y\"\n"), [["a", "b"], ["1,5", "x;y"]]);
        assert_eq!(cells_of("a\tb\n1;5\t\"x\ty\"\n"), [["a", "b"], ["1;5", "x\ty"]]);
        let fixed = DelimiterChoice::Fixed(Delimiter::Semicolon);
        let source = TextSource::new(Cursor::new("a,b;c,d\n"), EncodingChoice::Detect, 1 << 30).unwrap();
        let mut cells = Cells::default();
        RecordReader::new(source, fixed).read(&mut cells).unwrap();
        assert_eq!(cells.iter().collect::<Vec<_>>(), [b"a,b", b"c,d"], "what was given beats what is found");
    }

    #[test]
    fn text_after_a_closing_quote_makes_one_malformed_row() {
        let rows = rows("a,b\n\"5\" pipe,2\nc,d\n");
        assert_eq!(rows[1], (2, Record::Malformed(QuoteFault::TextAfterQuote), vec!["\"5\" pipe,2".to_owned()]));
        assert_eq!(rows[2], (3, Record::Row, vec!["c".to_owned(), "d".to_owned()]));
    }

    #[test]
    fn after_an_unclosed_quote_reading_goes_on_at_the_next_line() {
        let rows = rows("a,b\n1,\"open\n2,x\n3,y");
        assert_eq!(rows[1], (2, Record::Malformed(QuoteFault::Unclosed), vec!["1,\"open".to_owned()]));
        assert_eq!(rows[2].2, ["2", "x"]);
        assert_eq!((rows[3].0, rows.len()), (4, 4));
    }

    #[test]
    fn an_unclosed_quote_does_not_swallow_more_than_a_row() {
        let mut text = b"1,\"open\n".to_vec();
        text.extend_from_slice(&b"2,x\n".repeat(ROW_BYTES_MAX / 2));
        let (mut reader, mut cells) = (reader(text), Cells::default());
        assert_eq!(reader.read(&mut cells).unwrap(), Some(Record::Malformed(QuoteFault::Unclosed)));
        assert_eq!(reader.read(&mut cells).unwrap(), Some(Record::Row));
        assert_eq!(cells.iter().collect::<Vec<_>>(), [b"2", b"x"]);
    }

    #[test]
    fn a_row_of_the_limit_is_read_and_one_byte_more_is_not() {
        let mut cells = Cells::default();
        let longest = |bytes: usize| [vec![b'a'; bytes - 1], b"\nnext\n".to_vec()].concat();
        assert_eq!(reader(longest(ROW_BYTES_MAX)).read(&mut cells).unwrap(), Some(Record::Row));
        assert_eq!(cells.iter().next().unwrap().len(), ROW_BYTES_MAX - 1);
        let past = reader(longest(ROW_BYTES_MAX + 1)).read(&mut cells);
        assert!(matches!(past, Err(RecordError::RowTooLong { row: 1 })));
    }

    proptest! {
        #[test]
        fn cells_survive_writing_and_reading(
            table in prop::collection::vec(prop::collection::vec("[a\",\n\r茶 ]{0,6}", 3), 1..20)
        ) {
            let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(cells_of(&text), table);
        }
    }
}
