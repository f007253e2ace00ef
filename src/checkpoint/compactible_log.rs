//! A log of entries by epoch that is compacted now and then.
//!
//! ```text
//! 7           v1, then one line of JSON for each entry of epoch 7
//! 8           ...
//! 9.compact   all entries of epochs 0 to 9
//! 10          the entries of epoch 10
//! ```
//!
//! Every `interval`-th epoch is a compaction. So is the first one after a gap in the epochs, and a
//! first one that is not 0. Therefore what is to be read, the newest compaction and all after it,
//! has no gaps, and a file that is missing there is a loss, never a guess.
//!
//! When a compaction is durable, what lies before the last one goes. The files between the two stay
//! for readers that began before.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use object_store::ObjectMeta;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::checkpoint::log_file;
use crate::connector::storage::Location;
use crate::error::{Error, Result};

/// How often a reader looks again when files went away under it.
const LOOKS: usize = 3;

/// A log of entries by epoch, every so many of which a file holds all entries so far.
///
/// Epochs are added in ascending order. A log and its clones keep what they read and wrote in
/// memory and do not look again; a log that is made anew sees what others added.
#[derive(Debug, Clone)]
pub struct CompactibleLog<T> {
    folder: Location,
    interval: u64,
    loaded: Arc<Mutex<Loaded<T>>>,
}

/// The kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The entries of one epoch.
    Single,
    /// All entries up to and including an epoch.
    Compact,
}

/// The files in the folder, by epoch.
type Files = BTreeMap<u64, Kind>;

/// The same with the length of each and when it was written, which tell it from one of its name
/// in a log that was begun anew.
type Stamps = BTreeMap<u64, (Kind, u64, i64)>;

/// What [`CompactibleLog::look`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// There is nothing, not even a log without entries.
    Nothing,
    /// What there was when it last looked.
    Same,
    /// Other entries than those before.
    Changed,
}

/// What is in memory: all that the log holds, when it `is_current`.
#[derive(Debug)]
struct Loaded<T> {
    is_current: bool,
    files: Files,
    /// The entries of all epochs, in order.
    entries: Vec<T>,
    /// How many of them there were after an epoch, as far as that is known.
    ends: BTreeMap<u64, usize>,
    /// The files as [`CompactibleLog::look`] saw them last.
    stamps: Stamps,
}

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync> CompactibleLog<T> {
    /// The log in this folder, with compaction every `interval` epochs. The interval may be
    /// another one than that the log was begun with.
    pub fn new(folder: Location, interval: u64) -> Self {
        Self { folder, interval: interval.max(1), loaded: Arc::default() }
    }

    /// Adds the entries of an epoch, durably; compacts when it is time.
    ///
    /// # Errors
    /// `AlreadyExists` when the epoch, or a later one, has entries; `Corrupt`; `Storage`.
    pub async fn add(&self, epoch: u64, entries: &[T]) -> Result<()> {
        self.add_and_keep(epoch, entries, &|_entry| true).await
    }

    /// The same, but a compaction takes over only those entries before that `keep` is true for.
    /// When some are dropped, [`between`](Self::between) can no longer tell older epochs apart.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub async fn add_and_keep(
        &self,
        epoch: u64,
        entries: &[T],
        keep: &(dyn Fn(&T) -> bool + Sync),
    ) -> Result<()> {
        self.load().await?;
        if self.loaded().next() != Some(epoch) {
            // What looks like a gap may have been filled by others.
            self.forget();
            self.load().await?;
        }
        let (kind, lines) = self.plan(epoch, entries, keep)?;
        let file = self.file(epoch, kind);
        let text = log_file::render(&lines, &file)?;
        if let Err(error) = log_file::create(&file, text).await {
            // The file may be there all the same, by somebody else's hand or by our own.
            self.forget();
            return Err(error);
        }
        for (epoch, kind) in self.note_added((epoch, kind), lines, entries.len()) {
            let file = self.file(epoch, kind);
            match log_file::remove(&file).await {
                Ok(()) => self.note_removed(epoch),
                // The entries are durable and nobody reads the file; the next compaction tries again.
                Err(error) => {
                    tracing::warn!(%error, "an old file of a log stays");
                    break;
                }
            }
        }
        Ok(())
    }

    /// All entries with their order kept, of all epochs.
    ///
    /// # Errors
    /// `Corrupt` naming the file; `Storage`.
    pub async fn all(&self) -> Result<Vec<T>> {
        self.load().await?;
        Ok(self.loaded().entries.clone())
    }

    /// Looks at the folder again, for a reader that follows what others add: afterwards
    /// [`all`](Self::all) gives what there is now. Of epochs that were added only theirs are read;
    /// when files went away, by a compaction or because the log was begun anew, everything is.
    ///
    /// Not to be called by two tasks at once.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub async fn look(&self) -> Result<Look> {
        for _look in 1..LOOKS {
            match self.catch_up().await {
                // A compaction since the listing may have removed what was to be read.
                Err(Error::Corrupt { .. }) => (),
                outcome => return outcome,
            }
        }
        self.catch_up().await
    }

    async fn catch_up(&self) -> Result<Look> {
        let listed = log_file::list(&self.folder).await?;
        if listed.objects.is_empty() && listed.common_prefixes.is_empty() {
            *self.loaded() = Loaded::default();
            return Ok(Look::Nothing);
        }
        let stamps = stamps(&listed.objects);
        let added = {
            let log = self.loaded();
            if log.is_current && log.stamps == stamps {
                return Ok(Look::Same);
            }
            log.added(&stamps)
        };
        let Some(added) = added else {
            let files = stamps.iter().map(|(epoch, (kind, ..))| (*epoch, *kind)).collect();
            let read = self.read_all(&files).await?;
            *self.loaded() = Loaded { stamps, ..read };
            return Ok(Look::Changed);
        };
        let mut read = vec![];
        for epoch in added {
            read.push((epoch, self.read_file(epoch, Kind::Single).await?));
        }
        let mut log = self.loaded();
        for (epoch, entries) in read {
            log.files.insert(epoch, Kind::Single);
            log.entries.extend(entries);
            let end = log.entries.len();
            log.ends.insert(epoch, end);
        }
        log.stamps = stamps;
        Ok(Look::Changed)
    }

    /// The newest epoch in the log.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn latest(&self) -> Result<Option<u64>> {
        {
            let log = self.loaded();
            if log.is_current {
                return Ok(log.newest());
            }
        }
        Ok(self.list().await?.last_key_value().map(|(epoch, _)| *epoch))
    }

    /// The entries of one epoch, if the log has it.
    ///
    /// # Errors
    /// As [`between`](Self::between): the epoch before is looked at too.
    pub async fn get(&self, epoch: u64) -> Result<Option<Vec<T>>> {
        if self.latest().await?.is_none_or(|newest| epoch > newest) {
            return Ok(None);
        }
        self.between(epoch.checked_sub(1), epoch).await.map(Some)
    }

    /// The entries of the epochs after `after` (of all when it is `None`) up to and including
    /// `until`.
    ///
    /// # Errors
    /// `Corrupt` for a file that is damaged or missing, and when the log has no file any more for
    /// `after` or `until`, so that its entries cannot be told from those of other epochs; `Storage`.
    pub async fn between(&self, after: Option<u64>, until: u64) -> Result<Vec<T>> {
        self.load().await?;
        let end = self.end_of(until).await?;
        let start = match after {
            Some(after) => self.end_of(after).await?,
            None => 0,
        };
        let between = self.loaded().entries.get(start.min(end)..end).map(<[T]>::to_vec);
        between.ok_or_else(|| {
            Error::corrupt(
                self.folder.given.as_str(),
                format!("a compaction after epoch {until} holds fewer entries than there were"),
            )
        })
    }

    /// How many entries there were after an epoch.
    async fn end_of(&self, epoch: u64) -> Result<usize> {
        let files = {
            let log = self.loaded();
            if let Some(end) = log.ends.get(&epoch) {
                return Ok(*end);
            }
            log.files.clone()
        };
        if !files.contains_key(&epoch) {
            return Err(self.missing(epoch, Kind::Single));
        }
        let end = self.read(&files, epoch).await?.entries.len();
        self.loaded().ends.insert(epoch, end);
        Ok(end)
    }

    /// Reads the log unless it is in memory.
    async fn load(&self) -> Result<()> {
        if self.loaded().is_current {
            return Ok(());
        }
        let mut files = self.list().await?;
        let mut read = self.read_all(&files).await;
        for _look in 1..LOOKS {
            // A compaction since the listing may have removed what was to be read.
            if !matches!(read, Err(Error::Corrupt { .. })) {
                break;
            }
            let now = self.list().await?;
            if now == files {
                break;
            }
            read = self.read_all(&now).await;
            files = now;
        }
        let read = read?;
        let mut loaded = self.loaded();
        // A clone may have been faster and may have added to what it read.
        if !loaded.is_current {
            *loaded = read;
        }
        Ok(())
    }

    async fn read_all(&self, files: &Files) -> Result<Loaded<T>> {
        match files.last_key_value() {
            Some((newest, _)) => self.read(files, *newest).await,
            None => Ok(Loaded { is_current: true, ..Loaded::default() }),
        }
    }

    /// Reads the entries of all epochs up to and including `until`: the newest compaction and the
    /// single files that follow it.
    async fn read(&self, files: &Files, until: u64) -> Result<Loaded<T>> {
        let mut log = Loaded { is_current: true, files: files.clone(), ..Loaded::default() };
        let compact = files.range(..=until).rfind(|(_, kind)| **kind == Kind::Compact);
        let first = compact.map_or(0, |(epoch, _)| *epoch);
        for epoch in first..=until {
            let Some(kind) = files.get(&epoch).copied() else {
                // Without a compaction to begin with it is the one before the next file that is lost.
                let next = files.range(epoch..).next().filter(|_| compact.is_none());
                let lost = next.map_or(epoch, |(next, _)| next - 1);
                return Err(self.missing(lost, self.kind_of(lost)));
            };
            log.entries.extend(self.read_file(epoch, kind).await?);
            log.ends.insert(epoch, log.entries.len());
        }
        Ok(log)
    }

    async fn read_file(&self, epoch: u64, kind: Kind) -> Result<Vec<T>> {
        let file = self.file(epoch, kind);
        match log_file::read(&file).await? {
            Some(text) => log_file::parse(&text, &file),
            None => Err(self.missing(epoch, kind)),
        }
    }

    async fn list(&self) -> Result<Files> {
        let mut files = Files::new();
        for name in log_file::names(&self.folder).await? {
            match named(&name) {
                Some((epoch, Kind::Compact)) => _ = files.insert(epoch, Kind::Compact),
                Some((epoch, Kind::Single)) => _ = files.entry(epoch).or_insert(Kind::Single),
                None => (),
            }
        }
        Ok(files)
    }

    fn file(&self, epoch: u64, kind: Kind) -> Location {
        match kind {
            Kind::Single => self.folder.child(&epoch.to_string()),
            Kind::Compact => self.folder.child(&format!("{epoch}.compact")),
        }
    }

    /// The kind of file that an epoch has in a log without gaps.
    const fn kind_of(&self, epoch: u64) -> Kind {
        if epoch % self.interval == self.interval - 1 { Kind::Compact } else { Kind::Single }
    }

    fn missing(&self, epoch: u64, kind: Kind) -> Error {
        Error::corrupt(
            self.file(epoch, kind).given,
            "it is missing or was compacted away, and its entries are needed",
        )
    }

    /// What is to be written for an epoch.
    fn plan(
        &self,
        epoch: u64,
        entries: &[T],
        keep: &(dyn Fn(&T) -> bool + Sync),
    ) -> Result<(Kind, Vec<T>)> {
        let log = self.loaded();
        if log.newest().is_some_and(|newest| epoch <= newest) {
            let kind = log.files.get(&epoch).copied().unwrap_or(Kind::Single);
            return Err(Error::AlreadyExists { path: self.file(epoch, kind).given });
        }
        if log.next() != Some(epoch) || self.kind_of(epoch) == Kind::Compact {
            let before = log.entries.iter().filter(|entry| keep(entry));
            return Ok((Kind::Compact, before.chain(entries).cloned().collect()));
        }
        Ok((Kind::Single, entries.to_vec()))
    }

    /// Takes what was written into memory; gives the files back that nobody needs any more.
    fn note_added(
        &self,
        (epoch, kind): (u64, Kind),
        lines: Vec<T>,
        added: usize,
    ) -> Vec<(u64, Kind)> {
        let mut log = self.loaded();
        if !log.is_current || log.newest().is_some_and(|newest| newest >= epoch) {
            // A clone was at work too, so what is in memory is not what lies in the folder.
            log.is_current = false;
            return vec![];
        }
        let last_compact = log.files.iter().rfind(|(_, kind)| **kind == Kind::Compact);
        let keep_from = match (kind, last_compact) {
            (Kind::Compact, Some((last, _))) => *last,
            _ => 0,
        };
        log.files.insert(epoch, kind);
        match kind {
            Kind::Single => log.entries.extend(lines),
            Kind::Compact => {
                if lines.len() < log.entries.len() + added {
                    log.ends.clear();
                }
                log.entries = lines;
            }
        }
        let end = log.entries.len();
        log.ends.insert(epoch, end);
        log.files.range(..keep_from).map(|(epoch, kind)| (*epoch, *kind)).collect()
    }

    fn note_removed(&self, epoch: u64) {
        let mut log = self.loaded();
        log.files.remove(&epoch);
        log.ends.remove(&epoch);
    }

    /// Makes the next use look at the folder again.
    fn forget(&self) {
        self.loaded().is_current = false;
    }

    fn loaded(&self) -> MutexGuard<'_, Loaded<T>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Loaded<T> {
    fn default() -> Self {
        let (files, ends, stamps) = (Files::new(), BTreeMap::new(), Stamps::new());
        Self { is_current: false, files, entries: vec![], ends, stamps }
    }
}

impl<T> Loaded<T> {
    fn newest(&self) -> Option<u64> {
        self.files.last_key_value().map(|(epoch, _)| *epoch)
    }

    /// The epochs that were added since the last look, when nothing else happened.
    fn added(&self, now: &Stamps) -> Option<Vec<u64>> {
        let newest = self.stamps.last_key_value().map(|(epoch, _)| *epoch)?;
        let is_there = |(epoch, stamp): (&u64, _)| now.get(epoch) == Some(stamp);
        let added = now.range(newest + 1..);
        let is_more = self.is_current
            && self.stamps.iter().all(is_there)
            && now.len() == self.stamps.len() + added.clone().count()
            && added.clone().all(|(_, (kind, ..))| *kind == Kind::Single)
            && (newest + 1..).zip(added.clone()).all(|(next, (epoch, _))| next == *epoch);
        is_more.then(|| added.map(|(epoch, _)| *epoch).collect())
    }

    /// The epoch that follows without a gap.
    fn next(&self) -> Option<u64> {
        self.newest().map_or(Some(0), |newest| newest.checked_add(1))
    }
}

/// What the name of a file stands for.
fn named(name: &str) -> Option<(u64, Kind)> {
    match name.strip_suffix(".compact") {
        Some(name) => log_file::epoch_of(name).map(|epoch| (epoch, Kind::Compact)),
        None => log_file::epoch_of(name).map(|epoch| (epoch, Kind::Single)),
    }
}

fn stamps(objects: &[ObjectMeta]) -> Stamps {
    let mut stamps = Stamps::new();
    for file in objects {
        let Some((epoch, kind)) = file.location.filename().and_then(named) else { continue };
        if kind == Kind::Compact || !stamps.contains_key(&epoch) {
            stamps.insert(epoch, (kind, file.size, file.last_modified.timestamp_micros()));
        }
    }
    stamps
}
