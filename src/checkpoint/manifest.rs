//! The file sink's log: which files of an output folder belong to the table.
//!
//! ```text
//! <folder>/_spark_metadata/3   v1
//!                              {"path":"file:///out/part-00000-...","size":917,"isDir":false,
//!                               "modificationTime":1700000000000,"blockReplication":1,
//!                               "blockSize":33554432,"action":"add","crc32":2774563022}
//! ```
//!
//! One line for each file, in Spark's own form, so that Spark reads our folders and we read its; the
//! checksum is ours. An epoch without rows names the folder, which readers pass over: a file without
//! a line could not tell which epoch it is. A file that is not in the log was never committed.

use std::collections::HashSet;

use object_store::ListResult;
use serde::{Deserialize, Serialize};

use crate::checkpoint::compactible_log::{CompactibleLog, Look};
use crate::connector::storage::Location;
use crate::error::{Error, Result};

/// The name of the log's folder in an output folder.
pub const METADATA_FOLDER: &str = "_spark_metadata";

/// How many epochs lie between compactions.
const INTERVAL: u64 = 10;

/// What Spark says of the blocks of a file that lies on a local disk.
const BLOCK_SIZE: u64 = 32 * 1024 * 1024;

const ADD: &str = "add";
const DELETE: &str = "delete";

/// One file of the sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkFile {
    /// The absolute URL.
    pub path: String,
    /// The length in bytes.
    pub size: u64,
    /// Whether it is no file but the folder.
    pub is_dir: bool,
    /// Milliseconds since 1970 in UTC.
    pub modification_time: i64,
    /// How many copies the file system keeps.
    pub block_replication: u32,
    /// The length of a block of the file system.
    pub block_size: u64,
    /// `add`; old logs may also have `delete`, which takes an earlier file back.
    pub action: String,
    /// The CRC-32 of the bytes; logs that Spark wrote have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc32: Option<u32>,
}

impl SinkFile {
    /// A file that was added, without a checksum.
    pub fn added(url: impl Into<String>, size: u64, modification_time: i64) -> Self {
        Self {
            path: url.into(),
            size,
            is_dir: false,
            modification_time,
            block_replication: 1,
            block_size: BLOCK_SIZE,
            action: ADD.to_owned(),
            crc32: None,
        }
    }

    /// What an epoch without rows has instead of files: the folder.
    pub fn folder(folder: &Location) -> Self {
        Self { is_dir: true, ..Self::added(folder.url.clone(), 0, 0) }
    }
}

/// The log of an output folder.
pub fn manifest(folder: &Location) -> CompactibleLog<SinkFile> {
    CompactibleLog::new(folder.child(METADATA_FOLDER), INTERVAL)
}

/// The files of an output folder that were committed, in the order in which they were; `None` for
/// a folder that has no log, where every file counts.
///
/// A log that was begun but has no entry yet has no files: what lies beside it is not committed.
///
/// # Errors
/// `Corrupt` naming a damaged or missing file of the log; `Storage`.
pub async fn committed_files(folder: &Location) -> Result<Option<Vec<SinkFile>>> {
    let log = manifest(folder);
    if log.latest().await?.is_none() && is_empty(&folder.child(METADATA_FOLDER)).await? {
        return Ok(None);
    }
    Ok(Some(files_of(log.all().await?)))
}

/// What [`CommittedFiles::look`] found.
#[derive(Debug)]
pub enum Committed {
    /// The folder has no log, and every file counts.
    NoLog,
    /// The files that it gave before.
    Same,
    /// These files.
    Files(Vec<SinkFile>),
}

/// The committed files of an output folder, for one who asks for them again and again: the log is
/// read only when it has changed.
#[derive(Debug)]
pub struct CommittedFiles(CompactibleLog<SinkFile>);

impl CommittedFiles {
    /// Nothing is read yet.
    pub fn new(folder: &Location) -> Self {
        Self(manifest(folder))
    }

    /// What [`committed_files`] would give now.
    ///
    /// # Errors
    /// As [`committed_files`].
    pub async fn look(&mut self) -> Result<Committed> {
        Ok(match self.0.look().await? {
            Look::Nothing => Committed::NoLog,
            Look::Same => Committed::Same,
            Look::Changed => Committed::Files(files_of(self.0.all().await?)),
        })
    }
}

/// The files that entries leave. A deletion takes back every file of its path, before or after it,
/// as in Spark.
fn files_of(mut entries: Vec<SinkFile>) -> Vec<SinkFile> {
    let deleted = entries.iter().filter(|file| file.action == DELETE);
    let deleted: HashSet<String> = deleted.map(|file| file.path.clone()).collect();
    entries.retain(|file| !file.is_dir && !deleted.contains(&file.path));
    entries
}

async fn is_empty(folder: &Location) -> Result<bool> {
    let listed = folder.store.list_with_delimiter(Some(&folder.path)).await;
    let ListResult { common_prefixes, objects } = listed.map_err(|error| Error::Storage {
        action: "list",
        path: folder.given.clone(),
        source: error.into(),
    })?;
    Ok(common_prefixes.is_empty() && objects.is_empty())
}
