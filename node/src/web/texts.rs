//! The sentences of the pages, from the Fluent files `texts/en.ftl` and `texts/zh.ftl`.
//!
//! Invariants: both files hold the same keys with the same variables; every key that the pages name is there; no Chinese
//! stands elsewhere. Proved by `both_languages_have_the_same_keys_and_variables`, `every_key_that_the_pages_name_is_there`
//! and the tidy check of the tests.

use std::borrow::Cow;
use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

const ENGLISH: &str = include_str!("../../texts/en.ftl");
const CHINESE: &str = include_str!("../../texts/zh.ftl");

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Chinese, as written on the mainland; where the browser wants neither.
    #[default]
    Zh,
    /// English.
    En,
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Zh, Self::En];

    /// Its tag in HTML.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// The language of a tag.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The one that an `Accept-Language` header likes best; of equals the first, of none Chinese.
    pub fn of_accept(header: &str) -> Self {
        let weighed = header.split(',').filter_map(|part| {
            let mut pieces = part.split(';');
            let tag = pieces.next()?.trim().split('-').next()?.to_ascii_lowercase();
            let weight = pieces.find_map(|piece| piece.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            Self::from_tag(&tag).filter(|_| weight > 0.0).map(|language| (language, weight))
        });
        let best = weighed.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(language, _)| language).unwrap_or_default()
    }

    /// A sentence.
    pub fn text(self, key: &str) -> String {
        self.with(key, &[])
    }

    /// A sentence with its values.
    pub fn with(self, key: &str, values: &[(&str, &dyn std::fmt::Display)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, FluentValue::String(Cow::Owned(value.to_string())));
        }
        self.format(key, &args)
    }

    /// A sentence about a number of things, which decides its plural.
    pub fn counted(self, key: &str, count: u64) -> String {
        let mut args = FluentArgs::new();
        args.set("count", FluentValue::from(count));
        self.format(key, &args)
    }

    fn format(self, key: &str, args: &FluentArgs<'_>) -> String {
        let bundle = bundle(self);
        let message = bundle.get_message(key).and_then(|message| message.value());
        // A key that is missing shows itself; a test finds it before.
        let Some(pattern) = message else { return key.to_owned() };
        bundle.format_pattern(pattern, Some(args), &mut Vec::new()).into_owned()
    }
}

type Bundle = FluentBundle<FluentResource>;

fn bundle(language: Language) -> &'static Bundle {
    static BUNDLES: OnceLock<[Bundle; 2]> = OnceLock::new();
    let [zh, en] = BUNDLES.get_or_init(|| [read("zh-CN", CHINESE), read("en-GB", ENGLISH)]);
    match language {
        Language::Zh => zh,
        Language::En => en,
    }
}

fn read(tag: &str, text: &str) -> Bundle {
    let tag: LanguageIdentifier = tag.parse().expect("invariant: both tags are well formed");
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    bundle.set_use_isolating(false);
    // What does not parse is left out; a test counts the messages of both files.
    let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(resource, _)| resource);
    drop(bundle.add_resource(resource));
    bundle
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    /// Key and the variables of its message, read as text: one message starts at the beginning of a line.
    fn messages(file: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut messages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut key = String::new();
        for line in file.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, _)) =
                line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
            {
                key = name.to_owned();
                assert!(messages.insert(key.clone(), BTreeSet::new()).is_none(), "{key} stands twice");
            }
            for part in line.split('$').skip(1) {
                let variable = part.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap();
                messages.get_mut(&key).unwrap().insert(variable.to_owned());
            }
        }
        messages
    }

    #[test]
    fn both_languages_have_the_same_keys_and_variables() {
        let (zh, en) = (messages(CHINESE), messages(ENGLISH));
        assert_eq!(zh, en);
        assert!(zh.len() > 100);
        for (language, keys) in [(Language::Zh, &zh), (Language::En, &en)] {
            for key in keys.keys() {
                assert!(bundle(language).has_message(key), "{key} cannot be parsed in {}", language.tag());
            }
        }
        let han = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert!(ENGLISH.lines().filter(|line| !line.starts_with("language-zh")).all(|line| !han(line)));
    }

    /// Every quoted text behind a call that takes a key.
    fn named_keys(source: &str, keys: &mut BTreeSet<String>) {
        for call in [".text(\"", ".with(\"", ".counted(\"", "Key(\""] {
            for part in source.split(call).skip(1) {
                keys.insert(part.split('"').next().unwrap().to_owned());
            }
        }
    }

    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push(text.split("#[cfg(test)]").next().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_key_that_the_pages_name_is_there() {
        let mut files = Vec::new();
        sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web")), &mut files);
        let mut named = BTreeSet::new();
        files.iter().for_each(|file| named_keys(file, &mut named));
        let known: BTreeSet<String> = messages(ENGLISH).into_keys().collect();
        let missing: Vec<_> = named.iter().filter(|key| !known.contains(*key)).collect();
        assert!(named.len() > 30 && missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn the_browser_s_first_language_wins_and_chinese_where_it_has_neither() {
        for (header, wanted) in [
            ("en", Language::En),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Zh),
            ("en-US,en;q=0.9,zh;q=0.8", Language::En),
            ("zh;q=0.2,en;q=0.7", Language::En),
            ("de,fr;q=0.9", Language::Zh),
            ("de,en;q=0", Language::Zh),
            ("", Language::Zh),
            ("*", Language::Zh),
        ] {
            assert_eq!(Language::of_accept(header), wanted, "{header}");
        }
    }

    #[test]
    fn values_are_filled_in() {
        let text = Language::En.with("standing-own-since", &[("time", &"10:42")]);
        assert!(text.contains("10:42"), "{text}");
        assert!(Language::En.counted("standing-waiting", 1).contains("1 change "));
        assert!(Language::En.counted("standing-waiting", 7).contains("7 changes "));
    }
}
