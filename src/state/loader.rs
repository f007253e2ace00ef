//! From the files of a version to rows in memory.
//!
//! A partition that owns what a partition of the version owned takes that one's files. After a
//! change of the number of partitions it takes the files of all that had groups of its own, and of
//! these its rows; such a chain is not its own, so that its next version has to begin with a
//! snapshot.

use bytes::Bytes;

use crate::checkpoint::commit_log::{StateCommit, StateFile};
use crate::checkpoint::key_group::{KEY_GROUPS, KeyGroupSet};
use crate::connector::storage::Location;
use crate::error::{Error, Result};
use crate::runtime::task;
use crate::state::changelog::FileFormat;
use crate::state::file::{self, FileKind, FileName};
use crate::state::memory::loading::LoadError;
use crate::state::memory::table::Table;
use crate::state::schema::StateSchema;

/// Which files make up a partition.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LoadPlan<'a> {
    /// Those of one partition of the version, whole.
    Own(&'a [StateFile]),
    /// Of the files of several partitions, the rows of its groups.
    Share(Vec<&'a StateFile>),
}

/// Decides which files make up the partition that owns `groups`. The text of an error says what
/// the version lacks.
pub(super) fn plan<'a>(
    recorded: &'a [StateCommit],
    groups: &KeyGroupSet,
) -> Result<LoadPlan<'a>, String> {
    if let Some(same) = recorded.iter().find(|commit| commit.groups == *groups) {
        return Ok(LoadPlan::Own(&same.files));
    }
    let missing = (0..KEY_GROUPS).map(|group| group as u8).find(|group| {
        groups.contains(*group) && recorded.iter().all(|c| !c.groups.contains(*group))
    });
    if let Some(group) = missing {
        return Err(format!("no partition in it owns key group {group}"));
    }
    let sharing = recorded.iter().filter(|commit| commit.groups.intersects(groups));
    Ok(LoadPlan::Share(sharing.flat_map(|commit| &commit.files).collect()))
}

/// Applies files to a table, in order; of their rows those of `groups`, where given.
pub(super) async fn load(
    mut table: Box<Table>,
    schema: &StateSchema,
    operator: &Location,
    files: impl Iterator<Item = &StateFile> + Send,
    groups: Option<KeyGroupSet>,
) -> Result<Box<Table>> {
    for file in files {
        let bytes = file::read(operator, file).await?;
        let path = file::locate(operator, file).given;
        let format = FileFormat::new(schema);
        let kind = match FileName::is_snapshot(file) {
            true => FileKind::Snapshot,
            false => FileKind::Delta,
        };
        table = task::block(move || {
            apply(&mut table, (&format, kind), bytes, groups)
                .map_err(|error| error.into_error(&path))?;
            Ok(table)
        })
        .await?;
    }
    Ok(table)
}

fn apply(
    table: &mut Table,
    (format, kind): (&FileFormat, FileKind),
    bytes: Bytes,
    groups: Option<KeyGroupSet>,
) -> Result<(), LoadError> {
    for batch in format.decode(bytes).map_err(LoadError::Malformed)? {
        table.load(batch.map_err(LoadError::Malformed)?, kind, groups.as_ref())?;
    }
    // A file that is applied is not undone, and what it replaced is free for the next.
    Ok(table.begin()?)
}

impl LoadError {
    fn into_error(self, path: &str) -> Error {
        match self {
            Self::Malformed(reason) => Error::corrupt(path, reason),
            Self::Other(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::id::PartitionId;

    fn commit(partition: u32, groups: impl Iterator<Item = u8>) -> StateCommit {
        let file =
            |n| StateFile { path: format!("{partition}/{n}-0.delta.arrow"), length: 0, crc32: 0 };
        let groups = groups.collect();
        StateCommit { partition: PartitionId(partition), groups, files: vec![file(1), file(2)] }
    }

    #[test]
    fn a_partition_with_the_same_groups_takes_its_files_whole() {
        let recorded = [commit(0, 0..128), commit(1, 128..=255)];
        let groups = (128..=255).collect();
        assert_eq!(plan(&recorded, &groups), Ok(LoadPlan::Own(&recorded[1].files)));
    }

    #[test]
    fn a_partition_with_other_groups_shares_the_files_of_all_that_had_them() {
        let recorded = [commit(0, 0..100), commit(1, 100..200), commit(2, 200..=255)];
        let Ok(LoadPlan::Share(files)) = plan(&recorded, &(90..110).collect()) else {
            panic!("other groups are shared");
        };
        let expected: Vec<_> = recorded[..2].iter().flat_map(|c| &c.files).collect();
        assert_eq!(files, expected);
    }

    #[test]
    fn a_group_that_nobody_owned_is_named() {
        let error = plan(&[commit(0, 0..100)], &(90..110).collect()).unwrap_err();
        assert_eq!(error, "no partition in it owns key group 100");
    }
}
