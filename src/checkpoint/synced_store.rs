//! The file system as an object store that keeps what it promises over a loss of power.
//!
//! Reads and deletions are those of [`LocalFileSystem`], which never syncs; puts, uploads, copies and
//! renames are durable when they return. A deletion may come undone by a loss of power:
//! nothing here relies on a file being gone.

use std::fmt;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, Result as StoreResult, UploadPart,
};

use crate::checkpoint::folders::{self, Folders};
use crate::checkpoint::synced_file::{OnTaken, StagedFile, SyncStats, Syncs, folder_of};
use crate::runtime::task;

/// The store's name in errors.
const NAME: &str = "file system";

/// The whole file system; paths are absolute ones without the leading slash.
#[derive(Debug, Default)]
pub struct SyncedLocalStore {
    files: LocalFileSystem,
    syncs: Arc<Syncs>,
    folders: Arc<Folders>,
}

impl SyncedLocalStore {
    /// How often files and folders were synced so far, and how long it took.
    #[must_use]
    pub fn sync_stats(&self) -> SyncStats {
        self.syncs.stats()
    }

    /// Makes the folder of `file` where it is missing.
    async fn create_folder_of(&self, file: &Path) -> StoreResult<()> {
        let (file, syncs) = (self.files.path_to_filesystem(file)?, Arc::clone(&self.syncs));
        block(file, move |file| syncs.create_folders(folder_of(file))).await
    }

    /// Makes the name of `file` durable, and its bytes where `bytes` says so.
    async fn sync(&self, file: &Path, bytes: bool) -> StoreResult<()> {
        let (file, syncs) = (self.files.path_to_filesystem(file)?, Arc::clone(&self.syncs));
        block(file, move |file| {
            if bytes {
                syncs.file(&File::open(file)?)?;
            }
            syncs.folder(folder_of(file))
        })
        .await
    }
}

impl fmt::Display for SyncedLocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SyncedLocalStore")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for SyncedLocalStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> StoreResult<PutResult> {
        let on_taken = match options.mode {
            PutMode::Create => OnTaken::Fail,
            PutMode::Overwrite => OnTaken::Replace,
            PutMode::Update(_) => return Err(missing("a put that depends on a version")),
        };
        if !options.attributes.is_empty() {
            return Err(missing("attributes of a file"));
        }
        let (target, syncs) = (self.files.path_to_filesystem(location)?, Arc::clone(&self.syncs));
        block(target, move |target| {
            let mut staged = StagedFile::create(target.clone(), &syncs)?;
            payload.iter().try_for_each(|bytes| staged.file().write_all(bytes))?;
            staged.publish(on_taken, &syncs)
        })
        .await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        if !options.attributes.is_empty() {
            return Err(missing("attributes of a file"));
        }
        let (target, syncs) = (self.files.path_to_filesystem(location)?, Arc::clone(&self.syncs));
        let upload = Upload {
            target: target.clone(),
            parts: Arc::default(),
            handed_in: 0,
            syncs: Arc::clone(&syncs),
        };
        let parts = Arc::clone(&upload.parts);
        block(target, move |target| {
            lock(&parts).staged = Some(StagedFile::create(target.clone(), &syncs)?);
            Ok(())
        })
        .await?;
        Ok(Box::new(upload))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> StoreResult<GetResult> {
        // To open a FIFO would wait for whoever writes to it.
        let file = self.files.path_to_filesystem(location)?;
        block(file, |file| folders::check_regular(file)).await?;
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> StoreResult<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, StoreResult<Path>>,
    ) -> BoxStream<'static, StoreResult<Path>> {
        self.files.delete_stream(locations)
    }

    /// As [`LocalFileSystem`]'s, but what cannot be read is passed over with a warning.
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        let prefix = prefix.cloned().unwrap_or_default();
        let (files, folders) = (self.files.clone(), Arc::clone(&self.folders));
        let listed = async move {
            let folder = files.path_to_filesystem(&prefix)?;
            let from = prefix.clone();
            let found = block(folder, move |folder| folders.all_below(folder, &from)).await?;
            Ok::<_, StoreError>(match found {
                Some(found) => stream::iter(found.into_iter().map(Ok)).boxed(),
                None => files.list(Some(&prefix)),
            })
        };
        stream::once(listed).try_flatten().boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        let prefix = prefix.cloned().unwrap_or_default();
        // A query that waits for files lists their folder again and again; see `Folders`.
        let quick = match self.files.path_to_filesystem(&prefix) {
            Ok(folder) => {
                let (prefix, folders) = (prefix.clone(), Arc::clone(&self.folders));
                block(folder, move |folder| folders.list(folder, &prefix)).await?
            }
            Err(_) => None,
        };
        match quick {
            Some(listed) => Ok(listed),
            None => self.files.list_with_delimiter(Some(&prefix)).await,
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.create_folder_of(to).await?;
        self.files.copy_opts(from, to, options).await?;
        self.sync(to, true).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> StoreResult<()> {
        self.create_folder_of(to).await?;
        self.files.rename_opts(from, to, options).await?;
        self.sync(to, true).await?;
        self.sync(from, false).await
    }
}

/// A large file that comes in parts.
#[derive(Debug)]
struct Upload {
    target: PathBuf,
    parts: Arc<Mutex<Parts>>,
    /// Bytes that were handed in so far, written or not.
    handed_in: u64,
    syncs: Arc<Syncs>,
}

#[derive(Debug, Default)]
struct Parts {
    /// The file, until the upload ends one way or the other.
    staged: Option<StagedFile>,
    /// Bytes that were written so far.
    written: u64,
}

impl Parts {
    fn write(&mut self, offset: u64, payload: &PutPayload) -> io::Result<()> {
        let file = self.staged.as_mut().ok_or_else(ended)?.file();
        file.seek(SeekFrom::Start(offset))?;
        payload.iter().try_for_each(|bytes| file.write_all(bytes))?;
        self.written += payload.content_length() as u64;
        Ok(())
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, payload: PutPayload) -> UploadPart {
        let (target, parts, offset) =
            (self.target.clone(), Arc::clone(&self.parts), self.handed_in);
        self.handed_in += payload.content_length() as u64;
        block(target, move |_target| lock(&parts).write(offset, &payload)).boxed()
    }

    async fn complete(&mut self) -> StoreResult<PutResult> {
        let (target, parts, syncs) =
            (self.target.clone(), Arc::clone(&self.parts), Arc::clone(&self.syncs));
        let handed_in = self.handed_in;
        block(target, move |_target| {
            let mut parts = lock(&parts);
            let staged = parts.staged.take().ok_or_else(ended)?;
            if parts.written != handed_in {
                return Err(io::Error::other("not all parts of the upload were written"));
            }
            staged.publish(OnTaken::Replace, &syncs)
        })
        .await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> StoreResult<()> {
        let parts = Arc::clone(&self.parts);
        block(self.target.clone(), move |_target| {
            lock(&parts).staged.take().map(drop).ok_or_else(ended)
        })
        .await
    }
}

fn ended() -> io::Error {
    io::Error::other("the upload has ended already")
}

fn lock(parts: &Mutex<Parts>) -> std::sync::MutexGuard<'_, Parts> {
    parts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does blocking work on a file; an error names the file.
async fn block<T: Send + 'static>(
    file: PathBuf,
    work: impl FnOnce(&PathBuf) -> io::Result<T> + Send + 'static,
) -> StoreResult<T> {
    let done = task::block(move || Ok(work(&file).map_err(|error| named(&file, error)))).await;
    done.unwrap_or_else(|error| Err(StoreError::Generic { store: NAME, source: error.into() }))
}

fn named(file: &std::path::Path, error: io::Error) -> StoreError {
    let path = file.display().to_string();
    match error.kind() {
        io::ErrorKind::AlreadyExists => StoreError::AlreadyExists { path, source: error.into() },
        io::ErrorKind::NotFound => StoreError::NotFound { path, source: error.into() },
        io::ErrorKind::PermissionDenied => {
            StoreError::PermissionDenied { path, source: error.into() }
        }
        kind => {
            let source = io::Error::new(kind, format!("`{path}`: {error}"));
            StoreError::Generic { store: NAME, source: source.into() }
        }
    }
}

fn missing(operation: &str) -> StoreError {
    StoreError::NotImplemented { operation: operation.to_owned(), implementer: NAME.to_owned() }
}
