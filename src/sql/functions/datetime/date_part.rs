//! `date_part(field, source)` and `extract(field FROM source)`: the field decides the type.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int8Array, Int32Array};
use arrow::datatypes::{
    DataType, Date32Type, DurationMicrosecondType, Field, FieldRef, Int32Type, IntervalUnit,
    IntervalYearMonthType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{ScalarValue, exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::event_time::calendar::{
    Date, MICROS_PER_DAY, MICROS_PER_SECOND, iso_week, split_day, weekday,
};
use crate::event_time::zone::TimeZone;
use crate::sql::functions::datetime::function::{day_time, session_zone, year_month};
use crate::sql::types;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DatePart {
    aliases: Vec<String>,
    signature: Signature,
}

impl Default for DatePart {
    fn default() -> Self {
        let aliases = vec!["datepart".to_owned()];
        Self { aliases, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// A part of a time or of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    YearOfWeek,
    Quarter,
    Month,
    Week,
    Day,
    DayOfWeek,
    DayOfWeekIso,
    DayOfYear,
    Hour,
    Minute,
    Second,
}

/// What the parts are called.
const NAMES: &[(Part, &[&str])] = &[
    (Part::Year, &["YEAR", "Y", "YEARS", "YR", "YRS"]),
    (Part::YearOfWeek, &["YEAROFWEEK"]),
    (Part::Quarter, &["QUARTER", "QTR"]),
    (Part::Month, &["MONTH", "MON", "MONS", "MONTHS"]),
    (Part::Week, &["WEEK", "W", "WEEKS"]),
    (Part::Day, &["DAY", "D", "DAYS"]),
    (Part::DayOfWeek, &["DAYOFWEEK", "DOW"]),
    (Part::DayOfWeekIso, &["DAYOFWEEK_ISO", "DOW_ISO"]),
    (Part::DayOfYear, &["DOY"]),
    (Part::Hour, &["HOUR", "H", "HOURS", "HR", "HRS"]),
    (Part::Minute, &["MINUTE", "M", "MIN", "MINS", "MINUTES"]),
    (Part::Second, &["SECOND", "S", "SEC", "SECONDS", "SECS"]),
];

/// Seconds with their fraction.
const SECONDS: DataType = DataType::Decimal128(8, 6);

fn part_of(name: &str, source: &DataType) -> Result<Part> {
    let upper = name.to_ascii_uppercase();
    let found = NAMES.iter().find(|(_, names)| names.contains(&upper.as_str()));
    let fits = |part: &Part| match source {
        DataType::Interval(_) => matches!(part, Part::Year | Part::Month),
        DataType::Duration(_) => {
            matches!(part, Part::Day | Part::Hour | Part::Minute | Part::Second)
        }
        _ => true,
    };
    match found.map(|(part, _)| *part).filter(fits) {
        Some(part) => Ok(part),
        None => {
            plan_err!("there is no field `{name}` in {}", types::spark_type_name(source))
        }
    }
}

fn type_of(part: Part, source: &DataType) -> DataType {
    let is_interval = matches!(source, DataType::Interval(_) | DataType::Duration(_));
    match part {
        Part::Second => SECONDS,
        Part::Month | Part::Hour | Part::Minute if is_interval => DataType::Int8,
        _ => DataType::Int32,
    }
}

impl ScalarUDFImpl for DatePart {
    fn name(&self) -> &'static str {
        "date_part"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let [_, source] = given else {
            return plan_err!(
                "`date_part` takes a field and a time, not {} arguments",
                given.len()
            );
        };
        let source = match source {
            DataType::Timestamp(_, None) => types::timestamp_ntz(),
            DataType::Duration(_) => day_time(),
            DataType::Interval(IntervalUnit::YearMonth) => year_month(),
            DataType::Date32 => DataType::Date32,
            DataType::Timestamp(..)
            | DataType::Date64
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Null => types::timestamp(),
            other => {
                return plan_err!(
                    "`date_part` takes a time or an interval, not {}",
                    types::spark_type_name(other)
                );
            }
        };
        Ok(vec![DataType::Utf8, source])
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        internal_err!("the type of `date_part` depends on its field")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [Some(ScalarValue::Utf8(Some(name))), _] = args.scalar_arguments else {
            return plan_err!("the field of `date_part` must be a text that is written out");
        };
        let source = args.arg_fields[1].data_type();
        let part = part_of(name, source)?;
        Ok(Arc::new(Field::new(self.name(), type_of(part, source), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [ColumnarValue::Scalar(ScalarValue::Utf8(Some(name))), source] = args.args.as_slice()
        else {
            return exec_err!("the field of `date_part` must be a text that is written out");
        };
        let is_scalar = matches!(source, ColumnarValue::Scalar(_));
        let source = source.to_array(if is_scalar { 1 } else { args.number_rows })?;
        let part = part_of(name, source.data_type())?;
        let zone = session_zone(args.config_options.execution.time_zone.as_deref());
        let parts = parts(part, &source, zone)?;
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&parts, 0)?));
        }
        Ok(ColumnarValue::Array(parts))
    }
}

fn parts(part: Part, source: &ArrayRef, zone: TimeZone) -> Result<ArrayRef> {
    match source.data_type() {
        DataType::Date32 => {
            let dates = source.as_primitive::<Date32Type>();
            let local = dates.iter().map(|days| days.map(|d| i64::from(d) * MICROS_PER_DAY));
            of_times(part, local)
        }
        DataType::Timestamp(TimeUnit::Microsecond, has_zone) => {
            let times = source.as_primitive::<TimestampMicrosecondType>();
            let zone = if has_zone.is_some() { zone } else { TimeZone::UTC };
            of_times(part, times.iter().map(|time| time.map(|time| zone.to_local(time))))
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            let months = source.as_primitive::<IntervalYearMonthType>();
            match part {
                Part::Year => Ok(Arc::new(months.unary::<_, Int32Type>(|months| months / 12))),
                _ => {
                    let rest = |months: Option<i32>| months.map(|months| (months % 12) as i8);
                    Ok(Arc::new(months.iter().map(rest).collect::<Int8Array>()))
                }
            }
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            of_intervals(part, source.as_primitive::<DurationMicrosecondType>().iter())
        }
        other => exec_err!("`date_part` cannot take {other}"),
    }
}

fn of_intervals(part: Part, micros: impl Iterator<Item = Option<i64>>) -> Result<ArrayRef> {
    let small = |unit: i64, most: i64| move |m: Option<i64>| m.map(|m| (m / unit % most) as i8);
    Ok(match part {
        Part::Day => {
            let days = micros.map(|m| m.map(|m| (m / MICROS_PER_DAY) as i32));
            Arc::new(days.collect::<Int32Array>())
        }
        Part::Hour => Arc::new(micros.map(small(3_600_000_000, 24)).collect::<Int8Array>()),
        Part::Minute => Arc::new(micros.map(small(60_000_000, 60)).collect::<Int8Array>()),
        _ => seconds(micros.map(|m| m.map(|m| m % 60_000_000)))?,
    })
}

fn seconds(micros: impl Iterator<Item = Option<i64>>) -> Result<ArrayRef> {
    let seconds: Decimal128Array = micros.map(|micros| micros.map(i128::from)).collect();
    Ok(Arc::new(seconds.with_data_type(SECONDS)))
}

fn of_times(part: Part, local: impl Iterator<Item = Option<i64>>) -> Result<ArrayRef> {
    let of_day = |local: i64| split_day(local).1 / MICROS_PER_SECOND;
    if part == Part::Second {
        return seconds(local.map(|time| time.map(|time| split_day(time).1 % 60_000_000)));
    }
    let part = |local: i64| -> i64 {
        let days = split_day(local).0;
        let date = || Date::from_days(days);
        match part {
            Part::Year => date().year,
            Part::YearOfWeek => iso_week(days).0,
            Part::Quarter => i64::from(date().quarter()),
            Part::Month => i64::from(date().month),
            Part::Week => iso_week(days).1,
            Part::Day => i64::from(date().day),
            Part::DayOfWeek => (weekday(days) + 1) % 7 + 1,
            Part::DayOfWeekIso => weekday(days) + 1,
            Part::DayOfYear => date().day_of_year(),
            Part::Hour => of_day(local) / 3600,
            Part::Minute => of_day(local) / 60 % 60,
            Part::Second => of_day(local) % 60,
        }
    };
    let parts: Int32Array = local.map(|time| time.map(|time| part(time) as i32)).collect();
    Ok(Arc::new(parts))
}
