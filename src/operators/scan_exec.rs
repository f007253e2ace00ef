//! Reads what an epoch names from one source.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::filter::batch_filter;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};

use crate::connector::source::{InputPartition, MicroBatchSource};
use crate::error::Error;
use crate::operators::context::{EpochContext, EpochResources};
use crate::operators::exec;

/// Reads what the epoch names from one source.
#[derive(Debug, Clone)]
pub struct StreamScanExec {
    source: String,
    read: Reading,
    properties: Arc<PlanProperties>,
}

/// What makes a [`StreamScanExec`].
#[derive(Debug)]
pub struct ScanArgs {
    /// The name of the source.
    pub source: String,
    /// All columns of the source.
    pub schema: SchemaRef,
    /// The columns that the plan wants, by index.
    pub projection: Vec<usize>,
    /// A filter over all columns of the source.
    pub filter: Option<Arc<dyn PhysicalExpr>>,
    /// In how many partitions to read.
    pub partitions: usize,
}

/// What is read of the source, and what becomes of it.
#[derive(Debug, Clone)]
struct Reading {
    /// The columns to read, by their index in the source.
    columns: Vec<usize>,
    /// A filter over the columns that are read.
    filter: Option<Arc<dyn PhysicalExpr>>,
    /// The columns to give, by their index among those that are read.
    output: Vec<usize>,
    /// The columns that are given.
    schema: SchemaRef,
}

impl StreamScanExec {
    /// Reads what the epoch names from one source.
    ///
    /// # Errors
    /// `Internal` for columns that the source does not have.
    pub fn try_new(args: ScanArgs) -> DfResult<Self> {
        let schema = Arc::new(args.schema.project(&args.projection)?);
        let mut columns = args.projection.clone();
        if let Some(filter) = &args.filter {
            columns.extend(collect_columns(filter).iter().map(Column::index));
        }
        columns.sort_unstable();
        columns.dedup();
        if columns.is_empty() {
            // A query that only counts rows asks for no column; sources read at least one.
            columns.push(0);
        }
        let place = |index: &usize| columns.binary_search(index).unwrap_or_default();
        let filter = args.filter.map(|filter| {
            filter.transform_up(|expr| {
                let moved = expr.downcast_ref::<Column>().map(|column| {
                    let moved = Column::new(column.name(), place(&column.index()));
                    Arc::new(moved) as Arc<dyn PhysicalExpr>
                });
                Ok(moved.map_or_else(|| Transformed::no(expr), Transformed::yes))
            })
        });
        let filter = filter.transpose()?.map(|moved| moved.data);
        let output = args.projection.iter().map(place).collect();
        let properties = exec::properties(Arc::clone(&schema), args.partitions);
        let read = Reading { columns, filter, output, schema };
        Ok(Self { source: args.source, read, properties })
    }
}

impl StreamScanExec {
    fn source(&self, context: &TaskContext) -> DfResult<Arc<dyn MicroBatchSource>> {
        let resources = EpochResources::of(context)?;
        let source = resources.sources.get(&self.source).map(Arc::clone);
        Ok(source.ok_or_else(|| Error::internal(format!("no source `{}`", self.source)))?)
    }

    /// What has a name of its own among what the epoch of a task reads.
    ///
    /// # Errors
    /// `Internal` for a task that belongs to no epoch.
    pub fn named_parts(&self, context: &TaskContext) -> DfResult<Vec<(String, InputPartition)>> {
        let source = self.source(context)?;
        let epoch = EpochContext::of(context)?;
        let inputs = epoch.inputs.get(&self.source).map_or(&[][..], Vec::as_slice);
        Ok(inputs.iter().flat_map(|input| source.named_parts(input)).collect())
    }

    /// All rows of a piece of the input, to be given to [`give`](Self::give).
    ///
    /// # Errors
    /// Those of the source.
    pub async fn read_all(
        &self,
        input: &InputPartition,
        context: &TaskContext,
    ) -> DfResult<SendableRecordBatchStream> {
        Ok(self.source(context)?.read(input, Some(&self.read.columns)).await?)
    }

    /// What becomes of rows that were read.
    ///
    /// # Errors
    /// Those of the filter.
    pub fn give(&self, rows: RecordBatch) -> DfResult<RecordBatch> {
        self.read.apply(rows)
    }
}

impl DisplayAs for StreamScanExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.schema();
        let columns = schema.fields().iter().map(|field| field.name().as_str());
        write!(f, "StreamScanExec: {} [{}]", self.source, columns.collect::<Vec<_>>().join(", "))?;
        self.read.filter.as_ref().map_or(Ok(()), |filter| write!(f, ", filter=[{filter}]"))
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
        let source = self.source(&context)?;
        let every = self.properties.output_partitioning().partition_count();
        let inputs = epoch.inputs.get(&self.source).map_or(&[][..], Vec::as_slice);
        let mine: Vec<_> = inputs.iter().skip(partition).step_by(every).cloned().collect();
        let schema = self.schema();
        let (read, name) = (self.read.clone(), self.source.clone());
        let report = Arc::clone(&resources.report);
        let rows = stream::iter(mine.into_iter().map(Ok::<_, DataFusionError>))
            .and_then(move |input| {
                let (source, read) = (Arc::clone(&source), read.clone());
                let (name, report) = (name.clone(), Arc::clone(&report));
                async move {
                    let rows = source.read(&input, Some(&read.columns)).await?;
                    let rows = rows.map(move |batch| {
                        let batch = read.apply(batch?)?;
                        report.add_input_rows(&name, batch.num_rows() as u64);
                        Ok::<_, DataFusionError>(batch)
                    });
                    Ok(rows)
                }
            })
            .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

impl Reading {
    /// Leaves out the rows that fail the filter, and the columns that only the filter needed.
    fn apply(&self, batch: RecordBatch) -> DfResult<RecordBatch> {
        let batch = match &self.filter {
            None => batch,
            Some(filter) => batch_filter(&batch, filter)?,
        };
        let columns = self.output.iter().map(|index| Arc::clone(batch.column(*index))).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}
