//! The format `parquet`.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};

use crate::error::{Error, Result};
use crate::formats::format::{BATCH_ROWS, FileFormat, InputFile, ReadRequest, boxed, project};
use crate::formats::guard::{guarded, guarded_rows};
use crate::formats::parquet::fit::{Origin, find, fit};
use crate::formats::parquet::reader::{FileReader, parquet_error};
use crate::formats::parquet::types::{check_types, spark_schema, widened};

/// The format `parquet`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ParquetFormat {
    merges: bool,
}

impl ParquetFormat {
    /// Reads parquet; a schema is inferred from all files where `merges`, else from the first.
    pub const fn new(merges: bool) -> Self {
        Self { merges }
    }
}

#[async_trait]
impl FileFormat for ParquetFormat {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn takes_filters(&self) -> bool {
        false
    }

    fn check_schema(&self, schema: &Schema) -> Result<()> {
        check_types(schema, "parquet")
    }

    async fn infer_schema(&self, files: &[InputFile]) -> Result<SchemaRef> {
        let mut merged: Option<SchemaRef> = None;
        for file in files {
            let schema = guarded(file, file_schema(file)).await?;
            merged = Some(match merged {
                None => schema,
                Some(before) => merge(&before, &schema).map_err(|why| file.data(why))?,
            });
            if !self.merges {
                break;
            }
        }
        merged.ok_or_else(|| {
            Error::invalid(
                "cannot infer a schema, since there are no parquet files yet; give a schema",
            )
        })
    }

    fn reads_parts(&self) -> bool {
        true
    }

    fn read(&self, file: InputFile, request: &ReadRequest) -> SendableRecordBatchStream {
        let output = project(&request.schema, &request.projection);
        let (wanted, opened) = (Arc::clone(&output), file.clone());
        let part = request.part.clone();
        let batches = stream::once(async move { read_file(opened, wanted, part).await });
        let batches = guarded_rows(file, batches.try_flatten());
        boxed(output, batches.map_err(DataFusionError::from))
    }
}

/// The columns of a file in Spark's types.
async fn file_schema(file: &InputFile) -> Result<SchemaRef> {
    let builder = open(file).await?;
    spark_schema(builder.schema(), file)
}

/// The columns of both. `Err` for a column that they have with different types.
fn merge(before: &Schema, schema: &Schema) -> Result<SchemaRef, String> {
    let mut fields: Vec<_> = before.fields().iter().map(Arc::clone).collect();
    for field in schema.fields() {
        match find(before.fields(), field.name())? {
            None => fields.push(Arc::clone(field)),
            Some(at) if before.field(at).data_type() == field.data_type() => (),
            Some(at) => {
                return Err(format!(
                    "column `{}` is {} here and {} in the files before; give a schema",
                    field.name(),
                    field.data_type(),
                    before.field(at).data_type()
                ));
            }
        }
    }
    Ok(Arc::new(Schema::new(fields)))
}

async fn open(file: &InputFile) -> Result<ParquetRecordBatchStreamBuilder<FileReader>> {
    if file.size == 0 {
        return Err(file.data("the file is empty, and a parquet file never is"));
    }
    // The arrow schema that some writers embed says how they held the data, not what it is.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let wrong = |error| parquet_error(file, error);
    let mut reader = FileReader(file.clone());
    let metadata = ArrowReaderMetadata::load_async(&mut reader, options.clone());
    let mut metadata = metadata.await.map_err(wrong)?;
    if let Some(schema) = with_wide_timestamps(&metadata) {
        let options = options.with_schema(schema);
        metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
            .map_err(wrong)?;
    }
    Ok(ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata))
}

/// The schema of a file with timestamps of 96 bits, which are points in time, as microseconds;
/// the reader would make nanoseconds of them, which cannot reach beyond the year 2262. `None`
/// where there are none.
fn with_wide_timestamps(metadata: &ArrowReaderMetadata) -> Option<SchemaRef> {
    let leaves = metadata.parquet_schema().columns();
    let mut wide = leaves.iter().map(|leaf| leaf.physical_type() == PhysicalType::INT96);
    if !wide.clone().any(|is_wide| is_wide) {
        return None;
    }
    let fields = metadata.schema().fields().iter();
    let fields: Vec<_> = fields.map(|field| widened(field, &mut wide)).collect();
    Some(Arc::new(Schema::new(fields)))
}

/// The rows of a file with the columns of `output`.
async fn read_file(
    file: InputFile,
    output: SchemaRef,
    part: Option<Range<u64>>,
) -> Result<impl Stream<Item = Result<RecordBatch>> + Send> {
    let mut builder = open(&file).await?;
    if let Some(part) = part {
        let groups = groups_in(builder.metadata(), &part);
        builder = builder.with_row_groups(groups);
    }
    let columns = builder.schema().fields();
    let origins = output.fields().iter().map(|field| Origin::find(columns, field));
    let mut origins = origins.collect::<Result<Vec<_>, String>>().map_err(|why| file.data(why))?;
    let mut roots: Vec<usize> = origins.iter().filter_map(|origin| origin.column).collect();
    if roots.is_empty() {
        check_rows(builder.metadata()).map_err(|why| file.data(why))?;
    }
    roots.sort_unstable();
    roots.dedup();
    // The reader gives the picked columns in the order of the file.
    for origin in &mut origins {
        origin.column = origin.column.and_then(|at| roots.binary_search(&at).ok());
    }
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let rows = builder
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|error| parquet_error(&file, error))?;
    Ok(rows.map(move |batch| {
        let batch = batch.map_err(|error| parquet_error(&file, error))?;
        fitted(&batch, &origins, &output, &file)
    }))
}

/// The row groups that begin in a part of the file.
fn groups_in(metadata: &ParquetMetaData, part: &Range<u64>) -> Vec<usize> {
    let begins = |group: &RowGroupMetaData| {
        let starts = group.columns().iter().map(|column| {
            let data = column.data_page_offset();
            column.dictionary_page_offset().map_or(data, |dictionary| dictionary.min(data))
        });
        // A group without columns, or with an offset that cannot be, is read with the first part.
        starts.min().and_then(|start| u64::try_from(start).ok()).unwrap_or(0)
    };
    let groups = metadata.row_groups().iter().enumerate();
    groups.filter(|(_, group)| part.contains(&begins(group))).map(|(at, _)| at).collect()
}

/// Checks the number of rows of a file of which no column is read: there are no more than each
/// column has values.
fn check_rows(metadata: &ParquetMetaData) -> Result<(), String> {
    for group in metadata.row_groups() {
        let values = group.columns().iter().map(ColumnChunkMetaData::num_values).min();
        if group.num_rows() < 0 || values.is_some_and(|values| values < group.num_rows()) {
            return Err(format!(
                "one of its row groups is said to have {} rows, and a column of it {} values",
                group.num_rows(),
                values.unwrap_or_default()
            ));
        }
    }
    Ok(())
}

fn fitted(
    batch: &RecordBatch,
    origins: &[Origin],
    output: &SchemaRef,
    file: &InputFile,
) -> Result<RecordBatch> {
    let columns = origins.iter().map(|origin| match origin.column {
        Some(at) => fit(batch.column(at), origin.field.data_type())
            .map_err(|why| file.data(format!("column `{}`: {why}", origin.field.name()))),
        None => Ok(new_null_array(origin.field.data_type(), batch.num_rows())),
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(output), columns, &options)?)
}
