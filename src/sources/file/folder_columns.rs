//! Columns in the names of folders: `date=2024-01-01/hour=7/part-0.json`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::scalar::ScalarValue;

use crate::connector::storage::Storage;
use crate::error::{Error, Result};
use crate::event_time::zone::TimeZone;
use crate::formats::csv::text as cell;
use crate::formats::type_name::spark_type_name;
use crate::sources::file::listing::ListedFile;
use crate::sources::file::options::WhichFiles;

/// What stands for null in the name of a folder.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The widest DECIMAL.
const MAX_PRECISION: u8 = 38;

/// Which folders have columns in their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FolderColumns {
    roots: Vec<Root>,
    /// The columns that there were when the table was made, in order.
    names: Vec<String>,
}

/// Where the folders of one path begin.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Root {
    /// The part of the path that is no pattern, as a URL.
    url: String,
    /// How many parts of a URL come before the columns; `None` where no folder is looked at.
    depth: Option<usize>,
}

impl Root {
    fn new(files: &WhichFiles, storage: &dyn Storage) -> Result<Self> {
        let url = storage.open(&files.fixed)?.url;
        let depth = match &files.base_path {
            _ if files.recursive => None,
            None => Some(parts(&url).count() + files.patterns.len()),
            Some(base) => {
                let base_url = storage.open(base)?.url;
                if !is_below(&url, &base_url) {
                    return Err(Error::InvalidOption {
                        owner: "the file source".to_owned(),
                        option: "basePath".to_owned(),
                        value: base.clone(),
                        reason: format!("the path `{}` does not lie in it", files.given),
                    });
                }
                Some(parts(&base_url).count())
            }
        };
        Ok(Self { url, depth })
    }
}

/// One column in the name of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FolderColumn {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

impl FolderColumns {
    /// The columns of the folders below some paths.
    ///
    /// # Errors
    /// `InvalidOption` for a `basePath` that a path does not lie in.
    pub(super) fn new<'a>(
        places: impl Iterator<Item = &'a WhichFiles>,
        storage: &dyn Storage,
    ) -> Result<Self> {
        let roots = places.map(|files| Root::new(files, storage)).collect::<Result<_>>()?;
        Ok(Self { roots, names: vec![] })
    }

    /// How many parts of the URL of a file come before the columns of its folders. Where paths lie
    /// in each other, the innermost counts.
    fn depth(&self, url: &str) -> Option<usize> {
        let around = self.roots.iter().filter(|root| is_below(url, &root.url));
        let root = around.max_by_key(|root| parts(&root.url).count());
        root.or_else(|| self.roots.first()).and_then(|root| root.depth)
    }

    /// Finds the columns that these files have, and gives the schema with them at its end: those
    /// that the schema has with its types, others with the types that their values have. While
    /// there is no file yet, those of `expected` are taken for them.
    ///
    /// # Errors
    /// `Data` for files whose folders have other columns than those of the first; `Unsupported` for
    /// a column of the schema whose type no name of a folder can be read as.
    pub(super) fn discover(
        &mut self,
        files: &[ListedFile],
        schema: &SchemaRef,
        expected: &[String],
    ) -> Result<SchemaRef> {
        if files.is_empty() {
            self.names = expected.to_vec();
        }
        let mut kinds: Vec<Kind> = vec![Kind::Null; self.names.len()];
        for (at, file) in files.iter().enumerate() {
            let columns = self.of(&file.url)?;
            if at == 0 {
                self.names = columns.iter().map(|column| column.name.clone()).collect();
                kinds = vec![Kind::Null; columns.len()];
            }
            self.check(&file.url, &columns)?;
            for (kind, column) in kinds.iter_mut().zip(&columns) {
                *kind = merged(*kind, column.value.as_deref().map_or(Kind::Null, kind_of));
            }
        }
        let mut fields: Vec<_> = schema
            .fields()
            .iter()
            .filter(|field| !self.has(field.name()))
            .map(Arc::clone)
            .collect();
        for (name, kind) in self.names.iter().zip(kinds) {
            let given = schema.fields().iter().find(|field| is_same(field.name(), name));
            given.map_or(Ok(()), |field| check_type(field))?;
            fields.push(
                given
                    .map_or_else(|| Arc::new(Field::new(name, kind.data_type(), true)), Arc::clone),
            );
        }
        Ok(Arc::new(Schema::new(fields)))
    }

    /// The columns of a schema that are not in the names of folders.
    pub(super) fn data_columns(&self, schema: &Schema) -> Schema {
        let fields = schema.fields().iter().filter(|field| !self.has(field.name()));
        Schema::new(fields.map(Arc::clone).collect::<Vec<_>>())
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| is_same(known, name))
    }

    /// The columns in the names of the folders of a file.
    ///
    /// # Errors
    /// `Data` for names that are neither all columns nor none.
    pub(super) fn of(&self, url: &str) -> Result<Vec<FolderColumn>> {
        let wrong = |why: String| Error::Data { place: url.to_owned(), message: why };
        let Some(depth) = self.depth(url) else { return Ok(vec![]) };
        let parts: Vec<&str> = parts(url).skip(depth).collect();
        let folders = parts.split_last().map_or(&[][..], |(_, folders)| folders);
        let folders: Vec<String> = folders.iter().map(|part| decoded(part)).collect();
        let mut columns: Vec<FolderColumn> = vec![];
        for folder in folders.iter().skip_while(|folder| !folder.contains('=')) {
            let Some((name, value)) = folder.split_once('=') else {
                return Err(wrong(format!(
                    "the folder `{folder}` names no column and lies among folders that do; read files wherever they lie, without such columns, with the option `recursiveFileLookup` `true`"
                )));
            };
            let (name, value) = (decoded(name), decoded(value));
            if name.is_empty() || value.is_empty() {
                return Err(wrong(format!("the folder `{folder}` needs a name and a value")));
            }
            if columns.iter().any(|column| is_same(&column.name, &name)) {
                return Err(wrong(format!("two of its folders name the column `{name}`")));
            }
            columns.push(FolderColumn { name, value: Some(value).filter(|value| value != NULL) });
        }
        Ok(columns)
    }

    /// Checks that a file has the columns that all files have.
    pub(super) fn check(&self, url: &str, columns: &[FolderColumn]) -> Result<()> {
        let same = columns.len() == self.names.len()
            && columns.iter().zip(&self.names).all(|(column, name)| is_same(&column.name, name));
        if same {
            return Ok(());
        }
        let given: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        Err(Error::Data {
            place: url.to_owned(),
            message: format!(
                "its folders name the columns `{}`, and those of the other files `{}`; read files wherever they lie, without such columns, with the option `recursiveFileLookup` `true`",
                given.join(", "),
                self.names.join(", ")
            ),
        })
    }

    /// Whether folders had columns in their names when the table was made.
    pub(super) fn are_known(&self) -> bool {
        !self.names.is_empty()
    }
}

/// Whether a listing looks below a folder of this name to find columns.
pub(super) fn names_a_column(folder: &str) -> bool {
    folder.contains('=')
}

/// Whether two names are of one column.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// The value of a column in so many rows.
///
/// # Errors
/// `Data` for a value that is none of the column's type.
pub(super) fn column_array(
    column: &FolderColumn,
    field: &Field,
    rows: usize,
    zone: TimeZone,
    url: &str,
) -> Result<ArrayRef> {
    let Some(value) = &column.value else { return Ok(new_null_array(field.data_type(), rows)) };
    let one = cell::value(value, field.data_type(), zone)?.ok_or_else(|| Error::Data {
        place: url.to_owned(),
        message: format!(
            "the folder of column `{}` of type {} cannot hold `{value}`",
            field.name(),
            sql_name(field)
        ),
    })?;
    debug_assert_eq!(one.len(), 1);
    Ok(ScalarValue::try_from_array(&one, 0)?.to_array_of_size(rows)?)
}

fn check_type(field: &Field) -> Result<()> {
    if cell::is_readable(field.data_type()) {
        return Ok(());
    }
    Err(Error::unsupported(format!(
        "column `{}` stands in the names of folders, which cannot be read as {}; declare it as STRING",
        field.name(),
        sql_name(field)
    )))
}

/// The name of a column's type, as SQL has it.
fn sql_name(field: &Field) -> String {
    spark_type_name(field.data_type()).to_uppercase()
}

/// Whether a URL is that of a folder or of something in it.
fn is_below(url: &str, folder: &str) -> bool {
    parts(url).count() >= parts(folder).count()
        && parts(url).zip(parts(folder)).all(|(a, b)| a == b)
}

fn parts(url: &str) -> impl Iterator<Item = &str> {
    url.split('/').filter(|part| !part.is_empty())
}

/// A text with `%2F` and its like resolved.
fn decoded(text: &str) -> String {
    let hex = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        match hex(at + 1).filter(|_| *byte == b'%') {
            Some(code) => {
                bytes.push(code);
                at += 3;
            }
            None => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Of what kind the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Int,
    Long,
    /// A whole number of so many digits.
    Whole(u8),
    Double,
    Date,
    Timestamp,
    Text,
}

impl Kind {
    fn data_type(self) -> DataType {
        match self {
            Self::Null | Self::Text => DataType::Utf8,
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Whole(digits) => DataType::Decimal128(digits, 0),
            Self::Double => DataType::Float64,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

fn kind_of(value: &str) -> Kind {
    match cell::kind(value) {
        DataType::Int32 => Kind::Int,
        DataType::Int64 => Kind::Long,
        DataType::Decimal128(digits, _) if digits <= MAX_PRECISION => Kind::Whole(digits),
        DataType::Float64 => Kind::Double,
        DataType::Date32 => Kind::Date,
        // A date with a time to the second; less of it may be anything.
        DataType::Timestamp(_, _) if value.len() >= 19 => Kind::Timestamp,
        _ => Kind::Text,
    }
}

fn merged(a: Kind, b: Kind) -> Kind {
    match (a, b) {
        (a, b) if a == b => a,
        (Kind::Null, other) | (other, Kind::Null) => other,
        (Kind::Int, Kind::Long) | (Kind::Long, Kind::Int) => Kind::Long,
        (Kind::Whole(a), Kind::Whole(b)) => Kind::Whole(a.max(b)),
        (Kind::Whole(digits), Kind::Int | Kind::Long)
        | (Kind::Int | Kind::Long, Kind::Whole(digits)) => Kind::Whole(digits.max(20)),
        (Kind::Date, Kind::Timestamp) | (Kind::Timestamp, Kind::Date) => Kind::Timestamp,
        _ => Kind::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below_in() -> FolderColumns {
        let url = "file:///in".to_owned();
        FolderColumns { roots: vec![Root { depth: Some(parts(&url).count()), url }], names: vec![] }
    }

    fn files(urls: &[&str]) -> Vec<ListedFile> {
        let file = |url: &&str| ListedFile {
            url: format!("file:///in/{url}"),
            size: 0,
            modified: 0,
            logged: None,
        };
        urls.iter().map(file).collect()
    }

    fn types(urls: &[&str]) -> String {
        let schema = below_in().discover(&files(urls), &Arc::new(Schema::empty()), &[]).unwrap();
        let shown = schema.fields().iter().map(|f| format!("{} {}", f.name(), f.data_type()));
        shown.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn types_are_those_of_all_values() {
        assert_eq!(
            types(&["a=1/b=x/c=2024-01-02/d=1.5/e=true/x"]),
            "a Int32, b Utf8, c Date32, d Float64, e Utf8"
        );
        assert_eq!(
            types(&[
                "a=99999999999/b=99999999999999999999/c=2024-01-02%252003%253A04%253A05/d=01/x"
            ]),
            "a Int64, b Decimal128(20, 0), c Timestamp(\u{b5}s, \"UTC\"), d Int32"
        );
        assert_eq!(types(&["p=1/x", "p=a/x"]), "p Utf8");
        assert_eq!(types(&["p=1/x", "p=99999999999/x", "p=1.5/x"]), "p Utf8");
        assert_eq!(types(&["p=__HIVE_DEFAULT_PARTITION__/x", "p=1/x"]), "p Int32");
        assert_eq!(types(&["s/p=1/x"]), "p Int32");
        assert_eq!(types(&["x", "y"]), "");
    }

    #[test]
    fn names_and_values_are_decoded_twice() {
        let columns = below_in().of("file:///in/a%2520b=c%252Fd%2525/x").unwrap();
        let expected = FolderColumn { name: "a b".to_owned(), value: Some("c/d%".to_owned()) };
        assert_eq!(columns, [expected]);
    }

    #[test]
    fn folders_that_do_not_go_together_are_refused() {
        for urls in [
            &["p=1/x", "q=2/x"][..],
            &["p=1/x", "p=1/q=2/x"],
            &["p=1/x", "sub/x"],
            &["p=1/x", "x"],
            &["x", "p=1/x"],
            &["p=1/p=2/x"],
            &["p=1/sub/x"],
            &["p=/x"],
            &["=1/x"],
        ] {
            let found = below_in().discover(&files(urls), &Arc::new(Schema::empty()), &[]);
            assert!(matches!(found, Err(Error::Data { .. })), "{urls:?}");
        }
    }

    #[test]
    fn a_column_of_the_schema_keeps_its_name_and_type_and_goes_to_the_end() {
        let schema = Schema::new(vec![
            Field::new("P", DataType::Utf8, true),
            Field::new("v", DataType::Int32, true),
        ]);
        let found = below_in().discover(&files(&["p=1/x"]), &Arc::new(schema), &[]).unwrap();
        assert_eq!(found.field(1), &Field::new("P", DataType::Utf8, true));
    }

    #[test]
    fn a_type_that_no_name_can_be_read_as_is_refused_by_its_sql_name() {
        let list = Field::new("p", DataType::new_list(DataType::Int32, true), true);
        let schema = Arc::new(Schema::new(vec![list]));
        let error = below_in().discover(&files(&["p=1/x"]), &schema, &[]).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains("column `p`"), "{error}");
        assert!(error.to_string().contains("ARRAY<INT>"), "{error}");
        // A folder that is still to come has its column in what is expected.
        assert!(below_in().discover(&[], &schema, &["p".to_owned()]).is_err());
    }

    #[test]
    fn a_value_that_does_not_fit_is_an_error_with_the_sql_name_of_the_type() {
        let column = FolderColumn { name: "p".to_owned(), value: Some("x".to_owned()) };
        let field = Field::new("p", DataType::Int32, true);
        let error =
            column_array(&column, &field, 1, TimeZone::UTC, "file:///in/p=x/x").unwrap_err();
        let expected = "the folder of column `p` of type INT cannot hold `x`";
        assert!(error.to_string().contains(expected), "{error}");
    }
}
