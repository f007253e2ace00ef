//! A sink that hands the rows of each epoch to a function of the user, as a data frame.
//!
//! The function runs when the epoch is committed, also for an epoch without rows. Its result is
//! made durable by nobody else, so after a crash the same epoch may be handed over again, with the
//! same rows and the same number: a function that remembers the number gets each epoch once.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::MemTable;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::connector::output_mode::OutputMode;
use crate::connector::sink::{
    CommitMessage, SinkBatch, SinkSession, SinkState, SinkWriter, StreamSink,
};
use crate::error::{Error, Result};
use crate::sinks::gather::Gathered;

/// What a function of the user may fail with.
pub type UserError = Box<dyn StdError + Send + Sync>;

/// A function of the user: the rows of an epoch, and the epoch's number, which Spark calls batch
/// id.
pub type ForeachBatchFn =
    Arc<dyn Fn(DataFrame, u64) -> BoxFuture<'static, Result<(), UserError>> + Send + Sync>;

/// Hands the rows of each epoch to a function.
///
/// ```
/// use datafusion::prelude::SessionContext;
/// use millstream::connector::sink::SinkSession;
/// use millstream::sinks::ForeachBatchSink;
///
/// let session = SinkSession(SessionContext::new());
/// let sink = ForeachBatchSink::new(session, |rows, epoch| async move {
///     println!("epoch {epoch} has {} rows", rows.count().await?);
///     Ok(())
/// });
/// assert_eq!(sink.to_string(), "ForeachBatchSink");
/// ```
#[derive(Clone)]
pub struct ForeachBatchSink {
    session: SinkSession,
    function: ForeachBatchFn,
    gathered: Gathered,
}

impl ForeachBatchSink {
    /// A sink that calls `function` with data frames of `session`.
    pub fn new<F, R>(session: SinkSession, function: F) -> Self
    where
        F: Fn(DataFrame, u64) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), UserError>> + Send + 'static,
    {
        Self::from_fn(session, Arc::new(move |rows, epoch| Box::pin(function(rows, epoch))))
    }

    /// A sink that calls a function that is boxed already.
    pub fn from_fn(session: SinkSession, function: ForeachBatchFn) -> Self {
        Self { session, function, gathered: Gathered::default() }
    }

    fn data_frame(
        &self,
        batch: &SinkBatch,
        mut partitions: Vec<Vec<RecordBatch>>,
    ) -> Result<DataFrame> {
        if partitions.is_empty() {
            // A table has one partition at least.
            partitions.push(vec![]);
        }
        let table = MemTable::try_new(Arc::clone(&batch.schema), partitions)?;
        Ok(self.session.0.read_table(Arc::new(table))?)
    }
}

impl fmt::Debug for ForeachBatchSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeachBatchSink").field("session", &self.session).finish_non_exhaustive()
    }
}

impl fmt::Display for ForeachBatchSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeachBatchSink")
    }
}

#[async_trait]
impl StreamSink for ForeachBatchSink {
    fn supports(&self, _mode: OutputMode) -> bool {
        true
    }

    fn can_recover(&self, _mode: OutputMode) -> bool {
        true
    }

    fn counts_rows(&self) -> bool {
        false
    }

    async fn begin(&self, batch: &SinkBatch) -> Result<SinkState> {
        Ok(self.gathered.begin(batch))
    }

    async fn writer(&self, batch: &SinkBatch, partition: usize) -> Result<Box<dyn SinkWriter>> {
        self.gathered.writer(batch, partition, None)
    }

    async fn commit(&self, batch: &SinkBatch, messages: Vec<CommitMessage>) -> Result<()> {
        let Some(partitions) = self.gathered.rows(batch, &messages)? else { return Ok(()) };
        let rows = self.data_frame(batch, partitions)?;
        // The call is inside the future, so that a panic before the first await is caught too.
        let call = async { (self.function)(rows, batch.epoch).await };
        let outcome = AssertUnwindSafe(call).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_panic| Err("the function panicked".into()));
        outcome.map_err(|source| Error::User { place: "foreach_batch".to_owned(), source })?;
        self.gathered.done(batch);
        Ok(())
    }

    async fn abort(&self, batch: &SinkBatch, _messages: Vec<CommitMessage>) -> Result<()> {
        self.gathered.abort(batch);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    use datafusion::physical_plan::ExecutionPlanProperties;
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::connector::conformance::{self, SinkHarness, batch, run_epoch, write};
    use crate::error::ErrorKind;

    fn session() -> SinkSession {
        SinkSession(SessionContext::new())
    }

    fn values(batches: &[RecordBatch]) -> Vec<i64> {
        let columns = batches.iter().map(|rows| rows.column(0).as_primitive::<Int64Type>());
        columns.flat_map(|column| column.values().to_vec()).collect()
    }

    type Epochs = Vec<(u64, Vec<i64>)>;

    #[derive(Default)]
    struct Harness {
        seen: Arc<Mutex<Epochs>>,
    }

    #[async_trait]
    impl SinkHarness for Harness {
        async fn sink(&self) -> Result<Arc<dyn StreamSink>> {
            let seen = Arc::clone(&self.seen);
            Ok(Arc::new(ForeachBatchSink::new(session(), move |rows, epoch| {
                let seen = Arc::clone(&seen);
                async move {
                    let values = values(&rows.collect().await?);
                    seen.lock().unwrap().push((epoch, values));
                    Ok(())
                }
            })))
        }

        async fn visible(&self) -> Result<Vec<i64>> {
            Ok(self.seen.lock().unwrap().iter().flat_map(|(_, values)| values.clone()).collect())
        }
    }

    #[tokio::test]
    async fn it_keeps_the_promises_of_a_sink() {
        conformance::rows_are_visible_once_after_commit(&Harness::default()).await.unwrap();
        conformance::a_repeated_epoch_has_no_effect(&Harness::default()).await.unwrap();
        conformance::an_aborted_epoch_leaves_nothing_visible(&Harness::default()).await.unwrap();
    }

    #[tokio::test]
    async fn an_epoch_without_rows_or_partitions_is_handed_over() {
        let harness = Harness::default();
        let sink = harness.sink().await.unwrap();
        for (epoch, partitions) in [(0, vec![]), (1, vec![&[][..]])] {
            let epoch = batch(epoch, 0, OutputMode::Update);
            run_epoch(sink.as_ref(), &epoch, &partitions).await.unwrap();
        }
        assert_eq!(*harness.seen.lock().unwrap(), [(0, vec![]), (1, vec![])]);
    }

    #[tokio::test]
    async fn the_data_frame_has_the_partitions_of_the_epoch() {
        let seen = Arc::new(Mutex::new(0));
        let counts = Arc::clone(&seen);
        let sink = ForeachBatchSink::new(session(), move |rows, _epoch| {
            let counts = Arc::clone(&counts);
            async move {
                let plan = rows.create_physical_plan().await?;
                *counts.lock().unwrap() = plan.output_partitioning().partition_count();
                Ok(())
            }
        });
        let epoch = batch(0, 0, OutputMode::Append);
        run_epoch(&sink, &epoch, &[&[1], &[], &[2]]).await.unwrap();
        assert_eq!(*seen.lock().unwrap(), 3);
    }

    #[tokio::test]
    async fn a_failure_or_panic_of_the_function_is_an_error_and_the_epoch_comes_again() {
        let calls = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&calls);
        let sink = ForeachBatchSink::new(session(), move |_rows, _epoch| {
            *counted.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += 1;
            let call = *counted.lock().unwrap();
            assert!(call != 2, "no luck");
            async move { if call == 1 { Err("no disk".into()) } else { Ok(()) } }
        });
        let epoch = batch(0, 0, OutputMode::Append);
        for text in ["no disk", "panicked"] {
            assert_eq!(sink.begin(&epoch).await.unwrap(), SinkState::Open);
            let messages = write(&sink, &epoch, &[&[1]]).await.unwrap();
            let error = sink.commit(&epoch, messages.clone()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::User);
            assert!(error.to_string().contains(text), "{error}");
            sink.abort(&epoch, messages).await.unwrap();
        }
        assert_eq!(run_epoch(&sink, &epoch, &[&[1]]).await.unwrap(), SinkState::Open);
        assert_eq!(*calls.lock().unwrap(), 3);
    }
}
