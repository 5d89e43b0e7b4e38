//! Who may write what: one table of event kind × scope × role (architecture section 5).
//!
//! Head office writes intents everywhere, physical facts only at its own site; a site's nodes write in their own scope
//! and for the customers of their territory; the registrar alone admits and names keepers; rights are made, taken and
//! promised by the keeper of the event's epoch alone. An event kind has no row for a scope that never holds it.
//!
//! Invariants: whatever the table does not allow is denied, with a stable reason code. Proved by
//! `the_table_allows_exactly_what_it_lists`. Nobody draws on a loan or gives it back but its holder. Proved by
//! `only_the_holder_draws_on_a_loan_that_it_has_seen` and, over deliveries, by
//! `a_draw_on_the_loan_of_another_is_set_aside_in_every_order_of_delivery` in `node`.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::control::event::SiteKind;
use crate::control::grants;
use crate::control::state::Control;
use crate::event::{DocumentKind, Event, EventKind};
use crate::id::{AuthorId, LoanId};
use crate::order::event::RightsBooking;
use crate::quantity::Quantity;
use crate::scope::{Scope, SiteCode};

/// A kind of scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `control`.
    Control,
    /// `catalogue`.
    Catalogue,
    /// `customers/<territory>`.
    Customers,
    /// `site/<code>`.
    Site,
    /// `lane/<a>~<b>`.
    Lane,
}

impl Place {
    /// What a scope is.
    pub fn of(scope: &Scope) -> Self {
        match scope {
            Scope::Control => Self::Control,
            Scope::Catalogue => Self::Catalogue,
            Scope::Customers(_) => Self::Customers,
            Scope::Site(_) => Self::Site,
            Scope::Lane(..) => Self::Lane,
        }
    }
}

/// Who may write an event of a kind in a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The registrar.
    Registrar,
    /// Members of head-office sites, and the registrar.
    HeadOffice,
    /// Members of the scope's own sites.
    Own,
    /// Members of the scope's own sites or of its territory, and head office.
    OwnOrHeadOffice,
}

/// Why an author may not write something.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Denied {
    /// The author is not a member.
    #[error("the author is not a member")]
    NotAMember,
    /// The author's site does not hold the scope.
    #[error("the author's site does not hold the scope")]
    ScopeNotHeld,
    /// The scope never holds such an event.
    #[error("{kind:?} does not belong into this scope")]
    NotInScope {
        /// The kind of event.
        kind: EventKind,
    },
    /// Another role writes it.
    #[error("{kind:?} is written by {role:?} alone")]
    OtherRole {
        /// The kind of event.
        kind: EventKind,
        /// Who may.
        role: Role,
    },
    /// Another role edits these documents.
    #[error("the author does not edit documents of this scope")]
    FieldsOfOthers,
    /// The event speaks of a site that is not its author's, or not of the lane.
    #[error("{kind:?} speaks of {site}")]
    OtherSite {
        /// The kind of event.
        kind: EventKind,
        /// The site that it names.
        site: SiteCode,
    },
    /// Only the keeper of the epoch makes, takes or promises rights.
    #[error("the author does not keep the rights of epoch {epoch}")]
    NotKeeper {
        /// The epoch that the event names.
        epoch: u32,
    },
    /// Only the holder of a loan draws on it or gives it back, once it has seen it.
    #[error("the author has seen no loan {loan} of its own")]
    NotHolder {
        /// The loan that the event names.
        loan: LoanId,
    },
}

impl Denied {
    /// Its stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAMember => "not_a_member",
            Self::ScopeNotHeld => "scope_not_held",
            Self::NotInScope { .. } => "kind_not_in_scope",
            Self::OtherRole { .. } | Self::FieldsOfOthers => "not_allowed",
            Self::NotKeeper { .. } => "not_keeper",
            Self::OtherSite { .. } => "other_site",
            Self::NotHolder { .. } => "not_holder",
        }
    }
}

/// The table: where events of a kind may stand, and who writes them there.
pub fn rules(kind: EventKind) -> &'static [(Place, Role)] {
    match kind {
        // The genesis is judged by itself: no later one is valid.
        EventKind::Genesis => &[],
        EventKind::Member | EventKind::Site | EventKind::Keeper => &[(Place::Control, Role::Registrar)],
        EventKind::Channel => &[(Place::Control, Role::HeadOffice)],
        EventKind::ProductPosted => &[(Place::Catalogue, Role::HeadOffice), (Place::Site, Role::Own)],
        EventKind::BarcodeAdded => &[(Place::Catalogue, Role::HeadOffice), (Place::Site, Role::OwnOrHeadOffice)],
        EventKind::ProductAdopted => &[(Place::Site, Role::HeadOffice)],
        EventKind::CustomerPosted => &[(Place::Customers, Role::OwnOrHeadOffice)],
        EventKind::Line
        | EventKind::Placed
        | EventKind::CreditPlaced
        | EventKind::AdjustmentPlaced
        | EventKind::Confirmed
        | EventKind::Cancelled
        | EventKind::Reserved
        | EventKind::Released
        | EventKind::Paid
        | EventKind::Contact
        | EventKind::Sent => &[(Place::Site, Role::OwnOrHeadOffice)],
        EventKind::Shipped
        | EventKind::Opening
        | EventKind::Receipt
        | EventKind::Adjustment
        | EventKind::Mint
        | EventKind::Burn
        | EventKind::Drawn
        | EventKind::Loan
        | EventKind::LoanReturned
        | EventKind::Debited
        | EventKind::Credited => &[(Place::Site, Role::Own)],
        EventKind::FulfilmentLine
        | EventKind::FulfilmentPosted
        | EventKind::FulfilmentContact
        | EventKind::FulfilmentCancelled => &[(Place::Lane, Role::OwnOrHeadOffice)],
        EventKind::FulfilmentReserved | EventKind::FulfilmentReleased | EventKind::FulfilmentShipped => {
            &[(Place::Lane, Role::Own)]
        }
    }
}

/// Who edits the fields of documents in a scope, and of what kind they are; nobody where documents have no fields.
pub fn field_rule(scope: &Scope) -> Option<(DocumentKind, Role)> {
    match Place::of(scope) {
        Place::Catalogue => Some((DocumentKind::Product, Role::HeadOffice)),
        Place::Site => Some((DocumentKind::Product, Role::OwnOrHeadOffice)),
        Place::Customers => Some((DocumentKind::Customer, Role::OwnOrHeadOffice)),
        Place::Control | Place::Lane => None,
    }
}

/// Whether an author may write commits in a scope at all.
///
/// # Errors
/// If it is no member, or its site does not hold the scope.
pub fn may_enter(control: &Control, author: &AuthorId, scope: &Scope) -> Result<(), Denied> {
    let member = control.members.get(author).ok_or(Denied::NotAMember)?;
    if grants::holds(control, &member.site, scope) { Ok(()) } else { Err(Denied::ScopeNotHeld) }
}

/// Whether an author may write an empty commit in a scope: one that only says what it has seen.
///
/// # Errors
/// As [`may_enter`]; in `control` and `catalogue` head office alone writes.
pub fn may_see(control: &Control, author: &AuthorId, scope: &Scope) -> Result<(), Denied> {
    may_enter(control, author, scope)?;
    match Place::of(scope) {
        Place::Control | Place::Catalogue if !has_role(control, author, scope, Role::HeadOffice) => {
            Err(Denied::ScopeNotHeld)
        }
        Place::Control | Place::Catalogue | Place::Customers | Place::Site | Place::Lane => Ok(()),
    }
}

/// Whether an author may edit the fields of documents in a scope.
///
/// # Errors
/// As [`may_enter`], or if another role edits them.
pub fn may_edit(control: &Control, author: &AuthorId, scope: &Scope) -> Result<(), Denied> {
    may_enter(control, author, scope)?;
    match field_rule(scope) {
        Some((_, role)) if has_role(control, author, scope, role) => Ok(()),
        Some(_) | None => Err(Denied::FieldsOfOthers),
    }
}

/// Whether an author may write an event in a scope, under the state of `control` that its commit cites.
///
/// # Errors
/// The rule that stands against it.
pub fn may(control: &Control, author: &AuthorId, scope: &Scope, event: &Event) -> Result<(), Denied> {
    let kind = event.kind();
    may_enter(control, author, scope)?;
    let place = Place::of(scope);
    let rule = rules(kind).iter().find(|(at, _)| *at == place);
    let role = rule.map(|(_, role)| *role).ok_or(Denied::NotInScope { kind })?;
    if !has_role(control, author, scope, role) {
        return Err(Denied::OtherRole { kind, role });
    }
    check_sites(control, author, scope, event)?;
    match epoch_of_rights(event) {
        Some(epoch) if !keeps(control, author, scope, epoch) => Err(Denied::NotKeeper { epoch }),
        Some(_) | None => Ok(()),
    }
}

/// In a lane a site speaks for itself: its goods, its promises, its orders. Head office sends the orders of others too.
fn check_sites(control: &Control, author: &AuthorId, scope: &Scope, event: &Event) -> Result<(), Denied> {
    let own = control.members.get(author).map(|member| &member.site);
    let other = match event {
        Event::FulfilmentReserved(promise) | Event::FulfilmentReleased(promise) => {
            Some(&promise.site).filter(|site| own != Some(site))
        }
        Event::FulfilmentShipped(shipped) => Some(&shipped.site).filter(|site| own != Some(site)),
        Event::FulfilmentPosted(posted) => {
            let lane = Scope::lane(posted.taker.clone(), posted.shipper.clone());
            let sends = own == Some(&posted.taker) || has_role(control, author, scope, Role::HeadOffice);
            Some(&posted.taker).filter(|_| lane.as_ref() != Ok(scope) || !sends)
        }
        _events_of_one_site => None,
    };
    other.map_or(Ok(()), |site| Err(Denied::OtherSite { kind: event.kind(), site: site.clone() }))
}

/// The loans on which an event draws, or which it gives back.
pub fn loans_of(event: &Event) -> Vec<LoanId> {
    match event {
        Event::Drawn(drawn) => drawn.draws.iter().map(|draw| draw.loan).collect(),
        Event::LoanReturned(returned) => vec![returned.loan],
        _events_without_a_loan_of_others => Vec::new(),
    }
}

/// Whether an author may draw on the loans that an event names; `holders` are those of the loans of each name that the
/// author had seen.
///
/// # Errors
/// The first loan that the author does not hold.
pub fn may_draw(
    author: &AuthorId,
    event: &Event,
    holders: &BTreeMap<LoanId, BTreeSet<AuthorId>>,
) -> Result<(), Denied> {
    let held = |loan: &LoanId| holders.get(loan).is_some_and(|holders| holders.contains(author));
    match loans_of(event).into_iter().find(|loan| !held(loan)) {
        Some(loan) => Err(Denied::NotHolder { loan }),
        None => Ok(()),
    }
}

/// Whether an author has a role in a scope.
pub fn has_role(control: &Control, author: &AuthorId, scope: &Scope, role: Role) -> bool {
    let Some(member) = control.members.get(author) else { return false };
    let registrar = control.genesis.as_ref().is_some_and(|genesis| genesis.registrar == *author);
    let site = control.sites.get(&member.site);
    let head_office = site.is_some_and(|site| site.kind == SiteKind::HeadOffice);
    let own = || match scope {
        Scope::Site(code) => member.site == *code,
        Scope::Lane(low, high) => member.site == *low || member.site == *high,
        Scope::Customers(territory) => site.is_some_and(|site| site.territory == *territory),
        Scope::Control | Scope::Catalogue => false,
    };
    match role {
        Role::Registrar => registrar,
        Role::HeadOffice => head_office || registrar,
        Role::Own => own(),
        Role::OwnOrHeadOffice => own() || head_office,
    }
}

/// The epoch whose rights an event makes, takes or promises.
fn epoch_of_rights(event: &Event) -> Option<u32> {
    match event {
        Event::Mint(booking) | Event::Burn(booking) => Some(booking.epoch),
        Event::Loan(loan) => Some(loan.epoch),
        Event::Debited(rights) | Event::Credited(rights) => Some(rights.epoch),
        Event::FulfilmentReserved(promise) | Event::FulfilmentReleased(promise) => {
            let secured = promise.lines.iter().any(|line| line.secured != Quantity::ZERO);
            secured.then_some(promise.epoch)
        }
        Event::Reserved(promise) => {
            let secured = promise.lines.iter().any(|line| line.secured != Quantity::ZERO);
            secured.then_some(promise.epoch)
        }
        Event::Shipped(shipped) => (shipped.booking == RightsBooking::Here).then_some(shipped.epoch),
        _events_without_rights => None,
    }
}

fn keeps(control: &Control, author: &AuthorId, scope: &Scope, epoch: u32) -> bool {
    let site: Option<&SiteCode> = match scope {
        Scope::Site(code) => Some(code),
        Scope::Lane(..) => control.members.get(author).map(|member| &member.site),
        Scope::Control | Scope::Catalogue | Scope::Customers(_) => None,
    };
    site.is_some_and(|site| control.keeper(site, epoch) == Some(*author))
}

#[cfg(test)]
mod tests {
    mod table;
}
