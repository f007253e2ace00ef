//! Casts between text, dates and times as Spark does them: in the time zone of the session, and
//! from text in all the forms that Spark reads. And casts to text of what Arrow writes otherwise.
//!
//! A cast that means the same to Arrow stays as it is, because the optimizer and the sources
//! understand it.

use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringBuilder};
use arrow::datatypes::{
    DataType, Date32Type, DurationMicrosecondType, IntervalMonthDayNanoType, IntervalUnit,
    IntervalYearMonthType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Cast, TryCast};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use crate::event_time::calendar::{MICROS_PER_DAY, split_day};
use crate::event_time::text;
use crate::event_time::zone::TimeZone;
use crate::formats::display::{Zone, write_value};
use crate::logical::expressions::change_parts;
use crate::sql::functions::datetime::function::{Call, collect, session_zone};
use crate::sql::functions::datetime::{cast_number, interval_text};
use crate::sql::types;

/// Puts [`TimeCast`] in the place of casts that Arrow would do otherwise, however the plan was
/// made.
#[derive(Debug)]
pub(in crate::sql) struct UseTimeCasts;

impl AnalyzerRule for UseTimeCasts {
    fn name(&self) -> &'static str {
        "use_time_casts"
    }

    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let zone = session_zone(config.execution.time_zone.as_deref());
        let is_ansi = config.execution.enable_ansi_mode;
        let replaced = change_parts(plan, |expr, schema| replace(expr, schema, (zone, is_ansi)))?;
        Ok(replaced.data)
    }
}

fn replace(
    expr: Expr,
    schema: &DFSchema,
    (zone, is_ansi): (TimeZone, bool),
) -> Result<Transformed<Expr>> {
    let (inner, to, tries) = match &expr {
        Expr::Cast(Cast { expr: inner, field }) => (inner, field.data_type(), false),
        Expr::TryCast(TryCast { expr: inner, field }) => (inner, field.data_type(), true),
        _ => return Ok(Transformed::no(expr)),
    };
    let from = inner.get_type(schema)?;
    if !differs(&from, to, zone) {
        return Ok(Transformed::no(expr));
    }
    let function = TimeCast {
        to: to.clone(),
        tries: tries || !is_ansi,
        signature: Signature::any(1, Volatility::Immutable),
    };
    let call = ScalarUDF::from(function).call(vec![(**inner).clone()]);
    Ok(Transformed::yes(call))
}

const fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether Spark's cast is another than Arrow's.
fn differs(from: &DataType, to: &DataType, zone: TimeZone) -> bool {
    let is_time = |data_type: &DataType| {
        matches!(data_type, DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, _))
    };
    let is_shown = |data_type: &DataType| {
        is_time(data_type) || matches!(data_type, DataType::Duration(_) | DataType::Interval(_))
    };
    let has_zone = |data_type: &DataType| matches!(data_type, DataType::Timestamp(_, Some(_)));
    if is_text(from) {
        return is_shown(to);
    }
    if is_text(to) {
        return is_shown(from) || from.is_floating() || from.is_nested();
    }
    if let (DataType::List(from), DataType::List(to)) = (from, to) {
        return differs(from.data_type(), to.data_type(), zone);
    }
    // A number counts seconds, and Arrow takes it for microseconds.
    if (from.is_numeric() && is_time(to) && has_zone(to))
        || (is_time(from) && has_zone(from) && to.is_numeric())
    {
        return true;
    }
    is_time(from) && is_time(to) && has_zone(from) != has_zone(to) && zone != TimeZone::UTC
}

/// A cast.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct TimeCast {
    to: DataType,
    /// What cannot be cast is null.
    tries: bool,
    signature: Signature,
}

impl ScalarUDFImpl for TimeCast {
    fn name(&self) -> &'static str {
        if self.tries { "try_cast_time" } else { "cast_time" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else {
            return exec_err!("a cast takes one value");
        };
        let is_scalar = matches!(value, ColumnarValue::Scalar(_));
        let value = value.to_array(if is_scalar { 1 } else { args.number_rows })?;
        let config = &args.config_options.execution;
        let name = config.time_zone.as_deref().unwrap_or("UTC");
        let strict = config.enable_ansi_mode && !self.tries;
        let result = cast(&value, &self.to, name, strict)?;
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// Casts text, dates and times to each other; `strict` makes an error of text that is none.
fn cast(value: &ArrayRef, to: &DataType, zone: &str, strict: bool) -> Result<ArrayRef> {
    if is_text(value.data_type()) {
        return from_text(value, to, session_zone(Some(zone)), strict);
    }
    if is_text(to) {
        return Ok(arrow::compute::cast(&to_text(value, zone)?, to)?);
    }
    if let (DataType::List(_), DataType::List(element)) = (value.data_type(), to) {
        let list = value.as_list::<i32>();
        let values = cast(list.values(), element.data_type(), zone, strict)?;
        let (element, offsets) = (Arc::clone(element), list.offsets().clone());
        return Ok(Arc::new(ListArray::try_new(element, offsets, values, list.nulls().cloned())?));
    }
    if value.data_type().is_numeric() {
        return cast_number::to_time(value, strict);
    }
    if to.is_numeric() {
        return cast_number::from_time(value, to, strict);
    }
    let zone = session_zone(Some(zone));
    let local: Vec<Option<i64>> = match value.data_type() {
        DataType::Date32 => {
            let dates = value.as_primitive::<Date32Type>();
            dates.iter().map(|days| days.map(|d| i64::from(d) * MICROS_PER_DAY)).collect()
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let times = value.as_primitive::<TimestampMicrosecondType>();
            times.iter().map(|time| time.map(|time| zone.to_local(time))).collect()
        }
        _ => value.as_primitive::<TimestampMicrosecondType>().iter().collect(),
    };
    let local = local.into_iter();
    match to {
        DataType::Date32 => collect::<Date32Type>(
            local.map(|time| Ok(time.and_then(|time| i32::try_from(split_day(time).0).ok()))),
        ),
        DataType::Timestamp(_, None) => Call::times_ntz(local.map(Ok)),
        _ => Call::timestamps(local.map(|time| Ok(time.map(|time| zone.to_utc(time))))),
    }
}

fn to_text(value: &ArrayRef, zone: &str) -> Result<ArrayRef> {
    let zone = Zone::parse(zone)?.in_cast();
    let mut out = StringBuilder::with_capacity(value.len(), value.len() * 20);
    let mut text = String::new();
    for row in 0..value.len() {
        if value.is_null(row) {
            out.append_null();
            continue;
        }
        text.clear();
        write_value(&mut text, value.as_ref(), row, &zone)?;
        out.append_value(&text);
    }
    Ok(Arc::new(out.finish()))
}

fn from_text(value: &ArrayRef, to: &DataType, zone: TimeZone, strict: bool) -> Result<ArrayRef> {
    let texts = arrow::compute::cast(value, &DataType::Utf8)?;
    let texts = texts.as_string::<i32>();
    let failed = |text: &str| -> Result<Option<i64>> {
        if strict {
            return exec_err!(
                "cannot cast `{text}` to {}; correct it, or use try_cast for null in its place",
                types::spark_type_name(to).to_uppercase()
            );
        }
        Ok(None)
    };
    let parsed = |parse: &dyn Fn(&str) -> Option<i64>| -> Vec<Result<Option<i64>>> {
        let parse = |text: &str| parse(text).map_or_else(|| failed(text), |found| Ok(Some(found)));
        texts.iter().map(|text| text.map_or(Ok(None), parse)).collect()
    };
    match to {
        DataType::Date32 => {
            let days = parsed(&|text| text::parse_date(text).map(i64::from));
            let narrow = |days: Option<i64>| days.and_then(|days| i32::try_from(days).ok());
            collect::<Date32Type>(days.into_iter().map(|days| Ok(narrow(days?))))
        }
        DataType::Duration(_) => {
            collect::<DurationMicrosecondType>(parsed(&interval_text::day_time))
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            let months = parsed(&interval_text::year_month).into_iter();
            let narrow = |months: Option<i64>| months.and_then(|months| i32::try_from(months).ok());
            collect::<IntervalYearMonthType>(months.map(|months| Ok(narrow(months?))))
        }
        DataType::Interval(_) => {
            let read = |text: &str| match interval_text::calendar(text) {
                Some(interval) => Ok(Some(interval)),
                None => failed(text).map(|_none| None),
            };
            let read = texts.iter().map(|text| text.map_or(Ok(None), read));
            collect::<IntervalMonthDayNanoType>(read)
        }
        DataType::Timestamp(_, None) => Call::times_ntz(parsed(&text::parse_timestamp_ntz)),
        _ => Call::timestamps(parsed(&|text| text::parse_timestamp(text, zone))),
    }
}
