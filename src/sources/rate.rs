//! The source `rate`: so many rows in each second, counted from 0, for trials and measurements.
//!
//! An offset is a number of whole seconds since the source was created, and the rows of a range of
//! seconds follow from that time and the options. So the time is kept in the checkpoint, where
//! Spark keeps it, and a restart goes on with the same sequence:
//!
//! ```text
//! sources/<name>/0   v1
//!                    1700000000000
//! ```

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::execution::SendableRecordBatchStream;
use serde_json::json;

use crate::checkpoint::metadata_log::MetadataLog;
use crate::connector::offset::Offset;
use crate::connector::option_doc::{OptionDoc, OptionDocs};
use crate::connector::options::Options;
use crate::connector::source::{
    DefineContext, Freshness, InputPartition, MicroBatchSource, ReadLimit, SourceContext,
    SourceDefinition, SourceFactory, foreign,
};
use crate::connector::storage::Storage;
use crate::error::{Error, Result};
use crate::runtime::clock::Clock;
use crate::sources::generated::{Numbers, NumbersPartition, schema};
use crate::sources::stream_only::{StreamOnly, own_columns};

const OPTIONS: &[OptionDoc] = &[
    OptionDoc::honoured("rowsPerSecond", "1", "10", "how many rows each second has"),
    OptionDoc::honoured(
        "rampUpTime",
        "0s",
        "5s",
        "how long it takes until a second has all its rows, in steps of whole seconds",
    ),
    OptionDoc::honoured(
        "numPartitions",
        "",
        "3",
        "in how many partitions rows are made; without it as many as the session reads in",
    ),
];

/// Makes sources of the format `rate`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RateSourceFactory;

#[async_trait]
impl SourceFactory for RateSourceFactory {
    fn options(&self) -> OptionDocs {
        &[OPTIONS]
    }

    async fn define(
        &self,
        options: &Options,
        schema: Option<SchemaRef>,
        _context: &DefineContext,
    ) -> Result<Arc<dyn SourceDefinition>> {
        own_columns("rate", schema.as_ref(), "`timestamp` and `value`")?;
        let mut reader = options.reader("source `rate`", self.options());
        let rows = reader.positive("rowsPerSecond")?.unwrap_or(1);
        let Ok(rows_per_second) = i64::try_from(rows) else {
            return Err(reader.invalid("rowsPerSecond", &rows.to_string(), "it is too large"));
        };
        let ramp_up_seconds = reader.time("rampUpTime", 1_000_000)?.unwrap_or(0) / 1_000_000;
        let partitions = reader.positive("numPartitions")?.map(|count| count as usize);
        let speed = Speed { rows_per_second, ramp_up_seconds };
        if speed.rows_before(ramp_up_seconds).is_none() {
            let text = options.get("rampUpTime").unwrap_or_default();
            let reason = "the number of rows until then is too large";
            return Err(reader.invalid("rampUpTime", text, reason));
        }
        reader.finish()?;
        Ok(Arc::new(RateDefinition { speed, partitions }))
    }
}

/// How many rows there are, and when.
#[derive(Debug, Clone, Copy)]
struct Speed {
    rows_per_second: i64,
    ramp_up_seconds: i64,
}

impl Speed {
    /// How many rows there are in so many seconds; none for more than can be counted.
    ///
    /// While the source starts up, each second has some rows more than the one before: with 10
    /// rows and 4 seconds there are 0, 2, 4, 6, 8, and from then on 10.
    fn rows_before(self, seconds: i64) -> Option<i64> {
        let step = self.rows_per_second / self.ramp_up_seconds.checked_add(1)?;
        let ramp = seconds.min(self.ramp_up_seconds);
        let halves = i128::from(ramp) * i128::from(ramp + 1) / 2 * i128::from(step);
        let full = i128::from(seconds - ramp) * i128::from(self.rows_per_second);
        i64::try_from(halves + full).ok()
    }
}

#[derive(Debug)]
struct RateDefinition {
    speed: Speed,
    partitions: Option<usize>,
}

#[async_trait]
impl SourceDefinition for RateDefinition {
    fn format(&self) -> &'static str {
        "rate"
    }

    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn takes_filters(&self) -> bool {
        false
    }

    fn start(&self, context: SourceContext) -> Result<Arc<dyn MicroBatchSource>> {
        Ok(Arc::new(RateSource {
            speed: self.speed,
            partitions: self.partitions,
            place: context.folder.given.clone(),
            log: MetadataLog::new(context.folder),
            clock: context.clock,
            time: Mutex::default(),
        }))
    }

    async fn table(
        &self,
        _storage: &Arc<dyn Storage>,
        freshness: Freshness,
    ) -> Result<Arc<dyn TableProvider>> {
        StreamOnly::table("rate", schema(), freshness)
    }
}

/// One run of a source.
#[derive(Debug)]
struct RateSource {
    speed: Speed,
    partitions: Option<usize>,
    place: String,
    log: MetadataLog<i64>,
    clock: Arc<dyn Clock>,
    time: Mutex<Time>,
}

/// What a run knows of the time, in milliseconds since 1970.
#[derive(Debug, Default)]
struct Time {
    created: i64,
    /// The latest that the clock has shown; one that is turned back stands still here.
    latest: i64,
    is_frozen: bool,
}

impl fmt::Display for RateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Speed { rows_per_second, ramp_up_seconds } = self.speed;
        let partitions = self.partitions.map_or_else(|| "default".to_owned(), |n| n.to_string());
        write!(
            f,
            "RateStreamV2[rowsPerSecond={rows_per_second}, rampUpTimeSeconds={ramp_up_seconds}, numPartitions={partitions}]"
        )
    }
}

impl RateSource {
    fn seconds(&self, offset: Option<&Offset>) -> Result<i64> {
        let Some(offset) = offset else { return Ok(0) };
        let seconds = offset.json().as_i64().filter(|seconds| *seconds >= 0);
        seconds.ok_or_else(|| foreign(self, offset.json()))
    }

    fn rows_before(&self, seconds: i64) -> Result<i64> {
        self.speed.rows_before(seconds).ok_or_else(|| {
            Error::invalid(format!(
                "{self} cannot count the rows of {seconds} seconds; start again with fewer rows in a second and another checkpoint"
            ))
        })
    }

    fn look_at_clock(&self) -> MutexGuard<'_, Time> {
        let mut time = self.time();
        if !time.is_frozen {
            time.latest = time.latest.max(self.clock.now_millis());
        }
        time
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time at which the source was created, made durable if it was not yet.
    async fn created(&self, is_first_start: bool) -> Result<i64> {
        if let Some(created) = self.log.get(0).await? {
            return Ok(created);
        }
        if !is_first_start {
            let reason = "it has the time from which the rows are counted, and it is missing";
            return Err(Error::corrupt(format!("{}/0", self.place), reason));
        }
        let now = self.clock.now_millis();
        match self.log.add(0, &now).await {
            // An earlier run got as far as this; its time counts.
            Err(Error::AlreadyExists { .. }) => Ok(self.log.get(0).await?.unwrap_or(now)),
            other => other.map(|()| now),
        }
    }
}

#[async_trait]
impl MicroBatchSource for RateSource {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    async fn recover(&self, last: Option<&Offset>) -> Result<()> {
        self.seconds(last)?;
        let created = self.created(last.is_none()).await?;
        *self.time() = Time { created, latest: created, is_frozen: false };
        Ok(())
    }

    async fn latest_offset(
        &self,
        start: Option<&Offset>,
        _limit: ReadLimit,
    ) -> Result<Option<Offset>> {
        let start = self.seconds(start)?;
        let seconds = {
            let time = self.look_at_clock();
            time.latest.saturating_sub(time.created) / 1_000
        };
        self.rows_before(seconds)?;
        Ok(Some(Offset::new(json!(seconds.max(start)))))
    }

    async fn freeze_end(&self) -> Result<()> {
        self.look_at_clock().is_frozen = true;
        Ok(())
    }

    async fn plan(
        &self,
        start: Option<&Offset>,
        end: &Offset,
        parallelism: usize,
    ) -> Result<Vec<InputPartition>> {
        let (start, end) = (self.seconds(start)?, self.seconds(Some(end))?);
        let (from, to) = (self.rows_before(start)?, self.rows_before(end)?);
        let created = self.time().created;
        let millis = end.saturating_sub(start).saturating_mul(1_000);
        let numbers = Numbers {
            from,
            to,
            start_millis: created.saturating_add(start.saturating_mul(1_000)),
            step_millis: millis as f64 / to.saturating_sub(from).max(1) as f64,
        };
        numbers.split(self.partitions.unwrap_or(parallelism))
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
    use std::time::Duration;

    use arrow::array::AsArray;
    use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
    use futures::TryStreamExt;
    use tempfile::TempDir;

    use super::*;
    use crate::checkpoint::storage::LocalStorage;
    use crate::event_time::zone::TimeZone;
    use crate::runtime::clock::ManualClock;

    async fn define(options: &[(&str, &str)]) -> Result<Arc<dyn SourceDefinition>> {
        let storage = Arc::new(LocalStorage::default());
        let context = DefineContext::new(storage);
        RateSourceFactory.define(&options.iter().copied().collect(), None, &context).await
    }

    async fn start(
        folder: &TempDir,
        clock: &ManualClock,
        last: Option<i64>,
        options: &[(&str, &str)],
    ) -> Result<Arc<dyn MicroBatchSource>> {
        let storage = Arc::new(LocalStorage::default());
        let folder = storage.open(folder.path().to_str().unwrap())?;
        let context = SourceContext {
            folder,
            storage,
            clock: Arc::new(clock.clone()),
            time_zone: TimeZone::UTC,
        };
        let source = define(options).await?.start(context)?;
        source.recover(last.map(at).as_ref()).await?;
        Ok(source)
    }

    fn at(seconds: i64) -> Offset {
        Offset::new(json!(seconds))
    }

    async fn latest(source: &dyn MicroBatchSource, start: Option<i64>) -> Option<Offset> {
        source.latest_offset(start.map(at).as_ref(), ReadLimit::Configured).await.unwrap()
    }

    /// The rows of a range as (milliseconds, value), partition by partition.
    async fn rows(
        source: &dyn MicroBatchSource,
        start: Option<i64>,
        end: i64,
    ) -> Vec<Vec<(i64, i64)>> {
        let mut all = vec![];
        for part in source.plan(start.map(at).as_ref(), &at(end), 4).await.unwrap() {
            let rows = source.read(&part, None).await.unwrap();
            let mut of_part = vec![];
            for batch in rows.try_collect::<Vec<_>>().await.unwrap() {
                let times = batch.column(0).as_primitive::<TimestampMicrosecondType>().clone();
                let values = batch.column(1).as_primitive::<Int64Type>();
                let times = times.values().iter().map(|micros| micros / 1_000);
                of_part.extend(times.zip(values.values().iter().copied()));
            }
            all.push(of_part);
        }
        all
    }

    #[tokio::test]
    async fn a_second_has_its_rows_spread_over_it_when_it_is_over() {
        let (folder, clock) = (TempDir::new().unwrap(), ManualClock::new(10_000));
        let options = [("rowsPerSecond", "4"), ("numPartitions", "2")];
        let source = start(&folder, &clock, None, &options).await.unwrap();
        assert_eq!(latest(source.as_ref(), None).await, Some(at(0)));
        clock.advance(Duration::from_millis(999));
        assert_eq!(latest(source.as_ref(), Some(0)).await, Some(at(0)));
        clock.advance(Duration::from_millis(1));
        assert_eq!(latest(source.as_ref(), Some(0)).await, Some(at(1)));
        assert_eq!(
            rows(source.as_ref(), Some(0), 1).await,
            [[(10_000, 0), (10_500, 2)], [(10_250, 1), (10_750, 3)]]
        );
        assert_eq!(rows(source.as_ref(), None, 1).await, rows(source.as_ref(), Some(0), 1).await);
        assert!(rows(source.as_ref(), Some(1), 1).await.is_empty());
    }

    #[tokio::test]
    async fn a_restart_goes_on_with_the_same_sequence() {
        let (folder, clock) = (TempDir::new().unwrap(), ManualClock::new(5_000));
        start(&folder, &clock, None, &[]).await.unwrap();
        let text = std::fs::read_to_string(folder.path().join("0")).unwrap();
        assert_eq!(text.trim_end(), "v1\n5000");
        clock.advance(Duration::from_secs(7));
        let again = start(&folder, &clock, Some(3), &[]).await.unwrap();
        assert_eq!(latest(again.as_ref(), Some(3)).await, Some(at(7)));
        assert_eq!(rows(again.as_ref(), Some(3), 5).await.concat(), [(8_000, 3), (9_000, 4)]);
        std::fs::remove_file(folder.path().join("0")).unwrap();
        let error = start(&folder, &clock, Some(3), &[]).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    }

    /// The numbers of rows are those that Spark gave for these options.
    #[test]
    fn it_starts_up_in_steps() {
        let speed = Speed { rows_per_second: 4, ramp_up_seconds: 3 };
        let before: Vec<_> = (0..7).map(|seconds| speed.rows_before(seconds).unwrap()).collect();
        assert_eq!(before, [0, 1, 3, 6, 10, 14, 18]);
        let steady = Speed { rows_per_second: i64::MAX / 2, ramp_up_seconds: 0 };
        assert_eq!(steady.rows_before(2), Some(i64::MAX - 1));
        assert_eq!(steady.rows_before(3), None);
    }

    #[tokio::test]
    async fn a_frozen_end_stays_and_a_clock_that_goes_back_takes_nothing_away() {
        let (folder, clock) = (TempDir::new().unwrap(), ManualClock::new(0));
        let source = start(&folder, &clock, None, &[]).await.unwrap();
        clock.advance(Duration::from_secs(2));
        source.freeze_end().await.unwrap();
        clock.advance(Duration::from_secs(2));
        assert_eq!(latest(source.as_ref(), None).await, Some(at(2)));
        assert_eq!(latest(source.as_ref(), Some(3)).await, Some(at(3)));
    }

    #[tokio::test]
    async fn options_and_columns_that_cannot_be_used_are_refused() {
        let much = ("rowsPerSecond", "9223372036854775807");
        for (option, value) in [
            ("rowsPerSecond", "0"),
            ("rowsPerSecond", "x"),
            ("rampUpTime", "-1s"),
            ("rampUpTime", "106751991d"),
            ("numPartitions", "0"),
            ("rowPerSecond", "1"),
        ] {
            let error = define(&[much, (option, value)]).await.unwrap_err();
            assert!(error.to_string().contains(option), "{error}");
        }
        let context = DefineContext::new(Arc::new(LocalStorage::default()));
        let given = RateSourceFactory.define(&Options::default(), Some(schema()), &context).await;
        assert!(given.unwrap_err().to_string().contains("has its own columns"));
    }
}
