//! Two proofs: that a device knows the secret of a ticket, and that it has the key of its author.
//!
//! Both cover the two devices and a nonce that the inviter has just made, so neither can be shown again elsewhere.
//!
//! Invariant: every input counts. Proved by `a_proof_is_good_for_one_meeting_alone` and
//! `an_author_is_shown_only_with_its_key`.

use crdt_model::id::{AuthorId, DeviceId, OrgId};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

const SECRET_CONTEXT: &[u8] = b"tradepost/join/1 secret";
const AUTHOR_CONTEXT: &[u8] = b"tradepost/join/1 author";

/// Who meets whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meeting {
    /// The organisation.
    pub org: OrgId,
    /// The inviting device.
    pub inviter: DeviceId,
    /// The new device.
    pub guest: DeviceId,
    /// Random bytes of the inviter.
    pub nonce: [u8; 32],
}

impl Meeting {
    fn text(&self, context: &[u8]) -> Vec<u8> {
        [context, &self.org.0, &self.inviter.0, &self.guest.0, &self.nonce].concat()
    }

    /// What proves the secret, from what is kept of it.
    pub fn secret_proof(&self, verifier: &[u8; 32]) -> blake3::Hash {
        blake3::keyed_hash(verifier, &self.text(SECRET_CONTEXT))
    }

    /// What proves the author key.
    pub fn author_proof(&self, key: &SigningKey) -> [u8; 64] {
        key.sign(&self.text(AUTHOR_CONTEXT)).to_bytes()
    }

    /// Whether an author key is proved.
    pub fn author_is_proved(&self, author: &AuthorId, proof: &[u8; 64]) -> bool {
        let key = VerifyingKey::from_bytes(&author.0);
        key.is_ok_and(|key| key.verify_strict(&self.text(AUTHOR_CONTEXT), &Signature::from_bytes(proof)).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meeting() -> Meeting {
        Meeting { org: OrgId([1; 32]), inviter: DeviceId([2; 32]), guest: DeviceId([3; 32]), nonce: [4; 32] }
    }

    fn others() -> [Meeting; 4] {
        [
            Meeting { org: OrgId([9; 32]), ..meeting() },
            Meeting { inviter: DeviceId([9; 32]), ..meeting() },
            Meeting { guest: DeviceId([9; 32]), ..meeting() },
            Meeting { nonce: [9; 32], ..meeting() },
        ]
    }

    #[test]
    fn a_proof_is_good_for_one_meeting_alone() {
        let proof = meeting().secret_proof(&[5; 32]);
        assert_eq!(proof, meeting().secret_proof(&[5; 32]));
        assert_ne!(proof, meeting().secret_proof(&[6; 32]));
        for other in others() {
            assert_ne!(proof, other.secret_proof(&[5; 32]), "{other:?}");
        }
    }

    #[test]
    fn an_author_is_shown_only_with_its_key() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let author = AuthorId(key.verifying_key().to_bytes());
        let proof = meeting().author_proof(&key);
        assert!(meeting().author_is_proved(&author, &proof));
        assert!(!meeting().author_is_proved(&AuthorId([8; 32]), &proof));
        assert!(!meeting().author_is_proved(&author, &[0; 64]));
        for other in others() {
            assert!(!other.author_is_proved(&author, &proof), "{other:?}");
        }
    }
}
