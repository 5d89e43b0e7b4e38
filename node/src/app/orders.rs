//! Orders: taking, finding and working them.
//!
//! `view` shows a folded order, `list` pages through many, `delivery` opens who gets it; this file holds the writes and the look-up by id or number.
//!
//! Invariants: an order is answered as it stands after its own write; a repeated request gets the same order. Proved by
//! `a_repeated_request_gets_the_first_answer` and by the acceptance script.

mod delivery;
mod list;
mod view;

pub(super) use delivery::details_of;
pub(super) use view::secured;

use crdt_model::document_row::DocumentRow;
use crdt_model::fulfilment::state::FulfilmentState;
use crdt_model::fulfilment::whole::whole_order;
use crdt_model::id::DocumentId;
use crdt_model::money::Currency;
use crdt_model::order::event::{ExternalOrder, Handover, LineQuantity, Tender};
use crdt_model::order::state::OrderState;
use crdt_model::rows::RowKey;
use crdt_model::scope::Scope;
use crdt_model::scope_state::lane_of;
use crdt_model::text::Text;

use super::error::AppError;
use super::model::{
    self, CancelRequest, ContactDetails, NewOrder, NewPayment, OrderView, Request, SendRequest, ShipRequest,
};
use super::read::collect;
use super::{App, read};
use crate::replica::{Command, LineDraft, OrderDraft, Outcome, PaymentDraft, Sending};
use crate::store::{Snapshot, Table};

impl App {
    /// Takes an order.
    pub async fn create_order(&self, request: Request, order: NewOrder) -> Result<OrderView, AppError> {
        let draft = self.draft_of(order)?;
        let outcome = self.write(&request, Command::PlaceOrder(draft)).await?;
        self.order_of(outcome)
    }

    /// Confirms an order.
    pub async fn confirm_order(&self, request: Request, id: &str) -> Result<OrderView, AppError> {
        let (scope, id) = self.find_order(id)?;
        let outcome = self.write(&request, Command::ConfirmOrder { scope, id }).await?;
        self.order_of(outcome)
    }

    /// Ships what is asked for, or all that is open.
    pub async fn ship_order(&self, request: Request, id: &str, ship: ShipRequest) -> Result<OrderView, AppError> {
        let (scope, id) = self.find_order(id)?;
        let lines = ship.lines.map(line_quantities).transpose()?;
        let outcome = self.write(&request, Command::ShipOrder { scope, id, lines }).await?;
        self.order_of(outcome)
    }

    /// Cancels what is asked for, or all that is open.
    pub async fn cancel_order(&self, request: Request, id: &str, cancel: CancelRequest) -> Result<OrderView, AppError> {
        let (scope, id) = self.find_order(id)?;
        let lines = cancel.lines.map(line_quantities).transpose()?;
        let command = Command::CancelOrder { scope, id, lines, reason: cancel.reason };
        let outcome = self.write(&request, command).await?;
        self.order_of(outcome)
    }

    /// Lets another site ship what is asked for, or all that is still to leave from the order's own site.
    pub async fn send_order(&self, request: Request, id: &str, send: SendRequest) -> Result<OrderView, AppError> {
        let (scope, id) = self.find_order(id)?;
        let lines = send.lines.map(line_quantities).transpose()?;
        let delivery = self.delivery_of(&self.snapshot()?, &scope, id)?;
        let sending = Sending { scope, id, from: send.from, lines, service: send.service, delivery };
        let outcome =
            self.write(&request, Command::SendOrder(sending)).await.map_err(|error| error.at("/home", "/from"));
        self.order_of(outcome?)
    }

    /// The order of an id (32 digits) or number.
    pub fn order(&self, id: &str) -> Result<OrderView, AppError> {
        let snapshot = self.snapshot()?;
        let (scope, document) = find(&snapshot, id)?;
        self.order_at(&snapshot, &scope, document)
    }

    fn find_order(&self, id: &str) -> Result<(Scope, DocumentId), AppError> {
        find(&self.snapshot()?, id)
    }

    fn order_of(&self, outcome: Outcome) -> Result<OrderView, AppError> {
        match outcome {
            Outcome::Order { scope, id } => self.order_at(&self.snapshot()?, &scope, id),
            _other => Err(AppError::Storage("the order was answered with another outcome".to_owned())),
        }
    }

    fn order_at(&self, snapshot: &Snapshot, scope: &Scope, id: DocumentId) -> Result<OrderView, AppError> {
        let whole = read_whole(snapshot, scope, id)?;
        let whole = whole.ok_or_else(|| AppError::NotFound { what: "order", id: id.to_string() })?;
        self.whole_view(snapshot, scope, id, &whole)
    }

    /// The currency of the books; another is refused, because figures are sums of amounts in one currency.
    fn books_currency(&self, wanted: Option<Currency>) -> Result<Currency, AppError> {
        let books = self.facts().currency;
        match wanted {
            Some(other) if other != books => Err(AppError::field(
                "/currency",
                format!("{} is not the currency of the books, {}", other.code(), books.code()),
                format!("Give the prices in {}.", books.code()),
            )),
            Some(_) | None => Ok(books),
        }
    }

    fn draft_of(&self, order: NewOrder) -> Result<OrderDraft, AppError> {
        let currency = self.books_currency(order.currency)?;
        let external = external_of(order.channel, order.external_number)?;
        let payments = (0..).zip(order.payments).map(|(at, payment)| payment_of(at, payment, &currency));
        Ok(OrderDraft {
            external,
            customer: order.customer,
            contact: contact_text(order.contact, order.note),
            handover: if order.walk_in { Handover::AtOnce } else { Handover::Later },
            currency,
            region: order.region,
            lines: order
                .lines
                .into_iter()
                .map(|line| LineDraft { sku: line.sku, name: line.name, quantity: line.quantity, price: line.price })
                .collect(),
            payments: payments.collect::<Result<_, _>>()?,
        })
    }
}

/// A channel and a number there make an order unique; a channel alone is not kept apart from the site's own orders.
fn external_of(channel: Option<Text>, number: Option<Text>) -> Result<Option<ExternalOrder>, AppError> {
    match (channel, number) {
        (Some(channel), Some(number)) => Ok(Some(ExternalOrder { channel, number, time_text: Text::default() })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(AppError::field(
            "/external_number",
            "a channel without the order's number there",
            "Give both, or neither.",
        )),
        (None, Some(_)) => Err(AppError::field("/channel", "a number without its channel", "Give both, or neither.")),
    }
}

fn payment_of(at: usize, payment: NewPayment, currency: &Currency) -> Result<PaymentDraft, AppError> {
    let names = || Tender::ALL.map(|(_, name)| name).join(", ");
    let tender = Tender::from_name(payment.tender.as_str()).ok_or_else(|| {
        let pointer = format!("/payments/{at}/tender");
        AppError::field(pointer, format!("no tender `{}`", payment.tender), format!("Give one of {}.", names()))
    })?;
    let amount = payment.amount.in_currency(currency).map_err(|error| {
        let remedy = format!("{} has {} digits after the point.", currency.code(), currency.minor_digits());
        AppError::field(format!("/payments/{at}/amount"), error.to_string(), remedy)
    })?;
    Ok(PaymentDraft { tender, amount, reference: payment.reference })
}

/// The personal part of an order as one JSON text, to be sealed.
fn contact_text(contact: Option<ContactDetails>, note: Option<Text>) -> Option<String> {
    let ContactDetails { name, phone, address } = contact.unwrap_or_default();
    let parts = [("name", name), ("phone", phone), ("address", address), ("note", note)];
    let object: serde_json::Map<String, serde_json::Value> = parts
        .into_iter()
        .filter_map(|(field, text)| text.map(|text| (field.to_owned(), text.to_string().into())))
        .collect();
    (!object.is_empty()).then(|| serde_json::Value::Object(object).to_string())
}

pub(super) fn line_quantities(lines: Vec<model::LineQuantity>) -> Result<Vec<LineQuantity>, AppError> {
    let line = |(at, line): (usize, model::LineQuantity)| match u16::try_from(line.line) {
        Ok(number) => Ok(LineQuantity { line: number, quantity: line.quantity }),
        Err(_) => Err(AppError::field(
            format!("/lines/{at}/line"),
            format!("no line {}", line.line),
            "Name a line that the order has.",
        )),
    };
    lines.into_iter().enumerate().map(line).collect()
}

pub(super) fn find(snapshot: &Snapshot, id: &str) -> Result<(Scope, DocumentId), AppError> {
    let scopes = read::site_scopes(snapshot)?;
    if let Ok(document) = id.parse::<DocumentId>() {
        for scope in &scopes {
            if let Some(DocumentRow::Order(_)) = read::document(snapshot, scope, &document)? {
                return Ok((scope.clone(), document));
            }
        }
    }
    for scope in scopes {
        let prefix = RowKey::of(&scope).text(id);
        let length = prefix.as_bytes().len();
        let found = collect(snapshot, Table::OrdersByNumber, prefix.as_bytes(), |key, _| {
            crdt_model::codec::Reader::new(&key[length..]).array("document id").map(Some)
        })?;
        if let Some(document) = found.first() {
            return Ok((scope, DocumentId(*document)));
        }
    }
    Err(AppError::NotFound { what: "order", id: id.to_owned() })
}

/// An order with what other sites ship of it.
pub(super) struct Whole {
    /// As it stands everywhere.
    pub order: Box<OrderState>,
    /// As its own scope says, where that is something else.
    local: Option<Box<OrderState>>,
    /// Its fulfilments, one entry for each link; none where it has not arrived here.
    pub held: Vec<Option<FulfilmentState>>,
}

impl Whole {
    /// As its own scope says.
    pub fn local(&self) -> &OrderState {
        self.local.as_deref().unwrap_or(&self.order)
    }
}

/// Reads an order with its fulfilments.
pub(super) fn read_whole(snapshot: &Snapshot, scope: &Scope, id: DocumentId) -> Result<Option<Whole>, AppError> {
    let Some(DocumentRow::Order(order)) = read::document(snapshot, scope, &id)? else { return Ok(None) };
    if order.sent.is_empty() {
        return Ok(Some(Whole { order, local: None, held: Vec::new() }));
    }
    let mut held = Vec::with_capacity(order.sent.len());
    for (_, sent) in &order.sent {
        let row = match lane_of(scope, sent) {
            Some(lane) => read::document(snapshot, &lane, &sent.fulfilment)?,
            None => None,
        };
        held.push(match row {
            Some(DocumentRow::Fulfilment(fulfilment)) if fulfilment.is_of(scope, &id) => Some(*fulfilment),
            Some(_) | None => None,
        });
    }
    Ok(Some(Whole { order: Box::new(whole_order(&order, &held)), local: Some(order), held }))
}
