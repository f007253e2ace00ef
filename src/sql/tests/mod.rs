//! Whole passes, text in and plan out.

mod plans;
mod statements;
mod windows;

use std::sync::Arc;

use datafusion::catalog::TableProvider;

use crate::error::{Error, Result};
use crate::sql::files::{FileTables, NamedFiles};

/// No files, for queries that name none.
#[derive(Debug)]
pub(super) struct NoFiles;

#[async_trait::async_trait]
impl FileTables for NoFiles {
    fn formats(&self) -> Vec<String> {
        vec!["csv".to_owned()]
    }

    async fn open(&self, files: &NamedFiles) -> Result<Arc<dyn TableProvider>> {
        Err(Error::invalid(format!("there are no files {:?}", files.paths)))
    }
}
