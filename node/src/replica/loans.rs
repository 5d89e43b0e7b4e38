//! Loans within a site: the keeper lends rights to other tills, a till promises out of its loans and gives them back.
//!
//! Also the keeper's other duty: to book, once each, what others recorded. Both are done by `Refill`, which the link
//! calls while tills are connected, and with them what `fulfilments` need of the keeper.
//!
//! Invariants: only the keeper of the current epoch lends, and at most its free rights; only the holder draws and gives
//! back, and at most the balance. Proved by `two_tills_promise_what_they_hold_and_no_more` and
//! `secured_promises_never_pass_the_rights_at_any_till`.

use std::collections::BTreeMap;

use thiserror::Error;

use crdt_model::event::Event;
use crdt_model::id::{AuthorId, DocumentId, EventId, EventKey, LoanId, TransactionId};
use crdt_model::journal::event::Booking;
use crdt_model::journal::loan::{Loan, LoanOrigin, LoanReturned};
use crdt_model::order::decide::RuleError;
use crdt_model::order::event::RightsBooking;
use crdt_model::order::line::LineState;
use crdt_model::order::promise::{Means, promise};
use crdt_model::quantity::{QUANTITY_THOUSANDTHS_MAX, Quantity};
use crdt_model::scope::SiteCode;
use crdt_model::scope_state::{LoanEntry, Unbooked, loans, open_loans, read_stock, unbooked};
use crdt_model::stock::refill::{LoanStand, refill};
use crdt_model::text::Text;

use super::batch::Batch;
use super::command::{CommandError, Input, Outcome, RefillCounts};
use super::orders::draft_request;
use super::{Keeping, Replica, ReplicaError, Stop};

/// Facts that one refill books; the next one goes on.
const BOOKINGS_OF_REFILL_MAX: usize = 1_000;

/// Why nothing was lent or given back.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LoanError {
    /// This node does not keep its site's rights.
    #[error("this node does not keep the stock rights of {site}")]
    NotKeeper {
        /// The site.
        site: SiteCode,
    },
    /// Not another node of this site.
    #[error("{holder} is not another node of {site}")]
    NotOfSite {
        /// Who was named.
        holder: AuthorId,
        /// The site.
        site: SiteCode,
    },
    /// More than the keeper may lend.
    #[error("of `{sku}` {free} may be lent, asked for {asked}")]
    NotEnoughRights {
        /// The item.
        sku: Text,
        /// Asked for.
        asked: Quantity,
        /// Free rights.
        free: Quantity,
    },
    /// No such loan here.
    #[error("no loan {loan}")]
    UnknownLoan {
        /// Its name.
        loan: LoanId,
    },
    /// Somebody else holds it.
    #[error("loan {loan} is held by {holder}")]
    NotHolder {
        /// Its name.
        loan: LoanId,
        /// Who holds it.
        holder: AuthorId,
    },
    /// More than is left of it.
    #[error("of loan {loan} {balance} is left")]
    MoreThanBalance {
        /// Its name.
        loan: LoanId,
        /// What is left.
        balance: Quantity,
    },
}

impl Replica {
    pub(super) fn lend_stock(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        sku: &Text,
        quantity: Quantity,
        holder: AuthorId,
    ) -> Result<Outcome, Stop> {
        let item = DocumentId::of_sku(sku.as_str());
        if !self.product_exists(batch, item)? {
            return Err(CommandError::UnknownSku { line: 0, sku: sku.clone() }.into());
        }
        let epoch = self.lending_epoch(holder)?;
        if !quantity.is_positive() {
            return Err(CommandError::Rule(RuleError::QuantityNotPositive { line: 0 }).into());
        }
        let free = read_stock(batch, &self.site_scope(), &item).map_err(ReplicaError::from)?.free_rights(epoch);
        if free < i128::from(quantity.thousandths()) {
            let free = narrow(free.max(0));
            return Err(
                CommandError::from(LoanError::NotEnoughRights { sku: sku.clone(), asked: quantity, free }).into()
            );
        }
        let loan = self.new_loan(input, epoch, holder, (sku.clone(), quantity), LoanOrigin::ByHand);
        let name = loan.loan;
        self.write_to_journals(batch, input, TransactionId::ZERO, vec![Event::Loan(loan)])?;
        Ok(Outcome::Loan { scope: self.site_scope(), loan: name })
    }

    pub(super) fn return_loan(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        loan: LoanId,
        quantity: Option<Quantity>,
    ) -> Result<Outcome, Stop> {
        let scope = self.site_scope();
        let found = loans(batch, &scope, Some(&loan)).map_err(ReplicaError::from)?;
        let given = found.iter().find_map(|entry| entry.row.counting().map(|given| (entry, given.holder)));
        let Some((entry, holder)) = given else {
            return Err(CommandError::from(LoanError::UnknownLoan { loan }).into());
        };
        if holder != self.identity.author_id() {
            return Err(CommandError::from(LoanError::NotHolder { loan, holder }).into());
        }
        let balance = narrow(entry.row.balance());
        let quantity = quantity.unwrap_or(balance);
        if !quantity.is_positive() || quantity > balance {
            return Err(CommandError::from(LoanError::MoreThanBalance { loan, balance }).into());
        }
        let returned = LoanReturned { time: input.now, loan, sku: entry.row.sku.clone(), quantity };
        self.write_to_journals(batch, input, TransactionId::ZERO, vec![Event::LoanReturned(returned)])?;
        Ok(Outcome::Loan { scope, loan })
    }

    /// The keeper's duties; nothing for anybody else.
    pub(super) fn refill(&mut self, batch: &mut Batch<'_, '_>, input: &Input) -> Result<Outcome, Stop> {
        let (epoch, keeping) = self.keeping();
        if keeping == Keeping::Others {
            return Ok(Outcome::Refilled(RefillCounts::default()));
        }
        let bookings = self.bookings_due(batch, epoch)?;
        let booked = bookings.len() as u64;
        self.write_to_journals(batch, input, TransactionId::ZERO, bookings)?;
        let fulfilments = self.cover_fulfilments(batch, input)?;
        let lent = self.loans_due(batch, input, epoch)?;
        let loans = lent.len() as u64;
        self.write_to_journals(batch, input, TransactionId::ZERO, lent)?;
        Ok(Outcome::Refilled(RefillCounts { booked, loans, fulfilments }))
    }

    /// The epoch from which this author may lend to `holder`.
    fn lending_epoch(&self, holder: AuthorId) -> Result<u32, CommandError> {
        let site = self.identity.site.clone();
        let (epoch, keeping) = self.keeping();
        let member = self.control().members.get(&holder).filter(|member| member.site == site);
        match (keeping, member) {
            (Keeping::Others, _) => Err(LoanError::NotKeeper { site }.into()),
            (Keeping::Mine, Some(_)) if holder != self.identity.author_id() => Ok(epoch),
            (Keeping::Mine, _) => Err(LoanError::NotOfSite { holder, site }.into()),
        }
    }

    fn new_loan(
        &mut self,
        input: &Input,
        epoch: u32,
        holder: AuthorId,
        (sku, quantity): (Text, Quantity),
        origin: LoanOrigin,
    ) -> Loan {
        let loan = LoanId(DocumentId::random(input.now.at, self.random.bytes()).0);
        Loan { time: input.now, epoch, loan, holder, sku, quantity, origin }
    }

    /// Writes events into as many journals as they need, one commit each.
    pub(super) fn write_to_journals(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        transaction: TransactionId,
        mut events: Vec<Event>,
    ) -> Result<(), ReplicaError> {
        while !events.is_empty() {
            let journal = self.journal(input);
            let room = self.journal_room().min(events.len());
            let rest = events.split_off(room);
            let mut draft = self.draft(self.site_scope(), draft_request(input), transaction);
            let keyed = self.with_keys(&mut draft, events);
            self.write_journal(batch, input, draft, journal, keyed)?;
            events = rest;
        }
        Ok(())
    }

    fn bookings_due(&mut self, batch: &Batch<'_, '_>, epoch: u32) -> Result<Vec<Event>, ReplicaError> {
        let mut bookings = Vec::new();
        for due in unbooked(batch, &self.site_scope(), BOOKINGS_OF_REFILL_MAX)? {
            let of_order = due.fact.key == EventKey::ZERO;
            let fact = match of_order {
                true => self.cited_shipment(batch, due.fact.document)?,
                false => Some(due.fact).filter(|_| due.epoch == epoch),
            };
            bookings.extend(fact.map(|fact| booking_of(&due, fact, epoch)));
        }
        Ok(bookings)
    }

    /// The last shipment of an order that leaves its booking to the keeper.
    fn cited_shipment(&mut self, batch: &Batch<'_, '_>, order: DocumentId) -> Result<Option<EventId>, ReplicaError> {
        let content = self.content_of_document(batch, &self.site_scope(), order)?;
        let later = content.events.iter().rev().find(|(_, event)| match event {
            Event::Shipped(shipped) => shipped.booking == RightsBooking::Later,
            _other => false,
        });
        Ok(later.map(|(key, _)| order.event(*key)))
    }

    fn loans_due(&mut self, batch: &Batch<'_, '_>, input: &Input, epoch: u32) -> Result<Vec<Event>, ReplicaError> {
        let mut free: BTreeMap<DocumentId, i128> = BTreeMap::new();
        let mut due = Vec::new();
        for ((holder, item), (sku, stands)) in stands_of(loans(batch, &self.site_scope(), None)?) {
            if self.lending_epoch(holder).is_err() {
                continue;
            }
            if let std::collections::btree_map::Entry::Vacant(vacant) = free.entry(item) {
                vacant.insert(read_stock(batch, &self.site_scope(), &item)?.free_rights(epoch));
            }
            let free = free.entry(item).or_default();
            let lent = refill(&stands, *free);
            if lent > 0 {
                *free -= lent;
                let loan = self.new_loan(input, epoch, holder, (sku, narrow(lent)), LoanOrigin::Refill);
                due.push(Event::Loan(loan));
            }
        }
        Ok(due)
    }

    /// What this author may promise of an item; loans are looked up only where its own rights do not reach.
    fn means(&self, batch: &Batch<'_, '_>, item: &DocumentId, wanted: i128) -> Result<Means, ReplicaError> {
        let scope = self.site_scope();
        let own = match self.keeping() {
            (epoch, Keeping::Mine) => read_stock(batch, &scope, item)?.free_rights(epoch),
            (_, Keeping::Others) => 0,
        };
        let loans = match own < wanted {
            true => open_loans(batch, &scope, item, &self.identity.author_id())?,
            false => Vec::new(),
        };
        Ok(Means { own, loans })
    }

    /// Promises of lines, as far as this author's rights reach, and without rights beyond.
    pub(super) fn promises(
        &self,
        batch: &Batch<'_, '_>,
        input: &Input,
        lines: &[LineState],
    ) -> Result<Vec<Event>, ReplicaError> {
        let (epoch, _) = self.keeping();
        let mut failure = None;
        let events = promise(lines, input.now, epoch, |item, wanted| {
            self.means(batch, item, wanted).unwrap_or_else(|error| {
                failure = Some(error);
                Means::default()
            })
        });
        failure.map_or(Ok(events), Err)
    }

    /// What goods that leave now take out of this author's loans; a keeper burns its own rights instead.
    pub(super) fn draws(
        &self,
        batch: &Batch<'_, '_>,
        input: &Input,
        lines: &[LineState],
    ) -> Result<Vec<Event>, ReplicaError> {
        match self.keeping().1 {
            Keeping::Mine => Ok(Vec::new()),
            Keeping::Others => {
                let mut events = self.promises(batch, input, lines)?;
                events.retain(|event| matches!(event, Event::Drawn(_)));
                Ok(events)
            }
        }
    }
}

fn booking_of(due: &Unbooked, fact: EventId, epoch: u32) -> Event {
    let booking = Booking { epoch, fact, sku: due.sku.clone(), quantity: narrow(due.rights.abs()) };
    if due.rights > 0 { Event::Mint(booking) } else { Event::Burn(booking) }
}

/// Loans by holder and item.
type Stands = BTreeMap<(AuthorId, DocumentId), (Text, Vec<LoanStand>)>;

fn stands_of(entries: Vec<LoanEntry>) -> Stands {
    let mut stands = Stands::new();
    for LoanEntry { loan, item, row } in entries {
        let Some(given) = row.counting() else { continue };
        let stand = LoanStand {
            loan,
            origin: given.origin,
            quantity: row.quantity(),
            returned: row.returned,
            balance: row.balance(),
        };
        stands.entry((given.holder, item)).or_insert_with(|| (row.sku.clone(), Vec::new())).1.push(stand);
    }
    stands
}

fn narrow(thousandths: i128) -> Quantity {
    let bound = i128::from(QUANTITY_THOUSANDTHS_MAX);
    let within = thousandths.clamp(-bound, bound) as i64;
    Quantity::from_thousandths(within).expect("invariant: clamped to the bound")
}
