//! `corr` and `regr_r2`: from the means of two numbers and the sums of the products of their
//! distances from these, as Spark does. DataFusion stores one thing with groups and another
//! without, adds up squares, which loses digits, and gives NULL for NaN.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType::{self, Float64};
use arrow::datatypes::Float64Type;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, AggregateUDF};

use crate::sql::functions::aggregate::define::Aggregate;
use crate::sql::functions::define::{Call, Given};

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    vec![
        Aggregate::new("corr", types, state, |_making| {
            Ok(Box::new(Held { gives: correlation, pairs: Pairs::default() }))
        })
        .udaf(),
        Aggregate::new("regr_r2", types, state, |_making| {
            Ok(Box::new(Held { gives: determination, pairs: Pairs::default() }))
        })
        .udaf(),
    ]
}

fn types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    let is_number =
        |of: &DataType| of.is_numeric() || matches!(of, DataType::Utf8 | DataType::Null);
    if !given.types.iter().all(is_number) {
        return Err(given.refuse("two numbers"));
    }
    Ok(Call { takes: vec![Float64, Float64], gives: Float64 })
}

fn state(_types: &[DataType]) -> Vec<(&'static str, DataType)> {
    ["count", "mean_x", "mean_y", "xy", "xx", "yy"].map(|part| (part, Float64)).to_vec()
}

/// How many pairs there are, their means, and the sums of the products of their distances.
#[derive(Debug, Clone, Copy, Default)]
struct Pairs {
    count: f64,
    mean_x: f64,
    mean_y: f64,
    xy: f64,
    xx: f64,
    yy: f64,
}

impl Pairs {
    fn add(&mut self, x: f64, y: f64) {
        self.count += 1.0;
        let (dx, dy) = (x - self.mean_x, y - self.mean_y);
        self.mean_x += dx / self.count;
        self.mean_y += dy / self.count;
        self.xy += dx * (y - self.mean_y);
        self.xx += dx * (x - self.mean_x);
        self.yy += dy * (y - self.mean_y);
    }

    fn merge(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        let count = self.count + other.count;
        let (dx, dy) = (other.mean_x - self.mean_x, other.mean_y - self.mean_y);
        let weight = self.count * other.count;
        self.xy += other.xy + dx * (dy / count) * weight;
        self.xx += other.xx + dx * (dx / count) * weight;
        self.yy += other.yy + dy * (dy / count) * weight;
        self.mean_x += dx / count * other.count;
        self.mean_y += dy / count * other.count;
        self.count = count;
    }
}

/// Nothing of fewer than two pairs, nor where one of the two is always the same.
fn correlation(pairs: &Pairs) -> Option<f64> {
    let spread = (pairs.xx * pairs.yy).sqrt();
    let varies = pairs.xx != 0.0 && pairs.yy != 0.0 && spread != 0.0;
    (pairs.count > 1.0 && varies).then(|| pairs.xy / spread)
}

/// How much of `x`, the first number, the second explains.
fn determination(pairs: &Pairs) -> Option<f64> {
    if pairs.count <= 1.0 || pairs.yy == 0.0 {
        return None;
    }
    if pairs.xx == 0.0 {
        return Some(1.0);
    }
    correlation(pairs).map(|correlation| correlation * correlation)
}

#[derive(Debug)]
struct Held {
    gives: fn(&Pairs) -> Option<f64>,
    pairs: Pairs,
}

impl Accumulator for Held {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [x, y] = values else { return internal_err!("two columns were expected") };
        let (x, y) = (x.as_primitive::<Float64Type>(), y.as_primitive::<Float64Type>());
        for (x, y) in x.iter().zip(y) {
            if let (Some(x), Some(y)) = (x, y) {
                self.pairs.add(x, y);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64((self.gives)(&self.pairs)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let Pairs { count, mean_x, mean_y, xy, xx, yy } = self.pairs;
        let parts = [count, mean_x, mean_y, xy, xx, yy];
        Ok(parts.map(|part| ScalarValue::Float64(Some(part))).to_vec())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [count, mean_x, mean_y, xy, xx, yy] = states else {
            return internal_err!("pairs of numbers have six parts");
        };
        let at = |part: &ArrayRef, row: usize| part.as_primitive::<Float64Type>().value(row);
        for row in (0..count.len()).filter(|row| count.is_valid(*row)) {
            self.pairs.merge(&Pairs {
                count: at(count, row),
                mean_x: at(mean_x, row),
                mean_y: at(mean_y, row),
                xy: at(xy, row),
                xx: at(xx, row),
                yy: at(yy, row),
            });
        }
        Ok(())
    }
}
