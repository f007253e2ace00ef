//! The execution plan of an observation: rows pass, and accumulators see them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::error::Result as DfResult;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use datafusion::logical_expr::Accumulator;
use datafusion::physical_plan::ExecutionPlan;
use futures::{Stream, StreamExt};

use crate::error::Result;
use crate::operators::context::EpochResources;
use crate::operators::exec::{Partition, RowExec, RowOperator};
use crate::operators::observe::metrics::{Metrics, Observation, Partial};
use crate::operators::report::EpochReport;

/// Lets all rows pass, and reports what it saw of them at the end of each partition.
#[derive(Debug)]
pub struct ObserveRows {
    /// What is computed.
    pub metrics: Arc<Metrics>,
    /// Who asks for it.
    pub observation: Observation,
}

/// The metrics that a plan observes, the one nearest to the root first.
pub fn observed(plan: &Arc<dyn ExecutionPlan>) -> Vec<Arc<Metrics>> {
    let own = RowExec::operator_of(plan).and_then(|operator| operator.observes());
    let mut all: Vec<_> = own.map(Arc::clone).into_iter().collect();
    for child in plan.children() {
        all.extend(observed(child));
    }
    all
}

impl RowOperator for ObserveRows {
    fn name(&self) -> &'static str {
        "CollectMetricsExec"
    }

    fn describe(&self) -> String {
        let names: Vec<_> = self.metrics.values.iter().map(|(name, _)| name.as_str()).collect();
        format!("{}, [{}]", self.metrics.name, names.join(", "))
    }

    fn schema(&self, input: &SchemaRef) -> Result<SchemaRef> {
        Ok(Arc::clone(input))
    }

    fn observes(&self) -> Option<&Arc<Metrics>> {
        Some(&self.metrics)
    }

    fn execute(
        &self,
        partition: Partition,
        input: SendableRecordBatchStream,
    ) -> DfResult<SendableRecordBatchStream> {
        // A table is queried outside of epochs.
        let report = EpochResources::of(&partition.task).ok().map(|r| Arc::clone(&r.report));
        Ok(Box::pin(ObserveStream {
            input,
            accumulators: self.metrics.accumulators()?,
            metrics: Arc::clone(&self.metrics),
            observation: self.observation.clone(),
            partition: partition.index,
            report,
            is_over: false,
        }))
    }
}

struct ObserveStream {
    input: SendableRecordBatchStream,
    accumulators: Vec<Box<dyn Accumulator>>,
    metrics: Arc<Metrics>,
    observation: Observation,
    partition: usize,
    report: Option<Arc<EpochReport>>,
    /// Whether what was seen was reported, or is of no use because something failed.
    is_over: bool,
}

impl ObserveStream {
    fn see(&mut self, batch: &RecordBatch) -> DfResult<()> {
        for (accumulator, aggregate) in self.accumulators.iter_mut().zip(&self.metrics.aggregates) {
            let arguments = aggregate.expressions();
            let arrays: Vec<ArrayRef> = arguments
                .iter()
                .map(|argument| argument.evaluate(batch)?.into_array(batch.num_rows()))
                .collect::<DfResult<_>>()?;
            accumulator.update_batch(&arrays)?;
        }
        Ok(())
    }

    fn report(&mut self) -> DfResult<()> {
        self.is_over = true;
        let partial: Partial =
            self.accumulators.iter_mut().map(|a| a.state()).collect::<DfResult<_>>()?;
        match &self.report {
            Some(report) => report.add_observed(&self.metrics.name, partial),
            None => self.observation.add(&self.metrics, self.partition, partial),
        }
        Ok(())
    }
}

impl Stream for ObserveStream {
    type Item = DfResult<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.input.poll_next_unpin(cx);
        let done = match &polled {
            Poll::Ready(Some(Ok(batch))) => self.see(batch),
            Poll::Ready(None) if !self.is_over => self.report(),
            Poll::Ready(Some(Err(_))) => {
                self.is_over = true;
                Ok(())
            }
            Poll::Ready(None) | Poll::Pending => Ok(()),
        };
        match done {
            Ok(()) => polled,
            Err(error) => {
                self.is_over = true;
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

impl Drop for ObserveStream {
    /// Whoever wanted a few rows only, as LIMIT does, goes away before the end.
    fn drop(&mut self) {
        if !self.is_over
            && let Err(error) = self.report()
        {
            tracing::warn!("the metrics `{}` are not complete: {error}", self.metrics.name);
        }
    }
}

impl RecordBatchStream for ObserveStream {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
