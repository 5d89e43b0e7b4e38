//! Finds the JSON pointer of a byte position, for naming the field at which reading a body failed.
//!
//! Runs only when reading has already failed. It is not a parser: it trusts that the bytes before the position were
//! read by one.
//!
//! Invariant: it ends after one pass and uses memory for the open brackets only. Proved by
//! `the_pointer_names_the_value_before_the_position`.

/// An open bracket and where in it the position is.
enum Open {
    Object { key: Option<String> },
    Array { index: usize },
}

/// The pointer to the value that ends at or surrounds byte `offset` of `json`.
pub fn pointer_at(json: &[u8], offset: usize) -> String {
    let bytes = &json[..offset.min(json.len())];
    let mut open: Vec<Open> = Vec::new();
    let mut position = 0;
    while position < bytes.len() {
        match bytes[position] {
            b'{' => open.push(Open::Object { key: None }),
            b'[' => open.push(Open::Array { index: 0 }),
            b'}' | b']' => drop(open.pop()),
            b',' => step(open.last_mut()),
            b'"' => {
                let end = string_end(bytes, position);
                if let Some(Open::Object { key: key @ None }) = open.last_mut() {
                    *key = Some(unquoted(&bytes[position..end]));
                }
                position = end;
                continue;
            }
            0..=u8::MAX => {}
        }
        position += 1;
    }
    open.iter().filter_map(segment).collect()
}

/// The byte offset of a one-based line and a column counted in bytes.
pub fn offset_of(json: &[u8], line: usize, column: usize) -> usize {
    let before: usize = json.split_inclusive(|b| *b == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    before + column
}

fn step(open: Option<&mut Open>) {
    match open {
        Some(Open::Object { key }) => *key = None,
        Some(Open::Array { index }) => *index += 1,
        None => {}
    }
}

/// The position after the closing quote of the string that starts at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut position = start + 1;
    while position < bytes.len() {
        match bytes[position] {
            b'"' => return position + 1,
            b'\\' => position += 2,
            0..=u8::MAX => position += 1,
        }
    }
    bytes.len()
}

fn unquoted(quoted: &[u8]) -> String {
    serde_json::from_slice(quoted).unwrap_or_else(|_| String::from_utf8_lossy(quoted).into_owned())
}

fn segment(open: &Open) -> Option<String> {
    match open {
        Open::Object { key: Some(key) } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
        Open::Object { key: None } => None,
        Open::Array { index } => Some(format!("/{index}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_pointer_names_the_value_before_the_position() {
        let json = r#"{"a":"x,}{\"","lines":[{"p":"1"},{"q":2,"b/~":{"c":3}}],"z":null}"#;
        for (until, pointer) in [
            (r#""x,"#, "/a"),
            (r#"[{"p":"1""#, "/lines/0/p"),
            (r#"{"q":2"#, "/lines/1/q"),
            (r#""c":3"#, "/lines/1/b~1~0/c"),
            (r#"{"c":3}"#, "/lines/1/b~1~0"),
            (r#""c":3}}"#, "/lines/1"),
            ("null", "/z"),
            ("null}", ""),
        ] {
            let offset = json.find(until).unwrap() + until.len();
            assert_eq!(pointer_at(json.as_bytes(), offset), pointer, "{until}");
        }
    }

    #[test]
    fn no_position_panics() {
        let json = r#"{"a":["\"\u4e2d",{"b\\":[[1],2]}]} ]]"#;
        for offset in 0..json.len() + 5 {
            pointer_at(json.as_bytes(), offset);
        }
        pointer_at(br#"{"a\"#, 4);
    }

    #[test]
    fn a_line_and_column_are_one_offset() {
        assert_eq!(offset_of(b"{\n  \"a\": 1\n}", 2, 3), 5);
        assert_eq!(offset_of(b"{}", 1, 2), 2);
    }
}
