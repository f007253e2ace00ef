//! One function over dates and times: a row of a table.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, PrimitiveArray, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{ScalarValue, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::event_time::zone::TimeZone;
use crate::sql::types;

/// What an argument is made, where it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// A date; text and timestamps are cast.
    Date,
    /// A point in time; text, dates and times without a zone are cast.
    Timestamp,
    /// A time without a zone.
    Ntz,
    /// A timestamp with or without a zone; text and dates are cast.
    AnyTimestamp,
    /// As that, but text stays text.
    TextOrTime,
    /// A whole number of 32 bits.
    Int,
    /// A whole number of 64 bits.
    Long,
    /// Seconds with six digits behind the point.
    Seconds,
    /// A truth value.
    Bool,
    /// Text.
    Text,
    /// An interval of months.
    Months,
    /// An interval of days and time.
    DayTime,
    /// An interval of both.
    Calendar,
    /// A number with a fraction.
    Double,
}

/// What a function gives.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gives {
    /// A type.
    Type(fn() -> DataType),
    /// The type of an argument.
    Same(usize),
}

/// A function.
#[derive(Debug)]
pub(super) struct TimeFunction {
    name: &'static str,
    aliases: Vec<String>,
    takes: &'static [Takes],
    /// How many arguments there have to be.
    least: usize,
    gives: Gives,
    run: fn(&Call<'_>) -> Result<ArrayRef>,
    signature: Signature,
}

impl TimeFunction {
    pub(super) fn new(
        name: &'static str,
        takes: &'static [Takes],
        gives: fn() -> DataType,
        run: fn(&Call<'_>) -> Result<ArrayRef>,
    ) -> Self {
        Self {
            name,
            aliases: Vec::new(),
            takes,
            least: takes.len(),
            gives: Gives::Type(gives),
            run,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    /// The same under other names.
    pub(super) fn aliases(self, names: &[&str]) -> Self {
        Self { aliases: names.iter().map(|name| (*name).to_owned()).collect(), ..self }
    }

    /// The same, of whose arguments only so many are needed.
    pub(super) fn least(self, least: usize) -> Self {
        Self { least, ..self }
    }

    /// The same, that gives the type of an argument.
    pub(super) fn same(self, argument: usize) -> Self {
        Self { gives: Gives::Same(argument), ..self }
    }
}

same_by_name!(TimeFunction);

impl ScalarUDFImpl for TimeFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        if given.len() < self.least || given.len() > self.takes.len() {
            let count = if self.least == self.takes.len() {
                self.least.to_string()
            } else {
                format!("{} to {}", self.least, self.takes.len())
            };
            return plan_err!("`{}` takes {count} arguments, not {}", self.name, given.len());
        }
        let pairs = given.iter().zip(self.takes);
        pairs
            .enumerate()
            .map(|(i, (given, takes))| match takes.coerced(given) {
                Some(coerced) => Ok(coerced),
                None => plan_err!(
                    "argument {} of `{}` is {}, not {}; cast it first",
                    i + 1,
                    self.name,
                    takes.described(),
                    types::spark_type_name(given)
                ),
            })
            .collect()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match self.gives {
            Gives::Type(gives) => Ok(gives()),
            Gives::Same(argument) => match arguments.get(argument) {
                Some(same) => Ok(same.clone()),
                None => plan_err!("`{}` takes more arguments", self.name),
            },
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_scalar { 1 } else { args.number_rows };
        let arrays: Vec<ArrayRef> =
            args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<_>>()?;
        let call = Call {
            name: self.name,
            arguments: &arrays,
            rows,
            zone: session_zone(args.config_options.execution.time_zone.as_deref()),
            ansi: args.config_options.execution.enable_ansi_mode,
        };
        let result = (self.run)(&call)?;
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// The zone of the session.
pub(in crate::sql::functions) fn session_zone(name: Option<&str>) -> TimeZone {
    name.and_then(TimeZone::find).unwrap_or_default()
}

impl Takes {
    fn coerced(self, given: &DataType) -> Option<DataType> {
        let is_text = matches!(given, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let is_null = given.is_null();
        let is_time =
            matches!(given, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64);
        let may = |fits: bool, wanted: DataType| (fits || is_null).then_some(wanted);
        let timestamp = types::timestamp;
        match self {
            Self::Date => may(is_text || is_time, DataType::Date32),
            Self::Timestamp => may(is_text || is_time, timestamp()),
            Self::Ntz => may(is_text || is_time, types::timestamp_ntz()),
            Self::AnyTimestamp if matches!(given, DataType::Timestamp(_, None)) => {
                Some(types::timestamp_ntz())
            }
            Self::AnyTimestamp => may(is_text || is_time, timestamp()),
            Self::TextOrTime if is_text => Some(DataType::Utf8),
            Self::TextOrTime => Self::AnyTimestamp.coerced(given),
            Self::Int => may(given.is_integer() || is_text, DataType::Int32),
            Self::Long => may(given.is_integer() || is_text, DataType::Int64),
            Self::Seconds => may(given.is_numeric() || is_text, DataType::Decimal128(18, 6)),
            Self::Bool => may(*given == DataType::Boolean, DataType::Boolean),
            Self::Text => may(is_text, DataType::Utf8),
            Self::Months => may(
                *given == DataType::Interval(IntervalUnit::YearMonth),
                DataType::Interval(IntervalUnit::YearMonth),
            ),
            Self::DayTime => may(
                matches!(given, DataType::Duration(_)),
                DataType::Duration(TimeUnit::Microsecond),
            ),
            Self::Calendar => may(
                matches!(given, DataType::Interval(IntervalUnit::MonthDayNano)),
                DataType::Interval(IntervalUnit::MonthDayNano),
            ),
            Self::Double => may(given.is_numeric() || is_text, DataType::Float64),
        }
    }

    const fn described(self) -> &'static str {
        match self {
            Self::Date => "a DATE",
            Self::Timestamp | Self::AnyTimestamp => "a TIMESTAMP",
            Self::Ntz => "a TIMESTAMP_NTZ",
            Self::TextOrTime => "a TIMESTAMP or a STRING",
            Self::Int => "an INT",
            Self::Long => "a BIGINT",
            Self::Seconds | Self::Double => "a number",
            Self::Bool => "a BOOLEAN",
            Self::Text => "a STRING",
            Self::Months | Self::DayTime | Self::Calendar => "an INTERVAL",
        }
    }
}

/// One call over arrays of equal length.
pub(super) struct Call<'a> {
    pub(super) name: &'static str,
    pub(super) arguments: &'a [ArrayRef],
    pub(super) rows: usize,
    /// The zone of the session.
    pub(super) zone: TimeZone,
    /// Whether what has no answer is an error, and not null.
    pub(super) ansi: bool,
}

impl Call<'_> {
    /// How many arguments there are.
    pub(super) const fn count(&self) -> usize {
        self.arguments.len()
    }

    /// An argument of a primitive type.
    pub(super) fn primitive<T: ArrowPrimitiveType>(&self, i: usize) -> Result<&PrimitiveArray<T>> {
        match self.arguments.get(i).and_then(|argument| argument.as_primitive_opt::<T>()) {
            Some(array) => Ok(array),
            None => exec_err!("argument {} of `{}` has another type", i + 1, self.name),
        }
    }

    /// An argument that is text.
    pub(super) fn text(&self, i: usize) -> Result<&StringArray> {
        match self.arguments.get(i).and_then(|argument| argument.as_string_opt::<i32>()) {
            Some(array) => Ok(array),
            None => exec_err!("argument {} of `{}` is no text", i + 1, self.name),
        }
    }

    /// An argument that is a timestamp, as what the clock on the wall shows.
    pub(super) fn local(&self, i: usize) -> Result<TimestampMicrosecondArray> {
        let times = self.primitive::<TimestampMicrosecondType>(i)?;
        Ok(match self.zone_of(i) {
            TimeZone::UTC => times.clone().with_timezone_opt::<Arc<str>>(None),
            zone => times
                .unary::<_, TimestampMicrosecondType>(|micros| zone.to_local(micros))
                .with_timezone_opt::<Arc<str>>(None),
        })
    }

    /// The zone that an argument is shown in: without one, the time is what is shown.
    pub(super) fn zone_of(&self, i: usize) -> TimeZone {
        match self.arguments.get(i).map(Array::data_type) {
            Some(DataType::Timestamp(_, None)) => TimeZone::UTC,
            _ => self.zone,
        }
    }

    /// The answer for a value that has none: an error, or null.
    pub(super) fn none<T>(&self, why: impl FnOnce() -> String) -> Result<Option<T>> {
        if self.ansi { exec_err!("`{}`: {}", self.name, why()) } else { Ok(None) }
    }

    /// An error for a result that its type cannot hold.
    pub(super) fn overflow<T>(&self) -> Result<T> {
        exec_err!("the result of `{}` is out of range", self.name)
    }

    /// Points in time as an array of the type of TIMESTAMP.
    pub(super) fn timestamps(
        values: impl IntoIterator<Item = Result<Option<i64>>>,
    ) -> Result<ArrayRef> {
        let values: Vec<Option<i64>> = values.into_iter().collect::<Result<_>>()?;
        Ok(Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC")))
    }

    /// Times without a zone.
    pub(super) fn times_ntz(
        values: impl IntoIterator<Item = Result<Option<i64>>>,
    ) -> Result<ArrayRef> {
        let values: Vec<Option<i64>> = values.into_iter().collect::<Result<_>>()?;
        Ok(Arc::new(TimestampMicrosecondArray::from(values)))
    }
}

/// Values that may be missing or wrong as an array.
pub(super) fn collect<T: ArrowPrimitiveType>(
    values: impl IntoIterator<Item = Result<Option<T::Native>>>,
) -> Result<ArrayRef> {
    let values: Vec<Option<T::Native>> = values.into_iter().collect::<Result<_>>()?;
    Ok(Arc::new(PrimitiveArray::<T>::from_iter(values)))
}

pub(super) const fn int() -> DataType {
    DataType::Int32
}

pub(super) const fn long() -> DataType {
    DataType::Int64
}

pub(super) const fn date() -> DataType {
    DataType::Date32
}

pub(super) const fn string() -> DataType {
    DataType::Utf8
}

pub(super) const fn day_time() -> DataType {
    DataType::Duration(TimeUnit::Microsecond)
}

pub(super) const fn year_month() -> DataType {
    DataType::Interval(IntervalUnit::YearMonth)
}

pub(super) const fn calendar() -> DataType {
    DataType::Interval(IntervalUnit::MonthDayNano)
}
