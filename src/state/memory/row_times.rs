//! The event time of each row, from its key columns or its value columns.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, TimeUnit, TimestampMicrosecondType};

use crate::error::{Error, Result};
use crate::state::memory::times::NO_TIME;
use crate::state::schema::{StateSchema, TimeColumn};

/// Refuses a schema whose event time is not where it says.
pub(super) fn check(schema: &StateSchema) -> Result<()> {
    let Some(time) = schema.time else { return Ok(()) };
    let (columns, index) = match time {
        TimeColumn::Timestamp(index) | TimeColumn::Window(index) => (&schema.key, index),
        TimeColumn::Value(index) => (&schema.value, index),
    };
    let data_type = columns.fields().get(index).map(|field| field.data_type());
    let fits = match (time, data_type) {
        (TimeColumn::Timestamp(_) | TimeColumn::Value(_), Some(data_type)) => is_time(data_type),
        (TimeColumn::Window(_), Some(DataType::Struct(fields))) => {
            fields.iter().any(|field| field.name() == "end" && is_time(field.data_type()))
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(Error::internal(format!("{time:?} is no event time in microseconds of {columns:?}")))
}

/// The event times, in microseconds, of rows whose columns fit the schema.
pub(super) fn times(
    time: TimeColumn,
    columns: &[ArrayRef],
    fields: &[impl AsRef<Field>],
) -> Result<Vec<i64>> {
    let missing = || Error::internal("the state has no event time where its schema says");
    let (TimeColumn::Timestamp(index) | TimeColumn::Window(index) | TimeColumn::Value(index)) =
        time;
    let column = columns.get(index).ok_or_else(missing)?;
    let (times, nulls) = match time {
        TimeColumn::Timestamp(_) | TimeColumn::Value(_) => (column, column.nulls().cloned()),
        TimeColumn::Window(_) => {
            let end = end_of(fields.get(index).ok_or_else(missing)?.as_ref());
            let windows = column.as_struct_opt().ok_or_else(missing)?;
            let ends = end.and_then(|end| windows.columns().get(end)).ok_or_else(missing)?;
            (ends, NullBuffer::union(windows.nulls(), ends.nulls()))
        }
    };
    let times = times.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(missing)?;
    let is_valid = |row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    let time = |(row, time): (usize, &i64)| if is_valid(row) { *time } else { NO_TIME };
    Ok(times.values().iter().enumerate().map(time).collect())
}

const fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(TimeUnit::Microsecond, _))
}

fn end_of(window: &Field) -> Option<usize> {
    match window.data_type() {
        DataType::Struct(fields) => fields.iter().position(|field| field.name() == "end"),
        _ => None,
    }
}
