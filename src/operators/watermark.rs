//! The watermark of a stream: a node that lets all rows pass and notes how far their time has come.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::array::{Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use datafusion::common::DFSchemaRef;
use datafusion::common::cast::as_timestamp_microsecond_array;
use datafusion::error::Result as DfResult;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_plan::ExecutionPlan;
use futures::{Stream, StreamExt};

use crate::error::{Error, Result};
use crate::event_time::timestamp::EventTime;
use crate::event_time::watermark::EventTimeStats;
use crate::operators::context::EpochResources;
use crate::operators::exec::{self, Partition, RowExec, RowOperator};
use crate::operators::node::{Planner, StreamingNode, StreamingOperator};
use crate::operators::report::{EpochReport, WatermarkId};
use crate::operators::scan::is_streaming;

/// Declares `column` of `input` its event time, of which rows may be late by `delay`. On a plan
/// without a stream the column is checked and the plan comes back as it was.
///
/// # Errors
/// `Invalid` unless `column` is a top-level column of type TIMESTAMP.
pub fn with_watermark(input: LogicalPlan, column: &str, delay: Duration) -> Result<LogicalPlan> {
    let index = find_column(&input, column)?;
    let data_type = input.schema().field(index).data_type();
    match data_type {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => (),
        other => {
            return Err(Error::invalid(format!(
                "a watermark needs a column of type TIMESTAMP, but `{column}` is {other}; cast it in a SELECT below the watermark"
            )));
        }
    }
    if !is_streaming(&input) {
        return Ok(input);
    }
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let id = WatermarkId(NEXT.fetch_add(1, Ordering::Relaxed));
    Ok(StreamingNode::plan(Arc::new(WatermarkOperator { id, input, index, delay })))
}

fn find_column(input: &LogicalPlan, column: &str) -> Result<usize> {
    let fields = input.schema().fields();
    let exact = fields.iter().position(|field| field.name() == column);
    let found = exact.or_else(|| fields.iter().position(|f| f.name().eq_ignore_ascii_case(column)));
    found.ok_or_else(|| Error::NotFound {
        what: "column for the watermark",
        name: column.to_owned(),
        nearest: crate::connector::options::nearest(
            column,
            fields.iter().map(|field| field.name().as_str()),
        )
        .map(str::to_owned),
    })
}

/// Notes the event times of all rows that pass.
#[derive(Debug, Clone)]
pub struct WatermarkOperator {
    id: WatermarkId,
    input: LogicalPlan,
    index: usize,
    delay: Duration,
}

impl WatermarkOperator {
    /// Which watermark this is.
    pub const fn id(&self) -> WatermarkId {
        self.id
    }

    /// How late rows may be.
    pub const fn delay(&self) -> Duration {
        self.delay
    }

    fn column(&self) -> &str {
        self.input.schema().field(self.index).name()
    }
}

impl StreamingOperator for WatermarkOperator {
    fn name(&self) -> &'static str {
        "EventTimeWatermark"
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
            .map_err(|_inputs| Error::internal("a watermark has one input"))?;
        // The optimizer may have removed columns in front of the event time.
        let (qualifier, field) = self.input.schema().qualified_field(self.index);
        let index = input
            .schema()
            .index_of_column_by_name(qualifier, field.name())
            .ok_or_else(|| Error::internal("the event time was removed below its watermark"))?;
        Ok(Arc::new(Self { id: self.id, input, index, delay: self.delay }))
    }

    fn describe(&self) -> String {
        format!("{}, delay {:?}", self.column(), self.delay)
    }

    fn pinned_columns(&self) -> HashSet<String> {
        // A filter on the event time must not hide rows from the watermark; others may.
        HashSet::from([self.column().to_owned()])
    }

    fn needed_columns(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        let mut needed = output.to_vec();
        if !needed.contains(&self.index) {
            needed.push(self.index);
            needed.sort_unstable();
        }
        Some(vec![needed])
    }

    fn event_time(&self, _inputs: &[Vec<bool>]) -> Vec<bool> {
        // A second watermark on the same rows replaces the first.
        (0..self.schema().fields().len()).map(|index| index == self.index).collect()
    }

    fn watermark(&self) -> Option<(WatermarkId, Duration)> {
        Some((self.id, self.delay))
    }

    fn lower(
        &self,
        _planner: &Planner<'_>,
        inputs: &[Arc<dyn ExecutionPlan>],
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let input = exec::only_child("a watermark", inputs.to_vec())?;
        let column = self.column().to_owned();
        let observe = ObserveEventTime { id: self.id, index: self.index, column };
        Ok(RowExec::plan(observe, input)?)
    }
}

/// Lets all rows pass and reports their event times at the end of each partition.
#[derive(Debug)]
struct ObserveEventTime {
    id: WatermarkId,
    index: usize,
    column: String,
}

impl RowOperator for ObserveEventTime {
    fn name(&self) -> &'static str {
        "WatermarkExec"
    }

    fn describe(&self) -> String {
        self.column.clone()
    }

    fn schema(&self, input: &SchemaRef) -> Result<SchemaRef> {
        Ok(Arc::clone(input))
    }

    fn execute(
        &self,
        partition: Partition,
        input: SendableRecordBatchStream,
    ) -> DfResult<SendableRecordBatchStream> {
        let report = Arc::clone(&EpochResources::of(&partition.task)?.report);
        let stats = EventTimeStats::default();
        Ok(Box::pin(WatermarkStream { id: self.id, index: self.index, input, stats, report }))
    }
}

struct WatermarkStream {
    id: WatermarkId,
    index: usize,
    input: SendableRecordBatchStream,
    stats: EventTimeStats,
    report: Arc<EpochReport>,
}

impl Stream for WatermarkStream {
    type Item = DfResult<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.input.poll_next_unpin(cx);
        match &polled {
            Poll::Ready(Some(Ok(batch))) => {
                let times = as_timestamp_microsecond_array(batch.column(self.index))?;
                let seen = observe(times);
                self.stats.merge(&seen);
            }
            Poll::Ready(None) => self.report.add_event_times(self.id, &self.stats),
            Poll::Ready(Some(Err(_))) | Poll::Pending => (),
        }
        polled
    }
}

impl RecordBatchStream for WatermarkStream {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}

/// The event times of a batch. A row without one counts as one of 1970, as in Spark; it cannot
/// move the watermark of any stream of today.
fn observe(times: &TimestampMicrosecondArray) -> EventTimeStats {
    let millis = |micros: i64| EventTime::from_micros(micros).as_millis();
    let mut stats = EventTimeStats::default();
    if let (Some(max), Some(min)) = (compute::max(times), compute::min(times)) {
        let sum = times.iter().flatten().map(|micros| millis(micros) as f64).sum();
        let count = (times.len() - times.null_count()) as u64;
        stats = EventTimeStats { max: millis(max), min: millis(min), sum, count };
    }
    if times.null_count() > 0 {
        let nulls = times.null_count() as u64;
        stats.merge(&EventTimeStats { max: 0, min: 0, sum: 0.0, count: nulls });
    }
    stats
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_event_time_counts_as_1970() {
        let times = TimestampMicrosecondArray::from(vec![Some(5_500), None, Some(7_999)]);
        let stats = observe(&times);
        assert_eq!((stats.max, stats.min, stats.count), (7, 0, 3));
    }
}
