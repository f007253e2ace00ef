//! A sink whose rows are a table of the session, under the name of the query.
//!
//! A reader sees the rows of committed epochs only, and a scan sees those of the moment at which
//! it was planned. In complete mode an epoch takes the place of the one before. The rows end with
//! the process, so a query can be restarted in complete mode only.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::TableReference;
use datafusion::datasource::TableType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use serde::{Deserialize, Serialize};

use crate::column_names::refuse_twins;
use crate::connector::option_doc::OptionDocs;
use crate::connector::options::Options;
use crate::connector::output_mode::OutputMode;
use crate::connector::sink::{
    CommitMessage, SinkBatch, SinkContext, SinkFactory, SinkSession, SinkState, SinkWriter,
    StreamSink,
};
use crate::connector::source::foreign;
use crate::connector::versioned::{RefreshedTable, TableContent, VersionedTable};
use crate::error::{Error, Result};
use crate::sinks::gather::Gathered;

/// Makes sinks of the format `memory`.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemorySinkFactory;

#[async_trait]
impl SinkFactory for MemorySinkFactory {
    fn options(&self) -> OptionDocs {
        &[]
    }

    fn can_partition(&self) -> bool {
        false
    }

    fn needs_checkpoint(&self) -> bool {
        false
    }

    async fn open(&self, options: &Options, context: SinkContext) -> Result<Arc<dyn StreamSink>> {
        options.reader("sink `memory`", self.options()).finish()?;
        let name = context.query_name.ok_or_else(|| Error::MissingOption {
            owner: "sink `memory`".to_owned(),
            option: "queryName".to_owned(),
            reason: "the rows are read as the table of this name; give the query a name".to_owned(),
        })?;
        refuse_twins(&context.schema, &format!("table `{name}`"))?;
        let pool = &context.session.0.runtime_env().memory_pool;
        let held = MemoryConsumer::new(format!("MemorySink[{name}]")).register(pool);
        let rows = RwLock::new(Rows { batches: vec![], replaced: 0, held });
        let table = Arc::new(MemoryTable { schema: context.schema, rows });
        register(&context.session, &name, Arc::clone(&table)).await?;
        Ok(Arc::new(MemorySink { table, gathered: Gathered::default() }))
    }
}

/// The result of an earlier query of this name is replaced, a table of the user is not.
async fn register(session: &SinkSession, name: &str, table: Arc<MemoryTable>) -> Result<()> {
    let reference = TableReference::bare(name);
    if session.0.table_exist(reference.clone())? {
        let present = session.0.table_provider(reference.clone()).await?;
        let present: &dyn Any = present.as_ref();
        let is_result = present
            .downcast_ref::<RefreshedTable>()
            .is_some_and(|table| table.rows().is::<MemoryTable>());
        if !is_result {
            return Err(Error::invalid(format!(
                "there is a table `{name}` already; give the query another name"
            )));
        }
        session.0.deregister_table(reference.clone())?;
    }
    session.0.register_table(reference, Arc::new(RefreshedTable::new(table)))?;
    Ok(())
}

#[derive(Debug)]
struct MemorySink {
    table: Arc<MemoryTable>,
    gathered: Gathered,
}

impl fmt::Display for MemorySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemorySink")
    }
}

#[async_trait]
impl StreamSink for MemorySink {
    fn supports(&self, _mode: OutputMode) -> bool {
        true
    }

    fn can_recover(&self, mode: OutputMode) -> bool {
        mode == OutputMode::Complete
    }

    fn counts_rows(&self) -> bool {
        true
    }

    async fn begin(&self, batch: &SinkBatch) -> Result<SinkState> {
        Ok(self.gathered.begin(batch))
    }

    async fn writer(&self, batch: &SinkBatch, partition: usize) -> Result<Box<dyn SinkWriter>> {
        self.gathered.writer(batch, partition, None)
    }

    async fn commit(&self, batch: &SinkBatch, messages: Vec<CommitMessage>) -> Result<()> {
        let Some(partitions) = self.gathered.rows(batch, &messages)? else { return Ok(()) };
        let rows = partitions.into_iter().flatten();
        match batch.mode {
            OutputMode::Append | OutputMode::Update => self.table.append(rows.collect())?,
            OutputMode::Complete => self.table.replace(rows.collect())?,
        }
        self.gathered.done(batch);
        Ok(())
    }

    async fn abort(&self, batch: &SinkBatch, _messages: Vec<CommitMessage>) -> Result<()> {
        self.gathered.abort(batch);
        Ok(())
    }
}

/// The rows of the committed epochs.
#[derive(Debug)]
struct MemoryTable {
    schema: SchemaRef,
    rows: RwLock<Rows>,
}

#[derive(Debug)]
struct Rows {
    batches: Vec<RecordBatch>,
    /// How often all rows gave way to others.
    replaced: u64,
    /// What the rows take of the session's memory.
    held: MemoryReservation,
}

impl MemoryTable {
    fn append(&self, rows: Vec<RecordBatch>) -> Result<()> {
        let mut all = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        all.held.try_grow(size(&rows))?;
        all.batches.extend(rows);
        Ok(())
    }

    fn replace(&self, rows: Vec<RecordBatch>) -> Result<()> {
        let mut all = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        all.held.try_resize(size(&rows))?;
        all.batches = rows;
        all.replaced += 1;
        Ok(())
    }

    fn snapshot(&self) -> Vec<RecordBatch> {
        self.read_rows().batches.clone()
    }

    fn read_rows(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(rows: &[RecordBatch]) -> usize {
    rows.iter().map(RecordBatch::get_array_memory_size).sum()
}

impl fmt::Display for MemoryTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the result of a query in memory")
    }
}

/// How many batches there were, after how many replacements.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    replaced: u64,
    batches: usize,
}

#[async_trait]
impl VersionedTable for MemoryTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    async fn current(&self, _last: Option<&TableContent>) -> Result<TableContent> {
        let rows = self.read_rows();
        let content = Content { replaced: rows.replaced, batches: rows.batches.len() };
        let content = serde_json::to_value(content);
        content.map(TableContent::new).map_err(|error| Error::internal(error.to_string()))
    }

    fn read(
        &self,
        content: &TableContent,
        projection: &[usize],
        partition: usize,
        _partitions: usize,
    ) -> Result<SendableRecordBatchStream> {
        let wanted =
            Content::deserialize(content.json()).map_err(|_error| foreign(self, content.json()))?;
        let mut batches = vec![];
        if partition == 0 {
            let rows = self.read_rows();
            // Rows that gave way to others are gone; those that are there now are the best there is.
            let is_there = wanted.replaced == rows.replaced;
            let len = if is_there { wanted.batches } else { rows.batches.len() };
            batches = rows.batches.iter().take(len).cloned().collect();
        }
        let schema = Arc::new(self.schema.project(projection)?);
        let rows = batches.into_iter().map({
            let projection = projection.to_vec();
            move |batch| batch.project(&projection).map_err(DataFusionError::from)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(rows))))
    }
}

#[async_trait]
impl TableProvider for MemoryTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let source = MemorySourceConfig::try_new(
            &[self.snapshot()],
            Arc::clone(&self.schema),
            projection.cloned(),
        )?;
        Ok(DataSourceExec::from_data_source(source.with_limit(limit)))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;
    use crate::checkpoint::storage::LocalStorage;
    use crate::connector::conformance::{self, SinkHarness, batch, run_epoch, schema};
    use crate::runtime::clock::ManualClock;

    fn context(session: &SessionContext, name: Option<&str>) -> SinkContext {
        SinkContext {
            query_name: name.map(str::to_owned),
            schema: schema(),
            partition_by: vec![],
            storage: Arc::new(LocalStorage::default()),
            clock: Arc::new(ManualClock::new(0)),
            session: SinkSession(session.clone()),
        }
    }

    #[derive(Default)]
    struct Harness {
        session: SessionContext,
    }

    #[async_trait]
    impl SinkHarness for Harness {
        async fn sink(&self) -> Result<Arc<dyn StreamSink>> {
            let context = context(&self.session, Some("result"));
            MemorySinkFactory.open(&Options::default(), context).await
        }

        async fn visible(&self) -> Result<Vec<i64>> {
            let batches = self.session.sql("SELECT v FROM result").await?.collect().await?;
            let columns = batches.iter().map(|rows| rows.column(0).as_primitive::<Int64Type>());
            Ok(columns.flat_map(|column| column.values().to_vec()).collect())
        }
    }

    #[tokio::test]
    async fn it_keeps_the_promises_of_a_sink() {
        conformance::rows_are_visible_once_after_commit(&Harness::default()).await.unwrap();
        conformance::a_repeated_epoch_has_no_effect(&Harness::default()).await.unwrap();
        conformance::an_aborted_epoch_leaves_nothing_visible(&Harness::default()).await.unwrap();
        conformance::complete_mode_replaces(&Harness::default()).await.unwrap();
    }

    #[tokio::test]
    async fn a_scan_sees_the_rows_of_the_moment_at_which_it_was_planned() {
        let harness = Harness::default();
        let sink = harness.sink().await.unwrap();
        run_epoch(sink.as_ref(), &batch(0, 0, OutputMode::Append), &[&[1]]).await.unwrap();
        let frame = harness.session.sql("SELECT v FROM result").await.unwrap();
        let plan = frame.create_physical_plan().await.unwrap();
        run_epoch(sink.as_ref(), &batch(1, 0, OutputMode::Append), &[&[2]]).await.unwrap();
        let task = harness.session.task_ctx();
        let before = datafusion::physical_plan::collect(plan, task).await.unwrap();
        assert_eq!(before.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
        assert_eq!(harness.visible().await.unwrap(), [1, 2]);
    }

    #[tokio::test]
    async fn update_mode_appends_and_only_complete_mode_recovers() {
        let harness = Harness::default();
        let sink = harness.sink().await.unwrap();
        for epoch in 0..2 {
            run_epoch(sink.as_ref(), &batch(epoch, 0, OutputMode::Update), &[&[1]]).await.unwrap();
        }
        assert_eq!(harness.visible().await.unwrap(), [1, 1]);
        assert!(sink.can_recover(OutputMode::Complete));
        assert!(!sink.can_recover(OutputMode::Append) && !sink.can_recover(OutputMode::Update));
    }

    #[tokio::test]
    async fn a_query_without_a_name_is_refused() {
        let context = context(&SessionContext::new(), None);
        let error = MemorySinkFactory.open(&Options::default(), context).await.unwrap_err();
        assert!(matches!(error, Error::MissingOption { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_restart_replaces_the_result_but_never_a_table_of_the_user() {
        let harness = Harness::default();
        harness.sink().await.unwrap();
        harness.sink().await.unwrap();
        let own = conformance::rows(&[5]).unwrap();
        harness.session.register_batch("mine", own).unwrap();
        let context = context(&harness.session, Some("mine"));
        let error = MemorySinkFactory.open(&Options::default(), context).await.unwrap_err();
        assert!(error.to_string().contains("`mine`"), "{error}");
    }

    #[tokio::test]
    async fn rows_that_do_not_fit_into_the_memory_of_the_session_fail_their_epoch() {
        let runtime = RuntimeEnvBuilder::new().with_memory_limit(10_000, 1.0).build_arc().unwrap();
        let session = SessionContext::new_with_config_rt(SessionConfig::new(), runtime);
        let harness = Harness { session };
        let sink = harness.sink().await.unwrap();
        let many: Vec<i64> = (0..100).collect();
        for (epoch, mode) in [(0, OutputMode::Append), (1, OutputMode::Complete)] {
            let epoch = batch(epoch, 0, mode);
            let error = run_epoch(sink.as_ref(), &epoch, &[&many]).await.unwrap_err();
            assert!(error.to_string().contains("MemorySink[result]"), "{error}");
            run_epoch(sink.as_ref(), &epoch, &[&[1]]).await.unwrap();
        }
        assert_eq!(harness.visible().await.unwrap(), [1]);
    }
}
