//! One file in the log of a file source.

use serde::{Deserialize, Serialize};

use crate::sources::file::listing::ListedFile;
use crate::sources::file::partition::{FileToRead, Logged};

/// A file that belongs to an epoch, as a line of the log:
/// `{"path":"file:///in/a.json","timestamp":1700000000000,"batchId":0,"size":917}`.
///
/// The names are Spark's. The length is ours: with it a file that grew later gives the same rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileEntry {
    /// The absolute URL.
    pub(super) path: String,
    /// When the file was last written, milliseconds since 1970 in UTC.
    pub(super) timestamp: i64,
    /// The number of the entry in the log.
    pub(super) batch_id: u64,
    /// The length in bytes.
    pub(super) size: u64,
    /// What the log of the sink says that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) logged: Option<Logged>,
}

impl FileEntry {
    pub(super) fn new(file: ListedFile, batch_id: u64) -> Self {
        Self {
            timestamp: file.modified_millis(),
            path: file.url,
            batch_id,
            size: file.size,
            logged: file.logged,
        }
    }

    pub(super) fn into_read(self) -> FileToRead {
        FileToRead { path: self.path, size: self.size, logged: self.logged, part: None }
    }
}
