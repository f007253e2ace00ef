//! Keeps conditions above what they would change if they went below it.
//!
//! DataFusion moves the conditions of a filter towards the tables. Below an aggregation it moves
//! those that are about keys, and takes one that names no column for such; but an aggregation
//! without keys, or with the empty set among its grouping sets, gives a row of no rows at all, so
//! that `WHERE 1 > 2` below it filters nothing. And a condition that comes out otherwise for each
//! row, `rand() < 0.5`, asks of other rows when it stands elsewhere.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Aggregate, Expr, Filter, LogicalPlan};
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

/// The name of DataFusion's rule.
const RULE: &str = "push_down_filter";

/// Puts the rule of this module in the place of the one that it keeps from going too far.
pub fn guard_filters(optimizer: &mut Optimizer) {
    for rule in &mut optimizer.rules {
        if rule.name() == RULE {
            *rule = Arc::new(PushDown { inner: Arc::clone(rule) });
        }
    }
}

#[derive(Debug)]
struct PushDown {
    inner: Arc<dyn OptimizerRule + Send + Sync>,
}

impl OptimizerRule for PushDown {
    fn name(&self) -> &'static str {
        RULE
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.inner.apply_order()
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(filter) = plan else { return self.inner.rewrite(plan, config) };
        let original = filter.clone();
        let (conditions, input) = all_conditions(filter);
        let (staying, moving): (Vec<Expr>, Vec<Expr>) =
            conditions.into_iter().partition(|condition| stays(condition, &input));
        let Some(staying) = conjunction(staying) else {
            return self.inner.rewrite(LogicalPlan::Filter(original), config);
        };
        let Some(moving) = conjunction(moving) else {
            return Ok(Transformed::no(LogicalPlan::Filter(original)));
        };
        let below = LogicalPlan::Filter(Filter::new(moving, Arc::clone(&input)));
        let below = self.inner.rewrite(below, config)?;
        Ok(below.update_data(|below| above(staying, below)))
    }
}

/// The conditions of a filter and of those right below it, the lowest first, and what is below.
fn all_conditions(filter: Filter) -> (Vec<Expr>, Arc<LogicalPlan>) {
    let mut input = filter.input;
    let mut parts = vec![filter.predicate];
    while let LogicalPlan::Filter(below) = input.as_ref() {
        parts.push(below.predicate.clone());
        input = Arc::clone(&below.input);
    }
    (parts.into_iter().rev().flat_map(split_conjunction_owned).collect(), input)
}

/// One filter, if those that moved came no further than here.
fn above(staying: Expr, below: LogicalPlan) -> LogicalPlan {
    if let LogicalPlan::Filter(Filter { predicate, input, .. }) = below {
        return LogicalPlan::Filter(Filter::new(predicate.and(staying), input));
    }
    LogicalPlan::Filter(Filter::new(staying, Arc::new(below)))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "conditions may pass what is not named")]
fn stays(condition: &Expr, input: &LogicalPlan) -> bool {
    match input {
        LogicalPlan::Aggregate(aggregate) => {
            condition.is_volatile()
                || (gives_a_row_of_none(aggregate) && condition.column_refs().is_empty())
        }
        LogicalPlan::Window(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Unnest(_) => condition.is_volatile(),
        _ => false,
    }
}

fn gives_a_row_of_none(aggregate: &Aggregate) -> bool {
    let has_sets = aggregate.group_expr.iter().any(|key| matches!(key, Expr::GroupingSet(_)));
    aggregate.group_expr.is_empty() || has_sets
}
