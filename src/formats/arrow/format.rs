//! The format `arrow`. A column takes the declared type where nothing is lost, as with parquet.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::formats::arrow::lengths::{self, MAGIC};
use crate::formats::format::{FileFormat, InputFile, ReadRequest, boxed, project};
use crate::formats::guard::{guarded, guarded_rows};
use crate::formats::parquet::fit::{Origin, fit};
use crate::formats::parquet::types::{check_types, spark_schema};

/// The format `arrow`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ArrowFormat;

#[async_trait]
impl FileFormat for ArrowFormat {
    fn name(&self) -> &'static str {
        "arrow"
    }

    fn takes_filters(&self) -> bool {
        false
    }

    fn check_schema(&self, schema: &Schema) -> Result<()> {
        check_types(schema, "Arrow files")
    }

    async fn infer_schema(&self, files: &[InputFile]) -> Result<SchemaRef> {
        let Some(file) = files.first() else {
            return Err(Error::invalid(
                "cannot infer a schema, since there are no Arrow files yet; give a schema",
            ));
        };
        let schema = guarded(file, async {
            let batches = Batches::open(whole(file).await?, None);
            Ok(batches.map_err(|error| broken(file, &error))?.schema())
        });
        spark_schema(schema.await?.as_ref(), file)
    }

    fn read(&self, file: InputFile, request: &ReadRequest) -> SendableRecordBatchStream {
        let output = project(&request.schema, &request.projection);
        let (wanted, opened) = (Arc::clone(&output), file.clone());
        let rows = stream::once(async move {
            let bytes = whole(&opened).await?;
            let rows = Rows::open(bytes, wanted, opened)?;
            Ok::<_, Error>(stream::iter(rows))
        });
        let rows = guarded_rows(file, rows.try_flatten());
        boxed(output, rows.map_err(DataFusionError::from).boxed())
    }
}

async fn whole(file: &InputFile) -> Result<Bytes> {
    if file.size == 0 {
        return Err(file.data("the file is empty, and an Arrow file never is"));
    }
    file.bytes(0..file.size).await
}

fn broken(file: &InputFile, error: &ArrowError) -> Error {
    file.data(format!("it is no Arrow file: {error}"))
}

/// The batches of a file of either form.
enum Batches {
    File(FileReader<Cursor<Bytes>>),
    Stream(StreamReader<Cursor<Bytes>>),
}

impl Batches {
    fn open(bytes: Bytes, projection: Option<Vec<usize>>) -> Result<Self, ArrowError> {
        lengths::check(&bytes)?;
        let is_file = bytes.starts_with(MAGIC);
        let bytes = Cursor::new(bytes);
        Ok(if is_file {
            Self::File(FileReader::try_new(bytes, projection)?)
        } else {
            Self::Stream(StreamReader::try_new(bytes, projection)?)
        })
    }

    fn schema(&self) -> SchemaRef {
        match self {
            Self::File(reader) => reader.schema(),
            Self::Stream(reader) => reader.schema(),
        }
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::File(reader) => reader.next(),
            Self::Stream(reader) => reader.next(),
        }
    }
}

/// Whether each value of a type takes some room in a file.
fn has_bytes(data_type: &DataType) -> bool {
    !data_type.is_nested() && !matches!(data_type, DataType::Null | DataType::FixedSizeBinary(_))
}

/// The rows of a file with the columns that were declared.
struct Rows {
    batches: Batches,
    origins: Vec<Origin>,
    output: SchemaRef,
    file: InputFile,
}

impl Rows {
    fn open(bytes: Bytes, output: SchemaRef, file: InputFile) -> Result<Self> {
        let wrong = |error: ArrowError| broken(&file, &error);
        let schema = Batches::open(bytes.clone(), None).map_err(wrong)?.schema();
        let origins = output.fields().iter().map(|field| Origin::find(schema.fields(), field));
        let mut origins =
            origins.collect::<Result<Vec<_>, String>>().map_err(|why| file.data(why))?;
        let mut wanted: Vec<usize> = origins.iter().filter_map(|origin| origin.column).collect();
        // How many rows there are is believed only of a batch that has bytes for them.
        if !wanted.iter().any(|at| has_bytes(schema.field(*at).data_type())) {
            wanted.extend(schema.fields().iter().position(|field| has_bytes(field.data_type())));
        }
        wanted.sort_unstable();
        wanted.dedup();
        for origin in &mut origins {
            origin.column = origin.column.and_then(|at| wanted.binary_search(&at).ok());
        }
        let batches = Batches::open(bytes, Some(wanted)).map_err(wrong)?;
        Ok(Self { batches, origins, output, file })
    }

    fn fitted(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.origins.iter().map(|origin| match origin.column {
            Some(at) => fit(batch.column(at), origin.field.data_type())
                .map_err(|why| self.file.data(format!("column `{}`: {why}", origin.field.name()))),
            None => Ok(new_null_array(origin.field.data_type(), batch.num_rows())),
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.output), columns, &options)?)
    }
}

impl Iterator for Rows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.batches.next()? {
            Ok(batch) => self.fitted(&batch),
            Err(error) => Err(broken(&self.file, &error)),
        })
    }
}
