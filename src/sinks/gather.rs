//! The rows of one epoch, kept by partition until they are committed: for sinks that need all of
//! an epoch at once.
//!
//! ```text
//! begin --> writers, one for each partition --> rows --> done
//!    ^                                            |
//!    '--------------- abort, or a failed commit <-'
//! ```
//!
//! A commit message names its partition and counts its rows, so that a commit finds exactly what
//! its writers handed in, or fails.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::connector::sink::{CommitMessage, SinkBatch, SinkState, SinkWriter};
use crate::error::{Error, Result};

/// The rows of the epoch that is open. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Gathered(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The newest epoch that was committed.
    done: Option<u64>,
    /// What the writers of the open epoch handed in, by partition.
    open: Option<(Attempt, BTreeMap<usize, Vec<RecordBatch>>)>,
    /// How many times an epoch was opened.
    opened: u64,
}

/// One try at an epoch; a writer that outlives its own can hand in nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Attempt {
    epoch: u64,
    number: u64,
}

/// What a commit message says.
#[derive(Debug, Serialize, Deserialize)]
struct Partition {
    partition: usize,
    rows: u64,
}

impl Gathered {
    /// Opens an epoch and forgets what an earlier attempt left.
    pub(super) fn begin(&self, batch: &SinkBatch) -> SinkState {
        let mut state = self.lock();
        if state.done.is_some_and(|done| batch.epoch <= done) {
            return SinkState::AlreadyDone;
        }
        state.opened += 1;
        let attempt = Attempt { epoch: batch.epoch, number: state.opened };
        state.open = Some((attempt, BTreeMap::new()));
        SinkState::Open
    }

    /// The writer of a partition, which keeps its first `keep` rows and counts the rest.
    pub(super) fn writer(
        &self,
        batch: &SinkBatch,
        partition: usize,
        keep: Option<usize>,
    ) -> Result<Box<dyn SinkWriter>> {
        let attempt = match &self.lock().open {
            Some((attempt, _)) if attempt.epoch == batch.epoch => *attempt,
            _ => return Err(not_open(batch.epoch)),
        };
        Ok(Box::new(GatherWriter {
            gathered: self.clone(),
            attempt,
            partition,
            schema: Arc::clone(&batch.schema),
            room: keep.unwrap_or(usize::MAX),
            rows: 0,
            batches: vec![],
        }))
    }

    /// The rows of the epoch by partition, in the order of the messages; `None` when the epoch is
    /// done already. They stay until [`done`](Self::done), so that a failed commit can be repeated.
    pub(super) fn rows(
        &self,
        batch: &SinkBatch,
        messages: &[CommitMessage],
    ) -> Result<Option<Vec<Vec<RecordBatch>>>> {
        let state = self.lock();
        if state.done.is_some_and(|done| batch.epoch <= done) {
            return Ok(None);
        }
        let Some((attempt, partitions)) = &state.open else { return Err(not_open(batch.epoch)) };
        if attempt.epoch != batch.epoch {
            return Err(not_open(batch.epoch));
        }
        let of_message = |CommitMessage(json): &CommitMessage| {
            let foreign = || Error::internal(format!("`{json}` is no message of this sink"));
            let said = Partition::deserialize(json).map_err(|_e| foreign())?;
            partitions.get(&said.partition).cloned().ok_or_else(foreign)
        };
        messages.iter().map(of_message).collect::<Result<_>>().map(Some)
    }

    /// The epoch is committed: it will not be opened again.
    pub(super) fn done(&self, batch: &SinkBatch) {
        let mut state = self.lock();
        state.done = state.done.max(Some(batch.epoch));
        state.open = None;
    }

    /// Gives the rows of the epoch up.
    pub(super) fn abort(&self, batch: &SinkBatch) {
        let mut state = self.lock();
        if matches!(&state.open, Some((attempt, _)) if attempt.epoch == batch.epoch) {
            state.open = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_open(epoch: u64) -> Error {
    Error::internal(format!("epoch {epoch} is not open in the sink"))
}

#[derive(Debug)]
struct GatherWriter {
    gathered: Gathered,
    attempt: Attempt,
    partition: usize,
    schema: SchemaRef,
    room: usize,
    rows: u64,
    batches: Vec<RecordBatch>,
}

#[async_trait]
impl SinkWriter for GatherWriter {
    async fn write(&mut self, rows: RecordBatch) -> Result<()> {
        self.rows += rows.num_rows() as u64;
        let kept = rows.num_rows().min(self.room);
        if kept > 0 {
            self.room -= kept;
            self.batches.push(with_schema(&rows.slice(0, kept), &self.schema)?);
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<CommitMessage> {
        let mut state = self.gathered.lock();
        match &mut state.open {
            Some((attempt, partitions)) if *attempt == self.attempt => {
                partitions.insert(self.partition, self.batches);
            }
            _ => return Err(not_open(self.attempt.epoch)),
        }
        let said = Partition { partition: self.partition, rows: self.rows };
        serde_json::to_value(said)
            .map(CommitMessage)
            .map_err(|error| Error::internal(format!("a commit message is no JSON: {error}")))
    }
}

/// Tables compare schemas by all they say, so the batches get that of the epoch.
fn with_schema(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), rows.columns().to_vec(), &count).map_err(
        |error| Error::internal(format!("rows do not have the columns of their epoch: {error}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::conformance::{batch, rows};
    use crate::connector::output_mode::OutputMode;

    #[tokio::test]
    async fn a_writer_of_an_earlier_attempt_hands_in_nothing() {
        let gathered = Gathered::default();
        let epoch = batch(0, 0, OutputMode::Append);
        gathered.begin(&epoch);
        let late = gathered.writer(&epoch, 0, None).unwrap();
        gathered.begin(&epoch);
        assert!(late.finish().await.is_err());
    }

    #[tokio::test]
    async fn a_commit_can_be_repeated_until_it_is_done() {
        let gathered = Gathered::default();
        let epoch = batch(0, 0, OutputMode::Append);
        gathered.begin(&epoch);
        let mut writer = gathered.writer(&epoch, 0, Some(3)).unwrap();
        writer.write(rows(&[1, 2]).unwrap()).await.unwrap();
        writer.write(rows(&[3, 4]).unwrap()).await.unwrap();
        let messages = vec![writer.finish().await.unwrap()];
        for _ in 0..2 {
            let kept = gathered.rows(&epoch, &messages).unwrap().unwrap();
            assert_eq!(kept, [vec![rows(&[1, 2]).unwrap(), rows(&[3]).unwrap()]]);
        }
        gathered.done(&epoch);
        assert_eq!(gathered.rows(&epoch, &messages).unwrap(), None);
        assert_eq!(gathered.begin(&epoch), SinkState::AlreadyDone);
    }

    #[test]
    fn a_message_of_another_sink_is_refused() {
        let gathered = Gathered::default();
        let epoch = batch(0, 0, OutputMode::Append);
        gathered.begin(&epoch);
        let foreign = CommitMessage(serde_json::json!({"file": "x"}));
        assert!(gathered.rows(&epoch, &[foreign]).is_err());
    }
}
