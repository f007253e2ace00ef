//! Durable writes: what is written is on the disk, name and all, when the call returns.
//!
//! ```text
//! write .<random>.tmp#0   hidden from people and from listings
//! sync it                 the bytes are durable
//! link or rename it       the name appears, whole or not at all
//! sync the folder         the name is durable
//! ```
//!
//! A process that is killed on the way leaves a hidden file behind, which no listing shows. All
//! calls here block.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use uuid::Uuid;

use crate::runtime::clock::Stopwatch;

/// How often files and folders were synced, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncStats {
    /// Syncs of files.
    pub files: u64,
    /// Syncs of folders.
    pub folders: u64,
    /// The time that all of them took.
    pub time: Duration,
}

/// Syncs, and counts what it did.
#[derive(Debug, Default)]
pub(crate) struct Syncs {
    files: AtomicU64,
    folders: AtomicU64,
    nanos: AtomicU64,
}

impl Syncs {
    /// Makes the bytes of a file durable.
    pub(crate) fn file(&self, file: &File) -> io::Result<()> {
        self.sync(file, &self.files)
    }

    /// Makes the names in a folder durable.
    pub(crate) fn folder(&self, folder: &Path) -> io::Result<()> {
        self.sync(&File::open(folder)?, &self.folders)
    }

    /// Creates a folder and those above it where they are missing, each durable before the next.
    pub(crate) fn create_folders(&self, folder: &Path) -> io::Result<()> {
        let Some(parent) = folder.parent() else { return Ok(()) };
        if folder.is_dir() {
            return Ok(());
        }
        self.create_folders(parent)?;
        match fs::create_dir(folder) {
            // Somebody else was faster, but may not have synced yet.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
            created => created?,
        }
        self.folder(parent)
    }

    /// What was counted so far.
    pub(crate) fn stats(&self) -> SyncStats {
        SyncStats {
            files: self.files.load(Ordering::Relaxed),
            folders: self.folders.load(Ordering::Relaxed),
            time: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)),
        }
    }

    fn sync(&self, file: &File, count: &AtomicU64) -> io::Result<()> {
        let watch = Stopwatch::start();
        file.sync_all()?;
        let nanos = u64::try_from(watch.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// What happens when the name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnTaken {
    /// The new file fails with `AlreadyExists`.
    Fail,
    /// The new file takes its place.
    Replace,
}

/// A file that is written beside its place. Dropping it unpublished removes it.
#[derive(Debug)]
pub(crate) struct StagedFile {
    file: File,
    staged: PathBuf,
    target: PathBuf,
    is_renamed: bool,
}

impl StagedFile {
    /// A new file that is to appear as `target`, in a folder that is made where it is missing.
    pub(crate) fn create(target: PathBuf, syncs: &Syncs) -> io::Result<Self> {
        // The object store of the file system shows no name that ends in `#` and digits.
        let staged = target.with_file_name(format!(".{}.tmp#0", Uuid::new_v4().simple()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let file = match options.open(&staged) {
            // Most folders are there, so nobody looks before there was a failure.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                syncs.create_folders(folder_of(&target))?;
                options.open(&staged)?
            }
            opened => opened?,
        };
        Ok(Self { file, staged, target, is_renamed: false })
    }

    /// The file, to write to.
    pub(crate) const fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Makes the file durable and visible under its name.
    pub(crate) fn publish(mut self, on_taken: OnTaken, syncs: &Syncs) -> io::Result<()> {
        syncs.file(&self.file)?;
        let linked = match on_taken {
            OnTaken::Fail => fs::hard_link(&self.staged, &self.target),
            OnTaken::Replace => {
                fs::rename(&self.staged, &self.target)?;
                self.is_renamed = true;
                Ok(())
            }
        };
        let folder = folder_of(&self.target).to_owned();
        // The removal of the staged name becomes durable by the same sync.
        drop(self);
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            // Whoever finds the name taken relies on it too, and the other may not have synced yet.
            linked => syncs.folder(&folder).and(linked),
        }
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.is_renamed {
            // Nobody sees the staged name, so a failure costs only space.
            let _removed = fs::remove_file(&self.staged);
        }
    }
}

/// The folder that holds a file.
pub(crate) fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or_else(|| Path::new("/"))
}
