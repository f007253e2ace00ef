//! `timestamp_seconds`, `timestamp_millis`, `timestamp_micros`: numbers since 1970 in UTC as times.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::sql::types;

/// One of the functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TimestampFrom {
    name: &'static str,
    micros_per_unit: i64,
    signature: Signature,
}

impl TimestampFrom {
    /// All of the functions.
    pub(super) fn all() -> [Self; 3] {
        let of = |name, micros_per_unit| Self {
            name,
            micros_per_unit,
            signature: Signature::user_defined(Volatility::Immutable),
        };
        [
            of("timestamp_seconds", 1_000_000),
            of("timestamp_millis", 1_000),
            of("timestamp_micros", 1),
        ]
    }

    fn is_seconds(&self) -> bool {
        self.micros_per_unit == 1_000_000
    }

    fn convert(&self, numbers: &ArrayRef) -> Result<TimestampMicrosecondArray> {
        let out_of_range =
            || ArrowError::ComputeError(format!("a number is out of range for `{}`", self.name));
        let times: TimestampMicrosecondArray = match numbers.data_type() {
            DataType::Int64 => {
                numbers.as_primitive::<Int64Type>().try_unary::<_, TimestampMicrosecondType, _>(
                    |number| number.checked_mul(self.micros_per_unit).ok_or_else(out_of_range),
                )?
            }
            DataType::Decimal128(_, 6) => numbers
                .as_primitive::<Decimal128Type>()
                .try_unary::<_, TimestampMicrosecondType, _>(
                |micros| i64::try_from(micros).map_err(|_e| out_of_range()),
            )?,
            // What is no number is no time; a cast from float saturates as Spark's does.
            DataType::Float64 => numbers
                .as_primitive::<Float64Type>()
                .iter()
                .map(|seconds| {
                    seconds.filter(|s| s.is_finite()).map(|seconds| (seconds * 1e6) as i64)
                })
                .collect(),
            DataType::Null => TimestampMicrosecondArray::new_null(numbers.len()),
            other => return exec_err!("`{}` cannot take {other}", self.name),
        };
        Ok(times.with_timezone("UTC"))
    }
}

impl ScalarUDFImpl for TimestampFrom {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [argument] = arg_types else {
            return plan_err!("`{}` takes one argument", self.name);
        };
        Ok(vec![match argument {
            DataType::Null => DataType::Null,
            whole if whole.is_integer() => DataType::Int64,
            DataType::Float16 | DataType::Float32 | DataType::Float64 if self.is_seconds() => {
                DataType::Float64
            }
            DataType::Decimal128(_, _) if self.is_seconds() => DataType::Decimal128(38, 6),
            other => {
                let takes = if self.is_seconds() { "a number" } else { "a whole number" };
                return plan_err!(
                    "`{}` takes {takes}, not {}",
                    self.name,
                    types::spark_type_name(other)
                );
            }
        }])
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(types::timestamp())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_scalar { 1 } else { args.number_rows };
        let [numbers] = args.args.as_slice() else {
            return exec_err!("`{}` takes one argument", self.name);
        };
        let times: ArrayRef = Arc::new(self.convert(&numbers.to_array(rows)?)?);
        if is_scalar {
            let scalar = datafusion::common::ScalarValue::try_from_array(&times, 0)?;
            return Ok(ColumnarValue::Scalar(scalar));
        }
        Ok(ColumnarValue::Array(times))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Decimal128Array, Float64Array, Int64Array};

    use super::*;

    #[test]
    fn numbers_since_1970_become_times() {
        let [seconds, millis, micros] = TimestampFrom::all();
        let whole: ArrayRef = Arc::new(Int64Array::from(vec![Some(-2), None]));
        for (function, expected) in [(&seconds, -2_000_000), (&millis, -2_000), (&micros, -2)] {
            let times = function.convert(&whole).unwrap();
            assert_eq!(times.value(0), expected);
            assert!(times.is_null(1));
            assert_eq!(times.data_type(), &types::timestamp());
        }
        let float: ArrayRef = Arc::new(Float64Array::from(vec![1.5, f64::NAN]));
        let times = seconds.convert(&float).unwrap();
        assert_eq!(times.value(0), 1_500_000);
        assert!(times.is_null(1));
        let decimal =
            Decimal128Array::from(vec![1_250_000]).with_precision_and_scale(38, 6).unwrap();
        let decimal: ArrayRef = Arc::new(decimal);
        assert_eq!(seconds.convert(&decimal).unwrap().value(0), 1_250_000);
    }

    #[test]
    fn a_number_out_of_range_is_an_error() {
        let [seconds, ..] = TimestampFrom::all();
        let huge: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX]));
        assert!(seconds.convert(&huge).unwrap_err().to_string().contains("out of range"));
    }

    #[test]
    fn only_seconds_may_have_a_fraction() {
        let [seconds, millis, _] = TimestampFrom::all();
        assert!(seconds.coerce_types(&[DataType::Float32]).is_ok());
        assert!(millis.coerce_types(&[DataType::Float32]).is_err());
        assert!(seconds.coerce_types(&[DataType::Utf8]).is_err());
    }
}
