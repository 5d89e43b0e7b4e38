//! Tests of what head office makes of provisional products.
#![allow(clippy::unwrap_used)]

use crdt_model::document_row::DocumentRow;
use crdt_model::product::state::ProductState;
use crdt_model::scope_state::read_document;
use ed25519_dalek::SigningKey;

use super::super::*;
use super::world::*;

fn adopt(sku: &str, alias_of: Option<&str>) -> Command {
    Command::AdoptProduct { sku: text(sku), site: site(), alias_of: alias_of.map(text) }
}

fn product_of(shop: &Shop, scope: &Scope, sku: &str) -> Option<ProductState> {
    let read = shop.store.write(|tx| {
        let row = read_document(&Batch::new(tx), scope, &DocumentId::of_sku(sku))?;
        Ok::<_, ReplicaError>(row)
    });
    match read.unwrap() {
        Some(DocumentRow::Product(product)) => Some(product),
        _ => None,
    }
}

/// Head office, which holds what the store SH01 wrote: the article `lamp`.
fn head_office() -> Shop {
    let mut store = Shop::with(&["lamp"]);
    let mut office = Shop::joined(&mut store, SigningKey::from_bytes(&[12; 32]), "B");
    office.become_head_office();
    office.done(Command::PostProduct(product("Lamp")));
    office
}

#[test]
fn a_provisional_product_is_adopted_once() {
    let mut office = head_office();
    office.done(adopt("lamp", None));
    let adopted = product_of(&office, &Scope::Catalogue, "lamp").unwrap();
    assert_eq!(adopted.name(), &text("the lamp"));
    assert_eq!(product_of(&office, &scope(), "lamp").unwrap().adopted, Some(text("lamp")));
    let commits = (office.commits(&scope()).len(), office.commits(&Scope::Catalogue).len());
    office.done(adopt("lamp", None));
    assert_eq!((office.commits(&scope()).len(), office.commits(&Scope::Catalogue).len()), commits, "nothing written");
    let [catalogue, own] = [office.commits(&Scope::Catalogue), office.commits(&scope())];
    let transaction = own.last().unwrap().commit().transaction;
    assert_ne!(transaction, crdt_model::id::TransactionId::ZERO);
    assert_eq!(catalogue.last().unwrap().commit().transaction, transaction, "two commits of one transaction");
}

#[test]
fn a_provisional_product_becomes_another_name_of_a_catalogue_item() {
    let mut office = head_office();
    assert_eq!(office.run(adopt("lamp", Some("cup"))), Err(AdoptError::NoTarget { sku: text("cup") }.into()));
    assert_eq!(office.run(adopt("lamp", Some("lamp"))), Err(AdoptError::NoTarget { sku: text("lamp") }.into()));
    office.done(adopt("lamp", Some("Lamp")));
    assert_eq!(product_of(&office, &scope(), "lamp").unwrap().alias_of(), Some(&text("Lamp")));
    assert!(product_of(&office, &Scope::Catalogue, "lamp").is_none(), "no item of its own");
    let taken = AdoptError::TakenOver { sku: text("lamp"), taken: text("Lamp") };
    assert_eq!(office.run(adopt("lamp", None)), Err(taken.into()));
}

#[test]
fn only_head_office_adopts_and_only_what_a_site_has() {
    let mut store = Shop::with(&["lamp"]);
    assert_eq!(store.run(adopt("lamp", None)), Err(AdoptError::NotHeadOffice { site: site() }.into()));
    let unknown = AdoptError::UnknownProduct { sku: text("cup"), site: site() };
    assert_eq!(head_office().run(adopt("cup", None)), Err(unknown.into()));
}
