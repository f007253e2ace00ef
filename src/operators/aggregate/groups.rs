//! The accumulators of all groups that an epoch touches.

use std::fmt;
use std::sync::Arc;

use arrow::array::ArrayRef;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::GroupsAccumulatorAdapter;

use crate::error::{Error, Result};

/// One accumulator for each aggregate, over groups that are numbered from 0.
pub struct Groups {
    aggregates: Vec<(Box<dyn GroupsAccumulator>, usize)>,
    columns: usize,
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl Groups {
    /// No groups.
    ///
    /// # Errors
    /// Those of the aggregates.
    pub fn try_new(aggregates: &[Arc<AggregateFunctionExpr>]) -> Result<Self> {
        let made = aggregates
            .iter()
            .map(|aggregate| Ok((accumulator(aggregate)?, aggregate.state_fields()?.len())))
            .collect::<DfResult<Vec<_>>>()?;
        let columns = made.iter().map(|(_, columns)| columns).sum();
        Ok(Self { aggregates: made, columns })
    }

    /// Merges rows of partial state into their groups, of which there are `total` so far.
    ///
    /// # Errors
    /// Those of the aggregates; `Internal` for columns that are not theirs.
    pub fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        if states.len() != self.columns {
            let (found, expected) = (states.len(), self.columns);
            let reason = format!("{found} columns of partial state where {expected} are expected");
            return Err(Error::internal(reason));
        }
        let mut rest = states;
        for (accumulator, columns) in &mut self.aggregates {
            let (own, others) = rest.split_at(*columns);
            accumulator.merge_batch(own, groups, total)?;
            rest = others;
        }
        Ok(())
    }

    /// The partial state of all groups, which are gone then.
    ///
    /// # Errors
    /// Those of the aggregates.
    pub fn take_states(&mut self) -> Result<Vec<ArrayRef>> {
        let mut states = Vec::with_capacity(self.columns);
        for (accumulator, _) in &mut self.aggregates {
            states.extend(accumulator.state(EmitTo::All)?);
        }
        Ok(states)
    }

    /// The results of all groups, which are gone then.
    ///
    /// # Errors
    /// Those of the aggregates.
    pub fn take_results(&mut self) -> Result<Vec<ArrayRef>> {
        let accumulators = self.aggregates.iter_mut();
        Ok(accumulators.map(|(one, _)| one.evaluate(EmitTo::All)).collect::<DfResult<_>>()?)
    }

    /// About the bytes of memory.
    pub fn memory(&self) -> usize {
        self.aggregates.iter().map(|(accumulator, _)| accumulator.size()).sum()
    }
}

fn accumulator(aggregate: &Arc<AggregateFunctionExpr>) -> DfResult<Box<dyn GroupsAccumulator>> {
    if aggregate.groups_accumulator_supported() {
        return aggregate.create_groups_accumulator();
    }
    let aggregate = Arc::clone(aggregate);
    Ok(Box::new(GroupsAccumulatorAdapter::new(move || aggregate.create_accumulator())))
}
