//! Where files live: from a location as a user writes it to an object store and a path in it.

use std::fmt::{self, Debug};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::{Path, PathPart};
use url::Url;

use crate::error::{Error, Result};

/// Opens locations: plain paths, `file://` URLs, and whatever else an implementation knows.
///
/// # Contract
/// The stores that it opens keep their promises over a loss of power: when a put returns, the file
/// and its name are durable, and a put with `PutMode::Create` fails when the file is there.
pub trait Storage: Debug + Send + Sync + 'static {
    /// The store and the path that `location` stands for. Nothing is created yet.
    ///
    /// # Errors
    /// `Invalid` for a location that cannot be read, `Unsupported` for a scheme nobody serves.
    fn open(&self, location: &str) -> Result<Location>;

    /// Whether there is a folder here even if nothing is in it; most stores know no such thing.
    fn has_folder(&self, location: &Location) -> bool {
        let _ = location;
        false
    }
}

/// A folder or file in an object store.
#[derive(Clone)]
pub struct Location {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// The folder or file in it.
    pub path: Path,
    /// The location as the user wrote it, for messages.
    pub given: String,
    /// The absolute URL, such as `file:///data/in`.
    pub url: String,
}

impl Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Location").field(&self.url).finish()
    }
}

impl Location {
    /// A file or folder in this folder. `name` may not hold a slash; other bytes are escaped.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self {
            store: Arc::clone(&self.store),
            path: self.path.clone().join(name),
            given: format!("{}/{name}", self.given.trim_end_matches('/')),
            url: self.child_url(&PathPart::from(name)),
        }
    }

    /// A file or folder in this folder whose name on the storage is `name`, byte for byte.
    ///
    /// # Errors
    /// `Invalid` for a name that no file can have.
    pub fn exact_child(&self, name: &str) -> Result<Self> {
        let part = PathPart::parse(name).map_err(|error| {
            Error::invalid(format!("no file can have the name `{name}`: {error}"))
        })?;
        Ok(Self {
            store: Arc::clone(&self.store),
            given: format!("{}/{name}", self.given.trim_end_matches('/')),
            url: self.child_url(&part),
            path: self.path.clone().join(part),
        })
    }

    /// The URL of a child, in which the name on the storage is percent-encoded once more.
    fn child_url(&self, part: &PathPart<'_>) -> String {
        let mut url = match Url::parse(&self.url) {
            Ok(url) if !url.cannot_be_a_base() => url,
            _ => return format!("{}/{}", self.url.trim_end_matches('/'), part.as_ref()),
        };
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(part.as_ref());
        }
        url.into()
    }
}
