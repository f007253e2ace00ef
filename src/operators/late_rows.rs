//! Drops groups that come too late, and counts them.
//!
//! A group is late when the watermark of the epoch before has passed its time. The watermark of the
//! epoch itself decides what is final, not what is late: a row between the two still counts.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::TryStreamExt;

use crate::checkpoint::id::OperatorId;
use crate::error::{Error, Result};
use crate::event_time::timestamp::EventTime;
use crate::event_time::watermark::Watermark;
use crate::operators::context::{EpochContext, EpochResources};
use crate::operators::exec;
use crate::state::schema::TimeColumn;

/// Drops late groups of a stateful operator's input, and counts them.
#[derive(Debug, Clone)]
pub struct LateFilterExec {
    operator: OperatorId,
    time: TimeColumn,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl LateFilterExec {
    /// Drops what is late by the column `time` of `input`.
    pub fn new(operator: OperatorId, time: TimeColumn, input: Arc<dyn ExecutionPlan>) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = exec::properties(input.schema(), partitions);
        Self { operator, time, input, properties }
    }
}

impl DisplayAs for LateFilterExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LateFilterExec: {}", self.operator)
    }
}

impl ExecutionPlan for LateFilterExec {
    fn name(&self) -> &'static str {
        "LateFilterExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let child = exec::only_child("LateFilterExec", children)?;
        Ok(Arc::new(Self::new(self.operator.clone(), self.time, child)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let late = EpochContext::of(&context)?.operator(&self.operator)?.late;
        let report = Arc::clone(&EpochResources::of(&context)?.report);
        let input = self.input.execute(partition, context)?;
        let (operator, time, schema) = (self.operator.clone(), self.time, input.schema());
        let rows = input.map_err(Error::from).and_then(move |batch| {
            let kept = keep_timely(&batch, time, late);
            if let Ok(kept) = &kept {
                let dropped = batch.num_rows() - kept.num_rows();
                if dropped > 0 {
                    report.add_dropped(&operator, dropped as u64);
                }
            }
            futures::future::ready(kept)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows.map_err(Into::into))))
    }
}

/// The rows that the watermark has not passed. A row without a time is never late.
fn keep_timely(batch: &RecordBatch, time: TimeColumn, late: Watermark) -> Result<RecordBatch> {
    let column = match time {
        TimeColumn::Timestamp(index) => batch.column(index),
        TimeColumn::Window(index) => {
            let window = batch.column(index).as_struct_opt();
            window
                .and_then(|window| window.column_by_name("end"))
                .ok_or_else(|| Error::internal("a window without an end"))?
        }
    };
    let times = column
        .as_primitive_opt::<TimestampMicrosecondType>()
        .ok_or_else(|| Error::internal(format!("{} is no event time", column.data_type())))?;
    let is_late =
        |time: Option<i64>| time.is_some_and(|t| late.has_passed(EventTime::from_micros(t)));
    if !times.iter().any(is_late) {
        return Ok(batch.clone());
    }
    let timely: BooleanArray = times.iter().map(|time| Some(!is_late(time))).collect();
    Ok(filter_record_batch(batch, &timely)?)
}
