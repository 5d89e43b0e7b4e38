//! Searching in code: lines without whole-line comments, joined, so that a path may be spread over lines.
//!
//! Not a Rust parser: strings are searched like code, which only makes the gates stricter.
//! Invariant: every hit maps back to the line it was written on, and names match whole words only.
//! Proved by `a_hit_knows_its_line` and `names_match_whole_words_only`.

use crate::measure::Line;

/// Code of one file with the numbers of its lines.
pub struct Code {
    /// The lines, joined with line feeds.
    pub text: String,
    /// For each line: where it starts in `text`, and its number in the file.
    starts: Vec<(usize, usize)>,
}

impl Code {
    /// Takes the lines that are not comments as a whole.
    pub fn new(lines: &[Line<'_>]) -> Self {
        let mut code = Self { text: String::new(), starts: Vec::new() };
        for (number, line) in lines {
            if !line.trim_start().starts_with("//") {
                code.starts.push((code.text.len(), *number));
                code.text.push_str(line);
                code.text.push('\n');
            }
        }
        code
    }

    /// The number of the line that holds an offset of `text`.
    pub fn line_at(&self, offset: usize) -> usize {
        let index = self.starts.partition_point(|start| start.0 <= offset);
        self.starts[..index].last().map_or(0, |start| start.1)
    }

    /// Offsets of a word or path such as `SystemTime::now`, bounded on both sides.
    pub fn words(&self, word: &str) -> Vec<usize> {
        let hits = self.text.match_indices(word);
        hits.filter(|(at, _)| is_bounded(&self.text, *at, word)).map(|(at, _)| at).collect()
    }

    /// Offsets where a crate is named: `name::`, `use name;`, `use name as`, `extern crate name`.
    pub fn crate_uses(&self, name: &str) -> Vec<usize> {
        let uses = |at: &usize| {
            let before = self.text[..*at].trim_end();
            let after = self.text[*at + name.len()..].trim_start();
            after.starts_with("::") || before.ends_with("use") || before.ends_with("extern crate")
        };
        self.words(name).into_iter().filter(uses).collect()
    }

    /// Names taken from `root::`, alone or out of braces, with the offset of each use.
    pub fn children(&self, root: &str) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for at in self.words(root) {
            let rest = self.text[at + root.len()..].trim_start();
            if let Some(path) = rest.strip_prefix("::") {
                found.extend(first_names(path.trim_start()).into_iter().map(|name| (at, name)));
            }
        }
        found
    }
}

/// The leading identifier of a text; empty where there is none.
pub fn identifier(text: &str) -> &str {
    &text[..text.find(|letter| !is_word(letter)).unwrap_or(text.len())]
}

fn first_names(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else {
        return vec![identifier(path).to_owned()];
    };
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                names.push(identifier(group[start..at].trim()).to_owned());
                start = at + 1;
                if letter == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn is_bounded(text: &str, at: usize, word: &str) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at + word.len()..].chars().next();
    let runs_on_before = word.starts_with(is_word) && before.is_some_and(is_word);
    let runs_on_after = word.ends_with(is_word) && after.is_some_and(is_word);
    !runs_on_before && !runs_on_after
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Code {
        let lines: Vec<_> = text.split('\n').enumerate().map(|(at, line)| (at + 1, line)).collect();
        Code::new(&lines)
    }

    fn lines(code: &Code, hits: &[usize]) -> Vec<usize> {
        hits.iter().map(|at| code.line_at(*at)).collect()
    }

    #[test]
    fn a_hit_knows_its_line() {
        let code = code("// SystemTime::now\nlet a = 1;\n/// more\nlet b = SystemTime::now();");
        assert_eq!(lines(&code, &code.words("SystemTime::now")), [4]);
    }

    #[test]
    fn names_match_whole_words_only() {
        let code = code("myredb::open();\nredb_open::x();\nredb::open();\nlet redb = 1;");
        assert_eq!(lines(&code, &code.crate_uses("redb")), [3]);
    }

    #[test]
    fn a_crate_is_named_by_path_use_or_extern() {
        let code = code("use redb;\nuse redb as db;\nextern crate redb;\nuse {redb::Table};\nredb();");
        assert_eq!(lines(&code, &code.crate_uses("redb")), [1, 2, 3, 4]);
    }

    #[test]
    fn grouped_imports_are_taken_apart() {
        let code = code("use std::{\n    collections::{BTreeMap, btree_map},\n    fs,\n};\nstd::net::x();");
        let names: Vec<String> = code.children("std").into_iter().map(|child| child.1).collect();
        assert_eq!(names, ["collections", "fs", "net"]);
    }

    #[test]
    fn an_empty_or_open_group_gives_no_name() {
        assert!(first_names("{}").is_empty());
        assert!(first_names("{fs").is_empty());
        assert_eq!(first_names("{self, fs}"), ["self", "fs"]);
    }
}
