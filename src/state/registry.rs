//! Finds the state store of an address, in memory or in the checkpoint.

use std::sync::Arc;

use datafusion::execution::memory_pool::MemoryPool;

use crate::checkpoint::id::{OperatorId, PartitionId, StateVersion};
use crate::checkpoint::key_group::KeyGroupSet;
use crate::checkpoint::layout::Checkpoint;
use crate::error::{Error, Result};
use crate::state::schema::StateSchema;
use crate::state::store::StateStore;

/// The state stores of one run of a query.
#[derive(Debug)]
pub struct StateRegistry {
    checkpoint: Checkpoint,
}

/// Which store is wanted, and what it has to hold.
#[derive(Debug, Clone)]
pub struct StateRequest {
    /// The operator.
    pub operator: OperatorId,
    /// The partition.
    pub partition: PartitionId,
    /// The key groups that the partition owns.
    pub groups: KeyGroupSet,
    /// The version to open; the next one is made.
    pub version: StateVersion,
    /// The number of the run, for the names of new files.
    pub run: u64,
    /// The shape of the rows.
    pub schema: StateSchema,
}

impl StateRegistry {
    /// A registry over a checkpoint. Stores take their memory from `pool` and gather
    /// `min_deltas_for_snapshot` changelogs before a snapshot is made of them.
    pub fn new(
        checkpoint: Checkpoint,
        _min_deltas_for_snapshot: usize,
        _pool: Arc<dyn MemoryPool>,
    ) -> Self {
        Self { checkpoint }
    }

    /// Opens a store at a version. Opening the same version again gives the same store until it
    /// is committed or aborted.
    ///
    /// # Errors
    /// `Corrupt` when a file of the version is damaged or missing, naming it; `Storage`.
    pub async fn open(&self, request: &StateRequest) -> Result<Arc<dyn StateStore>> {
        Err(Error::internal(format!("{request:?} {:?}", self.checkpoint)))
    }

    /// wait
    pub async fn finish_background(&self) {}

    /// Removes the files of versions that no entry of the commit log names any more.
    ///
    /// # Errors
    /// `Storage`; `Corrupt` for a commit log that cannot be read.
    pub async fn purge(&self) -> Result<()> {
        Ok(())
    }
}
