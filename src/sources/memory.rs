//! Rows that the program itself adds, for tests and for trying things out.
//!
//! The rows live in a table in memory that both sides hold: whoever adds to it, and each run of a
//! query that reads it. An offset is the number of batches that were added so far, so within the
//! process the same range gives the same rows for ever.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::connector::offset::Offset;
use crate::connector::option_doc::OptionDocs;
use crate::connector::options::Options;
use crate::connector::source::{
    DefineContext, Freshness, InputPartition, MicroBatchSource, ReadLimit, SourceContext,
    SourceDefinition, SourceFactory, foreign,
};
use crate::connector::storage::Storage;
use crate::connector::versioned::{RefreshedTable, TableContent, VersionedTable};
use crate::error::{Error, Result};

/// Rows in memory: an unbounded table to a stream, and a static table of what is there at a scan.
#[derive(Debug)]
pub struct MemoryTable {
    schema: SchemaRef,
    batches: Mutex<Vec<RecordBatch>>,
}

impl MemoryTable {
    /// A table without rows; all its columns are nullable.
    pub fn new(schema: &Schema) -> Arc<Self> {
        let fields: Vec<FieldRef> = schema
            .fields()
            .iter()
            .map(|field| Arc::new(field.as_ref().clone().with_nullable(true)))
            .collect();
        Arc::new(Self { schema: Arc::new(Schema::new(fields)), batches: Mutex::default() })
    }

    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Adds rows. They are one step of the source's offset, even if there are none.
    ///
    /// # Errors
    /// `Invalid` when they have other columns than the table.
    pub fn add(&self, batch: &RecordBatch) -> Result<()> {
        let given = batch.schema();
        let is_same = given.fields().len() == self.schema.fields().len()
            && given.fields().iter().zip(self.schema.fields()).all(|(given, wanted)| {
                given.name() == wanted.name() && given.data_type() == wanted.data_type()
            });
        if !is_same {
            return Err(Error::invalid(format!(
                "rows with the columns {:?} cannot be added to a table with the columns {:?}",
                columns(&given),
                columns(&self.schema)
            )));
        }
        let batch = batch.clone().with_schema(Arc::clone(&self.schema))?;
        self.batches().push(batch);
        Ok(())
    }

    /// All rows that were added so far.
    pub fn rows(&self) -> Vec<RecordBatch> {
        self.batches().clone()
    }

    fn len(&self) -> usize {
        self.batches().len()
    }

    fn batches(&self) -> MutexGuard<'_, Vec<RecordBatch>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn columns(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect()
}

#[async_trait]
impl TableProvider for MemoryTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let (rows, schema) = (self.rows(), Arc::clone(&self.schema));
        Ok(MemorySourceConfig::try_new_exec(&[rows], schema, projection.cloned())?)
    }
}

impl fmt::Display for MemoryTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryTable")
    }
}

/// A content is the number of batches that were there.
#[async_trait]
impl VersionedTable for MemoryTable {
    fn schema(&self) -> SchemaRef {
        Self::schema(self)
    }

    async fn current(&self, _last: Option<&TableContent>) -> Result<TableContent> {
        Ok(TableContent::new(json!(self.len())))
    }

    fn read(
        &self,
        content: &TableContent,
        projection: &[usize],
        partition: usize,
        _partitions: usize,
    ) -> Result<SendableRecordBatchStream> {
        let len = content.json().as_u64().ok_or_else(|| foreign(self, content.json()))?;
        let wanted = if partition == 0 { len as usize } else { 0 };
        let mut batches = self.rows();
        batches.truncate(wanted);
        let schema = Arc::new(self.schema.project(projection)?);
        let rows = batches.iter().map(|batch| batch.project(projection));
        let rows = rows.map(|batch| batch.map_err(DataFusionError::from)).collect::<Vec<_>>();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(rows))))
    }
}

/// Makes sources of the format `memory`, each with a table of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemorySourceFactory;

#[async_trait]
impl SourceFactory for MemorySourceFactory {
    fn options(&self) -> OptionDocs {
        &[]
    }

    async fn define(
        &self,
        options: &Options,
        schema: Option<SchemaRef>,
        _context: &DefineContext,
    ) -> Result<Arc<dyn SourceDefinition>> {
        options.reader("source `memory`", self.options()).finish()?;
        let schema = schema.ok_or_else(|| {
            Error::invalid("source `memory` needs a schema, since it begins without rows; give one")
        })?;
        Ok(Arc::new(MemorySourceDefinition::new(MemoryTable::new(&schema))))
    }
}

/// A table in memory as an unbounded table.
#[derive(Debug, Clone)]
pub struct MemorySourceDefinition {
    table: Arc<MemoryTable>,
}

impl MemorySourceDefinition {
    /// Reads this table as a stream.
    pub const fn new(table: Arc<MemoryTable>) -> Self {
        Self { table }
    }

    /// The table in memory, to add rows to.
    pub const fn rows(&self) -> &Arc<MemoryTable> {
        &self.table
    }
}

#[async_trait]
impl SourceDefinition for MemorySourceDefinition {
    fn format(&self) -> &'static str {
        "memory"
    }

    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn takes_filters(&self) -> bool {
        false
    }

    fn start(&self, _context: SourceContext) -> Result<Arc<dyn MicroBatchSource>> {
        Ok(Arc::new(MemorySource { table: Arc::clone(&self.table), frozen: Mutex::default() }))
    }

    async fn table(
        &self,
        _storage: &Arc<dyn Storage>,
        freshness: Freshness,
    ) -> Result<Arc<dyn TableProvider>> {
        Ok(match freshness {
            Freshness::Live => Arc::new(RefreshedTable::new(Arc::clone(&self.table))),
            Freshness::Snapshot => {
                Arc::new(MemTable::try_new(self.table.schema(), vec![self.table.rows()])?)
            }
        })
    }
}

/// One run's view of a table in memory.
#[derive(Debug)]
pub struct MemorySource {
    table: Arc<MemoryTable>,
    /// How many batches there are for this run, where that was fixed.
    frozen: Mutex<Option<usize>>,
}

/// The batches of a piece of input: after the first `from` up to the first `to` of all.
#[derive(Debug, Serialize, Deserialize)]
struct BatchRange {
    from: usize,
    to: usize,
}

impl fmt::Display for MemorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStream")
    }
}

impl MemorySource {
    /// How many batches lie before an offset.
    fn count(&self, offset: Option<&Offset>) -> Result<usize> {
        let Some(offset) = offset else { return Ok(0) };
        let count = offset.json().as_u64().and_then(|count| usize::try_from(count).ok());
        let count = count.ok_or_else(|| foreign(self, offset.json()))?;
        if count > self.table.len() {
            return Err(Error::corrupt(
                self.to_string(),
                format!(
                    "the query has read {count} batches and the table has {}; rows in memory end with their process",
                    self.table.len()
                ),
            ));
        }
        Ok(count)
    }

    fn frozen(&self) -> MutexGuard<'_, Option<usize>> {
        self.frozen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl MicroBatchSource for MemorySource {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    async fn recover(&self, last: Option<&Offset>) -> Result<()> {
        self.count(last).map(|_| ())
    }

    async fn latest_offset(
        &self,
        start: Option<&Offset>,
        _limit: ReadLimit,
    ) -> Result<Option<Offset>> {
        let start = self.count(start)?;
        let end = (*self.frozen()).unwrap_or_else(|| self.table.len()).max(start);
        Ok((end > 0).then(|| Offset::new(json!(end))))
    }

    async fn freeze_end(&self) -> Result<()> {
        *self.frozen() = Some(self.table.len());
        Ok(())
    }

    async fn plan(
        &self,
        start: Option<&Offset>,
        end: &Offset,
        parallelism: usize,
    ) -> Result<Vec<InputPartition>> {
        let (start, end) = (self.count(start)?, self.count(Some(end))?);
        let step = end.saturating_sub(start).div_ceil(parallelism.max(1)).max(1);
        let ranges = (start..end).step_by(step).map(|from| {
            let range = BatchRange { from, to: end.min(from + step) };
            let json = serde_json::to_value(range);
            json.map(InputPartition).map_err(|error| Error::internal(error.to_string()))
        });
        ranges.collect()
    }

    async fn read(
        &self,
        partition: &InputPartition,
        projection: Option<&[usize]>,
    ) -> Result<SendableRecordBatchStream> {
        let range: BatchRange = serde_json::from_value(partition.0.clone())
            .map_err(|_error| foreign(self, &partition.0))?;
        let batches = self.table.batches().get(range.from..range.to).map(<[_]>::to_vec);
        let batches = batches.ok_or_else(|| foreign(self, &partition.0))?;
        let schema = match projection {
            Some(projection) => Arc::new(self.table.schema.project(projection)?),
            None => self.table.schema(),
        };
        let projection = projection.map(<[usize]>::to_vec);
        let batches = batches.into_iter().map(move |batch| match &projection {
            Some(projection) => batch.project(projection).map_err(DataFusionError::from),
            None => Ok(batch),
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches))))
    }

    async fn commit(&self, _end: &Offset) -> Result<()> {
        // The rows stay: they are a static table too, and other runs may begin at the start.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int64Type};
    use futures::TryStreamExt;
    use object_store::memory::InMemory;
    use object_store::path::Path;

    use super::*;
    use crate::connector::storage::{Location, Storage};
    use crate::event_time::zone::TimeZone;
    use crate::runtime::clock::ManualClock;

    #[derive(Debug)]
    struct NoStorage;

    impl Storage for NoStorage {
        fn open(&self, location: &str) -> Result<Location> {
            Ok(Location {
                store: Arc::new(InMemory::new()),
                path: Path::from(location),
                given: location.to_owned(),
                url: location.to_owned(),
            })
        }
    }

    fn rows(values: &[i64]) -> RecordBatch {
        let array = Arc::new(Int64Array::from(values.to_vec())) as _;
        RecordBatch::try_from_iter([("v", array)]).unwrap()
    }

    fn start(table: &Arc<MemoryTable>) -> Arc<dyn MicroBatchSource> {
        let storage = Arc::new(NoStorage);
        let folder = storage.open("checkpoint").unwrap();
        let clock = Arc::new(ManualClock::new(0));
        let context = SourceContext { folder, storage, clock, time_zone: TimeZone::UTC };
        MemorySourceDefinition::new(Arc::clone(table)).start(context).unwrap()
    }

    async fn values(
        source: &dyn MicroBatchSource,
        start: Option<&Offset>,
        end: &Offset,
    ) -> Vec<i64> {
        let mut all = vec![];
        for partition in source.plan(start, end, 2).await.unwrap() {
            let stream = source.read(&partition, Some(&[0])).await.unwrap();
            for batch in stream.try_collect::<Vec<_>>().await.unwrap() {
                all.extend(batch.column(0).as_primitive::<Int64Type>().values());
            }
        }
        all
    }

    async fn latest(source: &dyn MicroBatchSource, start: Option<&Offset>) -> Option<Offset> {
        source.latest_offset(start, ReadLimit::Configured).await.unwrap()
    }

    #[tokio::test]
    async fn a_restarted_source_serves_the_same_rows() {
        let table = MemoryTable::new(&rows(&[]).schema());
        let source = start(&table);
        assert_eq!(latest(source.as_ref(), None).await, None);
        table.add(&rows(&[1, 2])).unwrap();
        table.add(&rows(&[3])).unwrap();
        let first = latest(source.as_ref(), None).await.unwrap();
        assert_eq!(first.to_string(), "2");
        assert_eq!(latest(source.as_ref(), Some(&first)).await, Some(first.clone()));
        table.add(&rows(&[4])).unwrap();
        let again = start(&table);
        again.recover(Some(&first)).await.unwrap();
        assert_eq!(values(again.as_ref(), None, &first).await, [1, 2, 3]);
        let second = latest(again.as_ref(), Some(&first)).await.unwrap();
        assert_eq!(values(again.as_ref(), Some(&first), &second).await, [4]);
        assert_eq!(table.rows().len(), 3);
    }

    #[tokio::test]
    async fn a_frozen_end_stays_and_lost_rows_are_an_error() {
        let table = MemoryTable::new(&rows(&[]).schema());
        table.add(&rows(&[1])).unwrap();
        let source = start(&table);
        source.freeze_end().await.unwrap();
        table.add(&rows(&[2])).unwrap();
        let end = latest(source.as_ref(), None).await.unwrap();
        assert_eq!(values(source.as_ref(), None, &end).await, [1]);
        let empty = MemoryTable::new(&rows(&[]).schema());
        assert!(start(&empty).recover(Some(&end)).await.is_err());
    }

    #[tokio::test]
    async fn rows_of_other_columns_are_refused() {
        let table = MemoryTable::new(&Schema::new(vec![Field::new("v", DataType::Utf8, true)]));
        assert!(table.add(&rows(&[1])).unwrap_err().to_string().contains("v Int64"));
    }
}
