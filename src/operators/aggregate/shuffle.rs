//! The hash of each key as a column: the shuffle goes by it, and so does the state.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, UInt8Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result as DfResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_plan::metrics::Time;
use datafusion::physical_plan::repartition::{BatchPartitioner, RepartitionExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, Partitioning};
use futures::TryStreamExt;

use crate::checkpoint::key_group::{KEY_GROUPS, KeyGroupSet, group_of};
use crate::error::{Error, Result};
use crate::operators::exec::{Partition, RowExec, RowOperator};
use crate::state::KeyHasher;

/// The name of the column with the hash of the key.
const KEY_HASH: &str = "__key_hash";

/// The name of the constant key of an aggregation without keys.
pub const GLOBAL_KEY: &str = "__global";

/// Sends every row to the partition that owns the group of its key, the first `keys` columns. The
/// hash of the key is added as the last column.
///
/// # Errors
/// Those of DataFusion's constructors; `Unsupported` for a key that cannot be kept in state.
pub fn by_key_group(
    input: Arc<dyn ExecutionPlan>,
    keys: usize,
    partitions: usize,
) -> DfResult<Arc<dyn ExecutionPlan>> {
    let hash = input.schema().fields().len();
    let hashed = RowExec::plan(ShuffleKey::Hash { keys }, input)?;
    let group = vec![key_group_of(hash)];
    Ok(Arc::new(RepartitionExec::try_new(hashed, Partitioning::Hash(group, partitions))?))
}

/// The key group of the hash in a column: its lowest byte.
fn key_group_of(hash: usize) -> Arc<dyn PhysicalExpr> {
    let hash = Arc::new(Column::new(KEY_HASH, hash));
    let mask = Arc::new(Literal::new(ScalarValue::UInt64(Some(KEY_GROUPS as u64 - 1))));
    Arc::new(BinaryExpr::new(hash, Operator::BitwiseAnd, mask))
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
    let schema = Arc::new(Schema::new(vec![Field::new(KEY_HASH, DataType::UInt64, false)]));
    let all = UInt64Array::from_iter_values(0..KEY_GROUPS as u64);
    let batch = RecordBatch::try_new(schema, vec![Arc::new(all)])?;
    let mut sets = vec![KeyGroupSet::default(); partitions];
    let mut partitioner =
        BatchPartitioner::new_hash_partitioner(vec![key_group_of(0)], partitions, Time::new())?;
    partitioner.partition(batch, |partition, part| {
        for hash in part.column(0).as_primitive::<UInt64Type>().values() {
            sets[partition].insert(group_of(*hash));
        }
        Ok(())
    })?;
    Ok(sets)
}

/// A column that is added to the rows before the shuffle.
#[derive(Debug, Clone, Copy)]
enum ShuffleKey {
    /// Appends the hash of the first columns.
    Hash { keys: usize },
    /// Prepends a constant.
    Global,
}

impl RowOperator for ShuffleKey {
    fn name(&self) -> &'static str {
        "ShuffleKeyExec"
    }

    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn schema(&self, input: &SchemaRef) -> Result<SchemaRef> {
        let mut fields: Vec<_> = input.fields().iter().cloned().collect();
        match self {
            Self::Hash { keys } if *keys > fields.len() => {
                return Err(Error::internal("more keys than columns"));
            }
            Self::Hash { .. } => {
                fields.push(Arc::new(Field::new(KEY_HASH, DataType::UInt64, false)));
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
        let mut hasher = None;
        let rows = input.and_then(move |batch| {
            futures::future::ready(add_key(&batch, key, &schema, &mut hasher))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(partition.schema, rows)))
    }
}

fn add_key(
    batch: &RecordBatch,
    key: ShuffleKey,
    schema: &SchemaRef,
    hasher: &mut Option<KeyHasher>,
) -> DfResult<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    match key {
        ShuffleKey::Global => {
            columns.insert(0, Arc::new(UInt8Array::from_value(0, batch.num_rows())));
        }
        ShuffleKey::Hash { keys } => {
            let hasher = match hasher {
                Some(hasher) => hasher,
                None => {
                    let fields = schema.fields().iter().take(keys).map(Arc::clone);
                    let key = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
                    hasher.insert(KeyHasher::try_new(&key)?)
                }
            };
            columns.push(Arc::new(hasher.hash(&columns[..keys], batch.num_rows())?));
        }
    }
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
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
