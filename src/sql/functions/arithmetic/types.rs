//! The types of arithmetic: what both sides become, and what comes out.

use arrow::datatypes::DataType::{
    self, Decimal128, Float32, Float64, Int8, Int16, Int32, Int64, Null, Utf8,
};
use datafusion::error::Result;

use crate::sql::functions::arithmetic::operators::Op;
use crate::sql::functions::define::{Call, Given};

/// The greatest precision of a decimal.
const MAX_PRECISION: u8 = 38;

/// The scale that a division keeps when precision runs out.
const LEAST_SCALE: i8 = 6;

/// The types of `left op right`.
pub(super) fn binary(given: &Given<'_>, op: Op) -> Result<Call> {
    given.count(2..=2)?;
    let sides = [number(given, 0)?, number(given, 1)?];
    let [left, right] = match sides {
        [Null, Null] => [Float64, Float64],
        [Null, other] => [other.clone(), other],
        [other, Null] => [other.clone(), other],
        // A text becomes what stands beside it, but never less than BIGINT or DOUBLE.
        [Utf8, other] => [beside_text(&other), other],
        [other, Utf8] => [other.clone(), beside_text(&other)],
        both => both,
    };
    let is_decimal = |side: &DataType| matches!(side, Decimal128(_, _));
    if let (Some(left), Some(right)) = (as_decimal(&left), as_decimal(&right))
        && given.types.iter().any(is_decimal)
    {
        let gives = if op == Op::Div { Int64 } else { decimal_result(op, left, right) };
        let takes = vec![Decimal128(left.0, left.1), Decimal128(right.0, right.1)];
        return Ok(Call { takes, gives });
    }
    let common = match op {
        Op::Divide => Float64,
        Op::Div => Int64,
        _ => common(&left, &right),
    };
    if op == Op::Div && !(left.is_integer() && right.is_integer()) {
        return Err(given.refuse("whole numbers or decimals"));
    }
    Ok(Call { takes: vec![common.clone(), common.clone()], gives: common })
}

fn number(given: &Given<'_>, index: usize) -> Result<DataType> {
    match &given.types[index] {
        known @ (Int8
        | Int16
        | Int32
        | Int64
        | Float32
        | Float64
        | Decimal128(_, _)
        | Null
        | Utf8) => Ok(known.clone()),
        DataType::UInt8 => Ok(Int16),
        DataType::UInt16 => Ok(Int32),
        DataType::UInt32 => Ok(Int64),
        DataType::UInt64 => Ok(Decimal128(20, 0)),
        _ => Err(given.refuse("numbers")),
    }
}

fn beside_text(other: &DataType) -> DataType {
    if other.is_integer() { Int64 } else { Float64 }
}

/// A number without a fraction as the decimal that holds all of its type.
pub(in crate::sql::functions) const fn as_decimal(number: &DataType) -> Option<(u8, i8)> {
    match number {
        Int8 => Some((3, 0)),
        Int16 => Some((5, 0)),
        Int32 => Some((10, 0)),
        Int64 => Some((20, 0)),
        Decimal128(precision, scale) => Some((*precision, *scale)),
        _ => None,
    }
}

/// The type that two numbers have in common: the wider whole number, and DOUBLE where a fraction
/// meets anything but its own type.
fn common(left: &DataType, right: &DataType) -> DataType {
    let width = |side: &DataType| match side {
        Int8 => Some(0),
        Int16 => Some(1),
        Int32 => Some(2),
        Int64 => Some(3),
        _ => None,
    };
    match (width(left), width(right)) {
        (Some(a), Some(b)) => {
            if a >= b {
                left.clone()
            } else {
                right.clone()
            }
        }
        _ if left == right => left.clone(),
        _ => Float64,
    }
}

fn decimal_result(op: Op, (p1, s1): (u8, i8), (p2, s2): (u8, i8)) -> DataType {
    let (p1, p2) = (i16::from(p1), i16::from(p2));
    let (s1, s2) = (i16::from(s1), i16::from(s2));
    let (precision, scale) = match op {
        Op::Add | Op::Subtract => {
            let scale = s1.max(s2);
            ((p1 - s1).max(p2 - s2) + scale + 1, scale)
        }
        Op::Multiply => (p1 + p2 + 1, s1 + s2),
        Op::Divide | Op::Div => {
            let scale = (s1 + p2 + 1).max(i16::from(LEAST_SCALE));
            (p1 - s1 + s2 + scale, scale)
        }
        Op::Mod | Op::Pmod => {
            let scale = s1.max(s2);
            ((p1 - s1).min(p2 - s2) + scale, scale)
        }
    };
    bounded(precision, scale)
}

/// Where precision runs out, whole digits stay before fractions do.
fn bounded(precision: i16, scale: i16) -> DataType {
    let most = i16::from(MAX_PRECISION);
    if precision <= most {
        return Decimal128(precision.max(1) as u8, scale as i8);
    }
    let whole = precision - scale;
    let least = scale.min(i16::from(LEAST_SCALE));
    Decimal128(MAX_PRECISION, (most - whole).max(least) as i8)
}
