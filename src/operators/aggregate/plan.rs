//! The chain of plans that makes up a streaming aggregation.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use crate::checkpoint::id::OperatorId;
use crate::connector::output_mode::OutputMode;
use crate::metrics::STATE_STORE_SAVE;
use crate::operators::aggregate::emit::EmitRule;
use crate::operators::aggregate::merge::MergeGroups;
use crate::operators::aggregate::shuffle::{GLOBAL_KEY, by_key_group, groups_of, with_global_key};
use crate::operators::exec::{RowExec, only_child};
use crate::operators::region::{Expansion, Region, StateBound, StatefulPlan};
use crate::operators::state_task::StateAddress;
use crate::state::schema::{AggregateFormat, OperatorStateSchema, StateSchema, TimeColumn};

/// An aggregation that waits to be expanded.
#[derive(Debug)]
pub struct AggregateRegion {
    /// The operator.
    pub id: OperatorId,
    /// The keys over the input.
    pub group_by: PhysicalGroupBy,
    /// The aggregates over the input.
    pub aggregates: Vec<Arc<AggregateFunctionExpr>>,
    /// The FILTER of each aggregate.
    pub filters: Vec<Option<Arc<dyn PhysicalExpr>>>,
    /// The columns of the input.
    pub input_schema: SchemaRef,
    /// Which of the keys has the event time.
    pub time: Option<TimeColumn>,
    /// What is emitted and when.
    pub rule: EmitRule,
    /// The keys in the user's words.
    pub keys: Vec<String>,
    /// The output mode of the query.
    pub mode: OutputMode,
    /// The windows that keys are made of.
    pub windows: Vec<String>,
    /// How many partitions the state has.
    pub partitions: usize,
}

impl Region for AggregateRegion {
    fn describe(&self) -> String {
        self.id.to_string()
    }

    fn expand(&self, inputs: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Expansion> {
        let input = only_child("an aggregation", inputs)?;
        let partial = Arc::new(AggregateExec::try_new(
            AggregateMode::Partial,
            self.group_by.clone(),
            self.aggregates.clone(),
            self.filters.clone(),
            input,
            Arc::clone(&self.input_schema),
        )?);
        // Aggregates may have changed themselves to fit their input.
        let aggregates: Arc<[_]> = partial.aggr_expr().into();
        let group_by = self.merged_keys(&partial);
        let keys = group_by.num_group_exprs();
        let rows = self.shuffle(partial, keys)?;
        let output = self.output(group_by, &aggregates, &rows)?;
        let hashed = !self.is_global() && self.partitions > 1;
        let columns = rows.schema().fields().len() - usize::from(hashed);
        let row = rows.schema().project(&(0..columns).collect::<Vec<_>>())?;
        let address = Arc::new(self.address(&row, keys)?);
        let mut plan = RowExec::plan(
            MergeGroups {
                address: Arc::clone(&address),
                rule: self.rule,
                aggregates: Arc::clone(&aggregates),
                output,
                hashed,
            },
            rows,
        )?;
        if self.is_global() {
            plan = without_first(plan)?;
        }
        let operator = StatefulPlan {
            id: self.id.clone(),
            kind: STATE_STORE_SAVE,
            partitions: self.partitions,
            schema: self.state_schema(&address, &aggregates),
            // Also where no key has event time, as in Spark: the epoch then only moves the watermark.
            evicts: !self.rule.all,
            key: self.keys.clone(),
            bound: self.bound(),
            mode: self.mode,
        };
        Ok(Expansion { plan, operator })
    }
}

impl AggregateRegion {
    fn is_global(&self) -> bool {
        self.group_by.is_empty()
    }

    fn bound(&self) -> StateBound {
        match self.time {
            _ if self.is_global() => StateBound::OneRow,
            _ if self.rule.all => StateBound::Complete,
            None => StateBound::Unbounded,
            Some(TimeColumn::Timestamp(index) | TimeColumn::Value(index)) => {
                StateBound::Watermark { time: self.key_name(index) }
            }
            Some(TimeColumn::Window(index)) => {
                StateBound::Watermark { time: self.key_name(index) + ".end" }
            }
        }
    }

    fn key_name(&self, index: usize) -> String {
        self.keys.get(index).cloned().unwrap_or_default()
    }

    fn merged_keys(&self, partial: &AggregateExec) -> PhysicalGroupBy {
        if self.is_global() {
            let key: Arc<dyn PhysicalExpr> = Arc::new(Column::new(GLOBAL_KEY, 0));
            return PhysicalGroupBy::new_single(vec![(key, GLOBAL_KEY.to_owned())]);
        }
        partial.group_expr().as_final()
    }

    fn shuffle(
        &self,
        partial: Arc<dyn ExecutionPlan>,
        keys: usize,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        if self.partitions > 1 {
            return by_key_group(partial, keys, self.partitions);
        }
        let single: Arc<dyn ExecutionPlan> = match partial.output_partitioning().partition_count() {
            1 => partial,
            _ => Arc::new(CoalescePartitionsExec::new(partial)),
        };
        if self.is_global() { with_global_key(single) } else { Ok(single) }
    }

    /// The columns of the results, as DataFusion's own last stage would have them.
    fn output(
        &self,
        group_by: PhysicalGroupBy,
        aggregates: &[Arc<AggregateFunctionExpr>],
        rows: &Arc<dyn ExecutionPlan>,
    ) -> DfResult<SchemaRef> {
        let last = AggregateExec::try_new(
            AggregateMode::FinalPartitioned,
            group_by,
            aggregates.to_vec(),
            vec![None; aggregates.len()],
            Arc::clone(rows),
            Arc::clone(&self.input_schema),
        )?;
        Ok(last.schema())
    }

    fn address(&self, row: &Schema, keys: usize) -> DfResult<StateAddress> {
        let columns =
            |from: usize, to: usize| Arc::new(Schema::new(row.fields()[from..to].to_vec()));
        let schema = StateSchema {
            key: columns(0, keys),
            value: columns(keys, row.fields().len()),
            time: self.time,
        };
        Ok(StateAddress { operator: self.id.clone(), schema, groups: groups_of(self.partitions)? })
    }

    fn state_schema(
        &self,
        address: &StateAddress,
        aggregates: &[Arc<AggregateFunctionExpr>],
    ) -> OperatorStateSchema {
        let formats = aggregates.iter().map(|aggregate| AggregateFormat {
            name: aggregate.name().to_owned(),
            format: format_of(aggregate.fun().name()),
        });
        let description = format!("aggregation `{}`", self.id);
        OperatorStateSchema::new("aggregate", description, &address.schema, formats.collect())
            .with_windows(self.windows.clone())
    }
}

/// The form of the partial state of an aggregate; to be raised when a release changes it.
fn format_of(aggregate: &str) -> String {
    let form = match aggregate {
        // These were once DataFusion's, which stores one thing with keys and another without.
        "corr" | "regr_r2" => 2,
        _ => 1,
    };
    format!("{aggregate}-{form}")
}

fn without_first(plan: Arc<dyn ExecutionPlan>) -> DfResult<Arc<dyn ExecutionPlan>> {
    let schema = plan.schema();
    let columns = schema.fields().iter().enumerate().skip(1).map(|(index, field)| ProjectionExpr {
        expr: Arc::new(Column::new(field.name(), index)),
        alias: field.name().clone(),
    });
    let columns: Vec<_> = columns.collect();
    Ok(Arc::new(ProjectionExec::try_new(columns, plan)?))
}
