//! Words that may not stand in the code: unwraps, silent lint escapes, leftovers, floats, sleeps, catch-all file names.
//!
//! Not the import table: that is `imports`. Product lines are counted as in `measure`.
//! Invariant: each function looks at one file and answers with the lines at fault.
//! Proved by the sample tests below, one a function.

use crate::code::{Code, identifier};
use crate::finding::Finding;
use crate::measure::{self, Line};
use crate::tree::SourceFile;

/// File and folder names that say nothing.
const EMPTY_NAMES: [&str; 6] = ["util", "utils", "common", "helper", "helpers", "misc"];
/// Places where money, stock and reports are computed.
const EXACT: [&str; 3] = ["crdt-model/", "node/src/app", "node/src/report"];
/// Marks of unfinished work in product lines.
const UNFINISHED: [&str; 3] = ["TODO", "FIXME", "XXX"];
/// Marks of unfinished work in any line.
const UNFINISHED_ANYWHERE: [&str; 2] = ["TODO", "FIXME"];
/// Ways to wait for time to pass.
const SLEEPS: [&str; 4] = ["sleep", "sleep_ms", "sleep_until", "park_timeout"];

/// A missing `//!` at the head of a file.
pub fn missing_head(file: &SourceFile) -> Option<Finding> {
    let opens = file.text.trim_start().starts_with("//!");
    (!opens).then(|| Finding::at(&file.path, 1, "does not open with `//!`"))
}

/// A file or folder whose name says nothing.
pub fn empty_name(file: &SourceFile) -> Option<Finding> {
    let mut names = file.path.split('/').map(|part| part.trim_end_matches(".rs"));
    let bad = names.find(|name| EMPTY_NAMES.contains(name))?;
    Some(Finding::whole(&file.path, format!("`{bad}` says nothing about what it holds")))
}

/// Unwraps in product code.
pub fn unwraps(file: &SourceFile) -> Vec<Finding> {
    let code = product(file);
    places(&file.path, &code, code.words(".unwrap()"), "`unwrap` in product code")
}

/// Expectations that do not state an invariant.
pub fn bare_expects(file: &SourceFile) -> Vec<Finding> {
    let code = product(file);
    let bare = |at: &usize| {
        let message = code.text[at + ".expect(".len()..].trim_start();
        !message.starts_with("\"invariant:")
    };
    let hits = code.words(".expect(").into_iter().filter(bare).collect();
    places(&file.path, &code, hits, "`expect` without `invariant:`")
}

/// A lint that product code switches off.
#[derive(Debug, PartialEq, Eq)]
pub struct Escape {
    /// Where.
    pub line: usize,
    /// Whether it says `reason = ...`.
    pub reasoned: bool,
}

/// Lints that the product lines of a file switch off.
pub fn lint_escapes(file: &SourceFile) -> Vec<Escape> {
    let code = product(file);
    let starts = code.text.match_indices("#[").chain(code.text.match_indices("#!["));
    let mut found: Vec<Escape> = starts.filter_map(|(at, open)| lint_escape(&code, at, open.len())).collect();
    found.sort_by_key(|escape| escape.line);
    found
}

fn lint_escape(code: &Code, at: usize, open_bytes: usize) -> Option<Escape> {
    let inside = code.text[at + open_bytes..].trim_start();
    let end = inside.find(")]").unwrap_or(inside.len());
    let attribute = &inside[..end];
    let conditional =
        identifier(attribute) == "cfg_attr" && ["allow(", "expect("].iter().any(|escape| attribute.contains(escape));
    let escapes = conditional || matches!(identifier(attribute), "allow" | "expect");
    escapes.then(|| Escape { line: code.line_at(at), reasoned: attribute.contains("reason =") })
}

/// Marks of unfinished work, and `dbg!`.
pub fn leftovers(file: &SourceFile) -> Vec<Finding> {
    let split = measure::split(&file.text);
    let (product, rest) = if file.is_product() { (split.product, split.test) } else { (Vec::new(), all_lines(file)) };
    let mut found = marks(&file.path, &product, &UNFINISHED);
    found.extend(marks(&file.path, &rest, &UNFINISHED_ANYWHERE));
    found
}

fn marks(path: &str, lines: &[Line<'_>], words: &[&str]) -> Vec<Finding> {
    let hit = |line: &str| {
        let mut parts = line.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
        parts.any(|part| words.contains(&part)) || line.contains("dbg!(")
    };
    let at_fault = lines.iter().filter(|line| hit(line.1));
    at_fault.map(|line| Finding::at(path, line.0, format!("left over: `{}`", line.1.trim()))).collect()
}

/// Binary floats where money and stock are computed, in tests too.
pub fn floats(file: &SourceFile) -> Vec<Finding> {
    if !EXACT.iter().any(|place| file.path.starts_with(place)) {
        return Vec::new();
    }
    let code = Code::new(&all_lines(file));
    let hits = ["f32", "f64"].iter().flat_map(|word| code.words(word)).collect();
    places(&file.path, &code, hits, "binary float beside money or stock")
}

/// Tests that are switched off.
pub fn ignored_tests(file: &SourceFile) -> Vec<Finding> {
    let code = Code::new(&all_lines(file));
    let mut hits = code.words("#[ignore");
    hits.extend(code.words(", ignore"));
    places(&file.path, &code, hits, "ignored test")
}

/// Test code that waits for time to pass.
pub fn sleeps(file: &SourceFile) -> Vec<Finding> {
    // A bench waits for what it measures; nothing is proved by its waiting.
    if file.path.contains("benches/") {
        return Vec::new();
    }
    let split = measure::split(&file.text);
    let code = Code::new(&if file.is_product() { split.test } else { all_lines(file) });
    let named = |at: &usize, word: &str| {
        let called = code.text[at + word.len()..].starts_with('(');
        called || code.text[..*at].ends_with("::")
    };
    let hits = SLEEPS.iter().flat_map(|word| code.words(word).into_iter().filter(move |at| named(at, word))).collect();
    places(&file.path, &code, hits, "test code sleeps")
}

fn product(file: &SourceFile) -> Code {
    Code::new(&measure::split(&file.text).product)
}

fn all_lines(file: &SourceFile) -> Vec<Line<'_>> {
    file.text.split('\n').enumerate().map(|(index, line)| (index + 1, line)).collect()
}

fn places(path: &str, code: &Code, hits: Vec<usize>, what: &str) -> Vec<Finding> {
    hits.into_iter().map(|at| Finding::at(path, code.line_at(at), what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    fn lines(findings: &[Finding]) -> Vec<usize> {
        findings.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_file_without_head_is_found() {
        assert!(missing_head(&file("a.rs", "// x\n")).is_some());
        assert!(missing_head(&file("a.rs", "\n//! x\n")).is_none());
    }

    #[test]
    fn names_that_say_nothing_are_found_at_every_level() {
        assert!(empty_name(&file("node/src/util.rs", "")).is_some());
        assert!(empty_name(&file("node/src/helpers/a.rs", "")).is_some());
        assert!(empty_name(&file("node/src/utility.rs", "")).is_none());
    }

    #[test]
    fn unwraps_count_in_product_lines_only() {
        let text = "// a.unwrap()\na.unwrap();\na.unwrap_or(1);\n#[cfg(test)]\nmod tests {\n    a.unwrap();\n}";
        assert_eq!(lines(&unwraps(&file("a.rs", text))), [2]);
    }

    #[test]
    fn an_expect_states_an_invariant() {
        let text = "a.expect(\"invariant: x\");\na.expect(\n    \"invariant: y\");\na.expect(\"z\");\na.expect_err(1);\na\n    .expect(text);";
        assert_eq!(lines(&bare_expects(&file("a.rs", text))), [4, 7]);
    }

    #[test]
    fn a_lint_escape_is_seen_in_every_form() {
        let text = "#![allow(dead_code)]\n#[expect(\n    unused,\n    reason = \"x\"\n)]\n#[cfg_attr(test, allow(unused))]\n#[derive(Debug)]";
        let reasons: Vec<_> =
            lint_escapes(&file("a.rs", text)).iter().map(|escape| (escape.line, escape.reasoned)).collect();
        assert_eq!(reasons, [(1, false), (2, true), (6, false)]);
    }

    #[test]
    fn an_escape_in_a_test_module_does_not_count() {
        let text = "#[cfg(test)]\nmod tests {\n    #![allow(clippy::unwrap_used)]\n}";
        assert!(lint_escapes(&file("a.rs", text)).is_empty());
    }

    #[test]
    fn leftovers_are_found_as_whole_words() {
        let text = "// TODO: x\nlet todos = 1;\ndbg!(a);\nlet a = \"XXX\";\n";
        assert_eq!(lines(&leftovers(&file("node/src/a.rs", text))), [1, 3, 4]);
        assert_eq!(lines(&leftovers(&file("node/tests/a.rs", text))), [1, 3]);
    }

    #[test]
    fn floats_are_found_where_money_is_computed() {
        let text = "// f64\nlet a: f64 = 1.0;\nlet b: u64 = 1;";
        assert_eq!(lines(&floats(&file("crdt-model/src/money.rs", text))), [2]);
        assert_eq!(lines(&floats(&file("node/src/app/orders.rs", text))), [2]);
        assert!(floats(&file("node/src/http/orders.rs", text)).is_empty());
    }

    #[test]
    fn ignored_tests_are_found_in_both_forms() {
        let text = "#[ignore = \"slow\"]\n#[cfg_attr(unix, ignore)]\nlet ignore = 1;";
        assert_eq!(lines(&ignored_tests(&file("a.rs", text))), [1, 2]);
    }

    #[test]
    fn sleeps_are_found_in_test_code_only() {
        let text = "thread::sleep(a);\n#[cfg(test)]\nmod tests {\n    use tokio::time::sleep;\n    sleep(b);\n    asleep(c);\n}";
        assert_eq!(lines(&sleeps(&file("node/src/a.rs", text))), [4, 5]);
        assert_eq!(lines(&sleeps(&file("tests/a.rs", text))), [1, 4, 5]);
        assert!(sleeps(&file("node/benches/a.rs", text)).is_empty());
    }
}
