//! Words of states as people read them, each with its badge.
//!
//! Invariant: every state has a sentence in both languages. Proved by `every_state_has_its_words`.

use maud::{Markup, html};

use crate::app::model::{FulfilmentState, OrderState, PaymentState, Secured};
use crate::web::texts::Language;

/// A state's key in the texts: its family and its word.
pub fn key(family: &str, word: &str) -> String {
    format!("{family}-{}", word.replace('_', "-"))
}

/// A badge: text and a mark, so colour is never the only signal.
pub fn badge(language: Language, family: &str, word: &str) -> Markup {
    html! { span.badge data-word=(word) { (language.text(&key(family, word))) } }
}

/// The three states of an order side by side.
pub fn states(language: Language, order: OrderState, goods: FulfilmentState, money: PaymentState) -> Markup {
    html! {
        (badge(language, "order", order.word())) " " (badge(language, "goods", goods.word())) " "
        (badge(language, "money", money.word()))
    }
}

/// That head office has not seen something yet.
pub fn unseen(language: Language) -> Markup {
    html! { span.badge.unseen data-word="unseen" { (language.text("seen-no")) } }
}

/// How much of a promise is covered.
pub fn secured(language: Language, secured: Secured) -> Markup {
    badge(language, "secured", secured.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_words() {
        let families: [(&str, &[&str]); 4] = [
            ("order", OrderState::WORDS),
            ("goods", FulfilmentState::WORDS),
            ("money", PaymentState::WORDS),
            ("secured", Secured::WORDS),
        ];
        for (family, words) in families {
            for word in words {
                for language in Language::ALL {
                    let key = key(family, word);
                    assert_ne!(language.text(&key), key, "{key} in {}", language.tag());
                }
            }
        }
    }
}
