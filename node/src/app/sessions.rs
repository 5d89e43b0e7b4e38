//! Sessions of the pages as they are kept: a hash and a time, rows of this node alone.
//!
//! Not their meaning, which is `web/session`.
//!
//! Invariant: what is kept is read again whole; a row that cannot be read is no session. Proved by
//! `a_session_outlives_a_restart_and_ends_when_it_is_over` in `web/session.rs`.

use std::ops::ControlFlow;

use super::error::AppError;
use super::{App, storage};
use crate::replica::{LocalChange, LocalTable};
use crate::store::{Direction, KeyRange, ReadTables, Table};

/// The key of a session's row begins so.
const PREFIX: &[u8] = b"session ";

/// A session as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptSession {
    /// A hash of its secret.
    pub hash: [u8; 32],
    /// Until when it lasts, in milliseconds since 1970.
    pub until_ms: i64,
}

impl App {
    /// All sessions that are kept, also those that are over.
    pub fn kept_sessions(&self) -> Result<Vec<KeptSession>, AppError> {
        let mut sessions = Vec::new();
        let visit = |key: &[u8], value: &[u8]| {
            let hash = key.strip_prefix(PREFIX).and_then(|hash| hash.try_into().ok());
            let until_ms = value.try_into().ok().map(i64::from_be_bytes);
            sessions.extend(hash.zip(until_ms).map(|(hash, until_ms)| KeptSession { hash, until_ms }));
            ControlFlow::Continue(())
        };
        let range = KeyRange::prefix(PREFIX);
        self.snapshot()?.scan(Table::Local, &range, Direction::Forward, visit).map_err(storage)?;
        Ok(sessions)
    }

    /// Keeps a session, durably, and forgets others.
    pub async fn keep_session(&self, session: &KeptSession, ended: &[[u8; 32]]) -> Result<(), AppError> {
        let mut changes: Vec<LocalChange> = ended.iter().map(deleted).collect();
        let value = session.until_ms.to_be_bytes().to_vec();
        changes.push(LocalChange::Put { table: LocalTable::Local, key: key_of(&session.hash), value });
        self.keep_rows(changes).await
    }

    /// Forgets a session, durably.
    pub async fn forget_session(&self, hash: &[u8; 32]) -> Result<(), AppError> {
        self.keep_rows(vec![deleted(hash)]).await
    }
}

fn key_of(hash: &[u8; 32]) -> Vec<u8> {
    [PREFIX, hash].concat()
}

fn deleted(hash: &[u8; 32]) -> LocalChange {
    LocalChange::Delete { table: LocalTable::Local, key: key_of(hash) }
}
