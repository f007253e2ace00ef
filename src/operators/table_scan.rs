//! A static table in the plan of a stream, read in the version that the epoch names.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

use crate::connector::versioned::{TableContent, VersionedTable};
use crate::error::{Error, Result};
use crate::operators::context::EpochContext;
use crate::operators::exec;

/// A static table under the name that it has in the offset log of one query.
#[derive(Debug, Clone)]
pub struct NamedTable {
    name: String,
    table: Arc<dyn VersionedTable>,
    partitions: usize,
}

impl NamedTable {
    /// The table called `name` in the offset log, read in so many partitions.
    pub const fn new(name: String, table: Arc<dyn VersionedTable>, partitions: usize) -> Self {
        Self { name, table, partitions }
    }
}

#[async_trait]
impl TableProvider for NamedTable {
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
        let all = || (0..self.schema().fields().len()).collect();
        let projection = projection.cloned().unwrap_or_else(all);
        let schema = Arc::new(self.schema().project(&projection)?);
        let properties = exec::properties(schema, self.partitions);
        Ok(Arc::new(VersionedScanExec { table: self.clone(), projection, properties }))
    }
}

/// Reads a static table in the version that the epoch names.
#[derive(Debug, Clone)]
pub struct VersionedScanExec {
    table: NamedTable,
    projection: Vec<usize>,
    properties: Arc<PlanProperties>,
}

impl VersionedScanExec {
    fn content(&self, context: &TaskContext) -> Result<TableContent> {
        let epoch = EpochContext::of(context)?;
        let version = epoch.tables.get(&self.table.name).ok_or_else(|| {
            Error::internal(format!("the epoch has no version of the table `{}`", self.table.name))
        })?;
        Ok(version.content.clone())
    }
}

/// The versions of the static tables below `plan` in the epoch of a task, by their names: what was
/// made of them is good for as long as these are the same.
///
/// # Errors
/// `Internal` for a task that belongs to no epoch.
pub fn versions_below(
    plan: &Arc<dyn ExecutionPlan>,
    context: &TaskContext,
) -> DfResult<BTreeMap<String, u64>> {
    let epoch = EpochContext::of(context)?;
    let mut versions = BTreeMap::new();
    plan.apply(|node| {
        if let Some(scan) = node.downcast_ref::<VersionedScanExec>()
            && let Some(version) = epoch.tables.get(&scan.table.name)
        {
            versions.insert(scan.table.name.clone(), version.since);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(versions)
}

impl DisplayAs for VersionedScanExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.schema();
        let columns = schema.fields().iter().map(|field| field.name().as_str());
        let columns = columns.collect::<Vec<_>>().join(", ");
        write!(f, "VersionedScanExec: {} [{columns}], refreshed each epoch", self.table.name)
    }
}

impl ExecutionPlan for VersionedScanExec {
    fn name(&self) -> &'static str {
        "VersionedScanExec"
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
        let content = self.content(&context)?;
        let table = &self.table;
        Ok(table.table.read(&content, &self.projection, partition, table.partitions)?)
    }
}
