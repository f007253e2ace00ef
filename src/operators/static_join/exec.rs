//! The join as an execution plan.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{PhysicalExpr, PhysicalExprRef};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::Mutex;

use crate::error::Error;
use crate::operators::exec;
use crate::operators::static_join::build::Built;
use crate::operators::static_join::operator::{Kind, Side};
use crate::operators::static_join::probe::Probe;
use crate::operators::table_scan::versions_below;

/// When two rows belong together, and what comes of it.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) kind: Kind,
    pub(super) stream: Side,
    pub(super) probe_keys: Vec<PhysicalExprRef>,
    pub(super) build_keys: Vec<PhysicalExprRef>,
    /// Whether two nulls are the same key.
    pub(super) nulls_match: bool,
    /// What has to hold besides, over the columns `pair`.
    pub(super) filter: Option<PhysicalExprRef>,
    /// The columns of the left side, then of the right.
    pub(super) pair: SchemaRef,
}

/// Looks the rows of a stream up in what does not stream.
///
/// The static side is shared by all partitions, and by all epochs in which its tables have the same
/// versions: resetting the plan keeps it.
#[derive(Debug, Clone)]
pub(super) struct StaticJoinExec {
    condition: Arc<Condition>,
    probe: Arc<dyn ExecutionPlan>,
    build: Arc<dyn ExecutionPlan>,
    built: Arc<Mutex<Option<Version>>>,
    properties: Arc<PlanProperties>,
}

/// The static side, made of these versions of its tables.
#[derive(Debug)]
struct Version {
    tables: BTreeMap<String, u64>,
    built: Arc<Built>,
}

impl StaticJoinExec {
    /// A join that gives rows of `schema`, in the partitions of the stream.
    pub(super) fn new(
        condition: Arc<Condition>,
        probe: Arc<dyn ExecutionPlan>,
        build: Arc<dyn ExecutionPlan>,
        schema: SchemaRef,
    ) -> Self {
        let partitions = probe.output_partitioning().partition_count();
        let properties = exec::properties(schema, partitions);
        Self { condition, probe, build, built: Arc::default(), properties }
    }

    /// The static side in the versions of the epoch, which is read and hashed when those are new.
    async fn built(&self, context: Arc<TaskContext>) -> DfResult<Arc<Built>> {
        let tables = versions_below(&self.build, &context)?;
        // The partitions of an epoch wait here until the first of them has made it.
        let mut known = self.built.lock().await;
        if let Some(version) = known.as_ref().filter(|version| version.tables == tables) {
            return Ok(Arc::clone(&version.built));
        }
        // The version before goes first, so that there is room for this one.
        *known = None;
        let built = Arc::new(self.build(context).await?);
        *known = Some(Version { tables, built: Arc::clone(&built) });
        Ok(built)
    }

    async fn build(&self, context: Arc<TaskContext>) -> DfResult<Built> {
        let parts = (0..self.build.output_partitioning().partition_count())
            .map(|partition| self.build.execute(partition, Arc::clone(&context)))
            .collect::<DfResult<Vec<_>>>()?;
        let mut rows = vec![];
        for part in parts {
            rows.extend(part.try_collect::<Vec<_>>().await?);
        }
        let memory = MemoryConsumer::new("static side of a join")
            .register(&context.runtime_env().memory_pool);
        let keys = (self.condition.build_keys.as_slice(), self.condition.nulls_match);
        let built = Built::new(&rows, &self.build.schema(), keys, memory)?;
        tracing::debug!(rows = built.rows.num_rows(), "read the static side of a join");
        Ok(built)
    }
}

impl DisplayAs for StaticJoinExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |keys: &[PhysicalExprRef]| {
            keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let Condition { kind, probe_keys, build_keys, filter, .. } = self.condition.as_ref();
        write!(f, "StaticJoinExec: {kind:?}, [{}] = [{}]", names(probe_keys), names(build_keys))?;
        match filter {
            Some(filter) => write!(f, ", if {filter}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for StaticJoinExec {
    fn name(&self) -> &'static str {
        "StaticJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.probe, &self.build]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false, false]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        let Condition { probe_keys, build_keys, filter, .. } = self.condition.as_ref();
        let mut going = TreeNodeRecursion::Continue;
        for expr in probe_keys.iter().chain(build_keys).chain(filter) {
            going = going.visit_sibling(|| f(expr))?;
        }
        Ok(going)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let [probe, build] = <[_; 2]>::try_from(children)
            .map_err(|_children| Error::internal("a join has two inputs"))?;
        // What was read stays: a reset between epochs comes this way.
        let mut new = Self::new(Arc::clone(&self.condition), probe, build, self.schema());
        new.built = Arc::clone(&self.built);
        Ok(Arc::new(new))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let rows = self.probe.execute(partition, Arc::clone(&context))?;
        let (join, schema) = (self.clone(), self.schema());
        let joined = rows.map(move |rows| (rows, join.clone(), Arc::clone(&context))).then(
            |(rows, join, context)| async move {
                let built = join.built(context).await?;
                let schema = join.schema();
                let probe = Probe::new(join.condition, built, schema, rows?)?;
                Ok::<_, DataFusionError>(stream::iter(Batches(probe)))
            },
        );
        let joined = joined.try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, joined)))
    }
}

/// The results for one batch of the stream, made as they are asked for.
struct Batches(Probe);

impl Iterator for Batches {
    type Item = DfResult<arrow::array::RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_batch().map_err(Into::into).transpose()
    }
}
