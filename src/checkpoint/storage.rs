//! The file system as a place for checkpoints: from a path or URL to a durable store.
//!
//! | given                      | the folder or file                     |
//! |----------------------------|----------------------------------------|
//! | `/data/a b%20c`            | that very name, `%20` and all          |
//! | `data/in`, `./in`, `../in` | below the current directory            |
//! | `file:///data/a%20b`       | `/data/a b`: a URL is percent-encoded  |
//! | `file:/data/in`            | the same with one slash                |
//! | `s3://bucket/in`           | refused: nobody here serves the scheme |
//!
//! `.` and `..` are taken out of the text, links are not followed.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use url::Url;

use crate::checkpoint::synced_file::SyncStats;
use crate::checkpoint::synced_store::SyncedLocalStore;
use crate::connector::storage::{Location, Storage};
use crate::error::{Error, Result};

/// Opens plain paths and `file:` URLs in one store that syncs what it writes. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct LocalStorage {
    store: Arc<SyncedLocalStore>,
}

impl LocalStorage {
    /// The file system of this machine.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How often files and folders were synced so far, and how long it took.
    #[must_use]
    pub fn sync_stats(&self) -> SyncStats {
        self.store.sync_stats()
    }
}

impl Storage for LocalStorage {
    fn open(&self, location: &str) -> Result<Location> {
        let path = match split_scheme(location) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file") => {
                path_of_url(location, rest)?
            }
            Some((scheme, _)) => {
                return Err(Error::unsupported(format!(
                    "cannot open `{location}`: there is no storage for `{scheme}`; use a path or a \
                     `file://` URL"
                )));
            }
            None => path_of_plain(location)?,
        };
        let url = Url::from_file_path(format!("/{path}"))
            .map_err(|()| unreadable(location, "it has no form as a URL"))?;
        let store: Arc<dyn ObjectStore> = Arc::<SyncedLocalStore>::clone(&self.store);
        Ok(Location { store, path, given: location.to_owned(), url: url.into() })
    }

    fn has_folder(&self, location: &Location) -> bool {
        let path = Url::parse(&location.url).ok().and_then(|url| url.to_file_path().ok());
        path.is_some_and(|path| path.is_dir())
    }
}

/// `file` and what follows the colon. A single letter is no scheme, and neither is a name whose
/// colon has no slash after it, unless it is `file`: both are fine names of files.
fn split_scheme(location: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = location.split_once(':')?;
    let is_name = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let is_url = rest.starts_with('/') || scheme.eq_ignore_ascii_case("file");
    (is_name && is_url).then_some((scheme, rest))
}

/// The path of a `file:` URL. It is not given to a URL parser, which would drop what follows a
/// `?` or `#` and trim blanks at the ends: all of them may be in a name.
fn path_of_url(location: &str, rest: &str) -> Result<Path> {
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        None => rest,
    };
    if !path.starts_with('/') {
        return Err(unreadable(location, "a file URL has an absolute path, as in `file:///data`"));
    }
    Path::from_url_path(without_dots(path)).map_err(|error| unreadable(location, error))
}

fn path_of_plain(location: &str) -> Result<Path> {
    if location.is_empty() {
        return Err(Error::invalid("a location cannot be empty; give a path or a `file://` URL"));
    }
    let absolute = std::path::absolute(location).map_err(|source| Error::Storage {
        action: "find",
        path: location.to_owned(),
        source: source.into(),
    })?;
    let text = absolute.to_str().ok_or_else(|| unreadable(location, "it is not unicode"))?;
    Path::parse(without_dots(text)).map_err(|error| unreadable(location, error))
}

/// An absolute path without empty parts, `.` and `..`.
fn without_dots(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => (),
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

fn unreadable(location: &str, reason: impl std::fmt::Display) -> Error {
    Error::invalid(format!("cannot read the location `{location}`: {reason}"))
}
