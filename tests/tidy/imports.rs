//! The import table of docs/architecture.md: who may name what.
//!
//! Not the dependency direction between crates: that is read from the manifests in `manifest`.
//! Invariant: a rule looks at product lines only, and a place in `only_in` is a file or the folder of the same name.
//! Proved by `a_place_is_a_file_or_its_folder` and the sample tests below.

use crate::code::Code;
use crate::finding::Finding;
use crate::measure;
use crate::tree::SourceFile;

/// What a rule forbids.
enum Needle {
    /// A crate by name.
    Crate(&'static str),
    /// A module of `std` or `core`.
    Std(&'static str),
    /// A word or path.
    Word(&'static str),
}

use Needle::{Crate, Std, Word};

/// One row of the import table.
struct Rule {
    /// Beginnings of the paths it looks at.
    under: &'static [&'static str],
    /// What must not be named there.
    forbidden: &'static [Needle],
    /// Modules that are free of the rule.
    only_in: &'static [&'static str],
}

const CLOCK: &[Needle] = &[Word("SystemTime::now"), Word("Instant::now"), Word("Utc::now"), Word("Local::now")];
const RANDOM: &[Needle] =
    &[Crate("rand"), Crate("getrandom"), Word("OsRng"), Word("SysRng"), Word("thread_rng"), Word("RandomState")];
const MACHINE: &[Needle] = &[Std("fs"), Std("net"), Std("env"), Std("thread"), Crate("tokio")];
const WAITING: &[Needle] = &[Word("async"), Word(".await")];
const HTTP: &[Needle] = &[Crate("axum"), Crate("utoipa_axum"), Crate("tower"), Crate("tower_http")];

const RULES: &[Rule] = &[
    Rule { under: &["crdt-model/"], forbidden: MACHINE, only_in: &[] },
    Rule { under: &["crdt-model/"], forbidden: CLOCK, only_in: &[] },
    Rule { under: &["crdt-model/"], forbidden: RANDOM, only_in: &[] },
    Rule { under: &["crdt-model/"], forbidden: WAITING, only_in: &[] },
    Rule { under: &["crdt-model/"], forbidden: HTTP, only_in: &[] },
    Rule {
        under: &["crdt-model/"],
        forbidden: &[Crate("redb"), Crate("iroh"), Crate("clap"), Crate("datafusion")],
        only_in: &[],
    },
    Rule { under: &["node/"], forbidden: &[Crate("redb")], only_in: &["node/src/store"] },
    Rule { under: &["node/"], forbidden: &[Crate("iroh")], only_in: &["node/src/transport"] },
    Rule { under: &["node/"], forbidden: HTTP, only_in: &["node/src/http", "node/src/web"] },
    Rule { under: &["node/"], forbidden: &[Crate("clap")], only_in: &[] },
    Rule { under: &["node/"], forbidden: CLOCK, only_in: &["node/src/clock"] },
    Rule { under: &["node/"], forbidden: RANDOM, only_in: &["node/src/entropy"] },
    Rule { under: SANS_IO, forbidden: MACHINE, only_in: &[] },
    Rule { under: SANS_IO, forbidden: WAITING, only_in: &[] },
    Rule {
        under: &["cli/"],
        forbidden: &[Crate("redb"), Crate("iroh"), Crate("axum"), Crate("automerge")],
        only_in: &[],
    },
];

/// Modules that are state machines: inputs in, outputs out.
const SANS_IO: &[&str] = &["node/src/replica", "node/src/sync"];

/// Breaches of the import table in one product file.
pub fn breaches(file: &SourceFile) -> Vec<Finding> {
    let code = Code::new(&measure::split(&file.text).product);
    let rules = RULES.iter().filter(|rule| rule.covers(&file.path));
    let needles = rules.flat_map(|rule| rule.forbidden);
    needles.flat_map(|needle| needle.findings(&file.path, &code)).collect()
}

/// Places where the store names a sibling module of the node.
pub fn store_siblings(file: &SourceFile) -> Vec<Finding> {
    if !is_in(&file.path, "node/src/store") {
        return Vec::new();
    }
    let code = Code::new(&measure::split(&file.text).product);
    let named = code.children("crate").into_iter().filter(|child| child.1 != "store");
    let mut found: Vec<Finding> = named
        .map(|(at, name)| Finding::at(&file.path, code.line_at(at), format!("the store names `crate::{name}`")))
        .collect();
    let out = "super::".repeat(levels_below_node(&file.path));
    found.extend(
        code.words(&out)
            .into_iter()
            .map(|at| Finding::at(&file.path, code.line_at(at), format!("`{out}` leaves the store"))),
    );
    found
}

impl Rule {
    fn covers(&self, path: &str) -> bool {
        let freed = self.only_in.iter().any(|module| is_in(path, module));
        !freed && self.under.iter().any(|prefix| path.starts_with(prefix))
    }
}

impl Needle {
    fn findings(&self, path: &str, code: &Code) -> Vec<Finding> {
        let hits = self.hits(code).into_iter();
        hits.map(|at| Finding::at(path, code.line_at(at), format!("names `{}`", self.label()))).collect()
    }

    fn hits(&self, code: &Code) -> Vec<usize> {
        match self {
            Crate(name) => code.crate_uses(name),
            Word(word) => code.words(word),
            Std(module) => {
                let children = ["std", "core"].into_iter().flat_map(|root| code.children(root));
                children.filter(|child| child.1 == *module).map(|child| child.0).collect()
            }
        }
    }

    fn label(&self) -> String {
        match self {
            Crate(name) => (*name).to_owned(),
            Word(word) => (*word).to_owned(),
            Std(module) => format!("std::{module}"),
        }
    }
}

/// Whether a path is the file of a module or lies in its folder.
fn is_in(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// How many `super::` lead from a file of the node out to the crate root.
fn levels_below_node(path: &str) -> usize {
    path.trim_start_matches("node/src/").split('/').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    fn whats(path: &str, text: &str) -> Vec<String> {
        breaches(&file(path, text)).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_place_is_a_file_or_its_folder() {
        assert!(is_in("node/src/store.rs", "node/src/store"));
        assert!(is_in("node/src/store/keys.rs", "node/src/store"));
        assert!(!is_in("node/src/store_room.rs", "node/src/store"));
    }

    #[test]
    fn redb_is_named_in_the_store_only() {
        let text = "//! x\nuse redb::Database;";
        assert_eq!(whats("node/src/app/orders.rs", text), ["node/src/app/orders.rs:2: names `redb`"]);
        assert!(whats("node/src/store/writer.rs", text).is_empty());
        assert_eq!(whats("cli/src/lib.rs", text).len(), 1);
        assert_eq!(whats("crdt-model/src/lib.rs", text).len(), 1);
    }

    #[test]
    fn the_model_has_no_clock_no_random_and_no_machine() {
        for line in ["use std::{fs, io};", "Utc::now();", "rand::rng();", "use tokio::net;", "use std::env;"] {
            assert_eq!(whats("crdt-model/src/a.rs", line).len(), 1, "{line}");
        }
        assert!(whats("crdt-model/src/a.rs", "use std::collections::BTreeMap;").is_empty());
    }

    #[test]
    fn the_clock_and_entropy_of_the_node_have_one_file_each() {
        assert!(whats("node/src/clock.rs", "SystemTime::now();").is_empty());
        assert!(whats("node/src/entropy.rs", "getrandom::fill();").is_empty());
        assert_eq!(whats("node/src/entropy.rs", "SystemTime::now();").len(), 1);
        assert_eq!(whats("node/src/clock.rs", "getrandom::fill();").len(), 1);
    }

    #[test]
    fn the_state_machines_do_not_wait() {
        let text = "async fn a() { b().await }";
        assert_eq!(whats("node/src/replica/apply.rs", text).len(), 2);
        assert!(whats("node/src/http/orders.rs", text).is_empty());
    }

    #[test]
    fn test_modules_are_free() {
        let text = "#[cfg(test)]\nmod tests {\n    use std::fs;\n}";
        assert!(whats("crdt-model/src/a.rs", text).is_empty());
    }

    #[test]
    fn the_store_names_no_sibling() {
        let text = "use crate::store::keys;\nuse crate::{store::a, app};\nuse super::super::clock;";
        let found = store_siblings(&file("node/src/store/read.rs", text));
        let lines: Vec<usize> = found.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [2, 3]);
        assert!(store_siblings(&file("node/src/store/read.rs", "use super::keys;")).is_empty());
        assert_eq!(store_siblings(&file("node/src/store.rs", "use super::clock;")).len(), 1);
        assert!(store_siblings(&file("node/src/app.rs", "use crate::store;")).is_empty());
    }
}
