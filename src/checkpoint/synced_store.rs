//! The file system as an object store that keeps what it promises over a loss of power.
//!
//! Reads and deletions are those of [`LocalFileSystem`], which never syncs; puts, uploads, copies and
//! renames are durable when they return. A deletion may come undone by a loss of power:
//! nothing here relies on a file being gone.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::{Path, PathPart};
use object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, Result as StoreResult, UploadPart,
};

use crate::checkpoint::synced_file::{OnTaken, StagedFile, SyncStats, Syncs, folder_of};
use crate::runtime::task;

/// The store's name in errors.
const NAME: &str = "file system";

/// The whole file system; paths are absolute ones without the leading slash.
#[derive(Debug, Default)]
pub struct SyncedLocalStore {
    files: LocalFileSystem,
    syncs: Arc<Syncs>,
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

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.files.list(prefix)
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
        // A query that waits for files lists their folder again and again; see `list_folder`.
        let quick = match self.files.path_to_filesystem(&prefix) {
            Ok(folder) => {
                let prefix = prefix.clone();
                block(folder, move |folder| list_folder(folder, &prefix)).await?
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

/// What a folder holds, one level deep, at the cost of one look at each entry: [`LocalFileSystem`]
/// makes a URL of each. `None` where a name needs more care than this takes.
fn list_folder(folder: &std::path::Path, prefix: &Path) -> io::Result<Option<ListResult>> {
    let mut listed = ListResult { common_prefixes: vec![], objects: vec![] };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // Neither is there anything in a file, nor in what would be a folder in one.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(Some(listed));
        }
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            // No path can name it, so nothing of ours is meant; the others can be read all the same.
            tracing::warn!(file = %entry.path().display(), "a file whose name is no UTF-8 is passed over");
            continue;
        };
        let Ok(part) = PathPart::parse(name) else { return Ok(None) };
        // What a link points to counts; a file that went away meanwhile does not.
        let metadata = match fs::metadata(entry.path()) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let location = prefix.clone().join(part);
        if metadata.is_dir() {
            listed.common_prefixes.push(location);
        } else if !is_temporary(name) {
            listed.objects.push(ObjectMeta {
                location,
                last_modified: metadata.modified()?.into(),
                size: metadata.len(),
                e_tag: None,
                version: None,
            });
        }
    }
    listed.common_prefixes.sort_unstable();
    Ok(Some(listed))
}

/// Whether a name is of the kind that `object_store` gives to files it is not done with.
fn is_temporary(name: &str) -> bool {
    let tail = name.rsplit_once('#').map(|(_, tail)| tail);
    tail.is_some_and(|tail| !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit()))
}
