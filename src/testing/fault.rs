//! Storage that fails when a test wants it to.
//!
//! Every write of every store that a [`FaultyStorage`] opens passes one [`Faults`], which numbers
//! it, records it and may fail it. So a test can run a query once to count its writes, and then
//! once for each write and each [`FaultMode`], and see that a restart repairs what was cut short:
//!
//! ```
//! use std::sync::Arc;
//!
//! use millstream::checkpoint::{LocalStorage, MetadataLog};
//! use millstream::connector::storage::Storage;
//! use millstream::testing::fault::{FaultMode, Faults, FaultyStorage};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let faults = Faults::new();
//! let storage = FaultyStorage::new(Arc::new(LocalStorage::new()), faults.clone());
//! let location = storage.open(&folder.path().join("log").to_string_lossy())?;
//!
//! // The second write takes place, and then the process "dies".
//! faults.arm(1, FaultMode::DieAfter);
//! let log = MetadataLog::<String>::new(location.clone());
//! log.add(0, &"first".to_owned()).await?;
//! assert!(log.add(1, &"second".to_owned()).await.is_err());
//! assert!(log.get(0).await.is_ok(), "what is in memory needs no storage");
//! assert!(log.epochs().await.is_err(), "nothing is reached any more");
//!
//! // The next process finds what was written.
//! faults.revive();
//! let log = MetadataLog::<String>::new(location);
//! assert_eq!(log.epochs().await?, [0, 1]);
//! assert_eq!(faults.writes()[1].path, "1");
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, Result as StoreResult, UploadPart,
};

use crate::connector::storage::{Location, Storage};
use crate::error::Result;

/// What an armed [`Faults`] does to the write it is armed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultMode {
    /// The write fails, and nothing is written.
    FailBefore,
    /// The write takes place, but is reported as failed.
    FailAfter,
    /// Nothing is written, and from here on everything fails until [`Faults::revive`].
    DieBefore,
    /// The write takes place, and from here on everything fails until [`Faults::revive`].
    DieAfter,
}

impl FaultMode {
    /// Every mode, to loop over.
    pub const ALL: [Self; 4] = [Self::FailBefore, Self::FailAfter, Self::DieBefore, Self::DieAfter];

    const fn is_before(self) -> bool {
        matches!(self, Self::FailBefore | Self::DieBefore)
    }

    const fn is_deadly(self) -> bool {
        matches!(self, Self::DieBefore | Self::DieAfter)
    }
}

/// What a write does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriteKind {
    /// Puts a file at once.
    Put,
    /// Ends an upload in parts, by which the file appears. Its parts do not count as writes.
    Complete,
    /// Copies a file; the path is that of the copy.
    Copy,
    /// Renames a file; the path is the new one.
    Rename,
    /// Deletes a file.
    Delete,
}

/// One write that was asked for, whether it took place or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Write {
    /// The location that was opened, as it was given.
    pub location: String,
    /// The path of the file below that location; the whole path for a file elsewhere.
    pub path: String,
    /// What was to be done.
    pub kind: WriteKind,
}

/// The source of every error that a fault makes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InjectedFault {
    /// The write that a fault was armed for.
    #[error("injected fault at write {number}, {write:?}")]
    AtWrite {
        /// Its number.
        number: usize,
        /// The write.
        write: Write,
    },
    /// Whatever was tried after a deadly fault.
    #[error("the storage cannot be reached after an injected death")]
    Dead,
}

impl From<InjectedFault> for StoreError {
    fn from(fault: InjectedFault) -> Self {
        Self::Generic { store: "faulty storage", source: fault.into() }
    }
}

/// The write that a fault is armed for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Number(usize),
    Path(String),
}

impl Target {
    fn is(&self, number: usize, write: &Write) -> bool {
        match self {
            Self::Number(armed) => *armed == number,
            Self::Path(part) => {
                write.path.contains(part.as_str()) && write.kind != WriteKind::Delete
            }
        }
    }
}

/// Decides which writes fail, and remembers all of them. Clones share everything.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    writes: Vec<Write>,
    armed: Option<(Target, FaultMode)>,
    is_dead: bool,
}

impl Faults {
    /// No fault: writes are recorded only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Arms one fault for the write with this number, counted from 0 since the start or the last
    /// [`clear`](Self::clear): its place in [`writes`](Self::writes). Replaces an earlier one.
    pub fn arm(&self, number: usize, mode: FaultMode) {
        self.lock().armed = Some((Target::Number(number), mode));
    }

    /// Arms one fault for the next write, deletions aside, of a file whose path holds `part`.
    /// Replaces an earlier one.
    pub fn arm_path(&self, part: impl Into<String>, mode: FaultMode) {
        self.lock().armed = Some((Target::Path(part.into()), mode));
    }

    /// Takes an armed fault back that did not come to pass.
    pub fn disarm(&self) {
        self.lock().armed = None;
    }

    /// Makes everything work again after a deadly fault, as a new process would find it.
    pub fn revive(&self) {
        self.lock().is_dead = false;
    }

    /// Whether a deadly fault came to pass.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.lock().is_dead
    }

    /// All writes so far, in the order in which they began, failed ones too. Those after a death
    /// are not among them.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        self.lock().writes.clone()
    }

    /// How many writes there were so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().writes.len()
    }

    /// Forgets all writes; the next one has the number 0.
    pub fn clear(&self) {
        self.lock().writes.clear();
    }

    /// Whether the storage can be reached.
    fn alive(&self) -> StoreResult<()> {
        if self.is_dead() { Err(InjectedFault::Dead.into()) } else { Ok(()) }
    }

    /// Lets a write happen, or not.
    async fn pass<T>(
        &self,
        write: Write,
        work: impl Future<Output = StoreResult<T>> + Send,
    ) -> StoreResult<T> {
        let Some((fault, mode)) = self.begin(write)? else { return work.await };
        if mode.is_before() {
            self.die_if(mode.is_deadly());
            return Err(fault.into());
        }
        let done = work.await;
        self.die_if(mode.is_deadly());
        done.and_then(|_done| Err(fault.into()))
    }

    /// Records a write; gives the fault that was armed for it.
    fn begin(&self, write: Write) -> StoreResult<Option<(InjectedFault, FaultMode)>> {
        self.alive()?;
        let mut inner = self.lock();
        let number = inner.writes.len();
        inner.writes.push(write.clone());
        let hit = inner.armed.take_if(|(armed, _)| armed.is(number, &write));
        Ok(hit.map(|(_, mode)| (InjectedFault::AtWrite { number, write }, mode)))
    }

    fn die_if(&self, is_deadly: bool) {
        self.lock().is_dead |= is_deadly;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens what another storage opens, with [`Faults`] in between.
#[derive(Debug, Clone)]
pub struct FaultyStorage {
    inner: Arc<dyn Storage>,
    faults: Faults,
}

impl FaultyStorage {
    /// Puts `faults` between `inner` and its users.
    pub fn new(inner: Arc<dyn Storage>, faults: Faults) -> Self {
        Self { inner, faults }
    }

    /// The faults, to arm them.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl Storage for FaultyStorage {
    fn open(&self, location: &str) -> Result<Location> {
        let opened = self.inner.open(location)?;
        let gate = Gate {
            faults: self.faults.clone(),
            location: location.to_owned(),
            base: opened.path.clone(),
        };
        Ok(Location { store: Arc::new(FaultyStore { inner: opened.store, gate }), ..opened })
    }

    fn has_folder(&self, location: &Location) -> bool {
        self.inner.has_folder(location)
    }
}

/// What the stores of one opened location ask before they write.
#[derive(Debug, Clone)]
struct Gate {
    faults: Faults,
    location: String,
    base: Path,
}

impl Gate {
    async fn write<T>(
        &self,
        kind: WriteKind,
        path: &Path,
        work: impl Future<Output = StoreResult<T>> + Send,
    ) -> StoreResult<T> {
        let below = path.prefix_match(&self.base);
        let path = match below {
            Some(parts) => parts.collect::<Path>().to_string(),
            None => path.to_string(),
        };
        self.faults.pass(Write { location: self.location.clone(), path, kind }, work).await
    }
}

#[derive(Debug)]
struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    gate: Gate,
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyStore({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> StoreResult<PutResult> {
        let work = self.inner.put_opts(location, payload, options);
        self.gate.write(WriteKind::Put, location, work).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        self.gate.faults.alive()?;
        let inner = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(FaultyUpload { inner, gate: self.gate.clone(), path: location.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.gate.faults.alive()?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> StoreResult<Vec<Bytes>> {
        self.gate.faults.alive()?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, StoreResult<Path>>,
    ) -> BoxStream<'static, StoreResult<Path>> {
        let (inner, gate) = (Arc::clone(&self.inner), self.gate.clone());
        let delete = move |location: StoreResult<Path>| {
            let (inner, gate) = (Arc::clone(&inner), gate.clone());
            async move {
                let location = location?;
                gate.write(WriteKind::Delete, &location, inner.delete(&location)).await?;
                Ok(location)
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        match self.gate.faults.alive() {
            Ok(()) => self.inner.list(prefix),
            Err(dead) => stream::iter([Err(dead)]).boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        match self.gate.faults.alive() {
            Ok(()) => self.inner.list_with_offset(prefix, offset),
            Err(dead) => stream::iter([Err(dead)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.gate.faults.alive()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        let work = self.inner.copy_opts(from, to, options);
        self.gate.write(WriteKind::Copy, to, work).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> StoreResult<()> {
        let work = self.inner.rename_opts(from, to, options);
        self.gate.write(WriteKind::Rename, to, work).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    gate: Gate,
    path: Path,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, payload: PutPayload) -> UploadPart {
        match self.gate.faults.alive() {
            Ok(()) => self.inner.put_part(payload),
            Err(dead) => std::future::ready(Err(dead)).boxed(),
        }
    }

    async fn complete(&mut self) -> StoreResult<PutResult> {
        let work = self.inner.complete();
        self.gate.write(WriteKind::Complete, &self.path, work).await
    }

    async fn abort(&mut self) -> StoreResult<()> {
        self.gate.faults.alive()?;
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::checkpoint::storage::LocalStorage;

    fn open(dir: &TempDir) -> (Faults, Location) {
        let faults = Faults::new();
        let storage = FaultyStorage::new(Arc::new(LocalStorage::new()), faults.clone());
        (faults, storage.open(dir.path().to_str().unwrap()).unwrap())
    }

    async fn put(folder: &Location, name: &str) -> StoreResult<()> {
        let file = folder.child(name);
        file.store.put(&file.path, "x".into()).await.map(|_put| ())
    }

    fn names(dir: &TempDir) -> Vec<String> {
        let entries = std::fs::read_dir(dir.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn writes_are_recorded_in_order_with_their_kinds() {
        let dir = tempfile::tempdir().unwrap();
        let (faults, folder) = open(&dir);
        put(&folder, "a b").await.unwrap();
        let (a, b, c) = (folder.child("a b").path, folder.child("b").path, folder.child("c").path);
        folder.store.copy(&a, &b).await.unwrap();
        folder.store.rename(&b, &c).await.unwrap();
        let below = folder.child("d").child("e").path;
        let mut upload = folder.store.put_multipart(&below).await.unwrap();
        upload.put_part("x".into()).await.unwrap();
        assert_eq!(faults.count(), 3);
        upload.complete().await.unwrap();
        folder.store.delete(&c).await.unwrap();
        let writes: Vec<_> = faults.writes().into_iter().map(|w| (w.kind, w.path)).collect();
        let expected = [
            (WriteKind::Put, "a b"),
            (WriteKind::Copy, "b"),
            (WriteKind::Rename, "c"),
            (WriteKind::Complete, "d/e"),
            (WriteKind::Delete, "c"),
        ];
        assert_eq!(writes, expected.map(|(kind, path)| (kind, path.to_owned())));
    }

    #[tokio::test]
    async fn a_failure_hits_one_write_before_or_after() {
        for (mode, expected) in
            [(FaultMode::FailBefore, vec!["0", "2"]), (FaultMode::FailAfter, vec!["0", "1", "2"])]
        {
            let dir = tempfile::tempdir().unwrap();
            let (faults, folder) = open(&dir);
            faults.arm(1, mode);
            put(&folder, "0").await.unwrap();
            let error = put(&folder, "1").await.unwrap_err();
            assert!(error.to_string().contains("injected fault at write 1"), "{error}");
            put(&folder, "2").await.unwrap();
            assert!(!faults.is_dead());
            assert_eq!(names(&dir), expected);
        }
    }

    #[tokio::test]
    async fn after_a_death_nothing_works_until_the_revival() {
        for (mode, expected) in
            [(FaultMode::DieBefore, vec!["2"]), (FaultMode::DieAfter, vec!["0", "2"])]
        {
            let dir = tempfile::tempdir().unwrap();
            let (faults, folder) = open(&dir);
            faults.arm(0, mode);
            let path = folder.child("0").path;
            let mut upload = folder.store.put_multipart(&folder.child("u").path).await.unwrap();
            assert!(put(&folder, "0").await.is_err());
            assert!(put(&folder, "1").await.is_err());
            assert!(folder.store.get(&path).await.is_err());
            assert!(folder.store.delete(&path).await.is_err());
            assert!(folder.store.list(Some(&folder.path)).next().await.unwrap().is_err());
            assert!(folder.store.list_with_delimiter(None).await.is_err());
            assert!(upload.put_part("x".into()).await.is_err());
            assert!(upload.complete().await.is_err());
            assert_eq!(faults.count(), 1);
            drop(upload);
            faults.revive();
            put(&folder, "2").await.unwrap();
            assert_eq!(names(&dir), expected);
        }
    }

    #[tokio::test]
    async fn a_fault_can_wait_for_a_path() {
        let dir = tempfile::tempdir().unwrap();
        let (faults, folder) = open(&dir);
        faults.arm_path("b", FaultMode::FailBefore);
        put(&folder, "a").await.unwrap();
        put(&folder, "b").await.unwrap_err();
        put(&folder, "b").await.unwrap();
    }

    #[tokio::test]
    async fn a_fault_can_be_taken_back_and_the_count_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (faults, folder) = open(&dir);
        faults.arm(0, FaultMode::FailBefore);
        faults.disarm();
        put(&folder, "0").await.unwrap();
        faults.clear();
        faults.arm(0, FaultMode::FailBefore);
        put(&folder, "1").await.unwrap_err();
    }
}
