//! Typeahead: one line of text a record, scanned whole for each question.
//!
//! Pure: what is read from the store comes in, hits go out. A scan of 200,000 lines takes milliseconds, so there is no
//! index that could be wrong; `app/search` keeps the lines up to date.
//!
//! Invariants: what is equal comes before what begins, and that before what only holds the text; equal hits keep one order.
//! Proved by `the_nearest_comes_first` and `a_record_is_found_by_each_of_its_texts`.

use std::collections::HashMap;

use crdt_model::id::DocumentId;
use memchr::memmem::Finder;
use pinyin::ToPinyin;

/// Bytes of a question.
pub const QUESTION_BYTES_MAX: usize = 200;
/// Hits of one kind, at most.
pub const HITS_MAX: usize = 50;
/// Parts the texts of a line; no question holds it.
const PART: char = '\n';

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A product.
    Product,
    /// A customer.
    Customer,
    /// An order.
    Order,
}

impl Kind {
    /// Every kind, in the order of an answer.
    pub const ALL: [Self; 3] = [Self::Product, Self::Customer, Self::Order];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Customer => "customer",
            Self::Order => "order",
        }
    }
}

/// A record as it is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is.
    pub kind: Kind,
    /// How it is called up: SKU, customer id, order number.
    pub target: String,
    line: String,
}

impl Record {
    /// A record with the texts by which it is found; names are found by their pinyin as well.
    pub fn new(kind: Kind, target: &str, names: &[&str], codes: &[&str]) -> Self {
        let mut line = String::new();
        for text in codes.iter().filter(|text| !text.is_empty()) {
            push(&mut line, &text.to_lowercase());
        }
        for name in names.iter().filter(|name| !name.is_empty()) {
            let [full, initials] = spelled(name);
            let plain = name.to_lowercase();
            if full != plain {
                push(&mut line, &full);
                push(&mut line, &initials);
            }
            push(&mut line, &plain);
        }
        Self { kind, target: target.to_owned(), line }
    }
}

fn push(line: &mut String, text: &str) {
    line.push(PART);
    line.extend(text.chars().map(|letter| if letter == PART { ' ' } else { letter }));
}

/// A name in pinyin without tones, whole and by initials; other letters stay, spaces go.
pub fn spelled(name: &str) -> [String; 2] {
    let (mut full, mut initials) = (String::new(), String::new());
    for letter in name.chars().filter(|letter| !letter.is_whitespace()) {
        match letter.to_pinyin() {
            Some(pinyin) => {
                full.push_str(pinyin.plain());
                initials.push_str(pinyin.first_letter());
            }
            None => {
                full.extend(letter.to_lowercase());
                initials.extend(letter.to_lowercase());
            }
        }
    }
    [full, initials]
}

/// All records.
#[derive(Debug, Default)]
pub struct Records {
    records: Vec<Record>,
    places: HashMap<DocumentId, usize>,
}

/// How near a record is to a question; the smaller the nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    Equal,
    Begins,
    /// Of a phone number or another code: its tail.
    Ends,
    Holds,
}

impl Records {
    /// How many.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Adds a document's record, or replaces it.
    pub fn put(&mut self, document: DocumentId, record: Record) {
        match self.places.get(&document) {
            Some(place) => self.records[*place] = record,
            None => {
                self.places.insert(document, self.records.len());
                self.records.push(record);
            }
        }
    }

    /// The nearest records of each kind, kind by kind.
    pub fn find(&self, question: &str, limit: usize) -> Vec<&Record> {
        let wanted = question.trim().to_lowercase();
        if wanted.is_empty() || wanted.contains(PART) {
            return Vec::new();
        }
        let finder = Finder::new(wanted.as_bytes());
        let mut found: Vec<(Kind, Nearness, usize, &Record)> = Vec::new();
        for record in &self.records {
            if let Some(nearness) = nearness(&record.line, &wanted, &finder) {
                found.push((record.kind, nearness, record.target.len(), record));
            }
        }
        let mut nearest = Vec::new();
        for kind in Kind::ALL {
            let mut of_kind: Vec<_> = found.iter().filter(|(of, ..)| *of == kind).collect();
            of_kind.sort_by_key(|(_, nearness, length, record)| (*nearness, *length, &record.target));
            nearest.extend(of_kind.into_iter().take(limit.min(HITS_MAX)).map(|(.., record)| *record));
        }
        nearest
    }
}

/// How near a line is; `None` where it does not hold the text.
fn nearness(line: &str, wanted: &str, finder: &Finder<'_>) -> Option<Nearness> {
    let mut best = None;
    for at in finder.find_iter(line.as_bytes()) {
        let begins = line.as_bytes()[at - 1] == PART as u8;
        let ends = line.as_bytes().get(at + wanted.len()).is_none_or(|next| *next == PART as u8);
        let nearness = match (begins, ends) {
            (true, true) => return Some(Nearness::Equal),
            (true, false) => Nearness::Begins,
            (false, true) => Nearness::Ends,
            (false, false) => Nearness::Holds,
        };
        best = Some(best.map_or(nearness, |best: Nearness| best.min(nearness)));
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(all: &[Record]) -> Records {
        let mut records = Records::default();
        for (at, record) in all.iter().enumerate() {
            records.put(DocumentId([at as u8; 16]), record.clone());
        }
        records
    }

    fn targets(records: &Records, question: &str) -> Vec<String> {
        records.find(question, 10).into_iter().map(|record| record.target.clone()).collect()
    }

    #[test]
    fn a_record_is_found_by_each_of_its_texts() {
        let records = records(&[
            Record::new(Kind::Product, "TEA-1", &["明前龙井 250g"], &["TEA-1", "6901234567892"]),
            Record::new(Kind::Customer, "0102", &["王小明"], &["13800004567"]),
            Record::new(Kind::Order, "SH01-A-000123", &[], &["SH01-A-000123", "W-77"]),
        ]);
        for (question, target) in [
            ("tea-1", "TEA-1"),
            ("龙井", "TEA-1"),
            ("longjing", "TEA-1"),
            ("mqlj", "TEA-1"),
            ("6901234567892", "TEA-1"),
            ("王小", "0102"),
            ("wangxiaoming", "0102"),
            ("WXM", "0102"),
            ("4567", "0102"),
            ("000123", "SH01-A-000123"),
            ("w-77", "SH01-A-000123"),
            (" sh01-a-000123 ", "SH01-A-000123"),
        ] {
            assert!(targets(&records, question).contains(&target.to_owned()), "{question}");
        }
        for nothing in ["", "  ", "zzz", "tea-1\nmqlj", "99"] {
            assert_eq!(targets(&records, nothing), Vec::<String>::new(), "{nothing:?}");
        }
    }

    #[test]
    fn the_nearest_comes_first() {
        let of = |sku: &str, name: &str| Record::new(Kind::Product, sku, &[name], &[sku]);
        let records =
            records(&[of("XCUPX", "a"), of("ACUP", "b"), of("CUPBOARD", "c"), of("CUPS", "d"), of("CUP", "e")]);
        assert_eq!(targets(&records, "cup"), ["CUP", "CUPS", "CUPBOARD", "ACUP", "XCUPX"]);
        assert_eq!(records.find("cup", 2).len(), 2);
    }

    #[test]
    fn a_record_that_changed_is_found_by_its_new_texts_alone() {
        let mut records = Records::default();
        let document = DocumentId([1; 16]);
        records.put(document, Record::new(Kind::Product, "A", &["old"], &["A"]));
        records.put(document, Record::new(Kind::Product, "A", &["new"], &["A"]));
        assert_eq!((targets(&records, "old"), targets(&records, "new")), (vec![], vec!["A".to_owned()]));
        assert_eq!(records.len(), 1);
    }

    #[test]
    fn answers_are_kind_by_kind() {
        let records = records(&[
            Record::new(Kind::Order, "W-1", &[], &["W-1"]),
            Record::new(Kind::Customer, "c", &["W-1 Ltd"], &[]),
            Record::new(Kind::Product, "p", &["the W-1"], &["p"]),
        ]);
        assert_eq!(targets(&records, "w-1"), ["p", "c", "W-1"]);
    }
}
