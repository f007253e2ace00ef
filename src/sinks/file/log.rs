//! The log of an output folder, and what is known of it without asking the storage again.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use object_store::path::Path;

use crate::checkpoint::compactible_log::CompactibleLog;
use crate::checkpoint::manifest::{METADATA_FOLDER, SinkFile, committed_files, manifest};
use crate::connector::storage::Location;
use crate::error::{Error, Result};
use crate::sinks::file::owner;

/// The log of an output folder, opened for one query.
#[derive(Debug)]
pub(super) struct FolderLog {
    folder: Location,
    log: CompactibleLog<SinkFile>,
    newest: Option<u64>,
    is_owned: bool,
    /// The epoch with which the query came to the folder, where it was not 0.
    first_epoch: Option<u64>,
}

impl FolderLog {
    /// Looks at the log of `folder` on behalf of a query.
    ///
    /// # Errors
    /// `Invalid` when the folder holds the output of another query; `Corrupt`; `Storage`.
    pub(super) async fn open(folder: &Location, query_id: &str) -> Result<Self> {
        let owner = owner::check(&log_folder(folder), folder, query_id).await?;
        let log = manifest(folder);
        let newest = log.latest().await?;
        if newest.is_some() && owner.is_none() {
            return Err(Error::invalid(format!(
                "`{}` has a log that no query of millstream wrote, or whose file \
                 `_spark_metadata/.query` was lost; write to another path, or remove the folder",
                folder.given
            )));
        }
        let is_owned = owner.is_some();
        let first_epoch = owner.and_then(|owner| owner.first_epoch);
        Ok(Self { folder: folder.clone(), log, newest, is_owned, first_epoch })
    }

    /// Sees to it that an epoch can follow on what the folder holds, before its files are written.
    ///
    /// A log without entries is all right for the first epoch of a query, and for one that was
    /// sent to another folder, which is empty then. Where files lie beside it, it was lost: to
    /// begin anew would take the rows of all epochs before from those who read by the log.
    ///
    /// # Errors
    /// `Corrupt` when the log has gone; those of [`add`](Self::add).
    pub(super) async fn begin(&mut self, query_id: &str, epoch: u64) -> Result<()> {
        let is_first = self.first_epoch.unwrap_or(0) >= epoch;
        if self.newest.is_some() || is_first {
            return Ok(());
        }
        if let Some(file) = data_file(&self.folder).await? {
            return Err(Error::corrupt(
                log_folder(&self.folder).given,
                format!(
                    "it has no entries any more, but epoch {epoch} of the query follows and the \
                     folder still holds files such as `{file}`, which nobody could tell from \
                     uncommitted ones; put the log back, or write to an empty folder"
                ),
            ));
        }
        tracing::warn!(
            folder = self.folder.given,
            epoch,
            "the output goes on in an empty folder, without the rows of the epochs before"
        );
        if !self.is_owned {
            // From here on files of this epoch may lie in the folder before the log has an entry.
            self.claim(query_id, Some(epoch)).await?;
        }
        Ok(())
    }

    async fn claim(&mut self, query_id: &str, first_epoch: Option<u64>) -> Result<()> {
        owner::claim(&log_folder(&self.folder), &self.folder, query_id, first_epoch).await?;
        self.is_owned = true;
        self.first_epoch = first_epoch;
        Ok(())
    }

    /// Whether the log has this epoch.
    pub(super) fn has(&self, epoch: u64) -> bool {
        self.newest.is_some_and(|newest| epoch <= newest)
    }

    /// Adds an epoch, durably. When the log is compacted, files from before `keep_from` drop out
    /// of it.
    ///
    /// # Errors
    /// `AlreadyExists` when the log has it; `Invalid` when another query was first to write into
    /// the folder; `Corrupt`; `Storage`.
    pub(super) async fn add(
        &mut self,
        query_id: &str,
        (epoch, files): (u64, &[SinkFile]),
        keep_from: Option<i64>,
    ) -> Result<()> {
        if let Some(newest) = self.newest.filter(|newest| newest + 1 < epoch) {
            // Every epoch has an entry, also one without rows: those between were lost.
            return Err(Error::corrupt(
                log_folder(&self.folder).child(&(newest + 1).to_string()).given,
                format!("it is missing, but epoch {epoch} is to be committed"),
            ));
        }
        if !self.is_owned {
            self.claim(query_id, None).await?;
        }
        let is_kept = |file: &SinkFile| {
            !file.is_dir && keep_from.is_none_or(|from| file.modification_time >= from)
        };
        let no_files = [SinkFile::folder(&self.folder)];
        let entries = if files.is_empty() { &no_files } else { files };
        self.log.add_and_keep(epoch, entries, &is_kept).await?;
        self.newest = Some(epoch);
        Ok(())
    }
}

/// The URLs of all files that the log of `folder` names, read afresh.
///
/// # Errors
/// `Corrupt`; `Storage`.
pub(super) async fn committed(folder: &Location) -> Result<BTreeSet<String>> {
    let files = committed_files(folder).await?.unwrap_or_default();
    Ok(files.into_iter().map(|file| file.path).collect())
}

/// The name of some file in a folder, or in the folders in it that are named by columns, that could
/// be one of rows.
async fn data_file(folder: &Location) -> Result<Option<String>> {
    let mut all = folder.store.list(Some(&folder.path));
    let failed = |error| Error::Storage {
        action: "list",
        path: folder.given.clone(),
        source: Box::new(error),
    };
    while let Some(file) = all.try_next().await.map_err(failed)? {
        if let Some(name) = data_name(&file.location, &folder.path) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn data_name(file: &Path, folder: &Path) -> Option<String> {
    let parts: Vec<_> = file.prefix_match(folder)?.collect();
    let (name, folders) = parts.split_last()?;
    let name: &str = name.as_ref();
    let is_hidden = name.starts_with(['_', '.']);
    let is_data = !is_hidden && folders.iter().all(|folder| folder.as_ref().contains('='));
    is_data.then(|| name.to_owned())
}

fn log_folder(folder: &Location) -> Location {
    folder.child(METADATA_FOLDER)
}
