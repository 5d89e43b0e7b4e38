//! Reading a DATA body back into canonical commits.
//!
//! Invariant: as for all of `run`.

use crdt_model::codec::{DecodeError, Reader};
use crdt_model::commit::{
    COMMIT_BYTES_MAX, COMMIT_CHANGES_MAX, COMMIT_DEPS_MAX, CONTROL_HEADS_MAX, Commit, CommitError, Dependency,
    DocumentChange, UnverifiedCommit,
};
use crdt_model::id::{AuthorId, CommitHash, DocumentId, KeyId, OrgId, RequestId, SessionId, TransactionId, UserId};
use crdt_model::scope::Scope;
use crdt_model::seal::{KeyRecord, SealKey};
use crdt_model::time::Hlc;
use thiserror::Error;

use super::chunk::{Place, read_change};
use super::{
    BODY_COMMITS_BYTES_MAX, BODY_KEYS_MAX, Context, FLAG_DEPS, FLAG_GENESIS, FLAG_LINKED, FLAG_RAW, FLAG_REQUEST,
    FLAG_SAME_CONTROL, FLAG_SAME_SESSION, FLAG_TRANSACTION, FLAG_USER, FLAGS_ALL,
};

/// What a body holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// The scope of all commits.
    pub scope: Scope,
    /// Keys that the commits use.
    pub keys: Vec<KeyRecord>,
    /// The commits, in causal order; their signatures are not verified.
    pub commits: Vec<UnverifiedCommit>,
    /// Their bytes together.
    pub bytes: usize,
}

/// Why a body is not commits of one scope.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RunError {
    /// The body breaks the form of DATA.
    #[error("data: {0}")]
    Decode(#[from] DecodeError),
    /// What it describes is no commit.
    #[error("data: {0}")]
    Commit(#[from] CommitError),
    /// A commit of another scope than the body's.
    #[error("a commit of scope {found} in data of {expected}")]
    OtherScope {
        /// The body's.
        expected: Scope,
        /// The commit's.
        found: Scope,
    },
    /// More commits than one body may hold.
    #[error("the commits of one body have more than {BODY_COMMITS_BYTES_MAX} bytes")]
    TooMuch,
}

/// Reads a body of the organisation.
///
/// # Errors
/// If it is not the writing of commits within the limits.
pub fn decode(org: OrgId, body: &[u8]) -> Result<Data, RunError> {
    let mut text = Reader::new(body);
    let scope = Scope::decode("scope", &mut text)?;
    let keys = text.list("keys", BODY_KEYS_MAX, |r| {
        Ok(KeyRecord { subject: DocumentId::decode("subject", r)?, key: SealKey::new(r.array("key")?) })
    })?;
    let count = text.number("commits")?;
    let noise = Reader::new(text.blob("noise", body.len())?);
    let key_ids: Vec<KeyId> = keys.iter().map(|record| record.key.id()).collect();
    let mut decoder = Decoder { org, scope: &scope, key_ids: &key_ids, text, noise, context: Context::default() };
    let (mut commits, mut bytes) = (Vec::new(), 0);
    for _ in 0..count {
        let commit = decoder.commit()?;
        bytes += commit.bytes().len();
        if bytes > BODY_COMMITS_BYTES_MAX {
            return Err(RunError::TooMuch);
        }
        commits.push(commit);
    }
    decoder.text.end()?;
    decoder.noise.end()?;
    Ok(Data { scope, keys, commits, bytes })
}

struct Decoder<'a> {
    org: OrgId,
    scope: &'a Scope,
    key_ids: &'a [KeyId],
    text: Reader<'a>,
    noise: Reader<'a>,
    context: Context,
}

/// The first fields of an item.
struct Chain {
    author: AuthorId,
    seq: u64,
    prev: CommitHash,
    session: SessionId,
    last_millis: u64,
}

impl Decoder<'_> {
    fn commit(&mut self) -> Result<UnverifiedCommit, RunError> {
        let flags = self.text.number_up_to("flags", FLAGS_ALL)?;
        if flags & FLAG_RAW != 0 {
            return self.raw(flags);
        }
        let mut commit = self.envelope(flags)?;
        let count = self.text.number_up_to("changes", COMMIT_CHANGES_MAX as u64)?;
        let (mut changes, mut bytes, mut first_index) = (Vec::new(), 0, 0u16);
        for _ in 0..count {
            let document = self.document(&commit)?;
            let place = Place { commit: &commit, key_ids: self.key_ids, first_index };
            let (chunk, events) = read_change(&mut self.context, &place, document, (&mut self.text, &mut self.noise))?;
            bytes += chunk.len();
            if bytes > COMMIT_BYTES_MAX {
                return Err(CommitError::TooLong { bytes }.into());
            }
            first_index = first_index.wrapping_add(events);
            changes.push(DocumentChange { document, chunk });
        }
        commit.changes = changes;
        let signed = UnverifiedCommit::assemble(commit, &self.noise.array("signature")?)?;
        self.context.note(signed.commit(), signed.hash());
        Ok(signed)
    }

    fn raw(&mut self, flags: u64) -> Result<UnverifiedCommit, RunError> {
        if flags != FLAG_RAW {
            return Err(DecodeError::OutOfRange { field: "flags" }.into());
        }
        let length = self.text.number_up_to("commit", COMMIT_BYTES_MAX as u64)? as usize;
        let commit = UnverifiedCommit::decode(self.noise.fixed("commit", length)?)?;
        if commit.commit().scope != *self.scope {
            let found = commit.commit().scope.clone();
            return Err(RunError::OtherScope { expected: self.scope.clone(), found });
        }
        Ok(commit)
    }

    fn envelope(&mut self, flags: u64) -> Result<Commit, DecodeError> {
        let Chain { author, seq, prev, session, last_millis } = self.chain(flags)?;
        let control_heads = if flags & FLAG_SAME_CONTROL == 0 {
            let count = self.text.number_up_to("control heads", CONTROL_HEADS_MAX as u64)?;
            (0..count).map(|_| CommitHash::decode("control heads", &mut self.noise)).collect::<Result<_, _>>()?
        } else {
            self.context.control_heads.clone()
        };
        let deps = if flags & FLAG_DEPS == 0 { Vec::new() } else { self.deps()? };
        let hlc = self.clock(last_millis)?;
        let user = self.id(flags & FLAG_USER)?;
        let request = self.id(flags & FLAG_REQUEST)?;
        let transaction = self.id(flags & FLAG_TRANSACTION)?;
        Ok(Commit {
            org: if flags & FLAG_GENESIS == 0 { self.org } else { OrgId::ZERO },
            author,
            session,
            scope: self.scope.clone(),
            seq,
            prev,
            deps,
            control_heads,
            hlc,
            user: UserId(user),
            request: RequestId(request),
            transaction: TransactionId(transaction),
            kind_flags: 0,
            changes: Vec::new(),
        })
    }

    fn chain(&mut self, flags: u64) -> Result<Chain, DecodeError> {
        let out_of_range = DecodeError::OutOfRange { field: "flags" };
        let author = self.author()?;
        let last = self.context.author(&author).map(|(_, track)| track.clone());
        let (seq, prev) = match (&last, flags & FLAG_LINKED) {
            (_, 0) => match self.text.number("seq")? {
                1 => (1, CommitHash::ZERO),
                seq => (seq, CommitHash::decode("prev", &mut self.noise)?),
            },
            (Some(last), _) => (last.seq.saturating_add(1), last.hash),
            (None, _) => return Err(out_of_range),
        };
        let session = match (&last, flags & FLAG_SAME_SESSION) {
            (_, 0) => SessionId::decode("session", &mut self.noise)?,
            (Some(last), _) => last.session,
            (None, _) => return Err(out_of_range),
        };
        Ok(Chain { author, seq, prev, session, last_millis: last.map_or(0, |last| last.millis) })
    }

    fn author(&mut self) -> Result<AuthorId, DecodeError> {
        match self.text.number_up_to("author", self.context.authors.len() as u64)? {
            0 => AuthorId::decode("author", &mut self.noise),
            place => Ok(self.context.authors[place as usize - 1].author),
        }
    }

    fn deps(&mut self) -> Result<Vec<Dependency>, DecodeError> {
        let count = self.text.number_up_to("deps", COMMIT_DEPS_MAX as u64)?;
        let mut deps = Vec::new();
        for _ in 0..count {
            let author = self.author()?;
            let known = self.text.flag("dep")?;
            let track = self.context.author(&author).map(|(_, track)| (track.seq, track.hash));
            let (seq, hash) = match (known, track) {
                (true, Some(track)) => track,
                (true, None) => return Err(DecodeError::OutOfRange { field: "deps" }),
                (false, _) => (self.text.number("deps")?, CommitHash::decode("deps", &mut self.noise)?),
            };
            deps.push(Dependency { author, seq, hash });
        }
        Ok(deps)
    }

    fn clock(&mut self, last_millis: u64) -> Result<Hlc, DecodeError> {
        let out_of_range = DecodeError::OutOfRange { field: "clock" };
        let millis = (last_millis as i64).checked_add(self.text.signed("clock")?).ok_or(out_of_range.clone())?;
        let counter = self.text.number_up_to("clock", 0xffff)?;
        let millis = u64::try_from(millis).ok().filter(|millis| *millis < 1 << 48).ok_or(out_of_range)?;
        Ok(Hlc(millis << 16 | counter))
    }

    fn id(&mut self, flag: u64) -> Result<[u8; 16], DecodeError> {
        if flag == 0 { Ok([0; 16]) } else { self.noise.array("id") }
    }

    fn document(&mut self, commit: &Commit) -> Result<DocumentId, DecodeError> {
        let known = self.context.documents.len();
        let back = self.text.number_up_to("document", known as u64)? as usize;
        if back > 0 {
            return Ok(self.context.documents[known - back].0);
        }
        let out_of_range = DecodeError::OutOfRange { field: "document time" };
        let time = self.text.signed("document time")?.checked_add(commit.hlc.millis() as i64);
        let time = time.and_then(|time| u64::try_from(time).ok()).filter(|time| *time < 1 << 48).ok_or(out_of_range)?;
        let rest: [u8; 10] = self.noise.array("document")?;
        let mut id = [0; 16];
        id[..6].copy_from_slice(&time.to_be_bytes()[2..]);
        id[6..].copy_from_slice(&rest);
        Ok(DocumentId(id))
    }
}
