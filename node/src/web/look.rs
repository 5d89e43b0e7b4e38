//! How a reader wants the pages: language, theme and size of type, kept in a cookie of this browser.
//!
//! Invariant: what the cookie does not say is the browser's own wish. Proved by `a_look_is_read_back_as_it_was_chosen`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, SET_COOKIE};
use axum::response::{AppendHeaders, IntoResponse, Redirect};

use super::Web;
use super::form::Form;
use super::session::cookie_of;
use super::texts::Language;

const COOKIE: &str = "tradepost_look";
/// A year, in seconds.
const COOKIE_SECONDS: u32 = 365 * 24 * 3_600;

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// How large the type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Size {
    /// For a desk.
    #[default]
    Normal,
    /// For a counter.
    Big,
}

/// How a reader wants the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// The language of every sentence.
    pub language: Language,
    /// The theme.
    pub theme: Theme,
    /// The size of type.
    pub size: Size,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Its word in cookie and HTML.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Size {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Normal, Self::Big];

    /// Its word in cookie and HTML.
    pub fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Big => "big",
        }
    }
}

impl Look {
    /// What cookie and browser say.
    pub fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut look = Self { language: Language::of_accept(accepted), ..Self::default() };
        for word in cookie_of(headers, COOKIE).unwrap_or_default().split('.') {
            look.take(word);
        }
        look
    }

    fn take(&mut self, word: &str) {
        self.language = Language::from_tag(word).unwrap_or(self.language);
        self.theme = Theme::ALL.into_iter().find(|theme| theme.word() == word).unwrap_or(self.theme);
        self.size = Size::ALL.into_iter().find(|size| size.word() == word).unwrap_or(self.size);
    }

    fn cookie(self) -> String {
        let words = [self.language.tag(), self.theme.word(), self.size.word()].join(".");
        format!("{COOKIE}={words}; Path=/; Max-Age={COOKIE_SECONDS}; SameSite=Strict; HttpOnly")
    }
}

/// Keeps the look that a reader chose and goes back to where it was chosen.
pub async fn choose(State(_web): State<Web>, headers: HeaderMap, form: Form) -> impl IntoResponse {
    let mut look = Look::of(&headers);
    for name in ["language", "theme", "size"] {
        look.take(form.get(name).unwrap_or_default());
    }
    (AppendHeaders([(SET_COOKIE, look.cookie())]), Redirect::to(own_address(form.get("back").unwrap_or_default())))
}

/// An address of this node: anything else leads to the first page.
pub fn own_address(address: &str) -> &str {
    let own = address.starts_with('/') && !address.starts_with("//") && !address.contains(['\\', '\r', '\n']);
    if own { address } else { "/" }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::header::COOKIE as COOKIE_HEADER;

    use super::*;

    #[test]
    fn a_look_is_read_back_as_it_was_chosen() {
        for language in Language::ALL {
            for theme in Theme::ALL {
                for size in Size::ALL {
                    let look = Look { language, theme, size };
                    let mut headers = HeaderMap::new();
                    headers.insert(ACCEPT_LANGUAGE, "en".parse().unwrap());
                    headers.insert(COOKIE_HEADER, look.cookie().split(';').next().unwrap().parse().unwrap());
                    assert_eq!(Look::of(&headers), look);
                }
            }
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, "en".parse().unwrap());
        headers.insert(COOKIE_HEADER, "tradepost_look=nonsense.dark".parse().unwrap());
        assert_eq!(Look::of(&headers), Look { language: Language::En, theme: Theme::Dark, size: Size::Normal });
    }

    #[test]
    fn only_an_address_of_this_node_is_gone_to() {
        for (address, wanted) in [
            ("/orders?view=all", "/orders?view=all"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_address(address), wanted, "{address:?}");
        }
    }
}
