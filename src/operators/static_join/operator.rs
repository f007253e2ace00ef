//! The join as a node of a logical plan.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use datafusion::common::{DFSchema, DFSchemaRef, JoinType, NullEquality};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, Join, LogicalPlan};
use datafusion::physical_expr::PhysicalExprRef;
use datafusion::physical_plan::ExecutionPlan;

use crate::error::{Error, Result};
use crate::operators::node::{Planner, StreamingNode, StreamingOperator};
use crate::operators::report::WatermarkId;
use crate::operators::scan::is_streaming;
use crate::operators::static_join::exec::{Condition, StaticJoinExec};

/// What becomes of the rows of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A row for each match.
    Inner,
    /// The same, and a row with nulls where there is none.
    Outer,
    /// The rows that have a match.
    Semi,
    /// The rows that have none.
    Anti,
    /// The rows that have none, where a null might be a match: NOT IN.
    NullAwareAnti,
    /// All rows, and whether they have a match.
    Mark,
}

/// On which side of the join the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// On the left.
    Left,
    /// On the right.
    Right,
}

/// Whether a join of this type keeps no more than a stream on this side can keep.
pub const fn is_possible(join_type: JoinType, stream: Side) -> bool {
    kind_of(join_type, stream, false).is_some()
}

const fn kind_of(join_type: JoinType, stream: Side, null_aware: bool) -> Option<Kind> {
    match (join_type, stream) {
        (JoinType::Inner, _) => Some(Kind::Inner),
        (JoinType::Left, Side::Left) | (JoinType::Right, Side::Right) => Some(Kind::Outer),
        (JoinType::LeftSemi, Side::Left) | (JoinType::RightSemi, Side::Right) => Some(Kind::Semi),
        (JoinType::LeftAnti, Side::Left) if null_aware => Some(Kind::NullAwareAnti),
        (JoinType::LeftAnti, Side::Left) | (JoinType::RightAnti, Side::Right) => Some(Kind::Anti),
        (JoinType::LeftMark, Side::Left) | (JoinType::RightMark, Side::Right) => Some(Kind::Mark),
        _ => None,
    }
}

/// A stream joined with what does not stream.
#[derive(Clone)]
pub struct StaticJoin {
    join: Join,
    stream: Side,
    kind: Kind,
}

impl StaticJoin {
    /// The node in the place of a join of which one side is a stream; `None` for any other join.
    ///
    /// # Errors
    /// `Internal` for a join that the check should have refused.
    pub fn of(join: &Join, stream: Side) -> Result<LogicalPlan> {
        let kind = kind_of(join.join_type, stream, join.null_aware).ok_or_else(|| {
            Error::internal(format!("a {} join with a stream was not refused", join.join_type))
        })?;
        Ok(StreamingNode::plan(Arc::new(Self { join: join.clone(), stream, kind })))
    }

    /// The condition on pairs of rows, over the columns of the left and then of the right side.
    fn filter_schema(&self) -> DfResult<DFSchema> {
        self.join.left.schema().join(self.join.right.schema())
    }
}

impl fmt::Debug for StaticJoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaticJoin({})", self.describe())
    }
}

impl StreamingOperator for StaticJoin {
    fn name(&self) -> &'static str {
        "StaticJoin"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.join.left, &self.join.right]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.join.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        let keys = self.join.on.iter().flat_map(|(left, right)| [left.clone(), right.clone()]);
        keys.chain(self.join.filter.clone()).collect()
    }

    fn with(
        &self,
        exprs: Vec<Expr>,
        inputs: Vec<LogicalPlan>,
    ) -> DfResult<Arc<dyn StreamingOperator>> {
        let [left, right] = <[_; 2]>::try_from(inputs)
            .map_err(|_inputs| Error::internal("a join has two inputs"))?;
        let mut exprs = exprs.into_iter();
        let mut on = Vec::with_capacity(self.join.on.len());
        for _ in &self.join.on {
            if let (Some(left), Some(right)) = (exprs.next(), exprs.next()) {
                on.push((left, right));
            }
        }
        let join = Join {
            left: Arc::new(left),
            right: Arc::new(right),
            on,
            filter: exprs.next(),
            ..self.join.clone()
        };
        Ok(Arc::new(Self { join, ..self.clone() }))
    }

    fn describe(&self) -> String {
        let on: Vec<String> =
            self.join.on.iter().map(|(left, right)| format!("{left} = {right}")).collect();
        let filter = self.join.filter.as_ref().map_or_else(String::new, |f| format!(", if {f}"));
        let side = match self.stream {
            Side::Left => "left",
            Side::Right => "right",
        };
        format!("{:?}, stream on the {side}, on [{}]{filter}", self.kind, on.join(", "))
    }

    fn pinned_columns(&self) -> HashSet<String> {
        self.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    fn needed_columns(&self, _output: &[usize]) -> Option<Vec<Vec<usize>>> {
        None
    }

    fn event_time(&self, inputs: &[Vec<bool>]) -> Vec<bool> {
        let none = vec![];
        let (left, right) = (inputs.first().unwrap_or(&none), inputs.get(1).unwrap_or(&none));
        let mut columns = match (self.kind, self.stream) {
            (Kind::Inner | Kind::Outer, _) => left.iter().chain(right).copied().collect(),
            (_, Side::Left) => left.clone(),
            (_, Side::Right) => right.clone(),
        };
        columns.resize(self.schema().fields().len(), false);
        columns
    }

    fn watermark(&self) -> Option<(WatermarkId, Duration)> {
        None
    }

    fn lower(
        &self,
        planner: &Planner<'_>,
        inputs: &[Arc<dyn ExecutionPlan>],
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let [left, right] = inputs else {
            return Err(Error::internal("a join has two inputs").into());
        };
        let plan = |expr: &Expr, schema: &DFSchema| -> DfResult<PhysicalExprRef> {
            planner.physical.create_physical_expr(expr, schema, planner.session, planner.context)
        };
        let keys = |side: Side| -> DfResult<Vec<PhysicalExprRef>> {
            let schema = match side {
                Side::Left => self.join.left.schema(),
                Side::Right => self.join.right.schema(),
            };
            let pick = |(left, right): &(Expr, Expr)| match side {
                Side::Left => plan(left, schema),
                Side::Right => plan(right, schema),
            };
            self.join.on.iter().map(pick).collect()
        };
        let filter = match &self.join.filter {
            Some(filter) => Some(plan(filter, &self.filter_schema()?)?),
            None => None,
        };
        let (left_keys, right_keys) = (keys(Side::Left)?, keys(Side::Right)?);
        let ((probe, probe_keys), (build, build_keys)) = match self.stream {
            Side::Left => ((left, left_keys), (right, right_keys)),
            Side::Right => ((right, right_keys), (left, left_keys)),
        };
        let condition = Condition {
            kind: self.kind,
            stream: self.stream,
            probe_keys,
            build_keys,
            nulls_match: self.join.null_equality == NullEquality::NullEqualsNull,
            filter,
            pair: Arc::new(self.filter_schema()?.as_arrow().clone()),
        };
        let schema = Arc::new(self.schema().as_arrow().clone());
        let (probe, build) = (Arc::clone(probe), Arc::clone(build));
        Ok(Arc::new(StaticJoinExec::new(Arc::new(condition), probe, build, schema)))
    }
}

/// Which side of a join is a stream, if just one is.
pub fn streaming_side(join: &Join) -> Option<Side> {
    match (is_streaming(&join.left), is_streaming(&join.right)) {
        (true, false) => Some(Side::Left),
        (false, true) => Some(Side::Right),
        _ => None,
    }
}
