//! Rows on disk, sorted by (key, row): an external merge sort with bounded memory.
//!
//! Not a store: the file has no name, lives as long as the import and is gone after a crash. A record is
//! `length key | number row | length cells | cells`, numbers of seven bits a byte.
//!
//! Invariants: every row pushed comes back once, in the order of key bytes and then row, whether or not equal keys
//! stood together; memory is one run while writing, then one window a run and the row handed out. Proved by
//! `rows_come_back_sorted_whatever_the_run_size`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use thiserror::Error;

use super::cells::{Cells, PackedCells, push_number, take_number};

/// Memory of one run: records and their sort entries.
pub const RUN_BYTES_MAX: usize = 16 << 20;
/// The part of each run that is in memory while runs are merged.
const WINDOW_BYTES: usize = 64 << 10;

/// Why rows cannot be spooled or read back.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// The operating system refused, the disk is full.
    #[error("the temporary file cannot be used: {0}")]
    File(#[from] io::Error),
    /// The temporary file is not what was written.
    #[error("the temporary file is damaged before byte {at}")]
    Damaged {
        /// Offset in the file.
        at: u64,
    },
}

/// Takes rows in file order.
pub struct Spool {
    file: BufWriter<File>,
    written: u64,
    runs: Vec<RunSpan>,
    records: Vec<u8>,
    entries: Vec<Entry>,
    run_bytes_max: usize,
}

/// A row as it comes back.
#[derive(Debug, PartialEq, Eq)]
pub struct SpooledRow {
    /// The key that it was pushed with.
    pub key: Vec<u8>,
    /// Its row number.
    pub row: u64,
    /// All its cells.
    pub cells: PackedCells,
}

/// Hands the rows out in order.
pub struct Merge {
    file: File,
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<Head>>,
}

#[derive(Clone, Copy)]
struct RunSpan {
    start: u64,
    end: u64,
}

/// A record of the run in memory. Most keys differ in their first eight bytes, which spares the look at the record.
#[derive(Clone, Copy)]
struct Entry {
    prefix: u64,
    start: u32,
    end: u32,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    key: Vec<u8>,
    row: u64,
    run: usize,
}

struct Run {
    /// Where the file continues after the window.
    next: u64,
    end: u64,
    window: Vec<u8>,
    at: usize,
}

impl Spool {
    /// Makes a nameless temporary file in `folder`; `run_bytes_max` is [`RUN_BYTES_MAX`] but in tests.
    pub fn new_in(folder: &Path, run_bytes_max: usize) -> Result<Self, SpoolError> {
        Ok(Self {
            file: BufWriter::with_capacity(WINDOW_BYTES, tempfile::tempfile_in(folder)?),
            written: 0,
            runs: Vec::new(),
            records: Vec::new(),
            entries: Vec::new(),
            run_bytes_max,
        })
    }

    /// Adds a row; rows of equal keys must be pushed with rising numbers.
    pub fn push(&mut self, key: &[u8], row: u64, cells: &Cells) -> Result<(), SpoolError> {
        let packed = cells.bytes().len() + 10 * cells.count() + key.len() + 30;
        let used = self.records.len() + self.entries.len() * size_of::<Entry>();
        if used + packed > self.run_bytes_max && !self.entries.is_empty() {
            self.end_run()?;
        }
        let start = self.records.len();
        push_number(&mut self.records, key.len() as u64);
        self.records.extend_from_slice(key);
        push_number(&mut self.records, row);
        let body: usize = cells.iter().map(|cell| cell.len() + number_length(cell.len())).sum();
        push_number(&mut self.records, body as u64);
        cells.pack_into(&mut self.records);
        self.entries.push(Entry { prefix: prefix(key), start: offset(start), end: offset(self.records.len()) });
        Ok(())
    }

    /// Ends writing and begins to hand out.
    pub fn merge(mut self) -> Result<Merge, SpoolError> {
        self.end_run()?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let runs = self.runs.iter().map(|run| Run { next: run.start, end: run.end, window: Vec::new(), at: 0 });
        let mut merge = Merge { file, runs: runs.collect(), heads: BinaryHeap::new() };
        for run in 0..merge.runs.len() {
            merge.load_head(run)?;
        }
        Ok(merge)
    }

    fn end_run(&mut self) -> Result<(), SpoolError> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let records = &self.records;
        // Stable, so rows of one key stay in the order of their numbers.
        self.entries.sort_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| key_at(records, *a).cmp(key_at(records, *b))));
        for entry in &self.entries {
            self.file.write_all(&records[entry.start as usize..entry.end as usize])?;
        }
        let start = self.written;
        self.written += records.len() as u64;
        self.runs.push(RunSpan { start, end: self.written });
        self.records.clear();
        self.entries.clear();
        Ok(())
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("invariant: a run and one row are far below 4 GiB")
}

fn prefix(key: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = key.len().min(8);
    first[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(first)
}

fn key_at(records: &[u8], entry: Entry) -> &[u8] {
    let mut rest = &records[entry.start as usize..];
    let length = take_number(&mut rest).expect("invariant: push wrote the record") as usize;
    &rest[..length]
}

fn number_length(number: usize) -> usize {
    (usize::BITS - (number | 1).leading_zeros()).div_ceil(7) as usize
}

impl Merge {
    /// The key of the row that comes next.
    pub fn next_key(&self) -> Option<&[u8]> {
        self.heads.peek().map(|Reverse(head)| head.key.as_slice())
    }

    /// The next row; `None` after the last.
    pub fn next_row(&mut self) -> Result<Option<SpooledRow>, SpoolError> {
        let Some(Reverse(head)) = self.heads.pop() else {
            return Ok(None);
        };
        let run = &mut self.runs[head.run];
        let length = run.number(&mut self.file)?;
        let cells = PackedCells::from_packed(run.bytes(&mut self.file, length)?);
        self.load_head(head.run)?;
        Ok(Some(SpooledRow { key: head.key, row: head.row, cells }))
    }

    fn load_head(&mut self, index: usize) -> Result<(), SpoolError> {
        let run = &mut self.runs[index];
        if run.is_empty() {
            return Ok(());
        }
        let length = run.number(&mut self.file)?;
        let key = run.bytes(&mut self.file, length)?;
        let row = run.number(&mut self.file)?;
        self.heads.push(Reverse(Head { key, row, run: index }));
        Ok(())
    }
}

impl Run {
    fn is_empty(&self) -> bool {
        self.at == self.window.len() && self.next == self.end
    }

    fn number(&mut self, file: &mut File) -> Result<u64, SpoolError> {
        const NUMBER_BYTES_MAX: usize = 10;
        if self.window.len() - self.at < NUMBER_BYTES_MAX {
            self.refill(file)?;
        }
        let mut rest = &self.window[self.at..];
        let number = take_number(&mut rest).ok_or(SpoolError::Damaged { at: self.next })?;
        self.at = self.window.len() - rest.len();
        Ok(number)
    }

    /// Takes bytes; what the window lacks goes straight from the file, so that a long row leaves no long window.
    fn bytes(&mut self, file: &mut File, length: u64) -> Result<Vec<u8>, SpoolError> {
        let at_hand = &self.window[self.at..];
        let damaged = SpoolError::Damaged { at: self.next };
        if length > at_hand.len() as u64 + (self.end - self.next) {
            return Err(damaged);
        }
        let length = usize::try_from(length).map_err(|_| damaged)?;
        let taken = length.min(at_hand.len());
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&at_hand[..taken]);
        self.at += taken;
        if taken < length {
            bytes.resize(length, 0);
            file.seek(SeekFrom::Start(self.next))?;
            file.read_exact(&mut bytes[taken..])?;
            self.next += (length - taken) as u64;
        }
        Ok(bytes)
    }

    fn refill(&mut self, file: &mut File) -> Result<(), SpoolError> {
        self.window.drain(..self.at);
        self.at = 0;
        let wanted = (self.end - self.next).min(WINDOW_BYTES as u64) as usize;
        let kept = self.window.len();
        self.window.resize(kept + wanted, 0);
        file.seek(SeekFrom::Start(self.next))?;
        file.read_exact(&mut self.window[kept..])?;
        self.next += wanted as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn cells(texts: &[&str]) -> Cells {
        let mut cells = Cells::default();
        texts.iter().for_each(|text| cells.push(text.as_bytes()));
        cells
    }

    fn spooled(rows: &[(String, String)], run_bytes_max: usize) -> Vec<(String, u64, PackedCells)> {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new_in(folder.path(), run_bytes_max).unwrap();
        for (row, (key, cell)) in (1u64..).zip(rows) {
            spool.push(key.as_bytes(), row, &cells(&[key, cell, ""])).unwrap();
        }
        let (mut merge, mut out) = (spool.merge().unwrap(), Vec::new());
        while let Some(row) = merge.next_row().unwrap() {
            out.push((String::from_utf8(row.key).unwrap(), row.row, row.cells));
        }
        out
    }

    proptest! {
        #[test]
        fn rows_come_back_sorted_whatever_the_run_size(
            rows in prop::collection::vec(("[ab茶]{0,12}", "[x,\n]{0,40}"), 0..60),
            run_bytes_max in 1usize..2000,
        ) {
            let mut expected: Vec<_> = (1u64..).zip(&rows)
                .map(|(row, (key, cell))| (key.clone(), row, cells(&[key, cell, ""]).pack()))
                .collect();
            expected.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
            prop_assert_eq!(spooled(&rows, run_bytes_max), expected);
        }
    }

    #[test]
    fn rows_longer_than_a_window_and_a_run_come_back_whole() {
        let rows: Vec<_> = ["b", "a", "b"].map(|key| (key.to_owned(), key.repeat(5 * WINDOW_BYTES))).to_vec();
        let order: Vec<_> = spooled(&rows, WINDOW_BYTES)
            .into_iter()
            .map(|(key, row, cells)| {
                assert_eq!(cells.iter().nth(1).unwrap(), key.repeat(5 * WINDOW_BYTES).as_bytes());
                (key, row)
            })
            .collect();
        assert_eq!(order, [("a".to_owned(), 2), ("b".to_owned(), 1), ("b".to_owned(), 3)]);
    }

    #[test]
    fn a_cut_temporary_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new_in(folder.path(), 1).unwrap();
        for row in 1..4 {
            spool.push(b"k", row, &cells(&[&"x".repeat(3 * WINDOW_BYTES)])).unwrap();
        }
        let mut merge = spool.merge().unwrap();
        merge.file.set_len(4 * WINDOW_BYTES as u64).unwrap();
        assert!(merge.next_row().unwrap().is_some());
        assert!(matches!(merge.next_row(), Err(SpoolError::File(_))));
    }

    #[test]
    fn a_length_past_the_run_is_damage_and_not_an_allocation() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new_in(folder.path(), RUN_BYTES_MAX).unwrap();
        spool.push(b"k", 1, &cells(&["x"])).unwrap();
        let mut merge = spool.merge().unwrap();
        let run = &mut merge.runs[0];
        run.window.truncate(run.at);
        run.window.extend_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF, 0x7F]);
        assert!(matches!(merge.next_row(), Err(SpoolError::Damaged { .. })));
    }

    #[test]
    fn a_spool_in_a_missing_folder_is_an_error() {
        assert!(matches!(Spool::new_in(Path::new("/nonexistent"), 1), Err(SpoolError::File(_))));
    }

    #[test]
    fn number_lengths_agree_with_the_writing() {
        for number in [0usize, 1, 127, 128, 16383, 16384, 1 << 40] {
            let mut bytes = Vec::new();
            push_number(&mut bytes, number as u64);
            assert_eq!(number_length(number), bytes.len(), "{number}");
        }
    }
}
