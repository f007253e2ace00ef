//! Writes the rows of one partition of one epoch into files: one, or one for each folder that the
//! values of columns name, and the next when a file is full.
//!
//! A file is made with its first row. There may be as many at a time as there are folders: a file
//! that has grown little is only memory, and to end it early would leave a small file, and a sync,
//! for each handful of rows. What they hold together has a bound; beyond it the largest are ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::connector::sink::{CommitMessage, SinkWriter};
use crate::connector::storage::Location;
use crate::error::{Error, Result};
use crate::formats::encode::encoder::FileEncoding;
use crate::runtime::clock::Clock;
use crate::sinks::file::begun::Begun;
use crate::sinks::file::open_file::OpenFile;
use crate::sinks::file::partition::Partitioning;

/// About how many bytes the files of a writer may hold in memory together.
pub(super) const MOST_HELD: usize = 128 * 1024 * 1024;

/// How many files are ended at a time, each of which waits for the disk.
const ENDS_AT_ONCE: usize = 16;

/// What a writer says of a file that it wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenFile {
    /// The name in the folder, with the folders that it lies in.
    pub(super) name: String,
    /// The length in bytes.
    pub(super) size: u64,
    /// The CRC-32 of the bytes.
    pub(super) crc32: u32,
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
    /// About how many bytes the files of a writer may hold in memory together.
    pub(super) most_held: usize,
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
            let room =
                most.map_or(left, |most| left.min(most.saturating_sub(file.rows()) as usize));
            file.write(rows.slice(from, room)).await?;
            from += room;
            let is_full = most.is_some_and(|most| file.rows() >= most)
                || self.layout.full_bytes.is_some_and(|full| file.bytes() >= full);
            if is_full {
                let file = self.open.remove(&folder);
                self.end(file).await?;
            }
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
        let file = location(&self.place.folder, &name)?;
        Ok(OpenFile::new(name, file, Arc::clone(&self.layout)))
    }

    /// Ends files, some at a time.
    async fn end(&mut self, files: impl IntoIterator<Item = OpenFile> + Send) -> Result<()> {
        let files: Vec<OpenFile> = files.into_iter().collect();
        let ends = files.into_iter().map(|file| {
            let clock = Arc::clone(&self.place.clock);
            async move { file.end(clock.as_ref()).await }
        });
        let ended: Vec<_> = stream::iter(ends).buffered(ENDS_AT_ONCE).try_collect().await?;
        self.written.extend(ended);
        Ok(())
    }

    /// Ends the largest files when all together hold too much: so many of them that the next rows
    /// do not end files again.
    async fn free_memory(&mut self) -> Result<()> {
        let mut by_size: Vec<(usize, &String)> =
            self.open.iter().map(|(folder, file)| (file.held(), folder)).collect();
        let mut held: usize = by_size.iter().map(|(size, _)| size).sum();
        let most = self.layout.most_held;
        if held <= most {
            return Ok(());
        }
        by_size.sort_unstable();
        let mut folders: Vec<String> = vec![];
        while let Some((size, folder)) = by_size.pop().filter(|_| held > most / 2) {
            held -= size;
            folders.push(folder.clone());
        }
        let files: Vec<_> = folders.iter().filter_map(|folder| self.open.remove(folder)).collect();
        self.end(files).await
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
        let open = std::mem::take(&mut self.open);
        self.end(open.into_values()).await?;
        serde_json::to_value(&self.written)
            .map(CommitMessage)
            .map_err(|error| Error::internal(format!("a commit message is no JSON: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow::array::{ArrayRef, Int64Array};
    use tempfile::TempDir;

    use super::*;
    use crate::checkpoint::storage::LocalStorage;
    use crate::connector::storage::Storage;
    use crate::formats::display::Zone;
    use crate::formats::encode::json::JsonEncoding;
    use crate::runtime::clock::ManualClock;

    /// Rows of which each goes to a folder of its own.
    fn rows(folders: i64) -> RecordBatch {
        let column = |of: i64| Arc::new(Int64Array::from_iter_values(0..of)) as ArrayRef;
        RecordBatch::try_from_iter([("v", column(folders)), ("p", column(folders))]).unwrap()
    }

    #[tokio::test]
    async fn files_that_hold_too_much_together_are_ended_and_others_follow() {
        let folder = TempDir::new().unwrap();
        let rows = rows(40);
        let zone = Zone::parse("UTC").unwrap();
        let partitioning = Partitioning::try_new(&rows.schema(), &["p".to_owned()], zone).unwrap();
        let layout = Layout {
            encoding: Arc::new(JsonEncoding::default()),
            schema: rows.schema(),
            partitioning: Some(partitioning),
            most_rows: None,
            full_bytes: None,
            // Each file takes some two thousand and three hundred for each row.
            most_held: 200_000,
        };
        let place = Place {
            folder: LocalStorage::default().open(folder.path().to_str().unwrap()).unwrap(),
            epoch: 0,
            writer: "0".to_owned(),
            begun: Begun::default(),
            clock: Arc::new(ManualClock::new(0)),
        };
        let mut writer = Box::new(FileWriter::new(Arc::new(layout), place));
        let mut most_open = 0;
        for _batch in 0..40 {
            writer.write(rows.clone()).await.unwrap();
            let held: usize = writer.open.values().map(OpenFile::held).sum();
            assert!(held <= 200_000, "{held}");
            most_open = most_open.max(writer.open.len());
        }
        assert_eq!(most_open, 40);
        let written = WrittenFile::of_message(&writer.finish().await.unwrap()).unwrap();
        let names: BTreeSet<&str> = written.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names.len(), written.len());
        assert!((41..400).contains(&written.len()), "{}", written.len());
        let bytes: u64 = written.iter().map(|file| file.size).sum();
        let line = |value: i64| format!("{{\"v\":{value}}}\n").len() as u64 * 40;
        assert_eq!(bytes, (0..40).map(line).sum::<u64>());
    }
}
