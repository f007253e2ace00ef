//! `skewness` and `kurtosis`: from the first four central moments, which merge exactly.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, AggregateUDF};

use crate::sql::functions::aggregate::define::Aggregate;
use crate::sql::functions::define::{Call, Given};

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    vec![
        Aggregate::new("skewness", number, state, |_making| held(false)).udaf(),
        Aggregate::new("kurtosis", number, state, |_making| held(true)).udaf(),
    ]
}

fn held(is_fourth: bool) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(Held { is_fourth, moments: Moments::default() }))
}

/// The types of an aggregate of one number, or of a text that is one.
pub(super) fn number(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    match &given.types[0] {
        number if number.is_numeric() || matches!(number, DataType::Utf8 | DataType::Null) => {
            Ok(Call { takes: vec![DataType::Float64], gives: DataType::Float64 })
        }
        _ => Err(given.refuse("a number")),
    }
}

fn state(_types: &[DataType]) -> Vec<(&'static str, DataType)> {
    ["count", "mean", "m2", "m3", "m4"].map(|part| (part, DataType::Float64)).to_vec()
}

/// The number of values, their mean, and the sums of the powers of their distances from it.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    m2: f64,
    m3: f64,
    m4: f64,
}

impl Moments {
    /// Adds a value, in the order of Spark's operations, so that the last digits are Spark's.
    fn add(self, value: f64) -> Self {
        let count = self.count + 1.0;
        let delta = value - self.mean;
        let step = delta / count;
        let mean = self.mean + step;
        let m2 = self.m2 + delta * (delta - step);
        let (delta2, step2) = (delta * delta, step * step);
        let m3 = self.m3 - 3.0 * step * m2 + delta * (delta2 - step2);
        let m4 =
            self.m4 - 4.0 * step * m3 - 6.0 * step2 * m2 + delta * (delta * delta2 - step * step2);
        Self { count, mean, m2, m3, m4 }
    }

    fn merge(self, other: Self) -> Self {
        if self.count == 0.0 {
            return other;
        }
        if other.count == 0.0 {
            return self;
        }
        let (n1, n2) = (self.count, other.count);
        let count = n1 + n2;
        let delta = other.mean - self.mean;
        let step = delta / count;
        let mean = self.mean + step * n2;
        let m2 = self.m2 + other.m2 + delta * step * n1 * n2;
        let m3 = self.m3
            + other.m3
            + step * step * delta * n1 * n2 * (n1 - n2)
            + 3.0 * step * (n1 * other.m2 - n2 * self.m2);
        let m4 = self.m4
            + other.m4
            + step * step * step * delta * n1 * n2 * (n1 * n1 - n1 * n2 + n2 * n2)
            + 6.0 * step * step * (n1 * n1 * other.m2 + n2 * n2 * self.m2)
            + 4.0 * step * (n1 * other.m3 - n2 * self.m3);
        Self { count, mean, m2, m3, m4 }
    }
}

#[derive(Debug)]
struct Held {
    is_fourth: bool,
    moments: Moments,
}

impl Accumulator for Held {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("a moment is taken of one column") };
        for value in values.as_primitive::<Float64Type>().iter().flatten() {
            self.moments = self.moments.add(value);
        }
        Ok(())
    }

    /// Nothing of no values, NaN of values that are all the same.
    fn evaluate(&mut self) -> Result<ScalarValue> {
        let Moments { count, m2, m3, m4, .. } = self.moments;
        if count == 0.0 {
            return Ok(ScalarValue::Float64(None));
        }
        let result = if m2 == 0.0 {
            f64::NAN
        } else if self.is_fourth {
            count * m4 / (m2 * m2) - 3.0
        } else {
            count.sqrt() * m3 / (m2 * m2 * m2).sqrt()
        };
        // All values being the same leaves nothing to measure.
        Ok(ScalarValue::Float64(Some(result).filter(|result| !result.is_nan() || m2.is_nan())))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let Moments { count, mean, m2, m3, m4 } = self.moments;
        Ok([count, mean, m2, m3, m4].map(|part| ScalarValue::Float64(Some(part))).to_vec())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [count, mean, m2, m3, m4] = states else {
            return internal_err!("a moment has five parts");
        };
        let at = |part: &ArrayRef, row: usize| part.as_primitive::<Float64Type>().value(row);
        for row in (0..count.len()).filter(|row| count.is_valid(*row)) {
            self.moments = self.moments.merge(Moments {
                count: at(count, row),
                mean: at(mean, row),
                m2: at(m2, row),
                m3: at(m3, row),
                m4: at(m4, row),
            });
        }
        Ok(())
    }
}
