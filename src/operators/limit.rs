//! LIMIT over a stream: the first rows of all epochs together, and none after them.
//!
//! How many rows have passed is state like any other, so the count goes on after a restart, and an
//! epoch that runs again lets the same rows pass. The source's offsets move on when no more rows
//! are wanted.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::common::DFSchemaRef;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as DfResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, FetchType, LogicalPlan, SkipType};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::StreamExt;

use crate::checkpoint::id::OperatorId;
use crate::checkpoint::key_group::KeyGroupSet;
use crate::connector::output_mode::OutputMode;
use crate::error::{Error, Result};
use crate::metrics::GLOBAL_LIMIT;
use crate::operators::exec::{self, Partition, RowExec, RowOperator};
use crate::operators::node::{Planner, StreamingNode, StreamingOperator};
use crate::operators::region::{Expansion, Region, RegionExec, StateBound, StatefulPlan};
use crate::operators::report::WatermarkId;
use crate::operators::scan::is_streaming;
use crate::operators::state_task::{self, StateAddress, StateOutput};
use crate::runtime::clock::Stopwatch;
use crate::state::schema::{OperatorStateSchema, StateSchema};
use crate::state::store::{Absent, Keys, StateStore};

/// Puts the node here in the place of every LIMIT over a stream. To be done before DataFusion's
/// rules, which would push a limit of one epoch towards the source.
///
/// # Errors
/// `Unsupported` for a limit that is no constant.
pub fn place_limits(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut alike = 0;
    let placed = plan.transform_up(|node| {
        let LogicalPlan::Limit(limit) = &node else { return Ok(Transformed::no(node)) };
        if !is_streaming(&limit.input) {
            return Ok(Transformed::no(node));
        }
        let (SkipType::Literal(0), FetchType::Literal(Some(fetch))) =
            (limit.get_skip_type()?, limit.get_fetch_type()?)
        else {
            return Err(Error::unsupported(
                "OFFSET, and a LIMIT that is no constant, are not supported over a stream; write LIMIT with a number",
            )
            .into());
        };
        // DataFusion knows what to do with nothing: it reads nothing.
        if fetch == 0 {
            return Ok(Transformed::no(node));
        }
        let input = LogicalPlan::clone(&limit.input);
        let id = OperatorId(format!("limit-{alike}"));
        alike += 1;
        Ok(Transformed::yes(StreamingNode::plan(Arc::new(LimitOperator { id, input, fetch }))))
    })?;
    Ok(placed.data)
}

/// Lets the first rows of a stream pass.
#[derive(Debug, Clone)]
struct LimitOperator {
    id: OperatorId,
    input: LogicalPlan,
    fetch: usize,
}

impl StreamingOperator for LimitOperator {
    fn name(&self) -> &'static str {
        "StreamingLimit"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn with(
        &self,
        _exprs: Vec<Expr>,
        inputs: Vec<LogicalPlan>,
    ) -> DfResult<Arc<dyn StreamingOperator>> {
        let [input] = <[_; 1]>::try_from(inputs)
            .map_err(|_inputs| Error::internal("a limit has one input"))?;
        Ok(Arc::new(Self { id: self.id.clone(), input, fetch: self.fetch }))
    }

    fn describe(&self) -> String {
        format!("{}, {} rows", self.id, self.fetch)
    }

    fn pinned_columns(&self) -> HashSet<String> {
        // A filter above chooses among the rows that have passed.
        self.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    fn needed_columns(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output.to_vec()])
    }

    fn event_time(&self, inputs: &[Vec<bool>]) -> Vec<bool> {
        inputs.first().cloned().unwrap_or_default()
    }

    fn watermark(&self) -> Option<(WatermarkId, Duration)> {
        None
    }

    fn lower(
        &self,
        _planner: &Planner<'_>,
        inputs: &[Arc<dyn ExecutionPlan>],
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let schema = exec::only_child("a limit", inputs.to_vec())?.schema();
        let region = LimitRegion { id: self.id.clone(), fetch: self.fetch };
        Ok(Arc::new(RegionExec::new(Arc::new(region), inputs.to_vec(), schema, 1)))
    }
}

/// A limit that waits to be expanded.
#[derive(Debug)]
struct LimitRegion {
    id: OperatorId,
    fetch: usize,
}

impl Region for LimitRegion {
    fn describe(&self) -> String {
        self.id.to_string()
    }

    fn expand(&self, inputs: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Expansion> {
        let input = exec::only_child("a limit", inputs)?;
        let single: Arc<dyn ExecutionPlan> = match input.output_partitioning().partition_count() {
            1 => input,
            _ => Arc::new(CoalescePartitionsExec::new(input)),
        };
        let count = Field::new("count", DataType::Int64, false);
        let schema = StateSchema {
            key: Arc::new(Schema::empty()),
            value: Arc::new(Schema::new(vec![count])),
            time: None,
        };
        let description = format!("LIMIT {}", self.fetch);
        let state = OperatorStateSchema::new("limit", description, &schema, vec![]);
        let address =
            StateAddress { operator: self.id.clone(), schema, groups: vec![KeyGroupSet::ALL] };
        let limit = LimitRows { address: Arc::new(address), fetch: self.fetch };
        Ok(Expansion {
            plan: RowExec::plan(limit, single)?,
            operator: StatefulPlan {
                id: self.id.clone(),
                kind: GLOBAL_LIMIT,
                partitions: 1,
                schema: state,
                evicts: false,
                key: vec![],
                bound: StateBound::OneRow,
                mode: OutputMode::Append,
            },
        })
    }
}

/// Counts rows over all epochs and lets the first ones pass.
#[derive(Debug)]
pub struct LimitRows {
    address: Arc<StateAddress>,
    fetch: usize,
}

impl RowOperator for LimitRows {
    fn name(&self) -> &'static str {
        "StreamingLimitExec"
    }

    fn describe(&self) -> String {
        format!("{}, {} rows", self.address.operator, self.fetch)
    }

    fn schema(&self, input: &SchemaRef) -> Result<SchemaRef> {
        Ok(Arc::clone(input))
    }

    fn writes_state(&self) -> Option<&OperatorId> {
        Some(&self.address.operator)
    }

    fn execute(
        &self,
        partition: Partition,
        input: SendableRecordBatchStream,
    ) -> DfResult<SendableRecordBatchStream> {
        let fetch = i64::try_from(self.fetch).unwrap_or(i64::MAX);
        state_task::start(&self.address, partition, async move |store, output| {
            pass(fetch, store.as_ref(), &output, input).await
        })
    }
}

/// The work of one epoch. Reads its input to the end, as every operator with state below expects.
async fn pass(
    fetch: i64,
    store: &dyn StateStore,
    output: &StateOutput,
    mut input: SendableRecordBatchStream,
) -> Result<()> {
    let entry = store.locate(&Keys::none(), Absent::Make)?;
    let found = store.read(&entry)?;
    let known = found.values.first().filter(|values| !values.is_empty());
    let mut passed = known.map_or(0, |values| values.as_primitive::<Int64Type>().value(0));
    while let Some(batch) = input.next().await {
        let batch = batch?;
        let left = usize::try_from(fetch - passed).unwrap_or(0).min(batch.num_rows());
        if left > 0 {
            passed += i64::try_from(left).unwrap_or(i64::MAX);
            output.emit(batch.slice(0, left)).await;
        }
    }
    let watch = Stopwatch::start();
    let count: ArrayRef = Arc::new(Int64Array::from(vec![passed]));
    store.write(&entry, &[count])?;
    output.commit(store, watch.elapsed(), Duration::ZERO).await
}
