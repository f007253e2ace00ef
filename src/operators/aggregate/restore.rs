//! Puts the stored row of each touched key before its new one.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute;
use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::Result;
use crate::operators::exec::{Partition, RowOperator};
use crate::operators::state_task::StateAddress;
use crate::state::store::StateStore;

/// Gives for each batch first the stored rows of its keys, then the batch itself. The order
/// matters to aggregates such as `first` and `last`. Each key of the input must come once.
#[derive(Debug)]
pub struct StateRestore(pub Arc<StateAddress>);

impl RowOperator for StateRestore {
    const NAME: &'static str = "StateRestoreExec";

    fn describe(&self) -> String {
        self.0.operator.to_string()
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
        let (address, output) = (Arc::clone(&self.0), Arc::clone(&schema));
        let rows = stream::once(async move {
            let store = address.open(index, &task).await?;
            let keys = address.keys();
            Ok::<_, DataFusionError>(
                input.map(move |batch| restore(&batch?, keys, store.as_ref(), &output)),
            )
        })
        .try_flatten()
        .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
        .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

fn restore(
    batch: &RecordBatch,
    keys: usize,
    store: &dyn StateStore,
    schema: &SchemaRef,
) -> DfResult<Vec<RecordBatch>> {
    let keys = &batch.columns()[..keys];
    let found = store.get_many(keys)?;
    if found.positions.is_empty() {
        return Ok(vec![batch.clone()]);
    }
    let mut columns: Vec<ArrayRef> = keys
        .iter()
        .map(|key| Ok(compute::take(key, &found.positions, None)?))
        .collect::<Result<_>>()?;
    columns.extend(found.values);
    Ok(vec![RecordBatch::try_new(Arc::clone(schema), columns)?, batch.clone()])
}
