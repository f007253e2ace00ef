//! The files of a folder as a static table.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::stream;
use serde::{Deserialize, Serialize};

use crate::connector::one_file::OneFile;
use crate::connector::source::{Freshness, foreign};
use crate::connector::versioned::{TableContent, VersionedTable};
use crate::error::{Error, Result};
use crate::event_time::zone::TimeZone;
use crate::sources::file::listing::{ListedFile, Listing};
use crate::sources::file::options::{FileOptions, Modified};
use crate::sources::file::partition::{FileToRead, split};
use crate::sources::file::reading::FileReading;

/// The files of a folder as a static table.
///
/// It takes the options of the file source, so that one list of options describes both; those that
/// pace a stream have no meaning for it.
#[derive(Debug, Clone)]
pub struct FileTable {
    reading: FileReading,
    listing: Listing,
    modified: Modified,
    snapshot: Option<Arc<Vec<ListedFile>>>,
    /// Whether the folder has been seen. One that is not there yet has no rows; one that is gone
    /// is an error.
    was_there: Arc<AtomicBool>,
}

impl FileTable {
    /// The table that these options describe, with columns that were settled before.
    ///
    /// # Errors
    /// `Storage` when the folder cannot be listed.
    pub(super) async fn open(
        options: &FileOptions,
        reading: FileReading,
        freshness: Freshness,
    ) -> Result<Self> {
        let storage = Arc::clone(&reading.storage);
        let listing = Listing::new(options, storage.as_ref())?;
        let was_there = listing.missing(storage.as_ref()).await?.is_empty();
        let mut table = Self {
            reading,
            listing,
            modified: options.modified.clone(),
            snapshot: None,
            was_there: Arc::new(AtomicBool::new(was_there)),
        };
        if freshness == Freshness::Snapshot {
            table.listing.check_match().await?;
            table.snapshot = Some(table.listing.list().await?);
        }
        Ok(table)
    }

    /// The files that are there now.
    async fn listed(&self, held_files: bool) -> Result<Arc<Vec<ListedFile>>> {
        let files = self.listing.list().await?;
        if !files.is_empty() {
            self.was_there.store(true, Ordering::Relaxed);
            return Ok(files);
        }
        let missing = self.listing.missing(self.reading.storage.as_ref()).await?;
        match missing.first() {
            None => self.was_there.store(true, Ordering::Relaxed),
            Some(path) if held_files || self.was_there.load(Ordering::Relaxed) => {
                return Err(Error::invalid(format!(
                    "`{path}` is gone, from which a table is read; put it back, or drop the table"
                )));
            }
            Some(_) => (),
        }
        Ok(files)
    }

    /// The files to read when the session is in this zone.
    async fn files(&self, zone: TimeZone) -> Result<Vec<FileToRead>> {
        let files = match &self.snapshot {
            Some(files) => Arc::clone(files),
            None => self.listed(false).await?,
        };
        let wanted = files.iter().filter(|file| self.modified.takes(file.modified, zone));
        Ok(wanted.map(ListedFile::to_read).collect())
    }
}

/// What the folder held at one moment.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    /// When the youngest file was written, in microseconds since 1970: tells a file from one that
    /// took its place.
    newest: i64,
    files: Vec<FileToRead>,
}

impl fmt::Display for FileTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileTable[{}]", self.listing.name())
    }
}

#[async_trait]
impl VersionedTable for FileTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.reading.schema)
    }

    async fn current(&self, last: Option<&TableContent>) -> Result<TableContent> {
        let last = last.and_then(|last| Content::deserialize(last.json()).ok());
        let listed = self.listed(last.is_some_and(|last| !last.files.is_empty())).await?;
        let is_taken = |file: &&ListedFile| self.modified.takes(file.modified, self.reading.zone);
        let listed: Vec<&ListedFile> = listed.iter().filter(is_taken).collect();
        let content = Content {
            newest: listed.iter().map(|file| file.modified).max().unwrap_or_default(),
            files: listed.iter().map(|file| file.to_read()).collect(),
        };
        let content = serde_json::to_value(content);
        content.map(TableContent::new).map_err(|error| Error::internal(error.to_string()))
    }

    fn read(
        &self,
        content: &TableContent,
        projection: &[usize],
        partition: usize,
        partitions: usize,
    ) -> Result<SendableRecordBatchStream> {
        let content =
            Content::deserialize(content.json()).map_err(|_error| foreign(self, content.json()))?;
        let parts = split(content.files, partitions, |_| false);
        let files = parts.get(partition).map_or(&[][..], |part| part.files.as_slice());
        self.reading.read(files, projection)
    }
}

#[async_trait]
impl TableProvider for FileTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.reading.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let zone = state.config_options().execution.time_zone.as_deref();
        let zone = zone.and_then(TimeZone::find).unwrap_or_default();
        let files = self.files(zone).await?;
        let projection = match projection {
            Some(projection) => projection.clone(),
            None => (0..self.reading.schema.fields().len()).collect(),
        };
        let schema = Arc::new(self.reading.schema.project(&projection)?);
        // Files stay whole: the rows of one come in its order.
        let parts = split(files, state.config().target_partitions(), |_| false);
        let mut groups: Vec<Vec<FileToRead>> = parts.into_iter().map(|p| p.files).collect();
        if groups.is_empty() {
            groups.push(vec![]);
        }
        let streams = groups.into_iter().map(|files| {
            let (schema, projection) = (Arc::clone(&schema), projection.clone());
            let reading = self.reading.clone().in_zone(zone);
            Arc::new(FilesStream { reading, files, projection, schema }) as Arc<dyn PartitionStream>
        });
        let streams = streams.collect();
        Ok(Arc::new(StreamingTableExec::try_new(schema, streams, None, [], false, limit)?))
    }
}

/// One partition of a scan.
struct FilesStream {
    reading: FileReading,
    files: Vec<FileToRead>,
    projection: Vec<usize>,
    schema: SchemaRef,
}

impl fmt::Debug for FilesStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        f.debug_struct("FilesStream").field("files", &paths).finish_non_exhaustive()
    }
}

impl PartitionStream for FilesStream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let files = match context.session_config().get_extension::<OneFile>() {
            None => &self.files[..],
            Some(one) => one.of(&self.files, |file| &file.path),
        };
        self.reading.read(files, &self.projection).unwrap_or_else(|error| {
            let failed = stream::iter([Err(DataFusionError::from(error))]);
            Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), failed))
        })
    }
}
