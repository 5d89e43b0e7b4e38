//! The local HTTP API: problem documents, tokens, limits and the routes.
//!
//! The only module that names axum. It holds no business rule: a handler reads the request, calls the application once
//! and writes a typed answer. Wire structs live beside their handlers and never come from `crdt-model`.
//!
//! Invariants: no route but health answers without the token, a foreign Host is refused before routing, no answer
//! carries a CORS header, every error is a problem document. Proved by `every_route_but_health_wants_the_token`,
//! `a_foreign_host_is_misdirected`, `no_answer_carries_a_cors_header` and `every_refusal_is_a_problem_document`.

mod adoption;
mod auth;
pub mod caller;
mod cases;
mod channels;
pub mod check;
mod codes;
mod customers;
pub mod error;
mod events;
pub mod extract;
mod fulfilments;
mod gate;
mod host;
pub mod imports;
mod ledger;
mod loans;
pub mod orders;
pub mod page;
pub mod peers;
mod pointer;
mod products;
mod promise;
pub mod reports;
pub mod router;
mod search;
mod serve;
mod sign_in_links;
mod status;
mod stock;
mod sync;
pub mod upload;

pub use auth::TokenHash;
pub use codes::{PROBLEM_CODES, ProblemCode, Routes};
pub use error::{ProblemBody, problem_body};
pub use router::{HttpConfig, openapi_json, router};
pub use serve::{LocalCaller, serve};

#[cfg(test)]
pub(crate) mod tests {
    pub mod world;
}
