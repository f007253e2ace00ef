//! Drops rows that come too late, and counts their keys.
//!
//! A row is late when the watermark of the epoch before has passed its time. The watermark of the
//! epoch itself decides what is final, not what is late: a row between the two still counts.

use std::collections::HashSet;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};

use crate::error::{Error, Result};
use crate::event_time::timestamp::EventTime;
use crate::event_time::watermark::Watermark;
use crate::state::KeyHasher;
use crate::state::schema::TimeColumn;

/// Drops late rows of a stateful operator's input, and counts how many keys had some.
#[derive(Debug)]
pub struct LateRows {
    time: TimeColumn,
    watermark: Watermark,
    key: SchemaRef,
    hasher: Option<KeyHasher>,
    keys: HashSet<u64>,
}

impl LateRows {
    /// Rows are late behind `watermark`; their first columns are `key`, which has the event time.
    pub fn new(key: &SchemaRef, time: TimeColumn, watermark: Watermark) -> Self {
        let key = SchemaRef::clone(key);
        Self { time, watermark, key, hasher: None, keys: HashSet::new() }
    }

    /// The rows that are not late.
    ///
    /// # Errors
    /// `Internal` for rows that do not fit the key.
    pub fn drop_from(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let Some(timely) = timely(&batch, self.time, self.watermark)? else {
            return Ok(batch);
        };
        let late = filter_record_batch(&batch, &not(&timely)?)?;
        let hasher = match &mut self.hasher {
            Some(hasher) => hasher,
            none => none.insert(KeyHasher::try_new(&self.key)?),
        };
        let keys = &late.columns()[..self.key.fields().len()];
        self.keys.extend(hasher.hash(keys, late.num_rows())?.values());
        Ok(filter_record_batch(&batch, &timely)?)
    }

    /// How many keys had late rows.
    pub fn dropped(&self) -> u64 {
        self.keys.len() as u64
    }
}

/// Which rows the watermark has not passed; `None` when it has passed none. A row without a time is
/// never late.
fn timely(batch: &RecordBatch, time: TimeColumn, late: Watermark) -> Result<Option<BooleanArray>> {
    let column = match time {
        TimeColumn::Timestamp(index) => batch.columns().get(index),
        TimeColumn::Window(index) => {
            let window = batch.columns().get(index).and_then(|column| column.as_struct_opt());
            window.and_then(|window| window.column_by_name("end"))
        }
        TimeColumn::Value(_) => None,
    };
    let times = column
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
        .ok_or_else(|| Error::internal(format!("the rows have no event time at {time:?}")))?;
    let is_late =
        |time: Option<i64>| time.is_some_and(|t| late.has_passed(EventTime::from_micros(t)));
    if !times.iter().any(is_late) {
        return Ok(None);
    }
    Ok(Some(times.iter().map(|time| Some(!is_late(time))).collect()))
}
