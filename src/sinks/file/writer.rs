//! Writes the rows of one partition of one epoch into files: one, or one for each folder that the
//! values of columns name, and the next when a file is full.
//!
//! A file is made with its first row. When rows go to many folders at once, files are ended early
//! so that neither their number nor what they hold in memory grows without bound.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::connector::sink::{CommitMessage, SinkWriter};
use crate::connector::storage::Location;
use crate::error::{Error, Result};
use crate::formats::encode::encoder::{FileEncoding, RowEncoder};
use crate::runtime::clock::Clock;
use crate::sinks::file::begun::Begun;
use crate::sinks::file::partition::Partitioning;
use crate::sinks::file::upload::Upload;

/// Bytes are handed on when there are this many.
const CHUNK: usize = 1024 * 1024;

/// How many files a writer has open at a time.
const MOST_OPEN: usize = 64;

/// About how many bytes the open files may hold in memory when there is more than one.
const MOST_HELD: usize = 128 * 1024 * 1024;

/// What a writer says of a file that it wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenFile {
    /// The name in the folder, with the folders that it lies in.
    pub(super) name: String,
    /// The length in bytes.
    pub(super) size: u64,
    /// Milliseconds since 1970 in UTC.
    pub(super) modification_time: i64,
}

impl WrittenFile {
    /// The files that a message speaks of; a partition without rows has none.
    pub(super) fn of_message(CommitMessage(json): &CommitMessage) -> Result<Vec<Self>> {
        Vec::<Self>::deserialize(json)
            .map_err(|_e| Error::internal(format!("`{json}` is no message of the file sink")))
    }
}

/// The file or folder of a name as writers give it, below the output folder.
pub(super) fn location(folder: &Location, name: &str) -> Result<Location> {
    name.split('/').try_fold(folder.clone(), |folder, part| folder.exact_child(part))
}

/// How rows become files.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) encoding: Arc<dyn FileEncoding>,
    /// The columns of the files, when they are all columns of the rows.
    pub(super) schema: SchemaRef,
    pub(super) partitioning: Option<Partitioning>,
    /// How many rows a file has at most.
    pub(super) most_rows: Option<u64>,
    /// From about which length on a file is full.
    pub(super) full_bytes: Option<u64>,
}

impl Layout {
    /// The columns of the files.
    pub(super) fn file_schema(&self) -> &SchemaRef {
        self.partitioning.as_ref().map_or(&self.schema, Partitioning::file_schema)
    }
}

/// Where a writer puts its files.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) folder: Location,
    pub(super) epoch: u64,
    /// The number of the writer, and what tells its attempt from all others.
    pub(super) writer: String,
    pub(super) begun: Begun,
    pub(super) clock: Arc<dyn Clock>,
}

/// Writes the rows of one partition of one epoch.
#[derive(Debug)]
pub(super) struct FileWriter {
    layout: Arc<Layout>,
    place: Place,
    /// The files that are open, by folder.
    open: BTreeMap<String, OpenFile>,
    /// How many files were begun, by folder.
    begun: BTreeMap<String, u32>,
    written: Vec<WrittenFile>,
}

#[derive(Debug)]
struct OpenFile {
    name: String,
    encoder: Box<dyn RowEncoder>,
    upload: Upload,
    rows: u64,
}

impl OpenFile {
    /// About how many bytes it holds in memory.
    fn held(&self) -> usize {
        self.encoder.held() + self.upload.held()
    }

    /// About how long it is.
    fn bytes(&self) -> u64 {
        self.upload.size() + self.encoder.held() as u64
    }

    async fn end(self, clock: &dyn Clock) -> Result<WrittenFile> {
        let Self { name, encoder, mut upload, .. } = self;
        upload.push(encoder.finish()?).await?;
        let size = upload.finish().await?;
        Ok(WrittenFile { name, size, modification_time: clock.now_millis() })
    }
}

impl FileWriter {
    pub(super) fn new(layout: Arc<Layout>, place: Place) -> Self {
        let (open, begun) = (BTreeMap::new(), BTreeMap::new());
        Self { layout, place, open, begun, written: vec![] }
    }

    /// Writes rows into files of one folder.
    async fn append(&mut self, folder: String, rows: &RecordBatch) -> Result<()> {
        let mut from = 0;
        while from < rows.num_rows() {
            if !self.open.contains_key(&folder) {
                let file = self.begin(&folder)?;
                self.open.insert(folder.clone(), file);
            }
            let Some(file) = self.open.get_mut(&folder) else { continue };
            let left = rows.num_rows() - from;
            let most = self.layout.most_rows;
            let room = most.map_or(left, |most| left.min(most.saturating_sub(file.rows) as usize));
            file.encoder.write(&rows.slice(from, room))?;
            file.rows += room as u64;
            from += room;
            if file.encoder.ready() >= CHUNK {
                file.upload.push(file.encoder.take()).await?;
            }
            let is_full = most.is_some_and(|most| file.rows >= most)
                || self.layout.full_bytes.is_some_and(|full| file.bytes() >= full);
            if is_full {
                self.end(&folder).await?;
            }
        }
        if self.open.len() > MOST_OPEN {
            self.end_largest().await?;
        }
        Ok(())
    }

    fn begin(&mut self, folder: &str) -> Result<OpenFile> {
        let number = self.begun.entry(folder.to_owned()).or_default();
        let (writer, end) = (&self.place.writer, self.layout.encoding.extension());
        let name = match folder {
            "" => format!("part-{writer}-c{number:03}{end}"),
            folder => format!("{folder}/part-{writer}.c{number:03}{end}"),
        };
        *number += 1;
        self.place.begun.add(self.place.epoch, &name);
        let encoder = self.layout.encoding.start(self.layout.file_schema())?;
        let upload = Upload::new(location(&self.place.folder, &name)?);
        Ok(OpenFile { name, encoder, upload, rows: 0 })
    }

    async fn end(&mut self, folder: &str) -> Result<()> {
        if let Some(file) = self.open.remove(folder) {
            let written = file.end(self.place.clock.as_ref()).await?;
            self.written.push(written);
        }
        Ok(())
    }

    /// Ends the file that frees most memory.
    async fn end_largest(&mut self) -> Result<()> {
        let largest = self.open.iter().max_by_key(|(_, file)| file.held());
        match largest.map(|(folder, _)| folder.clone()) {
            Some(folder) => self.end(&folder).await,
            None => Ok(()),
        }
    }

    async fn free_memory(&mut self) -> Result<()> {
        while self.open.len() > 1
            && self.open.values().map(OpenFile::held).sum::<usize>() > MOST_HELD
        {
            self.end_largest().await?;
        }
        Ok(())
    }
}

#[async_trait]
impl SinkWriter for FileWriter {
    async fn write(&mut self, rows: RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let layout = Arc::clone(&self.layout);
        let Some(partitioning) = &layout.partitioning else {
            return self.append(String::new(), &rows).await;
        };
        for (folder, rows) in partitioning.split(&rows)? {
            self.append(folder, &rows).await?;
        }
        self.free_memory().await
    }

    async fn finish(mut self: Box<Self>) -> Result<CommitMessage> {
        let clock = Arc::clone(&self.place.clock);
        let open = std::mem::take(&mut self.open);
        let ends = open.into_values().map(|file| file.end(clock.as_ref()));
        self.written.extend(try_join_all(ends).await?);
        serde_json::to_value(&self.written)
            .map(CommitMessage)
            .map_err(|error| Error::internal(format!("a commit message is no JSON: {error}")))
    }
}
