//! Plans the operators over dates, times and intervals, and `extract`.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalUnit};
use datafusion::common::DFSchema;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, ScalarUDF};
use sqlparser::ast::BinaryOperator;

use crate::error::Error;
use crate::sql::functions::datetime::intervals::{DAYS_LITERAL, is_interval};

/// Plans operators over times by the functions of this folder.
#[derive(Debug)]
pub(in crate::sql) struct TimeOperators {
    functions: Vec<Arc<ScalarUDF>>,
}

impl Default for TimeOperators {
    fn default() -> Self {
        Self { functions: super::all().into_iter().map(Arc::new).collect() }
    }
}

/// The kinds of operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Date,
    Time,
    Months,
    Duration,
    Calendar,
    Whole,
    Fraction,
    Other,
}

fn kind_of(data_type: &DataType) -> Kind {
    match data_type {
        DataType::Date32 | DataType::Date64 => Kind::Date,
        DataType::Timestamp(..) => Kind::Time,
        DataType::Interval(IntervalUnit::YearMonth) => Kind::Months,
        DataType::Interval(_) => Kind::Calendar,
        DataType::Duration(_) => Kind::Duration,
        whole if whole.is_integer() => Kind::Whole,
        number if number.is_numeric() => Kind::Fraction,
        _ => Kind::Other,
    }
}

impl TimeOperators {
    fn call(&self, name: &str, arguments: Vec<Expr>) -> DfResult<Expr> {
        let found = self.functions.iter().find(|function| function.name() == name);
        match found {
            Some(function) => Ok(function.call(arguments)),
            None => Err(Error::internal(format!("there is no function `{name}`")).into()),
        }
    }

    fn negated(&self, kind: Kind, interval: Expr) -> DfResult<Expr> {
        let name = match kind {
            Kind::Months => "months_negated",
            Kind::Duration => "duration_negated",
            _ => "interval_negated",
        };
        self.call(name, vec![interval])
    }

    fn plus(&self, (a, left): (Kind, Expr), (b, right): (Kind, Expr)) -> DfResult<Option<Expr>> {
        let name = match (a, b) {
            (Kind::Time, Kind::Months) => "time_plus_months",
            (Kind::Time, Kind::Duration) => "time_plus_duration",
            (Kind::Time, Kind::Calendar) => "time_plus_interval",
            (Kind::Date, Kind::Months) => "date_plus_months",
            // Whole days keep a date a date; what is finer makes it a timestamp.
            (Kind::Date, Kind::Duration) if is_days(&right) => "date_plus_days",
            (Kind::Date, Kind::Duration) => "time_plus_duration",
            (Kind::Date, Kind::Calendar) => "date_plus_interval",
            (Kind::Date, Kind::Whole) => "date_add",
            (Kind::Months, Kind::Months) => "months_plus_months",
            (Kind::Duration, Kind::Duration) => "duration_plus",
            (
                Kind::Months | Kind::Duration | Kind::Calendar | Kind::Whole,
                Kind::Date | Kind::Time,
            ) if !(a == Kind::Whole && b == Kind::Time) => {
                return self.plus((b, right), (a, left));
            }
            _ => return Ok(None),
        };
        self.call(name, vec![left, right]).map(Some)
    }

    fn minus(&self, (a, left): (Kind, Expr), (b, right): (Kind, Expr)) -> DfResult<Option<Expr>> {
        let name = match (a, b) {
            (Kind::Date, Kind::Date) => "date_minus_date",
            (Kind::Date | Kind::Time, Kind::Date | Kind::Time) => "time_minus_time",
            (Kind::Date, Kind::Whole) => "date_sub",
            (Kind::Date, Kind::Duration) if is_days(&right) => {
                let days = self.negated(b, right)?;
                return self.call("date_plus_days", vec![left, days]).map(Some);
            }
            (
                Kind::Date | Kind::Time | Kind::Months | Kind::Duration,
                Kind::Months | Kind::Duration | Kind::Calendar,
            ) => {
                let negated = self.negated(b, right)?;
                return self.plus((a, left), (b, negated));
            }
            _ => return Ok(None),
        };
        self.call(name, vec![left, right]).map(Some)
    }

    fn times(&self, (a, left): (Kind, Expr), (b, right): (Kind, Expr)) -> DfResult<Option<Expr>> {
        let name = match (a, b) {
            (Kind::Months, Kind::Whole) => "months_times",
            (Kind::Months, Kind::Fraction) => "months_times_double",
            (Kind::Duration, Kind::Whole) => "duration_times",
            (Kind::Duration, Kind::Fraction) => "duration_times_double",
            (Kind::Whole | Kind::Fraction, Kind::Months | Kind::Duration) => {
                return self.times((b, right), (a, left));
            }
            _ => return Ok(None),
        };
        self.call(name, vec![left, right]).map(Some)
    }

    fn divided(&self, (a, left): (Kind, Expr), (b, right): (Kind, Expr)) -> DfResult<Option<Expr>> {
        let name = match (a, b) {
            (Kind::Months, Kind::Whole | Kind::Fraction) => "months_divided",
            (Kind::Duration, Kind::Whole | Kind::Fraction) => "duration_divided",
            _ => return Ok(None),
        };
        self.call(name, vec![left, right]).map(Some)
    }
}

/// Whether an interval was written in whole days.
fn is_days(interval: &Expr) -> bool {
    matches!(interval, Expr::ScalarFunction(call) if call.func.name() == DAYS_LITERAL)
}

impl ExprPlanner for TimeOperators {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> DfResult<PlannerResult<RawBinaryExpr>> {
        let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema))
        else {
            return Ok(PlannerResult::Original(expr));
        };
        let is_ours = |data_type: &DataType| {
            is_interval(data_type) || matches!(kind_of(data_type), Kind::Date | Kind::Time)
        };
        if !is_ours(&left) && !is_ours(&right) {
            return Ok(PlannerResult::Original(expr));
        }
        let sides = ((kind_of(&left), expr.left.clone()), (kind_of(&right), expr.right.clone()));
        let planned = match expr.op {
            BinaryOperator::Plus => self.plus(sides.0, sides.1)?,
            BinaryOperator::Minus => self.minus(sides.0, sides.1)?,
            BinaryOperator::Multiply => self.times(sides.0, sides.1)?,
            BinaryOperator::Divide => self.divided(sides.0, sides.1)?,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        match planned {
            Some(planned) => Ok(PlannerResult::Planned(planned)),
            None => Err(Error::invalid(format!(
                "`{}` cannot join {} and {}; cast one of them",
                expr.op,
                crate::sql::types::spark_type_name(&left),
                crate::sql::types::spark_type_name(&right)
            ))
            .into()),
        }
    }

    fn plan_extract(&self, args: Vec<Expr>) -> DfResult<PlannerResult<Vec<Expr>>> {
        self.call("date_part", args).map(PlannerResult::Planned)
    }
}
