//! Plans what means something else to Spark than to DataFusion: the first element of an array has
//! the index 0.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawFieldAccessExpr};
use datafusion::logical_expr::{ExprSchemable, GetFieldAccess};

use crate::sql::functions::collections::elements;

/// Plans Spark's operators.
#[derive(Debug)]
pub(super) struct SparkOperators;

impl ExprPlanner for SparkOperators {
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
        Ok(PlannerResult::Planned(elements::item(expr, *key)))
    }
}
