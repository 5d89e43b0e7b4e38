//! Changes that wait in memory for their transaction, and reads that see them.
//!
//! While one batch is being committed the next is planned here, over a snapshot and the changes under way.
//!
//! Not here: writing them; that is the writer's committing thread.
//!
//! Invariants: reads through stages equal reads of a store that holds the same changes, whatever their order
//! (`a_stage_reads_as_the_store_would`); keys and values have the limits of a transaction.

use super::error::StoreError;
use super::keys::KeyRange;
use super::read::{Direction, ReadTables, Snapshot};
use super::table::Table;
use super::transaction::{WriteTx, check_lengths};
use std::collections::{BTreeMap, btree_map};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

/// Changed rows of one table by key; `None` removes the row.
pub type TableChanges = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Changed rows of any table.
#[derive(Debug, Default)]
pub(super) struct Changes {
    tables: BTreeMap<Table, TableChanges>,
    /// Bytes of all keys and values that were ever put, overwritten ones too.
    bytes: usize,
}

impl Changes {
    fn get(&self, table: Table, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.tables.get(&table)?.get(key)
    }

    fn put(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
        self.tables.entry(table).or_default().insert(key, value);
    }

    fn put_all(&mut self, table: Table, mut changes: TableChanges) {
        self.bytes += changes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum::<usize>();
        self.tables.entry(table).or_default().append(&mut changes);
    }

    fn within(&self, table: Table, range: &KeyRange) -> Option<btree_map::Range<'_, Vec<u8>, Option<Vec<u8>>>> {
        let bounds = range.bounds();
        let rows = self.tables.get(&table)?;
        (!is_empty(&bounds)).then(|| rows.range::<[u8], _>(bounds))
    }

    /// Writes every change.
    pub(super) fn write(&self, tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
        for (table, rows) in &self.tables {
            for (key, value) in rows {
                match value {
                    Some(value) => tx.put(*table, key, value)?,
                    None => drop(tx.delete(*table, key)?),
                }
            }
        }
        Ok(())
    }
}

/// Whether no key lies in the bounds; a map would panic there.
fn is_empty(bounds: &(Bound<&[u8]>, Bound<&[u8]>)) -> bool {
    match bounds {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
    }
}

/// A batch being planned: a snapshot, the changes on their way to the disk, and its own.
#[derive(Debug)]
pub(super) struct Stage {
    snapshot: Snapshot,
    under_way: Option<Arc<Changes>>,
    own: Changes,
}

impl Stage {
    /// Starts on `snapshot`, which may or may not hold the changes under way already.
    pub(super) fn new(snapshot: Snapshot, under_way: Option<Arc<Changes>>) -> Self {
        Self { snapshot, under_way, own: Changes::default() }
    }

    /// Bytes that were put so far.
    pub(super) fn bytes(&self) -> usize {
        self.own.bytes
    }

    /// What was planned.
    pub(super) fn into_changes(self) -> Changes {
        self.own
    }

    fn changed(&self, table: Table, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        let own = self.own.get(table, key);
        own.or_else(|| self.under_way.as_ref().and_then(|below| below.get(table, key)))
    }

    pub(super) fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        check_lengths(key, value)?;
        self.own.put(table, key.to_vec(), Some(value.to_vec()));
        Ok(())
    }

    pub(super) fn put_all(&mut self, table: Table, changes: TableChanges) -> Result<(), StoreError> {
        for (key, value) in &changes {
            check_lengths(key, value.as_deref().unwrap_or_default())?;
        }
        self.own.put_all(table, changes);
        Ok(())
    }

    pub(super) fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool, StoreError> {
        let held = self.with(table, key, |_| ())?.is_some();
        self.own.put(table, key.to_vec(), None);
        Ok(held)
    }

    /// The changed rows of a range, the newest of each key.
    fn changes_within(&self, table: Table, range: &KeyRange) -> BTreeMap<&[u8], Option<&[u8]>> {
        let layers = [self.under_way.as_deref(), Some(&self.own)].into_iter().flatten();
        let rows = layers.filter_map(|layer| layer.within(table, range)).flatten();
        rows.map(|(key, value)| (key.as_slice(), value.as_deref())).collect()
    }
}

impl ReadTables for Stage {
    fn with<R>(&self, table: Table, key: &[u8], look: impl FnOnce(&[u8]) -> R) -> Result<Option<R>, StoreError> {
        match self.changed(table, key) {
            Some(changed) => Ok(changed.as_deref().map(look)),
            None => self.snapshot.with(table, key, look),
        }
    }

    fn scan(
        &self,
        table: Table,
        range: &KeyRange,
        direction: Direction,
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut changes = self.changes_within(table, range);
        let mut ended = false;
        self.snapshot.scan(table, range, direction, |key, value| {
            let ahead = show_before(&mut changes, Some(key), direction, &mut visit);
            let shown = match ahead.is_break() || changes.remove(key).is_some() {
                true => ahead,
                false => visit(key, value),
            };
            ended = shown.is_break();
            shown
        })?;
        if !ended {
            // A visitor that breaks here ends the scan anyway.
            let _last = show_before(&mut changes, None, direction, &mut visit);
        }
        Ok(())
    }

    fn count(&self, table: Table) -> Result<u64, StoreError> {
        let mut count = self.snapshot.count(table)?;
        for (key, value) in self.changes_within(table, &KeyRange::all()) {
            let held = self.snapshot.with(table, key, |_| ())?.is_some();
            match (held, value.is_some()) {
                (false, true) => count += 1,
                (true, false) => count -= 1,
                (true, true) | (false, false) => {}
            }
        }
        Ok(count)
    }
}

/// Visits the changed rows up to a stored key, that key's own included; all of them without one.
fn show_before(
    changes: &mut BTreeMap<&[u8], Option<&[u8]>>,
    stored: Option<&[u8]>,
    direction: Direction,
    visit: &mut impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    loop {
        let next = match direction {
            Direction::Forward => changes.first_key_value(),
            Direction::Backward => changes.last_key_value(),
        };
        let Some((key, value)) = next.map(|(key, value)| (*key, *value)) else { return ControlFlow::Continue(()) };
        let is_ahead = stored.is_none_or(|stored| match direction {
            Direction::Forward => key < stored,
            Direction::Backward => key > stored,
        });
        if !is_ahead {
            return match (stored == Some(key), value) {
                (true, Some(value)) => visit(key, value),
                (true, None) | (false, _) => ControlFlow::Continue(()),
            };
        }
        changes.remove(key);
        if let Some(value) = value {
            visit(key, value)?;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::sim_disk::{Rng, SimDisk};
    use super::super::{KEY_BYTES_MAX, Store};
    use super::*;

    type Row = (Vec<u8>, Vec<u8>);

    /// A short key, so that many meet.
    fn any_key(rng: &mut Rng) -> Vec<u8> {
        let length = rng.next() % 3;
        (0..length).map(|_| u8::try_from(rng.next() % 3).unwrap() * 100).collect()
    }

    fn any_changes(rng: &mut Rng) -> TableChanges {
        let count = rng.next() % 6;
        let value = |rng: &mut Rng| (!rng.next().is_multiple_of(3)).then(|| rng.next().to_be_bytes().to_vec());
        (0..count).map(|_| (any_key(rng), value(rng))).collect()
    }

    fn write(store: &Store, changes: &TableChanges) {
        let mut all = Changes::default();
        all.put_all(Table::Rows, changes.clone());
        store.write(|tx| all.write(tx)).unwrap();
    }

    fn rows(reader: &impl ReadTables, range: &KeyRange, direction: Direction, most: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        let visit = |key: &[u8], value: &[u8]| {
            rows.push((key.to_vec(), value.to_vec()));
            if rows.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        reader.scan(Table::Rows, range, direction, visit).unwrap();
        rows
    }

    fn agree(stage: &Stage, whole: &Snapshot, rng: &mut Rng, context: &str) {
        assert_eq!(stage.count(Table::Rows).unwrap(), whole.count(Table::Rows).unwrap(), "{context}");
        for _ in 0..8 {
            let key = any_key(rng);
            assert_eq!(stage.get(Table::Rows, &key).unwrap(), whole.get(Table::Rows, &key).unwrap(), "{context}");
            let most = usize::try_from(rng.next() % 5).unwrap() + 1;
            let between = KeyRange::between(&key, &any_key(rng));
            for range in [KeyRange::all(), KeyRange::prefix(&key), KeyRange::all().after(&key), between] {
                for direction in [Direction::Forward, Direction::Backward] {
                    let (staged, stored) = (rows(stage, &range, direction, most), rows(whole, &range, direction, most));
                    assert_eq!(staged, stored, "{context}, {range:?}, {direction:?}, {most}");
                }
            }
        }
    }

    #[test]
    fn a_stage_reads_as_the_store_would() {
        for seed in 0..40 {
            let rng = &mut Rng::new(seed);
            let (store, whole) = (SimDisk::new().store(), SimDisk::new().store());
            let [first, second, third] = [any_changes(rng), any_changes(rng), any_changes(rng)];
            write(&store, &first);
            [&first, &second, &third].into_iter().for_each(|changes| write(&whole, changes));
            let mut under_way = Changes::default();
            under_way.put_all(Table::Rows, second.clone());
            let under_way = Some(Arc::new(under_way));
            for committed in [false, true] {
                if committed {
                    write(&store, &second);
                }
                let mut stage = Stage::new(store.read().unwrap(), under_way.clone());
                stage.put_all(Table::Rows, third.clone()).unwrap();
                agree(&stage, &whole.read().unwrap(), rng, &format!("seed {seed}, committed {committed}"));
            }
        }
    }

    #[test]
    fn a_removed_row_says_whether_it_was_there() {
        let store = SimDisk::new().store();
        write(&store, &TableChanges::from([(vec![1], Some(vec![1]))]));
        let mut stage = Stage::new(store.read().unwrap(), None);
        stage.put(Table::Rows, &[2], &[]).unwrap();
        let removed = [1, 1, 2, 3].map(|key| stage.delete(Table::Rows, &[key]).unwrap());
        assert_eq!(removed, [true, false, true, false]);
        assert_eq!(stage.count(Table::Rows).unwrap(), 0);
    }

    #[test]
    fn a_staged_key_at_the_limit_is_taken_and_one_past_it_refused() {
        let store = SimDisk::new().store();
        let mut stage = Stage::new(store.read().unwrap(), None);
        let key = vec![7; KEY_BYTES_MAX + 1];
        stage.put(Table::Rows, &key[1..], b"").unwrap();
        let longer = TableChanges::from([(key, None)]);
        assert!(matches!(stage.put_all(Table::Rows, longer), Err(StoreError::KeyTooLong { bytes: 4097, .. })));
    }
}
