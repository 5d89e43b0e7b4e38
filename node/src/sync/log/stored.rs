//! The log as a snapshot of the store has it: from the frontier, the authors' logs and the commits.
//!
//! The value of an author's log is `hash 32 ‖ arrival u64 BE ‖ length u32 BE`: several logs merge by arrival without a look
//! at a commit that is not sent.
//!
//! Invariant and its test: see `log`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::ControlFlow;

use crdt_model::codec::{DecodeError, Reader};
use crdt_model::id::{AuthorId, CommitHash, DocumentId};
use crdt_model::rows::RowKey;
use crdt_model::scope::{SCOPE_BYTES_MAX, Scope};
use crdt_model::seal::{KeyRecord, SealKey};

use super::{Have, Head, Log, LogError, Totals};
use crate::store::{Direction, KeyRange, ReadTables, Snapshot, Table};

/// Rows of one author's log read at a time.
const PAGE_ROWS: usize = 256;

/// One row of an author's log.
struct LogRow {
    arrival: u64,
    seq: u64,
    hash: CommitHash,
    bytes: u64,
}

impl LogRow {
    fn decode(key: &[u8], value: &[u8]) -> Result<Self, DecodeError> {
        let seq = key.last_chunk::<8>().ok_or(DecodeError::Truncated { field: "log key" })?;
        let mut reader = Reader::new(value);
        let hash = CommitHash::decode("log hash", &mut reader)?;
        let arrival = u64::from_be_bytes(reader.array("arrival")?);
        let bytes = u64::from(u32::from_be_bytes(reader.array("length")?));
        Ok(Self { arrival, seq: u64::from_be_bytes(*seq), hash, bytes })
    }
}

fn log_prefix(scope: &Scope, author: &AuthorId) -> Vec<u8> {
    [&author.0[..], RowKey::of(scope).as_bytes()].concat()
}

/// Visits an author's log from number `from` on.
fn visit_log(
    store: &impl ReadTables,
    prefix: &[u8],
    from: u64,
    mut visit: impl FnMut(LogRow) -> ControlFlow<()>,
) -> Result<(), LogError> {
    let range = KeyRange::between(&[prefix, &from.to_be_bytes()].concat(), &[prefix, &[0xff; 8]].concat());
    let mut damaged = None;
    store.scan(Table::AuthorLog, &range, Direction::Forward, |key, value| match LogRow::decode(key, value) {
        Ok(row) => visit(row),
        Err(error) => {
            damaged = Some(error);
            ControlFlow::Break(())
        }
    })?;
    damaged.map_or(Ok(()), |error| Err(error.into()))
}

/// What is left of one author's log.
struct Cursor {
    author: AuthorId,
    prefix: Vec<u8>,
    next: u64,
    last: u64,
    page: VecDeque<LogRow>,
}

impl Cursor {
    /// The next row; each number up to the head must be there.
    fn pop(&mut self, store: &impl ReadTables) -> Result<Option<LogRow>, LogError> {
        if self.next > self.last {
            return Ok(None);
        }
        if self.page.is_empty() {
            let page = &mut self.page;
            visit_log(store, &self.prefix, self.next, |row| {
                page.push_back(row);
                if page.len() < PAGE_ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
        }
        let row = self.page.pop_front().filter(|row| row.seq == self.next);
        let row = row.ok_or(LogError::Gap { author: self.author, seq: self.next })?;
        self.next += 1;
        Ok(Some(row))
    }
}

impl Log for Snapshot {
    fn scopes(&self) -> Result<Vec<Scope>, LogError> {
        let (mut scopes, mut from) = (Vec::new(), Vec::new());
        loop {
            let mut found = None;
            let range = if from.is_empty() { KeyRange::all() } else { KeyRange::all().after(&from) };
            self.scan(Table::Frontier, &range, Direction::Forward, |key, _| {
                found = Some(Reader::new(key).blob("scope", SCOPE_BYTES_MAX).and_then(Scope::from_bytes));
                ControlFlow::Break(())
            })?;
            let Some(scope) = found.transpose()? else { break };
            // No author id follows 32 bytes of 0xff and one more.
            from = [RowKey::of(&scope).as_bytes(), &[0xff; 33]].concat();
            scopes.push(scope);
        }
        scopes.sort_unstable();
        Ok(scopes)
    }

    fn frontier(&self, scope: &Scope) -> Result<Vec<Head>, LogError> {
        let prefix = RowKey::of(scope).into_bytes();
        let mut heads: Vec<Result<Head, DecodeError>> = Vec::new();
        self.scan(Table::Frontier, &KeyRange::prefix(&prefix), Direction::Forward, |key, value| {
            heads.push(decode_head(&key[prefix.len()..], value));
            ControlFlow::Continue(())
        })?;
        Ok(heads.into_iter().collect::<Result<_, _>>()?)
    }

    fn hash_at(&self, scope: &Scope, author: &AuthorId, seq: u64) -> Result<Option<CommitHash>, LogError> {
        let key = [log_prefix(scope, author), seq.to_be_bytes().to_vec()].concat();
        let row = self.with(Table::AuthorLog, &key, |value| LogRow::decode(&key, value))?;
        Ok(row.transpose()?.map(|row| row.hash))
    }

    fn totals(&self, scope: &Scope, have: &Have) -> Result<Totals, LogError> {
        let mut totals = Totals::default();
        for head in self.frontier(scope)? {
            let held = have.get(&head.author).copied().unwrap_or(0);
            if head.seq > held {
                visit_log(self, &log_prefix(scope, &head.author), held + 1, |row| {
                    totals = totals.plus(Totals { commits: 1, bytes: row.bytes });
                    ControlFlow::Continue(())
                })?;
            }
        }
        Ok(totals)
    }

    fn next_commits(
        &self,
        scope: &Scope,
        have: &mut Have,
        without: &dyn Fn(&AuthorId) -> bool,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, LogError> {
        let mut cursors = Vec::new();
        let mut heap = BinaryHeap::new();
        for head in self.frontier(scope)?.into_iter().filter(|head| !without(&head.author)) {
            let next = have.get(&head.author).copied().unwrap_or(0) + 1;
            let prefix = log_prefix(scope, &head.author);
            let mut cursor = Cursor { author: head.author, prefix, next, last: head.seq, page: VecDeque::new() };
            if let Some(row) = cursor.pop(self)? {
                heap.push(Reverse((row.arrival, cursors.len(), row.seq, row.hash)));
                cursors.push(cursor);
            }
        }
        let (mut commits, mut bytes) = (Vec::new(), 0);
        while let Some(Reverse((_, at, seq, hash))) = heap.pop() {
            let cursor = &mut cursors[at];
            let commit = self.get(Table::Commits, &hash.0)?.ok_or(LogError::Gap { author: cursor.author, seq })?;
            if bytes > 0 && bytes + commit.len() > bytes_max {
                break;
            }
            bytes += commit.len();
            commits.push(commit);
            have.insert(cursor.author, seq);
            if let Some(row) = cursor.pop(self)? {
                heap.push(Reverse((row.arrival, at, row.seq, row.hash)));
            }
        }
        Ok(commits)
    }

    fn keys(&self, subject: DocumentId) -> Result<Vec<KeyRecord>, LogError> {
        let mut keys = Vec::new();
        self.scan(Table::Keys, &KeyRange::prefix(&subject.0), Direction::Forward, |_, value| {
            keys.extend(<[u8; 32]>::try_from(value).map(|key| KeyRecord { subject, key: SealKey::new(key) }));
            ControlFlow::Continue(())
        })?;
        Ok(keys)
    }
}

fn decode_head(author: &[u8], value: &[u8]) -> Result<Head, DecodeError> {
    let author = AuthorId::decode("author", &mut Reader::new(author))?;
    let mut reader = Reader::new(value);
    let seq = u64::from_be_bytes(reader.array("seq")?);
    Ok(Head { author, seq, hash: CommitHash::decode("head", &mut reader)? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::{Store, StoreConfig, StoreError};

    const AUTHORS: [AuthorId; 3] = [AuthorId([1; 32]), AuthorId([2; 32]), AuthorId([3; 32])];

    fn hash(author: usize, seq: u64) -> CommitHash {
        CommitHash([&[author as u8; 24][..], &seq.to_be_bytes()].concat().try_into().unwrap())
    }

    /// A store in which authors take turns: (author, commits in a row) of one scope, each commit of `bytes`.
    fn store_of(turns: &[(usize, u64)], scope: &Scope, bytes: usize) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_file(&folder.path().join("s.redb"), StoreConfig::default()).unwrap();
        let mut seqs = [0u64; 3];
        let written = store.write(|tx| {
            let mut arrival = 0u64;
            for (author, count) in turns {
                for _ in 0..*count {
                    arrival += 1;
                    seqs[*author] += 1;
                    let (seq, hash) = (seqs[*author], hash(*author, seqs[*author]));
                    let key = [log_prefix(scope, &AUTHORS[*author]), seq.to_be_bytes().to_vec()].concat();
                    let length = (bytes as u32).to_be_bytes();
                    tx.put(Table::AuthorLog, &key, &[&hash.0[..], &arrival.to_be_bytes(), &length].concat())?;
                    let commit = [&arrival.to_be_bytes()[..], &vec![7; bytes - 8]].concat();
                    tx.put(Table::Commits, &hash.0, &commit)?;
                    let head = [&seq.to_be_bytes()[..], &hash.0].concat();
                    tx.put(Table::Frontier, RowKey::of(scope).fixed(&AUTHORS[*author].0).as_bytes(), &head)?;
                }
            }
            Ok::<_, StoreError>(())
        });
        written.unwrap();
        (folder, store)
    }

    fn arrivals(commits: &[Vec<u8>]) -> Vec<u64> {
        commits.iter().map(|commit| u64::from_be_bytes(*commit.first_chunk().unwrap())).collect()
    }

    #[test]
    fn missing_commits_of_several_authors_merge_by_arrival() {
        let scope: Scope = "site/SH01".parse().unwrap();
        let (_folder, store) = store_of(&[(0, 3), (1, 2), (0, 1), (2, 300), (1, 4), (0, 2)], &scope, 100);
        let log = store.read().unwrap();
        let all: Vec<u64> = (1..=312).collect();
        assert_eq!(arrivals(&log.next_commits(&scope, &mut Have::new(), &|_| false, usize::MAX).unwrap()), all);
        assert_eq!(log.totals(&scope, &Have::new()).unwrap(), Totals { commits: 312, bytes: 31_200 });
        let (mut have, mut seen) = (Have::from([(AUTHORS[0], 3), (AUTHORS[2], 1)]), Vec::new());
        assert_eq!(log.totals(&scope, &have).unwrap().commits, 308);
        loop {
            let part = log.next_commits(&scope, &mut have, &|_| false, 1_000).unwrap();
            assert!(part.len() <= 10);
            if part.is_empty() {
                break;
            }
            seen.extend(arrivals(&part));
        }
        assert_eq!(seen, all.iter().copied().filter(|n| ![1, 2, 3, 7].contains(n)).collect::<Vec<_>>());
        assert_eq!(log.totals(&scope, &have).unwrap(), Totals::default());
        let without = |author: &AuthorId| *author == AUTHORS[2];
        assert_eq!(log.next_commits(&scope, &mut Have::new(), &without, usize::MAX).unwrap().len(), 12);
        assert_eq!(
            log.next_commits(&scope, &mut Have::new(), &|_| false, 1).unwrap().len(),
            1,
            "one larger goes alone"
        );
    }

    #[test]
    fn scopes_heads_and_hashes_are_read_from_their_tables() {
        let scopes: Vec<Scope> =
            ["control", "site/SH01", "site/SH0", "lane/AA~BB", "catalogue"].map(|text| text.parse().unwrap()).into();
        let (_folder, store) = store_of(&[(0, 2), (1, 1)], &scopes[0], 50);
        for scope in &scopes[1..] {
            let head = [&1u64.to_be_bytes()[..], &[9; 32]].concat();
            let key = RowKey::of(scope).fixed(&[0xff; 32]).into_bytes();
            store.write(|tx| tx.put(Table::Frontier, &key, &head)).unwrap();
        }
        let log = store.read().unwrap();
        let mut sorted = scopes.clone();
        sorted.sort();
        assert_eq!(log.scopes().unwrap(), sorted);
        let heads = log.frontier(&scopes[0]).unwrap();
        assert_eq!(heads[0], Head { author: AUTHORS[0], seq: 2, hash: hash(0, 2) });
        assert_eq!(heads.len(), 2);
        assert_eq!(log.hash_at(&scopes[0], &AUTHORS[0], 1).unwrap(), Some(hash(0, 1)));
        assert_eq!(log.hash_at(&scopes[0], &AUTHORS[0], 3).unwrap(), None);
    }

    #[test]
    fn a_log_with_a_hole_is_not_sent_over() {
        let scope = Scope::Catalogue;
        let (_folder, store) = store_of(&[(0, 5)], &scope, 50);
        let key = [log_prefix(&scope, &AUTHORS[0]), 3u64.to_be_bytes().to_vec()].concat();
        store.write(|tx| tx.delete(Table::AuthorLog, &key)).unwrap();
        let log = store.read().unwrap();
        let sent = log.next_commits(&scope, &mut Have::new(), &|_| false, usize::MAX);
        assert!(matches!(sent, Err(LogError::Gap { seq: 3, .. })));
    }
}
