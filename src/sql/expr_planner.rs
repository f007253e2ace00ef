//! Plans what means something else to Spark than to DataFusion: the first element of an array has
//! the index 0, and the case of a field's name does not count.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
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
            return Ok(PlannerResult::Original(spelled(access, schema)));
        };
        if !is_list {
            let field_access = GetFieldAccess::ListIndex { key };
            return Ok(PlannerResult::Original(RawFieldAccessExpr { field_access, expr }));
        }
        Ok(PlannerResult::Planned(elements::item(expr, *key)))
    }
}

/// The name of a field in the spelling of its struct, where no more than one field can be meant.
///
/// Names were spelled before planning as far as types were known; those of a lambda's parameters
/// are known now.
fn spelled(access: RawFieldAccessExpr, schema: &DFSchema) -> RawFieldAccessExpr {
    let GetFieldAccess::NamedStructField { name } = &access.field_access else { return access };
    let (Some(Some(name)), Ok(DataType::Struct(fields))) =
        (name.try_as_str(), access.expr.get_type(schema))
    else {
        return access;
    };
    if fields.iter().any(|field| field.name() == name) {
        return access;
    }
    let mut matching =
        fields.iter().filter(|field| field.name().to_lowercase() == name.to_lowercase());
    match (matching.next(), matching.next()) {
        (Some(field), None) => {
            let name = ScalarValue::from(field.name().as_str());
            let field_access = GetFieldAccess::NamedStructField { name };
            RawFieldAccessExpr { field_access, expr: access.expr }
        }
        _ => access,
    }
}
