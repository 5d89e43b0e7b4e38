//! What the documents must name: every folder with sources, every event kind, every field with rule, reason and test.
//!
//! Not a Markdown parser: it knows table rows and words in backticks.
//! Invariant: a row counts only inside a table whose head has the columns *rule*, *reason* (or *why*) and *test*.
//! Proved by `only_rows_with_rule_reason_and_test_count`.

use std::collections::BTreeSet;

use crate::code::identifier;
use crate::finding::Finding;
use crate::tree::SourceFile;

/// The map of the repository.
pub const ARCHITECTURE: &str = "docs/architecture.md";
/// The merge rule of every event kind and field.
pub const MERGE_RULES: &str = "docs/merge-rules.md";
/// Where the event kinds are listed.
pub const EVENTS: &str = "crdt-model/src/event.rs";

/// Something that needs a merge rule, and where it is written.
#[derive(Debug, PartialEq, Eq)]
pub struct Subject {
    /// The document module of a field; none for an event kind, whose name is unique.
    pub owner: Option<String>,
    /// Name of the event kind, or key of the field.
    pub name: String,
    /// File that declares it.
    pub path: String,
    /// Line from 1.
    pub line: usize,
}

/// One row of a merge table.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MergeRow {
    /// Line from 1.
    pub line: usize,
    /// The heading above the table.
    pub heading: String,
    /// Words in backticks before the rule.
    pub subjects: Vec<String>,
    /// The rule.
    pub rule: String,
    /// Why it is so.
    pub reason: String,
    /// Tests that prove it.
    pub tests: Vec<String>,
}

/// Folders that hold Rust sources.
pub fn source_folders(files: &[SourceFile]) -> BTreeSet<String> {
    files.iter().filter_map(|file| file.path.rsplit_once('/')).map(|(folder, _)| folder.to_owned()).collect()
}

/// Folders that a text does not name; a longer path does not name its parent.
pub fn unnamed_folders(folders: &BTreeSet<String>, text: &str) -> Vec<Finding> {
    let missing = folders.iter().filter(|folder| !names_folder(text, folder));
    missing.map(|folder| Finding::whole(ARCHITECTURE, format!("does not name `{folder}/`"))).collect()
}

fn names_folder(text: &str, folder: &str) -> bool {
    let part_of_path = |letter: char| letter.is_alphanumeric() || "_-/.".contains(letter);
    text.match_indices(folder).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let rest = &text[at + folder.len()..];
        let after = rest.strip_prefix('/').unwrap_or(rest).chars().next();
        !before.is_some_and(part_of_path) && !after.is_some_and(|letter| part_of_path(letter) && letter != '.')
    })
}

/// Event kinds: lines such as `OrderPlaced = 0x0101,`.
pub fn event_kinds(file: &SourceFile) -> Vec<Subject> {
    let lines = file.text.lines().enumerate();
    let kinds = lines.filter_map(|(index, line)| Some((index, event_kind(line.trim())?)));
    kinds.map(|(index, name)| subject(None, name, file, index)).collect()
}

fn event_kind(line: &str) -> Option<&str> {
    let (name, value) = line.split_once(" = ")?;
    let digits = value.split(',').next()?.strip_prefix("0x")?;
    let is_kind = digits.len() == 4 && digits.chars().all(|digit| digit.is_ascii_hexdigit());
    let is_variant = identifier(name) == name && name.starts_with(char::is_uppercase);
    (is_kind && is_variant && value.contains(',')).then_some(name)
}

/// Field keys: lines such as `pub const FIELD_NAME: &str = "name";`.
pub fn field_keys(file: &SourceFile) -> Vec<Subject> {
    let lines = file.text.lines().enumerate();
    let keys = lines.filter_map(|(index, line)| Some((index, field_key(line.trim())?)));
    keys.map(|(index, name)| subject(owner(&file.path), name, file, index)).collect()
}

fn field_key(line: &str) -> Option<&str> {
    let (head, value) = line.split_once("&str = \"").or_else(|| line.split_once("&'static str = \""))?;
    let declared = head.split_once("const ")?.1.starts_with("FIELD_");
    declared.then(|| value.split('"').next().unwrap_or(value))
}

/// The module of the model that a file belongs to: `product` of `crdt-model/src/product/state.rs`.
fn owner(path: &str) -> Option<&str> {
    path.strip_prefix("crdt-model/src/")?.split(['/', '.']).next()
}

fn subject(owner: Option<&str>, name: &str, file: &SourceFile, index: usize) -> Subject {
    Subject { owner: owner.map(str::to_owned), name: name.to_owned(), path: file.path.clone(), line: index + 1 }
}

/// The rows of every merge table of a text.
pub fn merge_rows(text: &str) -> Vec<MergeRow> {
    let mut rows = Vec::new();
    let mut heading = "";
    let mut columns: Option<Columns> = None;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            heading = line.trim_start_matches('#').trim();
        }
        let cells = cells(line);
        match &columns {
            _ if cells.is_empty() => columns = None,
            None => columns = Some(Columns::of(&cells)),
            Some(_) if is_ruler(&cells) => {}
            Some(found) => rows.extend(found.row(heading, &cells, index + 1)),
        }
    }
    rows
}

/// Subjects without a full row.
pub fn unruled(subjects: &[Subject], rows: &[MergeRow]) -> Vec<Finding> {
    let missing = subjects.iter().filter_map(|subject| {
        let gap = match rows.iter().find(|row| row.rules(subject)) {
            None => "has no row",
            Some(row) => row.gap()?,
        };
        Some(Finding::at(&subject.path, subject.line, format!("`{}` {gap} in {MERGE_RULES}", subject.label())))
    });
    missing.collect()
}

/// Tests that rows name and nobody wrote.
pub fn unknown_tests(rows: &[MergeRow], functions: &BTreeSet<String>) -> Vec<Finding> {
    let named = rows.iter().flat_map(|row| row.tests.iter().map(move |test| (row.line, test)));
    let unknown =
        named.filter(|(_, test)| !functions.contains(test.rsplit("::").next().unwrap_or(test).trim_end_matches("()")));
    unknown.map(|(line, test)| Finding::at(MERGE_RULES, line, format!("there is no test `{test}`"))).collect()
}

impl Subject {
    fn label(&self) -> String {
        self.owner.as_ref().map_or(self.name.clone(), |owner| format!("{owner}.{}", self.name))
    }
}

impl MergeRow {
    /// Whether it names a subject: in full, or by its key beside or below the name of its document.
    fn rules(&self, subject: &Subject) -> bool {
        let in_full = subject.label();
        let is_placed = subject
            .owner
            .as_ref()
            .is_none_or(|owner| self.subjects.contains(owner) || self.heading.to_lowercase().contains(owner.as_str()));
        let is_named = |name: &String| *name == in_full || (is_placed && *name == subject.name);
        self.subjects.iter().any(is_named)
    }

    fn gap(&self) -> Option<&'static str> {
        if self.rule.is_empty() {
            Some("has no rule")
        } else if self.reason.is_empty() {
            Some("has no reason")
        } else if self.tests.is_empty() {
            Some("has no test")
        } else {
            None
        }
    }
}

/// Where the columns of a table are.
#[derive(Default)]
struct Columns {
    rule: Option<usize>,
    reason: Option<usize>,
    test: Option<usize>,
}

impl Columns {
    fn of(head: &[&str]) -> Self {
        let at = |names: &[&str]| head.iter().position(|cell| names.contains(&cell.to_lowercase().as_str()));
        Self { rule: at(&["rule"]), reason: at(&["reason", "why"]), test: at(&["test", "tests"]) }
    }

    fn row(&self, heading: &str, cells: &[&str], line: usize) -> Option<MergeRow> {
        let (rule, reason, test) = (self.rule?, self.reason?, self.test?);
        let text = |at: usize| cells.get(at).map_or(String::new(), |cell| (*cell).to_owned());
        Some(MergeRow {
            line,
            heading: heading.to_owned(),
            subjects: cells.iter().take(rule).flat_map(|cell| quoted(cell)).collect(),
            rule: text(rule),
            reason: text(reason),
            tests: quoted(&text(test)),
        })
    }
}

fn cells(line: &str) -> Vec<&str> {
    let line = line.trim();
    let Some(inside) = line.strip_prefix('|').and_then(|rest| rest.strip_suffix('|')) else {
        return Vec::new();
    };
    inside.split('|').map(str::trim).collect()
}

fn is_ruler(cells: &[&str]) -> bool {
    cells.iter().all(|cell| !cell.is_empty() && cell.chars().all(|letter| "-: ".contains(letter)))
}

fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
| field | rule | reason | test |
| --- | --- | --- | --- |
| `product.name` | newest wins | people edit | `edits_meet` |
| `OrderPlaced`, `line` | lowest id counts | one truth | `a::tests::placed_once` |
| `unit` | kept |  | `edits_meet` |
| `barcode` | kept | why | none yet |

| field | meaning |
| --- | --- |
| `sku` | text |
";

    fn file(text: &str) -> SourceFile {
        SourceFile { path: EVENTS.to_owned(), text: text.to_owned() }
    }

    fn subjects(names: &[&str]) -> Vec<Subject> {
        names.iter().map(|name| subject(None, name, &file(""), 0)).collect()
    }

    fn field_subject(owner: &str, name: &str) -> Subject {
        subject(Some(owner), name, &file(""), 0)
    }

    fn texts(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn only_rows_with_rule_reason_and_test_count() {
        let wanted = subjects(&["OrderPlaced", "line", "unit", "barcode", "sku"]);
        let found = texts(unruled(&wanted, &merge_rows(TABLE)));
        assert_eq!(
            found,
            [
                "`unit` has no reason in docs/merge-rules.md",
                "`barcode` has no test in docs/merge-rules.md",
                "`sku` has no row in docs/merge-rules.md",
            ]
        );
    }

    #[test]
    fn a_field_is_ruled_for_its_own_document_only() {
        let rows = merge_rows(TABLE);
        assert!(unruled(&[field_subject("product", "name")], &rows).is_empty());
        assert_eq!(texts(unruled(&[field_subject("customer", "name")], &rows)).len(), 1);
        assert_eq!(texts(unruled(&[field_subject("product", "unit")], &rows)).len(), 1);
    }

    #[test]
    fn a_heading_or_a_column_may_name_the_document() {
        let head = "| document | field | rule | why | tests |\n| - | - | - | - | - |\n";
        let beside = merge_rows(&format!("{head}| `customer` | `name` | kept | why | `t` |"));
        assert!(unruled(&[field_subject("customer", "name")], &beside).is_empty());
        let below = merge_rows(&format!("## Customer\n\n{head}| | `name` | kept | why | `t` |"));
        assert!(unruled(&[field_subject("customer", "name")], &below).is_empty());
        assert_eq!(unruled(&[field_subject("product", "name")], &below).len(), 1);
    }

    #[test]
    fn a_named_test_must_exist() {
        let functions = BTreeSet::from(["edits_meet".to_owned()]);
        let found = unknown_tests(&merge_rows(TABLE), &functions);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].what.contains("placed_once")), (4, true));
    }

    #[test]
    fn event_kinds_are_read_from_their_codes() {
        let text = "pub enum EventKind {\n    OrderPlaced = 0x0101,\n    /// x\n    OrderLine = 0x0102, // y\n}\nconst MAX = 0x0101,\nlet a = 0x01;";
        let names: Vec<_> = event_kinds(&file(text)).into_iter().map(|kind| (kind.name, kind.line)).collect();
        assert_eq!(names, [("OrderPlaced".to_owned(), 2), ("OrderLine".to_owned(), 4)]);
    }

    #[test]
    fn field_keys_are_read_from_their_constants() {
        let text = "pub const FIELD_NAME: &str = \"name\";\nconst OTHER: &str = \"x\";\npub(crate) const FIELD_UNIT: &'static str = \"unit\";";
        let names: Vec<_> = field_keys(&file(text)).into_iter().map(|key| (key.name, key.line)).collect();
        assert_eq!(names, [("name".to_owned(), 1), ("unit".to_owned(), 3)]);
    }

    #[test]
    fn the_owner_of_a_field_is_its_module() {
        assert_eq!(owner("crdt-model/src/product.rs"), Some("product"));
        assert_eq!(owner("crdt-model/src/product/state.rs"), Some("product"));
        assert_eq!(owner("node/src/app.rs"), None);
    }

    #[test]
    fn a_longer_path_does_not_name_its_parent() {
        assert!(names_folder("see `node/src/store/`.", "node/src/store"));
        assert!(names_folder("see node/src/store.", "node/src/store"));
        assert!(!names_folder("see `node/src/store/keys.rs`", "node/src/store"));
        assert!(!names_folder("see `node/src/store_room/`", "node/src/store"));
        assert!(!names_folder("see `old/node/src`", "node/src"));
    }

    #[test]
    fn folders_come_from_the_files_in_them() {
        let files = [file(""), SourceFile { path: "build.rs".to_owned(), text: String::new() }];
        assert_eq!(source_folders(&files), BTreeSet::from(["crdt-model/src".to_owned()]));
        assert_eq!(unnamed_folders(&source_folders(&files), "nothing").len(), 1);
    }
}
