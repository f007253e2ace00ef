//! Changes the expressions of a plan, and leaves the names of its columns as they are.

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// Changes each part of each expression of a plan, those of subqueries too, from the leaves up.
/// `change` is given a part and the columns that it may name.
///
/// # Errors
/// Those of `change`.
pub fn change_parts(
    plan: LogicalPlan,
    mut change: impl FnMut(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<Transformed<LogicalPlan>> {
    let mut any = false;
    plan.transform_up_with_subqueries(|node| {
        let node = change_parts_of_node(node, &mut change)?;
        any |= node.transformed;
        // What was changed below may be null where it was not before, or the other way round.
        if any { node.map_data(LogicalPlan::recompute_schema) } else { Ok(node) }
    })
}

/// The same for the expressions of one node.
///
/// # Errors
/// Those of `change`.
pub fn change_parts_of_node(
    node: LogicalPlan,
    mut change: impl FnMut(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<Transformed<LogicalPlan>> {
    let schema = columns(&node);
    let names = NamePreserver::new(&node);
    node.map_expressions(|expr| {
        let name = names.save(&expr);
        let changed = expr.transform_up(|part| change(part, &schema))?;
        Ok(changed.update_data(|expr| name.restore(expr)))
    })
}

/// The columns that the expressions of a node may name: those of its inputs, and its own.
pub fn columns(node: &LogicalPlan) -> DFSchema {
    let mut schema = merge_schema(&node.inputs());
    schema.merge(node.schema());
    schema
}
