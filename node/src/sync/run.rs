//! DATA bodies: keys, then commits of one scope, without what the receiver can work out.
//!
//! ```text
//! body    scope ‖ count, keys[subject 16 ‖ key 32] ‖ count of commits ‖ blob of noise ‖ items
//! item    flags ‖ author ‖ what the flags say ‖ clock ‖ count, changes ‖ (noise: signature 64)
//! change  document ‖ form ‖ raw chunk, or head and puts
//! put     head ‖ key where it is not the next derived one ‖ tokens ‖ the rest of the value
//! ```
//!
//! Bytes that do not compress (signatures, ids, ciphertext) stand together as *noise* before the items. A body is complete
//! in itself: what an item leaves out is in the items before it. The receiver gets the canonical bytes of each commit
//! back; the signature is verified elsewhere, so a wrong omission can never pass.
//!
//! Invariants: decoding gives the bytes that were encoded (`every_commit_comes_back_byte_for_byte`); hostile bodies end
//! in an error within their limits (`damaged_bodies_never_panic`, `what_a_body_becomes_is_bounded`).

mod chunk;
mod decode;
mod encode;
mod value;

pub use decode::{Data, RunError, decode};
pub use encode::{Encoder, Prepared};

use std::collections::HashMap;

use crdt_model::commit::Commit;
use crdt_model::id::{AuthorId, CommitHash, DocumentId, SessionId};

/// Bytes of the commits of one body, as stored.
pub const BODY_COMMITS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Keys of one body.
pub const BODY_KEYS_MAX: usize = 16 * 1024;

/// The whole commit as it is stored, among the noise; no other flag stands with it.
const FLAG_RAW: u64 = 1;
/// Number and previous commit follow from the author's last one in the body.
const FLAG_LINKED: u64 = 1 << 1;
/// The session is that of the author's last commit in the body.
const FLAG_SAME_SESSION: u64 = 1 << 2;
/// The control heads are those of the commit before in the body.
const FLAG_SAME_CONTROL: u64 = 1 << 3;
const FLAG_DEPS: u64 = 1 << 4;
const FLAG_USER: u64 = 1 << 5;
const FLAG_REQUEST: u64 = 1 << 6;
const FLAG_TRANSACTION: u64 = 1 << 7;
/// The organisation is zero.
const FLAG_GENESIS: u64 = 1 << 8;
const FLAGS_ALL: u64 = (1 << 9) - 1;

/// What both sides remember of an author within a body.
#[derive(Debug, Clone)]
struct AuthorTrack {
    author: AuthorId,
    session: SessionId,
    seq: u64,
    hash: CommitHash,
    millis: u64,
}

/// What both sides remember of a document within a body.
#[derive(Debug, Clone)]
struct DocumentTrack {
    /// The last change, its actor and number, and the number of the operation after it.
    last: Option<([u8; 32], [u8; 16], u64, u64)>,
}

/// What both sides remember within a body.
#[derive(Debug, Default)]
struct Context {
    authors: Vec<AuthorTrack>,
    author_places: HashMap<AuthorId, usize>,
    documents: Vec<(DocumentId, DocumentTrack)>,
    document_places: HashMap<DocumentId, usize>,
    control_heads: Vec<CommitHash>,
}

impl Context {
    fn author(&self, author: &AuthorId) -> Option<(usize, &AuthorTrack)> {
        self.author_places.get(author).map(|place| (*place, &self.authors[*place]))
    }

    /// Remembers a commit; the next of its author follows it.
    fn note(&mut self, commit: &Commit, hash: CommitHash) {
        let track = AuthorTrack {
            author: commit.author,
            session: commit.session,
            seq: commit.seq,
            hash,
            millis: commit.hlc.millis(),
        };
        match self.author_places.get(&commit.author) {
            Some(place) => self.authors[*place] = track,
            None => {
                self.author_places.insert(commit.author, self.authors.len());
                self.authors.push(track);
            }
        }
        self.control_heads.clone_from(&commit.control_heads);
    }

    fn document(&self, id: &DocumentId) -> Option<(usize, &DocumentTrack)> {
        self.document_places.get(id).map(|place| (*place, &self.documents[*place].1))
    }

    /// Remembers the last change of a document.
    fn note_document(&mut self, id: DocumentId, track: DocumentTrack) {
        match self.document_places.get(&id) {
            Some(place) => self.documents[*place].1 = track,
            None => {
                self.document_places.insert(id, self.documents.len());
                self.documents.push((id, track));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    mod bytes;
    mod figures;
}
