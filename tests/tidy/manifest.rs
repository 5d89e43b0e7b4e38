//! Dependencies as the manifests state them: `crdt-model` <- `node` <- `cli`, and what no manifest may ask for.
//!
//! Not a TOML parser: it knows section headers and the key at the start of a line, which is all a manifest needs.
//! Invariant: build, development and target sections count like plain ones.
//! Proved by `every_kind_of_dependency_section_counts`.

use crate::finding::Finding;
use crate::tree::SourceFile;

/// Crates that a folder's manifests must not ask for.
const FORBIDDEN: [(&str, &[&str]); 3] = [
    (
        "crdt-model/",
        &[
            "node",
            "cli",
            "tests",
            "tokio",
            "redb",
            "iroh",
            "axum",
            "clap",
            "datafusion",
            "rand",
            "getrandom",
            "tower",
            "utoipa",
        ],
    ),
    ("node/", &["cli", "tests", "clap"]),
    ("cli/", &["tests", "redb", "iroh", "axum", "automerge"]),
];

/// A dependency and the line that asks for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Name of the package.
    pub name: String,
    /// Line from 1.
    pub line: usize,
    /// The rest of its line: version, features.
    pub value: String,
}

/// Breaches of the dependency direction in one manifest.
pub fn breaches(file: &SourceFile) -> Vec<Finding> {
    let forbidden = FORBIDDEN.iter().filter(|row| file.path.starts_with(row.0)).flat_map(|row| row.1);
    let banned: Vec<&str> = forbidden.copied().collect();
    let asked = dependencies(&file.text).into_iter();
    let broken = asked.filter(|dependency| banned.contains(&dependency.name.as_str()));
    broken
        .map(|dependency| Finding::at(&file.path, dependency.line, format!("depends on `{}`", dependency.name)))
        .collect()
}

/// Places where chrono is asked for together with its clock, which is one of its default features.
pub fn chrono_clocks(file: &SourceFile) -> Vec<Finding> {
    let asked = dependencies(&file.text).into_iter().filter(|dependency| dependency.name == "chrono");
    let clocks = asked.filter(|dependency| brings_clock(&dependency.value));
    clocks.map(|dependency| Finding::at(&file.path, dependency.line, "chrono with its clock")).collect()
}

fn brings_clock(value: &str) -> bool {
    let inherits = value.starts_with("true") || value.contains("workspace = true");
    let by_default = !inherits && !value.contains("default-features = false");
    by_default || value.contains("\"clock\"") || value.contains("\"now\"")
}

/// Every dependency that a manifest asks for, of whatever kind.
pub fn dependencies(text: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut listing = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let parts: Vec<&str> = section.trim_end_matches(']').rsplitn(2, '.').collect();
            listing = is_dependency_list(parts[0]);
            if let [name, list] = parts[..]
                && is_dependency_list(list.rsplit('.').next().unwrap_or(list))
            {
                found.push(dependency(name, index + 1, ""));
            }
        } else if listing && let Some((key, value)) = line.split_once('=') {
            found.push(dependency(key, index + 1, value));
        }
    }
    found
}

fn is_dependency_list(section: &str) -> bool {
    matches!(section, "dependencies" | "dev-dependencies" | "build-dependencies")
}

fn dependency(key: &str, line: usize, value: &str) -> Dependency {
    let key = key.trim().trim_matches('"');
    let name = renamed(value).unwrap_or_else(|| key.split('.').next().unwrap_or(key));
    Dependency { name: name.to_owned(), line, value: value.trim().to_owned() }
}

/// The package behind `name = { package = "other" }`.
fn renamed(value: &str) -> Option<&str> {
    let after = value.split_once("package")?.1.trim_start().strip_prefix('=')?;
    after.trim_start().strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        dependencies(text).into_iter().map(|dependency| dependency.name).collect()
    }

    #[test]
    fn every_kind_of_dependency_section_counts() {
        let text = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\nb = \"1\" # why\n\
            [dev-dependencies]\nc = { version = \"1\" }\n[build-dependencies.d]\nversion = \"1\"\n\
            [target.'cfg(unix)'.dependencies]\ne = \"1\"\n[target.'cfg(unix)'.dependencies.f]\nversion = \"1\"\n\
            [lints]\nworkspace = true\n";
        assert_eq!(names(text), ["a", "b", "c", "d", "e", "f"]);
    }

    #[test]
    fn a_renamed_package_is_seen_through() {
        let text = "[dependencies]\ndb = { package = \"redb\", version = \"4\" }";
        assert_eq!(names(text), ["redb"]);
    }

    #[test]
    fn chrono_brings_its_clock_unless_told_not_to() {
        assert!(brings_clock("\"0.4\""));
        assert!(brings_clock("{ workspace = true, features = [\"clock\"] }"));
        assert!(!brings_clock("true"));
        assert!(!brings_clock("{ version = \"0.4\", default-features = false, features = [\"std\"] }"));
    }

    #[test]
    fn nothing_points_back() {
        let text = "[dependencies]\ncli.workspace = true\nnode.workspace = true\n".to_owned();
        let lines = |path: &str| {
            let file = SourceFile { path: path.to_owned(), text: text.clone() };
            breaches(&file).into_iter().map(|finding| finding.line).collect::<Vec<_>>()
        };
        assert_eq!(lines("crdt-model/Cargo.toml"), [2, 3]);
        assert_eq!(lines("node/Cargo.toml"), [2]);
        assert_eq!(lines("node/analytics/Cargo.toml"), [2]);
        assert!(lines("cli/Cargo.toml").is_empty());
        assert!(lines("tests/Cargo.toml").is_empty());
    }
}
