//! Imports that ended, kept beside their rejects: what a repeated request is answered after a restart.
//!
//! Not the orders that they wrote, and not a queue: an import that was cut has no such file and runs again.
//!
//! Invariants: a file appears whole, after all that it counts is durable; only the newest [`ENDED_MAX`] are kept, and what
//! cannot be read counts as absent. Proved by `an_ended_import_reads_back_as_it_was`,
//! `only_the_newest_ended_imports_are_kept` and `a_damaged_file_counts_as_absent`.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crdt_model::codec::{DecodeError, Reader, Writer};
use crdt_model::id::DocumentId;

use super::super::model::{DocumentCounts, ImportMode, ImportState, ImportView, OrderCounts};

/// Ended imports that are remembered across restarts; older ones run again, which changes nothing.
pub(super) const ENDED_MAX: usize = 1_000;
/// How their files end.
const SUFFIX: &str = "-ended";
/// The version of their form.
const VERSION: u8 = 1;
/// Bytes of an encoding's or a file's name.
const NAME_BYTES_MAX: usize = 256;

/// Keeps an import that ended well, in place of the oldest one past the limit.
pub(super) fn keep(folder: &Path, view: &ImportView) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix("upload-").tempfile_in(folder)?;
    file.write_all(&encode(view))?;
    file.as_file().sync_all()?;
    file.persist(path_of(folder, &view.id)).map_err(|error| error.error)?;
    forget_oldest(folder, ENDED_MAX)
}

/// The ended import of an id.
pub(super) fn find(folder: &Path, id: &str) -> Option<ImportView> {
    let id: DocumentId = id.parse().ok()?;
    let bytes = fs::read(path_of(folder, &id.to_string())).ok()?;
    decode(id.to_string(), folder, &bytes).ok()
}

/// The newest ended imports.
pub(super) fn newest(folder: &Path, count: usize) -> Vec<ImportView> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut ids: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(SUFFIX)?.to_owned())).collect();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    ids.iter().take(count).filter_map(|id| find(folder, id)).collect()
}

fn path_of(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}{SUFFIX}"))
}

/// Ids sort by time, so the first names are the oldest.
fn forget_oldest(folder: &Path, kept: usize) -> io::Result<()> {
    let names = fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut ended: Vec<String> = names.filter(|name| name.ends_with(SUFFIX)).collect();
    ended.sort_unstable();
    let surplus = ended.len().saturating_sub(kept);
    ended[..surplus].iter().try_for_each(|name| fs::remove_file(folder.join(name)))
}

fn encode(view: &ImportView) -> Vec<u8> {
    let mut writer = Writer::new();
    let OrderCounts { documents, lines, with_sales, zero_price_only } = view.orders;
    let credits = view.credit_orders;
    let adjustments = view.adjustments;
    writer.byte(VERSION).byte(u8::from(view.mode == ImportMode::DryRun));
    for number in [view.rows, view.created, view.updated, view.unchanged, view.rejected, view.lines] {
        writer.number(number);
    }
    for number in [documents, lines, with_sales, zero_price_only, credits.documents, credits.lines] {
        writer.number(number);
    }
    for number in [adjustments.documents, adjustments.lines, view.products_created, view.customers_created] {
        writer.number(number);
    }
    let rejects = view.rejects_file.as_ref().and_then(|path| path.file_name());
    let rejects = rejects.map(|name| name.to_string_lossy().into_owned());
    let put = |writer: &mut Writer, name: &String| {
        writer.blob(name.as_bytes());
    };
    writer.option(view.encoding.as_ref(), put).option(rejects.as_ref(), put);
    writer.finish()
}

fn decode(id: String, folder: &Path, bytes: &[u8]) -> Result<ImportView, DecodeError> {
    let mut reader = Reader::new(bytes);
    if reader.byte("version")? != VERSION {
        return Err(DecodeError::OutOfRange { field: "version" });
    }
    let mode = if reader.flag("dry run")? { ImportMode::DryRun } else { ImportMode::Write };
    let mut numbers = [0; 16];
    for number in &mut numbers {
        *number = reader.number("count")?;
    }
    let encoding = reader.option("encoding", |reader| name(reader, "encoding"))?;
    let rejects = reader.option("rejects", |reader| name(reader, "rejects"))?;
    reader.end()?;
    let [rows, created, updated, unchanged, rejected, lines, orders @ ..] = numbers;
    let [documents, order_lines, with_sales, zero_price_only, credits, credit_lines, others @ ..] = orders;
    let [adjustments, adjustment_lines, products_created, customers_created] = others;
    Ok(ImportView {
        id,
        state: ImportState::Done,
        rows,
        rows_done: rows,
        rows_total: Some(rows),
        created,
        updated,
        unchanged,
        rejected,
        lines,
        orders: OrderCounts { documents, lines: order_lines, with_sales, zero_price_only },
        credit_orders: DocumentCounts { documents: credits, lines: credit_lines },
        adjustments: DocumentCounts { documents: adjustments, lines: adjustment_lines },
        products_created,
        customers_created,
        encoding,
        mode,
        rejects_file: rejects.map(|name| folder.join(name)),
        error: None,
    })
}

fn name(reader: &mut Reader<'_>, field: &'static str) -> Result<String, DecodeError> {
    let bytes = reader.blob(field, NAME_BYTES_MAX)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| DecodeError::NotCanonical { field })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn id(number: u8) -> String {
        DocumentId([number; 16]).to_string()
    }

    fn ended(number: u8, folder: &Path) -> ImportView {
        ImportView {
            state: ImportState::Done,
            rows: 9,
            rows_done: 9,
            rows_total: Some(9),
            created: 1,
            updated: 2,
            unchanged: 3,
            rejected: 4,
            lines: 5,
            orders: OrderCounts { documents: 6, lines: 7, with_sales: 8, zero_price_only: 9 },
            credit_orders: DocumentCounts { documents: 10, lines: 11 },
            adjustments: DocumentCounts { documents: 12, lines: 13 },
            products_created: 14,
            customers_created: 15,
            encoding: Some("gb18030".to_owned()),
            rejects_file: Some(folder.join("x-rejects.csv")),
            ..super::super::new_view(id(number), ImportMode::DryRun)
        }
    }

    #[test]
    fn an_ended_import_reads_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let with = ended(1, folder.path());
        let without =
            ImportView { encoding: None, rejects_file: None, mode: ImportMode::Write, ..ended(2, folder.path()) };
        for view in [with, without] {
            keep(folder.path(), &view).unwrap();
            assert_eq!(find(folder.path(), &view.id), Some(view));
        }
        assert_eq!(find(folder.path(), &id(3)), None);
        assert_eq!(find(folder.path(), "../keys"), None, "an id is no path");
    }

    #[test]
    fn only_the_newest_ended_imports_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a-rejects.csv"), "").unwrap();
        for number in 1..=4 {
            keep(folder.path(), &ended(number, folder.path())).unwrap();
        }
        forget_oldest(folder.path(), 4).unwrap();
        assert!(find(folder.path(), &id(1)).is_some());
        forget_oldest(folder.path(), 3).unwrap();
        assert!(find(folder.path(), &id(1)).is_none() && find(folder.path(), &id(2)).is_some());
        assert!(folder.path().join("a-rejects.csv").exists());
    }

    #[test]
    fn a_damaged_file_counts_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        keep(folder.path(), &ended(1, folder.path())).unwrap();
        let path = path_of(folder.path(), &id(1));
        let whole = fs::read(&path).unwrap();
        let later = [&[VERSION + 1], &whole[1..]].concat();
        for damaged in [&whole[..whole.len() - 1], &[], &later] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(find(folder.path(), &id(1)), None);
        }
    }
}
