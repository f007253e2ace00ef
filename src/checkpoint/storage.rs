//! The file system as an object store that keeps what it promises over a loss of power.

use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::path::Path;

use crate::connector::storage::{Location, Storage};
use crate::error::Result;

/// Opens plain paths and `file://` URLs.
#[derive(Debug, Clone, Default)]
pub struct LocalStorage;

impl Storage for LocalStorage {
    fn open(&self, location: &str) -> Result<Location> {
        Ok(Location {
            store: Arc::new(LocalFileSystem::new()),
            path: Path::from(location),
            given: location.to_owned(),
            url: location.to_owned(),
        })
    }
}
