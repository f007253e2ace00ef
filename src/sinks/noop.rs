//! A sink that takes everything and keeps nothing: to measure the rest of a query.

use std::fmt;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;

use crate::connector::option_doc::OptionDocs;
use crate::connector::options::Options;
use crate::connector::output_mode::OutputMode;
use crate::connector::sink::{
    CommitMessage, SinkBatch, SinkContext, SinkFactory, SinkState, SinkWriter, StreamSink,
};
use crate::error::Result;

/// Makes sinks of the format `noop`.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopSinkFactory;

#[async_trait]
impl SinkFactory for NoopSinkFactory {
    fn options(&self) -> OptionDocs {
        &[]
    }

    fn can_partition(&self) -> bool {
        false
    }

    fn needs_checkpoint(&self) -> bool {
        false
    }

    async fn open(&self, options: &Options, _context: SinkContext) -> Result<Arc<dyn StreamSink>> {
        options.reader("sink `noop`", self.options()).finish()?;
        Ok(Arc::new(NoopSink))
    }
}

#[derive(Debug)]
struct NoopSink;

impl fmt::Display for NoopSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoopSink")
    }
}

#[async_trait]
impl StreamSink for NoopSink {
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

    async fn writer(&self, _batch: &SinkBatch, _partition: usize) -> Result<Box<dyn SinkWriter>> {
        Ok(Box::new(NoopWriter))
    }

    async fn commit(&self, _batch: &SinkBatch, _messages: Vec<CommitMessage>) -> Result<()> {
        Ok(())
    }

    async fn abort(&self, _batch: &SinkBatch, _messages: Vec<CommitMessage>) -> Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct NoopWriter;

#[async_trait]
impl SinkWriter for NoopWriter {
    async fn write(&mut self, _rows: RecordBatch) -> Result<()> {
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<CommitMessage> {
        Ok(CommitMessage(serde_json::Value::Null))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::conformance::{self, SinkHarness, batch, run_epoch};

    struct Harness;

    #[async_trait]
    impl SinkHarness for Harness {
        async fn sink(&self) -> Result<Arc<dyn StreamSink>> {
            Ok(Arc::new(NoopSink))
        }

        async fn visible(&self) -> Result<Vec<i64>> {
            Ok(vec![])
        }
    }

    #[tokio::test]
    async fn every_mode_is_taken_and_nothing_is_kept() {
        conformance::a_repeated_epoch_has_no_effect(&Harness).await.unwrap();
        conformance::an_aborted_epoch_leaves_nothing_visible(&Harness).await.unwrap();
        for mode in [OutputMode::Append, OutputMode::Update, OutputMode::Complete] {
            assert!(NoopSink.supports(mode) && NoopSink.can_recover(mode));
            run_epoch(&NoopSink, &batch(0, 0, mode), &[&[1]]).await.unwrap();
        }
    }
}
