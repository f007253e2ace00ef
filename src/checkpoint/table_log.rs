//! The log of a static table: what it held, by the epoch that saw it first.

use crate::checkpoint::metadata_log::MetadataLog;
use crate::connector::versioned::TableContent;
use crate::error::Result;

/// `tables/<name>/N`: what the table has held since epoch N.
pub type TableLog = MetadataLog<TableContent>;

/// Removes what no epoch from `epoch` on can read: all before the version that it reads.
///
/// # Errors
/// `Storage`.
pub async fn purge_unread(log: &TableLog, epoch: u64) -> Result<()> {
    let versions = log.epochs().await?;
    match versions.into_iter().rev().find(|since| *since <= epoch) {
        Some(read) => log.purge_before(read).await,
        None => Ok(()),
    }
}
