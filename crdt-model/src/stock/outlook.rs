//! How a quantity would be promised: now, likely, or as a backorder. Says what a promise would do, and promises nothing.
//!
//! *Now* is what rights that this node may use cover; *likely* what other sites are known to have; *backorder* the rest.
//! Lines of one item share what there is, in their order.
//!
//! Invariants: the three parts add up to what is wanted, none is below nothing, and no unit is told to two lines. Proved by
//! `the_parts_of_a_line_add_up_at_every_boundary` and `lines_of_one_item_share_what_there_is`.

/// What there is of one item, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Supply {
    /// Rights that this node may use.
    pub now: i128,
    /// What other sites show.
    pub elsewhere: i128,
}

/// How one line would be promised, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outlook {
    /// With rights, at once.
    pub now: i128,
    /// By another site, if it still has what it showed.
    pub likely: i128,
    /// By nobody yet.
    pub backorder: i128,
}

impl Supply {
    /// Takes what a line wants; what is left is for the next line of the item. A debt supplies nothing.
    pub fn take(&mut self, wanted: i128) -> Outlook {
        let wanted = wanted.max(0);
        let now = wanted.min(self.now.max(0));
        let likely = (wanted - now).min(self.elsewhere.max(0));
        (self.now, self.elsewhere) = (self.now - now, self.elsewhere - likely);
        Outlook { now, likely, backorder: wanted - now - likely }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(now: i128, elsewhere: i128, wanted: i128) -> (i128, i128, i128) {
        let outlook = Supply { now, elsewhere }.take(wanted);
        (outlook.now, outlook.likely, outlook.backorder)
    }

    #[test]
    fn the_parts_of_a_line_add_up_at_every_boundary() {
        for (now, elsewhere, wanted, expected) in [
            (3, 0, 5, (3, 0, 2)),
            (3, 2, 5, (3, 2, 0)),
            (3, 1, 5, (3, 1, 1)),
            (5, 9, 5, (5, 0, 0)),
            (4, 9, 5, (4, 1, 0)),
            (0, 0, 5, (0, 0, 5)),
            (0, 5, 5, (0, 5, 0)),
            (5, 5, 0, (0, 0, 0)),
            (-2, 3, 5, (0, 3, 2)),
            (2, -3, 5, (2, 0, 3)),
            (2, 2, -1, (0, 0, 0)),
        ] {
            assert_eq!(parts(now, elsewhere, wanted), expected, "{now} and {elsewhere} for {wanted}");
        }
        for now in -2..4 {
            for (elsewhere, wanted) in (-2..4).flat_map(|elsewhere| (0..7).map(move |wanted| (elsewhere, wanted))) {
                let (now, likely, backorder) = parts(now, elsewhere, wanted);
                assert_eq!(now + likely + backorder, wanted);
                assert!(now >= 0 && likely >= 0 && backorder >= 0);
            }
        }
    }

    #[test]
    fn lines_of_one_item_share_what_there_is() {
        let mut supply = Supply { now: 3, elsewhere: 2 };
        let lines = [2, 2, 2].map(|wanted| supply.take(wanted));
        let of = |now, likely, backorder| Outlook { now, likely, backorder };
        assert_eq!(lines, [of(2, 0, 0), of(1, 1, 0), of(0, 1, 1)]);
        assert_eq!(supply, Supply::default());
    }
}
