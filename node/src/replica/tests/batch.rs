//! Tests of the write-back view of a transaction.
#![allow(clippy::unwrap_used)]

use crdt_model::rows::{Rows, ViewTable};
use crdt_model::sales::SalesSums;
use crdt_model::scope_state::ScopeError;

use super::super::ReplicaError;
use super::super::batch::Batch;
use super::world::list;
use crate::store::sim_disk::{SimDisk, put_all};
use crate::store::{ReadTables, StoreError, Table};

fn keys(rows: &[(Vec<u8>, Vec<u8>)]) -> Vec<String> {
    rows.iter()
        .map(|(key, value)| format!("{}={}", String::from_utf8_lossy(key), String::from_utf8_lossy(value)))
        .collect()
}

#[test]
fn a_batch_reads_its_own_writes_and_scans_them_in_order() {
    let store = SimDisk::new().store();
    put_all(&store, Table::Rows, &[(b"a1", b"old"), (b"a3", b"old"), (b"a5", b"old"), (b"b1", b"old")]);
    let written = store.write(|tx| {
        let mut batch = Batch::new(tx);
        batch.write(Table::Rows, b"a4".to_vec(), b"new".to_vec());
        batch.write(Table::Rows, b"a3".to_vec(), b"new".to_vec());
        batch.remove(Table::Rows, b"a5".to_vec());
        batch.remove(Table::Rows, b"a1".to_vec());
        batch.write(Table::Rows, b"a1".to_vec(), b"again".to_vec());
        batch.write(Table::Rows, b"a0".to_vec(), b"gone".to_vec());
        batch.remove(Table::Rows, b"a0".to_vec());
        assert_eq!(batch.read(Table::Rows, b"a3")?.unwrap(), b"new");
        assert_eq!(batch.read(Table::Rows, b"a5")?, None);
        assert_eq!(batch.read(Table::Rows, b"b1")?.unwrap(), b"old");
        assert_eq!(batch.read(Table::Local, b"a3")?, None, "another table");
        assert_eq!(keys(&batch.list(Table::Rows, b"a")?), ["a1=again", "a3=new", "a4=new"]);
        assert_eq!(keys(&batch.list(Table::Rows, b"")?), ["a1=again", "a3=new", "a4=new", "b1=old"]);
        batch.flush()
    });
    written.unwrap();
    let rows = list(&store.read().unwrap(), Table::Rows, b"");
    assert_eq!(keys(&rows), ["a1=again", "a3=new", "a4=new", "b1=old"]);
}

#[test]
fn nothing_of_a_batch_reaches_the_transaction_before_its_flush() {
    let store = SimDisk::new().store();
    put_all(&store, Table::Rows, &[(b"a", b"old")]);
    let written = store.write(|tx| {
        let mut batch = Batch::new(tx);
        batch.write(Table::Rows, b"b".to_vec(), b"new".to_vec());
        batch.remove(Table::Rows, b"a".to_vec());
        drop(batch);
        assert_eq!(tx.get(Table::Rows, b"a")?.unwrap(), b"old");
        assert_eq!(tx.get(Table::Rows, b"b")?, None);
        let mut batch = Batch::new(tx);
        batch.clear(Table::Rows)?;
        batch.write(Table::Rows, b"c".to_vec(), b"new".to_vec());
        assert_eq!(keys(&batch.list(Table::Rows, b"")?), ["c=new"], "cleared, then written");
        batch.flush()?;
        batch.flush()?;
        Ok::<_, StoreError>(())
    });
    written.unwrap();
    assert_eq!(keys(&list(&store.read().unwrap(), Table::Rows, b"")), ["c=new"]);
}

#[test]
fn sums_of_a_batch_are_read_before_they_are_written() {
    let sums = |net| SalesSums { net, lines: 1, ..SalesSums::default() };
    let taken = |net| SalesSums { net, lines: -1, ..SalesSums::default() };
    let (table, view) = (Table::SalesByDay, ViewTable::SalesByDay);
    let store = SimDisk::new().store();
    put_all(&store, table, &[(b"a1", &sums(5).encode()), (b"a2", &sums(7).encode())]);
    let written = store.write(|tx| {
        let mut batch = Batch::new(tx);
        for (key, change) in
            [(b"a1", sums(1)), (b"a1", sums(1)), (b"a2", taken(-7)), (b"a3", sums(3)), (b"b1", sums(4))]
        {
            batch.add_sums(view, key.to_vec(), &change)?;
        }
        batch.add_sums(view, b"a4".to_vec(), &sums(9))?;
        batch.remove(table, b"a4".to_vec());
        let seen = [b"a1", b"a2", b"a3", b"a4"].map(|key| batch.read(table, key));
        let nets = seen.map(|row| row.unwrap().map(|row| SalesSums::decode(&row).unwrap().net));
        assert_eq!(nets, [Some(7), None, Some(3), None], "sums of zero leave no row");
        let listed: Vec<_> = batch.list(table, b"a")?.into_iter().map(|(key, _)| key).collect();
        assert_eq!(listed, [b"a1".to_vec(), b"a3".to_vec()]);
        batch.flush()?;
        batch.add_sums(view, b"a1".to_vec(), &sums(1))?;
        batch.flush()?;
        Ok::<_, ReplicaError>(())
    });
    written.unwrap();
    let rows = list(&store.read().unwrap(), table, b"");
    let nets: Vec<_> = rows.iter().map(|(_, row)| SalesSums::decode(row).unwrap().net).collect();
    assert_eq!(nets, [8, 3, 4]);
}

#[test]
fn a_damaged_row_of_sums_is_told_and_not_added_to() {
    let store = SimDisk::new().store();
    put_all(&store, Table::SalesByDay, &[(b"a", b"damaged")]);
    let written = store.write(|tx| {
        let added = Batch::new(tx).add_sums(ViewTable::SalesByDay, b"a".to_vec(), &SalesSums::default());
        assert!(matches!(added, Err(ScopeError::Damaged(_))));
        Ok::<_, StoreError>(())
    });
    written.unwrap();
}
