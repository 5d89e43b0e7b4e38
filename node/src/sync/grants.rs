//! What one session may exchange: worked out from `control` by each side, never from what the peer says.
//!
//! Invariant: a scope that either site does not hold is never shared. Proved by `a_peer_shares_what_both_hold`.

use std::sync::Arc;

use crdt_model::control::grants::shares;
use crdt_model::control::state::Control;
use crdt_model::id::{AuthorId, DeviceId};
use crdt_model::scope::{Scope, SiteCode};

/// What the two ends of a session share.
#[derive(Debug, Clone)]
pub enum Grants {
    /// `control` alone: one end is not admitted yet.
    ControlOnly,
    /// What both sites hold.
    Sites {
        /// The control state that says it.
        control: Arc<Control>,
        /// This node's site.
        here: SiteCode,
        /// The peer's site.
        there: SiteCode,
    },
}

impl Grants {
    /// Whether both ends hold a scope.
    pub fn shares(&self, scope: &Scope) -> bool {
        match self {
            _ if *scope == Scope::Control => true,
            Self::ControlOnly => false,
            Self::Sites { control, here, there } => shares(control, here, there, scope),
        }
    }

    /// Whether the device may speak for the author; nobody is known before the admission.
    pub(super) fn admits(&self, author: &AuthorId, device: &DeviceId) -> bool {
        match self {
            Self::ControlOnly => true,
            Self::Sites { control, .. } => control.members.get(author).is_some_and(|member| member.device == *device),
        }
    }

    /// The author of a device.
    pub(super) fn author_of(&self, device: &DeviceId) -> Option<AuthorId> {
        match self {
            Self::ControlOnly => None,
            Self::Sites { control, .. } => {
                control.members.iter().find(|(_, member)| member.device == *device).map(|(author, _)| *author)
            }
        }
    }

    /// In which order scopes are sent.
    pub(super) fn rank(&self, scope: &Scope) -> u8 {
        match (scope, self) {
            (Scope::Control, _) => 0,
            (Scope::Lane(..), _) => 1,
            (Scope::Site(code), Self::Sites { here, there, .. }) if code == here || code == there => 1,
            (Scope::Customers(_), _) => 2,
            (Scope::Catalogue, _) => 3,
            (Scope::Site(_), _) => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crdt_model::control::event::{Site, SiteKind};
    use crdt_model::text::Text;

    #[test]
    fn a_peer_shares_what_both_hold() {
        let code = |code: &str| SiteCode::new(code).unwrap();
        let site = |text: &str, kind| {
            let zone = Text::new("Europe/London").unwrap();
            (code(text), Site { code: code(text), kind, zone, territory: code("MAIN") })
        };
        let sites =
            [site("HQ", SiteKind::HeadOffice), site("SH01", SiteKind::Store), site("WH01", SiteKind::Warehouse)];
        let mut control = Control::default();
        control.sites = sites.into();
        let control = Arc::new(control);
        let between =
            |here, there| Grants::Sites { control: Arc::clone(&control), here: code(here), there: code(there) };
        let shared = |grants: &Grants| {
            let all =
                ["control", "catalogue", "customers/MAIN", "site/SH01", "site/WH01", "lane/SH01~WH01", "lane/HQ~SH01"];
            all.into_iter().filter(|scope| grants.shares(&scope.parse().unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(shared(&Grants::ControlOnly), ["control"]);
        assert_eq!(shared(&between("SH01", "WH01")), ["control", "catalogue", "customers/MAIN", "lane/SH01~WH01"]);
        let of_store = ["control", "catalogue", "customers/MAIN", "site/SH01", "lane/SH01~WH01", "lane/HQ~SH01"];
        assert_eq!(shared(&between("SH01", "HQ")), of_store);
        assert_eq!(shared(&between("HQ", "SH01")), of_store);
        assert_eq!(shared(&between("SH01", "XX")), ["control"], "a site that control does not know");
    }
}
