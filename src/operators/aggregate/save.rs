//! Puts the merged rows into the state, evicts, and emits by output mode.
//!
//! The work is done by a task of its own that the epoch waits for, whatever the operators above
//! want to see: a LIMIT above may stop early, but the state must be complete.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};
use tokio::sync::mpsc;

use crate::checkpoint::id::{OperatorId, PartitionId};
use crate::checkpoint::key_group::KeyGroupSet;
use crate::error::{Error, Result};
use crate::event_time::timestamp::EventTime;
use crate::event_time::watermark::Watermark;
use crate::operators::aggregate::emit::EmitRule;
use crate::operators::context::{EpochContext, EpochResources};
use crate::operators::exec::{Partition, RowOperator};
use crate::operators::report::{EpochReport, PartitionReport};
use crate::runtime::clock::Stopwatch;
use crate::runtime::task::spawn;
use crate::state::registry::StateRequest;
use crate::state::schema::StateSchema;
use crate::state::store::{ScanCursor, StateStore};

/// Where the state of an aggregation is, and what it looks like. Holds no handle.
#[derive(Debug)]
pub struct StateAddress {
    /// The operator.
    pub operator: OperatorId,
    /// The columns.
    pub schema: StateSchema,
    /// The key groups of each partition.
    pub groups: Vec<KeyGroupSet>,
}

impl StateAddress {
    /// How many columns the key has.
    pub fn keys(&self) -> usize {
        self.schema.key.fields().len()
    }

    /// Opens the state of a partition for the epoch that the task belongs to.
    ///
    /// # Errors
    /// Those of [`StateRegistry::open`](crate::state::registry::StateRegistry::open).
    pub async fn open(&self, partition: usize, task: &TaskContext) -> Result<Arc<dyn StateStore>> {
        let epoch = EpochContext::of(task)?;
        let resources = EpochResources::of(task)?;
        let number =
            u32::try_from(partition).map_err(|_e| Error::internal("too many partitions"))?;
        let groups = *self
            .groups
            .get(partition)
            .ok_or_else(|| Error::internal(format!("no state partition {partition}")))?;
        let request = StateRequest {
            operator: self.operator.clone(),
            partition: PartitionId(number),
            groups,
            version: epoch.operator(&self.operator)?.version,
            run: epoch.run,
            schema: self.schema.clone(),
        };
        let store = resources.state.open(&request).await?;
        resources.report.add_store(Arc::clone(&store));
        Ok(store)
    }
}

/// Puts the rows of its input into the state and emits what the output mode asks for. Each key of
/// the input must come once.
#[derive(Debug)]
pub struct StateSave {
    /// Where the state is.
    pub address: Arc<StateAddress>,
    /// What is emitted and when.
    pub rule: EmitRule,
}

impl RowOperator for StateSave {
    const NAME: &'static str = "StateSaveExec";

    fn describe(&self) -> String {
        format!("{}, {:?}", self.address.operator, self.rule)
    }

    fn schema(&self, input: &SchemaRef) -> Result<SchemaRef> {
        Ok(Arc::clone(input))
    }

    fn execute(
        &self,
        partition: Partition,
        input: SendableRecordBatchStream,
    ) -> DfResult<SendableRecordBatchStream> {
        let Partition { index, task, schema } = partition;
        let report = Arc::clone(&EpochResources::of(&task)?.report);
        let operator = &self.address.operator;
        let (rows, receiver) = mpsc::channel(2);
        let save = Save {
            address: Arc::clone(&self.address),
            schema: Arc::clone(&schema),
            rule: self.rule,
            eviction: EpochContext::of(&task)?.operator(operator)?.eviction,
            batch_size: task.session_config().batch_size(),
            report: Arc::clone(&report),
            rows,
        };
        report.add_state_task(operator, index, spawn(save.run(index, task, input)));
        let rows = stream::unfold(receiver, async |mut receiver| {
            receiver.recv().await.map(|batch| (batch, receiver))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// The work of one partition in one epoch.
struct Save {
    address: Arc<StateAddress>,
    schema: SchemaRef,
    rule: EmitRule,
    eviction: Watermark,
    batch_size: usize,
    report: Arc<EpochReport>,
    rows: mpsc::Sender<DfResult<RecordBatch>>,
}

impl Save {
    async fn run(
        self,
        partition: usize,
        context: Arc<TaskContext>,
        input: SendableRecordBatchStream,
    ) -> Result<()> {
        let result = self.save(partition, &context, input).await;
        if let Err(error) = &result {
            // The consumer must not take the end of its rows for the end of the data; the error
            // itself comes out of the task.
            let stopped = Error::internal(format!("the state could not be saved: {error}"));
            let _gone = self.rows.send(Err(stopped.into())).await;
        }
        result
    }

    async fn save(
        &self,
        partition: usize,
        context: &TaskContext,
        mut input: SendableRecordBatchStream,
    ) -> Result<()> {
        let store = self.address.open(partition, context).await?;
        let mut updates = Duration::ZERO;
        while let Some(batch) = input.next().await {
            let batch = batch?;
            let watch = Stopwatch::start();
            let (keys, values) = batch.columns().split_at(self.address.keys());
            store.put_many(keys, values)?;
            updates += watch.elapsed();
            if self.rule.touched {
                self.emit(batch).await;
            }
        }
        let watch = Stopwatch::start();
        self.evict(store.as_ref()).await?;
        let removals = watch.elapsed();
        if self.rule.all {
            self.emit_all(store.as_ref()).await?;
        }
        let watch = Stopwatch::start();
        let commit = store.commit().await?;
        let report = PartitionReport {
            commit,
            metrics: store.metrics(),
            updates,
            removals,
            commit_time: watch.elapsed(),
        };
        self.report.set_state(&self.address.operator, report);
        Ok(())
    }

    async fn evict(&self, store: &dyn StateStore) -> Result<()> {
        if !self.rule.evict {
            return Ok(());
        }
        let until = EventTime::from_micros(self.eviction.as_micros());
        for batch in store.evict(until, self.batch_size)? {
            if self.rule.evicted {
                self.emit(batch).await;
            }
        }
        Ok(())
    }

    async fn emit_all(&self, store: &dyn StateStore) -> Result<()> {
        let mut cursor = ScanCursor::default();
        while let Some(batch) = store.scan(&mut cursor, self.batch_size)? {
            self.emit(batch).await;
        }
        Ok(())
    }

    /// Hands rows to the consumer; it may have enough, which is none of the state's business.
    async fn emit(&self, batch: RecordBatch) {
        let batch = batch.with_schema(Arc::clone(&self.schema)).map_err(Into::into);
        let _gone = self.rows.send(batch).await;
    }
}
