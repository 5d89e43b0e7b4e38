//! Signatures of commits that came in, verified on a bounded number of threads.
//!
//! Invariants: order is kept; one false signature refuses all. Proved by `one_false_signature_refuses_all`.

use std::sync::Arc;

use crdt_model::commit::{CommitError, SignedCommit, UnverifiedCommit};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Commits that one thread verifies at a time.
const CHUNK_COMMITS: usize = 64;

/// The threads of all connections together.
#[derive(Debug, Clone)]
pub struct Verifiers(Arc<Semaphore>);

impl Default for Verifiers {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Self(Arc::new(Semaphore::new(threads)))
    }
}

impl Verifiers {
    /// Verifies every signature.
    pub async fn verify(&self, commits: Vec<UnverifiedCommit>) -> Result<Vec<SignedCommit>, CommitError> {
        let mut chunks: JoinSet<(usize, Result<Vec<SignedCommit>, CommitError>)> = JoinSet::new();
        let mut commits = commits.into_iter();
        for number in 0.. {
            let chunk: Vec<UnverifiedCommit> = commits.by_ref().take(CHUNK_COMMITS).collect();
            if chunk.is_empty() {
                break;
            }
            let place = Arc::clone(&self.0).acquire_owned().await;
            chunks.spawn_blocking(move || {
                let _place = place;
                (number, chunk.into_iter().map(UnverifiedCommit::verify).collect())
            });
        }
        let mut verified = chunks.join_all().await;
        verified.sort_unstable_by_key(|(number, _)| *number);
        let chunks: Vec<Vec<SignedCommit>> = verified.into_iter().map(|(_, chunk)| chunk).collect::<Result<_, _>>()?;
        Ok(chunks.concat())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crdt_model::commit::Commit;
    use crdt_model::id::{AuthorId, CommitHash, OrgId, RequestId, SessionId, TransactionId, UserId};
    use crdt_model::scope::Scope;
    use crdt_model::time::Hlc;
    use ed25519_dalek::SigningKey;

    fn commits(count: u64) -> Vec<SignedCommit> {
        let key = SigningKey::from_bytes(&[7; 32]);
        let signed = |seq: u64| Commit {
            org: OrgId([1; 32]),
            author: AuthorId(key.verifying_key().to_bytes()),
            session: SessionId([2; 8]),
            scope: Scope::Catalogue,
            seq,
            prev: if seq == 1 { CommitHash::ZERO } else { CommitHash([3; 32]) },
            deps: Vec::new(),
            control_heads: vec![CommitHash([4; 32])],
            hlc: Hlc(seq),
            user: UserId::ZERO,
            request: RequestId::ZERO,
            transaction: TransactionId::ZERO,
            kind_flags: 0,
            changes: Vec::new(),
        };
        (1..=count).map(|seq| SignedCommit::sign(signed(seq), &key).unwrap()).collect()
    }

    fn unverified(bytes: &[u8]) -> UnverifiedCommit {
        UnverifiedCommit::decode(bytes).unwrap()
    }

    #[tokio::test]
    async fn one_false_signature_refuses_all() {
        let good = commits(2 * CHUNK_COMMITS as u64 + 1);
        let sent: Vec<UnverifiedCommit> = good.iter().map(|commit| unverified(commit.bytes())).collect();
        assert_eq!(Verifiers::default().verify(sent.clone()).await.unwrap(), good);
        let mut forged = sent;
        let mut bytes = good[CHUNK_COMMITS].bytes().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        forged[CHUNK_COMMITS] = unverified(&bytes);
        assert!(matches!(Verifiers::default().verify(forged).await, Err(CommitError::Signature { .. })));
        assert!(Verifiers::default().verify(Vec::new()).await.unwrap().is_empty());
    }
}
