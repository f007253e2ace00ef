//! The types of a UNION: each column has the type that all branches have in common.
//!
//! DataFusion settles that later, and says until then that the types are those of the first branch.
//! A sink, a table or a view that is made of the query needs to know them at once.

use std::sync::Arc;

use arrow::datatypes::DataType::{
    self, Boolean, Date32, Decimal128, Float32, Float64, Int64, List, Map, Struct, Timestamp, Utf8,
};
use arrow::datatypes::{Field, FieldRef, Fields};
use datafusion::common::plan_datafusion_err;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Union, cast};

use crate::sql::functions::widening::wider_number;
use crate::sql::types::spark_type_name;

/// A plan in which the branches of each UNION have the same types.
///
/// # Errors
/// For columns that have no type in common.
pub fn unified(plan: LogicalPlan, is_ansi: bool) -> Result<LogicalPlan> {
    let mut any = false;
    let plan = plan.transform_up_with_subqueries(|node| {
        let node = match node {
            LogicalPlan::Union(union) => unify(union, is_ansi)?,
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
    let types = common_types(&union, is_ansi)?;
    let inputs = union.inputs.into_iter().map(|input| with_types(input, &types));
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    let union = Union::try_new_with_loose_types(inputs)?;
    Ok(Transformed::yes(LogicalPlan::Union(union)))
}

fn common_types(union: &Union, is_ansi: bool) -> Result<Vec<DataType>> {
    let mut inputs = union.inputs.iter().map(|input| input.schema());
    let Some(first) = inputs.next() else { return Ok(vec![]) };
    let mut types: Vec<DataType> = first.fields().iter().map(|f| f.data_type().clone()).collect();
    for schema in inputs {
        for (at, (known, field)) in types.iter_mut().zip(schema.fields()).enumerate() {
            *known = common_type(known, field.data_type(), is_ansi).ok_or_else(|| {
                plan_datafusion_err!(
                    "column {} of a UNION is {} in one branch and {} in another; cast one of them",
                    at + 1,
                    spark_type_name(known),
                    spark_type_name(field.data_type())
                )
            })?;
        }
    }
    Ok(types)
}

fn with_types(input: Arc<LogicalPlan>, types: &[DataType]) -> Result<Arc<LogicalPlan>> {
    let fields = input.schema().fields();
    if fields.iter().zip(types).all(|(field, data_type)| field.data_type() == data_type) {
        return Ok(input);
    }
    let columns = input.schema().iter().zip(types).map(|((qualifier, field), data_type)| {
        let column = Expr::from((qualifier, field));
        if field.data_type() == data_type {
            return column;
        }
        cast(column, data_type.clone()).alias_qualified(qualifier.cloned(), field.name())
    });
    let columns: Vec<Expr> = columns.collect();
    let plan = LogicalPlanBuilder::from(Arc::unwrap_or_clone(input)).project(columns)?.build()?;
    Ok(Arc::new(plan))
}

/// The type that values of both types can have; `None` where there is none.
fn common_type(left: &DataType, right: &DataType, is_ansi: bool) -> Option<DataType> {
    let field = |left: &FieldRef, right: &FieldRef| -> Option<FieldRef> {
        let data_type = common_type(left.data_type(), right.data_type(), is_ansi)?;
        let is_nullable = left.is_nullable() || right.is_nullable();
        Some(Arc::new(Field::new(left.name(), data_type, is_nullable)))
    };
    match (left, right) {
        (left, right) if left == right => Some(left.clone()),
        (DataType::Null, other) | (other, DataType::Null) => Some(other.clone()),
        (left, right) if left.is_string() && right.is_string() => Some(Utf8),
        (text, other) | (other, text) if text.is_string() => beside_text(other, is_ansi),
        (Date32, time @ Timestamp(_, _)) | (time @ Timestamp(_, _), Date32) => Some(time.clone()),
        (Timestamp(_, _), zoned @ Timestamp(_, Some(_)))
        | (zoned @ Timestamp(_, Some(_)), Timestamp(_, _)) => Some(zoned.clone()),
        (List(left), List(right)) => Some(List(field(left, right)?)),
        (Map(left, _), Map(right, _)) => Some(Map(field(left, right)?, false)),
        (Struct(left), Struct(right)) if left.len() == right.len() => {
            let fields = left.iter().zip(right).map(|(left, right)| field(left, right));
            Some(Struct(fields.collect::<Option<Fields>>()?))
        }
        (left, right) => wider_number(left, right),
    }
}

/// What a text becomes beside a value of another type, or the other beside a text.
fn beside_text(other: &DataType, is_ansi: bool) -> Option<DataType> {
    if other.is_nested() {
        return None;
    }
    if !is_ansi {
        let is_kept = matches!(other, Boolean) || other.is_binary();
        return (!is_kept).then_some(Utf8);
    }
    Some(match other {
        whole if whole.is_integer() => Int64,
        Float32 | Float64 | Decimal128(_, _) => Float64,
        other => other.clone(),
    })
}
