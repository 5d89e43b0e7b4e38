//! Pieces of Markdown: tables, anchors, blocks. Knows nothing of routes and commands.

/// A table; a bar in a cell is escaped, a line break becomes a blank.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    let mut text = line(&mut head.iter().map(|cell| (*cell).to_owned()));
    text.push_str(&line(&mut head.iter().map(|_| "---".to_owned())));
    rows.iter().for_each(|row| text.push_str(&line(&mut row.iter().map(|cell| cell_text(cell)))));
    text + "\n"
}

/// A block of code in a language.
pub fn block(language: &str, code: &str) -> String {
    format!("```{language}\n{}\n```\n\n", code.trim_end())
}

/// Words as code.
pub fn code(text: &str) -> String {
    format!("`{text}`")
}

/// A link to a heading of the same page.
pub fn link(heading: &str) -> String {
    let name = heading.replace('`', "");
    format!("[{name}](#{})", anchor(heading))
}

/// The anchor that a heading gets: letters, digits, `-` and `_` in lower case, blanks as `-`.
pub fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || "-_ ".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

fn cell_text(cell: &str) -> String {
    cell.split('\n').map(str::trim).collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[test]
fn an_anchor_is_what_a_reader_s_program_makes_of_a_heading() {
    assert_eq!(anchor("GET `/api/v1/orders/{id}`"), "get-apiv1ordersid");
    assert_eq!(anchor("`order new`"), "order-new");
    assert_eq!(link("`order new`"), "[order new](#order-new)");
}

#[test]
fn a_cell_stays_on_its_line_and_in_its_column() {
    let rows = vec![vec!["a|b".to_owned(), "c\n  d".to_owned()]];
    assert_eq!(table(&["x", "y"], &rows), "| x | y |\n| --- | --- |\n| a\\|b | c d |\n\n");
    assert_eq!(table(&["x"], &[]), "");
}
