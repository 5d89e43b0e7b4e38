//! Control: who belongs to the organisation, its sites, keepers and channels. `event` holds the bodies, `state` the fold,
//! `grants` what each site holds, `capability` who writes what, `history` the state at the heads that a commit cites.
//!
//! Replicated to everyone and judged by itself: the genesis is the only commit that needs no earlier admission.

pub mod capability;
pub mod event;
pub mod grants;
pub mod history;
pub mod state;
