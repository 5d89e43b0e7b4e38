//! Sync: the protocol by which two nodes exchange the commits of the scopes that both hold. Sans-IO.
//!
//! It opens no socket, reads no clock, draws no randomness and runs no thread: bytes and snapshots come in, effects go
//! out (`session`). `frame` cuts the stream, `message` and `run` are its bodies, `log` what is read of the store, `grants`
//! what a peer may see. `docs/sync-protocol.md` draws every byte.
//!
//! Invariants: what a peer gets is derived from its grants, never from what it asks for; memory per peer is bounded
//! whatever it sends. Proved by `session/tests`.

mod frame;
mod grants;
mod log;
mod message;
mod run;
mod session;

pub use frame::{FRAME_BYTES_MAX, FrameError};
pub use grants::Grants;
pub use log::{Have, Head, Log, LogError, Totals};
pub use message::{Pause, PeerAddress};
pub use session::{Closing, Effect, Incoming, Reason, Session, SessionConfig, SessionStatus, Side};
