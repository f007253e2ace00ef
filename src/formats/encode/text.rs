//! Text: one column, a line for each row. A missing value is an empty line, as in Spark.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};
use crate::formats::encode::encoder::{FileEncoding, RowEncoder};
use crate::formats::type_name::sql_type_name;

/// Text with an end for its lines.
#[derive(Debug, Clone)]
pub struct TextEncoding {
    line_end: String,
}

impl TextEncoding {
    /// Text whose lines end so.
    pub fn new(line_end: impl Into<String>) -> Self {
        Self { line_end: line_end.into() }
    }
}

impl Default for TextEncoding {
    fn default() -> Self {
        Self::new("\n")
    }
}

impl FileEncoding for TextEncoding {
    fn extension(&self) -> &str {
        ".txt"
    }

    fn check(&self, schema: &SchemaRef) -> Result<()> {
        match schema.fields().as_ref() {
            [only] if only.data_type() == &DataType::Utf8 => Ok(()),
            [only] => Err(Error::unsupported(format!(
                "column `{}` of type {} cannot be written as text; cast it to STRING",
                only.name(),
                sql_type_name(only.data_type())
            ))),
            columns => Err(Error::unsupported(format!(
                "a file of text has one column, and the rows have {}; put them together, or write csv",
                columns.len()
            ))),
        }
    }

    fn start(&self, schema: &SchemaRef) -> Result<Box<dyn RowEncoder>> {
        self.check(schema)?;
        Ok(Box::new(TextEncoder { line_end: self.line_end.clone(), bytes: vec![] }))
    }
}

#[derive(Debug)]
struct TextEncoder {
    line_end: String,
    bytes: Vec<u8>,
}

impl RowEncoder for TextEncoder {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let Some(lines) = rows.columns().first().and_then(|c| c.as_string_opt::<i32>()) else {
            return Err(Error::internal("rows of text have no column of text"));
        };
        for row in 0..lines.len() {
            if lines.is_valid(row) {
                self.bytes.extend_from_slice(lines.value(row).as_bytes());
            }
            self.bytes.extend_from_slice(self.line_end.as_bytes());
        }
        Ok(())
    }

    fn ready(&self) -> usize {
        self.bytes.len()
    }

    fn held(&self) -> usize {
        self.bytes.len()
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        Ok(self.bytes)
    }
}
