//! Loans of rights between the tills of a site, and the keeper's refill.
//!
//! Invariant: a holder is named by its node's short name, its device letter or its author; only one node may fit. Proved
//! by `a_holder_is_named_by_letter_or_by_the_start_of_its_author`.

use crdt_model::control::state::Control;
use crdt_model::id::{AuthorId, LoanId};
use crdt_model::rows::{RowKind, row_key};
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::scope_state::{LoanEntry, loan_entry};
use crdt_model::text::Text;

use super::error::AppError;
use super::model::{LoanFilter, LoanRequest, LoanView, Page, PageRequest, QuantitySum, Request};
use super::read::{self, collect};
use super::stock::site_of;
use super::{App, page};
use crate::replica::{Command, Outcome, RefillCounts};
use crate::store::{Snapshot, Table};

/// Hexadecimal digits of an author that name it, at least.
const HOLDER_DIGITS_MIN: usize = 6;

impl App {
    /// Lends rights to another node of this site.
    pub async fn lend_stock(&self, request: Request, loan: LoanRequest) -> Result<LoanView, AppError> {
        let control = read::control(&self.snapshot()?)?;
        let holder = holder_of(&control, &self.facts().site, loan.holder.as_str())?;
        let command = Command::LendStock { sku: loan.sku, quantity: loan.quantity, holder };
        let outcome = self.write(&request, command).await;
        self.loan_of(outcome.map_err(|error| error.at_sku())?)
    }

    /// Gives rights of a loan back; all that is left where no quantity is given.
    pub async fn return_loan(
        &self,
        request: Request,
        id: &str,
        quantity: Option<crdt_model::quantity::Quantity>,
    ) -> Result<LoanView, AppError> {
        let loan = id.parse().map_err(|_| AppError::NotFound { what: "loan", id: id.to_owned() })?;
        let outcome = self.write(&request, Command::ReturnLoan { loan, quantity }).await?;
        self.loan_of(outcome)
    }

    /// Does the keeper's duties: books what others recorded, and lends again to holders that ran low. Nothing happens at
    /// a node that is not its site's keeper.
    pub async fn refill(&self) -> Result<RefillCounts, AppError> {
        match self.write(&Request { idempotency_key: None, body_hash: [0; 32] }, Command::Refill).await? {
            Outcome::Refilled(counts) => Ok(counts),
            _other => Err(AppError::Storage("the refill was answered with another outcome".to_owned())),
        }
    }

    /// Loans of every site that is held, oldest first.
    pub fn loans(&self, filter: LoanFilter, request: PageRequest) -> Result<Page<LoanView>, AppError> {
        let snapshot = self.snapshot()?;
        let mut found = Vec::new();
        for scope in read::site_scopes(&snapshot)? {
            let entries = loans_of(&snapshot, &scope, None)?.into_iter();
            let wanted = entries.filter(|entry| filter.wants(entry));
            found.extend(wanted.filter_map(|entry| loan_view(&scope, entry)));
        }
        Ok(page::cut(found, &request, |loan| loan.id.to_string()))
    }

    fn loan_of(&self, outcome: Outcome) -> Result<LoanView, AppError> {
        let Outcome::Loan { scope, loan } = outcome else {
            return Err(AppError::Storage("the loan was answered with another outcome".to_owned()));
        };
        let entries = loans_of(&self.snapshot()?, &scope, Some(&loan))?;
        let view = entries.into_iter().find_map(|entry| loan_view(&scope, entry));
        view.ok_or_else(|| AppError::NotFound { what: "loan", id: loan.to_string() })
    }
}

impl LoanFilter {
    fn wants(&self, entry: &LoanEntry) -> bool {
        let item = self.sku.as_ref().is_none_or(|sku| *sku == entry.row.sku);
        item && (self.closed || entry.row.balance() != 0 || entry.row.secured != 0)
    }
}

fn loans_of(snapshot: &Snapshot, scope: &Scope, name: Option<&LoanId>) -> Result<Vec<LoanEntry>, AppError> {
    let start = row_key(scope, RowKind::Loan, &[]).into_bytes().len();
    let prefix = row_key(scope, RowKind::Loan, name.map_or(&[][..], |name| &name.0));
    collect(snapshot, Table::Rows, prefix.as_bytes(), |key, value| loan_entry(&key[start..], value).map(Some))
}

/// A loan as it is shown; `None` while only draws on it are known.
fn loan_view(scope: &Scope, LoanEntry { loan, row, .. }: LoanEntry) -> Option<LoanView> {
    let given = row.counting()?;
    Some(LoanView {
        id: loan,
        site: site_of(scope)?,
        holder: given.holder,
        epoch: given.epoch,
        origin: given.origin,
        quantity: QuantitySum(row.quantity()),
        returned: QuantitySum(row.returned),
        secured: QuantitySum(row.secured),
        spent: QuantitySum(row.spent),
        balance: QuantitySum(row.balance()),
        sku: row.sku,
    })
}

/// The one node of a site that a text names: its device letter, or the start of its author's digits.
fn holder_of(control: &Control, site: &SiteCode, name: &str) -> Result<AuthorId, AppError> {
    let named = |author: &AuthorId, letter: &Text| {
        let digits = name.to_ascii_lowercase();
        letter.as_str() == name || digits.len() >= HOLDER_DIGITS_MIN && author.to_string().starts_with(&digits)
    };
    let members = control.members.values().filter(|member| member.site == *site);
    let fitting: Vec<AuthorId> =
        members.filter(|member| named(&member.author, &member.device_letter)).map(|member| member.author).collect();
    match fitting[..] {
        [author] => Ok(author),
        [] | [_, _, ..] => Err(AppError::field(
            "/holder",
            format!("{} nodes of {site} are named `{name}`", fitting.len()),
            "Give the node's short name or the letter in its order numbers.",
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crdt_model::control::event::Member;
    use crdt_model::id::DeviceId;

    #[test]
    fn a_holder_is_named_by_letter_or_by_the_start_of_its_author() {
        let (site, other) = (SiteCode::new("SH01").unwrap(), SiteCode::new("WH01").unwrap());
        let mut control = Control::default();
        for (number, letter, site) in [(0xa1, "A", &site), (0xa2, "B", &site), (0xa3, "B", &other)] {
            let (author, device_letter) = (AuthorId([number; 32]), Text::new(letter).unwrap());
            let member = Member { author, device: DeviceId([number; 32]), site: site.clone(), device_letter };
            control.members.insert(author, member);
        }
        for (name, author) in [("B", Some(0xa2)), ("A2A2A2", Some(0xa2)), ("a1a1a1a1a1", Some(0xa1))] {
            assert_eq!(holder_of(&control, &site, name).ok(), author.map(|number| AuthorId([number; 32])), "{name}");
        }
        for name in ["C", "", "a2a2a", "a3a3a3", "b"] {
            assert!(holder_of(&control, &site, name).is_err(), "{name}");
        }
    }
}
