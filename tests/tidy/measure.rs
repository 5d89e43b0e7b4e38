//! The measures of the size gates: product lines, test lines, function lengths, percentiles.
//!
//! Not a Rust parser: as in the style report, the end of a function is found by its indentation, and a test module is
//! what follows `#[cfg(test)]` and `mod name {` up to the brace at the same indentation.
//! Invariant: every line is either product or test, and keeps its number.
//! Proved by `a_test_module_is_not_product` and `every_line_lands_on_one_side`.

/// The furthest line on which a declaration without body may end, counted from its `fn`.
const DECLARATION_LINES_MAX: usize = 6;

/// A line and its number, from 1.
pub type Line<'a> = (usize, &'a str);

/// The lines of one file by their use.
#[derive(Default)]
pub struct Split<'a> {
    /// Lines that ship.
    pub product: Vec<Line<'a>>,
    /// Lines of `#[cfg(test)]` modules.
    pub test: Vec<Line<'a>>,
}

/// A function and its length.
#[derive(Debug, PartialEq, Eq, Clone)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Line of its `fn`.
    pub line: usize,
    /// Lines from `fn` to the closing brace, both counted.
    pub length: usize,
}

/// Divides a text into product and test lines.
pub fn split(text: &str) -> Split<'_> {
    let mut out = Split::default();
    let mut open: Option<&str> = None;
    for (index, line) in text.split('\n').enumerate() {
        let line = (index + 1, line);
        if let Some(indent) = open {
            out.test.push(line);
            if closes(line.1, indent) {
                open = None;
            }
        } else if starts_module(line.1) && last_is_cfg_test(&out.product) {
            out.test.extend(out.product.pop());
            open = out.test.last().map(|cfg| indent_of(cfg.1));
            out.test.push(line);
        } else {
            out.product.push(line);
        }
    }
    out
}

/// The functions with a body among some lines of one file.
pub fn functions(lines: &[Line<'_>]) -> Vec<Function> {
    let mut found = Vec::new();
    for (index, (number, line)) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        if let Some(length) = body_length(&lines[index..], indent_of(line)) {
            found.push(Function { name: name.to_owned(), line: *number, length });
        }
    }
    found
}

/// The value below which `percent` of the values lie; 0 of nothing.
pub fn percentile(values: &[usize], percent: usize) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let index = sorted.len() * percent / 100;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

fn last_is_cfg_test(lines: &[Line<'_>]) -> bool {
    lines.last().is_some_and(|line| line.1.trim_start().starts_with("#[cfg(test)]"))
}

fn starts_module(line: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let Some(rest) = line.strip_prefix("mod ") else {
        return false;
    };
    rest.trim_start_matches(is_word).starts_with(" {")
}

fn closes(line: &str, indent: &str) -> bool {
    line.strip_prefix(indent).is_some_and(|rest| rest.starts_with('}'))
}

fn indent_of(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = without_visibility(line.trim_start());
    for word in ["default ", "const ", "async ", "unsafe "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let rest = rest.strip_prefix("fn ")?;
    let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

fn without_visibility(line: &str) -> &str {
    if let Some(rest) = line.strip_prefix("pub(") {
        return rest.split_once(") ").map_or(line, |(_, rest)| rest);
    }
    line.strip_prefix("pub ").unwrap_or(line)
}

fn body_length(lines: &[Line<'_>], indent: &str) -> Option<usize> {
    let mut opened = false;
    for (offset, (_, line)) in lines.iter().enumerate() {
        opened |= line.contains('{');
        if closes(line, indent) || (offset == 0 && line.trim_end().ends_with('}')) {
            return Some(offset + 1);
        }
        if !opened && offset <= DECLARATION_LINES_MAX && line.trim_end().ends_with(';') {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "//! Sample.\n\
        pub(crate) async fn ship(\n    order: u8,\n) -> u8 {\n    if order > 1 {\n    }\n    order\n}\n\
        #[cfg(test)]\nmod tests {\n    fn helper() {\n    }\n}\n\
        const fn after() -> u8 { 1 }\n";

    fn numbers(lines: &[Line<'_>]) -> Vec<usize> {
        lines.iter().map(|line| line.0).collect()
    }

    #[test]
    fn a_test_module_is_not_product() {
        let split = split(SAMPLE);
        assert_eq!(numbers(&split.test), [9, 10, 11, 12, 13]);
        assert_eq!(numbers(&split.product), [1, 2, 3, 4, 5, 6, 7, 8, 14, 15]);
    }

    #[test]
    fn every_line_lands_on_one_side() {
        let split = split(SAMPLE);
        assert_eq!(split.test.len() + split.product.len(), SAMPLE.split('\n').count());
    }

    #[test]
    fn a_test_only_item_outside_a_module_stays_product() {
        let text = "#[cfg(test)]\nfn only() {\n}\n#[cfg(test)]\nmod elsewhere;\n";
        assert!(split(text).test.is_empty());
    }

    #[test]
    fn an_indented_test_module_ends_at_its_own_brace() {
        let text = "mod a {\n    #[cfg(test)]\n    pub mod tests {\n        x\n    }\n    y\n}";
        assert_eq!(numbers(&split(text).test), [2, 3, 4, 5]);
    }

    #[test]
    fn functions_are_measured_from_fn_to_brace() {
        let found = functions(&split(SAMPLE).product);
        let seen: Vec<_> = found.iter().map(|f| (f.name.as_str(), f.line, f.length)).collect();
        assert_eq!(seen, [("ship", 2, 7), ("after", 14, 1)]);
    }

    #[test]
    fn a_declaration_without_body_is_no_function() {
        let text = "trait Clock {\n    fn now(\n        &self,\n    ) -> u64;\n    fn tick(&self) {\n    }\n}";
        let found = functions(&split(text).product);
        assert_eq!(found, [Function { name: "tick".into(), line: 5, length: 2 }]);
    }

    #[test]
    fn words_that_only_contain_fn_are_no_function() {
        assert_eq!(function_name("let fn_count = 1;"), None);
        assert_eq!(function_name("    pub const unsafe fn raw() {"), Some("raw"));
        assert_eq!(function_name("pub(in crate::store) fn key() {"), Some("key"));
    }

    #[test]
    fn percentiles_count_like_the_style_report() {
        assert_eq!(percentile(&[], 50), 0);
        assert_eq!(percentile(&[7], 90), 7);
        assert_eq!(percentile(&[4, 1, 3, 2], 50), 3);
        assert_eq!(percentile(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 90), 10);
    }
}
