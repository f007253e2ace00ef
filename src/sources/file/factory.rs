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
use crate::connector::storage::{Location, Storage};
use crate::connector::versioned::RefreshedTable;
use crate::error::{Error, Result};
use crate::event_time::zone::TimeZone;
use crate::formats::format::{FileFormat, InputFile, all_nullable};
use crate::sources::file::folder_columns::FolderColumns;
use crate::sources::file::listing::{Listing, input_file};
use crate::sources::file::option_docs::of_format;
use crate::sources::file::options::FileOptions;
use crate::sources::file::reading::FileReading;
use crate::sources::file::source::FileSource;
use crate::sources::file::table::FileTable;

/// Makes file sources of one format.
#[derive(Debug, Clone)]
pub struct FileSourceFactory {
    format: String,
}

impl FileSourceFactory {
    /// For one of the formats that files can be read in.
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
        let storage = context.storage.as_ref();
        let listing = Listing::new(&options, storage)?;
        if context.must_exist {
            listing.check_path(storage).await?;
        }
        if context.must_match {
            listing.check_match().await?;
        }
        let files = listing.list().await?;
        let schema = match schema.or_else(|| options.format.fixed_schema()) {
            Some(schema) => schema,
            None if context.infer_schema => {
                infer_schema(options.format.as_ref(), &listing, context).await?
            }
            None => {
                return Err(Error::invalid(format!(
                    "source `{}` over `{}` needs a schema; give one, or let it be inferred by setting `spark.sql.streaming.schemaInference` to `true`",
                    self.format,
                    listing.name()
                )));
            }
        };
        let mut columns = FolderColumns::new(options.places(), storage)?;
        let schema =
            all_nullable(columns.discover(&files, &schema, &context.folder_columns)?.as_ref());
        options.format.check_schema(&columns.data_columns(&schema))?;
        let zone = context.time_zone;
        Ok(Arc::new(FileSourceDefinition { given, options, schema, columns, zone }))
    }
}

async fn infer_schema(
    format: &dyn FileFormat,
    listing: &Listing,
    context: &DefineContext,
) -> Result<SchemaRef> {
    let storage = context.storage.as_ref();
    let files = listing.list().await?;
    // Files without a byte are not read, so they say nothing of what the others hold.
    let files = files.iter().filter(|file| file.size > 0);
    let files = files.map(|file| input_file(storage, &file.to_read()));
    let files = files.collect::<Result<Vec<InputFile>>>()?;
    if files.is_empty() {
        listing.check_path(storage).await?;
        listing.check_match().await?;
        return Err(Error::invalid(format!(
            "the schema of `{}` cannot be inferred, since there is no file with anything in it; give a schema",
            listing.name()
        )));
    }
    format.infer_schema(&files).await
}

/// A folder as an unbounded table.
#[derive(Debug)]
pub struct FileSourceDefinition {
    given: Options,
    options: FileOptions,
    schema: SchemaRef,
    columns: FolderColumns,
    /// The zone of times that name none, for a table.
    zone: TimeZone,
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

    fn place(&self, storage: &dyn Storage) -> Option<String> {
        Listing::new(&self.options, storage).ok().map(|listing| listing.name())
    }

    fn reads_from(&self, folder: &Location, storage: &dyn Storage) -> bool {
        let file = format!("part-00000-c000.{}", self.format());
        self.options.places().any(|files| {
            let base = storage.open(&files.fixed);
            base.is_ok_and(|base| files.takes(&base.path, &folder.path, &file))
        })
    }

    fn start(&self, context: SourceContext) -> Result<Arc<dyn MicroBatchSource>> {
        if self.options.modified.is_given() {
            return Err(Error::unsupported(
                "the options `modifiedAfter` and `modifiedBefore` are for static tables; a stream reads all files, or those whose names match `pathGlobFilter`",
            ));
        }
        let (schema, columns) = (self.schema(), self.columns.clone());
        Ok(Arc::new(FileSource::new(&self.options, schema, columns, context)?))
    }

    async fn table(
        &self,
        storage: &Arc<dyn Storage>,
        freshness: Freshness,
    ) -> Result<Arc<dyn TableProvider>> {
        let (schema, columns) = (self.schema(), self.columns.clone());
        let storage = Arc::clone(storage);
        let reading = FileReading::new(&self.options, schema, columns, storage, self.zone);
        let table = FileTable::open(&self.options, reading, freshness).await?;
        Ok(match freshness {
            Freshness::Snapshot => Arc::new(table),
            Freshness::Live => Arc::new(RefreshedTable::new(Arc::new(table))),
        })
    }
}
