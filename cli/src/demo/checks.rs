//! What the demo expects against what a node said.

use serde_json::{Value, json};

use crate::text::{Lang, Text};

/// The checks so far.
#[derive(Debug)]
pub struct Checks {
    lang: Lang,
    done: Vec<Check>,
}

#[derive(Debug)]
struct Check {
    text: Text,
    expected: String,
    got: String,
}

impl Checks {
    /// None yet.
    pub fn new(lang: Lang) -> Self {
        Self { lang, done: Vec::new() }
    }

    /// The language of the story.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// Compares, and returns the line to show.
    pub fn same(&mut self, text: Text, expected: &str, got: &str) -> String {
        self.done.push(Check { text, expected: expected.to_owned(), got: got.to_owned() });
        let what = text.get(self.lang);
        if expected == got {
            return format!("  ok {what}: {got}");
        }
        let differs = super::words::DIFFERS.with(self.lang, &[expected, got]);
        format!("  {differs} ({what})")
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.done.len()
    }

    /// How many came out as expected.
    pub fn passed(&self) -> usize {
        self.done.iter().filter(|check| check.expected == check.got).count()
    }

    /// Whether there were checks and none differed.
    pub fn good(&self) -> bool {
        !self.done.is_empty() && self.passed() == self.count()
    }

    /// All of them for programs.
    pub fn objects(&self) -> Vec<Value> {
        let object = |check: &Check| {
            let Check { text, expected, got } = check;
            json!({"name": text.get(Lang::En), "expected": expected, "got": got, "ok": expected == got})
        };
        self.done.iter().map(object).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::words::GROSS;

    #[test]
    fn a_figure_that_differs_fails_the_demo() {
        let mut checks = Checks::new(Lang::En);
        assert!(!checks.good(), "no check is no proof");
        assert!(checks.same(GROSS, "1.00", "1.00").contains("ok"));
        assert!(checks.good());
        let line = checks.same(GROSS, "1.00", "1.01");
        assert!(line.contains("1.00") && line.contains("1.01") && !line.contains(" ok "), "{line}");
        assert!(!checks.good());
        assert_eq!((checks.passed(), checks.count()), (1, 2));
        assert_eq!(checks.objects()[1]["ok"], false);
    }
}
