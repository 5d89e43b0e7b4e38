//! Why the application did not do what was asked: facts only.
//!
//! No status, title or remedy of a known kind stands here; `http/error.rs` and the command line add them.
//!
//! Invariant: every kind reaches the caller under its own code. Proved by `every_error_has_a_code_and_a_status`.

use crdt_model::scope::SiteCode;
use crdt_model::text::Text;
use thiserror::Error;

use crate::store::NoRoom;

/// One thing that is wrong with what the caller sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Where: a JSON pointer into the body, or `/name` of a query parameter.
    pub pointer: String,
    /// What is wrong, with the numbers.
    pub detail: String,
    /// What to do about it.
    pub remedy: String,
}

/// Why a call of the application failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AppError {
    /// There is no such thing.
    #[error("no {what} `{id}`")]
    NotFound {
        /// `order`, `product` ...
        what: &'static str,
        /// As the caller wrote it.
        id: String,
    },
    /// Fields do not hold what they must.
    #[error("{} fields are not valid", errors.len())]
    Invalid {
        /// Each of them; at least one.
        errors: Vec<FieldError>,
    },
    /// The idempotency key was used for something else.
    #[error("idempotency key `{key}` was used with another body")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// The first request with this key is still running.
    #[error("the first request with this idempotency key is still running")]
    InProgress,
    /// The state of things does not allow it.
    #[error("{detail}")]
    Conflict {
        /// Its machine-readable name.
        code: &'static str,
        /// What stands against it.
        detail: String,
        /// What to do about it.
        remedy: String,
    },
    /// What was sent cannot be taken as it is.
    #[error("{detail}")]
    Refused {
        /// Its machine-readable name.
        code: &'static str,
        /// What is wrong.
        detail: String,
        /// What to do about it.
        remedy: String,
    },
    /// The channel's orders are taken elsewhere.
    #[error("channel `{channel}` has its home at site {site}")]
    OtherHome {
        /// The channel.
        channel: Text,
        /// Its home.
        site: SiteCode,
    },
    /// There is no such channel.
    #[error("no channel `{channel}`")]
    UnknownChannel {
        /// As the caller wrote it.
        channel: Text,
    },
    /// The disk has no room for it.
    #[error("the disk is full: {0}")]
    DiskFull(NoRoom),
    /// The machine failed: for the log, not for the caller.
    #[error("storage: {0}")]
    Storage(String),
    /// The node is going down.
    #[error("the node is stopping")]
    Stopping,
    /// Too much is running already.
    #[error("too much is running already")]
    Busy,
    /// What was sent is too large.
    #[error("more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
}

impl AppError {
    /// Points at the item of a request without lines.
    pub(crate) fn at_sku(self) -> Self {
        self.at("/lines/0/sku", "/sku")
    }

    /// Points elsewhere: what the machine calls one field the request calls another.
    pub(crate) fn at(self, from: &str, to: &str) -> Self {
        match self {
            Self::Invalid { mut errors } => {
                for error in &mut errors {
                    error.pointer = error.pointer.replace(from, to);
                }
                Self::Invalid { errors }
            }
            other => other,
        }
    }

    /// Folded rows are damaged, or of another version; the commits that they come from are not.
    pub fn rows_unreadable(why: &impl std::fmt::Display) -> Self {
        Self::Conflict {
            code: "rebuild_needed",
            detail: format!("a stored row cannot be read: {why}"),
            remedy: "Run `tradepost rebuild`: it makes all rows anew from the commits, none of which is lost."
                .to_owned(),
        }
    }

    /// Whether folded rows cannot be read.
    pub fn is_rebuild_needed(&self) -> bool {
        matches!(self, Self::Conflict { code, .. } if *code == "rebuild_needed")
    }

    /// One wrong field.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let error = FieldError { pointer: pointer.into(), detail: detail.into(), remedy: remedy.into() };
        Self::Invalid { errors: vec![error] }
    }
}
