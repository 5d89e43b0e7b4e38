//! Style, script and icon: files of `node/assets`, embedded in the program (read from disk in debug builds).
//!
//! Invariant: an address with the right hash may be kept for ever, for another content has another address. Proved by
//! `an_asset_is_kept_by_browsers_under_its_hash`.

use std::sync::OnceLock;

use axum::extract::{Path, Query};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use serde::Deserialize;

use crate::app::error::AppError;
use crate::http::error::Problem;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

/// Hexadecimal digits of a hash in an address.
const HASH_DIGITS: usize = 16;

/// The address of an asset, with a hash of what it holds.
pub fn address(name: &str) -> String {
    match Assets::get(name) {
        Some(file) => format!("/assets/{name}?v={}", hash(&file.data)),
        None => format!("/assets/{name}"),
    }
}

/// The addresses that every page names: style, script, icon.
pub fn addresses() -> &'static [String; 3] {
    static ADDRESSES: OnceLock<[String; 3]> = OnceLock::new();
    ADDRESSES.get_or_init(|| ["app.css", "app.js", "icon.svg"].map(address))
}

fn hash(data: &[u8]) -> String {
    blake3::hash(data).to_hex()[..HASH_DIGITS].to_owned()
}

/// What an address says beside the name.
#[derive(Debug, Deserialize)]
pub struct Version {
    v: Option<String>,
}

/// One file.
pub async fn asset(Path(name): Path<String>, Query(version): Query<Version>) -> Result<Response, Problem> {
    let file = Assets::get(&name).ok_or_else(|| AppError::NotFound { what: "asset", id: name.clone() })?;
    let fits = version.v.is_some_and(|version| version == hash(&file.data));
    let keep = if fits { "public, max-age=31536000, immutable" } else { "no-cache" };
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some(_) | None => "application/octet-stream",
    };
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, keep)], file.data.into_owned()).into_response())
}

/// The icon under the address that browsers ask for by themselves.
pub async fn icon() -> Result<Response, Problem> {
    asset(Path("icon.svg".to_owned()), Query(Version { v: None })).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::http::tests::world::World;

    #[tokio::test]
    async fn an_asset_is_kept_by_browsers_under_its_hash() {
        let world = World::new();
        for name in ["app.css", "app.js", "icon.svg"] {
            let answer = world.get(&address(name)).await;
            assert_eq!(answer.status, 200);
            assert!(answer.headers["cache-control"].to_str().unwrap().contains("immutable"), "{name}");
            let stale = world.get(&format!("/assets/{name}?v=0")).await;
            assert_eq!((stale.status, stale.headers["cache-control"].to_str().unwrap()), (200, "no-cache"));
        }
        assert_eq!(world.get("/assets/none.js").await.status, 404);
        assert_eq!(world.get("/assets/..%2FCargo.toml").await.status, 404);
    }

    #[test]
    fn the_script_has_at_most_400_lines() {
        let script = Assets::get("app.js").unwrap();
        let lines = std::str::from_utf8(&script.data).unwrap().lines().count();
        assert!(lines <= 400, "{lines}");
    }
}
