//! How files are read: the columns that are in them, and those that their folders name.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;

use crate::connector::storage::Storage;
use crate::error::{Error, Result};
use crate::event_time::zone::TimeZone;
use crate::formats::content::is_compressed;
use crate::formats::format::{FileFormat, InputFile, ReadCounts, ReadRequest};
use crate::sources::file::folder_columns::{FolderColumn, FolderColumns, column_array, is_same};
use crate::sources::file::listing::input_file;
use crate::sources::file::options::{FileOptions, Forgive};
use crate::sources::file::partition::FileToRead;
use crate::sources::file::verify::verify;

/// How files are read: what a partition needs besides its files.
#[derive(Debug, Clone)]
pub(super) struct FileReading {
    format: Arc<dyn FileFormat>,
    pub(super) storage: Arc<dyn Storage>,
    /// The columns of the table.
    pub(super) schema: SchemaRef,
    columns: FolderColumns,
    forgive: Forgive,
    verify_checksums: bool,
    /// The zone of times that name none.
    pub(super) zone: TimeZone,
    /// Counts what was not read as it stands.
    pub(super) counts: Arc<ReadCounts>,
}

/// Where a column that is asked for comes from.
#[derive(Debug, Clone)]
enum Origin {
    /// The column of the file with this index among those that are read of it.
    File(usize),
    /// The name of a folder; the index of the column in the table.
    Folder(FolderColumn, usize),
}

impl FileReading {
    pub(super) fn new(
        options: &FileOptions,
        schema: SchemaRef,
        columns: FolderColumns,
        storage: Arc<dyn Storage>,
        zone: TimeZone,
    ) -> Self {
        let format = Arc::clone(&options.format);
        let (forgive, counts) = (options.forgive, Arc::default());
        let verify_checksums = options.verify_checksums;
        Self { format, storage, schema, columns, forgive, verify_checksums, zone, counts }
    }

    /// The same for times in this zone, unless they name another.
    pub(super) fn in_zone(self, zone: TimeZone) -> Self {
        Self { zone, ..self }
    }

    /// What was not read as it stands, for the progress report.
    pub(super) fn metrics(&self) -> BTreeMap<String, String> {
        let has_records = matches!(self.format.name(), "csv" | "json");
        let counts = self.counts.by_name().into_iter().filter(|(name, _)| match *name {
            "ignoredCorruptFiles" => self.forgive.corrupt,
            "ignoredMissingFiles" => self.forgive.missing,
            _ => has_records,
        });
        counts.map(|(name, count)| (name.to_owned(), count.to_string())).collect()
    }

    /// Reads some columns of some files, one file after another.
    pub(super) fn read(
        &self,
        files: &[FileToRead],
        projection: &[usize],
    ) -> Result<SendableRecordBatchStream> {
        let schema = Arc::new(self.schema.project(projection)?);
        let (reading, projection) = (self.clone(), projection.to_vec());
        // As in Spark, a file without a byte is none, whatever the format says of it.
        let files: Vec<FileToRead> = files.iter().filter(|file| file.size > 0).cloned().collect();
        let batches = stream::iter(files)
            .map(move |file| reading.read_part(&file, &projection).map_err(DataFusionError::from))
            .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    /// Whether a file can be read in parts.
    pub(super) fn can_be_cut(&self, file: &FileToRead) -> bool {
        // The checksum is that of the whole file, and what is left of a broken one is not known.
        self.format.reads_parts()
            && !is_compressed(&file.path)
            && !self.verify_checksums
            && self.forgive == Forgive::default()
    }

    /// The rows of a file, or of a part of it. Where something is wrong with a part, the whole file
    /// is gone through for the error, which counts lines from its beginning.
    fn read_part(
        &self,
        file: &FileToRead,
        projection: &[usize],
    ) -> Result<SendableRecordBatchStream> {
        let rows = self.read_file(file, projection)?;
        if file.part.is_none() {
            return Ok(rows);
        }
        let whole = file.clone().whole();
        let (schema, reading, projection) = (rows.schema(), self.clone(), projection.to_vec());
        let rows = rows.map_err(Error::from).or_else(move |error| {
            let (reading, whole, projection) = (reading.clone(), whole.clone(), projection.clone());
            async move {
                if matches!(error, Error::Data { .. }) {
                    let mut rows = reading.read_file(&whole, &projection)?;
                    while let Some(batch) = rows.next().await {
                        batch?;
                    }
                }
                Err(error)
            }
        });
        let rows = rows.map_err(DataFusionError::from);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }

    fn read_file(
        &self,
        file: &FileToRead,
        projection: &[usize],
    ) -> Result<SendableRecordBatchStream> {
        let opened = input_file(self.storage.as_ref(), file)?;
        let named = self.columns.of(&file.path)?;
        if self.columns.are_known() {
            self.columns.check(&file.path, &named)?;
        } else if let Some(foreign) = named.iter().find(|column| self.place(column).is_none()) {
            return Err(opened.data(format!(
                "its folder names the column `{}`, which the table does not have; make the table again, with that column in its schema or with such folders there already",
                foreign.name
            )));
        }
        let request = |schema: SchemaRef, projection: Vec<usize>| ReadRequest {
            schema,
            projection,
            zone: self.zone,
            counts: Arc::clone(&self.counts),
            part: file.part.clone(),
        };
        if named.is_empty() {
            let rows = self.verified(opened, file, &request(self.schema(), projection.to_vec()));
            return Ok(self.forgiving(rows, file));
        }
        let in_file: Vec<usize> = (0..self.schema.fields().len())
            .filter(|at| named.iter().all(|column| self.place(column) != Some(*at)))
            .collect();
        let mut wanted = vec![];
        let mut origins = vec![];
        for at in projection {
            origins.push(match in_file.binary_search(at) {
                Ok(place) => {
                    wanted.push(place);
                    Origin::File(wanted.len() - 1)
                }
                Err(_) => {
                    let column = named.iter().find(|column| self.place(column) == Some(*at));
                    let column = column.cloned();
                    let column = column.ok_or_else(|| Error::internal("a column has no origin"))?;
                    Origin::Folder(column, *at)
                }
            });
        }
        let data = Arc::new(self.schema.project(&in_file)?);
        let rows = self.verified(opened, file, &request(data, wanted));
        let rows = self.forgiving(rows, file);
        let output = Arc::new(self.schema.project(projection)?);
        let (reading, url, schema) = (self.clone(), file.path.clone(), Arc::clone(&output));
        let whole = rows.map(move |batch| reading.assembled(&batch?, &origins, &schema, &url));
        Ok(Box::pin(RecordBatchStreamAdapter::new(output, whole)))
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Which column of the table a folder names.
    fn place(&self, column: &FolderColumn) -> Option<usize> {
        self.schema.fields().iter().position(|field| is_same(field.name(), &column.name))
    }

    fn assembled(
        &self,
        batch: &RecordBatch,
        origins: &[Origin],
        schema: &SchemaRef,
        url: &str,
    ) -> DfResult<RecordBatch> {
        let rows = batch.num_rows();
        let columns = origins.iter().map(|origin| match origin {
            Origin::File(at) => Ok(Arc::clone(batch.column(*at))),
            Origin::Folder(column, at) => {
                column_array(column, self.schema.field(*at), rows, self.zone, url)
            }
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
    }

    /// The rows of a file, if it is what the log of the sink that wrote it says.
    fn verified(
        &self,
        opened: InputFile,
        file: &FileToRead,
        request: &ReadRequest,
    ) -> SendableRecordBatchStream {
        let rows = self.format.read(opened.clone(), request);
        let Some(logged) = file.logged else { return rows };
        let (schema, checksums) = (rows.schema(), self.verify_checksums);
        let checked = async move {
            verify(&opened, logged, checksums).await.map_err(DataFusionError::from)?;
            Ok::<_, DataFusionError>(rows)
        };
        let rows = stream::once(checked).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }

    /// The rows of a file up to where it is broken or gone, if that is forgiven.
    fn forgiving(
        &self,
        rows: SendableRecordBatchStream,
        file: &FileToRead,
    ) -> SendableRecordBatchStream {
        if self.forgive == Forgive::default() {
            return rows;
        }
        let schema = rows.schema();
        let kept = self.clone().kept(rows, file.clone());
        Box::pin(RecordBatchStreamAdapter::new(schema, kept))
    }

    fn kept(
        self,
        rows: SendableRecordBatchStream,
        file: FileToRead,
    ) -> impl Stream<Item = DfResult<RecordBatch>> + Send {
        stream::try_unfold(Some(rows), move |rows| {
            let (reading, file) = (self.clone(), file.clone());
            async move {
                let Some(mut rows) = rows else { return Ok(None) };
                match rows.next().await {
                    None => Ok(None),
                    Some(Ok(batch)) => Ok(Some((batch, Some(rows)))),
                    Some(Err(error)) => {
                        reading.forgiven(Error::from(error), &file).await?;
                        Ok(None)
                    }
                }
            }
        })
    }

    /// Counts a file that is broken or gone, or gives the error back.
    async fn forgiven(&self, error: Error, file: &FileToRead) -> Result<()> {
        if !matches!(error, Error::Data { .. }) {
            return Err(error);
        }
        let opened = input_file(self.storage.as_ref(), file)?;
        let found = opened.store.head(&opened.path).await;
        let is_missing = matches!(found, Err(object_store::Error::NotFound { .. }));
        match is_missing {
            true if self.forgive.missing => self.counts.add_missing_file(),
            false if self.forgive.corrupt => self.counts.add_corrupt_file(),
            _ => return Err(error),
        }
        tracing::warn!(file = file.path, %error, "the rest of a file is left out");
        Ok(())
    }
}
