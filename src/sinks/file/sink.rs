//! The file sink: epochs in, files and log entries out.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::{Error as StoreError, ObjectStoreExt};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::checkpoint::manifest::SinkFile;
use crate::connector::output_mode::OutputMode;
use crate::connector::sink::{CommitMessage, SinkBatch, SinkState, SinkWriter, StreamSink};
use crate::connector::storage::Location;
use crate::error::{Error, Result};
use crate::runtime::clock::Clock;
use crate::sinks::file::begun::Begun;
use crate::sinks::file::log::{FolderLog, committed};
use crate::sinks::file::writer::{FileWriter, Layout, Place, WrittenFile, location};

/// Writes files into a folder and names them in its log.
#[derive(Debug)]
pub(super) struct FileSink {
    folder: Location,
    layout: Arc<Layout>,
    /// For how many milliseconds a file stays in the log; none: for ever.
    retention: Option<i64>,
    clock: Arc<dyn Clock>,
    /// The log, once an epoch has asked for it. It is forgotten when an addition failed, since
    /// nobody knows then whether the entry is there.
    log: Mutex<Option<FolderLog>>,
    begun: Begun,
}

impl FileSink {
    pub(super) fn new(
        folder: Location,
        layout: Layout,
        retention: Option<i64>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (log, begun, layout) = (Mutex::default(), Begun::default(), Arc::new(layout));
        Self { folder, layout, retention, clock, log, begun }
    }

    /// The files that messages speak of.
    fn files(&self, messages: &[CommitMessage]) -> Result<Vec<SinkFile>> {
        let mut files = vec![];
        for message in messages {
            for file in WrittenFile::of_message(message)? {
                let url = location(&self.folder, &file.name)?.url;
                let added = SinkFile::added(url, file.size, file.modification_time);
                files.push(SinkFile { crc32: Some(file.crc32), ..added });
            }
        }
        Ok(files)
    }

    /// Removes what the attempt at an epoch wrote, as far as that is possible: a file that stays
    /// is never read. A file that the log names stays in any case.
    async fn discard(&self, epoch: u64, messages: &[CommitMessage]) {
        let mut names = self.begun.take(epoch);
        let said = messages.iter().filter_map(|message| WrittenFile::of_message(message).ok());
        names.extend(said.flatten().map(|file| file.name));
        if names.is_empty() {
            return;
        }
        let committed = match committed(&self.folder).await {
            Ok(committed) => committed,
            Err(error) => {
                tracing::warn!(%error, sink = %self, epoch, "files of a failed attempt are kept");
                return;
            }
        };
        for file in names.iter().filter_map(|name| location(&self.folder, name).ok()) {
            if committed.contains(&file.url) {
                continue;
            }
            match file.store.delete(&file.path).await {
                // A writer that never finished left no file.
                Ok(()) | Err(StoreError::NotFound { .. }) => (),
                Err(error) => {
                    tracing::warn!(%error, file = file.given, "a file that nobody reads is kept");
                }
            }
        }
    }
}

/// The log, looked at for this query if it was not yet or if it was forgotten.
async fn opened<'a>(
    log: &'a mut MutexGuard<'_, Option<FolderLog>>,
    folder: &Location,
    query_id: &str,
) -> Result<&'a mut FolderLog> {
    if log.is_none() {
        **log = Some(FolderLog::open(folder, query_id).await?);
    }
    log.as_mut().ok_or_else(|| Error::internal("the log of a file sink was not opened"))
}

impl fmt::Display for FileSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileSink[{}]", self.folder.url)
    }
}

#[async_trait]
impl StreamSink for FileSink {
    fn supports(&self, mode: OutputMode) -> bool {
        // A row in a file can neither change nor go away.
        mode == OutputMode::Append
    }

    fn can_recover(&self, _mode: OutputMode) -> bool {
        true
    }

    fn counts_rows(&self) -> bool {
        false
    }

    async fn begin(&self, batch: &SinkBatch) -> Result<SinkState> {
        let mut log = self.log.lock().await;
        let log = opened(&mut log, &self.folder, &batch.query_id).await?;
        if log.has(batch.epoch) {
            return Ok(SinkState::AlreadyDone);
        }
        log.begin(&batch.query_id, batch.epoch).await?;
        Ok(SinkState::Open)
    }

    async fn writer(&self, batch: &SinkBatch, partition: usize) -> Result<Box<dyn SinkWriter>> {
        let place = Place {
            folder: self.folder.clone(),
            epoch: batch.epoch,
            writer: format!("{partition:05}-{}", Uuid::new_v4()),
            begun: self.begun.clone(),
            clock: Arc::clone(&self.clock),
        };
        Ok(Box::new(FileWriter::new(Arc::clone(&self.layout), place)))
    }

    async fn commit(&self, batch: &SinkBatch, messages: Vec<CommitMessage>) -> Result<()> {
        let files = self.files(&messages)?;
        let keep_from = self.retention.map(|age| self.clock.now_millis().saturating_sub(age));
        let mut guard = self.log.lock().await;
        let log = opened(&mut guard, &self.folder, &batch.query_id).await?;
        let outcome = if log.has(batch.epoch) {
            Err(Error::AlreadyExists { path: self.folder.given.clone() })
        } else {
            log.add(&batch.query_id, (batch.epoch, &files), keep_from).await
        };
        match outcome {
            Ok(()) => {
                self.begun.take(batch.epoch);
                Ok(())
            }
            // The epoch is in the log, by an earlier call or by another run of the query, and its
            // rows are the same: these files may be the ones that count, or not be needed.
            Err(Error::AlreadyExists { .. }) => {
                *guard = None;
                drop(guard);
                self.discard(batch.epoch, &messages).await;
                Ok(())
            }
            Err(error) => {
                *guard = None;
                Err(error)
            }
        }
    }

    async fn abort(&self, batch: &SinkBatch, messages: Vec<CommitMessage>) -> Result<()> {
        self.discard(batch.epoch, &messages).await;
        Ok(())
    }
}
