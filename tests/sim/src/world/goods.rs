//! Orders, stock and files as people of the simulation write them, each a function of a number.
//!
//! Invariant: the same number gives the same command. Proved by the traces that the gate compares.

use crdt_model::money::{Money, UnitPrice};
use crdt_model::order::event::{ExternalOrder, Handover, Tender};
use crdt_model::order::state::Purpose;
use crdt_model::quantity::Quantity;
use crdt_model::time::{BusinessDate, EventTime, Timestamp};
use node::replica::{Command, ImportLine, ImportOrder, LineDraft, OrderDraft, PaymentDraft, StockKind};

use super::begin::{currency, sku, text};
use crate::node::START_MS;
use crate::plan::ITEMS;

/// Orders of one file.
const FILE_ORDERS: u64 = 5;
/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// So many base units.
pub fn units(units: u64) -> Quantity {
    Quantity::from_thousandths(units as i64 * 1_000).expect("invariant: a few units are a quantity")
}

/// A price of some yuan.
fn price(pick: u64) -> UnitPrice {
    UnitPrice::from_millionths(((pick % 9_000) as i64 + 100) * 10_000).expect("invariant: below 100 yuan")
}

/// A new order of one or two lines, some with a contact, some paid.
pub fn draft(handover: Handover, pick: u64, items: u64) -> Command {
    let line = |at: usize| {
        let mixed = pick >> (8 * at);
        LineDraft {
            sku: text(&sku((mixed % items) as usize)),
            name: None,
            quantity: units(1 + mixed % 4),
            price: price(mixed),
        }
    };
    let amount = Money::from_minor((pick % 5_000) as i64 + 1).expect("invariant: below 100 yuan");
    let paid = PaymentDraft { tender: Tender::WeChat, amount, reference: None };
    let contact = r#"{"name":"Zhang San","phone":"13800138000"}"#;
    Command::PlaceOrder(OrderDraft {
        external: None,
        customer: None,
        contact: pick.is_multiple_of(4).then(|| contact.to_owned()),
        handover,
        currency: currency(),
        region: None,
        lines: (0..1 + usize::from(pick.is_multiple_of(3))).map(line).collect(),
        payments: if pick.is_multiple_of(2) { vec![paid] } else { Vec::new() },
    })
}

/// Stock of the first item comes in or differs.
pub fn stock(kind: StockKind, quantity: u64) -> Command {
    Command::RecordStock { kind, sku: text(&sku(0)), quantity: units(quantity), reference: None, reason: None }
}

/// A file of a channel with orders of the past.
pub fn file(channel: &str, file: u64) -> Command {
    let at = START_MS - DAY_MS;
    let day = BusinessDate::from_days((at / DAY_MS) as i32).expect("invariant: 2026-05-31 is a day");
    let order = |at_in_file: u64| {
        let number = file * FILE_ORDERS + at_in_file;
        ImportOrder {
            purpose: Purpose::Sale,
            external: ExternalOrder {
                channel: text(channel),
                number: text(&format!("W{number}")),
                time_text: text("2026-05-31 10:00"),
            },
            time: EventTime { at: Timestamp(at), offset_minutes: 480, business_date: day },
            customer: None,
            region: None,
            currency: currency(),
            lines: vec![ImportLine {
                sku: text(&sku((number % ITEMS as u64) as usize)),
                name: None,
                quantity: units(1 + number % 5),
                price: price(number * 37),
            }],
        }
    };
    Command::ImportOrders((0..FILE_ORDERS).map(order).collect())
}
