//! Merges the partial state of an epoch into the stored one, evicts, and emits by output mode.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::{SchemaRef, UInt64Type};
use datafusion::error::Result as DfResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use futures::StreamExt;

use crate::checkpoint::id::OperatorId;
use crate::error::Result;
use crate::event_time::timestamp::EventTime;
use crate::operators::aggregate::emission::Emission;
use crate::operators::aggregate::emit::EmitRule;
use crate::operators::aggregate::groups::Groups;
use crate::operators::context::EpochContext;
use crate::operators::exec::{Partition, RowOperator};
use crate::operators::late_rows::LateRows;
use crate::operators::state_task::{self, StateAddress, StateOutput};
use crate::runtime::clock::Stopwatch;
use crate::state::store::{Absent, Keys, StateStore};

/// Merges rows of partial state into the state of an aggregation.
///
/// Its input has the key columns, the columns of partial state, and, when it comes from a shuffle,
/// the hash of the key. It gives the key columns and the results of the aggregates.
#[derive(Debug)]
pub struct MergeGroups {
    /// Where the state is.
    pub address: Arc<StateAddress>,
    /// What is emitted and when.
    pub rule: EmitRule,
    /// The aggregates.
    pub aggregates: Arc<[Arc<AggregateFunctionExpr>]>,
    /// The columns that it gives.
    pub output: SchemaRef,
    /// Whether the last column of the input is the hash of the key.
    pub hashed: bool,
}

impl RowOperator for MergeGroups {
    fn name(&self) -> &'static str {
        "MergeGroupsExec"
    }

    fn describe(&self) -> String {
        let names: Vec<_> = self.aggregates.iter().map(|aggregate| aggregate.name()).collect();
        format!("{}, aggr=[{}], {}", self.address.operator, names.join(", "), self.rule)
    }

    fn schema(&self, _input: &SchemaRef) -> Result<SchemaRef> {
        Ok(Arc::clone(&self.output))
    }

    fn writes_state(&self) -> Option<&OperatorId> {
        Some(&self.address.operator)
    }

    fn execute(
        &self,
        partition: Partition,
        input: SendableRecordBatchStream,
    ) -> DfResult<SendableRecordBatchStream> {
        let task = &partition.task;
        let operator = &self.address.operator;
        let epoch = EpochContext::of(task)?.operator(operator)?;
        let (index, schema) = (partition.index, &self.address.schema);
        let consumer = MemoryConsumer::new(format!("groups of `{operator}` partition {index}"));
        let late = |time| LateRows::new(&schema.key, time, epoch.late);
        let merge = Merge {
            keys: self.address.keys(),
            hashed: self.hashed,
            late: schema.time.filter(|_| self.rule.drop_late).map(late),
            groups: Groups::try_new(&self.aggregates)?,
            reservation: consumer.register(task.memory_pool()),
        };
        let emission = Emission {
            rule: self.rule,
            until: EventTime::from_micros(epoch.eviction.as_micros()),
            keys: self.address.keys(),
            aggregates: Arc::clone(&self.aggregates),
            schema: Arc::clone(&self.output),
            batch_size: task.session_config().batch_size(),
        };
        state_task::start(&self.address, partition, async move |store, output| {
            run(merge, &emission, store.as_ref(), &output, input).await
        })
    }
}

/// The work of one partition in one epoch.
async fn run(
    mut merge: Merge,
    emission: &Emission,
    store: &dyn StateStore,
    output: &StateOutput,
    mut input: SendableRecordBatchStream,
) -> Result<()> {
    let mut updates = Duration::ZERO;
    while let Some(batch) = input.next().await {
        let batch = batch?;
        let watch = Stopwatch::start();
        merge.merge(store, batch)?;
        updates += watch.elapsed();
    }
    let watch = Stopwatch::start();
    let states = merge.save(store)?;
    updates += watch.elapsed();
    if let Some(late) = &merge.late {
        output.dropped(late.dropped());
    }
    emission.touched(store, states, output).await?;
    let watch = Stopwatch::start();
    emission.evicted(store, output).await?;
    let removals = watch.elapsed();
    emission.all(store, output).await?;
    output.commit(store, updates, removals).await
}

/// Puts the rows of its input together with what is stored of their groups.
struct Merge {
    keys: usize,
    hashed: bool,
    late: Option<LateRows>,
    groups: Groups,
    reservation: MemoryReservation,
}

impl Merge {
    /// Merges a batch: first what is stored of its keys, for aggregates such as `first` and `last`.
    fn merge(&mut self, store: &dyn StateStore, batch: RecordBatch) -> Result<()> {
        let batch = match &mut self.late {
            Some(late) => late.drop_from(batch)?,
            None => batch,
        };
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let (columns, hashes) = match batch.columns().split_last() {
            Some((hashes, columns)) if self.hashed => {
                (columns, hashes.as_primitive_opt::<UInt64Type>())
            }
            _ => (batch.columns(), None),
        };
        let (keys, states) = columns.split_at(self.keys);
        let mut keys = Keys::new(keys, batch.num_rows());
        if let Some(hashes) = hashes {
            keys = keys.with_hashes(hashes.values());
        }
        let known = store.entries()?;
        let entries = store.locate(&keys, Absent::Make)?;
        let total = store.entries()?;
        let new: Vec<u32> = (known..total).map(|entry| entry as u32).collect();
        let stored = store.read(&new)?;
        // In one call with what is stored: accumulators rely on it that each group which is new to
        // a call has a row in it.
        let restored = stored.positions.values().iter().map(|at| known + *at as usize);
        let groups: Vec<usize> =
            restored.chain(entries.iter().map(|entry| *entry as usize)).collect();
        if stored.positions.is_empty() {
            self.groups.merge(states, &groups, total)?;
        } else {
            let columns = stored.values.iter().zip(states);
            let columns = columns.map(|(stored, new)| Ok(concat(&[stored, new])?));
            self.groups.merge(&columns.collect::<Result<Vec<_>>>()?, &groups, total)?;
        }
        Ok(self.reservation.try_resize(self.groups.memory())?)
    }

    /// Writes the new partial state of all groups.
    fn save(&mut self, store: &dyn StateStore) -> Result<Vec<ArrayRef>> {
        let entries: Vec<u32> = (0..store.entries()?).map(|entry| entry as u32).collect();
        if entries.is_empty() {
            return Ok(vec![]);
        }
        let states = self.groups.take_states()?;
        self.reservation.free();
        store.write(&entries, &states)?;
        Ok(states)
    }
}
