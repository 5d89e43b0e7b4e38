//! The chunk around a change: magic, checksum, type, length.
//!
//! Does not look inside. Invariants: any type but a raw change is refused by one byte, before
//! anything else is read; the chunk is exactly one, whole; the checksum holds. Tests
//! `other_chunk_types_are_refused_by_one_byte` and `envelope_refusals_name_their_rule`.

use sha2::{Digest, Sha256};

use super::cursor::Cursor;
use super::{CHANGE_BYTES_MAX, ScanError};

/// The first bytes of every Automerge chunk.
const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// Where the chunk type stands, after magic and checksum; the hash covers all from here on.
const TYPE_AT: usize = 8;
/// The chunk type of an uncompressed change.
const TYPE_CHANGE: u8 = 1;

/// Checks the chunk and returns the hash of the change and its contents.
pub(super) fn open(chunk: &[u8]) -> Result<([u8; 32], Cursor<'_>), ScanError> {
    match chunk.get(TYPE_AT) {
        None => return Err(ScanError::ChunkTooShort { len: chunk.len() }),
        Some(&TYPE_CHANGE) => {}
        Some(&found) => return Err(ScanError::ChunkType { found }),
    }
    if chunk.len() > CHANGE_BYTES_MAX {
        return Err(ScanError::ChunkTooLarge { len: chunk.len() });
    }
    let mut cursor = Cursor::new(chunk, 0);
    let magic = *cursor.take_array::<4>()?;
    if magic != MAGIC {
        return Err(ScanError::Magic { found: magic });
    }
    let checksum = *cursor.take_array::<4>()?;
    cursor.take_array::<1>()?;
    let declared = cursor.unsigned()?;
    let held = cursor.left();
    if declared != held as u64 {
        return Err(ScanError::ChunkLength { declared, held });
    }
    let hash: [u8; 32] = Sha256::digest(&chunk[TYPE_AT..]).into();
    let computed = [hash[0], hash[1], hash[2], hash[3]];
    if checksum != computed {
        return Err(ScanError::Checksum { declared: checksum, computed });
    }
    Ok((hash, cursor))
}
