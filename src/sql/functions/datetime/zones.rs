//! Time zones: `from_utc_timestamp`, `to_utc_timestamp`, `convert_timezone`, `current_timezone`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::error::Result;

use crate::event_time::zone::TimeZone;
use crate::sql::functions::datetime::function::{Call, Takes, TimeFunction, string};
use crate::sql::types;

/// The functions.
pub(super) fn functions() -> Vec<TimeFunction> {
    let shift = |name, run| {
        TimeFunction::new(name, &[Takes::Timestamp, Takes::Text], types::timestamp, run)
    };
    vec![
        shift("from_utc_timestamp", |call| shifted(call, TimeZone::to_local)),
        shift("to_utc_timestamp", |call| shifted(call, TimeZone::to_utc)),
        // The binder writes the zone of the session in front where there is one zone only.
        TimeFunction::new(
            "convert_timezone",
            &[Takes::Text, Takes::Text, Takes::Ntz],
            types::timestamp_ntz,
            convert,
        ),
        TimeFunction::new("current_timezone", &[], string, |call| {
            Ok(Arc::new(StringArray::from(vec![call.zone.name(); call.rows])))
        }),
    ]
}

/// The zones of a column, of which there are few: the last one is kept.
struct Zones<'a> {
    names: &'a StringArray,
    last: Option<(&'a str, TimeZone)>,
}

impl<'a> Zones<'a> {
    const fn new(names: &'a StringArray) -> Self {
        Self { names, last: None }
    }

    fn get(&mut self, row: usize) -> Result<Option<TimeZone>> {
        if self.names.is_null(row) {
            return Ok(None);
        }
        let name = self.names.value(row);
        if let Some((last, zone)) = self.last
            && last == name
        {
            return Ok(Some(zone));
        }
        let zone = TimeZone::parse(name)?;
        self.last = Some((name, zone));
        Ok(Some(zone))
    }
}

fn shifted(call: &Call<'_>, shift: fn(TimeZone, i64) -> i64) -> Result<ArrayRef> {
    let times = call.primitive::<TimestampMicrosecondType>(0)?;
    let mut zones = Zones::new(call.text(1)?);
    Call::timestamps(times.iter().enumerate().map(|(row, time)| {
        let zone = zones.get(row)?;
        Ok(time.zip(zone).map(|(time, zone)| shift(zone, time)))
    }))
}

fn convert(call: &Call<'_>) -> Result<ArrayRef> {
    let (mut sources, mut targets) = (Zones::new(call.text(0)?), Zones::new(call.text(1)?));
    let times = call.primitive::<TimestampMicrosecondType>(2)?;
    Call::times_ntz(times.iter().enumerate().map(|(row, time)| {
        let (Some(time), Some(source), Some(target)) = (time, sources.get(row)?, targets.get(row)?)
        else {
            return Ok(None);
        };
        Ok(Some(target.to_local(source.to_utc(time))))
    }))
}
