//! The format `json`.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::formats::content::Content;
use crate::formats::format::{BATCH_ROWS, FileFormat, InputFile, ReadRequest, boxed};
use crate::formats::json::convert::is_supported;
use crate::formats::json::infer::Inference;
use crate::formats::json::rows::RowReader;
use crate::formats::json::scan::Rules;
use crate::formats::lines::{Chunk, Layout, Line, chunks};
use crate::formats::records::{ParseMode, check_corrupt_column};
use crate::formats::times::TimeFormats;
use crate::formats::type_name::sql_type_name;

/// How JSON is read.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonReadOptions {
    /// What becomes of malformed records.
    pub mode: ParseMode,
    /// The column that shows malformed records, where the schema has it.
    pub corrupt_column: String,
    /// How the text of a file is laid out.
    pub layout: Layout,
    /// Whether a file holds one value, an object or an array of them, over any number of lines.
    pub multi_line: bool,
    /// What is read although it is no JSON.
    pub rules: Rules,
    /// How dates and times are written.
    pub times: TimeFormats,
    /// How a schema is inferred.
    pub infer: JsonInfer,
}

/// How the schema of JSON is inferred.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one option of Spark's, on or off")]
pub struct JsonInfer {
    /// Whether numbers and booleans are STRING.
    pub primitives_as_string: bool,
    /// Whether numbers with places are DECIMAL rather than DOUBLE.
    pub prefers_decimal: bool,
    /// Whether text that is a point in time is TIMESTAMP.
    pub timestamps: bool,
    /// Whether fields that are always null are left out.
    pub drops_null_fields: bool,
    /// Which share of the records is looked at.
    pub sampling_ratio: f64,
}

impl Default for JsonReadOptions {
    fn default() -> Self {
        Self {
            mode: ParseMode::default(),
            corrupt_column: "_corrupt_record".to_owned(),
            layout: Layout::default(),
            multi_line: false,
            rules: Rules::default(),
            times: TimeFormats::default(),
            infer: JsonInfer {
                primitives_as_string: false,
                prefers_decimal: false,
                timestamps: false,
                drops_null_fields: false,
                sampling_ratio: 1.0,
            },
        }
    }
}

/// The format `json`: one object in each line, or in each file.
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
        check_corrupt_column(schema, &self.options.corrupt_column)?;
        match schema.fields().iter().find(|field| !is_supported(field.data_type())) {
            None => Ok(()),
            Some(field) => Err(Error::unsupported(format!(
                "column `{}` of type {} cannot be read from JSON; read it as STRING and cast it",
                field.name(),
                sql_type_name(field.data_type())
            ))),
        }
    }

    async fn infer_schema(&self, files: &[InputFile]) -> Result<SchemaRef> {
        let mut inference = Inference::new(&self.options);
        for file in files {
            let malformed = |why| file.data(why);
            if self.options.multi_line {
                let content = Content::open(file.clone(), self.options.layout.encoding)?;
                let text = content.whole().await?;
                let line = Line::only(&text);
                if !line.is_blank() {
                    inference.line(&line).map_err(malformed)?;
                }
                continue;
            }
            let mut chunks = Box::pin(chunks(file.clone(), &self.options.layout, None));
            while let Some(chunk) = chunks.try_next().await? {
                for line in chunk.lines().filter(|line| !line.is_blank()) {
                    inference.line(&line).map_err(malformed)?;
                }
            }
        }
        inference.finish()
    }

    fn reads_parts(&self) -> bool {
        !self.options.multi_line && self.options.layout.can_be_cut()
    }

    fn read(&self, file: InputFile, request: &ReadRequest) -> SendableRecordBatchStream {
        let reader = Arc::new(RowReader::new(&self.options, request));
        let output = reader.schema();
        let batches = if self.options.multi_line {
            let content = Content::open(file.clone(), self.options.layout.encoding);
            let all = async move {
                let text = content?.whole().await?;
                let line = Line::only(&text);
                if line.is_blank() {
                    return Ok(vec![]);
                }
                let batch = reader.batch(&[line])?;
                Ok(vec![batch.map_err(|why| malformed(&file, &why))?])
            };
            stream::once(all).boxed()
        } else {
            chunks(file.clone(), &self.options.layout, request.part.as_ref())
                .and_then(move |chunk| futures::future::ready(batches(&chunk, &reader, &file)))
                .boxed()
        };
        let batches = batches
            .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
            .map_err(DataFusionError::from)
            .try_flatten();
        boxed(output, batches.boxed())
    }
}

fn batches(chunk: &Chunk, reader: &RowReader, file: &InputFile) -> Result<Vec<RecordBatch>> {
    let lines: Vec<Line<'_>> =
        chunk.lines().filter(|line| !line.is_blank()).map(Line::trimmed).collect();
    let mut batches = Vec::with_capacity(lines.len().div_ceil(BATCH_ROWS));
    for some in lines.chunks(BATCH_ROWS) {
        batches.push(reader.batch(some)?.map_err(|why| malformed(file, &why))?);
    }
    Ok(batches)
}

fn malformed(file: &InputFile, why: &str) -> Error {
    file.data(format!("{why}; with the option `mode` PERMISSIVE it would be null"))
}
