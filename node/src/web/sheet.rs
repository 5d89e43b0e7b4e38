//! Lists as files: CSV with a byte order mark, which spreadsheets need to read Chinese.
//!
//! Invariant: a text cell that a spreadsheet would run as a formula begins with `'`; figures stay figures. Proved by
//! `a_formula_in_a_cell_is_defused`.

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::app::error::AppError;

const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// A cell of a sheet.
pub enum Cell {
    /// What somebody typed.
    Text(String),
    /// A figure or word of ours.
    Own(String),
}

impl Cell {
    /// A text that may be absent.
    pub fn maybe(text: Option<&impl ToString>) -> Self {
        Self::Text(text.map(ToString::to_string).unwrap_or_default())
    }

    fn into_text(self) -> String {
        match self {
            Self::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) => format!("'{text}"),
            Self::Text(text) | Self::Own(text) => text,
        }
    }
}

/// Writes a sheet under a header.
pub fn csv(header: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>) -> Result<Vec<u8>, AppError> {
    let fault = |error: csv::Error| AppError::Storage(error.to_string());
    let mut writer = csv::Writer::from_writer(BYTE_ORDER_MARK.to_vec());
    writer.write_record(header).map_err(fault)?;
    for row in rows {
        writer.write_record(row.into_iter().map(Cell::into_text)).map_err(fault)?;
    }
    writer.into_inner().map_err(|error| AppError::Storage(error.to_string()))
}

/// A sheet as an answer that the browser keeps under `name`.
pub fn download(name: &str, sheet: Vec<u8>) -> Response {
    let kept = format!("attachment; filename=\"{name}\"");
    ([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, kept)], sheet).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_formula_in_a_cell_is_defused() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let rows = [
            vec![text("=HYPERLINK(1)"), Cell::Own("-3.50".to_owned())],
            vec![text("王, \"小\""), text("+86 1")],
            vec![Cell::maybe(None::<&String>), text("a=b")],
        ];
        let sheet = String::from_utf8(csv(&["name", "total"], rows).unwrap()).unwrap();
        assert_eq!(sheet, "\u{feff}name,total\n'=HYPERLINK(1),-3.50\n\"王, \"\"小\"\"\",'+86 1\n,a=b\n");
    }
}
