//! Rows as JSON values, in the form in which the recorded runs of Spark have them.
//!
//! | type             | value                                                                 |
//! |------------------|-----------------------------------------------------------------------|
//! | timestamp        | ISO-8601 with `Z`, microseconds only where they are not zero          |
//! | `timestamp_ntz`  | the same without `Z`                                                  |
//! | date             | `YYYY-MM-DD`                                                          |
//! | decimal          | a string with the whole scale                                         |
//! | float, double    | a number, or `"NaN"`, `"Infinity"`, `"-Infinity"`                     |
//! | binary           | base64                                                                |
//! | array, struct    | an array, an object                                                   |
//! | map              | an array of `[key, value]`, sorted                                    |

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDateTime, Timelike};
use millstream::formats::display::{Zone, write_value};
use serde_json::{Map, Value};

use crate::outcome::Fallible;

/// The rows of a batch, in column order.
pub(crate) fn rows(batch: &RecordBatch) -> Fallible<Vec<Vec<Value>>> {
    let columns: Vec<Vec<Value>> = batch.columns().iter().map(values).collect::<Fallible<_>>()?;
    let row = |index: usize| columns.iter().map(|column| column[index].clone()).collect();
    Ok((0..batch.num_rows()).map(row).collect())
}

/// The rows of several batches.
pub(crate) fn all_rows(batches: &[RecordBatch]) -> Fallible<Vec<Vec<Value>>> {
    let mut all = Vec::new();
    for batch in batches {
        all.extend(rows(batch)?);
    }
    Ok(all)
}

/// The values of an array.
fn values(array: &ArrayRef) -> Fallible<Vec<Value>> {
    let values: Vec<Value> = match array.data_type() {
        DataType::Null => vec![Value::Null; array.len()],
        DataType::Boolean => each(array, |i| Value::from(array.as_boolean().value(i))),
        DataType::UInt64 => {
            let text = cast(array, &DataType::Utf8)?;
            each(array, |i| Value::from(text.as_string::<i32>().value(i)))
        }
        integer if integer.is_integer() => {
            let wide = cast(array, &DataType::Int64)?;
            each(array, |i| Value::from(wide.as_primitive::<Int64Type>().value(i)))
        }
        float if float.is_floating() => {
            let wide = cast(array, &DataType::Float64)?;
            each(array, |i| number(wide.as_primitive::<Float64Type>().value(i)))
        }
        DataType::Decimal128(_, _) => {
            let decimals = array.as_primitive::<Decimal128Type>();
            each(array, |i| Value::from(decimals.value_as_string(i)))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let text = cast(array, &DataType::Utf8)?;
            each(array, |i| Value::from(text.as_string::<i32>().value(i)))
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            let bytes = cast(array, &DataType::Binary)?;
            each(array, |i| Value::from(STANDARD.encode(bytes.as_binary::<i32>().value(i))))
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>();
            each(array, |i| {
                days.value_as_date(i).map_or(Value::Null, |day| Value::from(day.to_string()))
            })
        }
        DataType::Timestamp(_, zone) => {
            let micros = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
            let micros = micros.as_primitive::<TimestampMicrosecondType>();
            let end = if zone.is_some() { "Z" } else { "" };
            each(array, |i| Value::from(format!("{}{end}", timestamp(micros.value(i)))))
        }
        _ => return nested(array),
    };
    Ok(values)
}

fn nested(array: &ArrayRef) -> Fallible<Vec<Value>> {
    match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            try_each(array, |i| Ok(Value::Array(values(&list.value(i))?)))
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            try_each(array, |i| Ok(Value::Array(values(&list.value(i))?)))
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let columns: Vec<_> = columns.iter().map(values).collect::<Fallible<_>>()?;
            try_each(array, |i| {
                let pairs = fields.iter().zip(&columns);
                let object: Map<_, _> = pairs
                    .map(|(field, column)| (field.name().clone(), column[i].clone()))
                    .collect();
                Ok(Value::Object(object))
            })
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            try_each(array, |i| {
                let entries = map.value(i);
                let (keys, items) = (values(entries.column(0))?, values(entries.column(1))?);
                let mut pairs: Vec<Value> = keys
                    .into_iter()
                    .zip(items)
                    .map(|(key, item)| Value::Array(vec![key, item]))
                    .collect();
                pairs.sort_by_key(Value::to_string);
                Ok(Value::Array(pairs))
            })
        }
        DataType::Dictionary(_, inner) => values(&cast(array, inner)?),
        DataType::Interval(_) | DataType::Duration(_) => try_each(array, |i| {
            let mut text = String::new();
            write_value(&mut text, array.as_ref(), i, &Zone::default())?;
            Ok(Value::from(text))
        }),
        _ => {
            let options = FormatOptions::default();
            let text = ArrayFormatter::try_new(array.as_ref(), &options)?;
            Ok(each(array, |i| Value::from(text.value(i).to_string())))
        }
    }
}

fn each(array: &ArrayRef, value: impl Fn(usize) -> Value) -> Vec<Value> {
    (0..array.len()).map(|i| if array.is_null(i) { Value::Null } else { value(i) }).collect()
}

fn try_each(array: &ArrayRef, value: impl Fn(usize) -> Fallible<Value>) -> Fallible<Vec<Value>> {
    (0..array.len()).map(|i| if array.is_null(i) { Ok(Value::Null) } else { value(i) }).collect()
}

fn number(value: f64) -> Value {
    if value.is_nan() {
        Value::from("NaN")
    } else if value.is_infinite() {
        Value::from(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        Value::from(value)
    }
}

/// A time without its zone.
fn timestamp(micros: i64) -> String {
    let Some(time) = DateTime::from_timestamp_micros(micros) else { return format!("{micros}us") };
    let time: NaiveDateTime = time.naive_utc();
    let form = if time.nanosecond() == 0 { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S%.6f" };
    time.format(form).to_string()
}
