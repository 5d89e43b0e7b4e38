//! Tests of what head office makes of provisional products, between real nodes.
#![allow(clippy::unwrap_used)]

use crdt_model::document_row::DocumentRow;
use crdt_model::id::TransactionId;
use crdt_model::product::state::ProductState;
use crdt_model::scope_state::read_document;

use super::super::batch::Batch;
use super::super::*;
use super::network::*;
use super::world::{place, product, scope, site, text};

fn adopt(sku: &str, alias_of: Option<&str>) -> Command {
    Command::AdoptProduct { sku: text(sku), site: site(), alias_of: alias_of.map(text) }
}

fn product_of(network: &Network, node: usize, scope: &Scope, sku: &str) -> Option<ProductState> {
    let read = network.nodes[node]
        .store
        .write(|tx| Ok::<_, ReplicaError>(read_document(&Batch::new(tx), scope, &DocumentId::of_sku(sku))?));
    match read.unwrap() {
        Some(DocumentRow::Product(product)) => Some(product),
        Some(_) | None => None,
    }
}

/// Head office has `Lamp` in the catalogue; the store met the code `lamp`.
fn network() -> Network {
    let mut network = Network::new(&["Lamp"]);
    network.done(KEEPER, Command::PostProduct(product("lamp")));
    network.settle();
    network
}

#[test]
fn a_provisional_product_is_adopted_once() {
    let mut network = network();
    let before = network.nodes[HQ].commits().len();
    network.done(HQ, adopt("lamp", None));
    let written: Vec<TransactionId> = network.nodes[HQ]
        .commits()
        .iter()
        .map(|signed| signed.commit().transaction)
        .filter(|t| t.0 != [0; 16])
        .collect();
    assert_eq!(network.nodes[HQ].commits().len(), before + 2);
    assert!(written.len() == 2 && written[0] == written[1], "two commits of one transaction");
    network.done(HQ, adopt("lamp", None));
    assert_eq!(network.nodes[HQ].commits().len(), before + 2, "nothing more to write");
    network.settle();
    for node in [HQ, KEEPER, TILL] {
        assert_eq!(product_of(&network, node, &Scope::Catalogue, "lamp").unwrap().name(), &text("the lamp"));
        assert_eq!(product_of(&network, node, &scope(), "lamp").unwrap().adopted, Some(text("lamp")));
        assert_eq!(network.nodes[node].set_aside(), Vec::<String>::new());
    }
    network.check_equal();
}

#[test]
fn a_provisional_product_becomes_another_name_of_a_catalogue_item() {
    let mut network = network();
    for target in ["cup", "lamp"] {
        let refused = network.run(HQ, adopt("lamp", Some(target)));
        assert_eq!(refused, Err(AdoptError::NoTarget { sku: text(target) }.into()));
    }
    network.done(HQ, adopt("lamp", Some("Lamp")));
    let taken = AdoptError::TakenOver { sku: text("lamp"), taken: text("Lamp") };
    assert_eq!(network.run(HQ, adopt("lamp", None)), Err(taken.into()));
    network.order(KEEPER, place("lamp", "1"));
    network.settle();
    assert_eq!(product_of(&network, TILL, &scope(), "lamp").unwrap().alias_of(), Some(&text("Lamp")));
    assert!(product_of(&network, HQ, &Scope::Catalogue, "lamp").is_none(), "no item of its own");
    network.check_equal();
}

#[test]
fn only_head_office_adopts_and_only_what_a_site_has() {
    let mut network = network();
    assert_eq!(network.run(KEEPER, adopt("lamp", None)), Err(AdoptError::NotHeadOffice { site: site() }.into()));
    let unknown = AdoptError::UnknownProduct { sku: text("cup"), site: site() };
    assert_eq!(network.run(HQ, adopt("cup", None)), Err(unknown.into()));
}
