//! Opens the files that a query names where a table may stand.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::TableProvider;

use crate::connector::option_doc::find;
use crate::connector::source::{DefineContext, Freshness};
use crate::error::{Error, Result};
use crate::event_time::zone::TimeZone;
use crate::session::session::StreamSession;
use crate::sql::files::{FileTables, NamedFiles};

/// The files that the sources of a session can read.
#[derive(Debug)]
pub(crate) struct SessionFiles(pub(crate) StreamSession);

#[async_trait]
impl FileTables for SessionFiles {
    fn formats(&self) -> Vec<String> {
        // A source that has a path reads files.
        let reads_files = self.0.registry().sources().filter(|(_, factory)| {
            find(factory.options(), "path").is_some_and(|path| path.refused.is_none())
        });
        reads_files.map(|(name, _)| name.to_owned()).collect()
    }

    async fn open(&self, files: &NamedFiles) -> Result<Arc<dyn TableProvider>> {
        let session = &self.0;
        let mut options = files.options.clone();
        if let Some((first, more)) = files.paths.split_first() {
            options.set("path", first.as_str());
            if !more.is_empty() {
                let more = serde_json::to_string(more);
                options.set("paths", more.map_err(|error| Error::internal(error.to_string()))?);
            }
        }
        let context = DefineContext {
            infer_schema: true,
            must_exist: true,
            must_match: true,
            time_zone: TimeZone::parse(session.settings().time_zone())?,
            ..DefineContext::new(Arc::clone(session.storage()))
        };
        let factory = session.registry().source(&files.format)?;
        let definition = factory.define(&options, files.schema.clone(), &context).await?;
        definition.table(session.storage(), Freshness::Live).await
    }
}
