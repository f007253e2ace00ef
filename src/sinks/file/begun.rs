//! The names that writers gave to files, until their epoch is committed or given up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Names of files by epoch. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Begun(Arc<Mutex<BTreeMap<u64, BTreeSet<String>>>>);

impl Begun {
    /// A file of this epoch is about to be written.
    pub(super) fn add(&self, epoch: u64, name: &str) {
        self.lock().entry(epoch).or_default().insert(name.to_owned());
    }

    /// Takes out the names of an epoch.
    pub(super) fn take(&self, epoch: u64) -> BTreeSet<String> {
        self.lock().remove(&epoch).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, BTreeSet<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
