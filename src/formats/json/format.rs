//! The format `json`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::formats::format::{BATCH_ROWS, FileFormat, InputFile, boxed};
use crate::formats::json::convert::is_supported;
use crate::formats::json::infer::Inference;
use crate::formats::json::lines::{Chunk, chunks};
use crate::formats::json::rows::RowReader;

/// What becomes of a line that is no JSON object, or that holds a value of the wrong type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParseMode {
    /// What cannot be read is null; the text of the line goes to the column for corrupt records.
    #[default]
    Permissive,
    /// The rows of the line are left out.
    DropMalformed,
    /// Reading fails.
    FailFast,
}

/// How JSON is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonReadOptions {
    /// What becomes of malformed lines.
    pub mode: ParseMode,
    /// The column that shows malformed lines, where the schema has it.
    pub corrupt_column: String,
}

impl Default for JsonReadOptions {
    fn default() -> Self {
        Self { mode: ParseMode::default(), corrupt_column: "_corrupt_record".to_owned() }
    }
}

/// The format `json`: one object in each line.
#[derive(Debug, Clone, Default)]
pub struct JsonFormat {
    options: JsonReadOptions,
}

impl JsonFormat {
    /// Reads JSON in this way.
    pub const fn new(options: JsonReadOptions) -> Self {
        Self { options }
    }
}

#[async_trait]
impl FileFormat for JsonFormat {
    fn name(&self) -> &'static str {
        "json"
    }

    fn takes_filters(&self) -> bool {
        true
    }

    fn check_schema(&self, schema: &Schema) -> Result<()> {
        for field in schema.fields() {
            let (name, data_type) = (field.name(), field.data_type());
            if *name == self.options.corrupt_column && *data_type != DataType::Utf8 {
                return Err(Error::invalid(format!(
                    "column `{name}` takes the text of malformed lines and must be a STRING, not {data_type}"
                )));
            }
            if !is_supported(data_type) {
                return Err(Error::unsupported(format!(
                    "column `{name}` of type {data_type} cannot be read from JSON; read it as STRING and cast it"
                )));
            }
        }
        Ok(())
    }

    async fn infer_schema(&self, files: &[InputFile]) -> Result<SchemaRef> {
        let mut inference = Inference::new(&self.options);
        for file in files {
            refuse_compressed(file)?;
            let mut chunks = Box::pin(chunks(file.clone()));
            while let Some(chunk) = chunks.try_next().await? {
                for line in chunk.lines() {
                    inference.line(&line).map_err(|why| file.data(why))?;
                }
            }
        }
        inference.finish()
    }

    fn read(
        &self,
        file: InputFile,
        schema: &SchemaRef,
        projection: &[usize],
    ) -> SendableRecordBatchStream {
        let reader = Arc::new(RowReader::new(&self.options, schema, projection));
        let output = reader.schema();
        if let Err(error) = refuse_compressed(&file) {
            return boxed(output, stream::iter([Err(error.into())]));
        }
        let batches = chunks(file.clone())
            .map_err(DataFusionError::from)
            .and_then(move |chunk| {
                let batches = batches(&chunk, &reader, &file).map_err(DataFusionError::from);
                futures::future::ready(batches)
            })
            .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
            .try_flatten();
        boxed(output, batches.boxed())
    }
}

fn batches(
    chunk: &Chunk,
    reader: &RowReader,
    file: &InputFile,
) -> Result<Vec<arrow::array::RecordBatch>> {
    let lines = chunk.lines();
    let mut batches = Vec::with_capacity(lines.len().div_ceil(BATCH_ROWS));
    for some in lines.chunks(BATCH_ROWS) {
        batches.push(reader.batch(some)?.map_err(|why| malformed(file, &why))?);
    }
    Ok(batches)
}

fn malformed(file: &InputFile, why: &str) -> Error {
    file.data(format!("{why}; with the option `mode` PERMISSIVE it would be null"))
}

/// Compressed bytes would be malformed lines, and those are null by default.
fn refuse_compressed(file: &InputFile) -> Result<()> {
    let extension = file.path.extension().unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "gz" | "gzip" | "bz2" | "zst" | "zstd" | "lz4" | "snappy" | "deflate" | "xz" => {
            Err(Error::unsupported(format!(
                "`{}` is compressed, and compressed JSON cannot be read; decompress it or leave it out with the option `pathGlobFilter`",
                file.url
            )))
        }
        _ => Ok(()),
    }
}
