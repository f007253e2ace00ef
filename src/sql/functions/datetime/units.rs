//! Numbers of a unit as intervals, and intervals as numbers of a unit: what a cast does whose type
//! has a unit.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType::{self, Decimal128, Duration, Int64, Interval, Null, Utf8};
use arrow::datatypes::{
    Decimal128Type, DurationMicrosecondType, Int32Type, Int64Type, IntervalUnit,
    IntervalYearMonthType, TimeUnit,
};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::datetime::function::collect;
use crate::sql::functions::define::{Arguments, Call, Function, Given};

/// A number of units as an interval. Other values stay what they are.
pub(in crate::sql) const OF_UNITS: &str = "interval_of_units";
/// The same with null for what is too large.
pub(in crate::sql) const TRY_OF_UNITS: &str = "try_interval_of_units";
/// An interval as a number of units. Other values stay what they are.
pub(in crate::sql) const IN_UNITS: &str = "interval_in_units";

/// A second in microseconds.
const SECOND: i64 = 1_000_000;

/// How precise seconds are.
const SECONDS: DataType = Decimal128(20, 6);

/// The functions.
pub(super) fn functions() -> Vec<ScalarUDF> {
    [
        Function::new(OF_UNITS, of_types, of_units),
        Function::new(TRY_OF_UNITS, of_types, of_units),
        Function::new(IN_UNITS, in_types, in_units),
    ]
    .map(ScalarUDF::from)
    .to_vec()
}

/// How much of a unit there is: in months, or in microseconds.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Months(i32),
    Micros(i64),
}

fn unit(name: &str) -> Unit {
    match name {
        "year" => Unit::Months(12),
        "month" => Unit::Months(1),
        "day" => Unit::Micros(86_400_000_000),
        "hour" => Unit::Micros(3_600_000_000),
        "minute" => Unit::Micros(60_000_000),
        _ => Unit::Micros(SECOND),
    }
}

fn of_types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    let unit = given.constant_text(1)?.map(unit);
    let made = match unit {
        Some(Unit::Months(_)) => Interval(IntervalUnit::YearMonth),
        Some(Unit::Micros(_)) | None => Duration(TimeUnit::Microsecond),
    };
    let (takes, gives) = match &given.types[0] {
        whole if whole.is_integer() => (Int64, made),
        Decimal128(precision, scale) => (Decimal128(*precision, *scale), made),
        kept @ (Utf8 | Null | Duration(_) | Interval(_)) => (kept.clone(), kept.clone()),
        text if text.is_string() => (Utf8, Utf8),
        _ => {
            return Err(given.refuse("a number without a fraction or a DECIMAL, to be an interval"));
        }
    };
    Ok(Call { takes: vec![takes, Utf8], gives })
}

fn of_units(args: &Arguments) -> Result<ArrayRef> {
    let value = args.array(0)?;
    let scale = match value.data_type() {
        Int64 => 0,
        Decimal128(_, scale) => u32::try_from(*scale).unwrap_or(0),
        Utf8 => return with_unit(args),
        _ => return whole_units(args),
    };
    let numbers = cast(value, &Decimal128(38, value_scale(value)))?;
    let numbers = numbers.as_primitive::<Decimal128Type>();
    let units = args.text(1)?;
    let is_try = args.function == TRY_OF_UNITS;
    let fits = |row: usize, scaled: Option<i128>, most: i128| match scaled {
        Some(scaled) if (-most - 1..=most).contains(&scaled) => Ok(Some(scaled)),
        _ if is_try => Ok(None),
        _ => Err(args.fail(format!(
            "{} of a {} are too many for an interval; use try_cast for null in their place",
            numbers.value_as_string(row),
            units.value(row)
        ))),
    };
    let scaled = |row: usize, by: i64, most: i128| {
        if value.is_null(row) {
            return Ok(None);
        }
        let product = numbers.value(row).checked_mul(i128::from(by));
        fits(row, product.map(|product| rounded(product, scale)), most)
    };
    let first = if args.rows > 0 { unit(units.value(0)) } else { Unit::Micros(1) };
    match first {
        Unit::Months(months) => collect::<IntervalYearMonthType>((0..args.rows).map(|row| {
            let months = scaled(row, i64::from(months), i128::from(i32::MAX))?;
            Ok(months.and_then(|months| i32::try_from(months).ok()))
        })),
        Unit::Micros(micros) => collect::<DurationMicrosecondType>((0..args.rows).map(|row| {
            let micros = scaled(row, micros, i128::from(i64::MAX))?;
            Ok(micros.and_then(|micros| i64::try_from(micros).ok()))
        })),
    }
}

/// A text that is a number and no more, with its unit; other texts say their units themselves.
fn with_unit(args: &Arguments) -> Result<ArrayRef> {
    let (texts, units) = (args.text(0)?, args.text(1)?);
    let with_unit = texts.iter().zip(units).map(|(text, unit)| {
        let (text, unit) = (text?, unit?);
        let digits = text.trim().trim_start_matches(['+', '-']);
        let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
        Some(match is_number {
            true => format!("INTERVAL '{}' {}", text.trim(), unit.to_uppercase()),
            false => text.to_owned(),
        })
    });
    Ok(Arc::new(with_unit.collect::<StringArray>()))
}

/// An interval without what is less than a unit.
fn whole_units(args: &Arguments) -> Result<ArrayRef> {
    let value = args.array(0)?;
    if args.rows == 0 {
        return Ok(Arc::clone(value));
    }
    match (value.data_type(), unit(args.text(1)?.value(0))) {
        (Interval(IntervalUnit::YearMonth), Unit::Months(unit)) => {
            let months = value.as_primitive::<IntervalYearMonthType>();
            Ok(Arc::new(months.unary::<_, IntervalYearMonthType>(|months| months / unit * unit)))
        }
        (Duration(_), Unit::Micros(unit)) if unit > SECOND => {
            let micros = value.as_primitive::<DurationMicrosecondType>();
            Ok(Arc::new(micros.unary::<_, DurationMicrosecondType>(|micros| micros / unit * unit)))
        }
        _ => Ok(Arc::clone(value)),
    }
}

fn value_scale(value: &ArrayRef) -> i8 {
    if let Decimal128(_, scale) = value.data_type() { *scale } else { 0 }
}

/// A number with this many digits behind the point, without them; a half goes away from zero.
fn rounded(number: i128, scale: u32) -> i128 {
    let unit = 10_i128.pow(scale);
    let half = if scale == 0 { 0 } else { unit / 2 * number.signum() };
    (number + half) / unit
}

fn in_types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    let unit = given.constant_text(1)?.map(unit);
    let kept = given.types[0].clone();
    let gives = match (&kept, unit) {
        (Duration(_), Some(Unit::Micros(SECOND))) => SECONDS,
        (Duration(_), Some(Unit::Micros(_))) => Int64,
        (Interval(IntervalUnit::YearMonth), Some(Unit::Months(_))) => DataType::Int32,
        _ => kept.clone(),
    };
    Ok(Call { takes: vec![kept, Utf8], gives })
}

fn in_units(args: &Arguments) -> Result<ArrayRef> {
    let value = args.array(0)?;
    if args.gives == *value.data_type() || args.rows == 0 {
        return Ok(cast(value, &args.gives)?);
    }
    match unit(args.text(1)?.value(0)) {
        Unit::Months(unit) => {
            let months = value.as_primitive::<IntervalYearMonthType>();
            let counted: Int32Array = months.unary::<_, Int32Type>(|months| months / unit);
            Ok(Arc::new(counted))
        }
        Unit::Micros(_) if args.gives == SECONDS => {
            let micros = value.as_primitive::<DurationMicrosecondType>();
            let seconds = micros.unary::<_, Decimal128Type>(i128::from);
            Ok(Arc::new(seconds.with_data_type(SECONDS)))
        }
        Unit::Micros(unit) => {
            let micros = value.as_primitive::<DurationMicrosecondType>();
            let counted: Int64Array = micros.unary::<_, Int64Type>(|micros| micros / unit);
            Ok(Arc::new(counted))
        }
    }
}
