//! Casts between numbers and intervals: a number counts the last unit of the type it is cast to,
//! and of an interval the last unit of its type is counted.
//!
//! The types that queries run on keep no unit, so it is taken from what is written.

use sqlparser::ast::{
    CastKind, DataType as SqlType, Expr, FunctionArg, FunctionArgExpr, IntervalFields, Value,
};

use crate::sql::ast::spelling::call;
use crate::sql::functions::datetime::units::{IN_UNITS, OF_UNITS, TRY_OF_UNITS};
use crate::sql::types::arrow_type;

/// Puts the unit of a cast into a call inside of it.
pub(super) fn respell(expr: &mut Expr) {
    let Expr::Cast { kind, expr: inner, data_type, .. } = expr else { return };
    let tries = matches!(kind, CastKind::TryCast | CastKind::SafeCast);
    let (function, unit) = match data_type {
        SqlType::Interval { fields: Some(fields), .. } => {
            (if tries { TRY_OF_UNITS } else { OF_UNITS }, last_of(fields))
        }
        number => {
            let is_number = arrow_type(number).is_ok_and(|to| to.is_integer() || to.is_decimal());
            match unit_of(inner) {
                Some(unit) if is_number => (IN_UNITS, unit),
                _ => return,
            }
        }
    };
    let unit = Expr::value(Value::SingleQuotedString(unit.to_owned()));
    let arguments = [(**inner).clone(), unit].map(FunctionArgExpr::Expr);
    **inner = call(function, arguments.map(FunctionArg::Unnamed).to_vec());
}

const fn last_of(fields: &IntervalFields) -> &'static str {
    match fields {
        IntervalFields::Year => "year",
        IntervalFields::Month | IntervalFields::YearToMonth => "month",
        IntervalFields::Day => "day",
        IntervalFields::Hour | IntervalFields::DayToHour => "hour",
        IntervalFields::Minute | IntervalFields::DayToMinute | IntervalFields::HourToMinute => {
            "minute"
        }
        IntervalFields::Second
        | IntervalFields::DayToSecond
        | IntervalFields::HourToSecond
        | IntervalFields::MinuteToSecond => "second",
    }
}

/// The last unit of an interval, where it is written.
fn unit_of(expr: &Expr) -> Option<&'static str> {
    const UNITS: [&str; 6] = ["second", "minute", "hour", "day", "month", "year"];
    match expr {
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => unit_of(inner),
        Expr::Cast { data_type: SqlType::Interval { fields: Some(fields), .. }, .. } => {
            Some(last_of(fields))
        }
        // The literal has its units inside.
        Expr::Interval(interval) => {
            let text = interval.value.to_string();
            UNITS.into_iter().find(|unit| text.contains(unit))
        }
        _ => None,
    }
}
