//! Records of imports, kept beside their rejects: how far each was, also after a restart.
//!
//! Not the orders that they wrote, and not a queue: an import that was cut says so and begins anew with its file.
//!
//! Invariants: a record appears whole, after all that it counts is durable; one that says *running* while nobody runs it
//! was cut; only the newest [`RECORDS_MAX`] are kept, and what cannot be read counts as absent. Proved by
//! `an_import_reads_back_as_it_was`, `a_record_of_a_run_that_nobody_runs_was_cut`,
//! `only_the_newest_records_are_kept` and `a_damaged_record_counts_as_absent`.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crdt_model::codec::{DecodeError, Reader, Writer};
use crdt_model::id::DocumentId;
use crdt_model::text::Text;
use crdt_model::time::EventTime;

use super::super::error::AppError;
use super::super::model::{DocumentCounts, ImportKind, ImportMode, ImportState, ImportView, OrderCounts};

/// Imports that are remembered across restarts; older ones run again, which changes nothing.
pub(super) const RECORDS_MAX: usize = 1_000;
/// How their files end.
const SUFFIX: &str = "-import";
/// The version of their form.
const VERSION: u8 = 1;
/// Bytes of an encoding's or a file's name.
const NAME_BYTES_MAX: usize = 4 * 1_024;
/// Bytes of the words about a failure.
const FAILURE_BYTES_MAX: usize = 16 * 1_024;

/// Whether a record must be on disk when the call returns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sync {
    /// It must: an import begins or ends.
    Now,
    /// It is only how far one is.
    Later,
}

/// Keeps the record of an import; those past the limit go, the oldest first.
pub(super) fn keep(folder: &Path, view: &ImportView, sync: Sync) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix("upload-").tempfile_in(folder)?;
    file.write_all(&encode(view))?;
    if sync == Sync::Now {
        file.as_file().sync_all()?;
    }
    file.persist(path_of(folder, &view.id)).map_err(|error| error.error)?;
    if sync == Sync::Now { forget_oldest(folder, RECORDS_MAX) } else { Ok(()) }
}

/// The import of an id that nobody runs now.
pub(super) fn find(folder: &Path, id: &str) -> Option<ImportView> {
    let id: DocumentId = id.parse().ok()?;
    let bytes = fs::read(path_of(folder, &id.to_string())).ok()?;
    decode(id.to_string(), folder, &bytes).ok()
}

/// Every import that is remembered and that nobody runs now, in order of ids.
pub(super) fn all(folder: &Path) -> Vec<ImportView> {
    let ids = names(folder).unwrap_or_default();
    ids.iter().filter_map(|name| find(folder, name.strip_suffix(SUFFIX)?)).collect()
}

fn path_of(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}{SUFFIX}"))
}

/// The names of the records; they sort by the time of their ids.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut records: Vec<String> = names.filter(|name| name.ends_with(SUFFIX)).collect();
    records.sort_unstable();
    Ok(records)
}

fn forget_oldest(folder: &Path, kept: usize) -> io::Result<()> {
    let records = names(folder)?;
    let surplus = records.len().saturating_sub(kept);
    records[..surplus].iter().try_for_each(|name| fs::remove_file(folder.join(name)))
}

fn encode(view: &ImportView) -> Vec<u8> {
    let mut writer = Writer::new();
    let OrderCounts { documents, lines, with_sales, zero_price_only } = view.orders;
    let credits = view.credit_orders;
    let adjustments = view.adjustments;
    writer.byte(VERSION).byte(state_byte(view.state)).byte(u8::from(view.mode == ImportMode::DryRun));
    writer.byte(u8::from(view.kind == ImportKind::Products));
    view.started.encode(&mut writer);
    writer.option(view.ended.as_ref(), |w, ended| ended.encode(w));
    for number in [view.rows, view.created, view.updated, view.unchanged, view.rejected, view.lines] {
        writer.number(number);
    }
    for number in [documents, lines, with_sales, zero_price_only, credits.documents, credits.lines] {
        writer.number(number);
    }
    for number in [adjustments.documents, adjustments.lines, view.products_created, view.customers_created] {
        writer.number(number);
    }
    writer.number(view.rows_done).option(view.rows_total.as_ref(), |w, total| {
        w.number(*total);
    });
    let rejects = view.rejects_file.as_ref().and_then(|path| path.file_name());
    let rejects = rejects.map(|name| name.to_string_lossy().into_owned());
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.as_str().to_owned());
    for name in [view.encoding.clone(), rejects, text(&view.file_name), text(&view.channel)] {
        writer.option(name.as_ref(), |w, name| {
            w.blob(name.as_bytes());
        });
    }
    writer.option(view.error.as_ref(), |w, error| {
        let words = error.to_string();
        w.blob(&words.as_bytes()[..words.floor_char_boundary(FAILURE_BYTES_MAX)]);
    });
    writer.finish()
}

fn state_byte(state: ImportState) -> u8 {
    match state {
        ImportState::Running | ImportState::Cancelling | ImportState::Cut => 1,
        ImportState::Done => 2,
        ImportState::Failed => 3,
        ImportState::Cancelled => 4,
    }
}

fn decode(id: String, folder: &Path, bytes: &[u8]) -> Result<ImportView, DecodeError> {
    let mut reader = Reader::new(bytes);
    if reader.byte("version")? != VERSION {
        return Err(DecodeError::OutOfRange { field: "version" });
    }
    let state = match reader.byte("state")? {
        1 => ImportState::Cut,
        2 => ImportState::Done,
        3 => ImportState::Failed,
        4 => ImportState::Cancelled,
        0 | 5..=u8::MAX => return Err(DecodeError::OutOfRange { field: "state" }),
    };
    let mode = if reader.flag("dry run")? { ImportMode::DryRun } else { ImportMode::Write };
    let kind = if reader.flag("kind")? { ImportKind::Products } else { ImportKind::Orders };
    let started = EventTime::decode("started", &mut reader)?;
    let ended = reader.option("ended", |reader| EventTime::decode("ended", reader))?;
    let mut numbers = [0; 16];
    for number in &mut numbers {
        *number = reader.number("count")?;
    }
    let (rows_done, rows_total) =
        (reader.number("rows done")?, reader.option("rows total", |reader| reader.number("rows total"))?);
    let mut name = |field| reader.option(field, |reader| string(reader, field, NAME_BYTES_MAX));
    let (encoding, rejects) = (name("encoding")?, name("rejects")?);
    let (file_name, channel) = (name("file name")?, name("channel")?);
    let failure = reader.option("failure", |reader| string(reader, "failure", FAILURE_BYTES_MAX))?;
    reader.end()?;
    let [rows, created, updated, unchanged, rejected, lines, orders @ ..] = numbers;
    let [documents, order_lines, with_sales, zero_price_only, credits, credit_lines, others @ ..] = orders;
    let [adjustments, adjustment_lines, products_created, customers_created] = others;
    let text = |text: Option<String>| text.and_then(|text| Text::new(&text).ok());
    Ok(ImportView {
        id,
        kind,
        state,
        file_name: text(file_name),
        channel: text(channel),
        started,
        ended,
        rows,
        rows_done,
        rows_total,
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
        error: failure_of(state, failure),
    })
}

/// What is told of an import that did not end well in an earlier run of the node.
fn failure_of(state: ImportState, failure: Option<String>) -> Option<AppError> {
    let refused = |code, detail: String, remedy: &str| {
        Some(AppError::Refused { code, detail, remedy: format!("{remedy} {AGAIN}") })
    };
    match state {
        ImportState::Cut => refused("import_cut", "the node ended while the import ran".to_owned(), ""),
        ImportState::Failed => refused("import_failed", failure.unwrap_or_default(), "Mend what stopped it."),
        ImportState::Running | ImportState::Cancelling | ImportState::Done | ImportState::Cancelled => None,
    }
}

/// How an import goes on.
const AGAIN: &str = "Import the same file again: what is durable is found there and nothing is written twice.";

fn string(reader: &mut Reader<'_>, field: &'static str, most: usize) -> Result<String, DecodeError> {
    let bytes = reader.blob(field, most)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| DecodeError::NotCanonical { field })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crdt_model::time::{BusinessDate, Timestamp};

    fn id(number: u8) -> String {
        DocumentId([number; 16]).to_string()
    }

    fn at(ms: i64) -> EventTime {
        EventTime { at: Timestamp(ms), offset_minutes: 480, business_date: BusinessDate::from_days(20_000).unwrap() }
    }

    fn import(number: u8, folder: &Path, state: ImportState) -> ImportView {
        ImportView {
            id: id(number),
            kind: ImportKind::Orders,
            state,
            file_name: Text::new("订单 12.csv").ok(),
            channel: Text::new("web").ok(),
            started: at(1),
            ended: Some(at(2)),
            rows: 9,
            rows_done: 8,
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
            mode: ImportMode::DryRun,
            rejects_file: Some(folder.join("x-rejects.csv")),
            error: None,
        }
    }

    #[test]
    fn an_import_reads_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let with = import(1, folder.path(), ImportState::Done);
        let without = ImportView {
            encoding: None,
            rejects_file: None,
            mode: ImportMode::Write,
            kind: ImportKind::Products,
            file_name: None,
            channel: None,
            ended: None,
            rows_total: None,
            ..import(2, folder.path(), ImportState::Cancelled)
        };
        for view in [&with, &without] {
            keep(folder.path(), view, Sync::Now).unwrap();
            assert_eq!(find(folder.path(), &view.id), Some(view.clone()));
        }
        assert_eq!(all(folder.path()), [with, without]);
        assert_eq!(find(folder.path(), &id(3)), None);
        assert_eq!(find(folder.path(), "../keys"), None, "an id is no path");
    }

    #[test]
    fn a_record_of_a_run_that_nobody_runs_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        for (state, sync) in [(ImportState::Running, Sync::Now), (ImportState::Cancelling, Sync::Later)] {
            keep(folder.path(), &import(1, folder.path(), state), sync).unwrap();
            let found = find(folder.path(), &id(1)).unwrap();
            assert_eq!((found.state, found.rows_done), (ImportState::Cut, 8));
            let remedy = |error: &AppError| matches!(error, AppError::Refused { code: "import_cut", remedy, .. } if remedy.contains("again"));
            assert!(found.error.as_ref().is_some_and(remedy), "{found:?}");
        }
        let failed = ImportView { error: Some(AppError::Stopping), ..import(2, folder.path(), ImportState::Failed) };
        keep(folder.path(), &failed, Sync::Now).unwrap();
        let error = find(folder.path(), &id(2)).unwrap().error.unwrap();
        assert!(
            matches!(&error, AppError::Refused { code: "import_failed", detail, .. } if *detail == AppError::Stopping.to_string())
        );
    }

    #[test]
    fn only_the_newest_records_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a-rejects.csv"), "").unwrap();
        for number in 1..=4 {
            keep(folder.path(), &import(number, folder.path(), ImportState::Done), Sync::Now).unwrap();
        }
        forget_oldest(folder.path(), 4).unwrap();
        assert!(find(folder.path(), &id(1)).is_some());
        forget_oldest(folder.path(), 3).unwrap();
        assert!(find(folder.path(), &id(1)).is_none() && find(folder.path(), &id(2)).is_some());
        assert!(folder.path().join("a-rejects.csv").exists());
    }

    #[test]
    fn a_damaged_record_counts_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        keep(folder.path(), &import(1, folder.path(), ImportState::Done), Sync::Now).unwrap();
        let path = path_of(folder.path(), &id(1));
        let whole = fs::read(&path).unwrap();
        let later = [&[VERSION + 1], &whole[1..]].concat();
        for damaged in [&whole[..whole.len() - 1], &[], &later] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(find(folder.path(), &id(1)), None);
        }
    }
}
