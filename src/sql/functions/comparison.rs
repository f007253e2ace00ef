//! Makes values of different types alike before they are compared, as Spark does: a text is read as
//! what it is compared with, a date beside a timestamp is its midnight in the zone of the session.
//!
//! DataFusion would compare times in nanoseconds, which reach from 1677 to 2262 only, and in UTC, and
//! it would cut a text to the digits of the decimal beside it.
//!
//! Each comparison stands for itself, also where several are written as one: in BETWEEN, in
//! `CASE x WHEN y`, in `nullif`. Where their types differ they become what they are short for.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Case, InSubquery, ScalarFunction};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Between, BinaryExpr, Expr, ExprSchemable, Join, LogicalPlan, Operator, and, lit, or,
};
use datafusion::optimizer::AnalyzerRule;
use sqlparser::ast::BinaryOperator;

use crate::logical::expressions::change_parts_of_node;
use crate::sql::functions::common_type::{common_type, compared_type};
use crate::sql::functions::widening::as_type;
use crate::sql::set_types::with_types;
use crate::sql::types::spark_type_name;

/// The rule; it has to run before DataFusion makes types alike in its own way.
#[derive(Debug)]
pub(in crate::sql) struct MakeComparable;

impl AnalyzerRule for MakeComparable {
    fn name(&self) -> &'static str {
        "make_comparable"
    }

    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let is_ansi = config.execution.enable_ansi_mode;
        let plan = plan.transform_up_with_subqueries(|node| {
            let node = change_parts_of_node(node, |expr, schema| {
                Pair { schema, is_ansi }.make_alike(expr)
            })?;
            node.transform_data(|node| match node {
                LogicalPlan::Join(join) => {
                    let schema = merge_schema(&[&join.left, &join.right]);
                    Pair { schema: &schema, is_ansi }.make_keys_alike(join)
                }
                other => Ok(Transformed::no(other)),
            })
        })?;
        Ok(plan.data)
    }
}

/// Plans the comparisons that DataFusion refuses before any rule sees them: of a truth value with
/// what Spark reads as one.
#[derive(Debug)]
pub(in crate::sql) struct TruthOperators;

impl ExprPlanner for TruthOperators {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let op = match expr.op {
            BinaryOperator::Eq => Operator::Eq,
            BinaryOperator::NotEq => Operator::NotEq,
            BinaryOperator::Lt => Operator::Lt,
            BinaryOperator::LtEq => Operator::LtEq,
            BinaryOperator::Gt => Operator::Gt,
            BinaryOperator::GtEq => Operator::GtEq,
            BinaryOperator::Spaceship => Operator::IsNotDistinctFrom,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let types = (expr.left.get_type(schema), expr.right.get_type(schema));
        let (Ok(left), Ok(right)) = types else { return Ok(PlannerResult::Original(expr)) };
        let is_truth = |side: &DataType| *side == DataType::Boolean;
        if !(is_truth(&left) && right.is_string() || is_truth(&right) && left.is_string()) {
            return Ok(PlannerResult::Original(expr));
        }
        let side = |side: Expr| as_type(side, &DataType::Boolean, schema).map(Box::new);
        let compared = BinaryExpr::new(side(expr.left)?, op, side(expr.right)?);
        Ok(PlannerResult::Planned(Expr::BinaryExpr(compared)))
    }
}

/// What is known where two values are compared.
#[derive(Clone, Copy)]
struct Pair<'a> {
    schema: &'a DFSchema,
    is_ansi: bool,
}

impl Pair<'_> {
    /// What both sides are cast to, if they have to be.
    fn common(&self, left: &Expr, right: &Expr) -> Option<DataType> {
        // What has no type yet is left to the rules behind this one.
        let (left, right) = (left.get_type(self.schema).ok()?, right.get_type(self.schema).ok()?);
        compared_type(&left, &right, self.is_ansi)
    }

    fn differ(&self, left: &Expr, right: &Expr) -> bool {
        self.common(left, right).is_some()
    }

    fn compared(&self, left: Expr, op: Operator, right: Expr) -> Result<Transformed<Expr>> {
        let Some(common) = self.common(&left, &right) else {
            let same = BinaryExpr::new(Box::new(left), op, Box::new(right));
            return Ok(Transformed::no(Expr::BinaryExpr(same)));
        };
        let left = Box::new(as_type(left, &common, self.schema)?);
        let right = Box::new(as_type(right, &common, self.schema)?);
        Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(left, op, right))))
    }

    /// Refuses values that Spark does not compare and DataFusion does.
    fn check(&self, left: &Expr, op: Operator, right: &Expr) -> Result<()> {
        let types = (left.get_type(self.schema), right.get_type(self.schema));
        let (Ok(left), Ok(right)) = types else { return Ok(()) };
        let is_order = matches!(op, Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq);
        let is_wrong = match (&left, &right) {
            (DataType::Duration(_), DataType::Interval(IntervalUnit::YearMonth))
            | (DataType::Interval(IntervalUnit::YearMonth), DataType::Duration(_)) => true,
            (DataType::Boolean, other) | (other, DataType::Boolean) => {
                is_order && other.is_numeric()
            }
            _ => false,
        };
        if is_wrong {
            return plan_err!(
                "values of the types {} and {} cannot be compared by {op}; cast one of them",
                spark_type_name(&left),
                spark_type_name(&right)
            );
        }
        Ok(())
    }

    fn make_alike(&self, expr: Expr) -> Result<Transformed<Expr>> {
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) => {
                self.check(&left, op, &right)?;
                self.compared(*left, op, *right)
            }
            Expr::Between(between) => self.between(between),
            Expr::Case(Case { expr: Some(value), when_then_expr, else_expr })
                if when_then_expr.iter().any(|(when, _)| self.differ(&value, when)) =>
            {
                let compare = |(when, then): (Box<Expr>, Box<Expr>)| {
                    let when = self.compared((*value).clone(), Operator::Eq, *when)?.data;
                    Ok((Box::new(when), then))
                };
                let when_then_expr = when_then_expr.into_iter().map(compare);
                let when_then_expr = when_then_expr.collect::<Result<_>>()?;
                let case = Case { expr: None, when_then_expr, else_expr };
                Ok(Transformed::yes(Expr::Case(case)))
            }
            Expr::InSubquery(list) => self.in_subquery(list),
            Expr::ScalarFunction(call) => self.call(call),
            other => Ok(Transformed::no(other)),
        }
    }

    /// A value and the column that it is looked for in have the type that both have in common, as
    /// the branches of a UNION.
    fn in_subquery(&self, mut list: InSubquery) -> Result<Transformed<Expr>> {
        let plan = &list.subquery.subquery;
        let (Ok(left), [right]) = (list.expr.get_type(self.schema), &plan.schema().fields()[..])
        else {
            return Ok(Transformed::no(Expr::InSubquery(list)));
        };
        let right = right.data_type();
        let Some(common) = common_type(&left, right, self.is_ansi).filter(|_| left != *right)
        else {
            return Ok(Transformed::no(Expr::InSubquery(list)));
        };
        *list.expr = as_type(*list.expr, &common, self.schema)?;
        list.subquery.subquery = with_types(Arc::clone(plan), &[common])?;
        Ok(Transformed::yes(Expr::InSubquery(list)))
    }

    fn between(&self, between: Between) -> Result<Transformed<Expr>> {
        let Between { expr, negated, low, high } = between;
        self.check(&expr, Operator::GtEq, &low)?;
        self.check(&expr, Operator::LtEq, &high)?;
        if !self.differ(&expr, &low) && !self.differ(&expr, &high) {
            let same = Between { expr, negated, low, high };
            return Ok(Transformed::no(Expr::Between(same)));
        }
        let value = (*expr).clone();
        Ok(Transformed::yes(if negated {
            let below = self.compared(value, Operator::Lt, *low)?.data;
            or(below, self.compared(*expr, Operator::Gt, *high)?.data)
        } else {
            let above = self.compared(value, Operator::GtEq, *low)?.data;
            and(above, self.compared(*expr, Operator::LtEq, *high)?.data)
        }))
    }

    fn call(&self, call: ScalarFunction) -> Result<Transformed<Expr>> {
        let common = match call.args.as_slice() {
            [left, right] => self.common(left, right),
            _ => None,
        };
        match (call.name(), common) {
            ("nullif", Some(_)) => {
                let mut args = call.args.into_iter();
                let (Some(left), Some(right)) = (args.next(), args.next()) else {
                    return datafusion::common::internal_err!("nullif lost its arguments");
                };
                let is_equal = self.compared(left.clone(), Operator::Eq, right)?.data;
                let null = lit(ScalarValue::try_from(&left.get_type(self.schema)?)?);
                let case = Case {
                    expr: None,
                    when_then_expr: vec![(Box::new(is_equal), Box::new(null))],
                    else_expr: Some(Box::new(left)),
                };
                Ok(Transformed::yes(Expr::Case(case)))
            }
            ("equal_null", Some(common)) => {
                let args = call.args.into_iter().map(|arg| as_type(arg, &common, self.schema));
                let args = args.collect::<Result<_>>()?;
                let call = ScalarFunction { func: call.func, args };
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            _ => Ok(Transformed::no(Expr::ScalarFunction(call))),
        }
    }

    /// The keys of USING and of NATURAL, which are pairs of their own.
    fn make_keys_alike(&self, mut join: Join) -> Result<Transformed<LogicalPlan>> {
        let mut any = false;
        for (left, right) in &mut join.on {
            if let Some(common) = self.common(left, right) {
                *left = as_type(left.clone(), &common, self.schema)?;
                *right = as_type(right.clone(), &common, self.schema)?;
                any = true;
            }
        }
        let join = LogicalPlan::Join(join);
        Ok(if any { Transformed::yes(join) } else { Transformed::no(join) })
    }
}

/// Whether an operator compares two values.
pub(super) const fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}
