//! Rows apart by the values of columns, each in the folder of its values, as Hive has it:
//!
//! ```text
//! day=2024-01-02/user=a%2Fb/part-00000-<unique>.c000.json
//! day=2024-01-02/user=__HIVE_DEFAULT_PARTITION__/...         null, or an empty text
//! ```
//!
//! The columns are not in the files, since the folders say what their values are.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use arrow::row::{RowConverter, SortField};
use hashbrown::HashMap;

use crate::error::{Error, Result};
use crate::formats::display::{Zone, write_value};

/// The folder of rows whose value is missing.
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

/// Which columns tell rows apart, and which go into the files.
#[derive(Debug)]
pub(super) struct Partitioning {
    columns: Vec<usize>,
    names: Vec<String>,
    rest: Vec<usize>,
    file_schema: SchemaRef,
    converter: RowConverter,
    zone: Zone,
}

impl Partitioning {
    /// Tells rows apart by these columns, found without regard to case.
    ///
    /// # Errors
    /// `Invalid` for a column that is not there or is there twice, or when none remains for the
    /// files; `Unsupported` for a column whose values have no text of their own.
    pub(super) fn try_new(schema: &Schema, by: &[String], zone: Zone) -> Result<Self> {
        let mut columns = vec![];
        for name in by {
            let column = find(schema, name)?;
            if columns.contains(&column) {
                return Err(Error::invalid(format!(
                    "the rows are to be partitioned by `{name}` twice; name it once"
                )));
            }
            columns.push(column);
        }
        let rest: Vec<usize> =
            (0..schema.fields().len()).filter(|at| !columns.contains(at)).collect();
        if rest.is_empty() {
            return Err(Error::invalid(
                "the rows are partitioned by all of their columns, and none is left for the files; leave one out",
            ));
        }
        let types = columns.iter().map(|at| schema.field(*at).data_type().clone());
        let converter = RowConverter::new(types.map(SortField::new).collect())?;
        Ok(Self {
            names: columns.iter().map(|at| escaped(schema.field(*at).name())).collect(),
            file_schema: SchemaRef::new(schema.project(&rest)?),
            columns,
            rest,
            converter,
            zone,
        })
    }

    /// The columns of the files.
    pub(super) const fn file_schema(&self) -> &SchemaRef {
        &self.file_schema
    }

    /// The rows by folder, their order kept.
    pub(super) fn split(&self, rows: &RecordBatch) -> Result<Vec<(String, RecordBatch)>> {
        let keys: Vec<ArrayRef> =
            self.columns.iter().map(|at| ArrayRef::clone(rows.column(*at))).collect();
        let values = self.converter.convert_columns(&keys)?;
        let mut places: HashMap<&[u8], usize> = HashMap::new();
        let mut groups: Vec<Vec<u32>> = vec![];
        for (row, value) in values.iter().enumerate() {
            let place = *places.entry(value.data()).or_insert(groups.len());
            if place == groups.len() {
                groups.push(vec![]);
            }
            groups[place].push(row as u32);
        }
        let data: Vec<ArrayRef> =
            self.rest.iter().map(|at| ArrayRef::clone(rows.column(*at))).collect();
        let is_one = groups.len() == 1;
        let mut split = Vec::with_capacity(groups.len());
        for group in groups {
            let Some(first) = group.first() else { continue };
            let folder = self.folder(&keys, *first as usize)?;
            let count = RecordBatchOptions::new().with_row_count(Some(group.len()));
            let indices = UInt32Array::from(group);
            let columns = match is_one {
                true => data.clone(),
                false => {
                    let taken = data.iter().map(|column| take(column, &indices, None));
                    taken.collect::<Result<_, _>>()?
                }
            };
            let schema = SchemaRef::clone(&self.file_schema);
            split.push((folder, RecordBatch::try_new_with_options(schema, columns, &count)?));
        }
        Ok(split)
    }

    fn folder(&self, keys: &[ArrayRef], row: usize) -> Result<String> {
        let mut folder = String::new();
        for (name, key) in self.names.iter().zip(keys) {
            if !folder.is_empty() {
                folder.push('/');
            }
            folder.push_str(name);
            folder.push('=');
            match text(key, row, &self.zone)? {
                Some(text) => folder.push_str(&escaped(&text)),
                None => folder.push_str(NO_VALUE),
            }
        }
        Ok(folder)
    }
}

fn find(schema: &Schema, name: &str) -> Result<usize> {
    let fields = schema.fields();
    let found = fields.iter().position(|field| field.name().eq_ignore_ascii_case(name));
    let Some(column) = found else {
        let names: Vec<_> = fields.iter().map(|field| format!("`{}`", field.name())).collect();
        return Err(Error::invalid(format!(
            "the rows cannot be partitioned by `{name}`, since they have the columns {}",
            names.join(", ")
        )));
    };
    let data_type = fields[column].data_type();
    if data_type.is_nested() || data_type == &DataType::Null {
        return Err(Error::unsupported(format!(
            "the rows cannot be partitioned by `{name}`, which has the type {data_type}; cast it to STRING"
        )));
    }
    Ok(column)
}

/// The text of a value; `None` for a missing or empty one.
fn text(column: &ArrayRef, row: usize, zone: &Zone) -> Result<Option<String>> {
    if column.is_null(row) {
        return Ok(None);
    }
    let mut text = String::new();
    match column.data_type() {
        DataType::Binary => {
            text.push_str(&String::from_utf8_lossy(column.as_binary::<i32>().value(row)));
        }
        _ => write_value(&mut text, column.as_ref(), row, zone)?,
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// A name or value as a part of a path: what would have a meaning there is a number in hex.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c < ' ' || "\"#%'*/:=?\\\u{7f}{[]^".contains(c) {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{:02X}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Float64Array, Int32Array, StringArray,
        TimestampMicrosecondArray,
    };

    use super::*;

    fn rows(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        let columns = columns.into_iter().map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    fn by(names: &[&str], rows: &RecordBatch) -> Result<Partitioning> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Partitioning::try_new(&rows.schema(), &names, Zone::parse("Asia/Tokyo").unwrap())
    }

    fn folders(column: ArrayRef) -> Vec<String> {
        let number: ArrayRef = Arc::new(Int32Array::from_iter_values(0..column.len() as i32));
        let rows = rows(vec![("p", column), ("i", number)]);
        let split = by(&["P"], &rows).unwrap().split(&rows).unwrap();
        split.into_iter().map(|(folder, _)| folder).collect()
    }

    /// The names of these folders are those that Spark gave.
    #[test]
    fn values_are_escaped_as_spark_does() {
        let values = [
            Some("a/b"),
            None,
            Some(" "),
            Some("\n"),
            Some(".."),
            Some("a:c%d=e"),
            Some("f\\g*h?i"),
            Some("q\"r's"),
            Some("<k>|l"),
            Some("m[n]o^p"),
            Some("{q}#r s"),
            Some("\u{1}u\u{7f}"),
            Some("\u{e9}\u{2603}+,;@!$()`~&"),
        ];
        assert_eq!(
            folders(Arc::new(StringArray::from(values.to_vec()))),
            [
                "p=a%2Fb",
                "p=__HIVE_DEFAULT_PARTITION__",
                "p= ",
                "p=%0A",
                "p=..",
                "p=a%3Ac%25d%3De",
                "p=f%5Cg%2Ah%3Fi",
                "p=q%22r%27s",
                "p=<k>|l",
                "p=m%5Bn%5Do%5Ep",
                "p=%7Bq}%23r s",
                "p=%01u%7F",
                "p=\u{e9}\u{2603}+,;@!$()`~&",
            ]
        );
        assert_eq!(
            folders(Arc::new(StringArray::from(vec![""]))),
            ["p=__HIVE_DEFAULT_PARTITION__"]
        );
    }

    #[test]
    fn values_of_other_types_have_the_texts_of_a_cast() {
        let times = TimestampMicrosecondArray::from(vec![1_704_164_645_500_000]);
        let columns: [(ArrayRef, &str); 6] = [
            (Arc::new(BooleanArray::from(vec![true])), "p=true"),
            (Arc::new(Date32Array::from(vec![19_724])), "p=2024-01-02"),
            (Arc::new(times.clone()), "p=2024-01-02 03%3A04%3A05.5"),
            (Arc::new(times.with_timezone("UTC")), "p=2024-01-02 12%3A04%3A05.5"),
            (Arc::new(Float64Array::from(vec![1e10])), "p=1.0E10"),
            (Arc::new(BinaryArray::from_vec(vec![b"AB"])), "p=AB"),
        ];
        for (column, folder) in columns {
            assert_eq!(folders(column), [folder]);
        }
    }

    #[test]
    fn rows_keep_their_order_and_lose_the_columns() {
        let rows = rows(vec![
            ("v", Arc::new(Int32Array::from(vec![1, 2, 3, 4]))),
            ("p", Arc::new(StringArray::from(vec![Some("a"), None, Some("a"), None]))),
            ("q", Arc::new(Int32Array::from(vec![1, 1, 1, 2]))),
        ]);
        let partitioning = by(&["q", "p"], &rows).unwrap();
        let split = partitioning.split(&rows).unwrap();
        let values: Vec<(String, Vec<i32>)> = split
            .into_iter()
            .map(|(folder, rows)| {
                let values = rows.column(0).as_primitive::<arrow::datatypes::Int32Type>();
                (folder, values.values().to_vec())
            })
            .collect();
        assert_eq!(
            values,
            [
                ("q=1/p=a".to_owned(), vec![1, 3]),
                ("q=1/p=__HIVE_DEFAULT_PARTITION__".to_owned(), vec![2]),
                ("q=2/p=__HIVE_DEFAULT_PARTITION__".to_owned(), vec![4]),
            ]
        );
        assert_eq!(partitioning.file_schema().fields().len(), 1);
    }

    #[test]
    fn columns_that_cannot_tell_rows_apart_are_refused() {
        let rows = rows(vec![
            ("v", Arc::new(Int32Array::from(vec![1]))),
            ("p", Arc::new(Int32Array::from(vec![1]))),
        ]);
        let message = |names: &[&str]| by(names, &rows).unwrap_err().to_string();
        assert!(message(&["x"]).contains("by `x`, since they have the columns `v`, `p`"));
        assert!(message(&["p", "P"]).contains("twice"));
        assert!(message(&["p", "v"]).contains("all of their columns"));
        let structs = rows_of_structs();
        assert!(by(&["s"], &structs).unwrap_err().to_string().contains("cast it to STRING"));
    }

    fn rows_of_structs() -> RecordBatch {
        let inner = rows(vec![("x", Arc::new(Int32Array::from(vec![1])))]);
        let structs = arrow::array::StructArray::from(inner.clone());
        rows(vec![("s", Arc::new(structs)), ("v", ArrayRef::clone(inner.column(0)))])
    }
}
