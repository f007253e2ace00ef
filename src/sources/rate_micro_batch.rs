//! The source `rate-micro-batch`: the same number of rows in each epoch, counted from 0, all rows
//! of an epoch with one time. Nothing depends on a clock, so two runs give the same epochs.
//!
//! ```text
//! offset {"offset":6,"timestamp":2000}   6 rows so far; the next have the time 2000
//! ```

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::execution::SendableRecordBatchStream;
use serde::{Deserialize, Serialize};

use crate::connector::offset::Offset;
use crate::connector::option_doc::{OptionDoc, OptionDocs};
use crate::connector::options::{OptionReader, Options};
use crate::connector::source::{
    DefineContext, Freshness, InputPartition, MicroBatchSource, ReadLimit, SourceContext,
    SourceDefinition, SourceFactory, foreign,
};
use crate::connector::storage::Storage;
use crate::error::{Error, Result};
use crate::sources::generated::{Numbers, NumbersPartition, schema};
use crate::sources::stream_only::{StreamOnly, own_columns};

const OPTIONS: &[OptionDoc] = &[
    OptionDoc::honoured("rowsPerBatch", OptionDoc::REQUIRED, "5", "how many rows each epoch has"),
    OptionDoc::honoured(
        "numPartitions",
        "",
        "3",
        "in how many partitions rows are made; without it as many as the session reads in",
    ),
    OptionDoc::honoured(
        "startTimestamp",
        "0",
        "1000",
        "the time of the rows of the first epoch, milliseconds since 1970 in UTC",
    ),
    OptionDoc::honoured(
        "advanceMillisPerBatch",
        "1000",
        "50",
        "how much later the rows of the next epoch are, in milliseconds",
    ),
];

/// Makes sources of the format `rate-micro-batch`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RateMicroBatchSourceFactory;

#[async_trait]
impl SourceFactory for RateMicroBatchSourceFactory {
    fn options(&self) -> OptionDocs {
        &[OPTIONS]
    }

    async fn define(
        &self,
        options: &Options,
        schema: Option<SchemaRef>,
        _context: &DefineContext,
    ) -> Result<Arc<dyn SourceDefinition>> {
        own_columns("rate-micro-batch", schema.as_ref(), "`timestamp` and `value`")?;
        let mut reader = options.reader("source `rate-micro-batch`", self.options());
        reader.required("rowsPerBatch", "it is the number of rows of each epoch")?;
        let rows = reader.positive("rowsPerBatch")?.unwrap_or(1);
        let Ok(rows_per_batch) = i64::try_from(rows) else {
            return Err(reader.invalid("rowsPerBatch", &rows.to_string(), "it is too large"));
        };
        let partitions = reader.positive("numPartitions")?.map(|count| count as usize);
        let first = not_negative(&mut reader, "startTimestamp")?.unwrap_or(0);
        let advance = not_negative(&mut reader, "advanceMillisPerBatch")?.unwrap_or(1_000);
        reader.finish()?;
        Ok(Arc::new(RateMicroBatchDefinition(Plan { rows_per_batch, partitions, first, advance })))
    }
}

fn not_negative(reader: &mut OptionReader<'_>, name: &'static str) -> Result<Option<i64>> {
    let expected = "it must be a whole number of milliseconds that is not negative";
    match reader.parsed::<i64>(name, expected)? {
        Some(value) if value < 0 => Err(reader.invalid(name, &value.to_string(), expected)),
        other => Ok(other),
    }
}

/// What the options say.
#[derive(Debug, Clone, Copy)]
struct Plan {
    rows_per_batch: i64,
    partitions: Option<usize>,
    first: i64,
    advance: i64,
}

#[derive(Debug)]
struct RateMicroBatchDefinition(Plan);

#[async_trait]
impl SourceDefinition for RateMicroBatchDefinition {
    fn format(&self) -> &'static str {
        "rate-micro-batch"
    }

    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn takes_filters(&self) -> bool {
        false
    }

    fn start(&self, _context: SourceContext) -> Result<Arc<dyn MicroBatchSource>> {
        Ok(Arc::new(RateMicroBatchSource { plan: self.0, end: Mutex::default() }))
    }

    async fn table(
        &self,
        _storage: &Arc<dyn Storage>,
        freshness: Freshness,
    ) -> Result<Arc<dyn TableProvider>> {
        StreamOnly::table("rate-micro-batch", schema(), freshness)
    }
}

/// One run of a source.
#[derive(Debug)]
struct RateMicroBatchSource {
    plan: Plan,
    end: Mutex<End>,
}

/// Where a run ends.
#[derive(Debug, Default)]
enum End {
    #[default]
    Never,
    /// After the next epoch, wherever it begins.
    AfterNext,
    At(Position),
}

/// How many rows there were, and the time of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    offset: i64,
    timestamp: i64,
}

impl fmt::Display for RateMicroBatchSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { rows_per_batch, partitions, first, advance } = self.plan;
        let partitions = partitions.map_or_else(|| "default".to_owned(), |n| n.to_string());
        write!(
            f,
            "RatePerMicroBatchStream[rowsPerBatch={rows_per_batch}, numPartitions={partitions}, startTimestamp={first}, advanceMsPerBatch={advance}]"
        )
    }
}

impl RateMicroBatchSource {
    fn position(&self, offset: Option<&Offset>) -> Result<Position> {
        let Some(offset) = offset else {
            return Ok(Position { offset: 0, timestamp: self.plan.first });
        };
        Position::deserialize(offset.json())
            .ok()
            .filter(|position| position.offset >= 0)
            .ok_or_else(|| foreign(self, offset.json()))
    }

    fn after(&self, start: Position) -> Result<Position> {
        let too_far = || Error::invalid(format!("{self} cannot count further than {start:?}"));
        Ok(Position {
            offset: start.offset.checked_add(self.plan.rows_per_batch).ok_or_else(too_far)?,
            timestamp: start.timestamp.checked_add(self.plan.advance).ok_or_else(too_far)?,
        })
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl MicroBatchSource for RateMicroBatchSource {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    async fn recover(&self, last: Option<&Offset>) -> Result<()> {
        self.position(last).map(drop)
    }

    async fn latest_offset(
        &self,
        start: Option<&Offset>,
        _limit: ReadLimit,
    ) -> Result<Option<Offset>> {
        let next = self.after(self.position(start)?)?;
        let mut end = self.end();
        let latest = match *end {
            End::Never => next,
            End::At(position) => position,
            End::AfterNext => {
                *end = End::At(next);
                next
            }
        };
        let json = serde_json::to_value(latest).map_err(|e| Error::internal(e.to_string()))?;
        Ok(Some(Offset::new(json)))
    }

    async fn freeze_end(&self) -> Result<()> {
        *self.end() = End::AfterNext;
        Ok(())
    }

    async fn plan(
        &self,
        start: Option<&Offset>,
        end: &Offset,
        parallelism: usize,
    ) -> Result<Vec<InputPartition>> {
        let (from, to) = (self.position(start)?, self.position(Some(end))?);
        let numbers = Numbers {
            from: from.offset,
            to: to.offset,
            start_millis: from.timestamp,
            step_millis: 0.0,
        };
        numbers.split(self.plan.partitions.unwrap_or(parallelism))
    }

    async fn read(
        &self,
        partition: &InputPartition,
        projection: Option<&[usize]>,
    ) -> Result<SendableRecordBatchStream> {
        let partition: NumbersPartition = serde_json::from_value(partition.0.clone())
            .map_err(|_error| foreign(self, &partition.0))?;
        partition.rows(projection)
    }

    async fn commit(&self, _end: &Offset) -> Result<()> {
        // Any range can be made again.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
    use futures::TryStreamExt;
    use serde_json::json;

    use super::*;
    use crate::checkpoint::storage::LocalStorage;
    use crate::event_time::zone::TimeZone;
    use crate::runtime::clock::ManualClock;

    async fn start(options: &[(&str, &str)]) -> Result<Arc<dyn MicroBatchSource>> {
        let storage = Arc::new(LocalStorage::default());
        let context = DefineContext::new(Arc::<LocalStorage>::clone(&storage));
        let options = options.iter().copied().collect();
        let definition = RateMicroBatchSourceFactory.define(&options, None, &context).await?;
        let (folder, clock) = (storage.open("/nowhere")?, Arc::new(ManualClock::new(0)));
        definition.start(SourceContext { folder, storage, clock, time_zone: TimeZone::UTC })
    }

    fn at(offset: i64, timestamp: i64) -> Offset {
        Offset::new(json!({ "offset": offset, "timestamp": timestamp }))
    }

    async fn next(source: &dyn MicroBatchSource, start: Option<&Offset>) -> Offset {
        source.latest_offset(start, ReadLimit::Configured).await.unwrap().unwrap()
    }

    const OPTIONS: [(&str, &str); 4] = [
        ("rowsPerBatch", "5"),
        ("numPartitions", "2"),
        ("startTimestamp", "1000"),
        ("advanceMillisPerBatch", "50"),
    ];

    /// The offsets and rows are those that Spark gave for these options.
    #[tokio::test]
    async fn each_epoch_has_the_next_rows_with_one_time() {
        let source = start(&OPTIONS).await.unwrap();
        let first = next(source.as_ref(), None).await;
        assert_eq!(first, at(5, 1_050));
        let second = next(source.as_ref(), Some(&first)).await;
        assert_eq!(second, at(10, 1_100));
        let mut partitions = vec![];
        for part in source.plan(Some(&first), &second, 8).await.unwrap() {
            let rows = source.read(&part, Some(&[1, 0])).await.unwrap();
            let batches: Vec<_> = rows.try_collect().await.unwrap();
            let times = batches[0].column(1).as_primitive::<TimestampMicrosecondType>();
            assert!(times.values().iter().all(|micros| *micros == 1_050_000));
            partitions.push(batches[0].column(0).as_primitive::<Int64Type>().values().to_vec());
        }
        assert_eq!(partitions, [vec![5, 7, 9], vec![6, 8]]);
    }

    #[tokio::test]
    async fn a_run_over_what_is_available_has_one_epoch() {
        let source = start(&OPTIONS).await.unwrap();
        let before = at(5, 1_050);
        source.recover(Some(&before)).await.unwrap();
        source.freeze_end().await.unwrap();
        let end = next(source.as_ref(), Some(&before)).await;
        assert_eq!(end, at(10, 1_100));
        assert_eq!(next(source.as_ref(), Some(&end)).await, end);
    }

    #[tokio::test]
    async fn options_and_offsets_that_cannot_be_used_are_refused() {
        assert!(matches!(start(&[]).await, Err(Error::MissingOption { .. })));
        for (option, value) in [
            ("rowsPerBatch", "0"),
            ("numPartitions", "0"),
            ("startTimestamp", "-1"),
            ("startTimestamp", "2024-01-01"),
            ("advanceMillisPerBatch", "-1"),
        ] {
            let error = start(&[("rowsPerBatch", "2"), (option, value)]).await.unwrap_err();
            assert!(error.to_string().contains(option), "{error}");
        }
        let source = start(&OPTIONS).await.unwrap();
        for foreign in [json!(3), json!({"offset": 3}), json!({"offset": -3, "timestamp": 0})] {
            let foreign = Offset::new(foreign);
            assert!(source.recover(Some(&foreign)).await.is_err(), "{foreign}");
        }
        let far = at(i64::MAX, 0);
        assert!(source.latest_offset(Some(&far), ReadLimit::Configured).await.is_err());
    }
}
