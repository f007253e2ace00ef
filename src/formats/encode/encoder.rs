//! What writing a file format means: rows in, bytes out, and no idea of where the bytes go.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::error::{Error, Result};

/// Turns rows into the bytes of one file.
///
/// # Contract
/// The file is what [`take`](Self::take) gave, in order, and then what [`finish`](Self::finish)
/// gives. An encoder that failed is not used again.
pub trait RowEncoder: Debug + Send {
    /// Takes rows; they need not show in the bytes yet.
    ///
    /// # Errors
    /// `Data` for a value that the format cannot hold.
    fn write(&mut self, rows: &RecordBatch) -> Result<()>;

    /// How many bytes are ready to be taken.
    fn ready(&self) -> usize;

    /// About how many bytes of memory the encoder holds, those that are ready among them.
    fn held(&self) -> usize;

    /// Takes the bytes that are ready.
    fn take(&mut self) -> Vec<u8>;

    /// Ends the file and gives the bytes that were not taken.
    ///
    /// # Errors
    /// `Data` for a value that the format cannot hold.
    fn finish(self: Box<Self>) -> Result<Vec<u8>>;
}

/// A file format with its options settled.
pub trait FileEncoding: Debug + Send + Sync + 'static {
    /// The end of a file's name, such as `.snappy.parquet`.
    fn extension(&self) -> &str;

    /// Whether the format can hold these columns; asked once, before any file is started.
    ///
    /// # Errors
    /// `Unsupported` for columns that it cannot hold, naming one.
    fn check(&self, schema: &SchemaRef) -> Result<()>;

    /// Starts a file.
    ///
    /// # Errors
    /// `Unsupported` for columns that [`check`](Self::check) refuses.
    fn start(&self, schema: &SchemaRef) -> Result<Box<dyn RowEncoder>>;
}

/// The same columns under another schema, which differs in names, nullability or metadata only.
pub(super) fn with_schema(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if rows.schema_ref() == schema {
        return Ok(rows.clone());
    }
    let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), rows.columns().to_vec(), &count).map_err(
        |error| Error::internal(format!("rows do not have the columns of their file: {error}")),
    )
}
