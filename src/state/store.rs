//! The promises of a state store.

use std::fmt::Debug;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use async_trait::async_trait;

use crate::checkpoint::commit_log::StateCommit;
use crate::checkpoint::id::StateVersion;
use crate::error::Result;
use crate::event_time::timestamp::EventTime;

/// The state of one operator in one partition, opened at one version to make the next.
///
/// # Contract
/// All keys and values go in and out as Arrow columns of the store's schema. Changes are seen by
/// the reads that follow. They become the next version with [`commit`](Self::commit), or are undone
/// by [`abort`](Self::abort); dropping the store without either is an abort at the next opening.
///
/// A store without key columns has one key, as a global aggregation has: it is looked up and
/// removed once by a call without columns. After a change that failed a store takes no other
/// change and no commit, only an abort. After its commit it can be read and aborted, not changed.
#[async_trait]
pub trait StateStore: Debug + Send + Sync + 'static {
    /// The version that was opened.
    fn version(&self) -> StateVersion;

    /// Looks up keys: those that are there, in the order of `keys`.
    ///
    /// # Errors
    /// `Internal` for columns that do not fit the schema.
    fn get_many(&self, keys: &[ArrayRef]) -> Result<Found>;

    /// Puts values under keys, in order; a later value of a key replaces an earlier one.
    ///
    /// # Errors
    /// `Internal` for columns that do not fit the schema; `DataFusion` (resources exhausted) when
    /// the memory pool has no more.
    fn put_many(&self, keys: &[ArrayRef], values: &[ArrayRef]) -> Result<()>;

    /// Removes keys; those that are not there are passed over.
    ///
    /// # Errors
    /// `Internal` for columns that do not fit the schema.
    fn remove_many(&self, keys: &[ArrayRef]) -> Result<()>;

    /// Removes all rows whose event time is at or before `until` and gives them back, key columns
    /// then value columns, in batches of about `batch_size` rows. Costs what it removes.
    ///
    /// # Errors
    /// `Internal` when the key of the store has no event time.
    fn evict(&self, until: EventTime, batch_size: usize) -> Result<Vec<RecordBatch>>;

    /// All rows, key columns then value columns, in batches of about `batch_size` rows: the next
    /// batch, beginning after `cursor`. `None` at the end.
    ///
    /// Rows may be changed between two calls only if their keys have been given out already.
    ///
    /// # Errors
    /// `Internal` when rows cannot be read back.
    fn scan(&self, cursor: &mut ScanCursor, batch_size: usize) -> Result<Option<RecordBatch>>;

    /// Makes the next version: writes what changed, durably, under a name that carries the number
    /// of the run. The version counts only once `commits/N` names the files. A second commit
    /// writes nothing and gives the same answer.
    ///
    /// # Errors
    /// `Storage` when the files cannot be written; the changes are still there to be aborted.
    async fn commit(&self) -> Result<StateCommit>;

    /// Undoes all changes since the store was opened, also when they were committed: the store is
    /// again what version [`version`](Self::version) was.
    fn abort(&self);

    /// What the store holds and what changed in it since it was opened.
    fn metrics(&self) -> StateMetrics;
}

/// What [`StateStore::get_many`] found.
#[derive(Debug)]
pub struct Found {
    /// For each found row its position among the keys that were asked for, ascending.
    pub positions: UInt32Array,
    /// The value columns of the found rows.
    pub values: Vec<ArrayRef>,
}

/// How far a scan has come. Starts with `default()`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScanCursor(pub usize);

/// What a store holds and what changed in it since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StateMetrics {
    /// Rows in the store.
    pub rows_total: u64,
    /// Rows that were put since it was opened.
    pub rows_updated: u64,
    /// Rows that were removed or evicted since it was opened.
    pub rows_removed: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
}
