//! Drops groups that come too late, and counts them.
//!
//! A group is late when the watermark of the epoch before has passed its time. The watermark of the
//! epoch itself decides what is final, not what is late: a row between the two still counts.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use datafusion::error::Result as DfResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;

use crate::checkpoint::id::OperatorId;
use crate::error::{Error, Result};
use crate::event_time::timestamp::EventTime;
use crate::event_time::watermark::Watermark;
use crate::operators::context::{EpochContext, EpochResources};
use crate::operators::exec::{Partition, RowOperator};
use crate::state::schema::TimeColumn;

/// Drops late groups of a stateful operator's input, and counts them.
#[derive(Debug)]
pub struct DropLate {
    /// The operator.
    pub operator: OperatorId,
    /// The column of the input that has the event time.
    pub time: TimeColumn,
}

impl RowOperator for DropLate {
    const NAME: &'static str = "LateFilterExec";

    fn describe(&self) -> String {
        self.operator.to_string()
    }

    fn schema(&self, input: &SchemaRef) -> Result<SchemaRef> {
        Ok(Arc::clone(input))
    }

    fn execute(
        &self,
        partition: Partition,
        input: SendableRecordBatchStream,
    ) -> DfResult<SendableRecordBatchStream> {
        let late = EpochContext::of(&partition.task)?.operator(&self.operator)?.late;
        let report = Arc::clone(&EpochResources::of(&partition.task)?.report);
        let (operator, time) = (self.operator.clone(), self.time);
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
        Ok(Box::pin(RecordBatchStreamAdapter::new(partition.schema, rows.map_err(Into::into))))
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
