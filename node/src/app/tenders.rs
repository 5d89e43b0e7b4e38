//! The tenders that a till offers: what money may come in by, without typing.
//!
//! Which tenders recent orders used stands in no row, so the list is the same for every shop; any other known tender is
//! still taken.
//!
//! Invariant: each of them is a tender that an order takes. Proved by `each_offered_tender_is_taken`.

use crdt_model::order::event::Tender;

use super::App;

/// What a till offers, the most common first.
const OFFERED: [Tender; 4] = [Tender::Cash, Tender::Card, Tender::WeChat, Tender::Alipay];

impl App {
    /// The words of the tenders that a till offers.
    pub fn tenders(&self) -> Vec<&'static str> {
        OFFERED.iter().filter_map(|offered| name_of(*offered)).collect()
    }
}

fn name_of(tender: Tender) -> Option<&'static str> {
    Tender::ALL.iter().find(|(known, _)| *known == tender).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_offered_tender_is_taken() {
        let names: Vec<&str> = OFFERED.iter().filter_map(|offered| name_of(*offered)).collect();
        assert_eq!(names, ["cash", "card", "wechat", "alipay"]);
        assert!(names.iter().zip(OFFERED).all(|(name, tender)| Tender::from_name(name) == Some(tender)));
    }
}
