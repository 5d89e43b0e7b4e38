//! Who may see the pages: one-time sign-in links, sessions, and the two proofs that a page shows.
//!
//! A browser proves a session by its cookie and, for whatever changes something, by a token that only our own pages know:
//! cookies are not kept apart by port, so another server of this machine may get the cookie and must not get further.
//! Kept on disk is the hash of the cookie's secret; a session outlives a restart of the node.
//!
//! Invariants: a link opens once and for one hour; the token cannot be worked out from what is stored; at most
//! [`SESSIONS_MAX`] sessions. Proved by `a_link_opens_once`, `a_link_is_over_after_its_hour`,
//! `a_session_outlives_a_restart_and_ends_when_it_is_over` and `the_oldest_session_gives_way_to_one_past_the_limit`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::sessions::KeptSession;
use crate::clock;
use crate::entropy;

/// Sessions at the same time.
pub const SESSIONS_MAX: usize = 64;
/// Sign-in links that wait to be opened.
pub const LINKS_MAX: usize = 64;
/// How long a sign-in link may be opened, in milliseconds.
pub const LINK_MS_MAX: i64 = 3_600_000;
/// How long a session lasts, in milliseconds: 30 days.
pub const SESSION_MS_MAX: i64 = 30 * 24 * 3_600_000;

const LINK_CONTEXT: &str = "tradepost 2026 sign-in link";
const KEPT_CONTEXT: &str = "tradepost 2026 session as kept";
const TOKEN_CONTEXT: &str = "tradepost 2026 token of our pages";

/// The secret in the cookie of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

impl Secret {
    fn kept_as(&self) -> [u8; 32] {
        blake3::derive_key(KEPT_CONTEXT, &self.0)
    }

    /// The token that our own pages send beside the cookie.
    pub fn page_token(&self) -> String {
        blake3::Hash::from(blake3::derive_key(TOKEN_CONTEXT, &self.0)).to_hex().to_string()
    }

    /// Whether `token` is that token; compared in constant time.
    pub fn has_page_token(&self, token: &str) -> bool {
        let own = blake3::Hash::from(blake3::derive_key(TOKEN_CONTEXT, &self.0));
        blake3::Hash::from_hex(token).is_ok_and(|token| token == own)
    }

    /// As it stands in the cookie.
    pub fn to_text(self) -> String {
        blake3::Hash::from(self.0).to_hex().to_string()
    }
}

/// All sessions and links of a node.
#[derive(Debug)]
pub struct Sessions {
    cookie: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By the hash of the secret: until when.
    sessions: BTreeMap<[u8; 32], i64>,
    /// Hash of the code and until when.
    links: Vec<([u8; 32], i64)>,
}

impl Sessions {
    /// Reads the sessions that an earlier run of the node left.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn open(app: &App) -> Result<Self, AppError> {
        let kept = app.kept_sessions()?;
        let sessions = kept.into_iter().map(|session| (session.hash, session.until_ms)).collect();
        let cookie = format!("tradepost_{}", app.node_name());
        Ok(Self { cookie, state: Mutex::new(State { sessions, links: Vec::new() }) })
    }

    /// The name of the cookie: another one for each node, for they share the host.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Makes the code of a new link; the oldest gives way where too many wait.
    ///
    /// # Errors
    /// If the machine has no random bytes.
    pub fn new_link(&self) -> Result<String, AppError> {
        let code = random::<16>()?;
        let mut state = self.state();
        if state.links.len() >= LINKS_MAX {
            state.links.remove(0);
        }
        state.links.push((blake3::derive_key(LINK_CONTEXT, &code), clock::now().0 + LINK_MS_MAX));
        Ok(code.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Opens a session with the code of a link, once; `None` where the code is not, or no longer, good.
    ///
    /// # Errors
    /// If the session cannot be kept.
    pub async fn sign_in(&self, app: &App, code: &str) -> Result<Option<Secret>, AppError> {
        if !self.use_link(code, clock::now().0) {
            return Ok(None);
        }
        let secret = Secret(random::<32>()?);
        let (session, ended) = self.admit(&secret, clock::now().0);
        app.keep_session(&session, &ended).await?;
        Ok(Some(secret))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// If that cannot be kept.
    pub async fn sign_out(&self, app: &App, secret: &Secret) -> Result<(), AppError> {
        let hash = secret.kept_as();
        self.state().sessions.remove(&hash);
        app.forget_session(&hash).await
    }

    /// The session of a request, if its cookie names one that is not over.
    pub fn of(&self, headers: &HeaderMap) -> Option<Secret> {
        let secret = cookie_of(headers, &self.cookie)?;
        let secret = Secret(*blake3::Hash::from_hex(secret).ok()?.as_bytes());
        let until = *self.state().sessions.get(&secret.kept_as())?;
        (clock::now().0 < until).then_some(secret)
    }

    fn use_link(&self, code: &str, now_ms: i64) -> bool {
        let Some(code) = code_bytes(code) else { return false };
        let hash = blake3::derive_key(LINK_CONTEXT, &code);
        let mut state = self.state();
        state.links.retain(|(_, until)| now_ms < *until);
        let known = state.links.iter().position(|(link, _)| *link == hash);
        known.map(|at| state.links.remove(at)).is_some()
    }

    /// Adds a session; gives what is to be kept and the hashes of those that are over or give way.
    fn admit(&self, secret: &Secret, now_ms: i64) -> (KeptSession, Vec<[u8; 32]>) {
        let mut state = self.state();
        let mut ended: Vec<_> = state.sessions.iter().filter(|(_, until)| **until <= now_ms).map(|(h, _)| *h).collect();
        let mut others: Vec<_> = state.sessions.iter().filter(|(_, until)| **until > now_ms).collect();
        others.sort_by_key(|(_, until)| **until);
        let surplus = (others.len() + 1).saturating_sub(SESSIONS_MAX);
        ended.extend(others.iter().take(surplus).map(|(hash, _)| **hash));
        state.sessions.retain(|hash, _| !ended.contains(hash));
        let session = KeptSession { hash: secret.kept_as(), until_ms: now_ms + SESSION_MS_MAX };
        state.sessions.insert(session.hash, session.until_ms);
        (session, ended)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The value of a cookie that a request names exactly once.
pub fn cookie_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

fn random<const N: usize>() -> Result<[u8; N], AppError> {
    entropy::bytes::<N>().map_err(|error| AppError::Storage(error.to_string()))
}

fn code_bytes(code: &str) -> Option<[u8; 16]> {
    if code.len() != 32 || !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 16];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&code[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::http::tests::world::World;

    fn with_cookie(sessions: &Sessions, secret: &Secret) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, format!("a=1; {}={}; b=2", sessions.cookie(), secret.to_text()).parse().unwrap());
        headers
    }

    #[tokio::test]
    async fn a_link_opens_once() {
        let world = World::new();
        let sessions = Sessions::open(world.app()).unwrap();
        let code = sessions.new_link().unwrap();
        for wrong in ["", "00", "not a code", &"0".repeat(32), &code[1..]] {
            assert_eq!(sessions.sign_in(world.app(), wrong).await.unwrap(), None, "{wrong}");
        }
        let secret = sessions.sign_in(world.app(), &code).await.unwrap().unwrap();
        assert_eq!(sessions.of(&with_cookie(&sessions, &secret)), Some(secret));
        assert_eq!(sessions.sign_in(world.app(), &code).await.unwrap(), None, "used");
    }

    #[test]
    fn a_link_is_over_after_its_hour() {
        let sessions = Sessions::open(World::new().app()).unwrap();
        let now = clock::now().0;
        let (early, late) = (sessions.new_link().unwrap(), sessions.new_link().unwrap());
        assert!(sessions.use_link(&early, now + LINK_MS_MAX - 1));
        assert!(!sessions.use_link(&late, now + LINK_MS_MAX + 10_000));
    }

    #[tokio::test]
    async fn a_session_outlives_a_restart_and_ends_when_it_is_over() {
        let world = World::new();
        let sessions = Sessions::open(world.app()).unwrap();
        let code = sessions.new_link().unwrap();
        let secret = sessions.sign_in(world.app(), &code).await.unwrap().unwrap();
        let again = Sessions::open(world.app()).unwrap();
        let headers = with_cookie(&again, &secret);
        assert_eq!(again.of(&headers), Some(secret));
        again.state().sessions.values_mut().for_each(|until| *until = clock::now().0 - 1);
        assert_eq!(again.of(&headers), None);
        sessions.sign_out(world.app(), &secret).await.unwrap();
        assert_eq!(sessions.of(&headers), None);
        assert_eq!(Sessions::open(world.app()).unwrap().of(&headers), None);
    }

    #[test]
    fn the_oldest_session_gives_way_to_one_past_the_limit() {
        let sessions = Sessions::open(World::new().app()).unwrap();
        let secret = |n: usize| Secret([n as u8; 32]);
        for n in 0..SESSIONS_MAX {
            assert_eq!(sessions.admit(&secret(n), 1_000 + n as i64).1, Vec::<[u8; 32]>::new());
        }
        let (_, ended) = sessions.admit(&secret(200), 5_000);
        assert_eq!(ended, [secret(0).kept_as()]);
        let (_, ended) = sessions.admit(&secret(201), 5_000 + SESSION_MS_MAX);
        assert_eq!(ended.len(), SESSIONS_MAX, "all that are over go");
    }

    #[test]
    fn the_page_token_is_proved_by_the_secret_alone() {
        let (one, other) = (Secret([1; 32]), Secret([2; 32]));
        assert!(one.has_page_token(&one.page_token()) && !one.has_page_token(&other.page_token()));
        assert!(!one.has_page_token("") && !one.has_page_token(&one.to_text()));
        assert_ne!(blake3::Hash::from(one.kept_as()).to_hex().to_string(), one.page_token());
    }

    #[test]
    fn a_cookie_that_is_named_twice_is_none() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "x=1; y=2".parse().unwrap());
        assert_eq!((cookie_of(&headers, "x"), cookie_of(&headers, "z")), (Some("1"), None));
        headers.append(COOKIE, "x=3".parse().unwrap());
        assert_eq!((cookie_of(&headers, "x"), cookie_of(&headers, "y")), (None, Some("2")));
    }
}
