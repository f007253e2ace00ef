//! What a file format promises, and the file that it reads.
//!
//! A format turns one file into record batches of exactly the columns that were asked for. It
//! knows nothing of folders, offsets or queries; its options reach it as plain values.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::error::Result as DfResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::Stream;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::{Error, Result};
use crate::event_time::zone::TimeZone;

/// About how many rows a batch has.
pub const BATCH_ROWS: usize = 8192;

/// A way to read files, with its options settled.
#[async_trait]
pub trait FileFormat: Debug + Send + Sync + 'static {
    /// The name that users know the format by, such as `json`.
    fn name(&self) -> &'static str;

    /// Whether rows that fail a simple filter of a streaming query are left out as they are read, as
    /// Spark's reader of the format does: they are not counted as input.
    fn takes_filters(&self) -> bool;

    /// The columns that the files of a format have whatever is in them, if they do.
    fn fixed_schema(&self) -> Option<SchemaRef> {
        None
    }

    /// Checks that columns of these types can be read at all.
    ///
    /// # Errors
    /// `Unsupported` naming the column; `Invalid` for a column that an option gives a meaning
    /// which does not go with its type.
    fn check_schema(&self, schema: &Schema) -> Result<()>;

    /// The columns that these files have, in Spark's types, all nullable.
    ///
    /// # Errors
    /// `Data` naming the file; `Storage`; `Invalid` when there is nothing to infer from.
    async fn infer_schema(&self, files: &[InputFile]) -> Result<SchemaRef>;

    /// Whether parts of an uncompressed file can be read by themselves, given where they begin and
    /// end in bytes.
    fn reads_parts(&self) -> bool {
        false
    }

    /// Reads a file that is expected to have the columns of `request.schema`, and gives those that
    /// `request.projection` picks by index, in that order. Columns that the file lacks are null,
    /// columns of the file that the schema lacks are left out.
    ///
    /// Errors come as items of the stream: `Data` naming the file, `Storage`.
    fn read(&self, file: InputFile, request: &ReadRequest) -> SendableRecordBatchStream;
}

/// What is wanted of a file.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// The columns that the file is expected to have.
    pub schema: SchemaRef,
    /// Which of them are wanted, by index, in order.
    pub projection: Vec<usize>,
    /// The zone of times that name none.
    pub zone: TimeZone,
    /// Counts what was not read as it stands.
    pub counts: Arc<ReadCounts>,
    /// Of the file only what begins in this range of its bytes, if the format
    /// [reads parts](FileFormat::reads_parts).
    pub part: Option<Range<u64>>,
}

impl ReadRequest {
    /// All of these columns, with times that name no zone in UTC.
    pub fn all(schema: &SchemaRef) -> Self {
        Self {
            projection: (0..schema.fields().len()).collect(),
            schema: Arc::clone(schema),
            zone: TimeZone::UTC,
            counts: Arc::default(),
            part: None,
        }
    }
}

/// What was not read as it stands, since the counts were last taken.
#[derive(Debug, Default)]
pub struct ReadCounts {
    malformed: AtomicU64,
    dropped: AtomicU64,
    corrupt_files: AtomicU64,
    missing_files: AtomicU64,
}

impl ReadCounts {
    /// Counts records that could not be read as they were declared.
    pub fn add_malformed(&self, records: usize) {
        self.malformed.fetch_add(records as u64, Ordering::Relaxed);
    }

    /// Counts records that were left out for it.
    pub fn add_dropped(&self, records: usize) {
        self.dropped.fetch_add(records as u64, Ordering::Relaxed);
    }

    /// Counts a file of which the rest was left out, since it could not be read.
    pub fn add_corrupt_file(&self) {
        self.corrupt_files.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a file that was left out, since it was gone.
    pub fn add_missing_file(&self) {
        self.missing_files.fetch_add(1, Ordering::Relaxed);
    }

    /// Begins anew at zero.
    pub fn reset(&self) {
        for count in [&self.malformed, &self.dropped, &self.corrupt_files, &self.missing_files] {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// The counts by the names that progress reports give them.
    pub fn by_name(&self) -> [(&'static str, u64); 4] {
        [
            ("malformedRecords", self.malformed.load(Ordering::Relaxed)),
            ("droppedRecords", self.dropped.load(Ordering::Relaxed)),
            ("ignoredCorruptFiles", self.corrupt_files.load(Ordering::Relaxed)),
            ("ignoredMissingFiles", self.missing_files.load(Ordering::Relaxed)),
        ]
    }
}

/// A file to read.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// The store that holds it.
    pub store: Arc<dyn ObjectStore>,
    /// Where it lies in the store.
    pub path: Path,
    /// Its length when it was listed; what was appended since is not read.
    pub size: u64,
    /// Its URL, for messages.
    pub url: String,
}

impl InputFile {
    /// Some bytes of the file.
    ///
    /// # Errors
    /// `Data` when the file is gone or shorter than it was; `Storage`.
    pub async fn bytes(&self, range: Range<u64>) -> Result<Bytes> {
        self.check_range(&range)?;
        let wanted = range.end - range.start;
        if wanted == 0 {
            return Ok(Bytes::new());
        }
        let bytes = self.store.get_range(&self.path, range).await.map_err(|e| self.failed(e))?;
        if bytes.len() as u64 == wanted {
            Ok(bytes)
        } else {
            Err(self.data("the file is shorter than it was when it was listed; files must not change once they are visible"))
        }
    }

    /// Some parts of the file, in the order in which they are asked for.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub async fn parts(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        ranges.iter().try_for_each(|range| self.check_range(range))?;
        // No store gives a part without bytes.
        let is_part = |range: &&Range<u64>| !range.is_empty();
        let wanted: Vec<Range<u64>> = ranges.iter().filter(is_part).cloned().collect();
        let read = self.store.get_ranges(&self.path, &wanted).await.map_err(|e| self.failed(e))?;
        let mut read = read.into_iter();
        let parts = ranges.iter().map(|range| match range.is_empty() {
            true => Bytes::new(),
            false => read.next().unwrap_or_default(),
        });
        Ok(parts.collect())
    }

    /// Checks that there are such bytes: where they are is mostly said by the file itself.
    fn check_range(&self, range: &Range<u64>) -> Result<()> {
        if range.start <= range.end && range.end <= self.size {
            return Ok(());
        }
        Err(self.data(format!(
            "it speaks of its bytes {} to {}, and has {}",
            range.start, range.end, self.size
        )))
    }

    /// The error for something wrong inside this file.
    pub fn data(&self, message: impl Into<String>) -> Error {
        Error::Data { place: self.url.clone(), message: message.into() }
    }

    /// The error for a file that the store could not read.
    pub fn failed(&self, error: object_store::Error) -> Error {
        match error {
            object_store::Error::NotFound { .. } => self.data(
                "the file is gone since it was listed; put it back, since its rows belong to an epoch that is still to be read",
            ),
            other => {
                Error::Storage { action: "read", path: self.url.clone(), source: Box::new(other) }
            }
        }
    }
}

/// The schema with every column, and every field inside one, nullable; keys of maps are not.
pub fn all_nullable(schema: &Schema) -> SchemaRef {
    let fields: Vec<FieldRef> = schema.fields().iter().map(|field| nullable_field(field)).collect();
    Arc::new(Schema::new(fields))
}

fn nullable_field(field: &Field) -> FieldRef {
    Arc::new(Field::new(field.name(), nullable_type(field.data_type()), true))
}

fn nullable_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| nullable_field(field)).collect())
        }
        DataType::List(element) => DataType::List(nullable_field(element)),
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                let key = Field::new(pair[0].name(), nullable_type(pair[0].data_type()), false);
                let pair = vec![Arc::new(key), nullable_field(&pair[1])];
                let entries = Field::new(entries.name(), DataType::Struct(pair.into()), false);
                DataType::Map(Arc::new(entries), *sorted)
            }
            _ => data_type.clone(),
        },
        other => other.clone(),
    }
}

/// The columns of `schema` that `projection` picks.
pub(super) fn project(schema: &Schema, projection: &[usize]) -> SchemaRef {
    let fields: Vec<FieldRef> =
        projection.iter().filter_map(|at| schema.fields().get(*at).map(Arc::clone)).collect();
    Arc::new(Schema::new(fields))
}

/// A stream of batches of this schema.
pub(super) fn boxed(
    schema: SchemaRef,
    batches: impl Stream<Item = DfResult<RecordBatch>> + Send + 'static,
) -> SendableRecordBatchStream {
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}
