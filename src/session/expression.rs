//! Expressions that only the builder needs: windows of event time, and sort keys in Spark's order.

use std::hash::Hash;

use arrow::datatypes::DataType;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, SortExpr,
    Volatility,
};

use crate::error::{Error, Result};
use crate::event_time::interval::parse_interval;
use crate::event_time::window::WindowSpec;
use crate::operators::window_assign::WINDOW_COLUMN;

/// Tumbling windows of `time`, to be given to
/// [`group_by`](crate::session::StreamingDataFrame::group_by): `window(col("ts"), "10 minutes")`.
///
/// # Errors
/// `Invalid` for a duration that cannot be read or is not positive.
pub fn window(time: Expr, duration: &str) -> Result<Expr> {
    let width = micros(duration)?;
    Ok(call(time, WindowSpec::try_new(width, width, 0)?))
}

/// Sliding windows of `time`: of length `duration`, one every `slide`, moved by `start`.
///
/// # Errors
/// `Invalid` for durations that cannot be read, or where `slide` is longer than `duration`.
pub fn sliding_window(time: Expr, duration: &str, slide: &str, start: &str) -> Result<Expr> {
    let spec = WindowSpec::try_new(micros(duration)?, micros(slide)?, micros(start)?)?;
    Ok(call(time, spec))
}

/// From the least to the greatest, nulls first as in Spark.
pub fn asc(key: Expr) -> SortExpr {
    key.sort(true, true)
}

/// From the greatest to the least, nulls last as in Spark.
pub fn desc(key: Expr) -> SortExpr {
    key.sort(false, false)
}

fn micros(text: &str) -> Result<i64> {
    let interval = parse_interval(text)?;
    if interval.months != 0 {
        return Err(Error::invalid(format!(
            "a window cannot be `{text}` long: months differ in length; use days or weeks"
        )));
    }
    Ok(interval.micros)
}

fn call(time: Expr, spec: WindowSpec) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::from(WindowCall { spec, signature }).call(vec![time])
}

/// The windows that a key asks for, with their time, if it asks for some.
pub(crate) fn window_call(key: &Expr) -> Option<(Expr, WindowSpec)> {
    let Expr::ScalarFunction(call) = key else { return None };
    let window = call.func.inner().downcast_ref::<WindowCall>()?;
    Some((call.args.first()?.clone(), window.spec))
}

/// Stands for windows until the keys of a grouping are known.
#[derive(Debug, PartialEq, Eq, Hash)]
struct WindowCall {
    spec: WindowSpec,
    signature: Signature,
}

impl ScalarUDFImpl for WindowCall {
    fn name(&self) -> &'static str {
        WINDOW_COLUMN
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> DfResult<DataType> {
        Err(Error::invalid("window() can only be a key of group_by()").into())
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        Err(Error::invalid("window() can only be a key of group_by()").into())
    }
}
