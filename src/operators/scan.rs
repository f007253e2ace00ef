//! An unbounded table in a plan.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::connector::source::SourceDefinition;
use crate::error::Error;

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
