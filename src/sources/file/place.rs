//! Which files there are at one place: a folder, a file, or a pattern.
//!
//! Names that begin with `_` or `.` are no data, and folders inside a folder are not looked into
//! unless that is asked for or one of them has a column in its name. A folder that a file sink
//! writes to has what the sink's log says; a query that waits for files asks for it many times a
//! second, so what was read of a log is kept.

use std::collections::HashMap;
use std::sync::Arc;

use futures::TryStreamExt;
use futures::lock::Mutex;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};
use url::Url;

use crate::checkpoint::manifest::{Committed, CommittedFiles, METADATA_FOLDER, SinkFile};
use crate::connector::storage::{Location, Storage};
use crate::error::{Error, Result};
use crate::formats::format::InputFile;
use crate::sources::file::folder_columns::names_a_column;
use crate::sources::file::glob::{NamePattern, is_hidden};
use crate::sources::file::options::WhichFiles;
use crate::sources::file::partition::{FileToRead, Logged};

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedFile {
    /// The absolute URL.
    pub(super) url: String,
    pub(super) size: u64,
    /// When it was last written, microseconds since 1970 in UTC.
    pub(super) modified: i64,
    /// What the log of a file sink says of it.
    pub(super) logged: Option<Logged>,
}

impl ListedFile {
    pub(super) const fn modified_millis(&self) -> i64 {
        self.modified.div_euclid(1_000)
    }

    /// The last part of the URL, whose letters are those of the name on the storage.
    fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or(&self.url)
    }

    pub(super) fn to_read(&self) -> FileToRead {
        FileToRead { path: self.url.clone(), size: self.size, logged: self.logged, part: None }
    }
}

/// Opens a file for its format.
pub(super) fn input_file(storage: &dyn Storage, file: &FileToRead) -> Result<InputFile> {
    let Location { store, path, url, .. } = storage.open(&file.path)?;
    Ok(InputFile { store, path, size: file.size, url })
}

/// Lists the files of one path.
#[derive(Debug, Clone)]
pub(super) struct Place {
    files: WhichFiles,
    base: Location,
    /// The logs of file sinks that were read, by folder.
    logs: Arc<Mutex<HashMap<Path, SinkLog>>>,
}

/// The log of a file sink.
#[derive(Debug)]
struct SinkLog {
    committed: CommittedFiles,
    /// What it said last.
    files: Arc<Vec<ListedFile>>,
}

impl Place {
    pub(super) fn new(files: WhichFiles, storage: &dyn Storage) -> Result<Self> {
        let base = storage.open(&files.fixed)?;
        Ok(Self { files, base, logs: Arc::default() })
    }

    /// The path with its patterns, as an absolute URL where it has none.
    pub(super) fn name(&self) -> &str {
        if self.files.patterns.is_empty() { &self.base.url } else { &self.files.given }
    }

    /// The path, or the folder before its pattern, as an absolute URL.
    pub(super) fn base_url(&self) -> &str {
        &self.base.url
    }

    /// Checks that the path is there. A pattern may match nothing yet.
    ///
    /// # Errors
    /// `NotFound`; `Storage`.
    pub(super) async fn check_path(&self, storage: &dyn Storage) -> Result<()> {
        if !self.files.patterns.is_empty() || self.is_there(storage).await? {
            return Ok(());
        }
        Err(Error::missing_path(&self.base.url))
    }

    /// Whether there is a folder or a file here; of a pattern, the folder before it.
    ///
    /// # Errors
    /// `Storage`.
    pub(super) async fn is_there(&self, storage: &dyn Storage) -> Result<bool> {
        Ok(storage.has_folder(&self.base) || !self.list().await?.is_empty())
    }

    /// Checks that a pattern matches something.
    ///
    /// # Errors
    /// `NotFound`; `Storage`.
    pub(super) async fn check_match(&self) -> Result<()> {
        if self.files.patterns.is_empty() || !self.list().await?.is_empty() {
            return Ok(());
        }
        Err(Error::missing_path(&self.files.given))
    }

    /// Whether the files are those that the log of a file sink names.
    ///
    /// # Errors
    /// `Storage`.
    pub(super) async fn is_written_by_sink(&self) -> Result<bool> {
        let listed = self.children(&self.base.path).await?;
        let has_log = |path: &Path| path.filename() == Some(METADATA_FOLDER);
        Ok(self.files.patterns.is_empty() && listed.common_prefixes.iter().any(has_log))
    }

    /// All files that are there now, the oldest first and those of one time by URL. While the log
    /// of a file sink says the same, this is the same list, not only an equal one.
    pub(super) async fn list(&self) -> Result<Arc<Vec<ListedFile>>> {
        let files = match self.files.patterns.split_last() {
            None => match self.logged(&self.base.path).await? {
                Some(files) => return Ok(files),
                None => self.plain().await?,
            },
            Some((last, before)) => self.matching(before, last).await?,
        };
        Ok(Arc::new(self.settled(files)))
    }

    /// The files that are wanted, in their order.
    fn settled(&self, mut files: Vec<ListedFile>) -> Vec<ListedFile> {
        if let Some(filter) = &self.files.filter {
            files.retain(|file| filter.matches(file.name()));
        }
        files.sort_by(|a, b| (a.modified, &a.url).cmp(&(b.modified, &b.url)));
        files
    }

    /// The files that a file sink's log in a folder names; `None` where there is no log.
    async fn logged(&self, folder: &Path) -> Result<Option<Arc<Vec<ListedFile>>>> {
        let mut logs = self.logs.lock().await;
        let log = logs.entry(folder.clone()).or_insert_with(|| SinkLog {
            committed: CommittedFiles::new(&self.location(folder)),
            files: Arc::default(),
        });
        match log.committed.look().await? {
            Committed::Same => (),
            Committed::Files(files) => {
                log.files = Arc::new(self.settled(files.into_iter().map(of_sink).collect()));
            }
            Committed::NoLog => {
                logs.remove(folder);
                return Ok(None);
            }
        }
        Ok(Some(Arc::clone(&log.files)))
    }

    /// The files of a path without patterns: those of a folder, or one.
    async fn plain(&self) -> Result<Vec<ListedFile>> {
        let mut files = vec![];
        let is_there = self.folder(&self.base.path, &mut files).await?;
        if !is_there {
            match self.base.store.head(&self.base.path).await {
                Ok(file) => files.push(self.listed(&file)),
                Err(object_store::Error::NotFound { .. }) => (),
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(files)
    }

    /// The files that match, and those of the folders that match.
    async fn matching(
        &self,
        before: &[NamePattern],
        last: &NamePattern,
    ) -> Result<Vec<ListedFile>> {
        let mut folders = vec![self.base.path.clone()];
        for pattern in before {
            let mut inside = vec![];
            for folder in &folders {
                let listed = self.children(folder).await?.common_prefixes;
                inside.extend(listed.into_iter().filter(|path| pattern.matches(&name(path))));
            }
            folders = inside;
        }
        let mut files = vec![];
        for folder in &folders {
            let listed = self.children(folder).await?;
            let matching = listed.objects.iter().filter(|file| last.matches(&name(&file.location)));
            files.extend(matching.map(|file| self.listed(file)));
            for path in listed.common_prefixes.iter().filter(|path| last.matches(&name(path))) {
                self.folder(path, &mut files).await?;
            }
        }
        Ok(files)
    }

    /// Adds the files of a folder. Whether there is such a folder: one without anything in it is
    /// none to an object store.
    async fn folder(&self, folder: &Path, files: &mut Vec<ListedFile>) -> Result<bool> {
        let listed = self.children(folder).await?;
        let has_log = |path: &Path| path.filename() == Some(METADATA_FOLDER);
        if listed.common_prefixes.iter().any(has_log)
            && let Some(logged) = self.logged(folder).await?
        {
            files.extend(logged.iter().cloned());
            return Ok(true);
        }
        let is_there = !(listed.objects.is_empty() && listed.common_prefixes.is_empty());
        if self.files.recursive {
            self.below(folder, files).await?;
            return Ok(is_there);
        }
        if listed.common_prefixes.iter().any(|folder| names_a_column(&name(folder))) {
            self.below(folder, files).await?;
            return Ok(true);
        }
        let data = listed.objects.iter().filter(|file| !is_hidden(&name(&file.location)));
        files.extend(data.map(|file| self.listed(file)));
        Ok(is_there)
    }

    /// Adds the files of a folder and of all folders below it.
    async fn below(&self, folder: &Path, files: &mut Vec<ListedFile>) -> Result<()> {
        let mut all = self.base.store.list(Some(folder));
        while let Some(file) = all.try_next().await.map_err(|error| self.failed(error))? {
            let parts = file.location.prefix_match(folder);
            if parts.is_some_and(|mut parts| !parts.any(|part| is_hidden(part.as_ref()))) {
                files.push(self.listed(&file));
            }
        }
        Ok(())
    }

    async fn children(&self, folder: &Path) -> Result<object_store::ListResult> {
        match self.base.store.list_with_delimiter(Some(folder)).await {
            Err(object_store::Error::NotFound { .. }) => {
                Ok(object_store::ListResult { common_prefixes: vec![], objects: vec![] })
            }
            listed => listed.map_err(|error| self.failed(error)),
        }
    }

    fn listed(&self, file: &ObjectMeta) -> ListedFile {
        ListedFile {
            url: self.url(&file.location),
            size: file.size,
            modified: file.last_modified.timestamp_micros(),
            logged: None,
        }
    }

    fn location(&self, path: &Path) -> Location {
        let url = self.url(path);
        let store = Arc::clone(&self.base.store);
        Location { store, path: path.clone(), given: url.clone(), url }
    }

    /// The URL of a path at or below the base.
    fn url(&self, path: &Path) -> String {
        let Some(parts) = path.prefix_match(&self.base.path) else { return path.to_string() };
        let parts: Vec<_> = parts.collect();
        match Url::parse(&self.base.url) {
            Ok(mut url) if !url.cannot_be_a_base() => {
                // Names on the storage may be encoded once; in the URL they are encoded again.
                if let Ok(mut segments) = url.path_segments_mut() {
                    segments.pop_if_empty().extend(parts.iter().map(AsRef::as_ref));
                }
                url.into()
            }
            _ => parts.iter().fold(self.base.url.trim_end_matches('/').to_owned(), |url, part| {
                format!("{url}/{}", part.as_ref())
            }),
        }
    }

    fn failed(&self, error: object_store::Error) -> Error {
        Error::Storage { action: "list", path: self.base.url.clone(), source: Box::new(error) }
    }
}

fn of_sink(file: SinkFile) -> ListedFile {
    ListedFile {
        modified: file.modification_time.saturating_mul(1_000),
        size: file.size,
        logged: Some(Logged { crc32: file.crc32 }),
        url: file.path,
    }
}

fn name(path: &Path) -> String {
    path.filename().unwrap_or_default().to_owned()
}
