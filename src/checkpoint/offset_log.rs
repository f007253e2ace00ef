//! The offset log: what epoch N will read, written before it runs.
//!
//! ```text
//! offsets/12      v1
//!                 {"batchWatermarkMs":1700000000000,"batchTimestampMs":1700000012345,
//!                  "conf":{"spark.sql.streaming.multipleWatermarkPolicy":"min",...},
//!                  "sources":{"json-0":{"logOffset":12},"memory-1":null}}
//! ```
//!
//! The entry is one line of JSON; the lines are broken here to be read. The fields have Spark's
//! names. Unlike in Spark, where a source is known by its place in the plan, the sources are keyed
//! by name, so that an input may be added, or the order changed, without one source taking the
//! offsets of another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::checkpoint::metadata_log::MetadataLog;
use crate::connector::offset::Offset;
use crate::event_time::watermark::Watermark;

/// `offsets/N`, by epoch.
pub type OffsetLog = MetadataLog<OffsetEntry>;

/// What `offsets/N` says. Together with the state it is all that flows into epoch N.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OffsetEntry {
    /// The watermark that the epoch runs with: what it evicts and emits against.
    #[serde(rename = "batchWatermarkMs")]
    pub watermark: Watermark,
    /// The time of the epoch, milliseconds since 1970 in UTC: its `current_timestamp`.
    #[serde(rename = "batchTimestampMs")]
    pub timestamp: i64,
    /// The pinned settings.
    pub conf: BTreeMap<String, String>,
    /// How far each source is read, by its name; `null` where there is no data yet.
    pub sources: BTreeMap<String, Option<Offset>>,
    /// The version of each static table that is refreshed between epochs, by its name: the epoch
    /// that saw it first, which is its file in the table's log.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, u64>,
}
