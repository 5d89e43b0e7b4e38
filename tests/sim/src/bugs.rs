//! Deliberately broken variants, each behind a switch at a seam of the simulated node, with the check that must find it.
//!
//! They live here and not in the product: at the disk, at the machine between writer and replica, at the driver of a
//! session, at the restart. A run without a bug uses none of them.
//!
//! Invariant: each is found within the gate's seeds by the check that it names. Proved by the gate (`gate::bugs`).

use crate::check::Check;

macro_rules! bugs {
    ($($number:literal $name:ident [$($check:ident)+] $text:literal;)*) => {
        /// A broken variant.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug {
            $(#[doc = $text] $name = $number,)*
        }

        impl Bug {
            /// Every variant with what is broken and the checks that may find it.
            pub const ALL: &'static [(Self, &'static str, &'static [Check])] = &[$((Self::$name, $text, &[$(Check::$check),+]),)*];
        }
    };
}

bugs! {
    1 SkipFsync [Durable] "the disk answers syncs and does nothing";
    2 AnswerBeforeFsync [Durable] "an answer leaves before its sync";
    3 SendBeforeDurable [PeerHas Sequence Durable] "what arrived and what keepers book is told to peers before its sync";
    4 DropFrame [PeerHas Converged] "a frame is acknowledged and thrown away";
    5 ReuseSequence [Sequence Durable] "after a restart the last transaction is forgotten and its numbers are used again";
    6 ForgetRequests [Durable Twice] "requests are forgotten at a restart";
    7 RetryWithoutKey [Twice] "a caller whose answer was lost repeats its order as a new one";
    8 RunTwice [Effect] "a movement of stock is written twice";
    9 ShipTwice [Effect] "a shipment is written twice";
    10 LoseCancel [Effect] "a cancel is acknowledged and not written";
    11 LoseLine [Effect] "an order of two lines is taken with one";
    12 CentTooMuch [Effect] "a price is a cent too high";
    13 KeepMemory [Sequence Converged Works Quiet] "a dropped transaction stays in memory";
    14 StaleView [Rights Converged Rebuilt Effect] "a row of stock is not folded again when commits arrive";
    15 DropSetAside [Converged Model] "the mark of a commit that is set aside is dropped";
    16 JudgeByClock [Converged PeerHas] "commits with an older clock than the last are not taken in";
    17 ImportTwice [Twice] "an order of a file that is imported again is a second order";
    18 PromiseWithoutRights [Rights Converged Rebuilt] "promises are made without looking at the rights";
    19 SpendLoanTwice [Rights Converged Rebuilt] "what is drawn of a loan is not taken off its balance";
    20 SkipSignature [Signatures Sequence] "signatures of commits that arrive are not verified";
    21 ShareEverything [Granted] "every scope is shared with every peer";
    22 LoseCase [Rights Converged Rebuilt] "a case is not shown where its reason stands";
}

impl Bug {
    /// The variant of a number.
    pub fn of_number(number: u16) -> Option<Self> {
        Self::ALL.iter().map(|(bug, _, _)| *bug).find(|bug| *bug as u16 == number)
    }

    /// What is broken.
    pub fn text(self) -> &'static str {
        Self::ALL.iter().find(|(bug, _, _)| *bug == self).map_or("", |(_, text, _)| text)
    }

    /// The checks that may find it.
    pub fn checks(self) -> &'static [Check] {
        Self::ALL.iter().find(|(bug, _, _)| *bug == self).map_or(&[], |(_, _, checks)| checks)
    }
}
