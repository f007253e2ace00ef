//! Arithmetic over arrays. What fails is an error in ANSI mode; else numbers wrap around, and a
//! division by zero is NULL. The `try_` forms give NULL for all that fails.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Int64Array, PrimitiveArray};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{
    ArrowNativeTypeOp, DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type,
};
use datafusion::error::{DataFusionError, Result};

use crate::sql::functions::arithmetic::decimals::{Decimals, Failed, typed};
use crate::sql::functions::arithmetic::operators::Op;
use crate::sql::functions::define::Arguments;

/// What becomes of a pair of numbers that has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnFailure {
    Error,
    Wrap,
    Null,
}

/// `left op right`.
pub(super) fn binary(args: &Arguments, op: Op, is_try: bool) -> Result<ArrayRef> {
    let on_failure = match (is_try, args.is_ansi()) {
        (true, _) => OnFailure::Null,
        (false, true) => OnFailure::Error,
        (false, false) => OnFailure::Wrap,
    };
    let (left, right) = (args.array(0)?, args.array(1)?);
    if let Some(fast) = vectorised(op, on_failure, left, right) {
        return fast.map_err(|error| told(args, op, error));
    }
    match left.data_type() {
        DataType::Int8 => each::<Int8Type>(args, op, on_failure),
        DataType::Int16 => each::<Int16Type>(args, op, on_failure),
        DataType::Int32 => each::<Int32Type>(args, op, on_failure),
        DataType::Int64 => each::<Int64Type>(args, op, on_failure),
        DataType::Float32 => each::<Float32Type>(args, op, on_failure),
        DataType::Float64 => each::<Float64Type>(args, op, on_failure),
        DataType::Decimal128(_, _) => decimals(args, op, on_failure),
        other => Err(args.fail(format!("{other} is no number"))),
    }
}

/// What arrow does as it should be done.
fn vectorised(
    op: Op,
    on_failure: OnFailure,
    left: &ArrayRef,
    right: &ArrayRef,
) -> Option<Result<ArrayRef, arrow::error::ArrowError>> {
    let is_float = left.data_type().is_floating();
    if !(left.data_type().is_integer() || is_float) {
        return None;
    }
    Some(match (op, on_failure) {
        (Op::Add, OnFailure::Wrap) => numeric::add_wrapping(left, right),
        (Op::Subtract, OnFailure::Wrap) => numeric::sub_wrapping(left, right),
        (Op::Multiply, OnFailure::Wrap) => numeric::mul_wrapping(left, right),
        (Op::Add, _) if is_float || on_failure == OnFailure::Error => numeric::add(left, right),
        (Op::Subtract, _) if is_float || on_failure == OnFailure::Error => {
            numeric::sub(left, right)
        }
        (Op::Multiply, _) if is_float || on_failure == OnFailure::Error => {
            numeric::mul(left, right)
        }
        _ => return None,
    })
}

fn told(args: &Arguments, op: Op, error: arrow::error::ArrowError) -> DataFusionError {
    match error {
        arrow::error::ArrowError::ArithmeticOverflow(_) => failure(args, op, Failed::Overflow),
        other => other.into(),
    }
}

fn failure(args: &Arguments, op: Op, failed: Failed) -> DataFusionError {
    let way_out = format!(
        "use `try_{}` to get NULL instead, or set spark.sql.ansi.enabled to false",
        op.name()
    );
    args.fail(match failed {
        Failed::Overflow => format!("a result is out of the range of its type; {way_out}"),
        Failed::ByZero => format!("division by zero; {way_out}"),
    })
}

fn each<T: ArrowPrimitiveType>(
    args: &Arguments,
    op: Op,
    on_failure: OnFailure,
) -> Result<ArrayRef> {
    let (left, right) = (args.array(0)?.as_primitive::<T>(), args.array(1)?.as_primitive::<T>());
    let mut out = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        if left.is_null(row) || right.is_null(row) {
            out.push(None);
            continue;
        }
        out.push(match single(op, left.value(row), right.value(row)) {
            Ok(result) => Some(result),
            Err(failed) if on_failure == OnFailure::Error => {
                return Err(failure(args, op, failed));
            }
            Err(Failed::Overflow) if on_failure == OnFailure::Wrap => {
                Some(wrapped(op, left.value(row), right.value(row)))
            }
            Err(_) => None,
        });
    }
    Ok(Arc::new(out.into_iter().collect::<PrimitiveArray<T>>()))
}

fn single<N: ArrowNativeTypeOp>(op: Op, left: N, right: N) -> Result<N, Failed> {
    let result = match op {
        Op::Add => left.add_checked(right),
        Op::Subtract => left.sub_checked(right),
        Op::Multiply => left.mul_checked(right),
        Op::Divide | Op::Div | Op::Mod | Op::Pmod if right.is_zero() => {
            return Err(Failed::ByZero);
        }
        Op::Divide | Op::Div => left.div_checked(right),
        // The least number by -1 leaves nothing, though the quotient overflows.
        Op::Mod => Ok(left.mod_wrapping(right)),
        Op::Pmod => {
            let rest = left.mod_wrapping(right);
            let is_negative = rest.is_lt(N::ZERO);
            Ok(if is_negative { rest.add_wrapping(right).mod_wrapping(right) } else { rest })
        }
    };
    result.map_err(|_overflow| Failed::Overflow)
}

fn wrapped<N: ArrowNativeTypeOp>(op: Op, left: N, right: N) -> N {
    match op {
        Op::Add => left.add_wrapping(right),
        Op::Subtract => left.sub_wrapping(right),
        Op::Multiply => left.mul_wrapping(right),
        Op::Divide | Op::Div => left.div_wrapping(right),
        Op::Mod | Op::Pmod => left.mod_wrapping(right),
    }
}

fn decimals(args: &Arguments, op: Op, on_failure: OnFailure) -> Result<ArrayRef> {
    let (left, right) = (args.array(0)?, args.array(1)?);
    let (DataType::Decimal128(_, left_scale), DataType::Decimal128(_, right_scale)) =
        (left.data_type(), right.data_type())
    else {
        return Err(args.fail("two decimals were expected"));
    };
    let (precision, scale) = match args.gives {
        DataType::Decimal128(precision, scale) => (precision, scale),
        // The whole part of a quotient.
        _ => (19, 0),
    };
    let compute =
        Decimals { op, left_scale: *left_scale, right_scale: *right_scale, precision, scale };
    let (left, right) =
        (left.as_primitive::<Decimal128Type>(), right.as_primitive::<Decimal128Type>());
    let mut out = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        if left.is_null(row) || right.is_null(row) {
            out.push(None);
            continue;
        }
        out.push(match compute.compute(left.value(row), right.value(row)) {
            Ok(result) => Some(result),
            Err(failed) if on_failure == OnFailure::Error => {
                return Err(failure(args, op, failed));
            }
            // A decimal has no bits to wrap around.
            Err(_) => None,
        });
    }
    if args.gives == DataType::Int64 {
        let whole = out.into_iter().map(|value| value.and_then(|value| i64::try_from(value).ok()));
        return Ok(Arc::new(whole.collect::<Int64Array>()));
    }
    Ok(Arc::new(typed(out.into_iter().collect(), precision, scale)?))
}

/// `-x` and `abs(x)`.
pub(super) fn unary(args: &Arguments, absolute: bool) -> Result<ArrayRef> {
    let value = args.array(0)?;
    match value.data_type() {
        DataType::Int8 => signed::<Int8Type>(args, absolute),
        DataType::Int16 => signed::<Int16Type>(args, absolute),
        DataType::Int32 => signed::<Int32Type>(args, absolute),
        DataType::Int64 => signed::<Int64Type>(args, absolute),
        DataType::Float32 => signed::<Float32Type>(args, absolute),
        DataType::Float64 => signed::<Float64Type>(args, absolute),
        DataType::Decimal128(_, _) => signed::<Decimal128Type>(args, absolute),
        DataType::Null => Ok(Arc::clone(value)),
        _ => Ok(numeric::neg(value)?),
    }
}

fn signed<T: ArrowPrimitiveType>(args: &Arguments, absolute: bool) -> Result<ArrayRef> {
    let value = args.array(0)?.as_primitive::<T>();
    let is_ansi = args.is_ansi();
    let result: PrimitiveArray<T> = value.try_unary::<_, T, DataFusionError>(|number| {
        if absolute && !number.is_lt(<T::Native as ArrowNativeTypeOp>::ZERO) {
            // The absolute value of -0.0 is 0.0.
            return Ok(number.add_wrapping(<T::Native as ArrowNativeTypeOp>::ZERO));
        }
        match number.neg_checked() {
            Ok(negated) => Ok(negated),
            Err(_) if is_ansi => Err(args.fail(
                "a result is out of the range of its type; set spark.sql.ansi.enabled to false to let it wrap around",
            )),
            Err(_) => Ok(number.neg_wrapping()),
        }
    })?;
    Ok(Arc::new(result.with_data_type(value.data_type().clone())))
}
