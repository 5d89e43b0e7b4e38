//! Digests: of a scope's folded rows, and of the content that two independent imports share.
//!
//! The state digest covers rows with raw ids and sealed bytes (equal on all holders, P4). The content digest has no
//! internal ids, authors, sessions, live times or cases, so two organisations that imported the same files agree.
//!
//! Invariant: rows in any order give one content digest. Proved by `equal_imports_give_equal_content_digests`.

use std::ops::ControlFlow;

use crdt_model::codec::{Reader, Writer};
use crdt_model::customer::SEALED_FIELDS;
use crdt_model::customer::state::CustomerState;
use crdt_model::document_row::DocumentRow;
use crdt_model::id::{DocumentId, OrgId};
use crdt_model::order::state::{OrderState, Purpose};
use crdt_model::product::state::ProductState;
use crdt_model::rows::{RowKind, row_key};
use crdt_model::scope::Scope;
use crdt_model::seal::{SealedField, SealedPlace};
use crdt_model::stock::StockRow;
use crdt_model::text::Text;

use super::error::AppError;
use super::model::StateDigest;
use super::orders::read_whole;
use super::read::{self, collect, open_sealed};
use super::stock::with_lanes;
use super::storage;
use crate::store::{Direction, KeyRange, ReadTables, Snapshot, Table};

/// What a value contributes whose key is missing or destroyed.
const SEALED: &str = "sealed";

/// BLAKE3 over the sorted folded rows of a scope.
pub(super) fn state_digest(snapshot: &Snapshot, prefix: &[u8]) -> Result<StateDigest, AppError> {
    let mut hasher = blake3::Hasher::new();
    let visit = |key: &[u8], value: &[u8]| {
        for part in [key, value] {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        ControlFlow::Continue(())
    };
    snapshot.scan(Table::Rows, &KeyRange::prefix(prefix), Direction::Forward, visit).map_err(storage)?;
    Ok(StateDigest(*hasher.finalize().as_bytes()))
}

type Hashes = Vec<[u8; 32]>;

/// BLAKE3 over the sorted hashes of content rows.
pub(super) fn content_digest(snapshot: &Snapshot, org: OrgId) -> Result<StateDigest, AppError> {
    let mut hashes = Hashes::new();
    for scope in read::scopes(snapshot)? {
        match &scope {
            Scope::Catalogue | Scope::Site(_) | Scope::Customers(_) | Scope::Lane(..) => {
                hash_scope(snapshot, org, &scope, &mut hashes)?;
            }
            Scope::Control => {}
        }
    }
    hashes.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for hash in &hashes {
        hasher.update(hash);
    }
    Ok(StateDigest(*hasher.finalize().as_bytes()))
}

fn hash_scope(snapshot: &Snapshot, org: OrgId, scope: &Scope, hashes: &mut Hashes) -> Result<(), AppError> {
    let prefix = row_key(scope, RowKind::Document, &[]);
    let length = prefix.as_bytes().len();
    let mut sent = Vec::new();
    let rows = collect(snapshot, Table::Rows, prefix.as_bytes(), |key, value| {
        let id = DocumentId(Reader::new(&key[length..]).array("document id")?);
        match DocumentRow::decode(value)? {
            DocumentRow::Order(order) if order.sent.is_empty() => {
                hash_order(id, &order, hashes);
                Ok(None)
            }
            DocumentRow::Order(_) => {
                sent.push(id);
                Ok(None)
            }
            DocumentRow::Product(product) => {
                hashes.push(hash_product(&product));
                Ok(None)
            }
            DocumentRow::Customer(customer) => Ok(Some((id, customer))),
            DocumentRow::Control(_) | DocumentRow::Journal(_) | DocumentRow::Fulfilment(_) => Ok(None),
        }
    })?;
    for id in sent {
        if let Some(whole) = read_whole(snapshot, scope, id)? {
            hash_order(id, &whole.order, hashes);
        }
    }
    for (id, customer) in rows {
        hashes.push(*blake3::hash(&customer_row(snapshot, org, id, &customer)?).as_bytes());
    }
    hash_stock(snapshot, scope, hashes)
}

fn hash_order(id: DocumentId, order: &OrderState, hashes: &mut Hashes) {
    if order.duplicate_of.is_some() {
        return;
    }
    if order.purpose == Purpose::Adjustment {
        hashes.extend(order.lines.iter().map(|line| {
            let mut writer = Writer::new();
            writer.byte(b'A');
            encode_origin(&mut writer, id, order);
            writer.text(&line.sku);
            line.quantity.encode(&mut writer);
            *blake3::hash(&writer.finish()).as_bytes()
        }));
        return;
    }
    let mut lines: Vec<Vec<u8>> = order
        .lines
        .iter()
        .map(|line| {
            let mut writer = Writer::new();
            writer.text(&line.sku);
            line.quantity.encode(&mut writer);
            line.price.encode(&mut writer);
            writer.finish()
        })
        .collect();
    lines.sort_unstable();
    let mut writer = Writer::new();
    writer.byte(b'O');
    encode_origin(&mut writer, id, order);
    let time = order.header.external.as_ref().map(|external| &external.time_text);
    writer.option(time, |w, text| {
        w.text(text);
    });
    writer.list(&lines, |w, line| {
        w.blob(line);
    });
    writer.wide(order.due()).byte(order.status() as u8).byte(order.purpose as u8);
    hashes.push(*blake3::hash(&writer.finish()).as_bytes());
}

/// Channel and external number, else the order's own number, else its id.
fn encode_origin(writer: &mut Writer, id: DocumentId, order: &OrderState) {
    match (&order.header.external, &order.header.label) {
        (Some(external), _) => writer.byte(1).text(&external.channel).text(&external.number),
        (None, Some(label)) => writer.byte(2).text(label),
        (None, None) => writer.byte(3).fixed(&id.0),
    };
}

fn hash_product(product: &ProductState) -> [u8; 32] {
    let mut writer = Writer::new();
    writer.byte(b'P').text(&product.sku).text(product.name());
    writer.option(product.units.first(), |w, unit: &Text| {
        w.text(unit);
    });
    writer.list(&product.barcodes, |w, code| {
        w.text(code);
    });
    product.price().iter().for_each(|price| price.encode(&mut writer));
    *blake3::hash(&writer.finish()).as_bytes()
}

fn customer_row(
    snapshot: &Snapshot,
    org: OrgId,
    id: DocumentId,
    customer: &CustomerState,
) -> Result<Vec<u8>, AppError> {
    let mut writer = Writer::new();
    writer.byte(b'C');
    writer.option(customer.external.as_ref(), |w, external| {
        w.text(&external.channel).text(&external.number);
    });
    for (field, values) in SEALED_FIELDS.into_iter().zip(&customer.sealed) {
        let plain = match values.first() {
            None => None,
            Some(sealed) => {
                let opened = open_sealed(
                    snapshot,
                    id,
                    SealedPlace { org, document: id, field: SealedField::Field(field) },
                    sealed,
                )?;
                Some(opened.unwrap_or_else(|| SEALED.to_owned()))
            }
        };
        writer.option(plain.as_ref(), |w, text| {
            w.blob(text.as_bytes());
        });
    }
    Ok(writer.finish())
}

/// One row for each (site, SKU, state).
fn hash_stock(snapshot: &Snapshot, scope: &Scope, hashes: &mut Hashes) -> Result<(), AppError> {
    let prefix = row_key(scope, RowKind::Stock, &[]);
    let rows = collect(snapshot, Table::Rows, prefix.as_bytes(), |_, value| StockRow::decode(value).map(Some))?;
    for row in rows {
        let item = DocumentId::of_sku(row.sku.as_str());
        let Some(row) = with_lanes(snapshot, scope, &item, Some(row))? else { continue };
        for (state, sum) in [("on_hand", row.sums.on_hand), ("reserved", row.sums.reserved())] {
            let mut writer = Writer::new();
            writer.byte(b'S').blob(scope.to_string().as_bytes()).text(&row.sku).blob(state.as_bytes()).wide(sum);
            hashes.push(*blake3::hash(&writer.finish()).as_bytes());
        }
    }
    Ok(())
}
