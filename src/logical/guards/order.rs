//! Opens the wrappings again, after the optimizer, and puts conditions in order.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::expr::Alias;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{
    conjunction, merge_schema, split_conjunction, split_conjunction_owned,
};
use datafusion::logical_expr::{Case, Expr, Filter, LogicalPlan, lit};
use datafusion::physical_plan::ExecutionPlan;

use crate::logical::guards::conditions::{Guarded, LateCast, OrderedCase};
use crate::logical::guards::fallible::can_fail;
use crate::logical::told::tell;
use crate::operators::locate_exec::LocateExec;

/// Opens the wrappings of [`DeferErrors`](crate::logical::guards::DeferErrors) in an optimized
/// plan. No rule that takes conditions apart may follow.
///
/// # Errors
/// Those of DataFusion's schemas.
pub fn in_order(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    plan.transform_up_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        let node = match node {
            LogicalPlan::Filter(filter) if needs_order(&filter.predicate, &schema) => {
                let predicate = ordered(filter.predicate, &schema)?;
                Transformed::yes(LogicalPlan::Filter(Filter::try_new(predicate, filter.input)?))
            }
            LogicalPlan::Join(mut join)
                if join.filter.as_ref().is_some_and(|filter| needs_order(filter, &schema)) =>
            {
                join.filter = join.filter.map(|filter| ordered(filter, &schema)).transpose()?;
                Transformed::yes(LogicalPlan::Join(join))
            }
            other => Transformed::no(other),
        };
        node.transform_data(|node| {
            if !node.expressions().iter().any(is_wrapped) {
                return Ok(Transformed::no(node));
            }
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                Ok(opened(expr)?.update_data(|expr| name.restore(expr)))
            })
        })
    })
}

/// Whether a condition is not yet as [`ordered`] would make it: most cannot fail at all.
fn needs_order(condition: &Expr, schema: &DFSchema) -> bool {
    let parts = split_conjunction(condition);
    is_wrapped(condition) || (parts.len() > 1 && parts.iter().any(|part| can_fail(part, schema)))
}

/// The conditions that cannot fail first, then the others, each for the rows that are left.
fn ordered(condition: Expr, schema: &DFSchema) -> Result<Expr> {
    let parts = split_conjunction_owned(condition);
    let (last, first): (Vec<Expr>, Vec<Expr>) =
        parts.into_iter().partition(|part| rank(part).is_some() || can_fail(part, schema));
    let mut last: Vec<Expr> = last;
    last.sort_by_key(|part| rank(part).unwrap_or(usize::MAX));
    let mut parts: Vec<Expr> = conjunction(first).into_iter().chain(last).collect();
    let Some(mut rest) = parts.pop() else { return Ok(lit(true)) };
    while let Some(part) = parts.pop() {
        rest = case(None, vec![(part, rest)], lit(false));
    }
    Ok(opened(rest)?.data)
}

fn rank(part: &Expr) -> Option<usize> {
    match part {
        Expr::ScalarFunction(call) => {
            call.func.inner().downcast_ref::<Guarded>().map(|guarded| guarded.rank)
        }
        _ => None,
    }
}

fn is_wrapped(expr: &Expr) -> bool {
    expr.exists(|part| Ok(is_wrapping(part))).unwrap_or(true)
}

fn is_wrapping(expr: &Expr) -> bool {
    match expr {
        Expr::ScalarFunction(call) => {
            let function = call.func.inner();
            function.is::<Guarded>() || function.is::<OrderedCase>() || function.is::<LateCast>()
        }
        _ => false,
    }
}

fn opened(expr: Expr) -> Result<Transformed<Expr>> {
    expr.transform_up(|part| {
        if let Expr::Alias(Alias { expr, relation: None, name, .. }) = &part
            && expr.schema_name().to_string() == *name
        {
            // The name was kept for as long as what has it was wrapped.
            return Ok(Transformed::yes((**expr).clone()));
        }
        if !is_wrapping(&part) {
            return Ok(Transformed::no(part));
        }
        let Expr::ScalarFunction(call) = part else { return Ok(Transformed::no(part)) };
        let mut args = call.args;
        if let Some(cast) = call.func.inner().downcast_ref::<LateCast>() {
            return Ok(Transformed::yes(cast.open(args.swap_remove(0))));
        }
        if call.func.inner().is::<Guarded>() {
            return Ok(Transformed::yes(args.swap_remove(0)));
        }
        let compares = call.func.inner().downcast_ref().is_some_and(|f: &OrderedCase| f.compares);
        let otherwise = args.pop().unwrap_or_else(|| lit(false));
        let mut branches = Vec::with_capacity(args.len() / 2);
        let mut args = args.into_iter();
        let value = if compares { args.next() } else { None };
        while let (Some(when), Some(then)) = (args.next(), args.next()) {
            branches.push((when, then));
        }
        Ok(Transformed::yes(case(value, branches, otherwise)))
    })
}

fn case(value: Option<Expr>, branches: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
    let when_then_expr =
        branches.into_iter().map(|(when, then)| (Box::new(when), Box::new(then))).collect();
    Expr::Case(Case {
        expr: value.map(Box::new),
        when_then_expr,
        else_expr: Some(Box::new(otherwise)),
    })
}

/// Puts the conditions of a plan in order and lets what can fail say where, then lets another
/// planner plan it.
#[derive(Debug)]
pub struct GuardedPlanner(pub Arc<dyn QueryPlanner + Send + Sync>);

#[async_trait]
impl QueryPlanner for GuardedPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = tell(in_order(plan.clone())?.data)?;
        let physical = self.0.create_physical_plan(&plan.data, session).await?;
        Ok(if plan.transformed { LocateExec::over(physical) } else { physical })
    }
}

#[cfg(test)]
mod tests {
    use datafusion::common::config::ConfigOptions;
    use datafusion::logical_expr::{LogicalPlanBuilder, cast, col};
    use datafusion::optimizer::AnalyzerRule;

    use super::*;
    use crate::logical::guards::DeferErrors;

    fn values() -> LogicalPlanBuilder {
        LogicalPlanBuilder::values(vec![vec![lit("1"), lit(1_i64)]]).unwrap()
    }

    fn number() -> Expr {
        cast(col("column1"), arrow::datatypes::DataType::Int32)
    }

    #[test]
    fn a_plan_in_which_nothing_can_fail_is_left_as_it_is() {
        let condition = col("column1").not_eq(lit("x")).and(col("column2").gt(lit(0_i64)));
        let other = values().alias("u").unwrap().build().unwrap();
        let plan = values()
            .filter(condition)
            .unwrap()
            .alias("t")
            .unwrap()
            .join_on(
                other,
                datafusion::logical_expr::JoinType::Inner,
                [col("t.column2").gt(col("u.column2"))],
            )
            .unwrap()
            .build()
            .unwrap();
        let analyzed = DeferErrors.analyze(plan.clone(), &ConfigOptions::default()).unwrap();
        assert_eq!(analyzed, plan);
        let ordered = in_order(plan).unwrap();
        assert!(!ordered.transformed);
        assert!(!tell(ordered.data).unwrap().transformed);
    }

    #[test]
    fn one_condition_that_can_fail_needs_no_order() {
        let plan = values().filter(number().gt(lit(1))).unwrap().build().unwrap();
        assert!(!in_order(plan).unwrap().transformed);
    }

    #[test]
    fn chains_in_chains_stay_small() {
        let condition = |at: i32| number().gt(lit(at));
        for left in [true, false] {
            let mut chain = condition(0);
            for at in 1..24 {
                let next = condition(at);
                let (a, b) = if left { (chain, next) } else { (next, chain) };
                chain = if at % 2 == 0 { a.and(b) } else { a.or(b) };
            }
            let plan = values().project([chain]).unwrap().build().unwrap();
            let analyzed = DeferErrors.analyze(plan, &ConfigOptions::default()).unwrap();
            let ordered = in_order(analyzed).unwrap().data;
            let mut parts = 0;
            let _walked = ordered.expressions()[0].apply(|_| {
                parts += 1;
                Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
            });
            assert!(parts < 1_000, "{parts}");
        }
    }
}
