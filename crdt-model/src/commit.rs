//! The signed commit: an atomic batch of changes to documents of one scope (architecture section 6).
//!
//! The envelope is canonical bytes with exactly one valid encoding, then an Ed25519 signature over
//! `"tradepost/commit/1" ‖ bytes`, verified strictly. The hash is BLAKE3 over bytes and signature and chains the author's
//! log of the scope. This file checks form and limits; whether an author may write is `control`'s, what a change holds
//! is `change`'s.
//!
//! Invariants: decode then encode is the identity; every list has a limit. Proved by `a_commit_has_one_encoding`,
//! `every_flipped_byte_is_refused` and `a_commit_at_its_limits_is_read_and_past_them_refused`.

mod unverified;

pub use unverified::UnverifiedCommit;

use ed25519_dalek::{Signer, SigningKey};
use thiserror::Error;

use crate::change::CHANGE_BYTES_MAX;
use crate::codec::{DecodeError, Reader, Writer};
use crate::id::{AuthorId, CommitHash, DocumentId, OrgId, RequestId, SessionId, TransactionId, UserId};
use crate::scope::Scope;
use crate::time::Hlc;

/// Bytes of a signed commit.
pub const COMMIT_BYTES_MAX: usize = 256 * 1024;
/// Changes of a commit.
pub const COMMIT_CHANGES_MAX: usize = 64;
/// Entries of a frontier delta.
pub const COMMIT_DEPS_MAX: usize = 256;
/// Control heads that a commit cites.
pub const CONTROL_HEADS_MAX: usize = 8;

const VERSION: u8 = 1;
/// Bytes of a signature: the last of a commit.
pub const SIGNATURE_BYTES: usize = 64;
const SIGNATURE_CONTEXT: &[u8] = b"tradepost/commit/1";

/// One entry of a frontier delta: an author's log up to a sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// Whose log.
    pub author: AuthorId,
    /// Its last sequence number seen.
    pub seq: u64,
    /// The commit there.
    pub hash: CommitHash,
}

/// A change of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentChange {
    /// The document.
    pub document: DocumentId,
    /// A raw Automerge change chunk.
    pub chunk: Vec<u8>,
}

/// What a commit says, before its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The organisation; zero in the genesis.
    pub org: OrgId,
    /// Who signs.
    pub author: AuthorId,
    /// The author's process start.
    pub session: SessionId,
    /// The one scope that it touches.
    pub scope: Scope,
    /// Number in the author's log of the scope, from 1.
    pub seq: u64,
    /// The author's previous commit of the scope; zero before the first.
    pub prev: CommitHash,
    /// What the author saw of others in this scope since `prev`, sorted by author.
    pub deps: Vec<Dependency>,
    /// Heads of `control` under which it was written, sorted; empty in `control` itself.
    pub control_heads: Vec<CommitHash>,
    /// Clock value, information only.
    pub hlc: Hlc,
    /// Who acted; zero is the node.
    pub user: UserId,
    /// The repeatable request; zero for none.
    pub request: RequestId,
    /// Links the commits of one user action; zero for a single one.
    pub transaction: TransactionId,
    /// Reserved, zero in version 1.
    pub kind_flags: u16,
    /// The changes, in the order in which they apply.
    pub changes: Vec<DocumentChange>,
}

/// Why bytes are not a commit of this organisation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommitError {
    /// Longer than [`COMMIT_BYTES_MAX`].
    #[error("the commit has {bytes} bytes, the limit is {COMMIT_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The envelope has another form.
    #[error("envelope: {0}")]
    Decode(#[from] DecodeError),
    /// A version that this program does not know.
    #[error("commit version {version} is not known")]
    Version {
        /// The version.
        version: u8,
    },
    /// The sequence number and the previous hash do not fit each other.
    #[error("sequence number {seq} does not fit its previous hash")]
    Chain {
        /// The sequence number.
        seq: u64,
    },
    /// Zero or more than eight control heads, or heads inside `control`.
    #[error("{count} control heads in scope {scope}")]
    ControlHeads {
        /// How many.
        count: usize,
        /// The scope.
        scope: Scope,
    },
    /// A list is not sorted or names something twice.
    #[error("`{field}` is not sorted")]
    NotSorted {
        /// The list.
        field: &'static str,
    },
    /// The signature does not verify under the named author.
    #[error("the signature of author {author} does not verify")]
    Signature {
        /// The author.
        author: AuthorId,
    },
}

/// A commit with its signature: the bytes that are stored and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCommit {
    commit: Commit,
    bytes: Vec<u8>,
    hash: CommitHash,
}

impl Commit {
    /// Whether it is the first commit of an organisation.
    pub fn is_genesis(&self) -> bool {
        self.org == OrgId::ZERO && self.scope == Scope::Control && self.seq == 1
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.byte(VERSION).fixed(&self.org.0).fixed(&self.author.0).fixed(&self.session.0);
        self.scope.encode(&mut writer);
        writer.number(self.seq).fixed(&self.prev.0);
        writer.list(&self.deps, |w, dep| {
            w.fixed(&dep.author.0).number(dep.seq).fixed(&dep.hash.0);
        });
        writer.list(&self.control_heads, |w, head| head.encode(w));
        writer.fixed(&self.hlc.0.to_be_bytes()).fixed(&self.user.0).fixed(&self.request.0);
        writer.fixed(&self.transaction.0).fixed(&self.kind_flags.to_be_bytes());
        writer.list(&self.changes, |w, change| {
            w.fixed(&change.document.0).blob(&change.chunk);
        });
        writer.finish()
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, CommitError> {
        let version = reader.byte("version")?;
        if version != VERSION {
            return Err(CommitError::Version { version });
        }
        Ok(Self {
            org: OrgId::decode("org", reader)?,
            author: AuthorId::decode("author", reader)?,
            session: SessionId::decode("session", reader)?,
            scope: Scope::decode("scope", reader)?,
            seq: reader.number("seq")?,
            prev: CommitHash::decode("prev", reader)?,
            deps: reader.list("deps", COMMIT_DEPS_MAX, decode_dependency)?,
            control_heads: reader
                .list("control heads", CONTROL_HEADS_MAX, |r| CommitHash::decode("control heads", r))?,
            hlc: Hlc(u64::from_be_bytes(reader.array("hlc")?)),
            user: UserId::decode("user", reader)?,
            request: RequestId::decode("request", reader)?,
            transaction: TransactionId::decode("transaction", reader)?,
            kind_flags: u16::from_be_bytes(reader.array("kind flags")?),
            changes: reader.list("changes", COMMIT_CHANGES_MAX, decode_change)?,
        })
    }

    fn check(&self) -> Result<(), CommitError> {
        if self.seq == 0 || (self.seq == 1) != (self.prev == CommitHash::ZERO) {
            return Err(CommitError::Chain { seq: self.seq });
        }
        let heads = self.control_heads.len();
        if (self.scope == Scope::Control) != (heads == 0) {
            return Err(CommitError::ControlHeads { count: heads, scope: self.scope.clone() });
        }
        if !self.deps.is_sorted_by(|a, b| a.author < b.author) {
            return Err(CommitError::NotSorted { field: "deps" });
        }
        if !self.control_heads.is_sorted_by(|a, b| a < b) {
            return Err(CommitError::NotSorted { field: "control heads" });
        }
        for (field, length, limit) in [
            ("deps", self.deps.len(), COMMIT_DEPS_MAX),
            ("control heads", heads, CONTROL_HEADS_MAX),
            ("changes", self.changes.len(), COMMIT_CHANGES_MAX),
            ("change", self.changes.iter().map(|change| change.chunk.len()).max().unwrap_or(0), CHANGE_BYTES_MAX),
        ] {
            if length > limit {
                return Err(DecodeError::TooLong { field, length: length as u64, limit: limit as u64 }.into());
            }
        }
        if self.deps.iter().any(|dep| dep.seq == 0 || dep.author == self.author) {
            return Err(DecodeError::OutOfRange { field: "deps" }.into());
        }
        if self.org == OrgId::ZERO && !(self.is_genesis() && self.deps.is_empty() && self.changes.len() == 1) {
            return Err(DecodeError::OutOfRange { field: "org" }.into());
        }
        if self.kind_flags != 0 {
            return Err(CommitError::Decode(DecodeError::OutOfRange { field: "kind flags" }));
        }
        Ok(())
    }
}

fn decode_dependency(reader: &mut Reader<'_>) -> Result<Dependency, DecodeError> {
    Ok(Dependency {
        author: AuthorId::decode("deps", reader)?,
        seq: reader.number("deps")?,
        hash: CommitHash::decode("deps", reader)?,
    })
}

fn decode_change(reader: &mut Reader<'_>) -> Result<DocumentChange, DecodeError> {
    Ok(DocumentChange {
        document: DocumentId::decode("change document", reader)?,
        chunk: reader.blob("change", CHANGE_BYTES_MAX)?.to_vec(),
    })
}

impl SignedCommit {
    /// Signs a commit; its author must be the key's.
    pub fn sign(commit: Commit, key: &SigningKey) -> Result<Self, CommitError> {
        commit.check()?;
        let mut bytes = commit.encode();
        if bytes.len() + SIGNATURE_BYTES > COMMIT_BYTES_MAX {
            return Err(CommitError::TooLong { bytes: bytes.len() + SIGNATURE_BYTES });
        }
        if key.verifying_key().to_bytes() != commit.author.0 {
            return Err(CommitError::Signature { author: commit.author });
        }
        let signature = key.sign(&signed_text(&bytes));
        bytes.extend_from_slice(&signature.to_bytes());
        let hash = CommitHash(*blake3::hash(&bytes).as_bytes());
        Ok(Self { commit, bytes, hash })
    }

    /// Reads bytes, checks form, limits and the signature.
    pub fn verify(bytes: &[u8]) -> Result<Self, CommitError> {
        UnverifiedCommit::decode(bytes)?.verify()
    }

    /// Reads bytes whose signature was verified before they were stored.
    pub fn decode_trusted(bytes: &[u8]) -> Result<Self, CommitError> {
        if bytes.len() > COMMIT_BYTES_MAX {
            return Err(CommitError::TooLong { bytes: bytes.len() });
        }
        let Some(text_length) = bytes.len().checked_sub(SIGNATURE_BYTES) else {
            return Err(DecodeError::Truncated { field: "signature" }.into());
        };
        let mut reader = Reader::new(&bytes[..text_length]);
        let commit = Commit::decode(&mut reader)?;
        reader.end()?;
        commit.check()?;
        Ok(Self { commit, bytes: bytes.to_vec(), hash: CommitHash(*blake3::hash(bytes).as_bytes()) })
    }

    /// What it says.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// The stored form.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its hash.
    pub fn hash(&self) -> CommitHash {
        self.hash
    }

    /// Its signature.
    pub fn signature(&self) -> &[u8; SIGNATURE_BYTES] {
        self.bytes.last_chunk().expect("invariant: a signed commit ends with its signature")
    }

    /// The organisation that it belongs to: its own hash where it is the genesis.
    pub fn org(&self) -> OrgId {
        if self.commit.is_genesis() { OrgId(self.hash.0) } else { self.commit.org }
    }
}

fn signed_text(bytes: &[u8]) -> Vec<u8> {
    [SIGNATURE_CONTEXT, bytes].concat()
}

#[cfg(test)]
mod tests {
    mod form;
}
