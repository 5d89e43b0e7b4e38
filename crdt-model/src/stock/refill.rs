//! When the keeper lends to a holder again without being asked: the low-water rule.
//!
//! The target is the last loan that a person decided, less what the holder gave back since; when what the holder may
//! still promise falls below half of it, the keeper lends up to the target again, as far as its free rights reach.
//!
//! Invariant: a refill never lends more than the free rights, and never lifts a balance above the target. Proved by
//! `a_refill_starts_below_half_and_fills_to_the_target`.

use crate::id::LoanId;
use crate::journal::loan::LoanOrigin;

/// What the rule needs to know of one loan of a holder and item; quantities in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoanStand {
    /// Its name; later loans have higher ones.
    pub loan: LoanId,
    /// Why it was made.
    pub origin: LoanOrigin,
    /// Rights lent.
    pub quantity: i128,
    /// Given back.
    pub returned: i128,
    /// What the holder may still promise.
    pub balance: i128,
}

/// What a holder shall have of an item: the last loan by hand, less what was given back of it and of later ones.
pub fn target(loans: &[LoanStand]) -> i128 {
    let by_hand = loans.iter().filter(|loan| loan.origin == LoanOrigin::ByHand);
    let Some(last) = by_hand.max_by_key(|loan| loan.loan) else { return 0 };
    let returned: i128 = loans.iter().filter(|loan| loan.loan >= last.loan).map(|loan| loan.returned).sum();
    (last.quantity - returned).max(0)
}

/// What the keeper lends now to the holder of these loans of one item; zero for nothing.
pub fn refill(loans: &[LoanStand], free_rights: i128) -> i128 {
    let target = target(loans);
    let balance: i128 = loans.iter().map(|loan| loan.balance).sum();
    if balance * 2 >= target {
        return 0;
    }
    (target - balance).min(target).min(free_rights).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loan(at: u8, origin: LoanOrigin, quantity: i128, balance: i128) -> LoanStand {
        LoanStand { loan: LoanId([at; 16]), origin, quantity, returned: 0, balance }
    }

    #[test]
    fn a_refill_starts_below_half_and_fills_to_the_target() {
        for (balance, free, lends) in [(10, 99, 0), (5, 99, 0), (4, 99, 6), (0, 99, 10), (4, 3, 3), (0, -2, 0)] {
            let loans = [loan(1, LoanOrigin::ByHand, 10, balance)];
            assert_eq!(refill(&loans, free), lends, "balance {balance}, free {free}");
        }
    }

    #[test]
    fn an_overdrawn_holder_gets_no_more_than_the_target() {
        assert_eq!(refill(&[loan(1, LoanOrigin::ByHand, 10, -4)], 99), 10);
    }

    #[test]
    fn the_last_loan_by_hand_is_the_target() {
        let mut loans = vec![loan(1, LoanOrigin::ByHand, 10, 0), loan(2, LoanOrigin::Refill, 50, 1)];
        assert_eq!(refill(&loans, 99), 9);
        loans.push(loan(3, LoanOrigin::ByHand, 4, 0));
        assert_eq!(refill(&loans, 99), 3);
    }

    #[test]
    fn what_a_holder_gives_back_is_not_lent_again() {
        let returned = LoanStand { returned: 10, ..loan(1, LoanOrigin::ByHand, 10, 0) };
        assert_eq!((target(&[returned]), refill(&[returned], 99)), (0, 0));
        assert_eq!(refill(&[], 99), 0);
    }
}
