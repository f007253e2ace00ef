//! Snapshots: many changelogs become one file, beside the running query.
//!
//! ```text
//! chain of version 12:  10.snapshot  11.delta  12.delta      a task reads these files and writes
//! written:              12.snapshot                          <- not named by anything yet
//! chain of version 14:  10.snapshot  11.delta  12.delta  13.delta  14.delta
//! the commit of 15:     12.snapshot  13.delta  14.delta  15.delta
//! ```
//!
//! One is due when there are enough changelogs and they have grown as large as the snapshot before
//! them. So each row is written again a constant number of times for each time that it changed, and
//! a state that hardly changes is hardly written.
//!
//! It is made from the files that a commit names, never from the table that the query is changing.
//! The first commit whose chain begins with these files uses it. When it fails, the chain is what
//! it was; another is tried when as many changelogs again have come, so that a snapshot that
//! cannot be made (no memory for it, say) does not cost every epoch a reading of the whole state.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::execution::memory_pool::MemoryReservation;

use crate::checkpoint::commit_log::StateFile;
use crate::checkpoint::id::StateVersion;
use crate::connector::storage::Location;
use crate::error::Result;
use crate::runtime::task::{self, Task};
use crate::state::changelog::{Change, FileEncoder, FileFormat};
use crate::state::file::FileName;
use crate::state::loader;
use crate::state::memory::table::Table;
use crate::state::schema::StateSchema;
use crate::state::store::ScanCursor;

/// Rows in a batch of a snapshot.
const BATCH_ROWS: usize = 8192;

/// Changelogs may come to so many times what a snapshot is due at, while one is made; then a commit
/// waits for it. A query that runs for one epoch at a time would never use one.
const OVERDUE: usize = 3;

/// A chain has at most so many times the changelogs that a snapshot is made of, however small they
/// are: every commit names the whole chain.
const MOST: usize = 10;

/// The snapshots of one partition: at most one is made or waits to be used.
#[derive(Debug)]
pub(super) struct Snapshots {
    min_deltas: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    task: Option<Task<()>>,
    running: Option<StateVersion>,
    ready: Option<Ready>,
    /// After a failure, the changelogs that were there.
    failed_at: usize,
}

#[derive(Debug)]
struct Ready {
    version: StateVersion,
    replaces: Vec<StateFile>,
    file: StateFile,
}

/// What a snapshot is made of.
#[derive(Debug)]
pub(super) struct SnapshotJob {
    /// The operator's folder.
    pub(super) operator: Location,
    /// The file to write.
    pub(super) name: FileName,
    /// The files of the version.
    pub(super) chain: Vec<StateFile>,
    /// The shape of the rows.
    pub(super) schema: StateSchema,
    /// Where the memory comes from.
    pub(super) reservation: MemoryReservation,
}

impl Snapshots {
    /// No snapshots yet; one is made of `min_deltas` changelogs.
    pub(super) fn new(min_deltas: usize) -> Self {
        Self { min_deltas: min_deltas.max(1), state: Arc::default() }
    }

    /// Whether it is time for a snapshot of this chain.
    pub(super) fn is_due(&self, chain: &[StateFile]) -> bool {
        let state = lock(&self.state);
        let enough = state.failed_at.saturating_add(self.min_deltas);
        state.running.is_none()
            && state.ready.is_none()
            && deltas(chain) >= enough
            && self.has_grown(chain, 1)
    }

    /// Whether a commit should wait for the snapshot that is made, if there is one.
    pub(super) fn is_overdue(&self, chain: &[StateFile]) -> bool {
        deltas(chain) >= self.min_deltas.saturating_mul(OVERDUE) && self.has_grown(chain, OVERDUE)
    }

    /// Whether the changelogs of a chain are so many `times` as large as its snapshot, or so many
    /// that each commit would be a burden to read.
    fn has_grown(&self, chain: &[StateFile], times: usize) -> bool {
        let bytes = |is_snapshot: bool| {
            let files = chain.iter().filter(|file| FileName::is_snapshot(file) == is_snapshot);
            files.map(|file| file.length).sum::<u64>()
        };
        bytes(false) >= bytes(true).saturating_mul(times as u64)
            || deltas(chain) >= self.min_deltas.saturating_mul(MOST * times)
    }

    /// Begins to make a snapshot, unless one is made or waits to be used.
    pub(super) fn start(&self, job: SnapshotJob) {
        let shared = Arc::clone(&self.state);
        let mut state = lock(&self.state);
        if state.running.is_some() || state.ready.is_some() {
            return;
        }
        state.running = Some(job.name.version);
        state.task = Some(task::spawn(async move {
            let running = Running(shared);
            let (version, replaces, name) = (job.name.version, job.chain.clone(), job.name);
            match make(job).await {
                Ok(file) => {
                    let mut state = lock(&running.0);
                    state.ready = Some(Ready { version, replaces, file });
                    state.failed_at = 0;
                }
                Err(error) => {
                    lock(&running.0).failed_at = deltas(&replaces);
                    tracing::warn!(%error, ?name, "no snapshot of the state was made");
                }
            }
        }));
    }

    /// Waits until no snapshot is being made.
    pub(super) async fn finish(&self) {
        loop {
            let task = lock(&self.state).task.take();
            let Some(task) = task else {
                return;
            };
            if let Err(error) = task.await {
                tracing::warn!(%error, "no snapshot of the state was made");
            }
        }
    }

    /// Stops to make a snapshot.
    pub(super) fn cancel(&self) {
        // The lock is free again when the task is dropped.
        let task = lock(&self.state).task.take();
        drop(task);
    }

    /// The chain with the snapshot in place of what it was made of.
    pub(super) fn shorten(&self, chain: &[StateFile]) -> Vec<StateFile> {
        let state = lock(&self.state);
        let rest = state.ready.as_ref().and_then(|ready| {
            chain.strip_prefix(ready.replaces.as_slice()).map(|rest| (ready.file.clone(), rest))
        });
        match rest {
            Some((snapshot, rest)) => [&[snapshot], rest].concat(),
            None => chain.to_vec(),
        }
    }

    /// Forgets the snapshot when this chain, which is committed, has it or cannot take it.
    pub(super) fn settle(&self, chain: &[StateFile]) {
        let mut state = lock(&self.state);
        if state.ready.as_ref().is_some_and(|ready| !chain.starts_with(&ready.replaces)) {
            state.ready = None;
        }
    }

    /// The version of a snapshot whose file may be there without a commit that names it.
    pub(super) fn unnamed(&self) -> Option<StateVersion> {
        let state = lock(&self.state);
        state.running.or_else(|| state.ready.as_ref().map(|ready| ready.version))
    }
}

/// The bytes of a snapshot file with all rows of a partition.
pub(super) fn encode(table: &Table, format: &FileFormat) -> Result<Vec<u8>> {
    let mut encoder = FileEncoder::try_new(format)?;
    let mut cursor = ScanCursor::default();
    while let Some(chunk) = table.scan_groups(&mut cursor, BATCH_ROWS)? {
        let (keys, values) = chunk.batch.columns().split_at(format.keys());
        let change =
            Change { keys: keys.to_vec(), values: Some(values.to_vec()), groups: chunk.groups };
        encoder.write(&format.batch(&change)?)?;
    }
    encoder.finish()
}

/// Marks the end of a task, whichever way it ends.
struct Running(Arc<Mutex<State>>);

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.0).running = None;
    }
}

async fn make(job: SnapshotJob) -> Result<StateFile> {
    let SnapshotJob { operator, name, chain, schema, reservation } = job;
    let table = Box::new(Table::try_new(&schema, reservation)?);
    let table = loader::load(table, &schema, &operator, chain.iter(), None).await?;
    let format = FileFormat::new(&schema);
    let bytes = task::block(move || encode(&table, &format)).await?;
    name.write(&operator, bytes).await
}

fn deltas(chain: &[StateFile]) -> usize {
    chain.iter().filter(|file| !FileName::is_snapshot(file)).count()
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
