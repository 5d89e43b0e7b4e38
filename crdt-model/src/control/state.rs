//! The folded control scope: organisation, sites, members, keepers and channels.
//!
//! Concurrent admin actions merge as a union in which the more restrictive wins: two keepers of one (site, epoch) name
//! nobody, of two sites or channels of one name the lowest event id stands.
//!
//! Invariant: the result does not depend on the order of documents. Proved by
//! `two_keepers_of_one_epoch_name_nobody` and `merge_laws`.

use std::collections::{BTreeMap, BTreeSet};

use crate::codec::{DecodeError, Reader, Writer};
use crate::control::event::{Channel, Genesis, Member, Site};
use crate::document::Content;
use crate::event::Event;
use crate::id::{AuthorId, DocumentId, EventId, EventKey};
use crate::journal::state::{decode_events, encode_events};
use crate::scope::SiteCode;

/// The events of one control document, as its row keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControlRecord {
    /// Events by key.
    pub events: BTreeMap<EventKey, Event>,
}

impl ControlRecord {
    /// Folds a control document.
    pub fn fold(content: &Content) -> Self {
        Self { events: content.events.clone() }
    }

    /// Writes the row.
    pub fn encode(&self, writer: &mut Writer) {
        encode_events(&self.events, writer);
    }

    /// Reads a row.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { events: decode_events(reader)? })
    }
}

/// What the control documents say together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Control {
    /// The organisation's beginning.
    pub genesis: Option<Genesis>,
    /// Sites by code.
    pub sites: BTreeMap<SiteCode, Site>,
    /// Members by author.
    pub members: BTreeMap<AuthorId, Member>,
    /// Candidates by (site, epoch).
    keepers: BTreeMap<(SiteCode, u32), BTreeSet<AuthorId>>,
    /// Channels by name.
    pub channels: BTreeMap<String, Channel>,
}

impl Control {
    /// Folds all control documents.
    pub fn fold<'a>(records: impl IntoIterator<Item = (DocumentId, &'a ControlRecord)>) -> Self {
        let mut events = Vec::new();
        for (document, record) in records {
            events.extend(record.events.iter().map(|(key, event)| (document.event(*key), event)));
        }
        Self::of_events(events)
    }

    /// Folds events of control documents.
    pub fn of_events(mut events: Vec<(EventId, &Event)>) -> Self {
        events.sort_by_key(|(id, _)| *id);
        let mut control = Self::default();
        for (_, event) in events {
            control.apply(event);
        }
        control
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Genesis(genesis) if self.genesis.is_none() => {
                self.genesis = Some(genesis.clone());
                self.add_site(&genesis.site);
                self.add_member(&genesis.member);
                self.add_keeper(&genesis.site.code, 1, genesis.keeper);
            }
            Event::Site(site) => self.add_site(site),
            Event::Member(member) => self.add_member(member),
            Event::Keeper(keeper) => self.add_keeper(&keeper.site, keeper.epoch, keeper.author),
            Event::Channel(channel) => {
                self.channels.entry(channel.name.as_str().to_owned()).or_insert_with(|| channel.clone());
            }
            _events_of_other_documents => {}
        }
    }

    fn add_site(&mut self, site: &Site) {
        self.sites.entry(site.code.clone()).or_insert_with(|| site.clone());
    }

    fn add_member(&mut self, member: &Member) {
        self.members.entry(member.author).or_insert_with(|| member.clone());
    }

    fn add_keeper(&mut self, site: &SiteCode, epoch: u32, author: AuthorId) {
        self.keepers.entry((site.clone(), epoch)).or_default().insert(author);
    }

    /// The newest epoch of a site.
    pub fn epoch(&self, site: &SiteCode) -> u32 {
        let of_site = self.keepers.range((site.clone(), 0)..=(site.clone(), u32::MAX));
        of_site.map(|((_, epoch), _)| *epoch).max().unwrap_or(0)
    }

    /// The keeper of an epoch; nobody where two are named.
    pub fn keeper(&self, site: &SiteCode, epoch: u32) -> Option<AuthorId> {
        let named = self.keepers.get(&(site.clone(), epoch))?;
        named.first().copied().filter(|_| named.len() == 1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::control::event::Keeper;

    #[test]
    fn two_keepers_of_one_epoch_name_nobody() {
        let site = SiteCode::new("SH01").unwrap();
        let record = |author: u8| {
            let keeper = Keeper { site: site.clone(), epoch: 2, author: AuthorId([author; 32]) };
            ControlRecord { events: [(EventKey([author; 8]), Event::Keeper(keeper))].into() }
        };
        let (one, two) = (record(1), record(2));
        let (id, other) = (DocumentId([1; 16]), DocumentId([2; 16]));
        assert_eq!(Control::fold([(id, &one)]).keeper(&site, 2), Some(AuthorId([1; 32])));
        assert_eq!(Control::fold([(id, &one), (other, &two)]).keeper(&site, 2), None);
        assert_eq!(Control::fold([(other, &two), (id, &one)]), Control::fold([(id, &one), (other, &two)]));
    }
}
