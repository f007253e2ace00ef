//! One file that takes rows: from the first rows in memory to a durable file.
//!
//! Rows wait as they are until there are enough of them to begin with the encoding: an encoder has
//! tables of its own, for parquet some dozens of kilobytes for each column, which thousands of files
//! with few rows each could not all have at a time.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use crate::connector::storage::Location;
use crate::error::Result;
use crate::formats::encode::encoder::RowEncoder;
use crate::runtime::clock::Clock;
use crate::sinks::file::upload::{Upload, Uploaded};
use crate::sinks::file::writer::{Layout, WrittenFile};

/// Bytes are handed on when there are this many.
const CHUNK: usize = 1024 * 1024;

/// From about so many bytes of rows on a file is worth an encoder.
const ENOUGH: usize = 64 * 1024;

/// About what a file takes in memory beside its rows.
const OVERHEAD: usize = 2 * 1024;

/// A file that takes rows.
#[derive(Debug)]
pub(super) struct OpenFile {
    name: String,
    layout: Arc<Layout>,
    encoder: Option<Box<dyn RowEncoder>>,
    /// Rows that no encoder has taken, and about what they take in memory.
    waiting: (Vec<RecordBatch>, usize),
    upload: Upload,
    rows: u64,
}

impl OpenFile {
    /// A file without rows, of which nothing is written yet.
    pub(super) fn new(name: String, file: Location, layout: Arc<Layout>) -> Self {
        let waiting = (vec![], 0);
        Self { name, layout, encoder: None, waiting, upload: Upload::new(file), rows: 0 }
    }

    /// How many rows it took.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    /// About how many bytes it holds in memory.
    pub(super) fn held(&self) -> usize {
        OVERHEAD + self.waiting.1 + self.encoded() + self.upload.held()
    }

    /// About how long it is.
    pub(super) fn bytes(&self) -> u64 {
        self.upload.size() + self.encoded() as u64
    }

    fn encoded(&self) -> usize {
        self.encoder.as_ref().map_or(0, |encoder| encoder.held())
    }

    /// Takes rows.
    pub(super) async fn write(&mut self, rows: RecordBatch) -> Result<()> {
        self.rows += rows.num_rows() as u64;
        self.waiting.1 += rows.get_array_memory_size();
        self.waiting.0.push(rows);
        // Where files are full from some length on, rows have to be encoded to know it.
        let waits = self.encoder.is_none() && self.layout.full_bytes.is_none();
        if waits && self.waiting.1 < ENOUGH {
            return Ok(());
        }
        let encoder = self.encode()?;
        if encoder.ready() >= CHUNK {
            let bytes = encoder.take();
            self.upload.push(bytes).await?;
        }
        Ok(())
    }

    /// Hands the waiting rows to the encoder, which is made if there is none.
    fn encode(&mut self) -> Result<&mut Box<dyn RowEncoder>> {
        let encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => self.layout.encoding.start(self.layout.file_schema())?,
        };
        let encoder = self.encoder.insert(encoder);
        let (waiting, _) = std::mem::take(&mut self.waiting);
        for rows in &waiting {
            encoder.write(rows)?;
        }
        Ok(encoder)
    }

    /// Makes the file whole and durable.
    pub(super) async fn end(mut self, clock: &dyn Clock) -> Result<WrittenFile> {
        self.encode()?;
        let Self { name, encoder, mut upload, .. } = self;
        if let Some(encoder) = encoder {
            upload.push(encoder.finish()?).await?;
        }
        let Uploaded { size, crc32 } = upload.finish().await?;
        Ok(WrittenFile { name, size, crc32, modification_time: clock.now_millis() })
    }
}
