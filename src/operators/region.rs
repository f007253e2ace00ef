//! A stateful operator while DataFusion optimizes the plan around it.
//!
//! The chain of plans that makes up a stateful operator must not be seen by DataFusion's physical
//! rules, which would fold and reorder it. Until they have run, one opaque node stands for it; a
//! last step of ours puts the chain in its place, born complete.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

use crate::checkpoint::id::OperatorId;
use crate::connector::output_mode::OutputMode;
use crate::error::Error;
use crate::operators::exec;
use crate::state::schema::OperatorStateSchema;

/// What takes the place of a region.
pub trait Region: fmt::Debug + Send + Sync + 'static {
    /// One line for EXPLAIN.
    fn describe(&self) -> String;

    /// The chain of plans over the optimized inputs, and what it stores.
    ///
    /// # Errors
    /// Those of DataFusion's constructors; `Internal` for another number of inputs.
    fn expand(&self, inputs: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Expansion>;
}

/// A stateful operator in its final form.
#[derive(Debug)]
pub struct Expansion {
    /// The chain of plans.
    pub plan: Arc<dyn ExecutionPlan>,
    /// What the query has to know of it.
    pub operator: StatefulPlan,
}

/// What a query has to know of a stateful operator of its plan.
#[derive(Debug, Clone)]
pub struct StatefulPlan {
    /// The operator.
    pub id: OperatorId,
    /// What progress reports call it.
    pub kind: &'static str,
    /// How many partitions its state has.
    pub partitions: usize,
    /// What it stores.
    pub schema: OperatorStateSchema,
    /// Whether an epoch without input is due when the watermark moved: something may be evicted.
    pub evicts: bool,
    /// What its rows are for, in the user's words.
    pub key: Vec<String>,
    /// What keeps its state from growing for ever.
    pub bound: StateBound,
    /// The output mode of the query.
    pub mode: OutputMode,
}

/// What keeps the state of an operator from growing for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateBound {
    /// The watermark: a row goes when it has passed this time.
    Watermark {
        /// The time of a row, such as `window.end`.
        time: String,
    },
    /// There is one row.
    OneRow,
    /// Nothing: complete mode writes every group in every epoch, and so has to keep it.
    Complete,
    /// Nothing.
    Unbounded,
}

impl fmt::Display for StateBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Watermark { time } => write!(f, "a row goes when {time} <= the watermark"),
            Self::OneRow => f.write_str("one row"),
            Self::Complete => f.write_str("UNBOUNDED, complete mode keeps every group"),
            Self::Unbounded => f.write_str("UNBOUNDED, no row is ever removed"),
        }
    }
}

/// One opaque node for a stateful operator.
#[derive(Debug, Clone)]
pub struct RegionExec {
    region: Arc<dyn Region>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
}

impl RegionExec {
    /// A node over these inputs that gives rows of `schema` in so many partitions.
    pub fn new(
        region: Arc<dyn Region>,
        inputs: Vec<Arc<dyn ExecutionPlan>>,
        schema: SchemaRef,
        partitions: usize,
    ) -> Self {
        Self { region, inputs, properties: exec::properties(schema, partitions) }
    }

    /// What takes its place.
    ///
    /// # Errors
    /// Those of [`Region::expand`].
    pub fn expand(&self) -> DfResult<Expansion> {
        self.region.expand(self.inputs.clone())
    }
}

impl DisplayAs for RegionExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegionExec: {}", self.region.describe())
    }
}

impl ExecutionPlan for RegionExec {
    fn name(&self) -> &'static str {
        "RegionExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.inputs.len()]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let (region, properties) = (Arc::clone(&self.region), Arc::clone(&self.properties));
        Ok(Arc::new(Self { region, inputs: children, properties }))
    }

    fn execute(
        &self,
        _partition: usize,
        _context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        Err(Error::internal("a stateful operator was run before it was expanded").into())
    }
}
