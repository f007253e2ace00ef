//! Gives out the results of groups: those that were touched, those that are final, or all.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;

use crate::error::Result;
use crate::event_time::timestamp::EventTime;
use crate::operators::aggregate::emit::EmitRule;
use crate::operators::aggregate::groups::Groups;
use crate::operators::state_task::StateOutput;
use crate::state::store::{ScanCursor, StateStore};

/// What an aggregation gives in one epoch.
#[derive(Debug)]
pub struct Emission {
    /// What is emitted and when.
    pub rule: EmitRule,
    /// Groups up to this time are final.
    pub until: EventTime,
    /// How many columns the key has.
    pub keys: usize,
    /// The aggregates.
    pub aggregates: Arc<[Arc<AggregateFunctionExpr>]>,
    /// The columns: the key, then the results of the aggregates.
    pub schema: SchemaRef,
    /// About how many rows a batch has.
    pub batch_size: usize,
}

impl Emission {
    /// Gives the groups that the epoch has touched, with their partial state, if the rule says so.
    ///
    /// # Errors
    /// Those of the store and of the aggregates.
    pub async fn touched(
        &self,
        store: &dyn StateStore,
        states: Vec<ArrayRef>,
        output: &StateOutput,
    ) -> Result<()> {
        if !self.rule.touched {
            return Ok(());
        }
        let columns = [store.keys()?, states].concat();
        let rows = columns.first().map_or(0, |column| column.len());
        for start in (0..rows).step_by(self.batch_size.max(1)) {
            let length = self.batch_size.min(rows - start);
            let part: Vec<_> = columns.iter().map(|column| column.slice(start, length)).collect();
            output.emit(self.results(&part, length)?).await;
        }
        Ok(())
    }

    /// Removes the groups that are final, and gives them, if the rule says so.
    ///
    /// # Errors
    /// Those of the store and of the aggregates.
    pub async fn evicted(&self, store: &dyn StateStore, output: &StateOutput) -> Result<()> {
        if !self.rule.evict {
            return Ok(());
        }
        while let Some(batch) = store.evict(self.until, self.batch_size)? {
            if self.rule.evicted {
                output.emit(self.results(batch.columns(), batch.num_rows())?).await;
            }
        }
        Ok(())
    }

    /// Gives all groups, if the rule says so.
    ///
    /// # Errors
    /// Those of the store and of the aggregates.
    pub async fn all(&self, store: &dyn StateStore, output: &StateOutput) -> Result<()> {
        if !self.rule.all {
            return Ok(());
        }
        let mut cursor = ScanCursor::default();
        while let Some(batch) = store.scan(&mut cursor, self.batch_size)? {
            output.emit(self.results(batch.columns(), batch.num_rows())?).await;
        }
        Ok(())
    }

    /// Keys and partial state to keys and results. Each row is a group of its own.
    fn results(&self, columns: &[ArrayRef], rows: usize) -> Result<RecordBatch> {
        let (keys, states) = columns.split_at(self.keys);
        let mut groups = Groups::try_new(&self.aggregates)?;
        let each: Vec<usize> = (0..rows).collect();
        groups.merge(states, &each, rows)?;
        let columns = [keys, &groups.take_results()?].concat();
        let options =
            RecordBatchOptions::new().with_row_count(Some(rows)).with_match_field_names(false);
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}
