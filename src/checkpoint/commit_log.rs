//! The commit log: epoch N is done.
//!
//! ```text
//! commits/12      v1
//!                 {"nextBatchWatermarkMs":1700000005000,
//!                  "state":{"aggregate-1c9f":[
//!                    {"partition":0,"groups":"00000000...ffffffff","files":[
//!                      {"path":"0/10-3.snapshot.arrow","length":4096,"crc32":2774563022},
//!                      {"path":"0/13-3.delta.arrow","length":914,"crc32":119200312}]}]}}
//! ```
//!
//! The entry is one line of JSON; the lines are broken here to be read. The watermark has Spark's
//! name. The state is ours: the files that make up version N + 1, for each operator by its id and
//! each partition, with what is needed to tell a damaged file. A state file that no entry names
//! does not count.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::checkpoint::id::{OperatorId, PartitionId};
use crate::checkpoint::key_group::KeyGroupSet;
use crate::checkpoint::metadata_log::MetadataLog;
use crate::event_time::watermark::Watermark;

/// `commits/N`, by epoch.
pub type CommitLog = MetadataLog<CommitEntry>;

/// What `commits/N` says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitEntry {
    /// The watermark of the next epoch.
    #[serde(rename = "nextBatchWatermarkMs")]
    pub next_watermark: Watermark,
    /// The state after the epoch: for each operator its partitions, in order.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<OperatorId, Vec<StateCommit>>,
}

/// The state of one partition after an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StateCommit {
    /// The partition.
    pub partition: PartitionId,
    /// The key groups that it owned.
    pub groups: KeyGroupSet,
    /// The files that make up the version: at most one snapshot, first, then changelogs in order.
    pub files: Vec<StateFile>,
}

/// One file of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StateFile {
    /// Its path below the operator's folder, such as `0/12-3.delta.arrow`.
    pub path: String,
    /// The length in bytes.
    pub length: u64,
    /// The CRC-32 of the bytes.
    pub crc32: u32,
}
