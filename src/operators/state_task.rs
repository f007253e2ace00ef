//! Where the state of an operator is, and the task that changes it in one epoch.
//!
//! The task is one of its own that the epoch waits for, whatever the operators above want to see: a
//! LIMIT above may stop early, but the state must be complete.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use tokio::sync::mpsc;

use crate::checkpoint::id::{OperatorId, PartitionId};
use crate::checkpoint::key_group::KeyGroupSet;
use crate::error::{Error, Result};
use crate::operators::context::{EpochContext, EpochResources};
use crate::operators::exec::Partition;
use crate::operators::report::{EpochReport, PartitionReport};
use crate::runtime::clock::Stopwatch;
use crate::runtime::task::spawn;
use crate::state::registry::StateRequest;
use crate::state::schema::StateSchema;
use crate::state::store::StateStore;

/// Where the state of an operator is, and what it looks like. Holds no handle.
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

/// What the task of a partition gives: rows to the operator above, and a report to the epoch.
#[derive(Debug)]
pub struct StateOutput {
    operator: OperatorId,
    schema: SchemaRef,
    rows: mpsc::Sender<DfResult<RecordBatch>>,
    report: Arc<EpochReport>,
}

impl StateOutput {
    /// Hands rows to the consumer; it may have enough, which is none of the state's business.
    pub async fn emit(&self, batch: RecordBatch) {
        let batch = batch.with_schema(Arc::clone(&self.schema)).map_err(Into::into);
        let _gone = self.rows.send(batch).await;
    }

    /// Counts what was dropped because it came too late.
    pub fn dropped(&self, rows: u64) {
        if rows > 0 {
            self.report.add_dropped(&self.operator, rows);
        }
    }

    /// Writes what has changed, and reports it with the time that the changes took.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn commit(
        &self,
        store: &dyn StateStore,
        updates: Duration,
        removals: Duration,
    ) -> Result<()> {
        let watch = Stopwatch::start();
        let commit = store.commit().await?;
        let metrics = store.metrics();
        let commit_time = watch.elapsed();
        let report = PartitionReport { commit, metrics, updates, removals, commit_time };
        self.report.set_state(&self.operator, report);
        Ok(())
    }
}

/// Starts the task that changes the state of a partition, and gives the rows that it emits.
///
/// # Errors
/// `Internal` outside of an epoch.
pub fn start<W, F>(
    address: &Arc<StateAddress>,
    partition: Partition,
    work: W,
) -> DfResult<SendableRecordBatchStream>
where
    W: FnOnce(Arc<dyn StateStore>, StateOutput) -> F + Send + 'static,
    F: Future<Output = Result<()>> + Send,
{
    let Partition { index, task, schema } = partition;
    let report = Arc::clone(&EpochResources::of(&task)?.report);
    let operator = address.operator.clone();
    let (rows, receiver) = mpsc::channel(2);
    let output = StateOutput {
        operator: operator.clone(),
        schema: Arc::clone(&schema),
        rows: rows.clone(),
        report: Arc::clone(&report),
    };
    let address = Arc::clone(address);
    let run = async move {
        let result = match address.open(index, &task).await {
            Ok(store) => work(store, output).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &result {
            // The consumer must not take the end of its rows for the end of the data; the error
            // itself comes out of the task.
            let stopped = Error::internal(format!("the state could not be saved: {error}"));
            let _gone = rows.send(Err(stopped.into())).await;
        }
        result
    };
    report.add_state_task(&operator, index, spawn(run));
    let rows = stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|batch| (batch, receiver))
    });
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
}
