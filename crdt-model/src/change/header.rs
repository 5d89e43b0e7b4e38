//! The fields of a change before its columns: dependencies, author, numbers, other actors.
//!
//! Does not decide whether they fit the document; `ScannedChange::check` does. Invariants: lists
//! are strictly ascending and bounded before they are read, actors have 16 bytes, timestamp and
//! message are empty. Test `header_refusals_name_their_rule`.

use super::cursor::Cursor;
use super::{ACTOR_BYTES, CHANGE_DEPS_MAX, CHANGE_OTHER_ACTORS_MAX, DOCUMENT_OPS_MAX, ScanError};

/// The fields of a change that are not operations.
pub(super) struct Header<'a> {
    pub(super) deps: Vec<[u8; 32]>,
    pub(super) seq: u64,
    pub(super) start_op: u64,
    /// The author, then the other actors, ascending; never empty.
    pub(super) actors: Vec<&'a [u8; ACTOR_BYTES]>,
}

/// Reads the header and leaves `contents` at the list of columns.
pub(super) fn read<'a>(contents: &mut Cursor<'a>) -> Result<Header<'a>, ScanError> {
    let deps = deps(contents)?;
    let author = actor(contents, 0)?;
    let seq = contents.unsigned()?;
    let start_op = contents.unsigned()?;
    check_numbers(seq, start_op)?;
    let found = contents.signed()?;
    if found != 0 {
        return Err(ScanError::Timestamp { found });
    }
    let len = contents.unsigned()?;
    if len != 0 {
        return Err(ScanError::Message { len });
    }
    let actors = actors(contents, author)?;
    Ok(Header { deps, seq, start_op, actors })
}

fn check_numbers(seq: u64, start_op: u64) -> Result<(), ScanError> {
    if start_op == 0 || start_op > DOCUMENT_OPS_MAX {
        return Err(ScanError::StartOpOutOfRange { start_op });
    }
    // Each earlier change of the author holds at least one earlier operation.
    if seq == 0 || seq > start_op {
        return Err(ScanError::SeqOutOfRange { seq, start_op });
    }
    Ok(())
}

fn deps(contents: &mut Cursor<'_>) -> Result<Vec<[u8; 32]>, ScanError> {
    let count = contents.unsigned()?;
    if count > CHANGE_DEPS_MAX as u64 {
        return Err(ScanError::TooManyDeps { count });
    }
    let mut deps = Vec::new();
    for index in 0..count {
        let dep = *contents.take_array::<32>()?;
        if deps.last().is_some_and(|before| *before >= dep) {
            return Err(ScanError::DepsUnsorted { index });
        }
        deps.push(dep);
    }
    Ok(deps)
}

fn actors<'a>(
    contents: &mut Cursor<'a>,
    author: &'a [u8; ACTOR_BYTES],
) -> Result<Vec<&'a [u8; ACTOR_BYTES]>, ScanError> {
    let count = contents.unsigned()?;
    if count > CHANGE_OTHER_ACTORS_MAX as u64 {
        return Err(ScanError::TooManyActors { count });
    }
    let mut actors = vec![author];
    for _ in 0..count {
        let index = actors.len();
        let other = actor(contents, index)?;
        if other == author {
            return Err(ScanError::ActorIsAuthor { index });
        }
        if index > 1 && actors[index - 1] >= other {
            return Err(ScanError::ActorsUnsorted { index });
        }
        actors.push(other);
    }
    Ok(actors)
}

fn actor<'a>(contents: &mut Cursor<'a>, index: usize) -> Result<&'a [u8; ACTOR_BYTES], ScanError> {
    let len = contents.unsigned()?;
    if len != ACTOR_BYTES as u64 {
        return Err(ScanError::ActorLength { index, len });
    }
    contents.take_array()
}
