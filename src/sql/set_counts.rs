//! EXCEPT ALL and INTERSECT ALL count: a row that is three times on the left and once on the right
//! stays twice, or once.
//!
//! DataFusion joins the sides by their columns alone, which keeps all three or none. With the
//! number of each row among its like as one more column the join pairs them one by one.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, NullEquality};
use datafusion::error::Result;
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, Join, JoinType, LogicalPlan, LogicalPlanBuilder,
    WindowFunctionDefinition,
};

use crate::error::Error;
use crate::operators::scan::is_streaming;
use crate::sql::functions::equal_floats::has_map;
use crate::sql::types::spark_type_name;

/// How the number of a row is called on the two sides.
const NUMBERS: [&str; 2] = ["left row", "right row"];

/// A plan in which EXCEPT ALL and INTERSECT ALL count.
///
/// # Errors
/// Those of DataFusion's plans.
pub(super) fn counted(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Join(join) if is_all(&join) => Ok(Transformed::yes(numbered(join)?)),
        other => Ok(Transformed::no(other)),
    })?;
    Ok(plan.data)
}

/// Whether DataFusion made the join of EXCEPT or INTERSECT: no join of a user pairs nulls by its
/// keys.
pub(super) fn is_set_operation(join: &Join) -> bool {
    matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull
        && join.filter.is_none()
        && join.on.len() == join.left.schema().fields().len()
        && join.on.len() == join.right.schema().fields().len()
}

/// Whether it keeps repeated rows. Sides without repeated rows need no counting, and a stream is
/// refused later.
fn is_all(join: &Join) -> bool {
    is_set_operation(join)
        && !matches!(*join.left, LogicalPlan::Distinct(_))
        // A subquery that looks at the row around it asks for EXISTS, where counts say nothing.
        && join.left.all_out_ref_exprs().is_empty()
        && join.right.all_out_ref_exprs().is_empty()
        && !is_streaming(&join.left)
        && !is_streaming(&join.right)
}

fn numbered(join: Join) -> Result<LogicalPlan> {
    if let Some(field) = join.left.schema().fields().iter().find(|f| has_map(f.data_type())) {
        return Err(Error::invalid(format!(
            "EXCEPT and INTERSECT cannot compare the column `{}` of the type {}; leave it out, or select its map_entries",
            field.name(),
            spark_type_name(field.data_type())
        ))
        .into());
    }
    let columns: Vec<Expr> = join.left.schema().columns().into_iter().map(Expr::Column).collect();
    let (mut left_keys, mut right_keys): (Vec<Expr>, Vec<Expr>) = join.on.into_iter().unzip();
    let left = with_numbers(Arc::unwrap_or_clone(join.left), &left_keys, NUMBERS[0])?;
    let right = with_numbers(Arc::unwrap_or_clone(join.right), &right_keys, NUMBERS[1])?;
    left_keys.push(Expr::Column(Column::from_name(NUMBERS[0])));
    right_keys.push(Expr::Column(Column::from_name(NUMBERS[1])));
    let on = left_keys.into_iter().zip(right_keys).collect();
    let join = Join::try_new(
        Arc::new(left),
        Arc::new(right),
        on,
        None,
        join.join_type,
        join.join_constraint,
        NullEquality::NullEqualsNull,
        false,
    )?;
    LogicalPlanBuilder::from(LogicalPlan::Join(join)).project(columns)?.build()
}

fn with_numbers(plan: LogicalPlan, keys: &[Expr], name: &str) -> Result<LogicalPlan> {
    let function = WindowFunctionDefinition::WindowUDF(row_number_udwf());
    let number = Expr::from(WindowFunction::new(function, vec![]))
        .partition_by(keys.to_vec())
        .build()?
        .alias(name);
    let mut columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    let windowed = LogicalPlanBuilder::from(plan).window(vec![number])?;
    columns.push(Expr::Column(Column::from_name(name)));
    windowed.project(columns)?.build()
}
