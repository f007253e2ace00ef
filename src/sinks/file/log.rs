//! The log of an output folder, and what is known of it without asking the storage again.

use std::collections::BTreeSet;

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
}

impl FolderLog {
    /// Looks at the log of `folder` on behalf of a query.
    ///
    /// # Errors
    /// `Invalid` when the folder holds the output of another query; `Corrupt`; `Storage`.
    pub(super) async fn open(folder: &Location, query_id: &str) -> Result<Self> {
        let is_owned = owner::check(&log_folder(folder), folder, query_id).await?;
        let log = manifest(folder);
        let newest = log.latest().await?;
        if newest.is_some() && !is_owned {
            return Err(Error::invalid(format!(
                "`{}` has a log that no query of millstream wrote; write to another path, or \
                 remove the folder",
                folder.given
            )));
        }
        Ok(Self { folder: folder.clone(), log, newest, is_owned })
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
            owner::claim(&log_folder(&self.folder), &self.folder, query_id).await?;
            self.is_owned = true;
        }
        let is_kept = |file: &SinkFile| keep_from.is_none_or(|from| file.modification_time >= from);
        self.log.add_and_keep(epoch, files, &is_kept).await?;
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

fn log_folder(folder: &Location) -> Location {
    folder.child(METADATA_FOLDER)
}
