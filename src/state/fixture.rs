//! A checkpoint in memory with stores in it, for the tests of this module.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use datafusion::execution::memory_pool::{MemoryPool, UnboundedMemoryPool};
use object_store::memory::InMemory;
use object_store::path::Path;

use crate::checkpoint::commit_log::{CommitEntry, StateCommit};
use crate::checkpoint::id::{OperatorId, PartitionId, StateVersion};
use crate::checkpoint::key_group::KeyGroupSet;
use crate::checkpoint::layout::Checkpoint;
use crate::connector::storage::Location;
use crate::error::Result;
use crate::state::conformance::{Harness, schema};
use crate::state::registry::{StateRegistry, StateRequest};
use crate::state::schema::StateSchema;
use crate::state::store::StateStore;

/// An empty folder in memory.
pub(super) fn location() -> Location {
    let (given, url) = ("memory:/ckpt".to_owned(), "memory:///ckpt".to_owned());
    Location { store: Arc::new(InMemory::new()), path: Path::from("ckpt"), given, url }
}

/// The operator of the stores under test.
pub(super) fn operator() -> OperatorId {
    OperatorId("agg".to_owned())
}

/// A checkpoint, its commit log, and the registry of the run.
#[derive(Debug)]
pub(super) struct Fixture {
    pub(super) checkpoint: Checkpoint,
    pub(super) schema: StateSchema,
    pub(super) min_deltas: usize,
    pub(super) pool: Arc<dyn MemoryPool>,
    log: Mutex<BTreeMap<u64, CommitEntry>>,
    run: Mutex<(u64, Arc<StateRegistry>)>,
}

impl Fixture {
    /// An empty checkpoint for stores of this schema.
    pub(super) fn new(schema: StateSchema, min_deltas: usize, pool: Arc<dyn MemoryPool>) -> Self {
        let checkpoint = Checkpoint::new(location());
        let registry = StateRegistry::new(checkpoint.clone(), min_deltas, Arc::clone(&pool));
        let run = Mutex::new((0, Arc::new(registry)));
        Self { checkpoint, schema, min_deltas, pool, log: Mutex::default(), run }
    }

    /// An empty checkpoint for stores of the conformance suite's schema.
    pub(super) fn plain(min_deltas: usize) -> Self {
        Self::new(schema(), min_deltas, Arc::new(UnboundedMemoryPool::default()))
    }

    /// Starts a new run, with nothing in memory.
    pub(super) fn restart(&self) {
        let (checkpoint, pool) = (self.checkpoint.clone(), Arc::clone(&self.pool));
        let registry = StateRegistry::new(checkpoint, self.min_deltas, pool);
        let mut run = self.run.lock().unwrap();
        *run = (run.0 + 1, Arc::new(registry));
    }

    pub(super) fn registry(&self) -> Arc<StateRegistry> {
        Arc::clone(&self.run.lock().unwrap().1)
    }

    pub(super) fn request(
        &self,
        partition: u32,
        groups: KeyGroupSet,
        version: u64,
    ) -> StateRequest {
        StateRequest {
            operator: operator(),
            partition: PartitionId(partition),
            groups,
            version: StateVersion(version),
            run: self.run.lock().unwrap().0,
            schema: self.schema.clone(),
        }
    }

    pub(super) async fn open_as(&self, request: &StateRequest) -> Result<Arc<dyn StateStore>> {
        let epoch = request.version.0.checked_sub(1);
        let entry = epoch.and_then(|epoch| self.log.lock().unwrap().get(&epoch).cloned());
        self.registry().open_with(request, async { Ok(entry) }).await
    }

    /// Notes partitions of a version in the commit log.
    pub(super) fn note(&self, version: u64, partitions: Vec<StateCommit>) {
        let entry = CommitEntry {
            state: BTreeMap::from([(operator(), partitions)]),
            ..CommitEntry::default()
        };
        self.log.lock().unwrap().insert(version - 1, entry);
    }

    /// Forgets the entries of versions after this one.
    pub(super) fn go_back_to(&self, version: u64) {
        self.log.lock().unwrap().retain(|epoch, _| *epoch < version);
    }

    pub(super) fn entries(&self) -> BTreeMap<u64, CommitEntry> {
        self.log.lock().unwrap().clone()
    }

    /// Commits a store and notes it.
    pub(super) async fn commit(&self, store: &dyn StateStore) -> StateCommit {
        let commit = store.commit().await.unwrap();
        self.note(store.version().next().0, vec![commit.clone()]);
        commit
    }
}

#[async_trait]
impl Harness for Fixture {
    async fn open(&self, version: u64) -> Result<Arc<dyn StateStore>> {
        self.open_as(&self.request(0, KeyGroupSet::ALL, version)).await
    }

    async fn record(&self, version: StateVersion, commit: StateCommit) -> Result<()> {
        self.note(version.0, vec![commit]);
        Ok(())
    }

    async fn forget(&self) {
        self.restart();
    }
}
