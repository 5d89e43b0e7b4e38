//! What an address asks of a page: its parameters, without those that a form left empty.
//!
//! Invariant: links of a page keep every parameter but the ones they change. Proved by `a_link_changes_one_parameter`.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::Web;
use crate::app::model::PageRequest;
use crate::http::check::Errors;
use crate::http::error::Problem;
use crate::http::extract::parameters_of;
use crate::http::page::to_wire;

/// Parameters that say something about the page and nothing about its content.
const OF_THE_PAGE: [&str; 1] = ["done"];

/// The parameters of an address, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageQuery {
    pairs: Vec<(String, String)>,
}

impl PageQuery {
    /// Reads a query.
    pub fn of(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        let pairs = pairs.map(|(key, value)| (key.into_owned(), value.trim().to_owned()));
        Self { pairs: pairs.filter(|(key, value)| !value.is_empty() && !OF_THE_PAGE.contains(&key.as_str())).collect() }
    }

    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Those of `names` that are there.
    pub fn chosen(&self, names: &[&'static str]) -> Vec<(&'static str, String)> {
        names.iter().filter_map(|name| Some((*name, self.get(name)?.to_owned()))).collect()
    }

    /// Typed, as the API takes them.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        parameters_of(&self.to_text())
    }

    /// Without a parameter.
    pub fn without(&self, name: &str) -> Self {
        Self { pairs: self.pairs.iter().filter(|(key, _)| key != name).cloned().collect() }
    }

    /// With another value of a parameter.
    pub fn plus(&self, name: &str, value: &str) -> Self {
        let mut changed = self.without(name);
        changed.pairs.push((name.to_owned(), value.to_owned()));
        changed
    }

    /// The page of a list that is asked for.
    pub fn page(&self) -> Result<PageRequest, Problem> {
        let mut errors = Errors::default();
        let page = errors.page(self.get("limit"), self.get("cursor").map(str::to_owned));
        errors.finish(page)
    }

    /// The address of the next page, where there is one.
    pub fn next(&self, path: &str, cursor: Option<&str>) -> Option<String> {
        cursor.map(|cursor| self.plus("cursor", &to_wire(cursor)).at(path))
    }

    /// As it stands behind the `?`.
    pub fn to_text(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.pairs).finish()
    }

    /// An address with these parameters.
    pub fn at(&self, path: &str) -> String {
        if self.pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", self.to_text()) }
    }
}

impl FromRequestParts<Web> for PageQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Web) -> Result<Self, Problem> {
        Ok(Self::of(parts.uri.query().unwrap_or_default()))
    }
}

/// The path of these segments, whatever characters they hold.
pub fn path(segments: &[&str]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        for byte in segment.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => path.push(char::from(byte)),
                other => path.push_str(&format!("%{other:02X}")),
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_changes_one_parameter() {
        let query = PageQuery::of("status=confirmed&from=&channel=a%26b&done=x");
        assert_eq!(query.at("/orders"), "/orders?status=confirmed&channel=a%26b");
        assert_eq!(query.without("status").at("/orders"), "/orders?channel=a%26b");
        assert_eq!(query.plus("status", "cancelled").get("status"), Some("cancelled"));
        assert_eq!(PageQuery::of("from=&done=y").at("/orders"), "/orders");
        assert_eq!(query.chosen(&["from", "channel"]), [("channel", "a&b".to_owned())]);
    }
}
