//! Nodes that keep their commits in a map, and a wire between two sessions that a seeded scheduler cuts where it likes.
#![allow(clippy::unwrap_used)]
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crdt_model::commit::{Commit, DocumentChange, SignedCommit};
use crdt_model::control::event::{Member, Site, SiteKind};
use crdt_model::control::state::Control;
use crdt_model::id::{AuthorId, CommitHash, DeviceId, DocumentId, OrgId, RequestId, SessionId, TransactionId, UserId};
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::seal::KeyRecord;
use crdt_model::text::Text;
use crdt_model::time::Hlc;
use ed25519_dalek::SigningKey;

use super::super::*;
use crate::sync::log::{Have, LogError};

pub const ORG: OrgId = OrgId([1; 32]);

/// A seeded generator.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % limit as u64) as usize
    }
}

pub fn code(text: &str) -> SiteCode {
    SiteCode::new(text).unwrap()
}

pub fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

/// A node: its commits by scope in the order of arrival.
pub struct Node {
    pub key: SigningKey,
    pub site: SiteCode,
    pub commits: BTreeMap<Scope, Vec<SignedCommit>>,
    pub control: Arc<Control>,
    pub twice: usize,
    pub keys: Vec<KeyRecord>,
}

impl Log for Node {
    fn scopes(&self) -> Result<Vec<Scope>, LogError> {
        Ok(self.commits.keys().cloned().collect())
    }

    fn frontier(&self, scope: &Scope) -> Result<Vec<Head>, LogError> {
        let mut heads = BTreeMap::new();
        for signed in self.commits.get(scope).into_iter().flatten() {
            let commit = signed.commit();
            heads.insert(commit.author, Head { author: commit.author, seq: commit.seq, hash: signed.hash() });
        }
        Ok(heads.into_values().collect())
    }

    fn hash_at(&self, scope: &Scope, author: &AuthorId, seq: u64) -> Result<Option<CommitHash>, LogError> {
        let mut commits = self.commits.get(scope).into_iter().flatten();
        let found = commits.find(|signed| signed.commit().author == *author && signed.commit().seq == seq);
        Ok(found.map(SignedCommit::hash))
    }

    fn totals(&self, scope: &Scope, have: &Have) -> Result<Totals, LogError> {
        let missing = self.missing(scope, have);
        Ok(missing
            .fold(Totals::default(), |sum, signed| sum.plus(Totals { commits: 1, bytes: signed.bytes().len() as u64 })))
    }

    fn next_commits(
        &self,
        scope: &Scope,
        have: &mut Have,
        without: &dyn Fn(&AuthorId) -> bool,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, LogError> {
        let (mut commits, mut bytes) = (Vec::new(), 0);
        for signed in self.missing(scope, &have.clone()).filter(|signed| !without(&signed.commit().author)) {
            if bytes > 0 && bytes + signed.bytes().len() > bytes_max {
                break;
            }
            bytes += signed.bytes().len();
            have.insert(signed.commit().author, signed.commit().seq);
            commits.push(signed.bytes().to_vec());
        }
        Ok(commits)
    }

    fn keys(&self, subject: DocumentId) -> Result<Vec<KeyRecord>, LogError> {
        Ok(self.keys.iter().filter(|record| record.subject == subject).cloned().collect())
    }
}

impl Node {
    fn missing<'a>(&'a self, scope: &Scope, have: &'a Have) -> impl Iterator<Item = &'a SignedCommit> {
        let held = |author: &AuthorId| have.get(author).copied().unwrap_or(0);
        let commits = self.commits.get(scope).into_iter().flatten();
        commits.filter(move |signed| signed.commit().seq > held(&signed.commit().author))
    }

    pub fn author(&self) -> AuthorId {
        AuthorId(self.key.verifying_key().to_bytes())
    }

    pub fn device(&self) -> DeviceId {
        DeviceId(self.author().0)
    }

    /// Signs the next commit of a scope.
    pub fn next(&self, scope: &Scope, bytes: usize) -> SignedCommit {
        let last = self.commits.get(scope).into_iter().flatten().rfind(|c| c.commit().author == self.author());
        let (seq, prev) = last.map_or((1, CommitHash::ZERO), |last| (last.commit().seq + 1, last.hash()));
        let mut chunk = vec![0; bytes];
        blake3::Hasher::new().update(&seq.to_be_bytes()).update(&self.author().0).finalize_xof().fill(&mut chunk);
        let control_heads = if *scope == Scope::Control { Vec::new() } else { vec![CommitHash([6; 32])] };
        let commit = Commit {
            org: ORG,
            author: self.author(),
            session: SessionId([2; 8]),
            scope: scope.clone(),
            seq,
            prev,
            deps: Vec::new(),
            control_heads,
            hlc: Hlc(seq << 16),
            user: UserId::ZERO,
            request: RequestId::ZERO,
            transaction: TransactionId::ZERO,
            kind_flags: 0,
            changes: vec![DocumentChange { document: DocumentId([3; 16]), chunk }],
        };
        SignedCommit::sign(commit, &self.key).unwrap()
    }

    pub fn write(&mut self, scope: &Scope, bytes: usize) {
        let signed = self.next(scope, bytes);
        self.commits.entry(scope.clone()).or_default().push(signed);
    }

    /// Stores what came; each commit must follow its author's last.
    pub fn store(&mut self, incoming: Incoming) {
        for commit in incoming.commits {
            let signed = commit.verify().unwrap();
            let held = self.frontier(&incoming.scope).unwrap();
            let head = held.iter().find(|head| head.author == signed.commit().author);
            let (seq, hash) = head.map_or((0, CommitHash::ZERO), |head| (head.seq, head.hash));
            if signed.commit().seq <= seq {
                self.twice += 1;
                continue;
            }
            assert_eq!((signed.commit().seq, signed.commit().prev), (seq + 1, hash), "causal order");
            self.commits.entry(incoming.scope.clone()).or_default().push(signed);
        }
    }

    pub fn grants(&self, peer: &SiteCode) -> Grants {
        Grants::Sites { control: Arc::clone(&self.control), here: self.site.clone(), there: peer.clone() }
    }

    /// Whether all of `heads`, one list a scope, is held here.
    pub fn has(&self, scopes: &[&str], heads: &[Vec<Head>]) -> bool {
        let mut wanted = scopes.iter().zip(heads).flat_map(|(text, heads)| heads.iter().map(move |head| (text, head)));
        wanted.all(|(text, head)| self.hash_at(&scope(text), &head.author, head.seq).unwrap() == Some(head.hash))
    }

    /// What two nodes must agree on.
    pub fn heads(&self, scopes: &[&str]) -> Vec<Vec<Head>> {
        scopes.iter().map(|text| self.frontier(&scope(text)).unwrap()).collect()
    }
}

/// Nodes of one organisation: head office HQ, other sites as named; each an author and device of its own.
pub fn nodes(sites: &[&str]) -> Vec<Node> {
    let key = |n: usize| SigningKey::from_bytes(&[n as u8 + 1; 32]);
    let mut control = Control::default();
    for (n, site) in sites.iter().enumerate() {
        let kind = if *site == "HQ" { SiteKind::HeadOffice } else { SiteKind::Store };
        let zone = Text::new("Europe/London").unwrap();
        control.sites.insert(code(site), Site { code: code(site), kind, zone, territory: code("MAIN") });
        let author = AuthorId(key(n).verifying_key().to_bytes());
        let device_letter = Text::new("A").unwrap();
        control.members.insert(author, Member { author, device: DeviceId(author.0), site: code(site), device_letter });
    }
    let control = Arc::new(control);
    let node = |(n, site): (usize, &&str)| Node {
        key: key(n),
        site: code(site),
        commits: BTreeMap::new(),
        control: Arc::clone(&control),
        twice: 0,
        keys: Vec::new(),
    };
    sites.iter().enumerate().map(node).collect()
}

pub fn config(node: &Node, peer: &Node) -> SessionConfig {
    SessionConfig {
        org: ORG,
        author: node.author(),
        peer: peer.device(),
        addresses: vec![PeerAddress::V4([192, 168, 1, 10], 4_711)],
        pause: Pause::Running,
    }
}

/// One end of a link.
pub struct End {
    pub node: usize,
    pub peer: SiteCode,
    pub session: Session,
    /// Bytes on the way to this end.
    pub inbox: Vec<u8>,
    /// Frames that are not stored yet.
    pub arrivals: VecDeque<Incoming>,
    pub scopes: BTreeSet<Scope>,
    pub commits_in: usize,
    pub forks: Vec<(Scope, AuthorId, u64)>,
    pub closing: Option<Closing>,
    pub order: Vec<Scope>,
    /// Keys that came.
    pub keys_in: Vec<KeyRecord>,
}

/// Two sessions and the bytes between them.
pub struct Link {
    pub ends: [End; 2],
}

impl Link {
    pub fn open(nodes: &[Node], one: usize, other: usize) -> Self {
        Self::with(nodes, [one, other], [config(&nodes[one], &nodes[other]), config(&nodes[other], &nodes[one])])
    }

    pub fn with(nodes: &[Node], places: [usize; 2], configs: [SessionConfig; 2]) -> Self {
        let [one, other] = configs;
        let end = |at: usize, peer: usize, config: SessionConfig| End {
            node: at,
            peer: nodes[peer].site.clone(),
            session: Session::new(config),
            inbox: Vec::new(),
            arrivals: VecDeque::new(),
            scopes: BTreeSet::new(),
            commits_in: 0,
            forks: Vec::new(),
            closing: None,
            order: Vec::new(),
            keys_in: Vec::new(),
        };
        let mut link = Self { ends: [end(places[0], places[1], one), end(places[1], places[0], other)] };
        for at in [0, 1] {
            let grants = link.grants(nodes, at);
            let effects = link.ends[at].session.start(&nodes[places[at]], &grants);
            link.apply(at, effects);
        }
        link
    }

    fn grants(&self, nodes: &[Node], at: usize) -> Grants {
        nodes[self.ends[at].node].grants(&self.ends[at].peer)
    }

    fn apply(&mut self, at: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(bytes) => self.ends[1 - at].inbox.extend_from_slice(&bytes),
                Effect::Ingest(incoming) => {
                    self.ends[at].commits_in += incoming.commits.len();
                    self.ends[at].keys_in.extend(incoming.keys.iter().cloned());
                    self.ends[at].scopes.insert(incoming.scope.clone());
                    self.ends[at].order.push(incoming.scope.clone());
                    self.ends[at].arrivals.push_back(incoming);
                }
                Effect::Fork { scope, author, seq, .. } => self.ends[at].forks.push((scope, author, seq)),
                Effect::Close(closing) => self.ends[at].closing = Some(closing),
                Effect::Greeted { .. } | Effect::PeerHas { .. } | Effect::Announced { .. } => {}
            }
        }
    }

    /// Delivers up to `bytes` to one end.
    pub fn deliver(&mut self, nodes: &[Node], at: usize, bytes: usize) {
        let rest = self.ends[at].inbox.split_off(bytes.min(self.ends[at].inbox.len()));
        let part = std::mem::replace(&mut self.ends[at].inbox, rest);
        let grants = self.grants(nodes, at);
        let effects = self.ends[at].session.receive(&part, &nodes[self.ends[at].node], &grants);
        self.apply(at, effects);
    }

    /// Stores the first frame that one end has.
    pub fn ingest(&mut self, nodes: &mut [Node], at: usize) {
        let Some(incoming) = self.ends[at].arrivals.pop_front() else { return };
        let (frame, node) = (incoming.frame, self.ends[at].node);
        nodes[node].store(incoming);
        let grants = self.grants(nodes, at);
        let effects = self.ends[at].session.durable(frame, &nodes[node], &grants);
        self.apply(at, effects);
    }

    pub fn news(&mut self, nodes: &[Node], at: usize) {
        let grants = self.grants(nodes, at);
        let effects = self.ends[at].session.news(&nodes[self.ends[at].node], &grants);
        self.apply(at, effects);
    }

    pub fn ask(&mut self, nodes: &[Node], at: usize, number: u64) {
        let grants = self.grants(nodes, at);
        let effects = self.ends[at].session.ask(number, &nodes[self.ends[at].node], &grants);
        self.apply(at, effects);
    }

    pub fn is_idle(&self) -> bool {
        self.ends.iter().all(|end| end.inbox.is_empty() && end.arrivals.is_empty())
    }

    /// Delivers and stores everything until nothing moves; gives the number of rounds with bytes.
    pub fn settle(&mut self, nodes: &mut [Node]) -> usize {
        let mut rounds = 0;
        while !self.is_idle() {
            rounds += usize::from(self.ends.iter().any(|end| !end.inbox.is_empty()));
            // Both ends speak at once: what is on the way now is one round.
            let on_the_way = [self.ends[0].inbox.len(), self.ends[1].inbox.len()];
            for at in [0, 1] {
                self.deliver(nodes, at, on_the_way[at]);
            }
            for at in [0, 1] {
                while !self.ends[at].arrivals.is_empty() {
                    self.ingest(nodes, at);
                }
            }
        }
        rounds
    }

    pub fn assert_open(&self) {
        for end in &self.ends {
            assert_eq!(end.closing, None);
        }
    }
}
