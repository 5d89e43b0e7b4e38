//! Writing a DATA body.
//!
//! Invariant: as for all of `run`.

use crdt_model::change::{OpAction, Scalar, ScannedChange, scan};
use crdt_model::codec::Writer;
use crdt_model::commit::{Commit, DocumentChange, SignedCommit};
use crdt_model::event::Event;
use crdt_model::id::{CommitHash, DocumentId, KeyId, OrgId, RequestId, TransactionId, UserId};
use crdt_model::scope::Scope;
use crdt_model::seal::KeyRecord;

use super::chunk::{Place, is_contact, write_change};
use super::{
    Context, FLAG_DEPS, FLAG_GENESIS, FLAG_LINKED, FLAG_RAW, FLAG_REQUEST, FLAG_SAME_CONTROL, FLAG_SAME_SESSION,
    FLAG_TRANSACTION, FLAG_USER,
};

/// A commit with its changes scanned once.
pub struct Prepared<'a> {
    signed: &'a SignedCommit,
    scanned: Vec<Option<ScannedChange<'a>>>,
}

impl<'a> Prepared<'a> {
    /// Scans the changes of a commit.
    pub fn new(signed: &'a SignedCommit) -> Self {
        let scanned = signed.commit().changes.iter().map(|change| scan(&change.chunk).ok()).collect();
        Self { signed, scanned }
    }

    /// Whose keys open what the commit seals: the subjects of contacts, and customers themselves.
    pub fn subjects(&self) -> Vec<DocumentId> {
        let contacts = self.scanned.iter().flatten().flat_map(|change| &change.puts).filter_map(|op| match op.action {
            OpAction::Put(Scalar::Bytes(value)) if is_contact(value) => match Event::decode(value) {
                Ok(Event::Contact(contact) | Event::FulfilmentContact(contact)) => Some(contact.subject),
                _ => None,
            },
            OpAction::Put(_) | OpAction::Delete => None,
        });
        let mut subjects: Vec<DocumentId> = contacts.collect();
        if matches!(self.signed.commit().scope, Scope::Customers(_)) {
            subjects.extend(self.signed.commit().changes.iter().map(|change| change.document));
        }
        subjects
    }
}

/// Writes one body: keys first, then commits of one scope.
pub struct Encoder {
    org: OrgId,
    head: Writer,
    keys: Vec<KeyRecord>,
    key_ids: Vec<KeyId>,
    commits: u64,
    text: Writer,
    noise: Writer,
    context: Context,
}

impl Encoder {
    /// Starts a body.
    pub fn new(org: OrgId, scope: &Scope) -> Self {
        let mut head = Writer::new();
        scope.encode(&mut head);
        Self {
            org,
            head,
            keys: Vec::new(),
            key_ids: Vec::new(),
            commits: 0,
            text: Writer::new(),
            noise: Writer::new(),
            context: Context::default(),
        }
    }

    /// Adds a key; commits that use it come after.
    pub fn push_key(&mut self, record: KeyRecord) {
        self.key_ids.push(record.key.id());
        self.keys.push(record);
    }

    /// Keys in the body.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// Adds a commit of the body's scope.
    pub fn push(&mut self, prepared: &Prepared<'_>) {
        let signed = prepared.signed;
        let commit = signed.commit();
        self.commits += 1;
        if commit.org != self.org && !commit.is_genesis() {
            self.text.number(FLAG_RAW).number(signed.bytes().len() as u64);
            self.noise.fixed(signed.bytes());
            return;
        }
        let flags = self.flags(commit);
        self.text.number(flags);
        self.write_chain(commit, flags);
        self.write_envelope(commit, flags);
        self.text.number(commit.changes.len() as u64);
        // Keys of this body only: an older one has its id written out.
        let key_ids = std::mem::take(&mut self.key_ids);
        let mut place = Place { commit, key_ids: &key_ids, first_index: 0 };
        for (change, scanned) in commit.changes.iter().zip(&prepared.scanned) {
            self.write_document(commit, change);
            let out = (&mut self.text, &mut self.noise);
            let events = write_change(&mut self.context, &place, change, scanned.as_ref(), out);
            place.first_index = place.first_index.wrapping_add(events);
        }
        self.key_ids = key_ids;
        self.noise.fixed(signed.signature());
        self.context.note(commit, signed.hash());
    }

    fn flags(&self, commit: &Commit) -> u64 {
        let last = self.context.author(&commit.author).map(|(_, track)| track);
        let linked = last.is_some_and(|last| last.seq + 1 == commit.seq && last.hash == commit.prev);
        let flag = |flag: u64, stands: bool| if stands { flag } else { 0 };
        flag(FLAG_LINKED, linked)
            | flag(FLAG_SAME_SESSION, last.is_some_and(|last| last.session == commit.session))
            | flag(FLAG_SAME_CONTROL, self.context.control_heads == commit.control_heads)
            | flag(FLAG_DEPS, !commit.deps.is_empty())
            | flag(FLAG_USER, commit.user != UserId::ZERO)
            | flag(FLAG_REQUEST, commit.request != RequestId::ZERO)
            | flag(FLAG_TRANSACTION, commit.transaction != TransactionId::ZERO)
            | flag(FLAG_GENESIS, commit.is_genesis())
    }

    /// Author, number, previous commit and session.
    fn write_chain(&mut self, commit: &Commit, flags: u64) {
        self.write_author(&commit.author);
        if flags & FLAG_LINKED == 0 {
            self.text.number(commit.seq);
            if commit.prev != CommitHash::ZERO {
                self.noise.fixed(&commit.prev.0);
            }
        }
        if flags & FLAG_SAME_SESSION == 0 {
            self.noise.fixed(&commit.session.0);
        }
    }

    fn write_author(&mut self, author: &crdt_model::id::AuthorId) {
        match self.context.author(author) {
            Some((place, _)) => {
                self.text.number(place as u64 + 1);
            }
            None => {
                self.text.number(0);
                self.noise.fixed(&author.0);
            }
        }
    }

    fn write_envelope(&mut self, commit: &Commit, flags: u64) {
        if flags & FLAG_SAME_CONTROL == 0 {
            self.text.number(commit.control_heads.len() as u64);
            commit.control_heads.iter().for_each(|head| head.encode(&mut self.noise));
        }
        if flags & FLAG_DEPS != 0 {
            self.text.number(commit.deps.len() as u64);
            for dep in &commit.deps {
                let known = self
                    .context
                    .author(&dep.author)
                    .is_some_and(|(_, track)| track.hash == dep.hash && track.seq == dep.seq);
                self.write_author(&dep.author);
                self.text.byte(u8::from(known));
                if !known {
                    self.text.number(dep.seq);
                    self.noise.fixed(&dep.hash.0);
                }
            }
        }
        let last = self.context.author(&commit.author).map_or(0, |(_, track)| track.millis);
        let millis = commit.hlc.millis();
        self.text.signed(millis as i64 - last as i64).number(commit.hlc.0 & 0xffff);
        for (flag, id) in
            [(FLAG_USER, &commit.user.0), (FLAG_REQUEST, &commit.request.0), (FLAG_TRANSACTION, &commit.transaction.0)]
        {
            if flags & flag != 0 {
                self.noise.fixed(id);
            }
        }
    }

    /// The document: how far back in the body, or the time and the rest of its id.
    fn write_document(&mut self, commit: &Commit, change: &DocumentChange) {
        let known = self.context.document(&change.document).map(|(place, _)| self.context.documents.len() - place);
        self.text.number(known.unwrap_or(0) as u64);
        if known.is_none() {
            let (time, rest) = change.document.0.split_at(6);
            let time = time.iter().fold(0, |time, byte| time << 8 | i64::from(*byte));
            self.text.signed(time - commit.hlc.millis() as i64);
            self.noise.fixed(rest);
        }
    }

    /// Ends the body.
    pub fn finish(self) -> Vec<u8> {
        let mut body = self.head;
        body.list(&self.keys, |w, record| {
            w.fixed(&record.subject.0).fixed(record.key.as_bytes());
        });
        body.number(self.commits).blob(&self.noise.finish()).fixed(&self.text.finish());
        body.finish()
    }
}
