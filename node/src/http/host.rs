//! Which addresses are ours: the Host allow-list and the checks against foreign pages.
//!
//! A page of another origin reaches the loopback by DNS rebinding or a plain form; both show in Host, Origin or
//! Sec-Fetch-Site.
//!
//! Invariants: exactly one Host, one of `127.0.0.1:port`, `[::1]:port`, `localhost:port`; the authority of an
//! absolute-form target equals it; an unsafe method comes from our own origin or from no page. Proved by
//! `only_our_own_addresses_are_hosts` and `an_unsafe_method_needs_our_own_origin`.

use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, Method, Uri};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The addresses under which this node answers.
#[derive(Debug, Clone)]
pub struct Hosts {
    allowed: Vec<String>,
}

impl Hosts {
    /// The loopback names with `port`; without it too where it is HTTP's own.
    pub fn of_port(port: u16) -> Self {
        let names = ["127.0.0.1", "[::1]", "localhost"];
        let mut allowed: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
        if port == 80 {
            allowed.extend(names.iter().map(|name| (*name).to_owned()));
        }
        Self { allowed }
    }

    /// The one Host of a request if it is ours and the target names no other.
    pub fn own<'a>(&self, headers: &'a HeaderMap, target: &Uri) -> Option<&'a str> {
        let host = only(headers, &HOST)?;
        let ours = self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(host));
        let agrees = target.authority().is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(host));
        (ours && agrees).then_some(host)
    }
}

/// Whether a request to `host` changes nothing or comes from our own page or no page.
pub fn from_own_page(method: &Method, headers: &HeaderMap, host: &str) -> bool {
    if method.is_safe() {
        return true;
    }
    let origin_fits = !headers.contains_key(ORIGIN)
        || only(headers, &ORIGIN)
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(|origin| origin.eq_ignore_ascii_case(host));
    let site_fits = !headers.contains_key(&SEC_FETCH_SITE)
        || matches!(only(headers, &SEC_FETCH_SITE), Some("same-origin" | "none"));
    origin_fits && site_fits
}

/// The value of a header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_our_own_addresses_are_hosts() {
        let hosts = Hosts::of_port(7070);
        for (host, ours) in [
            ("127.0.0.1:7070", true),
            ("[::1]:7070", true),
            ("localhost:7070", true),
            ("LocalHost:7070", true),
            ("127.0.0.1", false),
            ("localhost", false),
            ("127.0.0.1:7071", false),
            ("127.0.0.1:07070", false),
            ("localhost.:7070", false),
            ("localhost:7070.", false),
            ("127.0.0.2:7070", false),
            ("0.0.0.0:7070", false),
            ("127.1:7070", false),
            ("2130706433:7070", false),
            ("::1:7070", false),
            ("[::ffff:127.0.0.1]:7070", false),
            ("evil.example:7070", false),
            ("localhost.evil.example:7070", false),
            ("evil@localhost:7070", false),
            ("localhost:7070, evil.example", false),
            ("", false),
        ] {
            assert_eq!(hosts.own(&headers(&[("host", host)]), &Uri::from_static("/")).is_some(), ours, "{host}");
        }
    }

    #[test]
    fn a_missing_or_doubled_host_is_not_ours() {
        let (hosts, target) = (Hosts::of_port(7070), Uri::from_static("/"));
        assert_eq!(hosts.own(&HeaderMap::new(), &target), None);
        let doubled = headers(&[("host", "localhost:7070"), ("host", "localhost:7070")]);
        assert_eq!(hosts.own(&doubled, &target), None);
    }

    #[test]
    fn an_absolute_target_must_name_the_same_host() {
        let hosts = Hosts::of_port(7070);
        let host = headers(&[("host", "localhost:7070")]);
        assert!(hosts.own(&host, &Uri::from_static("http://localhost:7070/x")).is_some());
        assert!(hosts.own(&host, &Uri::from_static("http://127.0.0.1:7070/x")).is_none());
        assert!(hosts.own(&host, &Uri::from_static("http://evil.example/x")).is_none());
    }

    #[test]
    fn the_port_may_be_left_out_only_where_it_is_80() {
        let host = headers(&[("host", "localhost")]);
        assert!(Hosts::of_port(80).own(&host, &Uri::from_static("/")).is_some());
        assert!(Hosts::of_port(8080).own(&host, &Uri::from_static("/")).is_none());
    }

    #[test]
    fn an_unsafe_method_needs_our_own_origin() {
        let host = "localhost:7070";
        for (pairs, fits) in [
            (vec![], true),
            (vec![("origin", "http://localhost:7070")], true),
            (vec![("origin", "https://localhost:7070")], false),
            (vec![("origin", "http://127.0.0.1:7070")], false),
            (vec![("origin", "http://localhost:8080")], false),
            (vec![("origin", "http://evil.example")], false),
            (vec![("origin", "null")], false),
            (vec![("origin", "http://localhost:7070"), ("origin", "http://localhost:7070")], false),
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("sec-fetch-site", "none")], true),
            (vec![("sec-fetch-site", "same-site")], false),
            (vec![("sec-fetch-site", "cross-site")], false),
        ] {
            assert_eq!(from_own_page(&Method::POST, &headers(&pairs), host), fits, "{pairs:?}");
            assert!(from_own_page(&Method::GET, &headers(&pairs), host), "{pairs:?}");
        }
    }
}
