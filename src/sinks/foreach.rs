//! A sink that hands rows to writers of the user's: one for each partition of each epoch.
//!
//! ```text
//! open(partition, epoch) --true--> process(rows), as often as there are rows --> close(None)
//!          |                            '--- a failure of any kind ------------> close(error)
//!          '--false: the rows are left out ------------------------------------> close(None)
//! ```
//!
//! Rows are processed while the epoch runs, and an epoch that fails is run again: each row comes
//! once at least. A writer that remembers which (partition, epoch) it has done, and says false to
//! them in `open`, has each row once, as long as the source gives an epoch the same partitions.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;

use crate::column_names::shown_batch;
use crate::connector::output_mode::OutputMode;
use crate::connector::sink::{CommitMessage, SinkBatch, SinkState, SinkWriter, StreamSink};
use crate::error::{Error, Result};
use crate::runtime::task;
use crate::sinks::foreach_batch::UserError;

/// Writes the rows of one partition of one epoch.
#[async_trait]
pub trait ForeachWriter: Send + 'static {
    /// Begins a partition of an epoch; false leaves its rows out, such as rows that were written
    /// before.
    ///
    /// # Errors
    /// Whatever goes wrong: the epoch fails, and comes again when the query is started again.
    async fn open(&mut self, _partition: usize, _epoch: u64) -> Result<bool, UserError> {
        Ok(true)
    }

    /// Takes the next rows.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    async fn process(&mut self, rows: RecordBatch) -> Result<(), UserError>;

    /// Ends the partition, with the error that cut it short, if any. It is called once for each
    /// `open`, unless the process dies.
    async fn close(&mut self, _error: Option<&(dyn StdError + Send + Sync)>) {}
}

/// Makes a writer for each partition of each epoch.
pub type ForeachFn = Arc<dyn Fn() -> Box<dyn ForeachWriter> + Send + Sync>;

/// Hands rows to writers of the user's.
#[derive(Clone)]
pub struct ForeachSink {
    make: ForeachFn,
}

impl ForeachSink {
    /// A sink that makes its writers so.
    pub fn new(make: ForeachFn) -> Self {
        Self { make }
    }
}

impl fmt::Debug for ForeachSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeachSink").finish_non_exhaustive()
    }
}

impl fmt::Display for ForeachSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeachWriterTable")
    }
}

#[async_trait]
impl StreamSink for ForeachSink {
    fn supports(&self, _mode: OutputMode) -> bool {
        true
    }

    fn can_recover(&self, _mode: OutputMode) -> bool {
        true
    }

    fn counts_rows(&self) -> bool {
        true
    }

    async fn begin(&self, _batch: &SinkBatch) -> Result<SinkState> {
        Ok(SinkState::Open)
    }

    async fn writer(&self, batch: &SinkBatch, partition: usize) -> Result<Box<dyn SinkWriter>> {
        let mut user = Guard(Some((self.make)()));
        let opened = match user.0.as_mut() {
            Some(writer) => writer.open(partition, batch.epoch).await,
            None => Ok(false),
        };
        match opened {
            Ok(is_wanted) => Ok(Box::new(OpenWriter { user, is_wanted })),
            Err(source) => Err(user.fail(source).await),
        }
    }

    async fn commit(&self, _batch: &SinkBatch, _messages: Vec<CommitMessage>) -> Result<()> {
        Ok(())
    }

    async fn abort(&self, _batch: &SinkBatch, _messages: Vec<CommitMessage>) -> Result<()> {
        Ok(())
    }
}

/// What a writer is told whose epoch failed elsewhere.
#[derive(Debug, thiserror::Error)]
#[error("the epoch was given up")]
struct GivenUp;

/// A writer of the user's that is closed in any case.
struct Guard(Option<Box<dyn ForeachWriter>>);

impl Guard {
    /// Closes the writer with its own error.
    async fn fail(&mut self, source: UserError) -> Error {
        if let Some(mut writer) = self.0.take() {
            writer.close(Some(source.as_ref())).await;
        }
        Error::User { place: "the foreach writer".to_owned(), source }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Whoever drops a writer before its end does not say why: the epoch failed elsewhere.
        if let Some(mut writer) = self.0.take() {
            task::spawn_if_possible(async move { writer.close(Some(&GivenUp)).await });
        }
    }
}

struct OpenWriter {
    user: Guard,
    is_wanted: bool,
}

impl fmt::Debug for OpenWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenWriter").field("is_wanted", &self.is_wanted).finish_non_exhaustive()
    }
}

#[async_trait]
impl SinkWriter for OpenWriter {
    async fn write(&mut self, rows: RecordBatch) -> Result<()> {
        let Some(writer) = self.user.0.as_mut().filter(|_| self.is_wanted) else { return Ok(()) };
        match writer.process(shown_batch(rows)?).await {
            Ok(()) => Ok(()),
            Err(source) => Err(self.user.fail(source).await),
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<CommitMessage> {
        if let Some(mut writer) = self.user.0.take() {
            writer.close(None).await;
        }
        Ok(CommitMessage(serde_json::Value::Null))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::connector::conformance::{batch, rows, run_epoch, write};
    use crate::error::ErrorKind;

    /// What happened to all writers of a sink, in order.
    #[derive(Debug, Clone, Default)]
    struct Diary(Arc<Mutex<Vec<String>>>);

    impl Diary {
        fn add(&self, line: String) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }

        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }

        fn sink(&self, fails_at: i64) -> ForeachSink {
            let diary = self.clone();
            ForeachSink::new(Arc::new(move || {
                Box::new(Writer { diary: diary.clone(), fails_at }) as Box<dyn ForeachWriter>
            }))
        }
    }

    struct Writer {
        diary: Diary,
        fails_at: i64,
    }

    #[async_trait]
    impl ForeachWriter for Writer {
        async fn open(&mut self, partition: usize, epoch: u64) -> Result<bool, UserError> {
            self.diary.add(format!("open {partition} {epoch}"));
            if epoch == 9 { Err("no key".into()) } else { Ok(epoch != 1) }
        }

        async fn process(&mut self, rows: RecordBatch) -> Result<(), UserError> {
            for value in rows.column(0).as_primitive::<Int64Type>().values() {
                if *value == self.fails_at {
                    return Err("no ink".into());
                }
                self.diary.add(format!("row {value}"));
            }
            Ok(())
        }

        async fn close(&mut self, error: Option<&(dyn StdError + Send + Sync)>) {
            let error = error.map_or_else(String::new, ToString::to_string);
            self.diary.add(format!("close {error}"));
        }
    }

    #[tokio::test]
    async fn a_writer_is_opened_given_its_rows_and_closed() {
        let diary = Diary::default();
        let sink = diary.sink(-1);
        let epoch = batch(0, 0, OutputMode::Update);
        run_epoch(&sink, &epoch, &[&[1, 2], &[]]).await.unwrap();
        let mut lines = diary.take();
        lines.sort_unstable();
        assert_eq!(lines, ["close ", "close ", "open 0 0", "open 1 0", "row 1", "row 2"]);
    }

    #[tokio::test]
    async fn rows_that_a_writer_does_not_want_are_left_out_and_it_is_closed() {
        let diary = Diary::default();
        run_epoch(&diary.sink(-1), &batch(1, 0, OutputMode::Append), &[&[1]]).await.unwrap();
        assert_eq!(diary.take(), ["open 0 1", "close "]);
    }

    #[tokio::test]
    async fn a_failure_closes_the_writer_with_it_and_fails_the_epoch() {
        let diary = Diary::default();
        let epoch = batch(0, 0, OutputMode::Append);
        let error = write(&diary.sink(2), &epoch, &[&[1, 2, 3]]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::User);
        assert_eq!(diary.take(), ["open 0 0", "row 1", "close no ink"]);
        let error = diary.sink(0).writer(&batch(9, 0, OutputMode::Append), 0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::User);
        assert_eq!(diary.take(), ["open 0 9", "close no key"]);
    }

    #[tokio::test]
    async fn a_writer_whose_epoch_failed_elsewhere_is_closed_with_an_error() {
        let diary = Diary::default();
        let sink = diary.sink(-1);
        let mut writer = sink.writer(&batch(0, 0, OutputMode::Append), 0).await.unwrap();
        writer.write(rows(&[1]).unwrap()).await.unwrap();
        drop(writer);
        while diary.0.lock().unwrap().len() < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(diary.take()[2], "close the epoch was given up");
    }
}
