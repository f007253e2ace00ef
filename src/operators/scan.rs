//! An unbounded table in a plan.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::datasource::source_as_provider;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Expr, LogicalPlan, TableProviderFilterPushDown, TableScan, TableType,
};
use datafusion::physical_plan::ExecutionPlan;

use crate::connector::source::SourceDefinition;
use crate::connector::versioned::RefreshedTable;
use crate::error::Error;
use crate::operators::scan_exec::{ScanArgs, StreamScanExec};
use crate::operators::scan_filter::is_simple;

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

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DfResult<Vec<TableProviderFilterPushDown>> {
        let takes = self.definition.takes_filters();
        let answer = |filter: &&Expr| match takes && is_simple(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Err(Error::invalid(
            "a query over a stream has no end and cannot be collected; start it with CREATE STREAMING TABLE, or with `write_stream()` in the builder",
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

    /// The table without its unbounded form, as it is when it is scanned.
    pub fn rows(&self) -> &Arc<dyn TableProvider> {
        self.refreshed().map_or(&self.rows, RefreshedTable::rows)
    }

    /// The table by its versions, if it can tell them.
    pub fn refreshed(&self) -> Option<&RefreshedTable> {
        self.rows.downcast_ref()
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

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DfResult<Vec<TableProviderFilterPushDown>> {
        self.table.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let schema = self.schema();
        let filter = match conjunction(filters.iter().cloned()) {
            None => None,
            Some(filter) => {
                let columns = DFSchema::try_from(Arc::clone(&schema))?;
                Some(state.create_physical_expr(filter, &columns)?)
            }
        };
        let all = || (0..schema.fields().len()).collect();
        Ok(Arc::new(StreamScanExec::try_new(ScanArgs {
            source: self.source.clone(),
            projection: projection.cloned().unwrap_or_else(all),
            schema,
            filter,
            partitions: self.partitions,
        })?))
    }
}
