//! Lets `current_timestamp` and its relatives give the logged time of an epoch.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, col};

use crate::error::{Error, Result};
use crate::operators::epoch_values::{BATCH_TIME, with_batch_time};
use crate::operators::scan::is_streaming;

/// The functions whose value is the time of the epoch, by name, with the type that they give.
fn time_of(name: &str) -> Option<DataType> {
    match name.to_ascii_lowercase().as_str() {
        "now" | "current_timestamp" => {
            Some(DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC"))))
        }
        "localtimestamp" => Some(DataType::Timestamp(TimeUnit::Microsecond, None)),
        "current_date" | "curdate" | "today" => Some(DataType::Date32),
        "current_time" => Some(DataType::Time64(TimeUnit::Nanosecond)),
        _ => None,
    }
}

/// Replaces the functions that give the current time, wherever the plan reads a stream, by a column
/// that a node just below adds.
///
/// # Errors
/// `Unsupported` in a join condition, where there is no single node below, and in a subquery.
pub fn use_batch_time(plan: LogicalPlan) -> Result<LogicalPlan> {
    let rewritten = plan.transform_up(|node| {
        if !uses_time(&node)? {
            return Ok(Transformed::no(node));
        }
        if !is_streaming(&node) {
            // A table's rows are planned once and would keep the time of the first epoch.
            return Err(refused("of a table in a streaming query").into());
        }
        replace(&node).map(Transformed::yes)
    })?;
    Ok(rewritten.data)
}

fn refused(place: &str) -> Error {
    Error::unsupported(format!(
        "the current time in a query {place} is not supported; compute it in a SELECT over the stream"
    ))
}

fn is_time(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.args.is_empty() && time_of(call.func.name()).is_some())
}

fn uses_time(node: &LogicalPlan) -> DfResult<bool> {
    let mut found = false;
    node.apply_expressions(|expr| {
        found |= expr.exists(|expr| Ok(is_time(expr)))?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    node.apply_subqueries(|subquery| {
        subquery.apply(|inner| {
            inner.apply_expressions(|expr| match expr.exists(|expr| Ok(is_time(expr)))? {
                true => Err(refused("in a subquery").into()),
                false => Ok(TreeNodeRecursion::Continue),
            })
        })
    })?;
    Ok(found)
}

fn replace(node: &LogicalPlan) -> DfResult<LogicalPlan> {
    let [input] = node.inputs()[..] else {
        return Err(refused("in a join condition").into());
    };
    let columns = node.schema().columns();
    let input = with_batch_time(input.clone())?;
    let names = NamePreserver::new(node);
    let mut exprs = Vec::new();
    node.apply_expressions(|expr| {
        let name = names.save(expr);
        let replaced = expr.clone().transform_up(|expr| Ok(time_column(expr)))?.data;
        exprs.push(name.restore(replaced));
        Ok(TreeNodeRecursion::Continue)
    })?;
    let replaced = node.with_new_exprs(exprs, vec![input])?;
    if replaced.schema().fields().len() == columns.len() {
        return Ok(replaced);
    }
    // A node that passes its input on passes the helper column, too, which nobody asked for.
    LogicalPlanBuilder::from(replaced).project(columns.into_iter().map(Expr::Column))?.build()
}

fn time_column(expr: Expr) -> Transformed<Expr> {
    let wanted = if let Expr::ScalarFunction(call) = &expr
        && call.args.is_empty()
    {
        time_of(call.func.name())
    } else {
        None
    };
    match wanted {
        None => Transformed::no(expr),
        Some(DataType::Timestamp(TimeUnit::Microsecond, Some(_))) => {
            Transformed::yes(col(BATCH_TIME))
        }
        Some(other) => Transformed::yes(cast(col(BATCH_TIME), other)),
    }
}
