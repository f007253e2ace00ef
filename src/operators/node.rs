//! The one logical node that stands for every streaming operator.

use std::any::Any;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use datafusion::catalog::Session;
use datafusion::common::DFSchemaRef;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, Extension, InvariantLevel, LogicalPlan, UserDefinedLogicalNode,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::PhysicalPlanner;

use crate::operators::report::WatermarkId;

/// What only streams have, as a node of a logical plan.
///
/// # Contract
/// [`lower`](Self::lower) gives a plan whose columns are those of [`schema`](Self::schema), in
/// order. An operator is a value: equal descriptions over equal inputs are the same operator.
pub trait StreamingOperator: fmt::Debug + Send + Sync + 'static {
    /// The name in plans.
    fn name(&self) -> &'static str;

    /// The plans it reads.
    fn inputs(&self) -> Vec<&LogicalPlan>;

    /// The columns it gives.
    fn schema(&self) -> &DFSchemaRef;

    /// The expressions it evaluates over its inputs.
    fn expressions(&self) -> Vec<Expr>;

    /// The same operator over other inputs and with other expressions.
    ///
    /// # Errors
    /// `Internal` for a wrong number of them.
    fn with(
        &self,
        exprs: Vec<Expr>,
        inputs: Vec<LogicalPlan>,
    ) -> DfResult<Arc<dyn StreamingOperator>>;

    /// One line for EXPLAIN, without the name of the operator.
    fn describe(&self) -> String;

    /// Columns that a filter above may not mention if it is to move below the operator.
    fn pinned_columns(&self) -> HashSet<String>;

    /// For each input the columns that are needed when only `output` columns are asked for, where
    /// that is known.
    fn needed_columns(&self, output: &[usize]) -> Option<Vec<Vec<usize>>>;

    /// Which output columns hold event time with a watermark, given the same of each input.
    fn event_time(&self, inputs: &[Vec<bool>]) -> Vec<bool>;

    /// The watermark that the operator declares, with its delay, if it declares one.
    fn watermark(&self) -> Option<(WatermarkId, Duration)>;

    /// The execution plan over the plans of the inputs.
    ///
    /// # Errors
    /// Those of DataFusion's planner.
    fn lower(
        &self,
        planner: &Planner<'_>,
        inputs: &[Arc<dyn ExecutionPlan>],
    ) -> DfResult<Arc<dyn ExecutionPlan>>;
}

/// What an operator needs to lower itself.
#[derive(Clone, Copy)]
pub struct Planner<'a> {
    /// Plans expressions.
    pub physical: &'a dyn PhysicalPlanner,
    /// The session.
    pub session: &'a dyn Session,
    /// Where scalar subqueries of this part of the plan are found.
    pub context: &'a PhysicalPlanningContext,
}

impl fmt::Debug for Planner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planner").finish_non_exhaustive()
    }
}

/// The one logical node that stands for every streaming operator.
#[derive(Debug, Clone)]
pub struct StreamingNode(Arc<dyn StreamingOperator>);

impl StreamingNode {
    /// A plan with this operator as its root.
    pub fn plan(operator: Arc<dyn StreamingOperator>) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(Self(operator)) })
    }

    /// The operator at the root of a plan, if there is one of ours.
    pub fn of(plan: &LogicalPlan) -> Option<&Arc<dyn StreamingOperator>> {
        match plan {
            LogicalPlan::Extension(extension) => Self::downcast(extension.node.as_ref()),
            _ => None,
        }
    }

    /// The operator in a node, if it is one of ours.
    pub fn downcast(node: &dyn UserDefinedLogicalNode) -> Option<&Arc<dyn StreamingOperator>> {
        node.as_any().downcast_ref::<Self>().map(|node| &node.0)
    }

    fn identity(&self) -> (&str, String, Vec<Expr>, Vec<&LogicalPlan>) {
        (self.0.name(), self.0.describe(), self.0.expressions(), self.0.inputs())
    }
}

impl UserDefinedLogicalNode for StreamingNode {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.0.inputs()
    }

    fn schema(&self) -> &DFSchemaRef {
        self.0.schema()
    }

    fn check_invariants(&self, _check: InvariantLevel) -> DfResult<()> {
        Ok(())
    }

    fn expressions(&self) -> Vec<Expr> {
        self.0.expressions()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.0.pinned_columns()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.name(), self.0.describe())
    }

    fn with_exprs_and_inputs(
        &self,
        exprs: Vec<Expr>,
        inputs: Vec<LogicalPlan>,
    ) -> DfResult<Arc<dyn UserDefinedLogicalNode>> {
        Ok(Arc::new(Self(self.0.with(exprs, inputs)?)))
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        self.0.needed_columns(output_columns)
    }

    fn dyn_hash(&self, mut state: &mut dyn Hasher) {
        self.identity().hash(&mut state);
    }

    fn dyn_eq(&self, other: &dyn UserDefinedLogicalNode) -> bool {
        other
            .as_any()
            .downcast_ref::<Self>()
            .is_some_and(|other| self.identity() == other.identity())
    }

    fn dyn_ord(&self, other: &dyn UserDefinedLogicalNode) -> Option<Ordering> {
        let other = other.as_any().downcast_ref::<Self>()?;
        (self.name(), self.0.describe()).partial_cmp(&(other.name(), other.0.describe()))
    }
}
