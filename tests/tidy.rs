//! Style as a test: each gate of docs/contributing.md is one test here, named as the rule it holds.
//!
//! Not a linter of meaning: it reads text, counts and compares. Measures count product lines as `tidy/measure.rs` says:
//! no `#[cfg(test)]` module, no file under tests, benches, fuzz or examples. Invariant: a gate that cannot read what it
//! judges fails instead of passing. The parts under `tidy/` are tested beside their code.

#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/docs.rs"]
mod docs;
#[path = "tidy/finding.rs"]
mod finding;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/manifest.rs"]
mod manifest;
#[path = "tidy/measure.rs"]
mod measure;
#[path = "tidy/tree.rs"]
mod tree;
#[path = "tidy/words.rs"]
mod words;

use std::collections::BTreeSet;

use finding::{Finding, assert_none};
use measure::Function;
use tree::SourceFile;

/// Product lines that one file may have.
const FILE_LINES_MAX: usize = 500;
/// Product lines of the middle file.
const FILE_LINES_MEDIAN_MAX: usize = 150;
/// Lines that one function may have.
const FUNCTION_LINES_MAX: usize = 70;
/// Lines of the middle function.
const FUNCTION_LINES_MEDIAN_MAX: usize = 12;
/// Lines below which nine of ten functions stay.
const FUNCTION_LINES_P90_MAX: usize = 35;
/// Lints that product code may switch off, each with a reason.
const LINT_ESCAPES_MAX: usize = 5;

/// Every finding of one check over some files.
fn over<I>(files: &[SourceFile], check: impl Fn(&SourceFile) -> I) -> Vec<Finding>
where
    I: IntoIterator<Item = Finding>,
{
    files.iter().flat_map(check).collect()
}

fn product_functions() -> Vec<(String, Function)> {
    let mut found = Vec::new();
    for file in tree::product_files() {
        let functions = measure::functions(&measure::split(&file.text).product);
        found.extend(functions.into_iter().map(|function| (file.path.clone(), function)));
    }
    found
}

fn file_lengths() -> Vec<(String, usize)> {
    let files = tree::product_files().into_iter();
    files.map(|file| (file.path, measure::split(&file.text).product.len())).collect()
}

/// Rust files other than the gates' own.
fn files_but_gates() -> Vec<SourceFile> {
    tree::rust_files().into_iter().filter(|file| !file.is_gate()).collect()
}

fn document(path: &str) -> String {
    tree::read(path)
        .unwrap_or_else(|| panic!("{path} is missing\nremedy: write it; docs/contributing.md says what it holds\n"))
}

fn function_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in tree::rust_files() {
        let lines: Vec<_> = file.text.lines().enumerate().collect();
        names.extend(measure::functions(&lines).into_iter().map(|function| function.name));
    }
    names
}

fn model_files() -> Vec<SourceFile> {
    let files = tree::rust_files().into_iter();
    files.filter(|file| file.path.starts_with("crdt-model/src/")).collect()
}

fn merge_subjects() -> Vec<docs::Subject> {
    let files = model_files();
    let events = files.iter().find(|file| file.path == docs::EVENTS);
    let kinds = events.map(docs::event_kinds).unwrap_or_default();
    assert!(
        !kinds.is_empty(),
        "{}: no event kind found\nremedy: list them in an enum, one a line, as `OrderPlaced = 0x0101,`\n",
        docs::EVENTS
    );
    kinds.into_iter().chain(files.iter().flat_map(docs::field_keys)).collect()
}

#[test]
fn crates_and_modules_name_only_what_the_import_table_allows() {
    assert_none(
        over(&tree::product_files(), imports::breaches),
        "move the code to the one module that may name it, or take the value as an argument (docs/contributing.md, imports)",
    );
}

#[test]
fn the_store_names_no_sibling_module() {
    assert_none(
        over(&tree::product_files(), imports::store_siblings),
        "pass bytes or keys in; types that both sides need belong to crdt-model or to the store",
    );
}

#[test]
fn dependencies_point_from_cli_to_node_to_model_only() {
    let manifests = tree::manifests();
    assert!(manifests.len() >= 4, "only {} manifests found", manifests.len());
    assert_none(
        over(&manifests, manifest::breaches),
        "remove the dependency; the direction is crdt-model <- node <- cli",
    );
}

#[test]
fn chrono_comes_without_its_clock() {
    let manifests = tree::manifests();
    let clocks = over(&manifests, manifest::chrono_clocks);
    assert_none(clocks, "read the time in node/src/clock.rs and pass it on");
}

#[test]
fn no_product_file_is_longer_than_500_lines() {
    let long = file_lengths().into_iter().filter(|file| file.1 > FILE_LINES_MAX);
    let found = long.map(|(path, lines)| Finding::whole(&path, format!("{lines} product lines"))).collect();
    assert_none(found, "split the file at a seam that has a name");
}

#[test]
fn the_median_product_file_has_at_most_150_lines() {
    let lengths: Vec<usize> = file_lengths().into_iter().map(|file| file.1).collect();
    let median = measure::percentile(&lengths, 50);
    assert!(median <= FILE_LINES_MEDIAN_MAX, "median {median} lines\nremedy: split the longest files\n");
}

#[test]
fn no_function_is_longer_than_70_lines() {
    let long = product_functions().into_iter().filter(|(_, function)| function.length > FUNCTION_LINES_MAX);
    let found = long.map(|(path, function)| {
        Finding::at(&path, function.line, format!("`{}` has {} lines", function.name, function.length))
    });
    assert_none(found.collect(), "keep the branches here, move pure work into named functions");
}

#[test]
fn the_median_function_has_12_lines_and_nine_of_ten_have_35() {
    let mut functions = product_functions();
    let lengths: Vec<usize> = functions.iter().map(|(_, function)| function.length).collect();
    let (median, p90) = (measure::percentile(&lengths, 50), measure::percentile(&lengths, 90));
    functions.sort_by_key(|(_, function)| std::cmp::Reverse(function.length));
    let worst: Vec<String> = functions
        .iter()
        .take(10)
        .map(|(path, function)| {
            format!("  {path}:{}: `{}` has {} lines", function.line, function.name, function.length)
        })
        .collect();
    assert!(
        median <= FUNCTION_LINES_MEDIAN_MAX && p90 <= FUNCTION_LINES_P90_MAX,
        "median {median}, p90 {p90}; the longest:\n{}\nremedy: move pure work into named functions\n",
        worst.join("\n")
    );
}

#[test]
fn every_file_opens_with_what_it_is() {
    assert_none(
        over(&tree::rust_files(), words::missing_head),
        "open with `//!`: what it is, what it is not, its invariants, the tests that prove them",
    );
}

#[test]
fn no_file_or_folder_has_an_empty_name() {
    assert_none(over(&tree::rust_files(), words::empty_name), "name it after what it holds");
}

#[test]
fn product_code_never_unwraps() {
    assert_none(
        over(&tree::product_files(), words::unwraps),
        "return an error, or `expect(\"invariant: why it cannot fail\")`",
    );
}

#[test]
fn every_expect_states_its_invariant() {
    assert_none(over(&tree::product_files(), words::bare_expects), "begin the text with `invariant:`");
}

#[test]
fn at_most_five_lints_are_switched_off_each_with_a_reason() {
    let files = tree::product_files();
    let escapes: Vec<_> = files
        .iter()
        .flat_map(|file| words::lint_escapes(file).into_iter().map(|escape| (file.path.clone(), escape)))
        .collect();
    let many = escapes.len() > LINT_ESCAPES_MAX;
    let at_fault = escapes.into_iter().filter(|(_, escape)| many || !escape.reasoned);
    let found = at_fault.map(|(path, escape)| Finding::at(&path, escape.line, "switches a lint off"));
    assert_none(found.collect(), "satisfy the lint; at most 5 escapes, each with `reason = \"...\"`");
}

#[test]
fn nothing_unfinished_is_left_in_the_code() {
    assert_none(over(&files_but_gates(), words::leftovers), "finish it or open an issue");
}

#[test]
fn money_and_stock_are_never_binary_floats() {
    assert_none(over(&tree::rust_files(), words::floats), "use Money, UnitPrice or Quantity");
}

#[test]
fn no_test_is_ignored() {
    assert_none(over(&files_but_gates(), words::ignored_tests), "make it fast and certain, or delete it");
}

#[test]
fn no_test_sleeps() {
    assert_none(
        over(&files_but_gates(), words::sleeps),
        "wait for the event itself: a channel, a reply, a line of output, `status --wait-ready`",
    );
}

#[test]
fn the_architecture_names_every_folder_with_sources() {
    let folders = docs::source_folders(&tree::rust_files());
    assert_none(
        docs::unnamed_folders(&folders, &document(docs::ARCHITECTURE)),
        "say there in one line what the folder holds, by its path from the root",
    );
}

#[test]
fn every_event_kind_and_field_has_a_merge_rule() {
    let rows = docs::merge_rows(&document(docs::MERGE_RULES));
    assert_none(
        docs::unruled(&merge_subjects(), &rows),
        "add a row: `Placed` or `product.name`, then rule, reason and `test`, to a table with these heads",
    );
}

#[test]
fn every_merge_rule_names_a_test_that_exists() {
    let rows = docs::merge_rows(&document(docs::MERGE_RULES));
    assert_none(docs::unknown_tests(&rows, &function_names()), "name the function of the test that proves the rule");
}
