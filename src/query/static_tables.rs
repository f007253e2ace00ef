//! Which version of each static table an epoch reads.
//!
//! ```text
//! tables/d/12     v1
//!                 {"newest":1700000000000000,"files":[...]}
//! offsets/15      ... "tables":{"d":12}
//! ```
//!
//! Before an epoch is fixed, each table is asked what it holds. What is new is written under the
//! number of the epoch, and the offset log names the number: epoch 15 reads `d` as it has been
//! since epoch 12. An epoch that is run again reads what it read before.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::checkpoint::layout::Checkpoint;
use crate::checkpoint::offset_log::OffsetEntry;
use crate::checkpoint::table_log::TableLog;
use crate::connector::versioned::{TableContent, TableVersion, VersionedTable};
use crate::error::{Error, Result};
use crate::logical::static_tables::StaticTables;

/// The version of each table in one epoch, by its name.
pub type Versions = BTreeMap<String, TableVersion>;

/// The tables of one run, and what is known of them.
#[derive(Debug)]
pub struct TableTracker(BTreeMap<String, Tracked>);

#[derive(Debug)]
struct Tracked {
    table: Arc<dyn VersionedTable>,
    log: TableLog,
    last: Option<TableVersion>,
}

impl TableTracker {
    /// The tables of a query with this checkpoint, which goes on after `previous`.
    ///
    /// # Errors
    /// `Corrupt` for an entry of a table's log that cannot be read; `Storage`.
    pub async fn open(
        tables: &StaticTables,
        checkpoint: &Checkpoint,
        previous: Option<&OffsetEntry>,
    ) -> Result<Self> {
        let mut tracked = BTreeMap::new();
        for (name, table) in tables {
            let log = checkpoint.table(name);
            let last = match previous.and_then(|entry| entry.tables.get(name)) {
                Some(since) => load(&log, *since).await?,
                None => None,
            };
            tracked.insert(name.clone(), Tracked { table: Arc::clone(table), log, last });
        }
        Ok(Self(tracked))
    }

    /// Settles the versions that `epoch`, which nobody has fixed yet, will read.
    ///
    /// # Errors
    /// Those of the tables; `Storage`.
    pub async fn refresh(&mut self, epoch: u64) -> Result<Versions> {
        let mut versions = Versions::new();
        for (name, tracked) in &mut self.0 {
            let last = tracked.last.as_ref().map(|last| &last.content);
            let content = tracked.table.current(last).await?;
            let version = match tracked.last.take() {
                Some(last) if last.content == content => last,
                _ => TableVersion {
                    since: epoch,
                    content: write(&tracked.log, epoch, content).await?,
                },
            };
            tracked.last = Some(version.clone());
            versions.insert(name.clone(), version);
        }
        Ok(versions)
    }

    /// The versions that an epoch reads which was fixed before. A table that the query did not
    /// read then is read as it is now.
    ///
    /// # Errors
    /// `Corrupt` when the log does not have a version that the epoch names; `Storage`.
    pub async fn fixed(&mut self, epoch: u64, entry: &OffsetEntry) -> Result<Versions> {
        let mut versions = Versions::new();
        for (name, tracked) in &mut self.0 {
            let version = match entry.tables.get(name) {
                None => {
                    let content = tracked.table.current(None).await?;
                    TableVersion { since: epoch, content }
                }
                Some(since) if tracked.last.as_ref().is_some_and(|last| last.since == *since) => {
                    tracked.last.clone().ok_or_else(|| Error::internal("no last version"))?
                }
                Some(since) => load(&tracked.log, *since).await?.ok_or_else(|| {
                    let file = tracked.log.file(*since).given;
                    Error::corrupt(file, format!("it is missing, but `offsets/{epoch}` names it"))
                })?,
            };
            tracked.last = Some(version.clone());
            versions.insert(name.clone(), version);
        }
        Ok(versions)
    }
}

async fn load(log: &TableLog, since: u64) -> Result<Option<TableVersion>> {
    let content = log.get(since).await?;
    Ok(content.map(|content| TableVersion { since, content }))
}

/// Writes a content. A run that died before it fixed the epoch may have left one: that is as good,
/// and whoever reads this epoch reads the same.
async fn write(log: &TableLog, epoch: u64, content: TableContent) -> Result<TableContent> {
    match log.add(epoch, &content).await {
        Ok(()) => Ok(content),
        Err(Error::AlreadyExists { path }) => {
            let there = log.get(epoch).await?;
            there.ok_or_else(|| Error::corrupt(path, "it was there, and is missing"))
        }
        Err(error) => Err(error),
    }
}
