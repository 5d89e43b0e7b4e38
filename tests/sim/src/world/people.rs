//! What people do: the steps of the plan become commands with what the node shows them at that moment.
//!
//! Invariant: a step that finds nothing to do does nothing, so that leaving out an earlier one breaks no later one.
//! Proved by shrinking, which leaves out any.

use crdt_model::commit::{Commit, DocumentChange, SignedCommit};
use crdt_model::document::{Document, Put};
use crdt_model::document_row::DocumentRow;
use crdt_model::event::Event as Fact;
use crdt_model::fulfilment::state::FulfilmentLineState;
use crdt_model::id::{
    AuthorId, CommitHash, DocumentId, EventId, EventKey, RequestId, SessionId, TransactionId, UserId, actor_of,
};
use crdt_model::journal::event::Booking;
use crdt_model::order::event::{Handover, LineQuantity};
use crdt_model::quantity::Quantity;
use crdt_model::rows::RowKind;
use crdt_model::scope::Scope;
use crdt_model::time::Hlc;
use ed25519_dalek::SigningKey;
use node::replica::{Arrival, Command, Sending, StockKind};

use super::World;
use super::begin::{code, sku, text};
use super::goods::{draft, file, units};
use crate::check::Violation;
use crate::machine::{Job, Tag, document, rows_in};
use crate::node::START_MS;
use crate::plan::{Act, ITEMS};

/// Files that the channel ever sends: a number is met again and again.
const FILES: u64 = 40;

/// A device that is a member and writes what it may not.
#[derive(Debug, Default)]
pub struct Rogue {
    seq: u64,
    last: Option<CommitHash>,
}

/// Its key.
pub fn rogue_key() -> SigningKey {
    SigningKey::from_bytes(&[77; 32])
}

impl World {
    /// A step of the plan.
    pub(super) fn step_of_plan(&mut self, at: usize) -> Result<(), Violation> {
        let step = self.plan.steps[at].clone();
        let (node, pick) = (step.node, step.pick);
        if step.at % crate::plan::DAY_MS < 9 * 3_600_000 && pick % 5 == 0 {
            self.keep_older(node);
        }
        match step.act {
            Act::Order => self.take_order(node, Handover::Later, pick),
            Act::WalkIn => self.take_order(node, Handover::AtOnce, pick),
            Act::Confirm => {
                if let Some((scope, id)) = self.order_at(node, pick) {
                    self.call(node, Command::ConfirmOrder { scope, id });
                }
            }
            Act::Ship => self.ship(node, pick),
            Act::Cancel => self.cancel(node, pick),
            Act::Receipt => self.move_stock(node, StockKind::Receipt, units(1 + pick % 40), pick),
            Act::Adjustment => {
                let (more, less) = (units(1 + pick % 3), Quantity::from_thousandths(-1_000 * (1 + (pick % 3) as i64)));
                let quantity = if pick % 3 == 0 { more } else { less.unwrap_or(more) };
                self.move_stock(node, StockKind::Adjustment, quantity, pick);
            }
            Act::Lend => self.lend(pick),
            Act::Return => self.give_back(pick),
            Act::Send => self.send_away(node, pick),
            Act::ShipFulfilment => self.work_fulfilment(true, pick),
            Act::CancelFulfilment => self.work_fulfilment(false, pick),
            Act::Import => self.import(1 + (node % 2), pick),
            Act::Overreach => self.overreach(pick),
            fault => return self.fault(node, fault, pick),
        }
        Ok(())
    }

    /// A copy of the file that somebody may put back later.
    fn keep_older(&mut self, node: usize) {
        let queue_is_empty = self.nodes[node].queue.is_empty();
        if self.nodes[node].is_up() && queue_is_empty {
            self.nodes[node].older = self.nodes[node].disk.surely();
        }
    }

    fn take_order(&mut self, node: usize, handover: Handover, pick: u64) {
        if node > 0 {
            self.call(node, draft(handover, pick, ITEMS as u64));
        }
    }

    /// An order of the node's own site that it shows.
    fn order_at(&self, node: usize, pick: u64) -> Option<(Scope, DocumentId)> {
        let scope = Scope::Site(self.nodes[node].site.clone());
        self.some_order(&scope, pick).map(|id| (scope, id))
    }

    /// What is open of an order's first open line, as the node shows it.
    fn open_line(&self, node: usize, scope: &Scope, id: DocumentId) -> Option<(u16, i128)> {
        let snapshot = self.nodes[node].snapshot()?;
        match document(&snapshot, scope, id).ok()?? {
            DocumentRow::Order(order) => order
                .lines
                .iter()
                .enumerate()
                .map(|(at, line)| (at as u16 + 1, line.open()))
                .find(|(_, open)| *open > 0),
            _other => None,
        }
    }

    /// Some units of what is open.
    fn some_of(line: u16, open: i128, pick: u64) -> Vec<LineQuantity> {
        let most = (open / 1_000).max(1) as u64;
        vec![LineQuantity { line, quantity: units(1 + pick % most) }]
    }

    fn ship(&mut self, node: usize, pick: u64) {
        let Some((scope, id)) = self.order_at(node, pick) else { return };
        let Some((line, open)) = self.open_line(node, &scope, id) else { return };
        let lines = Some(Self::some_of(line, open, pick >> 8));
        self.call(node, Command::ShipOrder { scope, id, lines });
    }

    fn cancel(&mut self, node: usize, pick: u64) {
        // Head office cancels orders of any site.
        let site =
            if node == 0 { ["SH01", "SH02", "WH01"][(pick % 3) as usize] } else { self.nodes[node].site.as_str() };
        let scope = Scope::Site(code(site));
        let Some(id) = self.some_order(&scope, pick >> 3) else { return };
        let Some((line, open)) = self.open_line(node, &scope, id) else { return };
        let lines = Some(Self::some_of(line, open, pick >> 9));
        if node == 0 {
            self.mark("cancel at head office");
        }
        self.call(node, Command::CancelOrder { scope, id, lines, reason: None });
    }

    fn move_stock(&mut self, node: usize, kind: StockKind, quantity: Quantity, pick: u64) {
        if node == 0 {
            return;
        }
        let sku = text(&sku((pick % ITEMS as u64) as usize));
        self.call(node, Command::RecordStock { kind, sku, quantity, reference: None, reason: None });
    }

    fn lend(&mut self, pick: u64) {
        let (sku, holder) = (text(&sku((pick % ITEMS as u64) as usize)), self.nodes[2].author());
        self.call(1, Command::LendStock { sku, quantity: units(1 + pick % 4), holder });
    }

    fn give_back(&mut self, pick: u64) {
        let many = self.ledger.loans.len();
        if many > 0 {
            let (_, loan) = self.ledger.loans[pick as usize % many];
            self.mark("loan given back");
            self.call(2, Command::ReturnLoan { loan, quantity: None });
        }
    }

    fn send_away(&mut self, node: usize, pick: u64) {
        let Some((scope, id)) = self.order_at(node, pick) else { return };
        if node == 0 {
            return;
        }
        let Some((line, open)) = self.open_line(node, &scope, id) else { return };
        let from = if self.nodes[node].site.as_str() == "WH01" { "SH02" } else { "WH01" };
        let lines = Some(Self::some_of(line, open, pick >> 7));
        self.call(
            node,
            Command::SendOrder(Sending { scope, id, from: code(from), lines, service: None, delivery: None }),
        );
    }

    /// The shipper of a fulfilment ships it or gives it back.
    fn work_fulfilment(&mut self, ships: bool, pick: u64) {
        let node = if pick.is_multiple_of(4) { 4 } else { 3 };
        let mut open = self.open_fulfilments(node);
        if open.is_empty() {
            return;
        }
        let (scope, id, line) = open.swap_remove((pick >> 2) as usize % open.len());
        let lines = Self::some_of(line.number, line.ladder.open(), pick >> 5);
        if ships {
            self.mark("another site ships");
            let left = (line.ladder.sku.to_string(), i128::from(lines[0].quantity.thousandths()));
            let call = self.call(node, Command::ShipFulfilment { scope, id, lines: Some(lines), reference: None });
            self.ledger.parcels.insert(call, left);
        } else {
            self.mark("another site gives back");
            self.call(node, Command::CancelFulfilment { scope, id, lines: Some(lines), reason: None });
        }
    }

    /// What a node's site has still to ship for others: each fulfilment with its first open line.
    fn open_fulfilments(&self, node: usize) -> Vec<(Scope, DocumentId, FulfilmentLineState)> {
        let site = &self.nodes[node].site;
        let Some(snapshot) = self.nodes[node].snapshot() else { return Vec::new() };
        let mut open = Vec::new();
        for taker in ["SH01", "SH02", "WH01"] {
            let Ok(lane) = Scope::lane(site.clone(), code(taker)) else { continue };
            for (key, value) in rows_in(&snapshot, &lane, RowKind::Document).unwrap_or_default() {
                let (Ok(DocumentRow::Fulfilment(held)), Ok(id)) =
                    (DocumentRow::decode(&value), key[key.len() - 16..].try_into())
                else {
                    continue;
                };
                let line = held.lines.iter().find(|line| line.ladder.open() > 0);
                if let (true, Some(line)) = (held.header.shipper == *site, line) {
                    open.push((lane.clone(), DocumentId(id), line.clone()));
                }
            }
        }
        open
    }

    /// A file of the channel: the same numbers come again, at both tills of the home site.
    fn import(&mut self, node: usize, pick: u64) {
        self.mark("file imported");
        self.call(node, file("web", pick % FILES));
    }

    /// A member without the office of keeper makes rights; the keeper's node hears of it.
    fn overreach(&mut self, pick: u64) {
        let node = 1;
        if !self.nodes[node].is_up() || self.nodes[node].away_until > self.now || self.nodes[node].is_meeting {
            return;
        }
        let Some(control) = self.nodes[node]
            .frontier()
            .iter()
            .find(|((scope, _), _)| *scope == Scope::Control)
            .map(|(_, head)| head.hash)
        else {
            return;
        };
        let scope = Scope::Site(code("SH01"));
        let Some(signed) = self.forge(&scope, control, pick) else { return };
        self.mark("member writes what it may not");
        let input =
            self.nodes[node].input(self.now, Command::Receive(Arrival { commits: vec![signed], keys: Vec::new() }));
        self.nodes[node].queue.push(Job { tag: Tag::Duty, input });
        self.gather(node);
    }

    fn forge(&mut self, scope: &Scope, control: CommitHash, pick: u64) -> Option<SignedCommit> {
        let key = rogue_key();
        let (author, session) = (AuthorId(key.verifying_key().to_bytes()), SessionId([9; 8]));
        let seq = self.rogue.seq + 1;
        let mut id = [5; 16];
        id[..8].copy_from_slice(&seq.to_be_bytes());
        let id = DocumentId(id);
        let event_key = EventKey::derive(&author, &session, scope, seq, 0);
        let booking = Booking {
            epoch: 1,
            fact: EventId { document: id, key: event_key },
            sku: text(&sku((pick % ITEMS as u64) as usize)),
            quantity: units(1_000),
        };
        let put = Put::event(event_key, &Fact::Mint(booking));
        let (_, chunk) = Document::create(actor_of(&author, &session), vec![put]).ok()?;
        let commit = Commit {
            org: self.nodes[1].org(),
            author,
            session,
            scope: scope.clone(),
            seq,
            prev: self.rogue.last.unwrap_or(CommitHash::ZERO),
            deps: Vec::new(),
            control_heads: vec![control],
            hlc: Hlc::default().tick(crdt_model::time::Timestamp(START_MS + self.now as i64)),
            user: UserId::ZERO,
            request: RequestId::ZERO,
            transaction: TransactionId::ZERO,
            kind_flags: 0,
            changes: vec![DocumentChange { document: id, chunk }],
        };
        let signed = SignedCommit::sign(commit, &key).ok()?;
        (self.rogue.seq, self.rogue.last) = (seq, Some(signed.hash()));
        Some(signed)
    }
}
