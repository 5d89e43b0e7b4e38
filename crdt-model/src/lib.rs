//! placeholder
pub mod case;
pub mod codec;
pub mod commit;
pub mod control;
pub mod customer;
pub mod decimal;
pub mod document;
pub mod document_row;
pub mod event;
pub mod id;
pub mod journal;
pub mod money;
pub mod order;
pub mod product;
pub mod quantity;
pub mod rows;
pub mod sales;
pub mod scope;
pub mod scope_state;
pub mod seal;
pub mod stock;
pub mod text;
pub mod time;
pub mod change { #![doc="x"] /** x */ pub const CHANGE_BYTES_MAX: usize = 128*1024; }
