//! `max_by(value, order)` and `min_by(value, order)`: the value of the row with the greatest or the
//! least order. Rows whose order is null count for nothing; of equal orders the last wins.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, AggregateUDF};

use crate::sql::functions::aggregate::define::{Aggregate, Making};
use crate::sql::functions::collections::lists::comparable;
use crate::sql::functions::define::{Call, Given};
use crate::sql::functions::equal_floats::has_map;

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    vec![
        Aggregate::new("max_by", types, state, |making| held(making, true)).udaf(),
        Aggregate::new("min_by", types, state, |making| held(making, false)).udaf(),
    ]
}

fn types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    if has_map(&given.types[1]) {
        return Err(given.refuse("a value, and an order without maps, which have no order"));
    }
    Ok(Call { takes: given.types.to_vec(), gives: given.types[0].clone() })
}

fn state(types: &[DataType]) -> Vec<(&'static str, DataType)> {
    ["value", "order"].into_iter().zip(types.iter().cloned()).collect()
}

fn held(making: &Making<'_>, is_max: bool) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(Held {
        is_max,
        value: ScalarValue::try_new_null(making.argument(0)?)?,
        order: ScalarValue::try_new_null(making.argument(1)?)?,
        key: None,
    }))
}

#[derive(Debug)]
struct Held {
    is_max: bool,
    value: ScalarValue,
    order: ScalarValue,
    /// The order as bytes that compare as it does.
    key: Option<Box<[u8]>>,
}

impl Accumulator for Held {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [value, order] = values else { return internal_err!("two columns were expected") };
        let keys = comparable(order)?;
        let known = (0..order.len()).filter(|row| order.is_valid(*row));
        // Of equal orders both give the last: the greatest that comes last, and the least of the
        // rows from the end.
        let best = match self.is_max {
            true => known.max_by(|a, b| keys.row(*a).cmp(&keys.row(*b))),
            false => known.rev().min_by(|a, b| keys.row(*a).cmp(&keys.row(*b))),
        };
        let Some(best) = best else { return Ok(()) };
        let key = keys.row(best);
        let wins = self.key.as_deref().is_none_or(|held| match self.is_max {
            true => key.as_ref() >= held,
            false => key.as_ref() <= held,
        });
        if wins {
            self.key = Some(key.as_ref().into());
            self.value = ScalarValue::try_from_array(value, best)?.compacted();
            self.order = ScalarValue::try_from_array(order, best)?.compacted();
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        let key = self.key.as_ref().map_or(0, |key| key.len());
        size_of_val(self) + self.value.size() + self.order.size() + key
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), self.order.clone()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}
