//! Random commands for the replica's tests: every kind, right ones and ones that a rule refuses.
//!
//! Invariant: a seed gives one sequence of commands for one sequence of answers.
#![allow(clippy::unwrap_used)]

use crdt_model::money::Money;
use crdt_model::order::event::{ExternalOrder, Handover, Tender};
use crdt_model::order::state::Purpose;

use super::super::*;
use super::world::*;
use crate::store::sim_disk::Rng;

/// Articles that random commands name; the last one is never made.
const SKUS: [&str; 5] = ["lamp", "chair", "85123A", "椅子", "nothing"];

/// Commands of one seed and the orders that their answers named.
pub struct Commands {
    rng: Rng,
    orders: Vec<DocumentId>,
    made: u32,
}

impl Commands {
    /// Starts the sequence of a seed, which is printed where the test fails.
    pub fn new(seed: u64) -> Self {
        println!("seed {seed}");
        Self { rng: Rng::new(seed), orders: Vec::new(), made: 0 }
    }

    /// A number from 0 to `limit - 1`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.rng.next() % limit
    }

    /// 1 to 5 commands for one transaction.
    pub fn batch(&mut self) -> Vec<Command> {
        (0..=self.below(5)).map(|_| self.command()).collect()
    }

    /// Keeps the orders that durable answers named.
    pub fn learn(&mut self, answers: &[Answer]) {
        for answer in answers {
            if let Ok(Outcome::Order { id, .. }) = answer
                && !self.orders.contains(id)
            {
                self.orders.push(*id);
            }
        }
    }

    fn command(&mut self) -> Command {
        self.made += 1;
        match self.below(16) {
            0 | 1 => Command::PostProduct(product(self.sku())),
            2..=4 => stock(StockKind::Receipt, self.sku(), 1 + self.below(9) as i64),
            5 => stock(StockKind::Adjustment, self.sku(), self.below(9) as i64 - 4),
            6..=8 => Command::PlaceOrder(self.order()),
            9 => self.on_order(|_, id| confirm(id)),
            10 | 11 => self.on_order(|commands, id| ship(id, commands.lines())),
            12 => self.on_order(|commands, id| cancel(id, commands.lines())),
            13 => Command::PostCustomer(CustomerDraft {
                external: None,
                details: [Some(format!("customer {}", self.made)), None, Some("a@b.c".into()), None],
            }),
            14 => Command::ImportOrders((0..=self.below(4)).map(|_| self.history()).collect()),
            _ => Command::ImportProducts(vec![product(self.sku())]),
        }
    }

    fn sku(&mut self) -> &'static str {
        SKUS[self.below(SKUS.len() as u64) as usize]
    }

    fn on_order(&mut self, command: impl FnOnce(&mut Self, DocumentId) -> Command) -> Command {
        match self.orders.len() as u64 {
            0 => Command::PostProduct(product(self.sku())),
            count => {
                let at = self.below(count) as usize;
                let id = self.orders[at];
                command(self, id)
            }
        }
    }

    fn lines(&mut self) -> Option<Vec<crdt_model::order::event::LineQuantity>> {
        match self.below(3) {
            0 => None,
            line => Some(of_line(line as u16, "1.5")),
        }
    }

    fn order(&mut self) -> OrderDraft {
        let handover = if self.below(4) == 0 { Handover::AtOnce } else { Handover::Later };
        let lines = (0..=self.below(3)).map(|_| line(SKUS[self.below(4) as usize], "2")).collect();
        let mut draft = order(handover, lines);
        draft.contact = (self.below(3) == 0).then(|| format!("{{\"name\":\"somebody {}\"}}", self.made));
        let amount = Money::from_minor(510).unwrap();
        let payment = PaymentDraft { tender: Tender::Cash, amount, reference: None };
        draft.payments = vec![payment; self.below(3) as usize];
        draft
    }

    /// One of twelve invoices of the channel `web`, some with other content than before.
    fn history(&mut self) -> ImportOrder {
        let number = self.below(12);
        let lines = 1 + number % 3;
        let price = if self.below(8) == 0 { "9" } else { "1.25" };
        history(number, lines, price)
    }
}

/// An invoice of the past of the channel `web`: every third one gives money back.
pub fn history(number: u64, lines: u64, price: &str) -> ImportOrder {
    let purpose = if number % 3 == 2 { Purpose::Credit } else { Purpose::Sale };
    let sign = if purpose == Purpose::Credit { -1 } else { 1 };
    let line = |at| ImportLine {
        sku: text(&format!("old-{}", (number + at) % 5)),
        name: Some(text("AN OLD LAMP")),
        quantity: (sign * (at as i64 + 1)).to_string().parse().unwrap(),
        price: price.parse().unwrap(),
    };
    ImportOrder {
        purpose,
        external: ExternalOrder {
            channel: text("web"),
            number: text(&number.to_string()),
            time_text: text("2010-12-01 08:26"),
        },
        time: moment(-60),
        customer: number.is_multiple_of(2).then(|| text(&format!("C{}", number % 4))),
        region: Some(text("France")),
        currency: gbp(),
        lines: (0..lines).map(line).collect(),
    }
}
