//! The types of UNION, EXCEPT and INTERSECT: each column has the type that all branches have in
//! common.
//!
//! DataFusion settles that later for UNION, and says until then that the types are those of the
//! first branch; for the others it keeps those for good. A sink, a table or a view that is made of
//! the query needs to know them at once.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::plan_datafusion_err;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{
    Distinct, Expr, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Union, cast,
};

use crate::sql::functions::common_type::common_type;
use crate::sql::functions::relabel::relabelled;
use crate::sql::set_counts::is_set_operation;
use crate::sql::types::spark_type_name;

/// A plan in which the branches of each set operation have the same types.
///
/// # Errors
/// For columns that have no type in common.
pub fn unified(plan: LogicalPlan, is_ansi: bool) -> Result<LogicalPlan> {
    let mut any = false;
    let plan = plan.transform_up_with_subqueries(|node| {
        let node = match node {
            LogicalPlan::Union(union) => unify(union, is_ansi)?,
            LogicalPlan::Join(join) if is_set_operation(&join) => unify_sides(join, is_ansi)?,
            other => Transformed::no(other),
        };
        any |= node.transformed;
        if any && !matches!(node.data, LogicalPlan::Union(_)) {
            return node.map_data(LogicalPlan::recompute_schema);
        }
        Ok(node)
    })?;
    Ok(plan.data)
}

fn unify(union: Union, is_ansi: bool) -> Result<Transformed<LogicalPlan>> {
    let types = common_types("UNION", &union.inputs, is_ansi)?;
    let inputs = union.inputs.into_iter().map(|input| with_types(input, &types));
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    let union = Union::try_new_with_loose_types(inputs)?;
    Ok(Transformed::yes(LogicalPlan::Union(union)))
}

/// The same for EXCEPT and INTERSECT, which are joins.
fn unify_sides(mut join: Join, is_ansi: bool) -> Result<Transformed<LogicalPlan>> {
    let name = if join.join_type == JoinType::LeftAnti { "EXCEPT" } else { "INTERSECT" };
    let sides = [Arc::clone(&join.left), Arc::clone(&join.right)];
    let types = common_types(name, &sides, is_ansi)?;
    let [left, right] = sides;
    // What is the same as something else only in the common type is so before rows are told apart.
    let left = match Arc::unwrap_or_clone(left) {
        LogicalPlan::Distinct(Distinct::All(input)) => {
            Arc::new(LogicalPlan::Distinct(Distinct::All(with_types(input, &types)?)))
        }
        other => with_types(Arc::new(other), &types)?,
    };
    let right = with_types(right, &types)?;
    if left.schema() == join.left.schema() && right.schema() == join.right.schema() {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    }
    (join.left, join.right) = (left, right);
    LogicalPlan::Join(join).recompute_schema().map(Transformed::yes)
}

fn common_types(name: &str, inputs: &[Arc<LogicalPlan>], is_ansi: bool) -> Result<Vec<DataType>> {
    let mut inputs = inputs.iter().map(|input| input.schema());
    let Some(first) = inputs.next() else { return Ok(vec![]) };
    let mut types: Vec<DataType> = first.fields().iter().map(|f| f.data_type().clone()).collect();
    for schema in inputs {
        for (at, (known, field)) in types.iter_mut().zip(schema.fields()).enumerate() {
            *known = common_type(known, field.data_type(), is_ansi).ok_or_else(|| {
                plan_datafusion_err!(
                    "column {} of {name} is {} in one branch and {} in another; cast one of them",
                    at + 1,
                    spark_type_name(known),
                    spark_type_name(field.data_type())
                )
            })?;
        }
    }
    Ok(types)
}

/// A plan whose columns are cast to these types.
pub(super) fn with_types(input: Arc<LogicalPlan>, types: &[DataType]) -> Result<Arc<LogicalPlan>> {
    let fields = input.schema().fields();
    if fields.iter().zip(types).all(|(field, data_type)| field.data_type() == data_type) {
        return Ok(input);
    }
    let columns = input.schema().iter().zip(types).map(|((qualifier, field), data_type)| {
        let column = Expr::from((qualifier, field));
        if field.data_type() == data_type {
            return column;
        }
        let column = relabelled(column, field.data_type(), data_type);
        cast(column, data_type.clone()).alias_qualified(qualifier.cloned(), field.name())
    });
    let columns: Vec<Expr> = columns.collect();
    let plan = LogicalPlanBuilder::from(Arc::unwrap_or_clone(input)).project(columns)?.build()?;
    Ok(Arc::new(plan))
}
