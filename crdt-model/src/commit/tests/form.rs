//! Tests of the signed commit: one encoding, strict signatures, limits.
#![allow(clippy::unwrap_used)]
use super::super::*;
use crate::scope::SiteCode;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn commit(changes: Vec<DocumentChange>) -> Commit {
    Commit {
        org: OrgId([1; 32]),
        author: AuthorId(key().verifying_key().to_bytes()),
        session: SessionId([2; 8]),
        scope: Scope::Site(SiteCode::new("SH01").unwrap()),
        seq: 2,
        prev: CommitHash([3; 32]),
        deps: vec![Dependency { author: AuthorId([4; 32]), seq: 9, hash: CommitHash([5; 32]) }],
        control_heads: vec![CommitHash([6; 32])],
        hlc: Hlc(77),
        user: UserId::ZERO,
        request: RequestId([8; 16]),
        transaction: TransactionId([9; 16]),
        kind_flags: 0,
        changes,
    }
}

fn change(bytes: usize) -> DocumentChange {
    DocumentChange { document: DocumentId([1; 16]), chunk: vec![0xab; bytes] }
}

#[test]
fn a_commit_has_one_encoding() {
    let signed = SignedCommit::sign(commit(vec![change(10), change(0)]), &key()).unwrap();
    let read = SignedCommit::verify(signed.bytes()).unwrap();
    assert_eq!(read, signed);
    assert_eq!(SignedCommit::sign(read.commit().clone(), &key()).unwrap().bytes(), signed.bytes());
}

#[test]
fn every_flipped_byte_is_refused() {
    let signed = SignedCommit::sign(commit(vec![change(40)]), &key()).unwrap();
    for at in 0..signed.bytes().len() {
        {
            let mut bytes = signed.bytes().to_vec();
            bytes[at] ^= 1 << (at % 8);
            assert!(SignedCommit::verify(&bytes).is_err(), "byte {at}");
        }
    }
    for length in 0..signed.bytes().len() {
        assert!(SignedCommit::verify(&signed.bytes()[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn a_commit_at_its_limits_is_read_and_past_them_refused() {
    let sign = |changes| SignedCommit::sign(commit(changes), &key());
    let full = sign(vec![change(1); COMMIT_CHANGES_MAX]).unwrap();
    assert!(SignedCommit::verify(full.bytes()).is_ok());
    assert!(sign(vec![change(1); COMMIT_CHANGES_MAX + 1]).is_err());

    let base = sign(vec![change(CHANGE_BYTES_MAX), change(100_000)]).unwrap().bytes().len();
    let largest = 100_000 + COMMIT_BYTES_MAX - base;
    let at_limit = sign(vec![change(CHANGE_BYTES_MAX), change(largest)]).unwrap();
    assert_eq!(at_limit.bytes().len(), COMMIT_BYTES_MAX);
    assert!(SignedCommit::verify(at_limit.bytes()).is_ok());
    let error = sign(vec![change(CHANGE_BYTES_MAX), change(largest + 1)]).unwrap_err();
    assert_eq!(error, CommitError::TooLong { bytes: COMMIT_BYTES_MAX + 1 });
    let wide = sign(vec![change(CHANGE_BYTES_MAX + 1)]);
    assert!(matches!(wide, Err(CommitError::Decode(DecodeError::TooLong { .. }))));
}

#[test]
fn control_heads_are_cited_outside_control_and_nowhere_else() {
    let mut none = commit(vec![]);
    none.control_heads.clear();
    assert!(matches!(SignedCommit::sign(none, &key()), Err(CommitError::ControlHeads { count: 0, .. })));
    let mut inside = commit(vec![]);
    inside.scope = Scope::Control;
    assert!(matches!(SignedCommit::sign(inside, &key()), Err(CommitError::ControlHeads { count: 1, .. })));
    let mut many = commit(vec![]);
    many.control_heads = (0..=CONTROL_HEADS_MAX as u8).map(|n| CommitHash([n; 32])).collect();
    assert!(SignedCommit::sign(many, &key()).is_err());
}

#[test]
fn a_frontier_delta_of_256_authors_is_read_and_one_more_refused() {
    let verified = |count: usize| {
        let author = |at: usize| AuthorId([&[0; 24][..], &at.to_be_bytes()].concat().try_into().unwrap());
        let mut wide = commit(vec![]);
        wide.deps = (0..count).map(|at| Dependency { author: author(at), ..wide.deps[0] }).collect();
        SignedCommit::sign(wide, &key()).and_then(|signed| SignedCommit::verify(signed.bytes()))
    };
    assert!(verified(COMMIT_DEPS_MAX).is_ok());
    assert!(matches!(verified(COMMIT_DEPS_MAX + 1), Err(CommitError::Decode(DecodeError::TooLong { .. }))));
}

#[test]
fn the_first_commit_has_no_previous_one() {
    let mut first = commit(vec![]);
    first.seq = 1;
    assert_eq!(SignedCommit::sign(first.clone(), &key()).unwrap_err(), CommitError::Chain { seq: 1 });
    first.prev = CommitHash::ZERO;
    assert!(SignedCommit::sign(first, &key()).is_ok());
}

#[test]
fn another_authors_name_is_not_signed() {
    let mut forged = commit(vec![]);
    forged.author = AuthorId([1; 32]);
    assert!(matches!(SignedCommit::sign(forged, &key()), Err(CommitError::Signature { .. })));
}

#[test]
fn lists_are_sorted_and_without_doubles() {
    let mut doubled = commit(vec![]);
    doubled.deps = vec![doubled.deps[0]; 2];
    assert_eq!(SignedCommit::sign(doubled, &key()).unwrap_err(), CommitError::NotSorted { field: "deps" });
    let mut heads = commit(vec![]);
    heads.control_heads = vec![CommitHash([6; 32]); 2];
    assert_eq!(SignedCommit::sign(heads, &key()).unwrap_err(), CommitError::NotSorted { field: "control heads" });
}

#[test]
fn only_a_genesis_has_no_organisation() {
    let mut stray = commit(vec![change(1)]);
    stray.org = OrgId::ZERO;
    assert!(SignedCommit::sign(stray, &key()).is_err());
    let mut genesis = commit(vec![change(1)]);
    (genesis.org, genesis.scope, genesis.seq, genesis.prev) = (OrgId::ZERO, Scope::Control, 1, CommitHash::ZERO);
    genesis.control_heads.clear();
    assert!(SignedCommit::sign(genesis.clone(), &key()).is_err(), "it depends on nobody");
    genesis.deps.clear();
    assert!(SignedCommit::sign(genesis.clone(), &key()).is_ok());
    genesis.changes = vec![change(1), change(1)];
    assert!(SignedCommit::sign(genesis, &key()).is_err(), "it holds one change");
}

#[test]
fn an_author_depends_on_others_alone() {
    let mut own = commit(vec![]);
    own.deps[0].author = own.author;
    assert!(SignedCommit::sign(own, &key()).is_err());
    let mut zero = commit(vec![]);
    zero.deps[0].seq = 0;
    assert!(SignedCommit::sign(zero, &key()).is_err());
}

#[test]
fn an_unverified_commit_becomes_one_only_by_its_signature() {
    let signed = SignedCommit::sign(commit(vec![change(10)]), &key()).unwrap();
    let same = UnverifiedCommit::assemble(signed.commit().clone(), signed.signature()).unwrap();
    assert_eq!((same.bytes(), same.hash()), (signed.bytes(), signed.hash()));
    assert_eq!(same.verify().unwrap(), signed);
    let mut other = *signed.signature();
    other[3] ^= 1;
    let forged = UnverifiedCommit::assemble(signed.commit().clone(), &other).unwrap();
    assert_eq!(forged.verify(), Err(CommitError::Signature { author: signed.commit().author }));
    let zero = Commit { seq: 0, ..signed.commit().clone() };
    assert_eq!(UnverifiedCommit::assemble(zero, signed.signature()), Err(CommitError::Chain { seq: 0 }));
}
