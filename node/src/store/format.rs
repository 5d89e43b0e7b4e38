//! The format record of a store: which program may read it.
//!
//! Not here: migrations between formats; there is only one format yet.
//!
//! Invariants: a new store gets its record in its first transaction; a store of a later format is
//! opened only if it says that this program may read it (`a_later_format_is_opened_only_if_it_allows_us`);
//! a store that holds data but no record is refused (`data_without_a_format_record_is_refused`).

use super::error::StoreError;
use super::read::ReadTables;
use super::table::Table;
use super::transaction::WriteTx;

/// Format that this program writes.
pub const FORMAT: u32 = 1;
/// Oldest format number that a reader of [`FORMAT`] must know.
pub const MIN_READER: u32 = 1;

const KEY_FORMAT: &[u8] = b"format";
const KEY_MIN_READER: &[u8] = b"min_reader";
const KEY_WRITTEN_BY: &[u8] = b"written_by";

/// Whether the record must be written before the store is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The store is empty and has no record yet.
    New,
    /// The record is there and allows this program.
    Ready,
}

/// Reads the record and says whether this program may use the store.
pub(super) fn check(store: &impl ReadTables) -> Result<Found, StoreError> {
    let Some(format) = number(store, KEY_FORMAT)? else { return check_empty(store) };
    let min_reader = number(store, KEY_MIN_READER)?.unwrap_or(format);
    if format > FORMAT && min_reader > FORMAT {
        let written_by = store.get(Table::Meta, KEY_WRITTEN_BY)?.unwrap_or_default();
        return Err(StoreError::FormatTooNew {
            format,
            min_reader,
            supported: FORMAT,
            written_by: String::from_utf8_lossy(&written_by).into_owned(),
        });
    }
    Ok(Found::Ready)
}

/// Writes the record of a new store.
pub(super) fn write(tx: &mut WriteTx<'_>, written_by: &str) -> Result<(), StoreError> {
    tx.put(Table::Meta, KEY_FORMAT, &FORMAT.to_be_bytes())?;
    tx.put(Table::Meta, KEY_MIN_READER, &MIN_READER.to_be_bytes())?;
    tx.put(Table::Meta, KEY_WRITTEN_BY, written_by.as_bytes())
}

fn check_empty(store: &impl ReadTables) -> Result<Found, StoreError> {
    for table in Table::ALL {
        if store.count(table)? > 0 {
            let detail = format!("no format record, but rows in {}", table.name());
            return Err(StoreError::Corrupted { detail });
        }
    }
    Ok(Found::New)
}

fn number(store: &impl ReadTables, key: &[u8]) -> Result<Option<u32>, StoreError> {
    let Some(bytes) = store.get(Table::Meta, key)? else { return Ok(None) };
    let Ok(bytes) = <[u8; 4]>::try_from(bytes.as_slice()) else {
        let detail = format!("a format record of {} bytes instead of 4", bytes.len());
        return Err(StoreError::Corrupted { detail });
    };
    Ok(Some(u32::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::sim_disk::{SimDisk, put_all};
    use super::*;

    fn disk_with(format: u32, min_reader: u32) -> SimDisk {
        let disk = SimDisk::new();
        let (format, min_reader) = (format.to_be_bytes(), min_reader.to_be_bytes());
        let pairs = [
            (KEY_FORMAT, format.as_slice()),
            (KEY_MIN_READER, min_reader.as_slice()),
            (KEY_WRITTEN_BY, b"tradepost 9.0".as_slice()),
        ];
        put_all(&disk.store(), Table::Meta, &pairs);
        disk
    }

    #[test]
    fn a_new_store_carries_its_format() {
        let store = SimDisk::new().store();
        let snapshot = store.read().unwrap();
        assert_eq!(number(&snapshot, KEY_FORMAT).unwrap(), Some(FORMAT));
        assert_eq!(number(&snapshot, KEY_MIN_READER).unwrap(), Some(MIN_READER));
        let written_by = snapshot.get(Table::Meta, KEY_WRITTEN_BY).unwrap().unwrap();
        assert!(written_by.starts_with(b"tradepost "));
    }

    #[test]
    fn a_later_format_is_opened_only_if_it_allows_us() {
        assert!(disk_with(FORMAT + 1, FORMAT).try_store().is_ok());
        let refused = disk_with(FORMAT + 1, FORMAT + 1).try_store().unwrap_err();
        assert!(matches!(refused, StoreError::FormatTooNew { format: 2, min_reader: 2, .. }));
        assert!(refused.to_string().contains("written by tradepost 9.0"), "{refused}");
    }

    #[test]
    fn a_format_record_of_the_wrong_size_is_refused() {
        let disk = SimDisk::new();
        put_all(&disk.store(), Table::Meta, &[(KEY_FORMAT, b"1")]);
        assert!(matches!(disk.try_store(), Err(StoreError::Corrupted { .. })));
    }

    #[test]
    fn data_without_a_format_record_is_refused() {
        let disk = SimDisk::new();
        let store = disk.store();
        put_all(&store, Table::Rows, &[(b"a", b"1")]);
        let erased = store.write(|tx| tx.delete(Table::Meta, KEY_FORMAT));
        assert!(erased.unwrap());
        drop(store);
        assert!(matches!(disk.try_store(), Err(StoreError::Corrupted { .. })));
    }
}
