//! What a browser without a session is told.
//!
//! Invariant: each page names the command that helps. Proved by `a_used_link_says_how_to_get_another`.

use maud::{Markup, html};

use crate::web::texts::Language;

/// Where the link comes from.
pub fn page(language: Language) -> Markup {
    html! {
        p { (language.text("sign-in-how")) }
        pre { "tradepost open --data DIR" }
    }
}

/// The link was used, or its time is over.
pub fn used(language: Language) -> Markup {
    html! {
        p { (language.text("sign-in-used")) }
        (page(language))
    }
}

/// The session is open: on to the first page, by itself where the script runs.
pub fn welcome(language: Language) -> Markup {
    html! {
        p { (language.text("sign-in-welcome")) }
        p { a.button href="/" data-follow { (language.text("sign-in-go-on")) } }
    }
}
