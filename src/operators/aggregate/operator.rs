//! The logical node of a streaming aggregation.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::Field;
use datafusion::common::{DFSchema, DFSchemaRef, ScalarValue, TableReference};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr::physical_name;
use datafusion::logical_expr::utils::{grouping_set_to_exprlist, powerset};
use datafusion::logical_expr::{Aggregate, Expr, ExprSchemable, GroupingSet, LogicalPlan};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::LoweredAggregateBuilder;
use datafusion::physical_expr::expressions::lit as physical_lit;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::PhysicalGroupBy;

use crate::checkpoint::id::OperatorId;
use crate::connector::output_mode::OutputMode;
use crate::error::Error;
use crate::operators::aggregate::emit::emit_rule;
use crate::operators::aggregate::plan::AggregateRegion;
use crate::operators::exec;
use crate::operators::node::{Planner, StreamingOperator};
use crate::operators::region::RegionExec;
use crate::operators::report::WatermarkId;
use crate::operators::window_assign::spec_of;
use crate::state::schema::TimeColumn;

/// An aggregation whose groups outlive the epoch.
#[derive(Debug, Clone)]
pub struct AggregateOperator {
    id: OperatorId,
    aggregate: Aggregate,
    mode: OutputMode,
    time: Option<TimeColumn>,
    partitions: usize,
}

/// What makes an [`AggregateOperator`].
#[derive(Debug)]
pub struct AggregateArgs {
    /// The operator.
    pub id: OperatorId,
    /// The aggregation, as DataFusion planned it.
    pub aggregate: Aggregate,
    /// The output mode of the query.
    pub mode: OutputMode,
    /// Which of its keys has the event time.
    pub time: Option<TimeColumn>,
    /// How many partitions the state has.
    pub partitions: usize,
}

impl AggregateOperator {
    /// An aggregation whose groups outlive the epoch.
    pub fn new(args: AggregateArgs) -> Self {
        let AggregateArgs { id, aggregate, mode, time, partitions } = args;
        // Without keys there is one group, hence one partition.
        let partitions = if aggregate.group_expr.is_empty() { 1 } else { partitions };
        Self { id, aggregate, mode, time, partitions }
    }

    fn event_time_key(&self) -> Option<usize> {
        match self.time? {
            TimeColumn::Timestamp(index) | TimeColumn::Window(index) => Some(index),
            TimeColumn::Value(_) => None,
        }
    }

    /// The keys in the user's words. ROLLUP and its kin have one more that tells their sets apart.
    fn key_names(&self) -> Vec<String> {
        let fields = self.aggregate.schema.iter();
        let keys = self.aggregate.schema.fields().len() - self.aggregate.aggr_expr.len();
        let name = |(qualifier, field): (Option<&TableReference>, &Arc<Field>)| match qualifier {
            Some(qualifier) => format!("{qualifier}.{}", field.name()),
            None => field.name().clone(),
        };
        fields.take(keys).map(name).collect()
    }

    fn windows(&self) -> Vec<String> {
        let input = &self.aggregate.input;
        let specs = self.aggregate.group_expr.iter().filter_map(|key| spec_of(key, input));
        specs.map(|spec| spec.to_string()).collect()
    }

    fn group_by(&self, planner: &Planner<'_>) -> DfResult<PhysicalGroupBy> {
        let schema = self.aggregate.input.schema();
        let plan = |expr: &Expr| -> DfResult<(Arc<dyn PhysicalExpr>, String)> {
            let physical = planner.physical.create_physical_expr(
                expr,
                schema,
                planner.session,
                planner.context,
            )?;
            Ok((physical, physical_name(expr)?))
        };
        if let [Expr::GroupingSet(sets)] = self.aggregate.group_expr.as_slice() {
            let exprs = grouping_set_to_exprlist(&self.aggregate.group_expr)?;
            return grouping_sets(sets, &exprs, schema, plan);
        }
        let keys = self.aggregate.group_expr.iter().map(plan).collect::<DfResult<_>>()?;
        Ok(PhysicalGroupBy::new_single(keys))
    }
}

/// The keys of ROLLUP, CUBE and GROUPING SETS: for each set the expressions that are null in it.
fn grouping_sets(
    sets: &GroupingSet,
    exprs: &[&Expr],
    schema: &DFSchema,
    plan: impl Fn(&Expr) -> DfResult<(Arc<dyn PhysicalExpr>, String)>,
) -> DfResult<PhysicalGroupBy> {
    let sets: Vec<Vec<Expr>> = match sets {
        GroupingSet::GroupingSets(sets) => sets.clone(),
        GroupingSet::Rollup(exprs) => {
            (0..=exprs.len()).rev().map(|length| exprs[..length].to_vec()).collect()
        }
        GroupingSet::Cube(exprs) => {
            powerset(exprs)?.into_iter().map(|set| set.into_iter().cloned().collect()).collect()
        }
    };
    let groups =
        sets.iter().map(|set| exprs.iter().map(|expr| !set.contains(expr)).collect()).collect();
    let keys: Vec<_> = exprs.iter().map(|expr| plan(expr)).collect::<DfResult<_>>()?;
    let nulls = exprs
        .iter()
        .zip(&keys)
        .map(|(expr, (_, name))| {
            let null = ScalarValue::try_new_null(&expr.get_type(schema)?)?;
            Ok((physical_lit(null), name.clone()))
        })
        .collect::<DfResult<_>>()?;
    Ok(PhysicalGroupBy::new(keys, nulls, groups, true))
}

impl StreamingOperator for AggregateOperator {
    fn name(&self) -> &'static str {
        "StreamingAggregate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.aggregate.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.aggregate.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.aggregate.group_expr.iter().chain(&self.aggregate.aggr_expr).cloned().collect()
    }

    fn with(
        &self,
        mut exprs: Vec<Expr>,
        inputs: Vec<LogicalPlan>,
    ) -> DfResult<Arc<dyn StreamingOperator>> {
        let [input] = <[_; 1]>::try_from(inputs)
            .map_err(|_inputs| Error::internal("an aggregation has one input"))?;
        let aggregates = exprs.split_off(self.aggregate.group_expr.len());
        let schema = Arc::clone(&self.aggregate.schema);
        let aggregate = Aggregate::try_new_with_schema(Arc::new(input), exprs, aggregates, schema)?;
        Ok(Arc::new(Self { aggregate, id: self.id.clone(), ..*self }))
    }

    fn describe(&self) -> String {
        let list =
            |exprs: &[Expr]| exprs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!(
            "{}, {} mode, groupBy=[{}], aggr=[{}]",
            self.id,
            self.mode,
            list(&self.aggregate.group_expr),
            list(&self.aggregate.aggr_expr)
        )
    }

    fn pinned_columns(&self) -> HashSet<String> {
        self.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    fn needed_columns(&self, _output: &[usize]) -> Option<Vec<Vec<usize>>> {
        None
    }

    fn event_time(&self, _inputs: &[Vec<bool>]) -> Vec<bool> {
        let key = self.event_time_key();
        (0..self.schema().fields().len()).map(|index| Some(index) == key).collect()
    }

    fn watermark(&self) -> Option<(WatermarkId, Duration)> {
        None
    }

    fn lower(
        &self,
        planner: &Planner<'_>,
        inputs: &[Arc<dyn ExecutionPlan>],
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let input_schema = exec::only_child("an aggregation", inputs.to_vec())?.schema();
        let lower = |expr: &Expr| {
            LoweredAggregateBuilder::new(
                expr,
                self.aggregate.input.schema(),
                &input_schema,
                planner.session.execution_props(),
                planner.context,
            )
            .build()
        };
        let lowered = self.aggregate.aggr_expr.iter().map(lower).collect::<DfResult<Vec<_>>>()?;
        let (aggregates, filters) = lowered.into_iter().map(|l| (l.aggregate, l.filter)).unzip();
        let region = AggregateRegion {
            id: self.id.clone(),
            group_by: self.group_by(planner)?,
            aggregates,
            filters,
            input_schema,
            time: self.time,
            rule: emit_rule(self.mode, self.time.is_some()),
            keys: self.key_names(),
            mode: self.mode,
            windows: self.windows(),
            partitions: self.partitions,
        };
        let schema = Arc::clone(self.schema().inner());
        Ok(Arc::new(RegionExec::new(Arc::new(region), inputs.to_vec(), schema, self.partitions)))
    }
}
