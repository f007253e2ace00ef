//! Spark's division: `/` of whole numbers is not whole, `DIV` is.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, cast};
use sqlparser::ast::BinaryOperator;

/// Plans `/` and `DIV`.
#[derive(Debug)]
pub(super) struct SparkDivision;

impl ExprPlanner for SparkDivision {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> DfResult<PlannerResult<RawBinaryExpr>> {
        let common = match expr.op {
            BinaryOperator::Divide
                if is_whole(&expr.left, schema) && is_whole(&expr.right, schema) =>
            {
                DataType::Float64
            }
            BinaryOperator::MyIntegerDivide => DataType::Int64,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let left = Box::new(cast(expr.left, common.clone()));
        let right = Box::new(cast(expr.right, common));
        Ok(PlannerResult::Planned(Expr::BinaryExpr(BinaryExpr::new(left, Operator::Divide, right))))
    }
}

fn is_whole(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|data_type| data_type.is_integer())
}
