//! An unbounded table in a plan.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{Stream, StreamExt, TryStreamExt, stream};

use crate::connector::source::SourceDefinition;
use crate::error::Error;
use crate::operators::context::{EpochContext, EpochResources};
use crate::operators::exec;
use crate::operators::report::EpochReport;

/// An unbounded table: a source that was described. Each has an identity; a plan that holds the
/// same table twice has one source.
#[derive(Debug, Clone)]
pub struct StreamTable {
    id: u64,
    name: Option<String>,
    definition: Arc<dyn SourceDefinition>,
}

impl StreamTable {
    /// A new unbounded table; `name` is the name that the user gave the source, if any.
    pub fn new(name: Option<String>, definition: Arc<dyn SourceDefinition>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), name, definition }
    }

    /// Tells this unbounded table from every other of the process.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The name that the user gave the source.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The source.
    pub const fn definition(&self) -> &Arc<dyn SourceDefinition> {
        &self.definition
    }
}

#[async_trait]
impl TableProvider for StreamTable {
    fn schema(&self) -> SchemaRef {
        self.definition.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Err(Error::invalid(
            "a query over a stream has no end and cannot be collected; start it with `write_stream()`, or with CREATE STREAMING TABLE in SQL",
        )
        .into())
    }
}

/// A table of the catalog that can be read as a table (`FROM t`) and as a stream (`FROM STREAM t`).
#[derive(Debug, Clone)]
pub struct CatalogTable {
    rows: Arc<dyn TableProvider>,
    stream: Arc<StreamTable>,
}

impl CatalogTable {
    /// A table whose rows `rows` gives, and whose unbounded form is `stream`.
    pub fn new(rows: Arc<dyn TableProvider>, stream: Arc<StreamTable>) -> Self {
        Self { rows, stream }
    }

    /// The table without its unbounded form.
    pub const fn rows(&self) -> &Arc<dyn TableProvider> {
        &self.rows
    }

    /// The unbounded table.
    pub const fn stream(&self) -> &Arc<StreamTable> {
        &self.stream
    }
}

#[async_trait]
impl TableProvider for CatalogTable {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.rows.scan(state, projection, filters, limit).await
    }
}

/// The unbounded table that a scan reads, if it reads one.
pub fn scanned_stream(scan: &TableScan) -> Option<Arc<StreamTable>> {
    let provider = source_as_provider(&scan.source).ok()?;
    provider.downcast_ref::<StreamTable>().map(|stream| Arc::new(stream.clone()))
}

/// Whether the plan reads an unbounded table, not counting subqueries in expressions.
pub fn is_streaming(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::TableScan(scan) if scanned_stream(scan).is_some())
        || plan.inputs().into_iter().any(is_streaming)
}

/// An unbounded table under the name that its source has in one query.
#[derive(Debug, Clone)]
pub struct NamedStream {
    source: String,
    table: Arc<StreamTable>,
    partitions: usize,
}

impl NamedStream {
    /// The unbounded table as the source called `source`, read in so many partitions.
    pub const fn new(source: String, table: Arc<StreamTable>, partitions: usize) -> Self {
        Self { source, table, partitions }
    }
}

#[async_trait]
impl TableProvider for NamedStream {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
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
        let columns = projection.cloned();
        Ok(Arc::new(StreamScanExec::try_new(self, columns)?))
    }
}

/// Reads what the epoch names from one source.
#[derive(Debug, Clone)]
pub struct StreamScanExec {
    source: String,
    projection: Option<Vec<usize>>,
    properties: Arc<PlanProperties>,
}

impl StreamScanExec {
    fn try_new(stream: &NamedStream, projection: Option<Vec<usize>>) -> DfResult<Self> {
        let schema = match &projection {
            Some(columns) => Arc::new(stream.schema().project(columns)?),
            None => stream.schema(),
        };
        let properties = exec::properties(schema, stream.partitions);
        Ok(Self { source: stream.source.clone(), projection, properties })
    }
}

impl DisplayAs for StreamScanExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.schema();
        let columns = schema.fields().iter().map(|field| field.name().as_str());
        write!(f, "StreamScanExec: {} [{}]", self.source, columns.collect::<Vec<_>>().join(", "))
    }
}

impl ExecutionPlan for StreamScanExec {
    fn name(&self) -> &'static str {
        "StreamScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let epoch = EpochContext::of(&context)?;
        let resources = EpochResources::of(&context)?;
        let source = resources
            .sources
            .get(&self.source)
            .map(Arc::clone)
            .ok_or_else(|| Error::internal(format!("no source `{}`", self.source)))?;
        let every = self.properties.output_partitioning().partition_count();
        let inputs = epoch.inputs.get(&self.source).map_or(&[][..], Vec::as_slice);
        let mine: Vec<_> = inputs.iter().skip(partition).step_by(every).cloned().collect();
        let schema = self.schema();
        let read = ReadArgs {
            // A query that only counts rows asks for no column; sources read at least one.
            columns: self.projection.clone().map(|p| if p.is_empty() { vec![0] } else { p }),
            schema: Arc::clone(&schema),
            name: self.source.clone(),
            report: Arc::clone(&resources.report),
        };
        let rows =
            stream::iter(mine.into_iter().map(Ok::<_, DataFusionError>)).and_then(move |input| {
                let (source, read) = (Arc::clone(&source), read.clone());
                async move {
                    Ok::<_, DataFusionError>(
                        read.count_and_fit(source.read(&input, read.columns.as_deref()).await?),
                    )
                }
            });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows.try_flatten())))
    }
}

#[derive(Clone)]
struct ReadArgs {
    columns: Option<Vec<usize>>,
    schema: SchemaRef,
    name: String,
    report: Arc<EpochReport>,
}

impl ReadArgs {
    fn count_and_fit(
        &self,
        rows: SendableRecordBatchStream,
    ) -> impl Stream<Item = DfResult<RecordBatch>> + use<> {
        let read = self.clone();
        rows.map(move |batch| {
            let batch = batch?;
            read.report.add_input_rows(&read.name, batch.num_rows() as u64);
            if !read.schema.fields().is_empty() {
                return Ok(batch);
            }
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            Ok(RecordBatch::try_new_with_options(Arc::clone(&read.schema), vec![], &options)?)
        })
    }
}
