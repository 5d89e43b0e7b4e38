//! The bearer token of the local API.
//!
//! Only its hash is kept. Hashes are compared in constant time by BLAKE3's own equality.
//!
//! Invariant: one `Authorization` header with exactly this token opens the API, anything else does not. Proved by
//! `only_the_exact_token_opens`.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// The hash of the token that callers must show.
#[derive(Debug, Clone, Copy)]
pub struct TokenHash(blake3::Hash);

impl TokenHash {
    /// Hashes a token.
    pub fn of(token: &str) -> Self {
        Self(blake3::hash(token.as_bytes()))
    }

    /// Whether the headers hold this token as the only credential.
    pub(super) fn opens(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let Some((scheme, token)) = split_scheme(value.as_bytes()) else { return false };
        scheme.eq_ignore_ascii_case(b"bearer") && blake3::hash(token) == self.0
    }
}

fn split_scheme(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = value.iter().position(|b| *b == b' ')?;
    Some((&value[..space], &value[space + 1..]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_exact_token_opens() {
        let hash = TokenHash::of("secret");
        for (value, opens) in [
            ("Bearer secret", true),
            ("bearer secret", true),
            ("Bearer secret2", false),
            ("Bearer  secret", false),
            ("Bearer ", false),
            ("Basic secret", false),
            ("secret", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            assert_eq!(hash.opens(&headers), opens, "{value}");
        }
    }

    #[test]
    fn two_credentials_do_not_open() {
        let mut headers = HeaderMap::new();
        assert!(!TokenHash::of("secret").opens(&headers));
        headers.append(AUTHORIZATION, "Bearer secret".parse().unwrap());
        headers.append(AUTHORIZATION, "Bearer secret".parse().unwrap());
        assert!(!TokenHash::of("secret").opens(&headers));
    }
}
