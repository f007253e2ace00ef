//! The type that numbers of several types have in common where one of them is chosen: in CASE,
//! `coalesce`, `greatest` and the like. DataFusion gives up digits that Spark keeps.

use arrow::datatypes::DataType::{self, Decimal128, Float32, Float64, Int8, Int16, Int32, Int64};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, cast};
use datafusion::optimizer::AnalyzerRule;

/// Functions that give one of their arguments, and how many of these come before the choice.
const CHOICES: &[(&str, usize)] = &[
    ("coalesce", 0),
    ("greatest", 0),
    ("if", 1),
    ("ifnull", 0),
    ("least", 0),
    ("nvl", 0),
    ("nvl2", 1),
];

/// Casts the numbers that a choice is made of to the type that Spark gives it.
#[derive(Debug)]
pub(in crate::sql) struct WidenNumbers;

impl AnalyzerRule for WidenNumbers {
    fn name(&self) -> &'static str {
        "widen_numbers"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        widened(plan)
    }
}

/// A plan in which these choices have Spark's types, and what is above them too.
pub(in crate::sql) fn widened(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut any = false;
    let plan = plan.transform_up_with_subqueries(|node| {
        let mut schema = merge_schema(&node.inputs());
        schema.merge(node.schema());
        let names = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let replaced = expr.transform_up(|expr| widen(expr, &schema))?;
            Ok(replaced.update_data(|expr| name.restore(expr)))
        })?;
        any |= node.transformed;
        if any { node.map_data(LogicalPlan::recompute_schema) } else { Ok(node) }
    })?;
    Ok(plan.data)
}

fn widen(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Case(mut case) => {
            for (when, _) in &case.when_then_expr {
                if case.expr.is_none() && when.get_type(schema).ok() == Some(DataType::Null) {
                    return plan_err!(
                        "a condition of CASE is NULL; write a BOOLEAN, or leave it out"
                    );
                }
            }
            let results = case.when_then_expr.iter().map(|(_, then)| &**then);
            let results: Vec<&Expr> = results.chain(case.else_expr.as_deref()).collect();
            let Some(common) = common(&results, schema)? else {
                return Ok(Transformed::no(Expr::Case(case)));
            };
            for (_, then) in &mut case.when_then_expr {
                **then = as_type((**then).clone(), &common, schema)?;
            }
            if let Some(otherwise) = &mut case.else_expr {
                **otherwise = as_type((**otherwise).clone(), &common, schema)?;
            }
            Ok(Transformed::yes(Expr::Case(case)))
        }
        Expr::ScalarFunction(mut call) => {
            let known = CHOICES.iter().find(|(name, _)| *name == call.name());
            let Some((_, before)) = known else {
                return Ok(Transformed::no(Expr::ScalarFunction(call)));
            };
            let choices: Vec<&Expr> = call.args.iter().skip(*before).collect();
            let Some(common) = common(&choices, schema)? else {
                return Ok(Transformed::no(Expr::ScalarFunction(call)));
            };
            for choice in call.args.iter_mut().skip(*before) {
                *choice = as_type(choice.clone(), &common, schema)?;
            }
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn as_type(expr: Expr, to: &DataType, schema: &DFSchema) -> Result<Expr> {
    let from = expr.get_type(schema)?;
    Ok(if from == *to || from == DataType::Null { expr } else { cast(expr, to.clone()) })
}

/// The type of several numbers; `None` where they have one, or where not all are numbers.
fn common(exprs: &[&Expr], schema: &DFSchema) -> Result<Option<DataType>> {
    let mut common: Option<DataType> = None;
    let mut differ = false;
    for expr in exprs {
        // What has no type yet is left to the rules behind this one.
        let Ok(data_type) = expr.get_type(schema) else { return Ok(None) };
        if data_type == DataType::Null {
            continue;
        }
        common = match common {
            None => Some(data_type),
            Some(known) if known == data_type => Some(known),
            Some(known) => {
                differ = true;
                match wider_number(&known, &data_type) {
                    Some(wider) => Some(wider),
                    None => return Ok(None),
                }
            }
        };
    }
    Ok(common.filter(|_| differ))
}

/// The type of two numbers of different types; `None` where one is no number.
pub(in crate::sql) fn wider_number(left: &DataType, right: &DataType) -> Option<DataType> {
    let is_float = |side: &DataType| matches!(side, Float32 | Float64);
    if is_float(left) || is_float(right) {
        return (left.is_numeric() && right.is_numeric()).then_some(Float64);
    }
    let (Some((p1, s1)), Some((p2, s2))) = (digits(left), digits(right)) else { return None };
    if left.is_integer() && right.is_integer() {
        return Some(if p1 >= p2 { left.clone() } else { right.clone() });
    }
    let scale = s1.max(s2);
    // A scale is never negative, nor greater than its precision.
    let whole = (i16::from(p1) - i16::from(s1)).max(i16::from(p2) - i16::from(s2));
    let precision = whole + i16::from(scale);
    if precision <= 38 {
        return Some(Decimal128(precision as u8, scale));
    }
    // Whole digits stay before fractions do.
    Some(Decimal128(38, (38 - whole).max(i16::from(scale.min(6))) as i8))
}

const fn digits(number: &DataType) -> Option<(u8, i8)> {
    match number {
        Int8 => Some((3, 0)),
        Int16 => Some((5, 0)),
        Int32 => Some((10, 0)),
        Int64 => Some((20, 0)),
        Decimal128(precision, scale) => Some((*precision, *scale)),
        _ => None,
    }
}
