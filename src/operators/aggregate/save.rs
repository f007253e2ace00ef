//! Puts the merged rows into the state, evicts, and emits by output mode.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use datafusion::error::Result as DfResult;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use crate::error::Result;
use crate::event_time::timestamp::EventTime;
use crate::event_time::watermark::Watermark;
use crate::operators::aggregate::emit::EmitRule;
use crate::operators::context::EpochContext;
use crate::operators::exec::{Partition, RowOperator};
use crate::operators::state_task::{self, StateAddress, StateOutput};
use crate::runtime::clock::Stopwatch;
use crate::state::store::{ScanCursor, StateStore};

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
        format!("{}, {}", self.address.operator, self.rule)
    }

    fn schema(&self, input: &SchemaRef) -> Result<SchemaRef> {
        Ok(Arc::clone(input))
    }

    fn execute(
        &self,
        partition: Partition,
        input: SendableRecordBatchStream,
    ) -> DfResult<SendableRecordBatchStream> {
        let task = &partition.task;
        let save = Save {
            keys: self.address.keys(),
            rule: self.rule,
            eviction: EpochContext::of(task)?.operator(&self.address.operator)?.eviction,
            batch_size: task.session_config().batch_size(),
        };
        state_task::start(&self.address, partition, async move |store, output| {
            save.run(store.as_ref(), &output, input).await
        })
    }
}

/// The work of one partition in one epoch.
struct Save {
    keys: usize,
    rule: EmitRule,
    eviction: Watermark,
    batch_size: usize,
}

impl Save {
    async fn run(
        &self,
        store: &dyn StateStore,
        output: &StateOutput,
        mut input: SendableRecordBatchStream,
    ) -> Result<()> {
        let mut updates = Duration::ZERO;
        while let Some(batch) = input.next().await {
            let batch = batch?;
            let watch = Stopwatch::start();
            let (keys, values) = batch.columns().split_at(self.keys);
            store.put_many(keys, values)?;
            updates += watch.elapsed();
            if self.rule.touched {
                output.emit(batch).await;
            }
        }
        let watch = Stopwatch::start();
        self.evict(store, output).await?;
        let removals = watch.elapsed();
        if self.rule.all {
            self.emit_all(store, output).await?;
        }
        output.commit(store, updates, removals).await
    }

    async fn evict(&self, store: &dyn StateStore, output: &StateOutput) -> Result<()> {
        if !self.rule.evict {
            return Ok(());
        }
        let until = EventTime::from_micros(self.eviction.as_micros());
        for batch in store.evict(until, self.batch_size)? {
            if self.rule.evicted {
                output.emit(batch).await;
            }
        }
        Ok(())
    }

    async fn emit_all(&self, store: &dyn StateStore, output: &StateOutput) -> Result<()> {
        let mut cursor = ScanCursor::default();
        while let Some(batch) = store.scan(&mut cursor, self.batch_size)? {
            output.emit(batch).await;
        }
        Ok(())
    }
}
