//! `window_time(window)`: the last microsecond of a window, its event time.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::compute::kernels::arity::unary;
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{ScalarValue, exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::sql::types;

/// The function; what the window says of itself in its metadata goes on with its time.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct WindowTime {
    signature: Signature,
}

impl Default for WindowTime {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for WindowTime {
    fn name(&self) -> &'static str {
        "window_time"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        internal_err!("the type of `window_time` depends on its argument")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let Some(window) = args.arg_fields.first() else {
            return plan_err!("`window_time` takes a window");
        };
        let end = end_of(window.data_type())?;
        let field = Field::new(self.name(), end, true).with_metadata(window.metadata().clone());
        Ok(Arc::new(field))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [window] = args.args.as_slice() else {
            return exec_err!("`window_time` takes a window");
        };
        let is_scalar = matches!(window, ColumnarValue::Scalar(_));
        let windows = window.to_array(if is_scalar { 1 } else { args.number_rows })?;
        let Some(windows) = windows.as_struct_opt() else {
            return exec_err!("`window_time` takes a window");
        };
        let times = last_moments(windows)?;
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&times, 0)?));
        }
        Ok(ColumnarValue::Array(times))
    }
}

/// The type of the end of a window.
fn end_of(window: &DataType) -> Result<DataType> {
    if let DataType::Struct(fields) = window
        && let [start, end] = fields.iter().as_slice()
        && start.name() == "start"
        && end.name() == "end"
        && matches!(end.data_type(), DataType::Timestamp(TimeUnit::Microsecond, _))
    {
        return Ok(end.data_type().clone());
    }
    plan_err!("`window_time` takes a window, not {}", types::spark_type_name(window))
}

fn last_moments(windows: &StructArray) -> Result<ArrayRef> {
    let end_type = end_of(windows.data_type())?;
    let ends = windows.column(1).as_primitive::<TimestampMicrosecondType>();
    let times = unary::<_, _, TimestampMicrosecondType>(ends, |end| end.saturating_sub(1));
    let times = times.with_data_type(end_type);
    if windows.null_count() == 0 {
        return Ok(Arc::new(times));
    }
    // A window that is null has no time, whatever its fields hold.
    Ok(nullif(&times, &arrow::compute::is_null(windows)?)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::TimestampMicrosecondArray;
    use arrow::buffer::NullBuffer;
    use arrow::datatypes::Fields;

    use super::*;

    #[test]
    fn the_time_of_a_window_is_just_before_its_end() {
        let bound = types::timestamp();
        let fields = Fields::from(vec![
            Field::new("start", bound.clone(), true),
            Field::new("end", bound.clone(), true),
        ]);
        let times = |values: Vec<i64>| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
        };
        let nulls = NullBuffer::from(vec![true, false]);
        let windows =
            StructArray::new(fields, vec![times(vec![0, 0]), times(vec![10, 10])], Some(nulls));
        let last = last_moments(&windows).unwrap();
        assert_eq!(last.data_type(), &bound);
        assert_eq!(last.as_primitive::<TimestampMicrosecondType>().value(0), 9);
        assert!(last.is_null(1));
    }

    #[test]
    fn what_is_no_window_has_no_window_time() {
        let error = end_of(&DataType::Int64).unwrap_err().to_string();
        assert!(error.contains("takes a window, not bigint"), "{error}");
    }
}
