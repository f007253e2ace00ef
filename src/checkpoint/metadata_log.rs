//! A log of small files, one for each epoch.
//!
//! ```text
//! offsets/12      v1
//!                 {"batchWatermarkMs":0,"batchTimestampMs":1700000000000,...}
//! ```
//!
//! A run lists its logs once and reads nothing that it wrote itself, so that an epoch costs one
//! put for each log.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::checkpoint::log_file;
use crate::connector::storage::Location;
use crate::error::{Error, Result};

/// How many entries are kept in memory: an epoch looks at its own and at the one before.
const KEPT: usize = 2;

/// A log of small files, one for each epoch.
///
/// A log and its clones remember which epochs they saw; of entries that somebody else adds later
/// they may not know. A log that is made anew sees all.
#[derive(Debug, Clone)]
pub struct MetadataLog<T> {
    folder: Location,
    memory: Arc<Mutex<Memory<T>>>,
}

/// What a log knows without asking the store.
#[derive(Debug)]
struct Memory<T> {
    /// The entries with the greatest epochs that were read or written, ascending.
    entries: Vec<(u64, T)>,
    /// Epochs with an entry: all of them when `is_listed`.
    epochs: BTreeSet<u64>,
    is_listed: bool,
}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync> MetadataLog<T> {
    /// The log in this folder.
    pub fn new(folder: Location) -> Self {
        let memory = Memory { entries: vec![], epochs: BTreeSet::new(), is_listed: false };
        Self { folder, memory: Arc::new(Mutex::new(memory)) }
    }

    /// Adds the entry of an epoch, durably.
    ///
    /// # Errors
    /// `AlreadyExists` when the epoch has an entry; `Storage`.
    pub async fn add(&self, epoch: u64, entry: &T) -> Result<()> {
        let file = self.file(epoch);
        let text = log_file::render(std::slice::from_ref(entry), &file)?;
        if let Err(error) = log_file::create(&file, text).await {
            // The file may be there all the same, by somebody else's hand or by our own.
            self.memory().is_listed = false;
            return Err(error);
        }
        let mut memory = self.memory();
        memory.epochs.insert(epoch);
        memory.keep(epoch, entry.clone());
        Ok(())
    }

    /// The entry of an epoch, if there is one.
    ///
    /// # Errors
    /// `Corrupt` for an entry that cannot be read, naming the file; `Storage`.
    pub async fn get(&self, epoch: u64) -> Result<Option<T>> {
        if let Some(entry) = self.memory().entry(epoch) {
            return Ok(Some(entry));
        }
        let file = self.file(epoch);
        let Some(text) = log_file::read(&file).await? else { return Ok(None) };
        let entry: T = log_file::parse_one(&text, &file)?;
        self.memory().keep(epoch, entry.clone());
        Ok(Some(entry))
    }

    /// The newest epoch with an entry.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn latest(&self) -> Result<Option<u64>> {
        self.list_once().await?;
        Ok(self.memory().epochs.last().copied())
    }

    /// All epochs with an entry, ascending.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn epochs(&self) -> Result<Vec<u64>> {
        let names = log_file::names(&self.folder).await?;
        let epochs: BTreeSet<u64> = names.iter().filter_map(|n| log_file::epoch_of(n)).collect();
        Ok(epochs.into_iter().collect())
    }

    /// Checks that no epoch is missing between the oldest entry and the newest.
    ///
    /// # Errors
    /// `Corrupt` naming the first file that is missing; `Storage`.
    pub async fn check_contiguous(&self) -> Result<()> {
        let epochs = self.epochs().await?;
        match epochs.windows(2).find(|pair| pair[1] - pair[0] > 1) {
            None => Ok(()),
            Some(pair) => Err(Error::corrupt(
                self.file(pair[0] + 1).given,
                format!("it is missing, though `{}` and `{}` are there", pair[0], pair[1]),
            )),
        }
    }

    /// Removes the entries of epochs before `epoch`, oldest first, so that a crash on the way
    /// leaves no gap.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn purge_before(&self, epoch: u64) -> Result<()> {
        self.list_once().await?;
        let old: Vec<u64> = self.memory().epochs.range(..epoch).copied().collect();
        for old in old {
            log_file::remove(&self.file(old)).await?;
            self.memory().epochs.remove(&old);
        }
        self.memory().entries.retain(|(kept, _)| *kept >= epoch);
        Ok(())
    }

    async fn list_once(&self) -> Result<()> {
        if self.memory().is_listed {
            return Ok(());
        }
        let epochs = self.epochs().await?;
        let mut memory = self.memory();
        // What was added since the listing began is known already.
        memory.epochs.extend(epochs);
        memory.is_listed = true;
        Ok(())
    }

    /// Where the entry of an epoch is, or would be.
    pub fn file(&self, epoch: u64) -> Location {
        self.folder.child(&epoch.to_string())
    }

    fn memory(&self) -> MutexGuard<'_, Memory<T>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Memory<T> {
    fn entry(&self, epoch: u64) -> Option<T> {
        self.entries.iter().find(|(kept, _)| *kept == epoch).map(|(_, entry)| entry.clone())
    }

    fn keep(&mut self, epoch: u64, entry: T) {
        self.entries.retain(|(kept, _)| *kept != epoch);
        let at = self.entries.partition_point(|(kept, _)| *kept < epoch);
        self.entries.insert(at, (epoch, entry));
        if self.entries.len() > KEPT {
            self.entries.remove(0);
        }
    }
}
