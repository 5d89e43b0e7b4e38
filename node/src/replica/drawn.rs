//! Whether the author of a foreign commit holds the loans on which it draws, or which it gives back.
//!
//! Rows say who holds a loan, the clock of the commit says whether its author had seen that loan: a loan outside its causal
//! past is none, also where it is held here. So the verdict is the same at every node. Where a document of the scope is
//! parked a loan that is not found may be in it: then the draw is let pass, and what it takes too much is a case.
//!
//! Invariant: whatever the order of delivery a draw has one verdict. Proved by
//! `a_draw_on_the_loan_of_another_is_set_aside_in_every_order_of_delivery`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crdt_model::control::capability::{loans_of, may_draw};
use crdt_model::document::held::Origin;
use crdt_model::event::Event;
use crdt_model::id::{AuthorId, DocumentId, EventId, LoanId};
use crdt_model::intake::{ReadChange, read_changes};
use crdt_model::rows::RowKey;
use crdt_model::scope::Scope;
use crdt_model::scope_state::loans;

use super::batch::Batch;
use super::documents::references;
use super::history::read_commit;
use super::judge::Fault;
use super::taking::Demand;
use super::{Replica, ReplicaError};
use crate::store::Table;

/// Loans whose commits are remembered; past it the memory starts anew.
const LOANS_MAX: usize = 16_384;

impl Replica {
    /// Checks every draw and return of a commit's changes.
    pub(super) fn check_draws(
        &mut self,
        batch: &Batch<'_, '_>,
        demand: &Demand<'_>,
        changes: &[ReadChange<'_>],
    ) -> Result<Result<(), Fault>, ReplicaError> {
        let author = demand.origin.author;
        let events = || changes.iter().flat_map(|change| &change.events).map(|(_, event)| event);
        let mut holders: BTreeMap<LoanId, BTreeSet<AuthorId>> = BTreeMap::new();
        for loan in events().flat_map(loans_of) {
            if let Entry::Vacant(vacant) = holders.entry(loan) {
                vacant.insert(self.holders_seen(batch, demand, &loan)?);
            }
        }
        if holders.is_empty() {
            return Ok(Ok(()));
        }
        let verdict = events().try_for_each(|event| may_draw(&author, event, &holders));
        let unsure = || self.memory.as_ref().is_some_and(|m| m.parked.iter().any(|(scope, _)| scope == demand.scope));
        Ok(verdict.or_else(|denied| if unsure() { Ok(()) } else { Err(denied.into()) }))
    }

    /// The holders of the loans of a name that the commit's author had seen.
    fn holders_seen(
        &mut self,
        batch: &Batch<'_, '_>,
        demand: &Demand<'_>,
        loan: &LoanId,
    ) -> Result<BTreeSet<AuthorId>, ReplicaError> {
        let mut holders = BTreeSet::new();
        for given in loans(batch, demand.scope, Some(loan))?.into_iter().flat_map(|entry| entry.row.given) {
            let made = self.loan_origin(batch, demand.scope, given.journal.event(given.key))?;
            if made.is_some_and(|made| demand.saw(&made)) {
                holders.insert(given.holder);
            }
        }
        Ok(holders)
    }

    /// The commit that made a loan.
    fn loan_origin(
        &mut self,
        batch: &Batch<'_, '_>,
        scope: &Scope,
        loan: EventId,
    ) -> Result<Option<Origin>, ReplicaError> {
        if !self.memory().loans.contains_key(&loan) {
            let found = loans_of_journal(batch, scope, loan.document)?;
            let known = &mut self.memory().loans;
            if known.len() + found.len() > LOANS_MAX {
                known.clear();
            }
            known.extend(found);
        }
        Ok(self.memory().loans.get(&loan).copied())
    }
}

/// Every loan of a journal with the commit that made it.
fn loans_of_journal(
    batch: &Batch<'_, '_>,
    scope: &Scope,
    journal: DocumentId,
) -> Result<Vec<(EventId, Origin)>, ReplicaError> {
    let row = batch.read(Table::Documents, RowKey::of(scope).document(&journal).as_bytes())?.unwrap_or_default();
    let mut found = Vec::new();
    for (hash, position) in references(&row)? {
        let signed = read_commit(batch, &hash)?;
        let commit = signed.commit();
        let origin = Origin { author: commit.author, seq: commit.seq };
        let changes = read_changes(commit).unwrap_or_default();
        let events = changes.get(position).into_iter().flat_map(|change| &change.events);
        let lent = events.filter(|(_, event)| matches!(event, Event::Loan(_)));
        found.extend(lent.map(|(key, _)| (journal.event(*key), origin)));
    }
    Ok(found)
}
