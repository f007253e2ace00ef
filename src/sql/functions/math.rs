//! Mathematics: functions of doubles, rounding with Spark's types, numbers in other bases.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, StringBuilder};
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::define::{Arguments, Call, Function, Given, parameters};

use DataType::{Decimal128, Float64, Int32, Int64, Utf8};

/// The first double that is too large for a BIGINT.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// A function of one double under its name.
macro_rules! doubles {
    ($($name:literal => $compute:expr),* $(,)?) => {
        vec![$(
            Function::new($name, |given| parameters(given, 1, &[Float64], Float64), |args| {
                unary(args, $compute)
            })
        ),*]
    };
}

/// All functions here.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let mut all = doubles! {
        "sqrt" => |x| Some(x.sqrt()),
        "cbrt" => |x| Some(x.cbrt()),
        "exp" => |x| Some(x.exp()),
        "expm1" => |x| Some(x.exp_m1()),
        "ln" => |x| logarithm(x, f64::ln),
        "log10" => |x| logarithm(x, f64::log10),
        "log2" => |x| logarithm(x, f64::log2),
        "log1p" => |x| (x > -1.0).then(|| x.ln_1p()),
        "sin" => |x| Some(x.sin()),
        "cos" => |x| Some(x.cos()),
        "tan" => |x| Some(x.tan()),
        "asin" => |x| Some(x.asin()),
        "acos" => |x| Some(x.acos()),
        "atan" => |x| Some(x.atan()),
        "sinh" => |x| Some(x.sinh()),
        "cosh" => |x| Some(x.cosh()),
        "tanh" => |x| Some(x.tanh()),
        "asinh" => |x| Some(x.asinh()),
        "acosh" => |x| Some(x.acosh()),
        "atanh" => |x| Some(x.atanh()),
        "cot" => |x| Some(1.0 / x.tan()),
        "degrees" => |x| Some(x.to_degrees()),
        "radians" => |x| Some(x.to_radians()),
        "rint" => |x| Some(x.round_ties_even()),
        "signum" => |x| Some(if x == 0.0 || x.is_nan() { x } else { x.signum() }),
        "sign" => |x| Some(if x == 0.0 || x.is_nan() { x } else { x.signum() }),
    };
    all.extend([
        Function::new("log", |given| parameters(given, 1, &[Float64, Float64], Float64), log),
        Function::new(
            "pow",
            |given| parameters(given, 2, &[Float64, Float64], Float64),
            |args| binary(args, power),
        )
        .or(&["power"]),
        Function::new(
            "atan2",
            |given| parameters(given, 2, &[Float64, Float64], Float64),
            |args| {
                // The sum takes the sign from a zero, as in Java.
                binary(args, |y, x| (y + 0.0).atan2(x + 0.0))
            },
        ),
        Function::new(
            "hypot",
            |given| parameters(given, 2, &[Float64, Float64], Float64),
            |args| binary(args, f64::hypot),
        ),
        Function::new("e", no_arguments, |args| constant(args, std::f64::consts::E)),
        Function::new("pi", no_arguments, |args| constant(args, std::f64::consts::PI)),
        Function::new("round", round_types, |args| round(args, Half::Up)),
        Function::new("bround", round_types, |args| round(args, Half::Even)),
        Function::new("ceil", whole_types, |args| round(args, Half::Ceiling)).or(&["ceiling"]),
        Function::new("floor", whole_types, |args| round(args, Half::Floor)),
        Function::new("conv", |given| parameters(given, 3, &[Utf8, Int32, Int32], Utf8), conv),
    ]);
    all.into_iter().map(Function::udf).collect()
}

/// There is no logarithm of what is not positive.
fn logarithm(x: f64, of: fn(f64) -> f64) -> Option<f64> {
    // NaN is greater than every number.
    if x <= 0.0 { None } else { Some(of(x)) }
}

fn unary(args: &Arguments, compute: impl Fn(f64) -> Option<f64>) -> Result<ArrayRef> {
    let numbers = args.array(0)?.as_primitive::<Float64Type>();
    let results = numbers.iter().map(|number| number.and_then(&compute));
    Ok(Arc::new(results.collect::<Float64Array>()))
}

fn binary(args: &Arguments, compute: impl Fn(f64, f64) -> f64) -> Result<ArrayRef> {
    let (left, right) = (
        args.array(0)?.as_primitive::<Float64Type>(),
        args.array(1)?.as_primitive::<Float64Type>(),
    );
    Ok(Arc::new(arrow::compute::binary::<_, _, _, Float64Type>(left, right, compute)?))
}

/// `log(x)` is natural; `log(base, x)` has both.
fn log(args: &Arguments) -> Result<ArrayRef> {
    if args.arrays.len() == 1 {
        return unary(args, |x| logarithm(x, f64::ln));
    }
    let (base, of) = (
        args.array(0)?.as_primitive::<Float64Type>(),
        args.array(1)?.as_primitive::<Float64Type>(),
    );
    let results = base.iter().zip(of).map(|pair| match pair {
        (Some(base), Some(of)) if base > 0.0 && of > 0.0 => Some(of.ln() / base.ln()),
        _ => None,
    });
    Ok(Arc::new(results.collect::<Float64Array>()))
}

fn no_arguments(given: &Given<'_>) -> Result<Call> {
    given.count(0..=0)?;
    Ok(Call { takes: vec![], gives: Float64 })
}

fn constant(args: &Arguments, value: f64) -> Result<ArrayRef> {
    Ok(Arc::new(Float64Array::from(vec![value; args.rows])))
}

/// Where what lies between two numbers goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    /// To the nearer, the middle away from zero.
    Up,
    /// To the nearer, the middle to the even one.
    Even,
    Ceiling,
    Floor,
}

/// The constant scale, 0 if there is none.
fn scale_of(given: &Given<'_>) -> Result<i32> {
    if given.count(1..=2)? == 1 {
        return Ok(0);
    }
    match given.constant(1)? {
        None => Ok(0),
        Some(scalar) => match scalar.cast_to(&Int32)? {
            datafusion::common::ScalarValue::Int32(Some(scale)) => Ok(scale),
            _ => Err(given.refuse("a number and a constant scale")),
        },
    }
}

fn round_types(given: &Given<'_>) -> Result<Call> {
    let to = scale_of(given)?;
    let number = match &given.types[0] {
        Utf8 | DataType::Null => Float64,
        known if known.is_numeric() => known.clone(),
        _ => return Err(given.refuse("a number and a scale")),
    };
    let gives = match number {
        Decimal128(precision, scale) => rounded_type(precision, scale, to),
        ref other => other.clone(),
    };
    // The scale stays as it was written: behind a cast it would be no constant any more.
    let takes = std::iter::once(number).chain(given.types.get(1).cloned()).collect();
    Ok(Call { takes, gives })
}

/// One digit more before the point, for what is rounded up, and the digits behind it that are kept.
fn rounded_type(precision: u8, scale: i8, to: i32) -> DataType {
    let whole = i32::from(precision) - i32::from(scale) + 1;
    if to < 0 {
        let digits = whole.max(1 - to).min(38);
        return Decimal128(digits as u8, 0);
    }
    let kept = to.min(i32::from(scale));
    Decimal128((whole + kept).min(38) as u8, kept as i8)
}

fn whole_types(given: &Given<'_>) -> Result<Call> {
    if given.types.len() == 2 {
        let number = match &given.types[0] {
            decimal @ Decimal128(_, _) => decimal.clone(),
            whole if whole.is_integer() => Decimal128(20, 0),
            _ => Decimal128(30, 15),
        };
        let Decimal128(precision, scale) = number else {
            return Err(given.refuse("a number and a scale"));
        };
        let gives = rounded_type(precision, scale, scale_of(given)?);
        return Ok(Call { takes: vec![number, given.types[1].clone()], gives });
    }
    given.count(1..=1)?;
    Ok(match &given.types[0] {
        Decimal128(precision, scale) => Call {
            takes: vec![Decimal128(*precision, *scale)],
            gives: Decimal128(
                (precision - (*scale).max(0) as u8 + u8::from(*scale > 0)).clamp(1, 38),
                0,
            ),
        },
        whole if whole.is_integer() => Call { takes: vec![Int64], gives: Int64 },
        _ => parameters(given, 1, &[Float64], Int64)?,
    })
}

fn round(args: &Arguments, half: Half) -> Result<ArrayRef> {
    let scales = match args.arrays.get(1) {
        Some(scales) => Some(arrow::compute::cast(scales, &Int32)?),
        None => None,
    };
    let to = |row: usize| -> Result<i32> {
        Ok(scales.as_ref().map_or(0, |scales| scales.as_primitive::<Int32Type>().value(row)))
    };
    let numbers = args.array(0)?;
    match (numbers.data_type(), &args.gives) {
        (Decimal128(_, scale), Decimal128(precision, new)) => {
            let values = numbers.as_primitive::<Decimal128Type>();
            let mut out = Vec::with_capacity(args.rows);
            for row in 0..args.rows {
                if !args.all_valid(row) {
                    out.push(None);
                    continue;
                }
                let rounded = decimal(values.value(row), i32::from(*scale), to(row)?, half);
                let fitted = rounded.and_then(|value| {
                    shifted(value, to(row).ok()?.min(i32::from(*scale)), i32::from(*new))
                });
                out.push(Some(fitted.ok_or_else(|| args.fail("a result is out of range"))?));
            }
            let out: arrow::array::Decimal128Array = out.into_iter().collect();
            Ok(Arc::new(out.with_precision_and_scale(*precision, *new)?))
        }
        (Float64, Int64) => whole_of(args, numbers.as_primitive::<Float64Type>(), half),
        (Float64, _) => {
            let values = numbers.as_primitive::<Float64Type>();
            let rounded = (0..args.rows).map(|row| {
                if args.all_valid(row) {
                    Ok(Some(double(values.value(row), to(row)?, half)))
                } else {
                    Ok(None)
                }
            });
            Ok(Arc::new(rounded.collect::<Result<Float64Array>>()?))
        }
        (DataType::Float32, _) => {
            let values = numbers.as_primitive::<Float32Type>();
            let rounded = (0..args.rows).map(|row| {
                if args.all_valid(row) {
                    Ok(Some(double(f64::from(values.value(row)), to(row)?, half) as f32))
                } else {
                    Ok(None)
                }
            });
            Ok(Arc::new(rounded.collect::<Result<arrow::array::Float32Array>>()?))
        }
        (whole, _) if whole.is_integer() => {
            let wide = arrow::compute::cast(numbers, &Int64)?;
            let values = wide.as_primitive::<Int64Type>();
            let mut out = Vec::with_capacity(args.rows);
            for row in 0..args.rows {
                let rounded = match args.all_valid(row) {
                    true => Some(
                        decimal(i128::from(values.value(row)), 0, to(row)?, half)
                            .and_then(|value| shifted(value, to(row).ok()?.min(0), 0))
                            .and_then(|value| i64::try_from(value).ok())
                            .ok_or_else(|| args.fail("a result is out of range"))?,
                    ),
                    false => None,
                };
                out.push(rounded);
            }
            let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
            let whole: ArrayRef = Arc::new(out.into_iter().collect::<Int64Array>());
            Ok(arrow::compute::cast_with_options(&whole, &args.gives, &options)?)
        }
        (other, _) => Err(args.fail(format!("{other} cannot be rounded"))),
    }
}

/// An unscaled decimal rounded to `to` digits behind the point, at that scale.
fn decimal(value: i128, scale: i32, to: i32, half: Half) -> Option<i128> {
    if to >= scale {
        return Some(value);
    }
    let Some(unit) = 10_i128.checked_pow(u32::try_from(scale - to).ok()?) else { return Some(0) };
    let (quotient, rest) = (value.div_euclid(unit), value.rem_euclid(unit));
    let up = match half {
        Half::Ceiling => rest > 0,
        Half::Floor => false,
        Half::Up if value < 0 => rest * 2 > unit,
        Half::Up => rest * 2 >= unit,
        Half::Even => rest * 2 > unit || (rest * 2 == unit && quotient % 2 != 0),
    };
    Some(quotient + i128::from(up))
}

/// The same number at another scale that loses nothing.
fn shifted(value: i128, from: i32, to: i32) -> Option<i128> {
    let factor = 10_i128.checked_pow(u32::try_from(to - from).ok()?)?;
    value.checked_mul(factor)
}

/// Rounds the decimal that a double is written as, as Spark does.
fn double(value: f64, to: i32, half: Half) -> f64 {
    if !value.is_finite() || value == 0.0 {
        return value;
    }
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return value };
    let Ok(exponent) = exponent.parse::<i32>() else { return value };
    let scale = digits.split_once('.').map_or(0, |(_, rest)| rest.len()) as i32 - exponent;
    let Ok(unscaled) = digits.replace('.', "").parse::<i128>() else { return value };
    if to >= scale {
        return value;
    }
    match decimal(unscaled, scale, to, half) {
        Some(rounded) => format!("{rounded}e{}", -to).parse().unwrap_or(value),
        None => value,
    }
}

/// A number in another base, as an unsigned number of 64 bits unless the new base is negative.
fn conv(args: &Arguments) -> Result<ArrayRef> {
    let (numbers, from, to) = (args.text(0)?, args.int(1)?, args.int(2)?);
    let mut out = StringBuilder::new();
    for row in 0..args.rows {
        let most = || {
            match args.is_ansi() {
            true => Err(args.fail(format!(
                "`{}` is too large for 64 bits; set spark.sql.ansi.enabled to false for the largest number in its place",
                numbers.value(row)
            ))),
            false => Ok(u64::MAX),
        }
        };
        out.append_option(match args.all_valid(row) {
            true => convert(numbers.value(row).trim(), (from.value(row), to.value(row)), most)?,
            false => None,
        });
    }
    Ok(Arc::new(out.finish()))
}

/// `most` is asked for the value of a number that is too large.
fn convert(
    number: &str,
    (from, to): (i32, i32),
    most: impl Fn() -> Result<u64>,
) -> Result<Option<String>> {
    let base = u32::try_from(from).ok().filter(|base| (2..=36).contains(base));
    let new = to.unsigned_abs();
    let Some(base) = base.filter(|_| (2..=36).contains(&new) && !number.is_empty()) else {
        return Ok(None);
    };
    let (is_negative, digits) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let mut value = 0_u64;
    for digit in digits.chars().map_while(|digit| digit.to_digit(base)) {
        let next = value.checked_mul(u64::from(base)).and_then(|v| v.checked_add(u64::from(digit)));
        match next {
            Some(next) => value = next,
            None => {
                value = most()?;
                break;
            }
        }
    }
    // What has the highest bit is negative already.
    let has_sign = (value as i64) < 0;
    let mut shows_sign = false;
    if to > 0 && is_negative {
        value = if has_sign { u64::MAX } else { value.wrapping_neg() };
    } else if to < 0 {
        shows_sign = is_negative || has_sign;
        value = if has_sign { value.wrapping_neg() } else { value };
    }
    Ok(Some(in_base(value, new, shows_sign)))
}

fn in_base(mut value: u64, base: u32, shows_sign: bool) -> String {
    let mut digits = vec![];
    loop {
        let digit = (value % u64::from(base)) as u32;
        digits.push(char::from_digit(digit, base).unwrap_or('0').to_ascii_uppercase());
        value /= u64::from(base);
        if value == 0 {
            break;
        }
    }
    if shows_sign {
        digits.push('-');
    }
    digits.into_iter().rev().collect()
}

/// Doubles as whole numbers above or below them. What is no number is 0. One beyond the range
/// becomes the end of it, as a cast does in Java, but in ANSI mode.
fn whole_of(args: &Arguments, values: &Float64Array, half: Half) -> Result<ArrayRef> {
    let whole = |x: f64| if half == Half::Floor { x.floor() } else { x.ceil() };
    let fits = |x: f64| x.is_nan() || (-TWO_TO_63..TWO_TO_63).contains(&whole(x));
    if args.is_ansi()
        && let Some(large) = values.iter().flatten().find(|x| !fits(*x))
    {
        return Err(args.fail(format!(
            "`{large}` is too large for a BIGINT; set spark.sql.ansi.enabled to false for the largest one in its place"
        )));
    }
    Ok(Arc::new(values.unary::<_, Int64Type>(|x| whole(x) as i64)))
}

/// One to the power of what is no number is no number, as in Java.
fn power(base: f64, exponent: f64) -> f64 {
    if exponent.is_nan() || (base.abs() == 1.0 && exponent.is_infinite()) {
        return f64::NAN;
    }
    base.powf(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_goes_away_from_zero_or_to_the_even_number() {
        assert_eq!(decimal(25, 1, 0, Half::Up), Some(3));
        assert_eq!(decimal(-25, 1, 0, Half::Up), Some(-3));
        assert_eq!(decimal(25, 1, 0, Half::Even), Some(2));
        assert_eq!(decimal(35, 1, 0, Half::Even), Some(4));
        assert_eq!(decimal(-1, 1, 0, Half::Ceiling), Some(0));
        assert_eq!(decimal(-1, 1, 0, Half::Floor), Some(-1));
    }

    #[test]
    fn a_double_is_rounded_as_it_is_written() {
        assert_eq!(double(2.5, 0, Half::Up), 3.0);
        assert_eq!(double(1.005, 2, Half::Up), 1.01);
        assert_eq!(double(1234.567, -2, Half::Up), 1200.0);
    }

    #[test]
    fn numbers_change_their_base() {
        let convert = |number, from, to| convert(number, (from, to), || Ok(u64::MAX)).unwrap();
        assert_eq!(convert("100", 2, 10).as_deref(), Some("4"));
        assert_eq!(convert("-10", 16, -10).as_deref(), Some("-16"));
        assert_eq!(convert("zz", 36, 10).as_deref(), Some("1295"));
        assert_eq!(convert("-36893488147419103232", 10, 16).as_deref(), Some("FFFFFFFFFFFFFFFF"));
    }
}
