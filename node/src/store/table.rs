//! The names of all tables, and nothing else: what the bytes mean is drawn in [`super`].
//!
//! Not here: opening, reading or writing a table.
//!
//! Invariants: a name once released never changes and is never used again for other bytes
//! (`table_names_are_pinned`), and no two tables share one (`table_names_are_unique`).

/// One table of the store; every table maps bytes to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Format, oldest reader and writer of this file.
    Meta,
    /// Signed commits by hash.
    Commits,
    /// The chain of each author in each scope.
    AuthorLog,
    /// Commits of a scope in the order of local arrival.
    CommitOrder,
    /// What became of a commit: applied, set aside or parked.
    CommitStates,
    /// Documents of a scope.
    Documents,
    /// Heads of each author in each scope.
    Frontier,
    /// Idempotency index.
    Requests,
    /// Key records that open sealed values.
    Keys,
    /// Folded rows: the only table that a state digest reads.
    Rows,
    /// Orders by the request that placed them.
    OrdersByRequest,
    /// Orders by time.
    OrdersByTime,
    /// Orders by status.
    OrdersByStatus,
    /// Orders by customer.
    OrdersByCustomer,
    /// Orders by channel and external number.
    OrdersByExternal,
    /// Orders by human number.
    OrdersByNumber,
    /// Items by SKU.
    ItemsBySku,
    /// Sales of a day by item.
    SalesByItem,
    /// Sales of a day by country.
    SalesByCountry,
    /// Sales of a day by customer.
    SalesByCustomer,
    /// Sales of a day.
    SalesByDay,
    /// Counters of a scope.
    Counters,
    /// What this node alone needs to know: its order numbers, its listening port.
    Local,
    /// What each author has seen of the others' logs of a scope.
    Seen,
    /// Other nodes of the organisation: addresses, last exchange.
    Peers,
    /// Invitations that were given out.
    Invites,
    /// Why commits are set aside.
    SetAside,
    /// Why documents are parked.
    Parked,
    /// Fulfilments of a lane by shipper and status.
    FulfilmentsByStatus,
    /// Stock of a site that moved or is promised in lanes.
    StockOverLanes,
    /// Cases that only several scopes together show.
    CasesAcross,
    /// Movements of an item, by time.
    MovementsByItem,
    /// Items by bar code.
    ItemsByBarcode,
}

impl Table {
    /// Every table, in the order of declaration.
    pub const ALL: [Self; 33] = [
        Self::Meta,
        Self::Commits,
        Self::AuthorLog,
        Self::CommitOrder,
        Self::CommitStates,
        Self::Documents,
        Self::Frontier,
        Self::Requests,
        Self::Keys,
        Self::Rows,
        Self::OrdersByRequest,
        Self::OrdersByTime,
        Self::OrdersByStatus,
        Self::OrdersByCustomer,
        Self::OrdersByExternal,
        Self::OrdersByNumber,
        Self::ItemsBySku,
        Self::SalesByItem,
        Self::SalesByCountry,
        Self::SalesByCustomer,
        Self::SalesByDay,
        Self::Counters,
        Self::Local,
        Self::Seen,
        Self::Peers,
        Self::Invites,
        Self::SetAside,
        Self::Parked,
        Self::FulfilmentsByStatus,
        Self::StockOverLanes,
        Self::CasesAcross,
        Self::MovementsByItem,
        Self::ItemsByBarcode,
    ];

    /// Returns the name of the table in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Commits => "commits",
            Self::AuthorLog => "author_log",
            Self::CommitOrder => "commit_order",
            Self::CommitStates => "commit_states",
            Self::Documents => "documents",
            Self::Frontier => "frontier",
            Self::Requests => "requests",
            Self::Keys => "keys",
            Self::Rows => "rows",
            Self::OrdersByRequest => "orders_by_request",
            Self::OrdersByTime => "orders_by_time",
            Self::OrdersByStatus => "orders_by_status",
            Self::OrdersByCustomer => "orders_by_customer",
            Self::OrdersByExternal => "orders_by_external",
            Self::OrdersByNumber => "orders_by_number",
            Self::ItemsBySku => "items_by_sku",
            Self::SalesByItem => "sales_by_item",
            Self::SalesByCountry => "sales_by_country",
            Self::SalesByCustomer => "sales_by_customer",
            Self::SalesByDay => "sales_by_day",
            Self::Counters => "counters",
            Self::Local => "local",
            Self::Seen => "seen",
            Self::Peers => "peers",
            Self::Invites => "invites",
            Self::SetAside => "set_aside",
            Self::Parked => "parked",
            Self::FulfilmentsByStatus => "fulfilments_by_status",
            Self::StockOverLanes => "stock_over_lanes",
            Self::CasesAcross => "cases_across",
            Self::MovementsByItem => "movements_by_item",
            Self::ItemsByBarcode => "items_by_barcode",
        }
    }

    /// Position in [`Table::ALL`].
    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_names_are_unique() {
        let mut names: Vec<_> = Table::ALL.iter().map(|table| table.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Table::ALL.len());
    }

    #[test]
    fn table_positions_follow_the_list_of_all() {
        for (position, table) in Table::ALL.iter().enumerate() {
            assert_eq!(table.index(), position, "{}", table.name());
        }
    }

    #[test]
    fn table_names_are_pinned() {
        let names: Vec<_> = Table::ALL.iter().map(|table| table.name()).collect();
        assert_eq!(
            names.join(" "),
            "meta commits author_log commit_order commit_states documents frontier requests keys \
             rows orders_by_request orders_by_time orders_by_status orders_by_customer \
             orders_by_external orders_by_number items_by_sku sales_by_item sales_by_country sales_by_customer \
             sales_by_day counters local seen peers invites set_aside \
             parked fulfilments_by_status stock_over_lanes cases_across movements_by_item items_by_barcode"
        );
    }
}
