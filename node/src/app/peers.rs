//! Peers and invitations: who belongs to the organisation, where they are, and tickets for new devices.
//!
//! Invariants: only the registrar's node invites; of a ticket only what proves it is kept. Proved by
//! `a_node_that_is_not_the_registrars_does_not_invite` and `an_invitation_keeps_no_secret`.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use chrono_tz::Tz;
use crdt_model::codec::Reader;
use crdt_model::control::event::{Member, Site, SiteKind};
use crdt_model::control::state::Control;
use crdt_model::id::{AuthorId, DeviceId};
use crdt_model::rows::RowKey;
use crdt_model::scope::{Scope, SiteCode, TerritoryCode};
use crdt_model::text::Text;
use crdt_model::time::{EventTime, Timestamp};

use super::error::AppError;
use super::model::Request;
use super::sync::idle_reason;
use super::{App, read, storage};
use crate::clock;
use crate::entropy;
use crate::link::directory::{Directory, Exchange};
use crate::link::rows::{InviteRow, LOCAL_SYNC_PAUSED, Misuse, PeerRow};
use crate::link::state::LinkState;
use crate::replica::{Command, LocalChange, LocalTable, Outcome};
use crate::store::{ReadTables, Snapshot, Table};
use crate::transport::ticket::Ticket;

/// How long a ticket is good for unless the caller says otherwise, in hours.
pub const INVITE_HOURS: u32 = 48;
/// The longest time that a ticket may be good for, in hours.
pub const INVITE_HOURS_MAX: u32 = 24 * 30;
/// Hexadecimal digits of a node's short name.
const SHORT_NAME_DIGITS: usize = 10;
/// The fewest digits by which a node may be named.
const NAME_DIGITS_MIN: usize = 4;
const MILLIS_PER_HOUR: i64 = 3_600_000;

/// Another node of the organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerView {
    /// Its author's short name.
    pub node: String,
    /// Its site.
    pub site: SiteCode,
    /// The site's kind.
    pub kind: &'static str,
    /// The letter in its order numbers.
    pub letter: Text,
    /// Its link; none where the two have nothing of their own to exchange.
    pub link: Option<LinkState>,
    /// The last exchange.
    pub last_exchange: Option<EventTime>,
    /// Where it is dialled.
    pub addresses: Vec<SocketAddr>,
}

/// A ticket that somebody else tried to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketAlert {
    /// What was wrong: a stable code.
    pub code: &'static str,
    /// The site of the ticket.
    pub site: SiteCode,
    /// The short name of the device that tried.
    pub device: String,
    /// When it tried last.
    pub at: EventTime,
}

/// An invitation that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvite {
    /// The site of the new device.
    pub site: SiteCode,
    /// Its kind; may be left out where the site exists.
    pub kind: Option<SiteKind>,
    /// Its zone; may be left out where the site exists.
    pub zone: Option<Tz>,
    /// Its territory; the site's own, else `MAIN`.
    pub territory: Option<TerritoryCode>,
    /// How long it is good for, in hours.
    pub hours: u32,
}

/// An invitation that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteView {
    /// The ticket, told this once.
    pub ticket: String,
    /// Until when it is good.
    pub expires: EventTime,
    /// The site of the new device.
    pub site: SiteCode,
}

impl App {
    /// Every other member, by site and letter.
    pub fn peers(&self) -> Result<Vec<PeerView>, AppError> {
        let directory = self.directory()?;
        let links = self.link_states();
        let own = self.facts().author;
        let mut members: Vec<&Member> = directory.control.members.values().filter(|m| m.author != own).collect();
        members.sort_by_key(|member| (&member.site, member.device_letter.as_str().len(), &member.device_letter));
        let linked: BTreeSet<DeviceId> = directory.linked().into_iter().map(|(member, _)| member.device).collect();
        let view = |member: &Member| {
            let row = directory.peers.get(&member.device).cloned().unwrap_or_default();
            let link = linked.contains(&member.device).then(|| links.get(&member.device).cloned());
            let idle = || LinkState::broken(idle_reason(&directory, &member.device));
            let link = link.map(|known| known.unwrap_or_else(idle));
            let last = link.as_ref().and_then(|link| link.last_exchange).max(row.last_exchange);
            PeerView {
                node: short_name(&member.author),
                site: member.site.clone(),
                kind: directory.control.sites.get(&member.site).map_or("", |site| site.kind.name()),
                letter: member.device_letter.clone(),
                link,
                last_exchange: last.map(|at| clock::moment(at, self.facts().zone)),
                addresses: row.all_addresses(),
            }
        };
        Ok(members.into_iter().map(view).collect())
    }

    /// Tickets that devices without a right to them tried to use, the latest first.
    pub fn ticket_alerts(&self) -> Result<Vec<TicketAlert>, AppError> {
        let invites = read::collect(&self.snapshot()?, Table::Invites, &[], |_, row| InviteRow::decode(row).map(Some))?;
        let misuses = invites.iter().flat_map(|row| row.misuses.iter().map(|misuse| (&row.site.code, misuse)));
        let mut misuses: Vec<_> = misuses.collect();
        misuses.sort_by_key(|(_, misuse)| (Reverse(misuse.at), misuse.device));
        let alert = |(site, misuse): (&SiteCode, &Misuse)| TicketAlert {
            code: misuse.why.code(),
            site: site.clone(),
            device: misuse.device.to_string()[..SHORT_NAME_DIGITS].to_owned(),
            at: clock::moment(misuse.at, self.facts().zone),
        };
        Ok(misuses.into_iter().map(alert).collect())
    }

    /// Makes a ticket for one device.
    pub async fn invite(&self, invite: NewInvite) -> Result<InviteView, AppError> {
        let snapshot = self.snapshot()?;
        let control = read::control(&snapshot)?;
        let own = self.own_member(&control)?;
        self.check_registrar(&control)?;
        let site = site_of(&control, &invite)?;
        let addresses = self.sync_addresses().await?;
        let now = clock::now();
        let expires = Timestamp(now.0.saturating_add(i64::from(invite.hours) * MILLIS_PER_HOUR));
        let secret = entropy::bytes::<16>().map_err(|error| AppError::Storage(error.to_string()))?;
        let (org, inviter, code) = (self.facts().org, own.device, site.code.clone());
        let ticket = Ticket { org, inviter, addresses, secret, site: code.clone(), expires };
        let row = InviteRow { verifier: ticket.verifier(), site, expires, device: None, misuses: Vec::new() };
        let mut changes = ended_invites(&snapshot, now)?;
        let (table, key) = (LocalTable::Invites, ticket.invite_id().to_vec());
        changes.push(LocalChange::Put { table, key, value: row.encode() });
        self.keep_rows(changes).await?;
        self.refresh_links().await?;
        let expires = clock::moment(expires, self.facts().zone);
        Ok(InviteView { ticket: ticket.to_text(), expires, site: code })
    }

    /// Sets where a peer is dialled first.
    pub async fn set_peer_address(&self, node: &str, address: SocketAddr) -> Result<(), AppError> {
        let device = self.find_peer(node)?.device;
        let directory = self.directory()?;
        let row = PeerRow { set: Some(address), ..directory.peers.get(&device).cloned().unwrap_or_default() };
        self.keep_rows(vec![peer_put(device, &row)]).await?;
        self.refresh_links().await
    }

    /// The member that a caller names by digits of its author, or by its site where that has one other node.
    pub fn find_peer(&self, name: &str) -> Result<Member, AppError> {
        let control = read::control(&self.snapshot()?)?;
        let own = self.facts().author;
        let names = |member: &&Member| {
            let digits = name.len() >= NAME_DIGITS_MIN && member.author.to_string().starts_with(name);
            member.author != own && (digits || member.site.as_str() == name)
        };
        let found: Vec<&Member> = control.members.values().filter(names).collect();
        match found.as_slice() {
            [only] => Ok((*only).clone()),
            _none_or_several => Err(AppError::NotFound { what: "peer", id: name.to_owned() }),
        }
    }

    /// What the links need to know, read in one go.
    pub(crate) fn directory(&self) -> Result<Directory, AppError> {
        let snapshot = self.snapshot()?;
        let peers = read::collect(&snapshot, Table::Peers, &[], |key, value| {
            let device = DeviceId::decode("device", &mut Reader::new(key))?;
            Ok(Some((device, PeerRow::decode(value)?)))
        })?;
        let invites = read::collect(&snapshot, Table::Invites, &[], |_, value| InviteRow::decode(value).map(Some))?;
        let paused = snapshot.get(Table::Local, LOCAL_SYNC_PAUSED).map_err(storage)?.is_some();
        let is_lane = |scope: &Scope| matches!(scope, Scope::Lane(..));
        Ok(Directory {
            control: Arc::new(read::control(&snapshot)?),
            own: self.facts().author,
            lanes: read::scopes(&snapshot)?.into_iter().filter(is_lane).collect(),
            peers: peers.into_iter().collect(),
            invites_until: invites.into_iter().map(|invite| invite.expires).max(),
            exchange: if paused { Exchange::Paused } else { Exchange::Running },
        })
    }

    /// An invitation that was given out.
    pub(crate) fn invite_row(&self, invite: &[u8; 16]) -> Result<Option<InviteRow>, AppError> {
        let row = self.snapshot()?.with(Table::Invites, invite, InviteRow::decode).map_err(storage)?;
        row.transpose().map_err(read::damaged)
    }

    /// The commits of `control` in the order in which they came, without the first `skipped`.
    pub(crate) fn control_commits(&self, skipped: usize) -> Result<Vec<Vec<u8>>, AppError> {
        let snapshot = self.snapshot()?;
        let order = RowKey::of(&Scope::Control);
        let hashes = read::collect(&snapshot, Table::CommitOrder, order.as_bytes(), |_, hash| Ok(Some(hash.to_vec())))?;
        let commit = |hash: &Vec<u8>| {
            let bytes = snapshot.get(Table::Commits, hash).map_err(storage)?;
            bytes.ok_or_else(|| AppError::Storage("a commit of the arrival order is not stored".to_owned()))
        };
        hashes.iter().skip(skipped).map(commit).collect()
    }

    /// Keeps rows of this node alone.
    pub(crate) async fn keep_rows(&self, changes: Vec<LocalChange>) -> Result<(), AppError> {
        match self.write(&Request::default(), Command::Remember(changes)).await? {
            Outcome::Remembered => Ok(()),
            _other => Err(AppError::Storage("local rows were answered with another outcome".to_owned())),
        }
    }

    fn own_member<'c>(&self, control: &'c Control) -> Result<&'c Member, AppError> {
        let own = control.members.get(&self.facts().author);
        own.ok_or_else(|| AppError::Storage("this node is not among the members".to_owned()))
    }

    fn check_registrar(&self, control: &Control) -> Result<(), AppError> {
        let registrar = control.genesis.as_ref().map(|genesis| genesis.registrar);
        if registrar == Some(self.facts().author) {
            return Ok(());
        }
        let member = registrar.and_then(|author| control.members.get(&author));
        let (site, node) = member
            .map_or((String::new(), String::new()), |member| (member.site.to_string(), short_name(&member.author)));
        Err(AppError::Conflict {
            code: "not_registrar",
            detail: format!("only the registrar invites: node {node} of site {site}"),
            remedy: format!("Run `tradepost peer invite` at site {site}."),
        })
    }
}

/// A peer's row as a change.
pub(crate) fn peer_put(device: DeviceId, row: &PeerRow) -> LocalChange {
    LocalChange::Put { table: LocalTable::Peers, key: device.0.to_vec(), value: row.encode() }
}

/// The short name of a node.
pub(crate) fn short_name(author: &AuthorId) -> String {
    author.to_string()[..SHORT_NAME_DIGITS].to_owned()
}

/// The site of an invitation: as it exists, or as it is described.
fn site_of(control: &Control, invite: &NewInvite) -> Result<Site, AppError> {
    let code = &invite.site;
    if let Some(known) = control.sites.get(code) {
        let same = invite.kind.is_none_or(|kind| kind == known.kind)
            && invite.zone.is_none_or(|zone| zone.name() == known.zone.as_str())
            && invite.territory.as_ref().is_none_or(|territory| *territory == known.territory);
        return if same {
            Ok(known.clone())
        } else {
            Err(AppError::Conflict {
                code: "exists",
                detail: format!("site {code} exists as {} in {}, {}", known.kind.name(), known.zone, known.territory),
                remedy: "Leave kind, zone and territory out, or give another site code.".to_owned(),
            })
        };
    }
    let missing = |field: &str| AppError::field(format!("/{field}"), "missing: the site is new", "Give it.");
    let kind = invite.kind.ok_or_else(|| missing("kind"))?;
    let zone = invite.zone.ok_or_else(|| missing("zone"))?;
    let zone = Text::new(zone.name()).map_err(|error| AppError::field("/zone", error.to_string(), "Give another."))?;
    let main = SiteCode::new("MAIN").expect("invariant: MAIN is a code");
    Ok(Site { code: code.clone(), kind, zone, territory: invite.territory.clone().unwrap_or(main) })
}

/// Takes away invitations that nobody can use any more.
fn ended_invites(snapshot: &Snapshot, now: Timestamp) -> Result<Vec<LocalChange>, AppError> {
    let keep = i64::from(INVITE_HOURS_MAX) * MILLIS_PER_HOUR;
    read::collect(snapshot, Table::Invites, &[], |key, value| {
        let ended = InviteRow::decode(value)?.expires.0.saturating_add(keep) < now.0;
        Ok(ended.then(|| LocalChange::Delete { table: LocalTable::Invites, key: key.to_vec() }))
    })
}
