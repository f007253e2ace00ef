//! Values as text, as Spark's cast to string spells them: what a person is shown, and what a key
//! of a map becomes in JSON.

use std::fmt::Write;

use arrow::array::types::{
    ArrowTimestampType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, FixedOffset, NaiveDateTime, Timelike};

use crate::error::Result;
use crate::event_time::zone::TimeZone;
use crate::formats::interval_text::push_interval;

/// What stands for a missing value, at the top and inside of lists, maps and structs.
pub const NULL: &str = "NULL";

/// The time zone in which points in time are shown; UTC unless another one is named.
#[derive(Debug, Clone, Copy, Default)]
pub struct Zone(TimeZone, bool);

impl Zone {
    /// A zone by its name, such as `Europe/Oslo`, or by its distance from UTC, such as `+02:00`.
    ///
    /// # Errors
    /// `Invalid` for a name that no zone has.
    pub fn parse(name: &str) -> Result<Self> {
        TimeZone::parse(name).map(|zone| Self(zone, false))
    }

    /// The same for a cast to text, which writes missing values inside of others in small letters.
    #[must_use]
    pub const fn in_cast(self) -> Self {
        Self(self.0, true)
    }

    const fn null(self) -> &'static str {
        if self.1 { "null" } else { NULL }
    }
}

/// Appends the value in `row` of `array` to `out`.
///
/// # Errors
/// `Data` for a value that its type does not allow.
pub fn write_value(out: &mut String, array: &dyn Array, row: usize, zone: &Zone) -> Result<()> {
    if array.is_null(row) {
        out.push_str(zone.null());
        return Ok(());
    }
    match array.data_type() {
        DataType::Null => out.push_str(zone.null()),
        DataType::Utf8 => out.push_str(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => out.push_str(array.as_string::<i64>().value(row)),
        DataType::Utf8View => out.push_str(array.as_string_view().value(row)),
        DataType::Float32 => {
            push_float32(out, array.as_primitive::<Float32Type>().value(row));
        }
        DataType::Float64 => {
            push_float64(out, array.as_primitive::<Float64Type>().value(row));
        }
        DataType::Binary => push_bytes(out, array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => push_bytes(out, array.as_binary::<i64>().value(row)),
        DataType::BinaryView => push_bytes(out, array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => {
            push_bytes(out, array.as_fixed_size_binary().value(row));
        }
        DataType::Timestamp(_, has_zone) => {
            push_timestamp(out, array, row, has_zone.is_some().then_some(zone));
        }
        DataType::Duration(_) | DataType::Interval(_) => push_interval(out, array, row)?,
        DataType::List(_) => push_list(out, &array.as_list::<i32>().value(row), zone)?,
        DataType::LargeList(_) => push_list(out, &array.as_list::<i64>().value(row), zone)?,
        DataType::FixedSizeList(_, _) => {
            push_list(out, &array.as_fixed_size_list().value(row), zone)?;
        }
        DataType::Map(_, _) => push_map(out, &array.as_map().value(row), zone)?,
        DataType::Struct(_) => push_struct(out, array.as_struct(), row, zone)?,
        DataType::Dictionary(_, values) => {
            let value = cast(&array.slice(row, 1), values)?;
            write_value(out, value.as_ref(), 0, zone)?;
        }
        _ => push_other(out, array, row)?,
    }
    Ok(())
}

/// A double as the JVM spells it: `1.0`, `1.0E10`, `NaN`, `-Infinity`.
pub fn push_float64(out: &mut String, value: f64) {
    if value.is_nan() || value.is_infinite() {
        return push_not_finite(out, value);
    }
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        push_text(out, format_args!("{value:?}"));
    } else {
        push_scientific(out, &format!("{value:E}"));
    }
}

/// A float as the JVM spells it, with the fewest digits that tell it from its neighbours.
pub fn push_float32(out: &mut String, value: f32) {
    if value.is_nan() || value.is_infinite() {
        return push_not_finite(out, f64::from(value));
    }
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        push_text(out, format_args!("{value:?}"));
    } else {
        push_scientific(out, &format!("{value:E}"));
    }
}

/// The date and time of a timestamp in UTC; `None` for one beyond what a calendar holds.
pub fn utc_date_time(array: &dyn Array, row: usize) -> Option<NaiveDateTime> {
    let (value, per_second) = timestamp_value(array, row);
    let nanos = value.rem_euclid(per_second) * (1_000_000_000 / per_second);
    let nanos = u32::try_from(nanos).ok()?;
    DateTime::from_timestamp(value.div_euclid(per_second), nanos).map(|time| time.naive_utc())
}

/// A timestamp as it is stored, and how many of its units make a second.
fn timestamp_value(array: &dyn Array, row: usize) -> (i64, i64) {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            (value_of::<TimestampSecondType>(array, row), 1)
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            (value_of::<TimestampMillisecondType>(array, row), 1_000)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            (value_of::<TimestampNanosecondType>(array, row), 1_000_000_000)
        }
        _ => (value_of::<TimestampMicrosecondType>(array, row), 1_000_000),
    }
}

fn value_of<T: ArrowTimestampType>(array: &dyn Array, row: usize) -> i64 {
    array.as_primitive::<T>().value(row)
}

fn push_text(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}

fn push_not_finite(out: &mut String, value: f64) {
    out.push_str(if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    });
}

fn push_scientific(out: &mut String, text: &str) {
    match text.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => {
            push_text(out, format_args!("{mantissa}.0E{exponent}"));
        }
        _ => out.push_str(text),
    }
}

fn push_bytes(out: &mut String, bytes: &[u8]) {
    out.push('[');
    for (at, byte) in bytes.iter().enumerate() {
        let gap = if at == 0 { "" } else { " " };
        push_text(out, format_args!("{gap}{byte:02X}"));
    }
    out.push(']');
}

fn push_timestamp(out: &mut String, array: &dyn Array, row: usize, zone: Option<&Zone>) {
    let Some(local) = utc_date_time(array, row).and_then(|utc| match zone {
        Some(zone) => {
            let offset = zone.0.offset_seconds(utc.and_utc().timestamp_micros());
            utc.checked_add_offset(FixedOffset::east_opt(offset)?)
        }
        None => Some(utc),
    }) else {
        // No calendar of ours goes that far; the bare number is better than a failed query.
        return push_text(out, format_args!("{}", timestamp_value(array, row).0));
    };
    let (hour, minute, second) = (local.hour(), local.minute(), local.second());
    push_text(out, format_args!("{} {hour:02}:{minute:02}:{second:02}", local.date()));
    if local.nanosecond() > 0 {
        let digits = format!("{:09}", local.nanosecond());
        push_text(out, format_args!(".{}", digits.trim_end_matches('0')));
    }
}

fn push_list(out: &mut String, items: &ArrayRef, zone: &Zone) -> Result<()> {
    out.push('[');
    for row in 0..items.len() {
        push_gap(out, row);
        write_value(out, items.as_ref(), row, zone)?;
    }
    out.push(']');
    Ok(())
}

fn push_map(out: &mut String, entries: &StructArray, zone: &Zone) -> Result<()> {
    let (keys, values) = (entries.column(0), entries.column(1));
    out.push('{');
    for row in 0..entries.len() {
        push_gap(out, row);
        write_value(out, keys.as_ref(), row, zone)?;
        out.push_str(" -> ");
        write_value(out, values.as_ref(), row, zone)?;
    }
    out.push('}');
    Ok(())
}

fn push_struct(out: &mut String, fields: &StructArray, row: usize, zone: &Zone) -> Result<()> {
    out.push('{');
    for (at, column) in fields.columns().iter().enumerate() {
        push_gap(out, at);
        write_value(out, column.as_ref(), row, zone)?;
    }
    out.push('}');
    Ok(())
}

fn push_gap(out: &mut String, at: usize) {
    if at > 0 {
        out.push_str(", ");
    }
}

/// Whole numbers, decimals, booleans and dates are spelled alike by Arrow and Spark.
fn push_other(out: &mut String, array: &dyn Array, row: usize) -> Result<()> {
    // A date that no calendar holds shows why instead of failing the query.
    let options = FormatOptions::new().with_display_error(true);
    let formatter = ArrayFormatter::try_new(array, &options)?;
    formatter.value(row).write(out)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::builder::{Int32Builder, MapBuilder, StringBuilder};
    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
        Int32Array, ListArray, StringArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::{Field, Int32Type};

    use super::*;

    fn text(array: &dyn Array, zone: &str) -> Vec<String> {
        let zone = Zone::parse(zone).unwrap();
        (0..array.len())
            .map(|row| {
                let mut out = String::new();
                write_value(&mut out, array, row, &zone).unwrap();
                out
            })
            .collect()
    }

    #[test]
    fn doubles_are_spelled_as_the_jvm_does() {
        let values = Float64Array::from(vec![
            1.0,
            -0.0,
            0.001,
            0.0001,
            9_999_999.0,
            1e7,
            1.25e-9,
            f64::NAN,
            f64::NEG_INFINITY,
        ]);
        assert_eq!(
            text(&values, "UTC"),
            ["1.0", "-0.0", "0.001", "1.0E-4", "9999999.0", "1.0E7", "1.25E-9", "NaN", "-Infinity"]
        );
        assert_eq!(text(&Float32Array::from(vec![0.1, 1e10]), "UTC"), ["0.1", "1.0E10"]);
    }

    #[test]
    fn timestamps_show_in_the_zone_and_lose_the_zeros_at_their_end() {
        let values = vec![0, 1_704_067_200_500_000, -1];
        let instants = TimestampMicrosecondArray::from(values.clone()).with_timezone("UTC");
        assert_eq!(
            text(&instants, "UTC"),
            ["1970-01-01 00:00:00", "2024-01-01 00:00:00.5", "1969-12-31 23:59:59.999999"]
        );
        assert_eq!(text(&instants, "Asia/Tokyo")[1], "2024-01-01 09:00:00.5");
        // A timestamp without zone is the same everywhere.
        let local = TimestampMicrosecondArray::from(values);
        assert_eq!(text(&local, "Asia/Tokyo")[1], "2024-01-01 00:00:00.5");
    }

    #[test]
    fn a_timestamp_beyond_the_calendar_does_not_fail() {
        let values = TimestampMicrosecondArray::from(vec![i64::MAX]).with_timezone("UTC");
        assert_eq!(text(&values, "UTC"), [i64::MAX.to_string()]);
    }

    #[test]
    fn simple_values_and_nulls() {
        assert_eq!(text(&Int32Array::from(vec![Some(-1), None]), "UTC"), ["-1", "NULL"]);
        assert_eq!(text(&BooleanArray::from(vec![true]), "UTC"), ["true"]);
        assert_eq!(text(&Date32Array::from(vec![19_723]), "UTC"), ["2024-01-01"]);
        let decimals = Decimal128Array::from(vec![120, -5]).with_precision_and_scale(10, 2);
        assert_eq!(text(&decimals.unwrap(), "UTC"), ["1.20", "-0.05"]);
        assert_eq!(text(&BinaryArray::from_vec(vec![b"\x01\xff"]), "UTC"), ["[01 FF]"]);
    }

    #[test]
    fn nested_values_show_their_nulls() {
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
            Some(vec![Some(1), None, Some(3)]),
            Some(vec![]),
        ]);
        assert_eq!(text(&lists, "UTC"), ["[1, NULL, 3]", "[]"]);

        let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
        maps.keys().append_value("a");
        maps.values().append_value(1);
        maps.keys().append_value("b");
        maps.values().append_null();
        maps.append(true).unwrap();
        assert_eq!(text(&maps.finish(), "UTC"), ["{a -> 1, b -> NULL}"]);

        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None]));
        let structs = StructArray::from(vec![
            (Arc::new(Field::new("name", DataType::Utf8, true)), names),
            (Arc::new(Field::new("items", lists.data_type().clone(), true)), Arc::new(lists) as _),
        ]);
        assert_eq!(text(&structs, "UTC"), ["{x, [1, NULL, 3]}", "{NULL, []}"]);
    }

    #[test]
    fn an_unknown_zone_is_named() {
        assert!(Zone::parse("Mars/Base").unwrap_err().to_string().contains("`Mars/Base`"));
    }
}
