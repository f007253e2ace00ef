//! Plans what means something else to Spark than to DataFusion: the first element of an array has
//! the index 0, and the case of a field's name does not count.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Column, DFSchema, ScalarValue, TableReference};
use datafusion::error::Result as DfResult;
use datafusion::functions::core::get_field;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawFieldAccessExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess, lit};

use crate::sql::functions::collections::{elements, fields, maps};

/// Plans Spark's operators.
#[derive(Debug)]
pub(super) struct SparkOperators;

impl ExprPlanner for SparkOperators {
    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> DfResult<PlannerResult<RawFieldAccessExpr>> {
        let has_items = access.expr.get_type(schema).is_ok_and(|data_type| {
            matches!(data_type, DataType::List(_) | DataType::LargeList(_) | DataType::Map(_, _))
        });
        let is_map = |data_type: DataType| matches!(data_type, DataType::Map(_, _));
        if let GetFieldAccess::NamedStructField { name } = &access.field_access
            && access.expr.get_type(schema).is_ok_and(is_map)
        {
            return Ok(PlannerResult::Planned(elements::item(access.expr, lit(name.clone()))));
        }
        let RawFieldAccessExpr { field_access: GetFieldAccess::ListIndex { key }, expr } = access
        else {
            return Ok(match field_of_each(&access, schema) {
                Some(expr) => PlannerResult::Planned(expr),
                None => PlannerResult::Original(spelled(access, schema)),
            });
        };
        if !has_items {
            let field_access = GetFieldAccess::ListIndex { key };
            return Ok(PlannerResult::Original(RawFieldAccessExpr { field_access, expr }));
        }
        Ok(PlannerResult::Planned(elements::item(expr, *key)))
    }

    fn plan_make_map(&self, pairs: Vec<Expr>) -> DfResult<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(maps::map(pairs)))
    }

    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        nested_names: &[String],
    ) -> DfResult<PlannerResult<Vec<Expr>>> {
        let mut expr = Expr::Column(Column::from((qualifier, field)));
        let mut data_type = Some(field.data_type().clone());
        for name in nested_names {
            let structs = data_type.as_ref().and_then(fields::structs_in);
            let each =
                structs.and_then(|structs| fields::field_of_each(expr.clone(), structs, name));
            data_type = match &data_type {
                Some(DataType::Struct(inner)) => type_of(inner, name),
                Some(DataType::List(_)) => structs
                    .and_then(|structs| type_of(structs, name))
                    .map(|element| DataType::List(Arc::new(Field::new("item", element, true)))),
                _ => None,
            };
            expr = each.unwrap_or_else(|| {
                get_field().call(vec![expr, lit(ScalarValue::from(name.as_str()))])
            });
        }
        Ok(PlannerResult::Planned(expr))
    }
}

fn type_of(fields: &Fields, name: &str) -> Option<DataType> {
    fields.iter().find(|field| field.name() == name).map(|field| field.data_type().clone())
}

/// The field of each struct in an array, where that is what a field is taken of.
fn field_of_each(access: &RawFieldAccessExpr, schema: &DFSchema) -> Option<Expr> {
    let GetFieldAccess::NamedStructField { name } = &access.field_access else { return None };
    let data_type = access.expr.get_type(schema).ok()?;
    fields::field_of_each(access.expr.clone(), fields::structs_in(&data_type)?, name.try_as_str()??)
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
