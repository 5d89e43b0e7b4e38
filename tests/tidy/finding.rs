//! One breach of a gate and how it is reported: file, line, what is wrong, and one remedy for the gate.
//!
//! Not a gate itself. Invariant: a gate with findings always fails and names every one of them.
//! Proved by `a_gate_with_findings_fails_and_names_each` below.

use std::fmt;

/// A breach at one place of the repository.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path from the root of the repository.
    pub path: String,
    /// Line from 1; 0 stands for the file as a whole.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl Finding {
    /// A breach at a line.
    pub fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }

    /// A breach of a whole file or folder.
    pub fn whole(path: &str, what: impl Into<String>) -> Self {
        Self::at(path, 0, what)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.what),
            line => write!(out, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// Fails the running test when there are findings.
///
/// # Panics
/// With every finding, one a line, and the remedy last.
pub fn assert_none(mut findings: Vec<Finding>, remedy: &str) {
    findings.sort();
    let list: Vec<String> = findings.iter().map(|finding| format!("  {finding}")).collect();
    assert!(list.is_empty(), "{} finding(s)\n{}\nremedy: {remedy}\n", list.len(), list.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "2 finding(s)\n  a.rs: empty\n  b.rs:3: broken\nremedy: mend it")]
    fn a_gate_with_findings_fails_and_names_each() {
        let found = vec![Finding::at("b.rs", 3, "broken"), Finding::whole("a.rs", "empty")];
        assert_none(found, "mend it");
    }

    #[test]
    fn a_gate_without_findings_passes() {
        assert_none(Vec::new(), "nothing to mend");
    }
}
