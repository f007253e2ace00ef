//! The watermarks of each stateful operator in one epoch.
//!
//! An aggregation gives its rows no earlier than its input's watermark passes them, so its output
//! has the watermark of its input and every operator of a chain works with the query's own.

use std::collections::BTreeMap;

use crate::checkpoint::id::{OperatorId, StateVersion};
use crate::event_time::watermark::Watermark;
use crate::operators::context::OperatorEpoch;
use crate::operators::region::StatefulPlan;

/// What each operator works with: rows behind `late`, the watermark of the epoch before, are late;
/// state behind `eviction`, the one of this epoch, is final.
pub fn propagate(
    operators: &[StatefulPlan],
    version: StateVersion,
    late: Watermark,
    eviction: Watermark,
) -> BTreeMap<OperatorId, OperatorEpoch> {
    let epoch = OperatorEpoch { version, late, eviction };
    operators.iter().map(|operator| (operator.id.clone(), epoch)).collect()
}
