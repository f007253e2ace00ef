//! The format `json`: which columns it holds, and lines into memory.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::writer::{LineDelimited, Writer, WriterBuilder};
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};
use crate::formats::encode::encoder::{FileEncoding, RowEncoder, with_schema};
use crate::formats::encode::json::value::SparkText;

/// JSON lines.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonEncoding;

impl FileEncoding for JsonEncoding {
    fn extension(&self) -> &str {
        ".json"
    }

    fn check(&self, schema: &SchemaRef) -> Result<()> {
        schema.fields().iter().try_for_each(|field| check(field.name(), field.data_type()))
    }

    fn start(&self, schema: &SchemaRef) -> Result<Box<dyn RowEncoder>> {
        self.check(schema)?;
        Ok(Box::new(JsonEncoder { writer: writer(), schema: Arc::clone(schema) }))
    }
}

fn writer() -> Writer<Vec<u8>, LineDelimited> {
    WriterBuilder::new().with_encoder_factory(Arc::new(SparkText)).build(Vec::new())
}

/// The values of a column as JSON, each a text; `None` for null. Fields that are null are left out.
///
/// # Errors
/// `Unsupported` for a type that JSON has no form for.
pub fn lines_of(column: &ArrayRef) -> Result<Vec<Option<String>>> {
    const NAME: &str = "v";
    check(NAME, column.data_type())?;
    let schema = Schema::new(vec![Field::new(NAME, column.data_type().clone(), true)]);
    let rows = RecordBatch::try_new(Arc::new(schema), vec![Arc::clone(column)])?;
    let mut writer = writer();
    writer.write(&rows)?;
    writer.finish()?;
    let text = String::from_utf8(writer.into_inner())
        .map_err(|error| Error::internal(format!("JSON that is no text was written: {error}")))?;
    // Each line is an object with the value, or an empty one where it is null.
    let value = |line: &str| {
        let inside = line.strip_prefix("{\"v\":")?.strip_suffix('}')?;
        Some(inside.to_owned())
    };
    Ok(text.lines().map(value).collect())
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

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.get_mut())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>> {
        self.writer.finish()?;
        Ok(self.writer.into_inner())
    }
}
