//! Which column of a file holds which field: mappings from flags, from a file or from a preset.
//!
//! Not a reader of cells. Headers are compared exactly, after blanks around them are dropped.
//!
//! Invariants: a mapping that resolves names every required field of its kind, and each column once. Proved by
//! `a_missing_required_field_is_named_with_its_flag` and `an_unknown_column_is_named_beside_the_columns_of_the_file`.

use std::collections::BTreeMap;

use thiserror::Error;

use super::rejects::excerpt;

/// Columns that an error lists at most.
const LISTED_COLUMNS_MAX: usize = 40;

/// What a column can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The order's number in its channel.
    ExternalNumber,
    /// When the order was taken.
    OrderTime,
    /// The item.
    Sku,
    /// The item's name.
    Name,
    /// How many units.
    Quantity,
    /// The price of one unit.
    Price,
    /// The customer's number.
    Customer,
    /// Country or region.
    Region,
    /// ISO 4217 code.
    Currency,
    /// The item's base unit.
    Unit,
    /// The item's bar code.
    Barcode,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Order lines.
    Orders,
    /// Products.
    Products,
}

/// Why a mapping does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ColumnsError {
    /// Neither `field:Column` nor `field=Column`.
    #[error("the mapping `{text}` does not say field and column")]
    Form {
        /// What was written.
        text: String,
    },
    /// No such field, or not for this kind of file.
    #[error("`{field}` is not a field of this import; its fields are {known}")]
    UnknownField {
        /// What was written.
        field: String,
        /// The fields that there are.
        known: String,
    },
    /// A field has two columns.
    #[error("the field `{field}` is mapped twice")]
    FieldTwice {
        /// The field.
        field: &'static str,
    },
    /// The file has no such column.
    #[error("the file has no column `{column}` (field `{field}`); its columns are {columns}")]
    UnknownColumn {
        /// The field.
        field: &'static str,
        /// The column that the mapping names.
        column: String,
        /// The columns of the file.
        columns: String,
    },
    /// Two columns have the name.
    #[error("the file has more than one column `{column}` (field `{field}`)")]
    ColumnTwice {
        /// The field.
        field: &'static str,
        /// The column.
        column: String,
    },
    /// A required field has no column.
    #[error("no column is mapped to the field `{field}`; the columns of the file are {columns}")]
    MissingField {
        /// The field.
        field: &'static str,
        /// The columns of the file.
        columns: String,
    },
}

/// Fields and the names of their columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    columns: BTreeMap<Field, String>,
}

/// Fields and the places of their columns in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    places: [Option<usize>; Field::ALL.len()],
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 11] = [
        Self::ExternalNumber,
        Self::OrderTime,
        Self::Sku,
        Self::Name,
        Self::Quantity,
        Self::Price,
        Self::Customer,
        Self::Region,
        Self::Currency,
        Self::Unit,
        Self::Barcode,
    ];

    /// The word for it in flags, mapping files and the rejects file.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExternalNumber => "external_number",
            Self::OrderTime => "order_time",
            Self::Sku => "sku",
            Self::Name => "name",
            Self::Quantity => "quantity",
            Self::Price => "price",
            Self::Customer => "customer",
            Self::Region => "region",
            Self::Currency => "currency",
            Self::Unit => "unit",
            Self::Barcode => "barcode",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

impl FileKind {
    /// The fields that such a file can have.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Orders => &Field::ALL[..9],
            Self::Products => &[Field::Sku, Field::Name, Field::Unit, Field::Barcode, Field::Price],
        }
    }

    /// The fields that it must have.
    pub fn required(self) -> &'static [Field] {
        match self {
            Self::Orders => &[Field::ExternalNumber, Field::OrderTime, Field::Sku, Field::Quantity, Field::Price],
            Self::Products => &[Field::Sku, Field::Name],
        }
    }
}

impl ColumnsError {
    /// What a person can do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Form { .. } => "Write `--map field=Column`, or lines `field=Column` in the mapping file.".to_owned(),
            Self::UnknownField { .. } => "Use one of the listed fields.".to_owned(),
            Self::FieldTwice { field } => format!("Keep one `{field}` in the mapping."),
            Self::UnknownColumn { field, columns, .. } => {
                format!("Map it to a listed column: `--map {field}=Column`.{}", parting(columns))
            }
            Self::ColumnTwice { column, .. } => format!("Rename one of the columns `{column}` in the file."),
            Self::MissingField { field, columns } => {
                format!("Add `--map {field}=Column` with one of the listed columns.{}", parting(columns))
            }
        }
    }
}

/// What to do where the header is one column: it may be parted by something else.
fn parting(columns: &str) -> &'static str {
    if columns.contains(", ") {
        ""
    } else {
        " If the file has more than one column, say what parts them: `--delimiter`."
    }
}

impl Mapping {
    /// Reads flags `field:Column`.
    pub fn from_flags<'a>(flags: impl IntoIterator<Item = &'a str>) -> Result<Self, ColumnsError> {
        let mut mapping = Self::default();
        for flag in flags {
            mapping.add(flag, ':')?;
        }
        Ok(mapping)
    }

    /// Reads flags parted by commas; a column with a comma in its name needs a mapping file.
    pub fn from_list(list: &str) -> Result<Self, ColumnsError> {
        Self::from_flags(list.split(',').filter(|flag| !flag.trim().is_empty()))
    }

    /// Reads a mapping file: lines `field=Column`, empty lines, and lines that begin with `#`.
    pub fn from_file(text: &str) -> Result<Self, ColumnsError> {
        let mut mapping = Self::default();
        let lines = text.trim_start_matches('\u{FEFF}').lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            mapping.add(line, '=')?;
        }
        Ok(mapping)
    }

    /// Sets the column of a field.
    pub fn with(mut self, field: Field, column: &str) -> Self {
        self.columns.insert(field, column.to_owned());
        self
    }

    /// These columns, and those of `base` for the fields that have none here.
    pub fn over(mut self, base: &Self) -> Self {
        for (field, column) in &base.columns {
            self.columns.entry(*field).or_insert_with(|| column.clone());
        }
        self
    }

    /// Finds the columns in a file's header; a field without a mapping takes the one column of its own name, if any.
    pub fn resolve(&self, kind: FileKind, header: &[String]) -> Result<Columns, ColumnsError> {
        let mut places = [None; Field::ALL.len()];
        for (field, column) in &self.columns {
            if !kind.fields().contains(field) {
                return Err(unknown_field(field.name(), kind.fields()));
            }
            places[*field as usize] = Some(place(*field, column, header)?);
        }
        for field in kind.fields().iter().filter(|field| !self.columns.contains_key(field)) {
            let own = place(*field, field.name(), header).ok();
            places[*field as usize] = own.filter(|own| !places.contains(&Some(*own)));
        }
        match kind.required().iter().find(|field| places[**field as usize].is_none()) {
            Some(field) => Err(ColumnsError::MissingField { field: field.name(), columns: listed(header) }),
            None => Ok(Columns { places }),
        }
    }

    fn add(&mut self, text: &str, separator: char) -> Result<(), ColumnsError> {
        let (name, column) = match text.split_once(separator) {
            Some((name, column)) if !column.trim().is_empty() => (name.trim(), column.trim()),
            Some(_) | None => return Err(ColumnsError::Form { text: excerpt(text) }),
        };
        let field = Field::named(name).ok_or_else(|| unknown_field(name, &Field::ALL))?;
        match self.columns.insert(field, column.to_owned()) {
            Some(_) => Err(ColumnsError::FieldTwice { field: field.name() }),
            None => Ok(()),
        }
    }
}

impl Columns {
    /// The place of a field's column; `None` where the file has none.
    pub fn place(&self, field: Field) -> Option<usize> {
        self.places[field as usize]
    }
}

fn place(field: Field, column: &str, header: &[String]) -> Result<usize, ColumnsError> {
    let mut places = (0..).zip(header).filter(|(_, name)| *name == column).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => Err(ColumnsError::ColumnTwice { field: field.name(), column: column.to_owned() }),
        (None, _) => {
            Err(ColumnsError::UnknownColumn { field: field.name(), column: column.to_owned(), columns: listed(header) })
        }
    }
}

fn unknown_field(name: &str, fields: &[Field]) -> ColumnsError {
    let known = fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ");
    ColumnsError::UnknownField { field: excerpt(name), known }
}

fn listed(header: &[String]) -> String {
    let names = header.iter().take(LISTED_COLUMNS_MAX).map(|name| excerpt(name)).collect::<Vec<_>>().join(", ");
    match header.len().saturating_sub(LISTED_COLUMNS_MAX) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn header(names: &str) -> Vec<String> {
        names.split(',').map(str::to_owned).collect()
    }

    const PRODUCT: &str = "sku:Code,name:Title";

    #[test]
    fn fields_are_in_the_order_of_their_places() {
        assert!((0..).zip(Field::ALL).all(|(place, field)| field as usize == place));
        assert!(Field::ALL.iter().all(|field| Field::named(field.name()) == Some(*field)));
    }

    #[test]
    fn flags_and_a_mapping_file_say_the_same() {
        let file = "\u{FEFF}# ours\n\nsku = Code\r\nname=Title\n";
        assert_eq!(Mapping::from_file(file).unwrap(), Mapping::from_list(PRODUCT).unwrap());
        let columns =
            Mapping::from_list(PRODUCT).unwrap().resolve(FileKind::Products, &header("Title,x,Code")).unwrap();
        assert_eq!((columns.place(Field::Sku), columns.place(Field::Name)), (Some(2), Some(0)));
        assert_eq!(columns.place(Field::Unit), None);
    }

    #[test]
    fn a_column_name_may_hold_the_separator() {
        let mapping = Mapping::from_flags(["sku:Code: inner"]).unwrap();
        assert_eq!(mapping, Mapping::default().with(Field::Sku, "Code: inner"));
    }

    #[test]
    fn flags_win_over_the_preset() {
        let base = Mapping::from_list(PRODUCT).unwrap();
        let mapping = Mapping::from_list("name:Other").unwrap().over(&base);
        assert_eq!(mapping, Mapping::from_list("sku:Code,name:Other").unwrap());
    }

    #[test]
    fn an_unknown_column_is_named_beside_the_columns_of_the_file() {
        let error = Mapping::from_list(PRODUCT).unwrap().resolve(FileKind::Products, &header("Code,Name")).unwrap_err();
        assert_eq!(error.to_string(), "the file has no column `Title` (field `name`); its columns are Code, Name");
        assert!(error.remedy().contains("--map name=Column") && !error.remedy().contains("--delimiter"));
        let error =
            Mapping::from_list(PRODUCT).unwrap().resolve(FileKind::Products, &header("Code|Title")).unwrap_err();
        assert!(error.remedy().contains("--delimiter"));
    }

    #[test]
    fn a_missing_required_field_is_named_with_its_flag() {
        let error =
            Mapping::from_list("sku:Code").unwrap().resolve(FileKind::Products, &header("Code,Name")).unwrap_err();
        assert!(matches!(error, ColumnsError::MissingField { field: "name", .. }));
        assert!(error.remedy().contains("--map name=Column"));
    }

    #[test]
    fn a_field_without_a_mapping_takes_the_column_of_its_name() {
        let places = |list: &str, columns: &str| {
            let columns = Mapping::from_list(list).unwrap().resolve(FileKind::Products, &header(columns)).unwrap();
            [Field::Sku, Field::Name, Field::Unit].map(|field| columns.place(field))
        };
        assert_eq!(places("", "unit,sku,name"), [Some(1), Some(2), Some(0)]);
        assert_eq!(places("name:Title", "sku,name,Title"), [Some(0), Some(2), None]);
        assert_eq!(places("name:unit", "sku,unit"), [Some(0), Some(1), None], "a column has one meaning");
    }

    #[test]
    fn a_column_that_is_there_twice_is_refused() {
        let error = Mapping::from_list(PRODUCT).unwrap().resolve(FileKind::Products, &header("Code,Title,Code"));
        assert!(matches!(error, Err(ColumnsError::ColumnTwice { field: "sku", .. })));
    }

    #[test]
    fn words_that_are_no_mapping_are_refused() {
        assert!(matches!(Mapping::from_list("sku"), Err(ColumnsError::Form { .. })));
        assert!(matches!(Mapping::from_list("sku:"), Err(ColumnsError::Form { .. })));
        assert!(matches!(Mapping::from_list("colour:C"), Err(ColumnsError::UnknownField { .. })));
        assert!(matches!(Mapping::from_list("sku:A,sku:B"), Err(ColumnsError::FieldTwice { field: "sku" })));
        let foreign = Mapping::from_list("sku:C,name:C,quantity:C").unwrap().resolve(FileKind::Products, &header("C"));
        assert!(matches!(foreign, Err(ColumnsError::UnknownField { .. } | ColumnsError::ColumnTwice { .. })));
    }

    #[test]
    fn a_long_header_is_listed_in_part() {
        let names: Vec<String> = (0..LISTED_COLUMNS_MAX + 2).map(|n| format!("c{n}")).collect();
        assert!(listed(&names).ends_with("c39 and 2 more"));
        assert!(listed(&names[..LISTED_COLUMNS_MAX]).ends_with("c39"));
    }
}
