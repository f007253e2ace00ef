//! The logical node of an observation, and what may be observed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Field, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DFSchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr::AggregateFunctionParams;
use datafusion::logical_expr::expr_rewriter::normalize_col;
use datafusion::logical_expr::utils::find_aggregate_exprs;
use datafusion::logical_expr::{Expr, LogicalPlan, col};
use datafusion::physical_expr::aggregate::LoweredAggregateBuilder;
use datafusion::physical_plan::ExecutionPlan;

use crate::error::{Error, Result};
use crate::operators::exec::{self, RowExec};
use crate::operators::node::{Planner, StreamingNode, StreamingOperator};
use crate::operators::observe::metrics::{Metrics, Observation};
use crate::operators::observe::rows::ObserveRows;
use crate::operators::report::WatermarkId;
use crate::operators::scan::is_streaming;

/// Observes the rows of `input`: in each epoch the metrics `exprs` are computed over all of them.
///
/// # Errors
/// `Invalid` for what is no metric: each has to be made of aggregates and constants, without
/// DISTINCT, FILTER, ORDER BY, window functions, or aggregates in aggregates.
pub fn observe(
    input: LogicalPlan,
    observation: Observation,
    exprs: Vec<Expr>,
) -> Result<LogicalPlan> {
    let name = observation.name();
    if name.is_empty() {
        return Err(Error::invalid("observed metrics need a name; give one to `observe`"));
    }
    if exprs.is_empty() {
        return Err(Error::invalid(format!(
            "the metrics `{name}` are none; give `observe` at least one aggregate"
        )));
    }
    if observation.is_kept() && is_streaming(&input) {
        return Err(Error::invalid(format!(
            "the observation `{name}` cannot keep the metrics of a stream, which has some in each epoch; give `observe` the name alone, and read them from the progress reports"
        )));
    }
    let mut names = Vec::with_capacity(exprs.len());
    let mut normal = Vec::with_capacity(exprs.len());
    for expr in exprs {
        let own = expr.qualified_name().1;
        if names.contains(&own) {
            return Err(Error::invalid(format!(
                "two of the metrics `{name}` are called `{own}`; give each a name with `alias`"
            )));
        }
        let expr = normalize_col(expr, &input)?;
        check(&expr, name, &own)?;
        names.push(own);
        normal.push(expr);
    }
    Ok(StreamingNode::plan(Arc::new(ObserveOperator { observation, names, exprs: normal, input })))
}

/// What is wrong with a metric.
fn check(expr: &Expr, of: &str, name: &str) -> Result<()> {
    let refused = |what: &str| {
        Err(Error::invalid(format!("the metric `{name}` of `{of}` {what}").trim().to_owned()))
    };
    if expr.exists(|inner| Ok(matches!(inner, Expr::WindowFunction(_))))? {
        return refused("has a window function (OVER); a metric is one value over all rows");
    }
    for aggregate in find_aggregate_exprs([expr]) {
        let Expr::AggregateFunction(call) = &aggregate else { continue };
        let AggregateFunctionParams { args, distinct, filter, order_by, .. } = &call.params;
        if *distinct {
            return refused(
                "has DISTINCT, for which every value would be kept; use approx_distinct",
            );
        }
        if filter.is_some() {
            return refused("has a FILTER; aggregate over CASE WHEN .. END instead");
        }
        if !order_by.is_empty() {
            return refused("has ORDER BY; the rows of an epoch have no order");
        }
        if !find_aggregate_exprs(args).is_empty() {
            return refused("has an aggregate inside of another; observe each on its own");
        }
    }
    let mut outside = None;
    expr.apply(|inner| {
        Ok(match inner {
            Expr::AggregateFunction(_) => TreeNodeRecursion::Jump,
            Expr::Column(column) => {
                outside = Some(format!(
                    "has the column `{}` outside of an aggregate; a metric is one value over all rows, such as max({})",
                    column.name, column.name
                ));
                TreeNodeRecursion::Stop
            }
            other if other.is_volatile_node() => {
                outside = Some(format!(
                    "has `{other}` outside of an aggregate, which gives another value each time"
                ));
                TreeNodeRecursion::Stop
            }
            _ => TreeNodeRecursion::Continue,
        })
    })?;
    outside.map_or(Ok(()), |what| refused(&what))
}

/// Lets all rows pass and computes metrics of them.
#[derive(Debug, Clone)]
struct ObserveOperator {
    observation: Observation,
    /// What the metrics are called, whatever becomes of their expressions.
    names: Vec<String>,
    exprs: Vec<Expr>,
    input: LogicalPlan,
}

impl ObserveOperator {
    fn metrics(&self, planner: &Planner<'_>, input: &Schema) -> DfResult<Metrics> {
        let logical = self.input.schema();
        let props = planner.session.execution_props();
        let found = find_aggregate_exprs(&self.exprs);
        let lower = |expr: &Expr| {
            let lowered =
                LoweredAggregateBuilder::new(expr, logical, input, props, planner.context)
                    .build()?;
            Ok(lowered.aggregate)
        };
        let aggregates = found.iter().map(lower).collect::<DfResult<Vec<_>>>()?;
        // In the metrics a column stands for each aggregate.
        let fields = aggregates.iter().enumerate().map(|(at, aggregate)| {
            Field::new(result_name(at), aggregate.field().data_type().clone(), true)
        });
        let results = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let schema = DFSchema::try_from(Arc::clone(&results))?;
        let mut values = Vec::with_capacity(self.exprs.len());
        for (name, expr) in self.names.iter().zip(&self.exprs) {
            let over = expr.clone().unalias().transform_down(|inner| {
                let at = found.iter().position(|aggregate| *aggregate == inner);
                Ok(at.map_or_else(
                    || Transformed::no(inner),
                    |at| Transformed::yes(col(result_name(at))),
                ))
            })?;
            let value = planner.physical.create_physical_expr(
                &over.data,
                &schema,
                planner.session,
                planner.context,
            )?;
            values.push((name.clone(), value));
        }
        Ok(Metrics { name: self.observation.name().to_owned(), aggregates, results, values })
    }
}

fn result_name(at: usize) -> String {
    format!("aggregate_{at}")
}

impl StreamingOperator for ObserveOperator {
    fn name(&self) -> &'static str {
        "CollectMetrics"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        self.exprs.clone()
    }

    fn with(
        &self,
        exprs: Vec<Expr>,
        inputs: Vec<LogicalPlan>,
    ) -> DfResult<Arc<dyn StreamingOperator>> {
        let [input] = <[_; 1]>::try_from(inputs)
            .map_err(|_inputs| Error::internal("an observation has one input"))?;
        let (observation, names) = (self.observation.clone(), self.names.clone());
        Ok(Arc::new(Self { observation, names, exprs, input }))
    }

    fn describe(&self) -> String {
        let exprs: Vec<_> = self.exprs.iter().map(ToString::to_string).collect();
        format!("{}, [{}]", self.observation.name(), exprs.join(", "))
    }

    fn pinned_columns(&self) -> HashSet<String> {
        // What a filter above takes away has been seen.
        self.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    fn needed_columns(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output.to_vec()])
    }

    fn event_time(&self, inputs: &[Vec<bool>]) -> Vec<bool> {
        inputs.first().cloned().unwrap_or_default()
    }

    fn watermark(&self) -> Option<(WatermarkId, Duration)> {
        None
    }

    fn lower(
        &self,
        planner: &Planner<'_>,
        inputs: &[Arc<dyn ExecutionPlan>],
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let input = exec::only_child("an observation", inputs.to_vec())?;
        let metrics = Arc::new(self.metrics(planner, &input.schema())?);
        let rows = ObserveRows { metrics, observation: self.observation.clone() };
        Ok(RowExec::plan(rows, input)?)
    }
}
