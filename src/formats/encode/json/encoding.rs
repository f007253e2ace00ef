//! The format `json`: which columns it holds, and lines into memory.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::writer::{LineDelimited, Writer, WriterBuilder};
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};
use crate::formats::encode::encoder::{FileEncoding, RowEncoder, with_schema};
use crate::formats::encode::json::value::SparkText;
use crate::formats::encode::times::TimeText;

/// How JSON lines are written.
#[derive(Debug, Clone)]
pub struct JsonWriteOptions {
    /// Whether fields that are null are left out.
    pub ignores_null_fields: bool,
    /// What ends a line.
    pub line_end: String,
    /// How dates and times are spelled.
    pub times: TimeText,
}

impl Default for JsonWriteOptions {
    fn default() -> Self {
        let times = TimeText::default();
        Self { ignores_null_fields: true, line_end: "\n".to_owned(), times }
    }
}

/// JSON lines.
#[derive(Debug, Clone, Default)]
pub struct JsonEncoding {
    options: JsonWriteOptions,
}

impl JsonEncoding {
    /// JSON lines with these options.
    pub const fn new(options: JsonWriteOptions) -> Self {
        Self { options }
    }
}

impl FileEncoding for JsonEncoding {
    fn extension(&self) -> &str {
        ".json"
    }

    fn check(&self, schema: &SchemaRef) -> Result<()> {
        schema.fields().iter().try_for_each(|field| check(field.name(), field.data_type()))
    }

    fn start(&self, schema: &SchemaRef) -> Result<Box<dyn RowEncoder>> {
        self.check(schema)?;
        Ok(Box::new(JsonEncoder {
            writer: writer(&self.options),
            schema: Arc::clone(schema),
            line_end: self.options.line_end.clone(),
        }))
    }
}

fn writer(options: &JsonWriteOptions) -> Writer<Vec<u8>, LineDelimited> {
    WriterBuilder::new()
        .with_explicit_nulls(!options.ignores_null_fields)
        .with_encoder_factory(Arc::new(SparkText { times: options.times.clone() }))
        .build(Vec::new())
}

/// The values of a column as JSON, each a text; `None` for null.
///
/// # Errors
/// `Unsupported` for a type that JSON has no form for.
pub fn lines_of(column: &ArrayRef, options: &JsonWriteOptions) -> Result<Vec<Option<String>>> {
    const NAME: &str = "v";
    check(NAME, column.data_type())?;
    let schema = Schema::new(vec![Field::new(NAME, column.data_type().clone(), true)]);
    let rows = RecordBatch::try_new(Arc::new(schema), vec![Arc::clone(column)])?;
    let mut writer = writer(options);
    writer.write(&rows)?;
    writer.finish()?;
    let text = String::from_utf8(writer.into_inner())
        .map_err(|error| Error::internal(format!("JSON that is no text was written: {error}")))?;
    // Each line is an object with the value, which has a null or nothing where it is null.
    let value = |(row, line): (usize, &str)| {
        let inside = line.strip_prefix("{\"v\":")?.strip_suffix('}')?;
        column.is_valid(row).then(|| inside.to_owned())
    };
    Ok(text.lines().enumerate().map(value).collect())
}

/// Whether JSON has a form for the values of a column.
fn check(column: &str, data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::Null
        | DataType::Boolean
        | DataType::Timestamp(_, _)
        | DataType::Date32
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_)
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(_, _)
        | DataType::Decimal256(_, _) => Ok(()),
        other if other.is_integer() => Ok(()),
        DataType::Dictionary(_, values) => check(column, values),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            check(column, item.data_type())
        }
        DataType::Map(entries, _) => check(column, entries.data_type()),
        DataType::Struct(fields) => {
            fields.iter().try_for_each(|field| check(column, field.data_type()))
        }
        other => Err(Error::unsupported(format!(
            "column `{column}` of type {other} cannot be written as JSON; cast it to STRING"
        ))),
    }
}

struct JsonEncoder {
    writer: Writer<Vec<u8>, LineDelimited>,
    schema: SchemaRef,
    line_end: String,
}

impl JsonEncoder {
    /// A line feed inside of a value is written as `\n`, so each one in the bytes ends a line.
    fn with_line_ends(&self, bytes: Vec<u8>) -> Vec<u8> {
        if self.line_end == "\n" {
            return bytes;
        }
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 16);
        for line in lines {
            out.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
            if line.ends_with(b"\n") {
                out.extend_from_slice(self.line_end.as_bytes());
            }
        }
        out
    }
}

impl std::fmt::Debug for JsonEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonEncoder").field("ready", &self.ready()).finish_non_exhaustive()
    }
}

impl RowEncoder for JsonEncoder {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        Ok(self.writer.write(&with_schema(rows, &self.schema)?)?)
    }

    fn ready(&self) -> usize {
        self.writer.get_ref().len()
    }

    fn held(&self) -> usize {
        self.ready()
    }

    fn take(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(self.writer.get_mut());
        self.with_line_ends(bytes)
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>> {
        self.writer.finish()?;
        Ok(self.take())
    }
}
