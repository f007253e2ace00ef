//! The type that two values have in common, where one column or one choice holds both.

use std::sync::Arc;

use arrow::datatypes::DataType::{
    self, Boolean, Date32, Decimal128, Float32, Float64, Int64, List, Map, Struct, Timestamp, Utf8,
};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, Field, FieldRef, Fields};

use crate::sql::functions::arithmetic::types::as_decimal;

/// The type that values of both types can have; `None` where there is none.
pub(in crate::sql) fn common_type(
    left: &DataType,
    right: &DataType,
    is_ansi: bool,
) -> Option<DataType> {
    let field = |left: &FieldRef, right: &FieldRef| -> Option<FieldRef> {
        let data_type = common_type(left.data_type(), right.data_type(), is_ansi)?;
        let is_nullable = left.is_nullable() || right.is_nullable();
        Some(Arc::new(Field::new(left.name(), data_type, is_nullable)))
    };
    match (left, right) {
        (left, right) if left == right => Some(left.clone()),
        (DataType::Null, other) | (other, DataType::Null) => Some(other.clone()),
        (left, right) if left.is_string() && right.is_string() => Some(Utf8),
        (text, other) | (other, text) if text.is_string() => beside_text(other, is_ansi),
        (Date32, time @ Timestamp(_, _)) | (time @ Timestamp(_, _), Date32) => Some(time.clone()),
        (Timestamp(_, _), zoned @ Timestamp(_, Some(_)))
        | (zoned @ Timestamp(_, Some(_)), Timestamp(_, _)) => Some(zoned.clone()),
        (List(left), List(right)) => Some(List(field(left, right)?)),
        (Map(left, _), Map(right, _)) => Some(Map(field(left, right)?, false)),
        (Struct(left), Struct(right)) if left.len() == right.len() => {
            let fields = left.iter().zip(right).map(|(left, right)| field(left, right));
            Some(Struct(fields.collect::<Option<Fields>>()?))
        }
        (left, right) => wider_number(left, right, is_ansi),
    }
}

/// The type of a choice between values of these types, while it is not known whether ANSI mode is
/// on; [`widened`](crate::sql::functions::widening::widened) settles it.
pub(in crate::sql) fn type_of_choice(types: &[DataType]) -> Option<DataType> {
    let common = |is_ansi| {
        let mut types = types.iter().filter(|of| !of.is_null());
        let first = types.next()?.clone();
        types.try_fold(first, |known, next| common_type(&known, next, is_ansi))
    };
    common(true).or_else(|| common(false))
}

/// What a text becomes beside a value of another type, or the other beside a text.
pub(in crate::sql) fn beside_text(other: &DataType, is_ansi: bool) -> Option<DataType> {
    if other.is_nested() {
        return None;
    }
    if !is_ansi {
        let is_kept = matches!(other, Boolean) || other.is_binary();
        return (!is_kept).then_some(Utf8);
    }
    Some(match other {
        DataType::Duration(_) | DataType::Interval(_) => return None,
        whole if whole.is_integer() => Int64,
        Float32 | Float64 | Decimal128(_, _) => Float64,
        other => other.clone(),
    })
}

/// The type that two values are compared in; `None` where there is none, or where numbers without
/// floats meet, which have no more than one order.
pub(in crate::sql) fn compared_type(
    left: &DataType,
    right: &DataType,
    is_ansi: bool,
) -> Option<DataType> {
    match (left, right) {
        (left, right) if left == right => None,
        (left, right) if left.is_string() && right.is_string() => None,
        (text, other) | (other, text) if text.is_string() => match other {
            DataType::Null => None,
            _ if is_ansi => beside_text(other, is_ansi),
            Decimal128(_, _) => Some(Float64),
            number if number.is_numeric() => Some(number.clone()),
            Boolean | Date32 | Timestamp(_, _) | DataType::Binary => Some(other.clone()),
            _ => None,
        },
        (Boolean, number) | (number, Boolean) if number.is_numeric() && !is_ansi => {
            Some(number.clone())
        }
        (Date32 | Timestamp(_, _), Date32 | Timestamp(_, _)) => common_type(left, right, is_ansi),
        (Float32 | Float64, _) | (_, Float32 | Float64) => wider_number(left, right, is_ansi),
        (Struct(_), Struct(_)) => common_type(left, right, is_ansi),
        _ => None,
    }
}

/// The type of two numbers of different types; `None` where one is no number. DataFusion gives up
/// digits that Spark keeps.
pub(in crate::sql) fn wider_number(
    left: &DataType,
    right: &DataType,
    is_ansi: bool,
) -> Option<DataType> {
    let is_float = |side: &DataType| matches!(side, Float32 | Float64);
    if is_float(left) || is_float(right) {
        if !left.is_numeric() || !right.is_numeric() {
            return None;
        }
        let keeps_float = |side: &DataType| *side == Float32 || side.is_integer();
        let is_narrow = !is_ansi && keeps_float(left) && keeps_float(right);
        return Some(if is_narrow { Float32 } else { Float64 });
    }
    let (Some((p1, s1)), Some((p2, s2))) = (as_decimal(left), as_decimal(right)) else {
        return None;
    };
    if left.is_integer() && right.is_integer() {
        return Some(if p1 >= p2 { left.clone() } else { right.clone() });
    }
    let scale = i16::from(s1.max(s2));
    // A scale is never negative, nor greater than its precision.
    let whole = (i16::from(p1) - i16::from(s1)).max(i16::from(p2) - i16::from(s2));
    // Where precision runs out fractions go, down to the last digit: no value may be too large.
    let most = i16::from(DECIMAL128_MAX_PRECISION);
    let precision = (whole + scale).clamp(1, most);
    Some(Decimal128(precision as u8, scale.min(most - whole) as i8))
}
