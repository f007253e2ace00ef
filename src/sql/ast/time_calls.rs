//! Calls over times whose arguments are words, or are left out.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    Interval, ObjectName, Value,
};

use crate::error::{Error, Result};
use crate::event_time::interval::parse_interval;
use crate::sql::functions::datetime::intervals::{DAYS_LITERAL, MONTHS_LITERAL, TIME_LITERAL};

/// Writes the units of a call as text, what was left out in full; gives the name to call.
pub(super) fn in_full(function: &mut Function, name: &str) -> Option<&'static str> {
    let FunctionArguments::List(list) = &mut function.args else { return None };
    match (name, list.args.len()) {
        ("dateadd", 2) => Some("date_add"),
        ("dateadd" | "date_add" | "timestampadd", 3) => {
            unit_as_text(&mut list.args);
            Some("timestampadd")
        }
        ("datediff" | "date_diff" | "timestampdiff", 3) => {
            unit_as_text(&mut list.args);
            Some("timestampdiff")
        }
        ("unix_timestamp" | "to_unix_timestamp", 0) => {
            list.args.push(argument(call("current_timestamp", Vec::new())));
            Some("unix_seconds")
        }
        ("convert_timezone", 2) => {
            list.args.insert(0, argument(call("current_timezone", Vec::new())));
            None
        }
        _ => None,
    }
}

/// `DAY` is a unit here, and no column.
fn unit_as_text(args: &mut [FunctionArg]) {
    if let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))) = args.first_mut()
        && let Expr::Identifier(unit) = expr
    {
        *expr = text(&unit.value);
    }
}

fn text(value: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(value.to_owned()))
}

const fn argument(expr: Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
}

fn call(name: &str, args: Vec<FunctionArg>) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// An interval literal, times `sign`, as the function that makes an interval of its type.
///
/// # Errors
/// `Invalid` for an interval of months and of days.
pub(super) fn literal(interval: &Interval, sign: i64) -> Result<Option<Expr>> {
    let Expr::Value(value) = &*interval.value else { return Ok(None) };
    let Value::SingleQuotedString(written) = &value.value else { return Ok(None) };
    let parsed = parse_interval(written)?;
    let has_months = written.contains("month") || written.contains("year");
    let mut units = written
        .split_whitespace()
        .filter(|word| word.chars().all(|c| c.is_ascii_alphabetic()) && *word != "interval");
    let is_days = |unit: &str| matches!(unit.trim_end_matches('s'), "day" | "week");
    let (name, number) = match (has_months, units.clone().all(is_days)) {
        (true, _) if !units.all(|unit| matches!(unit.trim_end_matches('s'), "month" | "year")) => {
            return Err(Error::invalid(format!(
                "the interval `{written}` mixes months with days or time, whose lengths cannot be compared; use make_interval(..)"
            )));
        }
        (true, _) => (MONTHS_LITERAL, parsed.months),
        (false, true) => (DAYS_LITERAL, parsed.micros),
        (false, false) => (TIME_LITERAL, parsed.micros),
    };
    Ok(Some(call(name, vec![argument(text(&(number * sign).to_string()))])))
}
