//! Casts that make no sense: Spark refuses them in ANSI mode, and DataFusion would give some number.

use arrow::datatypes::DataType::{self, Binary, Boolean, Date32, Duration, Interval, Timestamp};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};

use crate::sql::types::spark_type_name;

/// Refuses the casts of a plan, as the user wrote it, that no value can stand.
///
/// # Errors
/// Names the types, and what to use instead.
pub(super) fn check(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        node.apply_expressions(|expr| {
            expr.apply(|part| check_one(part, &schema))?;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(())
}

fn check_one(expr: &Expr, schema: &DFSchema) -> Result<TreeNodeRecursion> {
    let (value, to) = match expr {
        Expr::Cast(cast) => (&cast.expr, cast.field.data_type()),
        Expr::TryCast(cast) => (&cast.expr, cast.field.data_type()),
        _ => return Ok(TreeNodeRecursion::Continue),
    };
    // What has no type here, such as the parameter of a lambda, is left to the cast itself.
    let Ok(from) = value.get_type(schema) else { return Ok(TreeNodeRecursion::Continue) };
    match instead(&from, to) {
        None => Ok(TreeNodeRecursion::Continue),
        Some(instead) => plan_err!(
            "a value of the type {} cannot be cast to {}; {instead}",
            spark_type_name(&from),
            spark_type_name(to)
        ),
    }
}

/// What to use instead of a cast that makes no sense; `None` for all others.
fn instead(from: &DataType, to: &DataType) -> Option<&'static str> {
    let is_number = |side: &DataType| side.is_numeric() || *side == Boolean;
    match (from, to) {
        (number, Date32) if is_number(number) => Some("use date_from_unix_date"),
        (Date32, number) if is_number(number) => Some("use unix_date"),
        (number, Timestamp(_, None)) | (Timestamp(_, None), number) if is_number(number) => {
            Some("cast by way of TIMESTAMP")
        }
        (number, Binary) if is_number(number) => Some("use hex and unhex"),
        // A cast with a unit is a call by now.
        (Duration(_) | Interval(_), number) if is_number(number) => Some(
            "cast it to a unit first, and to INT, BIGINT or DECIMAL then: CAST(CAST(v AS INTERVAL SECOND) AS INT)",
        ),
        (number, Duration(_) | Interval(_)) if is_number(number) => {
            Some("cast a whole number or a DECIMAL")
        }
        _ => None,
    }
}
