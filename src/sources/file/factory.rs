//! From options to a file source.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;

use crate::connector::option_doc::OptionDocs;
use crate::connector::options::Options;
use crate::connector::source::{
    DefineContext, Freshness, MicroBatchSource, SourceContext, SourceDefinition, SourceFactory,
};
use crate::connector::storage::Storage;
use crate::connector::versioned::RefreshedTable;
use crate::error::{Error, Result};
use crate::formats::format::{FileFormat, InputFile, all_nullable};
use crate::sources::file::listing::{ListedFile, Listing, input_file};
use crate::sources::file::option_docs::of_format;
use crate::sources::file::options::FileOptions;
use crate::sources::file::source::FileSource;
use crate::sources::file::table::FileTable;

/// Makes file sources of one format.
#[derive(Debug, Clone)]
pub struct FileSourceFactory {
    format: String,
}

impl FileSourceFactory {
    /// For `json` or `parquet`.
    pub fn new(format: impl Into<String>) -> Self {
        Self { format: format.into() }
    }
}

#[async_trait]
impl SourceFactory for FileSourceFactory {
    fn options(&self) -> OptionDocs {
        of_format(&self.format)
    }

    async fn define(
        &self,
        options: &Options,
        schema: Option<SchemaRef>,
        context: &DefineContext,
    ) -> Result<Arc<dyn SourceDefinition>> {
        let given = options.clone();
        let options = FileOptions::read(&self.format, options)?;
        let listing = Listing::new(options.files.clone(), context.storage.as_ref())?;
        let schema = match schema {
            Some(schema) => schema,
            None if context.infer_schema => {
                let files = listing.list().await?;
                infer_schema(options.format.as_ref(), &files, context).await?
            }
            None => {
                return Err(Error::invalid(format!(
                    "source `{}` over `{}` needs a schema; give one, or let it be inferred by setting `spark.sql.streaming.schemaInference` to `true`",
                    self.format,
                    listing.name()
                )));
            }
        };
        let schema = all_nullable(&schema);
        options.format.check_schema(&schema)?;
        Ok(Arc::new(FileSourceDefinition { given, options, schema }))
    }
}

async fn infer_schema(
    format: &dyn FileFormat,
    files: &[ListedFile],
    context: &DefineContext,
) -> Result<SchemaRef> {
    let files = files.iter().map(|file| input_file(context.storage.as_ref(), &file.to_read()));
    format.infer_schema(&files.collect::<Result<Vec<InputFile>>>()?).await
}

/// A folder as an unbounded table.
#[derive(Debug)]
pub struct FileSourceDefinition {
    given: Options,
    options: FileOptions,
    schema: SchemaRef,
}

#[async_trait]
impl SourceDefinition for FileSourceDefinition {
    fn format(&self) -> &str {
        self.options.format.name()
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn takes_filters(&self) -> bool {
        self.options.format.takes_filters()
    }

    fn written_with(&self) -> Option<&Options> {
        Some(&self.given)
    }

    fn start(&self, context: SourceContext) -> Result<Arc<dyn MicroBatchSource>> {
        Ok(Arc::new(FileSource::new(&self.options, self.schema(), context)?))
    }

    async fn table(
        &self,
        storage: &Arc<dyn Storage>,
        freshness: Freshness,
    ) -> Result<Arc<dyn TableProvider>> {
        let storage = Arc::clone(storage);
        let table = FileTable::open(&self.options, self.schema(), storage, freshness).await?;
        Ok(match freshness {
            Freshness::Snapshot => Arc::new(table),
            Freshness::Live => Arc::new(RefreshedTable::new(Arc::new(table))),
        })
    }
}
