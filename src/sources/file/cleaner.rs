//! What becomes of files whose rows are done for good: `cleanSource`.
//!
//! A file is touched only when the epoch that read it is committed, and only while it is the very
//! file that was read: one that was written anew under its name stays. Cleaning is a courtesy; what
//! fails is said in the log and stays where it is, and no query fails for it.

use std::sync::Arc;

use futures::stream::{self, StreamExt};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::connector::storage::{Location, Storage};
use crate::error::{Error, Result};
use crate::sources::file::entry::FileEntry;
use crate::sources::file::options::{CleanSource, WhichFiles};

/// How many files are cleaned at a time.
const AT_ONCE: usize = 8;

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
            move |error: object_store::Error| Error::Storage {
                action,
                path: file.path.clone(),
                source: Box::new(error),
            }
        };
        let Location { store, path, .. } = self.storage.open(&file.path)?;
        let now = match store.head(&path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(()),
            now => now.map_err(failed("look at"))?,
        };
        if now.size != file.size || now.last_modified.timestamp_millis() != file.timestamp {
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
                store.rename_if_not_exists(&path, &target).await.map_err(failed("archive"))
            }
        }
    }
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
