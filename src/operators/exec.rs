//! What the execution plans of all operators share.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{ExecutionPlan, Partitioning, PlanProperties};

use crate::error::Error;

/// Properties of a plan that promises nothing about order. An epoch is finite, so the plan is
/// bounded even though the table is not.
pub fn properties(schema: SchemaRef, partitions: usize) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(schema),
        Partitioning::UnknownPartitioning(partitions),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
}

/// The only child in `children`.
///
/// # Errors
/// `Internal` when there is not exactly one.
pub fn only_child(
    name: &str,
    children: Vec<Arc<dyn ExecutionPlan>>,
) -> DfResult<Arc<dyn ExecutionPlan>> {
    <[_; 1]>::try_from(children).map(|[child]| child).map_err(|children| {
        DataFusionError::from(Error::internal(format!("{name} got {} children", children.len())))
    })
}
