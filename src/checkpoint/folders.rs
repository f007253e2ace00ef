//! What folders of the file system hold. What is there and cannot be read, such as a FIFO, a link
//! that leads nowhere or one that leads back, is passed over, with a warning the first time.

use std::collections::HashSet;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Mutex, PoisonError};

use object_store::path::{Path, PathPart};
use object_store::{ListResult, ObjectMeta};

/// Lists folders, and remembers what it has warned about.
#[derive(Debug, Default)]
pub(super) struct Folders(Mutex<HashSet<PathBuf>>);

/// Refuses what is there but is neither a file nor a folder.
pub(super) fn check_regular(file: &FilePath) -> io::Result<()> {
    match fs::metadata(file) {
        Ok(found) if !found.is_file() && !found.is_dir() => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a FIFO, a socket or a device, and no file",
        )),
        // What else may be wrong is said by whoever opens it.
        _ => Ok(()),
    }
}

impl Folders {
    /// What a folder holds, one level deep, at the cost of one look at each entry:
    /// `LocalFileSystem` makes a URL of each. `None` where a name needs more care than this takes.
    pub(super) fn list(&self, folder: &FilePath, prefix: &Path) -> io::Result<Option<ListResult>> {
        let mut listed = ListResult { common_prefixes: vec![], objects: vec![] };
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            // Neither is there anything in a file, nor in what would be a folder in one.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Some(listed));
            }
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                // No path can name it, so nothing of ours is meant; the others can be read.
                self.warn(&entry.path(), "its name is no UTF-8");
                continue;
            };
            let Ok(part) = PathPart::parse(name) else { return Ok(None) };
            let Some(metadata) = self.look(folder, &entry)? else { continue };
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

    /// The files of a folder and of all folders below it. `None` as in [`list`](Self::list).
    pub(super) fn all_below(
        &self,
        folder: &FilePath,
        prefix: &Path,
    ) -> io::Result<Option<Vec<ObjectMeta>>> {
        let mut files = vec![];
        // Each folder with those that it lies in, as they are without links.
        let mut left = vec![(folder.to_owned(), prefix.clone(), vec![])];
        while let Some((folder, prefix, mut above)) = left.pop() {
            let real = fs::canonicalize(&folder).unwrap_or_else(|_| folder.clone());
            if above.contains(&real) {
                self.warn(&folder, LOOP);
                continue;
            }
            above.push(real);
            let Some(listed) = self.list(&folder, &prefix)? else { return Ok(None) };
            files.extend(listed.objects);
            for inner in listed.common_prefixes {
                let Some(name) = inner.filename() else { return Ok(None) };
                left.push((folder.join(name), inner, above.clone()));
            }
        }
        Ok(Some(files))
    }

    /// What an entry is. What a link points to counts; a file that went away meanwhile does not.
    fn look(&self, folder: &FilePath, entry: &DirEntry) -> io::Result<Option<Metadata>> {
        let path = entry.path();
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(_) if is_link => {
                self.warn(&path, "it is a link that leads nowhere");
                return Ok(None);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !metadata.is_dir() && !metadata.is_file() {
            self.warn(&path, "it is a FIFO, a socket or a device, and no file");
            return Ok(None);
        }
        if is_link && metadata.is_dir() && leads_back(folder, &path) {
            self.warn(&path, LOOP);
            return Ok(None);
        }
        Ok(Some(metadata))
    }

    fn warn(&self, path: &FilePath, why: &str) {
        let mut warned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.insert(path.to_owned()) {
            tracing::warn!(file = %path.display(), "passed over: {why}");
        }
    }
}

const LOOP: &str = "it is a link to a folder that it lies in";

/// Whether a link in a folder leads to that folder, or to one that it lies in.
fn leads_back(folder: &FilePath, link: &FilePath) -> bool {
    match (fs::canonicalize(folder), fs::canonicalize(link)) {
        (Ok(folder), Ok(target)) => folder.starts_with(target),
        _ => false,
    }
}

/// Whether a name is of the kind that `object_store` gives to files it is not done with.
fn is_temporary(name: &str) -> bool {
    let tail = name.rsplit_once('#').map(|(_, tail)| tail);
    tail.is_some_and(|tail| !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit()))
}
