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
/// A key is looked up once: [`locate`](Self::locate) gives it an *entry*, a number that stands for it
/// until the epoch ends, and all else goes by entries. Entries count from 0 in the order in which
/// the epoch touches keys, so that an operator can keep what it needs for each of them in a vector.
///
/// # Contract
/// All keys and values go in and out as Arrow columns of the store's schema. Changes are seen by
/// the reads that follow. They become the next version with [`commit`](Self::commit), or are undone
/// by [`abort`](Self::abort); dropping the store without either is an abort at the next opening.
///
/// A store without key columns has one key, as a global aggregation has: [`Keys::none`]. After a
/// change that failed a store takes no other change and no commit, only an abort, which ends all
/// entries. After its commit it can be read and aborted, not changed.
#[async_trait]
pub trait StateStore: Debug + Send + Sync + 'static {
    /// The version that was opened.
    fn version(&self) -> StateVersion;

    /// The entries of keys, in their order. Two rows of one key have one entry.
    ///
    /// # Errors
    /// `Internal` for columns that do not fit the schema; `DataFusion` (resources exhausted) when
    /// the memory pool has no more.
    fn locate(&self, keys: &Keys<'_>, absent: Absent) -> Result<Vec<u32>>;

    /// How many entries there are. An eviction makes entries, too.
    ///
    /// # Errors
    /// `Internal` when the store was opened again.
    fn entries(&self) -> Result<usize>;

    /// The key columns of all entries.
    ///
    /// # Errors
    /// `Internal` when the store was opened again.
    fn keys(&self) -> Result<Vec<ArrayRef>>;

    /// The rows of entries that have one; [`NO_ENTRY`] has none.
    ///
    /// # Errors
    /// `Internal` when the store was opened again.
    fn read(&self, entries: &[u32]) -> Result<Found>;

    /// Writes the rows of entries, in order; a later one replaces an earlier one.
    ///
    /// # Errors
    /// `Internal` for columns that do not fit the schema and for an entry that is not there;
    /// `DataFusion` (resources exhausted) when the memory pool has no more.
    fn write(&self, entries: &[u32], values: &[ArrayRef]) -> Result<()>;

    /// Removes the rows of entries; those that have none, and [`NO_ENTRY`], are passed over.
    ///
    /// # Errors
    /// `Internal` for an entry that is not there.
    fn remove(&self, entries: &[u32]) -> Result<()>;

    /// Removes about `batch_size` rows whose event time is at or before `until` and gives them
    /// back, key columns then value columns, the earliest first; `None` when there are no more.
    /// Costs what it removes.
    ///
    /// # Errors
    /// `Internal` when the rows of the store have no event time.
    fn evict(&self, until: EventTime, batch_size: usize) -> Result<Option<RecordBatch>>;

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

/// Keys to look up.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    /// The key columns.
    pub(in crate::state) columns: &'a [ArrayRef],
    /// The hash of each key, where it is known.
    pub(in crate::state) hashes: Option<&'a [u64]>,
    rows: usize,
}

impl<'a> Keys<'a> {
    /// The key of a store without key columns.
    pub const fn none() -> Self {
        Self { columns: &[], hashes: None, rows: 1 }
    }

    /// Keys of so many rows.
    pub const fn new(columns: &'a [ArrayRef], rows: usize) -> Self {
        Self { columns, hashes: None, rows }
    }

    /// The same with the hash of each key, as a [`KeyHasher`](crate::state::KeyHasher) gives it.
    #[must_use]
    pub const fn with_hashes(self, hashes: &'a [u64]) -> Self {
        Self { hashes: Some(hashes), ..self }
    }

    /// How many keys there are.
    pub const fn rows(&self) -> usize {
        self.rows
    }
}

/// What [`StateStore::locate`] does with keys that the store does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Makes an entry without a row.
    Make,
    /// Gives [`NO_ENTRY`].
    Skip,
}

/// The entry of a key that the store does not have.
pub const NO_ENTRY: u32 = u32::MAX;

/// What [`StateStore::read`] found.
#[derive(Debug)]
pub struct Found {
    /// For each found row its position among the entries that were asked for, ascending.
    pub positions: UInt32Array,
    /// The value columns of the found rows.
    pub values: Vec<ArrayRef>,
}

/// How far a scan has come. Starts with `default()`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScanCursor(pub(in crate::state) u32);

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
