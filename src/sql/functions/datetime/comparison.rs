//! Makes dates, times and text alike before they are compared: text is read as what it is compared
//! with, a date beside a timestamp is its midnight in the zone of the session.
//!
//! DataFusion would compare them in nanoseconds, which reach from 1677 to 2262 only, and in UTC.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, ExprSchemable, LogicalPlan, cast};
use datafusion::optimizer::AnalyzerRule;

use crate::sql::types;

/// The rule; it has to run before DataFusion makes types alike in its own way.
#[derive(Debug)]
pub(in crate::sql) struct CompareTimesAlike;

impl AnalyzerRule for CompareTimesAlike {
    fn name(&self) -> &'static str {
        "compare_times_alike"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = plan.transform_up_with_subqueries(|node| {
            let mut schema = merge_schema(&node.inputs());
            schema.merge(node.schema());
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                let alike = expr.transform_up(|expr| make_alike(expr, &schema))?;
                Ok(alike.update_data(|expr| name.restore(expr)))
            })
        })?;
        Ok(plan.data)
    }
}

fn make_alike(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let common = match &expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op.supports_propagation() => {
            common(&[left, right], schema)
        }
        Expr::Between(Between { expr, low, high, .. }) => common(&[expr, low, high], schema),
        Expr::InList(InList { expr, list, .. }) => {
            let all: Vec<&Expr> = std::iter::once(&**expr).chain(list).collect();
            common(&all, schema)
        }
        _ => None,
    };
    let Some(common) = common else { return Ok(Transformed::no(expr)) };
    let alike = |side: Expr| -> Result<Expr> {
        let is_alike = side.get_type(schema)? == common;
        Ok(if is_alike { side } else { cast(side, common.clone()) })
    };
    let boxed =
        |side: Box<Expr>| Ok::<_, datafusion::error::DataFusionError>(Box::new(alike(*side)?));
    Ok(Transformed::yes(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            Expr::BinaryExpr(BinaryExpr::new(boxed(left)?, op, boxed(right)?))
        }
        Expr::Between(between) => Expr::Between(Between {
            expr: boxed(between.expr)?,
            low: boxed(between.low)?,
            high: boxed(between.high)?,
            ..between
        }),
        Expr::InList(list) => Expr::InList(InList {
            expr: boxed(list.expr)?,
            list: list.list.into_iter().map(alike).collect::<Result<_>>()?,
            ..list
        }),
        other => other,
    }))
}

/// What all sides are cast to, where they are times or text and differ.
fn common(sides: &[&Expr], schema: &DFSchema) -> Option<DataType> {
    let types: Vec<DataType> =
        sides.iter().map(|side| side.get_type(schema).ok()).collect::<Option<_>>()?;
    let is_text =
        |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_time = |t: &DataType| matches!(t, DataType::Date32 | DataType::Timestamp(..));
    let first = types.first()?;
    let all_known = types.iter().all(|t| is_text(t) || is_time(t) || t.is_null());
    if !all_known || !types.iter().any(is_time) || types.iter().all(|t| t == first) {
        return None;
    }
    let has = |wanted: fn(&DataType) -> bool| types.iter().any(wanted);
    Some(if has(|t| matches!(t, DataType::Timestamp(_, Some(_)))) {
        types::timestamp()
    } else if has(|t| matches!(t, DataType::Timestamp(_, None))) {
        types::timestamp_ntz()
    } else {
        DataType::Date32
    })
}
