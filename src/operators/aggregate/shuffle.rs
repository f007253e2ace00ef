//! The column that the shuffle goes by.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt8Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use datafusion::error::Result as DfResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::metrics::Time;
use datafusion::physical_plan::repartition::{BatchPartitioner, RepartitionExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, Partitioning};
use futures::TryStreamExt;

use crate::checkpoint::key_group::{KEY_GROUPS, KeyGroupSet, key_group};
use crate::error::{Error, Result};
use crate::operators::exec::{Partition, RowExec, RowOperator};

/// The name of the column with the key group.
const KEY_GROUP: &str = "__key_group";

/// The name of the constant key of an aggregation without keys.
pub const GLOBAL_KEY: &str = "__global";

/// Sends every row to the partition that owns the group of its key, the first `keys` columns.
///
/// # Errors
/// Those of DataFusion's constructors.
pub fn by_key_group(
    input: Arc<dyn ExecutionPlan>,
    keys: usize,
    partitions: usize,
) -> DfResult<Arc<dyn ExecutionPlan>> {
    let group = input.schema().fields().len();
    let marked = RowExec::plan(ShuffleKey::Group { keys }, input)?;
    let key: Arc<dyn PhysicalExpr> = Arc::new(Column::new(KEY_GROUP, group));
    Ok(Arc::new(RepartitionExec::try_new(marked, Partitioning::Hash(vec![key], partitions))?))
}

/// Puts a constant key before the columns, for an aggregation without keys.
///
/// # Errors
/// Those of Arrow's schemas.
pub fn with_global_key(input: Arc<dyn ExecutionPlan>) -> DfResult<Arc<dyn ExecutionPlan>> {
    Ok(RowExec::plan(ShuffleKey::Global, input)?)
}

/// The key groups that each of so many partitions gets from [`by_key_group`].
///
/// # Errors
/// Those of DataFusion's partitioner.
pub fn groups_of(partitions: usize) -> DfResult<Vec<KeyGroupSet>> {
    if partitions == 1 {
        return Ok(vec![KeyGroupSet::ALL]);
    }
    let schema = Arc::new(Schema::new(vec![Field::new(KEY_GROUP, DataType::UInt8, false)]));
    let all: UInt8Array = (0..KEY_GROUPS).filter_map(|group| u8::try_from(group).ok()).collect();
    let batch = RecordBatch::try_new(schema, vec![Arc::new(all)])?;
    let key: Arc<dyn PhysicalExpr> = Arc::new(Column::new(KEY_GROUP, 0));
    let mut sets = vec![KeyGroupSet::default(); partitions];
    let mut partitioner =
        BatchPartitioner::new_hash_partitioner(vec![key], partitions, Time::new())?;
    partitioner.partition(batch, |partition, part| {
        let groups = part.column(0).as_any().downcast_ref::<UInt8Array>();
        for group in groups.into_iter().flatten().flatten() {
            sets[partition].insert(group);
        }
        Ok(())
    })?;
    Ok(sets)
}

/// The column that the shuffle goes by.
#[derive(Debug, Clone, Copy)]
enum ShuffleKey {
    /// Appends the key group of the first columns.
    Group { keys: usize },
    /// Prepends a constant.
    Global,
}

impl RowOperator for ShuffleKey {
    const NAME: &'static str = "ShuffleKeyExec";

    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn schema(&self, input: &SchemaRef) -> Result<SchemaRef> {
        let mut fields: Vec<_> = input.fields().iter().cloned().collect();
        match self {
            Self::Group { keys } if *keys > fields.len() => {
                return Err(Error::internal("more keys than columns"));
            }
            Self::Group { .. } => {
                fields.push(Arc::new(Field::new(KEY_GROUP, DataType::UInt8, false)));
            }
            Self::Global => {
                fields.insert(0, Arc::new(Field::new(GLOBAL_KEY, DataType::UInt8, false)));
            }
        }
        Ok(Arc::new(Schema::new(fields)))
    }

    fn execute(
        &self,
        partition: Partition,
        input: SendableRecordBatchStream,
    ) -> DfResult<SendableRecordBatchStream> {
        let key = *self;
        let schema = Arc::clone(&partition.schema);
        // Made with the first batch: an epoch without rows needs none.
        let mut converter = None;
        let rows = input.and_then(move |batch| {
            futures::future::ready(add_key(&batch, key, &schema, &mut converter))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(partition.schema, rows)))
    }
}

fn add_key(
    batch: &RecordBatch,
    key: ShuffleKey,
    schema: &SchemaRef,
    converter: &mut Option<RowConverter>,
) -> DfResult<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    match key {
        ShuffleKey::Global => {
            columns.insert(0, Arc::new(UInt8Array::from_value(0, batch.num_rows())));
        }
        ShuffleKey::Group { keys } => {
            let groups = key_groups(&columns[..keys], converter)?;
            columns.push(Arc::new(groups));
        }
    }
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

fn key_groups(keys: &[ArrayRef], converter: &mut Option<RowConverter>) -> DfResult<UInt8Array> {
    let converter = match converter {
        Some(converter) => converter,
        None => {
            let fields = keys.iter().map(|key| SortField::new(key.data_type().clone()));
            converter.insert(RowConverter::new(fields.collect())?)
        }
    };
    let rows = converter.convert_columns(keys)?;
    Ok(rows.iter().map(|row| Some(key_group(row.as_ref()))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_group_has_one_owner() {
        for partitions in [1, 2, 5, 256] {
            let sets = groups_of(partitions).unwrap();
            assert_eq!(sets.len(), partitions);
            assert_eq!(sets.iter().map(KeyGroupSet::len).sum::<usize>(), KEY_GROUPS);
            let disjoint = |a: usize| sets[..a].iter().all(|set| !set.intersects(&sets[a]));
            assert!((0..partitions).all(disjoint));
        }
    }
}
