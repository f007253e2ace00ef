//! Whatever is done to a store, it says what a sorted map says.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow::row::{RowConverter, SortField};
use proptest::prelude::*;

use crate::checkpoint::key_group::{KEY_GROUPS, key_group};
use crate::state::conformance::{Key, evict, get, keys, put, remove, rows, rows_of, schema};
use crate::state::fixture::Fixture;
use crate::state::store::StateStore;

#[derive(Debug, Clone)]
enum Op {
    Put(Vec<(Key, i64)>),
    Remove(Vec<Key>),
    Evict(i64),
    Commit,
    Abort,
    /// The stores commit, the sink fails, the epoch is done again.
    FailSink,
    Crash,
    /// A crash, and other partitions after it.
    Repartition(u32),
    /// A crash, and the last version is gone back on.
    GoBack,
    FinishSnapshots,
}

fn key() -> impl Strategy<Value = Key> {
    (0..12_i64, prop_oneof![Just(None), (0..6_i64).prop_map(Some)])
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => prop::collection::vec((key(), any::<i64>()), 0..12).prop_map(Op::Put),
        3 => prop::collection::vec(key(), 0..6).prop_map(Op::Remove),
        2 => (0..6_i64).prop_map(Op::Evict),
        5 => Just(Op::Commit),
        1 => Just(Op::Abort),
        1 => Just(Op::FailSink),
        1 => Just(Op::Crash),
        1 => (1..5_u32).prop_map(Op::Repartition),
        1 => Just(Op::GoBack),
        1 => Just(Op::FinishSnapshots),
    ]
}

/// The partitions of one operator, and what they should hold.
struct Run {
    fixture: Fixture,
    partitions: u32,
    stores: Vec<Arc<dyn StateStore>>,
    /// What each version holds; the last is the one that is open.
    versions: Vec<BTreeMap<Key, i64>>,
    model: BTreeMap<Key, i64>,
}

impl Run {
    async fn start() -> Self {
        let (fixture, model) = (Fixture::plain(2), BTreeMap::new());
        let versions = vec![BTreeMap::new()];
        let mut run = Self { fixture, partitions: 2, stores: vec![], versions, model };
        run.open().await;
        run
    }

    async fn open(&mut self) {
        let version = self.versions.len() as u64 - 1;
        self.stores.clear();
        for partition in 0..self.partitions {
            let groups = (0..KEY_GROUPS).map(|group| group as u8);
            let groups = groups.filter(|g| u32::from(*g) % self.partitions == partition).collect();
            let request = self.fixture.request(partition, groups, version);
            self.stores.push(self.fixture.open_as(&request).await.unwrap());
        }
        self.model = self.versions[version as usize].clone();
    }

    fn partition_of(&self, key: &Key) -> usize {
        let types = |schema: &Schema| {
            schema.fields().iter().map(|f| SortField::new(f.data_type().clone())).collect()
        };
        let converter = RowConverter::new(types(&schema().key)).unwrap();
        let rows = converter.convert_columns(&keys(&[*key])).unwrap();
        (u32::from(key_group(rows.row(0).data())) % self.partitions) as usize
    }

    async fn commit(&self) -> Vec<crate::checkpoint::commit_log::StateCommit> {
        let mut commits = vec![];
        for store in &self.stores {
            commits.push(store.commit().await.unwrap());
        }
        commits
    }

    async fn apply(&mut self, op: Op) {
        match op {
            Op::Put(changed) => {
                for (partition, store) in self.stores.iter().enumerate() {
                    let mine =
                        changed.iter().filter(|(key, _)| self.partition_of(key) == partition);
                    put(&**store, &mine.copied().collect::<Vec<_>>()).unwrap();
                }
                self.model.extend(changed);
            }
            Op::Remove(removed) => {
                for (partition, store) in self.stores.iter().enumerate() {
                    let mine = removed.iter().filter(|key| self.partition_of(key) == partition);
                    remove(&**store, &keys(&mine.copied().collect::<Vec<_>>())).unwrap();
                }
                self.model.retain(|key, _| !removed.contains(key));
            }
            Op::Evict(until) => self.evict(until),
            Op::Commit => {
                let commits = self.commit().await;
                self.fixture.note(self.versions.len() as u64, commits);
                self.versions.push(self.model.clone());
                self.open().await;
            }
            Op::Abort => {
                for store in &self.stores {
                    store.abort();
                }
                self.model = self.versions[self.versions.len() - 1].clone();
            }
            Op::FailSink => {
                self.commit().await;
                self.open().await;
            }
            Op::Crash => self.restart().await,
            Op::Repartition(partitions) => {
                self.partitions = partitions;
                self.restart().await;
            }
            Op::GoBack => {
                self.versions.truncate((self.versions.len() - 1).max(1));
                self.fixture.go_back_to(self.versions.len() as u64 - 1);
                self.restart().await;
            }
            Op::FinishSnapshots => self.fixture.registry().finish_background().await,
        }
    }

    async fn restart(&mut self) {
        self.fixture.restart();
        self.open().await;
    }

    fn evict(&mut self, until: i64) {
        let evicted: BTreeMap<_, _> = self
            .stores
            .iter()
            .flat_map(|store| evict(&**store, until, 2).unwrap())
            .flat_map(|batch| rows_of(&batch))
            .collect();
        let due = |key: &Key| key.1.is_some_and(|time| time <= until);
        let mut expected = self.model.clone();
        expected.retain(|key, _| due(key));
        assert_eq!(evicted, expected);
        self.model.retain(|key, _| !due(key));
    }

    fn check(&self) {
        let mut held = BTreeMap::new();
        let mut total = 0;
        for store in &self.stores {
            held.extend(rows(&**store, 3).unwrap());
            total += store.metrics().rows_total;
        }
        assert_eq!(held, self.model);
        assert_eq!(total, self.model.len() as u64);
        let all: Vec<Key> = self.model.keys().copied().collect();
        let found = self.stores.iter().map(|s| get(&**s, &keys(&all)).unwrap().positions.len());
        assert_eq!(found.sum::<usize>(), all.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_store_says_what_a_sorted_map_says(ops in prop::collection::vec(op(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::start().await;
            for op in ops {
                run.apply(op).await;
                run.check();
            }
        });
    }
}
