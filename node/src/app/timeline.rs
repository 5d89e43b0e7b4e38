//! The timeline of an order: what happened, when, where, by whom, and whether head office has it.
//!
//! Read from the commits that an order's document refers to, one order at a time; lists ask only whether head office has
//! all of them.
//!
//! Invariants: a step counts as seen once a node of head office has acknowledged the commit that brought it; at head office
//! everything is seen. Proved by `head_office_has_not_seen_an_order_until_it_acknowledged_it`.

use crdt_model::commit::SignedCommit;
use crdt_model::control::event::SiteKind;
use crdt_model::control::state::Control;
use crdt_model::event::Event;
use crdt_model::id::{AuthorId, DocumentId};
use crdt_model::intake::read_changes;
use crdt_model::rows::RowKey;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::text::Text;
use crdt_model::time::EventTime;

use super::error::AppError;
use super::model::{MoneySum, QuantitySum};
use super::orders::find;
use super::peers::short_name;
use super::{App, read, storage};
use crate::link::rows::Acked;
use crate::replica::references;
use crate::store::{ReadTables, Snapshot, Table};

/// Whether head office has something on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// It has not, as far as this node knows.
    No,
    /// There is no head office to tell.
    Nobody,
    /// It has.
    Yes,
}

/// What happened to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It was taken.
    Placed,
    /// It was promised to the customer.
    Confirmed,
    /// Lines were called off; why.
    Cancelled(Option<Text>),
    /// Stock was promised: with rights, and without.
    Reserved(QuantitySum, QuantitySum),
    /// A promise was given back.
    Released,
    /// Goods left.
    Shipped,
    /// Money came in: the tender's word and the amount.
    Paid(&'static str, MoneySum),
    /// Another site was asked to ship.
    Sent,
}

/// One step of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happened.
    pub what: What,
    /// When.
    pub at: EventTime,
    /// At which site; none where the author is not a member any more.
    pub site: Option<SiteCode>,
    /// By which node.
    pub node: String,
    /// Whether head office has it.
    pub seen: Seen,
}

/// What head office has acknowledged, node by node.
pub struct Office {
    heads: Vec<Acked>,
    own: bool,
}

impl Office {
    /// Whether one of its nodes has a commit.
    fn has(&self, scope: &Scope, author: &AuthorId, seq: u64) -> Seen {
        if self.own {
            return Seen::Yes;
        }
        let covers =
            |acked: &Acked| acked.get(scope).and_then(|heads| heads.get(author)).is_some_and(|got| *got >= seq);
        match (self.heads.is_empty(), self.heads.iter().any(covers)) {
            (_, true) => Seen::Yes,
            (true, false) => Seen::Nobody,
            (false, false) => Seen::No,
        }
    }
}

impl App {
    /// What happened to an order, the first step first.
    pub fn order_timeline(&self, id: &str) -> Result<Vec<Step>, AppError> {
        let snapshot = self.snapshot()?;
        let (scope, document) = find(&snapshot, id)?;
        let (control, office) = (read::control(&snapshot)?, self.office()?);
        let mut steps = Vec::new();
        for (signed, places) in commits_of(&snapshot, &scope, document)? {
            steps.extend(steps_of(&signed, &places, &control, &office));
        }
        steps.sort_by_key(|step| step.at.at);
        Ok(steps)
    }

    /// For each order, whether head office has all of it that is held here.
    pub fn seen_by_office(&self, orders: &[(Scope, DocumentId)]) -> Result<Vec<Seen>, AppError> {
        let (snapshot, office) = (self.snapshot()?, self.office()?);
        let seen = |(scope, document): &(Scope, DocumentId)| {
            if office.own {
                return Ok(Seen::Yes);
            }
            let commits = commits_of(&snapshot, scope, *document)?;
            let all = commits.iter().map(|(signed, _)| {
                let commit = signed.commit();
                office.has(scope, &commit.author, commit.seq)
            });
            Ok(all.min().unwrap_or(Seen::Yes))
        };
        orders.iter().map(seen).collect()
    }

    /// What the nodes of head office have acknowledged, as links and earlier runs know it.
    fn office(&self) -> Result<Office, AppError> {
        let (directory, links) = (self.directory()?, self.link_states());
        let kind = |site: &SiteCode| directory.control.sites.get(site).map(|site| site.kind);
        let own = kind(&self.facts().site) == Some(SiteKind::HeadOffice);
        let members = directory.control.members.values();
        let offices = members.filter(|member| kind(&member.site) == Some(SiteKind::HeadOffice));
        let acked = |device| {
            let kept = directory.peers.get(device).map(|row| row.acked.clone()).unwrap_or_default();
            let live = links.get(device).map(|link| link.acked.clone()).unwrap_or_default();
            [kept, live]
        };
        Ok(Office { heads: offices.flat_map(|member| acked(&member.device)).collect(), own })
    }
}

/// The commits that a document refers to, each with the places of its changes in it.
fn commits_of(
    snapshot: &Snapshot,
    scope: &Scope,
    document: DocumentId,
) -> Result<Vec<(SignedCommit, Vec<usize>)>, AppError> {
    let key = RowKey::of(scope).document(&document);
    let row = snapshot.get(Table::Documents, key.as_bytes()).map_err(storage)?.unwrap_or_default();
    let mut commits: Vec<(_, Vec<usize>)> = Vec::new();
    for (hash, place) in references(&row).map_err(|error| AppError::Storage(error.to_string()))? {
        match commits.last_mut().filter(|(last, _)| *last == hash) {
            Some((_, places)) => places.push(place),
            None => commits.push((hash, vec![place])),
        }
    }
    let read_one = |(hash, places): (crdt_model::id::CommitHash, Vec<usize>)| {
        let bytes = snapshot.get(Table::Commits, &hash.0).map_err(storage)?.unwrap_or_default();
        Ok((SignedCommit::decode_trusted(&bytes).map_err(|error| AppError::Storage(error.to_string()))?, places))
    };
    commits.into_iter().map(read_one).collect()
}

/// The steps that a commit brought.
fn steps_of(signed: &SignedCommit, places: &[usize], control: &Control, office: &Office) -> Vec<Step> {
    let commit = signed.commit();
    let site = control.members.get(&commit.author).map(|member| member.site.clone());
    let seen = office.has(&commit.scope, &commit.author, commit.seq);
    // What is in the document was read when it came; what cannot be read now is left out of the list.
    let changes = read_changes(commit).unwrap_or_default().into_iter().enumerate();
    let events = changes.filter(|(at, _)| places.contains(at)).flat_map(|(_, change)| change.events);
    let step = |(what, at)| Step { what, at, site: site.clone(), node: short_name(&commit.author), seen };
    events.filter_map(|(_, event)| happened(&event)).map(step).collect()
}

/// What an event tells a person; parts of an order that come with it tell nothing by themselves.
fn happened(event: &Event) -> Option<(What, EventTime)> {
    match event {
        Event::Placed(placed) | Event::CreditPlaced(placed) | Event::AdjustmentPlaced(placed) => {
            Some((What::Placed, placed.time))
        }
        Event::Confirmed(confirmed) => Some((What::Confirmed, confirmed.time)),
        Event::Cancelled(cancelled) => Some((What::Cancelled(cancelled.reason.clone()), cancelled.time)),
        Event::Reserved(reservation) => {
            let sum = |of: fn(&crdt_model::order::event::ReservedLine) -> i128| {
                QuantitySum(reservation.lines.iter().map(of).sum())
            };
            let secured = sum(|line| i128::from(line.secured.thousandths()));
            let unsecured = sum(|line| i128::from(line.unsecured.thousandths()));
            Some((What::Reserved(secured, unsecured), reservation.time))
        }
        Event::Released(reservation) => Some((What::Released, reservation.time)),
        Event::Shipped(shipped) => Some((What::Shipped, shipped.time)),
        Event::Paid(paid) => Some((What::Paid(paid.tender.name(), paid.amount.into()), paid.time)),
        Event::Sent(sent) => Some((What::Sent, sent.time)),
        _tells_nothing => None,
    }
}
