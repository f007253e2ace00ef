//! Plans the operators that mean something else to Spark than to DataFusion: `/` of whole numbers
//! is not whole, `DIV` is, and the first element of an array has the index 0.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result as DfResult;
use datafusion::functions_nested::expr_fn::array_element;
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr,
};
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, GetFieldAccess, Operator, cast, lit,
};
use sqlparser::ast::BinaryOperator;

/// Plans Spark's operators.
#[derive(Debug)]
pub(super) struct SparkOperators;

impl ExprPlanner for SparkOperators {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> DfResult<PlannerResult<RawBinaryExpr>> {
        let is_whole =
            |side: &Expr| side.get_type(schema).is_ok_and(|data_type| data_type.is_integer());
        let common = match expr.op {
            BinaryOperator::Divide if is_whole(&expr.left) && is_whole(&expr.right) => {
                DataType::Float64
            }
            BinaryOperator::MyIntegerDivide => DataType::Int64,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let left = Box::new(cast(expr.left, common.clone()));
        let right = Box::new(cast(expr.right, common));
        Ok(PlannerResult::Planned(Expr::BinaryExpr(BinaryExpr::new(left, Operator::Divide, right))))
    }

    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> DfResult<PlannerResult<RawFieldAccessExpr>> {
        let is_list = access
            .expr
            .get_type(schema)
            .is_ok_and(|data_type| matches!(data_type, DataType::List(_) | DataType::LargeList(_)));
        let RawFieldAccessExpr { field_access: GetFieldAccess::ListIndex { key }, expr } = access
        else {
            return Ok(PlannerResult::Original(access));
        };
        if !is_list {
            let field_access = GetFieldAccess::ListIndex { key };
            return Ok(PlannerResult::Original(RawFieldAccessExpr { field_access, expr }));
        }
        let index = cast(*key, DataType::Int64) + lit(1_i64);
        Ok(PlannerResult::Planned(array_element(expr, index)))
    }
}
