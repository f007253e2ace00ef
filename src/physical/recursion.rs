//! How far a recursive query goes: DataFusion runs its recursive part until that gives no more rows,
//! which may be never. As in Spark there is a bound on how often it runs, and one on its rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::SchemaRef;
use datafusion::common::config::{ConfigExtension, ConfigOptions};
use datafusion::common::extensions_options;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;

use crate::config::{CTE_LEVELS, CTE_ROWS};
use crate::error::{Error, Result};
use crate::operators::exec::{Partition, RowExec, RowOperator};

extensions_options! {
    /// The bounds of recursive queries; what is none is no bound.
    pub struct RecursionLimits {
        /// How often the recursive part runs at most.
        pub levels: Option<u64>, default = None
        /// From how many rows on it does not run again.
        pub rows: Option<u64>, default = None
    }
}

impl ConfigExtension for RecursionLimits {
    const PREFIX: &'static str = "millstream_recursion";
}

/// Puts a bound on every recursive query of a plan.
#[derive(Debug)]
pub struct LimitRecursion;

impl PhysicalOptimizerRule for LimitRecursion {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let limits = config.extensions.get::<RecursionLimits>().cloned().unwrap_or_default();
        plan.transform_up(|plan| match plan.downcast_ref::<RecursiveQueryExec>() {
            Some(query) => Ok(Transformed::yes(limited(query, &limits)?)),
            None => Ok(Transformed::no(plan)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "limit_recursion"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn limited(
    query: &RecursiveQueryExec,
    limits: &RecursionLimits,
) -> DfResult<Arc<dyn ExecutionPlan>> {
    let done = Arc::<Done>::default();
    let term = |kind, input: &Arc<dyn ExecutionPlan>| {
        let (name, limits, done) = (query.name().to_owned(), limits.clone(), Arc::clone(&done));
        RowExec::plan(LimitedTerm { kind, name, limits, done }, Arc::clone(input))
    };
    Ok(Arc::new(RecursiveQueryExec::try_new(
        query.name().to_owned(),
        query.schema(),
        term(Kind::Anchor, query.static_term())?,
        term(Kind::Recursive, query.recursive_term())?,
        query.is_distinct(),
    )?))
}

/// What a recursive query has done so far.
#[derive(Debug, Default)]
struct Done {
    levels: AtomicU64,
    rows: AtomicU64,
}

/// Which part of a recursive query it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The one that runs once, first.
    Anchor,
    /// The one that runs over what it gave before.
    Recursive,
}

/// One of the two parts of a recursive query, with the bounds of both.
#[derive(Debug, Clone)]
struct LimitedTerm {
    kind: Kind,
    name: String,
    limits: RecursionLimits,
    done: Arc<Done>,
}

impl LimitedTerm {
    /// Counts a run of the part.
    fn begin(&self) -> Result<()> {
        if self.kind == Kind::Anchor {
            self.done.levels.store(0, Ordering::Relaxed);
            self.done.rows.store(0, Ordering::Relaxed);
            return Ok(());
        }
        let levels = self.done.levels.fetch_add(1, Ordering::Relaxed);
        if let Some(most) = self.limits.levels.filter(|most| levels >= *most) {
            return Err(self.endless(&format!("{most} levels"), CTE_LEVELS));
        }
        self.check_rows(self.done.rows.load(Ordering::Relaxed).saturating_add(1))
    }

    fn check_rows(&self, rows: u64) -> Result<()> {
        match self.limits.rows {
            Some(most) if rows > most => Err(self.endless(&format!("{most} rows"), CTE_ROWS)),
            _ => Ok(()),
        }
    }

    fn endless(&self, done: &str, setting: &str) -> Error {
        Error::invalid(format!(
            "the recursive query `{}` has not ended after {done}; bound its recursive part by a \
             condition, or raise `{setting}`, where -1 is no bound",
            self.name
        ))
    }
}

impl RowOperator for LimitedTerm {
    fn name(&self) -> &'static str {
        "RecursionLimitExec"
    }

    fn describe(&self) -> String {
        let bound =
            |bound: Option<u64>| bound.map_or_else(|| "any".to_owned(), |most| most.to_string());
        format!("levels={}, rows={}", bound(self.limits.levels), bound(self.limits.rows))
    }

    fn schema(&self, input: &SchemaRef) -> Result<SchemaRef> {
        Ok(Arc::clone(input))
    }

    fn execute(
        &self,
        partition: Partition,
        input: SendableRecordBatchStream,
    ) -> DfResult<SendableRecordBatchStream> {
        self.begin()?;
        let term = self.clone();
        let rows = input.map(move |batch| {
            let batch = batch?;
            let rows = batch.num_rows() as u64;
            let rows = term.done.rows.fetch_add(rows, Ordering::Relaxed).saturating_add(rows);
            term.check_rows(rows).map_err(DataFusionError::from)?;
            Ok(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(partition.schema, rows)))
    }
}
