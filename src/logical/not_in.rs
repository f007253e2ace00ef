//! NOT IN beside OR, where nulls leave it open: `a NOT IN (SELECT x FROM s) OR b = 2`.
//!
//! DataFusion sees to nulls where NOT IN is a condition of its own. Elsewhere it asks only whether
//! the value was found, and takes NULL for a value that was not. Here it is written out what else
//! has to hold: that nothing among the rows is NULL, and that the value is known unless there are
//! no rows. As in Spark the answer is true or false then, never NULL.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an expression or plan that is not named is left as it is"
)]

use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, Subquery,
    binary_expr,
};
use datafusion::optimizer::AnalyzerRule;

/// Writes out what NOT IN says of nulls, where it is a part of a condition.
#[derive(Debug)]
pub struct NullsOfNotIn;

impl AnalyzerRule for NullsOfNotIn {
    fn name(&self) -> &'static str {
        "nulls_of_not_in"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Filter(mut filter) if asks_for_rows(&filter.predicate) => {
                let conditions = split_conjunction_owned(filter.predicate.clone()).into_iter();
                let schema = filter.input.schema();
                let written: Vec<Expr> = conditions
                    .map(|condition| written_out(condition, schema))
                    .collect::<Result<_>>()?;
                let Some(predicate) = conjunction(written).filter(|new| *new != filter.predicate)
                else {
                    return Ok(Transformed::no(LogicalPlan::Filter(filter)));
                };
                filter.predicate = predicate;
                Ok(Transformed::yes(LogicalPlan::Filter(filter)))
            }
            other => Ok(Transformed::no(other)),
        })?;
        Ok(plan.data)
    }
}

fn asks_for_rows(expr: &Expr) -> bool {
    expr.exists(|part| Ok(matches!(part, Expr::InSubquery(_)))).unwrap_or(false)
}

fn written_out(condition: Expr, schema: &DFSchema) -> Result<Expr> {
    let is_whole = match &condition {
        Expr::InSubquery(_) => true,
        Expr::Not(inner) => matches!(**inner, Expr::InSubquery(_)),
        _ => false,
    };
    if is_whole || !asks_for_rows(&condition) {
        return Ok(condition);
    }
    let condition = with_nots_inside(condition, false);
    let written = condition.transform_up(|expr| match expr {
        Expr::InSubquery(asked) if asked.negated => Ok(Transformed::yes(not_found(asked, schema)?)),
        other => Ok(Transformed::no(other)),
    })?;
    Ok(written.data)
}

/// An expression in which NOT stands right before what asks for rows, and is a part of it.
fn with_nots_inside(expr: Expr, negated: bool) -> Expr {
    if !asks_for_rows(&expr) {
        return if negated { Expr::Not(Box::new(expr)) } else { expr };
    }
    match expr {
        Expr::Not(inner) => with_nots_inside(*inner, !negated),
        Expr::InSubquery(asked) => {
            let negated = asked.negated != negated;
            Expr::InSubquery(InSubquery { negated, ..asked })
        }
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
            let op = match (op, negated) {
                (Operator::And, true) => Operator::Or,
                (Operator::Or, true) => Operator::And,
                (op, _) => op,
            };
            binary_expr(with_nots_inside(*left, negated), op, with_nots_inside(*right, negated))
        }
        other if negated => Expr::Not(Box::new(other)),
        other => other,
    }
}

/// Whether a value is among no rows, for sure.
fn not_found(asked: InSubquery, schema: &DFSchema) -> Result<Expr> {
    let InSubquery { expr: value, subquery, .. } = asked;
    let rows = &subquery.subquery;
    let found = InSubquery::new(value.clone(), subquery.clone(), false);
    // IS NOT TRUE, so that this rule takes it for done when it comes by again.
    let mut all = vec![Expr::IsNotTrue(Box::new(Expr::InSubquery(found)))];
    let has_null = rows.schema().fields().first().is_some_and(|field| field.is_nullable());
    if has_null && let Some(column) = rows.schema().columns().into_iter().next() {
        let nulls = LogicalPlanBuilder::from(rows.as_ref().clone())
            .filter(Expr::Column(column).is_null())?
            .build()?;
        all.push(none(&subquery, nulls));
    }
    // What is not known here may be NULL.
    if value.nullable(schema).unwrap_or(true) {
        let no_rows = none(&subquery, rows.as_ref().clone());
        all.push(value.is_not_null().or(no_rows));
    }
    Ok(all.into_iter().reduce(Expr::and).unwrap_or_default())
}

fn none(of: &Subquery, rows: LogicalPlan) -> Expr {
    let subquery = Subquery { subquery: rows.into(), ..of.clone() };
    Expr::Exists(Exists::new(subquery, true))
}
