//! What becomes of files whose rows are done for good: `cleanSource`.
//!
//! A file is touched only when the epoch that read it is committed, and only while it is the very
//! file that was read: one that was written anew under its name stays. Cleaning is a courtesy; what
//! fails is said in the log and stays where it is, and no query fails for it.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt, Result as StoreResult,
    WriteMultipart,
};
use uuid::Uuid;

use crate::connector::storage::{Location, Storage};
use crate::error::{Error, Result};
use crate::sources::file::entry::FileEntry;
use crate::sources::file::options::{CleanSource, WhichFiles};

/// How many files are cleaned at a time.
const AT_ONCE: usize = 8;

/// How many parts of a file that is copied are under way at a time.
const PARTS_AT_ONCE: usize = 2;

/// Deletes files, or moves them away.
#[derive(Debug)]
pub(super) struct Cleaner {
    storage: Arc<dyn Storage>,
    /// Where files go; `None` where they are deleted.
    archive: Option<Location>,
}

impl Cleaner {
    /// What the options ask for; `None` where files stay.
    ///
    /// # Errors
    /// `InvalidOption` for an archive whose files the source could find again.
    pub(super) fn new(
        clean: &CleanSource,
        files: &WhichFiles,
        storage: &Arc<dyn Storage>,
    ) -> Result<Option<Self>> {
        let archive = match clean {
            CleanSource::Off => return Ok(None),
            CleanSource::Delete => None,
            CleanSource::Archive(folder) => {
                let archive = storage.open(folder)?;
                check_archive(&archive, folder, files, storage.as_ref())?;
                Some(archive)
            }
        };
        Ok(Some(Self { storage: Arc::clone(storage), archive }))
    }

    /// Cleans up after these files.
    pub(super) async fn clean(&self, files: Vec<FileEntry>) {
        let all = stream::iter(files).map(|file| async move {
            if let Err(error) = self.clean_one(&file).await {
                tracing::warn!(file = file.path, %error, "a file whose rows are done stays where it is");
            }
        });
        all.buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    async fn clean_one(&self, file: &FileEntry) -> Result<()> {
        let failed = |action: &'static str| {
            move |error: StoreError| Error::Storage {
                action,
                path: file.path.clone(),
                source: Box::new(error),
            }
        };
        let Location { store, path, .. } = self.storage.open(&file.path)?;
        let now = match store.head(&path).await {
            Err(StoreError::NotFound { .. }) => return Ok(()),
            now => now.map_err(failed("look at"))?,
        };
        if !is_same(&now, file) {
            tracing::warn!(
                file = file.path,
                "a file that was written anew since it was read stays"
            );
            return Ok(());
        }
        match &self.archive {
            None => store.delete(&path).await.map_err(failed("delete")),
            Some(archive) => {
                let target = Path::parse(format!("{}/{path}", archive.path))
                    .map_err(|error| Error::internal(error.to_string()))?;
                let moved = match store.rename_if_not_exists(&path, &target).await {
                    Err(error) if crosses_devices(&error) => {
                        move_by_copy(store.as_ref(), &path, &target, file).await
                    }
                    moved => moved,
                };
                moved.map_err(failed("archive"))
            }
        }
    }
}

/// Whether what lies in a file now is what was read of it.
fn is_same(now: &ObjectMeta, file: &FileEntry) -> bool {
    now.size == file.size && now.last_modified.timestamp_millis() == file.timestamp
}

/// Whether a file could not be moved because its new place is on another file system.
fn crosses_devices(error: &StoreError) -> bool {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::CrossesDevices) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Moves a file to another file system: the copy is durable, and has its name, before the file
/// goes. A file that is at the target already stays.
async fn move_by_copy(
    store: &dyn ObjectStore,
    path: &Path,
    target: &Path,
    file: &FileEntry,
) -> StoreResult<()> {
    // A copy that a crash cut short has a hidden name, and never that of the file.
    let parts: Vec<_> = target.parts().collect();
    let folder = parts.split_last().map_or(&[][..], |(_, folder)| folder);
    let folder: Path = folder.iter().cloned().collect();
    let staged = folder.join(format!(".{}.copy", Uuid::new_v4().simple()));
    let copied = async {
        copy(store, path, &staged).await?;
        let now = store.head(path).await?;
        if !is_same(&now, file) {
            let changed = io::Error::other("the file was written anew while it was copied");
            return Err(StoreError::Generic { store: "archive", source: changed.into() });
        }
        store.rename_if_not_exists(&staged, target).await
    };
    if let Err(error) = copied.await {
        if let Err(left) = store.delete(&staged).await
            && !matches!(left, StoreError::NotFound { .. })
        {
            tracing::warn!(file = %staged, error = %left, "a copy that nobody needs stays");
        }
        return Err(error);
    }
    store.delete(path).await
}

/// Copies the bytes of a file, some at a time; they are durable afterwards.
async fn copy(store: &dyn ObjectStore, from: &Path, to: &Path) -> StoreResult<()> {
    let mut bytes = store.get(from).await?.into_stream();
    let mut upload = WriteMultipart::new(store.put_multipart(to).await?);
    while let Some(some) = bytes.try_next().await? {
        upload.wait_for_capacity(PARTS_AT_ONCE).await?;
        upload.put(some);
    }
    upload.finish().await.map(drop)
}

/// An archive must not lie where the source looks for files, nor the other way round: whichever is
/// the shorter, not all of its parts may be the same.
fn check_archive(
    archive: &Location,
    given: &str,
    files: &WhichFiles,
    storage: &dyn Storage,
) -> Result<()> {
    let source = storage.open(&files.fixed)?;
    let archive_parts: Vec<_> = archive.path.parts().collect();
    let fixed: Vec<_> = source.path.parts().collect();
    let same_fixed = archive_parts.iter().zip(&fixed).all(|(a, b)| a == b);
    let below = archive_parts.iter().skip(fixed.len());
    let same_patterns =
        below.zip(&files.patterns).all(|(part, pattern)| pattern.matches(part.as_ref()));
    if same_fixed && same_patterns {
        return Err(Error::InvalidOption {
            owner: "the file source".to_owned(),
            option: "sourceArchiveDir".to_owned(),
            value: given.to_owned(),
            reason: format!(
                "files of it could be read again from `{}`; name a folder elsewhere",
                files.given
            ),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    const BYTES: &[u8] = b"{\"v\":1}\n";

    async fn with_file() -> (InMemory, Path, FileEntry) {
        let (store, path) = (InMemory::new(), Path::from("in/a"));
        store.put(&path, BYTES.into()).await.unwrap();
        let now = store.head(&path).await.unwrap();
        let timestamp = now.last_modified.timestamp_millis();
        let file = FileEntry {
            path: "memory:///in/a".into(),
            timestamp,
            batch_id: 0,
            size: now.size,
            logged: None,
        };
        (store, path, file)
    }

    async fn names(store: &InMemory) -> Vec<String> {
        let listed: Vec<ObjectMeta> = store.list(None).try_collect().await.unwrap();
        let mut names: Vec<String> = listed.iter().map(|file| file.location.to_string()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_file_is_copied_whole_before_it_goes() {
        let (store, path, file) = with_file().await;
        let target = Path::from("archive/in/a");
        move_by_copy(&store, &path, &target, &file).await.unwrap();
        assert_eq!(names(&store).await, ["archive/in/a"]);
        assert_eq!(store.get(&target).await.unwrap().bytes().await.unwrap(), BYTES);
    }

    #[tokio::test]
    async fn a_copy_takes_no_place_that_is_taken_and_no_file_that_has_changed() {
        let (store, path, file) = with_file().await;
        let target = Path::from("archive/in/a");
        let changed = FileEntry { size: 7, ..file.clone() };
        assert!(move_by_copy(&store, &path, &target, &changed).await.is_err());
        assert_eq!(names(&store).await, ["in/a"]);
        store.put(&target, "kept".into()).await.unwrap();
        let error = move_by_copy(&store, &path, &target, &file).await.unwrap_err();
        assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error}");
        assert_eq!(names(&store).await, ["archive/in/a", "in/a"]);
        assert_eq!(store.get(&target).await.unwrap().bytes().await.unwrap(), "kept");
    }

    #[test]
    fn another_file_system_is_known_by_the_innermost_error() {
        let generic = |kind: io::ErrorKind| StoreError::Generic {
            store: "outer",
            source: StoreError::Generic { store: "inner", source: io::Error::from(kind).into() }
                .into(),
        };
        assert!(crosses_devices(&generic(io::ErrorKind::CrossesDevices)));
        assert!(!crosses_devices(&generic(io::ErrorKind::PermissionDenied)));
    }
}
