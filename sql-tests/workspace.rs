//! The folder of a case: it is made for the case and goes with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use crate::outcome::Fallible;

/// The folder of a case.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: TempDir,
    files: AtomicU64,
}

impl Workspace {
    /// A new folder.
    pub(crate) fn new() -> Fallible<Self> {
        let folder = tempfile::Builder::new().prefix("sql-tests-").tempdir()?;
        Ok(Self { folder, files: AtomicU64::new(0) })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file or folder in it, as text.
    pub(crate) fn child(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    /// Makes a folder in it.
    pub(crate) fn folder(&self, name: &str) -> Fallible<PathBuf> {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Puts a file into a folder of a source. It appears whole, and is newer than every file that
    /// was put before it, however fast they follow each other.
    pub(crate) fn put(&self, folder: &str, extension: &str, bytes: &[u8]) -> Fallible<PathBuf> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        self.put_as(&format!("{folder}/{number:06}.{extension}"), bytes)
    }

    /// Puts a file at this path below the folder, as [`put`](Self::put) does.
    pub(crate) fn put_as(&self, path: &str, bytes: &[u8]) -> Fallible<PathBuf> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let written = self.folder("staging")?.join(number.to_string());
        fs::write(&written, bytes)?;
        let modified = UNIX_EPOCH + Duration::from_secs(1_700_000_000 + number);
        File::options().write(true).open(&written)?.set_modified(modified)?;
        let target = self.folder.path().join(path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::rename(&written, &target)?;
        Ok(target)
    }
}
