//! Why a node could not be made, opened or served: with a code for programs and a remedy for people.
//!
//! Invariant: every variant has a code and a remedy. Proved by `every_error_has_a_code_and_a_remedy`.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use crate::replica::ReplicaError;
use crate::store::{StoreError, WriteError};

/// Why there is no node.
#[derive(Debug, Error)]
pub enum NodeError {
    /// Another process holds the folder.
    #[error("another process{} holds {}", named(*pid), data.display())]
    Locked {
        /// The folder.
        data: PathBuf,
        /// Where the running node answers, if it said so.
        page: Option<String>,
        /// Its process id, if it said so.
        pid: Option<u32>,
    },
    /// The folder holds no node.
    #[error("{} holds no node", data.display())]
    NotInitialised {
        /// The folder.
        data: PathBuf,
    },
    /// The folder holds a node already.
    #[error("{} holds a node already", data.display())]
    AlreadyInitialised {
        /// The folder.
        data: PathBuf,
    },
    /// An argument is not valid.
    #[error("{field}: {detail}")]
    BadRequest {
        /// Which argument.
        field: &'static str,
        /// What is wrong.
        detail: String,
        /// What to give.
        remedy: &'static str,
    },
    /// The folder's keys and database do not belong together.
    #[error("the author key of {} is not a member of its organisation", data.display())]
    ForeignKey {
        /// The folder.
        data: PathBuf,
    },
    /// The folder's node began to join and is not admitted.
    #[error("the node of {} is not admitted yet", data.display())]
    NotAdmitted {
        /// The folder.
        data: PathBuf,
    },
    /// The UDP port for other nodes is taken.
    #[error("UDP port {} for other nodes is taken ({address})", address.port())]
    SyncPortTaken {
        /// Where it was tried.
        address: SocketAddr,
    },
    /// Nobody admitted this device.
    #[error("{detail}")]
    Join {
        /// Stable code, such as `ticket_used`.
        code: &'static str,
        /// What happened.
        detail: String,
    },
    /// A file or socket failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A commit could not be written.
    #[error("{0}")]
    Write(String),
}

impl NodeError {
    /// A file or socket failed while `what` was tried.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what: what.into(), source }
    }

    /// The code for programs.
    pub fn code(&self) -> &str {
        match self {
            Self::Locked { .. } => "locked",
            Self::NotInitialised { .. } => "not_initialised",
            Self::AlreadyInitialised { .. } => "already_initialised",
            Self::BadRequest { .. } => "bad_request",
            Self::ForeignKey { .. } => "foreign_key",
            Self::NotAdmitted { .. } => "not_admitted",
            Self::SyncPortTaken { .. } => "sync_port_taken",
            Self::Join { code, .. } => code,
            Self::Io { .. } => "io",
            Self::Store(_) | Self::Write(_) => "storage",
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        match self {
            Self::Locked { .. } => "Use the running node, or stop it first.",
            Self::NotInitialised { .. } => "Run `tradepost init --data DIR ...` first, or name another folder.",
            Self::AlreadyInitialised { .. } => "Name an empty folder, or use this node as it is.",
            Self::BadRequest { remedy, .. } => remedy,
            Self::ForeignKey { .. } => "Put the folder's own `keys` back beside its database.",
            Self::NotAdmitted { .. } => "Run `tradepost join --data DIR TICKET` again with the same ticket.",
            Self::SyncPortTaken { .. } => {
                "Stop the other program, or choose another port once: `--sync-listen 0.0.0.0:PORT`."
            }
            Self::Join { code, .. } => join_remedy(code),
            Self::Io { .. } => "Check that the path exists, is writable and that the address is free.",
            Self::Store(_) | Self::Write(_) => "Check the disk; then start again. What was acknowledged is kept.",
        }
    }

    /// Where the running node answers, when the folder is locked.
    pub fn page(&self) -> Option<&str> {
        match self {
            Self::Locked { page, .. } => page.as_deref(),
            Self::NotInitialised { .. }
            | Self::AlreadyInitialised { .. }
            | Self::BadRequest { .. }
            | Self::ForeignKey { .. }
            | Self::NotAdmitted { .. }
            | Self::SyncPortTaken { .. }
            | Self::Join { .. }
            | Self::Io { .. }
            | Self::Store(_)
            | Self::Write(_) => None,
        }
    }
}

impl From<WriteError<StoreError>> for NodeError {
    fn from(error: WriteError<StoreError>) -> Self {
        match error {
            WriteError::Panicked { message } => Self::Write(message),
            WriteError::Aborted(error) | WriteError::Store(error) | WriteError::CommitIndeterminate(error) => {
                Self::Store(error)
            }
        }
    }
}

impl From<WriteError<ReplicaError>> for NodeError {
    fn from(error: WriteError<ReplicaError>) -> Self {
        match error {
            WriteError::Aborted(error) => Self::Write(error.to_string()),
            WriteError::Panicked { message } => Self::Write(message),
            WriteError::Store(error) | WriteError::CommitIndeterminate(error) => Self::Store(error),
        }
    }
}

fn join_remedy(code: &str) -> &'static str {
    match code {
        "inviter_unreachable" => "Let the inviter serve and check the network; then join again with the same ticket.",
        "wrong_org" => "Name an empty folder, or ask for a ticket of the right organisation.",
        "bad_ticket" => "Copy the whole ticket, from `tradepost` to its end.",
        _other => "Ask the inviter for a new ticket: `tradepost peer invite`.",
    }
}

fn named(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (pid {pid})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_code_and_a_remedy() {
        let data = || PathBuf::from("shop");
        let errors = [
            NodeError::Locked { data: data(), page: Some("http://127.0.0.1:1".to_owned()), pid: Some(7) },
            NodeError::NotInitialised { data: data() },
            NodeError::AlreadyInitialised { data: data() },
            NodeError::BadRequest { field: "site", detail: String::new(), remedy: "Give a code." },
            NodeError::ForeignKey { data: data() },
            NodeError::NotAdmitted { data: data() },
            NodeError::SyncPortTaken { address: SocketAddr::from(([127, 0, 0, 1], 4433)) },
            NodeError::Join { code: "ticket_used", detail: String::new() },
            NodeError::io("reading")(io::Error::other("broken")),
            NodeError::Store(StoreError::Closed),
            NodeError::Write("why".to_owned()),
        ];
        for error in errors {
            assert!(!error.code().is_empty() && !error.remedy().is_empty(), "{error}");
            assert_eq!(error.page().is_some(), error.code() == "locked");
        }
    }
}
