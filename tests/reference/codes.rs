//! The problem codes that the source of the API and the application can answer with.
//!
//! Reads text: a code is the literal behind `conflict(`, `code: ` or a status, and each literal that begins with `import_`.
//! Test modules are left out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What stands before a code; blanks between do not count.
const BEFORE: &[&str] = &["conflict(", "code:", "status,", "error,"];
/// Folders and files that make problems.
const PLACES: &[&str] = &["app", "http", "import", "app.rs", "import.rs"];

/// Every code.
pub fn of_the_source() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../node/src");
    let mut files = Vec::new();
    PLACES.iter().for_each(|place| gather(&root.join(place), &mut files));
    let texts = files.iter().map(|file| std::fs::read_to_string(file).expect("sources are UTF-8"));
    texts.flat_map(|text| codes_in(&text)).collect()
}

fn gather(place: &Path, files: &mut Vec<PathBuf>) {
    if place.is_file() {
        files.push(place.to_owned());
        return;
    }
    for entry in std::fs::read_dir(place).expect("a folder of the repository") {
        let path = entry.expect("an entry of a folder of the repository").path();
        if path.file_name().is_some_and(|name| name != "tests" && name != "codes.rs") {
            gather(&path, files);
        }
    }
}

fn codes_in(text: &str) -> Vec<String> {
    let product = text.split("#[cfg(test)]").next().unwrap_or_default();
    let pieces: Vec<&str> = product.split('"').collect();
    let literals = pieces.iter().enumerate().skip(1).step_by(2);
    let is_code = |at: usize, literal: &str| {
        let before = pieces[at - 1].trim_end();
        let status = before.rsplit_once("StatusCode::").is_some_and(|(_, name)| {
            name.strip_suffix(',').is_some_and(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        });
        status || BEFORE.iter().any(|wanted| before.ends_with(wanted)) || literal.starts_with("import_")
    };
    let word = |literal: &str| !literal.is_empty() && literal.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let found = literals.filter(|(at, literal)| word(literal) && is_code(*at, literal));
    found.map(|(_, literal)| (*literal).to_owned()).collect()
}

#[test]
fn a_code_is_found_behind_each_of_its_makers() {
    let text = r#"conflict("a", x) code: "b", new(StatusCode::NOT_FOUND, "c", "no code") "import_d" "e"
        #[cfg(test)] code: "f""#;
    assert_eq!(codes_in(text), ["a", "b", "c", "import_d"]);
}
