//! Tables and fact lists for people, from JSON rows.
//! Not a format for scripts: those use `--json`.
//! Invariants: a Chinese character takes two columns (`chinese_takes_two_columns`); amounts stand
//! right-aligned (`amounts_are_right_aligned`); no control character of a name reaches the terminal
//! (`control_characters_do_not_reach_the_terminal`).

use comfy_table::{Attribute, Cell, CellAlignment, Table, presets};
use serde_json::Value;

use crate::text::{self, Lang, Text};

/// How things are shown to one person.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Language of headings and words.
    pub lang: Lang,
    /// Headings in bold.
    pub bold: bool,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Number,
    Grouped,
    Word,
    Time,
    Person,
}

/// One column: its heading and where its values are in a row.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    title: Text,
    pointer: &'static str,
    kind: Kind,
}

/// A column of text at a JSON pointer.
pub const fn plain(title: Text, pointer: &'static str) -> Column {
    Column { title, pointer, kind: Kind::Plain }
}

/// A right-aligned column of amounts, quantities or counts.
pub const fn number(title: Text, pointer: &'static str) -> Column {
    Column { title, pointer, kind: Kind::Number }
}

/// A right-aligned column of amounts or counts with a comma every three digits.
pub const fn grouped(title: Text, pointer: &'static str) -> Column {
    Column { title, pointer, kind: Kind::Grouped }
}

/// A column of moments, to the second.
pub const fn time(title: Text, pointer: &'static str) -> Column {
    Column { title, pointer, kind: Kind::Time }
}

/// A column that names the person of an order: the customer, else the contact, else the customer's number.
pub const fn person(title: Text) -> Column {
    Column { title, pointer: "", kind: Kind::Person }
}

/// A column of status words, shown in the person's language.
pub const fn word(title: Text, pointer: &'static str) -> Column {
    Column { title, pointer, kind: Kind::Word }
}

/// A table of `rows`; empty text without rows.
pub fn table<'a>(columns: &[Column], rows: impl IntoIterator<Item = &'a Value>, style: Style) -> String {
    let mut table = bare_table(style);
    for row in rows {
        table.add_row(columns.iter().map(|column| body_cell(*column, row, style)));
    }
    if table.is_empty() {
        return String::new();
    }
    table.set_header(columns.iter().map(|column| head_cell(*column, style)));
    finish(&mut table)
}

/// A table of those columns that have a value in some row.
pub fn filled_table(columns: &[Column], rows: &[&Value], style: Style) -> String {
    let filled = |column: &&Column| rows.iter().any(|row| !shown(**column, row, style).is_empty());
    let columns: Vec<Column> = columns.iter().filter(filled).copied().collect();
    table(&columns, rows.iter().copied(), style)
}

/// Headings on the left, values on the right; facts without a value are left out.
pub fn facts(facts: &[(Text, String)], style: Style) -> String {
    let mut table = bare_table(style);
    for (title, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        table.add_row([Cell::new(title.get(style.lang)), Cell::new(clean(value))]);
    }
    finish(&mut table)
}

/// The text of a JSON value at a pointer, fit for a terminal.
pub fn text_at(value: &Value, pointer: &str, lang: Lang) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::Bool(true)) => text::YES.get(lang).to_owned(),
        Some(Value::Bool(false)) => text::NO.get(lang).to_owned(),
        Some(Value::String(text)) => clean(text),
        Some(other) => clean(&other.to_string()),
    }
}

/// The status word at a pointer in a language.
pub fn word_at(value: &Value, pointer: &str, lang: Lang) -> String {
    text::word(lang, &text_at(value, pointer, lang))
}

/// The moment at a pointer, to the second, with its offset.
pub fn time_at(value: &Value, pointer: &str, lang: Lang) -> String {
    let text = text_at(value, pointer, lang);
    match (text.get(..10), text.get(10..11), text.get(11..19), text.get(19..)) {
        (Some(day), Some("T"), Some(time), Some(rest)) => {
            let offset = rest.trim_start_matches(|each: char| each == '.' || each.is_ascii_digit());
            format!("{day} {time} {offset}")
        }
        _ => text,
    }
}

/// The name of an order's customer or contact, else the customer's number.
pub fn person_at(order: &Value, lang: Lang) -> String {
    let places = ["/customer/name", "/contact/name", "/customer/external_number"];
    places.map(|place| text_at(order, place, lang)).into_iter().find(|name| !name.is_empty()).unwrap_or_default()
}

/// The rows of an array at a pointer.
pub fn rows_at<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    let rows = value.pointer(pointer).and_then(Value::as_array);
    rows.map_or(&[], Vec::as_slice)
}

/// One line without characters that move the cursor or turn the writing direction.
pub fn clean(text: &str) -> String {
    text.chars().map(|each| if is_unsafe(each) { ' ' } else { each }).collect()
}

/// Several lines, each cleaned.
pub fn clean_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(clean).collect();
    lines.join("\n")
}

fn is_unsafe(each: char) -> bool {
    each.is_control() || matches!(each, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn bare_table(style: Style) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if style.bold {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

fn finish(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

fn head_cell(column: Column, style: Style) -> Cell {
    let cell = aligned(Cell::new(column.title.get(style.lang)), column.kind);
    if style.bold { cell.add_attribute(Attribute::Bold) } else { cell }
}

fn body_cell(column: Column, row: &Value, style: Style) -> Cell {
    aligned(Cell::new(shown(column, row, style)), column.kind)
}

fn shown(column: Column, row: &Value, style: Style) -> String {
    match column.kind {
        Kind::Plain | Kind::Number => text_at(row, column.pointer, style.lang),
        Kind::Grouped => in_groups(&text_at(row, column.pointer, style.lang)),
        Kind::Word => word_at(row, column.pointer, style.lang),
        Kind::Time => time_at(row, column.pointer, style.lang),
        Kind::Person => person_at(row, style.lang),
    }
}

/// `-1234567.50` as `-1,234,567.50`.
fn in_groups(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction}")
}

fn aligned(cell: Cell, kind: Kind) -> Cell {
    match kind {
        Kind::Number | Kind::Grouped => cell.set_alignment(CellAlignment::Right),
        Kind::Plain | Kind::Word | Kind::Time | Kind::Person => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PLAIN: Style = Style { lang: Lang::En, bold: false };

    /// Columns a terminal uses for ASCII and Chinese text.
    fn width(text: &str) -> usize {
        text.chars().map(|each| if each.is_ascii() { 1 } else { 2 }).sum()
    }

    #[test]
    fn chinese_takes_two_columns() {
        let rows = [json!({"name": "黑色心形灯架", "total": "1.00"}), json!({"name": "lamp", "total": "25.50"})];
        let columns = [plain(text::NAME, "/name"), number(text::TOTAL, "/total")];
        let shown = table(&columns, &rows, PLAIN);
        let ends: Vec<usize> = shown.lines().map(width).collect();
        assert_eq!(ends, [19, 19, 19], "{shown}");
    }

    #[test]
    fn chinese_headings_align_too() {
        let rows = [json!({"name": "a", "total": "1"})];
        let columns = [plain(text::NAME, "/name"), number(text::TOTAL, "/total")];
        let style = Style { lang: Lang::Zh, bold: false };
        assert_eq!(table(&columns, &rows, style), "名称  合计\na        1");
    }

    #[test]
    fn amounts_are_right_aligned() {
        let rows = [json!({"t": "9.99", "n": "x"}), json!({"t": "1000.00", "n": "y"})];
        let columns = [number(text::TOTAL, "/t"), plain(text::NAME, "/n")];
        assert_eq!(table(&columns, &rows, PLAIN), "  total  name\n   9.99  x\n1000.00  y");
    }

    #[test]
    fn bold_does_not_change_the_alignment() {
        let rows = [json!({"n": "x"})];
        let style = Style { lang: Lang::En, bold: true };
        let shown = table(&[plain(text::NAME, "/n")], &rows, style);
        assert!(shown.contains('\u{1b}'), "{shown:?}");
        assert!(!table(&[plain(text::NAME, "/n")], &rows, PLAIN).contains('\u{1b}'));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let rows = [json!({"name": "a\u{1b}[31m\r\nb\u{202e}c"})];
        let shown = table(&[plain(text::NAME, "/name")], &rows, PLAIN);
        assert_eq!(shown, "name\na [31m  b c");
    }

    #[test]
    fn missing_and_nested_values_are_shown() {
        let rows = [json!({"customer": null, "ok": true}), json!({"customer": {"name": "李"}, "ok": false})];
        let columns = [plain(text::YES, "/ok"), plain(text::CUSTOMER, "/customer/name")];
        assert_eq!(table(&columns, &rows, PLAIN), "yes  customer\nyes\nno   李");
    }

    #[test]
    fn digits_stand_in_groups_of_three() {
        for (plain, grouped) in
            [("0", "0"), ("999", "999"), ("1000", "1,000"), ("-823746.14", "-823,746.14"), ("1234567", "1,234,567")]
        {
            assert_eq!(in_groups(plain), grouped);
        }
    }

    #[test]
    fn moments_are_shown_to_the_second_with_their_offset() {
        let row = json!({"at": "2026-11-23T22:15:17.732+08:00", "odd": "later", "z": "2026-11-23T22:15:17Z"});
        assert_eq!(time_at(&row, "/at", Lang::En), "2026-11-23 22:15:17 +08:00");
        assert_eq!(time_at(&row, "/z", Lang::En), "2026-11-23 22:15:17 Z");
        assert_eq!(time_at(&row, "/odd", Lang::En), "later");
        assert_eq!(time_at(&row, "/none", Lang::En), "");
    }

    #[test]
    fn columns_without_a_value_are_left_out() {
        let rows = [json!({"n": "x", "t": null}), json!({"n": "y"})];
        let rows: Vec<&Value> = rows.iter().collect();
        let columns = [number(text::TOTAL, "/t"), plain(text::NAME, "/n")];
        assert_eq!(filled_table(&columns, &rows, PLAIN), "name\nx\ny");
    }

    #[test]
    fn person_is_the_customer_else_the_contact_else_the_number() {
        let order = |customer: &str, contact: &str| json!({"customer": {"name": customer, "external_number": "17850"}, "contact": {"name": contact}});
        assert_eq!(person_at(&order("李", "王"), Lang::En), "李");
        assert_eq!(person_at(&order("", "王"), Lang::En), "王");
        assert_eq!(person_at(&order("", ""), Lang::En), "17850");
        assert_eq!(person_at(&json!({"customer": null}), Lang::En), "");
    }

    #[test]
    fn no_rows_no_table() {
        assert_eq!(table(&[plain(text::NAME, "/name")], &[], PLAIN), "");
    }
}
