//! A commit that came from elsewhere: its form is checked, its signature not yet.
//!
//! Invariant: no [`SignedCommit`] comes out without its signature verified. Proved by
//! `an_unverified_commit_becomes_one_only_by_its_signature`.

use ed25519_dalek::{Signature, VerifyingKey};

use super::{COMMIT_BYTES_MAX, Commit, CommitError, SIGNATURE_BYTES, SignedCommit, signed_text};
use crate::id::CommitHash;

/// A commit whose signature is still to be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedCommit(SignedCommit);

impl UnverifiedCommit {
    /// Reads bytes and checks form and limits.
    ///
    /// # Errors
    /// If they are not the one encoding of a commit.
    pub fn decode(bytes: &[u8]) -> Result<Self, CommitError> {
        SignedCommit::decode_trusted(bytes).map(Self)
    }

    /// Joins what a commit says and its signature to its canonical bytes.
    ///
    /// # Errors
    /// If it breaks a rule of form or a limit.
    pub fn assemble(commit: Commit, signature: &[u8; SIGNATURE_BYTES]) -> Result<Self, CommitError> {
        commit.check()?;
        let mut bytes = commit.encode();
        bytes.extend_from_slice(signature);
        if bytes.len() > COMMIT_BYTES_MAX {
            return Err(CommitError::TooLong { bytes: bytes.len() });
        }
        let hash = CommitHash(*blake3::hash(&bytes).as_bytes());
        Ok(Self(SignedCommit { commit, bytes, hash }))
    }

    /// What it claims to say.
    pub fn commit(&self) -> &Commit {
        &self.0.commit
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// Its hash.
    pub fn hash(&self) -> CommitHash {
        self.0.hash
    }

    /// Verifies the signature, strictly.
    ///
    /// # Errors
    /// If it is not the named author's.
    pub fn verify(self) -> Result<SignedCommit, CommitError> {
        let author = self.0.commit.author;
        let refused = |_| CommitError::Signature { author };
        let (text, signature) = self.0.bytes.split_at(self.0.bytes.len() - SIGNATURE_BYTES);
        let key = VerifyingKey::from_bytes(&author.0).map_err(refused)?;
        let signature = Signature::from_slice(signature).map_err(refused)?;
        key.verify_strict(&signed_text(text), &signature).map_err(refused)?;
        Ok(self.0)
    }
}
