//! Finds the state store of an address, in memory or in the checkpoint.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use datafusion::execution::memory_pool::MemoryPool;
use tokio::sync::OnceCell;

use crate::checkpoint::commit_log::{CommitEntry, StateCommit};
use crate::checkpoint::id::{OperatorId, PartitionId, StateVersion};
use crate::checkpoint::key_group::KeyGroupSet;
use crate::checkpoint::layout::Checkpoint;
use crate::error::{Error, Result};
use crate::state::loader::{self, LoadPlan};
use crate::state::memory::store::{Home, Live, Opening};
use crate::state::memory::table::Table;
use crate::state::purge::{self, Named};
use crate::state::schema::StateSchema;
use crate::state::snapshot::Snapshots;
use crate::state::store::StateStore;

/// The state stores of one run of a query.
///
/// Dropping it stops the snapshots that are being made; [`finish_background`] waits for them.
///
/// [`finish_background`]: Self::finish_background
#[derive(Debug)]
pub struct StateRegistry {
    checkpoint: Checkpoint,
    min_deltas_for_snapshot: usize,
    pool: Arc<dyn MemoryPool>,
    residences: Mutex<HashMap<(OperatorId, PartitionId), Arc<Residence>>>,
    /// The number of the run plus one; 0 before the first opening.
    runs: AtomicU64,
    named: Mutex<Named>,
}

/// A home, and the turn of whoever moves a table into it.
#[derive(Debug)]
struct Residence {
    home: Arc<Home>,
    loading: Mutex<Option<Turn>>,
}

/// One load for all who wait for the same version.
type Turn = (StateVersion, Arc<OnceCell<()>>);

/// Which store is wanted, and what it has to hold.
#[derive(Debug, Clone)]
pub struct StateRequest {
    /// The operator.
    pub operator: OperatorId,
    /// The partition.
    pub partition: PartitionId,
    /// The key groups that the partition owns.
    pub groups: KeyGroupSet,
    /// The version to open; the next one is made.
    pub version: StateVersion,
    /// The number of the run, for the names of new files.
    pub run: u64,
    /// The shape of the rows.
    pub schema: StateSchema,
}

impl StateRegistry {
    /// A registry over a checkpoint. Stores take their memory from `pool` and gather
    /// `min_deltas_for_snapshot` changelogs before a snapshot is made of them.
    pub fn new(
        checkpoint: Checkpoint,
        min_deltas_for_snapshot: usize,
        pool: Arc<dyn MemoryPool>,
    ) -> Self {
        Self {
            checkpoint,
            min_deltas_for_snapshot,
            pool,
            residences: Mutex::default(),
            runs: AtomicU64::new(0),
            named: Mutex::default(),
        }
    }

    /// Opens a store at a version. Opening the same version again gives the same store until it
    /// is committed or aborted.
    ///
    /// A version that the table in memory has, or had before its last commit, is opened without
    /// reading a file. To open the version after the last commit says that this commit holds: it
    /// cannot be undone any more.
    ///
    /// # Errors
    /// `Corrupt` when a file of the version is damaged or missing, naming it; `Incompatible` when
    /// the checkpoint knows no such operator; `DataFusion` (resources exhausted) when the memory
    /// pool has no more; `Storage`.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect but that the version has to be loaded again.
    pub async fn open(&self, request: &StateRequest) -> Result<Arc<dyn StateStore>> {
        let log = self.checkpoint.commits();
        // Version 0 asks for no entry.
        self.open_with(request, log.get(request.version.0.saturating_sub(1))).await
    }

    /// Opens a store as [`open`](Self::open) does, with the commit log's entry for the epoch
    /// before from `entry`, which is awaited only when the version is not in memory.
    pub(super) async fn open_with(
        &self,
        request: &StateRequest,
        entry: impl Future<Output = Result<Option<CommitEntry>>> + Send,
    ) -> Result<Arc<dyn StateStore>> {
        self.runs.fetch_max(request.run.saturating_add(1), Ordering::Relaxed);
        let residence = self.residence(request);
        let home = &residence.home;
        let StateRequest { version, run, groups, schema, .. } = request;
        let opening = Opening { version: *version, run: *run, groups: *groups, schema };
        if let Some(store) = home.open(&opening)? {
            return Ok(store);
        }
        let turn = residence.turn(*version);
        turn.get_or_try_init(|| async {
            // Somebody may have had the turn between the look above and this one.
            if !home.holds(*version) {
                home.install(self.load(home, request, entry).await?);
            }
            Ok::<_, Error>(())
        })
        .await?;
        residence.end(&turn);
        match home.open(&opening)? {
            Some(store) => Ok(store),
            None => Err(Error::internal(format!(
                "the state of `{}` was opened at two versions at once, {version} and another",
                request.operator
            ))),
        }
    }

    /// Removes the files of versions that no entry of the commit log names any more.
    ///
    /// A file goes when no entry names it and none ever will: its version is not after the newest
    /// entry's, no newer run wrote it, and it is no snapshot that a commit of this run may still
    /// take. Files under other names stay. Before the first opening nothing is removed, since the
    /// number of the run is not known.
    ///
    /// # Errors
    /// `Storage`; `Corrupt` for a commit log that cannot be read.
    pub async fn purge(&self) -> Result<()> {
        let Some(run) = self.runs.load(Ordering::Relaxed).checked_sub(1) else {
            return Ok(());
        };
        let files = purge::list(&self.checkpoint).await?;
        // The order matters: what is no open snapshot any more is named by an entry read after.
        let open = self.open_snapshots();
        let mut named = std::mem::take(&mut *lock(&self.named));
        named.read(&self.checkpoint).await?;
        let gone = purge::select(&files, &named, run, &open);
        *lock(&self.named) = named;
        purge::delete(&self.checkpoint, gone).await
    }

    /// Waits until no snapshot is being made.
    ///
    /// # Cancel safety
    /// Dropping the future stops the snapshot that it waits for.
    pub async fn finish_background(&self) {
        for home in self.homes() {
            home.snapshots().finish().await;
        }
    }

    async fn load(
        &self,
        home: &Home,
        request: &StateRequest,
        entry: impl Future<Output = Result<Option<CommitEntry>>> + Send,
    ) -> Result<Live> {
        let schema = request.schema.clone();
        let table = Box::new(Table::try_new(&schema, home.reservation("state"))?);
        let mut live = Live {
            table,
            schema,
            groups: request.groups,
            version: request.version,
            chain: vec![],
            shared_chain: false,
            committed: None,
            failed: false,
            moves: 0,
            opening: 0,
            store: Weak::new(),
        };
        let Some(epoch) = request.version.0.checked_sub(1) else {
            return Ok(live);
        };
        let recorded = self.recorded(request, epoch, entry.await?)?;
        let plan = loader::plan(&recorded, &request.groups)
            .map_err(|reason| Error::corrupt(self.entry_path(epoch), reason))?;
        let (schema, folder) = (&request.schema, home.folder());
        match plan {
            LoadPlan::Own(files) => {
                live.chain = files.to_vec();
                live.table = loader::load(live.table, schema, folder, files.iter(), None).await?;
            }
            LoadPlan::Share(files) => {
                live.shared_chain = true;
                let (files, groups) = (files.into_iter(), Some(request.groups));
                live.table = loader::load(live.table, schema, folder, files, groups).await?;
            }
        }
        Ok(live)
    }

    fn recorded(
        &self,
        request: &StateRequest,
        epoch: u64,
        entry: Option<CommitEntry>,
    ) -> Result<Vec<StateCommit>> {
        let Some(mut entry) = entry else {
            let reason = format!("it is missing; it names version {} of the state", epoch + 1);
            return Err(Error::corrupt(self.entry_path(epoch), reason));
        };
        entry.state.remove(&request.operator).ok_or_else(|| Error::Incompatible {
            location: self.checkpoint.location().given.clone(),
            reason: format!(
                "epoch {epoch} kept no state for the operator `{}`; a query cannot gain a \
                 stateful operator, start it with a new checkpoint",
                request.operator
            ),
        })
    }

    fn entry_path(&self, epoch: u64) -> String {
        self.checkpoint.location().child("commits").child(&epoch.to_string()).given
    }

    fn residence(&self, request: &StateRequest) -> Arc<Residence> {
        let address = (request.operator.clone(), request.partition);
        let mut residences = lock(&self.residences);
        let residence = residences.entry(address).or_insert_with_key(|address| {
            let home = Home::new(
                address.clone(),
                self.checkpoint.state(&address.0),
                Arc::clone(&self.pool),
                Snapshots::new(self.min_deltas_for_snapshot),
            );
            Arc::new(Residence { home: Arc::new(home), loading: Mutex::default() })
        });
        Arc::clone(residence)
    }

    fn homes(&self) -> Vec<Arc<Home>> {
        lock(&self.residences).values().map(|residence| Arc::clone(&residence.home)).collect()
    }

    pub(super) fn open_snapshots(&self) -> Vec<purge::OpenSnapshot> {
        let open = self.homes().into_iter().filter_map(|home| {
            let version = home.snapshots().unnamed()?;
            Some((home.folder().child(&home.partition().to_string()).path, version))
        });
        open.collect()
    }
}

impl Drop for StateRegistry {
    fn drop(&mut self) {
        for home in self.homes() {
            home.snapshots().cancel();
        }
    }
}

impl Residence {
    fn turn(&self, version: StateVersion) -> Arc<OnceCell<()>> {
        let mut loading = lock(&self.loading);
        match &*loading {
            Some((loads, turn)) if *loads == version => Arc::clone(turn),
            _ => {
                let turn = Arc::default();
                *loading = Some((version, Arc::clone(&turn)));
                turn
            }
        }
    }

    fn end(&self, ended: &Arc<OnceCell<()>>) {
        let mut loading = lock(&self.loading);
        if loading.as_ref().is_some_and(|(_, turn)| Arc::ptr_eq(turn, ended)) {
            *loading = None;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
