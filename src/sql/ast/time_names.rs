//! What Spark calls columns that are calls, operators and literals of times.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, TimestampMicrosecondArray};
use sqlparser::ast::{BinaryOperator, DataType, Expr, Value};

use crate::event_time::text::{parse_date, parse_timestamp_ntz};
use crate::formats::display::{Zone, write_value};

const DEFAULT_PATTERN: &str = "yyyy-MM-dd HH:mm:ss";

/// The name of a call, and its arguments with those that were left out.
pub(super) fn call(name: &str, arguments: &mut Vec<String>) -> String {
    let spark = match (name, arguments.len()) {
        ("dateadd", 2) => "date_add",
        ("dateadd" | "date_add", 3) => "timestampadd",
        ("datediff" | "date_diff", 3) => "timestampdiff",
        ("months_between", 2) => {
            arguments.push("true".to_owned());
            name
        }
        ("from_unixtime" | "unix_timestamp" | "to_unix_timestamp", 1) => {
            arguments.push(DEFAULT_PATTERN.to_owned());
            name
        }
        ("unix_timestamp" | "to_unix_timestamp", 0) => {
            arguments.extend(["current_timestamp()".to_owned(), DEFAULT_PATTERN.to_owned()]);
            name
        }
        ("convert_timezone", 2) => {
            arguments.insert(0, "current_timezone()".to_owned());
            name
        }
        ("datepart", 2) => {
            *arguments = vec![arguments.join(" FROM ")];
            name
        }
        _ => name,
    };
    spark.to_owned()
}

/// An operator that moves a time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shifted {
    /// By an interval.
    Interval,
    /// A date by days, which stand on the left or on the right.
    Days { reversed: bool },
}

/// Whether an operator moves a time, by what is written there.
pub(super) fn shifted(
    left: &Expr,
    op: &BinaryOperator,
    right: &Expr,
    left_is_date: bool,
) -> Option<Shifted> {
    let is_interval = |side: &Expr| matches!(side, Expr::Interval(_));
    let is_date =
        |side: &Expr| matches!(side, Expr::TypedString(typed) if typed.data_type == DataType::Date);
    let is_number = |side: &Expr| matches!(side, Expr::Value(value) if matches!(value.value, Value::Number(..)));
    match op {
        BinaryOperator::Plus | BinaryOperator::Minus if is_number(right) => {
            (left_is_date || is_date(left)).then_some(Shifted::Days { reversed: false })
        }
        BinaryOperator::Plus if is_number(left) && is_date(right) => {
            Some(Shifted::Days { reversed: true })
        }
        BinaryOperator::Plus if is_interval(left) != is_interval(right) => Some(Shifted::Interval),
        BinaryOperator::Minus if is_interval(right) && !is_interval(left) => {
            Some(Shifted::Interval)
        }
        _ => None,
    }
}

impl Shifted {
    /// The name of the operator with its sides.
    pub(super) fn name(self, left: &str, op: &BinaryOperator, right: &str) -> String {
        let function = if *op == BinaryOperator::Minus { "date_sub" } else { "date_add" };
        match self {
            // The interval goes last.
            Self::Interval if left.starts_with("INTERVAL") => format!("{right} {op} {left}"),
            Self::Interval => format!("{left} {op} {right}"),
            Self::Days { reversed: true } => format!("{function}({right}, {left})"),
            Self::Days { reversed: false } => format!("{function}({left}, {right})"),
        }
    }
}

/// A literal with its value in full. One that names a zone stays as it is written.
pub(super) fn literal(data_type: &DataType, text: &str) -> String {
    let name = data_type.to_string();
    let value: Option<ArrayRef> = if *data_type == DataType::Date {
        parse_date(text).map(|days| Arc::new(Date32Array::from(vec![days])) as ArrayRef)
    } else if name.starts_with("TIMESTAMP") && !names_zone(text) {
        parse_timestamp_ntz(text)
            .map(|local| Arc::new(TimestampMicrosecondArray::from(vec![local])) as ArrayRef)
    } else {
        None
    };
    let mut shown = String::new();
    match value.map(|value| write_value(&mut shown, value.as_ref(), 0, &Zone::default())) {
        Some(Ok(())) => format!("{name} '{shown}'"),
        _ => format!("{name} '{text}'"),
    }
}

/// Whether a zone stands behind the date and the time.
fn names_zone(text: &str) -> bool {
    let of_clock = |byte: u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'T' | b' ');
    !text.trim().bytes().skip(8).all(|byte| of_clock(byte) || byte == b'-')
        || text.trim().bytes().skip(10).any(|byte| byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_shown_in_full() {
        let date = |text: &str| literal(&DataType::Date, text);
        assert_eq!(date("2024-1-1"), "DATE '2024-01-01'");
        let ntz = |text: &str| literal(&DataType::TimestampNtz(None), text);
        assert_eq!(ntz("2024-01-01"), "TIMESTAMP_NTZ '2024-01-01 00:00:00'");
        assert_eq!(ntz("2024-01-01T1:2"), "TIMESTAMP_NTZ '2024-01-01 01:02:00'");
        assert_eq!(ntz("2024-01-01 00:00:00Z"), "TIMESTAMP_NTZ '2024-01-01 00:00:00Z'");
    }

    #[test]
    fn calls_are_named_with_what_was_left_out() {
        let named = |name: &str, given: &[&str]| {
            let mut arguments: Vec<_> = given.iter().map(|a| (*a).to_owned()).collect();
            let name = call(name, &mut arguments);
            format!("{name}({})", arguments.join(", "))
        };
        assert_eq!(named("dateadd", &["DAY", "1", "d"]), "timestampadd(DAY, 1, d)");
        assert_eq!(named("months_between", &["a", "b"]), "months_between(a, b, true)");
        assert_eq!(named("datepart", &["hours", "t"]), "datepart(hours FROM t)");
    }
}
