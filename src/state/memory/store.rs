//! The state store over a table in memory.
//!
//! The table of a partition has one home, which goes with it from version to version; a store is a
//! handle on it for one opening. A handle of an earlier opening finds that its turn is over.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arrow::array::{ArrayRef, RecordBatch};
use async_trait::async_trait;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};

use crate::checkpoint::commit_log::{StateCommit, StateFile};
use crate::checkpoint::id::{OperatorId, PartitionId, StateVersion};
use crate::checkpoint::key_group::KeyGroupSet;
use crate::connector::storage::Location;
use crate::error::{Error, Result};
use crate::event_time::timestamp::EventTime;
use crate::state::changelog::{Change, FileFormat};
use crate::state::file::{FileKind, FileName};
use crate::state::memory::table::Table;
use crate::state::schema::StateSchema;
use crate::state::snapshot::{self, SnapshotJob, Snapshots};
use crate::state::store::{Absent, Found, Keys, ScanCursor, StateMetrics, StateStore};

/// Where the table of one operator and partition lives.
#[derive(Debug)]
pub(in crate::state) struct Home {
    operator: OperatorId,
    partition: PartitionId,
    folder: Location,
    pool: Arc<dyn MemoryPool>,
    snapshots: Snapshots,
    openings: AtomicU64,
    live: Mutex<Option<Live>>,
}

/// A table at a version, and what is needed to make the next one durable.
#[derive(Debug)]
pub(in crate::state) struct Live {
    /// The rows.
    pub(in crate::state) table: Box<Table>,
    /// Their shape.
    pub(in crate::state) schema: StateSchema,
    /// The key groups of the partition.
    pub(in crate::state) groups: KeyGroupSet,
    /// The version that was opened; the table may be one ahead.
    pub(in crate::state) version: StateVersion,
    /// The files of that version.
    pub(in crate::state) chain: Vec<StateFile>,
    /// Whether these files are not of this partition alone, so that the next version has to be
    /// written whole.
    pub(in crate::state) shared_chain: bool,
    /// The next version, when it is written.
    pub(in crate::state) committed: Option<StateCommit>,
    /// Whether a change failed half way.
    pub(in crate::state) failed: bool,
    /// Counts changes and aborts, so that a commit notices those that come while it writes.
    pub(in crate::state) moves: u64,
    /// Which opening the table belongs to.
    pub(in crate::state) opening: u64,
    /// The handle of that opening.
    pub(in crate::state) store: Weak<MemoryStore>,
}

/// What a run asks for.
#[derive(Debug, Clone, Copy)]
pub(in crate::state) struct Opening<'a> {
    /// The version to open.
    pub(in crate::state) version: StateVersion,
    /// The number of the run.
    pub(in crate::state) run: u64,
    /// The key groups.
    pub(in crate::state) groups: KeyGroupSet,
    /// The shape of the rows.
    pub(in crate::state) schema: &'a StateSchema,
}

impl Home {
    /// A home without a table.
    pub(in crate::state) fn new(
        (operator, partition): (OperatorId, PartitionId),
        folder: Location,
        pool: Arc<dyn MemoryPool>,
        snapshots: Snapshots,
    ) -> Self {
        let (openings, live) = (AtomicU64::new(0), Mutex::new(None));
        Self { operator, partition, folder, pool, snapshots, openings, live }
    }

    /// The operator's folder.
    pub(in crate::state) const fn folder(&self) -> &Location {
        &self.folder
    }

    /// The partition.
    pub(in crate::state) const fn partition(&self) -> PartitionId {
        self.partition
    }

    /// The snapshots of the partition.
    pub(in crate::state) const fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    /// Memory for a table.
    pub(in crate::state) fn reservation(&self, what: &str) -> MemoryReservation {
        let name = format!("{what} of `{}` partition {}", self.operator, self.partition);
        MemoryConsumer::new(name).register(&self.pool)
    }

    /// Moves a table in.
    pub(in crate::state) fn install(&self, live: Live) {
        *self.lock() = Some(live);
    }

    /// Whether the table can be opened at a version without reading files.
    pub(in crate::state) fn holds(&self, version: StateVersion) -> bool {
        self.lock().as_ref().is_some_and(|live| live.reaches(version))
    }

    /// Opens the table at a version, when it holds it; a table that does not is moved out.
    pub(in crate::state) fn open(
        self: &Arc<Self>,
        opening: &Opening<'_>,
    ) -> Result<Option<Arc<MemoryStore>>> {
        let mut guard = self.lock();
        let Some(live) = guard.as_mut() else {
            return Ok(None);
        };
        if live.groups != opening.groups || !live.reaches(opening.version) {
            *guard = None;
            return Ok(None);
        }
        if live.schema != *opening.schema {
            let operator = &self.operator;
            return Err(Error::internal(format!("state of `{operator}` opened with two schemas")));
        }
        if live.version != opening.version {
            live.advance()?;
            self.snapshots.settle(&live.chain);
        } else if let (None, Some(store)) = (&live.committed, live.store.upgrade()) {
            return Ok(Some(store));
        } else {
            live.rollback();
        }
        live.opening = self.openings.fetch_add(1, Ordering::Relaxed) + 1;
        let store = Arc::new(MemoryStore {
            home: Arc::clone(self),
            opening: live.opening,
            version: opening.version,
            run: opening.run,
            last: Mutex::default(),
        });
        live.store = Arc::downgrade(&store);
        let due = self.snapshots.is_due(&live.chain) && !live.shared_chain;
        let job = due.then(|| self.snapshot_of(live, opening.run));
        drop(guard);
        if let Some(job) = job {
            self.snapshots.start(job);
        }
        Ok(Some(store))
    }

    fn snapshot_of(&self, live: &Live, run: u64) -> SnapshotJob {
        SnapshotJob {
            operator: self.folder.clone(),
            name: self.file(live.version, run, FileKind::Snapshot),
            chain: live.chain.clone(),
            schema: live.schema.clone(),
            reservation: self.reservation("snapshot of the state"),
        }
    }

    const fn file(&self, version: StateVersion, run: u64, kind: FileKind) -> FileName {
        FileName { partition: self.partition, version, run, kind }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn reaches(&self, version: StateVersion) -> bool {
        self.version == version || (self.committed.is_some() && self.version.next() == version)
    }

    fn advance(&mut self) -> Result<()> {
        self.table.begin()?;
        if let Some(committed) = self.committed.take() {
            self.version = self.version.next();
            self.chain = committed.files;
            self.shared_chain = false;
        }
        Ok(())
    }

    fn rollback(&mut self) {
        self.table.rollback();
        self.committed = None;
        self.failed = false;
        self.moves += 1;
    }

    fn change<T>(&mut self, work: impl FnOnce(&mut Table) -> Result<T>) -> Result<T> {
        if self.committed.is_some() {
            return Err(Error::internal("a state store was changed after its commit"));
        }
        self.check_whole()?;
        self.moves += 1;
        let done = work(&mut self.table);
        self.failed = done.is_err();
        done
    }

    fn check_whole(&self) -> Result<()> {
        if self.failed {
            return Err(Error::internal("a change of a state store failed and was not aborted"));
        }
        Ok(())
    }

    /// What the next version has to write.
    fn to_write(&self) -> Result<Write> {
        self.check_whole()?;
        if let Some(committed) = &self.committed {
            return Ok(Write::Nothing(Some(committed.clone())));
        }
        let format = FileFormat::new(&self.schema);
        if self.shared_chain {
            return Ok(Write::Image(snapshot::encode(&self.table, &format)?));
        }
        let changes = self.table.changes()?;
        Ok(match changes.is_empty() {
            true => Write::Nothing(None),
            false => Write::Changes(changes, format),
        })
    }

    fn metrics(&self) -> StateMetrics {
        let (rows_updated, rows_removed) = self.table.changed();
        let (rows, memory) = (self.table.rows(), self.table.memory());
        let (rows_total, memory_bytes) = (rows as u64, memory as u64);
        StateMetrics { rows_total, rows_updated, rows_removed, memory_bytes }
    }
}

/// What a commit writes.
enum Write {
    /// No file: nothing changed, or it is committed already.
    Nothing(Option<StateCommit>),
    /// The changes of the epoch.
    Changes(Vec<Change>, FileFormat),
    /// The bytes of a snapshot.
    Image(Vec<u8>),
}

/// One opening of a table.
#[derive(Debug)]
pub(in crate::state) struct MemoryStore {
    home: Arc<Home>,
    opening: u64,
    version: StateVersion,
    run: u64,
    /// The metrics at the commit, for who asks after the next version was opened.
    last: Mutex<StateMetrics>,
}

impl MemoryStore {
    fn with<T>(&self, work: impl FnOnce(&mut Live) -> Result<T>) -> Result<T> {
        match self.home.lock().as_mut() {
            Some(live) if live.opening == self.opening => work(live),
            _ => Err(Error::internal(format!(
                "version {} of the state of `{}` was used after another opening",
                self.version, self.home.operator
            ))),
        }
    }

    async fn write(&self, write: Write) -> Result<Option<StateFile>> {
        let (kind, bytes) = match write {
            Write::Nothing(_) => return Ok(None),
            Write::Changes(changes, format) => (FileKind::Delta, format.encode(&changes)?),
            Write::Image(bytes) => (FileKind::Snapshot, bytes),
        };
        let name = self.home.file(self.version.next(), self.run, kind);
        name.write(&self.home.folder, bytes).await.map(Some)
    }

    fn publish(&self, file: Option<StateFile>, moves: u64) -> Result<StateCommit> {
        self.with(|live| {
            if live.moves != moves {
                return Err(Error::internal("a state store was changed during its commit"));
            }
            let mut files = match live.shared_chain {
                true => vec![],
                false => self.home.snapshots.shorten(&live.chain),
            };
            files.extend(file);
            let partition = self.home.partition;
            let commit = StateCommit { partition, groups: live.groups, files };
            live.committed = Some(commit.clone());
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = live.metrics();
            Ok(commit)
        })
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    fn version(&self) -> StateVersion {
        self.version
    }

    fn locate(&self, keys: &Keys<'_>, absent: Absent) -> Result<Vec<u32>> {
        self.with(|live| match absent {
            Absent::Make => live.change(|table| table.locate(keys, absent)),
            // Without room for other keys nothing changes.
            Absent::Skip => live.table.locate(keys, absent),
        })
    }

    fn entries(&self) -> Result<usize> {
        self.with(|live| Ok(live.table.entries()))
    }

    fn keys(&self) -> Result<Vec<ArrayRef>> {
        self.with(|live| live.table.entry_keys())
    }

    fn read(&self, entries: &[u32]) -> Result<Found> {
        self.with(|live| live.table.read(entries))
    }

    fn write(&self, entries: &[u32], values: &[ArrayRef]) -> Result<()> {
        self.with(|live| live.change(|table| table.write(entries, values)))
    }

    fn remove(&self, entries: &[u32]) -> Result<()> {
        self.with(|live| live.change(|table| table.remove(entries)))
    }

    fn evict(&self, until: EventTime, batch_size: usize) -> Result<Option<RecordBatch>> {
        self.with(|live| live.change(|table| table.evict(until.as_micros(), batch_size)))
    }

    fn scan(&self, cursor: &mut ScanCursor, batch_size: usize) -> Result<Option<RecordBatch>> {
        self.with(|live| live.table.scan(cursor, batch_size))
    }

    async fn commit(&self) -> Result<StateCommit> {
        let (write, overdue, moves) = self.with(|live| {
            Ok((live.to_write()?, self.home.snapshots.is_overdue(&live.chain), live.moves))
        })?;
        if let Write::Nothing(Some(committed)) = write {
            return Ok(committed);
        }
        let file = self.write(write).await?;
        if overdue {
            self.home.snapshots.finish().await;
        }
        self.publish(file, moves)
    }

    fn abort(&self) {
        // An opening whose turn is over has nothing left to undo.
        let _over = self.with(|live| {
            live.rollback();
            live.store = Weak::new();
            Ok(())
        });
    }

    fn metrics(&self) -> StateMetrics {
        self.with(|live| Ok(live.metrics()))
            .unwrap_or_else(|_over| *self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
