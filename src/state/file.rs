//! State files by name: written once, read only when they are what the commit log says.
//!
//! ```text
//! <partition>/<version>-<run>.delta.arrow         what the epoch before the version changed
//! <partition>/<version>-<run>.snapshot.arrow      the whole version
//! <partition>/<version>-<run>-<attempt>.<kind>    another attempt of the same run
//! ```
//!
//! No file is ever written over. A run that does an epoch again, because a sink failed, finds its
//! first file in the way and takes the next attempt's name: should the commit log name the first
//! one after all (its write failed for the run, but reached the disk), that file is as it was.

use bytes::Bytes;
use object_store::{ObjectStoreExt, PutMode, PutOptions, PutPayload};

use crate::checkpoint::commit_log::StateFile;
use crate::checkpoint::id::{PartitionId, StateVersion};
use crate::connector::storage::Location;
use crate::error::{Error, Result};

/// What a state file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// The changes of one epoch.
    Delta,
    /// All rows.
    Snapshot,
}

impl FileKind {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Delta => ".delta.arrow",
            Self::Snapshot => ".snapshot.arrow",
        }
    }
}

/// The name of a state file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileName {
    /// The partition, whose folder the file is in.
    pub(super) partition: PartitionId,
    /// The version that the file makes or holds.
    pub(super) version: StateVersion,
    /// The run that wrote it.
    pub(super) run: u64,
    /// What it holds.
    pub(super) kind: FileKind,
}

impl FileName {
    /// Reads a path below the operator's folder; `None` for what is no state file.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let (partition, name) = path.split_once('/')?;
        let (numbers, kind) = [FileKind::Delta, FileKind::Snapshot]
            .into_iter()
            .find_map(|kind| Some((name.strip_suffix(kind.suffix())?, kind)))?;
        let mut numbers = numbers.split('-').map(|number| number.parse::<u64>().ok());
        let (version, run) = (numbers.next()??, numbers.next()??);
        if numbers.next().is_some_and(|attempt| attempt.is_none()) || numbers.next().is_some() {
            return None;
        }
        let partition = PartitionId(partition.parse().ok()?);
        Some(Self { partition, version: StateVersion(version), run, kind })
    }

    fn file(&self, attempt: u32) -> String {
        let Self { version, run, kind, .. } = self;
        let suffix = kind.suffix();
        match attempt {
            0 => format!("{version}-{run}{suffix}"),
            _ => format!("{version}-{run}-{attempt}{suffix}"),
        }
    }

    /// Whether a file is a snapshot.
    pub(super) fn is_snapshot(file: &StateFile) -> bool {
        file.path.ends_with(FileKind::Snapshot.suffix())
    }

    /// Writes a new file into the operator's folder.
    pub(super) async fn write(&self, operator: &Location, bytes: Vec<u8>) -> Result<StateFile> {
        let (length, crc32) = (bytes.len() as u64, crc32fast::hash(&bytes));
        let payload = PutPayload::from(bytes);
        let partition = self.partition.to_string();
        for attempt in 0.. {
            let name = self.file(attempt);
            let at = operator.child(&partition).child(&name);
            let create = PutOptions::from(PutMode::Create);
            match at.store.put_opts(&at.path, payload.clone(), create).await {
                Ok(_) => {
                    return Ok(StateFile { path: format!("{partition}/{name}"), length, crc32 });
                }
                Err(object_store::Error::AlreadyExists { .. }) => (),
                Err(error) => return Err(storage("write", &at, error)),
            }
        }
        Err(Error::internal(format!("no name is left for {self:?}")))
    }
}

/// Where a file of the commit log is.
pub(super) fn locate(operator: &Location, file: &StateFile) -> Location {
    file.path.split('/').fold(operator.clone(), |folder, name| folder.child(name))
}

/// Reads a file and checks that it is the one of the commit log.
pub(super) async fn read(operator: &Location, file: &StateFile) -> Result<Bytes> {
    let at = locate(operator, file);
    let found = match at.store.get(&at.path).await {
        Ok(found) => found.bytes().await,
        Err(error) => Err(error),
    };
    let bytes = match found {
        Ok(bytes) => bytes,
        Err(object_store::Error::NotFound { .. }) => {
            let length = file.length;
            let reason = format!("it is missing; the commit log names it with {length} bytes");
            return Err(Error::corrupt(at.given, reason));
        }
        Err(error) => return Err(storage("read", &at, error)),
    };
    let (length, crc32) = (bytes.len() as u64, crc32fast::hash(&bytes));
    if length != file.length {
        let expected = file.length;
        return Err(Error::corrupt(at.given, format!("expected {expected} bytes, found {length}")));
    }
    if crc32 != file.crc32 {
        let expected = file.crc32;
        let reason = format!("expected the CRC-32 {expected:08x}, found {crc32:08x}");
        return Err(Error::corrupt(at.given, reason));
    }
    Ok(bytes)
}

/// An error of storage.
pub(super) fn storage(action: &'static str, at: &Location, error: object_store::Error) -> Error {
    Error::Storage { action, path: at.given.clone(), source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_and_foreign_names_are_none() {
        let partition = PartitionId(3);
        let name = FileName { partition, version: StateVersion(12), run: 4, kind: FileKind::Delta };
        assert_eq!(FileName::parse("3/12-4.delta.arrow"), Some(name));
        assert_eq!(FileName::parse(&format!("3/{}", name.file(2))), Some(name));
        for foreign in ["schema", "3/12.delta.arrow", "3/12-4-1-1.delta.arrow", "x/1-1.delta.arrow"]
        {
            assert_eq!(FileName::parse(foreign), None, "{foreign}");
        }
    }
}
