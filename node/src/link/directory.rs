//! What the links know of the organisation at a moment: members, who dials whom, addresses, invitations, the pause.
//!
//! A value read from the store in one go and replaced as a whole; nothing is decided from half of it.
//!
//! Invariant: who is not a member gets in for a join only, and only while an invitation is open. Proved by
//! `only_members_and_the_invited_get_in`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crdt_model::control::event::Member;
use crdt_model::control::state::Control;
use crdt_model::id::{AuthorId, DeviceId};
use crdt_model::scope::Scope;
use crdt_model::time::Timestamp;

use super::plan::{Side, side};
use super::rows::PeerRow;
use crate::transport::{Protocol, Remote};

/// Whether this node exchanges anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// It does.
    Running,
    /// An operator stopped it.
    Paused,
}

/// The organisation as the links see it.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Sites and members.
    pub control: Arc<Control>,
    /// This node.
    pub own: AuthorId,
    /// Lanes that hold something.
    pub lanes: BTreeSet<Scope>,
    /// What is remembered of peers.
    pub peers: BTreeMap<DeviceId, PeerRow>,
    /// When the last open invitation ends.
    pub invites_until: Option<Timestamp>,
    /// Whether anything is exchanged.
    pub exchange: Exchange,
}

impl Directory {
    /// The member of a device.
    pub fn member(&self, device: &DeviceId) -> Option<&Member> {
        self.control.members.values().find(|member| member.device == *device)
    }

    /// This node's member.
    pub fn own_member(&self) -> Option<&Member> {
        self.control.members.get(&self.own)
    }

    /// What this node does about a member.
    pub fn side(&self, peer: &Member) -> Side {
        self.own_member().map_or(Side::Apart, |own| side(&self.control, &self.lanes, own, peer))
    }

    /// Members that this node is linked with, and who dials.
    pub fn linked(&self) -> Vec<(&Member, Side)> {
        let all = self.control.members.values().map(|member| (member, self.side(member)));
        all.filter(|(_, side)| *side != Side::Apart).collect()
    }

    /// A peer as it is dialled.
    pub fn remote(&self, device: DeviceId) -> Remote {
        let addresses = self.peers.get(&device).map(PeerRow::all_addresses).unwrap_or_default();
        Remote { device, addresses }
    }

    /// Whom this node has met or knows an address of.
    pub fn is_configured(&self, device: &DeviceId) -> bool {
        self.peers.get(device).is_some_and(|row| row.last_exchange.is_some() || !row.all_addresses().is_empty())
    }

    /// Whether a device may open a connection, and what it is told if not.
    pub fn admit(&self, device: &DeviceId, protocol: Protocol, now: Timestamp) -> Result<(), &'static str> {
        let member = self.member(device).is_some();
        let invited = self.invites_until.is_some_and(|until| now.0 < until.0);
        match (protocol, self.exchange) {
            (Protocol::Sync, _) if !member => Err("not_admitted"),
            (Protocol::Sync, Exchange::Paused) => Err("paused_here"),
            (Protocol::Join, _) if !member && !invited => Err("no_invite"),
            (Protocol::Sync, Exchange::Running) | (Protocol::Join, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crdt_model::scope::SiteCode;
    use crdt_model::text::Text;

    fn directory() -> Directory {
        let member = Member {
            author: AuthorId([1; 32]),
            device: DeviceId([2; 32]),
            site: SiteCode::new("HQ").unwrap(),
            device_letter: Text::new("A").unwrap(),
        };
        let mut control = Control::default();
        control.members.insert(member.author, member);
        let control = Arc::new(control);
        let own = AuthorId([9; 32]);
        let (lanes, peers) = (BTreeSet::new(), BTreeMap::new());
        Directory { control, own, lanes, peers, invites_until: None, exchange: Exchange::Running }
    }

    #[test]
    fn only_members_and_the_invited_get_in() {
        let (member, stranger, now) = (DeviceId([2; 32]), DeviceId([3; 32]), Timestamp(1_000));
        let closed = directory();
        let open = Directory { invites_until: Some(Timestamp(1_001)), ..directory() };
        let ended = Directory { invites_until: Some(Timestamp(1_000)), ..directory() };
        for (directory, device, protocol, wanted) in [
            (&closed, member, Protocol::Sync, Ok(())),
            (&closed, member, Protocol::Join, Ok(())),
            (&closed, stranger, Protocol::Sync, Err("not_admitted")),
            (&closed, stranger, Protocol::Join, Err("no_invite")),
            (&open, stranger, Protocol::Sync, Err("not_admitted")),
            (&open, stranger, Protocol::Join, Ok(())),
            (&ended, stranger, Protocol::Join, Err("no_invite")),
        ] {
            assert_eq!(directory.admit(&device, protocol, now), wanted, "{protocol:?}");
        }
    }

    #[test]
    fn a_paused_node_takes_no_stream_but_admits() {
        let paused = Directory { exchange: Exchange::Paused, ..directory() };
        assert_eq!(paused.admit(&DeviceId([2; 32]), Protocol::Sync, Timestamp(0)), Err("paused_here"));
        assert_eq!(paused.admit(&DeviceId([2; 32]), Protocol::Join, Timestamp(0)), Ok(()));
        assert_eq!(paused.admit(&DeviceId([3; 32]), Protocol::Sync, Timestamp(0)), Err("not_admitted"));
    }
}
