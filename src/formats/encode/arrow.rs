//! Arrow IPC files, with the very types of the rows.

use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::FileWriter;
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};
use crate::formats::encode::encoder::{FileEncoding, RowEncoder, with_schema};

/// Arrow IPC files.
#[derive(Debug, Clone, Copy, Default)]
pub struct ArrowEncoding;

impl FileEncoding for ArrowEncoding {
    fn extension(&self) -> &str {
        ".arrow"
    }

    fn check(&self, schema: &SchemaRef) -> Result<()> {
        if schema.fields().is_empty() {
            return Err(Error::unsupported(
                "rows without columns cannot be written as arrow; select a column",
            ));
        }
        Ok(())
    }

    fn start(&self, schema: &SchemaRef) -> Result<Box<dyn RowEncoder>> {
        let writer = FileWriter::try_new(Vec::new(), schema)?;
        Ok(Box::new(ArrowEncoder { writer, schema: SchemaRef::clone(schema) }))
    }
}

struct ArrowEncoder {
    writer: FileWriter<Vec<u8>>,
    schema: SchemaRef,
}

impl std::fmt::Debug for ArrowEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArrowEncoder").field("ready", &self.ready()).finish_non_exhaustive()
    }
}

impl RowEncoder for ArrowEncoder {
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
        // The writer counts its bytes in a layer above, so its buffer may be emptied.
        std::mem::take(self.writer.get_mut())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>> {
        self.writer.finish()?;
        Ok(self.writer.into_inner()?)
    }
}
