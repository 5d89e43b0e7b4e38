//! The files of the repository as the gates see them: every `.rs` file and every `Cargo.toml` outside build folders.
//!
//! Not a parser: what lies inside a file is the business of `measure`, `code` and `manifest`.
//! Invariant: a path is relative to the root, with `/` between its parts, and the list is sorted.
//! Proved by `folders_of_tests_benches_and_examples_are_not_product`.

use std::fs;
use std::path::{Path, PathBuf};

/// Folder names whose files are not product, at any depth.
const NOT_PRODUCT: [&str; 4] = ["tests", "benches", "fuzz", "examples"];

/// One text file of the repository.
pub struct SourceFile {
    /// Path from the root of the repository.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl SourceFile {
    /// Whether its lines count as product.
    pub fn is_product(&self) -> bool {
        is_product_path(&self.path)
    }

    /// Whether it is one of the gates' own files, whose samples name what they forbid.
    pub fn is_gate(&self) -> bool {
        self.path == "tests/tidy.rs" || self.path.starts_with("tests/tidy/")
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file.
pub fn rust_files() -> Vec<SourceFile> {
    files(&|name| name.ends_with(".rs"))
}

/// Every Rust file that counts as product.
pub fn product_files() -> Vec<SourceFile> {
    rust_files().into_iter().filter(SourceFile::is_product).collect()
}

/// Every `Cargo.toml`.
pub fn manifests() -> Vec<SourceFile> {
    files(&|name| name == "Cargo.toml")
}

/// The text of one file, or `None` where there is no such file.
pub fn read(path: &str) -> Option<String> {
    fs::read_to_string(root().join(path)).ok()
}

fn is_product_path(path: &str) -> bool {
    let mut folders = path.split('/').rev().skip(1);
    !folders.any(|folder| NOT_PRODUCT.contains(&folder))
}

fn files(wanted: &dyn Fn(&str) -> bool) -> Vec<SourceFile> {
    let mut found = Vec::new();
    walk(&root(), "", wanted, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, prefix: &str, wanted: &dyn Fn(&str) -> bool, found: &mut Vec<SourceFile>) {
    let entries = fs::read_dir(folder).expect("invariant: folders of the repository can be listed");
    for entry in entries {
        let entry = entry.expect("invariant: folders of the repository can be listed");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            if is_source_folder(&name) {
                walk(&entry.path(), &format!("{path}/"), wanted, found);
            }
        } else if wanted(&name) {
            let text = fs::read_to_string(entry.path()).expect("invariant: sources are UTF-8");
            found.push(SourceFile { path, text });
        }
    }
}

fn is_source_folder(name: &str) -> bool {
    name != "target" && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_tests_benches_and_examples_are_not_product() {
        assert!(is_product_path("node/src/store.rs"));
        assert!(is_product_path("node/src/tests.rs"));
        assert!(!is_product_path("tests/tidy/tree.rs"));
        assert!(!is_product_path("node/benches/import.rs"));
        assert!(!is_product_path("crdt-model/fuzz/frame.rs"));
        assert!(!is_product_path("cli/examples/a/b.rs"));
    }

    #[test]
    fn build_and_hidden_folders_hold_no_sources() {
        assert!(!is_source_folder("target"));
        assert!(!is_source_folder(".git"));
        assert!(is_source_folder("node"));
    }

    #[test]
    fn the_tree_holds_this_file_and_its_manifest() {
        assert!(rust_files().iter().any(|file| file.path == "tests/tidy/tree.rs" && file.is_gate()));
        assert!(manifests().iter().any(|file| file.path == "tests/Cargo.toml"));
    }
}
