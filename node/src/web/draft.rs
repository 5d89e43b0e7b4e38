//! An order while it is typed: the fields of the form, what a scan means, and the order that they make.
//!
//! The page keeps nothing: each step sends the whole draft and gets it back. Pure; what is looked up is passed in.
//!
//! Invariants: a scan of an item that is there adds to its line; no field is lost on the way. Proved by
//! `a_scan_adds_to_the_line_of_its_item` and `a_draft_comes_back_as_it_was_sent`.

use crdt_model::decimal::parse_scaled;
use crdt_model::quantity::format_thousandths;
use crdt_model::text::Text;
use unicode_normalization::UnicodeNormalization;

use super::form::Form;
use crate::app::model::{
    ContactDetails, NewOrder, NewOrderLine, NewPayment, ORDER_LINES_MAX, ProductView, QuantitySum,
};
use crate::http::check::{At, Errors, Sign};
use crate::http::error::Problem;

/// Prefixes by which scanners name the kind of a code (AIM).
const AIM: [char; 1] = [']'];

/// A line as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DraftLine {
    /// The item.
    pub sku: String,
    /// Its name, for the eye.
    pub name: String,
    /// How much, as typed.
    pub quantity: String,
    /// The price of one, as typed.
    pub price: String,
}

/// An order as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The lines.
    pub lines: Vec<DraftLine>,
    /// The id of the chosen customer.
    pub customer: Option<String>,
    /// Whether the goods are handed over at once.
    pub walk_in: bool,
    /// What it was paid with.
    pub tender: String,
    /// How much was paid.
    pub paid: String,
    /// Name, phone and address of who gets it.
    pub contact: [String; 3],
    /// Free text.
    pub note: String,
}

/// What a scan says: how many of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// How many; 1 unless `3*` stands before the code.
    pub quantity: String,
    /// The code.
    pub code: String,
}

impl Scan {
    /// Reads what came from a scanner or was typed; `None` where no code is left.
    ///
    /// Full-width letters of an input method become plain ones, control characters and the AIM prefix fall away.
    pub fn read(raw: &str) -> Option<Self> {
        let plain: String = raw.nfkc().filter(|letter| !letter.is_control()).collect();
        let plain = plain.trim();
        let plain =
            if plain.starts_with(AIM) && plain.len() > 3 && plain.is_char_boundary(3) { &plain[3..] } else { plain };
        let counted = plain.split_once('*').filter(|(count, _)| parse_scaled(count.trim(), 3).is_ok_and(|n| n > 0));
        let (quantity, code) = counted.unwrap_or(("1", plain));
        let code = code.trim();
        (!code.is_empty()).then(|| Self { quantity: quantity.trim().to_owned(), code: code.to_owned() })
    }
}

impl Draft {
    /// Reads the form.
    pub fn of(form: &Form) -> Self {
        let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
        let column = |name: &'static str| form.all(name).map(str::to_owned).collect::<Vec<_>>();
        let (names, quantities, prices) = (column("line_name"), column("line_quantity"), column("line_price"));
        let cell = |column: &[String], at: usize| column.get(at).cloned().unwrap_or_default();
        let line = |(at, sku)| DraftLine {
            sku,
            name: cell(&names, at),
            quantity: cell(&quantities, at),
            price: cell(&prices, at),
        };
        Self {
            lines: column("line_sku").into_iter().enumerate().map(line).filter(|line| !line.sku.is_empty()).collect(),
            customer: form.get("customer").map(str::to_owned),
            walk_in: form.get("walk_in").is_some(),
            tender: text("tender"),
            paid: text("paid"),
            contact: [text("contact_name"), text("contact_phone"), text("contact_address")],
            note: text("note"),
        }
    }

    /// Adds an item; to its line where there is one.
    pub fn add(&mut self, product: &ProductView, quantity: &str, price: Option<String>) {
        let known = self.lines.iter_mut().find(|line| line.sku == product.sku.as_str());
        match known {
            Some(line) => {
                let sum = thousandths(&line.quantity).saturating_add(thousandths(quantity));
                line.quantity = format_thousandths(i128::from(sum));
            }
            None => self.lines.push(DraftLine {
                sku: product.sku.to_string(),
                name: product.name.to_string(),
                quantity: quantity.to_owned(),
                price: price.unwrap_or_default(),
            }),
        }
    }

    /// Takes a line away, counted from 0.
    pub fn remove(&mut self, line: usize) {
        if line < self.lines.len() {
            self.lines.remove(line);
        }
    }

    /// How much of a line is wanted, as far as it can be read.
    pub fn wanted(line: &DraftLine) -> QuantitySum {
        QuantitySum(i128::from(thousandths(&line.quantity)))
    }

    /// The order, or everything that is wrong with it.
    pub fn check(&self) -> Result<NewOrder, Problem> {
        let mut errors = Errors::default();
        if self.lines.is_empty() {
            errors.add(At::Field("lines"), "an order has at least one line", "Scan an item.");
        }
        if self.lines.len() > ORDER_LINES_MAX {
            errors.add(At::Field("lines"), "too many lines", "Split it into several orders.");
        }
        let line = |(at, line): (usize, &DraftLine)| NewOrderLine {
            sku: errors.name(At::Item("lines", at, "sku"), &line.sku),
            quantity: errors.quantity(At::Item("lines", at, "quantity"), &line.quantity, Sign::Positive),
            price: errors.price(At::Item("lines", at, "price"), &line.price),
            name: None,
        };
        let lines = self.lines.iter().take(ORDER_LINES_MAX).enumerate().map(line).collect();
        let mut text = |field: &'static str, raw: &str| errors.optional_text(At::Field(field), Some(raw.to_owned()));
        let [name, phone, address] = &self.contact;
        let contact = ContactDetails {
            name: text("contact_name", name),
            phone: text("contact_phone", phone),
            address: text("contact_address", address),
        };
        let note = text("note", &self.note);
        let order = NewOrder {
            channel: None,
            external_number: None,
            customer: self.customer.as_ref().map(|id| errors.id(At::Field("customer"), id)),
            contact: (contact != ContactDetails::default()).then_some(contact),
            walk_in: self.walk_in,
            currency: None,
            region: None,
            note,
            lines,
            payments: self.payments(&mut errors),
        };
        errors.finish(order)
    }

    fn payments(&self, errors: &mut Errors) -> Vec<NewPayment> {
        if self.paid.is_empty() {
            return Vec::new();
        }
        let tender: Text = errors.name(At::Field("tender"), &self.tender);
        let amount = errors.amount(At::Field("paid"), &self.paid, None);
        amount.map(|amount| NewPayment { tender, amount, reference: None }).into_iter().collect()
    }
}

/// A quantity in thousandths; nothing where it cannot be read.
fn thousandths(decimal: &str) -> i64 {
    parse_scaled(decimal, 3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crdt_model::id::DocumentId;
    use crdt_model::scope::Scope;

    use super::*;

    fn product(sku: &str) -> ProductView {
        let text = |text: &str| Text::new(text).unwrap();
        ProductView {
            id: DocumentId::of_sku(sku),
            sku: text(sku),
            name: text("the item"),
            unit: None,
            barcodes: Vec::new(),
            price: None,
            provisional: false,
            scope: Scope::Catalogue,
            alias_of: None,
        }
    }

    #[test]
    fn a_scan_is_read_as_scanners_and_input_methods_send_it() {
        let scan = |raw: &str| Scan::read(raw).map(|scan| (scan.quantity, scan.code));
        let is = |quantity: &str, code: &str| Some((quantity.to_owned(), code.to_owned()));
        assert_eq!(scan("6901234567892"), is("1", "6901234567892"));
        assert_eq!(scan("3*6901234567892\r\n"), is("3", "6901234567892"));
        assert_eq!(scan("0.5 * MUG"), is("0.5", "MUG"));
        assert_eq!(scan("\u{ff16}\u{ff19}\u{ff10}\u{ff11}"), is("1", "6901"), "full-width digits");
        assert_eq!(scan("]E06901234567892"), is("1", "6901234567892"), "AIM prefix");
        assert_eq!(scan("a*b"), is("1", "a*b"), "a star in a SKU");
        assert_eq!(scan("0*A"), is("1", "0*A"), "nothing of an item is no scan of it");
        for nothing in ["", "  ", "\r\n", "3*"] {
            assert_eq!(scan(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_scan_adds_to_the_line_of_its_item() {
        let mut draft = Draft::default();
        for (sku, quantity) in [("A", "1"), ("B", "2"), ("A", "0.5")] {
            draft.add(&product(sku), quantity, Some("9.90".to_owned()));
        }
        let lines: Vec<_> = draft.lines.iter().map(|line| (line.sku.as_str(), line.quantity.as_str())).collect();
        assert_eq!(lines, [("A", "1.5"), ("B", "2")]);
        draft.remove(0);
        draft.remove(7);
        assert_eq!(draft.lines.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_field() {
        let mut draft = Draft::default();
        assert_eq!(draft.check().unwrap_err().into_body(None).errors[0].pointer, "/lines");
        draft.add(&product("A"), "x", None);
        draft.paid = "5".to_owned();
        let body = draft.check().unwrap_err().into_body(None);
        let pointers: Vec<_> = body.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/lines/0/quantity", "/lines/0/price", "/tender"]);
    }
}
