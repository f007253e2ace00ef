//! What survives a crash, and where it lies.
//!
//! ```text
//! <checkpoint>/metadata                 {"id": the query's id, format version}
//! <checkpoint>/runs/<n>                 one for each start: the fence
//! <checkpoint>/offsets/<N>              written before epoch N runs: what it will read
//! <checkpoint>/commits/<N>              written after epoch N: it is done, and these are its files
//! <checkpoint>/sources/<name>/...       what a source must remember
//! <checkpoint>/state/<operator>/schema  what an operator stores
//! <checkpoint>/state/<operator>/<partition>/<version>-<run>.delta.arrow | .snapshot.arrow
//! ```

pub mod claim;
pub mod commit_log;
pub mod compactible_log;
mod folders;
pub mod id;
pub mod key_group;
pub mod layout;
mod log_file;
pub mod manifest;
pub mod metadata_log;
pub mod offset_log;
pub mod query_metadata;
pub(crate) mod seal;
pub mod storage;
pub mod synced_file;
pub mod synced_store;
pub mod table_log;

pub use claim::Claim;
pub use commit_log::{CommitEntry, CommitLog, StateCommit, StateFile};
pub use compactible_log::CompactibleLog;
pub use id::{OperatorId, PartitionId, StateVersion};
pub use key_group::{KEY_GROUPS, KeyGroupSet};
pub use layout::Checkpoint;
pub use manifest::{SinkFile, committed_files, manifest};
pub use metadata_log::MetadataLog;
pub use offset_log::{OffsetEntry, OffsetLog};
pub use query_metadata::QueryMetadata;
pub use storage::LocalStorage;
pub use synced_file::SyncStats;
pub use synced_store::SyncedLocalStore;

#[cfg(test)]
mod tests;
