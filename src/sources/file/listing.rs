//! Which files there are at all the paths of a source.

use std::sync::Arc;

use crate::connector::storage::Storage;
use crate::error::Result;
use crate::sources::file::options::FileOptions;
use crate::sources::file::place::Place;
pub(super) use crate::sources::file::place::{ListedFile, input_file};

/// Lists the files of a source. There is one path, mostly.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    first: Place,
    more: Vec<Place>,
}

impl Listing {
    pub(super) fn new(options: &FileOptions, storage: &dyn Storage) -> Result<Self> {
        let first = Place::new(options.files.clone(), storage)?;
        let more = options.more_files.iter().map(|files| Place::new(files.clone(), storage));
        Ok(Self { first, more: more.collect::<Result<_>>()? })
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// The paths with their patterns, as absolute URLs where they have none.
    pub(super) fn name(&self) -> String {
        self.places().map(Place::name).collect::<Vec<_>>().join("`, `")
    }

    /// Checks that the paths are there. A pattern may match nothing yet.
    ///
    /// # Errors
    /// `NotFound`; `Storage`.
    pub(super) async fn check_path(&self, storage: &dyn Storage) -> Result<()> {
        for place in self.places() {
            place.check_path(storage).await?;
        }
        Ok(())
    }

    /// Checks that each pattern matches something.
    ///
    /// # Errors
    /// `NotFound`; `Storage`.
    pub(super) async fn check_match(&self) -> Result<()> {
        for place in self.places() {
            place.check_match().await?;
        }
        Ok(())
    }

    /// The paths that are not there: neither a file nor a folder, of a pattern the folder before
    /// it.
    ///
    /// # Errors
    /// `Storage`.
    pub(super) async fn missing(&self, storage: &dyn Storage) -> Result<Vec<&str>> {
        let mut missing = vec![];
        for place in self.places() {
            if !place.is_there(storage).await? {
                missing.push(place.base_url());
            }
        }
        Ok(missing)
    }

    /// Whether the files are those that the log of a file sink names.
    ///
    /// # Errors
    /// `Storage`.
    pub(super) async fn is_written_by_sink(&self) -> Result<bool> {
        for place in self.places() {
            if place.is_written_by_sink().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All files that are there now, the oldest first and those of one time by URL. While the log
    /// of a file sink says the same, this is the same list, not only an equal one.
    ///
    /// # Errors
    /// `Storage`.
    pub(super) async fn list(&self) -> Result<Arc<Vec<ListedFile>>> {
        let files = self.first.list().await?;
        if self.more.is_empty() {
            return Ok(files);
        }
        let mut files = files.to_vec();
        for place in &self.more {
            files.extend(place.list().await?.iter().cloned());
        }
        files.sort_by(|a, b| (a.modified, &a.url).cmp(&(b.modified, &b.url)));
        Ok(Arc::new(files))
    }
}
