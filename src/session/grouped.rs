//! A data frame whose rows were grouped.

use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlanBuilder, col, lit};

use crate::error::{Error, Result};
use crate::operators::window_assign::{WINDOW_COLUMN, assign_windows};
use crate::session::data_frame::StreamingDataFrame;
use crate::session::expression::window_call;

/// A data frame whose rows were grouped; made by [`StreamingDataFrame::group_by`].
#[derive(Debug, Clone)]
pub struct GroupedDataFrame {
    frame: StreamingDataFrame,
    keys: Vec<Expr>,
}

impl GroupedDataFrame {
    pub(crate) const fn new(frame: StreamingDataFrame, keys: Vec<Expr>) -> Self {
        Self { frame, keys }
    }

    /// One row for each group: its keys, then the aggregates.
    ///
    /// # Errors
    /// `Invalid` for more than one window among the keys; those of DataFusion's planner.
    pub fn agg(self, aggregates: Vec<Expr>) -> Result<StreamingDataFrame> {
        let (session, mut plan) = self.frame.into_parts();
        let mut keys = Vec::with_capacity(self.keys.len());
        let mut windows = 0;
        for key in self.keys {
            match window_call(&key) {
                None => keys.push(key),
                Some((time, spec)) => {
                    windows += 1;
                    plan = assign_windows(plan, time, spec)?;
                    keys.push(col(WINDOW_COLUMN));
                }
            }
        }
        if windows > 1 {
            return Err(Error::invalid(
                "rows can be grouped by one window() only; group the result of the first by the second",
            ));
        }
        let plan = LogicalPlanBuilder::from(plan).aggregate(keys, aggregates)?;
        // Which keys a row is a total of is a column to the planner, and none of the result.
        let columns = plan.schema().columns().into_iter();
        let columns = columns.filter(|column| column.name != Aggregate::INTERNAL_GROUPING_ID);
        let columns: Vec<Expr> = columns.map(Expr::Column).collect();
        let plan = match columns.len() < plan.schema().fields().len() {
            true => plan.project(columns)?,
            false => plan,
        };
        Ok(session.data_frame(plan.build()?))
    }

    /// One row for each group: its keys, then a column `count` with the number of its rows.
    ///
    /// # Errors
    /// As [`agg`](Self::agg).
    pub fn count(self) -> Result<StreamingDataFrame> {
        self.agg(vec![count(lit(1_i64)).alias("count")])
    }
}
