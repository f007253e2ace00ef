//! Writes the rows of one partition of one epoch into a file, which is made with the first row.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::connector::sink::{CommitMessage, SinkWriter};
use crate::connector::storage::Location;
use crate::error::{Error, Result};
use crate::formats::encode::encoder::{FileEncoding, RowEncoder};
use crate::runtime::clock::Clock;
use crate::sinks::file::upload::Upload;

/// Bytes are handed on when there are this many.
const CHUNK: usize = 1024 * 1024;

/// What a writer says of the file that it wrote; a partition without rows has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenFile {
    /// The name in the folder.
    pub(super) name: String,
    /// The length in bytes.
    pub(super) size: u64,
    /// Milliseconds since 1970 in UTC.
    pub(super) modification_time: i64,
}

impl WrittenFile {
    /// The file that a message speaks of, if any.
    pub(super) fn of_message(CommitMessage(json): &CommitMessage) -> Result<Option<Self>> {
        Option::<Self>::deserialize(json)
            .map_err(|_e| Error::internal(format!("`{json}` is no message of the file sink")))
    }
}

/// Writes the rows of one partition of one epoch.
#[derive(Debug)]
pub(super) struct FileWriter {
    pub(super) name: String,
    pub(super) file: Location,
    pub(super) schema: SchemaRef,
    pub(super) encoding: Arc<dyn FileEncoding>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) open: Option<OpenFile>,
}

#[derive(Debug)]
pub(super) struct OpenFile {
    encoder: Box<dyn RowEncoder>,
    upload: Upload,
}

#[async_trait]
impl SinkWriter for FileWriter {
    async fn write(&mut self, rows: RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(OpenFile {
                encoder: self.encoding.start(&self.schema)?,
                upload: Upload::new(self.file.clone()),
            }),
        };
        open.encoder.write(&rows)?;
        if open.encoder.ready() >= CHUNK {
            open.upload.push(open.encoder.take()).await?;
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<CommitMessage> {
        let Some(OpenFile { encoder, mut upload }) = self.open else {
            return Ok(CommitMessage(serde_json::Value::Null));
        };
        upload.push(encoder.finish()?).await?;
        let size = upload.finish().await?;
        let modification_time = self.clock.now_millis();
        serde_json::to_value(WrittenFile { name: self.name, size, modification_time })
            .map(CommitMessage)
            .map_err(|error| Error::internal(format!("a commit message is no JSON: {error}")))
    }
}
