//! The format `csv`: which columns it holds, and rows into memory.

use arrow::array::builder::StringBuilder;
use arrow::array::{Array, ArrayRef, AsArray, StringArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};
use crate::formats::display::{Zone, write_value};
use crate::formats::encode::csv::options::CsvWriteOptions;
use crate::formats::encode::csv::quoting::push_value;
use crate::formats::encode::encoder::{FileEncoding, RowEncoder};
use crate::formats::encode::times::{Texts, TimeText};
use crate::formats::type_name::sql_type_name;

/// CSV with its options settled.
#[derive(Debug, Clone, Default)]
pub struct CsvEncoding {
    options: CsvWriteOptions,
}

impl CsvEncoding {
    /// CSV with these options.
    pub const fn new(options: CsvWriteOptions) -> Self {
        Self { options }
    }
}

impl FileEncoding for CsvEncoding {
    fn extension(&self) -> &str {
        ".csv"
    }

    fn check(&self, schema: &SchemaRef) -> Result<()> {
        if schema.fields().is_empty() {
            return Err(Error::unsupported(
                "rows without columns cannot be written as csv; select a column",
            ));
        }
        for field in schema.fields() {
            if field.data_type().is_nested() || field.data_type() == &DataType::Null {
                return Err(Error::unsupported(format!(
                    "column `{}` of type {} cannot be written as csv; cast it to STRING, or write json",
                    field.name(),
                    sql_type_name(field.data_type())
                )));
            }
        }
        Ok(())
    }

    fn start(&self, schema: &SchemaRef) -> Result<Box<dyn RowEncoder>> {
        self.check(schema)?;
        let mut encoder = CsvEncoder { options: self.options.clone(), text: String::new() };
        if self.options.has_header {
            for (at, field) in schema.fields().iter().enumerate() {
                encoder.push(Some(field.name()), at, schema.fields().len());
            }
        }
        Ok(Box::new(encoder))
    }
}

/// Each struct as a record without the end of its line; `None` for null, and for a record of one
/// value that is nothing. Nested values are in Spark's text form.
///
/// # Errors
/// `Data` for a time beyond the years that can be written.
pub fn records_of(structs: &StructArray, options: &CsvWriteOptions) -> Result<Vec<Option<String>>> {
    let columns = structs.columns().iter().map(|column| texts(column, &options.times));
    let columns = columns.collect::<Result<Vec<StringArray>>>()?;
    let record = |row: usize| {
        let mut text = String::new();
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                text.push_str(&options.separator);
            }
            let value = column.is_valid(row).then(|| column.value(row));
            push_value(&mut text, options, value, at == 0);
        }
        (structs.is_valid(row) && !text.is_empty()).then_some(text)
    };
    Ok((0..structs.len()).map(record).collect())
}

#[derive(Debug)]
struct CsvEncoder {
    options: CsvWriteOptions,
    text: String,
}

impl CsvEncoder {
    fn push(&mut self, value: Option<&str>, at: usize, columns: usize) {
        let before = self.text.len();
        push_value(&mut self.text, &self.options, value, at == 0);
        if columns == 1 && self.text.len() == before {
            // An empty line would be no row.
            self.text.extend([self.options.quote; 2]);
        }
        let end = if at + 1 == columns { &self.options.line_end } else { &self.options.separator };
        self.text.push_str(end);
    }
}

impl RowEncoder for CsvEncoder {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let columns = rows.columns().iter().map(|column| texts(column, &self.options.times));
        let columns = columns.collect::<Result<Vec<StringArray>>>()?;
        for row in 0..rows.num_rows() {
            for (at, column) in columns.iter().enumerate() {
                let value = column.is_valid(row).then(|| column.value(row));
                self.push(value, at, columns.len());
            }
        }
        Ok(())
    }

    fn ready(&self) -> usize {
        self.text.len()
    }

    fn held(&self) -> usize {
        self.text.len()
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text).into_bytes()
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        Ok(self.text.into_bytes())
    }
}

/// The values of a column as text.
fn texts(column: &ArrayRef, times: &TimeText) -> Result<StringArray> {
    let data_type = column.data_type();
    if data_type == &DataType::Null {
        return Ok(StringArray::new_null(column.len()));
    }
    if TimeText::spells(data_type) {
        let texts = Texts::of_times(times, column.as_ref()).ok_or_else(|| Error::Data {
            place: "the rows".to_owned(),
            message: format!("a {data_type} lies beyond the years that can be written"),
        })?;
        let value = |row: usize| column.is_valid(row).then(|| texts.get(row));
        return Ok((0..column.len()).map(value).collect());
    }
    if data_type.is_integer() || data_type.is_string() || is_exact(data_type) {
        return Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone());
    }
    let (zone, mut text) = (Zone::default(), String::new());
    let mut texts = StringBuilder::with_capacity(column.len(), column.len() * 8);
    for row in 0..column.len() {
        if column.is_null(row) {
            texts.append_null();
            continue;
        }
        text.clear();
        write_value(&mut text, column.as_ref(), row, &zone)?;
        texts.append_value(&text);
    }
    Ok(texts.finish())
}

/// Whether Arrow spells values of the type as Spark does.
const fn is_exact(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Boolean | DataType::Decimal128(_, _) | DataType::Decimal256(_, _))
}
