//! Static tables whose rows may change while a query that reads them runs.
//!
//! A query settles before each epoch which version of such a table the epoch reads, and logs it, so
//! that an epoch that is run again sees the same rows.

use std::fmt::{Debug, Display};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result as DfResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// What a table holds at one moment: JSON that only the table can read. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableContent(Arc<serde_json::Value>);

impl TableContent {
    /// What a table holds, in its own words.
    pub fn new(content: serde_json::Value) -> Self {
        Self(Arc::new(content))
    }

    /// The words of the table.
    pub fn json(&self) -> &serde_json::Value {
        &self.0
    }
}

impl Serialize for TableContent {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TableContent {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        serde_json::Value::deserialize(deserializer).map(Self::new)
    }
}

/// What a table holds in one epoch, and since which epoch it has held just that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableVersion {
    /// The first epoch with this content: equal numbers mean equal rows.
    pub since: u64,
    /// The content.
    pub content: TableContent,
}

/// A table that can be read as it was at an earlier moment.
#[async_trait]
pub trait VersionedTable: Debug + Display + Send + Sync + 'static {
    /// The columns of every batch that [`read`](Self::read) gives, before a projection.
    fn schema(&self) -> SchemaRef;

    /// What the table holds now. Equal contents have equal rows. `last` is what it held when the
    /// query looked last.
    ///
    /// # Errors
    /// `Invalid` when the place of the table is gone; `Storage` when it cannot be looked at.
    async fn current(&self, last: Option<&TableContent>) -> Result<TableContent>;

    /// Reads part `partition` of `partitions` of the rows of a content; `projection` picks columns
    /// of [`schema`](Self::schema) by index, in order.
    ///
    /// # Errors
    /// `Corrupt` for a content that is not of this table; what went wrong in reading, also as an
    /// item of the stream.
    fn read(
        &self,
        content: &TableContent,
        projection: &[usize],
        partition: usize,
        partitions: usize,
    ) -> Result<SendableRecordBatchStream>;
}

/// A table of the catalog that streaming queries refresh between their epochs. Batch queries see
/// what it holds when they scan it.
#[derive(Debug, Clone)]
pub struct RefreshedTable {
    rows: Arc<dyn TableProvider>,
    versions: Arc<dyn VersionedTable>,
}

impl RefreshedTable {
    /// A table in both its forms.
    pub fn new<T: TableProvider + VersionedTable>(table: Arc<T>) -> Self {
        Self { rows: Arc::clone(&table) as _, versions: table }
    }

    /// The table by its versions.
    pub const fn versions(&self) -> &Arc<dyn VersionedTable> {
        &self.versions
    }

    /// The table as it is when it is scanned.
    pub const fn rows(&self) -> &Arc<dyn TableProvider> {
        &self.rows
    }
}

#[async_trait]
impl TableProvider for RefreshedTable {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        self.rows.table_type()
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DfResult<Vec<TableProviderFilterPushDown>> {
        self.rows.supports_filters_pushdown(filters)
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
