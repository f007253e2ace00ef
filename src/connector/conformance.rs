//! What every sink promises, as checks that a sink's own tests call: one function for each
//! promise of [`StreamSink`].
//!
//! A check is given a [`SinkHarness`], which opens the sink over a fresh place and says what a
//! reader of that place sees. Rows have one column, `v`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;

use crate::connector::output_mode::OutputMode;
use crate::connector::sink::{CommitMessage, SinkBatch, SinkState, StreamSink};
use crate::error::Result;

/// A sink over a fresh place, and a reader of that place.
#[async_trait]
pub trait SinkHarness: Send + Sync {
    /// The sink of the query; the same place each time.
    ///
    /// # Errors
    /// Those of opening it.
    async fn sink(&self) -> Result<Arc<dyn StreamSink>>;

    /// The values that a reader sees, in any order.
    ///
    /// # Errors
    /// Those of reading.
    async fn visible(&self) -> Result<Vec<i64>>;
}

/// The schema of the rows of these checks: `v`, a 64-bit number.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("v", DataType::Int64, true)]))
}

/// Rows of [`schema`].
///
/// # Errors
/// None that could be provoked.
pub fn rows(values: &[i64]) -> Result<RecordBatch> {
    let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    Ok(RecordBatch::try_new(schema(), vec![column])?)
}

/// An epoch of the query of these checks.
pub fn batch(epoch: u64, run: u64, mode: OutputMode) -> SinkBatch {
    SinkBatch { query_id: "query-a".to_owned(), epoch, run, mode, schema: schema() }
}

/// Writes each of `partitions` by a writer of its own, at the same time, and ends them.
///
/// # Errors
/// Those of the writers.
pub async fn write(
    sink: &dyn StreamSink,
    batch: &SinkBatch,
    partitions: &[&[i64]],
) -> Result<Vec<CommitMessage>> {
    let writers = partitions.iter().enumerate().map(|(partition, values)| async move {
        let mut writer = sink.writer(batch, partition).await?;
        for value in *values {
            writer.write(rows(&[*value])?).await?;
        }
        writer.finish().await
    });
    futures::future::try_join_all(writers).await
}

/// Runs an epoch to its end: begin, write, commit.
///
/// # Errors
/// Those of the sink.
pub async fn run_epoch(
    sink: &dyn StreamSink,
    batch: &SinkBatch,
    partitions: &[&[i64]],
) -> Result<SinkState> {
    let state = sink.begin(batch).await?;
    if state == SinkState::Open {
        let messages = write(sink, batch, partitions).await?;
        sink.commit(batch, messages).await?;
    }
    Ok(state)
}

async fn visible(harness: &dyn SinkHarness) -> Result<Vec<i64>> {
    let mut values = harness.visible().await?;
    values.sort_unstable();
    Ok(values)
}

/// Rows are visible once, from all partitions, when their epoch is committed and not before; an
/// epoch or a partition without rows is fine.
///
/// # Errors
/// Those of the sink.
pub async fn rows_are_visible_once_after_commit(harness: &dyn SinkHarness) -> Result<()> {
    let sink = harness.sink().await?;
    let first = batch(0, 0, OutputMode::Append);
    assert_eq!(sink.begin(&first).await?, SinkState::Open, "a fresh place has no epoch");
    let messages = write(sink.as_ref(), &first, &[&[1, 2], &[], &[3]]).await?;
    assert!(visible(harness).await?.is_empty(), "rows are visible before their commit");
    sink.commit(&first, messages).await?;
    assert_eq!(visible(harness).await?, [1, 2, 3], "after the first epoch");

    run_epoch(sink.as_ref(), &batch(1, 0, OutputMode::Append), &[&[]]).await?;
    assert_eq!(visible(harness).await?, [1, 2, 3], "after an epoch without rows");
    run_epoch(sink.as_ref(), &batch(2, 0, OutputMode::Append), &[&[4]]).await?;
    assert_eq!(visible(harness).await?, [1, 2, 3, 4], "after the third epoch");
    Ok(())
}

/// An epoch that was committed and comes again has no effect, whether the sink says that it is
/// done or takes it again; nor has a second commit of the same messages.
///
/// # Errors
/// Those of the sink.
pub async fn a_repeated_epoch_has_no_effect(harness: &dyn SinkHarness) -> Result<()> {
    let sink = harness.sink().await?;
    let first = batch(0, 0, OutputMode::Append);
    sink.begin(&first).await?;
    let messages = write(sink.as_ref(), &first, &[&[1], &[2]]).await?;
    sink.commit(&first, messages.clone()).await?;
    let before = visible(harness).await?;

    sink.commit(&first, messages).await?;
    assert_eq!(visible(harness).await?, before, "after a second commit");
    run_epoch(sink.as_ref(), &batch(0, 1, OutputMode::Append), &[&[1], &[2]]).await?;
    assert_eq!(visible(harness).await?, before, "after the epoch came again");
    Ok(())
}

/// What an epoch wrote before it was given up is never visible, and the epoch can come again.
///
/// # Errors
/// Those of the sink.
pub async fn an_aborted_epoch_leaves_nothing_visible(harness: &dyn SinkHarness) -> Result<()> {
    let sink = harness.sink().await?;
    let first = batch(0, 0, OutputMode::Append);
    sink.begin(&first).await?;
    let messages = write(sink.as_ref(), &first, &[&[7], &[8]]).await?;
    // One more writer is dropped before its end.
    let mut dropped = sink.writer(&first, 2).await?;
    dropped.write(rows(&[9])?).await?;
    drop(dropped);
    sink.abort(&first, messages).await?;
    assert!(visible(harness).await?.is_empty(), "after the abort");

    assert_eq!(sink.begin(&first).await?, SinkState::Open, "the epoch comes again");
    let messages = write(sink.as_ref(), &first, &[&[1]]).await?;
    sink.commit(&first, messages).await?;
    assert!(!visible(harness).await?.iter().any(|value| *value > 1), "rows of the abort came back");
    Ok(())
}

/// In complete mode an epoch's rows take the place of those before.
///
/// # Errors
/// Those of the sink.
pub async fn complete_mode_replaces(harness: &dyn SinkHarness) -> Result<()> {
    let sink = harness.sink().await?;
    assert!(sink.supports(OutputMode::Complete), "the sink does not take complete mode");
    run_epoch(sink.as_ref(), &batch(0, 0, OutputMode::Complete), &[&[1, 2], &[3]]).await?;
    run_epoch(sink.as_ref(), &batch(1, 0, OutputMode::Complete), &[&[4], &[]]).await?;
    assert_eq!(visible(harness).await?, [4]);
    run_epoch(sink.as_ref(), &batch(2, 0, OutputMode::Complete), &[&[]]).await?;
    assert!(visible(harness).await?.is_empty(), "a result without rows");
    Ok(())
}
