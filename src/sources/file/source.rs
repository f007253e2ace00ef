//! The file source: new files of a folder, epoch by epoch.
//!
//! ```text
//! offset {"logOffset":7}  <->  entry 7 of the log in sources/<name>/
//! ```
//!
//! A crash between an entry of the log and the `offsets/N` that would name it leaves an entry that
//! nobody was promised. It is not undone: the next epoch adopts it and takes the same files.
//!
//! | crash after        | on restart                                          |
//! |--------------------|-----------------------------------------------------|
//! | listing            | nothing was written; the folder is listed again     |
//! | entry 8 of the log | 8 is the next offset, with the files that it has    |
//! | `offsets/N` with 8 | the epoch runs again over the files of entry 8      |
//!
//! With `cleanSource`, files go when the epoch after the one that read them is logged. A crash before
//! that is done leaves some of them; the next run goes over its last entries again.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::execution::SendableRecordBatchStream;
use futures::lock::Mutex;
use serde::Deserialize;
use serde_json::json;

use crate::checkpoint::compactible_log::CompactibleLog;
use crate::connector::offset::Offset;
use crate::connector::source::{
    InputPartition, MicroBatchSource, ReadLimit, SourceContext, foreign,
};
use crate::error::{Error, Result};
use crate::sources::file::cleaner::Cleaner;
use crate::sources::file::entry::FileEntry;
use crate::sources::file::folder_columns::FolderColumns;
use crate::sources::file::listing::{ListedFile, Listing};
use crate::sources::file::options::{FileOptions, MaxPerEpoch, Pace};
use crate::sources::file::partition::{FileToRead, FilesPartition, split};
use crate::sources::file::reading::FileReading;
use crate::sources::file::seen::SeenFiles;

/// How many entries of the log lie between compactions.
const COMPACT_INTERVAL: u64 = 10;

/// New files of a folder, epoch by epoch.
#[derive(Debug)]
pub struct FileSource {
    reading: FileReading,
    log_folder: String,
    log: CompactibleLog<FileEntry>,
    listing: Listing,
    pace: Pace,
    /// What becomes of files whose rows are done; none where they stay.
    cleaner: Option<Cleaner>,
    state: Mutex<State>,
    /// How many files this run has passed over because of `maxFileAge`.
    too_old: AtomicU64,
}

/// What a run knows.
#[derive(Debug)]
struct State {
    /// The number of the newest entry in the log.
    newest: Option<u64>,
    /// The entries of the log that are not yet committed, as far as this run knows them.
    entries: BTreeMap<u64, Vec<FileEntry>>,
    /// Files whose rows an earlier run may have read to the end without cleaning up after them.
    uncleaned: Vec<FileEntry>,
    seen: SeenFiles,
    /// Files that were listed but not taken, in the order in which they will be.
    backlog: VecDeque<ListedFile>,
    /// Whether the backlog is all that will ever be taken.
    is_frozen: bool,
    /// A list of files in which nothing is new by what was taken so far.
    known: Option<Arc<Vec<ListedFile>>>,
}

impl State {
    const fn new(seen: SeenFiles) -> Self {
        Self {
            newest: None,
            entries: BTreeMap::new(),
            uncleaned: vec![],
            seen,
            backlog: VecDeque::new(),
            is_frozen: false,
            known: None,
        }
    }

    /// Takes over what the log has.
    fn adopt(&mut self, all: Vec<FileEntry>, newest: Option<u64>, done: Option<u64>) {
        self.newest = newest;
        self.known = None;
        self.entries.clear();
        self.uncleaned.clear();
        for entry in all {
            self.seen.add(&entry.path, entry.timestamp);
            if done.is_none_or(|done| entry.batch_id > done) {
                self.entries.entry(entry.batch_id).or_default().push(entry);
            } else if done.is_some_and(|done| done - entry.batch_id < COMPACT_INTERVAL) {
                self.uncleaned.push(entry);
            }
        }
        self.seen.forget_old();
    }
}

impl fmt::Display for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileStreamSource[{}]", self.listing.name())
    }
}

impl FileSource {
    pub(super) fn new(
        options: &FileOptions,
        schema: SchemaRef,
        columns: FolderColumns,
        context: SourceContext,
    ) -> Result<Self> {
        let listing = Listing::new(options, context.storage.as_ref())?;
        let storage = context.storage;
        let cleaner = Cleaner::new(&options.clean, &options.files, &storage)?;
        let reading = FileReading::new(options, schema, columns, storage, context.time_zone);
        Ok(Self {
            reading,
            log_folder: context.folder.given.clone(),
            log: CompactibleLog::new(context.folder, COMPACT_INTERVAL),
            listing,
            pace: options.pace.clone(),
            cleaner,
            state: Mutex::new(State::new(SeenFiles::new(options.by_name_only, options.max_age))),
            too_old: AtomicU64::new(0),
        })
    }

    fn number(&self, offset: &Offset) -> Result<u64> {
        let number = offset.json().get("logOffset").and_then(serde_json::Value::as_u64);
        number.ok_or_else(|| foreign(self, offset.json()))
    }

    /// The number that an offset stands for; it must be in the log.
    fn known(&self, offset: Option<&Offset>, newest: Option<u64>) -> Result<Option<u64>> {
        let Some(number) = offset.map(|offset| self.number(offset)).transpose()? else {
            return Ok(None);
        };
        match newest {
            Some(newest) if number <= newest => Ok(Some(number)),
            _ => Err(Error::corrupt(
                format!("{}/{number}", self.log_folder),
                format!(
                    "it is missing, but the query has read up to entry {number}; the newest entry is {}",
                    newest.map_or_else(|| "missing, too".to_owned(), |newest| newest.to_string())
                ),
            )),
        }
    }

    /// Files that were not taken yet, in the order in which they are to be.
    async fn new_files(&self, state: &mut State) -> Result<VecDeque<ListedFile>> {
        let listed = self.listing.list().await?;
        if state.known.as_ref().is_some_and(|known| Arc::ptr_eq(known, &listed)) {
            return Ok(VecDeque::new());
        }
        let mut files: VecDeque<ListedFile> = VecDeque::new();
        state.seen.keep_old(listed.iter().map(|file| (&*file.url, file.modified_millis())));
        for file in listed.iter() {
            if state.seen.is_new(&file.url, file.modified_millis()) {
                files.push_back(file.clone());
            } else {
                self.note_age(&mut state.seen, file);
            }
        }
        state.known = Some(listed).filter(|_| files.is_empty());
        if self.pace.latest_first {
            files.make_contiguous().reverse();
        }
        Ok(files)
    }

    /// Takes the files of one more epoch out of the backlog, listing where that is due.
    async fn take(&self, state: &mut State, limit: ReadLimit) -> Result<Vec<ListedFile>> {
        let max = match limit {
            ReadLimit::Configured => self.pace.max,
            ReadLimit::AllAvailable => None,
        };
        if !state.is_frozen && (state.backlog.is_empty() || max.is_none()) {
            state.backlog = self.new_files(state).await?;
        }
        let taken = pick(&mut state.backlog, &state.seen, max);
        for file in &taken.passed_over {
            self.note_age(&mut state.seen, file);
        }
        let taken = taken.files;
        if !state.is_frozen {
            self.trim(&mut state.backlog, max);
        }
        Ok(taken)
    }

    /// Counts a file that is passed over because it is too old, and warns about the first.
    fn note_age(&self, seen: &mut SeenFiles, file: &ListedFile) {
        if seen.has_come_late(&file.url, file.modified_millis())
            && self.too_old.fetch_add(1, Ordering::Relaxed) == 0
        {
            tracing::warn!(
                file = file.url,
                newest = seen.newest_url(),
                "a file is passed over: it is older than the newest by more than `maxFileAge`; others like it are only counted, as `filesTooOld` in the progress"
            );
        }
    }

    /// Keeps of the files that were not taken what is worth keeping.
    fn trim(&self, backlog: &mut VecDeque<ListedFile>, max: Option<MaxPerEpoch>) {
        let (left, most) = match max {
            None => return,
            Some(MaxPerEpoch::Files(most)) => (backlog.len() as u64, most),
            Some(MaxPerEpoch::Bytes(most)) => (backlog.iter().map(|file| file.size).sum(), most),
        };
        // The newest first: what appears meanwhile goes before what was left.
        if self.pace.latest_first || (left as f64) < most as f64 * self.pace.discard_ratio {
            backlog.clear();
        } else {
            backlog.truncate(self.pace.max_cached);
        }
    }

    /// Makes taken files the next entry of the log, and gives its number.
    async fn log(&self, state: &mut State, taken: Vec<ListedFile>) -> Result<u64> {
        let number = state.newest.map_or(0, |newest| newest + 1);
        let entries: Vec<_> =
            taken.iter().map(|file| FileEntry::new(file.clone(), number)).collect();
        let Err(error) = self.log.add(number, &entries).await else {
            for file in &taken {
                state.seen.add(&file.url, file.modified_millis());
            }
            state.seen.forget_old();
            state.known = None;
            state.entries.insert(number, entries);
            state.newest = Some(number);
            return Ok(number);
        };
        for file in taken.into_iter().rev() {
            state.backlog.push_front(file);
        }
        // Another run of the query was faster, or an attempt of ours that seemed to fail was none.
        // The entry is what counts; who may go on is settled by the query's claim.
        if matches!(error, Error::AlreadyExists { .. }) {
            let all = self.log.all().await?;
            let newest = self.log.latest().await?;
            if newest.is_some_and(|newest| newest >= number) {
                state.adopt(all, newest, number.checked_sub(1));
                return Ok(number);
            }
        }
        Err(error)
    }

    /// The files of the entries after `start` up to `end`, in order.
    async fn files_between(&self, start: Option<u64>, end: u64) -> Result<Vec<FileToRead>> {
        let first = start.map_or(0, |start| start + 1);
        let wanted = {
            let state = self.state.lock().await;
            (first..=end).map(|number| state.entries.get(&number).cloned()).collect()
        };
        let entries: Option<Vec<Vec<FileEntry>>> = wanted;
        let entries = match entries {
            Some(entries) => entries.concat(),
            None => {
                let mut all = self.log.all().await?;
                all.retain(|entry| (first..=end).contains(&entry.batch_id));
                self.check_complete(&all, first, end)?;
                all
            }
        };
        Ok(entries.into_iter().map(FileEntry::into_read).collect())
    }

    /// Every entry has a file at least, so a number without one is an entry that was lost.
    fn check_complete(&self, entries: &[FileEntry], first: u64, end: u64) -> Result<()> {
        let numbers: BTreeSet<u64> = entries.iter().map(|entry| entry.batch_id).collect();
        match (first..=end).find(|number| !numbers.contains(number)) {
            None => Ok(()),
            Some(lost) => Err(Error::corrupt(
                &self.log_folder,
                format!(
                    "entry {lost} is missing, whose files belong to an epoch that is to be read"
                ),
            )),
        }
    }
}

/// The files of an epoch.
#[derive(Debug, Default)]
struct Picked {
    files: Vec<ListedFile>,
    /// Files of the backlog that are not new any more.
    passed_over: Vec<ListedFile>,
}

/// Takes new files off the front of the backlog up to the limit.
fn pick(backlog: &mut VecDeque<ListedFile>, seen: &SeenFiles, max: Option<MaxPerEpoch>) -> Picked {
    let mut picked = Picked::default();
    let mut keys: HashSet<String> = HashSet::new();
    let mut bytes = 0_u64;
    while let Some(file) = backlog.pop_front() {
        // What was in the log by other hands is not new, and by their names alone two files of
        // one listing may be the same.
        if !seen.is_new(&file.url, file.modified_millis()) || keys.contains(seen.key(&file.url)) {
            picked.passed_over.push(file);
            continue;
        }
        bytes = bytes.saturating_add(file.size);
        let is_full = match max {
            None => false,
            Some(MaxPerEpoch::Files(most)) => picked.files.len() as u64 >= most,
            Some(MaxPerEpoch::Bytes(most)) => !picked.files.is_empty() && bytes > most,
        };
        if is_full {
            backlog.push_front(file);
            break;
        }
        keys.insert(seen.key(&file.url).to_owned());
        picked.files.push(file);
    }
    picked
}

fn offset(number: u64) -> Offset {
    Offset::new(json!({ "logOffset": number }))
}

#[async_trait]
impl MicroBatchSource for FileSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.reading.schema)
    }

    async fn recover(&self, last: Option<&Offset>) -> Result<()> {
        // Later on, all files may have been cleaned up, and some stores know no empty folders.
        if last.is_none() {
            self.listing.check_path(self.reading.storage.as_ref()).await?;
        }
        if self.cleaner.is_some() && self.listing.is_written_by_sink().await? {
            return Err(Error::unsupported(format!(
                "`{}` is written by a file sink, whose files cannot be taken away; leave out the option `cleanSource`",
                self.listing.name()
            )));
        }
        let all = self.log.all().await?;
        let newest = self.log.latest().await?;
        let done = self.known(last, newest)?;
        self.state.lock().await.adopt(all, newest, done);
        Ok(())
    }

    async fn latest_offset(
        &self,
        start: Option<&Offset>,
        limit: ReadLimit,
    ) -> Result<Option<Offset>> {
        let mut state = self.state.lock().await;
        let start_number = self.known(start, state.newest)?;
        let next = start_number.map_or(0, |number| number + 1);
        let has_logged = state.newest.is_some_and(|newest| newest >= next);
        if has_logged && limit == ReadLimit::Configured {
            return Ok(Some(offset(next)));
        }
        let taken = self.take(&mut state, limit).await?;
        if !taken.is_empty() {
            return self.log(&mut state, taken).await.map(|number| Some(offset(number)));
        }
        let newest = state.newest.filter(|newest| *newest >= next);
        Ok(newest.map(offset).or_else(|| start.cloned()))
    }

    async fn freeze_end(&self) -> Result<()> {
        let mut state = self.state.lock().await;
        state.backlog = self.new_files(&mut state).await?;
        state.is_frozen = true;
        Ok(())
    }

    async fn plan(
        &self,
        start: Option<&Offset>,
        end: &Offset,
        parallelism: usize,
    ) -> Result<Vec<InputPartition>> {
        self.reading.counts.reset();
        let start = start.map(|start| self.number(start)).transpose()?;
        let files = self.files_between(start, self.number(end)?).await?;
        let partitions = split(files, parallelism, |file| self.reading.can_be_cut(file))
            .into_iter()
            .map(|partition| {
                let json = serde_json::to_value(&partition);
                json.map(InputPartition).map_err(|error| Error::internal(error.to_string()))
            });
        partitions.collect()
    }

    async fn read(
        &self,
        partition: &InputPartition,
        projection: Option<&[usize]>,
    ) -> Result<SendableRecordBatchStream> {
        let FilesPartition { files } = serde_json::from_value(partition.0.clone())
            .map_err(|_error| foreign(self, &partition.0))?;
        let all: Vec<usize> = (0..self.reading.schema.fields().len()).collect();
        self.reading.read(&files, projection.unwrap_or(&all))
    }

    fn named_parts(&self, partition: &InputPartition) -> Vec<(String, InputPartition)> {
        let files = FilesPartition::deserialize(&partition.0).map(|part| part.files);
        // A file in parts is named once and whole: its records count from its beginning.
        let begins = files.unwrap_or_default().into_iter().filter(FileToRead::has_beginning);
        let parts = begins.filter_map(|file| {
            let file = file.whole();
            let name = file.path.clone();
            let part = serde_json::to_value(FilesPartition { files: vec![file] }).ok()?;
            Some((name, InputPartition(part)))
        });
        parts.collect()
    }

    async fn commit(&self, end: &Offset) -> Result<()> {
        let done = self.number(end)?;
        let files = {
            let mut state = self.state.lock().await;
            let kept = state.entries.split_off(&(done + 1));
            let committed = std::mem::replace(&mut state.entries, kept).into_values().flatten();
            let (earlier, kept) = std::mem::take(&mut state.uncleaned)
                .into_iter()
                .partition(|entry: &FileEntry| entry.batch_id <= done);
            state.uncleaned = kept;
            committed.chain::<Vec<_>>(earlier).collect()
        };
        if let Some(cleaner) = &self.cleaner {
            cleaner.clean(files).await;
        }
        Ok(())
    }

    fn metrics(&self) -> BTreeMap<String, String> {
        let mut metrics = self.reading.metrics();
        let too_old = self.too_old.load(Ordering::Relaxed);
        if too_old > 0 {
            metrics.insert("filesTooOld".to_owned(), too_old.to_string());
        }
        metrics
    }
}
