//! Rows of a stream that cannot match any row of a table, because what they are joined by is null,
//! are left out below the join, where a source may leave them out itself, as Spark's readers do.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchemaRef, JoinType, NullEquality};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Join, LogicalPlan, LogicalPlanBuilder, Operator};

use crate::error::Result;
use crate::operators::scan::is_streaming;

/// Puts a filter below each join that drops the rows of a stream whose key is null.
///
/// # Errors
/// Those of making the filters.
pub fn drop_null_keys(plan: LogicalPlan) -> Result<LogicalPlan> {
    let rewritten = plan.transform_up(|node| {
        let LogicalPlan::Join(join) = &node else { return Ok(Transformed::no(node)) };
        let is_strict =
            matches!(join.join_type, JoinType::Inner | JoinType::LeftSemi | JoinType::RightSemi)
                && join.null_equality == NullEquality::NullEqualsNothing;
        if !is_strict || !is_streaming(&node) {
            return Ok(Transformed::no(node));
        }
        let columns = compared(join);
        let side = |input: &LogicalPlan| not_null(input.clone(), &columns);
        let (left, right) = (side(&join.left)?, side(&join.right)?);
        let exprs = node.expressions();
        Ok(Transformed::yes(node.with_new_exprs(exprs, vec![left, right])?))
    })?;
    Ok(rewritten.data)
}

/// The columns that a null in would leave every condition they stand in open.
fn compared(join: &Join) -> Vec<Column> {
    let mut columns = Vec::new();
    let mut add = |expr: &Expr| columns.extend(expr.try_as_col().cloned());
    for (left, right) in &join.on {
        add(left);
        add(right);
    }
    for condition in join.filter.iter().flat_map(split_conjunction) {
        if let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition
            && is_strict_comparison(*op)
        {
            add(left);
            add(right);
        }
    }
    columns
}

const fn is_strict_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
    )
}

fn not_null(input: LogicalPlan, columns: &[Column]) -> datafusion::error::Result<LogicalPlan> {
    if !is_streaming(&input) {
        return Ok(input);
    }
    let schema: &DFSchemaRef = input.schema();
    let known = columns
        .iter()
        .filter(|column| schema.maybe_index_of_column(column).is_some())
        .map(|column| Expr::Column(column.clone()).is_not_null());
    match known.reduce(Expr::and) {
        Some(filter) => LogicalPlanBuilder::from(input).filter(filter)?.build(),
        None => Ok(input),
    }
}
