//! `histogram_numeric(value, bins)`: values in bins that move to where they are dense (Ben-Haim and
//! Tom-Tov, "A streaming parallel decision tree algorithm"): a new value is a bin of its own, and
//! the two bins that are nearest to one another become one when there are too many.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType::{self, Float64, Int64};
use arrow::datatypes::{Field, Fields, Float64Type};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, AggregateUDF};

use crate::sql::functions::aggregate::define::{Aggregate, Making, list_value, lists_of};
use crate::sql::functions::aggregate::numbers::{as_doubles, from_doubles, is_ordered};
use crate::sql::functions::collections::lists::list_of;
use crate::sql::functions::define::{Call, Given};

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    vec![Aggregate::new("histogram_numeric", types, state, make).udaf()]
}

fn bin_fields(value: &DataType) -> Fields {
    Fields::from(vec![Field::new("x", value.clone(), true), Field::new("y", Float64, true)])
}

fn types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    let value = match &given.types[0] {
        DataType::Utf8 | DataType::Null => Float64,
        value if is_ordered(value) => value.clone(),
        _ => return Err(given.refuse("a number, a date or a timestamp, and a number of bins")),
    };
    let gives = list_of(DataType::Struct(bin_fields(&value)));
    Ok(Call { takes: vec![value, Int64], gives })
}

fn state(_types: &[DataType]) -> Vec<(&'static str, DataType)> {
    vec![("centres", list_of(Float64)), ("heights", list_of(Float64))]
}

fn make(making: &Making<'_>) -> Result<Box<dyn Accumulator>> {
    let most = match making.constant(1)? {
        ScalarValue::Int64(Some(most)) if most >= 2 => usize::try_from(most).unwrap_or(usize::MAX),
        _ => return Err(making.refuse("a number of bins of 2 or more as argument 2")),
    };
    Ok(Box::new(Held { value: making.argument(0)?.clone(), most, bins: vec![] }))
}

#[derive(Debug)]
struct Held {
    value: DataType,
    /// How many bins there may be.
    most: usize,
    /// The centre and the height of each bin, in the order of the centres.
    bins: Vec<(f64, f64)>,
}

impl Held {
    fn add(&mut self, centre: f64, height: f64) {
        match self.bins.binary_search_by(|(known, _)| known.total_cmp(&centre)) {
            Ok(at) => self.bins[at].1 += height,
            Err(at) => {
                self.bins.insert(at, (centre, height));
                self.trim();
            }
        }
    }

    fn trim(&mut self) {
        while self.bins.len() > self.most {
            let gap = |at: &usize| self.bins[at + 1].0 - self.bins[*at].0;
            let nearest = (0..self.bins.len() - 1).min_by(|a, b| gap(a).total_cmp(&gap(b)));
            let Some(at) = nearest else { return };
            let (right, left) = (self.bins.remove(at + 1), self.bins[at]);
            let height = left.1 + right.1;
            self.bins[at] = ((left.0 * left.1 + right.0 * right.1) / height, height);
        }
    }
}

impl Accumulator for Held {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values, ..] = values else { return internal_err!("a value was expected") };
        for value in as_doubles(values)?.iter().flatten() {
            self.add(value + 0.0, 1.0);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let fields = bin_fields(&self.value);
        let element = DataType::Struct(fields.clone());
        if self.bins.is_empty() {
            return ScalarValue::try_new_null(&list_of(element));
        }
        let centres: Float64Array = self.bins.iter().map(|(centre, _)| *centre).collect();
        let heights: Float64Array = self.bins.iter().map(|(_, height)| *height).collect();
        let columns = vec![from_doubles(centres, &self.value)?, Arc::new(heights) as ArrayRef];
        let bins = StructArray::try_new(fields, columns, None)?;
        let offsets = OffsetBuffer::from_lengths([self.bins.len()]);
        let field = Arc::new(Field::new("item", element, true));
        Ok(ScalarValue::List(Arc::new(ListArray::try_new(field, offsets, Arc::new(bins), None)?)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bins.capacity() * size_of::<(f64, f64)>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let centres: Float64Array = self.bins.iter().map(|(centre, _)| *centre).collect();
        let heights: Float64Array = self.bins.iter().map(|(_, height)| *height).collect();
        Ok(vec![list_value(Arc::new(centres)), list_value(Arc::new(heights))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [centres, heights] = states else { return internal_err!("a bin has two columns") };
        for (centres, heights) in lists_of(centres)?.iter().zip(lists_of(heights)?) {
            let (Some(centres), Some(heights)) = (
                centres.as_primitive_opt::<Float64Type>(),
                heights.as_primitive_opt::<Float64Type>(),
            ) else {
                return internal_err!("a stored bin has other types");
            };
            for (centre, height) in centres.values().iter().zip(heights.values()) {
                self.add(*centre, *height);
            }
        }
        Ok(())
    }
}
