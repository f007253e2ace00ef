//! Which state files nobody needs any more.
//!
//! A file is needed while an entry of the commit log that is still there names it. Entries go from
//! the old end, and a file is named by entries that follow one another, so it is enough to know
//! the last entry that names it: each entry is read once in a run.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;

use crate::checkpoint::commit_log::CommitEntry;
use crate::checkpoint::id::StateVersion;
use crate::checkpoint::layout::Checkpoint;
use crate::error::Result;
use crate::state::file::{self, FileKind, FileName};

/// A snapshot that is made or waits to be used: the partition's folder, and the version.
pub(super) type OpenSnapshot = (Path, StateVersion);

/// The files that the entries of the commit log name.
#[derive(Debug, Default)]
pub(super) struct Named {
    last: HashMap<Path, u64>,
    newest: Option<u64>,
}

impl Named {
    /// Reads the entries that are new, and forgets those that are gone.
    pub(super) async fn read(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let log = checkpoint.commits();
        let epochs = log.epochs().await?;
        let read = self.newest;
        for epoch in epochs.iter().copied().filter(|epoch| read.is_none_or(|n| *epoch > n)) {
            if let Some(entry) = log.get(epoch).await? {
                self.add(checkpoint, epoch, &entry);
            }
        }
        self.forget_before(epochs.first().copied().unwrap_or(0));
        Ok(())
    }

    /// Takes in the entry of an epoch after all that were taken in before.
    pub(super) fn add(&mut self, checkpoint: &Checkpoint, epoch: u64, entry: &CommitEntry) {
        for (operator, partitions) in &entry.state {
            let folder = checkpoint.state(operator);
            for file in partitions.iter().flat_map(|partition| &partition.files) {
                self.last.insert(file::locate(&folder, file).path, epoch);
            }
        }
        self.newest = Some(epoch);
    }

    /// Forgets the files that only entries before `epoch` name.
    pub(super) fn forget_before(&mut self, epoch: u64) {
        self.last.retain(|_, last| *last >= epoch);
    }
}

/// All files below the folder of all state.
pub(super) async fn list(checkpoint: &Checkpoint) -> Result<Vec<Path>> {
    let all = checkpoint.all_state();
    let files = all.store.list(Some(&all.path)).map_ok(|file| file.location).try_collect().await;
    files.map_err(|error| file::storage("list", &all, error))
}

/// Of the listed files those that no entry names and none ever will, seen from run `run`.
pub(super) fn select(files: &[Path], named: &Named, run: u64, open: &[OpenSnapshot]) -> Vec<Path> {
    let Some(newest) = named.newest else {
        return vec![]; // Without an entry every file may be one of the first epoch's.
    };
    let is_gone = |path: &&Path| {
        let Some(name) = name_of(path) else {
            return false;
        };
        let may_be_taken = open.iter().any(|(folder, version)| {
            name.kind == FileKind::Snapshot
                && name.version == *version
                && path.prefix_matches(folder)
        });
        !named.last.contains_key(*path)
            && name.version <= StateVersion(newest).next()
            && name.run <= run
            && !may_be_taken
    };
    files.iter().filter(is_gone).cloned().collect()
}

/// Deletes files; those that are gone already are passed over.
pub(super) async fn delete(checkpoint: &Checkpoint, files: Vec<Path>) -> Result<()> {
    let all = checkpoint.all_state();
    let files = futures::stream::iter(files.into_iter().map(Ok)).boxed();
    let mut deleted = all.store.delete_stream(files);
    while let Some(file) = deleted.next().await {
        match file {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => (),
            Err(error) => return Err(file::storage("delete files below", &all, error)),
        }
    }
    Ok(())
}

fn name_of(path: &Path) -> Option<FileName> {
    let (folder, name) = path.as_ref().rsplit_once('/')?;
    let partition = folder.rsplit('/').next()?;
    FileName::parse(&format!("{partition}/{name}"))
}
